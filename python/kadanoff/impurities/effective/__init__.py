"""Effective models of an impurity, learned from the partition function of the bare one.

>>> import kadanoff as kd
>>> aim = kd.AndersonModel(U=0.5, J_sw=0.25)
>>> fit = kd.effective.learn(kd.KondoModel(J=0.25), target=aim, T=1e-4, keep=200)
>>> print(f"{fit.model.J:.3f}")
0.199
"""

from kadanoff.impurities.effective.consistency import Consistency, DoubtfulFit, Refit
from kadanoff.impurities.effective.fit import Fit
from kadanoff.impurities.effective.fitting import learn
from kadanoff.impurities.effective.gauss_newton import Step
from kadanoff.impurities.effective.perturbative_mapping import schrieffer_wolff
from kadanoff.impurities.effective.sensitivity import Sensitivity

__all__ = [
    "Consistency",
    "DoubtfulFit",
    "Fit",
    "Refit",
    "Sensitivity",
    "Step",
    "learn",
    "schrieffer_wolff",
]
