"""Spins that differ: a field, a bath for each, and attraction as their image."""

from dataclasses import replace

import numpy as np
import pytest

from kadanoff import bands, dmft
from kadanoff.dmft import DiscreteBath, Impurity, MatsubaraBath, solve
from kadanoff.dmft.solvers.attraction import repulsive, restored
from kadanoff.dmft.solvers.ed import spin_levels
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic

QUIET = {"threads": 1, "progress": False}
# Public benchmark of TRIQS, SIAM_Discrete_Bath: H = -mu n - h (n_up - n_dn) + U n_up n_dn.
TRIQS = Impurity(U=5.0, beta=5.0, bath=DiscreteBath([0.0, 4.0], [2.0, 5.0]), eps=-2.0, h=0.2)
UP, DOWN = DiscreteBath([-0.6, 0.1, 0.8], [0.3, 0.2, 0.5]), DiscreteBath([-0.4, 0.5], [0.4, 0.3])
TWO = Impurity(U=2.0, beta=7.0, bath=UP, eps=-0.7, h=0.15, bath_down=DOWN)


def test_the_benchmark_of_triqs():
    found = solve(TRIQS, **QUIET)
    # ten digits are published
    assert abs(found.log_Z - 44.3412170989) < 1e-10
    assert abs(found.up.n - 0.5849611818) < 1e-10
    assert abs(found.down.n - 0.5560632610) < 1e-10
    assert abs(found.docc - 0.2953826496) < 1e-10
    assert abs(found.up.G_iw[0] - (0.0582401185 - 0.0859311323j)) < 1e-10
    assert abs(found.down.G_iw[0] - (0.0558368646 - 0.0912498246j)) < 1e-10
    assert abs(found.up.Sigma_iw[0] - (2.8949225898 - 0.0216309316j)) < 1e-10
    assert abs(found.down.Sigma_iw[0] - (3.0204839398 - 0.0207724685j)) < 1e-10
    assert found.m == found.up.n - found.down.n
    assert "m=0.0288979" in repr(found)


def test_equal_spins_are_those_of_the_other_core():
    alike = Impurity(U=2.0, beta=7.0, bath=UP, eps=-0.7)
    known = solve(alike, **QUIET)
    one = spin_levels(alike, (UP, UP), dmft.protocol.Run())
    z = 1j * fermionic(7.0, 512)
    for spin in range(2):
        sums = one.green(spin, 7.0, 1e-12, z)
        assert np.max(np.abs(sums.G - known.G_iw)) < 1e-11
        assert np.max(np.abs(2.0 * sums.F / sums.G - known.Sigma_iw)) < 1e-10
    assert abs(one.log_Z(7.0) - known.log_Z) < 1e-11
    assert abs(sum(one.thermal(7.0)[:2]) - known.n) < 1e-12


def test_two_baths_obey_dyson_and_the_occupations_of_g():
    found = solve(TWO, **QUIET)
    z = 1j * found.w_n
    for spin, level, bath in ((found.up, -0.85, UP), (found.down, -0.55, DOWN)):
        Delta = GreenFunction(bath.e, np.square(bath.V), 7.0)(z)
        assert np.max(np.abs(spin.Delta_iw - Delta)) < 1e-13
        assert np.max(np.abs(1.0 / (z - level - Delta - spin.Sigma_iw) - spin.G_iw)) < 1e-11
        assert abs(spin.G.occupation - spin.n) < 1e-11
    assert np.array_equal(found.G_iw, 0.5 * (found.up.G_iw + found.down.G_iw))
    assert abs(2.0 * found.G.occupation - found.n) < 1e-11


def test_a_bath_for_each_spin_is_exchanged_with_the_field():
    found = solve(TWO, **QUIET)
    other = Impurity(U=2.0, beta=7.0, bath=DOWN, eps=-0.7, h=-0.15, bath_down=UP)
    exchanged = solve(other, **QUIET)
    assert np.max(np.abs(exchanged.up.G_iw - found.down.G_iw)) < 1e-12
    assert abs(exchanged.m + found.m) < 1e-12


def test_without_interaction_each_spin_is_free():
    free = Impurity(U=0.0, beta=7.0, bath=UP, eps=-0.3, h=0.2, bath_down=DOWN)
    found = solve(free, **QUIET)
    assert np.max(np.abs(found.up.Sigma_iw)) < 1e-12
    assert abs(found.docc - found.up.n * found.down.n) < 1e-12


def test_a_field_without_bath_is_exact_from_every_solver():
    # TRIQS' Hubbard_Atom in a field: beta = 160, U = 1, mu = 1/2
    atom = Impurity(U=1.0, beta=160.0, bath=DiscreteBath([], []), eps=-0.5, h=0.01)
    weights = np.exp(-160.0 * (np.array([0.0, -0.51, -0.49, 0.0]) + 0.51))
    n_up = (weights[1] + weights[3]) / weights.sum()
    for name, solver in dmft.SOLVERS.items():
        found = solve(atom, solver=name, **QUIET)
        assert abs(found.up.n - n_up) < 1e-12, name
        assert abs(found.docc - weights[3] / weights.sum()) < 1e-12, name
        assert solver.name == name


def test_the_atom_of_triqs_is_exact_from_every_solver():
    atom = Impurity(U=1.0, beta=160.0, bath=DiscreteBath([], []), eps=-0.5)
    for name in dmft.SOLVERS:
        found = solve(atom, solver=name, **QUIET)
        z = 1j * found.w_n
        assert np.max(np.abs(found.G_iw - z / (z * z - 0.25))) < 1e-12, name
        assert np.max(np.abs(found.Sigma_iw - 0.5 - 0.25 / z)) < 1e-9, name


FIELD = Impurity(U=2.0, beta=7.0, bath=UP, h=0.1)
BATHS = Impurity(U=2.0, beta=7.0, bath=UP, bath_down=DOWN)
BANDS = Impurity(2.0, 5.0, bands.FlatBand(1.0), V=0.3, bath_down=bands.SemicircularBand(1.0))


@pytest.mark.parametrize(
    "problem", [FIELD, BATHS, BANDS, TRIQS], ids=["h", "baths", "bands", "all"]
)
@pytest.mark.parametrize("solver", sorted(dmft.SOLVERS))
def test_other_solvers_refuse_spins_by_name(solver, problem):
    if dmft.SOLVERS[solver].spins:
        assert solver in ("ed", "cthyb", "nrg")  # each with tests against exact numbers
        return
    remedy = f"solver '{solver}' takes neither a field .*'ed'.* do"
    for U in (problem.U, -problem.U):
        with pytest.raises(ValueError, match=remedy):
            solve(replace(problem, U=U), solver=solver, **QUIET)
    for more in ({"field": 0.1}, {"order": "antiferro"}, {"order": "antiferro", "field": 0.1}):
        with pytest.raises(ValueError, match=remedy):
            dmft.loop(U=problem.U, beta=5.0, solver=solver, **more, **QUIET)


def test_there_is_no_hybridisation_of_both_spins():
    with pytest.raises(ValueError, match="depends on spin: take problem"):
        TWO.Delta()


@pytest.mark.parametrize("solver", ["nrg", "ipt", "nca"])
def test_other_solvers_refuse_attraction_by_name(solver):
    with pytest.raises(ValueError, match=f"U must be at least 0 for the solver '{solver}'"):
        solve(Impurity(-1.0, 5.0, UP), solver=solver, **QUIET)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"h": np.nan}, ValueError, "h must be finite"),
        ({"h": "up"}, TypeError, "h must be a real"),
        ({"bath_down": 3.0}, TypeError, "bath_down must be a DiscreteBath"),
    ],
)
def test_bad_input(arguments, error, match):
    with pytest.raises(error, match=match):
        Impurity(2.0, 5.0, UP, **arguments)
    with pytest.raises(ValueError, match="spin must be"):
        TWO.of_spin("left")
    with pytest.raises(ValueError, match="at most 6"):
        solve(Impurity(2.0, 5.0, DiscreteBath(np.arange(7.0), np.ones(7)), h=0.1), **QUIET)


def test_two_equal_baths_are_one():
    assert Impurity(2.0, 5.0, UP, bath_down=DiscreteBath(UP.e, UP.V)).bath_down is None
    band = Impurity(2.0, 5.0, bands.FlatBand(1.0), V=0.3, bath_down=bands.SemicircularBand(1.0))
    assert band.of_spin("down").V == 0.3


def test_a_solution_of_two_spins_is_stored(tmp_path):
    found = solve(TWO, **QUIET)
    found.save(tmp_path / "two.npz")
    again = dmft.Solution.load(tmp_path / "two.npz")
    assert np.array_equal(again.down.Sigma_iw, found.down.Sigma_iw)
    assert again.problem == TWO


# ------------------------------------------------------------------------------------ attraction


def test_attraction_is_repulsion_of_particles_and_holes():
    problem = Impurity(U=-2.5, beta=6.0, bath=UP, eps=0.9, h=0.15, bath_down=DOWN)
    direct, image = solve(problem, **QUIET), solve(repulsive(problem), **QUIET)
    found = restored(problem, image)
    for one, other in ((found.up, direct.up), (found.down, direct.down)):
        assert np.max(np.abs(one.G_iw - other.G_iw)) < 1e-12
        # Sigma = U F / G, both to 1e-13
        assert np.max(np.abs(one.Sigma_iw - other.Sigma_iw)) < 1e-11
        assert abs(one.n - other.n) < 1e-12
        assert abs(one.G.occupation - other.n) < 1e-12
    assert abs(found.docc - direct.docc) < 1e-12
    # H = H' + eps_dn + sum of the levels of its bath
    constant = 0.9 + 0.15 + sum(DOWN.e)
    assert abs(image.log_Z - 6.0 * constant - direct.log_Z) < 1e-12 * abs(direct.log_Z)


def test_attraction_of_equal_spins_agrees_between_cores():
    problem = Impurity(U=-2.5, beta=6.0, bath=UP, eps=0.9)
    direct = solve(problem, **QUIET)  # sectors of total spin
    found = restored(problem, solve(repulsive(problem), **QUIET))
    assert found.by_spin is None
    assert np.max(np.abs(found.G_iw - direct.G_iw)) < 1e-12
    assert abs(found.docc - direct.docc) < 1e-12
    assert solve(problem, solver="lanczos", **QUIET).docc == pytest.approx(direct.docc, abs=1e-9)


def test_a_half_filled_attractive_problem_has_a_half_filled_image():
    w = fermionic(6.0, 256)
    bath = MatsubaraBath(GreenFunction([-0.5, 0.5], [0.1, 0.1], 6.0)(1j * w), (0.2, 0.0, 0.05, 0.0))
    image = repulsive(Impurity(U=-2.5, beta=6.0, bath=bath))
    assert not image.depends_on_spin
    assert image.is_half_filled


# -------------------------------------------------------------------------------- by Monte Carlo


def _pulls(found, exact):
    """Deviations in standard errors: of n, m and docc, and of G and Sigma at low frequency."""
    known = found.diagnostics
    yield (found.n - exact.n) / known["n_error"]
    yield (found.m - exact.m) / known["m_error"]
    yield (found.docc - exact.docc) / known["docc_error"]
    for one, other in ((found.up, exact.up), (found.down, exact.down)):
        yield (one.n - other.n) / one.n_error
        yield abs(one.G_iw[0] - other.G_iw[0]) / one.G_iw_error[0]
        yield abs(one.Sigma_iw[0] - other.Sigma_iw[0]) / one.Sigma_iw_error[0]


def test_the_benchmark_of_triqs_by_monte_carlo():
    found = solve(TRIQS, solver="cthyb", sweeps=2**14, seed=4, **QUIET)
    # nine numbers, of which one in 10^5 runs exceeds five errors
    assert max(map(abs, _pulls(found, solve(TRIQS, **QUIET)))) < 5.0
    assert found.diagnostics["m_error"] < 0.01


def test_two_baths_by_monte_carlo():
    found = solve(TWO, solver="cthyb", sweeps=2**15, seed=5, **QUIET)
    assert max(map(abs, _pulls(found, solve(TWO, **QUIET)))) < 5.0


def test_attraction_by_monte_carlo():
    problem = Impurity(U=-1.5, beta=6.0, bath=UP, eps=0.9)
    exact = solve(problem, **QUIET)
    found = solve(problem, solver="cthyb", sweeps=2**15, seed=6, **QUIET)
    known = found.diagnostics
    assert abs(found.n - exact.n) < 5.0 * known["n_error"]
    assert abs(found.docc - exact.docc) < 5.0 * known["docc_error"]
    assert abs(found.G_iw[0] - exact.G_iw[0]) < 5.0 * known["G_iw_error"][0]
    assert known["n_error"] < 0.05


# ---------------------------------------------------------------------------------- wide bands


def test_an_infinite_band_is_refused_by_name():
    # TRIQS' SIAM_Wide_Band: Delta(iw) = -i Gamma
    with pytest.raises(ValueError, match="an infinite band has no finite sum"):
        MatsubaraBath(np.full(512, -1.0j))
    with pytest.raises(ValueError, match="infinite band"):
        Impurity(4.0, 5.0, np.full(64, 0.3 - 1.0j))


@pytest.mark.parametrize("D", [50.0, 100.0])
def test_a_wide_band_by_two_solvers(D):
    # Gamma = pi V^2 / 2 D = 1
    problem = Impurity(4.0, 5.0, bands.FlatBand(D), V=np.sqrt(2.0 * D / np.pi))
    by_nrg = solve(problem, solver="nrg", **QUIET)
    sampled = solve(problem, solver="cthyb", sweeps=2**14, seed=1, **QUIET)
    known = sampled.diagnostics
    assert abs(sampled.docc - by_nrg.docc) < 4.0 * known["docc_error"] + 5e-4
    error = known["G_iw_error"][:4] + by_nrg.error
    assert np.max(np.abs(sampled.G_iw - by_nrg.G_iw)[:4] / error) < 4.0


def test_chains_turn_a_local_moment_around():
    # Without exchanges of the spins the memory of m is 50 sweeps and more, the length of a chain.
    bath = DiscreteBath([-0.6, 0.1, 0.8], [0.3, 0.3, 0.4])
    problem = Impurity(U=8.0, beta=20.0, bath=bath, h=0.01)
    exact = solve(problem, **QUIET)
    found = solve(problem, solver="cthyb", sweeps=2**14, seed=1, **QUIET)
    known = found.diagnostics
    assert known["acceptance"]["exchange"] > 0.5
    assert known["autocorrelation"]["polarisation"] < 10.0
    assert abs(found.m - exact.m) < 5.0 * known["m_error"] < 0.1
    attractive = Impurity(U=-8.0, beta=20.0, bath=bath, eps=4.01)
    exact = solve(attractive, **QUIET)
    found = solve(attractive, solver="cthyb", sweeps=2**14, seed=1, **QUIET)
    assert abs(found.n - exact.n) < 5.0 * found.diagnostics["n_error"] < 0.25
    equal = solve(Impurity(U=2.0, beta=5.0, bath=UP), solver="cthyb", sweeps=2**14, **QUIET)
    assert "exchange" not in equal.diagnostics["acceptance"]
