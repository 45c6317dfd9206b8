"""The Kullback-Leibler divergence of two spectra, level by level or of broadened densities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import IntArray
from kadanoff.impurities.effective.divergence.spectra import SITES, Spectrum, spectrum
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.options import SpectrumOptions, shown
from kadanoff.impurities.symmetry.detection import candidates

__all__ = ["both_spectra", "kl_divergence", "partners"]


_GRID = 12  # points per width of a broadened density
_REACH = 8.0  # widths to which a Gaussian is followed


@public(options=shown(SpectrumOptions))
def kl_divergence(
    effective: Model | Spectrum,
    bare: Model | Spectrum,
    *,
    T: float,
    width: float | None = None,
    sites: int = SITES,
    threads: int | None = None,
    **options: Unpack[SpectrumOptions],
) -> float:
    r"""Kullback-Leibler divergence of the thermal distributions of two models.

    ``D = int dw P_eff(w) ln [P_eff(w) / P_bare(w)]``

    Parameters
    ----------
    effective, bare : Model or Spectrum
        The two models, solved by :func:`spectrum`, or their spectra.
    T : float
        Temperature, positive, in the unit of the band (k_B = 1).
    width : float, optional
        Compare densities P(w) of this broadening (units of energy, of the order of T) instead of
        level with level.
    sites, threads : as in :func:`spectrum`
        Sites of the chain, and number of worker threads.
    Lambda, scheme, A_Lambda : as in :func:`kadanoff.nrg.solve`
        Discretisation of the band.
    symmetry, gap, complete, reuse : as in :func:`kadanoff.nrg.solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    float
        Divergence in nats, not negative; infinite if the effective model has a level without a
        partner.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range or of the wrong kind, or the two bands, symmetries or chains
        differ.

    Examples
    --------
    >>> import kadanoff as kd
    >>> aim = kd.AndersonModel(U=10, J_sw=0.3)
    >>> D = [kl_divergence(kd.KondoModel(J=J), aim, T=0.1) for J in (0.2, 0.28, 0.4)]
    >>> D[0] > D[1] < D[2]
    True
    """
    T = checks.real("T", T, above=0)
    width = None if width is None else checks.real("width", width, above=0)
    how = {"sites": sites, "threads": threads, **options}
    first, second = both_spectra(effective, bare, how)
    if width is not None:
        return _broadened(first, second, T, width)
    at = partners(first, second)
    if at is None:
        return math.inf
    mine, other = first.log_probability(T), second.log_probability(T)[at]
    P = first.degeneracy * np.exp(mine)
    # A level beyond the range of exp has P = 0 and 0 ln 0 = 0.
    # Equal distributions differ from 0 by rounding, of either sign.
    return max(float(P @ (mine - other)), 0.0)


def _broadened(first: Spectrum, second: Spectrum, T: float, width: float) -> float:
    # exp(-w/T) times a Gaussian peaks width^2/T below the level; P falls off with T above.
    top = 40 * T + _REACH * width
    w = np.arange(-_REACH * width, top, width / _GRID)
    p, q = first.density(T, w, width), second.density(T, w, width)
    inside = p > 0
    if np.any(q[inside] == 0):
        return math.inf
    total = np.sum(p[inside] * np.log(p[inside] / q[inside])) * width / _GRID
    return max(float(total), 0.0)


def both_spectra(
    effective: Model | Spectrum, bare: Model | Spectrum, options: Mapping[str, Any]
) -> tuple[Spectrum, Spectrum]:
    """Both spectra, in the larger of the symmetries that both models have."""
    given = [s.symmetry for s in (effective, bare) if isinstance(s, Spectrum)]
    if given and "symmetry" not in options:
        options = {**options, "symmetry": given[0]}
    first, second = (
        s if isinstance(s, Spectrum) else spectrum(s, **options) for s in (effective, bare)
    )
    if first.symmetry != second.symmetry and not given:
        # They fall in size; the effective model may have more symmetry than the bare one.
        known = candidates(first.model.space)
        smaller = max(first.symmetry, second.symmetry, key=known.index)
        options = {**options, "symmetry": smaller}
        assert isinstance(effective, Model)
        assert isinstance(bare, Model)
        first, second = spectrum(effective, **options), spectrum(bare, **options)
    if first.symmetry != second.symmetry:
        raise ValueError(
            f"both spectra must have the same symmetry, got {first.symmetry} and "
            f"{second.symmetry}; give symmetry= to spectrum"
        )
    if first.model.band != second.model.band:
        raise ValueError(
            f"effective and bare model must have the same band, got {first.model.band!r} and "
            f"{second.model.band!r}"
        )
    if first.states * second.model.impurity_dimension != (
        second.states * first.model.impurity_dimension
    ):
        raise ValueError("both spectra must come from chains of the same number of sites")
    return first, second


def _ranks(found: Spectrum) -> dict[tuple[int, int, int], int]:
    """(label, label, rank within the sector) -> index, ranks by energy."""
    counts: dict[tuple[int, int], int] = {}
    out = {}
    for i, (a, b) in enumerate(found.labels.tolist()):
        k = counts.get((a, b), 0)
        counts[a, b] = k + 1
        out[a, b, k] = i
    return out


def partners(first: Spectrum, second: Spectrum) -> IntArray | None:
    """Index of the partner in `second` of every level of `first`; None if one has no partner."""
    theirs = _ranks(second)
    mine = _ranks(first)
    if not mine.keys() <= theirs.keys():
        return None
    # Python keeps the order of insertion, which is that of the levels.
    return np.array([theirs[key] for key in mine], dtype=np.int64)
