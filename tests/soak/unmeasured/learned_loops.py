"""Loops of learned solvers at beta = 50: their Z against ED-DMFT, and their claimed errors.

Each database holds 60 baths of converged loops on the Bethe lattice with U = 0.3 ... 2.3. Pulls are
those of Z on the bath that was solved last, in units of the stated 68 % error. Problems beyond the
training set, another temperature and doping among them, must be flagged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import dmft
from tests.soak.rows import Row, count

TINY = 0.1
DATABASES = 5
SAMPLES = 60
U = (0.35, 0.5, 0.7, 0.9, 1.1, 1.35, 1.6, 1.85, 2.05, 2.2)
BEYOND: tuple[dict[str, float], ...] = (
    {"U": 0.1, "beta": 50.0},
    {"U": 2.5, "beta": 50.0},
    {"U": 3.0, "beta": 50.0},
    {"U": 1.0, "beta": 20.0},
    {"U": 1.0, "beta": 100.0},
    {"U": 1.0, "beta": 50.0, "eps": -0.3},
)
QUIET: dict[str, Any] = {"progress": False, "threads": 1}


def run(seed: int, scale: float) -> Iterator[Row]:
    whole = scale >= 1.0
    repulsions, beyond = (U, BEYOND) if whole else (U[3:9:5], BEYOND[1:2])
    exact = [
        dmft.bethe(U=u, beta=50.0, solver="ed", sites=5, seed=0, **QUIET).Z for u in repulsions
    ]
    away, pulls, flagged = [], [], []
    for k in range(count(DATABASES, min(scale, 1.0))):
        solver = learned(1000 * seed + k, SAMPLES if whole else 24)
        for u, Z in zip(repulsions, exact, strict=True):
            loop = dmft.bethe(U=u, beta=50.0, solver=solver, tolerance=1e-4, **QUIET)
            same = dmft.approximate(loop.solution.problem, "ed-5", frequencies=64, seed=0)
            away.append(abs(loop.Z - Z))
            pulls.append((loop.Z - same.Z) / loop.solution.diagnostics["Z_error"])
        for where in beyond:
            loop = dmft.bethe(**where, solver=solver, tolerance=1e-3, **QUIET)
            flagged.append(loop.solution.diagnostics["outside"])
    yield Row.at_most("mean |dZ| from ED-DMFT with five sites", float(np.mean(away)), 2e-4)
    if whole:
        rms = float(np.sqrt(np.mean(np.square(pulls))))
        name = f"{len(pulls)} pulls of Z on one bath"
        yield Row.at_most(f"{name}, rms", rms, 1.5)
        yield Row.at_least(f"{name}, rms", rms, 0.7)
    yield Row.at_least("share of problems beyond the training set that are flagged",
                       float(np.mean(flagged)), 1.0)  # fmt: skip


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
