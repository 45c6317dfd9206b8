r"""Second-order self-energy on the real axis, for a band.

With ``A_0 = -Im G_0 / pi``, ``a = A_0 f(-w)`` and ``b = A_0 f(w)`` the density of Sigma_2 is

    -Im Sigma_2(w) / pi = U**2 int dx dy [a(x) a(y) b(x + y - w) + b(x) b(y) a(x + y - w)],

by FFT on a uniform grid, and Re Sigma_2 its Hilbert transform. ``G_0 = 1 / (w - eps_0 - Delta)``
may be a pole in a gap: its weights are integrals of 1 over linear functions, as in `nca_real`. The
coefficients of the interpolation are those of the imaginary axis.

References
----------
A. Georges, W. Krauth, Phys. Rev. B 48, 7167 (1993), doi:10.1103/PhysRevB.48.7167.
"""

from __future__ import annotations

import math

import numpy as np

from kadanoff._base.types import ComplexArray
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.solvers.nca_real import SHARP, cell_weights, uniform_hilbert
from kadanoff.greens import RealAxisFunction

__all__ = ["second_order_real"]

PER_T = 16
"""Points of the uniform grid per temperature."""
MAX_POINTS = 1 << 19
SPREAD = 3.0
"""A triple of energies reaches three times as far as one."""


def second_order_real(
    problem: Impurity, n: float, level0: float, A: float, B: float
) -> tuple[RealAxisFunction, RealAxisFunction]:
    """G and Sigma on a uniform grid of real frequencies.

    Parameters
    ----------
    problem : Impurity
        A problem whose bath is a band.
    n : float
        Occupation per spin in the Hartree term.
    level0 : float
        Level of the bare impurity.
    A, B : float
        Coefficients of the Kajueter-Kotliar form; 1 and 0 at half filling.

    Raises
    ------
    ValueError
        The bath is not a band, or the temperature too low for a uniform grid.
    """
    bath, beta, U = problem.bath, problem.beta, problem.U
    if isinstance(bath, DiscreteBath | MatsubaraBath):
        raise ValueError(
            "IPT on the real axis needs a band, whose density is smooth, got a "
            f"{type(bath).__name__}; leave real_axis out: in a DiscreteBath of up to 9 sites "
            "spectral(w) works without it"
        )
    V = float(problem.V or 0.0)
    strength = abs(V) * math.sqrt(bath.norm)
    reach = bath.D + abs(level0) + 2.0 * strength
    far = SPREAD * reach + U + abs(problem.eps)
    h = min(1.0 / (PER_T * beta), 0.01 * bath.D, 0.05 * strength)
    half = math.ceil(far / h)
    if half > MAX_POINTS // 2:
        raise ValueError(
            f"IPT on the real axis would need {2 * half:.1e} points at beta = {beta:g} (at most "
            f"{MAX_POINTS}): the temperature is too low for a uniform grid"
        )
    w = np.asarray(h * np.arange(-half, half + 1), dtype=np.float64)
    density = V * V * bath.density(w)
    Delta = uniform_hilbert(density) - 1j * math.pi * density
    p = cell_weights(np.asarray(w - level0 - Delta + 1j * SHARP * h), h)
    p /= np.sum(p)
    x = np.exp(-beta * np.abs(w))
    filled = np.where(w > 0.0, x, 1.0) / (1.0 + x)
    a, b = p * filled[::-1], p * filled
    size = 1 << math.ceil(math.log2(6 * half + 4))
    ahead, behind = np.fft.rfft(a, size), np.fft.rfft(b, size)
    # x + y - z, z counted from the other end: the sum begins at -3 far
    forward = np.fft.irfft(ahead * ahead * np.fft.rfft(b[::-1], size), size)
    forward += np.fft.irfft(behind * behind * np.fft.rfft(a[::-1], size), size)
    second = np.maximum(forward[2 * half : 4 * half + 1], 0.0) * (U * U / h)
    Sigma2 = np.asarray(uniform_hilbert(second) - 1j * math.pi * second)
    Sigma = U * n + A * Sigma2 / (1.0 - B * Sigma2)
    # bound states beside the band are poles, too
    spectrum = cell_weights(np.asarray(w - problem.eps - Delta - Sigma + 1j * SHARP * h), h) / h
    G = uniform_hilbert(spectrum) - 1j * math.pi * spectrum

    found: tuple[ComplexArray, ...] = tuple(
        np.asarray(values, dtype=np.complex128) for values in (G, Sigma)
    )
    return RealAxisFunction(w, found[0], beta), RealAxisFunction(w, found[1], beta)
