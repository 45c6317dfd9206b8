"""Whether a machine has the modes of its data, such as both signs of a magnet, in their shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kadanoff._base.types import AnyArray, BoolArray, FloatArray
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.populations import CONFIGURATIONS, SWEEPS, Populations
from kadanoff.rbm.units import Units, colours, unit_values

__all__ = ["TOLERANCE", "Side", "imbalance", "is_lost", "sides", "worst"]

ROWS = 4096  # of the data, from which the direction and the share are found
ITERATIONS = 30
TOLERANCE = 0.15
"""Difference of the shares of the machine and of the data above which training warns."""
SIGMA = 4.0
MAX_STEPS = 48
WORK = 10**9  # multiply-adds that the check may cost however short the training was


class Side:
    """The side of the mean, along the leading principal direction of data, on which a row lies.

    For an ordered magnet without a field the two sides are the two signs of the magnetisation.

    Parameters
    ----------
    rows : array of bool, shape (samples, n_visible)
        The data.
    units : {"binary", "spin", "one-hot-q"}
        Values of the visible units.
    beside : sequence of Side
        Sides along the first principal directions; this one is along the next.

    Attributes
    ----------
    data, error : float
        Share of the data on the upper side, and its standard error for independent rows.

    Examples
    --------
    >>> side = Side(np.repeat([[True] * 4, [False] * 4], [3, 7], axis=0), "spin")
    >>> side.data
    0.3
    """

    def __init__(self, rows: BoolArray, units: Units, beside: Sequence[Side] = ()) -> None:
        low, up = unit_values("visible", units)
        self._low, self._span = float(low), float(up - low)
        few = rows[:: -(-len(rows) // ROWS)].astype(float)
        self._mean = few.mean(axis=0)
        # Any direction near the principal one tells the modes apart, and the passes over the data
        # are bound by memory: single precision halves them.
        gaps = (few - self._mean).astype(np.float32)
        for other in beside:
            along = other._direction.astype(np.float32)
            gaps -= np.outer(gaps @ along, along)
        # The power method, from the row that is farthest from the mean.
        direction = gaps[np.argmax(np.einsum("ri,ri->r", gaps, gaps))].copy()
        for _ in range(ITERATIONS):
            direction = gaps.T @ (gaps @ direction)
            size = np.linalg.norm(direction)
            if size == 0.0:
                break
            direction /= size
        self._direction: FloatArray = np.asarray(_upward(direction), dtype=float)
        self._edge = float(self._mean @ self._direction)
        self.data = float(self._above(few).mean())
        # One row of either side more, so that few rows are no certainty.
        share = (self.data * len(few) + 1.0) / (len(few) + 2.0)
        self.error = float(np.sqrt(share * (1.0 - share) / len(few)))

    def _above(self, x: AnyArray) -> BoolArray:
        return np.asarray(x @ self._direction > self._edge)

    def above(self, v: FloatArray) -> BoolArray:
        """Which rows of values of the units lie on the upper side."""
        return self._above((v - self._low) / self._span)


def _upward(direction: AnyArray) -> AnyArray:
    """The direction or its opposite, by a choice that rounding does not decide.

    Its sum is positive; in one-hot groups, where every sum is zero, its first large element is.
    """
    sizes = np.abs(direction)
    total = direction.sum()
    if abs(total) <= 1e-3 * sizes.sum():
        total = direction[np.argmax(sizes > 0.5 * sizes.max(initial=0.0))]
    return direction if total >= 0.0 else -direction


def sides(rows: BoolArray, units: Units) -> list[Side]:
    """The sides on which modes of data are told apart: one of two-valued units, q - 1 of colours.

    q modes, such as the ordered states of a Potts model, lie in q - 1 directions.

    >>> len(sides(np.eye(4, dtype=bool), "one-hot-4"))
    3
    """
    found: list[Side] = []
    for _ in range((colours(units) or 2) - 1):
        found.append(Side(rows, units, found))
    return found


def worst(
    every: Sequence[Side], share: Callable[[Callable[[FloatArray], BoolArray]], tuple[float, float]]
) -> tuple[float, float]:
    """The largest difference between the shares of a machine and of the data, and its error.

    Parameters
    ----------
    every : sequence of Side
        The sides that are compared.
    share : callable
        Takes the function that says which rows lie above, and returns the share of the machine
        and its standard error.
    """
    found = []
    for side in every:
        value, error = share(side.above)
        found.append((value - side.data, float(np.hypot(error, side.error))))
    return max(found, key=lambda pair: abs(pair[0]) if np.isfinite(pair[0]) else -1.0)


def imbalance(
    machine: Machine, every: Sequence[Side], *, rows: int, seed: int, threads: int | None
) -> tuple[float, float]:
    """Share of a machine on the upper side less that of the data, and its standard error.

    Parameters
    ----------
    machine : Machine
        A trained machine.
    every : sequence of Side
        The sides; the one with the largest difference counts.
    rows : int
        Samples times epochs of the training; the check costs at most about a fifth of it, or a
        second.
    seed : int
        Seed of the populations.
    threads : int or None
        Worker threads.

    Returns
    -------
    difference, error : float
        Both NaN where the machine is too far from independent units to be known at that cost.
    """
    nothing = float("nan"), float("nan")
    per_step = machine.W.size * CONFIGURATIONS * (2 * SWEEPS + 2)
    steps = min(MAX_STEPS, int(max(WORK, rows * machine.W.size) / per_step))
    if steps < 1:
        return nothing
    units = machine.visible, machine.hidden
    with np.errstate(all="ignore"):  # of a machine that has diverged
        populations = Populations(machine.n_visible, machine.n_hidden, units, seed, threads=threads)
        parameters = np.concatenate([machine.W.ravel(), machine.a, machine.b])
        if not populations.extend(parameters, steps):
            return nothing
        return worst(every, populations.share)


def is_lost(difference: float, error: float) -> bool:
    """Whether a difference is large, and not noise.

    >>> is_lost(0.4, 0.02), is_lost(0.4, 0.2), is_lost(0.05, 0.001), is_lost(np.nan, np.nan)
    (True, False, False, False)
    """
    return bool(abs(difference) > max(TOLERANCE, SIGMA * error))
