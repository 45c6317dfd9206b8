r"""Moments of a transmission: from raw peaks, or as a sum over Matsubara frequencies.

    L_n(T) = int dw (-f'(w)) w^n tau(w),      n = 0, 1, 2,     f(w) = 1 / (1 + exp(w / T))

give conductance, thermopower and thermal conductance. No spectrum is broadened on the way. If
``tau(w) = -Im g(w)`` with g analytic in the upper half plane, the contour is closed there: f' has
a double pole of weight T at every ``i w_k = i pi T (2k + 1)``, and

    L_n = 2 pi T sum_{k >= 0} Re d/dz [z^n g(z) - polynomial]  at  z = i w_k.

A polynomial with real coefficients has no imaginary part on the real axis and is subtracted such
that the rest falls off. The sum converges as ``1/w_k``; beyond frequency N the Euler-Maclaurin
formula (midpoint form) closes it with an error of order ``N**-4``.

At the Matsubara frequencies the raw peaks of an NRG run give g with the discretisation smeared out
by the distance to the real axis, without a width to choose.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray

__all__ = ["MATSUBARA_TERMS", "from_matsubara", "from_peaks", "thermal_weight"]

MATSUBARA_TERMS = 64
"""Frequencies that are summed explicitly; the rest is closed to 1e-8 of the sum."""
STEP = 1e-3
"""Relative step of the derivative in the first Euler-Maclaurin term."""

Moments = Callable[[ComplexArray], tuple[ComplexArray, ComplexArray]]
"""Function z -> (h_n(z), dh_n/dz), each of shape (moments, z), for z on the imaginary axis."""


def thermal_weight(w: FloatArray, T: float) -> FloatArray:
    """``-f'(w) = 1 / (4 T cosh^2(w / 2T))``, shape of w, in the inverse unit of T."""
    x = np.minimum(np.abs(w) / (2.0 * T), 350.0)
    return np.asarray(0.25 / (T * np.cosh(x) ** 2))


def from_peaks(w: FloatArray, tau: FloatArray, T: float) -> FloatArray:
    """Moments of delta peaks: ``L_n = sum_j tau_j w_j^n (-f'(w_j))``.

    Parameters
    ----------
    w, tau : array of float, shape (n,)
        Positions and weights of the transmission.
    T : float
        Temperature, in the unit of w.

    Returns
    -------
    array of float, shape (3,)
        L_0, L_1, L_2 in units of 1, w and w^2.
    """
    weights = tau * thermal_weight(w, T)
    return np.array([np.sum(weights), weights @ w, weights @ w**2])


def from_matsubara(moments: Moments, T: float) -> FloatArray:
    """Moments of ``tau = -Im g`` from its values on the imaginary axis.

    Parameters
    ----------
    moments : function z -> (h, dh/dz), arrays of shape (moments, z)
        ``h_n(z) = z^n g(z)`` without its growing polynomial.
    T : float
        Temperature.

    Returns
    -------
    array of float, shape (moments,)
        L_0, L_1, ...
    """
    n = MATSUBARA_TERMS
    end = 2.0 * math.pi * T * n
    omega = math.pi * T * (2 * np.arange(n) + 1)
    value, slope = moments(1j * np.append(omega, [end, end * (1 - STEP), end * (1 + STEP)]))
    # sum_{k >= n} s(k + 1/2) = int_n^inf s dk + s'(n) / 24 + ..., s = Re dh/dz; the integral
    # of Re dh/dz over the rest of the axis is -Im h(i end).
    rest = -value[:, n].imag
    first = math.pi * T * (slope[:, n + 2] - slope[:, n + 1]).real / (24.0 * STEP * n)
    return np.asarray(2.0 * math.pi * T * slope[:, :n].real.sum(axis=1) + rest + first)
