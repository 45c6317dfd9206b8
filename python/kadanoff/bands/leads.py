r"""Leads that are more than one normal band: superconducting, spin-dependent, or two channels.

A superconductor of Bardeen, Cooper and Schrieffer adds a pairing to a normal band,

    H = H_band + gap sum_k (a_kup^+ a_kdn^+ + h.c.)    over the states k at energy e_k.

The step from states k to chain sites n is a real rotation, and leaves the pairing as it is: the
Wilson chain has it on every site. With a particle-hole symmetric normal band the chain conserves
the isospin, with I_+ = (-1)^n f_up^+ f_dn^+ on site n, and the pairing is 2 gap (-1)^n I_x. A
rotation of the isospin turns I_x into I_z (Satori et al., Yoshioka and Ohashi):

    gap (f_up^+ f_dn^+ + h.c.)  ->  gap (-1)^n (f_up^+ f_up + f_dn^+ f_dn - 1),

a normal chain with on-site energies of alternating sign, whose levels are real and exactly known.

References
----------
K. Satori, H. Shiba, O. Sakai, Y. Shimizu, J. Phys. Soc. Jpn. 61, 3239 (1992),
doi:10.1143/JPSJ.61.3239.
T. Yoshioka, Y. Ohashi, J. Phys. Soc. Jpn. 69, 1812 (2000), doi:10.1143/JPSJ.69.1812.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.densities import FlatBand
from kadanoff.bands.discretisation import MPF, Band, Power, Side
from kadanoff.bands.shift import shifted
from kadanoff.bands.tridiagonalisation import Chain, chain_of

__all__ = [
    "ChannelBands",
    "ChannelChain",
    "SpinBands",
    "Superconductor",
    "free_parts",
    "gap_of",
    "not_one_normal_band",
    "rotated",
]


@public
@dataclass(frozen=True, init=False)
class Superconductor:
    r"""A superconducting lead: a normal band with a pairing gap.

    ``H = H_band + gap sum_k (a_kup^+ a_kdn^+ + h.c.)``

    Parameters
    ----------
    gap : float
        The gap Delta, in the unit of the band; not negative. With 0 the lead is normal.
    normal : Band, optional
        The band in the normal state, particle-hole symmetric; the flat band of half bandwidth 1
        if it is left out. `D`, `norm` and `density` are those of the normal state, so that
        ``Gamma = pi rho V^2`` is the hybridisation strength above the gap.

    Raises
    ------
    ValueError
        The gap is negative or above the half bandwidth, or the normal band is not symmetric.
    TypeError
        An argument is of the wrong kind.

    Notes
    -----
    The gap is real: this is one superconductor, or several of the same phase. The phase of a
    single lead can be gauged away.

    Examples
    --------
    >>> lead = Superconductor(gap=0.01)
    >>> lead
    Superconductor(gap=0.01, normal=FlatBand(D=1.0))
    >>> lead.density(0.0)
    array(0.5)
    """

    gap: float
    normal: Band

    def __init__(self, gap: float, normal: Band | None = None) -> None:
        band = _checked_band("normal", FlatBand() if normal is None else normal)
        if not band.is_symmetric or band.exponent is None:
            raise ValueError(
                f"normal must be a particle-hole symmetric band without a gap, got {band!r}: the "
                "pairing of another one breaks the isospin of the chain"
            )
        object.__setattr__(self, "gap", checks.real("gap", gap, least=0, most=band.D))
        object.__setattr__(self, "normal", band)

    @property
    def D(self) -> float:
        """Half bandwidth of the normal band."""
        return self.normal.D

    @property
    def norm(self) -> float:
        """Integral of the density of the normal band."""
        return self.normal.norm

    @property
    def is_symmetric(self) -> bool:
        """True: the normal band is particle-hole symmetric."""
        return True

    @property
    def is_flat(self) -> bool:
        """Whether the normal band is flat."""
        return bool(getattr(self.normal, "is_flat", False))

    @property
    def exponent(self) -> float | None:
        """The r of rho ~ |w|**r of the normal band."""
        return self.normal.exponent

    def density(self, w: ArrayLike) -> FloatArray:
        """rho(w) of the normal band."""
        return self.normal.density(w)

    def moment(self, k: Power, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b u**k rho(side u) du of the normal band, for k = -1, 0, 1."""
        return self.normal.moment(k, a, b, side)

    def log_moment(self, a: MPF, b: MPF, side: Side) -> MPF:
        """int_a^b ln(b/u) rho(side u) du of the normal band."""
        return self.normal.log_moment(a, b, side)

    def quantile(self, weight: MPF, a: MPF, b: MPF, side: Side) -> MPF:
        """The E in [a, b] with int_a^E rho(side u) du = weight, of the normal band."""
        return self.normal.quantile(weight, a, b, side)


@dataclass(frozen=True, eq=False, repr=False)
class ChannelChain(Chain):
    """Several chains of one length, one for every kind of electron: spins, or channels.

    Attributes
    ----------
    parts : tuple of Chain
        The chains; `hopping` and `onsite` are those of the first, `scale` is common.
    """

    parts: tuple[Chain, ...] = ()

    @property
    def is_symmetric(self) -> bool:
        """Whether every on-site energy of every part is exactly zero."""
        return all(part.is_symmetric for part in self.parts)

    def truncated(self, sites: int) -> ChannelChain:
        """The first `sites` sites of every part."""
        return _joined([part.truncated(sites) for part in self.parts], self.band)

    def _key(self) -> tuple[object, ...]:
        return tuple((part, self.scale.tobytes()) for part in self.parts)


def _joined(parts: list[Chain], band: Band | None) -> ChannelChain:
    """One object for chains that grow together, on the largest of their scales."""
    first = parts[0]
    if len({part.sites for part in parts}) > 1:
        ended = ", ".join(f"{part.band!r} after {part.sites} sites" for part in parts if part.gap)
        raise ValueError(
            "a hard gap ends the chain of one band and not that of the other, and both grow "
            f"together: {ended}; give bands with the same gap, or end the chain (T_min, sites) "
            "above it"
        )
    scale = np.max([part.scale for part in parts], axis=0)
    return ChannelChain(
        first.hopping,
        first.onsite,
        scale,
        1.0,
        first.Lambda,
        first.z,
        first.scheme,
        band,
        min(part.gap for part in parts),
        parts=tuple(parts),
    )


class _Parts:
    """A lead of several bands, each with a chain of its own."""

    @property
    def parts(self) -> tuple[Band, ...]:
        """The bands."""
        raise NotImplementedError

    @property
    def D(self) -> float:
        """The largest half bandwidth."""
        return max(band.D for band in self.parts)

    @property
    def norm(self) -> float:
        """Mean of the integrals of the densities."""
        return float(np.mean([band.norm for band in self.parts]))

    @property
    def is_symmetric(self) -> bool:
        """Whether every band is particle-hole symmetric."""
        return all(band.is_symmetric for band in self.parts)

    @property
    def exponent(self) -> float | None:
        """The r of rho ~ |w|**r of the first band."""
        return self.parts[0].exponent

    def density(self, w: ArrayLike) -> FloatArray:
        """Mean of the densities rho(w)."""
        return np.asarray(np.mean([band.density(w) for band in self.parts], axis=0))

    def _refuse(self) -> NoReturn:
        raise TypeError(f"{self!r} is several bands; each has its own moments")

    def moment(self, k: Power, a: MPF, b: MPF, side: Side) -> MPF:
        """Refused: each band has its own."""
        self._refuse()

    def log_moment(self, a: MPF, b: MPF, side: Side) -> MPF:
        """Refused: each band has its own."""
        self._refuse()

    def quantile(self, weight: MPF, a: MPF, b: MPF, side: Side) -> MPF:
        """Refused: each band has its own."""
        self._refuse()


@public
@dataclass(frozen=True, init=False)
class SpinBands(_Parts):
    r"""A lead whose two spins have bands of their own, such as a ferromagnet; a field on it.

    ``H = sum_s H_band,s + field S_z(band)``

    Parameters
    ----------
    up, dn : Band, optional
        Bands of the two spins; the flat band of half bandwidth 1 if left out. Spin s hybridises by
        V times the square root of the `norm` of its band, so that bands of different `norm` are a
        hybridisation ``V^2 rho_s`` that depends on the spin: norms 1 + P and 1 - P are a
        polarisation P.
    field : float
        Magnetic field on the band, ``+ field S_z`` on every site, in the same unit as the `field`
        of a model, which acts on the impurity.

    Raises
    ------
    TypeError
        An argument is no band, or `field` no number.
    ValueError
        `field` is not finite, or leaves no states of one spin at the Fermi level.

    Notes
    -----
    ``Gamma = pi rho V^2`` of a model is the mean over both spins. A field moves the band of spin up
    by ``field / 2`` and that of spin down by as much the other way; the logarithmic mesh of each
    stays about the Fermi level, so that temperatures far below the field are resolved. A curved
    density becomes a table of some thousand points, right to 1e-5.

    Examples
    --------
    >>> from kadanoff.bands import FlatBand, TabulatedBand
    >>> strong = TabulatedBand([-1.0, 1.0], [0.65, 0.65])
    >>> weak = TabulatedBand([-1.0, 1.0], [0.35, 0.35])
    >>> ferromagnet = SpinBands(up=strong, dn=weak)
    >>> float(ferromagnet.density(0.0))
    0.5
    """

    up: Band
    dn: Band
    field: float

    def __init__(
        self, up: Band | None = None, dn: Band | None = None, *, field: float = 0.0
    ) -> None:
        for name, band in (("up", up), ("dn", dn)):
            resolved = _checked_band(name, FlatBand() if band is None else band)
            object.__setattr__(self, name, resolved)
        object.__setattr__(self, "field", checks.real("field", field))
        for band, energy in zip(self.parts, self.energies, strict=True):
            shifted(band, energy)

    @property
    def parts(self) -> tuple[Band, ...]:
        """The bands of spin up and spin down, without the field."""
        return (self.up, self.dn)

    @property
    def energies(self) -> tuple[float, float]:
        """The energies of the field, by which the two bands are moved."""
        return (self.field / 2, -self.field / 2)

    def _chain_of(self, Lambda: float, sites: int, z: float, scheme: str) -> ChannelChain:
        """The chains of both spins."""
        parts = [
            chain_of(shifted(band, energy), Lambda, sites, z, scheme)
            for band, energy in zip(self.parts, self.energies, strict=True)
        ]
        return _joined(parts, self)


@public
@dataclass(frozen=True, init=False)
class ChannelBands(_Parts):
    r"""Channels with bands of their own, for models with two or three bath orbitals.

    Parameters
    ----------
    first, second : Band
        Bands of the channels of BATH and of SECOND_BATH. A hybridisation with a channel is
        multiplied by the square root of the `norm` of its band.
    third : Band, optional
        Band of the channel of THIRD_BATH.

    Raises
    ------
    TypeError
        An argument is no band.

    Examples
    --------
    >>> from kadanoff.bands import FlatBand, SemicircularBand
    >>> ChannelBands(FlatBand(), SemicircularBand(D=2.0)).D
    2.0
    """

    first: Band
    second: Band
    third: Band | None

    def __init__(self, first: Band, second: Band, third: Band | None = None) -> None:
        for name, band in (("first", first), ("second", second)):
            object.__setattr__(self, name, _checked_band(name, band))
        checked = None if third is None else _checked_band("third", third)
        object.__setattr__(self, "third", checked)

    @property
    def parts(self) -> tuple[Band, ...]:
        """The bands of the channels, in their order."""
        two = (self.first, self.second)
        return two if self.third is None else (*two, self.third)

    def _chain_of(self, Lambda: float, sites: int, z: float, scheme: str) -> ChannelChain:
        """The chains of both channels."""
        parts = [chain_of(band, Lambda, sites, z, scheme) for band in self.parts]
        return _joined(parts, self)


def _checked_band(name: str, band: object) -> Band:
    if not isinstance(band, Band) or isinstance(band, _Parts | Superconductor):
        raise TypeError(f"{name} must be a normal band such as FlatBand(), got {band!r}")
    return band


def not_one_normal_band(band: Band) -> str:
    """Why a lead is not one normal band for both spins, or nothing if it is one.

    Examples
    --------
    >>> not_one_normal_band(Superconductor(gap=0.01))
    'its density is that of the normal state, and it has a pairing gap of 0.01'
    >>> not_one_normal_band(SpinBands())
    ''
    """
    if isinstance(band, Superconductor) and band.gap > 0:
        return (
            f"its density is that of the normal state, and it has a pairing gap of {band.gap:.3g}"
        )
    if isinstance(band, SpinBands) and (band.field != 0 or band.up != band.dn):
        return "its two spins differ"
    return f"it has {len(band.parts)} channels" if isinstance(band, ChannelBands) else ""


def gap_of(chain: Chain) -> float:
    """The pairing gap on every site of a chain, 0 for a normal one."""
    return chain.band.gap if isinstance(chain.band, Superconductor) else 0.0


def rotated(chain: Chain) -> Chain:
    """The chain of a superconductor after the rotation that turns the pairing into energies.

    Examples
    --------
    >>> from kadanoff.bands import wilson_chain
    >>> rotated(wilson_chain(Superconductor(gap=0.25), 2.0, 4)).onsite
    array([ 0.25, -0.25,  0.25, -0.25])
    """
    onsite = chain.onsite + gap_of(chain) * (-1.0) ** np.arange(chain.sites)
    return Chain(
        chain.hopping, onsite, chain.scale, chain.norm, chain.Lambda, chain.z, chain.scheme
    )


def free_parts(chain: Chain, bands: int) -> tuple[tuple[Chain, float], ...]:
    """Chains of free electrons of both spins and their weights, which make up the clean chain.

    Parameters
    ----------
    chain : Chain
        The chain of a run.
    bands : int
        Number of channels.
    """
    if not isinstance(chain, ChannelChain):
        return ((rotated(chain) if gap_of(chain) else chain, float(bands)),)
    if not isinstance(chain.band, SpinBands):
        return tuple((part, 1.0) for part in chain.parts)
    # Each chain holds both spins, of which one is meant.
    return tuple((part, 0.5 * bands) for part in chain.parts)
