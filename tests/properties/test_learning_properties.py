"""What holds for derivatives and for learning, whatever the model."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import kadanoff as kd
from kadanoff.impurities.effective.coordinates import Coordinates
from kadanoff.impurities.effective.fitting import learn
from kadanoff.testing import strategies

EXACT = {"sites": 4, "keep": 10**6, "progress": False}


@given(strategies.models(), st.floats(-1.3, 0.5).map(lambda x: 10.0**x))
@settings(max_examples=10)
def test_derivatives_without_truncation_are_exact(model, T):
    names = [name for name, value in model.parameters.items() if abs(value) > 1e-2]
    assume(names)
    some = Coordinates(model, names)
    found = kd.derivatives(model, T=T, parameters=some.names, **EXACT)
    hessian = found.hessian[0]
    # F is concave, and symmetric in its second derivatives.
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-11 * max(1, np.abs(hessian).max()))
    assert np.linalg.eigvalsh(hessian).max() <= 1e-9 * max(1, np.abs(hessian).max())
    # The gradient along a random direction, and how it changes.
    direction = np.random.default_rng(0).normal(size=len(some.names))
    h = 1e-4 * min(T, 1)
    ahead, behind = (
        kd.derivatives(some.at(some.theta + x * direction), T=T, parameters=some.names, **EXACT)
        for x in (h, -h)
    )
    rise = (ahead.gradient[0] - behind.gradient[0]) / (2 * h)
    # The bins of the symmetrised correlator cost 1e-5 of the Hessian, as derivatives() states;
    # h^2 / T^2 = 1e-8 times the third derivative by theta / T, and rounding of 1e-14 / h.
    atol = 1e-5 * np.abs(hessian).max() * np.abs(direction).sum()
    atol += 2e-6 * max(1.0, 1 / T) * (direction @ direction)
    np.testing.assert_allclose(hessian @ direction, rise, rtol=0, atol=atol)


@given(st.floats(0.05, 0.6), st.floats(-1, 1), st.floats(-4, -2).map(lambda x: 10.0**x))
@settings(max_examples=10)
def test_a_kondo_model_learns_itself_from_anywhere(J, away, T):
    start = kd.KondoModel(J=J * 3.0**away)
    fit = learn(start, kd.KondoModel(J=J), T=T, keep=60, progress=False)
    assert fit.loss < 1e-9
    assert abs(fit.model.J / J - 1) < 1e-3
    assert fit.sensitivity.singular.shape == (1,)


@given(st.floats(0.3, 3.0), st.floats(0.2, 0.35), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
@settings(max_examples=8)
def test_a_dot_learns_itself_as_far_as_the_data_tell(U, J_sw, away_U, away_V):
    target = kd.AndersonModel(U=U, J_sw=J_sw)
    start = kd.AndersonModel(U=U * 2.0**away_U, V=target.V * 2.0**away_V)
    fit = learn(start, target, T=(0.1 * min(U, 1), 0.01 * min(U, 1)), keep=200, progress=False)
    # Along a weak direction what is left of ln Z, after jumps of 1e-5 at 200 states, moves U.
    errors = fit.sensitivity.errors(1e-5 + fit.loss**0.5)
    for name, value in (("U", U), ("V", target.V)):
        assert abs(fit.model.parameters[name] - value) < 1e-5 * value + 3 * errors[name]
    if not fit.sensitivity.undetermined:
        assert fit.loss < 1e-8
