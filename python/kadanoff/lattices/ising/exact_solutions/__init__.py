"""Exact solutions of Ising models."""

from kadanoff.lattices.ising.exact_solutions.bulk import critical_temperature, onsager, yang
from kadanoff.lattices.ising.exact_solutions.one_dimension import chain
from kadanoff.lattices.ising.exact_solutions.results import Exact
from kadanoff.lattices.ising.exact_solutions.selection import exact
from kadanoff.lattices.ising.exact_solutions.states import DensityOfStates, bonds, enumerate_states
from kadanoff.lattices.ising.exact_solutions.strips import Strip, transfer_matrix
from kadanoff.lattices.ising.exact_solutions.torus import kaufman
from kadanoff.lattices.ising.exact_solutions.triangles import houtappel
from kadanoff.lattices.ising.exact_solutions.windows import (
    conditional,
    surrounding_fields,
    window_log_Z,
)

__all__ = [
    "DensityOfStates",
    "Exact",
    "Strip",
    "bonds",
    "chain",
    "conditional",
    "critical_temperature",
    "enumerate_states",
    "exact",
    "houtappel",
    "kaufman",
    "onsager",
    "surrounding_fields",
    "transfer_matrix",
    "window_log_Z",
    "yang",
]
