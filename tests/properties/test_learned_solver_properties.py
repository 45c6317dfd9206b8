"""What holds for every answer of a learned solver, also far from what it was trained on."""

from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kadanoff.dmft import DiscreteBath, Impurity, database, learn, solve
from kadanoff.dmft.learning import load, save
from kadanoff.dmft.learning.expert import furthest
from kadanoff.dmft.learning.regressors import drawn_members

MODELS = {
    "kernel ridge": {},
    "gaussian process": {},
    "network": {"max_iter": 2},
    "forest": {"n_estimators": 3},
}
CLOSE = 1e-7
"""Of n of the Hartree term and n of G, which are found to 1e-8."""


@cache
def learned(model, target="log"):
    db = database(
        40, inputs=("hubbard1",), target="ed-2", beta=[5.0, 20.0], seed=1, progress=False
    )  # fmt: skip
    told = {"members": 2, "settings": MODELS[model], "outside": "flag"}
    return learn(db, model=model, target=target, **told)


@st.composite
def problems(draw, symmetric=False):
    count = draw(st.integers(1, 4))
    U, beta = draw(st.floats(0.1, 30.0)), draw(st.floats(0.5, 60.0))
    e = [draw(st.floats(-8.0, 8.0, allow_subnormal=False)) for _ in range(count)]
    V = [draw(st.floats(0.05, 3.0)) for _ in range(count)]
    if symmetric:
        return Impurity(U, beta, DiscreteBath([*e, *[-x for x in e]], V + V))
    return Impurity(U, beta, DiscreteBath(e, V), eps=draw(st.floats(-3.0, 3.0)) - 0.5 * U)


def causal(problem, found):
    assert np.all(found.Sigma_iw.imag <= 0.0)
    assert np.all(found.G_iw.imag < 0.0)
    assert np.all(found.G.weights >= 0.0)
    assert abs(found.G.tau([0.0, problem.beta]).sum() + 1.0) < 1e-12
    assert -1e-12 < found.n < 2.0 + 1e-12


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=15)
@given(problem=problems())
def test_every_answer_is_causal(model, problem):
    found = solve(problem, solver=learned(model), frequencies=500)
    causal(problem, found)
    if found.diagnostics["kept"] is not None:  # the input itself, unchanged
        return
    Sigma = learned(model).predict(learned(model).sample(problem)).Sigma
    assert np.all(Sigma.weights > 0.0)
    # One occupation: U n/2 of the self-energy is that of the Green function.
    assert abs(2.0 * Sigma.hartree / problem.U - found.n) < CLOSE
    spin = Sigma.hartree / problem.U
    assert Sigma.weights.sum() == pytest.approx(problem.U**2 * spin * (1.0 - spin), rel=1e-12)


@pytest.mark.parametrize("target", ["Sigma3", "residual", "G"])
@settings(max_examples=10)
@given(problem=problems())
def test_whatever_is_regressed(target, problem):
    causal(problem, solve(problem, solver=learned("kernel ridge", target), frequencies=500))


@settings(max_examples=15)
@given(problem=problems(symmetric=True))
def test_half_filling_is_exact(problem):
    found = solve(problem, solver=learned("kernel ridge"), frequencies=64)
    assert found.n == pytest.approx(1.0, abs=1e-9)
    scale = np.abs(found.Sigma_iw).max()
    np.testing.assert_allclose(found.Sigma_iw.real, 0.5 * problem.U, atol=1e-10 * scale)


def alike(found, expected, problem, rtol):
    """Self-energies agree, where n is known to CLOSE and moves them by U times its slope."""
    limit = 30.0 * CLOSE * problem.U + rtol * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=limit)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=15)
@given(problem=problems())
def test_particle_hole_partners(model, problem):
    # Trees of samples and partners branch at zero: there rounding decides.
    assume(model != "forest" or abs(problem.detuning) > 1e-3)
    bath = DiscreteBath(-np.array(problem.bath.e), problem.bath.V)
    other = Impurity(problem.U, problem.beta, bath, eps=-problem.eps - problem.U)
    one, two = (solve(p, solver=learned(model), frequencies=64) for p in (problem, other))
    assert one.diagnostics["outside"] == two.diagnostics["outside"]
    assert one.diagnostics["kept"] == two.diagnostics["kept"]
    alike(two.Sigma_iw, problem.U - one.Sigma_iw.conj(), problem, 1e-6)
    assert one.n + two.n == pytest.approx(2.0, abs=3 * CLOSE)


@settings(max_examples=15)
@given(problem=problems(), s=st.floats(-2.0, 2.0).map(lambda x: 10.0**x))
def test_units_of_energy(problem, s):
    bath = DiscreteBath(s * np.array(problem.bath.e), s * np.array(problem.bath.V))
    other = Impurity(s * problem.U, problem.beta / s, bath, eps=s * problem.eps)
    solver = learned("kernel ridge")
    one, two = (solve(p, solver=solver, frequencies=64) for p in (problem, other))
    alike(two.Sigma_iw / s, one.Sigma_iw, problem, 1e-6)
    assert two.diagnostics["distance"] == pytest.approx(one.diagnostics["distance"], rel=1e-6)
    reaches = [furthest([solver.sample(p)]) for p in (problem, other)]
    assert reaches[1] == pytest.approx(reaches[0], rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=10)
@given(problem=problems())
def test_from_a_file_bit_for_bit(model, tmp_path_factory, problem):
    path = tmp_path_factory.getbasetemp() / f"{model}.npz"
    if not path.exists():
        save(learned(model), path)
    one, two = (solve(problem, solver=s, frequencies=64) for s in (learned(model), load(path)))
    np.testing.assert_array_equal(one.Sigma_iw, two.Sigma_iw)
    np.testing.assert_array_equal(one.G.weights, two.G.weights)
    assert one.error == two.error
    assert one.n == two.n


@given(
    st.lists(st.integers(0, 9), min_size=4, max_size=40).filter(lambda g: len(set(g)) > 3),
    st.integers(2, 9),
    st.integers(0, 2**31),
)
def test_members_see_whole_groups(group, members, seed):
    group = np.array(group)
    for rows in drawn_members(group, members, seed):
        out = np.setdiff1d(np.arange(group.size), rows)
        assert set(group[rows].tolist()).isdisjoint(group[out].tolist())
        assert rows.size
