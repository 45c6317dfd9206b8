"""The filter removes correlations inside of a plaquette, and little else."""

import numpy as np
import pytest

from kadanoff import ising, tensor
from kadanoff._base.errors import NumericalError
from kadanoff.lattices.tensor.block_tensors import BlockTensor, Leg
from kadanoff.lattices.tensor.flows import blocks_of
from kadanoff.lattices.tensor.levin_nave import turned_lattice
from kadanoff.lattices.tensor.local_filter import Filter, filtered


def corner_double_lines(n=2):
    """Every plaquette correlates its own four legs: a fixed point of TRG, and no physics."""
    rng = np.random.default_rng(2)
    c = np.diag(1 + rng.random(n)) + 0.3 * rng.random((n, n))
    c = c + c.T
    # A leg is a pair of lines, upper and lower or left and right; a corner joins two legs.
    whole = np.einsum("ab,cd,ef,gh->ahbcdegf", c, c, c, c)
    legs = tuple(Leg((n * n,), sign) for sign in (1, 1, -1, -1))
    return BlockTensor(legs, {(0, 0, 0, 0): whole.reshape((n * n,) * 4)})


def test_double_lines_are_cut_on_half_of_the_plaquettes():
    lines = corner_double_lines()
    even, odd, changed = filtered(lines, Filter(1e-3, depth=12, rounds=4), lambda: None)
    assert changed < 1e-4
    # Before, the new legs carry two lines of two states. After, the line around the plaquette of
    # the filter has one state left.
    _, lost, _ = turned_lattice(lines, lines, 1, lambda: None)
    _, rest, _ = turned_lattice(even, odd, 1, lambda: None)
    assert rest < 1e-3 * lost


@pytest.mark.parametrize("model", [ising.Ising(2), ising.Ising(2, h=0.1)], ids=["Z2", "field"])
def test_a_small_threshold_changes_nothing(model):
    *_, block = blocks_of(model, 2.2, chi=8, steps=2, method="trg", look=lambda: None)
    even, odd, changed = filtered(block.tensor, Filter(1e-7, depth=1, rounds=1), lambda: None)
    a, _, _ = turned_lattice(even, odd, 64, lambda: None)
    b, _, _ = turned_lattice(block.tensor, block.tensor, 64, lambda: None)

    def trace(of):
        joined = of.traced(1, 3)
        return sum(np.trace(joined.blocks[c, c]) for c in range(of.charges))

    assert changed < 1e-12
    assert trace(a) == pytest.approx(trace(b), rel=1e-6)


def test_the_threshold_follows_the_number_of_states():
    assert Filter.of(8).eps == pytest.approx(1e-3)
    assert Filter.of(32).eps == pytest.approx(1e-3 / 8)
    assert Filter.of(8, 2.0).eps == pytest.approx(2e-3)


def test_an_environment_that_vanishes_is_refused():
    lines = corner_double_lines()
    empty = BlockTensor(lines.legs, {at: 0.0 * block for at, block in lines.blocks.items()})
    with pytest.raises(NumericalError, match='take method="trg" or "hotrg"'):
        filtered(empty, Filter(1e-3, depth=12, rounds=4), lambda: None)


def test_signs_that_cancel_are_refused_or_leave_a_free_energy_that_is_not_known():
    """Where the last digit of an environment decides, which depends on the machine."""
    model = ising.Ising(2, J=(1.0, -0.5), h=0.3)
    try:
        found = tensor.renormalize(model, T=0.05, chi=4, steps=1, method="gilt", levels=0)
    except NumericalError:
        return
    exact = tensor.renormalize(model, T=0.05, chi=8, steps=1, method="trg", levels=0)
    assert abs(found.ln_z - exact.ln_z) < found.ln_z_error
