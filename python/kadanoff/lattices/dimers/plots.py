"""Pictures of dimers: a covering over its heights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.style import COLOURS, dress, figure, legend
from kadanoff.lattices.dimers.lattice import BOUNDARIES, checked, height

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.lattices.dimers.height_stiffness import FieldSpectrum

__all__ = ["plot_covering", "plot_field_spectrum"]

MAX_DRAWN = 256  # sites along an edge: beyond that dimers are finer than pixels


def plot_covering(
    dimers: ArrayLike,
    *,
    boundary: str = "periodic",
    heights: bool = True,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """A covering as rods in four colours, by direction and sublattice, over its heights.

    The rods carry labels: ``ax.legend()`` names the four colours.

    Parameters
    ----------
    dimers : array, shape (Ly, Lx)
        Directions.
    boundary : {"periodic", "open"}
        With periodic boundaries dimers across the edge are drawn at both ends.
    heights : bool
        Shade the plaquettes by height, averaged over the four around each site, so that the
        alternation from plaquette to plaquette drops out.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    **style
        Passed on to the collection of lines: linewidths, alpha, ...

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        More than 256 sites along an edge.
    ImportError
        matplotlib is not installed.
    """
    d, boundary = checked(dimers), checks.choice("boundary", boundary, BOUNDARIES)
    if d.ndim != 2:
        raise ValueError(f"dimers must have shape (Ly, Lx), got {d.shape}")
    Ly, Lx = d.shape
    if max(d.shape) > MAX_DRAWN:
        raise ValueError(
            f"at most {MAX_DRAWN} x {MAX_DRAWN} sites can be seen, got {Lx} x {Ly}: draw a part"
        )
    if ax is None:
        ax = figure(size=(4.2, 4.2 * Ly / Lx + 0.2))[0, 0]
    from matplotlib.collections import LineCollection

    if heights:
        _shade(ax, d)
    y, x = np.mgrid[:Ly, :Lx]
    step = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[d]
    end = np.stack([x, y], axis=-1) + step
    inside = (end >= 0).all(axis=-1) & (end[..., 0] < Lx) & (end[..., 1] < Ly)
    # A dimer within is drawn once, from its left or lower end; one across the edge at both ends.
    drawn = (inside & (d < 2)) | (~inside & (boundary == "periodic"))
    even = (x + y) % 2 == 0
    # By the direction from the even to the odd site: columns show two colours, a staggered
    # covering one.
    outward = np.where(even, d, d ^ 2)
    names = ("vermillion", "blue", "orange", "sky")
    places = ("right of", "above", "left of", "below")
    points = 42.0 * 7.2 / max(Lx, Ly)  # of a lattice spacing, on a page
    start = np.stack([x, y], axis=-1).astype(float)
    for k, name in enumerate(names):
        mine = drawn & (outward == k)
        tip = np.where(inside[..., None], end, start + 0.5 * step)
        lines = np.stack([start[mine], tip[mine]], axis=1)
        own: dict[str, Any] = {
            "colors": COLOURS[name],
            "linewidths": max(0.45 * points, 0.6),
            "capstyle": "round",
            "label": f"odd site {places[k]} the even one",
        }
        ax.add_collection(LineCollection([*lines], **(own | style)))
    ax.set_xlim(-0.6, Lx - 0.4)
    ax.set_ylim(-0.6, Ly - 0.4)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax


def _shade(ax: Axes, d: Any) -> None:
    """Heights averaged over the four plaquettes around each site: smooth where dimers are not."""
    Ly, Lx = d.shape
    if min(d.shape) < 2:
        return
    h = height(d).astype(float)
    around = (h[1:, 1:] + h[:-1, 1:] + h[1:, :-1] + h[:-1, :-1]) / 4
    deviation = max(float(np.abs(around - around.mean()).max()), 1.0)
    ax.imshow(
        around - around.mean(),
        origin="lower",
        extent=(0.5, Lx - 0.5, 0.5, Ly - 0.5),
        cmap="Greys",
        vmin=-2.5 * deviation,
        vmax=2.5 * deviation,
        interpolation="bilinear",
        zorder=0,
    )


def plot_field_spectrum(found: FieldSpectrum, ax: Axes | None = None, **style: Any) -> Axes:
    """Transverse and longitudinal fluctuations of the field, and those of free dimers at q = 0."""
    from kadanoff.lattices.dimers.height_stiffness import FREE_STIFFNESS

    if ax is None:
        ax = figure()[0, 0]
    for values, error, name, colour in (
        (found.transverse, found.transverse_error, "transverse", "blue"),
        (found.longitudinal, found.longitudinal_error, "longitudinal", "vermillion"),
    ):
        options = {"marker": ".", "color": COLOURS[colour], "label": name}
        ax.errorbar(found.q, values, error, **(options | style))
    ax.axhline(1 / (16 * FREE_STIFFNESS), color="0.6", linestyle="--", label=r"$1/16K = 1/\pi$")
    K, K_error = found.stiffness
    dress(ax, x="wave number $q$", y=r"$\langle |J(q)|^2 \rangle$")
    ax.set_title(
        f"K = {K:.4f} $\\pm$ {K_error:.4f} ($\\pi/16$ = {FREE_STIFFNESS:.4f})", fontsize="medium"
    )
    legend(ax)
    return ax
