"""Compressibility and local susceptibility."""

import pytest

from kadanoff import dmft
from kadanoff.dmft import DiscreteBath, Impurity, solve
from kadanoff.dmft.lattices import Bethe

QUIET = {"seed": 1, "threads": 1, "progress": False}
ED = {"sites": 4, **QUIET}


def test_the_compressibility_of_free_electrons():
    found = dmft.compressibility(U=0.0, beta=10.0, mu=0.3, **QUIET)
    near, h = Bethe(), 1e-4
    exact = (near.free(-0.3 - h, 10.0)[0] - near.free(-0.3 + h, 10.0)[0]) / (2.0 * h)
    assert abs(found.value - exact) < found.error < 1e-3


def test_the_compressibility_is_the_slope_of_loops():
    found = dmft.compressibility(U=2.0, beta=10.0, mu=1.4, **ED)
    n = [dmft.loop(U=2.0, beta=10.0, mu=1.4 + x, tolerance=1e-8, **ED).n for x in (-0.005, 0.005)]
    assert abs(found.value - (n[1] - n[0]) / 0.01) < 5e-3 * found.value


def test_loops_that_end_early_enter_the_error_of_a_compressibility():
    exact = dmft.compressibility(U=2.0, beta=20.0, mu=0.5, tolerance=1e-10, **ED)
    for tolerance in (1e-3, 1e-4):
        found = dmft.compressibility(U=2.0, beta=20.0, mu=0.5, tolerance=tolerance, **ED)
        assert abs(found.value - exact.value) < found.error


def test_a_local_susceptibility_is_the_slope_of_m():
    bath = DiscreteBath([-0.6, 0.1, 0.8], [0.3, 0.2, 0.5])
    problem = Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7)
    found = dmft.local_susceptibility(solve(problem, **QUIET))
    h = 1e-4
    polarised = solve(Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7, h=h), **QUIET)
    # the next order is (beta h)**2
    assert abs(found.value / (polarised.m / h) - 1.0) < 1e-6
    # in a field, the slope at that field
    low, high = (
        solve(Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7, h=0.2 + x), **QUIET).m for x in (-h, h)
    )
    at = solve(Impurity(U=2.0, beta=7.0, bath=bath, eps=-0.7, h=0.2), **QUIET)
    assert abs(dmft.local_susceptibility(at).value / ((high - low) / (2.0 * h)) - 1.0) < 1e-6


def test_a_susceptibility_by_monte_carlo():
    bath = DiscreteBath([-0.6, 0.8], [0.3, 0.5])
    problem = Impurity(U=2.0, beta=4.0, bath=bath)
    exact = dmft.local_susceptibility(solve(problem, **QUIET))
    sampled = solve(problem, solver="cthyb", sweeps=2**14, **QUIET)
    found = dmft.local_susceptibility(sampled, **QUIET)
    assert abs(found.value - exact.value) < 3.0 * found.error
    assert found.error < 0.05 * exact.value


def test_a_susceptibility_needs_levels():
    with pytest.raises(ValueError, match="result of 'ed' or 'cthyb', got one of 'ipt'"):
        dmft.local_susceptibility(dmft.loop(U=1.0, beta=10.0, solver="ipt", **QUIET))
    with pytest.raises(TypeError, match="found must be a Loop or a Solution"):
        dmft.local_susceptibility(3.0)


@pytest.mark.parametrize(
    ("function", "arguments", "match"),
    [
        (dmft.compressibility, {"step": 0.0}, "step must be above 0"),
        (dmft.compressibility, {"lattice": 3}, "lattice must be a name"),
    ],
)
def test_bad_input(function, arguments, match):
    with pytest.raises((ValueError, TypeError), match=match):
        function(**({"U": 1.0, "beta": 5.0, "progress": False} | arguments))
