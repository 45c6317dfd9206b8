"""Bands that a field moves: densities, and the chain about the Fermi level."""

import numpy as np
import pytest

from kadanoff.bands import (
    FlatBand,
    FunctionBand,
    GappedBand,
    PowerLawBand,
    SemicircularBand,
    TabulatedBand,
    wilson_chain,
)
from kadanoff.bands.shift import shifted


def bump(w):
    return np.exp(-4 * w * w)


BANDS = [
    FlatBand(2.0),
    SemicircularBand(),
    PowerLawBand(0.5),
    TabulatedBand([-1.0, -0.2, 1.0], [0.1, 0.7, 0.3]),
    FunctionBand(bump),
    GappedBand(0.1),
    GappedBand(0.1, SemicircularBand()),
]


@pytest.mark.parametrize("band", BANDS, ids=repr)
@pytest.mark.parametrize("energy", [-0.3, 1e-5])
def test_the_density_is_the_old_one_elsewhere(band, energy):
    moved = shifted(band, energy)
    rng = np.random.default_rng(0)
    w = rng.uniform(-0.999, 0.999, 500) * band.D
    w = w[np.abs(w) > 2e-3 * abs(energy)]  # nearer to the centre the mesh sees nothing
    # A straight line between points 2 % apart errs by r (1 - r) / 8 of its square.
    np.testing.assert_allclose(moved.density(w + energy), band.density(w), rtol=2e-4, atol=1e-12)
    assert moved.norm == pytest.approx(band.norm, rel=2e-5)
    assert shifted(band, 0.0) is band


def test_a_pole_keeps_its_weight():
    band = PowerLawBand(-0.5)
    assert shifted(band, 0.01).norm == pytest.approx(1.0, rel=5e-5)  # 7e-5 / (1 + r) at most


def test_the_chain_resolves_the_fermi_level_below_the_field():
    """On a mesh about the centre of the band no level lies nearer to zero than the field."""
    chain = wilson_chain(shifted(SemicircularBand(), 0.1), 2.0, 40)
    h = np.diag(chain.onsite) + np.diag(chain.hopping, 1) + np.diag(chain.hopping, -1)
    assert np.abs(np.linalg.eigvalsh(h)).min() < 1e-5


def test_a_gap_moves_with_its_band():
    """Half a field below the gap leaves one that is not centred, and one above it none."""
    inside = wilson_chain(shifted(GappedBand(0.1), 0.04), 2.0, 40)
    assert 0.06 < inside.gap < 0.12
    assert inside.sites < 40
    outside = wilson_chain(shifted(GappedBand(0.1), 0.2), 2.0, 40)
    assert (outside.gap, outside.sites) == (0.0, 40)


@pytest.mark.parametrize("energy", [1.0, -1.5])
def test_an_empty_or_full_band_is_refused(energy):
    with pytest.raises(ValueError, match="leaves no states at the Fermi level"):
        shifted(FlatBand(), energy)
