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
from kadanoff._base.types import FloatArray
from kadanoff.impurities.effective.moment import KondoTemperature, why_no_moment

if TYPE_CHECKING:
    from kadanoff.impurities.transport.conductance import Transport

__all__ = ["empirical_conductance", "half_height"]

EXPONENT = 0.22
SLOPE = EXPONENT * (1 - 2 ** (-1 / EXPONENT))
"""-dG / d ln T at T_K in units of G(0), of the empirical form."""
WIDE = 12.0
"""Largest ratio of the two temperatures around T_K."""
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
    T, order = np.unique(curve.T, return_index=True)
    log_T, G = np.log(T), curve.conductance[order]
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
        first = int(below[0])
        log_T_K, disagreement = _crossing(
            log_T[first - 1 : first + 1], G[first - 1 : first + 1] * missing / G[0]
        )
        T_K = math.exp(log_T_K)
        missing = float(empirical_conductance(curve.T.min(), T_K))
    if curve.T.min() > COLD * T_K:
        return none(
            f"the lowest temperature, {curve.T.min():.3g}, lies above {COLD:g} T_K: G(0) is not "
            "reached, give lower T"
        )
    if T[first] > WIDE * T[first - 1]:
        return none(
            f"G falls through half its height between T = {T[first - 1]:.3g} and {T[first]:.3g}: "
            "give temperatures in between"
        )
    error = None
    if curve.conductance_error is not None:
        errors = curve.conductance_error[order]
        of_G = max(errors[first - 1 : first + 1]) + 0.5 * errors[0]
        error = T_K * float(of_G / (SLOPE * G[0]) + disagreement)
    return KondoTemperature(definition="conductance", value=T_K, error=error)


def _crossing(log_T: FloatArray, height: FloatArray) -> tuple[float, float]:
    """ln T_K at half height between two temperatures, and its error.

    Each of the two points gives a T_K by the empirical form. Interpolated is this T_K, which hardly
    depends on T, instead of G: no error where the form holds, and otherwise half of what the two
    differ by, less near one of the points.
    """
    x = 0.5 * np.log((height ** (-1 / EXPONENT) - 1) / (2 ** (1 / EXPONENT) - 1))  # ln(T / T_K)
    log_T_K = log_T - x
    if not np.isfinite(x[0]):  # G(0) itself
        return float(log_T_K[1]), 0.0
    weights = np.array([x[1], -x[0]]) / (x[1] - x[0])
    return float(weights @ log_T_K), float(2 * weights.prod() * abs(log_T_K[1] - log_T_K[0]))
