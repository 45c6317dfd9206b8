"""Regressions that know particle-hole symmetry, and their errors on what they have not seen."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.dmft import DiscreteBath, Impurity, database, learn, report, solve
from kadanoff.dmft.learning import NODES, gaussian, load, regressors, save
from kadanoff.dmft.learning.encoding import (
    PARTNER,
    SYMMETRY,
    encode,
    features,
    partner,
    squared_distances,
)
from kadanoff.dmft.learning.learned import samples_of
from kadanoff.dmft.solvers.causal import occupation

FIXED = {"gamma": 0.01, "alpha": 1e-3}


@pytest.fixture(scope="module")
def db():
    return database(
        240, inputs=("hubbard1",), target="ed-3", beta=[10.0], seed=3, progress=False
    )  # fmt: skip


@pytest.fixture(scope="module")
def learned(db):
    return learn(db[:160], model="kernel ridge", settings=FIXED, outside="flag", seed=0)


# ---------------------------------------------------------------- symmetry


def test_features_of_a_partner_differ_by_signs(db):
    both = db[:20].with_partners()
    samples = samples_of(both, 0, ("hubbard1",))
    X = np.array([features(s) for s in samples])
    np.testing.assert_allclose(X[1::2], partner(X.shape[1]) * X[::2], atol=1e-9)
    answers = zip(both.Sigma["ed-3"][:, 0, NODES], both.n["ed-3"][:, 0], strict=True)
    Y = np.array([encode("log", s, *a) for s, a in zip(samples, answers, strict=True)])
    np.testing.assert_allclose(Y[1::2], PARTNER * Y[::2], atol=1e-9)


def test_ridge_regression_is_that_of_all_samples_and_their_partners(learned):
    # scikit-learn on twice the rows; its alpha counts every sample twice.
    from sklearn.kernel_ridge import KernelRidge

    expert = learned.experts[0]
    ensemble = expert.ensemble
    rows = regressors.drawn_members(expert.group, 8, 0)[0]
    x, y = ensemble.both(expert.X[rows]), ensemble.bent(expert.Y[rows])
    peer = KernelRidge(kernel="rbf", gamma=FIXED["gamma"], alpha=2.0 * FIXED["alpha"])
    peer.fit(x, np.concatenate([y, PARTNER * y]))
    asked = expert.X[:40] + 0.1
    expected = ensemble.unbent(peer.predict(ensemble.standard(asked)))
    # 1e-16 times a condition number of 320 / alpha, over the slope of sinh
    np.testing.assert_allclose(ensemble.members(asked)[0], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("model", regressors.MODELS)
def test_a_partner_is_answered_as_a_partner(db, model):
    quick = {"network": {"max_iter": 2}, "forest": {"n_estimators": 3}, "gaussian process": {}}
    settings = quick.get(model, FIXED)
    found = learn(db[:60], model=model, members=2, settings=settings, outside="flag", seed=0)
    for i in range(60, 70):
        problem = db.impurity(i, 0)
        bath = DiscreteBath(-np.array(problem.bath.e), problem.bath.V)
        one = solve(problem, solver=found)
        two = solve(Impurity(problem.U, problem.beta, bath, -problem.eps - problem.U), solver=found)
        # To the tolerance of the occupation, 1e-8, which moves Sigma by U times that.
        np.testing.assert_allclose(
            two.Sigma_iw, problem.U - one.Sigma_iw.conj(), atol=3e-7 * problem.U
        )
        assert abs(one.n + two.n - 2.0) < 1e-7
        assert one.diagnostics["distance"] == pytest.approx(two.diagnostics["distance"], rel=1e-9)


def test_a_gaussian_process_says_what_scikit_learn_says(db):
    # Of a process with one kernel k(x, x') + sign k(x, P x'), on the rows and their partners.
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    length = np.linspace(5.0, 20.0, SYMMETRY.size)
    given = {"length": length, "noise": 0.01}
    expert = learn(db[:40], model="gaussian process", settings=given, seed=0).experts[0]
    ensemble = expert.ensemble
    x, y = ensemble.both(expert.X), ensemble.bent(expert.Y)
    # A sample and its partner are two observations of scikit-learn, so that its noise is twice.
    peer = GaussianProcessRegressor(Matern(length, nu=1.5) + WhiteKernel(0.02), optimizer=None)
    peer.fit(x, np.concatenate([y, PARTNER * y]))
    asked = expert.X[:10] + 0.2
    z = ensemble.standard(asked)
    mean, std = gaussian.predict(ensemble.arrays, z)
    np.testing.assert_allclose(mean, peer.predict(z), rtol=1e-6, atol=1e-9)
    # The variance of (f(x) +- f(P x)) / 2 from the joint one.
    both = np.concatenate([z, SYMMETRY * z])
    joint = peer.predict(both, return_cov=True)[1][..., 0] - 0.02 * np.eye(20)
    for own, sign in ((PARTNER > 0, 1.0), (PARTNER < 0, -1.0)):
        half = np.concatenate([np.eye(10), sign * np.eye(10)], axis=1) / 2.0
        expected = np.sqrt(np.diag(half @ joint @ half.T))[:, None]
        found = std[:, own] / np.sqrt(ensemble.arrays["scale"][own])
        np.testing.assert_allclose(found, expected * np.ones_like(found), rtol=1e-5)


def test_the_gradient_of_the_marginal_likelihood_is_that_of_differences(db):
    expert = learn(
        db[:40], model="gaussian process", settings={"length": 9.0, "noise": 0.01}, seed=0
    ).experts[0]
    x, y = expert.ensemble.arrays["x"], expert.ensemble.bent(expert.Y)
    at = np.append(np.log(np.linspace(5.0, 20.0, SYMMETRY.size)), np.log(0.02))
    slope = gaussian.surprise(at, x, y)[1]
    for k in (0, 2, 30, SYMMETRY.size):
        step = 1e-4 * np.eye(at.size)[k]
        two = [gaussian.surprise(at + s * step, x, y)[0] for s in (1.0, -1.0)]
        assert (two[0] - two[1]) / 2e-4 == pytest.approx(slope[k], rel=1e-4, abs=1e-7)


def test_left_out_predictions_of_a_process_are_those_of_a_fit_without(db):
    both = db[:30].with_partners()
    given = {"length": 9.0, "noise": 0.01}
    expert = learn(both, model="gaussian process", settings=given, seed=0).experts[0]
    ensemble, group = expert.ensemble, expert.group
    y, x = ensemble.bent(expert.Y), ensemble.arrays["x"]
    rows = np.flatnonzero(group == group[7])
    mean, std = gaussian.left_out(ensemble.arrays, y, group, rows)
    kept = group != group[7]
    without = gaussian.fit(x[kept], y[kept], None, 0, given, group[kept])
    # The scale is that of all samples.
    arrays = {**without, "x": x[kept], "scale": ensemble.arrays["scale"]}
    expected = gaussian.predict(arrays, x[rows])
    np.testing.assert_allclose(mean, expected[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(std, expected[1], rtol=1e-5, atol=1e-9)


# ---------------------------------------------------------------- what it has not seen


def test_left_out_errors_are_those_of_a_fit_without(db):
    # Partners in the database, so that groups of two leave together.
    expert = learn(db[:40].with_partners(), model="kernel ridge", settings=FIXED, seed=0).experts[0]
    ensemble, group = expert.ensemble, expert.group
    chosen = regressors.drawn_members(group, 8, 0)
    found = regressors.predict_left_out(ensemble, expert.Y, group, chosen)
    y, flip = ensemble.bent(expert.Y), partner(expert.X.shape[1])
    x = ensemble.arrays["x"]
    kernels = regressors.symmetric_kernels(
        squared_distances(x, np.concatenate([x, flip * x])), 0.01
    )
    for g in (group[chosen[0]][0], group[chosen[0]][7]):
        kept = chosen[0][group[chosen[0]] != g]
        out = np.flatnonzero(group == g)
        predicted = regressors.solve_ridge(kernels, y, kept, FIXED["alpha"], out)[1]
        np.testing.assert_allclose(found[0, out], predicted, atol=1e-9)
        # and not the prediction for samples of the training set
        assert np.abs(y[out] - predicted).max() > 1e-2
    # For a sample outside their part the members predict the same.
    out = np.setdiff1d(np.arange(group.size), chosen[0])
    np.testing.assert_allclose(
        ensemble.unbent(found)[0, out], ensemble.members(expert.X[out])[0], atol=1e-9
    )


def test_intervals_cover_what_they_say_over_many_splits(db):
    shares, ridge = [], {"model": "kernel ridge", "members": 2, "settings": FIXED}
    for seed in range(20):
        train, test = db.split(0.4, seed=seed)
        found = report(learn(train, **ridge, seed=seed), test)
        shares.append(found.covered[0])
    shares = np.array(shares)
    # 96 samples, whose frequencies err together, tell a share of 0.68 to 0.05, and as many again
    # calibrate; all splits are of 240 samples, so that their mean is known to 0.03 and 0.014.
    assert abs(shares[:, 0].mean() - 0.68) < 0.06
    assert abs(shares[:, 1].mean() - 0.95) < 0.03
    assert np.mean((shares[:, 0] > 0.60) & (shares[:, 0] < 0.76)) >= 0.8
    assert np.mean((shares[:, 1] > 0.90) & (shares[:, 1] < 0.98)) >= 0.8


def test_intervals_widen_when_a_new_problem_is_missed(db, learned):
    # Problems and answers that do not belong to each other: none of them can be foreseen.
    problems = [db.impurity(i, 0) for i in range(160, 240)]
    answers = [solve(Impurity(p.U, p.beta, p.bath, p.eps + 0.3 * p.U)) for p in problems]
    taught = learned.taught(problems, answers)
    before, after = learned.experts[0], taught.experts[0]
    assert np.all(np.median(after.scores, axis=0) > np.median(before.scores, axis=0))
    x, U = after.ensemble.both(after.X[-1]), float(after.X[-1, 0])
    assert np.all(after.calibration.width(x, U) > before.calibration.width(x, U))
    assert len(after.scores) == len(before.scores) + 80


def test_a_new_problem_with_distant_levels_moves_the_furthest_pole(learned):
    wide = Impurity(U=4.0, beta=10.0, bath=DiscreteBath([-90.0, 90.0], [0.5, 0.5]), eps=-1.9)
    taught = learned.taught([wide], [solve(wide)])
    assert taught.experts[0].reach > 90.0 * 10.0 / np.pi
    assert learned.experts[0].reach < taught.experts[0].reach


def test_answers_that_cannot_be_learned_are_refused(db, learned):
    problem = db.impurity(200, 0)
    with pytest.raises(ValueError, match="at least 61 frequencies, got 60"):
        learned.taught([problem], [solve(problem, frequencies=60)])
    broken = solve(problem)
    broken.Sigma_iw[0] = np.nan
    with pytest.raises(ValueError, match="is NaN or infinite"):
        learned.taught([problem], [broken])


# ---------------------------------------------------------------- one occupation


@pytest.mark.parametrize("bath", ["levels", "frequencies"])
def test_hartree_term_and_green_function_hold_one_occupation(db, learned, bath):
    for i in range(160, 175):
        problem = db.impurity(i, 0)
        if bath == "frequencies":  # as a loop hands it over
            Delta = problem.Delta()
            moments = problem.Delta_moments()
            given = kd.dmft.MatsubaraBath(Delta.iw(1024), moments)
            problem = Impurity(problem.U, problem.beta, given, problem.eps)
        found = learned.predict(learned.sample(problem)).Sigma
        assert abs(2.0 * found.hartree - problem.U * 2.0 * occupation(problem, found)) < 1e-7 * (
            problem.U
        )
        solution = solve(problem, solver=learned, frequencies=1024)
        # Beyond the last frequency a tail of four moments is left.
        assert abs(solution.n * problem.U - 2.0 * found.hartree) < 1e-6 * problem.U


def test_certain_numbers_count_more_in_the_projection(learned):
    grid = learned.experts[0].grid
    problem = Impurity(U=3.0, beta=10.0, bath=DiscreteBath([-0.5, 0.7], [0.4, 0.3]), eps=-1.3)
    exact = solve(problem, frequencies=64)
    wrong = exact.Sigma_iw[NODES] + 0.5 * np.where(NODES == 0, 1.0, 0.0)
    size = 1e-3 * np.abs(exact.Sigma_iw[NODES])
    sure = np.where(NODES == 0, 1.0, size) + 1j * size
    options = {"symmetric": False}
    known = grid.consistent(problem, wrong, exact.n, error=sure, **options)
    alike = grid.consistent(problem, wrong, exact.n, **options)
    miss = [abs(x.iw(exact.w_n)[0].imag - exact.Sigma_iw[0].imag) for x in (known, alike)]
    assert miss[0] < 0.2 * miss[1]


# ---------------------------------------------------------------- on disk


@pytest.mark.parametrize(
    ("model", "name", "change", "message"),
    [
        ("kernel ridge", "0/X", lambda x: x[:, :-1], r"X must have shape \(any, 88\)"),
        ("kernel ridge", "0/Y", lambda x: x[:-1], "Y must have shape"),
        ("kernel ridge", "0/floor", lambda x: x[0], r"floor must have shape \(2, 12\)"),
        ("kernel ridge", "0/scores", lambda x: x * np.nan, "scores must hold finite"),
        ("kernel ridge", "0/ensemble/dual", lambda x: x[:, 1:], "dual must have shape"),
        ("kernel ridge", "0/ensemble/dual", lambda x: x + np.inf, "dual must hold finite"),
        ("kernel ridge", "0/ensemble/x_scale", lambda x: 0.0 * x, "x_scale must be positive"),
        ("kernel ridge", "0/group", lambda x: x.astype(str), "group must hold finite numbers"),
        ("gaussian process", "0/ensemble/inverse", lambda x: x[:, 1:], r"inverse must have shape"),
        ("gaussian process", "0/ensemble/length", lambda x: 0.0 * x, "length must be positive"),
        ("gaussian process", "0/rows", lambda x: x + 99, "rows must be numbers of the 30 samples"),
        ("network", "0/ensemble/W1_0", lambda x: x.T[1:], "W1_0 must have shape"),
        ("network", "0/ensemble/layers", lambda x: 0 * x, "layers must lie in 1 to"),
        ("forest", "0/ensemble/feature_0", lambda x: x + 99, "feature_0 must lie below 88"),
        ("forest", "0/ensemble/children_left_1", lambda x: np.where(x > 0, 0, x), "lead on"),
        ("forest", "0/ensemble/start_0", lambda x: x[::-1], "start_0 must ascend"),
    ],
)
def test_arrays_that_do_not_fit_are_named(db, tmp_path, model, name, change, message):
    path = tmp_path / "solver.npz"
    settings = {
        "network": {"max_iter": 1, "hidden_layer_sizes": (5, 4)},
        "forest": {"n_estimators": 3},
        "gaussian process": {"length": 7.0, "noise": 0.01},
    }.get(model, FIXED)
    save(learn(db[:30], model=model, members=2, settings=settings), path)
    assert load(path).model == model
    with np.load(path) as file:
        arrays = dict(file)
    arrays[name] = change(arrays[name])
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=message):
        load(path)
