"""Style of the figures: colours, axes, guides, legends.

The public door to the helpers that every figure of the package is drawn with.
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
