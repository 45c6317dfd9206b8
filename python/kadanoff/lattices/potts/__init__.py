r"""Potts and clock models on regular lattices: sampling, exact companions.

    H = - J sum_<ij> delta(s_i, s_j),      s = 0 ... q - 1

:class:`Clock` spins point to q directions instead, ``H = - J sum cos(2 pi (s_i - s_j) / q)``; they
are given as a model, ``potts.sample(potts.Clock(32, q=6), T=0.8)``.

Two colours are the Ising model with the coupling J / 2: T_c is half of that of
:mod:`kadanoff.ising`. :func:`sample` draws configurations, :func:`scan` at several temperatures;
:func:`critical_temperature` and :func:`critical_energy` are exact on the square lattice, and
:func:`enumerate_states` sums a small one.

>>> from kadanoff import potts
>>> run = potts.sample(L=16, q=3, T=potts.critical_temperature(3), n=200, seed=1)
>>> run.configurations.shape
(200, 16, 16)
"""

from kadanoff.lattices.potts.clock import Clock
from kadanoff.lattices.potts.exact import (
    PottsExact,
    critical_energy,
    critical_temperature,
    enumerate_states,
)
from kadanoff.lattices.potts.models import LATTICES, Potts
from kadanoff.lattices.potts.results import PottsSamples, PottsScan
from kadanoff.lattices.potts.sampling import METHODS, sample, scan

__all__ = [
    "LATTICES",
    "METHODS",
    "Clock",
    "Potts",
    "PottsExact",
    "PottsSamples",
    "PottsScan",
    "critical_energy",
    "critical_temperature",
    "enumerate_states",
    "sample",
    "scan",
]
