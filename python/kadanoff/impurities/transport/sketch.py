r"""Sketches of the three geometries: where the current flows, and what couples to the dot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, GREY, new_or
from kadanoff.impurities.transport.conductance import GEOMETRIES, Geometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_geometry"]

LEAD: dict[str, Any] = {"color": "0.72", "linewidth": 9, "solid_capstyle": "butt", "zorder": 1}
COUPLING: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": ":", "zorder": 2}
CURRENT: dict[str, Any] = {"arrowstyle": "->", "color": COLOURS["blue"], "linewidth": 1.6}
TEXT: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "medium"}


@public
def plot_geometry(geometry: Geometry = "between leads", ax: Axes | None = None) -> Axes:
    """A sketch of one geometry: leads grey, dot red, couplings dotted, the current an arrow.

    Parameters
    ----------
    geometry : {"between leads", "beside a wire", "end of a lead"}
        As in :func:`kadanoff.transport.solve`.
    ax : Axes, optional
        Where to draw; new axes if left out.

    Returns
    -------
    Axes
        The axes, without frame and ticks.

    Raises
    ------
    ValueError, TypeError
        The geometry is not known.

    Notes
    -----
    The transmission through each is given at the head of :mod:`kadanoff.transport`.

    References
    ----------
    K. Kang, S. Y. Cho, J.-J. Kim, S.-C. Shin, Phys. Rev. B 63, 113304 (2001),
    doi:10.1103/PhysRevB.63.113304

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = plot_geometry("beside a wire")
    >>> ax.get_title()
    'beside a wire'
    >>> plt.close(ax.figure)
    """
    checks.choice("geometry", geometry, GEOMETRIES)
    ax = new_or(ax)
    {"between leads": _between, "beside a wire": _beside, "end of a lead": _end}[geometry](ax)
    ax.set(title=geometry, xlim=(-3, 3), ylim=(-2.3, 1.2), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)
    return ax


def _dot(ax: Axes, y: float) -> None:
    ax.plot([0], [y], "o", markersize=24, color=COLOURS["vermillion"], zorder=3)
    ax.text(0, y, "dot", color="white", zorder=4, **TEXT | {"fontsize": "small"})


def _current(ax: Axes, x: tuple[float, float], y: float = 0.55) -> None:
    ax.annotate("", xy=(x[1], y), xytext=(x[0], y), arrowprops=CURRENT)
    ax.text(sum(x) / 2, y + 0.35, "current", color=COLOURS["blue"], **TEXT | {"fontsize": "small"})


def _between(ax: Axes) -> None:
    for side, name in ((-1, "L"), (1, "R")):
        ax.plot([3 * side, 1.2 * side], [0, 0], **LEAD)
        ax.plot([1.2 * side, 0], [0, 0], **COUPLING)
        ax.text(2.1 * side, 0, "left lead" if side < 0 else "right lead", **_small())
        ax.text(0.95 * side, -0.5, rf"$\Gamma_{name}$", **TEXT)
    _dot(ax, 0.0)
    _current(ax, (-1.5, 1.5), 0.65)


def _beside(ax: Axes) -> None:
    ax.plot([-3, 3], [0, 0], **LEAD)
    ax.text(-2.2, 0, "wire", **_small())
    _hanging_dot(ax)
    _current(ax, (-1.5, 1.5))


def _end(ax: Axes) -> None:
    ax.plot([0, 3], [0, 0], **LEAD)
    ax.text(2.1, 0, "lead", **_small())
    ax.fill([-2.6, -1.4, -2.6], [0.5, 0.0, -0.5], color=GREY, zorder=1, linewidth=0)
    ax.text(-2.2, -0.75, "tip", **TEXT | {"fontsize": "small"})
    ax.plot([-1.4, 0], [0, 0], color=COLOURS["blue"], linewidth=1, linestyle="--", zorder=1)
    _hanging_dot(ax)
    _current(ax, (-1.5, 1.5))


def _hanging_dot(ax: Axes) -> None:
    """The dot below the orbital to which it couples."""
    ax.plot([0, 0], [0, -1.5], **COUPLING)
    ax.plot([0], [0], "o", markersize=9, color="black", zorder=3)
    ax.text(0.4, -0.35, r"$f_0$", **TEXT)
    ax.text(-0.35, -0.7, r"$\Gamma$", **TEXT)
    _dot(ax, -1.5)


def _small() -> dict[str, Any]:
    return TEXT | {"fontsize": "x-small", "color": "black", "zorder": 2}
