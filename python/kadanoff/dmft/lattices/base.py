r"""Lattices of one orbital, as far as dynamical mean-field theory sees them.

A lattice enters by its density of states rho(e), normalised to one, through

    G(z) = int rho(e) / (z - e) de,        Delta(z) = z - 1 / G(z),

the local Green function without interaction and what is left of it when the orbital is taken
apart. With interaction z becomes ``z - eps - Sigma(z)``. Energies are measured from the level of
the orbital, so that the mean of rho is zero for hopping between orbitals of the same level.

Far from the band G and ``z - 1/G`` lose their digits, and Delta is summed as a continued fraction,
``Delta(z) = b_1^2 / (z - a_1 - b_2^2 / (z - a_2 - ...))``, whose coefficients belong to the
polynomials that are orthogonal with respect to rho.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray

__all__ = ["Lattice"]

FAR = 4.0
"""In units of D; beyond it LEVELS levels of the continued fraction are exact to rounding."""
LEVELS = 14
DIRECT = 2048
"""Matsubara frequencies that are summed one by one: what follows changes by 1e-3 from one to the
next, and the error of the integral is of fourth order in that."""
NODES = 24
"""Gauss points from a frequency to its double."""
HAIR = 1e-290
"""Imaginary part of a real energy in units of D: it decides on which side of a cut it lies."""


class Lattice(ABC):
    """A density of states with its Hilbert transform."""

    @property
    @abstractmethod
    def D(self) -> float:
        """Half bandwidth: half the distance of the ends of the band."""

    @property
    @abstractmethod
    def ends(self) -> tuple[float, float]:
        """Lower and upper end of the band."""

    @property
    @abstractmethod
    def is_bipartite(self) -> bool:
        """Whether the lattice has two sublattices, and with them ``rho(-e) = rho(e)``."""

    @abstractmethod
    def density(self, e: ArrayLike) -> FloatArray:
        """Density of states per spin.

        Parameters
        ----------
        e : float or array of float
            Energies.

        Returns
        -------
        array of float, shape of e
            rho(e), an inverse energy.
        """

    @abstractmethod
    def _near(self, z: ComplexArray) -> ComplexArray:
        """G(z) for Im z >= 0, within FAR half bandwidths of the middle of the band."""

    @abstractmethod
    def _quadrature(self) -> tuple[FloatArray, FloatArray]:
        """Energies and weights that integrate polynomials of degree ``2 LEVELS`` exactly."""

    @public
    def hilbert(self, z: ArrayLike) -> ComplexArray:
        """Local Green function without interaction, ``int rho(e) / (z - e) de``.

        Parameters
        ----------
        z : complex or array of complex
            Energies; a real one stands for ``z + i0``.

        Returns
        -------
        array of complex, shape of z
            G(z), an inverse energy, to 1e-12 relative.

        Raises
        ------
        ValueError, TypeError
            An energy is not finite.
        """
        return self.unchecked_hilbert(checks.array("z", z, dtype=np.complex128))

    @public
    def delta(self, z: ArrayLike) -> ComplexArray:
        """Hybridisation function without interaction, ``z - 1 / G(z)``.

        Parameters
        ----------
        z : complex or array of complex
            Energies; a real one stands for ``z + i0``.

        Returns
        -------
        array of complex, shape of z
            Delta(z), an energy.

        Raises
        ------
        ValueError, TypeError
            An energy is not finite.
        """
        return self.unchecked_delta(checks.array("z", z, dtype=np.complex128))

    def unchecked_hilbert(self, z: ComplexArray) -> ComplexArray:
        """As `hilbert`, for finite complex numbers: what a loop calls in every iteration."""
        return self._on_both_sides(z, delta=False)

    def unchecked_delta(self, z: ComplexArray) -> ComplexArray:
        """As `delta`, for finite complex numbers."""
        return self._on_both_sides(z, delta=True)

    def _on_both_sides(self, given: ComplexArray, *, delta: bool) -> ComplexArray:
        flat = given.ravel()
        below = flat.imag < 0
        # A real energy is the limit from above, which the branches of roots must see.
        above = flat.real + 1j * np.maximum(np.abs(flat.imag), HAIR * self.D)
        middle = 0.5 * sum(self.ends)
        far = np.abs(above - middle) > FAR * self.D
        out = np.empty_like(above)
        out[far] = self._fraction(above[far])
        if not delta:
            out[far] = 1.0 / (above[far] - out[far])
        if not far.all():
            G = self._near(above[~far])
            out[~far] = above[~far] - 1.0 / G if delta else G
        return np.asarray(np.where(below, out.conj(), out).reshape(given.shape))

    def _fraction(self, z: ComplexArray) -> ComplexArray:
        a, b2 = self._recurrence
        out = np.zeros_like(z)
        for n in range(LEVELS - 1, 0, -1):
            out = b2[n] / (z - a[n] - out)
        return np.asarray(a[0] + out)

    @cached_property
    def _recurrence(self) -> tuple[FloatArray, FloatArray]:
        """Levels a_n and squared hoppings b_n^2 of the orthogonal polynomials (Lanczos)."""
        e, weight = self._quadrature()
        basis = [np.sqrt(weight / np.sum(weight))]
        a, b2 = np.zeros(LEVELS), np.zeros(LEVELS)
        for n in range(LEVELS):
            v = e * basis[n]
            a[n] = v @ basis[n]
            for _ in range(2):  # twice is enough to be orthogonal
                for u in basis:
                    v -= (u @ v) * u
            if n + 1 == LEVELS:
                break
            b2[n + 1] = v @ v
            if not b2[n + 1] > 1e-28 * self.D**2:
                break  # a lattice of n + 1 levels
            basis.append(v / np.sqrt(b2[n + 1]))
        if self.is_bipartite:
            a[:] = 0.0
        return a, b2

    def free(self, level: float, beta: float) -> tuple[float, float]:
        """Occupation and energy without interaction, of both spins.

        Parameters
        ----------
        level : float
            Level of the orbitals, measured from the Fermi energy.
        beta : float
            Inverse temperature.

        Returns
        -------
        float, float
            ``2 int rho(e) f(e + level) de`` and ``2 int e rho(e) f(e + level) de``.

        Notes
        -----
        The Gauss rule of LEVELS energies, and ``T sum_n`` over the difference of both Green
        functions, which vanishes FAR half bandwidths away. To 1e-13 at any temperature.
        """
        from scipy.linalg import eigh_tridiagonal
        from scipy.special import expit

        a, b2 = self._recurrence
        e, vectors = eigh_tridiagonal(a, np.sqrt(b2[1:]))
        weight = vectors[0] ** 2
        filled = 2.0 * weight * expit(-beta * (e + level))

        def rest(w: FloatArray) -> FloatArray:
            z = np.asarray(1j * w - level, dtype=np.complex128)
            more = self.unchecked_hilbert(z) - (1.0 / (z[:, None] - e)) @ weight
            return np.asarray([more.real, (z * more).real])

        n, energy = matsubara_sum(rest, beta, (FAR + 1.0) * self.D)
        return float(np.sum(filled) + 4.0 * n), float(e @ filled + 4.0 * energy)

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """The first four moments, ``int e^k rho(e) de`` with k = 1 ... 4."""
        e, weight = self._quadrature()
        found = [float(np.sum(weight * e**k) / np.sum(weight)) for k in range(1, 5)]
        if self.is_bipartite:
            found[0] = found[2] = 0.0
        return found[0], found[1], found[2], found[3]

    @property
    def mean(self) -> float:
        """``int e rho(e) de``, which is zero for orbitals of equal level."""
        return float(self._recurrence[0][0])

    def centred(self) -> Lattice:
        """The same lattice with energies measured from its mean."""
        return self

    @property
    def delta_moments(self) -> tuple[float, float, float, float]:
        """c_0 ... c_3 of ``Delta(z) = mean + c_0 / x + c_1 / x^2 + ...`` with ``x = z - mean``."""
        a, b2 = self._recurrence
        first, second = float(a[1] - a[0]), float(a[2] - a[0])
        c, inner = float(b2[1]), float(b2[2])
        return (
            c,
            c * first,
            c * (first**2 + inner),
            c * (first**3 + 2.0 * first * inner + second * inner),
        )

    def derivative(self, z: ComplexArray) -> ComplexArray:
        """dDelta / dz in the upper half plane, to 1e-9, from a central difference."""
        h = 1e-5 * np.maximum(np.abs(z.imag), HAIR * self.D)
        return np.asarray(
            (self.unchecked_delta(z + 1j * h) - self.unchecked_delta(z - 1j * h)) / (2j * h)
        )


def matsubara_sum(
    function: Callable[[FloatArray], FloatArray], beta: float, most: float
) -> FloatArray:
    """``T sum_n f(w_n)`` over positive Matsubara frequencies, of a function that ends at `most`.

    Beyond DIRECT frequencies the sum is an integral by Gauss points on intervals that double,
    with the first term of Euler and Maclaurin: the function must be smooth on the scale of w.
    """
    h = 2.0 * math.pi / beta
    count = math.ceil(most / h) + 1
    one_by_one = np.asarray(h * (np.arange(min(count, DIRECT)) + 0.5), dtype=np.float64)
    total = np.sum(function(one_by_one), axis=-1) / beta
    if count <= DIRECT:
        return np.asarray(total)
    x, weight = np.polynomial.legendre.leggauss(NODES)
    first = h * DIRECT
    left = first * 2.0 ** np.arange(math.ceil(math.log2(most / first)))
    w = np.asarray(left[:, None] * (1.0 + 0.5 * (1.0 + x)), dtype=np.float64)
    integral = function(w.ravel()) @ (0.5 * left[:, None] * weight).ravel()
    step = 1e-3 * first
    ends = function(np.array([first - step, first + step]))
    slope = (ends[..., 1] - ends[..., 0]) / (2.0 * step)
    return np.asarray(total + (integral + h**2 / 24.0 * slope) / (2.0 * math.pi))
