r"""Quantum dots on one band orbital: the Anderson model and the parallel double quantum dot.

``H_0 = sum_i [eps n_i + U n_iup n_idn + V sum_s (d_is^+ f_0s + h.c.) + field S_iz]``
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import combinations
from operator import add
from typing import Any, ClassVar, Self

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff.bands.densities import Band
from kadanoff.impurities.models.base import (
    ImpurityBase,
    Term,
    band_arguments,
    resolve_band,
    set_fields,
)
from kadanoff.impurities.models.operators import BATH, Operator, Orbital, Space, dot

__all__ = ["AndersonModel", "DoubleQuantumDot"]

EPSILON = sys.float_info.epsilon


@dataclass(frozen=True, init=False, repr=False)
class _Dots(ImpurityBase):
    """Equal dots, each coupled by V to f_0."""

    U: float
    V: float
    eps: float
    field: float
    band: Band
    given: tuple[tuple[str, float], ...]

    DOTS: ClassVar[tuple[str, ...]]
    LABELS: ClassVar[tuple[str, str, str, str, str]]

    def __init__(
        self,
        U: float,
        *,
        V: float | None = None,
        Gamma: float | None = None,
        J_sw: float | None = None,
        eps: float | None = None,
        field: float = 0.0,
        D: float | None = None,
        band: Band | None = None,
    ) -> None:
        handles = {"V": V, "Gamma": Gamma, "J_sw": J_sw}
        couplings = {name: value for name, value in handles.items() if value is not None}
        if len(couplings) != 1:
            found = ", ".join(f"{k}={v!r}" for k, v in couplings.items()) or "none"
            raise ValueError(f"give exactly one of V, Gamma and J_sw, got {found}")
        ((handle, value),) = couplings.items()
        hint = "its sign is a gauge, give its modulus" if handle == "V" else ""
        U, coupling = checks.real("U", U), checks.real(handle, value, least=0, hint=hint)
        resolved = resolve_band(band, D)
        checked = coupling
        match handle:
            case "Gamma":
                coupling = math.sqrt(coupling / (math.pi * _density(resolved)))
            case "J_sw":
                if not U > 0:
                    raise ValueError(
                        f"J_sw = 8 V^2 / U needs U > 0, got U={U}; give V or Gamma instead"
                    )
                coupling = math.sqrt(coupling * U / 8)
        given = [(handle, checked)]
        level = -U / 2
        if eps is not None:
            level = checks.real("eps", eps)
            given.append(("eps", level))
        set_fields(
            self,
            U=U,
            V=coupling,
            eps=level,
            field=checks.real("field", field),
            band=resolved,
            given=tuple(given),
        )

    def _arguments(self) -> dict[str, Any]:
        field = {"field": self.field} if self.field else {}
        return {"U": self.U, **dict(self.given), **field, **band_arguments(self.band)}

    def _operators(self) -> dict[str, Operator]:
        op = _operators(self.DOTS)
        return {
            "U": op["U tied"] if self.eps_follows_U else op["docc"],
            "V": op["hyb"],
            "eps": op["n_d"],
            "field": op["S_z"],
        }

    def _named(self, names: str) -> dict[str, Operator]:
        op = _operators(self.DOTS)
        return {name: op[name] for name in names.split()}

    @property
    def Gamma(self) -> float:
        """Hybridisation strength ``pi rho V^2`` of a dot."""
        handle, value = self.given[0]
        return value if handle == "Gamma" else math.pi * _density(self.band) * self.V**2

    @property
    def J_sw(self) -> float:
        """Schrieffer-Wolff exchange ``8 V^2 / U`` of the symmetric model; needs U > 0."""
        handle, value = self.given[0]
        if handle == "J_sw":
            return value
        if not self.U > 0:
            raise ValueError(f"J_sw = 8 V^2 / U needs U > 0, got U={self.U}")
        return 8 * self.V**2 / self.U

    @property
    def eps_follows_U(self) -> bool:
        """Whether eps was left out, so that it is -U/2 for every U."""
        return all(name != "eps" for name, _ in self.given)

    @property
    def space(self) -> Space:
        """The dots and the bath orbital "f0"."""
        return _space(self.DOTS)

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0 in the form that shows particle-hole symmetry.

        ``eps n + U n_up n_dn = U (n_up - 1/2)(n_dn - 1/2) + (eps + U/2)(n - 1) + eps + U/4``.
        An eps that differs from -U/2 by rounding only counts as -U/2.
        """
        op = _operators(self.DOTS)
        asymmetry = self.eps + self.U / 2
        if abs(asymmetry) <= 4 * EPSILON * abs(self.U):
            asymmetry = 0.0
        constant = len(self.DOTS) * (self.eps + self.U / 4)
        coefficients = (self.U, asymmetry, self.V, self.field, constant)
        operators = (op["U symmetric"], op["n_d - 1"], op["hyb"], op["S_z"], op["identity"])
        return tuple(zip(self.LABELS, coefficients, operators, strict=True))

    @property
    def parameters(self) -> dict[str, float]:
        """U, V, field, t_12 of two dots, and eps if it was given: left out, it follows U."""
        tied = {"eps"} if self.eps_follows_U else set()
        return {name: x for name, x in super().parameters.items() if name not in tied}

    def derivative(self, name: str) -> Operator:
        """``dH/d(name)`` with the other :attr:`parameters` held.

        Parameters
        ----------
        name : str
            A parameter, "Gamma" or "J_sw". "U" holds V; an eps that was not given follows as -U/2,
            which adds ``-n_d/2``. "Gamma" and "J_sw" go through V at fixed U.

        Raises
        ------
        ValueError
            For another name, or for Gamma and J_sw at V = 0 where V has an infinite slope.
        """
        operators = self._operators()
        if name in operators:
            return operators[name]
        checks.choice("name", name, [*operators, "Gamma", "J_sw"])
        if self.V == 0:
            raise ValueError(f"dV/d{name} is infinite at V = 0; use the derivative by V")
        value = self.Gamma if name == "Gamma" else self.J_sw
        return self.V / (2 * value) * operators["V"]

    def rescaled(self, A: float) -> Self:
        """V^2 times `A`: ``A_Lambda``, or the norm of a band that is not normalised."""
        factor = checks.real("A", A, above=0)
        handle, value = self.given[0]
        return self.replace(**{handle: value * (math.sqrt(factor) if handle == "V" else factor)})


@public
@dataclass(frozen=True, init=False, repr=False)
class AndersonModel(_Dots):
    r"""Single-impurity Anderson model.

    ``H = H_band + eps n_d + U n_up n_dn + V sum_s (d_s^+ f_0s + h.c.) + field S_z``

    Parameters
    ----------
    U : float
        Coulomb repulsion. All energies share one unit, that of D.
    V, Gamma, J_sw : float
        Exactly one of: the hybridisation matrix element; the hybridisation strength
        ``Gamma = pi rho V^2`` with rho the density of the band at zero energy (``1 / (2 D)`` for
        the flat one); the Schrieffer-Wolff exchange ``J_sw = 8 V^2 / U`` of the symmetric model,
        which needs ``U > 0``. All three can be read afterwards. The sign of V is a gauge: it must
        not be negative.
    eps : float, optional
        Level energy. Left out, it follows U as ``-U / 2``: particle-hole symmetry.
    field : float
        Magnetic field on the impurity, ``+ field S_z``, as an energy (g mu_B = 1).
    D : float, optional
        Half bandwidth of a flat band, default 1.
    band : Band, optional
        Any other band; excludes `D`.

    Raises
    ------
    TypeError
        For a parameter that is not a real number.
    ValueError
        For NaN, infinity, a negative coupling, ``J_sw`` without ``U > 0``, or none or several of V,
        Gamma and J_sw.

    Examples
    --------
    >>> model = AndersonModel(U=0.5, J_sw=0.25)
    >>> model
    AndersonModel(U=0.5, J_sw=0.25)
    >>> model.V
    0.125
    >>> model.eps
    -0.25
    """

    DOTS: ClassVar[tuple[str, ...]] = ("d",)
    LABELS: ClassVar[tuple[str, str, str, str, str]] = (
        "U (n_up - 1/2) (n_dn - 1/2)",
        "(eps + U/2) (n_d - 1)",
        "V sum_s (d_s^+ f_0s + h.c.)",
        "field S_z",
        "eps + U/4",
    )

    @property
    def observables(self) -> dict[str, Operator]:
        """S_d.S_0, n_d, docc = n_up n_dn, hyb = sum_s (d_s^+ f_0s + h.c.), S_z (of d) and n_0."""
        return self._named("S_d.S_0 n_d docc hyb S_z n_0")


@public
@dataclass(frozen=True, init=False, repr=False)
class DoubleQuantumDot(_Dots):
    r"""Two Anderson dots in parallel: both hybridise with the same band orbital.

    ``H = H_band + sum_{i=1,2} [eps n_i + U n_iup n_idn + V sum_s (d_is^+ f_0s + h.c.)]
    + field (S_1z + S_2z) + t_12 sum_s (d_1s^+ d_2s + h.c.)``

    The band mediates a ferromagnetic interaction of the two spins. At low temperature they are one
    spin 1, which the band screens to a spin 1/2: with falling T the impurity entropy goes from
    ln 16 through 2 ln 2 and ln 3 to ln 2.

    Parameters
    ----------
    U, V, Gamma, J_sw, eps, field : as in :class:`AndersonModel`
        The same for both dots.
    t_12 : float
        Hopping between the dots. It breaks particle-hole symmetry: dot 1, dot 2 and f_0 then form
        a triangle.
    D, band : as in :class:`AndersonModel`
        The band that both dots couple to.

    Raises
    ------
    TypeError, ValueError
        As :class:`AndersonModel`.

    References
    ----------
    J. B. Rigo and A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020),
    doi:10.1103/PhysRevB.101.241105, Eq. 7.

    Examples
    --------
    >>> model = DoubleQuantumDot(U=0.5, J_sw=0.2)
    >>> model.impurity_dimension
    16
    >>> list(model.observables)
    ['S_1.S_2', 'S_d.S_0', 'n_1', 'n_2', 'n_d', 'docc', 'hyb', 'hop_12', 'S_z', 'n_0']
    """

    DOTS: ClassVar[tuple[str, ...]] = ("1", "2")
    LABELS: ClassVar[tuple[str, str, str, str, str]] = (
        "U sum_i (n_iup - 1/2) (n_idn - 1/2)",
        "(eps + U/2) sum_i (n_i - 1)",
        "V sum_is (d_is^+ f_0s + h.c.)",
        "field (S_1z + S_2z)",
        "2 eps + U/2",
    )

    t_12: float

    def __init__(
        self,
        U: float,
        *,
        V: float | None = None,
        Gamma: float | None = None,
        J_sw: float | None = None,
        eps: float | None = None,
        field: float = 0.0,
        t_12: float = 0.0,
        D: float | None = None,
        band: Band | None = None,
    ) -> None:
        handles = {"V": V, "Gamma": Gamma, "J_sw": J_sw}
        super().__init__(U, **handles, eps=eps, field=field, D=D, band=band)
        set_fields(self, t_12=checks.real("t_12", t_12))

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | ({"t_12": self.t_12} if self.t_12 else {})

    def _operators(self) -> dict[str, Operator]:
        return super()._operators() | {"t_12": _operators(self.DOTS)["hop_12"]}

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0, see :meth:`AndersonModel.terms`."""
        hop = _operators(self.DOTS)["hop_12"]
        return (*super().terms(), ("t_12 sum_s (d_1s^+ d_2s + h.c.)", self.t_12, hop))

    @property
    def observables(self) -> dict[str, Operator]:
        """Correlators and occupations; S_d = S_1 + S_2, and sums over both dots without an index.

        S_1.S_2, S_d.S_0, n_1, n_2, n_d = n_1 + n_2, docc = sum_i n_iup n_idn,
        hyb = sum_is (d_is^+ f_0s + h.c.), hop_12 = sum_s (d_1s^+ d_2s + h.c.), S_z and n_0.
        """
        return self._named("S_1.S_2 S_d.S_0 n_1 n_2 n_d docc hyb hop_12 S_z n_0")


@lru_cache(maxsize=2)
def _space(dots: tuple[str, ...]) -> Space:
    return Space((*map(Orbital, dots), BATH))


@lru_cache(maxsize=2)
def _operators(dots: tuple[str, ...]) -> dict[str, Operator]:
    space = _space(dots)

    def total(operators: Iterable[Operator]) -> Operator:
        return reduce(add, operators)

    def product(shift: float) -> Operator:
        return total((space.n(i, "up") - shift) * (space.n(i, "dn") - shift) for i in dots)

    S_d = reduce(add, (space.S(i) for i in dots))
    n, docc = total(space.n(i) for i in dots), product(0)
    named = {f"n_{i}": space.n(i) for i in dots}
    for i, j in combinations(dots, 2):
        named[f"S_{i}.S_{j}"] = dot(space.S(i), space.S(j))
        named[f"hop_{i}{j}"] = space.hop(i, j)
    return named | {
        "S_d.S_0": dot(S_d, space.S(BATH.name)),
        "n_d": n,
        "docc": docc,
        "hyb": total(space.hop(i, BATH.name) for i in dots),
        "S_z": S_d.z,
        "n_0": space.n(BATH.name),
        "U symmetric": product(0.5),
        "U tied": docc - n / 2,
        "n_d - 1": n - len(dots),
        "identity": space.identity,
    }


def _density(band: Band) -> float:
    """Density of the band at zero energy, for Gamma = pi rho V^2."""
    rho = float(band.density(0.0))
    if not (math.isfinite(rho) and rho > 0):
        raise ValueError(
            f"Gamma = pi rho V^2 needs a finite density rho > 0 at zero energy, {band!r} has "
            f"{rho}; use V instead"
        )
    return rho
