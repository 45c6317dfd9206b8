"""Integrals over binned peaks against sums over the peaks themselves."""

import numpy as np
import pytest

from kadanoff.impurities.nrg.peaks import Bins

BINS = Bins(lowest=1e-4, per_decade=300, count=1500)


def binned(positions, weights):
    edges = BINS.mesh[BINS.count :]
    place = np.clip(np.searchsorted(edges, np.abs(positions), side="right") - 1, 0, BINS.count - 1)
    place += np.where(positions < 0, 0, BINS.count)
    weight, moment = np.zeros(2 * BINS.count), np.zeros(2 * BINS.count)
    np.add.at(weight, place, weights)
    np.add.at(moment, place, weights * positions)
    return weight, moment


def test_weight_and_moment_are_exact_and_a_smooth_function_nearly():
    random = np.random.default_rng(2)
    positions = random.normal(size=3000) * 10.0 ** random.uniform(-5, 0.3, 3000)
    weights = random.random(3000)
    of = binned(positions, weights)
    assert BINS.integrate(*of, np.ones_like) == pytest.approx(weights.sum(), rel=1e-13)
    assert BINS.integrate(*of, lambda w: w) == pytest.approx(weights @ positions, abs=1e-9)
    exact = weights @ (1 / np.cosh(positions))
    # A parabola over bins of 0.8 %, (0.008)^2 / 24 of its curvature, of either sign: 2.4e-6 found.
    assert BINS.integrate(*of, lambda w: 1 / np.cosh(w)) == pytest.approx(exact, rel=1e-5)
    G = BINS.integrate(*of, lambda w: 1 / (1j * np.array([0.1, 2.0]) - w[:, None]))
    expected = [np.sum(weights / (1j * x - positions)) for x in (0.1, 2.0)]
    np.testing.assert_allclose(G, expected, rtol=2e-5)


def test_degenerate_states_count_with_the_value_at_zero():
    weight, moment = binned(np.zeros(1), np.array([0.7]))
    assert BINS.integrate(weight, moment, lambda w: np.cos(1e3 * w)) == pytest.approx(
        0.7, rel=1e-14
    )


def test_it_describes_itself():
    assert repr(BINS) == "Bins(1500 per side, 300 per decade from 0.0001)"
