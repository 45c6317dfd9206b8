"""The NCA on the real axis against its imaginary axis, which is solved by other means."""

import numpy as np
import pytest

from kadanoff import Cancelled, Control, dmft
from kadanoff._base.running import Run
from kadanoff.bands import FlatBand, TabulatedBand
from kadanoff.bands.densities import SemicircularBand
from kadanoff.dmft import DiscreteBath, Impurity, solve
from kadanoff.dmft.solvers.nca_real import solve_real, uniform_hilbert

BAND = SemicircularBand()


@pytest.mark.parametrize(
    ("U", "beta", "eps", "V"),
    [(2.0, 20.0, -0.7, 0.5), (2.0, 50.0, -1.0, 0.5), (4.0, 5.0, -1.5, 0.3)],
)
def test_both_axes_agree(U, beta, eps, V):
    found = solve(Impurity(U, beta, BAND, eps=eps, V=V), solver="nca", real_axis=True)
    # 24 points per temperature
    assert found.diagnostics["axes_differ"] < 1e-4
    spectra = found.diagnostics["real_axis"]
    np.testing.assert_allclose(spectra.populations, found.diagnostics["populations"], atol=5e-5)
    assert found.G_w.norm == pytest.approx(1.0, abs=5e-4)
    assert np.all(found.G_w.A >= 0.0)
    assert -2.0 * found.G_w.tau(beta) == pytest.approx(found.n, abs=5e-4)
    # NCA self-energies are causal at these temperatures, to the error of 1/G in the far tails
    inside = np.abs(found.G_w.omega) < 2.0
    assert np.max(found.Sigma_w.values.imag[inside]) < 1e-2


@pytest.mark.parametrize(
    "problem",
    [
        # a gap, in which the pseudo-particle of the ground state is a pole without width
        Impurity(5.0, 20.0, TabulatedBand([-3, -2, -1, 1, 2, 3], [0, 1, 0, 0, 1, 0]), V=0.3),
        # an empty ground state
        Impurity(4.0, 20.0, FlatBand(3.0), eps=1.5, V=0.05),
    ],
    ids=["gap", "empty"],
)
def test_peaks_far_below_the_grid_have_their_weight(problem):
    found = solve(problem, solver="nca", real_axis=True)
    known = found.diagnostics
    assert known["axes_differ"] < 2e-5
    np.testing.assert_allclose(known["real_axis"].populations, known["populations"], atol=1e-5)


def test_loops_on_both_axes_have_one_fixed_point():
    options = {"U": 4.0, "beta": 5.0, "solver": "nca", "start": "insulator", "threads": 1}
    known = dmft.loop(**options)
    found = dmft.loop(real_axis=True, **options)
    # the tolerance of 1e-3 in the density of the bath, of which G at w_n feels the integral
    assert found.docc == pytest.approx(known.docc, abs=1e-5)
    assert found.energy == pytest.approx(known.energy, abs=2e-5)
    G = [x.solution.G_iw[:64] for x in (known, found)]
    np.testing.assert_allclose(G[1], G[0], atol=1e-4)
    w = np.linspace(-6.0, 6.0, 2401)
    spectrum = found.spectral(w)
    assert np.min(spectrum.A) >= 0.0
    assert np.trapezoid(spectrum.A, w) == pytest.approx(1.0, abs=2e-3)
    assert np.interp(0.0, w, spectrum.A) < 0.05 * np.max(spectrum.A)
    assert np.all(spectrum.A_k([-0.5, 0.5])[:, np.abs(w) < 3.0] >= 0.0)
    with pytest.raises(ValueError, match="knows no real frequencies"):
        dmft.loop(real_axis=True, **(options | {"start": known}))


def test_particle_hole_partners():
    up, down = (solve_real(Impurity(2.0, 10.0, BAND, eps=e), Run.of()) for e in (-0.7, -1.3))
    np.testing.assert_allclose(np.interp(-up.omega, down.omega, down.A), up.A, atol=1e-5)
    np.testing.assert_allclose(up.populations, down.populations[::-1], atol=1e-6)


def test_hilbert_transform_of_the_semicircle():
    w = np.linspace(-2.0, 2.0, 8001)
    A = BAND.density(w)
    inside = np.abs(w) < 0.9
    np.testing.assert_allclose(uniform_hilbert(A)[inside], 2.0 * w[inside], atol=1e-4)


def test_refusals():
    with pytest.raises(ValueError, match="needs a band"):
        solve(Impurity(2.0, 10.0, DiscreteBath([0.1], [0.2])), solver="nca", real_axis=True)
    with pytest.raises(TypeError, match="real_axis"):
        solve(Impurity(2.0, 10.0, BAND), solver="nca", real_axis=1)
    with pytest.raises(ValueError, match="levels"):
        solve(Impurity(2.0, 1e6, BAND), solver="nca", real_axis=True)
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        solve(Impurity(2.0, 10.0, BAND), solver="nca", real_axis=True, control=control)
