"""NRG of orbitals with a band of their own: free electrons, one orbital, the atom, refusals."""

import numpy as np
import pytest

from kadanoff.bands import SemicircularBand
from kadanoff.dmft import DiscreteBath, Impurity, MatrixBath, OrbitalImpurity, orbital_loop, solve
from kadanoff.dmft.orbitals import renormalised as module

WIDE, NARROW = SemicircularBand(D=1.0), SemicircularBand(D=0.5)


def solved(problem, **options):
    quick = {"solver": "nrg", "progress": False, "frequencies": 32, "errors": False}
    return solve(problem, **quick | options)


def test_without_interaction():
    """Closed form, with hoppings between the orbitals; Sigma vanishes to rounding."""
    problem = OrbitalImpurity(
        U=0.0, beta=50, bath=WIDE, eps=(0.1, -0.2), hopping=[[0.0, 0.2], [0.2, 0.0]]
    )
    found = solved(problem, keep=150)
    assert np.max(np.abs(found.Sigma_iw)) < 1e-9
    assert np.max(np.abs(found.G_iw - problem.G0_iw(32))) < 1e-8
    free = 2.0 * np.array([g.occupation for g in found.G])
    # n is that of the discretised band: 1e-2 with Lambda = 4
    assert np.max(np.abs(free - found.n)) < 0.02


@pytest.mark.parametrize("options", [{}, {"Lambda": 4.0, "keep": 100, "twists": 1}])
def test_one_orbital_is_that_of_the_code_for_one(options):
    """By the defaults of one orbital too."""
    single = Impurity(U=1.5, beta=50, bath=WIDE, eps=-0.5)
    one = solve(single, solver="nrg", progress=False, frequencies=32, **options)
    same = solved(OrbitalImpurity(U=1.5, beta=50, bath=WIDE, eps=-0.5, orbitals=1), **options)
    assert np.array_equal(one.G_iw, same.G_iw[:, 0, 0])
    assert np.array_equal(one.Sigma_iw, same.Sigma_iw[:, 0, 0])
    assert np.array_equal(one.Sigma_w.values, same.Sigma_w[:, 0, 0])
    assert (one.n, one.docc, one.error) == (same.n[0], same.docc[0], same.error)
    assert np.array_equal(same.of_orbital(0).G_w.values, one.G_w.values)


@pytest.mark.parametrize("estimator", ["symmetric", "combined", "ratio"])
def test_the_real_axis(estimator):
    """Norm, occupation, Hund's atom without hybridisation of the estimators of one orbital."""
    problem = OrbitalImpurity(
        U=1.5, U_prime=0.0, kind="density", beta=50, bath=WIDE, eps=(-0.5, -0.9)
    )
    found = solved(problem, keep=300, estimator=estimator)
    A = -np.einsum("naa->an", found.G_w).imag / np.pi
    filled = 2.0 * np.trapezoid(A / (1.0 + np.exp(50 * found.omega)), found.omega)
    assert np.all(A > 0.0)
    # Re Sigma and Im Sigma of "ratio" are no Kramers-Kronig pair: its norm is off by per cents.
    assert np.max(np.abs(np.trapezoid(A, found.omega) - 1.0)) < 0.05
    assert np.max(np.abs(filled - found.n)) < 0.05
    for a in range(2):
        single = Impurity(U=1.5, beta=50, bath=WIDE, eps=problem.eps[a])
        one = solve(
            single,
            solver="nrg",
            progress=False,
            frequencies=32,
            Lambda=4.0,
            keep=300,
            twists=1,
            estimator=estimator,
            omega=found.omega,
        )
        inner = np.abs(found.omega) < 1.5
        far = np.abs(one.G_w.A - A[a])[inner]
        # 300 states of two channels are 17 of one.
        assert np.mean(far) < 0.1 * np.mean(A[a][inner])


def test_hoppings_on_the_real_axis():
    problem = OrbitalImpurity(
        U=1.0, J=0.1, beta=50, bath=WIDE, eps=(-1.2, -1.0), hopping=[[0, 0.2], [0.2, 0]]
    )
    found = solved(problem, keep=100)
    assert found.Sigma_w.shape == (found.omega.size, 2, 2)
    assert np.allclose(found.Sigma_w, np.swapaxes(found.Sigma_w, 1, 2))
    assert np.all(np.linalg.eigvalsh(found.G_w.imag) < 0.0)
    assert np.any(np.abs(found.G_w[:, 0, 1]) > 0.1)


def test_orbitals_apart_are_two_single_ones():
    both = solved(
        OrbitalImpurity(
            U=1.5,
            U_prime=0.0,
            kind="density",
            beta=50,
            bath=(WIDE, NARROW),
            eps=(-0.5, -0.75),
        ),
        keep=800,
        errors=True,
    )
    bounds = {name: 2.0 * both.diagnostics[f"{name}_error"] for name in ("Sigma_iw", "n", "docc")}
    for a, band in enumerate((WIDE, NARROW)):
        single = Impurity(U=1.5, beta=50, bath=band, eps=both.problem.eps[a])
        one = solve(single, solver="nrg", progress=False, frequencies=32)
        # 800 states of two channels are 28 of one; the errors say what that costs.
        far = np.abs(one.Sigma_iw - both.Sigma_iw[:, a, a])
        assert np.all(far < bounds["Sigma_iw"][:, a])
        assert np.max(far) > 0.01
        assert np.max(bounds["Sigma_iw"][:, a]) < 0.2
        assert abs(one.n - both.n[a]) < bounds["n"][a] < 0.05
        assert abs(one.docc - both.docc[a]) < bounds["docc"][a] < 0.02
    assert abs(both.spins[0, 1]) < 1e-3
    assert abs(both.pairs[0, 1] - both.n[0] * both.n[1]) < 1e-3


@pytest.mark.parametrize("kind", ["kanamori", "density"])
def test_the_hamiltonian_is_that_of_exact_diagonalisation(kind):
    """Weakly coupled orbitals: averages of the atom."""
    atom = OrbitalImpurity(U=1.0, J=0.2, kind=kind, beta=8, bath=DiscreteBath([], []), eps=(-1, -2))
    exact = solve(atom, progress=False)
    faint = OrbitalImpurity(U=1.0, J=0.2, kind=kind, beta=8, bath=WIDE, eps=(-1, -2), hopping=None)
    model = module.model_of(faint, [WIDE, WIDE])
    H = sum(x * o for name, x, o in model.terms() if not name.startswith("V_")).matrix
    levels, states = np.linalg.eigh(H)
    p = np.exp(-8 * (levels - levels[0]))
    for name, value in (("n_a", exact.n[0]), ("n_b", exact.n[1]), ("docc_b", exact.docc[1])):
        O = model.observables[name].matrix  # noqa: E741
        assert abs(p @ np.einsum("ia,ij,ja->a", states, O, states) / p.sum() - value) < 1e-12


def test_refused_by_name():
    levels = DiscreteBath([0.0], [0.3])
    with pytest.raises(ValueError, match="needs a band for each orbital, got 1 discrete levels"):
        solved(OrbitalImpurity(U=1.0, beta=50, bath=levels))
    with pytest.raises(ValueError, match="a channel for each orbital, at most 2; got 3"):
        solved(OrbitalImpurity(U=1.0, beta=50, bath=WIDE, orbitals=3))
    with pytest.raises(ValueError, match="takes no MatrixBath"):
        solved(OrbitalImpurity(U=1.0, beta=50, bath=MatrixBath([0.0], [[0.3], [0.2]])))
    with pytest.raises(ValueError, match="temperatures below"):
        solved(OrbitalImpurity(U=1.0, beta=1, bath=WIDE))
    with pytest.raises(ValueError, match="a channel for each orbital, at most 2; got 3"):
        orbital_loop(U=1.0, beta=50, orbitals=3, solver="nrg", progress=False)
    for orbitals in (1, 2):  # before any work
        problem = OrbitalImpurity(U=1.0, beta=50, bath=WIDE, orbitals=orbitals)
        with pytest.raises(TypeError, match="errors must be True or False, got 'yes'"):
            solved(problem, errors="yes", keep=10**6)
    tabulated = 0.04 / (1j * np.pi / 50 * (2 * np.arange(64) + 1))
    with pytest.raises(ValueError, match="needs Delta on the real axis"):
        solved(OrbitalImpurity(U=1.0, beta=50, bath=tabulated))
