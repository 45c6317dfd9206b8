"""Finite-temperature Lanczos against the full spectrum: within its own errors."""

import numpy as np
import pytest
from scipy import stats

from kadanoff import Cancelled, Control
from kadanoff.dmft import DiscreteBath, Impurity, solve

BATH = DiscreteBath([-1.1, -0.3, 0.2, 0.7], [0.3, 0.3, 0.25, 0.3])
FEW = {"exact": 16, "steps": 60}  # most sectors of five orbitals by random vectors


@pytest.mark.parametrize("beta", [2.0, 10.0, 100.0])
def test_against_the_full_spectrum(beta):
    problem = Impurity(2.0, beta, BATH, eps=-0.8)
    exact = solve(problem, frequencies=64)
    found = solve(problem, solver="ftlm", frequencies=64, vectors=16, seed=3, **FEW)
    d = found.diagnostics
    # five standard errors: by the jackknife of 16 samples; 1e-9 for Krylov spaces of 80 steps
    assert abs(found.n - exact.n) < 5 * d["n_error"] + 1e-9
    assert abs(found.docc - exact.docc) < 5 * d["docc_error"] + 1e-9
    assert abs(found.log_Z - exact.log_Z) < 5 * d["log_Z_error"] + 1e-9
    assert np.all(np.abs(found.G_iw - exact.G_iw) < 5 * d["G_error"] + 1e-8)
    assert 0.0 < found.error < 0.1


SIX = DiscreteBath([-1.2, -0.6, -0.2, 0.1, 0.5, 1.0], [0.2, 0.25, 0.2, 0.2, 0.25, 0.2])


@pytest.mark.parametrize(
    ("bath", "seeds", "vectors", "options"),
    [(BATH, 24, 8, FEW), pytest.param(SIX, 3, 4, {"steps": 50}, marks=pytest.mark.slow)],
)
def test_errors_are_neither_too_large_nor_too_small(bath, seeds, vectors, options):
    problem = Impurity(2.0, 5.0, bath, eps=-0.8)
    exact = solve(problem, frequencies=8)
    runs = [
        solve(problem, solver="ftlm", frequencies=8, vectors=vectors, seed=seed, **options)
        for seed in range(seeds)
    ]
    for name in ("n", "docc", "log_Z"):
        errors = np.array([r.diagnostics[f"{name}_error"] for r in runs])
        pulls = np.array([getattr(r, name) - getattr(exact, name) for r in runs]) / errors

        # An error from so few vectors makes the pull Student's t; the normal deviate as unlikely
        # as t gives chi^2, outside once in a thousand on either side.
        def chi2(pulls):
            return np.sum(stats.norm.isf(stats.t.sf(pulls, vectors - 1)) ** 2)

        low, high = stats.chi2.ppf([1e-3, 1.0 - 1e-3], seeds)
        assert low < chi2(pulls) < high, name
        # It would notice errors that are half of what they should be, or three times.
        if seeds == 24:
            assert chi2(2.0 * pulls) > high
            assert chi2(pulls / 3.0) < low
    # and G: as far out, on average over frequencies, as once in a thousand
    limit = stats.t.isf(5e-4, vectors - 1)
    for r in runs:
        assert np.mean(np.abs(r.G_iw - exact.G_iw) / r.diagnostics["G_error"]) < limit


def test_all_sectors_summed_exactly():
    problem = Impurity(3.0, 7.0, DiscreteBath([-0.4, 0.1, 0.5], [0.3, 0.4, 0.2]), eps=-1.4)
    exact = solve(problem)
    found = solve(problem, solver="ftlm", exact=64)
    np.testing.assert_allclose(found.G_iw, exact.G_iw, atol=1e-9)
    assert found.log_Z == pytest.approx(exact.log_Z, abs=1e-10)
    assert found.docc == pytest.approx(exact.docc, abs=1e-10)
    assert found.error < 1e-9
    assert found.G.tau(0.0) + found.G.tau(7.0) == pytest.approx(-1.0, abs=1e-9)


@pytest.mark.parametrize("beta", [0.5, 7.0, 300.0])
def test_the_poles_are_those_of_the_full_spectrum(beta):
    problem = Impurity(3.0, beta, DiscreteBath([-0.4, 0.1, 0.5], [0.3, 0.4, 0.2]), eps=-1.4)
    exact = solve(problem, frequencies=8)
    # All sectors exact, and too few frequencies for G(tau) from their values.
    found = solve(problem, solver="ftlm", exact=64, frequencies=8)
    size = np.max(np.abs(exact.G_iw))
    np.testing.assert_allclose(found.G.iw(64), exact.G.iw(64), atol=1e-9 * size)
    np.testing.assert_allclose(found.G_tau, exact.G_tau, atol=1e-9)
    np.testing.assert_allclose(found.G.moments(4), exact.G.moments(4), atol=1e-8)
    w = np.linspace(-3.0, 3.0, 61)
    smeared = exact.G.spectrum(w, 0.1)
    np.testing.assert_allclose(found.G.spectrum(w, 0.1), smeared, atol=1e-4 * smeared.max())


def test_times_are_within_the_errors_of_few_vectors():
    problem = Impurity(2.0, 10.0, BATH, eps=-0.8)
    exact = solve(problem, frequencies=16)
    found = solve(problem, solver="ftlm", frequencies=16, vectors=16, seed=3, **FEW)
    np.testing.assert_allclose(found.G.iw(16), found.G_iw, atol=1e-8)
    # |G(tau)| is off by sum_n |dG(i w_n)| / beta at most, some of its largest error
    limit = 5.0 * np.max(found.diagnostics["G_error"])
    assert np.max(np.abs(found.G_tau - exact.G_tau)) < limit


def test_one_vector_is_enough_at_low_temperature():
    problem = Impurity(2.0, 2000.0, BATH, eps=-0.8)
    exact, found = solve(problem), solve(problem, solver="ftlm", vectors=2, **FEW)
    np.testing.assert_allclose(found.G_iw, exact.G_iw, atol=1e-6)


def test_without_a_seed_every_run_is_another_one():
    problem = Impurity(2.0, 5.0, BATH)
    options = {"solver": "ftlm", "frequencies": 8, "vectors": 4, **FEW}
    one, two = (solve(problem, **options) for _ in range(2))
    assert one.seed != two.seed
    assert one.docc != two.docc
    np.testing.assert_array_equal(one.G_iw, solve(problem, seed=one.seed, **options).G_iw)


def test_seeds_and_threads():
    problem = Impurity(2.0, 5.0, BATH, eps=-0.8)
    options = {"solver": "ftlm", "vectors": 2, "frequencies": 8, **FEW}
    a, b = (solve(problem, threads=t, seed=1, **options) for t in (1, 2))
    np.testing.assert_array_equal(a.G_iw, b.G_iw)
    c = solve(problem, seed=2, **options)
    assert not np.array_equal(a.G_iw, c.G_iw)


def test_cancel():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        solve(Impurity(2.0, 5.0, BATH), solver="ftlm", control=control)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"vectors": 1}, "vectors"),
        ({"steps": 4}, "steps"),
        ({"exact": 501}, "exact"),
        ({"sites": 10}, "at most 9"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(ValueError, match=match):
        solve(Impurity(2.0, 5.0, BATH), solver="ftlm", **options)
