r"""Moments of energy and magnetisation of finite strips, by transfer of vectors.

Beside the weights of all states of a row their moments are carried from row to row,

    sum_k binomial(n, k) x^k V_{n-k}     at every row, and at every bond along the strip,

for the magnetisation and for the energy above the state in which all bonds are satisfied: its
powers are positive, and nothing cancels at low temperature. Where no configuration satisfies all
bonds, logarithms of the weights are carried at low temperature, and averages instead of moments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.lattices.ising.exact_solutions.results import Exact, specific_heat

__all__ = ["MAX_OPEN_WIDTH", "MAX_RING_WIDTH", "Rows", "cost"]

MAX_OPEN_WIDTH = 16
MAX_RING_WIDTH = 10  # a ring needs the transfer from every state of the first row
POWERS = 4  # of the magnetisation
RANGE = 600.0  # of logarithms of weights; numbers end at exp(-708)
NEVER = -1e250  # ln of a weight of zero
RowTerms: TypeAlias = tuple[FloatArray, FloatArray, float]  # energies, magnetisations, T
LinkTerms: TypeAlias = tuple[float, float, float]  # energies of equal and opposite spins, T


def cost(width: int, length: int, along: str) -> float:
    """Operations of a strip, infinite where it is too wide."""
    if width > (MAX_OPEN_WIDTH if along == "open" else MAX_RING_WIDTH):
        return math.inf
    return float(width * length * 2 ** (width if along == "open" else 2 * width))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of a square lattice.

    Parameters
    ----------
    width : int
        Sites of a row.
    T : float
        Temperature.
    J : (float, float)
        Couplings in a row and between rows.
    h : float
        Field.
    boundary : {"periodic", "open"}
        Boundary of a row.

    Examples
    --------
    >>> row = Rows(width=1, T=2.0, J=(0.0, 1.0), h=0.0, boundary="open")
    >>> print(f"{row.averages(2, 'open').e:.6f} {-math.tanh(0.5) / 2:.6f}")
    -0.231059 -0.231059
    """

    width: int
    T: float
    J: tuple[float, float]
    h: float
    boundary: str

    def averages(self, length: int, along: str) -> Exact:
        """Averages of a strip of some rows, closed to a ring or open at both ends."""
        unit = max(abs(self.J[0]), abs(self.J[1]), abs(self.h)) or 1.0
        jx, jy, h, T = (x / unit for x in (*self.J, self.h, self.T))
        width, N = self.width, self.width * length
        states = np.arange(2**width)
        spins = [2.0 * (states >> x & 1) - 1.0 for x in range(width)]
        bonds = width if self.boundary == "periodic" else width - 1
        row = np.zeros(len(states))
        for x in range(bonds):
            row += spins[x] * spins[(x + 1) % width]
        m = np.sum(spins, axis=0)
        # Energies above that of satisfied bonds and aligned spins, of a row and of a link.
        above = (abs(jx) * bonds - jx * row) + (abs(h) * width - h * m)
        same, opposite = abs(jy) - jy, abs(jy) + jy
        ring = along == "periodic"
        if ring:
            # With a field of zero the second half of the first rows is the first one turned.
            V = np.eye(len(states))[:, : len(states) // (1 if h else 2)]
        else:
            V = np.ones((len(states), 1))
        # Weights that differ by more than a number can hold: only where no state satisfies all.
        spread = 8 * width * abs(jy) + float(np.ptp(above))
        cold = spread > RANGE * T and not self._satisfied(length, along)
        transfer = _cold if cold else _warm
        log, excess, variance, m1, m2, m4 = transfer(
            V, length, ring, (above, m, T), (same, opposite, T)
        )
        twice = 1.0 if h or not ring else 2.0
        links = width * (length if ring else length - 1)
        lowest = -(abs(jx) * bonds * length + abs(jy) * links + abs(h) * N)
        return Exact(
            method=f"transfer matrix, {width} x {length}",
            T=self.T,
            sites=N,
            log_Z_per_site=(math.log(twice) + log - lowest / T) / N,
            e=unit * (lowest + excess) / N,
            c=specific_heat(variance, N, T),
            m=m1 / N if h else 0.0,
            m2=m2 / N**2,
            m4=m4 / N**4,
        )

    def _satisfied(self, length: int, along: str) -> bool:
        """Whether one configuration satisfies all bonds and the field."""
        return all(
            j >= 0 or (self.h == 0 and (edge == "open" or n % 2 == 0))
            for j, n, edge in zip(self.J, (self.width, length), (self.boundary, along), strict=True)
        )


def _warm(
    V: FloatArray, length: int, ring: bool, row: RowTerms, link: LinkTerms
) -> tuple[float, ...]:
    """ln Z, mean and variance of the energy above the satisfied one, averages m, m^2, m^4."""
    width = len(V).bit_length() - 1
    moments = np.zeros((3 + POWERS, *V.shape))
    moments[0] = V
    log = 0.0
    for _ in range(length if ring else length - 1):
        log += _at_row(moments, *row)
        _along(moments, *link, width)
    if ring:
        totals = np.trace(moments, axis1=1, axis2=2)
    else:
        log += _at_row(moments, *row)
        totals = moments.sum(axis=(1, 2))
    Z, x, x2, m1, m2, _, m4 = (float(total) for total in totals)
    mean = x / Z
    return math.log(Z) + log, mean, max(0.0, x2 / Z - mean * mean), m1 / Z, m2 / Z, m4 / Z


def _cold(
    V: FloatArray, length: int, ring: bool, row: RowTerms, link: LinkTerms
) -> tuple[float, ...]:
    """The same from logarithms of the weights, averages and a variance in place of moments."""
    (above, m, T), (same, opposite, _) = row, link
    s = m[:, None]
    width = len(V).bit_length() - 1
    ln = np.where(V > 0, 0.0, NEVER)
    mean = np.zeros((2 + POWERS, *V.shape))
    for k in range(length):
        ln = ln - above[:, None] / T
        mean[0] += above[:, None]
        lower = [np.ones(V.shape), *mean[2:].copy()]
        for n in range(1, POWERS + 1):
            mean[1 + n] = sum(math.comb(n, j) * s**j * lower[n - j] for j in range(n + 1))
        if k < length - 1 or ring:
            for site in range(width):
                ln, mean = _cold_bond(ln, mean, same, opposite, T, site)
    if ring:
        ln, mean = np.diagonal(ln), np.diagonal(mean, axis1=1, axis2=2)
    top = float(ln.max())
    weights = np.exp(ln - top).ravel()
    Z = float(weights.sum())
    mean = mean.reshape(len(mean), -1)
    x, _, m1, m2, _, m4 = (float(a) for a in mean @ weights / Z)
    variance = float((mean[1] + (mean[0] - x) ** 2) @ weights / Z)
    return math.log(Z) + top, x, variance, m1, m2, m4


def _cold_bond(
    ln: FloatArray, mean: FloatArray, same: float, opposite: float, T: float, site: int
) -> tuple[FloatArray, FloatArray]:
    """One bond from a row to the next."""
    parts = (-1, 2, 2**site * ln.shape[1])
    kept, turned = (ln.reshape(parts) - same / T, ln.reshape(parts)[:, ::-1] - opposite / T)
    new = np.logaddexp(kept, turned)
    wide = mean.reshape(len(mean), *parts)
    sides = (
        (np.exp(kept - new), wide, same),
        (np.exp(turned - new), wide[:, :, ::-1], opposite),
    )
    total = np.add(*(weight * of for weight, of, _ in sides))
    total[0] += sum(weight * cost for weight, _, cost in sides)
    total[1] += sum(weight * (of[0] + cost - total[0]) ** 2 for weight, of, cost in sides)
    return new.reshape(ln.shape), total.reshape(mean.shape)


def _at_row(V: FloatArray, above: FloatArray, m: FloatArray, T: float) -> float:
    """Weights and moments of the sites and bonds of a row; the logarithm of the scale."""
    x, s = above[:, None], m[:, None]
    V[2] += 2 * x * V[1] + x * x * V[0]
    V[1] += x * V[0]
    lower = [V[0], *V[3:]]
    for n in range(POWERS, 0, -1):
        V[2 + n] = sum(math.comb(n, k) * s**k * lower[n - k] for k in range(n + 1))
    V *= np.exp(-x / T)
    scale = float(V[0].max())
    V /= scale
    return math.log(scale)


def _along(V: FloatArray, same: float, opposite: float, T: float, width: int) -> None:
    """Weights and moments of the bonds from one row to the next."""
    p, o = math.exp(-same / T), math.exp(-opposite / T)
    shape = V.shape
    for site in range(width):
        W = V.reshape(shape[0], -1, 2, 2**site * shape[2])
        F = W[:, :, ::-1].copy()
        two = p * (W[2] + 2 * same * W[1] + same**2 * W[0])
        two += o * (F[2] + 2 * opposite * F[1] + opposite**2 * F[0])
        one = p * (W[1] + same * W[0]) + o * (F[1] + opposite * F[0])
        W *= p
        F *= o
        W += F
        W[1], W[2] = one, two
