import numpy as np
import pytest

from kadanoff import bands
from kadanoff.dmft import Impurity
from kadanoff.greens import matsubara
from kadanoff.greens.causal_fit import fitted_poles, scatter

BETA = 50.0


def bethe(count):
    w = matsubara(BETA, count)
    Delta = Impurity(2.0, BETA, bands.SemicircularBand(1.0)).Delta().iw(count)
    return w, Delta


def noisy(values, size, seed):
    rng = np.random.default_rng(seed)
    return values + size * (rng.normal(size=values.size) + 1j * rng.normal(size=values.size))


@pytest.mark.parametrize("count", [16, 64, 512])
def test_exact_values_are_described_to_rounding(count):
    w, Delta = bethe(count)
    fit = fitted_poles(w, Delta)
    assert np.max(np.abs(fit.residual)) < 1e-11
    # The highest of 16 frequencies is twice the half bandwidth: m_2 is known less well than m_0.
    np.testing.assert_allclose(fit.moments(), [0.25, 0.0, 0.0625, 0.0], atol=1e-6)


@pytest.mark.parametrize("beta", [2.0, 10.0, 50.0, 200.0])
@pytest.mark.parametrize("levels", [[0.3], [-0.4, 0.4], [-0.7, 0.1, 0.25]])
def test_a_few_poles_between_grid_points(beta, levels):
    w = matsubara(beta, 256)
    e, W = np.array(levels), np.linspace(0.05, 0.2, len(levels))
    values = np.sum(W / (1j * w[:, None] - e), axis=1)
    fit = fitted_poles(w, values)
    # Two levels closer than the lowest frequency are one, up to (distance / w_0)**4.
    assert np.max(np.abs(fit.residual)) < 1e-4 * np.max(np.abs(values))
    assert fit.moments()[2] == pytest.approx(np.sum(W * e * e), rel=1e-3)


@pytest.mark.parametrize("size", [1e-5, 1e-4, 1e-3])
def test_noise_is_estimated_and_the_fit_lies_within_it(size):
    w, Delta = bethe(512)
    ratios, away = [], []
    for seed in range(4):
        fit = fitted_poles(w, noisy(Delta, 0.5 * size, seed))
        ratios.append(np.median(fit.noise) / (0.5 * size))
        away.append((fit.function(BETA).iw(512) - Delta) / (0.5 * size))
    # The median of octaves of 16 to 256 values, four times: its own scatter is about 3 %.
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)
    # 512 values share about ten parameters.
    assert np.sqrt(np.mean(np.abs(away) ** 2)) < 0.4


def test_errors_of_moments_cover():
    w, Delta = bethe(128)
    pulls = []
    for seed in range(12):
        fit = fitted_poles(w, noisy(Delta, 1e-4, seed), np.full(128, 1e-4))
        away = fit.moments()[[0, 2]] - [0.25, 0.0625]
        pulls.append(away / fit.moment_errors[[0, 2]])
    # 24 pulls, pairs of them correlated: an rms of 1 scatters by 0.2. Wider ranges of energies
    # than the noise asks for make the errors larger than the scatter.
    assert 0.2 < np.sqrt(np.mean(np.square(pulls))) < 1.5


def test_weights_are_positive_and_known_moments_hold():
    w, Delta = bethe(64)
    fit = fitted_poles(w, noisy(Delta, 1e-3, 1), np.full(64, 1e-3), (0.25, 0.0, 0.0625))
    assert np.all(fit.weights > 0.0)
    np.testing.assert_allclose(fit.moments(3), [0.25, 0.0, 0.0625], atol=1e-5)


def test_a_smooth_misfit_is_no_noise():
    smooth = 1e-3 / (1.0 + np.arange(256.0) / 30.0) ** 2 * (1 + 1j)
    assert np.min(scatter(smooth, 8)) < 1e-8
