"""Bands moved in energy, such as that of one spin in a magnetic field.

The Fermi level stays at zero, and so does the centre of the logarithmic mesh: the chain of a moved
band resolves the Fermi level down to any temperature. A mesh that moved along with the band would
have its finest intervals at an energy where nothing happens, and no level nearer to the Fermi level
than the field.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands.discretisation import Band, extended_precision
from kadanoff.bands.gapped import GappedBand
from kadanoff.bands.tabulated import FunctionBand, TabulatedBand

__all__ = ["shifted"]

PER_DECADE = 100
"""Points of a curved density: linear between them, it is right to 7e-5 r (1 - r) for |w|^r."""
NEAREST = 1e-3
"""Of the shift: structure nearer to the old Fermi level is not seen from the new one."""
EVENLY = 2001  # further points for the structure of a user's function
STEP = 1e-9  # relative width of the ramp in the place of a step


@lru_cache(maxsize=64)
def shifted(band: Band, energy: float) -> Band:
    """The band with the density ``rho(w - energy)``.

    Exact for flat and tabulated densities; others become a table.

    Parameters
    ----------
    band : Band
        A normal band.
    energy : float
        Shift, smaller than the half bandwidth, in the unit of the band.

    Examples
    --------
    >>> from kadanoff.bands import FlatBand
    >>> shifted(FlatBand(), 0.1)
    TabulatedBand(2 points, -0.9 <= w <= 1.1)
    """
    if energy == 0:
        return band
    u = _points(band, abs(energy))
    rho = np.array(band.density(u))
    for k in np.flatnonzero(~np.isfinite(rho)):  # a pole of the density that has an integral
        rho[k] = _as_integrated(band, float(u[k + 1]), float(rho[k + 1]))
    if not u[0] + energy < 0 < u[-1] + energy:
        raise ValueError(
            f"a field that moves {band!r} by {energy:g} leaves no states at the Fermi level: "
            f"field must be above {2 * u[0]:g} and below {2 * u[-1]:g} for this band"
        )
    return TabulatedBand(u + energy, rho)


def _points(band: Band, energy: float) -> FloatArray:
    """Energies from the centre of the band, between which its density is a straight line."""
    if isinstance(band, TabulatedBand):
        return np.array(band.w)
    if getattr(band, "is_flat", False):
        return np.array([-band.D, band.D])
    if isinstance(band, GappedBand):
        inner = _points(band.normal, energy)
        edges = band.gap * np.array([-1.0, STEP - 1, 1 - STEP, 1.0])
        return np.union1d(inner[np.abs(inner) > band.gap], edges)
    D = band.D
    least = NEAREST * min(energy, D)
    u = np.geomspace(least, D, int(PER_DECADE * np.log10(D / least)) + 2)
    edge = D - np.geomspace(D, 1e-6 * D, 6 * PER_DECADE)
    side = np.union1d(u[:-1], edge[edge >= least])
    if isinstance(band, FunctionBand):
        side = np.union1d(side, np.linspace(least, D, EVENLY)[:-1])
    side = side[np.diff(side, prepend=0.0) > 1e-12 * side]
    return np.concatenate([[-D], -side[::-1], [0.0], side, [D]])


def _as_integrated(band: Band, u: float, rho: float) -> float:
    """The value at zero with which a straight line up to `u` has the integral of the density."""
    ctx = extended_precision()
    weight = float(band.moment(0, ctx.zero, ctx.mpf(u), 1))
    return 2 * weight / u - rho
