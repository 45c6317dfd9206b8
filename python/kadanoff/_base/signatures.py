"""Signatures that a notebook can complete, and suggestions for unknown names.

A public function is decorated with :func:`public`. An unknown keyword is then refused with the
nearest known one. Options that many calls share live in one frozen dataclass:
``@public(options=Options)`` shows its fields, with their defaults, in the signature of a function
that takes ``**options``, for Shift-Tab and completion, while ``Unpack[TypedDict]`` tells the same
to type checkers.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, overload

__all__ = ["did_you_mean", "public", "unknown_keyword"]

F = TypeVar("F", bound=Callable[..., Any])
MIN_PREFIX = 3  # letters of an abbreviation: "tol" is tolerance, "t" may be many names


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """``"; did you mean 'Gamma'?"``, or nothing if no known name is near.

    A name that begins with three or more given letters is nearer than any other.

    Examples
    --------
    >>> did_you_mean("gama", ["Gamma", "U"])
    "; did you mean 'Gamma'?"
    >>> did_you_mean("tol", ["control", "tolerance"])
    "; did you mean 'tolerance'?"
    """
    import difflib  # only a misspelt call waits for it

    names = {name.casefold(): name for name in known}
    folded = given.casefold()
    near = [name for name in sorted(names, key=len) if name.startswith(folded)]
    if len(folded) < MIN_PREFIX or not near:
        near = difflib.get_close_matches(folded, names, n=1, cutoff=0.6)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def unknown_keyword(function: str, given: str, known: Iterable[str]) -> TypeError:
    """The exception for a keyword that a function does not take.

    Examples
    --------
    >>> print(unknown_keyword("solve", "lambda_", ["Lambda", "keep"]))
    solve() has no argument 'lambda_'; did you mean 'Lambda'?
    """
    names = list(known)
    near = did_you_mean(given, names)
    if not near and names:
        near = f"; it takes {', '.join(names)}"
    return TypeError(f"{function}() has no argument {given!r}{near}")


@overload
def public(target: F) -> F: ...
@overload
def public(*, options: type | tuple[type | inspect.Parameter, ...]) -> Callable[[F], F]: ...


def public(target: Any = None, *, options: type | tuple[type | inspect.Parameter, ...] = ()) -> Any:
    """Answer unknown keywords with the nearest known one; show shared options in the signature.

    Parameters
    ----------
    target : function or class
        Decorated directly, as ``@public``. For a class its ``__init__`` is guarded.
    options : dataclass or tuple of dataclasses and inspect.Parameter
        Those that the function takes as ``**options``.

    Examples
    --------
    >>> @public
    ... def width(*, Gamma=0.1):
    ...     return Gamma
    >>> width(gamma=0.2)
    Traceback (most recent call last):
    TypeError: width() has no argument 'gamma'; did you mean 'Gamma'?
    """
    if target is None:
        shared = options if isinstance(options, tuple) else (options,)
        return lambda function: _decorated(function, shared)
    return _decorated(target, ())


def _decorated(target: Any, options: tuple[Any, ...]) -> Any:
    if not isinstance(target, type):
        return _guarded(target, options)
    guarded = _guarded(target.__init__, options, name=target.__name__)  # type: ignore[misc]
    target.__init__ = guarded  # type: ignore[misc]
    return target


def _guarded(function: Callable[..., Any], options: tuple[Any, ...], name: str = "") -> Any:
    signature = None
    if options or not isinstance(function, types.FunctionType) or hasattr(function, "__wrapped__"):
        signature = _with_options(inspect.signature(function), options)
        parameters = signature.parameters.values()
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        known = frozenset(
            p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        )
    else:  # the same from the code object: `import kadanoff` decorates some 300 functions
        code = function.__code__
        last = code.co_argcount + code.co_kwonlyargcount
        takes_any = bool(code.co_flags & inspect.CO_VARKEYWORDS)
        known = frozenset(code.co_varnames[code.co_posonlyargcount : last])
    label = name or function.__name__

    @functools.wraps(function)
    def guarded(*args: Any, **keywords: Any) -> Any:
        if not takes_any and not keywords.keys() <= known:
            first = next(key for key in keywords if key not in known)
            raise unknown_keyword(label, first, sorted(known - {"self", "cls"}))
        try:
            return function(*args, **keywords)
        except TypeError as error:
            # Refused by the call itself: Python names the class that has the __init__.
            if not name or (error.__traceback__ and error.__traceback__.tb_next):
                raise
            text = str(error).replace(f"{function.__qualname__}()", f"{label}()", 1)
            raise TypeError(text) from None

    if options:
        guarded.__signature__ = signature  # type: ignore[attr-defined]
    return guarded


def _with_options(signature: inspect.Signature, options: tuple[Any, ...]) -> inspect.Signature:
    """The signature with ``**options`` replaced by parameters and by fields of dataclasses."""
    if not options:
        return signature
    shown = {
        p.name: p
        for p in signature.parameters.values()
        if p.kind is not inspect.Parameter.VAR_KEYWORD
    }
    for item in options:
        for parameter in (item,) if isinstance(item, inspect.Parameter) else _parameters(item):
            shown.setdefault(parameter.name, parameter)
    return signature.replace(parameters=list(shown.values()))


def _parameters(cls: type) -> Iterator[inspect.Parameter]:
    """One keyword for each field of a dataclass."""
    for field in dataclasses.fields(cls):
        if field.init:
            kind = inspect.Parameter.KEYWORD_ONLY
            yield inspect.Parameter(
                field.name, kind, default=_default(field), annotation=field.type
            )


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return inspect.Parameter.empty
