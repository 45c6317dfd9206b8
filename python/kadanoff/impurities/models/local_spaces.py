"""The factors of a Hilbert space: fermion orbitals, spins and boson modes, each with a name.

Conventions for their states, and what acts on them: :mod:`kadanoff.operators`.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass

from kadanoff._base import checks
from kadanoff._base.signatures import public

__all__ = ["BATH", "BATHS", "SECOND_BATH", "THIRD_BATH", "Boson", "Factor", "Orbital", "Spin"]


MAX_SPIN = 511.5
"""Of 1024 states, more than which no space has."""


def half_integer(name: str, value: float) -> float:
    """`value` as a float if it is 1/2, 1, 3/2, ...; TypeError or ValueError otherwise."""
    x = checks.real(name, value, most=MAX_SPIN)
    if not (x > 0 and (2 * x).is_integer()):
        raise ValueError(f"{name} must be one of 1/2, 1, 3/2, ...; got {value!r}")
    return x


def is_number(value: object) -> bool:
    """Whether operators leave the arithmetic to no other class; `checks.real` refuses a bool."""
    return isinstance(value, numbers.Complex)


def is_real(value: object) -> bool:
    """Whether a number is of a real type."""
    return isinstance(value, numbers.Real)


def _check_name(name: str) -> None:
    if not (isinstance(name, str) and name):
        raise TypeError(f"name must be a non-empty string, got {name!r}")


@public
@dataclass(frozen=True)
class Orbital:
    """A spin-1/2 fermion level: states ``|0>, |up>, |dn>, |up dn>``.

    Parameters
    ----------
    name : str
        Name under which operators refer to the orbital.
    sign : {-1, +1}
        Alternation sign s of its isospin. Orbitals joined by a hopping need opposite signs for
        isospin to be conserved; f_0 has +1.

    Raises
    ------
    ValueError, TypeError
        `name` is not a non-empty string, or `sign` neither -1 nor +1.

    Examples
    --------
    >>> from kadanoff.operators import BATH, Space
    >>> dot = Orbital("d")
    >>> dot.dimension, Space([dot, BATH]).dimension
    (4, 16)
    """

    name: str
    sign: int = -1

    def __post_init__(self) -> None:
        _check_name(self.name)
        sign = checks.whole("sign", self.sign, least=None)
        if sign not in (-1, 1):
            raise ValueError(f"sign must be -1 or +1, got {sign}")
        object.__setattr__(self, "sign", sign)

    @property
    def dimension(self) -> int:
        """Number of states."""
        return 4


@public
@dataclass(frozen=True)
class Spin:
    """A spin S = 1/2, 1, 3/2, ...: states ``|S>, |S-1>, ..., |-S>`` of S_z.

    Parameters
    ----------
    name : str
        Name under which operators refer to the spin.
    spin : float
        Size S, a positive multiple of 1/2.

    Raises
    ------
    ValueError, TypeError
        `name` is not a non-empty string, or `spin` not a positive multiple of 1/2.

    Examples
    --------
    >>> Spin("s", spin=1).dimension
    3
    """

    name: str
    spin: float = 0.5

    def __post_init__(self) -> None:
        _check_name(self.name)
        object.__setattr__(self, "spin", half_integer("spin", self.spin))

    @property
    def dimension(self) -> int:
        """Number of states."""
        return round(2 * self.spin) + 1


MIN_STATES = 2
MAX_STATES = 512


@public
@dataclass(frozen=True)
class Boson:
    """A boson mode, cut off: states ``|0>, |1>, ..., |states - 1>`` of its number operator.

    Parameters
    ----------
    name : str
        Name under which operators refer to the mode.
    states : int
        Number of states kept, 2 to 512. A mode that electrons displace by x = (g / w_0)^2 quanta
        needs about ``x + 6 sqrt(x) + 6`` of them; a run warns (:class:`kadanoff.nrg.BosonCutoff`)
        where the highest is occupied.

    Raises
    ------
    ValueError, TypeError
        `name` is not a non-empty string, or `states` no such number.

    Examples
    --------
    A dot whose charge displaces a vibration of energy 0.1:

    >>> from kadanoff.operators import BATH, Orbital, Space
    >>> space = Space([Boson("phonon", states=12), Orbital("d"), BATH])
    >>> b = space.b("phonon")
    >>> vibration = 0.1 * b.dag * b + 0.05 * (space.n("d") - 1) * (b + b.dag)
    >>> vibration.is_hermitian
    True
    """

    name: str
    states: int

    def __post_init__(self) -> None:
        _check_name(self.name)
        states = checks.whole("states", self.states, least=MIN_STATES, most=MAX_STATES)
        object.__setattr__(self, "states", states)

    @property
    def dimension(self) -> int:
        """Number of states."""
        return self.states


Factor = Orbital | Spin | Boson

BATH = Orbital("f0", sign=1)
"""The bath orbital f_0, zeroth site of the chain: the last factor of an impurity model's space."""

SECOND_BATH = Orbital("g0", sign=1)
"""Zeroth site of a second chain: after :data:`BATH` in models with two channels."""

THIRD_BATH = Orbital("h0", sign=1)
"""Zeroth site of a third chain: after :data:`SECOND_BATH` in models with three channels."""

BATHS = (BATH, SECOND_BATH, THIRD_BATH)
"""The bath orbitals of one, two and three channels, in their order."""
