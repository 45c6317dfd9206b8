"""A peer for exact diagonalisation: QuSpin's blocks of (N_up, N_dn), all eigenstates of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from benchmarks.clock import stopwatch
from benchmarks.sectors import PRUNE, pole_sum


def _terms(U: float, eps: float, e: Any, V: Any) -> list[Any]:
    levels = [[float(x), k] for k, x in enumerate([eps, *e])]
    there = [[float(v), 0, k + 1] for k, v in enumerate(V)]
    back = [[-float(v), 0, k + 1] for k, v in enumerate(V)]
    hops = [["+-|", there], ["-+|", back], ["|+-", there], ["|-+", back]]
    return [["n|", levels], ["|n", levels], ["n|n", [[U, 0, 0]]], *hops]


@cache
def _basis(orbitals: int, sector: tuple[int, int]) -> tuple[Any, dict[int, int]]:
    """The basis of a block, and the row of each of its states."""
    from quspin.basis import spinful_fermion_basis_general

    basis = spinful_fermion_basis_general(orbitals, Nf=sector)
    return basis, {int(state): i for i, state in enumerate(basis.states)}


def green(U: float, eps: float, e: Any, V: Any, beta: float, count: int) -> Any:
    """G(i w_n) of one spin at `count` positive frequencies."""
    from quspin.operators import hamiltonian

    L = len(e) + 1
    quiet = {"check_herm": False, "check_symm": False, "check_pcon": False}
    sectors = [(up, dn) for up in range(L + 1) for dn in range(L + 1)]
    terms = _terms(U, eps, e, V)
    E, psi = {}, {}
    for sector in sectors:
        basis, _ = _basis(L, sector)
        H = hamiltonian(terms, [], basis=basis, dtype=np.float64, **quiet).toarray()
        E[sector], psi[sector] = np.linalg.eigh(H)
    ground = min(float(x[0]) for x in E.values())
    p = {sector: np.exp(-beta * (x - ground)) for sector, x in E.items()}
    Z = sum(float(np.sum(x)) for x in p.values())
    energies, weights = [], []
    for up, dn in sectors:
        if up == L:
            continue
        lower, upper = (up, dn), (up + 1, dn)
        (below, columns), (above, rows) = _basis(L, lower), _basis(L, upper)
        element, bra, ket = above.Op_bra_ket("+|", [0], 1.0, np.float64, below.states)
        to = [rows[int(state)] for state in bra]
        of = [columns[int(state)] for state in ket]
        moved = psi[upper][to].T @ (element[:, None] * psi[lower][of])
        w = moved**2 * ((p[upper][:, None] + p[lower]) / Z)
        keep = w > PRUNE
        energies.append((E[upper][:, None] - E[lower])[keep])
        weights.append(w[keep])
    w_n = (2.0 * np.arange(count) + 1.0) * math.pi / beta
    return pole_sum(np.concatenate(energies), np.concatenate(weights), w_n)


def solving(sites: int, beta: float) -> Callable[[int, int], list[dict[str, Any]]]:
    """The problems of the cases "ed-4" and "ed-6", at 512 frequencies."""

    def measure(threads: int, repeats: int) -> list[dict[str, Any]]:
        e, V = np.linspace(-1.0, 1.0, sites), np.full(sites, 0.5 / sites**0.5)
        green(2.0, -0.9, e, V, beta, 512)  # the bases depend on the number of sites alone
        found = []
        for i in range(repeats):
            stop = stopwatch()
            green(2.0, -0.9, e + 1e-3 * i, V, beta, 512)
            found.append(stop())
        return found

    return measure
