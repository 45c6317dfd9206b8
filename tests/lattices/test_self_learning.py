"""Self-learning Monte Carlo: exact whatever was learned, and faster for it."""

import itertools
import math

import numpy as np
import pytest

from kadanoff import Cancelled, Control
from kadanoff._base.statistics import z_score
from kadanoff.lattices.blockspin import measure, spins
from kadanoff.lattices.blockspin.operators import EVEN, ODD
from kadanoff.lattices.self_learning import PairModel, PlaquetteIsing, learn, sample, train

QUICK = {"progress": False}


def exact(model):
    """<e>, <|m|>, <m^2>, <m^4> of a 4 x 4 torus, over all its states."""
    sums = measure(spins(model.L**2).reshape(-1, model.L, model.L), (EVEN[0], EVEN[3], ODD[0]))
    H = -model.J * sums[:, 0] - model.K * sums[:, 1]
    weight = np.exp(-(H - H.min()) / model.T)
    weight /= weight.sum()
    m = np.abs(sums[:, 2]) / model.L**2
    e = H / model.L**2
    return {
        name: float(weight @ x)
        for name, x in {"energy": e, "m_abs": m, "m2": m**2, "m4": m**4}.items()
    }


MODEL = PlaquetteIsing(L=4, T=2.7, K=0.4)


@pytest.mark.parametrize(
    "learned",
    [
        None,
        PairModel(J=(1.2, 0.0, 0.0)),
        PairModel(J=(0.6, 0.3, -0.2)),  # a bad model costs time only
        PairModel(J=(0.0, 0.0, 0.0)),  # every cluster is a single spin
    ],
    ids=["metropolis", "nearest", "wrong", "nothing"],
)
def test_averages_are_exact(learned):
    expected = exact(MODEL)
    run = sample(MODEL, learned, n=40_000, spacing=4, chains=2, seed=11, threads=1, **QUICK)
    for name, value in expected.items():
        assert abs(z_score(run.estimate(name), value)) < 3.5, name


def test_sums_are_those_of_the_configurations():
    run = sample(PlaquetteIsing(L=8, T=3.0, K=0.1), n=12, chains=4, seed=2, **QUICK)
    expected = measure(run.configurations, (*EVEN, ODD[0]))
    np.testing.assert_array_equal(run.sums[:, -1], expected)


def test_an_ising_model_is_learned_exactly_and_never_refused():
    ising = PlaquetteIsing(L=8, T=2.4)
    pair = learn(sample(ising, n=200, seed=3, **QUICK), shells=3)
    np.testing.assert_allclose(pair.J, [1, 0, 0], atol=1e-12)
    assert pair.residual < 1e-12
    run = sample(ising, PairModel(J=(1.0, 0.0, 0.0)), n=500, seed=4, **QUICK)
    assert run.acceptance == 1


def test_training_finds_the_papers_coupling():
    # Liu et al.: J_1 = 1.1064 for K = 0.2 at the critical temperature 2.493.
    models = train(PlaquetteIsing(L=32, T=2.493, K=0.2), n=3000, seed=5, **QUICK)
    assert models[-1].J[0] == pytest.approx(1.1064, abs=0.02)
    assert models[-1].explained > 0.99
    assert len(models) == 3


def test_learned_clusters_beat_single_spins_at_the_critical_point():
    model = PlaquetteIsing(L=24, T=2.493, K=0.2)
    pair = train(model, seed=1, **QUICK)[-1]
    local = sample(model, n=20_000, seed=2, **QUICK)
    fast = sample(model, pair, n=20_000, spacing=2, seed=3, **QUICK)
    for name in ("energy", "m_abs"):
        one, other = local.estimate(name), fast.estimate(name)
        # Two estimates of one number.
        assert abs(one.mean - other.mean) < 3.5 * math.hypot(one.error, other.error)
    # In units of one visit to every spin.
    slow = local.estimate("m_abs").tau
    quick = fast.estimate("m_abs").tau * fast.spacing * fast.visited
    assert slow > 4 * quick  # measured: 7.6


def test_threads_do_not_change_a_bit_and_seeds_do():
    pair = PairModel(J=(1.1, 0.0, 0.0))
    runs = [
        sample(MODEL, pair, n=250, chains=5, seed=s, threads=t, **QUICK)
        for t, s in ((1, 7), (2, 7), (3, 7), (2, 8))
    ]
    for run in runs[1:3]:
        np.testing.assert_array_equal(run.sums, runs[0].sums)
    assert (runs[3].sums != runs[0].sums).any()
    chains = runs[0].sums
    assert all((a != b).any() for a, b in itertools.combinations(chains, 2))


def test_a_new_seed_is_drawn_and_remembered():
    first, second = (sample(MODEL, n=100, **QUICK) for _ in range(2))
    assert first.seed != second.seed
    again = sample(MODEL, n=100, seed=first.seed, **QUICK)
    np.testing.assert_array_equal(first.sums, again.sums)
    assert learn(first).seed == first.seed
    model = PlaquetteIsing(L=8, T=2.7, K=0.4)
    trained = train(model, L=8, n=100, rounds=2, **QUICK)
    repeated = train(model, L=8, n=100, rounds=2, seed=trained[0].seed, **QUICK)
    assert trained == repeated
    assert train(model, L=8, n=100, rounds=2, **QUICK)[0].seed != trained[0].seed


def test_results_introduce_themselves_in_a_line():
    run = sample(PlaquetteIsing(L=4, T=1 / 0.3, K=1 / 3), n=100, seed=1, **QUICK)
    model = "PlaquetteIsing(L=4, T=3.33333, J=1, K=0.333333)"
    assert repr(run.model) == model
    assert repr(run).startswith(f"Samples({model}, n=100, sweeps, spacing=1, chains=1, ")
    assert repr(PairModel(J=(1 / 3, 0.0, 0.0))) == "PairModel(J=(0.3333, 0, 0), E_0=0)"
    assert repr(learn(run)).endswith(", seed=1)")


def test_a_run_goes_on_where_another_ended():
    first = sample(MODEL, n=20, chains=2, seed=1, **QUICK)
    second = sample(
        replace_T(MODEL, 1e-3),
        n=2,
        equilibration=0,
        chains=2,
        start=first.configurations,
        seed=2,
        **QUICK,
    )
    # At T = 0 nothing but descent.
    assert (second.energy[:, 0] <= first.energy[:, -1] + 1e-12).all()


def replace_T(model, T):
    return PlaquetteIsing(L=model.L, T=T, J=model.J, K=model.K)


def test_a_stopped_run_keeps_what_it_measured():
    control = Control()

    def stop(done, total):
        if done > total / 10_000:
            control.cancel()

    with pytest.raises(Cancelled) as caught:
        sample(
            PlaquetteIsing(L=64, T=2.5),
            n=20_000_000,
            equilibration=1,
            chains=2,
            control=control,
            progress=stop,
        )
    partial = caught.value.partial
    assert partial.sums.shape[0] == 2
    assert 0 < partial.sums.shape[1] < 10_000_000


def test_progress_is_reported():
    reports = []
    sample(
        PlaquetteIsing(L=64, T=2.5),
        n=3000,
        progress=lambda done, total: reports.append((done, total)),
    )
    assert reports[-1] == (3300, 3300)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: PlaquetteIsing(L=2, T=1.0), ValueError, "L must be at least 3 and at most 4096"),
        (lambda: PlaquetteIsing(L=8, T=0.0), ValueError, "T must be above 0"),
        (lambda: PlaquetteIsing(L=8, T=math.nan), ValueError, "T must be finite"),
        (lambda: PlaquetteIsing(L=8, T=1.0, K=math.inf), ValueError, "K must be finite"),
        (lambda: PlaquetteIsing(L=8, T=1e-9), ValueError, "J/T"),
        (lambda: PlaquetteIsing(L=8.0, T=1.0), TypeError, "L must be an integer"),
        (lambda: PairModel(J=(1.0,)), ValueError, "three couplings"),
        (lambda: PairModel(J=(1.0, math.nan, 0.0)), ValueError, "finite"),
        (lambda: sample("model", n=1), TypeError, "PlaquetteIsing"),
        (lambda: sample(MODEL, 1.1, n=1), TypeError, "PairModel"),
        (lambda: sample(MODEL, n=0), ValueError, "n must be at least 1"),
        (lambda: sample(MODEL, n=1, spacing=0), ValueError, "spacing"),
        (lambda: sample(MODEL, n=1, chains=0), ValueError, "chains"),
        (lambda: sample(MODEL, n=7, chains=2), ValueError, "divide n.*n = 8 would do"),
        (lambda: sample(MODEL, measurements=1), TypeError, "sample.. has no argument 'measure"),
        (lambda: train(MODEL, n=49), ValueError, "n must be at least 50"),
        (lambda: train(MODEL, shells=4), ValueError, "shells must be"),
        (lambda: train("model"), TypeError, "PlaquetteIsing"),
        (lambda: sample(MODEL, n=1, seed=True), TypeError, "seed"),
        (lambda: sample(MODEL, n=1, threads=0), ValueError, "threads"),
        (lambda: sample(MODEL, n=1, equilibration=-1), ValueError, "equilibration"),
        (lambda: sample(MODEL, n=1, seed=-1), ValueError, "seed"),
        (lambda: sample(MODEL, n=1, start=np.ones((4, 4))), ValueError, "start must"),
        (lambda: sample(MODEL, n=10**12), MemoryError, "take fewer"),
        (lambda: learn("samples"), TypeError, "Samples"),
        (
            lambda: learn(sample(MODEL, n=60), shells=4),
            ValueError,
            "shells must be at least 1 and at most 3",
        ),
        (lambda: learn(sample(MODEL, n=10)), ValueError, "at least 50"),
        (lambda: learn(sample(replace_T(MODEL, 1e-3), n=60)), ValueError, "vary"),
        (lambda: train(MODEL, hot=0.5), ValueError, "hot"),
        (lambda: sample(MODEL, n=9).estimate("chi"), ValueError, "quantity"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_frozen_samples_have_errors():
    run = sample(PlaquetteIsing(L=8, T=0.3, K=0.2), n=20, seed=1)
    assert np.ptp(run.energy) == 0
    assert run.estimate("energy").error == pytest.approx(3 / 20 * 8 * 1.2 / 64)
    assert run.estimate("m_abs").error == pytest.approx(3 / 20 * 2 / 64)
    assert run.estimate("m4").error > run.estimate("m2").error > 0


# --------------------------------------------------------------------------------- units of energy


@pytest.mark.parametrize("unit", [1e-9, 2.0**-30, 2.0**30, 1e9])
def test_only_ratios_of_energies_matter(unit):
    model = PlaquetteIsing(L=8, T=2.6, J=1.0, K=0.2)
    scaled = PlaquetteIsing(L=8, T=2.6 * unit, J=unit, K=0.2 * unit)
    options = {"L": 8, "n": 300, "rounds": 2, "shells": 2, "seed": 3}
    pair, other = train(model, **options)[-1], train(scaled, **options)[-1]
    # Rounding of a quotient of energies would have to meet the one random number in 1e16.
    np.testing.assert_allclose(np.array(other.J) / unit, pair.J, rtol=1e-9, atol=1e-12)
    assert other.E_0 / unit == pytest.approx(pair.E_0, rel=1e-9)
    assert other.residual / unit == pytest.approx(pair.residual, rel=1e-9)
    assert other.explained == pytest.approx(pair.explained, rel=1e-9)
    run, same = (
        sample(m, p, n=200, spacing=3, seed=4) for m, p in ((model, pair), (scaled, other))
    )
    assert np.array_equal(run.sums, same.sums)
    for quantity in ("energy", "m_abs", "m4"):
        wanted, found = run.estimate(quantity), same.estimate(quantity)
        scale = unit if quantity == "energy" else 1.0
        assert found.mean / scale == pytest.approx(wanted.mean, rel=1e-9)
        assert found.error / scale == pytest.approx(wanted.error, rel=1e-9)
