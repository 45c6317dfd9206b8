"""Exact diagonalisation of several orbitals: against a dense matrix, closed forms, one orbital."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadanoff import _core
from kadanoff.dmft import DiscreteBath, Impurity, MatrixBath, OrbitalImpurity, solve
from kadanoff.dmft.orbitals import diagonalised, ladder_operators
from tests.dmft.orbitals.dense_reference import Dense

ONE = DiscreteBath([-0.6, 0.1, 0.8], [0.3, 0.25, 0.4])


def solved(problem, **options):
    return solve(problem, progress=False, threads=1, **options)


energies = st.floats(-1.5, 1.5).map(lambda x: round(x, 3))


@st.composite
def problems(draw):
    """Two orbitals with two levels of a bath: own ones, common ones, or hoppings."""
    U = draw(st.floats(0.5, 5.0))
    J = draw(st.floats(0.0, 0.4)) * U
    kind = draw(st.sampled_from(["kanamori", "density"]))
    prime = None if kind == "kanamori" else draw(st.floats(0.1, 1.0)) * U
    e = [draw(energies) for _ in range(2)]
    V = np.diag([draw(energies) for _ in range(2)])
    hopping = None
    mixed = draw(st.sampled_from(["no", "bath", "hopping"]))
    if mixed == "bath":
        V[0, 1] = draw(energies)
    if mixed == "hopping":
        hopping = draw(energies) * np.array([[0.0, 1.0], [1.0, 0.0]])
    beta = draw(st.sampled_from([0.7, 5.0, 30.0]))
    eps = [draw(energies) - U for _ in range(2)]
    bath = MatrixBath(e, V)
    return (
        OrbitalImpurity(
            U=U, U_prime=prime, J=J, kind=kind, beta=beta, bath=bath, eps=eps, hopping=hopping
        ),
        Dense,
        (np.array(e), V),
    )


@settings(max_examples=15, deadline=None)
@given(problems())
def test_all_that_is_computed_is_that_of_a_dense_matrix(case):
    problem, dense, (e, V) = case
    exact = dense(problem, e, V)
    found = solved(problem, frequencies=8, susceptibilities=True)
    assert abs(exact.log_Z - found.log_Z) < 1e-10 * max(1.0, abs(found.log_Z))
    z = 1j * found.w_n
    charge = [sum(pair) for pair in exact.n]
    spin = [0.5 * (pair[0] - pair[1]) for pair in exact.n]
    for a in range(2):
        assert abs(exact.mean(charge[a]) - found.n[a]) < 1e-10
        assert abs(exact.mean(exact.n[a][0] @ exact.n[a][1]) - found.docc[a]) < 1e-10
        for b in range(2):
            # 1e-10 relative to G, of which the largest is beta
            assert np.max(np.abs(exact.green(a, b, z) - found.G_iw[:, a, b])) < 1e-10
            assert abs(exact.mean(charge[a] @ charge[b]) - found.pairs[a, b]) < 1e-10
            assert abs(exact.mean(spin[a] @ spin[b]) - found.spins[a, b]) < 1e-10
            chi = exact.response(charge[a], charge[b]) - problem.beta * found.n[a] * found.n[b]
            # Levels nearer than 1e-9 are equal in one code and not in the other.
            assert abs(chi - found.chi_charge[a, b]) < 1e-8 * problem.beta
            chi = exact.response(spin[a], spin[b])
            assert abs(chi - found.chi_spin[a, b]) < 1e-8 * problem.beta
    # Dyson's equation, where G is not small
    dyson = np.linalg.inv(problem.G0_iw(8)) - np.linalg.inv(found.G_iw)
    assert np.max(np.abs(dyson - found.Sigma_iw)) < 1e-8


@pytest.mark.parametrize("beta", [1.0, 50.0])
def test_one_orbital_is_that_of_the_code_for_one(beta):
    one = solved(Impurity(U=2.0, beta=beta, bath=ONE, eps=-0.7))
    same = solved(OrbitalImpurity(U=2.0, beta=beta, bath=ONE, eps=-0.7, orbitals=1))
    # poles of weight 1e-12 may be dropped by either
    allowed = 1e-12 * max(1.0, beta / np.pi)
    assert np.max(np.abs(one.G_iw - same.G_iw[:, 0, 0])) < allowed
    assert np.max(np.abs(one.Sigma_iw - same.Sigma_iw[:, 0, 0])) < allowed
    assert abs(one.n - same.n[0]) < 1e-12
    assert abs(one.docc - same.docc[0]) < 1e-12
    assert abs(one.log_Z - same.log_Z) < 1e-12 * abs(one.log_Z) + 1e-12
    assert np.max(np.abs(one.G.tau(one.tau) - same.G[0].tau(one.tau))) < 1e-11


def test_orbitals_without_interaction_between_them_are_two_single_ones():
    baths = [DiscreteBath(ONE.e[:2], ONE.V[:2]), DiscreteBath([0.2], [0.5])]
    both = OrbitalImpurity(
        U=2.0, beta=20, bath=baths, U_prime=0.0, kind="density", eps=(-0.7, -1.2)
    )
    found = solved(both, susceptibilities=True)
    for a, (bath, eps) in enumerate(zip(baths, both.eps, strict=True)):
        one = solved(Impurity(U=2.0, beta=20, bath=bath, eps=eps))
        assert np.max(np.abs(one.Sigma_iw - found.Sigma_iw[:, a, a])) < 1e-11
        assert abs(one.n - found.n[a]) < 1e-12
    assert abs(found.pairs[0, 1] - found.n[0] * found.n[1]) < 1e-12
    assert abs(found.chi_charge[0, 1]) < 1e-10
    assert abs(found.chi_spin[0, 1]) < 1e-12


@pytest.mark.parametrize("kind", ["kanamori", "density"])
def test_the_atom_of_two_orbitals_at_half_filling(kind):
    """Its 16 levels in closed form."""
    U, J, beta = 3.0, 0.6, 2.0
    found = solved(OrbitalImpurity(U=U, J=J, kind=kind, beta=beta, bath=DiscreteBath([], [])))
    eps, prime = found.problem.eps[0], U - 2 * J
    flips = J if kind == "kanamori" else 0.0
    two = [prime - J] * 2 + [prime - flips, prime + flips, U - flips, U + flips]
    three = U + 2 * prime - J
    levels = np.array(
        [0.0]
        + [eps] * 4
        + [2 * eps + x for x in two]
        + [3 * eps + three] * 4
        + [4 * eps + 2 * three]
    )
    assert abs(found.log_Z - np.log(np.sum(np.exp(-beta * levels)))) < 1e-12
    assert np.max(np.abs(found.n - 1.0)) < 1e-12


@pytest.mark.parametrize("solver", ["ed", "hubbard1"])
def test_three_orbitals_of_an_atom_are_alike(solver):
    problem = OrbitalImpurity(
        U=3.0, J=0.4, beta=4.0, bath=DiscreteBath([], []), orbitals=3, eps=-3.0
    )
    found = solved(problem, solver=solver, frequencies=16)
    assert np.ptp(found.n) < 1e-12
    assert np.ptp(found.Z) < 1e-12


def test_su4_point():
    """At J = 0 all pairs of flavours are alike."""
    found = solved(OrbitalImpurity(U=3.0, beta=20, bath=DiscreteBath([0.2], [0.5]), eps=-2.0))
    assert abs(found.docc[0] - 0.25 * found.pairs[0, 1]) < 1e-12
    # <S^z S^z> of one orbital is n_up n_dn and n alone; that of two vanishes.
    assert abs(found.spins[0, 1]) < 1e-12
    by_density = solved(
        OrbitalImpurity(U=3.0, beta=20, bath=DiscreteBath([0.2], [0.5]), eps=-2.0, kind="density")
    )
    assert np.max(np.abs(found.G_iw - by_density.G_iw)) < 1e-11


def test_spectra_and_tails_obey_sum_rules():
    problem = OrbitalImpurity(U=3.0, J=0.5, beta=10, bath=ONE_EACH, eps=(-2.5, -2.0))
    found = solved(problem, frequencies=2**12)
    for a in range(2):
        weights, poles = found.G[a].weights, found.G[a].energies
        assert abs(weights.sum() - 1.0) < 1e-11
        # Hartree: the first moment is eps_a + sum of repulsions times occupations.
        own = found.n[1 - a] * (2 * problem.U_prime - problem.J) / 2 + problem.U * found.n[a] / 2
        assert abs(weights @ poles - problem.eps[a] - own) < 1e-10
        assert abs(found.Sigma_iw[-1, a, a].real - own) < 1e-4  # falls as 1/w^2
        assert np.all(found.Sigma_iw[:, a, a].imag < 0)
        assert abs(2 * found.G[a].occupation - found.n[a]) < 1e-10


ONE_EACH = [DiscreteBath([0.1], [0.4]), DiscreteBath([-0.2], [0.3])]


def test_merged_poles_are_those_of_all():
    """At high temperature poles are merged; G from them agrees with G from all."""
    bath = DiscreteBath([-0.5, 0.6], [0.3, 0.4])
    problem = OrbitalImpurity(U=3.0, J=0.5, beta=0.5, bath=bath, eps=-2.0, hopping=HOP)
    found = solved(problem, frequencies=32, prune=0.0)
    assert found.diagnostics["pole_width"] > 0.0
    assert np.max(np.abs(found.G[0].iw(32) - found.G_iw[:, 0, 0])) < 1e-11


HOP = [[0.0, 0.2], [0.2, 0.0]]


def test_memory_is_estimated_before_a_run(monkeypatch):
    problem = OrbitalImpurity(U=3.0, J=0.5, beta=5.0, bath=ONE)
    assert diagonalised.needed_memory(problem, 3) < 1e9
    three = OrbitalImpurity(U=3.0, J=0.5, beta=5.0, bath=ONE, orbitals=3)
    assert diagonalised.needed_memory(three, 2) > 1e9
    monkeypatch.setattr(diagonalised.memory, "available", lambda: 10**6)
    with pytest.raises(MemoryError, match=r"need 0\.\d+ GB"):
        solved(problem)
    with pytest.raises(ValueError, match=r"too large|too many"):
        solved(OrbitalImpurity(U=3.0, beta=5.0, bath=ONE, orbitals=3), sites=3)


def test_a_hamiltonian_that_turns_with_the_spin_is_refused():
    field = [(0.3, (3, 2)), (-0.3, (7, 6))]
    with pytest.raises(ValueError, match="rotations"):
        _core.FockLevels(2, ladder_operators.terms(field), rotations=True)
    assert _core.FockLevels(2, ladder_operators.terms(field), rotations=False).ground == -0.3


def test_threads_change_nothing():
    problem = OrbitalImpurity(U=3.0, J=0.5, beta=5.0, bath=DiscreteBath(ONE.e[:2], ONE.V[:2]))
    one, two = (solve(problem, threads=t, progress=False, frequencies=16) for t in (1, 2))
    assert np.array_equal(one.G_iw, two.G_iw)
    assert np.array_equal(one.G[0].weights, two.G[0].weights)


def test_a_bath_that_is_too_large_names_a_size_that_fits():
    bath = DiscreteBath(np.linspace(-1.0, 1.0, 6), np.full(6, 0.2))
    with pytest.raises(ValueError, match=r"at most 4\); sites=4 fits"):
        solved(OrbitalImpurity(U=1.0, beta=5.0, bath=bath))


def test_hubbard1_says_what_it_does_not_know_of_pairs():
    """The double occupancy of the atom may exceed n/2 of the level in its bath."""
    bath = DiscreteBath([-0.5, 0.5], [0.4, 0.4])
    for U in (0.0, 2.0):
        one = solved(Impurity(U, 10.0, bath, -0.4), solver="hubbard1")
        same = OrbitalImpurity(U=U, beta=10.0, bath=bath, orbitals=1, eps=-0.4)
        found = solved(same, solver="hubbard1")
        assert found.docc == pytest.approx([one.docc], rel=1e-10)
        assert found.pairs == pytest.approx([one.n + 2.0 * one.docc], rel=1e-8)
        assert found.moment == pytest.approx(0.25 * one.n - 0.5 * one.docc, rel=1e-8)
    two = OrbitalImpurity(U=0.0, beta=10.0, bath=bath, eps=[0.3, -0.2])
    exact, found = (solved(two, solver=s, frequencies=64) for s in ("ed", "hubbard1"))
    for name in ("docc", "pairs", "spins"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), abs=1e-7)
    interacting = OrbitalImpurity(U=2.0, J=0.3, beta=10.0, bath=bath)
    found = solved(interacting, solver="hubbard1")
    for values in (found.docc, found.pairs, found.spins):
        assert np.isnan(values).all()
    assert found.chi_spin is None
    assert found.chi_charge is None


def test_hubbard1_is_exact_without_interaction_and_without_bath():
    bath = DiscreteBath([-0.5, 0.3], [0.3, 0.4])
    free = OrbitalImpurity(U=0.0, beta=10, bath=bath, eps=(0.1, -0.2))
    exact, found = (solved(free, solver=s, frequencies=16) for s in ("ed", "hubbard1"))
    assert np.max(np.abs(exact.G_iw - found.G_iw)) < 1e-11
    assert np.max(np.abs(exact.n - found.n)) < 1e-4  # of a sum over 16 frequencies and its tail
    mixed = OrbitalImpurity(U=1.0, beta=10, bath=bath, hopping=HOP)
    with pytest.raises(ValueError, match="mixes orbitals"):
        solved(mixed, solver="hubbard1")
