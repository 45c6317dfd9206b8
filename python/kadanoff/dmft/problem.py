"""Impurity problems, the input of every solver.

``H = eps n_d - h (n_up - n_dn) + U n_up n_dn + sum_k e_k n_k + sum_ks V_k (d_s^+ c_ks + h.c.)``,
chemical potential absorbed, and ``Delta(z) = sum_k V_k**2 / (z - e_k)``, which may be another
function for spin down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.html import table
from kadanoff._base.once import kept
from kadanoff._base.signatures import internal, public
from kadanoff._base.types import FloatArray
from kadanoff.bands.discretisation import Band
from kadanoff.bands.leads import ChannelBands, SpinBands, Superconductor
from kadanoff.bands.tabulated import FunctionBand, TabulatedBand
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.solvers.quadrature import band_star
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import inverse_temperature

__all__ = ["MAX_ENERGY", "SPINS", "DiscreteBath", "Impurity", "half_filling"]

MAX_ENERGY = 1e100
"""Largest |U|, |eps| and |h|: squares of energies stay finite."""
SPINS = ("up", "down")


def half_filling(U: float) -> float:
    """The level -U/2 of half filling; its detuning eps + U/2 is exactly zero.

    Examples
    --------
    >>> half_filling(3.0)
    -1.5
    """
    return 0.0 - 0.5 * U  # 0.0, not -0.0, without interaction


def _range(x: tuple[float, ...]) -> str:
    return f"{min(x):.4g} <= e <= {max(x):.4g}" if x else "no levels"


@public
@dataclass(frozen=True)
class DiscreteBath:
    """Delta(z) = sum_k V_k**2 / (z - e_k).

    Parameters
    ----------
    e : sequence of float
        Energies of the K levels, relative to the chemical potential.
    V : sequence of float
        K hybridisations, in units of energy; their signs are a choice of gauge.

    Raises
    ------
    TypeError, ValueError
        The two are not sequences of finite numbers of one length.

    Examples
    --------
    >>> DiscreteBath([-0.5, 0.5], [0.3, 0.4]).weight
    0.25
    """

    e: tuple[float, ...]
    V: tuple[float, ...]

    def __init__(self, e: ArrayLike, V: ArrayLike) -> None:
        object.__setattr__(
            self, "e", tuple(float(x) for x in checks.array("e", e, ndim=1, frozen=True))
        )
        object.__setattr__(
            self, "V", tuple(float(x) for x in checks.array("V", V, ndim=1, frozen=True))
        )
        if len(self.e) != len(self.V):
            raise ValueError(
                "e and V must have one entry per bath site, "
                f"got {len(self.e)} levels and {len(self.V)} hybridisations"
            )

    def __repr__(self) -> str:
        return f"DiscreteBath({self.sites} sites, {_range(self.e)}, sum V**2 = {self.weight:.4g})"

    @classmethod
    @internal
    def own(cls, e: ArrayLike, V: ArrayLike) -> DiscreteBath:
        """A bath made by a solver; its numbers are not checked."""
        made = object.__new__(cls)
        made.__dict__.update(
            e=tuple(np.asarray(e, dtype=np.float64).tolist()),
            V=tuple(np.asarray(V, dtype=np.float64).tolist()),
        )
        return made

    @property
    def sites(self) -> int:
        """Number of bath sites."""
        return len(self.e)

    @property
    def weight(self) -> float:
        """sum V**2, the integral of -Im Delta / pi."""
        return float(np.sum(np.square(self.V)))

    @kept
    def star(self) -> tuple[FloatArray, FloatArray]:
        """Levels and V**2, read-only."""
        e, weight = np.array(self.e), np.square(np.array(self.V))
        e.setflags(write=False)
        weight.setflags(write=False)
        return e, weight

    @kept
    def moments(self) -> tuple[float, ...]:
        """sum V**2 e**k for k < 4."""
        e, weight = self.star
        return tuple(float((weight * e**k).sum()) for k in range(4))


Bath: TypeAlias = "DiscreteBath | MatsubaraBath | Band"


def _checked_bath(name: str, bath: object) -> Bath:
    """A bath, or an array as Delta(i w_n)."""
    if isinstance(bath, np.ndarray):
        try:
            return MatsubaraBath(bath)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name} as Delta(i w_n): {error}") from None
    if isinstance(bath, Superconductor | SpinBands | ChannelBands):
        raise TypeError(
            f"{name} must be one normal band, got {bath!r}: Green functions here are those of one "
            "spin in a normal state. Bands of the two spins are bath and bath_down of an Impurity; "
            "kadanoff.nrg and kadanoff.dynamics solve models with such leads"
        )
    if not isinstance(bath, (DiscreteBath, MatsubaraBath, Band)):
        raise TypeError(
            f"{name} must be a DiscreteBath, a MatsubaraBath or a band of kadanoff.bands, "
            f"got {type(bath).__name__}"
        )
    return bath


@public
@dataclass(frozen=True)
class Impurity:
    """One interacting orbital in a bath at inverse temperature beta.

    Parameters
    ----------
    U : float
        Repulsion, in any unit of energy; attraction if negative.
    beta : float
        Inverse temperature, in the inverse of this unit (k_B = 1).
    bath : DiscreteBath, MatsubaraBath or Band
        The bath; ``Delta = V**2 int rho(w) / (z - w) dw`` for a band. An array is taken as
        Delta(i w_n) of a MatsubaraBath. It is that of both spins, unless `bath_down` is given.
    eps : float, optional
        Level of the impurity, relative to the chemical potential. By default ``-U/2``: half filling
        in a symmetric bath.
    V : float, optional
        Hybridisation with a band. By default D/2 for the analytic bands, so that
        ``Delta = (D/2)**2 G`` as on the Bethe lattice; 1 for tables and functions, whose density is
        then ``-Im Delta / pi``.
    h : float, optional
        Magnetic field: the levels of the impurity are ``eps - h`` for spin up and ``eps + h`` for
        spin down; those of the bath are as given.
    bath_down : DiscreteBath, MatsubaraBath or Band, optional
        Bath of spin down, by default that of spin up. `V` is that of both where both are bands.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range, or the tail of a MatsubaraBath does not
        belong to this temperature.

    Examples
    --------
    >>> problem = Impurity(U=2.0, beta=50, bath=DiscreteBath([-0.5, 0.5], [0.3, 0.3]))
    >>> problem.eps, problem.is_half_filled
    (-1.0, True)
    """

    U: float
    beta: float
    bath: Bath
    eps: float = None  # type: ignore[assignment]  # a float once it is made
    V: float | None = None
    h: float = 0.0
    bath_down: Bath | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "U", checks.real("U", self.U, least=-MAX_ENERGY, most=MAX_ENERGY))
        object.__setattr__(self, "beta", inverse_temperature(self.beta))
        eps = (
            half_filling(self.U)
            if self.eps is None
            else checks.real("eps", self.eps, least=-MAX_ENERGY, most=MAX_ENERGY)
        )
        object.__setattr__(self, "eps", eps)
        h = checks.real("h", self.h, least=-MAX_ENERGY, most=MAX_ENERGY)
        object.__setattr__(self, "h", h)
        object.__setattr__(self, "bath", _checked_bath("bath", self.bath))
        if isinstance(self.bath, MatsubaraBath):
            self.__dict__["_Delta"] = self.bath.function(self.beta)
        if isinstance(self.bath, (DiscreteBath, MatsubaraBath)):
            if self.V is not None:
                raise ValueError("V belongs to a band; this bath has its own hybridisation")
        elif self.V is None:
            own = isinstance(self.bath, (TabulatedBand, FunctionBand))
            object.__setattr__(self, "V", 1.0 if own else 0.5 * self.bath.D)
        else:
            object.__setattr__(self, "V", checks.real("V", self.V))
        if self.bath_down is not None:
            down = _checked_bath("bath_down", self.bath_down)
            object.__setattr__(self, "bath_down", None if down == self.bath else down)
            self.of_spin("down")  # its bath belongs to this temperature

    def __repr__(self) -> str:
        V = "" if self.V is None else f", V={self.V:g}"
        V += f", h={self.h:g}" if self.h else ""
        V += "" if self.bath_down is None else f", bath_down={self.bath_down!r}"
        return (
            f"Impurity(U={self.U:g}, beta={self.beta:g}, eps={self.eps:.6g}, bath={self.bath!r}{V})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"U": self.U, "beta": self.beta, "eps": self.eps}
        rows["bath"] = repr(self.bath)
        if self.V is not None:
            rows["V"] = self.V
        if self.h:
            rows["h"] = self.h
        if self.bath_down is not None:
            rows["bath of spin down"] = repr(self.bath_down)
        return table("Impurity", rows)

    @classmethod
    @internal
    def own(
        cls,
        U: float,
        beta: float,
        bath: DiscreteBath | MatsubaraBath,
        eps: float,
        *,
        h: float = 0.0,
        bath_down: DiscreteBath | MatsubaraBath | None = None,
    ) -> Impurity:
        """A problem made by a loop or a fit; only the tail of its bath is checked."""
        made = object.__new__(cls)
        made.__dict__.update(U=U, beta=beta, bath=bath, eps=eps, V=None, h=h, bath_down=bath_down)
        if isinstance(bath, MatsubaraBath):
            made.__dict__["_Delta"] = bath.function(beta)
        return made

    @property
    def depends_on_spin(self) -> bool:
        """Whether a field or two different baths distinguish the spins."""
        return self.h != 0.0 or self.bath_down is not None

    @public
    def of_spin(self, spin: str) -> Impurity:
        """The problem without field whose level and bath, for both spins, are those of one spin.

        Parameters
        ----------
        spin : {"up", "down"}
            The spin.

        Returns
        -------
        Impurity
            With ``eps - h`` and `bath`, or ``eps + h`` and `bath_down`.

        Raises
        ------
        ValueError, TypeError
            `spin` is another word.

        Examples
        --------
        >>> problem = Impurity(U=2.0, beta=50, bath=DiscreteBath([0.0], [0.3]), h=0.1)
        >>> problem.of_spin("up").eps, problem.of_spin("down").eps
        (-1.1, -0.9)
        """
        return self._of_spin[checks.choice("spin", spin, SPINS)]

    @kept
    def _of_spin(self) -> dict[str, Impurity]:
        up, down, V = self.bath, self.bath, self.V
        if self.bath_down is not None:
            down = self.bath_down
            V = self.V if isinstance(down, Band) else None
        return {
            spin: Impurity(self.U, self.beta, bath, level, strength)
            if isinstance(bath, Band)
            else Impurity.own(self.U, self.beta, bath, level)
            for spin, bath, level, strength in (
                ("up", up, self.eps - self.h, self.V),
                ("down", down, self.eps + self.h, V),
            )
        }

    @property
    def is_mirrored(self) -> bool:
        """Whether particles of one spin are as holes of the other: one electron on average."""
        if abs(self.detuning) > 1e-12 * max(abs(self.U), abs(self.eps)):
            return False
        up, down = (self.of_spin(spin).Delta().iw(32) for spin in SPINS)
        size = float(np.max(np.abs(up))) + 1e-300
        return bool(np.all(np.abs(up + down.conj()) <= 1e-12 * size))

    @property
    def detuning(self) -> float:
        """eps + U/2, the distance of the level from half filling."""
        return self.eps + 0.5 * self.U

    @internal
    def star(self) -> tuple[FloatArray, FloatArray] | None:
        """Levels and V**2 that reproduce Delta at this temperature's frequencies to rounding.

        The bath itself if it is discrete, nodes of a quadrature for a band, None for a
        `MatsubaraBath`.
        """
        self._one_bath()
        if isinstance(self.bath, DiscreteBath):
            return self.bath.star
        if isinstance(self.bath, MatsubaraBath):
            return None
        strength = float(self.V or 0.0) ** 2
        if strength == 0.0:
            return np.zeros(0), np.zeros(0)
        e, weight = band_star(self.bath, self.beta)
        return e, weight * strength

    @internal
    def Delta(self) -> GreenFunction | MatsubaraFunction:
        """The hybridisation function, where it is that of both spins."""
        self._one_bath()
        return self._Delta

    @internal
    def Delta_moments(self) -> tuple[float, ...]:
        """sum V**2 e**k for k < 4, where the bath is that of both spins."""
        self._one_bath()
        return self._moments

    def _one_bath(self) -> None:
        """Refuse to say which of two baths is meant."""
        if self.bath_down is not None:
            raise ValueError(
                "the bath depends on spin: take problem.of_spin('up') or problem.of_spin('down')"
            )

    @kept
    def _Delta(self) -> GreenFunction | MatsubaraFunction:
        if isinstance(self.bath, MatsubaraBath):
            return self.bath.function(self.beta)
        star = self.star()
        assert star is not None
        return GreenFunction.own(*star, self.beta)

    @kept
    def _moments(self) -> tuple[float, ...]:
        if isinstance(self.bath, MatsubaraBath):
            function = self.Delta()
            assert isinstance(function, MatsubaraFunction)
            return function.moments[:4]
        if isinstance(self.bath, DiscreteBath):
            return self.bath.moments
        star = self.star()
        assert star is not None
        e, weight = star
        return tuple(float((weight * e**k).sum()) for k in range(4))

    @property
    def is_isolated(self) -> bool:
        """Whether Delta vanishes: every solver then returns the exact atom."""
        if self.bath_down is not None:
            return all(self.of_spin(spin).is_isolated for spin in SPINS)
        if isinstance(self.bath, DiscreteBath | MatsubaraBath):
            return not self._moments[0] > 0.0
        return not self.V  # the levels of a band may be too many to list

    @property
    def is_half_filled(self) -> bool:
        """Whether particle-hole symmetry holds for each spin: eps = -U/2, Delta odd, no field."""
        if self.depends_on_spin:
            return False
        scale = max(abs(self.U), abs(self.eps))
        if abs(self.detuning) > 1e-12 * scale:
            return False
        if isinstance(self.bath, MatsubaraBath):
            function = self.Delta()
            assert isinstance(function, MatsubaraFunction)
            values = function.values
            return bool(np.all(np.abs(values.real) <= 1e-9 * np.max(np.abs(values))))
        if isinstance(self.bath, DiscreteBath):
            iw = self.Delta().iw(32)
            return bool(np.all(np.abs(iw.real) <= 1e-12 * (np.max(np.abs(iw)) + 1e-300)))
        return self.bath.is_symmetric
