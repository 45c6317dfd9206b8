r"""Stiffness of the height field.

    S = (K/2) int d^2x (grad h)^2,        K = pi/16 for free dimers

in the heights of :func:`kadanoff.dimers.height` (four round a site). It shows in two ways. A flux
W_x is a slope ``4 W_x / Ly`` of the whole torus, which costs ``8 K W_x^2 Lx / Ly``:

    P(W_x) ~ exp(-8 K W_x^2 Lx / Ly),     W_x = 0, +-1, ...

And the field J(r), half of :func:`kadanoff.dimers.electric_field` (a dimer belongs to two sites),
is a slope turned by 90 degrees and divided by 4: at small wave numbers its fluctuations are
transverse,

    < |J_perp(q)|^2 > -> 1 / (16 K),      < |J_par(q)|^2 > -> 0        (per site).

References
----------
.. [1] F. Alet et al., Phys. Rev. E 74, 041124 (2006), doi:10.1103/PhysRevE.74.041124: K = pi g / 8
       with g = 1/2 for free dimers
.. [2] J. Kondev, C. L. Henley, Nucl. Phys. B 464, 540 (1996), doi:10.1016/0550-3213(96)00064-8
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.statistics import Estimate, estimate, rule_of_three
from kadanoff._base.types import FloatArray
from kadanoff.lattices.dimers.lattice import checked, electric_field

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kadanoff.lattices.dimers.sampling import DimerSamples

__all__ = ["FREE_STIFFNESS", "FieldSpectrum", "field_spectrum", "flux_stiffness", "stiffness"]


FREE_STIFFNESS = math.pi / 16
"""K of free dimers, exact."""

MAX_FLUX = 40
AT_ONCE = 1 << 22  # sites transformed together


@public
def flux_stiffness(mean_square: float, aspect: float = 1.0) -> float:
    """Solve ``<W^2> = sum W^2 exp(-8 K a W^2) / sum exp(-8 K a W^2)`` for the stiffness K.

    Parameters
    ----------
    mean_square : float
        Mean square <W_x^2> of a flux, between 1e-60 and 60.
    aspect : float, default 1
        Aspect ratio a = Lx / Ly, for W_y its inverse.

    Returns
    -------
    float
        K, positive.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range.

    Examples
    --------
    The exact 0.299148332 of the 6 x 6 torus; of an infinite one K is pi / 16 = 0.19635:

    >>> print(f"{flux_stiffness(0.299148332):.5f}")
    0.19857
    """
    from scipy.optimize import brentq

    square = checks.real("mean_square", mean_square)
    a = checks.real("aspect", aspect, above=0)
    W = np.arange(-MAX_FLUX, MAX_FLUX + 1.0) ** 2

    def missing(log_K: float) -> float:
        weight = np.exp(-8 * math.exp(log_K) * a * W)
        return float(weight @ W / weight.sum()) - square

    low, high = math.log(1e-3 / a), math.log(20 / a)
    if not missing(low) > 0 > missing(high):
        raise ValueError(
            f"mean_square must be a mean square flux between 1e-60 and 60, got {mean_square}"
        )
    return math.exp(brentq(missing, low, high, xtol=1e-13))


@public
def stiffness(samples: DimerSamples) -> Estimate:
    """Estimate the stiffness K from the fluxes of samples of a torus.

    Parameters
    ----------
    samples : DimerSamples
        Samples with periodic boundaries and free winding.

    Returns
    -------
    Estimate
        K with its error; on a square torus both directions together.

    Raises
    ------
    ValueError
        The lattice is open, or no sample has a flux.

    Examples
    --------
    >>> import kadanoff as kd
    >>> K = stiffness(kd.dimers.sample(32, n=4000, seed=1))
    >>> abs(K.mean - FREE_STIFFNESS) < 4 * K.error
    True
    """
    if samples.boundary != "periodic":
        raise ValueError("an open lattice has no fluxes; sample with boundary='periodic'")
    flux = samples.winding.astype(float)
    # Of a torus that is not square the two directions weigh differently; scaled, they do not.
    aspect = samples.Lx / samples.Ly
    if aspect == 1:
        return _inverted(np.mean(flux**2, axis=1).reshape(samples.chains, -1), 1.0)
    return _inverted((flux[:, 0] ** 2).reshape(samples.chains, -1), aspect)


def _inverted(squares: ArrayLike, aspect: float) -> Estimate:
    # A flux of 1 in place of 0 in one of the two directions is the smallest change.
    found = rule_of_three(estimate(squares), squares, 1.0)
    K = flux_stiffness(found.mean, aspect)
    step = 1e-4 * found.mean
    slope = (flux_stiffness(found.mean + step, aspect) - K) / step
    return Estimate(K, abs(slope) * found.error, found.tau, found.ess, found.n)


@public
@dataclass(frozen=True, eq=False)
class FieldSpectrum:
    """Fluctuations of the field J along the axes of the Brillouin zone, per site.

    Parameters
    ----------
    q : array, shape (L / 2 - 1,)
        Wave numbers 2 pi k / L, k = 1, 2, ...
    transverse, longitudinal : array, shape (L / 2 - 1,)
        < |J_perp(q)|^2 >, < |J_par(q)|^2 >. Along the axes the latter is zero for every single
        covering: the flux is the same at every cut.
    transverse_error, longitudinal_error : array, shape (L / 2 - 1,)
        Standard errors; the autocorrelation of the configurations is taken into account.

    Examples
    --------
    >>> import kadanoff as kd
    >>> found = field_spectrum(kd.dimers.sample(16, n=2000, seed=1))
    >>> K, error = found.stiffness
    >>> print(f"{K:.2f} {FREE_STIFFNESS:.2f}")
    0.20 0.20
    """

    q: FloatArray
    transverse: FloatArray
    longitudinal: FloatArray
    transverse_error: FloatArray
    longitudinal_error: FloatArray

    def __repr__(self) -> str:
        K, error = self.stiffness
        return (
            f"FieldSpectrum({len(self.q)} wave numbers {self.q[0]:.4g} ... {self.q[-1]:.4g}, "
            f"K={K:.4g} +- {error:.2g})"
        )

    @property
    def stiffness(self) -> tuple[float, float]:
        """K and its error from ``<|J_perp|^2> = 1 / (16 K) + c q^2`` at the three smallest q."""
        few = slice(0, 3)
        A = np.stack([np.ones(3), self.q[few] ** 2], axis=1) / self.transverse_error[few, None]
        covariance = np.linalg.inv(A.T @ A)
        at_zero = (covariance @ A.T @ (self.transverse[few] / self.transverse_error[few]))[0]
        if not at_zero > 0:  # no covering has a field of long wave length
            return math.inf, math.inf
        K = 1 / (16 * at_zero)
        return float(K), float(K * math.sqrt(covariance[0, 0]) / at_zero)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Plot both against q, with 1 / (16 K) of free dimers. Returns the axes."""
        from kadanoff.lattices.dimers.plots import plot_field_spectrum

        return plot_field_spectrum(self, ax=ax, **style)


@public
def field_spectrum(dimers: ArrayLike | Any) -> FieldSpectrum:
    """Compute the structure factor of the field of coverings of square lattices.

    Parameters
    ----------
    dimers : DimerSamples or array, shape (n, L, L)
        Samples, or directions of the dimers in the order in which they were drawn; n >= 2 and
        L >= 8.

    Returns
    -------
    FieldSpectrum
        Transverse and longitudinal fluctuations along the axes of the Brillouin zone.

    Raises
    ------
    ValueError, TypeError
        The lattices are too small or not square, or the array holds no directions.

    Examples
    --------
    >>> import kadanoff as kd
    >>> found = field_spectrum(kd.dimers.sample(16, n=2000, seed=1))
    >>> bool(found.longitudinal[0] < 0.1 * found.transverse[0])
    True
    """
    d = checked(getattr(dimers, "dimers", dimers))
    if d.ndim != 3 or d.shape[1] != d.shape[2] or len(d) < 2:
        raise ValueError(f"dimers must have shape (n, L, L) with n >= 2, got {d.shape}")
    L = d.shape[1]
    if L < 8:
        raise ValueError(f"L must be at least 8 to leave small wave numbers, got {L}")
    rows = []
    each = max(1, AT_ONCE // (L * L))
    for k in range(0, len(d), each):
        J = electric_field(d[k : k + each]) / 2
        # Summed over x there are wave numbers along y, to which J_x is transverse; and vice versa.
        along_y, along_x = (np.fft.fft(J.sum(axis=a), axis=2)[:, :, 1 : L // 2] for a in (3, 2))
        power_y, power_x = (np.abs(f) ** 2 / (L * L) for f in (along_y, along_x))
        rows.append(
            np.stack([power_y[:, 0] + power_x[:, 1], power_y[:, 1] + power_x[:, 0]], axis=1) / 2
        )
    both = np.concatenate(rows)
    mean = both.mean(axis=0)
    chains = getattr(dimers, "chains", 1)
    error = np.array(
        [
            [estimate(series.reshape(chains, -1)).error for series in component.T]
            for component in both.transpose(1, 0, 2)
        ]
    )
    # Where nothing happened, the rule of three: one flipped plaquette changes J by one at two bonds
    # of each direction, hence |J(q)|^2 by up to 4 / L^2 and a cross term of the same order.
    error[0] = np.maximum(error[0], 3.0 / len(both) * 4.0 / (L * L) * (both.std(axis=0)[0] == 0.0))
    q = 2 * np.pi * np.arange(1, L // 2) / L
    return FieldSpectrum(q, mean[0], mean[1], error[0], error[1])
