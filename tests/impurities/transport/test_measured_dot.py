"""Fits of measured dots: truth found again, coverage of intervals, stops and refusals."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.transport.landauer import thermal_weight
from kadanoff.impurities.transport.measured_dot import Problem
from kadanoff.transport import Measurement
from tests.dot_fits import coverage

QUICK = {"threads": 1, "progress": False, "keep_multiplets": 30, "z": (1.0,)}
TRUTH = {
    "U": 0.0,
    "Gamma": 0.01,
    "eps": 0.006,
    "field": 0.0,
    "scale": 1.0,
    "offset": 0.0,
    "lever": 0.0,
    "symmetric": 0.0,
}
T = np.geomspace(1e-3, 1e-1, 25)


def resonant_level(T):
    """G of a level with U = 0 in a wide band, by quadrature."""
    x = np.linspace(-25, 25, 1201)
    weight = thermal_weight(x, 1.0) * (x[1] - x[0])
    w = T[:, None] * x

    def G(U, Gamma, field, eps):
        return 2 * (Gamma**2 / ((w - eps[:, None]) ** 2 + Gamma**2)) @ weight

    return G


@pytest.mark.parametrize("known", [True, False], ids=["errors known", "errors estimated"])
def test_intervals_hold_the_truth(known):
    model = resonant_level(T)
    G = model(0.0, TRUTH["Gamma"], 0.0, np.full(len(T), TRUTH["eps"]))
    found = coverage(
        model,
        Measurement(T=T, G=G),
        TRUTH,
        ["Gamma", "eps", "scale"],
        noise=0.01,
        known=known,
        curves=60,
        seed=5,
    )
    # 95 % of 60 curves: 57 +- 1.7; three standard deviations below that.
    assert min(found.values()) >= 52 / 60
    # And not because they are too wide: all of them at once would have a chance of 5 %.
    assert np.mean(list(found.values())) < 1.0


def test_a_gate_sweep():
    """Two temperatures, since at one of them only Gamma / lever is known."""
    V_g = np.tile(np.linspace(-2, 2, 20), 2)
    lever, eps = 0.008, 0.002
    t = np.repeat([2e-3, 1.5e-2], 20)
    G = resonant_level(t)(0.0, 0.01, 0.0, eps - lever * V_g)
    data = Measurement(T=t, V_g=V_g, G=0.8 * G + 0.05, error=0.01)
    names = ["Gamma", "eps", "lever", "scale", "offset"]
    start = kd.AndersonModel(U=0.0, Gamma=0.011, eps=0.0)
    found = kd.transport.fit(start, data, parameters=names, lever=0.0075, **QUICK)
    truth = {"Gamma": 0.01, "eps": eps, "lever": lever, "scale": 0.8, "offset": 0.05}
    for name, value in truth.items():
        low, high = found.intervals[name]
        # No noise was added: deviations are those of the band, Gamma/D, and of the interpolation.
        assert abs(found.values[name] - value) < 0.3 * (high - low)
    assert found.undetermined == ()
    assert found.degrees_of_freedom == 35
    assert found.chi2 < 5
    assert found.converged
    for quantity in ("conductance", "residuals"):
        ax = found.plot(quantity=quantity)
        assert ax.get_xscale() == "linear"
        plt.close(ax.figure)


def test_a_sweep_far_from_zero_gate_voltage():
    """The level at V_g = 0 lies 400 Gamma off: it had to creep there with the lever."""
    V_g = np.tile(np.linspace(-2, 2, 20), 2) + 500.0
    t = np.repeat([2e-3, 1.5e-2], 20)
    lever = 0.008
    G = resonant_level(t)(0.0, 0.01, 0.0, lever * (500.25 - V_g))
    data = Measurement(T=t, V_g=V_g, G=G, error=0.01)
    start = kd.AndersonModel(U=0.0, Gamma=0.011, eps=0.0075 * 500)
    found = kd.transport.fit(
        start, data, parameters=["Gamma", "eps", "lever"], lever=0.0075, **QUICK
    )
    low, high = found.intervals["lever"]
    assert low < lever < high
    assert high - low < 0.1 * lever
    # The level at V_g = 0 is as uncertain as 500 times the lever.
    low_eps, high_eps = found.intervals["eps"]
    assert low_eps < 500.25 * lever < high_eps
    assert high_eps - low_eps == pytest.approx(500.25 * (high - low), rel=0.02)
    assert found.values["eps"] / found.values["lever"] == pytest.approx(500.25, abs=0.02)


@pytest.fixture(scope="module")
def curve():
    """A dot with U, computed with more multiplets than the fit uses."""
    dot = kd.AndersonModel(U=2.0, Gamma=0.4, D=10.0)
    T = np.geomspace(0.02, 1.5, 5)
    found = kd.transport.solve(
        dot, T=T, keep_multiplets=60, z=(1.0,), errors=False, threads=1, progress=False
    )
    return Measurement(T=T, G=found.conductance, error=0.02)


def test_a_dot_with_repulsion(curve):
    seen = []
    found = kd.transport.fit(
        kd.AndersonModel(U=1.7, Gamma=0.45, D=10.0),
        curve,
        parameters=["U", "Gamma"],
        callback=seen.append,
        **QUICK | {"keep_multiplets": 60},
    )
    assert found.values["U"] == pytest.approx(2.0, rel=0.02)
    assert found.values["Gamma"] == pytest.approx(0.4, rel=0.02)
    assert found.dot.eps == pytest.approx(-found.dot.U / 2)  # it was not given, and follows U
    assert repr(found).startswith("DotFit(U = 2")
    assert "svg" in found._repr_html_()
    assert len(seen) > 1
    assert seen[-1].chi2 <= seen[0].chi2
    assert not seen[0].converged
    assert found.systematic.keys() == found.values.keys() == found.sensitivity.keys()
    T_K = found.T_K(keep=150, threads=1)
    assert 0 < T_K.error < 0.5 * T_K.value


def test_a_parameter_that_the_data_do_not_know_is_named():
    t = T[::5]
    G = resonant_level(t)(0.0, 0.01, 0.0, np.full(len(t), 0.006))
    data = Measurement(T=t, G=G, error=0.5)  # errors as large as G
    start = kd.AndersonModel(U=0.0, Gamma=0.01, eps=0.006)
    found = kd.transport.fit(start, data, parameters=["Gamma", "eps"], **QUICK)
    assert "eps" in found.undetermined
    assert "not determined" in repr(found)


def test_a_stop_keeps_the_best_so_far(curve):
    control = kd.Control()
    start = kd.AndersonModel(U=1.7, Gamma=0.45, D=10.0)

    def stop(found):
        control.cancel()

    with pytest.raises(kd.Cancelled) as caught:
        kd.transport.fit(start, curve, parameters=["U"], callback=stop, control=control, **QUICK)
    assert pytest.approx(1.7) == caught.value.partial.dot.U
    assert not caught.value.partial.converged


def test_a_search_that_ends_early_says_so(curve):
    start = kd.AndersonModel(U=0.5, Gamma=0.9, D=10.0)
    with pytest.raises(kd.NotConverged, match="raise max_iterations") as caught:
        kd.transport.fit(start, curve, parameters=["U"], max_iterations=1, **QUICK)
    assert "not converged" in repr(caught.value.partial)


def test_the_order_of_coordinates_is_reversible():
    problem = Problem(
        Measurement(T=T, G=T, V_g=T), ("lever", "U", "eps", "Gamma", "field", "offset"), TRUTH
    )
    values = TRUTH | {"U": 0.3, "Gamma": 0.02, "eps": -0.1, "field": 0.01, "lever": 2.0}
    back = problem.values(problem.theta(values))
    assert back == pytest.approx(values)


GATED = Measurement(T=0.01, G=np.ones(5), V_g=np.arange(5.0))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"dot": kd.KondoModel(J=0.3)}, TypeError, "AndersonModel"),
        ({"data": [1, 2]}, TypeError, "Measurement"),
        ({"parameters": "U"}, TypeError, "sequence"),
        ({"parameters": ["J"]}, ValueError, "parameters must be one of"),
        ({"parameters": ["U", "U"]}, ValueError, "different names"),
        ({"parameters": []}, ValueError, "one or more"),
        ({"dot": kd.AndersonModel(U=0.0, Gamma=0.1)}, ValueError, "start value of U"),
        ({"dot": kd.AndersonModel(U=1.0, Gamma=0.0)}, ValueError, "Gamma = 0"),
        ({"data": Measurement(T=[0.1], G=[1.0])}, ValueError, "more points than parameters"),
        ({"data": Measurement(T=5.0, G=np.ones(5))}, ValueError, "check the unit of T"),
        ({"data": Measurement(T=0.01, G=np.full(5, 38.7))}, ValueError, "check its unit"),
        ({"data": Measurement(T=0.01, G=-np.ones(5))}, ValueError, "check its unit"),
        ({"data": GATED}, ValueError, "lever is needed"),
        ({"lever": 0.1}, ValueError, "have none"),
        ({"parameters": ["lever"]}, ValueError, "without gate voltages"),
        ({"scale": 0.0}, ValueError, "scale must be"),
        ({"scale": 2**40}, ValueError, "scale must be above 0 and at most 1000"),
        ({"geometry": "aside"}, ValueError, "geometry must be"),
        ({"max_iterations": 0}, ValueError, "max_iterations"),
    ],
)
def test_refusals(changes, error, message):
    arguments = {
        "dot": kd.AndersonModel(U=1.0, Gamma=0.1),
        "data": Measurement(T=0.01, G=np.ones(5)),
    } | changes
    with pytest.raises(error, match=message):
        kd.transport.fit(arguments.pop("dot"), arguments.pop("data"), **arguments, **QUICK)


def test_a_fitted_dot_without_a_moment_has_no_kondo_temperature():
    data = Measurement(T=[0.002, 0.01, 0.05], G=[1.97, 1.14, 0.2], error=0.05)
    level = kd.AndersonModel(U=0.0, Gamma=0.012)
    found = kd.transport.fit(level, data, parameters=["Gamma"], **QUICK)
    T_K = found.T_K()
    assert T_K.value is None
    assert "no local moment" in T_K.reason
    with pytest.raises(ValueError, match="definition"):
        found.T_K("half height")
    with pytest.raises(ValueError, match="V_g needs data with gate voltages"):
        found.T_K(V_g=0.0)


def test_data_with_gaps_in_the_gate_are_fitted():
    """A sweep need not be whole, nor need temperatures have the same gate voltages."""
    V_g = np.concatenate([np.linspace(-2, -0.5, 9), np.linspace(0.6, 2, 8), np.linspace(-1, 2, 11)])
    t = np.repeat([2e-3, 1.5e-2], [17, 11])
    G = resonant_level(t)(0.0, 0.01, 0.0, 0.002 - 0.008 * V_g)
    start = kd.AndersonModel(U=0.0, Gamma=0.011, eps=0.0)
    found = kd.transport.fit(
        start,
        Measurement(T=t, V_g=V_g, G=G, error=0.01),
        parameters=["Gamma", "eps"],
        lever=0.008,
        **QUICK,
    )
    assert found.values["Gamma"] == pytest.approx(0.01, rel=0.02)
