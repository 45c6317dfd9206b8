"""A learned loop is worth what one exact solve says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff.dmft.learning.learned import LearnedSolver
from kadanoff.dmft.loops.bethe_lattice import BetheLoop, bethe
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.approximations import approximate, named

__all__ = ["Active", "Certificate", "active", "certify"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """A learned fixed point, the exact answer there, and the exact fixed point nearby.

    Attributes
    ----------
    loop : BetheLoop
        By the learned solver.
    exact : Solution
        Of the impurity problem at its fixed point.
    distance : float
        max |Delta_exact - Delta| over the learned loop's problem, Delta_exact = (D/2)**2 G_exact,
        relative to max |Delta|: how far the exact map leads away. Zero at an exact fixed point.
    polished : BetheLoop or None
        The exact loop, started from here.
    """

    loop: BetheLoop
    exact: Solution
    distance: float
    polished: BetheLoop | None

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


def certify(
    loop: BetheLoop,
    *,
    exact: str = "ed-5",
    D: float = 1.0,
    polish: bool = True,
    tol: float | None = None,
    control: _core.Control | None = None,
) -> Certificate:
    """One exact solve at the fixed point of a learned loop, and the exact loop from there.

    Parameters
    ----------
    loop : BetheLoop
        As `kadanoff.dmft.bethe` returned it.
    exact : str
        The exact solver, as in `kadanoff.dmft.solvers.approximations`: "ed-5", "cthyb", ...
    D : float
        Half bandwidth of the lattice.
    polish : bool
        Whether to go on to the exact fixed point.
    tol : float, optional
        Of the polishing.
    control : Control, optional
        To cancel from another thread.

    Returns
    -------
    Certificate

    Raises
    ------
    NotConverged, Cancelled
        While polishing; `partial` is the Certificate without the polished loop.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> loop = dmft.bethe(U=1.0, beta=10, solver="ipt")
    >>> certify(loop, exact="ed-4").distance < 0.02
    True
    """
    if not isinstance(loop, BetheLoop):
        raise TypeError(f"loop must be a BetheLoop, got {type(loop).__name__}")
    name, options = named(exact)
    problem = loop.solution.problem
    count = loop.solution.G_iw.size
    answer = approximate(problem, exact, frequencies=count, control=control)
    Delta = loop.solution.Delta_iw
    away = 0.25 * checks.real("D", D) ** 2 * answer.G_iw[: Delta.size] - Delta
    distance = float(np.max(np.abs(away)) / np.max(np.abs(Delta)))
    found = Certificate(loop, answer, distance, None)
    if not polish:
        return found
    try:
        polished = bethe(
            U=problem.U,
            beta=problem.beta,
            D=D,
            eps=problem.offset,
            solver=name,
            start=loop,
            tol=tol,
            control=control,
            progress=False,
            **options,
        )
    except (NotConverged, Cancelled) as stop:
        raise type(stop)(str(stop), found) from stop
    return Certificate(loop, answer, distance, polished)


@dataclass(frozen=True, eq=False)
class Active:
    """A solver that learned on its way to a fixed point.

    Attributes
    ----------
    learned : LearnedSolver
        What it has become.
    certificates : tuple of Certificate
        One a round.
    converged : bool
        Whether the last distance is below the tolerance.
    """

    learned: LearnedSolver
    certificates: tuple[Certificate, ...]
    converged: bool

    @property
    def distance(self) -> float:
        """Of the last round."""
        return self.certificates[-1].distance

    @property
    def loop(self) -> BetheLoop:
        """Of the last round."""
        return self.certificates[-1].loop


def active(
    learned: LearnedSolver,
    *,
    U: float,
    beta: float,
    tol: float = 1e-2,
    rounds: int = 10,
    control: _core.Control | None = None,
    **options: Any,
) -> Active:
    """Loop, certify, teach the solver what the exact solve said, and again.

    Parameters
    ----------
    learned : LearnedSolver
        To begin with; it is not changed.
    U, beta : float
        Of the loop.
    tol : float
        Distance of the certificate at which it is enough.
    rounds : int
        At most; each costs one exact solve.
    control : Control, optional
        To cancel from another thread.
    **options
        Of `kadanoff.dmft.bethe`.

    Returns
    -------
    Active

    Raises
    ------
    NotConverged
        After `rounds`; `partial` is the Active so far.
    """
    tol = checks.real("tol", tol)
    if tol <= 0.0:
        raise ValueError(f"tol must be positive, got {tol}")
    checks.whole("rounds", rounds)
    D = float(options.get("D", 1.0))
    certificates: list[Certificate] = []
    start = options.pop("start", "metal")
    told = {"tol": 1e-4, "progress": False, **options}
    for _ in range(rounds):
        loop = bethe(U=U, beta=beta, solver=learned, start=start, control=control, **told)
        found = certify(loop, exact=learned.exact, D=D, polish=False, control=control)
        certificates.append(found)
        if found.distance < tol:
            return Active(learned, tuple(certificates), True)
        learned = learned.taught([loop.solution.problem], [found.exact])
    raise NotConverged(
        f"the certificate is {certificates[-1].distance:.1e} after {rounds} rounds, tol = "
        f"{tol:g}: raise rounds, or train on problems nearer to this one; what was learned is in "
        ".partial",
        Active(learned, tuple(certificates), False),
    )
