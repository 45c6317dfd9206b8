"""Filters of real-space mutual information while they are learned, redrawn in a notebook."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.progress import in_a_kernel
from kadanoff._base.signatures import public
from kadanoff._base.style import COLOURS, dress, figure
from kadanoff._base.types import FloatArray
from kadanoff.lattices.rsmi.plots import tile

__all__ = ["LiveFilters"]


@public
class LiveFilters:
    """Filters while they are learned, and the curve of their objective.

    Pass an instance as ``kd.rsmi.learn(..., watch=kd.lab.LiveFilters())``: in a notebook the
    picture is redrawn in place. It slows learning by one drawing every `every` seconds.

    Parameters
    ----------
    every : float, default 0.5
        Seconds between two drawings.

    Attributes
    ----------
    figure : matplotlib.figure.Figure or None
        The last drawing.
    history : list of float
        The objective at every evaluation, in nats.

    Raises
    ------
    TypeError, ValueError
        `every` is not a number, or negative.

    Examples
    --------
    >>> live = LiveFilters(every=1)
    >>> live(np.ones((1, 2, 2)), 0.45)
    >>> live
    LiveFilters(every=1 s, 1 evaluations)
    """

    def __init__(self, every: float = 0.5) -> None:
        self.every = checks.real("every", every, least=0)
        self.figure: Any = None
        self.history: list[float] = []
        self._drawn = -np.inf
        self._handle: Any = None

    def __repr__(self) -> str:
        return f"LiveFilters(every={self.every:g} s, {len(self.history)} evaluations)"

    def __call__(self, filters: FloatArray, value: float) -> None:
        """Note the objective of an evaluation, and draw if `every` seconds have passed."""
        self.history.append(value)
        if time.monotonic() - self._drawn >= self.every:
            self.draw(filters)
            self._drawn = time.monotonic()

    def draw(self, filters: FloatArray) -> None:
        """Draw now."""
        axes = figure(1, 2, size=(4.2, 2.6), pyplot=False)
        filters = checks.array("filters", filters)
        picture = tile(filters) if filters.ndim > 1 and filters.size else filters
        if picture.ndim != 2:
            raise ValueError(f"filters must have shape (units, rows, columns), got {filters.shape}")
        largest = float(np.nanmax(np.abs(picture))) or 1.0
        axes[0, 0].imshow(picture, cmap="RdBu_r", vmin=-largest, vmax=largest)
        axes[0, 0].set_xticks([])
        axes[0, 0].set_yticks([])
        axes[0, 1].plot(self.history, color=COLOURS["blue"])
        dress(axes[0, 1], x="evaluation", y="objective / nats")
        self.figure = axes[0, 0].figure
        if in_a_kernel():
            from IPython.display import display

            if self._handle is None:
                self._handle = display(self.figure, display_id=True)  # type: ignore[no-untyped-call]
            else:
                self._handle.update(self.figure)
