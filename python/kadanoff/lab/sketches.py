"""A sketch: axes without frame, and the parts that are drawn into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kadanoff._base.style import COLOURS, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FAINT", "GREY", "PALE", "Sketch"]

BLACK, BLUE = COLOURS["black"], COLOURS["blue"]
GREY, FAINT, PALE = "#595959", "#B8B8B8", "#ECECEC"
INCHES = 0.55  # per unit of length, in a figure of its own
LETTER = 0.27  # height of text, in units of length
MAX_LETTER = 11.0  # points


class Sketch:
    """Axes without frame, `width` units wide and `height` units high, drawn into by parts."""

    def __init__(self, ax: Axes | None, width: float, height: float) -> None:
        if ax is None:
            ax = figure(size=(INCHES * width, INCHES * height))[0, 0]
        self.ax = ax
        ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        ax.set_axis_off()
        box = ax.get_window_extent()
        unit = min(box.width / width, box.height / height) * 72 / ax.figure.dpi
        own = INCHES * 72  # the margins of a figure are no reason for smaller letters
        self.letter = min(MAX_LETTER, LETTER * (own if unit > 0.7 * own else unit))

    def text(self, x: float, y: float, words: str, **given: Any) -> None:
        """Centred words; ``size`` is relative."""
        size = given.pop("size", 1.0) * self.letter
        usual: dict[str, Any] = {"ha": "center", "va": "center", "color": BLACK, "zorder": 5}
        self.ax.text(x, y, words, fontsize=size, **(usual | given))

    def line(self, x: Sequence[float], y: Sequence[float], **given: Any) -> None:
        """A line behind everything else."""
        usual: dict[str, Any] = {"color": BLACK, "linewidth": 1.2, "zorder": 1}
        self.ax.plot(x, y, **(usual | given))

    def circle(self, x: float, y: float, radius: float = 0.3, **given: Any) -> None:
        """A site, or a visible unit."""
        from matplotlib.patches import Circle

        usual: dict[str, Any] = {
            "facecolor": "white",
            "edgecolor": BLACK,
            "linewidth": 1.2,
            "zorder": 3,
        }
        self.ax.add_patch(Circle((x, y), radius, **(usual | given)))

    def square(self, x: float, y: float, half: float = 0.28, **given: Any) -> None:
        """An impurity, or a hidden unit."""
        from matplotlib.patches import Rectangle

        usual: dict[str, Any] = {
            "facecolor": PALE,
            "edgecolor": BLUE,
            "linewidth": 1.6,
            "zorder": 3,
        }
        self.ax.add_patch(Rectangle((x - half, y - half), 2 * half, 2 * half, **(usual | given)))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        name: str = "",
        formula: str = "",
        **given: Any,
    ) -> None:
        """A step of an algorithm, with its name and a formula below it."""
        from matplotlib.patches import FancyBboxPatch

        usual: dict[str, Any] = {
            "facecolor": PALE,
            "edgecolor": BLUE,
            "linewidth": 1.4,
            "zorder": 2,
        }
        style = "round,pad=0,rounding_size=0.18"
        corner = (x - width / 2, y - height / 2)
        self.ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, **(usual | given)))
        if name:
            self.text(x, y + (0.24 * height if formula else 0.0), name)
        if formula:
            self.text(x, y - 0.2 * height, formula)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0, **given: Any
    ) -> None:
        """An arrow from one point to another."""
        from matplotlib.patches import FancyArrowPatch

        usual: dict[str, Any] = {
            "arrowstyle": "-|>", "mutation_scale": 1.3 * self.letter, "color": BLACK,
            "linewidth": 1.2, "zorder": 4, "shrinkA": 0, "shrinkB": 0,
            "connectionstyle": f"arc3,rad={bend}",
        }  # fmt: skip
        self.ax.add_patch(FancyArrowPatch(start, end, **(usual | given)))
