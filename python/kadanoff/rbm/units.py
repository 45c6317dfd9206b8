"""The two values of a unit, and configurations as words of 64 bits."""

from __future__ import annotations

import re
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, BoolArray, FloatArray, SpinArray, WordArray

__all__ = [
    "Rows",
    "Units",
    "bits",
    "flat",
    "numbers",
    "pack",
    "rows_of",
    "states",
    "unit_values",
    "unpack",
]

Units = Literal["binary", "spin"]
Rows: TypeAlias = Any
"""Configurations as scikit-learn looks at them, arrays of objects and sparse ones included."""

UNITS: dict[str, tuple[int, int]] = {"binary": (0, 1), "spin": (-1, 1)}
MAX_LISTED = 24  # units of a layer whose states are listed


def unit_values(name: str, units: object) -> tuple[int, int]:
    """The lower and the upper value.

    >>> unit_values("visible", "spin")
    (-1, 1)
    """
    if not isinstance(units, str) or units not in UNITS:
        raise ValueError(f"{name} must be 'binary' (units 0, 1) or 'spin' (-1, +1), got {units!r}")
    return UNITS[units]


def real_array(name: str, values: ArrayLike, *, dimensions: tuple[int, ...]) -> AnyArray:
    """`values` as an array of numbers or bools with one of the given numbers of dimensions."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one; pass {name}.filled(...)")
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    if array.ndim not in dimensions:
        wanted = " or ".join(str(d) for d in dimensions)
        raise ValueError(f"{name} must have {wanted} dimensions, got shape {array.shape}")
    return array


def flat(values: ArrayLike) -> ArrayLike:
    """Configurations of a lattice, shape (rows, L, L), as rows of units; others as they are.

    Any object with ``__array__`` counts, samples of the Ising model for example.
    """
    if not isinstance(values, np.ndarray):
        if hasattr(values, "ndim") or not hasattr(values, "__array__"):
            return values  # lists, data frames, sparse matrices
        values = np.asarray(values)
    return values.reshape(len(values), -1) if values.ndim == 3 else values


def rows_of(estimator: Any, X: ArrayLike, *, reset: bool) -> AnyArray:
    """Rows that scikit-learn accepts; its messages do not name the argument."""
    from sklearn.utils.validation import validate_data

    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("X must be a plain array, got a masked one; pass X.filled(...)")
    try:
        rows = validate_data(
            estimator, flat(X), reset=reset, dtype="numeric", accept_sparse=("csr", "csc")
        )
    except (TypeError, ValueError) as error:
        if re.search(r"\bX\b", str(error)):
            raise
        raise type(error)(f"X: {error}") from error
    # A machine works on bits: dense rows are eight times smaller than the indices of sparse ones
    # unless nearly all units are zero.
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)


def bits(
    name: str, values: ArrayLike, units: Units, size: int, *, threshold: bool = False
) -> BoolArray:
    """Which units are up, shape (rows, size).

    The message for other values names the option `threshold` where the caller has it.

    Raises
    ------
    ValueError
        A value is not one of the two that the units take, or the shape is wrong.
    """
    low, up = unit_values(name, units)
    array = real_array(name, flat(values), dimensions=(1, 2))
    if array.shape[-1] != size:
        raise ValueError(f"{name} must have {size} units per row, got shape {array.shape}")
    rows = np.atleast_2d(array)
    is_up = np.asarray(rows == up)
    known = is_up | (rows == low)
    if not known.all():
        row, unit = np.argwhere(~known)[0]
        found = rows[row, unit]
        other = next(key for key in UNITS if key != units)
        grey = threshold and bool(np.any(rows != np.rint(rows)))
        hint = (
            f"; a layer of {UNITS[other][0]} and {UNITS[other][1]} is declared {other!r}"
            if found in UNITS[other] and not grey
            else ""
        )
        if threshold and not hint:
            middle = 0.5 * (np.min(rows) + np.max(rows))
            hint = (
                f"; for grey levels set threshold= (threshold={middle:g} is the middle of their "
                "range): values above it are taken as up, others as down"
            )
        raise ValueError(
            f"{name} must hold only {low} and {up} (units {units!r}), found {found} in row {row}, "
            f"unit {unit}{hint}"
        )
    return is_up


def numbers(name: str, values: ArrayLike, units: Units, size: int) -> FloatArray:
    """Configurations as floats, shape (size,) if one was given, (rows, size) otherwise.

    Raises
    ------
    ValueError
        As `bits`.
    """
    low, up = unit_values(name, units)
    rows = np.where(bits(name, values, units, size), float(up), float(low))
    return rows if np.ndim(values) > 1 else rows[0]


def pack(is_up: BoolArray) -> WordArray:
    """Rows of bits as rows of words, unit i in bit i % 64 of word i // 64.

    >>> pack(np.array([[True, False, True]]))
    array([[5]], dtype=uint64)
    """
    rows, size = is_up.shape
    width = -(-size // 64)
    packed = np.zeros((rows, 8 * width), dtype=np.uint8)
    eights = np.packbits(is_up, axis=1, bitorder="little")
    packed[:, : eights.shape[1]] = eights
    return packed.view("<u8").astype(np.uint64, copy=False)


def unpack(words: WordArray, size: int, units: Units) -> SpinArray:
    """The configurations of rows of words, shape (rows, size).

    >>> unpack(np.array([[5]], dtype=np.uint64), 3, "spin")
    array([[ 1, -1,  1]], dtype=int8)
    """
    low, up = UNITS[units]
    eights = np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)
    is_up = np.unpackbits(eights, axis=1, count=size, bitorder="little").view(np.int8)
    if low == 0:
        return is_up
    return (is_up * np.int8(up - low) + np.int8(low)).astype(np.int8, copy=False)


@public
def states(size: int, units: Units = "binary") -> SpinArray:
    """All 2^size configurations, the first unit changing slowest (as ``itertools.product``).

    Parameters
    ----------
    size : int
        Number of units, at most 24.
    units : {"binary", "spin"}, default "binary"
        Values of a unit: 0 and 1, or -1 and +1.

    Returns
    -------
    array of int8, shape (2**size, size)
        One configuration per row.

    Raises
    ------
    TypeError
        `size` is not an integer.
    ValueError
        `size` is out of range, or `units` is neither of the two.

    Examples
    --------
    >>> states(2, "spin")
    array([[-1, -1],
           [-1,  1],
           [ 1, -1],
           [ 1,  1]], dtype=int8)
    """
    low, up = unit_values("units", units)
    size = checks.whole("size", size, most=MAX_LISTED)
    index = np.arange(1 << size, dtype=np.int64)
    is_up = (index[:, None] >> np.arange(size - 1, -1, -1)) & 1
    return np.where(is_up, np.int8(up), np.int8(low)).astype(np.int8)
