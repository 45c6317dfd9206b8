"""Block rules and block spins of configurations."""

import numpy as np
import pytest

from kadanoff.lattices.blockspin import (
    Decimation,
    LinearFilter,
    Majority,
    block_levels,
    block_spins,
    measure,
    spins,
)
from kadanoff.lattices.blockspin.operators import EVEN, ODD, SpinOperator


def random_spins(shape, seed=0):
    return np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), size=shape)


def slow_majority(configuration, b):
    L = len(configuration) // b
    total = np.zeros((L, L), dtype=int)
    for i in range(L):
        for j in range(L):
            total[i, j] = sum(
                int(configuration[i * b + k, j * b + m]) for k in range(b) for m in range(b)
            )
    return total


@pytest.mark.parametrize("b", [1, 2, 3, 4, 6, 12])
@pytest.mark.parametrize("ties", ["random", "corner"])
def test_majority_against_a_loop(b, ties):
    s = random_spins((24, 24), seed=b)
    found = Majority(b, ties).apply(s, seed=3)
    total = slow_majority(s, b)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found[total != 0], np.sign(total)[total != 0])
    if ties == "corner":
        np.testing.assert_array_equal(found[total == 0], s[::b, ::b][total == 0])


def test_ties_are_fair_and_reproducible():
    s = np.tile(np.array([[1, -1], [-1, 1]], dtype=np.int8), (100, 100))
    found = Majority().apply(s, seed=1)
    # 10^4 fair coins: standard deviation 0.01
    assert abs(found.mean()) < 0.035
    np.testing.assert_array_equal(found, Majority().apply(s, seed=1))
    assert (found != Majority().apply(s, seed=2)).any()


@pytest.mark.parametrize(
    "rule",
    [Majority(), Majority(ties="corner"), Decimation(), LinearFilter([[1.0, -0.5], [0.2, 2.0]])],
)
def test_apply_draws_from_probability(rule):
    table = rule.table()
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-15)
    n = 40_000
    for state, v in enumerate(spins(4)):
        up = (rule.apply(np.tile(v.reshape(2, 2), (n, 1, 1)), seed=state) == 1).mean()
        p = table[state, 0]
        # 16 binomial tests at 4 sigma
        assert abs(up - p) <= 4 * np.sqrt(p * (1 - p) / n)
    np.testing.assert_allclose(table[::-1, 0], 1 - table[:, 0], atol=1e-15)  # h(-v) = -h(v)


def test_a_strong_filter_is_a_majority():
    strong = LinearFilter(np.full((2, 2), 1000.0))
    np.testing.assert_allclose(strong.table(), Majority().table(), atol=1e-15)
    corner = LinearFilter([[1000.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(corner.table(), Decimation().table(), atol=1e-15)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_other_dimensions(dimension):
    s = random_spins((5,) + (8,) * dimension)
    for rule in (Majority(2, dimension=dimension), Decimation(2, dimension=dimension)):
        levels = block_levels(s, rule, levels=2, seed=1)
        assert [x.shape for x in levels] == [(5,) + (8 // 2**k,) * dimension for k in range(3)]
        assert all((np.abs(x) == 1).all() for x in levels)
    np.testing.assert_array_equal(
        levels[2], s[(slice(None),) + (slice(None, None, 4),) * dimension]
    )


def test_levels_are_repeated_steps():
    s = random_spins((3, 27, 27))
    one = block_spins(s, Majority(3), seed=0)
    np.testing.assert_array_equal(
        block_spins(s, Majority(3), levels=2, seed=0), block_spins(one, Majority(3), seed=0)
    )


def test_input_is_left_alone_and_other_types_agree():
    s = random_spins((16, 16))
    before = s.copy()
    found = block_spins(s, levels=2, seed=4)
    np.testing.assert_array_equal(s, before)
    for kind in (np.int64, np.float64):
        np.testing.assert_array_equal(block_spins(s.astype(kind), levels=2, seed=4), found)
    np.testing.assert_array_equal(block_spins(s.T, levels=2, seed=4).shape, found.shape)


# ---------------------------------------------------------------------------------------- operators


def slow_measure(s, cluster):
    L = len(s)
    return sum(
        int(np.prod([s[(i + r) % L, (j + c) % L] for r, c in cluster]))
        for i in range(L)
        for j in range(L)
    )


@pytest.mark.parametrize("L", [4, 7, 12])
def test_operators_against_a_loop(L):
    s = random_spins((3, L, L), seed=L)
    operators = (*EVEN, *ODD, SpinOperator("knight", ((0, 0), (1, 2))))
    found = measure(s, operators)
    for row, configuration in zip(found, s, strict=True):
        expected = [sum(slow_measure(configuration, c) for c in o.clusters) for o in operators]
        assert row.tolist() == expected


def test_clusters_are_all_images():
    count = {o.name: len(o.clusters) for o in EVEN + ODD}
    assert count == {
        "nearest": 2,
        "diagonal": 2,
        "third": 2,
        "plaquette": 1,
        "magnetisation": 1,
        "corner": 4,
        "line": 2,
    }
    assert len(SpinOperator("knight", ((0, 0), (1, 2))).clusters) == 4
    assert [o.odd for o in EVEN + ODD] == [False] * 4 + [True] * 3


def test_large_lattices_do_not_overflow():
    up = np.ones((1, 1024, 1024), dtype=np.int8)
    assert measure(up, EVEN[:1] + ODD[:1]).tolist() == [[2 * 1024**2, 1024**2]]
    assert block_spins(up[0], Majority(16), seed=0).min() == 1


S = random_spins((8, 8))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: block_spins(S[:7], seed=0), ValueError, "does not divide"),
        (lambda: block_spins(S, levels=4, seed=0), ValueError, "3 do"),
        (lambda: block_spins(S, levels=0, seed=0), ValueError, "levels must be at least 1"),
        (lambda: block_spins(S, seed=-1), ValueError, "seed"),
        (lambda: block_spins(S, seed=True), TypeError, "seed"),
        (lambda: block_spins(S, rule="majority", seed=0), TypeError, "rule must be a BlockRule"),
        (lambda: block_spins(S * 0, seed=0), ValueError, r"\+1 and -1 only"),
        (lambda: block_spins(np.full((4, 4), np.nan), seed=0), ValueError, r"\+1 and -1 only"),
        (lambda: block_spins(S > 0, seed=0), TypeError, "dtype bool"),
        (lambda: block_spins(S * 1j, seed=0), TypeError, "dtype complex"),
        (lambda: block_spins(np.full((4, 4), -128, dtype=np.int8), seed=0), ValueError, "only"),
        (lambda: block_spins(S[0], seed=0), ValueError, "2 lattice axes"),
        (lambda: Majority(0), ValueError, "b must be at least 1"),
        (lambda: Majority(ties="up"), ValueError, "ties must be"),
        (lambda: Majority(dimension=4), ValueError, "dimension"),
        (lambda: LinearFilter([[np.inf]]), ValueError, "finite"),
        (lambda: LinearFilter(1.0), ValueError, "shape of a block"),
        (lambda: Majority().probability([1, 1, 1]), ValueError, "4 spins"),
        (lambda: Majority().probability([1, 1, 1, 0]), ValueError, "only"),
        (lambda: measure(S[0]), ValueError, "lattice axes"),
        (lambda: measure(S, ["nearest"]), TypeError, "SpinOperators"),
        (lambda: SpinOperator("twice", ((0, 0), (0, 0))), ValueError, "different sites"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
