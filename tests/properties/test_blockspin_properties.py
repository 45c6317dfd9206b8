"""What every decimation, block rule and matrix product obeys."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kadanoff.lattices.blockspin import (
    Chain,
    LinearFilter,
    MigdalKadanoff,
    block_couplings,
    chain_machine,
    cut_hidden_units,
    decimate,
    decimation_machine,
    rbm_to_mps,
    spins,
    walsh,
)

couplings = st.floats(-4, 4, allow_nan=False)
chains = st.builds(Chain, K=couplings, h=couplings, g=st.floats(-2, 2))
seeds = st.integers(0, 2**32 - 1)


@given(chains, st.integers(1, 9))
def test_decimation_keeps_the_free_energy(chain, b):
    coarse = decimate(chain, b)
    # Numbers up to 4 b + |g| b, rounded a few times.
    assert math.isclose(coarse.free_energy, b * chain.free_energy, rel_tol=1e-12, abs_tol=1e-12 * b)


@given(chains, st.integers(1, 6), st.integers(1, 6))
def test_decimations_compose_in_any_order(chain, b, c):
    found = decimate(decimate(chain, b), c), decimate(decimate(chain, c), b), decimate(chain, b * c)
    for name in ("K", "h", "g"):
        values = [getattr(x, name) for x in found]
        np.testing.assert_allclose(values, values[0], rtol=1e-9, atol=1e-11)


@given(chains)
def test_reversing_the_field_reverses_it(chain):
    up, down = decimate(chain), decimate(Chain(chain.K, -chain.h, chain.g))
    assert math.isclose(up.K, down.K, rel_tol=1e-12, abs_tol=1e-14)
    assert math.isclose(up.h, -down.h, rel_tol=1e-12, abs_tol=1e-14)


@given(chains, st.integers(1, 7))
def test_machines_are_the_chains_they_stand_for(chain, n):
    scale = 1 + 4 * n * (abs(chain.K) + abs(chain.h) + abs(chain.g))
    traced = decimation_machine(n, chain).log_marginal()
    np.testing.assert_allclose(traced, decimate(chain).log_weights(n), atol=1e-13 * scale)
    np.testing.assert_allclose(
        chain_machine(n, chain).log_marginal(), chain.log_weights(n), atol=1e-13 * scale
    )


@given(seeds, st.integers(0, 8))
def test_walsh_is_its_own_inverse(seed, n):
    f = np.random.default_rng(seed).normal(size=2**n)
    np.testing.assert_allclose(2**n * walsh(walsh(f)), f, atol=1e-13)


@given(seeds)
def test_block_couplings_are_a_marginal(seed):
    rng = np.random.default_rng(seed)
    log = rng.normal(size=2**6)
    rule = LinearFilter(rng.normal(size=2), bias=float(rng.normal()))
    blocks = rng.permutation(6).reshape(3, 2).tolist()
    found = block_couplings(log, blocks, rule)
    expected = np.zeros(8)
    x, table = spins(6), rule.table()
    for state in range(64):
        P = np.ones(1)
        for block in blocks:
            v = sum((x[state, site] == -1) << k for k, site in enumerate(block))
            P = np.outer(table[v], P).ravel()
        expected += np.exp(log[state]) * P
    np.testing.assert_allclose(np.exp(found.log_weight), expected, rtol=1e-12)
    np.testing.assert_allclose(8 * walsh(found.values), found.log_weight, atol=1e-12)


@given(seeds, st.integers(1, 7), st.integers(1, 4))
def test_matrix_products_are_the_machines(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b, W = rng.normal(size=n), rng.normal(size=m), rng.normal(size=(n, m))
    W *= rng.random(W.shape) < 0.6
    state = rbm_to_mps(a, b, W)
    x = spins(n).astype(float)
    expected = np.exp(x @ a) * np.prod(2 * np.cosh(b + x @ W), axis=1)
    np.testing.assert_allclose(state.dense(), expected, rtol=1e-11)
    small = state.compress()
    np.testing.assert_allclose(
        small.dense() / expected.max(), expected / expected.max(), atol=1e-12
    )
    if n > 1:
        assert state.bonds == tuple(2 ** cut_hidden_units(W))
        assert all(s <= big for s, big in zip(small.bonds, state.bonds, strict=True))
        bound = np.log(2) * cut_hidden_units(W)
        assert (state.entropies() <= bound + 1e-10).all()


@given(st.floats(1.2, 5), st.floats(1.05, 6))
def test_the_fixed_point_is_fixed_and_repels(dimension, b):
    step = MigdalKadanoff(dimension, b)
    star = step.fixed_point()
    assert math.isclose(step(star.K), star.K, rel_tol=1e-9)
    assert star.eigenvalue > 1
    assert star.field_eigenvalue > star.eigenvalue
