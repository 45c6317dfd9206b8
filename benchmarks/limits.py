"""Rates of this machine in the same minutes: products, memory, random numbers; one thread each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.clock import stopwatch

UNITS = {
    "dgemm": ("GF/s", 1e9),
    "sgemm": ("GF/s", 1e9),
    "copy": ("GB/s read and written", 1e9),
    "random": ("Gbit/s", 1e9),
}
"""What a rate is counted in, and what one of it is in operations, bytes or bits per second."""


def _best(action: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        stop = stopwatch()
        action()
        times.append(stop()["cpu"])
    return min(times)


def rates() -> dict[str, Any]:
    """Operations, bytes or bits per second of processor time; the best of five."""
    import numpy as np

    generator = np.random.default_rng(0)
    n = 1000
    a = generator.normal(size=(n, n))
    b = a.astype(np.float32)
    source = np.zeros(1 << 23)  # 64 MB: more than the caches hold
    target = np.ones_like(source)
    fastest = np.random.SFC64(0)
    words = 1 << 22
    return {
        "dgemm": 2.0 * n**3 / _best(lambda: a @ a),
        "sgemm": 2.0 * n**3 / _best(lambda: b @ b),
        "copy": 2.0 * source.nbytes / _best(lambda: np.copyto(target, source)),
        "random": 64.0 * words / _best(lambda: fastest.random_raw(words, output=False)),
    }


def text(found: dict[str, float]) -> str:
    """The rates in a sentence."""
    each = (
        f"{name} {found[name] / one:.3g} {unit}"
        for name, (unit, one) in UNITS.items()
        if name in found
    )
    return f"Limits of this machine on one thread, measured in the same run: {', '.join(each)}."
