r"""Self-energy and Green function of the Anderson model on the imaginary axis, from raw peaks.

    <<B; C>>(z) = sum_j a_j / (z - w_j)         no broadening
    Sigma_ratio = F/G,     Sigma_symmetric = <{q, d^+}> + I - F^2/G
    G(z) = 1 / (z - eps - Delta(z) - Sigma(z)),  Delta of the continuous band

Off half filling the two estimators fail in different parts: the ratio has the real part right (to
0.002 Gamma, Friedel's sum rule) and an imaginary part of the wrong sign near zero, the symmetric
one has the imaginary part right and a real part that is off by several per cent of Gamma, an error
of peaks at high energies. On the imaginary axis Re Sigma is the part of the spectrum of Sigma that
is odd in w and Im Sigma the even part; each is taken from the estimator that is right about it.

References
----------
R. Bulla, A. C. Hewson, T. Pruschke, J. Phys.: Condens. Matter 10, 8365 (1998),
doi:10.1088/0953-8984/10/37/021; F. B. Kugler, Phys. Rev. B 105, 245132 (2022),
doi:10.1103/PhysRevB.105.245132
"""

from __future__ import annotations

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.nrg.dynamics import Dynamics
from kadanoff.impurities.nrg.self_energy import band_green_and_slope

__all__ = ["green_function", "peaks_at", "self_energy"]


def peaks_at(
    run: Dynamics, name: str, z: ComplexArray, *, T: float
) -> tuple[ComplexArray, ComplexArray]:
    """A correlator of a run and its derivative, ``sum_j a_j / (z - w_j)``, at ``z = i w``.

    Parameters
    ----------
    run : Dynamics
        Raw peaks.
    name : str
        One of its correlators.
    z : array of complex, shape (n,)
        Points on the imaginary axis.
    T : float
        One of its temperatures.

    Returns
    -------
    value, derivative : array of complex, shape (n,)

    Notes
    -----
    With ``K = 1 / (x^2 + w^2)`` for a peak at x, ``1/(z - x) = -(x + i w) K``: real numbers, ten
    times as fast as division of complex ones.
    """
    w = z.imag

    def kernels(x: FloatArray) -> FloatArray:
        x = x[:, None]
        K = 1.0 / (x**2 + w**2)
        K2 = K**2
        return np.hstack([K, x * K, K2, x * K2])

    K, xK, K2, xK2 = run.integrate(name, kernels, T=T).reshape(4, -1)
    # -(x + i w)^2 K^2, where x^2 - w^2 = 1/K - 2 w^2
    return -xK - 1j * w * K, 2 * w**2 * K2 - K - 2j * w * xK2


def self_energy(
    run: Dynamics, z: ComplexArray, *, T: float, suffix: str = ""
) -> tuple[ComplexArray, ComplexArray]:
    """Sigma(z) and its derivative on the imaginary axis, z = i w with w > 0; units of the band."""
    G, dG = peaks_at(run, "d" + suffix, z, T=T)
    F, dF = peaks_at(run, "F" + suffix, z, T=T)
    I, dI = peaks_at(run, "I" + suffix, z, T=T)  # noqa: E741 (the name of the literature)
    ratio, dratio = F / G, dF / G - F * dG / G**2
    symmetric = run.total("F" + suffix, T=T) + I - F * ratio
    dsymmetric = dI - dF * ratio - F * dratio
    model = run.model
    assert isinstance(model, AndersonModel)
    # d/dz of Re Sigma along the imaginary axis is imaginary, and the other way round. The Hartree
    # term of q = [H_U, d] counts from half filling.
    return (
        ratio.real + 0.5 * model.U + 1j * symmetric.imag,
        dsymmetric.real + 1j * dratio.imag,
    )


def green_function(
    run: Dynamics, z: ComplexArray, *, T: float, spin: int = 1, suffix: str = ""
) -> tuple[ComplexArray, ComplexArray, ComplexArray, ComplexArray]:
    """G, dG/dz, X and dX/dz with ``G = 1 / (z - X)``, ``X = eps + Delta + Sigma``."""
    model = run.model
    assert isinstance(model, AndersonModel)
    Sigma, dSigma = self_energy(run, z, T=T, suffix=suffix)
    g, dg = band_green_and_slope(model.band, z)
    X = model.eps + 0.5 * spin * model.field + model.V**2 * g + Sigma
    dX = model.V**2 * dg + dSigma
    G = 1.0 / (z - X)
    return G, -(G**2) * (1.0 - dX), X, dX
