r"""Chains of several channels whose sites are added one after the other, by their energy.

A Wilson chain of m channels grows by a factor 4^m per site, too much for m = 3. With twists z,
z + 1/m, z + 2/m, ... of its channels the energies of their sites lie between each other; a step
then adds one site of one channel, four states, and lowers the energy by Lambda^(1/(2m)) (Mitchell
et al.; Stadler et al.). Lambda of the channels may be as large as 10: the single-particle levels of
all channels together are those of one channel at Lambda^(1/m).

The price is that channels with different twists are different baths, a perturbation of the symmetry
between channels, which is relevant. To second order in the coupling to f_0 a channel acts through

    L(T) = int rho(w) tanh(w / 2T) / w dw,    d(1/J)/d ln T = dL/d ln T / 2  for  J S.s,

and at low T every interval [a, b] of the logarithmic mesh contributes weight / energy of its level.
In the scheme of Campo and Oliveira this is int_a^b rho(w)/w dw exactly, so that L is the same for
all twists but for a wave in ln T of amplitude exp(-2 pi^2 / ln Lambda). In that of Zitko and
Pruschke the first interval has another value: in the flat band L then differs by up to 0.3 between
twists at Lambda = 10. Interleaved chains therefore take the energies of Campo and Oliveira, which
in the flat band are those of Zitko and Pruschke but for the first interval. What is left, in higher
orders, is measured by :mod:`kadanoff.impurities.nrg.channel_anisotropy`.

References
----------
A. K. Mitchell, M. R. Galpin, S. Wilson-Fletcher, D. E. Logan, R. Bulla, Phys. Rev. B 89, 121105
(2014), doi:10.1103/PhysRevB.89.121105.
K. M. Stadler, A. K. Mitchell, J. von Delft, A. Weichselbaum, Phys. Rev. B 93, 235101 (2016),
doi:10.1103/PhysRevB.93.235101.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kadanoff._base.types import IntArray
from kadanoff.bands.discretisation import Band
from kadanoff.bands.leads import ChannelBands, ChannelChain, SpinBands, Superconductor
from kadanoff.bands.tridiagonalisation import chain_of

__all__ = ["InterleavedChain", "interleaved_chain"]

SCHEME = "campo-oliveira"
MORE_SITES = 4  # of a channel at first; twists shift a chain by less than two sites


@dataclass(frozen=True, eq=False, repr=False)
class InterleavedChain(ChannelChain):
    """Chains of several channels that take turns: site n is one of the channel ``order[n]``.

    Attributes
    ----------
    order : tuple of int
        The channel of every site from the first on; the first entry stands for the f_0 of all.
    """

    order: tuple[int, ...] = ()

    @property
    def period(self) -> int:
        """Number of sites after which the chain repeats itself at an energy lower by Lambda."""
        return 2 * len(self.parts)

    def truncated(self, sites: int) -> InterleavedChain:
        """The first `sites` sites, counted over all channels."""
        return _joined(self, self.order[:sites])

    def last_sites(self, channel: int) -> IntArray:
        """Index of the last site of a channel in the chain that ends at site n; shape (sites,)."""
        return np.cumsum([0, *(c == channel for c in self.order[1:])])

    def _key(self) -> tuple[object, ...]:
        return (self.order, *super()._key())


def interleaved_chain(
    band: Band,
    channels: int,
    Lambda: float,
    sites: int,
    *,
    z: float = 1.0,
    scheme: str,
    turn: int = 0,
) -> InterleavedChain:
    """Chains of equal channels, or of those of `ChannelBands`, interleaved.

    Parameters
    ----------
    band : Band
        The band of every channel, or `ChannelBands`.
    channels : int
        Number of channels.
    Lambda : float
        Discretisation parameter of every channel.
    sites : int
        Number of sites; those of index 0 of all channels count as one.
    z : float
        Twist of the first channel.
    scheme : str
        Scheme of the run; that of Campo and Oliveira takes the place of the default.
    turn : int
        By how many places the twists are exchanged: channel c has ``z + (c + turn) / channels``.

    Examples
    --------
    >>> from kadanoff.bands import FlatBand
    >>> chain = interleaved_chain(FlatBand(), 3, 8.0, 9, scheme="zitko-pruschke")
    >>> chain.order
    (0, 1, 2, 1, 0, 2, 1, 0, 2)
    >>> [round(part.z, 3) for part in chain.parts]
    [1.0, 0.333, 0.667]
    """
    bands = _bands(band, channels)
    if scheme == "wilson":
        raise ValueError(
            "scheme must not be 'wilson' for interleaved channels: its hybridisation depends on "
            "the twist, and channels have different twists; leave scheme out"
        )
    twists = [_wrapped(z + (c + turn) / channels) for c in range(channels)]
    length = math.ceil(sites / channels) + MORE_SITES
    while True:
        parts = [
            chain_of(own, Lambda, length, t, SCHEME) for own, t in zip(bands, twists, strict=True)
        ]
        following = sorted(
            (-part.scale[n], c) for c, part in enumerate(parts) for n in range(1, length)
        )
        order = [c for _, c in following[: sites - 1]]
        if all(order.count(c) < length - 1 for c in range(channels)):
            break
        length *= 2
    whole = ChannelChain(
        parts[0].hopping,
        parts[0].onsite,
        parts[0].scale,
        1.0,
        Lambda,
        z,
        scheme,
        band,
        parts=tuple(parts),
    )
    return _joined(whole, (0, *order))


def _joined(chain: ChannelChain, order: Sequence[int]) -> InterleavedChain:
    """The sites in this order, with the hopping of each to the one before it in its channel."""
    parts = [part.truncated(order[1:].count(c) + 1) for c, part in enumerate(chain.parts)]
    found = [1] * len(parts)
    hopping, onsite, scale = [], [0.0], []
    for c in order[1:]:
        n = found[c]
        hopping.append(float(parts[c].hopping[n - 1]))
        onsite.append(float(parts[c].onsite[n]))
        scale.append(float(parts[c].scale[n]))
        found[c] += 1
    first = scale[0] if scale else float(parts[0].scale[0])
    return InterleavedChain(
        np.array(hopping),
        np.array(onsite),
        np.array([first * chain.Lambda ** (0.5 / len(parts)), *scale]),
        1.0,
        chain.Lambda,
        chain.z,
        chain.scheme,
        chain.band,
        parts=tuple(parts),
        order=tuple(order),
    )


def _wrapped(z: float) -> float:
    """A twist in (0, 1], rounded so that thirds added up are one."""
    t = round(z - math.floor(z), 12)
    return t if t > 0 else 1.0


def _bands(band: Band, channels: int) -> tuple[Band, ...]:
    if isinstance(band, SpinBands | Superconductor):
        raise ValueError(
            f"band must be a normal band, the same for both spins, for {channels} channels; got "
            f"{band!r}"
        )
    return band.parts if isinstance(band, ChannelBands) else (band,) * channels
