"""Kondo temperatures with their reasons: of conductance curves, and of runs."""

from dataclasses import replace

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.transport import empirical_conductance

DOT = kd.AndersonModel(U=0.1, Gamma=0.01)
T_K = 2e-4


@pytest.fixture(scope="module")
def curve():
    """A Transport whose conductance is replaced by the empirical form."""
    T = np.geomspace(0.02, 20, 25) * T_K
    one = kd.transport.solve(
        DOT, T=[1e-3], keep_multiplets=10, z=(1.0,), errors=False, threads=1, progress=False
    )
    G = 1.9 * empirical_conductance(T, T_K)
    return replace(one, T=T, conductance=G, conductance_error=np.full(len(T), 1e-3))


def test_half_height(curve):
    found = curve.T_K()
    assert found.definition == "conductance"
    # Distances of a factor 1.33 in T: the interpolation is good to 1e-3.
    assert found.value == pytest.approx(T_K, rel=2e-3)
    assert abs(found.value - T_K) < found.error < 2e-2 * T_K
    assert kd.kondo_scales.kondo_temperature(curve, "conductance") == found.value
    assert float(found) == found.value
    assert "+-" in repr(found)
    assert "conductance" in found._repr_html_()


def test_order_and_geometry_do_not_matter(curve):
    T, G = curve.T[::-1], curve.conductance[::-1]
    backwards = replace(curve, T=T, conductance=G)
    assert backwards.T_K().value == pytest.approx(curve.T_K().value, rel=1e-12)
    wire = replace(curve, geometry="beside a wire", conductance=2 - curve.conductance)
    assert wire.T_K().value == pytest.approx(curve.T_K().value, rel=1e-9)


def part(curve, keep):
    return replace(
        curve, T=curve.T[keep], conductance=curve.conductance[keep], conductance_error=None
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: part(c, c.T > 0.1 * T_K), "give lower T"),
        (lambda c: part(c, c.T < 0.5 * T_K), "give higher T"),
        (lambda c: part(c, slice(3)), "too few"),
        (lambda c: replace(c, conductance=c.conductance[::-1]), "rises with T"),
        (lambda c: replace(c, geometry="end of a lead"), "between two leads"),
        (lambda c: replace(c, dot=kd.AndersonModel(U=0, Gamma=0.01)), "no local moment forms"),
        (lambda c: replace(c, dot=DOT.replace(eps=-0.005)), "charge fluctuates"),
        (lambda c: replace(c, dot=DOT.replace(field=1e-3)), "a field of 0.001"),
        (lambda c: replace(c, dot=DOT.replace(Gamma=0.0)), "not coupled"),
    ],
)
def test_where_there_is_no_kondo_scale_the_reason_is_given(curve, change, reason):
    found = change(curve).T_K()
    assert found.value is None
    assert reason in found.reason
    assert reason in repr(found)
    with pytest.raises(ValueError, match="there is no Kondo temperature"):
        float(found)


def test_no_error_where_none_was_estimated(curve):
    assert part(curve, slice(None)).T_K().error is None


def test_runs_have_the_same_call(curve):
    run = kd.nrg.solve(DOT, keep=300, threads=1, progress=False)
    for definition in kd.kondo_scales.DEFINITIONS:
        found = run.T_K(definition)
        assert found.value == kd.kondo_scales.kondo_temperature(run, definition)
    # Half height lies at 1.05 / (4 chi).
    short = kd.nrg.solve(DOT, keep=100, T_min=1e-3, threads=1, progress=False)
    assert "smaller T_min" in short.T_K().reason
    with pytest.raises(ValueError, match="half height of G"):
        run.T_K("conductance")
    with pytest.raises(TypeError, match=r"Transport of kadanoff\.transport\.solve"):
        kd.kondo_scales.kondo_temperature(run, "conductance")
    with pytest.raises(TypeError, match="a Transport has the definition 'conductance'"):
        kd.kondo_scales.kondo_temperature(curve, "chi")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"T_K": 0.0}, "T_K"), ({"T": -1.0}, "negative"), ({"s": 0.0}, "s must be")],
)
def test_empirical_form_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        empirical_conductance(**{"T": [1.0], "T_K": 1.0} | arguments)


@pytest.mark.parametrize("per_decade", [1, 2, 4])
@pytest.mark.parametrize("shift", [0.0, 0.3, 0.7])
def test_few_temperatures_have_an_error_that_holds(curve, per_decade, shift):
    """The curve of a level without U, which the empirical form does not describe."""
    T = T_K * 10 ** (np.arange(-2 * per_decade, 2 * per_decade + 1) / per_decade + shift - 0.5)
    G = 2 / (1 + (T / T_K) ** 1.5)
    sparse = replace(curve, T=T, conductance=G, conductance_error=np.full(len(T), 1e-3))
    found = sparse.T_K()
    assert abs(found.value - T_K) < found.error
    twice = replace(
        sparse,
        T=np.repeat(T, 2),
        conductance=np.repeat(G, 2),
        conductance_error=np.full(2 * len(T), 1e-3),
    )
    assert twice.T_K() == found


def test_an_interval_too_wide_around_half_height_is_no_kondo_temperature(curve):
    T = T_K * np.array([1e-3, 1e-2, 1e2, 1e3])  # once 1.56 T_K, with an error of 0.04 T_K
    wide = replace(
        curve,
        T=T,
        conductance=2 * empirical_conductance(T, T_K),
        conductance_error=np.full(4, 1e-3),
    )
    assert wide.T_K().value is None
    assert "give temperatures in between" in wide.T_K().reason
