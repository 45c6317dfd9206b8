"""Checks of arguments: one place, one policy.

Each function takes the name of the argument and its value, and returns the value in the type that
the code behind it wants. A value of the wrong kind is a TypeError, one out of range a ValueError;
both name the argument, the value and the allowed range. A bool is no number.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from kadanoff._base.types import AnyArray

__all__ = [
    "MAX_COUNT",
    "MAX_SEED",
    "MAX_THREADS",
    "array",
    "beyond",
    "choice",
    "flag",
    "half_bandwidth",
    "real",
    "seed",
    "shown",
    "threads",
    "whole",
]

MAX_THREADS = 1024
MAX_SEED = 2**64 - 1
MAX_COUNT = 10**12
"""Largest number of anything that is done or stored: sweeps, samples, iterations."""
_UNLIMITED = (
    *("seed", "random_state"),
    *("keep", "keep_multiplets"),  # all is kept
    *("n", "levels"),  # samples and levels must fit in memory, which says so
)


def real(
    name: str,
    value: object,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
    hint: str = "",
) -> float:
    """A finite real number in a range.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : object
        Value of the argument.
    above, least : float, optional
        Lower end of the range, excluded and included.
    below, most : float, optional
        Upper end of the range, excluded and included.
    hint : str, optional
        The remedy, appended to the message.

    Raises
    ------
    TypeError
        `value` is not a real number (a bool and a complex number are not).
    ValueError
        `value` is not finite or lies out of range.

    Examples
    --------
    >>> real("T", 2, above=0)
    2.0
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {shown(value)}")
    try:
        x = float(value)
    except OverflowError:
        x = math.inf
    if not math.isfinite(x):
        raise ValueError(f"{name} must be finite, got {name} = {shown(value)}")
    if (
        (above is not None and not x > above)
        or (least is not None and not x >= least)
        or (below is not None and not x < below)
        or (most is not None and not x <= most)
    ):
        raise ValueError(
            f"{name} must be {_range(above, least, below, most)}, "
            f"got {name} = {shown(value)}{_remedy(hint)}"
        )
    return x


def whole(
    name: str,
    value: object,
    *,
    least: int | None = 1,
    most: int | None = None,
    hint: str = "",
) -> int:
    """A whole number in a range.

    Parameters
    ----------
    name, value
        As in :func:`real`.
    least, most : int or None
        Ends of the range, both included; without `most`, a count ends at `MAX_COUNT`, see
        `beyond`.
    hint : str, optional
        The remedy, appended to the message.

    Raises
    ------
    TypeError
        `value` is not an integer (a bool is not).
    ValueError
        `value` lies out of range.

    Examples
    --------
    >>> whole("keep", np.int64(200))
    200
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        n = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {shown(value)}") from None
    if (least is not None and n < least) or (most is not None and n > most):
        raise ValueError(
            f"{name} must be {_range(None, least, None, most)}, "
            f"got {name} = {shown(n)}{_remedy(hint)}"
        )
    if most is None and abs(n) > MAX_COUNT and (error := beyond(name, n)):
        raise error
    return n


def beyond(name: str, value: object) -> ValueError | None:
    """The exception for an integer that is beyond all use as a count, or None.

    A seed may have 64 bits, and a formula holds for any size N or L: these have no limit.

    Examples
    --------
    >>> print(beyond("sweeps", 2**63))
    sweeps must be at most 1000000000000, got sweeps = 9223372036854775808
    """
    if not isinstance(value, int) or abs(value) <= MAX_COUNT:
        return None
    if name in _UNLIMITED or name[:1].isupper():
        return None
    end = f"at most {MAX_COUNT}" if value > 0 else f"at least {-MAX_COUNT}"
    return ValueError(f"{name} must be {end}, got {name} = {shown(value)}")


def choice(name: str, value: object, allowed: Collection[str], *, hint: str = "") -> str:
    """One of several words.

    Raises
    ------
    TypeError
        `value` is not a string.
    ValueError
        `value` is none of the words; the message proposes the nearest one.

    Examples
    --------
    >>> choice("boundary", "open", ("open", "periodic"))
    'open'
    """
    words = tuple(allowed)
    listed = " or ".join(map(repr, words)) if len(words) < 3 else f"one of {', '.join(words)}"
    if not isinstance(value, str):
        raise TypeError(f"{name} must be {listed}, got {shown(value)}")
    if value not in words:
        from kadanoff._base.signatures import did_you_mean

        raise ValueError(
            f"{name} must be {listed}, got {shown(value)}"
            f"{did_you_mean(value, words)}{_remedy(hint)}"
        )
    return str(value)


def flag(name: str, value: object) -> bool:
    """True or False.

    Raises
    ------
    TypeError
        `value` is not a bool.

    Examples
    --------
    >>> flag("configurations", np.True_)
    True
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def array(
    name: str,
    value: object,
    *,
    dtype: DTypeLike = np.float64,
    ndim: int | tuple[int, ...] | None = None,
    shape: tuple[int | None, ...] | None = None,
    frozen: bool = False,
) -> AnyArray:
    """A finite array of numbers in the byte order of the machine.

    Parameters
    ----------
    name, value
        As in :func:`real`. `value` may be read-only, strided or of foreign byte order. Arrays of
        bool, of objects and of strings are refused, and so are masked arrays, whose mask would
        be lost.
    dtype : dtype
        Type of the result: real (any kind of float), complex, or integer.
    ndim : int or tuple of int, optional
        Number of dimensions that is allowed.
    shape : tuple of int or None, optional
        Lengths that are demanded; None leaves one free.
    frozen : bool
        Whether the result can be written to.

    Returns
    -------
    array
        Always a copy: the caller may change `value` afterwards.

    Raises
    ------
    TypeError
        `value` does not hold numbers of this type.
    ValueError
        It is not finite, or of another shape.

    Examples
    --------
    >>> array("V", [1, 2], ndim=1)
    array([1., 2.])
    """
    parts = value if isinstance(value, list | tuple) else (value,)
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            f"{name} must be a plain array, got a masked one; "
            f"pass {name}.filled(...) or {name}.compressed()"
        )
    wanted = np.dtype(dtype)
    try:
        given = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of numbers: {error}") from None
    if given.dtype.hasobject:
        given = _wide_integers(name, given, wanted)
    kinds = {"f": "iuf", "c": "iufc", "i": "iu", "u": "iu"}[wanted.kind]
    # An empty list has the dtype float64 by convention of numpy.
    if given.dtype.kind not in kinds and not (given.size == 0 and given.dtype.kind == "f"):
        noun = {"f": "real numbers", "c": "numbers"}.get(wanted.kind, "integers")
        raise TypeError(f"{name} must hold {noun}, got dtype {given.dtype}")
    dimensions = (ndim,) if isinstance(ndim, int) else ndim
    if dimensions is not None and given.ndim not in dimensions:
        listed = " or ".join(map(str, dimensions))
        raise ValueError(
            f"{name} must have {listed} dimension{'s' if listed != '1' else ''}, "
            f"got shape {given.shape}"
        )
    if shape is not None and (
        given.ndim != len(shape)
        or any(n is not None and n != m for n, m in zip(shape, given.shape, strict=True))
    ):
        listed = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} must have shape ({listed}), got shape {given.shape}")
    if wanted.kind in "iu":
        bounds = np.iinfo(wanted)
        if given.size and (given.min() < bounds.min or given.max() > bounds.max):
            raise ValueError(f"{name} must lie in {bounds.min} to {bounds.max}")
    with np.errstate(over="ignore"):
        converted = np.array(given, dtype=wanted)
    if wanted.kind in "fc" and not np.isfinite(converted).all():
        at = int(np.flatnonzero(~np.isfinite(converted.ravel()))[0])
        raise ValueError(f"{name} must be finite, got {given.ravel()[at]} at position {at}")
    if frozen:
        converted.setflags(write=False)
    return converted


def seed(value: object, *, name: str = "seed") -> int:
    """A seed of 64 bits; None draws one from the operating system.

    Parameters
    ----------
    value : object
        Value of the argument.
    name : str
        Name of the argument; scikit-learn calls it ``random_state``.

    Raises
    ------
    TypeError
        `value` is neither None nor an integer (a bool is not).
    ValueError
        `value` is negative or has more than 64 bits.

    Examples
    --------
    >>> seed(7)
    7
    """
    if value is None:
        return (
            int.from_bytes(os.urandom(8), "little") >> 1
        )  # fits a signed integer of 64 bits in files and tables
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer or None, got {value!r}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer or None, got {shown(value)}") from None
    if not 0 <= number <= MAX_SEED:
        raise ValueError(
            f"{name} must be at least 0 and at most 2^64 - 1, got {name} = {shown(number)}"
        )
    return number


def threads(value: object) -> int | None:
    """A number of worker threads, 1 to 1024, or None for all cores.

    Raises
    ------
    TypeError, ValueError
        `value` is neither None nor such a number.

    Examples
    --------
    >>> threads(2)
    2
    """
    return None if value is None else whole("threads", value, most=MAX_THREADS)


def half_bandwidth(value: object) -> float:
    """The half bandwidth D of a band.

    Raises
    ------
    TypeError, ValueError
        `value` is not a positive number between 1e-100 and 1e100.

    Examples
    --------
    >>> half_bandwidth(1)
    1.0
    """
    D = real("D", value)
    if not 1e-100 < D < 1e100:
        raise ValueError(f"half bandwidth D must be positive (1e-100 to 1e100), got D = {value}")
    return D


def _range(
    above: float | None, least: float | None, below: float | None, most: float | None
) -> str:
    ends = [
        (above, "above {}"),
        (least, "at least {}"),
        (below, "below {}"),
        (most, "at most {}"),
    ]
    return " and ".join(text.format(_number(end)) for end, text in ends if end is not None)


def _number(x: float) -> str:
    return str(x) if isinstance(x, int) else f"{x:g}"


def _wide_integers(name: str, given: AnyArray, wanted: np.dtype[Any]) -> AnyArray:
    """Python integers of more than 64 bits, which numpy keeps as objects, as floats."""
    if wanted.kind not in "iufc" or not all(type(x) is int for x in given.flat):
        return given  # refused by its dtype
    if wanted.kind in "iu":
        bounds = np.iinfo(wanted)
        raise ValueError(f"{name} must lie in {bounds.min} to {bounds.max}")
    try:
        return given.astype(np.float64)
    except OverflowError:
        raise ValueError(f"{name} must be finite, got an integer above 1e308") from None


def _remedy(hint: str) -> str:
    return f"; {hint}" if hint else ""


def shown(value: Any, longest: int = 80) -> str:
    """The value for a message, shortened."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return f"a {type(value).__name__} too long to be shown"
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
