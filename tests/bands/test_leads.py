"""Leads of several bands and superconductors: chains, and exact bound states of a free level."""

import math

import numpy as np
import pytest

from kadanoff.bands import (
    ChannelBands,
    FlatBand,
    FunctionBand,
    PowerLawBand,
    SpinBands,
    Superconductor,
    TabulatedBand,
    discretise,
    wilson_chain,
)
from kadanoff.bands.leads import free_parts, gap_of, rotated
from kadanoff.bands.shift import shifted

GAP = 0.01
STRONG = TabulatedBand([-1.0, 1.0], [0.7, 0.7])
TILTED = TabulatedBand([-0.8, 1.0], [0.3, 0.4])


def bound_state(V, eps, chain):
    """Lowest one-particle level of a free dot on the chain, by Bogoliubov and de Gennes."""
    n = chain.sites + 1
    h = np.diag([eps, *chain.onsite])
    hopping = [V, *chain.hopping]
    h += np.diag(hopping, 1) + np.diag(hopping, -1)
    pairing = np.diag([0.0] + [gap_of(chain)] * (n - 1))
    levels = np.linalg.eigvalsh(np.block([[h, pairing], [pairing, -h]]))
    return np.abs(levels).min()


def exact_bound_state(Gamma, eps):
    """The root of w^2 (1 + G/E)^2 = eps^2 + (G gap/E)^2, E^2 = gap^2 - w^2, in a flat band."""
    low, high = 0.0, GAP * (1 - 1e-14)
    for _ in range(80):
        w = 0.5 * (low + high)
        E = math.sqrt(GAP**2 - w**2)
        G = Gamma * 2 / math.pi * math.atan(1 / E)
        if w**2 * (1 + G / E) ** 2 < eps**2 + (G * GAP / E) ** 2:
            low = w
        else:
            high = w
    return low


@pytest.mark.parametrize(
    ("Gamma", "eps"), [(0.02, 0.0), (0.02, 0.01), (0.01, 0.03), (0.003, 0.0), (0.1, 0.005)]
)
def test_the_bound_state_of_a_free_level_is_reached_as_Lambda_falls(Gamma, eps):
    exact, V = exact_bound_state(Gamma, eps), math.sqrt(2 * Gamma / math.pi)
    found = {}
    for Lambda, sites in ((2.5, 26), (1.5, 54)):
        found[Lambda] = bound_state(V, eps, wilson_chain(Superconductor(GAP), Lambda, sites))
    # A level per interval errs by (ln Lambda)^2: 1e-4 of the gap at 2.5, 2e-5 at 1.5.
    assert found[2.5] == pytest.approx(exact, abs=2e-4 * GAP)
    assert found[1.5] == pytest.approx(exact, abs=3e-5 * GAP)
    twists = [bound_state(V, eps, wilson_chain(Superconductor(GAP), 2.5, 26, z=z))
              for z in (0.25, 0.5, 0.75, 1.0)]  # fmt: skip
    assert np.mean(twists) == pytest.approx(exact, abs=1e-5 * GAP)


def test_the_rotated_chain_has_the_quasiparticle_levels():
    chain = wilson_chain(Superconductor(0.2), 2.0, 7)
    h = np.diag(chain.hopping, 1) + np.diag(chain.hopping, -1)
    pairing = 0.2 * np.eye(7)
    expected = np.linalg.eigvalsh(np.block([[h, pairing], [pairing, -h]]))
    turned = rotated(chain)
    found = np.linalg.eigvalsh(np.diag(turned.onsite) + h)
    assert np.sort(np.abs(found)) == pytest.approx(np.sort(np.abs(expected))[::2], abs=1e-14)


def test_a_superconductor_has_the_chain_of_its_normal_band():
    lead = Superconductor(0.1, PowerLawBand(0.3))
    chain, normal = wilson_chain(lead, 2.0, 8, z=0.5), wilson_chain(lead.normal, 2.0, 8, z=0.5)
    assert np.array_equal(chain.hopping, normal.hopping)
    assert (lead.D, lead.norm, lead.exponent, lead.is_symmetric) == (1.0, 1.0, 0.3, True)
    assert (gap_of(chain), gap_of(normal)) == (0.1, 0.0)
    assert lead.density(0.5) == lead.normal.density(0.5)
    assert Superconductor(0.1).is_flat
    assert not lead.is_flat


def test_leads_of_two_bands_have_two_chains():
    lead = SpinBands(STRONG, TILTED, field=0.1)
    chain = wilson_chain(lead, 2.0, 6, z=0.7)
    for part, band, energy in zip(chain.parts, (STRONG, TILTED), (0.05, -0.05), strict=True):
        assert part == wilson_chain(shifted(band, energy), 2.0, 6, z=0.7)
    assert chain.truncated(4).parts[1] == chain.parts[1].truncated(4)
    assert chain != wilson_chain(SpinBands(STRONG, TILTED), 2.0, 6, z=0.7)
    assert hash(chain) == hash(wilson_chain(lead, 2.0, 6, z=0.7))
    (up, a), (dn, b) = free_parts(chain, 1)
    assert (a, b) == (0.5, 0.5)
    assert (up, dn) == chain.parts
    two = wilson_chain(ChannelBands(STRONG, TILTED), 2.0, 6)
    assert [weight for _, weight in free_parts(two, 2)] == [1.0, 1.0]
    assert lead.norm == pytest.approx(0.5 * (STRONG.norm + TILTED.norm))
    assert float(lead.density(0.0)) == pytest.approx(0.5 * (0.7 + TILTED.density(0.0)))


def test_bad_leads_are_refused_by_name():
    with pytest.raises(ValueError, match="gap must be"):
        Superconductor(-0.1)
    with pytest.raises(ValueError, match="gap must be"):
        Superconductor(2.0)
    with pytest.raises(ValueError, match="particle-hole symmetric"):
        Superconductor(0.1, TILTED)
    with pytest.raises(TypeError, match="normal band"):
        Superconductor(0.1, Superconductor(0.1))
    with pytest.raises(TypeError, match="dn must be a normal band"):
        SpinBands(FlatBand(), 3.0)
    with pytest.raises(ValueError, match="field must be above -2 and below 2 for this band"):
        SpinBands(field=2.5)
    with pytest.raises(TypeError, match="second must be"):
        ChannelBands(FlatBand(), SpinBands())
    with pytest.raises(TypeError, match="several bands"):
        discretise(SpinBands(), 2.0, 4)
    with pytest.raises(ValueError, match="next to w = 0"):
        wilson_chain(FunctionBand(lambda w: np.where((w > 0.2) | (w < 0), 1.0, 0.0)), 2.0, 8)
