"""No test depends on how fast something runs.

A loaded machine is many times slower, and a test that compares a time, stops a run after a while or
gives a child so many seconds fails there for no reason. Tests wait for events, stop at counts of
work, and limit what may hang by `tests.stopping.PATIENCE`; what must be measured is measured in
seconds of the processor.
"""

import ast

from tests.house.modules import listed, tree
from tests.paths import ROOT
from tests.stopping import PATIENCE

FILES = sorted((ROOT / "tests").rglob("*.py"))

WALL_CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time", "time_ns"}

# Where a clock on the wall is needed all the same. Only to shrink.
REASONS = {
    "tests/runs/test_parameter_sweep.py: threading.Timer(0.2": (
        "the second stop comes while a sweep waits for its workers, which nothing announces"
    ),
}


def calls(path):
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield f"{name}: {ast.unparse(node)}", node


def unexplained(lines):
    listed(line for line in lines if not line.startswith(tuple(REASONS)))


def constant(node):
    number = isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return number and not isinstance(node.value, bool)


def test_no_test_asserts_a_time():
    """The clocks on the wall are not read at all."""
    unexplained(
        line
        for path in FILES
        for line, call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in WALL_CLOCKS
        and ast.unparse(call.func.value) == "time"
    )


def test_no_run_is_stopped_after_a_while():
    """A timer that cancels may come too early: `stop_at` counts work instead."""
    unexplained(
        line
        for path in FILES
        for line, call in calls(path)
        if ast.unparse(call.func).rpartition(".")[2] == "Timer"
    )


def test_nothing_is_waited_for_by_sleeping():
    """To look again after a moment is fine, to hope that it has happened is not."""
    unexplained(
        line
        for path in FILES
        for line, call in calls(path)
        if ast.unparse(call.func).rpartition(".")[2] in ("sleep", "wait_for_timeout")
        and call.args
        and constant(call.args[0])
        and call.args[0].value > (0.5 if "sleep" in line else 30)
    )


def test_limits_catch_what_hangs_and_nothing_else():
    """Limits in seconds are `PATIENCE`; shorter ones are moments between two looks."""

    def short(call):
        limits = [keyword.value for keyword in call.keywords if keyword.arg == "timeout"]
        if ast.unparse(call.func).rpartition(".")[2] in ("wait", "join"):
            limits += call.args
        return any(constant(limit) and 0.05 < limit.value < PATIENCE for limit in limits)

    unexplained(line for path in FILES for line, call in calls(path) if short(call))


def test_the_limit_of_pytest_is_the_same():
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"\ntimeout = {PATIENCE:.0f}\n" in settings


def test_the_reasons_are_still_needed():
    every = [line for path in FILES for line, _ in calls(path)]
    listed(reason for reason in REASONS if not any(line.startswith(reason) for line in every))
