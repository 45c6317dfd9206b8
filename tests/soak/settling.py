"""Loops of several orbitals by Monte Carlo, continued until they no longer move.

An orbital counts as insulating where ``-Im Sigma(i w_0) / -Im Sigma(i w_1)`` is above the root of
3: it is 3 for a divergence, 1 for a constant, and below 1 for a Fermi liquid. Deep in an insulator
this ratio is lost in noise: there ``-Im Sigma(i w_0) > 2 U``, which no finite lifetime reaches,
decides.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base.errors import NotConverged
from kadanoff.dmft import OrbitalLoop, orbital_loop
from kadanoff.dmft.lattices import Lattice

__all__ = ["INSULATING", "Ends", "Point", "diverges", "ends_of", "quiet", "ratios", "settled"]

INSULATING = math.sqrt(3.0)
FEWEST, ROUNDS = 12, 8
"""Iterations of a point at least, and loops, each started from the one before, at most."""
SIGMAS = 3.0
"""Standard errors within which two loops agree."""


def ratios(loop: OrbitalLoop) -> tuple[np.ndarray, np.ndarray]:
    """``Im Sigma(i w_0) / Im Sigma(i w_1)`` of each orbital, and its error."""
    first, second = np.einsum("naa->na", loop.solution.Sigma_iw[:2]).imag
    found = loop.solution.diagnostics.get("Sigma_iw_error")
    errors = np.zeros((2, first.size)) if found is None else found[:2]
    ratio = first / second
    return ratio, np.abs(ratio) * np.hypot(errors[0] / first, errors[1] / second)


def diverges(loop: OrbitalLoop) -> np.ndarray:
    """Whether ``-Im Sigma(i w_0)`` of each orbital is larger than any scattering rate."""
    return -np.einsum("aa->a", loop.solution.Sigma_iw[0]).imag > 2.0 * loop.solution.problem.U


@dataclass(frozen=True)
class Point:
    """A loop that has settled, or not.

    Attributes
    ----------
    U : float
    loop : OrbitalLoop
    insulating : array of bool, shape (M,)
    settled : bool
        Whether Z and the states of two loops in succession agree within errors.
    """

    U: float
    loop: OrbitalLoop
    insulating: np.ndarray
    settled: bool


def settled(U: float, start: Any, *, seed: int, fewest: int = FEWEST, **options: Any) -> Point:
    """A point, by loops each started from the last solution of the one before.

    Where noise breaks a loop, it is begun again with twice the sweeps. A loop ends when three
    changes in succession are below three errors. Near the end of a phase the drift of one iteration
    is smaller than that, and only shows over many.
    """
    before: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    iterations = 0
    origin = start
    for attempt in range(ROUNDS):
        try:
            start = orbital_loop(
                U=U,
                start=start,
                seed=seed + 1000 * attempt + 10_000 * round(100 * U),
                threads=1,
                progress=False,
                max_iterations=25,
                **options,
            )
        except (NotConverged, ValueError) as stop:
            partial = getattr(stop, "partial", None)
            if partial is None or "failed in iteration" in str(stop):
                # Noise made Delta(tau) acausal: begin again with less of it.
                start, before = origin, None
                options["sweeps"] *= 2
                continue
            start = partial
        iterations += start.iterations
        ratio, error = ratios(start)
        large = diverges(start)
        states = (ratio > INSULATING) | large
        clear = bool(np.all((np.abs(ratio - INSULATING) > error) | large))
        last = start.history["Z"][-3:]
        Z, dZ = last.mean(axis=0), start.solution.diagnostics.get("Z_error", 1e-3) / 3**0.5
        if before is not None and iterations >= fewest and clear:
            same = np.array_equal(states, before[2])
            if same and np.all(np.abs(Z - before[0]) < SIGMAS * np.hypot(dZ, before[1])):
                return Point(U, start, states, settled=True)
        before = Z, dZ, states
    return Point(U, start, states, settled=False)


@dataclass(frozen=True)
class Ends:
    """The end of a phase, between the last point that has it and the first that does not."""

    last: Point
    first: Point

    @property
    def U(self) -> float:
        return 0.5 * (self.last.U + self.first.U)


def ends_of(
    values: Sequence[float], start: str, found: Callable[[float, Any], Point], insulating: bool
) -> Ends:
    """The end of the metal or of the insulator by bisection, from the first of `values` on.

    Every point starts from the nearest one that has the phase, so that it approaches its fixed
    point from deep within the phase.
    """
    inner = found(values[0], start)
    at, beyond = 0, len(values) - 1
    if bool(np.all(inner.insulating)) != insulating:
        raise ValueError(f"U = {values[0]:g} does not have the phase whose end is sought")
    outer = found(values[beyond], inner.loop)
    if bool(np.all(outer.insulating)) == insulating:
        raise ValueError(f"U = {values[beyond]:g} still has the phase whose end is sought")
    while beyond - at > 1:
        middle = (at + beyond) // 2
        point = found(values[middle], inner.loop)
        if bool(np.all(point.insulating)) == insulating:
            at, inner = middle, point
        else:
            beyond, outer = middle, point
    return Ends(inner, outer)


def quiet(lattice: Lattice | Sequence[Lattice], sweeps: int) -> dict[str, Any]:
    """The options of a Monte Carlo loop of two orbitals with the exchange of Ising type."""
    warnings.simplefilter("ignore")
    return {
        "kind": "density",
        "lattice": lattice,
        "solver": "cthyb",
        "sweeps": sweeps,
        "chains": 2,
        "equilibration": 1024,
    }
