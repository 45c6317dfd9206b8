"""Double occupancies lie within their bounds, and a sum that is not converged says so."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import bands
from kadanoff.dmft import DiscreteBath, Impurity, solve

BATHS = [
    DiscreteBath([-0.5, 0.5], [0.3, 0.3]),
    DiscreteBath([-0.4, 0.4], [0.3, 0.0]),
    bands.SemicircularBand(1.0),
]


@pytest.mark.parametrize("solver", ["ipt", "hubbard1"])
@pytest.mark.parametrize("bath", BATHS, ids=repr)
@pytest.mark.parametrize(("U", "beta"), [(1e3, 10.0), (1e3, 50.0), (10.0, 10.0), (2.0, 10.0)])
@pytest.mark.parametrize("eps", [-0.5, -0.35, -0.8])
def test_double_occupancy_is_possible_and_has_an_error(solver, bath, U, beta, eps):
    """IPT gave -0.6 at U = 1000 and beta = 50, and Hubbard-I -0.0017, without a word."""
    if solver == "ipt" and isinstance(bath, DiscreteBath) and beta * U > 1e4:
        pytest.skip("exact sums over poles: seconds")
    problem = Impurity(U=U, beta=beta, bath=bath, eps=eps * U)
    found = solve(problem, solver=solver)
    assert max(0.0, found.n - 1.0) <= found.docc <= 0.5 * found.n
    assert found.G_iw.shape == found.Sigma_iw.shape == found.Delta_iw.shape == (512,)
    if U == 1e3:
        # Atomic physics: at least as good as its error, or as the distance from the bounds.
        charged = max(0.0, found.n - 1.0)
        error = 1e-5 + found.diagnostics.get("docc_numerical_error", 0.0)
        assert abs(found.docc - charged) < error


def test_a_clipped_value_is_reported():
    problem = Impurity(2.0, 10.0, DiscreteBath([-0.4, 0.4], [0.3, 0.0]), eps=-0.7)
    found = solve(problem, solver="hubbard1")
    assert found.docc == 0.0
    assert found.diagnostics["docc_clipped_by"] == pytest.approx(1.66e-3, rel=0.01)


def test_nca_names_energies_out_of_range():
    problem = Impurity(2.0, 1e4, DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
    with pytest.raises(kd.NotConverged, match="use a higher temperature") as stop:
        solve(problem, solver="nca")
    assert "nan" not in str(stop.value)


def test_errors_of_diagonalisation_scale_with_G():
    for s in (1e-9, 1.0, 1e9):
        problem = Impurity(2.0 * s, 10.0 / s, DiscreteBath([-0.5 * s], [0.3 * s]))
        for solver in ("ed", "lanczos", "ftlm"):
            found = solve(problem, solver=solver, seed=1)
            assert 1e-13 < found.error / np.max(np.abs(found.G_iw)) < 1e-8
