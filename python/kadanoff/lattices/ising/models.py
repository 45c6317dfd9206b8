r"""The Ising model as plain data: lattice, couplings, field, boundaries.

    H = - sum_i sum_a J_a s_i s_{i+a} - h sum_i s_i,      s = +-1, k_B = 1

over sites i and forward directions a. Axis a of an array of spins is direction a of the lattice;
the triangular lattice is the square one with the diagonal (i, j) - (i + 1, j + 1) added.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, SpinArray

__all__ = [
    "BOUNDARIES",
    "LATTICES",
    "Ising",
    "T_c",
    "boundaries",
    "configurations",
    "core_arguments",
    "coupling",
    "temperature",
]

T_c = 2 / math.log(1 + math.sqrt(2))
"""Critical temperature of the square lattice with J = 1 (Kramers and Wannier, Onsager)."""

LATTICES = {"chain": 1, "square": 2, "triangular": 2, "cubic": 3}
"""Lattices and their number of axes."""

BOUNDARIES = ("periodic", "open")

MAX_COUPLING = 1e100  # also of inverse temperatures: products stay finite
MAX_SITES = (2**32 - 1) // 8
# A. M. Ferrenberg, J. Xu, D. P. Landau, Phys. Rev. E 97, 043301 (2018), K_c = 0.221654626(5).
K_c_CUBIC = 0.221654626


@public
@dataclass(frozen=True, repr=False)
class Ising:
    """An Ising model on a regular lattice.

    Parameters
    ----------
    shape : int or tuple of int
        Sites along each axis; an integer is the length of all axes.
    J : float or tuple of float, default 1
        Coupling, positive for ferromagnets, or one for each axis (then, on the triangular lattice,
        one for the diagonal).
    h : float, default 0
        Uniform field.
    boundary : {"periodic", "open"}, or a tuple with one of them for each axis
        Along a periodic axis of two sites every pair has two bonds; along one of a single site
        each site is bonded to itself, which adds the constant -J per site.
    lattice : {"chain", "square", "triangular", "cubic"}, optional
        By default the one with as many axes as `shape`; "square" for an integer.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range, the lattice is none of these, or it has
        too many sites.

    Examples
    --------
    >>> Ising(64)
    Ising((64, 64), J=1, h=0, boundary='periodic', lattice='square')
    >>> Ising((4, 6, 8), J=-0.5, boundary=("periodic", "periodic", "open")).bonds
    (192, 192, 168)
    """

    shape: tuple[int, ...]
    J: tuple[float, ...] = (1.0,)
    h: float = 0.0
    boundary: tuple[str, ...] = ("periodic",)
    lattice: str = ""

    def __init__(
        self,
        shape: int | Sequence[int],
        J: float | Sequence[float] = 1.0,
        h: float = 0.0,
        boundary: str | Sequence[str] = "periodic",
        lattice: str | None = None,
    ) -> None:
        lattice, sizes = _lattice(lattice, shape)
        axes = len(sizes)
        sites = math.prod(sizes)
        if sites > MAX_SITES:
            raise ValueError(
                f"shape must have at most {MAX_SITES:,} sites, got {sizes} with {sites:,}"
            )
        directions = axes + (lattice == "triangular")
        couplings = tuple(J) if isinstance(J, Iterable) else (J,) * directions
        if len(couplings) != directions:
            raise ValueError(
                f"J must be a number or have {directions} entries, one for each direction of the "
                f"{lattice} lattice, got {J!r}"
            )
        object.__setattr__(self, "shape", sizes)
        object.__setattr__(self, "J", tuple(coupling("J", j) for j in couplings))
        object.__setattr__(self, "h", coupling("h", h))
        object.__setattr__(self, "boundary", boundaries(boundary, axes))
        object.__setattr__(self, "lattice", lattice)

    def __repr__(self) -> str:
        return (
            f"Ising({self.shape}, J={_shown(self.J)}, h={self.h:g}, "
            f"boundary={_shown(self.boundary)}, lattice={self.lattice!r})"
        )

    @property
    def sites(self) -> int:
        """Number of spins N."""
        return math.prod(self.shape)

    @property
    def directions(self) -> tuple[tuple[int, ...], ...]:
        """Steps to the forward neighbours, one for each coupling."""
        axes = len(self.shape)
        steps = [tuple(int(a == b) for b in range(axes)) for a in range(axes)]
        return tuple(steps + ([(1,) * axes] if self.lattice == "triangular" else []))

    @property
    def bonds(self) -> tuple[int, ...]:
        """Number of bonds along each direction."""
        return tuple(
            math.prod(
                n - (step[a] != 0 and self.boundary[a] == "open") for a, n in enumerate(self.shape)
            )
            for step in self.directions
        )

    @property
    def frustrated(self) -> bool:
        """Whether no state satisfies all bonds; the field does not count."""
        return self.ground_state() is None

    @property
    def strength(self) -> float:
        """Sum of ``|J|`` over the bonds of a site inside of the lattice."""
        return 2 * sum(abs(j) for j in self.J)

    @property
    def turn_cost(self) -> float:
        """Energy of turning one spin against all of its bonds and the field."""
        # Along an axis of one site a spin is its own neighbour.
        bonds = sum(abs(j) for j, own in zip(self.J, self._own(), strict=True) if not own)
        return 4 * bonds + 2 * abs(self.h)

    @property
    def critical_temperature(self) -> float | None:
        """T_c of the infinite lattice in zero field, where it is known; 0 for the chain.

        Square: ``sinh(2 J_0 / T) sinh(2 J_1 / T) = 1``; triangular: ``4 J / ln 3``; cubic (equal
        couplings): Monte Carlo.
        """
        if self.h:
            return None
        J = [abs(j) for j in self.J]
        if self.lattice == "chain" or min(J) == 0:
            return 0.0 if self.lattice in ("chain", "square") else None
        if self.lattice == "square":
            low, high = 0.0, 4.0 * max(J)
            while (middle := (low + high) / 2) not in (low, high):
                a, b = (2 * j / middle for j in J)
                ordered = a > 300 or b > 300 or math.sinh(a) * math.sinh(b) > 1
                low, high = (middle, high) if ordered else (low, middle)
            return middle
        if J[1:] != J[:-1] or (self.lattice == "triangular" and math.prod(self.J) < 0):
            return None
        return 4 * J[0] / math.log(3) if self.lattice == "triangular" else J[0] / K_c_CUBIC

    def ground_state(self) -> SpinArray | None:
        """A configuration that satisfies all bonds, with the first spin up, or None."""
        spins = np.ones(self.shape, dtype=np.int8)
        for a, n in enumerate(self.shape):
            if self.J[a] < 0:
                sign = 1 - 2 * (np.arange(n, dtype=np.int8) % 2)
                spins *= sign.reshape([-1 if b == a else 1 for b in range(len(self.shape))])
        satisfied = sum(
            abs(j) * b for j, b, own in zip(self.J, self.bonds, self._own(), strict=True) if not own
        )
        own = sum(j * b for j, b, own in zip(self.J, self.bonds, self._own(), strict=True) if own)
        lowest = -float(satisfied) - own
        found = float(self.energy(spins)) + self.h * float(spins.sum(dtype=np.int64))
        return spins if found <= lowest + 1e-9 * (abs(lowest) + 1e-300) else None

    def _own(self) -> list[bool]:
        """For each direction, whether it leads from a site to itself."""
        return [
            all(self.shape[a] == 1 for a, s in enumerate(step) if s) for step in self.directions
        ]

    def energy(self, spins: ArrayLike) -> FloatArray:
        """Total energy H of configurations, shape (..., *shape), entries +-1.

        Examples
        --------
        >>> print(Ising((2, 2)).energy([[1, 1], [1, -1]]))
        0.0
        """
        s = configurations(spins, self.shape)
        axes = len(self.shape)
        over = tuple(range(-axes, 0))
        total = -self.h * s.sum(axis=over, dtype=np.int64)
        for j, step in zip(self.J, self.directions, strict=True):
            near = np.roll(s, tuple(-x for x in step), axis=over)
            product = s * near
            for a, x in enumerate(step):
                if x and self.boundary[a] == "open":
                    product = np.delete(product, -1, axis=a - axes)
            total = total - j * product.sum(axis=over, dtype=np.int64)
        return np.asarray(total, dtype=np.float64)


def core_arguments(model: Ising) -> tuple[list[int], str, list[float], float, list[bool]]:
    """A model as the compiled core takes it: shape, lattice, couplings, field, periodic axes."""
    kind = "triangular" if model.lattice == "triangular" else "hypercubic"
    closed = [edge == "periodic" for edge in model.boundary]
    return list(model.shape), kind, list(model.J), model.h, closed


def _lattice(lattice: str | None, shape: object) -> tuple[str, tuple[int, ...]]:
    if lattice is not None:
        lattice = checks.choice("lattice", lattice, LATTICES)
    if not isinstance(shape, Iterable):
        name = lattice or "square"
        return name, (checks.whole("L", shape, hint="it is the shape of the lattice"),) * LATTICES[
            name
        ]
    sizes = tuple(
        checks.whole(f"shape[{a}]", n, hint="L is the shape of the lattice")
        for a, n in enumerate(shape)
    )
    names = {1: "chain", 2: "square", 3: "cubic"}
    name = lattice or names.get(len(sizes), "")
    if not name or LATTICES[name] != len(sizes):
        raise ValueError(
            f"L, the shape, must have {LATTICES[name] if name else '1 to 3'} axes"
            f"{f' on the {name} lattice' if name else ''}, got {sizes}"
        )
    return name, sizes


def boundaries(boundary: object, axes: int) -> tuple[str, ...]:
    """One of the two boundaries for each axis, from one for all or a sequence.

    Examples
    --------
    >>> boundaries("open", 2)
    ('open', 'open')
    """
    if isinstance(boundary, str) or not isinstance(boundary, Iterable):
        return (checks.choice("boundary", boundary, BOUNDARIES),) * axes
    edges = tuple(
        checks.choice(f"boundary[{a}]", edge, BOUNDARIES) for a, edge in enumerate(boundary)
    )
    if len(edges) != axes:
        raise ValueError(
            f"boundary must be 'periodic' or 'open', or one of them for each of {axes} axes, "
            f"got {edges}"
        )
    return edges


def configurations(spins: ArrayLike, shape: tuple[int, ...], name: str = "spins") -> SpinArray:
    """Spins +-1 as int8, shape (..., *shape).

    Samples may fill much of the memory: no copy in numbers of 64 bits, as `checks.array` makes.
    """
    if isinstance(spins, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one; pass {name}.filled(...)")
    s = np.asarray(spins)
    if s.shape[s.ndim - len(shape) :] != shape or not np.isin(s, (-1, 1)).all():
        raise ValueError(f"{name} must be +1 or -1 with the last axes {shape}, got shape {s.shape}")
    return s.astype(np.int8, copy=False)


def coupling(name: str, value: object) -> float:
    """A coupling or a field whose products with others stay finite."""
    return checks.real(name, value, least=-MAX_COUPLING, most=MAX_COUPLING)


def temperature(value: object, name: str = "T") -> float:
    """A positive temperature whose inverse stays finite."""
    return checks.real(name, value, least=1 / MAX_COUPLING, hint="a temperature is positive")


def _shown(values: tuple[float, ...] | tuple[str, ...]) -> str:
    """One entry if all are equal."""
    texts = [repr(x) if isinstance(x, str) else f"{x:g}" for x in values]
    return texts[0] if len(set(texts)) == 1 else f"({', '.join(texts)})"
