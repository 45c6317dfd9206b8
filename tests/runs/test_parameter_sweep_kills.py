"""Sweeps that are killed or meet a full disk: nothing lost, nothing computed twice."""

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store
from tests.stopping import wait_for

KILLS = int(os.environ.get("KADANOFF_KILLS", "3"))
POINTS = 120
WORKERS = 2

PROGRAM = """
import os, sys
from concurrent.futures import ProcessPoolExecutor
from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store


def f(x):
    # One line in one write: whole, whoever else writes.
    handle = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{x}\\n".encode())
    os.close(handle)
    return {"y": [x * 0.1] * 50}


if __name__ == "__main__":
    store = Store(sys.argv[1], kind="k")
    pool = ProcessPoolExecutor(WORKERS) if sys.argv[3] == "processes" else None
    sweep(f, {"x": range(POINTS)}, store=store, executor=pool, progress=False)
""".replace("WORKERS", str(WORKERS)).replace("POINTS", str(POINTS))


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups")
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_random_kills_lose_nothing_and_double_nothing(tmp_path, executor):
    program, log, folder = tmp_path / "program.py", tmp_path / "log", tmp_path / "s"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(folder), str(log), executor]
    rng = np.random.default_rng([7, len(executor)])
    # The first is killed while the store is being made.
    targets = [0, *np.sort(rng.integers(1, POINTS, size=KILLS - 1))]
    for target in targets:
        log.unlink(missing_ok=True)
        before = {file.name for file in folder.glob("*.npz")}
        child = subprocess.Popen(command, start_new_session=True)
        wait_for(lambda target=target: _stored(folder) >= target and folder.exists(), child)
        os.killpg(child.pid, signal.SIGKILL)  # the workers of a pool outlive their parent
        child.wait()
        done = _lines(log)
        assert len(done) == len(set(done))
        known = {Store.open(folder).file({"x": x}).name for x in done} if done else set()
        assert not known & before  # what was stored is not computed again
        after = {file.name for file in folder.glob("*.npz")}
        assert before <= after
    log.unlink(missing_ok=True)
    before = _stored(folder)
    subprocess.run(command, check=True)
    done = _lines(log)
    assert len(done) == len(set(done)) == POINTS - before
    store = Store.open(folder)
    undisturbed = Store(tmp_path / "whole", kind="k")
    for x in range(POINTS):
        undisturbed.save({"x": x}, {"y": [x * 0.1] * 50})
    assert store.digest() == undisturbed.digest()
    assert store.damaged == []


def _stored(folder):
    return len(list(folder.glob("*.npz")))


def _lines(log):
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_a_full_disk_keeps_what_was_computed(tmp_path, monkeypatch):
    store = Store(tmp_path / "s", kind="k")
    sync, left = os.fsync, 3

    def full(handle):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device: '.*\.npz'") as caught:
            sweep(lambda x: {"y": 2 * x}, {"x": range(50)}, store=store, progress=False)
    partial = caught.value.partial
    assert any("in .partial" in note for note in caught.value.__notes__)
    kept = {p["x"]: int(r["y"]) for p, r in zip(partial.points, partial.results, strict=True) if r}
    assert len(kept) == partial.computed > 3
    assert kept == {x: 2 * x for x in kept}
    assert len(store) == 3
    assert list(store.path.glob(".*")) == []
    assert (
        sweep(lambda x: {"y": 2 * x}, {"x": range(50)}, store=store, progress=False).computed == 47
    )


def test_a_vanished_folder_keeps_what_was_computed(tmp_path):
    store = Store(tmp_path / "s", kind="k")

    def function(x):
        if x == 10:
            store.path.rename(tmp_path / "elsewhere")
        return {"y": x}

    with pytest.raises(FileNotFoundError, match=r"'.*/s/.*\.npz'") as caught:
        sweep(function, {"x": range(20)}, store=store, progress=False)
    results = caught.value.partial.results
    assert caught.value.partial.computed == sum(result is not None for result in results) > 0
