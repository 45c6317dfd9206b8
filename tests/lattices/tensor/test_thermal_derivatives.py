"""Energy and specific heat against Onsager and Kaufman, within their error."""

import pytest

from kadanoff import ising, potts, tensor


def test_against_exact_solutions():
    covered = []
    for T in (1.8, 2.15, 2.4, 3.0):
        for L, method, chi in ((16, "hotrg", 12), (None, "trg", 10), (8, "trg", 12)):
            found = tensor.derivatives(ising.Ising(2), T=T, chi=chi, steps=8, L=L, method=method)
            exact = ising.exact(L, T)
            covered += [
                abs(found.energy - exact.e) <= found.energy_error,
                abs(found.specific_heat - exact.c) <= found.specific_heat_error,
            ]
            assert found.energy_error < 0.1
    assert sum(covered) >= 0.95 * len(covered)


def test_colours_against_enumeration():
    found = tensor.derivatives(potts.Potts(2, 3), T=0.9, chi=9, L=2)
    exact = potts.enumerate_states(potts.Potts(2, 3), T=0.9)
    assert abs(found.energy - exact.energy) <= found.energy_error
    assert abs(found.specific_heat - exact.specific_heat) <= found.specific_heat_error


def test_refusals():
    with pytest.raises(ValueError, match="power of two"):
        tensor.derivatives(ising.Ising(2), T=2.0, L=12)
    with pytest.raises(ValueError, match="spacing"):
        tensor.derivatives(ising.Ising(2), T=2.0, spacing=0.5)
    assert "L = 4" in repr(tensor.derivatives(ising.Ising(2), T=2.0, chi=4, L=4))
