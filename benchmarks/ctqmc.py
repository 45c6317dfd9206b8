"""Continuous-time Monte Carlo: updates per second, and what is known of G after a while.

`python -m benchmarks.ctqmc [seconds]` prints both at beta = 50, U = 2 for the free Bethe lattice's
hybridisation, ours and, where pyalps is installed, those of the segment code in it.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.clock import stopwatch

BETA, U = 50.0, 2.0
UPDATES = 10**7  # what a case's time stands for


def problem(h: float = 0.0) -> Any:
    import kadanoff as kd
    from kadanoff.bands.densities import SemicircularBand

    return kd.dmft.Impurity(U=U, beta=BETA, bath=SemicircularBand(), h=h)


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


def ours(seconds: float) -> dict[str, float]:
    """Rate on one thread and relative errors after a time; the rate counts processor time."""
    import kadanoff as kd

    cpu = time.process_time()
    run = kd.dmft.solve(
        problem(), solver="cthyb", seconds=seconds, seed=1, threads=1, progress=False
    )
    cpu = time.process_time() - cpu
    d = run.diagnostics
    return {
        "cpu": cpu,
        "rate": d["updates"] / cpu / 1e6,
        "order": 0.5 * d["order"],
        "error_order": 0.5 * d["order_error"],
        "G": float(run.G_iw[0].imag),
        "error_G": float(d["G_iw_error"][0] / abs(run.G_iw[0])),
        "error_docc": d["docc_error"] / run.docc,
    }


def alps(seconds: float, updates: int = 200) -> dict[str, float]:
    """Order of one spin and G(i w_0) by pyalps.cthyb, `updates` between measurements.

    With 200 its errors after a given time are smallest, and with no more than two frequencies.
    """
    import numpy as np
    import pyalps.cthyb
    import pyalps.hdf5

    points = 1000
    Delta = problem().Delta().tau(np.linspace(0.0, BETA, points + 1))
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
                "MAX_TIME": int(seconds),
                "VERBOSE": 0,
                "SEED": 1,
                "DELTA": "delta.dat",
                "N_TAU": points,
                "MU": 0.5 * U,
                "U": U,
                "BETA": BETA,
                "MEASURE_freq": 1,
                "N_MATSUBARA": 2,
            }
        )
        cpu = time.process_time() - cpu
        archive = pyalps.hdf5.archive("out.out.h5", "r")
        results = "/simulation/results/"
        order, G = results + "order_0/", results + "gw_im_{}/mean/"
        # Two spins with errors of their own; ours is the error of their average.
        value, error = (
            [float(archive[G.format(spin) + name][0]) for spin in (0, 1)]
            for name in ("value", "error")
        )
        measurements = float(archive[order + "count"])
        return {
            "cpu": cpu,
            "rate": measurements * updates / cpu / 1e6,
            "order": float(archive[order + "mean/value"]),
            "error_order": float(archive[order + "mean/error"]),
            "G": 0.5 * sum(value),
            "error_G": math.hypot(*error) / abs(sum(value)),
        }


if __name__ == "__main__":
    budget = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    answer: dict[str, Any] = {"kadanoff": ours(budget)}
    with contextlib.suppress(ImportError):
        answer["pyalps"] = alps(budget)
    print(json.dumps(answer, indent=1))
