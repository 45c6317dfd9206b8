"""Effective models of many-body systems: found, and checked.

>>> import kadanoff as kd
>>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
>>> run = kd.nrg.solve(aim, keep=200, T_min=1e-4)
>>> print(f"{run.entropy[0] / 0.6931:.2f} ln 2 at T = {run.T[0]:.2f}")
1.99 ln 2 at T = 1.17
"""

from kadanoff import (
    baths,
    divergence,
    dmft,
    dynamics,
    effective,
    greens,
    irrelevant,
    kondo_scales,
    nrg,
    operators,
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

__version__ = "0.1.0"

__all__ = [
    "AndersonModel",
    "Cancelled",
    "Control",
    "DoubleQuantumDot",
    "FlatBand",
    "ImpurityModel",
    "KondoModel",
    "NotConverged",
    "NumericalError",
    "SemicircularBand",
    "TabulatedBand",
    "__version__",
    "about",
    "baths",
    "derivatives",
    "divergence",
    "dmft",
    "dynamics",
    "effective",
    "effective_map",
    "gbf_bound",
    "greens",
    "irrelevant",
    "kondo_mapping",
    "kondo_scales",
    "nrg",
    "operators",
]
