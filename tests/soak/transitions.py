"""The ends of metal and insulator of two equal orbitals by Monte Carlo, for the topics of the soak.

The exchange is of Ising type, ``kind="density"`` with ``U' = U - 2 J``; energies in units of D.
Both ends are found by bisection, the metal's with U rising and the insulator's with U falling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base.errors import NotConverged
from kadanoff.dmft import orbital_loop
from kadanoff.dmft.lattices import Bethe
from tests.soak.rows import Row
from tests.soak.settling import (
    INSULATING,
    Ends,
    Point,
    diverges,
    ends_of,
    quiet,
    ratios,
    settled,
)

__all__ = ["Search", "rows_of_all", "tiny_rows"]

SHIFT = 0.1
"""Shift of the end of the metal by two bath sites for each orbital, in units of U: that of one
orbital with two bath sites."""


@dataclass(frozen=True)
class Search:
    """Both searches at a fixed exchange.

    Attributes
    ----------
    share : float
        J / U.
    step, low, high : float
        Resolution, and the least and largest U.
    sweeps : int
        Of every iteration.
    betas : tuple of float
        Inverse temperatures.
    fewest : int
        Iterations of a point, at least.
    first_order : bool
        Whether the transition stays of first order at T = 0, so that the metal ends with a jump.
        Where it becomes continuous there, Z of the metal vanishes at its end.
    """

    share: float
    step: float
    low: float
    high: float
    sweeps: int
    betas: tuple[float, ...] = (40.0, 80.0)
    fewest: int = 12
    first_order: bool = True


def tiny_rows(share: float, seed: int) -> Iterator[Row]:
    """A metal and an insulator far from the transition."""
    options = {**quiet(Bethe(), 2**12), "beta": 4.0, "fewest": 1}
    for U, state in ((0.5, False), (6.0, True)):
        found = settled(U, "metal", seed=seed, J=share * U, **options)
        yield Row.at_most(
            f"U = {U:g}: another state than expected", bool(found.insulating[0]) != state, 0
        )


def grid(search: Search) -> list[float]:
    """The U of both searches."""
    step, low, high = search.step, search.low, search.high
    return [round(low + step * k, 10) for k in range(round((high - low) / step) + 1)]


def both_ends(search: Search, beta: float, seed: int) -> tuple[Ends, Ends, list[Point]]:
    """The ends of the metal and of the insulator, and all points on the way."""
    options = {**quiet(Bethe(), search.sweeps), "beta": beta, "fewest": search.fewest}
    points: list[Point] = []

    def found(U: float, start: Any) -> Point:
        points.append(settled(U, start, seed=seed, J=search.share * U, **options))
        p = points[-1]
        print(search.share, beta, U, *ratios(p.loop), p.loop.Z, p.settled, p.loop.start, flush=True)
        return p

    values = grid(search)
    metal = ends_of(values, "metal", found, insulating=False)
    insulator = ends_of(values[::-1], "insulator", found, insulating=True)
    return metal, insulator, points


def exact_end(search: Search, beta: float, seed: int) -> float:
    """The end of the metal by "ed" with two bath sites for each orbital."""

    def found(U: float, start: Any) -> Point:
        options = {"kind": "density", "beta": beta, "sites": 2, "tolerance": 1e-4}
        try:
            loop = orbital_loop(
                U=U,
                J=search.share * U,
                start=start,
                seed=seed,
                threads=1,
                progress=False,
                **options,
            )
        except NotConverged as stop:
            if stop.partial is None:
                raise
            loop = stop.partial
        states = (ratios(loop)[0] > INSULATING) | diverges(loop)
        return Point(U, loop, states, loop.converged)

    return ends_of(grid(search), "metal", found, insulating=False).U


def rows_of_all(search: Search, seed: int) -> Iterator[Row]:
    """Rows of both temperatures, and of what changes between them."""
    share, step = search.share, search.step
    ends: dict[float, tuple[float, float]] = {}
    for beta in search.betas:
        metal, insulator, points = both_ends(search, beta, seed)
        ends[beta] = metal.U, insulator.U
        yield from rows_of(search, beta, metal, insulator, points)
        exact = exact_end(search, beta, seed)
        yield Row(
            f"J = {share:g} U, T = 1/{beta:g}: end of the metal by two bath sites",
            exact,
            f"{metal.U:g} within {SHIFT:g} U and the resolution",
            bool(abs(exact - metal.U) <= SHIFT * metal.U + step),
        )
    if len(ends) < 2:
        return
    (hot_metal, hot_insulator), (metal_end, insulator_end) = ends.values()
    # The insulator has the larger entropy, that of its moments: it retreats on cooling.
    for name, moved in (
        ("metal", metal_end - hot_metal),
        ("insulator", insulator_end - hot_insulator),
    ):
        what = f"J = {share:g} U: rise of the end of the {name} from T = 1/40 to 1/80"
        yield Row.at_least(what, moved, -step)


def rows_of(
    search: Search, beta: float, metal: Ends, insulator: Ends, points: list[Point]
) -> Iterator[Row]:
    """Rows of one exchange and temperature."""
    name, step = f"J = {search.share:g} U, T = 1/{beta:g}", search.step
    low, high = search.low, search.high
    for which, end in (("metal", metal), ("insulator", insulator)):
        yield Row(
            f"{name}: end of the {which}",
            end.U,
            f"between {low:g} and {high:g}, to {0.5 * step:g}",
            bool(low < end.U < high),
        )
    yield Row.at_most(
        f"{name}: points of {len(points)} that did not settle",
        sum(not p.settled for p in points),
        2,  # one at each end, where the drift vanishes
    )
    width = metal.U - insulator.U
    yield Row.at_least(f"{name}: width of the coexistence", width, -step)
    if search.first_order:
        last, first = (p.loop.solution for p in (metal.last, metal.first))
        fall = float(last.docc[0] - first.docc[0])
        error = np.hypot(last.diagnostics["docc_error"][0], first.diagnostics["docc_error"][0])
        what = f"{name}: fall of the double occupancy at the end of the metal, in errors"
        yield Row.at_least(what, fall / error, 3)
