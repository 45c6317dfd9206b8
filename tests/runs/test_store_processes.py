"""Several processes in one store, and processes that are killed in the middle of it."""

import os
import subprocess
import sys
from multiprocessing import get_context

import numpy as np
import pytest

from kadanoff.runs.store import Store

ROUNDS = int(os.environ.get("KADANOFF_ROUNDS", "20"))


def create_and_write(folder, who, barrier, errors):
    """Make the same store as others at the same moment, write to it, read what they write."""
    try:
        order = np.random.default_rng(who)
        for r in range(ROUNDS):
            barrier.wait()
            store = Store(folder / str(r), kind="k", settings={"seed": 1})
            for x in order.permutation(2):
                store.save({"x": int(x), "who": who}, {"y": np.full(100, float(x))})
                assert {"x": int(x), "who": who} in list(Store.open(folder / str(r)))
            assert store.damaged == []
    except BaseException as error:
        barrier.abort()
        errors.put(f"{type(error).__name__}: {error}")
        raise


def test_three_processes_create_one_store_at_the_same_moment(tmp_path):
    context = get_context("spawn")
    barrier, errors = context.Barrier(3), context.SimpleQueue()
    children = [
        context.Process(target=create_and_write, args=(tmp_path, who, barrier, errors))
        for who in range(3)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0], errors.get()
    for r in range(ROUNDS):
        store = Store.open(tmp_path / str(r))
        assert len(list(store)) == len(store) == 6
        names = {path.name for path in store.path.iterdir()}
        assert names == {"manifest.json", *(file.name for file in store.files())}


# Every call by which a store touches the disk ends the process, in its turn, before or after it.
KILLED = """
import os, signal, sys
from kadanoff.runs.store import Store

CALLS = ("mkdir", "open", "fsync", "link", "replace", "unlink", "rename", "close", "scandir")


def lives(n, folder):
    # The child dies at its n-th call; whether it came to the end before that.
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    left = n

    def mortal(call):
        def instead(*arguments, **options):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)
        return instead

    for name in CALLS:
        setattr(os, name, mortal(getattr(os, name)))
    store = Store(folder, kind="k", settings={"seed": 3})
    for x in range(2):
        store.save({"x": x}, {"y": float(x)})
    os._exit(0)


n = 1
while not lives(n, f"{sys.argv[1]}/{n}"):
    n += 1
print(n)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_store_killed_at_any_step_is_opened_and_goes_on(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    steps = int(shown)
    assert steps > 10  # the calls are the ones that are made
    whole = None
    for n in range(steps, 0, -1):
        store = Store(tmp_path / str(n), kind="k", settings={"seed": 3})
        found = sorted(point["x"] for point in store)
        assert found == list(range(len(found)))
        for x in range(2):
            if {"x": x} in store:
                assert float(store.load({"x": x})["y"]) == x
            else:
                store.save({"x": x}, {"y": float(x)})
        assert store.damaged == []
        whole = whole or store.digest()
        assert store.digest() == whole
