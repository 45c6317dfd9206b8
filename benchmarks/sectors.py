"""A peer for exact diagonalisation: sectors of (N_up, N_dn) in numpy, LAPACK and BLAS underneath.

What somebody at home in numpy writes in a day: what depends on the number of orbitals alone is
kept, sectors with N_up < N_dn follow from their mirror images, only the impurity's rows enter a
product, and the sum over poles is one over bins of them with their moments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.clock import stopwatch

PRUNE = 1e-15
ORDER = 11  # of the moments: the error is about 8**-ORDER


@cache
def _states(orbitals: int, electrons: int) -> tuple[int, ...]:
    return tuple(sum(1 << k for k in chosen) for chosen in combinations(range(orbitals), electrons))


@cache
def _spin(orbitals: int, electrons: int) -> tuple[Any, Any]:
    """Occupations of the states of one spin, and the hops from the impurity to every bath site."""
    states = _states(orbitals, electrons)
    at = {state: i for i, state in enumerate(states)}
    occupied = np.array(
        [[state >> k & 1 for k in range(orbitals)] for state in states], dtype=float
    )
    hops = np.zeros((orbitals - 1, len(states), len(states)))
    for i, state in enumerate(states):
        for k in range(orbitals - 1):
            if state & 1 and not state >> (k + 1) & 1:
                between = bin(state >> 1 & ((1 << k) - 1)).count("1")
                j = at[state ^ 1 ^ (1 << (k + 1))]
                hops[k, i, j] = hops[k, j, i] = (-1) ** between
    return occupied, hops


@cache
def _created(orbitals: int, electrons: int) -> tuple[Any, Any]:
    """States with the impurity full, and those with one electron less it is created in: no sign."""
    at = {state: i for i, state in enumerate(_states(orbitals, electrons))}
    empty = [(at[s | 1], j) for j, s in enumerate(_states(orbitals, electrons - 1)) if not s & 1]
    full, less = np.array(empty).T
    return full, less


def pole_sum(energies: Any, weights: Any, w: Any) -> Any:
    """sum weights / (i w - energies) by bins of a quarter of w[0] and their moments."""
    width = 0.25 * w[0]
    position = energies / width
    bins = np.rint(position).astype(int)
    offset = position - bins
    first = int(bins.min())
    moments = []
    for _ in range(ORDER):
        moments.append(np.bincount(bins - first, weights))
        weights = weights * offset
    centres = width * (first + np.arange(moments[0].size))
    ratio = width / (1j * w[:, None] - centres)
    total = np.zeros_like(ratio)
    for moment in reversed(moments):
        total = (total + moment) * ratio
    return total.sum(axis=1) / width


def green(U: float, eps: float, e: Any, V: Any, beta: float, count: int) -> Any:
    """G(i w_n) of one spin at `count` positive frequencies."""
    L = len(e) + 1
    levels, one = np.array([eps, *e]), []
    for electrons in range(L + 1):
        occupied, hops = _spin(L, electrons)
        one.append((np.tensordot(V, hops, 1) + np.diag(occupied @ levels), occupied[:, 0]))
    E: dict[tuple[int, int], Any] = {}
    psi: dict[tuple[int, int], Any] = {}
    for up in range(L + 1):
        for dn in range(up + 1):
            (A, a), (B, b) = one[up], one[dn]
            H = np.zeros((len(a), len(b), len(a), len(b)))
            i, j = np.arange(len(a)), np.arange(len(b))
            H[:, j, :, j] += A
            H[i, :, i, :] += B
            H[i[:, None], j, i[:, None], j] += U * np.outer(a, b)
            E[up, dn], vectors = np.linalg.eigh(H.reshape(len(a) * len(b), -1))
            psi[up, dn] = vectors.reshape(len(a), len(b), -1)
            E[dn, up], psi[dn, up] = E[up, dn], psi[up, dn].transpose(1, 0, 2)
    ground = min(float(x[0]) for x in E.values())
    p = {sector: np.exp(-beta * (x - ground)) for sector, x in E.items()}
    Z = sum(float(np.sum(x)) for x in p.values())
    energies, weights = [], []
    for up in range(1, L + 1):
        full, less = _created(L, up)
        for dn in range(L + 1):
            upper, lower = (up, dn), (up - 1, dn)
            left = psi[upper][full].reshape(-1, E[upper].size)
            right = psi[lower][less].reshape(-1, E[lower].size)
            w = (left.T @ right) ** 2 * ((p[upper][:, None] + p[lower]) / Z)
            keep = w > PRUNE
            energies.append((E[upper][:, None] - E[lower])[keep])
            weights.append(w[keep])
    w_n = (2.0 * np.arange(count) + 1.0) * math.pi / beta
    return pole_sum(np.concatenate(energies), np.concatenate(weights), w_n)


def solving(sites: int, beta: float) -> Callable[[int, int], list[dict[str, Any]]]:
    """The problems of the cases "ed-4" and "ed-6", at 512 frequencies."""

    def measure(threads: int, repeats: int) -> list[dict[str, Any]]:
        e, V = np.linspace(-1.0, 1.0, sites), np.full(sites, 0.5 / sites**0.5)
        found = []
        for i in range(repeats):
            stop = stopwatch()
            green(2.0, -0.9, e + 1e-3 * i, V, beta, 512)
            found.append(stop())
        return found

    return measure
