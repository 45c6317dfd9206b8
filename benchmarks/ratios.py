"""Ratios of times that were measured in turns, so that both programs had the same minutes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

Measured = dict[str, Any]


def middle(round_: Sequence[Measured], what: str) -> float | None:
    """Median of "seconds" or "cpu" in one round; None where one is missing."""
    values = [m.get(what) for m in round_]
    if not values or any(value is None for value in values):
        return None
    return statistics.median(float(value) for value in values if value is not None)


def in_turns(
    ours: Sequence[Sequence[Measured]], theirs: Sequence[Sequence[Measured]]
) -> dict[str, Any]:
    """Median and range over the rounds of their time over ours: "cpu" and "seconds"."""
    out: dict[str, Any] = {}
    for what in ("cpu", "seconds"):
        pairs = [(middle(a, what), middle(b, what)) for a, b in zip(ours, theirs, strict=True)]
        ratios = [b / a for a, b in pairs if a and b]
        if len(ratios) == len(pairs) > 0:
            out[what] = [statistics.median(ratios), min(ratios), max(ratios)]
    return out


def interval(ratios: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Geometric mean of ratios of single rounds, and its confidence interval by Student's t.

    Logarithms of times in turns scatter about alike above and below; with fewer than two rounds
    nothing is known, and the interval is everything.
    """
    from scipy.stats import t

    logs = [math.log(r) for r in ratios]
    centre = statistics.fmean(logs)
    if len(logs) < 2:
        return math.exp(centre), 0.0, math.inf
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    half = float(t.ppf(0.5 + 0.5 * confidence, len(logs) - 1)) * error
    return math.exp(centre), math.exp(centre - half), math.exp(centre + half)


def words(theirs: float, ours: float) -> str:
    """How much faster or slower we are; the factor is at least one."""
    word, factor = ("faster", theirs / ours) if ours <= theirs else ("slower", ours / theirs)
    return f"{factor:.3g}× {word}"
