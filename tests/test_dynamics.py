"""Spectra, self-energies and static averages: references, exact answers, symmetries, bad input."""

import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from matplotlib.figure import Figure

import kadanoff as kd
from kadanoff import AndersonModel, Cancelled, Control, DoubleQuantumDot, KondoModel, dynamics, nrg
from kadanoff.baths import PowerLawBand, SemicircularBand
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


@pytest.mark.parametrize(("model", "matrices"), UNTRUNCATED, ids=repr)
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
    # a truncated chain keeps the weight exactly, the moment to the accuracy of its energies
    assert moment == pytest.approx(expected, abs=5e-3)


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


# -------------------------------------------------------------------------------- the same result


def same(one, other, atol=0.0):
    for name in one.names:
        for T in one.T:
            np.testing.assert_allclose(
                one.peaks(name, T=T)[1], other.peaks(name, T=T)[1], rtol=0, atol=atol
            )
    for name, values in one.expectations.items():
        np.testing.assert_allclose(values, other.expectations[name], rtol=0, atol=atol)


def test_vectors_on_disk_change_nothing(small):
    same(small, dynamics.solve(AIM, **SMALL, basis_memory=0))


def test_threads_change_nothing():
    same(*(dynamics.solve(AIM, **SMALL, threads=n) for n in (1, 3)))


def test_reuse_of_reflected_blocks_changes_nothing():
    options = SMALL | {"symmetry": ("U1", "U1"), "gap": 1e-3}
    same(*(dynamics.solve(AIM, **options, reuse=reuse) for reuse in (True, False)), atol=1e-8)


def test_several_temperatures_are_several_runs():
    T = [1e-3, 1e-2, 0.3]
    options = {"keep": 150, "sites": 14}
    together = dynamics.solve(AIM, T=T, **options)
    omega = np.array([-0.3, -0.01, 0.0, 1e-3, 0.02, 0.5])
    for t in T:
        alone = dynamics.solve(AIM, T=t, **options)
        for name in alone.names:
            # bins begin at the lowest temperature: elsewhere by a non-integer number of bins
            np.testing.assert_allclose(
                together.spectral(name, omega, T=t),
                alone.spectral(name, omega),
                rtol=1e-3,
                atol=1e-4 * np.abs(alone.spectral(name, omega)).max(),
            )
        for name, values in together.expectations.items():
            assert values[T.index(t)] == pytest.approx(alone.expectations[name][0], abs=1e-13)


def test_several_z_are_the_average_of_each():
    z = (0.5, 1.0)
    both = dynamics.solve(AIM, **SMALL, z=z)
    apart = [dynamics.solve(AIM, **SMALL, z=x) for x in z]
    for name in both.names:
        mean = 0.5 * sum(run.peaks(name)[1] for run in apart)
        np.testing.assert_allclose(both.peaks(name)[1], mean, atol=1e-14)


def test_zero_temperature_is_named_zero():
    run = dynamics.solve(AIM, T=0, keep=50, sites=6, names=["d"])
    assert run.spectral("d", [0.1], T=0)[0] == run.spectral("d", [0.1])[0]
    assert run.peaks("d", T=0)[1].sum() == pytest.approx(1.0, abs=1e-12)


def test_close_temperatures_are_told_apart():
    run = dynamics.solve(AIM, T=[1e-9, 3e-9], keep=50, sites=6, names=["d"])
    assert run._index(3e-9) == 1


def test_a_half_bandwidth_is_a_unit():
    """Everything in units of D: A(w) -> A(w / D) / D."""
    wide = AndersonModel(U=50.0, J_sw=30.0, bandwidth=100.0)
    one, other = (dynamics.solve(m, **(SMALL | {"T": t})) for m, t in ((AIM, 1e-2), (wide, 1.0)))
    omega = np.array([-0.3, 0.0, 0.02, 0.5])
    for name, power in (("d", -1), ("I", 1), ("t", 1), ("spin", -1)):
        np.testing.assert_allclose(
            other.spectral(name, 100 * omega),
            100.0**power * one.spectral(name, omega),
            rtol=1e-9,
            atol=1e-12,
        )
    np.testing.assert_allclose(other.t_matrix(100 * omega), one.t_matrix(omega), rtol=1e-9)
    np.testing.assert_allclose(other.improved(100 * omega), one.improved(omega) / 100, rtol=1e-7)


def test_A_Lambda_corrects_the_t_matrix():
    run = dynamics.solve(KONDO, T=1e-9, keep=500, z=(0.5, 1.0), A_Lambda=True, names=["t"])
    # at z other than 1 the plain scheme is off by a little: 2 %
    assert run.t_matrix([0.0])[0] == pytest.approx(1.0, abs=0.02)


def test_a_strong_interaction_lies_inside_the_bins():
    model = AndersonModel(U=3000.0, V=0.1)
    run = dynamics.solve(model, keep=100, sites=6, T=1.0, names=["d"])
    mesh, weight = run.peaks("d")
    assert weight[np.abs(mesh) > 1000].sum() == pytest.approx(1.0, abs=1e-6)
    assert weight @ np.abs(mesh) == pytest.approx(1500.0, rel=1e-3)
    assert run.grid()[-1] > 1500


@pytest.mark.parametrize("model", [AIM.replace(V=0.0, J_sw=None), KondoModel(J=0.0)], ids=repr)
def test_a_decoupled_impurity_scatters_nothing(model):
    run = dynamics.solve(model, keep=100, sites=6, T=0.1)
    assert not run.t_matrix([-0.1, 0.0, 0.1]).any()


def test_an_own_impurity_and_own_correlators():
    space = Space([Orbital("t"), BATH])
    model = kd.ImpurityModel(space, {"V": (0.2, space.hop("t", "f0")), "eps": (-0.1, space.n("t"))})
    run = dynamics.solve(
        model,
        keep=100,
        sites=6,
        T=0.1,
        own={"pair": (space.cdag("t", "up") * space.cdag("t", "dn"),) * 2},
    )
    assert {"t", "orbital t", "pair"} <= set(run.names)
    assert run.total("orbital t") == pytest.approx(1.0, abs=1e-12)
    with pytest.raises(TypeError, match="AndersonModel"):
        run.self_energy([0.0])


# ----------------------------------------------------------------------------------- long calls


def test_cancelled_before_and_meanwhile():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        dynamics.solve(AIM, **SMALL, control=control)
    control = Control()
    timer = threading.Timer(0.3, control.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        dynamics.solve(AIM, keep=4000, symmetry=("U1", "U1"), T=1e-9, control=control)
    timer.join()


def test_an_interrupt_ends_the_run():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(Cancelled):
        dynamics.solve(AIM, keep=3000, symmetry=("U1", "U1"), T=1e-9, progress=stop)


def test_progress_does_not_exceed_its_total():
    seen = []
    dynamics.solve(AIM, keep=600, T=1e-6, progress=lambda done, total: seen.append((done, total)))
    assert all(0 <= done <= 1.05 * total for done, total in seen)


# ------------------------------------------------------------------------------------- bad input

SPACE = AIM.space
UP, DN = SPACE.cdag("d", "up"), SPACE.cdag("d", "dn")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"T": -1.0}, ValueError, "T must be 0 or at least.*-1"),
        ({"T": float("nan")}, ValueError, "T must be finite"),
        ({"T": float("inf")}, ValueError, "T must be finite"),
        ({"T": True}, TypeError, "T must be a real number"),
        ({"T": 1j}, TypeError, "T must be a real number"),
        ({"T": "1"}, TypeError, "T must be a real number"),
        ({"T": []}, ValueError, "got none"),
        ({"T": [[1.0]]}, TypeError, "T must be a real number"),
        ({"T": 1e-300}, ValueError, "at least 1e-250"),
        ({"T_min": 1e-5}, TypeError, "T_min.*T sets"),
        ({"names": ["D"]}, ValueError, "names must be among.*'d'.*got 'D'.*own"),
        ({"names": "spin"}, TypeError, r"\['spin'\]"),
        ({"own": [UP, UP]}, TypeError, "own must map names"),
        ({"own": {"x": UP}}, TypeError, "pair of operators"),
        ({"own": {"x": (UP, UP.matrix)}}, TypeError, "pair of operators"),
        ({"own": {"d": (UP, UP)}}, ValueError, "'d' is a correlator of the model"),
        ({"own": {"x": (KONDO.space.S("d").plus,) * 2}}, ValueError, "another space"),
        ({"own": {"x": (UP + UP.dag,) * 2}}, ValueError, "'x'.*no definite charge.*split"),
        ({"own": {"x": (UP, SPACE.S("d").plus)}}, ValueError, "'x'.*fermionic"),
        ({"own": {"x": (UP + SPACE.n("d"),) * 2}}, ValueError, "'x'.*fermion parity"),
        ({"own": {"x": (UP, DN)}, "symmetry": ("U1", "U1")}, ValueError, r"\(1, 1\) and \(1, -1\)"),
        ({"own": {"x": (DN, DN)}}, ValueError, "'x'.*top component"),
        ({"observables": "n_d"}, TypeError, r"\['n_d'\]"),
        ({"observables": ["n"]}, ValueError, "observables must be among"),
        ({"basis_memory": -1}, ValueError, "basis_memory.*negative"),
        ({"basis_memory": "1GB"}, TypeError, "basis_memory"),
        ({"threads": 0}, ValueError, "threads"),
        ({"threads": 10**6}, ValueError, "threads must be at most"),
        ({"keep": 0}, ValueError, "keep"),
    ],
)
def test_bad_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        dynamics.solve(AIM, **({"keep": 50, "sites": 4} | arguments))


def test_bad_model():
    with pytest.raises(TypeError, match="model must be an impurity model"):
        dynamics.solve("aim")
    with pytest.raises(ValueError, match="broken by"):
        dynamics.solve(ASYMMETRIC, symmetry=("U1", "SU2"))


def test_bad_questions_to_a_result(small):
    with pytest.raises(ValueError, match=r"correlator must be one of.*got 'D'"):
        small.spectral("D", [0.0])
    with pytest.raises(ValueError, match=r"T must be one of \[0.01\].*got 0.02"):
        small.spectral("d", [0.0], T=0.02)
    with pytest.raises(ValueError, match="b, a broadening"):
        small.spectral("d", [0.0], b=0)
    with pytest.raises(ValueError, match="w0, a broadening"):
        small.green("d", [0.0], w0=-1.0)
    for method in (small.t_matrix, small.self_energy, small.improved, small.hybridisation):
        with pytest.raises(ValueError, match="at least one"):
            method([])
        with pytest.raises(ValueError, match="sorted"):
            method([1.0, 0.0])
    with pytest.raises(ValueError, match="'symmetric' or 'ratio', got 'F/G'"):
        small.self_energy([0.0], estimator="F/G")
    with pytest.raises(ValueError, match="'up' or 'dn'"):
        small.t_matrix([0.0], spin="down")
    gap = dynamics.solve(
        AndersonModel(U=0.5, V=0.2, band=PowerLawBand(0.5)), keep=50, sites=4, T=1.0, names=["t"]
    )
    with pytest.raises(ValueError, match=r"density at zero.*spectral"):
        gap.t_matrix([0.0])


def test_the_picture_shows_the_t_matrix(aim):
    ax = Figure().subplots()
    assert aim.plot(ax, both=True) is ax
    right, left = (line for line in ax.lines if line.get_ydata()[0] != line.get_ydata()[-1])
    omega = right.get_xdata()
    np.testing.assert_array_equal(right.get_ydata(), aim.t_matrix(omega))
    np.testing.assert_array_equal(left.get_ydata(), aim.t_matrix(-left.get_xdata()))
    assert (right.get_color(), left.get_linestyle()) == (left.get_color(), "--")
    assert ax.get_xscale() == "log"
    assert "omega" in ax.get_xlabel()
    assert len(ax.get_legend().get_texts()) == 1


def test_the_picture_shows_any_correlator_at_every_temperature():
    run = dynamics.solve(AIM, **(SMALL | {"T": [1e-3, 1e-2]}), names=["d", "spin"])
    ax = Figure().subplots()
    run.plot(ax)
    first, second = ax.lines
    np.testing.assert_array_equal(second.get_ydata(), run.spectral("d", second.get_xdata(), T=1e-2))
    assert first.get_color() != second.get_color()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "T = 0.001 D",
        "T = 0.01 D",
    ]
    run.plot(ax, quantity="spin", T=1e-2, label="chi")
    assert "spin" in ax.get_ylabel()
    with pytest.raises(ValueError, match="correlator must be one of"):
        run.plot(ax, quantity="S")


def test_result_describes_itself(small):
    assert repr(small).startswith("Dynamics(AndersonModel(U=0.5, J_sw=0.3), T = 0.01, t, d, F, I")
