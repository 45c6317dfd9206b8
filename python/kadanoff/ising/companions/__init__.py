"""Exact companions of the Ising samplers: what is known without sampling."""

from kadanoff.ising.companions.answer import exact
from kadanoff.ising.companions.bulk import critical_temperature, onsager, yang
from kadanoff.ising.companions.chain import chain
from kadanoff.ising.companions.result import Exact
from kadanoff.ising.companions.states import DensityOfStates, bonds, enumerate_states
from kadanoff.ising.companions.strips import Strip, transfer_matrix
from kadanoff.ising.companions.torus import kaufman
from kadanoff.ising.companions.windows import conditional, surrounding_fields, window_log_Z

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
    "kaufman",
    "onsager",
    "surrounding_fields",
    "transfer_matrix",
    "window_log_Z",
    "yang",
]
