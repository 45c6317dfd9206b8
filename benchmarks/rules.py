"""Block rules from samples."""

from __future__ import annotations

from typing import Any

from benchmarks.case import Measure, Measured
from benchmarks.clock import stopwatch


def block_rules(kind: str) -> Measure:
    """Learn a block rule from 30,000 samples, drawn before the clock starts."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        import kadanoff as kd

        found = []
        for i in range(repeats):
            if kind.startswith("ising"):
                samples: Any = kd.ising.sample(L=64, T=kd.ising.T_c, n=30_000, seed=1 + i)
                side = 2 if kind == "ising" else 4
                options: dict[str, Any] = {"block": (side, side), "buffer": 1, "bound": 1.0}
            else:
                samples = kd.dimers.sample(64, n=30_000, seed=1 + i)
                hidden = 2 if kind == "dimers" else 4
                options = {"block": (8, 8), "buffer": 2, "hidden": hidden, "bound": 0.3}
            stop = stopwatch()
            rule = kd.rsmi.learn(samples, progress=False, seed=0, **options)
            measured: Measured = stop()
            information = rule.information.value if rule.information else None
            found.append({**measured, "information": information})
        return found

    return measure
