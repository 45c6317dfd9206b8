"""Captions of figures in a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kadanoff._base.checks import shown
from kadanoff._base.signatures import public

if TYPE_CHECKING:
    from IPython.display import Markdown

__all__ = ["caption"]


@public
def caption(text: str) -> Markdown:
    r"""A caption below the figures of a cell: its last expression.

    Numbers belong into the text by an f-string, from results, so that they cannot be out of date.

    Parameters
    ----------
    text : str
        Markdown with formulas between dollars, in an f-string ``f"$\\Gamma = {Gamma:.3f}$"``.

    Returns
    -------
    IPython.display.Markdown
        The text after a bold "Figure.", which a notebook shows below the figures.

    Raises
    ------
    TypeError
        `text` is no string.
    ImportError
        IPython is not installed: ``pip install 'kadanoff[lab]'``.

    Notes
    -----
    A notebook shows figures at the end of a cell, below its last expression. Those that are open
    are shown before, except by a backend that only writes files.

    Examples
    --------
    >>> J = 0.1992
    >>> print(caption(f"Entropy of the model with $J = {J:.3f}$.").data)
    **Figure.** Entropy of the model with $J = 0.199$.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string of Markdown, got {shown(text)}")
    try:
        from IPython.display import Markdown
    except ImportError as error:
        raise ImportError("captions need IPython: pip install 'kadanoff[lab]'") from error
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_backend().lower() not in FILES_ONLY:
        pyplot.show()
    return Markdown(f"**Figure.** {text}")  # type: ignore[no-untyped-call]


FILES_ONLY = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
"""Backends of matplotlib without a screen, which warn when a figure is to be shown."""
