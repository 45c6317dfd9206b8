"""Wilson's numerical renormalization group.

>>> from kadanoff import KondoModel, nrg
>>> run = nrg.solve(KondoModel(J=0.4), keep=200, T_min=1e-6)
>>> print(f"{run.entropy[0] / 0.6931:.2f} ln 2")
1.00 ln 2
"""

from kadanoff.impurities.nrg.boson_cutoff import BosonCutoff
from kadanoff.impurities.nrg.coarse import Coarse
from kadanoff.impurities.nrg.errors import Errors
from kadanoff.impurities.nrg.iteration import solve, solve_many
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.result import NRGResult
from kadanoff.impurities.nrg.subgap import Subgap

__all__ = [
    "BosonCutoff",
    "Coarse",
    "Errors",
    "NRGResult",
    "Options",
    "Subgap",
    "solve",
    "solve_many",
]
