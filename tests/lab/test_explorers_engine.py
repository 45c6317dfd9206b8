"""Latest value wins, coarse before fine, errors in one line, and no thread left behind."""

import gc
import threading
import time

import pytest

from kadanoff import Cancelled
from kadanoff._base import interruptible
from kadanoff.lab.explorers.latest import IDLE, Latest, one_line
from tests.stopping import PATIENCE


class Bench:
    """A computation that waits to be released, and notes what happens to it."""

    def __init__(self, **options):
        self.begun, self.shown, self.told, self.cancelled = [], [], [], []
        self.started = threading.Semaphore(0)
        self.release = threading.Event()
        self.latest = Latest(self.compute, self.show, self.told.append, **options)

    def compute(self, *, stage, control, x):
        self.begun.append((stage, x))
        self.started.release()
        while not self.release.wait(0.001):
            if control.cancelled:
                self.cancelled.append((stage, x))
                raise Cancelled("the computation was stopped")
        return x

    def show(self, data, stage, seconds):
        self.shown.append((stage, data))

    def next(self):
        assert self.started.acquire(timeout=PATIENCE)


@pytest.fixture
def bench():
    made = []

    def make(**options):
        made.append(Bench(**options))
        return made[-1]

    yield make
    for one in made:
        one.latest.close()


def explorer_threads():
    return [t for t in threading.enumerate() if t.name == "kadanoff-explorer"]


def test_coarse_comes_first_and_fine_after(bench):
    b = bench(pause=0.0)
    b.release.set()
    b.latest.ask(x=1)
    assert b.latest.wait(PATIENCE)
    assert b.shown == [("coarse", 1), ("fine", 1)]


def test_a_newer_value_cancels_the_running_solve(bench):
    b = bench(pause=0.0)
    b.latest.ask(x=1)
    b.next()
    b.latest.ask(x=2)
    b.next()
    assert b.cancelled == [("coarse", 1)]
    b.release.set()
    assert b.latest.wait(PATIENCE)
    assert b.shown == [("coarse", 2), ("fine", 2)]


def test_of_many_values_the_last_is_answered(bench):
    b = bench(pause=0.0)
    b.latest.ask(x=0)
    b.next()
    for x in range(1, 100):
        b.latest.ask(x=x)
    b.next()  # whatever was the newest when the first had been cancelled
    b.release.set()
    assert b.latest.wait(PATIENCE)
    assert b.shown[-1] == ("fine", 99)
    assert len(b.begun) <= 5


def test_a_drag_cannot_starve_the_picture(bench):
    """Two coarse answers in a row are never cancelled."""
    b = bench(pause=0.0)
    b.latest.ask(x=1)
    b.next()
    b.latest.ask(x=2)
    b.next()
    b.latest.ask(x=3)  # spares 2, which is shown when it is ready
    b.release.set()
    assert b.latest.wait(PATIENCE)
    assert b.cancelled == [("coarse", 1)]
    assert b.shown[0] == ("coarse", 2)
    assert b.shown[-2:] == [("coarse", 3), ("fine", 3)]


def test_a_newer_value_cancels_the_fine_answer(bench):
    b = bench(pause=0.0)
    b.release.set()
    fine = threading.Event()

    def compute(*, stage, control, x):
        if (stage, x) == ("fine", 1):
            fine.set()
            while not control.cancelled:
                time.sleep(0.001)
            raise Cancelled("the computation was stopped")
        return x

    b.latest._compute = compute
    b.latest.ask(x=1)
    assert fine.wait(PATIENCE)
    b.latest.ask(x=2)
    assert b.latest.wait(PATIENCE)
    assert b.shown == [("coarse", 1), ("coarse", 2), ("fine", 2)]


def test_the_fine_answer_waits_for_rest(bench):
    b = bench(pause=PATIENCE)
    b.release.set()
    b.latest.ask(x=1)
    while not b.shown:
        time.sleep(0.001)
    b.latest.ask(x=2)
    while len(b.shown) < 2:
        time.sleep(0.001)
    assert b.begun == [("coarse", 1), ("coarse", 2)]


def test_an_error_is_one_line_and_the_next_value_is_answered(bench):
    b = bench(pause=0.0)
    b.release.set()

    def compute(*, stage, control, x):
        if x < 0:
            raise ValueError("x must not be negative, got -1\nand a second line")
        return x

    b.latest._compute = compute
    b.latest.ask(x=-1)
    assert b.latest.wait(PATIENCE)
    assert b.told[-1] == "ValueError: x must not be negative, got -1"
    assert b.shown == []
    b.latest.ask(x=4)
    assert b.latest.wait(PATIENCE)
    assert b.shown[-1] == ("fine", 4)


def test_an_error_in_drawing_is_told_too(bench):
    b = bench(pause=0.0)
    b.release.set()
    b.latest._show = lambda data, stage, seconds: 1 / 0
    b.latest.ask(x=1)
    assert b.latest.wait(PATIENCE)
    assert b.told[-1] == "ZeroDivisionError: division by zero"


def test_errors_are_cut():
    assert len(one_line(ValueError("x" * 1000))) == 160
    assert one_line(RuntimeError()) == "RuntimeError"


def test_closing_cancels_and_ends_the_thread(bench):
    b = bench()
    b.latest.ask(x=1)
    b.next()
    thread = b.latest.thread
    assert thread in explorer_threads()
    b.latest.close()
    assert b.cancelled == [("coarse", 1)]
    assert not thread.is_alive()
    assert b.latest.thread is None
    b.latest.ask(x=2)  # nobody answers any more
    assert b.begun == [("coarse", 1)]
    b.latest.close()  # twice is as good as once


def test_stop_keeps_the_explorer(bench):
    b = bench(pause=0.0)
    b.latest.ask(x=1)
    b.next()
    b.latest.stop()
    assert b.latest.wait(PATIENCE)
    assert b.told[-1] == "stopped"
    b.release.set()
    b.latest.ask(x=2)
    assert b.latest.wait(PATIENCE)
    assert b.shown == [("coarse", 2), ("fine", 2)]


def test_an_explorer_that_rests_holds_no_thread(bench):
    b = bench(pause=0.0)
    b.release.set()
    b.latest.ask(x=1)
    thread = b.latest.thread
    thread.join(PATIENCE + IDLE)
    assert not thread.is_alive()
    b.latest.ask(x=2)
    assert b.latest.wait(PATIENCE)
    assert b.shown[-1] == ("fine", 2)


def test_questions_from_many_threads(bench):
    b = bench(pause=0.0)
    b.release.set()
    askers = [threading.Thread(target=b.latest.ask, kwargs={"x": i}) for i in range(20)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    b.latest.ask(x="last")
    assert b.latest.wait(PATIENCE)
    assert b.shown[-1] == ("fine", "last")
    gc.collect()
    assert len(explorer_threads()) <= 1


def test_without_threads_a_question_is_answered_at_once(monkeypatch):
    monkeypatch.setattr(interruptible, "HAS_THREADS", False)
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("a thread"))
    shown = []

    def show(data, stage, seconds):
        shown.append((stage, data))
        if data == 1:  # a picture that moves its own slider
            latest.ask(x=2)

    latest = Latest(lambda *, stage, control, x: x, show, lambda text: None)
    latest.ask(x=1)
    assert shown[0] == ("coarse", 1)
    assert shown[-2:] == [("coarse", 2), ("fine", 2)]
    latest.close()
