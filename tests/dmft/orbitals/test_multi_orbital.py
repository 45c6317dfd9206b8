"""Problems of several orbitals: what is refused, and what they know of themselves."""

import numpy as np
import pytest

from kadanoff import bands
from kadanoff.bands import ChannelBands, FlatBand, SpinBands, Superconductor
from kadanoff.dmft import (
    DiscreteBath,
    Impurity,
    MatrixBath,
    MatsubaraBath,
    OrbitalImpurity,
    solve,
)

BATH = DiscreteBath([-0.5, 0.5], [0.3, 0.3])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"U_prime": 1.0, "J": 0.2}, "U - 2 J"),
        ({"hopping": [[0.0, 0.1], [0.2, 0.0]]}, "symmetric"),
        ({"hopping": [[0.1, 0.0], [0.0, 0.0]]}, "diagonal of zeros"),
        ({"eps": [1.0, 2.0, 3.0]}, "eps"),
        ({"orbitals": 6}, "orbitals"),
        ({"kind": "ising"}, "kind"),
        ({"bath": [BATH]}, "each of 2"),
        ({"bath": MatrixBath([0.0], [[0.1], [0.2], [0.3]])}, "one row for each"),
        ({"bath": np.zeros((64, 3), dtype=complex)}, "one column for each"),
        ({"bath": np.zeros((64, 2, 2), dtype=complex)}, "MatrixBath"),
        ({"J": np.nan}, "J"),
    ],
)
def test_bad_input_is_refused_by_name(options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        OrbitalImpurity(**{"U": 2.0, "beta": 10.0, "bath": BATH, **options})


def test_an_acausal_delta_is_refused():
    w = np.pi / 10 * (2 * np.arange(64) + 1)
    Delta = -0.25 / (1j * w[:, None] - np.array([0.3, -0.3]))
    with pytest.raises(ValueError, match="Delta"):
        OrbitalImpurity(U=2.0, beta=10.0, bath=Delta)
    good = OrbitalImpurity(U=2.0, beta=10.0, bath=-Delta)
    assert all(isinstance(bath, MatsubaraBath) for bath in good.bath)


def test_equivalent_orbitals_are_found():
    assert OrbitalImpurity(U=2.0, beta=10.0, bath=BATH, orbitals=3).equivalent == (0, 0, 0)
    levels = OrbitalImpurity(U=2.0, beta=10.0, bath=BATH, orbitals=3, eps=[0.1, 0.0, 0.1])
    assert levels.equivalent == (0, 1, 0)


def test_half_filling():
    problem = OrbitalImpurity(U=4.0, J=0.5, beta=10.0, bath=BATH)
    assert problem.is_half_filled
    assert np.allclose(solve(problem, progress=False, frequencies=8).n, 1.0, atol=1e-12)
    assert not OrbitalImpurity(U=4.0, J=0.5, beta=10.0, bath=BATH, eps=0.0).is_half_filled


def test_the_weiss_field_is_a_matrix():
    bath = MatrixBath([-0.5, 0.5], [[0.3, 0.2], [0.3, -0.1]])
    hopping = [[0.0, 0.2], [0.2, 0.0]]
    problem = OrbitalImpurity(U=0.0, beta=10.0, bath=bath, eps=(0.1, -0.3), hopping=hopping)
    found = solve(problem, progress=False, frequencies=16)
    assert np.max(np.abs(found.G_iw - problem.G0_iw(16))) < 1e-12
    assert np.max(np.abs(found.Sigma_iw)) < 1e-12


@pytest.mark.parametrize(
    "band", [Superconductor(gap=0.1), SpinBands(), ChannelBands(FlatBand(), FlatBand())], ids=repr
)
def test_leads_that_are_not_one_normal_band_are_refused(band):
    """Their `density` is that of the normal state, or a mean of several."""
    with pytest.raises(TypeError, match="bath must be one normal band"):
        Impurity(1.0, 10.0, band)
    with pytest.raises(TypeError, match="bath must be one normal band"):
        OrbitalImpurity(U=1.0, beta=10.0, bath=band)


def test_bands_are_baths():
    problem = OrbitalImpurity(U=1.0, beta=10.0, bath=bands.SemicircularBand(1.0))
    assert problem.Delta_iw(8).shape == (8, 2, 2)
    assert problem.equivalent == (0, 0)


@pytest.mark.parametrize("solver", ["ipt", "nca", "ftlm"])
def test_solvers_of_one_orbital_refuse_several_by_name(solver):
    problem = OrbitalImpurity(U=2.0, beta=10.0, bath=BATH)
    with pytest.raises(ValueError, match=f"'{solver}' takes one orbital"):
        solve(problem, solver=solver)
    with pytest.raises(TypeError, match="no option 'keep'"):
        solve(problem, keep=100)


def test_learned_solvers_refuse_several_orbitals():
    from kadanoff.dmft.protocol import Solver, lookup

    class Learned:
        solver = Solver("learned", "", "", lambda problem, run: None)

    with pytest.raises(ValueError, match="'learned' takes one orbital"):
        lookup(Learned(), {}, several=True)
