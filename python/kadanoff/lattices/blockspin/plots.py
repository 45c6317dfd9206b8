"""Pictures of the RG on lattices: flows of couplings, exponents, receptive fields.

Every function draws into the axes `ax` that it is given, or into new ones, and returns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.style import COLOURS, GREY, dress, figure, guide, legend, next_colour
from kadanoff._base.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.lattices.blockspin.couplings import BlockCouplings
    from kadanoff.lattices.blockspin.decimation import DecimationFlow
    from kadanoff.lattices.blockspin.hidden_unit_fields import ReceptiveFields
    from kadanoff.lattices.blockspin.migdal_kadanoff import MigdalKadanoffFlow
    from kadanoff.lattices.blockspin.monte_carlo_rg import MonteCarloRG

__all__ = [
    "plot_couplings",
    "plot_decimation",
    "plot_mcrg",
    "plot_migdal_kadanoff",
    "plot_receptive_fields",
]


def plot_decimation(flow: DecimationFlow, ax: Axes | None = None, **style: Any) -> Axes:
    """K against the number of steps; with a field, the path in the (K, h) plane."""
    if ax is None:
        ax = figure()[0, 0]
    own: dict[str, Any] = {
        "color": next_colour(ax),
        "marker": "o",
        "markersize": 4,
        "linewidth": 1.2,
    }
    if (flow.h == 0).all():
        ax.plot(np.arange(len(flow.K)), flow.K, **(own | style))
        dress(ax, x=f"steps of decimation, b = {flow.b}", y="K")
        ax.locator_params(axis="x", integer=True)
    else:
        ax.plot(flow.K, flow.h, **(own | style))
        dress(ax, x="K", y="h")
    legend(ax)
    return ax


def plot_migdal_kadanoff(flow: MigdalKadanoffFlow, ax: Axes | None = None, **style: Any) -> Axes:
    """K against the number of steps, on a logarithmic scale, with the fixed point."""
    if ax is None:
        ax = figure()[0, 0]
    own: dict[str, Any] = {
        "color": next_colour(ax),
        "marker": "o",
        "markersize": 3,
        "linewidth": 1.2,
    }
    shown = np.flatnonzero((flow.K < 1e2) & (flow.K > 1e-4))
    ax.plot(shown, flow.K[shown], **(own | style))
    ax.set_yscale("log")
    guide(ax, flow.recursion.fixed_point().K, "K*")
    dress(ax, x=f"steps, b = {flow.recursion.b:g}", y="K")
    legend(ax)
    return ax


def plot_couplings(couplings: BlockCouplings, ax: Axes | None = None, **style: Any) -> Axes:
    """|K'_A| of the largest couplings as bars; hatched where negative."""
    count = style.pop("count", 6)
    if ax is None:
        ax = figure()[0, 0]
    largest = [(sites, K) for sites, K in couplings.largest(count) if abs(K) > 1e-15]
    own: dict[str, Any] = {"color": COLOURS["blue"], "height": 0.6}
    bars = ax.barh(range(len(largest)), [abs(K) for _, K in largest], **(own | style))
    for bar, (_, K) in zip(bars, largest, strict=True):
        if K < 0:
            bar.set(hatch="////", facecolor="white", edgecolor=own["color"])
    ax.set_yticks(range(len(largest)), [_name(sites, couplings.shape) for sites, _ in largest])
    ax.invert_yaxis()
    ax.set_xscale("log")
    dress(ax, x="$|K'|$ (hatched: negative)", y="")
    return ax


def _name(sites: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return " ".join(map(str, sites))
    at = np.transpose(np.unravel_index(np.array(sites), shape))
    return " ".join(f"({row},{column})" for row, column in at)


def plot_mcrg(run: MonteCarloRG, ax: Axes | None = None, **style: Any) -> Axes:
    """y_t and y_h by step with their errors, against those of the Ising model."""
    if ax is None:
        ax = figure()[0, 0]
    names = ((run.y_t, "$y_t$", "blue", "o"), (run.y_h, "$y_h$", "vermillion", "s"))
    for values, name, colour, marker in names:
        steps = 1 + np.arange(len(values))
        own: dict[str, Any] = {
            "color": COLOURS[colour],
            "marker": marker,
            "linestyle": "",
            "capsize": 3,
            "label": f"{name}, L = {run.L}",
        }
        ax.errorbar(steps, values[:, 0], values[:, 1], **(own | style))
    # In three dimensions of the conformal bootstrap, arXiv:1603.04436.
    known = {2: ((1.0, "1"), (15 / 8, "15/8")), 3: ((1.5874, "1.587"), (2.4818, "2.482"))}
    for y, text in known[len(run.rule.shape)]:
        guide(ax, y, text)
    dress(ax, x="step", y="exponent")
    ax.set_xticks(range(1, len(run.sums)))
    legend(ax)
    return ax


def plot_receptive_fields(
    fields: ReceptiveFields,
    ax: Axes | None = None,
    *,
    units: Sequence[int] | int = 16,
    columns: int = 4,
    centred: bool = False,
    **style: Any,
) -> Axes:
    """Fields of some units as tiles, blue to red, each in units of its largest weight.

    Parameters
    ----------
    fields : ReceptiveFields
    ax : matplotlib.axes.Axes, optional
    units : int or sequence of int, default 16
        The number of the first units, or a list of units.
    columns : int, default 4
        Tiles in a row.
    centred : bool, default False
        Shift every field on its torus such that its centre is in the middle of the tile.
    **style
        Passed on to ``Axes.imshow``.
    """
    chosen = range(min(units, len(fields.fields))) if isinstance(units, int) else units
    tiles = [fields.fields[unit] / np.abs(fields.fields[unit]).max() for unit in chosen]
    if centred:
        tiles = [_centre(t, fields.centre[u]) for t, u in zip(tiles, chosen, strict=True)]
    # A unit and its mirror image are the same block: show the larger sum as positive.
    tiles = [t if t.sum() >= 0 else -t for t in tiles]
    rows, (height, width) = -(-len(tiles) // columns), tiles[0].shape
    gap = 1
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    if ax is None:
        ax = figure(size=(3.6, 3.6 * rows / columns))[0, 0]
    own: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1, "interpolation": "nearest"}
    ax.imshow(np.ma.masked_invalid(canvas), **(own | style))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_facecolor("white")
    ax.xaxis.label.set_color(GREY)
    return ax


def _centre(tile: FloatArray, centre: FloatArray) -> FloatArray:
    rows, columns = tile.shape
    shift = (rows // 2 - round(float(centre[0])), columns // 2 - round(float(centre[1])))
    return np.roll(tile, shift, axis=(0, 1))
