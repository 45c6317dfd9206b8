"""The public callables of the package, found by introspection: new ones need not be named."""

import importlib
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

import kadanoff as kd

__all__ = ["callables", "faces", "methods", "with_methods"]


def faces() -> Iterator[tuple[str, object]]:
    """All public names, each object once, under its first name."""
    found: dict[int, str] = {}
    modules: list[tuple[str, Any]] = [("testing", importlib.import_module("kadanoff.testing"))]
    for name in kd.__all__:
        thing = getattr(kd, name)
        if isinstance(thing, types.ModuleType):
            modules.append((name, thing))
        elif found.setdefault(id(thing), name) == name:
            yield name, thing
    for place, module in modules:
        for name in module.__all__:
            thing = getattr(module, name)
            if found.setdefault(id(thing), f"{place}.{name}") == f"{place}.{name}":
                yield f"{place}.{name}", thing


def callables() -> dict[str, Callable[..., Any]]:
    """Functions and classes; exceptions, compiled classes and aliases of types are neither."""
    found: dict[str, Callable[..., Any]] = {}
    for name, thing in faces():
        if isinstance(thing, type):
            written_in_python = inspect.isfunction(thing.__init__)  # type: ignore[misc]
            if not written_in_python or issubclass(thing, BaseException | tuple | dict):
                continue
            if getattr(thing, "_is_protocol", False):
                continue
        elif not inspect.isfunction(thing):
            continue
        found[name] = thing
    return found


def methods(cls: type) -> dict[str, Callable[..., Any]]:
    """Public methods of a class that the package wrote, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in dir(cls):
        if name.startswith("_"):
            continue
        method = inspect.getattr_static(cls, name)
        method = getattr(method, "__func__", method)  # of class and static methods
        if inspect.isfunction(method) and method.__module__.startswith("kadanoff."):
            found[name] = method
    return found


def with_methods() -> dict[str, Callable[..., Any]]:
    """Functions, classes, and the public methods of these classes."""
    found: dict[str, Callable[..., Any]] = dict(callables())
    return found | {
        f"{name}.{method}": function
        for name, thing in found.items()
        if isinstance(thing, type)
        for method, function in methods(thing).items()
    }
