"""Exact diagonalisation where the two spins have levels and baths of their own.

Without SU(2) a sector is (N_up, N_dn), and ``H = H_up + H_dn + U n_up n_dn`` acts on the product of
two small bases of one spin each; sectors are diagonalised by LAPACK. The Green functions are sums
over pairs of levels,

``G_s(z) = 1/Z sum_ij (exp(-beta E_i) + exp(-beta E_j)) |<j|d_s^+|i>|^2 / (z - E_j + E_i)``,

and likewise ``F_s = <<d_s n_-s; d_s^+>>``, from which ``Sigma_s = U F_s / G_s``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from kadanoff import _core
from kadanoff._base.errors import Cancelled
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.dmft.problem import DiscreteBath

__all__ = ["MAX_SITES", "PoleSums", "SpinLevels"]

MAX_SITES = 6
"""Sites per spin; the largest sector of six has 1225 states."""
RARE = 1e-20
"""Boltzmann weight of levels, relative to Z, that contribute nothing."""


class PoleSums(NamedTuple):
    """Poles of G of one spin, and G and F at some points.

    Attributes
    ----------
    energies, weights : array of float, shape (P,)
        Poles of G and their weights.
    dropped : float
        Weight of the poles that were left out.
    G, F : array of complex, shape (N,)
        Values at the points.
    """

    energies: FloatArray
    weights: FloatArray
    dropped: float
    G: ComplexArray
    F: ComplexArray


@lru_cache(maxsize=16)
def _states(orbitals: int, electrons: int) -> tuple[tuple[int, ...], ...]:
    """Occupied orbitals of every state; the impurity is orbital 0, and its states come last."""
    found = itertools.combinations(range(orbitals), electrons)
    return tuple(sorted(found, key=lambda state: (0 in state, state)))


def _one_body(electrons: int, level: float, bath: DiscreteBath) -> FloatArray:
    """H of electrons of one spin without interaction."""
    energies, V = [level, *bath.e], [0.0, *bath.V]
    states = _states(len(energies), electrons)
    index = {state: k for k, state in enumerate(states)}
    H = np.diag(np.array([sum(energies[o] for o in state) for state in states], dtype=np.float64))
    for k, state in enumerate(states):
        if 0 in state:
            continue
        for place, orbital in enumerate(state):
            # d^+ c_o: the impurity comes first in a determinant, after `place` others are passed
            rest = state[:place] + state[place + 1 :]
            other = index[(0, *rest)]
            H[k, other] = H[other, k] = (-1.0) ** place * V[orbital]
    return H


@dataclass(frozen=True, eq=False)
class Sector:
    """All levels of one (N_up, N_dn); states are tables, spin up in rows, spin down in columns.

    Attributes
    ----------
    E : array, shape (M,)
        Energies, ascending.
    vectors : array, shape (A, B, M)
        States by those of spin up and of spin down.
    filled : tuple of int
        First state of spin up, and of spin down, with the impurity occupied.
    """

    E: FloatArray
    vectors: FloatArray
    filled: tuple[int, int]


class SpinLevels:
    """All levels of the impurity with one bath for each spin.

    Parameters
    ----------
    U : float
        Interaction.
    levels : tuple of float
        Levels of the impurity for spin up and down.
    baths : tuple of DiscreteBath
        Their baths.
    control : Control, optional
        Cancels between two sectors.
    """

    def __init__(
        self,
        U: float,
        levels: tuple[float, float],
        baths: tuple[DiscreteBath, DiscreteBath],
        control: _core.Control | None = None,
    ) -> None:
        self.U = U
        self.sizes = tuple(bath.sites + 1 for bath in baths)
        parts = [
            [_one_body(N, level, bath) for N in range(size + 1)]
            for level, bath, size in zip(levels, baths, self.sizes, strict=True)
        ]
        self.sectors: dict[tuple[int, int], Sector] = {}
        for N in itertools.product(range(self.sizes[0] + 1), range(self.sizes[1] + 1)):
            if control is not None and control.cancelled:
                raise Cancelled("the computation was stopped")
            self.sectors[N] = self._sector(parts[0][N[0]], parts[1][N[1]], N)
        self.ground = min(float(s.E[0]) for s in self.sectors.values())

    def _sector(self, up: FloatArray, down: FloatArray, N: tuple[int, int]) -> Sector:
        a, b = len(up), len(down)
        first = tuple(
            sum(0 not in state for state in _states(size, electrons))
            for size, electrons in zip(self.sizes, N, strict=True)
        )
        H = np.kron(up, np.eye(b)) + np.kron(np.eye(a), down)
        both = np.zeros((a, b))
        both[first[0] :, first[1] :] = self.U
        H[np.diag_indices(a * b)] += both.ravel()
        E, vectors = np.linalg.eigh(H)
        return Sector(E, vectors.reshape(a, b, a * b), (first[0], first[1]))

    def _probabilities(self, beta: float) -> dict[tuple[int, int], FloatArray]:
        """exp(-beta (E - E_0)) / Z of every level."""
        weights = {N: np.exp(-beta * (s.E - self.ground)) for N, s in self.sectors.items()}
        Z = sum(float(np.sum(w)) for w in weights.values())
        return {N: w / Z for N, w in weights.items()}

    def log_Z(self, beta: float) -> float:
        """ln Tr exp(-beta H)."""
        total = sum(
            float(np.sum(np.exp(-beta * (s.E - self.ground)))) for s in self.sectors.values()
        )
        return math.log(total) - beta * self.ground

    def thermal(self, beta: float) -> tuple[float, float, float]:
        """<n_up>, <n_dn> and <n_up n_dn> of the impurity."""
        total = np.zeros(3)
        for N, p in self._probabilities(beta).items():
            s = self.sectors[N]
            a, b = s.filled
            squares = s.vectors**2 @ p
            total += squares[a:].sum(), squares[:, b:].sum(), squares[a:, b:].sum()
        up, down, docc = total.tolist()
        return up, down, docc

    def energy(self, beta: float) -> float:
        """<H>."""
        return sum(float(p @ self.sectors[N].E) for N, p in self._probabilities(beta).items())

    def green(self, spin: int, beta: float, prune: float, z: ComplexArray) -> PoleSums:
        """G and F of spin up (0) or down (1); poles of total weight up to `prune` are dropped."""
        p = self._probabilities(beta)
        found = list(self._transitions(spin, p))
        E, G, F = (np.concatenate(x) for x in zip(*found, strict=True))
        size = G + np.abs(F)
        order = np.argsort(size, kind="stable")
        keep = order[int(np.searchsorted(np.cumsum(size[order]), prune, side="right")) :]
        keep = keep[np.argsort(E[keep], kind="stable")]
        dropped = max(1.0 - float(np.sum(G[keep])), 0.0)
        rows = np.ascontiguousarray([G[keep], F[keep]])
        values = _core.poles_at_points(np.ascontiguousarray(E[keep]), rows, z)
        return PoleSums(E[keep], rows[0], dropped, values[0], values[1])

    def _transitions(
        self, spin: int, p: dict[tuple[int, int], FloatArray]
    ) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
        """E_j - E_i and the weights of G and F, for all pairs of sectors."""
        for N, source in self.sectors.items():
            more = (N[0] + 1, N[1]) if spin == 0 else (N[0], N[1] + 1)
            target = self.sectors.get(more)
            if target is None:
                continue
            # States with the impurity empty, and the same states with it filled, in the same order.
            i, j = source.vectors, target.vectors
            empty, full = source.filled[spin], target.filled[spin]
            other = source.filled[1 - spin]
            if spin == 1:
                i, j = i.swapaxes(0, 1), j.swapaxes(0, 1)
            i, j = i[:empty], j[full:]
            often = p[N] > RARE, p[more] > RARE
            for first, second in (
                (often[0], np.ones_like(often[1])),
                (~often[0], often[1]),
            ):
                if not (first.any() and second.any()):
                    continue
                a, b = i[:, :, first], j[:, :, second]
                whole = _products(a, b)
                part = _products(a[:, other:], b[:, other:])
                both = p[N][first][:, None] + p[more][second]
                distance = target.E[second] - source.E[first][:, None]
                yield distance.ravel(), (both * whole**2).ravel(), (both * whole * part).ravel()

    def susceptibility(self, beta: float) -> float:
        """``int_0^beta <m(tau) m(0)> dtau - beta <m>^2`` with ``m = n_up - n_dn``."""
        probabilities = self._probabilities(beta)
        total = mean = 0.0
        for N, p in probabilities.items():
            s = self.sectors[N]
            keep = p > RARE
            if not keep.any():
                continue
            a, b = s.filled
            m = np.zeros(s.vectors.shape[:2])
            m[a:] += 1.0
            m[:, b:] -= 1.0
            elements = _products(s.vectors[:, :, keep], m[:, :, None] * s.vectors)
            mean += float(p[keep] @ elements[np.arange(elements.shape[0]), np.flatnonzero(keep)])
            x = beta * (s.E - s.E[keep][:, None])
            near = np.abs(x) < 1e-6
            # int exp(-tau (E_j - E_i)) dtau = beta (1 - exp(-x)) / x
            with np.errstate(over="ignore", invalid="ignore"):
                integral = np.where(near, 1.0 - 0.5 * x, -np.expm1(-x) / np.where(near, 1.0, x))
                weight = p[keep][:, None] * integral
            # by symmetry, the pair (j, i) has the same weight
            weight = np.where(keep, weight, 2.0 * weight)
            total += float(np.sum(weight * elements**2))
        return beta * (total - mean**2)

    @cached_property
    def states(self) -> int:
        """Number of levels."""
        return sum(s.E.size for s in self.sectors.values())


def _products(a: FloatArray, b: FloatArray) -> FloatArray:
    """Scalar products of two lists of states, as tables of states of up and down."""
    left, right = (x.reshape(-1, x.shape[2]) for x in (a, b))
    return np.asarray(left.T @ right)


def mirrored(bath: DiscreteBath) -> DiscreteBath:
    """Levels -e: Delta of holes."""
    e, V = np.array(bath.e), np.array(bath.V)
    order: IntArray = np.argsort(-e, kind="stable")
    return DiscreteBath.own(-e[order], V[order])


def fits_of(options: dict[str, Any] | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Options of the fits of both baths; `start` may be a pair."""
    start = None if options is None else options.get("start")
    if options is None or not isinstance(start, tuple | list):
        return options, options
    if len(start) != 2:
        raise ValueError(f"start must be one bath, or one for each spin, got {len(start)}")
    return {**options, "start": start[0]}, {**options, "start": start[1]}
