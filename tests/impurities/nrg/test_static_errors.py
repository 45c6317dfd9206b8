"""Errors of derivatives and of averages at given temperatures, against exact answers."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import _core
from kadanoff.impurities.nrg.options import between
from tests.resonant_level import continuum_derivatives

QUIET = {"threads": 1, "progress": False}
ROUNDING = 3e-5  # of the bins and of the integrals over the continuum, relative


def test_the_charge_susceptibility_of_an_atom_is_within_its_error():
    """2.6 % off at T = D / 20 with 2000 states, 10 % here, and without an error nobody sees it."""
    U, eps, T = 0.5, -0.25, 0.05
    found = kd.derivatives(
        kd.AndersonModel(U=U, V=0.0, eps=eps), T=T, parameters=["eps", "field"], keep=300, **QUIET
    )
    p = np.exp(-np.array([0, eps, eps, 2 * eps + U]) / T)
    p /= p.sum()
    for k, exact in ((0, -(p @ np.array([0, 1, 1, 4]) - 1) / T), (1, -(p[1] + p[2]) / (4 * T))):
        true = abs(found.hessian[0, k, k] - exact)
        stated = found.errors.hessian[0, k, k]
        assert true <= stated < 8 * true
    assert abs(found.hessian[0, 0, 0] / -(p @ np.array([0, 1, 1, 4]) - 1) * T - 1) > 0.05
    assert " +- " in repr(found)


@pytest.mark.parametrize("z", [(0.7,), (0.5, 1.0)])
def test_errors_hold_the_continuum_of_a_level(z):
    V, eps, T = 0.15, 0.02, [1e-3, 1e-2, 0.1]
    model = kd.AndersonModel(U=0, V=V, eps=eps)
    exact = [continuum_derivatives(t, V=V, eps=eps) for t in T]
    found = kd.derivatives(model, T=T, parameters=["eps", "V"], keep=300, z=z, **QUIET)
    for values, errors, truth in (
        (found.gradient, found.errors.gradient, [x[0] for x in exact]),
        (found.hessian, found.errors.hessian, [x[1] for x in exact]),
    ):
        assert (np.abs(values - truth) <= errors + ROUNDING * np.abs(truth)).all()
    run = kd.dynamics.solve(model, T=T, names=[], keep=300, z=z, **QUIET)
    n = np.array([x[0][0] for x in exact])
    for name, truth in (("n_d", n), ("docc", n**2 / 4)):
        assert (np.abs(run.expectations[name] - truth) <= run.expectation_errors[name]).all()


def test_a_polarisation_from_the_response_has_an_error_that_holds():
    h, T = 1e-4, 1e-3
    exact = -0.5 * np.tanh(h / (2 * T))  # of a free moment; J changes it by 0.1 %
    for keep in (150, 300):
        run = kd.dynamics.solve(
            kd.KondoModel(J=1e-3, field=h), T=T, names=[], keep=keep, observables=["S_z"], **QUIET
        )
        error = run.expectation_errors["S_z"][0]
        assert abs(run.expectations["S_z"][0] - exact) <= error + 1e-3 * abs(exact)
        assert error < 0.2 * abs(exact)
        found = kd.derivatives(
            kd.KondoModel(J=1e-3, field=h), T=T, parameters="field", keep=keep, **QUIET
        )
        assert abs(found.gradient[0, 0] - exact) <= found.errors.gradient[0, 0] + 1e-6


def test_a_chain_that_ends_above_T_shows_its_size():
    short, long = (
        kd.dynamics.solve(
            kd.AndersonModel(U=0, V=0.2, eps=0.05), T=1e-3, names=[], observables=["n_d"],
            keep=10**5, **QUIET, **length,
        )
        for length in ({"sites": 5}, {"sites": 5, "errors": False})
    )  # fmt: skip
    exact = continuum_derivatives(1e-3, V=0.2, eps=0.05)[0][0]
    true = abs(short.expectations["n_d"][0] - exact)
    assert 1e-3 < true <= short.expectation_errors["n_d"][0]
    assert long.expectation_errors is None
    assert "not estimated" in long._repr_html_()


def test_errors_can_be_left_out_and_are_remembered(monkeypatch):
    solved, solve = [], _core.nrg_dynamics

    def counted(*args, **kwargs):
        solved.append(kwargs["states"])
        return solve(*args, **kwargs)

    monkeypatch.setattr(_core, "nrg_dynamics", counted)
    model = kd.KondoModel(J=0.3141)
    of = {"T": 1e-2, "keep": 100, **QUIET}
    plain = kd.derivatives(model, errors=False, **of)
    assert plain.errors is None
    assert "not estimated" in repr(plain)
    assert solved == [100]
    first, second = (kd.derivatives(model, **of) for _ in range(2))
    assert sorted(solved) == [50, 50, 100, 100, 100]
    np.testing.assert_array_equal(first.errors.hessian, second.errors.hessian)
    np.testing.assert_array_equal(first.hessian, plain.hessian)
    solved.clear()
    kd.dynamics.solve(model, names=["t"], **of)
    kd.dynamics.solve(model, names=[], **of)
    assert sorted(solved) == [50, 50, 100, 100]
    with pytest.raises(TypeError, match="errors"):
        kd.dynamics.solve(model, errors=1, **of)


def test_runs_for_the_errors_keep_to_the_memory_of_the_call(monkeypatch):
    limits, solve = [], _core.nrg_dynamics

    def seen(*args, **kwargs):
        limits.append(kwargs["basis_limit"])
        return solve(*args, **kwargs)

    monkeypatch.setattr(_core, "nrg_dynamics", seen)
    model = kd.KondoModel(J=0.2718)
    kd.dynamics.solve(model, T=1e-2, names=[], keep=120, basis_memory=12345, **QUIET)
    assert len(limits) > 1
    assert set(limits) == {12345}


def test_twists_lie_between_those_of_the_run():
    assert between((1.0,)) == (0.5,)
    assert sorted(between((0.25, 0.5, 0.75, 1.0))) == [0.125, 0.375, 0.625, 0.875]
    assert between((0.3,)) == pytest.approx((0.8,))
    assert sorted(between((0.33, 0.67, 1.0))) == pytest.approx([0.5 / 3, 0.33 + 0.5 / 3, 2.51 / 3])


def test_twists_that_are_not_equidistant_keep_the_wave_of_one():
    z = (0.1, 0.2, 0.3)
    assert between(z) == pytest.approx((0.6, 0.7, 0.8))
    model = kd.AndersonModel(U=0, V=0.3, eps=0.1)
    of = {"T": 0.02, "names": ["d"], "keep": 100, "errors": False, **QUIET}
    unequal, single = (kd.dynamics.solve(model, z=x, **of) for x in (z, 0.1))
    assert unequal.broadening == single.broadening
    half = kd.dynamics.solve(model, z=(0.5, 1.0), **of)
    assert half.broadening < single.broadening


def test_errors_hold_the_continuum_of_a_level_with_unequal_twists():
    """Half of a third of a period further on the errors of three of six averages are missed."""
    V, eps, T = 0.15, 0.02, [1e-3, 1e-2, 0.1]
    exact = [continuum_derivatives(t, V=V, eps=eps)[0] for t in T]
    model = kd.AndersonModel(U=0, V=V, eps=eps)
    for first in (0.1, 0.3, 0.5, 0.7):
        z = (first, first + 0.1, first + 0.2)
        run = kd.dynamics.solve(model, T=T, names=[], Lambda=4.0, keep=300, z=z, **QUIET)
        for k, name in enumerate(("n_d", "hyb")):
            true = np.abs(run.expectations[name] - [x[k] for x in exact])
            assert (true <= run.expectation_errors[name]).all()
