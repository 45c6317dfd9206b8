r"""Functions with their first two derivatives, to rounding.

A jet ``(f, f', f'')`` follows the chain rule through every operation, so that energies and specific
heats come from the formula of ln Z itself, without differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Jet", "cosh", "exp", "log", "log1p", "sinh", "sqrt", "variable"]


@dataclass(frozen=True, eq=False)
class Jet:
    """Value, first and second derivative; numbers or arrays of one shape."""

    f: Any
    d: Any
    dd: Any

    def __add__(self, other: Any) -> Jet:
        o = _jet(other)
        return Jet(self.f + o.f, self.d + o.d, self.dd + o.dd)

    __radd__ = __add__

    def __neg__(self) -> Jet:
        return Jet(-self.f, -self.d, -self.dd)

    def __sub__(self, other: Any) -> Jet:
        return self + (-_jet(other))

    def __rsub__(self, other: Any) -> Jet:
        return _jet(other) - self

    def __mul__(self, other: Any) -> Jet:
        o = _jet(other)
        return Jet(
            self.f * o.f,
            self.d * o.f + self.f * o.d,
            self.dd * o.f + 2 * self.d * o.d + self.f * o.dd,
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        o = _jet(other)
        # Relative derivatives: squares of small numbers would underflow.
        slope, inverse = o.d / o.f, 1 / o.f
        return self * Jet(inverse, -slope * inverse, (2 * slope**2 - o.dd / o.f) * inverse)

    def __rtruediv__(self, other: Any) -> Jet:
        return _jet(other) / self

    def of(self, g: Any, dg: Any, ddg: Any) -> Jet:
        """A function of this jet, given its value and derivatives at f."""
        return Jet(g, dg * self.d, ddg * self.d**2 + dg * self.dd)

    def sum(self) -> Jet:
        """Sum over all entries."""
        return Jet(*(float(np.sum(x)) for x in np.broadcast_arrays(self.f, self.d, self.dd)))

    def __getitem__(self, index: Any) -> Jet:
        parts = np.broadcast_arrays(self.f, self.d, self.dd)
        return Jet(*(x[index] for x in parts))


def _jet(x: Any) -> Jet:
    return x if isinstance(x, Jet) else Jet(x, 0.0, 0.0)


def variable(x: float, slope: float = 1.0) -> Jet:
    """The jet of ``slope * t`` where it has the value x."""
    return Jet(x, slope, 0.0)


def exp(x: Jet) -> Jet:
    """e^x."""
    e = np.exp(x.f)
    return x.of(e, e, e)


def log(x: Jet) -> Jet:
    """ln x."""
    slope = x.d / x.f
    return Jet(np.log(x.f), slope, x.dd / x.f - slope**2)


def log1p(x: Jet) -> Jet:
    """ln(1 + x), to rounding for small x."""
    return x.of(np.log1p(x.f), 1 / (1 + x.f), -1 / (1 + x.f) ** 2)


def sqrt(x: Jet) -> Jet:
    """Square root of a positive x."""
    r, slope = np.sqrt(x.f), x.d / x.f
    return Jet(r, 0.5 * r * slope, r * (0.5 * x.dd / x.f - 0.25 * slope**2))


def sinh(x: Jet) -> Jet:
    """sinh x."""
    s, c = np.sinh(x.f), np.cosh(x.f)
    return x.of(s, c, s)


def cosh(x: Jet) -> Jet:
    """cosh x."""
    s, c = np.sinh(x.f), np.cosh(x.f)
    return x.of(c, s, c)
