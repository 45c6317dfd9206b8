"""DMFT loops of Mott insulators by CT-HYB: all finish, and agree with exact diagonalisation.

In the gap Delta(tau) in the middle of the interval is far below the noise of its own Green
function, which must never stop a loop.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import NotConverged, dmft
from tests.soak.rows import Row, count

TINY = 0.04
SEEDS = 3
CASES = (
    (30.0, 10.0, 2**14),
    (4.0, 50.0, 2**14),
    (3.0, 10.0, 2**16),
    (5.0, 10.0, 2**18),
    (8.0, 50.0, 2**16),
    (12.0, 20.0, 2**15),
    (3.0, 100.0, 2**14),
    (20.0, 100.0, 2**14),
)
"""U / D, beta D and sweeps."""
FITTED = 2e-3
"""Relative error of a bath of five sites: Z of five and of six differ by less."""
QUIET: dict[str, Any] = {"threads": 1, "progress": False}


def run(seed: int, scale: float) -> Iterator[Row]:
    wanted = count(len(CASES) * SEEDS, scale)
    done, pulls, positive = 0, [], 0
    for k in range(wanted):
        U, beta, sweeps = CASES[k % len(CASES)]
        exact = dmft.bethe(U=U, beta=beta, start="insulator", sites=5, seed=1, **QUIET)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # short runs warn that they are short
                loop = dmft.bethe(
                    U=U,
                    beta=beta,
                    start="insulator",
                    solver="cthyb",
                    sweeps=sweeps,
                    max_iterations=60,
                    seed=1000 * seed + k,
                    **QUIET,
                )
        except (NotConverged, ValueError):
            continue
        done += 1
        positive += bool(np.any(loop.solution.G_tau >= 0.0)) + (loop.state != "insulator")
        for name in ("Z", "docc"):
            mean, error = loop.average(name)
            true = getattr(exact, name)
            pulls.append((mean - true) / math.hypot(error, FITTED * true))
    yield Row.at_least(
        f"{wanted} insulating loops, U = 3 to 30, beta = 10 to 100: done", done, wanted
    )
    yield Row.at_most("loops with G(tau) >= 0, or that are no insulators", positive, 0)
    rms = float(np.sqrt(np.mean(np.square(pulls)))) if pulls else math.nan
    yield Row.at_most("Z and docc against ED, rms deviation in errors", rms, 1.5)
    yield Row.at_most("largest deviation in errors", float(np.max(np.abs(pulls))), 4.5)
