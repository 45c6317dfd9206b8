"""The experiment of the lectures: networks on G(tau), reached through learn."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff._base.style import figure
from kadanoff.dmft import database, learn, report, solve
from kadanoff.dmft.learning import lectures, save
from kadanoff.dmft.learning.imaginary_time import dyson
from kadanoff.dmft.learning.learned import samples_of

QUICK = {"max_iter": 4}


@pytest.fixture(scope="module")
def db():
    return database(
        80, inputs=("ipt", "hubbard1"), target="ed-3", beta=[5.0], seed=6, progress=False
    )  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return lectures(
        80, inputs=("ipt",), target="ed-2", beta=[2.0, 10.0], basis=("tau", "parity"),
        transform=("T0", "T2"), partners=(True,), epochs=4, seed=2, progress=False,
    )  # fmt: skip


@pytest.mark.parametrize("basis", ["tau", "parity", "legendre", "chebyshev"])
@pytest.mark.parametrize("transform", ["T0", "T1", "T2"])
def test_a_network_learns_G_in_every_representation(db, basis, transform):
    settings = {**QUICK, "basis": basis, "transform": transform}
    learned = learn(db[:60], target="G_tau", model="network", settings=settings, seed=0)
    expert = learned.experts[0]
    assert learned.choice(5.0) == f"G(tau) of ipt + hubbard1 ({basis}, {transform}, with partners)"
    assert expert.X.shape == (2 * 48, 2 * 51)
    assert expert.epochs.shape == (4, 2)
    assert expert.epochs[-1, 1] < expert.epochs[0, 1]
    assert expert.by_tau["network"].shape == expert.by_tau["ipt"].shape == (51,)
    assert not report(learned, db[60:]).acausal["learned"].any()


def test_the_self_energy_is_that_of_dyson(db):
    # The polynomial of 51 Chebyshev points is exact to 1e-6 here, and dSigma = dG / |G|^2.
    for i, sample in enumerate(samples_of(db, 0, ("ipt",))[:10]):
        Sigma, n, size = dyson(sample, db.G_tau["ed-3"][i, 0])
        assert abs(Sigma[0] - db.Sigma["ed-3"][i, 0, 0]) < 1e-5 * abs(size[0])
        assert n == pytest.approx(db.n["ed-3"][i, 0], abs=1e-10)


def test_partners_are_added(db):
    one, two = (
        learn(db, target="G_tau", model="network", settings={**QUICK, "partners": p}, seed=0)
        for p in (False, True)
    )
    assert 2 * len(one.experts[0].X) == len(two.experts[0].X)


def test_a_solve_is_the_prediction_of_the_database(db):
    learned = learn(
        db[:60], target="G_tau", model="network", settings=QUICK, outside="flag", seed=0
    )
    sample = samples_of(db, 0, learned.inputs)[70]
    one = learned.predict(sample)
    solution = solve(db.impurity(70, 0), solver=learned, frequencies=64)
    np.testing.assert_allclose(solution.Sigma_iw[0], one.values[0], rtol=1e-6)
    assert one.error95[0] > one.error68[0] > 0.0


def test_the_experiment(found):
    assert len(found.search) == 4
    assert found.labels[0] in repr(found)
    assert set(found.mse) == {"ipt", "network", "learn"}
    assert [e.beta for e in found.experts] == [2.0, 10.0]
    lines = found.verdict.splitlines()
    assert len(lines) == 2
    # The sentence follows from the numbers.
    for b, line in enumerate(lines):
        worse = found.mse["network"][b] > 1.02 * found.mse["ipt"][b]
        assert "network is" in line
        assert ("times worse and" in line) == worse
    assert str(found).count("\n") == 1 + 3 + 2 + 4


@pytest.mark.parametrize("against", ["tau", "epoch"])
def test_pictures_of_the_loss(found, against):
    ax = found.plot(figure(pyplot=False)[0, 0], against=against)
    assert len(ax.lines) == 2 * len(found.experts) + 1  # and one that names the dotted lines


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda db: learn(db, target="G_tau"), "needs model='network'"),
        (
            lambda db: learn(db, target="G_tau", model="network", settings={"basis": "fourier"}),
            "basis must be one of",
        ),
        (
            lambda db: learn(db, target="G_tau", model="network", settings={"transform": "T3"}),
            "transform must be one of",
        ),
        (
            lambda db: learn(db, target="G_tau", model="network", settings={"gamma": 1.0}),
            "settings of a network on G",
        ),
        (lambda db: lectures(10), "samples must be at least 60"),
    ],
)
def test_bad_input(db, call, message):
    with pytest.raises(ValueError, match=message):
        call(db)


def test_what_a_network_cannot(db, tmp_path):
    learned = learn(db, target="G_tau", model="network", settings=QUICK, seed=0)
    with pytest.raises(ValueError, match="cannot be saved"):
        save(learned, tmp_path / "network.npz")
    problem = db.impurity(0, 0)
    with pytest.raises(ValueError, match="learn it anew"):
        learned.taught([problem], [solve(problem)])


def test_cancelled():
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        lectures(60, inputs=("ipt",), target="ed-2", beta=[5.0], seed=1, control=control)
