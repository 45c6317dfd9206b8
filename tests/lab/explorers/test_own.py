"""Sliders for a function of the user: ranges, kinds of results, errors, cancelling."""

import contextlib
import threading
import time

import numpy as np
import pytest

import kadanoff as kd

ipywidgets = pytest.importorskip("ipywidgets", reason="needs pip install kadanoff[lab]")

from kadanoff.lab.explorers import own  # noqa: E402
from kadanoff.lab.explorers.interruption import interruptible_call  # noqa: E402
from tests.stopping import PATIENCE  # noqa: E402


def answered(explorer):
    assert explorer.latest.wait(PATIENCE), explorer.text
    return explorer


def a_figure(x):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    figure.add_subplot().plot([0, x])
    return figure


RESULTS = {
    "number": lambda x: x**2,
    "curve": lambda x: np.arange(9) * x,
    "xy": lambda x: (np.arange(3), np.arange(3) * x),
    "errors": lambda x: ([0, 1], [0, x], [0.1, 0.2]),
    "complex": lambda x: np.exp(1j * x * np.arange(9)),
    "image": lambda x: x * np.eye(3),
    "curves": lambda x: {"a": [0, x], "b": ([0, 1], [x, 0])},
    "drawing": lambda x: lambda ax: ax.plot([0, x]),
    "figure": a_figure,
    "axes": lambda x: a_figure(x).axes[0],
    "result": lambda x: kd.nrg.solve(
        kd.KondoModel(J=0.2 + 0.1 * x), keep=40, T_min=1e-4, errors=False
    ),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_results_of_many_kinds_are_shown(kind):
    explorer = answered(kd.lab.explore(RESULTS[kind], x=(0.0, 2.0)))
    assert explorer.text.startswith("fine"), explorer.text
    first = explorer.picture.value
    explorer.sliders["x"].value = 2.0
    answered(explorer)
    assert explorer.picture.value != first
    assert "x = 2.00" in explorer.picture.alt
    explorer.close()


def test_what_cannot_be_drawn_is_told():
    explorer = answered(kd.lab.explore(lambda x: "words", x=(0, 1)))
    assert explorer.text.startswith("TypeError: a function to explore returns a number, an array")
    explorer.close()


def test_ranges_become_controls():
    def f(U, n: int, step=0.25, *, kind="b", on=True, m=3):
        """Never called."""

    controls = own.controls_of(
        f,
        {"U": (0, 3), "n": (1, 5), "step": (0.0, 1.0, 0.25), "kind": ["a", "b"], "on": False,
         "m": range(1, 10, 2)},
    )  # fmt: skip
    U, n, step, kind, on, m = controls
    assert isinstance(U.value, float)  # U=(0, 3) is no integer
    assert (U.low, U.high, U.value) == (0.0, 3.0, 1.5)
    assert (n.value, n.step) == (3, 1)
    assert isinstance(n.value, int)
    assert (step.value, step.step) == (0.25, 0.25)
    assert (kind.value, on.value) == ("b", True)  # defaults of f
    assert (m.low, m.high, m.value, m.step) == (1, 9, 3, 2)


@pytest.mark.parametrize(
    ("ranges", "error", "words"),
    [
        ({"y": (0, 1)}, TypeError, "has no argument 'y'"),
        ({}, TypeError, "x has no default and no range: give x="),
        ({"x": 3}, TypeError, r"x must be \(low, high\)"),
        ({"x": (1, 0)}, ValueError, "x must have low < high"),
        ({"x": (0, 1, 5)}, ValueError, "the step of x must be at most 1"),
        ({"x": (0, 1, -1)}, ValueError, "the step of x must be above 0"),
        ({"x": ("a", "b")}, TypeError, r"x\[0\] must be a real number"),
        ({"x": (0.0, np.inf)}, ValueError, "finite"),
        ({"x": []}, TypeError, "x must be"),
    ],
)
def test_ranges_that_cannot_be_read_are_refused(ranges, error, words):
    with pytest.raises(error, match=words):
        kd.lab.explore(lambda x: x, **ranges)


def test_positional_arguments_and_no_function_are_refused():
    with pytest.raises(TypeError, match="by position only"):
        own.controls_of(lambda x, /: x, {"x": (0, 1)})
    with pytest.raises(TypeError, match="f must be callable, got 3"):
        kd.lab.explore(3, x=(0, 1))


def test_an_error_is_shown_whole_and_the_next_value_is_answered():
    def f(x):
        if x > 1:
            raise ValueError("x is too large\nby far")
        return x

    explorer = answered(kd.lab.explore(f, x=(0.0, 2.0)))
    picture = explorer.picture.value
    explorer.sliders["x"].value = 1.5
    answered(explorer)
    assert explorer.text == "ValueError: x is too large"
    assert isinstance(explorer.error, ValueError)
    assert "by far" in explorer.status.value
    assert "raise ValueError" in explorer.status.value  # the line of the user
    assert "latest.py" not in explorer.status.value  # not ours
    assert explorer.picture.value == picture
    explorer.sliders["x"].value = 0.5
    answered(explorer)
    assert explorer.error is None
    assert explorer.data == 0.5
    explorer.close()


def test_a_function_may_take_stage_and_control():
    seen = []

    def f(x, *, stage, control):
        seen.append((stage, type(control)))
        return x

    answered(kd.lab.explore(f, x=(0, 1))).close()
    assert seen == [("coarse", kd.Control), ("fine", kd.Control)]
    plain = []
    answered(kd.lab.explore(lambda x: plain.append(x) or x, x=(0, 1))).close()
    assert plain == [0.5]


def test_seeds_are_untouched():
    explorer = answered(
        kd.lab.explore(lambda seed: np.random.default_rng(seed).normal(size=4), seed=(0, 5, 1))
    )
    assert np.array_equal(explorer.data, np.random.default_rng(2).normal(size=4))
    explorer.close()


def test_plain_python_is_stopped():
    begun = threading.Event()

    def forever(x):
        begun.set()
        while x:
            time.sleep(0.001)
        return 1.0

    explorer = kd.lab.explore(forever, x=(0, 2, 1))
    assert begun.wait(PATIENCE)
    explorer.latest.stop()
    assert explorer.latest.wait(PATIENCE)
    assert explorer.text == "stopped"
    explorer.sliders["x"].value = 2  # again forever, and
    explorer.sliders["x"].value = 0  # a newer value
    answered(explorer)
    assert explorer.data == 1.0
    explorer.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("kadanoff-")]


def test_a_call_that_ends_is_not_hit_by_its_cancellation():
    for _ in range(20):
        control = kd.Control()
        stop = threading.Thread(target=control.cancel)  # begins as the call ends
        with contextlib.suppress(kd.Cancelled):
            assert interruptible_call(lambda stop=stop: stop.start() or 3, control) == 3
        stop.join()
        for _ in range(200):  # nothing arrives later
            time.sleep(0)


def test_the_lines_of_code_run():
    def parabola(x, n=1):
        return np.arange(5.0) ** 2 * x + n

    explorer = answered(kd.lab.explore(parabola, x=(0.0, 2.0)))
    names = {"parabola": parabola}
    exec(explorer.picture.code.replace("own.drawn(data)", "shown = own.drawn(data)"), names)
    assert names["shown"].png() == explorer.picture.value
    explorer.close()
