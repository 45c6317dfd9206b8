"""Bounds of a smeared spectrum: what :class:`kadanoff.greens.AllowedSpectra` answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SpectralBounds", "gaussian", "smeared"]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class SpectralBounds:
    """Lower and upper bound of a smeared spectrum over all spectra that the data allow.

    Parameters
    ----------
    w : array of float, shape (N,)
        Centres of the Gaussians.
    lower, upper : array of float, shape (N,)
        Bounds of ``int A(x) g(x - w) dx`` with ``g(x) = exp(-x^2 / (2 width^2)) / (width
        sqrt(2 pi))``, an inverse energy.
    estimate : array of float, shape (N,)
        The same of one of the spectra, that of largest entropy
        (:meth:`kadanoff.greens.AllowedSpectra.estimate`): always between the bounds.
    width : float
        Standard deviation of the Gaussian, an energy.
    confidence : float
        Probability that all bounds hold together, if the errors of the data are as stated.

    Examples
    --------
    >>> from kadanoff.greens import AllowedSpectra, GreenFunction
    >>> G = GreenFunction([-0.5, 0.6], [0.5, 0.5], beta=20.0)
    >>> AllowedSpectra(G.iw(32), beta=20.0, error=1e-4).bounds([0.0, 0.5], width=0.2)
    SpectralBounds(2 frequencies from 0 to 0.5, width 0.2, 95 %, A within +-0.0018)
    """

    w: FloatArray
    lower: FloatArray
    upper: FloatArray
    estimate: FloatArray
    width: float
    confidence: float

    def __repr__(self) -> str:
        return (
            f"SpectralBounds({self.w.size} frequencies from {self.w[0]:g} to {self.w[-1]:g}, "
            f"width {self.width:g}, {100 * self.confidence:g} %, A within "
            f"+-{float(np.median(self.upper - self.lower)) / 2:.2g})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "frequencies": f"{self.w.size}, {self.w[0]:g} ... {self.w[-1]:g}",
            "width of the Gaussian": self.width,
            "confidence": self.confidence,
            "median of half the distance": float(np.median(self.upper - self.lower)) / 2,
        }
        return html.table("Bounds of the smeared spectrum", rows)

    @property
    def middle(self) -> FloatArray:
        """The middle of the bounds: no allowed spectrum is further than half their distance."""
        return np.asarray(0.5 * (self.lower + self.upper))

    @public
    def smeared(self, energies: ArrayLike, weights: ArrayLike) -> FloatArray:
        """A given spectrum of delta peaks as these bounds see it.

        Parameters
        ----------
        energies, weights : array of float, shape (M,)
            Peaks, such as `GreenFunction.energies` and `weights`.

        Returns
        -------
        array of float, shape (N,)
            ``sum_i weights_i g(energies_i - w)``.

        Raises
        ------
        ValueError, TypeError
            The shapes differ, or a number is not finite.

        Examples
        --------
        >>> from kadanoff.greens import AllowedSpectra, GreenFunction
        >>> G = GreenFunction([-0.5, 0.6], [0.5, 0.5], beta=20.0)
        >>> bounds = AllowedSpectra(G.iw(32), beta=20.0, error=1e-4).bounds([0.0], width=0.5)
        >>> bounds.smeared(G.energies, G.weights).round(3)
        array([0.436])
        """
        x = checks.array("energies", energies, ndim=1)
        a = checks.array("weights", weights, ndim=1)
        if x.shape != a.shape:
            raise ValueError(f"weights must have the shape of energies, {x.shape}, got {a.shape}")
        return smeared(self.w, self.width, x, a)

    @public
    def holds(self, energies: ArrayLike, weights: ArrayLike) -> BoolArray:
        """Where a given spectrum of delta peaks lies within the bounds.

        Parameters
        ----------
        energies, weights : array of float, shape (M,)
            Peaks, such as `GreenFunction.energies` and `weights`.

        Returns
        -------
        array of bool, shape (N,)
            Whether the smeared spectrum lies within the bounds, up to rounding.

        Raises
        ------
        ValueError, TypeError
            The shapes differ, or a number is not finite.
        """
        seen = self.smeared(energies, weights)
        slack = 1e-9 / self.width
        return np.asarray((seen >= self.lower - slack) & (seen <= self.upper + slack))

    @public
    def plot(self, ax: Axes | None = None, *, label: str | None = None, **style: Any) -> Axes:
        """Draw the band between the bounds, and the estimate inside.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        label : str, optional
            Entry of the legend; the confidence by default.
        **style
            Passed on to ``Axes.plot`` for the estimate.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.greens.plots import plot_bounds

        return plot_bounds(self, ax=ax, label=label, **style)


def gaussian(x: FloatArray, width: float) -> FloatArray:
    """``exp(-x^2 / (2 width^2)) / (width sqrt(2 pi))``."""
    return np.asarray(np.exp(-0.5 * (x / width) ** 2) / (width * math.sqrt(2.0 * math.pi)))


def smeared(w: FloatArray, width: float, energies: FloatArray, weights: FloatArray) -> FloatArray:
    """``sum_i weights_i g(energies_i - w)`` with a Gaussian g."""
    return np.asarray(gaussian(energies[None, :] - w[:, None], width) @ weights)
