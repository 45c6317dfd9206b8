"""How a long call runs: its threads, its progress, its stop, its seed.

Every long call takes ``threads``, ``progress``, ``control`` and, if it draws random numbers,
``seed``. They are checked once, on entry, and travel together.

>>> run = Run.of(threads=2, progress=False, seed=7)
>>> with run.calling("sampling") as keywords:  # for one call into the compiled core
...     sorted(keywords)
['control', 'report', 'threads']
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from kadanoff._base import checks
from kadanoff._base.progress import Report, bar, checked_progress
from kadanoff._core import Control

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """Threads, progress, control and seed of one call, checked.

    Attributes
    ----------
    threads : int or None
        Worker threads, 1 to 1024; None takes all cores. No result depends on the number.
    progress : bool, callable or None
        As in :func:`kadanoff._base.progress.bar`.
    control : Control or None
        Cancels from another thread.
    seed : int
        Seed of the random numbers; drawn from the operating system if none was given.
    """

    threads: int | None = None
    progress: bool | Report | None = None
    control: Control | None = None
    seed: int = 0

    @classmethod
    def of(
        cls,
        *,
        threads: object = None,
        progress: object = None,
        control: object = None,
        seed: object = None,
    ) -> Run:
        """Check the four arguments.

        Raises
        ------
        TypeError, ValueError
            One of them is of the wrong kind or out of range.
        """
        if control is not None and not isinstance(control, Control):
            raise TypeError(f"control must be a kd.Control or None, got {control!r}")
        return cls(checks.threads(threads), checked_progress(progress), control, checks.seed(seed))

    def quiet(self) -> Run:
        """The same without a bar, for a call inside another one that has its own."""
        return replace(self, progress=False)

    @property
    def keywords(self) -> dict[str, Any]:
        """``threads``, ``progress`` and ``control``, to hand on to another public call."""
        return {"threads": self.threads, "progress": self.progress, "control": self.control}

    def calling(self, description: str) -> AbstractContextManager[dict[str, Any]]:
        """Keyword arguments of one call into the compiled core, with a bar while it lasts."""
        if self.progress is False:  # inner calls of a loop: no bar to set up
            return nullcontext({"threads": self.threads, "control": self.control, "report": None})
        return self._with_bar(description)

    @contextmanager
    def _with_bar(self, description: str) -> Iterator[dict[str, Any]]:
        with bar(description, self.progress) as report:
            yield {"threads": self.threads, "control": self.control, "report": report}
