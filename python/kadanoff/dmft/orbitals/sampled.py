"""Continuous-time Monte Carlo of several orbitals with density-density interaction.

The segment picture of `kadanoff.dmft.solvers.cthyb` with one line of imaginary time per flavour
``2 a + s`` (orbital a, spin s). Its weight is a product of one determinant per flavour, positive,
only if Delta is diagonal and the interaction conserves every occupation; full exchange, hoppings
and a bath that mixes orbitals are refused. Beside insertions, removals and shifts, once per sweep
two flavours, all spins, or two orbitals exchange their operators, which turns large local moments.

``Sigma = F / G`` with ``F(tau) = -<T d(tau) v(tau) d^+(0)>``, ``v_a = sum_b U_ab n_b``. Exact
identities correct the coefficients as for one orbital (`kadanoff.dmft.solvers.estimators`): jumps
1 and <v>, first moments ``eps + <v>`` and ``eps <v> + <v^2>``, and the equation of motion at two
frequencies. Equivalent flavours are averaged.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base.errors import NumericalError
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff._base.warning import warn
from kadanoff.dmft.orbitals.diagonalised import atom, atomic_orbitals
from kadanoff.dmft.orbitals.multi_orbital import OrbitalImpurity
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution
from kadanoff.dmft.protocol import Run, register_orbitals
from kadanoff.dmft.solvers.cthyb import HELPERS, cells_of, tabulated
from kadanoff.dmft.solvers.estimators import (
    ShortRun,
    autocorrelation_time,
    controlled,
    few_bins,
    independent_bins,
    spread,
)
from kadanoff.dmft.solvers.sampling import BLOCK, MIN_BLOCKS, SampledRun, Sampling
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import fermionic
from kadanoff.greens.legendre import transform_matrix

__all__ = ["sampled_orbitals"]

EQUATIONS = 2  # frequencies at which the equation of motion is used
MEMORY, EQUILIBRATED = 50.0, 10.0  # autocorrelation times of a chain, and of its equilibration
FOLLOWED = ("order", "density", "docc", "polarisation")


@register_orbitals("cthyb")
def sampled_orbitals(
    problem: OrbitalImpurity,
    run: Run,
    /,
    *,
    sweeps: int = 2**17,
    seconds: float | None = None,
    target: float | None = None,
    chains: int = 8,
    equilibration: int | None = None,
    spacing: int | None = None,
    legendre: int | None = None,
    floor: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> OrbitalSolution:
    """Solve by continuous-time Monte Carlo in the hybridisation.

    Parameters
    ----------
    problem : OrbitalImpurity
        The problem, of density-density interaction and diagonal Delta.
    run : Run
        Frequencies, threads, seed, ...
    sweeps, seconds, chains, equilibration, spacing, legendre, floor, checkpoint : optional
        As for one orbital.
    target : float, optional
        Error of G_aa(i w_0), the largest of all orbitals, at which sampling stops.

    Raises
    ------
    NotConverged
        The target was not met, or the sampling broke down; ``partial`` is the OrbitalSolution.
    Cancelled
        ``partial`` is the OrbitalSolution from all measurements; None if they are too few.

    Notes
    -----
    ``diagnostics`` holds errors (one standard deviation): ``G_iw_error`` and ``Sigma_iw_error`` of
    shape (N, M), ``n_error``, ``docc_error``, ``pairs_error``, ``spins_error``, ``Z_error``,
    ``chi_charge_error``, ``chi_spin_error``; and ``sign``, ``order``, ``autocorrelation``,
    ``acceptance``, ``drift``, ``updates``, ``bins``, ``doubts``.
    """
    _refuse(problem)
    sampling = Sampling.of(
        sweeps=sweeps,
        seconds=seconds,
        target=target,
        chains=chains,
        equilibration=equilibration,
        spacing=spacing,
        legendre=legendre,
        floor=floor,
    )
    if problem.is_isolated:
        return atomic_orbitals(problem, run)
    path = None if checkpoint is None else Path(checkpoint).absolute()
    found = OrbitalSimulation(problem, run, sampling, path).sampled()
    for doubt in found.diagnostics["doubts"]:
        warn(f"this run is too short: {doubt}", ShortRun)
    return found


def _refuse(problem: OrbitalImpurity) -> None:
    """Refuse what the segment picture cannot sample."""
    if problem.kind == "kanamori" and problem.J != 0.0 and problem.orbitals > 1:
        raise ValueError(
            "solver 'cthyb' samples segments, for which the interaction must conserve the "
            "occupation of every flavour; spin flips and pair hopping of kind='kanamori' with J = "
            f"{problem.J:g} do not. Take kind='density', or solver='ed'"
        )
    if not problem.is_diagonal:
        what = "hopping" if problem.hopping is not None else "a MatrixBath"
        raise ValueError(
            f"solver 'cthyb' takes no {what}: with an off-diagonal Delta the weight of segments is "
            "one determinant of all flavours, whose sign changes. Take solver='ed', or rotate the "
            "orbitals to the basis in which Delta is diagonal"
        )


class OrbitalSimulation(SampledRun[OrbitalSolution]):
    """The Markov chains of several orbitals."""

    def __init__(
        self, problem: OrbitalImpurity, run: Run, sampling: Sampling, checkpoint: Path | None
    ) -> None:
        self.problem = problem
        self.fewest = MIN_BLOCKS * sampling.chains  # identities are fitted to the bins
        parts = [problem.of_orbital(a) for a in range(problem.orbitals)]
        tables = [tabulated(part) for part in parts]
        self.table_error = max(error for _, error in tables)
        alone = atom(problem, replace(run, progress=False, frequencies=2))
        floors, orders = [], 0
        for part, (F, _), G in zip(parts, tables, alone.G, strict=True):
            assert isinstance(G, GreenFunction)
            floors.append(_floor(problem.beta, G, F))
            used = G.energies[G.weights > 1e-4]
            widest = float(np.max(np.abs(used))) + 2.0 * math.sqrt(part.Delta_moments()[0])
            rule = 16 + math.ceil(8.0 * math.sqrt(problem.beta * widest))
            orders = max(orders, min(max(rule, 32), 512), sampling.legendre or 0)
        self.floor = max(floors) if sampling.floor is None else sampling.floor
        chains = _core.CtqmcRun(
            problem.repulsion,
            [level for level in problem.eps for _ in range(2)],
            problem.beta,
            [F for F, _ in tables for _ in range(2)],
            floor=self.floor,
            groups=[g for g in groups(problem) for _ in range(2)],
            seed=run.seed,
            chains=sampling.chains,
            equilibration=sampling.warm_blocks,
            updates=sampling.spacing or 0,
            cells=cells_of(orders),
            orders=orders,
        )
        super().__init__(chains, run, sampling, checkpoint)

    def error(self) -> float:
        """Of G_aa(i w_0), the largest of all orbitals."""
        estimates = _Estimates(self.problem, self.chains.results())
        run, length = replace(self.run, frequencies=2), self.sampling.legendre
        first = set(self.problem.equivalent)
        return max(float(estimates.functions(a, run, length)[2][0]) for a in first)

    def solution(self) -> OrbitalSolution:
        """From all measurements so far."""
        more = {"table_error": self.table_error, "floor": self.floor}
        estimates = _Estimates(self.problem, self.chains.results())
        return estimates.solution(self.run, self.sampling, {**self.diagnostics(), **more})


def groups(problem: OrbitalImpurity) -> list[int]:
    """The number of the group of every orbital: equivalent ones are measured together."""
    first = sorted(set(problem.equivalent))
    return [first.index(same) for same in problem.equivalent]


def _floor(beta: float, G: GreenFunction, F: FloatArray) -> float:
    """As for one orbital: the constant that adds HELPERS segments of a flavour to the atom."""
    half = 0.5 * beta * G.energies
    shape = np.divide(np.tanh(half), 2.0 * half, out=np.full(half.size, 0.5), where=half != 0.0)
    floor = 0.5 * HELPERS / (beta**2 * float(G.weights @ shape))
    return 0.0 if float(np.min(F)) > floor else floor


@dataclass(frozen=True, eq=False)
class _Estimates:
    """Averages of the bins of a run."""

    problem: OrbitalImpurity
    raw: Mapping[str, Any]

    @cached_property
    def tau(self) -> dict[str, float]:
        """Autocorrelation times in sweeps."""
        levels = self.raw["levels"]
        return {name: autocorrelation_time(levels, o) for o, name in enumerate(FOLLOWED)}

    @property
    def slowest(self) -> float:
        """The longest of them; that of the polarisation is not one of an average used."""
        return max(self.tau[name] for name in FOLLOWED[:3])

    @cached_property
    def first(self) -> Any:
        """First members of the independent bins."""
        found = independent_bins(self.raw, self.slowest)
        if np.sum(self.raw["scalars"][:, 5]) == 0.0:
            raise NumericalError(
                "no operators were ever inserted, so that there is no measurement of G: the "
                "hybridisation is too weak for so few sweeps; 'hubbard1' is exact without it"
            )
        return found

    def joined(self, x: FloatArray) -> FloatArray:
        """Sums over the bins that belong together."""
        return np.asarray(np.add.reduceat(x, self.first, axis=0))

    @cached_property
    def weights(self) -> FloatArray:
        """Sum of the signs in each bin."""
        return np.asarray(self.joined(self.raw["scalars"])[:, 2])

    @property
    def once(self) -> float:
        """The share of one sweep in the run."""
        return 1.0 / float(np.sum(self.raw["scalars"][:, 0]))

    def mean(self, x: FloatArray) -> FloatArray:
        """Average over bins."""
        return np.asarray(np.tensordot(self.weights, x, axes=1) / np.sum(self.weights))

    def without(self, x: FloatArray) -> FloatArray:
        """Averages with one bin left out; NaN where there is no other."""
        if self.weights.size < 2:
            return np.full(x.shape, np.nan)
        w = self.weights.reshape((-1,) + (1,) * (x.ndim - 1))
        return np.asarray((np.sum(w * x, axis=0) - w * x) / (np.sum(w) - w))

    def factor(self, constraints: int = 0) -> float:
        """Errors of few bins: Student's t, and the loss by corrections fitted to the same bins.

        NaN where they leave nothing: an infinite error would count as noise that hides a change.
        """
        B, p = self.weights.size, constraints
        if B - 2 - p <= 0:
            return math.nan
        t = math.sqrt(1.0 + 2.0 / max(B - 3 - p, 1))
        return t * math.sqrt((B - 1) * (B - 2) / ((B - 1 - p) * (B - 2 - p)))

    def error(self, x: FloatArray) -> FloatArray:
        """Errors of averages."""
        found = spread(self.mean(x), self.without(x), self.weights)
        return np.asarray(np.maximum(self.factor() * found, self.once))

    @cached_property
    def flavours(self) -> int:
        """Number of flavours."""
        return 2 * self.problem.orbitals

    def _square(self, name: str) -> FloatArray:
        """A symmetric matrix of the flavours in each bin."""
        n = self.flavours
        values = self.joined(self.raw[name]) / self.weights[:, None]
        found = np.zeros((len(values), n, n))
        rows, columns = np.tril_indices(n)
        found[:, rows, columns] = found[:, columns, rows] = values
        return found

    @cached_property
    def equal(self) -> FloatArray:
        """<n_i n_j> of flavours, equivalent pairs averaged, shape (B, 2 M, 2 M)."""
        return self._averaged(self._square("equal"))

    @cached_property
    def apart(self) -> FloatArray:
        """beta <n_i n_j> averaged over times, likewise."""
        return self._averaged(self._square("apart"))

    def _averaged(self, x: FloatArray) -> FloatArray:
        """Averages over both spins, and over permutations of equivalent orbitals."""
        M = self.problem.orbitals
        x = x.reshape(-1, M, 2, M, 2)
        x = 0.5 * (x + x[:, :, ::-1, :, ::-1])
        groups = np.array(self.problem.equivalent)
        out = x.copy()
        for g in set(groups.tolist()):
            own = np.flatnonzero(groups == g)
            same = np.mean(x[:, own, :, own], axis=0)
            out[:, own, :, own] = same
            for h in set(groups.tolist()):
                other = np.flatnonzero(groups == h)
                pairs = [(a, b) for a in own for b in other if a != b]
                if pairs:
                    both = np.mean([x[:, a, :, b] for a, b in pairs], axis=0)
                    for a, b in pairs:
                        out[:, a, :, b] = both
        return np.asarray(out.reshape(-1, 2 * M, 2 * M))

    def _coefficients(self, name: str, a: int) -> FloatArray:
        """Legendre coefficients of one orbital, averaged over equivalent flavours."""
        raw, numbers = self.raw[name], groups(self.problem)
        members = 2 * self.problem.equivalent.count(a)
        x = raw.reshape(len(raw), max(numbers) + 1, -1)[:, numbers[a]] / members
        return np.asarray(self.joined(x) / self.weights[:, None])

    def _corrected(self, a: int, L: int) -> tuple[FloatArray, FloatArray, float, int]:
        """G_l and F_l of every bin, corrected by the identities; their chi^2 and number."""
        problem = self.problem
        beta, eps = problem.beta, problem.eps[a]
        U = problem.repulsion[2 * a]
        occupied = np.einsum("bii->bi", self.equal)
        v, v2 = occupied @ U, np.einsum("i,bij,j->b", U, self.equal, U)
        G, F = (self._coefficients(name, a)[:, :L] for name in ("G", "F"))
        order = np.arange(L)
        root = np.sqrt(2.0 * order + 1.0)
        even = np.where(order % 2 == 0, 1.0, 0.0)
        jump = -2.0 * root * even / beta
        slope = 2.0 / beta**2 * root * order * (order + 1.0) * (1.0 - even)
        size = abs(eps) + float(np.sum(np.abs(U)))
        rows = [G @ jump - 1.0, G @ slope - (eps + v)]
        sizes = [1.0, size]
        if np.any(U):  # F vanishes otherwise
            rows += [F @ jump - v, F @ slope - (eps * v + v2)]
            sizes += [size, size**2]
        count = min(EQUATIONS, L // 4)
        T = transform_matrix(count, L)
        z = 1j * fermionic(beta, count)
        Delta = problem.of_orbital(a).Delta().iw(count)
        left = (z - eps - Delta) * (G @ T.T) - F @ T.T - 1.0
        rows += [*left.real.T, *left.imag.T]
        sizes += [1.0] * (2 * count)
        most = self.weights.size // 2 - 1  # more identities than that leave nothing for the error
        if most < 1:
            return G, F, 0.0, 0
        x, chi2, used = controlled(
            np.concatenate([G, F], axis=1),
            np.stack(rows[:most], axis=1),
            self.once * np.array(sizes[:most]),
            self.weights,
        )
        return x[:, :L], x[:, L:], chi2, used

    def _needed(self, a: int) -> int:
        """Number of coefficients above the noise, and a quarter."""
        G, F = (self._coefficients(name, a) for name in ("G", "F"))
        scale = float(np.sum(np.abs(self.problem.repulsion[2 * a]))) or 1.0
        L = G.shape[1]
        x = np.stack([G, F / scale], axis=1)
        noise = (spread(self.mean(x), self.without(x), self.weights) ** 2).sum(axis=0)
        signal = (self.mean(x) ** 2).sum(axis=0) - noise
        kept = np.concatenate([[0.0], np.cumsum(noise)])
        lost = np.concatenate([np.cumsum(signal[::-1])[::-1], [0.0]])
        if not np.all(np.isfinite(noise)):  # of one bin: nothing says what is noise
            return int(L)
        best = int(np.argmin((kept + lost)[6:])) + 6 if L > 6 else L
        return int(min(best + max(4, best // 4), L))

    def functions(
        self, a: int, run: Run, legendre: int | None
    ) -> tuple[ComplexArray, ComplexArray, FloatArray, FloatArray, float, int]:
        """Sigma and G of an orbital with their errors; chi^2 per identity, and coefficients."""
        problem = self.problem
        count = run.frequencies
        L = self._needed(a) if legendre is None else legendre
        G, F, chi2, used = self._corrected(a, L)
        L = G.shape[1]
        Delta = problem.of_orbital(a).Delta().at_first(count)
        bare = 1j * fermionic(problem.beta, count) - problem.eps[a] - Delta

        def Sigma_of(G: FloatArray, F: FloatArray) -> ComplexArray:
            T = transform_matrix(count, G.shape[-1]).T
            with np.errstate(invalid="ignore"):  # NaN where one bin is left out of one
                return np.asarray((F @ T) / (G @ T))

        def dressed(Sigma: ComplexArray) -> ComplexArray:
            with np.errstate(invalid="ignore"):
                return np.asarray(1.0 / (bare - Sigma))

        longest = self._coefficients("G", a).shape[1]
        more = self._corrected(a, min(L + max(6, L // 2), longest))
        Sigma = Sigma_of(self.mean(G), self.mean(F))
        longer = Sigma_of(self.mean(more[0]), self.mean(more[1]))
        without = Sigma_of(self.without(G), self.without(F))
        per_identity = chi2 / max(used, 1)
        scale = max(1.0, math.sqrt(per_identity)) if chi2 > 4.0 * used + 10.0 else 1.0
        factor = self.factor(used)
        errors = [
            scale * np.hypot(factor * spread(x, others, self.weights), np.abs(other - x))
            for x, others, other in (
                (dressed(Sigma), dressed(without), dressed(longer)),
                (Sigma, without, longer),
            )
        ]
        return Sigma, dressed(Sigma), errors[0], errors[1], per_identity, L

    def _moments(self, a: int) -> tuple[float, float, float, float]:
        """Moments of the spectral function; the third leaves out a correlation with the bath."""
        U, eps = self.problem.repulsion[2 * a], self.problem.eps[a]
        equal = self.mean(self.equal)
        v = float(U @ np.diag(equal))
        s1 = float(U @ equal @ U) - v**2
        d0, d1 = self.problem.of_orbital(a).Delta_moments()[:2]
        m1 = eps + v
        return 1.0, m1, m1**2 + d0 + s1, m1**3 + 2.0 * m1 * (d0 + s1) + d1 + s1 * m1

    def _doubts(self, equilibration: int) -> tuple[str, ...]:
        """Reasons to doubt the errors."""
        found = []
        sweeps = np.bincount(self.raw["chain"].astype(np.intp), self.raw["scalars"][:, 0])
        if np.min(sweeps) < MEMORY * self.slowest:
            found.append(
                f"its chains are {np.min(sweeps) / self.slowest:.0f} autocorrelation times long, "
                f"and errors need {MEMORY:g}; raise sweeps"
            )
        if equilibration < EQUILIBRATED * self.slowest:
            found.append(
                f"its equilibration is {equilibration / self.slowest:.0f} autocorrelation times "
                f"long, and should be {EQUILIBRATED:g}; raise equilibration"
            )
        if math.isnan(self.factor()):
            found.append(few_bins(self.weights.size))
        return tuple(found)

    def solution(self, run: Run, sampling: Sampling, more: dict[str, Any]) -> OrbitalSolution:
        """G, Sigma and averages with their errors."""
        problem, raw = self.problem, self.raw
        M, beta, count = problem.orbitals, problem.beta, run.frequencies
        G_iw = np.zeros((count, M, M), dtype=np.complex128)
        Sigma_iw = np.zeros_like(G_iw)
        errors = np.zeros((2, count, M))
        G: list[MatsubaraFunction] = []
        identities = 0.0
        lengths: list[int] = []
        for a, same in enumerate(problem.equivalent):
            if same < a:
                G_iw[:, a, a], Sigma_iw[:, a, a] = G_iw[:, same, same], Sigma_iw[:, same, same]
                errors[:, :, a] = errors[:, :, same]
                G.append(G[same])
                continue
            Sigma, values, *both, chi2, L = self.functions(a, run, sampling.legendre)
            G_iw[:, a, a], Sigma_iw[:, a, a] = values, Sigma
            errors[:, :, a] = both
            G.append(MatsubaraFunction.own(values, beta, self._moments(a)))
            identities, lengths = max(identities, chi2), [*lengths, L]
        up = np.arange(0, 2 * M, 2)
        n_bins = 2.0 * np.einsum("bii->bi", self.equal)[:, up]
        docc_bins = self.equal[:, up, up + 1]
        equal = self.equal.reshape(-1, M, 2, M, 2)
        apart = self.apart.reshape(-1, M, 2, M, 2)
        sign = np.array([0.5, -0.5])
        pairs_bins, spins_bins = equal.sum(axis=(2, 4)), _spins(equal, sign)
        chi_spin_bins = _spins(apart, sign)
        n = self.mean(n_bins)
        charge_bins = apart.sum(axis=(2, 4))
        total, left = self.mean(charge_bins), self.without(charge_bins)
        n_left = self.without(n_bins)
        chi_charge = total - beta * np.outer(n, n)
        others = left - beta * n_left[:, :, None] * n_left[:, None, :]
        chi_error = self.factor() * spread(chi_charge, others, self.weights)
        w_0 = math.pi / beta
        Z = 1.0 / (1.0 - np.einsum("aa->a", Sigma_iw[0]).imag / w_0)
        scalars = raw["scalars"]
        return OrbitalSolution(
            problem=problem,
            solver="cthyb",
            G=tuple(G),
            G_iw=G_iw,
            Sigma_iw=Sigma_iw,
            Delta_iw=problem.Delta_iw(count),
            n=n,
            docc=self.mean(docc_bins),
            pairs=self.mean(pairs_bins),
            spins=self.mean(spins_bins),
            chi_charge=chi_charge,
            chi_spin=self.mean(chi_spin_bins),
            log_Z=None,
            error=float(np.max(errors[0])),
            diagnostics={
                "G_iw_error": errors[0],
                "Sigma_iw_error": errors[1],
                "n_error": self.error(n_bins),
                "docc_error": self.error(docc_bins),
                "pairs_error": self.error(pairs_bins),
                "spins_error": self.error(spins_bins),
                "chi_charge_error": np.maximum(chi_error, self.once),
                "chi_spin_error": self.error(chi_spin_bins),
                "Z_error": Z**2 / w_0 * errors[1, 0],
                "sign": float(np.sum(scalars[:, 2]) / np.sum(scalars[:, 1])),
                "weight": float(np.sum(scalars[:, 1]) / np.sum(scalars[:, 0])),
                "order": float(np.sum(scalars[:, 5]) / np.sum(scalars[:, 2])),
                "kinetic_energy": -float(np.sum(scalars[:, 5]) / np.sum(scalars[:, 2])) / beta,
                "identities": identities,
                "legendre": tuple(lengths),
                "bins": self.weights.size,
                "sweeps": int(np.sum(scalars[:, 0])),
                "updates": raw["updates"],
                "autocorrelation": dict(self.tau),
                "acceptance": {k: x / max(p, 1) for k, (p, x) in raw["moves"].items()},
                "drift": raw["drift"],
                "doubts": self._doubts(sampling.warm_blocks * BLOCK),
                **more,
            },
            seed=run.seed,
        )


def _spins(x: FloatArray, sign: FloatArray) -> FloatArray:
    """``S^z_a S^z_b`` from densities of flavours, shape (B, M, 2, M, 2)."""
    return np.asarray(np.einsum("kasbr,s,r->kab", x, sign, sign))
