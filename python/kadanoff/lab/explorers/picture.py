"""A figure that is drawn many times per second: axes once, moving artists every time.

``draw(data, axes)`` of an explorer names its artists (`line`, `text`, `image`): the first call
makes them, later ones give them new data. A :class:`Picture` keeps the rest, frames, ticks
and labels, as a bitmap, and paints only the named artists over it while limits stay the same.
pyplot is not used: its global state is not safe with a second thread.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff._base.style import GREY, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

__all__ = ["Picture", "beside", "grid", "image", "line", "stacked", "text"]

_PREFIX = "moves: "  # of the gid of an artist that changes from picture to picture
# matplotlib's parser of formulas is one for all threads.
_DRAWING = threading.RLock()


def grid(
    rows: int, columns: int, *, size: tuple[float, float], dpi: float = 100, **margins: float
) -> NDArray[np.object_]:
    """Axes of a new figure of `size` inches, outside of pyplot, with fixed margins."""
    require_matplotlib()
    from matplotlib.figure import Figure

    axes = Figure(figsize=size, dpi=dpi).subplots(rows, columns, squeeze=False)
    usual = {"left": 0.08, "right": 0.97, "bottom": 0.12, "top": 0.92, "wspace": 0.28}
    axes[0, 0].figure.subplots_adjust(**(usual | {"hspace": 0.42} | margins))
    return np.asarray(axes)


PANEL = (4.6, 3.1)  # inches of a panel in a narrow column: its letters stay readable on a telephone


def stacked(axes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The same axes below one another, for a narrow column."""
    every = [ax for ax in axes.ravel() if ax is not None]
    figure, count = every[0].figure, len(every)
    widths = {ax.get_position().width / ax.get_position().height for ax in every}
    high = PANEL[1]
    if len(widths) == 1 and not every[0].axison:  # pictures of lattices: square
        high = PANEL[0]
    figure.set_layout_engine("none")
    figure.set_size_inches(PANEL[0], high * count)
    for place, ax in enumerate(every):
        low = (count - 1 - place + 0.17) / count
        ax.set_position((0.16, low, 0.70, 0.71 / count))
    return axes


def _named(artists: Sequence[Any], name: str) -> Any:
    return next((a for a in artists if a.get_gid() == _PREFIX + name), None)


def line(ax: Axes, name: str, x: ArrayLike, y: ArrayLike, **style: Any) -> Line2D:
    """The line of that name: given new data, or made."""
    found: Line2D | None = _named(ax.lines, name)
    if found is None:
        (found,) = ax.plot(x, y, gid=_PREFIX + name, **style)
    else:
        found.set_data(x, y)
    return found


def text(ax: Axes, name: str, x: float, y: float, s: str, **style: Any) -> Text:
    """The text of that name, in the coordinates of `ax` from 0 to 1 by default."""
    found: Text | None = _named(ax.texts, name)
    if found is None:
        style = {"transform": ax.transAxes} | style
        return ax.text(x, y, s, gid=_PREFIX + name, **style)
    found.set_position((x, y))
    found.set_text(s)
    return found


def beside(ax: Axes, name: str, x: float, s: str, **style: Any) -> Text:
    """The text of that name at the foot of a vertical line, on the side with more room."""
    usual = {"color": GREY, "fontsize": "small", "clip_on": True}
    transform = ax.get_xaxis_transform()
    found = text(ax, name, x, 0.02, s, **(usual | {"transform": transform} | style))
    left = ax.transAxes.inverted().transform(ax.transData.transform((x, 0)))[0] > 0.6
    found.set_horizontalalignment("right" if left else "left")
    found.set_text(f"{s} " if left else f" {s}")
    return found


def image(ax: Axes, name: str, data: Any, **style: Any) -> AxesImage:
    """The image of that name."""
    found: AxesImage | None = _named(ax.images, name)
    if found is None:
        return ax.imshow(data, gid=_PREFIX + name, **style)
    found.set_data(data)
    return found


class Picture:
    r"""A figure as PNG or JPEG, quickly.

    Parameters
    ----------
    axes : array of Axes
        All axes of one figure.
    scale : float
        Pixels of the picture per pixel of the page: two are sharp on all screens.
    figure : Figure, optional
        The figure, where it may have no axes.

    Examples
    --------
    >>> axes = grid(1, 1, size=(3, 2))
    >>> picture = Picture(axes)
    >>> curve = line(axes[0, 0], "curve", [0, 1], [0, 1])
    >>> picture.png()[:4]
    b'\x89PNG'
    """

    def __init__(
        self, axes: NDArray[np.object_], *, scale: float = 2.0, figure: Figure | None = None
    ) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self.axes = axes
        self.figure: Figure = axes.ravel()[0].figure if figure is None else figure
        self.width = round(100 * self.figure.get_figwidth())  # in pixels of the page
        self.figure.set_dpi(100 * scale)
        self._canvas = FigureCanvasAgg(self.figure)
        self._still: Any = None  # everything that does not move, as a bitmap
        self._key: Any = None

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """For a notebook, at the size of the figure."""
        return self.png(), {"width": self.width}

    def _moving(self) -> list[Artist]:
        found: list[Artist] = []
        for ax in filter(None, self.axes.ravel()):
            mine = [a for a in ax.get_children() if (a.get_gid() or "").startswith(_PREFIX)]
            found += sorted(mine, key=lambda a: a.get_zorder())
        return found

    def png(self) -> bytes:
        """The picture without loss."""
        from PIL import Image

        with _DRAWING:
            pixels = np.ascontiguousarray(self._paint()[..., :3])
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, format="png", compress_level=1, compress_type=3)
        return out.getvalue()

    def jpeg(self) -> bytes:
        """The picture as JPEG, eight times faster than PNG; the loss is invisible in motion."""
        from PIL import Image

        with _DRAWING:
            pixels = self._paint()
            height, width = pixels.shape[:2]
            opaque = Image.frombuffer("RGBX", (width, height), pixels, "raw", "RGBX", 0, 1)
            out = io.BytesIO()
            opaque.save(out, format="jpeg", quality=92, subsampling=0)
        return out.getvalue()

    def svg(self) -> str:
        """The picture as vectors, the same text for the same picture."""
        import matplotlib as mpl

        out = io.StringIO()
        options: Any = {"svg.hashsalt": "kadanoff", "svg.fonttype": "path"}
        with _DRAWING, mpl.rc_context(options):
            for artist in self._moving():
                artist.set_animated(False)
            self._key = None
            self.figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
            self.figure.set_canvas(self._canvas)
        return out.getvalue()

    def _paint(self) -> NDArray[np.uint8]:
        """All pixels, shape (height, width, 4)."""
        moving = self._moving()
        for artist in moving:
            artist.set_animated(True)
        key = [
            (*ax.get_xlim(), *ax.get_ylim(), ax.get_xscale(), ax.get_yscale(), ax.get_title())
            for ax in filter(None, self.axes.ravel())
        ] + [len(moving)]
        if key != self._key:
            self._canvas.draw()  # type: ignore[no-untyped-call]
            self._still = self._canvas.copy_from_bbox(self.figure.bbox)  # type: ignore[no-untyped-call]
            self._key = key
        else:
            self._canvas.restore_region(self._still)  # type: ignore[no-untyped-call]
        for artist in moving:
            artist.axes.draw_artist(artist)  # type: ignore[union-attr]
        return np.asarray(self._canvas.buffer_rgba())  # type: ignore[no-untyped-call]
