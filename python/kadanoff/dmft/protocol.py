"""One protocol for all solvers, and the table of them."""

from __future__ import annotations

import functools
import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias, TypeVar, overload

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.progress import Report
from kadanoff._base.signatures import did_you_mean, public, unknown_keyword
from kadanoff.dmft.orbitals.multi_orbital import OrbitalImpurity
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.solution import Solution, marked

__all__ = [
    "SOLVERS",
    "HasSolver",
    "Run",
    "Solver",
    "SolverLike",
    "lookup",
    "register",
    "register_orbitals",
    "solve",
    "solved",
    "solved_orbitals",
    "takes_solver_options",
    "with_ability",
]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Run(running.Run):
    """The arguments of every solver other than the problem, checked on entry."""

    frequencies: int = 512

    @classmethod
    def over(cls, run: running.Run, frequencies: int) -> Run:
        """The run of a loop, with the number of frequencies of its solver."""
        return cls(run.threads, run.progress, run.control, run.seed, frequencies)


Compute: TypeAlias = Callable[..., Solution]
"""``compute(problem, run, **options)``, options by keyword only."""


@public
@dataclass(frozen=True)
class Solver:
    """A named impurity solver with its range of validity and its options.

    Parameters
    ----------
    name : str
        Name of the solver in :func:`kadanoff.dmft.solve`.
    valid : str
        Range of validity, in words.
    cost : str
        Typical run time.
    compute : callable
        ``compute(problem, run, **options)``.
    axis : {"imaginary", "real"}
        The axis on which a self-consistent loop passes Delta to the solver.
    stochastic : bool
        Whether results have statistical errors, ``diagnostics["G_iw_error"]``.
    spins : bool
        Whether a field, and a bath for each spin, are accepted.
    attractive : bool
        Whether U < 0 is accepted.
    several : callable, optional
        The same as `compute` for an `OrbitalImpurity`, where the solver takes several orbitals.
    warn : callable, optional
        ``warn(solution)`` warns of what its user must know. A loop calls it with its last solution
        only: those on the way do not matter.

    Examples
    --------
    >>> from kadanoff.dmft import SOLVERS
    >>> SOLVERS["ed"]
    Solver(ed: sites, prune, fit; imaginary axis)
    >>> SOLVERS["cthyb"].stochastic
    True
    """

    name: str
    valid: str
    cost: str
    compute: Compute
    axis: str = "imaginary"
    stochastic: bool = False
    spins: bool = False
    attractive: bool = False
    several: Callable[..., OrbitalSolution] | None = None
    warn: Callable[[Solution], None] | None = None

    def __repr__(self) -> str:
        return f"Solver({self.name}: {', '.join(self.options) or 'no options'}; {self.axis} axis)"

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The options as parameters, with their defaults."""
        parameters = inspect.signature(self.compute).parameters
        return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}

    @cached_property
    def options(self) -> tuple[str, ...]:
        """Names of the options."""
        return tuple(self.parameters)

    @cached_property
    def orbital_parameters(self) -> Mapping[str, inspect.Parameter]:
        """The options for several orbitals as parameters, with their defaults."""
        if self.several is None:
            return {}
        parameters = inspect.signature(self.several).parameters
        return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


class HasSolver(Protocol):
    """Anything with a `Solver` of its own, such as `kadanoff.dmft.learning.LearnedSolver`."""

    @property
    def solver(self) -> Solver:
        """The solver to call."""


SolverLike: TypeAlias = str | HasSolver

MAX_FREQUENCIES = 2**20
"""Matsubara frequencies of a solution: beyond the tail at any temperature, and 16 MB each."""

SOLVERS: dict[str, Solver] = {}
"""All solvers by name."""


def register(
    name: str,
    valid: str,
    cost: str,
    *,
    axis: str = "imaginary",
    stochastic: bool = False,
    spins: bool = False,
    attractive: bool = False,
) -> Callable[[Compute], Compute]:
    """Decorator that adds a function to `SOLVERS`."""

    def add(compute: Compute) -> Compute:
        SOLVERS[name] = Solver(name, valid, cost, compute, axis, stochastic, spins, attractive)
        _show_all_options()
        return compute

    return add


def register_orbitals(name: str) -> Callable[[F], F]:
    """Decorator of the function by which a solver takes several orbitals."""

    def add(compute: F) -> F:
        SOLVERS[name] = replace(SOLVERS[name], several=compute)
        _show_all_options()
        return compute

    return add


def unregister(name: str) -> None:
    """Remove a function from `SOLVERS`, and its options from the signatures that show them."""
    del SOLVERS[name]
    _show_all_options()


# ------------------------------------------------------------------- options of solvers, shown


@dataclass(frozen=True)
class SolverDefault:
    """The default of a solver option, as shown in signatures: each solver has its own."""

    by_solver: tuple[tuple[str, Any], ...]

    def __repr__(self) -> str:
        values = {repr(value) for _, value in self.by_solver}
        if len(values) == 1:
            return f"<{values.pop()}: {', '.join(name for name, _ in self.by_solver)}>"
        return f"<{', '.join(f'{value!r}: {name}' for name, value in self.by_solver)}>"


_callers: list[Any] = []


def takes_solver_options(function: F) -> F:
    """Decorator of functions that pass ``**options`` on to a solver.

    Their signature shows the options of all registered solvers, keyword-only, in place of
    ``**options``. A keyword that neither the function nor a solver has is refused with the nearest
    known one; which options apply to the chosen solver, `lookup` decides.
    """
    own = own_parameters(function)
    default = next((p.default for p in own if p.name == "solver"), None)
    checked = public(function)

    @functools.wraps(function)
    def guarded(*args: Any, **keywords: Any) -> Any:
        known = guarded.__signature__.parameters  # type: ignore[attr-defined]
        if not keywords.keys() <= known.keys():
            chosen = _options_of(keywords.get("solver", default))
            for name in keywords:
                if name not in known and name not in chosen:
                    names = [*known, *chosen]
                    if not did_you_mean(name, names):
                        names = [*(p.name for p in own), *chosen]
                    raise unknown_keyword(function.__name__, name, names)
        return checked(*args, **keywords)

    _callers.append(guarded)
    _show_options(guarded)
    return guarded  # type: ignore[return-value]


def _options_of(chosen: Any) -> tuple[str, ...]:
    """The options of a solver by name, or of a learned one; none if there is no such solver."""
    solver = SOLVERS.get(chosen) if isinstance(chosen, str) else getattr(chosen, "solver", None)
    if not isinstance(solver, Solver):
        return ()
    return tuple({**solver.parameters, **solver.orbital_parameters})


def own_parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """The parameters of a function without the options of solvers."""
    signature = inspect.signature(inspect.unwrap(function))
    return tuple(p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD)


def _show_all_options() -> None:
    for function in _callers:
        _show_options(function)


def _in_order(
    own: Mapping[str, inspect.Parameter], more: Mapping[str, inspect.Parameter]
) -> dict[str, inspect.Parameter]:
    """Options for one orbital, then those for several alone."""
    return {**own, **{name: p for name, p in more.items() if name not in own}}


def _show_options(function: Any) -> None:
    own = own_parameters(function)
    taken = {p.name for p in own}
    several = any("Orbital" in str(p.annotation) for p in own)  # options for several orbitals
    one = not several or any(re.search(r"\bImpurity\b", str(p.annotation)) for p in own)
    found: dict[str, list[tuple[str, inspect.Parameter]]] = {}
    for solver in SOLVERS.values():
        more = solver.orbital_parameters if several else {}
        for name, parameter in _in_order(solver.parameters if one else {}, more).items():
            if name not in taken:
                found.setdefault(name, []).append((solver.name, parameter))
    shown = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=SolverDefault(tuple((solver, p.default) for solver, p in uses)),
            annotation=" | ".join(
                dict.fromkeys(part for _, p in uses for part in str(p.annotation).split(" | "))
            ),
        )
        for name, uses in found.items()
    ]
    signature = inspect.signature(inspect.unwrap(function))
    function.__signature__ = signature.replace(parameters=[*own, *shown])


def lookup(
    chosen: SolverLike,
    options: Mapping[str, Any],
    caller: Callable[..., Any] | None = None,
    *,
    several: bool = False,
) -> Solver:
    """The solver of this name, or a learned solver; unknown names and options are refused.

    Parameters
    ----------
    chosen : str or LearnedSolver
        The solver.
    options : mapping
        Options for it.
    caller : callable, optional
        The function that was called, for the proposal of the nearest name.
    several : bool
        Whether the problem has several orbitals, for which a solver has options of its own.
    """
    solver: Any = getattr(chosen, "solver", None)
    if isinstance(chosen, str):
        if chosen not in SOLVERS:
            raise ValueError(
                f"solver must be one of {', '.join(SOLVERS)}, got {chosen!r}"
                f"{did_you_mean(chosen, SOLVERS)}"
            )
        solver = SOLVERS[chosen]
    if not isinstance(solver, Solver):
        raise TypeError(f"solver must be a name or a learned solver, got {chosen!r}")
    if several and solver.several is None:
        raise ValueError(
            f"solver {solver.name!r} takes one orbital; {with_ability('several')} take several"
        )
    names = tuple(solver.orbital_parameters) if several else solver.options
    for option in options:
        if option not in names:
            raise TypeError(
                f"solver {solver.name!r} has no option {option!r}"
                f"{did_you_mean(option, _names(names, caller))}; its options: "
                f"{', '.join(names) or 'none'}"
            )
    return solver


def _names(options: Iterable[str], caller: Callable[..., Any] | None) -> Iterator[str]:
    yield from options
    if caller is not None:
        yield from (p.name for p in own_parameters(caller))


# ---------------------------------------------------------------------------------------- solve


@overload
def solve(
    problem: Impurity, *, solver: SolverLike = ..., frequencies: int = ..., **options: Any
) -> Solution: ...


@overload
def solve(
    problem: OrbitalImpurity, *, solver: SolverLike = ..., frequencies: int = ..., **options: Any
) -> OrbitalSolution: ...


@takes_solver_options
def solve(
    problem: Impurity | OrbitalImpurity,
    *,
    solver: SolverLike = "ed",
    frequencies: int = 512,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> Solution | OrbitalSolution:
    """Solve an impurity problem: G(i w_n), Sigma(i w_n), n, docc.

    Parameters
    ----------
    problem : Impurity or OrbitalImpurity
        The problem; several orbitals are taken by "ed", "lanczos", "cthyb" and "hubbard1", and
        two with bands of their own by "nrg".
    solver : str or LearnedSolver
        A name in `SOLVERS`, or a result of `kadanoff.dmft.learn`; each refuses problems outside
        its range.
    frequencies : int
        Number of Matsubara frequencies of the result, at least 2.
    threads : int, optional
        Worker threads, 1 to 1024; all cores by default. Results do not depend on their number.
    progress : bool or callable, optional
        Progress bar, as in :func:`kadanoff.nrg.solve`.
    control : Control, optional
        To cancel from another thread.
    seed : int, optional
        Seed of solvers and fits that draw random numbers; by default drawn from the operating
        system. ``Solution.seed`` is the seed that was used.
    Lambda : float, optional
        Of "nrg": parameter of the logarithmic discretisation, above 1.
    keep : int, optional
        Of "nrg": number of states kept.
    twists : int, optional
        Of "nrg": number of twisted discretisations to average over.
    scheme : {"zitko-pruschke", "campo-oliveira", "wilson"}, optional
        Of "nrg": discretisation scheme.
    estimator : {"combined", "symmetric", "ratio"}, optional
        Of "nrg": estimator of the self-energy.
    broadening : float, optional
        Of "nrg": width of the log-Gaussian kernel, at most 2.
    omega : array, shape (M,), optional
        Of "nrg": ascending real frequencies of G_w and Sigma_w, in the unit of energy of U.
    errors : bool, optional
        Of "nrg" with two orbitals: whether errors are estimated, by three runs with fewer states.
    sites : int, optional
        Of "ed" (1 to 7), "ftlm" (to 9) and "lanczos" (to 11): number of bath sites. By default
        that of a discrete bath; 5 otherwise.
    prune : float, optional
        Of "ed": total weight of the poles of G that may be dropped.
    fit : dict, optional
        Of "ed", "ftlm" and "lanczos": options of :func:`kadanoff.dmft.fit_bath`.
    susceptibilities : bool, optional
        Of "ed" with several orbitals: whether chi_charge and chi_spin are computed.
    sweeps : int, optional
        Of "cthyb": number of measurements of all chains.
    seconds : float, optional
        Of "cthyb": time of sampling in seconds, instead of a number of sweeps.
    target : float, optional
        Of "cthyb": error of G(i w_0), an inverse energy, at which sampling stops.
    chains : int, optional
        Of "cthyb": number of independent Markov chains.
    equilibration : int, optional
        Of "cthyb": sweeps of each chain before the first measurement.
    spacing : int, optional
        Of "cthyb": proposals between two measurements.
    legendre : int, optional
        Of "cthyb": number of Legendre coefficients.
    floor : float, optional
        Of "cthyb": constant added to Delta(tau) while sampling and removed by reweighting, in
        units of energy squared.
    checkpoint : path, optional
        Of "cthyb": file from which a run is continued.
    vectors : int, optional
        Of "ftlm": number of random vectors per sector.
    steps : int, optional
        Of "ftlm" and "lanczos": number of Lanczos steps. Of "nca": number of time steps.
    exact : int, optional
        Of "ftlm": largest dimension of sectors that are diagonalised.
    half_filling : bool, optional
        Of "ipt": whether the half-filling form is used; by default where the problem has the
        symmetry.
    real_axis : bool, optional
        Of "ipt" and "nca": whether G(w) and Sigma(w) are computed as well.
    ground_state : bool, optional
        Of "lanczos": whether only the ground states are averaged, T = 0.
    cut : float, optional
        Of "lanczos": smallest Boltzmann weight, relative to that of the ground state.
    states : int, optional
        Of "lanczos": largest number of occupied levels per sector (of several orbitals: per block).
    tolerance : float, optional
        Of "nca": error of G(tau) from finite time steps.

    Returns
    -------
    Solution
        G, Sigma and averages; ``diagnostics`` depends on the solver.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, the solver has no such option, or the problem is out of the
        solver's range.
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
    if not isinstance(problem, Impurity | OrbitalImpurity):
        raise TypeError(f"problem must be an Impurity, got {type(problem).__name__}")
    several = isinstance(problem, OrbitalImpurity)
    chosen = lookup(solver, options, solve, several=several)
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    count = checks.whole("frequencies", frequencies, least=2, most=MAX_FREQUENCIES)
    if isinstance(problem, OrbitalImpurity):
        return solved_orbitals(problem, chosen, Run.over(run, count), options)
    solution = solved(problem, chosen, Run.over(run, count), options)
    if chosen.warn is not None:
        chosen.warn(solution)
    return solution


def _refuse_foreign(problem: Impurity, solver: Solver) -> None:
    """Refuse a problem of two different spins, or of attraction, that a solver does not take."""
    if problem.is_isolated:  # the exact atom, from every solver
        return
    if problem.depends_on_spin and not solver.spins:
        raise ValueError(
            f"solver {solver.name!r} takes neither a field nor a bath for each spin; "
            f"{with_ability('spins')} do"
        )
    if problem.U < 0.0 and not solver.attractive:
        raise ValueError(
            f"U must be at least 0 for the solver {solver.name!r}, got {problem.U:g}; "
            f"{with_ability('attractive')} take attraction"
        )


def with_ability(ability: str) -> str:
    """The solvers with an ability."""
    names = [repr(name) for name, solver in SOLVERS.items() if getattr(solver, ability)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def solved_orbitals(
    problem: OrbitalImpurity, solver: Solver, run: Run, options: Mapping[str, Any]
) -> OrbitalSolution:
    """As `solve`, for several orbitals and arguments that are checked already."""
    assert solver.several is not None
    started = time.perf_counter()
    solution = solver.several(problem, run, **options)
    seconds = time.perf_counter() - started
    return replace(solution, diagnostics={**solution.diagnostics, "seconds": seconds})


def solved(problem: Impurity, solver: Solver, run: Run, options: Mapping[str, Any]) -> Solution:
    """As `solve`, for arguments that are checked already; a solver checks its own options."""
    foreign = problem.depends_on_spin or problem.U < 0.0
    if foreign:
        _refuse_foreign(problem, solver)
    started = time.perf_counter()
    if foreign and not solver.spins and problem.is_isolated:
        from kadanoff.dmft.solvers.hubbard1 import isolated

        solution = isolated(problem, run)
    else:
        solution = solver.compute(problem, run, **options)
    seconds = time.perf_counter() - started
    return marked(
        solution,
        # A learned solver may have left the problem to another one.
        solver=solution.diagnostics.get("solved_by", solver.name),
        diagnostics={**solution.diagnostics, "seconds": seconds},
    )
