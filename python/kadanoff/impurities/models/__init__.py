r"""Quantum-impurity Hamiltonians as plain frozen data.

    H_0 = sum_k coefficient_k * operator_k    on the impurity and the bath orbital f_0,

to which a solver attaches the band. A model checks its arguments and prints them as they were
given; models can be compared, hashed and pickled. They do not depend on the solvers.

=======================  ===========================================================
`AndersonModel`          one orbital with repulsion U, hybridised with the band
`DoubleQuantumDot`       two such orbitals, coupled to the same band orbital
`KondoModel`             a spin of any size, exchange-coupled to the band
`ImpurityModel`          any Hamiltonian made of `kadanoff.operators`
=======================  ===========================================================

Energies are in the units of the band, whose half bandwidth is 1 by default.
"""

from kadanoff.impurities.models.base import Model, Term
from kadanoff.impurities.models.custom import ImpurityModel
from kadanoff.impurities.models.dots import AndersonModel, DoubleQuantumDot
from kadanoff.impurities.models.kondo import KondoModel

__all__ = [
    "AndersonModel",
    "DoubleQuantumDot",
    "ImpurityModel",
    "KondoModel",
    "Model",
    "Term",
]
