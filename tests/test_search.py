import math
from types import SimpleNamespace

import numpy as np
import pytest

from kadanoff.errors import NotConverged
from kadanoff.search import Search


def search(residual, slopes, start, *, low=None, high=None, method="partition", tolerance=1e-8):
    """Search on given functions instead of impurity models."""
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
        reference=lambda **_: np.zeros(len(residual(start))),
        evaluate=lambda theta, **_: (residual(theta), slopes(theta)),
    )
    run = Search(problem, tolerance, 60)
    run.run(None)
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


def test_accepted_steps_have_falling_loss():
    run = search(
        lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]),
        lambda x: np.array([[-20 * x[0], 10.0], [-1.0, 0.0]]),
        [-1.2, 1.0],
    )
    losses = [step.loss for step in run.history if step.accepted]
    assert losses == sorted(losses, reverse=True)
    assert run.loss == losses[-1]


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
