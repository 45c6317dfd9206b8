"""Machines as matrix products and back; receptive fields."""

import math

import numpy as np
import pytest

from kadanoff import RBM, rbm
from kadanoff._base.errors import NotConverged
from kadanoff.lattices.blockspin import (
    Chain,
    MatrixProduct,
    chain_machine,
    cut_hidden_units,
    decimate,
    decimation_machine,
    decimation_stack,
    mps_to_rbm,
    rbm_to_mps,
    receptive_fields,
    spins,
)


def direct(a, b, W, units="spin"):
    """f of all states by its definition, units of the given kind."""
    v = spins(len(a)).astype(float)
    h = spins(len(b)).astype(float)
    if units == "binary":
        v, h = (1 + v) / 2, (1 + h) / 2
    return np.exp((v @ a)[:, None] + h @ b + v @ W @ h.T).sum(axis=1)


def random_machine(n, m, seed, *, complex_=False, reach=None):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n, m))
    a, b = rng.normal(size=n), rng.normal(size=m)
    if complex_:
        W, a, b = (x + 1j * rng.normal(size=x.shape) for x in (W, a, b))
    if reach is not None:
        i, j = np.indices((n, m))
        W = np.where(abs(i - j * n / m) <= reach, W, 0)
    return a, b, W


@pytest.mark.parametrize("units", ["spin", "binary"])
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_amplitudes_are_those_of_the_machine(units, complex_, compress):
    a, b, W = random_machine(7, 4, 1, complex_=complex_)
    state = rbm_to_mps(a, b, W, units=units, compress=compress)
    expected = direct(a, b, W, units)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(state.dense() / scale, expected / scale, atol=1e-13)
    np.testing.assert_allclose(state.amplitudes(spins(7)) / scale, expected / scale, atol=1e-13)


def test_bonds_are_powers_of_the_hidden_units_cut():
    a, b, W = random_machine(9, 6, 2, reach=2)
    state = rbm_to_mps(a, b, W)
    cut = cut_hidden_units(W)
    assert state.bonds == tuple(2**cut)
    shuffled = np.random.default_rng(0).permutation(9)
    other = rbm_to_mps(a, b, W, order=shuffled.tolist())
    assert other.bonds == tuple(2 ** cut_hidden_units(W, shuffled.tolist()))
    assert sum(other.bonds) > sum(state.bonds)  # the order matters
    np.testing.assert_allclose(
        other.amplitudes(spins(9)[:, shuffled]), state.amplitudes(spins(9)), rtol=1e-11
    )


@pytest.mark.parametrize("complex_", [False, True])
def test_compression_finds_the_schmidt_rank_and_values(complex_):
    a, b, W = random_machine(8, 3, 3, complex_=complex_, reach=3)
    state = rbm_to_mps(0.3 * a, 0.3 * b, 0.3 * W)
    small = state.compress()
    f = direct(0.3 * a, 0.3 * b, 0.3 * W)
    f = f / np.linalg.norm(f)
    for bond in range(1, 8):
        # Sites below the bond are the low bits: columns.
        s = np.linalg.svd(f.reshape(2 ** (8 - bond), 2**bond), compute_uv=False)
        assert small.bonds[bond - 1] == (s > 1e-13 * s[0]).sum()
        kept = small.schmidt_values()[bond - 1]
        np.testing.assert_allclose(kept, s[: len(kept)], atol=1e-13)
        p = s[s > 1e-20] ** 2
        assert small.entropies()[bond - 1] == pytest.approx(-(p * np.log(p)).sum(), abs=1e-11)
    assert small.fidelity(state) == pytest.approx(1, abs=1e-12)


def test_entanglement_stays_below_its_bounds():
    a, b, W = random_machine(10, 5, 4, reach=2)
    state = rbm_to_mps(0.1 * a, 0.1 * b, W)
    bond = np.arange(1, 10)
    bound = math.log(2) * np.minimum.reduce([cut_hidden_units(W), bond, 10 - bond])
    entropy = state.entropies()
    assert (entropy <= bound + 1e-12).all()
    assert entropy.max() > 0.05


def test_a_maximally_entangled_machine_saturates_the_bound():
    # A strong hidden unit on two spins: |++> + |-->, entropy ln 2, for one unit cut.
    state = rbm_to_mps([0.0, 0.0], [0.0], [[20.0], [20.0]])
    assert state.entropies()[0] == pytest.approx(math.log(2), abs=1e-12)


def test_decimated_chain_is_a_product_of_transfer_matrices():
    # A ring cut open needs its bond twice, so rank 2 x 2; an open chain rank 2.
    chain = Chain(0.8)
    ring = rbm_to_mps(decimation_machine(8, chain)).compress()
    assert max(ring.bonds) == 4
    expected = decimate(chain).log_weights(8)
    _, log = ring.log_amplitudes(spins(8))
    np.testing.assert_allclose(log, expected - 0 * log, atol=1e-11)
    machine = chain_machine(8, decimate(chain))
    open_chain = rbm_to_mps(machine.a, machine.b[:-1], machine.W[:, :-1]).compress()
    assert open_chain.bonds == (2,) * 7


def test_large_machines_compress_on_the_way():
    n = 200
    machine = chain_machine(4, Chain(0.5))
    W = np.zeros((n, n - 1))
    j = np.arange(n - 1)
    W[j, j] = W[j + 1, j] = machine.W[0, 0]
    state = rbm_to_mps(np.zeros(n), np.zeros(n - 1), W, compress=True)
    assert set(state.bonds) == {2}
    # sum of f^2 over an open chain of coupling K: (2 cosh 2K)^(n-1) 2, and constants of the units
    c, x = state.overlap(state)
    constant = 2 * (n - 1) * (math.log(2) + 0.5)
    expected = math.log(2) + (n - 1) * math.log(2 * math.cosh(1.0)) + constant
    assert math.log(c.real) + x == pytest.approx(expected, rel=1e-12)


def test_truncation_is_the_best_approximation_of_its_rank():
    a, b, W = random_machine(8, 4, 6)
    state = rbm_to_mps(a, b, 0.5 * W)
    values = state.schmidt_values()
    lost = [(v[2:] ** 2).sum() for v in values]
    small = state.compress(max_bond=2)
    assert max(small.bonds) == 2
    # Each cut loses its discarded weight at least, all cuts together no more than the sum.
    assert max(lost) <= 1 - small.fidelity(state) + 1e-14
    assert 1 - small.fidelity(state) <= sum(lost)


# ----------------------------------------------------------------------------------- the way back


@pytest.mark.parametrize("chain", [Chain(0.5), Chain(-0.7, 0.3), Chain(0.2, -1.0)])
def test_chains_come_back(chain):
    state = rbm_to_mps(chain_machine(9, chain)).compress()
    machine = mps_to_rbm(state)
    assert len(machine.pairs) == 9
    np.testing.assert_allclose(machine.K, chain.K, atol=1e-11)
    f = np.exp(machine.constant) * direct(machine.a, machine.b, machine.W)
    np.testing.assert_allclose(np.log(f), chain.log_weights(9), atol=1e-10)


def test_long_range_pairs_come_back():
    rng = np.random.default_rng(3)
    n = 8
    K = np.triu(rng.normal(size=(n, n)), 1) * (rng.random((n, n)) < 0.5)
    x = spins(n).astype(float)
    log = np.einsum("ki,ij,kj->k", x, K, x) + x @ rng.normal(size=n)
    machine = mps_to_rbm(mps_of(np.exp(log)))
    found = np.zeros((n, n))
    for (i, j), k in zip(machine.pairs, machine.K, strict=True):
        found[i, j] = k
    np.testing.assert_allclose(found, K, atol=1e-9)
    f = np.exp(machine.constant) * direct(machine.a, machine.b, machine.W)
    np.testing.assert_allclose(np.log(f), log, atol=1e-9)


def mps_of(f):
    """Exact matrix product of a dense state, by successive decompositions."""
    n = len(f).bit_length() - 1
    tensors, rest = [], f.reshape([2] * n).transpose(range(n - 1, -1, -1)).reshape(1, -1)
    for _ in range(n - 1):
        U, s, V = np.linalg.svd(rest.reshape(rest.shape[0] * 2, -1), full_matrices=False)
        keep = s > 1e-14 * s[0]
        tensors.append(U[:, keep].reshape(rest.shape[0], 2, -1))
        rest = s[keep, None] * V[keep]
    return MatrixProduct((*tensors, rest.reshape(-1, 2, 1)))


def test_graph_states_have_complex_machines():
    # Controlled signs on the bonds of an open chain: amplitudes +-1, bond dimension 2.
    n = 6
    down = spins(n) < 0
    f = np.prod(np.where(down[:, :-1] & down[:, 1:], -1.0, 1.0), axis=1)
    machine = mps_to_rbm(mps_of(f))
    assert machine.pairs == tuple((i, i + 1) for i in range(n - 1))
    np.testing.assert_allclose(np.abs(machine.K.imag), math.pi / 4, atol=1e-12)
    g = direct(machine.a, machine.b, machine.W)
    np.testing.assert_allclose(g / g[0], f, atol=1e-10)


def test_what_has_no_pair_machine_is_refused():
    x = spins(5).astype(float)
    three = np.exp(0.3 * x[:, 0] * x[:, 1] * x[:, 2] + 0.2 * x[:, 3] * x[:, 4])
    with pytest.raises(NotConverged, match="more than two spins") as caught:
        mps_to_rbm(mps_of(three))
    assert caught.value.partial.infidelity > 1e-3
    even = np.zeros((2, 2, 2))
    for left in (0, 1):
        for down in (0, 1):
            even[left, down, left ^ down] = 1  # the bond carries the parity
    parity = MatrixProduct((even[:1], even, even, even[:, :, :1]))
    np.testing.assert_array_equal(parity.dense(), spins(4).prod(axis=1) > 0)
    with pytest.raises(NotConverged, match="amplitude of zero"):
        mps_to_rbm(parity)


# -------------------------------------------------------------------------------- receptive fields


def test_fields_of_known_shape():
    L = 12
    one = np.zeros((L, L))
    one[3, 5] = -2.0
    block = np.zeros((L, L))
    block[10:12, 0:2] = block[0:2, 0:2] = 1.0  # 4 x 2 sites across the boundary
    W = np.stack([one, block, np.ones((L, L))], axis=-1).reshape(L * L, 3)
    found = receptive_fields(W, shape=(L, L), block=4)
    np.testing.assert_allclose(found.participation, [1, 8, L * L], rtol=1e-12)
    np.testing.assert_allclose(found.block_weight, [1, 1, 16 / L**2], rtol=1e-12)
    np.testing.assert_allclose(found.coherence, 1)
    np.testing.assert_allclose(found.norm, [2, math.sqrt(8), L])
    # Of a block of a x b sites: (a^2 - 1 + b^2 - 1) / 12.
    np.testing.assert_allclose(found.spread[:2], [0, math.sqrt((15 + 3) / 12)], atol=1e-7)
    np.testing.assert_allclose(found.centre[0], [3, 5], atol=1e-9)
    np.testing.assert_allclose(found.centre[1], [11.5, 0.5], atol=1e-9)


def test_noise_is_spread_over_the_lattice():
    W = np.random.default_rng(0).normal(size=(32 * 32, 40))
    found = receptive_fields(W, shape=(32, 32))
    # <w^2>^2 / <w^4> = 1/3 for normal numbers; coherence |N(0, N)| / (N sqrt(2/pi)).
    assert found.summary()["participation"] == pytest.approx(1024 / 3, rel=0.05)
    assert found.summary()["coherence"] < 0.06
    assert found.summary()["spread"] == pytest.approx(32 / math.sqrt(6), rel=0.1)


def test_stacks_multiply():
    rng = np.random.default_rng(1)
    W1, W2 = rng.normal(size=(64, 10)), rng.normal(size=(10, 3))
    found = receptive_fields(W1, W2, shape=(8, 8))
    np.testing.assert_allclose(found.fields.reshape(3, 64), (W1 @ W2).T)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: rbm_to_mps([0.0], [0.0], [[np.nan]]), ValueError, "W must be finite"),
        (lambda: rbm_to_mps([0.0], [0.0], [[1.0, 2.0]]), ValueError, "shapes"),
        (lambda: rbm_to_mps([0.0], [0.0]), TypeError, "together"),
        (lambda: rbm_to_mps([0.0]), TypeError, "machine that has them"),
        (lambda: rbm_to_mps([0.0], [0.0], [["x"]]), TypeError, "numbers"),
        (lambda: rbm_to_mps([0.0], [0.0], [[1.0]], units="01"), ValueError, "units"),
        (lambda: rbm_to_mps([0.0], [0.0], [[1.0]], order=[1]), ValueError, "permutation"),
        (
            lambda: rbm_to_mps(np.zeros(20), np.zeros(20), np.ones((20, 20))),
            ValueError,
            "compress=True",
        ),
        (lambda: MatrixProduct((np.ones((1, 2, 2)),)), ValueError, "last bond"),
        (lambda: MatrixProduct((np.ones((2, 2, 1)),)), ValueError, "shape"),
        (lambda: MatrixProduct((np.zeros((1, 2, 1)),) * 2).compress(), ValueError, "zero"),
        (lambda: rbm_to_mps([0.0], [0.0], [[1.0]]).amplitudes([0]), ValueError, "v must"),
        (lambda: mps_to_rbm("state"), TypeError, "MatrixProduct"),
        (lambda: receptive_fields(shape=(4, 4)), ValueError, "at least one"),
        (lambda: receptive_fields(np.zeros((16, 1)), shape=(4, 4)), ValueError, "not zero"),
        (lambda: receptive_fields(np.ones((15, 1)), shape=(4, 4)), ValueError, "16 rows"),
        (lambda: receptive_fields(np.ones((16, 1)), shape=(4, 4), block=5), ValueError, "block"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


# ------------------------------------------------------------------------------ with kadanoff.rbm


@pytest.mark.parametrize("units", [("binary", "binary"), ("spin", "spin"), ("binary", "spin")])
def test_trained_machines_bring_their_units(units):
    machine = rbm.Machine.random(5, 3, visible=units[0], hidden=units[1], seed=1)
    v = (spins(5) + 1) // 2 if units[0] == "binary" else spins(5)
    expected = np.exp(-machine.free_energy(v))
    for given in (machine, RBM.of(machine)):
        np.testing.assert_allclose(rbm_to_mps(given).amplitudes(spins(5)), expected, rtol=1e-12)


def test_layered_machines_hand_themselves_over():
    chain = Chain(0.7, 0.2)
    deep = decimation_stack(2, chain, steps=2)
    flat = deep.rbm()
    assert (flat.n_visible, flat.n_hidden) == (2 + 4, 4)
    assert flat.log_Z() + deep.constant == pytest.approx(deep.log_Z(), rel=1e-13)
    small = decimation_machine(4, chain).rbm()
    np.testing.assert_allclose(
        -small.free_energy(spins(4)), decimate(chain).log_weights(4), atol=1e-12
    )
