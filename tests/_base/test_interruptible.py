"""Work on a thread of its own, stopped by the thread that waits."""

import os
import signal
import threading
import weakref

import pytest

from kadanoff._base import interruptible
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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_in_the_callback_of_a_weak_reference_is_not_lost():
    # Python prints and drops a KeyboardInterrupt that is raised there.
    class Thing:
        pass

    stopped, ended, things = threading.Event(), [], [Thing()]
    reference = weakref.ref(things[0], lambda _: os.kill(os.getpid(), signal.SIGINT))

    def work():
        assert stopped.wait(PATIENCE)
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_aside(work, stop=stopped.set, watch=things.clear)
    assert ended == [True]
    assert reference() is None


def test_the_handler_of_the_user_is_left_alone():
    noted = []
    before = signal.signal(signal.SIGINT, lambda *_: noted.append(True))
    try:
        run_aside(lambda: os.kill(os.getpid(), signal.SIGINT), stop=lambda: None)
        while not noted:  # Python calls the handler between two instructions
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert noted == [True]
    assert signal.getsignal(signal.SIGINT) is before


def test_without_threads_the_work_is_done_here(monkeypatch):
    monkeypatch.setattr(interruptible, "HAS_THREADS", False)
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("a thread"))
    found = []
    run_aside(lambda: found.append(threading.current_thread()), stop=found.clear)
    assert found == [threading.current_thread()]
    with pytest.raises(ZeroDivisionError):
        run_aside(lambda: 1 / 0, stop=found.clear)
