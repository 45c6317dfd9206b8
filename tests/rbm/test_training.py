"""Learning: contrastive divergence against its exact expectation, and machines that are found."""

import inspect
import json
from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

import kadanoff as kd
from kadanoff.rbm import Machine, states
from kadanoff.rbm.training import Options, Training
from tests.paths import REFERENCE as REFERENCE_DATA

TINY = json.loads((REFERENCE_DATA / "rbm/tiny_rbm.json").read_text("utf-8"))
UNITS = [(v, h) for v in ("binary", "spin") for h in ("binary", "spin")]
UNLIKELY = 1e-4
SINGLE = 1e-5  # a few hundred roundings of single precision


def one_update(machine, rows, seed, **options):
    """What a single update on all rows at learning rate 1 adds to W, a and b: the gradient."""
    rbm = kd.RBM.of(
        machine,
        learning_rate=1.0,
        batch_size=len(rows),
        random_state=seed,
        threads=1,
        **({"centered": False} | options),
    )
    after = rbm.partial_fit(rows).machine_
    return np.concatenate(
        [
            (getattr(after, name) - np.float32(getattr(machine, name))).ravel()
            for name in ("W", "a", "b")
        ]
    )


def contrastive(machine, rows, k):
    """The expectation of CD-k: <v h> at the data minus <v h> after k exact sweeps."""
    v = states(machine.n_visible, machine.visible)
    h = states(machine.n_hidden, machine.hidden)

    def conditional(means, units, layer):
        p = means if units == "binary" else (means + 1) / 2
        return np.prod(np.where(layer[None] > 0, p[:, None], 1 - p[:, None]), axis=2)

    sweep = conditional(machine.hidden_mean(v), machine.hidden, h) @ conditional(
        machine.visible_mean(h), machine.visible, v
    )
    data = np.array([(rows == state).all(axis=1).mean() for state in v])
    gap = data - data @ np.linalg.matrix_power(sweep, k)
    means = machine.hidden_mean(v)
    return np.concatenate([((gap[:, None] * v).T @ means).ravel(), gap @ v, gap @ means])


# ---------------------------------------------------------------------------------- the gradient


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("units", UNITS)
def test_contrastive_divergence_has_its_exact_expectation(units, k):
    m = Machine.random(4, 3, scale=0.8, visible=units[0], hidden=units[1], seed=1)
    rows = states(4, units[0])[[0, 3, 3, 7, 10, 15, 15, 15]]
    rows = np.repeat(rows, 128, axis=0)
    runs = np.array([one_update(m, rows, seed, sweeps=k) for seed in range(60)])
    exact = contrastive(m, rows, k)
    z = (runs.mean(axis=0) - exact) / (runs.std(axis=0, ddof=1) / np.sqrt(len(runs)))
    # Student's t with 59 degrees of freedom; 19 correlated entries.
    assert 2 * stats.t.sf(np.abs(z).max(), 59) > UNLIKELY
    assert np.abs(exact).max() > 0.05


def test_with_equilibrated_chains_the_gradient_is_that_of_the_likelihood():
    m = Machine(TINY["W"], TINY["a"], TINY["b"])
    rows = np.repeat(np.array(TINY["data"], dtype=int), 10, axis=0)
    runs = np.array(
        [one_update(m, rows, s, method="pcd", chains=1000, sweeps=60) for s in range(30)]
    )
    exact = m.gradient(rows)
    flat = np.concatenate([exact.W.ravel(), exact.a, exact.b])
    z = (runs.mean(axis=0) - flat) / (runs.std(axis=0, ddof=1) / np.sqrt(len(runs)))
    assert 2 * stats.t.sf(np.abs(z).max(), 29) > UNLIKELY


def test_tempered_chains_sample_the_machine():
    # Two deep wells that Gibbs sampling does not leave within the run: v all up or all down.
    m = Machine(np.full((10, 6), 0.9), np.full(10, 0.01), None, "spin", "spin")
    exact = m.moments()
    assert abs(exact.v[0]) < 0.3
    rows = np.ones((1, 10), dtype=int)  # all chains start in one well
    options = {"chains": 400, "sweeps": 2, "threads": 1}

    def chains_after(method, updates):
        rbm = kd.RBM.of(m, method=method, learning_rate=1e-30, random_state=1, **options)
        for _ in range(updates):
            rbm.partial_fit(rows)
        state = rbm._state
        words = state["chains"][-400:]
        return (np.bitwise_count(words) * 2.0 - 10).mean() / 10

    stuck, free = chains_after("pcd", 100), chains_after("pt", 400)
    assert stuck > 0.9
    # Exchanges take a few tens of rounds; 400 chains of magnetisation +-1.
    assert abs(free - exact.v[0]) < 3.5 * np.sqrt(1 / 400)


@pytest.mark.parametrize("units", UNITS)
def test_centring_is_a_change_of_coordinates(units):
    m = Machine.random(5, 4, scale=0.5, visible=units[0], hidden=units[1], seed=2)
    rows = m.sample(300, seed=1).v
    plain = one_update(m, rows, 3)
    centred = one_update(m, rows, 3, centered=True)
    # Offsets at the first update: the means of independent units with the machine's biases.
    flat = Machine(np.zeros((5, 4)), m.a, m.b, *units).moments()
    mu, lam = flat.v, flat.h
    W, a, b = plain[:20].reshape(5, 4), plain[20:25], plain[25:]
    W = W - np.outer(mu, b) - np.outer(a, lam)
    expected = np.concatenate([W.ravel(), a - W @ lam, b - mu @ W])
    np.testing.assert_allclose(centred, expected, atol=SINGLE)


def test_weight_decay_pulls_the_couplings():
    m = Machine.random(5, 4, seed=2)
    rows = m.sample(64, seed=1).v
    gap = one_update(m, rows, 1, l2=0.25) - one_update(m, rows, 1)
    np.testing.assert_allclose(gap[:20], -0.25 * m.W.ravel(), atol=SINGLE)
    np.testing.assert_array_equal(gap[20:], 0)


def test_momentum_adds_up_gradients():
    m = Machine(np.zeros((3, 2)), None, None, "spin", "spin")
    rows = np.array([[1, 1, -1]])
    # At this rate parameters stay where they are, so that b's gradient is 0 and a's one step.
    rbm = kd.RBM.of(m, learning_rate=1e-12, momentum=0.5, centered=False, random_state=0)
    for n in range(5):
        rbm.partial_fit(rows)
        expected = sum(0.5**k for k in range(n + 1))
        # The sum of CD-1 gradients of a lies between 0 and 2 each, with the sign of the data.
        assert 0 <= rbm._state["first"][6] <= 2 * expected


def test_adam_makes_steps_of_the_learning_rate():
    m = Machine.random(6, 4, seed=3)
    rows = m.sample(500, seed=1).v[:, ::-1]
    steps = one_update(m, rows, 1, optimizer="adam")
    gradient = one_update(m, rows, 1)
    large = np.abs(gradient) > 1e-3
    np.testing.assert_allclose(steps[large], np.sign(gradient[large]), rtol=1e-3)


# --------------------------------------------------------------------------------------- learning


def ising_3x3(T):
    """P(s) of the 3x3 torus, by its 512 states."""
    s = states(9, "spin").reshape(-1, 3, 3).astype(float)
    bonds = (s * np.roll(s, 1, axis=1)).sum(axis=(1, 2)) + (s * np.roll(s, 1, axis=2)).sum(
        axis=(1, 2)
    )
    p = np.exp(bonds / T)
    return p / p.sum()


@pytest.mark.parametrize(
    ("method", "visible"),
    [("cd", "binary"), ("cd", "spin"), ("pcd", "binary"), ("pcd", "spin"), ("pt", "spin")],
)
def test_a_machine_learns_the_ising_model(method, visible):
    p = ising_3x3(3.0)
    random = np.random.default_rng(1)
    X = states(9, visible)[random.choice(512, size=20_000, p=p)]
    rbm = kd.RBM(
        12,
        visible=visible,
        hidden=visible,
        method=method,
        sweeps=2,
        # The same rate moves couplings of spins 16 times as far as those of 0/1 units.
        learning_rate=(0.2, 0.005) if visible == "spin" else (1.0, 0.02),
        n_iter=30,
        temperatures=4,
        random_state=2,
    )
    first = rbm.partial_fit(X).score(X)
    assert rbm.fit(X).score(X) > first + 0.05
    start = kd.rbm.Machine(np.zeros((9, 1)), None, None, visible).kl_divergence(p)
    # The empirical distribution of 20,000 samples is itself 512 / 40,000 = 0.013 away from p; noise
    # of the gradient leaves about as much again.
    assert start > 0.5
    assert rbm.machine_.kl_divergence(p) < 0.03
    assert len(rbm.history_["gradient"]) == rbm.n_iter_ == 30
    assert (rbm.history_["gradient"] > 0).all()
    assert ("reconstruction" in rbm.history_) == (method == "cd")


def test_a_machine_is_found_again():
    true = Machine.random(8, 3, scale=1.2, visible="spin", hidden="spin", seed=5)
    X = true.sample(20_000, seed=1).v
    rbm = kd.RBM(
        3, visible="spin", hidden="spin", method="pcd", chains=256, batch_size=128, sweeps=2,
        learning_rate=(0.3, 0.003), n_iter=300, random_state=1,
    ).fit(X)  # fmt: skip
    # 35 parameters from N samples cost about 35 / 2N = 0.0004 nats beyond the truth.
    assert rbm.machine_.kl_divergence(true.probabilities()) < 0.002


def test_persistent_chains_beat_contrastive_divergence_on_separated_modes():
    # Four patterns at large distance: CD-1 sees nothing of the space between them.
    random = np.random.default_rng(3)
    patterns = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    patterns = np.concatenate([patterns, -patterns])
    X = patterns[random.integers(0, 4, size=10_000)] * np.where(
        random.random((10_000, 8)) < 0.05, -1, 1
    )
    scores = {
        method: kd.RBM(
            6, visible="spin", hidden="spin", method=method, learning_rate=(0.2, 0.01),
            n_iter=20, chains=128, temperatures=5, random_state=1,
        ).fit(X).score(X)
        for method in ("cd", "pcd", "pt")
    }  # fmt: skip
    assert scores["pcd"] > scores["cd"] - 0.01
    assert scores["pt"] > scores["cd"] - 0.01


def test_an_epoch_visits_every_sample_once():
    # With plain steps at a vanishing rate the sum of the data averages is the mean of the data.
    X = np.random.default_rng(0).integers(0, 2, size=(1000, 70))
    m = Machine(np.zeros((70, 33)))
    rbm = kd.RBM.of(
        m, method="pcd", learning_rate=1e-20, batch_size=100, centered=False, chains=64,
        momentum=0.9999999, random_state=1,
    ).partial_fit(X)  # fmt: skip
    model = rbm._state["first"][70 * 33 : 70 * 34]
    # <v>_data exactly, <v>_model = 1/2 +- 1/sqrt(4 * 640): what is left is that noise.
    z = (model / 10 - (X.mean(axis=0) - 0.5)) * np.sqrt(4 * 640)
    assert stats.kstest(z, "norm").pvalue > UNLIKELY


# ------------------------------------------------------------------------------ seeds and threads


@pytest.mark.parametrize("method", ["cd", "pcd", "pt"])
def test_the_number_of_threads_does_not_matter(method):
    X = np.random.default_rng(0).integers(0, 2, size=(1500, 64))
    # 5 * 700 * 64 * 32 multiply-adds per update: enough for a minibatch to be shared.
    fits = [
        kd.RBM(
            32, method=method, batch_size=700, n_iter=2, chains=100, temperatures=3,
            random_state=3, threads=threads,
        ).fit(X)
        for threads in (1, 2, 3)
    ]  # fmt: skip
    for other in fits[1:]:
        np.testing.assert_array_equal(fits[0].machine_.W, other.machine_.W)
        np.testing.assert_array_equal(fits[0].machine_.b, other.machine_.b)
        np.testing.assert_array_equal(fits[0]._state["chains"], other._state["chains"])


def test_partial_fits_go_on_where_the_last_one_ended():
    X = np.random.default_rng(0).integers(0, 2, size=(500, 12))
    options = {"method": "pcd", "momentum": 0.5, "learning_rate": 0.02, "random_state": 5}
    whole = kd.RBM(6, n_iter=3, **options).fit(X)
    parts = kd.RBM(6, **options)
    for _ in range(3):
        parts.partial_fit(X)
    np.testing.assert_array_equal(whole.machine_.W, parts.machine_.W)
    np.testing.assert_array_equal(whole.history_["gradient"], parts.history_["gradient"])
    assert parts.n_iter_ == 3


def test_single_precision_parameters_survive_the_way_through_python():
    state = kd.RBM(2, n_iter=1, random_state=0).fit(np.eye(4, dtype=int))._state
    np.testing.assert_array_equal(state["parameters"], np.float32(state["parameters"]))


# -------------------------------------------------------------------------- interruption, bad input


def test_a_stopped_fit_keeps_what_was_learned():
    X = np.random.default_rng(0).integers(0, 2, size=(2000, 20))
    control = kd.Control()

    def stop(done, total):
        assert total == 10**6 * 2000
        if done > 4000:
            control.cancel()

    rbm = kd.RBM(8, n_iter=10**6, random_state=1)
    with pytest.raises(kd.Cancelled) as caught:
        rbm.fit(X, control=control, progress=stop)
    assert caught.value.partial is rbm
    assert rbm.n_iter_ >= 1
    assert len(rbm.history_["gradient"]) == rbm.n_iter_
    assert np.isfinite(rbm.score(X))


def test_divergence_is_named():
    X = np.random.default_rng(0).integers(0, 2, size=(100, 5))
    with pytest.raises(kd.NumericalError, match="lower learning_rate"):
        # Couplings are multiplied by 1 - rate * decay = -99 every update.
        kd.RBM(4, learning_rate=100.0, l2=1.0, n_iter=50, random_state=0).fit(X)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_components": 0}, "n_components must be at least 1"),
        ({"n_components": 2.5}, "n_components must be an integer"),
        ({"learning_rate": 0.0}, "learning_rate must be"),
        ({"learning_rate": -1}, "learning_rate must be"),
        ({"learning_rate": np.nan}, "learning_rate must be finite"),
        ({"learning_rate": (0.1, 0.0)}, "learning_rate must be"),
        ({"learning_rate": (0.1, 0.2, 0.3)}, "learning_rate must be a number or"),
        ({"learning_rate": "fast"}, "learning_rate must be a real number"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"n_iter": 0}, "n_iter must be at least 1"),
        ({"sweeps": 0}, "sweeps must be at least 1"),
        ({"method": "ml"}, "method must be one of"),
        ({"optimizer": "lbfgs"}, "optimizer must be 'sgd' or 'adam'"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1"),
        ({"momentum": -0.1}, "momentum must be"),
        ({"l2": -1.0}, "l2 must be"),
        ({"centered": "yes"}, "centered must be True or False"),
        ({"chains": 0}, "chains must be at least 1"),
        ({"temperatures": 1}, "temperatures must be at least 2"),
        ({"init_scale": np.inf}, "init_scale must be finite"),
        ({"visible": "potts"}, "visible must be 'binary'"),
        ({"hidden": None}, "hidden must be 'binary'"),
        ({"threshold": "half"}, "threshold must be a real number"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        kd.RBM(**options).fit(np.eye(4, dtype=int))


def test_all_estimators_share_their_options():
    shared = {field.name: field.default for field in fields(Options)}
    for estimator in (kd.RBM(), kd.DeepRBM()):
        assert shared.items() <= estimator.get_params().items()
    shown = inspect.signature(kd.RBM.of).parameters
    assert list(shown) == ["machine", *shared]
    assert list(inspect.signature(kd.DeepRBM.of).parameters) == ["machines", *shared]
    assert shown["n_iter"].default == 10
    with pytest.raises(TypeError, match=r"of\(\) has no argument 'n_itre'; did you mean 'n_iter'"):
        kd.RBM.of(Machine.random(3, 2, seed=1), n_itre=2)


def test_training_is_plain_data():
    names = kd.RBM().get_params()
    training = Training.of(names)
    assert training.rates(3) == [0.05] * 3
    rates = Training.of(names | {"learning_rate": (1.0, 0.01)}).rates(3)
    np.testing.assert_allclose(rates, [1.0, 0.1, 0.01])
