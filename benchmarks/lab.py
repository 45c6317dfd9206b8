"""From a slider's move to the new picture, as the person at the slider has it.

The explorer runs as in a notebook, without a page: a value is set, the worker solves, draws and
compresses, and the picture is in the widget. What the browser adds is a few milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

Measured = dict[str, Any]

MOVES = 60


def kondo_slider(percentile: float) -> Callable[[int, int], list[Measured]]:
    """Moves of U and J_SW in turn, each to a value that no cache knows: a percentile of 60."""

    def measure(threads: int, repeats: int) -> list[Measured]:
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
                    if at % 2:
                        name, value = "U", 0.3 + 0.005 * at % 1.0
                    else:
                        name, value = "J_sw", 0.15 + 0.0025 * at % 0.4
                    before = len(explorer.times)
                    explorer.sliders[name].value = value
                    while len(explorer.times) == before:
                        time.sleep(0.0005)
                seconds = [s for _, s in explorer.times]
                found.append({"seconds": float(np.percentile(seconds, percentile))})
        finally:
            explorer.close()
        return found

    return measure
