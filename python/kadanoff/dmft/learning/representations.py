"""Green functions as rows of numbers, and back: scikit-learn transformers with exact inverses.

A row is G(tau) at the T Chebyshev times of `kadanoff.greens.chebyshev_times`, as a
`kadanoff.dmft.Database` holds it. Any of these may stand in a scikit-learn pipeline, or around a
regressor as ``TransformedTargetRegressor(regressor, transformer=...)``.

====================  ==========================================================================
`Legendre`            coefficients G_l of the polynomial through the points
`Chebyshev`           its Chebyshev coefficients
`Intermediate`        coefficients of the intermediate representation (needs sparse-ir)
`Parity`              symmetric and antisymmetric part about beta/2; the second is zero **at** half
                      filling
`Tanh`                T1 = tanh or T2 = -tanh of scaled numbers; T0 is no transform
====================  ==========================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from kadanoff._base.types import FloatArray
from kadanoff.greens import chebyshev_times
from kadanoff.greens.intermediate import sparse_basis

__all__ = ["Chebyshev", "Intermediate", "Legendre", "Parity", "Tanh"]


def rows(X: ArrayLike, columns: int | None = None) -> FloatArray:
    """X as a finite array of rows.

    Raises
    ------
    ValueError
        X is not two-dimensional, holds NaN, or has another number of columns than expected.
    """
    found = np.asarray(X, dtype=np.float64)
    if found.ndim != 2:
        raise ValueError(f"X must have shape (samples, values), got {found.shape}")
    if not np.all(np.isfinite(found)):
        bad = int(np.argmax(~np.isfinite(found).all(axis=1)))
        raise ValueError(f"X must be finite, but row {bad} holds NaN or infinity: leave it out")
    if columns is not None and found.shape[1] != columns:
        raise ValueError(f"X must have {columns} columns as at the fit, got {found.shape[1]}")
    return found


class _Matrix(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A linear map with an inverse, chosen by the number of columns."""

    def _matrices(self, columns: int) -> tuple[FloatArray, FloatArray]:
        raise NotImplementedError

    def fit(self, X: ArrayLike, y: Any = None) -> _Matrix:
        """Find the matrices for the number of columns of X."""
        self.n_features_in_ = rows(X).shape[1]
        self.forward_, self.back_ = self._matrices(self.n_features_in_)
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Coefficients of every row."""
        check_is_fitted(self)
        return np.asarray(rows(X, self.n_features_in_) @ self.forward_.T)

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """The rows with these coefficients."""
        check_is_fitted(self)
        return np.asarray(rows(X, self.forward_.shape[0]) @ self.back_.T)


class Legendre(_Matrix):
    """G_l with ``G(tau) = sum_l sqrt(2l+1)/beta P_l(x) G_l``, beta = 1, ``x = 2 tau/beta - 1``.

    The number of coefficients is that of the points: the inverse is exact.

    Examples
    --------
    >>> from kadanoff.greens import GreenFunction
    >>> G = GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=10.0).tau(chebyshev_times(10.0, 51))
    >>> coefficients = Legendre().fit_transform(G[None])
    >>> bool(np.allclose(Legendre().fit(G[None]).inverse_transform(coefficients), G, atol=1e-13))
    True
    """

    def _matrices(self, columns: int) -> tuple[FloatArray, FloatArray]:
        x = 2.0 * chebyshev_times(1.0, columns) - 1.0
        norm = np.sqrt(2.0 * np.arange(columns) + 1.0)
        back = np.asarray(np.polynomial.legendre.legvander(x, columns - 1) * norm, dtype=np.float64)
        return np.asarray(np.linalg.inv(back)), back


class Chebyshev(_Matrix):
    """c_k with ``G(tau) = sum_k c_k T_k(x)``: the polynomial through the points."""

    def _matrices(self, columns: int) -> tuple[FloatArray, FloatArray]:
        x = 2.0 * chebyshev_times(1.0, columns) - 1.0
        back = np.asarray(np.polynomial.chebyshev.chebvander(x, columns - 1), dtype=np.float64)
        return np.asarray(np.linalg.inv(back)), back


class Intermediate(_Matrix):
    """Coefficients of the intermediate representation, the most compact one.

    Parameters
    ----------
    beta, w_max : float
        Spectra lie within ``[-w_max, w_max]``; only the product matters.
    tolerance : float
        Smallest singular value kept: the accuracy of the inverse for a Green function.
    """

    def __init__(self, beta: float = 10.0, w_max: float = 10.0, tolerance: float = 1e-10) -> None:
        self.beta = beta
        self.w_max = w_max
        self.tolerance = tolerance

    def _matrices(self, columns: int) -> tuple[FloatArray, FloatArray]:
        basis = sparse_basis(float(self.beta), float(self.w_max), float(self.tolerance))
        times = chebyshev_times(float(self.beta), columns)
        back = np.asarray(basis.u(times)).T
        if back.shape[1] > columns:
            raise ValueError(
                f"beta * w_max = {self.beta * self.w_max:g} needs {back.shape[1]} coefficients, "
                f"and X has {columns} times: raise tolerance or take more times"
            )
        return np.linalg.pinv(back, rcond=1e-15), back


class Parity(_Matrix):
    """(G(tau) + G(beta - tau)) / 2, then (G(tau) - G(beta - tau)) / 2, on half the times each.

    Examples
    --------
    >>> half_filled = np.array([[-0.5, -0.1, -0.5]])
    >>> Parity().fit_transform(half_filled)
    array([[-0.5, -0.1,  0. ]])
    """

    def _matrices(self, columns: int) -> tuple[FloatArray, FloatArray]:
        identity = np.eye(columns)
        mirror = identity[::-1]
        even = (0.5 * (identity + mirror))[: (columns + 1) // 2]
        odd = (0.5 * (identity - mirror))[: columns // 2]
        forward = np.concatenate([even, odd])
        return forward, np.linalg.inv(forward)


class Tanh(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """``sign * tanh(x / scale)``: T1 and T2 of the lectures; T0 is no transform.

    Parameters
    ----------
    sign : {1, -1}
        T1 or T2.
    reach : float
        Numbers are scaled so that the largest at the fit becomes `reach`: artanh needs
        |tanh x| < 1, and Legendre coefficients alone are larger (G_0 = -1.095 at beta = 10).

    Examples
    --------
    >>> x = np.array([[-1.095, 0.3]])
    >>> t = Tanh().fit(x)
    >>> bool(np.allclose(t.inverse_transform(t.transform(x)), x, atol=1e-15))
    True
    """

    def __init__(self, sign: int = 1, reach: float = 1.0) -> None:
        self.sign = sign
        self.reach = reach

    def fit(self, X: ArrayLike, y: Any = None) -> Tanh:
        """Find the scale of every column."""
        if self.sign not in (1, -1):
            raise ValueError(f"sign must be 1 (tanh) or -1 (-tanh), got {self.sign!r}")
        if not 0.0 < self.reach <= 5.0:
            raise ValueError(f"reach must lie in (0, 5], got {self.reach!r}")
        found = rows(X)
        self.n_features_in_ = found.shape[1]
        largest = np.max(np.abs(found), axis=0)
        self.scale_ = np.where(largest > 0.0, largest, 1.0) / self.reach
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """The scaled tanh."""
        check_is_fitted(self)
        return np.asarray(self.sign * np.tanh(rows(X, self.n_features_in_) / self.scale_))

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """The inverse; values at +-1 and beyond, which a regressor may predict, are cut."""
        check_is_fitted(self)
        inside = 1.0 - 1e-12
        y = np.clip(self.sign * rows(X, self.n_features_in_), -inside, inside)
        return np.asarray(np.arctanh(y) * self.scale_)
