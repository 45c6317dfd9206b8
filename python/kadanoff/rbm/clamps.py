"""Which units are free, and the values of those that are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff._base.types import BoolArray, WordArray
from kadanoff.rbm.units import Units, bits, colours, flat, pack, random_rows, real_array

__all__ = ["clamped_rows", "free_units", "random_words", "whole_sites"]


def free_units(name: str, free: Any, size: int, clamped: bool) -> BoolArray:
    """Which units are free, from a mask, from indices, or from what is clamped."""
    if free is None:
        return np.full(size, not clamped)
    array = np.asarray(free)
    if array.dtype == bool:
        if array.shape != (size,):
            raise ValueError(f"{name} must be a mask of {size} units, got shape {array.shape}")
        mask = array.copy()
    else:
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(f"{name} must be a mask or indices of units, got dtype {array.dtype}")
        array = array.astype(np.int64).ravel()
        if array.size and not (array.min() >= -size and array.max() < size):
            raise ValueError(f"{name} must hold indices below {size}, got {array.tolist()}")
        mask = np.zeros(size, dtype=bool)
        mask[array] = True
    if not clamped and not mask.all():
        layer = name.removeprefix("free_")
        raise ValueError(f"{name} leaves units clamped: give their values as {layer}=...")
    return mask


def whole_sites(free: BoolArray, units: Units) -> None:
    """Refuse a mask that frees some units of a one-hot group and clamps others.

    Raises
    ------
    ValueError
        With the site.
    """
    q = colours(units)
    if q is None:
        return
    groups = free.reshape(-1, q)
    split = groups.any(axis=1) & ~groups.all(axis=1)
    if split.any():
        site = int(np.flatnonzero(split)[0])
        some = (np.flatnonzero(groups[site]) + q * site).tolist()
        raise ValueError(
            f"free_visible must free whole sites, all {q} units of one or none (units {units!r}); "
            f"of site {site} it frees the units {some}"
        )


def clamped_rows(
    name: str, values: Any, units: Units, free: BoolArray
) -> tuple[WordArray | None, bool]:
    """Rows of words with the clamped units, and whether a single row was given.

    Values at free units are ignored, NaN included.
    """
    if values is None:
        return None, True
    array = real_array(name, flat(values), dimensions=(1, 2))
    if array.shape[-1] != free.size:
        raise ValueError(f"{name} must have {free.size} units per row, got shape {array.shape}")
    q = colours(units)
    low = -1 if units == "spin" else 0
    fill = np.full(free.size, low, dtype=array.dtype if array.dtype.kind != "u" else int)
    if q is not None:
        fill[::q] = 1  # any row must have one unit of each site
    filled = np.where(free, fill, array)
    return pack(bits(name, filled, units, free.size)), array.ndim == 1


def random_words(rows: int, size: int, units: Units, seed: int) -> WordArray:
    """Uniform random configurations."""
    return pack(random_rows(rows, size, units, np.random.default_rng([seed, rows])))
