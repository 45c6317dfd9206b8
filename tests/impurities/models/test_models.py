import copy
import dataclasses
import inspect
import math
import pickle

import numpy as np
import pytest

from kadanoff.bands.densities import FlatBand, SemicircularBand
from kadanoff.impurities.models import AndersonModel, DoubleQuantumDot, KondoModel, Model
from kadanoff.impurities.models.operators import dot

ROUNDING = 1e-14

MODELS = [
    AndersonModel(U=0.5, J_sw=0.25),
    AndersonModel(U=0.5, V=0.1, eps=-0.2, field=0.01),
    AndersonModel(U=0.0, Gamma=0.05, D=2.0),
    AndersonModel(U=-0.3, V=0.1, band=SemicircularBand(D=1.5)),
    KondoModel(J=0.2),
    KondoModel(J=-0.2, spin=1.5, W=0.1, field=0.01, D=3.0),
]
each_model = pytest.mark.parametrize("model", MODELS, ids=repr)


def hamiltonian(model):
    return sum(coefficient * operator.matrix for _, coefficient, operator in model.terms())


@each_model
def test_models_are_data(model):
    assert isinstance(model, Model)
    assert eval(repr(model)) == model
    assert hash(eval(repr(model))) == hash(model)
    assert pickle.loads(pickle.dumps(model)) == model
    assert copy.copy(model) == model
    assert model.replace() == model
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.field = 1.0
    assert all(operator.is_hermitian for _, _, operator in model.terms())
    assert all(operator.space == model.space for operator in model.observables.values())


def test_repr_shows_what_was_given():
    assert repr(MODELS[0]) == "AndersonModel(U=0.5, J_sw=0.25)"
    assert repr(MODELS[2]) == "AndersonModel(U=0.0, Gamma=0.05, D=2.0)"
    assert repr(MODELS[3]) == "AndersonModel(U=-0.3, V=0.1, band=SemicircularBand(D=1.5))"
    assert repr(MODELS[4]) == "KondoModel(J=0.2)"
    assert "W=0.1, field=0.01, D=3.0" in repr(MODELS[5])


def test_anderson_hamiltonian_is_the_textbook_one():
    U, V, eps, field = 0.7, 0.2, -0.1, 0.03
    model = AndersonModel(U=U, V=V, eps=eps, field=field)
    space = model.space
    H = (
        eps * space.n("d")
        + U * space.n("d", "up") * space.n("d", "dn")
        + field * space.S("d").z
        + V * space.hop("d", "f0")
    )
    np.testing.assert_allclose(hamiltonian(model), H.matrix, atol=ROUNDING)


@pytest.mark.parametrize("spin", [0.5, 1.0, 2.5])
def test_kondo_hamiltonian_is_the_textbook_one(spin):
    model = KondoModel(J=0.3, spin=spin, W=0.1, field=0.02)
    space = model.space
    H = 0.3 * dot(space.S("d"), space.S("f0")) + 0.1 * (space.n("f0") - 1) + 0.02 * space.S("d").z
    np.testing.assert_allclose(hamiltonian(model), H.matrix, atol=ROUNDING)


def test_couplings_agree():
    for D in (1.0, 3.0):
        model = AndersonModel(U=0.5, V=0.125, D=D)
        assert model.J_sw == pytest.approx(0.25, rel=ROUNDING)
        assert model.Gamma == pytest.approx(math.pi * 0.125**2 / (2 * D), rel=ROUNDING)
        for handle in ("Gamma", "J_sw"):
            other = AndersonModel(0.5, **{handle: getattr(model, handle)}, D=D)
            assert math.isclose(other.V, 0.125, rel_tol=ROUNDING)
            assert getattr(other, handle) == getattr(model, handle)
    semicircle = AndersonModel(U=0.5, Gamma=0.1, band=SemicircularBand(D=2.0))
    assert math.isclose(semicircle.V**2, 0.1, rel_tol=ROUNDING)  # rho(0) = 1/pi
    assert semicircle.D == 2.0


@pytest.mark.parametrize("given", [{}, {"V": 0.1, "Gamma": 0.1}, {"V": 0.1, "J_sw": 0.1}])
def test_exactly_one_coupling(given):
    with pytest.raises(ValueError, match="exactly one of V, Gamma and J_sw"):
        AndersonModel(U=0.5, **given)


@pytest.mark.parametrize("handle", ["V", "Gamma", "J_sw"])
def test_negative_couplings_are_refused(handle):
    with pytest.raises(ValueError, match=f"{handle} must be at least 0"):
        AndersonModel(U=0.5, **{handle: -0.1})


@pytest.mark.parametrize("U", [0.0, -0.5])
def test_J_sw_needs_repulsion(U):
    with pytest.raises(ValueError, match="needs U > 0"):
        AndersonModel(U=U, J_sw=0.1)
    with pytest.raises(ValueError, match="needs U > 0"):
        _ = AndersonModel(U=U, V=0.1).J_sw
    assert AndersonModel(U=U, V=0.1).Gamma > 0


@pytest.mark.parametrize("bad", [True, 1j, "1", np.bool_(True), [1.0]])
@pytest.mark.parametrize("name", ["U", "V", "eps", "field", "D"])
def test_anderson_wants_real_numbers(name, bad):
    with pytest.raises(TypeError, match=name):
        AndersonModel(**({"U": 0.5, "V": 0.1} | {name: bad}))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["U", "V", "eps", "field", "D"])
def test_anderson_wants_finite_numbers(name, bad):
    with pytest.raises(ValueError, match=name):
        AndersonModel(**({"U": 0.5, "V": 0.1} | {name: bad}))


@pytest.mark.parametrize("name", ["J", "spin", "W", "field", "D"])
def test_kondo_wants_finite_real_numbers(name):
    for bad, error in ((True, TypeError), (1j, TypeError), (math.nan, ValueError)):
        with pytest.raises(error, match=name):
            KondoModel(**({"J": 0.5} | {name: bad}))


def test_bands():
    assert KondoModel(J=0.1, D=2.0) == KondoModel(J=0.1, band=FlatBand(D=2.0))
    assert KondoModel(J=0.1, D=1.0) == KondoModel(J=0.1)
    with pytest.raises(ValueError, match="not both"):
        KondoModel(J=0.1, D=1.0, band=FlatBand())
    with pytest.raises(ValueError, match="half bandwidth D must be positive"):
        KondoModel(J=0.1, D=-1.0)


def test_kondo_refuses_other_spins():
    with pytest.raises(ValueError, match="3/2"):
        KondoModel(J=0.1, spin=0.6)


@pytest.mark.parametrize("model", [AndersonModel, DoubleQuantumDot, KondoModel])
def test_replace_shows_the_arguments_of_the_model(model):
    shown = inspect.signature(model.replace).parameters
    assert list(shown) == ["self", *inspect.signature(model).parameters]
    assert {repr(p.default) for name, p in shown.items() if name != "self"} == {"unchanged"}


def test_replace():
    model = AndersonModel(U=0.5, J_sw=0.25, D=2.0)
    assert model.replace(U=0.6) == AndersonModel(U=0.6, J_sw=0.25, D=2.0)
    assert model.replace(V=0.1) == AndersonModel(U=0.5, V=0.1, D=2.0)
    assert model.replace(band=FlatBand()) == AndersonModel(U=0.5, J_sw=0.25)
    assert model.replace(eps=-0.1).replace(eps=None) == model
    assert KondoModel(J=0.1).replace(J=0.2) == KondoModel(J=0.2)
    with pytest.raises(TypeError, match="Gama"):
        model.replace(Gama=0.1)


def test_level_follows_U_only_if_it_was_not_given():
    assert AndersonModel(U=0.5, V=0.1).replace(U=0.8).eps == -0.4
    assert AndersonModel(U=0.5, V=0.1, eps=-0.25).replace(U=0.8).eps == -0.25


def test_an_asymmetry_of_rounding_is_none():
    U = 0.1 + 0.2
    coefficients = {name: c for name, c, _ in AndersonModel(U=U, V=0.1, eps=-0.15).terms()}
    assert coefficients["(eps + U/2) (n_d - 1)"] == 0


@each_model
def test_derivatives_are_those_of_the_hamiltonian(model):
    if isinstance(model, AndersonModel):  # U and V are independent: give V
        eps = {} if model.eps_follows_U else {"eps": model.eps}
        model = AndersonModel(U=model.U, V=model.V, field=model.field, band=model.band, **eps)
    step = 1e-3  # H is linear in every parameter
    for name, value in model.parameters.items():
        assert getattr(model, name) == value
        plus, minus = (model.replace(**{name: value + sign * step}) for sign in (1, -1))
        slope = (hamiltonian(plus) - hamiltonian(minus)) / (2 * step)
        np.testing.assert_allclose(slope, model.derivative(name).matrix, atol=1e-11)


def test_derivative_by_other_couplings():
    model, step = AndersonModel(U=0.5, V=0.1), 1e-6
    for name in ("Gamma", "J_sw"):
        value = getattr(model, name)
        plus, minus = (model.replace(**{name: value + sign * step}) for sign in (1, -1))
        slope = (hamiltonian(plus) - hamiltonian(minus)) / (2 * step)
        # second-order difference: step^2 V''' ~ 1e-12 * 1e3, rounding 1e-16 / step
        np.testing.assert_allclose(slope, model.derivative(name).matrix, atol=1e-8)
    with pytest.raises(ValueError, match="infinite"):
        AndersonModel(U=0.5, V=0.0).derivative("Gamma")


def test_parameters_are_independent():
    assert list(AndersonModel(U=0.5, J_sw=0.25).parameters) == ["U", "V", "field"]
    assert list(AndersonModel(U=0.5, V=0.1, eps=-0.2).parameters) == ["U", "V", "eps", "field"]
    assert list(KondoModel(J=0.1).parameters) == ["J", "W", "field"]


@each_model
def test_unknown_derivatives_are_refused(model):
    with pytest.raises(ValueError, match=r"field.*got 'spin'"):
        model.derivative("spin")


def test_a_band_is_a_band():
    with pytest.raises(TypeError, match=r"band must be a band such as .* got 0\.5"):
        KondoModel(J=0.1, band=0.5)


def test_impurity_sizes():
    assert AndersonModel(U=0.5, V=0.1).impurity_dimension == 4
    assert KondoModel(J=0.1, spin=1.5).impurity_dimension == 4
    assert KondoModel(J=0.1).impurity_entropy_max == pytest.approx(math.log(2))


def test_observables_are_named_as_in_the_field():
    model = AndersonModel(U=0.5, V=0.1)
    assert list(model.observables) == ["S_d.S_0", "n_d", "docc", "hyb", "S_z", "n_0"]
    assert list(KondoModel(J=0.1).observables) == ["S_d.S_0", "S_z", "n_0"]


@pytest.mark.parametrize("handle", ["V", "Gamma", "J_sw"])
def test_rescaled_multiplies_the_hybridisation(handle):
    model = AndersonModel(U=0.5, **{handle: 0.2}, eps=-0.1)
    scaled = model.rescaled(1.5)
    assert math.isclose(scaled.V**2, 1.5 * model.V**2, rel_tol=ROUNDING)
    assert (scaled.U, scaled.eps) == (model.U, model.eps)
    assert scaled.Gamma == pytest.approx(1.5 * model.Gamma, rel=ROUNDING)


def test_rescaled_kondo():
    assert KondoModel(J=0.2, W=0.1, field=0.3).rescaled(2) == KondoModel(J=0.4, W=0.2, field=0.3)
    for bad in (0, -1, math.nan):
        with pytest.raises(ValueError, match="A must be"):
            KondoModel(J=0.2).rescaled(bad)
