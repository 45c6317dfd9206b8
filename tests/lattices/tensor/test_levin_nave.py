"""One move of Levin and Nave: two sites become one, exactly where nothing is discarded."""

import math

import numpy as np
import pytest

from kadanoff import ising
from kadanoff.lattices.tensor.initial_tensors import site_tensor
from kadanoff.lattices.tensor.levin_nave import turned_lattice


def trace(tensor):
    joined = tensor.traced(1, 3)
    return sum(np.trace(joined.blocks[c, c]) for c in range(tensor.charges))


def pair(tensor):
    """Two tensors on the torus that they tile alone: each leg of one meets one of the other."""
    other = tensor.transposed(2, 3, 0, 1)
    return sum(np.sum(block * other.blocks[key]) for key, block in tensor.blocks.items())


@pytest.mark.parametrize("J", [1.0, (1.0, 0.4), (-1.0, 0.4)])
def test_a_move_joins_two_sites(J):
    tensor, _ = site_tensor(ising.Ising(2, J=J), 2.1)
    new, lost, _ = turned_lattice(tensor, tensor, 16, lambda: None)
    assert lost < 1e-14
    assert trace(new) == pytest.approx(pair(tensor), rel=1e-13)


def test_truncation_changes_the_torus_by_about_the_weight_discarded():
    tensor, _ = site_tensor(ising.Ising(2), ising.T_c)
    for _ in range(3):
        tensor, _, _ = turned_lattice(tensor, tensor, 16, lambda: None)
    cut, lost, _ = turned_lattice(tensor, tensor, 6, lambda: None)
    change = abs(math.log(trace(cut) / pair(tensor)))
    # Little surrounds a block on its own torus: the change is some times the weight.
    assert 0 < change < 20 * lost
