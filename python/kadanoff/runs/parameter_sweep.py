"""One function at many points, on any executor.

>>> def square(x):
...     return {"square": x * x}
>>> found = sweep(square, {"x": [1, 2, 3]}, progress=False)
>>> [int(result["square"]) for result in found.results]
[1, 4, 9]
"""

from __future__ import annotations

import inspect
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from kadanoff._base import checks, interruptible
from kadanoff._base.errors import Cancelled
from kadanoff._base.html import shown, table
from kadanoff._base.interruptible import noted_interrupts, run_aside
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.versions import available_threads
from kadanoff._core import Control
from kadanoff.runs.store import Store, key, parameters_of

__all__ = ["Failure", "Sweep", "sweep"]

MAX_IN_FLIGHT = 512  # points handed to an executor ahead of their turn
MAX_SHOWN = 6  # failures, and values of an argument, in the table of a sweep
WAKE = 0.05


@dataclass(frozen=True)
class Failure:
    """A point that ended in an exception.

    Attributes
    ----------
    index : int
        Number of the point.
    point : dict
        Its arguments.
    error, message : str
        Name of the exception's class, and its message.
    attempts : int
        Number of attempts.
    """

    index: int
    point: dict[str, Any]
    error: str
    message: str
    attempts: int

    def __str__(self) -> str:
        return f"{self.point}: {self.error}: {self.message}"

    def __repr__(self) -> str:
        return f"Failure(point {self.index}, {self.error}: {shown(self.message)})"


@dataclass(frozen=True, eq=False)
class Sweep:
    """The results of a sweep, in the order of the points.

    Attributes
    ----------
    points : tuple of dict
        Arguments of the function.
    results : list
        Return values; None where the function failed or was not reached. With a store: arrays by
        name.
    failed : tuple of Failure
        Points whose call raised an exception.
    computed : int
        Points that were computed now; the others came from the store.
    seconds : float
        Wall time.
    """

    points: tuple[dict[str, Any], ...]
    results: list[Any]
    failed: tuple[Failure, ...]
    computed: int
    seconds: float

    def __repr__(self) -> str:
        return (
            f"Sweep({len(self.points)} points, {self.computed} computed, {len(self.failed)} "
            f"failed, {self.seconds:.3g} s)"
        )

    def _repr_html_(self) -> str:
        names = dict.fromkeys(name for point in self.points for name in point)
        rows: dict[str, object] = {"points": len(self.points)}
        rows |= {name: _values(self.points, name) for name in names}
        rows |= {"computed": f"{self.computed} in {self.seconds:.3g} s"}
        rows |= {"failed": len(self.failed)} if self.failed else {}
        rows |= {f"failed: point {f.index}": str(f) for f in self.failed[:MAX_SHOWN]}
        return table("Sweep", rows)

    def __len__(self) -> int:
        return len(self.points)


@public
def sweep(
    function: Callable[..., Any],
    points: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]],
    *,
    store: Store | None = None,
    executor: Executor | None = None,
    retry: int = 0,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> Sweep:
    """Call ``[function(**point) for point in points]`` in parallel, except for stored points.

    Parameters
    ----------
    function : callable
        Called with the entries of a point by keyword. With a store it returns arrays by name. A
        result must depend on the point alone: then it is the same on every executor. If it takes
        ``threads``, ``progress`` or ``control`` and the point does not say, it is called with
        ``threads=1``, ``progress=False`` and, where the executor is a pool of threads, `control`.
    points : mapping or sequence of mappings
        Values by name, every combination of which is a point (the last runs fastest), or the
        points themselves.
    store : kadanoff.store.Store, optional
        Points in the store are not computed; the others are saved as they arrive.
    executor : concurrent.futures.Executor, optional
        Threads, processes, or ``Client.get_executor()`` of Dask; default is a pool of threads, one
        for each core. It stays open.
    retry : int, default 0
        Number of further attempts at a point that raised.
    progress, control : as in :func:`kadanoff.nrg.solve`
        Progress bar over the points, and cancellation from another thread.

    Returns
    -------
    Sweep
        Results in the order of the points, and the points that failed.

    Raises
    ------
    TypeError
        `function` is not callable, or `points`, `store` or `executor` has another type.
    ValueError
        `retry` is negative, or the parameters of a point cannot be stored.
    Cancelled
        By `control` or the stop button; `partial` is the Sweep as far as it came.
    OSError
        The store cannot be read or written: a full disk, a folder that has vanished. The message
        names the file; `partial` is the Sweep, with what was computed but not stored.

    Notes
    -----
    A task has one thread: BLAS is limited to one while a task runs, wherever it runs. Results are
    written by the calling process, so that workers need no common file system. ``kill -9`` of the
    calling process cannot end the workers of a pool of processes, which Python then leaves waiting:
    end them too, by killing the process group.

    Examples
    --------
    >>> import kadanoff as kd
    >>> found = sweep(
    ...     kd.dmft.bethe, {"U": [1.0, 2.0], "beta": [10], "solver": ["ipt"]}, progress=False
    ... )
    >>> [round(loop.Z, 3) for loop in found.results]
    [0.75, 0.284]
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r}")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor must be a concurrent.futures.Executor, got {executor!r}")
    if store is not None and not isinstance(store, Store):
        raise TypeError(f"store must be a kadanoff.store.Store, got {store!r}")
    checks.whole("retry", retry, least=0)
    run = Run.of(progress=progress, control=control)
    with noted_interrupts() as interrupted:
        todo = _points(points)
        for point in todo if store is not None else ():
            parameters_of(point)
            if interrupted() or (control is not None and control.cancelled):
                raise Cancelled("the computation was stopped")
        running = _Running(
            function, todo, store, retry, run.control or Control(), _shares(executor)
        )
    started = time.perf_counter()
    with run.calling("sweep") as keywords:
        report = keywords["report"]

        def work() -> None:
            with _pool(executor) as pool, one_blas_thread():
                running.run(pool)

        def watch() -> None:
            if report is not None:
                report(running.done, len(todo))

        try:
            run_aside(work, stop=running.interrupt, watch=watch, name="kadanoff sweep")
        except KeyboardInterrupt as stop:
            raise Cancelled(
                f"a sweep was stopped after {running.done} of {len(todo)} points",
                running.result(started),
            ) from stop
        except OSError as error:
            if error is running.unwritten:
                error.partial = running.result(started)  # type: ignore[attr-defined]
                error.add_note(f"{running.computed} points computed so far are in .partial")
            raise
    return running.result(started)


def _values(points: tuple[dict[str, Any], ...], name: str) -> str:
    """The values of an argument, as a list or a range."""
    found = list(dict.fromkeys(shown(point[name]) for point in points if name in point))
    if len(found) <= MAX_SHOWN:
        return ", ".join(found)
    return f"{found[0]}, ..., {found[-1]} ({len(found)} values)"


class _Running:
    """The state of a sweep: finished and running points."""

    def __init__(
        self,
        function: Callable[..., Any],
        points: tuple[dict[str, Any], ...],
        store: Store | None,
        retry: int,
        control: Control,
        local: bool,
    ) -> None:
        self.points, self.store, self.retry, self.control = points, store, retry, control
        self.results: list[Any] = [None] * len(points)
        self.failed: list[Failure] = []
        self.computed = 0
        self.done = 0
        self.stop = False
        self.unwritten: OSError | None = None  # why the store could not take a result
        extra = _extras(function, control if local else None)
        self.calls = [partial(function, **(extra | point)) for point in points]
        self.local = local

    def interrupt(self) -> None:
        self.stop = True

    def check(self) -> None:
        if self.stop or self.control.cancelled:
            raise Cancelled("the computation was stopped")

    def run(self, pool: Executor) -> None:
        missing = []
        for i, point in enumerate(self.points):
            self.check()
            if self.store is not None and point in self.store:
                try:
                    self.results[i] = self.store.load(point)
                    self.done += 1
                    continue
                except KeyError:  # damaged: set aside
                    pass
            missing.append(i)
        queue = iter(missing)
        waiting: dict[Future[Any], int] = {}
        try:
            while True:
                self.check()
                for i in itertools.islice(queue, MAX_IN_FLIGHT - len(waiting)):
                    try:
                        waiting[pool.submit(_attempt, self.calls[i], self.retry)] = i
                    except RuntimeError as error:  # the pool broke or was shut down
                        self._record(i, None, error)
                if not waiting:
                    break
                ready, _ = wait(waiting, timeout=WAKE, return_when=FIRST_COMPLETED)
                for future in sorted(ready, key=lambda f: waiting[f]):
                    self._collect(waiting.pop(future), future)
        except BaseException:
            for future in waiting:
                future.cancel()
            if self.local:
                self.control.cancel()
            for future, i in waiting.items():  # finished points are kept
                if future.done() and not future.cancelled():
                    # Among those that ended: a point that was stopped, one that cannot be stored.
                    with suppress(Cancelled, OSError):
                        self._collect(i, future)
            raise

    def _collect(self, i: int, future: Future[Any]) -> None:
        try:
            outcome = future.result()
        except Exception as error:  # the worker died, or the result could not travel
            self._record(i, None, error)
            return
        self._record(i, outcome, None)

    def _record(self, i: int, outcome: _Outcome | None, error: Exception | None) -> None:
        self.done += 1
        if outcome is None:
            assert error is not None
            outcome = _Outcome(None, type(error).__name__, str(error), 1, 0.0)
        if outcome.error == Cancelled.__name__:
            raise Cancelled("the computation was stopped")
        if outcome.error is not None:
            failure = Failure(i, self.points[i], outcome.error, outcome.message, outcome.attempts)
            self.failed.append(failure)
            if self.store is not None:
                self.store.failures[key(self.points[i])] = f"{failure.error}: {failure.message}"
            return
        self.computed += 1
        if self.store is None:
            self.results[i] = outcome.value
            return
        facts = {"seconds": outcome.seconds}
        try:
            self.results[i] = self.store.save(self.points[i], outcome.value, facts)
        except OSError as error:
            self.results[i] = outcome.value
            self.unwritten = self.unwritten or error
            raise

    def result(self, started: float) -> Sweep:
        failed = tuple(sorted(self.failed, key=lambda failure: failure.index))
        seconds = time.perf_counter() - started
        return Sweep(self.points, self.results, failed, self.computed, seconds)


class _Outcome(NamedTuple):
    value: Any
    error: str | None
    message: str
    attempts: int
    seconds: float


def _attempt(call: Callable[[], Any], retry: int) -> _Outcome:
    """Run a task on a worker. Exceptions travel by name: not every one can be pickled."""
    started = time.perf_counter()
    for attempt in range(1, retry + 2):
        try:
            with one_blas_thread():
                value = call()
            return _Outcome(value, None, "", attempt, time.perf_counter() - started)
        except Cancelled as stop:
            return _Outcome(None, Cancelled.__name__, str(stop), attempt, 0.0)
        except Exception as error:
            failed = _Outcome(None, type(error).__name__, str(error), attempt, 0.0)
    return failed


def _points(
    points: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], ...]:
    if isinstance(points, Mapping):
        for name, values in points.items():
            if isinstance(values, str) or not hasattr(values, "__iter__"):
                raise TypeError(f"{name} must be a sequence of values, got {values!r}")
        names = list(points)
        combinations = itertools.product(*(list(points[name]) for name in names))
        return tuple(dict(zip(names, values, strict=True)) for values in combinations)
    found = list(points)
    for point in found:
        if not isinstance(point, Mapping):
            raise TypeError(f"a point must be a mapping of arguments, got {point!r}")
    return tuple(dict(point) for point in found)


def _shares(executor: Executor | None) -> bool:
    """Whether tasks run in this process, so that a control reaches them."""
    return executor is None or isinstance(executor, ThreadPoolExecutor)


def _extras(function: Callable[..., Any], control: Control | None) -> dict[str, Any]:
    """Arguments that the function takes and that belong to the run, not to the point."""
    try:
        names = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    extra: dict[str, Any] = {"threads": 1, "progress": False}
    if control is not None:
        extra["control"] = control
    return {name: value for name, value in extra.items() if name in names}


@contextmanager
def _pool(executor: Executor | None) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    if not interruptible.HAS_THREADS:
        yield _Here()
        return
    with ThreadPoolExecutor(available_threads()) as pool:
        yield pool


class _Here(Executor):
    """Tasks one after the other on the calling thread, where there is no other."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


# ------------------------------------------------------------------------------------ BLAS threads

_lock = threading.Lock()
_inside = 0
_limits: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for BLAS in this process, while any task is inside.

    Limits belong to the process: the first to enter sets them and the last to leave lifts them.
    """
    global _inside, _limits
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with _lock:
        if _inside == 0:
            _limits = threadpool_limits(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limits.restore_original_limits()
                _limits = None
