"""Bands with a hard gap around the Fermi level, and the chains that end in it."""

import numpy as np
import pytest

from kadanoff.bands import (
    FlatBand,
    FunctionBand,
    GappedBand,
    SemicircularBand,
    SpinBands,
    Superconductor,
    TabulatedBand,
    discretise,
    wilson_chain,
)
from kadanoff.bands.gapped import gap_edges


def matrix(chain):
    return np.diag(chain.onsite) + np.diag(chain.hopping, 1) + np.diag(chain.hopping, -1)


LOPSIDED = TabulatedBand([-1, -0.25, -0.2, 0.1, 0.2, 1], [1, 1, 0, 0, 1, 1])


@pytest.mark.parametrize("scheme", ["wilson", "campo-oliveira", "zitko-pruschke"])
@pytest.mark.parametrize("band", [GappedBand(0.01), GappedBand(0.3, SemicircularBand()), LOPSIDED])
def test_the_chain_has_the_levels_of_the_star_and_ends(band, scheme):
    chain = wilson_chain(band, 2.5, 60, z=0.4, scheme=scheme)
    star = discretise(band, 2.5, 40, z=0.4, scheme=scheme)
    energies, states = np.linalg.eigh(matrix(chain))
    order = np.argsort(star.energy)
    assert chain.sites == star.energy.size < 20
    # Energies relative to the bandwidth, as of any matrix diagonalised in double precision.
    assert energies == pytest.approx(star.energy[order], abs=1e-14)
    assert states[0] ** 2 == pytest.approx(star.weight[order], abs=1e-13)
    assert chain.gap == pytest.approx(np.abs(energies).min(), rel=1e-10)
    low, high = gap_edges(band)
    assert not ((energies > low) & (energies < high)).any()


def test_a_shorter_chain_is_the_beginning_of_it_and_has_no_gap():
    whole = wilson_chain(GappedBand(0.01), 2.5, 60)
    part = wilson_chain(GappedBand(0.01), 2.5, 7)
    assert part.sites == 7
    assert part.gap == 0.0 == whole.truncated(7).gap < whole.gap
    assert part.hopping == pytest.approx(whole.hopping[:6], rel=1e-14)
    # The level at zero that the band does not have.
    assert np.abs(np.linalg.eigvalsh(matrix(part))).min() < 1e-15


def test_the_twists_together_have_the_density_of_the_band():
    band = GappedBand(0.1)
    w, weights = [], []
    for z in np.arange(1, 101) / 100:
        star = discretise(band, 2.0, 12, z=z)
        w.append(star.energy)
        weights.append(star.weight * star.norm / 100)
    w, weights = np.concatenate(w), np.concatenate(weights)
    for a, b in ((0.1, 0.13), (0.13, 0.3), (0.3, 1.0)):
        # 100 twists: one level more or less at either end.
        assert weights[(w > a) & (w <= b)].sum() == pytest.approx((b - a) / 2, abs=1e-2)


def test_its_integrals_are_those_of_a_table():
    """GappedBand of a flat band, and the same band as a table with steps."""
    step = 1e-13
    table = TabulatedBand(
        [-1, -0.2, -0.2 + step, 0.2 - step, 0.2, 1], [0.5, 0.5, 0.0, 0.0, 0.5, 0.5]
    )
    band = GappedBand(0.2)
    assert band.norm == pytest.approx(table.norm, rel=1e-12)
    assert band.density([0.0, 0.1, 0.5, -2.0]).tolist() == [0.0, 0.0, 0.5, 0.0]
    for z in (0.3, 1.0):
        one, other = (wilson_chain(x, 2.5, 40, z=z) for x in (band, table))
        assert one.hopping == pytest.approx(other.hopping, rel=1e-9)


def test_edges_of_gaps():
    step = FunctionBand(lambda w: 1.0 if abs(w) > 0.25 else 0.0)
    assert gap_edges(step) == pytest.approx((-0.25, 0.25), rel=1e-6)
    assert wilson_chain(step, 2.0, 40).sites == 4
    assert gap_edges(GappedBand(0.01)) == (-0.01, 0.01)
    assert gap_edges(LOPSIDED) == (-0.2, 0.1)
    assert gap_edges(FlatBand()) == (0.0, 0.0)
    assert gap_edges(TabulatedBand([-1, 0, 0.1, 1], [1, 0, 0, 1])) == (0.0, 0.0)


def test_what_is_no_gapped_band_is_refused():
    with pytest.raises(ValueError, match="gap must be above 0 and below 1"):
        GappedBand(1.0)
    with pytest.raises(ValueError, match="a band without a gap is the band itself"):
        GappedBand(0.0)
    with pytest.raises(TypeError, match="gap of its own"):
        GappedBand(0.1, Superconductor(0.01))
    with pytest.raises(TypeError, match="normal must be a band"):
        GappedBand(0.1, SpinBands())
    with pytest.raises(ValueError, match="no weight outside"):
        GappedBand(0.5, TabulatedBand([-1, -0.4, 0, 0.4, 1], [0, 0, 1, 0, 0]))
    with pytest.raises(ValueError, match="without a gap"):
        Superconductor(0.01, GappedBand(0.1))
    half_metal = SpinBands(FlatBand(), GappedBand(0.1))
    assert wilson_chain(half_metal, 2.5, 4).sites == 4
    with pytest.raises(ValueError, match="ends the chain of one band"):
        wilson_chain(half_metal, 2.5, 20)
    both = SpinBands(GappedBand(0.1), GappedBand(0.1), field=0.01)
    assert wilson_chain(both, 2.5, 20).gap > 0
