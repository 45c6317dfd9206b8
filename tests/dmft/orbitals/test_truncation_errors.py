"""Errors of two orbitals by the NRG: closed forms, the law of the bound, loops.

Their coverage against Monte Carlo is the topic "orbital_truncation" of the soak.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from kadanoff.bands import SemicircularBand
from kadanoff.dmft import OrbitalImpurity, orbital_loop, solve
from kadanoff.dmft.orbitals import renormalised, truncation_errors
from kadanoff.dmft.orbitals.truncation_errors import ALWAYS, Measured, stated
from kadanoff.impurities.nrg.options import Options
from kadanoff.impurities.nrg.static_errors import DISCRETISATION, TRUNCATION

WIDE = SemicircularBand(D=1.0)
QUICK = {"solver": "nrg", "keep": 60, "progress": False, "frequencies": 64}


def test_free_electrons_are_within_their_errors():
    problem = OrbitalImpurity(U=0.0, beta=50, bath=WIDE, eps=(0.1, -0.2))
    found = solve(problem, **{**QUICK, "keep": 200})
    assert np.all(found.Z_error < 1e-8)
    assert found.error < 1e-6
    free = 2.0 * np.array([g.occupation for g in found.G])
    far = np.abs(free - found.n)
    assert np.all(far < 2.0 * found.diagnostics["n_error"])
    assert np.all(far > 1e-4)  # the band is a discretised one
    assert np.all(found.diagnostics["n_error"] < 0.1)


def run(Sigma, keep, z):
    """The result of a run whose Sigma(i w_n) = -i Sigma for two frequencies and two orbitals."""
    averages = {name: np.full(2, 1.0 / keep) for name in ("n", "docc")}
    averages |= {name: np.full((2, 2), z) for name in ("pairs", "spins")}
    return Measured(-1j * Sigma * np.broadcast_to(np.eye(2), (2, 2, 2)), np.zeros((2, 2)), averages)


@pytest.mark.parametrize("keep", [240, 1000])
def test_the_law_of_the_bound(keep, monkeypatch):
    options = Options(keep=keep, z=(1.0,), Lambda=4.0)
    law = {keep: 1.0, keep // 2: 0.9, keep // 4: 0.6}
    asked = []

    def again(other):
        asked.append((other.keep, other.z))
        return run(law[other.keep] + 0.03 * (other.z == (0.5,)), other.keep, other.z[0])

    found = SimpleNamespace(
        G_iw=np.broadcast_to(2.0 * np.eye(2), (2, 2, 2)),
        Z=np.array([0.5, 0.5]),
        w_n=np.array([0.25, 0.75]),
        diagnostics={"kept": True},
    )
    monkeypatch.setattr(
        truncation_errors, "replace", lambda one, **new: SimpleNamespace(**vars(one) | new)
    )
    out = stated(found, run(1.0, keep, 1.0), again, options, truncated=True)
    quarter = keep // 4 >= 100
    changes = max(0.1, 0.5 * 0.4 if quarter else 0.0)
    bound = TRUNCATION * changes + DISCRETISATION * 0.03 + ALWAYS * np.sqrt(500 / keep)
    assert len(asked) == (3 if quarter else 2)
    assert out.diagnostics["Sigma_iw_error"] == pytest.approx(np.full((2, 2), 0.5 * bound))
    assert out.diagnostics["Z_error"] == pytest.approx(np.full(2, 0.5 * 0.25 / 0.25 * bound))
    assert out.error == pytest.approx(4.0 * bound)
    assert out.diagnostics["spins_error"] == pytest.approx(
        np.full((2, 2), 0.5 * DISCRETISATION * 0.5)
    )
    assert out.diagnostics["kept"]
    whole = stated(found, run(1.0, keep, 1.0), again, options, truncated=False)
    assert whole.diagnostics["n_error"] == pytest.approx(0.0)  # the same number of states


def test_with_too_few_states_nothing_is_known():
    problem = OrbitalImpurity(U=1.5, J=0.2, beta=50, bath=WIDE)
    for keep in (16, 199):
        found = solve(problem, **QUICK | {"keep": keep})
        assert found.error is None
        assert np.all(np.isnan(found.Z_error))
        assert "error unknown" in repr(found)


def test_a_loop_asks_for_the_errors_of_its_last_solution_alone(monkeypatch):
    calls = []
    plain = renormalised.stated

    def counted(*arguments, **options):
        calls.append(1)
        return plain(*arguments, **options)

    monkeypatch.setattr(renormalised, "stated", counted)
    where = {"U": 1.0, "beta": 20, "J": 0.1, "solver": "nrg", "keep": 200, "progress": False}
    found = orbital_loop(**where, tolerance=5e-2)
    assert found.iterations > 1
    assert len(calls) == 1
    assert np.all(found.Z_error > 0.0)
    assert repr(found).count(" +- ") == 2
    without = orbital_loop(**where, tolerance=5e-2, errors=False)
    assert len(calls) == 1
    assert np.array_equal(without.Z, found.Z)
    assert np.all(np.isnan(without.Z_error))
    assert without.solution.error is None
    assert "+-" not in repr(without)
