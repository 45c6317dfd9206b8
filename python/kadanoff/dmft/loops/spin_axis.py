r"""The baths of both spins in a self-consistency loop, in a field or in Neel order.

With ``zeta_s = z - eps_s - Sigma_s`` on one sublattice, and the spins exchanged on the other, the
local Green function of a bipartite lattice is

    G_s = zeta_-s int rho(e) / (zeta_s zeta_-s - e^2) de = zeta_-s G_0(x) / x,  x^2 = zeta_s zeta_-s

so that ``Delta_s = zeta_s - 1 / G_s = sqrt(zeta_s / zeta_-s) Delta_0(x)``. Both factors are in the
upper half plane, and x is the product of their principal roots. Without order
``Delta_s = Delta_0(zeta_s)``.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13, Eq. (97).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.loops.axes import SelfConsistency, Setting, moments_of
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import SPINS, DiscreteBath, Impurity, half_filling
from kadanoff.dmft.solution import Solution
from kadanoff.greens.grids import fermionic
from kadanoff.greens.matsubara_function import trace

__all__ = ["SpinAxis"]

UNORDERED = 1e-3
"""Magnetisation below which a start is a paramagnet, from which no order would grow."""
SEED = 0.25
"""Staggered potential in units of U with which an ordered loop begins."""


@dataclass(frozen=True, eq=False)
class Part:
    """What one spin of a solution contributes.

    Attributes
    ----------
    zeta : array of complex, shape (N,)
        ``i w_n - eps_s - Sigma_s``.
    level, s1, s2 : float
        Coefficients of its tail, ``z - level - s1 / z - s2 / z^2``.
    G_iw : array of complex, shape (N,)
        Green function of the impurity.
    m1, m2 : float
        First two moments of G.
    n : float
        Occupation of the impurity.
    """

    zeta: ComplexArray
    level: float
    s1: float
    s2: float
    G_iw: ComplexArray
    m1: float
    m2: float
    n: float

    def shifted(self, shift: float) -> Part:
        """With the level raised."""
        if shift == 0.0:
            return self
        return Part(
            np.asarray(self.zeta - shift),
            self.level + shift,
            self.s1,
            self.s2,
            self.G_iw,
            self.m1,
            self.m2,
            self.n,
        )


class SpinAxis(SelfConsistency):
    """Delta(i w_n) of both spins, with the moments of their tails.

    Parameters
    ----------
    setting : Setting
        The fixed parameters of the loop.
    start : {"metal", "insulator"} or Solution
        Where the loop begins; with Neel order, the spins are split.
    detuning : float
        The level is ``detuning - U/2``.
    frequencies : int, optional
        Matsubara frequencies.
    field : float
        Field h, of opposite sign on the other sublattice if `ordered`.
    ordered : bool
        Whether the two sublattices have opposite spins.
    """

    def __init__(
        self,
        setting: Setting,
        start: str | Solution,
        detuning: float,
        frequencies: int | None,
        *,
        field: float,
        ordered: bool,
    ) -> None:
        self.setting, self.field, self.ordered = setting, field, ordered
        U, beta, D = setting.U, setting.beta, setting.D
        if frequencies is None:
            widest = 40.0 * (D + abs(U) + abs(detuning) + abs(field))
            frequencies = min(max(512, math.ceil(0.5 * widest * beta / math.pi)), 8192)
        self.frequencies = frequencies
        self.settings = {}
        self.unit = D
        self._known: tuple[Solution, tuple[Part, Part]] | None = None
        one = np.concatenate([np.full(2 * frequencies, D), D ** np.arange(2.0, 6.0)])
        self.units = np.concatenate([one, one])
        z = np.asarray(1j * fermionic(beta, frequencies), dtype=np.complex128)
        self.scale = abs(complex(setting.lattice.unchecked_delta(z[:1])[0]))
        self._begin(z, start, detuning)

    def _begin(self, z: ComplexArray, start: str | Solution, detuning: float) -> None:
        split = self.field + (SEED * abs(self.setting.U) if self.ordered else 0.0)
        if isinstance(start, Solution):
            parts = self._parts(start)
            if self.ordered and abs(start.m) < UNORDERED:
                parts = parts[0].shifted(-split), parts[1].shifted(split)
            values = [
                np.concatenate([Delta[: z.size], _tail(moments, z[Delta.size :])])
                for Delta, moments in (self._delta(parts, s) for s in range(2))
            ]
            self._keep(values, [self._delta(parts, s)[1] for s in range(2)])
            return
        middle = detuning if start == "metal" else 0.0
        none = np.zeros(0, dtype=np.complex128)
        if start == "metal":
            up, down = (
                Part(z - middle - level, middle + level, 0.0, 0.0, none, 0.0, 0.0, 0.0)
                for level in (-split, split)
            )
        else:
            # Sigma of the atom, with the occupations of an ordered one
            U, level, n = self.setting.U, detuning + half_filling(self.setting.U), 0.5
            m = math.tanh(0.5 * self.setting.beta * split)
            filled = n + 0.5 * m, n - 0.5 * m
            up, down = (
                _of_atom(z, level + sign * split, U, filled[1 - k])
                for k, sign in enumerate((-1.0, 1.0))
            )
        found = [self._delta((up, down), s) for s in range(2)]
        self._keep([Delta for Delta, _ in found], [moments for _, moments in found])

    def _keep(self, Delta: list[ComplexArray], moments: list[FloatArray]) -> None:
        if self.setting.symmetric:  # holes of one spin are as particles of the other
            up = np.asarray(0.5 * (Delta[0] - Delta[1].conj()))
            signs = (-1.0) ** np.arange(4)
            tail = 0.5 * (moments[0] + signs * moments[1])
            Delta, moments = [up, np.asarray(-up.conj())], [tail, signs * tail]
        self.Delta, self.moments = Delta, moments

    @property
    def vector(self) -> FloatArray:
        """Re and Im Delta, and the moments of the tail, of spin up and then of spin down."""
        return self._numbers(self.Delta, self.moments)

    def _numbers(self, Delta: list[ComplexArray], moments: list[FloatArray]) -> FloatArray:
        parts = [np.concatenate([d.real, d.imag, m]) for d, m in zip(Delta, moments, strict=True)]
        return np.asarray(np.concatenate(parts) / self.units)

    def problem(self, detuning: float) -> Impurity:
        """The impurity with a bath for each spin."""
        up, down = (
            MatsubaraBath.own(Delta, tuple(moments.tolist()))
            for Delta, moments in zip(self.Delta, self.moments, strict=True)
        )
        eps = detuning + half_filling(self.setting.U)
        return Impurity.own(
            self.setting.U, self.setting.beta, up, eps, h=self.field, bath_down=down
        )

    def _parts(self, solution: Solution) -> tuple[Part, Part]:
        """Both spins of a solution; those of the last one are kept."""
        if self._known is None or self._known[0] is not solution:
            self._known = solution, (_part(solution, 0), _part(solution, 1))
        return self._known[1]

    def _delta(self, parts: tuple[Part, Part], s: int) -> tuple[ComplexArray, FloatArray]:
        """The lattice's Delta of spin s, and its moments."""
        own, other, lattice = parts[s], parts[1 - s], self.setting.lattice
        c0, c1, c2, c3 = lattice.delta_moments
        if not self.ordered:
            a, s1, s2 = own.level, own.s1, own.s2
            moments = [
                c0,
                c0 * a + c1,
                c0 * (a**2 + s1) + 2.0 * c1 * a + c2,
                c0 * (a**3 + 2.0 * a * s1 + s2) + c1 * (3.0 * a**2 + 2.0 * s1) + 3.0 * c2 * a + c3,
            ]
            return lattice.unchecked_delta(own.zeta), np.array(moments)
        # c_0 / zeta' + c_2 / (zeta zeta'^2), with zeta' of the other spin; the lattice is bipartite
        b, s1, s2 = other.level, other.s1, other.s2
        moments = [
            c0,
            c0 * b,
            c0 * (b**2 + s1) + c2,
            c0 * (b**3 + 2.0 * b * s1 + s2) + c2 * (own.level + 2.0 * b),
        ]
        left, right = np.sqrt(own.zeta), np.sqrt(other.zeta)
        Delta = np.asarray(left / right * lattice.unchecked_delta(np.asarray(left * right)))
        return Delta, np.array(moments)

    def _green(self, parts: tuple[Part, Part], s: int) -> ComplexArray:
        """The lattice's G of spin s."""
        own, other, lattice = parts[s], parts[1 - s], self.setting.lattice
        if not self.ordered:
            return lattice.unchecked_hilbert(own.zeta)
        left, right = np.sqrt(own.zeta), np.sqrt(other.zeta)
        return np.asarray(right / left * lattice.unchecked_hilbert(np.asarray(left * right)))

    def output(self, solution: Solution, shift: float = 0.0) -> FloatArray:
        """Delta of both spins and its moments."""
        parts = self._moved(solution, shift)
        found = [self._delta(parts, s) for s in range(2)]
        return self._numbers([Delta for Delta, _ in found], [moments for _, moments in found])

    def _moved(self, solution: Solution, shift: float) -> tuple[Part, Part]:
        up, down = self._parts(solution)
        return up.shifted(shift), down.shifted(shift)

    def occupations(self, solution: Solution, shift: float = 0.0) -> tuple[float, float]:
        """Occupations of spin up and down on the lattice; with order, on the first sublattice.

        ``n_imp + 2/beta sum_n Re [G_lat(i w_n) - G_imp(i w_n)]`` for each spin.
        """
        beta, lattice = self.setting.beta, self.setting.lattice
        if self._is_free:
            up, down = (0.5 * lattice.free(e + shift, beta)[0] for e in self._levels(solution))
            return up, down
        parts = self._moved(solution, shift)
        c0, found = lattice.delta_moments[0], []
        for s, part in enumerate(parts):
            more = np.asarray(self._green(parts, s) - part.G_iw)
            second = part.level**2 + part.s1 + c0
            tail = (0.0, part.level - part.m1, second - part.m2)
            found.append(part.n + trace(beta, more, tail))
        return found[0], found[1]

    def occupation(self, solution: Solution, shift: float = 0.0) -> float:
        """Occupation of the lattice with the self-energies of a solution, all levels shifted."""
        return self._occupation(solution, shift)

    def _occupation(self, solution: Solution, shift: float) -> float:
        return sum(self.occupations(solution, shift))

    @property
    def _is_free(self) -> bool:
        """Whether the lattice is known whatever the error of the bath, and of the solver in it."""
        return self.setting.U == 0.0 and not self.ordered

    def _levels(self, solution: Solution) -> tuple[float, float]:
        return solution.problem.eps - self.field, solution.problem.eps + self.field

    def magnetisation(self, solution: Solution) -> float:
        """n_up - n_dn of the lattice, of the first sublattice of an ordered one."""
        up, down = self.occupations(solution)
        return up - down

    def kinetic_energy(self, solution: Solution) -> float:
        """``T sum_ns Delta_s G_s``; measured by "cthyb"."""
        if self._is_free:
            lattice, beta = self.setting.lattice, self.setting.beta
            return sum(0.5 * lattice.free(e, beta)[1] for e in self._levels(solution))
        return self._kinetic_energy(solution)

    def _kinetic_energy(self, solution: Solution) -> float:
        measured = solution.diagnostics.get("kinetic_energy")
        if measured is not None:
            return float(measured)
        parts, total = self._parts(solution), 0.0
        for s, part in enumerate(parts):
            Delta, (d0, d1, _, _) = self._delta(parts, s)
            product = np.asarray(Delta * self._green(parts, s))
            total += trace(self.setting.beta, product, (0.0, d0, d0 * part.level + d1))
        return total

    def possible(self, mixed: FloatArray) -> bool:
        """Whether both tails belong to non-negative densities."""
        tails = [part[2 * self.frequencies :] for part in np.split(mixed, 2)]
        return all(m[0] > 0.0 and m[0] * m[2] > m[1] * m[1] for m in tails)

    def take(self, mixed: FloatArray) -> None:
        """Delta and the tails from the mixture."""
        n = self.frequencies
        parts = np.split(mixed * self.units, 2)
        Delta = [np.asarray(p[:n] + 1j * np.minimum(p[n : 2 * n], 0.0)) for p in parts]
        self._keep(Delta, [p[2 * n :] for p in parts])

    def residual(self, new: FloatArray) -> float:
        """max |change of Delta(i w_n)| of both spins over that of the free lattice at w_0."""
        n = self.frequencies
        changes = np.split(new - self.vector, 2)
        largest = max(float(np.max(np.hypot(c[:n], c[n : 2 * n]))) for c in changes)
        return largest * self.unit / self.scale

    def noise(self, solution: Solution) -> float:
        """The largest dDelta/dzeta dSigma of both spins, over Delta of the free lattice at w_0."""
        largest = 0.0
        for part, spin in zip(self._parts(solution), (solution.up, solution.down), strict=True):
            if spin.G_iw_error is None or not np.any(spin.G_iw_error):
                continue
            slope = np.abs(self.setting.lattice.derivative(part.zeta))
            largest = max(largest, float(np.max(slope * spin.G_iw_error / np.abs(part.G_iw) ** 2)))
        return largest / self.scale


def _tail(moments: FloatArray, z: ComplexArray) -> ComplexArray:
    """The first terms of Delta beyond the frequencies of a solution."""
    total = np.zeros(z.size, dtype=np.complex128)
    for k, m in enumerate(moments):
        total += m / z ** (k + 1)
    return total


def _of_atom(z: ComplexArray, level: float, U: float, other: float) -> Part:
    """zeta of a spin of the atom, the other spin with this occupation."""
    hartree, weight, pole = U * other, U * U * other * (1.0 - other), level + U * (1.0 - other)
    zeta = np.asarray(z - level - hartree - weight / (z - pole))
    none = np.zeros(0, dtype=np.complex128)
    return Part(zeta, level + hartree, weight, weight * pole, none, 0.0, 0.0, 0.0)


def _part(solution: Solution, s: int) -> Part:
    """One spin of a solution, with the tail of Sigma from the moments of G and of the bath."""
    spin = (solution.up, solution.down)[s]
    problem: Any = solution.problem.of_spin(SPINS[s])
    baths = solution.diagnostics.get("baths")
    bath = solution.diagnostics.get("bath") if baths is None else baths[s]
    if isinstance(bath, DiscreteBath):
        d0, d1, *_ = Impurity.own(problem.U, problem.beta, bath, problem.eps).Delta_moments()
    else:
        d0, d1, *_ = problem.Delta_moments()
    _, m1, m2, m3 = moments_of(spin.G)
    zeta = np.asarray(1j * solution.w_n - problem.eps - spin.Sigma_iw)
    s1, s2 = m2 - m1**2 - d0, m3 - 2.0 * m1 * m2 + m1**3 - d1
    return Part(zeta, m1, s1, s2, spin.G_iw, m1, m2, spin.n)
