"""Options of a run: the arguments of :func:`kadanoff.nrg.solve`, checked before any work.

`Options` holds them. Calls that pass them on take ``**options``, typed by one of the dictionaries
below, and show those fields of `Options` in their signature, by
``@public(options=shown(NRGOptions))``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from inspect import Parameter
from typing import Any, Literal, TypedDict, cast

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff.bands.discretisation import (
    DEFAULT_SCHEME,
    LAMBDA_HINT,
    MAX_LAMBDA,
    SCHEMES,
    checked_twist,
)
from kadanoff.bands.interleaved import interleaved_chain
from kadanoff.bands.leads import Superconductor
from kadanoff.bands.tridiagonalisation import A_Lambda, Chain, chain_of
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.even_odd import betabar
from kadanoff.impurities.symmetry.detection import ONE_CHANNEL, TWO_CHANNELS, Symmetry

__all__ = ["NRGOptions", "Options", "between", "independent"]

MIN_SITES = 4  # two even and two odd shells: temperatures that all twists share
MAX_STATES = 8000  # that keep="auto" keeps, whatever their energies
MIN_PERIODS = 3
EQUIDISTANT = 0.9  # such as (0.33, 0.67, 1), with 0.98
MIN_KEPT = {"keep": 8, "keep_multiplets": 4}
MIN_CUTOFF = 1.0
"""With less a shell keeps its ground states alone, half of which are the same: no error shows."""
MIN_T = 1e-290  # the hoppings of the chain must not underflow
MAX_GAP = 1e-2
BELOW_THE_GAP = 200.0
"""The lowest temperature in a superconductor, as a part of its gap: bound states are then converged
to (scale/gap)^2."""
GAP_HINT = (
    "levels nearer than this are one cluster, which is never cut: with a gap of the order of the "
    "distances of levels at the cut nothing would be discarded"
)
MAX_TWISTS = 1024

Twists = float | Sequence[float]
"""Values of z; `Options` makes one number a tuple."""


class EngineOptions(TypedDict, total=False):
    """Options that every call passes on."""

    A_Lambda: bool
    symmetry: str | Symmetry
    gap: float
    complete: bool
    reuse: bool


class SpectrumOptions(EngineOptions, total=False):
    """Options of a short chain on which nothing is discarded."""

    Lambda: float
    scheme: str


class LimitOptions(EngineOptions, total=False):
    """Options of a call that chooses Lambda, z, scheme and keep by itself."""

    keep_multiplets: int | None
    energy_cutoff: float | None
    T_min: float
    sites: int | None


class MapOptions(SpectrumOptions, total=False):
    """Options of a call that chooses keep and the length of the chain by itself."""

    keep_multiplets: int | None
    energy_cutoff: float | None
    z: Twists


class FixedLengthOptions(MapOptions, total=False):
    """Options of a call that chooses the length of the chain by itself."""

    keep: int | Literal["auto"] | None


class FixedTOptions(FixedLengthOptions, total=False):
    """Options of a call whose temperature takes the place of T_min."""

    sites: int | None


class NRGOptions(FixedTOptions, total=False):
    """All options of :func:`kadanoff.nrg.solve`, as `Options` has them."""

    T_min: float


@public
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a run; every field is an argument of :func:`kadanoff.nrg.solve`.

    Parameters
    ----------
    Lambda : float
        Discretisation parameter, above 1 and at most 100.
    keep, keep_multiplets : int or None
        States (at least 8) and multiplets (at least 4) to keep per shell; None for no bound.
        ``keep="auto"`` cuts by energy, at ``7 + 4.4 / ln Lambda`` in units of the shell's scale,
        and keeps 8000 states at most.
    energy_cutoff : float or None
        Highest energy to keep in units of the shell's scale, at least 1; None for no bound. At
        least one of `keep`, `keep_multiplets` and `energy_cutoff` is given.
    T_min : float
        Lowest temperature, in the unit of the band (k_B = 1).
    sites : int or None
        Number of chain sites, at least 4; None for the number that reaches `T_min`. Three channels
        take turns: the first sites of all count as one, each further one belongs to one channel,
        and there are at least 18.
    z : float or sequence of float
        Twists in (0, 1]; kept as a tuple.
    scheme : {"wilson", "campo-oliveira", "zitko-pruschke"}
        Discretisation of the band, see `kadanoff.bands.discretisation`.
    A_Lambda : bool
        Whether the hybridisation strength is multiplied by `kadanoff.bands.A_Lambda`; True is
        refused unless the scheme is "wilson".
    symmetry : "auto" or tuple of str
        Symmetry of (charge, spin); "auto" for the largest of the model.
    gap : float
        Width of the gap in the spectrum at which the cut is placed, in units of the shell's scale;
        at most 0.01.
    complete : bool
        Whether discarded states of earlier shells contribute to thermal averages.
    reuse : bool
        Whether blocks made equal by a reflection are diagonalised only once.

    Raises
    ------
    ValueError, TypeError
        A field is out of range or of the wrong kind.

    Notes
    -----
    At equal work ``keep="auto"`` has a smaller error of the entropy than a fixed number of states:
    in five models the largest one is 0.38 and 0.47 times as large in the geometric mean at
    Lambda = 3 and 2.5. It is not the default because the work then follows from model and Lambda:
    0.02 to 0.12 times that of 2000 states at Lambda = 3, 0.2 to 0.8 times at 2.5, and 31 times at
    2, where up to 8000 states are kept (``tests/soak/auto_keep.py``).

    Examples
    --------
    >>> options = Options(z=0.5, keep=500)
    >>> options.z, options.scheme
    ((0.5,), 'zitko-pruschke')
    """

    Lambda: float = 2.5
    keep: int | None = 2000
    keep_multiplets: int | None = None
    energy_cutoff: float | None = None
    T_min: float = 1e-12
    sites: int | None = None
    z: tuple[float, ...] = (1.0,)
    scheme: str = DEFAULT_SCHEME
    A_Lambda: bool = False
    symmetry: str | Symmetry = "auto"
    gap: float = 1e-5
    complete: bool = True
    reuse: bool = True

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "Lambda": checks.real(
                "Lambda", self.Lambda, above=1, most=MAX_LAMBDA, hint=LAMBDA_HINT
            ),
            "T_min": checks.real("T_min", self.T_min, least=MIN_T),
            "z": _twists(self.z),
            "scheme": checks.choice("scheme", self.scheme, SCHEMES),
            "gap": checks.real("gap", self.gap, least=0, most=MAX_GAP, hint=GAP_HINT),
            "symmetry": _symmetry(self.symmetry),
        }
        keep: object = self.keep
        if isinstance(keep, str) and keep == "auto":
            checked["keep"] = MAX_STATES
            if self.energy_cutoff is None:
                checked["energy_cutoff"] = 7.0 + 4.4 / math.log(checked["Lambda"])
        for name in ("keep", "keep_multiplets"):
            if name not in checked and (value := getattr(self, name)) is not None:
                checked[name] = checks.whole(name, value, least=MIN_KEPT[name])
        if self.energy_cutoff is not None:
            checked["energy_cutoff"] = checks.real(
                "energy_cutoff", self.energy_cutoff, least=MIN_CUTOFF
            )
        if self.keep is None and self.keep_multiplets is None and self.energy_cutoff is None:
            raise ValueError("one of keep, keep_multiplets and energy_cutoff must be given")
        if self.sites is not None:
            hint = "even and odd shells are averaged and the first and the last only serve that"
            checked["sites"] = checks.whole("sites", self.sites, least=MIN_SITES, hint=hint)
        for name in ("A_Lambda", "complete", "reuse"):
            if not isinstance(value := getattr(self, name), bool | np.bool_):
                raise TypeError(f"{name} must be True or False, got {value!r}")
            checked[name] = bool(value)
        if checked["A_Lambda"] and checked["scheme"] != "wilson":
            raise ValueError(
                f"A_Lambda = True corrects the scheme 'wilson', and the scheme is {self.scheme!r}, "
                "which needs no correction; leave A_Lambda out, or give scheme='wilson' as well"
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def reaching(self, T: float) -> Options:
        """The same options for a chain that ends at `T`, unless its length is given."""
        T = checks.real("T", T, above=0)
        return changed(self, T_min=T) if self.sites is None else self

    def lowest(self, D: float) -> float:
        """The lowest temperature: T_min, or the one that the chosen number of sites reaches."""
        if self.sites is None:
            return self.T_min
        return float(D * self.Lambda ** (-(self.sites - 2) / 2))

    def strength(self, chain: Chain) -> float:
        """Factor of the hybridisation strength on a chain: norm of the band times A_Lambda."""
        return chain.norm * (A_Lambda(self.Lambda) if self.A_Lambda else 1.0)

    def chain(self, model: Model, z: float) -> Chain:
        """The Wilson chain of the model's band for one twist."""
        if len(model.space.baths) > 2:
            return self._interleaved(model, z)
        sites, T_min = self.sites, self.T_min
        if isinstance(model.band, Superconductor) and model.band.gap > 0:
            # Below the gap nothing changes but the distance of the levels at its edge.
            T_min = max(T_min, model.band.gap / BELOW_THE_GAP)
        if sites is None:
            # Two shells more than T_min needs, for the even-odd average.
            decades = math.log(max(model.band.D / T_min, 1.0)) / math.log(self.Lambda)
            sites = MIN_SITES + math.ceil(2 * decades)
        chain = chain_of(model.band, self.Lambda, sites, z, self.scheme)
        if self.sites is None and chain.gap == 0:
            # Twists and small Lambda shift the scale by less than a factor Lambda or two.
            lowest = betabar(self.Lambda, len(model.space.baths))[-1]
            short = float(chain.scale[-2] / lowest / T_min)
            if short > 1 and T_min < model.band.D:
                more = math.ceil(2 * math.log(short) / math.log(self.Lambda))
                return chain_of(model.band, self.Lambda, sites + more, z, self.scheme)
        return chain

    def _interleaved(self, model: Model, z: float) -> Chain:
        """The chains of three channels, one site after the other."""
        channels = len(model.space.baths)
        period = 2 * channels
        sites = self.sites
        if sites is not None and sites < MIN_PERIODS * period:
            raise ValueError(
                f"sites must be at least {MIN_PERIODS * period} with {channels} channels, whose "
                f"chains are interleaved: {period} shells in a row are averaged; got {sites}"
            )
        if sites is None:
            decades = math.log(max(model.band.D / self.T_min, 1.0)) / math.log(self.Lambda)
            sites = max(MIN_PERIODS * period, period + math.ceil(period * decades))

        def chain(sites: int) -> Chain:
            return interleaved_chain(
                model.band, channels, self.Lambda, sites, z=z, scheme=self.scheme
            )

        found = chain(sites)
        lowest = betabar(self.Lambda, channels)[-1]
        short = float(found.scale[-period] / lowest / self.T_min)
        if self.sites is None and short > 1 and self.T_min < model.band.D:
            return chain(sites + math.ceil(period * math.log(short) / math.log(self.Lambda)))
        return found


def changed(options: Options, **changes: Any) -> Options:
    """The options with some values replaced, unchecked, such as the length of the chain."""
    new = object.__new__(Options)
    new.__dict__.update(vars(options) | changes)
    return new


@cache
def shown(options: type, default: Any = None) -> tuple[Parameter, ...]:
    """Those fields of `Options` that a dictionary type names, for a signature.

    Parameters
    ----------
    options : TypedDict
        `NRGOptions` or a part of it.
    default : object, optional
        Shown in place of every default.

    Examples
    --------
    >>> [p.name for p in shown(SpectrumOptions)][:3]
    ['Lambda', 'scheme', 'A_Lambda']
    """
    names = options.__optional_keys__  # type: ignore[attr-defined]
    return tuple(
        Parameter(
            f.name,
            Parameter.KEYWORD_ONLY,
            default=f.default if default is None else default,
            annotation=f.type,
        )
        for f in fields(Options)
        if f.name in names
    )


def independent(z: Sequence[float]) -> float:
    """The number of equidistant twists whose distance is the largest one between these.

    Only of equidistant twists does an average cancel the waves in z of all periods but 1 / n. The
    twists lie on a circle, 1 next to 0.

    Examples
    --------
    >>> independent((0.25, 0.5, 0.75, 1.0)), independent((0.25, 0.5, 0.75)), independent((0.3,))
    (4.0, 2.0, 1.0)
    """
    ordered = sorted(z)
    following = [*ordered[1:], ordered[0] + 1.0]
    # Rounded, so that (1/3, 2/3, 1) counts as three.
    return round(1.0 / max(b - a for a, b in zip(ordered, following, strict=True)), 6)


def between(z: tuple[float, ...]) -> tuple[float, ...]:
    """Twists half a period further on, in (0, 1].

    The period is the distance of equidistant twists, and 1 for others, whose average keeps a wave
    of that period.

    Examples
    --------
    >>> between((1.0,)), between((0.5, 1.0)), between((0.125, 0.25))
    ((0.5,), (0.75, 0.25), (0.625, 0.75))
    """
    n = len(z) if independent(z) > EQUIDISTANT * len(z) else 1
    return tuple(1.0 - (1.0 - x - 0.5 / n) % 1.0 for x in z)


def _twists(z: object) -> tuple[float, ...]:
    if isinstance(z, Sequence | np.ndarray) and not isinstance(z, str):
        if len(z) > MAX_TWISTS:
            raise ValueError(f"z must have at most {MAX_TWISTS} twists, got {len(z)}")
        if not len(z):
            raise ValueError(f"z must be a twist in (0, 1] or a sequence of them, got z = {z!r}")
        return tuple(checked_twist(x) for x in z)
    return (checked_twist(z),)


def _symmetry(symmetry: object) -> str | Symmetry:
    chosen = tuple(symmetry) if isinstance(symmetry, list) else symmetry
    known = tuple(dict.fromkeys((*ONE_CHANNEL, *TWO_CHANNELS)))
    if not isinstance(chosen, str | tuple) or chosen not in ("auto", *known):
        raise ValueError(
            f"symmetry must be 'auto' or one of {known} (charge, spin, channel), got {symmetry!r}"
        )
    return cast("str | Symmetry", chosen)
