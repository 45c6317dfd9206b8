"""The newest results by key, shared by the explorers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

__all__ = ["Cache"]


class Cache:
    """The newest results by key; an interrupted computation leaves none.

    Parameters
    ----------
    size : int
        Number of results that are kept.

    Examples
    --------
    >>> cache = Cache(2)
    >>> cache.get("a", lambda: 1), cache.get("a", lambda: 2)
    (1, 1)
    >>> cache.known("b") is None
    True
    """

    def __init__(self, size: int) -> None:
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()

    def known(self, key: Hashable) -> Any:
        """The result, or None."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The result, computed now if it is not known."""
        found = self.known(key)
        if found is not None:
            return found
        value = make()
        with self._lock:
            self._found[key] = value
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return value
