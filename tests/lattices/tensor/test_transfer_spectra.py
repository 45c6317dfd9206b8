"""Spectra of rings against transfer matrices of Ising chains around a cylinder."""

import itertools

import numpy as np
import pytest

from kadanoff import ising
from kadanoff.lattices.tensor.flows import blocks_of
from kadanoff.lattices.tensor.transfer_spectra import levels_of


def ring(L, T, J=(1.0, 1.0)):
    """Magnitudes of the eigenvalues of the transfer matrix of a ring of L spins, falling."""
    states = np.array(list(itertools.product((-1, 1), repeat=L)))
    inside = np.exp(J[1] / T / 2 * (states * np.roll(states, 1, axis=1)).sum(axis=1))
    between = np.exp(J[0] / T * states @ states.T)
    return np.sort(np.abs(np.linalg.eigvalsh(inside[:, None] * between * inside)))[::-1]


@pytest.mark.parametrize("J", [(1.0, 1.0), (1.0, 0.5)])
def test_rings_of_exact_blocks(J):
    model = ising.Ising(2, J=J)
    T = model.critical_temperature
    # Two sites along each axis without truncation: rings of two and of four spins, two layers.
    *_, block = blocks_of(model, T, chi=16, steps=1, method="hotrg", look=lambda: None)
    found = levels_of(block.tensor, 3, isotropic=J[0] == J[1])
    ratio = 1.0
    if J[0] != J[1]:
        gaps = [
            2 * np.log(values[0] / values[1]) for values in (ring(2, T, J), ring(2, T, J[::-1]))
        ]
        ratio = np.sqrt(gaps[1] / gaps[0])
    wanted = ring(2, T, J)
    single = 2 * np.log(wanted[0] / wanted[1:4]) * ratio / (2 * np.pi)
    np.testing.assert_allclose(found.single, single, rtol=1e-10)
    wanted4 = ring(4, T, J)
    double = 2 * np.log(wanted4[0] / wanted4[1:4]) * ratio / np.pi
    np.testing.assert_allclose(found.dimensions, double, rtol=1e-10)
    c = 4 * ratio / np.pi * (4 * np.log(wanted[0]) - 2 * np.log(wanted4[0]))
    assert found.central_charge == pytest.approx(c, abs=1e-10)
    assert found.charges[0] == 1


def test_a_large_sector_is_solved_in_part():
    *_, block = blocks_of(
        ising.Ising(2), ising.T_c, chi=18, steps=4, method="trg", look=lambda: None
    )
    few, many = (levels_of(block.tensor, count, isotropic=True) for count in (3, 8))
    np.testing.assert_allclose(few.dimensions, many.dimensions[:3], rtol=1e-8)
