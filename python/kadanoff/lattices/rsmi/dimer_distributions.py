"""P(v, e) of a block of dimers on a small torus, exact, from all coverings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff.lattices.dimers import coverings
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.joint_distributions import JointDistribution, joint_distribution

__all__ = ["dimer_torus"]


@public
def dimer_torus(
    L: int = 6, *, block: int = 2, buffer: int = 1
) -> tuple[JointDistribution, NDArray[np.uint8]]:
    """P(v, e) of all coverings of a torus, equally likely.

    Parameters
    ----------
    L : int, default 6
        Length; the coverings are enumerated.
    block, buffer : int
        Sides of the block; width of the buffer.

    Returns
    -------
    joint : JointDistribution
        A state of the block is the directions of the dimers at its sites; a filter takes +1 or -1
        for each site and each direction.
    dimers : array of uint8, shape (states, block, block)
        The states.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range, L is too large to enumerate, or block and
        buffer do not fit into it.

    Examples
    --------
    >>> joint, dimers = dimer_torus()
    >>> print(f"{joint.mutual_information:.7f}", len(dimers))
    1.3273094 34
    """
    L, block = checks.whole("L", L), checks.whole("block", block)
    g = Geometry((L, L), (block, block), buffer=buffer, shell=L)
    corner = np.array([(L - block) // 2 // 2 * 2] * 2)  # even: the first sublattice comes first
    d = np.asarray(coverings(L).dimers).reshape(-1, L * L)
    v, e = d[:, g.flat(g.visible, corner)], d[:, g.flat(g.environment, corner)]
    states, number = np.unique(v, axis=0, return_inverse=True)
    _, around = np.unique(e, axis=0, return_inverse=True)
    count = np.zeros((len(states), int(around.max()) + 1))
    np.add.at(count, (number.ravel(), around.ravel()), 1.0)
    directions = np.where(states[:, :, None] == np.arange(4), 1, -1).reshape(len(states), -1)
    joint = joint_distribution(
        count, directions, (block, block, 4), about=f"dimers on a {L} x {L} torus"
    )
    return joint, states.reshape(-1, block, block)
