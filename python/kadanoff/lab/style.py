"""Style of the figures: colours, axes, guides, legends.

The helpers with which every figure of the package is drawn.
"""

from kadanoff._base.style import (
    COLOURS,
    curve,
    dress,
    figure,
    guide,
    legend,
    multiples,
    new_or,
    next_colour,
    require_matplotlib,
    saved,
)

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
