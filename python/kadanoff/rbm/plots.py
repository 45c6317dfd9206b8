"""Pictures of Boltzmann machines: receptive fields as images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base.style import FAINT, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_receptive_fields"]

FIELDS = 64  # shown by default
GAP = 1  # pixels between fields


def layer_shape(size: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    """Rows and columns of the visible layer: a square if that is possible, else one row."""
    if shape is None:
        side = math.isqrt(size)
        return (side, side) if side * side == size else (1, size)
    if np.ndim(shape) != 1 or len(shape) != 2 or shape[0] * shape[1] != size:
        raise ValueError(f"shape must be (rows, columns) of {size} visible units, got {shape}")
    return int(shape[0]), int(shape[1])


def plot_receptive_fields(
    fields: ArrayLike,
    ax: Axes | None = None,
    *,
    shape: tuple[int, int] | None = None,
    count: int = FIELDS,
    colorbar: bool = True,
    **style: Any,
) -> Axes:
    """The couplings of hidden units to the visible layer, a mosaic of images.

    Parameters
    ----------
    fields : array, shape (n_visible, n_hidden)
        One column per image, e.g. ``machine.W``.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; new ones by default.
    shape : (rows, columns), optional
        Shape of the visible layer; by default a square if its size allows it.
    count : int, default 64
        Largest number of images; those of the largest norm are shown, in the order of the units.
    colorbar : bool, default True
        Whether to add the scale.
    **style
        Passed on to ``Axes.imshow``.
    """
    columns = np.asarray(fields, dtype=float)
    height, width = layer_shape(columns.shape[0], shape)
    if columns.shape[1] > count:
        largest = np.argsort(-np.linalg.norm(columns, axis=0), kind="stable")[:count]
        columns = columns[:, np.sort(largest)]
    number = columns.shape[1]
    across = math.ceil(math.sqrt(number * height / width))
    across = min(max(across, 1), number)
    down = math.ceil(number / across)
    mosaic = np.full((down * (height + GAP) - GAP, across * (width + GAP) - GAP), np.nan)
    for k in range(number):
        top, left = (k // across) * (height + GAP), (k % across) * (width + GAP)
        mosaic[top : top + height, left : left + width] = columns[:, k].reshape(height, width)
    if ax is None:
        ax = figure(size=(4.6, 4.0))[0, 0]
    limit = float(np.abs(columns).max()) or 1.0
    own: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    own["interpolation"] = "nearest"
    image = ax.imshow(mosaic, **(own | style))
    ax.set_facecolor(FAINT)  # shows in the gaps
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if colorbar:
        scale = ax.figure.colorbar(image, ax=ax, shrink=0.8)
        scale.set_label("coupling to the visible unit")
        scale.outline.set_visible(False)
    return ax
