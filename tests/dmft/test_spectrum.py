"""One type of spectrum for all solvers with a real axis, and a refusal for the others."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.dmft import DiscreteBath, Impurity, Solution, Spectrum, bethe, solve
from kadanoff.dmft.lattices import Tabulated
from kadanoff.dmft.solvers import ftlm

FOUR = DiscreteBath([-0.8, -0.15, 0.2, 0.8], [0.28, 0.22, 0.2, 0.28])
PROBLEM = Impurity(2.0, 20.0, FOUR, eps=-0.9)
W = np.linspace(-3.0, 3.0, 61)
POLES = ("ed", "lanczos", "hubbard1", "ipt")


def whole_axis(count=20001):
    """Frequencies tan(x) of a midpoint rule over the whole axis, and its weights."""
    x = np.pi * ((np.arange(count) + 0.5) / count - 0.5)
    return np.tan(x), np.pi / count / np.cos(x) ** 2


@pytest.mark.parametrize("name", POLES)
def test_a_lorentzian_keeps_the_sum_rules(name):
    w, weight = whole_axis()
    found = solve(PROBLEM, solver=name).spectral(w, eta=0.1)
    assert isinstance(found, Spectrum)
    assert np.min(found.A) > 0
    # Poles lie 0.1 / (1 + w^2) off the axis of x, at least 0.005: the error is exp(-200).
    assert weight @ found.A == pytest.approx(1.0, abs=1e-10)
    # Electrons of the lattice, too: Sigma is that of w + i eta.
    assert weight @ found.A_k([-0.7, 0.4]).T == pytest.approx([1.0, 1.0], abs=1e-10)
    assert found.error is None
    assert found.broadening == "Lorentzian of half width eta = 0.1"


def test_the_default_broadening_is_stated():
    found = solve(PROBLEM).spectral(0.3)
    assert found.eta == np.pi / 20.0
    assert repr(found) == "Spectrum(ed: 1 frequency at 0.3, Lorentzian of half width eta = 0.157)"
    assert "Lorentzian" in found._repr_html_()


def test_poles_against_their_sum_and_the_closed_form_of_an_atom():
    solution = solve(PROBLEM)
    found = solution.spectral(W, eta=0.2)
    e, weight = solution.G.energies, solution.G.weights
    lorentzians = 0.2 / np.pi / ((W[:, None] - e) ** 2 + 0.04)
    np.testing.assert_allclose(found.A, lorentzians @ weight, atol=1e-12)
    z = W + 0.2j
    free = solve(Impurity(0.0, 20.0, FOUR, eps=-0.3)).spectral(W, eta=0.2)
    assert np.max(np.abs(free.Sigma)) < 1e-11
    # Dyson's equation ties the three.
    Delta = np.square(FOUR.V) @ (1 / (z - np.array(FOUR.e)[:, None]))
    np.testing.assert_allclose(1 / found.G, z + 0.9 - Delta - found.Sigma, atol=1e-10)
    np.testing.assert_allclose(found.A_k(0.0), -(1 / (z + 0.9 - found.Sigma)).imag / np.pi)
    for name in ("ed", "nrg", "cthyb", "nca"):  # without hybridisation every solver is exact
        atom = solve(Impurity(2.0, 20.0, kd.FlatBand(D=1.0), eps=-1.0, V=0.0), solver=name)
        Sigma = atom.spectral(W, eta=0.2).Sigma
        np.testing.assert_allclose(Sigma, 1.0 + 1.0 / z, rtol=1e-11)


def test_solvers_of_one_bath_agree():
    exact = solve(PROBLEM).spectral(W, eta=0.1)
    lanczos = solve(PROBLEM, solver="lanczos").spectral(W, eta=0.1)
    np.testing.assert_allclose(lanczos.Sigma, exact.Sigma, atol=1e-6)
    random = solve(PROBLEM, solver="ftlm", vectors=8, steps=40, exact=16, seed=1, threads=1)
    found = random.spectral(W, eta=0.1)
    assert np.all(found.error > 0)
    # Standard errors from eight samples; those of 61 frequencies are correlated.
    assert np.max(np.abs(found.A - exact.A) / found.error) < 5
    # The random vectors are those of the solution: at i w_n they give its values.
    G, error = ftlm.green(random, 1j * random.w_n)
    np.testing.assert_array_equal(G, random.G_iw)
    np.testing.assert_array_equal(error, random.diagnostics["G_error"])


def test_hubbard1_in_a_band_has_the_delta_of_the_band():
    for band in (kd.SemicircularBand(D=1.0), kd.FlatBand(D=1.0), kd.bands.PowerLawBand(r=0.5)):
        problem = Impurity(2.0, 20.0, band, eps=-0.7, V=0.4)
        found = solve(problem, solver="hubbard1").spectral(W, eta=0.05)
        # Gauss-Legendre panels narrower than eta, towards the singularity of a power law.
        edges = np.unique(np.r_[np.linspace(-1, 1, 201), np.geomspace(1e-9, 1e-2, 40)])
        edges = np.unique(np.r_[edges, -edges])
        x, gauss = np.polynomial.legendre.leggauss(8)
        half = 0.5 * np.diff(edges)[:, None]
        e = (0.5 * (edges[1:] + edges[:-1])[:, None] + half * x).ravel()
        weight = (half * gauss).ravel() * band.density(e)
        z = W + 0.05j
        Delta = 0.16 * (1 / (z[:, None] - e)) @ weight
        # Linear interpolation of the density of the power law on 2,400 energies.
        np.testing.assert_allclose(1 / found.G, z + 0.7 - found.Sigma - Delta, atol=2e-4)


def test_nrg_and_nca_have_their_own_axis():
    problem = Impurity(2.0, 20.0, kd.SemicircularBand(D=1.0))
    nrg = solve(problem, solver="nrg", keep=150, twists=1, threads=1)
    nca = solve(problem, solver="nca", real_axis=True)
    for solution, words in ((nrg, "log-Gaussian of width b = 0.8"), (nca, "no broadening")):
        grid = solution.G_w.omega[10:-10:7]
        found = solution.spectral(grid)
        assert found.broadening.startswith(words)
        assert found.eta == 0.0
        np.testing.assert_allclose(found.G, solution.G_w.values[10:-10:7], rtol=1e-9)
        between = solution.spectral(W)
        assert np.min(between.A) > 0
        assert np.trapezoid(between.A, W) == pytest.approx(1.0, abs=0.02)
        assert between.A_k([0.0, 0.5]).shape == (2, W.size)
        with pytest.raises(ValueError, match="eta belongs to solvers with poles"):
            solution.spectral(W, eta=0.1)
        with pytest.raises(ValueError, match="w must lie within the frequencies"):
            solution.spectral([0.0, 100.0])


def test_a_self_energy_that_is_not_causal_has_no_spectrum_of_the_lattice():
    found = Spectrum(
        w=np.array([0.0, 0.5]),
        G=np.array([-1j, -1j]),
        Sigma=np.array([-0.1j, 0.02j]),
        mu=0.0,
        eta=0.0,
        broadening="none",
        solver="mine",
    )
    with pytest.raises(ValueError, match=r"not causal at w = 0\.5, where Im Sigma = 0\.02"):
        found.A_k(0.0)


def test_the_spectrum_of_a_loop_is_that_of_its_lattice():
    loop = bethe(U=2.0, beta=20.0, solver="ed", sites=3, seed=0)
    found = loop.spectral(W, eta=0.1)
    # Gauss quadrature with the weight of the semicircle.
    theta = np.pi * np.arange(1, 400) / 400
    A = (2 / 400 * np.sin(theta) ** 2) @ found.A_k(np.cos(theta))
    np.testing.assert_allclose(found.A, A, atol=1e-12)
    np.testing.assert_array_equal(found.Sigma, loop.solution.spectral(W, eta=0.1).Sigma)
    # Hubbard-I knows Sigma(w), and Delta at Matsubara frequencies alone.
    simple = bethe(U=2.0, beta=20.0, solver="hubbard1")
    assert np.trapezoid(simple.spectral(W, eta=0.02).A, W) == pytest.approx(1.0, abs=0.02)
    with pytest.raises(ValueError, match=r"Loop\.spectral"):
        simple.solution.spectral(W)


def test_energies_and_mu_are_those_of_the_lattice():
    # A triangle of mean 0.4, not at half filling.
    lattice = Tabulated([-0.5, 0.2, 1.5], [0.0, 1.0, 0.0])
    loop = kd.dmft.loop(lattice=lattice, U=0.0, beta=10.0, mu=0.3, solver="hubbard1")
    w, weight = whole_axis()
    A = loop.spectral(w, eta=1e-3).A
    n = 2 * weight @ (A / (1 + np.exp(np.minimum(10.0 * w, 700))))
    assert n == pytest.approx(loop.n, abs=2e-3)  # eta
    assert loop.spectral(0.0, eta=1e-6).A[0] == pytest.approx(lattice.density(0.3), rel=1e-4)


@pytest.mark.parametrize(
    ("bath", "name", "options", "way"),
    [
        (FOUR, "nca", {}, "real_axis=True"),
        (kd.SemicircularBand(), "ipt", {}, "DiscreteBath of up to 9 sites"),
        (FOUR, "cthyb", {"sweeps": 2**14, "seed": 1, "threads": 1}, "spectral_bounds"),
    ],
)
def test_solvers_on_the_imaginary_axis_refuse_by_name(bath, name, options, way):
    solution = solve(Impurity(1.0, 10.0, bath), solver=name, progress=False, **options)
    for ask in (lambda: solution.spectral(W), lambda: solution.plot(quantity="spectrum")):
        with pytest.raises(ValueError, match=f"solver '{name}' has no real axis here.*{way}"):
            ask()


def test_a_file_keeps_the_real_axis(tmp_path):
    for name, own in (("ed", {}), ("ftlm", {"vectors": 2, "steps": 20, "seed": 1})):
        solution = solve(PROBLEM, solver=name, threads=1, **own)
        solution.save(tmp_path / f"{name}.npz")
        again = Solution.load(tmp_path / f"{name}.npz")
        np.testing.assert_array_equal(again.spectral(W).G, solution.spectral(W).G)


def test_bad_input_and_pictures():
    from matplotlib.figure import Figure

    solution = solve(PROBLEM)
    for w, eta, message in (
        ([[0.0]], None, "one row"),
        ([], None, "one row"),
        ([np.inf], None, "w must be finite"),
        ([0.0], 0.0, "eta must be above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            solution.spectral(w, eta=eta)
    found = solution.spectral(W)
    ax = found.plot(Figure().subplots(), label="ED")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), found.A)
    found.plot(ax, quantity="Sigma")
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), -found.Sigma.imag)
    with pytest.raises(ValueError, match="quantity must be"):
        found.plot(ax, quantity="G")
    random = solve(PROBLEM, solver="ftlm", vectors=2, steps=20, seed=1, threads=1)
    assert random.spectral(W).plot(Figure().subplots()).collections


def test_spins_that_differ_have_two_spectra():
    down = DiscreteBath([-0.5, 0.6], [0.3, 0.4])
    solution = solve(Impurity(2.0, 20.0, FOUR, eps=-0.9, h=0.2, bath_down=down))
    with pytest.raises(ValueError, match="spin must be 'up' or 'down'"):
        solution.spectral(W)
    z = W + 0.1j
    for spin, bath, level in (("up", FOUR, -1.1), ("down", down, -0.7)):
        found = solution.spectral(W, eta=0.1, spin=spin)
        assert found.mu == pytest.approx(-level)
        np.testing.assert_allclose(found.G, getattr(solution, spin).G(z), rtol=1e-12)
        Delta = np.square(bath.V) @ (1 / (z - np.array(bath.e)[:, None]))
        np.testing.assert_allclose(1 / found.G, z - level - Delta - found.Sigma, atol=1e-10)
    with pytest.raises(ValueError, match="spin must be"):
        solution.spectral(W, spin="left")
    # Without U the spins are those of two resonant levels.
    free = solve(Impurity(0.0, 20.0, FOUR, eps=-0.9, h=0.2)).spectral(W, eta=0.1, spin="down")
    assert np.max(np.abs(free.Sigma)) < 1e-10
    atom = solve(Impurity(2.0, 20.0, DiscreteBath([], []), eps=-0.9, h=0.2))
    other = atom.up.n
    Sigma = 2 * other + 4 * other * (1 - other) / (z + 0.7 - 2 * (1 - other))
    np.testing.assert_allclose(atom.spectral(W, eta=0.1, spin="down").Sigma, Sigma, rtol=1e-10)
    same = solve(PROBLEM)
    np.testing.assert_array_equal(same.spectral(W, spin="up").G, same.spectral(W).G)


def test_neel_order_on_the_real_axis():
    loop = kd.dmft.loop(
        lattice="bethe", U=2.0, beta=40.0, order="antiferro", solver="ed", sites=3, seed=0
    )
    assert loop.m > 0.5
    w, weight = whole_axis(4001)
    n = {}
    for spin in ("up", "down"):
        found = loop.spectral(w, eta=0.1, spin=spin)
        assert weight @ found.A == pytest.approx(1.0, abs=1e-6)
        n[spin] = weight @ (found.A / (1 + np.exp(np.minimum(40.0 * w, 700))))
        theta = np.pi * np.arange(1, 400) / 400
        A = (2 / 400 * np.sin(theta) ** 2) @ found.A_k(np.cos(theta))
        np.testing.assert_allclose(found.A, A, atol=1e-10)
    # Lorentzians move weight across the Fermi energy.
    assert n["up"] - n["down"] == pytest.approx(loop.m, abs=0.1)
    up, down = (loop.spectral(W, eta=0.1, spin=spin).A for spin in ("up", "down"))
    np.testing.assert_allclose(up, down[::-1], atol=1e-6)  # particles of one, holes of the other


def test_attraction_has_the_same_formulas():
    problem = Impurity(-2.0, 20.0, FOUR, eps=0.9)
    exact = solve(problem).spectral(W, eta=0.1)
    z = W + 0.1j
    Delta = np.square(FOUR.V) @ (1 / (z - np.array(FOUR.e)[:, None]))
    np.testing.assert_allclose(1 / exact.G, z - 0.9 - Delta - exact.Sigma, atol=1e-10)
    assert np.max(exact.Sigma.imag) < 0
    random = solve(problem, solver="ftlm", vectors=8, steps=40, exact=16, seed=1, threads=1)
    found = random.spectral(W, eta=0.1)
    assert np.max(np.abs(found.A - exact.A) / found.error) < 5
