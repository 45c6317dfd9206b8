"""Bound states in a superconductor's gap: free levels, large gap, the transition to a doublet."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.bands import Superconductor
from tests.bands.test_leads import GAP, bound_state, exact_bound_state

LEAD = Superconductor(GAP)


def solved(keep=300, errors=False, **arguments):
    options = {name: arguments.pop(name) for name in ("z", "Lambda") if name in arguments}
    model = kd.AndersonModel(**({"band": LEAD} | arguments))
    return kd.nrg.solve(model, keep=keep, errors=errors, **options)


def signed(run):
    """Energy of the odd minus that of the even ground state, in units of the gap."""
    found = run.subgap
    energy = found.energy[found.other_parity][0] / found.gap
    return energy if found.parity == "even" else -energy


@pytest.mark.parametrize("eps", [0.0, 0.005])
def test_a_free_level_has_the_levels_of_its_quadratic_chain(eps):
    run = solved(keep=1000, U=0.0, Gamma=0.02, eps=eps)
    expected = bound_state(np.sqrt(0.04 / np.pi), eps, run.chain)
    # What 1000 states leave: 1e-6 measured.
    assert run.subgap.energy[0] == pytest.approx(expected, abs=1e-5 * GAP)
    assert run.subgap.parity == "even"
    assert run.subgap.other_parity[0]


def test_nothing_is_cut_of_a_short_chain():
    run = kd.nrg.solve(kd.AndersonModel(U=0.0, V=0.1, band=Superconductor(0.5)), sites=4, keep=2000)
    expected = bound_state(0.1, 0.0, run.chain)
    assert run.subgap.energy[0] == pytest.approx(expected, abs=1e-10)


def test_errors_cover_the_exact_bound_states():
    inside, ratios = 0, []
    levels = [(0.02, 0.0), (0.02, 0.01), (0.01, 0.03), (0.003, 0.0), (0.1, 0.005)]
    for Gamma, eps in levels:
        for keep in (200, 500):
            found = solved(keep, True, U=0.0, Gamma=Gamma, eps=eps, z=(0.5, 1.0)).subgap
            miss = abs(found.energy[0] - exact_bound_state(Gamma, eps))
            inside += miss < found.error[0]
            ratios.append(found.error[0] / miss)
    assert inside >= 9  # 95 % of ten
    assert np.median(ratios) < 100
    assert np.isnan(solved(U=0.0, Gamma=0.02).subgap.error[0])


@pytest.mark.parametrize("eps", [0.0, 0.005])
def test_weights_of_a_free_level(eps):
    model = kd.AndersonModel(U=0.0, Gamma=0.02, eps=eps, band=LEAD)
    names = ["d", "anomalous d"]
    run = kd.dynamics.solve(model, T=1e-4 * GAP, names=names, keep=400)
    assert 0 < run.expectation_errors["docc"][0] < 0.01
    energy, weight = run.bound_peaks("d")
    exact = exact_bound_state(0.02, eps)
    assert energy == pytest.approx([-exact, exact], rel=1e-3)

    def inverse(w):
        """Determinant of the inverse Green function of Nambu, and its diagonal element."""
        E = np.sqrt(GAP**2 - w**2)
        G = 0.04 / np.pi * np.arctan(1 / E)
        return (w * (1 + G / E)) ** 2 - eps**2 - (G * GAP / E) ** 2, w * (1 + G / E) + eps

    h = 1e-6 * GAP
    for w, found in zip((-exact, exact), weight, strict=True):
        slope = (inverse(w + h)[0] - inverse(w - h)[0]) / (2 * h)
        assert found == pytest.approx(inverse(w)[1] / slope, rel=2e-3)
    # The residues are a pure state: |F|^2 = A(E) A(-E).
    _, anomalous = run.bound_peaks("anomalous d")
    assert anomalous**2 == pytest.approx(weight.prod(), rel=1e-3)
    assert run.total("d") == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("tilt", [0.0, 0.5, 0.9])
def test_the_boundary_at_a_large_gap(tilt):
    """(eps + U/2)^2 + Gamma'^2 = U^2 / 4, to 2 % at U = gap / 100."""
    gap = 0.05
    U = gap / 100
    x = tilt * U / 2
    boundary = np.sqrt(U**2 / 4 - x**2) / (2 / np.pi * np.arctan(1 / gap))
    at = [
        signed(solved(U=U, eps=x - U / 2, Gamma=factor * boundary, band=Superconductor(gap)))
        for factor in (0.98, 1.02)
    ]
    assert at[0] < 0 < at[1]


def test_the_transition_of_a_symmetric_dot():
    """1 / (4 chi gap) = 0.61(1) with chi of the normal state, at U / (pi Gamma) = 4."""
    U, Gamma = 0.2, 0.05 / np.pi
    T_0 = np.sqrt(U * Gamma / 2) * np.exp(-np.pi * U / (8 * Gamma))
    options = {"Lambda": 2.5, "z": (0.5, 1.0), "keep": 700, "errors": False}
    normal = kd.nrg.solve(kd.AndersonModel(U=U, Gamma=Gamma), T_min=T_0 / 500, **options)
    at = np.abs(np.log(normal.T / (T_0 / 100))).argmin()
    # Over a factor Lambda in T, of which the chain ripples by 0.4 %.
    quarter = 0.25 / np.mean((normal.T_chi / normal.T)[at - 6 : at + 6])
    gaps = np.array([0.97, 1.03]) * quarter / 0.61
    energies = [
        signed(solved(U=U, Gamma=Gamma, band=Superconductor(gap), keep=700, z=(0.5, 1.0)))
        for gap in gaps
    ]
    critical = gaps[0] - energies[0] * np.diff(gaps)[0] / np.diff(energies)[0]
    assert quarter / critical == pytest.approx(0.61, abs=0.01)


def test_a_vanishing_gap_is_the_normal_run():
    options = {"sites": 14, "Lambda": 3.0, "errors": False, "keep": None, "energy_cutoff": 6.0}
    for eps in (-0.25, -0.1):
        normal = kd.nrg.solve(kd.AndersonModel(U=0.5, V=0.2, eps=eps), **options)
        none = Superconductor(1e-13)
        paired = kd.nrg.solve(kd.AndersonModel(U=0.5, V=0.2, eps=eps, band=none), **options)
        for name in ("entropy", "T_chi", "free_energy"):
            assert getattr(paired, name) == pytest.approx(getattr(normal, name), abs=1e-8)
    zero = kd.nrg.solve(kd.AndersonModel(U=0.5, V=0.2, band=Superconductor(0.0)), **options)
    symmetric = kd.nrg.solve(kd.AndersonModel(U=0.5, V=0.2), **options)
    assert np.array_equal(zero.entropy, symmetric.entropy)


def test_the_entropy_of_a_doublet_and_of_a_singlet():
    doublet, singlet = (solved(U=0.4, Gamma=Gamma) for Gamma in (0.01, 0.1))
    assert (doublet.subgap.parity, singlet.subgap.parity) == ("odd", "even")
    assert doublet.entropy[-1] == pytest.approx(np.log(2), abs=1e-3)
    assert singlet.entropy[-1] == pytest.approx(0.0, abs=1e-3)
    assert doublet.T_chi[-1] == pytest.approx(0.25, abs=1e-3)


def test_a_normal_lead_has_no_bound_states():
    run = kd.nrg.solve(kd.KondoModel(J=0.4), keep=50, T_min=1e-2, errors=False)
    with pytest.raises(ValueError, match="has no gap"):
        _ = run.subgap
    assert "even" in repr(solved(U=0.1, Gamma=0.1).subgap)
    assert "ground state" in solved(U=0.1, Gamma=0.1).subgap._repr_html_()


FOUR = (0.25, 0.5, 0.75, 1.0)


def test_twists_that_disagree_on_the_ground_state_are_averaged_with_a_sign():
    """At the transition; 0.75 of the gap if a state that is the ground state counts as absent."""
    model = kd.AndersonModel(U=0.107, Gamma=0.02, band=Superconductor(0.01))
    options = {"keep": 200, "threads": 1}
    each = [kd.nrg.solve(model, z=z, errors=False, **options).subgap for z in FOUR]
    assert {one.parity for one in each} == {"even", "odd"}
    signed = [(1 if one.parity == "even" else -1) * one.energy[0] for one in each]
    found = kd.nrg.solve(model, z=FOUR, **options).subgap
    assert found.parity == "even"  # of the mean
    assert found.energy == pytest.approx([np.mean(signed)], rel=1e-8)
    assert found.error[0] > np.ptp(signed) > found.energy[0]


def test_one_state_of_several_twists_is_one_peak():
    """The twists lie 1.5 % of the gap apart; the one that differs made peaks of its own."""
    model = kd.AndersonModel(U=0.1, Gamma=0.02, band=Superconductor(0.01))
    options = {"keep": 200, "errors": False, "threads": 1}
    runs = [kd.dynamics.solve(model, T=1e-5, names=["d"], z=z, **options) for z in (*FOUR, FOUR)]
    weights = [run.bound_peaks("d")[1] for run in runs]
    assert [len(w) for w in weights] == [2] * 5
    assert weights[4] == pytest.approx(np.mean(weights[:4], axis=0), rel=1e-6)


@pytest.mark.parametrize("symmetry", [("Z2", "Z2"), ("U1", "U1")])
def test_partners_of_a_doublet_are_one_state_in_every_symmetry(symmetry):
    """With spin Z2 their labels are 1 and 3, and rounding orders them."""
    model = kd.AndersonModel(U=0.5, Gamma=0.05, band=Superconductor(0.01))
    found, largest = (
        kd.nrg.solve(model, keep=150, symmetry=s, z=(0.5, 1.0), threads=1).subgap
        for s in (symmetry, "auto")
    )
    assert found.parity == largest.parity == "odd"
    assert found.energy == pytest.approx(largest.energy, rel=1e-6)
    assert found.error == pytest.approx(largest.error, rel=1e-3)


def test_a_chain_that_ends_above_the_gap_has_no_bound_states():
    model = kd.AndersonModel(U=0.1, Gamma=0.02, band=Superconductor(0.001))
    short = kd.nrg.solve(model, keep=100, T_min=0.1, errors=False)
    with pytest.raises(ValueError, match=r"ends at the energy.*above the gap"):
        _ = short.subgap
    warm = kd.dynamics.solve(model, T=0.2, names=["d"], sites=5, keep=60, errors=False)
    with pytest.raises(ValueError, match=r"ends at the energy.*above the gap"):
        warm.bound_peaks("d")
