"""One protocol for all solvers, and the table of them."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.solution import Solution

__all__ = ["SOLVERS", "HasSolver", "Run", "Solver", "SolverLike", "register", "solve"]


@dataclass(frozen=True)
class Run:
    """What every solver is told besides the problem."""

    frequencies: int = 512
    threads: int | None = None
    progress: bool | Report | None = None
    control: _core.Control | None = None
    seed: int | None = None


Compute: TypeAlias = Callable[..., Solution]
"""``compute(problem, run, **options)``, options by keyword only."""


@dataclass(frozen=True)
class Solver:
    """A named solver with its range of validity.

    Attributes
    ----------
    name : str
        What `solve` calls it.
    valid : str
        Where it is right, in a sentence.
    cost : str
        What it costs.
    compute : callable
        ``compute(problem, run, **options)``.
    axis : {"imaginary", "real"}
        On which a self-consistent loop hands over Delta.
    stochastic : bool
        Whether its results carry statistical errors, ``diagnostics["G_iw_error"]``.
    """

    name: str
    valid: str
    cost: str
    compute: Compute
    axis: str = "imaginary"
    stochastic: bool = False

    @cached_property
    def options(self) -> tuple[str, ...]:
        """Names of the options it takes."""
        parameters = inspect.signature(self.compute).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


class HasSolver(Protocol):
    """Anything with a `Solver` of its own, such as `kadanoff.dmft.learning.LearnedSolver`."""

    @property
    def solver(self) -> Solver:
        """What is called."""


SolverLike: TypeAlias = str | HasSolver

SOLVERS: dict[str, Solver] = {}
"""All solvers by name."""


def register(
    name: str, valid: str, cost: str, *, axis: str = "imaginary", stochastic: bool = False
) -> Callable[[Compute], Compute]:
    """Decorator that adds a function to `SOLVERS`."""

    def add(compute: Compute) -> Compute:
        SOLVERS[name] = Solver(name, valid, cost, compute, axis, stochastic)
        return compute

    return add


def lookup(chosen: SolverLike, options: dict[str, Any]) -> Solver:
    """The solver of that name, or one that was learned; unknown names and options are refused."""
    solver: Any = getattr(chosen, "solver", None)
    if isinstance(chosen, str):
        if chosen not in SOLVERS:
            raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {chosen!r}")
        solver = SOLVERS[chosen]
    if not isinstance(solver, Solver):
        raise TypeError(f"solver must be a name or a learned solver, got {chosen!r}")
    for option in options:
        if option not in solver.options:
            known = ", ".join(solver.options) or "none"
            raise TypeError(
                f"solver {solver.name!r} has no option {option!r}; its options: {known}"
            )
    return solver


def solve(
    problem: Impurity,
    *,
    solver: SolverLike = "ed",
    frequencies: int = 512,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> Solution:
    """Solve an impurity problem: G(i w_n), Sigma(i w_n), n, docc.

    Parameters
    ----------
    problem : Impurity
        What to solve.
    solver : str or LearnedSolver
        A name in `SOLVERS`, or what `kadanoff.dmft.learn` returned; each refuses problems outside
        its range.
    frequencies : int
        Number of Matsubara frequencies, 2 at least.
    threads : int, optional
        Worker threads; all cores by default. Results do not depend on it.
    progress : bool or callable, optional
        Progress bar, as in `kadanoff.nrg.solve`.
    control : Control, optional
        To cancel from another thread.
    seed : int, optional
        For solvers and fits that draw random numbers.
    **options
        The solver's own: ``sites=5`` for "ed", ...

    Returns
    -------
    Solution

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the problem out of the solver's range.
    NotConverged
        An iteration inside the solver failed.
    Cancelled
        The computation was stopped.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
    >>> problem = Impurity(U=2.0, beta=50, bath=DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
    >>> solution = solve(problem)
    >>> round(solution.n, 12), solution.docc < 0.25
    (1.0, True)
    """
    if not isinstance(problem, Impurity):
        raise TypeError(f"problem must be an Impurity, got {type(problem).__name__}")
    chosen = lookup(solver, options)
    if checks.whole("frequencies", frequencies) < 2:
        raise ValueError(f"frequencies must be at least 2, got {frequencies}")
    threads = checks.threads(threads)
    started = time.perf_counter()
    run = Run(frequencies, threads, progress, control, seed)
    solution = chosen.compute(problem, run, **options)
    seconds = time.perf_counter() - started
    return replace(
        solution,
        solver=chosen.name,
        valid=chosen.valid,
        diagnostics={**solution.diagnostics, "seconds": seconds},
    )
