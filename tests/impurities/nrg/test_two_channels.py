"""Two channels: exact on a short chain, and the two-channel Kondo model's strange fixed point."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.models.operators import BATH, SECOND_BATH, Orbital, Space, Spin, dot

SPACE = Space([Spin("S"), BATH, SECOND_BATH])
LN2 = np.log(2)


def two_channel_kondo(J_1, J_2, **changes):
    S = SPACE.S("S")
    return kd.ImpurityModel(
        SPACE,
        {"J_1": (J_1, dot(S, SPACE.S("f0"))), "J_2": (J_2, dot(S, SPACE.S("g0")))},
        observables={"S.s_1": dot(S, SPACE.S("f0")), "S.s_2": dot(S, SPACE.S("g0"))},
        **changes,
    )


@pytest.fixture(scope="module")
def run():
    # Lambda = 4 keeps the 16-fold growth of a shell affordable.
    return kd.nrg.solve(
        two_channel_kondo(0.4, 0.4),
        Lambda=4.0,
        keep=600,
        T_min=1e-8,
        observables=["S.s_1", "S.s_2"],
    )


def test_a_short_chain_equals_exact_diagonalisation():
    model = two_channel_kondo(0.3, 0.5)
    run = kd.nrg.solve(model, sites=4, keep=513, observables=["S.s_1", "S.s_2"])
    chain = run.chain
    space = Space([Spin("S"), BATH, SECOND_BATH, Orbital("f1"), Orbital("g1")])
    S = space.S("S")
    H = 0.3 * dot(S, space.S("f0")) + 0.5 * dot(S, space.S("g0"))
    H = H + chain.hopping[0] * (space.hop("f0", "f1") + space.hop("g0", "g1"))
    exact, states = np.linalg.eigh(H.matrix)
    _, degeneracy, energies = run.levels[0].shell(1)
    assert np.repeat(energies, degeneracy) == pytest.approx(exact - exact[0], abs=1e-12)
    T = 0.2
    p = np.exp(-(exact - exact[0]) / T)
    for name, site in (("S.s_1", "f0"), ("S.s_2", "g0")):
        O = dot(S, space.S(site)).matrix  # noqa: E741
        expected = p @ np.einsum("ia,ij,ja->a", states, O, states) / p.sum()
        got = run.levels[0].averages(1, T).expectations[name]
        assert got == pytest.approx(expected, abs=1e-12)


def test_two_decoupled_channels_are_two_bands_and_a_spin():
    levels = kd.nrg.solve(two_channel_kondo(0.0, 0.0), sites=4, keep=600).levels[0]
    T = np.array([0.1, 0.3, 1.0])
    # Shell 1 (512 states) is not truncated.
    full, clean = levels.averages(1, T), levels.clean(1, T)
    assert full.entropy - clean.entropy == pytest.approx(LN2, abs=1e-12)
    assert full.spin_variance - clean.spin_variance == pytest.approx(0.25, abs=1e-12)
    assert full.charge_variance == pytest.approx(clean.charge_variance, abs=1e-12)


def test_residual_entropy_is_half_ln_2(run):
    at = np.abs(np.log(run.T / 1e-7)).argmin()
    # 600 states; a Fermi liquid would have 0, a free spin 1.
    window = run.entropy[at - 6 : at + 7]
    assert window == pytest.approx(0.5 * LN2, abs=0.03 * LN2)
    assert run.T_chi[at] == pytest.approx(0, abs=1e-3)


def test_fixed_point_levels_are_those_of_conformal_field_theory(run):
    # 0 (2 states), 1/8 (4), 1/2 (10), ... in common units, Affleck and Ludwig (1991).
    levels = run.levels[0]
    _, degeneracy, energies = levels.shell(levels.shells - 1)
    last = np.repeat(energies, degeneracy)[:17] / levels.scale[-1]
    assert last[:2] == pytest.approx(0, abs=1e-6)
    first = last[2:6].mean()
    assert last[2:6] == pytest.approx(first, rel=1e-3)
    # The lattice at Lambda = 4 bends the ratio 4 by a few per cent.
    assert last[6:16].mean() / first == pytest.approx(4, rel=0.03)


def test_the_two_channels_are_alike():
    model = two_channel_kondo(0.4, 0.4)
    names = ["S.s_1", "S.s_2"]
    run = kd.nrg.solve(model, Lambda=4.0, keep=150, T_min=1e-4, observables=names)
    assert run.expectations["S.s_1"] == pytest.approx(run.expectations["S.s_2"], abs=1e-9)


def test_unequal_channels_flow_to_a_fermi_liquid():
    run = kd.nrg.solve(two_channel_kondo(0.4, 0.2), Lambda=4.0, keep=600, T_min=1e-8)
    # Truncation at 600 states leaves 0.07 ln 2.
    assert run.entropy[-6:].mean() == pytest.approx(0, abs=0.1 * LN2)


def test_t_matrix_reaches_half_the_unitary_limit():
    spectra = kd.dynamics.solve(
        two_channel_kondo(0.4, 0.4), T=1e-7, Lambda=4.0, keep=400, names=["t"]
    )
    omega = np.geomspace(1e-6, 1e-4, 200)
    # 1/2 where a Fermi liquid has 0 or 1. One z at Lambda = 4 ripples by 15 %, and the square
    # root with which the limit is approached has a few per cent left: averaged over ln w.
    assert spectra.t_matrix(omega).mean() == pytest.approx(0.5, abs=0.05)


def test_a_common_isospin_is_refused_by_name():
    with pytest.raises(ValueError, match=r"\('U1', 'SU2', 'U1'\).*got \('SU2', 'SU2'\)"):
        kd.nrg.solve(two_channel_kondo(0.4, 0.4), symmetry=("SU2", "SU2"))


def test_the_fixed_point_of_two_channels_to_five_digits():
    """T chi = 0 to 2e-5 and S = ln 2 / 2 to 3e-4, where U(1) x U(1) has -8e-4 and 2e-2."""
    run = kd.nrg.solve(
        two_channel_kondo(0.7, 0.7), Lambda=3.4, keep=None, keep_multiplets=900, T_min=1e-8,
        errors=False, threads=1,
    )  # fmt: skip
    assert run.symmetry == ("U1", "SU2", "SU2")
    low = run.T < 3e-7
    assert run.T[-1] < 1e-8
    assert run.entropy[low] == pytest.approx(0.5 * LN2, abs=3e-4)
    # What is left is the finite chain: twice the states change it by 2e-6, and it grows to 4e-5 at
    # Lambda = 4 and 1e-4 at 5.
    assert run.T_chi[low] == pytest.approx(0, abs=2e-5)


def test_the_stated_error_covers_the_fixed_point():
    run = kd.nrg.solve(
        two_channel_kondo(0.7, 0.7), Lambda=4.0, keep=None, keep_multiplets=400, T_min=1e-7,
        threads=1,
    )  # fmt: skip
    low = run.T < 1e-6
    assert (np.abs(run.T_chi[low]) <= run.error("T_chi")[low]).all()
    assert (np.abs(run.entropy[low] - 0.5 * LN2) <= run.error("entropy")[low]).all()
    assert run.error("entropy")[low].max() < 2e-3


def test_channels_that_differ_leave_the_fixed_point():
    run = kd.nrg.solve(two_channel_kondo(0.7, 0.6), Lambda=5.0, keep=1500, T_min=1e-8, errors=False)
    assert run.symmetry == ("U1", "SU2", "U1")
    assert run.entropy[-6:].mean() == pytest.approx(0, abs=0.01 * LN2)


def test_t_matrices_of_both_channels():
    model = two_channel_kondo(0.4, 0.4)
    run = kd.dynamics.solve(model, T=1e-2, Lambda=4.0, keep=200, names=["t", "t_2"])
    w = np.array([-0.1, 0.0, 0.1])
    np.testing.assert_allclose(run.t_matrix(w, channel=2), run.t_matrix(w), rtol=1e-6)
    # a channel that does not couple does not scatter
    alone = kd.dynamics.solve(two_channel_kondo(0.4, 0.0), T=1e-2, Lambda=4.0, keep=200, sites=4)
    assert alone.t_matrix(w, channel=1).max() > 0.1
    assert not alone.t_matrix(w, channel=2).any()
    with pytest.raises(ValueError, match="channel must be"):
        run.t_matrix(w, channel=3)
    one = kd.dynamics.solve(kd.KondoModel(J=0.3), T=1e-2, names=["t"], keep=50, sites=4)
    with pytest.raises(ValueError, match="channel must be"):
        one.t_matrix(w, channel=2)
