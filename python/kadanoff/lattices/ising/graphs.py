r"""Ising models on any graph, with a coupling for every bond.

    H = - sum_<ij> J_ij s_i s_j - h sum_i s_i,      s = +-1, k_B = 1

Honeycomb and kagome lattices, diluted lattices, random couplings: all that is given by a list of
bonds. Spins of a lattice with several sites per cell have the sites of the cell on the last axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray, SpinArray
from kadanoff.lattices.ising.models import Ising, configurations, coupling

__all__ = ["GraphIsing", "graph", "honeycomb", "kagome", "pairs"]

MAX_SITES = (2**32 - 1) // 8
MAX_COUPLING = 1e100


@public
class GraphIsing:
    """An Ising model on a graph; see :func:`graph`, :func:`honeycomb` and :func:`kagome`.

    Parameters
    ----------
    bonds : array of int, shape (bonds, 2)
        Pairs of different sites, numbered in row-major order; a pair named twice has two bonds.
    J : float or array, shape (bonds,), default 1
        Couplings of any sign.
    h : float, default 0
        Uniform field.
    shape : int or tuple of int, optional
        Shape of a configuration; by default one axis with the sites that the bonds name.
    lattice : str, default "graph"
        A name for displays.
    cell : int, default 0
        Sites of a unit cell on the last axis of a periodic lattice; 0 for an arbitrary graph.
    critical_temperature : float, optional
        T_c of the infinite lattice, where it is known.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind, a bond names a site that does not exist or the same site
        twice, or couplings and bonds differ in number.

    Examples
    --------
    >>> GraphIsing([(0, 1), (1, 2), (2, 0)], J=-1.0)
    GraphIsing(3 sites, 3 bonds, J=-1, h=0)
    """

    def __init__(
        self,
        bonds: ArrayLike,
        J: ArrayLike = 1.0,
        h: float = 0.0,
        *,
        shape: int | Sequence[int] | None = None,
        lattice: str = "graph",
        cell: int = 0,
        critical_temperature: float | None = None,
    ) -> None:
        found = checks.array("bonds", bonds, dtype=np.int64, shape=(None, 2))
        if not len(found):
            raise ValueError("bonds must hold at least one pair of sites, got none")
        if found.min() < 0 or (found[:, 0] == found[:, 1]).any():
            wrong = found[(found < 0).any(axis=1) | (found[:, 0] == found[:, 1])][0]
            raise ValueError(
                f"bonds must be pairs of different sites 0, 1, ..., got {tuple(wrong.tolist())}"
            )
        sizes = (int(found.max()) + 1,) if shape is None else _sides(shape)
        sites = math.prod(sizes)
        if sites > MAX_SITES:
            raise ValueError(f"shape must have at most {MAX_SITES:,} sites, got {sites:,}")
        if found.max() >= sites:
            raise ValueError(
                f"bonds must name sites 0 ... {sites - 1} of the shape {sizes}, got {found.max()}"
            )
        self.bonds: IntArray = found
        self.shape: tuple[int, ...] = sizes
        self.sites = sites
        self.J: FloatArray = _couplings(J, len(found))
        self.h = coupling("h", h)
        if not isinstance(lattice, str):
            raise TypeError(f"lattice must be a name, got {lattice!r}")
        self.lattice = lattice
        self.cell = checks.whole("cell", cell, least=0)
        if self.cell and self.cell != sizes[-1]:
            raise ValueError(f"cell = {cell} must be the last axis of the shape, got {sizes}")
        self._critical = (
            None
            if critical_temperature is None
            else checks.real("critical_temperature", critical_temperature, least=0)
        )

    def __repr__(self) -> str:
        low, high = self.J.min(), self.J.max()
        J = f"{low:g}" if low == high else f"{low:g} ... {high:g}"
        name = "" if self.lattice == "graph" else f"{self.lattice}, "
        return f"GraphIsing({name}{self.sites} sites, {len(self.bonds)} bonds, J={J}, h={self.h:g})"

    @property
    def boundary(self) -> tuple[str, ...]:
        """Periodic along every axis: what is open is said by the bonds."""
        return ("periodic",) * len(self.shape)

    @property
    def critical_temperature(self) -> float | None:
        """T_c of the infinite lattice in zero field, where it is known."""
        return None if self.h else self._critical

    @property
    def frustrated(self) -> bool:
        """Whether no state satisfies all bonds; the field does not count."""
        return self.ground_state() is None

    @property
    def strength(self) -> float:
        """Largest sum of ``|J|`` over the bonds of a site."""
        return float(self._strengths().max())

    @property
    def turn_cost(self) -> float:
        """Energy of turning one spin against all of its bonds and the field, at most."""
        return 2 * self.strength + 2 * abs(self.h)

    def _strengths(self) -> FloatArray:
        weights = np.repeat(np.abs(self.J), 2)
        found = np.bincount(self.bonds.ravel(), weights=weights, minlength=self.sites)
        return np.asarray(found, dtype=np.float64)

    @cached_property
    def _ground(self) -> SpinArray | None:
        if (self.J >= 0).all():
            return np.ones(self.shape, dtype=np.int8)
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order, connected_components

        i, j = self.bonds[self.J != 0].T
        sign = np.where(self.J[self.J != 0] > 0, 1, -1)
        matrix = csr_array((np.ones(len(i)), (i, j)), shape=(self.sites, self.sites))
        relative = {(a, b): s for a, b, s in zip(i.tolist(), j.tolist(), sign, strict=True)}
        relative |= {(b, a): s for (a, b), s in relative.items()}
        _, label = connected_components(matrix, directed=False)
        spins = np.ones(self.sites, dtype=np.int8)
        for first in np.unique(label, return_index=True)[1]:
            order, before = breadth_first_order(matrix, first, directed=False)
            for site in order[1:].tolist():
                spins[site] = spins[before[site]] * relative[int(before[site]), site]
        return spins.reshape(self.shape) if (spins[i] * spins[j] == sign).all() else None

    def ground_state(self) -> SpinArray | None:
        """A configuration that satisfies all bonds, or None."""
        return None if self._ground is None else self._ground.copy()

    def energy(self, spins: ArrayLike) -> FloatArray:
        """Total energy H of configurations, shape (..., *shape), entries +-1.

        Examples
        --------
        >>> print(graph([(0, 1), (1, 2)]).energy([1, 1, -1]))
        0.0
        """
        s = configurations(spins, self.shape)
        flat = s.reshape(*s.shape[: s.ndim - len(self.shape)], self.sites)
        product = flat[..., self.bonds[:, 0]] * flat[..., self.bonds[:, 1]]
        return np.asarray(-product @ self.J - self.h * flat.sum(axis=-1, dtype=np.int64))


@public
def graph(
    bonds: ArrayLike,
    J: ArrayLike = 1.0,
    h: float = 0.0,
    *,
    shape: int | Sequence[int] | None = None,
) -> GraphIsing:
    r"""An Ising model on any graph, from its bonds and their couplings.

        H = - sum_b J_b s_i s_j - h sum_i s_i

    Parameters
    ----------
    bonds : array of int, shape (bonds, 2)
        Pairs of different sites, numbered in row-major order; those of a regular lattice come from
        :func:`pairs`.
    J : float or array, shape (bonds,), default 1
        Couplings of any sign, for instance +-J or zeros for bonds that are missing.
    h : float, default 0
        Uniform field.
    shape : int or tuple of int, optional
        Shape of a configuration; by default one axis with the sites that the bonds name.

    Returns
    -------
    GraphIsing
        A model for :func:`sample` and :func:`scan`.

    Raises
    ------
    TypeError, ValueError
        As for :class:`GraphIsing`.

    Examples
    --------
    The Edwards-Anderson model on a square lattice, J = +-1 with equal probability:

    >>> from kadanoff import ising
    >>> bonds, _ = ising.pairs(ising.Ising(8))
    >>> J = np.random.default_rng(1).choice([-1.0, 1.0], len(bonds))
    >>> run = ising.sample(ising.graph(bonds, J, shape=(8, 8)), T=1.5, n=200, seed=1)
    >>> run.method, run.configurations.shape
    ('heat-bath', (200, 8, 8))
    """
    return GraphIsing(bonds, J, h, shape=shape)


@public
def pairs(model: Ising) -> tuple[IntArray, FloatArray]:
    """Bonds of a regular lattice and their couplings, to be changed and given to :func:`graph`.

    Parameters
    ----------
    model : Ising
        The lattice.

    Returns
    -------
    bonds : array of int, shape (bonds, 2)
        Pairs of sites, numbered in row-major order. A bond of a site to itself, along a periodic
        axis of one site, is left out.
    J : array, shape (bonds,)
        Their couplings.

    Raises
    ------
    TypeError
        `model` is no Ising model.

    Examples
    --------
    >>> from kadanoff import ising
    >>> bonds, J = ising.pairs(ising.Ising(3, boundary="open"))
    >>> bonds[:3].tolist(), len(J)
    ([[0, 3], [1, 4], [2, 5]], 12)
    """
    if not isinstance(model, Ising):
        raise TypeError(f"model must be an Ising model, got {model!r}")
    number = np.arange(model.sites).reshape(model.shape)
    axes = tuple(range(number.ndim))
    ends, couplings = [], []
    for j, step in zip(model.J, model.directions, strict=True):
        pair = np.stack([number, np.roll(number, tuple(-x for x in step), axis=axes)], axis=-1)
        for a, x in enumerate(step):
            if x and model.boundary[a] == "open":
                pair = np.delete(pair, -1, axis=a)
        pair = pair.reshape(-1, 2)
        pair = pair[pair[:, 0] != pair[:, 1]]
        ends.append(pair)
        couplings.append(np.full(len(pair), j))
    return np.concatenate(ends), np.concatenate(couplings)


@public
def honeycomb(L: int | Sequence[int], J: float = 1.0, h: float = 0.0) -> GraphIsing:
    r"""The honeycomb lattice, periodic, with two sites per cell and three neighbours per site.

    Parameters
    ----------
    L : int or (int, int)
        Unit cells along both axes, 2 and more; configurations have the shape (L_1, L_2, 2).
    J : float, default 1
        Coupling.
    h : float, default 0
        Uniform field.

    Returns
    -------
    GraphIsing
        A model for :func:`sample` and :func:`scan`.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.

    Notes
    -----
    ``T_c = 2 |J| / ln(2 + sqrt 3) = 1.518651 |J|`` [1]_.

    References
    ----------
    .. [1] G. H. Wannier, Rev. Mod. Phys. 17, 50 (1945), doi:10.1103/RevModPhys.17.50

    Examples
    --------
    >>> model = honeycomb(4)
    >>> model.shape, len(model.bonds), round(model.critical_temperature, 6)
    ((4, 4, 2), 48, 1.518651)
    """
    cells = _cells(L)
    A, B = 0, 1
    links = [(A, B, 0, 0), (B, A, 1, 0), (B, A, 0, 1)]
    T_c = 2 * abs(coupling("J", J)) / math.log(2 + math.sqrt(3))
    return _of_cells("honeycomb", cells, 2, links, J, h, T_c)


@public
def kagome(L: int | Sequence[int], J: float = 1.0, h: float = 0.0) -> GraphIsing:
    r"""The kagome lattice, periodic, with three sites per cell and four neighbours per site.

    Parameters
    ----------
    L : int or (int, int)
        Unit cells along both axes, 2 and more; configurations have the shape (L_1, L_2, 3).
    J : float, default 1
        Coupling; the antiferromagnet is frustrated and has no transition.
    h : float, default 0
        Uniform field.

    Returns
    -------
    GraphIsing
        A model for :func:`sample` and :func:`scan`.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range.

    Notes
    -----
    ``T_c = 4 J / ln(3 + 2 sqrt 3) = 2.143319 J`` [1]_.

    References
    ----------
    .. [1] K. Kano, S. Naya, Prog. Theor. Phys. 10, 158 (1953), doi:10.1143/ptp/10.2.158

    Examples
    --------
    >>> model = kagome(4)
    >>> model.shape, len(model.bonds), round(model.critical_temperature, 6)
    ((4, 4, 3), 96, 2.143319)
    """
    cells = _cells(L)
    links = [(0, 1, 0, 0), (1, 2, 0, 0), (2, 0, 0, 0), (1, 0, 1, 0), (2, 1, -1, 1), (2, 0, 0, 1)]
    J = coupling("J", J)
    T_c = 4 * J / math.log(3 + 2 * math.sqrt(3)) if J >= 0 else None
    return _of_cells("kagome", cells, 3, links, J, h, T_c)


def _of_cells(
    name: str,
    cells: tuple[int, int],
    basis: int,
    links: Sequence[tuple[int, int, int, int]],
    J: float,
    h: float,
    T_c: float | None,
) -> GraphIsing:
    """Bonds from site a of each cell to site b of the cell (x, y) away, for (a, b, x, y)."""
    number = np.arange(math.prod(cells) * basis).reshape(*cells, basis)
    bonds = [
        np.stack([number[..., a], np.roll(number[..., b], (-x, -y), axis=(0, 1))], axis=-1)
        for a, b, x, y in links
    ]
    return GraphIsing(
        np.concatenate([b.reshape(-1, 2) for b in bonds]),
        coupling("J", J),
        h,
        shape=(*cells, basis),
        lattice=name,
        cell=basis,
        critical_temperature=T_c,
    )


def _cells(L: object) -> tuple[int, int]:
    sizes = (L, L) if not isinstance(L, Sequence) else tuple(L)
    if len(sizes) != 2:
        raise ValueError(f"L must be one number or one for each of 2 axes, got {L!r}")
    first, second = (checks.whole("L", n, least=2) for n in sizes)
    return first, second


def _sides(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, Sequence):
        return (checks.whole("shape", shape),)
    if not shape:
        raise ValueError("shape must have at least one axis, got none")
    return tuple(checks.whole(f"shape[{a}]", n) for a, n in enumerate(shape))


def _couplings(J: object, bonds: int) -> FloatArray:
    found = checks.array("J", J, ndim=(0, 1))
    if found.ndim and len(found) != bonds:
        raise ValueError(
            f"J must be a number or have one entry per bond, {bonds}, got {len(found)}"
        )
    if (np.abs(found) > MAX_COUPLING).any():
        raise ValueError(f"J must not exceed {MAX_COUPLING:g} in magnitude")
    return np.broadcast_to(found, (bonds,)).astype(np.float64)
