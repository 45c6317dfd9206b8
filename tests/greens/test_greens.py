"""Representations of Green functions agree with one another and with sums over poles."""

import importlib.util

import numpy as np
import pytest

from kadanoff.greens import (
    ChebyshevFunction,
    GreenFunction,
    IntermediateSeries,
    LegendreSeries,
    MatsubaraFunction,
    chebyshev_times,
    gauss_poles,
    legendre_to_matsubara,
    matsubara,
    tail_moments,
)

RNG = np.random.default_rng(5)


def some_poles(count, beta, spread=2.0):
    E = spread * RNG.uniform(-1, 1, count)
    w = RNG.uniform(0, 1, count)
    return GreenFunction(E, w / w.sum(), beta)


def direct(G, z):
    return np.sum(G.weights / (np.asarray(z)[:, None] - G.energies), axis=1)


@pytest.mark.parametrize("count", [1, 7, 5000])
@pytest.mark.parametrize("beta", [0.5, 10.0, 200.0])
def test_sums_over_poles(count, beta):
    G = some_poles(count, beta)
    z = 1j * matsubara(beta, 100)
    # moving residues to Chebyshev points costs 1e-15 of sum |w| / |Im z|
    np.testing.assert_allclose(G.iw(100), direct(G, z), rtol=1e-13, atol=1e-14)
    tau = chebyshev_times(beta, 17)
    exact = -np.sum(
        G.weights * np.exp(-tau[:, None] * G.energies - np.logaddexp(0, -beta * G.energies)),
        axis=1,
    )
    np.testing.assert_allclose(G.tau(tau), exact, atol=1e-13)


def test_real_axis_is_a_sum_of_lorentzians():
    G = some_poles(3000, 10.0)
    w = np.linspace(-3, 3, 41)
    lorentz = 0.1 / np.pi / ((w[:, None] - G.energies) ** 2 + 0.01)
    np.testing.assert_allclose(G.spectrum(w, 0.1), lorentz @ G.weights, atol=1e-13)


def test_negative_frequencies_are_conjugates():
    G = some_poles(50, 3.0)
    z = np.array([0.4 + 0.3j, -1.0 + 2.0j])
    np.testing.assert_allclose(G(z.conj()), G(z).conj(), atol=1e-15)


def test_jump_and_moments():
    G = some_poles(40, 8.0)
    assert G.tau(0.0) + G.tau(8.0) == pytest.approx(-1.0, abs=1e-13)
    assert G.moments(3)[1] == pytest.approx(np.sum(G.weights * G.energies))
    assert G.occupation == pytest.approx(
        np.sum(G.weights / (1 + np.exp(8.0 * G.energies))), abs=1e-13
    )


def test_merging_keeps_norm_and_mean():
    G = some_poles(300, 5.0)
    merged = G.merged(0.05)
    assert merged.energies.size < 120
    np.testing.assert_allclose(merged.moments(2), G.moments(2), atol=1e-13)
    assert np.max(np.abs(merged.iw(20) - G.iw(20))) < 0.05**2 / (np.pi / 5.0) ** 3
    assert G.merged(0.0).energies.size == 300


def test_gauss_poles_have_the_moments():
    G = some_poles(9, 1.0)
    for count in (2, 4, 6):
        E, w = gauss_poles(G.moments(count))
        assert E.size == count // 2
        assert np.all(w > 0)
        found = [np.sum(w * E**k) for k in range(count)]
        np.testing.assert_allclose(found, G.moments(count), rtol=1e-10)
    # a single pole behind four moments
    E, w = gauss_poles([2.0, 1.0, 0.5, 0.25])
    np.testing.assert_allclose((E, w), ([0.5], [2.0]))
    assert gauss_poles([0.0, 0.0])[0].size == 0


@pytest.mark.parametrize("known", [2, 4, 6])
def test_matsubara_to_tau_converges_with_known_moments(known):
    poles = some_poles(20, 10.0)
    tau = chebyshev_times(10.0, 33)
    errors = []
    for count in (32, 128):
        G = MatsubaraFunction(poles.iw(count), 10.0, tuple(poles.moments(known)))
        errors.append(np.max(np.abs(G.tau(tau) - poles.tau(tau))))
    # m_known / w**known: four times the frequencies
    assert errors[1] < errors[0] * 4.0**-known * 4.0
    assert errors[1] < {2: 1e-3, 4: 1e-6, 6: 1e-9}[known]


def test_tail_is_fitted_and_used_beyond_the_values():
    poles = some_poles(20, 10.0)
    np.testing.assert_allclose(tail_moments(poles.iw(256), 10.0), poles.moments(4), rtol=1e-3)
    G = MatsubaraFunction(poles.iw(128), 10.0)
    assert G.tail_error < 1e-6
    np.testing.assert_allclose(G.iw(200), poles.iw(200), rtol=1e-6)
    assert MatsubaraFunction(poles.iw(64), 10.0, (2.0, 0.0)).tail_error > 0.4


def test_legendre_transform_is_unitary():
    T = legendre_to_matsubara(4000, 30)
    # sum over negative frequencies too: they are the conjugates. Truncation: l^2 / n
    product = 2.0 * (T.conj().T @ T).real
    np.testing.assert_allclose(product, np.eye(30), atol=0.06)
    from scipy.special import spherical_jn

    n, order = np.array([0, 1, 7, 300])[:, None], np.array([0, 1, 2, 5, 12, 29])[None, :]
    exact = (
        (-1.0) ** n
        * 1j ** (order + 1)
        * np.sqrt(2 * order + 1)
        * spherical_jn(order, (2 * n + 1) * np.pi / 2)
    )
    np.testing.assert_allclose(T[n, order], exact, atol=1e-13)


@pytest.mark.parametrize("beta", [1.0, 50.0])
def test_legendre_series_of_a_green_function(beta):
    poles = some_poles(30, beta)
    series = LegendreSeries.of(poles.tau, beta)
    for count in (51, 200):  # by polynomials that are kept, and one after the other
        tau = np.linspace(0, beta, count)
        np.testing.assert_allclose(series.tau(tau), poles.tau(tau), atol=1e-12)
    np.testing.assert_allclose(series.iw(256), poles.iw(256), atol=1e-11)
    # at the ends every P_l is one: the truncated coefficients add up
    assert series.jump == pytest.approx(1.0, abs=1e-11)
    np.testing.assert_allclose(series.moments[:2], poles.moments(2), atol=1e-8)


def test_sqrt_beta_coefficients():
    # 55 coefficients for 1e-6 at beta = 50, D = 1 (a pilot of the project's notes)
    from kadanoff.bands.densities import SemicircularBand
    from kadanoff.dmft.solvers.quadrature import band_star

    G = GreenFunction(*band_star(SemicircularBand(), 50.0), 50.0)
    series = LegendreSeries.of(G.tau, 50.0, coefficients=55)
    tau = np.linspace(0, 50, 400)
    assert np.max(np.abs(series.tau(tau) - G.tau(tau))) < 2e-6


@pytest.mark.parametrize("beta", [5.0, 50.0])
def test_chebyshev_points(beta):
    poles = some_poles(30, beta)
    points = ChebyshevFunction.of(poles, 151)
    tau = np.concatenate([np.linspace(0, beta, 40), chebyshev_times(beta, 151)])
    np.testing.assert_allclose(points.tau(tau), poles.tau(tau), atol=1e-12)
    np.testing.assert_allclose(points.iw(100), poles.iw(100), atol=1e-11)
    assert points.truncation < 1e-12
    assert points.occupation == pytest.approx(poles.occupation, abs=1e-13)
    # what too few points miss shows in the last coefficients
    coarse = ChebyshevFunction.of(poles, 17)
    error = np.max(np.abs(coarse.tau(tau) - poles.tau(tau)))
    assert 0.05 * error < coarse.truncation < 20 * error


def test_intermediate_representation():
    poles = some_poles(30, 50.0)
    if importlib.util.find_spec("sparse_ir") is None:
        with pytest.raises(ImportError, match="pip install"):
            IntermediateSeries.of(poles, 4.0)
        return
    series = IntermediateSeries.of(poles, 4.0)
    tau = np.linspace(0, 50, 41)
    np.testing.assert_allclose(series.tau(tau), poles.tau(tau), atol=1e-9)
    np.testing.assert_allclose(series.iw(50), poles.iw(50), atol=1e-8)
    assert series.coefficients.size < 60


G = GreenFunction([0.3], [1.0], 5.0)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: GreenFunction([0.1, 0.2], [1.0], 1.0), ValueError, "one entry per pole"),
        (lambda: GreenFunction([np.nan], [1.0], 1.0), ValueError, "energies must be finite"),
        (lambda: GreenFunction([0.1], [1.0], 0.0), ValueError, "beta must be positive"),
        (lambda: GreenFunction([0.1], [1.0], True), TypeError, "beta must be a real number"),
        (lambda: GreenFunction([1j], [1.0], 1.0), TypeError, "must hold real numbers"),
        (lambda: G(0.5), ValueError, "off the real axis"),
        (lambda: G(complex("nan")), ValueError, "finite"),
        (lambda: G.w(0.5, 0.0), ValueError, "eta must be above 0"),
        (lambda: G.tau(5.1), ValueError, r"lie in \[0, beta"),
        (lambda: G.tau(np.nan), ValueError, r"lie in \[0, beta"),
        (lambda: matsubara(-1.0, 3), ValueError, "beta must be positive"),
        (lambda: matsubara(1.0, 0), ValueError, "at least 1"),
        (lambda: chebyshev_times(1.0, 1), ValueError, "at least 2"),
        (lambda: MatsubaraFunction([], 1.0), ValueError, "at least one"),
        (lambda: MatsubaraFunction([-1j], 1.0), ValueError, "at least 16"),
        (lambda: MatsubaraFunction([-1j] * 16, 1.0, 3), ValueError, "moments must have 1 dim"),
        (lambda: LegendreSeries.own("3", 1.0), TypeError, "coefficients must hold real numbers"),
        (lambda: LegendreSeries([[1.0]], 1.0), ValueError, "1 dimension"),
        (lambda: LegendreSeries.of(np.sign, 1.0, 0), ValueError, "at least 1"),
        (lambda: LegendreSeries.of(lambda t: np.abs(t - 0.3), 1.0), ValueError, "2048"),
        (lambda: ChebyshevFunction([1.0], 1.0), ValueError, "at least 2"),
        (lambda: G.merged(-1.0), ValueError, "distance must be at least 0"),
        (lambda: G(np.array(["a"])), TypeError, "z must hold numbers"),
        (lambda: G.tau(np.array([True])), TypeError, "tau must hold real numbers"),
        (lambda: G.iw(True), TypeError, "count must be an integer"),
        (lambda: G.iw(0), ValueError, "count must be at least 1"),
        (lambda: gauss_poles([np.nan, 1.0]), ValueError, "moments must be finite"),
        (lambda: GreenFunction([0.1], [1.0], bta=1.0), TypeError, "did you mean 'beta'"),
        (lambda: matsubara(beta=1.0, cont=3), TypeError, "did you mean 'count'"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    "function",
    [G, MatsubaraFunction(G.iw(64), G.beta, G.moments(4)), LegendreSeries([1.0, 0.5], G.beta)],
    ids=lambda function: type(function).__name__,
)
def test_the_doors_of_the_solvers_refuse_too(function):
    """Methods that solvers call with arrays of their own can be called by anyone."""
    for times in ([G.beta + 0.1], [-0.1, 1.0], [np.nan]):
        with pytest.raises(ValueError, match=r"lie in \[0, beta"):
            function.at_times(np.array(times))
    ends = np.array([0.0, (1.0 + 1e-15) * G.beta])
    np.testing.assert_allclose(function.at_times(ends), function.tau(ends), rtol=1e-12)
    for count, error in ((-1, ValueError), (2.5, TypeError), ("3", TypeError), (True, TypeError)):
        with pytest.raises(error, match="count must be"):
            function.at_first(count)
    assert function.at_first(0).size == 0
    if isinstance(function, GreenFunction):
        with pytest.raises(ValueError, match="off the real axis"):
            function.at_points(np.array([0.3 + 0.0j]))
        with pytest.raises(ValueError, match="count must be at least 0"):
            function.power_sums(-1)


def test_own_takes_lists_and_what_a_solver_made():
    made = GreenFunction.own([-1.0, 1.0], [0.5, 0.5], 10)
    np.testing.assert_array_equal(made.iw(4), GreenFunction([-1.0, 1.0], [0.5, 0.5], 10.0).iw(4))
    assert not made.energies.flags.writeable
    values = made.iw(32)
    own = MatsubaraFunction.own(values, 10.0, (1.0, 0.0, 1.0, 0.0))
    checked = MatsubaraFunction(values.copy(), 10.0, (1.0, 0.0, 1.0, 0.0))
    assert own.tau(3.0) == checked.tau(3.0)
    assert LegendreSeries.own([1.0, 0.5], 10.0).tau(3.0) == LegendreSeries([1.0, 0.5], 10.0).tau(
        3.0
    )


def test_representations_introduce_themselves():
    poles = some_poles(30, 50.0)
    for shown in (
        poles,
        MatsubaraFunction(poles.iw(64), 50.0),
        LegendreSeries([1.0, 2.0], 50.0),
        ChebyshevFunction.of(poles, 17),
    ):
        assert len(repr(shown)) < 100
        assert "\n" not in repr(shown)
        assert "beta=50" in repr(shown)
