r"""The infinite triangular and honeycomb lattices: Houtappel's free energy, and magnetisations.

    ln Z / N = ln 2 + (1 / 2 pi) int_0^pi dp ln((A + sqrt(A^2 - B^2)) / 2),
    A = C_1 C_2 C_3 + S_1 S_2 S_3 - S_1 cos p,   B^2 = S_2^2 + S_3^2 + 2 S_2 S_3 cos p,

with C_i, S_i = cosh, sinh 2K_i. Summing out every second site of the honeycomb lattice with the
coupling L leaves the triangular one with

    e^{4K} = 2 cosh 2L - 1   and the factor   ((2 cosh 3L) (2 cosh L)^3)^{1/4}   per triangle.

Notes
-----
A - B does not cancel: ``C_1 C_2 C_3 - p = (1 - S_1 S_2 - S_2 S_3 - S_3 S_1)^2 / (C_1 C_2 C_3 + p)``
with ``p = S_1 + S_2 + S_3 - S_1 S_2 S_3``, which vanishes at T_c.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
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
from kadanoff.lattices.ising.exact_solutions.one_dimension import chain
from kadanoff.lattices.ising.exact_solutions.results import (
    Exact,
    pair,
    ratio,
    specific_heat,
    temperature,
)

__all__ = ["houtappel"]

FROZEN_K = 25.0  # the first excitation, of 12 K at least, weighs less than rounding
MAX_K = 150.0  # sum of the couplings over T: squares of e^{2K} stay finite
STEP = 1 / 32
RANGE = 40.0
NOTHING = Jet(0.0, 0.0, 0.0)


@public
def houtappel(
    T: float,
    *,
    J: float | tuple[float, float, float] = 1.0,
    lattice: str = "triangular",
) -> Exact:
    r"""Solve the infinite triangular or honeycomb lattice.

    Parameters
    ----------
    T : float
        Temperature in the units of J.
    J : float or tuple of three floats
        One coupling, of any sign; on the triangular lattice also three of them, along x, y and the
        diagonal, whose product is not negative.
    lattice : {"triangular", "honeycomb"}
        Lattice of the spins.

    Returns
    -------
    Exact
        ``sites`` is infinite; ``c`` is infinite at T_c; ``m`` is the spontaneous magnetisation of
        the ferromagnet, zero otherwise.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, three couplings that frustrate each other differ in size, or
        the temperature is too low for them.

    Notes
    -----
    Free energy and energies [1]_; magnetisation [2]_, on the honeycomb lattice that of the
    triangular one which decimation leaves. Three equal negative couplings frustrate each other:
    the entropy per site at T = 0 is 0.323066, and there is no transition [3]_. Errors of 1e-14, in
    c of 1e-12 / ``|1 - T / T_c|``.

    References
    ----------
    .. [1] R. M. F. Houtappel, Physica 16, 425 (1950), doi:10.1016/0031-8914(50)90130-3
    .. [2] J. Stephenson, J. Math. Phys. 5, 1009 (1964), doi:10.1063/1.1704202
    .. [3] G. H. Wannier, Phys. Rev. 79, 357 (1950), doi:10.1103/PhysRev.79.357

    Examples
    --------
    The energies per site at T_c are -2 and -2 / sqrt 3:

    >>> print(f"{houtappel(4 / math.log(3)).e:.12f}")
    -2.000000000000
    >>> print(f"{houtappel(2 / math.log(2 + math.sqrt(3)), lattice='honeycomb').e:.12f}")
    -1.154700538379
    >>> print(f"{houtappel(0.05, J=-1.0).s:.6f}")
    0.323066
    """
    T = temperature(T)
    honeycomb = checks.choice("lattice", lattice, ("triangular", "honeycomb")) == "honeycomb"
    if honeycomb:
        return _honeycomb(checks.real("J", J), T)
    given = pair("J", J, count=3)
    for j in given:
        ratio("J", j, T)
    couplings = sorted((abs(j) for j in given), reverse=True)
    frustrated = math.prod(given) < 0
    if couplings[1] == 0:
        found = chain(None, T, J=couplings[0])
        return _result("triangular", T, Jet(found.log_Z_per_site, -found.e, found.c * T * T), 0.0)
    if frustrated and couplings[0] != couplings[2]:
        raise ValueError(
            f"J = {given} frustrate each other and differ in size, which is not solved here: take "
            "three equal ones, or a product that is not negative"
        )
    k1, k2, k3 = (j / T for j in couplings)
    if not frustrated and k3 > FROZEN_K:
        log_Z = Jet(k1 + k2 + k3, sum(couplings), 0.0)
    else:
        _refuse_cold("J", k1 + k2 + k3)
        along = [variable(j / T, j) for j in couplings]
        log_Z = _log_Z_frustrated(along[0]) if frustrated else _log_Z(*along)
    m = 0.0 if min(given) < 0 else _magnetisation(k1, k2, k3)
    return _result("triangular", T, log_Z, m, critical=not frustrated and _is_critical(k1, k2, k3))


def _honeycomb(J: float, T: float) -> Exact:
    ratio("J", J, T)
    L = variable(abs(J) / T, abs(J))
    if L.f > FROZEN_K:
        return _result("honeycomb", T, 1.5 * L, float(J > 0))
    _refuse_cold("J", 3 * L.f)
    half = sinh(L)
    K = 0.25 * log1p(4 * half * half)
    factor = 0.25 * (log(2 * cosh(3 * L)) + 3 * log(2 * cosh(L)))
    log_Z = 0.5 * (factor + _log_Z(K, K, K))
    m = _magnetisation(K.f, K.f, K.f) if J > 0 else 0.0
    return _result("honeycomb", T, log_Z, m, critical=_is_critical(K.f, K.f, K.f))


def _result(name: str, T: float, log_Z: Jet, m: float, *, critical: bool = False) -> Exact:
    return Exact(
        method=f"Houtappel, infinite {name} lattice",
        T=T,
        sites=math.inf,
        log_Z_per_site=float(log_Z.f),
        e=-float(log_Z.d),
        c=math.inf if critical else specific_heat(float(log_Z.dd), 1, T),
        m=m,
    )


def _refuse_cold(name: str, k: float) -> None:
    if k > MAX_K:
        raise ValueError(
            f"{name} / T, summed over the directions, may be {MAX_K:g} here, got {k:.3g}: raise T"
        )


def _log_Z(k1: Jet, k2: Jet, k3: Jet) -> Jet:
    """ln Z per site of the triangular lattice, for k_1 >= k_2 >= k_3 >= 0."""
    (c1, s1), (c2, s2), (c3, s3) = ((cosh(2 * k), sinh(2 * k)) for k in (k1, k2, k3))
    p = s1 + s2 + s3 - s1 * s2 * s3
    product = c1 * c2 * c3
    gap = 1 - s1 * s2 - s2 * s3 - s3 * s1
    zero = gap * gap / (product + p) if p.f > 0 else product - p
    signs = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
    both = 0.25 * sum((exp(2 * (a * k1 + b * k2 + c * k3)) for a, b, c in signs), NOTHING)
    q, weight = _angles(0.0, math.pi)[::2]
    sine, cosine = 2 * np.sin(q / 2) ** 2, 2 * np.cos(q / 2) ** 2
    B = sqrt((s2 - s3) * (s2 - s3) + 2 * s2 * s3 * cosine)
    A = both - s1 * np.cos(q)
    below = zero + s1 * sine + 2 * s2 * s3 * sine / (s2 + s3 + B)  # A - B
    return math.log(2) + _integral(weight, A, below, B)


def _log_Z_frustrated(k: Jet) -> Jet:
    """The same for three couplings -k: A and B touch at p = pi / 3 where k is large."""
    s, small = sinh(2 * k), exp(-2 * k)
    c = s + small
    zero = 0.5 * small * (2 * c + s) / (c + s)
    total = Jet(math.log(2), 0.0, 0.0)
    for start, end, sign in ((0.0, math.pi / 3, -1), (math.pi / 3, math.pi, 1)):
        q, rest, weight = _angles(start, end)
        off = (q - start) if sign > 0 else -rest  # from pi / 3, to rounding
        x = 2 * np.cos(q / 4 + math.pi / 12) * np.sin(off / 4)
        below = zero + 2 * s * x**2
        B = 2 * s * np.sin(q / 2)
        total = total + _integral(weight, below + B, below, B)
    return total


def _angles(start: float, end: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Angles that crowd at both ends, their distances from the end, and weights."""
    u = STEP * np.arange(-int(RANGE / STEP), int(RANGE / STEP) + 1)
    part = (end - start) * 2 / math.pi
    weight = part * STEP / (2 * np.cosh(u))
    return start + part * np.arctan(np.exp(u)), part * np.arctan(np.exp(-u)), weight


def _integral(weight: FloatArray, A: Jet, below: Jet, B: Jet) -> Jet:
    terms = log(0.5 * (A + sqrt(below * (A + B))))
    return (1 / (2 * math.pi)) * (Jet(weight, 0.0, 0.0) * terms).sum()


def _is_critical(k1: float, k2: float, k3: float) -> bool:
    s1, s2, s3 = (math.sinh(min(2 * k, 300.0)) for k in (k1, k2, k3))
    terms = s1 * s2 + s2 * s3 + s3 * s1
    return abs(terms - 1) < 16 * sys.float_info.epsilon * max(1.0, k1 + k2 + k3)


def _magnetisation(k1: float, k2: float, k3: float) -> float:
    if _is_critical(k1, k2, k3):
        return 0.0
    v1, v2, v3 = (math.tanh(k) for k in (k1, k2, k3))
    # 1 - tanh^2 = 1 / cosh^2, without cancellation
    above = math.prod((1 / math.cosh(min(k, 300.0))) ** 4 for k in (k1, k2, k3))
    below = 16 * (1 + v1 * v2 * v3) * (v1 + v2 * v3) * (v2 + v1 * v3) * (v3 + v1 * v2)
    return float((1 - above / below) ** 0.125) if above < below else 0.0
