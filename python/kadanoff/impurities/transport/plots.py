"""Figures of transport through a dot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.style import CYCLE, curve, dress, new_or, next_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.impurities.transport.conductance import Transport
    from kadanoff.impurities.transport.measured_dot import DotFit

__all__ = ["plot_fit", "plot_transport"]

# Label, and the unit that it is drawn in.
QUANTITIES = {
    "conductance": (r"$G\,/\,(e^2/h)$", 1.0),
    "thermopower": (r"$S\,/\,(k_B/e)$", 1.0),
    "lorenz_number": (r"$L\,/\,[(\pi^2/3)(k_B/e)^2]$", math.pi**2 / 3),
}


def plot_transport(
    result: Transport,
    ax: Axes | None = None,
    *,
    quantity: str = "conductance",
    label: str | None = None,
    **style: Any,
) -> Axes:
    """One quantity against log T, with its error as a band."""
    name, unit = QUANTITIES[checks.choice("quantity", quantity, tuple(QUANTITIES))]
    ax = new_or(ax)
    order = np.argsort(result.T)
    T, y = result.T[order], getattr(result, quantity)[order] / unit
    colour = style.get("color", style.get("c")) or next_colour(ax)
    error = getattr(result, f"{quantity}_error")
    if error is not None:
        width = error[order] / unit
        ax.fill_between(T, y - width, y + width, color=colour, alpha=0.2, linewidth=0)
    curve(ax, T, y, style, color=colour, label=label)
    dress(ax, x=r"$T\,/\,D$" if result.dot.band.D == 1.0 else r"$T$", y=name, log_x=True)
    return ax


def plot_fit(result: DotFit, ax: Axes | None = None, *, quantity: str = "conductance") -> Axes:
    """Data and curve, or their difference; one colour per temperature where V_g varies."""
    residuals = checks.choice("quantity", quantity, ("conductance", "residuals")) == "residuals"
    ax = new_or(ax)
    data, gated = result.data, result.data.V_g is not None
    groups = np.unique(data.T) if gated else [None]
    for k, T in enumerate(groups):
        colour = CYCLE[k % len(CYCLE)]
        inside = np.ones(len(data), bool) if T is None else data.T == T
        x = data.V_g[inside] if data.V_g is not None else data.T[inside]
        order = np.argsort(x)
        points: Any = {"fmt": ".", "color": colour, "ms": 4, "lw": 0.8, "alpha": 0.7}
        if residuals:
            ax.plot(x[order], result.residuals[inside][order], ".", color=colour, ms=4)
            continue
        error = None if data.error is None else data.error[inside][order]
        ax.errorbar(x[order], data.G[inside][order], error, **points)
        label = None if T is None or len(groups) > 6 else f"$T$ = {T:.3g}"
        curve(ax, x[order], result.curve[inside][order], {}, color=colour, label=label)
    y = QUANTITIES["conductance"][0]
    if residuals:
        ax.axhline(0.0, color="0.5", lw=0.8)
        y = r"residual $(e^2/h)$" if data.error is None else "residual / error"
    dress(ax, x=r"$V_g$" if gated else r"$T$", y=y, log_x=not gated)
    return ax
