"""Orbital-selective Mott transition of two bands by Monte Carlo, against published values.

The exchange is of Ising type, ``kind="density"`` with ``U' = U - 2 J``, as in the reference. In
the selective phase with this exchange the wide band is a bad metal of finite lifetime.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff.dmft.lattices import Bethe
from tests.soak.rows import Row
from tests.soak.settling import Point, quiet, ratios, settled

TINY = 0.01
WIDTHS = (2.0, 1.0)
STEP = 0.1
WINDOW = tuple(round(1.9 + STEP * k, 10) for k in range(9))
BETA = 40.0
U_C1, U_C2 = 2.1, 2.5
"""C. Knecht, N. Bluemer, P. G. J. van Dongen, Phys. Rev. B 72, 081103 (2005),
doi:10.1103/PhysRevB.72.081103, and arXiv:cond-mat/0506450: full widths 4 and 2, T = 1/40,
J = U/4, exchange of Ising type."""
READING = 0.1
"""Of the published values, which are read to a tenth."""


def run(seed: int, scale: float) -> Iterator[Row]:
    lattice = [Bethe(D) for D in WIDTHS]
    if scale < 0.5:
        options = {**quiet(lattice, 2**12), "beta": 4.0, "fewest": 1}
        narrow = settled(3.0, "insulator", seed=seed, J=0.75, **options).loop
        Z = settled(1.0, "metal", seed=seed, J=0.25, **options).loop.Z
        yield Row.at_least("U = 1: excess of Z of the wide band", float(Z[0] - Z[1]), 0.0)
        return
    options = {**quiet(lattice, 2**14), "beta": BETA}
    start: Any = "metal"
    points: list[Point] = []
    for U in WINDOW:
        points.append(settled(U, start, seed=seed, J=0.25 * U, **options))
        start = points[-1].loop
        found = ratios(start)
        print(U, *found, start.Z, points[-1].settled, start.iterations, flush=True)
    yield Row.at_most("points that did not settle", sum(not p.settled for p in points), 1)
    wide, narrow = np.array([p.insulating for p in points]).T
    # The transition lies in the step below the first insulating value.
    limit = 0.5 * STEP + READING
    opened = {}
    for name, states, known in (("narrow", narrow, U_C1), ("wide", wide, U_C2)):
        opened[name] = WINDOW[int(np.argmax(states))] - 0.5 * STEP if states.any() else np.inf
        what = f"full widths 4 and 2, T = 1/40: U at which the {name} band opens a gap"
        yield Row(
            what,
            opened[name],
            f"{known:g} within {limit:g}",
            bool(abs(opened[name] - known) <= limit),
        )
    between = [p for p in points if opened["narrow"] < p.U < opened["wide"]]
    selective = [p.loop.is_selective for p in between]
    yield Row.at_least("share of loops between them that say is_selective", np.mean(selective), 0.5)
    Z = np.array([p.loop.Z for p in points])
    yield Row.at_least("least excess of Z of the wide band", float(np.min(Z[:, 0] - Z[:, 1])), 0.0)
