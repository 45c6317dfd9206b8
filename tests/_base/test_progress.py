import signal
import subprocess
import sys
import threading

import pytest

from kadanoff import KondoModel, nrg
from kadanoff._base import progress


def test_silence_by_default_outside_terminals(capsys, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: False, raising=False)
    with progress.bar("solving", None) as report:
        assert report is None
    with progress.bar("solving", False) as report:
        assert report is None
    assert capsys.readouterr().err == ""


def test_a_terminal_and_the_environment_decide(monkeypatch):
    monkeypatch.delenv("KADANOFF_PROGRESS", raising=False)
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with progress.bar("solving", None) as report:
        assert report is not None
    for value in ("0", "off", "false"):
        monkeypatch.setenv("KADANOFF_PROGRESS", value)
        with progress.bar("solving", None) as report:
            assert report is None


def test_a_function_is_handed_through():
    def mine(done, total):
        return None

    with progress.bar("solving", mine) as report:
        assert report is mine


def test_a_forced_bar_waits_for_its_patience_and_then_moves(capsys, monkeypatch):
    with progress.bar("solving X", True) as report:
        report(1, 10)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.bar("solving X", True) as report:
        report(0, 0)  # nothing announced yet
        report(1, 10)
        report(7, 10)
    shown = capsys.readouterr().err
    assert "solving X" in shown
    assert "70%" in shown


def test_a_bar_closes_when_the_work_fails(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)

    def fail():
        with progress.bar("solving", True) as report:
            report(1, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "solving" in capsys.readouterr().err


@pytest.mark.parametrize("bad", [3, "yes", object()])
def test_what_is_neither_a_bool_nor_a_function_is_refused(bad):
    with (
        pytest.raises(TypeError, match="progress must be a bool, a function or None"),
        progress.bar("solving", bad),
    ):
        pass


INTERRUPTED = """
import os, signal, sys, warnings
from kadanoff._base import progress
import kadanoff as kd

progress.PATIENCE = 0.0
warnings.simplefilter("ignore")


class Interrupt:  # the stop button, when a module that the bar needs is looked for
    def find_spec(name, path=None, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(Interrupt)
            os.kill(os.getpid(), signal.SIGINT)


def call():
    with progress.bar("solving", True) as report:
        report(1, 10)


assert sys.argv[1] not in sys.modules
sys.meta_path.insert(0, Interrupt)
try:
    call()
except KeyboardInterrupt:
    print("interrupted")
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
call()
print("whole" if "tqdm.auto" in sys.modules else "broken")
"""


@pytest.mark.parametrize("module", ["tqdm", "asyncio.coroutines", "asyncio.events", "tqdm.std"])
def test_an_interrupt_while_the_bar_is_loaded_breaks_nothing(module):
    command = [sys.executable, "-c", INTERRUPTED, module]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split() == ["interrupted", "whole"]


def test_an_interrupt_waits_for_the_end_of_the_block():
    found = []

    def block():
        with progress.without_interrupts():
            signal.raise_signal(signal.SIGINT)
            found.append("went on")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert found == ["went on"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    thread = threading.Thread(target=block_elsewhere, args=(found,))
    thread.start()
    thread.join()
    assert found == ["went on", "elsewhere"]


def block_elsewhere(found):
    """Threads receive no signals, and may not change how they are handled."""
    with progress.without_interrupts():
        found.append("elsewhere")


def test_solve_reports_work_that_only_grows():
    for keep in (800, 1600, 3200):  # until one takes longer than a wake-up, 50 ms
        seen = []
        nrg.solve(
            KondoModel(J=0.3),
            keep=keep,
            sites=40,
            symmetry=("U1", "U1"),
            progress=lambda done, total, seen=seen: seen.append((done, total)),
        )
        if len(seen) > 1:
            break
    assert len(seen) > 1
    # the last call comes after the work; blocks are counted in whole units, rounded down
    done, total = seen[-1]
    assert total == 39 * 1000
    assert 0.9 * total < done <= total
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
