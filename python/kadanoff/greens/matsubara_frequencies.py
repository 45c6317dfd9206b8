"""Matsubara frequencies that come with data: of either sign, in any order, with gaps.

>>> indices(np.array([0.5, 1.5, 4.5]), beta=2 * np.pi)
array([0, 1, 4])
"""

from __future__ import annotations

import math

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray, IntArray

__all__ = ["first_wrong", "folded", "indices"]

CLOSE = 1e-4
"""Deviation of w beta / pi from an odd number, relative to the number, that rounding may cause."""
SAME = 1e-6
"""Relative distance of frequencies, and of values there, that count as one."""
SIGMAS = 5.0
"""Standard errors by which values at w and -w may differ."""


def first_wrong(w: FloatArray, beta: float) -> int | None:
    """Index of the first positive frequency that is no (2n + 1) pi / beta; None if all are."""
    n = 0.5 * (w * beta / math.pi - 1.0)
    nearest = np.maximum(np.rint(n), 0.0)
    wrong = np.flatnonzero(np.abs(n - nearest) > np.minimum(CLOSE * (1.0 + nearest), 0.2))
    return int(wrong[0]) if wrong.size else None


def indices(w: FloatArray, beta: float) -> IntArray:
    """n of positive frequencies (2n + 1) pi / beta.

    Raises
    ------
    ValueError
        One of them is no fermionic Matsubara frequency at this temperature.
    """
    k = first_wrong(w, beta)
    if k is not None:
        raise ValueError(not_matsubara(float(w[k]), beta))
    return np.asarray(np.rint(0.5 * (w * beta / math.pi - 1.0)).astype(np.int64))


def not_matsubara(w: float, beta: float) -> str:
    """Why a frequency is refused."""
    n = max(round(0.5 * (w * beta / math.pi - 1.0)), 0)
    return (
        f"{w:.10g} is no fermionic Matsubara frequency (2n + 1) pi / beta at beta = {beta:.10g}; "
        f"the nearest is {(2 * n + 1) * math.pi / beta:.10g}"
    )


def folded(
    w: FloatArray, values: ComplexArray, error: FloatArray | None
) -> tuple[FloatArray, ComplexArray, FloatArray | None]:
    """Values at positive frequencies in ascending order, one each.

    Values at -w are the complex conjugates of those at w; of two at one frequency the mean is
    taken.

    Raises
    ------
    ValueError
        A frequency is zero, or two values at one frequency differ.
    """
    if not np.all(w != 0.0):
        raise ValueError("w_n holds 0, which is no fermionic Matsubara frequency")
    values = np.where(w < 0.0, np.conj(values), values)
    order = np.argsort(np.abs(w), kind="stable")
    w, values = np.abs(w)[order], values[order]
    error = None if error is None else error[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(w) > SAME * w[1:]]))
    if starts.size == w.size:
        return w, values, error
    counts = np.diff(np.append(starts, w.size))
    means: ComplexArray = np.asarray(np.add.reduceat(values, starts) / counts, np.complex128)
    away = np.abs(values - np.repeat(means, counts))
    limit = SAME * float(np.max(np.abs(values))) + (0.0 if error is None else SIGMAS * error)
    if np.any(away > limit):
        k = int(np.argmax(away > limit))
        raise ValueError(
            f"there are different values at one frequency, |w_n| = {w[k]:.10g}; values at -w must "
            "be the complex conjugates of those at w"
        )
    if error is not None:
        # The two halves of one calculation are conjugates of each other: no independent errors.
        error = np.sqrt(np.add.reduceat(error**2, starts) / counts)
    return w[starts], means, error
