"""The majority rule of more than two colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, SpinArray
from kadanoff.lattices.blockspin.rules import BlockRule, blocks_of, configurations_of

__all__ = ["Plurality"]

MAX_COLOURS = 64


@public
@dataclass(frozen=True)
class Plurality(BlockRule):
    """A block takes its most frequent colour; among several of them one at random.

    The majority rule of a Potts model, which permutes with the colours. Configurations hold one
    variable per colour, +1 for that of the site and -1 for the others, as those of
    :class:`kadanoff.rsmi.Configurations` with `states`.

    Parameters
    ----------
    q : int
        Number of colours, 3 to 64; of two :class:`Majority` is the rule.
    b : int, default 2
        Sites in a block in each direction.
    dimension : int, default 2
        Dimension of the lattice, 1 to 3.

    Raises
    ------
    TypeError, ValueError
        A number out of range.

    Examples
    --------
    >>> rule = Plurality(3)
    >>> colours = np.array([[0, 2], [2, 1]])
    >>> one_hot = np.where(colours[..., None] == np.arange(3), 1, -1)
    >>> rule.apply(one_hot, seed=1).ravel().tolist()
    [-1, -1, 1]
    >>> rule.probability(one_hot.ravel()).tolist()
    [0.0, 0.0, 1.0]
    """

    q: int
    b: int = 2
    dimension: int = 2

    def __post_init__(self) -> None:
        checks.whole("q", self.q, least=3, most=MAX_COLOURS, hint="of two colours take Majority")
        checks.whole("b", self.b)
        checks.whole("dimension", self.dimension, most=3)

    @property
    def shape(self) -> tuple[int, ...]:
        """(b, ..., b, q): variables of a block."""
        return (*(self.b,) * self.dimension, self.q)

    def probability(self, v: ArrayLike) -> FloatArray:
        """Probability of each colour, shape (..., q)."""
        total = self._totals(np.asarray(v))
        best = total == total.max(axis=-1, keepdims=True)
        return np.asarray(best / best.sum(axis=-1, keepdims=True))

    def table(self) -> FloatArray:
        """Refused: the states of a block are no spins."""
        raise TypeError("rule must be a rule of spins +-1 here, got Plurality, a rule of colours")

    def draw(self, configurations: SpinArray, rng: np.random.Generator) -> SpinArray:
        """Colours of the blocks, +1 and -1, shape (..., L_1 / b, ..., L_d / b, 1, q)."""
        given = configurations_of(configurations, self.shape)
        total = self._totals(blocks_of(given, self.shape))
        # Totals are integers: a number below one decides among equal ones.
        chosen = (total + rng.random(total.shape)).argmax(axis=-1)
        return np.where(chosen[..., None] == np.arange(self.q), np.int8(1), np.int8(-1))

    def _totals(self, v: SpinArray) -> FloatArray:
        if v.ndim == 0 or v.shape[-1] != self.sites:
            raise ValueError(f"v must have {self.sites} variables, got shape {v.shape}")
        sites = v.reshape(*v.shape[:-1], self.b**self.dimension, self.q)
        return np.asarray(sites.sum(axis=-2), dtype=float)
