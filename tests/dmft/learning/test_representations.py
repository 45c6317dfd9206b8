"""Transformers of G(tau): exact inverses, and what they make of symmetry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from kadanoff.dmft.learning.representations import Chebyshev, Intermediate, Legendre, Parity, Tanh
from kadanoff.greens import GreenFunction, LegendreSeries, chebyshev_times

BETA, TIMES = 10.0, 51


def greens(seed, count=8, symmetric=False):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        e, w = rng.uniform(-3, 3, 4), rng.dirichlet(np.ones(4))
        if symmetric:
            e, w = np.concatenate([e, -e]), np.concatenate([w, w]) / 2
        rows.append(GreenFunction(e, w, BETA).tau(chebyshev_times(BETA, TIMES)))
    return np.array(rows)


@pytest.mark.parametrize("transformer", [Legendre(), Chebyshev(), Parity(), Tanh(), Tanh(-1, 2.0)])
@given(seed=st.integers(0, 2**32 - 1))
def test_round_trip(transformer, seed):
    X = greens(seed)
    there = transformer.fit(X).transform(X)
    np.testing.assert_allclose(transformer.inverse_transform(there), X, atol=1e-12)


def test_intermediate_representation_is_short_and_exact():
    X = greens(0)
    ir = Intermediate(beta=BETA, w_max=4.0, tolerance=1e-12).fit(X)
    there = ir.transform(X)
    assert there.shape[1] < 30
    np.testing.assert_allclose(ir.inverse_transform(there), X, atol=1e-9)


def test_legendre_coefficients_are_those_of_the_series():
    X = greens(1)
    G = GreenFunction([-1.0, 0.5], [0.3, 0.7], BETA)
    row = G.tau(chebyshev_times(BETA, TIMES))[None]
    series = LegendreSeries.of(G.tau, BETA, coefficients=TIMES)
    found = Legendre().fit(X).transform(row)[0]
    # beta = 1 in the transformer: coefficients are G_l / beta there
    np.testing.assert_allclose(found, series.coefficients / BETA, atol=1e-9)


def test_antisymmetric_part_vanishes_at_half_filling():
    half, other = greens(2, symmetric=True), greens(2)
    parity = Parity().fit(half)
    odd = parity.transform(half)[:, (TIMES + 1) // 2 :]
    assert np.max(np.abs(odd)) < 1e-14
    assert np.max(np.abs(parity.transform(other)[:, (TIMES + 1) // 2 :])) > 0.01


def test_in_a_pipeline():
    X = greens(3, count=40)
    model = make_pipeline(Legendre(), Tanh(), Ridge(1e-8)).fit(X, X[:, 0])
    np.testing.assert_allclose(model.predict(X), X[:, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X: Legendre().fit(X[0]), "shape"),
        (lambda X: Legendre().fit(np.where(X < -0.4, np.nan, X)), "finite"),
        (lambda X: Legendre().fit(X).transform(X[:, :5]), "51 columns"),
        (lambda X: Tanh(sign=2).fit(X), "sign must be"),
        (lambda X: Tanh(reach=0.0).fit(X), "reach must lie"),
        (lambda X: Intermediate(BETA, 4.0).fit(X[:, :5]), "coefficients"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(greens(4))
