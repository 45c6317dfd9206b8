"""Work that Ctrl-C stops without breaking the locks that it holds.

A KeyboardInterrupt that lands inside ``wait`` or ``submit`` leaves locks of futures taken, for
which the workers, and then this process, would wait without end. So the work runs on a thread
that no signal reaches, and the calling thread touches nothing but flags and one lock of its own.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["HAS_THREADS", "noted_interrupts", "run_aside"]

HAS_THREADS = sys.platform != "emscripten"
"""Whether threads can be started: Python in a browser (Pyodide) has none."""

WAKE = 0.05  # seconds between two checks of the work
MAX_START = 1.0  # seconds within which a thread that was started begins to run


def run_aside(
    work: Callable[[], object],
    *,
    stop: Callable[[], object],
    watch: Callable[[], object] | None = None,
    name: str = "kadanoff",
) -> None:
    """Run `work` on a thread of its own, or here where there are none, and wait for its end.

    Parameters
    ----------
    work : callable
        The work; an exception that it raises is raised again here.
    stop : callable
        Called if the wait is interrupted, by Ctrl-C or because `watch` raised. It only sets a flag
        that `work` reads: `work` must then end, and this function waits for that before it raises
        the exception.
    watch : callable, optional
        Called about every 50 ms, to show the progress.
    name : str
        Name of the thread.

    Examples
    --------
    >>> found = []
    >>> run_aside(lambda: found.append(2), stop=found.clear)
    >>> found
    [2]
    """
    if not HAS_THREADS:
        work()
        return
    begun = ended = False
    error: BaseException | None = None
    over = threading.Lock()
    over.acquire()

    def run() -> None:
        nonlocal begun, ended, error
        begun = True
        try:
            work()
        except BaseException as raised:  # raised again by the caller
            error = raised
        finally:
            ended = True
            over.release()

    try:
        with noted_interrupts() as interrupted:
            threading.Thread(target=run, name=name).start()
            while not ended:
                over.acquire(timeout=WAKE)
                if watch is not None and not interrupted():
                    watch()
                if interrupted():
                    raise KeyboardInterrupt
    except BaseException:  # the stop button, or `watch` raised
        stop()
        deadline = time.monotonic() + MAX_START
        while not ended and (begun or time.monotonic() < deadline):
            time.sleep(0.01)
        raise
    if error is not None:
        raise error


@contextmanager
def noted_interrupts() -> Iterator[Callable[[], bool]]:
    """Ctrl-C sets a flag instead of raising where the interpreter happens to be.

    Python raises KeyboardInterrupt at any instruction of the main thread, the callbacks of weak
    references included, where it is printed and lost: a collection of garbage makes many of them.
    The interrupt is raised at the end of the block, or by a block that asks the function that it
    is given. A handler of the user's own is left alone.
    """
    noted = threading.Event()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield noted.is_set
        return
    signal.signal(signal.SIGINT, lambda *_: noted.set())
    try:
        yield noted.is_set
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if noted.is_set():
        raise KeyboardInterrupt
