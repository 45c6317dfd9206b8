"""Stepping by hand: determinism, setting things while it runs, engines."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import kadanoff as kd
from kadanoff import ising
from kadanoff._base.statistics import estimate, z_score
from kadanoff.lattices.ising import Ising, Simulation
from tests.stopping import stop_at


@pytest.mark.parametrize("method", ising.METHODS)
def test_a_seed_repeats_the_run_however_it_is_cut(method):
    a = Simulation(L=32, T=2.3, method=method, seed=1)
    b = Simulation(L=32, T=2.3, method=method, seed=1)
    a.sweep(30)
    for n in (1, 9, 20):
        b.sweep(n)
    assert a.sweeps == b.sweeps == 30
    np.testing.assert_array_equal(a.spins, b.spins)
    c = Simulation(L=32, T=2.3, method=method, seed=2)
    c.sweep(30)
    assert (c.spins != a.spins).any()


@pytest.mark.parametrize("shape", [(64, 64), (15, 9), (8, 8, 8), (100,)])
@pytest.mark.parametrize("method", ["heat-bath", "swendsen-wang"])
def test_what_is_measured_belongs_to_the_spins(shape, method):
    model = Ising(shape, h=0.2)
    live = Simulation(model, T=2.0, method=method, seed=1)
    live.sweep(5)
    assert live.energy == pytest.approx(float(model.energy(live.spins)) / model.sites, abs=1e-12)
    assert live.magnetisation == pytest.approx(live.spins.mean(), abs=1e-12)


@pytest.mark.parametrize("shape", [(64, 32), (15, 9)])
def test_spins_can_be_set(shape):
    spins = np.random.default_rng(1).choice([-1, 1], size=shape)
    live = Simulation(Ising(shape), T=2.0, start=spins, seed=1)
    np.testing.assert_array_equal(live.spins, spins)
    live.spins = -spins
    np.testing.assert_array_equal(live.spins, -spins)
    assert live.spins.dtype == np.int8


@pytest.mark.parametrize("method", ["wolff", "swendsen-wang"])
def test_no_sign_is_preferred_at_low_temperature(method):
    # An even number of Wolff clusters, each of which is the whole lattice, changes no sign.
    live = Simulation(L=8, T=0.8, method=method, start="ordered", seed=1)
    series = []
    for _ in range(200):
        live.sweep(2)
        assert live.spins.mean() == live.magnetisation
        series.append(live.magnetisation)
    up = int((np.array(series) > 0).sum())
    assert abs(up - 100) < 5 * math.sqrt(200) / 2


def test_starts():
    assert Simulation(L=16, T=2.0, start="ordered").magnetisation == 1.0
    assert Simulation(L=16, T=2.0, J=-1.0, start="ordered").energy == -2.0
    assert abs(Simulation(L=64, T=2.0, seed=1).magnetisation) < 0.1
    # No state satisfies all bonds: all up.
    frustrated = Simulation(L=16, T=2.0, J=-1.0, lattice="triangular", start="ordered")
    assert frustrated.magnetisation == 1.0


def test_temperature_and_field_change_while_it_runs():
    live = Simulation(L=64, T=50.0, start="ordered", seed=1)
    live.sweep(20)
    assert abs(live.magnetisation) < 0.1
    live.h = 50.0
    live.T = 1.0
    live.sweep(20)
    assert live.magnetisation == 1.0
    assert (live.T, live.h, live.model.h) == (1.0, 50.0, 50.0)
    with pytest.raises(ValueError, match="T must be at least 1e-100"):
        live.T = 0.0
    with pytest.raises(ValueError, match="h must be finite"):
        live.h = math.nan
    assert (live.T, live.h) == (1.0, 50.0)
    wolff = Simulation(L=8, T=2.0, method="wolff")
    with pytest.raises(ValueError, match="cannot take a field"):
        wolff.h = 0.1


def test_setting_the_temperature_samples_the_new_one():
    exact = -0.8413154278519152  # L = 8, T = 3, see tests/reference/lattice
    for method in ising.METHODS:
        live = Simulation(L=8, T=1.0, method=method, seed=3)
        live.T = 3.0
        live.sweep(200)
        energies = []
        for _ in range(3000):
            live.sweep(5)
            energies.append(live.energy)
        assert abs(z_score(estimate(energies), exact)) < 3.5, method


def test_a_sweep_can_be_stopped():
    live = Simulation(L=512, T=2.0, seed=1)
    control = kd.Control()
    with pytest.raises(kd.Cancelled):
        live.sweep(10**9, control=control, progress=stop_at(control, 1))
    assert np.isin(live.spins, (-1, 1)).all()
    live.sweep(1)
    assert live.sweeps == 1  # what was stopped is not counted


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"T": 0}, ValueError, "T must be at least 1e-100"),
        ({"L": 0}, ValueError, "L must be at least 1"),
        ({"method": "magic"}, ValueError, "method must be"),
        ({"method": "wolff", "h": 1.0}, ValueError, "cannot take a field"),
        ({"start": "hot"}, ValueError, "start must be"),
        ({"start": np.zeros((8, 8))}, ValueError, r"start must be \+1 or -1"),
        ({"start": np.ones((8, 9))}, ValueError, r"start must be .* \(8, 8\)"),
        ({"seed": "x"}, TypeError, "seed must be an integer"),
    ],
)
def test_bad_input_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        Simulation(**({"L": 8, "T": 2.0} | arguments))


def test_bad_sweeps_are_refused():
    live = Simulation(L=8, T=2.0)
    for n in (0, -1, 1.5, True):
        with pytest.raises((ValueError, TypeError), match="n must be"):
            live.sweep(n)


def test_it_draws_itself():
    live = Simulation(L=16, T=2.0, seed=1)
    ax = live.plot(Figure().subplots())
    np.testing.assert_array_equal(ax.images[0].get_array(), live.spins)


def test_a_large_lattice_is_the_same_on_any_number_of_threads():
    def spins(threads):
        live = Simulation(L=2048, T=2.3, seed=1)
        live.sweep(2, threads=threads)
        return live._core.pack(0)

    assert np.array_equal(spins(1), spins(2))
