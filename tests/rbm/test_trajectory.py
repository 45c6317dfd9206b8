"""Sampling along the trajectory of training: the weights of separate modes, and ln Z on the way."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import kadanoff as kd
from kadanoff.rbm import Machine
from kadanoff.rbm.balance import Side, imbalance
from kadanoff.rbm.populations import Populations
from kadanoff.rbm.trajectory import Trajectory
from kadanoff.rbm.units import pack, unpack
from tests.soak.machines import OPTIONS, magnet

UNITS = [(v, h) for v in ("binary", "spin") for h in ("binary", "spin")]
QUICK = OPTIONS | {"n_iter": 3, "random_state": 1}


@pytest.fixture(scope="module")
def samples():
    v, p, _ = magnet(1.5, 0.0)
    return v[np.random.default_rng(0).choice(len(p), size=5000, p=p)]


def parameters(machine):
    return np.concatenate([machine.W.ravel(), machine.a, machine.b])


@pytest.mark.parametrize("units", UNITS)
def test_populations_know_the_partition_function_within_their_error(units):
    machine = Machine.random(8, 6, scale=0.8, visible=units[0], hidden=units[1], seed=3)
    pulls = []
    for seed in range(5):
        found = Populations(8, 6, units, seed, threads=1)
        assert found.extend(parameters(machine))
        log_Z, error = found.log_Z()
        pulls.append((log_Z - machine.log_Z()) / error)
        assert error < 0.1
    assert np.abs(pulls).max() < 4.5  # Student's t with 15 degrees of freedom, 20 cases: 1e-2


def test_shares_of_two_modes_are_those_of_the_machine():
    # One hidden spin couples to eight spins: two modes, weighed by its bias.
    machine = Machine(np.full((8, 1), 2.0), None, [0.5], "spin", "spin")
    side = Side(np.repeat([[True] * 8, [False] * 8], 500, axis=0), "spin")
    exact = 1 / (1 + np.exp(-1.0))
    difference, error = imbalance(machine, [side], rows=0, seed=1, threads=1)
    assert abs(difference + side.data - exact) < 4.5 * error
    assert error < 0.05


@pytest.mark.parametrize("seed", range(6))
def test_which_side_is_up_is_not_decided_by_rounding(seed):
    """The sum over a direction of one-hot groups is zero: the first large element is positive."""
    rng = np.random.default_rng(seed)
    colour = np.where(rng.random((400, 1)) < 0.7, 0, 1)
    colour = np.where(rng.random((400, 6)) < 0.05, rng.integers(0, 3, (400, 6)), colour)
    rows = np.eye(3, dtype=bool)[colour].reshape(400, -1)
    side = Side(rows, "one-hot-3")
    mostly_first = (colour == 0).sum(axis=1) >= 3
    assert side.data == pytest.approx(mostly_first.mean(), abs=0.02)
    assert Side(rows[::-1], "one-hot-3").data == side.data


def test_a_mode_that_the_last_machine_has_lost_comes_back():
    n = 12
    up, down = (parameters(Machine(np.full((n, 1), 1.2), [a] * n)) for a in (0.6, -0.6))
    found = Trajectory(n, 1, ("spin", "spin"), seed=1, threads=1)
    assert found.populations.extend(up)
    assert (found.populations.draw(1000)[0].sum(axis=1) > 0).all()
    # Chains of a machine that prefers the other sign, still half and half.
    chains = np.repeat([[True] * n, [False] * n], 64, axis=0)
    rows = pack(chains)
    state = {"epochs": 0, "parameters": down, "chains": rows.ravel().copy()}
    for _ in range(5):
        state = found.epoch(state, rows, 128, lambda state, _: {**state, "gradient": np.zeros(1)})
    v = unpack(state["chains"].reshape(-1, 1), n, "spin")
    assert (v.sum(axis=1) > 0).mean() < 0.05  # exactly 1e-6, and 0.5 at the start


def test_a_lost_sign_is_told_and_kept_along_the_trajectory(samples):
    up = samples.sum(axis=1) > 0
    shares = {}
    for method in ("pcd", "trajectory"):
        rbm = kd.RBM(32, method=method, **(QUICK | {"n_iter": 10}))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            rbm.fit(samples)
        p = rbm.machine_.probabilities()
        shares[method] = p @ (np.sign(magnet(1.5, 0.0)[0].sum(axis=1)) + 1) / 2 - up.mean()
        lost = [w for w in told if issubclass(w.category, ConvergenceWarning)]
        assert len(lost) == (method == "pcd")
        assert rbm.balance_[0] == pytest.approx(shares[method], abs=0.05)
        assert rbm.history_["balance"].shape == (10,)
    assert "take method='trajectory'" not in str(told)
    assert abs(shares["pcd"]) > 0.2
    # The whole measurement is in tests.soak.machines.py.
    assert abs(shares["trajectory"]) < 0.1


def test_the_likelihood_is_known_while_training(samples):
    rbm = kd.RBM(32, method="trajectory", validation_fraction=0.2, **QUICK)
    seen = []
    rbm.fit(samples, progress=lambda done, total: seen.append((done, len(rbm.history_))))
    assert seen[-1][0] == QUICK["n_iter"] * 4000
    assert seen[-1][1] > 0  # the history grows while training
    history = rbm.history_
    exact = rbm.score(samples)
    error = history["log_Z_error"][-1]
    assert error < 0.2
    # Both parts scatter about the mean of all rows by less than 0.1.
    for name in ("log_likelihood", "held_out"):
        assert abs(history[name][-1] - exact) < 4.5 * error + 0.1
        assert history[name][-1] > history[name][0]
    with pytest.raises(ValueError, match="needs method='trajectory'"):
        kd.RBM(4, visible="spin", method="pcd", validation_fraction=0.2).fit(samples)
    with pytest.raises(ValueError, match="holds out all 5"):
        kd.RBM(
            4, visible="spin", method="trajectory", validation_fraction=0.95
        ).fit(samples[:5])  # fmt: skip


def test_chains_of_contrastive_divergence_say_nothing_of_the_machine(samples):
    balance = kd.RBM(8, **(QUICK | {"method": "cd"})).fit(samples).history_["balance"]
    assert np.isnan(balance).tolist() == [True, True, False]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_seed_repeats_on_any_number_of_threads(samples, threads):
    once, again = (
        kd.RBM(8, method="trajectory", **(QUICK | {"threads": n})).fit(samples)
        for n in (1, threads)
    )
    np.testing.assert_array_equal(once.machine_.W, again.machine_.W)


def test_training_along_the_trajectory_goes_on_and_is_stopped(samples):
    rbm = kd.RBM(8, method="trajectory", **QUICK).fit(samples).partial_fit(samples)
    assert rbm.n_iter_ == 4
    assert len(rbm.history_["log_likelihood"]) == 4
    control = kd.Control()

    def stop(done, total):
        control.cancel()

    rbm = kd.RBM(8, method="trajectory", **(QUICK | {"n_iter": 1000}))
    with pytest.raises(kd.Cancelled) as caught:
        rbm.fit(samples, control=control, progress=stop)
    assert caught.value.partial is rbm
    assert rbm.n_iter_ == len(rbm.history_["gradient"]) == 1
