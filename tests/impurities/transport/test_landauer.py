"""Moments of a transmission, from peaks and on the imaginary axis."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from kadanoff.impurities.transport.landauer import from_matsubara, from_peaks, thermal_weight

LEVEL, WIDTH = 0.4, 1.0


def lorentzian(z):
    """-Im G of a level in a wide band, times its width: G, z G and z^2 G without polynomials."""
    G = 1.0 / (z - LEVEL + 1j * WIDTH)
    dG = -(G**2)
    # z^2 G = z + X + X^2 G with X = eps - i Gamma; only real polynomials may be subtracted, and
    # i Gamma w has none: the third moment of a bare Lorentzian is left out.
    return WIDTH * np.array([G, z * G - 1]), WIDTH * np.array([dG, G + z * dG])


@pytest.mark.parametrize("T", [0.01, 0.3, 3.0])
def test_sum_over_frequencies_is_the_integral(T):
    def exact(n):
        def f(x):
            w = x * T
            tau = WIDTH**2 / ((w - LEVEL) ** 2 + WIDTH**2)
            return T * float(thermal_weight(np.array([w]), T)[0]) * w**n * tau

        return quad(f, -60, 60, points=[0, LEVEL / T] if LEVEL < 60 * T else [0], limit=400)[0]

    L = from_matsubara(lorentzian, T)
    # z G - 1 -> X / z keeps an imaginary constant, whose thermal average is that of the spectrum.
    assert L[0] == pytest.approx(exact(0), rel=1e-7)
    assert L[1] == pytest.approx(exact(1), rel=1e-6)


def test_moments_of_peaks():
    w, tau, T = np.array([-0.5, 0.2, 200.0]), np.array([1.0, 2.0, 3.0]), 0.5
    weight = 0.25 / (T * np.cosh(w / (2 * T)) ** 2)
    assert thermal_weight(np.array([1e6]), T)[0] < 1e-300  # without an overflow
    for n, found in enumerate(from_peaks(w, tau, T)):
        assert found == pytest.approx(np.sum(weight * tau * w**n), rel=1e-12)


def test_the_weight_is_normalised():
    w = np.linspace(-40, 40, 200_001)
    assert np.trapezoid(thermal_weight(w, 1.0), w) == pytest.approx(1.0, abs=1e-9)
    second = np.trapezoid(thermal_weight(w, 1.0) * w**2, w)
    assert second == pytest.approx(math.pi**2 / 3, abs=1e-7)
