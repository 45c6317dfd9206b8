"""Derivatives of F and of averages against finite differences and exact identities."""

import numpy as np
import pytest

import kadanoff as kd

UNTRUNCATED = {"sites": 4, "keep": 10**5}
POLARISED = kd.bands.SpinBands(
    up=kd.TabulatedBand([-1.0, 1.0], [1.3, 1.3]), dn=kd.TabulatedBand([-1.0, 1.0], [0.7, 0.7])
)


def free_energy(model, T, **options):
    run = kd.dynamics.solve(model, T=T, names=[], **options)
    return run.levels[0].ground[-1] - T * run.log_Z[0], run.expectations


def differences(model, T, names, observable, h=1e-3, **options):
    """Central differences of F, its second differences (diagonal), and of an average."""
    p = model.parameters
    centre = free_energy(model, T, **options)[0]
    first, second, slope = [], [], []
    for name in names:
        up, down = (
            free_energy(model.replace(**{**p, name: p[name] + s}), T, **options) for s in (h, -h)
        )
        first.append((up[0] - down[0]) / (2 * h))
        second.append((up[0] - 2 * centre + down[0]) / h**2)
        slope.append((up[1][observable][0] - down[1][observable][0]) / (2 * h))
    return np.array(first), np.array(second), np.array(slope)


@pytest.mark.parametrize(
    "model",
    [
        kd.KondoModel(J=0.3),
        kd.KondoModel(J=0.3, W=0.05, field=0.01),
        kd.KondoModel(J=0.3, spin=1, W=0.05),
        kd.AndersonModel(U=0.5, V=0.15, eps=-0.2),
        kd.DoubleQuantumDot(U=0.5, V=0.15),
        kd.AndersonModel(U=0.5, V=0.15, eps=-0.2, band=POLARISED),
        kd.KondoModel(J=0.3, W=0.05, band=POLARISED),
        kd.AndersonModel(U=0.5, V=0.15, eps=-0.2, band=kd.bands.Superconductor(gap=0.1)),
    ],
    ids=[
        *("SU2xSU2", "field", "spin 1", "Anderson", "double dot"),
        *("polarised dot", "polarised spin", "superconductor"),
    ],
)
def test_untruncated_derivatives_are_exact(model):
    names = [n for n, x in model.parameters.items() if (x != 0 and n != "U") or n == "eps"]
    found = kd.derivatives(model, T=0.05, parameters=names, observables=["S_d.S_0"], **UNTRUNCATED)
    first, second, slope = differences(model, 0.05, names, "S_d.S_0", **UNTRUNCATED)
    # Central differences with h = 1e-3 err by h^2/6 times a third derivative of up to 100.
    assert found.gradient[0] == pytest.approx(first, abs=3e-5)
    assert np.diag(found.hessian[0]) == pytest.approx(second, rel=1e-3, abs=1e-4)
    assert found.slopes["S_d.S_0"][0] == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize("band", [POLARISED, kd.bands.Superconductor(gap=0.1)])
def test_errors_without_a_test_of_their_coverage_are_not_stated(band):
    found = kd.derivatives(kd.KondoModel(J=0.3, band=band), T=0.05, keep=60)
    assert found.errors is None
    assert "errors not estimated" in repr(found)


def test_the_hessian_is_symmetric_and_negative():
    found = kd.derivatives(kd.KondoModel(J=0.3, W=0.05, field=0.01), T=[0.03, 0.2], keep=200)
    assert found.hessian.shape == (2, 3, 3)
    assert found.hessian == pytest.approx(np.swapaxes(found.hessian, 1, 2), abs=1e-12)
    # F is concave in every direction.
    assert np.linalg.eigvalsh(found.hessian).max() < 1e-10


def test_the_slope_of_a_coupling_operator_is_the_hessian():
    found = kd.derivatives(kd.KondoModel(J=0.3), T=1e-2, observables=["S_d.S_0"], keep=300)
    assert found.slopes["S_d.S_0"][0] == pytest.approx(found.hessian[0, 0], rel=1e-10)
    assert found.gradient[0, 0] == pytest.approx(found.expectations["S_d.S_0"][0], rel=1e-12)


def test_truncation_costs_little():
    # 800 states: F itself is good to 1e-6, so differences with h = 0.02 are good to 1e-2.
    model = kd.KondoModel(J=0.3)
    found = kd.derivatives(model, T=1e-3, parameters="J", keep=800)
    first, second, _ = differences(model, 1e-3, ["J"], "S_d.S_0", h=0.02, keep=800)
    assert found.gradient[0] == pytest.approx(first, rel=2e-3)
    assert found.hessian[0, 0] == pytest.approx(second, rel=0.02)


def test_the_susceptibility_of_a_free_spin_is_curies():
    # J = 0: chi = -d2F/dB2 = beta/4, all of it from degenerate states. The field breaks the spin
    # SU(2) that the model has without it: the derivative must find the smaller symmetry itself.
    found = kd.derivatives(kd.KondoModel(J=0.0), T=0.1, parameters="field", keep=300)
    assert found.hessian[0, 0, 0] == pytest.approx(-0.25 / 0.1, rel=1e-9)
    with pytest.raises(ValueError, match="not a scalar of the symmetry"):
        kd.derivatives(
            kd.KondoModel(J=0.1), T=0.1, parameters="field", symmetry=("SU2", "SU2"), keep=50
        )


def test_scaled_models_carry_the_chain_rule():
    model = kd.KondoModel(J=0.25)
    options = {"scheme": "wilson", "A_Lambda": True, **UNTRUNCATED}
    found = kd.derivatives(model, T=0.05, parameters="J", **options)
    first, second, _ = differences(model, 0.05, ["J"], "S_d.S_0", **options)
    assert found.gradient[0] == pytest.approx(first, abs=1e-5)
    assert found.hessian[0, 0] == pytest.approx(second, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"T": 0.0}, "T must be above 0"),
        ({"T": []}, "T must be a temperature or a sequence of them"),
        ({"parameters": "U"}, "no parameter 'U'; it has J"),
        ({"parameters": []}, "parameters is empty"),
        ({"parameters": ["J", "J"]}, "different names, got 'J' twice"),
        ({"observables": ["X"]}, "observable 'X' is not one of"),
    ],
)
def test_bad_input_is_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        kd.derivatives(kd.KondoModel(J=0.3), **({"T": 0.1, "keep": 50} | changes))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"observables": "S_d.S_0"}, "a sequence of names such as"),
        ({"observables": {"a": 3}}, "observable 'a' must be an Operator, got 3"),
        ({"parameters": 3}, "a name or a sequence of names"),
        ({"model": 3}, "an impurity model such as AndersonModel, got int"),
    ],
)
def test_bad_types_are_refused(changes, match):
    arguments = {"model": kd.KondoModel(J=0.3), "T": 0.1, "keep": 50} | changes
    with pytest.raises(TypeError, match=match):
        kd.derivatives(**arguments)


def test_t_min_is_refused():
    with pytest.raises(TypeError, match="T_min"):
        kd.derivatives(kd.KondoModel(J=0.3), T=0.1, T_min=1e-3)
