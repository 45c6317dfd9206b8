"""Effective models of many-body systems: found, and checked.

>>> import kadanoff as kd
>>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
>>> run = kd.nrg.solve(aim, keep=200, T_min=1e-4)
>>> print(f"{run.entropy[0] / 0.6931:.2f} ln 2 at T = {run.T[0]:.2f}")
1.99 ln 2 at T = 1.09
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kadanoff import bands, dmft, greens, rbm
from kadanoff._base import statistics
from kadanoff._base.errors import Cancelled, NotConverged, NumericalError
from kadanoff._base.versions import about
from kadanoff._core import Control
from kadanoff.bands import FlatBand, SemicircularBand, TabulatedBand
from kadanoff.impurities import effective, models, nrg, transport
from kadanoff.impurities.effective import divergence, kondo_scales
from kadanoff.impurities.effective import irrelevant_operator as irrelevant
from kadanoff.impurities.effective.anderson_to_kondo import kondo_mapping
from kadanoff.impurities.effective.parameter_map import effective_map
from kadanoff.impurities.effective.variational_bound import gbf_bound
from kadanoff.impurities.models import (
    AndersonModel,
    DoubleQuantumDot,
    ImpurityModel,
    KondoModel,
    operators,
)
from kadanoff.impurities.nrg import continuum, dynamics
from kadanoff.impurities.nrg.free_energy_derivatives import derivatives
from kadanoff.impurities.transport import fermi_liquid
from kadanoff.lattices import blockspin, dimers, ising, potts, rsmi, self_learning
from kadanoff.runs import store
from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store

if TYPE_CHECKING:
    from kadanoff import lab, units
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
    "bands",
    "blockspin",
    "continuum",
    "derivatives",
    "dimers",
    "divergence",
    "dmft",
    "dynamics",
    "effective",
    "effective_map",
    "fermi_liquid",
    "gbf_bound",
    "greens",
    "irrelevant",
    "ising",
    "kondo_mapping",
    "kondo_scales",
    "lab",
    "models",
    "nrg",
    "operators",
    "potts",
    "rbm",
    "rsmi",
    "self_learning",
    "statistics",
    "store",
    "sweep",
    "transport",
    "units",
]

# The faces of the pillars can be imported under their short names as well:
# `from kadanoff.ising import sample`. `os.path` does the same.
for _face in __all__:
    if isinstance(_module := globals().get(_face), ModuleType):
        sys.modules[f"{__name__}.{_face}"] = _module

_ESTIMATORS = ("DeepRBM", "RBM")  # they need scikit-learn, which takes most of a second to import


def __getattr__(name: str) -> Any:
    if name in ("lab", "units"):  # widgets and scipy's table of constants, for those who use them
        return importlib.import_module(f"kadanoff.{name}")
    if name in _ESTIMATORS:
        return getattr(rbm, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
