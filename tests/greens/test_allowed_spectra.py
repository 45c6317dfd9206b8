"""Bounds of smeared spectra hold for the true one, and are the best that the data allow."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import chi2

from kadanoff.greens import (
    AllowedSpectra,
    GreenFunction,
    InfeasibleData,
    LegendreSeries,
    dominance,
    matsubara,
    noisy_data,
)

BETA, COUNT = 20.0, 24


def noisy(energies, weights, error, rng, *, beta=BETA, count=COUNT):
    noise = rng.normal(size=(2, count)) * error
    return GreenFunction(energies, weights, beta).iw(count) + noise[0] + 1j * noise[1]


def random_poles(rng):
    m = rng.integers(2, 9)
    return rng.normal(size=m), rng.dirichlet(np.ones(m))


def test_bounds_hold_jointly_for_random_spectra():
    # 95 % of the sets contain the truth; 4 or more misses of 20 have a probability of 2 %.
    misses = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        poles = random_poles(rng)
        error = 10.0 ** rng.uniform(-5, -2)
        allowed = AllowedSpectra(noisy(*poles, error, rng), BETA, error=error)
        if not allowed.is_feasible:
            misses += 1
            continue
        bounds = allowed.bounds([-1.0, 0.0], 0.3)
        misses += not bounds.holds(*poles).all()
        assert np.all(bounds.lower <= bounds.upper)
        assert np.all(bounds.lower >= 0)
        assert np.all(bounds.upper <= 1 / (0.3 * math.sqrt(2 * math.pi)) + 1e-9)
    assert misses <= 3


def outer_polytope(allowed, kernel, data, radius, g, cuts):
    """max g A over A >= 0 of norm 1, the ball replaced by planes that touch it (HiGHS)."""
    r, columns = kernel.shape
    planes = np.vstack([np.eye(r), -np.eye(r)])
    for _ in range(cuts):
        found = linprog(
            -g,
            planes @ kernel,
            radius + planes @ data,
            np.ones((1, columns)),
            [1.0],
            method="highs",
        )
        z = kernel @ found.x - data
        size = np.linalg.norm(z)
        if size < 1.01 * radius:
            break
        planes = np.vstack([planes, z / size])
    return -found.fun


def test_bounds_are_the_largest_value_of_an_independent_linear_program():
    rng = np.random.default_rng(3)
    energies, weights = [-0.7, 0.1, 0.8], [0.3, 0.4, 0.3]
    error, count = 1e-2, 6
    G = noisy(energies, weights, error, rng, count=count)
    allowed = AllowedSpectra(G, BETA, error=error)
    bounds = allowed.bounds([0.2], 0.3)
    w = np.linspace(-6, 6, 1201)
    z = 1 / (1j * matsubara(BETA, count)[:, None] - w)
    # All 12 numbers, with the radius of the numbers that are compared: a smaller set than ours.
    kernel = np.concatenate([z.real, z.imag]) / error
    data = np.concatenate([G.real, G.imag]) / error
    g = np.exp(-0.5 * ((w - 0.2) / 0.3) ** 2) / (0.3 * math.sqrt(2 * math.pi))
    assert allowed.numbers <= 12
    rest = 12 - allowed.numbers
    radius = math.sqrt(chi2.ppf(0.95, allowed.numbers) + rest)
    upper = outer_polytope(allowed, kernel, data, radius, g, 60)
    lower = -outer_polytope(allowed, kernel, data, radius, -g, 60)
    assert bounds.upper[0] == pytest.approx(upper, abs=0.05 * (upper - lower))
    assert bounds.lower[0] == pytest.approx(lower, abs=0.05 * (upper - lower))


def test_a_continuous_spectrum_and_the_price_of_noise():
    e = np.linspace(-1, 1, 2001)
    a = np.sqrt(1 - e**2)
    a /= a.sum()
    widths = []
    for error in (1e-2, 1e-3, 1e-4):
        G = noisy(e, a, error, np.random.default_rng(5), beta=50.0, count=64)
        bounds = AllowedSpectra(G, 50.0, error=error).bounds([0.0, 0.6, 2.0], 0.2)
        assert bounds.holds(e, a).all()
        widths.append(bounds.upper - bounds.lower)
        assert "SpectralBounds(3 frequencies" in repr(bounds)
        assert np.all(np.abs(bounds.middle - bounds.smeared(e, a)) <= widths[-1] / 2)
    assert np.all(np.diff(widths, axis=0) < 0)
    assert widths[-1][0] < 0.03  # of A(0) = 0.62


def test_the_estimate_is_one_of_the_allowed_spectra():
    errors = {"middle": [], "estimate": []}
    for seed in range(8):
        rng = np.random.default_rng([seed, 1])
        poles, error, norm = random_poles(rng), 10.0 ** rng.uniform(-5, -1), rng.uniform(0.5, 2)
        G, deviation = norm * noisy(*poles, error, rng), norm * error
        allowed = AllowedSpectra(G, BETA, error=deviation, norm=norm)
        if not allowed.is_feasible:
            continue
        found = allowed.estimate(0.2)
        assert np.min(found.weights) > 0
        assert np.sum(found.weights) == pytest.approx(norm, rel=1e-12)
        # chi^2 of all numbers: the allowed one of those above the noise, and that of the others,
        # 48 at most with a standard deviation of sqrt(96).
        off = np.sum(np.abs(found.iw(COUNT) - G) ** 2) / deviation**2
        assert off < allowed.allowed_chi2 + 48 + 4 * math.sqrt(96)
        # Within the bounds of other windows than its own.
        for width in (0.1, 0.4):
            bounds = allowed.bounds(rng.uniform(-1.5, 1.5, 1), width)
            assert bounds.holds(found.energies, found.weights).all()
            assert np.all((bounds.lower <= bounds.estimate) & (bounds.estimate <= bounds.upper))
            for name, list_of in errors.items():
                off = getattr(bounds, name) - bounds.smeared(*poles) * norm
                list_of.append(np.mean(np.abs(off)) / norm)
    # One of the spectra is closer to the true one than the middle of all: 0.06, and 0.09.
    assert np.mean(errors["estimate"]) < np.mean(errors["middle"])


def test_the_estimate_follows_symmetry_and_units():
    G = GreenFunction([-0.8, 0.0, 0.8], [0.4, 0.2, 0.4], BETA).iw(COUNT)
    even = AllowedSpectra(G, BETA, error=1e-3)
    w = np.array([-0.9, -0.2, 0.2, 0.9])
    bounds = even.bounds(w, 0.2)
    # Half a grid spacing, 6 % of the lowest frequency, of the middle of the default model.
    np.testing.assert_allclose(bounds.estimate, bounds.estimate[::-1], atol=5e-3)
    s = 1e-3  # all energies times s
    scaled = AllowedSpectra(G / s, BETA / s, error=1e-3 / s).bounds(w * s, 0.2 * s)
    np.testing.assert_allclose(s * scaled.estimate, bounds.estimate, rtol=1e-6)
    # Data that tell nothing but the norm: the estimate is the default model, a wide one.
    nothing = AllowedSpectra(G, BETA, error=10.0)
    assert np.sum(nothing.estimate(0.2).weights) == pytest.approx(1.0, rel=1e-12)
    with pytest.raises(ValueError, match="width"):
        even.estimate(0.0)
    with pytest.raises(InfeasibleData):
        AllowedSpectra(G.conj(), BETA, error=1e-3).estimate(0.2)


def test_errors_that_are_too_small_are_certified():
    rng = np.random.default_rng(1)
    poles = random_poles(rng)
    G = noisy(*poles, 1e-3, rng)
    assert AllowedSpectra(G, BETA, error=1e-3).is_feasible
    small = AllowedSpectra(G, BETA, error=1e-4)
    assert not small.is_feasible
    assert "infeasible" in repr(small)
    with pytest.raises(InfeasibleData, match="stated error is too small by a factor") as caught:
        small.bounds([0.0], 0.3)
    # The certified chi^2 is below that of the truth, and of the same size.
    truth = np.sum(np.abs(G - GreenFunction(*poles, BETA).iw(COUNT)) ** 2) / 1e-8
    assert small.allowed_chi2 < caught.value.chi2 < truth
    # A function that is no Green function: the sign of the imaginary part.
    assert not AllowedSpectra(G.conj(), BETA, error=1e-3).is_feasible


def test_correlated_errors_are_whitened():
    rng = np.random.default_rng(2)
    energies, weights = [-0.4, 0.9], [0.6, 0.4]
    exact = GreenFunction(energies, weights, BETA).iw(COUNT)
    n = 2 * COUNT
    # Errors that are nearly the same at all frequencies, as after a rescaling of G.
    covariance = 1e-4 * (0.05 * np.eye(n) + 0.95)
    factor = np.linalg.cholesky(covariance)
    misses = 0
    for _ in range(20):
        x = factor @ rng.normal(size=n)
        G = exact + x[:COUNT] + 1j * x[COUNT:]
        allowed = AllowedSpectra(G, BETA, covariance=covariance)
        misses += not (
            allowed.is_feasible and allowed.bounds([0.0], 0.3).holds(energies, weights)[0]
        )
    assert misses <= 3  # 5 % of 20
    # Independent errors give the same set in both forms.
    both = [
        AllowedSpectra(exact, BETA, error=1e-2),
        AllowedSpectra(exact, BETA, covariance=1e-4 * np.eye(n)),
        AllowedSpectra(exact, BETA, error=np.full(COUNT, 1e-2 + 1e-2j)),
    ]
    found = [x.bounds([0.1], 0.3) for x in both]
    assert found[1].upper == pytest.approx(found[0].upper, abs=1e-8)
    assert found[2].lower == pytest.approx(found[0].lower, abs=1e-8)


def test_units_and_a_choice_of_frequencies():
    rng = np.random.default_rng(4)
    poles = random_poles(rng)
    G = noisy(*poles, 1e-3, rng)
    some = np.array([0, 5, 2, 9, 1])
    w_n = matsubara(BETA, COUNT)
    reference = AllowedSpectra(G[some], BETA, error=1e-3, w_n=w_n[some]).bounds([0.2], 0.3)
    s = 1e-3  # all energies times s
    scaled = AllowedSpectra(G[some] / s, BETA / s, error=1e-3 / s, w_n=w_n[some] * s)
    found = scaled.bounds([0.2 * s], 0.3 * s)
    assert found.upper[0] * s == pytest.approx(reference.upper[0], rel=1e-3)
    assert found.lower[0] * s == pytest.approx(reference.lower[0], rel=1e-3, abs=1e-6)
    # A spectrum of another norm, as that of a hybridisation function.
    double = AllowedSpectra(2 * G[some], BETA, error=2e-3, w_n=w_n[some], norm=2.0)
    assert double.bounds([0.2], 0.3).upper[0] == pytest.approx(2 * reference.upper[0], rel=1e-3)


def test_dominance_between_the_points_of_a_grid():
    edges = np.linspace(-3, 3, 40)
    x = dominance.nodes(edges)
    fine = np.linspace(-3, 3, 100_001)

    def s(w):
        return 1.0 / (1.0 + (w - 0.1234) ** 2) - 0.3 * np.sin(3 * w)

    found = dominance.least(s(x))
    assert found <= s(fine).min() <= found + 1e-3
    # Its minimum lies between two edges, where a grid does not see it.
    dip = dominance.least((x - 0.5 * (edges[3] + edges[4])) ** 2)
    assert dip <= 1e-15
    assert (edges - 0.5 * (edges[3] + edges[4])).min() ** 2 > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error": 0.0}, "error must be positive"),
        ({"error": [1e-3] * 3}, "error must be a number or have 24 entries"),
        ({"error": None}, "give one of error and covariance"),
        ({"covariance": np.eye(48)}, "give one of error and covariance"),
        ({"error": None, "covariance": np.eye(3)}, "covariance must have shape"),
        ({"error": None, "covariance": -np.eye(48)}, "covariance must be positive definite"),
        ({"w_n": np.arange(24.0)}, "w_n must hold positive fermionic frequencies"),
        ({"w_n": np.full(24, math.pi / BETA)}, "w_n must hold each frequency once"),
        ({"w_n": [1.0]}, "w_n must have one entry per value"),
        ({"norm": 0.0}, "norm"),
        ({"confidence": 1.0}, "confidence"),
    ],
)
def test_bad_input(change, message):
    G = GreenFunction([0.0], [1.0], BETA).iw(COUNT)
    with pytest.raises(ValueError, match=message):
        AllowedSpectra(G, BETA, **({"error": 1e-3} | change))


def test_bad_windows_and_the_picture():
    from matplotlib.figure import Figure

    G = GreenFunction([-0.5, 0.5], [0.5, 0.5], BETA).iw(COUNT)
    allowed = AllowedSpectra(G, BETA, error=1e-3)
    with pytest.raises(ValueError, match="width"):
        allowed.bounds([0.0], 0.0)
    with pytest.raises(ValueError, match="w must lie within"):
        allowed.bounds([1e9], 0.1)
    with pytest.raises(ValueError, match="w must be a number or one row"):
        allowed.bounds([[0.0]], 0.1)
    bounds = allowed.bounds(np.linspace(-1, 1, 3), 0.3)
    ax = bounds.plot(Figure().subplots())
    assert len(ax.collections) == 1
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), bounds.estimate)
    assert "95" in bounds._repr_html_()


def test_legendre_coefficients_have_the_kernel_of_their_integral():
    for beta, energy in ((20.0, 0.4), (20.0, -3.0), (200.0, 0.0), (5.0, 40.0)):
        G = GreenFunction([energy], [1.0], beta)
        series = LegendreSeries.of(G.tau, beta, coefficients=40)
        data = noisy_data.Legendre(np.zeros(40), np.arange(40), beta)
        found = data.kernel(np.array([energy]))[:, 0]
        np.testing.assert_allclose(found, series.coefficients, atol=1e-11 * beta)
        if energy:
            far = data.kernel_at_infinity(np.array([1 / energy]))[:, 0]
            np.testing.assert_allclose(far, found, atol=1e-13 * beta)


def test_legendre_coefficients_with_an_estimated_covariance():
    energies, weights = [-0.6, 0.2, 0.9], [0.3, 0.3, 0.4]
    exact = LegendreSeries.of(GreenFunction(energies, weights, BETA).tau, BETA, coefficients=24)
    misses = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mixing = rng.normal(size=(24, 24)) / 5
        samples = exact.coefficients + 0.02 * rng.normal(size=(40, 24)) @ mixing
        allowed = AllowedSpectra.of_legendre(
            samples.mean(axis=0), BETA, covariance=np.cov(samples.T) / 40, samples=40
        )
        assert allowed.numbers <= 13
        held = allowed.is_feasible and allowed.bounds([0.0], 0.3).holds(energies, weights)[0]
        misses += not held
    assert misses <= 3  # 5 % of 20
    # A choice of coefficients, as where half of them vanish by symmetry.
    even = np.arange(0, 24, 2)
    some = AllowedSpectra.of_legendre(
        exact.coefficients[even], BETA, covariance=1e-6 * np.eye(12), order=even
    )
    assert some.bounds([0.0], 0.3).holds(energies, weights)[0]
    with pytest.raises(ValueError, match="order must hold 12 different numbers"):
        AllowedSpectra.of_legendre(even, BETA, covariance=np.eye(12), order=0 * even)
    with pytest.raises(ValueError, match="samples"):
        AllowedSpectra.of_legendre(even, BETA, covariance=np.eye(12), samples=3)
