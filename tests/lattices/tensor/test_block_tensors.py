"""Products and cuts of blocks against the same of dense arrays."""

import numpy as np
import pytest

from kadanoff.lattices.tensor.block_tensors import (
    BlockTensor,
    Leg,
    contract,
    kept_values,
    layout,
    leading,
    matrices,
    split,
    unfused,
)


def dense(tensor):
    """All charges in one array."""
    starts = [np.concatenate([[0], np.cumsum(leg.dims)]) for leg in tensor.legs]
    full = np.zeros([sum(leg.dims) for leg in tensor.legs])
    for key, block in tensor.blocks.items():
        full[tuple(slice(s[c], s[c + 1]) for s, c in zip(starts, key, strict=True))] = block
    return full


def random_tensor(N, signs, seed=1):
    rng = np.random.default_rng(seed)
    legs = tuple(Leg(tuple(rng.integers(2, 5, size=N).tolist()), sign) for sign in signs)
    blocks = {}
    for _, parts in [layout(legs)[0]]:
        blocks = {part.charges: rng.normal(size=part.shape) for part in parts}
    return BlockTensor(legs, blocks)


@pytest.mark.parametrize("N", [1, 2, 3, 4])
def test_products_are_those_of_dense_arrays(N):
    a = random_tensor(N, (1, 1, -1, -1))
    b = random_tensor(N, (1, 1, -1, -1), seed=2)
    b = BlockTensor(
        (a.legs[2].reversed, b.legs[1], b.legs[2], a.legs[1].reversed),
        b.blocks,
    )
    rng = np.random.default_rng(3)
    b = BlockTensor(b.legs, {p.charges: rng.normal(size=p.shape) for p in layout(b.legs)[0][1]})
    product = contract(a, (2, 1), b, (0, 3))
    wanted = np.einsum("lurd,rxyu->ldxy", dense(a), dense(b))
    # Sums of some hundred products of numbers of order one.
    np.testing.assert_allclose(dense(product), wanted, atol=1e-12)
    np.testing.assert_allclose(
        dense(product.transposed(3, 0, 2, 1)), wanted.transpose(3, 0, 2, 1), atol=1e-12
    )


@pytest.mark.parametrize("N", [1, 2, 3])
def test_matrices_and_back(N):
    a = random_tensor(N, (1, 1, -1, -1))
    found = unfused(matrices(a, (3, 1), (0, 2)), (a.legs[3], a.legs[1]), (a.legs[0], a.legs[2]))
    np.testing.assert_array_equal(dense(found), dense(a).transpose(3, 1, 0, 2))
    again = a.filled(a.vector())
    np.testing.assert_array_equal(dense(again), dense(a))
    assert a.norm == pytest.approx(np.linalg.norm(dense(a)), rel=1e-14)


@pytest.mark.parametrize("N", [1, 2, 3])
def test_a_cut_without_truncation_is_exact_and_with_one_the_best(N):
    a = random_tensor(N, (1, 1, -1, -1))
    full = dense(a)
    values = np.linalg.svd(full.reshape(full.shape[0] * full.shape[1], -1), compute_uv=False)
    whole = split(a, (0, 1), (2, 3), 1000)
    np.testing.assert_allclose(
        dense(contract(whole.left, (2,), whole.right, (0,))), full, atol=1e-12
    )
    assert whole.discarded < 1e-7  # the root of rounding
    cut = split(a, (0, 1), (2, 3), 5)
    rest = np.linalg.norm(dense(contract(cut.left, (2,), cut.right, (0,))) - full)
    assert rest == pytest.approx(np.linalg.norm(values[5:]), rel=1e-10)
    # A difference of two squares of order one.
    assert cut.discarded**2 == pytest.approx((rest / np.linalg.norm(full)) ** 2, abs=1e-14)


def test_a_frame_repeats_numbers_and_signs():
    a = random_tensor(2, (1, 1, -1, -1))
    first = split(a, (0, 1), (2, 3), 4)
    turned = [-vectors for vectors in first.frame]
    second = split(a, (0, 1), (2, 3), 4, turned)
    np.testing.assert_allclose(dense(second.left), -dense(first.left), atol=1e-12)


def test_partial_decompositions_are_the_leading_part():
    rng = np.random.default_rng(5)
    n = 300  # large enough for the subspace iteration
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    s = np.exp(-0.35 * np.sqrt(np.arange(n)) * np.log1p(np.arange(n)))
    found = leading(u * s @ v.T, 20)
    # The others are smaller by s_40 / s_20 = 0.03, to the sixth power after three rounds.
    np.testing.assert_allclose(found[1], s[:20], rtol=1e-8)
    np.testing.assert_allclose(np.abs((found[0] * u[:, :20]).sum(axis=0)), 1, atol=1e-8)


def test_multiplets_are_kept_or_discarded_whole():
    assert kept_values([np.array([3.0, 1.0]), np.array([2.0, 1.0])], 3) == [1, 1]
    assert kept_values([np.array([3.0, 1.0]), np.array([2.0, 1.0])], 4) == [2, 2]
    # Rounding is no state.
    assert kept_values([np.array([1.0, 1e-16])], 2) == [1]
    # A multiplet larger than all that may be kept is cut.
    assert kept_values([np.ones(3)], 2) == [2]
    assert kept_values([np.ones(9), np.ones(2), np.ones(9)], 8) == [3, 2, 3]
