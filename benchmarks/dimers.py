"""Directed loops on dimers: steps per nanosecond, ours and the same worm in numba.

`python -m benchmarks.dimers` prints both; numba is left out where it is not installed.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from benchmarks.clock import stopwatch

L = 64
STEPS = 10**8  # what a case's time stands for
LOOPS = 20_000  # per chain: about 10^7 steps


def kadanoff_rate(threads: int = 1, **options: Any) -> dict[str, float]:
    """Seconds for STEPS steps of all chains together, and the rate in steps/ns."""
    from kadanoff import dimers

    stop = stopwatch()
    run = dimers.sample(
        L,
        n=8,
        chains=8,
        spacing=LOOPS,
        equilibration=0,
        coverings=False,
        seed=1,
        threads=threads,
        progress=False,
        **options,
    )
    found = stop(STEPS / run.steps)
    return {**found, "rate": STEPS / found["seconds"] / 1e9}


def numba_worm(threads: int, repeats: int) -> list[dict[str, float]]:
    """The plain worm on directions and coordinates, one step after the other, compiled."""
    import numba
    import numpy as np

    @numba.njit  # type: ignore[untyped-decorator]
    def worm(d: Any, loops: int) -> int:
        n = d.shape[0]
        dx = np.array([1, 0, -1, 0])
        dy = np.array([0, 1, 0, -1])
        steps = 0
        for _ in range(loops):
            x0, y0 = np.random.randint(n), np.random.randint(n)  # noqa: NPY002
            out = d[y0, x0]
            x, y = (x0 + dx[out]) % n, (y0 + dy[out]) % n
            back = out ^ 2
            while True:
                steps += 1
                turn = (back + 1 + np.random.randint(3)) & 3  # noqa: NPY002
                d[y, x] = turn
                x, y = (x + dx[turn]) % n, (y + dy[turn]) % n
                out = d[y, x]
                d[y, x] = turn ^ 2
                if x == x0 and y == y0:
                    break
                x, y = (x + dx[out]) % n, (y + dy[out]) % n
                back = out ^ 2
        return steps

    d = np.tile(np.array([0, 2]), (L, L // 2))
    worm(d, 10)
    found = []
    for _ in range(repeats):
        stop = stopwatch()
        steps = worm(d, 2 * LOOPS)
        measured = stop(STEPS / steps)
        found.append({**measured, "rate": STEPS / measured["seconds"] / 1e9})
    return found


def worm(threads: int, repeats: int) -> list[dict[str, float]]:
    """Directed loops on a torus of 64 x 64 dimers, scaled to 10^8 steps."""
    return [kadanoff_rate(threads) for _ in range(repeats)]


def rates(repeats: int = 5) -> dict[str, float]:
    """Best of several, steps/ns on one thread."""
    found = {
        "kadanoff": max(kadanoff_rate()["rate"] for _ in range(repeats)),
        "kadanoff, T = 1": max(kadanoff_rate(T=1.0)["rate"] for _ in range(repeats)),
    }
    with contextlib.suppress(ImportError):
        found["numba"] = max(row["rate"] for row in numba_worm(1, repeats))
    return found


if __name__ == "__main__":
    print(json.dumps(rates(), indent=1))
