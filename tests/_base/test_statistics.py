"""Errors of correlated data against processes whose autocorrelation is known."""

import math

import numpy as np
import pytest

from kadanoff._base.statistics import Estimate, estimate, jackknife, rule_of_three, z_score


def autoregressive(rng, a, shape):
    """x_t = a x_{t-1} + noise, variance 1, mean 0: rho(t) = a^t, tau = (1 + a) / (1 - a) / 2."""
    x = rng.normal(size=shape)
    x[..., 1:] *= math.sqrt(1 - a * a)
    for t in range(1, shape[-1]):
        x[..., t] += a * x[..., t - 1]
    return x


@pytest.mark.parametrize("a", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("replicas", [None, 8])
def test_errors_cover_the_truth(a, replicas):
    rng = np.random.default_rng(3)
    runs = autoregressive(rng, a, (200, *([] if replicas is None else [replicas]), 1500))
    found = [estimate(x) for x in runs]
    z = np.array([z_score(f, 0.0) for f in found])
    # The standard deviation of 200 z scores scatters by 5 %; tau itself adds up to 7 % in z.
    assert 0.85 < z.std() < 1.25
    tau = (1 + a) / (1 - a) / 2
    assert np.mean([f.tau for f in found]) == pytest.approx(tau, rel=0.08)
    assert found[0].n == runs[0].size
    assert found[0].ess == found[0].n / (2 * found[0].tau)


def test_jackknife_of_a_variance_and_of_a_ratio():
    rng = np.random.default_rng(4)
    z = []
    for x in autoregressive(rng, 0.6, (150, 3000)):
        z.append(
            (
                z_score(jackknife(lambda a, b: b - a * a, x, x * x), 1.0),
                z_score(jackknife(lambda a, b: a / b**2, x**4, x**2), 3.0),
            )
        )
    z = np.array(z)
    assert (np.abs(z.mean(axis=0)) < 3.5 * z.std(axis=0) / math.sqrt(len(z))).all()
    assert (z.std(axis=0) > 0.8).all()
    assert (z.std(axis=0) < 1.3).all()


def test_jackknife_of_the_mean_is_the_estimate():
    x = autoregressive(np.random.default_rng(5), 0.5, (2, 900))
    found, plain = jackknife(lambda a: a, x), estimate(x)
    assert found.mean == pytest.approx(plain.mean, abs=1e-14)
    # n / (n - 1) is how the pseudovalues fluctuate.
    assert found.error == pytest.approx(plain.error, rel=2e-3)
    assert found.tau == pytest.approx(plain.tau, rel=2e-3)


def test_long_series_are_put_into_blocks():
    x = autoregressive(np.random.default_rng(6), 0.9, (3, 30_011))
    found, plain = jackknife(lambda a: a, x), estimate(x)
    assert found.error == pytest.approx(plain.error, rel=0.05)
    assert found.tau == pytest.approx(plain.tau, rel=0.1)


def test_special_series():
    found = estimate([0.3] * 1000)
    assert found == Estimate(found.mean, 0.0, 0.5, 1000.0, 1000)
    assert found.mean == pytest.approx(0.3)
    assert estimate([2.0]) == Estimate(2.0, math.inf, 0.5, 1.0, 1)
    assert jackknife(lambda a: a, [2.0]).error == math.inf
    # Anticorrelated: not better than independent.
    assert estimate([1.0, -1.0] * 500).tau == 0.5
    # Many replicas of one measurement each are independent.
    x = np.random.default_rng(7).normal(size=(400, 1))
    assert estimate(x).tau == 0.5
    assert estimate(x).error == pytest.approx(x.std(ddof=1) / 20)
    assert estimate(np.array([1, 2, 3], dtype=np.int8)).mean == 2.0
    # Replicas that are stuck at different values are correlated over their whole length.
    stuck = np.repeat(np.random.default_rng(8).normal(size=(10, 1)), 1000, axis=1)
    assert estimate(stuck).ess < 100


def test_z_score():
    assert z_score(Estimate(1.5, 0.25, 0.5, 10, 10), 1.0) == 2.0
    assert z_score(Estimate(1.5, 0.0, 0.5, 10, 10), 1.5) == 0.0
    assert z_score(Estimate(1.5, 0.0, 0.5, 10, 10), 1.6) == -math.inf


def test_str_shows_two_digits_of_the_error():
    assert str(Estimate(1.23456, 0.0123, 0.5, 10, 10)) == "1.235 +- 0.012"
    assert "inf" in str(estimate([1.0]))


@pytest.mark.parametrize(
    ("series", "error", "words"),
    [
        ([], ValueError, "at least one"),
        ([1.0, math.nan], ValueError, "finite"),
        ([1.0, math.inf], ValueError, "finite"),
        ([1j, 2.0], TypeError, "real"),
        (["a"], TypeError, "numbers"),
        (np.zeros((2, 2, 2)), ValueError, "shape"),
        (1.0, ValueError, "shape"),
    ],
)
def test_bad_series_are_refused(series, error, words):
    with pytest.raises(error, match=words):
        estimate(series)
    with pytest.raises(error, match=words):
        jackknife(lambda a: a, series)


def test_bad_functions_are_refused():
    with pytest.raises(ValueError, match="at least one series"):
        jackknife(lambda: 1.0)
    with pytest.raises(ValueError, match="same shape"):
        jackknife(lambda a, b: a, [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        jackknife(lambda a: math.nan, [1.0, 2.0])
    with pytest.raises(TypeError, match="Estimate"):
        z_score(1.0, 1.0)
    with pytest.raises(ValueError, match="exact"):
        z_score(Estimate(1.5, 0.25, 0.5, 10, 10), math.nan)


def test_the_rule_of_three_bounds_what_was_not_seen():
    constant, varied = [1.0] * 30, [1.0] * 29 + [2.0]
    assert rule_of_three(estimate(constant), constant, 0.5).error == pytest.approx(0.05)
    assert rule_of_three(estimate(varied), varied, 100.0) == estimate(varied)
    assert rule_of_three(estimate([1.0]), [1.0], 0.5).error == math.inf
    # Leaving out either of two values, or one of four in equal pairs, leaves the same variance.
    for x in (np.array([1.0, 2.0]), np.array([1.0, 2.0, 1.0, 2.0])):
        variance = jackknife(lambda a, b: b - a * a, x, x * x)
        assert variance.error < 1e-12
        found = rule_of_three(variance, x, 0.5, fluctuation=True)
        assert found.error == pytest.approx(variance.mean * math.sqrt(2 / (x.size - 1)))
    # 95 per cent of the runs without an event have a probability below 3 / n.
    assert pytest.approx(0.05, rel=0.01) == (1 - 3 / 1000) ** 1000
    with pytest.raises(ValueError, match="quantum"):
        rule_of_three(estimate(constant), constant, -1.0)
