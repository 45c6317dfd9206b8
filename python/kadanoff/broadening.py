r"""From binned delta peaks to smooth spectra, and from spectra to Green functions.

    A(w) = sum_j K(w, w_j) a_j,
    K = L h + G (1 - h),   h(w) = exp(-(ln|w/w0| / b)^2) below w0, 1 above,
    L = theta(w w') exp(-(ln|w/w'| / b - b/4)^2) / (sqrt(pi) b |w|),
    G = exp(-((w - w') / w0)^2) / (sqrt(pi) w0):

log-Gaussian above w0 (of the order of T), Gaussian below. The reference has h as a function of the
peak w'; as a function of w, as here, a constant spectrum stays constant through the crossing
(with h(w') it dips by a quarter below w0 and overshoots above). The raw peaks stay what they are;
broadening is done afterwards, as often as one likes.

References
----------
A. Weichselbaum, J. von Delft, Phys. Rev. Lett. 99, 076402 (2007), Eq. 10,
doi:10.1103/PhysRevLett.99.076402
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff.stars import real

__all__ = ["broaden", "frequencies", "hilbert"]

FloatArray = NDArray[np.float64]


def frequencies(lowest: float, highest: float, per_decade: int = 100) -> FloatArray:
    """Logarithmic frequencies on both sides of zero, ascending, zero left out.

    Examples
    --------
    >>> frequencies(0.1, 10, 1)
    array([-10. ,  -1. ,  -0.1,   0.1,   1. ,  10. ])
    """
    if not 0 < real("lowest", lowest) < real("highest", highest):
        raise ValueError(f"need 0 < lowest < highest, got {lowest} and {highest}")
    count = 1 + math.ceil(per_decade * math.log10(highest / lowest) - 1e-9)
    positive = np.geomspace(lowest, highest, count)
    return np.concatenate([-positive[::-1], positive])


def checked(omega: ArrayLike) -> FloatArray:
    """A frequency grid: one-dimensional, ascending, finite, not empty."""
    grid = np.asarray(omega, dtype=float)
    if grid.ndim != 1 or grid.size == 0:
        raise ValueError(f"omega must be a one-dimensional grid, got shape {grid.shape}")
    if not np.isfinite(grid).all():
        raise ValueError("omega must be finite")
    if (np.diff(grid) <= 0).any():
        raise ValueError("omega must be sorted and without repetitions; use np.unique")
    return grid


def broaden(
    peaks: FloatArray, weights: FloatArray, omega: ArrayLike, *, b: float, w0: float
) -> FloatArray:
    """Smooth spectrum of delta peaks.

    Parameters
    ----------
    peaks, weights : array, shape (m,)
        Positions and weights.
    omega : array, shape (n,)
        Ascending frequencies.
    b : float
        Width of the log-Gaussian, 0.2 (with z-averaging) to 0.7.
    w0 : float
        Frequency below which the kernel turns Gaussian.

    Returns
    -------
    array, shape (n,)
    """
    for name, value in (("b", b), ("w0", w0)):
        if real(name, value) <= 0:
            raise ValueError(f"{name}, a broadening, must be positive, got {value}")
    grid = checked(omega)
    used = weights != 0
    kernel = _kernel(grid.tobytes(), peaks[used].tobytes(), float(b), float(w0))
    return np.asarray(kernel @ weights[used])


@lru_cache(maxsize=16)
def _kernel(grid: bytes, positions: bytes, b: float, w0: float) -> FloatArray:
    w = np.frombuffer(grid)[:, None]
    p = np.frombuffer(positions)[None, :]
    size_w, size_p = np.abs(w), np.abs(p)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        h = np.where(size_w >= w0, 1.0, np.exp(-((np.log(size_w / w0) / b) ** 2)))
        x = np.log(size_w / size_p) / b - b / 4
        L = np.where(w * p > 0, np.exp(-(x**2)) / (math.sqrt(math.pi) * b * size_w), 0.0)
    gauss = np.exp(-(((w - p) / w0) ** 2)) / (math.sqrt(math.pi) * w0)
    return np.asarray(L * h + gauss * (1 - h))


def hilbert(omega: ArrayLike, A: FloatArray) -> FloatArray:
    r"""Real part of the Green function, ``P int A(x) / (w - x) dx``, on the grid of `A`.

    `A` is taken as piecewise linear between the grid points and zero outside, and integrated
    exactly; the error is that of the interpolation. Cost: n^2 logarithms the first time for a
    grid, one matrix-vector product afterwards.
    """
    grid = checked(omega)
    return np.asarray(_hilbert(grid.tobytes()) @ A)


@lru_cache(maxsize=8)
def _hilbert(grid: bytes) -> FloatArray:
    x = np.frombuffer(grid)
    n = len(x)
    h = np.diff(x)
    # Over a segment, int (A_i (1-u) + A_{i+1} u) / (w - x_i - h u) h du with u in (0, 1).
    d = x[:, None] - x[None, :]
    size = np.abs(d)
    log = np.log(np.where(size > 0, size, 1.0))
    left, right = d[:, :-1], d[:, 1:]
    # The logarithms at w = x_i of neighbouring segments cancel but for their widths.
    change = log[:, :-1] - log[:, 1:]
    up = left / h * change - 1.0
    down = -right / h * change + 1.0
    H = np.zeros((n, n))
    H[:, 1:] += up
    H[:, :-1] += down
    return H
