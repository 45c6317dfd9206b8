"""Which units are free, and the values of those that are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff._base.types import BoolArray, WordArray
from kadanoff.rbm.units import Units, bits, flat, pack, real_array

__all__ = ["clamped_rows", "free_units", "random_words"]


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
    low = 0 if units == "binary" else -1
    filled = np.where(
        free, np.array(low, dtype=array.dtype if array.dtype.kind != "u" else int), array
    )
    return pack(bits(name, filled, units, free.size)), array.ndim == 1


def random_words(rows: int, size: int, seed: int) -> WordArray:
    """Uniform random configurations."""
    generator = np.random.default_rng([seed, rows])
    return pack(generator.integers(0, 2, size=(rows, size), dtype=np.uint8).view(bool))
