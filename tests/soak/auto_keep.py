"""What `keep="auto"` gains and what it takes, against a fixed number of kept states.

The largest error of the entropy at equal work, and the work in units of that of 2000 states; work
is counted in operations of the diagonalisation. The truth of levels without interaction is exact
on the same shells, that of interacting dots comes from 6000 states.
"""

import numpy as np

from kadanoff import AndersonModel, KondoModel, nrg
from tests.resonant_level import on_the_same_shells
from tests.soak.rows import Row, count

TINY = 0.3
KEEPS = (250, 500, 1000, 2000)
MANY = 6000
OF = {"threads": 1, "progress": False, "errors": False}


def run(seed, scale):
    """Rows for each Lambda; the couplings are drawn from the seed."""
    rng = np.random.default_rng([seed, 57])
    times = []
    for Lambda in (3.0, 2.5)[: count(2, scale)]:
        found = [_compared(model, Lambda) for model in _models(rng)[: count(5, scale)]]
        gains, works = np.transpose(found)
        name = f"Lambda = {Lambda:g}, {len(found)} models"
        mean = float(np.exp(np.mean(np.log(gains))))
        yield Row.at_most(f"largest error, auto / fixed at equal work, mean, {name}", mean, 1.0)
        times += [(float(works.min()), f"least, {name}"), (float(works.max()), f"largest, {name}")]
    if scale >= 1:
        level = AndersonModel(U=0, V=0.1, eps=0.005)
        runs = [nrg.solve(level, Lambda=2.0, keep=k, T_min=1e-2, **OF) for k in ("auto", 2000)]
        times.append((_work(runs[0]) / _work(runs[1]), "Lambda = 2, one level"))
    for ratio, name in times:
        yield Row(f"work of auto / work of 2000 states, {name}", ratio, "no limit", ratio > 0)


def _models(rng):
    V = np.exp(rng.uniform(np.log(0.03), np.log(0.3), 2)).tolist()
    dot = AndersonModel(U=float(rng.uniform(0.2, 0.6)), J_sw=float(rng.uniform(0.2, 0.5)))
    level = AndersonModel(U=0, V=V[1], eps=float(rng.uniform(0.5, 2)) * V[1] ** 2)
    wide = AndersonModel(U=float(rng.uniform(0.05, 0.2)), V=0.1)
    return [
        KondoModel(J=float(rng.uniform(0.2, 0.4))),
        AndersonModel(U=0, V=V[0]),
        level,
        dot,
        wide,
    ]


def _compared(model, Lambda):
    """Error of auto in units of that of a fixed number at equal work, and its work."""
    of = {"Lambda": Lambda, "T_min": 1e-4, **OF}
    auto = nrg.solve(model, keep="auto", **of)
    if getattr(model, "U", 1) == 0:
        exact = on_the_same_shells(auto)["entropy"]
    else:
        exact = nrg.solve(model, keep=MANY, **of).entropy
    fixed = [nrg.solve(model, keep=keep, **of) for keep in KEEPS]
    errors = [float(np.abs(run.entropy - exact).max()) for run in fixed]
    at = np.log([_work(run) for run in fixed])
    equal = np.exp(np.interp(np.log(_work(auto)), at, np.log(errors)))
    return float(np.abs(auto.entropy - exact).max()) / equal, _work(auto) / _work(fixed[-1])


def _work(run):
    return float(sum(np.sum(x.arrays["timing"]["reduction_flops"]) for x in run.levels))
