r"""The narrow resonance at the end of the metal, as a problem of its own.

At the end of the metal at T = 0 the resonance of Delta(w) has a width w_0 and a weight V^2, both
far below the gap around it. On the scale w_0 the impurity in its insulating bath is a spin 1/2,
which the resonance couples to by the exchange

    J = 4 gamma V^2 / t,   t = D / 2,   gamma = t G_up(w = 0)  in the ground state with spin up,

of second order in V, exact as w_0 goes to zero. All that the high energies say is this number, the
vertex gamma (of an atom: 2 t / U). The resonance of G is the t-matrix of the Kondo model divided by
V^2, and the loop Delta = t^2 G closes on it. Heights are fixed, t, whereas w_0 is arbitrary: a step
multiplies it by a factor that depends on gamma alone. The factor is one at the critical vertex.
There the weight returns to itself,

    1 = 4 gamma^2 kappa,   kappa = <{O, O^+}> = 3/4 - 2 <S . s_0>,   O_s = (S . sigma f_0)_s,

so that the critical vertex follows from a static average in the ground state, for which nothing is
broadened: the broadening enters through the shape of the resonance alone. One bath level instead of
the resonance has <S . s_0> = -3/4 and gamma = 1/3, which is the linearised DMFT: U = 3 D with
gamma = 2 t / U.

The self-energy of f_0, F / G with F = <<O; f_0^+>>, gives ``w - Sigma = V^2 G / F`` of the
impurity, from which the lattice's Delta follows without the oscillation of Delta = t^2 G at w = 0.

Whole loops by the NRG (D = 1, beta = 1e6) have the same factor with the errors of the high energies
in it, the broadening of the insulator above all. The logarithm of the factor at Z = 1e-3, and U_c2
where it vanishes:

    Lambda  keep  twists  U = 2.85    2.90    2.95    3.00    3.05   U_c2
    2       1000  1           0.130   0.067   0.001  -0.065  -0.131  2.951
    2       2000  1           0.109   0.043  -0.022  -0.087  -0.151  2.933
    2.5      600  1           0.128   0.066   0.004  -0.061  -0.126  2.953
    2.5     1200  1           0.099   0.037  -0.025  -0.087  -0.138  2.930
    2.5      600  2           0.091   0.056   0.022  -0.031  -0.087  2.971
    3        600  1           0.118   0.053  -0.011  -0.075  -0.138  2.942
    3       1200  1           0.132   0.074   0.022  -0.043  -0.112  2.967

These scatter without a trend in Lambda or keep: 2.95(2). Loops that end (Lambda = 3, keep = 600,
tolerance 1e-3) have Z = 0.073, 0.048, 0.027, 0.017, 0.008, 0.004 at U = 2.6, 2.7, 2.8, 2.85, 2.9,
2.92, a straight line to 2.945; other settings have up to a fifth more at U = 2.7 and two fifths
more at 2.85.

References
----------
G. Moeller, Q. Si, G. Kotliar, M. Rozenberg, D. S. Fisher, Phys. Rev. Lett. 74, 2082 (1995),
doi:10.1103/PhysRevLett.74.2082: the projection onto low energies.
R. Bulla, M. Potthoff, doi:10.48550/arXiv.cond-mat/9905075: one bath level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from kadanoff._base.errors import NotConverged
from kadanoff._base.running import Run
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.tabulated import TabulatedBand
from kadanoff.dmft.lattices import Bethe
from kadanoff.greens.kramers_kronig import hilbert
from kadanoff.impurities.models import KondoModel
from kadanoff.impurities.nrg import dynamics
from kadanoff.impurities.nrg.broadening import broaden

__all__ = ["ONE_LEVEL", "Discretisation", "Resonance", "critical_resonance"]

ONE_LEVEL = 1.0 / 3.0
"""The critical vertex with one bath level instead of the resonance."""
T = 1e-3
"""Temperature in units of w_0; at a tenth of it the vertex differs by 1e-5."""
REACH = 8.0
"""Largest frequency in units of w_0; of 6 and 8 the vertex differs by 1e-4, of 8 and 10 by 2e-5."""
WEIGHT = 0.5
"""V^2 in units of t w_0, that of a semicircle of half width w_0."""
EMPTY = 1e-9
SETTLED = 1e-4
"""Change of the vertex per step at which a loop ends."""
MIN_STEPS, MAX_STEPS = 5, 25


@dataclass(frozen=True)
class Discretisation:
    """What the numbers depend on, and should not.

    Attributes
    ----------
    Lambda : float
        Parameter of the logarithmic discretisation.
    keep : int
        Number of states kept.
    twists : int
        Number of twisted discretisations.
    broadening : float
        Width of the log-Gaussian.
    shift : float
        Where the first twist lies, in units of their distance, above 0 and up to 1.
    """

    Lambda: float
    keep: int
    twists: int
    broadening: float
    shift: float = 1.0

    @property
    def options(self) -> dict[str, Any]:
        """Options of the NRG."""
        z = tuple((np.arange(self.twists) + self.shift) / self.twists)
        return {"Lambda": self.Lambda, "keep": self.keep, "z": z}


@dataclass(frozen=True, eq=False)
class Resonance:
    """A resonance that a step of the loop returns, in units of t and w_0.

    Attributes
    ----------
    w, density : array, shape (n,)
        Frequencies and -Im Delta / pi.
    vertex : float
        gamma at which the weight returns to itself.
    steps : int
        Number of steps.
    growth : float
        Weight of the broadened Delta after the last step over that before: one without broadening.
    change : float
        Change of the vertex in the last step.
    """

    w: FloatArray
    density: FloatArray
    vertex: float
    steps: int = 0
    growth: float = math.nan
    change: float = math.inf

    @classmethod
    def semicircle(cls) -> Resonance:
        """A start, with the vertex of one level."""
        corner = REACH / 16.0
        low = np.geomspace(0.3 * T, corner, math.ceil(60 * math.log10(corner / (0.3 * T))))
        half = np.concatenate([low, np.linspace(corner, REACH, 200)[1:]])
        w = np.concatenate([-half[::-1], [0.0], half])
        density = np.sqrt(np.maximum(1.0 - w * w, 0.0)) / math.pi
        return cls(w, np.maximum(density, EMPTY), ONE_LEVEL)

    @property
    def weight(self) -> float:
        """V^2."""
        return float(np.trapezoid(self.density, self.w))

    def rescaled(self) -> FloatArray:
        """The density with w_0 such that its weight is `WEIGHT`."""
        stretched = self.w * (self.weight / WEIGHT)
        return np.maximum(
            np.interp(stretched, self.w, self.density, left=EMPTY, right=EMPTY), EMPTY
        )


def critical_resonance(
    with_: Discretisation, run: Run, start: Resonance | None = None
) -> Resonance:
    """The resonance that a step returns, and the critical vertex.

    Raises
    ------
    NotConverged
        `partial` is the last resonance.
    """
    now = Resonance.semicircle() if start is None else start
    for steps in range(1, MAX_STEPS + 1):
        new = _step(now, with_, run)
        change = abs(new.vertex - now.vertex)
        now = Resonance(now.w, new.rescaled(), new.vertex, steps, new.growth, change)
        if change < SETTLED and steps >= MIN_STEPS:  # the shape follows one step later
            return now
    raise NotConverged(
        f"the resonance has not settled in {MAX_STEPS} steps: the vertex changed by {change:.1e} "
        f"in the last one, its limit is {SETTLED:g}; keep more states, or broaden more",
        now,
    )


def _step(now: Resonance, with_: Discretisation, run: Run) -> Resonance:
    """A step of the loop; Delta is that of the lattice, the vertex that which keeps its weight."""
    w, weight = now.w, now.weight
    model = KondoModel(J=4.0 * now.vertex * weight, band=TabulatedBand(w, now.density / weight))
    f = model.space.cdag("f0", "up")
    H = reduce(add, (x * operator for _, x, operator in model.terms()))
    found = dynamics.solve(
        model,
        T=T,
        names=[],
        own={"f0": (f, f), "F": (H.commutator(f), f)},
        observables=["S_d.S_0"],
        errors=False,
        **with_.options,
        **run.quiet().keywords,
    )
    corner = REACH / 4.0
    low = np.geomspace(0.3 * T, corner, math.ceil(60 * math.log10(corner / (0.3 * T))))
    half = np.concatenate([low, np.linspace(corner, 4.0 * REACH, 150)[1:]])
    grid = np.concatenate([-half[::-1], [0.0], half])

    def completed(name: str, parity: float) -> ComplexArray:
        mesh, peaks = found.peaks(name)
        peaks = 0.5 * (peaks + parity * peaks[::-1])  # particle-hole symmetry
        there = peaks != 0.0
        A = broaden(mesh[there], peaks[there], grid, b=with_.broadening, w0=T)
        return np.interp(w, grid, hilbert(grid, A)) - 1j * math.pi * np.interp(w, grid, A)

    F = completed("F", -1.0)
    far = F == 0.0  # beyond all peaks
    zeta = weight * completed("f0", 1.0) / np.where(far, 1.0, F)
    zeta = np.where(far, w, zeta.real) + 1j * np.where(far, 0.0, np.maximum(zeta.imag, 0.0))
    density = np.maximum(-Bethe(2.0).delta(zeta + 1e-12j).imag / math.pi, EMPTY)
    density = 0.5 * (density + density[::-1])
    kappa = 0.75 - 2.0 * float(found.expectations["S_d.S_0"][0])
    growth = float(np.trapezoid(density, w)) / weight
    return Resonance(w, density, 0.5 / math.sqrt(kappa), growth=growth)
