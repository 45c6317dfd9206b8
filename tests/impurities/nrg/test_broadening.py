"""Broadening and the Kramers-Kronig transform: closed forms, conservation, bad input."""

import math

import numpy as np
import pytest

from kadanoff.greens.kramers_kronig import hilbert
from kadanoff.impurities.nrg.broadening import broaden, frequencies
from kadanoff.impurities.nrg.peaks import Bins
from tests import exact

BINS = Bins(lowest=1e-6, per_decade=300, count=2400)


def uniform(lowest=1e-7, highest=100.0, per_decade=2000):
    """Peaks that make up the spectrum A = 1."""
    edges = np.geomspace(lowest, highest, round(per_decade * math.log10(highest / lowest)))
    middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    peaks = np.concatenate([-middle[::-1], [0.0], middle])
    return peaks, np.concatenate([width[::-1], [2 * lowest], width])


@pytest.mark.parametrize("b", [0.2, 0.6])
def test_a_constant_stays_constant_through_the_crossing(b):
    omega = frequencies(1e-5, 0.01, 20)
    A = broaden(*uniform(), omega, b=b, w0=1e-3)
    # above w0 the log-Gaussian has int L dw' = 1 exactly, below the Gaussian too
    np.testing.assert_allclose(A, 1.0, atol=3e-5)


def test_far_above_w0_a_peak_is_a_log_gaussian():
    omega, p, b = np.array([-1.0, 0.3, 1.0, 2.0]), 0.9, 0.5
    x = np.log(omega[1:] / p) / b - b / 4
    expected = np.exp(-(x**2)) / (math.sqrt(math.pi) * b * omega[1:])
    A = broaden([p], [2.0], omega, b=b, w0=1e-4)
    np.testing.assert_allclose(A, [0.0, *2 * expected], rtol=1e-13)


def test_far_below_w0_a_peak_is_a_gaussian():
    omega = np.array([-2e-4, 0.0, 1e-4])
    A = broaden([5e-5], [1.0], omega, b=0.5, w0=1.0)
    expected = np.exp(-((omega - 5e-5) ** 2)) / math.sqrt(math.pi)
    np.testing.assert_allclose(A, expected, rtol=1e-12)


def test_weight_and_order_of_the_peaks():
    random = np.random.default_rng(3)
    peaks, weights = random.normal(size=30), random.normal(size=30)
    omega = frequencies(1e-4, 1e2, 200)
    A = broaden(peaks, weights, omega, b=0.3, w0=1e-2)
    order = random.permutation(30)
    np.testing.assert_allclose(
        A, broaden(peaks[order], weights[order], omega, b=0.3, w0=1e-2), atol=1e-13
    )
    # int L dw = exp(b^2 / 4) * exp(-b^2/4) = 1 for peaks far above w0
    total = np.trapezoid(broaden(np.abs(peaks) + 0.3, weights, omega, b=0.3, w0=1e-2), omega)
    assert total == pytest.approx(weights.sum(), rel=1e-4)


def test_the_cut_kernel_is_the_whole_kernel():
    random = np.random.default_rng(0)
    peaks = np.sort(np.concatenate([random.normal(size=40) * 10.0 ** random.uniform(-4, 1, 40)]))
    omega, b, w0 = frequencies(1e-5, 10.0, 30), 0.4, 1e-2
    w, p = omega[:, None], peaks[None, :]
    h = np.where(np.abs(w) >= w0, 1, np.exp(-((np.log(np.abs(w) / w0) / b) ** 2)))
    x = np.log(np.abs(w / p)) / b - b / 4
    L = np.where(w * p > 0, np.exp(-(x**2)) / (math.sqrt(math.pi) * b * np.abs(w)), 0)
    G = np.exp(-(((w - p) / w0) ** 2)) / (math.sqrt(math.pi) * w0)
    expected = (L * h + G * (1 - h)).sum(axis=1)
    found = broaden(peaks, np.ones(40), omega, b=b, w0=w0)
    # what is left out is 2e-17 of the height of each kernel
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15 * expected.max())


def test_spread_keeps_weight_and_moment_and_is_continuous():
    random = np.random.default_rng(1)
    weight, moment = np.zeros(2 * BINS.count), np.zeros(2 * BINS.count)
    positions = random.normal(size=500) * 10.0 ** random.uniform(-8, 1, 500)
    weights = random.normal(size=500)
    for p, w in zip(positions, weights, strict=True):
        i = max(0, math.floor(math.log10(abs(p) / BINS.lowest) * 300)) + (p > 0) * BINS.count
        weight[i] += w
        moment[i] += p * w
    spread = BINS.spread(weight, moment)
    assert spread.sum() == pytest.approx(weights.sum(), abs=1e-12)
    assert spread @ BINS.mesh == pytest.approx(positions @ weights, abs=1e-11)
    expected = exact.on_mesh(positions, weights, BINS.mesh)
    # (u W - M) / (u - l) cancels two digits: 1e-16 * 130 times the weights
    np.testing.assert_allclose(spread, expected, atol=1e-12)


def test_hilbert_of_a_lorentzian():
    """P int (g/pi) / (x^2 + g^2) / (w - x) dx = w / (w^2 + g^2)."""
    g = 0.01
    x = np.concatenate([-np.geomspace(1e-6, 1e3, 1500)[::-1], [0.0], np.geomspace(1e-6, 1e3, 1500)])
    A = g / math.pi / (x**2 + g**2)
    inner = np.abs(x) < 1
    expected = (x / (x**2 + g**2))[inner]
    # linear interpolation with relative steps of 1.4 %: (0.014)^2 / 8 of the height 1 / (2 g)
    np.testing.assert_allclose(hilbert(x, A)[inner], expected, atol=5e-5 / (2 * g))
    elsewhere = np.array([-0.0123, 0.0, 1e-4, 0.3])
    found = hilbert(x, A, at=elsewhere)
    np.testing.assert_allclose(found, elsewhere / (elsewhere**2 + g**2), atol=5e-5 / (2 * g))


def test_hilbert_of_steps_and_ramps_is_exact():
    x = np.array([-1.0, -0.2, 0.5, 1.0])
    w = np.array([-3.0, -0.5, 0.1, 2.0])
    step = np.log(np.abs((w + 1) / (w - 1)))
    np.testing.assert_allclose(hilbert(x, np.ones(4), at=w), step, atol=1e-14)
    # P int x / (w - x) = -2 + w ln|(w+1)/(w-1)|
    np.testing.assert_allclose(hilbert(x, x, at=w), w * step - 2, atol=1e-14)


def test_frequencies_are_symmetric_and_span_the_range():
    omega = frequencies(1e-3, 2.0, 10)
    np.testing.assert_allclose(omega, -omega[::-1], rtol=1e-15)
    assert omega[-1] == pytest.approx(2.0)
    assert np.abs(omega).min() == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("b", "w0", "text"),
    [
        (0.0, 1.0, "b must be above 0"),
        (-0.1, 1.0, "b must be above 0"),
        (0.5, 0.0, "w0 must be above 0"),
    ],
)
def test_a_broadening_must_be_positive(b, w0, text):
    with pytest.raises(ValueError, match=text):
        broaden([0.0], [1.0], [1.0], b=b, w0=w0)


@pytest.mark.parametrize("b", [math.nan, math.inf])
def test_a_broadening_must_be_finite(b):
    with pytest.raises(ValueError, match="finite"):
        broaden([0.0], [1.0], [1.0], b=b, w0=1.0)


@pytest.mark.parametrize(
    ("omega", "text"),
    [
        ([], "at least one"),
        (1.0, "one-dimensional"),
        ([[1.0]], "one-dimensional"),
        ([1.0, 0.5], "sorted.*np.unique"),
        ([1.0, 1.0], "sorted"),
        ([0.0, math.nan], "finite"),
        ([0.0, math.inf], "finite"),
    ],
)
def test_grids_are_checked(omega, text):
    with pytest.raises(ValueError, match=text):
        broaden([0.0], [1.0], omega, b=0.5, w0=1.0)
    with pytest.raises(ValueError, match=text):
        hilbert(omega, np.asarray(omega))


@pytest.mark.parametrize("omega", [[1j], ["1"], [True], [None]])
def test_grids_are_real(omega):
    with pytest.raises(TypeError, match=r"real|w must be an array of numbers"):
        broaden([0.0], [1.0], omega, b=0.5, w0=1.0)


def test_shapes_and_ranges():
    with pytest.raises(ValueError, match="weights must have shape"):
        broaden([0.0, 1.0], [1.0], [1.0], b=0.5, w0=1.0)
    with pytest.raises(ValueError, match="finite"):
        broaden([0.0], [math.nan], [1.0], b=0.5, w0=1.0)
    with pytest.raises(ValueError, match="shape of omega"):
        hilbert([1.0, 2.0], [1.0])
    for arguments in ((0.0, 1.0), (2.0, 1.0), (math.nan, 1.0)):
        with pytest.raises(ValueError, match=r"lowest"):
            frequencies(*arguments)
    with pytest.raises(ValueError, match="per_decade"):
        frequencies(1.0, 2.0, 0)
