"""Chains of three channels that take turns."""

import numpy as np
import pytest

from kadanoff.bands import ChannelBands, FlatBand, SemicircularBand, SpinBands, Superconductor
from kadanoff.bands.interleaved import interleaved_chain

DEFAULT = "zitko-pruschke"


def three(Lambda=8.0, sites=40, **changes):
    return interleaved_chain(FlatBand(), 3, Lambda, sites, scheme=DEFAULT, **changes)


@pytest.mark.parametrize("z", [0.2, 1 / 3, 0.7, 1.0])
def test_energies_fall_and_every_channel_has_its_turn(z):
    chain = three(z=z)
    assert chain.period == 6
    assert (np.diff(chain.scale) < 0).all()
    # From the third site on every step is a sixth of a factor Lambda.
    np.testing.assert_allclose(chain.scale[2:-1] / chain.scale[3:], 8.0 ** (1 / 6), rtol=1e-9)
    order = chain.order
    assert all(set(order[n : n + 3]) == {0, 1, 2} for n in range(2, len(order) - 2))
    assert chain.sites == sum(part.sites for part in chain.parts) - 2
    for c, part in enumerate(chain.parts):
        taken = [n for n in range(1, 40) if order[n] == c]
        np.testing.assert_array_equal(chain.hopping[np.array(taken) - 1], part.hopping)
        np.testing.assert_array_equal(chain.last_sites(c)[taken], np.arange(1, part.sites))


def test_a_shorter_chain_is_its_beginning():
    chain = three()
    short = chain.truncated(17)
    assert short == three(sites=17)
    assert short != chain
    assert [part.sites for part in short.parts] == [6, 7, 6]


def second_order(chain, T):
    """int rho tanh(w / 2T) / w dw, averaged over a factor Lambda in T."""
    h = np.diag(chain.onsite) + np.diag(chain.hopping, 1) + np.diag(chain.hopping, -1)
    energies, states = np.linalg.eigh(h)
    steps = T * chain.Lambda ** (np.arange(48) / 48)
    return np.mean([np.tanh(energies / 2 / t) / energies @ states[0] ** 2 for t in steps])


def test_channels_are_alike_to_second_order():
    """With the energies of the default scheme they would differ by 0.3 at Lambda = 8."""
    found = [second_order(part, 1e-6) for part in three(sites=90).parts]
    # The chains end at 1e-13 D: what is left of them at T is of the order of 1e-6.
    assert np.ptp(found) < 1e-5


def test_bands_of_their_own():
    bands = ChannelBands(FlatBand(), SemicircularBand(D=2.0), FlatBand(D=0.1))
    assert (bands.D, len(bands.parts)) == (2.0, 3)
    chain = interleaved_chain(bands, 3, 6.0, 30, scheme=DEFAULT)
    assert (np.diff(chain.scale) < 0).all()
    # A narrow band begins late.
    assert chain.parts[2].sites < chain.parts[1].sites
    assert [part.band for part in chain.parts] == list(bands.parts)


def test_twists_that_are_exchanged():
    z = [part.z for part in three().parts]
    assert [part.z for part in three(turn=1).parts] == [*z[1:], z[0]]


@pytest.mark.parametrize("band", [SpinBands(), Superconductor(gap=0.1)])
def test_other_leads_are_refused(band):
    with pytest.raises(ValueError, match="normal band, the same for both spins, for 3 channels"):
        interleaved_chain(band, 3, 4.0, 20, scheme=DEFAULT)


def test_the_plain_scheme_is_refused():
    with pytest.raises(ValueError, match="scheme must not be 'wilson'"):
        interleaved_chain(FlatBand(), 3, 4.0, 20, scheme="wilson")
