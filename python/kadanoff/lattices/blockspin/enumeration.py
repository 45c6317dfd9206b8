r"""All states of a few spins, and functions of them as couplings.

    f(x) = sum_A J_A prod_{i in A} x_i,        J_A = 2^-n sum_x f(x) prod_{i in A} x_i

State number k has spin ``x_i = 1 - 2 * (bit i of k)``: state 0 is all up, site 0 the lowest bit.
A set A of sites is the number with these bits set. The map from f to J is the Walsh-Hadamard
transform; for ``f = ln(weight)`` the J_A are the couplings of a Hamiltonian -H/T that has every
product of spins.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, SpinArray

__all__ = [
    "MAX_SPINS",
    "bond_sum",
    "coupling",
    "enumerable_spins",
    "lattice_sides",
    "mask_of",
    "sites_of",
    "spin_sum",
    "spins",
    "spins_of_states",
    "walsh",
]

MAX_SPINS = 24
"""2^24 numbers of 8 bytes are 128 MiB; an enumeration holds a few such arrays."""


@public
def spins(n: int) -> SpinArray:
    """Every state of n spins: x[k, i] = 1 - 2 (bit i of k).

    Parameters
    ----------
    n : int
        Number of spins, at most ``MAX_SPINS``.

    Returns
    -------
    array of int8, shape (2^n, n)
        Spins +-1; state 0 is all up.

    Raises
    ------
    TypeError, ValueError
        `n` is no integer from 1 to 24.

    Examples
    --------
    >>> spins(2).tolist()
    [[1, 1], [-1, 1], [1, -1], [-1, -1]]
    """
    n = enumerable_spins("n", n)
    states = np.arange(2**n, dtype=np.uint32)
    return (1 - 2 * ((states[:, None] >> np.arange(n, dtype=np.uint32)) & 1)).astype(np.int8)


def bond_sum(n: int, bonds: Iterable[tuple[int, int]]) -> FloatArray:
    """sum over bonds of x_i x_j, for all 2^n states; a bond named twice counts twice.

    Examples
    --------
    >>> bond_sum(2, [(0, 1), (1, 0)]).tolist()
    [2.0, -2.0, -2.0, 2.0]
    """
    states = np.arange(2 ** enumerable_spins("n", n), dtype=np.uint32)
    unequal = np.zeros(len(states), dtype=np.uint16)
    count = 0
    for i, j in bonds:
        unequal += ((states >> np.uint32(i)) ^ (states >> np.uint32(j))).astype(np.uint16) & 1
        count += 1
    return np.asarray(count - 2.0 * unequal, dtype=np.float64)


def spin_sum(n: int) -> FloatArray:
    """sum over sites of x_i, for all 2^n states."""
    return n - 2.0 * np.bitwise_count(np.arange(2 ** enumerable_spins("n", n), dtype=np.uint32))


@public
def walsh(f: ArrayLike) -> FloatArray:
    """J_A = 2^-n sum_x f(x) prod_{i in A} x_i, for all A at once.

    Parameters
    ----------
    f : array, shape (..., 2^n)
        A function of the states of n spins, real or complex.

    Returns
    -------
    array, shape (..., 2^n)
        J_A at index A; ``J[..., 0]`` is the mean of f.

    Raises
    ------
    TypeError
        `f` holds no numbers.
    ValueError
        The length is no power of two, or a value is not finite.

    Notes
    -----
    n 2^n additions. Up to the factor 2^n the transform is its own inverse.

    Examples
    --------
    >>> x = spins(3)
    >>> J = walsh(0.5 * x[:, 0] * x[:, 2] - x[:, 1])
    >>> [(sites_of(A), float(J[A])) for A in range(8) if J[A]]
    [((1,), -1.0), ((0, 2), 0.5)]
    """
    values = checks.array("f", f, dtype=np.complex128 if np.iscomplexobj(f) else np.float64)
    size = values.shape[-1] if values.ndim else 0
    n = spins_of_states("f", size)
    lead = values.shape[:-1]
    for i in range(n):
        pairs = values.reshape(*lead, size >> (i + 1), 2, 1 << i)
        up, down = pairs[..., 0, :].copy(), pairs[..., 1, :]
        pairs[..., 0, :] += down
        pairs[..., 1, :] = up - down
    return np.asarray(values / size)


def mask_of(sites: Iterable[int], n: int) -> int:
    """The number that stands for a set of sites out of n; sites count from 0.

    Raises
    ------
    ValueError
        A site is named twice or lies outside ``0 ... n - 1``.

    Examples
    --------
    >>> mask_of((0, 2), 3)
    5
    """
    mask = 0
    for site in sites:
        site = operator.index(site)
        if not 0 <= site < n:
            raise ValueError(f"sites must lie in 0 to {n - 1}, got {site}")
        if mask >> site & 1:
            raise ValueError(f"site {site} is named twice")
        mask |= 1 << site
    return mask


def sites_of(mask: int) -> tuple[int, ...]:
    """The sites that the number stands for, ascending.

    Examples
    --------
    >>> sites_of(5)
    (0, 2)
    """
    return tuple(i for i in range(operator.index(mask).bit_length()) if mask >> i & 1)


def enumerable_spins(name: str, value: object) -> int:
    """A number of spins that can be enumerated."""
    return checks.whole(name, value, most=MAX_SPINS, hint="more spins cannot be enumerated")


def spins_of_states(name: str, states: int) -> int:
    """N for 2^N states."""
    n = states.bit_length() - 1
    if states < 1 or states != 1 << n:
        raise ValueError(f"{name} must have one entry per state, 2^n of them, got {states}")
    return n


def lattice_sides(
    name: str, value: Any, *, dimension: int | None = None, most: int | None = None
) -> tuple[int, ...]:
    """Sites along each axis of a lattice or block.

    Examples
    --------
    >>> lattice_sides("shape", [4, 6])
    (4, 6)
    """
    if (
        isinstance(value, str | bytes)
        or not isinstance(value, Sequence | np.ndarray)
        or np.ndim(value) == 0
        or len(value) == 0
    ):
        raise TypeError(f"{name} must be a tuple of integers such as (2, 2), got {value!r}")
    if dimension is not None and len(value) != dimension:
        raise ValueError(f"{name} must have {dimension} sides, got {value!r}")
    return tuple(checks.whole(f"{name}[{i}]", n, most=most) for i, n in enumerate(value))


def coupling(name: str, value: object, *, limit: float = 1e6) -> float:
    """A coupling in units of the temperature."""
    return checks.real(name, value, least=-limit, most=limit)
