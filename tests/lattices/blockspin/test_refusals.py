"""Bad input: refused on entry with the name of the argument, and nothing accepted unread."""

import re

import numpy as np
import pytest

from kadanoff import blockspin
from kadanoff.blockspin import Chain, Majority

FREE = np.random.default_rng(1).choice([-1, 1], size=(200, 8, 8))
CHAIN = Chain(K=0.4)
MACHINE = blockspin.chain_machine(4, CHAIN)
BLOCKS = [[0, 1], [2, 3]]
K = CHAIN.log_weights(4)
PAIR = Majority(2, dimension=1)
NAN = float("nan")

# (call, exception, argument named by the message)
REFUSED = {
    # objects of another kind
    "chain_machine": (lambda: blockspin.chain_machine(3, chain=3), TypeError, "chain"),
    "rg_machine": (lambda: blockspin.rg_machine(3, chain=3), TypeError, "chain"),
    "decimation_machine": (lambda: blockspin.decimation_machine(3, chain=3), TypeError, "chain"),
    "decimation_stack": (
        lambda: blockspin.decimation_stack(3, chain=3, steps=1),
        TypeError,
        "chain",
    ),
    "refine": (lambda: blockspin.refine(chain=3), TypeError, "chain"),
    "decimate": (lambda: blockspin.decimate(chain=3), TypeError, "chain"),
    "ring_couplings": (lambda: blockspin.ring_couplings(3, 4, PAIR), TypeError, "chain"),
    "mcrg even": (lambda: blockspin.mcrg(FREE, steps=1, even="3"), TypeError, "even"),
    "mcrg even number": (lambda: blockspin.mcrg(FREE, steps=1, even=3), TypeError, "even"),
    "mcrg even empty": (lambda: blockspin.mcrg(FREE, steps=1, even=[]), ValueError, "even"),
    "mcrg odd empty": (lambda: blockspin.mcrg(FREE, steps=1, odd=[]), ValueError, "odd"),
    "measure": (lambda: blockspin.measure(FREE, []), ValueError, "operators"),
    "SpinOperator name": (lambda: blockspin.SpinOperator(3, [(0, 0)]), TypeError, "name"),
    "SpinOperator cluster": (lambda: blockspin.SpinOperator("x", 3), ValueError, "cluster"),
    "block_couplings blocks": (
        lambda: blockspin.block_couplings(K, 3, PAIR),
        TypeError,
        "blocks",
    ),
    "block_couplings sites": (
        lambda: blockspin.block_couplings(K, [[[0, 1]], [[2, 3]]], PAIR),
        TypeError,
        "blocks",
    ),
    "block_couplings shape": (
        lambda: blockspin.block_couplings(K, BLOCKS, PAIR, shape=2),
        TypeError,
        "shape",
    ),
    "torus_couplings shape": (
        lambda: blockspin.torus_couplings(0.1, 4, Majority()),
        TypeError,
        "shape",
    ),
    "torus_couplings sides": (
        lambda: blockspin.torus_couplings(0.1, (4,), Majority()),
        ValueError,
        "shape",
    ),
    "receptive_fields": (
        lambda: blockspin.receptive_fields(np.ones((16, 1)), shape=16),
        TypeError,
        "shape",
    ),
    "LayeredMachine biases": (lambda: blockspin.LayeredMachine(3, ()), TypeError, "biases"),
    "LayeredMachine weights": (lambda: blockspin.LayeredMachine((), 3), TypeError, "weights"),
    "MatrixProduct": (lambda: blockspin.MatrixProduct(3), TypeError, "tensors"),
    "fixed_point recursion": (
        lambda: blockspin.fixed_point(3, b=2, bracket=(0.1, 1)),
        TypeError,
        "recursion",
    ),
    "fixed_point derivative": (
        lambda: blockspin.fixed_point(np.square, b=2, bracket=(0.1, 2), derivative=3),
        TypeError,
        "derivative",
    ),
    "fixed_point bracket": (
        lambda: blockspin.fixed_point(np.square, b=2, bracket=3),
        ValueError,
        "bracket",
    ),
    # numbers out of range
    "block_spins levels": (lambda: blockspin.block_spins(FREE, levels=2**63), ValueError, "levels"),
    "mcrg steps": (lambda: blockspin.mcrg(FREE, steps=2**63), ValueError, "steps"),
    "decimation_flow": (
        lambda: blockspin.decimation_flow(CHAIN, steps=2**63),
        ValueError,
        "steps",
    ),
    "decimation_stack steps": (
        lambda: blockspin.decimation_stack(3, CHAIN, steps=2**63),
        ValueError,
        "steps",
    ),
    "MigdalKadanoff.flow": (
        lambda: blockspin.MigdalKadanoff().flow(0.3, steps=2**63),
        ValueError,
        "steps",
    ),
    # finite input, infinite or undefined result
    "walsh": (lambda: blockspin.walsh([NAN, 1]), ValueError, "f"),
    "walsh strings": (lambda: blockspin.walsh(["1", "2"]), TypeError, "f"),
    # arguments that were accepted unread
    "rbm_to_mps": (lambda: blockspin.rbm_to_mps(MACHINE, compress="no"), TypeError, "compress"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name):
    call, exception, argument = REFUSED[name]
    with pytest.raises(exception, match=rf"\b{re.escape(argument)}\b"):
        call()
