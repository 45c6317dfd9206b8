"""Bands, their discretisation and Wilson chains against exact limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext

from kadanoff.bands import tridiagonalisation as chains
from kadanoff.bands.densities import (
    SCHEMES,
    A_Lambda,
    Band,
    Chain,
    FlatBand,
    FunctionBand,
    PowerLawBand,
    SemicircularBand,
    TabulatedBand,
    discretise,
    wilson_chain,
)

EPS = np.finfo(float).eps


def parabola(w: float) -> float:
    return 1.0 - 0.5 * w * w


def tilted(w: float) -> float:
    return 1.0 + 0.5 * w


TABLE = TabulatedBand([-1.0, -0.3, 0.1, 0.8], [0.2, 0.7, 0.4, 0.1])
BANDS: list[Band] = [
    FlatBand(),
    SemicircularBand(2.0),
    PowerLawBand(0.5),
    PowerLawBand(-0.5, 0.3),
    TabulatedBand(np.linspace(-1.0, 1.0, 41), 1.0 - 0.9 * np.abs(np.linspace(-1.0, 1.0, 41))),
    TABLE,
    FunctionBand(parabola),
    FunctionBand(tilted),
]


def wilson_closed_form(Lambda: float, hoppings: int) -> np.ndarray:
    """Bulla 2008, Eq. 32, in 50 digits."""
    ctx = MPContext()
    ctx.dps = 50
    L = ctx.mpf(Lambda)
    return np.array(
        [
            float(
                L ** (-ctx.mpf(n) / 2)
                * (1 + 1 / L)
                / 2
                * (1 - L ** (-n - 1))
                / ctx.sqrt((1 - L ** (-2 * n - 1)) * (1 - L ** (-2 * n - 3)))
            )
            for n in range(hoppings)
        ]
    )


def pseudogap_closed_form(r: float, energy: float, Lambda: float, hoppings: int) -> np.ndarray:
    """Gonzalez-Buxton and Ingersent 1998, appendix; energy = e_0 of the star."""
    n = np.arange(hoppings)
    even = 1 - Lambda ** -(n + r + 1)
    odd = Lambda ** (-r / 2) * (1 - Lambda ** -(n + 1.0))
    root = np.sqrt((1 - Lambda ** -(2 * n + r + 1)) * (1 - Lambda ** -(2 * n + r + 3)))
    return np.asarray(energy * Lambda ** (-n / 2) * np.where(n % 2 == 0, even, odd) / root)


# --- exact limits -------------------------------------------------------------------------------


@pytest.mark.parametrize("Lambda", [1.5, 2.0, 2.5, 4.0, 10.0])
def test_flat_band_closed_form(Lambda: float) -> None:
    chain = wilson_chain(FlatBand(), Lambda, 60, scheme="wilson")
    # pow and expm1 are good to an ulp each
    np.testing.assert_allclose(chain.hopping, wilson_closed_form(Lambda, 59), rtol=10 * EPS)
    assert not chain.onsite.any()


@pytest.mark.parametrize("Lambda", [1.5, 2.0, 2.5, 4.0, 10.0])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_general_path_reproduces_the_closed_form(Lambda: float, scheme: str) -> None:
    hopping, onsite, norm, _ = chains.general_chain(FlatBand(), Lambda, 60, 1.0, scheme)
    factor = 1.0 if scheme == "wilson" else A_Lambda(Lambda)
    np.testing.assert_allclose(hopping * factor, wilson_closed_form(Lambda, 59), rtol=10 * EPS)
    assert not onsite.any()
    assert norm == 1.0


@pytest.mark.parametrize("r", [-0.9, -0.5, 0.25, 1.0, 2.0])
def test_power_law_closed_form(r: float) -> None:
    Lambda = 2.5
    energy = (1 + r) / (2 + r) * (1 - Lambda ** -(2 + r)) / (1 - Lambda ** -(1 + r))
    chain = wilson_chain(PowerLawBand(r), Lambda, 60, scheme="wilson")
    # 1 - Lambda**-(1 + r) in the reference cancels one digit at r = -0.9
    exact = pseudogap_closed_form(r, energy, Lambda, 59)
    np.testing.assert_allclose(chain.hopping, exact, rtol=100 * EPS)


@pytest.mark.parametrize("scheme", ["campo-oliveira", "zitko-pruschke"])
def test_improved_schemes_of_the_flat_band_are_the_plain_one_divided_by_A(scheme: str) -> None:
    plain = wilson_chain(FlatBand(), 2.5, 60, scheme="wilson")
    improved = wilson_chain(FlatBand(), 2.5, 60, scheme=scheme)
    np.testing.assert_allclose(improved.hopping * A_Lambda(2.5), plain.hopping, rtol=4 * EPS)
    np.testing.assert_allclose(improved.scale * A_Lambda(2.5), plain.scale, rtol=4 * EPS)


def test_A_Lambda() -> None:
    assert A_Lambda(2.5) == pytest.approx(1.069, abs=5e-5)
    # A = 1 + (ln Lambda)^2 / 12 + ...
    assert A_Lambda(1.001) - 1.0 == pytest.approx(math.log(1.001) ** 2 / 12, rel=1e-6)


def test_hopping_of_the_continuum() -> None:
    """Lambda -> 1: Legendre for the flat band, Chebyshev (1/2) for the semicircle."""
    n = np.arange(5)
    legendre = (n + 1) / np.sqrt((2 * n + 1) * (2 * n + 3))
    for Lambda in (1.1, 1.05):
        # corrections are of second order: n^2 (ln Lambda)^2 with a factor of order one
        error = 3 * np.log(Lambda) ** 2 * (n + 1) ** 2
        flat = wilson_chain(FlatBand(), Lambda, 6)
        semicircle = wilson_chain(SemicircularBand(), Lambda, 6)
        assert np.all(np.abs(flat.hopping - legendre) < error)
        assert np.all(np.abs(semicircle.hopping - 0.5) < error)


@pytest.mark.parametrize("band", BANDS, ids=repr)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_more_digits_and_levels_change_nothing(band: Band, scheme: str) -> None:
    z = 0.5
    chain = wilson_chain(band, 2.5, 60, z=z, scheme=scheme)
    hopping, onsite, *_ = chains.general_chain(
        band, 2.5, 60, z, scheme, extra_digits=60, extra_levels=15
    )
    np.testing.assert_allclose(chain.hopping, hopping, rtol=1e-15)
    np.testing.assert_allclose(
        chain.onsite[1:] / chain.hopping, onsite[1:] / hopping, rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("band", BANDS, ids=repr)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_star_and_first_sites(band: Band, scheme: str) -> None:
    """e_0 and t_0^2 + e_0^2 are the first two moments of the star."""
    star = discretise(band, 2.0, 60, z=0.3, scheme=scheme)
    chain = wilson_chain(band, 2.0, 4, z=0.3, scheme=scheme)
    assert star.weight.sum() == pytest.approx(1.0, abs=10 * EPS)
    assert star.norm == pytest.approx(band.norm, rel=1e-11)
    first, second = star.weight @ star.energy, star.weight @ star.energy**2
    assert chain.onsite[0] == pytest.approx(first, abs=1e-12 * band.D)
    assert chain.hopping[0] ** 2 + chain.onsite[0] ** 2 == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize("band", BANDS, ids=repr)
def test_wilson_star_keeps_the_centre_of_gravity(band: Band) -> None:
    """e_n is the mean of its interval, so e_0 of the chain is the mean of the band."""
    w = np.linspace(-band.D, band.D, 400_002)[1:-1]
    rho = band.density(w)
    mean = (rho @ w) / rho.sum()
    # midpoint sum with an integrable singularity in the worst case
    chain = wilson_chain(band, 2.5, 2, scheme="wilson")
    assert chain.onsite[0] == pytest.approx(mean, abs=1e-4 * band.D)


@pytest.mark.parametrize("band", BANDS, ids=repr)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_moments_against_quadrature(band: Band, scheme: str) -> None:
    ctx = MPContext()
    for a, b in ((0.05, 0.09), (0.2, 0.9)):
        a, b = a * band.D, b * band.D
        nodes, weights = np.polynomial.legendre.leggauss(400)
        for side in (1, -1):
            panels = np.unique([a, b, *(x for x in (0.1, 0.3, 0.8) if a < x < b)])
            if isinstance(band, TabulatedBand):
                inner = [abs(x) for x in band.w if a < abs(x) < b]
                panels = np.unique([*panels, *inner])
            u = np.concatenate([0.5 * (q - p) * nodes + 0.5 * (p + q) for p, q in pairwise(panels)])
            du = np.concatenate([0.5 * (q - p) * weights for p, q in pairwise(panels)])
            rho = band.density(side * u) * du
            x, y = ctx.mpf(a), ctx.mpf(b)
            for k in (-1, 0, 1):
                assert float(band.moment(k, x, y, side)) == pytest.approx(
                    rho @ u ** float(k), rel=1e-11
                )
            assert float(band.log_moment(x, y, side)) == pytest.approx(
                rho @ np.log(b / u), rel=1e-11
            )
            for share in (0.0, 0.3, 1.0):
                weight = band.moment(0, x, y, side) * share
                E = band.quantile(weight, x, y, side)
                assert a <= float(E) <= b * (1 + EPS)
                if share:
                    found = float(band.moment(0, x, E, side))
                    assert found == pytest.approx(float(weight), rel=1e-11)


# --- the adaptive scheme ------------------------------------------------------------------------


def test_zitko_pruschke_flat_energies() -> None:
    """E(x) = D Lambda^(2-x) (1 - 1/Lambda)/ln Lambda beyond x = 2; E(1 + z) -> D for z -> 0."""
    Lambda, z = 2.5, 0.4
    star = discretise(FlatBand(), Lambda, 10, z=z, scheme="zitko-pruschke")
    above = star.energy[star.energy > 0]
    n = np.arange(2, 11)
    exact = Lambda ** (2 - n - z) * (1 - 1 / Lambda) / math.log(Lambda)
    np.testing.assert_allclose(above[1:], exact, rtol=4 * EPS)
    # Phi(E_1) = (1 - z) Phi(D) + int_{D/Lambda^z}^D Phi du/u / ln Lambda
    assert above[0] == pytest.approx(1 - z + (1 - Lambda**-z) / math.log(Lambda), rel=4 * EPS)
    edge = discretise(FlatBand(), Lambda, 2, z=1e-9, scheme="zitko-pruschke").energy[0]
    assert edge == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize(
    "band", [FlatBand(), PowerLawBand(0.5), PowerLawBand(-0.4), SemicircularBand(), TABLE], ids=repr
)
def test_zitko_pruschke_average_over_z_is_the_band(band: Band) -> None:
    """Weight in any window, averaged over z at midpoints; a window edge errs by 1/twists."""
    twists = 64
    windows = np.array([0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95]) * min(band.D, 0.8)
    found = np.zeros((2, windows.size))
    for z in (np.arange(twists) + 0.5) / twists:
        star = discretise(band, 2.0, 20, z=float(z), scheme="zitko-pruschke")
        for i, side in enumerate((1, -1)):
            inside = (side * star.energy[:, None] > 0) & (side * star.energy[:, None] < windows)
            found[i] += star.weight @ inside / twists
            found[i] += 0.5 * star.weight[-1] / twists
    ctx = MPContext()
    for i, side in enumerate((1, -1)):
        exact = [float(band.moment(0, ctx.zero, ctx.mpf(w), side)) / band.norm for w in windows]
        # one level of at most the weight of its interval may fall on the wrong side
        assert np.max(np.abs(found[i] - exact)) < 0.5 / twists


def test_plain_scheme_misses_the_band_edge() -> None:
    """The test above can fail: the plain scheme puts 0.041, not 0.075, above 0.85 D."""
    twists = np.linspace(0.005, 0.995, 100)
    stars = [discretise(FlatBand(), 2.0, 5, z=z, scheme="wilson") for z in twists]
    found = float(np.mean([star.weight[star.energy > 0.85].sum() for star in stars]))
    assert found == pytest.approx(0.041, abs=0.003)


# --- symmetry, scales, shape --------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_symmetric_bands_have_no_onsite_energies(scheme: str) -> None:
    w = np.linspace(-1.0, 1.0, 201)  # symmetric only to rounding
    table = TabulatedBand(w, np.cosh(w))
    for band in (SemicircularBand(), PowerLawBand(0.3), table, FunctionBand(parabola)):
        assert band.is_symmetric
        chain = wilson_chain(band, 2.0, 40, z=0.7, scheme=scheme)
        assert np.all(chain.onsite == 0.0)
        assert chain.is_symmetric
    for band in (TABLE, FunctionBand(tilted)):
        assert not band.is_symmetric
        assert not wilson_chain(band, 2.0, 10, scheme=scheme).is_symmetric


def test_symmetric_path_agrees_with_the_signed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recursion in e**2 and the one over both sides give the same chain."""
    half, *_ = chains.general_chain(SemicircularBand(), 2.0, 30, 0.6, "zitko-pruschke")
    monkeypatch.setattr(SemicircularBand, "is_symmetric", False)
    full, onsite, *_ = chains.general_chain(SemicircularBand(), 2.0, 30, 0.6, "zitko-pruschke")
    np.testing.assert_allclose(half, full, rtol=4 * EPS)
    assert np.max(np.abs(onsite[:-1] / full)) < 1e-30


def test_uneven_grid_of_a_symmetric_table() -> None:
    assert TabulatedBand([-1.0, 0.0, 0.5, 1.0], [0.0, 1.0, 0.5, 0.0]).is_symmetric
    assert not TabulatedBand([-1.0, 0.0, 0.5, 1.0], [0.0, 1.0, 0.4, 0.0]).is_symmetric
    assert not TabulatedBand([-1.0, 0.0, 0.5], [1.0, 1.0, 1.0]).is_symmetric


def test_same_band_in_three_disguises() -> None:
    analytic = wilson_chain(FlatBand(), 2.5, 50, z=0.5)
    table = wilson_chain(TabulatedBand([-1, 1], [0.5, 0.5]), 2.5, 50, z=0.5)
    function = wilson_chain(FunctionBand(half), 2.5, 50, z=0.5)
    np.testing.assert_allclose(table.hopping, analytic.hopping, rtol=4 * EPS)
    np.testing.assert_allclose(function.hopping, analytic.hopping, rtol=1e-12)
    v_shape = TabulatedBand([-1, 0, 1], [1, 0, 1])
    linear = wilson_chain(PowerLawBand(1.0), 2.5, 50, scheme="zitko-pruschke")
    np.testing.assert_allclose(
        wilson_chain(v_shape, 2.5, 50, scheme="zitko-pruschke").hopping,
        linear.hopping,
        rtol=4 * EPS,
    )
    assert (
        wilson_chain(v_shape, 2.5, 5).scale[0] == wilson_chain(PowerLawBand(1.0), 2.5, 5).scale[0]
    )


def half(w: float) -> float:
    return 0.5


def semicircle(w: float) -> float:
    return 3.0 * math.sqrt(1.0 - w * w)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_function_band_agrees_with_the_formula(scheme: str) -> None:
    formula = wilson_chain(SemicircularBand(), 2.0, 40, z=0.8, scheme=scheme)
    function = wilson_chain(FunctionBand(semicircle), 2.0, 40, z=0.8, scheme=scheme)
    np.testing.assert_allclose(function.hopping, formula.hopping, rtol=1e-11)
    assert function.norm == pytest.approx(1.5 * math.pi, rel=1e-12)


@pytest.mark.parametrize("band", BANDS[:5], ids=repr)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("z", [0.25, 1.0])
def test_scale_is_the_limit_of_the_hopping(band: Band, scheme: str, z: float) -> None:
    chain = wilson_chain(band, 2.5, 80, z=z, scheme=scheme)
    # omega_n = sqrt(Lambda) t_n for n -> inf; the mean of t_77 and t_78 belongs to n = 77.5
    mean = math.sqrt(chain.hopping[77] * chain.hopping[78])
    assert chain.scale[77] * 2.5**-0.25 / (math.sqrt(2.5) * mean) == pytest.approx(1, rel=1e-14)


def test_scale_of_the_plain_chain() -> None:
    chain = wilson_chain(FlatBand(2.0), 2.5, 12, scheme="wilson")
    n = np.arange(12)
    np.testing.assert_allclose(chain.scale, (1 + 1 / 2.5) * 2.5 ** (-(n - 1) / 2), rtol=4 * EPS)
    assert (
        wilson_chain(FlatBand(2.0), 2.5, 5, scheme="wilson").scale.tolist()
        == chain.scale[:5].tolist()
    )


@pytest.mark.parametrize("band", [FlatBand(), TABLE, SemicircularBand()], ids=repr)
def test_short_chains_and_truncation(band: Band) -> None:
    long = wilson_chain(band, 2.0, 20, z=0.5)
    for sites in (1, 2, 3, 10):
        short = wilson_chain(band, 2.0, sites, z=0.5)
        assert short.sites == sites
        cut = long.truncated(sites)
        np.testing.assert_allclose(cut.hopping, short.hopping, rtol=4 * EPS)
        np.testing.assert_allclose(cut.onsite, short.onsite, rtol=1e-14, atol=1e-17)
        assert cut.scale.tolist() == short.scale.tolist()


def test_chains_are_cached_immutable_values() -> None:
    chain = wilson_chain(TABLE, 2.0, 12, z=0.5)
    again = wilson_chain(TabulatedBand(TABLE.w, TABLE.rho), 2, int(np.int64(12)), z=0.5)
    assert chain is again
    assert len({chain, chain.truncated(12), chain.truncated(5)}) == 2
    with pytest.raises(ValueError, match="read-only"):
        chain.hopping[0] = 1.0
    assert len(repr(chain)) < 160
    assert repr(TABLE) == "TabulatedBand(4 points, -1 <= w <= 0.8)"


def test_threads_do_not_share_precision() -> None:
    """mpmath.mp would be shared; each chain has a context of its own."""
    jobs = [(SemicircularBand(1 + k / 97), 2.0, 10 + 7 * k, 0.5, "wilson") for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda job: chains.general_chain(*job)[0], jobs))
    for job, hopping in zip(jobs, threaded, strict=True):
        assert chains.general_chain(*job)[0].tolist() == hopping.tolist()


def test_a_gap_away_from_the_fermi_level_is_fine() -> None:
    w = [-1.0, -0.5, -0.499, -0.2, -0.199, 0.199, 0.2, 0.499, 0.5, 1.0]
    rho = [1, 1, 0, 0, 1, 1, 0, 0, 1, 1]
    chain = wilson_chain(TabulatedBand(w, rho), 2.0, 30, scheme="campo-oliveira")
    assert np.all(chain.onsite == 0.0)
    assert np.all(chain.hopping > 0)


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FlatBand(0.0), ValueError, "D must be positive"),
        (lambda: FlatBand(-1.0), ValueError, "D must be positive"),
        (lambda: FlatBand(math.nan), ValueError, "D must be finite"),
        (lambda: FlatBand(True), TypeError, "D must be a real"),
        (lambda: FlatBand("1"), TypeError, "D must be a real"),  # type: ignore[arg-type]
        (lambda: SemicircularBand(math.inf), ValueError, "D must be finite"),
        (lambda: PowerLawBand(-1.0), ValueError, "r must be above -1"),
        (lambda: PowerLawBand(math.nan), ValueError, "r must be finite"),
        (lambda: PowerLawBand(1j), TypeError, "r must be a real"),  # type: ignore[arg-type]
        (lambda: TabulatedBand([-1, 1], [1, -1]), ValueError, "must not be negative"),
        (lambda: TabulatedBand([-1, 1], [0, 0]), ValueError, "no weight"),
        (lambda: TabulatedBand([-1, 1], [math.nan, 1]), ValueError, "rho must be finite"),
        (lambda: TabulatedBand([1, -1], [1, 1]), ValueError, "ascend strictly"),
        (lambda: TabulatedBand([-1, 0, 0, 1], [1, 1, 1, 1]), ValueError, "ascend strictly"),
        (lambda: TabulatedBand([0.1, 1], [1, 1]), ValueError, "Fermi level"),
        (lambda: TabulatedBand([-1, 1], [1, 1, 1]), ValueError, "same length"),
        (lambda: TabulatedBand([[-1, 1]], [1, 1]), ValueError, "w must have 1 dimension"),
        (lambda: TabulatedBand([-1, 1], [1j, 1]), TypeError, "real numbers"),
        (lambda: TabulatedBand([-1, 1], [True, True]), TypeError, "real numbers"),
        (lambda: FunctionBand(lambda w: -1.0), ValueError, "not negative"),
        (lambda: FunctionBand(lambda w: math.nan), ValueError, "must be finite"),
        (lambda: FunctionBand(lambda w: 1j), ValueError, "must be finite"),  # type: ignore[arg-type,return-value]
        (lambda: FunctionBand(lambda w: 0.0), ValueError, "no weight"),
        (lambda: FunctionBand(0.5), TypeError, "callable"),  # type: ignore[arg-type]
        (lambda: FunctionBand(lambda w: 1.0, D=0), ValueError, "D must be positive"),
    ],
)
def test_bands_refuse(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((FlatBand(), 1.0, 10), {}, ValueError, "1.5"),
        ((FlatBand(), 0.5, 10), {}, ValueError, "Lambda must be above 1"),
        ((FlatBand(), math.nan, 10), {}, ValueError, "Lambda must be finite"),
        ((FlatBand(), True, 10), {}, TypeError, "Lambda must be a real"),
        ((FlatBand(), 2.0, 0), {}, ValueError, "sites must be at least 1"),
        ((FlatBand(), 2.0, 10.0), {}, TypeError, "sites must be an integer"),
        ((FlatBand(), 2.0, True), {}, TypeError, "sites must be an integer"),
        ((FlatBand(), 2.0, 2000), {}, ValueError, "at most 19"),
        ((FlatBand(), 1.0001, 30), {"z": 0.5}, ValueError, "use Lambda"),
        ((FlatBand(), 1.0001, 30_000), {}, ValueError, "sites must be at least 1 and at most"),
        ((FlatBand(), 2.0, 10), {"z": 0.0}, ValueError, r"z must lie in \(0, 1\]"),
        ((FlatBand(), 2.0, 10), {"z": 1.5}, ValueError, r"z must lie in \(0, 1\]"),
        ((FlatBand(), 2.0, 10), {"scheme": "Y"}, ValueError, "wilson, campo-oliveira, zitko"),
        ((0.5, 2.0, 10), {}, TypeError, "band must be a band"),
        ((TabulatedBand([-1, 0, 0.1, 1], [1, 0, 0, 1]), 2.0, 30), {}, ValueError, "Fermi"),
        ((TabulatedBand([-1, 0, 1], [1, 0, 0]), 2.0, 30), {}, ValueError, "Fermi"),
    ],
)
def test_wilson_chain_refuses(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        wilson_chain(*arguments, **options)


def test_chain_refuses() -> None:
    one, two = np.ones(1), np.ones(2)
    Chain(hopping=one, onsite=two, scale=two, norm=1.0, Lambda=2.0)
    with pytest.raises(ValueError, match="hopping, onsite and scale must have N, "):
        Chain(hopping=two, onsite=two, scale=two, norm=1.0, Lambda=2.0)
    with pytest.raises(ValueError, match="finite"):
        Chain(hopping=one * math.nan, onsite=two, scale=two, norm=1.0, Lambda=2.0)
    with pytest.raises(ValueError, match="positive"):
        Chain(hopping=-one, onsite=two, scale=two, norm=1.0, Lambda=2.0)
    with pytest.raises(ValueError, match="norm"):
        Chain(hopping=one, onsite=two, scale=two, norm=0.0, Lambda=2.0)
    with pytest.raises(ValueError, match="sites must be at least 1 and at most 3"):
        wilson_chain(FlatBand(), 2.0, 3).truncated(4)
    with pytest.raises(ValueError, match="Lambda must be above 1"):
        A_Lambda(1.0)
    with pytest.raises(ValueError, match="levels must be at least 1"):
        discretise(FlatBand(), 2.0, 0)
