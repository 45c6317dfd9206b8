"""Dynamical mean-field theory on the Bethe lattice: ``Delta = (D/2)**2 G``.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13, section VII.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import Cancelled, NotConverged, NumericalError
from kadanoff._base.html import sparkline, table
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.loops.axes import MatsubaraAxis, RealAxis, SelfConsistency, Setting
from kadanoff.dmft.loops.mixing import Bracket, Mixer
from kadanoff.dmft.problem import MAX_ENERGY, DiscreteBath
from kadanoff.dmft.protocol import (
    MAX_FREQUENCIES,
    Run,
    Solver,
    SolverLike,
    lookup,
    solved,
    takes_solver_options,
)
from kadanoff.dmft.solution import Solution
from kadanoff.greens.grids import inverse_temperature
from kadanoff.runs.result_files import Saved, storable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BetheLoop", "LoopSettings", "bethe", "iterated"]

STARTS = ("metal", "insulator")
MIXINGS = ("anderson", "linear")
MIN_FREQUENCIES = {"imaginary": 64, "real": 2}
LAST = 10  # iterations that an error message reports
HISTORY = ("residual", "Z", "docc", "n", "eps", "noise")
SETTLED = 3  # iterations within the noise after which a loop has settled
AVERAGED = 8  # iterations after that, to average over
MIN_D, MAX_D = 1e-30, 1e30  # high powers of D enter the tails
MAX_RATIO = 1e4
"""Largest U and |eps + U/2| of a loop in units of D: above it rounding hides the bath's part."""
IN_A_GAP = 0.1  # density at the Fermi energy, over the largest of the free lattice
NOISE = 3.0  # standard errors: the residual is a maximum over frequencies of two noisy functions


@storable
@public
@dataclass(frozen=True, eq=False)
class BetheLoop(Saved):
    """A self-consistent solution on the Bethe lattice, and the iterations towards it.

    Parameters
    ----------
    solution : Solution
        The solution of the last impurity problem.
    start : str
        The starting point: "metal", "insulator" or "solution"; what was found is `state`.
    converged : bool
        Whether the residual fell below the tolerance, or stayed within the statistical noise of
        the solver.
    history : dict of str to array, shape (iterations,)
        ``residual`` (largest change of Delta, relative to the largest |Delta| of the free lattice),
        ``Z``, ``docc``, ``n``, ``eps`` and ``noise`` (largest statistical error of the new Delta,
        in the same units; zero for deterministic solvers), one entry per iteration.
    seconds : float
        Wall time in seconds.
    D : float
        Half bandwidth.
    seed : int or None
        Seed of the loop; None if no random numbers were drawn.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> loop = dmft.bethe(U=1.0, beta=10, solver="hubbard1")
    >>> loop.converged, loop.history["Z"].size == loop.iterations
    (True, True)
    """

    solution: Solution
    start: str
    converged: bool
    history: dict[str, FloatArray] = field(repr=False)
    seconds: float = 0.0
    D: float = 1.0
    seed: int | None = None

    def __repr__(self) -> str:
        problem = self.solution.problem
        return (
            f"BetheLoop(U={problem.U:g}, beta={problem.beta:g}, D={self.D:g}, "
            f"{self.solution.solver}: {self._state}, n={self.n:.4g}, Z={self.Z:.4g}, "
            f"docc={self.docc:.4g})"
        )

    def _repr_html_(self) -> str:
        problem = self.solution.problem
        rows: dict[str, object] = {
            "U": problem.U,
            "beta": problem.beta,
            "D": self.D,
            "eps": self.eps,
            "state": self._state,
            "n": self.n,
            "docc": self.docc,
            "Z": self.Z,
            "residual": self.residual,
            "started from": self.start,
            "seed": "none drawn" if self.seed is None else self.seed,
        }
        picture = sparkline(np.log10(np.maximum(self.history["residual"], 1e-300)))
        title = f"Bethe lattice by {self.solution.solver}; logarithm of the residual"
        return table(title, rows, picture)

    def to_fields(self) -> dict[str, Any]:
        """The fields for a file, whose header names the lattice."""
        return {"lattice": "bethe"} | {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_fields(cls, found: dict[str, Any]) -> BetheLoop:
        """The loop of a file.

        Raises
        ------
        TypeError, ValueError
            The lattice is another, or fields are missing or unknown.
        """
        lattice = found.pop("lattice")
        if lattice != "bethe":
            raise ValueError(f"its loop is on the lattice {lattice!r}, not on the Bethe lattice")
        made = cls(**found)
        sizes = {np.shape(made.history[name]) for name in HISTORY}
        if not isinstance(made.solution, Solution) or len(sizes) != 1:
            raise ValueError("its loop has no solution, or a history of unequal lengths")
        return made

    @property
    def _state(self) -> str:
        end = "converged" if self.converged else "not converged"
        return f"{self.state}, {end} after {self.iterations} iterations"

    @property
    def iterations(self) -> int:
        """Number of impurity problems solved."""
        return int(self.history["residual"].size)

    @property
    def residual(self) -> float:
        """The last residual."""
        return float(self.history["residual"][-1])

    @property
    def noise(self) -> float:
        """The last statistical error of Delta; 0 for deterministic solvers."""
        return float(self.history["noise"][-1])

    def average(self, name: str) -> tuple[float, float]:
        """Mean of "Z", "docc" or "n" over the iterations after the loop had settled.

        The error is the scatter of independent samples, times ``sqrt((1 + r) / (1 - r))`` for
        the autocorrelation r of neighbours, as Delta carries noise from one iteration to the next.
        r is estimated jointly from Z and docc, bias-corrected, and bounded below by 0.5, the
        measured contraction of the loop per iteration: 0.45 to 0.57 at U = 2 to 2.6 and beta = 10
        and 50 (less, and of the other sign, far from the transition). For deterministic solvers,
        the last iteration with the error that its solution carries, 0 without one.
        """
        checks.choice("name", name, ("Z", "docc", "n"))
        within = self.history["residual"] <= NOISE * self.history["noise"]
        outside = np.flatnonzero(~within)
        # From then on the memory of the start is below the noise of one iteration.
        first = (int(outside[-1]) + 1 if outside.size else 0) + SETTLED
        last = self.history[name][first:]
        single = float(self.solution.diagnostics.get(f"{name}_error", 0.0))
        if last.size < 2:
            return float(self.history[name][-1]), single
        # The scatter of a few values is uncertain; it is at least the error of one sample.
        scatter = max(float(np.std(last, ddof=1)), single)
        r = _neighbours([self.history[k][first:] for k in ("Z", "docc")])
        error = scatter * math.sqrt((1.0 + r) / (1.0 - r) / last.size)
        return float(np.mean(last)), error

    @property
    def Z(self) -> float:
        """Quasiparticle weight from the first Matsubara frequency."""
        return self.solution.Z

    @property
    def docc(self) -> float:
        """Double occupancy."""
        return self.solution.docc

    @property
    def n(self) -> float:
        """Occupation of the lattice; that of the impurity differs by the error of a fitted bath."""
        return float(self.history["n"][-1])

    @property
    def eps(self) -> float:
        """Level of the impurity: minus the chemical potential."""
        return self.solution.problem.eps

    @property
    def fermi_weight(self) -> float:
        """-beta D G(beta/2) / 2, the spectral density at the Fermi energy, over that of U = 0.

        The density is averaged over energies of the order of the temperature: half filling without
        interaction has 1 for T << D, and a gap leaves exp(-beta gap/2).
        """
        beta = self.solution.beta
        return float(-0.5 * beta * self.D * np.ravel(self.solution.G.tau(0.5 * beta))[0])

    @property
    def is_metallic(self) -> bool:
        """Whether |Im Sigma| falls towards zero frequency, and the Fermi energy is in no gap.

        The first as in `Solution.is_metallic`; the second is ``fermi_weight > 0.1``. An insulator
        whose gap is not centred at the Fermi energy has no divergent Sigma there.
        """
        return self.solution.is_metallic and self.fermi_weight > IN_A_GAP

    @property
    def state(self) -> str:
        """What the loop has found, wherever it began: "metal" or "insulator"."""
        return "metal" if self.is_metallic else "insulator"

    @public
    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the residual against the iteration.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.loops.plots import plot_loop

        return plot_loop(self, ax, **style)


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """The checked settings that all loops of a scan share."""

    D: float
    n: float | None
    mixing: str
    share: float
    tolerance: float | None
    max_iterations: int
    frequencies: int | None

    @classmethod
    def of(
        cls,
        solver: Solver,
        *,
        D: float = 1.0,
        n: float | None = None,
        mixing: str | None = None,
        share: float | None = None,
        tolerance: float | None = None,
        max_iterations: int = 200,
        frequencies: int | None = None,
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
        return cls(
            D=checks.real(
                "D",
                checks.half_bandwidth(D),
                least=MIN_D,
                most=MAX_D,
                hint="measure energies in another unit",
            ),
            n=n,
            mixing=checks.choice("mixing", mixing, MIXINGS),
            share=1.0 if share is None else checks.real("share", share, above=0, most=1),
            tolerance=tolerance,
            max_iterations=checks.whole("max_iterations", max_iterations),
            frequencies=frequencies,
        )


@takes_solver_options
def bethe(
    *,
    U: float,
    beta: float,
    solver: SolverLike = "ed",
    start: str | BetheLoop | Solution = "metal",
    D: float = 1.0,
    eps: float | None = None,
    n: float | None = None,
    mixing: str | None = None,
    share: float | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
    frequencies: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> BetheLoop:
    """Iterate ``Delta = (D/2)**2 G`` to self-consistency with any solver.

    Parameters
    ----------
    U : float
        Repulsion, in the unit of D.
    beta : float
        Inverse temperature, in the unit of 1/D.
    solver : str or LearnedSolver
        A name in `kadanoff.dmft.SOLVERS`, or a learned solver. The bath is Delta(i w_n); for "nrg"
        it is -Im Delta(w) / pi.
    start : {"metal", "insulator"}, BetheLoop or Solution
        The free semicircle, the isolated atom, or an earlier result. In the coexistence region
        different starts lead to different solutions.
    D : float
        Half bandwidth; the unit of energy if 1, and between 1e-30 and 1e30 in any other unit.
    eps : float, optional
        Level of the impurity: minus the chemical potential. By default ``-U/2``, half filling.
        With `n`, the start of the search.
    n : float, optional
        Occupation, strictly between 0 and 2: eps is found together with the bath, and is
        ``BetheLoop.eps``.
    mixing : {"anderson", "linear"}, optional
        Mixing of old and new Delta. By default "linear" for stochastic solvers, whose noise
        misleads Anderson mixing, and "anderson" for the others.
    share : float, optional
        Share of the new Delta in the mixture, in (0, 1]; 1 by default.
    tolerance : float, optional
        Largest change of Delta allowed, relative to the largest |Delta| of the free lattice, and
        largest error of n where it is given. Default 1e-6, and 1e-3 on the real axis. A stochastic
        solver cannot reach it: once three successive changes are below three times the
        statistical error, see ``history["noise"]``, eight more iterations follow for
        `BetheLoop.average`.
    max_iterations : int
        Largest number of impurity problems.
    frequencies : int, optional
        Matsubara frequencies; by default up to 40 times the largest energy.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`. Stochastic solvers take seed + i in iteration i; fits
        of a bath take the same seed in all iterations.
    Lambda, keep, twists, scheme, estimator, broadening, omega : optional
        Options of "nrg", as in :func:`kadanoff.dmft.solve`.
    sites, prune, fit : optional
        Options of "ed"; `sites` and `fit` also of "ftlm" and "lanczos".
    sweeps, seconds, target, chains, equilibration, spacing, legendre, floor, checkpoint : optional
        Options of "cthyb".
    vectors, steps, exact : optional
        Options of "ftlm"; `steps` also of "lanczos" and "nca".
    half_filling : optional
        Option of "ipt".
    ground_state, cut, states : optional
        Options of "lanczos".
    real_axis : optional
        Option of "nca".

    Returns
    -------
    BetheLoop
        The converged loop, with the solution of the last impurity problem.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.
    NotConverged
        After `max_iterations`; ``partial`` is the BetheLoop so far, with its history.
    Cancelled
        ``partial`` likewise, None before the first iteration.

    References
    ----------
    A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
    doi:10.1103/RevModPhys.68.13, section VII.

    Examples
    --------
    >>> loop = bethe(U=1.0, beta=20, solver="ipt")
    >>> print(loop.converged, f"{loop.Z:.3f}")
    True 0.741
    """
    U, beta = checks.real("U", U, least=0, most=MAX_ENERGY), inverse_temperature(beta)
    detuning = 0.0 if eps is None else checks.real("eps", eps) + 0.5 * U
    chosen = lookup(solver, options, bethe)
    settings = LoopSettings.of(
        chosen,
        D=D,
        n=n,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
    )
    check_energies([U], detuning, settings.D, level="eps + U/2")
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    return iterated(U, beta, detuning, chosen, start, settings, run, options)


def check_energies(
    U: Iterable[float], detuning: float, D: float, *, level: str = "detuning"
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

    Raises
    ------
    ValueError
        One of them lies beyond `MAX_RATIO` half bandwidths, or a U is negative.
    """
    most = MAX_RATIO * D
    for u in U:
        checks.real("U", u, least=0, most=most, hint=f"{MAX_RATIO:g} half bandwidths D")
    checks.real(level, detuning, least=-most, most=most, hint=f"{MAX_RATIO:g} half bandwidths D")


def iterated(
    U: float,
    beta: float,
    detuning: float,
    solver: Solver,
    start: str | BetheLoop | Solution,
    settings: LoopSettings,
    run: running.Run,
    options: dict[str, Any],
) -> BetheLoop:
    """As `bethe`, for arguments that are checked already, the level at ``detuning - U/2``."""
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
        start: str | BetheLoop | Solution,
        settings: LoopSettings,
        run: running.Run,
        options: dict[str, Any],
    ) -> None:
        self.U, self.solver, self.run, self.settings = U, solver, run, settings
        target = settings.n
        first, self.start = _start(start, beta)
        if target is not None and detuning == 0.0 and isinstance(first, Solution):
            detuning = first.problem.detuning
        if target == 1.0 and detuning == 0.0:
            target = None
        self.detuning, self.target = detuning, target
        symmetric = detuning == 0.0 and target is None
        setting = Setting(U, beta, settings.lattice, symmetric=symmetric)
        self.axis: SelfConsistency
        if solver.axis == "real":
            options = dict(options)
            omega = options.pop("omega", None)
            self.axis = RealAxis(setting, first, detuning, settings.frequencies, omega)
        else:
            self.axis = MatsubaraAxis(setting, first, detuning, settings.frequencies)
        self.options = options
        given = settings.tolerance
        self.tolerance = self.axis.tolerance if given is None else given
        self.inner = Run.over(run.quiet(), self.axis.frequencies)
        self.mixer = Mixer(settings.mixing, settings.share)
        self.bracket = Bracket(0.01 * settings.D)
        self.bath = first.diagnostics.get("bath") if isinstance(first, Solution) else None
        self.entries: list[tuple[float, ...]] = []
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
        self.bath = solution.diagnostics.get("bath", self.bath)
        return solution

    def compared(self, solution: Solution) -> _Change:
        """The change of bath and occupation that a solution asks for, entered in the history."""
        axis, target = self.axis, self.target
        filling = axis.occupation(solution)
        excess = 0.0 if target is None else filling - target
        shift = 0.0 if target is None else axis.shift(solution, target)
        new = axis.output(solution, shift)
        change = _Change(new, shift, excess, axis.residual(new), axis.noise(solution))
        eps = solution.problem.eps
        self.entries.append(
            (change.residual, solution.Z, solution.docc, filling, eps, change.noise)
        )
        self.solution = solution
        return change

    def converged(self, solution: Solution, change: _Change) -> bool:
        """Whether Delta has met the tolerance, or has settled within its noise; n likewise."""
        self.settled = self.settled + 1 if change.residual <= NOISE * change.noise else 0
        allowed = self.tolerance
        if self.solver.stochastic:
            allowed = max(allowed, NOISE * solution.diagnostics.get("n_error", 0.0))
        met = change.residual < self.tolerance or self.settled >= SETTLED + AVERAGED
        return bool(met and abs(change.excess) < allowed)

    def advance(self, change: _Change) -> None:
        """Mix the next bath, and the next level where an occupation is wanted."""
        # The level is one more unknown; it takes the Hartree part of the shift.
        moved = self.detuning + change.shift + 0.5 * self.U * change.excess
        unit = self.axis.unit
        x = np.append(self.axis.vector, self.detuning / unit)
        fx = np.append(change.new, moved / unit)
        mixed = self.mixer.next(x, fx)
        if not self.axis.possible(mixed[:-1]):
            mixed = fx
        self.axis.take(mixed[:-1])
        if self.target is not None:
            self.bracket.add(self.detuning, change.excess)
            self.detuning = self.bracket.inside(unit * float(mixed[-1]), unit * float(fx[-1]))

    def result(self, converged: bool) -> BetheLoop | None:
        """The loop so far; None before the first solution."""
        if self.solution is None:
            return None
        history = dict(zip(HISTORY, np.array(self.entries).T, strict=True))
        seed = None if self.solution.seed is None else self.run.seed
        seconds = time.perf_counter() - self.began
        return BetheLoop(
            self.solution, self.start, converged, history, seconds, self.settings.D, seed
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


def _neighbours(series: list[FloatArray]) -> float:
    """Autocorrelation of neighbours in short series, between 0.5 and 0.9.

    Its estimate from m values is too small by (1 + 4 r) / m on average: M. G. Kendall, Biometrika
    41, 403 (1954), doi:10.1093/biomet/41.3-4.403.
    """
    m, found = series[0].size, []
    for x in series:
        y = x - np.mean(x)
        found.append(float(y[1:] @ y[:-1]) / max(float(y @ y), 1e-300))
    r = (float(np.mean(found)) + 1.0 / m) / max(1.0 - 4.0 / m, 0.1)
    return min(max(r, 0.5), 0.9)


def _warm(solver: Solver, options: dict[str, Any], bath: DiscreteBath | None) -> dict[str, Any]:
    """Options, with the last bath as a starting point of the fit."""
    if "fit" not in solver.options:
        return options
    fit = dict(options.get("fit") or {})
    if bath is not None and "start" not in fit:
        fit["start"] = bath
        fit.setdefault("starts", 1)
    return {**options, "fit": fit}


def _start(start: str | BetheLoop | Solution, beta: float) -> tuple[str | Solution, str]:
    """The starting point, and the name of the branch."""
    if isinstance(start, (BetheLoop, Solution)):
        solution = start.solution if isinstance(start, BetheLoop) else start
        if abs(solution.beta - beta) > 1e-12 * beta:
            raise ValueError(
                f"start was solved at beta = {solution.beta:g}; this loop is at beta = {beta:g}"
            )
        return solution, start.start if isinstance(start, BetheLoop) else "solution"
    if start not in STARTS:
        raise ValueError(f"start must be 'metal', 'insulator' or an earlier result, got {start!r}")
    return str(start), str(start)
