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

__all__ = ["MAX_LEVELS", "block_levels", "block_spins", "levels_of"]

MAX_LEVELS = 64  # no lattice in memory has 2^64 sites per side


@public
def block_spins(
    configurations: ArrayLike,
    rule: BlockRule | None = None,
    *,
    levels: int = 1,
    seed: int | None = None,
) -> SpinArray:
    """Apply a block rule to configurations, s' = rule(s), `levels` times.

    Parameters
    ----------
    configurations : array of +-1, shape (..., L, L)
        For a rule in two dimensions; (..., L) or (..., L, L, L) in one or three.
    rule : BlockRule, default Majority(2)
        One of `Majority`, `Decimation`, `LinearFilter`, or a learned `rsmi.FilterRule`.
    levels : int, default 1
        Number of applications, at most 64.
    seed : int, optional
        Seed of ties and probabilistic rules, drawn if not given; each level has its own random
        numbers.

    Returns
    -------
    array of int8, shape (..., L / b^levels, L / b^levels)
        Block spins +-1 of the last level.

    Raises
    ------
    TypeError
        `rule` is no BlockRule, or `configurations` holds no numbers.
    ValueError
        Entries other than +-1, or a block that does not divide the lattice at some level.

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
    """Apply a block rule `levels` times and keep the configurations of every level.

    Parameters
    ----------
    configurations : array of +-1, shape (..., L, L)
        As in :func:`block_spins`.
    rule, levels, seed : as in :func:`block_spins`
        The rule, the number of applications, and the seed of its random numbers.

    Returns
    -------
    list of arrays of int8, shapes (..., L, L), (..., L / b, L / b), ...
        The configurations themselves, then the block spins of ``levels`` levels.

    Raises
    ------
    TypeError, ValueError
        As in :func:`block_spins`.

    Examples
    --------
    >>> levels = block_levels(np.ones((3, 8, 8), dtype=np.int8), levels=2)
    >>> [spins.shape for spins in levels]
    [(3, 8, 8), (3, 4, 4), (3, 2, 2)]
    """
    rule = Majority() if rule is None else rule
    if not isinstance(rule, BlockRule):
        raise TypeError(f"rule must be a BlockRule such as Majority(2), got {rule!r}")
    levels, seed = checks.whole("levels", levels, most=MAX_LEVELS), checks.seed(seed)
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
