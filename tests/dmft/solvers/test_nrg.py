"""The NRG as an impurity solver: against exact diagonalisation, between its axes, in the loop."""

import numpy as np
import pytest

from kadanoff import Cancelled, Control, NotConverged
from kadanoff.bands.densities import SemicircularBand, TabulatedBand
from kadanoff.dmft import DiscreteBath, Impurity, MatsubaraBath, bethe, solve
from kadanoff.dmft.solvers.nrg import real_grid

SEMICIRCLE = SemicircularBand()


@pytest.fixture(scope="module")
def half_filled():
    return solve(Impurity(2.0, 50.0, SEMICIRCLE), solver="nrg")


@pytest.mark.parametrize("eps", [-1.0, -0.6])
def test_against_exact_diagonalisation(eps):
    # six sites at beta = 50 fit the semicircle to 1e-4: what differs is the NRG's own error
    problem = Impurity(2.0, 50.0, SEMICIRCLE, eps=eps)
    found, exact = solve(problem, solver="nrg"), solve(problem, sites=6)
    assert found.n == pytest.approx(exact.n, abs=5e-4)
    assert found.docc == pytest.approx(exact.docc, abs=3e-4)
    assert pytest.approx(exact.Z, rel=0.02) == found.Z
    deviation = np.max(np.abs(found.G_iw - exact.G_iw))
    assert deviation < 1.5 * found.error < 0.03


def test_no_interaction():
    # Sigma vanishes, and the improved G is that of the continuous band
    problem = Impurity(0.0, 100.0, SEMICIRCLE, eps=0.2)
    found, exact = solve(problem, solver="nrg"), solve(problem, solver="hubbard1")
    np.testing.assert_allclose(found.G_iw, exact.G_iw, atol=1e-5)  # the table of the semicircle
    assert found.n == pytest.approx(exact.n, abs=1e-3)
    assert found.G_w.norm == pytest.approx(1.0, abs=1e-3)


def filling(problem, centre):
    """n without interaction, in a semicircle of half width 1 about `centre`, by 800 levels."""
    edges = np.linspace(-1.0, 1.0, 801)
    e = 0.5 * (edges[1:] + edges[:-1])
    weight = np.sqrt(1.0 - e * e)
    V = np.sqrt(0.25 * weight / np.sum(weight))
    H = np.diag(np.concatenate([[problem.eps], centre + e]))
    H[0, 1:] = H[1:, 0] = V
    levels, states = np.linalg.eigh(H)
    return 2.0 * np.sum(states[0] ** 2 / (1.0 + np.exp(problem.beta * levels)))


def test_occupations_carry_an_error():
    deviations = []
    w = real_grid(0.05, 2.8)
    for centre in (0.0, 0.3, -0.6):
        density = 0.5 / np.pi * np.sqrt(np.maximum(1.0 - (w - centre) ** 2, 1e-16))
        for eps in (-0.3, 0.5):
            problem = Impurity(0.0, 20.0, TabulatedBand(w, density), eps=eps)
            found = solve(problem, solver="nrg", keep=100)
            n, errors = filling(problem, centre), found.diagnostics
            deviations.append((found.n - n) / errors["n_error"])
            deviations.append((found.docc - 0.25 * n * n) / errors["docc_error"])
            assert errors["n_error"] < 0.03
    # Four twists: Student's t with three degrees of freedom has the variance 3; measured: 1.8.
    assert np.mean(np.square(deviations)) < 4.0
    assert np.max(np.abs(deviations)) < 6.0
    one = solve(problem, solver="nrg", keep=100, twists=1)
    assert np.isnan(one.diagnostics["n_error"])


@pytest.mark.parametrize(("keep", "Lambda"), [(500, 1.6), (250, 2.0)])
def test_truncation_is_in_the_error(keep, Lambda):
    """Estimators and axes agree where all of them are truncated: other runs show it.

    Without their share the error is a half to two thirds of the deviation.
    """
    problem = Impurity(2.0, 20.0, SEMICIRCLE)
    exact = solve(problem, sites=6)  # to 1e-4
    found = solve(problem, solver="nrg", keep=keep, Lambda=Lambda)
    deviation = np.max(np.abs(found.G_iw - exact.G_iw))
    without = found.error - found.diagnostics["truncated"]
    assert 1.3 * without < deviation < found.error < 3.0 * deviation
    docc_error = found.diagnostics["docc_error"]
    assert abs(found.docc - exact.docc) < 2.5 * docc_error < 0.01


@pytest.mark.parametrize("scheme", ["wilson", "campo-oliveira"])
def test_discretisation_is_in_the_error(scheme):
    """All twists of these schemes are off in one direction: their scatter is no error."""
    problem = Impurity(2.0, 20.0, SEMICIRCLE, eps=-0.7)
    exact = solve(problem, sites=6)  # to 1e-4
    found = solve(problem, solver="nrg", scheme=scheme, Lambda=4.0)
    known = found.diagnostics
    deviation = np.max(np.abs(found.G_iw - exact.G_iw))
    assert deviation < found.error < 4.0 * deviation
    assert known["discretised"] > 0.5 * deviation
    scatter = known["dynamics"].expectation_scatter["docc"][0]
    assert 4.0 * scatter < abs(found.docc - exact.docc) < 2.0 * known["docc_error"]


def test_few_states_have_no_known_error():
    found = solve(Impurity(2.0, 20.0, SEMICIRCLE), solver="nrg", keep=60, twists=1)
    assert found.error is None
    assert np.isnan(found.diagnostics["docc_error"])
    assert "unknown" in repr(found)


def test_the_free_lattice_is_half_filled():
    # The density of the lattice ends between two frequencies: a trapezoid lost 7e-4.
    loop = bethe(U=0.0, beta=20.0, solver="nrg", keep=100, twists=1)
    assert loop.n == pytest.approx(1.0, abs=1e-9)
    assert loop.solution.n == pytest.approx(1.0, abs=1e-9)


def test_both_axes_agree(half_filled):
    G = half_filled.G_w
    assert np.all(G.A > 0.0)
    assert np.all(half_filled.Sigma_w.values.imag < 0.0)
    assert G.norm == pytest.approx(1.0, abs=2e-3)
    np.testing.assert_allclose(G.iw(64), half_filled.G_iw[:64], atol=1.5 * half_filled.error)
    tau = half_filled.G.tau(np.array([0.0, 50.0]))
    assert tau.sum() == pytest.approx(-1.0, abs=1e-12)
    # high frequencies: Hartree, then U^2 n (1 - n) / iw
    w, Sigma = half_filled.w_n[-1], half_filled.Sigma_iw[-1]
    assert Sigma.real == pytest.approx(1.0, abs=1e-9)
    assert -Sigma.imag * w == pytest.approx(1.0, abs=1e-2)


def test_luttinger_pinning_at_low_temperature():
    # at T << T_K, A(0) = 1 / (pi Gamma) whatever U: here Delta(0) = -i D / 2
    found = solve(Impurity(1.5, 1e5, SEMICIRCLE), solver="nrg")
    assert found.G_w.spectrum(0.0) == pytest.approx(2.0 / np.pi, rel=5e-3)


def test_particle_hole_partners():
    up, down = (solve(Impurity(2.0, 20.0, SEMICIRCLE, eps=e), solver="nrg") for e in (-0.7, -1.3))
    # the twisted discretisations of both are mirror images
    assert up.n + down.n == pytest.approx(2.0, abs=1e-6)
    np.testing.assert_allclose(up.G_iw, -down.G_iw.conj(), atol=1e-5)


def test_metal_and_insulator_at_zero_temperature():
    # U_c2 = 2.94(5), U_c1 near 2.4 (R. Bulla, PRL 83, 136 (1999)): at U = 2.7 both exist.
    options = {
        "beta": 1e4,
        "solver": "nrg",
        "Lambda": 3.0,
        "keep": 300,
        "twists": 1,
        "tolerance": 3e-3,
    }
    metal = bethe(U=2.7, start="metal", **options)
    insulator = bethe(U=2.7, start="insulator", **options)
    assert metal.is_metallic
    assert not insulator.is_metallic
    assert 0.02 < metal.Z < 0.08
    assert insulator.Z < 1e-4
    assert insulator.docc < metal.docc
    # the metal is pinned at A(0) = 2 / (pi D); the insulator has a gap there
    assert metal.solution.G_w.spectrum(0.0) == pytest.approx(2.0 / np.pi, rel=0.02)
    assert insulator.solution.G_w.spectrum(0.0) < 1e-3
    again = bethe(U=2.7, start=metal, **options)
    assert again.iterations <= 2


def linear_steps(U, start, count):
    """A loop that is not let end."""
    options = {"Lambda": 3.0, "keep": 600, "twists": 1, "mixing": "linear", "tolerance": 1e-12}
    with pytest.raises(NotConverged) as caught:
        bethe(U=U, beta=1e6, solver="nrg", start=start, max_iterations=count, threads=1, **options)
    return caught.value.partial


@pytest.mark.slow
def test_end_of_the_metal_at_zero_temperature():
    # A resonance that is narrow against everything else and wide against T grows by a constant
    # factor a step below U_c2 and shrinks above (G. Moeller et al., PRL 74, 2082 (1995)), so that
    # U_c2 is bracketed from both sides with no loop that must converge. Table in
    # kadanoff.dmft.loops.narrow_resonance; U_c2 = 2.94(5): R. Bulla, PRL 83, 136 (1999).
    narrow = linear_steps(3.3, "metal", 11)
    assert 2e-4 < narrow.Z < 2e-3
    rate = {}
    for U in (2.89, 2.99):
        ratios = np.diff(np.log(linear_steps(U, narrow, 6).history["Z"]))
        np.testing.assert_allclose(ratios[-2:], ratios[-1], atol=0.01)  # a constant factor
        rate[U] = ratios[-1]
    assert rate[2.89] > 0.03
    assert rate[2.99] < -0.03
    U_c2 = 2.89 + 0.1 * rate[2.89] / (rate[2.89] - rate[2.99])
    assert U_c2 == pytest.approx(2.94, abs=0.03)  # seven settings have 2.930 to 2.971


def test_own_grid_and_options():
    omega = real_grid(0.02, 3.0, 20)
    found = solve(Impurity(1.0, 50.0, SEMICIRCLE), solver="nrg", omega=omega, twists=1, keep=200)
    np.testing.assert_array_equal(found.G_w.omega, omega)
    table = TabulatedBand(omega, found.G_w.A * 0.25)
    loop = Impurity(1.0, 50.0, table)
    assert loop.Delta_moments()[0] == pytest.approx(0.25, abs=2e-3)
    from matplotlib.figure import Figure

    ax = found.plot(Figure().subplots(), quantity="spectrum")
    assert np.max(ax.lines[0].get_ydata()) == pytest.approx(np.max(found.G_w.A))


def test_cancel():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        solve(Impurity(1.0, 50.0, SEMICIRCLE), solver="nrg", control=control)


VALUES = 0.25 / (1j * np.pi / 50 * (2 * np.arange(32) + 1))


@pytest.mark.parametrize(
    ("bath", "options", "error", "match"),
    [
        (DiscreteBath([0.1], [0.2]), {}, ValueError, "solver='ed' is exact"),
        (MatsubaraBath(VALUES), {}, ValueError, "real axis"),
        (SEMICIRCLE, {"beta": 1.0}, ValueError, "temperatures below"),
        (SEMICIRCLE, {"twists": 0}, ValueError, "twists"),
        (SEMICIRCLE, {"twists": 33}, ValueError, "at most 32"),
        (SEMICIRCLE, {"estimator": "best"}, ValueError, "estimator"),
        (SEMICIRCLE, {"broadening": 0.0}, ValueError, "broadening"),
        (SEMICIRCLE, {"omega": [1.0, 0.0]}, ValueError, "sorted"),
        (SEMICIRCLE, {"Lambda": 1.0}, ValueError, "Lambda"),
        (SEMICIRCLE, {"sites": 4}, TypeError, "no option"),
    ],
)
def test_bad_input(bath, options, error, match):
    beta = options.pop("beta", 50.0)
    with pytest.raises(error, match=match):
        solve(Impurity(1.0, beta, bath), solver="nrg", **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"omega": [-0.5, 0.5]}, "beyond the band"),
        ({"omega": [-2.0, 0.1, 3.0]}, "symmetric"),
        ({"start": "ipt"}, "no real frequencies"),
    ],
)
def test_loops_that_cannot_begin(options, match):
    if options.get("start") == "ipt":
        options = {"start": bethe(U=1.0, beta=50.0, solver="ipt")}
    with pytest.raises(ValueError, match=match):
        bethe(U=1.0, beta=50.0, solver="nrg", **options)


def test_baths_of_both_spins_and_a_field():
    """Two bands and a field: the functions and occupations of exact diagonalisation."""
    w = np.linspace(-1.0, 1.0, 41)
    up, down = (TabulatedBand(w, np.full(41, rho)) for rho in (0.05, 0.09))
    problem = Impurity(U=0.6, beta=50, bath=up, V=1.0, bath_down=down, h=0.05)
    found = solve(problem, solver="nrg", twists=2, keep=300)
    exact = solve(problem, solver="ed", sites=5)
    # A fitted bath of five sites, and two twists: 3e-3 of G_iw, 1e-3 of the occupations.
    for own, other, spin in ((found.up, exact.up, "up"), (found.down, exact.down, "down")):
        assert own.G_iw[:5] == pytest.approx(other.G_iw[:5], abs=0.01)
        assert own.n == pytest.approx(other.n, abs=2e-3)
        Delta = problem.of_spin(spin).Delta().iw(3)
        assert own.Delta_iw[:3] == pytest.approx(Delta, abs=1e-3)
    assert found.docc == pytest.approx(exact.docc, abs=2e-3)
    assert found.G_w is not None
    assert found.n == pytest.approx(found.up.n + found.down.n)
