"""What became of a call with one bad argument."""

import dataclasses
import math
import re
import types

import numpy as np

import kadanoff as kd
from tests.fuzz.values import FINITE, LAYOUTS

__all__ = ["ALLOWED", "VERDICTS", "of_exception", "of_result"]

VERDICTS = (
    "named", "accepted", "not named", "other exception", "nan out", "wrong kind", "other numbers",
    "repr fails", "over the limit", "died",
)  # fmt: skip
"""The first two are right, and so is nothing else."""

ALLOWED = (ValueError, TypeError, MemoryError, kd.NotConverged, kd.NumericalError, kd.Cancelled)
NOT_A_REFUSAL = (kd.NotConverged, kd.NumericalError)
DEPTH = 4


def of_exception(error, argument, value):
    """The verdict on an exception, and its text."""
    text = f"{type(error).__name__}: {error}"
    subclasses = (UnicodeError, np.exceptions.AxisError, np.linalg.LinAlgError)
    if isinstance(error, OSError) and error.filename is not None:
        return "named", text
    if isinstance(error, OSError):
        return "other exception", text
    if not isinstance(error, ALLOWED) or isinstance(error, subclasses):
        return "other exception", text
    if isinstance(error, NOT_A_REFUSAL) or names(str(error), argument):
        return "named", text
    return "not named", text


def names(message, argument):
    """Whether a message names an argument; an item of `factors` may be called factor."""
    if argument == "a":  # an article, and the advice of numpy, Use a.any(), name nothing
        return re.search(r"^a (must|=)|[\s(]a (must|=)|'a'|`a`", message) is not None
    words = {argument, argument[:-1] if argument.endswith("s") else argument}
    return any(
        re.search(rf"(?<![A-Za-z0-9_]){re.escape(w)}(?![A-Za-z0-9_])", message) for w in words
    )


def of_result(result, kind, good, base, same=True, *, warned):
    """The verdict on a call that returned."""
    try:
        text = repr(result)
        html = getattr(result, "_repr_html_", None)
        if html is not None and not isinstance(result, type):
            html()
    except Exception as error:
        return "repr fails", f"{type(error).__name__}: {error}"
    text = f"{type(result).__name__} {' '.join(text.split())}"[:200]
    if wrong_kind(kind, good):
        return "wrong kind", text
    found = dict(leaves(result))
    if kind in LAYOUTS:
        same = not same or equal(found, base)
        return ("accepted" if same else "other numbers"), text
    if kind in FINITE and not warned:
        for path, leaf in found.items():
            if not finite(leaf) and finite(base.get(path, 0.0)):
                return "nan out", f"{path}: {text}"
    return "accepted", text


def wrong_kind(kind, good):
    """Whether no call should take this kind in place of that good value."""
    if kind in ("object", "array of objects", "masked"):
        return True
    number = isinstance(good, int | float | np.number) and not isinstance(good, bool)
    if number:
        return kind in ("string", "bool", "dict", "array of strings") or (
            kind == "complex" and not isinstance(good, complex)
        )
    if isinstance(good, bool | np.bool_):
        return kind in ("string", "dict", "complex", "0.5", "2**40", "array of strings")
    if isinstance(good, str):
        return kind in ("bool", "complex", "0.5", "2**40", "dict")
    if isinstance(good, np.ndarray):
        return kind in ("string", "bool", "dict", "array of strings")
    return False


def finite(leaf):
    return bool(np.isfinite(leaf).all())


def equal(one, other):
    """Equal numbers; sums may run in another order for another layout."""
    if one.keys() != other.keys():
        return False
    for path, a in one.items():
        a, b = np.asarray(a), np.asarray(other[path])
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True):
            return False
    return True


def leaves(thing, path="", depth=DEPTH):
    """Numbers in a result, by their place: of fields, attributes, mappings and sequences."""
    if isinstance(thing, bool | str | bytes | type | types.FunctionType) or thing is None:
        return
    if isinstance(thing, int | float | complex | np.number):
        try:
            yield path, complex(thing) if isinstance(thing, complex) else float(thing)
        except OverflowError:
            yield path, math.inf
    elif isinstance(thing, np.ndarray):
        if thing.dtype.kind in "iufc":
            yield path, thing
    elif depth == 0:
        return
    elif isinstance(thing, dict):
        for key, value in list(thing.items())[:50]:
            yield from leaves(value, f"{path}[{key!r}]", depth - 1)
    elif isinstance(thing, list | tuple):
        for k, value in enumerate(thing[:50]):
            yield from leaves(value, f"{path}[{k}]", depth - 1)
    elif type(thing).__module__.startswith("kadanoff"):
        for name, value in attributes(thing).items():
            if not name.startswith("_") and name != "seconds":
                yield from leaves(value, f"{path}.{name}", depth - 1)


def attributes(thing):
    if dataclasses.is_dataclass(thing):
        return {f.name: getattr(thing, f.name, None) for f in dataclasses.fields(thing)}
    return dict(getattr(thing, "__dict__", {}))
