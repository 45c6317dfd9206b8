"""From a slider's move to the new picture, as the person at the slider has it.

The explorer runs as in a notebook, without a page: a value is set, the worker solves, draws and
compresses, and the picture is in the widget. What the browser adds is a few milliseconds.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

Measured = dict[str, Any]

MOVES = 60


def kondo_slider(threads: int, repeats: int) -> list[Measured]:
    """Moves of U and J_SW in turn, each to a value that no cache knows; the median of every repeat.

    "p95" is the 95th percentile.
    """
    import kadanoff as kd

    del threads  # an explorer takes all cores
    explorer: Any = kd.lab.explore_kondo()
    explorer.latest.wait(120)
    explorer.latest._pause = 60.0  # coarse pictures only: the slider does not rest
    found = []
    try:
        for repeat in range(repeats):
            explorer.times.clear()
            for move in range(MOVES):
                at = move + MOVES * repeat
                name, value = (
                    ("U", 0.3 + 0.005 * at % 1.0) if at % 2 else ("J_sw", 0.15 + 0.0025 * at % 0.4)
                )
                before = len(explorer.times)
                explorer.sliders[name].value = value
                while len(explorer.times) == before:
                    time.sleep(0.0005)
            seconds = np.array([s for _, s in explorer.times])
            found.append(
                {
                    "seconds": float(np.median(seconds)),
                    "p95": float(np.percentile(seconds, 95)),
                }
            )
    finally:
        explorer.close()
    return found
