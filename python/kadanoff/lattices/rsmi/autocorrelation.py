r"""How many of the rows are independent, by the observables of blocks along them.

    M_i   spin i of the block, averaged over places, where the samples are not symmetric
    sum_i (M_i - <M_i>)^2
    (sum_i v_i)^2, averaged over places

Chunks of rows that are held out lie two chunks apart. With chunks of 2.5 of the longest
autocorrelation time their averages are independent, so that a bootstrap over chunks has the right
error, and what they share with the rows in between, from which a rule is learned, is little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kadanoff._base.statistics import estimate
from kadanoff._base.types import FloatArray
from kadanoff.lattices.rsmi.configurations import Configurations
from kadanoff.lattices.rsmi.places import Places

__all__ = [
    "MIN_TIMES",
    "autocorrelation_time",
    "checked_time",
    "chunk_count",
    "chunk_means",
    "longest",
]

MIN_TIMES = 75  # autocorrelation times, of which a chain that is too short seems to hold more
CHUNK_TIMES = 2.5  # where chunks lie two chunks apart
ADJACENT_TIMES = 5.0  # where they follow each other
MIN_TIMES_ADJACENT = 20  # of an average that has no held-out part
CHUNKS = 100
PLACES = 1024
BLOCKS = 1 << 21  # of all rows together


def autocorrelation_time(samples: Configurations, places: Places) -> float:
    """The longest integrated autocorrelation time of block observables, in rows."""
    count = max(1, min(PLACES, len(places), BLOCKS // max(1, len(samples))))
    chosen = (np.arange(count) * len(places)) // count
    over_places, squares = samples.block_sums(places.visible[chosen])
    around, times = np.zeros(len(samples)), [estimate(squares / count).tau]
    for sums in over_places:
        M = sums / count
        around += np.square(M - M.mean())
        if not samples.symmetric:
            times.append(estimate(M).tau)
    return max(*times, estimate(around).tau)


def longest(series: Sequence[FloatArray]) -> float:
    """The longest autocorrelation time of several series."""
    return max(estimate(x).tau for x in series)


def checked_time(tau: float, n: int) -> float:
    """Refuse rows that hold too few independent configurations.

    The time counts with twice its own error, relative ``sqrt(2 (2 W + 1) / n)`` for a window
    W = 6 tau: of a short chain it is found too short more often than not. Of 200 chains of 25 true
    autocorrelation times one is then accepted whose bound lies above the truth by 3 sigma.
    """
    upper = tau * (1 + 2 * math.sqrt(2 * (12 * tau + 1) / n))
    _enough(n, tau, upper, MIN_TIMES)
    return tau


def _enough(n: int, tau: float, upper: float, times: int) -> None:
    if n < times * upper:
        factor = math.ceil(times * upper / n)
        raise ValueError(
            f"samples are too few: {n} configurations with an autocorrelation time of {tau:.3g} "
            f"(up to {upper:.3g}) rows hold {n / upper:.0f} such times, and an error that holds "
            f"needs {times}; take about {factor} times as many, or as many {factor} times farther "
            "apart"
        )


def chunk_count(n: int, tau: float, most: int, times: float = CHUNK_TIMES) -> int:
    """Chunks of at least `times` the memory of the chain, `most` if that is short."""
    shortest = times * max(0.0, tau - 0.5)
    return max(1, min(most, n if shortest <= 1 else int(n / shortest)))


def chunk_means(rows: FloatArray, series: Sequence[FloatArray]) -> FloatArray:
    """Averages over chunks of rows, to be resampled, with a length for the memory of `series`."""
    tau = longest(series)
    _enough(len(rows), tau, tau, MIN_TIMES_ADJACENT)
    count = chunk_count(len(rows), tau, CHUNKS, ADJACENT_TIMES)
    count = len(rows) // max(1, len(rows) // count)
    edges = np.linspace(0, len(rows), count + 1).astype(int)
    sums = np.add.reduceat(rows, edges[:-1], axis=0)
    return np.asarray(sums / np.diff(edges)[:, None])
