r"""Block rules: how the spins v of a block become one block spin h = +-1.

    P(h | v),    h = +1 or -1

A rule is a conditional probability. Rules that are deterministic but for ties (majority,
decimation) are the limits of a linear filter ``P(h | v) = 1 / (1 + exp(-2h (lambda.v + b)))`` for
large lambda. A rule is applied to configurations by drawing h, and to Hamiltonians by
summing ``P(h | v)`` over v (:mod:`kadanoff.lattices.blockspin.couplings`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins

__all__ = [
    "BlockRule",
    "Decimation",
    "LinearFilter",
    "Majority",
    "blocks_of",
    "configurations_of",
    "sides",
]


class BlockRule(ABC):
    """P(h = +1 | v) for the spins v of a block; see the subclasses."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Sites of a block in each direction."""

    @abstractmethod
    def probability(self, v: ArrayLike) -> FloatArray:
        """P(h = +1 | v), v of shape (..., sites of a block) in row-major order."""

    @property
    def sites(self) -> int:
        """Sites of a block."""
        return int(np.prod(self.shape))

    def table(self) -> FloatArray:
        """P(h | v) for all 2^sites states of a block and h = +1, -1; shape (2^sites, 2)."""
        up = self.probability(spins(self.sites))
        return np.stack([up, 1 - up], axis=-1)

    @public
    def apply(self, configurations: ArrayLike, *, seed: int | None = None) -> SpinArray:
        """Draw the block spins of configurations.

        Parameters
        ----------
        configurations : array of +-1, shape (..., L_1, ..., L_d)
            d is the dimension of the block; leading axes are samples. The L must be multiples of
            the block's sides.
        seed : int, optional
            Seed of the random numbers that ties and probabilistic rules use; drawn if not given.

        Returns
        -------
        array of int8, shape (..., L_1 / b_1, ..., L_d / b_d)
            Block spins +-1.

        Raises
        ------
        TypeError, ValueError
            Entries other than +-1, or sizes that the block does not divide.
        """
        given = configurations_of(configurations, self.shape)
        return self.draw(given, np.random.default_rng([checks.seed(seed), given.shape[-1]]))

    def draw(self, configurations: SpinArray, rng: np.random.Generator) -> SpinArray:
        """Block spins of configurations."""
        configurations = configurations_of(configurations, self.shape)
        up = self.probability(blocks_of(configurations, self.shape))
        return np.where(rng.random(up.shape) < up, np.int8(1), np.int8(-1))


@public
@dataclass(frozen=True)
class Majority(BlockRule):
    """Majority rule, h = sign(sum of the block), with a rule for ties.

    Parameters
    ----------
    b : int, default 2
        Sites in a block in each direction.
    ties : {"random", "corner"}, default "random"
        Block spin of a block of zero magnetisation: +-1 with equal probability, or the first spin
        of the block, which needs no random numbers and keeps the symmetry h(-v) = -h(v) as well.
    dimension : int, default 2
        Dimension of the lattice, 1 to 3.

    Raises
    ------
    TypeError, ValueError
        A number out of range, or an unknown rule for ties.

    Examples
    --------
    >>> Majority().apply([[1, 1, -1, -1], [1, -1, -1, 1]]).tolist()
    [[1, -1]]
    >>> Majority().probability([1, 1, -1, -1])
    array(0.5)
    """

    b: int = 2
    ties: str = "random"
    dimension: int = 2

    def __post_init__(self) -> None:
        _check_block(self.b, self.dimension)
        checks.choice("ties", self.ties, ("random", "corner"))

    @property
    def shape(self) -> tuple[int, ...]:
        """(b, ..., b)."""
        return (self.b,) * self.dimension

    def probability(self, v: ArrayLike) -> FloatArray:
        """1, 0, or the value of a tie."""
        spins = _states(v, self.sites)
        total = spins.sum(axis=-1, dtype=np.int64)
        up = (np.sign(total) + 1) / 2
        if self.ties == "corner":
            up = np.where(total == 0, (spins[..., 0] + 1) / 2, up)
        return np.asarray(up)

    def draw(self, configurations: SpinArray, rng: np.random.Generator) -> SpinArray:
        """Block spins of configurations."""
        configurations = configurations_of(configurations, self.shape)
        total = _block_sums(configurations, self.shape)
        if self.sites % 2 == 0:
            tie = total == 0
            if self.ties == "corner":
                total = np.where(tie, _corners(configurations, self.shape), total)
            else:
                total[tie] = rng.integers(0, 2, int(tie.sum()), dtype=np.int8) * 2 - 1
        return np.where(total > 0, np.int8(1), np.int8(-1))


@public
@dataclass(frozen=True)
class Decimation(BlockRule):
    """Decimation, h = the first spin of the block; the others are summed over.

    Parameters
    ----------
    b : int, default 2
        Every b-th spin is kept, in each direction.
    dimension : int, default 2
        Dimension of the lattice, 1 to 3.

    Raises
    ------
    TypeError, ValueError
        A number out of range.

    Examples
    --------
    >>> Decimation().apply([[1, 1, -1, -1], [1, -1, -1, 1]]).tolist()
    [[1, -1]]
    """

    b: int = 2
    dimension: int = 2

    def __post_init__(self) -> None:
        _check_block(self.b, self.dimension)

    @property
    def shape(self) -> tuple[int, ...]:
        """(b, ..., b)."""
        return (self.b,) * self.dimension

    def probability(self, v: ArrayLike) -> FloatArray:
        """1 if the first spin is up, else 0."""
        return np.asarray((_states(v, self.sites)[..., 0] + 1) / 2)

    def draw(self, configurations: SpinArray, rng: np.random.Generator) -> SpinArray:
        """Block spins of configurations."""
        return _corners(configurations_of(configurations, self.shape), self.shape).copy()


@public
@dataclass(frozen=True, eq=False)
class LinearFilter(BlockRule):
    """P(h | v) = 1 / (1 + exp(-2h (lambda.v + b))).

    Parameters
    ----------
    weights : array, shape of the block
        Weights lambda. In the limit of large weights h is the sign of ``lambda.v + b``; weights of
        a thousand are sufficient.
    bias : float, default 0
        Bias b; with zero, h(-v) = -h(v) in distribution.

    Raises
    ------
    TypeError
        Weights or bias that are no real numbers.
    ValueError
        Weights that are not finite, or without the shape of a block.

    Examples
    --------
    >>> soft = LinearFilter([[1.0, 1.0], [1.0, 1.0]])
    >>> print(f"{soft.probability([1, 1, 1, -1]):.6f}")  # lambda.v = 2
    0.982014
    """

    weights: FloatArray
    bias: float = 0.0

    def __post_init__(self) -> None:
        weights = checks.array("weights", self.weights, frozen=True)
        if weights.ndim == 0 or weights.size == 0:
            raise ValueError(f"weights must have the shape of a block, got {weights.shape}")
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "bias", checks.real("bias", self.bias))

    def __repr__(self) -> str:
        shown = (
            np.array2string(self.weights.ravel(), precision=4, separator=", ")
            if self.weights.size <= 4
            else f"|lambda| <= {np.abs(self.weights).max():.4g}"
        )
        return f"LinearFilter(block {sides(self.shape)}, {shown}, bias={self.bias:.4g})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return self.weights.shape

    def probability(self, v: ArrayLike) -> FloatArray:
        """The logistic function of 2(lambda.v + b)."""
        field = _states(v, self.sites) @ self.weights.ravel() + self.bias
        return np.asarray((1 + np.tanh(field)) / 2)


def configurations_of(
    value: ArrayLike, block: tuple[int, ...] = (1, 1), name: str = "configurations"
) -> SpinArray:
    """Configurations of +-1 as int8, whose last axes the block divides.

    An array of int8 is not copied: configurations are large, and nothing here changes them.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one")
    given = np.asarray(value)
    d = len(block)
    if given.dtype.kind not in "if":
        raise TypeError(f"{name} must hold +1 and -1, got dtype {given.dtype}")
    if given.ndim < d or 0 in given.shape[-d:]:
        raise ValueError(
            f"{name} must have {d} lattice axes of at least one site, got shape {given.shape}"
        )
    for size, b in zip(given.shape[-d:], block, strict=True):
        if size % b:
            raise ValueError(
                f"a block of {sides(block)} does not divide the lattice of {name}, "
                f"{sides(given.shape[-d:])}"
            )
    if given.dtype != np.int8:
        if not ((given == 1) | (given == -1)).all():
            raise ValueError(f"{name} must hold +1 and -1 only")
        return given.astype(np.int8)
    # v (v + 1) (v - 1) without arrays larger than a byte per site: |v| = 1.
    if given.size and ((given.min() < -1) or (given.max() > 1) or (given == 0).any()):
        raise ValueError(f"{name} must hold +1 and -1 only")
    return given


def _check_block(b: object, dimension: object) -> None:
    checks.whole("b", b)
    checks.whole("dimension", dimension, most=3)


def sides(shape: tuple[int, ...]) -> str:
    """Sides of a block or lattice for a message.

    Examples
    --------
    >>> sides((2, 3))
    '2x3'
    """
    return "x".join(map(str, shape))


def _states(v: ArrayLike, sites: int) -> SpinArray:
    states = np.asarray(v)
    if states.ndim == 0 or states.shape[-1] != sites:
        raise ValueError(f"v must have {sites} spins on its last axis, got shape {states.shape}")
    if not (np.abs(states) == 1).all():
        raise ValueError("v must hold +1 and -1 only")
    return states


def _split(configurations: SpinArray, block: tuple[int, ...]) -> SpinArray:
    """Axes (..., L_1 / b_1, b_1, ..., L_d / b_d, b_d), a view where possible."""
    d = len(block)
    shape = list(configurations.shape[:-d])
    for size, b in zip(configurations.shape[-d:], block, strict=True):
        shape += [size // b, b]
    return configurations.reshape(shape)


def blocks_of(configurations: SpinArray, block: tuple[int, ...]) -> SpinArray:
    """Blocks as the last axis: shape (..., L_1 / b_1, ..., L_d / b_d, sites)."""
    d, lead = len(block), configurations.ndim - len(block)
    split = _split(configurations, block)
    order = [*range(lead), *range(lead, lead + 2 * d, 2), *range(lead + 1, lead + 2 * d, 2)]
    moved = split.transpose(order)
    return moved.reshape(*moved.shape[: lead + d], -1)


def _corners(configurations: SpinArray, block: tuple[int, ...]) -> SpinArray:
    """The first spin of each block, a view."""
    steps: list[Any] = [..., *(slice(None, None, b) for b in block)]
    return np.asarray(configurations[tuple(steps)])


def _block_sums(configurations: SpinArray, block: tuple[int, ...]) -> NDArray[np.signedinteger]:
    """Sum of each block: strided additions, one axis after the other, rows last."""
    small = np.prod(block) <= 127
    total: NDArray[np.signedinteger] = configurations if small else configurations.astype(np.int32)
    d = len(block)
    for axis, b in enumerate(block):
        step: list[slice] = [slice(None)] * total.ndim
        parts = []
        for k in range(b):
            step[total.ndim - d + axis] = slice(k, None, b)
            parts.append(total[tuple(step)])
        added = parts[0].copy()
        for part in parts[1:]:
            added += part
        total = added
    return total
