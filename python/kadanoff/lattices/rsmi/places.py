"""Places of a block: which variables are the block's, which its environment's.

On a lattice all places look alike and their samples are pooled. Sites that a mask leaves out are no
variables of any block; of the places those count that have most sites. On a graph, or where the
samples differ from place to place, block and environment are lists of sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import BoolArray, FloatArray, IntArray
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.graphs import distances

__all__ = ["Places", "is_list_of_sites", "listed", "rows_of_sites", "variables_of"]


@dataclass(frozen=True, eq=False)
class Places:
    """Numbers of the variables of block and environment at each place.

    Attributes
    ----------
    visible : int array, shape (places, variables of the block)
    environment : int array, shape (places, variables of the environment)
    block : tuple of int
        Shape of a filter.
    kept : bool array, shape (variables of a filter,)
        Those that exist; the weights of the others are zero.
    geometry : Geometry or None
        Where the blocks lie on a lattice.
    """

    visible: IntArray
    environment: IntArray
    block: tuple[int, ...]
    kept: BoolArray
    geometry: Geometry | None = None

    @classmethod
    def of(cls, geometry: Geometry, present: BoolArray | None) -> Self:
        """All places, or those with most sites if a mask says which variables are `present`."""
        corners = geometry.corners()
        V, E = (
            geometry.flat_all(offsets, corners)
            for offsets in (geometry.visible, geometry.environment)
        )
        kept = np.ones(V.shape[1], dtype=bool)
        if present is not None:
            patterns = np.concatenate([present[V], present[E]], axis=1)
            most = patterns[patterns.sum(axis=1).argmax()]
            same = (patterns == most).all(axis=1)
            kept, around = most[: len(kept)], most[len(kept) :]
            if not kept.any() or not around.any():
                raise ValueError(
                    f"mask leaves nothing of the {'environment' if kept.any() else 'block'} "
                    f"{geometry.block} at any of {len(corners)} places: take a larger one, or "
                    "check the axes of the mask"
                )
            V, E = V[same][:, kept], E[same][:, around]
        return cls(V, E, geometry.block, kept, geometry)

    def __len__(self) -> int:
        return len(self.visible)

    def whole(self, filters: FloatArray) -> FloatArray:
        """Filters in the shape of the block, from weights of the variables that exist."""
        full = np.zeros((len(filters), len(self.kept)))
        full[:, self.kept] = filters
        return full.reshape(len(filters), *self.block)


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
) -> Places:
    """Lists of sites that are checked; without an environment that at a distance on the graph."""
    blocks = rows_of_sites("block", block, sites)
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
        around = rows_of_sites("environment", environment, sites)
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
    block = (blocks.shape[1],) if variables == 1 else (blocks.shape[1], variables)
    V, E = variables_of(blocks, variables), variables_of(around, variables)
    return Places(V, E, block, np.ones(V.shape[1], dtype=bool))


def variables_of(sites: IntArray, each: int) -> IntArray:
    """Numbers of variables, `each` for a site."""
    return (sites[..., None] * each + np.arange(each)).reshape(len(sites), -1)


def rows_of_sites(name: str, value: Any, sites: int) -> IntArray:
    """Lists of site numbers, one row per place.

    Examples
    --------
    >>> rows_of_sites("block", [[0, 1], [2, 3]], 4).shape
    (2, 2)
    """
    if not is_list_of_sites(value):
        raise ValueError(
            f"{name} must be rows of site numbers, one row per place, for instance [[0, 1]], got "
            f"{value!r}"
        )
    lengths = {np.size(row) for row in value}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            f"{name} must be rows of equally many site numbers, got rows of {sorted(lengths)}"
        )
    rows = checks.array(name, value, dtype=np.int64, ndim=2)
    if rows.min() < 0 or rows.max() >= sites:
        raise ValueError(
            f"{name} must hold site numbers 0 ... {sites - 1}, got {rows.min()} to {rows.max()}"
        )
    if any(len(np.unique(row)) != len(row) for row in rows):
        raise ValueError(f"{name} must name no site twice")
    return rows
