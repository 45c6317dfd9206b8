"""Exact diagonalisation against exact references, and against a brute-force Fock space."""

import itertools
import json

import numpy as np
import pytest

from kadanoff import _core
from kadanoff._base.errors import Cancelled
from kadanoff.dmft import DiscreteBath, Impurity, solve
from tests.paths import REFERENCE as REFERENCE_DATA

REFERENCE = json.loads((REFERENCE_DATA / "dmft/aim_ed.json").read_text(encoding="utf-8"))["data"]


def impurity(point):
    bath = DiscreteBath(point["e"], point["V"])
    return Impurity(point["U"], point["beta"], bath, eps=point["eps"])


@pytest.mark.parametrize("point", REFERENCE, ids=lambda p: f"{p['id']}-{p['beta']:g}")
def test_all_reference_points(point):
    # Two independent codes agree to 1.4e-12 on these; 1e-10 is asked for.
    found = solve(impurity(point), frequencies=len(point["wn"]))
    assert found.diagnostics["ground_energy"] == pytest.approx(point["E0"], abs=1e-10)
    assert found.log_Z == pytest.approx(point["logZ"], abs=1e-10)
    assert found.n == pytest.approx(point["n_tot"], abs=1e-10)
    assert found.docc == pytest.approx(point["docc"], abs=1e-10)
    G = np.array(point["G_iw_re"]) + 1j * np.array(point["G_iw_im"])
    Sigma = np.array(point["Sigma_iw_re"]) + 1j * np.array(point["Sigma_iw_im"])
    np.testing.assert_allclose(found.w_n, point["wn"], rtol=1e-14)
    np.testing.assert_allclose(found.G_iw, G, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.Sigma_iw, Sigma, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.G.tau(point["tau"]), point["G_tau"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.G.moments(3), point["moments_G"], rtol=1e-10, atol=1e-10)


def fock_green(U, eps, e, V, beta, z):
    """G(z) of the impurity in the full Fock space of 2 L spin-orbitals, with no symmetry."""
    L = len(e) + 1
    size = 1 << (2 * L)
    below = np.array(
        [[(s & ((1 << p) - 1)).bit_count() % 2 for s in range(size)] for p in range(2 * L)]
    )
    c = []
    for p in range(2 * L):
        m = np.zeros((size, size))
        for s in range(size):
            if s >> p & 1:
                m[s ^ (1 << p), s] = -1.0 if below[p][s] else 1.0
        c.append(m)
    number = [m.T @ m for m in c]
    H = U * number[0] @ number[1]
    for spin in range(2):
        H = H + eps * number[spin]
        for k, (level, hop) in enumerate(zip(e, V, strict=True), start=1):
            d, b = c[spin], c[2 * k + spin]
            H = H + level * number[2 * k + spin] + hop * (d.T @ b + b.T @ d)
    E, states = np.linalg.eigh(H)
    p = np.exp(-beta * (E - E[0]))
    p /= p.sum()
    element = (states.T @ c[0] @ states) ** 2  # <m|d|n>: E_n - E_m
    weight = element * (p[:, None] + p[None, :])
    return np.array([np.sum(weight / (x - (E[None, :] - E[:, None]))) for x in z])


def test_against_the_whole_fock_space():
    model = {"U": 2.3, "eps": -0.7, "e": [-0.6, 0.4], "V": [0.5, -0.3]}
    z = np.array([0.3j, 2.0j, 0.4 + 0.2j])
    bath = DiscreteBath(model["e"], model["V"])
    for beta in (0.7, 8.0):
        found = solve(Impurity(2.3, beta, bath, eps=-0.7))
        # rounding of 64 x 64 matrices, and pruning at 1e-12
        np.testing.assert_allclose(found.G(z), fock_green(**model, beta=beta, z=z), atol=1e-11)


def test_free_impurity_is_exact():
    e, V = np.array([-0.9, 0.2, 1.1]), np.array([0.3, 0.4, -0.55])
    found = solve(Impurity(0.0, 7.0, DiscreteBath(e, V), eps=0.37))
    z = 1j * found.w_n
    exact = 1.0 / (z - 0.37 - (V**2 / (z[:, None] - e)).sum(axis=1))
    np.testing.assert_allclose(found.G_iw, exact, atol=1e-12)
    np.testing.assert_array_equal(found.Sigma_iw, 0.0)
    levels = np.linalg.eigvalsh(
        np.block([[np.array([[0.37]]), V[None, :]], [V[:, None], np.diag(e)]])
    )
    assert found.log_Z == pytest.approx(2 * np.logaddexp(0, -7.0 * levels).sum(), abs=1e-11)


def test_one_diagonalisation_serves_all_temperatures():
    spectrum = _core.ed_spectrum(3.0, -1.2, [-0.5, 0.6], [0.4, 0.3])
    for beta in (1.0, 20.0):
        found = solve(Impurity(3.0, beta, DiscreteBath([-0.5, 0.6], [0.4, 0.3]), eps=-1.2))
        assert spectrum.thermal(beta) == (found.log_Z, found.n, found.docc)


def test_levels_count_the_fock_space():
    spectrum = _core.ed_spectrum(3.0, -1.2, [-0.5, 0.1, 0.6], [0.4, 0.2, 0.3])
    assert sum((s + 1) * len(E) for _, s, E in spectrum.levels()) == 4**4
    assert min(E[0] for _, _, E in spectrum.levels()) == spectrum.ground


def test_threads_change_nothing():
    e, V = np.linspace(-1, 1, 5), np.full(5, 0.2)
    problem = Impurity(3.0, 20.0, DiscreteBath(e, V), eps=-1.3)
    one, two = (solve(problem, threads=t) for t in (1, 2))
    np.testing.assert_array_equal(one.G_iw, two.G_iw)
    assert (one.log_Z, one.n, one.docc) == (two.log_Z, two.n, two.docc)


def test_low_temperature_of_a_wide_problem_stays_finite():
    found = solve(Impurity(40.0, 4000.0, DiscreteBath([-9.0, 8.0], [1.0, 2.0])))
    assert np.all(np.isfinite(found.G_iw))
    assert np.isfinite(found.log_Z)
    assert np.all(np.isfinite(found.G_tau))


def test_poles_are_pruned_as_asked():
    problem = Impurity(3.0, 5.0, DiscreteBath([-1.0, 0.1, 0.8], [0.3, 0.2, 0.4]))
    fine, coarse = solve(problem, prune=0.0), solve(problem, prune=1e-6)
    assert coarse.diagnostics["poles"] < fine.diagnostics["poles"]
    assert coarse.diagnostics["dropped_weight"] <= 1e-6
    assert coarse.G.moments(1)[0] == pytest.approx(
        1.0 - coarse.diagnostics["dropped_weight"], abs=1e-13
    )
    assert np.max(np.abs(coarse.G_iw - fine.G_iw)) <= coarse.error


def test_cancelled_before_it_begins():
    control = _core.Control()
    control.cancel()
    with pytest.raises(Cancelled):
        _core.ed_spectrum(1.0, 0.0, [0.1] * 6, [0.2] * 6, control=control)


@pytest.mark.parametrize(
    ("e", "V", "U", "match"),
    [
        ([0.1], [0.2, 0.3], 1.0, "one entry for every bath site"),
        ([np.nan], [0.2], 1.0, "finite"),
        ([0.1] * 8, [0.2] * 8, 1.0, "at most 7"),
        ([0.1], [0.2], np.inf, "finite"),
    ],
)
def test_the_core_refuses_bad_numbers(e, V, U, match):
    with pytest.raises(ValueError, match=match):
        _core.ed_spectrum(U, 0.0, e, V)


def test_the_core_refuses_residues_of_the_wrong_shape():
    with pytest.raises(ValueError, match="one column for every energy"):
        _core.poles_at_points(np.zeros(3), np.zeros((1, 2)), np.array([1j]))


def test_poles_of_a_resolvent_are_those_of_the_whole_matrix():
    H = np.random.default_rng(0).normal(size=(30, 30))
    H = H + H.T
    E, w = _core.poles_of_resolvent(H)
    z = 0.3 + 0.1j
    wanted = np.linalg.inv(z * np.eye(30) - H)[0, 0]
    # The distance to the poles is 0.1: rounding of weights and energies over its square.
    assert abs(np.sum(w / (z - E)) - wanted) < 1e-12 * abs(wanted)
    assert abs(np.sum(w) - 1.0) < 1e-13
    with pytest.raises(ValueError, match="square"):
        _core.poles_of_resolvent(H[:3])


def test_the_core_refuses_an_interpolation_of_unequal_lists():
    one, two = np.ones(1), np.ones(2)
    with pytest.raises(ValueError, match="agree in length"):
        _core.KajueterKotliar(1.0, 0.0, 1.0, one, two, one, one)


@pytest.mark.parametrize(("sites", "spins"), list(itertools.product((1, 2), (1, -1))))
def test_sign_of_a_hybridisation_is_a_gauge(sites, spins):
    e, V = [0.3, -0.4][:sites], np.array([0.5, 0.2][:sites])
    a = solve(Impurity(2.0, 6.0, DiscreteBath(e, V), eps=-0.9))
    b = solve(Impurity(2.0, 6.0, DiscreteBath(e, spins * V), eps=-0.9))
    np.testing.assert_allclose(a.G_iw, b.G_iw, atol=1e-13)
