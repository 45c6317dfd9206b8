"""Spins of blocks and environments, gathered from samples of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.rsmi.geometry import Geometry

__all__ = ["as_array", "gather", "lattice_of"]

Spins = NDArray[np.int8]


def _ising(samples: Any) -> bool:
    return hasattr(samples, "model") and hasattr(samples, "packed")


def _dimers(samples: Any) -> bool:
    return hasattr(samples, "dimers") and hasattr(samples, "grid")


def as_array(samples: Any) -> NDArray[Any]:
    """Configurations, shape (n, *lattice): of a result of kd.ising or kd.dimers, or an array."""
    if _dimers(samples):
        return np.asarray(samples.grid())
    if hasattr(samples, "configurations"):
        return np.asarray(samples.configurations)
    return np.asarray(samples)


def lattice_of(samples: Any) -> tuple[int, ...]:
    """Sites along each axis, and nothing unpacked for it."""
    if _ising(samples):
        if samples.packed is None:
            raise ValueError("samples hold no configurations: sample with configurations=True")
        return tuple(samples.model.shape)
    if _dimers(samples):
        if samples.dimers is None:
            raise ValueError("samples hold no coverings: sample with coverings=True")
        return 2 * samples.Ly, 2 * samples.Lx
    return as_array(samples).shape[1:]


def gather(samples: Any, geometry: Geometry, corner: Any, rows: Any) -> tuple[Spins, Spins]:
    """Spins (v, e) around one place of the block: shapes (n, |V|) and (n, |E|)."""
    sites = np.concatenate(
        [geometry.flat(geometry.visible, corner), geometry.flat(geometry.environment, corner)]
    )
    count = len(geometry.visible)
    if _ising(samples):
        # One bit a site, lowest first: an eighth of the memory, and only the bytes that are needed.
        found = (samples.packed[rows][:, sites >> 3] >> (sites & 7).astype(np.uint8)) & 1
        both = (2 * found.view(np.int8)) - np.int8(1)
    elif _dimers(samples):
        both = _grid_columns(samples, rows, sites)
    else:
        array = as_array(samples)[rows]
        both = array.reshape(len(array), -1)[:, sites]
    return both[:, :count], both[:, count:]


def _grid_columns(samples: Any, rows: Any, sites: NDArray[np.int64]) -> Spins:
    """Entries of :func:`kadanoff.dimers.grid` without the grid, which would be many gigabytes."""
    Y, X = np.divmod(sites, 2 * samples.Lx)
    bond = (Y + X) % 2 == 1
    place = (Y // 2) * samples.Lx + X // 2
    d = samples.dimers[rows]
    d = d.reshape(len(d), -1)
    out = np.zeros((len(d), len(sites)), dtype=np.int8)
    along = (Y[bond] % 2).astype(np.uint8)  # direction 0 = +x on even rows, 1 = +y on odd ones
    out[:, bond] = 2 * (d[:, place[bond]] == along).astype(np.int8) - 1
    if samples.noise is not None:
        noise = samples.noise[rows]
        noise = noise.reshape(len(noise), -1)
        where = (Y[~bond] % 2) * samples.Lx * samples.Ly + place[~bond]
        out[:, ~bond] = noise[:, where]
    return out
