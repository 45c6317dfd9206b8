"""Effective models of many-body systems: found, and checked.

>>> import kadanoff as kd
>>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
>>> run = kd.nrg.solve(aim, keep=200, T_min=1e-4)
>>> print(f"{run.entropy[0] / 0.6931:.2f} ln 2 at T = {run.T[0]:.2f}")
1.99 ln 2 at T = 1.09
"""

from typing import TYPE_CHECKING

from kadanoff._base import lazy

if TYPE_CHECKING:
    from kadanoff import bands, dmft, greens, lab, rbm, units
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
    from kadanoff.lattices import blockspin, dimers, ising, potts, rsmi, self_learning, tensor
    from kadanoff.rbm.deep import DeepRBM
    from kadanoff.rbm.estimator import RBM
    from kadanoff.runs import store
    from kadanoff.runs.parameter_sweep import sweep
    from kadanoff.runs.store import Store

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
    "tensor",
    "transport",
    "units",
]

_MODULES = {
    "bands": "kadanoff.bands",
    "blockspin": "kadanoff.lattices.blockspin",
    "continuum": "kadanoff.impurities.nrg.continuum",
    "dimers": "kadanoff.lattices.dimers",
    "divergence": "kadanoff.impurities.effective.divergence",
    "dmft": "kadanoff.dmft",
    "dynamics": "kadanoff.impurities.nrg.dynamics",
    "effective": "kadanoff.impurities.effective",
    "greens": "kadanoff.greens",
    "irrelevant": "kadanoff.impurities.effective.irrelevant_operator",
    "ising": "kadanoff.lattices.ising",
    "kondo_scales": "kadanoff.impurities.effective.kondo_scales",
    "lab": "kadanoff.lab",
    "models": "kadanoff.impurities.models",
    "nrg": "kadanoff.impurities.nrg",
    "operators": "kadanoff.impurities.models.operators",
    "potts": "kadanoff.lattices.potts",
    "rbm": "kadanoff.rbm",
    "rsmi": "kadanoff.lattices.rsmi",
    "self_learning": "kadanoff.lattices.self_learning",
    "statistics": "kadanoff._base.statistics",
    "store": "kadanoff.runs.store",
    "tensor": "kadanoff.lattices.tensor",
    "transport": "kadanoff.impurities.transport",
    "units": "kadanoff.units",
}
_ATTRIBUTES = {
    "AndersonModel": "kadanoff.impurities.models",
    "Cancelled": "kadanoff._base.errors",
    "Control": "kadanoff._core",
    "DeepRBM": "kadanoff.rbm",
    "DoubleQuantumDot": "kadanoff.impurities.models",
    "FlatBand": "kadanoff.bands",
    "ImpurityModel": "kadanoff.impurities.models",
    "KondoModel": "kadanoff.impurities.models",
    "NotConverged": "kadanoff._base.errors",
    "NumericalError": "kadanoff._base.errors",
    "RBM": "kadanoff.rbm",
    "SemicircularBand": "kadanoff.bands",
    "Store": "kadanoff.runs.store",
    "TabulatedBand": "kadanoff.bands",
    "about": "kadanoff._base.versions",
    "derivatives": "kadanoff.impurities.nrg.free_energy_derivatives",
    "effective_map": "kadanoff.impurities.effective.parameter_map",
    "fermi_liquid": "kadanoff.impurities.transport",
    "gbf_bound": "kadanoff.impurities.effective.variational_bound",
    "kondo_mapping": "kadanoff.impurities.effective.anderson_to_kondo",
    "sweep": "kadanoff.runs.parameter_sweep",
}

# `from kadanoff.ising import sample` works as well, as `os.path` does.
__getattr__ = lazy.install(__name__, _MODULES, _ATTRIBUTES)


def __dir__() -> list[str]:
    return sorted(__all__)
