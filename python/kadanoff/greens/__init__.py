"""Green functions of one orbital on every axis, with exact transforms between them.

``G(tau) = -<T d(tau) d^+(0)>``, ``G(i w_n) = int_0^beta exp(i w_n tau) G(tau) dtau``.

====================  ===========================================  ===============================
class                 representation                               exact transforms to
====================  ===========================================  ===============================
`GreenFunction`       poles and residues                           iw, tau, w + i eta, moments
`MatsubaraFunction`   values at i w_n, moments of the tail         tau
`LegendreSeries`      coefficients G_l                             tau, iw
`ChebyshevFunction`   values at Chebyshev times                    tau, iw, Legendre
`IntermediateSeries`  coefficients G_l (needs sparse-ir)           tau, iw
`RealAxisFunction`    values at real frequencies                   poles, and with them iw, tau
====================  ===========================================  ===============================

From noisy values at i w_n, `AllowedSpectra` bounds what every spectrum in agreement with them has
in common.
"""

from kadanoff.greens.allowed_spectra import AllowedSpectra, InfeasibleData
from kadanoff.greens.causal_fit import CausalFit
from kadanoff.greens.chebyshev import ChebyshevFunction
from kadanoff.greens.data_files import MatsubaraData, read_matsubara, write_matsubara
from kadanoff.greens.fermi import fermi_poles
from kadanoff.greens.grids import chebyshev_times, matsubara
from kadanoff.greens.intermediate import IntermediateSeries
from kadanoff.greens.legendre import LegendreSeries, legendre_to_matsubara
from kadanoff.greens.matsubara_function import (
    MatsubaraFunction,
    UncertainTail,
    gauss_poles,
    tail_moments,
)
from kadanoff.greens.poles import GreenFunction
from kadanoff.greens.real_axis import RealAxisFunction
from kadanoff.greens.spectral_bounds import SpectralBounds

__all__ = [
    "AllowedSpectra",
    "CausalFit",
    "ChebyshevFunction",
    "GreenFunction",
    "InfeasibleData",
    "IntermediateSeries",
    "LegendreSeries",
    "MatsubaraData",
    "MatsubaraFunction",
    "RealAxisFunction",
    "SpectralBounds",
    "UncertainTail",
    "chebyshev_times",
    "fermi_poles",
    "gauss_poles",
    "legendre_to_matsubara",
    "matsubara",
    "read_matsubara",
    "tail_moments",
    "write_matsubara",
]
