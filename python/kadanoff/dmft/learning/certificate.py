"""Certificates of learned loops: one exact solve at their fixed point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff.dmft.learning.learned import LearnedSolver
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.self_consistency import bethe
from kadanoff.dmft.protocol import Run as SolverRun
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.approximations import approximated, named
from kadanoff.runs.result_files import Saved, storable

__all__ = ["Active", "Certificate", "active", "certify"]

LOOP_TOLERANCE = 1e-4
"""Tolerance of the loops of active learning."""


@storable
@public
@dataclass(frozen=True, eq=False)
class Certificate(Saved):
    """A learned fixed point, the exact solution there, and the exact fixed point nearby.

    Parameters
    ----------
    loop : Loop
        The loop of the learned solver.
    exact : Solution
        The exact solution of the impurity problem at the fixed point of this loop.
    distance : float
        max |Delta_exact - Delta| / max |Delta| with Delta_exact = (D/2)**2 G_exact: the change of
        Delta in one exact iteration. Zero at an exact fixed point.
    polished : Loop or None
        The exact loop, started from the learned fixed point.
    seed : int
        Seed of the exact solver and of the polishing.
    """

    loop: Loop
    exact: Solution
    distance: float
    polished: Loop | None
    seed: int

    @property
    def dZ(self) -> float:
        """Z of the learned loop minus that of the exact solve on the same bath."""
        return float(self.loop.Z - self.exact.Z)

    def __repr__(self) -> str:
        end = "" if self.polished is None else f", polished Z={self.polished.Z:.5f}"
        return (
            f"Certificate(Z={self.loop.Z:.5f} learned, {self.exact.Z:.5f} exact on the same bath"
            f"{end}; distance {self.distance:.1e})"
        )


@public
def certify(
    loop: Loop,
    *,
    exact: str = "ed-5",
    D: float | None = None,
    polish: bool = True,
    tolerance: float | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> Certificate:
    """Solve exactly at the fixed point of a learned loop, and iterate to the exact fixed point.

    Parameters
    ----------
    loop : Loop
        Result of :func:`kadanoff.dmft.bethe`.
    exact : str
        The exact solver, as in :func:`kadanoff.dmft.approximate`: "ed-5", "cthyb", ...
    D : float, optional
        Half bandwidth of the lattice; by default that of the loop.
    polish : bool
        Whether the loop is continued to the exact fixed point.
    tolerance : float, optional
        Tolerance of this loop, as in :func:`kadanoff.dmft.bethe`.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`.

    Returns
    -------
    Certificate
        The exact solution, its distance from the learned one, and the exact loop.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.
    NotConverged, Cancelled
        The exact loop was not finished; `partial` is the Certificate without it.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> loop = dmft.bethe(U=1.0, beta=10, solver="ipt")
    >>> certify(loop, exact="ed-4").distance < 0.02
    True
    """
    if not isinstance(loop, Loop):
        raise TypeError(f"loop must be a Loop, got {type(loop).__name__}")
    name, options = named(exact, "exact")
    D = loop.D if D is None else checks.half_bandwidth(D)
    if tolerance is not None:
        tolerance = checks.real("tolerance", tolerance, above=0)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    problem = loop.solution.problem
    answer = approximated(problem, exact, SolverRun.over(run, loop.solution.G_iw.size))
    Delta = loop.solution.Delta_iw
    away = 0.25 * D**2 * answer.G_iw[: Delta.size] - Delta
    distance = float(np.max(np.abs(away)) / np.max(np.abs(Delta)))
    found = Certificate(loop, answer, distance, None, run.seed)
    if not polish:
        return found
    try:
        polished = bethe(
            U=problem.U,
            beta=problem.beta,
            D=D,
            eps=problem.eps,
            solver=name,
            start=loop,
            tolerance=tolerance,
            seed=run.seed,
            **run.keywords,
            **options,
        )
    except (NotConverged, Cancelled) as stop:
        raise type(stop)(str(stop), found) from stop
    return Certificate(loop, answer, distance, polished, run.seed)


@public
@dataclass(frozen=True, eq=False)
class Active:
    """A solver trained on its way to a fixed point.

    Parameters
    ----------
    learned : LearnedSolver
        The solver after the last training.
    certificates : tuple of Certificate
        Certificates, one per iteration.
    converged : bool
        Whether the last distance is below the tolerance.
    """

    learned: LearnedSolver
    certificates: tuple[Certificate, ...]
    converged: bool

    def __repr__(self) -> str:
        end = "converged" if self.converged else "not converged"
        return (
            f"Active({end} after {len(self.certificates)} exact solves, "
            f"distance {self.distance:.1e}; {self.loop!r})"
        )

    @property
    def seed(self) -> int:
        """Seed of the loops and of the exact solver."""
        return self.certificates[-1].seed

    @property
    def distance(self) -> float:
        """Distance of the last certificate."""
        return self.certificates[-1].distance

    @property
    def loop(self) -> Loop:
        """Loop of the last iteration."""
        return self.certificates[-1].loop


@public
def active(
    learned: LearnedSolver,
    *,
    U: float,
    beta: float,
    tolerance: float = 1e-2,
    max_iterations: int = 10,
    start: str | Loop | Solution = "metal",
    D: float = 1.0,
    eps: float | None = None,
    n: float | None = None,
    mixing: str | None = None,
    share: float | None = None,
    frequencies: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> Active:
    """Train a solver on the exact solutions at its own fixed points until one is certified.

    Parameters
    ----------
    learned : LearnedSolver
        The solver at the start; it is not changed.
    U : float
        Repulsion, in the unit of D.
    beta : float
        Inverse temperature, in the unit of 1/D.
    tolerance : float
        Distance of the certificate at which the training ends.
    max_iterations : int
        Largest number of loops; each requires one exact solve.
    start, D, eps, n, mixing, share, frequencies : optional
        As in :func:`kadanoff.dmft.bethe`; the loops stop at a residual of 1e-4.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`.

    Returns
    -------
    Active
        The trained solver and the certificates of all iterations.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.
    NotConverged
        After `max_iterations`; `partial` is the Active so far.
    Cancelled
        The computation was stopped.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     40, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> quick = {"length": 9.0, "noise": 1e-3}
    >>> learned = dmft.learn(db, settings=quick, seed=1, progress=False)
    >>> found = dmft.active(learned, U=3.0, beta=5.0, D=1.5, tolerance=0.1, seed=1)
    >>> found.converged, found.distance < 0.1
    (True, True)
    """
    if not isinstance(learned, LearnedSolver):
        raise TypeError(f"learned must be a LearnedSolver, got {type(learned).__name__}")
    tolerance = checks.real("tolerance", tolerance, above=0)
    max_iterations = checks.whole("max_iterations", max_iterations)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    inner = {**run.quiet().keywords, "seed": run.seed}
    certificates: list[Certificate] = []
    with run.calling("active learning") as keywords:
        report = keywords["report"]
        for iteration in range(max_iterations):
            loop = bethe(
                U=U,
                beta=beta,
                solver=learned,
                start=start,
                D=D,
                eps=eps,
                n=n,
                mixing=mixing,
                share=share,
                tolerance=LOOP_TOLERANCE,
                frequencies=frequencies,
                **inner,
            )
            found = certify(loop, exact=learned.exact, polish=False, **inner)
            certificates.append(found)
            if found.distance < tolerance:
                return Active(learned, tuple(certificates), True)
            learned = learned.taught([loop.solution.problem], [found.exact])
            if report is not None:
                report(iteration + 1, max_iterations)
    raise NotConverged(
        f"the certificate is {certificates[-1].distance:.1e} after {max_iterations} iterations, "
        f"tolerance = {tolerance:g}: raise max_iterations, or train on problems nearer to this "
        "one; the solver learned so far is in .partial",
        Active(learned, tuple(certificates), False),
    )
