"""Green functions at Chebyshev points in imaginary time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.greens.grids import (
    chebyshev_points,
    chebyshev_times,
    inverse_temperature,
    represents,
    times,
)
from kadanoff.greens.legendre import LegendreSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ChebyshevFunction"]


@public
@dataclass(frozen=True, eq=False)
class ChebyshevFunction:
    """Green function G(tau_j) at ``tau_j = beta (1 - cos(pi j / (N - 1))) / 2``, ends included.

    Parameters
    ----------
    values : array of float, shape (N,)
        G at `chebyshev_times`, ``values[0] = G(0+)`` and ``values[-1] = G(beta-)``; N >= 2.
    beta : float
        Inverse temperature, positive (k_B = 1).

    Raises
    ------
    ValueError, TypeError
        Fewer than 2 values, or an argument out of range or of the wrong kind.

    Notes
    -----
    Between the points the barycentric formula is used, which is stable for any number of points.
    `truncation` estimates the error of the polynomial: compare it with the accuracy wanted.

    References
    ----------
    J.-P. Berrut, L. N. Trefethen, SIAM Rev. 46, 501 (2004), doi:10.1137/S0036144502417715, Eq.
    (5.4).

    Examples
    --------
    >>> from kadanoff.greens import GreenFunction
    >>> G = GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=50.0)
    >>> points = ChebyshevFunction.of(G, 51)
    >>> abs(points.tau(3.3) - G.tau(3.3)) < 1e-5, points.truncation < 1e-5
    (np.True_, True)
    """

    values: FloatArray
    beta: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", checks.array("values", self.values, ndim=1, frozen=True))
        object.__setattr__(self, "beta", inverse_temperature(self.beta))
        if self.values.size < 2:
            raise ValueError(f"values must hold at least 2 points, got {self.values.size}")

    def __repr__(self) -> str:
        return f"ChebyshevFunction({self.values.size} points, beta={self.beta:g})"

    @classmethod
    @public
    def of(cls, G: Any, count: int) -> ChebyshevFunction:
        """Another representation, anything with ``tau`` and ``beta``, at `count` points."""
        represents(G)
        return cls(G.tau(chebyshev_times(G.beta, count)), G.beta)

    def tau(self, tau: ArrayLike) -> FloatArray:
        """G(tau) for 0 <= tau <= beta."""
        t = times(tau, self.beta)
        nodes = chebyshev_points(self.beta, self.values.size)
        weights = (-1.0) ** np.arange(nodes.size)
        weights[[0, -1]] *= 0.5
        distance = t.ravel()[:, None] - nodes
        hit = distance == 0.0
        q = weights / np.where(hit, 1.0, distance)
        out = (q @ self.values) / np.sum(q, axis=1)
        rows, columns = np.nonzero(hit)
        out[rows] = self.values[columns]
        return np.asarray(out.reshape(t.shape))

    @property
    def series(self) -> LegendreSeries:
        """The same polynomial as a Legendre series."""
        return LegendreSeries.of(self.tau, self.beta, coefficients=self.values.size)

    def iw(self, count: int = 512) -> ComplexArray:
        """G(i w_n) of the polynomial at the first `count` positive frequencies."""
        return self.series.iw(count)

    @property
    def truncation(self) -> float:
        """Largest of the last few Chebyshev coefficients, an estimate of the truncation error."""
        n = self.values.size - 1
        folded = np.fft.rfft(np.concatenate([self.values, self.values[-2:0:-1]])).real / n
        return float(np.max(np.abs(folded[-max(2, n // 16) :])))

    @property
    def occupation(self) -> float:
        """-G(beta-)."""
        return float(-self.values[-1])

    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "tau",
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Draw -G(tau), or -Im G(i w_n) with ``quantity="iw"``. Returns the axes."""
        from kadanoff.greens.plots import plot_green

        return plot_green(self, ax=ax, quantity=quantity, label=label, **style)
