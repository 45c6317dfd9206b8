"""Training that goes astray says so, and is not continued with another machine."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from kadanoff import RBM
from kadanoff.rbm.divergence import log_conditionals, loss_against_independent
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.units import states


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    hidden = generator.random((800, 2)) < 0.5
    return (hidden[:, np.arange(12) % 2] ^ (generator.random((800, 12)) < 0.1)).astype(int)


@pytest.mark.parametrize("units", ["binary", "spin"])
def test_conditionals_are_those_of_the_exact_law(units):
    machine = Machine.random(4, 3, visible=units, hidden=units, seed=2)
    v = states(4, units).astype(float)
    p = np.exp(machine.log_likelihood(v))
    for unit in range(4):
        partner = p.reshape([2] * 4).sum(axis=unit, keepdims=True)
        expected = (p.reshape([2] * 4) / partner).ravel()
        found = log_conditionals(machine, v, np.full((16, 1), unit))[:, 0]
        np.testing.assert_allclose(np.exp(found), expected, rtol=1e-10)


@pytest.mark.parametrize("method", ["cd", "pcd", "pt"])
@pytest.mark.parametrize("rate", [1e2, 1e3, 1e6])
def test_a_learning_rate_that_is_too_large_is_noticed(data, method, rate):
    rbm = RBM(6, method=method, learning_rate=rate, n_iter=3, random_state=1, threads=1)
    with pytest.warns(ConvergenceWarning, match="lower learning_rate"):
        rbm.fit(data)


@pytest.mark.parametrize("method", ["cd", "pcd", "pt"])
@pytest.mark.parametrize("rate", [1e-3, 0.05, 0.5])
@pytest.mark.parametrize("units", ["binary", "spin"])
def test_sound_training_does_not_warn(data, method, rate, units):
    X = data if units == "binary" else 2 * data - 1
    if units == "spin":
        rate /= 16.0  # the same rate moves spins 16 times as far
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(2):
            RBM(
                6, visible=units, hidden=units, method=method, learning_rate=rate, n_iter=3,
                random_state=seed, threads=1,
            ).fit(X).partial_fit(X[:5])  # fmt: skip


@pytest.mark.parametrize("units", ["binary", "spin", "one-hot-3"])
def test_a_trajectory_that_ends_early_has_not_diverged(units):
    """It begins at fair coins, far from data that are all the same."""
    row = {"binary": [1, 1, 0, 1, 0, 0], "spin": [1, 1, -1, 1, -1, -1]}.get(units, [1, 0, 0] * 2)
    X = np.tile(row, (200, 1))
    with pytest.warns(ConvergenceWarning, match="training ended early: .* raise n_iter") as told:
        RBM(
            4, visible=units, method="trajectory", learning_rate=1e-3, n_iter=2, random_state=1,
            threads=1,
        ).fit(X)  # fmt: skip
    assert not [w for w in told if "diverged" in str(w.message)]
    with pytest.warns(ConvergenceWarning, match="diverged: .* than fair coins do"):
        RBM(
            4, visible=units, method="trajectory", learning_rate=1e3, n_iter=3, random_state=1,
            threads=1,
        ).fit(_scattered(X, units))  # fmt: skip


def _scattered(X, units):
    """Configurations without any order."""
    generator = np.random.default_rng(2)
    if units == "one-hot-3":
        return np.eye(3, dtype=int)[generator.integers(0, 3, (len(X), 2))].reshape(len(X), 6)
    return generator.choice(np.unique(X), X.shape)


def test_independent_units_have_no_loss_against_themselves(data):
    rbm = RBM(3, init_scale=0.0, learning_rate=1e-12, n_iter=1, random_state=1).fit(data)
    assert loss_against_independent(rbm.machine_, data > 0, 1, known=True) == 0.0


@pytest.mark.parametrize(
    "changed",
    [{"n_components": 7}, {"hidden": "spin"}, {"method": "pcd"}, {"method": "pt"}],
)
def test_partial_fit_refuses_parameters_of_another_machine(data, changed):
    rbm = RBM(4, random_state=1, n_iter=1).fit(data).set_params(**changed)
    with pytest.raises(ValueError, match=r"was changed to .* call fit"):
        rbm.partial_fit(data)
    rbm.fit(data).partial_fit(data)  # anew


def test_as_many_replicas_at_other_temperatures_are_refused(data):
    rbm = RBM(4, method="pt", chains=10, temperatures=20, random_state=1, n_iter=1).fit(data)
    rbm.partial_fit(data).set_params(chains=20, temperatures=10)
    with pytest.raises(ValueError, match="the number of temperatures was changed to 10"):
        rbm.partial_fit(data)
    rbm.set_params(method="pcd", chains=200)
    with pytest.raises(ValueError, match="the number of temperatures was changed to 1"):
        rbm.partial_fit(data)


def test_partial_fit_of_a_given_machine_keeps_its_size(data):
    rbm = RBM.of(Machine.random(12, 3, seed=1)).set_params(n_components=5)
    with pytest.raises(ValueError, match="n_components was changed to 5"):
        rbm.partial_fit(data)


@pytest.mark.parametrize("units", ["binary", "spin"])
def test_grey_levels_point_to_the_threshold(units):
    grey = np.linspace(0.0, 1.0, 12).reshape(3, 4)
    with pytest.raises(ValueError, match=r"threshold=0\.5"):
        RBM(2, visible=units).fit(grey)
    RBM(2, visible=units, threshold=0.5, n_iter=1).fit(grey)
