"""The stiffness of the height field: exact fluxes, samples, and the spectrum of the field."""

import math

import numpy as np
import pytest

import kadanoff as kd


def mean_square_flux(L):
    P = kd.dimers.winding_distribution(L)
    W = np.arange(-(L // 2), L // 2 + 1)
    return float(P.sum(axis=1) @ W**2)


def test_exact_fluxes_approach_free_dimers():
    """K -> pi/16 from the exact distribution, with corrections of order 1/L^2."""
    assert abs(mean_square_flux(6) - 0.299148332) < 5e-10
    found = [kd.dimers.flux_stiffness(mean_square_flux(L)) - math.pi / 16 for L in (16, 32, 64)]
    assert 3.5 < found[0] / found[1] < 4.5
    assert 3.5 < found[1] / found[2] < 4.5
    assert abs(found[2]) < 5e-5


def test_of_a_long_torus():
    """Both directions of a 16 x 24 torus have the same K."""
    P = kd.dimers.winding_distribution((24, 16))
    w_x = P.sum(axis=1) @ np.arange(-8, 9) ** 2.0
    w_y = P.sum(axis=0) @ np.arange(-12, 13) ** 2.0
    K_x, K_y = kd.dimers.flux_stiffness(w_x, 24 / 16), kd.dimers.flux_stiffness(w_y, 16 / 24)
    # Corrections of 1 / L^2, as on the square torus.
    assert abs(K_x - math.pi / 16) < 2e-3
    assert abs(K_y - math.pi / 16) < 2e-3


def test_inversion():
    W = np.arange(-30.0, 31.0) ** 2
    for K in (0.01, 0.2, 2.0):
        weight = np.exp(-8 * K * W)
        assert abs(kd.dimers.flux_stiffness(weight @ W / weight.sum()) / K - 1) < 1e-9
    for wrong in (0.0, -1.0, 1e4):
        with pytest.raises(ValueError, match="mean_square"):
            kd.dimers.flux_stiffness(wrong)


def test_samples_and_spectrum():
    samples = kd.dimers.sample(32, n=8000, seed=1)
    K = kd.dimers.stiffness(samples)
    assert abs(K.mean - kd.dimers.FREE_STIFFNESS) < 4 * K.error
    assert K.error < 0.01 * 0.3
    spectrum = kd.dimers.field_spectrum(samples)
    K, error = spectrum.stiffness
    assert abs(K - kd.dimers.FREE_STIFFNESS) < 4 * error
    assert error < 0.01 * K
    # The flux is the same at every cut: no longitudinal fluctuation along the axes.
    assert spectrum.longitudinal.max() < 1e-25
    plt = pytest.importorskip("matplotlib.pyplot")
    assert "K =" in spectrum.plot().get_title()
    plt.close("all")


def test_attraction_stiffens():
    """Aligning interactions raise K: g grows from 1/2 to 4 on the way to the columnar phase."""
    free, cold = (kd.dimers.stiffness(kd.dimers.sample(16, T=T, n=4000, seed=1)) for T in (50, 1.0))
    assert cold.mean > free.mean + 5 * math.hypot(cold.error, free.error)


def test_refusals():
    with pytest.raises(ValueError, match="boundary='periodic'"):
        kd.dimers.stiffness(kd.dimers.sample(8, n=10, seed=1, boundary="open"))
    with pytest.raises(ValueError, match=r"\(n, L, L\)"):
        kd.dimers.field_spectrum(np.zeros((4, 8, 10), dtype=np.uint8))
    with pytest.raises(ValueError, match="at least 8"):
        kd.dimers.field_spectrum(np.zeros((4, 6, 6), dtype=np.uint8))


def test_a_field_spectrum_never_has_errors_of_zero():
    found = kd.dimers.field_spectrum(kd.dimers.sample(8, n=2, T=0.1, seed=1))
    assert np.all(found.transverse_error > 0.0)
    with np.errstate(all="raise"):
        assert found.stiffness == (np.inf, np.inf)
        assert "inf" in repr(found)


def test_errors_of_the_spectrum_know_the_order_of_the_rows():
    """Columns of interacting dimers live long: rows in disorder would hide it."""
    run = kd.dimers.sample(16, n=2000, T=0.65, spacing=30, seed=1)
    mixed = np.random.default_rng(1).permutation(run.dimers)
    found, naive = kd.dimers.field_spectrum(run), kd.dimers.field_spectrum(mixed)
    assert np.allclose(found.transverse, naive.transverse)
    assert found.transverse_error[0] > 1.5 * naive.transverse_error[0]
    # One series of all chains instead of eight: the same but for their ends.
    rows = kd.dimers.field_spectrum(run.dimers)
    assert rows.transverse_error[0] == pytest.approx(found.transverse_error[0], rel=0.2)
