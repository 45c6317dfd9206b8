r"""The infinite Ising lattice: Onsager's free energy, Yang's magnetisation, critical temperatures.

    ln Z / N = (1 / 2 pi) int_0^pi dp ln(2 (a + sqrt(a^2 - sinh^2 2K_y))),
    a = cosh 2K_x cosh 2K_y - sinh 2K_x cos p,
    m = (1 - 1 / (sinh 2K_x sinh 2K_y)^2)^{1/8}   below T_c, where sinh 2K_x sinh 2K_y = 1.

References
----------
.. [1] L. Onsager, Phys. Rev. 65, 117 (1944), doi:10.1103/PhysRev.65.117, Eq. 106
.. [2] C. N. Yang, Phys. Rev. 85, 808 (1952), doi:10.1103/PhysRev.85.808; for two couplings
       C. H. Chang, Phys. Rev. 88, 1422 (1952), doi:10.1103/PhysRev.88.1422
.. [3] R. M. F. Houtappel, Physica 16, 425 (1950), doi:10.1016/0031-8914(50)90130-3
"""

from __future__ import annotations

import math
import sys

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff.lattices.ising.exact_solutions.jets import Jet, variable
from kadanoff.lattices.ising.exact_solutions.results import (
    Exact,
    pair,
    ratio,
    scaled,
    specific_heat,
    temperature,
    units,
)
from kadanoff.lattices.ising.exact_solutions.torus import FROZEN_K, HOT_K, MAX_K, growth, hot_row

__all__ = ["critical_temperature", "onsager", "yang"]

LATTICES = {"square": 2, "triangular": 3}
HOT_MOMENTA = 64


@public
def onsager(T: float, *, J: float | tuple[float, float] = 1.0) -> Exact:
    r"""Solve the infinite square lattice: free energy, energy, specific heat, magnetisation.

    Parameters
    ----------
    T : float
        Temperature in the units of J, from 1e-300 to 1e300.
    J : float or (float, float)
        Couplings along x and y. Signs matter to the magnetisation alone, which is that of the
        ferromagnet, zero otherwise. With one coupling zero: the infinite chain.

    Returns
    -------
    Exact
        ``sites`` is infinite; ``c`` is infinite at T_c; ``m`` is the spontaneous magnetisation.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the couplings are too far apart at low temperature.

    Notes
    -----
    Onsager's solution [1]_. The integrand is analytic in ``ln tan(p / 2)``, in which the
    trapezoidal rule converges exponentially, at T_c too: errors of 1e-15, in c of
    1e-13 / |1 - T / T_c|.

    References
    ----------
    .. [1] L. Onsager, Phys. Rev. 65, 117 (1944), doi:10.1103/PhysRev.65.117, Eq. 106

    Examples
    --------
    >>> bulk = onsager(2.0)
    >>> print(f"{bulk.e:.12f} {bulk.c:.10f} {bulk.m:.12f}")
    -1.745564575313 0.7248714486 0.911319377877
    """
    T = temperature(T)
    couplings = pair("J", J)
    for j in couplings:
        ratio("J", j, T)
    strengths, t, exponent = units((abs(couplings[0]), abs(couplings[1])), T)
    jx, jy = sorted(strengths)
    kx, ky = jx / t, jy / t
    critical = _is_critical(kx, ky)
    if ky < HOT_K:
        # Loops around a row of that many sites weigh less than rounding.
        row, _, _ = hot_row(HOT_MOMENTA, variable(kx, jx), variable(ky, jy), True)
        log_Z = math.log(2) + 0.5 / HOT_MOMENTA * row
    elif jx == 0:
        # A ring so long that its length does not show: ln(2 cosh K) for each spin.
        decay = math.exp(-2 * ky)
        log_Z = Jet(
            ky + math.log1p(decay),
            jy * math.tanh(ky),
            4 * jy * jy * decay / (1 + decay) ** 2,
        )
    elif kx > FROZEN_K:
        log_Z = Jet(kx + ky, jx + jy, 0.0)
    elif ky > MAX_K:
        raise ValueError(
            f"J / T = {ky:.3g} of the stronger and {kx:.3g} of the weaker coupling are too far "
            f"apart: the stronger one may be {MAX_K:g} here"
        )
    else:
        # p = 2 atan(e^u): near p = 0 the integrand varies on the scale of gamma_0, in ln p.
        h = 1 / 32
        u = h * np.arange(-40 * 32, 40 * 32 + 1)
        g, _ = growth(2 * np.arctan(np.exp(u)), variable(kx, jx), variable(ky, jy))
        weight = h / np.cosh(u) / (2 * math.pi)
        total = (Jet(weight, 0.0, 0.0) * g).sum()
        log_Z = total + 0.5 * math.log(2)
    return Exact(
        method="Onsager, infinite square lattice",
        T=T,
        sites=math.inf,
        log_Z_per_site=float(log_Z.f),
        e=scaled(-float(log_Z.d), exponent),
        c=math.inf if critical else specific_heat(float(log_Z.dd), 1, t),
        m=yang(T, J=(couplings[0], couplings[1])),
    )


def _is_critical(kx: float, ky: float) -> bool:
    """Whether T is T_c to within the rounding of the couplings."""
    if kx == 0 or ky > 300:
        return False
    gamma = math.log1p(math.exp(-2 * ky)) - math.log(-math.expm1(-2 * ky)) - 2 * kx
    return abs(gamma) < 8 * sys.float_info.epsilon * max(kx, ky, 1.0)


@public
def yang(T: float, *, J: float | tuple[float, float] = 1.0) -> float:
    r"""Spontaneous magnetisation per site of the infinite square lattice.

        m = (1 - 1 / (sinh 2K_x sinh 2K_y)^2)^{1/8}

    Parameters
    ----------
    T : float
        Temperature in the units of J.
    J : float or (float, float)
        Couplings along x and y.

    Returns
    -------
    float
        Between 0 and 1; zero above T_c, and where a coupling is not positive.

    Raises
    ------
    ValueError, TypeError
        `T` is not positive, or J / T is not finite.

    References
    ----------
    .. [1] C. N. Yang, Phys. Rev. 85, 808 (1952), doi:10.1103/PhysRev.85.808

    Examples
    --------
    >>> print(f"{yang(1.0):.13f} {yang(3.0)}")
    0.9992757519571 0.0
    """
    T = temperature(T)
    couplings = pair("J", J)
    if min(couplings) <= 0:
        return 0.0
    kx, ky = (ratio("J", j, T) for j in couplings)
    if _is_critical(kx, ky):
        return 0.0
    # ln sinh x = x + ln((1 - e^{-2x}) / 2)
    log_s = sum(2 * k + math.log(-math.expm1(-4 * k) / 2) for k in (kx, ky))
    return (-math.expm1(-2 * log_s)) ** 0.125 if log_s > 0 else 0.0


@public
def critical_temperature(J: float | tuple[float, ...] = 1.0, *, lattice: str = "square") -> float:
    r"""Critical temperature of a ferromagnet in two dimensions.

        square:      sinh 2K_x sinh 2K_y = 1                          2 / ln(1 + sqrt 2)
        triangular:  s_1 s_2 + s_2 s_3 + s_3 s_1 = 1,  s_i = sinh 2K_i     4 / ln 3

    Parameters
    ----------
    J : float or a tuple of two or three
        Positive couplings; on the triangular lattice along x, y and the diagonal.
    lattice : {"square", "triangular"}
        Lattice of the spins.

    Returns
    -------
    float
        T_c in the units of J.

    Raises
    ------
    ValueError, TypeError
        A coupling is not positive, or their number does not belong to the lattice.

    References
    ----------
    .. [1] R. M. F. Houtappel, Physica 16, 425 (1950), doi:10.1016/0031-8914(50)90130-3

    Examples
    --------
    >>> print(f"{critical_temperature():.15f} {critical_temperature(lattice='triangular'):.12f}")
    2.269185314213022 3.640956906507
    """
    couplings = pair("J", J, count=LATTICES[checks.choice("lattice", lattice, LATTICES)])
    if min(couplings) <= 0:
        raise ValueError(f"couplings J must be positive for a transition of this kind, got {J}")
    if len(set(couplings)) == 1:
        unit = 2 / math.log1p(math.sqrt(2)) if lattice == "square" else 4 / math.log(3)
        return couplings[0] * unit

    def excess(T: float) -> float:
        """Positive below T_c."""
        # Couplings far apart overflow long before the sign is in doubt.
        s = [math.sinh(min(2 * j / T, 300.0)) for j in couplings]
        if len(s) == 2:
            return s[0] * s[1] - 1
        return s[0] * s[1] + s[1] * s[2] + s[2] * s[0] - 1

    low, high = 1e-3 * max(couplings), 8 * max(couplings)
    while excess(low) < 0:
        low /= 2
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return 0.5 * (low + high)
