"""Pictures of rules that were learned: filters, flows, crossings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.style import COLOURS, dress, figure, legend
from kadanoff._base.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.lattices.rsmi.data_collapse import Collapse
    from kadanoff.lattices.rsmi.filter_flow import Flow
    from kadanoff.lattices.rsmi.lattice_matching import CriticalPoint
    from kadanoff.lattices.rsmi.rule_comparison import Optimality
    from kadanoff.lattices.rsmi.rules import FilterRule

__all__ = [
    "plot_collapse",
    "plot_critical_point",
    "plot_filters",
    "plot_flow",
    "plot_optimality",
]


def tile(filters: FloatArray) -> FloatArray:
    """Filters (units, rows, columns) side by side, a column of NaN between them."""
    stack = np.asarray(filters)
    if stack.ndim == 2:
        stack = stack[:, None, :]
    gap = np.full((stack.shape[1], 1), np.nan)
    parts = [x for f in stack for x in (f, gap)][:-1]
    return np.concatenate(parts, axis=1)


def plot_filters(rule: FilterRule, ax: Axes | None = None, **style: Any) -> Axes:
    """The filters of all hidden units: red positive, blue negative, white zero.

    Parameters
    ----------
    rule : FilterRule
    ax : matplotlib.axes.Axes, optional
    **style
        Of imshow.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        ax = figure(size=(2.2 + 1.4 * rule.units, 2.6))[0, 0]
    picture = tile(rule.filters)
    largest = float(np.nanmax(np.abs(picture))) or 1.0
    options: dict[str, Any] = {
        "cmap": "RdBu_r",
        "vmin": -largest,
        "vmax": largest,
        "interpolation": "nearest",
    }
    image = ax.imshow(picture, **(options | style))
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label=r"$\lambda$")
    ax.set_xticks([])
    ax.set_yticks([])
    if rule.information is not None:
        found = rule.information
        ax.set_title(
            f"{found.value:.4f} $\\pm$ {found.error:.4f} nats ({found.kind})", fontsize="medium"
        )
    return ax


def plot_flow(flow: Flow, ax: Axes | None = None, **style: Any) -> Axes:
    """Effective temperature and information, step by step."""
    if ax is None:
        ax = figure()[0, 0]
    steps = np.arange(len(flow.configurations))
    options = {"marker": "o", "color": COLOURS["blue"], "label": "nearest-neighbour correlation"}
    ax.errorbar(steps, flow.correlation, flow.correlation_error, **(options | style))
    if len(flow):
        error = [r.information.error if r.information else 0.0 for r in flow.rules]
        ax.errorbar(
            steps[:-1],
            flow.information,
            error,
            marker="s",
            color=COLOURS["vermillion"],
            label="I(H:E), nats",
        )
    ax.set_xticks(steps)
    dress(ax, x="steps", y="")
    legend(ax)
    return ax


def plot_critical_point(found: CriticalPoint, ax: Axes | None = None, **style: Any) -> Axes:
    """Correlations of the two lattices at the last step, against T."""
    if ax is None:
        ax = figure()[0, 0]
    ax.plot(found.T, found.small[-1], "o-", color=COLOURS["blue"], label="L", **style)
    ax.plot(
        found.T,
        found.large[-1],
        "s-",
        color=COLOURS["vermillion"],
        label="bL, one step more",
        **style,
    )
    ax.axvspan(
        found.T_c - found.T_c_error,
        found.T_c + found.T_c_error,
        color="0.85",
        linewidth=0,
        zorder=0,
    )
    dress(ax, x="T", y="correlation of block spins")
    ax.set_title(str(found), fontsize="medium")
    legend(ax)
    return ax


def plot_optimality(found: Optimality, ax: Axes | None = None, **style: Any) -> Axes:
    """|rangeness| and |n-bodyness| against the share of information that is retained."""
    if ax is None:
        ax = figure()[0, 0]
    for values, name, colour in (
        (found.rangeness, "rangeness", COLOURS["blue"]),
        (found.n_bodyness, "n-bodyness", COLOURS["vermillion"]),
    ):
        options = {"marker": ".", "linestyle": "none", "color": colour, "label": name}
        ax.plot(found.retained, np.abs(values), **(options | style))
    dress(ax, x="I(H:E) / I(V:E)", y="ratio of couplings")
    legend(ax)
    return ax


def plot_collapse(found: Collapse, ax: Axes | None = None, **style: Any) -> Axes:
    """Correlation of block spins against the scaled temperature, one colour per size."""
    if ax is None:
        ax = figure()[0, 0]
    x = found.scaled
    colours = [COLOURS[name] for name in ("sky", "blue", "green", "orange", "vermillion", "purple")]
    for k, L in enumerate(np.unique(found.L)):
        mine = found.L == L
        options: dict[str, Any] = {
            "marker": "o",
            "linestyle": "none",
            "markersize": 4,
            "color": colours[k % len(colours)],
            "label": f"L = {L:.0f}",
        }
        if not found.used[mine].any():
            options["markerfacecolor"] = "none"  # too small to be used
        ax.errorbar(x[mine], found.averages[0, mine], found.errors[0, mine], **(options | style))
    line = np.linspace(x[found.used].min(), x[found.used].max(), 200)
    ax.plot(line, np.polynomial.Polynomial(found.polynomials[0])(line), color="0.6", zorder=0)
    dress(ax, x=r"$(T/T_c - 1)\, L^{1/\nu}$", y="correlation of block spins")
    ax.set_title(
        f"$T_c$ = {found.T_c:.4f} $\\pm$ {found.T_c_error:.4f}, "
        f"$\\nu$ = {found.nu:.3f} $\\pm$ {found.nu_error:.3f}",
        fontsize="medium",
    )
    legend(ax)
    return ax
