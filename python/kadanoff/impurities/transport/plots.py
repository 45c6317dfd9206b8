"""Figures of transport through a dot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.style import curve, dress, new_or, next_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.impurities.transport.conductance import Transport

__all__ = ["plot_transport"]

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
