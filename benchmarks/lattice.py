"""DMFT on a lattice of many energies, and bounds of a spectrum from Monte Carlo data."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.clock import stopwatch

POINTS = 100
"""Wave vectors in each of two directions."""


def looping(threads: int, repeats: int) -> list[dict[str, Any]]:
    """A converged loop on 10^4 band energies, as in the case of the Bethe lattice."""
    import kadanoff as kd

    k = 2.0 * np.pi * (np.arange(POINTS) + 0.5) / POINTS
    lattice = kd.dmft.lattices.Dispersion(-0.5 * (np.cos(k)[:, None] + np.cos(k)))
    options: dict[str, Any] = {"solver": "ed", "sites": 5, "tolerance": 1e-6, "threads": threads}
    found = []
    for i in range(repeats):
        stop = stopwatch()
        kd.dmft.loop(lattice=lattice, U=2.0 + 1e-3 * i, beta=50.0, **options)
        found.append(stop())
    return found


def bounding(threads: int, repeats: int) -> list[dict[str, Any]]:
    """One certified bound of the smeared spectrum, from above and below."""
    import kadanoff as kd

    problem = kd.dmft.Impurity(U=2.0, beta=20.0, bath=kd.SemicircularBand())
    solution = kd.dmft.solve(problem, solver="cthyb", sweeps=2**15, seed=1, threads=threads)
    found = []
    for i in range(repeats):
        stop = stopwatch()
        solution.spectral_bounds([0.1 * i], 0.2, progress=False)
        found.append(stop())
    return found
