"""Bad values for one argument: of no use whatever the argument is, or bent from a good one."""

import numpy as np

__all__ = ["FINITE", "KINDS", "LAYOUTS", "bad_value"]


class AbsentError(Exception):
    """This kind has no value for this argument."""


PLAIN = {
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "minus inf": lambda: -float("inf"),
    "0": lambda: 0,
    "-1": lambda: -1,
    "0.5": lambda: 0.5,
    "1e300": lambda: 1e300,
    "1e-300": lambda: 1e-300,
    "2**40": lambda: 2**40,
    "2**63": lambda: 2**63,
    "string": lambda: "3",
    "None": lambda: None,
    "bool": lambda: True,
    "complex": lambda: 1j,
    "empty list": lambda: [],
    "dict": dict,
    "object": object,
}


def array_of(good):
    """The good value as an array of numbers, or AbsentError."""
    if isinstance(good, str | bytes | bool | int | float | complex | dict) or good is None:
        raise AbsentError
    try:
        found = np.array(good)
    except Exception:
        raise AbsentError from None
    if found.dtype.kind not in "iufc" or found.size == 0 or found.ndim == 0:
        raise AbsentError
    return found


def any_array(good):
    try:
        return array_of(good)
    except AbsentError:
        return np.array([1.0, 2.0])


def with_inside(good, value):
    found = array_of(good).astype(complex if array_of(good).dtype.kind == "c" else float)
    found.flat[found.size // 2] = value
    return found


def masked(good):
    found = any_array(good)
    mask = np.zeros(found.shape, bool)
    mask.flat[0] = True
    return np.ma.MaskedArray(found, mask)


def strided(good):
    """The same numbers, big-endian, in the order of Fortran, every second element of a larger."""
    if not isinstance(good, np.ndarray):
        raise AbsentError
    found = array_of(good)
    wide = np.zeros([2 * n for n in found.shape], found.dtype.newbyteorder(">"), order="F")
    view = wide[tuple(slice(None, None, 2) for _ in found.shape)]
    view[...] = found
    return view


def read_only(good):
    if not isinstance(good, np.ndarray):
        raise AbsentError
    found = np.ascontiguousarray(array_of(good)[::-1])[::-1]  # a negative stride
    found.flags.writeable = False
    return found


FROM_GOOD = {
    "masked": masked,
    "array of strings": lambda good: any_array(good).astype(str),
    "array of objects": lambda good: np.array([object()] * any_array(good).size, dtype=object),
    "wrong shape": lambda good: np.ones((*any_array(good).shape, 1, 3)),
    "nan inside": lambda good: with_inside(good, np.nan),
    "1e300 inside": lambda good: with_inside(good, 1e300),
    "strided": strided,
    "read-only": read_only,
}

KINDS = (*PLAIN, *FROM_GOOD)
LAYOUTS = ("strided", "read-only")
FINITE = frozenset(KINDS) - {"nan", "inf", "minus inf", "nan inside", "masked", "object", "None"}
"""Kinds that must not give NaN or infinity without a word."""


def bad_value(kind, good):
    """A value of this kind in place of a good one; `AbsentError` if the kind does not apply."""
    return PLAIN[kind]() if kind in PLAIN else FROM_GOOD[kind](good)
