"""The Ising model, ``H = -sum J_ij s_i s_j - h sum s_i``, s = +-1."""

from kadanoff.ising.companions import (
    DensityOfStates,
    Exact,
    Strip,
    chain,
    conditional,
    critical_temperature,
    enumerate_states,
    exact,
    kaufman,
    onsager,
    surrounding_fields,
    transfer_matrix,
    window_log_Z,
    yang,
)

__all__ = [
    "DensityOfStates",
    "Exact",
    "Strip",
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
