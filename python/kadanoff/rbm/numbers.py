"""Numbers that a user gives: seeds, counts, threads, rates."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["count", "real", "seed_of", "threads_of"]


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


def real(
    name: str, value: object, least: float, most: float = math.inf, *, strict: bool = False
) -> float:
    """A finite number in a range, its lower end excluded if `strict`."""
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    x = float(value)
    inside = math.isfinite(x) and (x > least if strict else x >= least) and x <= most
    if not inside:
        bounds = f"{'above' if strict else 'at least'} {least:g}"
        if most < math.inf:
            bounds += f" and at most {most:g}"
        raise ValueError(f"{name} must be finite and {bounds}, got {value!r}")
    return x
