import math
from types import SimpleNamespace

import numpy as np
import pytest

from kadanoff._base.errors import NotConverged
from kadanoff._base.running import Run
from kadanoff.impurities.effective.gauss_newton import ParameterSearch


def search(residual, slopes, start, *, low=None, high=None, method="partition", tolerance=1e-8):
    """A search on given functions instead of impurity models."""
    start = np.array(start, dtype=float)
    problem = SimpleNamespace(
        method=method,
        names=tuple("xyz"[: len(start)]),
        theta=start,
        low=np.full(len(start), -np.inf) if low is None else np.array(low, dtype=float),
        high=np.full(len(start), np.inf) if high is None else np.array(high, dtype=float),
        T=(1.0,) * len(residual(start)),
        scale=np.ones(len(residual(start))),
        start=SimpleNamespace(band=SimpleNamespace(D=1.0)),
        reference=lambda _: np.zeros(len(residual(start))),
        evaluate=lambda theta, _: (residual(theta), slopes(theta)),
    )
    run = ParameterSearch(problem, tolerance, 60)
    run.search(Run(), None)
    return run


def test_a_saturated_start_is_no_trap():
    # Where ln Z saturates, Newton's step would be 1e4 times too long.
    run = search(
        lambda x: np.tanh(15 * (x - 0.2)), lambda x: 15 / np.cosh(15 * (x - 0.2))[None] ** 2, [0.9]
    )
    assert run.best[0] == pytest.approx(0.2, abs=1e-7)
    assert len(run.history) < 20


def test_the_residual_may_have_no_zero():
    # min of (x - 1)^2 + (x - 2)^2
    run = search(lambda x: np.array([x[0] - 1, x[0] - 2]), lambda x: np.ones((2, 1)), [5.0])
    assert run.best[0] == pytest.approx(1.5)
    assert run.loss == pytest.approx(0.5)


def test_a_bound_that_the_loss_pushes_against_ends_the_search():
    run = search(lambda x: x + 1, lambda x: np.ones((1, 1)), [1.0], low=[0.0], high=[np.inf])
    assert run.best[0] == 0
    assert run.at_bound == ("x",)
    run = search(lambda x: x - 9, lambda x: np.ones((1, 1)), [1.0], low=[0.0], high=[3.0])
    assert run.best[0] == 3
    assert run.at_bound == ("x",)


def test_a_loss_without_minimum_is_reported():
    with pytest.raises(NotConverged, match="does not depend on x"):
        search(lambda x: np.exp(-x), lambda x: -np.exp(-x)[None], [1.0])


def test_a_curved_valley():
    # Rosenbrock's, minimum at (1, 1).
    run = search(
        lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]),
        lambda x: np.array([[-20 * x[0], 10.0], [-1.0, 0.0]]),
        [-1.2, 1.0],
    )
    np.testing.assert_allclose(run.best, 1, rtol=1e-6)


def test_one_of_two_at_its_bound():
    run = search(
        lambda x: np.array([x[0] - 2, x[1] + 1, 0.1 * (x[0] - x[1])]),
        lambda x: np.array([[1.0, 0.0], [0.0, 1.0], [0.1, -0.1]]),
        [1.0, 1.0],
        low=[0.0, 0.0],
        high=[9.0, 9.0],
    )
    assert run.at_bound == ("y",)
    assert run.best[1] == 0
    assert run.best[0] == pytest.approx(2 / 1.01)


def test_the_best_of_all_steps_is_returned():
    run = search(
        lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]),
        lambda x: np.array([[-20 * x[0], 10.0], [-1.0, 0.0]]),
        [-1.2, 1.0],
    )
    losses = [step.loss for step in run.history]
    assert run.loss == min(losses)
    assert run.history[0].accepted
    lowest = np.minimum.accumulate([np.inf, *losses[:-1]])
    # A step that lowers the loss is always taken; in a bent valley others may be.
    assert all(step.accepted for step, low in zip(run.history, lowest, strict=True)
               if step.loss < low)  # fmt: skip


@pytest.mark.parametrize("weak", [1e-2, 1e-3, 1e-4])
def test_a_narrow_bent_valley_takes_few_steps(weak):
    # One combination, x y, is fixed 1 / weak times better than x alone, as U and V are by ln Z
    # far below U. Steps along the valley raise the loss at first: a search that refuses them
    # takes 40, 100 and more than 1000 evaluations.
    def residual(x):
        return np.array([x[0] * x[1] - 1, weak * (x[0] - 1)])

    def slopes(x):
        return np.array([[x[1], x[0]], [weak, 0.0]])

    run = search(residual, slopes, [0.5, 2.5])
    np.testing.assert_allclose(run.best, 1, rtol=1e-7)
    assert len(run.history) <= 15
    assert run.sensitivity.undetermined == ()
    # At (1, 1): d(xy) = (1, 1) . d, of norm sqrt 2, and nearly weak / sqrt 2 across.
    np.testing.assert_allclose(run.sensitivity.singular, [2**0.5, weak / 2**0.5], rtol=1e-3)
    assert run.sensitivity.condition == pytest.approx(2 / weak, rel=1e-3)


def test_what_the_data_do_not_determine_is_said_and_left_alone():
    def residual(x):
        return np.array([x[0] * x[1] - 1, 2 * x[0] * x[1] - 2, x[2] - 3])

    def slopes(x):
        return np.array([[x[1], x[0], 0], [2 * x[1], 2 * x[0], 0], [0, 0, 1.0]])

    run = search(residual, slopes, [0.5, 2.5, 1.0])
    x, y, z = run.best
    assert x * y == pytest.approx(1, rel=1e-7)
    assert z == pytest.approx(3, rel=1e-7)
    # The shortest way to x y = 1 in units of each: both fall by a tenth.
    assert (x, y) == pytest.approx((0.5 * 0.894, 2.5 * 0.894), rel=0.01)
    (direction,) = run.sensitivity.undetermined
    assert direction in ("+0.71 x -0.71 y +0.00 z", "-0.71 x +0.71 y +0.00 z")
    assert run.sensitivity.condition > 1e12
    assert run.sensitivity.errors(1e-6)["x"] > 1


def test_jumps_of_the_data_end_the_search():
    # A truncated ln Z jumps where another state is kept. Here the zeros, x = 1 -+ 0.3, are each on
    # the wrong side of the jump.
    def residual(x):
        return np.array([x[0] * x[1] - 1, 1e-4 * (x[0] - 1) + math.copysign(3e-5, x[0] - 1.03)])

    def slopes(x):
        return np.array([[x[1], x[0]], [1e-4, 0.0]])

    run = search(residual, slopes, [0.5, 2.5], tolerance=1e-6)
    assert run.loss < 2e-9  # (3.3e-5)^2
    assert run.best[0] * run.best[1] == pytest.approx(1, abs=1e-5)
    assert run.best[0] == pytest.approx(1.03, abs=2e-3)
    # The jump over a step of 1e-3, and a hundred times the jump.
    assert 100 * 6e-5 < run.sensitivity.least < 0.2
    assert len(run.sensitivity.undetermined) == 1


def test_slopes_that_point_uphill_are_reported():
    with pytest.raises(NotConverged, match=r"no smaller loss than 1\.62e\+00 found near"):
        search(lambda x: x - 0.1, lambda x: -np.eye(2), [1.0, 1.0])


def test_slopes_that_are_wrong_by_more_than_the_weak_direction():
    # x y = 1 counts 1e3 times more than x, and the slope by x is of the wrong sign: what is
    # certain is found, and the rest is called open.
    run = search(
        lambda x: np.array([x[0] * x[1] - 1, 1e-3 * (x[0] - 1)]),
        lambda x: np.array([[x[1], x[0]], [-1e-3, 0.0]]),
        [0.8, 2.0],
    )
    assert run.best[0] * run.best[1] == pytest.approx(1, abs=1e-3)
    assert len(run.sensitivity.undetermined) == 1
    assert len(run.history) < 30


@pytest.mark.parametrize("start", [0.05, 0.3, 3.0])
def test_secant_search_finds_a_crossing(start):
    run = search(
        lambda x: np.arctan(5 * (x - 0.5)) + 0.1 * x,
        lambda x: np.empty((1, 0)),
        [start],
        low=[0.0],
        high=[np.inf],
        method="observable",
    )
    x = run.best[0]
    assert math.atan(5 * (x - 0.5)) + 0.1 * x == pytest.approx(0, abs=1e-7)
    assert len(run.history) < 25


def test_secant_search_stops_at_a_bound():
    run = search(
        lambda x: x + 1,
        lambda x: np.empty((1, 0)),
        [1.0],
        low=[0.0],
        high=[np.inf],
        method="observable",
    )
    assert run.best[0] == 0
    assert run.at_bound == ("x",)
