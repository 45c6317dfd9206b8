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
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.bands.discretisation import Band
from kadanoff.bands.tabulated import FunctionBand, TabulatedBand
from kadanoff.dmft.solvers.quadrature import band_star
from kadanoff.greens import GreenFunction, MatsubaraFunction, gauss_poles
from kadanoff.greens.grids import inverse_temperature

__all__ = ["MAX_ENERGY", "DiscreteBath", "Impurity", "MatsubaraBath", "half_filling"]

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


@public
@dataclass(frozen=True, eq=False)
class MatsubaraBath:
    """Delta(i w_n) for 0 <= n < N at the problem's temperature, with the moments of its tail.

    Parameters
    ----------
    Delta : array of complex, shape (N,)
        Values at the first N >= 16 positive Matsubara frequencies, in units of energy;
        Im Delta <= 0.
    moments : sequence of float, optional
        Moments m_0 = sum V**2, m_1 = sum V**2 e, ... of the tail
        ``Delta = sum_k m_k / (iw)**(k + 1)``. By default they are fitted to the last quarter of
        the values.

    Raises
    ------
    TypeError, ValueError
        Delta is not causal, not finite, or has fewer than 16 values.

    Notes
    -----
    `Impurity` checks the tail against the values, once the temperature is known.

    Examples
    --------
    >>> import numpy as np
    >>> w_n = np.pi / 10 * (2 * np.arange(64) + 1)
    >>> MatsubaraBath(0.25 / (1j * w_n - 0.5), moments=(0.25, 0.125))
    MatsubaraBath(64 frequencies, sum V**2 = 0.25)
    """

    Delta: ComplexArray
    moments: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        values = checks.array("Delta", self.Delta, dtype=np.complex128, ndim=1, frozen=True)
        object.__setattr__(self, "Delta", values)
        given = (
            checks.array("moments", self.moments, ndim=1, frozen=True) if len(self.moments) else ()
        )
        object.__setattr__(self, "moments", tuple(float(m) for m in given))
        if values.size < 16:
            raise ValueError(f"Delta needs at least 16 Matsubara frequencies, got {values.size}")
        limit = 1e-12 * float(np.max(np.abs(values)))
        if np.any(values.imag > limit):
            n = int(np.argmax(values.imag > limit))
            raise ValueError(
                f"Delta must have Im Delta <= 0 at positive frequencies, but Im Delta[{n}] = "
                f"{values[n].imag:g}; it would be acausal (is the sign convention "
                "Delta = sum V**2 / (iw - e)?)"
            )

    def __repr__(self) -> str:
        weight = f", sum V**2 = {self.moments[0]:.4g}" if self.moments else ""
        return f"MatsubaraBath({self.Delta.size} frequencies{weight})"

    @classmethod
    def own(cls, Delta: ComplexArray, moments: tuple[float, ...]) -> MatsubaraBath:
        """A bath made by a loop; the array is neither copied nor checked."""
        made = object.__new__(cls)
        Delta.setflags(write=False)
        made.__dict__.update(Delta=Delta, moments=moments)
        return made

    def function(self, beta: float) -> MatsubaraFunction:
        """Delta with its tail at inverse temperature `beta`; refused if they disagree."""
        if not np.any(self.Delta) and not any(self.moments):  # an isolated atom
            return MatsubaraFunction.own(self.Delta, beta, (0.0, 0.0, 0.0, 0.0))
        function = MatsubaraFunction.own(self.Delta, beta, self.moments)
        if function.moments[0] <= 0.0 or function.tail_error > 0.05:
            w_n = function.frequencies[-1]
            raise ValueError(
                f"the tail of Delta is wrong: at w_n = {w_n:g} it should be near "
                f"m_0 / iw = {function.moments[0] / w_n:g} / i, but Delta = {self.Delta[-1]:g}; "
                f"check that it belongs to beta = {beta:g}, and give more frequencies or `moments`"
            )
        return function


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
            self.bath.function(self.beta)
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
            known = function.moments
            if len(known) >= 4:
                return known[:4]
            e, w = gauss_poles(known[: 2 * (len(known) // 2)] or (known[0], 0.0))
            return (*known, *[float(np.sum(w * e**k)) for k in range(len(known), 4)])
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
            values = self.bath.Delta
            return bool(np.all(np.abs(values.real) <= 1e-9 * np.max(np.abs(values))))
        if isinstance(self.bath, DiscreteBath):
            iw = self.Delta().iw(32)
            return bool(np.all(np.abs(iw.real) <= 1e-12 * (np.max(np.abs(iw)) + 1e-300)))
        return self.bath.is_symmetric
