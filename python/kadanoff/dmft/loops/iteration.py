"""The iterations of a self-consistency loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from kadanoff._base import checks, running
from kadanoff._base.errors import Cancelled, NotConverged, NumericalError
from kadanoff._base.types import FloatArray
from kadanoff.dmft.lattices import Bethe, Lattice
from kadanoff.dmft.loops.axes import MatsubaraAxis, RealAxis, SelfConsistency, Setting
from kadanoff.dmft.loops.fixed_point import Approach
from kadanoff.dmft.loops.loop_result import HISTORY, NOISE, SETTLED, Loop
from kadanoff.dmft.loops.mixing import Bracket, Mixer
from kadanoff.dmft.loops.spin_axis import SpinAxis
from kadanoff.dmft.problem import DiscreteBath
from kadanoff.dmft.protocol import (
    MAX_FREQUENCIES,
    Run,
    Solver,
    solved,
)
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.ed import DEFAULT_SITES

__all__ = ["LoopSettings", "Loops", "check_energies", "iterated"]

STARTS = ("metal", "insulator")
MIXINGS = ("anderson", "linear")
ORDERS = ("antiferro",)
MIN_FREQUENCIES = {"imaginary": 64, "real": 2}
LAST = 10  # iterations that an error message reports
AVERAGED = 8  # iterations after that, to average over
MIN_D, MAX_D = 1e-30, 1e30  # high powers of D enter the tails
MAX_RATIO = 1e4
"""Largest U and |eps + U/2| of a loop in units of D: above it rounding hides the bath's part."""


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """The checked settings that all loops of a scan share."""

    lattice: Lattice
    n: float | None
    mixing: str
    share: float
    tolerance: float | None
    max_iterations: int
    frequencies: int | None
    field: float = 0.0
    order: str | None = None

    @classmethod
    def of(
        cls,
        solver: Solver,
        *,
        D: float = 1.0,
        lattice: Lattice | None = None,
        n: float | None = None,
        mixing: str | None = None,
        share: float | None = None,
        tolerance: float | None = None,
        max_iterations: int = 200,
        frequencies: int | None = None,
        field: float = 0.0,
        order: str | None = None,
    ) -> LoopSettings:
        """Check the settings.

        Raises
        ------
        TypeError, ValueError
            A setting is of the wrong kind or out of range.
        """
        if mixing is None:
            mixing = "linear" if solver.stochastic else "anderson"
        if n is not None:
            n = checks.real("n", n, above=0, below=2, hint="it is the occupation of both spins")
        if tolerance is not None:
            tolerance = checks.real("tolerance", tolerance, above=0)
        if frequencies is not None:
            least = MIN_FREQUENCIES[solver.axis]
            frequencies = checks.whole(
                "frequencies", frequencies, least=least, most=MAX_FREQUENCIES
            )
        if lattice is None:
            lattice = Bethe(checks.half_bandwidth(D))
        checks.real(
            "D", lattice.D, least=MIN_D, most=MAX_D, hint="measure energies in another unit"
        )
        most = MAX_RATIO * lattice.D
        field = checks.real("field", field, least=-most, most=most)
        if order is not None:
            checks.choice("order", order, ORDERS, hint="or None")
            if not lattice.is_bipartite:
                raise ValueError(
                    f"order='antiferro' needs a bipartite lattice, whose rho(-e) = rho(e); "
                    f"{lattice!r} is not"
                )
        # The baths of two spins live on the imaginary axis.
        if (field != 0.0 or order is not None) and not (solver.spins and solver.axis != "real"):
            of_loops = " in a loop" if solver.spins else ""
            raise ValueError(
                f"solver {solver.name!r} takes neither a field nor a bath for each spin{of_loops}, "
                f"which {'field' if field else 'order'} needs; 'ed' and 'cthyb' do"
            )
        return cls(
            lattice=lattice,
            n=n,
            mixing=checks.choice("mixing", mixing, MIXINGS),
            share=1.0 if share is None else checks.real("share", share, above=0, most=1),
            tolerance=tolerance,
            max_iterations=checks.whole("max_iterations", max_iterations),
            frequencies=frequencies,
            field=field,
            order=order,
        )

    @property
    def D(self) -> float:
        """Half bandwidth."""
        return self.lattice.D

    @property
    def depends_on_spin(self) -> bool:
        """Whether the spins differ."""
        return self.field != 0.0 or self.order is not None


def check_energies(
    U: Iterable[float],
    detuning: float,
    D: float,
    *,
    level: str = "detuning",
    attractive: bool = False,
) -> None:
    """Refuse energies that no loop can follow.

    Parameters
    ----------
    U : sequence of float
        Repulsions.
    detuning : float
        The level is ``detuning - U/2``.
    D : float
        Half bandwidth.
    level : str
        The words for `detuning` in the message.
    attractive : bool
        Whether negative U are possible.

    Raises
    ------
    ValueError
        One of them lies beyond `MAX_RATIO` half bandwidths, or a U is negative.
    """
    most = MAX_RATIO * D
    for u in U:
        least = -most if attractive else 0.0
        checks.real("U", u, least=least, most=most, hint=f"{MAX_RATIO:g} half bandwidths D")
    checks.real(level, detuning, least=-most, most=most, hint=f"{MAX_RATIO:g} half bandwidths D")


def iterated(
    U: float,
    beta: float,
    detuning: float,
    solver: Solver,
    start: str | Loop | Solution,
    settings: LoopSettings,
    run: running.Run,
    options: dict[str, Any],
) -> Loop:
    """As `loop`, for arguments that are checked already, the level at ``detuning - U/2``."""
    loop = _Iteration(U, beta, detuning, solver, start, settings, run, options)
    with run.calling(f"DMFT, U = {U:g}") as keywords:
        report = keywords["report"]
        try:
            for iteration in range(settings.max_iterations):
                if run.control is not None and run.control.cancelled:
                    raise Cancelled("the computation was stopped")
                solution = loop.solved(iteration)
                change = loop.compared(solution)
                if report is not None:
                    report(iteration + 1, settings.max_iterations)
                if loop.converged(solution, change):
                    done = loop.result(True)
                    assert done is not None
                    return done
                loop.advance(change)
        except (Cancelled, NotConverged) as stop:
            raise type(stop)(str(stop), loop.result(False)) from stop
        except (NumericalError, ValueError) as stop:
            if loop.solution is None:  # the arguments, or the first problem
                raise
            raise NotConverged(loop.broken(stop), loop.result(False)) from stop
        except KeyboardInterrupt as stop:
            raise Cancelled("interrupted during a DMFT loop", loop.result(False)) from stop
    raise NotConverged(loop.failure(), loop.result(False))


@dataclass(frozen=True, kw_only=True)
class Loops:
    """Loops that differ in one parameter."""

    U: float
    solver: Solver
    settings: LoopSettings
    run: running.Run
    options: Mapping[str, Any]

    def at(self, beta: float, detuning: float, start: str | Loop = "metal") -> Loop:
        """The converged loop at a temperature and a level ``detuning - U/2``."""
        return iterated(
            self.U,
            beta,
            detuning,
            self.solver,
            start,
            self.settings,
            self.run.quiet(),
            dict(self.options),
        )


@dataclass(frozen=True)
class _Change:
    """What one iteration would change.

    Parameters
    ----------
    new : array, shape (M,)
        The bath that follows from the solution, in the numbers of `SelfConsistency.vector`.
    shift : float
        Shift of the levels that fills the lattice as wanted.
    excess : float
        Occupation of the lattice above the one wanted.
    residual, noise : float
        Largest change of Delta and its statistical error.
    """

    new: FloatArray
    shift: float
    excess: float
    residual: float
    noise: float


class _Iteration:
    """A loop between two iterations: its bath, its level, and its history."""

    def __init__(
        self,
        U: float,
        beta: float,
        detuning: float,
        solver: Solver,
        start: str | Loop | Solution,
        settings: LoopSettings,
        run: running.Run,
        options: dict[str, Any],
    ) -> None:
        self.U, self.solver, self.run, self.settings = U, solver, run, settings
        target = settings.n
        first, self.start = _start(start, beta)
        if target is not None and detuning == 0.0 and isinstance(first, Solution):
            detuning = first.problem.detuning
        if target == 1.0 and detuning == 0.0 and settings.lattice.is_bipartite:
            target = None
        self.detuning, self.target = detuning, target
        symmetric = detuning == 0.0 and target is None
        lattice = settings.lattice
        setting = Setting(U, beta, lattice.centred(), symmetric=symmetric and lattice.is_bipartite)
        self.axis: SelfConsistency
        if solver.axis == "real" or options.get("real_axis") is True:
            options = dict(options)
            omega = options.pop("omega", None)
            own = "omega" not in solver.options
            self.axis = RealAxis(setting, first, detuning, settings.frequencies, omega, own=own)
        elif settings.depends_on_spin:
            self.axis = SpinAxis(
                setting,
                first,
                detuning,
                settings.frequencies,
                field=settings.field,
                ordered=settings.order is not None,
            )
        else:
            _refuse_polarised(first)
            self.axis = MatsubaraAxis(setting, first, detuning, settings.frequencies)
        self.options = options
        given = settings.tolerance
        self.tolerance = self.axis.tolerance if given is None else given
        self.inner = Run.over(run.quiet(), self.axis.frequencies)
        self.mixer = Mixer(settings.mixing, settings.share)
        self.bracket = Bracket(0.01 * settings.D)
        self.bath = _bath(first) if isinstance(first, Solution) else None
        if not _has_sites(self.bath, options.get("sites") or DEFAULT_SITES):
            self.bath = None
        self.entries: list[tuple[float, ...]] = []
        self.m: list[float] = []
        self.approach = Approach()
        self.solution: Solution | None = None
        self.settled = 0
        self.began = time.perf_counter()

    def solved(self, iteration: int) -> Solution:
        """The impurity in the current bath; a fit of the bath starts from the last one."""
        inner = self.inner
        if self.solver.stochastic:
            inner = replace(inner, seed=(self.run.seed + iteration) % (checks.MAX_SEED + 1))
        options = {**self.axis.settings, **_warm(self.solver, self.options, self.bath)}
        solution = solved(self.axis.problem(self.detuning), self.solver, inner, options)
        self.bath = _bath(solution) or self.bath
        return solution

    def compared(self, solution: Solution) -> _Change:
        """The change of bath and occupation that a solution asks for, entered in the history."""
        axis, target = self.axis, self.target
        filling = axis.occupation(solution)
        excess = 0.0 if target is None else filling - target
        shift = 0.0 if target is None else axis.shift(solution, target)
        new = axis.output(solution, shift)
        change = _Change(new, shift, excess, axis.residual(new), axis.noise(solution))
        mean = self.settings.lattice.mean
        eps = solution.problem.eps - mean
        kinetic = axis.kinetic_energy(solution) + mean * filling
        self.entries.append(
            (change.residual, solution.Z, solution.docc, filling, eps, change.noise, kinetic)
        )
        if isinstance(axis, SpinAxis):
            self.m.append(axis.magnetisation(solution))
        self.solution = solution
        self.approach.add(*self._point(change), solution.Z)
        return change

    def _point(self, change: _Change) -> tuple[FloatArray, FloatArray]:
        """Bath and level, and those that follow; the level is one more unknown."""
        unit, moved = self.axis.unit, self.detuning + self.step(change)
        x = np.append(self.axis.vector, self.detuning / unit)
        return x, np.append(change.new, moved / unit)

    @property
    def _judged(self) -> bool:
        """Whether the distance from the fixed point is known where the solver states errors."""
        if self.settings.max_iterations == 1 or self.approach.steps > 0:
            return True
        if self.solver.stochastic:  # its change is noise, and at least one more tells how large
            return False
        states = self.solution is not None and "Z_error" in self.solution.diagnostics
        return not (states and self.approach.left > 0.0)

    def converged(self, solution: Solution, change: _Change) -> bool:
        """Whether Delta has met the tolerance, or has settled within its noise; n likewise."""
        self.settled = self.settled + 1 if change.residual <= NOISE * change.noise else 0
        allowed = self.tolerance
        if self.solver.stochastic:
            allowed = max(allowed, NOISE * solution.diagnostics.get("n_error", 0.0))
        met = change.residual < self.tolerance or self.settled >= SETTLED + AVERAGED
        return bool(met and abs(change.excess) < allowed and self._judged)

    def step(self, change: _Change) -> float:
        """Change of the level: the shift with the self-energy as it is, and its Hartree part.

        Strong attraction would turn the sum round. ``dn/dmu`` of the impurity is at most
        ``beta (<n^2> - <n>^2)``, which gives the least step.
        """
        shift, hartree = change.shift, 0.5 * self.U * change.excess
        if self.U >= 0.0 or self.solution is None:
            return shift + hartree
        n, docc = self.solution.n, self.solution.docc
        bound = self.solution.beta * (n + 2.0 * docc - n * n)
        size = abs(shift)
        least = min(abs(change.excess) / bound, size) if bound > 0.0 else size
        return math.copysign(max(size - abs(hartree), least), shift)

    def advance(self, change: _Change) -> None:
        """Mix the next bath, and the next level where an occupation is wanted."""
        unit = self.axis.unit
        x, fx = self._point(change)
        mixed = self.mixer.next(x, fx)
        if not self.axis.possible(mixed[:-1]):
            mixed = fx
        self.axis.take(mixed[:-1])
        if self.target is not None:
            self.bracket.add(self.detuning, change.excess)
            self.detuning = self.bracket.inside(unit * float(mixed[-1]), unit * float(fx[-1]))

    def result(self, converged: bool) -> Loop | None:
        """The loop so far; None before the first solution."""
        if self.solution is None:
            return None
        if self.solver.warn is not None:
            self.solver.warn(self.solution)
        history = dict(zip(HISTORY, np.array(self.entries).T, strict=True))
        if self.m:
            history["m"] = np.array(self.m)
        seed = None if self.solution.seed is None else self.run.seed
        seconds = time.perf_counter() - self.began
        settings = self.settings
        return Loop(
            self.solution if self.solver.stochastic else self.approach.judged(self.solution),
            self.start,
            converged,
            history,
            seconds,
            settings.lattice,
            seed,
            settings.order,
        )

    def broken(self, error: Exception) -> str:
        """What the solver refused after some iterations, and what may help."""
        remedy = (
            "raise sweeps: its noise may be the cause" if self.solver.stochastic else "lower share"
        )
        return (
            f"{self.solver.name} failed in iteration {len(self.entries) + 1}: {error}; {remedy}, "
            "or start from a converged neighbour (start=loop). The history is in .partial"
        )

    def failure(self) -> str:
        """Why the loop did not converge, and what may help."""
        last = np.array(self.entries[-LAST:])
        n, eps = (last[:, HISTORY.index(name)] for name in ("n", "eps"))
        missed = ""
        if self.target is not None and abs(n[-1] - self.target) >= self.tolerance:
            missed = (
                f"; the last {len(last)} have n from {n.min():.6g} to {n.max():.6g}, "
                f"{self.target:g} wanted, at eps from {eps.min():.6g} to {eps.max():.6g}: a wide "
                "range of n at one eps is a jump, one n at a wide range of eps a gap"
            )
        return (
            f"DMFT did not converge in {self.settings.max_iterations} iterations: residual "
            f"{last[-1, 0]:.1e}, tolerance = {self.tolerance:g}{missed}; raise max_iterations, "
            "lower share, or start from a converged neighbour (start=loop). The history is in "
            ".partial"
        )


Baths: TypeAlias = DiscreteBath | tuple[DiscreteBath, DiscreteBath]


def _bath(solution: Solution) -> Baths | None:
    """The bath of a solution, or those of both spins."""
    found = solution.diagnostics
    bath: Baths | None = found.get("bath", found.get("baths"))
    return bath


def _has_sites(bath: Baths | None, sites: int) -> bool:
    """Whether the bath of a start may begin the fits of a loop, which have this number of sites."""
    both = bath if isinstance(bath, tuple) else (bath,)
    return all(of is not None and of.sites == sites for of in both)


def _refuse_polarised(start: str | Solution) -> None:
    """Refuse a start whose spins differ for a loop in which they do not."""
    if isinstance(start, Solution) and start.by_spin is not None:
        raise ValueError(
            "start is a solution in a field or in magnetic order; give field or order as well, or "
            "start from 'metal' or 'insulator'"
        )


def _warm(solver: Solver, options: dict[str, Any], bath: Baths | None) -> dict[str, Any]:
    """Options, with the last bath as a starting point of the fit."""
    if "fit" not in solver.options:
        return options
    fit = dict(options.get("fit") or {})
    if bath is not None and "start" not in fit:
        fit["start"] = bath
        fit.setdefault("starts", 1)
    return {**options, "fit": fit}


def _start(start: str | Loop | Solution, beta: float) -> tuple[str | Solution, str]:
    """The starting point, and the name of the branch."""
    if isinstance(start, (Loop, Solution)):
        solution = start.solution if isinstance(start, Loop) else start
        if abs(solution.beta - beta) > 1e-12 * beta:
            raise ValueError(
                f"start was solved at beta = {solution.beta:g}; this loop is at beta = {beta:g}"
            )
        return solution, start.start if isinstance(start, Loop) else "solution"
    if start not in STARTS:
        raise ValueError(f"start must be 'metal', 'insulator' or an earlier result, got {start!r}")
    return str(start), str(start)
