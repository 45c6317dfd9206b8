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
from kadanoff.bands.tabulated import TabulatedBand
from kadanoff.dmft.lattices import Bethe, Dispersion, Lattice
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import Impurity, half_filling
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.hubbard1 import atom
from kadanoff.dmft.solvers.nrg import real_grid
from kadanoff.greens import GreenFunction, LegendreSeries, MatsubaraFunction
from kadanoff.greens.grids import fermionic
from kadanoff.greens.kramers_kronig import checked_frequencies
from kadanoff.greens.matsubara_function import trace

__all__ = ["MatsubaraAxis", "RealAxis", "SelfConsistency", "Setting", "moments_of"]

EMPTY = 1e-9
"""Smallest density of a bath, relative to the largest of the free lattice: a gap stays visible."""

UNOCCUPIED, NARROW = 1e-6, 0.05
"""Weight of the poles of an atom that are left out of a start, and the least half width of the
bands around the others, in units of D."""

QUADRATURE = 32
"""Parts of an interval of real frequencies, in integrals of densities that end as a root."""

MAX_RISE = 16.0
"""Levels rise by no more than this in one iteration, in units of the half bandwidth."""


@dataclass(frozen=True)
class Setting:
    """The parameters of a loop that do not change; energies are measured from the lattice's mean.

    Attributes
    ----------
    U, beta : float
        Repulsion and inverse temperature.
    lattice : Lattice
        The lattice, whose density of states has mean zero.
    symmetric : bool
        Whether particles and holes are equivalent.
    """

    U: float
    beta: float
    lattice: Lattice
    symmetric: bool

    @property
    def D(self) -> float:
        """Half bandwidth."""
        return self.lattice.D


class SelfConsistency(ABC):
    """The current bath, as numbers that can be mixed.

    Attributes
    ----------
    setting : Setting
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

    setting: Setting
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

    def occupation(self, solution: Solution, shift: float = 0.0) -> float:
        """Occupation of the lattice with the self-energy of a solution, all levels shifted."""
        if self.setting.U == 0.0:  # whatever the error of the bath, and of the solver in it
            return self.setting.lattice.free(solution.problem.eps + shift, self.setting.beta)[0]
        return self._occupation(solution, shift)

    def kinetic_energy(self, solution: Solution) -> float:
        """``2 T sum_n int e rho(e) / (i w_n - eps - Sigma - e) de``, e from the lattice's mean."""
        if self.setting.U == 0.0:
            return self.setting.lattice.free(solution.problem.eps, self.setting.beta)[1]
        return self._kinetic_energy(solution)

    @abstractmethod
    def _occupation(self, solution: Solution, shift: float) -> float:
        """As `occupation`, with interaction."""

    @abstractmethod
    def _kinetic_energy(self, solution: Solution) -> float:
        """As `kinetic_energy`, with interaction."""

    def shift(self, solution: Solution, target: float) -> float:
        """The shift of the levels at which the lattice has the target occupation."""
        from scipy.optimize import brentq

        D = self.setting.D

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


class MatsubaraAxis(SelfConsistency):
    """Delta(i w_n), with the moments of its tail."""

    def __init__(
        self, setting: Setting, start: str | Solution, detuning: float, frequencies: int | None
    ) -> None:
        self.setting = setting
        U, beta, D = setting.U, setting.beta, setting.D
        if frequencies is None:
            widest = 40.0 * (D + abs(U) + abs(detuning))
            frequencies = min(max(512, math.ceil(0.5 * widest * beta / math.pi)), 8192)
        self.frequencies = frequencies
        self.settings = {}
        self.unit = D
        self._known: tuple[Solution, tuple[float, float], tuple[float, ...]] | None = None
        # Delta and m_0, m_1, ... of its tail are mixed as numbers of the order of one.
        self.units = np.concatenate([np.full(2 * frequencies, D), D ** np.arange(2.0, 6.0)])
        lattice, z = setting.lattice, 1j * fermionic(beta, frequencies).astype(np.complex128)
        self.scale = abs(complex(lattice.unchecked_delta(z[:1])[0]))
        first = lattice.delta_moments[0]
        if isinstance(start, Solution) and isinstance(lattice, Bethe):
            moments = tuple(first * m for m in moments_of(start.G))
            self._keep(first * start.G.iw(frequencies), moments)
        elif isinstance(start, Solution):
            Delta, found = self._closed(start, 0.0)
            moments = tuple(float(m) for m in found)
            missing = z[Delta.size :]
            tail = np.asarray(sum(m / missing ** (k + 1) for k, m in enumerate(moments)))
            self._keep(np.concatenate([Delta[:frequencies], tail.ravel()]), moments)
        elif start == "metal":
            self._keep(lattice.unchecked_delta(z), lattice.delta_moments)
        else:
            level = detuning + half_filling(U)
            n = atom(U, level, beta)[0]
            G = GreenFunction.own(np.array([level, level + U]), np.array([1.0 - n, n]), beta)
            self._keep(first * G.iw(frequencies), tuple(first * float(m) for m in G.moments(4)))

    def _keep(self, Delta: ComplexArray, moments: tuple[float, ...]) -> None:
        if self.setting.symmetric:  # rounding would grow along an unstable direction
            Delta = np.asarray(1j * Delta.imag, dtype=np.complex128)
            moments = tuple(0.0 if k % 2 else m for k, m in enumerate(moments))
        self.Delta, self.moments = Delta, moments

    @property
    def vector(self) -> FloatArray:
        """Re and Im Delta, and the moments of the tail, which mix linearly, in powers of D."""
        return np.asarray(
            np.concatenate([self.Delta.real, self.Delta.imag, self.moments]) / self.units
        )

    @property
    def bath(self) -> MatsubaraBath:
        """The current bath."""
        return MatsubaraBath.own(self.Delta, self.moments)

    def problem(self, detuning: float) -> Impurity:
        """The impurity in a MatsubaraBath."""
        eps = detuning + half_filling(self.setting.U)
        return Impurity.own(self.setting.U, self.setting.beta, self.bath, eps)

    def _tails(self, solution: Solution) -> tuple[tuple[float, float], tuple[float, ...]]:
        """The moments of the bath and of G; those of the last solution are kept."""
        if self._known is None or self._known[0] is not solution:
            self._known = solution, _bath_moments(solution), moments_of(solution.G)
        return self._known[1:]

    def _closed(self, solution: Solution, shift: float) -> tuple[ComplexArray, FloatArray]:
        """The lattice's Delta for the solution's Sigma, and its moments."""
        zeta = 1j * solution.w_n - solution.problem.eps - solution.Sigma_iw - shift
        # 1/G = z - a_1 - a_2/z - a_3/z^2, less that of Delta, gives the tail of Sigma.
        (d0, d1), (_, m1, m2, m3) = self._tails(solution)
        level, s1 = m1 + shift, m2 - m1**2 - d0
        s2 = m3 - 2.0 * m1 * m2 + m1**3 - d1
        c0, c1, c2, c3 = self.setting.lattice.delta_moments
        # Delta = c_0/zeta + c_1/zeta^2 + ..., zeta = z - level - s_1/z - s_2/z^2.
        moments = np.array(
            [
                c0,
                c0 * level + c1,
                c0 * (level**2 + s1) + 2.0 * c1 * level + c2,
                c0 * (level**3 + 2.0 * level * s1 + s2)
                + c1 * (3.0 * level**2 + 2.0 * s1)
                + 3.0 * c2 * level
                + c3,
            ]
        )
        return self.setting.lattice.unchecked_delta(zeta), moments

    def output(self, solution: Solution, shift: float = 0.0) -> FloatArray:
        """Delta(i w_n) and its moments from Sigma(i w_n)."""
        new, moments = self._closed(solution, shift)
        return np.asarray(np.concatenate([new.real, new.imag, moments]) / self.units)

    def _occupation(self, solution: Solution, shift: float) -> float:
        """Lattice occupation: n_imp + 4/beta sum_n Re [G_lat(i w_n) - G_imp(i w_n)]."""
        zeta = 1j * solution.w_n - solution.problem.eps - solution.Sigma_iw - shift
        more = np.asarray(self.setting.lattice.unchecked_hilbert(zeta) - solution.G_iw)
        # Those of the lattice, with s_1 from the impurity: <e^2> in place of its bath.
        (d0, _), (m0, m1, m2, _) = self._tails(solution)
        level = m1 + shift
        second = level**2 + (m2 - m1**2 - d0) + self.setting.lattice.delta_moments[0]
        beta = self.setting.beta
        return solution.n + 2.0 * trace(beta, more, (1.0 - m0, level - m1, second - m2))

    def _kinetic_energy(self, solution: Solution) -> float:
        """``2 T sum_n Delta G``: measured by "cthyb", else that of free electrons and the rest.

        The free electrons are at the level with its Hartree shift, so that the rest falls as
        w_n**-4. In a converged loop "cthyb" has measured the sum, as -<k> / beta.
        """
        measured = solution.diagnostics.get("kinetic_energy")
        if measured is not None:
            return float(measured)
        lattice, beta = self.setting.lattice, self.setting.beta
        level = self._tails(solution)[1][1]
        zeta = 1j * solution.w_n - solution.problem.eps - solution.Sigma_iw
        free = np.asarray(1j * solution.w_n - level, dtype=np.complex128)
        more = zeta * lattice.unchecked_hilbert(zeta) - free * lattice.unchecked_hilbert(free)
        return lattice.free(level, beta)[1] + 2.0 * trace(beta, more, (0.0, 0.0, 0.0))

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
        """The largest dDelta/dzeta dSigma, over Delta of the free lattice at w_0."""
        error = solution.diagnostics.get("G_iw_error", 0.0)
        if not np.any(error):
            return 0.0
        zeta = 1j * solution.w_n - solution.problem.eps - solution.Sigma_iw
        slope = np.abs(self.setting.lattice.derivative(zeta))
        return float(np.max(slope * error / np.abs(solution.G_iw) ** 2)) / self.scale


def moments_of(G: GreenFunction | LegendreSeries | MatsubaraFunction) -> tuple[float, ...]:
    """m_0 ... m_3 of G."""
    if isinstance(G, GreenFunction):
        return tuple(float(m) for m in G.power_sums(4))
    return G.moments[:4]


def _bath_moments(solution: Solution) -> tuple[float, float]:
    """The first two moments of the bath that was solved, the fitted one where there is one."""
    bath, solved = solution.diagnostics.get("bath"), solution.problem
    if bath is not None:
        solved = Impurity.own(solved.U, solved.beta, bath, solved.eps)
    d0, d1, *_ = solved.Delta_moments()
    return float(d0), float(d1)


class RealAxis(SelfConsistency):
    """-Im Delta(w) / pi on a grid of real frequencies."""

    tolerance = 1e-3  # above the jumps of spectra when the number of kept states changes

    def __init__(
        self,
        setting: Setting,
        start: str | Solution | GreenFunction,
        detuning: float,
        frequencies: int | None,
        omega: ArrayLike | None,
        *,
        own: bool = False,
        cut: float = 0.0,
    ) -> None:
        self.setting, self.cut = setting, cut
        U, beta, D = setting.U, setting.beta, setting.D
        lattice = setting.lattice
        if isinstance(lattice, Dispersion):
            raise ValueError(
                "lattice must have a density of states for a solver on the real axis: give it as "
                "a table, kadanoff.dmft.lattices.Tabulated(e, rho)"
            )
        self.frequencies = 512 if frequencies is None else frequencies
        if isinstance(start, Solution) and start.G_w is None:
            raise ValueError(
                f"start is a solution by {start.solver!r}, which knows no real frequencies; "
                "start from 'metal', 'insulator' or a solution of the same solver"
            )
        if omega is not None:
            self.omega = checked_frequencies(omega)
        elif isinstance(start, Solution) and start.G_w is not None and not own:
            self.omega = start.G_w.omega
        else:
            self.omega = real_grid(1.0 / beta, 2.5 * D + U + abs(detuning))
        if not self.omega[0] < -D < D < self.omega[-1]:
            raise ValueError(
                f"omega must reach beyond the band, |w| <= D = {D:g}, on both sides, got "
                f"{self.omega[0]:g} to {self.omega[-1]:g}"
            )
        if setting.symmetric and not np.allclose(self.omega, -self.omega[::-1], atol=1e-12 * D):
            raise ValueError("omega must be symmetric about zero at half filling")
        self.settings = {} if own else {"omega": self.omega}
        free = self._density(self.omega.astype(np.complex128))
        self.scale = float(np.max(free))
        first = lattice.delta_moments[0]
        if isinstance(start, Solution) and start.G_w is not None:
            if isinstance(lattice, Bethe):
                self._keep(first * start.G_w.spectrum(self.omega))
            else:
                self._keep(self.output(start))
        elif start == "metal":
            self._keep(free)
        elif isinstance(start, GreenFunction):
            self._keep(first * self._around(start))
        else:
            # Hubbard bands, narrow enough to leave a gap.
            level, half = detuning + half_filling(U), min(D, 0.45 * max(U, 1e-3 * D))
            n = atom(U, level, beta)[0]
            self._keep(
                first * ((1.0 - n) * self._band(level, half) + n * self._band(level + U, half))
            )

    def _around(self, atom: GreenFunction) -> FloatArray:
        """Bands around the levels of an atom, narrow enough to leave its gap at the Fermi level."""
        used = atom.weights > UNOCCUPIED
        energies, weights = atom.energies[used], atom.weights[used]
        half = min(self.setting.D, 0.9 * float(np.min(np.abs(energies))))
        half = max(half, NARROW * self.setting.D)
        bands = zip(energies, weights / np.sum(weights), strict=True)
        return np.asarray(sum(weight * self._band(e, half) for e, weight in bands))

    def _density(self, zeta: ComplexArray) -> FloatArray:
        return np.maximum(-self.setting.lattice.unchecked_delta(zeta).imag / math.pi, 0.0)

    def _band(self, centre: float, half: float) -> FloatArray:
        x = (self.omega - centre) / half
        return np.asarray(2.0 / (math.pi * half) * np.sqrt(np.maximum(1.0 - x * x, 0.0)))

    def _keep(self, density: FloatArray) -> None:
        if self.setting.symmetric:
            density = 0.5 * (density + density[::-1])
        self.density = np.maximum(density, EMPTY * self.scale)

    @property
    def vector(self) -> FloatArray:
        """The density."""
        return self.density

    @property
    def bath(self) -> TabulatedBand:
        """The current bath, without the share `cut` of its weight at either end."""
        if self.cut == 0.0:
            return TabulatedBand(self.omega, self.density)
        steps = 0.5 * np.diff(self.omega) * (self.density[1:] + self.density[:-1])
        below = np.concatenate([[0.0], np.cumsum(steps)]) / np.sum(steps)
        above = np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]]) / np.sum(steps)
        used = (below > self.cut) & (above > self.cut)
        used[:-1] |= used[1:]  # one more on each side, where the density may end
        used[1:] |= used[:-1].copy()
        return TabulatedBand(self.omega[used], self.density[used])

    def problem(self, detuning: float) -> Impurity:
        """The impurity in a TabulatedBand."""
        eps = detuning + half_filling(self.setting.U)
        return Impurity(self.setting.U, self.setting.beta, self.bath, eps)

    def _zeta(
        self, solution: Solution, shift: float, parts: int = 1
    ) -> tuple[FloatArray, ComplexArray]:
        """Frequencies, and w - eps - Sigma; Sigma is linear between those of the solution."""
        assert solution.Sigma_w is not None
        known, Sigma = solution.Sigma_w.omega, solution.Sigma_w.values
        grid = np.interp(np.arange((known.size - 1) * parts + 1) / parts, range(known.size), known)
        Sigma = np.interp(grid, known, Sigma.real) + 1j * np.interp(grid, known, Sigma.imag)
        zeta = grid - solution.problem.eps - shift - Sigma.real - 1j * np.minimum(Sigma.imag, 0.0)
        return grid, np.asarray(zeta, dtype=np.complex128)

    def _occupation(self, solution: Solution, shift: float) -> float:
        """Lattice occupation: n_imp + 2 int f(w) [A_lat(w) - A_imp(w)] dw, both A normalised.

        The density ends as a square root, between two frequencies: a trapezoid on the grid of the
        solution lacks 7e-4 of a free lattice.
        """
        from scipy.special import expit

        assert solution.G_w is not None
        grid, zeta = self._zeta(solution, shift, QUADRATURE)
        fermi = expit(-self.setting.beta * grid)
        of_lattice = np.maximum(-self.setting.lattice.unchecked_hilbert(zeta).imag, 0.0)
        lattice, impurity = (
            float(np.trapezoid(A * fermi, grid) / np.trapezoid(A, grid))
            for A in (of_lattice, solution.G_w.spectrum(grid))
        )
        return solution.n + 2.0 * (lattice - impurity)

    def _kinetic_energy(self, solution: Solution) -> float:
        """``-2/pi int f(w) Im (zeta G) dw``, for a density of states with weight one."""
        from scipy.special import expit

        grid, zeta = self._zeta(solution, 0.0, QUADRATURE)
        G = self.setting.lattice.unchecked_hilbert(zeta)
        A = np.maximum(-G.imag, 0.0)
        filled = -(zeta * G).imag * expit(-self.setting.beta * grid)
        return 2.0 * float(np.trapezoid(filled, grid) / np.trapezoid(A, grid))

    def output(self, solution: Solution, shift: float = 0.0) -> FloatArray:
        """-Im Delta(w) / pi from Sigma(w)."""
        grid, zeta = self._zeta(solution, shift)
        density = self._density(zeta)
        if self.setting.symmetric:
            density = 0.5 * (density + density[::-1])
        return np.asarray(np.interp(self.omega, grid, density, left=0.0, right=0.0))

    def take(self, mixed: FloatArray) -> None:
        """The density from the mixture."""
        self._keep(mixed)

    def residual(self, new: FloatArray) -> float:
        """max |change of -Im Delta / pi| over the largest of the free lattice."""
        return float(np.max(np.abs(new - self.density))) / self.scale
