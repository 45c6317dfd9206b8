"""Jobs on a Dask cluster: scheduler and workers are programs of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from kadanoff.cli import cluster, main
from tests.paths import ROOT
from tests.stopping import PATIENCE

distributed = pytest.importorskip("distributed")

POINTS = [*("--U", "0.5", "1", "1.5", "2"), *("--beta", "10", "20"), *("--solver", "ipt")]
JOB = ["run", "dmft", "--json", "--lattice", "square", *POINTS]


def program(*words):
    """A program of Dask; its own group, so that a stop reaches its children too."""
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler without workers."""
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    words = ("--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    with stopping(program("dask_scheduler", *words)) as child:
        while not file.exists():
            assert child.poll() is None, "the scheduler ended"
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]


@pytest.fixture
def workers(scheduler):
    """Two workers in processes of their own; a nanny starts one that dies again."""
    words = ("--nworkers", "2", "--nthreads", "1", "--no-dashboard")
    with (
        stopping(program("dask_worker", scheduler, *words)),
        distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=PATIENCE)
        yield client


@contextmanager
def stopping(child):
    with child:
        try:
            yield child
        finally:
            os.killpg(child.pid, signal.SIGKILL)


# Every job of many points, as the guide says.
OTHERS = [["run", "learned", "--U", "1"], ["run", "lectures", "--samples", "60"]]


@pytest.mark.parametrize("job", [JOB, *OTHERS])
def test_a_scheduler_without_workers_is_named(job, scheduler, capsys):
    assert main([*job, "--cluster", scheduler]) == 2
    assert f"start one: dask worker {scheduler}" in capsys.readouterr().err


def test_where_dask_is_missing_it_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*JOB, "--cluster", "tcp://127.0.0.1:8786"]) == 2
    assert "pip install distributed" in capsys.readouterr().err


def test_a_cluster_gives_the_same_and_survives_the_death_of_a_worker(
    scheduler, workers, tmp_path, capsys
):
    assert main(JOB) == 0
    here = json.loads(capsys.readouterr().out)
    memories = {worker["pid"] for worker in workers.run(own).values()}
    assert len(memories | {os.getpid()}) == 3
    on_cluster = [*JOB, "--cluster", scheduler, "--path", str(tmp_path / "points")]
    assert main(on_cluster) == 0
    there = json.loads(capsys.readouterr().out)
    assert there == here
    # Each of two workers dies once on the way; another takes its point.
    mark = tmp_path / "died"
    with cluster.executor(scheduler) as pool:
        futures = [pool.submit(dies_once, str(mark), k) for k in range(6)]
        assert [future.result(timeout=PATIENCE) for future in futures] == list(range(6))
    assert mark.exists()
    workers.wait_for_workers(2, timeout=PATIENCE)


def own():
    return {"pid": os.getpid()}


def dies_once(mark, k):
    """Ends its process without a word, the first time that one is asked."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return k
    os._exit(1)
