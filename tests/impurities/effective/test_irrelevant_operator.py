import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel, NotConverged, nrg
from kadanoff.impurities.effective.fitting import learn
from kadanoff.impurities.effective.irrelevant_operator import (
    fit_with_observable,
    kondo_with_interaction,
)
from kadanoff.impurities.effective.loss import Matching

AIM = AndersonModel(U=0.5, J_sw=0.25)
QUICK = {"keep": 300, "progress": False}


@pytest.fixture(scope="module")
def together():
    return fit_with_observable(AIM, **QUICK)


def test_without_interaction_it_is_the_kondo_model():
    own = nrg.solve(kondo_with_interaction(0.3, 0.0), T_min=1e-5, **QUICK)
    kondo = nrg.solve(KondoModel(J=0.3), T_min=1e-5, **QUICK)
    assert own.symmetry == ("SU2", "SU2")
    np.testing.assert_allclose(own.entropy, kondo.entropy, atol=1e-10)


def test_low_energy_and_observable_are_right_together(together):
    # The paper's open question: T_K within 0.2 %, in two definitions, and <S_d.S_0>.
    for definition in ("chi", "half_ln2"):
        assert abs(together.T_K_error(definition)["extended"]) < 2e-3
        assert abs(together.T_K_error(definition)["minimal"]) < 1e-4
    local = together.expectation("S_d.S_0")
    # Matched at T_K / 10: (T / T_K)^2 T_K of the ground state is 1e-6
    assert local["extended"] == pytest.approx(local["bare"], abs=3e-6)
    assert local["minimal"] == pytest.approx(1.84 * local["bare"], rel=0.02)


def test_what_it_costs(together):
    charge = together.expectation("(n_0 - 1)^2")
    assert charge["minimal"] == pytest.approx(charge["bare"], abs=0.02)
    assert charge["extended"] > charge["bare"] + 0.4
    reach = together.highest_T()
    assert reach["extended"] < 0.1 * reach["minimal"]
    T, errors = together.entropy_error()
    assert T.shape == errors["minimal"].shape


def test_found_parameters(together):
    # 300 against 1000 kept states: 2.250 and 2.247, -2.923 and -2.921.
    assert together.extended.model.parameters == pytest.approx(
        {"J": 2.249, "U_0": -2.922}, rel=3e-3
    )
    assert together.minimal.model.parameters["J"] == pytest.approx(0.1992, abs=2e-4)
    assert "T_K off by" in repr(together)
    # 11 and 10 solutions; the search is deterministic.
    assert len(together.extended.history) <= 12
    assert len(together.minimal.history) <= 12


def test_learned_values_hold_the_observable_last(together):
    fit = together.extended
    last = min(fit.history, key=lambda step: step.loss)
    assert len(fit.target_values) == len(last.values) == 2
    assert fit.target_values[1] == pytest.approx(-0.0416, abs=1e-4)
    residual = np.array(last.values) - fit.target_values
    assert last.loss == pytest.approx(residual[0] ** 2 + 100 * residual[1] ** 2)


def test_one_parameter_between_two_conditions():
    # Learned from both, J lies between the one from Z and the one from the observable.
    start = KondoModel(J=0.2)
    found = [
        learn(start, AIM, T=1e-3, observables=weights, drift=False, **QUICK).model.J
        for weights in ({}, {"S_d.S_0": 1.0}, {"S_d.S_0": 1e4})
    ]
    by_observable = learn(start, AIM, T=1e-3, method="observable", **QUICK).model.J
    assert found[0] > found[1] > found[2] > by_observable
    assert found[2] == pytest.approx(by_observable, rel=0.05)


def test_recovers_a_model_of_its_own_kind():
    target = kondo_with_interaction(0.3, -0.4)
    fit = learn(
        kondo_with_interaction(0.25, -0.2),
        target,
        T=(1e-3, 1e-4),
        observables={"(n_0 - 1)^2": 1.0},
        **QUICK,
    )
    assert fit.model.parameters == pytest.approx({"J": 0.3, "U_0": -0.4}, rel=1e-4)


@pytest.mark.parametrize("options", [{}, {"scheme": "wilson", "A_Lambda": True}])
def test_slopes_agree_with_finite_differences(options):
    # ln Z and its derivative agree to 1e-3 with a truncation like this one (see learn).
    problem = Matching(
        kondo_with_interaction(0.3, -0.4),
        AIM,
        1e-2,
        None,
        "S_d.S_0",
        None,
        "partition",
        {"keep": 600} | options,
        {"S_d.S_0": 2.0, "S_z": 1.0},
    )
    theta, h = problem.theta, 1e-3
    values, slopes = problem.evaluate(theta)
    assert values.shape == (3,)
    assert slopes.shape == (3, 2)
    for i in range(2):
        step = h * np.eye(2)[i]
        rise = problem.evaluate(theta + step)[0] - problem.evaluate(theta - step)[0]
        np.testing.assert_allclose(slopes[:, i], rise / (2 * h), rtol=5e-3, atol=1e-8)


def test_too_few_steps_keep_what_was_found():
    with pytest.raises(NotConverged) as caught:
        fit_with_observable(AIM, max_iterations=2, **QUICK)
    assert len(caught.value.partial.history) == 2


@pytest.mark.parametrize(
    ("observables", "error", "message"),
    [
        ("S_d.S_0", TypeError, "observables must map names to weights"),
        ({"S_d.S_0": 0.0}, ValueError, "must be above 0.*it is a weight"),
        ({"S_d.S_0": True}, TypeError, "S_d.S_0"),
        ({"docc": 1.0}, ValueError, "one that both models have"),
    ],
)
def test_bad_observables_are_refused(observables, error, message):
    with pytest.raises(error, match=message):
        learn(KondoModel(J=0.2), AIM, T=1e-3, observables=observables, **QUICK)


def test_other_bad_input_is_refused():
    start, weights = KondoModel(J=0.2), {"S_d.S_0": 1.0}
    with pytest.raises(ValueError, match="not with method='observable'"):
        learn(start, AIM, T=1e-3, method="observable", observables=weights, **QUICK)
    with pytest.raises(ValueError, match="not a table of ln Z"):
        learn(start, {1e-3: 0.5}, observables=weights, **QUICK)
    with pytest.raises(ValueError, match="temperatures and observables"):
        learn(KondoModel(J=0.2, W=0.1, field=0.1), AIM, T=1e-3, observables=weights, **QUICK)
    with pytest.raises(ValueError, match="particle-hole symmetry"):
        fit_with_observable(AndersonModel(U=0.5, eps=-0.1, J_sw=0.25), **QUICK)
    with pytest.raises(ValueError, match="max_iterations must be at least 1"):
        fit_with_observable(AIM, max_iterations=0)
    with pytest.raises(TypeError, match="has no argument 'T_min'"):
        fit_with_observable(AIM, T_min=1e-5)
