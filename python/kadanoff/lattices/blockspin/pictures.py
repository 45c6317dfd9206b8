r"""Block spins of configurations, level by level.

s^(l+1)_B = rule(s^(l) on the block B),    L -> L/b -> L/b^2 -> ...
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.types import SpinArray
from kadanoff.lattices.blockspin.rules import BlockRule, Majority, configurations_of

__all__ = ["block_levels", "block_spins"]


def block_spins(
    configurations: ArrayLike,
    rule: BlockRule | None = None,
    *,
    levels: int = 1,
    seed: int = 0,
) -> SpinArray:
    """s' = rule(s), `levels` times.

    Parameters
    ----------
    configurations : array of +-1, shape (..., L, L)
        For a rule in two dimensions; (..., L) or (..., L, L, L) in one or three.
    rule : BlockRule, default Majority(2)
        See :mod:`kadanoff.lattices.blockspin.rules`.
    levels : int, default 1
        How often.
    seed : int, default 0
        Of ties and probabilistic rules; every level draws its own numbers.

    Returns
    -------
    int8 array, shape (..., L / b^levels, L / b^levels)

    Raises
    ------
    ValueError
        If the block does not divide the lattice at some level.

    Examples
    --------
    >>> import numpy as np
    >>> block_spins(np.ones((3, 8, 8), dtype=np.int8), levels=2).shape
    (3, 2, 2)
    """
    return block_levels(configurations, rule, levels=levels, seed=seed)[-1]


def block_levels(
    configurations: ArrayLike,
    rule: BlockRule | None = None,
    *,
    levels: int,
    seed: int = 0,
) -> list[SpinArray]:
    """All levels of :func:`block_spins`: the configurations themselves, then L/b, L/b^2, ...

    Returns
    -------
    list of int8 arrays, ``levels + 1`` of them
    """
    rule = Majority() if rule is None else rule
    if not isinstance(rule, BlockRule):
        raise TypeError(f"rule must be a BlockRule such as Majority(2), got {rule!r}")
    levels, seed = checks.whole("levels", levels), checks.seed(seed)
    found = [configurations_of(configurations, rule.shape)]
    for level, b in zip(range(1, levels + 1), [rule.shape] * levels, strict=True):
        sizes = found[0].shape[-len(b) :]
        if any(size % side**level for size, side in zip(sizes, b, strict=True)):
            raise ValueError(
                f"{levels} levels of blocks of {'x'.join(map(str, b))} do not divide a lattice of "
                f"{'x'.join(map(str, sizes))}; {level - 1} do"
            )
    for _ in range(levels):
        found.append(rule.apply(found[-1], seed=seed))
    return found
