r"""Quantum-impurity Hamiltonians as plain frozen data.

    H_0 = sum_k coefficient_k * operator_k    on the impurity and the bath orbital f_0,

to which a solver attaches the band. A model validates itself, prints what the user gave, compares,
hashes and pickles; it knows nothing about how it is solved.

=======================  ===========================================================
`AndersonModel`          one orbital with repulsion U, hybridised with the band
`DoubleQuantumDot`       two of them side by side, on the same band orbital
`KondoModel`             a spin of any size, exchange-coupled to the band
`ImpurityModel`          anything that `kadanoff.operators` can write down
=======================  ===========================================================

Energies are in the units of the band, whose half bandwidth is 1 unless told otherwise.
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
