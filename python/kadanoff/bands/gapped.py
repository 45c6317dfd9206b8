"""Bands with a hard gap around the Fermi level: an insulator or a semiconductor, no pairing.

A band whose density vanishes for ``-b < w < a`` has no levels there, and its star ends: all
intervals of the logarithmic mesh below the gap are empty. The chain has as many sites as the star
has levels, an even number M + M of a particle-hole symmetric band, and below the gap nothing is
left to be added to it. Any shorter chain of an odd number of sites has a level at zero energy that
the band does not have, so that below the gap only the whole chain stands for the band
(:mod:`kadanoff.impurities.nrg.even_odd`).

References
----------
K. Chen, C. Jayaprakash, Phys. Rev. B 57, 5225 (1998), doi:10.1103/PhysRevB.57.5225.
M. R. Galpin, D. E. Logan, Eur. Phys. J. B 62, 129 (2008), doi:10.1140/epjb/e2008-00138-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.discretisation import MPF, Band, Power, Side, extended_precision

__all__ = ["GappedBand", "gap_edges"]

BISECTIONS = 60


@public
@dataclass(frozen=True, init=False)
class GappedBand:
    r"""A band without states for ``|w| < gap``: a hard gap in the normal state.

    ``rho(w) = rho_normal(w)`` for ``|w| >= gap``, and 0 in the gap.

    Parameters
    ----------
    gap : float
        Half width of the gap, above 0 and below the half bandwidth, in the unit of the band.
    normal : Band, optional
        The density outside the gap; the flat band of half bandwidth 1 if it is left out.

    Raises
    ------
    ValueError
        The gap is not between 0 and the half bandwidth, or `normal` has no weight outside it.
    TypeError
        An argument is of the wrong kind.

    Notes
    -----
    The weight in the gap is lost, not moved: `norm` is what remains, and V of a model multiplies
    the same density as without the gap. Gamma and J_sw, which are defined by the density at the
    Fermi level, do not exist; give V. A gap that is not centred at the Fermi level, or has other
    edges, is a :class:`TabulatedBand` with zeros in it.

    Examples
    --------
    >>> import kadanoff as kd
    >>> band = GappedBand(gap=0.01)
    >>> band.norm, band.density([0.0, 0.5])
    (0.99, array([0. , 0.5]))
    >>> dot = kd.AndersonModel(U=0.2, V=0.1, band=band)
    >>> run = kd.nrg.solve(dot, keep=300, T_min=1e-5)
    >>> print(f"a free spin: S = {run.entropy[-1] / np.log(2):.6f} ln 2")
    a free spin: S = 1.000000 ln 2
    """

    gap: float
    normal: Band

    def __init__(self, gap: float, normal: Band | None = None) -> None:
        from kadanoff.bands.densities import FlatBand

        band = FlatBand() if normal is None else normal
        if not isinstance(band, Band) or not hasattr(band, "moment") or hasattr(band, "parts"):
            raise TypeError(f"normal must be a band such as FlatBand(), got {normal!r}")
        if hasattr(band, "gap"):
            raise TypeError(f"normal must be a band without a gap of its own, got {normal!r}")
        hint = "a band without a gap is the band itself"
        value = checks.real("gap", gap, above=0, below=band.D, hint=hint)
        object.__setattr__(self, "gap", value)
        object.__setattr__(self, "normal", band)
        if not self.norm > 0:
            raise ValueError(f"normal has no weight outside the gap of {value:g}: {band!r}")

    @property
    def D(self) -> float:
        """Half bandwidth."""
        return self.normal.D

    @property
    def norm(self) -> float:
        """Integral of the density outside the gap."""
        return _norm(self.gap, self.normal)

    @property
    def is_symmetric(self) -> bool:
        """Whether rho(-w) = rho(w)."""
        return self.normal.is_symmetric

    @property
    def exponent(self) -> None:
        """None: the density vanishes around the Fermi level."""
        return

    def density(self, w: ArrayLike) -> FloatArray:
        """rho(w), zero in the gap."""
        x = checks.array("w", w)
        outside = np.abs(x) >= self.gap
        rho = self.normal.density(np.where(outside, x, self.gap))
        return np.asarray(np.where(outside, rho, 0.0))

    def _from(self, a: MPF) -> MPF:
        return max(a, a.context.mpf(self.gap))

    def moment(self, k: Power, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b u**k rho(side u) du for k = -1, 0, 1."""
        low = self._from(a)
        return self.normal.moment(k, low, b, side) if low < b else b * 0

    def log_moment(self, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b ln(b/u) rho(side u) du."""
        low = self._from(a)
        return self.normal.log_moment(low, b, side) if low < b else b * 0

    def quantile(self, weight: MPF, a: MPF, b: MPF, side: Side) -> MPF:
        """The E in [a, b] with int_a^E rho(side u) du = weight."""
        low = self._from(a)
        return self.normal.quantile(weight, low, b, side) if low < b else b


@lru_cache(maxsize=64)
def _norm(gap: float, band: Band) -> float:
    ctx = extended_precision()
    low, high = ctx.mpf(gap), ctx.mpf(band.D)
    return float(sum(band.moment(0, low, high, side) for side in (1, -1)))


@lru_cache(maxsize=64)
def gap_edges(band: Band) -> tuple[float, float]:
    """Energies -b and a between which a band has no states; (0, 0) without a gap.

    Examples
    --------
    >>> from kadanoff.bands import FlatBand, TabulatedBand
    >>> gap_edges(TabulatedBand([-1, -0.25, -0.2, 0.1, 0.2, 1], [1, 1, 0, 0, 1, 1]))
    (-0.2, 0.1)
    >>> gap_edges(FlatBand())
    (0.0, 0.0)
    """
    if getattr(band, "exponent", 0.0) is not None:
        return 0.0, 0.0
    ctx = extended_precision()
    below, above = (_edge(band, side, ctx) for side in (-1, 1))
    return (-below, above) if below > 0 and above > 0 else (0.0, 0.0)


def _edge(band: Band, side: Any, ctx: Any) -> float:
    """The energy up to which one side has no weight, by bisection of its logarithm."""
    high = ctx.mpf(band.D)
    if not band.moment(0, ctx.zero, high, side) > 0:
        return band.D
    low = high * ctx.mpf(2) ** -BISECTIONS
    if band.moment(0, ctx.zero, low, side) > 0:
        return 0.0
    for _ in range(BISECTIONS):
        middle = ctx.sqrt(low * high)
        if band.moment(0, ctx.zero, middle, side) > 0:
            high = middle
        else:
            low = middle
    return float(f"{_by_density(band, side, float(high)):.14g}")


def _by_density(band: Band, side: int, high: float) -> float:
    """The same from the density below `high`: a quadrature overlooks a thin slice of weight."""
    low = high
    while float(band.density(side * low)) > 0:
        low *= 0.99
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if float(band.density(side * middle)) > 0:
            high = middle
        else:
            low = middle
    return high
