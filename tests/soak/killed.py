"""Runs that are killed in the middle, and what is wrong afterwards.

``python -m tests.soak.killed SCENE KILLS SEED`` prints the number of kills and the faults. It runs
in an interpreter of its own that has no threads, because every run is a fork of it. A run is killed
when it, or one of its workers, has used a random number of seconds of the processor: the signal of
the timer ends a process as SIGKILL does, whatever else the machine does meanwhile.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff import NotConverged, dmft
from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store
from tests.paths import ROOT
from tests.stopping import PATIENCE

POINTS = 30
WORKERS = 2
SAMPLES, CHUNK = 12, 1
LEAST = 1e-6  # seconds of a timer: none at all if 0

LOG = "KADANOFF_SOAK_LOG"
"""Where a worker writes down which points it computes."""


# ------------------------------------------------------------------------------------------- tasks


def logged(x: Any) -> None:
    """One line in one write: whole, whoever else writes."""
    handle = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{x}\n".encode())
    os.close(handle)


def function(x: int) -> dict[str, Any]:
    logged(x)
    return {"y": [x * 0.1] * 50}


def sweep_into(folder: Path, pool: Executor | None) -> int:
    """Run or continue a sweep; how many of its points failed."""
    store = Store(folder, kind="k")
    found = sweep(function, {"x": range(POINTS)}, store=store, executor=pool, progress=False)
    return len(found.failed)


def database_into(folder: Path, pool: Executor | None) -> int:
    """Run or continue a database; how many of its files are missing."""
    try:
        dmft.database(
            SAMPLES, inputs=("hubbard1",), target="ed-2", beta=[5.0], chunk=CHUNK, seed=1,
            path=folder, executor=pool, progress=False,
        )  # fmt: skip
    except NotConverged as error:  # without the files whose worker was killed
        return len(error.partial.failed)
    return 0


TASKS: dict[str, Callable[[Path, Executor | None], int]] = {
    "sweep": sweep_into,
    "database": database_into,
}


# ---------------------------------------------------------------------------------------- executors


def arm(seconds: float) -> None:
    """Let the kernel end this process when it has used so many seconds more."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, max(seconds, LEAST))


@contextmanager
def threads(kill_worker: float | None, address: str | None) -> Iterator[Executor | None]:
    yield None


@contextmanager
def processes(kill_worker: float | None, address: str | None) -> Iterator[Executor]:
    context = multiprocessing.get_context("fork")
    armed = () if kill_worker is None else (kill_worker,)
    start = None if kill_worker is None else arm
    with ProcessPoolExecutor(WORKERS, context, start, armed) as pool:
        yield pool


@contextmanager
def dask(kill_worker: float | None, address: str | None) -> Iterator[Executor]:
    import distributed

    with distributed.Client(address, timeout=PATIENCE, set_as_default=False) as client:
        client.wait_for_workers(WORKERS)
        if kill_worker is not None:
            victim = next(iter(client.scheduler_info()["workers"]))
            # It may be killed before it answers.
            client.run(arm, kill_worker, workers=[victim], on_error="ignore")
        with client.get_executor() as pool:
            yield pool


POOLS: dict[str, Any] = {"threads": threads, "processes": processes, "Dask": dask}

CLUSTER = """
import sys, distributed
if __name__ == "__main__":
    workers = int(sys.argv[1])
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=60
    ) as cluster:
        # A nanny does not start every worker again that was killed.
        cluster.adapt(minimum=workers, maximum=workers, interval="200ms")
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a cluster of processes, which outlives the clients that are killed."""
    command = [sys.executable, "-c", CLUSTER, str(WORKERS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd=ROOT,
    ) as child:  # fmt: skip
        try:
            yield child.stdout.readline().strip()
        finally:
            child.stdin.close()


# --------------------------------------------------------------------------------------------- runs


class Scene:
    """One task on one executor, killed again and again in one store after the other."""

    def __init__(self, name: str, seed: int, folder: Path, address: str | None) -> None:
        self.task, _, self.executor = name.partition(" on ")
        self.rng = np.random.default_rng([seed, *name.encode()])
        self.folder, self.address = folder, address
        self.faults: Counter[str] = Counter()
        self.kills = 0
        whole = folder / "whole"
        code, self.seconds = self._run(whole, None, None)
        if code != 0:
            raise RuntimeError("the undisturbed run fails")
        Path(os.environ[LOG]).unlink(missing_ok=True)
        store = Store.open(whole)
        self.points, self.digest = len(store), _digest(store)

    def kill(self, kills: int) -> None:
        """Kill runs, and let the last one come to its end."""
        number = 0
        while self.kills < kills:
            self._one_store(self.folder / str(number), kills)
            number += 1

    def _one_store(self, folder: Path, kills: int) -> None:
        """Run until the task came to its end, and compare with an undisturbed store."""
        ended = False
        while not ended:
            last = self.kills >= kills
            ended = self._one_run(folder, last=last)
        if not folder.is_dir():  # the run could not even begin, which is counted
            return
        store = Store.open(folder)
        self.faults["points lost"] += self.points - len(store)
        self.faults["stores that differ from an undisturbed one"] += _digest(store) != self.digest
        self.faults["damaged files"] += len(store.damaged) + (folder / "damaged").exists()

    def _one_run(self, folder: Path, *, last: bool) -> bool:
        """Run once, and see what became of the store; whether the task came to its end."""
        before = _content(folder)
        moment = self.rng.uniform(0.0, self.seconds)
        # Early on the store is made: a third of the kills are there.
        moment *= 0.1 if self.rng.random() < 1 / 3 else 1.0
        worker = self.executor != "threads" and bool(self.rng.random() < 0.5)
        code, _ = self._run(
            folder, None if last or worker else moment, moment if worker and not last else None
        )
        killed = code == -signal.SIGPROF
        self.kills += killed
        broken = not killed and (code > 1 or (last and code == 1))
        self.faults["runs that could not go on"] += broken
        if worker and not last and code == 1:  # points failed, as their worker was killed
            self.kills += 1
        after = _content(folder)
        self.faults["points lost"] += sum(after.get(name) != x for name, x in before.items())
        if self.task == "sweep":
            self._count_computed(folder, before, worker=worker)
        return code == 0 or broken

    def _count_computed(self, folder: Path, before: dict[str, bytes], *, worker: bool) -> None:
        log = Path(os.environ[LOG])
        computed = Counter(map(int, log.read_text().split())) if log.exists() else Counter()
        log.unlink(missing_ok=True)
        # Dask gives the point of a worker that was killed to another one.
        if not (worker and self.executor == "Dask"):
            self.faults["points computed twice"] += sum(n - 1 for n in computed.values())
        if before and computed:
            store = Store.open(folder)
            again = {store.file({"x": x}).name for x in computed} & before.keys()
            self.faults["points computed twice"] += len(again)

    def _run(self, folder: Path, own: float | None, worker: float | None) -> tuple[int, float]:
        """Exit code of a run in a process of its own, and the seconds that it used."""
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 7
            try:
                os.setpgid(0, 0)
                if own is not None:
                    arm(own)
                with POOLS[self.executor](worker, self.address) as pool:
                    code = min(TASKS[self.task](folder, pool), 1)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code)
        _, status, usage = os.wait4(child, 0)
        with suppress(ProcessLookupError):  # the workers of a pool outlive their parent
            os.killpg(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def _content(folder: Path) -> dict[str, bytes]:
    """The points of a store as bytes, by file."""
    found = sorted(folder.glob("*.npz")) if folder.is_dir() else []
    return {file.name: file.read_bytes() for file in found}


def _digest(store: Store) -> str:
    return store.digest(without=("seconds",))


# ------------------------------------------------------------------------------ at the same moment

OPENING = 3


def opened_at_once(rounds: int, folder: Path) -> Counter[str]:
    """Processes make one store at the same moment, write to it, and read what the others write."""
    context = multiprocessing.get_context("fork")
    barrier, errors = context.Barrier(OPENING), context.SimpleQueue()
    children = [
        context.Process(target=_create_and_write, args=(folder, who, rounds, barrier, errors))
        for who in range(OPENING)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    faults: Counter[str] = Counter()
    while not errors.empty():
        print(errors.get(), file=sys.stderr)
        faults["openings that failed"] += 1
    for r in range(rounds):
        store = Store.open(folder / str(r))
        faults["points lost"] += 2 * OPENING - len(list(store))
        names = {path.name for path in store.path.iterdir()}
        known = {"manifest.json", *(file.name for file in store.files())}
        faults["files left behind"] += len(names - known)
    return faults


def _create_and_write(folder: Path, who: int, rounds: int, barrier: Any, errors: Any) -> None:
    order = np.random.default_rng(who)
    for r in range(rounds):
        barrier.wait()
        try:
            store = Store(folder / str(r), kind="k", settings={"seed": 1})
            for x in order.permutation(2):
                store.save({"x": int(x), "who": who}, {"y": np.full(100, float(x))})
                if {"x": int(x), "who": who} not in list(Store.open(folder / str(r))):
                    errors.put("a point that was saved is not there")
            for damage in store.damaged:
                errors.put(damage)
        except BaseException as error:
            errors.put(f"{type(error).__name__}: {error}")


def main() -> None:
    scene, number, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        os.environ[LOG] = str(folder / "log")
        if scene == "openings":
            found = {"trials": number, "faults": opened_at_once(number, folder)}
        else:
            with cluster() if scene.endswith("Dask") else _nothing() as address:
                made = Scene(scene, seed, folder, address)
                made.kill(number)
            found = {"trials": made.kills, "faults": made.faults}
    print(json.dumps(found))


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


if __name__ == "__main__":
    main()
