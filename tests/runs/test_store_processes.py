"""Processes that are killed at any step of their work on a store."""

import os
import subprocess
import sys

import pytest

from kadanoff.runs.store import Store

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
