"""Spins of blocks and environments, gathered from samples of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.rsmi.geometry import Geometry

__all__ = ["as_array", "gather", "lattice_of"]

Spins = NDArray[np.int8]


def as_array(samples: Any) -> NDArray[Any]:
    """Configurations, shape (n, *lattice): of a result of kd.ising or kd.dimers, or an array."""
    if hasattr(samples, "configurations"):
        return np.asarray(samples.configurations)
    if hasattr(samples, "dimers") and hasattr(samples, "grid"):
        return np.asarray(samples.grid())
    return np.asarray(samples)


def lattice_of(samples: Any) -> tuple[int, ...]:
    """Sites along each axis, and nothing unpacked for it."""
    if hasattr(samples, "model") and hasattr(samples, "packed"):
        if samples.packed is None:
            raise ValueError(
                "samples hold no configurations: sample with configurations=True"
            )
        return tuple(samples.model.shape)
    return as_array(samples).shape[1:]


def gather(samples: Any, geometry: Geometry, corner: Any, rows: slice) -> tuple[Spins, Spins]:
    """Spins (v, e) around one place of the block: shapes (n, |V|) and (n, |E|)."""
    sites = np.concatenate(
        [geometry.flat(geometry.visible, corner), geometry.flat(geometry.environment, corner)]
    )
    count = len(geometry.visible)
    packed = getattr(samples, "packed", None)
    if packed is not None and hasattr(samples, "model"):
        # One bit a site, lowest first: an eighth of the memory, and only the bytes that are needed.
        found = (packed[rows][:, sites >> 3] >> (sites & 7).astype(np.uint8)) & 1
        both = (2 * found.view(np.int8)) - np.int8(1)
    else:
        array = as_array(samples)
        both = array[rows].reshape(array[rows].shape[0], -1)[:, sites]
    return both[:, :count], both[:, count:]
