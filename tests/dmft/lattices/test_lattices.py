"""Hilbert transforms of lattices, against quadrature with thirty digits."""

import math

import mpmath
import numpy as np
import pytest

from kadanoff.dmft.lattices import Bethe, Cubic, Dispersion, Square, Tabulated

HEIGHTS = (1e-6, 1e-2, 0.5)


def square_integral(z, D):
    """int over k_x of the chain in y: 1 / sqrt((z + D/2 cos k)^2 - (D/2)^2)."""
    half = D / 2

    def inner(k):
        x = z - half * mpmath.cos(k)
        return 1 / (mpmath.sqrt(x - half) * mpmath.sqrt(x + half))

    return mpmath.quad(inner, kinks(z, (-half, half), half)) / mpmath.pi


def cubic_integral(z, D):
    plane = 2 * D / 3

    def inner(k):
        x = z - D / 3 * mpmath.cos(k)
        a, b = x, mpmath.sqrt(x - plane) * mpmath.sqrt(x + plane)
        for _ in range(12):
            a, b = (a + b) / 2, mpmath.sqrt(a) * mpmath.sqrt(b)
        return 1 / a

    return mpmath.quad(inner, kinks(z, (-plane, 0, plane), D / 3)) / mpmath.pi


def kinks(z, singular, hopping):
    """Ends of [0, pi], and the k at which z - hopping cos k meets a singular energy."""
    inside = [c for s in singular if abs(c := (z.real - s) / hopping) < 1]
    return sorted({mpmath.mpf(0), mpmath.pi, *(mpmath.acos(c) for c in inside)})


@pytest.mark.parametrize(
    ("lattice", "exact", "energies"),
    [
        (Square(t=0.25), square_integral, (0.0, 1e-7, -0.3, 0.999, 1.0, 1.5)),
        (Cubic(t=1 / 6), cubic_integral, (0.0, 1e-7, 0.33, 1 / 3, -1 / 3, 0.99, 1.0, 1.2)),
    ],
)
def test_closed_forms_beside_van_hove_points(lattice, exact, energies):
    with mpmath.workdps(30):
        for height in HEIGHTS:
            for energy in energies:
                z = complex(energy, height)
                known = complex(exact(mpmath.mpc(z), mpmath.mpf(1)))
                assert abs(lattice.hilbert(z) / known - 1) < 1e-12


def test_a_table_is_its_linear_interpolant():
    rng = np.random.default_rng(1)
    e = np.sort(rng.uniform(-1, 2, 7))
    lattice = Tabulated(e, rng.uniform(0, 1, 7))
    with mpmath.workdps(30):
        for z in (0.3 + 1e-6j, e[2] + 1e-6j, e[3] + 1e-9j, 1.7 + 0.1j, 0.01 + 3j, 30 + 1e-6j):
            known = mpmath.mpf(0)
            for i in range(6):
                a, b = mpmath.mpf(e[i]), mpmath.mpf(e[i + 1])
                slope = (mpmath.mpf(lattice.rho[i + 1]) - mpmath.mpf(lattice.rho[i])) / (b - a)
                w = mpmath.mpc(complex(z))
                log = mpmath.log(w - a) - mpmath.log(w - b)
                known += (mpmath.mpf(lattice.rho[i]) + slope * (w - a)) * log - slope * (b - a)
            assert abs(lattice.hilbert(z) / complex(known) - 1) < 1e-12


def test_tables_of_closed_forms_and_band_energies_agree_with_them():
    x = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 4001))
    z = np.array([0.2j, 0.5 + 0.1j, -2.0 + 0.05j, 3j, 50j])
    bethe = Bethe(D=1.0)
    table = Tabulated(x, bethe.density(x))
    np.testing.assert_allclose(table.hilbert(z), bethe.hilbert(z), rtol=1e-6)
    cubic = Cubic()
    table = Tabulated(x, cubic.density(x))
    np.testing.assert_allclose(table.hilbert(z), cubic.hilbert(z), rtol=1e-5)
    k = 2 * np.pi * (np.arange(400) + 0.5) / 400
    mesh = Dispersion(-0.5 * (np.cos(k)[:, None] + np.cos(k)))
    np.testing.assert_allclose(mesh.hilbert(z), Square(t=0.25).hilbert(z), rtol=1e-10)
    assert mesh.is_bipartite
    assert mesh.energies.size < 400**2 / 6


@pytest.mark.parametrize("lattice", [Bethe(2.0), Square(t=0.5), Cubic(t=1 / 3)])
def test_delta_keeps_its_digits_far_from_the_band(lattice):
    first, second, third, fourth = lattice.moments
    assert first == third == 0.0
    assert lattice.D == 2.0
    for z in (1e3j, 1e5 + 1e3j, -1e8 + 1j):
        series = second / z + (fourth - second**2) / z**3
        assert abs(lattice.delta(z) / series - 1) < 1e-11
        assert abs(lattice.hilbert(z) * z - 1) < 2 * second / abs(z) ** 2 + 1e-15
    # The two forms meet at the same value.
    edge = 8.0 * np.exp(1j * np.linspace(0.01, 3.1, 9))
    inside, outside = lattice.delta(edge * (1 - 1e-13)), lattice.delta(edge * (1 + 1e-13))
    np.testing.assert_allclose(inside, outside, rtol=3e-12)
    # Both half planes, and the real axis from above.
    np.testing.assert_array_equal(lattice.hilbert(edge.conj()), lattice.hilbert(edge).conj())
    assert lattice.hilbert(0.5).imag < 0


def test_moments_and_densities():
    # <e^2> = D^2/4, 4 t^2, 6 t^2; <e^4> = D^4/8, 36 t^4, 90 t^4.
    np.testing.assert_allclose(Bethe(1.0).moments, [0, 1 / 4, 0, 1 / 8], rtol=1e-13)
    np.testing.assert_allclose(Square(1.0).moments, [0, 4, 0, 36], rtol=1e-13)
    np.testing.assert_allclose(Cubic(1.0).moments, [0, 6, 0, 90], rtol=1e-13)
    np.testing.assert_allclose(Tabulated([0, 1.0], [1, 1]).moments, [1 / 2, 1 / 3, 1 / 4, 1 / 5])
    for lattice in (Bethe(), Square(), Cubic()):
        e = np.linspace(-1.2, 1.2, 240_001)
        assert np.trapezoid(lattice.density(e + 1e-6), e) == pytest.approx(1, abs=1e-4)
        assert lattice.density([-1.1, 1.1]).tolist() == [0, 0]
    assert Square().density(0.0) > 100
    assert not Tabulated([0, 1.0], [1, 1]).is_bipartite


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tabulated([0.0, 1.0], [1.0, -1.0]), "rho must not be negative"),
        (lambda: Tabulated([0.0, 1.0], [0.0, 0.0]), "rho must have weight"),
        (lambda: Tabulated([1.0, 0.0], [1.0, 1.0]), "ascending"),
        (lambda: Tabulated([0.0, 1.0], [1.0]), "same length"),
        (lambda: Dispersion([1.0, 1.0]), "two different"),
        (lambda: Dispersion([0.0, 1.0], [1.0]), "one entry per energy"),
        (lambda: Dispersion([0.0, 1.0], [1.0, -1.0]), "weights must not be negative"),
        (lambda: Square(t=0.0), "t"),
        (lambda: Cubic(t=-1.0), "t"),
        (lambda: Bethe(D=math.nan), "D"),
        (lambda: Bethe().hilbert(math.nan), "z"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("lattice", [Bethe(), Cubic(), Tabulated([-1, 0, 1.5], [0.2, 1, 0.1])])
def test_moments_of_delta_and_its_derivative(lattice):
    c = lattice.delta_moments
    z = lattice.mean + 200j
    x = z - lattice.mean
    series = lattice.mean + sum(m / x ** (k + 1) for k, m in enumerate(c))
    assert abs(lattice.delta(z) - series) < 100 * abs(x) ** -5
    near = np.array([0.3 + 0.2j, -0.5 + 1e-3j])
    G = lattice.hilbert(near)
    slope = (lattice.hilbert(near + 1e-6j) - lattice.hilbert(near - 1e-6j)) / 2e-6j
    np.testing.assert_allclose(lattice.derivative(near), 1 + slope / G**2, rtol=1e-4)


def test_a_large_table_is_summed_with_few_points():
    e = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 20_001))
    rng = np.random.default_rng(2)
    lattice = Tabulated(e, rng.uniform(0, 1, e.size))
    z = np.linspace(-1.5, 1.5, 31) + 0.05j
    points, weights = lattice._few(380)
    assert points.size == 512
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    every = np.append(z, 0.1 + 1e-4j)  # too close to the axis for few points
    np.testing.assert_allclose(lattice.hilbert(z), lattice.hilbert(every)[:-1], rtol=1e-11)
