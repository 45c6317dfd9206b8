"""Lattices by name, and their level."""

from __future__ import annotations

from kadanoff._base import checks
from kadanoff.dmft.lattices import Bethe, Cubic, Lattice, Square

__all__ = ["detuning_of", "named_lattice"]

LATTICES: dict[str, type[Lattice]] = {"bethe": Bethe, "cubic": Cubic, "square": Square}


def named_lattice(lattice: object) -> Lattice:
    """A lattice, or that of a name with half bandwidth 1."""
    if isinstance(lattice, Lattice):
        return lattice
    if not isinstance(lattice, str):
        raise TypeError(
            f"lattice must be a name, {', '.join(map(repr, LATTICES))}, or a lattice of "
            f"kadanoff.dmft.lattices, got {checks.shown(lattice)}"
        )
    return LATTICES[checks.choice("lattice", lattice, tuple(LATTICES))]()


def detuning_of(lattice: Lattice, U: float, mu: float | None) -> float:
    """U/2 - mu, mu measured from the lattice's mean; 0 without mu.

    Examples
    --------
    >>> detuning_of(named_lattice("bethe"), 2.0, 0.5)
    0.5
    """
    if mu is None:
        return 0.0
    return lattice.mean - checks.real("mu", mu) + 0.5 * U
