r"""Ising models on regular lattices: sampling, scanning, tempering.

    H = - sum_<ij> J_ij s_i s_j - h sum_i s_i

Which call? :func:`sample` for independent configurations at one temperature, :func:`scan` for
several, :func:`parallel_tempering` where single spins get stuck and clusters do not help, and
:class:`Simulation` to step a lattice by hand. :func:`exact` gives exact averages where a solution
is known. :func:`graph`, :func:`honeycomb` and :func:`kagome` make models
with a coupling for every bond, which the first two take.

>>> from kadanoff import ising
>>> run = ising.sample(L=32, T=ising.T_c, n=1000, seed=1)
>>> run.configurations.shape
(1000, 32, 32)
"""

from kadanoff.lattices.ising.balance import OneSided
from kadanoff.lattices.ising.exact_solutions import (
    DensityOfStates,
    Exact,
    Strip,
    chain,
    conditional,
    critical_temperature,
    enumerate_states,
    exact,
    houtappel,
    kaufman,
    onsager,
    surrounding_fields,
    transfer_matrix,
    window_log_Z,
    yang,
)
from kadanoff.lattices.ising.graphs import GraphIsing, graph, honeycomb, kagome, pairs
from kadanoff.lattices.ising.models import LATTICES, Ising, T_c
from kadanoff.lattices.ising.results import IsingSamples, IsingScan
from kadanoff.lattices.ising.sampling import METHODS, sample, scan
from kadanoff.lattices.ising.simulation import Simulation
from kadanoff.lattices.ising.tempering import parallel_tempering

__all__ = [
    "LATTICES",
    "METHODS",
    "DensityOfStates",
    "Exact",
    "GraphIsing",
    "Ising",
    "IsingSamples",
    "IsingScan",
    "OneSided",
    "Simulation",
    "Strip",
    "T_c",
    "chain",
    "conditional",
    "critical_temperature",
    "enumerate_states",
    "exact",
    "graph",
    "honeycomb",
    "houtappel",
    "kagome",
    "kaufman",
    "onsager",
    "pairs",
    "parallel_tempering",
    "sample",
    "scan",
    "surrounding_fields",
    "transfer_matrix",
    "window_log_Z",
    "yang",
]
