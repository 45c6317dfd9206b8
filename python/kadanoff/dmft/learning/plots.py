"""Figures of learned solvers: errors, calibration, learning curves and searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.style import COLOURS, dress, figure, legend
from kadanoff.dmft.learning.encoding import NODES
from kadanoff.dmft.solvers.plots import MARKS, printed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.dmft.learning import LearnedSolver, LearningCurve, Report, Search

__all__ = ["plot_learning_curve", "plot_report", "plot_search", "plot_solver"]

DASHES = ("-", "--", "-.", ":")
ERRORS = {
    "mse": r"mean square error of $G(\tau)$",
    "dSigma": r"mean $|\delta\Sigma(i\omega_0)|$",
    "dSigma_50": r"median $|\delta\Sigma(i\omega_0)|$",
    "dSigma_90": r"$|\delta\Sigma(i\omega_0)|$, 90th percentile",
    "dZ": r"mean $|\delta Z|$",
    "dZ_50": r"median $|\delta Z|$",
    "dZ_90": r"$|\delta Z|$, 90th percentile",
    "dn": r"mean $|\delta n|$",
    "ddocc": r"mean $|\delta\langle n_\uparrow n_\downarrow\rangle|$",
}


def plot_report(
    report: Report, ax: Axes | None = None, *, quantity: str = "dSigma", **style: Any
) -> Axes:
    """An error against beta, by solver, or the calibration of the intervals.

    Parameters
    ----------
    report : Report
        A result of `kadanoff.dmft.report`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    quantity : str
        "mse", "dSigma", "dSigma_50", "dSigma_90", "dZ", "dZ_50", "dZ_90", "dn", "ddocc", or
        "calibration": the share of errors below a multiple of the 68 % interval.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if quantity != "calibration" and quantity not in ERRORS:
        raise ValueError(
            f"quantity must be 'calibration' or one of {', '.join(ERRORS)}, got {quantity!r}"
        )
    if ax is None:
        ax = figure()[0, 0]
    if quantity == "calibration":
        names = list(COLOURS)
        for k, (beta, pulls) in enumerate(zip(report.beta, report.pulls, strict=True)):
            ordered = np.sort(pulls.ravel())
            share = np.arange(1, ordered.size + 1) / ordered.size
            own: dict[str, Any] = {"color": COLOURS[names[k % 7]], "label": f"β = {beta:g}"}
            own["linestyle"] = DASHES[k % len(DASHES)]
            ax.plot(ordered, share, **(own | style))
        ax.axvline(1.0, color="#767676", linewidth=0.8)
        ax.axhline(0.68, color="#767676", linewidth=0.8)
        ax.set_xlim(0.0, 4.0)
        ax.set_ylim(0.0, 1.0)
        dress(ax, x="error / 68 % interval", y="share of predictions below")
    else:
        for k, name in enumerate(report.solvers):
            colour = "black" if name == "learned" else list(COLOURS.values())[1 + k % 6]
            own = {"color": colour, "marker": MARKS[k % 7], "markersize": 4}
            own["label"] = printed(name)
            ax.plot(report.beta, getattr(report, quantity)[name], **(own | style))
        ax.set_yscale("log")
        _values_on_x(ax, report.beta)
        dress(ax, x="β", y=ERRORS[quantity])
    legend(ax)
    return ax


def _values_on_x(ax: Axes, values: Any) -> None:
    """A logarithmic axis with ticks at the values that were computed, and at no others."""
    ax.set_xscale("log")
    ax.set_xticks(values, [f"{x:g}" for x in values])
    ax.set_xticks([], minor=True)


def _of_temperature(b: int, beta: float) -> dict[str, Any]:
    """Colour, mark and name of the b-th temperature."""
    colours = [c for name, c in COLOURS.items() if name != "yellow"]
    return {"color": colours[b % len(colours)], "marker": MARKS[b % 7], "label": f"β = {beta:g}"}


def plot_learning_curve(curve: LearningCurve, ax: Axes | None = None, **style: Any) -> Axes:
    """Mean |dSigma(i w_0)| against the number of samples; dotted: the best input, uncorrected.

    Parameters
    ----------
    curve : LearningCurve
        A result of `kadanoff.dmft.learning_curve`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        ax = figure()[0, 0]
    for b, beta in enumerate(curve.beta):
        own = _of_temperature(b, beta) | {"markersize": 4}
        ax.plot(curve.samples, curve.dSigma[:, b], **(own | style))
        best = min(curve.inputs, key=lambda name: float(curve.inputs[name][b]))
        ax.axhline(
            float(curve.inputs[best][b]),
            color=own["color"],
            linestyle=":",
            linewidth=1.0,
            label=f"{printed(best)}, β = {beta:g}",
        )
    ax.set_yscale("log")
    _values_on_x(ax, curve.samples)
    dress(ax, x="training samples", y=r"mean $|\delta\Sigma(i\omega_0)|$")
    legend(ax)
    return ax


def plot_search(search: Search, ax: Axes | None = None, **style: Any) -> Axes:
    """The error of every combination of options, best on top; dotted: the best uncorrected input.

    Parameters
    ----------
    search : Search
        A result of `kadanoff.dmft.learning.search`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        ax = figure()[0, 0]
    place = np.arange(len(search))
    for b, beta in enumerate(search.test.beta):
        own = _of_temperature(b, beta) | {"linestyle": "none"}
        ax.plot([errors[b] for _, errors in search], place, **(own | style))
        if search.inputs:
            best = min(errors[b] for errors in search.inputs.values())
            label = "best input" if b == 0 else None
            ax.axvline(best, color=own["color"], linestyle=":", linewidth=1.0, label=label)
    ax.set_yticks(place, search.labels)
    ax.invert_yaxis()
    ax.set_xscale("log")
    dress(ax, x=ERRORS[search.metric], y="")
    legend(ax)
    return ax


def plot_solver(solver: LearnedSolver, ax: Axes | None = None, **style: Any) -> Axes:
    """Relative errors of Im Sigma on held-out problems against n, one line per temperature.

    Parameters
    ----------
    solver : LearnedSolver
        A result of `kadanoff.dmft.learn`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        ax = figure()[0, 0]
    for b, expert in enumerate(solver.experts):
        own = _of_temperature(b, expert.beta) | {"markersize": 4}
        own["label"] = f"β = {expert.beta:g}: {expert.choice!r}"
        ax.plot(2 * NODES + 1, expert.floor[1], **(own | style))
    ax.set_xscale("log")
    ax.set_yscale("log")
    dress(ax, x="2n + 1", y=r"usual $|\delta\,$Im$\,\Sigma(i\omega_n)\,/\,$Im$\,\Sigma|$, held out")
    legend(ax)
    return ax
