r"""HOTRG: two tensors are stacked, and the pairs of their legs cut by a higher-order SVD.

    M[(l l'), u, (r r'), d] = sum_m T[l, u, r, m] T[l', m, r', d]

is projected on the leading eigenvectors of ``M M^+``, taken as a matrix of the left legs or of the
right ones, whichever discards less [1]_; then the same is done along the other axis.

References
----------
.. [1] Z. Y. Xie, J. Chen, M. P. Qin, J. W. Zhu, L. P. Yang, T. Xiang, Phys. Rev. B 86, 045139
       (2012), doi:10.1103/PhysRevB.86.045139
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kadanoff.lattices.tensor.block_tensors import (
    BlockTensor,
    Leg,
    contract,
    largest,
    matrices,
    opposite_of,
    unfused,
)

__all__ = ["doubled"]


def doubled(
    tensor: BlockTensor, chi: int, look: Callable[[], object]
) -> tuple[BlockTensor, float, float]:
    """Four tensors as one, and the squared norms discarded along the two axes, relative.

    `look` is called between the parts of the work, and may raise.
    """
    tall, first = _stacked(tensor, chi, look)
    wide, second = _stacked(tall.transposed(1, 0, 3, 2), chi, look)
    return wide.transposed(1, 0, 3, 2), first, second


def _stacked(
    tensor: BlockTensor, chi: int, look: Callable[[], object]
) -> tuple[BlockTensor, float]:
    """Two tensors, one above the other, with legs of at most `chi` states to the sides."""
    opposite = opposite_of(tensor)
    sides = []
    for near, far in ((0, 2), (2, 0)):
        look()
        upper = contract(tensor, (1, far), opposite, (1, far))
        lower = contract(tensor, (3, far), opposite, (3, far))
        if near == 2:  # legs that remain come in their order: the joined one behind `near`
            lower = lower.transposed(1, 0, 3, 2)
        look()
        density = contract(upper, (1, 3), lower, (1, 3))  # l, l*, l', l'*
        sides.append(_projector(density, chi))
    isometry, lost = min(sides, key=lambda side: side[1])
    mirrored = opposite_of(isometry)
    left, right = (mirrored, isometry) if isometry.legs[0].sign > 0 else (isometry, mirrored)
    top = contract(left, (0,), tensor, (0,))  # l', a, u, r, m
    look()
    both = contract(top, (0, 4), tensor, (0, 1))  # a, u, r, r', d
    look()
    new = contract(both, (2, 3), right, (0, 1))  # a, u, d, b
    return new.transposed(0, 1, 3, 2), lost


def _projector(density: BlockTensor, chi: int) -> tuple[BlockTensor, float]:
    """Leading eigenvectors of a density matrix [l, l*, l', l'*], and the share that they miss."""
    found = matrices(density, (0, 2), (1, 3))
    triplets, kept = largest(found, chi, root=True)
    whole = sum(float(np.trace(m)) for m in found)
    inside = sum(float(s[:k].sum()) for (_, s, _), k in zip(triplets, kept, strict=True))
    legs = density.legs[0], density.legs[2]
    N = len(kept)
    # The new leg balances the charge of the two others.
    sign = -legs[0].sign
    leg = Leg(tuple(kept[-sign * c % N] for c in range(N)), sign)
    vectors = [u[:, :k] for (u, _, _), k in zip(triplets, kept, strict=True)]
    return unfused(vectors, legs, (leg,)), max(whole - inside, 0.0) / whole
