"""All explorers in one widget, each made when its tab is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kadanoff._base.progress import watched
from kadanoff._base.signatures import public
from kadanoff.lab.explorers import (
    blocks,
    colours,
    conductance,
    coverings,
    dot,
    filters,
    kondo,
    leads,
    mott,
    spectrum,
)

try:
    import ipywidgets
except ImportError as error:
    raise ImportError("explorers need ipywidgets: pip install 'kadanoff[lab]'") from error

__all__ = ["TABS", "Dashboard", "dashboard"]

TABS: dict[str, Callable[..., Any]] = {
    "Kondo": kondo.explore_kondo,
    "Conductance": conductance.explore_transport,
    "t-matrix": spectrum.explore_spectrum,
    "Two dots": dot.explore_dot,
    "Superconducting lead": leads.explore_leads,
    "Mott": mott.explore_mott,
    "Ising": blocks.explore_blocks,
    "Potts": colours.explore_potts,
    "Dimers": coverings.explore_dimers,
    "Filters": filters.explore_rsmi,
}


class Dashboard(ipywidgets.Tab):  # type: ignore[misc]
    """Tabs with explorers.

    Parameters
    ----------
    tabs : dict of str to callable
        ``tabs[title]()`` makes an explorer, or is one already.

    Attributes
    ----------
    explorers : dict of str to Panel
        Those that were opened.
    """

    def __init__(self, tabs: dict[str, Any]) -> None:
        self._makers = dict(tabs)
        self.explorers: dict[str, Any] = {}
        self._places = [ipywidgets.VBox() for _ in self._makers]
        super().__init__(children=self._places, titles=list(self._makers), selected_index=0)
        self.observe(self._opened, names="selected_index")
        self.add_class("kadanoff-dashboard")
        self._opened(None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._makers)})"

    def _opened(self, change: Any) -> None:
        index = self.selected_index
        title = None if index is None else list(self._makers)[index]
        for name, explorer in self.explorers.items():
            if name != title:
                explorer.rest()
        if title is None or title in self.explorers:
            return
        maker = self._makers[title]
        explorer = maker() if callable(maker) else maker
        self.explorers[title] = explorer
        self._places[index].children = [explorer]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget; a line of text where a notebook runs unattended, as in tests."""
        if watched():
            return super()._repr_mimebundle_(**options)
        for explorer in self.explorers.values():
            explorer.rest()
        return {"text/plain": "explorers in tabs: run this cell in JupyterLab"}

    def close(self) -> None:
        """Close all explorers."""
        for explorer in self.explorers.values():
            explorer.close()
        for place in self._places:
            place.close()
        super().close()


@public
def dashboard(own: Mapping[str, Any] | None = None) -> Dashboard:
    """All explorers in tabs; each is made when its tab is opened, and rests when it is left.

    Parameters
    ----------
    own : dict of str to Explorer or callable, optional
        Further tabs by title: an explorer, such as ``kd.lab.explore(f, U=(0, 3))``, or a function
        that makes one.

    Returns
    -------
    Dashboard
        A widget; ``.explorers`` are those opened so far, and ``.close()`` ends them.

    Raises
    ------
    TypeError
        A further tab is neither an explorer nor a function.

    Examples
    --------
    >>> board = dashboard()
    >>> list(board.explorers)
    ['Kondo']
    >>> board.close()
    """
    from kadanoff.lab.explorers.panel import Panel

    further = dict(own or {})
    for name, given in further.items():
        if not (callable(given) or isinstance(given, Panel)):
            raise TypeError(f"own[{name!r}] must be an explorer or a function that makes one")
    return Dashboard(TABS | further)
