"""Configurations drawn from a machine, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.rbm.units import Units, Words, bits, pack, real_array, unpack

__all__ = ["Samples"]

Configurations = NDArray[np.int8]
MOST_EXACT = 18  # units of the smaller free layer that are enumerated without being asked to


@dataclass(frozen=True, eq=False, kw_only=True)
class Samples:
    """Configurations of both layers.

    Attributes
    ----------
    v, h : arrays of int8
        Visible and hidden units, the last axis.
    method : str
        "exact": independent samples of the exact distribution. "gibbs": states of Markov chains.
    seed : int
        Of the random streams.
    """

    v: Configurations
    h: Configurations
    method: str
    seed: int

    def __repr__(self) -> str:
        return f"Samples(v {self.v.shape}, h {self.h.shape}, {self.method})"


def seed_of(seed: object) -> int:
    """A seed of 64 bits; None asks the operating system for one."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(seed, bool | np.bool_) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed must be an integer or None, got {seed!r}")
    if not 0 <= int(seed) < 2**64:
        raise ValueError(f"seed must lie in 0 ... 2^64 - 1, got {seed}")
    return int(seed)


def count(name: str, value: object, least: int = 1) -> int:
    """A whole number that is not too small."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def threads_of(threads: object) -> int | None:
    """A number of threads, or None for all cores."""
    if threads is None:
        return None
    if (number := count("threads", threads)) > 1024:
        raise ValueError(f"threads must be at most 1024, got {number}")
    return number


def free_units(name: str, free: Any, size: int, clamped: bool) -> NDArray[np.bool_]:
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
    name: str, values: Any, units: Units, free: NDArray[np.bool_]
) -> tuple[Words | None, bool]:
    """Rows of words with the clamped units, and whether a single row was given.

    What stands at free units does not matter, NaN included.
    """
    if values is None:
        return None, True
    array = real_array(name, values, dimensions=(1, 2))
    if array.shape[-1] != free.size:
        raise ValueError(f"{name} must have {free.size} units a row, got shape {array.shape}")
    low = 0 if units == "binary" else -1
    filled = np.where(
        free, np.array(low, dtype=array.dtype if array.dtype.kind != "u" else int), array
    )
    return pack(bits(name, filled, units, free.size)), array.ndim == 1


def random_words(rows: int, size: int, seed: int) -> Words:
    """Uniform random configurations."""
    generator = np.random.default_rng([seed, rows])
    return pack(generator.integers(0, 2, size=(rows, size), dtype=np.uint8).view(bool))


def samples(
    v: Words, h: Words, sizes: tuple[int, int], units: tuple[Units, Units], **rest: Any
) -> Samples:
    """Words as `Samples`."""
    return Samples(v=unpack(v, sizes[0], units[0]), h=unpack(h, sizes[1], units[1]), **rest)
