"""Temperatures as an experiment has them."""

from __future__ import annotations

from kadanoff import units

__all__ = ["in_kelvin"]


def in_kelvin(energy: float) -> str:
    """A temperature in meV, with the unit that fits its size.

    Raises
    ------
    ValueError
        It is negative.

    Examples
    --------
    >>> in_kelvin(0.0244), in_kelvin(1.06), in_kelvin(2e-8)
    ('283 mK', '12.3 K', '0.232 µK')
    """
    T = energy / units.K
    for size, unit in ((1, "K"), (1e-3, "mK"), (0, "µK")):
        if size <= T:
            return f"{T / (size or 1e-6):.3g} {unit}"
    raise ValueError(f"energy must not be negative, got {energy}")
