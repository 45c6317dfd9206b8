"""Swendsen's Monte Carlo RG against an independent program, and its errors."""

import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from kadanoff import ising
from kadanoff.lattices.blockspin import (
    EVEN,
    ODD,
    Decimation,
    LinearFilter,
    Majority,
    mcrg,
    measure,
    optimised_exponents,
)
from tests.paths import REFERENCE as REFERENCE_DATA

REFERENCE = json.loads(
    (REFERENCE_DATA / "lattice/mcrg_b2_majority.json").read_text(encoding="utf-8")
)


def samples(L, n, seed):
    return ising.sample(L=L, T=ising.T_c, n=n, seed=seed, progress=False).configurations


@pytest.fixture(scope="module")
def run():
    return mcrg((samples(64, 10_000, seed) for seed in range(50, 54)), steps=3, bins=40, seed=0)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_exponents_within_two_sigma_of_the_table(run, level):
    row = next(
        row
        for row in REFERENCE["rows"]
        if row["L"] == 64 and row["step"] == f"{level}->{level + 1}"
    )
    step = run.thermal[level], run.magnetic[level]
    for found, expected in zip(step, (row["y_t"], row["y_h"]), strict=True):
        for y, error, (other, its) in zip(found.y, found.error, expected, strict=True):
            assert abs(y - other) < 3.5 * math.hypot(error, its)
            assert error < 2 * its
        # With all operators, to two sigma; five other runs of 40,000 samples agree to 1.6 sigma.
        assert abs(found.y[-1] - expected[-1][0]) < 2 * math.hypot(found.error[-1], expected[-1][1])


def test_averages_by_level(run):
    expected = np.array(REFERENCE["nn_energy_per_site_by_level"]["64"])
    found = run.averages()[:, 0]
    errors = [s[:, 0].std() / math.sqrt(len(s)) / (64 // 2**k) ** 2 for k, s in enumerate(run.sums)]
    for value, error, (other, its) in zip(found, errors, expected, strict=False):
        assert abs(value - other) < 3.5 * math.hypot(2 * error, its)  # tau is about 1: factor 2


def test_batches_may_come_one_by_one():
    s = samples(16, 600, 3)
    at_once = mcrg(s, steps=1, seed=0)
    assert at_once.samples == 600
    in_parts = mcrg(iter([s]), steps=1, seed=0)
    np.testing.assert_array_equal(at_once.sums[1], in_parts.sums[1])
    assert mcrg(iter([s[:300], s[300:]]), steps=1, seed=0).samples == 600


def test_the_stability_matrix_of_gaussian_sums_is_known():
    # S' = M S + noise: B = M A_fine, A = M A_fine M^T + N; T = A^-1 B whatever the scales.
    from kadanoff.lattices.blockspin.monte_carlo_rg import stability_matrix

    rng = np.random.default_rng(0)
    n = 400_000
    fine = rng.normal(size=(n, 2)) * [100.0, 7.0] + [5000.0, -3.0]
    M = np.array([[0.4, 0.1], [0.05, 0.8]])
    coarse = fine @ M.T + rng.normal(size=(n, 2)) * [20.0, 5.0]
    C = np.diag([100.0**2, 7.0**2])
    expected = np.linalg.solve(M @ C @ M.T + np.diag([20.0**2, 5.0**2]), M @ C)
    found = stability_matrix(EVEN[:2], fine, coarse, 2, 20, odd=False)
    np.testing.assert_allclose(found.T, expected, rtol=0.02)
    y = math.log(np.linalg.eigvals(expected).real.max()) / math.log(2)
    assert abs(found.y[1] - y) < 3.5 * found.error[1]


def test_jackknife_errors_are_the_scatter_between_runs():
    runs = [mcrg(samples(16, 1000, 10 + k), steps=1, seed=0) for k in range(12)]
    y = np.array([r.y_t[0, 0] for r in runs])
    typical = np.mean([r.y_t[0, 1] for r in runs])
    # 12 runs fix a standard deviation to 20 %.
    assert 0.5 < y.std(ddof=1) / typical < 2
    assert abs(y.mean() - 0.96) < 0.05


def test_other_rules():
    s = samples(27, 2000, 5)
    three = mcrg(s, Majority(3), steps=1, seed=0)
    assert three.b == 3
    assert three.y_h[0, 0] == pytest.approx(15 / 8, abs=0.03)
    # Decimation has no fixed point; a corner spin scales with L^2 times the spin's own exponent.
    lost = mcrg(samples(32, 2000, 6), Decimation(2), steps=1, seed=0)
    assert abs(lost.y_h[0, 0] - 15 / 8) > 10 * lost.y_h[0, 1]
    soft = mcrg(samples(32, 2000, 6), LinearFilter(np.ones((2, 2))), steps=1, seed=0)
    assert soft.y_h[0, 0] == pytest.approx(15 / 8, abs=0.03)


def test_open_lattices_are_not_wrapped_round():
    run = ising.sample(L=8, T=2.0, n=200, boundary="open", seed=1, threads=1)
    for call in (
        lambda: mcrg(run, steps=1),
        lambda: mcrg(iter([run]), steps=1),
        lambda: measure(run),
        lambda: optimised_exponents(run),
    ):
        with pytest.raises(ValueError, match="must be periodic"):
            call()
    assert mcrg(run.configurations, steps=1, seed=0).samples == 200  # an array knows nothing


def test_it_draws_itself_and_says_what_it_is(run):
    ax = run.plot(ax=Figure().subplots())
    assert len(ax.containers) == 2
    assert "L=64" in repr(run)
    assert run.thermal[0].operators == tuple(o.name for o in EVEN)


S = np.random.default_rng(0).choice(np.array([-1, 1], dtype=np.int8), size=(200, 16, 16))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: mcrg(S[:50], steps=1, seed=0), ValueError, "at least 100 samples"),
        (lambda: mcrg(S, steps=1, bins=1, seed=0), ValueError, "bins must be at least 2"),
        (lambda: mcrg(S, steps=1, bins=100, seed=0), ValueError, "500 samples"),
        (lambda: mcrg(S, steps=3, seed=0), ValueError, "L must be at least 32"),
        (lambda: mcrg(S[:, :15, :15], steps=1, seed=0), ValueError, "do not divide L = 15"),
        (lambda: mcrg(S, steps=0, seed=0), ValueError, "steps"),
        (lambda: mcrg(S[0], steps=1, seed=0), ValueError, "shape"),
        (lambda: mcrg(S[:, :8], steps=1, seed=0), ValueError, "shape"),
        (lambda: mcrg(S * 0, steps=1, seed=0), ValueError, "only"),
        (lambda: mcrg(1.0, steps=1, seed=0), TypeError, "iterable"),
        (lambda: mcrg(iter([S, S[:, :8, :8]]), steps=1, seed=0), ValueError, "one L"),
        (lambda: mcrg(S, "majority", steps=1, seed=0), TypeError, "BlockRule"),
        (lambda: mcrg(S, Majority(1), steps=1, seed=0), ValueError, "b >= 2"),
        (
            lambda: mcrg(S, LinearFilter(np.ones((2, 4))), steps=1, seed=0),
            ValueError,
            "square or cubic blocks",
        ),
        (lambda: mcrg(S, steps=1, even=ODD, seed=0), ValueError, "wrong sector"),
        (lambda: mcrg(np.ones_like(S), steps=1, seed=0), ValueError, "fluctuate"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        _ = call().y_t
