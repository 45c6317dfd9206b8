"""Clusters of near levels are never cut, and have a size that is known before a run."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import bands
from kadanoff.impurities.nrg.clusters import check_clusters, kept_at
from kadanoff.impurities.nrg.options import Options, changed


def one_sided(weak, side):
    w = [-weak, 1.0] if side > 0 else [-1.0, weak]
    return bands.TabulatedBand(w, [1.0, 1.0])


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("weak", [1e-9, 1e-12])
@pytest.mark.parametrize(
    "bound", [{"keep": 60}, {"keep": 400}, {"keep": None, "keep_multiplets": 100}]
)
def test_a_band_with_an_almost_empty_side_is_refused(weak, side, bound):
    model = kd.AndersonModel(U=0.1, V=0.1, eps=-0.05, band=one_sided(weak, side))
    with pytest.raises(ValueError, match=r"keep has no meaning .*sites=.* lower gap"):
        kd.nrg.solve(model, T_min=1e-6, threads=1, **bound)


@pytest.mark.parametrize("remedy", [{"sites": 24}, {"gap": 1e-9}, {"gap": 0.0}])
def test_each_remedy_of_the_message_works(remedy):
    model = kd.AndersonModel(U=0.1, V=0.1, eps=-0.05, band=one_sided(1e-9, 1))
    T = {} if "sites" in remedy else {"T_min": 1e-6}
    found = kd.nrg.solve(model, keep=400, threads=1, **T, **remedy)
    multiplets = np.diff(found.levels[0].arrays["shells"])
    assert max(multiplets) < 4 * 4 * 400  # states kept with an overshoot below four, grown by four


@pytest.mark.parametrize(
    "band",
    [
        bands.FlatBand(),
        bands.SemicircularBand(),
        bands.PowerLawBand(r=0.5),
        bands.PowerLawBand(r=3.0),
        bands.TabulatedBand([-1e-8, 1.0], [1.0, 1.0]),
        bands.TabulatedBand([-1.0, -0.1, 0.1, 1.0], [1.0, 1e-6, 1e-6, 1.0]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("Lambda", [1.5, 3.0, 10.0])
def test_bands_with_two_sides_are_not(band, Lambda):
    for keep in (100, 1000):
        options = Options(keep=keep, Lambda=Lambda, sites=40)
        check_clusters(bands.wilson_chain(band, Lambda, 40), options)


def test_states_of_free_electrons_are_counted():
    # 16 states of two modes at 0 and one above: 0 (16), 1 (32), 2 (16)
    modes = np.array([0.0, 0.0, 1.0])
    assert kept_at(modes, changed(Options(), keep=1)) == (
        1,
        5,
    )  # at least: counting ends at four times
    assert kept_at(modes, Options(keep=10)) == (10, 16)
    assert kept_at(modes, Options(keep=17)) == (17, 48)
    assert kept_at(modes, changed(Options(), keep=40, energy_cutoff=0.5)) == (16, 16)


def test_upper_limits_are_named():
    for wrong, match in [
        ({"gap": 10.0}, r"gap must be .* at most 0\.01.*cluster"),
        ({"Lambda": 2.0**40}, r"Lambda must be .* at most 100"),
        ({"z": np.full(2000, 0.5)}, "at most 1024 twists"),
    ]:
        with pytest.raises(ValueError, match=match):
            kd.nrg.solve(kd.AndersonModel(U=0.1, V=0.1), **wrong)
    for call in (
        lambda: bands.wilson_chain(bands.FlatBand(), 1e12, 10),
        lambda: bands.discretise(bands.FlatBand(), 1e12, 10),
        lambda: bands.A_Lambda(1e12),
        lambda: kd.continuum.limit(
            kd.AndersonModel(U=0.1, V=0.1), lambda r: 0.0, Lambda=(1e12, 3.0, 4.0)
        ),
    ):
        with pytest.raises(ValueError, match=r"Lambda must be .* at most 100"):
            call()
    with pytest.raises(ValueError, match=r"levels must be .* at most 20000"):
        bands.discretise(bands.FlatBand(), 2.0, 2**40)
