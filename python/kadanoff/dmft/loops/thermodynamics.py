"""Compressibility, local spin susceptibility and entropy of a lattice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import NotConverged
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.lattices import Lattice
from kadanoff.dmft.loops.iteration import LoopSettings, check_energies, iterated
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.named import named_lattice
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import MAX_ENERGY, DiscreteBath, Impurity
from kadanoff.dmft.protocol import (
    SOLVERS,
    Run,
    Solver,
    SolverLike,
    lookup,
    solved,
    takes_solver_options,
)
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.ed import spin_levels
from kadanoff.greens.grids import inverse_temperature
from kadanoff.runs.result_files import Saved, storable

__all__ = ["Entropy", "Response", "compressibility", "entropy", "local_susceptibility"]

STEP = 1e-2
"""Step of the chemical potential in units of D, for solvers without noise."""
NOISY = 8.0
"""Factor of the step for solvers that sample, whose noise is divided by it."""
FIELD = 0.3
"""Field in units of the temperature at which m of a sampled solution is measured."""
MAX_NODES = 64


@storable
@public
@dataclass(frozen=True, eq=False)
class Response(Saved):
    """A derivative, with its error.

    Parameters
    ----------
    value : float
        The derivative, an inverse energy.
    error : float
        One standard deviation from solvers that sample, the error of finite differences included;
        that of a bath of few sites is not.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> print(dmft.compressibility(U=0.0, beta=10, seed=1))
    Response(1.251 +- 2e-05)
    """

    value: float
    error: float

    def __repr__(self) -> str:
        return f"Response({self.value:.4g} +- {self.error:.1g})"

    def _repr_html_(self) -> str:
        return table("Response", {"value": self.value, "error": self.error})


@dataclass(frozen=True, kw_only=True)
class _Loops:
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


@takes_solver_options
def compressibility(
    *,
    lattice: str | Lattice = "bethe",
    U: float,
    beta: float,
    mu: float | None = None,
    step: float | None = None,
    solver: SolverLike = "ed",
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
) -> Response:
    """Derivative dn/dmu of the occupation of a lattice, both spins together.

    Parameters
    ----------
    lattice : {"bethe", "square", "cubic"} or Lattice
        The lattice; a name stands for the one of half bandwidth 1.
    U : float
        Interaction, in the unit of the lattice.
    beta : float
        Inverse temperature.
    mu : float, optional
        Chemical potential, minus the level of the orbitals; half filling of a bipartite lattice,
        U/2, by default.
    step : float, optional
        Step of mu, by default 0.01 half bandwidths, and 0.08 for solvers that sample.
    solver : str or LearnedSolver
        A name in `kadanoff.dmft.SOLVERS`, or a learned solver.
    mixing, share, tolerance, max_iterations, frequencies : optional
        As in :func:`kadanoff.dmft.loop`; `tolerance` is 1e-8 by default for solvers without noise.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`.
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
    Response
        The derivative dn/dmu with its error.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.
    NotConverged, Cancelled
        As of a loop.

    Notes
    -----
    Central differences over `step` and twice the step, and their extrapolation; the change by the
    extrapolation is the error, to which that of sampling is added in squares. Four loops.

    Examples
    --------
    >>> found = compressibility(U=0.0, beta=10)
    >>> print(f"{found.value:.3f}")
    1.251
    """
    U = checks.real("U", U, least=-MAX_ENERGY, most=MAX_ENERGY)
    beta = inverse_temperature(beta)
    chosen_lattice = named_lattice(lattice)
    if mu is None and not chosen_lattice.is_bipartite:
        raise ValueError("mu must be given: without it only bipartite lattices are half filled")
    detuning = 0.0
    if mu is not None:
        detuning = chosen_lattice.mean - checks.real("mu", mu) + 0.5 * U
    chosen = lookup(solver, options, compressibility)
    D = chosen_lattice.D
    if step is None:
        step = STEP * D * (NOISY if chosen.stochastic else 1.0)
    step = checks.real("step", step, above=0, most=D)
    if tolerance is None and not chosen.stochastic and chosen.axis == "imaginary":
        tolerance = 1e-8
    settings = LoopSettings.of(
        chosen,
        lattice=chosen_lattice,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
    )
    check_energies([U], detuning, D, level="U/2 - mu", attractive=True)
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    loops = _Loops(U=U, solver=chosen, settings=settings, run=run, options=options)
    with run.calling("compressibility") as keywords:
        n, errors = {}, {}
        for count, k in enumerate((-2, -1, 1, 2)):
            n[k], errors[k] = loops.at(beta, detuning - k * step).average("n")
            if keywords["report"] is not None:
                keywords["report"](count + 1, 4)
    near, far = (n[1] - n[-1]) / (2.0 * step), (n[2] - n[-2]) / (4.0 * step)
    value = (4.0 * near - far) / 3.0
    noise = math.hypot(
        4.0 * math.hypot(errors[1], errors[-1]), 0.5 * math.hypot(errors[2], errors[-2])
    )
    return Response(value, math.hypot(noise / (6.0 * step), value - near))


# --------------------------------------------------------------------- local spin susceptibility


@public
def local_susceptibility(
    found: Loop | Solution,
    *,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> Response:
    """Local spin susceptibility ``int_0^beta <m(tau) m(0)> dtau - beta <m>^2``, m = n_up - n_dn.

    Four times that of ``S_z``; the derivative of m with respect to a field h on the impurity alone,
    in the bath as it is.

    Parameters
    ----------
    found : Loop or Solution
        A result of "ed", for the bath that was diagonalised, or of "cthyb".
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`, for "cthyb".

    Returns
    -------
    Response
        The susceptibility, an inverse energy, and its error.

    Raises
    ------
    TypeError, ValueError
        `found` is no result of one of these solvers, or has more than 6 bath sites.
    NotConverged, Cancelled
        As of :func:`kadanoff.dmft.solve`.

    Notes
    -----
    "ed": the sum over all pairs of levels in each sector; the error is 1e-9 of it. "cthyb": m/h
    from one run of default length in a field of 0.3 temperatures, and the bound
    ``(beta h)**2 / 3`` of its relative error by the next order is added to that of m.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity, solve
    >>> atom = solve(Impurity(U=40.0, beta=3.0, bath=DiscreteBath([], [])))
    >>> print(f"{local_susceptibility(atom).value:.6f}")  # Curie's law: beta
    3.000000
    """
    solution = found.solution if isinstance(found, Loop) else found
    if not isinstance(solution, Solution):
        raise TypeError(f"found must be a Loop or a Solution, got {type(found).__name__}")
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    problem, beta = solution.problem, solution.beta
    if solution.solver == "cthyb":
        if problem.depends_on_spin:
            raise ValueError(
                "the susceptibility of 'cthyb' is that of a problem without field and order"
            )
        h = FIELD / beta
        inner = Run.over(run, solution.w_n.size)
        polarised = solved(_in_field(problem, h), SOLVERS["cthyb"], inner, {})
        value = polarised.m / h
        bound = abs(value) * (beta * h) ** 2 / 3.0
        return Response(value, math.hypot(polarised.diagnostics.get("m_error", 0.0) / h, bound))
    bath = solution.diagnostics.get("bath")
    baths = solution.diagnostics.get("baths", (bath, bath))
    if baths[0] is None or solution.solver not in ("ed", "lanczos", "ftlm"):
        raise ValueError(
            f"found must be a result of 'ed' or 'cthyb', got one of {solution.solver!r}"
        )
    sites = max(b.sites for b in baths)
    checks.whole("the number of bath sites of found", sites, least=0, most=6)
    value = spin_levels(problem, baths, Run.over(run, 2)).susceptibility(beta)
    return Response(value, 1e-9 * abs(value))


def _in_field(problem: Impurity, h: float) -> Impurity:
    """The problem in a field; a bath that a loop has made is taken as it is."""
    if isinstance(problem.bath, DiscreteBath | MatsubaraBath):
        return Impurity.own(problem.U, problem.beta, problem.bath, problem.eps, h=h)
    return replace(problem, h=h)


# ------------------------------------------------------------------------------------- entropy


@storable
@public
@dataclass(frozen=True, eq=False)
class Entropy(Saved):
    """The entropy of a lattice at one temperature, and the energies from which it follows.

    Parameters
    ----------
    S : float
        Entropy per site, in units of k_B.
    error : float
        Error of the integration and of sampling; that of a bath of few sites is not included.
    beta : array of float, shape (K,)
        Inverse temperatures from zero.
    energy : array of float, shape (K,)
        Energy per site at each.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> found = dmft.entropy(U=0.0, beta=2.0, seed=1)
    >>> print(f"{found.S:.4f}")
    1.1854
    """

    S: float
    error: float
    beta: FloatArray = field(repr=False)
    energy: FloatArray = field(repr=False)

    def __repr__(self) -> str:
        return f"Entropy(S={self.S:.5g} +- {self.error:.1g}, beta={self.beta[-1]:g})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"S": self.S, "error": self.error, "beta": self.beta[-1]}
        return table("Entropy per site", rows)


@takes_solver_options
def entropy(
    *,
    lattice: str | Lattice = "bethe",
    U: float,
    beta: float,
    n: float = 1.0,
    order: str | None = None,
    solver: SolverLike = "ed",
    accuracy: float = 1e-3,
    start: str = "metal",
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
) -> Entropy:
    """Entropy per site, by integration of the energy from infinite temperature.

    Parameters
    ----------
    lattice : {"bethe", "square", "cubic"} or Lattice
        The lattice; a name stands for the one of half bandwidth 1.
    U : float
        Interaction, in the unit of the lattice.
    beta : float
        Inverse temperature.
    n : float
        Occupation of both spins, strictly between 0 and 2.
    order : {"antiferro"}, optional
        Order that the loops may find.
    solver : str or LearnedSolver
        A name in `kadanoff.dmft.SOLVERS`, or a learned solver.
    accuracy : float
        Error of the integration at which the number of temperatures suffices.
    start : {"metal", "insulator"}
        Where each loop begins: the branch in a region of coexistence.
    mixing, share, tolerance, max_iterations, frequencies : optional
        As in :func:`kadanoff.dmft.loop`.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`.
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
    Entropy
        The entropy, its error and the energies.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.
    NotConverged
        64 temperatures do not suffice, or a loop did not converge.
    Cancelled
        The computation was stopped.

    Notes
    -----
    ``S = S_inf + beta E(beta) - int_0^beta E``, with ``S_inf = -2 [x ln x + (1 - x) ln (1 - x)]``
    and x = n/2. The integral is that of Clenshaw and Curtis, whose temperatures are doubled until
    it changes by less than `accuracy`; its last change is the error, to which that of sampling is
    added in squares. Where two branches coexist, the path follows `start`, and S of the branch that
    begins below infinite temperature lacks a constant.

    References
    ----------
    C. W. Clenshaw, A. R. Curtis, Numer. Math. 2, 197 (1960), doi:10.1007/BF01386223.

    Examples
    --------
    >>> print(f"{entropy(U=0.0, beta=2.0, solver='ipt').S:.4f}")
    1.1854
    """
    U = checks.real("U", U, least=-MAX_ENERGY, most=MAX_ENERGY)
    beta = inverse_temperature(beta)
    accuracy = checks.real("accuracy", accuracy, above=0)
    start = checks.choice("start", start, ("metal", "insulator"))
    chosen_lattice = named_lattice(lattice)
    chosen = lookup(solver, options, entropy)
    settings = LoopSettings.of(
        chosen,
        lattice=chosen_lattice,
        n=n,
        order=order,
        mixing=mixing,
        share=share,
        tolerance=tolerance,
        max_iterations=max_iterations,
        frequencies=frequencies,
    )
    check_energies([U], 0.0, chosen_lattice.D, attractive=True)
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    loops = _Loops(U=U, solver=chosen, settings=settings, run=run, options=options)
    with run.calling("entropy") as keywords:
        return _integrated(loops, beta, start, accuracy, keywords["report"])


def _integrated(
    loops: _Loops, beta: float, start: str, accuracy: float, report: Report | None
) -> Entropy:
    """S from energies at nested temperatures."""
    lattice, n = loops.settings.lattice, float(loops.settings.n or 1.0)
    # at infinite temperature nothing is correlated
    known: dict[float, tuple[float, float]] = {
        0.0: (lattice.mean * n + loops.U * 0.25 * n * n, 0.0)
    }
    before, count = math.nan, 4
    while count <= MAX_NODES:
        x = 0.5 * (1.0 - np.cos(math.pi * np.arange(count + 1) / count))
        nodes = [round(float(value), 14) for value in x]
        for node in nodes:
            if node not in known:
                known[node] = _energy(loops.at(node * beta, 0.0, start))
                if report is not None:
                    report(len(known), MAX_NODES + 1)
        energies = np.array([known[node][0] for node in nodes])
        errors = np.array([known[node][1] for node in nodes])
        weights = clenshaw_curtis(count)
        share = -weights
        share[-1] += 1.0
        change = beta * float(share @ energies)
        noise = beta * float(np.linalg.norm(share * errors))
        if abs(change - before) < accuracy + noise:
            y = 0.5 * n
            limit = -2.0 * (y * math.log(y) + (1.0 - y) * math.log1p(-y))
            error = math.hypot(change - before, noise)
            return Entropy(limit + change, error, beta * np.array(nodes), energies)
        before, count = change, 2 * count
    raise NotConverged(
        f"the entropy still changes by more than accuracy = {accuracy:g} with {MAX_NODES} "
        "temperatures: is there a transition on the way?",
        None,
    )


def _energy(loop: Loop) -> tuple[float, float]:
    """Energy per site and its statistical error."""
    value, error = loop.average("energy")
    return value, 0.0 if math.isnan(error) else error


def clenshaw_curtis(count: int) -> FloatArray:
    """Weights of the integral over [0, 1] at ``(1 - cos(pi k / count)) / 2``, count even.

    Examples
    --------
    >>> print((6 * clenshaw_curtis(2)).round(12))  # Simpson's rule
    [1. 4. 1.]
    """
    k = np.arange(count + 1)
    j = np.arange(1, count // 2 + 1)
    b = np.where(j == count // 2, 1.0, 2.0)
    inner = 1.0 - np.cos(2.0 * np.outer(k, j) * math.pi / count) @ (b / (4.0 * j * j - 1.0))
    weights = inner / count
    weights[[0, -1]] *= 0.5
    return np.asarray(weights)
