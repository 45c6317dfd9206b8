"""Interactions of several orbitals as sums of products of ladder operators.

A product is a number and its factors, of which the last acts first: ``2 p + 1`` creates an electron
in mode p, ``2 p`` takes one away. Mode ``p = i`` is orbital i with spin up, ``p = L + i`` the same
with spin down; the impurity's orbitals are the first ones. Any one-body matrix and any ``U_abcd``
are such a list, which is all that exact diagonalisation needs (`rust/ed`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

from kadanoff._base.types import FloatArray

__all__ = [
    "Product",
    "Tensor",
    "Terms",
    "creation",
    "density",
    "double_occupancy",
    "equation_of_motion",
    "hoppings",
    "interaction",
    "pair_density",
    "spin",
    "spin_product",
    "terms",
]

Product = tuple[float, tuple[int, ...]]
Terms = tuple[list[float], list[list[int]]]
Tensor = tuple[int, Terms, Terms, Terms]


def terms(products: Iterable[Product]) -> Terms:
    """Products as two lists, for the core."""
    found = [(value, list(factors)) for value, factors in products if value != 0.0]
    return [value for value, _ in found], [factors for _, factors in found]


def _number(p: int) -> tuple[int, int]:
    return 2 * p + 1, 2 * p


def hoppings(h: FloatArray) -> list[Product]:
    """``sum_ijs h_ij c_is^+ c_js`` of a symmetric matrix."""
    L = len(h)
    return [
        (float(h[i, j]), (2 * (i + s) + 1, 2 * (j + s)))
        for s in (0, L)
        for i in range(L)
        for j in range(L)
        if h[i, j] != 0.0
    ]


def interaction(
    U: float, U_prime: float, J: float, kind: str, orbitals: int, L: int
) -> list[Product]:
    """The interaction of the first orbitals, creation operators first.

    ``U sum_a n_a,up n_a,dn + U' sum_(a!=b) n_a,up n_b,dn + (U' - J) sum_(a<b,s) n_as n_bs``, and
    for "kanamori" in addition ``-J sum_(a!=b) c_a,up^+ c_a,dn c_b,dn^+ c_b,up`` (spin flips) and
    ``J sum_(a!=b) c_a,up^+ c_a,dn^+ c_b,dn c_b,up`` (pair hopping).
    """
    found: list[Product] = []

    def repel(value: float, p: int, q: int) -> None:
        found.append((value, (2 * p + 1, 2 * q + 1, 2 * q, 2 * p)))

    for a in range(orbitals):
        repel(U, a, L + a)
    for a, b in itertools.permutations(range(orbitals), 2):
        repel(U_prime, a, L + b)
        if a < b:
            repel(U_prime - J, a, b)
            repel(U_prime - J, L + a, L + b)
        if kind == "kanamori":
            found.append((J, (2 * a + 1, 2 * (L + b) + 1, 2 * (L + a), 2 * b)))
            found.append((J, (2 * a + 1, 2 * (L + a) + 1, 2 * (L + b), 2 * b)))
    return found


def _creation(p: int, L: int, rotations: bool) -> Tensor:
    nothing: Terms = ([], [])
    up, down = (terms([(1.0, (2 * q + 1,))]) for q in (p, p + L))
    return (1, up, nothing, down) if rotations else (0, up, nothing, nothing)


def creation(a: int, L: int, rotations: bool) -> Tensor:
    """``c_as^+``, as a tensor of spin 1/2, or its component of spin up."""
    return _creation(a, L, rotations)


def equation_of_motion(products: list[Product], a: int, L: int, rotations: bool) -> Tensor:
    """``[c_as, H_int]^+`` for an interaction with its two creation operators first.

    ``[c_p, c_i^+ c_j^+ c_k c_l] = (delta_pi c_j^+ - delta_pj c_i^+) c_k c_l``.
    """

    def conjugate(p: int) -> Terms:
        found: list[Product] = []
        for value, (i, j, k, m) in products:
            for sign, other in ((1.0, j),) if i == 2 * p + 1 else ():
                found.append((sign * value, (m + 1, k + 1, other - 1)))
            for sign, other in ((-1.0, i),) if j == 2 * p + 1 else ():
                found.append((sign * value, (m + 1, k + 1, other - 1)))
        return terms(found)

    nothing: Terms = ([], [])
    up, down = conjugate(a), conjugate(a + L)
    return (1, up, nothing, down) if rotations else (0, up, nothing, nothing)


def density(a: int, L: int) -> list[Product]:
    """``n_a``."""
    return [(1.0, _number(a)), (1.0, _number(a + L))]


def pair_density(a: int, b: int, L: int) -> list[Product]:
    """``n_a n_b``."""
    pairs = itertools.product((a, a + L), (b, b + L))
    found: list[Product] = [(1.0, (*_number(p), *_number(q))) for p, q in pairs]
    return found


def double_occupancy(a: int, L: int) -> list[Product]:
    """``n_a,up n_a,dn``."""
    return [(1.0, (*_number(a), *_number(a + L)))]


def spin_product(a: int, b: int, L: int, rotations: bool) -> list[Product]:
    """``S^z_a S^z_b``; with rotations ``S_a . S_b / 3``, which has the same average."""
    both = ((a, 0.5), (a + L, -0.5)), ((b, 0.5), (b + L, -0.5))
    share = 1.0 / 3.0 if rotations else 1.0
    found: list[Product] = [
        (share * x * y, (*_number(p), *_number(q))) for (p, x), (q, y) in itertools.product(*both)
    ]
    if rotations:
        for up, down in ((0, L), (L, 0)):  # (S^+_a S^-_b + S^-_a S^+_b) / 2
            flips = (2 * (a + up) + 1, 2 * (a + down), 2 * (b + down) + 1, 2 * (b + up))
            found.append((0.5 * share, flips))
    return found


def spin(a: int, L: int, rotations: bool) -> Tensor:
    """``S_a`` as a tensor of spin 1, or ``S^z_a``."""
    z = terms([(0.5, _number(a)), (-0.5, _number(a + L))])
    if not rotations:
        return 0, z, ([], []), ([], [])
    root = math.sqrt(0.5)
    rising = terms([(-root, (2 * a + 1, 2 * (a + L)))])
    falling = terms([(root, (2 * (a + L) + 1, 2 * a))])
    return 2, rising, z, falling
