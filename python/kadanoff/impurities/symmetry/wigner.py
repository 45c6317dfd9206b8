r"""Wigner 3j symbols and the Wigner-Eckart theorem.

    <j m|T^k_q|j0 m0> = (-1)^(j-m) (j k j0; -m q m0)_3j <j||T^k||j0>

Every argument is a doubled angular momentum, hence an integer.

References
----------
A. R. Edmonds, Angular Momentum in Quantum Mechanics (Princeton, 1957), Eqs. 3.6.10 and 5.4.1.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

__all__ = ["wigner_3j", "wigner_eckart"]


@lru_cache(maxsize=4096)
def wigner_3j(j1: int, j2: int, j3: int, m1: int, m2: int, m3: int) -> float:
    """3j symbol ``(j1 j2 j3; m1 m2 m3)`` of doubled angular momenta.

    Racah's sum (Edmonds Eq. 3.6.10) in rational arithmetic, one square root at the end.

    Examples
    --------
    >>> wigner_3j(1, 1, 0, 1, -1, 0) == 2**-0.5
    True
    """
    if m1 + m2 + m3 != 0 or not abs(j1 - j2) <= j3 <= j1 + j2 or (j1 + j2 + j3) % 2:
        return 0.0
    if any(abs(m) > j or (j + m) % 2 for j, m in ((j1, m1), (j2, m2), (j3, m3))):
        return 0.0

    def factorial(doubled: int) -> int:
        return math.factorial(doubled // 2)

    total = Fraction(0)
    for t in range(0, j1 + j2 + j3 + 1, 2):
        parts = (
            t,
            j3 - j2 + t + m1,
            j3 - j1 + t - m2,
            j1 + j2 - j3 - t,
            j1 - t - m1,
            j2 - t + m2,
        )
        if min(parts) >= 0:
            total += Fraction((-1) ** (t // 2), math.prod(factorial(x) for x in parts))
    square = total**2 * Fraction(
        factorial(j1 + j2 - j3)
        * factorial(j1 - j2 + j3)
        * factorial(-j1 + j2 + j3)
        * math.prod(factorial(j + m) * factorial(j - m) for j, m in ((j1, m1), (j2, m2), (j3, m3))),
        factorial(j1 + j2 + j3 + 2),
    )
    sign = 1 if (total > 0) == ((j1 - j2 - m3) % 4 == 0) else -1
    return sign * math.sqrt(square)


def wigner_eckart(j: int, m: int, k: int, q: int, j0: int, m0: int) -> float:
    """``<j m|T^k_q|j0 m0> / <j||T^k||j0>`` of doubled momenta: ``(-1)^(j-m) (j k j0; -m q m0)``."""
    return (-1.0) ** ((j - m) // 2) * wigner_3j(j, k, j0, -m, q, m0)
