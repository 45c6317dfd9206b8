"""Entropy against free electrons and atoms, and its rule of integration."""

import math

import numpy as np
import pytest
from scipy import optimize

from kadanoff import dmft
from kadanoff.dmft.lattices import Bethe
from kadanoff.dmft.loops.entropy_integral import clenshaw_curtis
from kadanoff.dmft.solvers.hubbard1 import atom

QUIET = {"seed": 1, "threads": 1, "progress": False}
ED = {"sites": 4, **QUIET}


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


@pytest.mark.parametrize(("U", "n"), [(3.0, 1.0), (-1.0, 1.0), (1.0, 0.6), (-1.0, 0.6)])
def test_the_entropy_of_a_narrow_band_is_that_of_atoms(U, n):
    beta = 4.0

    def filling(mu):
        return 2.0 * atom(U, -mu, beta)[0] - n

    mu = optimize.brentq(filling, -20.0, 20.0)
    _, docc, log_Z = atom(U, -mu, beta)
    found = dmft.entropy(lattice=Bethe(1e-3), U=U, beta=beta, n=n, **ED)
    # the band changes S by (beta D)^2 / 8 and less
    assert abs(found.S - log_Z - beta * (U * docc - mu * n)) < found.error + 2e-6


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
    ("arguments", "match"),
    [
        ({"accuracy": 0.0}, "accuracy must be above 0"),
        ({"n": 2.5}, "n must be"),
        ({"start": "vacuum"}, "start must be"),
    ],
)
def test_bad_input(arguments, match):
    with pytest.raises((ValueError, TypeError), match=match):
        dmft.entropy(**({"U": 1.0, "beta": 5.0, "progress": False} | arguments))
