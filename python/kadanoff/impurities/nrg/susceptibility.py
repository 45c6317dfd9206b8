r"""Responses from the symmetrised correlator, by the fluctuation-dissipation theorem.

    S(w)   = sum_ab B_ba C_ba (rho_a + rho_b) delta(w - E_b + E_a)
    R(w)   = S(w) tanh(w / 2T) / w                               (relaxation function)
    chi(w) = int dx R(x) x / (x - w - i0) - <B> <C> / T [w = 0], Im chi(w) = pi w R(w)

The isothermal response is ``chi(0) = int R(x) dx - <B> <C> / T``: Kubo's sum with the term beta
rho_a of degenerate states. The commutator ``A(w) = S(w) tanh(w / 2T)`` gives the same in
equilibrium, but it is a difference of two weights: where a kept and a discarded state lie close to
each other, their weights in the truncated density matrix do not match, and the difference divided
by w explodes. The sum divided by T does not. It also keeps ``int S = <{B^+, C}>``, which fixes the
response at high temperature.

What is broadened is R, not the odd A, in which peaks at w and -w cancel.

References
----------
.. [1] R. Kubo, J. Phys. Soc. Jpn. 12, 570 (1957), doi:10.1143/JPSJ.12.570, Eq. 2.38 and Section 8
.. [2] H. Shiba, Prog. Theor. Phys. 54, 967 (1975), doi:10.1143/PTP.54.967: for T -> 0
       ``Im chi / w -> 2 pi chi^2`` in the Anderson model
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.greens.kramers_kronig import checked_frequencies, hilbert
from kadanoff.impurities.nrg.broadening import broaden
from kadanoff.impurities.nrg.peaks import Bins

__all__ = ["Fluctuations", "dynamic", "polarisation", "relaxation", "static", "thermal_factor"]

SMOOTH_OVER_T = 2.0
"""Width of the Gaussian at low frequency in units of T: levels lie about T apart."""


SMALL_FIELD = 0.2
"""Fields below this, in units of T, polarise in proportion to the response but for 1 %."""
TORN = 0.01
"""Difference of average and response that the cut makes, not the next order of the field."""


@dataclass(frozen=True, eq=False)
class Fluctuations:
    """The symmetrised correlator of a bosonic pair.

    Attributes
    ----------
    weight, moment : array of float, shape (t, bins)
        Weight, and weight times frequency, of the peaks of S(w) in every bin.
    disconnected : array of float, shape (t,)
        <B> <C>.
    """

    weight: FloatArray
    moment: FloatArray
    disconnected: FloatArray

    def __repr__(self) -> str:
        return f"Fluctuations({len(self.weight)} temperatures, {self.weight.shape[-1]} bins)"


def thermal_factor(w: FloatArray, T: float) -> FloatArray:
    """``tanh(w / 2T) / w``, with the limit 1 / 2T."""
    x = np.asarray(w) / (2 * T)
    small = np.abs(x) < 1e-5
    safe = np.where(small, 1.0, x)
    return np.where(small, 1 - x * x / 3, np.tanh(safe) / safe) / (2 * T)


def static(bins: Bins, S: Fluctuations, t: int, T: float) -> float:
    """The isothermal response at temperature number `t`."""
    kubo = bins.integrate(S.weight[t], S.moment[t], lambda w: thermal_factor(w, T))
    return float(kubo - S.disconnected[t] / T)


@dataclass(frozen=True)
class Polarisation:
    """<S_z> in a field along it, and what is uncertain besides truncation and discretisation.

    Attributes
    ----------
    value : float
        The average, or that of the response to the field.
    error : float
        Of the average, its difference from the response, at most 1 %; of the response, the whole
        next order in the field, at most 0.7 %; zero in larger fields.
    """

    value: float
    error: float


def polarisation(S_z: float, *, chi: float, field: float, T: float) -> Polarisation:
    """<S_z> in a field along it, the average itself or that of the response.

    A field much smaller than T splits states by less than their distance. Where the cut falls
    between such states they get unequal weights in the density matrix, and a weakly coupled moment
    comes out polarised too much, by 5 to 50 %. The response does not have that error: where the
    two differ by more than 1 % and field < T / 5, ``-field chi`` is returned, with the next order
    ``1 + (2 / 3) T chi (field / T)^2`` of a free spin 1/2, which is below 0.7 %.

    Parameters
    ----------
    S_z : float
        The average from the density matrix.
    chi : float
        The isothermal response ``-d<S_z>/d field`` in this field.
    field, T : float
        Field on the impurity, and temperature.
    """
    x = field / T
    if not 0 < abs(x) < SMALL_FIELD:
        return Polarisation(S_z, 0.0)
    further = 2 / 3 * T * chi * x * x
    expected = -field * chi * (1 + further)
    apart = abs(S_z - expected)
    if apart > TORN * abs(expected):
        return Polarisation(expected, abs(field * chi * further))
    return Polarisation(S_z, apart)


def relaxation(
    bins: Bins, S: Fluctuations, t: int, T: float, w: ArrayLike, *, b: float, w0: float | None
) -> FloatArray:
    """R(w), broadened; its integral is the static response."""
    mesh = bins.mesh
    weights = bins.spread(S.weight[t], S.moment[t]) * thermal_factor(mesh, T)
    weights[bins.count] -= S.disconnected[t] / T
    return broaden(mesh, weights, w, b=b, w0=SMOOTH_OVER_T * T if w0 is None else w0)


def dynamic(
    bins: Bins,
    S: Fluctuations,
    t: int,
    T: float,
    w: ArrayLike,
    *,
    grid: FloatArray,
    b: float,
    w0: float | None,
) -> ComplexArray:
    """chi(w); chi(0) is the static response exactly."""
    at = checked_frequencies(w, name="w")
    R = relaxation(bins, S, t, T, at, b=b, w0=w0)
    of_grid = relaxation(bins, S, t, T, grid, b=b, w0=w0)
    value = static(bins, S, t, T)
    # The kernel keeps a constant spectrum constant, the weight only roughly.
    norm = float(np.trapezoid(of_grid, grid))
    scale = value / norm if value > 0 and norm > 0 else 1.0
    real = value - scale * at * hilbert(grid, of_grid, at=at)
    return np.asarray(real + 1j * math.pi * scale * at * R)
