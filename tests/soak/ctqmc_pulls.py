"""Deviations of CT-HYB from exact diagonalisation in units of its errors, over 100 random baths.

Short runs, in and out of half filling, 0.5 <= U <= 6 and 2 <= beta <= 60. The root of the mean
square of G at the first four frequencies, n, docc and Z is between 0.7 and 1.3, and ``-2 G(beta)``
is n.
"""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import dmft
from tests.soak.rows import Row, count

TINY = 0.1
BATHS = 100
QUIET: dict[str, Any] = {"threads": 1, "progress": False, "frequencies": 8}


def run(seed: int, scale: float) -> Iterator[Row]:
    pulls: dict[str, list[float]] = defaultdict(list)
    apart, baths = 0.0, count(BATHS, scale)
    for k in range(baths):
        problem = drawn(np.random.default_rng([seed, k]), k)
        exact = dmft.solve(problem, **QUIET)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sweeps = 2**14 if k % 2 else 2**15
            found = dmft.solve(problem, solver="cthyb", sweeps=sweeps, seed=seed + k, **QUIET)
        d = found.diagnostics
        pulls["G"].extend(np.abs(found.G_iw - exact.G_iw)[:4] / d["G_iw_error"][:4])
        names = ("docc", "Z") if problem.is_half_filled else ("n", "docc", "Z")
        for name in names:
            deviation = getattr(found, name) - getattr(exact, name)
            pulls[name].append(deviation / d[f"{name}_error"])
        apart = max(apart, abs(-2.0 * float(found.G.tau(problem.beta)) - found.n))
    # A few baths have a less certain mean square: three standard deviations of it.
    width = 0.3 if scale == 1.0 else 0.3 + 3.0 / math.sqrt(2.0 * baths)
    for name, z in pulls.items():
        rms = float(np.sqrt(np.mean(np.square(z))))
        what = f"{name} of {baths} baths: distance from 1 of the rms deviation {rms:.2f}"
        yield Row.at_most(what, abs(rms - 1.0), round(width, 2))
    yield Row.at_most("-2 G(beta) - n, largest", apart, 1e-9)


def drawn(rng: np.random.Generator, k: int) -> dmft.Impurity:
    """A third symmetric, a third with any level, a third at eps = -U/2 in any bath."""
    sites = int(rng.integers(1, 5))
    beta, U = math.exp(rng.uniform(math.log(2.0), math.log(60.0))), rng.uniform(0.5, 6.0)
    e, V = rng.uniform(-1.5, 1.5, sites), rng.uniform(0.15, 0.6, sites)
    if k % 3 == 0:
        e, V = np.concatenate([e[:2], -e[:2]]), np.concatenate([V[:2], V[:2]])
    doped = rng.uniform(-0.5, 0.5) * (U + 1.0) if k % 3 == 1 else 0.0
    return dmft.Impurity(U, beta, dmft.DiscreteBath(e, V), doped - 0.5 * U)
