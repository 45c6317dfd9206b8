"""Spectra, self-energies and static averages: references, exact answers, symmetries, bad input."""

import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import kadanoff as kd
from kadanoff import AndersonModel, Cancelled, Control, DoubleQuantumDot, KondoModel, dynamics, nrg
from kadanoff.baths import PowerLawBand, SemicircularBand
from kadanoff.correlators import correlators
from kadanoff.kondo_scales import kondo_temperature
from kadanoff.levels import clean_chain
from kadanoff.multiplets import SYMMETRIES
from kadanoff.operators import BATH, Orbital, Space
from tests import exact
from tests.test_reference_thermodynamics import EXPECTATIONS, REFERENCE, rows

ALL = 10**6
AIM = AndersonModel(U=0.5, J_sw=0.3)
KONDO = KondoModel(J=0.3)
ASYMMETRIC = AndersonModel(U=0.5, V=0.2, eps=-0.12, field=0.07)
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
    np.testing.assert_allclose(np.pi * Gamma * run.spectral("d", omega, b=0.6), raw, atol=2e-4)
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
    run = dynamics.solve(EXPECTATIONS[name], T=1e-12, keep=2000, names=[])
    for ours, theirs in (("S_d.S_0", "SdS0"), ("n_d", "n_d"), ("docc", "docc"), ("hyb", "hyb")):
        if ours in run.expectations:
            # 1e-4 is demanded; J of the table's Kondo models has five digits
            assert run.expectations[ours][0] == pytest.approx(float(row[theirs]), abs=2e-5), ours


# ------------------------------------------------------------------------------- exact answers


def anderson_matrices(chain, sites, model):
    c = exact.annihilators(2 * sites + 2)
    cluster = exact.anderson(
        chain, sites, U=model.U, V=model.V, eps=model.eps, field=model.field
    )
    n = [x.T @ x for x in c]
    one = sp.eye_array(c[0].shape[0])
    out = {}
    for s, suffix in enumerate(("", "_dn")):
        q = model.U * (n[1 - s] - 0.5 * one) @ c[s].T
        out["d" + suffix] = (c[s].T, c[s].T)
        out["F" + suffix] = (q, c[s].T)
        out["I" + suffix] = (q, q)
        out["t" + suffix] = (model.V * c[s].T, model.V * c[s].T)
    out["spin"] = (0.5 * (n[0] - n[1]),) * 2
    return cluster.H, out


def kondo_matrices(chain, sites, model):
    cluster = exact.kondo(
        chain, sites, J=model.J, spin=model.spin, W=model.W, field=model.field
    )
    spin = round(2 * model.spin + 1)
    c = exact.annihilators(2 * sites, spin)
    interaction = model.J * cluster.operators["S_d.S_0"] + model.W * cluster.operators["n_0"]
    out = {}
    for s, suffix in enumerate(("", "_dn")):
        O = interaction @ c[s].T - c[s].T @ interaction  # noqa: E741
        out["t" + suffix] = (O, O)
    out["spin"] = (cluster.operators["S_z"],) * 2
    return cluster.H, out


UNTRUNCATED = [
    (ASYMMETRIC, 3, anderson_matrices),
    (AIM, 3, anderson_matrices),
    (KondoModel(J=0.4, W=0.1, field=0.05), 4, kondo_matrices),
    (KondoModel(J=0.4, spin=1), 3, kondo_matrices),
]


@pytest.mark.parametrize(("model", "sites", "matrices"), UNTRUNCATED, ids=repr)
def test_untruncated_chain_gives_exact_lehmann_sums(model, sites, matrices):
    """Weights to 1e-12, positions to 1e-14 against bins of 4e-8 at the lowest frequency."""
    T = [0.05, 0.5]
    options = nrg.Options(keep=ALL, sites=4)
    run = solve_short(model, T, sites)
    H, pairs = matrices(run.levels[0].chain, sites, model)
    assert options.keep == ALL
    for name in run.names:
        positions, weights = exact.lehmann(H, *pairs[name], T, fermionic=name != "spin")
        for t, w in zip(T, weights, strict=True):
            mesh, found = run.peaks(name, T=t)
            np.testing.assert_allclose(
                found, exact.on_mesh(positions, w, mesh), atol=3e-8, err_msg=f"{name}, T = {t}"
            )
