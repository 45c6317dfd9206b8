"""Self-energies that are causal by construction: Hartree and poles of positive weight.

``Sigma(z) = U n/2 + s_1 sum_k p_k / (z - x_k)``, ``p_k >= 0``, ``sum_k p_k = 1``,
``s_1 = U**2 n/2 (1 - n/2)``.

Real and imaginary part, tail and jump belong together, whatever a regression has proposed. The
weights are the nearest such Sigma at a few frequencies (non-negative least squares); half filling
makes them even.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kadanoff import _core
from kadanoff.greens.grids import ComplexArray, FloatArray

__all__ = ["PoleGrid", "Projected"]

TAIL = 1e3  # weight of the sum rule in the fit; it is exact after the last rescaling


@dataclass(frozen=True, eq=False)
class Projected:
    """A causal self-energy.

    Attributes
    ----------
    hartree : float
        U n/2.
    poles, weights : (M,) arrays
        Not negative; their sum is s_1.
    misfit : float
        Largest distance from what was proposed, over the largest |Sigma - Hartree|.
    """

    hartree: float
    poles: FloatArray
    weights: FloatArray
    misfit: float

    def iw(self, w: FloatArray) -> ComplexArray:
        """Sigma(i w)."""
        z = np.asarray(1j * w, dtype=np.complex128)
        rest = _core.poles_at_points(self.poles, self.weights[None, :], z)[0]
        return np.asarray(self.hartree + rest)

    @property
    def tail(self) -> tuple[float, float, float]:
        """s_0, s_1, s_2 of ``Sigma = s_0 + s_1/z + s_2/z**2 + ...``"""
        moments = float(np.sum(self.weights)), float(np.sum(self.weights * self.poles))
        return (self.hartree, *moments)


@dataclass(frozen=True, eq=False)
class PoleGrid:
    """Where poles may stand, for frequencies in units of pi/beta.

    Parameters
    ----------
    odd : (N,) array of float
        2n + 1 of the frequencies at which a self-energy is proposed.
    reach : float
        Furthest pole, in units of pi/beta.
    each : int
        Poles on each side of zero, denser towards it.
    """

    odd: FloatArray
    reach: float
    each: int = 24

    @cached_property
    def poles(self) -> FloatArray:
        """Zero, and sinh-spaced on both sides, in units of pi/beta."""
        step = np.arcsinh(2.0 * self.reach) / self.each
        side = 0.5 * np.sinh(step * np.arange(1, self.each + 1))
        return np.concatenate([-side[::-1], [0.0], side])

    @cached_property
    def kernel(self) -> ComplexArray:
        """1 / (i (2n+1) - x)."""
        return np.asarray(1.0 / (1j * self.odd[:, None] - self.poles))

    def project(
        self, Sigma: ComplexArray, U: float, n: float, beta: float, *, symmetric: bool
    ) -> Projected:
        """The nearest causal self-energy.

        Parameters
        ----------
        Sigma : (N,) array of complex
            What was proposed at the N frequencies.
        U, n, beta : float
            n of both spins; it fixes Hartree term and total weight.
        symmetric : bool
            Half filling: Sigma - U/2 is imaginary and odd.
        """
        from scipy.optimize import nnls

        spin = 0.5 if symmetric else min(max(0.5 * n, 1e-9), 1.0 - 1e-9)
        hartree, s1 = U * spin, U * U * spin * (1.0 - spin)
        unit = np.pi / beta
        if s1 == 0.0:
            return Projected(hartree, np.zeros(1), np.zeros(1), 0.0)
        wanted = (Sigma - hartree) * (unit / s1)  # sum_k p_k / (i odd - x_k)
        size = 1.0 / np.maximum(np.abs(wanted), 1e-12)  # relative errors count
        if symmetric:
            half = self.kernel[:, self.each :].imag.copy()  # x and -x have one weight
            A = np.concatenate([size[:, None] * half, np.full((1, half.shape[1]), TAIL)])
            b = np.concatenate([size * wanted.imag, [TAIL]])
            p, _ = nnls(A, b, maxiter=40 * A.shape[1])
            p = np.concatenate([0.5 * p[:0:-1], p[:1], 0.5 * p[1:]])
        else:
            K = size[:, None] * self.kernel
            A = np.concatenate([K.real, K.imag, np.full((1, K.shape[1]), TAIL)])
            scaled = size * wanted
            b = np.concatenate([scaled.real, scaled.imag, [TAIL]])
            p, _ = nnls(A, b, maxiter=40 * A.shape[1])
        total = float(np.sum(p))
        if total <= 0.0:
            raise ValueError("the proposed self-energy has no causal neighbour")
        p = p / total
        misfit = float(np.max(np.abs(self.kernel @ p - wanted)) / np.max(np.abs(wanted)))
        there = p > 0.0  # a few: the nearest point is on a face of the cone
        return Projected(hartree, self.poles[there] * unit, p[there] * s1, misfit)
