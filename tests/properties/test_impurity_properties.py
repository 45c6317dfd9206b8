"""What holds for every impurity that a user can write down."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kadanoff.impurities.models import ImpurityModel
from kadanoff.impurities.models.base import bath_degrees
from kadanoff.impurities.models.operators import BATH, Operator, Orbital, Space, Spin, dot
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES, initial_cluster, largest_symmetry

ROUNDING = 1e-12  # parameters are of order one, the matrices have up to 32 rows

SPACE = Space([Spin("s", spin=0.5), Orbital("d"), BATH])
S, D, F = (SPACE.S(name) for name in SPACE.names)


def repulsion(name):
    return (SPACE.n(name, "up") - 0.5) * (SPACE.n(name, "dn") - 0.5)


TERMS = {
    "U": repulsion("d"),
    "V": SPACE.hop("d", "f0"),
    "J_sd": dot(S, D),
    "J_s0": dot(S, F),
    "J_z": D.z * F.z,
    "W": SPACE.n("f0") - 1,
    "eps": SPACE.n("d") - 1,
    "B": S.z + D.z,
    "F": (SPACE.n("d") - 1) * (SPACE.n("f0") - 1),
    "V_s": dot(S, D + F) * SPACE.hop("d", "f0") + SPACE.hop("d", "f0") * dot(S, D + F),
}
DEGREES = {name: bath_degrees(operator) for name, operator in TERMS.items()}

values = st.floats(-2, 2, allow_subnormal=False)
models = st.dictionaries(st.sampled_from(sorted(TERMS)), values, min_size=1).map(
    lambda given: ImpurityModel(SPACE, {name: (x, TERMS[name]) for name, x in given.items()})
)


def hamiltonian(model):
    return sum(coefficient * operator.matrix for _, coefficient, operator in model.terms())


@given(models, values)
def test_all_symmetries_have_the_dense_spectrum(model, onsite):
    dense = np.linalg.eigvalsh(hamiltonian(model) + onsite * SPACE.n("f0").matrix)
    largest = largest_symmetry(model, onsite=onsite)
    for symmetry in SYMMETRIES[SYMMETRIES.index(largest) :]:
        start = initial_cluster(model, symmetry, onsite=onsite)
        found = [
            np.repeat(E, dim) for E, dim in zip(start.energies, start.multiplicity, strict=True)
        ]
        np.testing.assert_allclose(np.sort(np.concatenate(found)), dense, atol=ROUNDING)


@given(models, st.floats(0.1, 10))
def test_scaling_is_a_group(model, A):
    if any(len(DEGREES[name]) > 1 for name in model.parameters):
        return
    there_and_back = model.rescaled(A).rescaled(1 / A).parameters
    np.testing.assert_allclose(
        list(there_and_back.values()), list(model.parameters.values()), rtol=1e-14
    )


def random_operator(rng):
    return Operator(SPACE, rng.normal(size=(SPACE.dimension,) * 2))


@given(st.integers(0, 2**32 - 1))
def test_operators_are_an_algebra(number):
    rng = np.random.default_rng(number)
    a, b, c = (random_operator(rng) for _ in range(3))
    for left, right in (
        ((a * b) * c, a * (b * c)),
        (a * (b + c), a * b + a * c),
        ((a * b).dag, b.dag * a.dag),
        (a**3, a * a * a),
        (a.commutator(b), a * b - b * a),
    ):
        np.testing.assert_allclose(left.matrix, right.matrix, atol=1e-11)
