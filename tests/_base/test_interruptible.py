"""Work on a thread of its own, stopped by the thread that waits."""

import os
import signal
import threading

import pytest

from kadanoff._base.interruptible import run_aside
from tests.stopping import PATIENCE


def test_work_runs_on_another_thread():
    found = []
    run_aside(lambda: found.append(threading.current_thread()), stop=found.clear, name="aside")
    assert found[0] is not threading.current_thread()
    assert found[0].name == "aside"
    assert not found[0].is_alive() or found[0].join() is None


def test_an_exception_of_the_work_comes_back():
    def fail():
        raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        run_aside(fail, stop=lambda: None)


def test_a_watch_that_raises_stops_the_work():
    stopped, ended = threading.Event(), []

    def work():
        assert stopped.wait(PATIENCE)
        ended.append(True)

    def watch():
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        run_aside(work, stop=stopped.set, watch=watch)
    assert ended == [True]  # waited for


def test_ctrl_c_stops_the_work_and_waits_for_its_end():
    stopped, ended = threading.Event(), []

    def work():
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.wait(PATIENCE)
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_aside(work, stop=stopped.set)
    assert ended == [True]
