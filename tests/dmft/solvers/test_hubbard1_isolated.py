"""Without hybridisation every solver, and any that is added, returns the exact atom."""

import numpy as np
import pytest

from kadanoff import bands
from kadanoff.dmft import SOLVERS, DiscreteBath, Impurity, MatsubaraBath, approximate, solve
from kadanoff.dmft.solvers.hubbard1 import atom

BATHS = {
    "no levels": {"bath": DiscreteBath([], [])},
    "levels with V = 0": {"bath": DiscreteBath([-0.4, 0.4], [0.0, 0.0])},
    "V**2 underflows": {"bath": DiscreteBath([-0.4, 0.4], [1e-170, 1e-170])},
    "many levels": {"bath": DiscreteBath(np.linspace(-1, 1, 15), np.zeros(15))},
    "band": {"bath": bands.SemicircularBand(1.0), "V": 0.0},
    "table": {"bath": bands.TabulatedBand([-1.0, 0.2, 1.0], [1.0, 2.0, 1.0]), "V": 0.0},
    "Delta = 0": {"bath": MatsubaraBath(np.zeros(64))},
    "Delta = 0 as an array": {"bath": np.zeros(64, dtype=complex)},
    "Delta = 0 with moments": {"bath": MatsubaraBath(np.zeros(64), moments=(0.0, 0.0))},
}
# U, eps, beta: half filling, off it, cold, hot, free, and a repulsion far above T
ATOMS = [(2, -1, 10), (2, 0.2, 10), (2, 0.2, 1e4), (2, -0.3, 1e-3), (0, 0.2, 10), (1e3, -500, 10)]


@pytest.mark.parametrize("form", BATHS)
@pytest.mark.parametrize("name", [*SOLVERS, "ed-2"])
def test_exact_atom(name, form):
    for U, eps, beta in ATOMS:
        problem = Impurity(U=float(U), eps=float(eps), beta=beta, **BATHS[form])
        if name in SOLVERS:
            found = solve(problem, solver=name, frequencies=16, threads=1, seed=1)
        else:
            found = approximate(problem, name, frequencies=16, threads=1, seed=1)
        n, docc, log_Z = atom(U, eps, beta)
        iw = 1j * np.pi / beta * (2 * np.arange(16) + 1)
        G = (1 - n) / (iw - eps) + n / (iw - eps - U)
        # Rounding of sums of a few terms; the poles of Lanczos are good to 1e-12.
        assert found.n == pytest.approx(2 * n, rel=1e-11, abs=1e-14)
        assert found.docc == pytest.approx(docc, rel=1e-11, abs=1e-14)
        np.testing.assert_allclose(found.G_iw, G, rtol=1e-11)
        np.testing.assert_allclose(found.G.tau(beta), -n, rtol=1e-11, atol=1e-13)
        assert not np.any(found.Delta_iw)
        if isinstance(problem.bath, DiscreteBath) and found.log_Z is not None:
            levels = 2 * np.sum(np.logaddexp(0, -beta * np.array(problem.bath.e)))
            assert found.log_Z == pytest.approx(log_Z + levels, rel=1e-11)


@pytest.mark.parametrize("name", ["ed", "lanczos", "ftlm"])
def test_levels_that_do_not_couple_only_enter_log_Z(name):
    e, V = [-0.4, 0.4, 0.0, 0.1, -0.2, 0.3, 0.5, 0.7, -0.9, 1.0, 1.1, 1.2], [0.0, 0.3] + 10 * [0.0]
    found = solve(Impurity(2.0, 10.0, DiscreteBath(e, V), eps=-0.7), solver=name, seed=1)
    small = solve(Impurity(2.0, 10.0, DiscreteBath([0.4], [0.3]), eps=-0.7), solver="ed")
    assert (found.n, found.docc) == pytest.approx((small.n, small.docc), rel=1e-10)
    others = np.array([x for x, v in zip(e, V, strict=True) if v == 0.0])
    assert found.log_Z == pytest.approx(
        small.log_Z + 2 * np.sum(np.logaddexp(0, -10.0 * others)), rel=1e-10
    )


def test_ground_states_of_decoupled_levels_are_counted():
    problem = Impurity(2.0, 10.0, DiscreteBath([-0.4, 0.0], [0.0, 0.0]))
    found = solve(problem, solver="lanczos", ground_state=True)
    assert found.log_Z == pytest.approx(np.log(2 * 4))  # a spin, and a level at zero


@pytest.mark.parametrize("name", ["nrg", "cthyb", "nca", "ipt", "ed", "lanczos", "ftlm"])
def test_options_are_checked_without_a_bath_too(name):
    wrong = {
        "nrg": {"Lambda": 0.5},
        "cthyb": {"chains": 0},
        "nca": {"tolerance": -1.0},
        "ipt": {"half_filling": "yes"},
        "ed": {"prune": 2.0},
        "lanczos": {"steps": 0},
        "ftlm": {"vectors": 0},
    }[name]
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        solve(Impurity(2.0, 10.0, DiscreteBath([], [])), solver=name, **wrong)


def test_a_tail_without_values_is_still_refused():
    with pytest.raises(ValueError, match="tail of Delta is wrong"):
        Impurity(2.0, 10.0, MatsubaraBath(np.zeros(64), moments=(0.25, 0.0)))
