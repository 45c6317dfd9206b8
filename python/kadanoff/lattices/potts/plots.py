"""Pictures of configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.style import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.lattices.potts.results import PottsSamples

__all__ = ["plot_configuration"]


def plot_configuration(
    run: PottsSamples, ax: Axes | None = None, *, index: int = -1, **style: Any
) -> Axes:
    """A configuration as an image; a chain as a stripe, a cube by its first layer.

    Parameters
    ----------
    run : PottsSamples
    ax : matplotlib.axes.Axes, optional
    index : int
        Which configuration.
    **style
        For ``imshow``.
    """
    n = len(run)
    s = run.kept()[checks.whole("index", index, least=-n, most=n - 1)]
    s = np.atleast_2d(s[0] if s.ndim == 3 else s)
    if ax is None:
        ax = figure(size=(3.6, 3.6))[0, 0]
    options: dict[str, Any] = {
        "cmap": "viridis",
        "vmin": 0,
        "vmax": run.model.q - 1,
        "interpolation": "nearest" if s.size <= 256**2 else "antialiased",
        "aspect": "auto" if s.shape[0] == 1 else "equal",
    }
    ax.imshow(s, **(options | style))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(f"$q = {run.model.q}$, $T = {run.T:.4g}$", fontsize="medium")
    return ax
