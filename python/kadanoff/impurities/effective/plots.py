"""Figures of learned models, and of the mapping from Anderson to Kondo models.

Every function draws into the axes `ax` that it is given, or into new ones, and returns them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import (
    COLOURS,
    GUIDE,
    dress,
    figure,
    guide,
    legend,
    multiples,
    new_or,
    next_colour,
)
from kadanoff.impurities.nrg.plots import plot_thermodynamics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.impurities.effective.anderson_to_kondo import KondoMapping
    from kadanoff.impurities.effective.fit import Fit
    from kadanoff.impurities.nrg.result import NRGResult

__all__ = ["plot_fit", "plot_kondo_mapping", "save_kondo_mapping"]


PANEL = (4.8, 3.3)  # inches, in the picture of the Kondo mapping


# The couplings of Fig. 2 of the paper in its colours, distinguished by dashes as well.
COUPLINGS: dict[str, tuple[str, str, str]] = {
    "J_SW": (r"$J_\mathrm{SW}$", COLOURS["blue"], "-."),
    "J_obs": (r"$J_\mathrm{obs}$", COLOURS["green"], "--"),
    "J_ML": (r"$J_\mathrm{ML}$", COLOURS["vermillion"], "-"),
}


@public
def plot_fit(fit: Fit, ax: Axes | None = None, *, quantity: str = "parameters") -> Axes:
    """Parameters, or the loss, against the number of the solution; or a test of the model.

    Filled points are accepted steps, open ones rejected steps. A verdict other than "right" is
    written above the axes.

    Parameters
    ----------
    fit : Fit
        Result of ``kadanoff.effective.learn``, or the ``partial`` of its exception.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into.
    quantity : {"parameters", "loss", "entropy", "T chi", "T chi_charge"}
        Quantity to draw. The line of a parameter ends at a dashed level, its learned value, within
        a band of its error. The last three are those of target and effective model against T.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into.

    Raises
    ------
    ValueError
        `quantity` is none of these, or needs a fit with ``drift=True``.
    ImportError
        matplotlib is not installed.
    """
    checks.choice("quantity", quantity, ("parameters", "loss", *_TESTS))
    if quantity in _TESTS and (fit.consistency is None or not fit.consistency.target):
        raise ValueError(
            f"quantity = {quantity!r} was not compared: learn from a model, with drift=True"
        )
    ax = new_or(ax)
    if quantity in _TESTS:
        _plot_test(fit, ax, quantity)
    else:
        _plot_steps(fit, ax, quantity)
    if fit.verdict in ("wrong", "undecided"):
        colour = COLOURS["vermillion"] if fit.verdict == "wrong" else COLOURS["black"]
        ax.set_title(f"{type(fit.model).__name__}: {fit.verdict}", color=colour)
    legend(ax)
    return ax


_TESTS = {"entropy": r"$S_\mathrm{imp}$", "T chi": r"$T\chi$", "T chi_charge": r"$T\chi_c$"}


def _plot_test(fit: Fit, ax: Axes, quantity: str) -> None:
    from matplotlib.ticker import FuncFormatter

    found = fit.consistency
    assert found is not None
    for label, curves, style in (
        ("target", found.target, "o"),
        ("effective", found.effective, "-"),
    ):
        ax.plot(found.T, curves[quantity], style, color=next_colour(ax), markersize=4, label=label)
    dress(ax, x="T", y=_TESTS[quantity], log_x=True)
    ax.xaxis.set_minor_formatter(FuncFormatter(_twos_and_fives))


def _twos_and_fives(x: float, position: int | None = None) -> str:
    """Labels of ticks between powers of ten: a decade has no room for all nine."""
    power = math.floor(math.log10(x))
    digit = round(x / 10**power)
    return rf"${digit}\times10^{{{power}}}$" if digit in (2, 5) else ""


def _plot_steps(fit: Fit, ax: Axes, quantity: str) -> None:
    steps = np.arange(1, len(fit.history) + 1)
    accepted = np.array([step.accepted for step in fit.history], dtype=bool)
    if quantity == "loss":
        curves = {"loss": np.array([step.loss for step in fit.history])}
    else:
        curves = {
            name: np.array([step.parameters[name] for step in fit.history])
            for name in fit.parameters
        }
    for name, values in curves.items():
        colour = next_colour(ax)
        last = "" if quantity == "loss" else f" = {fit.model.parameters[name]:.5g}"
        ax.plot(steps, values, color=colour, linewidth=1.2, label=f"{name}{last}")
        for which, face in ((accepted, colour), (~accepted, "white")):
            ax.scatter(
                steps[which], values[which], s=28, facecolors=face, edgecolors=colour, zorder=3
            )
        if quantity == "parameters":
            learned, error = fit.model.parameters[name], fit.errors.get(name, 0.0)
            ax.axhline(learned, color=colour, linewidth=0.8, linestyle="--", gid=GUIDE)
            if 0 < error < np.inf:
                band = (learned - error, learned + error)
                ax.axhspan(*band, color=colour, alpha=0.15, linewidth=0, gid=GUIDE)
    dress(ax, x="solution", y="loss" if quantity == "loss" else ", ".join(fit.parameters))
    if quantity == "loss" and any(values.max(initial=0.0) > 0 for values in curves.values()):
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(multiples(max(1, round(len(steps) / 8))))


@public
def plot_kondo_mapping(mappings: KondoMapping | Sequence[KondoMapping], axes: Any = None) -> Any:
    """An Anderson model and its three candidate Kondo models: Fig. 2 of the paper.

    Left, Fig. 2(a): impurity entropy, circles for the Anderson model. Right, Fig. 2(c): the ratio
    of the partition functions at the temperature of learning against J, with a circle for every
    J that the optimiser tried.

    Parameters
    ----------
    mappings : KondoMapping or sequence of KondoMapping
        One row of the picture each.
    axes : array of matplotlib.axes.Axes, shape (rows, 2) or (2,), optional
        Axes to draw into.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (rows, 2)

    References
    ----------
    J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Fig. 2,
    doi:10.1103/PhysRevB.101.241105
    """
    several: list[KondoMapping] = list(mappings) if isinstance(mappings, Sequence) else [mappings]
    if axes is None:
        axes = figure(len(several), 2, size=PANEL)
    axes = np.asarray(axes, dtype=object).reshape(len(several), 2)
    for mapping, (left, right) in zip(several, axes, strict=True):
        _entropies(mapping, left)
        _ratios(mapping, right)
    return axes


@public
def save_kondo_mapping(mappings: Sequence[KondoMapping], path: str | Path) -> None:
    """The picture of :func:`plot_kondo_mapping` in a file, whatever backend is configured.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    axes = figure(len(mappings), 2, size=PANEL, pyplot=False)
    plot_kondo_mapping(mappings, axes)
    axes[0, 0].figure.savefig(path, dpi=160)


def _kondo_runs(mapping: KondoMapping) -> Iterator[tuple[str, str, str, NRGResult]]:
    """Symbol, colour, dashes and run of every Kondo model, in the order of the paper's legend."""
    for name, how in COUPLINGS.items():
        if name in mapping.kondo:
            yield *how, mapping.kondo[name]


def _entropies(mapping: KondoMapping, ax: Axes) -> None:
    for symbol, colour, dashes, run in _kondo_runs(mapping):
        label = f"{symbol} = {run.model.parameters['J']:.4f}"
        plot_thermodynamics(run, ax, label=label, color=colour, linestyle=dashes)
    plot_thermodynamics(
        mapping.aim,
        ax,
        label=repr(mapping.aim.model),
        color=COLOURS["black"],
        linestyle="",
        marker="o",
        markersize=3.5,
        markerfacecolor="none",
        markevery=max(1, len(mapping.aim.T) // 60),
        zorder=3,
    )
    # Between ln 2 and ln 4, left of the rise.
    ax.set_ylim(-0.05, 2.1)
    legend(ax, loc="upper left", bbox_to_anchor=(0.0, 0.93))


def _ratios(mapping: KondoMapping, ax: Axes) -> None:
    fit = mapping.fit
    ax.plot(mapping.J, np.exp(mapping.log_Z_ratio), color=COLOURS["black"], linewidth=1.2)
    # The couplings that were tried may lie far away: the scan sets the limits.
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    ax.plot(
        [step.parameters["J"] for step in fit.history],
        np.exp([step.values[0] - fit.target_values[0] for step in fit.history]),
        color=COLOURS["black"],
        linestyle="",
        marker="o",
        markersize=4,
    )
    for symbol, colour, dashes, run in _kondo_runs(mapping):
        found = run.model.parameters["J"]
        ax.axvline(found, color=colour, linestyle=dashes, gid=GUIDE, zorder=0)
        ax.annotate(
            symbol,
            xy=(found, 1.0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(0, 3),
            textcoords="offset points",
            horizontalalignment="center",
            color=colour,
        )
    guide(ax, 1.0, "")
    dress(ax, x="J / D", y=rf"$Z_K / Z_A$ at T = {fit.T[0]:.2g} D")
