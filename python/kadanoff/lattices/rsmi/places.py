"""Places of a block: which variables are the block's, which its environment's.

On a lattice all places look alike and their samples are pooled. Sites that a mask leaves out are no
variables of any block; of the places those count that have most sites. On a graph, or where the
samples differ from place to place, block and environment are lists of sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from kadanoff._base.types import BoolArray, FloatArray, IntArray
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.graphs import distances

__all__ = ["LatticePlaces", "ListedPlaces", "Places", "is_list_of_sites", "listed"]


class Places(Protocol):
    """Block and environment at each place, in variables."""

    @property
    def block(self) -> tuple[int, ...]:
        """Shape of a filter."""

    @property
    def geometry(self) -> Geometry | None:
        """Where the blocks lie on a lattice."""

    @property
    def visible(self) -> int:
        """Variables of the block."""

    @property
    def environment(self) -> int:
        """Variables of the environment."""

    def __len__(self) -> int:
        """Number of places."""

    def columns(self, place: int) -> tuple[IntArray, IntArray]:
        """Numbers of the variables of block and environment."""

    def whole(self, filters: FloatArray) -> FloatArray:
        """Filters in the shape of the block, from weights of shape (units, visible)."""


@dataclass(frozen=True, eq=False)
class LatticePlaces:
    """Places of a geometry.

    Attributes
    ----------
    corners : array, shape (places, axes)
    inside, outside : bool arrays
        Which variables of the block, and of the environment, are there.
    """

    geometry: Geometry
    corners: IntArray
    inside: BoolArray
    outside: BoolArray

    @classmethod
    def of(cls, geometry: Geometry, present: BoolArray | None) -> LatticePlaces:
        """All places, or those with most sites if a mask says which variables are `present`."""
        corners, V, E = geometry.corners(), geometry.visible, geometry.environment
        inside, outside = np.ones(len(V), dtype=bool), np.ones(len(E), dtype=bool)
        if present is not None:
            patterns = np.array(
                [
                    np.concatenate([present[sites] for sites in geometry.sites(corner)])
                    for corner in corners
                ]
            )
            most = patterns[patterns.sum(axis=1).argmax()]
            corners = corners[(patterns == most).all(axis=1)]
            inside, outside = most[: len(V)], most[len(V) :]
            if not inside.any() or not outside.any():
                raise ValueError(
                    f"mask leaves nothing of the {'environment' if inside.any() else 'block'} "
                    f"{geometry.block} at any of {geometry.positions} places: take a larger one, "
                    "or check the axes of the mask"
                )
        return cls(geometry, corners, inside, outside)

    @property
    def block(self) -> tuple[int, ...]:
        return self.geometry.block

    @property
    def visible(self) -> int:
        return int(self.inside.sum())

    @property
    def environment(self) -> int:
        return int(self.outside.sum())

    def __len__(self) -> int:
        return len(self.corners)

    def columns(self, place: int) -> tuple[IntArray, IntArray]:
        V, E = self.geometry.sites(self.corners[place])
        return V[self.inside], E[self.outside]

    def whole(self, filters: FloatArray) -> FloatArray:
        full = np.zeros((len(filters), len(self.inside)))
        full[:, self.inside] = filters
        return full.reshape(len(filters), *self.block)


@dataclass(frozen=True, eq=False)
class ListedPlaces:
    """Lists of sites, which become variables.

    Attributes
    ----------
    blocks, environments : int arrays, shape (places, sites)
    variables : int
        Variables of a site.
    """

    blocks: IntArray
    environments: IntArray
    variables: int
    geometry: Geometry | None = None

    @property
    def block(self) -> tuple[int, ...]:
        sites = self.blocks.shape[1]
        return (sites,) if self.variables == 1 else (sites, self.variables)

    @property
    def visible(self) -> int:
        return self.blocks.shape[1] * self.variables

    @property
    def environment(self) -> int:
        return self.environments.shape[1] * self.variables

    def __len__(self) -> int:
        return len(self.blocks)

    def columns(self, place: int) -> tuple[IntArray, IntArray]:
        return self._of(self.blocks[place]), self._of(self.environments[place])

    def _of(self, sites: IntArray) -> IntArray:
        return (sites[:, None] * self.variables + np.arange(self.variables)).ravel()

    def whole(self, filters: FloatArray) -> FloatArray:
        return filters.reshape(len(filters), *self.block)


def is_list_of_sites(block: object) -> bool:
    """Whether a block is given by lists of sites, one row per place.

    Examples
    --------
    >>> is_list_of_sites((2, 2)), is_list_of_sites([[0, 1], [2, 3]])
    (False, True)
    """
    if isinstance(block, np.ndarray):
        return block.ndim == 2
    return isinstance(block, Sequence) and any(
        isinstance(row, Sequence | np.ndarray) for row in block
    )


def listed(
    block: Any,
    environment: Any,
    *,
    sites: int,
    present: BoolArray | None,
    variables: int,
    edges: IntArray | None,
    buffer: int,
    shell: int,
) -> ListedPlaces:
    """Lists of sites that are checked; without an environment that at a distance on the graph."""
    if not is_list_of_sites(block):
        raise ValueError(
            "block must be rows of site numbers, one row per place, on a graph or with a given "
            f"environment, for instance [[0, 1]], got {block!r}"
        )
    blocks = _rows("block", block, sites)
    if environment is None:
        if edges is None:
            raise ValueError(
                "environment must be rows of site numbers, one per block, where the samples have "
                "no graph to measure distances on"
            )
        if len(blocks) > 1:
            raise ValueError(
                f"environment must be given for {len(blocks)} blocks, in the same order around "
                "each of them: distances on a graph do not tell which sites correspond"
            )
        far = distances(edges, sites, blocks[0])
        near = np.flatnonzero((far > buffer) & (far <= buffer + shell))
        if near.size == 0:
            raise ValueError(
                f"buffer = {buffer} leaves no environment on this graph: no site is farther than "
                f"{buffer} bonds from the block"
            )
        around = near[np.argsort(far[near], kind="stable")][None]
    else:
        around = _rows("environment", environment, sites)
    if len(around) != len(blocks):
        raise ValueError(
            f"environment must have one row per block, {len(blocks)}, got {len(around)}"
        )
    for place, (V, E) in enumerate(zip(blocks, around, strict=True)):
        both = np.intersect1d(V, E)
        if both.size:
            raise ValueError(
                f"block and environment overlap at place {place}: both hold the sites "
                f"{both[:5].tolist()}"
            )
    if present is not None:
        absent = ~present
        for name, rows in (("block", blocks), ("environment", around)):
            if absent[rows].any():
                raise ValueError(
                    f"{name} must hold sites of the mask only, got "
                    f"{rows[absent[rows]][:5].tolist()}, which it leaves out"
                )
    return ListedPlaces(blocks, around, variables)


def _rows(name: str, value: Any, sites: int) -> IntArray:
    lengths = {np.size(row) for row in value}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            f"{name} must be rows of equally many site numbers, got rows of {sorted(lengths)}"
        )
    rows = np.asarray(value)
    if rows.ndim != 2 or rows.dtype.kind not in "iu":
        raise TypeError(f"{name} must be rows of site numbers, one row per place, got {value!r}")
    rows = rows.astype(np.int64)
    if rows.min() < 0 or rows.max() >= sites:
        raise ValueError(
            f"{name} must hold site numbers 0 ... {sites - 1}, got {rows.min()} to {rows.max()}"
        )
    if any(len(np.unique(row)) != len(row) for row in rows):
        raise ValueError(f"{name} must name no site twice")
    return rows
