r"""A scaling dimension from structure factors of lattices of several sizes.

    S_L(c) = A_c L^(d - 2 Delta) + B + B'_L / L + w kappa_c S_L(c) (2 pi / L)^2

of the waves c = 0, (2 pi / L)(1, 0), ...: A_c is a number for each form of a wave, whatever L; B,
the same for all, stems from short distances and hides what is singular where 2 Delta is near d. It
may depend on L a little: B'_L is normal, with a tenth of the local variance on the smallest
lattice. The last term are corrections to scaling with normal kappa_c. Their size w is unknown: the
likelihood says which fit, and the error of Delta is the width of its distribution over all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kadanoff._base.types import FloatArray

__all__ = ["MAX_DIMENSION", "DimensionFit", "dimension"]

MAX_DIMENSION = 2.5  # dimension that can be found
WIDTHS: FloatArray = 0.01 * np.exp2(np.arange(7.0))  # w, equally likely in logarithm
DRIFT = 0.1
FLOOR = 1e-4  # of S: a component that vanishes has no scatter
POINTS = 60
REACH = 5.0  # standard deviations of the grid on either side


@dataclass(frozen=True)
class DimensionFit:
    """Delta with its standard deviation, and the latter without corrections to scaling.

    `misfit` is the smallest chi^2 per degree of freedom, with the largest corrections to scaling
    that are considered: where it is large no power of L describes the structure factors.
    """

    mean: float
    error: float
    statistical: float
    misfit: float


def dimension(
    S: Sequence[FloatArray],
    covariance: Sequence[FloatArray],
    L: Sequence[int],
    variance: float,
    d: int = 2,
) -> DimensionFit:
    """Fit structure factors, shape (classes,) for each size, with their covariance matrices.

    `variance` is that of the operator at one place.
    """
    mean, error = _posterior(WIDTHS, S, covariance, L, variance, d)
    statistical = _posterior((0.0,), S, covariance, L, variance, d)[1]
    # The larger lattices alone give another result by noise, or by slow corrections: those that
    # halve from size to size leave three times the change.
    later, later_error = _posterior(WIDTHS, S[1:], covariance[1:], L[1:], variance, d)
    noise, change = max(0.0, later_error**2 - error**2), (later - mean) ** 2
    slow = 9 * (change - noise) if change > 4 * noise else 0.0
    grid = np.linspace(0.0, MAX_DIMENSION, 3 * POINTS + 1)[1:]
    rest = _fits(WIDTHS[-1], grid, S, covariance, L, variance, d)[0].min()
    # A background, an amplitude for each class, and Delta are fitted.
    freedom = len(S) * len(S[0]) - len(S[0]) - 2
    return DimensionFit(mean, float(np.sqrt(error**2 + slow)), statistical, float(rest / freedom))


def _posterior(
    widths: Sequence[float] | FloatArray,
    S: Sequence[FloatArray],
    covariance: Sequence[FloatArray],
    L: Sequence[int],
    variance: float,
    d: int,
) -> tuple[float, float]:
    """Mean and standard deviation of Delta, over all widths."""
    grid = np.linspace(0.0, MAX_DIMENSION, 3 * POINTS + 1)[1:]
    mean = error = 0.0
    for _ in range(3):  # finer where the likelihood is
        log = np.array([_log_likelihoods(w, grid, S, covariance, L, variance, d) for w in widths])
        weight = np.exp(log - log.max()).sum(axis=0)
        weight /= weight.sum()
        mean = float(weight @ grid)
        step = grid[1] - grid[0]
        error = float(np.sqrt(weight @ (grid - mean) ** 2 + step**2 / 12))
        low, high = max(1e-4, mean - REACH * error), min(MAX_DIMENSION, mean + REACH * error)
        grid = np.linspace(low, high, POINTS)
    return mean, error


def _log_likelihoods(
    w: float,
    grid: FloatArray,
    S: Sequence[FloatArray],
    covariance: Sequence[FloatArray],
    L: Sequence[int],
    variance: float,
    d: int,
) -> FloatArray:
    """ln of the likelihood of each Delta, integrated over A, B and the corrections."""
    rest, volume = _fits(w, grid, S, covariance, L, variance, d)
    return np.asarray(-0.5 * rest - volume)


def _fits(
    w: float,
    grid: FloatArray,
    S: Sequence[FloatArray],
    covariance: Sequence[FloatArray],
    L: Sequence[int],
    variance: float,
    d: int,
) -> tuple[FloatArray, FloatArray]:
    """chi^2 of each Delta, and minus ln of the volume of A, B and the corrections."""
    m, sizes = len(S[0]), np.asarray(L, dtype=float)
    y = np.concatenate(S)
    C = np.zeros((len(y), len(y)))
    for k, one in enumerate(covariance):
        mine = slice(k * m, (k + 1) * m)
        C[mine, mine] = one + np.eye(m) * (FLOOR * np.abs(S[k]).max()) ** 2
        C[mine, mine] += (DRIFT * variance * sizes[0] / sizes[k]) ** 2
    # One number kappa for each class, the same on all lattices.
    shift = w * y.reshape(-1, m) * (2 * np.pi / sizes[:, None]) ** 2
    for c in range(m):
        column = np.zeros(len(y))
        column[c::m] = shift[:, c]
        C += np.outer(column, column)
    root = np.linalg.cholesky(C)
    whitened = np.linalg.solve(root, y)
    q, r = np.linalg.qr(np.linalg.solve(root, _columns(d - 2 * grid, sizes, m)))
    fitted = np.einsum("gij,i->gj", q, whitened)
    rest = whitened @ whitened - (fitted**2).sum(axis=1)
    volume = np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
    return rest, volume + np.log(np.diag(root)).sum()


def _columns(p: FloatArray, L: FloatArray, m: int) -> FloatArray:
    """u + v (l^p - 1) / p + delta_c l^p: A l^p + B, which at p = 0 becomes a logarithm.

    Shape (powers, sizes times classes, 1 + classes).
    """
    log = np.log(L / L[0])
    x = p[:, None] * log
    rising = np.where(np.abs(x) < 1e-9, 1.0, np.expm1(x) / np.where(x == 0, 1.0, x)) * log
    X = np.zeros((len(p), len(L), m, 1 + m))
    X[..., 0] = 1.0
    X[..., 1] = rising[:, :, None]
    for c in range(m - 1):
        X[:, :, c, 2 + c] = np.exp(x)
    return X.reshape(len(p), len(L) * m, 1 + m)
