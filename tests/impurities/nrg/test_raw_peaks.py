"""Integrals over raw peaks: conductance and Matsubara frequencies of the resonant level."""

import numpy as np
import pytest

import kadanoff as kd

GAMMA = 0.01
LEVEL = kd.AndersonModel(U=0.0, Gamma=GAMMA)


@pytest.fixture(scope="module")
def level():
    return kd.dynamics.solve(LEVEL, T=GAMMA * np.array([0.1, 1.0, 10.0]), names=["d"], keep=400)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 10.0])
def test_conductance_of_the_resonant_level(level, ratio):
    """0.5 % is demanded of int (-f') A dw; 0.1 to 0.3 % measured, at one z as at four."""
    T = ratio * GAMMA
    half = np.geomspace(1e-6 * T, min(40 * T, 1 - 1e-9), 4000)
    w = np.concatenate([-half[::-1], half])
    A = -(1 / (w - level.hybridisation(w))).imag / np.pi
    expected = np.trapezoid(A * 0.25 / T / np.cosh(w / (2 * T)) ** 2, w)
    assert level.thermal_average("d", T=T) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 10.0])
def test_matsubara_green_function_of_the_resonant_level(level, ratio):
    """0.5 % is demanded; 0.2 % measured."""
    n = np.arange(3)
    z = 1j * np.pi * ratio * GAMMA * (2 * n + 1)
    G = 1 / (z - LEVEL.V**2 * 0.5 * np.log((z + 1) / (z - 1)))
    np.testing.assert_allclose(level.matsubara("d", n, T=ratio * GAMMA), G, rtol=5e-3, atol=1e-9)


def test_integrals_of_powers_are_moments(level):
    assert level.integrate("d", np.ones_like) == pytest.approx(1.0, abs=1e-12)
    # <{[d, H], d^+}> = eps, 0 here by symmetry
    assert level.integrate("d", lambda w: w) == pytest.approx(0.0, abs=1e-9)
    both = level.integrate("d", lambda w: np.stack([np.ones_like(w), w**2], axis=1))
    assert both.shape == (2,)
    # <{[[d, H], H], d^+}> = V^2 of the chain, norm 1
    assert both[1] == pytest.approx(LEVEL.V**2, rel=0.02)  # truncated chains


def test_bad_functions(level):
    finite = pytest.raises(ValueError, match=r"one finite number for each frequency, zero included")
    with finite, np.errstate(divide="ignore"):
        level.integrate("d", lambda w: 1 / w)
    with pytest.raises(ValueError, match="T must be one of"):
        level.thermal_average("d", T=0.5)
