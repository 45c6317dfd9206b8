"""A property that is computed once, without the lock of Python before 3.12.

`functools.cached_property` took a lock there, which costs more than many a value of a few numbers.

>>> class Circle:
...     @kept
...     def area(self) -> float:
...         print("computed")
...         return 3.14
>>> circle = Circle()
>>> circle.area + circle.area
computed
6.28
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar, overload

__all__ = ["kept"]

T = TypeVar("T")


class kept(cached_property[T]):  # noqa: N801  # a decorator
    """A `functools.cached_property`; two threads at once may both compute the same value."""

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> kept[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> kept[T] | T:
        if instance is None:
            return self
        assert self.attrname is not None
        value: T = self.func(instance)
        instance.__dict__[self.attrname] = value
        return value
