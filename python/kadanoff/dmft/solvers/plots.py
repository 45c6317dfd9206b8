"""Figures of solutions: Green functions, self-energies, orders of the expansion.

Every function draws into the axes `ax`, or into new ones, and returns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.style import dress, figure, legend, next_colour
from kadanoff.greens.plots import plot_green

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.dmft import Solution

__all__ = ["plot_orders", "plot_solution"]


def plot_solution(
    solution: Solution,
    ax: Axes | None = None,
    *,
    quantity: str = "iw",
    count: int = 48,
    label: str | None = None,
    **style: Any,
) -> Axes:
    """-Im G(i w_n) of a solution, ``quantity="Sigma"`` its self-energy, or as `plot_green`.

    Parameters
    ----------
    solution : Solution
        The result of a solver.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    quantity : {"iw", "Sigma", "tau", "spectrum"}
        Quantity to draw.
    count : int
        Number of frequencies.
    label : str, optional
        For the legend; the solver's name by default.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    label = solution.solver if label is None else label
    sampled = solution.diagnostics
    if quantity == "spectrum" and solution.G_w is not None:
        return plot_green(solution.G_w, ax, quantity=quantity, label=label, **style)
    if quantity in ("tau", "spectrum"):
        ax = plot_green(solution.G, ax, quantity=quantity, label=label, **style)
        if quantity == "tau" and "G_bins" in sampled:
            ax.errorbar(
                sampled["tau_bins"],
                -sampled["G_bins"],
                sampled["G_bins_error"],
                fmt="none",
                ecolor=ax.lines[-1].get_color(),
                elinewidth=0.8,
                alpha=0.6,
            )
        return ax
    if quantity not in ("iw", "Sigma"):
        raise ValueError(f"quantity must be 'iw', 'Sigma', 'tau' or 'spectrum', got {quantity!r}")
    if ax is None:
        ax = figure()[0, 0]
    values = solution.G_iw if quantity == "iw" else solution.Sigma_iw
    own: dict[str, Any] = {
        "color": next_colour(ax),
        "linewidth": 1.6,
        "marker": "o",
        "markersize": 3,
        "label": label,
    }
    (line,) = ax.plot(solution.w_n[:count], -values[:count].imag, **(own | style))
    if f"{'G' if quantity == 'iw' else 'Sigma'}_iw_error" in sampled:
        errors = sampled["G_iw_error" if quantity == "iw" else "Sigma_iw_error"][:count]
        ax.errorbar(
            solution.w_n[:count],
            -values[:count].imag,
            errors,
            fmt="none",
            ecolor=line.get_color(),
            elinewidth=1.0,
            capsize=2,
        )
    name = "G" if quantity == "iw" else r"\Sigma"
    dress(ax, x=r"$\omega_n$", y=rf"$-\mathrm{{Im}}\,{name}(i\omega_n)$")
    legend(ax)
    return ax


def plot_orders(
    solution: Solution, ax: Axes | None = None, *, label: str | None = None, **style: Any
) -> Axes:
    """Histogram of the order of the expansion per spin; the dashed line is the mean.

    Parameters
    ----------
    solution : Solution
        A result of the solver "cthyb".
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    label : str, optional
        For the legend.
    **style
        Passed on to ``Axes.step``.

    Raises
    ------
    ValueError
        The solver keeps no histogram.
    """
    if "histogram" not in solution.diagnostics:
        raise ValueError(f"solver {solution.solver!r} keeps no histogram; use 'cthyb'")
    if ax is None:
        ax = figure()[0, 0]
    counts = np.asarray(solution.diagnostics["histogram"], dtype=np.float64)
    share = counts / np.sum(counts)
    colour = next_colour(ax)
    own: dict[str, Any] = {"color": colour, "where": "mid", "linewidth": 1.6, "label": label}
    ax.step(np.arange(share.size), share, **(own | style))
    ax.axvline(0.5 * solution.diagnostics["order"], color=colour, linestyle="--", linewidth=1.0)
    ax.set_ylim(bottom=0.0)
    dress(ax, x="order k of one spin", y="probability")
    legend(ax)
    return ax
