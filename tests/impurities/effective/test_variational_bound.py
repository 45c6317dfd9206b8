import itertools
import math

import numpy as np
import pytest

from kadanoff import AndersonModel, DoubleQuantumDot, KondoModel, TabulatedBand
from kadanoff.bands import SpinBands
from kadanoff.impurities.effective.fitting import learn
from kadanoff.impurities.effective.variational_bound import gbf_bound

QUICK = {"keep": 300, "progress": False}


def bound_of_learned(U, **options):
    aim = AndersonModel(U=U, J_sw=0.3)
    fit = learn(KondoModel(J=0.3), aim, T=min(U, 1.0) * 1e-4, **QUICK, **options)
    return gbf_bound(fit.model, aim, **QUICK, **options)


@pytest.fixture(scope="module")
def bounds():
    return {U: bound_of_learned(U) for U in (0.5, 3.0, 30.0, 300.0)}


def test_learned_model_keeps_the_bound(bounds):
    for bound in bounds.values():
        assert bound.satisfied
        assert bound.effective["J"] < bound.bare["J"] < 0


def test_tight_only_for_large_U(bounds):
    # Inset of Fig. 3(a): the ratio of the correlators falls to 1 as U grows, like 1/U.
    ratios = [bound.ratio["J"] for bound in bounds.values()]
    assert all(b < a for a, b in itertools.pairwise(ratios))
    assert ratios[0] > 1.8
    assert ratios[2] - 1 == pytest.approx(10 * (ratios[3] - 1), rel=0.1)
    assert ratios[3] - 1 < 0.01


def test_reference_values():
    # tests/reference/nrg/expectation_values.csv; 1e-4 is what 300 kept states cost.
    plain = {"scheme": "wilson", **QUICK}
    bound = gbf_bound(KondoModel(J=0.20076), AndersonModel(U=0.5, J_sw=0.25), **plain)
    assert bound.bare["J"] == pytest.approx(-0.037208931, abs=1e-4)
    assert bound.effective["J"] == pytest.approx(-0.070191952, abs=1e-4)


def test_slack_is_positive_and_convex_and_smallest_where_observables_agree():
    aim = AndersonModel(U=3.0, J_sw=0.4)
    J = np.linspace(0.2, 0.5, 7)
    found = [gbf_bound(KondoModel(J=j), aim, **QUICK) for j in J]
    slack = np.array([b.slack for b in found])
    gap = np.array([b.gap["J"] for b in found])
    assert (slack > 0).all()
    assert (np.diff(slack, 2) > 0).all()
    # d slack / dJ = gap: central differences of a step 0.05, error ~ h^2 G'''/6
    np.testing.assert_allclose((slack[2:] - slack[:-2]) / 0.1, gap[1:-1], atol=2e-3)
    # The bound holds beyond the J of equal observables and only there.
    J_obs = learn(
        KondoModel(J=0.35), aim, T=1e-8, method="observable", observable="S_d.S_0", **QUICK
    ).model.J
    assert [b.satisfied for b in found] == (J_obs < J).tolist()


def test_finite_temperature_and_other_models():
    warm = gbf_bound(KondoModel(J=0.2), AndersonModel(U=0.5, J_sw=0.25), T=1e-3, **QUICK)
    cold = gbf_bound(KondoModel(J=0.2), AndersonModel(U=0.5, J_sw=0.25), **QUICK)
    assert 0 > warm.effective["J"] > cold.effective["J"]
    assert math.isnan(warm.slack)
    dots = gbf_bound(
        KondoModel(J=0.16645, spin=1), DoubleQuantumDot(U=0.5, J_sw=0.2), keep=200, progress=False
    )
    assert dots.satisfied


def test_rescaled_hybridisation_agrees_with_the_rescaled_model():
    aim, kondo = AndersonModel(U=2.0, J_sw=0.3), KondoModel(J=0.3)
    plain = {"scheme": "wilson", **QUICK}
    scaled = gbf_bound(kondo, aim, A_Lambda=True, **plain)
    factor = math.log(2.5) / 2 * 1.4 / 0.6
    by_hand = gbf_bound(kondo.rescaled(factor), aim.rescaled(factor), **plain)
    assert scaled.gap["J"] == pytest.approx(by_hand.gap["J"], abs=1e-12)
    assert scaled.slack == pytest.approx(by_hand.slack, abs=1e-10)


def test_bad_input_is_refused():
    aim, kondo = AndersonModel(U=0.5, J_sw=0.25), KondoModel(J=0.2)
    with pytest.raises(TypeError, match="effective must be an impurity model"):
        gbf_bound(0.2, aim)
    with pytest.raises(ValueError, match="same band"):
        gbf_bound(KondoModel(J=0.2, D=0.1), aim)
    with pytest.raises(TypeError, match="operators must map names of parameters to Operators"):
        gbf_bound(kondo, aim, operators={"J": 3})
    with pytest.raises(ValueError, match="no parameter that is not zero"):
        gbf_bound(KondoModel(J=0.0), aim)
    with pytest.raises(ValueError, match="T must be at least 0"):
        gbf_bound(kondo, aim, T=-1.0)
    with pytest.raises(TypeError, match="has no argument 'T_min'"):
        gbf_bound(kondo, aim, T_min=1e-3)
    with pytest.raises(ValueError, match=r"got \['K'\]"):
        gbf_bound(kondo, aim, operators={"K": aim.observables["n_d"]})
    with pytest.raises(ValueError, match="stand for"):
        gbf_bound(aim, kondo)


def test_two_equal_spins_are_one_band():
    """Of a norm that is not one, with which each spin multiplies its own f_0."""
    band = TabulatedBand([-1.0, 1.0], [1.0, 1.0])
    slacks = [
        gbf_bound(KondoModel(J=0.1, band=x), AndersonModel(U=0.5, J_sw=0.1, band=x), **QUICK).slack
        for x in (band, SpinBands(band, band))
    ]
    assert slacks[1] == pytest.approx(slacks[0], rel=1e-6)
