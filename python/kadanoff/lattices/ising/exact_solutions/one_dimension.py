r"""The Ising chain in a field, closed to a ring or open, by its 2 x 2 transfer matrix.

    lambda_+- = e^K cosh H +- sqrt(e^{2K} sinh^2 H + e^{-2K}),      K = J/T, H = h/T,
    Z_ring = lambda_+^N + lambda_-^N,      1 / xi = ln |lambda_+ / lambda_-|

Notes
-----
Everything is taken relative to the largest exponential, and powers of the matrix are even
functions of the root above: nothing cancels, from frozen rings to free spins.

References
----------
E. Ising, Z. Phys. 31, 253 (1925), doi:10.1007/BF02980577;
R. J. Baxter, Exactly Solved Models in Statistical Mechanics (1982), Sec. 2.1
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff.lattices.ising.exact_solutions.jets import Jet, exp, log, log1p, sqrt, variable
from kadanoff.lattices.ising.exact_solutions.results import Exact, ratio, specific_heat, temperature
from kadanoff.lattices.ising.models import BOUNDARIES

__all__ = ["chain"]

MAX_LENGTH = 2**40
HOT = 1e-4  # K and H below which derivatives of ln Z lose more than four digits to cancellation


@public
def chain(
    N: int | None, T: float, *, J: float = 1.0, h: float = 0.0, boundary: str = "periodic"
) -> Exact:
    r"""Solve the chain ``H = -J sum s_i s_{i+1} - h sum s_i``.

    Parameters
    ----------
    N : int or None
        Number of spins; None for the infinite chain. A ring of two has two bonds between them, a
        ring of one a bond from the spin to itself.
    T : float
        Temperature in the units of J.
    J, h : float
        Coupling and field, of any sign.
    boundary : {"periodic", "open"}
        Whether the ends are joined.

    Returns
    -------
    Exact
        With magnetisation ``m``, ``m2`` and the correlation length ``xi`` of the infinite chain,
        ``1 / ln |lambda_+ / lambda_-|``.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or J / T or h / T is not finite.

    Examples
    --------
    >>> ring = chain(8, 1.0, h=0.3)
    >>> print(f"{ring.log_Z:.12f} {ring.m:.12f}")
    10.573473248541 0.904602825992
    >>> print(f"{chain(None, 1.0).e:.12f} {-math.tanh(1):.12f}")
    -0.761594155956 -0.761594155956
    """
    T = temperature(T)
    J, h = checks.real("J", J), checks.real("h", h)
    boundary = checks.choice("boundary", boundary, BOUNDARIES)
    if N is not None:
        N = checks.whole("N", N, most=MAX_LENGTH, hint="None is the infinite chain")
    K, H = ratio("J", J, T), ratio("h", h, T)
    in_beta, rate = _log_z(N, variable(K, J), variable(H, h), boundary)
    in_field, _ = _log_z(N, variable(K, 0.0), variable(H, 1.0), boundary)
    sites = 1 if N is None else N
    if 0.0 < max(abs(K), abs(H)) < HOT:
        in_beta, in_field = _hot(N, K, H, J, h, boundary)
    m = float(in_field.d) / sites
    return Exact(
        method="transfer matrix, " + ("infinite chain" if N is None else f"{boundary} chain"),
        T=T,
        sites=math.inf if N is None else N,
        log_Z_per_site=float(in_beta.f) / sites,
        e=-float(in_beta.d) / sites,
        c=specific_heat(float(in_beta.dd), sites, T),
        m=m,
        m2=m * m + (0.0 if N is None else max(float(in_field.dd), 0.0) / N / N),
        xi=math.inf if rate == 0 else -1 / rate,
    )


def _log_z(N: int | None, K: Jet, H: Jet, boundary: str) -> tuple[Jet, float]:
    """ln Z, or ln lambda_+ for the infinite chain, and ln |lambda_- / lambda_+|.

    The transfer matrix over e^scale is ``mean + R sigma`` with sigma^2 = 1, its n-th power is
    ``P_n + Q_n R sigma``, and P and Q are even functions of R: no square root, no cancellation.
    """
    field = H if H.f >= 0 else -H
    scale = K + field if K.f + field.f >= -K.f else -K
    q = exp(-2 * field)
    parallel = exp(K + field - scale)
    opposite = exp(-K - scale)
    mean = parallel * (1 + q) / 2
    half = parallel * (1 - q) / 2
    square = half * half + opposite * opposite
    # Underflow: the two eigenvalues are one.
    root = sqrt(square) if square.f > 1e-280 else Jet(0.0, 0.0, 0.0)
    # ln |lambda_- / lambda_+| from what separates the ratio from 1.
    gap = -2 * min(root.f, mean.f) / (root.f + mean.f)
    rate = math.log1p(gap) if gap > -1 else -math.inf
    if N is None:
        return scale + log(mean + root), rate
    log_mean = K + field - scale + log((1 + q) / 2)
    if boundary == "periodic":
        log_p, _ = _powers(N, mean, log_mean, square, root)
        return N * scale + log_p + math.log(2), rate
    # Between the free ends (e^{H/2}, e^{-H/2}): 2 cosh H P + 2 (sinh H half + opposite) Q.
    log_p, log_q = _powers(N - 1, mean, log_mean, square, root)
    through = (1 - q) * half + 2 * opposite * exp(-field)
    if log_q is None:
        ends = log_p + log(1 + q)
    elif log_q.f - log_p.f < 50:
        # Without a field `through` may vanish, while its curvature does not.
        ends = log_p + log(1 + q + through * exp(log_q - log_p))
    else:
        # A frozen antiferromagnet: P may be too small for a number, and so may be `through`.
        log_through = math.log(2) - K - scale - field
        if q.f < 1:
            along = 2 * log(1 - q) - math.log(2) + K + field - scale
            log_through = _log_sum(log_through, along)
        ends = _log_sum(log_p + log(1 + q), log_q + log_through)
    return field + (N - 1) * scale + ends, rate


def _hot(N: int | None, K: float, H: float, J: float, h: float, boundary: str) -> tuple[Jet, Jet]:
    """As `_log_z`, along (J, h) and along the field, with 80 digits: K and H are small."""
    from mpmath import MPContext

    ctx = MPContext()
    # Differences of second order of quantities of the order of N K**2.
    ctx.dps = 80 + 4 * math.ceil(-math.log10(max(abs(K), abs(H))))
    k, f = ctx.mpf(K), ctx.mpf(H)

    def log_z(x: Any, y: Any) -> Any:
        parallel, opposite, ch, sh = ctx.exp(x), ctx.exp(-x), ctx.cosh(y), ctx.sinh(y)
        mean = parallel * ch
        root = ctx.sqrt((parallel * sh) ** 2 + opposite**2)
        high, low = mean + root, mean - root
        if N is None:
            return ctx.log(high)
        if boundary == "periodic":
            return N * ctx.log(high) + ctx.log1p((low / high) ** N)
        # Between the free ends: 2 cosh H P + 2 (sinh H half + opposite) Q, see `_log_z`.
        power = (low / high) ** (N - 1)
        even, odd = (1 + power) / 2, (1 - power) / (2 * root)
        through = parallel * sh * sh + opposite
        return (N - 1) * ctx.log(high) + ctx.log(2 * ch * even + 2 * through * odd)

    def jet(along: Any, unit: float) -> Jet:
        value, first, second = ctx.taylor(along, 0, 2)
        return Jet(float(value), float(first) / unit, float(second) * 2.0 / unit / unit)

    # Steps in units of the largest argument, T in d/d(1/T): x = K + t J / unit.
    unit = max(abs(J), abs(h))
    step_k, step_f = ctx.mpf(J) / unit, ctx.mpf(h) / unit
    return (
        jet(lambda t: log_z(k + t * step_k, f + t * step_f), 1.0 / unit),
        jet(lambda t: log_z(k, f + t), 1.0),
    )


def _log_sum(a: Jet, b: Jet) -> Jet:
    """ln(e^a + e^b)."""
    high, low = (a, b) if a.f > b.f else (b, a)
    return high + log1p(exp(low - high))


def _powers(n: int, mean: Jet, log_mean: Jet, square: Jet, root: Jet) -> tuple[Jet, Jet | None]:
    """``ln P_n`` and ``ln Q_n`` of (mean +- R)^n = P_n +- Q_n R; None for Q = 0."""
    if n == 0:
        return Jet(0.0, 0.0, 0.0), None
    if n * mean.f < 1e-9 * root.f:
        # A frozen antiferromagnet: the first terms of the binomial series.
        even, odd = n * log(root), math.log(n) + log_mean + (n - 1) * log(root)
        return (even, odd - log(root)) if n % 2 == 0 else (odd, even - log(root))
    s = square / (mean * mean)
    if s.f < 0.5:
        # (1 +- t)^n = (1 - t^2)^{n/2} exp(+- n atanh t), t^2 = s
        b = _atanh_over_root(s)
        log_cosh, tanh_over = _log_cosh_of_root(n * n * s * b * b)
        log_p = n * log_mean + (n / 2) * log1p(-s) + log_cosh
        return log_p, log_p + log(n * b * tanh_over) - log_mean
    largest = mean + root
    ratio_ = (mean - root) / largest
    plus, minus = (_log_one_plus_power(ratio_, mean / largest, n, sign) for sign in (1, -1))
    log_p = n * log(largest) + plus - math.log(2)
    return log_p, log_p + minus - plus - log(root)


def _log_one_plus_power(r: Jet, small: Jet, n: int, sign: int) -> Jet:
    """``ln(1 + sign r^n)`` for -1 < r < 1/2, where ``r = 2 small - 1``."""
    if abs(r.f) < 0.5:
        low = r.f ** (n - 2) if n > 2 else 1.0
        first = n * (low * r.f if n > 1 else 1.0)
        second = n * (n - 1) * low if n > 1 else 0.0
        return log1p(sign * r.of(r.f**n, first, second))
    y = n * log1p(-2 * small)  # ln |r|^n
    if (n % 2 == 0) == (sign > 0):
        return log1p(exp(y))
    less, e = -math.expm1(y.f), math.exp(y.f)
    return y.of(math.log(less), -e / less, -e / less**2)


def _atanh_over_root(s: Jet) -> Jet:
    """``atanh(t) / t`` with t = sqrt(s) below sqrt(1/2)."""
    x = s.f
    if x < 0.01:
        k = np.arange(9)
        b = float(np.sum(x**k / (2 * k + 1)))
        first = float(np.sum(k[1:] * x ** (k[1:] - 1.0) / (2 * k[1:] + 1)))
        second = float(np.sum(k[2:] * (k[2:] - 1) * x ** (k[2:] - 2.0) / (2 * k[2:] + 1)))
        return s.of(b, first, second)
    t = math.sqrt(x)
    b = math.atanh(t) / t
    first = (1 / (1 - x) - b) / (2 * x)
    return s.of(b, first, (1 / (1 - x) ** 2 - 3 * first) / (2 * x))


# ln cosh(sqrt(z)) = z/2 - z^2/12 + ...: the integral of tanh(sqrt(z)) / (2 sqrt(z)).
_TANH = (
    1.0,
    -1 / 3,
    2 / 15,
    -17 / 315,
    62 / 2835,
    -1382 / 155925,
    21844 / 6081075,
    -929569 / 638512875,
    6404582 / 10854718875,
    -443861162 / 1856156927625,
    18888466084 / 194896477400625,
)
"""Coefficients of tanh(x) / x in powers of x^2."""


def _log_cosh_of_root(z: Jet) -> tuple[Jet, Jet]:
    """``ln cosh x`` and ``tanh(x) / x`` as functions of z = x^2."""
    value = z.f
    if value < 0.1:
        c = np.array(_TANH)
        k = np.arange(len(c))
        t = [
            float(np.sum(c * value**k)),
            float(np.sum((c * k)[1:] * value ** (k[1:] - 1.0))),
            float(np.sum((c * k * (k - 1))[2:] * value ** (k[2:] - 2.0))),
        ]
        log_cosh = float(np.sum(c * value ** (k + 1.0) / (2 * (k + 1))))
    else:
        x = math.sqrt(value)
        over = math.tanh(x) / x
        # (tanh x)' = 1 - tanh^2 x, with respect to z.
        first = (1 - value * over**2 - over) / (2 * value)
        second = (-(over**2) - 2 * value * over * first - 3 * first) / (2 * value)
        t = [over, first, second]
        log_cosh = x + math.log1p(math.exp(-2 * x)) - math.log(2)
    return z.of(log_cosh, t[0] / 2, t[1] / 2), z.of(*t)
