"""One quiet style for all pictures, distinguishable to colour-blind readers.

Settings are put on the axes that are drawn into, never into matplotlib's global ``rcParams``: a
user's own style survives, and a widget may draw on another thread meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

__all__ = [
    "COLOURS",
    "curve",
    "dress",
    "figure",
    "guide",
    "legend",
    "multiples",
    "new_or",
    "next_colour",
    "require_matplotlib",
    "saved",
]

COLOURS = {
    "black": "#000000",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
}
"""The palette of M. Okabe and K. Ito (2008), https://jfly.uni-koeln.de/color."""

# Yellow on white is hard to see: it is no line's default.
CYCLE = [colour for name, colour in COLOURS.items() if name != "yellow"]
GREY = "#767676"  # contrast 4.5:1 on white
FAINT = "#D0D0D0"
GUIDE = "kadanoff-guide"  # marks lines that are no data


def require_matplotlib() -> None:
    """Ask for matplotlib before long work, not after.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'kadanoff[plot]'") from error


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    size: tuple[float, float] = (5.2, 3.4),
    pyplot: bool = True,
) -> Any:
    """New axes, shape (rows, columns), each panel of the given size in inches.

    On the main thread the figure belongs to pyplot, so that a notebook shows it at the end of the
    cell and ``plt.show()`` finds it. pyplot's list of figures is global and not made for threads:
    elsewhere (JupyterLab runs widget callbacks on a thread of their own) the figure belongs to
    whoever holds the axes, as ``ax.figure``, and so it does with ``pyplot=False``.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    require_matplotlib()
    options: dict[str, Any] = {
        "figsize": (size[0] * columns, size[1] * rows),
        "layout": "constrained",
    }
    if pyplot and threading.current_thread() is threading.main_thread():
        from matplotlib import pyplot as plt

        return plt.figure(**options).subplots(rows, columns, squeeze=False)
    from matplotlib.figure import Figure

    return Figure(**options).subplots(rows, columns, squeeze=False)


@contextmanager
def saved(path: str | Path) -> Iterator[Axes]:
    """Axes whose figure is written to a file at the end, whatever backend is configured."""
    ax = figure(pyplot=False)[0, 0]
    yield ax
    ax.figure.savefig(path, dpi=160)


def new_or(ax: Axes | None) -> Axes:
    """The axes that were given, or new ones."""
    return figure()[0, 0] if ax is None else ax


def curve(ax: Axes, x: Any, y: Any, given: Mapping[str, Any], **own: Any) -> None:
    """A line in the next free colour, with the style `own`, overridden by that of the caller."""
    usual: dict[str, Any] = {"color": next_colour(ax), "linewidth": 1.6}
    ax.plot(x, y, **(usual | own | dict(given)))


def dress(ax: Axes, *, x: str, y: str, log_x: bool = False) -> None:
    """Label the axes, thin out the frame, and choose the scale."""
    if log_x:
        ax.set_xscale("log")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(which="both", direction="out", colors="black", labelsize="medium")
    ax.tick_params(which="minor", length=0)


def multiples(of: float) -> Locator:
    """Ticks at the multiples of a number."""
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(of)


def next_colour(ax: Axes) -> str:
    """The first colour of the palette that no data line of `ax` has taken."""
    drawn = sum(line.get_gid() != GUIDE for line in ax.lines)
    return CYCLE[drawn % len(CYCLE)]


def guide(ax: Axes, y: float, text: str) -> None:
    """A faint horizontal line with its name at the right margin; once for each height."""
    for line in ax.lines:
        if line.get_gid() == GUIDE and line.get_ydata()[0] == y:  # type: ignore[index]
            return
    ax.axhline(y, color=FAINT, linewidth=0.8, zorder=0, gid=GUIDE)
    ax.annotate(
        text,
        xy=(1.0, y),
        xycoords=ax.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        verticalalignment="center",
        fontsize="small",
        color=GREY,
    )


def legend(ax: Axes, **options: Any) -> None:
    """A frameless legend, if there is anything to name."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(**({"frameon": False, "fontsize": "small"} | options))
