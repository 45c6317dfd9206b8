"""The estimators: conventions of scikit-learn, stacks, files."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import kadanoff as kd
from kadanoff.rbm import Machine, states

# These checks fit real numbers, which are no values of binary units: refusing them is the point of
# an RBM without `threshold`. With a threshold every check passes, see below.
REAL_NUMBERS = "fits real numbers; an RBM without threshold refuses all but the values of its units"
EXPECTED = dict.fromkeys(
    [
        "check_dict_unchanged",
        "check_dont_overwrite_parameters",
        "check_dtype_object",
        "check_estimator_sparse_array",
        "check_estimator_sparse_matrix",
        "check_estimator_sparse_tag",
        "check_estimators_dtypes",
        "check_estimators_fit_returns_self",
        "check_estimators_nan_inf",
        "check_estimators_overwrite_params",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_fit2d_1feature",
        "check_fit2d_1sample",
        "check_fit2d_predict1d",
        "check_fit_check_is_fitted",
        "check_fit_idempotent",
        "check_fit_score_takes_y",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_n_features_in",
        "check_n_features_in_after_fitting",
        "check_pipeline_consistency",
        "check_positive_only_tag_during_fit",
        "check_readonly_memmap_input",
        "check_transformer_data_not_an_array",
        "check_transformer_general",
        "check_transformer_preserve_dtypes",
    ],
    REAL_NUMBERS,
)


@pytest.fixture(scope="module")
def X():
    return Machine.random(9, 4, scale=0.8, seed=1).sample(600, seed=2).v


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (kd.RBM(3, threshold=0.0, n_iter=2), {}),
        (kd.RBM(3, threshold=0.0, n_iter=2, method="pcd", visible="spin"), {}),
        (kd.DeepRBM((4, 2), threshold=0.0, n_iter=2), {}),
        (kd.RBM(3, n_iter=2), EXPECTED),
    ],
    ids=["threshold", "pcd", "deep", "strict"],
)
def test_scikit_learns_own_checks(estimator, expected):
    found = check_estimator(
        estimator, on_fail=None, on_skip=None, expected_failed_checks=expected
    )  # fmt: skip
    failed = {(r["check_name"], str(r["exception"])) for r in found if r["status"] == "failed"}
    assert failed == set()
    done = {r["check_name"] for r in found if r["status"] in ("passed", "xfail")}
    assert len(done) > 30
    # What is expected to fail does: the list only shrinks.
    assert expected.keys() <= {r["check_name"] for r in found if r["status"] == "xfail"}


def test_the_attributes_of_a_bernoulli_rbm(X):
    rbm = kd.RBM(4, n_iter=2, random_state=0).fit(X)
    assert rbm.components_.shape == (4, 9)
    np.testing.assert_array_equal(rbm.components_, rbm.machine_.W.T)
    np.testing.assert_array_equal(rbm.intercept_visible_, rbm.machine_.a)
    np.testing.assert_array_equal(rbm.intercept_hidden_, rbm.machine_.b)
    assert rbm.n_features_in_ == 9
    assert list(rbm.get_feature_names_out()) == ["rbm0", "rbm1", "rbm2", "rbm3"]
    np.testing.assert_allclose(rbm.transform(X), rbm.machine_.hidden_mean(X))
    assert rbm.gibbs(X, seed=0).shape == X.shape
    assert rbm.score(X) == pytest.approx(rbm.machine_.log_likelihood(X).mean())


def test_free_energies_are_those_of_bernoulli_rbm(X):
    from sklearn.neural_network import BernoulliRBM

    peer = BernoulliRBM(4, n_iter=2, random_state=0).fit(X)
    m = Machine(peer.components_.T, peer.intercept_visible_, peer.intercept_hidden_)
    np.testing.assert_allclose(m.free_energy(X), peer._free_energy(X), rtol=1e-12)
    np.testing.assert_allclose(m.hidden_mean(X), peer.transform(X), rtol=1e-12)


def test_an_unfitted_estimator_says_so():
    with pytest.raises(NotFittedError):
        kd.RBM().transform([[0, 1]])
    with pytest.raises(AttributeError, match="call fit first"):
        _ = kd.RBM().components_
    with pytest.raises(NotFittedError):
        kd.RBM().sample(3)
    with pytest.raises(NotFittedError):
        kd.DeepRBM().sample(3)


def test_a_threshold_makes_two_values_of_many():
    X = np.random.default_rng(0).normal(size=(200, 5))
    cut = kd.RBM(3, threshold=0.3, visible="spin", n_iter=2, random_state=1).fit(X)
    spins = kd.RBM(3, visible="spin", n_iter=2, random_state=1).fit(np.where(X > 0.3, 1, -1))
    np.testing.assert_array_equal(cut.machine_.W, spins.machine_.W)
    np.testing.assert_array_equal(cut.transform(X), spins.transform(np.where(X > 0.3, 1, -1)))


def test_wrong_values_are_refused_with_their_place():
    with pytest.raises(ValueError, match=r"found -1 in row 1, unit 0; a layer of -1 and 1 is"):
        kd.RBM(2).fit([[1, 0], [-1, 1]])
    with pytest.raises(ValueError, match=r"X must hold only -1 and 1 .* found 0 in row 0"):
        kd.RBM(2, visible="spin").fit([[1, 0], [-1, 1]])
    with pytest.raises(ValueError, match="NaN"):
        kd.RBM(2).fit([[1, np.nan], [0, 1]])


def test_a_pipeline_and_a_search_over_parameters(X):
    y = X[:, 0] ^ X[:, 1]
    pipe = make_pipeline(kd.RBM(6, n_iter=5, random_state=0, threads=1), LogisticRegression())
    search = GridSearchCV(pipe, {"rbm__learning_rate": [0.01, 0.2]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.4
    assert clone(pipe[0]).get_params() == pipe[0].get_params()


def test_random_states_of_every_kind(X):
    fits = [
        kd.RBM(3, n_iter=1, random_state=r).fit(X).machine_.W
        for r in (7, np.int64(7), np.random.RandomState(7), np.random.RandomState(7), None, None)
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[2], fits[3])
    assert (fits[4] != fits[5]).any()


def test_large_machines_are_scored_by_annealing():
    m = Machine.random(30, 26, scale=0.15, seed=3)
    rbm = kd.RBM.of(m)
    v = m.sample(50, method="gibbs", seed=1).v
    exact = m.log_likelihood(v)
    error = m.annealed_log_Z(base=m.a, seed=0).error
    assert 0 < np.abs(rbm.score_samples(v) - exact).max() < 4 * error
    np.testing.assert_array_equal(rbm.score_samples(v), rbm.score_samples(v))


# ------------------------------------------------------------------------------------------- stacks


def test_a_stack_is_learned_layer_by_layer(X):
    deep = kd.DeepRBM((6, 4, 2), hidden="spin", n_iter=3, random_state=1).fit(X)
    assert [m.W.shape for m in deep.machines_] == [(9, 6), (6, 4), (4, 2)]
    assert [(m.visible, m.hidden) for m in deep.machines_] == [
        ("binary", "spin"), ("spin", "spin"), ("spin", "spin"),
    ]  # fmt: skip
    bottom = kd.RBM(6, hidden="spin", n_iter=3, random_state=1).fit(X)
    np.testing.assert_array_equal(deep.machines_[0].W, bottom.machine_.W)
    again = kd.DeepRBM((6, 4, 2), hidden="spin", n_iter=3, random_state=1, threads=1).fit(X)
    np.testing.assert_array_equal(deep.machines_[2].W, again.machines_[2].W)
    assert deep.transform(X).shape == (600, 2)
    assert deep.receptive_fields(1).shape == (9, 6)
    W = [m.W for m in deep.machines_]
    np.testing.assert_allclose(deep.receptive_fields(), W[0] @ W[1] @ W[2])
    ups = deep.up(X, seed=1)
    assert [u.shape for u in ups] == [(600, 6), (600, 4), (600, 2)]
    downs = deep.down(ups[-1], seed=1)
    assert [d.shape for d in downs] == [(600, 4), (600, 6), (600, 9)]
    assert deep.down(ups[0], layer=1, seed=1)[-1].shape == (600, 9)
    with pytest.raises(ValueError, match="layer must be at least 1 and at most 3"):
        deep.receptive_fields(4)


def test_a_stack_generates_from_its_distribution():
    # P(v, h1, h2) = P(v | h1) P(h1, h2), all of it listed.
    lower = Machine.random(3, 3, scale=0.8, visible="spin", hidden="binary", seed=1)
    upper = Machine.random(3, 2, scale=0.8, hidden="binary", seed=2)
    stack = kd.DeepRBM.of([lower, upper])
    h1 = upper.probabilities()
    v, h = states(3, "spin"), states(3)
    p_up = (lower.visible_mean(h) + 1) / 2
    p_v = h1 @ np.prod(np.where(v[None] > 0, p_up[:, None], 1 - p_up[:, None]), axis=2)
    found = stack.sample(40_000, seed=3)
    counts = np.bincount((found.v > 0) @ [4, 2, 1], minlength=8)
    assert stats.chisquare(counts, p_v * 40_000).pvalue > 1e-4
    with pytest.raises(ValueError, match="does not fit onto"):
        kd.DeepRBM.of([upper, lower])


def test_a_stopped_stack_keeps_what_was_learned(X):
    control = kd.Control()

    def stop(done, total):
        if done > 2000:
            control.cancel()

    deep = kd.DeepRBM((4, 2), n_iter=10**6, random_state=1)
    with pytest.raises(kd.Cancelled) as caught:
        deep.fit(X, control=control, progress=stop)
    assert caught.value.partial is deep
    assert len(deep.machines_) == 1


@pytest.mark.parametrize("sizes", [(), 3, (3, 0), (2.5,)])
def test_bad_layers_are_refused(X, sizes):
    with pytest.raises((ValueError, TypeError), match="hidden_layer_sizes must be"):
        kd.DeepRBM(sizes).fit(X)


def test_the_seed_that_was_used_is_kept(X, tmp_path):
    assert kd.RBM(3, n_iter=1, random_state=5).fit(X).seed_ == 5
    fresh = kd.RBM(3, n_iter=1).fit(X)
    assert fresh.seed_ != kd.RBM(3, n_iter=1).fit(X).seed_
    again = kd.RBM(3, n_iter=1, random_state=fresh.seed_).fit(X)
    np.testing.assert_array_equal(again.machine_.W, fresh.machine_.W)
    fresh.save(tmp_path / "rbm")
    assert kd.RBM.load(tmp_path / "rbm").seed_ == fresh.seed_
    drawn = kd.RBM(3, n_iter=1, random_state=np.random.RandomState(1)).fit(X)
    other = kd.RBM(3, n_iter=1, random_state=np.random.RandomState(1)).fit(X)
    assert drawn.seed_ == other.seed_

    stack = kd.DeepRBM((3, 2), n_iter=1).fit(X)
    again = kd.DeepRBM((3, 2), n_iter=1, random_state=stack.seed_).fit(X)
    for one, two in zip(stack.machines_, again.machines_, strict=True):
        np.testing.assert_array_equal(one.W, two.W)
    stack.save(tmp_path / "stack")
    assert kd.DeepRBM.load(tmp_path / "stack").seed_ == stack.seed_


@pytest.mark.parametrize("bad", [True, -1, 2**64, "a", 1.5])
@pytest.mark.parametrize("kind", [kd.RBM, kd.DeepRBM])
def test_bad_random_states_are_refused(X, kind, bad):
    with pytest.raises((TypeError, ValueError), match="random_state must be"):
        kind(random_state=bad, n_iter=1).fit(X)


class Lattice:
    """What samples of a lattice offer: an array of shape (samples, rows, columns)."""

    def __init__(self, rows):
        self.rows = rows

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.rows, dtype=dtype).reshape(len(self.rows), 3, 3)


def test_samples_of_a_lattice_need_no_reshaping(X):
    flat = kd.RBM(4, n_iter=2, random_state=1).fit(X)
    lattice = kd.RBM(4, n_iter=2, random_state=1).fit(Lattice(X))
    np.testing.assert_array_equal(flat.machine_.W, lattice.machine_.W)
    np.testing.assert_array_equal(flat.transform(X), lattice.transform(Lattice(X)))
    assert flat.score(X) == lattice.score(Lattice(X))
    one, two = (kd.DeepRBM((4, 2), n_iter=1, random_state=1).fit(x) for x in (X, Lattice(X)))
    np.testing.assert_array_equal(one.transform(X), two.transform(Lattice(X)))
    m = flat.machine_
    for method in (m.free_energy, m.hidden_mean, m.log_likelihood):
        np.testing.assert_array_equal(method(X), method(Lattice(X)))
    h = flat.machine_.sample(len(X), seed=1).h
    np.testing.assert_array_equal(m.energy(X, h), m.energy(Lattice(X), h))
    np.testing.assert_array_equal(m.gradient(X).W, m.gradient(Lattice(X)).W)
    np.testing.assert_array_equal(m.gibbs(X, seed=1).v, m.gibbs(Lattice(X), seed=1).v)
    np.testing.assert_array_equal(m.conditional(X, seed=1).h, m.conditional(Lattice(X), seed=1).h)
    kept = m.annealed_log_Z(data=X, temperatures=5, seed=1)
    assert kept.log_Z == m.annealed_log_Z(data=Lattice(X), temperatures=5, seed=1).log_Z


def test_masked_samples_are_refused(X):
    masked = np.ma.array(X, mask=np.zeros_like(X, dtype=bool))
    m = Machine.random(9, 4, seed=1)
    for call in (m.free_energy, m.gradient, m.gibbs, m.conditional):
        with pytest.raises(TypeError, match="must be a plain array, got a masked one"):
            call(masked)


def test_misspelt_options_are_answered(X):
    with pytest.raises(TypeError, match=r"RBM\(\) has no argument 'n_itre'; did you mean 'n_iter'"):
        kd.RBM(n_itre=3)
    with pytest.raises(TypeError, match=r"DeepRBM\(\) has no argument 'mehtod'; did you mean"):
        kd.DeepRBM(mehtod="cd")
    rbm = kd.RBM(3, n_iter=1).fit(X)
    with pytest.raises(TypeError, match=r"sample\(\) has no argument 'chians'; did you mean 'chai"):
        rbm.sample(3, chians=1)
    with pytest.raises(TypeError, match=r"Machine\(\) has no argument 'visibel'; did you mean"):
        Machine([[1.0]], visibel="spin")


# -------------------------------------------------------------------------------------------- files


def test_an_estimator_comes_back_from_disk(tmp_path, X):
    rbm = kd.RBM(
        3, n_iter=2, learning_rate=(0.1, 0.01), random_state=np.int64(4), l2=np.float64(0.5)
    ).fit(X)
    path = tmp_path / "rbm.npz"
    rbm.save(path)
    again = kd.RBM.load(path)
    assert again.get_params() == rbm.get_params()
    np.testing.assert_array_equal(again.machine_.W, rbm.machine_.W)
    np.testing.assert_array_equal(again.transform(X), rbm.transform(X))
    np.testing.assert_array_equal(again.history_["gradient"], rbm.history_["gradient"])
    again.partial_fit(X)
    with pytest.raises(ValueError, match=r"rbm\.npz' holds a RBM, not a machine"):
        Machine.load(path)
    with pytest.raises(ValueError, match="not a DeepRBM"):
        kd.DeepRBM.load(path)


def test_a_stack_comes_back_from_disk(tmp_path, X):
    deep = kd.DeepRBM((4, 2), hidden="spin", n_iter=2, random_state=1).fit(X)
    deep.save(tmp_path / "deep")
    again = kd.DeepRBM.load(tmp_path / "deep")
    np.testing.assert_array_equal(again.transform(X), deep.transform(X))
    assert again.get_params() == deep.get_params()
    assert len(again.history_) == 2
    for found, expected in zip(again.history_, deep.history_, strict=True):
        assert found.keys() == expected.keys()
        np.testing.assert_array_equal(found["gradient"], expected["gradient"])


# ------------------------------------------------------------------------------------------ imports


def run(program):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )


def test_estimators_are_named_without_being_imported():
    done = run(
        "import sys, kadanoff as kd\n"
        "assert {'RBM', 'DeepRBM', 'rbm'} <= set(dir(kd)) & set(kd.__all__)\n"
        "m = kd.rbm.Machine([[1.0]])\n"
        "m.sample(3)\n"
        "assert 'sklearn' not in sys.modules\n"
        "kd.RBM\n"
        "assert 'sklearn' in sys.modules\n"
    )
    assert done.returncode == 0, done.stderr


def test_without_scikit_learn_the_remedy_is_named():
    done = run(
        "import sys; sys.modules['sklearn'] = None\n"
        "import kadanoff as kd\n"
        "for name in ('RBM', 'DeepRBM'):\n"
        "    try:\n"
        "        getattr(kd, name)\n"
        "    except ImportError as error:\n"
        "        assert \"pip install 'kadanoff[learn]'\" in str(error), error\n"
        "    else:\n"
        "        raise SystemExit('no error')\n"
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'RBN'"):
        _ = kd.RBN
