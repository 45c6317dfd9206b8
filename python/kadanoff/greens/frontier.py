"""Spectra on a grid: the frontier between chi^2 and a linear function, and the largest entropy.

Both are searches among the weights ``A >= 0`` of a given sum at given frequencies. `Grid` holds the
kernel of the whitened data there, K of shape (numbers, frequencies), and the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff._base.types import FloatArray

__all__ = ["Grid", "Point", "finer"]

CLOSE = 0.05
"""chi is R to this relative accuracy; the bound moves by its square."""
MET = 1e-2
"""chi of the spectrum of largest entropy is that wanted to this relative accuracy."""
NEWTON = 200
"""Steps of Newton's method, which takes some ten from a neighbour."""


class Point(NamedTuple):
    """A point of the frontier between chi^2 and ``g A``."""

    A: FloatArray
    y: FloatArray
    y_0: float
    chi: float
    log_eta: float


@dataclass(frozen=True, eq=False)
class Grid:
    """The frequencies of a search.

    Parameters
    ----------
    w : array of float, shape (M,)
        Frequencies, ascending.
    K : array of float, shape (r, M)
        Data of a peak of weight one at each of them, with errors of one.
    data : array of float, shape (r,)
        The data.
    norm : float
        Sum of the weights.
    """

    w: FloatArray
    K: FloatArray
    data: FloatArray
    norm: float

    def best_fit(self) -> Point:
        """The least chi; y is the residual."""
        A, residual = self._least_squares(None, 0.0, 0.0)
        chi = float(np.linalg.norm(residual))
        return Point(A, residual, float(np.max(-(residual @ self.K))), chi, 0.0)

    def point(self, g: FloatArray, log_eta: float) -> Point:
        """The best fit with the wish for a large ``g A``: ``sqrt(eta) (g A - c)``, c too large."""
        eta = math.exp(log_eta)
        target = self.norm * (float(g.max()) + 0.1 * float(np.ptp(g)))
        A, residual = self._least_squares(g, math.sqrt(eta), target)
        y = residual / (eta * (target - float(g @ A)))
        chi = float(np.linalg.norm(residual))
        return Point(A, y, float(np.max(g - y @ self.K)), chi, log_eta)

    def _least_squares(
        self, g: FloatArray | None, weight: float, target: float
    ) -> tuple[FloatArray, FloatArray]:
        """A, and the residual ``K A - data``. The norm is a row so heavy that it is met."""
        from scipy.optimize import nnls

        heavy = 10.0 * float(np.max(np.abs(self.K)))
        rows = [self.K, np.full((1, self.w.size), heavy)]
        right = [self.data, np.array([heavy * self.norm])]
        if g is not None:
            rows.append(weight * g[None, :])
            right.append(np.array([weight * target]))
        try:
            A = nnls(np.concatenate(rows), np.concatenate(right), maxiter=30 * self.w.size)[0]
        except RuntimeError as error:
            raise NumericalError(f"non-negative least squares: {error}") from error
        return A, np.asarray(self.K @ A - self.data)

    def at_radius(self, g: FloatArray, R: float, log_eta: float) -> Point:
        """The point of the frontier at which chi^2 = R^2, searched from `log_eta`."""
        best, start = None, log_eta
        low, high = -math.inf, math.inf
        for _ in range(60):
            here = self.point(g, log_eta)
            if best is None or self._bound(here, R) < self._bound(best, R):
                best = here
            if abs(here.chi / R - 1.0) < CLOSE:
                break
            low, high = (low, log_eta) if here.chi > R else (log_eta, high)
            if high - low < 1e-3 or abs(log_eta - start) > 60.0:
                break
            step = 4.0 * math.log(R / here.chi) if here.chi > 0 else 3.0
            inside = math.isfinite(low) and math.isfinite(high)
            log_eta = 0.5 * (low + high) if inside else log_eta + min(max(step, -3.0), 3.0)
        assert best is not None
        return best

    def _bound(self, point: Point, R: float) -> float:
        """The bound, but for what is missing between the points of the grid."""
        y = point.y
        return float(y @ self.data) + point.y_0 * self.norm + R * float(np.linalg.norm(y))

    def most_entropic(self, log_default: FloatArray, R: float) -> FloatArray | None:
        """The weights of largest entropy relative to those of `log_default`, with chi <= R.

        None if there are none, or rounding hides them.

        They are ``A = norm default exp(x K) / Z`` with ``K A - data = -alpha x``, the minimum over
        x of ``norm ln Z - x data + alpha x^2 / 2``; alpha is found such that chi = R.
        """
        x, A, chi = self._newton(np.zeros(self.data.size), 0.0, log_default, math.inf)
        if chi <= R:
            return A
        # For large alpha x is small and chi that of the default.
        log_alpha = math.log(float(np.max(np.var(self.K, axis=1))) * self.norm)
        least = log_alpha + math.log(np.finfo(float).eps) - 5.0
        best, low, high = A, -math.inf, math.inf
        for _ in range(80):
            x, A, chi = self._newton(x, math.exp(log_alpha), log_default, 0.01 * MET * R)
            if chi <= R:
                best, low = A, log_alpha
                if chi > (1.0 - MET) * R:
                    return best
            else:
                high = log_alpha
            both = math.isfinite(low) and math.isfinite(high)
            # chi grows as the root of alpha or less.
            step = 2.0 * math.log(R / max(chi, 1e-300))
            step = min(max(step, 1.0), 2.0) if chi <= R else max(min(step, -1.0), -4.0)
            log_alpha = 0.5 * (low + high) if both else log_alpha + step
            if log_alpha < least:
                break
        return best if math.isfinite(low) else None

    def _newton(
        self, x: FloatArray, alpha: float, log_default: FloatArray, tolerance: float
    ) -> tuple[FloatArray, FloatArray, float]:
        """x, A and chi at the minimum for a given alpha."""

        def at(x: FloatArray) -> tuple[float, FloatArray]:
            exponent = log_default + x @ self.K
            top = float(np.max(exponent))
            weight = np.exp(exponent - top)
            Z = float(np.sum(weight))
            value = self.norm * (top + math.log(Z)) - float(x @ self.data)
            return value + 0.5 * alpha * float(x @ x), self.norm * weight / Z

        value, A = at(x)
        for _ in range(NEWTON):
            mean = self.K @ A
            slope = mean - self.data + alpha * x
            curvature = (self.K * A) @ self.K.T - np.outer(mean, mean) / self.norm
            step = -np.linalg.solve(curvature + alpha * np.eye(x.size), slope)
            if float(np.linalg.norm(slope)) < tolerance:
                break
            gain, t = float(-slope @ step), 1.0
            while True:
                new, A_new = at(x + t * step)
                # Near the minimum the gain is below the rounding of the value.
                if new <= value - 1e-4 * t * gain + 1e-13 * (1.0 + abs(value)):
                    break
                t *= 0.5
            x, value, A = x + t * step, new, A_new
        return x, A, float(np.linalg.norm(self.K @ A - self.data))


def finer(w: FloatArray, A: FloatArray) -> FloatArray:
    """The grid with seven more points in each interval beside a frequency with weight."""
    at = np.flatnonzero(A > 0)
    left = np.union1d(at, at - 1)
    left = left[(left >= 0) & (left < w.size - 1)]
    steps = np.arange(1, 8) / 8.0
    return np.union1d(w, w[left][:, None] + np.diff(w)[left][:, None] * steps)
