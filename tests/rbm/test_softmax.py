"""Visible units in one-hot groups: every number against the sum over all states."""

import itertools

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import kadanoff as kd
from kadanoff.rbm import Machine, one_hot, states
from kadanoff.rbm.divergence import log_conditionals
from kadanoff.rbm.populations import Populations
from kadanoff.rbm.softmax import Enumeration
from kadanoff.rbm.units import state_rows
from tests.soak.machines import COLOURED, coloured_magnet

# (sites, colours, hidden units): the visible or the hidden layer is the smaller one.
SIZES = [(2, 3, 5), (3, 4, 2), (1, 2, 1)]


def machine(sites, q, m, hidden="binary"):
    return Machine.random(
        sites * q, m, scale=0.9, visible=f"one-hot-{q}", hidden=hidden, seed=sites
    )


def weights(of):
    """All visible states, all hidden states, and P(v, h)."""
    v = states(of.n_visible, of.visible)
    h = states(of.n_hidden, of.hidden)
    E = np.array([of.energy(np.tile(row, (len(h), 1)), h) for row in v])
    return v, h, np.exp(-E)


def test_states_are_products_of_colours():
    rows = states(6, "one-hot-3")
    colours = rows.reshape(-1, 2, 3).argmax(axis=2)
    assert colours.tolist() == [list(c) for c in itertools.product(range(3), repeat=2)]
    np.testing.assert_array_equal(one_hot(colours, 3), rows)


@pytest.mark.parametrize("hidden", ["binary", "spin"])
@pytest.mark.parametrize("size", SIZES)
def test_sums_are_those_over_all_states(size, hidden):
    of = machine(*size, hidden=hidden)
    v, h, w = weights(of)
    Z, p = w.sum(), w.sum(axis=1) / w.sum()
    assert of.log_Z() == pytest.approx(np.log(Z), rel=1e-13)
    np.testing.assert_allclose(of.probabilities(), p, rtol=1e-12)
    np.testing.assert_allclose(of.log_likelihood(v), np.log(p), rtol=1e-12)
    found = of.moments()
    np.testing.assert_allclose(found.v, p @ v, rtol=1e-12)
    np.testing.assert_allclose(found.h, w.sum(axis=0) / Z @ h, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(found.vh, v.T @ w @ h / Z, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(
        of.visible_mean(h), (v.T @ w / w.sum(axis=0)).T, rtol=1e-12
    )  # fmt: skip
    np.testing.assert_allclose(of.hidden_mean(v), w @ h / w.sum(axis=1)[:, None], rtol=1e-11)
    assert of.kl_divergence(p) == pytest.approx(0.0, abs=1e-12)
    exact = of.gradient(v)  # zero for data with the distribution of the machine
    np.testing.assert_allclose(exact.a, v.mean(axis=0) - found.v, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_one_group_is_predicted_from_the_others(size):
    of = machine(*size)
    v = states(of.n_visible, of.visible)
    p, q = of.probabilities(), size[1]
    for unit in (0, of.n_visible - 1):
        site = unit // q
        others = np.delete(v.reshape(len(v), -1, q), site, axis=1).reshape(len(v), -1)
        same = (others[:, None] == others[None]).all(axis=2)
        found = log_conditionals(of, v.astype(float), np.full((len(v), 1), unit))[:, 0]
        np.testing.assert_allclose(found, np.log(p / (same @ p)), rtol=1e-10)


def chi_squared(drawn, rows, p):
    """Of samples among the states `rows`, per degree of freedom."""
    power = 1 << np.arange(rows.shape[1])
    order = np.argsort(rows @ power)
    where = order[np.searchsorted((rows @ power)[order], drawn @ power)]
    np.testing.assert_array_equal(rows[where], drawn)  # no state beyond these
    expected = p * len(drawn)
    counts = np.bincount(where, minlength=len(rows))
    return np.sum((counts - expected) ** 2 / expected) / (len(rows) - 1)


@pytest.mark.parametrize("method", ["exact", "gibbs"])
@pytest.mark.parametrize("size", SIZES)
def test_samples_have_the_distribution_of_the_machine(size, method):
    of = machine(*size)
    options = {} if method == "exact" else {"chains": 8000, "equilibration": 40}
    found = of.sample(8000, method=method, seed=5, **options)
    v, _, w = weights(of)
    p = w.sum(axis=1) / w.sum()
    # At most 63 degrees of freedom, mean 1, standard deviation at least 0.18; one: 1.4.
    assert chi_squared(found.v.astype(int), v, p) < (12 if len(v) == 2 else 2)
    assert found.method == method


@pytest.mark.parametrize("method", ["exact", "gibbs"])
def test_sites_are_drawn_given_the_others(method):
    of = machine(3, 3, 4)
    row = one_hot([[2, 0, 1]], 3)[0].astype(float)
    row[:3] = np.nan  # free, and therefore not read
    free = np.arange(9) < 3
    found = of.conditional(visible=row, free_visible=free, n=6000, method=method, seed=2)
    assert (found.v[:, 3:] == row[3:]).all()
    v = states(9, of.visible)
    kept = (v[:, 3:] == row[3:]).all(axis=1)
    p = of.probabilities()[kept]
    assert chi_squared(found.v.astype(int), v[kept].astype(int), p / p.sum()) < 6  # 2 degrees: 2e-3
    smaller = of.clamped(visible=row, free_visible=free)
    assert (smaller.n_visible, smaller.visible) == (3, "one-hot-3")
    np.testing.assert_allclose(smaller.probabilities(), p / p.sum(), rtol=1e-12)
    # Hidden units given as well: P(v, h_0 | h_1 ...).
    both = of.conditional(
        row, np.ones(4), free_visible=free, free_hidden=[0], n=6000, method=method, seed=4
    )
    smaller = of.clamped(row, np.ones(4), free_visible=free, free_hidden=[0])
    site, p = both.v[:, :3].astype(int), smaller.probabilities()
    assert chi_squared(site, states(3, "one-hot-3"), p) < 6
    assert (both.h[:, 1:] == 1).all()


def test_annealing_finds_the_partition_function():
    of = machine(4, 3, 6)
    v = of.sample(500, seed=1).v
    for options in ({}, {"data": v}, {"base": of.a}):
        found = of.annealed_log_Z(chains=512, temperatures=200, seed=1, **options)
        assert abs(found.log_Z - of.log_Z()) < 5 * found.error
    populations = Populations(12, 6, (of.visible, of.hidden), seed=2, threads=1)
    assert populations.extend(np.concatenate([of.W.ravel(), of.a, of.b]))
    log_Z, error = populations.log_Z()
    assert abs(log_Z - of.log_Z()) < 5 * error


@pytest.fixture(scope="module")
def magnet():
    return coloured_magnet(0.5, 0.02)


def test_three_unequal_modes_are_learned_and_their_loss_is_noticed(magnet):
    v, p, leading = magnet
    X = v[np.random.default_rng(1).choice(len(p), size=20_000, p=p)]
    rbm = kd.RBM(32, method="trajectory", random_state=1, **(COLOURED | {"n_iter": 15})).fit(X)
    # 15 of the 30 epochs of tests.soak.machines, where ten seeds reach 0.05.
    assert rbm.machine_.kl_divergence(p) < 0.06
    shares = [(rbm.machine_.probabilities() - p)[leading == k].sum() for k in range(3)]
    assert np.abs(shares).max() < 0.1
    assert rbm.history_["log_likelihood"][-1] == pytest.approx(rbm.score(X), abs=0.1)
    with pytest.warns(ConvergenceWarning, match="take method='trajectory'"):
        lost = kd.RBM(16, method="pcd", random_state=1, **(COLOURED | {"n_iter": 8})).fit(X[:5000])
    assert abs(lost.balance_[0]) > 0.15


@pytest.mark.parametrize("method", ["cd", "pcd", "pt", "trajectory"])
def test_every_method_trains_and_goes_on(method, tmp_path):
    v, p, _ = coloured_magnet(1.5, 0.0)
    X = v[np.random.default_rng(2).choice(len(p), size=600, p=p)]
    options = {"method": method, "n_iter": 2, "temperatures": 3, "random_state": 4}
    rbm = clone(kd.RBM(4, visible="one-hot-3", **options)).fit(X, progress=False)
    assert rbm.partial_fit(X, progress=False).n_iter_ == 3
    # 600 samples of 3^9 states: independent sites have -9 ln 3 = -9.89.
    assert -9.9 < rbm.score(X) < -8.5
    assert (rbm.gibbs(X, sweeps=3, seed=1).reshape(-1, 9, 3).sum(axis=2) == 1).all()
    assert rbm.transform(X[:5]).shape == (5, 4)
    rbm.save(tmp_path / "machine")
    again = kd.RBM.load(tmp_path / "machine")
    assert again.visible == again.machine_.visible == "one-hot-3"
    assert again.score(X) == rbm.score(X)
    again.machine_.save(tmp_path / "plain")
    assert repr(Machine.load(tmp_path / "plain")) == repr(rbm.machine_)
    assert "27 one-hot-3 + 4 binary units" in repr(rbm.machine_)


def test_samples_of_the_potts_model_become_rows():
    run = kd.potts.sample(L=4, q=3, T=1.5, n=50, seed=1, progress=False)
    X = one_hot(run, 3)
    assert X.shape == (50, 48)
    np.testing.assert_array_equal(X.reshape(50, 4, 4, 3).argmax(axis=3), np.asarray(run))
    rbm = kd.RBM(3, visible="one-hot-3", n_iter=1, random_state=0).fit(X, progress=False)
    # 3^16 states: the hidden layer is enumerated.
    parts = [rbm.score_samples(X[:25]), rbm.score_samples(X[25:])]
    assert np.isfinite(parts).all()
    with pytest.raises(ValueError, match=r"2\^25\.4 states is too large to enumerate"):
        rbm.machine_.log_probabilities()


def test_the_enumeration_of_either_layer_agrees():
    of = machine(3, 3, 4)
    sums = Enumeration(of.W, of.a, of.b, of.visible, of.hidden)
    assert sums.of_hidden
    logs = np.concatenate([logs for _, _, logs in sums.chunks()])
    assert len(logs) == 16
    np.testing.assert_array_equal(state_rows(5, 6, 9, of.visible), states(9, of.visible)[5:6])
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        Machine(of.W, of.a, of.b, of.visible).log_Z(control=control)


OF = machine(3, 3, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Machine(np.zeros((7, 2)), visible="one-hot-3"), "W must have a multiple of 3"),
        (lambda: Machine(np.zeros((6, 3)), hidden="one-hot-3"), "groups are for the visible layer"),
        (lambda: Machine(np.zeros((6, 3)), visible="one-hot-1"), "visible must be 'binary'"),
        (lambda: Machine(np.zeros((6, 3)), visible="one-hot-300"), "or 'one-hot-q'"),
        (lambda: OF.free_energy([1, 0, 0, 1, 1, 0, 0, 0, 1]), "found 2 in row 0, site 1"),
        (lambda: OF.free_energy([0, 0, 0, 1, 0, 0, 0, 0, 1]), "found 0 in row 0, site 0"),
        (lambda: OF.transposed(), "the layers are exchanged for two-valued units"),
        (lambda: OF.to_binary(), "to_binary and to_spin need two-valued units"),
        (lambda: kd.rbm.to_netket(OF), "to_binary and to_spin need two-valued units"),
        (lambda: OF.couplings(), "effective couplings are defined for two-valued units"),
        (
            lambda: OF.conditional(one_hot([0, 1, 2], 3)[0], free_visible=[0]),
            "colours must have an axis of rows",
        ),
        (
            lambda: OF.conditional(one_hot([[0, 1, 2]], 3)[0], free_visible=[0, 3, 4, 5]),
            r"must free whole sites.*of site 0 it frees the units \[0\]",
        ),
        (lambda: one_hot([[0, 3]], 3), "integers from 0 to 2 .*found 3"),
        (lambda: one_hot([["a"]], 3), "must be an array of integers"),
        (lambda: states(7, "one-hot-3"), "size must have a multiple of 3"),
        (lambda: states(60, "one-hot-3"), r"at most 2\^24 configurations"),
        (
            lambda: kd.RBM(2, visible="one-hot-3").fit([[0, 1, 2], [2, 2, 1]]),
            r"kadanoff.rbm.one_hot\(colours, 3\)",
        ),
        (
            lambda: kd.RBM(2, visible="one-hot-3").fit([[0, 1], [1, 1]]),
            r"kadanoff.rbm.one_hot\(colours, 3\)",
        ),
        (
            lambda: kd.DeepRBM((2, 2), visible="one-hot-3").fit(states(6, "one-hot-3")),
            "DeepRBM needs two-valued units",
        ),
        (lambda: kd.DeepRBM.of([OF]), "DeepRBM needs two-valued units"),
    ],
)
def test_what_does_not_fit_one_hot_groups_is_refused(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()
