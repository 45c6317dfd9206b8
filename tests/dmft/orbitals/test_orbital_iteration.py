"""Loops of several orbitals."""

import numpy as np
import pytest

from kadanoff._base.errors import NotConverged
from kadanoff.dmft import OrbitalLoop, bethe, orbital_loop
from kadanoff.dmft.lattices import Bethe


def looped(**options):
    return orbital_loop(**{"progress": False, "threads": 1, "seed": 1, **options})


def test_one_orbital_is_the_loop_for_one():
    one = bethe(U=2.0, beta=20, sites=3, progress=False, seed=1, tolerance=1e-7)
    same = looped(U=2.0, beta=20, orbitals=1, sites=3, tolerance=1e-7)
    assert abs(one.Z - same.Z[0]) < 1e-6  # both to their tolerance


def test_two_uncoupled_orbitals_are_two_single_ones():
    one = [bethe(U=1.6, D=D, beta=20, sites=2, progress=False, seed=1) for D in (1.0, 0.6)]
    both = looped(
        U=1.6, U_prime=0.0, kind="density", beta=20, sites=2, lattice=[Bethe(1.0), Bethe(0.6)]
    )
    assert np.allclose(both.Z, [x.Z for x in one], atol=1e-3)


def test_without_interaction_one_step_suffices():
    found = looped(U=0.0, beta=10, solver="hubbard1", lattice=[Bethe(1.0), Bethe(0.5)])
    assert np.allclose(found.Z, 1.0)
    assert np.allclose(found.n, 1.0)


def test_hund_exchange_makes_half_filling_more_insulating():
    """And three orbitals with two electrons less coherent, without a gap: the Hund's metal."""
    Z = [looped(U=1.8, J=J, beta=20, sites=2).Z[0] for J in (0.0, 0.1, 0.2)]
    assert Z[0] > Z[1] > Z[2]
    found = [looped(U=2.0, J=J, beta=20, orbitals=3, sites=1, n=2.0) for J in (0.0, 0.3)]
    for loop in found:
        assert abs(np.sum(loop.n) - 2.0) < 1e-4
        assert loop.states == ("metal",) * 3
    assert found[1].Z[0] < found[0].Z[0]
    assert found[1].solution.moment > 1.3 * found[0].solution.moment


def test_different_widths_give_an_orbital_selective_phase():
    found = looped(U=1.2, J=0.3, beta=40, sites=2, lattice=[Bethe(1.0), Bethe(0.5)])
    assert found.states == ("metal", "insulator")
    assert found.is_selective


def test_both_starts_and_hysteresis():
    """At J = 0 metal and insulator coexist: branches from both starts."""
    metal = looped(U=3.2, beta=40, sites=2)
    insulator = looped(U=3.2, beta=40, sites=2, start=looped(U=4.0, beta=40, sites=2))
    assert metal.states == ("metal", "metal")
    assert insulator.states == ("insulator", "insulator")
    again = looped(U=3.2, beta=40, sites=2, start=metal)
    assert again.iterations < metal.iterations
    assert abs(again.Z[0] - metal.Z[0]) < 1e-3


def test_crystal_field_and_doping():
    found = looped(U=1.5, J=0.1, beta=20, sites=2, crystal_field=[-0.2, 0.2], n=2.2)
    assert found.n[0] > found.n[1]
    assert abs(np.sum(found.n) - 2.2) < 1e-4


def test_particle_hole_partners():
    """At fillings n and 4 - n both have the same Z."""
    two = [looped(U=1.5, J=0.1, beta=10, sites=2, n=n, tolerance=1e-6) for n in (1.7, 2.3)]
    assert abs(two[0].Z[0] - two[1].Z[0]) < 1e-3  # fits of two sites from random starts


@pytest.mark.parametrize("lattice", ["square", "cubic"])
def test_other_lattices(lattice):
    found = looped(U=0.8, J=0.1, beta=10, sites=2, lattice=lattice)
    assert found.states == ("metal", "metal")


def test_monte_carlo():
    exact = looped(U=1.5, J=0.25, kind="density", beta=10, sites=2, tolerance=1e-3)
    found = looped(U=1.5, J=0.25, kind="density", beta=10, solver="cthyb", sweeps=2**13, chains=2)
    # The bath of two sites errs by some percent, and iterations differ by their noise.
    assert abs(found.Z[0] - exact.Z[0]) < 0.06
    assert found.history["noise"][-1] > 0.0


@pytest.mark.parametrize("kind", ["density", "kanamori"])
def test_nrg(kind):
    """Two equal orbitals, against exact diagonalisation and Monte Carlo."""
    problem = {"U": 1.5, "J": 0.2, "kind": kind, "beta": 20}
    found = looped(**problem, solver="nrg", keep=150)
    assert found.states == ("metal", "metal")
    assert np.allclose(found.n, 1.0, atol=1e-9)
    # A bath of two sites errs by some percent in Z, and 150 states of two channels are 12 of one:
    # their error is not known.
    exact = looped(**problem, sites=2, tolerance=1e-3)
    far = abs(found.solution.G_iw[0, 0, 0] - exact.solution.G_iw[0, 0, 0])
    assert far < 0.3
    assert found.solution.error is None
    assert np.all(np.isnan(found.Z_error))
    if kind == "density":
        sampled = looped(**problem, solver="cthyb", sweeps=2**13, chains=2, start=exact)
        noise = 3.0 * sampled.solution.diagnostics["G_iw_error"][0, 0]
        far = abs(found.solution.G_iw[0, 0, 0] - sampled.solution.G_iw[0, 0, 0])
        assert far < 0.2 + noise


def test_nrg_of_one_orbital_is_the_loop_for_one():
    """Up to the ends of the baths, and the tolerance of both."""
    options = {"U": 2.0, "beta": 100, "solver": "nrg", "keep": 100, "twists": 1}
    one = bethe(**options, progress=False)
    same = looped(**options, orbitals=1)
    assert abs(same.Z[0] - one.Z) < 0.02
    assert abs(same.fermi_weight[0] - one.fermi_weight) < 0.02


def test_nrg_of_an_insulator():
    quick = {"U": 4.0, "beta": 20, "solver": "nrg", "keep": 60}
    found = looped(**quick, start="insulator")
    assert found.states == ("insulator", "insulator")
    again = looped(**quick, start=found)
    assert again.iterations < found.iterations
    with pytest.raises(ValueError, match="knows no real frequencies"):
        looped(**quick, start=looped(U=4.0, beta=20, solver="hubbard1"))


def test_nrg_of_two_widths():
    """The narrow band is the more correlated one."""
    lattices = [Bethe(1.0), Bethe(0.5)]
    options = {"U": 0.8, "J": 0.1, "kind": "density", "beta": 20, "lattice": lattices}
    found = looped(**options, solver="nrg", keep=60, tolerance=5e-2)
    assert found.Z[0] > found.Z[1]
    assert found.states == ("metal", "metal")


def test_files(tmp_path):
    found = looped(U=1.0, J=0.1, beta=5, solver="hubbard1")
    found.save(tmp_path / "loop.npz")
    again = OrbitalLoop.load(tmp_path / "loop.npz")
    assert np.array_equal(again.solution.G_iw, found.solution.G_iw)
    assert again.lattices == found.lattices
    assert again.solution.problem.kind == "kanamori"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"lattice": [Bethe(1.0)]}, "each of 2 orbitals"),
        ({"solver": "ipt"}, "one orbital"),
        ({"n": 4.0}, "n must"),
        ({"crystal_field": [0.1]}, "crystal_field"),
        ({"start": "warm"}, "start"),
        ({"U_prime": 0.3}, "U - 2 J"),
    ],
)
def test_bad_input_is_refused(options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        looped(**{"U": 1.0, "beta": 10, **options})


def test_a_loop_that_does_not_converge_keeps_what_it_has():
    with pytest.raises(NotConverged, match="residual") as stop:
        looped(U=1.8, J=0.2, beta=20, sites=2, max_iterations=2)
    assert stop.value.partial.iterations == 2
    assert not stop.value.partial.converged


@pytest.mark.parametrize(
    ("U", "beta", "state"), [(1.0, 10, "metal"), (2.0, 10, "bad metal"), (4.0, 10, "insulator")]
)
def test_states_are_those_of_one_orbital(U, beta, state):
    """Two orbitals that do not interact are two single ones, bad metals included."""
    one = bethe(U=U, beta=beta, sites=2)
    both = looped(U=U, U_prime=0.0, kind="density", beta=beta, sites=2)
    assert one.state == state
    assert both.states == (state, state)
    assert not both.is_selective
    assert both.fermi_weight == pytest.approx(one.fermi_weight, abs=0.05)  # of the fitted baths
