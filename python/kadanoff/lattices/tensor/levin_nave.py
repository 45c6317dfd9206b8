r"""The tensor renormalization group of Levin and Nave: cut tensors in two, join four halves.

    T[l, u, r, d] ~ sum_a S_1[l, u, a] S_3[a, r, d] ~ sum_b S_2[u, r, b] S_4[b, d, l]

on the two sublattices; the halves around every second plaquette are one new tensor, on a lattice
turned by 45 degrees and coarser by sqrt 2 [1]_. After two such moves the lattice has turned by 90
degrees.

References
----------
.. [1] M. Levin, C. P. Nave, Phys. Rev. Lett. 99, 120601 (2007), doi:10.1103/PhysRevLett.99.120601
"""

from __future__ import annotations

from collections.abc import Callable

from kadanoff.lattices.tensor.block_tensors import BlockTensor, Frame, contract, split

__all__ = ["turned_lattice"]


def turned_lattice(
    even: BlockTensor,
    odd: BlockTensor,
    chi: int,
    look: Callable[[], object],
    frames: tuple[Frame, Frame] | None = None,
) -> tuple[BlockTensor, float, tuple[Frame, Frame]]:
    """Tensors of the two sublattices as one that stands for both, and the weight discarded.

    Parameters
    ----------
    even, odd : BlockTensor
        Legs left, up, right, down; the even one is cut into (left, up) and (right, down).
    chi : int
        Most states of a new leg.
    look : callable
        Called between the parts of the work, and may raise.
    frames : pair, optional
        Those of another call: numbers of states of the two new legs, and their signs.

    Returns
    -------
    tuple
        The new tensor, the sum of the squared norms that were discarded, relative, and the frames.
    """
    first, second = frames if frames is not None else (None, None)
    a = split(even, (0, 1), (2, 3), chi, first)
    look()
    b = split(odd, (1, 2), (3, 0), chi, second)
    look()
    above = contract(a.right, (1,), b.right, (2,))  # a, down, b, down
    below = contract(b.left, (1,), a.left, (0,))  # up, b, up, a
    look()
    new = contract(above, (1, 3), below, (0, 2))
    lost = a.discarded**2 + b.discarded**2
    return new.transposed(0, 1, 3, 2), lost, (a.frame, b.frame)
