"""Wall-clock and processor time of an action, and why a measurement may be missing."""

from __future__ import annotations

import time
from collections.abc import Callable

Measured = dict[str, float]


class NotInstalledError(RuntimeError):
    """A peer that this machine does not have."""


def stopwatch(scale: float = 1.0) -> Callable[..., Measured]:
    """Start; the call that comes back stops, and gives seconds and processor seconds.

    The processor time is that of all threads of this process. Both are multiplied with a factor,
    for a case whose time stands for more or less work than was done.
    """
    wall, cpu = time.perf_counter(), time.process_time()

    def stop(scale: float = scale) -> Measured:
        seconds, processor = time.perf_counter() - wall, time.process_time() - cpu
        return {"seconds": scale * seconds, "cpu": scale * processor}

    return stop
