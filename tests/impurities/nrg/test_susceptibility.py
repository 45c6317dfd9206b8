"""The response at any temperature: Curie's law, small fields, Korringa and Shiba."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.nrg.susceptibility import polarisation, thermal_factor

KONDO = kd.KondoModel(J=0.3)
T_K = 9.73e-4  # 0.236 / chi of KONDO
DOT = kd.AndersonModel(U=0.05, Gamma=0.05 / (4 * np.pi))


def by_a_field(model, T, keep):
    """-<S_z> / h of kadanoff.nrg.solve at h = 0.02 T; the third order is (h / T)^2 / 12."""
    h = 0.02 * T
    run = kd.nrg.solve(model.replace(field=h), T_min=T / 3, keep=keep, observables=["S_z"])
    order = np.argsort(run.T)
    return -np.interp(np.log(T), np.log(run.T[order]), run.expectations["S_z"][order]) / h


def test_the_response_is_that_to_a_field_at_every_temperature():
    """1 % is demanded; 0.5 % measured with 800 states (the commutator: 81 % off at 100 T_K)."""
    T = T_K * np.array([0.1, 1.0, 100.0])
    run = kd.dynamics.solve(KONDO, T=T, names=["spin"], keep=800)
    for t in T.tolist():
        expected = by_a_field(KONDO, t, 800)
        assert run.susceptibility([0.0], T=t)[0].real == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("T", [1e-6, 0.1, 10.0])
def test_a_free_spin_has_curies_law(T):
    run = kd.dynamics.solve(kd.KondoModel(J=0.0), T=T, names=["spin"], keep=100)
    chi = run.susceptibility([-T, 0.0, T])
    # 2 <S_z^2> / 2T: a sum rule, whatever is truncated
    assert chi[1] == pytest.approx(0.25 / T, rel=1e-9)
    assert chi[0] == pytest.approx(chi[2].conj(), rel=1e-9)


def test_in_a_field_the_average_is_subtracted():
    # 4 sites, nothing truncated: d/dh of tanh(h / 2T) / 2
    free = kd.KondoModel(J=0.0, field=0.05)
    run = kd.dynamics.solve(free, T=0.1, names=["spin"], keep=10**5, sites=4)
    expected = 0.25 / 0.1 / np.cosh(0.25) ** 2
    assert run.susceptibility([0.0])[0].real == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "keep"),
    [(kd.KondoModel(J=1e-3), 150), (kd.KondoModel(J=1e-3), 600)]
    + [(kd.AndersonModel(U=0.5, J_sw=0.02), 400)],
    ids=repr,
)
def test_torn_pairs_do_not_spoil_the_response_of_a_nearly_free_moment(model, keep):
    """1/4T to 1 %: 249.98, 250.00, 247.8 measured; the commutator gave 250, 488 and 276."""
    found = kd.derivatives(model, T=1e-3, parameters="field", keep=keep)
    assert -found.hessian[0, 0, 0] == pytest.approx(250.0, rel=0.01)
    run = kd.dynamics.solve(model, T=1e-3, names=["spin"], keep=keep)
    assert run.susceptibility([0.0])[0].real == pytest.approx(-found.hessian[0, 0, 0], rel=1e-3)


def test_an_average_in_a_small_field_is_that_of_the_response():
    """<S_z> of nearly free moments, tanh(h / 2T) / 2 to 1 %; -278 h from the density matrix."""
    for h in (2e-5, 1e-4):
        weak = kd.KondoModel(J=1e-3, field=h)
        exact = -0.5 * np.tanh(h / 2e-3)
        run = kd.dynamics.solve(weak, T=1e-3, names=[], keep=600)
        assert run.names == ()
        assert run.expectations["S_z"][0] == pytest.approx(exact, rel=0.01)
        found = kd.derivatives(weak, T=1e-3, parameters="field", keep=600)
        assert found.gradient[0, 0] == pytest.approx(exact, rel=0.01)


def test_an_average_that_agrees_with_the_response_is_left_alone():
    kept = polarisation(-0.0251, chi=2.5, field=0.01, T=0.1)
    assert kept.value == -0.0251
    assert kept.error == pytest.approx(1e-4, rel=0.5)  # its distance from the response
    replaced = polarisation(-0.03, chi=2.5, field=0.01, T=0.1)
    assert replaced.value == pytest.approx(-0.025, rel=2e-3)
    assert 0 < replaced.error < 2e-3 * 0.025  # the next order of the field
    large = polarisation(-0.4, chi=2.5, field=1.0, T=0.1)
    assert (large.value, large.error) == (-0.4, 0.0)
    # 4 sites, nothing truncated: the density matrix, to rounding
    free = kd.KondoModel(J=0.0, field=0.01)
    run = kd.dynamics.solve(free, T=0.1, names=[], keep=10**5, sites=4)
    assert run.expectations["S_z"][0] == pytest.approx(-0.5 * np.tanh(0.05), rel=1e-12)


def test_an_operator_of_that_name_is_left_alone():
    weak = kd.KondoModel(J=1e-3, field=2e-5)
    own = {"S_z": 3.0 * weak.observables["S_z"]}
    run = kd.dynamics.solve(weak, T=1e-3, names=[], keep=200, observables=own)
    plain = kd.dynamics.solve(weak, T=1e-3, names=[], keep=200)
    assert run.expectations["S_z"][0] / 3 < plain.expectations["S_z"][0] * 1.01


def test_korringa_and_shiba():
    """Im chi / w = 2 pi chi^2 at T << T_K, to 5 %; 0.4 % measured, at w = T / 50 as at T."""
    T = 8e-7  # a hundredth of 1 / (4 chi)
    run = kd.dynamics.solve(DOT, T=T, names=["spin"], keep=400, z=(0.5, 1.0))
    chi = run.susceptibility([0.0])[0].real
    w = T * np.array([0.02, 0.5, 1.0, 2.0])
    np.testing.assert_allclose(run.susceptibility(w).imag / w, 2 * np.pi * chi**2, rtol=0.05)


def test_the_curve_is_odd_positive_and_obeys_its_sum_rule():
    run = kd.dynamics.solve(KONDO, T=1e-3, names=["spin"], keep=200, z=(0.5, 1.0))
    w = run.grid(50)
    chi = run.susceptibility(w)
    np.testing.assert_allclose(chi.imag, -chi.imag[::-1], atol=1e-12 * chi.imag.max())
    assert chi.imag[w > 0].min() >= 0
    rate = np.trapezoid(chi.imag / w, w) / np.pi
    assert rate == pytest.approx(run.susceptibility([0.0])[0].real, rel=5e-3)  # 50 per decade
    np.testing.assert_allclose(run.spectral("spin", w), chi.imag / np.pi, rtol=1e-12)
    np.testing.assert_allclose(run.green("spin", w), -chi, rtol=1e-12)


def test_the_thermal_factor_has_its_limits():
    np.testing.assert_allclose(thermal_factor(np.array([0.0, 1e-9]), 0.5), 1.0, rtol=1e-15)
    np.testing.assert_allclose(thermal_factor(np.array([-7.0, 7.0]), 1e-9), 1 / 7, rtol=1e-15)


def test_bad_questions():
    run = kd.dynamics.solve(KONDO, T=1e-2, names=["t", "spin"], keep=50, sites=6)
    with pytest.raises(ValueError, match=r"name must be 'spin'.*got 't'"):
        run.susceptibility([0.0], name="t")
    with pytest.raises(ValueError, match="'spin' is bosonic"):
        run.matsubara("spin", [0])
