"""Tools for testing code that builds on kadanoff: random models, and physics as assertions.

`kadanoff.testing.strategies` holds hypothesis strategies (hypothesis is needed only there),
`kadanoff.testing.assertions` the identities of every thermodynamic result.

>>> from kadanoff import KondoModel, nrg
>>> from kadanoff.testing import assert_entropy_bounds
>>> assert_entropy_bounds(nrg.solve(KondoModel(J=0.4), keep=100, sites=10))
"""

from kadanoff.testing.assertions import (
    assert_entropy_bounds,
    assert_free_energy_gives_entropy,
    assert_monotone_log_z,
    assert_same_curves,
    assert_same_spectrum,
    assert_states_counted_once,
    spectrum,
)

__all__ = [
    "assert_entropy_bounds",
    "assert_free_energy_gives_entropy",
    "assert_monotone_log_z",
    "assert_same_curves",
    "assert_same_spectrum",
    "assert_states_counted_once",
    "spectrum",
]
