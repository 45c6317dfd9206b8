"""Exact companions of the Potts samplers against each other and against Ising solutions."""

import math

import numpy as np
import pytest

from kadanoff import ising, potts


def test_temperature_and_energy_of_two_colours():
    assert potts.critical_temperature(2, J=2.0) == pytest.approx(ising.T_c, abs=1e-14)
    # e = -sqrt 2 of the Ising model with J / 2 = 1, minus one for each of the two bonds of a site.
    assert potts.critical_energy(2, J=2.0) == pytest.approx(-math.sqrt(2) - 2, abs=1e-14)
    assert potts.critical_temperature(3) == pytest.approx(0.99497, abs=1e-5)


def test_temperature_of_the_model():
    for q in (2, 3, 4, 7):
        model = potts.Potts(8, q, J=1.5)
        assert model.critical_temperature == pytest.approx(potts.critical_temperature(q, 1.5))
    # Ising on the triangular lattice: 4 J / ln 3 with J / 2.
    triangular = potts.Potts(8, 2, lattice="triangular")
    assert triangular.critical_temperature == pytest.approx(2 / math.log(3))
    assert potts.Potts((4,), 3).critical_temperature == 0.0
    assert potts.Potts((4, 4, 4), 3).critical_temperature is None
    assert potts.Potts(4, 3, J=-1.0).critical_temperature is None


def test_enumeration_of_two_colours_is_the_ising_one():
    found = potts.enumerate_states(potts.Potts((3, 3), 2, J=2.0), T=2.4)
    wanted = ising.exact((3, 3), 2.4)
    assert found.energy == pytest.approx(wanted.e - 2, abs=1e-12)
    assert found.specific_heat == pytest.approx(wanted.c, abs=1e-10)


def test_a_ring_by_transfer_matrix():
    q, N, T = 5, 6, 0.7
    x = math.exp(1 / T)
    Z = (x + q - 1) ** N + (q - 1) * (x - 1) ** N
    assert potts.enumerate_states(potts.Potts((N,), q), T=T).log_Z == pytest.approx(math.log(Z))


def test_energy_is_the_derivative_of_the_partition_function():
    model, T, d = potts.Potts((2, 3), 3, J=-0.7), 0.8, 1e-4
    up, down = (potts.enumerate_states(model, T=1 / (1 / T + x)).log_Z for x in (d, -d))
    found = potts.enumerate_states(model, T=T)
    assert found.energy * model.sites == pytest.approx(-(up - down) / (2 * d), abs=1e-6)


def test_energies_of_configurations():
    model = potts.Potts((3, 4), 3, J=2.0)
    s = np.random.default_rng(1).integers(0, 3, (7, 3, 4))
    same = sum((s == np.roll(s, -1, axis=a)).sum(axis=(1, 2)) for a in (1, 2))
    assert (model.energy(s) == -2.0 * same).all()
    assert potts.Potts((1, 3), 3).energy([[0, 1, 2]]) == -3.0  # each site and itself


REFUSED = {
    "q": (lambda: potts.critical_temperature(1), ValueError, "q must"),
    "J": (lambda: potts.critical_energy(3, J=-1.0), ValueError, "J must be positive"),
    "states": (lambda: potts.enumerate_states(potts.Potts(5, 3), T=1.0), ValueError, "3\\^24"),
    "kind": (lambda: potts.enumerate_states(ising.Ising(3), T=1.0), TypeError, "Potts"),
    "colours": (
        lambda: potts.Potts((2, 2), 3).energy([[0, 3], [1, 2]]),
        ValueError,
        r"0 \.\.\. 2",
    ),
    "real": (lambda: potts.Potts((2, 2), 3).energy(np.ones((2, 2))), ValueError, "integers"),
    "shape": (lambda: potts.Potts((2, 2), 3).energy([0, 1]), ValueError, "last axes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name):
    call, exception, words = REFUSED[name]
    with pytest.raises(exception, match=words):
        call()
