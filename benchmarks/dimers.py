"""Directed loops on dimers: steps per nanosecond, ours and the same worm in numba.

`python -m benchmarks.dimers` prints both; numba is left out where it is not installed.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

L = 64
STEPS = 10**8  # what a case's time stands for
LOOPS = 20_000  # per chain: about 10^7 steps


def kadanoff_rate(threads: int = 1, **options: Any) -> dict[str, float]:
    """Seconds for STEPS steps of all chains together, and the rate in steps/ns."""
    from kadanoff import dimers

    started = time.perf_counter()
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
    seconds = time.perf_counter() - started
    return {"seconds": seconds * STEPS / run.steps, "rate": run.steps / seconds / 1e9}


def numba_rate() -> float:
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
    started = time.perf_counter()
    steps = worm(d, 2 * LOOPS)
    return steps / (time.perf_counter() - started) / 1e9


def rates(repeats: int = 5) -> dict[str, float]:
    """Best of several, steps/ns on one thread."""
    found = {
        "kadanoff": max(kadanoff_rate()["rate"] for _ in range(repeats)),
        "kadanoff, T = 1": max(kadanoff_rate(T=1.0)["rate"] for _ in range(repeats)),
    }
    with contextlib.suppress(ImportError):
        found["numba"] = max(numba_rate() for _ in range(repeats))
    return found


if __name__ == "__main__":
    print(json.dumps(rates(), indent=1))
