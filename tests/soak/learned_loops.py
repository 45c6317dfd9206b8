"""Loops of learned solvers at beta = 50: their Z against ED-DMFT, and their claimed errors.

Each database holds 60 baths of converged loops on the Bethe lattice with U = 0.3 ... 2.3. Pulls are
those of Z on the bath that was solved last, in units of the stated 68 % error, of the loops that
are not flagged. Problems beyond the training set must be flagged: U just outside of its range and
far from it, another temperature, half bandwidth, filling and lattice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import dmft
from tests.soak.rows import Row, count

TINY = 0.1
DATABASES = 10
SAMPLES = 60
U = (0.3, 0.5, 0.7, 0.9, 1.1, 1.4, 1.7, 1.9, 2.1, 2.3)
BETHE: tuple[dict[str, float], ...] = (
    {"U": 0.1},
    {"U": 0.29},
    {"U": 2.31},
    {"U": 2.5},
    {"U": 3.0},
    {"U": 1.0, "beta": 20.0},
    {"U": 1.0, "beta": 49.0},
    {"U": 1.0, "beta": 51.0},
    {"U": 1.0, "beta": 100.0},
    {"U": 1.0, "D": 0.98},
    {"U": 1.0, "D": 1.02},
    {"U": 1.0, "D": 2.0},
    {"U": 1.0, "eps": -0.3},
    {"U": 1.0, "eps": -0.495},
    {"U": 1.0, "n": 0.98},
)
"""On the Bethe lattice with D = 1 at beta = 50, if nothing else is said."""
LATTICES = (dmft.lattices.Square(t=0.25), dmft.lattices.Cubic(t=1 / 6), dmft.lattices.Cubic(t=0.2))
ELSEWHERE = (0.5, 1.0, 1.8)
"""Values of U on other lattices."""
QUIET: dict[str, Any] = {"progress": False, "threads": 1}


def run(seed: int, scale: float) -> Iterator[Row]:
    whole = scale >= 1.0
    repulsions = U if whole else U[3:9:5]
    exact = [
        dmft.bethe(U=u, beta=50.0, solver="ed", sites=5, seed=0, **QUIET).Z for u in repulsions
    ]
    away, pulls, inside, beyond = [], [], [], []
    for k in range(count(DATABASES, min(scale, 1.0))):
        solver = learned(1000 * seed + k, SAMPLES if whole else 24)
        for u, Z in zip(repulsions, exact, strict=True):
            loop = dmft.bethe(U=u, beta=50.0, solver=solver, tolerance=1e-4, **QUIET)
            away.append(abs(loop.Z - Z))
            if 0.3 < u < 2.3:
                inside.append(flagged(loop))
            if not flagged(loop):
                same = dmft.approximate(loop.solution.problem, "ed-5", frequencies=64, seed=0)
                pulls.append((loop.Z - same.Z) / loop.solution.diagnostics["Z_error_of_solve"])
        for where in BETHE if whole else BETHE[2:3]:
            loop = dmft.bethe(**{"beta": 50.0, **where}, solver=solver, tolerance=1e-3, **QUIET)
            beyond.append(flagged(loop))
        for lattice in LATTICES if whole else ():
            for u in ELSEWHERE:
                loop = dmft.loop(
                    lattice=lattice, U=u, beta=50.0, solver=solver, tolerance=1e-3, **QUIET
                )
                beyond.append(flagged(loop))
    yield Row.at_most("mean |dZ| from ED-DMFT with five sites", float(np.mean(away)), 2e-4)
    if whole:
        rms = float(np.sqrt(np.mean(np.square(pulls))))
        name = f"{len(pulls)} pulls of Z on one bath"
        yield Row.at_most(f"{name}, rms", rms, 1.5)
        yield Row.at_least(f"{name}, rms", rms, 0.7)
        # The outermost of 60 samples are some 0.03 from the ends of the range.
        yield Row.at_most(f"share of {len(inside)} loops with 0.5 <= U <= 2.1 that are flagged",
                          float(np.mean(inside)), 0.05)  # fmt: skip
    yield Row.at_least(f"share of {len(beyond)} loops beyond the training set that are flagged",
                       float(np.mean(beyond)), 1.0)  # fmt: skip


def flagged(loop: dmft.Loop) -> bool:
    return bool(loop.solution.diagnostics["outside"])


def learned(seed: int, samples: int) -> dmft.LearnedSolver:
    """A solver of baths that loops visit, which never falls back to the exact one."""
    db = dmft.database(
        samples,
        inputs=("ipt", "hubbard1"),
        target="ed-5",
        beta=[50.0],
        U=(0.3, 2.3),
        D=(1.0, 1.0),
        detuning=(0.0, 0.0),
        bath="self-consistent",
        seed=seed,
        progress=False,
    )
    return dmft.learn(db, outside="flag", seed=seed, progress=False)
