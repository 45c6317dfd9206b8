import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import Cancelled, Control, NotConverged
from kadanoff._base import interruptible
from kadanoff.runs.parameter_sweep import one_blas_thread, sweep
from kadanoff.runs.store import DamagedFile, Store, key
from tests.stopping import stop_at, wait_for

GRID = {"U": [1.0, 2.0, 3.0], "beta": [5.0, 10.0]}


def physics(U, beta):
    """Deterministic, with BLAS inside."""
    a = np.cos(U * np.arange(90.0)[:, None] * np.arange(90.0)) + beta
    return {"trace": np.trace(a @ a @ a), "row": (a @ a)[3]}


def gives_up_at_two(U, beta):
    if U == 2.0:
        raise NotConverged(f"no luck at {U}")
    return {"Z": U / beta}


class Unspeakable(Exception):  # noqa: N818
    def __reduce__(self):
        raise TypeError("this exception cannot be pickled")


def fails_badly(U, beta):
    if U == 2.0:
        raise Unspeakable("cannot travel")
    return {"Z": U / beta}


def dies(U, beta):
    if U == 3.0:
        os._exit(1)
    return {"Z": U / beta}


def test_points_in_order_the_last_name_fastest():
    found = sweep(physics, GRID, progress=False)
    assert [(p["U"], p["beta"]) for p in found.points] == [
        (U, beta) for U in GRID["U"] for beta in GRID["beta"]
    ]
    assert len(found) == found.computed == 6
    assert found.failed == ()
    for point, result in zip(found.points, found.results, strict=True):
        assert result["trace"] == physics(**point)["trace"]
    some = sweep(physics, found.points[2:4], progress=False)
    assert [r["trace"] for r in some.results] == [r["trace"] for r in found.results[2:4]]
    assert len(sweep(physics, [], progress=False)) == 0


def bits(found):
    return [{name: np.asarray(x).tobytes() for name, x in r.items()} for r in found.results]


def test_threads_and_processes_give_the_same_bits(tmp_path):
    one = sweep(physics, GRID, executor=ThreadPoolExecutor(1), progress=False)
    two = sweep(physics, GRID, executor=ThreadPoolExecutor(2), progress=False)
    assert bits(one) == bits(two)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        three = sweep(physics, GRID, executor=pool, progress=False)
        # The worker's exception has no pickle; its name has.
        broken = sweep(fails_badly, GRID, executor=pool, progress=False)
    assert bits(one) == bits(three)
    assert [f.error for f in broken.failed] == ["Unspeakable"] * 2
    stored = [Store(tmp_path / name, kind="k") for name in ("a", "b")]
    for store, workers in zip(stored, (1, 2), strict=True):
        with ThreadPoolExecutor(workers) as pool:
            sweep(physics, GRID, store=store, executor=pool, progress=False)
    assert stored[0].digest() == stored[1].digest()


def test_a_dead_worker_loses_its_point_only_by_name(tmp_path):
    store = Store(tmp_path / "s", kind="k")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = sweep(dies, GRID, store=store, executor=pool, progress=False)
    assert {f.error for f in found.failed} == {"BrokenProcessPool"}
    assert {f.point["U"] for f in found.failed} >= {3.0}
    assert len(store) == found.computed == 6 - len(found.failed)


def test_a_failure_is_recorded_and_the_others_stay():
    found = sweep(gives_up_at_two, GRID, progress=False)
    assert [r is None for r in found.results] == [False, False, True, True, False, False]
    assert [f.index for f in found.failed] == [2, 3]
    assert found.failed[0].point == {"U": 2.0, "beta": 5.0}
    assert str(found.failed[0]).endswith("NotConverged: no luck at 2.0")
    assert "2 failed" in repr(found)


def test_what_fails_is_tried_again():
    calls = {}
    lock = threading.Lock()

    def moody(x):
        with lock:
            calls[x] = calls.get(x, 0) + 1
        if calls[x] <= x:
            raise OSError("the disk sulks")
        return x

    found = sweep(moody, {"x": [0, 1, 2, 3]}, retry=2, progress=False)
    assert found.results == [0, 1, 2, None]
    assert calls == {0: 1, 1: 2, 2: 3, 3: 3}
    assert found.failed[0].attempts == 3


def test_only_missing_points_are_computed(tmp_path):
    store = Store(tmp_path / "s", kind="k")
    first = sweep(physics, {"U": [1.0], "beta": [5.0, 10.0]}, store=store, progress=False)
    assert first.computed == 2
    second = sweep(physics, GRID, store=store, progress=False)
    assert second.computed == 4
    assert sweep(physics, GRID, store=store, progress=False).computed == 0
    assert bits(second) == bits(sweep(physics, GRID, progress=False))
    file = store.file({"U": 2.0, "beta": 5.0})
    file.write_bytes(file.read_bytes()[:50])
    with pytest.warns(DamagedFile, match=file.name):
        repaired = sweep(physics, GRID, store=store, progress=False)
    assert repaired.computed == 1
    assert bits(repaired) == bits(second)


def test_failed_points_are_tried_again_next_time(tmp_path):
    store = Store(tmp_path / "s", kind="k")
    assert len(sweep(gives_up_at_two, GRID, store=store, progress=False).failed) == 2
    assert sweep(physics, GRID, store=store, progress=False).computed == 2


def test_a_cancelled_sweep_keeps_what_it_has(tmp_path):
    store, control = Store(tmp_path / "s", kind="k"), Control()

    def slow(x):
        if x >= 8:
            while not control.cancelled:
                time.sleep(0.001)
            raise Cancelled("stopped")
        return {"x": x}

    def stop(done, total):
        assert total == 1000
        if done >= 5:
            control.cancel()

    with pytest.raises(Cancelled) as stopped:
        sweep(slow, {"x": range(1000)}, store=store, control=control, progress=stop)
    partial = stopped.value.partial
    assert 5 <= partial.computed < 1000
    assert len(store) == partial.computed
    assert sweep(slow, {"x": range(5)}, store=store, progress=False).computed == 0


class Immediate(Executor):
    """Everything has ended when it was handed in."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


def test_what_ended_before_a_stop_is_kept():
    def f(x):
        if x < 2:
            raise Cancelled("stopped")
        return x

    with pytest.raises(Cancelled) as stopped:
        sweep(f, {"x": [0, 1, 2]}, executor=Immediate(), progress=False)
    assert stopped.value.partial.results == [None, None, 2]


def test_a_long_point_is_stopped_through_its_control():
    mine = Control()

    def point(control, n):
        # Minutes, in which nothing but its control tells it of the stop.
        return kd.ising.sample(
            L=256, T=3.0, h=0.1, n=n, seed=1, configurations=False, control=control,
            progress=stop_at(mine, 5000),
        )  # fmt: skip

    with pytest.raises(Cancelled):
        sweep(point, [{"n": 10**6}], control=mine, progress=False)
    mine = Control()
    with ThreadPoolExecutor(1) as pool, pytest.raises(Cancelled):
        sweep(point, [{"n": 10**6}], executor=pool, control=mine, progress=False)


def test_ctrl_c_is_a_cancellation():
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(Cancelled) as stopped:
        sweep(physics, GRID, progress=interrupt)
    assert len(stopped.value.partial.results) == 6


def test_futures_are_touched_only_where_no_signal_lands():
    """A KeyboardInterrupt inside ``wait`` leaves a future locked, and everybody waits for ever."""
    seen = set()

    class Watched(ThreadPoolExecutor):
        def submit(self, *arguments):
            seen.add(threading.current_thread())
            return super().submit(*arguments)

    with Watched(2) as pool:
        assert sweep(abs, [{}] * 3, executor=pool, progress=False).failed != ()
    assert seen
    assert threading.main_thread() not in seen


def test_a_second_stop_does_not_wait_for_a_task_that_cannot_be_stopped():
    release, ended = threading.Event(), []

    def deaf(x):
        release.wait()
        ended.append(x)
        return x

    def stop_twice(done, total):
        """The first stop; the second comes while the sweep waits for its workers."""
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        raise KeyboardInterrupt

    try:
        with pytest.raises(Cancelled):
            sweep(deaf, {"x": [1, 2, 3]}, progress=stop_twice)
        assert ended == []
    finally:
        release.set()


def test_killed_and_resumed_without_loss_or_duplicate(tmp_path):
    code = (
        "import sys, time\n"
        "from kadanoff.store import Store\n"
        "from kadanoff.runs.parameter_sweep import sweep\n"
        "def f(x):\n"
        "    time.sleep(0.005)\n"
        "    with open(sys.argv[2], 'a') as log: log.write(f'{x}\\n')\n"
        "    return {'y': x * x}\n"
        "store = Store(sys.argv[1], kind='k')\n"
        "sweep(f, {'x': range(int(sys.argv[3]))}, store=store, progress=False)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "s"), str(tmp_path / "log")]
    child = subprocess.Popen([*command, "3000"])
    wait_for(lambda: len(list(tmp_path.glob("s/*.npz"))) >= 20, child)
    child.kill()
    child.wait()
    done = len(list(tmp_path.glob("s/*.npz")))
    assert done >= 20
    (tmp_path / "log").unlink()
    subprocess.run([*command, str(done + 20)], check=True)
    store = Store.open(tmp_path / "s")
    again = [int(x) for x in (tmp_path / "log").read_text().split()]
    # Only what was missing was computed, each once.
    assert len(again) == len(set(again)) <= 20 + (os.cpu_count() or 1)
    assert {x: int(store.load({"x": x})["y"]) for x in range(done + 20)} == {
        x: x * x for x in range(done + 20)
    }


def test_one_thread_for_blas_while_a_task_runs():
    from threadpoolctl import threadpool_info

    def threads(x):
        # OpenMP's own number belongs to each thread, and says nothing of BLAS.
        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        return max(pool["num_threads"] for pool in pools)

    before = [pool["num_threads"] for pool in threadpool_info()]
    assert sweep(threads, {"x": range(4)}, progress=False).results == [1] * 4
    with one_blas_thread(), one_blas_thread():
        pass
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_arguments_of_the_run_are_filled_in():
    def asked(x, threads=None, progress=None, control=None):
        return threads, progress, control is not None

    assert sweep(asked, {"x": [1]}, progress=False).results == [(1, False, True)]
    assert sweep(asked, [{"x": 1, "threads": 2}], progress=False).results == [(2, False, True)]
    with ThreadPoolExecutor(1) as pool:  # in this process: the control reaches it
        found = sweep(asked, {"x": [1]}, executor=pool, progress=False).results
    assert found == [(1, False, True)]
    found = sweep(asked, {"x": [1]}, executor=Immediate(), progress=False).results
    assert found == [(1, False, False)]  # perhaps on another machine


def test_a_dask_cluster_gives_the_same(tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"inputs": ("hubbard1", "ed-1"), "beta": [5.0], "seed": 3, "progress": False}
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
    )
    with cluster, distributed.Client(cluster) as client:
        pool = client.get_executor()
        store = Store(tmp_path / "s", kind="k")
        on_dask = sweep(physics, GRID, store=store, executor=pool, progress=False)
        failing = sweep(fails_badly, GRID, executor=pool, progress=False)
        there = kd.dmft.database(8, path=tmp_path / "dask", chunk=2, executor=pool, **options)
        control = Control()
        control.cancel()
        with pytest.raises(Cancelled):
            sweep(physics, GRID, executor=pool, control=control, progress=False)
    assert bits(on_dask) == bits(sweep(physics, GRID, progress=False))
    assert [f.error for f in failing.failed] == ["Unspeakable"] * 2
    here = kd.dmft.database(8, path=tmp_path / "here", chunk=2, **options)
    for name in here.solvers:
        assert there.Sigma[name].tobytes() == here.Sigma[name].tobytes()
        assert there.G_tau[name].tobytes() == here.G_tau[name].tobytes()


def test_bad_input_is_refused(tmp_path):
    for arguments, options, error, message in (
        ((3, GRID), {}, TypeError, "function must be callable"),
        ((physics, {"U": 1.0}), {}, TypeError, "U must be a sequence"),
        ((physics, {"U": "12"}), {}, TypeError, "U must be a sequence"),
        ((physics, [1.0]), {}, TypeError, "must be a mapping"),
        ((physics, GRID), {"executor": 3}, TypeError, r"must be a concurrent\.futures\.Executor"),
        ((physics, GRID), {"store": "here"}, TypeError, r"must be a kadanoff\.store\.Store"),
        ((physics, GRID), {"retry": -1}, ValueError, "retry"),
        ((physics, GRID), {"retry": 0.5}, TypeError, "retry"),
    ):
        with pytest.raises(error, match=message):
            sweep(*arguments, progress=False, **options)
    with pytest.raises(ValueError, match="finite"):
        sweep(physics, {"U": [np.nan]}, store=Store(tmp_path / "s", kind="k"), progress=False)


def test_a_store_tells_why_a_point_is_missing(tmp_path):
    store = Store(tmp_path / "s", kind="test")
    found = sweep(gives_up_at_two, GRID, store=store, progress=False)
    lost = {"U": 2.0, "beta": 5.0}
    assert lost in [failure.point for failure in found.failed]
    with pytest.raises(KeyError, match=r"has no point .*it failed, NotConverged: no luck at 2.0"):
        store.load(lost)
    with pytest.raises(KeyError) as caught:
        store.load({"U": 7.0, "beta": 5.0})
    assert "failed" not in str(caught.value)
    sweep(physics, [lost], store=store, progress=False)
    assert set(store.load(lost)) == {"trace", "row"}
    assert store.failures.keys() == {key(f.point) for f in found.failed} - {key(lost)}


def test_sweeps_introduce_themselves(tmp_path):
    store = Store(tmp_path / "s", kind="test")
    found = sweep(gives_up_at_two, GRID, store=store, progress=False)
    assert repr(found).startswith("Sweep(6 points, 4 computed, 2 failed, ")
    assert repr(found.failed[0]) == "Failure(point 2, NotConverged: no luck at 2.0)"
    page = found._repr_html_()
    for words in ("<td>1, 2, 3</td>", "<td>5, 10</td>", "no luck at 2.0"):
        assert words in page
    many = sweep(physics, {"U": [1.0] * 20, "beta": range(20)}, progress=False)
    assert "0, ..., 19 (20 values)" in many._repr_html_()
    page = store._repr_html_()
    for words in ("test", "<td>4</td>", "<th", "failed"):
        assert words in page


def test_misspelt_options_of_a_sweep_are_answered():
    with pytest.raises(TypeError, match=r"sweep\(\) has no argument 'retyr'; did you mean 'retry'"):
        sweep(physics, GRID, retyr=1)
    with pytest.raises(ValueError, match="retry must be at least 0"):
        sweep(physics, GRID, retry=-1)
    with pytest.raises(TypeError, match="progress must be a bool"):
        sweep(physics, GRID, progress="yes")


def test_without_threads_a_sweep_runs_here(monkeypatch):
    monkeypatch.setattr(interruptible, "HAS_THREADS", False)
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("a thread"))

    def inverse(x):
        return 1 / x

    found = sweep(inverse, {"x": [1, 2, 0, 4]}, progress=False)
    assert found.results[:2] == [1.0, 0.5]
    assert found.results[3] == 0.25
    assert [failure.error for failure in found.failed] == ["ZeroDivisionError"]
