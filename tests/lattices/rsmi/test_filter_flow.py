"""The flow of learned rules, and the critical point that it shows."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import rsmi


@pytest.fixture(scope="module")
def flow():
    return rsmi.flow(kd.ising.sample(L=64, T=2.3, n=2000, seed=1), 3, bound=1.0, seed=0)


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
    cold = rsmi.flow(kd.ising.sample(L=32, T=2.1, n=400, seed=1), 2, rule=flow.rules[0], seed=0)
    assert np.all(np.diff(cold.temperatures()) < 0)


def test_information_thermometer():
    T = np.linspace(2.5, 3.3, 5)
    majority = kd.blockspin.Majority()
    curve = [rsmi.torus(6, t).information(majority) for t in T]
    joint = rsmi.oracle(kd.ising.sample(L=6, T=2.83, n=20_000, seed=1), environments=20_000)
    read = rsmi.information_temperature(joint.measure(majority, seed=0), T, curve)
    assert abs(read.mean - 2.83) < 3.5 * read.error + 0.002  # interpolation between five points
    with pytest.raises(ValueError, match="outside of the calibration"):
        rsmi.information_temperature(rsmi.Information(0.6, 0.0, "exact"), T, curve)
    with pytest.raises(ValueError, match="rise or fall"):
        rsmi.information_temperature(rsmi.Information(0.1, 0.0, "exact"), T, [0, 1, 0, 1, 0])


def test_critical_point(flow):
    T = np.linspace(2.2, 2.36, 6)
    small = [kd.ising.sample(L=32, T=t, n=4000, seed=10 + i) for i, t in enumerate(T)]
    large = [kd.ising.sample(L=64, T=t, n=1000, seed=30 + i) for i, t in enumerate(T)]
    found = rsmi.critical_point(small, large, flow.rules, seed=0)
    assert abs(found.T_c / kd.ising.T_c - 1) < 0.005
    assert abs(found.T_c - kd.ising.T_c) < 3.5 * found.T_c_error
    assert abs(found.nu - 1) < 3.5 * found.nu_error
    assert found.nu_error < 0.12


@pytest.fixture(scope="module")
def runs():
    """Three sizes, temperatures that approach each other as 1 / L."""
    return [
        kd.ising.sample(L=L, T=2.27 * (1 + x / L), n=120_000 // L, seed=100 * L + i)
        for L in (16, 32, 64)
        for i, x in enumerate(np.linspace(-1, 1, 5))
    ]


def test_collapse(flow, runs):
    found = rsmi.collapse(runs, flow.rules, seed=0)
    assert abs(found.T_c / kd.ising.T_c - 1) < 0.005
    assert abs(found.T_c - kd.ising.T_c) < 3.5 * found.T_c_error
    assert abs(found.nu - 1) < 3.5 * found.nu_error
    assert found.nu_error < 0.1
    assert found.chi2 < 3  # 14 degrees of freedom and more: chance stays below 2.5
    assert not found.used[found.L == 16].any()
    assert np.all(found.statistical > 0)
    plt = pytest.importorskip("matplotlib.pyplot")
    assert "nu" in found.plot().get_title()
    plt.close("all")


def test_collapse_does_not_see_names(flow, runs):
    """In other units of temperature T_c is another, nu is not."""

    assert len(flow.rules) > 1
    plain = rsmi.collapse(runs, flow.rules[:1], seed=0)  # the last rule is repeated
    scaled = rsmi.collapse(
        [
            rsmi.Configurations(run.configurations, T=3 * run.T, energy=3 * run.energy)
            for run in runs
        ],
        flow.rules[:1],
        seed=0,
    )
    assert abs(scaled.T_c / plain.T_c - 3) < 1e-4  # where the least squares stop
    assert abs(scaled.nu - plain.nu) < 1e-3


def test_collapse_refuses(flow, runs):
    with pytest.raises(ValueError, match="three sizes"):
        rsmi.collapse(runs[:10], flow.rules, seed=0)
    with pytest.raises(ValueError, match="take sizes 20, 40"):
        rsmi.collapse(runs, flow.rules, blocks=10, seed=0)
    with pytest.raises(ValueError, match="in the window"):
        rsmi.collapse(runs, flow.rules, window=0.01, seed=0)
    with pytest.raises(ValueError, match="window must be above 0"):
        rsmi.collapse(runs, flow.rules, window=-1.0, seed=0)
    with pytest.raises(ValueError, match="at least one rule"):
        rsmi.collapse(runs, [], seed=0)
    with pytest.raises(TypeError, match="know T and energy"):
        rsmi.collapse([run.configurations for run in runs], flow.rules, seed=0)


def test_bad_input_is_refused(flow):
    runs = [kd.ising.sample(L=8, T=t, n=50, seed=1) for t in np.linspace(2, 3, 5)]
    with pytest.raises(ValueError, match="2 times as long"):
        rsmi.critical_point(runs, runs, flow.rules, seed=0)
    with pytest.raises(ValueError, match="temperatures"):
        rsmi.critical_point(runs[:2], runs[:2], flow.rules, seed=0)
    with pytest.raises(ValueError, match="at least two steps"):
        rsmi.critical_point(runs, runs, flow.rules[:1], seed=0)
    with pytest.raises(ValueError, match="leaves no environment"):
        rsmi.flow(kd.ising.sample(L=8, T=2.3, n=2000, seed=1), 3, seed=0)


def test_pictures(flow):
    plt = pytest.importorskip("matplotlib.pyplot")
    picture = flow.rules[0].plot()
    assert "nats" in picture.get_title()
    written = [float(text.get_text()) for text in picture.texts]
    np.testing.assert_allclose(written, flow.rules[0].filters.ravel(), atol=0.006)
    assert flow.plot().get_xlabel() == "steps"
    left, right = plt.gcf().axes  # correlation and information have an axis each
    assert left.get_ylabel() != right.get_ylabel()
    found = rsmi.optimality([[1.0, 0.0], [1.0, 1.0]], K=0.3)
    assert len(found.plot().lines) == 2
    plt.close("all")


def test_the_thermometer_is_that_of_the_square_lattice():
    run = kd.ising.sample(L=8, T=3.641, n=50, lattice="triangular", seed=1, threads=1)
    with pytest.raises(ValueError, match="isotropic square"):
        rsmi.flow(run, 1, rule=kd.blockspin.Majority()).temperatures()


def test_polynomials_that_do_not_fit_widen_the_errors():
    """Seven temperatures over half of T_c and a parabola: chi squared says so."""
    T = np.linspace(1.8, 2.8, 7)
    runs = [[kd.ising.sample(L=L, T=t, n=400, seed=1, threads=1) for t in T] for L in (8, 16)]
    rules = [kd.blockspin.Majority()] * 2
    coarse, fine = (rsmi.critical_point(*runs, rules, degree=k, seed=0) for k in (4, 8))
    assert coarse.chi2 > 2 * fine.chi2
    assert fine.chi2 < 3
