"""Pictures of Green functions, self-energies and of the Mott transition.

Every function draws into the axes `ax` that it is given, or into new ones, and returns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff.greens import RealAxisFunction, chebyshev_times, matsubara
from kadanoff.lab.style import COLOURS, dress, figure, legend, next_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.dmft import BetheLoop, Hysteresis, PhaseDiagram, Solution

__all__ = [
    "plot_green",
    "plot_hysteresis",
    "plot_loop",
    "plot_orders",
    "plot_phases",
    "plot_solution",
]


def plot_green(
    G: Any,
    ax: Axes | None = None,
    *,
    quantity: str = "tau",
    eta: float | None = None,
    label: str | None = None,
    **style: Any,
) -> Axes:
    """A Green function in any representation.

    Parameters
    ----------
    G : GreenFunction, MatsubaraFunction, LegendreSeries, ...
        What to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    quantity : {"tau", "iw", "spectrum"}
        ``-G(tau)``, ``-Im G(i w_n)``, or, for poles, ``A(w)`` with half width `eta`.
    eta : float, optional
        By default pi / beta.
    label : str, optional
        For the legend.
    **style
        Passed on to ``Axes.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        ax = figure()[0, 0]
    own: dict[str, Any] = {"color": next_colour(ax), "linewidth": 1.6, "label": label}
    if quantity == "tau":
        tau = chebyshev_times(G.beta)
        ax.plot(tau, -G.tau(tau), **(own | style))
        dress(ax, x=r"$\tau$", y=r"$-G(\tau)$")
    elif quantity == "iw":
        w = matsubara(G.beta, 64)
        ax.plot(w, -G.iw(64).imag, **(own | {"marker": "o", "markersize": 3} | style))
        dress(ax, x=r"$\omega_n$", y=r"$-\mathrm{Im}\,G(i\omega_n)$")
    elif quantity == "spectrum":
        if not hasattr(G, "spectrum"):
            raise ValueError(
                f"a {type(G).__name__} has no spectrum without analytic continuation; "
                "use a solver with poles, such as 'ed'"
            )
        if isinstance(G, RealAxisFunction):
            seen = np.abs(G.omega) <= _reach(G)
            ax.plot(G.omega[seen], G.A[seen], **(own | style))
            dress(ax, x=r"$\omega$", y=r"$A(\omega)$")
            legend(ax)
            return ax
        width = np.pi / G.beta if eta is None else eta
        kept = G.energies[np.abs(G.weights) > 1e-6]
        reach = 1.1 * max(float(np.max(np.abs(kept), initial=1.0)), 10.0 * width)
        w = np.linspace(-reach, reach, 1001)
        ax.plot(w, G.spectrum(w, width), **(own | style))
        dress(ax, x=r"$\omega$", y=r"$A(\omega)$")
    else:
        raise ValueError(f"quantity must be 'tau', 'iw' or 'spectrum', got {quantity!r}")
    legend(ax)
    return ax


def _reach(G: RealAxisFunction) -> float:
    """Frequency beyond which less than 0.2 % of the weight lies."""
    weight = np.abs(G.poles.weights)
    order = np.argsort(np.abs(G.poles.energies))
    inside = np.cumsum(weight[order]) <= 0.998 * np.sum(weight)
    return 1.1 * float(np.max(np.abs(G.poles.energies[order][inside]), initial=0.0))


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
        What a solver returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    quantity : {"iw", "Sigma", "tau", "spectrum"}
        What to draw.
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
    (line,) = ax.plot(solution.w[:count], -values[:count].imag, **(own | style))
    if f"{'G' if quantity == 'iw' else 'Sigma'}_iw_error" in sampled:
        errors = sampled["G_iw_error" if quantity == "iw" else "Sigma_iw_error"][:count]
        ax.errorbar(
            solution.w[:count],
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
    """How often each order of the expansion occurred, per spin; the dashed line is its mean.

    Parameters
    ----------
    solution : Solution
        Of the solver "cthyb".
    ax : matplotlib.axes.Axes, optional
        Where to draw.
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


def plot_loop(loop: BetheLoop, ax: Axes | None = None, **style: Any) -> Axes:
    """The residual of a self-consistency loop against the iteration."""
    if ax is None:
        ax = figure()[0, 0]
    residual = loop.history["residual"]
    own: dict[str, Any] = {
        "color": next_colour(ax),
        "linewidth": 1.6,
        "marker": "o",
        "markersize": 3,
        "label": f"{loop.solution.solver}, {loop.start}, U = {loop.solution.problem.U:g}",
    }
    ax.plot(np.arange(1, residual.size + 1), residual, **(own | style))
    ax.set_yscale("log")
    dress(ax, x="iteration", y="residual")
    legend(ax)
    return ax


def plot_hysteresis(
    scan: Hysteresis, ax: Axes | None = None, *, quantity: str = "Z", **style: Any
) -> Axes:
    """Z(U) or docc(U) on both branches: U rising from the metal, falling from the insulator."""
    if quantity not in ("Z", "docc"):
        raise ValueError(f"quantity must be 'Z' or 'docc', got {quantity!r}")
    if ax is None:
        ax = figure()[0, 0]
    for values, name, colour, marker in zip(
        getattr(scan, quantity),
        ("U rising", "U falling"),
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
        ax.plot(scan.U, values, **(own | style))
    label = "Z" if quantity == "Z" else r"$\langle n_\uparrow n_\downarrow\rangle$"
    dress(ax, x="U / D", y=label)
    legend(ax)
    return ax


def plot_phases(diagram: PhaseDiagram, ax: Axes | None = None, **style: Any) -> Axes:
    """U_c1(T) and U_c2(T), bars for the brackets, and the region in which both phases exist."""
    if ax is None:
        ax = figure()[0, 0]
    for ends, name, colour in (
        (diagram.U_c1, r"$U_{c1}$", COLOURS["vermillion"]),
        (diagram.U_c2, r"$U_{c2}$", COLOURS["blue"]),
    ):
        middle, half = ends.mean(axis=1), 0.5 * np.abs(np.diff(ends, axis=1)[:, 0])
        own: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 4, "linewidth": 1.6}
        ax.errorbar(middle, diagram.T, xerr=half, label=name, **(own | style))
    both = diagram.coexists
    if np.count_nonzero(both) > 1:
        left, right = diagram.U_c1[both].mean(axis=1), diagram.U_c2[both].mean(axis=1)
        grey = COLOURS["black"]
        ax.fill_betweenx(diagram.T[both], left, right, color=grey, alpha=0.08, label="both")
    ax.set_ylim(bottom=0.0)
    dress(ax, x="U / D", y="T / D")
    legend(ax)
    return ax
