"""One run of a method: the tensor of a block at every doubling of its length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff.lattices.tensor.block_tensors import BlockTensor, contract, matrices
from kadanoff.lattices.tensor.higher_order import doubled
from kadanoff.lattices.tensor.initial_tensors import Model, ln_z_of_one_site, site_tensor
from kadanoff.lattices.tensor.levin_nave import turned_lattice
from kadanoff.lattices.tensor.local_filter import Filter, filtered

__all__ = ["METHODS", "Block", "blocks_of"]

METHODS = ("trg", "hotrg", "gilt")


@dataclass(frozen=True, eq=False)
class Block:
    """A block of L x L sites.

    Attributes
    ----------
    tensor : BlockTensor
        Its tensor over the largest element.
    log_scale : float
        Logarithm of what was taken out, per site.
    ln_z : float
        ln Z per site of the torus of L x L sites.
    discarded : float
        Squared norm that was discarded on the way, relative and per site.
    last_change : float
        Changes of ln Z of the smallest torus by the truncations of the last doubling, per site.
    """

    tensor: BlockTensor
    log_scale: float
    ln_z: float
    discarded: float
    last_change: float


def blocks_of(
    model: Model,
    T: float,
    *,
    chi: int,
    steps: int,
    method: str,
    look: Callable[[], object],
    how: Filter | None = None,
) -> Iterator[Block]:
    """Blocks of L = 1, 2, 4, ... 2^steps.

    `look` is called between the parts of the work, and may raise.
    """
    tensor, scale = site_tensor(model, T)
    # Z of one site directly: in the trace the characters of an antiferromagnet cancel.
    size = tensor.largest
    tensor = tensor.mapped(lambda part: part / size)
    block = Block(tensor, scale + math.log(size), ln_z_of_one_site(model, T), 0.0, 0.0)
    yield block
    for k in range(1, steps + 1):
        area = 4**k
        old = block.tensor
        if method == "hotrg":
            tensor, first, second = doubled(old, chi, look)
            lost = 2 * first + second
            change = _logarithm(_square(old)) - _logarithm(_trace(tensor))
        else:
            even, odd, changed = old, old, 0.0
            if method == "gilt":
                even, odd, changed = filtered(old, how or Filter.of(chi), look)
            half, first, _ = turned_lattice(even, odd, chi, look)
            tensor, second, _ = turned_lattice(half, half, chi, look)
            lost = 4 * changed + 2 * first + second
            change = 2 * abs(_logarithm(_trace(half)) - _logarithm(_pair(old)))
            change += abs(_logarithm(_trace(tensor)) - _logarithm(_pair(half)))
        block = _normalised(
            tensor, block.log_scale, area, block.discarded + lost / area, abs(change) / area
        )
        yield block


def _trace(tensor: BlockTensor) -> float:
    """Z of the torus of one block."""
    joined = tensor.traced(1, 3)
    return sum(float(np.trace(joined.blocks[c, c])) for c in range(tensor.charges))


def _pair(tensor: BlockTensor) -> float:
    """Z of two blocks on the torus that is turned by 45 degrees."""
    other = tensor.transposed(2, 3, 0, 1)
    return sum(float(np.sum(block * other.blocks[key])) for key, block in tensor.blocks.items())


def _square(tensor: BlockTensor) -> float:
    """Z of the torus of two by two blocks."""
    pair = matrices(contract(tensor, (1, 3), tensor, (3, 1)), (0, 2), (1, 3))
    return sum(float(np.sum(matrix * matrix.T)) for matrix in pair)


def _logarithm(Z: float) -> float:
    return math.log(Z) if Z > 0 else -math.inf


def _normalised(
    tensor: BlockTensor, scale: float, area: int, discarded: float, change: float
) -> Block:
    size = tensor.largest
    if not (math.isfinite(size) and size > 0):
        raise NumericalError(f"the tensor of a block of {area} sites is not finite or vanishes")
    tensor = tensor.mapped(lambda block: block / size)
    scale += math.log(size) / area
    trace = _trace(tensor)
    if not trace > 0:
        raise NumericalError(
            f"the partition function of {area} sites is not positive after the truncation: raise "
            "chi"
        )
    return Block(tensor, scale, scale + math.log(trace) / area, discarded, change)
