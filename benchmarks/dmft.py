"""Discrete impurity problems, the learning database and loops."""

from __future__ import annotations

from typing import Any

from benchmarks.case import Measure, Measured
from benchmarks.clock import stopwatch


def impurity(sites: int, beta: float, **options: Any) -> Measure:
    """Solve a discrete impurity problem with 512 Matsubara frequencies, another one each time."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import numpy as np

        import kadanoff as kd

        e = np.linspace(-1.0, 1.0, sites)
        found = []
        for i in range(repeats):
            bath = kd.dmft.DiscreteBath(e + 1e-3 * i, np.full(sites, 0.5 / sites**0.5))
            problem = kd.dmft.Impurity(U=2.0, beta=beta, bath=bath, eps=-0.9)
            stop = stopwatch()
            kd.dmft.solve(problem, threads=threads, progress=False, **options)
            found.append(stop())
        return found

    return measure


def database(inputs: bool) -> Measure:
    """100 samples x 6 temperatures of the learning database, in so many processes, once warm.

    With all inputs and target ED-4, or the target alone.
    """

    def measure(threads: int, repeats: int) -> list[Measured]:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        import kadanoff as kd

        names = {} if inputs else {"inputs": ()}
        found = []
        with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as pool:
            options = {"executor": pool, "progress": False, **names}
            kd.dmft.database(4 * threads, first=10**6, chunk=1, **options)
            for i in range(repeats):
                stop = stopwatch()
                kd.dmft.database(100, first=100 * i, chunk=5, **options)
                found.append(stop())
        return found

    return measure


def bethe_loop(solver: str, **options: Any) -> Measure:
    """A converged DMFT solution on the Bethe lattice at beta = 50, U near 2."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            stop = stopwatch()
            kd.dmft.bethe(U=2.0 + 1e-3 * i, beta=50.0, solver=solver, threads=threads, **options)
            found.append(stop())
        return found

    return measure
