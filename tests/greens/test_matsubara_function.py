"""Transforms to imaginary time and back, many times: errors do not grow, or a warning says so."""

import warnings

import numpy as np
import pytest

from kadanoff.greens import (
    GreenFunction,
    LegendreSeries,
    MatsubaraFunction,
    UncertainTail,
    matsubara,
)

BETA = 200.0


def trips(count, frequencies, moments=()):
    """Errors of 1 / (iw + 2) after each trip, until the first warning."""
    exact = 1.0 / (1j * matsubara(BETA, frequencies) + 2.0)
    values, errors = exact, []
    for _ in range(count):
        G = MatsubaraFunction(values, BETA, moments)
        values = LegendreSeries.of(G.tau, BETA, 200).iw(frequencies)
        errors.append(float(np.max(np.abs(values - exact))))
    return errors


@pytest.mark.parametrize("frequencies", [64, 512, 1024])
def test_with_moments_errors_do_not_grow(frequencies):
    errors = trips(50, frequencies, (1.0, -2.0, 4.0, -8.0))
    # The neglected sum is of order m_4 / w_N**4, and enters once.
    w_N = matsubara(BETA, frequencies)[-1]
    assert errors[-1] < 2.0 * errors[0] + 1e-9
    assert errors[-1] < max(16.0 / w_N**4, 1e-9)


@pytest.mark.parametrize("moments", [(), (1.0,)])
@pytest.mark.parametrize("frequencies", [64, 256, 512, 1024])
def test_without_them_a_warning_comes_before_the_error(frequencies, moments):
    exact = 1.0 / (1j * matsubara(BETA, frequencies) + 2.0)
    values = exact
    for _ in range(50):
        error = np.max(np.abs(values - exact))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            G = MatsubaraFunction(values, BETA, moments)
        if any(w.category is UncertainTail for w in caught):
            break
        assert error < 1e-3  # of a largest value of 0.5
        values = LegendreSeries.of(G.tau, BETA, 200).iw(frequencies)
    else:
        pytest.fail("50 trips without a warning")


@pytest.mark.parametrize("frequencies", [64, 256, 1024])
def test_a_tail_that_is_determined_does_not_warn(frequencies):
    G = GreenFunction([-1.0, 0.3, 2.0], [0.3, 0.3, 0.4], beta=20.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for known in ((), (1.0,), G.moments(3)):
            found = MatsubaraFunction(G.iw(frequencies), 20.0, known)
            assert len(found.moments) == 4
            np.testing.assert_allclose(found.moments[:2], G.moments(2), atol=2e-4)
            assert found.moments[: len(known)] == tuple(known)


def test_one_known_moment_is_kept_and_used():
    """An odd number of moments left out the last one: no tail at all for moments=(1.0,)."""
    G = GreenFunction([-1.0, 0.3, 2.0], [0.3, 0.3, 0.4], beta=20.0)
    found = MatsubaraFunction(G.iw(128), 20.0, (1.0,))
    assert found.moments[0] == 1.0
    np.testing.assert_allclose(found.tau([0.0, 5.0, 20.0]), G.tau([0.0, 5.0, 20.0]), atol=1e-7)


def test_few_frequencies_need_an_even_number_of_moments():
    G = GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=5.0)
    for wrong in ((), (1.0,), (1.0, 0.0, 1.0)):
        with pytest.raises(ValueError, match="at least 16 frequencies"):
            MatsubaraFunction(G.iw(8), 5.0, wrong)
    assert MatsubaraFunction(G.iw(8), 5.0, (1.0, 0.0)).moments == (1.0, 0.0)


@pytest.mark.parametrize("count", [1, 2, 5, 90, 1001])
def test_times_are_the_plain_sum_over_frequencies(count):
    rng = np.random.default_rng(count)
    values = rng.normal(size=count) + 1j * rng.normal(size=count)
    G = MatsubaraFunction.own(values, 7.0, (1.0, 0.3, 2.0, 0.1))
    tau = np.append(rng.uniform(0.0, 7.0, 1500), [0.0, 7.0])
    rest = values - G.tail(1j * G.frequencies)
    plain = (np.exp(-1j * np.outer(tau, G.frequencies)) @ rest).real
    # Rounding of arguments of up to 2000 pi.
    np.testing.assert_allclose(G.tau(tau), G.tail.tau(tau) + plain * 2.0 / 7.0, atol=1e-10)
