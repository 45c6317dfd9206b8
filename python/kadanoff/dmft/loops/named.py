"""Lattices by name."""

from __future__ import annotations

from kadanoff._base import checks
from kadanoff.dmft.lattices import Bethe, Cubic, Lattice, Square

__all__ = ["named_lattice"]

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
