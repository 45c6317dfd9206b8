"""Threads, progress, control and seed: checked once, handed on together."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff._base.running import Run


def test_a_run_keeps_what_it_was_given():
    control = kd.Control()
    run = Run.of(threads=np.int64(3), progress=False, control=control, seed=7)
    assert (run.threads, run.progress, run.seed) == (3, False, 7)
    assert run.control is control
    assert run.keywords == {"threads": 3, "progress": False, "control": control}


def test_defaults():
    run = Run.of()
    assert (run.threads, run.progress, run.control) == (None, None, None)
    assert run.seed != Run.of().seed  # fresh entropy


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"threads": 0}, ValueError, "threads must be at least 1"),
        ({"threads": 1025}, ValueError, "threads must be at least 1 and at most 1024"),
        ({"threads": True}, TypeError, "threads must be an integer"),
        ({"progress": "yes"}, TypeError, "progress must be a bool, a function or None"),
        ({"progress": 1}, TypeError, "progress must be a bool, a function or None"),
        ({"control": object()}, TypeError, "control must be a kd.Control or None"),
        ({"control": False}, TypeError, "control must be a kd.Control or None"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"seed": True}, TypeError, "seed must be an integer or None"),
        ({"seed": "a"}, TypeError, "seed must be an integer or None"),
    ],
)
def test_bad_arguments_are_refused(arguments, kind, words):
    with pytest.raises(kind, match=words):
        Run.of(**arguments)


def test_one_call_into_the_core():
    control = kd.Control()

    def mine(done, total):
        return None

    run = Run.of(threads=2, progress=mine, control=control, seed=1)
    with run.calling("work") as keywords:
        assert keywords == {"threads": 2, "control": control, "report": mine}
    with run.quiet().calling("work") as keywords:
        assert keywords == {"threads": 2, "control": control, "report": None}
    assert run.quiet().seed == 1
    assert run.progress is mine  # unchanged
