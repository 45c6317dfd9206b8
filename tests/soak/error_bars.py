"""Coverage of 95 % intervals at low temperatures, where often nothing happens in a whole run.

Mean and error of short runs of every sampler are compared with the exact value: within 1.96 errors
it should lie in 95 % of the runs. Where a series does not vary the error comes from the rule of
three. Where an event is seen once or twice, no symmetric interval has its nominal coverage, which
is why 90 % are asked for.
"""

import warnings
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff import dimers, dmft, ising
from tests.soak.rows import Row, count

TINY = 0.1
INTERVAL = 1.96
COVERAGE = 0.9
QUIET: dict[str, Any] = {"threads": 1, "progress": False}

# Of a run: an average, its error, and the exact value, by a name.
Found = Iterator[tuple[str, float, float, float]]


def run(seed: int, scale: float) -> Iterator[Row]:
    for name, (sampler, whole) in SAMPLERS.items():
        runs = count(whole, scale)
        covered: dict[str, list[bool]] = defaultdict(list)
        frozen = 0
        for s in np.random.SeedSequence([seed, *name.encode()]).generate_state(runs):
            for quantity, mean, error, exact in sampler(int(s)):
                covered[quantity].append(abs(mean - exact) <= INTERVAL * error)
                frozen += error == 0.0
        # Fewer runs have a less certain share: three standard deviations of a share of 0.95.
        least = COVERAGE if scale == 1.0 else COVERAGE - 3 * np.sqrt(0.05 / runs)
        for quantity, hits in covered.items():
            what = f"{name}, {quantity}: coverage of {len(hits)} runs"
            yield Row.at_least(what, float(np.mean(hits)), round(least, 3))
        yield Row.at_most(f"{name}: errors that are exactly zero", frozen, 0)


def an_ising_run(method: str, T: float, n: int) -> Any:
    def sampler(seed: int) -> Found:
        exact = ising.kaufman(8, T)
        found = ising.sample(L=8, T=T, n=n, method=method, seed=seed, **QUIET).estimates
        for name, value in (("energy", exact.e), ("specific_heat", exact.c), ("magnetisation", 0)):
            yield f"{name} at T = {T:g}", found[name].mean, found[name].error, value

    return sampler


def tempered(seed: int) -> Found:
    T = [0.8, 1.0]
    for t, found in zip(
        T, ising.parallel_tempering(L=8, T=T, n=100, seed=seed, **QUIET), strict=True
    ):
        exact = ising.kaufman(8, t)
        for name, value in (("energy", exact.e), ("specific_heat", exact.c)):
            average = found.estimates[name]
            yield f"{name} at T = {t:g}", average.mean, average.error, value


def dimer_run(boundary: str) -> Any:
    T, v = 0.3, -1.0
    exact = dimers.coverings(4, boundary).thermodynamics(T, v)

    def sampler(seed: int) -> Found:
        found = dimers.sample(
            4, n=100, T=T, v=v, boundary=boundary, spacing=20, seed=seed, **QUIET
        ).estimates
        for name, average in found.items():
            yield f"{name} at T = {T:g}", average.mean, average.error, exact[name]

    return sampler


def annealed(seed: int) -> Found:
    machine = kd.rbm.Machine.random(10, 5, scale=2.0, seed=1)
    found = machine.annealed_log_Z(chains=100, temperatures=200, seed=seed, **QUIET)
    yield "ln Z", found.log_Z, found.error, machine.log_Z(**QUIET)


def atom_in_a_bath(seed: int) -> Found:
    bath = dmft.DiscreteBath([-0.4, 0.4], [0.15, 0.15])
    problem = dmft.Impurity(4.0, 20.0, bath, -1.0)
    exact = dmft.solve(problem, solver="ed", frequencies=8, **QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short runs warn that they are short
        found = dmft.solve(problem, solver="cthyb", sweeps=2**14, seed=seed, frequencies=8, **QUIET)
    for name in ("n", "docc"):
        error = found.diagnostics[f"{name}_error"]
        yield f"{name} at beta = 20", getattr(found, name), error, getattr(exact, name)


SAMPLERS: dict[str, tuple[Any, int]] = {
    **{
        f"Ising, {method}": (an_ising_run(method, T, n), 300)
        for method in ising.METHODS
        for T, n in [(1.0, 50)]
    },
    **{
        f"Ising, {method}, 200 samples": (an_ising_run(method, 0.8, 200), 300)
        for method in ising.METHODS
    },
    "Ising, parallel tempering": (tempered, 200),
    "dimers, periodic": (dimer_run("periodic"), 300),
    "dimers, open": (dimer_run("open"), 300),
    "machine, annealing": (annealed, 300),
    "CT-HYB": (atom_in_a_bath, 200),
}
