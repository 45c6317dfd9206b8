"""Figures of thermodynamics against temperature, of the flow of levels, and of spectra.

Every function draws into the axes `ax` that it is given, or into new ones, and returns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.style import (
    COLOURS,
    GREY,
    GUIDE,
    curve,
    dress,
    guide,
    legend,
    multiples,
    new_or,
    next_colour,
)
from kadanoff._base.types import FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.impurities.nrg.dynamics import Dynamics
    from kadanoff.impurities.nrg.result import NRGResult

__all__ = ["plot_flow", "plot_spectrum", "plot_thermodynamics"]

LN_2 = np.log(2.0)

# Label, unit, and the values at the fixed points in that unit.
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


def plot_thermodynamics(
    run: NRGResult,
    ax: Axes | None = None,
    *,
    quantity: str = "entropy",
    label: str | None = None,
    **style: Any,
) -> Axes:
    """An impurity quantity against log T, with a band of its estimated error.

    Parameters
    ----------
    run : NRGResult
        Result of ``kadanoff.nrg.solve``.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; curves of several runs in the same axes have different colours.
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
        The axes drawn into.

    Raises
    ------
    ValueError
        The run has no such quantity.
    ImportError
        matplotlib is not installed.
    """
    values, name, marks = _quantity(run, quantity)
    ax = new_or(ax)
    T = run.T / run.model.band.D
    curve(ax, T, values, style, label=repr(run.model) if label is None else label)
    if run.errors is not None:
        error = run.error(quantity) / _unit(run, quantity)
        colour = ax.lines[-1].get_color()
        band = (values - error, values + error)
        ax.fill_between(T, *band, color=colour, alpha=0.2, linewidth=0, gid=GUIDE)
    dress(ax, x="$T / D$", y=name, log_x=True)
    if quantity == "entropy":
        ax.yaxis.set_major_locator(multiples(0.5))
    bottom, top = ax.get_ylim()
    for text, height in marks.items():
        if bottom <= height <= top:
            guide(ax, height, text)
    legend(ax)
    return ax


def _unit(run: NRGResult, quantity: str) -> float:
    """The unit that the label of the axis names, in the unit of the run."""
    D = run.model.band.D
    units = {"chi": 1 / D, "free_energy": D}
    return units.get(quantity, QUANTITIES[quantity][1] if quantity in QUANTITIES else 1.0)


def _quantity(run: NRGResult, quantity: str) -> tuple[FloatArray, str, dict[str, float]]:
    if quantity in QUANTITIES:
        name, _, marks = QUANTITIES[quantity]
        return getattr(run, quantity) / _unit(run, quantity), name, marks
    if quantity in run.expectations:
        return run.expectations[quantity], rf"$\langle$ {quantity} $\rangle$", {}
    known = ", ".join([*QUANTITIES, *run.expectations])
    raise ValueError(
        f"quantity must be one of {known}, got {quantity!r}; "
        "static operators need solve(..., observables=[...])"
    )


def plot_flow(
    run: NRGResult,
    ax: Axes | None = None,
    *,
    parity: str = "odd",
    E_max: float = 3.0,
    multiplets: int = 40,
    twist: int = 0,
    **style: Any,
) -> Axes:
    r"""The NRG flow: levels E / omega_N of every second shell against N.

    Of every sixth shell where three channels take turns: those that end with one channel. The lines
    are flat at fixed points, and cross over between them at the Kondo temperature.
    A line follows the k-th level of one label; labels share a colour.

    Parameters
    ----------
    run : NRGResult
        Result of ``kadanoff.nrg.solve``.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into.
    parity : {"odd", "even"}
        Shells to show; the two kinds have different spectra.
    E_max : float
        Upper end of the energy axis.
    multiplets : int
        Number of the lowest multiplets of every shell to draw.
    twist : int
        Index into the twists ``run.options.z``.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into.

    Raises
    ------
    ValueError
        `parity` is neither "odd" nor "even".
    ImportError
        matplotlib is not installed.
    """
    checks.choice("parity", parity, ("odd", "even"))
    E_max = checks.real("E_max", E_max, above=0)
    multiplets = checks.whole("multiplets", multiplets)
    twist = checks.whole("twist", twist, least=0, most=len(run.levels) - 1)
    ax = new_or(ax)
    shells, flow = _flow(run, parity, multiplets, twist)
    # Lowest at the end of the chain first; with the same height, larger labels are drawn on top.
    lowest = {
        label: round(float(np.nan_to_num(rows[-1], nan=np.inf).min()), 6)
        for label, rows in flow.items()
    }
    order = sorted(flow, key=lambda label: (lowest[label], label))
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
    title = ",\\ ".join(
        known.get(factor, "-") for known, factor in zip(LABELS, run.symmetry, strict=False)
    )
    legend(ax, title=f"${title}$", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


LABELS = (
    {"U1": "Q", "SU2": "2I", "Z2": r"Q\ \mathrm{mod}\ 2"},
    {"U1": "2S_z", "SU2": "2S", "Z2": r"2S_z\ \mathrm{mod}\ 4"},
    {"U1": "Q_1 - Q_2", "SU2": "2T"},
)
"""Labels of the multiplets: of charge, spin and channel."""


def _flow(
    run: NRGResult, parity: str, multiplets: int, twist: int
) -> tuple[IntArray, dict[tuple[int, ...], FloatArray]]:
    """Shells, and for every label an array (shells, levels) of E / omega_N, NaN where missing."""
    levels = run.levels[twist]
    shells = np.arange(parity == "odd", levels.shells, levels.period)
    found = []
    for n in shells:
        labels, _, energies = levels.shell(int(n))
        here: dict[tuple[int, ...], list[float]] = {}
        for label, energy in zip(labels[:multiplets], energies[:multiplets], strict=True):
            here.setdefault(tuple(label.tolist()), []).append(energy / levels.scale[n])
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
        Result of ``kadanoff.dynamics.solve``.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; curves of several runs in the same axes have different colours.
    quantity : str, optional
        "t", the t-matrix (default, if the run has it), or the name of a correlator, whose
        spectral function is drawn in units of 1/D.
    T : float, optional
        One temperature of the run; default all of them, one curve each.
    both : bool
        Whether negative frequencies are drawn as well, dashed, against their modulus.
    b, w0 : float, optional
        Broadening, see :meth:`kadanoff.dynamics.Dynamics.spectral`.
    label : str, optional
        Entry of the legend; by default the model, or the temperatures.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn into.

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
    if quantity != "t":  # of which t_matrix says whether there is one
        checks.choice("quantity", quantity, run.names)
    D = run.model.band.D
    w = run.grid()
    w = w[np.abs(w) <= 2 * D]
    curves = []
    for t in run.T.tolist() if T is None else [T]:
        if quantity == "t":
            curves.append((t, run.t_matrix(w, T=t, b=b, w0=w0)))
        else:
            curves.append((t, D * run.spectral(quantity, w, T=t, b=b, w0=w0)))
    ax = new_or(ax)
    several = len(curves) > 1
    title = repr(run.model) if several and label is None and not ax.lines else None
    for t, values in curves:
        name = label or (f"T = {t / D:.2g} D" if several else repr(run.model))
        colour = next_colour(ax)
        for sign, dashes in ((1, "-"), (-1, "--"))[: 2 if both else 1]:
            side = np.sign(w) == sign
            # The mirror image belongs to the curve: it takes no colour and no entry of its own.
            how = {"label": name} if sign > 0 else {"gid": GUIDE}
            how |= {"linestyle": dashes, "color": colour}
            curve(ax, np.abs(w[side]) / D, values[side], style, **how)
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
