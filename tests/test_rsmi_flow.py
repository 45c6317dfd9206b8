"""The flow of learned rules, and the critical point that it shows."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import rsmi


@pytest.fixture(scope="module")
def flow():
    return rsmi.flow(kd.ising.sample(L=64, T=2.3, n=2000, seed=1), 3, bound=1.0)


def test_uniform_filters_at_every_step(flow):
    assert [x.shape[1] for x in flow.configurations] == [64, 32, 16, 8]
    for rule in flow.rules:
        assert np.abs(rule.filters - 1).max() < 0.02
    assert np.all(np.diff(flow.correlation) < 0)  # above T_c correlations flow to zero


def test_thermometer(flow):
    """The bare lattice is an Ising lattice: its temperature comes back."""
    error = flow.correlation_error[0]
    T = flow.temperatures()[0]
    # dc/dT is about -0.7 there (Onsager); finite size is exponentially small at L = 64.
    assert abs(T - 2.3) < 4 * error / 0.7 + 0.01
    cold = rsmi.flow(kd.ising.sample(L=32, T=2.1, n=400, seed=1), 2, rule=flow.rules[0])
    assert np.all(np.diff(cold.temperatures()) < 0)


def test_information_thermometer():
    T = np.linspace(2.5, 3.3, 5)
    majority = kd.blockspin.Majority()
    curve = [rsmi.torus(6, t).information(majority) for t in T]
    law = rsmi.oracle(kd.ising.sample(L=6, T=2.83, n=20_000, seed=1), environments=20_000)
    read = rsmi.information_temperature(law.measure(majority), T, curve)
    assert abs(read.mean - 2.83) < 3.5 * read.error + 0.002  # interpolation between five points
    with pytest.raises(ValueError, match="outside of the calibration"):
        rsmi.information_temperature(rsmi.Information(0.6, 0.0, "exact"), T, curve)
    with pytest.raises(ValueError, match="rise or fall"):
        rsmi.information_temperature(rsmi.Information(0.1, 0.0, "exact"), T, [0, 1, 0, 1, 0])


def test_critical_point(flow):
    T = np.linspace(2.2, 2.36, 6)
    small = [kd.ising.sample(L=32, T=t, n=4000, seed=10 + i) for i, t in enumerate(T)]
    large = [kd.ising.sample(L=64, T=t, n=1000, seed=30 + i) for i, t in enumerate(T)]
    found = rsmi.critical_point(small, large, flow.rules)
    assert abs(found.T_c / kd.ising.T_c - 1) < 0.005
    assert abs(found.T_c - kd.ising.T_c) < 3.5 * found.T_c_error
    assert abs(found.nu - 1) < 3.5 * found.nu_error
    assert found.nu_error < 0.12


def test_bad_input_is_refused(flow):
    runs = [kd.ising.sample(L=8, T=t, n=50, seed=1) for t in np.linspace(2, 3, 5)]
    with pytest.raises(ValueError, match="2 times as long"):
        rsmi.critical_point(runs, runs, flow.rules)
    with pytest.raises(ValueError, match="temperatures"):
        rsmi.critical_point(runs[:2], runs[:2], flow.rules)
    with pytest.raises(ValueError, match="at least two steps"):
        rsmi.critical_point(runs, runs, flow.rules[:1])
    with pytest.raises(ValueError, match="leaves no environment"):
        rsmi.flow(kd.ising.sample(L=8, T=2.3, n=2000, seed=1), 3)


def test_pictures(flow):
    plt = pytest.importorskip("matplotlib.pyplot")
    assert "nats" in flow.rules[0].plot().get_title()
    assert flow.plot().get_xlabel() == "steps"
    found = rsmi.optimality([[1.0, 0.0], [1.0, 1.0]], K=0.3)
    assert len(found.plot().lines) == 2
    plt.close("all")
