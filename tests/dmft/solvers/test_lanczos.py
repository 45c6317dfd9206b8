"""Lanczos against the full spectrum, and where it must refuse."""

import numpy as np
import pytest

from kadanoff import Cancelled, Control, _core
from kadanoff.dmft import DiscreteBath, Impurity, solve

BATHS = {
    "asymmetric": (DiscreteBath([-0.9, -0.2, 0.3, 1.1], [0.3, 0.25, 0.4, 0.2]), -0.95),
    "symmetric": (DiscreteBath([-1.0, -0.2, 0.2, 1.0], [0.3] * 4), None),
    "degenerate": (DiscreteBath([0.0] * 4, [0.25] * 4), None),
    "decoupled": (DiscreteBath([-0.4, 0.5, 0.5], [0.3, 0.0, 0.2]), -1.15),
}


@pytest.mark.parametrize("name", BATHS)
@pytest.mark.parametrize("beta", [40.0, 300.0])
def test_against_the_full_spectrum(name, beta):
    bath, eps = BATHS[name]
    problem = Impurity(2.5, beta, bath, eps=eps)
    exact, found = solve(problem), solve(problem, solver="lanczos", states=300)
    # the cut of 1e-12 for each level left out, and Lanczos vectors to 1e-10
    assert found.diagnostics["ground_energy"] == pytest.approx(
        exact.diagnostics["ground_energy"], abs=1e-11
    )
    assert found.log_Z == pytest.approx(exact.log_Z, abs=2e-9)
    assert found.n == pytest.approx(exact.n, abs=2e-9)
    assert found.docc == pytest.approx(exact.docc, abs=2e-9)
    np.testing.assert_allclose(found.G_iw, exact.G_iw, atol=1e-7)
    assert np.max(np.abs(found.G_iw - exact.G_iw)) < 5 * found.error


def test_ground_state_is_the_limit_of_low_temperature():
    bath, eps = BATHS["asymmetric"]
    cold = solve(Impurity(2.5, 3000.0, bath, eps=eps))
    zero = solve(Impurity(2.5, 3000.0, bath, eps=eps), solver="lanczos", ground_state=True)
    np.testing.assert_allclose(zero.G_iw, cold.G_iw, atol=1e-8)
    assert zero.docc == pytest.approx(cold.docc, abs=1e-10)
    assert zero.log_Z == pytest.approx(np.log(zero.diagnostics["states"]), abs=1e-12)


def test_eight_bath_sites():
    e = np.linspace(-1, 1, 8)
    problem = Impurity(2.0, 500.0, DiscreteBath(e, np.full(8, 0.18)))
    found = solve(problem, solver="lanczos")
    assert found.n == pytest.approx(1.0, abs=1e-9)
    # moments of the spectral function: 1, 0, U^2/4 + sum V^2
    np.testing.assert_allclose(found.G.moments(3), [1, 0, 1 + 8 * 0.18**2], atol=1e-9)
    assert np.all(found.G_iw.imag < 0)
    assert np.all(found.Sigma_iw.imag < 0)


def test_threads_change_nothing():
    bath, eps = BATHS["symmetric"]
    problem = Impurity(2.5, 100.0, bath, eps=eps)
    one, two = (solve(problem, solver="lanczos", threads=t) for t in (1, 2))
    np.testing.assert_array_equal(one.G_iw, two.G_iw)


def test_cancel():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        solve(Impurity(2.0, 100.0, BATHS["symmetric"][0]), solver="lanczos", control=control)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"beta": 1.0, "states": 10}, ValueError, "temperature is too high for Lanczos"),
        ({"cut": 0.5}, ValueError, "cut"),
        ({"steps": 1}, ValueError, "steps"),
        ({"states": 0}, ValueError, "states"),
        ({"sites": 12}, ValueError, "at most 11"),
        ({"ground_state": 1}, TypeError, "ground_state"),
    ],
)
def test_bad_input(options, error, match):
    beta = options.pop("beta", 100.0)
    with pytest.raises(error, match=match):
        solve(Impurity(2.0, beta, BATHS["symmetric"][0]), solver="lanczos", **options)


def test_the_core_refuses_too_many_sites():
    with pytest.raises(ValueError, match="at most 11"):
        _core.ed_lanczos(1.0, 0.0, [0.1] * 12, [0.1] * 12, 10.0, cut=1e-10, states=3, steps=10)
