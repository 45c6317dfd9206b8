"""IPT on the real axis against the imaginary one."""

import numpy as np
import pytest

from kadanoff import dmft
from kadanoff.bands import FlatBand, SemicircularBand, TabulatedBand
from kadanoff.dmft import DiscreteBath, Impurity, solve

BAND = SemicircularBand()
GAP = TabulatedBand([-3, -2, -1, 1, 2, 3], [0, 1, 0, 0, 1, 0])


@pytest.mark.parametrize(
    ("problem", "limit"),
    [
        # 16 points per temperature: relative errors of 1e-5 of the sums, more at steps of a band
        (Impurity(2.0, 20.0, BAND), 1e-4),
        (Impurity(2.0, 50.0, BAND, eps=-0.5), 1e-4),
        (Impurity(5.0, 20.0, GAP, V=0.3), 1e-4),
        # bound states on both sides of the band
        (Impurity(4.0, 5.0, FlatBand(1.0), V=0.3, eps=-1.5), 1e-3),
    ],
    ids=["half filled", "doped", "gap", "bound states"],
)
def test_both_axes_agree(problem, limit):
    found = solve(problem, solver="ipt", real_axis=True)
    assert found.diagnostics["axes_differ"] < limit
    assert found.G_w.norm == pytest.approx(1.0, abs=limit)
    assert np.max(found.Sigma_w.values.imag) <= 0.0
    assert -2.0 * found.G_w.tau(problem.beta) == pytest.approx(found.n, abs=5.0 * limit)


def test_friedels_sum_rule():
    # at T = 0 the half-filled metal has A(0) = 1 / (pi Gamma), whatever U; corrections of T^2
    V, D = 0.5, 1.0
    found = solve(Impurity(1.5, 200.0, BAND, V=V), solver="ipt", real_axis=True)
    assert found.spectral(0.0).A[0] == pytest.approx(D / (2.0 * np.pi * V * V), rel=5e-3)


def test_loops_on_both_axes_have_one_fixed_point():
    options = {"U": 1.5, "beta": 20.0, "solver": "ipt", "threads": 1}
    known, found = dmft.loop(**options), dmft.loop(real_axis=True, **options)
    # the tolerance of 1e-3 in the density of the bath
    assert found.docc == pytest.approx(known.docc, abs=1e-4)
    assert found.energy == pytest.approx(known.energy, abs=1e-4)
    assert pytest.approx(known.Z, abs=1e-3) == found.Z
    w = np.linspace(-4.0, 4.0, 1601)
    spectrum = found.spectral(w)
    assert np.min(spectrum.A) >= 0.0
    assert np.trapezoid(spectrum.A, w) == pytest.approx(1.0, abs=1e-3)
    assert np.all(spectrum.A_k([-0.5, 0.0, 0.5]) >= 0.0)


def test_refusals():
    with pytest.raises(ValueError, match="needs a band"):
        solve(Impurity(2.0, 10.0, DiscreteBath([0.1], [0.2])), solver="ipt", real_axis=True)
    with pytest.raises(TypeError, match="real_axis"):
        solve(Impurity(2.0, 10.0, BAND), solver="ipt", real_axis=1)
    with pytest.raises(ValueError, match="levels"):
        solve(Impurity(2.0, 1e6, BAND), solver="ipt", real_axis=True)
