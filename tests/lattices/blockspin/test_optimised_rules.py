"""Monte Carlo RG in three dimensions, with the best rule of a family."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import kadanoff as kd
from kadanoff import ising
from kadanoff.blockspin import (
    EVEN,
    EVEN_3D,
    ODD_3D,
    Majority,
    SpinOperator,
    mcrg,
    measure,
    optimised_exponents,
)
from kadanoff.lattices.blockspin.optimised_rules import crossing

# A. M. Ferrenberg, J. Xu, D. P. Landau, Phys. Rev. E 97, 043301 (2018).
K_C = 0.221654626


def test_operators_of_a_cube_have_all_their_images():
    count = {operator.name: len(operator.clusters) for operator in EVEN_3D + ODD_3D}
    assert count == {
        "nearest": 3,
        "face diagonal": 6,
        "plaquette": 3,
        "space diagonal": 4,
        "third": 3,
        "magnetisation": 1,
        "corner": 12,
        "line": 3,
    }


def test_sums_are_those_of_rolled_arrays():
    s = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), size=(3, 6, 6, 6))
    found = measure(s, EVEN_3D + ODD_3D)
    wide = s.astype(int)
    nearest = sum((wide * np.roll(wide, 1, axis=a)).sum(axis=(1, 2, 3)) for a in (1, 2, 3))
    space = sum(
        (wide * np.roll(wide, (1, i, j), axis=(1, 2, 3))).sum(axis=(1, 2, 3))
        for i in (1, -1)
        for j in (1, -1)
    )
    np.testing.assert_array_equal(found[:, 0], nearest)
    np.testing.assert_array_equal(found[:, 3], space)
    np.testing.assert_array_equal(found[:, 5], wide.sum(axis=(1, 2, 3)))


def test_exponents_of_the_cubic_lattice():
    """One step from 16^3; the soft rule of Ron, Brandt and Swendsen is near its fixed point."""
    s = ising.sample(L=(16,) * 3, T=1 / K_C, n=2000, seed=1, threads=1, progress=False)
    run = mcrg(s, Majority(2, dimension=3), steps=2, seed=0)
    # The majority rule converges slowly: 1.42, 1.54 and 2.458, 2.466 of 10,000 samples.
    assert abs(run.y_t[0, 0] - 1.417) < 3 * math.hypot(run.y_t[0, 1], 0.009)
    assert abs(run.y_h[0, 0] - 2.458) < 3 * math.hypot(run.y_h[0, 1], 0.001)
    assert run.averages().shape == (3, 8)
    ax = run.plot(ax=Figure().subplots())
    assert any("2.482" in text.get_text() for text in ax.texts)


def test_the_best_rule_of_the_square_lattice():
    s = ising.sample(L=32, T=ising.T_c, n=3000, seed=1, threads=1, progress=False)
    found = optimised_exponents(s, weights=(0.5, 2.0, 100.0), seed=0, progress=False)
    assert abs(found.y_t - 1) < 3 * found.y_t_error
    assert abs(found.y_h - 15 / 8) < 3 * found.y_h_error
    assert found.y_h_error < 0.02
    assert 0.5 <= found.w_h <= 100.0
    assert "y_t" in repr(found)


def test_thecrossing_of_lines_is_exact():
    # y(1) = 2 - x, y(2) = y(3) = 1.6 - x / 5 with x = 1 / w cross at x = 1/2.
    w = np.array([0.5, 1.0, 4.0])
    x = 1 / w
    y = np.zeros((3, 3, 2))
    y[:, 0, 0], y[:, 1, 0], y[:, 2, 0] = 2 - x, 1.6 - x / 5, 1.6 - x / 5
    y[..., 1] = 0.01
    value, error, best = crossing("y_t", w, y)
    assert value == pytest.approx(1.5)
    assert best == pytest.approx(2.0)
    # dy / dx = -1/5 and d(gap) / dx = 4/5: the error of w adds sqrt(2) / 4 of that of y.
    assert error == pytest.approx(0.01 * math.hypot(1, math.sqrt(2) / 4))


S = np.random.default_rng(0).choice(np.array([-1, 1], dtype=np.int8), size=(120, 32, 32))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optimised_exponents(S, weights=(0.5,)), ValueError, "two or more"),
        (lambda: optimised_exponents(S, weights=(-1, 2)), ValueError, "positive"),
        (lambda: optimised_exponents(S[0, 0]), ValueError, "shape"),
        (lambda: optimised_exponents(S[:, :16, :16]), ValueError, "at least 32"),
        (lambda: mcrg(S, steps=1, even=EVEN_3D), ValueError, "2 dimensions"),
        (lambda: SpinOperator("no", ((0,), (1,))), ValueError, "layer"),
        (lambda: measure(S, (EVEN[0], EVEN_3D[0])), ValueError, "two, or all of three"),
        (lambda: measure(S[0], EVEN_3D), ValueError, "lattice axes"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_rules_on_one_side_of_the_best_are_refused():
    w = np.array([0.5, 1.0])
    y = np.zeros((2, 3, 2))
    y[:, 1, 0] = 0.1
    with pytest.raises(ValueError, match="weights must enclose"):
        crossing("y_t", w, y)


def test_it_can_be_stopped():
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        optimised_exponents(S, control=control, progress=False)
