"""CT-HYB where noise is larger than G: insulators, levels far from the Fermi energy, noisy baths.

Seeds are fixed, as in `test_cthyb.py`.
"""

import warnings

import numpy as np
import pytest

from kadanoff import NotConverged, NumericalError
from kadanoff.dmft import DiscreteBath, Impurity, MatsubaraBath, bethe, solve
from kadanoff.dmft.protocol import register, unregister
from kadanoff.dmft.solvers import cthyb
from kadanoff.dmft.solvers.causal import PoleGrid
from kadanoff.dmft.solvers.estimators import weighty
from kadanoff.dmft.solvers.physical import nodes
from kadanoff.greens import GreenFunction

QUIET = {"progress": False, "threads": 1}


@pytest.mark.parametrize(("U", "beta", "sweeps"), [(5.0, 10.0, 2**16), (30.0, 10.0, 2**14)])
def test_its_own_noise_does_not_stop_a_loop(U, beta, sweeps):
    exact = bethe(U=U, beta=beta, start="insulator", sites=4, seed=1, **QUIET)
    loop = bethe(U=U, beta=beta, start="insulator", solver="cthyb", sweeps=sweeps, seed=1, **QUIET)
    assert loop.converged
    assert loop.state == "insulator"
    assert np.all(loop.solution.G_tau < 0.0)
    assert np.all(loop.solution.Sigma_iw.imag < 0.0)
    for name in ("Z", "docc"):
        mean, error = loop.average(name)
        # 4 errors: they are estimated from eight iterations
        assert abs(mean - getattr(exact, name)) < 4.0 * error


def test_G_is_negative_and_has_n_by_construction():
    # 64 coefficients are far more than a short run determines: G(tau) > 0 before
    problem = Impurity(6.0, 20.0, DiscreteBath([-3.1, 2.8], [0.4, 0.4]), eps=-2.7)
    exact = solve(problem, frequencies=64)
    found = solve(
        problem, solver="cthyb", sweeps=2**14, legendre=64, seed=1, frequencies=64, **QUIET
    )
    assert found.diagnostics["causal_change"] > 0.0
    tau = np.linspace(0.0, 20.0, 1001)
    assert np.all(found.G.tau(tau) < 0.0)
    assert found.n == pytest.approx(-2.0 * found.G.tau(20.0), abs=1e-12)
    assert found.n == pytest.approx(exact.n, abs=4.0 * found.diagnostics["n_error"])
    pull = np.abs(found.G_iw - exact.G_iw) / found.diagnostics["G_iw_error"]
    assert np.mean(pull[:16] ** 2) < 4.0
    np.testing.assert_allclose(found.G.iw(64), found.G_iw, atol=1e-12)
    # What is left on the real axis would be the poles of a fit, no spectrum.
    assert not hasattr(found.G, "spectrum")


@pytest.mark.parametrize(("U", "eps"), [(2.0, -0.4), (0.0, 0.3), (4.0, -3.0)])
def test_n_is_that_of_G(U, eps):
    problem = Impurity(U, 5.0, DiscreteBath([-0.5, 0.1, 0.7], [0.4, 0.2, 0.3]), eps=eps)
    found = solve(problem, solver="cthyb", sweeps=2**14, seed=3, frequencies=16, **QUIET)
    assert found.n == pytest.approx(-2.0 * found.G.tau(5.0), abs=1e-12)
    exact = solve(problem, frequencies=16)
    assert abs(found.n - exact.n) <= 4.0 * found.diagnostics["n_error"]


FAR = [
    # Between the ends F is zero to rounding: matrices were singular at each of these seeds.
    Impurity(2.0, 100.0, DiscreteBath([-20.0, 20.0], [1.0, 1.0]), eps=0.1),
    Impurity(2.0, 20.0, DiscreteBath([-0.5, 0.5], [0.4, 0.4]), eps=50.0),
    Impurity(2.0, 20.0, DiscreteBath([-0.5, 0.5], [0.4, 0.4]), eps=-50.0),
]


@pytest.mark.parametrize("problem", FAR)
@pytest.mark.parametrize("seed", [0, 1])
def test_levels_far_from_the_Fermi_energy(problem, seed):
    exact = solve(problem, frequencies=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it was called too short at dG = 3e-8
        found = solve(problem, solver="cthyb", sweeps=2**14, seed=seed, frequencies=8, **QUIET)
    d = found.diagnostics
    assert np.all(np.abs(found.G_iw - exact.G_iw) <= 4.0 * d["G_iw_error"])
    for name in ("n", "docc", "Z"):
        assert abs(getattr(found, name) - getattr(exact, name)) <= 4.0 * d[f"{name}_error"]


@pytest.mark.filterwarnings("ignore::kadanoff.dmft.UncertainDelta")
def test_a_noisy_bath_is_made_causal_and_an_acausal_one_refused():
    beta, rng = 20.0, np.random.default_rng(2)
    poles = GreenFunction([-2.0, 2.0], [0.2, 0.2], beta)
    clean, moments = poles.iw(256), tuple(poles.moments(4))
    noise = 2e-3 * rng.normal(size=256) * np.max(np.abs(clean))

    def solved(Delta, given):
        problem = Impurity(4.0, beta, MatsubaraBath(1j * Delta.imag, given))
        return solve(problem, solver="cthyb", sweeps=2**14, seed=1, frequencies=8, **QUIET)

    exact = solve(Impurity(4.0, beta, DiscreteBath([-2.0, 2.0], np.sqrt([0.2, 0.2]))))
    noisy = 1j * np.minimum(clean.imag + noise * (np.arange(256) < 128), 0.0)
    found = solved(noisy, moments)  # refused before: Delta(tau) > 0 in the middle
    error = found.diagnostics["docc_error"]
    assert abs(found.docc - exact.docc) < 4.0 * error + 0.05 * exact.docc
    # A negative pole at zero, and the moments without it
    acausal = GreenFunction([-2.0, 0.0, 2.0], [0.2, -0.05, 0.2], beta)
    with pytest.raises(ValueError, match="no causal Delta"):
        solved(1j * np.minimum(acausal.iw(256).imag, 0.0), tuple(acausal.moments(4)))


@pytest.mark.parametrize("error", [ValueError("a bad bath"), NumericalError("a singular matrix")])
def test_a_failure_within_a_loop_keeps_its_history(error):
    calls = []

    def compute(problem, run, /):
        calls.append(problem)
        if len(calls) == 3:
            raise error
        return solve(problem, solver="ipt", frequencies=run.frequencies)

    register("moody", valid="nowhere", cost="nothing")(compute)
    try:
        with pytest.raises(NotConverged, match=f"moody failed in iteration 3: {error}") as caught:
            bethe(U=2.0, beta=10.0, solver="moody", progress=False)
    finally:
        unregister("moody")
    assert caught.value.partial.iterations == 2
    assert caught.value.partial.history["Z"].size == 2


@pytest.mark.parametrize("blocks", [0, 16])
def test_a_run_that_breaks_down_keeps_its_measurements(monkeypatch, blocks):
    advance = cthyb.Simulation._advance

    def broken(self, until, report):
        if blocks:
            advance(self, blocks, None)
        raise NumericalError("a matrix is singular")

    monkeypatch.setattr(cthyb.Simulation, "_advance", broken)
    kind = NotConverged if blocks else NumericalError
    with pytest.raises(kind, match="a matrix is singular") as caught:
        solve(FAR[1], solver="cthyb", sweeps=2**16, seed=1, frequencies=8, **QUIET)
    if blocks:
        assert caught.value.partial.diagnostics["sweeps"] == 16 * 8 * 256


def test_what_is_wrong_from_the_beginning_is_an_error_of_the_arguments():
    with pytest.raises(ValueError, match="NCA is not exact"):
        bethe(U=0.0, beta=10.0, solver="nca", progress=False)


def test_bins_without_weight_are_joined():
    groups = [np.arange(4 * k, 4 * k + 4) for k in range(4)]
    sign = np.ones(16)
    assert weighty(groups, sign).tolist() == [0, 4, 8, 12]
    sign[4:8] = 1e-20
    assert weighty(groups, sign).tolist() == [0, 4, 12]
    sign[:4] = 1e-20
    sign[12:] = -1e-20
    assert weighty(groups, sign).tolist() == [0]


def test_poles_of_the_grid_carry_a_self_energy():
    beta, U = 30.0, 4.0
    chosen = nodes(1024)
    assert chosen[0] == 0
    assert chosen[-1] == 1023
    grid = PoleGrid(2.0 * chosen + 1.0, reach=4.0 * U * beta / np.pi, each=160)
    Sigma = GreenFunction([-1.2, 0.07, 2.1], [1.0, 2.0, 1.0], beta)
    error = np.full(chosen.size, 1e-3 * (1 + 1j))
    found = grid.fit(Sigma.iw(1024)[chosen], 0.0, 4.0, beta, symmetric=False, error=error)
    w_n = np.pi / beta * (2.0 * np.arange(1024) + 1.0)
    # neighbouring poles differ by 6 % and share the weight: (0.06 / 2)**2 / 2
    np.testing.assert_allclose(found.iw(w_n), Sigma.iw(1024), rtol=5e-4)
