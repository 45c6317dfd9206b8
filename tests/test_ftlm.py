"""Finite-temperature Lanczos against the full spectrum: within its own errors."""

import numpy as np
import pytest

from kadanoff import Cancelled, Control
from kadanoff.dmft import DiscreteBath, Impurity, solve

BATH = DiscreteBath([-1.1, -0.3, 0.2, 0.7], [0.3, 0.3, 0.25, 0.3])
FEW = {"exact": 16, "steps": 60}  # most sectors of five orbitals by random vectors


@pytest.mark.parametrize("beta", [2.0, 10.0, 100.0])
def test_against_the_full_spectrum(beta):
    problem = Impurity(2.0, beta, BATH, eps=0.2)
    exact = solve(problem, frequencies=64)
    found = solve(problem, solver="ftlm", frequencies=64, vectors=16, seed=3, **FEW)
    d = found.diagnostics
    # five standard errors: by the jackknife of 16 samples; 1e-9 for Krylov spaces of 80 steps
    assert abs(found.n - exact.n) < 5 * d["n_error"] + 1e-9
    assert abs(found.docc - exact.docc) < 5 * d["docc_error"] + 1e-9
    assert abs(found.log_Z - exact.log_Z) < 5 * d["log_Z_error"] + 1e-9
    assert np.all(np.abs(found.G_iw - exact.G_iw) < 5 * d["G_error"] + 1e-8)
    assert 0.0 < found.error < 0.1


def test_errors_are_neither_too_large_nor_too_small():
    problem = Impurity(2.0, 5.0, BATH, eps=0.2)
    exact = solve(problem, frequencies=8)
    pulls = []
    for seed in range(8):
        found = solve(problem, solver="ftlm", frequencies=8, vectors=8, seed=seed, **FEW)
        pulls.append((found.docc - exact.docc) / found.diagnostics["docc_error"])
    # chi^2 of 8 values whose errors 8 samples know to 27 %: outside once in a thousand
    assert 0.1 < np.mean(np.square(pulls)) < 4.5


def test_all_sectors_summed_exactly():
    problem = Impurity(3.0, 7.0, DiscreteBath([-0.4, 0.1, 0.5], [0.3, 0.4, 0.2]), eps=0.1)
    exact = solve(problem)
    found = solve(problem, solver="ftlm", exact=64)
    np.testing.assert_allclose(found.G_iw, exact.G_iw, atol=1e-9)
    assert found.log_Z == pytest.approx(exact.log_Z, abs=1e-10)
    assert found.docc == pytest.approx(exact.docc, abs=1e-10)
    assert found.error < 1e-9
    assert found.G.tau(0.0) + found.G.tau(7.0) == pytest.approx(-1.0, abs=1e-9)


def test_one_vector_is_enough_at_low_temperature():
    problem = Impurity(2.0, 2000.0, BATH, eps=0.2)
    exact, found = solve(problem), solve(problem, solver="ftlm", vectors=2, **FEW)
    np.testing.assert_allclose(found.G_iw, exact.G_iw, atol=1e-6)


def test_seeds_and_threads():
    problem = Impurity(2.0, 5.0, BATH, eps=0.2)
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
        ({"sites": 10}, "1 to 9"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(ValueError, match=match):
        solve(Impurity(2.0, 5.0, BATH), solver="ftlm", **options)
