"""Results of exact solutions, and checks of their arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public

__all__ = ["Exact", "lengths", "pair", "ratio", "scaled", "specific_heat", "temperature", "units"]


@public
@dataclass(frozen=True, kw_only=True)
class Exact:
    """Exact averages of an Ising model; averages that a method does not give are None.

    Parameters
    ----------
    method : str
        Name of the solution.
    T : float
        Temperature in the units of J, k_B = 1.
    sites : float
        Number of spins, infinite for the bulk.
    log_Z_per_site : float
        Logarithm ln Z / N of the partition function, per site.
    e : float
        Energy per site, in the units of J.
    c : float
        Specific heat per site, ``<(E - <E>)^2> / (N T^2)``; infinite at a critical point.
    m : float, optional
        <M> / N; in the bulk without a field the spontaneous magnetisation.
    abs_m, m2, m4 : float, optional
        <|M|> / N, <M^2> / N^2, <M^4> / N^4.
    xi : float, optional
        Correlation length in lattice constants.

    Examples
    --------
    >>> from kadanoff import ising
    >>> bulk = ising.exact(None, 2.0)
    >>> print(f"{bulk.e:.6f} {bulk.c:.6f} {bulk.m:.6f}")
    -1.745565 0.724871 0.911319
    """

    method: str
    T: float
    sites: float
    log_Z_per_site: float
    e: float
    c: float
    m: float | None = None
    abs_m: float | None = None
    m2: float | None = None
    m4: float | None = None
    xi: float | None = None

    def __repr__(self) -> str:
        averages = {
            "f": self.f,
            "e": self.e,
            "c": self.c,
            "m": self.m,
            "abs_m": self.abs_m,
            "xi": self.xi,
        }
        known = ", ".join(f"{name}={x:.6g}" for name, x in averages.items() if x is not None)
        return f"Exact({self.method}, T={self.T:.6g}, {known})"

    @property
    def log_Z(self) -> float:
        """ln Z of the whole lattice."""
        return self.log_Z_per_site * self.sites

    @property
    def f(self) -> float:
        """Free energy per site, -T ln Z / N."""
        return -self.T * self.log_Z_per_site

    @property
    def s(self) -> float:
        """Entropy per site, ``(e - f) / T``."""
        return self.log_Z_per_site + self.e / self.T

    @property
    def binder(self) -> float | None:
        """``1 - <M^4> / (3 <M^2>^2)``."""
        if self.m2 is None or self.m4 is None:
            return None
        return 1 - self.m4 / (3 * self.m2**2)

    @property
    def chi(self) -> float | None:
        """``(<M^2> - <M>^2) / (N T)``."""
        if self.m2 is None or self.m is None:
            return None
        return self.sites * (self.m2 - self.m**2) / self.T


def temperature(T: object) -> float:
    """A positive finite temperature."""
    return checks.real("T", T, above=0)


def pair(name: str, value: object, *, count: int = 2) -> tuple[float, ...]:
    """A number for each axis, or one for all."""
    if isinstance(value, tuple | list | np.ndarray):
        if len(value) != count:
            raise ValueError(f"{name} must be a number or {count} of them, got {value!r}")
        return tuple(checks.real(f"{name}[{i}]", x) for i, x in enumerate(value))
    return (checks.real(name, value),) * count


def lengths(L: object, *, most: int) -> tuple[int, int]:
    """(Lx, Ly) from an integer or a pair."""
    if isinstance(L, tuple | list):
        if len(L) != 2:
            raise ValueError(f"L must be an integer or a pair (Lx, Ly), got {L!r}")
        found = checks.whole("Lx", L[0]), checks.whole("Ly", L[1])
    else:
        n = checks.whole("L", L)
        found = n, n
    if max(found) > most:
        raise ValueError(f"lengths L must be at most {most}, got {found[0]} x {found[1]}")
    return found


def scaled(x: float, exponent: int) -> float:
    """``x 2^exponent``, which may overflow to infinity."""
    try:
        return math.ldexp(x, exponent)
    except OverflowError:
        return math.copysign(math.inf, x)


def units(couplings: tuple[float, float], T: float) -> tuple[tuple[float, float], float, int]:
    """Couplings and T over ``2^exponent``, and the exponent, such that the larger one is near 1.

    Squares of energies stay finite then, and a power of two leaves all digits as they are.
    """
    _, exponent = math.frexp(max(abs(j) for j in couplings))
    x, y = (scaled(j, -exponent) for j in couplings)
    return (x, y), scaled(T, -exponent), exponent


def specific_heat(curvature: float, sites: float, T: float) -> float:
    """``d^2 ln Z / d(1/T)^2 / (N T^2)``; 0 for a curvature that is negative by rounding."""
    # T^2 may underflow, where nothing is excited, or overflow.
    if curvature <= 0:
        return 0.0
    divisor = sites * T * T
    return curvature / divisor if math.isfinite(divisor) else curvature / T / T / sites


def ratio(name: str, x: float, T: float) -> float:
    """x / T, refused where it overflows."""
    k = x / T if abs(x) < 1e300 and T > 1e-300 else math.copysign(math.inf, x) if x else 0.0
    if not math.isfinite(k):
        raise ValueError(f"{name} / T must be finite, got {name} = {x}, T = {T}: raise T")
    return k
