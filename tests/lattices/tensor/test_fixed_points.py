"""The fixed point is one: of the map, of the model's universality, of any start."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import ising, potts, tensor


@pytest.fixture(scope="module")
def eight():
    return tensor.fixed_point(ising.Ising(2), chi=8, eigenvalues=3)


def test_the_tensor_converges(eight):
    assert eight.residual < 1e-9
    assert np.linalg.norm(eight.tensor) == pytest.approx(1, abs=1e-12)
    # Each Newton step gains the three digits of its linear solve.
    assert eight.residuals[-1] < 1e-2 * eight.residuals[-2]


def test_dimensions_within_their_error(eight):
    assert (np.abs(eight.dimensions[:2] - [1 / 8, 1]) <= eight.dimensions_error[:2]).all()
    assert eight.charges[:2].tolist() == [1, 0]
    assert eight.central_charge == pytest.approx(1 / 2, abs=0.03)


def test_the_linearised_map(eight):
    # The energy, y_t = 1, and the two frames that a rotation by 90 degrees turns to -1.
    assert eight.y_t == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(eight.eigenvalues[1:].real, -1, atol=0.1)


def test_no_other_start():
    for model, named in (
        (ising.Ising(2, h=0.1), "no field"),
        (ising.Ising(2, J=-1.0), "positive"),
        (ising.Ising(2, J=(1.0, 0.5)), "equal"),
        (potts.Potts(2, 5), "first order"),
    ):
        with pytest.raises(ValueError, match=named):
            tensor.fixed_point(model)


def test_too_few_steps():
    with pytest.raises(kd.NotConverged, match="residual") as caught:
        tensor.fixed_point(ising.Ising(2), chi=6, eps=2e-3, max_iterations=1, eigenvalues=1)
    assert 1e-9 < caught.value.partial.residual < 0.1


def test_two_colours_are_the_ising_model():
    found = [
        tensor.fixed_point(model, chi=6, eps=2e-3, eigenvalues=1)
        for model in (ising.Ising(2), potts.Potts(2, 2))
    ]
    np.testing.assert_allclose(found[0].dimensions[:2], found[1].dimensions[:2], atol=1e-7)
