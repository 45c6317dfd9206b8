"""Impurities in bands with a gap, a hard one or a pairing: above, in and far below it."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.bands import GappedBand, Superconductor, TabulatedBand
from kadanoff.impurities.models.operators import BATH, SECOND_BATH, Space, Spin, dot
from kadanoff.impurities.nrg.levels import clean_chain
from tests.resonant_level import (
    FreeElectrons,
    bound_state,
    gapped_entropy_and_T_chi,
    paired_entropy_and_T_chi,
)

GAP, V = 0.01, 0.1
BAND = GappedBand(GAP)
LN2 = np.log(2)


@pytest.mark.parametrize("eps", [0.0, 0.003, 0.03])
def test_a_level_without_interaction_above_and_below_the_gap(eps):
    """Against the integral over the continuum: the bound state, the gap and the band."""
    model = kd.AndersonModel(U=0.0, V=V, eps=eps, band=BAND)
    run = kd.nrg.solve(model, keep=1000, T_min=1e-5, z=(0.25, 0.5, 0.75, 1.0))
    S, T_chi = gapped_entropy_and_T_chi(run.T, V=V, eps=eps, gap=GAP)
    for found, exact, name in ((run.entropy, S, "entropy"), (run.T_chi, T_chi, "T_chi")):
        # The integral itself is good to 1e-5: the bound state is a step of N(w).
        assert np.mean(np.abs(found - exact) <= run.error(name) + 1e-5) >= 0.95
        # Four twists, nothing but the discretisation of the gap; truncation at higher T.
        assert np.abs(found - exact)[run.T < 2 * GAP].max() < 3e-3
    assert run.entropy[-1] == pytest.approx(2 * LN2 if eps == 0 else 0.0, abs=1e-9)
    assert (np.diff(np.log(run.T)) < 0).all()


@pytest.mark.parametrize("z", [0.3, 1.0])
def test_the_stated_error_covers_one_twist(z):
    model = kd.AndersonModel(U=0.0, V=0.3, band=BAND)
    run = kd.nrg.solve(model, keep=600, T_min=1e-4, z=z)
    S, T_chi = gapped_entropy_and_T_chi(run.T, V=0.3, eps=0.0, gap=GAP)
    assert np.abs(run.entropy - S).max() > 0.02  # there is something to state
    assert np.mean(np.abs(run.entropy - S) <= run.error("entropy")) >= 0.95
    assert np.mean(np.abs(run.T_chi - T_chi) <= run.error("T_chi") + 1e-6) >= 0.95


@pytest.mark.parametrize("z", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("eps", [0.0, 0.004])
def test_the_last_shell_is_the_whole_chain(z, eps):
    """Free electrons on the same chain, below the gap."""
    model = kd.AndersonModel(U=0.0, V=V, eps=eps, band=BAND)
    run = kd.nrg.solve(model, keep=1500, T_min=1e-4, z=z, errors=False)
    free = FreeElectrons(run.chain, V * np.sqrt(run.chain.norm), eps)
    low = run.T < 0.5 * GAP
    last = run.chain.sites - 1
    exact = clean_chain(free.longer, np.full(low.sum(), last + 1), run.T[low])
    clean = clean_chain(run.chain, np.full(low.sum(), last), run.T[low])
    # 1500 states of so short a chain; the mean of even and odd would be 0.1 and more off.
    assert run.entropy[low] == pytest.approx(exact.entropy - clean.entropy, abs=1e-3)
    assert run.T_chi[low] == pytest.approx(exact.spin_variance - clean.spin_variance, abs=1e-4)


@pytest.mark.parametrize("eps", [0.0, 0.02])
def test_curves_below_a_pairing_gap_do_not_ring(eps):
    """The entropy falls within a factor Lambda in T: splines through the shells missed 0.02."""
    model = kd.AndersonModel(U=0.0, V=V, eps=eps, band=Superconductor(GAP))
    run = kd.nrg.solve(model, keep=600, z=0.3, errors=False)
    low = run.T < 0.19 * GAP
    S, T_chi = paired_entropy_and_T_chi(run.T, V=V, eps=eps, gap=GAP)
    assert run.entropy[low] == pytest.approx(S[low], abs=1e-3)
    assert run.T_chi[low] == pytest.approx(T_chi[low], abs=1e-4)
    assert run.entropy[low].min() > -1e-5


@pytest.mark.parametrize("U", [1e-3, 0.02, 0.5])
@pytest.mark.parametrize("z", [(1.0,), (0.3, 0.8)])
def test_a_symmetric_dot_in_a_gap_is_a_free_spin(U, z):
    run = kd.nrg.solve(kd.AndersonModel(U=U, V=V, band=BAND), keep=300, T_min=1e-7, z=z)
    assert run.entropy[-1] == pytest.approx(LN2, abs=1e-9)
    assert run.T_chi[-1] == pytest.approx(0.25, abs=1e-9)
    assert run.T_chi_charge[-1] == pytest.approx(0.0, abs=1e-9)
    assert run.T[-1] < 3e-7
    assert run.T_K().value is None
    assert "hard gap" in run.T_K().reason


def test_a_level_at_the_edge_has_no_moment():
    """Off half filling the dot may take an electron or give one away: a singlet."""
    run = kd.nrg.solve(
        kd.AndersonModel(U=0.2, V=V, eps=-0.002, band=BAND), keep=300, T_min=1e-6, errors=False
    )
    assert run.entropy[-1] == pytest.approx(0.0, abs=1e-9)


def test_bands_with_few_levels_lopsided_gaps_and_two_channels():
    for gap in (0.3, 0.6, 0.95):  # two to four sites
        band = GappedBand(gap)
        run = kd.nrg.solve(kd.AndersonModel(U=0.2, V=V, band=band), keep=300, T_min=1e-4)
        assert run.entropy[-1] == pytest.approx(LN2, abs=1e-9)
        assert run.entropy[0] > LN2
    lopsided = TabulatedBand([-1, -0.25, -0.2, 0.1, 0.2, 1], [0.5, 0.5, 0, 0, 0.5, 0.5])
    run = kd.nrg.solve(kd.KondoModel(J=0.3, band=lopsided), keep=200, T_min=1e-4)
    assert run.entropy[-1] == pytest.approx(LN2, abs=1e-9)
    two = Space([Spin("S"), BATH, SECOND_BATH])
    S = two.S("S")
    terms = {"J": (0.3, dot(S, two.S("f0")) + dot(S, two.S("g0")))}
    run = kd.nrg.solve(
        kd.ImpurityModel(two, terms, band=GappedBand(0.1)), keep=200, T_min=1e-4, errors=False
    )
    assert run.entropy[-1] == pytest.approx(LN2, abs=1e-9)


def test_a_run_that_ends_above_the_gap_is_that_of_any_band():
    band, short = GappedBand(1e-9), {"keep": 200, "T_min": 1e-3, "errors": False}
    run = kd.nrg.solve(kd.KondoModel(J=0.3, band=band), **short)
    metal = kd.nrg.solve(kd.KondoModel(J=0.3), **short)
    assert run.chain.gap == 0.0
    assert run.entropy == pytest.approx(metal.entropy, abs=1e-4)


@pytest.mark.parametrize("eps", [0.0, 0.003])
def test_bound_states_in_the_gap(eps):
    """Energy and weight of the pole of 1 / (w - eps - Delta(w)) between the bands."""
    model = kd.AndersonModel(U=0.0, V=V, eps=eps, band=BAND)
    run = kd.dynamics.solve(
        model, T=1e-5, names=["d"], keep=300, z=(0.25, 0.5, 0.75, 1.0), errors=False
    )
    E, weight = run.bound_peaks("d")
    energy, residue = bound_state(V=V, eps=eps, gap=GAP)
    assert pytest.approx(np.full(E.size, energy), abs=2e-3 * GAP) == E
    assert weight.sum() == pytest.approx(residue, rel=5e-3)
    assert run.total("d") == pytest.approx(1.0, abs=1e-10)


def test_many_body_states_in_the_gap_with_their_parity():
    few = {"keep": 500, "T_min": 1e-4, "z": (0.5, 1.0)}
    free = kd.nrg.solve(kd.AndersonModel(U=0.0, V=V, eps=0.003, band=BAND), **few).subgap
    energy, _ = bound_state(V=V, eps=0.003, gap=GAP)
    assert free.parity == "even"
    assert free.energy[:2] == pytest.approx([energy, 2 * energy], abs=free.error[:2].max())
    assert free.other_parity.tolist() == [True, False]
    assert (free.error < 0.05 * GAP).all()
    moment = kd.nrg.solve(kd.AndersonModel(U=0.02, V=V, band=BAND), **few).subgap
    assert (moment.parity, moment.spin.tolist()) == ("odd", [0])


def test_what_has_no_meaning_in_a_gap_is_refused():
    model = kd.AndersonModel(U=0.2, V=V, band=BAND)
    run = kd.dynamics.solve(model, T=1e-3, names=["Sigma"], keep=100, errors=False)
    for call in (run.self_energy, run.improved):
        with pytest.raises(ValueError, match="hard gap has poles"):
            call([0.0])
    n = np.arange(3)
    # One twist: the level next to the gap is 16 % off.
    assert run.improved_iw(n) == pytest.approx(run.matsubara("d", n), rel=0.1)
    above = kd.dynamics.solve(model, T=0.1, names=["d"], keep=100, sites=6, errors=False)
    with pytest.raises(ValueError, match="above the gap"):
        above.bound_peaks("d")
    with pytest.raises(ValueError, match="T must be above the hard gap"):
        kd.effective.learn(kd.KondoModel(J=0.1, band=BAND), model, T=1e-4, keep=100)
    with pytest.raises(ValueError, match="density"):
        kd.transport.solve(model, T=[1e-3])


def test_averages_in_a_gap_have_errors_of_the_whole_chain():
    model = kd.AndersonModel(U=0.2, V=V, eps=-0.08, band=BAND)
    few = {"T": 1e-4, "names": [], "observables": ["n_d", "docc"]}
    best = kd.dynamics.solve(model, keep=800, z=(0.25, 0.5, 0.75, 1.0), errors=False, **few)
    run = kd.dynamics.solve(model, keep=200, **few)
    for name, error in run.expectation_errors.items():
        assert abs(run.expectations[name] - best.expectations[name]) <= error
        assert error < 5e-3  # with one site less there would be an electron more or less
