r"""Real part of a Green function from its spectrum, ``P int A(x) / (w - x) dx``."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.types import FloatArray

__all__ = ["checked_frequencies", "hilbert"]


def checked_frequencies(omega: ArrayLike, *, name: str = "omega") -> FloatArray:
    """A frequency grid: one-dimensional, ascending, finite, not empty."""
    grid = checks.array(name, omega)
    if grid.ndim != 1 or grid.size == 0:
        raise ValueError(
            f"{name} must be a one-dimensional grid with at least one frequency, got shape "
            f"{grid.shape}; write [{name}] for a single one"
        )
    if (np.diff(grid) <= 0).any():
        raise ValueError(f"{name} must be sorted and without repetitions; use np.unique({name})")
    return grid


def hilbert(omega: ArrayLike, A: ArrayLike, *, at: ArrayLike | None = None) -> FloatArray:
    r"""Real part of the Green function, ``P int A(x) / (w - x) dx``.

    `A` is taken as piecewise linear between the points of the grid and zero outside, and
    integrated exactly; the error is that of the interpolation.

    Parameters
    ----------
    omega, A : array, shape (n,)
        Ascending frequencies, and the spectrum there.
    at : array, shape (m,), optional
        Frequencies of the result, default `omega`.

    Returns
    -------
    array, shape (m,)
        Real part of G at `at`.

    Notes
    -----
    Cost: n m logarithms the first time for a pair of grids, one matrix-vector product afterwards.
    At the ends of the grid a spectrum that does not vanish there has a logarithmic singularity,
    which is left out.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 201)
    >>> print(hilbert(x, np.ones(201), at=[3.0]).round(12), np.log(2).round(12))
    [0.69314718] 0.69314718
    """
    grid = checked_frequencies(omega)
    values = checks.array("A", A)
    if values.shape != grid.shape:
        raise ValueError(f"A must have the shape of omega, {grid.shape}, got {values.shape}")
    targets = grid if at is None else checked_frequencies(at, name="at")
    return np.asarray(_hilbert(grid.tobytes(), targets.tobytes()) @ values)


@lru_cache(maxsize=4)
def _hilbert(grid: bytes, targets: bytes) -> FloatArray:
    x, w = np.frombuffer(grid), np.frombuffer(targets)
    h = np.diff(x)
    H = np.zeros((len(w), len(x)))
    for rows in range(0, len(w), 256):  # bounds the memory for intermediate arrays
        part = slice(rows, rows + 256)
        # Over a segment, int (A_i (1-u) + A_{i+1} u) / (w - x_i - h u) h du with u in (0, 1).
        d = w[part, None] - x[None, :]
        size = np.abs(d)
        # The logarithms at w = x_i of neighbouring segments cancel but for their widths.
        log = np.log(np.where(size > 0, size, 1.0))
        change = log[:, :-1] - log[:, 1:]
        H[part, 1:] += d[:, :-1] / h * change - 1.0
        H[part, :-1] += 1.0 - d[:, 1:] / h * change
    return H
