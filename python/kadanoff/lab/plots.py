"""Pictures: thermodynamics against temperature, flow of the levels, and how a model was learned.

Every function draws into the axes `ax` that it is given, or into new ones, and returns them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.lab.style import (
    COLOURS,
    GREY,
    GUIDE,
    curve,
    dress,
    figure,
    guide,
    legend,
    new_or,
    next_colour,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

    from kadanoff.dynamics import Dynamics
    from kadanoff.effective import Fit
    from kadanoff.mapping import KondoMapping
    from kadanoff.nrg import NRGResult

__all__ = [
    "plot_fit",
    "plot_flow",
    "plot_kondo_mapping",
    "plot_spectrum",
    "plot_thermodynamics",
    "save_kondo_mapping",
]

LN_2 = np.log(2.0)

# Label, unit, and the values of fixed points that a reader looks for, in that unit.
QUANTITIES: dict[str, tuple[str, float, dict[str, float]]] = {
    "entropy": (
        r"$S_\mathrm{imp}\,/\,\ln 2$",
        LN_2,
        {r"$\ln 2$": 1.0, r"$\ln 4$": 2.0, r"$\ln 8$": 3.0, r"$\ln 16$": 4.0},
    ),
    "T_chi": (
        r"$T\chi_\mathrm{imp}\,/\,(g\mu_B)^2$",
        1.0,
        {"free orbital": 0.125, "spin 1/2": 0.25, "spin 1": 2 / 3},
    ),
    "T_chi_charge": (r"$T\chi^\mathrm{charge}_\mathrm{imp}$", 1.0, {"free orbital": 0.5}),
    "chi": (r"$\chi_\mathrm{imp}\,D\,/\,(g\mu_B)^2$", 1.0, {}),
    "heat_capacity": (r"$C_\mathrm{imp}\,/\,k_B$", 1.0, {}),
    "log_Z": (r"$\ln Z_\mathrm{imp}$", 1.0, {}),
    "free_energy": (r"$F_\mathrm{imp}\,/\,D$", 1.0, {}),
}

PANEL = (4.8, 3.3)  # inches, in the picture of the Kondo mapping

# The couplings of the paper's Fig. 2 in its colours, told apart by their dashes too.
COUPLINGS: dict[str, tuple[str, str, str]] = {
    "J_SW": (r"$J_\mathrm{SW}$", COLOURS["blue"], "-."),
    "J_obs": (r"$J_\mathrm{obs}$", COLOURS["green"], "--"),
    "J_ML": (r"$J_\mathrm{ML}$", COLOURS["vermillion"], "-"),
}


def plot_thermodynamics(
    run: NRGResult,
    ax: Axes | None = None,
    *,
    quantity: str = "entropy",
    label: str | None = None,
    **style: Any,
) -> Axes:
    """An impurity quantity against log T.

    Parameters
    ----------
    run : NRGResult
        What ``kadanoff.nrg.solve`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; curves of several runs in the same axes get colours of their own.
    quantity : str, default "entropy"
        "entropy" (in units of ln 2), "T_chi", "T_chi_charge", "chi", "heat_capacity", "log_Z",
        "free_energy", or the name of a static operator of the run such as "S_d.S_0".
    label : str, optional
        Entry of the legend; by default the model.
    **style
        Passed on to ``Axes.plot``: color, linestyle, marker, ...

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        The run has no such quantity.
    ImportError
        matplotlib is not installed.
    """
    values, name, marks = _quantity(run, quantity)
    ax = new_or(ax)
    curve(ax, run.T, values, style, label=repr(run.model) if label is None else label)
    dress(ax, x="T / D", y=name, log_x=True)
    if quantity == "entropy":
        ax.yaxis.set_major_locator(_multiples(0.5))
    bottom, top = ax.get_ylim()
    for text, height in marks.items():
        if bottom <= height <= top:
            guide(ax, height, text)
    legend(ax)
    return ax


def _choose(name: str, value: str, known: tuple[str, str]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be {' or '.join(map(repr, known))}, got {value!r}")


def _multiples(of: float) -> Locator:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(of)


def _quantity(run: NRGResult, quantity: str) -> tuple[NDArray[np.float64], str, dict[str, float]]:
    if quantity in QUANTITIES:
        name, unit, marks = QUANTITIES[quantity]
        return getattr(run, quantity) / unit, name, marks
    if quantity in run.expectations:
        return run.expectations[quantity], rf"$\langle$ {quantity} $\rangle$", {}
    known = ", ".join([*QUANTITIES, *run.expectations])
    raise ValueError(
        f"quantity must be one of {known}, got {quantity!r}; "
        "static operators are there when solve(..., observables=[...]) asked for them"
    )


def plot_flow(
    run: NRGResult,
    ax: Axes | None = None,
    *,
    parity: str = "odd",
    E_max: float = 3.0,
    multiplets: int = 40,
    z: int = 0,
    **style: Any,
) -> Axes:
    r"""The NRG flow: levels E / omega_N of every second shell against N.

    Fixed points are where the lines run level; the Kondo temperature is where they cross over.
    A line follows the k-th level of one label; labels share a colour.

    Parameters
    ----------
    run : NRGResult
        What ``kadanoff.nrg.solve`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    parity : {"odd", "even"}
        Shells to show; the two kinds have different spectra.
    E_max : float
        Top of the picture.
    multiplets : int
        Lowest multiplets of every shell to follow.
    z : int
        Which twist, an index into ``run.levels``.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        `parity` is neither "odd" nor "even".
    ImportError
        matplotlib is not installed.
    """
    _choose("parity", parity, ("odd", "even"))
    ax = new_or(ax)
    shells, flow = _flow(run, parity, multiplets, z)
    # Lowest at the end of the chain first; with the same height, larger labels are drawn on top.
    order = sorted(flow, key=lambda label: (round(np.nanmin(flow[label][-1]), 6), label))
    colours = [*COLOURS.values()][1:7]
    for rank, label in enumerate(order):
        named = rank < len(colours)
        own: dict[str, Any] = {
            "color": colours[rank] if named else GREY,
            # Thinner on top: degenerate levels of several labels stay visible.
            "linewidth": max(3.0 - 0.45 * rank, 0.6),
            "zorder": 2 + 0.01 * rank,
        }
        lines = ax.plot(
            shells,
            np.where(flow[label] <= E_max, flow[label], np.nan),
            **(own | style),
        )
        if named:
            lines[0].set_label(", ".join(str(x) for x in label))
    dress(ax, x=f"$N$ ({parity})", y=r"$E\,/\,\omega_N$")
    ax.set_ylim(-0.03 * E_max, E_max)
    names = {"charge": {"U1": "Q", "SU2": "2I"}, "spin": {"U1": "2S_z", "SU2": "2S"}}
    charge, spin = run.symmetry
    title = f"${names['charge'][charge]},\\ {names['spin'][spin]}$"
    legend(ax, title=title, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def _flow(
    run: NRGResult, parity: str, multiplets: int, z: int
) -> tuple[NDArray[np.int64], dict[tuple[int, int], NDArray[np.float64]]]:
    """Shells, and for every label an array (shells, levels) of E / omega_N, NaN where missing."""
    levels = run.levels[z]
    shells = np.arange(parity == "odd", levels.shells, 2)
    found = []
    for n in shells:
        labels, _, energies = levels.shell(int(n))
        here: dict[tuple[int, int], list[float]] = {}
        for (a, b), energy in zip(labels[:multiplets], energies[:multiplets], strict=True):
            here.setdefault((int(a), int(b)), []).append(energy / levels.scale[n])
        found.append(here)
    flow = {}
    for label in sorted({label for here in found for label in here}):
        depth = max(len(here.get(label, [])) for here in found)
        rows = [here.get(label, []) for here in found]
        flow[label] = np.array([row + [np.nan] * (depth - len(row)) for row in rows])
    return shells, flow


def plot_spectrum(
    run: Dynamics,
    ax: Axes | None = None,
    *,
    quantity: str | None = None,
    T: float | None = None,
    both: bool = False,
    b: float | None = None,
    w0: float | None = None,
    label: str | None = None,
    **style: Any,
) -> Axes:
    """A spectral function against log |w|: the t-matrix, or any correlator of the run.

    Parameters
    ----------
    run : Dynamics
        What ``kadanoff.dynamics.solve`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; curves of several runs in the same axes get colours of their own.
    quantity : str, optional
        "t", the t-matrix (default, if the run has it), or the name of a correlator, whose
        spectral function is drawn in units of 1/D.
    T : float, optional
        One temperature of the run; default all of them, one curve each.
    both : bool
        Draw negative frequencies too, dashed, against their modulus.
    b, w0 : float, optional
        Broadening, see :meth:`kadanoff.dynamics.Dynamics.spectral`.
    label : str, optional
        Entry of the legend; by default the model, or the temperatures.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        The run has no such correlator or temperature.
    ImportError
        matplotlib is not installed.
    """
    if quantity is None:
        if not run.names:
            raise ValueError("the run has no correlator to draw; solve(..., names=[...])")
        quantity = "t" if "t" in run.names else run.names[0]
    D = run.model.band.D
    omega = run.grid()
    omega = omega[np.abs(omega) <= 2 * D]
    curves = []
    for t in run.T.tolist() if T is None else [T]:
        if quantity == "t":
            curves.append((t, run.t_matrix(omega, T=t, b=b, w0=w0)))
        else:
            curves.append((t, D * run.spectral(quantity, omega, T=t, b=b, w0=w0)))
    ax = new_or(ax)
    several = len(curves) > 1
    title = repr(run.model) if several and label is None and not ax.lines else None
    for t, values in curves:
        name = label or (f"T = {t:.2g} D" if several else repr(run.model))
        colour = next_colour(ax)
        for sign, dashes in ((1, "-"), (-1, "--"))[: 2 if both else 1]:
            side = np.sign(omega) == sign
            # The mirror image belongs to the curve: it takes no colour and no entry of its own.
            how = {"label": name} if sign > 0 else {"gid": GUIDE}
            how |= {"linestyle": dashes, "color": colour}
            curve(ax, np.abs(omega[side]) / D, values[side], style, **how)
    dress(
        ax,
        x=r"$|\omega|\,/\,D$ (dashed: $\omega < 0$)" if both else r"$\omega\,/\,D$",
        y=_spectrum(quantity),
        log_x=True,
    )
    if quantity == "t":
        guide(ax, 1.0, "unitarity")
    ax.set_ylim(bottom=min(0.0, *(float(values.min()) for _, values in curves)))
    legend(ax, title=title)
    return ax


def _spectrum(quantity: str) -> str:
    if quantity == "t":
        return r"$t(\omega) = -\pi\rho\,\mathrm{Im}\,T(\omega)$"
    return rf"$D\,A(\omega)$ of {quantity}"


def plot_fit(fit: Fit, ax: Axes | None = None, *, quantity: str = "parameters") -> Axes:
    """The way to the learned parameters, solution by solution.

    Filled points came closer; open ones did not, and a shorter step was tried.

    Parameters
    ----------
    fit : Fit
        What ``kadanoff.effective.learn`` returned, or the ``partial`` of its exception.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    quantity : {"parameters", "loss"}
        What to draw against the number of the solution. The line of a parameter ends at a dashed
        level, its learned value.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        `quantity` is neither "parameters" nor "loss".
    ImportError
        matplotlib is not installed.
    """
    _choose("quantity", quantity, ("parameters", "loss"))
    ax = new_or(ax)
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
            learned = fit.model.parameters[name]
            ax.axhline(learned, color=colour, linewidth=0.8, linestyle="--", gid=GUIDE)
    dress(ax, x="solution", y="loss" if quantity == "loss" else ", ".join(fit.parameters))
    if quantity == "loss" and any(values.max(initial=0.0) > 0 for values in curves.values()):
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(_multiples(max(1, round(len(steps) / 8))))
    legend(ax)
    return ax


def plot_kondo_mapping(mappings: KondoMapping | Sequence[KondoMapping], axes: Any = None) -> Any:
    """An Anderson model and the Kondo models that claim to describe it: Fig. 2 of the paper.

    Left, its (a): impurity entropy, circles for the Anderson model. Right, its (c): the ratio
    of the partition functions at the temperature of learning against J, with a circle for every
    J that the optimiser tried.

    Parameters
    ----------
    mappings : KondoMapping or sequence of KondoMapping
        One row of the picture each.
    axes : array of matplotlib.axes.Axes, shape (rows, 2) or (2,), optional
        Where to draw.

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
    # What was tried may lie far away: the scan sets the limits.
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
