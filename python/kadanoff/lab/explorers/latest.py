"""Latest value wins: one worker that answers the newest question, coarsely first.

Every question is answered in two stages, "coarse" at once and "fine" when nothing newer has come
for a moment. A newer question cancels the answer at work through its
:class:`kadanoff.Control`; but never two in a row without a picture between them: a slider
that is dragged faster than a solve would show none. No notebook is needed here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from kadanoff import Control
from kadanoff._base import interruptible

__all__ = ["STAGES", "Answer", "Latest", "Stage", "one_line"]

Stage: TypeAlias = Literal["coarse", "fine"]
STAGES: tuple[Stage, ...] = ("coarse", "fine")

PAUSE = 0.15  # seconds without a newer value before the fine answer is begun
IDLE = 1.0  # seconds without a question after which the thread ends; the next one starts another


Answer: TypeAlias = Callable[..., Any]
"""Computes data from parameters: ``compute(stage=, control=, **parameters)``."""


class Latest:
    """Compute and show the newest of many questions, on a thread of its own.

    Parameters
    ----------
    compute : callable
        ``compute(stage=..., control=..., **parameters)``: the data of a picture.
    show : callable
        ``show(data, stage, seconds)``: draws it; `seconds` since the question was asked.
    tell : callable
        ``tell(text)``: one line on the state of the computation.
    stages : tuple of {"coarse", "fine"}
        Stages that are answered.
    pause : float
        Seconds of rest before the fine answer.
    failed : callable, optional
        ``failed(error)``, instead of its one line through `tell`.

    Notes
    -----
    The thread exists only while a question is open, so that an explorer that was not closed,
    because its cell was run again, holds none. Where there are no threads, as in a browser, a
    question is answered before :meth:`ask` returns.

    Examples
    --------
    >>> found = []
    >>> latest = Latest(
    ...     lambda *, stage, control, x: x**2,
    ...     lambda data, stage, seconds: found.append((stage, data)),
    ...     lambda text: None,
    ...     pause=0.0,
    ... )
    >>> latest.ask(x=3)
    >>> latest.wait(10)
    True
    >>> latest.close()
    >>> found
    [('coarse', 9), ('fine', 9)]
    """

    def __init__(
        self,
        compute: Answer,
        show: Callable[[Any, Stage, float], object],
        tell: Callable[[str], object],
        *,
        stages: tuple[Stage, ...] = STAGES,
        pause: float = PAUSE,
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        self._compute, self._show, self._tell = compute, show, tell
        self._failed = failed or (lambda error: tell(one_line(error)))
        self._stages, self._pause = stages, pause
        self._changed = threading.Condition()
        self._wanted: tuple[Mapping[str, Any], float] | None = None
        self._control: Control | None = None  # of the answer at work
        self._stage: Stage | None = None
        self._spared = False  # the next coarse answer is not to be cancelled
        self._thread: threading.Thread | None = None
        self._busy = False
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    @property
    def thread(self) -> threading.Thread | None:
        """The worker, while it runs."""
        return self._thread

    def ask(self, **parameters: Any) -> None:
        """Ask a new question and drop the previous one; returns at once, from any thread."""
        with self._changed:
            if self._closed:
                return
            self._wanted = (parameters, time.perf_counter())
            if self._control is not None and not (self._stage == "coarse" and self._spared):
                self._control.cancel()
            if not interruptible.HAS_THREADS:
                self._answer_here()
                return
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="kadanoff-explorer", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """Cancel the answer at work and forget the question."""
        with self._changed:
            self._wanted = None
            if self._control is not None:
                self._control.cancel()
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Until everything is answered; False when that takes longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._wanted is None and not self._busy, timeout=timeout
            )

    def close(self, timeout: float | None = 10.0) -> None:
        """Cancel the running computation and end the thread."""
        with self._changed:
            self._closed = True
            self._wanted = None
            if self._control is not None:
                self._control.cancel()
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    # --------------------------------------------------------------------------------- the worker

    def _newer(self) -> bool:
        return self._closed or self._wanted is not None

    def _answer_here(self) -> None:
        """Answer what is asked on this thread; a question that a picture asks waits its turn."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._wanted is not None and not self._closed:
                (parameters, asked), self._wanted = self._wanted, None
                self._answer(parameters, asked)
        finally:
            self._busy = False

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(self._newer, timeout=IDLE)
                if self._closed or self._wanted is None:
                    self._thread = None
                    return
                (parameters, asked), self._wanted = self._wanted, None
                self._busy = True
            self._answer(parameters, asked)

    def _answer(self, parameters: Mapping[str, Any], asked: float) -> None:
        for number, stage in enumerate(self._stages):
            with self._changed:
                pause = self._pause if interruptible.HAS_THREADS else 0.0
                if number and self._changed.wait_for(self._newer, timeout=pause):
                    return
                control = self._control = Control()
                self._stage = stage
            try:
                if number:
                    self._tell("refining …")
                data = self._compute(stage=stage, control=control, **parameters)
                with self._changed:
                    # The last moment to withdraw: from here on a picture is shown whole.
                    self._control = self._stage = None
                    if control.cancelled and self._newer():
                        self._spared = True
                        return
                self._show(data, stage, time.perf_counter() - asked)
                self._spared = False
            except KeyboardInterrupt:  # Cancelled among them
                self._spared = True
                if not self._newer():
                    self._tell("stopped")
                return
            except Exception as error:
                self._failed(error)
                return
            finally:
                with self._changed:
                    self._control = self._stage = None


def one_line(error: BaseException) -> str:
    """An error as one line of bounded length: its kind and the first line of its message."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= 160 else text[:159] + "…"
