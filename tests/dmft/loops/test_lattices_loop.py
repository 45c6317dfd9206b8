"""DMFT on any lattice: exact limits, symmetries, equal lattices in different words, refusals."""

import itertools

import numpy as np
import pytest

from kadanoff import dmft
from kadanoff.dmft import Loop
from kadanoff.dmft.lattices import Bethe, Cubic, Dispersion, Square, Tabulated

ASYMMETRIC = Tabulated([-1.0, 0.0, 1.5], [0.2, 1.0, 0.1])
LATTICES = (Bethe(2.0), Square(t=0.3), Cubic(), ASYMMETRIC)


def loop(**options):
    return dmft.loop(**({"threads": 1, "seed": 0, "progress": False} | options))


def mesh(count, t=0.25):
    """Band energies of the square lattice."""
    k = 2 * np.pi * (np.arange(count) + 0.5) / count
    return Dispersion(-2 * t * (np.cos(k)[:, None] + np.cos(k)))


def by_quadrature(lattice, level, beta):
    """2 int rho f and 2 int e rho f by the tanh-sinh rule between all singular points."""
    low, high = lattice.ends
    around = -level + np.array([-40, -24, -16, -8, -3, -1, 0, 1, 3, 8, 16, 24, 40]) / beta
    points = np.union1d([low, 0.0, lattice.D / 3, -lattice.D / 3, high], around)
    points = points[(points >= low) & (points <= high)]
    u = np.linspace(-3.6, 3.6, 241)
    q, slope = 0.5 * np.pi * np.sinh(u), 0.5 * np.pi * np.cosh(u)
    n = energy = 0.0
    for a, b in itertools.pairwise(points):
        # Energies by their distance from the nearer end, where the density may diverge.
        near = (b - a) / (1 + np.exp(2 * abs(q)))
        e = np.where(q < 0, a + near, b - near)
        weight = 0.5 * (b - a) * (u[1] - u[0]) * slope / np.cosh(q) ** 2
        filled = (
            2 * weight * lattice.density(e) / (1 + np.exp(np.clip(beta * (e + level), -700, 700)))
        )
        n, energy = n + np.sum(filled), energy + np.sum(e * filled)
    return n, energy


@pytest.mark.parametrize("solver", ["ed", "hubbard1", "ipt"])
@pytest.mark.parametrize("lattice", LATTICES, ids=repr)
def test_without_interaction_n_and_energy_are_those_of_the_lattice(lattice, solver):
    # A fitted bath and a cut Matsubara sum are off by 1e-6 and more at beta = 300.
    for beta, mu in ((3.0, 0.3), (300.0, -0.2), (300.0, 0.0)):
        found = loop(lattice=lattice, U=0.0, beta=beta, mu=mu, solver=solver)
        n, energy = by_quadrature(lattice, -mu, beta)
        assert found.n == pytest.approx(n, abs=1e-10)
        assert found.energy == pytest.approx(energy, abs=1e-10)
        assert found.average("energy") == (found.kinetic_energy, 0.0)
        assert found.mu == pytest.approx(mu, abs=1e-15)


@pytest.mark.parametrize("lattice", [*LATTICES, mesh(40)], ids=repr)
def test_free_electrons_at_any_temperature(lattice):
    for beta in (0.1, 5.0, 1e4, 1e9):
        for level in (-0.3, 0.0, 0.9, 30.0):
            n, energy = lattice.free(level, beta)
            if isinstance(lattice, Dispersion):
                f = (
                    2
                    * lattice.weights
                    / (1 + np.exp(np.clip(beta * (lattice.energies + level), -700, 700)))
                )
                exact = np.sum(f), f @ lattice.energies
            else:
                exact = by_quadrature(lattice, level, beta)
            np.testing.assert_allclose((n, energy), exact, rtol=0, atol=1e-12)


def test_bethe_by_any_name():
    options = {"U": 2.0, "beta": 20.0, "solver": "ed", "sites": 4}
    known = dmft.bethe(**options, threads=1, seed=0, progress=False)
    for lattice in ("bethe", Bethe(1.0)):
        found = loop(lattice=lattice, **options)
        np.testing.assert_array_equal(found.solution.G_iw, known.solution.G_iw)
        assert (found.n, found.docc, found.energy) == (known.n, known.docc, known.energy)
    doped = loop(mu=0.6, **options)
    np.testing.assert_array_equal(
        doped.solution.G_iw,
        dmft.bethe(eps=-0.6, **options, threads=1, seed=0, progress=False).solution.G_iw,
    )


def test_one_lattice_by_a_table_and_by_band_energies():
    options = {"U": 1.5, "beta": 20.0, "n": 0.9, "solver": "ipt", "tolerance": 1e-9}
    exact = loop(lattice="square", **options)
    # 200^2 wave vectors resolve w_0 = 0.16 to exp(-2 pi 200 w_0 / D) and better.
    by_energies = loop(lattice=mesh(200), **options)
    assert by_energies.mu == pytest.approx(exact.mu, abs=1e-8)
    assert by_energies.energy == pytest.approx(exact.energy, abs=1e-8)
    # Points that crowd where the density diverges as a logarithm.
    x = np.geomspace(1e-7, 1.0, 1500)
    e = np.concatenate([-x[::-1], x])
    by_table = loop(lattice=Tabulated(e, Square().density(e * (1 - 1e-15))), **options)
    assert by_table.mu == pytest.approx(exact.mu, abs=1e-4)
    assert by_table.energy == pytest.approx(exact.energy, abs=1e-4)
    assert pytest.approx(exact.Z, abs=1e-4) == by_table.Z


@pytest.mark.parametrize("lattice", ["square", "cubic", mesh(60), ASYMMETRIC], ids=repr)
def test_particles_and_holes(lattice):
    options = {"U": 2.0, "beta": 20.0, "solver": "ipt", "tolerance": 1e-9}
    mirrored = Tabulated(-ASYMMETRIC.e[::-1], ASYMMETRIC.rho[::-1])
    other = mirrored if lattice is ASYMMETRIC else lattice
    few, many = loop(lattice=lattice, n=0.8, **options), loop(lattice=other, n=1.2, **options)
    assert few.mu - 1.0 == pytest.approx(1.0 - many.mu, abs=1e-7)
    assert few.docc + 0.2 == pytest.approx(many.docc, abs=1e-7)
    # Two electrons per site fill the band: their energy is twice its mean.
    full = 2 * few.lattice.mean
    assert few.kinetic_energy == pytest.approx(many.kinetic_energy + full, abs=1e-7)
    assert pytest.approx(many.Z, abs=1e-7) == few.Z


def test_half_filling_is_the_default():
    found = loop(lattice=ASYMMETRIC, U=1.0, beta=20.0, solver="ipt")
    assert found.n == pytest.approx(1.0, abs=1e-6)
    assert abs(found.mu - 0.5) > 0.05  # not that of a symmetric lattice
    assert loop(lattice="cubic", U=1.0, beta=20.0, solver="ipt").mu == 0.5
    # The mean of the density of states is a shift of mu and of the energy per electron.
    raised = Tabulated(ASYMMETRIC.e + 0.7, ASYMMETRIC.rho)
    other = loop(lattice=raised, U=1.0, beta=20.0, solver="ipt")
    assert other.mu == pytest.approx(found.mu + 0.7, abs=1e-9)
    assert other.energy == pytest.approx(found.energy + 0.7 * other.n, abs=1e-9)


@pytest.mark.parametrize("lattice", ["bethe", "square", "cubic"])
def test_strong_coupling(lattice):
    # Second order in the hopping, spins at random: E = -<e^2> / 2U, docc = dE/dU.
    U = 20.0
    found = loop(lattice=lattice, U=U, beta=20.0, solver="ed", sites=4, start="insulator")
    second = found.lattice.moments[1]
    # The next order is smaller by <e^2> / U^2, times a number of the order of one to ten.
    assert found.docc == pytest.approx(0.5 * second / U**2, rel=5e-3)
    assert found.energy == pytest.approx(-0.5 * second / U, rel=5e-3)


def test_the_energy_grows_with_u_as_the_double_occupancy_says():
    # dE/dU = docc at T = 0; S depends on U only as gamma T, with T^2 gamma = 1e-4.
    E = [loop(lattice="square", U=U, beta=100.0, sites=5) for U in (0.9, 1.0, 1.1)]
    assert (E[2].energy - E[0].energy) / 0.2 == pytest.approx(E[1].docc, rel=0.02)


def test_monte_carlo_measures_the_energy():
    options = {"lattice": "square", "U": 2.0, "beta": 6.0}
    exact = loop(**options, solver="ed", sites=5)
    sampled = loop(**options, solver="cthyb", sweeps=2**14, max_iterations=40)
    energy, error = sampled.average("energy")
    assert 0 < error < 0.02
    # Four standard errors.
    assert abs(energy - exact.energy) < 4 * error
    assert np.isnan(exact.average("energy")[1])  # the error of a fitted bath is not known
    assert exact.average("energy")[0] == exact.energy


@pytest.mark.slow
def test_luttinger_by_nrg_on_the_square_lattice():
    found = loop(
        lattice="square", U=1.0, beta=1000.0, n=0.8, solver="nrg", Lambda=3.0, keep=300, twists=1
    )
    Sigma = found.solution.Sigma_w
    level = np.interp(0.0, Sigma.omega, Sigma.values.real) - found.mu
    # The volume of the Fermi surface at T -> 0.
    assert Square().free(level, 1e9)[0] == pytest.approx(found.n, rel=0.01)
    # Without interaction whatever the discretisation.
    free = loop(lattice="square", U=0.0, beta=1000.0, mu=-0.2, solver="nrg", keep=60, twists=1)
    assert free.n == pytest.approx(Square().free(0.2, 1000.0)[0], abs=1e-10)


@pytest.mark.parametrize("lattice", [Square(t=0.4), Cubic(), ASYMMETRIC, mesh(8)], ids=repr)
def test_loops_are_saved_with_their_lattice(lattice, tmp_path):
    options = {"U": 1.0, "beta": 10.0, "n": 0.9, "solver": "ipt"}
    found = loop(lattice=lattice, **options)
    found.save(tmp_path / "loop.npz")
    read = Loop.load(tmp_path / "loop.npz")
    assert repr(read) == repr(found)
    assert (read.energy, read.n, read.mu) == (found.energy, found.n, found.mu)
    z = np.array([0.3 + 0.1j, -2.0 + 1e-3j])
    np.testing.assert_array_equal(read.lattice.hilbert(z), lattice.hilbert(z))
    again = loop(lattice=read.lattice, start=read, **options)
    assert again.iterations <= 3
    assert again.mu == pytest.approx(found.mu, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lattice": "kagome"}, ValueError, "lattice must be one of bethe, cubic, square"),
        ({"lattice": 3.0}, TypeError, "lattice must be a name"),
        ({"n": 2.0}, ValueError, "n must be .* below 2"),
        ({"n": -0.1}, ValueError, "n must be above 0"),
        ({"mu": np.nan}, ValueError, "mu must be finite"),
        ({"lattice": mesh(8), "solver": "nrg"}, ValueError, r"Tabulated\(e, rho\)"),
        ({"D": 2.0}, TypeError, "no argument 'D'"),
        ({"lattice": Square(t=1e40)}, ValueError, "another unit"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        loop(**({"U": 1.0, "beta": 10.0, "solver": "ipt"} | options))


def test_tables_that_are_no_density_of_states():
    with pytest.raises(ValueError, match=r"rho must not be negative, got -0\.1 at e = 0"):
        Tabulated([-1.0, 0.0, 1.0], [0.5, -0.1, 0.5])
    with pytest.raises(ValueError, match="its integral is zero"):
        Tabulated([-1.0, 0.0, 1.0], [0.0, 0.0, 0.0])
