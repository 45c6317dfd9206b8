r"""Scaling dimensions and the central charge from the transfer matrix of a block of L x L sites.

A torus of n x 1 blocks has the transfer matrix of a ring of n L sites over the length L, with the
eigenvalues [1]_

    lambda_i = exp[f n L^2 + (2 pi / n) (c / 12 - x_i)],

so that ``x_i = n ln(lambda_0 / lambda_i) / (2 pi)``, and rings of one and two blocks together give

    c = (4 / pi) [2 ln lambda_0^(1) - ln lambda_0^(2)].

Couplings that differ along the axes stretch the block to the ratio a of its sides: both directions
of the transfer, whose gaps are a x and x / a, give a and x.

References
----------
.. [1] Z.-C. Gu, X.-G. Wen, Phys. Rev. B 80, 155131 (2009), doi:10.1103/PhysRevB.80.155131
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kadanoff._base.types import FloatArray, IntArray
from kadanoff.lattices.tensor.block_tensors import BlockTensor, contract, matrices

__all__ = ["Levels", "levels_of"]

DENSE = 64  # states of a sector below which all eigenvalues are computed
TOLERANCE = 1e-10  # of eigenvalues, relative


@dataclass(frozen=True, eq=False)
class Levels:
    """Spectrum of a block.

    Attributes
    ----------
    dimensions : array, shape (levels,)
        x_i, rising, from a ring of two blocks; NaN where the block has fewer.
    single : array, shape (levels,)
        The same from one block.
    charges : array of int, shape (levels,)
        Charge of each.
    central_charge : float
    """

    dimensions: FloatArray
    single: FloatArray
    charges: IntArray
    central_charge: float


def levels_of(tensor: BlockTensor, count: int, *, isotropic: bool) -> Levels:
    """The lowest `count` levels above the ground state."""
    if not count:
        return Levels(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64), math.nan)
    along = _single(tensor)
    across = along if isotropic else _single(tensor.transposed(1, 0, 3, 2))
    ratio = 1.0
    one, _ = _gaps(along, count)
    if not isotropic:
        other, _ = _gaps(across, count)
        if one[0] > 0 and other[0] > 0:
            ratio = math.sqrt(other[0] / one[0])
    two = _double(tensor, count)
    gaps, charges = _gaps(two, count)
    ground = [float(max(v[0] for v in part if len(v))) for part in (along, two)]
    charge = math.nan
    if min(ground) > 0:
        charge = 4 * ratio / math.pi * (2 * math.log(ground[0]) - math.log(ground[1]))
    return Levels(gaps * ratio / math.pi, one * ratio / (2 * math.pi), charges, charge)


def _gaps(values: list[FloatArray], count: int) -> tuple[FloatArray, IntArray]:
    """``ln(lambda_0 / lambda_i)`` of the lowest levels, and their charges."""
    together = sorted(
        ((float(x), c) for c, part in enumerate(values) for x in part if x > 0), reverse=True
    )
    gaps, charges = np.full(count, np.nan), np.full(count, -1, dtype=np.int64)
    for i, (x, c) in enumerate(together[1 : count + 1]):
        gaps[i], charges[i] = math.log(together[0][0] / x), c
    return gaps, charges


def _single(tensor: BlockTensor) -> list[FloatArray]:
    """Magnitudes of the eigenvalues of one block, for each charge."""
    matrix = tensor.traced(1, 3)
    return [_magnitudes(matrix.blocks[c, c]) for c in range(tensor.charges)]


def _magnitudes(matrix: FloatArray) -> FloatArray:
    if not matrix.size:
        return np.empty(0)
    return np.asarray(np.sort(np.abs(np.linalg.eigvals(matrix)))[::-1])


def _double(tensor: BlockTensor, count: int) -> list[FloatArray]:
    """Magnitudes of the leading eigenvalues of a ring of two blocks, for each charge."""
    pair = contract(tensor, (1, 3), tensor, (3, 1))  # l, r, l', r'
    found = []
    for matrix in matrices(pair, (0, 2), (1, 3)):
        size = len(matrix)
        if size <= DENSE:
            found.append(_magnitudes(matrix))
            continue
        from scipy.sparse.linalg import eigs

        k = count + 1
        values = eigs(
            matrix,
            k=k,
            ncv=2 * k + 4,
            v0=np.random.default_rng(1).normal(size=size),
            tol=TOLERANCE,
            return_eigenvectors=False,
        )
        found.append(np.sort(np.abs(values))[::-1])
    return found
