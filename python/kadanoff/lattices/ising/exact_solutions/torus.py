r"""The Ising model on a torus of any size: Kaufman's solution.

    Z = (Z_aa + Z_ap + Z_pa - Z_pp) / 2,
    Z_ab = prod_p 2 cosh or sinh(Ly gamma_p / 2) (2 sinh 2 K_y)^{Ly/2},
    sinh 2K_y cosh gamma_p = cosh 2K_x cosh 2K_y - sinh 2K_x cos p,

with momenta p of an antiperiodic (a) or periodic (p) row, and cosh (sinh) for antiperiodic
(periodic) columns [1]_. The sign of gamma_0 = ln coth K_y - 2 K_x counts: it changes at T_c.

Notes
-----
Written with ``g = gamma + ln(sinh 2K_y)``, which is smooth at all temperatures, and with
differences of hyperbolic functions resummed. At high temperature the parts of g that are linear in
K_x cos p add up to zero over all p, and their rounding would hide an energy of order J^2 / T;
there the sum is taken in closed form,

    prod_p (1 - t cos p) = ((1 + r) / 2)^Lx (1 +- rho^Lx)^2,   r^2 = 1 - t^2,   rho = t / (1 + r),

with the upper sign for antiperiodic rows. So nothing cancels, however low or high T. Derivatives
are exact (see :mod:`kadanoff.lattices.ising.exact_solutions.jets`). Relative errors of e are about
1e-15, of c 1e-13 or 1e-16 (J / T)^2, whichever is larger. Cost: O(Lx) or O(Ly).

References
----------
.. [1] B. Kaufman, Phys. Rev. 76, 1232 (1949), doi:10.1103/PhysRev.76.1232, Eq. 18
.. [2] A. E. Ferdinand, M. E. Fisher, Phys. Rev. 185, 832 (1969), doi:10.1103/PhysRev.185.832
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kadanoff._base.signatures import public
from kadanoff.lattices.ising.exact_solutions.jets import (
    Jet,
    cosh,
    exp,
    log,
    log1p,
    sinh,
    sqrt,
    variable,
)
from kadanoff.lattices.ising.exact_solutions.results import (
    Exact,
    lengths,
    pair,
    ratio,
    scaled,
    specific_heat,
    temperature,
    units,
)

__all__ = ["kaufman"]

MAX_LENGTH = 2**22
MAX_K = 80.0  # e^{8 K} is the largest number that occurs
FROZEN_K = 20.0  # both couplings beyond this: excitations weigh less than rounding
HOT_K = 0.1  # both couplings below this: terms linear in them are summed in closed form


@public
def kaufman(L: int | tuple[int, int], T: float, *, J: float | tuple[float, float] = 1.0) -> Exact:
    r"""Solve ``H = -sum (J_x s s_right + J_y s s_up)`` on a periodic lattice of any size.

    Parameters
    ----------
    L : int or (int, int)
        Length, or (Lx, Ly), up to 2^22. On a length of 2 the two bonds between neighbours both
        count, on a length of 1 every spin is its own neighbour.
    T : float
        Temperature in the units of J, from 1e-300 to 1e300.
    J : float or (float, float)
        Couplings along x and y, of any sign along even lengths; zero decouples rings.

    Returns
    -------
    Exact
        Partition function, energy and specific heat per site; `m` is zero.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or an odd length is frustrated by a negative coupling.

    Notes
    -----
    Kaufman's solution [1]_. Relative errors of the energy are about 1e-15 at any temperature.
    Cost: O(L).

    References
    ----------
    .. [1] B. Kaufman, Phys. Rev. 76, 1232 (1949), doi:10.1103/PhysRev.76.1232, Eq. 18

    Examples
    --------
    >>> run = kaufman(32, 2.269185314213022)
    >>> print(f"{run.log_Z:.9f} {run.e:.12f} {run.c:.9f}")
    952.648079549 -1.433658466146 1.846767590
    """
    sizes = lengths(L, most=MAX_LENGTH)
    T = temperature(T)
    couplings = pair("J", J)
    for axis, n, j in zip("xy", sizes, couplings, strict=True):
        if j < 0 and n % 2:
            raise ValueError(
                f"a negative J_{axis} = {j} frustrates the odd length {n}, which has no such "
                "formula here: use enumerate_states or transfer_matrix"
            )
        ratio("J", j, T)
    # Reversing every second row or column changes the sign of a coupling.
    (jx, jy), t, exponent = units((abs(couplings[0]), abs(couplings[1])), T)
    log_Z = _log_z(sizes, (jx, jy), t)
    sites = sizes[0] * sizes[1]
    return Exact(
        method=f"Kaufman, {sizes[0]} x {sizes[1]} torus",
        T=T,
        sites=sites,
        log_Z_per_site=float(log_Z.f) / sites,
        # Derivatives are with respect to 1 / T.
        e=scaled(-float(log_Z.d) / sites, exponent),
        c=specific_heat(float(log_Z.dd), sites, t),
        m=0.0,
    )


def _log_z(sizes: tuple[int, int], couplings: tuple[float, float], T: float) -> Jet:
    # The direction of the weaker coupling is that of p.
    (n, jx), (m, jy) = sorted(zip(sizes, couplings, strict=True), key=lambda a: a[1])
    if jx == 0:
        return n * _ring(m, jy, T)
    kx, ky = jx / T, jy / T
    if kx > FROZEN_K:
        return Jet(math.log(2) + n * m * (kx + ky), n * m * (jx + jy), 0.0)
    if ky > MAX_K:
        raise ValueError(
            f"J / T = {ky:.3g} of the stronger and {kx:.3g} of the weaker coupling are too far "
            f"apart: the stronger one may be {MAX_K:g} here"
        )
    if ky < HOT_K:
        return _hot(n, m, variable(kx, jx), variable(ky, jy))
    log_Z = _combine(*_sectors(n, m, variable(kx, jx), variable(ky, jy)))
    return log_Z + n * m / 2 * math.log(2)


def _ring(n: int, j: float, T: float) -> Jet:
    """ln Z of n spins on a ring: n ln(2 cosh K) + ln(1 + tanh^n K)."""
    if j == 0:
        return Jet(n * math.log(2), 0.0, 0.0)
    if j / T > 350.0:
        return Jet(math.log(2) + n * j / T, n * j, 0.0)
    K = variable(j / T, j)
    small = exp(-2 * K)
    # ln 2 cosh K = K + ln(1 + e^{-2K}); tanh^n = exp(n (ln(1 - e^{-2K}) - ln(1 + e^{-2K}))).
    if K.f < 1:
        return n * (log(cosh(K)) + math.log(2)) + log1p(_power(sinh(K) / cosh(K), n))
    up = log1p(small)
    return n * (K + up) + log1p(exp(n * (log1p(-small) - up)))


def _hot(n: int, m: int, kx: Jet, ky: Jet) -> Jet:
    """ln Z far above T_c, where gamma_0 is positive like all others."""
    antiperiodic = _hot_sectors(n, m, kx, ky, False)
    periodic = _hot_sectors(n, m, kx, ky, True)
    first = antiperiodic[0]
    total = 1 + exp(antiperiodic[1] - first) + exp(periodic[0] - first) - exp(periodic[1] - first)
    return n * m * math.log(2) + first + log(total / 2)


def _hot_sectors(n: int, m: int, kx: Jet, ky: Jet, periodic: bool) -> tuple[Jet, Jet]:
    """ln of the products of cosh and of sinh over all p, less ``n m ln(2) / 2`` of the prefactor.

    With a = cosh 2K_x cosh 2K_y (1 - t cos p) and y = sinh 2K_y / a,
    ``g = ln 2a + ln((1 + sqrt(1 - y^2)) / 2)``.
    """
    row, rho, w = hot_row(n, kx, ky, periodic)
    winding = _power(rho, n)
    row = row + 2 * log1p(-winding if periodic else winding)
    power = _power(w, m)
    return m / 2 * row + log1p(power).sum(), m / 2 * row + log1p(-power).sum()


def hot_row(n: int, kx: Jet, ky: Jet, periodic: bool) -> tuple[Jet, Jet, Jet]:
    """Sum of ``g - ln 2`` over n momenta, but for loops around a row; rho; and e^{-gamma_p}."""
    log_cosh = log1p(2 * sinh(kx) * sinh(kx)) + log1p(2 * sinh(ky) * sinh(ky))
    t = sinh(2 * kx) / (cosh(2 * kx) * cosh(2 * ky))
    r = sqrt(1 - t * t)
    k = np.arange(n)
    p = 2 * np.pi * k / n if periodic else np.pi * (2 * k + 1) / n
    y = sinh(2 * ky) / (cosh(2 * kx) * cosh(2 * ky) * (1 - t * np.cos(p)))
    root = sqrt(1 - y * y)
    row = n * (log_cosh + log1p(-(t * t) / (2 * (1 + r))))
    return row + log1p(-(y * y) / (2 * (1 + root))).sum(), t / (1 + r), y / (1 + root)


def _power(x: Jet, n: int) -> Jet:
    """x^n for a whole n, and x = 0 too."""
    second = n * (n - 1) * x.f ** (n - 2) if n > 1 else 0.0 * x.f
    return x.of(x.f**n, n * x.f ** (n - 1), second)


def growth(p: Any, kx: Jet, ky: Jet) -> tuple[Jet, Jet]:
    """``g = gamma_p + ln sinh 2K_y`` and ``w = e^{-gamma_p}`` for p other than 0."""
    cx, sx, cy, sy = cosh(2 * kx), sinh(2 * kx), cosh(2 * ky), sinh(2 * ky)
    one = 1 - sx * sy
    a = cx * cy - sx * np.cos(p)
    # cx cy - sx - sy = (1 - sx sy)^2 / (cx cy + sx + sy)
    above = one * one / (cx * cy + sx + sy) + sx * (2 * np.sin(p / 2) ** 2)
    root = sqrt(above * (a + sy))
    total = a + root
    return log(total), sy / total


def _product(n: int, m: int, kx: Jet, ky: Jet, periodic: bool, sign: int) -> Jet:
    """ln of the product over p except p = 0 of ``2 cosh`` (sign 1) or ``2 sinh`` (sign -1)."""
    k = np.arange(1 if periodic else 0, n)
    p = 2 * np.pi * k / n if periodic else np.pi * (2 * k + 1) / n
    if p.size == 0:
        return Jet(0.0, 0.0, 0.0)
    g, w = growth(p, kx, ky)
    # w^m = e^{-m gamma}, which may underflow: its logarithm may not.
    power = exp(m * log(w))
    return ((m / 2) * g + log1p(sign * power)).sum()


def _sectors(n: int, m: int, kx: Jet, ky: Jet) -> tuple[list[Jet], Jet, Jet]:
    """Three logarithms, and the fourth term as ``sign(u) (1 - e^{-2 |u|}) e^{last}``."""
    half = m / 2
    # p = 0: gamma_0 = ln coth K_y - 2 K_x, g_0 = ln 2 cosh^2 K_y - 2 K_x, or the other branch.
    small = exp(-2 * ky)
    plus, minus = log1p(small), log1p(-small)
    u = half * (plus - minus - 2 * kx)
    high = u.f >= 0
    g_0 = 2 * ky - math.log(2) + (2 * plus - 2 * kx if high else 2 * minus + 2 * kx)
    zero = half * g_0
    antiperiodic = [_product(n, m, kx, ky, False, s) for s in (1, -1)]
    periodic = [_product(n, m, kx, ky, True, s) for s in (1, -1)]
    decay = log1p(exp(-2 * u if high else 2 * u))
    logs = [antiperiodic[0], antiperiodic[1], zero + decay + periodic[0]]
    return logs, u, zero + periodic[1]


def _combine(logs: list[Jet], u: Jet, last: Jet) -> Jet:
    """ln of (e^{l1} + e^{l2} + e^{l3} - sign(u) (1 - e^{-2|u|}) e^{last}) / 2, over the first."""
    first = logs[0]
    total = Jet(1.0, 0.0, 0.0)
    for other in logs[1:]:
        total = total + exp(other - first)
    fourth = exp(last - first)
    if abs(u.f) > 1:
        big = u if u.f > 0 else -u
        fourth = fourth * (1 - exp(-2 * big))
        total = total - fourth if u.f > 0 else total + fourth
    else:
        # Through T_c without a sign: e^{last} = e^{|u|} e^{rest}.
        total = total - 2 * sinh(u) * exp(-u if u.f >= 0 else u) * fourth
    return first + log(total / 2)
