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
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from kadanoff._base.kinds import Kinds

__all__ = ["did_you_mean", "internal", "public", "unknown_keyword"]

F = TypeVar("F", bound=Callable[..., Any])
_MENDED = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, MemoryError)
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

    Arguments whose kind does not fit their annotation are refused, see `kadanoff._base.kinds`.

    Parameters
    ----------
    target : function or class
        Decorated directly, as ``@public``. For a class its ``__init__`` is guarded, and so are
        its public methods.
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


def internal(method: F) -> F:
    """A method of a public class that only the package calls: its arguments are not looked at.

    A guard costs a microsecond, as much as an operation on a short array.
    """
    method.is_guarded = True  # type: ignore[attr-defined]
    return method


def _decorated(target: Any, options: tuple[Any, ...]) -> Any:
    if not isinstance(target, type):
        return _guarded(target, options)
    made = getattr(getattr(target.__init__, "__code__", None), "co_filename", "")  # type: ignore[misc]
    plain = made == "<string>" and not hasattr(target, "__post_init__")  # a dataclass wrote it
    guarded = _guarded(target.__init__, options, target.__name__, plain)  # type: ignore[misc]
    target.__init__ = guarded  # type: ignore[misc]
    for cls in target.__mro__:
        if cls is target or cls.__module__.startswith("kadanoff."):
            _guard_methods(cls)
            _guard_reprs(cls)
    return target


def _guard_methods(cls: type) -> None:
    """Guard the public methods that a class defines, those of a private base included."""
    for name, method in list(vars(cls).items()):
        inner = getattr(method, "__func__", method)  # of class and static methods
        if name.startswith("_") or not isinstance(inner, types.FunctionType):
            continue
        if hasattr(inner, "is_guarded") or getattr(inner, "__isabstractmethod__", False):
            continue
        guarded = _guarded(inner, ())
        setattr(cls, name, type(method)(guarded) if inner is not method else guarded)


def _guard_reprs(cls: type) -> None:
    """A repr never fails: not of data that do not fit together, not in a traceback."""
    for name in ("__repr__", "_repr_html_"):
        method = vars(cls).get(name)
        if isinstance(method, types.FunctionType) and not hasattr(method, "is_guarded"):
            setattr(cls, name, _safe(method))


def _safe(method: Callable[[Any], str]) -> Callable[[Any], str]:
    @functools.wraps(method)
    def text(self: Any) -> str:
        try:
            return method(self)
        except Exception as error:
            return f"<{type(self).__name__} that cannot be shown: {type(error).__name__}: {error}>"

    text.is_guarded = True  # type: ignore[attr-defined]
    return text


def _guarded(
    function: Callable[..., Any],
    options: tuple[Any, ...],
    name: str = "",
    plain_data: bool = False,
) -> Any:
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
    kinds: Kinds | None = None
    places: tuple[str, ...] = ()
    passed: set[tuple[type, ...]] = set()  # types by position with which a call needs no look
    converts = False

    @functools.wraps(function)
    def guarded(*args: Any, **keywords: Any) -> Any:
        if keywords and not takes_any and not keywords.keys() <= known:
            first = next(key for key in keywords if key not in known)
            raise unknown_keyword(label, first, sorted(known - {"self", "cls"}))
        nonlocal kinds, places, converts
        if kinds is None:  # annotations are looked at when a function is called first
            from kadanoff._base.kinds import kinds_of

            places = _places(function)
            # An estimator looks at its parameters when it is fitted.
            later = function.__name__ == "__init__" and hasattr(args[0], "get_params")
            # A __post_init__ converts: the annotations of its fields say what it makes of them.
            converts = function.__name__ == "__init__" and hasattr(args[0], "__post_init__")
            kinds = (
                kinds_of(lambda: None)
                if later
                else kinds_of(function, options, plain_data=plain_data or converts)
            )
        if not converts:
            given_types = tuple(map(type, args))
            if given_types not in passed:
                kinds.refuse(zip(places, args, strict=False))
                if kinds.pass_by_type(zip(places, given_types, strict=False)):
                    passed.add(given_types)
            if keywords:
                kinds.refuse(keywords.items())
        try:
            result = function(*args, **keywords)
            if converts:
                kinds.refuse_made(args[0])
            return result
        except _MENDED as error:
            trace = error.__traceback__
            if isinstance(error, TypeError) and not (trace and trace.tb_next):
                # Refused by the call itself: Python names the class that has the __init__.
                text = str(error).replace(f"{function.__qualname__}()", f"{label}()", 1)
                raise TypeError(text) from None
            from kadanoff._base.boundary import translated

            given = dict(zip(places, args, strict=False)) | keywords
            given = {key: value for key, value in given.items() if key not in ("self", "cls")}
            if converts:  # what a default of None stands for, the __post_init__ knows
                given = {
                    key: value
                    for key, value in given.items()
                    if value is not None or getattr(type(args[0]), key, "") is not None
                }
            other = kinds.explain(error, given) or translated(error, label, given)
            if other is None:
                raise
            raise other from error

    guarded.is_guarded = True  # type: ignore[attr-defined]
    if options:
        guarded.__signature__ = signature  # type: ignore[attr-defined]
    return guarded


def _places(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the arguments that may come by position."""
    return tuple(
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    )


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
