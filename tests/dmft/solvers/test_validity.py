"""What a solution says of its own problem, and what a loop says it has found."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from kadanoff import bands
from kadanoff.dmft import (
    DiscreteBath,
    Hysteresis,
    Impurity,
    approximate,
    bethe,
    certify,
    solve,
)

METAL = Impurity(0.5, 50.0, DiscreteBath([-0.5, 0.1, 0.5], [0.3, 0.2, 0.3]))


def test_an_approximate_Z_is_compared_with_a_bath_of_few_sites():
    exact, wrong, right = (solve(METAL, solver=name) for name in ("ed", "nca", "ipt"))
    assert exact.valid
    assert exact.doubt == ""
    assert abs(wrong.Z - exact.Z) > 0.3
    assert not wrong.valid
    assert "exact diagonalisation of a bath of 3 sites has 0.9" in wrong.doubt
    assert "doubtful" in repr(wrong)
    assert wrong.doubt in wrong._repr_html_()
    assert abs(right.Z - exact.Z) < 0.1 * exact.Z
    assert right.valid
    assert "doubtful" not in repr(right)


def test_few_sites_are_compared_with_another_number_of_them():
    band = Impurity(1.0, 200.0, bands.SemicircularBand())
    one, four = (approximate(band, f"ed-{sites}", seed=1) for sites in (1, 4))
    exact = approximate(band, "ed-5", seed=1)
    assert abs(one.Z - exact.Z) > 0.1 * exact.Z
    assert "bath of 3 sites" in one.doubt
    assert abs(four.Z - exact.Z) < 0.1 * exact.Z
    assert four.valid


def test_an_acausal_self_energy_and_a_short_run_are_doubts():
    from dataclasses import replace

    found = solve(METAL, solver="ipt", frequencies=16)
    wrong = replace(found, Sigma_iw=found.Sigma_iw + 1j)
    assert "acausal" in wrong.doubt
    short = replace(found, solver="cthyb", diagnostics={"doubts": ("raise sweeps",)})
    assert short.doubt == "this run is too short: raise sweeps"
    assert solve(Impurity(2.0, 5.0, DiscreteBath([0.1], [0.0])), solver="nca").valid


def test_a_loop_is_called_by_what_it_found():
    # beyond the end of the insulator's branch
    loop = bethe(U=1.0, beta=20.0, start="insulator", solver="ipt")
    assert (loop.start, loop.state) == ("insulator", "metal")
    assert "metal, converged" in repr(loop)
    assert loop.fermi_weight > 0.8
    assert ", metal," in loop.plot(Figure().subplots()).get_legend().get_texts()[0].get_text()
    other = bethe(U=5.0, beta=20.0, start="metal", solver="ipt")
    assert (other.start, other.state) == ("metal", "insulator")
    scan = Hysteresis(np.array([1.0, 5.0]), (loop, other), (loop, other))
    assert scan.is_metallic.tolist() == [[True, False]] * 2
    assert scan.coexistence is None


def test_a_hot_metal_is_no_insulator():
    # The first Matsubara frequency, 0.6 D, lies beyond the peak of |Im Sigma|; there is no gap.
    loop = bethe(U=1.0, beta=5.0, solver="ipt")
    assert not loop.is_metallic
    assert loop.fermi_weight > 0.5
    assert loop.state == "bad metal"


def test_a_gap_away_from_the_Fermi_energy_is_no_metal():
    # Sigma has a pole at the centre of the gap, and does not diverge at the Fermi energy.
    loop = bethe(U=6.0, beta=100.0, start="insulator", eps=-1.9, solver="ed", sites=4, seed=1)
    assert loop.n == pytest.approx(1.0, abs=1e-3)
    assert loop.solution.is_metallic
    assert loop.fermi_weight < 1e-3
    assert loop.state == "insulator"
    few = bethe(U=6.0, beta=100.0, n=0.2, solver="ed", sites=4, seed=1)
    assert few.state == "metal"


def test_a_certificate_takes_D_from_its_loop():
    one, two = (
        certify(bethe(U=2.0 * D, beta=20.0 / D, D=D, solver="ipt"), exact="ed-4", seed=0)
        for D in (1.0, 2.0)
    )
    assert two.distance == pytest.approx(one.distance, rel=1e-3)
    # the loop of the exact solver stops at a residual of 1e-6
    assert pytest.approx(one.polished.Z, abs=1e-4) == two.polished.Z
    assert two.polished.D == 2.0
