"""What a learned solver corrects: never worse than its best input."""

from dataclasses import replace

import numpy as np
import pytest

from kadanoff._base.style import figure
from kadanoff.dmft import approximate, database, learn, report, solve
from kadanoff.dmft.learning import LearnedSolver
from kadanoff.dmft.learning.encoding import NODES
from kadanoff.dmft.learning.learned import samples_of
from kadanoff.dmft.learning.selection import WEIGHTS, Choice, Judge, bases, errors
from tests.soak.learned_never_worse import ratios

INPUTS = ("hubbard1", "ipt", "ed-3")


@pytest.fixture(scope="module")
def db():
    return database(
        150, inputs=INPUTS, target="ed-4", beta=[1.0, 20.0], seed=11, progress=False
    )  # fmt: skip


@pytest.fixture(scope="module")
def split(db):
    return db.split(0.3, seed=1)


@pytest.fixture(scope="module")
def learned(split):
    return learn(split[0], seed=2)


@pytest.fixture(scope="module")
def judged(learned, split):
    return report(learned, split[1])


# ---------------------------------------------------------------- never worse


def test_the_default_is_not_worse_than_the_best_input(judged):
    # A correction of the first input, Hubbard-I, is 100 to 300 000 times worse than ed-3.
    for b in range(2):
        for what, ratio in ratios([judged], INPUTS, b).items():
            assert ratio <= 1.02, (judged.choices[b], what)


def test_the_report_says_where_learning_adds_nothing(judged, learned):
    assert judged.choices[1] == "ed-3 unchanged"
    assert "learning adds nothing to the best input, ed-3" in judged.verdict
    assert judged.verdict in str(judged)
    assert "adds nothing" in judged._repr_html_()
    assert "ed-3 unchanged" in learned._repr_html_()
    assert judged.ratios["dSigma"][1] == pytest.approx(1.0, rel=1e-12)


def test_the_report_says_where_an_input_is_better(judged):
    worse = {m: dict(of) for m, of in judged.errors.items()}
    worse["dZ"]["learned"] = 3.0 * worse["dZ"]["ed-3"]
    assert (
        "the best input is better by a factor of 3 in dZ" in replace(judged, errors=worse).verdict
    )


def test_an_unchanged_input_is_its_own_solution(learned, split):
    problem = split[1].impurity(0, 1)
    found = solve(problem, solver=learned, frequencies=100)
    own = approximate(problem, "ed-3", frequencies=100, seed=0)
    # Two fits of one bath end within their tolerance.
    np.testing.assert_allclose(found.Sigma_iw, own.Sigma_iw, rtol=1e-4, atol=1e-6)
    assert found.solver == "learned"
    assert found.diagnostics["kept"] == "ed-3"
    assert np.all(found.Sigma_iw.imag < 0.0)
    assert np.all(found.diagnostics["Sigma_iw_error"] > 0.0)


def test_cheap_inputs_gain_at_high_temperature(split):
    # Ten times in the mean, from 105 samples; "log" gains twice, which is what this must exclude.
    found = learn(split[0], inputs=("hubbard1", "ipt"), seed=2)
    judged = report(found, split[1])
    assert "ipt corrected (cavity" in judged.choices[0]
    assert judged.ratios["dSigma"][0] < 1.0 / 3.0
    assert judged.ratios["mse"][0] < 1.0 / 9.0


# ---------------------------------------------------------------- the parts


def test_shrinkage_omits_what_the_members_do_not_agree_on(db):
    sample = samples_of(db, 1, ("ipt",))[0]
    members = np.array([[1.0, 1.0, 0.0], [1.0, -0.8, 0.0]])
    one = Choice(("ipt",), np.ones(1), "log", 0.3, factor=0.5, trust=3.0)
    applied = one.applied(members, sample).mean(axis=0)
    assert applied[0] == pytest.approx(0.5)
    assert abs(applied[1]) < 0.01 * 0.1
    assert applied[2] == 0.0
    assert one.kept is None
    weak = replace(one, focus=2.0).applied(members, sample).mean(axis=0)
    assert weak[0] == pytest.approx(0.5 * (1.0 - sample.base_Z) ** 2)
    none = Choice(("ipt",), np.ones(1), "log", 0.3, factor=0.0)
    assert not none.applied(members, sample).any()
    assert none.kept == "ipt"
    half = Choice(("ipt", "nca"), np.array([0.25, 0.75]), "log", 0.3, factor=0.0)
    assert half.kept is None
    assert repr(half) == "0.25 ipt + 0.75 nca"


def test_the_error_of_G_is_that_over_imaginary_time(db):
    # Parseval: the nodes stand for 61 frequencies, and for beta = 1 there are hardly others.
    assert WEIGHTS.sum() == NODES[-1] + 1
    for i, sample in enumerate(samples_of(db, 0, ("ipt",))[:10]):
        exact = db.Sigma["ed-4"][i, 0, NODES]
        found = errors(sample, sample.Sigma[0], exact)[2]
        dG = db.G["ipt"][i, 0] - db.G["ed-4"][i, 0]
        rms = np.sqrt(2.0 * np.sum(np.abs(dG[: NODES[-1] + 1]) ** 2))
        assert found == pytest.approx(rms, rel=0.1)


def test_a_combination_beats_its_parts_where_their_errors_cancel():
    rng = np.random.default_rng(0)
    exact = -1j * rng.uniform(1.0, 2.0, (50, 12))
    noise = 0.1 * rng.normal(size=(50, 12))
    Sigma = np.stack([exact + 1j * noise, exact - 3j * noise, exact + 5.0], axis=1)
    of = np.abs(Sigma[:, :, 0] - exact[:, :1]).T
    judge = Judge(np.repeat(of[:, :, None], 3, axis=2))
    *alone, stack = bases(judge, Sigma, exact)
    np.testing.assert_array_equal(alone, [[1.0, 0.0, 0.0]])
    np.testing.assert_allclose(stack, [0.75, 0.25, 0.0], atol=1e-3)


def test_a_gain_that_rests_on_one_problem_is_not_accepted():
    rng = np.random.default_rng(1)
    raw = np.exp(rng.normal(size=(1, 200, 3)))
    assert Judge(raw).accepts(0.5 * raw[0], seed=0)
    assert not Judge(raw).accepts(0.96 * raw[0], seed=0)  # not worth it
    assert not Judge(raw).accepts(raw[0], seed=0)
    raw[0, 0] = 1e3
    lucky = 1.05 * raw[0]
    lucky[0] = 0.0
    assert not Judge(raw).accepts(lucky, seed=0)


# ---------------------------------------------------------------- methods


def test_saved_and_loaded_by_methods(learned, tmp_path):
    learned.save(tmp_path / "solver.npz")
    again = LearnedSolver.load(tmp_path / "solver.npz")
    assert again._repr_html_() == learned._repr_html_()
    assert [again.choice(b) for b in (1.0, 20.0)] == [learned.choice(b) for b in (1.0, 20.0)]


def test_the_model_card_holds_what_a_user_must_know(learned, db):
    text = learned.describe()
    for part in (
        "corrects hubbard1 + ipt + ed-3 towards ed-4",
        "gaussian process",
        "outside     fallback",
        "ed-3 unchanged",
        f"{len(learned.experts[0].X)} rows",
        f"seed        {learned.seed}",
        "ed-4 ",
    ):
        assert part in text, part
    # The range of one temperature is that of its training set, in the unit sqrt(sum V**2).
    ratio = np.exp(learned.experts[1].X[:, 0])
    assert f"U/E = {ratio.min():.4g} to {ratio.max():.4g}" in text
    assert ratio.max() <= np.max(db.U / np.sqrt(db.Delta_moments[:, 0])) * (1.0 + 1e-12)


def test_picture(learned):
    ax = learned.plot(figure(pyplot=False)[0, 0])
    assert len(ax.lines) == 2
    assert "ed-3 unchanged" in ax.get_legend_handles_labels()[1][1]
