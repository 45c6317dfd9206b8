"""The error of a loop contains its distance from the fixed point."""

import itertools

import numpy as np
import pytest

from kadanoff.dmft import bethe, database, learn, loop
from kadanoff.dmft.loops.fixed_point import Approach


@pytest.fixture(scope="module")
def learned():
    """A learned solver whose own errors of Z are 1e-5."""
    lattice = database(
        28, inputs=("ipt", "hubbard1"), target="ed-4", beta=[50.0], U=(0.3, 2.3),
        D=(1.0, 1.0), detuning=(0.0, 0.0), bath="self-consistent", seed=2, progress=False,
    )  # fmt: skip
    return learn(lattice, outside="flag", seed=0)


def test_loops_of_a_learned_solver_are_within_their_errors_of_the_fixed_point(learned):
    missed = 0
    for U, mixing in itertools.product((0.5, 1.0, 2.0, 2.2), ("anderson", "linear")):
        where = {"U": U, "beta": 50.0, "solver": learned}
        # A learned map repeats itself to 1e-8 only: rounding of its inputs, amplified.
        fixed = bethe(**where, tolerance=5e-8)
        for tolerance in (1e-2, 1e-3, 1e-4, 1e-6):
            found = bethe(**where, tolerance=tolerance, mixing=mixing)
            error = found.solution.diagnostics["Z_error"]
            assert found.average("Z") == (found.Z, error)
            single = found.solution.diagnostics["Z_error_of_solve"]
            distance = abs(found.Z - fixed.Z)
            # The part beyond the solver's own errors is a bound, and not a distant one.
            assert distance < error
            assert error < 3.0 * distance + 4.0 * single
            missed += distance > single
    assert missed >= 10  # the error of the last solve does not cover them


def test_the_error_covers_the_exact_fixed_point(learned):
    for U in (1.0, 2.0, 2.2):
        exact = bethe(U=U, beta=50.0, solver="ed", sites=4, tolerance=1e-8, seed=0)
        for tolerance in (1e-3, 1e-4):
            found = bethe(U=U, beta=50.0, solver=learned, tolerance=tolerance)
            # One of the parts is a standard deviation: two of them.
            assert abs(found.Z - exact.Z) < 2.0 * found.average("Z")[1]


def test_a_loop_from_its_own_result_knows_its_error(learned):
    first = bethe(U=1.5, beta=50.0, solver=learned, tolerance=1e-3)
    again = bethe(U=1.5, beta=50.0, solver=learned, tolerance=1e-3, start=first)
    assert again.iterations == 2
    assert 0.0 < again.average("Z")[1] < first.average("Z")[1]
    free = bethe(U=0.0, beta=50.0, solver=learned)
    assert free.average("Z") == (1.0, 0.0)
    once = bethe(U=1.5, beta=50.0, solver=learned, tolerance=0.5, max_iterations=1)
    assert np.isnan(once.average("Z")[1])


def test_what_does_not_contract_has_no_distance():
    approach = Approach()
    for x in (1.0, 2.0, 4.0):
        approach.add(np.array([x]), np.array([2.0 * x]), x)
    assert np.isnan(approach.distance)
    assert np.isnan(approach.error(0.1))


@pytest.mark.parametrize(
    ("solver", "options"),
    [
        ("ed", {"sites": 4}),
        ("ftlm", {"sites": 4, "vectors": 2, "steps": 8}),
        ("cthyb", {"sweeps": 2**14}),
        ("nrg", {"keep": 100, "twists": 1}),
    ],
)
def test_without_interaction_the_double_occupancy_has_its_error(solver, options):
    found = loop(U=0.0, beta=20.0, mu=0.3, solver=solver, seed=0, **options)
    value, error = found.average("docc")
    assert value != 0.25 * found.n**2  # of a fitted bath, of samples, or of a chain
    assert abs(value - 0.25 * found.n**2) <= error


def test_vectors_of_a_fitted_bath_are_not_the_whole_error():
    found = bethe(
        U=2.0, beta=5.0, solver="ftlm", sites=4, vectors=2, steps=8, seed=0, tolerance=1e-2
    )
    assert np.isnan(found.average("docc")[1])


def test_a_sampled_loop_that_stops_before_it_settles():
    where = {"U": 2.5, "beta": 10.0, "solver": "cthyb", "sweeps": 2**14, "seed": 1}
    exact = bethe(U=2.5, beta=10.0, solver="ed", sites=5)
    early, at_once = bethe(**where, tolerance=0.2), bethe(**where, tolerance=0.9)
    assert at_once.iterations == 2  # the first one alone would leave the error unknown
    for found in (early, at_once):
        for name in ("Z", "docc"):
            value, error = found.average(name)
            # Four standard errors.
            assert abs(value - getattr(exact, name)) < 4.0 * error
        assert found.average("Z")[1] > found.solution.diagnostics["Z_error"]
    alone = bethe(**where, tolerance=0.9, max_iterations=1)
    assert np.isnan(alone.average("Z")[1])
