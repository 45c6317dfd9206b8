"""A peer for exact diagonalisation: sectors of (N_up, N_dn) in plain numpy, LAPACK underneath.

What a physicist writes in an afternoon: the Hamiltonian of every sector by Kronecker products of
the two spins, `numpy.linalg.eigh`, Lehmann weights by matrix products, G as a sum over poles.
"""

from __future__ import annotations

import math
import time
from itertools import combinations
from typing import Any

import numpy as np

PRUNE = 1e-12


def _states(orbitals: int, electrons: int) -> list[int]:
    return [sum(1 << k for k in chosen) for chosen in combinations(range(orbitals), electrons)]


def _spin(orbitals: int, electrons: int, eps: float, e: Any, V: Any) -> tuple[Any, Any]:
    """Hopping and levels of one spin, and the impurity's occupation, on its states."""
    states = _states(orbitals, electrons)
    at = {state: i for i, state in enumerate(states)}
    H = np.zeros((len(states), len(states)))
    for i, state in enumerate(states):
        H[i, i] = eps * (state & 1) + sum(e[k] for k in range(orbitals - 1) if state >> (k + 1) & 1)
        if not state & 1:
            continue
        for k in range(orbitals - 1):  # d to bath site k
            if not state >> (k + 1) & 1:
                between = bin(state >> 1 & ((1 << k) - 1)).count("1")
                j = at[state ^ 1 ^ (1 << (k + 1))]
                H[i, j] = H[j, i] = V[k] * (-1) ** between
    return H, np.array([state & 1 for state in states], dtype=float)


def green(U: float, eps: float, e: Any, V: Any, beta: float, count: int) -> Any:
    """G(i w_n) of one spin at `count` positive frequencies."""
    L = len(e) + 1
    spins = [_spin(L, n, eps, e, V) for n in range(L + 1)]
    values, vectors = {}, {}
    for up in range(L + 1):
        for dn in range(L + 1):
            (A, a), (B, b) = spins[up], spins[dn]
            H = np.kron(A, np.eye(len(B))) + np.kron(np.eye(len(A)), B)
            H[np.diag_indices_from(H)] += U * np.kron(a, b)
            values[up, dn], vectors[up, dn] = np.linalg.eigh(H)
    ground = min(float(v[0]) for v in values.values())
    Z = sum(float(np.sum(np.exp(-beta * (v - ground)))) for v in values.values())
    energies, weights = [], []
    for (up, dn), upper in values.items():
        if up == 0:
            continue
        lower = values[up - 1, dn]
        full, less = _states(L, up), _states(L, up - 1)
        at = {state: i for i, state in enumerate(full)}
        create = np.zeros((len(full), len(less)))  # d is orbital 0: no sign
        for j, state in enumerate(less):
            if not state & 1:
                create[at[state | 1], j] = 1.0
        D = np.kron(create, np.eye(len(spins[dn][1])))
        M = (vectors[up, dn].T @ D @ vectors[up - 1, dn]) ** 2
        thermal = np.exp(-beta * (upper - ground))[:, None] + np.exp(-beta * (lower - ground))
        w = M * thermal / Z
        i, j = np.nonzero(w > PRUNE)
        energies.append(upper[i] - lower[j])
        weights.append(w[i, j])
    E, w = np.concatenate(energies), np.concatenate(weights)
    z = 1j * (2.0 * np.arange(count) + 1.0) * math.pi / beta
    return (1.0 / (z[:, None] - E)) @ w


def solving(threads: int, repeats: int) -> list[dict[str, Any]]:
    """The problem of the case "ed-4", at 512 frequencies."""
    e, V = np.array([-0.7, -0.2, 0.3, 0.8]), np.array([0.3, 0.2, 0.25, 0.35])
    found = []
    for i in range(repeats):
        began = time.perf_counter()
        green(2.0, -1.0 + 1e-3 * i, e, V, 10.0, 512)
        found.append({"seconds": time.perf_counter() - began})
    return found
