"""Continuous-time Monte Carlo: seconds of updates, and time for an equal error of G beside pyalps.

`python -m benchmarks.ctqmc [rounds]` runs both programs in turns on the hybridisation of the free
Bethe lattice, at beta = 50, U = 2 and beta = 10, U = 4, and prints for how much longer pyalps has
to run for an equal error of G(i w_0): by the errors that the programs report, and by the
deviations of their results from the average of ours. `make bench-peers` installs pyalps.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.clock import stopwatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

BETA, U = 50.0, 2.0
UPDATES = 10**7  # what a case's time stands for


def problem(h: float = 0.0, beta: float = BETA, U: float = U) -> Any:
    import kadanoff as kd
    from kadanoff.bands.densities import SemicircularBand

    return kd.dmft.Impurity(U=U, beta=beta, bath=SemicircularBand(), h=h)


SWEEPS = 2**17


def sweeping(h: float) -> Any:
    """Seconds for the same number of sweeps with a field or without, measurements included."""

    def measure(threads: int, repeats: int) -> list[dict[str, Any]]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            stop = stopwatch()
            kd.dmft.solve(
                problem(h), solver="cthyb", sweeps=SWEEPS, seed=i, threads=threads, progress=False
            )
            found.append(stop())
        return found

    return measure


def sampling(threads: int, repeats: int) -> list[dict[str, Any]]:
    """Seconds for 10^7 updates, measurements included."""
    import kadanoff as kd

    found = []
    for i in range(repeats):
        stop = stopwatch()
        run = kd.dmft.solve(
            problem(),
            solver="cthyb",
            sweeps=2**17,
            equilibration=1024,
            seed=i,
            threads=threads,
            progress=False,
        )
        found.append(stop(UPDATES / run.diagnostics["updates"]))
    return found


PROBLEMS = ((50.0, 2.0), (10.0, 4.0))
SECONDS = 8  # of a run of pyalps; its equilibration is a small part of them
RUNS = 2  # of ours per run of pyalps, which is three to thirty times longer


class Known(NamedTuple):
    """Im G(i w_0) after a run, its reported error, and the processor time of the run."""

    value: float
    error: float
    seconds: float


def ours(beta: float, U: float, seed: int) -> Known:
    """A run with default settings on one thread."""
    import kadanoff as kd

    at = problem(beta=beta, U=U)
    cpu = time.process_time()
    run = kd.dmft.solve(at, solver="cthyb", seed=seed, threads=1, progress=False)
    cpu = time.process_time() - cpu
    return Known(float(run.G_iw[0].imag), float(run.diagnostics["G_iw_error"][0]), cpu)


def alps(beta: float, U: float, seed: int, updates: int = 200) -> Known:
    """The segment code of pyalps, `updates` between measurements.

    With 200 its errors after a given time are smallest, and with no more than two frequencies.
    """
    import pyalps.cthyb
    import pyalps.hdf5

    points = 1000
    Delta = problem(beta=beta, U=U).Delta().tau(np.linspace(0.0, beta, points + 1))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        rows = (f"{i} {d:.15g} {d:.15g}" for i, d in enumerate(Delta))
        Path("delta.dat").write_text("\n".join(rows) + "\n", encoding="ascii")
        cpu = time.process_time()
        pyalps.cthyb.solve(
            {
                "SWEEPS": 10**9,
                "THERMALIZATION": 1000,
                "N_MEAS": updates,
                "N_ORBITALS": 2,
                "BASENAME": "out",
                "MAX_TIME": SECONDS,
                "VERBOSE": 0,
                "SEED": seed,
                "DELTA": "delta.dat",
                "N_TAU": points,
                "MU": 0.5 * U,
                "U": U,
                "BETA": beta,
                "MEASURE_freq": 1,
                "N_MATSUBARA": 2,
            }
        )
        cpu = time.process_time() - cpu
        archive = pyalps.hdf5.archive("out.out.h5", "r")
        G = "/simulation/results/gw_im_{}/mean/"
        # Two spins with errors of their own; ours is the error of their average.
        value, error = (
            [float(archive[G.format(spin) + name][0]) for spin in (0, 1)]
            for name in ("value", "error")
        )
        return Known(0.5 * sum(value), 0.5 * math.hypot(*error), cpu)


def comparison(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> str:
    """Ratio of squared error times processor time, by both kinds of error; rows are runs."""
    weights = mine[:, 1] ** -2.0
    G = np.sum(weights * mine[:, 0]) / weights.sum()
    lines = [f"Im G(i w_0) = {G:.5f} +- {weights.sum() ** -0.5:.5f}"]
    products = {}
    for name, runs in (("kadanoff", mine), ("pyalps", theirs)):
        gaps = runs[:, 0] - G
        pulls = np.sqrt(np.mean((gaps / runs[:, 1]) ** 2))
        lines.append(f"{name}: {len(runs)} runs, deviations {pulls:.2f} of the reported errors")
        products[name] = np.array([runs[:, 1] ** 2 * runs[:, 2], gaps**2 * runs[:, 2]])
    reported, true = products["pyalps"].mean(axis=1) / products["kadanoff"].mean(axis=1)
    random = np.random.default_rng(1)
    spread = [
        random.choice(products["pyalps"][1], len(theirs)).mean()
        / random.choice(products["kadanoff"][1], len(mine)).mean()
        for _ in range(4000)
    ]
    low, high = np.percentile(spread, [16, 84])
    lines.append(f"time for an equal error: {reported:.1f} times by reported errors")
    lines.append(f"                         {true:.1f} ({low:.1f} - {high:.1f}) by deviations")
    return "\n".join(lines)


def main(rounds: int) -> None:
    if importlib.util.find_spec("pyalps") is None:
        raise SystemExit("pyalps is not installed: `make bench-peers` installs it")
    for beta, U in PROBLEMS:
        ours(beta, U, 0)  # imports and caches
        mine: list[Known] = []
        theirs: list[Known] = []
        for k in range(1, rounds + 1):
            for first in (k % 2 == 0, k % 2 == 1):
                if first:
                    theirs.append(alps(beta, U, k))
                else:
                    mine += [ours(beta, U, RUNS * k + i) for i in range(RUNS)]
        print(f"beta = {beta:g}, U = {U:g}, {rounds} rounds in turns")
        print(comparison(np.array(mine), np.array(theirs)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
