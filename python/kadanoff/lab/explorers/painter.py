"""What turns the data of an explorer into a picture, in a wide and in a narrow column."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kadanoff.lab.explorers.picture import Picture, stacked

__all__ = ["Painted", "Painter"]


@dataclass(frozen=True)
class Painted:
    """A picture for the page.

    Attributes
    ----------
    value : bytes
        The file.
    format : {"png", "jpeg"}
    width : int
        Pixels of the page.
    """

    value: bytes
    format: str
    width: int


class Painter:
    """Draws data into axes that are made once for each layout.

    Parameters
    ----------
    draw : callable
        ``draw(data, axes)``.
    axes : callable
        ``axes()``, all axes of a new figure.

    Examples
    --------
    >>> from kadanoff.lab.explorers.picture import grid, line
    >>> painter = Painter(
    ...     lambda y, axes: line(axes[0, 0], "y", [0, 1], y), lambda: grid(1, 1, size=(3, 2))
    ... )
    >>> painter.paint([0, 1]).width, painter.svg([0, 1])[:5]
    (300, '<?xml')
    """

    def __init__(self, draw: Callable[[Any, Any], object], axes: Callable[[], Any]) -> None:
        self._draw, self._axes = draw, axes
        self._pictures: dict[bool, Picture] = {}
        self._lock = threading.RLock()

    def paint(self, data: Any, *, narrow: bool = False, quick: bool = False) -> Painted:
        """The picture in pixels; with little loss, and sooner, where `quick`."""
        with self._lock:
            picture = self._drawn(data, narrow)
            value = picture.jpeg() if quick else picture.png()
            return Painted(value, "jpeg" if quick else "png", picture.width)

    def svg(self, data: Any, *, narrow: bool = False) -> str:
        """The picture as vectors."""
        with self._lock:
            return self._drawn(data, narrow).svg()

    def _drawn(self, data: Any, narrow: bool) -> Picture:
        if narrow not in self._pictures:
            axes = self._axes()
            self._pictures[narrow] = Picture(stacked(axes) if narrow else axes)
        picture = self._pictures[narrow]
        self._draw(data, picture.axes)
        return picture
