"""Lanczos for several orbitals: at low temperature, from the occupied levels alone.

Blocks as in exact diagonalisation (`kadanoff.dmft.orbitals.diagonalised`); of each only the levels
that are occupied are computed, and every part of G from a Krylov space of its own (`rust/ed`,
`fock::lowest`). The weight of all other levels is bounded block by block.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, memory
from kadanoff._base.types import ComplexArray
from kadanoff.dmft.orbitals.diagonalised import (
    Cluster,
    assembled,
    averages,
    clustered,
    finite_baths,
)
from kadanoff.dmft.orbitals.multi_orbital import OrbitalImpurity
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution
from kadanoff.dmft.protocol import Run, register_orbitals
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic

__all__ = ["lanczos_orbitals", "needed_bytes"]

MAX_STEPS = 600
"""Lanczos steps of the search for levels, at most."""
ENTRY = 16
"""Bytes of an element of a sparse matrix."""


@register_orbitals("lanczos")
def lanczos_orbitals(
    problem: OrbitalImpurity,
    run: Run,
    /,
    *,
    sites: int | None = None,
    ground_state: bool = False,
    cut: float = 1e-12,
    states: int = 40,
    steps: int = 400,
    fit: dict[str, Any] | None = None,
) -> OrbitalSolution:
    """Solve by Lanczos.

    Parameters
    ----------
    problem : OrbitalImpurity
        The problem; orbitals and bath sites together at most 10.
    run : Run
        Frequencies, threads, ...
    sites, fit : optional
        As for solver "ed".
    ground_state : bool
        Whether only the ground states are averaged, as at T = 0. G_iw is still taken at the
        frequencies of ``problem.beta``; log_Z is the logarithm of the degeneracy.
    cut : float
        Smallest Boltzmann weight of a level, relative to that of the ground state.
    states : int
        Largest number of occupied levels of a block; with more the temperature is too high.
    steps : int
        Lanczos steps, and poles, for each part of G, at most: fewer where G(i w_0) has converged.

    Raises
    ------
    ValueError
        More levels are occupied than `states`.
    MemoryError
        The vectors would not fit into memory.

    Notes
    -----
    ``diagnostics``: ``neglected_weight`` is an upper bound of the Boltzmann weight of all levels
    that were left out, relative to the others, and ``krylov_error`` one of what more steps would
    change in G; ``error`` is ``2 neglected_weight beta / pi`` and this, and the error of fits.
    """
    only = checks.flag("ground_state", ground_state)
    cut = checks.real("cut", cut, least=1e-15, most=1e-2)
    states = checks.whole("states", states, most=1000)
    steps = checks.whole("steps", steps, least=2, most=2000)
    parts = finite_baths(problem, run, sites, fit)
    cluster = clustered(problem, parts)
    cluster.check_size()
    _check_memory(cluster, states, run)
    thermal = math.inf if only else problem.beta
    with run.calling("Lanczos") as keywords:
        levels = _core.FockLowest(
            cluster.size,
            cluster.hamiltonian,
            rotations=problem.is_rotational,
            beta=thermal,
            cut=cut,
            states=states,
            steps=steps,
            **keywords,
        )
    means = averages(cluster, levels.thermal)
    G_iw, F_iw, G, missing = _functions(cluster, levels, run)
    size = float(np.max(np.abs(G_iw)))
    diagnostics = {
        "ground_energy": levels.ground,
        "states": levels.states,
        "neglected_weight": levels.neglected,
        "krylov_error": missing,
    }
    error = 1e-10 * size + 2.0 * levels.neglected * problem.beta / np.pi + missing
    return assembled(cluster, "lanczos", means, (G_iw, F_iw, G), diagnostics, error, parts, thermal)


def needed_bytes(cluster: Cluster, states: int, threads: int | None) -> int:
    """Bytes that the Krylov spaces and matrices of the largest blocks take, and all states."""
    size, terms = cluster.size, cluster.hamiltonian
    found = _core.fock_dimensions(size, terms, rotations=cluster.problem.is_rotational)
    largest = np.sort(np.array(found, dtype=np.float64))[::-1][: threads or 2]
    steps = np.minimum(largest, MAX_STEPS + states)
    matrices = 2.0 * ENTRY * len(terms[0]) * largest
    return int(np.sum(8.0 * largest * steps + matrices) + 4.0**size * ENTRY)


def _check_memory(cluster: Cluster, states: int, run: Run) -> None:
    needed, left = needed_bytes(cluster, states, run.threads), memory.available()
    if left is not None and needed > left:
        raise MemoryError(
            f"{cluster.size} orbitals, bath included, need {needed / 1e9:.3g} GB, and "
            f"{left / 1e9:.3g} GB are left; take fewer sites, or fewer threads"
        )


def _functions(
    cluster: Cluster, levels: _core.FockLowest, run: Run
) -> tuple[ComplexArray, ComplexArray, tuple[GreenFunction, ...], float]:
    """G and F as matrices, the poles of the diagonal of G, and what more steps would change."""
    problem = cluster.problem
    M, beta = problem.orbitals, problem.beta
    if problem.is_diagonal:
        right = sorted(set(problem.equivalent))
        channels = [[(b, b), (M + b, b)] for b in right]
    else:
        right = list(range(M))
        channels = [[(b, b), *((a, b) for a in range(2 * M) if a != b)] for b in right]
    z = np.asarray(1j * fermionic(beta, run.frequencies), dtype=np.complex128)
    with run.calling("Green functions") as keywords:
        found, missing = levels.green(cluster.tensors, channels, z, **keywords)
    G = np.zeros((z.size, M, M), dtype=np.complex128)
    F = np.zeros_like(G)
    poles: dict[int, GreenFunction] = {}
    for pairs, (energies, weights, _, _, values) in zip(channels, found, strict=True):
        order = np.argsort(energies, kind="stable")
        poles[pairs[0][1]] = GreenFunction.own(energies[order], weights[order], beta)
        for (a, b), row in zip(pairs, values, strict=True):
            (G if a < M else F)[:, a % M, b] = row
    for a, same in enumerate(problem.equivalent):
        G[:, a, a], F[:, a, a] = G[:, same, same], F[:, same, same]
    return G, F, tuple(poles[same] for same in problem.equivalent), missing
