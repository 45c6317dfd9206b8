"""What every chain obeys: scaling with D, reflection of the band, norms, moments."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kadanoff.bands.densities import (
    SCHEMES,
    Band,
    FlatBand,
    PowerLawBand,
    SemicircularBand,
    TabulatedBand,
    discretise,
    wilson_chain,
)

lambdas = st.floats(1.5, 8.0)
twists = st.floats(0.01, 1.0)
schemes = st.sampled_from(SCHEMES)
# A chain of exact arithmetic is rounded once; what is left are roundings of its input.
ROUNDING = 1e-13


@st.composite
def tables(draw: st.DrawFn) -> TabulatedBand:
    """Asymmetric bands of 3 to 8 points, with weight at the Fermi level."""
    below = draw(st.lists(st.floats(-1.0, -0.01), min_size=1, max_size=4, unique=True))
    above = draw(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4, unique=True))
    w = sorted(x for x in {round(x, 6) for x in (*below, 0.0, *above)})
    rho = draw(st.lists(st.floats(0.0, 2.0), min_size=len(w), max_size=len(w)))
    rho[w.index(0.0)] += 0.1
    return TabulatedBand(w, rho)


@settings(max_examples=30, deadline=None)
@given(tables(), lambdas, twists, schemes)
def test_reflection_flips_the_onsite_energies(
    band: TabulatedBand, Lambda: float, z: float, scheme: str
) -> None:
    mirrored = TabulatedBand([-x for x in reversed(band.w)], band.rho[::-1])
    chain = wilson_chain(band, Lambda, 20, z=z, scheme=scheme)
    image = wilson_chain(mirrored, Lambda, 20, z=z, scheme=scheme)
    np.testing.assert_allclose(image.hopping, chain.hopping, rtol=ROUNDING)
    # onsite energies may vanish; the hopping of their site says what is small
    bound = ROUNDING * np.concatenate([chain.hopping, chain.hopping[-1:]])
    assert np.all(np.abs(image.onsite + chain.onsite) <= bound)
    assert image.norm == chain.norm


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([FlatBand, SemicircularBand, lambda D: PowerLawBand(0.7, D)]),
    st.floats(1e-6, 1e6),
    lambdas,
    twists,
    schemes,
)
def test_energies_scale_with_D(
    make: type[FlatBand], D: float, Lambda: float, z: float, scheme: str
) -> None:
    one = wilson_chain(make(1.0), Lambda, 25, z=z, scheme=scheme)
    scaled = wilson_chain(make(D), Lambda, 25, z=z, scheme=scheme)
    np.testing.assert_allclose(scaled.hopping, D * one.hopping, rtol=ROUNDING)
    np.testing.assert_allclose(scaled.scale, D * one.scale, rtol=ROUNDING)
    assert scaled.norm == one.norm == 1.0


@settings(max_examples=30, deadline=None)
@given(tables(), st.floats(1e-6, 1e6), st.floats(0.1, 10.0), lambdas, twists, schemes)
def test_table_scales_with_energy_and_height(
    band: TabulatedBand, D: float, height: float, Lambda: float, z: float, scheme: str
) -> None:
    other = TabulatedBand([D * x for x in band.w], [height * x for x in band.rho])
    one = wilson_chain(band, Lambda, 15, z=z, scheme=scheme)
    scaled = wilson_chain(other, Lambda, 15, z=z, scheme=scheme)
    np.testing.assert_allclose(scaled.hopping, D * one.hopping, rtol=ROUNDING)
    np.testing.assert_allclose(scaled.norm, D * height * one.norm, rtol=ROUNDING)


bands: st.SearchStrategy[Band] = st.one_of(
    st.just(FlatBand()),
    st.just(SemicircularBand()),
    st.floats(-0.8, 3.0).map(PowerLawBand),
    tables(),
)


@settings(max_examples=60, deadline=None)
@given(bands, lambdas, twists, schemes)
def test_star_is_a_probability_inside_the_band(
    band: Band, Lambda: float, z: float, scheme: str
) -> None:
    star = discretise(band, Lambda, 12, z=z, scheme=scheme)
    assert np.all(star.weight > 0)
    assert abs(star.weight.sum() - 1.0) < ROUNDING
    assert np.all(np.diff(np.abs(star.energy)) <= 0)
    # every level lies in its interval [x_n, x_{n-1}]
    edges = band.D * np.concatenate([[1.0], Lambda ** (1.0 - np.arange(1, 13) - z)])
    above = star.energy[star.energy > 0]
    edges = edges[edges.size - above.size - 1 :]
    assert np.all(above <= edges[:-1] * (1 + ROUNDING))
    assert np.all(above >= edges[1:] * (1 - ROUNDING))


@settings(max_examples=20, deadline=None)
@given(bands, lambdas, twists, schemes)
def test_chain_reproduces_the_star(band: Band, Lambda: float, z: float, scheme: str) -> None:
    """<f_0| H^k |f_0>, k <= 6, from four sites and from the star."""
    chain = wilson_chain(band, Lambda, 4, z=z, scheme=scheme)
    star = discretise(band, Lambda, 60, z=z, scheme=scheme)
    H = np.diag(chain.onsite) + np.diag(chain.hopping, 1) + np.diag(chain.hopping, -1)
    v = np.eye(4)[0]
    for k in range(1, 7):
        v = H @ v
        moment = star.weight @ star.energy**k
        size = star.weight @ np.abs(star.energy) ** k
        assert abs(v[0] - moment) <= ROUNDING * size
