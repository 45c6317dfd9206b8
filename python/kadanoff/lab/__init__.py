"""Tools for notebooks: the budget of time, the style of figures, and explorers.

Plots and widgets are imported when they are used; `style` exports the helpers with which every
figure of the package is drawn.

===================  ==============================================================================
`LiveFilters`        filters of real-space mutual information while they are learned
`explore_kondo`      an Anderson impurity and the Kondo models that approximate it
`explore_dot`        two dots in parallel: spin 1, and its screening
`explore_spectrum`   the t-matrix, broadened again without a new solution
`explore_blocks`     an Ising lattice in motion, and its block spins
`explore_rsmi`       filters while they are learned, and their information
`explore_dimers`     a dimer covering, its heights, and the loops that update it
`explore_mott`       the Mott transition: A(w), Sigma and Z(U)
===================  ==============================================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kadanoff.lab.time_budget import Budget, budget, pick

if TYPE_CHECKING:
    from kadanoff.lab import style
    from kadanoff.lab.explorers.blocks import explore as explore_blocks
    from kadanoff.lab.explorers.coverings import explore as explore_dimers
    from kadanoff.lab.explorers.dot import explore as explore_dot
    from kadanoff.lab.explorers.filters import explore as explore_rsmi
    from kadanoff.lab.explorers.kondo import explore as explore_kondo
    from kadanoff.lab.explorers.mott import explore as explore_mott
    from kadanoff.lab.explorers.spectrum import explore as explore_spectrum
    from kadanoff.lab.live_filters import LiveFilters

__all__ = [
    "Budget",
    "LiveFilters",
    "budget",
    "explore_blocks",
    "explore_dimers",
    "explore_dot",
    "explore_kondo",
    "explore_mott",
    "explore_rsmi",
    "explore_spectrum",
    "pick",
    "style",
]

_EXPLORERS = {
    "explore_blocks": "blocks",
    "explore_dimers": "coverings",
    "explore_dot": "dot",
    "explore_kondo": "kondo",
    "explore_mott": "mott",
    "explore_rsmi": "filters",
    "explore_spectrum": "spectrum",
}


def __getattr__(name: str) -> Any:
    if name in _EXPLORERS:
        return importlib.import_module(f"{__name__}.explorers.{_EXPLORERS[name]}").explore
    if name == "LiveFilters":
        return importlib.import_module(f"{__name__}.live_filters").LiveFilters
    if name == "style":  # matplotlib is imported when a figure is drawn
        return importlib.import_module(f"{__name__}.style")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
