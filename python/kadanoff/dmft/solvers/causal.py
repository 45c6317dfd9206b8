"""Causal functions by construction: poles of positive weight, nearest to values with errors.

A self-energy is its Hartree term and such poles,
``Sigma(z) = U n/2 + s_1 sum_k p_k / (z - x_k)``, ``p_k >= 0``, ``sum_k p_k = 1``,
``s_1 = U**2 n/2 (1 - n/2)``; a hybridisation function has no Hartree term, and ``sum V**2`` in
place of ``s_1``.

Real and imaginary part, tail and jump are then consistent for any proposal of a regression. The
weights minimise the distance from the proposal at a few frequencies in units of its error
(non-negative least squares); at half filling they are even.

The energies of the poles are given, and the fit is made once for a prediction or a noisy run whose
sum rule is known. `kadanoff.greens.causal_fit` answers another question: which poles, over which
range of energies, are behind values from elsewhere, and how uncertain their moments are.

Hartree term and tail contain n, and so does the resulting Green function: `PoleGrid.consistent`
makes them equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kadanoff import _core
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.solvers.embedding import embedded_poles, green_tail
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import fermionic

__all__ = ["PoleGrid", "Projected"]

TAIL = 1e3  # weight of the sum rule in the fit; it is exact after the last rescaling
CLOSE = 1e-8  # difference of n in the Hartree term and in G: far below the errors of learning
SUMMED = 1024  # frequencies of G for a bath without levels


@dataclass(frozen=True, eq=False)
class Projected:
    """A causal self-energy, or another causal function.

    Parameters
    ----------
    hartree : float
        U n/2, the value at infinite frequency.
    poles, weights : array, shape (M,)
        Poles of positive weight; the sum of the weights is s_1.
    misfit : float
        Largest distance from the proposed Sigma, relative to the largest |Sigma - Hartree|.
    """

    hartree: float
    poles: FloatArray
    weights: FloatArray
    misfit: float

    def __repr__(self) -> str:
        return (
            f"Projected(Hartree term {self.hartree:.4g}, {self.poles.size} poles of weight "
            f"{np.sum(self.weights):.4g}, misfit {self.misfit:.2g})"
        )

    def iw(self, w_n: FloatArray) -> ComplexArray:
        """Sigma(i w_n)."""
        z = np.asarray(1j * w_n, dtype=np.complex128)
        rest = _core.poles_at_points(self.poles, self.weights[None, :], z)[0]
        return np.asarray(self.hartree + rest)

    @property
    def tail(self) -> tuple[float, float, float]:
        """s_0, s_1, s_2 of ``Sigma = s_0 + s_1/z + s_2/z**2 + ...``"""
        moments = float(np.sum(self.weights)), float(np.sum(self.weights * self.poles))
        return (self.hartree, *moments)


@dataclass(frozen=True, eq=False)
class PoleGrid:
    """The grid of possible poles, in units of pi/beta.

    Parameters
    ----------
    odd : array of float, shape (N,)
        2n + 1 of the frequencies at which a self-energy is proposed.
    reach : float
        Furthest pole, in units of pi/beta.
    each : int
        Number of poles on each side of zero, denser towards zero.
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

    @cached_property
    def parts(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Real and imaginary part of the kernel, and the latter for poles from zero on."""
        imag = np.ascontiguousarray(self.kernel.imag)
        return np.ascontiguousarray(self.kernel.real), imag, imag[:, self.each :].copy()

    def project(
        self,
        Sigma: ComplexArray,
        U: float,
        n: float,
        beta: float,
        *,
        symmetric: bool,
        error: ComplexArray | None = None,
    ) -> Projected:
        """The nearest causal self-energy.

        Parameters
        ----------
        Sigma : array of complex, shape (N,)
            The proposed values at the N frequencies.
        U, n, beta : float
            n of both spins; it fixes Hartree term and total weight.
        symmetric : bool
            Half filling: Sigma - U/2 is imaginary and odd.
        error : array of complex, shape (N,), optional
            Standard deviations of real and imaginary part of Sigma, positive; by default all
            relative errors of Sigma - Hartree are equal. Only their ratios count.
        """
        spin = 0.5 if symmetric else min(max(0.5 * n, 1e-9), 1.0 - 1e-9)
        hartree, s1 = U * spin, U * U * spin * (1.0 - spin)
        return self.fit(Sigma, hartree, s1, beta, symmetric=symmetric, error=error)

    def fit(
        self,
        values: ComplexArray,
        constant: float,
        total: float,
        beta: float,
        *,
        symmetric: bool,
        error: ComplexArray | None = None,
        also: Sequence[tuple[FloatArray, float]] = (),
    ) -> Projected:
        """The nearest sum of a constant and of poles of positive weight.

        Parameters
        ----------
        values : array of complex, shape (N,)
            The proposed values at the N frequencies.
        constant, total : float
            The constant, and the sum of all weights.
        beta, symmetric, error
            As in `project`.
        also : sequence of (array of float, shape (2 each + 1,), float)
            Rows r and their values y: equations ``sum_k r_k p_k = y`` of the shares p_k, of order
            one, which hold as exactly as positive shares allow.
        """
        from scipy.optimize import nnls

        unit = np.pi / beta
        if total == 0.0:
            return Projected(constant, np.zeros(1), np.zeros(1), 0.0)
        wanted = (values - constant) * (unit / total)  # sum_k p_k / (i odd - x_k)
        if error is None:
            size = np.maximum(np.abs(values - constant), 1e-12 * total / unit)
            error = size * (1.0 + 1.0j)
        first, (real, imag, half) = 1.0 / error.imag, self.parts
        if symmetric:
            # x and -x have one weight
            rows = first[:, None] * half
            against = first * wanted.imag
        else:
            second = 1.0 / error.real
            rows = np.concatenate([second[:, None] * real, first[:, None] * imag])
            against = np.concatenate([second * wanted.real, first * wanted.imag])
        scale = 1.0 / np.abs(rows).max()
        A = np.concatenate(
            [
                rows * scale,
                np.full((1, rows.shape[1]), TAIL),
                *(TAIL * row[None, -rows.shape[1] :] for row, _ in also),
            ]
        )
        b = np.concatenate([against * scale, [TAIL], [TAIL * value for _, value in also]])
        p, _ = nnls(A, b, maxiter=40 * A.shape[1])
        if symmetric:
            p = np.concatenate([0.5 * p[:0:-1], p[:1], 0.5 * p[1:]])
        norm = float(p.sum())
        if norm <= 0.0:
            raise ValueError("the proposed self-energy has no causal neighbour")
        p = p / norm
        missed = np.hypot(real @ p - wanted.real, imag @ p - wanted.imag)
        misfit = float(missed.max() / np.abs(wanted).max())
        some = p > 0.0
        return Projected(constant, self.poles[some] * unit, p[some] * total, misfit)

    def consistent(
        self,
        problem: Impurity,
        Sigma: ComplexArray,
        n: float,
        *,
        symmetric: bool,
        error: ComplexArray | None = None,
    ) -> Projected:
        """The nearest causal self-energy whose n is that of its own Green function.

        n(G) falls as the n of the Hartree term rises: the two meet between n and n(G(n)).

        Parameters
        ----------
        problem : Impurity
            Of which it is the self-energy.
        Sigma, symmetric, error
            As in `project`.
        n : float
            Where to begin.
        """
        from scipy.optimize import brentq

        def at(n: float) -> Projected:
            return self.project(Sigma, problem.U, n, problem.beta, symmetric=symmetric, error=error)

        def excess(n: float) -> float:
            return 2.0 * occupation(problem, at(n)) - n

        if symmetric or problem.U == 0.0:
            return at(n)
        ends = [min(max(n, 0.0), 2.0)]
        off = [excess(ends[0])]
        if abs(off[0]) < CLOSE:
            return at(ends[0])
        ends.append(min(max(ends[0] + off[0], 0.0), 2.0))
        off.append(excess(ends[1]))
        if off[0] * off[1] > 0.0:  # a kink of the fit; n(G) lies in [0, 2] for any n
            ends = [0.0, 2.0]
        return at(float(brentq(excess, *ends, xtol=CLOSE)))


def occupation(problem: Impurity, Sigma: Projected) -> float:
    """Occupation of one spin with this self-energy."""
    level = problem.eps + Sigma.hartree
    G: GreenFunction | MatsubaraFunction | None
    G = embedded_poles(problem, level, Sigma.poles, Sigma.weights)
    if G is None:
        w_n = fermionic(problem.beta, SUMMED)
        values = 1.0 / (1j * w_n - problem.eps - problem.Delta().iw(SUMMED) - Sigma.iw(w_n))
        G = MatsubaraFunction.own(values, problem.beta, green_tail(problem, Sigma.tail))
    return G.occupation
