import dataclasses
import itertools
import math

import numpy as np
import pytest

from kadanoff.impurities.models import AndersonModel, KondoModel
from kadanoff.impurities.models.operators import BATH, Orbital, Space, Spin, dot
from kadanoff.impurities.symmetry.detection import generator
from kadanoff.impurities.symmetry.multiplets import (
    SYMMETRIES,
    broken_by,
    hopping_elements,
    initial_cluster,
    largest_symmetry,
    multiplet_basis,
)
from kadanoff.impurities.symmetry.wigner import wigner_eckart

ROUNDING = 1e-12  # some tens of operations on numbers of order one

FULL, SPIN, ABELIAN = SYMMETRIES


@dataclasses.dataclass(frozen=True)
class UserModel:
    """A user's own impurity: terms on any space."""

    space: Space
    parts: tuple

    @property
    def observables(self):
        return {}

    def terms(self):
        return self.parts


def double_dot(U=0.5, V=0.1, J=0.0):
    space = Space((Orbital("a"), Orbital("b"), BATH))
    repulsion = [(space.n(x, "up") - 0.5) * (space.n(x, "dn") - 0.5) for x in "ab"]
    return UserModel(
        space,
        (
            ("U", U, repulsion[0] + repulsion[1]),
            ("V", V, space.hop("a", "f0") + space.hop("b", "f0")),
            ("J S_a.S_b", J, dot(space.S("a"), space.S("b"))),
        ),
    )


def spin_on_a_dot(U=0.5, V=0.1, J=0.3):
    space = Space((Spin("s", spin=1), Orbital("d"), BATH))
    repulsion = (space.n("d", "up") - 0.5) * (space.n("d", "dn") - 0.5)
    exchange = dot(space.S("s"), space.S("d"))
    return UserModel(
        space, (("U", U, repulsion), ("V", V, space.hop("d", "f0")), ("J", J, exchange))
    )


SYMMETRIC = [
    AndersonModel(U=0.5, J_sw=0.25),
    KondoModel(J=0.2),
    KondoModel(J=0.2, spin=1),
    KondoModel(J=-0.2, spin=1.5),
    double_dot(J=0.07),
    spin_on_a_dot(),
]
ASYMMETRIC = [
    (AndersonModel(U=0.5, V=0.1, eps=-0.1), SPIN),
    (AndersonModel(U=0.5, V=0.1, field=0.01), ABELIAN),
    (KondoModel(J=0.2, W=0.1), SPIN),
    (KondoModel(J=0.2, W=0.1, field=-0.3, spin=1), ABELIAN),
]
CASES = [*itertools.product(SYMMETRIC, SYMMETRIES)]
CASES += [
    (model, symmetry)
    for model, largest in ASYMMETRIC
    for symmetry in SYMMETRIES[SYMMETRIES.index(largest) :]
]
each_case = pytest.mark.parametrize(
    ("model", "symmetry"), CASES, ids=[f"{type(m).__name__}-{'x'.join(s)}" for m, s in CASES]
)


def hamiltonian(model):
    return sum(coefficient * operator.matrix for _, coefficient, operator in model.terms())


def states(symmetry, labels, sizes):
    """All states of a multiplet basis: (block, index in the block, 2I_z or Q, 2S_z)."""
    found = []
    for block, (label, size) in enumerate(zip(labels.tolist(), sizes, strict=True)):
        members = [
            range(x, -x - 1, -2) if factor == "SU2" else [x]
            for x, factor in zip(label, symmetry, strict=True)
        ]
        found += [
            (block, i, *member)
            for i, member in itertools.product(range(size), itertools.product(*members))
        ]
    return found


def rebuild(symmetry, labels, sizes, hopping, p, q):
    """Matrix of the component (p, q) of the tensor f_0^+ from its reduced elements.

    q = +-1 is the spin, p = +1 creates, p = -1 (charge SU2 only) is [I_-, f_q^+].
    """
    channel = hopping[0 if symmetry[1] == "SU2" or q == 1 else 1]
    blocks = {(i, j): matrix for i, j, matrix in channel}
    found = states(symmetry, labels, sizes)
    full = np.zeros((len(found), len(found)))
    for (row, bra), (column, ket) in itertools.product(enumerate(found), repeat=2):
        if (bra[0], ket[0]) not in blocks or bra[2] != ket[2] + p or bra[3] != ket[3] + q:
            continue
        element = blocks[bra[0], ket[0]][bra[1], ket[1]]
        for axis, component in enumerate((p, q)):
            if symmetry[axis] == "SU2":
                j, j0 = int(labels[bra[0], axis]), int(labels[ket[0], axis])
                element *= wigner_eckart(j, bra[2 + axis], 1, component, j0, ket[2 + axis])
        full[row, column] = element
    return full


def of_seed(start):
    return start.symmetry, start.labels, [len(values) for values in start.energies]


def spectrum(start):
    """Energies of all states, in the order of `states`."""
    return np.concatenate(
        [np.repeat(E, m) for E, m in zip(start.energies, start.multiplicity, strict=True)]
    )


@each_case
def test_dimensions_and_energies_are_those_of_the_explicit_matrix(model, symmetry):
    start = initial_cluster(model, symmetry)
    assert start.multiplicity @ [len(values) for values in start.energies] == model.space.dimension
    assert all(np.all(np.diff(values) >= 0) for values in start.energies)
    np.testing.assert_allclose(
        np.sort(spectrum(start)), np.linalg.eigvalsh(hamiltonian(model)), atol=ROUNDING
    )


@each_case
def test_labels_and_parity(model, symmetry):
    start = initial_cluster(model, symmetry)
    assert start.labels.tolist() == sorted(start.labels.tolist())
    assert len(np.unique(start.labels, axis=0)) == len(start.labels)
    orbitals = sum(isinstance(factor, Orbital) for factor in model.space.factors)
    np.testing.assert_array_equal(start.odd, (start.labels[:, 0] + orbitals) % 2 == 1)


@each_case
def test_reduced_elements_rebuild_the_creators(model, symmetry):
    """Anticommutators, and Green functions of two energies, do not depend on the gauge."""
    start = initial_cluster(model, symmetry)
    up, dn = (rebuild(*of_seed(start), start.hopping, 1, q) for q in (1, -1))
    one = np.eye(len(up))
    np.testing.assert_allclose(up.T @ up + up @ up.T, one, atol=ROUNDING)
    np.testing.assert_allclose(dn.T @ dn + dn @ dn.T, one, atol=ROUNDING)
    np.testing.assert_allclose(up.T @ dn + dn @ up.T, 0, atol=ROUNDING)
    np.testing.assert_allclose(up @ dn + dn @ up, 0, atol=ROUNDING)

    energies = spectrum(start)
    E, vectors = np.linalg.eigh(hamiltonian(model))
    for sigma, rebuilt in (("up", up), ("dn", dn)):
        explicit = vectors.T @ model.space.cdag("f0", sigma).matrix @ vectors
        for z, w in ((1.7, -2.1), (-2.9, 1.9), (5.0, 3.0)):
            expected = np.sum(explicit**2 / np.multiply.outer(z - E, w - E))
            found = np.sum(rebuilt**2 / np.multiply.outer(z - energies, w - energies))
            assert math.isclose(found, expected, rel_tol=1e-11, abs_tol=1e-11)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("model", SYMMETRIC)
def test_every_component_obeys_wigner_and_eckart(model, symmetry):
    """In the multiplets' own basis the rebuilt matrices are the explicit ones, phases included."""
    space = model.space
    frame = multiplet_basis(space, symmetry)
    basis = np.concatenate(
        [np.moveaxis(m, (2, 3), (0, 1)).reshape(space.dimension, -1) for m in frame.members], axis=1
    )
    np.testing.assert_allclose(basis.T @ basis, np.eye(space.dimension), atol=ROUNDING)

    own = symmetry, frame.labels, [members.shape[-1] for members in frame.members]
    quantum_numbers = np.array(states(*own))[:, 2:]
    for column, vector in enumerate((space.isospin(), space.S())):
        z = basis.T @ (2 * vector.z.matrix) @ basis
        np.testing.assert_allclose(z, np.diag(quantum_numbers[:, column]), atol=ROUNDING)

    I_minus = space.isospin().minus
    for q, sigma in ((1, "up"), (-1, "dn")):
        creator = space.cdag("f0", sigma)
        components = {1: creator}
        if symmetry[0] == "SU2":
            components[-1] = I_minus.commutator(creator)
        for p, operator in components.items():
            rebuilt = rebuild(*own, hopping_elements(frame), p, q)
            np.testing.assert_allclose(rebuilt, basis.T @ operator.matrix @ basis, atol=ROUNDING)


def test_the_lower_isospin_component_annihilates():
    space = KondoModel(J=0.1).space
    I_minus = space.isospin().minus
    np.testing.assert_array_equal(
        I_minus.commutator(space.cdag("f0", "up")).matrix, space.c("f0", "dn").matrix
    )


@each_case
def test_scalar_projections_keep_thermal_averages(model, symmetry):
    space = model.space
    observables = {
        "S_0.S_0": dot(space.S("f0"), space.S("f0")),
        "n_0": space.n("f0"),
        "S_z": space.S("f0").z,
        "docc": space.n("f0", "up") * space.n("f0", "dn"),
    }
    start = initial_cluster(model, symmetry, observables=observables)
    assert start.operator_names == tuple(observables)
    E, vectors = np.linalg.eigh(hamiltonian(model))
    for operator, blocks in zip(observables.values(), start.operators, strict=True):
        for beta in (0.0, 3.0, 30.0):
            expected = np.exp(-beta * E) @ np.diag(vectors.T @ operator.matrix @ vectors)
            found = sum(
                dim * np.exp(-beta * values) @ np.diag(block)
                for dim, values, block in zip(
                    start.multiplicity, start.energies, blocks, strict=True
                )
            )
            scale = np.exp(-beta * E).sum()
            assert abs(found - expected) <= ROUNDING * scale


@each_case
def test_terms_add_up_to_the_energies(model, symmetry):
    parts = {name: operator for name, _, operator in model.terms()}
    start = initial_cluster(model, symmetry, observables=parts)
    coefficients = [coefficient for _, coefficient, _ in model.terms()]
    for block, values in enumerate(start.energies):
        H = sum(c * op[block] for c, op in zip(coefficients, start.operators, strict=True))
        np.testing.assert_allclose(H, np.diag(values), atol=ROUNDING)


def reflection_matrix(start, images):
    """G between all states of an abelian cluster."""
    offsets = np.concatenate([[0], np.cumsum([len(values) for values in start.energies])])
    G = np.zeros((offsets[-1], offsets[-1]))
    for block, (target, matrix) in enumerate(images):
        G[offsets[target] : offsets[target + 1], offsets[block] : offsets[block + 1]] = matrix
    return G


@pytest.mark.parametrize("model", SYMMETRIC)
def test_reflections_act_as_rotations_by_pi(model):
    start = initial_cluster(model, ABELIAN)
    assert start.reflection_names == ("charge", "spin")
    up, dn = (rebuild(*of_seed(start), start.hopping, 1, q) for q in (1, -1))
    charge, spin = (reflection_matrix(start, generator) for generator in start.reflections)
    energies = np.diag(spectrum(start))
    labels = np.repeat(start.labels, [len(values) for values in start.energies], axis=0)
    for axis, G in ((0, charge), (1, spin)):
        np.testing.assert_allclose(G @ G.T, np.eye(len(G)), atol=ROUNDING)
        np.testing.assert_allclose(G @ energies, energies @ G, atol=ROUNDING)
        np.testing.assert_allclose(G @ G, np.diag((-1.0) ** labels[:, axis]), atol=ROUNDING)
    np.testing.assert_allclose(charge @ spin, spin @ charge, atol=ROUNDING)
    np.testing.assert_allclose(spin @ up @ spin.T, dn, atol=ROUNDING)
    np.testing.assert_allclose(spin @ dn @ spin.T, -up, atol=ROUNDING)
    np.testing.assert_allclose(charge @ up @ charge.T, dn.T, atol=ROUNDING)
    np.testing.assert_allclose(charge @ dn @ charge.T, -up.T, atol=ROUNDING)
    for (axis, flip), images in zip(((0, -1), (1, -1)), start.reflections, strict=True):
        for block, (target, _) in enumerate(images):
            expected = start.labels[block].copy()
            expected[axis] *= flip
            assert start.labels[target].tolist() == expected.tolist()


@pytest.mark.parametrize("model", SYMMETRIC)
def test_charge_reflection_of_spin_multiplets(model):
    start = initial_cluster(model, SPIN)
    assert start.reflection_names == ("charge",)
    for block, (target, M) in enumerate(start.reflections[0]):
        back = start.reflections[0][target]
        assert back[0] == block
        sign = (-1) ** int(start.labels[block, 0])
        np.testing.assert_allclose(back[1] @ M, sign * np.eye(M.shape[1]), atol=ROUNDING)
        np.testing.assert_allclose(
            M * start.energies[block], start.energies[target][:, None] * M, atol=ROUNDING
        )


def test_rotations_by_pi_have_the_standard_phase():
    space = KondoModel(J=0.1, spin=1.5).space
    R = generator(space, "spin")
    S, I_ = space.S(), space.isospin()
    assert np.array_equal(R @ S.z.matrix, -S.z.matrix @ R)
    C = generator(space, "charge")
    assert np.array_equal(C @ I_.z.matrix, -I_.z.matrix @ C)
    top = np.zeros(space.dimension)
    top[1] = 1.0  # |3/2> |up>: the state S = 2, S_z = 2
    assert top @ S.z.matrix @ top == 2
    bottom = R @ top
    ladder = np.linalg.matrix_power(S.minus.matrix, 4) @ top
    np.testing.assert_allclose(bottom, ladder / np.linalg.norm(ladder), atol=ROUNDING)


def test_reflections_exist_only_as_symmetries():
    def names(model, symmetry=ABELIAN, **bath):
        return initial_cluster(model, symmetry, **bath).reflection_names

    plain = AndersonModel(U=0.5, V=0.1)
    assert names(plain, FULL) == ()
    assert names(plain.replace(field=0.1)) == ("charge",)
    assert names(plain.replace(eps=-0.1)) == ("spin",)
    assert names(plain.replace(eps=-0.1), SPIN) == ()
    assert names(plain, onsite=0.1) == ("spin",)
    assert names(plain, particle_hole_bath=False) == ("spin",)
    assert names(plain, SPIN, particle_hole_bath=False) == ()
    assert names(KondoModel(J=0.1, W=0.1, field=0.1)) == ()


@pytest.mark.parametrize(("model", "largest"), [(model, FULL) for model in SYMMETRIC] + ASYMMETRIC)
def test_largest_symmetry(model, largest):
    assert largest_symmetry(model) == largest
    assert broken_by(model, largest) == ()
    if largest != FULL:
        assert broken_by(model, SYMMETRIES[SYMMETRIES.index(largest) - 1])


def test_largest_symmetry_knows_the_bath():
    model = AndersonModel(U=0.5, V=0.1)
    assert largest_symmetry(model, False) == SPIN
    assert largest_symmetry(model, onsite=0.1) == SPIN
    assert broken_by(model, FULL, onsite=0.1) == ("e_0 n_0",)
    assert broken_by(model, FULL, particle_hole_bath=False) == ("band asymmetry (e_n)",)
    assert largest_symmetry(KondoModel(J=0.1, W=-0.1), onsite=0.1) == FULL  # they cancel


def test_broken_symmetries_are_explained():
    model = AndersonModel(U=0.5, V=0.1, eps=-0.1, field=1e-15)
    with pytest.raises(ValueError) as caught:
        initial_cluster(model, FULL)
    assert str(caught.value) == (
        "symmetry ('SU2', 'SU2') is broken by (eps + U/2) (n_d - 1) (coefficient 0.15), "
        "field S_z (coefficient 1e-15); the largest symmetry of this model is ('U1', 'U1')"
    )
    with pytest.raises(ValueError, match=r"broken by field S_z \(coefficient 1e-15\)"):
        initial_cluster(model, SPIN)
    with pytest.raises(ValueError, match=r"W \(n_0 - 1\) \(coefficient 0.1\)"):
        initial_cluster(KondoModel(J=0.1, W=0.1), FULL)


def test_terms_that_cancel_are_not_blamed():
    space = AndersonModel(U=1, V=1).space
    n, docc = space.n("d"), space.n("d", "up") * space.n("d", "dn")

    def model(eps, W=0.0):
        return UserModel(
            space,
            (
                ("U n_up n_dn", 0.5, docc),
                ("eps n_d", eps, n),
                ("hopping", 0.1, space.hop("d", "f0")),
                ("W n_0", W, space.n("f0")),
            ),
        )

    assert largest_symmetry(model(-0.25)) == FULL
    assert broken_by(model(-0.25, W=0.1), FULL) == ("W n_0",)
    assert set(broken_by(model(-0.2), FULL)) == {"U n_up n_dn", "eps n_d"}
    assert broken_by(model(-0.2), SPIN) == ()


def test_every_offender_is_blamed_whatever_its_size():
    space = double_dot().space
    fields = [(f"B_{x}", B, space.S(x).z) for x, B in (("a", 1.0), ("b", 1e-9), ("f0", 1e-250))]
    hopping = ("V", 0.1, space.hop("a", "f0") + space.hop("b", "f0"))
    assert broken_by(UserModel(space, (hopping, *fields[:2])), SPIN) == ("B_a", "B_b")
    assert broken_by(UserModel(space, (hopping, fields[2])), SPIN) == ("B_f0",)


def test_reflections_survive_a_broken_su2():
    """J_z != J_perp and a density-density coupling keep the discrete halves of SU(2)."""
    space = KondoModel(J=0.1).space
    S_d, S_0 = space.S("d"), space.S("f0")
    ising = UserModel(space, (("J", 0.2, dot(S_d, S_0)), ("J_z", 0.1, S_d.z * S_0.z)))
    assert broken_by(ising, SPIN) == ("J_z",)
    assert initial_cluster(ising, ABELIAN).reflection_names == ("charge", "spin")

    space = AndersonModel(U=1, V=1).space
    density = (space.n("d") - 1) * (space.n("f0") - 1)
    parts = (("V", 0.1, space.hop("d", "f0")), ("F", 0.2, density))
    assert broken_by(UserModel(space, parts), FULL) == ("F",)
    assert initial_cluster(UserModel(space, parts), SPIN).reflection_names == ("charge",)


def test_broken_charges_leave_a_smaller_symmetry():
    space = KondoModel(J=0.1).space
    S = space.S("d")
    model = UserModel(space, (("B_x S_x", 0.2, (S.plus + S.minus) / 2),))
    assert largest_symmetry(model) == ("U1", "none")
    pairing = space.isospin("f0").plus
    model = UserModel(space, (("Delta", 0.2, pairing + pairing.dag),))
    assert largest_symmetry(model) == ("Z2", "SU2")
    with pytest.raises(ValueError, match=r"broken by Delta \(coefficient 0.2\); the largest .*Z2"):
        initial_cluster(model, ABELIAN)
    one = UserModel(space, (("x", 0.3, space.c("f0", "up") + space.cdag("f0", "up")),))
    with pytest.raises(ValueError, match=r"x \(coefficient 0.3\) does not conserve the parity"):
        largest_symmetry(one)


def test_malformed_models_are_refused():
    space = KondoModel(J=0.1).space
    with pytest.raises(ValueError, match="'S_\\+' is not Hermitian; add its conjugate"):
        initial_cluster(UserModel(space, (("S_+", 1.0, space.S("d").plus),)), ABELIAN)
    with pytest.raises(ValueError, match="coefficient of 'n' must be finite, got nan"):
        initial_cluster(UserModel(space, (("n", math.nan, space.n("f0")),)), ABELIAN)
    backwards = Space((BATH, Orbital("d")))
    with pytest.raises(ValueError, match="ends with the bath orbital"):
        initial_cluster(UserModel(backwards, (("n", 1.0, backwards.n("d")),)), ABELIAN)


def test_bad_arguments_are_refused():
    model = KondoModel(J=0.1)
    with pytest.raises(ValueError, match="symmetry must be one of"):
        initial_cluster(model, ("SU2", "U1"))
    with pytest.raises(ValueError, match=r"among 'S_d.S_0', 'S_z', 'n_0'; got 'n_d'"):
        initial_cluster(model, FULL, observables=["n_d"])
    with pytest.raises(TypeError, match="write \\['n_0'\\]"):
        initial_cluster(model, FULL, observables="n_0")
    with pytest.raises(ValueError, match="another space"):
        initial_cluster(model, FULL, observables={"n": AndersonModel(U=1, V=1).space.n("d")})
    with pytest.raises(ValueError, match="parity"):
        initial_cluster(model, FULL, observables={"f": model.space.c("f0", "up")})
    with pytest.raises(TypeError, match="onsite"):
        initial_cluster(model, FULL, onsite=True)
    with pytest.raises(ValueError, match="onsite"):
        initial_cluster(model, SPIN, onsite=math.nan)
