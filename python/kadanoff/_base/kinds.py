"""The kind of an argument, from its annotation: what `public` looks at.

An annotation says whether a number, a count, a flag, an array or an object of the package is
wanted. Before a call begins only plain values are looked at, numbers, flags and words, as `checks`
would, and masked arrays, whose mask would be lost: for these an annotation is exact. Arrays,
sequences and objects have many relatives that serve as well, and the function itself knows them
best. Only if it fails, and does not name an argument, the annotation explains why. Of an
annotation that says nothing here (``Any``, a protocol) every value passes.

>>> def area(radius: float, scale: "int | None" = None): ...
>>> kinds_of(area).refuse([("radius", "3")])
Traceback (most recent call last):
kadanoff._base.kinds.WrongKind: radius must be a real number, got '3'
"""

from __future__ import annotations

import builtins
import collections.abc
import dataclasses
import importlib
import operator
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Complex, Real
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.checks import shown

__all__ = ["Kind", "Kinds", "WrongKind", "is_whole", "kind", "kinds_of", "mentions"]

MAX_ITEMS = 64  # items of a sequence that are looked at; the code behind looks at all
_NUMERIC = "biufc"
_BY_TYPE = (float, bool, type(None))  # every kind takes all of their values, or none
_ABSENT = object()


class WrongKind(TypeError):  # noqa: N818
    """A value does not fit the annotation of its argument."""


@dataclass(frozen=True)
class Kind:
    """Values that an annotation allows, and the words for them.

    It may stand in an annotation itself: ``Annotated[Any, Kind("a path", is_path)]``.
    """

    words: str
    accepts: Callable[[Any], bool]
    counts: bool = False  # integers, to which a common upper limit applies
    choices: tuple[str, ...] = ()  # the words that are allowed
    plain: bool = False  # numbers, flags and words, looked at before the call


class Kinds:
    """What the annotations of a function say on its arguments.

    Parameters
    ----------
    found : mapping of str to Kind
        By the name of the argument.
    """

    def __init__(self, found: Mapping[str, Kind]) -> None:
        self.found = found
        # What has passed before by its type alone, as most arguments do: nothing to look at again.
        self.passed: set[tuple[str, type]] = set()
        self.passed_made: set[tuple[str, type]] = set()

    def refuse(self, arguments: Iterable[tuple[str, Any]]) -> None:
        """Before the call: plain values of the wrong kind, and masked arrays."""
        for name, value in arguments:
            if (name, type(value)) in self.passed:
                continue
            wanted = self.found.get(name)
            if wanted is None:
                self.passed.add((name, type(value)))
                continue
            if wanted.choices:
                checks.choice(name, value, wanted.choices)
            is_looked_at = wanted.plain or isinstance(value, np.ma.MaskedArray)
            if is_looked_at and not wanted.accepts(value):
                raise WrongKind(refusal(name, value, wanted))
            is_large = wanted.counts and isinstance(value, int) and abs(value) > checks.MAX_COUNT
            if is_large and (error := checks.beyond(name, value)):
                raise error
            if not wanted.choices and (type(value) in _BY_TYPE or not wanted.plain):
                self._pass(name, value, wanted)

    def _pass(self, name: str, value: Any, wanted: Kind) -> None:
        """Remember a type that passes whatever the value."""
        if not (wanted.counts and isinstance(value, int)):
            self.passed.add((name, type(value)))

    def pass_by_type(self, arguments: Iterable[tuple[str, type]]) -> bool:
        """Whether arguments of these types pass whatever their values."""
        return self.passed.issuperset(arguments)

    def refuse_made(self, thing: Any) -> None:
        """After a dataclass has been made: fields that do not hold what their annotations say."""
        for name, wanted in self.found.items():
            value = getattr(thing, name, _ABSENT)
            if (name, type(value)) in self.passed_made or value is _ABSENT:
                continue
            if not wanted.accepts(value):
                raise WrongKind(refusal(name, value, wanted))
            if type(value) in _BY_TYPE:
                self.passed_made.add((name, type(value)))

    def explain(self, error: Exception, arguments: Mapping[str, Any]) -> Exception | None:
        """After a call that failed: the argument of the wrong kind, unless the error names one."""
        if isinstance(error, TypeError | ValueError | MemoryError) and any(
            mentions(str(error), name) for name in arguments
        ):
            return None
        for name, value in arguments.items():
            wanted = self.found.get(name)
            if wanted is not None and not wanted.accepts(value):
                return WrongKind(refusal(name, value, wanted))
            if wanted is not None and wanted.counts and (found := checks.beyond(name, value)):
                return found
        return None


def kinds_of(
    function: Callable[..., Any], options: Iterable[Any] = (), *, plain_data: bool = False
) -> Kinds:
    """The kinds of the arguments of a function, given by name.

    Parameters
    ----------
    function : callable
        Its annotations are read.
    options : iterable of dataclasses
        Those that the function takes as keywords. They look at their fields themselves; here only
        counts beyond all use are refused.
    plain_data : bool
        Whether nothing behind looks at the values, as in the constructor of a plain dataclass: all
        annotations then count before the call, and a string must be one.
    """
    home = getattr(function, "__globals__", {})
    found = {
        name: made
        for name, annotation in getattr(function, "__annotations__", {}).items()
        if name != "return" and (made := kind(annotation, home)) is not None
    }
    for cls in options:
        for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
            made = kind(field.type, vars(sys.modules[cls.__module__]))
            if made is not None and made.counts:
                found.setdefault(field.name, _COUNT)
    if plain_data:
        found |= {
            name: _TEXT
            for name, annotation in getattr(function, "__annotations__", {}).items()
            if annotation in (str, "str") and name != "return"
        }
        found = {name: replace(made, plain=True) for name, made in found.items()}
    return Kinds(found)


def mentions(text: str, name: str) -> bool:
    """Whether a message names an argument; an article, and numpy's ``a.any()``, are no name."""
    if name == "a":
        return re.search(r"^a (must|=)|[\s(]a (must|=)|'a'|`a`", text) is not None
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def refusal(name: str, value: Any, wanted: Kind) -> str:
    """The message that refuses a value."""
    if isinstance(value, np.ma.MaskedArray):
        return (
            f"{name} must be a plain array, got a masked one; "
            f"pass {name}.filled(...) or {name}.compressed()"
        )
    return f"{name} must be {wanted.words}, got {shown(value)}"


def kind(annotation: Any, home: Mapping[str, Any]) -> Kind | None:
    """The kind that an annotation asks for; None if every value passes.

    Parameters
    ----------
    annotation : type or str
        As in ``function.__annotations__``.
    home : mapping
        Global names of the module where it stands.

    Examples
    --------
    >>> kind("float | None", {}).words
    'a real number or None'
    """
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, dict(home), _Elsewhere(home))
        except (NameError, TypeError, AttributeError, SyntaxError):
            return None  # a name that only type checkers know
    try:
        return _kind(annotation, home)
    except TypeError:
        return None


class _Elsewhere(dict[str, Any]):
    """Names that a module imports for type checkers alone, from wherever they are loaded."""

    def __init__(self, home: Mapping[str, Any]) -> None:
        super().__init__()
        self.home = home

    def __missing__(self, name: str) -> Any:
        if name in self.home or hasattr(builtins, name):
            raise KeyError(name)
        if name == "Axes":
            return importlib.import_module("matplotlib.axes").Axes
        if name in vars(collections.abc):
            return getattr(collections.abc, name)
        found = [
            vars(module)[name]
            for module_name, module in list(sys.modules.items())
            if module_name.startswith("kadanoff.") and name in getattr(module, "__dict__", {})
        ]
        if not found or not all(thing is found[0] for thing in found):
            raise KeyError(name)  # several things have this name: which one is meant is unknown
        return found[0]


def _real(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "iuf"
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def is_whole(value: Any) -> bool:
    """Whether a value is an integer; a bool is none."""
    if isinstance(value, bool | np.bool_):
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _array(value: Any, looked_at: int = MAX_ITEMS) -> bool:
    """Whether numpy can make an array of numbers of it; a mask would be lost."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in _NUMERIC and not isinstance(value, np.ma.MaskedArray)
    if isinstance(value, list | tuple):
        deeper = max(1, looked_at // max(1, len(value)))  # of a nested list not all is looked at
        return all(_array(item, deeper) or isinstance(item, bool) for item in value[:looked_at])
    if isinstance(value, bool | str | bytes | dict | set) or value is None:
        return False
    if isinstance(value, Complex):
        return True
    return hasattr(value, "__array__") or isinstance(value, collections.abc.Sequence)


_SIMPLE: dict[Any, Kind] = {
    float: Kind("a real number", _real, plain=True),
    int: Kind("an integer", is_whole, counts=True, plain=True),
    bool: Kind("True or False", lambda value: isinstance(value, bool | np.bool_), plain=True),
    complex: Kind(
        "a number",
        lambda value: isinstance(value, Complex) and not isinstance(value, bool | np.bool_),
        plain=True,
    ),
    type(None): Kind("None", lambda value: value is None, plain=True),
}
_ARRAY = Kind("an array of numbers", _array)
_COUNT = Kind("an integer", lambda value: True, counts=True)
_GENERATOR = Kind(
    "a numpy.random.Generator", lambda value: isinstance(value, np.random.Generator), plain=True
)
_WORD = Kind("a string", lambda value: not isinstance(value, list | dict | np.ndarray), plain=True)
_TEXT = Kind("a string", lambda value: isinstance(value, str), plain=True)


def _kind(annotation: Any, home: Mapping[str, Any]) -> Kind | None:
    if annotation is None:
        annotation = type(None)
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if annotation is str:
        return _WORD
    if annotation is np.random.Generator:
        return _GENERATOR
    if typing.get_origin(annotation) is typing.Literal:
        return _words(typing.get_args(annotation))
    if annotation is _array_like():
        return _ARRAY
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _union(inside, home)
    if origin is np.ndarray:
        return _ARRAY  # a number is an array of no dimension
    if origin is typing.Annotated:
        return next((m for m in annotation.__metadata__ if isinstance(m, Kind)), None)
    if origin is os.PathLike:
        return Kind("a path", lambda value: isinstance(value, os.PathLike | str))
    if origin is collections.abc.Callable:
        return Kind("callable", callable)
    if origin is not None and isinstance(origin, type):
        return _container(origin, inside, home)
    if isinstance(annotation, type) and annotation.__module__.partition(".")[0] in (
        "kadanoff", "matplotlib", "builtins",
    ):  # fmt: skip
        return _instance(annotation)
    return None


def _array_like() -> Any:
    from numpy.typing import ArrayLike

    return ArrayLike


def _instance(cls: type) -> Kind | None:
    is_protocol = getattr(cls, "_is_protocol", False)
    if cls in (object, bytes) or (is_protocol and not getattr(cls, "_is_runtime_protocol", False)):
        return None  # whether an object of a user follows this protocol, the code behind says
    article = "an" if cls.__name__[0] in "AEIOU" else "a"
    return Kind(f"{article} {cls.__name__}", lambda value: isinstance(value, cls))


def _words(allowed: tuple[Any, ...]) -> Kind | None:
    if not all(isinstance(word, str) for word in allowed):
        return None
    return Kind(
        "one of " + ", ".join(map(repr, allowed)), lambda value: True, choices=allowed, plain=True
    )


def _union(members: tuple[Any, ...], home: Mapping[str, Any]) -> Kind | None:
    """One of several kinds; a string beside a path is a path."""
    members = tuple(sorted(members, key=lambda m: m is type(None)))
    if any(typing.get_origin(m) is os.PathLike for m in members):
        members = tuple(m for m in members if m is not str)
    parts = [kind(member, home) for member in members if member is not str]
    if str not in members and parts and all(p is not None and p.choices for p in parts):
        return _words(tuple(word for p in parts if p is not None for word in p.choices))
    known = [
        replace(p, choices=(), accepts=_OneOf(p.choices)) if p.choices else p
        for p in parts
        if p is not None
    ]
    if len(known) != len(parts):
        return None
    if str in members:
        return _text_or(known)
    words = list(dict.fromkeys(part.words for part in known))
    return Kind(
        " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words),
        lambda value: any(part.accepts(value) for part in known),
        counts=any(part.counts for part in known) and _SIMPLE[float] not in known,
        plain=all(part.plain for part in known),
    )


@dataclass(frozen=True)
class _OneOf:
    """Whether a value is one of some words, which an array is not; equal for equal words."""

    words: tuple[str, ...]

    def __call__(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.words


def _text_or(others: list[Kind]) -> Kind | None:
    """A name, or another kind: which names, the code behind says."""
    words = ["a string", *(part.words for part in others)]
    return Kind(
        ", ".join(words[:-1]) + " or " + words[-1],
        lambda value: _TEXT.accepts(value) or any(part.accepts(value) for part in others),
        plain=all(part.plain for part in others),
    )


def _container(origin: type, inside: tuple[Any, ...], home: Mapping[str, Any]) -> Kind | None:
    """Mappings, and sequences whose items are of one kind."""
    if issubclass(origin, collections.abc.Mapping):
        return Kind("a mapping", lambda value: isinstance(value, collections.abc.Mapping))
    if not issubclass(origin, collections.abc.Iterable):
        return None
    items = [
        _TEXT if item in (str, "str") else kind(item, home) for item in inside if item is not ...
    ]
    items = [
        replace(i, choices=(), accepts=_OneOf(i.choices)) if i and i.choices else i for i in items
    ]
    first = items[0] if items and all(i == items[0] for i in items) else None
    if issubclass(origin, list | tuple | collections.abc.Sequence):
        numbers = inside and inside[0] in (float, int)

        def sequence(value: Any) -> bool:
            if isinstance(value, np.ma.MaskedArray) or (
                isinstance(value, np.ndarray) and value.ndim == 0
            ):
                return False
            if isinstance(value, np.ndarray) and numbers:
                kinds = "iu" if inside[0] is int else _NUMERIC
                return value.dtype.kind in kinds and value.ndim == 1 and _array(value)
            if not isinstance(value, list | tuple | range | np.ndarray):
                return isinstance(value, collections.abc.Sequence) and not isinstance(value, str)
            return first is None or all(first.accepts(item) for item in value[:MAX_ITEMS])

        return Kind("a sequence" + _of(first), sequence)
    return Kind(
        "iterable" + _of(first),
        lambda value: (
            (isinstance(value, collections.abc.Iterable) or _listed(value))
            and not isinstance(value, np.ma.MaskedArray)
            and (
                first is None
                or not isinstance(value, list | tuple | np.ndarray)
                or all(first.accepts(item) for item in np.atleast_1d(value)[:MAX_ITEMS])
            )
        ),
    )


def _listed(value: Any) -> bool:
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


def _of(item: Kind | None) -> str:
    if item is None or " or " in item.words:
        return ""
    plural = {"a real number": "real numbers", "an integer": "integers", "a string": "strings"}
    words = plural.get(item.words) or "items each " + item.words
    return f" of {words}"
