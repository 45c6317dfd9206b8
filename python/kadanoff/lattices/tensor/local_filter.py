r"""Gilt: correlations around a plaquette are removed before its tensors are cut.

The environment E of a leg maps its pair of indices, where the leg is cut, to the eight outer legs
of a plaquette. The unit matrix on the leg may be replaced by any R with ``E R = E 1``; of these

    R = f(E^+ E) 1,      f(x) = x / (x + eps^2),     E normalised,

has a rank as small as eps allows: what lives in the plaquette alone is cut away [1]_. The
replacement is repeated, on the leg until R is a projector, and on the four legs in turn.

References
----------
.. [1] M. Hauru, C. Delcamp, S. Mizera, Phys. Rev. B 97, 045111 (2018),
       doi:10.1103/PhysRevB.97.045111
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff._base.types import FloatArray
from kadanoff.lattices.tensor.block_tensors import (
    BlockTensor,
    Leg,
    contract,
    layout,
    matrices,
    opposite_of,
)

__all__ = ["Filter", "filtered"]

EPS_AT_8 = 1e-3  # with smaller thresholds chi = 8 truncates more than it filters
LEFT, UP, RIGHT, DOWN = range(4)
# Corners of the plaquette from the cut leg, clockwise: its tensor, the leg that enters, and the one
# that leaves. The odd sublattice is top left and bottom right.
CANCELLED = 1e-12
"""Share of the sum of moduli below which a sum is nothing but rounding."""
RING = (
    ("even", LEFT, DOWN),  # top right
    ("odd", UP, LEFT),  # bottom right
    ("even", RIGHT, UP),  # bottom left
    ("odd", DOWN, RIGHT),  # top left
)


@dataclass(frozen=True)
class Filter:
    """How much is filtered.

    Attributes
    ----------
    eps : float
        Threshold of singular values of the environment, relative to its norm.
    depth : int
        Repetitions on one leg.
    rounds : int
        Rounds over the four legs.
    """

    eps: float
    depth: int = 8
    rounds: int = 3

    @classmethod
    def of(cls, chi: int, factor: float = 1.0) -> Filter:
        """A threshold that chi states can represent; `factor` multiplies it."""
        return cls(factor * EPS_AT_8 * (8 / chi) ** 1.5)


def filtered(
    tensor: BlockTensor, how: Filter, look: Callable[[], object]
) -> tuple[BlockTensor, BlockTensor, float]:
    """Tensors of the even and the odd sublattice, and the squared norm that was changed.

    `look` is called between the legs, and may raise.
    """
    corners = {"even": tensor, "odd": tensor}
    lost = 0.0
    for _ in range(how.rounds):
        for first in range(4):
            look()
            ring = RING[first:] + RING[:first]
            root_in, root_out, error = _replacement(corners, ring, how)
            lost += error
            last, _, out = ring[-1]  # R lies between the end and the start of the open ring
            start, into, _ = ring[0]
            corners[last] = _absorbed(corners[last], out, root_in, 0)
            corners[start] = _absorbed(corners[start], into, root_out, 1)
    return corners["even"], corners["odd"], lost


def _absorbed(tensor: BlockTensor, leg: int, matrix: BlockTensor, side: int) -> BlockTensor:
    """A matrix multiplied to one leg."""
    new = contract(tensor, (leg,), matrix, (side,))
    order = list(range(3))
    order.insert(leg, 3)
    return new.transposed(*order)


def _replacement(
    corners: dict[str, BlockTensor], ring: tuple[tuple[str, int, int], ...], how: Filter
) -> tuple[BlockTensor, BlockTensor, float]:
    """The matrix R of the leg between the end of the ring and its start, in two factors."""
    product: BlockTensor | None = None
    for name, into, out in ring:
        tensor = corners[name]
        outer = [a for a in range(4) if a not in (into, out)]
        double = contract(tensor, outer, opposite_of(tensor), outer)
        if into > out:
            double = double.transposed(1, 0, 3, 2)
        # into, out, into*, out*
        if product is None:
            product = double
        else:
            product = contract(product, (1, 3), double, (0, 2)).transposed(0, 2, 1, 3)
    assert product is not None
    legs = product.legs[1], product.legs[0]
    square = matrices(product, (1, 0), (3, 2))[0]
    square = (square + square.T) / 2
    parts = [(part.start, part.stop, part.shape[0]) for part in layout(legs)[0][1]]
    unit = np.concatenate([np.eye(n).ravel() for _, _, n in parts])
    norm = float(np.trace(square))
    whole, terms = (float(unit @ x @ unit) for x in (square, np.abs(square)))
    # Both are sums of squares, of which rounding can leave anything where signs cancel.
    if not (norm > 0 and whole > CANCELLED * terms):
        raise NumericalError(
            "the environment of a leg vanishes to rounding, as it may near T = 0 with couplings of "
            'different signs: take method="trg" or "hotrg", or raise T'
        )
    square /= norm
    whole /= norm
    factors = [(np.eye(n), np.eye(n)) for _, _, n in parts]
    environment, vector = square, unit
    for _ in range(how.depth):
        found = _filtered_unit(environment, vector, how.eps)
        pieces = []
        for (start, stop, n), (a, b) in zip(parts, factors, strict=True):
            u, s, v = np.linalg.svd(found[start:stop].reshape(n, n))
            root = np.sqrt(s)
            # Factors that do not turn the states of the leg: no sign is left open.
            pieces.append((a @ (u * root) @ u.T, (u * root) @ v @ b))
        factors = pieces
        environment = _seen_through(square, parts, factors)
    values = np.concatenate([(a @ b).ravel() for a, b in factors])
    rest = unit - values
    error = float(rest @ square @ rest) / whole
    near, far = legs[0].reversed, legs[1].reversed
    inner = Leg(near.dims, -near.sign)
    return (
        BlockTensor((near, inner), {(c, c): a for c, (a, _) in enumerate(factors)}),
        BlockTensor((inner.reversed, far), {(c, c): b for c, (_, b) in enumerate(factors)}),
        max(error, 0.0),
    )


def _filtered_unit(square: FloatArray, unit: FloatArray, eps: float) -> FloatArray:
    """``f(square) unit``."""
    x, vectors = np.linalg.eigh(square)
    x = np.maximum(x, 0.0) / max(float(np.trace(square)), 1e-300)
    return np.asarray(vectors @ (x / (x + eps**2) * (vectors.T @ unit)))


def _seen_through(
    square: FloatArray,
    parts: list[tuple[int, int, int]],
    factors: list[tuple[FloatArray, FloatArray]],
) -> FloatArray:
    """The environment of a matrix between two factors of R."""
    wide = np.empty_like(square)
    for (start, stop, n), (a, b) in zip(parts, factors, strict=True):
        block = square[:, start:stop].reshape(len(square), n, n)
        wide[:, start:stop] = (a.T @ block @ b.T).reshape(len(square), n * n)
    new = np.empty_like(square)
    for (start, stop, n), (a, b) in zip(parts, factors, strict=True):
        block = wide[start:stop].T.reshape(len(square), n, n)
        new[start:stop] = (a.T @ block @ b.T).reshape(len(square), n * n).T
    return new
