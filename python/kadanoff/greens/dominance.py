r"""Whether a function of the data dominates a Gaussian at every real frequency.

``s(w) = sum_n a_n Re 1/(i w_n - w) + b_n Im 1/(i w_n - w) - g(w)`` is analytic around the real
axis: its poles are at +-i w_n, and g is entire. On an interval that is short against their
distance, and against the width of g, its polynomial of degree 8 through Chebyshev points agrees
with it to rounding, and the smallest of its Bernstein coefficients is a lower bound of the
polynomial on the whole interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.greens.noisy_data import Data
from kadanoff.greens.spectral_bounds import gaussian

__all__ = ["REACH", "Window", "grid", "least", "nodes", "shortfall"]

DEGREE = 8
STEP = 0.06
"""Spacing of the grid in units of the distance to the nearest Matsubara frequency."""
REACH = 1e4
"""The grid ends at this multiple of the largest Matsubara frequency and centre."""
DETAIL = 8.0
"""Points of the grid per width of the Gaussian, within TAILS widths of its centre."""
TAILS = 7.0


@dataclass(frozen=True)
class Window:
    """Plus or minus ``exp(-(w - centre)^2 / (2 width^2)) / (width sqrt(2 pi))``."""

    centre: float
    width: float
    sign: int

    def __call__(self, w: FloatArray) -> FloatArray:
        """Its values."""
        return self.sign * gaussian(w - self.centre, self.width)

    @property
    def far(self) -> float:
        """No less than the function more than TAILS widths from its centre."""
        return max(float(self(np.array([self.centre + TAILS * self.width]))[0]), 0.0)


def grid(data: Data, g: Window | None = None) -> FloatArray:
    """Frequencies: dense where the kernel of the data or the Gaussian varies, ascending."""
    lowest, highest = data.lowest, data.highest
    end = highest if g is None else max(highest, abs(g.centre) + TAILS * g.width)
    x = math.asinh(REACH * end / lowest)
    w = lowest * np.sinh(np.linspace(-x, x, 2 * math.ceil(x / STEP) + 1))
    if g is not None:
        count = int(2 * TAILS * DETAIL) + 1
        w = np.union1d(w, g.centre + g.width * np.linspace(-TAILS, TAILS, count))
    return np.asarray(w)


def shortfall(a: FloatArray, data: Data, w: FloatArray, g: Window | None = None) -> float:
    """The smallest y_0 with ``a K(x) + y_0 >= g(x)`` at every real x, checked between the w."""
    edges = nodes(w)
    s = (a @ data.kernel(edges.ravel())).reshape(edges.shape)
    if g is not None:
        middle = 0.5 * (w[1:] + w[:-1])
        near = np.abs(middle - g.centre) < TAILS * g.width
        s[near] -= g(edges[near])
        s[~near] -= g.far
    # Beyond the grid, as a polynomial in 1 / x.
    u = nodes(np.array([1.0 / w[0], 0.0, 1.0 / w[-1]]))
    tail = (a @ data.kernel_at_infinity(u.ravel())).reshape(u.shape)
    if g is not None:
        tail -= g.far
    rounding = 1e-14 * float(np.abs(a) @ data.largest)
    return rounding - min(least(s), least(tail))


def nodes(edges: FloatArray) -> FloatArray:
    """Chebyshev points of every interval between the edges, shape (intervals, 9)."""
    x = 0.5 * (1.0 - np.cos(math.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1)))
    return np.asarray(edges[:-1, None] + np.diff(edges)[:, None] * x)


def least(values: FloatArray) -> float:
    """A lower bound, over all intervals, of the polynomials with these values at the nodes.

    Parameters
    ----------
    values : array, shape (intervals, 9)
        Values at `nodes`.
    """
    return float(np.min(values @ _to_bernstein().T))


@cache
def _to_bernstein() -> FloatArray:
    """Values at the Chebyshev points of [0, 1] to coefficients in the Bernstein basis."""
    x = nodes(np.array([0.0, 1.0]))[0]
    k = np.arange(DEGREE + 1)
    binomial = np.array([math.comb(DEGREE, int(i)) for i in k])
    basis = binomial * x[:, None] ** k * (1.0 - x[:, None]) ** (DEGREE - k)
    return np.linalg.inv(basis)
