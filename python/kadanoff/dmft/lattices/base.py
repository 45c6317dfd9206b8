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

from abc import ABC, abstractmethod
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
        return self.on_array(checks.array("z", z, dtype=np.complex128), delta=False)

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
        return self.on_array(checks.array("z", z, dtype=np.complex128), delta=True)

    def on_array(self, z: ComplexArray, *, delta: bool) -> ComplexArray:
        """G(z) or Delta(z) of an array of complex numbers that is checked already."""
        flat = z.ravel()
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
        return np.asarray(np.where(below, out.conj(), out).reshape(z.shape))

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
        above, below = (self.on_array(z + 1j * x, delta=True) for x in (h, -h))
        return np.asarray((above - below) / (2j * h))
