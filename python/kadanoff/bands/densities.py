"""Bands that an impurity couples to, and their chains.

A band is a density ``rho(w)`` on ``-D <= w <= D``, w counted from the Fermi level; all are frozen
and hashable and share the protocol `Band`.

==================  =================================================  =========
band                rho(w)                                             norm
==================  =================================================  =========
FlatBand            1 / (2 D)                                          1
SemicircularBand    2 sqrt(D**2 - w**2) / (pi D**2)                    1
PowerLawBand        (1 + r) |w|**r / (2 D**(1 + r))                  1
TabulatedBand       linear between the points of a table               as given
FunctionBand        any callable                                       as given
GappedBand          another band's, zero for |w| < gap                 the rest
==================  =================================================  =========

`wilson_chain` (from `kadanoff.bands.tridiagonalisation`) normalises a band and turns it into a
`Chain`, which records the norm: V multiplies sqrt(norm), so that either rho is a normalised density
of states and V the hybridisation, or rho is -Im Delta / pi and V = 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.discretisation import MPF, SCHEMES, Band, Power, Side, Star, discretise
from kadanoff.bands.gapped import GappedBand
from kadanoff.bands.tabulated import FunctionBand, TabulatedBand
from kadanoff.bands.tridiagonalisation import A_Lambda, Chain, wilson_chain

__all__ = [
    "SCHEMES",
    "A_Lambda",
    "Band",
    "Chain",
    "FlatBand",
    "FunctionBand",
    "GappedBand",
    "PowerLawBand",
    "SemicircularBand",
    "Star",
    "TabulatedBand",
    "discretise",
    "wilson_chain",
]


class _Analytic:
    """A symmetric band whose density is normalised by its formula."""

    D: float

    @property
    def norm(self) -> float:
        """Integral of the density: 1."""
        return 1.0

    @property
    def is_symmetric(self) -> bool:
        """True: rho(-w) = rho(w)."""
        return True


class _PowerLaw(_Analytic):
    """rho = c |w|**(p - 1), p = 1 + r, c = p / (2 D**p)."""

    @property
    def exponent(self) -> float:
        raise NotImplementedError

    def _constants(self, ctx: Any) -> tuple[MPF, MPF]:
        p = 1 + ctx.mpf(self.exponent)
        return p, p / (2 * ctx.mpf(self.D) ** p)

    def density(self, w: ArrayLike) -> FloatArray:
        """rho(w), zero outside the band; infinite at w = 0 for r < 0."""
        w = np.abs(checks.array("w", w))
        p = 1.0 + self.exponent
        with np.errstate(divide="ignore"):
            rho = 0.5 * p / self.D * np.power(w / self.D, self.exponent)
        return np.asarray(np.where(w <= self.D, rho, 0.0))

    def moment(self, k: Power, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b u**k rho(side u) du for k = -1, 0, 1."""
        ctx = b.context
        p, c = self._constants(ctx)
        if k >= 0:
            return c * (b ** (p + k) - a ** (p + k)) / (p + k)
        s = p + k  # may be tiny: int u**(s-1) = a**s (exp(s ln(b/a)) - 1) / s
        log = ctx.log(b / a)
        return c * (a**s * ctx.expm1(s * log) / s if s != 0 else log)

    def log_moment(self, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b ln(b/u) rho(side u) du."""
        p, c = self._constants(b.context)
        return c * ((b**p - a**p) / p - a**p * b.context.log(b / a)) / p

    def quantile(self, weight: MPF, a: MPF, b: MPF, side: Side) -> MPF:
        """The E in [a, b] with int_a^E rho(side u) du = weight."""
        p, c = self._constants(b.context)
        return (a**p + p * weight / c) ** (1 / p)


@public
@dataclass(frozen=True)
class FlatBand(_PowerLaw):
    """Flat band, rho(w) = 1 / (2 D) for |w| <= D.

    Parameters
    ----------
    D : float
        Half bandwidth, positive; the unit of energy if it is left at 1.

    Raises
    ------
    TypeError, ValueError
        `D` is not a positive number.

    Examples
    --------
    >>> FlatBand().density([0.0, 2.0])
    array([0.5, 0. ])
    """

    D: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "D", checks.half_bandwidth(self.D))

    @property
    def exponent(self) -> float:
        """0: the density is finite at the Fermi level."""
        return 0.0

    @property
    def is_flat(self) -> bool:
        """True: the chain has Wilson's closed form at z = 1."""
        return True


@public
@dataclass(frozen=True)
class PowerLawBand(_PowerLaw):
    """Power-law band, rho(w) = (1 + r) |w|**r / (2 D**(1 + r)) for |w| <= D.

    The density has a pseudogap at the Fermi level for r > 0 and diverges there for r < 0.

    Parameters
    ----------
    r : float
        Exponent, above -1 and at most 10.
    D : float
        Half bandwidth, positive.

    Raises
    ------
    TypeError, ValueError
        An argument is not a number, or out of range.

    References
    ----------
    C. Gonzalez-Buxton, K. Ingersent, Phys. Rev. B 57, 14254 (1998),
    doi:10.1103/PhysRevB.57.14254.

    Examples
    --------
    >>> PowerLawBand(1.0).density([0.0, 0.5])
    array([0. , 0.5])
    """

    r: float
    D: float = 1.0

    def __post_init__(self) -> None:
        hint = "at r <= -1 the density has no norm"
        object.__setattr__(self, "r", checks.real("r", self.r, above=-1, most=10, hint=hint))
        object.__setattr__(self, "D", checks.half_bandwidth(self.D))

    @property
    def exponent(self) -> float:
        """The r of rho ~ |w|**r."""
        return self.r


@public
@dataclass(frozen=True)
class SemicircularBand(_Analytic):
    """Semicircular band of the Bethe lattice, rho(w) = 2 sqrt(D**2 - w**2) / (pi D**2).

    Parameters
    ----------
    D : float
        Half bandwidth, positive.

    Raises
    ------
    TypeError, ValueError
        `D` is not a positive number.

    Examples
    --------
    >>> SemicircularBand().density(0.0).round(6)
    np.float64(0.63662)
    """

    D: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "D", checks.half_bandwidth(self.D))

    @property
    def exponent(self) -> float:
        """0: the density is finite at the Fermi level."""
        return 0.0

    def density(self, w: ArrayLike) -> FloatArray:
        """rho(w), zero outside the band."""
        x = checks.array("w", w) / self.D
        return np.asarray(2.0 / (math.pi * self.D) * np.sqrt(np.maximum((1.0 - x) * (1.0 + x), 0)))

    def moment(self, k: Power, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b u**k rho(side u) du for k = -1, 0, 1."""
        ctx, D = b.context, b.context.mpf(self.D)
        a, b = a / D, b / D
        A, B = ctx.sqrt((1 - a) * (1 + a)), ctx.sqrt((1 - b) * (1 + b))
        if k == 0:
            # with B**2 - A**2 = a**2 - b**2 no small difference of large numbers is left
            return (b * B - a * A + ctx.asin(b) - ctx.asin(a)) / ctx.pi
        drop = (b - a) * (b + a) / (A + B)  # A - B
        if k == 1:
            return 2 * D * drop * (A * A + A * B + B * B) / (3 * ctx.pi)
        return 2 / (ctx.pi * D) * (ctx.log(b / a * (1 + A) / (1 + B)) - drop)

    def _ramp(self, x: MPF) -> MPF:
        """int_0^x Phi(u) du/u for D = 1, Phi(u) = (u sqrt(1 - u**2) + asin u) / pi.

        int asin(u)/u = theta ln(2 u) + Cl_2(2 theta) / 2 with theta = asin u.
        """
        ctx = x.context
        theta = ctx.asin(x)
        clausen = ctx.clsin(2, 2 * theta) if x < 1 else ctx.zero
        straight = (x * ctx.sqrt((1 - x) * (1 + x)) + theta) / 2
        return (straight + theta * ctx.log(2 * x) + clausen / 2) / ctx.pi

    def log_moment(self, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b ln(b/u) rho(side u) du = int_a^b Phi(u) du/u - Phi(a) ln(b/a)."""
        ctx, D = b.context, b.context.mpf(self.D)
        below = self.moment(0, ctx.zero, a, side)
        return self._ramp(b / D) - self._ramp(a / D) - below * ctx.log(b / a)

    def quantile(self, weight: MPF, a: MPF, b: MPF, side: Side) -> MPF:
        """The E in [a, b] with int_a^E rho(side u) du = weight, by Newton's method.

        Phi is concave, so from the left end the iterates rise to the root monotonically.
        """
        ctx, D = b.context, b.context.mpf(self.D)
        E = a
        for _ in range(200):
            slope = 2 * ctx.sqrt((D - E) * (D + E)) / (ctx.pi * D * D)
            step = (weight - self.moment(0, a, E, side)) / slope
            E = min(E + step, b)
            if abs(step) <= 1000 * ctx.eps * E or b == E:
                break
        return E
