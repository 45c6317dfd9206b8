"""The same problem in other units of energy has the same solution."""

import warnings

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import bands
from kadanoff.dmft import (
    SOLVERS,
    DiscreteBath,
    Impurity,
    MatsubaraBath,
    approximate,
    bethe,
    fit_bath,
    solve,
)

LOOPS = ["ipt", "hubbard1", "nca", "ed", "cthyb"]
OPTIONS = {"cthyb": {"sweeps": 2**14}, "nrg": {"keep": 60, "twists": 1}}


def loop(solver, s, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return bethe(U=s, beta=20 / s, D=s, solver=solver, seed=1, threads=1, **options)
        except kd.NotConverged as stop:  # a few iterations of a Monte Carlo loop are enough
            return stop.partial


@pytest.mark.parametrize("solver", LOOPS)
def test_loops_do_not_depend_on_the_unit_of_energy(solver):
    options = {"n": 0.9}
    if solver == "cthyb":
        options = {"n": 0.9, "max_iterations": 2, **OPTIONS[solver]}
    one = loop(solver, 1.0, **options)
    # The ends of the range for the two that are quick.
    for s in (1e-9, 1e9, *((1e-30, 1e30) if solver in ("ed", "hubbard1") else ())):
        other = loop(solver, s, **options)
        assert other.iterations == one.iterations
        # Rounding of the units, amplified by the iterations; cthyb draws the same numbers.
        assert (other.Z, other.docc, other.n, other.eps / s) == pytest.approx(
            (one.Z, one.docc, one.n, one.eps), rel=1e-6
        )


def test_loops_say_where_units_end():
    for D in (1e-40, 1e40):
        with pytest.raises(ValueError, match=r"D must be .*another unit"):
            bethe(U=D, beta=20 / D, D=D, solver="hubbard1")


def baths(s):
    e, V = s * np.array([-0.4, 0.3, 0.1]), s * np.array([0.3, 0.2, 0.25])
    iw = 1j * np.pi / 20 * (2 * np.arange(256) + 1) * s
    values = np.sum(V**2 / (iw[:, None] - e), axis=1)
    return {
        "levels": {"bath": DiscreteBath(e, V)},
        "semicircle": {"bath": bands.SemicircularBand(s)},
        "Delta": {"bath": MatsubaraBath(values, moments=(np.sum(V**2), np.sum(V**2 * e)))},
    }


@pytest.mark.parametrize(("bath", "eps"), [("levels", -0.3), ("semicircle", -0.5), ("Delta", -0.3)])
@pytest.mark.parametrize("solver", [*SOLVERS, "ed-2"])
def test_solvers_do_not_depend_on_the_unit_of_energy(solver, eps, bath):
    if (solver == "nrg" and bath != "semicircle") or (solver == "cthyb" and bath != "levels"):
        pytest.skip("the NRG needs a band; Monte Carlo is slow")
    options = OPTIONS.get(solver, {})
    if solver in ("lanczos", "ftlm"):
        options = {"sites": 3}

    def numbers(s):
        problem = Impurity(U=s, beta=20 / s, eps=eps * s, **baths(s)[bath])
        call = {"frequencies": 64, "seed": 1, "threads": 1, **options}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = (
                solve(problem, solver=solver, **call)
                if solver in SOLVERS
                else approximate(problem, solver, **call)
            )
        error = 0.0 if found.error is None else found.error * s
        return np.concatenate([[found.n, found.docc, error], found.G_iw * s])

    one = numbers(1.0)
    for s in (1e-9, 1e9, *((1e-30, 1e30) if solver in ("ed", "lanczos", "ftlm") else ())):
        # The NRG cuts at 60 states where rounding can exchange two levels.
        tolerance = 1e-3 if solver == "nrg" else 1e-7
        # The misfit of a bath that can be fitted exactly is rounding, a few 1e-12.
        np.testing.assert_allclose(numbers(s), one, rtol=tolerance, atol=1e-11)


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_fitted_bath_scales_with_the_unit_of_energy(symmetric):
    def fit(s, start=None):
        problem = Impurity(U=s, beta=20 / s, bath=bands.SemicircularBand(s))
        return fit_bath(problem, 3, seed=1, symmetric=symmetric, start=start)

    one = fit(1.0)
    for s in (1e-30, 1e-9, 1e9, 1e30):
        found = fit(s)
        np.testing.assert_allclose(np.array(found.bath.e) / s, one.bath.e, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(np.array(found.bath.V) / s, one.bath.V, rtol=1e-6)
        assert found.chi2 / s == pytest.approx(one.chi2, rel=1e-6)  # alpha = 1: an energy
        again = fit(s, found.bath)
        assert again.chi2 <= found.chi2 * (1 + 1e-9)


def test_half_filling_is_a_matter_of_relative_accuracy():
    """An absolute tolerance of 1e-12 took every problem of small energies for half filled."""
    for s in (1e-13, 1.0, 1e13):
        bath = DiscreteBath([-0.4 * s, 0.4 * s], [0.3 * s, 0.3 * s])
        assert Impurity(s, 20 / s, bath).is_half_filled
        assert not Impurity(s, 20 / s, bath, eps=-0.4 * s).is_half_filled
        exact = solve(Impurity(s, 20 / s, bath, eps=-0.4 * s), solver="ed")
        second = solve(Impurity(s, 20 / s, bath, eps=-0.4 * s), solver="ipt")
        assert second.n == pytest.approx(exact.n, abs=0.03)
        assert second.n < 0.97


@pytest.mark.parametrize("far", [1e3, 1e6, 1e8])
@pytest.mark.parametrize("beta", [10.0, 200.0])
def test_rounding_of_large_energies_is_within_the_error(far, beta):
    """Sites that couple to nothing change the last digits of all levels, and nothing else."""
    for h in (0.0, 0.1):
        problems = (
            Impurity(U=2.0, beta=beta, h=h, bath=DiscreteBath([0.1, -0.2, *e], [0.4, 0.3, *V]))
            for e, V in (([], []), ([far, -far], [1e-7, 1e-7]))
        )
        near, wide = (solve(one, solver="ed", progress=False) for one in problems)
        assert np.max(np.abs(near.G_iw - wide.G_iw)) < near.error + wide.error
        # Ten times what it is, and more: not unknown.
        assert wide.error < 1e-14 * beta * far * np.max(np.abs(wide.G_iw))
