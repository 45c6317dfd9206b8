"""Values of the units, and configurations as words of 64 bits."""

from __future__ import annotations

import math
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
    "colours",
    "flat",
    "log2_states",
    "numbers",
    "one_hot",
    "pack",
    "random_rows",
    "rows_of",
    "state_count",
    "state_rows",
    "states",
    "two_valued",
    "unit_values",
    "unpack",
]

Units: TypeAlias = Literal["binary", "spin"] | str
"""``"one-hot-q"`` besides: 0/1 units in groups of q, one group per site, of which one is 1."""
Rows: TypeAlias = Any
"""Configurations as scikit-learn looks at them, arrays of objects and sparse ones included."""

UNITS: dict[str, tuple[int, int]] = {"binary": (0, 1), "spin": (-1, 1)}
MAX_LISTED = 24  # units of a layer whose states are listed
MAX_COLOURS = 256
ONE_HOT = re.compile(r"one-hot-([1-9]\d{0,3})")


def colours(units: object) -> int | None:
    """The number of states of a one-hot group; None for two-valued units.

    >>> colours("one-hot-3"), colours("spin")
    (3, None)
    """
    found = ONE_HOT.fullmatch(units) if isinstance(units, str) else None
    q = int(found[1]) if found else 0
    return q if 2 <= q <= MAX_COLOURS else None


def unit_values(name: str, units: object) -> tuple[int, int]:
    """The lower and the upper value.

    >>> unit_values("visible", "spin")
    (-1, 1)
    """
    if isinstance(units, str) and units in UNITS:
        return UNITS[units]
    if colours(units) is None:
        groups = "" if name == "hidden" else ", or 'one-hot-q' (groups of q = 2 ... 256 units 0, 1)"
        raise ValueError(
            f"{name} must be 'binary' (units 0, 1) or 'spin' (-1, +1){groups}, got {units!r}"
        )
    if name == "hidden":
        raise ValueError(
            f"hidden must be 'binary' (units 0, 1) or 'spin' (-1, +1), got {units!r}: one-hot "
            "groups are for the visible layer"
        )
    return UNITS["binary"]


def two_valued(units: Units, what: str) -> None:
    """Refuse one-hot groups where each unit must be free to take both values.

    Raises
    ------
    ValueError
        With `what` as the subject of the sentence.
    """
    if colours(units) is not None:
        raise ValueError(
            f"{what} two-valued units, but the visible units are {units!r}: in a one-hot group "
            "the units are not free of each other"
        )


def log2_states(size: int, units: Units) -> float:
    """ln(number of states) / ln 2 of a layer: its units, or sites times log2 q.

    >>> log2_states(6, "spin"), log2_states(8, "one-hot-4")
    (6, 4.0)
    """
    q = colours(units)
    return size if q is None else (size // q) * math.log2(q)


def state_count(size: int, units: Units) -> int:
    """The number of states of a layer.

    >>> state_count(6, "binary"), state_count(6, "one-hot-3")
    (64, 9)
    """
    q = colours(units)
    return int(2**size if q is None else q ** (size // q))


def whole_groups(name: str, size: int, units: Units) -> None:
    """Refuse a layer that is no whole number of one-hot groups.

    Raises
    ------
    ValueError
        Units are left over.
    """
    q = colours(units)
    if q is not None and size % q:
        raise ValueError(
            f"{name} must have a multiple of {q} units (units {units!r}: {q} of each site), got "
            f"{size}; colours 0 ... {q - 1} become such rows by kadanoff.rbm.one_hot(colours, {q})"
        )


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
    whole_groups(name, size, units)
    rows = np.atleast_2d(array)
    is_up = np.asarray(rows == up)
    known = is_up | (rows == low)
    q = colours(units)
    if not known.all():
        row, unit = np.argwhere(~known)[0]
        found = rows[row, unit]
        other = "spin" if low == 0 else "binary"
        grey = threshold and bool(np.any(rows != np.rint(rows)))
        hint = (
            f"; a layer of {UNITS[other][0]} and {UNITS[other][1]} is declared {other!r}"
            if found in UNITS[other] and not grey
            else ""
        )
        if threshold and not hint:
            middle = 0.5 * (np.min(rows) + np.max(rows))
            hint = (
                f"; colours 0 ... {q - 1} become rows by kadanoff.rbm.one_hot(colours, {q})"
                if q is not None
                else f"; for grey levels set threshold= (threshold={middle:g} is the middle of "
                "their range): values above it are taken as up, others as down"
            )
        raise ValueError(
            f"{name} must hold only {low} and {up} (units {units!r}), found {found} in row {row}, "
            f"unit {unit}{hint}"
        )
    if q is not None:
        one_of_each(name, is_up, q)
    return is_up


def one_of_each(name: str, is_up: BoolArray, q: int) -> None:
    """Refuse rows that have not one unit up in each group.

    Raises
    ------
    ValueError
        A group has none, or several.
    """
    count = is_up.reshape(len(is_up), -1, q).sum(axis=2, dtype=np.int64)
    if (count != 1).any():
        row, site = np.argwhere(count != 1)[0]
        raise ValueError(
            f"{name} must have exactly one 1 among the {q} units of each site (units "
            f"'one-hot-{q}'), found {count[row, site]} in row {row}, site {site}"
        )


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
    low, up = unit_values("units", units)
    eights = np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)
    is_up = np.unpackbits(eights, axis=1, count=size, bitorder="little").view(np.int8)
    if low == 0:
        return is_up
    return (is_up * np.int8(up - low) + np.int8(low)).astype(np.int8, copy=False)


@public
def states(size: int, units: Units = "binary") -> SpinArray:
    """All configurations of a layer, the first unit changing slowest (as ``itertools.product``).

    Parameters
    ----------
    size : int
        Number of units; at most 24, or as many as have 2^24 configurations.
    units : {"binary", "spin", "one-hot-q"}, default "binary"
        Values of a unit: 0 and 1, or -1 and +1; or groups of q units, of which one is 1: the
        first group changes slowest, from its first unit to its last.

    Returns
    -------
    array of int8, shape (2**size, size) or (q**(size / q), size)
        One configuration per row.

    Raises
    ------
    TypeError
        `size` is not an integer.
    ValueError
        `size` is out of range or no multiple of q, or `units` is none of these.

    Examples
    --------
    >>> states(2, "spin")
    array([[-1, -1],
           [-1,  1],
           [ 1, -1],
           [ 1,  1]], dtype=int8)
    >>> states(4, "one-hot-2")
    array([[1, 0, 1, 0],
           [1, 0, 0, 1],
           [0, 1, 1, 0],
           [0, 1, 0, 1]], dtype=int8)
    """
    unit_values("units", units)
    q = colours(units)
    size = checks.whole("size", size, most=MAX_LISTED if q is None else MAX_LISTED * MAX_COLOURS)
    whole_groups("size", size, units)
    if log2_states(size, units) > MAX_LISTED:
        raise ValueError(
            f"size must leave at most 2^{MAX_LISTED} configurations, got size = {size} with "
            f"2^{log2_states(size, units):.1f} of them"
        )
    return state_rows(0, state_count(size, units), size, units)


def state_rows(start: int, stop: int, size: int, units: Units) -> SpinArray:
    """Some of the configurations of `states`, by their numbers.

    >>> state_rows(1, 2, 6, "one-hot-3")
    array([[1, 0, 0, 0, 1, 0]], dtype=int8)
    """
    low, up = unit_values("units", units)
    q = colours(units)
    index = np.arange(start, stop, dtype=np.int64)[:, None]
    if q is None:
        is_up = (index >> np.arange(size - 1, -1, -1)) & 1
        return np.where(is_up, np.int8(up), np.int8(low)).astype(np.int8)
    digits = index // q ** np.arange(size // q - 1, -1, -1, dtype=np.int64) % q
    rows: SpinArray = np.eye(q, dtype=np.int8)[digits].reshape(len(index), size)
    return rows


def random_rows(rows: int, size: int, units: Units, generator: np.random.Generator) -> BoolArray:
    """Uniform random configurations: which units are up.

    >>> random_rows(2, 6, "one-hot-3", np.random.default_rng(0)).reshape(2, 2, 3).sum(axis=2)
    array([[1, 1],
           [1, 1]])
    """
    q = colours(units)
    if q is None:
        return generator.integers(0, 2, size=(rows, size), dtype=np.uint8).view(bool)
    picked = generator.integers(0, q, size=(rows, size // q))
    return np.asarray(np.eye(q, dtype=bool)[picked].reshape(rows, size))


@public
def one_hot(colours: ArrayLike, states: int) -> SpinArray:
    """Colours 0 ... q - 1 as rows of 0/1 units, q of each site: the rows of visible="one-hot-q".

    Parameters
    ----------
    colours : array of int, shape (rows, ...)
        Colours of the sites, of a Potts model for example; samples of `kadanoff.potts` as they are.
    states : int
        The number q of colours, 2 to 256.

    Returns
    -------
    array of int8, shape (rows, sites * states)
        Unit ``q s + k`` is 1 where site s has colour k.

    Raises
    ------
    TypeError, ValueError
        The colours are no integers from 0 to q - 1, or have no axis of sites.

    Examples
    --------
    >>> one_hot([[0, 2], [1, 1]], 3)
    array([[1, 0, 0, 0, 0, 1],
           [0, 1, 0, 0, 1, 0]], dtype=int8)
    """
    q = checks.whole("states", states, least=2, most=MAX_COLOURS)
    array = np.asarray(colours)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"colours must be an array of integers, got dtype {array.dtype}")
    if array.ndim < 2:
        raise ValueError(
            f"colours must have an axis of rows and one of sites, got shape {array.shape}"
        )
    known = (array >= 0) & (array < q) & (array == np.rint(array))
    if not known.all():
        raise ValueError(
            f"colours must be integers from 0 to {q - 1} (states = {q}), found {array[~known][0]}"
        )
    picked = array.reshape(len(array), -1).astype(np.int64)
    rows: SpinArray = np.eye(q, dtype=np.int8)[picked].reshape(len(picked), -1)
    return rows
