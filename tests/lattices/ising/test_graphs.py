"""Ising models on graphs against enumeration and against the regular lattices."""

import itertools
import math

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import ising
from kadanoff._base.statistics import z_score

RANDOM = np.random.default_rng(5)
BONDS, _ = ising.pairs(ising.Ising((3, 3)))
GRAPHS = {
    "honeycomb": (ising.honeycomb(2), 1.6),
    "kagome": (ising.kagome(2), 2.2),
    "kagome antiferromagnet": (ising.kagome((2, 2), J=-1.0), 1.0),
    "in a field": (ising.honeycomb((2, 3), J=0.7, h=0.3), 1.2),
    "+-J": (ising.graph(BONDS, RANDOM.choice([-1.0, 1.0], len(BONDS)), shape=(3, 3)), 1.1),
    "diluted": (ising.graph(BONDS[::2], J=1.0, shape=9), 0.9),
    "a site without bonds": (ising.graph(BONDS[(BONDS != 4).all(axis=1)], shape=(3, 3)), 1.5),
    "kagome antiferromagnet in a field": (ising.kagome(2, J=-1.0, h=-0.5), 1.0),
    "random": (ising.graph(BONDS, RANDOM.normal(size=len(BONDS)), h=-0.2, shape=(3, 3)), 1.0),
}
METHODS = ("heat-bath", "wolff", "swendsen-wang")


def exact(model, T):
    """Averages of all 2^N states."""
    bits = np.arange(2**model.sites)[:, None] >> np.arange(model.sites) & 1
    spins = 2 * bits - 1
    E = model.energy(spins.reshape(-1, *model.shape))
    w = np.exp(-(E - E.min()) / T)
    w /= w.sum()
    m, e = spins.mean(axis=1), E / model.sites
    return {
        "energy": w @ e,
        "m2": w @ m**2,
        "m4": w @ m**4,
        "specific_heat": model.sites * (w @ e**2 - (w @ e) ** 2) / T**2,
        "abs_magnetisation": w @ np.abs(m),
        "magnetisation": w @ m,
    }


CASES = [
    (name, method)
    for (name, (model, _)), method in itertools.product(GRAPHS.items(), METHODS)
    if method == "heat-bath" or not model.h
]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_averages_are_those_of_the_enumeration(name, method):
    model, T = GRAPHS[name]
    run = ising.sample(model, T=T, n=8000, method=method, seed=3, threads=1)
    assert np.allclose(run.energy, model.energy(run.configurations) / model.sites)
    assert run.engine == "bonds"
    for quantity, wanted in exact(model, T).items():
        # 21 cases of 6: the largest of 126 normal deviations is below 4 in 99 % of all seeds.
        assert abs(z_score(run.estimates[quantity], wanted)) < 4.2, quantity


@pytest.mark.parametrize(
    ("model", "z", "T_c"),
    [(ising.honeycomb(4), 3, 1.518651), (ising.kagome((4, 3)), 4, 2.143319)],
)
def test_lattices_with_several_sites_per_cell(model, z, T_c):
    assert (np.bincount(model.bonds.ravel()) == z).all()
    assert len(np.unique(np.sort(model.bonds, axis=1), axis=0)) == len(model.bonds)
    assert model.critical_temperature == pytest.approx(T_c, abs=1e-6)
    # Every cell sees the same.
    near = {tuple(pair) for pair in np.sort(model.bonds, axis=1).tolist()}
    number = np.arange(model.sites).reshape(model.shape)
    for axis in (0, 1):
        moved = np.roll(number, 1, axis=axis).ravel()
        assert {tuple(sorted((moved[i], moved[j]))) for i, j in near} == near


def test_triangles_of_the_kagome_lattice():
    """Each site is a corner of two triangles, and there are no further ones."""
    model = ising.kagome(4)
    A = np.zeros((model.sites, model.sites), dtype=int)
    A[tuple(model.bonds.T)] = 1
    A |= A.T
    assert (np.diag(A @ A @ A) == 4).all()
    honey = ising.honeycomb(4)
    B = np.zeros((honey.sites, honey.sites), dtype=int)
    B[tuple(honey.bonds.T)] = 1
    B |= B.T
    powers = [np.trace(np.linalg.matrix_power(B, k)) for k in (3, 5)]
    assert powers == [0, 0]


def test_the_square_lattice_as_a_graph():
    model = ising.Ising((4, 6), J=(1.0, -0.5), boundary=("open", "periodic"))
    bonds, J = ising.pairs(model)
    same = ising.graph(bonds, J, h=0.25, shape=(4, 6))
    spins = np.random.default_rng(1).choice([-1, 1], size=(20, 4, 6))
    assert np.allclose(same.energy(spins), model.energy(spins) - 0.25 * spins.sum(axis=(1, 2)))
    run = ising.sample(ising.graph(*ising.pairs(ising.Ising(16)), shape=(16, 16)), T=2.3, n=4000)
    wanted = ising.kaufman((16, 16), 2.3).e
    assert abs(z_score(run.estimates["energy"], wanted)) < 4.5


def test_the_energy_of_the_critical_honeycomb_lattice():
    """At T_c of the honeycomb lattice the correlation of neighbours is 4 / (3 sqrt 3) (Wannier)."""
    honeycomb = ising.sample(ising.honeycomb(32), T=1.518651, n=600, seed=1, threads=1)
    bond = 4 / (3 * math.sqrt(3))
    found = honeycomb.estimates["energy"].mean
    # The energy of a periodic lattice is lower by an amount of order 1 / L.
    assert -0.03 < found + 1.5 * bond < 0


def test_ground_states():
    chain = ising.graph([(0, 1), (1, 2), (3, 4)], J=[1.0, -1.0, -2.0])
    assert chain.ground_state().tolist() == [1, 1, -1, 1, -1]
    assert not chain.frustrated
    assert ising.graph([(0, 1), (1, 2), (2, 0)], J=-1.0).frustrated
    assert ising.graph([(0, 1), (0, 1)], J=[1.0, -1.0]).frustrated
    assert not ising.honeycomb(4, J=-1.0).frustrated
    assert ising.kagome(2, J=-1.0).frustrated


def test_same_seed_same_bits_on_any_number_of_threads():
    runs = [
        ising.sample(ising.kagome(4), T=2.2, n=200, seed=9, threads=threads, method=method)
        for method in METHODS
        for threads in (1, 2)
    ]
    for one, two in zip(runs[::2], runs[1::2], strict=True):
        assert (one.packed == two.packed).all()
        assert (one.energy == two.energy).all()


def test_scans_of_graphs():
    found = ising.scan(ising.honeycomb(4), T=[1.0, 2.0, 4.0], n=400, seed=1)
    assert (np.diff(found.mean("energy")) > 0).all()


def test_cold_graphs_do_not_claim_to_be_exact():
    run = ising.sample(ising.honeycomb(4), T=0.05, n=50, seed=1)
    assert run.energy.max() == run.energy.min() == -1.5
    assert all(x.error > 0 for x in run.estimates.values())


SAMPLES = ising.sample(ising.graph(BONDS, shape=(3, 3)), T=2.0, n=8, seed=1)


@pytest.mark.parametrize("name", ["+-J", "random", "a site without bonds"])
@pytest.mark.parametrize("method", ["heat-bath", "metropolis"])
def test_tempering_of_graphs_agrees_with_enumeration(name, method):
    model, _ = GRAPHS[name]
    T = [0.4, 0.7, 1.2]
    found = ising.parallel_tempering(
        model, T=T, n=4000, method=method, seed=3, spacing=3, configurations=True
    )
    assert (found.acceptance > 0.1).all()
    for run in found:
        assert np.allclose(run.energy, model.energy(run.configurations) / model.sites)
        wanted = exact(model, run.T)
        for quantity in ("energy", "m2", "specific_heat", "magnetisation"):
            # 6 cases of 12: the largest of 72 normal deviations is below 4 in 99.5 % of all seeds.
            assert abs(z_score(run.estimates[quantity], wanted[quantity])) < 4, quantity


def test_tempering_leaves_the_traps_of_a_spin_glass():
    """The lowest energy of a sample of 8 x 8 spins, from all ladders."""
    bonds, _ = ising.pairs(ising.Ising(8))
    J = np.random.default_rng(1).choice([-1.0, 1.0], len(bonds))
    model = ising.graph(bonds, J, shape=(8, 8))
    T = np.linspace(0.3, 2.0, 8)
    found = ising.parallel_tempering(model, T=T, n=80, seed=1, spacing=5)
    energies = np.round(found[0].energy * 64).reshape(8, -1)
    assert len(set(energies.min(axis=1).tolist())) == 1  # every ladder finds the same
    again = ising.parallel_tempering(model, T=T, n=80, seed=1, spacing=5)
    assert (again[0].energy == found[0].energy).all()


def test_a_stopped_tempering_of_a_graph_keeps_what_it_measured():
    control = kd.Control()

    def stop(done, total):
        if done > 30:
            control.cancel()

    with pytest.raises(kd.Cancelled) as stopped:
        ising.parallel_tempering(
            ising.kagome(2),
            T=[1.0, 2.0],
            n=8000,
            equilibration=10,
            spacing=2,
            seed=1,
            progress=stop,
            control=control,
        )
    assert 0 < len(stopped.value.partial[1]) < 8000


REFUSED = {
    "no bonds": (lambda: ising.graph(np.zeros((0, 2), int)), ValueError, "bonds"),
    "self": (lambda: ising.graph([(0, 0)]), ValueError, r"different sites .*\(0, 0\)"),
    "negative": (lambda: ising.graph([(0, -1)]), ValueError, "different sites"),
    "beyond": (lambda: ising.graph([(0, 9)], shape=(3, 3)), ValueError, r"0 \.\.\. 8"),
    "J": (lambda: ising.graph([(0, 1)], J=[1.0, 2.0]), ValueError, "one entry per bond, 1, got 2"),
    "J huge": (lambda: ising.graph([(0, 1)], J=1e200), ValueError, "magnitude"),
    "three": (lambda: ising.graph([(0, 1, 2)]), ValueError, "bonds"),
    "cells": (lambda: ising.honeycomb(1), ValueError, "L must be"),
    "axes": (lambda: ising.kagome((4, 4, 4)), ValueError, "2 axes"),
    "pairs": (lambda: ising.pairs(ising.kagome(2)), TypeError, "Ising model"),
    "spins": (lambda: ising.kagome(2).energy(np.ones((2, 2))), ValueError, "spins"),
    "metropolis": (
        lambda: ising.sample(ising.kagome(2), T=1.0, method="metropolis"),
        ValueError,
        "heat-bath",
    ),
    "wolff in a field": (
        lambda: ising.sample(ising.kagome(2, h=1.0), T=1.0, method="wolff"),
        ValueError,
        "use 'heat-bath'",
    ),
    "clusters in a field": (
        lambda: ising.sample(ising.kagome(2, h=1.0), T=1.0, method="swendsen-wang"),
        ValueError,
        "use 'heat-bath'",
    ),
    "tempering": (
        lambda: ising.parallel_tempering(ising.kagome(2), L=4, T=[1.0, 2.0]),
        TypeError,
        "L belong to the model",
    ),
    "simulation": (lambda: ising.Simulation(ising.kagome(2), T=1.0), TypeError, r"ising\.sample"),
    "lattice": (
        lambda: ising.GraphIsing([(0, 1)], lattice=3),
        TypeError,
        "lattice",
    ),
    "cell": (lambda: ising.GraphIsing([(0, 1)], cell=3), ValueError, "cell"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name):
    call, exception, words = REFUSED[name]
    with pytest.raises(exception, match=words):
        call()


def test_displays():
    assert repr(ising.kagome(2)) == "GraphIsing(kagome, 12 sites, 24 bonds, J=1, h=0)"
    assert "graph 3x3" in repr(SAMPLES)
    assert "+- " not in repr(kd.ising.graph(BONDS, J=-2.0))
