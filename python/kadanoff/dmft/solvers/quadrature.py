"""Quadrature of a band: levels and weights for its Green function off the real axis."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands.densities import FlatBand, SemicircularBand
from kadanoff.bands.discretisation import Band
from kadanoff.bands.tabulated import TabulatedBand

__all__ = ["band_star"]

POINTS = 16  # Gauss-Legendre points per panel
MAX_LEVELS = 20_000


@lru_cache(maxsize=64)
def band_star(band: Band, beta: float) -> tuple[FloatArray, FloatArray]:
    """Levels e and weights w with ``int rho(x) / (i w_n - x) dx = sum w / (i w_n - e)``.

    Parameters
    ----------
    band : Band
        The density.
    beta : float
        Inverse temperature; the smallest distance from the real axis is ``pi / beta``.

    Returns
    -------
    e, w : array, shape (N,)

    Notes
    -----
    A semicircle: ``N`` nodes of the Chebyshev polynomials of the second kind, error
    ``exp(-2 N asinh(pi / (beta D)))``. Other bands: Gauss-Legendre panels no wider than pi / beta,
    cut at the points of a table; for a power law or a function graded geometrically towards the
    Fermi level and the edges, where densities have their singularities.

    Examples
    --------
    >>> e, w = band_star(SemicircularBand(), 50.0)
    >>> G = np.sum(w / (1j * np.pi / 50 - e))
    >>> print(f"{G.imag:.13f}")
    -1.8782802469254
    """
    nearest = math.pi / beta
    if isinstance(band, SemicircularBand):
        count = max(16, math.ceil(20.0 / math.asinh(nearest / band.D)))
        if count > MAX_LEVELS:
            raise _too_cold(count, beta)
        theta = math.pi * np.arange(1, count + 1) / (count + 1)
        e, w = band.D * np.cos(theta)[::-1], 2.0 / (count + 1) * np.sin(theta) ** 2
    else:
        edges = _edges(band, nearest)
        if POINTS * edges.size > MAX_LEVELS:
            raise _too_cold(POINTS * edges.size, beta)
        x, gauss = np.polynomial.legendre.leggauss(POINTS)
        middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
        e = (middle[:, None] + half[:, None] * x).ravel()
        w = (half[:, None] * gauss).ravel() * band.density(e)
        # The known norm corrects the error of the panels next to a singularity.
        w = w * (band.norm / np.sum(w))
    e.setflags(write=False)
    w.setflags(write=False)
    return e, w


def _too_cold(levels: int, beta: float) -> ValueError:
    return ValueError(
        f"a band of this half width D at beta = {beta:g} would need {levels} levels "
        f"(at most {MAX_LEVELS}); "
        "use a DiscreteBath, or the NRG for temperatures this low"
    )


def _edges(band: Band, widest: float) -> FloatArray:
    D = band.D
    if isinstance(band, TabulatedBand):
        corners = np.array(band.w)
    elif isinstance(band, FlatBand):
        corners = np.array([-D, D])
    else:
        inner = 0.5 * D * 0.5 ** np.arange(40)[::-1]
        half = np.concatenate([[0.0], inner, D - inner[::-1][1:], [D]])
        corners = np.concatenate([-half[::-1], half[1:]])
    edges = [
        np.linspace(a, b, max(1, math.ceil((b - a) / widest)) + 1)[:-1]
        for a, b in pairwise(corners)
    ]
    return np.concatenate([*edges, [corners[-1]]])
