"""Spectra against exact diagonalisation and the resonant level; sum rules in every symmetry."""

import numpy as np
import pytest
import scipy.sparse as sp

from kadanoff import AndersonModel, DoubleQuantumDot, KondoModel, dynamics
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES
from tests import exact

ALL = 10**6
AIM = AndersonModel(U=0.5, J_sw=0.3)
KONDO = KondoModel(J=0.3)
ASYMMETRIC = AndersonModel(U=0.5, V=0.2, eps=-0.12, field=0.07)
C = {"scheme": "campo-oliveira"}
FOUR = {"z": (0.25, 0.5, 0.75, 1.0), **C}
SMALL = {"keep": 150, "sites": 12, "T": 1e-2}


# ------------------------------------------------------------------------------- exact answers


def anderson_matrices(chain, sites, model):
    c = exact.annihilators(2 * sites + 2)
    cluster = exact.anderson(chain, sites, U=model.U, V=model.V, eps=model.eps, field=model.field)
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
    cluster = exact.kondo(chain, sites, J=model.J, spin=model.spin, W=model.W, field=model.field)
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
    (ASYMMETRIC, anderson_matrices),
    (AIM, anderson_matrices),
    (KondoModel(J=0.4, W=0.1, field=0.05), kondo_matrices),
    (KondoModel(J=0.4, spin=1), kondo_matrices),
]


@pytest.mark.parametrize(
    ("model", "matrices"), UNTRUNCATED, ids=lambda x: getattr(x, "__name__", repr(x))
)
def test_untruncated_chain_gives_exact_lehmann_sums(model, matrices):
    """Weights to 1e-13, positions to 1e-15 against bins of 4e-8 at the lowest frequency."""
    T = [0.05, 0.5]
    run = dynamics.solve(model, keep=ALL, sites=4, T=T)
    H, pairs = matrices(run.levels[0].chain, 4, model)
    for name in run.names:
        positions, weights = exact.lehmann(H, *pairs[name], T, fermionic=name != "spin")
        for t, w in zip(T, weights, strict=True):
            mesh, found = run.peaks(name, T=t)
            expected = exact.on_mesh(positions, w, mesh)
            np.testing.assert_allclose(found, expected, atol=1e-8, err_msg=f"{name}, T = {t}")


def test_double_dot_has_exact_sum_rules_and_moments():
    """<{d_1, d_1^+}> = 1, and the first moment <{[d_1, H], d_1^+}> = eps + U <n_1dn>."""
    model = DoubleQuantumDot(U=0.5, J_sw=0.2, eps=-0.1, field=0.03)
    space = model.space
    own = {"12": (space.cdag("1", "up"), space.cdag("2", "up"))}
    observables = {"n_dn": space.n("1", "dn")}
    run = dynamics.solve(model, **(SMALL | {"keep": 600}), own=own, observables=observables)
    assert set(run.names) == {"t", "1", "2", "t_dn", "1_dn", "2_dn", "spin", "12"}
    for name in ("1", "2", "1_dn", "2_dn"):
        assert run.total(name) == pytest.approx(1.0, abs=1e-12)
    assert run.total("12") == pytest.approx(0.0, abs=1e-12)
    assert run.total("t") == pytest.approx(2 * model.V**2, abs=1e-12)  # O = V (d_1 + d_2)^+
    moment = run.moment[run.names.index("1"), 0].sum()
    expected = model.eps + 0.5 * model.field + model.U * run.expectations["n_dn"][0]
    # A truncated chain keeps the weight exactly, the moment to the accuracy of its energies: off by
    # 5.3e-3, 4.4e-3 and 2.7e-3 with 600, 1200 and 2400 states.
    assert moment == pytest.approx(expected, abs=8e-3)


@pytest.mark.parametrize("T", [0.01, 1.0])
def test_without_interaction_the_spectrum_is_that_of_one_particle(T):
    """A(w) = sum_k |<d|k>|^2 delta(w - e_k) at any temperature, from 4096 many-body states."""
    model = AndersonModel(U=0.0, V=0.2, eps=0.07, field=0.02)
    run = dynamics.solve(model, keep=ALL, sites=5, T=T)
    chain = run.levels[0].chain
    for name, s in (("d", 0.5), ("d_dn", -0.5)):
        h = np.diag([model.eps + s * model.field, *chain.onsite])
        off = np.array([model.V, *chain.hopping])
        e, u = np.linalg.eigh(h + np.diag(off, 1) + np.diag(off, -1))
        mesh, found = run.peaks(name)
        np.testing.assert_allclose(found, exact.on_mesh(e, u[0] ** 2, mesh), atol=1e-9)
        G = 1 / (0.4 - model.eps - s * model.field - run.hybridisation([0.4]))
        spin = "up" if s > 0 else "dn"
        np.testing.assert_allclose(run.improved([0.4], spin=spin), G, rtol=1e-12)
    np.testing.assert_allclose(run.self_energy([0.0, 0.1]), 0.0, atol=1e-15)
    assert not run.peaks("F")[1].any()


def test_without_interaction_a_truncated_run_is_the_resonant_level():
    """pi Gamma A(w) = Gamma^2 / (w^2 + Gamma^2) while Gamma << D; 1 % at T << Gamma."""
    model = AndersonModel(U=0.0, Gamma=1e-3)
    run = dynamics.solve(model, keep=500, T=1e-7, names=["d"], **FOUR)
    omega = np.concatenate([[0.0], np.geomspace(1e-6, 1e-2, 60)])
    A = np.pi * model.Gamma * run.spectral("d", omega)
    expected = model.Gamma**2 / (omega**2 + model.Gamma**2)
    # the broadening b = 0.2 of the flank: b^2 / 4 * (d/d ln w)^2 < 1 %; z-averaged ripple 0.2 %
    np.testing.assert_allclose(A, expected, atol=0.015)


# ------------------------------------------------------------------------------------ symmetries


@pytest.mark.parametrize(
    "model", [AIM, KONDO, KondoModel(J=0.3, spin=1), DoubleQuantumDot(U=0.5, J_sw=0.2)], ids=repr
)
def test_all_symmetries_give_the_same_raw_spectrum(model):
    """Before broadening to 1e-8, on the mesh on which peaks share their weight continuously."""
    options = SMALL | {"gap": 1e-3, "observables": ["S_d.S_0", "n_0"]}
    runs = [dynamics.solve(model, **options, symmetry=symmetry) for symmetry in SYMMETRIES]
    first = runs[0]
    for run in runs[1:]:
        assert run.log_Z[0] == pytest.approx(first.log_Z[0], abs=1e-10)
        for name, value in first.expectations.items():
            assert run.expectations[name][0] == pytest.approx(value[0], abs=1e-11)
        for name in run.names:
            _, expected = first.peaks(name.removesuffix("_dn"))
            np.testing.assert_allclose(run.peaks(name)[1], expected, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("model", [AIM, KONDO, KondoModel(J=0.3, spin=1)], ids=repr)
def test_sum_rules_in_every_symmetry(model, symmetry):
    """Total weight <{O, O^+}>: a number for d and q, S_d.S_0 and a number for the Kondo model."""
    T = [1e-6, 1e-3, 1.0]
    run = dynamics.solve(model, **(SMALL | {"T": T}), symmetry=symmetry, observables=["S_d.S_0"])
    for i, t in enumerate(T):
        assert run.total("spin", T=t) == pytest.approx(0.0, abs=1e-12)
        if isinstance(model, AndersonModel):
            expected = {"d": 1.0, "t": model.V**2, "I": model.U**2 / 4, "F": 0.0}
        else:
            # O_s = -(J/2) f^+ (sigma . S): {O, O^+} = J^2 (S(S+1)/4 - S_d.S_0 / 2), spin averaged
            SdS0 = run.expectations["S_d.S_0"][i]
            expected = {"t": model.J**2 * (model.spin * (model.spin + 1) / 4 - SdS0 / 2)}
        for name, value in expected.items():
            assert run.total(name, T=t) == pytest.approx(value, abs=1e-12), (name, t)


def test_sum_rules_in_a_field():
    model = ASYMMETRIC
    space = model.space
    observables = {"up": space.n("d", "up") - 0.5, "dn": space.n("d", "dn") - 0.5}
    run = dynamics.solve(model, **(SMALL | {"T": [1e-6, 0.1]}), observables=observables)
    assert run.symmetry == ("U1", "U1")
    for i, T in enumerate(run.T):
        for suffix, other in (("", "dn"), ("_dn", "up")):
            assert run.total("d" + suffix, T=T) == pytest.approx(1.0, abs=1e-12)
            hartree = model.U * run.expectations[other][i]
            assert run.total("F" + suffix, T=T) == pytest.approx(hartree, abs=1e-12)
            assert run.total("I" + suffix, T=T) == pytest.approx(model.U**2 / 4, abs=1e-12)


def test_reversing_the_field_exchanges_the_spins():
    up = dynamics.solve(ASYMMETRIC, **SMALL)
    down = dynamics.solve(ASYMMETRIC.replace(field=-ASYMMETRIC.field), **SMALL)
    for name in ("d", "F", "I", "t"):
        np.testing.assert_allclose(up.peaks(name)[1], down.peaks(name + "_dn")[1], atol=1e-9)
    omega = [-0.1, 0.0, 0.2]
    np.testing.assert_allclose(
        up.improved(omega, spin="up"), down.improved(omega, spin="dn"), rtol=1e-7
    )
    np.testing.assert_allclose(
        up.t_matrix(omega, spin="dn"), down.t_matrix(omega, spin="up"), rtol=1e-7
    )
