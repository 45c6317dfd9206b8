"""Learned impurity solvers: better than what they start from, causal, and honest about errors."""

import errno
import io
import json
import os
import time
from dataclasses import replace

import numpy as np
import pytest

import kadanoff as kd
from kadanoff._base.style import figure
from kadanoff.dmft import (
    DiscreteBath,
    Impurity,
    bethe,
    certify,
    database,
    hysteresis,
    lattices,
    learn,
    loop,
    report,
    solve,
)
from kadanoff.dmft.learning import (
    NODES,
    TARGETS,
    BreakEven,
    OutsideTraining,
    active,
    break_even,
    evaluation,
    load,
    save,
    search,
)
from kadanoff.dmft.learning.encoding import Sample, decode, encode, features
from kadanoff.dmft.learning.learned import samples_of
from kadanoff.dmft.solvers.causal import PoleGrid
from kadanoff.greens import matsubara

BETA = (1.0, 10.0)


@pytest.fixture(scope="module")
def db():
    # Both temperatures and no NCA: seconds instead of a minute.
    return database(
        400, inputs=("ipt", "hubbard1"), target="ed-4", beta=BETA, seed=1, progress=False
    )


@pytest.fixture(scope="module")
def split(db):
    return db.split(0.3, seed=2)


@pytest.fixture(scope="module")
def learned(split):
    return learn(split[0], seed=3)


@pytest.fixture(scope="module")
def judged(learned, split):
    return report(learned, split[1])


@pytest.fixture(scope="module")
def lattice():
    """Baths of converged loops at beta = 50: a training set for the Mott transition."""
    return database(
        40, inputs=("ipt", "hubbard1"), target="ed-5", beta=[50.0], U=(0.3, 2.3),
        D=(1.0, 1.0), detuning=(0.0, 0.0), bath="self-consistent", seed=4, progress=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def mott(lattice):
    return learn(lattice, seed=5, outside="flag")


# ---------------------------------------------------------------- what it sees


def test_features_and_proposals_do_not_know_the_unit_of_energy():
    bath = DiscreteBath([-0.7, 0.1, 0.9], [0.3, 0.2, 0.4])
    s = 3.7
    small = Impurity(U=2.0, beta=10.0, bath=bath, eps=-0.8)
    scaled = DiscreteBath(s * np.array(bath.e), s * np.array(bath.V))
    large = Impurity(U=2.0 * s, beta=10.0 / s, bath=scaled, eps=-0.8 * s)
    rows = []
    for problem in (small, large):
        inputs = [kd.dmft.approximate(problem, name, frequencies=64) for name in ("ipt", "nca")]
        exact = solve(problem, frequencies=64)
        sample = Sample.of(problem, [x.Sigma_iw for x in inputs], [x.n for x in inputs])
        proposals = [encode(t, sample, exact.Sigma_iw[NODES], exact.n) for t in TARGETS]
        rows.append(np.concatenate([features(sample), *proposals]))
    # The NCA's step control does not know the unit either, to its tolerance.
    np.testing.assert_allclose(rows[0], rows[1], atol=2e-6)


@pytest.mark.parametrize("target", TARGETS)
def test_decoding_is_the_inverse_of_encoding(db, target):
    for i, sample in enumerate(samples_of(db, 1, ("ipt",))[:20]):
        Sigma, n = db.Sigma["ed-4"][i, 1, NODES], db.n["ed-4"][i, 1]
        back, occupation = decode(target, sample, encode(target, sample, Sigma, n))
        assert abs(occupation - n) < 1e-12
        # G - G_in at the last frequency leaves 1e-16 / |G|^2 for Sigma.
        np.testing.assert_allclose(back, Sigma, atol=1e-10 * max(1.0, np.abs(Sigma).max()))


# ---------------------------------------------------------------- causality


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_causal_self_energy_is_its_own_projection(symmetric):
    beta, U = 20.0, 3.0
    n = 1.0 if symmetric else 0.8
    rng = np.random.default_rng(0)
    grid = PoleGrid(2.0 * NODES + 1.0, reach=60.0)
    p = rng.uniform(size=grid.poles.size)
    p = p + p[::-1] if symmetric else p
    s1 = U * U * 0.5 * n * (1.0 - 0.5 * n)
    w = matsubara(beta, 61)
    poles = grid.poles * np.pi / beta
    Sigma = U * 0.5 * n + np.sum(s1 * p / p.sum() / (1j * w[:, None] - poles), axis=1)
    found = grid.project(Sigma[NODES], U, n, beta, symmetric=symmetric)
    assert found.misfit < 1e-6  # nearly parallel poles share weights, not values
    np.testing.assert_allclose(found.iw(w), Sigma, atol=1e-5 * np.abs(Sigma).max())


def test_an_acausal_proposal_becomes_causal_with_exact_tail():
    grid = PoleGrid(2.0 * NODES + 1.0, reach=60.0)
    beta, U, n = 10.0, 2.0, 0.7
    w = matsubara(beta, 61)[NODES]
    wrong = U * 0.5 * n + 0.3j / w  # Im Sigma > 0
    found = grid.project(wrong, U, n, beta, symmetric=False)
    assert np.all(found.weights >= 0.0)
    s1 = U * U * 0.35 * 0.65
    assert abs(found.weights.sum() - s1) < 1e-12
    assert np.all(found.iw(matsubara(beta, 2000)).imag < 0.0)
    assert found.misfit > 0.5  # and it says that it had to go far


def test_no_prediction_is_acausal_and_the_jump_is_exact(learned, split):
    test, solver = split[1], replace(learned, outside="flag")
    for i in range(0, len(test), 3):
        problem = test.impurity(i, 1)
        solution = solve(problem, solver=solver, frequencies=600)
        assert np.all(solution.Sigma_iw.imag < 0.0)
        assert np.all(solution.G_iw.imag < 0.0)
        assert abs(solution.G.tau([0.0, problem.beta]).sum() + 1.0) < 1e-12


# ---------------------------------------------------------------- accuracy


def test_corrected_beats_uncorrected_at_every_temperature(judged):
    for name in ("ipt", "hubbard1"):
        assert np.all(judged.dSigma["learned"] < judged.dSigma[name])
        assert np.all(judged.dSigma_90["learned"] < judged.dSigma_90[name])
        # The projection must not spoil with the real part what the imaginary part holds.
        assert np.all(judged.dZ["learned"] < judged.dZ[name])
        assert np.all(judged.dn["learned"] < judged.dn[name])
    assert not judged.acausal["learned"].any()


def test_intervals_cover_what_they_say(judged):
    share = judged.covered
    assert np.all((share[:, 0] > 0.60) & (share[:, 0] < 0.76))
    assert np.all((share[:, 1] > 0.90) & (share[:, 1] < 0.98))


@pytest.mark.parametrize("model", ["network", "forest"])
def test_other_regressions(split, model):
    settings = {"network": {"max_iter": 40}, "forest": {"n_estimators": 20}}[model]
    train, test = split
    found = learn(train, model=model, members=2, settings=settings, seed=0)
    judged = report(found, test)
    assert np.all(judged.dSigma["learned"] < judged.dSigma["hubbard1"])
    assert not judged.acausal["learned"].any()


@pytest.mark.parametrize("model", ["network", "forest"])
def test_arrays_predict_what_scikit_learn_predicts(model):
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.neural_network import MLPRegressor

    from kadanoff.dmft.learning import regressors

    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(60, 5)), rng.normal(size=(60, 3))
    rows = [np.arange(60)]
    if model == "network":
        settings = {"hidden_layer_sizes": (7,), "max_iter": 5}
        arrays = regressors.fit_network(x, y, rows, 0, settings, np.arange(60))
        peer = MLPRegressor(
            hidden_layer_sizes=(7,),
            activation="tanh",
            learning_rate_init=2e-4,
            batch_size=8,
            max_iter=5,
            random_state=0,
        )
        with pytest.warns(UserWarning, match="converge"):
            peer.fit(x, y)
        found = regressors.predict_network(arrays, x)
    else:
        arrays = regressors.fit_forest(x, y, rows, 0, {"n_estimators": 6}, np.arange(60))
        peer = RandomForestRegressor(6, min_samples_leaf=2, random_state=0).fit(x, y)
        found = regressors.predict_forest(arrays, x)
    np.testing.assert_allclose(found[0], peer.predict(x), atol=1e-12)


def test_particle_hole_partners_share_a_side(db):
    both = db.with_partners()
    found = learn(both, members=2)
    groups = found.experts[0].group
    # Every group that is used for training is there with both partners, in cross-validation too.
    assert np.all(np.unique(groups, return_counts=True)[1] == 2)


# ---------------------------------------------------------------- the loop


def test_Z_across_the_mott_transition(mott):
    for U, exact in ((0.5, 0.9222), (1.0, 0.7254), (2.0, 0.2574), (2.2, 0.1727)):
        loop = bethe(U=U, beta=50, solver=mott, tolerance=1e-4)
        assert abs(loop.Z - exact) < 0.02
        found = certify(loop, seed=0)
        assert found.distance < 0.03
        # ED-DMFT with five sites to its own tolerance
        assert abs(found.polished.Z - exact) < 3e-4
    uncorrected = bethe(U=2.0, beta=50, solver="ipt")
    assert abs(uncorrected.Z - 0.2574) > 0.05


def test_hysteresis_leaves_to_the_exact_solver_what_was_not_learned(lattice, mott):
    # Trained below U = 2.3 only: no insulator, and no metal at 2.37, is like what it has seen.
    with pytest.warns(OutsideTraining, match="was solved by ed-5"):
        scan = hysteresis([2.0, 2.37], beta=50, solver=learn(lattice, seed=5), tolerance=1e-4)
    assert scan.outside.tolist() == [[False, True], [False, True]]
    assert abs(scan.Z[0, 0] - 0.2574) < 0.02
    # ED-DMFT with five sites: both branches at 2.37, where a loop of tolerance 1e-4 is that exact.
    np.testing.assert_allclose(scan.Z[:, 1], [0.0862, 0.0147], atol=1e-3)
    assert scan.coexistence == (2.37, 2.37)
    guess = hysteresis([2.37], beta=50, solver=mott, tolerance=1e-4)
    assert guess.outside.all()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"U": 2.31}, "U/E"),
        ({"U": 0.29}, "U/E"),
        ({"beta": 49.0}, "beta E"),
        ({"beta": 51.0}, "beta E"),
        ({"D": 0.98}, "beta E"),
        ({"D": 1.02}, "beta E"),
        ({"eps": -0.499}, "eps + U/2"),
        ({"n": 0.99}, "eps + U/2"),
    ],
)
def test_a_problem_just_beyond_the_range_is_flagged(mott, change, name):
    # Trained on U = 0.3 ... 2.3, D = 1, beta = 50, half filled: nearer to a sample than `reach`.
    problem = {"U": 1.0, "beta": 50.0, **change}
    found = bethe(**problem, solver=mott, tolerance=1e-3).solution.diagnostics
    assert found["outside"]
    assert name in found["beyond"]


def test_the_same_problem_in_another_unit_of_energy_is_inside(mott):
    one, two = (
        bethe(U=1.0 * s, beta=50.0 / s, D=s, solver=mott, tolerance=1e-3) for s in (1.0, 3.0)
    )
    for found in (one.solution.diagnostics, two.solution.diagnostics):
        assert not found["outside"]
        assert found["beyond"] == ""
    assert abs(two.Z - one.Z) < 1e-9


@pytest.mark.parametrize("other", [lattices.Square(t=0.25), lattices.Cubic(t=1 / 6)])
@pytest.mark.parametrize("U", [0.5, 1.8])
def test_another_lattice_is_flagged(mott, other, U):
    found = loop(lattice=other, U=U, beta=50.0, solver=mott, tolerance=1e-3)
    assert found.solution.diagnostics["outside"]


def test_active_learning_reaches_its_tolerance(lattice):
    # Taught U < 1.9 only, it must learn what it meets at U = 2.2.
    begun = learn(lattice[lattice.U < 1.9], seed=5, outside="flag")
    first = certify(bethe(U=2.2, beta=50, solver=begun, tolerance=1e-4), polish=False, seed=0)
    tolerance = 0.3 * first.distance
    found = active(begun, U=2.2, beta=50, tolerance=tolerance, seed=0)
    assert found.converged
    assert found.distance < tolerance
    assert found.seed == 0
    assert "converged after" in repr(found)
    assert abs(found.loop.Z - 0.1727) < 0.02  # ED-DMFT
    assert len(begun.experts[0].X) < len(found.learned.experts[0].X)


def test_cancelled():
    control = kd.Control()
    loop = bethe(U=1.0, beta=10, solver="ipt")
    control.cancel()
    with pytest.raises(kd.Cancelled):
        certify(loop, exact="ed-6", control=control)


def test_active_learning_cancelled(mott):
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        active(mott, U=1.0, beta=50, control=control)


# ---------------------------------------------------------------- outside, and on disk


@pytest.fixture(scope="module")
def small(split):
    """A solver that is quickly made."""
    return learn(split[0][:40], settings={"length": 9.0, "noise": 1e-3}, target="log", seed=0)


def test_outside_it_falls_back_refuses_or_flags(small, split):
    far = Impurity(U=60.0, beta=10.0, bath=DiscreteBath([-3.0, 3.0], [0.4, 0.4]))
    by = {how: replace(small, outside=how) for how in ("fallback", "raise", "flag")}
    exact = solve(far)
    with pytest.warns(OutsideTraining, match="was solved by ed-4"):
        fallen = solve(far, solver=by["fallback"])
    assert fallen.solver == "ed-4"
    assert "ed-4" in repr(fallen)
    assert fallen.diagnostics["outside"]
    np.testing.assert_allclose(fallen.Sigma_iw, exact.Sigma_iw, rtol=1e-9)
    with pytest.raises(ValueError, match="outside the training set"):
        solve(far, solver=by["raise"])
    assert solve(far, solver=by["flag"]).diagnostics["outside"]
    near = split[0].impurity(0, 1)
    assert not solve(near, solver=by["raise"]).diagnostics["outside"]


@pytest.mark.parametrize("model", ["gaussian process", "network", "forest"])
def test_saved_and_loaded_it_says_the_same(split, model, tmp_path):
    settings = {"network": {"max_iter": 2}, "forest": {"n_estimators": 3}}.get(model, {})
    before = learn(split[0][:60], model=model, members=2, settings=settings, seed=0)
    save(before, tmp_path / "solver.npz")
    after = load(tmp_path / "solver.npz")
    problem = split[1].impurity(0, 0)
    one, two = (solve(problem, solver=s) for s in (before, after))
    np.testing.assert_array_equal(one.Sigma_iw, two.Sigma_iw)
    assert one.error == two.error
    assert repr(before) == repr(after)


def _rewritten(path, change):
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes().decode())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, a: h.update({"kadanoff learned solver": 99}), "version 99"),
        (lambda h, a: h.update(model="transformer"), "unknown model 'transformer'"),
        (lambda h, a: h.update(target="F"), "unknown target 'F'"),
        (lambda h, a: h.update(nodes=[0, 1]), "other frequencies"),
        (lambda h, a: h.update(inputs=["magic"]), "unknown solver 'magic'"),
        (lambda h, a: h.update(exact="oracle"), "unknown solver 'oracle'"),
        (lambda h, a: a.pop("0/X"), "incomplete"),
        (lambda h, a: a.update(extra=np.zeros(1)), "unknown array 'extra'"),
    ],
)
def test_files_of_other_versions_are_refused(small, tmp_path, change, message):
    path = tmp_path / "solver.npz"
    save(small, path)
    _rewritten(path, change)
    with pytest.raises(ValueError, match=message):
        load(path)


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "solver.npz"
    out = io.BytesIO()
    np.savez(out, header=np.array([{"evil": 1}], dtype=object))
    path.write_bytes(out.getvalue())
    with pytest.raises(ValueError, match="no learned solver, or damaged"):
        load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="no learned solver, or damaged"):
        load(path)


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "machine.npz"
    kd.rbm.Machine.random(3, 2, seed=1).save(path)
    with pytest.raises(ValueError, match=r"path '.*machine.npz'.*a machine of kadanoff.rbm"):
        load(path)


def test_a_solver_that_cannot_be_written_leaves_the_old_one(small, tmp_path, monkeypatch):
    path = tmp_path / "solver.npz"
    save(small, path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*solver\.npz'"):
        save(small, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["solver.npz"]


# ---------------------------------------------------------------- bookkeeping


@pytest.mark.parametrize("model", ["gaussian process", "network"])
def test_without_a_seed_every_fit_is_another_one(split, model):
    # The lengths of a process are chosen on a random part of the samples.
    settings = {"network": {"max_iter": 2}}.get(model, {"bend": 3.0})
    options = {"model": model, "members": 2, "settings": settings}
    one, two = (learn(split[0][:60], **options) for _ in range(2))
    assert one.seed != two.seed
    assert one.seed == one.card["seed"]
    again = learn(split[0][:60], seed=one.seed, **options)
    problem = split[1].impurity(0, 0)
    # The intervals, as two hardly trained networks may both leave the input unchanged.
    found = [s.predict(s.sample(problem)).error68 for s in (one, two, again)]
    assert found[0].tobytes() == found[2].tobytes() != found[1].tobytes()


def test_a_learned_answer_is_a_function_of_the_problem():
    # The fit of a bath behind the input "ed-1" draws starting points, the same as in the database.
    made = database(40, inputs=("ed-1",), target="ed-2", beta=[5.0], seed=3, progress=False)
    solver = learn(made, settings={"length": 9.0, "noise": 1e-3}, seed=0)
    one, two = (solve(made.impurity(0, 0), solver=solver) for _ in range(2))
    np.testing.assert_array_equal(one.Sigma_iw, two.Sigma_iw)
    assert one.seed is None


def test_results_introduce_themselves(learned, judged, split):
    one, two = judged, learned
    for shown in (
        one,
        two,
        split[0],
        two.experts[0],
        two.predict(two.sample(split[1].impurity(0, 0))),
    ):
        text = repr(shown)
        assert len(text) < 220, text
        assert "\n" not in text
        assert "array(" not in text
    assert "<table>" in judged._repr_html_()
    assert "<table>" in learned._repr_html_()


def test_break_even_counts_everything(learned, split):
    found = break_even(learned, split[1], solves=3)
    assert found.invested > sum(learned.card["database_seconds"].values())
    assert min(found.learned, found.exact) > 0.0
    assert BreakEven(10.0, 0.1, 1.1).solves == pytest.approx(10.0)
    assert BreakEven(10.0, 1.1, 0.1).solves == np.inf
    assert "never pays" in str(BreakEven(10.0, 1.1, 0.1))


def test_break_even_does_not_count_the_waiting_of_a_busy_machine(learned, split, monkeypatch):
    monkeypatch.setattr(evaluation, "solve", lambda *args, **keywords: time.sleep(0.1))
    assert break_even(learned, split[1], solves=2).learned < 0.05


def test_search_orders_by_error_and_is_judged_on_a_third_set(split):
    train, third = split
    train, test = train.split(0.3, seed=4)
    fixed = {"length": 9.0, "noise": 1e-3}
    grid = {"members": [2], "target": ["log", "G"], "inputs": [("ipt",)], "settings": [fixed]}
    table = search(train, test, grid, seed=0)
    errors = [np.mean(np.log(row)) for _, row in table]
    assert errors == sorted(errors)
    assert table.best["target"] == "log"
    more = {"members": [2], "inputs": [("hubbard1",)], "settings": [fixed | {"bend": np.inf}]}
    table += search(train, test, more, seed=0)
    assert len(table) == 3
    assert table.best["inputs"] == ("ipt",)
    np.testing.assert_array_equal(
        table.inputs["ipt"], report(learn(train[:40], settings=fixed, seed=0), test).dSigma["ipt"]
    )
    ax = table.plot(figure(pyplot=False)[0, 0])
    assert [t.get_text() for t in ax.get_yticklabels()] == table.labels
    assert len(str(table).splitlines()) == 1 + 3 + 2
    judged = table.judge(third)
    assert np.all(judged.dSigma["learned"] <= judged.dSigma["ipt"])
    assert judged.dSigma["learned"][0] < 0.5 * judged.dSigma["ipt"][0]
    with pytest.raises(ValueError, match=f"untouched shares {len(test)} samples"):
        table.judge(test)
    with pytest.raises(ValueError, match="untouched shares"):
        table.judge(train[:3].with_partners()[[1]])
    with pytest.raises(ValueError, match="share metric and test set"):
        table + search(train, test[:5], {"members": [2], "settings": [fixed]})


def test_pictures(judged, split):
    ax = judged.plot(figure(pyplot=False)[0, 0])
    assert ax.get_xscale() == "log"
    ax = judged.plot(figure(pyplot=False)[0, 0], quantity="calibration")
    assert ax.get_xlim() == (0.0, 4.0)
    with pytest.raises(ValueError, match="quantity"):
        judged.plot(quantity="colour")


def _nan(db):
    bad = db[:40]
    bad.Sigma["ipt"][3, 0, 5] = np.nan
    return bad


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda db, s: learn(db, target="Z"), ValueError, "target must be one of"),
        (lambda db, s: learn(db, model="oracle"), ValueError, "model must be one of"),
        (lambda db, s: learn(db, inputs=("nca",)), ValueError, "no input 'nca'"),
        (lambda db, s: learn(db, inputs="ipt"), ValueError, "inputs must name"),
        (lambda db, s: learn(db, members=1), ValueError, "members must be at least 2"),
        (lambda db, s: learn(db, calibration=0.95), ValueError, "calibration"),
        (lambda db, s: learn(db, outside="ignore"), ValueError, "outside must be one of"),
        (lambda db, s: learn(db, reach=0.0), ValueError, "reach must be above 0"),
        (lambda db, s: learn(db[:10]), ValueError, "too few"),
        (lambda db, s: learn([]), TypeError, "Database"),
        (lambda db, s: learn(_nan(db)), ValueError, "sample 3 is NaN"),
        (lambda db, s: report(s, 3), TypeError, "test must be"),
        (lambda db, s: learn(db, seed=True), TypeError, "seed must be an integer"),
        (lambda db, s: learn(db, seed=-1), ValueError, "seed must be at least 0"),
        (lambda db, s: learn(db, member=3), TypeError, "did you mean 'members'"),
        (lambda db, s: certify(3), TypeError, "Loop"),
        (lambda db, s: s.taught([], []), ValueError, "every problem needs an answer"),
        (
            lambda db, s: active(s, U=1.0, beta=10, tolerance=0),
            ValueError,
            "tolerance must be above",
        ),
        (lambda db, s: search(db, db, {}, metric="beauty"), ValueError, "metric"),
        (lambda db, s: search(db, db, {}), ValueError, "share 400 samples"),
        (lambda db, s: learn(db, settings={"bend": 0.0}), ValueError, "bend must be positive"),
        (lambda db, s: solve(db.impurity(0, 0), solver=s, sites=3), TypeError, "no option 'sites'"),
        (lambda db, s: solve(db.impurity(0, 0), solver=3), TypeError, "name or a learned solver"),
    ],
)
def test_bad_input(db, learned, call, error, message):
    with pytest.raises(error, match=message):
        call(db, learned)


def test_what_was_stopped_before_it_began(learned, split):
    control = kd.Control()
    control.cancel()
    train, test = split
    for call in (
        lambda: kd.dmft.approximate(test.impurity(0, 0), "ed-4", control=control),
        lambda: kd.dmft.learning_curve(train, test, sizes=(50, 100), seed=1, control=control),
        lambda: report(learned, test, control=control),
        lambda: search(train, test, {"model": ["kernel ridge"]}, seed=1, control=control),
    ):
        with pytest.raises(kd.Cancelled):
            call()


def test_without_hybridisation_a_learned_solver_returns_the_exact_atom(learned):
    for bath in (DiscreteBath([], []), np.zeros(64, dtype=complex)):
        found = solve(Impurity(U=2.0, beta=7.0, bath=bath, eps=0.2), solver=learned)
        exact = solve(Impurity(U=2.0, beta=7.0, bath=DiscreteBath([], []), eps=0.2), solver="ed")
        assert (found.n, found.docc) == pytest.approx((exact.n, exact.docc), rel=1e-12)
        np.testing.assert_allclose(found.G_iw, exact.G_iw, rtol=1e-12)
        assert found.solver == "learned"
