"""The exceptions of kadanoff beyond ValueError, TypeError and MemoryError."""

from __future__ import annotations

from typing import Any


class NotConverged(RuntimeError):  # noqa: N818
    """An iteration ended before it met its tolerance; `partial` is the last iterate."""

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


class Cancelled(KeyboardInterrupt):
    """A computation was stopped, by the stop button, Ctrl-C or `Control.cancel`.

    It derives from KeyboardInterrupt, so that ``except Exception`` in a loop does not swallow the
    stop button. `partial` holds what was computed until then, or None.
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


class NumericalError(ArithmeticError):
    """A decomposition failed its check or a result is not finite; the message says where."""
