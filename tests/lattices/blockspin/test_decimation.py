"""Decimation of the Ising chain, and the machines whose marginals it is."""

import itertools
import json
import math

import numpy as np
import pytest

from kadanoff.lattices.blockspin import (
    Chain,
    LayeredMachine,
    chain_machine,
    decimate,
    decimation_flow,
    decimation_machine,
    decimation_stack,
    refine,
    rg_machine,
    spins,
    walsh,
)
from kadanoff.lattices.blockspin.decimation import hidden_weight
from kadanoff.lattices.blockspin.enumeration import mask_of, sites_of
from tests.paths import REFERENCE as REFERENCE_DATA

REFERENCE = json.loads((REFERENCE_DATA / "lattice/rg_rbm_small.json").read_text(encoding="utf-8"))
# Sums of up to 2^12 exponentials of numbers of order 10: a few 1e-15 each.
EXACT = 1e-12


def brute_decimation(chain, kept, b):
    """ln sum over the decimated spins of a ring, by looping over them."""
    n = kept * b
    out = np.zeros(2**kept)
    for state in itertools.product((1, -1), repeat=n):
        energy = sum(
            chain.K * state[i] * state[(i + 1) % n] + chain.h * state[i] + chain.g for i in range(n)
        )
        index = sum((state[j * b] == -1) << j for j in range(kept))
        out[index] += math.exp(energy)
    return np.log(out)


@pytest.mark.parametrize("case", REFERENCE["decimation_1d"], ids=lambda c: f"K={c['K']}")
def test_flow_without_a_field(case):
    flow = decimation_flow(Chain(case["K"]), steps=6)
    # The reference takes (1/2) ln cosh 2K as it stands: eps absolute.
    np.testing.assert_allclose(flow.K, case["K_seq_b2"], rtol=1e-12, atol=2e-16)
    assert pytest.approx(case["Kprime_b3"], rel=1e-12) == decimate(Chain(case["K"]), 3).K
    assert math.exp(flow.g[1]) == pytest.approx(case["A"], rel=1e-13)
    # The free energy of a bare site is that of the renormalised chain over 2, 4, 8, ...
    for level, chain in enumerate(flow.chains):
        assert chain.free_energy / 2**level == pytest.approx(case["lnZ_per_site"], rel=1e-13)


@pytest.mark.parametrize("K", [1e-5, 0.01, 0.3, 1.0, 3.0, 20.0, 400.0])
@pytest.mark.parametrize("b", [1, 2, 3, 5, 8])
def test_tanh_of_the_coupling_is_a_power(K, b):
    found = decimate(Chain(K), b)
    if K <= 3:
        assert pytest.approx(math.atanh(math.tanh(K) ** b), rel=1e-9) == found.K
    else:  # T^b_++ / T^b_+- = e^2K / b up to e^-4K
        assert pytest.approx(K - math.log(b) / 2, rel=1e-14) == found.K
    sign = (-1) ** b
    assert pytest.approx(sign * found.K, rel=1e-12) == decimate(Chain(-K), b).K


@pytest.mark.parametrize("chain", [Chain(0.7, 0.3, 0.2), Chain(-0.4, 0.9), Chain(0.0, -1.3, -1.0)])
@pytest.mark.parametrize(("kept", "b"), [(3, 2), (4, 2), (3, 3), (2, 4)])
def test_ring_with_a_field_against_brute_force(chain, kept, b):
    found = decimate(chain, b).log_weights(kept)
    np.testing.assert_allclose(found, brute_decimation(chain, kept, b), atol=EXACT)


def test_steps_compose():
    chain = Chain(1.2, 0.4, 0.1)
    once, twice = decimate(chain, 6), decimate(decimate(chain, 2), 3)
    for name in ("K", "h", "g"):
        assert getattr(once, name) == pytest.approx(getattr(twice, name), rel=1e-13)


def test_correlation_length_shrinks_by_b():
    chain = Chain(1.0, 0.3)
    for b in (2, 3, 7):
        shorter = decimate(chain, b).correlation_length
        assert shorter == pytest.approx(chain.correlation_length / b, rel=1e-12)
    assert Chain(0.0).correlation_length == 0
    assert Chain(1.0).correlation_length == pytest.approx(-1 / math.log(math.tanh(1.0)))


@pytest.mark.parametrize("K", [0.0, 1e-8, 0.11367207, 0.66250137, 2.0, 60.0])
def test_refine_undoes_decimate(K):
    back = decimate(refine(Chain(K, g=0.7)))
    # 2W = arcosh(e^2K) is steep at K = 0 and W flat: what comes back is good to eps.
    assert pytest.approx(K, rel=1e-10, abs=1e-15) == back.K
    assert back.g == pytest.approx(0.7, abs=1e-13)
    assert math.tanh(hidden_weight(K)) ** 2 == pytest.approx(math.tanh(K), rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("chain", [Chain(1.0), Chain(0.5, 0.2, 0.1), Chain(-0.8, 0.4)])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_decimation_machine_is_the_renormalised_chain(chain, n):
    machine = decimation_machine(n, chain)
    np.testing.assert_allclose(
        machine.log_marginal(), decimate(chain).log_weights(n), atol=EXACT, rtol=1e-14
    )
    # Both halves are decimations of the same ring.
    np.testing.assert_allclose(machine.log_marginal(1), machine.log_marginal(0)[::1], atol=EXACT)
    assert machine.log_Z() == pytest.approx(
        np.log(np.exp(chain.log_weights(2 * n)).sum()), rel=1e-13
    )


@pytest.mark.parametrize("chain", [Chain(0.4), Chain(-0.7, 0.3, -0.2), Chain(0.0, 0.5)])
def test_chain_machine_is_the_chain(chain):
    for n in (1, 2, 5, 9):
        found = chain_machine(n, chain).log_marginal()
        np.testing.assert_allclose(found, chain.log_weights(n), atol=EXACT)


@pytest.mark.parametrize("chain", [Chain(1.0), Chain(0.6, 0.2, 0.3), Chain(-0.9)])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_every_layer_of_the_stack_is_a_step(chain, steps):
    n = 2 if steps == 3 else 3
    stack = decimation_stack(n, chain, steps=steps)
    for layer in range(steps):
        expected = decimate(chain, 2 ** (steps - layer)).log_weights(n * 2**layer)
        np.testing.assert_allclose(stack.log_marginal(layer), expected, atol=EXACT)


def test_rg_machine_holds_both_ends_of_a_step():
    chain = Chain(0.8, 0.25)
    machine = rg_machine(4, chain)
    np.testing.assert_allclose(machine.log_marginal(1), chain.log_weights(8), atol=EXACT)
    np.testing.assert_allclose(machine.log_marginal(0), decimate(chain).log_weights(4), atol=EXACT)


def test_marginals_against_a_loop_over_all_units():
    rng = np.random.default_rng(5)
    sizes = (3, 2, 3, 2)
    machine = LayeredMachine(
        biases=tuple(rng.normal(size=n) for n in sizes),
        weights=tuple(rng.normal(size=pair) for pair in itertools.pairwise(sizes)),
        constant=0.3,
    )
    total = np.zeros([2**n for n in sizes])
    for index in np.ndindex(*total.shape):
        x = [spins(n)[k] for n, k in zip(sizes, index, strict=True)]
        total[index] = 0.3 + sum(b @ s for b, s in zip(machine.biases, x, strict=True))
        total[index] += sum(x[i] @ machine.weights[i] @ x[i + 1] for i in range(3))
    weight = np.exp(total)
    for layer in range(4):
        others = tuple(axis for axis in range(4) if axis != layer)
        expected = np.log(weight.sum(axis=others))
        np.testing.assert_allclose(machine.log_marginal(layer), expected, atol=EXACT)
        assert machine.probabilities(layer).sum() == pytest.approx(1, abs=1e-14)
    assert machine.log_Z() == pytest.approx(math.log(weight.sum()), rel=1e-14)


def test_walsh_finds_the_couplings_of_a_chain():
    chain = Chain(0.7, -0.2, 0.1)
    J = walsh(chain.log_weights(6))
    expected = np.zeros(64)
    expected[0] = 0.6
    for i in range(6):
        expected[mask_of([i], 6)] = -0.2
        expected[mask_of([i, (i + 1) % 6], 6)] = 0.7
    np.testing.assert_allclose(J, expected, atol=1e-14)
    assert sites_of(0b101001) == (0, 3, 5)


def test_spins_follow_the_bits():
    x = spins(5)
    for state in (0, 1, 6, 31):
        assert x[state].tolist() == [-1 if state >> i & 1 else 1 for i in range(5)]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: Chain(math.nan), ValueError, "K must be finite"),
        (lambda: Chain(True), TypeError, "K must be a real number"),
        (lambda: Chain(1j), TypeError, "K must be a real number"),
        (lambda: Chain(1e9), ValueError, r"at most 1e\+06"),
        (lambda: decimate(1.0), TypeError, "chain must be a Chain"),
        (lambda: decimate(Chain(1.0), 0), ValueError, "b must be at least 1"),
        (lambda: decimate(Chain(1.0), 2.0), TypeError, "b must be an integer"),
        (lambda: decimation_flow(Chain(1.0), steps=0), ValueError, "steps must be at least 1"),
        (lambda: refine(Chain(-0.1)), ValueError, "K >= 0"),
        (lambda: Chain(1.0).log_weights(25), ValueError, "at most 24"),
        (lambda: decimation_machine(0, Chain(1.0)), ValueError, "at least 1"),
        (lambda: decimation_stack(1000, Chain(1.0), steps=20), ValueError, "at most"),
        (lambda: decimation_stack(8, Chain(1.0), steps=3).log_marginal(), ValueError, "enumerated"),
        (
            lambda: decimation_machine(3, Chain(1.0)).log_marginal(2),
            ValueError,
            "layer must be at least 0",
        ),
        (lambda: LayeredMachine(([0.0],), ()), ValueError, "two layers"),
        (lambda: LayeredMachine(([0.0], [0.0]), ([[1.0, 2.0]],)), ValueError, "shape"),
        (lambda: LayeredMachine(([0.0], [math.nan]), ([[1.0]],)), ValueError, "finite"),
        (lambda: decimation_stack(2, Chain(1.0), steps=2).W, ValueError, "folded"),
        (lambda: walsh([1.0, 2.0, 3.0]), ValueError, "2\\^n"),
        (lambda: mask_of((0, 0), 3), ValueError, "twice"),
        (lambda: mask_of((3,), 3), ValueError, "0 to 2"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
