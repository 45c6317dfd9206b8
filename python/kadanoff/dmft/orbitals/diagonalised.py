"""Exact diagonalisation of several orbitals with a few bath sites, and the self-energy of the atom.

All levels in the blocks that the Hamiltonian has (`rust/ed`, `fock`): numbers of electrons and
parities of orbitals are found, and for Hamiltonians that are invariant under rotations the total
spin divides them further. ``Sigma = F G^-1`` with ``F_ab = <<[c_a, H_int]; c_b^+>>``, whose error
does not grow with frequency.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, memory
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.orbitals import ladder_operators as ladder
from kadanoff.dmft.orbitals.multi_orbital import MatrixBath, OrbitalImpurity
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution
from kadanoff.dmft.problem import DiscreteBath
from kadanoff.dmft.protocol import Run, register_orbitals
from kadanoff.dmft.solvers import hubbard1 as _hubbard1  # registers itself first
from kadanoff.dmft.solvers.ed import FiniteBath, discretised
from kadanoff.dmft.solvers.energy_units import rounding
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import fermionic

__all__ = [
    "Averages",
    "Cluster",
    "assembled",
    "atom",
    "averages",
    "clustered",
    "exact_orbitals",
    "finite_baths",
    "needed_memory",
]

DEFAULT_SITES = {1: 5, 2: 2, 3: 1, 4: 1, 5: 1}
"""Bath sites of each orbital; loops with more take minutes."""
COPIES = 4
"""Matrices of the largest block that are in memory beside all states, per thread."""

Averages: TypeAlias = tuple[float, FloatArray, FloatArray, FloatArray, FloatArray]
"""ln Z, and <n_a>, <n_a,up n_a,dn>, <n_a n_b>, <S^z_a S^z_b>."""


@dataclass(frozen=True, eq=False)
class Cluster:
    """The orbitals with a few levels of a bath.

    Parameters
    ----------
    problem : OrbitalImpurity
        The problem.
    e : array of float, shape (K,)
        Levels of the bath.
    V : array of float, shape (M, K)
        Their hybridisations.
    """

    problem: OrbitalImpurity
    e: FloatArray
    V: FloatArray

    @property
    def size(self) -> int:
        """Number of orbitals, bath included."""
        return self.problem.orbitals + self.e.size

    @property
    def energies(self) -> list[float]:
        """The sizes of all terms."""
        p = self.problem
        return [*p.eps, 0.5 * float(np.sum(np.abs(p.repulsion))), *self.e, *self.V.ravel()]

    @cached_property
    def interaction(self) -> list[ladder.Product]:
        """The interaction of the impurity."""
        p = self.problem
        return ladder.interaction(p.U, p.U_prime, p.J, p.kind, p.orbitals, self.size)

    @cached_property
    def hamiltonian(self) -> ladder.Terms:
        """All terms."""
        M = self.problem.orbitals
        h = np.zeros((self.size,) * 2)
        h[:M, :M] = self.problem.one_body
        h[M:, M:] = np.diag(self.e)
        h[:M, M:], h[M:, :M] = self.V, self.V.T
        return ladder.terms([*ladder.hoppings(h), *self.interaction])

    @cached_property
    def tensors(self) -> list[ladder.Tensor]:
        """``c_a^+`` and ``[c_a, H_int]^+`` of all orbitals."""
        L, rotations = self.size, self.problem.is_rotational
        M = range(self.problem.orbitals)
        found = [ladder.creation(a, L, rotations) for a in M]
        terms = self.interaction
        return found + [ladder.equation_of_motion(terms, a, L, rotations) for a in M]

    def check_size(self) -> None:
        """Refuse more orbitals than there can be."""
        if self.size > _core.FockLevels.MAX_ORBITALS:
            raise ValueError(
                f"{self.problem.orbitals} orbitals with {self.e.size} bath sites are too many: at "
                f"most {_core.FockLevels.MAX_ORBITALS} together; sites=1 fits smaller baths"
            )

    def needed(self, threads: int | None) -> int:
        """Bytes that all states and the largest eigenvalue problems take."""
        dimensions = np.array(
            _core.fock_dimensions(
                self.size, self.hamiltonian, rotations=self.problem.is_rotational
            ),
            dtype=np.float64,
        )
        largest = np.sort(dimensions)[::-1][: threads or 2]
        return int(8.0 * (np.sum(dimensions**2) + COPIES * np.sum(largest**2)))

    def levels(self, run: Run) -> _core.FockLevels:
        """All levels and states.

        Raises
        ------
        MemoryError
            They would not fit into memory.
        """
        self.check_size()
        needed, left = self.needed(run.threads), memory.available()
        if left is not None and needed > left:
            raise MemoryError(
                f"{self.size} orbitals, bath included, need {needed / 1e9:.3g} GB, and "
                f"{left / 1e9:.3g} GB are left; take fewer sites, or solver='lanczos' at low "
                "temperature"
            )
        with run.calling("diagonalising") as keywords:
            return _core.FockLevels(
                self.size,
                self.hamiltonian,
                rotations=self.problem.is_rotational,
                **keywords,
            )


def needed_memory(problem: OrbitalImpurity, sites: int) -> int:
    """Bytes of a full diagonalisation with this number of bath sites for each orbital.

    Examples
    --------
    >>> bath = DiscreteBath([0.0], [0.3])
    >>> needed_memory(OrbitalImpurity(U=4.0, beta=10, bath=bath), 3) < 1e9
    True
    """
    M = problem.orbitals
    e, V = np.linspace(-1.0, 1.0, M * sites), np.zeros((M, M * sites))
    for a in range(M):
        V[a, a * sites : (a + 1) * sites] = 0.3
    return Cluster(problem, e, V).needed(2)


@register_orbitals("ed")
def exact_orbitals(
    problem: OrbitalImpurity,
    run: Run,
    /,
    *,
    sites: int | None = None,
    prune: float = 1e-12,
    fit: dict[str, Any] | None = None,
    susceptibilities: bool = False,
) -> OrbitalSolution:
    """Solve by exact diagonalisation.

    Parameters
    ----------
    problem : OrbitalImpurity
        The problem.
    run : Run
        Frequencies, threads, ...
    sites : int, optional
        Bath sites of each orbital; by default those of a discrete bath, 2 for two orbitals and 1
        for more in another bath. Equivalent orbitals share one fit.
    prune : float
        Total weight of the poles of each G that may be dropped.
    fit : dict, optional
        Options of `kadanoff.dmft.fit_bath`; `start` may be a sequence, one bath per orbital.
    susceptibilities : bool
        Whether chi_charge and chi_spin are computed, which takes about as long as G.
    """
    prune = checks.real("prune", prune, least=0, most=1e-3)
    wanted = checks.flag("susceptibilities", susceptibilities)
    parts = finite_baths(problem, run, sites, fit)
    return _solved(clustered(problem, parts), run, prune, wanted, parts)


def finite_baths(
    problem: OrbitalImpurity, run: Run, sites: int | None, fit: dict[str, Any] | None
) -> list[FiniteBath] | None:
    """The baths that are diagonalised, one fit for equivalent orbitals; None for a MatrixBath."""
    if isinstance(problem.bath, MatrixBath):
        if sites is not None or fit is not None:
            raise ValueError("a MatrixBath is taken as it is: sites and fit have no meaning here")
        return None
    M = problem.orbitals
    most = max((_core.FockLevels.MAX_ORBITALS - M) // M, 1)
    start = None if fit is None else fit.get("start")
    found: list[FiniteBath] = []
    for a, same in enumerate(problem.equivalent):
        if same < a:
            found.append(found[same])
            continue
        part = problem.of_orbital(a)
        own = sites
        if own is None and not isinstance(part.bath, DiscreteBath):
            own = DEFAULT_SITES[M]
        options = fit
        if fit is not None and isinstance(start, tuple | list):
            options = {**fit, "start": start[a]}
        found.append(discretised(part, run, own, options, most))
    return found


def clustered(problem: OrbitalImpurity, parts: list[FiniteBath] | None) -> Cluster:
    """The orbitals with their finite baths, or with their MatrixBath."""
    if parts is None:
        assert isinstance(problem.bath, MatrixBath)
        return Cluster(problem, np.array(problem.bath.e), np.array(problem.bath.V))
    baths = [part.bath for part in parts]
    e = np.concatenate([np.zeros(0), *(np.array(bath.e) for bath in baths)])
    V = np.zeros((problem.orbitals, e.size))
    first = 0
    for a, bath in enumerate(baths):
        V[a, first : first + bath.sites] = bath.V
        first += bath.sites
    return Cluster(problem, e, V)


def _matrices(cluster: Cluster, levels: _core.FockLevels, run: Run, prune: float) -> Any:
    """G and F as matrices, the poles of the diagonal of G, the dropped weight, merged intervals."""
    problem = cluster.problem
    M, beta = problem.orbitals, problem.beta
    tensors = cluster.tensors
    first = sorted(set(problem.equivalent))
    if problem.is_diagonal:
        elements = [[(a, a)] for a in first]
    else:
        elements = [[(a, b)] if a == b else [(a, a), (a, b)] for a in range(M) for b in range(M)]
    channels = [[(a, b) for a, b in of] + [(M + a, b) for a, b in (of[-1],)] for of in elements]
    z = np.asarray(1j * fermionic(beta, run.frequencies), dtype=np.complex128)
    G = np.zeros((z.size, M, M), dtype=np.complex128)
    F = np.zeros_like(G)
    poles: dict[int, GreenFunction] = {}
    dropped = width = 0.0
    for of, channel in zip(elements, channels, strict=True):
        # One by one: at high temperature each has millions of poles.
        with run.calling("Green functions") as keywords:
            found = levels.green(beta, prune, tensors, [channel], z, **keywords)
        energies, weights, lost, narrow, values = found[0]
        del found
        a, b = of[-1]
        G[:, a, b], F[:, a, b] = values[-2], values[-1]
        if a == b:
            order = np.argsort(energies, kind="stable")
            poles[a] = GreenFunction.own(energies[order], weights[order], beta)
        dropped, width = max(dropped, lost), max(width, narrow)
    for a, same in enumerate(problem.equivalent):
        G[:, a, a], F[:, a, a] = G[:, same, same], F[:, same, same]
    return G, F, tuple(poles[same] for same in problem.equivalent), dropped, width


def averages(
    cluster: Cluster, thermal: Callable[[list[ladder.Terms]], tuple[float, FloatArray]]
) -> Averages:
    """ln Z, and <n_a>, <n_a,up n_a,dn>, <n_a n_b>, <S^z_a S^z_b>."""
    problem, L = cluster.problem, cluster.size
    M, rotations = problem.orbitals, problem.is_rotational
    lower = [(a, b) for a in range(M) for b in range(a + 1)]
    operators = [ladder.density(a, L) for a in range(M)]
    operators += [ladder.double_occupancy(a, L) for a in range(M)]
    operators += [ladder.pair_density(a, b, L) for a, b in lower]
    operators += [ladder.spin_product(a, b, L, rotations) for a, b in lower]
    log_Z, found = thermal([ladder.terms(x) for x in operators])
    matrices = np.zeros((2, M, M))
    for matrix, values in zip(matrices, found[2 * M :].reshape(2, -1), strict=True):
        for (a, b), value in zip(lower, values, strict=True):
            matrix[a, b] = matrix[b, a] = value
    return log_Z, found[:M], found[M : 2 * M], matrices[0], matrices[1]


def _susceptibilities(
    cluster: Cluster, levels: _core.FockLevels, n: FloatArray, run: Run
) -> tuple[FloatArray, FloatArray]:
    """chi_charge and chi_spin."""
    problem, L = cluster.problem, cluster.size
    M, beta = problem.orbitals, problem.beta
    nothing: ladder.Terms = ([], [])
    charges: list[ladder.Tensor] = [
        (0, ladder.terms(ladder.density(a, L)), nothing, nothing) for a in range(M)
    ]
    spins = [ladder.spin(a, L, problem.is_rotational) for a in range(M)]
    with run.calling("susceptibilities") as keywords:
        charge = levels.susceptibility(beta, charges, **keywords)
        spin = levels.susceptibility(beta, spins, **keywords)
    return charge - beta * np.outer(n, n), spin


def _solved(
    cluster: Cluster, run: Run, prune: float, wanted: bool, parts: list[FiniteBath] | None
) -> OrbitalSolution:
    problem = cluster.problem
    levels = cluster.levels(run)
    means = averages(cluster, lambda operators: levels.thermal(problem.beta, operators))
    G_iw, F_iw, G, dropped, width = _matrices(cluster, levels, run, prune)
    chi = _susceptibilities(cluster, levels, means[1], run) if wanted else (None, None)
    found = assembled(
        cluster,
        "ed",
        means,
        (G_iw, F_iw, G),
        {"ground_energy": levels.ground, "dropped_weight": dropped, "pole_width": width},
        rounding(G_iw, problem.beta, cluster.energies) + dropped * problem.beta / np.pi,
        parts,
        problem.beta,
    )
    return replace(found, chi_charge=chi[0], chi_spin=chi[1])


def assembled(
    cluster: Cluster,
    solver: str,
    means: Averages,
    functions: tuple[ComplexArray, ComplexArray, tuple[GreenFunction, ...]],
    diagnostics: dict[str, Any],
    error: float,
    parts: list[FiniteBath] | None,
    thermal: float,
) -> OrbitalSolution:
    """The solution from the averages and functions of a cluster; `thermal` is the beta of ln Z."""
    problem = cluster.problem
    (known, n, docc, pairs, spins), (G_iw, F_iw, G) = means, functions
    log_Z: float | None = known
    z = 1j * fermionic(problem.beta, len(G_iw))
    poles = 1.0 / (z[:, None] - cluster.e)
    Delta_iw = np.einsum("ak,nk,bk->nab", cluster.V, poles, cluster.V)
    if problem.is_diagonal:
        inverse = np.zeros_like(G_iw)
        for a in range(problem.orbitals):
            inverse[:, a, a] = 1.0 / G_iw[:, a, a]
    else:
        inverse = np.asarray(np.linalg.inv(G_iw), dtype=np.complex128)
    diagnostics = {**diagnostics, "poles": sum(g.energies.size for g in G)}
    seed = None
    if parts is not None:
        diagnostics["baths"] = tuple(part.bath for part in parts)
        diagnostics["ground_energy"] += sum(part.ground for part in parts)
        fits = [part.fit for part in parts if part.fit is not None]
        if fits:
            diagnostics["fits"], seed = tuple(fits), fits[0].seed
            error += max(
                fit.error_of(np.ascontiguousarray(G_iw[:, a, a]))
                for a, part in enumerate(parts)
                if (fit := part.fit) is not None
            )
        complete = all(part.complete for part in parts)
        log_Z = known + sum(part.log_Z(thermal) for part in parts) if complete else None
    return OrbitalSolution(
        problem=problem,
        solver=solver,
        G=G,
        G_iw=G_iw,
        Sigma_iw=np.asarray(F_iw @ inverse),
        Delta_iw=np.asarray(Delta_iw, dtype=np.complex128),
        n=n,
        docc=docc,
        pairs=pairs,
        spins=spins,
        chi_charge=None,
        chi_spin=None,
        log_Z=log_Z,
        error=error,
        diagnostics=diagnostics,
        seed=seed,
    )


def atom(problem: OrbitalImpurity, run: Run) -> OrbitalSolution:
    """The orbitals without their bath."""
    empty = np.zeros(0)
    return _solved(Cluster(problem, empty, np.zeros((problem.orbitals, 0))), run, 0.0, True, None)


def moments_in_bath(
    of_atom: GreenFunction | MatsubaraFunction, bath: tuple[float, float]
) -> tuple[float, float, float, float]:
    """m_0 ... m_3 of G with the self-energy of an atom in a bath with two moments."""
    if isinstance(of_atom, GreenFunction):
        _, m1, m2, m3 = (float(m) for m in of_atom.power_sums(4))
    else:
        _, m1, m2, m3 = of_atom.moments[:4]
    s1 = m2 - m1**2
    s2 = m3 - 2.0 * m1 * m2 + m1**3
    both = bath[0] + s1
    return 1.0, m1, m1**2 + both, m1**3 + 2.0 * m1 * both + bath[1] + s2


@register_orbitals("hubbard1")
def atomic_orbitals(problem: OrbitalImpurity, run: Run, /) -> OrbitalSolution:
    """Solve with the self-energy of the atom.

    Parameters
    ----------
    problem : OrbitalImpurity
        The problem.
    run : Run
        Frequencies, threads, ...

    Notes
    -----
    ``G = (i w_n - eps - t - Delta - Sigma_atom)^-1``; exact without hybridisation and without
    interaction. Occupations are those of G. In a bath no pair correlations follow from the
    self-energy of several orbitals: ``docc``, ``pairs`` and ``spins`` are NaN, except for one
    orbital and without interaction, and susceptibilities are None.
    """
    alone = atom(problem, run)
    if problem.is_isolated:
        return replace(alone, solver="hubbard1", log_Z=None, error=0.0, diagnostics={})
    if not problem.is_diagonal:
        raise ValueError("solver 'hubbard1' takes no hoppings and no bath that mixes orbitals")
    Delta = problem.Delta_iw(run.frequencies)
    z = 1j * alone.w_n[:, None, None] * np.eye(problem.orbitals)
    G_iw = np.zeros_like(Delta)
    G = []
    for a in range(problem.orbitals):
        G_iw[:, a, a] = 1.0 / (z - problem.one_body - Delta - alone.Sigma_iw)[:, a, a]
        d0, d1 = problem.of_orbital(a).Delta_moments()[:2]
        moments = moments_in_bath(alone.G[a], (d0, d1))
        G.append(MatsubaraFunction.own(np.ascontiguousarray(G_iw[:, a, a]), problem.beta, moments))
    n = np.array([2.0 * g.occupation for g in G])
    docc = _double_occupancies(problem, n, run)
    # Electrons of two orbitals are independent where docc is known.
    alike = np.eye(problem.orbitals, dtype=bool)
    known = np.where(np.isnan(docc).any(), np.nan, 0.0)
    return OrbitalSolution(
        problem=problem,
        solver="hubbard1",
        G=tuple(G),
        G_iw=G_iw,
        Sigma_iw=alone.Sigma_iw,
        Delta_iw=Delta,
        n=n,
        docc=docc,
        pairs=np.where(alike, n + 2.0 * docc, np.outer(n, n) + known),
        spins=np.where(alike, 0.25 * n - 0.5 * docc, known),
        chi_charge=None,
        chi_spin=None,
        log_Z=None,
        error=None,
    )


def _double_occupancies(problem: OrbitalImpurity, n: FloatArray, run: Run) -> FloatArray:
    """``<n_a,up n_a,dn>`` in a bath, NaN where the self-energy of the atom does not give it."""
    if problem.orbitals == 1:
        one = _hubbard1.hubbard1(problem.of_orbital(0), run)
        return np.array([one.docc])
    if problem.U == problem.U_prime == problem.J == 0.0:
        return np.asarray(0.25 * n**2)
    return np.full(problem.orbitals, np.nan)
