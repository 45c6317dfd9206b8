"""Progress bars and the control object of long calls.

A bar appears only when a call takes longer than half a second and where it can be seen: in a
terminal or in a notebook. tqdm is imported by the first call that may show one, before its work
begins.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

__all__ = ["Report", "bar", "in_a_kernel"]

Report = Callable[[int, int], object]

PATIENCE = 0.5  # seconds before a bar appears


def watched() -> bool:
    """Whether a bar is visible: in a terminal or a kernel, unless ``KADANOFF_PROGRESS`` is off."""
    if os.environ.get("KADANOFF_PROGRESS", "") in {"0", "off", "false"}:
        return False
    return in_a_kernel() or sys.stderr.isatty()


def in_a_kernel() -> bool:
    """Whether this process is a notebook's kernel, not one that merely imported Jupyter."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


def checked_progress(progress: Any) -> bool | Report | None:
    """`progress` if it is a bool, a function or None.

    Raises
    ------
    TypeError
        It is something else.
    """
    if not (callable(progress) or progress is None or isinstance(progress, bool)):
        raise TypeError(f"progress must be a bool, a function or None, got {progress!r}")
    return cast("bool | Report | None", progress)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Ctrl-C waits until the end of the block, where Python's own handler is in charge of it.

    An interrupted import leaves modules half loaded, and everything that needs them broken until
    the interpreter is started again.
    """
    handler = signal.getsignal(signal.SIGINT)
    # Only the main thread receives signals, and only there may handlers be changed.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    pending = False

    def later(number: int, frame: object) -> None:
        nonlocal pending
        pending = True

    signal.signal(signal.SIGINT, later)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if pending:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def bar(description: str, progress: bool | Report | None) -> Iterator[Report | None]:
    """Yield the function ``report(done, total)`` to hand to a long call, or None.

    Parameters
    ----------
    description : str
        Text of the bar.
    progress : bool, callable or None
        True and False force and forbid a bar, None shows one where it can be seen; a function is
        called as ``progress(done, total)`` about every 50 ms instead.

    Examples
    --------
    >>> with bar("solving", False) as report:
    ...     report is None
    True
    """
    if callable(progress):
        yield progress
        return
    checked_progress(progress)
    if progress is False or (progress is None and not watched()):
        yield None
        return

    with without_interrupts():
        from tqdm.auto import tqdm

    started = time.monotonic()
    shown: list[Any] = []

    def report(done: int, total: int) -> None:
        if not shown:
            if total == 0 or time.monotonic() - started < PATIENCE:
                return
            shown.append(
                tqdm(
                    desc=description,
                    total=1.0,
                    leave=False,
                    bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
                )
            )
        tqdm_bar = shown[0]
        tqdm_bar.n = min(done / max(total, 1), 1.0)
        tqdm_bar.refresh()

    try:
        yield report
    finally:
        for tqdm_bar in shown:
            tqdm_bar.close()
