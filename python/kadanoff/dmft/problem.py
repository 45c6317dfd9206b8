"""Impurity problems, the input of every solver.

``H = eps n_d + U n_up n_dn + sum_k e_k n_k + sum_ks V_k (d_s^+ c_ks + h.c.)``, chemical potential
absorbed, and ``Delta(z) = sum_k V_k**2 / (z - e_k)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.html import table
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.discretisation import Band
from kadanoff.bands.tabulated import FunctionBand, TabulatedBand
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.solvers.quadrature import band_star
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import inverse_temperature

__all__ = ["MAX_ENERGY", "DiscreteBath", "Impurity", "half_filling"]

MAX_ENERGY = 1e100
"""Largest U and |eps|: squares of energies stay finite."""


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


Bath: TypeAlias = "DiscreteBath | MatsubaraBath | Band"


@public
@dataclass(frozen=True)
class Impurity:
    """One interacting orbital in a bath at inverse temperature beta.

    Parameters
    ----------
    U : float
        Repulsion, in any unit of energy; not negative.
    beta : float
        Inverse temperature, in the inverse of this unit (k_B = 1).
    bath : DiscreteBath, MatsubaraBath or Band
        The bath; ``Delta = V**2 int rho(w) / (z - w) dw`` for a band. An array is taken as
        Delta(i w_n) of a MatsubaraBath.
    eps : float, optional
        Level of the impurity, relative to the chemical potential. By default ``-U/2``: half filling
        in a symmetric bath.
    V : float, optional
        Hybridisation with a band. By default D/2 for the analytic bands, so that
        ``Delta = (D/2)**2 G`` as on the Bethe lattice; 1 for tables and functions, whose density is
        then ``-Im Delta / pi``.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "U", checks.real("U", self.U, least=0, most=MAX_ENERGY))
        object.__setattr__(self, "beta", inverse_temperature(self.beta))
        eps = (
            half_filling(self.U)
            if self.eps is None
            else checks.real("eps", self.eps, least=-MAX_ENERGY, most=MAX_ENERGY)
        )
        object.__setattr__(self, "eps", eps)
        if isinstance(self.bath, np.ndarray):
            try:
                object.__setattr__(self, "bath", MatsubaraBath(self.bath))
            except (TypeError, ValueError) as error:
                raise type(error)(f"bath as Delta(i w_n): {error}") from None
        if not isinstance(self.bath, (DiscreteBath, MatsubaraBath, Band)):
            raise TypeError(
                "bath must be a DiscreteBath, a MatsubaraBath or a band of kadanoff.bands, "
                f"got {type(self.bath).__name__}"
            )
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

    def __repr__(self) -> str:
        V = "" if self.V is None else f", V={self.V:g}"
        return (
            f"Impurity(U={self.U:g}, beta={self.beta:g}, eps={self.eps:.6g}, bath={self.bath!r}{V})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"U": self.U, "beta": self.beta, "eps": self.eps}
        rows["bath"] = repr(self.bath)
        if self.V is not None:
            rows["V"] = self.V
        return table("Impurity", rows)

    @classmethod
    def own(cls, U: float, beta: float, bath: DiscreteBath | MatsubaraBath, eps: float) -> Impurity:
        """A problem made by a loop or a fit; only the tail of its bath is checked."""
        made = object.__new__(cls)
        made.__dict__.update(U=U, beta=beta, bath=bath, eps=eps, V=None)
        if isinstance(bath, MatsubaraBath):
            made.__dict__["_Delta"] = bath.function(beta)
        return made

    @property
    def detuning(self) -> float:
        """eps + U/2, the distance of the level from half filling."""
        return self.eps + 0.5 * self.U

    def star(self) -> tuple[FloatArray, FloatArray] | None:
        """Levels and V**2 that reproduce Delta at this temperature's frequencies to rounding.

        The bath itself if it is discrete, nodes of a quadrature for a band, None for a
        `MatsubaraBath`.
        """
        if isinstance(self.bath, DiscreteBath):
            return np.array(self.bath.e), np.square(self.bath.V)
        if isinstance(self.bath, MatsubaraBath):
            return None
        strength = float(self.V or 0.0) ** 2
        if strength == 0.0:
            return np.zeros(0), np.zeros(0)
        e, weight = band_star(self.bath, self.beta)
        return e, weight * strength

    def Delta(self) -> GreenFunction | MatsubaraFunction:
        """The hybridisation function."""
        return self._Delta

    def Delta_moments(self) -> tuple[float, ...]:
        """sum V**2 e**k for k < 4."""
        return self._moments

    @cached_property
    def _Delta(self) -> GreenFunction | MatsubaraFunction:
        if isinstance(self.bath, MatsubaraBath):
            return self.bath.function(self.beta)
        star = self.star()
        assert star is not None
        return GreenFunction.own(*star, self.beta)

    @cached_property
    def _moments(self) -> tuple[float, ...]:
        if isinstance(self.bath, MatsubaraBath):
            function = self.Delta()
            assert isinstance(function, MatsubaraFunction)
            return function.moments[:4]
        star = self.star()
        assert star is not None
        e, weight = star
        return tuple(float(np.sum(weight * e**k)) for k in range(4))

    @property
    def is_isolated(self) -> bool:
        """Whether Delta vanishes: every solver then returns the exact atom."""
        if isinstance(self.bath, DiscreteBath | MatsubaraBath):
            return not self.Delta_moments()[0] > 0.0
        return not self.V  # the levels of a band may be too many to list

    @property
    def is_half_filled(self) -> bool:
        """Whether particle-hole symmetry holds: eps = -U/2 and Delta odd."""
        scale = max(self.U, abs(self.eps))
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
