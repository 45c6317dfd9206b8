"""What holds for every Ising model, temperature and method."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kadanoff import ising
from kadanoff.lattices.ising import LATTICES, METHODS, Ising

couplings = st.floats(-2.0, 2.0, allow_nan=False)


@st.composite
def models(draw):
    lattice = draw(st.sampled_from(sorted(LATTICES)))
    axes = LATTICES[lattice]
    sizes = st.sampled_from([1, 2, 3, 4, 5, 8, 16] if axes < 3 else [1, 2, 3, 4, 8])
    return Ising(
        tuple(draw(sizes) for _ in range(axes)),
        J=tuple(draw(couplings) for _ in range(axes + (lattice == "triangular"))),
        h=draw(st.one_of(st.just(0.0), couplings)),
        boundary=tuple(draw(st.sampled_from(["periodic", "open"])) for _ in range(axes)),
        lattice=lattice,
    )


@given(models(), st.floats(0.05, 50.0), st.sampled_from(METHODS), st.integers(0, 2**64 - 1))
def test_samples_are_consistent_and_repeatable(model, T, method, seed):
    if method == "wolff" and model.h:
        method = "swendsen-wang"
    options = {"T": T, "n": 12, "method": method, "seed": seed, "equilibration": 3, "spacing": 2}
    run = ising.sample(model, threads=1, **options)
    s = run.configurations
    assert np.isin(s, (-1, 1)).all()
    np.testing.assert_allclose(run.energy, model.energy(s) / model.sites, atol=1e-10)
    np.testing.assert_allclose(run.magnetisation, s.reshape(12, -1).mean(axis=1), atol=1e-12)
    lowest = -sum(abs(j) * b for j, b in zip(model.J, model.bonds, strict=True))
    assert (run.energy * model.sites >= lowest - abs(model.h) * model.sites - 1e-9).all()
    assert all(math.isfinite(e.mean) for e in run.estimates.values())
    np.testing.assert_array_equal(run.packed, ising.sample(model, threads=2, **options).packed)


@given(models(), st.integers(0, 2**32))
def test_turning_all_spins_turns_the_field(model, seed):
    spins = np.random.default_rng(seed).choice([-1, 1], size=model.shape)
    turned = Ising(model.shape, model.J, -model.h, model.boundary, model.lattice)
    np.testing.assert_allclose(model.energy(spins), turned.energy(-spins), atol=1e-10)


@given(models())
def test_a_ground_state_is_one(model):
    ground = model.ground_state()
    if ground is None:
        return
    plain = Ising(model.shape, model.J, 0.0, model.boundary, model.lattice)
    e = float(plain.energy(ground))
    for site in np.ndindex(*model.shape):
        flipped = ground.copy()
        flipped[site] *= -1
        assert float(plain.energy(flipped)) >= e - 1e-9
