"""The Green function on the imaginary axis, and its derivative."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.transport.imaginary_axis import green_function, peaks_at


def test_derivative_of_the_green_function():
    dot = kd.AndersonModel(U=0.1, Gamma=0.01, eps=-0.03, field=1e-3)
    run = kd.dynamics.solve(
        dot,
        T=1e-3,
        names=["d", "F", "I", "d_dn", "F_dn", "I_dn"],
        keep=100,
        Lambda=4.0,
        threads=1,
        progress=False,
    )
    z, h = 1j * np.pi * 1e-3 * np.array([1, 3, 31]), 1e-4
    for suffix, spin in (("", 1), ("_dn", -1)):
        up, down = (
            green_function(run, z * (1 + s), T=1e-3, spin=spin, suffix=suffix) for s in (h, -h)
        )
        G, dG, X, dX = green_function(run, z, T=1e-3, spin=spin, suffix=suffix)
        # Sigma takes its parts from two estimators, each with its own derivative along the axis.
        assert dG == pytest.approx((up[0] - down[0]) / (2 * h * z), rel=1e-5)
        assert dX == pytest.approx((up[2] - down[2]) / (2 * h * z), rel=1e-5, abs=1e-6)
        assert pytest.approx(1 / (z - X)) == G
        # Spectral weight one at high frequency.
        far = np.array([1e4j])
        assert peaks_at(run, "d" + suffix, far, T=1e-3)[0] * far == pytest.approx(1, abs=1e-4)
