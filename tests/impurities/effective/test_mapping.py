import numpy as np
import pytest

from kadanoff import AndersonModel, kondo_mapping


@pytest.fixture(scope="module")
def mapping():
    return kondo_mapping(AndersonModel(U=0.5, J_sw=0.4), keep=200, T_min=1e-8, points=5)


def test_a_notebook_shows_couplings_and_kondo_temperatures(mapping):
    html = mapping._repr_html_()
    for name in ("J_SW", "J_ML", "J_obs", "T_K, aim", "T_K, J_ML"):
        assert f">{name}</th>" in html
    assert "<svg" in html
    assert len(repr(mapping)) < 200


def test_three_couplings(mapping):
    assert mapping.couplings["J_SW"] == 0.4
    # 2000 states: 0.28488 and 0.198046.
    assert mapping.couplings["J_ML"] == pytest.approx(0.28488, rel=1e-3)
    assert mapping.couplings["J_obs"] == pytest.approx(0.19805, rel=1e-3)
    assert "J_ML=0.28" in repr(mapping)


def test_only_the_learned_coupling_has_the_right_scale(mapping):
    T_K = mapping.kondo_temperatures("wilson")
    assert T_K["J_ML"] == pytest.approx(T_K["aim"], rel=0.02)
    assert T_K["J_SW"] > 8 * T_K["aim"]
    assert T_K["J_obs"] < T_K["aim"] / 20


def test_partition_functions_and_correlations_agree_at_different_couplings(mapping):
    assert np.all(np.diff(mapping.J) > 0)
    assert np.all(np.diff(mapping.log_Z_ratio) < 0)
    assert np.all(np.diff(mapping.correlation_ratio) > 0)
    ratio = np.interp(mapping.couplings["J_ML"], mapping.J, mapping.log_Z_ratio)
    assert ratio == pytest.approx(0, abs=0.1)  # linear between 5 points
    crossing = np.interp(1.0, mapping.correlation_ratio, mapping.J)
    assert crossing == pytest.approx(mapping.couplings["J_obs"], abs=0.01)


def test_particle_hole_symmetry_is_needed():
    with pytest.raises(ValueError, match=r"eps = -U/2; got eps=-0\.2"):
        kondo_mapping(AndersonModel(U=0.5, V=0.1, eps=-0.2))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="points must be at least 1"):
        kondo_mapping(AndersonModel(U=0.5, J_sw=0.4), points=0)
    with pytest.raises(ValueError, match="T must be finite"):
        kondo_mapping(AndersonModel(U=0.5, J_sw=0.4), T=float("inf"))
    with pytest.raises(ValueError, match=r"T must be .* at most 0.25.*the charge fluctuates"):
        kondo_mapping(AndersonModel(U=0.5, J_sw=0.4), T=0.5)
    with pytest.raises(ValueError, match=r"T_min must be at most T / 10 = 1e-05, got 0\.5"):
        kondo_mapping(AndersonModel(U=0.5, J_sw=0.4), T_min=0.5)
