"""Figures of self-consistency loops and of the Mott transition.

Every function draws into the axes `ax`, or into new ones, and returns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.style import COLOURS, dress, figure, legend, next_colour
from kadanoff.dmft.solvers.plots import MARKS, printed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.dmft import Hysteresis, Loop, MottEnds, PhaseDiagram

__all__ = ["plot_hysteresis", "plot_loop", "plot_mott_ends", "plot_phases"]


def plot_loop(loop: Loop, ax: Axes | None = None, **style: Any) -> Axes:
    """The residual of a self-consistency loop against the iteration."""
    if ax is None:
        ax = figure()[0, 0]
    from matplotlib.ticker import MaxNLocator

    residual = loop.history["residual"]
    found = f"{printed(loop.solution.solver)}, {loop.state}, U = {loop.solution.problem.U:g}"
    if loop.start in ("metal", "insulator"):
        found += f", from the {loop.start}"
    own: dict[str, Any] = {
        "color": next_colour(ax),
        "linewidth": 1.6,
        "marker": MARKS[len(ax.lines) % len(MARKS)],
        "markersize": 4,
        "label": found,
    }
    ax.plot(np.arange(1, residual.size + 1), residual, **(own | style))
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    dress(ax, x="iteration", y="residual")
    legend(ax)
    return ax


def plot_hysteresis(
    scan: Hysteresis, ax: Axes | None = None, *, quantity: str = "Z", **style: Any
) -> Axes:
    """Z(U) or docc(U) with U rising from the metal and falling from the insulator.

    Full symbols are metals, open ones insulators.
    """
    if quantity not in ("Z", "docc"):
        raise ValueError(f"quantity must be 'Z' or 'docc', got {quantity!r}")
    if ax is None:
        ax = figure()[0, 0]
    for values, metallic, name, colour, marker in zip(
        getattr(scan, quantity),
        scan.is_metallic,
        ("$U$ rising", "$U$ falling"),
        (COLOURS["blue"], COLOURS["vermillion"]),
        ("o", "s"),
        strict=True,
    ):
        own: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "markersize": 4,
            "linewidth": 1.6,
            "label": name,
        }
        (line,) = ax.plot(scan.U, values, **(own | style))
        open_ = np.where(metallic, np.nan, values)
        ax.plot(
            scan.U,
            open_,
            linestyle="none",
            marker=line.get_marker(),
            markersize=line.get_markersize(),
            markeredgecolor=line.get_color(),
            markerfacecolor="white",
        )
    label = "$Z$" if quantity == "Z" else r"$\langle n_\uparrow n_\downarrow\rangle$"
    dress(ax, x="$U / D$", y=label)
    legend(ax)
    return ax


def plot_phases(diagram: PhaseDiagram, ax: Axes | None = None, **style: Any) -> Axes:
    """U_c1(T) and U_c2(T), bars for the brackets, and the region in which both phases exist.

    Temperatures without coexistence are a crossover: open symbols, and no lines. The critical end
    point lies in the rectangle between the last temperature with coexistence and the next one.
    """
    if ax is None:
        ax = figure()[0, 0]
    both = diagram.coexists
    name = printed(diagram.solver)
    for ends, label, colour, marker in (
        (diagram.U_c1, r"$U_{c1}$", COLOURS["vermillion"], "s"),
        (diagram.U_c2, r"$U_{c2}$", COLOURS["blue"], "o"),
    ):
        middle, half = ends.mean(axis=1), 0.5 * np.abs(np.diff(ends, axis=1)[:, 0])
        own: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.6}
        if np.any(both):
            ax.errorbar(
                middle[both],
                diagram.T[both],
                xerr=half[both],
                label=f"{label}, {name}",
                **(own | style),
            )
    if np.count_nonzero(both) > 1:
        left, right = diagram.U_c1[both].mean(axis=1), diagram.U_c2[both].mean(axis=1)
        grey = COLOURS["black"]
        ax.fill_betweenx(
            diagram.T[both], left, right, color=grey, alpha=0.08, linewidth=0, label="both phases"
        )
    if not np.all(both):
        ends = np.concatenate([diagram.U_c1, diagram.U_c2], axis=1)[~both]
        low, high = ends.min(axis=1), ends.max(axis=1)
        own = {"color": COLOURS["black"], "marker": "D", "markerfacecolor": "white"}
        own |= {"markersize": 4, "linestyle": "none", "label": f"crossover, {name}"}
        ax.errorbar(0.5 * (low + high), diagram.T[~both], xerr=0.5 * (high - low), **(own | style))
    _draw_critical_point(diagram, ax)
    ax.set_ylim(bottom=0.0)
    dress(ax, x="$U / D$", y="$T / D$")
    legend(ax)
    return ax


def _draw_critical_point(diagram: PhaseDiagram, ax: Axes) -> None:
    """The rectangle that holds the critical end point."""
    from matplotlib.patches import Rectangle

    between = diagram.critical_temperature
    if between is None:
        return
    k = int(np.flatnonzero(diagram.coexists)[-1])
    ends = np.concatenate([diagram.U_c1[k : k + 2], diagram.U_c2[k : k + 2]])
    low, high = float(ends.min()), float(ends.max())
    ax.add_patch(
        Rectangle(
            (low, between[0]),
            high - low,
            between[1] - between[0],
            facecolor="none",
            edgecolor=COLOURS["black"],
            linestyle=":",
            label="critical end point",
        )
    )


def plot_mott_ends(ends: MottEnds, ax: Axes | None = None, **style: Any) -> Axes:
    """U_c1 and U_c2 with their errors, ours in the lowest row, published ones above."""
    from kadanoff.dmft.loops.transition_ends import PUBLISHED

    if ax is None:
        ax = figure()[0, 0]
    D = ends.D
    ours = [(end.U / D, end.error / D) for end in (ends.U_c1, ends.U_c2)]
    pairs: list[list[Any]] = [ours, *([row.U_c1, row.U_c2] for row in PUBLISHED)]
    for which, name, colour, marker in (
        (0, r"$U_{c1}$", COLOURS["vermillion"], "s"),
        (1, r"$U_{c2}$", COLOURS["blue"], "o"),
    ):
        known = [(y, *pair[which]) for y, pair in enumerate(pairs) if pair[which] is not None]
        y, U, error = (list(x) for x in zip(*known, strict=True))
        own: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4}
        own["linestyle"] = "none"
        ax.errorbar(U, y, xerr=error, label=name, **(own | style))
    ax.set_yticks(range(len(pairs)), ["here", *(row.authors for row in PUBLISHED)])
    dress(ax, x="$U / D$", y="")
    legend(ax)
    return ax
