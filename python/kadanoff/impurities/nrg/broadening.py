r"""From binned delta peaks to smooth spectra, and from spectra to Green functions.

    A(w) = sum_j K(w, w_j) a_j,
    K = L h + G (1 - h),   h(w) = exp(-(ln|w/w0| / b)^2) below w0, 1 above,
    L = theta(w w') exp(-(ln|w/w'| / b - b/4)^2) / (sqrt(pi) b |w|),
    G = exp(-((w - w') / w0)^2) / (sqrt(pi) w0):

log-Gaussian above w0 (of the order of T), Gaussian below. The reference has h as a function of the
peak w'; as a function of w, as here, a constant spectrum stays constant through the crossing
(with h(w') it dips by a quarter below w0 and overshoots above). The raw peaks are kept, so that a
spectrum can be broadened repeatedly.

The kernel keeps a constant and multiplies a power ``w^k`` by ``exp(b^2 k (k + 1) / 4)``: a spectrum
like w^2 comes out 1.7 times too large at b = 0.6. Broadening the smooth curve once more multiplies
it by the same factor, so that

    A_2 = A_1^2 / (K A_1)

has every power of w right, is positive, and errs in the order b^4 where A_1 errs in the order b^2
(`sharpened`; the multiplicative correction of density estimation, here for a known kernel).

References
----------
A. Weichselbaum, J. von Delft, Phys. Rev. Lett. 99, 076402 (2007), Eq. 10,
doi:10.1103/PhysRevLett.99.076402

M. C. Jones, O. Linton, J. P. Nielsen, Biometrika 82, 327 (1995), doi:10.1093/biomet/82.2.327
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.greens.kramers_kronig import checked_frequencies

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["broaden", "frequencies", "sharpened"]

NEGLIGIBLE = 6.2
"""A kernel ends at this many widths: exp(-6.2^2) = 2e-17."""

TINY = 1e-200


@public
def frequencies(lowest: float, highest: float, per_decade: float = 100) -> FloatArray:
    """Logarithmic frequencies on both sides of zero, ascending, zero left out.

    Examples
    --------
    >>> frequencies(0.1, 10, 1)
    array([-10. ,  -1. ,  -0.1,   0.1,   1. ,  10. ])
    """
    lowest = checks.real("lowest", lowest, above=0)
    highest = checks.real("highest", highest, above=lowest, hint="the end above lowest")
    per_decade = checks.real("per_decade", per_decade, above=0)
    count = 1 + math.ceil(per_decade * math.log10(highest / lowest) - 1e-9)
    positive = np.geomspace(lowest, highest, count)
    return np.concatenate([-positive[::-1], positive])


@public
def broaden(
    peaks: ArrayLike, weights: ArrayLike, w: ArrayLike, *, b: float, w0: float
) -> FloatArray:
    """Smooth spectrum of delta peaks.

    Parameters
    ----------
    peaks, weights : array, shape (m,)
        Positions, in any order, and weights.
    w : array, shape (n,)
        Ascending frequencies.
    b : float
        Width of the log-Gaussian, 0.2 (with z-averaging) to 0.7.
    w0 : float
        Frequency below which the kernel is Gaussian.

    Returns
    -------
    array, shape (n,)
        A(w) at `w`.

    Notes
    -----
    The kernel is computed once for the same positions, frequencies and widths; after that a
    spectrum is one product with a sparse matrix.

    Examples
    --------
    >>> A = broaden([0.0], [1.0], [-1.0, 0.0, 1.0], b=0.5, w0=1.0)
    >>> print(A.round(4))  # Gaussian below w0 only
    [0.     0.5642 0.    ]
    """
    b, w0 = checks.real("b", b, above=0), checks.real("w0", w0, above=0)
    grid = checked_frequencies(w, name="w")
    position = checks.array("peaks", peaks, ndim=1)
    weight = checks.array("weights", weights, shape=position.shape)
    if (np.diff(position) < 0).any():
        order = np.argsort(position, kind="stable")
        position, weight = position[order], weight[order]
    kernel = _kernel(grid.tobytes(), position.tobytes(), b, w0)
    return np.asarray(kernel @ weight)


def sharpened(
    curve: FloatArray, grid: FloatArray, values: FloatArray, w: FloatArray, *, b: float, w0: float
) -> FloatArray:
    """A broadened spectrum without the bias of its kernel, ``A_1^2 / (K A_1)``.

    Parameters
    ----------
    curve : array, shape (g,) or (g, m, m)
        The broadened spectrum A_1 on a dense grid, not negative; matrices: positive semidefinite.
    grid : array, shape (g,)
        Ascending frequencies, the whole support.
    values : array, shape (n,) or (n, m, m)
        The same spectrum on `w`.
    w : array, shape (n,)
        Ascending frequencies of the result.
    b, w0 : float
        Those of :func:`broaden`.

    Returns
    -------
    array, shape of `values`
        A_2. An element A_ij of a matrix is multiplied by the square roots of the factors of A_ii
        and A_jj, so that matrices stay positive.
    """
    steps = np.diff(grid)
    weights = 0.5 * (np.append(steps, 0.0) + np.append(0.0, steps))
    kernel = _kernel(np.asarray(w, float).tobytes(), np.asarray(grid, float).tobytes(), b, w0)
    flat = (weights.reshape(-1, *[1] * (curve.ndim - 1)) * curve).reshape(len(grid), -1)
    again = (kernel @ flat).reshape(values.shape)
    if values.ndim == 1:
        return np.asarray(values * _correction(values, again))
    root = np.sqrt(_correction(*(np.einsum("nii->ni", A) for A in (values, again))))
    return np.asarray(root[:, :, None] * values * root[:, None, :])


def _correction(values: FloatArray, again: FloatArray) -> FloatArray:
    """``A_1 / (K A_1)``, and one where there is no weight."""
    good = (values > TINY) & (again > TINY)
    return np.where(good, values / np.where(good, again, 1.0), 1.0)


@lru_cache(maxsize=8)
def _kernel(grid: bytes, positions: bytes, b: float, w0: float) -> csr_array:
    from scipy.sparse import csr_array

    w, p = np.frombuffer(grid), np.frombuffer(positions)
    size = np.abs(w)
    with np.errstate(divide="ignore", over="ignore"):
        h = np.where(size >= w0, 1.0, np.exp(-((np.log(size / w0) / b) ** 2)))
        near, far = (size * np.exp(-(b**2) / 4 + s * b * NEGLIGIBLE) for s in (-1, 1))
    # The peaks within reach of a frequency form one contiguous range.
    gauss = np.where(h < 1, NEGLIGIBLE * w0, 0.0)
    low = np.minimum(np.where(w < 0, -far, near), np.where(h < 1, w - gauss, np.inf))
    high = np.maximum(np.where(w < 0, -near, far), np.where(h < 1, w + gauss, -np.inf))
    first, last = np.searchsorted(p, low), np.searchsorted(p, high, side="right")
    counts = last - first
    start = np.concatenate([[0], np.cumsum(counts)])
    columns = np.arange(start[-1]) - np.repeat(start[:-1] - first, counts)
    w, size, h = (np.repeat(a, counts) for a in (w, size, h))
    p = p[columns]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        x = np.log(size / np.abs(p)) / b - b / 4
        L = np.where(w * p > 0, np.exp(-(x**2)) / (math.sqrt(math.pi) * b * size), 0.0)
    G = np.exp(-(((w - p) / w0) ** 2)) / (math.sqrt(math.pi) * w0)
    shape = (len(counts), len(positions) // 8)
    return csr_array((L * h + G * (1 - h), columns, start), shape=shape)
