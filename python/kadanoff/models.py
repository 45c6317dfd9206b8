r"""Quantum-impurity Hamiltonians as plain frozen data.

    H_0 = sum_k coefficient_k * operator_k    on the impurity and the bath orbital f_0,

to which a solver attaches the band. A model validates itself, prints what the user gave, compares,
hashes and pickles; it knows nothing about how it is solved.

Energies are in the units of the band, whose half bandwidth is 1 unless told otherwise.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, Self, runtime_checkable

from kadanoff.baths import Band, FlatBand
from kadanoff.operators import BATH, Operator, Orbital, Space, Spin, dot, half_integer
from kadanoff.stars import real

__all__ = ["AndersonModel", "KondoModel", "Model", "Term"]

Term = tuple[str, float, Operator]
"""(name, coefficient, operator) of one part of a Hamiltonian."""

EPSILON = sys.float_info.epsilon


@runtime_checkable
class Model(Protocol):
    """What every impurity model offers; the solvers use nothing else."""

    @property
    def band(self) -> Band:
        """The band to which f_0 belongs."""

    @property
    def space(self) -> Space:
        """Impurity factors first, the bath orbital f_0 last."""

    @property
    def parameters(self) -> dict[str, float]:
        """The independent continuous parameters: coordinates for derivatives and for learning."""

    @property
    def observables(self) -> dict[str, Operator]:
        """Operators with a name."""

    @property
    def impurity_dimension(self) -> int:
        """Number of states of the impurity without f_0."""

    @property
    def impurity_entropy_max(self) -> float:
        """ln(impurity_dimension), the impurity entropy at infinite temperature, in nats."""

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0, each as (name, coefficient, operator)."""

    def derivative(self, name: str) -> Operator:
        """dH/d(name), the other parameters held."""

    def replace(self, **changes: Any) -> Self:
        """The same model with some arguments changed."""

    def rescaled(self, A: float) -> Self:
        """The model with its hybridisation strength (V^2, or J and W) multiplied by `A`."""


class _ImpurityBase:
    """What Anderson and Kondo models share: everything that follows from the space."""

    band: Band

    def _arguments(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def space(self) -> Space:
        raise NotImplementedError

    @property
    def impurity_dimension(self) -> int:
        """Number of states of the impurity without f_0."""
        return self.space.dimension // BATH.dimension

    @property
    def impurity_entropy_max(self) -> float:
        """``ln(impurity_dimension)``, the impurity entropy at infinite temperature, in nats."""
        return math.log(self.impurity_dimension)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def replace(self, **changes: Any) -> Self:
        """The same model with some arguments changed, for example ``model.replace(J=0.2)``.

        Arguments that were not given keep their defaults, and those that exclude each other (V,
        Gamma and J_sw; band and bandwidth) replace each other.

        Raises
        ------
        TypeError
            For an argument that the model does not have.
        """
        arguments = self._arguments()
        for group in (("V", "Gamma", "J_sw"), ("band", "bandwidth")):
            if any(changes.get(name) is not None for name in group):
                for name in group:
                    arguments.pop(name, None)
        return type(self)(**(arguments | changes))

    def __replace__(self, **changes: Any) -> Self:
        return self.replace(**changes)


@dataclass(frozen=True, init=False, repr=False)
class AndersonModel(_ImpurityBase):
    r"""Single-impurity Anderson model.

    ``H = H_band + eps n_d + U n_up n_dn + V sum_s (d_s^+ f_0s + h.c.) + field S_z``

    Parameters
    ----------
    U : float
        Coulomb repulsion.
    V, Gamma, J_sw : float
        Exactly one of: the hybridisation matrix element; the hybridisation strength
        ``Gamma = pi rho V^2`` with rho the density of the band at zero energy (``1 / (2 D)`` for
        the flat one); the Schrieffer-Wolff exchange ``J_sw = 8 V^2 / U`` of the symmetric model,
        which needs ``U > 0``. All three can be read afterwards. The sign of V is a gauge: it must
        not be negative.
    eps : float, optional
        Level energy. Left out, it follows U as ``-U / 2``: particle-hole symmetry.
    field : float
        Magnetic field on the impurity, ``+ field S_z``.
    bandwidth : float, optional
        Half bandwidth D of a flat band, default 1.
    band : Band, optional
        Any other band; excludes `bandwidth`.

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

    U: float
    V: float
    eps: float
    field: float
    band: Band
    given: tuple[tuple[str, float], ...]

    def __init__(
        self,
        U: float,
        *,
        V: float | None = None,
        Gamma: float | None = None,
        J_sw: float | None = None,
        eps: float | None = None,
        field: float = 0.0,
        bandwidth: float | None = None,
        band: Band | None = None,
    ) -> None:
        handles = {"V": V, "Gamma": Gamma, "J_sw": J_sw}
        couplings = {name: value for name, value in handles.items() if value is not None}
        if len(couplings) != 1:
            found = ", ".join(f"{k}={v!r}" for k, v in couplings.items()) or "none"
            raise ValueError(f"give exactly one of V, Gamma and J_sw, got {found}")
        ((handle, value),) = couplings.items()
        U, coupling = real("U", U), real(handle, value)
        if coupling < 0:
            why = "; its sign is a gauge, give its modulus" if handle == "V" else ""
            raise ValueError(f"{handle} must not be negative, got {coupling}{why}")
        resolved = _band(band, bandwidth)
        match handle:
            case "Gamma":
                coupling = math.sqrt(coupling / (math.pi * _density(resolved)))
            case "J_sw":
                if not U > 0:
                    raise ValueError(
                        f"J_sw = 8 V^2 / U needs U > 0, got U={U}; give V or Gamma instead"
                    )
                coupling = math.sqrt(coupling * U / 8)
        given = [(handle, float(value))]
        if eps is not None:
            given.append(("eps", real("eps", eps)))
        _set(
            self,
            U=U,
            V=coupling,
            eps=-U / 2 if eps is None else real("eps", eps),
            field=real("field", field),
            band=resolved,
            given=tuple(given),
        )

    def _arguments(self) -> dict[str, Any]:
        field = {"field": self.field} if self.field else {}
        return {"U": self.U, **dict(self.given), **field, **_band_arguments(self.band)}

    @property
    def bandwidth(self) -> float:
        """Half bandwidth D of the band."""
        return self.band.D

    @property
    def Gamma(self) -> float:
        """Hybridisation strength ``pi rho V^2``."""
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
        """The orbital "d" and the bath orbital "f0": 16 states."""
        return _ANDERSON_SPACE

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0 in the form that shows particle-hole symmetry.

        ``eps n + U n_up n_dn = U (n_up - 1/2)(n_dn - 1/2) + (eps + U/2)(n - 1) + eps + U/4``.
        An eps that differs from -U/2 by rounding only counts as -U/2.
        """
        op = _anderson_operators()
        asymmetry = self.eps + self.U / 2
        if abs(asymmetry) <= 4 * EPSILON * abs(self.U):
            asymmetry = 0.0
        return (
            ("U (n_up - 1/2) (n_dn - 1/2)", self.U, op["U symmetric"]),
            ("(eps + U/2) (n_d - 1)", asymmetry, op["n_d - 1"]),
            ("V sum_s (d_s^+ f_0s + h.c.)", self.V, op["hyb"]),
            ("field S_z", self.field, op["S_z"]),
            ("eps + U/4", self.eps + self.U / 4, op["identity"]),
        )

    @property
    def parameters(self) -> dict[str, float]:
        """U, V, field, and eps if it was given (left out, it is not independent of U)."""
        eps = {} if self.eps_follows_U else {"eps": self.eps}
        return {"U": self.U, "V": self.V, **eps, "field": self.field}

    def derivative(self, name: str) -> Operator:
        """``dH/d(name)`` with the other :attr:`parameters` held.

        Parameters
        ----------
        name : {"U", "V", "eps", "field", "Gamma", "J_sw"}
            "U" holds V; an eps that was not given follows as -U/2, which adds ``-n_d/2``. "Gamma"
            and "J_sw" go through V at fixed U.

        Raises
        ------
        ValueError
            For another name, or for Gamma and J_sw at V = 0 where V has an infinite slope.
        """
        op = _anderson_operators()
        match name:
            case "U":
                return op["U tied"] if self.eps_follows_U else op["docc"]
            case "V":
                return op["hyb"]
            case "eps":
                return op["n_d"]
            case "field":
                return op["S_z"]
            case "Gamma" | "J_sw":
                if self.V == 0:
                    raise ValueError(f"dV/d{name} is infinite at V = 0; use the derivative by V")
                value = self.Gamma if name == "Gamma" else self.J_sw
                return self.V / (2 * value) * op["hyb"]
        raise ValueError(
            f"name must be one of 'U', 'V', 'eps', 'field', 'Gamma', 'J_sw'; got {name!r}"
        )

    @property
    def observables(self) -> dict[str, Operator]:
        """S_d.S_0, n_d, docc = n_up n_dn, hyb = sum_s (d_s^+ f_0s + h.c.), S_z (of d) and n_0."""
        op = _anderson_operators()
        return {name: op[name] for name in ("S_d.S_0", "n_d", "docc", "hyb", "S_z", "n_0")}

    def rescaled(self, A: float) -> Self:
        """V^2 times `A`: ``A_Lambda``, or the norm of a band that is not normalised."""
        factor = _positive("A", A)
        handle, value = self.given[0]
        return self.replace(**{handle: value * (math.sqrt(factor) if handle == "V" else factor)})


@dataclass(frozen=True, init=False, repr=False)
class KondoModel(_ImpurityBase):
    r"""Kondo model of a spin of any size.

    ``H = H_band + J S_d . S_0 + W (n_0 - 1) + field S_z``, ``S_0 = 1/2 f_0^+ sigma f_0``

    Parameters
    ----------
    J : float
        Exchange coupling; J > 0 is antiferromagnetic.
    spin : float
        Size of the impurity spin: 1/2, 1, 3/2, ...
    W : float
        Potential scattering, counted from half filling of f_0: ``W (n_0 - 1)``, which differs from
        ``W n_0`` by the constant W and changes sign under a particle-hole transformation.
    field : float
        Magnetic field on the impurity, ``+ field S_z``.
    bandwidth : float, optional
        Half bandwidth D_K of a flat band, default 1.
    band : Band, optional
        Any other band; excludes `bandwidth`.

    Raises
    ------
    TypeError
        For a parameter that is not a real number.
    ValueError
        For NaN or infinity, or a spin that is not a positive multiple of 1/2.

    Examples
    --------
    >>> model = KondoModel(J=0.2, spin=1)
    >>> model.replace(J=0.25)
    KondoModel(J=0.25, spin=1.0)
    >>> model.impurity_dimension
    3
    """

    J: float
    spin: float
    W: float
    field: float
    band: Band

    def __init__(
        self,
        J: float,
        *,
        spin: float = 0.5,
        W: float = 0.0,
        field: float = 0.0,
        bandwidth: float | None = None,
        band: Band | None = None,
    ) -> None:
        _set(
            self,
            J=real("J", J),
            spin=half_integer("spin", spin),
            W=real("W", W),
            field=real("field", field),
            band=_band(band, bandwidth),
        )

    def _arguments(self) -> dict[str, Any]:
        defaults = {"spin": 0.5, "W": 0.0, "field": 0.0}
        changed = {name: getattr(self, name) for name in defaults}
        changed = {name: value for name, value in changed.items() if value != defaults[name]}
        return {"J": self.J, **changed, **_band_arguments(self.band)}

    @property
    def bandwidth(self) -> float:
        """Half bandwidth D of the band."""
        return self.band.D

    @property
    def space(self) -> Space:
        """The spin "d" and the bath orbital "f0": 4 (2S+1) states."""
        return _kondo_space(self.spin)

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0."""
        op = _kondo_operators(self.spin)
        return (
            ("J S_d.S_0", self.J, op["S_d.S_0"]),
            ("W (n_0 - 1)", self.W, op["n_0 - 1"]),
            ("field S_z", self.field, op["S_z"]),
        )

    @property
    def parameters(self) -> dict[str, float]:
        """J, W and field."""
        return {"J": self.J, "W": self.W, "field": self.field}

    def derivative(self, name: str) -> Operator:
        """``dH/d(name)`` for `name` "J", "W" or "field"; ValueError for another name."""
        op = _kondo_operators(self.spin)
        operators = {"J": op["S_d.S_0"], "W": op["n_0 - 1"], "field": op["S_z"]}
        if name not in operators:
            raise ValueError(f"name must be one of 'J', 'W', 'field'; got {name!r}")
        return operators[name]

    @property
    def observables(self) -> dict[str, Operator]:
        """S_d.S_0, S_z (of the impurity) and n_0."""
        op = _kondo_operators(self.spin)
        return {name: op[name] for name in ("S_d.S_0", "S_z", "n_0")}

    def rescaled(self, A: float) -> Self:
        """J and W times `A`: ``A_Lambda``, or the norm of a band that is not normalised."""
        factor = _positive("A", A)
        return self.replace(J=self.J * factor, W=self.W * factor)


_ANDERSON_SPACE = Space((Orbital("d"), BATH))


@lru_cache(maxsize=1)
def _anderson_operators() -> dict[str, Operator]:
    space = _ANDERSON_SPACE
    n_up, n_dn, n = space.n("d", "up"), space.n("d", "dn"), space.n("d")
    return {
        "S_d.S_0": dot(space.S("d"), space.S("f0")),
        "n_d": n,
        "docc": n_up * n_dn,
        "hyb": space.hop("d", "f0"),
        "S_z": space.S("d").z,
        "n_0": space.n("f0"),
        "U symmetric": (n_up - 0.5) * (n_dn - 0.5),
        "U tied": n_up * n_dn - n / 2,
        "n_d - 1": n - 1,
        "identity": space.identity,
    }


@lru_cache(maxsize=16)
def _kondo_space(spin: float) -> Space:
    return Space((Spin("d", spin=spin), BATH))


@lru_cache(maxsize=16)
def _kondo_operators(spin: float) -> dict[str, Operator]:
    space = _kondo_space(spin)
    return {
        "S_d.S_0": dot(space.S("d"), space.S("f0")),
        "S_z": space.S("d").z,
        "n_0": space.n("f0"),
        "n_0 - 1": space.n("f0") - 1,
    }


def _positive(name: str, value: float) -> float:
    x = real(name, value)
    if not x > 0:
        raise ValueError(f"{name} must be positive, got {value!r}")
    return x


def _band(band: Band | None, bandwidth: float | None) -> Band:
    if band is None:
        return FlatBand() if bandwidth is None else FlatBand(D=_positive("bandwidth", bandwidth))
    if bandwidth is not None:
        raise ValueError(
            f"give band or bandwidth, not both, got band={band!r} and bandwidth={bandwidth!r}; "
            "bandwidth is the half bandwidth of the flat band"
        )
    return band


def _band_arguments(band: Band) -> dict[str, Any]:
    if isinstance(band, FlatBand):
        return {} if band == FlatBand() else {"bandwidth": band.D}
    return {"band": band}


def _density(band: Band) -> float:
    """Density of the band at zero energy, for Gamma = pi rho V^2."""
    rho = float(band.density(0.0))
    if not (math.isfinite(rho) and rho > 0):
        raise ValueError(
            f"Gamma = pi rho V^2 needs a finite density rho > 0 at zero energy, {band!r} has "
            f"{rho}; give V instead"
        )
    return rho


def _set(model: object, **values: Any) -> None:
    """Fill the fields of a frozen dataclass."""
    for name, value in values.items():
        object.__setattr__(model, name, value)
