"""Kondo temperatures on the chains of interleaved channels."""

import math

import pytest

from kadanoff.bands import FlatBand, PowerLawBand
from kadanoff.bands.interleaved import interleaved_chain
from kadanoff.impurities.nrg.channel_anisotropy import spread_of_kondo_temperatures


def test_kondo_temperatures_of_the_channels_agree_to_three_per_cent():
    """With the energies of the default scheme they would differ by 29 %."""
    chain = interleaved_chain(FlatBand(), 3, 8.0, 20, scheme="zitko-pruschke")
    found = spread_of_kondo_temperatures(chain)
    assert found == pytest.approx(0.02, abs=0.01)
    # It belongs to the twists, not to the length or the order of the channels.
    other = interleaved_chain(FlatBand(), 3, 8.0, 14, scheme="zitko-pruschke", turn=1)
    assert spread_of_kondo_temperatures(other) == found


def test_not_known_without_a_kondo_effect():
    chain = interleaved_chain(PowerLawBand(0.4), 3, 8.0, 20, scheme="zitko-pruschke")
    assert math.isnan(spread_of_kondo_temperatures(chain))
