"""Windows in the field of their surroundings, against plain sums and whole lattices."""

import itertools
import math

import numpy as np
import pytest

from kadanoff import Cancelled, Control, ising


def plain(fields, T, jx, jy, mask):
    """ln Z for every state of the block, by summing all spins."""
    height, width = fields.shape
    block = np.argwhere(mask)
    z = np.zeros(2 ** len(block))
    for values in itertools.product((-1, 1), repeat=height * width):
        s = np.array(values).reshape(height, width)
        energy = jx * (s[:, 1:] * s[:, :-1]).sum() + jy * (s[1:] * s[:-1]).sum()
        state = sum((s[tuple(site)] + 1) // 2 << k for k, site in enumerate(block))
        z[state] += math.exp((energy + (fields * s).sum()) / T)
    return np.log(z)


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 5), (5, 2), (1, 4), (4, 1), (1, 1)])
def test_windows_agree_with_plain_sums(shape):
    rng = np.random.default_rng(shape)
    fields = rng.normal(size=(2, *shape))
    corner = np.zeros(shape, dtype=bool)
    corner[0, 0] = True
    for mask in (rng.random(shape) < 0.4, corner, np.ones(shape, dtype=bool)):
        found = ising.window_log_Z(fields, 1.3, J=(0.8, -0.5), block=mask)
        whole = ising.window_log_Z(fields, 1.3, J=(0.8, -0.5))
        assert found.shape == (2, 2 ** mask.sum())
        for i in range(2):
            expected = plain(fields[i], 1.3, 0.8, -0.5, mask)
            np.testing.assert_allclose(found[i], expected, rtol=1e-13, atol=1e-13)
            total = np.logaddexp.reduce(expected)
            assert whole[i] == pytest.approx(total, rel=1e-13)


def test_conditional_probabilities_are_those_of_the_whole_lattice():
    """P(v | e) of a 2 x 2 block with buffer 1 on the periodic 4 x 5 lattice, by enumeration."""
    T, J = 2.0, (1.0, 0.7)
    Ly, Lx = 5, 4
    rng = np.random.default_rng(3)
    around = 2 * rng.integers(0, 2, size=(Ly, Lx)) - 1
    block = np.zeros((3, 3), dtype=bool)
    block[0:2, 1:3] = True
    fields = ising.surrounding_fields(around, (1, 0), (3, 3), J=J, h=0.2)
    found = ising.conditional(fields, T, J=J, block=block)
    weights = np.zeros(16)
    inside = np.argwhere(np.ones((3, 3), dtype=bool)) + (1, 0)
    chosen = np.argwhere(block) + (1, 0)
    for values in itertools.product((-1, 1), repeat=9):
        s = around.copy()
        s[inside[:, 0], inside[:, 1]] = values
        energy = (J[0] * s * np.roll(s, -1, axis=1) + J[1] * s * np.roll(s, -1, axis=0)).sum()
        state = sum((s[y, x] + 1) // 2 << k for k, (y, x) in enumerate(chosen))
        weights[state] += math.exp((energy + 0.2 * s.sum()) / T)
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=1e-12)


def test_windows_of_the_whole_lattice_are_open_lattices():
    for T in (0.02, 2.0, 1e4):
        found = ising.window_log_Z(np.zeros((4, 5)), T)
        exact = ising.exact((5, 4), T, boundary="open").log_Z
        assert found == pytest.approx(exact, rel=1e-13)


def test_fields_of_a_window_may_wrap_about_the_edge():
    rng = np.random.default_rng(1)
    s = 2 * rng.integers(0, 2, size=(3, 6, 7)) - 1
    inner = ising.surrounding_fields(s, (2, 3), (2, 3), J=(1.0, 2.0))
    moved = ising.surrounding_fields(np.roll(s, (-4, 2), (1, 2)), (-2, 5), (2, 3), J=(1.0, 2.0))
    np.testing.assert_array_equal(inner, moved)
    assert inner[0, 0, 1] == 2 * s[0, 1, 4]
    assert inner[0, 0, 0] == 2 * s[0, 1, 3] + s[0, 2, 2]


def test_extreme_fields_do_not_overflow():
    fields = np.array([[1e5, -1e5], [7.0, 3e4]])
    mask = np.array([[True, False], [False, True]])
    found = ising.window_log_Z(fields, 0.1, block=mask)
    # The other two follow their field, and their neighbours.
    for a, b in itertools.product((-1, 1), repeat=2):
        best = max(
            1e5 * a - 1e5 * c + 7 * d + 3e4 * b + a * c + c * b + a * d + d * b
            for c, d in itertools.product((-1, 1), repeat=2)
        )
        assert found[(a + 1) // 2 + (b + 1)] == pytest.approx(best / 0.1, abs=1e-4)


def test_cold_windows_lose_nothing_to_a_field_that_pulls_the_other_way():
    """A spin whose field alone would leave it no weight that a number can hold."""
    fields = np.array([[80.0, -150.0, -150.0]])
    found = ising.window_log_Z(fields, 0.1, J=100.0)
    assert found == pytest.approx((-80 + 150 + 150 + 200) / 0.1, rel=1e-12)


def test_results_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(1)
    fields = rng.normal(size=(500, 4, 4))
    runs = [ising.window_log_Z(fields, 2.0, threads=n).tobytes() for n in (1, 2, 3)]
    assert runs[0] == runs[1] == runs[2]


def test_cancelled_windows():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        ising.window_log_Z(np.zeros((10, 4, 4)), 2.0, control=control)
    with pytest.raises(Cancelled):
        ising.enumerate_states(5, control=control)


MASK = np.ones((2, 2), dtype=bool)
BAD = {
    "NaN": ({"fields": np.full((2, 2), np.nan)}, ValueError, "finite"),
    "complex": ({"fields": np.zeros((2, 2), complex)}, TypeError, "real"),
    "one dimension": ({"fields": np.zeros(4)}, ValueError, "shape"),
    "empty": ({"fields": np.zeros((0, 2))}, ValueError, "shape"),
    "T": ({"T": -1.0}, ValueError, "T must be above 0"),
    "block of integers": ({"block": MASK.astype(int)}, ValueError, "array of bool"),
    "block of another shape": ({"block": np.ones((3, 2), bool)}, ValueError, "shape"),
    "wide": ({"fields": np.zeros((21, 22)), "block": None}, ValueError, "at most 20"),
    "large block": (
        {"fields": np.zeros((5, 5)), "block": np.ones((5, 5), bool)},
        ValueError,
        "at most 20 sites",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(name):
    changes, error, message = BAD[name]
    arguments = {"fields": np.zeros((2, 2)), "T": 2.0, "block": MASK} | changes
    with pytest.raises(error, match=message):
        ising.window_log_Z(**arguments)


@pytest.mark.parametrize(
    ("spins", "shape", "message"),
    [
        (np.zeros((4, 4)), (2, 2), r"\+1 and -1"),
        (np.ones((4, 4)), (4, 2), "smaller than the lattice"),
        (np.ones(4), (1, 1), r"\+1 and -1"),
    ],
)
def test_bad_surroundings_are_refused(spins, shape, message):
    with pytest.raises(ValueError, match=message):
        ising.surrounding_fields(spins, (0, 0), shape)
