r"""Tensors with a cyclic symmetry, stored and multiplied block by block.

The states of a leg carry a charge c = 0 ... N - 1 of Z_N, and an element is nonzero only if

    sum_legs sign c = 0 mod N,

so that a tensor of four legs of dimension chi has chi^4 / N elements, and a product of two of them
costs a factor N^2 less than without the symmetry. N = 1 is a plain tensor.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from kadanoff._base.types import FloatArray

__all__ = [
    "BlockTensor",
    "Frame",
    "Leg",
    "Split",
    "contract",
    "kept_values",
    "largest",
    "layout",
    "leading",
    "matrices",
    "opposite_of",
    "split",
    "unfused",
]

Frame: TypeAlias = list[FloatArray]

FULL = 160  # rows of a matrix below which all singular values are computed
ROUNDS = 3  # of the subspace iteration
NEGLIGIBLE = 1e-14  # singular values below, relative to the largest, are rounding
DEGENERATE = 1e-7  # relative distance of singular values of one multiplet


@dataclass(frozen=True)
class Leg:
    """Number of states of each charge, and the sign with which the charge counts."""

    dims: tuple[int, ...]
    sign: int = 1

    @property
    def reversed(self) -> Leg:
        """The leg that this one is contracted with."""
        return Leg(self.dims, -self.sign)


@dataclass(frozen=True)
class Part:
    """The states of fused legs that have given charges: rows `start` to `stop` of their sector."""

    charges: tuple[int, ...]
    shape: tuple[int, ...]
    start: int
    stop: int


@lru_cache(maxsize=512)
def layout(legs: tuple[Leg, ...]) -> tuple[tuple[int, tuple[Part, ...]], ...]:
    """Size and parts of each sector of fused legs, one entry for each total charge.

    >>> [size for size, parts in layout((Leg((2, 1)), Leg((1, 1))))]
    [3, 3]
    """
    N = len(legs[0].dims) if legs else 1
    sizes = [0] * N
    parts: list[list[Part]] = [[] for _ in range(N)]
    for charges in itertools.product(range(N), repeat=len(legs)):
        shape = tuple(leg.dims[c] for leg, c in zip(legs, charges, strict=True))
        total = sum(leg.sign * c for leg, c in zip(legs, charges, strict=True)) % N
        size = int(np.prod(shape, dtype=np.int64))
        parts[total].append(Part(charges, shape, sizes[total], sizes[total] + size))
        sizes[total] += size
    return tuple((n, tuple(p)) for n, p in zip(sizes, parts, strict=True))


@dataclass(frozen=True, eq=False)
class BlockTensor:
    """A tensor as its nonzero blocks, by the charges of its legs.

    Attributes
    ----------
    legs : tuple of Leg
    blocks : dict from tuple of int to array
        One block for each combination of charges that is allowed.
    """

    legs: tuple[Leg, ...]
    blocks: dict[tuple[int, ...], FloatArray]

    @property
    def charges(self) -> int:
        """N of Z_N."""
        return len(self.legs[0].dims)

    @property
    def largest(self) -> float:
        """The largest element by magnitude."""
        return max((float(np.abs(b).max()) for b in self.blocks.values() if b.size), default=0.0)

    @property
    def norm(self) -> float:
        """Root of the sum of squares."""
        return float(np.sqrt(sum(float(np.vdot(b, b)) for b in self.blocks.values())))

    def transposed(self, *order: int) -> BlockTensor:
        """Legs in another order."""
        return BlockTensor(
            tuple(self.legs[a] for a in order),
            {tuple(k[a] for a in order): b.transpose(order) for k, b in self.blocks.items()},
        )

    def mapped(self, function: Callable[[FloatArray], FloatArray]) -> BlockTensor:
        """A function of each block."""
        return BlockTensor(self.legs, {k: function(b) for k, b in self.blocks.items()})

    def vector(self) -> FloatArray:
        """All elements in one row."""
        return np.concatenate([self.blocks[k].ravel() for k in sorted(self.blocks)])

    def filled(self, values: FloatArray) -> BlockTensor:
        """A tensor of the same legs from its elements in one row."""
        blocks, start = {}, 0
        for key in sorted(self.blocks):
            shape = self.blocks[key].shape
            size = self.blocks[key].size
            blocks[key] = values[start : start + size].reshape(shape)
            start += size
        return BlockTensor(self.legs, blocks)

    def traced(self, first: int, second: int) -> BlockTensor:
        """Two legs of opposite sign joined; two other legs remain."""
        rest = [a for a in range(len(self.legs)) if a not in (first, second)]
        blocks: dict[tuple[int, ...], FloatArray] = {}
        for key, block in self.blocks.items():
            if key[first] == key[second]:
                left = tuple(key[a] for a in rest)
                part = np.trace(block, axis1=first, axis2=second)
                blocks[left] = blocks[left] + part if left in blocks else part
        return BlockTensor(tuple(self.legs[a] for a in rest), blocks)


def matrices(tensor: BlockTensor, rows: Sequence[int], columns: Sequence[int]) -> list[FloatArray]:
    """The tensor as one matrix for each total charge of the legs `rows`."""
    order = (*rows, *columns)
    back = np.argsort(order)
    down = layout(tuple(tensor.legs[a] for a in rows))
    across = layout(tuple(tensor.legs[a] for a in columns))
    N = tensor.charges
    found = []
    for charge, (height, row_parts) in enumerate(down):
        width, column_parts = across[-charge % N]
        matrix = np.empty((height, width))
        for row in row_parts:
            for column in column_parts:
                both = row.charges + column.charges
                block = tensor.blocks[tuple(both[a] for a in back)]
                matrix[row.start : row.stop, column.start : column.stop] = block.transpose(
                    order
                ).reshape(row.stop - row.start, column.stop - column.start)
        found.append(matrix)
    return found


def unfused(
    found: Sequence[FloatArray], rows: tuple[Leg, ...], columns: tuple[Leg, ...]
) -> BlockTensor:
    """The tensor of the legs (rows, columns) from its matrices, as `matrices` gives them."""
    across = layout(columns)
    N = len(rows[0].dims)
    blocks = {}
    for charge, (_, row_parts) in enumerate(layout(rows)):
        for row in row_parts:
            for column in across[-charge % N][1]:
                part = found[charge][row.start : row.stop, column.start : column.stop]
                blocks[row.charges + column.charges] = part.reshape(row.shape + column.shape)
    return BlockTensor(rows + columns, blocks)


def contract(
    first: BlockTensor, axes: Sequence[int], second: BlockTensor, others: Sequence[int]
) -> BlockTensor:
    """Sum over legs `axes` of the first tensor and `others` of the second, of opposite signs."""
    free = [a for a in range(len(first.legs)) if a not in axes]
    rest = [a for a in range(len(second.legs)) if a not in others]
    left = matrices(first, free, axes)
    right = matrices(second, others, rest)
    return unfused(
        [a @ b for a, b in zip(left, right, strict=True)],
        tuple(first.legs[a] for a in free),
        tuple(second.legs[a] for a in rest),
    )


def leading(matrix: FloatArray, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The largest `count` singular triplets (u, s, v), by subspace iteration for large matrices.

    The start is twice as many vectors of fixed random numbers: a step multiplies the share of the
    others by ``(s_{2 count} / s_count)^2``.
    """
    small = min(matrix.shape)
    count = min(count, small)
    if small <= FULL or 3 * count > small:
        u, s, v = np.linalg.svd(matrix, full_matrices=False)
        return u[:, :count], s[:count], v[:count]
    start = np.random.default_rng(1).normal(size=(matrix.shape[1], 2 * count))
    basis = np.linalg.qr(matrix @ start)[0]
    for _ in range(ROUNDS):
        basis = np.linalg.qr(matrix @ (matrix.T @ basis))[0]
    u, s, v = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    return (basis @ u)[:, :count], s[:count], v[:count]


@dataclass(frozen=True, eq=False)
class Split:
    """``T = sum_a left[..., a] right[a, ...]``, cut to the largest singular values.

    Attributes
    ----------
    left, right : BlockTensor
        With the root of the singular values each.
    frame : list of arrays
        Singular vectors on the left, for each sector.
    discarded : float
        Root of the sum of squares of the others, relative to the whole.
    """

    left: BlockTensor
    right: BlockTensor
    frame: Frame
    discarded: float


def split(
    tensor: BlockTensor,
    rows: Sequence[int],
    columns: Sequence[int],
    most: int,
    frame: Frame | None = None,
) -> Split:
    """Cut a tensor in two by its largest singular values, at most `most`, multiplets whole.

    `frame`, the vectors of another cut, prescribes how many of each sector and their signs.
    """
    found = matrices(tensor, rows, columns)
    if frame is None:
        triplets, kept = largest(found, most)
    else:
        kept = [vectors.shape[1] for vectors in frame]
        triplets = []
        for matrix, vectors in zip(found, frame, strict=True):
            u, s, v = leading(matrix, vectors.shape[1])
            sign = np.where((u * vectors).sum(axis=0) < 0, -1.0, 1.0)
            triplets.append((u * sign, s, sign[:, None] * v))
    values = [s for _, s, _ in triplets]
    whole = sum(float(np.vdot(m, m)) for m in found)
    inside = sum(float(s[:k] @ s[:k]) for s, k in zip(values, kept, strict=True))
    down, across = (tuple(tensor.legs[a] for a in side) for side in (rows, columns))
    # The new leg balances the charge of the rows: sector c has total charge c there.
    leg = Leg(tuple(kept), -1)
    left, right = [], []
    for (u, s, v), k in zip(triplets, kept, strict=True):
        root = np.sqrt(s[:k])
        left.append(u[:, :k] * root)
        right.append(root[:, None] * v[:k])
    return Split(
        unfused(left, down, (leg,)),
        unfused(right, (leg.reversed,), across),
        [u[:, :k] for (u, _, _), k in zip(triplets, kept, strict=True)],
        float(np.sqrt(max(whole - inside, 0.0) / whole)),
    )


def opposite_of(tensor: BlockTensor) -> BlockTensor:
    """The same elements with all signs reversed: what a tensor is multiplied with for its norm."""
    return BlockTensor(tuple(leg.reversed for leg in tensor.legs), tensor.blocks)


def largest(
    found: Sequence[FloatArray], most: int, *, root: bool = False
) -> tuple[list[tuple[FloatArray, FloatArray, FloatArray]], list[int]]:
    """Singular triplets of each matrix, and how many of each are among the largest `most`.

    `root`: the matrices are squares, and the roots of their values decide.
    """
    N = len(found)
    wanted = [most + 1 if N == 1 else -(-3 * most // (2 * N)) + 4] * N
    triplets = [leading(m, k) for m, k in zip(found, wanted, strict=True)]
    while True:
        values = [s for _, s, _ in triplets]
        kept = kept_values([np.sqrt(s) for s in values] if root else values, most)
        short = [
            c for c, s in enumerate(values) if kept[c] >= len(s) and len(s) < min(found[c].shape)
        ]
        if not short:
            return triplets, kept
        for c in short:
            wanted[c] = 2 * wanted[c]
            triplets[c] = leading(found[c], wanted[c])


def kept_values(values: Sequence[FloatArray], most: int) -> list[int]:
    """How many singular values of each sector are among the largest `most`, multiplets whole.

    >>> kept_values([np.array([3.0, 1.0]), np.array([2.0, 1.0])], 3)
    [1, 1]
    """
    together = np.sort(np.concatenate(values))[::-1]
    floor = NEGLIGIBLE * together[0]
    count = min(most, int((together > floor).sum()))
    if count < len(together):
        below = count
        while below > 1 and together[below - 1] <= together[count] * (1 + DEGENERATE):
            below -= 1
        if together[below - 1] > together[count] * (1 + DEGENERATE):
            count = below
        elif count == most:  # one multiplet, larger than all that may be kept, has to be cut
            rank = np.sort(np.concatenate([np.arange(len(s)) for s in values]))[count - 1]
            kept = [min(len(s), int(rank)) for s in values]
            for c, s in enumerate(values):
                kept[c] += int(sum(kept) < count and len(s) > rank)
            return kept
    smallest = together[count - 1]
    return [int((s >= smallest).sum()) for s in values]
