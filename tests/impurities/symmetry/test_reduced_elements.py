"""Tensor operators: the Wigner-Eckart theorem against the operators' own matrices, bad input."""

import itertools

import numpy as np
import pytest

from kadanoff import AndersonModel, DoubleQuantumDot, KondoModel
from kadanoff.impurities.models.operators import BATH, Operator, Orbital, Space, Spin
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES, initial_cluster, multiplet_basis
from kadanoff.impurities.symmetry.reduced_elements import fermionic, tensor
from kadanoff.impurities.symmetry.wigner import wigner_eckart

MODELS = [
    AndersonModel(U=0.5, J_sw=0.3),
    KondoModel(J=0.3),
    KondoModel(J=0.3, spin=1),
    DoubleQuantumDot(U=0.5, J_sw=0.2),
]


def rebuilt(model, symmetry, operator):
    """The operator in the bare basis, put together again from its reduced matrix elements."""
    start = initial_cluster(model, symmetry)
    t = tensor(start, operator)
    frame = multiplet_basis(model.space, symmetry)
    states = [np.einsum("abdm,mk->abdk", m, v) for m, v in zip(frame.members, start.vectors)]  # noqa: B905
    out = np.zeros_like(operator.matrix)

    def coefficient(which, bra, ket, a, b):
        if symmetry[which] == "U1":
            return 1.0 if bra == ket + t.rank[which] else 0.0
        k = t.rank[which]
        return wigner_eckart(bra, bra - 2 * a, k, k, ket, ket - 2 * b)

    for i, j, m in t.elements:
        bra, ket = start.labels[i].tolist(), start.labels[j].tolist()
        shape = [*states[i].shape[:2], *states[j].shape[:2]]
        for a, c, b, d in itertools.product(*map(range, shape)):
            x = coefficient(0, bra[0], ket[0], a, b) * coefficient(1, bra[1], ket[1], c, d)
            if x:
                out += x * states[i][a, c] @ m @ states[j][b, d].T
    return out, t


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_reduced_elements_give_back_the_operator(model, symmetry):
    space = model.space
    operators = [space.cdag("f0", "up"), space.S().plus, model.space.S("f0").plus]
    operators += [
        space.cdag(f.name, "up") if isinstance(f, Orbital) else space.S(f.name).plus
        for f in space.factors[:-1]
    ]
    operators.append(model.derivative(next(iter(model.parameters))))
    for operator in operators:
        try:
            matrix, _ = rebuilt(model, symmetry, operator)
        except ValueError:
            # dH/dU of the dots at fixed V is no scalar of isospin, but it is one of Q
            assert symmetry[0] == "SU2"
            continue
        np.testing.assert_allclose(matrix, operator.matrix, atol=1e-12)


@pytest.mark.parametrize("sigma", ["up", "dn"])
def test_any_operator_with_definite_charges_will_do_for_u1(sigma):
    model = AndersonModel(U=0.5, J_sw=0.3, eps=-0.1, field=0.02)
    space = model.space
    for operator in (space.c("d", sigma), space.S("d").minus, space.n("d", sigma) * space.n("f0")):
        matrix, _ = rebuilt(model, ("U1", "U1"), operator)
        np.testing.assert_allclose(matrix, operator.matrix, atol=1e-12)


def test_ranks():
    space = MODELS[0].space
    start = {symmetry: initial_cluster(MODELS[0], symmetry) for symmetry in SYMMETRIES}
    d, S = space.cdag("d", "up"), space.S("d").plus
    assert tensor(start["SU2", "SU2"], d).rank == (1, 1)
    assert tensor(start["U1", "SU2"], d).rank == (1, 1)
    assert tensor(start["U1", "U1"], space.cdag("d", "dn")).rank == (1, -1)
    assert tensor(start["U1", "SU2"], S).rank == (0, 2)
    assert tensor(start["U1", "U1"], S).rank == (0, 2)


def test_parity():
    space = MODELS[0].space
    assert fermionic(space.cdag("d", "up") * space.n("f0"))
    assert not fermionic(space.S("d").z)
    with pytest.raises(ValueError, match=r"fermion parity.*split"):
        fermionic(space.cdag("d", "up") + space.identity)


def test_bad_operators_are_refused_with_the_remedy():
    space = MODELS[0].space
    start = initial_cluster(MODELS[0], ("U1", "SU2"))
    with pytest.raises(ValueError, match=r"no definite charge.*split.*Q"):
        tensor(start, space.cdag("d", "up") + space.c("d", "dn"))
    with pytest.raises(ValueError, match=r"no definite spin.*split.*S_z"):
        tensor(start, space.cdag("d", "up") + space.cdag("d", "dn"))
    with pytest.raises(ValueError, match=r"top component of a spin tensor.*S"):
        tensor(start, space.cdag("d", "dn"))
    with pytest.raises(ValueError, match="top component of a charge tensor"):
        tensor(initial_cluster(MODELS[0], ("SU2", "SU2")), space.c("d", "up"))
    with pytest.raises(ValueError, match="zero"):
        tensor(start, 0 * space.identity)


def test_a_small_operator_is_as_good_as_a_large_one():
    model = MODELS[0]
    matrix, _ = rebuilt(model, ("U1", "SU2"), 1e-13 * model.space.cdag("d", "up"))
    np.testing.assert_allclose(matrix, 1e-13 * model.space.cdag("d", "up").matrix, atol=1e-25)


def test_an_operator_of_a_users_own_matrix():
    space = Space([Spin("d", spin=1.5), BATH])
    z = np.diag(np.repeat([1.5, 0.5, -0.5, -1.5], 4))
    matrix, t = rebuilt(KondoModel(J=0.1, spin=1.5), ("U1", "U1"), Operator(space, z @ z))
    assert t.rank == (0, 0)
    np.testing.assert_allclose(matrix, z @ z, atol=1e-12)
