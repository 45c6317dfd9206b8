r"""The Mott insulator at T = 0 by exact diagonalisation: its vertex, and where it ends.

With a gap in Delta a few bath levels suffice: from four to six to eight levels the vertex at
U = 2.9 D changes by 1e-4 and 4e-6. Towards the end of the insulator the gap narrows, and

    s = int A(w) / w^2 dw = -dG / d(i w)   at w = 0

rises faster and faster, U(1/s) has a minimum, and below it the loop has no insulator: two solutions
meet and vanish (a fold), at a finite s. U_c1 is the minimum of the parabola through the last three
points (1/s, U).

The vertex is read off the impurity that is coupled to one more level, at w = 0, by v -> 0. Spin
and level form a singlet, 3 J / 4 below the states with one electron more or less, in which
J = 4 G_up(0) v^2: the lowest poles of G lie at +-3 G_up(0) v^2.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from kadanoff._base.errors import NotConverged
from kadanoff._base.running import Run
from kadanoff._base.types import FloatArray
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.self_consistency import bethe
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.protocol import solve
from kadanoff.runs.result_files import storable

__all__ = ["Branch", "Fold", "insulator", "vertex"]

SMALL = 1e-6
"""Weight of the additional level, in units of D^2."""
LOW = 1e-3
"""Poles below this are those of the singlet, in units of D."""
FIRST = (2.5, 2.46, 2.42)
"""Where the insulator is followed from, in units of D: above its end for any number of levels."""
NEARER = 0.7
"""Share of the distance to the fold that the next step leaves; from afar it lies too low."""
CLOSE = 0.004
"""Distance to the fold at which the insulator is no longer followed, in units of D."""


def insulator(
    U: float, *, sites: int, beta: float, run: Run, start: Loop | None = None
) -> Loop | None:
    """The insulator with D = 1 and the ground state's G, or None if the loop leaves it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # loops that have left the insulator
            loop = bethe(
                U=U,
                beta=beta,
                solver="lanczos",
                sites=sites,
                ground_state=True,
                start="insulator" if start is None else start,
                **run.quiet().keywords,
            )
    except NotConverged:
        return None
    return None if loop.is_metallic else loop


def slope(loop: Loop) -> float:
    """``s = int A / w^2 dw``, in units of 1 / D^2."""
    G = loop.solution.G
    return float(np.sum(G.weights / G.energies**2))  # type: ignore[union-attr]


def vertex(loop: Loop, run: Run) -> float:
    """``gamma = t G_up(0)`` of an insulator with D = 1."""
    problem, bath = loop.solution.problem, loop.solution.diagnostics["bath"]
    one_more = DiscreteBath(np.append(bath.e, 0.0), np.append(bath.V, np.sqrt(SMALL)))
    found = solve(
        Impurity(problem.U, problem.beta, one_more),
        solver="lanczos",
        ground_state=True,
        **run.quiet().keywords,
    )
    e, weight = found.G.energies, found.G.weights  # type: ignore[union-attr]
    singlet = (e > 0.0) & (e < LOW)
    return float(0.5 * np.average(e[singlet], weights=weight[singlet]) / (3.0 * SMALL))


@dataclass(frozen=True)
class Fold:
    """The minimum of U(x), x = 1/s, of a parabola."""

    U: float
    x: float

    @classmethod
    def through(cls, x: FloatArray, U: FloatArray) -> Fold:
        """The minimum of the parabola through three points."""
        a, b, _ = np.polyfit(x - x[-1], U - U[-1], 2)
        at = -0.5 * b / a
        return cls(float(U[-1] + at * (a * at + b)), float(x[-1] + at))


@storable
@dataclass(frozen=True, eq=False)
class Branch:
    """The insulator, followed downwards.

    Attributes
    ----------
    U, x : array, shape (n,)
        Where it was found, in units of D, descending, and 1/s there.
    lost : float
        The largest U at which it was looked for and not found; 0 if it was found everywhere.
    """

    U: FloatArray
    x: FloatArray
    lost: float

    @classmethod
    def followed(cls, sites: int, beta: float, run: Run) -> Branch:
        """The insulator from U = 2.5 D to its end."""
        U: list[float] = []
        x: list[float] = []
        loop, lost, ahead = None, 0.0, list(FIRST)
        while ahead:
            target = ahead.pop(0)
            found = insulator(target, sites=sites, beta=beta, run=run, start=loop)
            if found is None:
                lost, ahead = max(lost, target), []
            else:
                loop = found
                U.append(target)
                x.append(1.0 / slope(found))
            if not ahead and len(U) >= len(FIRST):
                end = max(Fold.through(np.array(x[-3:]), np.array(U[-3:])).U, lost)
                if U[-1] - end > CLOSE:
                    ahead.append(end + NEARER * (U[-1] - end))
        if len(U) <= len(FIRST):
            raise NotConverged(
                f"the insulator with {sites} bath levels and beta = {beta:g} / D was followed to "
                f"U = {U[-1] if U else math.inf:g} D only; more levels are needed"
            )
        return cls(np.array(U), np.array(x), lost)

    @property
    def end(self) -> Fold:
        """The fold, from the last three points."""
        return Fold.through(self.x[-3:], self.U[-3:])

    @property
    def extrapolation(self) -> float:
        """The change of the fold by the last point."""
        return abs(self.end.U - Fold.through(self.x[-4:-1], self.U[-4:-1]).U)
