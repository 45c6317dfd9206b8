"""How a model is solved: the arguments of :func:`kadanoff.nrg.solve`, checked before any work."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff.bands.tridiagonalisation import A_Lambda, Chain, wilson_chain
from kadanoff.impurities.models import Model
from kadanoff.impurities.nrg.even_odd import betabar
from kadanoff.impurities.symmetry.detection import SYMMETRIES, Symmetry

__all__ = ["Options"]

FEWEST_SITES = 4  # two even and two odd shells: temperatures that all twists share
LOWEST_T = 1e-290  # the hoppings of the chain must not underflow


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a model is solved; every field is an argument of :func:`solve`."""

    Lambda: float = 2.5
    keep: int | None = 2000
    keep_multiplets: int | None = None
    energy_cutoff: float | None = None
    T_min: float = 1e-12
    sites: int | None = None
    z: float | tuple[float, ...] = 1.0
    scheme: str = "wilson"
    A_Lambda: bool = False
    symmetry: str | Symmetry = "auto"
    gap: float = 1e-5
    complete: bool = True
    reuse: bool = True

    def __post_init__(self) -> None:
        checks.real("Lambda", self.Lambda)
        if self.Lambda <= 1:
            raise ValueError(
                f"Lambda must be above 1 (useful: 1.5 to 10), got {self.Lambda}; the limit "
                "Lambda -> 1 is reached by extrapolation"
            )
        for name in ("keep", "keep_multiplets", "sites"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, checks.whole(name, value))
        if self.keep is None and self.keep_multiplets is None and self.energy_cutoff is None:
            raise ValueError("one of keep, keep_multiplets and energy_cutoff must be given")
        if self.sites is not None and self.sites < FEWEST_SITES:
            raise ValueError(
                f"sites must be at least {FEWEST_SITES}, got {self.sites}: even and odd shells are "
                "averaged and the first and the last only serve that"
            )
        for name in ("energy_cutoff", "T_min"):
            value = getattr(self, name)
            if (value is not None or name == "T_min") and checks.real(name, value) <= 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if self.T_min < LOWEST_T:
            raise ValueError(f"T_min must be at least {LOWEST_T:g}, got {self.T_min}")
        if checks.real("gap", self.gap) < 0:
            raise ValueError(f"gap must not be negative, got {self.gap}")
        if isinstance(self.z, Iterable) and not isinstance(self.z, str):
            object.__setattr__(self, "z", tuple(self.z))
        for name in ("A_Lambda", "complete", "reuse"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
            object.__setattr__(self, name, bool(getattr(self, name)))
        if isinstance(self.symmetry, list):
            object.__setattr__(self, "symmetry", tuple(self.symmetry))
        if not isinstance(self.symmetry, str | tuple) or self.symmetry not in (
            "auto",
            *SYMMETRIES,
        ):
            raise ValueError(
                f"symmetry must be 'auto' or one of {SYMMETRIES} (charge, spin), "
                f"got {self.symmetry!r}"
            )

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Options:
        """Options from keyword arguments; an unknown name is refused with the list of names."""
        known = cls.__dataclass_fields__
        if unknown := [name for name in options if name not in known]:
            raise TypeError(f"unknown option {unknown[0]!r}; there are {', '.join(known)}")
        return cls(**options)

    @property
    def twists(self) -> tuple[float, ...]:
        """The values of z, one run each."""
        z = self.z if isinstance(self.z, tuple) else (self.z,)
        if not z:
            raise ValueError("z must be a number in (0, 1] or a sequence of them, got ()")
        return z

    def strength(self, chain: Chain) -> float:
        """What a chain multiplies the hybridisation strength by: norm of the band, A_Lambda."""
        return chain.norm * (A_Lambda(self.Lambda) if self.A_Lambda else 1.0)

    def chain(self, model: Model, z: float) -> Chain:
        """The Wilson chain of the model's band for one twist."""
        sites = self.sites
        if sites is None:
            # Two shells more than T_min needs, for the even-odd average.
            decades = math.log(max(model.band.D / self.T_min, 1.0)) / math.log(self.Lambda)
            sites = FEWEST_SITES + math.ceil(2 * decades)
        chain = wilson_chain(model.band, self.Lambda, sites, z=z, scheme=self.scheme)
        if self.sites is None:
            # Twists and small Lambda shift the scale by less than a factor Lambda or two.
            short = float(chain.scale[-2] / betabar(self.Lambda)[-1] / self.T_min)
            if short > 1 and self.T_min < model.band.D:
                more = math.ceil(2 * math.log(short) / math.log(self.Lambda))
                return wilson_chain(model.band, self.Lambda, sites + more, z=z, scheme=self.scheme)
        return chain
