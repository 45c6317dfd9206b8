"""Loops in a field, in Neel order, and with attraction."""

import numpy as np
import pytest

from kadanoff import NotConverged, dmft
from kadanoff.dmft.lattices import Bethe, Cubic, Dispersion, Square, Tabulated
from kadanoff.dmft.solvers.hubbard1 import atom

ED = {"sites": 4, "seed": 1, "threads": 1, "progress": False}
K = 2.0 * np.pi * (np.arange(32) + 0.5) / 32
SKEW = Tabulated([-1.0, 0.0, 0.5, 1.2], [0.2, 1.0, 0.5, 0.1])
MESH = Dispersion(-np.cos(K)[:, None] - 0.3 * np.cos(2.0 * K))


@pytest.mark.parametrize("lattice", [Bethe(), Square(), Cubic(), SKEW, MESH], ids=repr)
def test_free_electrons_in_a_field(lattice):
    found = dmft.loop(lattice=lattice, U=0.0, beta=8.0, mu=0.2, field=0.15, **ED)
    up, down = (lattice.free(-0.2 - h, 8.0) for h in (0.15, -0.15))
    assert abs(found.n - 0.5 * (up[0] + down[0])) < 1e-10
    assert abs(found.m - 0.5 * (up[0] - down[0])) < 1e-10
    assert abs(found.kinetic_energy - 0.5 * (up[1] + down[1])) < 1e-10
    assert found.field == 0.15


def test_free_electrons_in_a_staggered_field():
    h, beta = 0.2, 8.0
    found = dmft.loop(lattice="square", U=0.0, beta=beta, field=h, order="antiferro", **ED)
    k = 2.0 * np.pi * (np.arange(200) + 0.5) / 200
    e = -0.5 * (np.cos(k)[:, None] + np.cos(k))
    E = np.hypot(e, h)
    filled = np.tanh(0.5 * beta * E) / E
    # sums over frequencies with tails to third order, at 512 frequencies
    assert abs(found.m - np.mean(h * filled)) < 1e-10
    assert abs(found.kinetic_energy + np.mean(e**2 * filled)) < 1e-10
    assert abs(found.n - 1.0) < 1e-10


def test_a_field_on_the_lattice_is_an_attractive_doped_one():
    # e_k,down -> -e_k,down: n - 1 and m change places, and so do mu - U/2 and h
    doped = dmft.loop(U=-1.5, beta=10.0, mu=-0.75 + 0.2, **ED)
    polarised = dmft.loop(U=1.5, beta=10.0, field=0.2, **ED)
    # different fits of the bath: one Delta with a free fit, and two mirrored ones
    assert abs(doped.n - 1.0 - polarised.m) < 1e-4
    assert abs(doped.docc - 0.5 * (1.0 + polarised.m) + polarised.docc) < 1e-4
    assert abs(polarised.n - 1.0) < 1e-12


@pytest.mark.parametrize("lattice", ["square", Cubic(t=0.3)], ids=repr)
def test_attraction_in_a_field_is_repulsion_in_another(lattice):
    options = {"lattice": lattice, "beta": 8.0, **ED}
    attractive = dmft.loop(U=-1.5, mu=-0.75 + 0.15, field=0.2, **options)
    repulsive = dmft.loop(U=1.5, mu=0.75 + 0.2, field=0.15, **options)
    # both fits are free, of a density of states and its mirror image
    assert abs(attractive.n - 1.0 - repulsive.m) < 1e-4
    assert abs(attractive.m - (repulsive.n - 1.0)) < 1e-4
    assert abs(attractive.docc - 0.5 * (repulsive.n + repulsive.m) + repulsive.docc) < 1e-4


def test_neel_order_sets_in_as_a_root():
    found = dmft.neel_temperature(U=2.0, tolerance=1e-3, **ED)
    # exact diagonalisation of our own with other code: 0.100
    assert abs(found.T / 0.100 - 1.0) < 0.03
    assert found.error < 0.01 * found.T
    share = np.array([0.02, 0.08])
    m = []
    for x in share:
        beta = 1.0 / (found.T * (1.0 - x))
        ordered = dmft.loop(U=2.0, beta=beta, order="antiferro", tolerance=1e-5, **ED)
        m.append(ordered.m)
        assert abs(ordered.n - 1.0) < 1e-12
    # 1/2 with a correction linear in the distance: 0.474 between 2 and 4 %, 0.449 between 4 and 8 %
    exponent = np.diff(np.log(m)) / np.diff(np.log(share))
    assert 0.44 < exponent[0] < 0.5
    above = dmft.loop(U=2.0, beta=1.0 / (1.05 * found.T), order="antiferro", **ED)
    assert abs(above.m) < 1e-3
    paramagnet = dmft.loop(U=2.0, beta=1.0 / (1.05 * found.T), **ED)
    assert abs(above.docc - paramagnet.docc) < 1e-4


@pytest.mark.parametrize(
    ("lattice", "U", "T"),
    [("bethe", 1.0, 0.052), ("bethe", 4.0, 0.061), (Cubic(t=1.0), 10.0, 0.482)],
    ids=["Bethe, U = 1", "Bethe, U = 4", "cubic, U = 10"],
)
def test_neel_temperatures(lattice, U, T):
    found = dmft.neel_temperature(lattice=lattice, U=U, **ED)
    assert abs(found.T / T - 1.0) < 0.03


def test_strong_coupling_is_that_of_spins():
    found = dmft.neel_temperature(U=12.0, **ED)
    # D**2 / (4 U), with corrections of order (D / U)**2
    assert abs(found.T * 48.0 - 1.0) < 0.02


def test_doping_lowers_the_neel_temperature():
    found = dmft.neel_temperature(U=2.0, n=0.9, **ED)
    assert 0.0 < found.error < 0.02 * found.T
    options = {"U": 2.0, "n": 0.9, "order": "antiferro", **ED}
    below, above = (dmft.loop(beta=1.0 / (x * found.T), **options) for x in (0.8, 1.2))
    assert below.m > 0.1
    # the tolerance of 1e-6 times 1 / (1 - lambda), with a margin of 100
    assert abs(above.m) < 1e-3
    # pairs of complex eigenvalues far below one, which powers of the response do not resolve
    with pytest.raises(NotConverged, match=r"stable down to T = .* largest eigenvalue .* 0.3"):
        dmft.neel_temperature(U=2.0, n=0.8, **ED)


@pytest.mark.parametrize("U", [-1.0, -4.0])
def test_pairs_are_filled_as_wanted(U):
    # a narrow band: pairs of atoms, n = 2 / (1 + exp(-beta (2 mu - U))) at strong coupling
    found = dmft.loop(lattice=Bethe(1e-3), U=U, beta=5.0, n=0.6, **ED)
    assert abs(found.n - 0.6) < 1e-5
    assert abs(2.0 * atom(U, -found.mu, 5.0)[0] - 0.6) < 1e-4


def test_an_ordered_loop_goes_on_from_another_one_and_is_stored(tmp_path):
    first = dmft.loop(U=2.0, beta=20.0, order="antiferro", **ED)
    assert first.m > 0.8
    assert first.history["m"].size == first.iterations
    again = dmft.loop(U=2.0, beta=20.0, order="antiferro", start=first, **ED)
    assert again.iterations < first.iterations
    assert abs(again.m - first.m) < 1e-5
    from_paramagnet = dmft.loop(
        U=2.0, beta=20.0, order="antiferro", start=dmft.loop(U=2.0, beta=20.0, **ED), **ED
    )
    assert abs(from_paramagnet.m - first.m) < 1e-5
    from_atoms = dmft.loop(U=2.0, beta=20.0, order="antiferro", start="insulator", **ED)
    assert abs(from_atoms.m - first.m) < 1e-5
    first.save(tmp_path / "loop.npz")
    loaded = dmft.Loop.load(tmp_path / "loop.npz")
    assert loaded.order == "antiferro"
    assert loaded.m == first.m
    assert "m=" in repr(loaded)
    # order lowers the energy
    assert first.energy < dmft.loop(U=2.0, beta=20.0, **ED).energy


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"order": "ferro"}, "order must be"),
        ({"order": "antiferro", "lattice": SKEW}, "needs a bipartite lattice"),
        (
            {"order": "antiferro", "solver": "nrg"},
            "'nrg' takes neither a field .* in a loop, which order",
        ),
        ({"field": 0.1, "solver": "ipt"}, "'ipt' takes neither a field .* field needs"),
        ({"field": np.inf}, "field must be finite"),
        ({"U": -1.0, "solver": "ipt"}, "U must be at least 0 for the solver 'ipt'"),
    ],
)
def test_bad_input(arguments, match):
    given = {"U": 2.0, "beta": 10.0, "threads": 1, "progress": False} | arguments
    with pytest.raises(ValueError, match=match):
        dmft.loop(**given)


def test_a_start_in_order_needs_order():
    ordered = dmft.loop(U=2.0, beta=20.0, order="antiferro", **ED)
    with pytest.raises(ValueError, match="in a field or in magnetic order"):
        dmft.loop(U=2.0, beta=20.0, start=ordered, **ED)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"sites": 5}, "sites must be even"),
        ({"sites": 3}, "sites must be at least 4"),
        ({"U": 0.0}, "U must be above 0"),
        ({"lattice": SKEW}, "bipartite"),
    ],
)
def test_bad_input_of_neel_temperatures(arguments, match):
    with pytest.raises(ValueError, match=match):
        dmft.neel_temperature(**({"U": 2.0, "progress": False} | arguments))


def test_a_weak_interaction_has_no_neel_order_that_few_sites_resolve():
    with pytest.raises(NotConverged, match="stable down to"):
        dmft.neel_temperature(lattice=Cubic(), U=0.25, **ED)
