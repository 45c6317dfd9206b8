"""Pictures of spins: configurations, distributions, and averages against temperature.

Every function draws into the axes `ax`, by default into new ones, and returns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.style import GREY, dress, figure, next_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.lattices.ising.results import IsingSamples, IsingScan

__all__ = ["plot_configuration", "plot_histogram", "plot_scan", "plot_spins"]

LABELS = {
    "energy": r"$\langle e \rangle / J$",
    "magnetisation": r"$\langle m \rangle$",
    "abs_magnetisation": r"$\langle |m| \rangle$",
    "m2": r"$\langle m^2 \rangle$",
    "m4": r"$\langle m^4 \rangle$",
    "specific_heat": r"$c$",
    "susceptibility": r"$\chi$",
    "binder": r"$U_4$",
}


def plot_spins(spins: ArrayLike, ax: Axes | None = None, **style: Any) -> Axes:
    """A configuration as an image, up dark; a chain as a stripe, a cube by its first layer.

    Parameters
    ----------
    spins : array of +-1
        One, two or three axes.
    ax : matplotlib.axes.Axes, optional
    **style
        For ``imshow``.
    """
    s = np.asarray(spins)
    if s.ndim == 3:
        s = s[0]
    s = np.atleast_2d(s)
    if ax is None:
        ax = figure(size=(3.6, 3.6))[0, 0]
    options: dict[str, Any] = {
        "cmap": "Greys",
        "vmin": -1.3,  # white is paper, not a spin
        "vmax": 1.0,
        "interpolation": "nearest" if s.size <= 256**2 else "antialiased",
        "aspect": "auto" if s.shape[0] == 1 else "equal",
    }
    ax.imshow(s, **(options | style))
    ax.set_xticks([])
    ax.set_yticks([])
    return ax


def plot_configuration(
    run: IsingSamples, ax: Axes | None = None, *, index: int = -1, **style: Any
) -> Axes:
    """Sample number `index` as an image."""
    from kadanoff.lattices.ising.results import unpacked

    if run.packed is None:
        raise ValueError("this run kept no configurations: ask for them with configurations=True")
    ax = plot_spins(unpacked(run.packed[index], run.model), ax=ax, **style)
    ax.set_title(f"$T = {run.T:.4g}$", fontsize="medium")
    return ax


def plot_histogram(
    run: IsingSamples,
    ax: Axes | None = None,
    *,
    quantity: str = "magnetisation",
    bins: int = 60,
    **style: Any,
) -> Axes:
    """Distribution of the magnetisation or the energy per site."""
    quantity = checks.choice("quantity", quantity, ("magnetisation", "energy"))
    if ax is None:
        ax = figure()[0, 0]
    values = getattr(run, quantity)
    style.setdefault("color", next_colour(ax))
    style.setdefault("label", f"$T = {run.T:.4g}$")
    ax.hist(values, bins=bins, density=True, histtype="step", **style)
    dress(ax, x="$m$" if quantity == "magnetisation" else "$e$", y="density")
    return ax


def plot_scan(
    scan: IsingScan,
    ax: Axes | None = None,
    *,
    quantity: str = "abs_magnetisation",
    **style: Any,
) -> Axes:
    """An average against T with its errors, and T_c of the infinite lattice where it is known."""
    quantity = checks.choice("quantity", quantity, LABELS)
    if ax is None:
        ax = figure()[0, 0]
    model = scan[0].model
    style.setdefault("color", next_colour(ax))
    size = r" \times ".join(map(str, model.shape))
    style.setdefault("label", f"${size}$")
    options: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linewidth": 1.0}
    order = np.argsort(scan.T)
    T, y, error = scan.T[order], scan.mean(quantity)[order], scan.error(quantity)[order]
    ax.errorbar(T, y, yerr=np.where(np.isfinite(error), error, 0.0), **(options | style))
    critical = model.critical_temperature
    if critical and T[0] < critical < T[-1]:
        ax.axvline(critical, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    dress(ax, x="$T / J$", y=LABELS[quantity])
    return ax
