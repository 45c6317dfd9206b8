r"""Irreducible tensor operators on the impurity, as reduced elements between its multiplets.

    [J_z, T^k_q] = q T^k_q,    [J_-, T^k_q] = sqrt((k + q)(k - q + 1)) T^k_{q-1}

for isospin and for spin. A spectral function needs only the highest component of a tensor, given as
an operator on the impurity and f_0; the others follow by commutators, and the Wigner-Eckart
theorem (Edmonds' convention) leaves one matrix per pair of multiplet blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.impurities.models.operators import Operator, Space, SpinVector
from kadanoff.impurities.symmetry.multiplets import (
    InitialCluster,
    MultipletBasis,
    Symmetry,
    multiplet_basis,
)
from kadanoff.impurities.symmetry.wigner import wigner_eckart

__all__ = ["Tensor", "fermionic", "tensor"]

TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Tensor:
    """Reduced matrix elements of a tensor operator.

    Attributes
    ----------
    rank : tuple of int
        For each factor: the charge it adds (U1) or twice the rank (SU2).
    elements : tuple of (i, j, matrix)
        ``<block i||T||block j>``, shape (m_i, m_j).
    """

    rank: tuple[int, int]
    elements: tuple[tuple[int, int, FloatArray], ...]

    def __repr__(self) -> str:
        return f"Tensor(rank {self.rank}, {len(self.elements)} pairs of blocks)"


def fermionic(operator: Operator) -> bool:
    """Whether the operator changes the fermion parity; mixed operators are refused."""
    P = operator.space.parity.matrix
    X = operator.matrix
    scale = TOLERANCE * float(np.abs(X).max())
    if np.abs(P @ X + X @ P).max() <= scale:
        return True
    if np.abs(P @ X - X @ P).max() <= scale:
        return False
    raise ValueError(
        "the operator mixes terms that change the fermion parity with terms that do not; split it"
    )


def tensor(start: InitialCluster, operator: Operator) -> Tensor:
    """Reduced elements of the tensor with the highest component `operator`, in the eigenbasis.

    Parameters
    ----------
    start : InitialCluster
        Cluster, whose symmetry defines the tensors.
    operator : Operator
        For a U1 factor any operator that shifts the charge by a definite amount; for an SU2 factor
        the component with q = k, such as ``d_up^+`` (k = 1/2) or ``S_+`` (k = 1; then
        ``S_z`` is component 0 of the tensor ``-S_+ / sqrt(2)``).

    Raises
    ------
    ValueError
        The operator has no definite charges, or is not the highest component of a tensor.
    """
    frame = multiplet_basis(operator.space, start.symmetry)
    rank, flat = _frame_elements(frame, operator)
    vectors = start.vectors
    return Tensor(rank, tuple((i, j, vectors[i].T @ m @ vectors[j]) for i, j, m in flat))


@lru_cache(maxsize=256)
def _frame_elements(
    frame: MultipletBasis, operator: Operator
) -> tuple[tuple[int, int], tuple[tuple[int, int, FloatArray], ...]]:
    space, symmetry = frame.space, frame.symmetry
    columns = [operator.matrix]
    rank = []
    for which in (0, 1):
        columns, k = _tower(space, symmetry, which, columns)
        rank.append(k)
    # columns[p * (spin components) + q]
    width = rank[1] + 1 if symmetry[1] == "SU2" else 1
    smallest = TOLERANCE * float(np.abs(operator.matrix).max())
    elements = []
    for i, bra in enumerate(frame.labels.tolist()):
        for j, ket in enumerate(frame.labels.tolist()):
            charge = _component(symmetry[0], bra[0], ket[0], rank[0])
            spin = _component(symmetry[1], bra[1], ket[1], rank[1])
            if charge is None or spin is None:
                continue
            (a, p, b, x), (c, q, d, y) = charge, spin
            X = columns[p * width + q]
            element = frame.members[i][a, c].T @ X @ frame.members[j][b, d]
            if np.abs(element).max() > smallest:
                elements.append((i, j, element / (x * y)))
    return (rank[0], rank[1]), tuple(elements)


def _vector(space: Space, which: int) -> SpinVector:
    return space.isospin() if which == 0 else space.S()


def _tower(
    space: Space, symmetry: Symmetry, which: int, tops: list[FloatArray]
) -> tuple[list[FloatArray], int]:
    """All components of every operator in `tops` under one factor, and the (doubled) rank."""
    name = ("charge", "spin")[which]
    J = _vector(space, which)
    z, plus, minus = J.z.matrix, J.plus.matrix, J.minus.matrix
    shift = 2 * (z @ tops[0] - tops[0] @ z)
    norm = float(np.abs(tops[0]).max())
    if norm == 0:
        raise ValueError("the operator is zero")
    where = np.unravel_index(int(np.abs(tops[0]).argmax()), z.shape)
    k = round(float(shift[where] / tops[0][where]))
    if np.abs(shift - k * tops[0]).max() > TOLERANCE * norm * max(1, abs(k)):
        raise ValueError(
            f"the operator has no definite {name}: split it into parts that change "
            f"{'Q' if which == 0 else 'S_z'} by one amount each"
        )
    if symmetry[which] == "U1":
        return tops, k
    if k < 0 or any(np.abs(plus @ X - X @ plus).max() > TOLERANCE * norm for X in tops):
        raise ValueError(
            f"the operator is not the top component of a {name} tensor; give the one that the "
            "raising operator commutes with, e.g. cdag(..., 'up') or S().plus"
        )
    out = []
    for X in tops:
        component = X
        for step in range(k + 1):
            out.append(component)
            lowered = minus @ component - component @ minus
            component = lowered / math.sqrt((k - step) * (step + 1)) if step < k else lowered
    return out, k


@lru_cache(maxsize=1024)
def _component(factor: str, bra: int, ket: int, rank: int) -> tuple[int, int, int, float] | None:
    """(bra member, component, ket member, Wigner-Eckart coefficient); None if it is forbidden."""
    if factor == "U1":
        return (0, 0, 0, 1.0) if bra == ket + rank else None
    if not abs(bra - ket) <= rank <= bra + ket or (bra + ket + rank) % 2:
        return None
    options = [
        (a, q, b, wigner_eckart(bra, bra - 2 * a, rank, rank - 2 * q, ket, ket - 2 * b))
        for b in range(ket + 1)
        for q in range(rank + 1)
        if 0 <= (a := (bra - ket + 2 * b - rank + 2 * q) // 2) <= bra
    ]
    return max(options, key=lambda option: abs(option[3]))
