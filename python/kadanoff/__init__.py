"""Effective models of many-body systems: found, and checked.

>>> import kadanoff as kd
>>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
>>> run = kd.nrg.solve(aim, keep=200, T_min=1e-4)
>>> print(f"{run.entropy[0] / 0.6931:.2f} ln 2 at T = {run.T[0]:.2f}")
1.99 ln 2 at T = 1.17
"""

import importlib
from typing import TYPE_CHECKING, Any

from kadanoff import (
    baths,
    blockspin,
    continuum,
    dimers,
    divergence,
    dmft,
    dynamics,
    effective,
    greens,
    irrelevant,
    ising,
    kondo_scales,
    nrg,
    operators,
    rbm,
    rsmi,
    self_learning,
    store,
)
from kadanoff._core import Control
from kadanoff.about import about
from kadanoff.baths import FlatBand, SemicircularBand, TabulatedBand
from kadanoff.errors import Cancelled, NotConverged, NumericalError
from kadanoff.gbf import gbf_bound
from kadanoff.mapping import kondo_mapping
from kadanoff.models import AndersonModel, DoubleQuantumDot, ImpurityModel, KondoModel
from kadanoff.regression import effective_map
from kadanoff.response import derivatives
from kadanoff.store import Store
from kadanoff.sweep import sweep

if TYPE_CHECKING:
    from kadanoff import lab
    from kadanoff.rbm.deep import DeepRBM
    from kadanoff.rbm.estimator import RBM

__version__ = "0.1.0"

__all__ = [
    "RBM",
    "AndersonModel",
    "Cancelled",
    "Control",
    "DeepRBM",
    "DoubleQuantumDot",
    "FlatBand",
    "ImpurityModel",
    "KondoModel",
    "NotConverged",
    "NumericalError",
    "SemicircularBand",
    "Store",
    "TabulatedBand",
    "__version__",
    "about",
    "baths",
    "blockspin",
    "continuum",
    "derivatives",
    "dimers",
    "divergence",
    "dmft",
    "dynamics",
    "effective",
    "effective_map",
    "gbf_bound",
    "greens",
    "irrelevant",
    "ising",
    "kondo_mapping",
    "kondo_scales",
    "lab",
    "nrg",
    "operators",
    "rbm",
    "rsmi",
    "self_learning",
    "store",
    "sweep",
]

_ESTIMATORS = ("DeepRBM", "RBM")  # they need scikit-learn, which takes most of a second to import


def __getattr__(name: str) -> Any:
    if name == "lab":  # nobody pays for widgets who does not use them
        return importlib.import_module("kadanoff.lab")
    if name in _ESTIMATORS:
        return getattr(rbm, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
