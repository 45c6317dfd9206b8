"""Random impurity problems: the distribution of the learning experiment.

U, the half bandwidth D and the detuning eps + U/2 are uniform in their ranges. The levels e_k are
uniform in (-1, 1) and the V_k in (0, 1); then V is scaled to ``sum V**2 = D**2 / 4`` (the rule of
the Bethe lattice), the levels to ``max e - min e = 2 D``, and shifted to ``sum V**2 e = 0``.

The bath of a converged loop is its whole Delta(i w_n), not the few sites that a solver fits: some
tens of levels that reproduce it, because a loop asks for the solution in such a bath.

Sample i does not depend on the number of samples: its random numbers are those of
``SeedSequence(seed, spawn_key=(i,))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import FloatArray
from kadanoff.dmft.lattices import Bethe, Cubic, Lattice, Square
from kadanoff.dmft.loops.self_consistency import loop
from kadanoff.dmft.problem import half_filling
from kadanoff.dmft.solvers.physical import causal_bath
from kadanoff.greens.grids import inverse_temperature

__all__ = ["Distribution", "Draw"]

Range = tuple[float, float]

MAX_SITES = 7
FIT_SEED = 0
"""Fits of a bath start at the same points for every sample, which depends on (seed, i) alone."""
BATHS = ("random", "self-consistent")
LATTICES: dict[str, Callable[[float], Lattice]] = {
    "bethe": lambda D: Bethe(D=D),
    "square": lambda D: Square(t=D / 4.0),
    "cubic": lambda D: Cubic(t=D / 6.0),
}
"""Lattices of half bandwidth D."""
MAX_LEVELS = 64
"""Of the bath of a loop. Its poles are the vertices of a non-negative fit, and fewer than this."""
STOPS = (-6.0, -3.0)
"""Decimal logarithms of the tolerances of loops, drawn uniformly: from the default of a loop to ten
times the usual tolerance of learned solvers. They are asked about Delta at the fixed point and next
to it; from samples that all stop at one distance from it, a regression learns nothing else."""
RULES = ("bethe", "2D/pi", "2W")


class Draw(NamedTuple):
    """A problem without its temperature."""

    U: float
    D: float
    detuning: float
    e: FloatArray
    V: FloatArray
    born: int
    """Index of the temperature of a self-consistent bath; -1 for a random bath."""

    @property
    def eps(self) -> float:
        """The level, detuning - U/2."""
        return self.detuning + half_filling(self.U)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """The distribution of random problems.

    Parameters
    ----------
    U, D, detuning : tuple of float
        Ranges (low, high) of the repulsion, the half bandwidth and the distance eps + U/2 of the
        level from half filling.
    bath_sites : int
        Number of bath sites, 1 to 7.
    rule : {"bethe", "2D/pi", "2W"}
        sum V**2: ``D**2 / 4``; or ``2 D / pi`` or ``2 D`` in the unit of energy squared, as other
        codes have it.
    bath : {"random", "self-consistent"}
        Random, or the Delta of a converged DMFT loop at one of the temperatures, solved by exact
        diagonalisation with this number of sites.
    lattice : sequence of {"bethe", "square", "cubic"}
        Lattices of the loops, drawn with equal probability.
    beta : sequence of float
        Inverse temperatures of the loops.
    seed : int, optional
        By default drawn from the operating system.
    """

    U: Range = (1.0, 10.0)
    D: Range = (1.0, 10.0)
    detuning: Range = (-1.0, 1.0)
    bath_sites: int = 4
    rule: str = "bethe"
    bath: str = "random"
    lattice: tuple[str, ...] = ("bethe",)
    beta: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
    seed: int = None  # type: ignore[assignment]  # an int once it is made

    def __post_init__(self) -> None:
        object.__setattr__(self, "U", interval("U", self.U, least=0))
        object.__setattr__(self, "D", interval("D", self.D, above=0))
        object.__setattr__(self, "detuning", interval("detuning", self.detuning))
        object.__setattr__(
            self, "bath_sites", checks.whole("bath_sites", self.bath_sites, most=MAX_SITES)
        )
        checks.choice("rule", self.rule, RULES)
        checks.choice("bath", self.bath, BATHS)
        names = (self.lattice,) if isinstance(self.lattice, str) else tuple(self.lattice)
        if not names:
            raise ValueError("lattice must name at least one lattice")
        for name in names:
            checks.choice("lattice", name, LATTICES)
        object.__setattr__(self, "lattice", names)
        object.__setattr__(self, "seed", checks.seed(self.seed))
        object.__setattr__(self, "beta", tuple(inverse_temperature(b) for b in self.beta))

    def draw(self, index: int) -> Draw:
        """Sample `index`, kept for all solvers.

        Examples
        --------
        >>> one = Distribution(seed=1).draw(7)
        >>> bool(np.isclose(np.sum(one.V**2), one.D**2 / 4)), round(float(one.V**2 @ one.e), 12)
        (True, 0.0)
        """
        return _drawn(self, index)

    def begin(self, index: int) -> tuple[np.random.Generator, float, float, float]:
        """The random numbers of a sample, and its U, D and detuning."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))
        U, D, detuning = (rng.uniform(*r) for r in (self.U, self.D, self.detuning))
        return rng, U, D, detuning

    def weight(self, D: float) -> float:
        """sum V**2."""
        return {"bethe": 0.25 * D * D, "2D/pi": 2.0 * D / math.pi, "2W": 2.0 * D}[self.rule]

    def parameters(self) -> dict[str, Any]:
        """The parameters that determine the samples, for the name of a file."""
        found = {
            "U": self.U,
            "D": self.D,
            "detuning": self.detuning,
            "bath_sites": self.bath_sites,
            "rule": self.rule,
            "bath": self.bath,
            "seed": self.seed,
        }
        if self.bath == "self-consistent":
            found["beta"] = self.beta
            found["lattice"] = self.lattice
        return found

    @property
    def levels(self) -> int:
        """Length of e and V: the number of bath sites, or that of the levels of a loop's Delta."""
        return MAX_LEVELS if self.bath == "self-consistent" else self.bath_sites


@lru_cache(maxsize=4096)
def _drawn(spread: Distribution, index: int) -> Draw:
    if spread.bath == "self-consistent":
        return _of_a_loop(spread, index)
    rng, U, D, detuning = spread.begin(index)
    e = rng.uniform(-1.0, 1.0, spread.bath_sites)
    V = 1.0 - rng.random(spread.bath_sites)  # in (0, 1]
    V *= math.sqrt(spread.weight(D) / np.sum(V * V))
    width = np.ptp(e)
    e = e * (2.0 * D / width) if width > 0.0 else 0.0 * e
    e = e - np.sum(V * V * e) / np.sum(V * V)
    order = np.argsort(e, kind="stable")
    return Draw(U, D, detuning, e[order], V[order], -1)


def _of_a_loop(spread: Distribution, index: int) -> Draw:
    """A sample with the Delta of a converged loop."""
    rng, U, D, detuning = spread.begin(index)
    born = int(rng.integers(len(spread.beta)))
    start = ("metal", "insulator")[int(rng.integers(2))]
    lattice = LATTICES[spread.lattice[int(rng.integers(len(spread.lattice)))]](D)
    tolerance = 10.0 ** rng.uniform(*STOPS)
    converged = loop(
        lattice=lattice,
        U=U,
        beta=spread.beta[born],
        mu=lattice.mean - detuning + 0.5 * U,
        start=start,
        solver="ed",
        sites=spread.bath_sites,
        tolerance=tolerance,
        threads=1,
        progress=False,
        seed=FIT_SEED,
    )
    problem = converged.solution.problem
    poles = causal_bath(problem, converged.solution.w_n.size)
    order = np.argsort(poles.weights)[::-1][:MAX_LEVELS]
    order = order[np.argsort(poles.poles[order])]
    weight = poles.weights[order]
    weight = weight * (float(np.sum(poles.weights)) / float(np.sum(weight)))
    e, V = np.zeros((2, MAX_LEVELS))
    e[: order.size], V[: order.size] = poles.poles[order], np.sqrt(weight)
    return Draw(U, D, detuning, e, V, born)


def interval(
    name: str, value: Sequence[float], *, least: float | None = None, above: float | None = None
) -> Range:
    """A validated (low, high)."""
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise TypeError(f"{name} must be a pair (low, high), got {value!r}")
    low, high = (checks.real(name, x, least=least, above=above) for x in value)
    if low > high:
        raise ValueError(f"{name} must be (low, high) with low <= high, got {value!r}")
    return low, high
