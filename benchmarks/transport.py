"""Conductance of a dot at 30 temperatures, and a fit of U, Gamma and eps to 200 points."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.clock import stopwatch

__all__ = ["conductance", "fitting"]

TRUTH = {"U": 2.0, "Gamma": 0.3, "eps": -0.8, "D": 10.0}
START = {"U": 1.7, "Gamma": 0.36, "eps": -0.7, "D": 10.0}


def conductance(threads: int, repeats: int) -> list[dict[str, Any]]:
    """300 multiplets, four twists."""
    import kadanoff as kd

    found = []
    for i in range(repeats):
        dot = kd.AndersonModel(U=0.1 + 1e-4 * i, Gamma=0.01)
        stop = stopwatch()
        kd.transport.solve(
            dot,
            T=np.geomspace(1e-6, 1e-1, 30),
            keep_multiplets=300,
            z=(0.25, 0.5, 0.75, 1.0),
            errors=False,
            threads=threads,
            progress=False,
        )
        found.append(stop())
    return found


def fitting(threads: int, repeats: int) -> list[dict[str, Any]]:
    """G(T) with noise of 1 % of the quantum of conductance."""
    from scipy.interpolate import CubicSpline

    import kadanoff as kd

    nodes, T = np.geomspace(0.004, 1.0, 14), np.geomspace(0.004, 1.0, 200)
    exact = kd.transport.solve(
        kd.AndersonModel(**TRUTH), T=nodes, errors=False, threads=threads, progress=False
    )
    G = CubicSpline(np.log(nodes), exact.conductance)(np.log(T))
    found = []
    for i in range(repeats):
        noise = 0.02 * np.random.default_rng(i).standard_normal(len(T))
        data = kd.transport.Measurement(T=T, G=G + noise, error=0.02)
        stop = stopwatch()
        kd.transport.fit(kd.AndersonModel(**START), data, threads=threads, progress=False)
        found.append(stop())
    return found
