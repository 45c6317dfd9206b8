"""The bath in a self-consistency loop: Delta(i w_n), or the density -Im Delta(w) / pi.

The level enters as its detuning ``eps + U/2``, zero at half filling. Solvers on the real axis take
the density. The Green function of the lattice closes the loop:
``Delta = (D/2)**2 / (z - eps - Sigma - Delta)``, solved for Delta. The fixed points are those of
``Delta = (D/2)**2 G``, up to the error of a fitted bath. Without interaction one step suffices at
any filling, whereas ``Delta = (D/2)**2 G`` rotates the phase of Delta(0) and approaches the fixed
point only by w_0 / D per step.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.densities import SemicircularBand
from kadanoff.bands.tabulated import TabulatedBand
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import Impurity, half_filling
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.hubbard1 import atom
from kadanoff.dmft.solvers.nrg import real_grid
from kadanoff.dmft.solvers.quadrature import band_star
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic
from kadanoff.greens.kramers_kronig import checked_frequencies
from kadanoff.greens.matsubara_function import trace

__all__ = ["Lattice", "MatsubaraAxis", "RealAxis", "SelfConsistency", "bethe_delta"]

EMPTY = 1e-9
"""Smallest density of a bath, relative to the largest of the free lattice: a gap stays visible."""

QUADRATURE = 32
"""Parts of an interval of real frequencies, in integrals of densities that end as a root."""

MAX_RISE = 16.0
"""Levels rise by no more than this in one iteration, in units of the half bandwidth."""


@dataclass(frozen=True)
class Lattice:
    """The parameters of a loop that do not change."""

    U: float
    beta: float
    D: float
    symmetric: bool


def bethe_delta(zeta: ComplexArray, D: float) -> ComplexArray:
    """The Delta of ``Delta = (D/2)**2 / (zeta - Delta)`` with Im Delta <= 0 for Im zeta >= 0.

    Examples
    --------
    >>> bethe_delta(np.array([0.0 + 1e-12j]), 1.0).round(6)
    array([0.-0.5j])
    """
    root = np.sqrt(zeta - D) * np.sqrt(zeta + D)
    return np.asarray(0.5 * (zeta - root))


class SelfConsistency(ABC):
    """The current bath, as numbers that can be mixed.

    Attributes
    ----------
    lattice : Lattice
        The fixed parameters of the loop.
    tolerance : float
        Residual at which a loop stops by default.
    settings : mapping
        Options of the solver that belong to the bath, such as a frequency grid.
    frequencies : int
        Number of Matsubara frequencies of a solution.
    unit : float
        Unit of a level among the numbers of the bath, so that mixing does not depend on units.
    """

    lattice: Lattice
    unit: float = 1.0
    frequencies: int
    tolerance: float = 1e-6
    settings: Mapping[str, Any]

    @property
    @abstractmethod
    def vector(self) -> FloatArray:
        """The current bath."""

    @abstractmethod
    def problem(self, detuning: float) -> Impurity:
        """The impurity in this bath, its level at ``detuning - U/2``."""

    @abstractmethod
    def output(self, solution: Solution, shift: float = 0.0) -> FloatArray:
        """The bath that follows from a solution, its levels shifted, in the numbers of `vector`."""

    @abstractmethod
    def occupation(self, solution: Solution, shift: float = 0.0) -> float:
        """Occupation of the lattice with the self-energy of a solution, all levels shifted."""

    def shift(self, solution: Solution, target: float) -> float:
        """The shift of the levels at which the lattice has the target occupation."""
        from scipy.optimize import brentq

        D = self.lattice.D

        def excess(shift: float) -> float:
            return self.occupation(solution, shift) - target

        here = excess(0.0)
        if here == 0.0:
            return 0.0
        far = math.copysign(0.125 * D, here)  # the occupation falls as the levels rise
        while excess(far) * here > 0.0:
            if abs(far) > MAX_RISE * D:
                return far
            far *= 2.0
        return float(brentq(excess, 0.0, far, xtol=1e-13 * D))

    def possible(self, mixed: FloatArray) -> bool:
        """Whether a mixture is a possible bath; an extrapolation may not be."""
        return True

    @abstractmethod
    def take(self, mixed: FloatArray) -> None:
        """Take a mixture as the current bath."""

    @abstractmethod
    def residual(self, new: FloatArray) -> float:
        """Largest change of Delta, relative to the largest of the free lattice."""

    def noise(self, solution: Solution) -> float:
        """Largest statistical error of `output`, in units of `residual`; zero without one."""
        return 0.0


def free(beta: float, D: float) -> GreenFunction:
    """G of the free lattice."""
    return GreenFunction.own(*band_star(SemicircularBand(D), beta), beta)


class MatsubaraAxis(SelfConsistency):
    """Delta(i w_n), with the moments of its tail."""

    def __init__(
        self, lattice: Lattice, start: str | Solution, detuning: float, frequencies: int | None
    ) -> None:
        self.lattice = lattice
        U, beta, D = lattice.U, lattice.beta, lattice.D
        if frequencies is None:
            widest = 40.0 * (D + U + abs(detuning))
            frequencies = min(max(512, math.ceil(0.5 * widest * beta / math.pi)), 8192)
        self.frequencies = frequencies
        self.settings = {}
        self.unit = D
        # Delta and m_0, m_1, ... of its tail are mixed as numbers of the order of one.
        self.units = np.concatenate([np.full(2 * frequencies, D), D ** np.arange(2.0, 6.0)])
        quarter = 0.25 * D * D
        if isinstance(start, Solution):
            G, moments = start.G, _moments(start)
        else:
            if start == "metal":
                G = free(beta, D)
            else:
                level = detuning + half_filling(U)
                n = atom(U, level, beta)[0]
                G = GreenFunction.own(np.array([level, level + U]), np.array([1.0 - n, n]), beta)
            moments = tuple(float(m) for m in G.moments(4))
        self._keep(quarter * G.iw(frequencies), tuple(quarter * m for m in moments))
        self.scale = quarter * abs(complex(free(beta, D)(1j * fermionic(beta, 1))[0]))

    def _keep(self, Delta: ComplexArray, moments: tuple[float, ...]) -> None:
        if self.lattice.symmetric:  # rounding would grow along an unstable direction
            Delta = np.asarray(1j * Delta.imag, dtype=np.complex128)
            moments = tuple(0.0 if k % 2 else m for k, m in enumerate(moments))
        self.Delta, self.moments = Delta, moments

    @property
    def vector(self) -> FloatArray:
        """Re and Im Delta, and the moments of the tail, which mix linearly, in powers of D."""
        return np.asarray(
            np.concatenate([self.Delta.real, self.Delta.imag, self.moments]) / self.units
        )

    def problem(self, detuning: float) -> Impurity:
        """The impurity in a MatsubaraBath."""
        bath = MatsubaraBath.own(self.Delta, self.moments)
        eps = detuning + half_filling(self.lattice.U)
        return Impurity.own(self.lattice.U, self.lattice.beta, bath, eps)

    def _closed(self, solution: Solution, shift: float) -> tuple[ComplexArray, FloatArray]:
        """The lattice's Delta for the solution's Sigma, and its moments."""
        zeta = 1j * solution.w_n - solution.problem.eps - solution.Sigma_iw - shift
        # 1/G = z - a_1 - a_2/z - a_3/z**2; in a_2 and a_3 the lattice replaces the bath.
        quarter = 0.25 * self.lattice.D**2
        bath = solution.diagnostics.get("bath")
        solved = solution.problem
        if bath is not None:
            solved = Impurity.own(solved.U, solved.beta, bath, solved.eps)
        d0, d1, *_ = solved.Delta_moments()
        _, m1, m2, m3 = _moments(solution)
        a1 = m1 + shift
        a2 = m2 - m1**2 - d0 + quarter
        a3 = m3 - 2.0 * m1 * m2 + m1**3 - d1 + quarter * a1
        square = a2 + a1**2
        moments = quarter * np.array([1.0, a1, square, a3 + 2.0 * a1 * square - a1**3])
        return bethe_delta(zeta, self.lattice.D), moments

    def output(self, solution: Solution, shift: float = 0.0) -> FloatArray:
        """Delta(i w_n) and its moments from Sigma(i w_n)."""
        new, moments = self._closed(solution, shift)
        return np.asarray(np.concatenate([new.real, new.imag, moments]) / self.units)

    def occupation(self, solution: Solution, shift: float = 0.0) -> float:
        """Lattice occupation: n_imp + 4/beta sum_n Re [G_lat(i w_n) - G_imp(i w_n)]."""
        new, moments = self._closed(solution, shift)
        quarter, beta = 0.25 * self.lattice.D**2, self.lattice.beta
        more = np.asarray(new / quarter - solution.G_iw)
        m0, m1, m2 = (
            float(a / quarter - b) for a, b in zip(moments[:3], _moments(solution)[:3], strict=True)
        )
        return solution.n + 2.0 * trace(beta, more, (m0, m1, m2))

    def possible(self, mixed: FloatArray) -> bool:
        """Whether the tail belongs to a non-negative density."""
        m0, m1, m2, _ = mixed[2 * self.frequencies :]
        return bool(m0 > 0.0 and m0 * m2 > m1 * m1)

    def take(self, mixed: FloatArray) -> None:
        """Delta and its tail from the mixture."""
        n = self.frequencies
        mixed = mixed * self.units
        Delta = mixed[:n] + 1j * np.minimum(mixed[n : 2 * n], 0.0)
        self._keep(Delta, tuple(float(m) for m in mixed[2 * n :]))

    def residual(self, new: FloatArray) -> float:
        """max |change of Delta(i w_n)| over that of the free lattice at w_0."""
        n = self.frequencies
        change = new - self.vector
        return float(np.max(np.hypot(change[:n], change[n : 2 * n]))) * self.unit / self.scale

    def noise(self, solution: Solution) -> float:
        """The largest (D/2)**2 dG / |1 - (D/2)**2 G**2|, over Delta of the free lattice at w_0."""
        error = solution.diagnostics.get("G_iw_error", 0.0)
        quarter = 0.25 * self.lattice.D**2
        return (
            float(np.max(quarter * error / np.abs(1.0 - quarter * solution.G_iw**2))) / self.scale
        )


def _moments(solution: Solution) -> tuple[float, ...]:
    """m_0 ... m_3 of G."""
    G = solution.G
    if isinstance(G, GreenFunction):
        return tuple(float(m) for m in G.power_sums(4))
    return G.moments[:4]


class RealAxis(SelfConsistency):
    """-Im Delta(w) / pi on a grid of real frequencies."""

    tolerance = 1e-3  # above the jumps of spectra when the number of kept states changes

    def __init__(
        self,
        lattice: Lattice,
        start: str | Solution,
        detuning: float,
        frequencies: int | None,
        omega: ArrayLike | None,
    ) -> None:
        self.lattice = lattice
        U, beta, D = lattice.U, lattice.beta, lattice.D
        self.scale = 0.5 * D / math.pi
        self.frequencies = 512 if frequencies is None else frequencies
        if isinstance(start, Solution) and start.G_w is None:
            raise ValueError(
                f"start is a solution by {start.solver!r}, which knows no real frequencies; "
                "start from 'metal', 'insulator' or a solution of the same solver"
            )
        if omega is not None:
            self.omega = checked_frequencies(omega)
        elif isinstance(start, Solution) and start.G_w is not None:
            self.omega = start.G_w.omega
        else:
            self.omega = real_grid(1.0 / beta, 2.5 * D + U + abs(detuning))
        if not self.omega[0] < -D < D < self.omega[-1]:
            raise ValueError(
                f"omega must reach beyond the band, |w| <= D = {D:g}, on both sides, got "
                f"{self.omega[0]:g} to {self.omega[-1]:g}"
            )
        if lattice.symmetric and not np.allclose(self.omega, -self.omega[::-1], atol=1e-12 * D):
            raise ValueError("omega must be symmetric about zero at half filling")
        self.settings = {"omega": self.omega}
        if isinstance(start, Solution) and start.G_w is not None:
            self._keep(0.25 * D * D * start.G_w.spectrum(self.omega))
            return

        def band(centre: float, half: float) -> FloatArray:
            x = (self.omega - centre) / half
            return np.asarray(2.0 / (math.pi * half) * np.sqrt(np.maximum(1.0 - x * x, 0.0)))

        if start == "metal":
            A = band(0.0, D)
        else:
            # Hubbard bands, narrow enough to leave a gap.
            level, half = detuning + half_filling(U), min(D, 0.45 * max(U, 1e-3 * D))
            n = atom(U, level, beta)[0]
            A = (1.0 - n) * band(level, half) + n * band(level + U, half)
        self._keep(0.25 * D * D * A)

    def _keep(self, density: FloatArray) -> None:
        if self.lattice.symmetric:
            density = 0.5 * (density + density[::-1])
        self.density = np.maximum(density, EMPTY * self.scale)

    @property
    def vector(self) -> FloatArray:
        """The density."""
        return self.density

    def problem(self, detuning: float) -> Impurity:
        """The impurity in a TabulatedBand."""
        bath = TabulatedBand(self.omega, self.density)
        eps = detuning + half_filling(self.lattice.U)
        return Impurity(self.lattice.U, self.lattice.beta, bath, eps)

    def _closed(
        self, solution: Solution, shift: float, parts: int = 1
    ) -> tuple[FloatArray, FloatArray]:
        """Frequencies, and the density at them; Sigma is linear between those of the solution."""
        assert solution.Sigma_w is not None
        known, Sigma = solution.Sigma_w.omega, solution.Sigma_w.values
        grid = np.interp(np.arange((known.size - 1) * parts + 1) / parts, range(known.size), known)
        Sigma = np.interp(grid, known, Sigma.real) + 1j * np.interp(grid, known, Sigma.imag)
        zeta = grid - solution.problem.eps - Sigma - shift
        return grid, np.maximum(-bethe_delta(zeta, self.lattice.D).imag / math.pi, 0.0)

    def occupation(self, solution: Solution, shift: float = 0.0) -> float:
        """Lattice occupation: n_imp + 2 int f(w) [A_lat(w) - A_imp(w)] dw, both A normalised.

        The density ends as a square root, between two frequencies: a trapezoid on the grid of the
        solution lacks 7e-4 of a free lattice.
        """
        from scipy.special import expit

        assert solution.G_w is not None
        grid, density = self._closed(solution, shift, QUADRATURE)
        fermi = expit(-self.lattice.beta * grid)
        lattice, impurity = (
            float(np.trapezoid(A * fermi, grid) / np.trapezoid(A, grid))
            for A in (density, solution.G_w.spectrum(grid))
        )
        return solution.n + 2.0 * (lattice - impurity)

    def output(self, solution: Solution, shift: float = 0.0) -> FloatArray:
        """-Im Delta(w) / pi from Sigma(w)."""
        grid, density = self._closed(solution, shift)
        if self.lattice.symmetric:
            density = 0.5 * (density + density[::-1])
        return np.asarray(np.interp(self.omega, grid, density, left=0.0, right=0.0))

    def take(self, mixed: FloatArray) -> None:
        """The density from the mixture."""
        self._keep(mixed)

    def residual(self, new: FloatArray) -> float:
        """max |change of -Im Delta / pi| over the largest of the free lattice."""
        return float(np.max(np.abs(new - self.density))) / self.scale
