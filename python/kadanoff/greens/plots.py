"""Figures of Green functions.

Every function draws into the axes `ax` that it is given, or into new ones, and returns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.style import dress, figure, legend, next_colour
from kadanoff.greens import RealAxisFunction, chebyshev_times, matsubara

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.greens.spectral_bounds import SpectralBounds

__all__ = ["plot_bounds", "plot_green"]


def plot_green(
    G: Any,
    ax: Axes | None = None,
    *,
    quantity: str = "tau",
    eta: float | None = None,
    label: str | None = None,
    **style: Any,
) -> Axes:
    """A Green function in any representation.

    Parameters
    ----------
    G : GreenFunction, MatsubaraFunction, LegendreSeries, ...
        Green function to draw.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into, default new ones.
    quantity : {"tau", "iw", "spectrum"}
        ``-G(tau)``, ``-Im G(i w_n)``, or, for poles, ``A(w)`` with half width `eta`.
    eta : float, optional
        Half width of the Lorentzians of a pole, by default pi / beta.
    label : str, optional
        Entry of the legend.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into.
    """
    if eta is not None:
        eta = checks.real("eta", eta, above=0, hint="it is a broadening")
        if quantity != "spectrum":
            raise ValueError(f"eta belongs to quantity='spectrum', got {quantity!r}")
    if ax is None:
        ax = figure()[0, 0]
    own: dict[str, Any] = {"color": next_colour(ax), "linewidth": 1.6, "label": label}
    if quantity == "tau":
        tau = chebyshev_times(G.beta)
        ax.plot(tau, -G.tau(tau), **(own | style))
        dress(ax, x=r"$\tau$", y=r"$-G(\tau)$")
    elif quantity == "iw":
        w_n = matsubara(G.beta, 64)
        ax.plot(w_n, -G.iw(64).imag, **(own | {"marker": "o", "markersize": 3} | style))
        dress(ax, x=r"$\omega_n$", y=r"$-\mathrm{Im}\,G(i\omega_n)$")
    elif quantity == "spectrum":
        if not hasattr(G, "spectrum"):
            raise ValueError(
                f"a {type(G).__name__} has no spectrum without analytic continuation; "
                "use a solver with poles, such as 'ed'"
            )
        if isinstance(G, RealAxisFunction):
            inside = np.abs(G.omega) <= _reach(G)
            ax.plot(G.omega[inside], G.A[inside], **(own | style))
            dress(ax, x=r"$\omega$", y=r"$A(\omega)$")
            legend(ax)
            return ax
        width = np.pi / G.beta if eta is None else eta
        kept = G.energies[np.abs(G.weights) > 1e-6]
        reach = 1.1 * max(float(np.max(np.abs(kept), initial=1.0)), 10.0 * width)
        w = np.linspace(-reach, reach, 1001)
        ax.plot(w, G.spectrum(w, width), **(own | style))
        dress(ax, x=r"$\omega$", y=r"$A(\omega)$")
    else:
        raise ValueError(f"quantity must be 'tau', 'iw' or 'spectrum', got {quantity!r}")
    legend(ax)
    return ax


def _reach(G: RealAxisFunction) -> float:
    """Frequency beyond which less than 0.2 % of the weight lies."""
    weight = np.abs(G.poles.weights)
    order = np.argsort(np.abs(G.poles.energies))
    inside = np.cumsum(weight[order]) <= 0.998 * np.sum(weight)
    return 1.1 * float(np.max(np.abs(G.poles.energies[order][inside]), initial=0.0))


def plot_bounds(
    bounds: SpectralBounds, ax: Axes | None = None, *, label: str | None = None, **style: Any
) -> Axes:
    """The band between the bounds of a smeared spectrum, and the estimate inside.

    Parameters
    ----------
    bounds : SpectralBounds
        Bounds to draw.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into, default new ones.
    label : str, optional
        Entry of the legend.
    **style
        Passed on to ``Axes.plot`` for the estimate.
    """
    if ax is None:
        ax = figure()[0, 0]
    name = label or f"bounds, {100 * bounds.confidence:g} %"
    own: dict[str, Any] = {"color": next_colour(ax), "linewidth": 1.0}
    (line,) = ax.plot(bounds.w, bounds.estimate, **(own | style))
    ax.fill_between(
        bounds.w, bounds.lower, bounds.upper, color=line.get_color(), alpha=0.25, label=name
    )
    dress(ax, x=r"$\omega$", y=rf"$A(\omega)$ smeared by {bounds.width:g}")
    legend(ax)
    return ax
