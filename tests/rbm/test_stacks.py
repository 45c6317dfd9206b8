"""Likelihood and conditionals of stacks against enumeration of all layers."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.model_selection import GridSearchCV

import kadanoff as kd
from kadanoff.rbm import Machine, states

RNG = np.random.default_rng(4)


def machine(visible, hidden, units=("binary", "binary")):
    values = (RNG.normal(size=s) for s in ((visible, hidden), visible, hidden))
    return Machine(*values, *units)


STACKS = {
    "binary": [machine(4, 3), machine(3, 2), machine(2, 2)],
    "spin": [machine(4, 3, ("spin", "spin")), machine(3, 2, ("spin", "spin"))],
    "mixed": [machine(4, 3, ("spin", "binary")), machine(3, 2)],
}


def probabilities(machines):
    """P(v) by summation over all layers."""
    p = machines[-1].probabilities()
    for m in machines[-2::-1]:
        v, h = states(m.n_visible, m.visible), states(m.n_hidden, m.hidden)
        weight = np.exp(v @ (m.a + h @ m.W.T).T)
        p = weight / weight.sum(axis=0) @ p
    return p


@pytest.mark.parametrize("name", STACKS)
def test_the_bound_rises_to_the_likelihood(name):
    stack = kd.DeepRBM.of(STACKS[name])
    p = probabilities(STACKS[name])
    assert p.sum() == pytest.approx(1)
    v = states(4, STACKS[name][0].visible)
    gaps = []
    for draws in (1, 16, 2000):
        bounds = np.array([stack.bound(v, draws=draws, seed=s) for s in range(12)])
        gaps.append(p @ bounds.mean(axis=0) - p @ np.log(p))
    assert gaps[0] < gaps[1] < 0.02
    # The bias of the logarithm falls as 1 / draws, and the noise of 24,000 draws is below a per
    # cent for weights that differ by a factor of ten.
    assert abs(gaps[2]) < 0.02


def test_one_machine_has_its_likelihood():
    one = machine(4, 3)
    stack = kd.DeepRBM.of([one])
    v = states(4)
    assert np.allclose(stack.score_samples(v), one.log_likelihood(v), atol=1e-12)
    assert stack.score(v) == pytest.approx(one.log_likelihood(v).mean())
    assert stack.log_Z() == pytest.approx(one.log_Z())


def test_the_score_of_a_row_does_not_depend_on_its_company():
    stack = kd.DeepRBM.of(STACKS["binary"])
    v = states(4)
    together = stack.score_samples(v)
    assert (together[::-1] == stack.score_samples(v[::-1])).all()
    assert (together[3:5] == stack.score_samples(v[3:5])).all()


@pytest.mark.parametrize("name", STACKS)
def test_conditionals_are_those_of_the_enumeration(name):
    stack = kd.DeepRBM.of(STACKS[name])
    units = STACKS[name][0].visible
    v = states(4, units)
    given = v[9]
    n = 8000
    found = stack.conditional(given, [1, 3], n=n, equilibration=30, seed=1)
    assert found.v.shape == (n, 4)
    assert (found.v[:, [0, 2]] == given[[0, 2]]).all()
    fits = (v[:, [0, 2]] == given[[0, 2]]).all(axis=1)
    p = probabilities(STACKS[name])[fits]
    p /= p.sum()
    seen = np.array([(found.v == row).all(axis=1).mean() for row in v[fits]])
    assert np.abs((seen - p) / np.sqrt(p * (1 - p) / n)).max() < 4
    rows = stack.conditional(v[:3], np.array([True, False, False, True]), n=2, seed=1)
    assert rows.v.shape == (3, 2, 4)
    assert rows.h.shape == (3, 2, STACKS[name][-1].n_hidden)


def test_bad_input_of_stacks_is_refused():
    stack = kd.DeepRBM.of(STACKS["binary"])
    with pytest.raises(ValueError, match="draws"):
        stack.bound(states(4), draws=0)
    with pytest.raises(TypeError, match="visible must be"):
        stack.conditional(None, [0])
    with pytest.raises(ValueError, match="free_visible"):
        stack.conditional(states(4), [7])
    with pytest.raises(ValueError, match="visible"):
        stack.conditional([[0, 2, 0, 0]], [0])


def test_stacks_enter_a_grid_search():
    X = machine(6, 3).sample(300, seed=1).v
    search = GridSearchCV(
        kd.DeepRBM((3, 2), n_iter=2, random_state=0), {"learning_rate": [0.05, 0.2]}, cv=2
    ).fit(X)
    assert np.isfinite(search.best_score_)
    assert search.best_score_ < 0


def test_sparse_rows_are_dense_rows():
    X = machine(6, 3).sample(200, seed=1).v
    for make in (
        lambda: kd.RBM(3, n_iter=2, random_state=0),
        lambda: kd.DeepRBM((3, 2), n_iter=2, random_state=0),
    ):
        dense, sparse = make().fit(X), make().fit(csr_array(X))
        assert (dense.transform(X) == sparse.transform(csr_array(X))).all()
        assert dense.score(X) == sparse.score(csr_array(X))
