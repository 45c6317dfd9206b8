r"""Block spins of configurations, level by level.

s^(l+1)_B = rule(s^(l) on the block B),    L -> L/b -> L/b^2 -> ...
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import SpinArray
from kadanoff.lattices.blockspin.rules import BlockRule, Majority, configurations_of, sides

__all__ = ["block_levels", "block_spins", "levels_of"]


@public
def block_spins(
    configurations: ArrayLike,
    rule: BlockRule | None = None,
    *,
    levels: int = 1,
    seed: int | None = None,
) -> SpinArray:
    """s' = rule(s), `levels` times.

    Parameters
    ----------
    configurations : array of +-1, shape (..., L, L)
        For a rule in two dimensions; (..., L) or (..., L, L, L) in one or three.
    rule : BlockRule, default Majority(2)
        See :mod:`kadanoff.lattices.blockspin.rules`.
    levels : int, default 1
        Number of times.
    seed : int, optional
        Of ties and probabilistic rules, drawn if not given; every level has its own numbers.

    Returns
    -------
    int8 array, shape (..., L / b^levels, L / b^levels)

    Raises
    ------
    ValueError
        If the block does not divide the lattice at some level.

    Examples
    --------
    >>> block_spins(np.ones((3, 8, 8), dtype=np.int8), levels=2).shape
    (3, 2, 2)
    """
    return block_levels(configurations, rule, levels=levels, seed=seed)[-1]


@public
def block_levels(
    configurations: ArrayLike,
    rule: BlockRule | None = None,
    *,
    levels: int,
    seed: int | None = None,
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
    given = configurations_of(configurations, rule.shape)
    sizes = given.shape[-len(rule.shape) :]
    for level in range(1, levels + 1):
        if any(size % side**level for size, side in zip(sizes, rule.shape, strict=True)):
            raise ValueError(
                f"{levels} levels of blocks of {sides(rule.shape)} do not divide a lattice of "
                f"{sides(sizes)}; {level - 1} do"
            )
    return levels_of(given, rule, levels, seed)


def levels_of(given: SpinArray, rule: BlockRule, levels: int, seed: int) -> list[SpinArray]:
    """:func:`block_levels` with arguments that are checked."""
    found = [given]
    for _ in range(levels):
        rng = np.random.default_rng([seed, found[-1].shape[-1]])
        found.append(rule.draw(found[-1], rng))
    return found
