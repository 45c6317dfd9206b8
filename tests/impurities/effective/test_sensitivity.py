import math

import numpy as np
import pytest

from kadanoff.impurities.effective.sensitivity import Sensitivity


@pytest.fixture
def two():
    # Relative changes: (1, 1) / sqrt 2 counts 2, (1, -1) / sqrt 2 counts 1e-3.
    V = np.array([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2)
    W = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 2)))[0]
    unit = np.array([0.5, 4.0])
    slopes = W @ np.diag([2.0, 1e-3]) @ V / unit
    return slopes, Sensitivity.of(slopes, unit, ("U", "V"))


def test_directions_by_strength(two):
    _, found = two
    assert found.singular == pytest.approx([2, 1e-3])
    assert found.condition == pytest.approx(2000)
    assert found.describe(0) == "+0.71 U +0.71 V"
    assert found.describe() in ("+0.71 U -0.71 V", "-0.71 U +0.71 V")
    assert "0.001 along" in repr(found)
    assert found.undetermined == ()


def test_covariance_is_the_inverse_of_the_normal_matrix(two):
    slopes, found = two
    # The condition number squared, 4e6, times 1e-16.
    expected = 1e-4 * np.linalg.inv(slopes.T @ slopes)
    np.testing.assert_allclose(found.covariance(1e-2), expected, rtol=1e-8)
    assert found.errors(1e-2)["V"] == pytest.approx(math.sqrt(expected[1, 1]))
    assert np.all(found.covariance(0.0) == 0)


def test_undetermined_directions(two):
    slopes, found = two
    jumping = Sensitivity.of(slopes, found.unit, ("U", "V"), least=2e-3)
    assert jumping.undetermined == (jumping.describe(1),)
    same = Sensitivity.of(np.array([[1.0, 1.0]] * 2), np.ones(2), ("x", "y"))
    assert len(same.undetermined) == 1
    assert same.condition > 1e15
    exact = Sensitivity.of(np.diag([1.0, 0.0]), np.ones(2), ("x", "y"))
    assert exact.condition == math.inf
    assert exact.errors(1e-3) == {"x": 1e-3, "y": math.inf}


@pytest.mark.parametrize("error", [-1.0, math.nan])
def test_bad_errors_are_refused(two, error):
    with pytest.raises(ValueError, match="error must"):
        two[1].covariance(error)
