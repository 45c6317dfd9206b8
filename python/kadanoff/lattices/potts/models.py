r"""The Potts model as plain data: lattice, number of colours, coupling, boundaries.

H = - J sum_<ij> delta(s_i, s_j),      s = 0 ... q - 1, k_B = 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, FloatArray, IntArray
from kadanoff.lattices.ising.graphs import pairs
from kadanoff.lattices.ising.models import LATTICES, Ising, coupling

__all__ = ["LATTICES", "MAX_COLOURS", "Potts", "checked_colours"]

MAX_COLOURS = 256


@public
@dataclass(frozen=True, repr=False)
class Potts:
    """A Potts model on a regular lattice.

    Parameters
    ----------
    shape : int or tuple of int
        Sites along each axis; an integer is the length of all axes.
    q : int
        Number of colours, 2 to 256.
    J : float, default 1
        Coupling, positive if equal colours attract each other.
    boundary : {"periodic", "open"}, or a tuple with one of them for each axis
        As in :class:`kadanoff.ising.Ising`: along a periodic axis of two sites every pair has two
        bonds, along one of a single site each site is bonded to itself.
    lattice : {"chain", "square", "triangular", "cubic"}, optional
        By default the one with as many axes as `shape`; "square" for an integer.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.

    Examples
    --------
    >>> Potts(32, q=3)
    Potts((32, 32), q=3, J=1, boundary='periodic', lattice='square')
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
        as_ising = Ising(shape, coupling("J", J), 0.0, boundary, lattice)
        object.__setattr__(self, "shape", as_ising.shape)
        object.__setattr__(self, "q", checks.whole("q", q, least=2, most=MAX_COLOURS))
        object.__setattr__(self, "J", as_ising.J[0])
        object.__setattr__(self, "boundary", as_ising.boundary)
        object.__setattr__(self, "lattice", as_ising.lattice)

    def __repr__(self) -> str:
        edges = self.boundary[0] if len(set(self.boundary)) == 1 else self.boundary
        return (
            f"Potts({self.shape}, q={self.q}, J={self.J:g}, boundary={edges!r}, "
            f"lattice={self.lattice!r})"
        )

    @property
    def sites(self) -> int:
        """Number of sites N."""
        return math.prod(self.shape)

    @property
    def strength(self) -> float:
        """``|J|`` times the number of neighbours inside of the lattice."""
        return 2 * abs(self.J) * len(self._ising().directions)

    @property
    def critical_temperature(self) -> float | None:
        """T_c of the infinite lattice with J > 0, where it is known; 0 for the chain.

        With ``v = exp(J / T) - 1`` it is ``v^2 = q`` on the square and ``v^3 + 3 v^2 = q`` on the
        triangular lattice.
        """
        if self.J <= 0 or self.lattice == "cubic":
            return None
        if self.lattice == "chain":
            return 0.0
        if self.lattice == "square":
            v = math.sqrt(self.q)
        else:
            roots = np.roots([1.0, 3.0, 0.0, -float(self.q)])
            v = float(roots[np.abs(roots.imag) < 1e-9].real.max())
        return self.J / math.log1p(v)

    def bonds(self) -> tuple[IntArray, int]:
        """Pairs of different sites, and the number of bonds of sites to themselves."""
        model = self._ising()
        found, _ = pairs(model)
        return found, sum(model.bonds) - len(found)

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
            Colours outside of 0 ... q - 1, or another shape.

        Examples
        --------
        >>> Potts((2, 2), q=3).energy([[0, 0], [1, 2]]).tolist()
        -2.0
        """
        s = checked_colours(self, colours)
        flat = s.reshape(*s.shape[: s.ndim - len(self.shape)], self.sites)
        found, own = self.bonds()
        same = (flat[..., found[:, 0]] == flat[..., found[:, 1]]).sum(axis=-1) + own
        return np.asarray(-self.J * same, dtype=np.float64)

    def _ising(self) -> Ising:
        return Ising(self.shape, self.J, 0.0, self.boundary, self.lattice)


class _Shaped(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def q(self) -> int: ...


def checked_colours(model: _Shaped, colours: ArrayLike) -> AnyArray:
    """Colours of the last axes, refused where there are others."""
    s = np.asarray(colours)
    axes = len(model.shape)
    if s.dtype.kind not in "iu" or s.shape[s.ndim - axes :] != model.shape:
        raise ValueError(
            f"colours must be integers with the last axes {model.shape}, got {s.dtype} of shape "
            f"{s.shape}"
        )
    if s.size and (s.min() < 0 or s.max() >= model.q):
        raise ValueError(
            f"colours must be 0 ... {model.q - 1}, got {s.min()} to {s.max()}: raise q, or "
            "subtract the smallest"
        )
    return s
