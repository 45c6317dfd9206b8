"""Exceptions at the border of the package: what Python and numpy raise, in the package's words.

A number out of range that no check has foreseen ends as ``OverflowError: (34, ...)`` or
``MemoryError: Unable to allocate 8 TiB`` deep inside. The public call turns it into one of the
exceptions that the package promises, with the arguments that are extreme.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from types import TracebackType
from typing import Any

import numpy as np

from kadanoff._base.checks import shown
from kadanoff._base.errors import NumericalError
from kadanoff._base.kinds import mentions

__all__ = ["translated"]

LARGE_COUNT = 10**6  # integers above are named where memory does not suffice
EXTREME = 1e9  # numbers above it or below its inverse are named where an operation fails
_OURS = (
    *("kadanoff", "numpy", "scipy", "mpmath", "sklearn", "sparse_ir", "threadpoolctl"),
    *("contextlib", "functools", "dataclasses", "copy", "concurrent", "threading"),
)


def translated(error: Exception, function: str, arguments: Mapping[str, Any]) -> Exception | None:
    """The exception to raise instead; None if this one stands.

    Parameters
    ----------
    error : Exception
        As it left the function.
    function : str
        Name of the function.
    arguments : mapping
        Its arguments by name.

    Examples
    --------
    >>> try:
    ...     1.0 / 0
    ... except ZeroDivisionError as error:
    ...     translated(error, "solve", {"T": 0})
    """
    is_numpy = type(error).__module__.startswith("numpy")  # it notes shape and dtype
    if (vars(error) and not is_numpy) or not _is_ours(error.__traceback__):
        return None  # it carries a partial result, or comes from a function of the user
    named = any(mentions(str(error), name) for name in arguments)
    if isinstance(error, MemoryError):
        if named or hasattr(error, "is_translated"):
            return None
        large = _named(arguments, lambda x: abs(x) >= LARGE_COUNT)
        made = MemoryError(f"{function}() needs more memory than there is{large}: {error}")
        made.is_translated = True  # type: ignore[attr-defined]
        return made
    if isinstance(error, np.linalg.LinAlgError) or (
        isinstance(error, ArithmeticError) and not isinstance(error, NumericalError)
    ):
        extreme = _named(arguments, lambda x: not 1 / EXTREME < abs(x) < EXTREME)
        return NumericalError(f"{function}(): {str(error) or type(error).__name__}{extreme}")
    if type(error) is ValueError and not named:
        extreme = _named(arguments, lambda x: not 1 / EXTREME < abs(x) < EXTREME and x != 0)
        return ValueError(f"{error}; {function}() was called{extreme}") if extreme else None
    return None


def _named(arguments: Mapping[str, Any], is_extreme: Any) -> str:
    """The extreme ones among the arguments, for a message."""
    words = [f"{name} = {shown(x)}" for name, x in _numbers(arguments) if is_extreme(x)]
    return f" at {', '.join(words)}" if words else ""


def _numbers(arguments: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in arguments.items():
        if isinstance(value, Real) and not isinstance(value, bool):
            try:
                yield name, value if isinstance(value, int) else float(value)
            except OverflowError:
                yield name, math.inf
        elif isinstance(value, np.ndarray) and value.size and value.dtype.kind in "iuf":
            yield name, float(np.abs(value).max())


def _is_ours(trace: TracebackType | None) -> bool:
    """Whether all frames of a traceback, but the outermost, belong to numerical code."""
    frame = trace.tb_next if trace is not None else None
    if frame is None:
        return False
    while frame is not None:
        root = frame.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if root not in _OURS:
            return False
        frame = frame.tb_next
    return True
