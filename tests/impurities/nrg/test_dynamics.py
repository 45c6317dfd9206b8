"""Spectra, self-energies and static averages: another code, and Kondo physics."""

from pathlib import Path

import numpy as np
import pytest

from kadanoff import AndersonModel, KondoModel, dynamics, nrg
from kadanoff.bands.densities import SemicircularBand
from kadanoff.impurities.effective.kondo_scales import kondo_temperature
from kadanoff.impurities.nrg.levels import clean_chain
from tests.impurities.nrg.test_reference_thermodynamics import EXPECTATIONS, REFERENCE, rows

AIM = AndersonModel(U=0.5, J_sw=0.3)
KONDO = KondoModel(J=0.3)
C = {"scheme": "campo-oliveira"}
FOUR = {"z": (0.25, 0.5, 0.75, 1.0), **C}
SMALL = {"keep": 150, "sites": 12, "T": 1e-2}


@pytest.fixture(scope="module")
def aim():
    return dynamics.solve(AIM, T=1e-9, keep=600, **FOUR)


@pytest.fixture(scope="module")
def kondo():
    return dynamics.solve(KONDO, T=1e-9, keep=600, **FOUR)


@pytest.fixture(scope="module")
def small():
    return dynamics.solve(AIM, **SMALL)


# ------------------------------------------------------------------------- an independent code


@pytest.fixture(scope="module")
def reference():
    return np.loadtxt(
        Path(REFERENCE) / "spectral_aim_U0.5_JSW0.25_C.csv", delimiter=",", skiprows=3
    ).T


@pytest.fixture(scope="module")
def like_reference():
    return dynamics.solve(
        AndersonModel(U=0.5, J_sw=0.25),
        T=1e-8,
        keep=None,
        keep_multiplets=500,
        symmetry=("U1", "SU2"),
        sites=47,
        **C,
    )


def test_reference_spectrum(reference, like_reference):
    """2 % of the peak is demanded, 1.2e-5 measured: the same chain, cut, bins and kernel.

    2e-4 leaves room for a cluster that is cut elsewhere and shows a wrong temperature of the
    density matrix, bin or kernel (1e-3 and more).
    """
    omega, raw, improved, re, im = reference
    run = like_reference
    Gamma = run.model.Gamma
    np.testing.assert_allclose(
        np.pi * Gamma * run.spectral("d", omega, b=0.6, sharpen=False), raw, atol=2e-4
    )
    G = run.improved(omega, estimator="ratio", b=0.6)
    np.testing.assert_allclose(-Gamma * G.imag, improved, atol=2e-4)
    sigma = run.self_energy(omega, estimator="ratio", b=0.6)
    np.testing.assert_allclose(sigma.real, re, atol=2e-4)
    np.testing.assert_allclose(sigma.imag, im, atol=2e-4)


def test_t_matrix_of_the_anderson_model_is_its_green_function(reference, like_reference):
    """O = [H, f_0^+] = V d^+ as an operator: the same peaks, so equal to rounding."""
    omega, run = reference[0], like_reference
    A = np.pi * run.model.Gamma * run.spectral("d", omega)
    np.testing.assert_allclose(run.t_matrix(omega), A, atol=1e-12)


def test_friedel_by_the_symmetric_estimator(like_reference):
    """One z, one part in a thousand: 2.7e-5 measured; F/G leaves 5e-3, the raw spectrum 3 %."""
    G = like_reference.improved([0.0], b=0.6)
    assert -like_reference.model.Gamma * G[0].imag == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_reference_expectation_values(name):
    (row,) = [row for row in rows("expectation_values.csv") if row["name"] == name]
    run = dynamics.solve(EXPECTATIONS[name], T=1e-12, keep=2000, names=[], scheme="wilson")
    for ours, theirs in (("S_d.S_0", "SdS0"), ("n_d", "n_d"), ("docc", "docc"), ("hyb", "hyb")):
        if ours in run.expectations:
            # 1e-4 is demanded; J of the table's Kondo models has five digits
            assert run.expectations[ours][0] == pytest.approx(float(row[theirs]), abs=2e-5), ours


# --------------------------------------------------------------------------------- Kondo physics


@pytest.mark.parametrize("which", ["aim", "kondo"])
def test_unitarity_of_the_raw_spectrum(which, request):
    """2 % is demanded of t(0) = pi Gamma A(0) = 1; 0.06 % measured with four z."""
    run = request.getfixturevalue(which)
    np.testing.assert_allclose(run.t_matrix([-1e-9, 0.0, 1e-9]), 1.0, atol=5e-3)


def test_unitarity_of_the_improved_green_function(aim):
    """0.5 % is demanded; 0.005 % measured."""
    G = aim.improved([-1e-9, 0.0, 1e-9])
    np.testing.assert_allclose(-AIM.Gamma * G.imag, 1.0, atol=1e-3)


def kondo_scale(model):
    return kondo_temperature(nrg.solve(model, keep=600, T_min=1e-10, **C), "chi")


def test_the_kondo_peak_is_universal_and_as_wide_as_it_should(aim, kondo):
    """t(w = T_K) ~ 0.637 with T_K = 0.236 / chi, and half width 1.7 T_K.

    0.654 measured for the Kondo and 0.655 for the Anderson model with b = 0.19, falling with b
    (0.646 at two z, 0.62 to 0.64 at one): 5 %. The two models agree to 0.5 %.
    """
    found = []
    for run in (aim, kondo):
        T_K = kondo_scale(run.model)
        assert run.t_matrix([T_K])[0] == pytest.approx(0.637, rel=0.05)
        omega = np.geomspace(0.1 * T_K, 10 * T_K, 200)
        t = run.t_matrix(omega)
        width = np.exp(np.interp(-0.5, -t, np.log(omega))) / T_K
        assert width == pytest.approx(1.7, rel=0.05)
        found.append((run.t_matrix([T_K])[0], width))
    np.testing.assert_allclose(found[0], found[1], rtol=0.01)


def test_self_energy_is_causal_and_that_of_a_fermi_liquid(aim):
    omega = aim.grid(20)
    sigma = aim.self_energy(omega)
    assert sigma.imag.max() <= 1e-9 * AIM.U
    A = -aim.improved(omega).imag / np.pi
    assert A.min() >= -1e-30  # beyond the band there is nothing
    assert np.trapezoid(A, omega) == pytest.approx(1.0, abs=0.01)
    # particle-hole symmetry: Sigma(-w) - U/2 = -(Sigma(w) - U/2)^*
    np.testing.assert_allclose(sigma[::-1] - AIM.U / 2, -(sigma - AIM.U / 2).conj(), atol=1e-9)


def test_friedel_sum_rule_away_from_symmetry():
    """pi Gamma A(0) = sin^2(pi n_d / 2); n_d counts the dot only, off by Gamma / D.

    Raw 0.2 %, F/G 0.3 %. The symmetric estimator has the better Im Sigma, but its Re Sigma carries
    the truncation error of F and I at all energies: 2.5 % with 400 states, 1.3 % with 1500.
    """
    model = AndersonModel(U=0.06, Gamma=0.004, eps=-0.01)
    run = dynamics.solve(model, T=1e-8, keep=400, names=["d", "F", "I"], **FOUR)
    expected = np.sin(0.5 * np.pi * run.expectations["n_d"][0]) ** 2
    assert expected == pytest.approx(0.923, abs=2e-3)
    assert np.pi * model.Gamma * run.spectral("d", [0.0])[0] == pytest.approx(expected, rel=0.01)
    for estimator, rel in (("ratio", 0.01), ("symmetric", 0.035)):
        G = run.improved([0.0], estimator=estimator)
        assert -model.Gamma * G[0].imag == pytest.approx(expected, rel=rel)


def test_spin_susceptibility(aim):
    omega = aim.grid(20)
    chi = aim.susceptibility(omega)
    assert chi.imag[omega > 0].min() >= -1e-12 * chi.imag.max()
    np.testing.assert_allclose(chi.imag, -chi.imag[::-1], atol=1e-10 * chi.imag.max())
    h = 1e-6
    S_z = [
        dynamics.solve(
            AIM.replace(field=x), T=1e-9, keep=300, names=[], observables=["S_z"], z=(0.5, 1.0), **C
        ).expectations["S_z"][0]
        for x in (h, -h)
    ]
    # a truncated chain answers a field and fluctuates to within its truncation error
    assert aim.susceptibility([0.0])[0].real == pytest.approx((S_z[1] - S_z[0]) / (2 * h), rel=0.02)


def test_hybridisation_of_a_flat_and_of_a_semicircular_band(small):
    omega = np.array([-3.0, -0.4, 0.0, 1e-6, 0.5, 2.0])
    flat = small.hybridisation(omega)
    with np.errstate(divide="ignore"):
        expected = 0.5 * AIM.V**2 * np.log(np.abs((omega + 1) / (omega - 1)))
    np.testing.assert_allclose(flat.real, expected, atol=1e-12)
    np.testing.assert_allclose(flat.imag, -AIM.Gamma * (np.abs(omega) < 1), atol=1e-15)
    model = AndersonModel(U=0.5, V=0.2, band=SemicircularBand())
    run = dynamics.solve(model, keep=50, sites=4, T=1.0, names=["d"])
    found = run.hybridisation(omega)
    outside = np.sign(omega) * np.sqrt(np.maximum(omega**2 - 1, 0))
    # V^2 2 (w - sqrt(w^2 - 1)); 401 points and more for a curvature of one
    np.testing.assert_allclose(found.real, 0.2**2 * 2 * (omega - outside), atol=1e-5)


def test_fdm_thermodynamics_agrees_with_the_shells():
    """Entropy and statics at any T from the density matrix, and shell by shell.

    A discarded state takes the sites behind it as degenerate: the entropy comes out too low, by
    0.032, 0.014 nats at 800, 3000 states; weight at T moves to later shells as more are kept.
    """
    T = np.array([1e-6, 1e-4, 1e-2, 0.1])
    error = []
    for keep in (800, 3000):
        run = dynamics.solve(AIM, T=T, keep=keep, names=[], observables=["S_d.S_0", "docc", "hyb"])
        levels = run.levels[0]
        last = np.full(len(T), levels.shells - 1)
        full, clean = levels.averages(last, T), clean_chain(levels.chain, last, T)
        np.testing.assert_allclose(run.log_Z, full.log_Z, rtol=1e-12)
        shells = nrg.solve(AIM, T_min=1e-8, keep=keep, observables=list(run.expectations))

        def at(curve, shells=shells):
            return np.interp(np.log(T), np.log(shells.T[::-1]), curve[::-1])

        error.append(np.abs(full.entropy - clean.entropy - at(shells.entropy)))
        for name, curve in shells.expectations.items():
            np.testing.assert_allclose(run.expectations[name], at(curve), atol=3e-3)
    assert error[1].max() < 0.015
    assert (error[1] < 0.5 * error[0]).all()
