"""Lanczos for several orbitals: against exact diagonalisation where both fit, and beyond."""

import numpy as np
import pytest

from kadanoff.dmft import DiscreteBath, MatrixBath, OrbitalImpurity, orbital_loop, solve
from kadanoff.dmft.orbitals import low_temperature as module
from kadanoff.dmft.orbitals.diagonalised import clustered, finite_baths
from kadanoff.dmft.protocol import Run

WIDE, NARROW = DiscreteBath([-0.5, 0.6], [0.45, 0.4]), DiscreteBath([-0.2, 0.3], [0.3, 0.35])
MIXING = MatrixBath([-0.4, 0.5, 0.1], [[0.3, 0.2, 0.1], [0.1, 0.3, -0.2]])


def solved(problem, **options):
    return solve(problem, progress=False, threads=1, frequencies=64, **options)


CASES = {
    "two levels": {"bath": (WIDE, NARROW), "eps": (-2.8, -3.0)},
    "equivalent": {"bath": WIDE},
    "density": {"bath": (WIDE, NARROW), "kind": "density"},
    "mixing": {"bath": MIXING},
    "three": {"bath": DiscreteBath([0.1], [0.4]), "orbitals": 3},
}


@pytest.mark.parametrize("name", CASES)
def test_all_is_that_of_exact_diagonalisation(name):
    problem = OrbitalImpurity(U=2.5, J=0.4, beta=50.0, **CASES[name])
    exact, found = solved(problem), solved(problem, solver="lanczos")
    for quantity in ("G_iw", "Sigma_iw", "n", "docc", "pairs", "spins"):
        far = np.max(np.abs(getattr(exact, quantity) - getattr(found, quantity)))
        assert far < 1e-8, quantity
    assert abs(exact.log_Z - found.log_Z) <= found.diagnostics["neglected_weight"] + 1e-8
    assert np.max(np.abs(exact.G_iw - found.G_iw)) < found.error
    tau = np.linspace(0.0, problem.beta, 7)
    for a in range(problem.orbitals):
        assert np.max(np.abs(exact.G[a].tau(tau) - found.G[a].tau(tau))) < 1e-8


def test_the_neglected_weight_is_a_bound_and_not_a_loose_one():
    """What a coarse cut leaves out, known from all levels."""
    problem = OrbitalImpurity(U=2.5, J=0.4, beta=20.0, bath=(WIDE, NARROW))
    exact = solved(problem)
    found = solved(problem, solver="lanczos", cut=1e-3)
    missing = np.expm1(exact.log_Z - found.log_Z)
    bound = found.diagnostics["neglected_weight"]
    # All other levels of a block are counted with the energy of the lowest of them.
    assert 0.0 < missing <= bound < 200.0 * missing
    assert np.max(np.abs(exact.G_iw - found.G_iw)) < found.error


def test_ground_states_are_those_of_a_cold_problem():
    problem = OrbitalImpurity(U=2.5, J=0.4, beta=50.0, bath=WIDE)
    ground = solved(problem, solver="lanczos", ground_state=True)
    cold = solved(OrbitalImpurity(U=2.5, J=0.4, beta=1e4, bath=WIDE))
    assert np.max(np.abs(ground.pairs - cold.pairs)) < 1e-9
    assert abs(ground.diagnostics["ground_energy"] - cold.diagnostics["ground_energy"]) < 1e-10
    assert ground.diagnostics["neglected_weight"] == 0.0
    assert abs(ground.log_Z - np.log(ground.diagnostics["states"])) < 1e-12


def test_what_full_diagonalisation_could_not_hold():
    """Two orbitals with seven levels for both: blocks by N and S alone, 6 GB in full."""
    V = 0.3 * np.cos(np.outer([1.0, 2.0], np.arange(1.0, 8.0)))
    bath = MatrixBath(np.linspace(-0.8, 0.9, 7), V)
    problem = OrbitalImpurity(U=3.0, J=0.5, beta=100.0, bath=bath)
    run = Run.of(threads=1, progress=False)
    cluster = clustered(problem, finite_baths(problem, run, None, None))
    assert cluster.needed(1) > 4e9
    assert module.needed_bytes(cluster, 40, 1) < 3e8
    found = solved(problem, solver="lanczos", ground_state=True)
    # No other solver takes this: the sum rule, and the symmetry of G.
    assert all(abs(np.sum(g.weights) - 1.0) < 1e-9 for g in found.G)
    assert np.max(np.abs(found.G_iw - np.swapaxes(found.G_iw, 1, 2))) < 1e-9
    dyson = np.linalg.inv(problem.G0_iw(64)) - np.linalg.inv(found.G_iw)
    assert np.max(np.abs(dyson - found.Sigma_iw)) < 1e-7


def test_a_loop():
    """Warm starts of fits, as with "ed"."""
    options = {"U": 2.0, "J": 0.3, "beta": 40.0, "sites": 1, "seed": 1, "threads": 1}
    one, other = (
        orbital_loop(solver=x, progress=False, frequencies=128, **options)
        for x in ("lanczos", "ed")
    )
    assert np.max(np.abs(one.Z - other.Z)) < 1e-6


def test_refused_by_name(monkeypatch):
    problem = OrbitalImpurity(U=2.5, J=0.4, beta=1.0, bath=WIDE)
    with pytest.raises(ValueError, match="temperature is too high for Lanczos"):
        solved(problem, solver="lanczos")
    with pytest.raises(ValueError, match="too many: at most 10"):
        solved(OrbitalImpurity(U=1.0, beta=50, bath=MatrixBath(np.zeros(9), np.ones((2, 9)))),
               solver="lanczos")  # fmt: skip
    with pytest.raises(TypeError, match="no option 'susceptibilities'"):
        solved(problem, solver="lanczos", susceptibilities=True)
    monkeypatch.setattr(module.memory, "available", lambda: 10**4)
    with pytest.raises(MemoryError, match=r"need .* GB, and 1e-05 GB are left"):
        solved(problem, solver="lanczos")
