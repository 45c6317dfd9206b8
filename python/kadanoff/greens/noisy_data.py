r"""Noisy data that are linear in the spectrum: values, their kernel, and their errors.

``G(i w_n) = int A(w) / (i w_n - w) dw``, and the Legendre coefficients

    G_l = int A(w) K_l(w) dw,   K_l(w) = -(-1)^l sqrt(2 l + 1) (beta / 2) i_l(y) / cosh(y),

``y = beta w / 2``, with the modified spherical Bessel functions i_l: the integral of
``sqrt(2 l + 1) P_l(2 tau / beta - 1)`` with ``G(tau) = -exp(-tau w) / (1 + exp(-beta w))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.greens.grids import fermionic

__all__ = ["Data", "Errors", "Estimated", "Independent", "Known", "Legendre", "Matsubara"]

MIN_EIGENVALUE = 0.1
"""Smallest eigenvalue of a correlation matrix that was estimated."""
TINY = 1e-8
"""Below it i_l(y) is the first term of its series, to rounding."""


class Data(Protocol):
    """Real numbers that are linear in the spectrum."""

    @property
    def values(self) -> FloatArray:
        """The numbers, shape (numbers,)."""

    @property
    def lowest(self) -> float:
        """Distance of the singularities of the kernel from the real axis."""

    @property
    def highest(self) -> float:
        """Frequency beyond which every kernel is a power of 1 / w."""

    @property
    def largest(self) -> FloatArray:
        """The order of magnitude of each kernel, which its rounding scales with."""

    def kernel(self, w: FloatArray) -> FloatArray:
        """Values of a peak of weight one at w, shape (numbers, len(w))."""

    def kernel_at_infinity(self, u: FloatArray) -> FloatArray:
        """The same at w = 1 / u."""


@dataclass(frozen=True, eq=False)
class Matsubara:
    """Real parts of G(i w_n), then imaginary parts."""

    G_iw: ComplexArray
    w_n: FloatArray

    def __repr__(self) -> str:
        return f"{self.w_n.size} frequencies"

    @property
    def values(self) -> FloatArray:
        """The numbers, shape (numbers,)."""
        return np.concatenate([self.G_iw.real, self.G_iw.imag])

    @property
    def lowest(self) -> float:
        """Distance of the singularities of the kernel from the real axis."""
        return float(np.min(self.w_n))

    @property
    def highest(self) -> float:
        """Frequency beyond which every kernel is a power of 1 / w."""
        return float(np.max(self.w_n))

    @property
    def largest(self) -> FloatArray:
        """The order of magnitude of each kernel, which its rounding scales with."""
        return np.tile(1.0 / self.w_n, 2)

    def kernel(self, w: FloatArray) -> FloatArray:
        """Values of a peak of weight one at w, shape (numbers, len(w))."""
        z = 1.0 / (1j * self.w_n[:, None] - w)
        return np.concatenate([z.real, z.imag])

    def kernel_at_infinity(self, u: FloatArray) -> FloatArray:
        """The same at w = 1 / u."""
        z = u / (1j * self.w_n[:, None] * u - 1.0)
        return np.concatenate([z.real, z.imag])


@dataclass(frozen=True, eq=False)
class Legendre:
    """Coefficients of the Legendre series."""

    coefficients: FloatArray
    order: IntArray
    beta: float

    def __repr__(self) -> str:
        return f"{self.coefficients.size} Legendre coefficients"

    @property
    def values(self) -> FloatArray:
        """The numbers, shape (numbers,)."""
        return self.coefficients

    @property
    def lowest(self) -> float:
        """Distance of the singularities of the kernel from the real axis."""
        return math.pi / self.beta

    @property
    def highest(self) -> float:
        """Frequency beyond which every kernel is a power of 1 / w."""
        # i_l(y) / exp(y) is the sum of l + 1 powers of 1 / y, the first for y >> l^2.
        return max(float(np.max(self.order)), 2.0) ** 2 / self.beta

    @property
    def largest(self) -> FloatArray:
        """The order of magnitude of each kernel, which its rounding scales with."""
        return np.asarray(0.5 * self.beta * np.sqrt(2.0 * self.order + 1.0))

    def kernel(self, w: FloatArray) -> FloatArray:
        """Values of a peak of weight one at w, shape (numbers, len(w))."""
        return self._kernel(0.5 * self.beta * w)

    def kernel_at_infinity(self, u: FloatArray) -> FloatArray:
        """The same at w = 1 / u."""
        out = np.zeros((self.coefficients.size, u.size))
        far = u != 0.0
        out[:, far] = self._kernel(0.5 * self.beta / u[far])
        return out

    def _kernel(self, y: FloatArray) -> FloatArray:
        from scipy.special import ive

        order = self.order[:, None]
        x = np.maximum(np.abs(y), TINY)
        bessel = np.sqrt(0.5 * math.pi / x) * ive(order + 0.5, x) * 2.0 / (1.0 + np.exp(-2.0 * x))
        bessel[(order > 0) & (np.abs(y) < TINY)] = 0.0
        sign = np.where(y < 0, 1.0, (-1.0) ** order)  # (-1)^l, and the parity of i_l
        return np.asarray(-sign * self.largest[:, None] * bessel)


class Errors(Protocol):
    """Gaussian errors of the numbers."""

    def projection(self, K: FloatArray, visible: float) -> FloatArray:
        """P: combinations of the numbers with independent errors of one, shape (r, numbers).

        They are those in which two columns of K differ by `visible` or more, chosen from K and the
        errors alone.
        """

    def allowed(self, r: int, confidence: float) -> float:
        """The square of P times the errors is below this with the given probability."""


@dataclass(frozen=True, eq=False)
class Independent:
    """Independent errors with these standard deviations."""

    deviations: FloatArray

    def projection(self, K: FloatArray, visible: float) -> FloatArray:
        """Combinations of the numbers with independent errors of one."""
        return _telling(K / self.deviations[:, None], visible).T / self.deviations

    def allowed(self, r: int, confidence: float) -> float:
        """Quantile of the square of the whitened errors."""
        return _chi2_quantile(r, confidence)


@dataclass(frozen=True, eq=False)
class Known:
    """Errors whose covariance is known."""

    covariance: FloatArray

    def projection(self, K: FloatArray, visible: float) -> FloatArray:
        """Combinations of the numbers with independent errors of one."""
        from scipy.linalg import solve_triangular

        factor = np.linalg.cholesky(self.covariance)
        U = _telling(solve_triangular(factor, K, lower=True), visible)
        return np.asarray(solve_triangular(factor, U, lower=True, trans="T").T)

    def allowed(self, r: int, confidence: float) -> float:
        """Quantile of the square of the whitened errors."""
        return _chi2_quantile(r, confidence)


@dataclass(frozen=True, eq=False)
class Estimated:
    """Errors whose covariance was estimated from a number of independent samples.

    The square of the whitened errors is distributed as Hotelling's T^2 then, not as chi^2:
    ``T^2 = r (B - 1) / (B - r) F(r, B - r)`` for r combinations and B samples. No more than a third
    as many combinations as samples are used, the most telling ones. Combinations without an error,
    such as a sum rule that was imposed on a series that ends, are not taken at their word: the
    eigenvalues of the correlation matrix are raised to MIN_EIGENVALUE.
    """

    covariance: FloatArray
    samples: int

    def projection(self, K: FloatArray, visible: float) -> FloatArray:
        """Combinations of the numbers with independent errors of one."""
        deviations = np.sqrt(np.diag(self.covariance))
        values, vectors = np.linalg.eigh(self.covariance / np.outer(deviations, deviations))
        correlation = vectors * np.maximum(values, MIN_EIGENVALUE) @ vectors.T
        # The combinations must not depend on the fluctuations of the covariance.
        U = _telling(K / deviations[:, None], visible)[:, : max(1, self.samples // 3)]
        factor = np.linalg.cholesky(U.T @ correlation @ U)
        return np.asarray(np.linalg.solve(factor, U.T / deviations))

    def allowed(self, r: int, confidence: float) -> float:
        """Quantile of the square of the whitened errors."""
        from scipy.stats import f

        B = self.samples
        return float(r * (B - 1) / (B - r) * f.ppf(confidence, r, B - r))


def _telling(K: FloatArray, visible: float) -> FloatArray:
    """Orthogonal directions in which two columns of K differ by `visible` or more."""
    U = np.linalg.svd(K - K.mean(axis=1, keepdims=True), full_matrices=False)[0]
    kept = np.flatnonzero(np.ptp(U.T @ K, axis=1) > visible)
    return np.asarray(U[:, : kept[-1] + 1 if kept.size else 1])


def _chi2_quantile(r: int, confidence: float) -> float:
    from scipy.stats import chi2

    return float(chi2.ppf(confidence, r))


# ------------------------------------------------------------------------------------ checks


def matsubara_data(G_iw: object, beta: float, w_n: object) -> Matsubara:
    """G(i w_n), checked."""
    values = checks.array("G_iw", G_iw, dtype=np.complex128, ndim=1, frozen=True)
    if not values.size:
        raise ValueError("G_iw must not be empty")
    return Matsubara(values, _frequencies(w_n, beta, values.size))


def legendre_data(coefficients: object, beta: float, order: object) -> Legendre:
    """Legendre coefficients, checked."""
    values = checks.array("coefficients", coefficients, ndim=1, frozen=True)
    if not values.size:
        raise ValueError("coefficients must not be empty")
    if order is None:
        return Legendre(values, np.arange(values.size), beta)
    found = checks.array("order", order, dtype=np.int64, ndim=1, frozen=True)
    if found.size != values.size or np.unique(found).size != found.size or np.min(found) < 0:
        raise ValueError(
            f"order must hold {values.size} different numbers l >= 0, one per coefficient, got "
            f"{checks.shown(order)}"
        )
    return Legendre(values, found, beta)


def matsubara_errors(error: Any, covariance: object, count: int) -> Errors:
    """Errors of `count` complex numbers, checked."""
    if (error is None) == (covariance is None):
        raise ValueError("give one of error and covariance, the errors of G_iw")
    if covariance is not None:
        return known_covariance(covariance, 2 * count)
    kind = np.complex128 if np.iscomplexobj(error) else np.float64
    found = checks.array("error", error, dtype=kind)
    if found.shape not in {(), (count,)}:
        raise ValueError(f"error must be a number or have {count} entries, got {found.shape}")
    both = np.broadcast_to(found, (count,))
    deviations = np.concatenate([both.real, both.imag if kind is np.complex128 else both.real])
    if not np.min(deviations) > 0:
        raise ValueError(f"error must be positive, got {np.min(deviations):g}")
    return Independent(np.asarray(deviations, dtype=np.float64))


def known_covariance(covariance: object, count: int) -> Known:
    """A covariance of `count` numbers, checked."""
    found = _symmetric(covariance, count)
    try:
        np.linalg.cholesky(found)
    except np.linalg.LinAlgError:
        raise ValueError(
            "covariance must be positive definite; say from how many samples it was estimated, "
            "if it was"
        ) from None
    return Known(found)


def estimated_covariance(covariance: object, samples: int, count: int) -> Estimated:
    """A covariance of `count` numbers that was estimated from samples, checked."""
    found = _symmetric(covariance, count)
    if not np.min(np.diag(found)) > 0:
        raise ValueError("covariance must have a positive diagonal")
    return Estimated(found, samples)


def _symmetric(covariance: object, count: int) -> FloatArray:
    found = checks.array("covariance", covariance, ndim=2, frozen=True)
    if found.shape != (count, count):
        raise ValueError(f"covariance must have shape ({count}, {count}), got {found.shape}")
    if not np.allclose(found, found.T, rtol=1e-9, atol=1e-12 * float(np.max(np.abs(found)))):
        raise ValueError("covariance must be symmetric")
    return found


def _frequencies(w_n: object, beta: float, count: int) -> FloatArray:
    """Matsubara frequencies, one per value."""
    if w_n is None:
        return fermionic(beta, count)
    found = checks.array("w_n", w_n, ndim=1, frozen=True)
    if found.size != count:
        raise ValueError(f"w_n must have one entry per value of G_iw, {count}, got {found.size}")
    order = (found * beta / math.pi - 1.0) / 2.0
    off = np.abs(order - np.round(order))
    if not np.all((order > -0.5) & (off < 1e-6 * (1.0 + order))):
        raise ValueError(
            "w_n must hold positive fermionic frequencies (2 n + 1) pi / beta with beta = "
            f"{beta:g}, got {found[np.argmax(off)]:g}"
        )
    if np.unique(np.round(order)).size != count:
        raise ValueError("w_n must hold each frequency once")
    return found
