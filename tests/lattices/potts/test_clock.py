"""Clock models against enumeration, and against the Ising and Potts models that they contain."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import ising, potts
from kadanoff._base.statistics import z_score

METHODS = ("heat-bath", "swendsen-wang")
MODELS = {
    "3x3, q = 4": (potts.Clock((3, 3), 4), 1.1),
    "2x3, q = 5": (potts.Clock((2, 3), 5), 0.8),
    "open, q = 6": (potts.Clock((3, 2), 6, J=0.5, boundary="open"), 0.3),
    "triangular, q = 3": (potts.Clock((3, 3), 3, lattice="triangular"), 2.0),
    "one row, q = 6": (potts.Clock((1, 5), 6), 0.6),
    "antiferromagnet, q = 4": (potts.Clock((3, 3), 4, J=-1.0), 0.7),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("method", METHODS)
def test_averages_are_those_of_the_enumeration(name, method):
    model, T = MODELS[name]
    run = potts.sample(model, T=T, n=1000, method=method, seed=2, threads=1)
    assert np.allclose(run.energy, model.energy(run.configurations) / model.sites)
    wanted = potts.enumerate_states(model, T=T)
    for quantity in ("energy", "order", "m2", "m4", "specific_heat", "binder"):
        # 12 cases of 6: the largest of 72 normal deviations is below 4 in 99.5 % of all seeds.
        assert abs(z_score(run.estimates[quantity], getattr(wanted, quantity))) < 4, quantity


def test_two_three_and_four_directions_are_known_models():
    T, shape = 1.3, (2, 3)
    two = potts.enumerate_states(potts.Clock(shape, 2), T=T)
    spins = ising.exact(shape, T)
    assert (two.log_Z, two.m4) == (pytest.approx(spins.log_Z), pytest.approx(spins.m4))
    three = potts.enumerate_states(potts.Clock(shape, 3), T=T)
    colours = potts.enumerate_states(potts.Potts(shape, 3, J=1.5), T=T)
    assert three.energy == pytest.approx(colours.energy + 0.5 * 2)  # two bonds per site
    assert (three.order, three.binder) == (
        pytest.approx(colours.order),
        pytest.approx(colours.binder),
    )
    four = potts.enumerate_states(potts.Clock(shape, 4), T=T)
    halves = ising.exact(shape, T, J=0.5)
    assert four.log_Z == pytest.approx(2 * halves.log_Z)
    assert (four.energy, four.specific_heat) == (
        pytest.approx(2 * halves.e),
        pytest.approx(2 * halves.c),
    )
    assert four.m2 == pytest.approx(halves.m2)


def test_four_directions_on_a_larger_lattice_are_two_ising_models():
    T = ising.T_c / 2
    run = potts.sample(potts.Clock(12, 4), T=T, n=320, seed=1, threads=1)
    halves = ising.kaufman(12, 2 * T)
    assert run.method == "swendsen-wang"
    assert abs(z_score(run.estimates["energy"], halves.e)) < 4
    assert abs(z_score(run.estimates["specific_heat"], 2 * halves.c)) < 4


def test_critical_temperatures():
    for q, T in ((2, ising.T_c), (3, 1.5 * potts.critical_temperature(3)), (4, ising.T_c / 2)):
        assert potts.Clock(8, q).critical_temperature == pytest.approx(T, rel=1e-14)
    assert potts.Clock(8, 5).critical_temperature is None
    assert potts.Clock(8, 3, J=-1.0).critical_temperature is None
    assert potts.Clock(8, 6, lattice="chain").critical_temperature == 0.0


def test_directions_are_equally_frequent():
    """Cold chains keep their direction; samples do not."""
    run = potts.sample(potts.Clock(6, 5), T=0.05, n=1000, seed=1, threads=1)
    share = np.bincount(run.configurations[:, 0, 0], minlength=5) / 1000
    assert np.abs(share - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 1000)
    assert run.estimates["energy"].mean == pytest.approx(-2.0)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bits(method):
    one, two, other = (
        potts.sample(potts.Clock(6, 5), T=0.8, n=40, seed=s, threads=t, method=method)
        for s, t in ((4, 1), (4, 2), (5, 1))
    )
    assert (one.configurations == two.configurations).all()
    assert (one.energy != other.energy).any()


def test_scans_and_displays():
    found = potts.scan(potts.Clock(6, 6), T=[0.4, 1.5], n=100, seed=1, threads=1)
    assert (np.diff(found.mean("energy")) > 0).all()
    assert "q=6, square 6x6" in repr(found[0])


def test_a_stopped_run_keeps_what_it_has():
    control = kd.Control()

    def stop(done, total):
        if done > 5:
            control.cancel()

    with pytest.raises(kd.Cancelled) as stopped:
        potts.sample(
            potts.Clock(8, 5),
            T=0.8,
            n=1600,
            equilibration=5,
            spacing=2,
            seed=1,
            progress=stop,
            control=control,
        )
    assert 0 < len(stopped.value.partial) < 1600


def test_blocks_know_the_symmetry_of_the_circle():
    """Four directions are turned, not permuted: their entropy is not that of four colours."""
    options = {"n": 800, "seed": 1, "threads": 1, "method": "heat-bath"}
    run = potts.sample(potts.Clock(6, 4), T=1.0, **options)
    assert not kd.rsmi.Configurations(run).symmetric
    given = np.asarray(run)
    assert not kd.rsmi.Configurations(given, states=4).symmetric
    colours = potts.sample(L=6, q=4, T=1.0, **options)
    assert kd.rsmi.Configurations(np.asarray(colours), states=4).symmetric
    # Of more than four states only turns are used, which both models have.
    many = potts.sample(potts.Clock(6, 6), T=1.0, **options)
    assert kd.rsmi.Configurations(many).symmetric
    assert kd.rsmi.Configurations(np.asarray(many), states=6).symmetric
    three = potts.sample(potts.Clock(6, 3), T=2.0, **options)
    assert kd.rsmi.Configurations(three).symmetric


REFUSED = {
    "wolff": (
        lambda: potts.sample(potts.Clock(4, 5), T=1.0, method="wolff"),
        ValueError,
        "swendsen-wang",
    ),
    "q beside a model": (
        lambda: potts.sample(potts.Clock(4, 5), q=3, T=1.0),
        TypeError,
        "q belong",
    ),
    "one state": (lambda: potts.Clock(4, 1), ValueError, "q must be"),
    "no shape": (lambda: potts.Clock((), 3), ValueError, "axes"),
    "states": (lambda: potts.Clock((2, 2), 3).energy([[0, 1], [2, 3]]), ValueError, "raise q"),
    "too many states": (
        lambda: potts.enumerate_states(potts.Clock(8, 5), T=1.0),
        ValueError,
        "smaller lattice",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name):
    call, exception, words = REFUSED[name]
    with pytest.raises(exception, match=words):
        call()
