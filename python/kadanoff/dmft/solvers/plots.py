"""Figures of solutions: Green functions, self-energies, orders of the expansion.

Every function draws into the axes `ax`, or into new ones, and returns them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.style import dress, figure, legend, next_colour
from kadanoff._base.types import FloatArray
from kadanoff.dmft.problem import SPINS
from kadanoff.greens import GreenFunction
from kadanoff.greens.plots import plot_green

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.dmft import Solution, Spectrum

__all__ = ["MARKS", "plot_orders", "plot_solution", "plot_spectrum", "printed"]

MARKS = ("o", "s", "^", "D", "v", "P", "X")
"""Marks of curves in their order, so that colour is not the only difference."""
PRINTED = {
    "ed": "ED",
    "ipt": "IPT",
    "hubbard1": "Hubbard-I",
    "nca": "NCA",
    "nrg": "NRG",
    "ftlm": "FTLM",
    "lanczos": "Lanczos",
    "cthyb": "CT-HYB",
}


def printed(solver: str) -> str:
    """The name of a solver in print, with the number of its bath sites if it has one.

    Examples
    --------
    >>> printed("hubbard1"), printed("ed-3"), printed("learned")
    ('Hubbard-I', 'ED-3', 'learned')
    """
    name, dash, sites = solver.partition("-")
    return PRINTED.get(name, name) + dash + sites


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
        For the legend; the name of the solver in print by default.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    label = printed(solution.solver) if label is None else label
    sampled = solution.diagnostics
    if quantity == "spectrum" and solution.G_w is not None:
        return plot_green(solution.G_w, ax, quantity=quantity, label=label, **style)
    if quantity == "spectrum":
        w = _frequencies(solution)
        if solution.by_spin is None:
            return plot_spectrum(solution.spectral(w), ax, label=label, **style)
        for spin in SPINS:
            ax = plot_spectrum(
                solution.spectral(w, spin=spin), ax, label=f"{label}, {spin}", **style
            )
        assert ax is not None
        return ax
    if quantity == "tau":
        ax = plot_green(solution.G, ax, quantity=quantity, label=label, **style)
        if "G_bins" in sampled:
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
        "marker": MARKS[len(ax.lines) % len(MARKS)],
        "markersize": 4,
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
        )
    name = "G" if quantity == "iw" else r"\Sigma"
    dress(ax, x=r"$\omega_n$", y=rf"$-\mathrm{{Im}}\,{name}(i\omega_n)$")
    legend(ax)
    return ax


def _frequencies(solution: Solution) -> FloatArray:
    """Where the weight of G lies, and the Lorentzians at its ends."""
    G, problem = solution.G, solution.problem
    if isinstance(G, GreenFunction):
        far = float(np.max(np.abs(G.energies[np.abs(G.weights) > 1e-6]), initial=0.0))
    else:
        far = 2.0 * abs(problem.eps) + abs(problem.U) + 2.0 * math.sqrt(problem.Delta_moments()[0])
    reach = 1.1 * max(far, 10.0 * math.pi / problem.beta)
    return np.linspace(-reach, reach, 1001)


def plot_spectrum(
    spectrum: Spectrum,
    ax: Axes | None = None,
    *,
    quantity: str = "A",
    label: str | None = None,
    **style: Any,
) -> Axes:
    """A(w), with the band of its standard error, or -Im Sigma(w).

    Parameters
    ----------
    spectrum : Spectrum
        What to draw.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    quantity : {"A", "Sigma"}
        Quantity to draw.
    label : str, optional
        For the legend.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    checks.choice("quantity", quantity, ("A", "Sigma"))
    if ax is None:
        ax = figure()[0, 0]
    values = spectrum.A if quantity == "A" else -spectrum.Sigma.imag
    own: dict[str, Any] = {"color": next_colour(ax), "linewidth": 1.6, "label": label}
    (line,) = ax.plot(spectrum.w, values, **(own | style))
    if quantity == "A" and spectrum.error is not None:
        low, high = values - spectrum.error, values + spectrum.error
        ax.fill_between(spectrum.w, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    name = r"A(\omega)" if quantity == "A" else r"-\mathrm{Im}\,\Sigma(\omega)"
    dress(ax, x=r"$\omega$", y=f"${name}$")
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
