r"""Lattices from numbers: a table of the density of states, or the energies on a mesh of k.

A table is taken as its linear interpolant, whose Green function is a sum over segments,

    int (r + s (e - c)) / (z - e) de  =  (r + s (z - c)) ln[(z - e_1) / (z - e_2)] - s h

with the middle c, the width h, the mean r and the slope s of the segment. Where the logarithm and
the last term cancel, more than a few widths away, four Gauss points are exact to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.lattices.base import LEVELS, Lattice

__all__ = ["Dispersion", "Tabulated"]

CLOSE = 16.0
"""Distance in widths of a segment below which its integral is taken in closed form."""
NODES = 4
"""Gauss points of a segment that is further away: the error is 1e-17 at CLOSE widths."""
STEP = 40.0
"""Temperatures from the Fermi energy beyond which its step is 0 or 1 to rounding."""
NODES_OF_STEP = 10
"""Gauss points per half a temperature, for the Fermi function to rounding."""
SYMMETRIC = 1e-9
CHUNK = 2**21
"""Numbers of an intermediate array: 32 MiB of complex numbers."""


def _summed(e: FloatArray, weight: FloatArray, z: ComplexArray) -> ComplexArray:
    """``sum_i weight_i / (z - e_i)``, in pieces that fit into memory."""
    out = np.empty_like(z)
    size = max(1, CHUNK // e.size)
    for first in range(0, z.size, size):
        part = slice(first, first + size)
        out[part] = (1.0 / (z[part, None] - e)) @ weight
    return out


def gauss_points(e: FloatArray, weight: FloatArray, points: int) -> tuple[FloatArray, FloatArray]:
    """Gauss points of a discrete measure, by the recurrence of Lanczos.

    Rounding makes copies of converged points, whose weights add up: for resolvents the rule is as
    good as in exact arithmetic (A. Greenbaum, Linear Algebra Appl. 113, 7 (1989),
    doi:10.1016/0024-3795(89)90285-1).
    """
    from scipy.linalg import eigh_tridiagonal

    v = np.sqrt(weight / np.sum(weight))
    before, b = np.zeros_like(v), 0.0
    diagonal, beside = np.zeros(points), np.zeros(points)
    for n in range(points):
        u = e * v - b * before
        diagonal[n] = u @ v
        u -= diagonal[n] * v
        b = float(np.sqrt(u @ u))
        beside[n] = b
        before, v = v, u / b
    levels, vectors = eigh_tridiagonal(diagonal, beside[:-1])
    return np.asarray(levels), np.asarray(vectors[0] ** 2) * float(np.sum(weight))


@public
@dataclass(frozen=True, eq=False)
class Tabulated(Lattice):
    """A lattice from a table of its density of states, linear between the points.

    Parameters
    ----------
    e : array of float, shape (N,)
        Energies, ascending, measured from the level of the orbital.
    rho : array of float, shape (N,)
        Density of states per spin at `e`, not negative; it is normalised to one.

    Raises
    ------
    ValueError
        The energies do not ascend, the shapes differ, rho is negative somewhere or has no weight.
    TypeError
        An argument is of the wrong kind.

    Examples
    --------
    >>> lattice = Tabulated([-1.0, 1.0], [1.0, 1.0])
    >>> print(lattice.hilbert(0.0).imag.round(6))  # -pi / 2
    -1.570796
    """

    e: FloatArray
    rho: FloatArray

    def __post_init__(self) -> None:
        e = checks.array("e", self.e, ndim=1)
        rho = checks.array("rho", self.rho, ndim=1)
        if e.shape != rho.shape:
            raise ValueError(f"e and rho must have the same length, got {e.size} and {rho.size}")
        if e.size < 2 or np.min(np.diff(e)) <= 0:
            raise ValueError("e must hold at least two ascending energies")
        if np.min(rho) < 0:
            at = int(np.argmin(rho))
            raise ValueError(f"rho must not be negative, got {rho[at]:g} at e = {e[at]:g}")
        total = float(np.trapezoid(rho, e))
        if not total > 0:
            raise ValueError("rho must have weight: its integral is zero")
        object.__setattr__(self, "e", checks.array("e", e, frozen=True))
        object.__setattr__(self, "rho", checks.array("rho", rho / total, frozen=True))

    def __repr__(self) -> str:
        return f"Tabulated({self.e.size} energies, {self.e[0]:g} <= e <= {self.e[-1]:g})"

    @property
    def D(self) -> float:
        """Half bandwidth: half the distance of the first and last energy."""
        return 0.5 * float(self.e[-1] - self.e[0])

    @property
    def ends(self) -> tuple[float, float]:
        """First and last energy."""
        return float(self.e[0]), float(self.e[-1])

    @cached_property
    def is_bipartite(self) -> bool:
        """Whether ``rho(-e) = rho(e)`` in the table."""
        close = SYMMETRIC * self.D
        return bool(
            np.allclose(self.e, -self.e[::-1], rtol=0, atol=close)
            and np.allclose(self.rho, self.rho[::-1], rtol=0, atol=SYMMETRIC / self.D)
        )

    @public
    def density(self, e: ArrayLike) -> FloatArray:
        """Density of states per spin, zero outside the table.

        Parameters
        ----------
        e : float or array of float
            Energies.

        Returns
        -------
        array of float, shape of e
            rho(e), an inverse energy.

        Raises
        ------
        ValueError, TypeError
            An energy is not finite.
        """
        x = checks.array("e", e)
        return np.asarray(np.interp(x, self.e, self.rho, left=0.0, right=0.0))

    def centred(self) -> Lattice:
        """The same lattice with energies measured from its mean."""
        return self if self.is_bipartite else Tabulated(self.e - self.mean, self.rho)

    def free(self, level: float, beta: float) -> tuple[float, float]:
        """Occupation and energy without interaction, see `Lattice.free`.

        The density of states is linear, and the Fermi function smooth, between the points of the
        table and points around the Fermi energy that are half a temperature apart.
        """
        from scipy.special import expit

        around = -level + np.linspace(-STEP, STEP, 4 * int(STEP) + 1) / beta
        inside = (around > self.e[0]) & (around < self.e[-1])
        edges = np.union1d(self.e, around[inside])
        x, weight = np.polynomial.legendre.leggauss(NODES_OF_STEP)
        h = 0.5 * np.diff(edges)[:, None]
        e = 0.5 * (edges[1:] + edges[:-1])[:, None] + h * x
        filled = 2.0 * h * weight * np.interp(e, self.e, self.rho) * expit(-beta * (e + level))
        return float(np.sum(filled)), float(np.sum(e * filled))

    @cached_property
    def _gauss(self) -> tuple[FloatArray, FloatArray]:
        return self._nodes(NODES)

    def _nodes(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Gauss points of every segment, shape (N - 1, count)."""
        x, weight = np.polynomial.legendre.leggauss(count)
        h = np.diff(self.e)
        e = 0.5 * (self.e[1:] + self.e[:-1])[:, None] + 0.5 * h[:, None] * x
        return e, 0.5 * h[:, None] * weight * np.interp(e, self.e, self.rho)

    def _near(self, z: ComplexArray) -> ComplexArray:
        # With M Gauss points of the whole density 1 / (z - e) is exact to exp(-2 M Im z / D).
        points = math.ceil(19.0 * self.D / float(np.min(z.imag)))
        if 4 * points < self.e.size:
            return _summed(*self._few(points), z)
        e, weight = self._gauss
        out = _summed(e.ravel(), weight.ravel(), z)
        left, right = self.e[:-1], self.e[1:]
        h, middle = right - left, 0.5 * (left + right)
        mean, slope = 0.5 * (self.rho[1:] + self.rho[:-1]), np.diff(self.rho) / h
        # Segments that are close: a few, found by their energies.
        size = max(1, CHUNK // h.size)
        for first in range(0, z.size, size):
            some = z[first : first + size]
            i, j = np.nonzero(np.abs(some[:, None] - middle) < CLOSE * h)
            if not i.size:
                continue
            x = some[i]
            with np.errstate(divide="ignore", invalid="ignore"):
                log = np.log((x - left[j]) / (x - right[j]))
                # Above the cut of the logarithm: its imaginary part is in [-pi, 0].
                log = np.where(log.imag > 0, log.conj(), log)
                exact = (mean[j] + slope[j] * (x - middle[j])) * log - slope[j] * h[j]
                rough = np.sum(weight[j] / (x[:, None] - e[j]), axis=1)
                change = exact - rough
            np.add.at(out, first + i, np.where(np.isfinite(change), change, 0.0))
        return out

    def _few(self, points: int) -> tuple[FloatArray, FloatArray]:
        """Gauss points of the whole density, rounded up to a power of two and kept."""
        points = 1 << (points - 1).bit_length()
        kept: dict[int, tuple[FloatArray, FloatArray]] = self.__dict__.setdefault("_kept", {})
        if points not in kept:
            e, weight = self._gauss
            kept[points] = gauss_points(e.ravel(), weight.ravel(), points)
        return kept[points]

    def _quadrature(self) -> tuple[FloatArray, FloatArray]:
        e, weight = self._nodes(LEVELS + 2)
        return e.ravel(), weight.ravel()


@public
@dataclass(frozen=True, eq=False)
class Dispersion(Lattice):
    """A lattice from its band energies on a mesh of wave vectors.

    The local Green function is a sum of as many poles: it holds for ``Im z`` above the distance of
    neighbouring energies, as at Matsubara frequencies, and not on the real axis.

    Parameters
    ----------
    energies : array of float, any shape
        eps(k) at wave vectors of equal weight, measured from the level of the orbital.
    weights : array of float, same shape, optional
        Weights of the wave vectors; they are normalised to one.

    Raises
    ------
    ValueError
        Fewer than two different energies, another shape or a negative sum of weights.
    TypeError
        An argument is of the wrong kind.

    Examples
    --------
    >>> k = 2 * np.pi * (np.arange(64) + 0.5) / 64
    >>> chain = Dispersion(-np.cos(k))
    >>> print(chain.hilbert(1j).imag.round(6), round(-1 / np.sqrt(2), 6))
    -0.707107 -0.707107
    """

    energies: FloatArray
    weights: FloatArray | None = None

    def __post_init__(self) -> None:
        e = checks.array("energies", self.energies).ravel()
        if self.weights is None:
            weight = np.full(e.size, 1.0)
        else:
            weight = checks.array("weights", self.weights).ravel()
            if weight.size != e.size:
                raise ValueError(
                    f"weights must have one entry per energy, {e.size}, got {weight.size}"
                )
            if weight.size and np.min(weight) < 0:
                raise ValueError(f"weights must not be negative, got {np.min(weight):g}")
        if e.size < 2 or not np.ptp(e) > 0:
            raise ValueError("energies must hold at least two different numbers")
        if not np.sum(weight) > 0:
            raise ValueError("weights must not all be zero")
        # Energies of equivalent wave vectors are equal up to rounding: one pole.
        order = np.argsort(e, kind="stable")
        e, weight = e[order], weight[order]
        new = np.diff(e) > 1e-13 * np.max(np.abs(e))
        first = np.concatenate([[0], np.flatnonzero(new) + 1])
        levels, total = e[first], np.add.reduceat(weight, first)
        object.__setattr__(self, "energies", checks.array("energies", levels, frozen=True))
        object.__setattr__(
            self, "weights", checks.array("weights", total / np.sum(total), frozen=True)
        )

    def __repr__(self) -> str:
        low, high = self.ends
        return f"Dispersion({self.energies.size} energies, {low:g} <= e <= {high:g})"

    @property
    def D(self) -> float:
        """Half bandwidth: half the distance of the lowest and highest energy."""
        return 0.5 * float(self.energies[-1] - self.energies[0])

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest energy."""
        return float(self.energies[0]), float(self.energies[-1])

    @cached_property
    def is_bipartite(self) -> bool:
        """Whether the energies come in pairs e, -e of equal weight."""
        assert self.weights is not None
        close = SYMMETRIC * self.D
        mirrored = -self.energies[::-1]
        return bool(
            np.allclose(self.energies, mirrored, rtol=0, atol=close)
            and np.allclose(self.weights, self.weights[::-1], rtol=1e-6, atol=0)
        )

    @public
    def density(self, e: ArrayLike) -> FloatArray:
        """Density of states per spin, as a histogram of the energies.

        Parameters
        ----------
        e : float or array of float
            Energies.

        Returns
        -------
        array of float, shape of e
            rho(e), an inverse energy, in bins that hold about twenty energies.

        Raises
        ------
        ValueError, TypeError
            An energy is not finite.
        """
        x = checks.array("e", e)
        bins = max(1, min(self.energies.size // 20, 1000))
        height, edges = np.histogram(self.energies, bins=bins, weights=self.weights, density=True)
        at = np.searchsorted(edges, x, side="right") - 1
        inside = (at >= 0) & (at < bins)
        return np.asarray(np.where(inside, height[np.clip(at, 0, bins - 1)], 0.0))

    def centred(self) -> Lattice:
        """The same lattice with energies measured from its mean."""
        return self if self.is_bipartite else Dispersion(self.energies - self.mean, self.weights)

    def free(self, level: float, beta: float) -> tuple[float, float]:
        """Occupation and energy without interaction, see `Lattice.free`: sums over energies."""
        from scipy.special import expit

        assert self.weights is not None
        filled = 2.0 * self.weights * expit(-beta * (self.energies + level))
        return float(np.sum(filled)), float(self.energies @ filled)

    def _near(self, z: ComplexArray) -> ComplexArray:
        assert self.weights is not None
        return _summed(self.energies, self.weights, z)

    def _quadrature(self) -> tuple[FloatArray, FloatArray]:
        assert self.weights is not None
        return self.energies, self.weights
