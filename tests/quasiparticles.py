"""Quasiparticles of a dot from its lowest levels: renormalised level and width."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import kadanoff as kd

SHELLS_FROM_THE_END = 6
"""The last shells have the rounding of the longest iteration, the earlier ones T / T*."""


@dataclass(frozen=True)
class Quasiparticles:
    """A resonant level without repulsion that has the one-particle levels of the dot.

    Attributes
    ----------
    eps, Gamma : float
        Renormalised level and width: Z times (eps + Re Sigma(0)) and Gamma.
    """

    eps: float
    Gamma: float

    @property
    def phase_shift(self) -> float:
        """Of the electrons at the Fermi energy, ``cot(delta) = eps / Gamma``."""
        return math.atan2(self.Gamma, self.eps)

    @property
    def T_star(self) -> float:
        """``1 / (4 chi_uu)``, chi_uu being the density of quasiparticles at the Fermi energy."""
        return math.pi * self.Gamma / (4 * math.sin(self.phase_shift) ** 2)

    @property
    def logarithmic_slope(self) -> float:
        """``A'(0) / A(0)`` of the spectral function: ``sin(2 delta) / Gamma``."""
        return math.sin(2 * self.phase_shift) / self.Gamma


def quasiparticles(dot: kd.AndersonModel, *, keep: int) -> Quasiparticles:
    """From the lowest excitations with one electron more and one less, at the last shells.

    A. C. Hewson, A. Oguri, D. Meyer, Eur. Phys. J. B 40, 177 (2004),
    doi:10.1140/epjb/e2004-00256-0. The levels of a resonant level at the end of a chain with the
    Green function g(E) obey ``E = eps + V^2 g(E)``; two of them determine eps and V^2.
    """
    run = kd.nrg.solve(
        dot,
        Lambda=2.5,
        keep=keep,
        z=(1.0,),
        T_min=1e-9,
        observables=(),
        errors=False,
        threads=1,
        progress=False,
    )
    n = run.levels[0].shells - SHELLS_FROM_THE_END
    labels, _, energies = run.levels[0].shell(n)
    change = labels - labels[0]
    E = np.array(
        [s * energies[(change == [s, 1]).all(axis=1)][0] for s in (1, -1)]  # +-1 charge, spin 1/2
    )
    hopping = run.chain.hopping[:n]
    levels, vectors = np.linalg.eigh(
        np.diag(run.chain.onsite[: n + 1]) + np.diag(hopping, 1) + np.diag(hopping, -1)
    )
    g = np.array([np.sum(vectors[0] ** 2 / (e - levels)) for e in E])
    eps, V2 = np.linalg.solve(np.stack([np.ones(2), g], axis=1), E)
    return Quasiparticles(float(eps), math.pi * float(dot.band.density(0.0)) * float(V2))
