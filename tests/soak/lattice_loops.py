"""DMFT on lattices: Neel temperatures against another code of ours, Luttinger's theorem by NRG.

The Neel temperatures to compare with are of an exact diagonalisation by other programs of the
authors; strong coupling is that of classical spins in their molecular field. Published ones
(G. Rohringer et al., Phys. Rev. Lett. 107, 256402 (2011), doi:10.1103/PhysRevLett.107.256402, for
the cubic lattice) are curves in figures, without numbers to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import dmft
from kadanoff.dmft.lattices import Bethe, Cubic
from tests.soak.rows import Row, count

TINY = 0.05
QUIET: dict[str, Any] = {"threads": 1, "progress": False}
NEEL = (
    *(
        (Bethe(), "Bethe, D = 1", U, T)
        for U, T in ((2.0, 0.100), (1.0, 0.052), (1.5, 0.086), (2.5, 0.093), (3.0, 0.080))
    ),
    (Bethe(), "Bethe, D = 1", 4.0, 0.061),
    *(
        (Cubic(t=1.0), "cubic, t = 1", U, T)
        for U, T in ((6.0, 0.349), (8.0, 0.446), (10.0, 0.482), (12.0, 0.457))
    ),
    # D^2 / 4U and 6 t^2 / U, with corrections of the relative order <e^2> / U^2
    (Bethe(), "Bethe, D = 1, D^2 / 4U", 12.0, 1.0 / 48.0),
    (Cubic(t=1.0), "cubic, t = 1, 6 t^2 / U", 60.0, 0.1),
)
WITHIN = 0.03
FILLED = (
    ("bethe", 2.0, 0.85),
    ("square", 2.0, 0.85),
    ("bethe", 3.0, 0.9),
    ("cubic", 1.5, 1.2),
)
"""Lattice of half bandwidth 1, U and n: loops by NRG at T = 1e-3."""


def run(seed: int, scale: float) -> Iterator[Row]:
    for lattice, name, U, T in NEEL[: count(len(NEEL), scale)]:
        found = dmft.neel_temperature(lattice=lattice, U=U, sites=4, seed=seed, **QUIET)
        yield Row(
            f"Neel temperature, {name}, U = {U:g}",
            found.T,
            f"{T:.4g} within 3 %",
            bool(abs(found.T / T - 1.0) < WITHIN),
        )
    for name, U, n in FILLED[: round(len(FILLED) * scale)]:
        loop = dmft.loop(
            lattice=name,
            U=U,
            beta=1000.0,
            n=n,
            solver="nrg",
            keep=500,
            twists=1,
            **QUIET,
        )
        Sigma = loop.solution.Sigma_w
        assert Sigma is not None
        level = float(np.interp(0.0, Sigma.omega, Sigma.values.real)) - loop.mu
        # the volume of the Fermi surface, that of free electrons at this level at T = 0
        volume = loop.lattice.free(level, 1e9)[0]
        yield Row.at_most(
            f"Luttinger by NRG, {name}, U = {U:g}, n = {n:g}: abs n_L / n - 1",
            abs(volume / loop.n - 1.0),
            0.01,
        )
