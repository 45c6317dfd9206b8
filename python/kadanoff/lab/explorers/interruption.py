"""A call of plain Python that another thread can cancel."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

from kadanoff import Cancelled, Control
from kadanoff._base import interruptible

__all__ = ["interruptible_call"]

LOOK = 0.05  # seconds between two looks at the control
R = TypeVar("R")


class _Stopped(Cancelled):
    def __init__(self, *arguments: object) -> None:
        super().__init__("the computation was stopped")


def interruptible_call(call: Callable[[], R], control: Control) -> R:
    """``call()``, stopped between two of its lines of Python when `control` is cancelled.

    Raises
    ------
    Cancelled
        It was stopped.

    Examples
    --------
    >>> interruptible_call(lambda: 3, Control())
    3
    """
    if not interruptible.HAS_THREADS:
        return call()
    worker = threading.get_ident()
    lock = threading.Lock()  # held while the exception is sent: the call has not yet ended then
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK):
            if control.cancelled:
                with lock:
                    if not ended.is_set():
                        _send(worker, _Stopped)
                return

    watcher = threading.Thread(target=watch, name="kadanoff-watcher", daemon=True)
    watcher.start()
    try:
        try:
            return call()
        finally:
            with lock:
                ended.set()
            _send(worker, None)  # one that was sent and has not arrived
    finally:
        ended.set()


def _send(thread: int, kind: type[BaseException] | None) -> None:
    given = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), given)
