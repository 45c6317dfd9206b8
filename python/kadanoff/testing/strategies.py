"""Hypothesis strategies for models, bands, chains and solver options.

Parameters are of the order of the bandwidth, with the special values (zero field, symmetric
level, no coupling) drawn often: that is where symmetries appear.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from kadanoff.bands.densities import Band, FlatBand, PowerLawBand, SemicircularBand, TabulatedBand
from kadanoff.bands.discretisation import SCHEMES
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import AndersonModel, KondoModel

__all__ = [
    "anderson_models",
    "asymmetric_bands",
    "bands",
    "chains",
    "energies",
    "kondo_models",
    "models",
    "options",
]

ImpurityModel = AndersonModel | KondoModel


def energies(largest: float = 1.0) -> st.SearchStrategy[float]:
    """Zero, or an energy of either sign that is neither huge nor negligible."""
    size = st.floats(1e-3, largest)
    return st.one_of(st.just(0.0), size, size.map(lambda x: -x))


@st.composite
def asymmetric_bands(draw: st.DrawFn) -> TabulatedBand:
    """Tabulated bands of 3 to 7 points, positive at the Fermi level."""
    below = draw(st.lists(st.integers(1, 100), min_size=1, max_size=3, unique=True))
    above = draw(st.lists(st.integers(1, 100), min_size=1, max_size=3, unique=True))
    w = sorted([-x / 100 for x in below] + [0.0] + [x / 100 for x in above])
    rho = draw(st.lists(st.floats(0.1, 2.0), min_size=len(w), max_size=len(w)))
    return TabulatedBand(w, rho)


def bands() -> st.SearchStrategy[Band]:
    """Flat, semicircular, pseudogap and tabulated bands."""
    return st.one_of(
        st.just(FlatBand()),
        st.floats(0.1, 10.0).map(FlatBand),
        st.just(SemicircularBand()),
        st.floats(0.0, 1.0).map(PowerLawBand),
        asymmetric_bands(),
    )


def anderson_models(
    *, fields: st.SearchStrategy[float] | None = None, band: st.SearchStrategy[Band] | None = None
) -> st.SearchStrategy[AndersonModel]:
    """Anderson models, symmetric (eps left out) or not, with any sign of U."""
    return st.builds(
        AndersonModel,
        U=energies(),
        V=st.floats(0.0, 0.5),
        eps=st.none() | energies(),
        field=energies(0.5) if fields is None else fields,
        band=st.just(FlatBand()) if band is None else band,
    )


def kondo_models(
    *, fields: st.SearchStrategy[float] | None = None, band: st.SearchStrategy[Band] | None = None
) -> st.SearchStrategy[KondoModel]:
    """Kondo models of spin 1/2 to 2, ferro- and antiferromagnetic, with potential scattering."""
    return st.builds(
        KondoModel,
        J=energies(),
        spin=st.integers(1, 4).map(lambda doubled: doubled / 2),
        W=energies(0.5),
        field=energies(0.5) if fields is None else fields,
        band=st.just(FlatBand()) if band is None else band,
    )


def models(
    *, fields: st.SearchStrategy[float] | None = None, band: st.SearchStrategy[Band] | None = None
) -> st.SearchStrategy[ImpurityModel]:
    """Any impurity model."""
    return st.one_of(
        anderson_models(fields=fields, band=band), kondo_models(fields=fields, band=band)
    )


def chains(sites: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[Chain]:
    """Chains made by hand, falling off by a random ratio, with or without on-site energies."""

    @st.composite
    def draw_chain(draw: st.DrawFn) -> Chain:
        n = draw(st.integers(1, 12) if sites is None else sites)
        Lambda = draw(st.floats(1.2, 6.0))
        scale = np.power(Lambda, -np.arange(n) / 2)
        factors = st.lists(st.floats(0.3, 1.5), min_size=n - 1, max_size=n - 1)
        hopping = np.array(draw(factors)) * scale[: n - 1]
        onsite = np.zeros(n)
        if draw(st.booleans()):
            signs = st.lists(st.floats(-1.0, 1.0), min_size=n, max_size=n)
            onsite = np.array(draw(signs)) * scale
        return Chain(hopping, onsite, scale, 1.0, Lambda)

    return draw_chain()


def options(
    *, keep: tuple[int, int] = (20, 200), sites: tuple[int, int] = (4, 12)
) -> st.SearchStrategy[dict[str, Any]]:
    """Keyword arguments of `kadanoff.nrg.solve` for runs of some milliseconds."""
    return st.fixed_dictionaries(
        {
            "Lambda": st.floats(1.5, 5.0),
            "keep": st.integers(*keep),
            "sites": st.integers(*sites),
        },
        optional={
            "z": st.floats(0.1, 1.0) | st.just((0.5, 1.0)),
            "scheme": st.sampled_from(SCHEMES),
            "complete": st.booleans(),
            "reuse": st.booleans(),
        },
    )
