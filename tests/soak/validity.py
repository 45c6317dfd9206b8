"""`Solution.valid` of every approximate solver against exact diagonalisation.

Problems with 3 to 5 bath sites, in and out of half filling, with and without a gap, at
0.1 <= U <= 8 and 1 <= beta <= 200. Z of a solution is good within 10 % or 0.02. Of the solutions
that are called valid 95 % must be good, and of the good ones half must be called valid.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import dmft
from tests.soak.rows import Row, count

TINY = 0.1
PROBLEMS = 200
APPROXIMATE = ("ipt", "nca", "hubbard1", "ed-1", "ed-2", "ed-3")
QUIET: dict[str, Any] = {"threads": 1, "progress": False, "frequencies": 64}


def run(seed: int, scale: float) -> Iterator[Row]:
    rng = np.random.default_rng([seed, 18])
    found: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for k in range(count(PROBLEMS, scale)):
        problem = drawn(rng, k)
        exact = dmft.solve(problem, solver="ed", **QUIET)
        for name in APPROXIMATE:
            solution = dmft.approximate(problem, name, seed=seed, **QUIET)
            good = abs(solution.Z - exact.Z) <= max(0.1 * exact.Z, 0.02)
            found[name].append((solution.valid, good))
    for name, answers in found.items():
        valid, good = np.array(answers).T
        what = f"{name}, {valid.size} problems"
        share = float(np.mean(good[valid])) if valid.any() else 0.0
        yield Row.at_least(f"{what}: share of good Z among {valid.sum()} valid", share, 0.95)
        kept = float(np.mean(valid[good])) if good.any() else 0.0
        yield Row.at_least(f"{what}: share of valid among {good.sum()} good Z", kept, 0.5)


def drawn(rng: np.random.Generator, k: int) -> dmft.Impurity:
    """A random bath, or the levels of a band with or without a gap; every other pair doped."""
    beta = math.exp(rng.uniform(0.0, math.log(200.0)))
    U = math.exp(rng.uniform(math.log(0.1), math.log(8.0)))
    sites = int(rng.integers(3, 6))
    if k % 2:
        e = rng.uniform(-1.5, 1.5, sites)
        V = rng.uniform(0.05, 0.6, sites) / math.sqrt(0.5 * sites)
    else:
        gap = rng.uniform(0.0, 1.2) if rng.random() < 0.3 else 0.0
        angle = np.pi * np.arange(1, sites + 1) / (sites + 1)
        weight = 2.0 / (sites + 1) * np.sin(angle) ** 2
        x, D = np.cos(angle), rng.uniform(0.5, 2.0)
        e = D * x + gap * np.sign(np.round(x, 12))
        V = np.sqrt(weight) * D * rng.uniform(0.06, 0.6)
    doped = rng.uniform(-1.0, 1.0) * (0.5 * U + 0.5) if k % 4 > 1 else 0.0
    return dmft.Impurity(U, beta, dmft.DiscreteBath(e, V), doped - 0.5 * U)
