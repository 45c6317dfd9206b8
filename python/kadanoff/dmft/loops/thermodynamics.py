"""Compressibility and local spin susceptibility of a lattice."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff.dmft.lattices import Lattice
from kadanoff.dmft.loops.iteration import Loops, LoopSettings, check_energies
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.named import detuning_of, named_lattice
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import MAX_ENERGY, DiscreteBath, Impurity
from kadanoff.dmft.protocol import (
    SOLVERS,
    Run,
    SolverLike,
    lookup,
    solved,
    takes_solver_options,
)
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.ed import spin_levels
from kadanoff.greens.grids import inverse_temperature
from kadanoff.runs.result_files import Saved, storable

__all__ = ["Response", "compressibility", "local_susceptibility"]

STEP = 1e-2
"""Step of the chemical potential in units of D, for solvers without noise."""
NOISY = 8.0
"""Factor of the step for solvers that sample, whose noise is divided by it."""
FIELD = 0.3
"""Field in units of the temperature at which m of a sampled solution is measured."""


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
    real_axis : optional
        Option of "ipt" and "nca".
    ground_state, cut, states : optional
        Options of "lanczos".

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
    extrapolation is the error, to which that of sampling is added in squares, or of solvers without
    noise the last relative change of Delta as an error of n. Four loops.

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
    detuning = detuning_of(chosen_lattice, U, mu)
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
    loops = Loops(U=U, solver=chosen, settings=settings, run=run, options=options)
    with run.calling("compressibility") as keywords:
        n, errors = {}, {}
        for count, k in enumerate((-2, -1, 1, 2)):
            loop = loops.at(beta, detuning - k * step)
            n[k], errors[k] = loop.average("n")
            if U != 0.0 and not chosen.stochastic:  # n is off by about as much as Delta still is
                errors[k] = float(loop.history["residual"][-1])
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
        return Response(value, math.hypot(polarised.diagnostics["m_error"] / h, bound))
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
