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
from kadanoff.impurities.models.operators import Operator
from kadanoff.impurities.symmetry.detection import orders
from kadanoff.impurities.symmetry.multiplets import (
    InitialCluster,
    MultipletBasis,
    generators,
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
        For each factor: the charge it adds (U1, Z2) or twice the rank (SU2).
    elements : tuple of (i, j, matrix)
        ``<block i||T||block j>``, shape (m_i, m_j).
    """

    rank: tuple[int, ...]
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
    frame = multiplet_basis(operator.space, start.symmetry, start.weights)
    rank, flat = _frame_elements(frame, operator)
    vectors = start.vectors
    return Tensor(rank, tuple((i, j, vectors[i].T @ m @ vectors[j]) for i, j, m in flat))


@lru_cache(maxsize=256)
def _frame_elements(
    frame: MultipletBasis, operator: Operator
) -> tuple[tuple[int, ...], tuple[tuple[int, int, FloatArray], ...]]:
    symmetry = frame.symmetry
    columns = [operator.matrix]
    rank, widths = [], []
    for which, factor in enumerate(symmetry):
        columns, k = _tower(frame, which, columns)
        rank.append(k)
        widths.append(k + 1 if factor == "SU2" else 1)
    kinds = ["SU2" if f == "SU2" else n for f, n in zip(symmetry, orders(symmetry), strict=True)]
    smallest = TOLERANCE * float(np.abs(operator.matrix).max())
    elements = []
    for i, bra in enumerate(frame.labels.tolist()):
        for j, ket in enumerate(frame.labels.tolist()):
            found = [
                _component(kind, x, y, k)
                for kind, x, y, k in zip(kinds, bra, ket, rank, strict=True)
            ]
            known = [one for one in found if one is not None]
            if len(known) < len(found):
                continue
            left, component, right, coefficients = zip(*known, strict=True)
            X = columns[int(np.ravel_multi_index(component, widths))]
            element = frame.members[i][left].T @ X @ frame.members[j][right]
            if np.abs(element).max() > smallest:
                elements.append((i, j, element / math.prod(coefficients)))
    return tuple(rank), tuple(elements)


NAMES = (("charge", "Q"), ("spin", "S_z"), ("channel", "the difference of the charges"))


def _tower(
    frame: MultipletBasis, which: int, tops: list[FloatArray]
) -> tuple[list[FloatArray], int]:
    """All components of every operator in `tops` under one factor, and the (doubled) rank."""
    name, number = NAMES[which]
    norm = float(np.abs(tops[0]).max())
    if norm == 0:
        raise ValueError("the operator is zero")
    labels, raised = generators(frame.space, frame.symmetry, frame.weights)
    order = orders(frame.symmetry)[which]
    z, plus = labels[which], raised[which]
    rows, columns = np.nonzero(np.abs(tops[0]) > TOLERANCE * norm)
    changes = z[rows] - z[columns]
    if order is not None:
        changes %= order
    if len(found := np.unique(changes)) > 1:
        raise ValueError(
            f"the operator has no definite {name}: split it into parts that change "
            f"{number} by one amount each"
        )
    k = int(found[0])
    if frame.symmetry[which] != "SU2":
        return tops, k
    minus = plus.T
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
def _component(
    factor: int | str | None, bra: int, ket: int, rank: int
) -> tuple[int, int, int, float] | None:
    """(bra member, component, ket member, Wigner-Eckart coefficient); None if it is forbidden.

    A factor is "SU2", the order of a cyclic one, or None for U1.
    """
    if factor != "SU2":
        change = bra - ket - rank
        allowed = change == 0 if factor is None else change % int(factor) == 0
        return (0, 0, 0, 1.0) if allowed else None
    if not abs(bra - ket) <= rank <= bra + ket or (bra + ket + rank) % 2:
        return None
    options = [
        (a, q, b, wigner_eckart(bra, bra - 2 * a, rank, rank - 2 * q, ket, ket - 2 * b))
        for b in range(ket + 1)
        for q in range(rank + 1)
        if 0 <= (a := (bra - ket + 2 * b - rank + 2 * q) // 2) <= bra
    ]
    return max(options, key=lambda option: abs(option[3]))
