"""Tools for notebooks: the budget of time, the style of figures, and explorers.

Plots and widgets are imported when they are used; `style` exports the helpers with which every
figure of the package is drawn, and `schematics` has sketches of models and algorithms.

===================  ==============================================================================
`caption`            a caption below the figures of a cell
`schematics`         sketches: dot and lead, Wilson chain, block and environment, machines, loops
`LiveFilters`        filters of real-space mutual information while they are learned
`explore_kondo`      T_K, R and G of an Anderson impurity, and Kondo models that approximate it
`explore_dot`        two dots in parallel: spin 1, and its screening
`explore_spectrum`   the t-matrix, broadened again without a new solution
`explore_blocks`     an Ising lattice in motion, and its block spins
`explore_rsmi`       filters while they are learned, and their information
`explore_dimers`     a dimer covering, its heights, and the loops that update it
`explore_mott`       the Mott transition: A(w), Sigma and Z(U)
`explore_transport`  conductance of a dot: G(T), and G against the gate voltage
`explore_leads`      a dot on a superconducting lead: bound states, singlet and doublet
`explore_potts`      a Potts model with two to four colours through its transition
`explore`            sliders for a function of the user
`dashboard`          all explorers in tabs
`export`             an explorer as one HTML page that moves without a kernel
===================  ==============================================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kadanoff.lab.time_budget import Budget, budget, pick

if TYPE_CHECKING:
    from kadanoff.lab import schematics, style
    from kadanoff.lab.captions import caption
    from kadanoff.lab.explorers.blocks import explore_blocks
    from kadanoff.lab.explorers.colours import explore_potts
    from kadanoff.lab.explorers.conductance import explore_transport
    from kadanoff.lab.explorers.coverings import explore_dimers
    from kadanoff.lab.explorers.dot import explore_dot
    from kadanoff.lab.explorers.exported_pages import export
    from kadanoff.lab.explorers.filters import explore_rsmi
    from kadanoff.lab.explorers.kondo import explore_kondo
    from kadanoff.lab.explorers.leads import explore_leads
    from kadanoff.lab.explorers.mott import explore_mott
    from kadanoff.lab.explorers.own import explore
    from kadanoff.lab.explorers.spectrum import explore_spectrum
    from kadanoff.lab.explorers.tabs import dashboard
    from kadanoff.lab.live_filters import LiveFilters

__all__ = [
    "Budget",
    "LiveFilters",
    "budget",
    "caption",
    "dashboard",
    "explore",
    "explore_blocks",
    "explore_dimers",
    "explore_dot",
    "explore_kondo",
    "explore_leads",
    "explore_mott",
    "explore_potts",
    "explore_rsmi",
    "explore_spectrum",
    "explore_transport",
    "export",
    "pick",
    "schematics",
    "style",
]

_EXPLORERS = {
    "dashboard": "tabs",
    "explore": "own",
    "explore_blocks": "blocks",
    "explore_dimers": "coverings",
    "explore_dot": "dot",
    "explore_kondo": "kondo",
    "explore_leads": "leads",
    "explore_mott": "mott",
    "explore_potts": "colours",
    "explore_rsmi": "filters",
    "explore_spectrum": "spectrum",
    "explore_transport": "conductance",
    "export": "exported_pages",
}
"""Modules of the explorers."""


def __getattr__(name: str) -> Any:
    if name in _EXPLORERS:
        module = importlib.import_module(f"{__name__}.explorers.{_EXPLORERS[name]}")
        return getattr(module, name)
    if name == "LiveFilters":
        return importlib.import_module(f"{__name__}.live_filters").LiveFilters
    if name == "caption":
        return importlib.import_module(f"{__name__}.captions").caption
    if name in ("schematics", "style"):  # matplotlib is imported when a figure is drawn
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
