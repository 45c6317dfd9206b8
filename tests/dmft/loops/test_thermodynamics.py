"""Compressibility, local susceptibility and entropy."""

import math

import numpy as np
import pytest

from kadanoff import dmft
from kadanoff.dmft import DiscreteBath, Impurity, solve
from kadanoff.dmft.lattices import Bethe
from kadanoff.dmft.loops.thermodynamics import clenshaw_curtis

QUIET = {"seed": 1, "threads": 1, "progress": False}
ED = {"sites": 4, **QUIET}


def test_the_compressibility_of_free_electrons():
    found = dmft.compressibility(U=0.0, beta=10.0, mu=0.3, **QUIET)
    near, h = Bethe(), 1e-4
    exact = (near.free(-0.3 - h, 10.0)[0] - near.free(-0.3 + h, 10.0)[0]) / (2.0 * h)
    assert abs(found.value - exact) < found.error < 1e-3


def test_the_compressibility_is_the_slope_of_loops():
    found = dmft.compressibility(U=2.0, beta=10.0, mu=1.4, **ED)
    n = [dmft.loop(U=2.0, beta=10.0, mu=1.4 + x, tolerance=1e-8, **ED).n for x in (-0.005, 0.005)]
    assert abs(found.value - (n[1] - n[0]) / 0.01) < 5e-3 * found.value


def test_a_local_susceptibility_is_the_slope_of_m():
    bath = DiscreteBath([-0.6, 0.1, 0.8], [0.3, 0.2, 0.5])
    problem = Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7)
    found = dmft.local_susceptibility(solve(problem, **QUIET))
    h = 1e-4
    polarised = solve(Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7, h=h), **QUIET)
    # the next order is (beta h)**2
    assert abs(found.value / (polarised.m / h) - 1.0) < 1e-6
    # in a field, the slope at that field
    low, high = (
        solve(Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7, h=0.2 + x), **QUIET).m for x in (-h, h)
    )
    at = solve(Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7, h=0.2), **QUIET)
    assert abs(dmft.local_susceptibility(at).value / ((high - low) / (2.0 * h)) - 1.0) < 1e-6


def test_a_susceptibility_by_monte_carlo():
    bath = DiscreteBath([-0.6, 0.8], [0.3, 0.5])
    problem = Impurity(U=2.0, beta=4.0, bath=bath)
    exact = dmft.local_susceptibility(solve(problem, **QUIET))
    sampled = solve(problem, solver="cthyb", sweeps=2**14, **QUIET)
    found = dmft.local_susceptibility(sampled, **QUIET)
    assert abs(found.value - exact.value) < 3.0 * found.error
    assert found.error < 0.05 * exact.value


def test_a_susceptibility_needs_levels():
    with pytest.raises(ValueError, match="result of 'ed' or 'cthyb', got one of 'ipt'"):
        dmft.local_susceptibility(dmft.loop(U=1.0, beta=10.0, solver="ipt", **QUIET))
    with pytest.raises(TypeError, match="found must be a Loop or a Solution"):
        dmft.local_susceptibility(3.0)


def _free_entropy(beta):
    k = math.pi * (np.arange(2000) + 0.5) / 2000
    weight = np.sin(k) ** 2 / np.sum(np.sin(k) ** 2)
    f = 1.0 / (1.0 + np.exp(beta * np.cos(k)))
    return -2.0 * float(weight @ (f * np.log(f) + (1.0 - f) * np.log1p(-f)))


def test_the_entropy_of_free_electrons():
    found = dmft.entropy(U=0.0, beta=4.0, solver="ipt", accuracy=1e-6, **QUIET)
    assert abs(found.S - _free_entropy(4.0)) < 1e-6
    assert found.beta[0] == 0.0
    assert found.beta[-1] == 4.0


def test_the_entropy_of_a_mott_insulator_is_that_of_its_spins():
    found = dmft.entropy(U=8.0, beta=10.0, **ED)
    # charges are frozen, and the exchange of spins vanishes on average in the paramagnet
    assert abs(found.S - math.log(2.0)) < 2e-3


def test_an_entropy_away_from_half_filling():
    found = dmft.entropy(U=0.0, beta=1e-2, n=0.5, sites=2, **QUIET)
    # S_inf, less a term of second order in beta
    assert abs(found.S + 2.0 * (0.25 * math.log(0.25) + 0.75 * math.log(0.75))) < 1e-4


def test_order_takes_entropy():
    ordered = dmft.entropy(U=4.0, beta=25.0, order="antiferro", accuracy=0.05, **ED)
    assert ordered.S < 0.3
    assert ordered.error < 0.1


@pytest.mark.parametrize("count", [2, 4, 8, 16])
def test_the_rule_of_clenshaw_and_curtis(count):
    x = 0.5 * (1.0 - np.cos(math.pi * np.arange(count + 1) / count))
    for power in range(count + 1):
        assert abs(clenshaw_curtis(count) @ x**power - 1.0 / (power + 1)) < 1e-14


@pytest.mark.parametrize(
    ("function", "arguments", "match"),
    [
        (dmft.compressibility, {"step": 0.0}, "step must be above 0"),
        (dmft.compressibility, {"lattice": 3}, "lattice must be a name"),
        (dmft.entropy, {"accuracy": 0.0}, "accuracy must be above 0"),
        (dmft.entropy, {"n": 2.5}, "n must be"),
        (dmft.entropy, {"start": "vacuum"}, "start must be"),
    ],
)
def test_bad_input(function, arguments, match):
    with pytest.raises((ValueError, TypeError), match=match):
        function(**({"U": 1.0, "beta": 5.0, "progress": False} | arguments))
