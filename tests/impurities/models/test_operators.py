import itertools
import pickle

import numpy as np
import pytest

from kadanoff.impurities.models.operators import BATH, Operator, Orbital, Space, Spin, dot

EXACT = 1e-14  # products of a few numbers of order one

SPACE = Space((Orbital("a"), Spin("S", spin=1), BATH))
MODES = list(itertools.product(("a", "f0"), ("up", "dn")))


def anticommutator(a, b):
    return (a * b + b * a).matrix


def close(a, b, tolerance=EXACT):
    return np.abs(a.matrix - b.matrix).max() <= tolerance


@pytest.mark.parametrize("one", MODES)
@pytest.mark.parametrize("other", MODES)
def test_fermions_anticommute_across_a_spin(one, other):
    c, other_dag = SPACE.c(*one), SPACE.cdag(*other)
    expected = np.eye(SPACE.dimension) if one == other else np.zeros((SPACE.dimension,) * 2)
    np.testing.assert_array_equal(anticommutator(c, other_dag), expected)
    np.testing.assert_array_equal(anticommutator(c, SPACE.c(*other)), 0)


def test_local_states_follow_the_convention():
    one = Space((Orbital("d"),))
    vacuum = np.eye(4)[0]
    both = one.cdag("d", "up").matrix @ one.cdag("d", "dn").matrix @ vacuum
    np.testing.assert_array_equal(one.cdag("d", "up").matrix @ vacuum, np.eye(4)[1])
    np.testing.assert_array_equal(one.cdag("d", "dn").matrix @ vacuum, np.eye(4)[2])
    np.testing.assert_array_equal(both, np.eye(4)[3])


def test_parity_counts_fermions_only():
    n = SPACE.n("a") + SPACE.n("f0")
    np.testing.assert_array_equal(np.diag(SPACE.parity.matrix), (-1) ** np.diag(n.matrix))


@pytest.mark.parametrize("factor", [Spin("x", s / 2) for s in range(1, 6)] + [Orbital("x")])
def test_spin_algebra(factor):
    space = Space((factor, BATH))
    z, plus, minus = space.S("x")
    assert close(z.commutator(plus), plus)
    assert close(plus.commutator(minus), 2 * z)
    assert minus == plus.dag
    square = dot(space.S("x"), space.S("x"))
    if isinstance(factor, Spin):
        assert close(square, factor.spin * (factor.spin + 1) * space.identity)
    else:
        single = space.n("x") - 2 * space.n("x", "up") * space.n("x", "dn")
        assert close(square, 0.75 * single)


def test_isospin_is_an_su2_that_commutes_with_the_spin():
    for z, plus, minus in (SPACE.isospin(), SPACE.isospin("a")):
        assert close(z.commutator(plus), plus)
        assert close(plus.commutator(minus), 2 * z)
    for a, b in itertools.product(SPACE.S(), SPACE.isospin()):
        assert close(a.commutator(b), 0 * SPACE.identity)
    assert all(close(part, 0 * SPACE.identity) for part in SPACE.isospin("S"))


@pytest.mark.parametrize("sign", [-1, 1])
def test_hopping_conserves_isospin_between_opposite_signs(sign):
    space = Space((Orbital("d", sign=sign), BATH))
    commutator = space.hop("d", "f0").commutator(space.isospin().plus)
    assert close(commutator, 0 * space.identity) == (sign == -1)


@pytest.mark.parametrize("spin", [0.5, 1, 1.5])
def test_exchange_splits_total_spins(spin):
    space = Space((Spin("d", spin=spin), BATH))
    energies = np.linalg.eigvalsh(dot(space.S("d"), space.S("f0")).matrix)
    multiplicity = round(2 * spin + 1)
    expected = (
        [-(spin + 1) / 2] * (multiplicity - 1)
        + [0] * 2 * multiplicity
        + [spin / 2] * (multiplicity + 1)
    )
    np.testing.assert_allclose(energies, expected, atol=EXACT * 10)


def test_arithmetic():
    n, one = SPACE.n("a"), SPACE.identity
    assert n + 1 == 1 + n == n + one
    assert 1 - n == one - n == -(n - 1)
    assert 2 * n == n * 2 == n + n == np.float64(2) * n == n / 0.5
    assert n * one == n
    assert SPACE.c("a", "up").dag == SPACE.cdag("a", "up")
    assert isinstance(np.float64(2) * n, Operator)


def test_operators_are_values():
    n = SPACE.n("a")
    again = Space((Orbital("a"), Spin("S", spin=1), BATH)).n("a")
    assert n == again
    assert hash(n) == hash(again)
    assert n != SPACE.n("f0")
    assert n != 3
    assert pickle.loads(pickle.dumps(n)) == n
    assert (0 * n - 0 * n) == hash_free_zero(SPACE)
    with pytest.raises(AttributeError, match="immutable"):
        n.matrix = np.eye(48)
    with pytest.raises(ValueError, match="read-only"):
        n.matrix[0, 0] = 1
    assert repr(n) == "<Hermitian operator on a x S x f0, dimension 48>"
    assert repr(SPACE.c("a", "up")).startswith("<operator")


def hash_free_zero(space):
    zero = Operator(space, -np.zeros((space.dimension, space.dimension)))
    assert hash(zero) == hash(0 * space.identity)
    return zero


def test_other_spaces_are_refused():
    other = Space((Orbital("a"), BATH))
    with pytest.raises(ValueError, match="same Space"):
        SPACE.n("a") + other.n("a")
    with pytest.raises(ValueError, match="same Space"):
        SPACE.n("a") * other.n("a")


@pytest.mark.parametrize("number", [True, "2", None])
def test_only_numbers_multiply(number):
    with pytest.raises(TypeError):
        number * SPACE.n("a")
    with pytest.raises(TypeError):
        SPACE.n("a") - number
    with pytest.raises(TypeError):
        SPACE.n("a") / number


@pytest.mark.parametrize("number", [np.nan, np.inf, complex(0, np.inf)])
def test_only_finite_numbers_multiply(number):
    with pytest.raises(ValueError, match="finite"):
        number * SPACE.n("a")


def test_matrices_are_checked():
    assert Operator(SPACE, np.eye(48) + 0j).is_real
    with pytest.raises(TypeError, match="matrix"):
        Operator(SPACE, np.full((48, 48), "1"))
    with pytest.raises(ValueError, match="matrix must be finite"):
        Operator(SPACE, np.full((48, 48), complex(0, np.nan)))
    with pytest.raises(ValueError, match="shape"):
        Operator(SPACE, np.eye(3))
    with pytest.raises(ValueError, match="matrix must be finite"):
        Operator(SPACE, np.full((48, 48), np.nan))


@pytest.mark.parametrize("spin", [0, -0.5, 0.7, np.nan, np.inf])
def test_spin_must_be_half_integer(spin):
    with pytest.raises(ValueError, match=r"spin must be (one of 1/2, 1, 3/2|finite)"):
        Spin("S", spin=spin)


@pytest.mark.parametrize("spin", [True, "1", 1j, None])
def test_spin_must_be_a_number(spin):
    with pytest.raises(TypeError, match="spin must be a real number"):
        Spin("S", spin=spin)


def test_wrong_names_are_explained():
    with pytest.raises(ValueError, match="one of a, S, f0, got 'd'"):
        SPACE.n("d")
    with pytest.raises(ValueError, match="'S' is a spin"):
        SPACE.c("S", "up")
    with pytest.raises(ValueError, match="'up' or 'dn', got 'down'"):
        SPACE.c("a", "down")
    with pytest.raises(ValueError, match="two different orbitals"):
        SPACE.hop("a", "a")
    with pytest.raises(ValueError, match="sign must be -1 or \\+1"):
        Orbital("d", sign=0)
    with pytest.raises(TypeError, match="sign must be an integer"):
        Orbital("d", sign=True)
    with pytest.raises(TypeError, match="name"):
        Orbital("")


def test_spaces_are_checked():
    with pytest.raises(ValueError, match="different names"):
        Space((Orbital("d"), Spin("d")))
    with pytest.raises(ValueError, match="empty"):
        Space(())
    with pytest.raises(TypeError, match="Orbital, Spin or Boson"):
        Space(("d",))
    with pytest.raises(ValueError, match="4096 states"):
        Space([Orbital(name) for name in "abcdef"])
