"""The range of a training set, from its features."""

import numpy as np

from kadanoff.dmft.learning.domain import COORDINATES, Domain


def rows(detunings):
    """Features of problems with U = E = 1, beta = 10, and these values of (eps + U/2) / E."""
    return np.array([[0.0, np.log(10.0), x] for x in detunings])


def test_half_filling_is_inside_of_a_range_on_both_sides_of_it():
    assert COORDINATES == 3
    rng = np.random.default_rng(1)
    for _ in range(20):
        domain = Domain.of(rows(rng.uniform(-1, 1, size=40)))
        assert domain.beyond(rows([0.0])[0]) == ""
        assert "eps + U/2" in domain.beyond(rows([1.01])[0])


def test_half_filling_is_beyond_a_doped_training_set():
    domain = Domain.of(rows(np.random.default_rng(1).uniform(0.5, 1, size=40)))
    assert "eps + U/2" in domain.beyond(rows([0.0])[0])
    half_filled = Domain.of(rows(np.zeros(40)))
    assert half_filled.beyond(rows([0.0])[0]) == ""
    assert "eps + U/2" in half_filled.beyond(rows([0.01])[0])
