"""Functions on the imaginary axis: bands in closed form, and the derivatives."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.transport.imaginary_axis import band_function, green_function, peaks_at

Z = 1j * np.array([1e-5, 1e-3, 0.1, 2.0, 30.0])


@pytest.mark.parametrize(
    "band",
    [
        kd.FlatBand(),
        kd.FlatBand(D=2.0),
        kd.SemicircularBand(),
        kd.bands.PowerLawBand(r=0.3),
        kd.TabulatedBand(np.linspace(-1, 1, 41), 1 + 0.5 * np.linspace(-1, 1, 41)),
    ],
    ids=lambda band: type(band).__name__,
)
def test_bands_against_quadrature(band):
    value, slope = band_function(band, Z)
    for z, g in zip(Z, value, strict=True):
        # Energies on a grid that is dense at 0, at w and at the edges.
        half = np.unique(np.concatenate([[0.0], np.geomspace(1e-12, 1, 40_000) * band.D]))
        half = np.unique(np.concatenate([half, band.D - half]))
        x = np.concatenate([-half[:0:-1], half])
        middle = 0.5 * (x[1:] + x[:-1])
        rho = np.asarray(band.density(middle)) / band.norm * np.diff(x)
        exact = np.sum(rho / (z - middle))
        # The interpolant of a band that has no closed form: 1e-4 of |g|.
        closed = isinstance(band, kd.FlatBand | kd.SemicircularBand)
        assert g == pytest.approx(exact, abs=(1e-6 if closed else 1e-4) * (abs(exact) + 1))
    h = 1e-4
    up, down = (band_function(band, Z * (1 + s))[0] for s in (h, -h))
    assert slope == pytest.approx((up - down) / (2 * h * Z), rel=1e-4)


def test_derivative_of_the_green_function():
    dot = kd.AndersonModel(U=0.1, Gamma=0.01, eps=-0.03, field=1e-3)
    run = kd.dynamics.solve(
        dot,
        T=1e-3,
        names=["d", "F", "I", "d_dn", "F_dn", "I_dn"],
        keep=100,
        Lambda=4.0,
        threads=1,
        progress=False,
    )
    z, h = 1j * np.pi * 1e-3 * np.array([1, 3, 31]), 1e-4
    for suffix, spin in (("", 1), ("_dn", -1)):
        up, down = (
            green_function(run, z * (1 + s), T=1e-3, spin=spin, suffix=suffix) for s in (h, -h)
        )
        G, dG, X, dX = green_function(run, z, T=1e-3, spin=spin, suffix=suffix)
        # Sigma takes its parts from two estimators, each with its own derivative along the axis.
        assert dG == pytest.approx((up[0] - down[0]) / (2 * h * z), rel=1e-5)
        assert dX == pytest.approx((up[2] - down[2]) / (2 * h * z), rel=1e-5, abs=1e-6)
        assert pytest.approx(1 / (z - X)) == G
        # Spectral weight one at high frequency.
        far = np.array([1e4j])
        assert peaks_at(run, "d" + suffix, far, T=1e-3)[0] * far == pytest.approx(1, abs=1e-4)
