"""Bands given by numbers: a table of points or a callable."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.discretisation import MPF, Power, Side, extended_precision

__all__ = ["FunctionBand", "TabulatedBand"]


@public
@dataclass(frozen=True, init=False, repr=False)
class TabulatedBand:
    """Tabulated band, rho(w) linear between the points (w_i, rho_i) and zero outside.

    Parameters
    ----------
    w : sequence of float, shape (M,)
        Energies, strictly ascending, with the Fermi level w = 0 inside; need not be symmetric.
    rho : sequence of float, shape (M,)
        Densities, not negative. Need not be normalised: `norm` is the integral.

    Raises
    ------
    ValueError
        The lengths differ or are below 2, `w` is not strictly ascending or does not enclose 0, or
        `rho` is negative somewhere or zero everywhere.
    TypeError
        An argument is not a sequence of real numbers.

    Notes
    -----
    Moments are exact, segment by segment. The band counts as particle-hole symmetric if
    rho(w) = rho(-w) to 1e-12 of its maximum, so that rounded grids such as numpy.linspace's do.

    Examples
    --------
    >>> band = TabulatedBand([-1, 0, 1], [0, 1, 0])
    >>> band, band.norm, band.is_symmetric
    (TabulatedBand(3 points, -1 <= w <= 1), 1.0, True)
    """

    w: tuple[float, ...]
    rho: tuple[float, ...]

    def __init__(self, w: ArrayLike, rho: ArrayLike) -> None:
        object.__setattr__(self, "w", tuple(checks.array("w", w, ndim=1).tolist()))
        object.__setattr__(self, "rho", tuple(checks.array("rho", rho, ndim=1).tolist()))
        self._check()

    def _check(self) -> None:
        w, rho = np.array(self.w), np.array(self.rho)
        if w.size != rho.size or w.size < 2:
            raise ValueError(
                f"w and rho need the same length of at least 2, got {w.size} and {rho.size}"
            )
        if np.any(np.diff(w) <= 0):
            i = _first(np.diff(w) <= 0)
            raise ValueError(
                f"w must ascend strictly, but w[{i}] = {w[i]} is followed by {w[i + 1]}; "
                "sort the table, and write a step as two close points"
            )
        if np.any(rho < 0):
            i = _first(rho < 0)
            raise ValueError(f"rho must not be negative, but rho[{i}] = {rho[i]} at w = {w[i]}")
        if not np.any(rho > 0):
            raise ValueError("rho has no weight: all its values are zero")
        if not w[0] < 0.0 < w[-1]:
            raise ValueError(
                f"the Fermi level w = 0 must lie inside the table, got w from {w[0]} to {w[-1]}"
            )
        checks.half_bandwidth(self.D)

    def __repr__(self) -> str:
        return f"TabulatedBand({len(self.w)} points, {self.w[0]:g} <= w <= {self.w[-1]:g})"

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.w, self.rho))

    @property
    def D(self) -> float:
        """Largest |w| of the table."""
        return max(-self.w[0], self.w[-1])

    @cached_property
    def norm(self) -> float:
        """Integral of the density."""
        ctx = extended_precision()
        zero, D = ctx.zero, ctx.mpf(self.D)
        return float(self.moment(0, zero, D, 1) + self.moment(0, zero, D, -1))

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether rho(-w) = rho(w), to rounding of the table."""
        w, rho = np.array(self.w), np.array(self.rho)
        close = 1e-12 * np.max(rho)
        if np.all(np.abs(w + w[::-1]) <= 1e-12 * self.D):
            return bool(np.all(np.abs(rho - rho[::-1]) <= close))
        return bool(np.all(np.abs(self.density(-w) - rho) <= close))

    @cached_property
    def exponent(self) -> float | None:
        """0 if rho(0) > 0, 1 for a V-shaped zero, None for a gap on either side."""
        if self.density(0.0) > 0:
            return 0.0
        ctx = extended_precision()
        first = [next(self._pieces(ctx.zero, ctx.mpf(self.D), side, ctx)) for side in (1, -1)]
        return 1.0 if all(c1 > 0 for _, _, _, c1 in first) else None

    def density(self, w: ArrayLike) -> FloatArray:
        """rho(w), zero outside the table."""
        return np.asarray(np.interp(checks.array("w", w), self.w, self.rho, left=0.0, right=0.0))

    @cached_property
    def _segments(self) -> dict[int, list[tuple[float, float, int, int]]]:
        """Per side (u from, u to, nearer point, farther point), ascending in u = |w|."""
        w = self.w
        up = [(max(w[i], 0.0), w[i + 1], i, i + 1) for i in range(len(w) - 1) if w[i + 1] > 0.0]
        down = [(max(-w[i + 1], 0.0), -w[i], i + 1, i) for i in range(len(w) - 1) if w[i] < 0.0]
        # The line through a zero at the Fermi level must not pick up rounding: anchor it there.
        if w[up[0][2]] < 0.0 and abs(w[up[0][3]]) < abs(w[up[0][2]]):
            up[0] = (*up[0][:2], up[0][3], up[0][2])
        return {1: up, -1: down[::-1]}

    @cached_property
    def _ends(self) -> dict[int, list[float]]:
        return {side: [s[1] for s in segments] for side, segments in self._segments.items()}

    def _pieces(self, a: MPF, b: MPF, side: int, ctx: Any) -> Iterator[tuple[MPF, MPF, MPF, MPF]]:
        """(s, t, c0, c1) with rho(side u) = c0 + c1 u for s <= u <= t, covering [a, b]."""
        segments = self._segments[side]
        for start, end, near, far in segments[
            max(bisect_right(self._ends[side], float(a)) - 1, 0) :
        ]:
            if start >= b:
                return
            s, t = max(ctx.mpf(start), a), min(ctx.mpf(end), b)
            if s < t:
                w, rho = ctx.mpf(self.w[near]), ctx.mpf(self.rho[near])
                slope = (ctx.mpf(self.rho[far]) - rho) / (ctx.mpf(self.w[far]) - w)
                yield s, t, rho - slope * w, side * slope

    def moment(self, k: Power, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b u**k rho(side u) du for k = -1, 0, 1."""
        ctx = b.context
        total = ctx.zero
        for s, t, c0, c1 in self._pieces(a, b, side, ctx):
            square = (t - s) * (t + s) / 2
            if k == 0:
                total += c0 * (t - s) + c1 * square
            elif k == 1:
                total += c0 * square + c1 * (t - s) * (t * t + t * s + s * s) / 3
            else:
                total += c0 * ctx.log(t / s) + c1 * (t - s)
        return total

    def log_moment(self, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b ln(b/u) rho(side u) du."""
        ctx = b.context

        def primitive(u: MPF, c0: MPF, c1: MPF) -> MPF:
            log = ctx.log(b / u)
            return u * (c0 * (log + 1) + c1 * u * (2 * log + 1) / 4)

        pieces = self._pieces(a, b, side, ctx)
        return sum((primitive(t, *c) - primitive(s, *c) for s, t, *c in pieces), ctx.zero)

    def quantile(self, weight: MPF, a: MPF, b: MPF, side: Side) -> MPF:
        """The E in [a, b] with int_a^E rho(side u) du = weight: a quadratic equation."""
        ctx = b.context
        end = a
        for s, t, c0, c1 in self._pieces(a, b, side, ctx):
            here = (t - s) * (c0 + c1 * (t + s) / 2)
            if here >= weight:
                rho = c0 + c1 * s
                root = ctx.sqrt(max(rho * rho + 2 * c1 * weight, ctx.zero))
                return s + (2 * weight / (rho + root) if weight > 0 else ctx.zero)
            weight -= here
            end = t
        return end


def _first(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> int:
    return int(np.argmax(mask))


@public
@dataclass(frozen=True)
class FunctionBand:
    """Band with the density rho(w) of any callable.

    Parameters
    ----------
    rho : callable
        Density rho(w) >= 0 as a function of one float, called for 0 < |w| <= D. Bands are equal if
        their callables are, so keep the function (not a fresh lambda) to profit from the cache.
    D : float
        Half bandwidth, positive.

    Raises
    ------
    TypeError
        `rho` is not callable or not hashable, or `D` is not a real number.
    ValueError
        `D` is not positive; `rho` returns negative, infinite or complex values, or is zero
        everywhere; or the quadrature does not converge.

    Notes
    -----
    Moments by adaptive quadrature in ln |w|, to about 1e-12. Where rho has steps or poles,
    a TabulatedBand is exact. Particle-hole symmetry is decided by comparing rho(w) with rho(-w)
    exactly on 400 points and both sides' norms to 1e-9.

    Examples
    --------
    >>> import math
    >>> band = FunctionBand(lambda w: math.exp(-w * w), D=5.0)
    >>> round(band.norm**2, 6), band.is_symmetric
    (3.141593, True)
    """

    rho: Callable[[float], float] = field(repr=False)
    D: float = 1.0

    def __post_init__(self) -> None:
        if not callable(self.rho):
            raise TypeError(f"rho must be callable, got {self.rho!r}")
        try:
            hash(self.rho)
        except TypeError:
            raise TypeError("rho must be hashable; wrap it in a function") from None
        object.__setattr__(self, "D", checks.half_bandwidth(self.D))
        for x in self._probes:
            self._value(x)
            self._value(-x)
        if not self.norm > 0.0:
            raise ValueError("rho has no weight: its integral over [-D, D] is zero")

    def _value(self, w: float) -> float:
        value = self.rho(w)
        if isinstance(value, complex) or not (math.isfinite(rho := float(value)) and rho >= 0.0):
            raise ValueError(f"rho must be finite and not negative, got rho({w:g}) = {value!r}")
        return rho

    @cached_property
    def _probes(self) -> Sequence[float]:
        linear, log = np.linspace(0.0, 1.0, 202)[1:-1], np.geomspace(1e-12, 0.99, 200)
        return [float(x) for x in self.D * np.concatenate([linear, log])]

    def _integral(self, k: int, a: float, b: float, side: int, *, log: bool = False) -> float:
        """int_a^b u**k rho(side u) [ln(b/u)] du with u = b exp(-s)."""
        from scipy.integrate import quad  # here, because it takes longer to load than the package

        def integrand(s: float) -> float:
            u = b * math.exp(-s)
            if u == 0.0:
                return 0.0
            return float(u ** (k + 1) * self._value(side * u) * (s if log else 1.0))

        end = math.log(b / a) if a > 0.0 else math.inf
        value, error, *_ = quad(
            integrand, 0.0, end, epsabs=0, epsrel=1e-13, limit=400, full_output=1
        )
        if error > 1e-7 * abs(value) + 1e-250:
            raise ValueError(
                f"rho could not be integrated over [{side * a:g}, {side * b:g}] "
                f"(error {error:.1e} of {value:.1e}); tabulate it as a TabulatedBand"
            )
        return float(value)

    @cached_property
    def _norms(self) -> tuple[float, float]:
        return self._integral(0, 0.0, self.D, 1), self._integral(0, 0.0, self.D, -1)

    @property
    def norm(self) -> float:
        """Integral of the density."""
        return sum(self._norms)

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether rho(-w) = rho(w), at the sampled frequencies."""
        above, below = self._norms
        return abs(above - below) <= 1e-9 * self.norm and all(
            self._value(x) == self._value(-x) for x in self._probes
        )

    @cached_property
    def exponent(self) -> float | None:
        """r of rho ~ |w|**r at 1e-8 D to 1e-6 D, to four digits; None if rho is zero."""
        outer, inner = (
            self._integral(0, 0.0, x * self.D, 1) + self._integral(0, 0.0, x * self.D, -1)
            for x in (1e-6, 1e-8)
        )
        return (
            round(math.log(outer / inner) / math.log(100.0) - 1.0, 4) + 0.0 if inner > 0 else None
        )

    def density(self, w: ArrayLike) -> FloatArray:
        """rho(w), zero outside the band."""
        w = checks.array("w", w)
        values = [float(self.rho(float(x))) if abs(x) <= self.D else 0.0 for x in w.flat]
        return np.array(values).reshape(w.shape)

    def moment(self, k: Power, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b u**k rho(side u) du for k = -1, 0, 1."""
        return b.context.mpf(self._integral(k, float(a), float(b), side))

    def log_moment(self, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b ln(b/u) rho(side u) du."""
        return b.context.mpf(self._integral(0, float(a), float(b), side, log=True))

    def quantile(self, weight: MPF, a: MPF, b: MPF, side: Side) -> MPF:
        """The E in [a, b] with int_a^E rho(side u) du = weight, by Brent's method."""
        from scipy.optimize import brentq

        low, high, share = float(a), float(b), float(weight)

        def excess(E: float) -> float:
            return (self._integral(0, low, E, side) if low < E else 0.0) - share

        if excess(low) >= 0.0 or excess(high) <= 0.0:
            return a if share <= 0.0 else b
        return b.context.mpf(brentq(excess, low, high, xtol=1e-15 * low, rtol=1e-14))
