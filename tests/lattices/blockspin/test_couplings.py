"""Couplings of block spins, exact and by cumulants; Migdal-Kadanoff recursions."""

import itertools
import json
import math

import numpy as np
import pytest

from kadanoff.lattices.blockspin import (
    Chain,
    Decimation,
    LinearFilter,
    Majority,
    MigdalKadanoff,
    block_couplings,
    block_cumulants,
    decimate,
    fixed_point,
    ring_couplings,
    ring_cumulants,
    spins,
    torus_couplings,
    torus_cumulants,
)
from tests.paths import REFERENCE as REFERENCE_DATA

REFERENCE = json.loads((REFERENCE_DATA / "lattice/rg_rbm_small.json").read_text(encoding="utf-8"))


def rule_of(name):
    numbers = [float(x) for x in name[name.index("(") + 1 : -1].split(",")]
    return LinearFilter(numbers)


@pytest.mark.parametrize(
    "case", REFERENCE["effective_couplings_1d_blocks"], ids=lambda c: f"{c['rule']}-K{c['K']}"
)
def test_table_of_rules(case):
    found = ring_couplings(Chain(case["K"]), case["n_blocks_ring"], rule_of(case["rule"]))
    # Two programs, sums of 2^16 terms: couplings agree to rounding of ln P, some 1e-15.
    close = {"abs": 3e-14}
    assert found.coupling(0, 1) == pytest.approx(case["K2(1)"], **close)
    assert found.coupling(0, 2) == pytest.approx(case["K2(2)"], **close)
    assert found.coupling(0, 3) == pytest.approx(case["K2(3)"], **close)
    assert found.coupling(0, 1, 2, 3) == pytest.approx(case["K4(1,1,1)"], **close)
    assert found.constant_per_block == pytest.approx(case["const_per_block"], rel=1e-13)
    assert found.rangeness == pytest.approx(case["rangeness K2(2)/K2(1)"], abs=1e-11)
    assert found.n_bodyness == pytest.approx(case["nbodyness K4/K2(1)"], abs=1e-11)


@pytest.mark.parametrize("b", [2, 3])
def test_decimation_leaves_a_chain(b):
    chain = Chain(0.6, 0.2, 0.1)
    found = ring_couplings(chain, 5, Decimation(b, dimension=1))
    np.testing.assert_allclose(found.log_weight, decimate(chain, b).log_weights(5), atol=1e-13)


def slow_torus(K, shape, rule, h):
    rows, columns = shape
    r, c = rule.shape
    n = rows * columns // (r * c)
    table = rule.table()
    out = np.zeros(2**n)
    for x in spins(rows * columns).reshape(-1, rows, columns).astype(int):
        energy = K * sum((x * np.roll(x, -1, axis)).sum() for axis in (0, 1)) + h * x.sum()
        P = np.ones(1)
        blocks = itertools.product(range(0, rows, r), range(0, columns, c))
        for i, j in blocks:
            block = x[i : i + r, j : j + c].ravel()
            state = sum((s == -1) << k for k, s in enumerate(block))
            P = np.outer(table[state], P).ravel()
        out += math.exp(energy) * P
    return np.log(out)


@pytest.mark.parametrize(
    "rule",
    [
        Majority(),
        Majority(ties="corner"),
        Decimation(),
        LinearFilter([[0.7, -0.2], [0.4, 0.1]], bias=0.3),
    ],
    ids=["majority", "corner", "decimation", "filter"],
)
def test_torus_against_a_loop(rule):
    found = torus_couplings(0.4, (2, 6), rule, h=0.15)
    np.testing.assert_allclose(found.log_weight, slow_torus(0.4, (2, 6), rule, 0.15), atol=1e-12)
    assert found.shape == (1, 3)


def test_no_rule_changes_the_partition_function():
    log_Z = [
        torus_couplings(0.44, (4, 4), rule, h=0.1).log_Z
        for rule in (Majority(), Decimation(), LinearFilter(np.ones((2, 2))), Majority(4))
    ]
    # 2^16 terms are added in different orders.
    np.testing.assert_allclose(log_Z, log_Z[0], rtol=1e-13)


def test_a_symmetric_rule_makes_no_odd_couplings():
    found = torus_couplings(0.44, (4, 4), Majority())
    odd = [A for A in range(16) if A.bit_count() % 2]
    assert np.abs(found.values[odd]).max() < 1e-14
    biased = torus_couplings(0.44, (4, 4), LinearFilter(np.ones((2, 2)), bias=0.1))
    assert np.abs(biased.values[odd]).max() > 1e-3


def test_cumulants_converge_in_the_coupling_between_blocks():
    # C_k is homogeneous of order k in K_1, so that the error of order k falls like K_1^(k+1).
    def errors(scale):
        bonds = [(1, 2), (3, 4), (5, 0)]
        x = spins(6).astype(float)
        inside = 0.5 * sum(x[:, i] * x[:, i + 1] for i in (0, 2, 4)) + 0.1 * x.sum(axis=1)
        between = scale * sum(x[:, i] * x[:, j] for i, j in bonds)
        blocks = [(0, 1), (2, 3), (4, 5)]
        rule = LinearFilter([1.0, 0.5])
        exact = block_couplings(inside + between, blocks, rule).log_weight
        orders = block_cumulants(inside, between, blocks, rule)
        return [np.abs(o.log_weight - exact).max() for o in orders]

    wide, narrow = np.array(errors(0.1)), np.array(errors(0.05))
    np.testing.assert_allclose(np.log2(wide / narrow), [1, 2, 3, 4], atol=0.15)


def test_cumulants_to_order_six_are_the_expansion_of_the_logarithm():
    """With K_1 scaled by t the remainder of order k is of order t^(k + 1)."""
    rng = np.random.default_rng(4)
    inside, between = 0.3 * rng.normal(size=256), rng.normal(size=256)
    blocks, rule = [[0, 1], [2, 3], [4, 5], [6, 7]], Majority(2, dimension=1)
    left = {}
    for t in (0.1, 0.2):
        orders = block_cumulants(inside, t * between, blocks, rule, order=6)
        exact = block_couplings(inside + t * between, blocks, rule)
        left[t] = [np.abs(o.log_weight - exact.log_weight).max() for o in orders]
    for k in range(7):
        power = np.log2(left[0.2][k] / left[0.1][k])
        # The next term is t times a number of order one smaller.
        assert abs(power - (k + 1)) < 0.5, k


def test_first_cumulant_is_niemeijer_and_van_leeuwen():
    # 2x2 majority with random ties on a torus of 2x2 blocks, where each bond counts twice.
    for K in (0.2, 0.5):
        first = torus_cumulants(K, (4, 4), Majority(), order=1)[1]
        weights = math.exp(4 * K), 1.0, math.exp(-4 * K)
        s = (weights[0] + 2 * weights[1]) / (weights[0] + 6 * weights[1] + weights[2])
        assert first.coupling(0, 1) == pytest.approx(2 * 2 * K * s**2, rel=1e-12)
        assert first.coupling(0, 3) == pytest.approx(0, abs=1e-14)


def test_cumulants_of_a_ring_approach_the_exact_couplings():
    exact = ring_couplings(Chain(0.1), 6, Majority(2, dimension=1))
    orders = ring_cumulants(Chain(0.1), 6, Majority(2, dimension=1))
    first, second = (
        [abs(o.coupling(*pair) - exact.coupling(*pair)) for o in orders]
        for pair in ((0, 1), (0, 2))
    )
    # Independent blocks have no couplings; odd orders make odd powers of K_1, even ones even.
    assert first[0] == pytest.approx(exact.coupling(0, 1), rel=1e-12)
    assert first[1] == pytest.approx(first[2], rel=1e-9)
    assert first[1] < 1e-4
    assert first[3] < 1e-6
    assert second[1] == pytest.approx(abs(exact.coupling(0, 2)), rel=1e-9)
    assert second[2] < 1e-5
    assert [o.order for o in orders] == [0, 1, 2, 3]


def test_largest_are_told_apart_up_to_translations():
    ring = ring_couplings(Chain(0.5, 0.1), 6, Majority(2, dimension=1))
    largest = ring.largest(3)
    assert [sites for sites, _ in largest] == [(0, 1), (0,), (0, 2)]
    expected = [ring.coupling(*sites) for sites, _ in largest]
    np.testing.assert_allclose([K for _, K in largest], expected, rtol=1e-12)


def test_too_few_blocks_have_no_rangeness():
    with pytest.raises(ValueError, match="4 are needed"):
        _ = ring_couplings(Chain(0.5), 3, Majority(2, dimension=1)).rangeness


# ---------------------------------------------------------------------------------- Migdal-Kadanoff


@pytest.mark.parametrize(
    ("order", "name"),
    [
        ("move-decimate", "move_then_decimate K'=0.5*ln cosh(4K)"),
        ("decimate-move", "decimate_then_move K'=ln cosh(2K)"),
    ],
)
def test_migdal_kadanoff_fixed_points(order, name):
    expected = REFERENCE["migdal_kadanoff_2d_b2"][name]
    star = MigdalKadanoff(order=order).fixed_point()
    assert pytest.approx(expected["K*"], rel=1e-12) == star.K
    # The reference differentiates numerically.
    assert star.eigenvalue == pytest.approx(expected["lambda_t"], rel=1e-8)
    assert star.nu == pytest.approx(expected["nu"], rel=1e-8)
    assert star.y_h == pytest.approx(1.879, abs=5e-4)  # textbook value


def test_other_recursions():
    table = REFERENCE["migdal_kadanoff_2d_b2"]
    closure = fixed_point(
        lambda K: 3 / 8 * math.log(math.cosh(4 * K)), b=math.sqrt(2), bracket=(0.3, 1)
    )
    expected = table["decimation b=sqrt2, Maris-Kadanoff closure K'=(3/8)ln cosh 4K"]
    assert pytest.approx(expected["K*"], rel=1e-12) == closure.K
    assert closure.nu == pytest.approx(expected["nu"], rel=1e-8)


def test_infinitesimal_steps_are_self_dual():
    star = MigdalKadanoff(b=1 + 1e-6).fixed_point()
    assert pytest.approx(math.log(1 + math.sqrt(2)) / 2, abs=1e-6) == star.K
    assert star.y_t == pytest.approx(0.7535, abs=5e-5)


@pytest.mark.parametrize("d", [1.5, 2, 3, 4])
@pytest.mark.parametrize("b", [2, 3, 5])
def test_orders_share_exponents(d, b):
    first, second = (
        MigdalKadanoff(d, b, o).fixed_point() for o in ("move-decimate", "decimate-move")
    )
    assert pytest.approx(b ** (d - 1) * first.K, rel=1e-11) == second.K
    assert second.eigenvalue == pytest.approx(first.eigenvalue, rel=1e-10)
    assert second.field_eigenvalue == pytest.approx(first.field_eigenvalue, rel=1e-10)


@pytest.mark.parametrize("order", ["move-decimate", "decimate-move"])
@pytest.mark.parametrize(("d", "b"), [(2, 2), (3, 2), (2, 3), (2, 4)])
def test_eigenvalues_are_derivatives(order, d, b):
    step = MigdalKadanoff(d, b, order)
    star = step.fixed_point()
    e = 1e-5
    assert (step(star.K + e) - step(star.K - e)) / (2 * e) == pytest.approx(
        star.eigenvalue, rel=1e-7
    )
    K, h = step.step(star.K, e)
    assert h / e == pytest.approx(star.field_eigenvalue, rel=1e-7)
    assert pytest.approx(star.K, abs=1e-8) == K
    assert step.step(star.K, 0.0)[0] == pytest.approx(step(star.K), rel=1e-13)


def test_flow_leaves_on_both_sides():
    step = MigdalKadanoff()
    star = step.fixed_point().K
    assert (np.diff(step.flow(star * 0.99, steps=12).K) < 0).all()
    up = step.flow(star * 1.01, steps=40).K
    assert (np.diff(up) >= 0).all()
    assert np.isfinite(up).all()
    assert step.flow(star * 0.99, steps=30).K[-1] < 1e-300
    ordered = step.flow(1.0, h=0.01, steps=10)
    assert ordered.h[-1] > 1


def test_strong_coupling_is_accurate():
    # artanh(tanh^2 K) = K - ln(2)/2 up to e^-4K
    step = MigdalKadanoff(order="decimate-move")
    for K in (5.0, 30.0, 500.0):
        assert step(K) == pytest.approx(2 * (K - math.log(2) / 2), rel=1e-8 if K < 9 else 1e-14)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: MigdalKadanoff(dimension=1), ValueError, "decimation_flow"),
        (lambda: MigdalKadanoff(b=1), ValueError, "b must be above 1"),
        (lambda: MigdalKadanoff(order="both"), ValueError, "order must be"),
        (lambda: MigdalKadanoff(b=1.5).step(0.3, 0.1), ValueError, "integer"),
        (lambda: MigdalKadanoff(b=1.5)(-0.3), ValueError, "integer"),
        (lambda: MigdalKadanoff()(math.nan), ValueError, "finite"),
        (lambda: MigdalKadanoff().flow(0.3, steps=0), ValueError, "steps"),
        (lambda: fixed_point(lambda K: 2 * K, b=2, bracket=(1, 2)), ValueError, "change sign"),
        (lambda: ring_couplings(Chain(1.0), 8, Majority()), ValueError, "1 dimension"),
        (lambda: ring_couplings(1.0, 8, Majority(dimension=1)), TypeError, "Chain"),
        (lambda: ring_couplings(Chain(1.0), 13, Majority(dimension=1)), ValueError, "enumerate"),
        (lambda: torus_couplings(0.4, (3, 4), Majority()), ValueError, "do not divide"),
        (lambda: torus_couplings(math.inf, (4, 4), Majority()), ValueError, "finite"),
        (lambda: torus_couplings(0.4, (4, 4), "majority"), TypeError, "BlockRule"),
        (lambda: torus_cumulants(0.4, (4, 4), Majority(), order=7), ValueError, "order"),
        (
            lambda: block_couplings(np.zeros(4), [(0,), (0,)], Decimation(1, dimension=1)),
            ValueError,
            "once",
        ),
        (
            lambda: block_couplings(np.zeros(4), [(0, 1)], Decimation(1, dimension=1)),
            ValueError,
            "blocks of 1 sites",
        ),
        (
            lambda: block_couplings(np.zeros(4), [(0, 1)], LinearFilter([0.0, 0.0], bias=1e3)),
            ValueError,
            "forbids",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
