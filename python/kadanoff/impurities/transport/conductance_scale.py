"""The Kondo temperature of a conductance curve, ``G(T_K) = G(0) / 2``.

``G(T) = G(0) [1 + (2^(1/s) - 1) (T / T_K)^2]^-s`` with s = 0.22 is the empirical form of a
spin-1/2 Kondo dot; it is good to 2 % of G(0) up to 2 T_K and no more than a guide below 0.1 T_K.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.impurities.effective.moment import KondoTemperature, why_no_moment

if TYPE_CHECKING:
    from kadanoff.impurities.transport.conductance import Transport

__all__ = ["empirical_conductance", "half_height"]

EXPONENT = 0.22
COLD = 0.05
"""The lowest temperature in units of T_K; there 1 % of G(0) is missing, and added."""


@public
def empirical_conductance(T: FloatArray | float, T_K: float, *, s: float = EXPONENT) -> FloatArray:
    """The empirical form ``G(T) / G(0)`` of a spin-1/2 Kondo dot.

    ``[1 + (2^(1/s) - 1) (T / T_K)^2]^-s``

    Parameters
    ----------
    T : float or array of float, shape (t,)
        Temperatures.
    T_K : float
        Kondo temperature of the conductance (half height), in the unit of T.
    s : float
        Exponent, 0.22 for spin 1/2.

    Returns
    -------
    array of float, shape of T
        Conductance in units of its value at T = 0.

    Raises
    ------
    ValueError, TypeError
        T_K or s is not positive, or T is negative.

    Notes
    -----
    A fit of NRG results, good to 2 % of G(0) up to 2 T_K. Its coefficient of (T/T*)^2 is 4.46
    instead of 6.09: it is no judge of the Fermi liquid.

    References
    ----------
    D. Goldhaber-Gordon et al., Phys. Rev. Lett. 81, 5225 (1998), doi:10.1103/PhysRevLett.81.5225

    Examples
    --------
    >>> print(empirical_conductance([0.0, 0.5], T_K=0.5))
    [1.  0.5]
    """
    t = checks.array("T", T)
    if (t < 0).any():
        raise ValueError(f"T must not be negative, got {T!r}")
    x = t / checks.real("T_K", T_K, above=0)
    power = checks.real("s", s, above=0)
    return np.asarray((1.0 + (2.0 ** (1.0 / power) - 1.0) * x**2) ** -power)


def half_height(curve: Transport) -> KondoTemperature:
    """The answer of :meth:`Transport.T_K`."""

    def none(reason: str) -> KondoTemperature:
        return KondoTemperature(definition="conductance", value=None, reason=reason)

    if curve.geometry == "end of a lead":
        return none("half height is defined between two leads and beside a wire")
    if reason := why_no_moment(curve.dot):
        return none(reason)
    order = np.argsort(curve.T)
    log_T, G = np.log(curve.T[order]), curve.conductance[order]
    if curve.geometry == "beside a wire":
        G = 2.0 - G
    if len(G) < 4:
        return none(f"{len(G)} temperatures are too few: give at least four around T_K")
    if G.max() > 1.05 * G[0]:
        return none("G rises with T above its value at the lowest temperature: give lower T")
    missing = 1.0
    for _ in range(4):  # G(0) and T_K correct each other by a per cent
        below = np.flatnonzero(0.5 * G[0] / missing > G)
        if not below.size:
            return none(
                f"G stays above half its height up to T = {curve.T.max():.3g}: give higher T"
            )
        at = _crossing(log_T, G, 0.5 * G[0] / missing, int(below[0]))
        T_K = math.exp(at)
        missing = float(empirical_conductance(curve.T.min(), T_K))
    if curve.T.min() > COLD * T_K:
        return none(
            f"the lowest temperature, {curve.T.min():.3g}, lies above {COLD:g} T_K: G(0) is not "
            "reached, give lower T"
        )
    return KondoTemperature(
        definition="conductance",
        value=T_K,
        error=_error(curve, order, log_T, G, T_K, int(below[0])),
    )


def _crossing(x: FloatArray, y: FloatArray, value: float, first: int) -> float:
    """Where the monotone cubic through the points falls through a value in interval `first`."""
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import brentq

    smooth = PchipInterpolator(x, y)
    return float(brentq(lambda t: float(smooth(t)) - value, x[first - 1], x[first], xtol=1e-10))


def _error(
    curve: Transport, order: IntArray, x: FloatArray, y: FloatArray, T_K: float, first: int
) -> float | None:
    """Of G at T_K and at T = 0, and of the interpolation: a quarter of that of straight lines."""
    if curve.conductance_error is None:
        return None
    errors = curve.conductance_error[order]
    slope = abs(y[first] - y[first - 1]) / (x[first] - x[first - 1])
    height = 0.5 * y[0]
    straight = x[first - 1] + (y[first - 1] - height) / slope
    distance = abs(straight - math.log(T_K)) / 4
    of_G = max(errors[first - 1 : first + 1]) + 0.5 * errors[0] + slope * distance
    return float(T_K * of_G / slope)
