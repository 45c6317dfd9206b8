r"""Lattices whose Green function is known in closed form.

* Bethe: ``G = 2 / (z + sqrt(z - D) sqrt(z + D))``, the semicircle.
* Square, ``e = -2 t (cos k_x + cos k_y)``: ``G = 1 / M(z, sqrt(z - D) sqrt(z + D))`` with the
  arithmetic-geometric mean M, which is the elliptic integral ``(2 / pi z) K(D / z)``.
* Simple cubic, ``e = -2 t (cos k_x + cos k_y + cos k_z)``: Joyce's form,

      z G = (1 - 9 x^4) / ((1 - x)^3 (1 + 3 x)) (2 K(m) / pi)^2,
      m = 16 x^3 / ((1 - x)^3 (1 + 3 x)),     x^2 = (v - a) / (v + b),
      v = z / D,   a = i sqrt(1/9 - v^2),   b = i sqrt(1 - v^2),

  written such that nothing cancels at z = 0.

References
----------
.. [1] E. N. Economou, Green's Functions in Quantum Physics (2006), ch. 5,
       doi:10.1007/3-540-28841-4
.. [2] G. S. Joyce, J. Phys. A 31, 5105 (1998), doi:10.1088/0305-4470/31/22/014
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.lattices.base import HAIR, LEVELS, Lattice

__all__ = ["Bethe", "Cubic", "Square"]


def _mean(a: ComplexArray, b: ComplexArray, *, opposite: bool = False) -> ComplexArray:
    """Arithmetic-geometric mean; both arguments in the closed upper half plane, or `opposite`.

    The geometric mean is the root closer to the arithmetic one, see D. A. Cox, L'Enseignement
    Math. 30, 275 (1984): in the upper half plane it is the product of the principal roots.
    """
    for _ in range(60):
        half, root = 0.5 * (a + b), np.sqrt(a) * np.sqrt(b)
        if opposite:
            root = np.where(np.abs(half - root) <= np.abs(half + root), root, -root)
        done = np.abs(half - root) <= 4e-16 * np.abs(half)
        a, b = half, root
        if done.all():
            break
    return a


@dataclass(frozen=True)
class _Symmetric(Lattice):
    """A bipartite lattice whose band ends at -D and D."""

    @property
    def ends(self) -> tuple[float, float]:
        """Lower and upper end of the band."""
        return -self.D, self.D

    @property
    def is_bipartite(self) -> bool:
        """Whether the lattice has two sublattices."""
        return True

    @public
    def density(self, e: ArrayLike) -> FloatArray:
        """Density of states per spin, zero outside the band.

        Parameters
        ----------
        e : float or array of float
            Energies.

        Returns
        -------
        array of float, shape of e
            rho(e), an inverse energy; above 100 / D at a van Hove point where it diverges.

        Raises
        ------
        ValueError, TypeError
            An energy is not finite.
        """
        x = checks.array("e", e)
        rho = np.maximum(-self._near(x + 1j * HAIR * self.D).imag / math.pi, 0.0)
        return np.asarray(np.where(np.abs(x) < self.D, rho, 0.0))


def _arcsine(count: int) -> FloatArray:
    """cos k of a uniform k at Gauss-Chebyshev points: exact to degree 2 count - 1."""
    return np.asarray(np.cos(math.pi * (np.arange(count) + 0.5) / count))


@public
@dataclass(frozen=True)
class Bethe(_Symmetric):
    """The Bethe lattice with infinitely many neighbours: a semicircular density of states.

    Parameters
    ----------
    D : float
        Half bandwidth, ``2 t`` with hopping ``t / sqrt(neighbours)``.

    Raises
    ------
    ValueError, TypeError
        D is not positive.

    Examples
    --------
    >>> print(Bethe(D=1.0).hilbert(0.0))
    -2j
    """

    D: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "D", checks.real("D", self.D, above=0))

    def _near(self, z: ComplexArray) -> ComplexArray:
        return np.asarray(2.0 / (z + np.sqrt(z - self.D) * np.sqrt(z + self.D)))

    def unchecked_delta(self, z: ComplexArray) -> ComplexArray:
        """``(D/2)^2 G(z)``, see `Lattice.delta`."""
        return np.asarray(0.25 * self.D**2 * self.unchecked_hilbert(z))

    def _quadrature(self) -> tuple[FloatArray, FloatArray]:
        k = math.pi * np.arange(1, 2 * LEVELS + 1) / (2 * LEVELS + 1)
        return self.D * np.cos(k), np.sin(k) ** 2


@public
@dataclass(frozen=True)
class Square(_Symmetric):
    """The square lattice with hopping t between nearest neighbours.

    Parameters
    ----------
    t : float
        Hopping; the half bandwidth is ``D = 4 t``, 1 by default.

    Raises
    ------
    ValueError, TypeError
        t is not positive.

    Examples
    --------
    >>> lattice = Square(t=0.25)
    >>> print(lattice.D, lattice.hilbert(0.5j).round(4))
    1.0 -1.2853j
    """

    t: float = 0.25

    def __post_init__(self) -> None:
        object.__setattr__(self, "t", checks.real("t", self.t, above=0))

    @property
    def D(self) -> float:
        """Half bandwidth, 4 t."""
        return 4.0 * self.t

    def _near(self, z: ComplexArray) -> ComplexArray:
        return np.asarray(1.0 / _mean(z, np.sqrt(z - self.D) * np.sqrt(z + self.D)))

    def _quadrature(self) -> tuple[FloatArray, FloatArray]:
        c = _arcsine(2 * LEVELS)
        e = -2.0 * self.t * (c[:, None] + c).ravel()
        return e, np.full(e.size, 1.0 / e.size)


@public
@dataclass(frozen=True)
class Cubic(_Symmetric):
    """The simple cubic lattice with hopping t between nearest neighbours.

    Parameters
    ----------
    t : float
        Hopping; the half bandwidth is ``D = 6 t``, 1 by default.

    Raises
    ------
    ValueError, TypeError
        t is not positive.

    Examples
    --------
    >>> lattice = Cubic(t=1.0)
    >>> print(f"{lattice.hilbert(6.0).real:.6f}")  # Watson's integral over 2 t
    0.252731
    """

    t: float = 1.0 / 6.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "t", checks.real("t", self.t, above=0))

    @property
    def D(self) -> float:
        """Half bandwidth, 6 t."""
        return 6.0 * self.t

    def _near(self, z: ComplexArray) -> ComplexArray:
        v = z / self.D
        outer = np.sqrt(1.0 - v) * np.sqrt(1.0 + v)
        inner = np.sqrt(1.0 - 3.0 * v) * np.sqrt(1.0 + 3.0 * v)
        a, b = 1j * inner / 3.0, 1j * outer
        x = np.sqrt((v - a) / (v + b))
        below = (1.0 - x) ** 3 * (1.0 + 3.0 * x)
        m = 16.0 * x**3 / below
        # 2 K(m) / pi = 1 / M(1, sqrt(1 - m)).
        K = 1.0 / _mean(np.ones_like(m), np.sqrt(1.0 - m), opposite=True)
        # (1 - 9 x^4) / v, where both factors of the numerator are free of cancellation.
        above = (b + 3.0 * a - 2.0 * v) * (4.0 + 8j * v / (outer + inner)) / (v + b) ** 2
        return np.asarray(above / below * K**2 / self.D)

    def _quadrature(self) -> tuple[FloatArray, FloatArray]:
        c = _arcsine(LEVELS + 2)
        e = -2.0 * self.t * (c[:, None, None] + c[:, None] + c).ravel()
        return e, np.full(e.size, 1.0 / e.size)
