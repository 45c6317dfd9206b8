"""The error of T_K that a run states, against many more states and a finer discretisation.

Ten dots with U / (pi Gamma) between 1.5 and 5, every second one away from half filling, in all
definitions of T_K that thermodynamics has. T_K of 3,000 states at the same Lambda shows the
truncation; Lambda = 2 with four twists shows the discretisation too.
"""

import warnings

import numpy as np

from kadanoff import AndersonModel, nrg
from kadanoff.impurities.effective.kondo_scales import DEFINITIONS
from tests.soak.rows import Row, count

DOTS = 10
KEEPS = (300, 600)
MANY = {"keep": 3000}
FINE = {"keep": 3000, "Lambda": 2.0, "z": (0.25, 0.5, 0.75, 1.0)}
TINY = 0.2


def run(seed, scale):
    """Coverage of the errors at 95 %, over dots and definitions."""
    rng = np.random.default_rng([seed, 300])
    references = {"3,000 states": MANY} | ({"Lambda = 2, four twists": FINE} if scale >= 1 else {})
    ratios = {(keep, name): [] for keep in KEEPS for name in references}
    for i in range(count(DOTS, scale)):
        dot, options = _dot(rng, symmetric=i % 2 == 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", nrg.Coarse)
            runs = {keep: nrg.solve(dot, keep=keep, **options) for keep in KEEPS}
        for name, more in references.items():
            true = nrg.solve(dot, errors=False, **options | more)
            for keep, found in runs.items():
                ratios[keep, name] += list(_ratios(found, true))
    for (keep, name), found in ratios.items():
        covered = float(np.mean(np.array(found) <= 1))
        what = f"keep = {keep} against {name}: {len(found)} T_K within their error"
        yield Row.at_least(what, covered, 0.95)


def _dot(rng, *, symmetric):
    """A dot, and options of a run that reaches 0.003 T_K."""
    U = float(np.exp(rng.uniform(np.log(0.02), np.log(1.0))))
    ratio = float(rng.uniform(1.5, 5.0))
    eps = -U * (0.5 if symmetric else float(rng.uniform(0.35, 0.5)))
    T_K = U * np.exp(-(np.pi**2) * ratio / 8)
    options = {"T_min": 1e-4 * T_K / ratio, "threads": 1, "progress": False}
    return AndersonModel(U=U, Gamma=U / np.pi / ratio, eps=eps), options


def _ratios(found, true):
    for definition in DEFINITIONS:
        stated, exact = found.T_K(definition), true.T_K(definition)
        if exact.value is not None and stated.value is not None:
            yield abs(stated.value - exact.value) / stated.error
