"""Curves without bias, and their error bands, against the resonant level."""

import numpy as np
import pytest

import kadanoff as kd

GAMMA = 0.02
LEVEL = kd.AndersonModel(U=0.0, Gamma=GAMMA)
W = np.concatenate([-np.geomspace(1e-5, 0.49, 100)[::-1], np.geomspace(1e-5, 0.49, 100)])


def exact(run, w):
    return -(1 / (w - run.hybridisation(w))).imag / np.pi


@pytest.mark.parametrize(("z", "typical", "most"), [((1.0,), 0.02, 0.08), ((0.5, 1.0), 0.01, 0.05)])
def test_the_default_curve_has_no_bias(z, typical, most):
    """Median 1 % and 0.6 %, nine of ten within 5 % and 1.4 %; the plain kernel 25 % and 5 %."""
    run = kd.dynamics.solve(LEVEL, T=1e-7, names=["d"], keep=400, z=z)
    off = np.abs(run.spectral("d", W) / exact(run, W) - 1)
    assert np.median(off) < typical
    assert np.quantile(off, 0.9) < most
    plain = np.abs(run.spectral("d", W, sharpen=False) / exact(run, W) - 1)
    assert np.quantile(plain, 0.9) > 2 * np.quantile(off, 0.9)


def test_the_band_holds_the_exact_spectrum():
    """Nine frequencies of ten, in a band of a width below 10 % of A; tests/soak has other Gamma."""
    of = {"T": 1e-7, "names": ["d"], "z": (0.5, 1.0)}
    fine, coarse = (kd.dynamics.solve(LEVEL, keep=keep, **of) for keep in (500, 250))
    A, error = fine.error_band("d", W, coarse=coarse)
    assert np.mean(np.abs(A - exact(fine, W)) <= error) >= 0.9
    assert np.median(2 * error / A) < 0.1
    A, error = fine.error_band("d", W)
    assert np.mean(np.abs(A - exact(fine, W)) <= error) >= 0.9


def test_the_band_holds_a_line_that_is_narrower_than_the_temperature():
    """At T = Gamma the curve is a tenth too low at |w| < T; A of a resonant level knows no T."""
    run = kd.dynamics.solve(LEVEL, T=GAMMA, names=["d"], keep=300, z=(0.5, 1.0))
    w = GAMMA * np.linspace(-0.9, 0.9, 19)
    A, error = run.error_band("d", w)
    assert np.mean(np.abs(A - exact(run, w)) <= error) >= 0.9
    assert (error < 0.3 * A).all()


def test_a_correlator_of_two_operators_keeps_the_plain_kernel():
    run = kd.dynamics.solve(kd.AndersonModel(U=0.3, Gamma=0.02), T=1e-3, keep=100, sites=12)
    assert run.diagonal == ("t", "d", "I")
    w = [-0.1, 0.0, 0.2]
    np.testing.assert_array_equal(run.spectral("F", w), run.spectral("F", w, sharpen=False))
