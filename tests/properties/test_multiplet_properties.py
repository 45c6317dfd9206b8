"""What holds for every impurity: all symmetries of a model tell the same physics."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kadanoff.impurities.models import AndersonModel, KondoModel
from kadanoff.impurities.symmetry.multiplets import (
    SYMMETRIES,
    broken_by,
    initial_cluster,
    largest_symmetry,
)

ROUNDING = 1e-12  # parameters are of order one, the matrices have up to 32 rows

energies = st.floats(-2, 2, allow_subnormal=False)
couplings = st.floats(0, 2, allow_subnormal=False)
spins = st.integers(1, 7).map(lambda doubled: doubled / 2)
fields = st.just(0.0) | energies

anderson = st.builds(AndersonModel, U=energies, V=couplings, eps=st.none() | energies, field=fields)
kondo = st.builds(KondoModel, J=energies, spin=spins, W=fields, field=fields)
models = anderson | kondo


def allowed(model, onsite=0.0):
    return SYMMETRIES[SYMMETRIES.index(largest_symmetry(model, onsite=onsite)) :]


def hamiltonian(model):
    return sum(coefficient * operator.matrix for _, coefficient, operator in model.terms())


def thermal(start, beta):
    """Partition function and averages of the operators, counting every member."""
    weights = [
        dim * np.exp(-beta * values)
        for dim, values in zip(start.multiplicity, start.energies, strict=True)
    ]
    Z = sum(weight.sum() for weight in weights)
    averages = [
        sum(w @ np.diag(block) for w, block in zip(weights, blocks, strict=True)) / Z
        for blocks in start.operators
    ]
    return np.array([Z, *averages])


@given(models, fields)
def test_all_symmetries_have_the_dense_spectrum(model, onsite):
    dense = np.linalg.eigvalsh(hamiltonian(model) + onsite * model.space.n("f0").matrix)
    for symmetry in allowed(model, onsite):
        start = initial_cluster(model, symmetry, onsite=onsite)
        found = [
            np.repeat(E, dim) for E, dim in zip(start.energies, start.multiplicity, strict=True)
        ]
        np.testing.assert_allclose(np.sort(np.concatenate(found)), dense, atol=ROUNDING)


@given(models, st.floats(0, 5))
def test_all_symmetries_have_the_same_averages(model, beta):
    first, *others = (
        thermal(initial_cluster(model, symmetry, observables=list(model.observables)), beta)
        for symmetry in allowed(model)
    )
    for other in others:
        # exp(-beta E) carries an absolute error beta |E| eps, of order 100 eps
        np.testing.assert_allclose(other, first, rtol=1e-11, atol=1e-11)


@given(models)
def test_reduced_elements_keep_the_anticommutator(model):
    """sum of squared reduced elements = Tr f f^+ + ..., the same number for every symmetry."""
    for symmetry in allowed(model):
        start = initial_cluster(model, symmetry)
        total = sum(np.sum(matrix**2) for channel in start.hopping for _, _, matrix in channel)
        # every component of the tensor has Tr f^+ f = d/2, and sum over 3j^2 = 1
        components = np.prod([2 if factor == "SU2" else 1 for factor in symmetry])
        components *= 1 if symmetry[1] == "SU2" else 2
        assert np.isclose(total, components * model.space.dimension / 2, rtol=ROUNDING)


@given(models)
def test_reflections_map_energies_onto_themselves(model):
    for symmetry in allowed(model):
        start = initial_cluster(model, symmetry)
        for generator in start.reflections:
            for block, (target, M) in enumerate(generator):
                np.testing.assert_allclose(M.T @ M, np.eye(M.shape[1]), atol=ROUNDING)
                np.testing.assert_allclose(
                    start.energies[target], start.energies[block], atol=ROUNDING
                )


@given(anderson)
def test_symmetry_of_the_anderson_model_is_what_physics_says(model):
    blamed = broken_by(model, ("SU2", "SU2"))
    assert ("field S_z" in blamed) == (model.field != 0)
    asymmetric = abs(model.eps + model.U / 2) > 1e-15 * abs(model.U)
    assert ("(eps + U/2) (n_d - 1)" in blamed) == asymmetric
    assert broken_by(model, ("U1", "U1")) == ()
