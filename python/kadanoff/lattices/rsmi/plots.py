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
    from kadanoff.lattices.rsmi.operator_dimensions import ScalingOperators
    from kadanoff.lattices.rsmi.rule_comparison import Optimality
    from kadanoff.lattices.rsmi.rules import FilterRule, Information

__all__ = [
    "plot_collapse",
    "plot_critical_point",
    "plot_filters",
    "plot_flow",
    "plot_optimality",
    "plot_scaling_operators",
]

NUMBERED = 40  # weights that are written into their squares, at most


def tile(filters: FloatArray) -> FloatArray:
    """Filters (units, rows, columns) side by side, a column of NaN between them.

    A fourth axis, of colours, of the sites of a cell or of layers, is laid out in the same way.
    """
    stack = np.asarray(filters)
    if stack.ndim == 2:
        stack = stack[:, None, :]
    elif stack.ndim == 4:
        stack = np.moveaxis(stack, -1, 1).reshape(-1, *stack.shape[1:3])
    gap = np.full((stack.shape[1], 1), np.nan)
    parts = [x for f in stack for x in (f, gap)][:-1]
    return np.concatenate(parts, axis=1)


def plot_filters(rule: FilterRule, ax: Axes | None = None, **style: Any) -> Axes:
    """The filters of all hidden units: red positive, blue negative, white zero.

    Weights of a small block are written into its squares.

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
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label=r"weight $\lambda$")
    _seams(ax, picture)
    if np.isfinite(picture).sum() <= NUMBERED:
        for (i, j), weight in np.ndenumerate(picture):
            if np.isfinite(weight):
                ax.text(
                    j,
                    i,
                    f"{weight + 0.0:+.2f}" if abs(weight) >= 0.005 else "0",
                    ha="center",
                    va="center",
                    fontsize="small",
                    color="white" if abs(weight) > 0.6 * largest else "black",
                )
    if rule.information is not None:
        ax.set_title(_named(rule.information), fontsize="medium")
    return ax


def _seams(ax: Axes, picture: FloatArray) -> None:
    """White lines between the squares, in place of ticks and frame."""
    rows, columns = picture.shape
    ax.set_xticks(np.arange(1, columns) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, rows) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=min(2.0, 24 / columns))
    ax.tick_params(which="both", length=0)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def _named(found: Information) -> str:
    """An information with its symbol, error and meaning, as a title."""
    error = f" \\pm {found.error:.4f}" if found.error else ""
    symbol = {"certified": r"I(H{:}E) \geq ", "exact": "I(H{:}E) = ", "oracle": "I(H{:}E) = "}
    number = f"${symbol.get(found.kind, '')}{found.value:.4f}{error}$ nats"
    return number if found.kind in symbol else f"{found.kind}: {number}"


def plot_flow(flow: Flow, ax: Axes | None = None, **style: Any) -> Axes:
    """Correlation of neighbours (left axis) and information (right axis), step by step."""
    if ax is None:
        ax = figure()[0, 0]
    steps = np.arange(len(flow.configurations))
    blue, red = COLOURS["blue"], COLOURS["vermillion"]
    options = {"marker": "o", "color": blue}
    ax.errorbar(steps, flow.correlation, flow.correlation_error, **(options | style))
    ax.set_xticks(steps)
    dress(ax, x="steps", y="correlation of neighbours (circles)")
    ax.yaxis.label.set_color(blue)
    if len(flow):
        other = ax.twinx()
        error = [r.information.error if r.information else 0.0 for r in flow.rules]
        other.errorbar(steps[:-1], flow.information, error, marker="s", linestyle="--", color=red)
        other.set_ylabel(r"$I(H{:}E)$ / nats (squares)", color=red)
        other.spines["top"].set_visible(False)
    return ax


def plot_critical_point(found: CriticalPoint, ax: Axes | None = None, **style: Any) -> Axes:
    """Correlations of the two lattices at the last step, against T."""
    if ax is None:
        ax = figure()[0, 0]
    steps = len(found.small)
    for values, error, mark, colour, name in (
        (found.small, found.small_error, "o-", "blue", f"$L$, steps: {steps}"),
        (found.large, found.large_error, "s--", "vermillion", f"$bL$, steps: {steps + 1}"),
    ):
        options: dict[str, Any] = {
            "marker": mark[0],
            "linestyle": mark[1:],
            "markersize": 4,
            "color": COLOURS[colour],
            "label": name,
        }
        bars = None if error is None else error[-1]
        ax.errorbar(found.T, values[-1], bars, **(options | style))
    ax.axvspan(
        found.T_c - found.T_c_error,
        found.T_c + found.T_c_error,
        color="0.85",
        linewidth=0,
        zorder=0,
    )
    dress(ax, x="$T$", y="correlation of block spins")
    _exponents(ax, found)
    legend(ax)
    return ax


def _exponents(ax: Axes, found: CriticalPoint | Collapse) -> None:
    """T_c and nu with their errors, as the title."""
    ax.set_title(
        f"$T_c = {found.T_c:.4f} \\pm {found.T_c_error:.4f}$, "
        f"$\\nu = {found.nu:.3f} \\pm {found.nu_error:.3f}$",
        fontsize="medium",
    )


def plot_optimality(found: Optimality, ax: Axes | None = None, **style: Any) -> Axes:
    """|rangeness| and |n-bodyness| against the share of information that is retained."""
    if ax is None:
        ax = figure()[0, 0]
    for values, name, colour, mark in (
        (found.rangeness, "|rangeness|", COLOURS["blue"], "o"),
        (found.n_bodyness, "|n-bodyness|", COLOURS["vermillion"], "s"),
    ):
        options: dict[str, Any] = {
            "marker": mark,
            "markersize": 4,
            "linestyle": "none",
            "color": colour,
            "label": name,
        }
        ax.plot(found.retained, np.abs(values), **(options | style))
    dress(ax, x=r"information kept, $I(H{:}E)\,/\,I(V{:}E)$", y="ratio of couplings")
    legend(ax)
    return ax


def plot_collapse(found: Collapse, ax: Axes | None = None, **style: Any) -> Axes:
    """Correlation of block spins against the scaled temperature, one colour per size."""
    if ax is None:
        ax = figure()[0, 0]
    x = found.scaled
    colours = [COLOURS[name] for name in ("sky", "blue", "green", "orange", "vermillion", "purple")]
    marks = "oDs^vP"
    for k, L in enumerate(np.unique(found.L)):
        mine = found.L == L
        options: dict[str, Any] = {
            "marker": marks[k % len(marks)],
            "linestyle": "none",
            "markersize": 4,
            "color": colours[k % len(colours)],
            "label": f"$L = {L:.0f}$",
        }
        if not found.used[mine].any():
            options["markerfacecolor"] = "none"  # too small to be used
        ax.errorbar(x[mine], found.averages[0, mine], found.errors[0, mine], **(options | style))
    line = np.linspace(x[found.used].min(), x[found.used].max(), 200)
    ax.plot(line, np.polynomial.Polynomial(found.polynomials[0])(line), color="0.6", zorder=0)
    dress(ax, x=r"$(T/T_c - 1)\, L^{1/\nu}$", y="correlation of block spins")
    _exponents(ax, found)
    legend(ax)
    return ax


def plot_scaling_operators(found: ScalingOperators, ax: Axes | None = None, **style: Any) -> Axes:
    """Information of each operator against the buffer, and the decay that its dimension predicts.

    The line is r^(-4 Delta), r the distance of the blocks, through the largest buffer at which the
    information is three errors or more.
    """
    if ax is None:
        ax = figure()[0, 0]
    names, marks = ("blue", "vermillion", "green", "purple"), "osD^"
    for operator, name, mark in zip(found, names, marks, strict=False):
        seen = operator.decay > 2 * operator.decay_error
        r = operator.buffers + 2
        label = operator.name
        if not operator.note:
            label += f", $\\Delta$ = {operator.dimension:.3f} $\\pm$ {operator.error:.3f}"
        options: dict[str, Any] = {"marker": mark, "linestyle": "none", "color": COLOURS[name]}
        ax.errorbar(
            r[seen],
            operator.decay[seen],
            operator.decay_error[seen],
            **(options | {"label": label} | style),
        )
        sure = np.flatnonzero(operator.decay > 3 * operator.decay_error)
        if sure.size and not operator.note:
            last = sure[-1]
            line = operator.decay[last] * (r / r[last]) ** (-4 * operator.dimension)
            ax.plot(r, line, color=COLOURS[name], linewidth=1, alpha=0.5)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.minorticks_off()
    ax.set_xticks(found[0].buffers + 2, [str(x) for x in found[0].buffers + 2])
    dress(ax, x="distance of the blocks / sites", y="information / nats")
    legend(ax)
    return ax
