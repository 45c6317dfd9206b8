r"""The clock model as plain data: spins that point to one of q directions of a circle.

H = - J sum_<ij> cos(2 pi (s_i - s_j) / q),      s = 0 ... q - 1, k_B = 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.lattices.ising.models import Ising
from kadanoff.lattices.potts.models import Potts, checked_colours

__all__ = ["Clock"]


@public
@dataclass(frozen=True, repr=False)
class Clock:
    """A clock model on a regular lattice: unit vectors that point in one of q directions.

    ``H = -J sum_<ij> cos(2 pi (s_i - s_j) / q)``, ``s = 0 ... q - 1``.

    Parameters
    ----------
    shape : int or tuple of int
        Sites along each axis; an integer is the length of all axes.
    q : int
        Number of directions, 2 to 256.
    J : float, default 1
        Coupling, positive if neighbours are parallel in the ground state.
    boundary : {"periodic", "open"}, or a tuple with one of them for each axis
        As in :class:`kadanoff.ising.Ising`.
    lattice : {"chain", "square", "triangular", "cubic"}, optional
        By default the one with as many axes as `shape`; "square" for an integer.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.

    Notes
    -----
    For q = 2 it is the Ising model; for q = 3 the Potts model with the coupling 3 J / 2 and the
    constant energy J / 2 per bond; for q = 4 two independent Ising models with the coupling
    J / 2 [1]_. For q > 4 the square lattice has a phase with algebraic order between two
    transitions [2]_.

    References
    ----------
    .. [1] M. Suzuki, Prog. Theor. Phys. 37, 770 (1967), doi:10.1143/PTP.37.770
    .. [2] J. V. Jose, L. P. Kadanoff, S. Kirkpatrick, D. R. Nelson, Phys. Rev. B 16, 1217 (1977),
           doi:10.1103/PhysRevB.16.1217

    Examples
    --------
    >>> from kadanoff import ising
    >>> model = Clock(32, q=4)
    >>> model
    Clock((32, 32), q=4, J=1, boundary='periodic', lattice='square')
    >>> abs(model.critical_temperature - ising.T_c / 2) < 1e-15
    True
    """

    shape: tuple[int, ...]
    q: int
    J: float = 1.0
    boundary: tuple[str, ...] = ("periodic",)
    lattice: str = ""

    def __init__(
        self,
        shape: int | Sequence[int],
        q: int,
        J: float = 1.0,
        boundary: str | Sequence[str] = "periodic",
        lattice: str | None = None,
    ) -> None:
        same = Potts(shape, q, J, boundary, lattice)
        for name in ("shape", "q", "J", "boundary", "lattice"):
            object.__setattr__(self, name, getattr(same, name))

    def __repr__(self) -> str:
        return f"Clock{repr(self._potts()).removeprefix('Potts')}"

    @property
    def sites(self) -> int:
        """Number of sites N."""
        return math.prod(self.shape)

    @property
    def strength(self) -> float:
        """The most that the turn of one spin can cost, ``2 |J|`` times its number of neighbours."""
        return 2 * self._potts().strength

    @property
    def critical_temperature(self) -> float | None:
        """T_c of the infinite lattice with J > 0 and up to four directions; 0 for the chain."""
        if self.J <= 0 or self.q > 4:
            return 0.0 if self.J > 0 and self.lattice == "chain" else None
        if self.q == 3:
            known = self._potts().critical_temperature
            return None if known is None else 1.5 * known
        as_ising = Ising(self.shape, self.J, 0.0, self.boundary, self.lattice)
        known = as_ising.critical_temperature
        return None if known is None else known * (2 / self.q)

    @property
    def directions(self) -> FloatArray:
        """Unit vectors of the states, shape (q, 2)."""
        # Opposite directions cancel exactly.
        angle = 2 * math.pi * np.arange(self.q) / self.q
        found = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        half = self.q // 2
        if self.q % 2 == 0:
            found[half:] = -found[:half]
        found[np.abs(found) < 1e-15] = 0.0
        return found

    def bonds(self) -> tuple[IntArray, int]:
        """Pairs of different sites, and the number of bonds of sites to themselves."""
        return self._potts().bonds()

    def energy(self, colours: ArrayLike) -> FloatArray:
        """Total energy H of configurations, shape (..., *shape), entries 0 ... q - 1.

        Parameters
        ----------
        colours : array of int, shape (..., *shape)
            Configurations.

        Returns
        -------
        array, shape (...)
            Energies in the unit of `J`.

        Raises
        ------
        ValueError
            States outside of 0 ... q - 1, or another shape.

        Examples
        --------
        >>> Clock((2, 2), q=4, boundary="open").energy([[0, 1], [2, 2]]).tolist()
        0.0
        """
        s = checked_colours(self, colours)
        flat = s.reshape(*s.shape[: s.ndim - len(self.shape)], self.sites)
        found, own = self.bonds()
        e = self.directions
        products = np.einsum("...i,...i", e[flat[..., found[:, 0]]], e[flat[..., found[:, 1]]])
        return np.asarray(-self.J * (products.sum(axis=-1) + own), dtype=np.float64)

    def _potts(self) -> Potts:
        return Potts(self.shape, self.q, self.J, self.boundary, self.lattice)
