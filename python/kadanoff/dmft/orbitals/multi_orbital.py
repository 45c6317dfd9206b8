"""Impurity problems of several orbitals."""

from __future__ import annotations

from collections.abc import Sequence
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
from kadanoff.dmft.problem import Bath, DiscreteBath, Impurity
from kadanoff.greens.grids import fermionic, inverse_temperature

__all__ = ["KINDS", "MAX_IMPURITY_ORBITALS", "MatrixBath", "OrbitalImpurity"]

KINDS = ("kanamori", "density")
MAX_IMPURITY_ORBITALS = 5
"""A d shell."""
MAX_SIZE = 1e30
"""Largest energy of an impurity of several orbitals: cubes of energies stay finite."""
ROUNDING = 1e-12


@public
@dataclass(frozen=True)
class MatrixBath:
    """Delta_ab(z) = sum_k V_ak V_bk / (z - e_k): levels that couple to several orbitals.

    Parameters
    ----------
    e : sequence of float, length K
        Energies of the levels, relative to the chemical potential.
    V : array of float, shape (M, K)
        Hybridisation of each of M orbitals with each level, in units of energy.

    Raises
    ------
    TypeError, ValueError
        The two are not arrays of finite numbers of these shapes.

    Notes
    -----
    Causal for any real V: the residue of each level is a matrix of rank one with non-negative
    eigenvalues.

    Examples
    --------
    >>> MatrixBath([-0.5, 0.5], [[0.3, 0.3], [0.3, -0.3]]).is_diagonal
    False
    """

    e: tuple[float, ...]
    V: tuple[tuple[float, ...], ...]

    def __init__(self, e: ArrayLike, V: ArrayLike) -> None:
        levels = checks.array("e", e, ndim=1)
        strengths = checks.array("V", V, ndim=2)
        if strengths.shape[1] != levels.size:
            raise ValueError(
                f"V must have one column for each of {levels.size} levels, got the shape "
                f"{strengths.shape}"
            )
        object.__setattr__(self, "e", tuple(levels.tolist()))
        object.__setattr__(self, "V", tuple(tuple(row) for row in strengths.tolist()))

    def __repr__(self) -> str:
        return f"MatrixBath({len(self.V)} orbitals, {len(self.e)} levels)"

    @property
    def is_diagonal(self) -> bool:
        """Whether every level couples to one orbital at most."""
        return bool(np.all(np.count_nonzero(np.array(self.V), axis=0) <= 1))

    def by_orbital(self) -> tuple[DiscreteBath, ...]:
        """The levels of each orbital, where none couples to two; lone ones go to the first."""
        e, V = np.array(self.e), np.array(self.V)
        owner = np.argmax(np.abs(V), axis=0)
        return tuple(DiscreteBath.own(e[owner == a], row[owner == a]) for a, row in enumerate(V))

    def of_orbital(self, a: int) -> DiscreteBath:
        """The levels that couple to one orbital."""
        V = np.array(self.V[a])
        return DiscreteBath.own(np.array(self.e)[V != 0.0], V[V != 0.0])


Baths: TypeAlias = "tuple[Bath, ...] | MatrixBath"


def half_filled_level(U: float, U_prime: float, J: float, orbitals: int) -> float:
    """The level of one electron per orbital in a symmetric bath."""
    return 0.0 - 0.5 * (U + (orbitals - 1) * (2.0 * U_prime - J))


@public
@dataclass(frozen=True)
class OrbitalImpurity:
    """Several interacting orbitals in a bath at inverse temperature beta.

    Parameters
    ----------
    U : float
        Repulsion of two electrons in one orbital, in any unit of energy.
    beta : float
        Inverse temperature, in the inverse of this unit.
    bath : DiscreteBath, MatsubaraBath or Band, a sequence of these, or MatrixBath
        The bath of each orbital, or one bath for all of them alike. An array of complex numbers is
        Delta(i w_n), of shape (N,) for all orbitals or (N, M) with a column for each. Levels that
        couple to several orbitals are a `MatrixBath`. A band hybridises with V = D/2, a table with
        V = 1, as in `Impurity`.
    orbitals : int
        Number M of orbitals, 1 to 5.
    U_prime : float, optional
        Repulsion of opposite spins in two orbitals; ``U - 2 J`` by default.
    J : float
        Hund's exchange: parallel spins in two orbitals repel each other by ``U_prime - J``.
    kind : {"kanamori", "density"}
        Full exchange, with spin flips and pair hopping of strength J, invariant under rotations of
        spin and orbitals; or its density-density part, of Ising type. Results of the two are not
        comparable: at J > 0 they are two models.
    eps : float or sequence of float, optional
        Level of all orbitals, or of each, relative to the chemical potential. By default
        ``-(U + (M - 1) (2 U_prime - J)) / 2``: half filling in a symmetric bath.
    hopping : array of float, shape (M, M), optional
        Hoppings between the orbitals, a symmetric matrix with a diagonal of zeros.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range; U_prime breaks the rotational invariance
        of "kanamori"; a matrix is not symmetric.

    Notes
    -----
    ``H = sum_as eps_a n_as + sum_abs t_ab c_as^+ c_bs + sum_a U n_a,up n_a,dn
    + U' sum_(a!=b) n_a,up n_b,dn + (U' - J) sum_(a<b,s) n_as n_bs`` and the bath; "kanamori" adds
    ``J sum_(a!=b) (c_a,up^+ c_a,dn^+ c_b,dn c_b,up - c_a,up^+ c_a,dn c_b,dn^+ c_b,up)`` [1]_.

    References
    ----------
    .. [1] A. Georges, L. de' Medici, J. Mravlje, Annu. Rev. Condens. Matter Phys. 4, 137 (2013),
           doi:10.1146/annurev-conmatphys-020911-125045, Eqs. 2 and 3.

    Examples
    --------
    >>> bath = DiscreteBath([-0.5, 0.5], [0.3, 0.3])
    >>> problem = OrbitalImpurity(U=4.0, beta=20, bath=bath, orbitals=2, J=1.0)
    >>> problem.U_prime, problem.eps
    (2.0, (-3.5, -3.5))
    """

    U: float
    beta: float
    bath: Baths
    orbitals: int = 2
    U_prime: float = None  # type: ignore[assignment]  # a float once it is made
    J: float = 0.0
    kind: str = "kanamori"
    eps: tuple[float, ...] = None  # type: ignore[assignment]  # likewise
    hopping: tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        M = checks.whole("orbitals", self.orbitals, most=MAX_IMPURITY_ORBITALS)
        put("orbitals", M)
        put("U", checks.real("U", self.U, least=-MAX_SIZE, most=MAX_SIZE))
        put("J", checks.real("J", self.J, least=-MAX_SIZE, most=MAX_SIZE))
        put("beta", inverse_temperature(self.beta))
        put("kind", checks.choice("kind", self.kind, KINDS))
        put("U_prime", self._checked_U_prime())
        put("eps", self._checked_levels())
        put("hopping", self._checked_hopping())
        put("bath", self._checked_baths())
        for a in range(M if isinstance(self.bath, tuple) else 0):
            self.of_orbital(a)  # its bath belongs to this temperature

    def _checked_U_prime(self) -> float:
        invariant = self.U - 2.0 * self.J
        if self.U_prime is None:
            return invariant
        given = checks.real("U_prime", self.U_prime, least=-MAX_SIZE, most=MAX_SIZE)
        size = max(abs(self.U), abs(self.J))
        if self.kind == "kanamori" and abs(given - invariant) > ROUNDING * size:
            raise ValueError(
                "U_prime must be U - 2 J for kind='kanamori', which is invariant under rotations "
                f"of the orbitals; got U_prime = {given:g} with U - 2 J = {invariant:g}; leave "
                "U_prime out, or take kind='density'"
            )
        return given

    def _checked_levels(self) -> tuple[float, ...]:
        if self.eps is None:
            level = half_filled_level(self.U, self.U_prime, self.J, self.orbitals)
            return (level,) * self.orbitals
        if np.ndim(self.eps) == 0:
            level = checks.real("eps", self.eps, least=-MAX_SIZE, most=MAX_SIZE)
            return (level,) * self.orbitals
        levels = checks.array("eps", self.eps, shape=(self.orbitals,))
        for level in levels:
            checks.real("eps", float(level), least=-MAX_SIZE, most=MAX_SIZE)
        return tuple(levels.tolist())

    def _checked_hopping(self) -> tuple[tuple[float, ...], ...] | None:
        if self.hopping is None:
            return None
        t = checks.array("hopping", self.hopping, shape=(self.orbitals, self.orbitals))
        size = float(np.max(np.abs(t), initial=0.0))
        if np.max(np.abs(t - t.T)) > ROUNDING * size:
            raise ValueError(
                "hopping must be symmetric: the Hamiltonian is not Hermitian otherwise"
            )
        if np.any(np.diag(t) != 0.0):
            raise ValueError("hopping must have a diagonal of zeros; levels belong to eps")
        return None if size == 0.0 else tuple(tuple(row) for row in (0.5 * (t + t.T)).tolist())

    def _checked_baths(self) -> Baths:
        given, M = self.bath, self.orbitals
        if isinstance(given, MatrixBath):
            if len(given.V) != M:
                raise ValueError(
                    f"bath must have V with one row for each of {M} orbitals, got {len(given.V)}"
                )
            if given.is_diagonal:
                return given.by_orbital()
            return given
        if isinstance(given, np.ndarray) and given.ndim == 2:
            if given.shape[1] != M:
                raise ValueError(
                    f"bath as Delta(i w_n) must have one column for each of {M} orbitals, got the "
                    f"shape {given.shape}"
                )
            given = tuple(np.ascontiguousarray(given[:, a]) for a in range(M))
        if isinstance(given, np.ndarray) and given.ndim > 2:
            raise ValueError(
                "bath as an array of matrices is not taken: give the diagonal, of shape (N, M), or "
                "levels that couple to several orbitals as a MatrixBath"
            )
        if not isinstance(given, Sequence):
            given = (given,) * M
        if len(given) != M:
            raise ValueError(f"bath must be one, or one for each of {M} orbitals, got {len(given)}")
        parts = [Impurity(0.0, self.beta, bath, 0.0) for bath in given]  # checks it
        return tuple(part.bath for part in parts)

    def __repr__(self) -> str:
        eps = ", ".join(f"{x:.6g}" for x in dict.fromkeys(self.eps))
        return (
            f"OrbitalImpurity({self.orbitals} orbitals, {self.kind}, U={self.U:g}, "
            f"U_prime={self.U_prime:g}, J={self.J:g}, beta={self.beta:g}, eps={eps})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            name: getattr(self, name)
            for name in ("orbitals", "kind", "U", "U_prime", "J", "beta", "eps", "hopping")
        }
        return table("OrbitalImpurity", {**rows, "bath": repr(self.bath)})

    @property
    def is_diagonal(self) -> bool:
        """Whether neither hoppings nor the bath mix the orbitals: G and Sigma are diagonal."""
        return self.hopping is None and isinstance(self.bath, tuple)

    @property
    def is_rotational(self) -> bool:
        """Whether H is invariant under rotations of the spin."""
        return self.kind == "kanamori" or self.J == 0.0 or self.orbitals == 1

    @property
    def is_isolated(self) -> bool:
        """Whether Delta vanishes."""
        if isinstance(self.bath, MatrixBath):
            return False
        return all(self.of_orbital(a).is_isolated for a in range(self.orbitals))

    @cached_property
    def is_half_filled(self) -> bool:
        """Whether particles and holes are equivalent: one electron per orbital."""
        level = half_filled_level(self.U, self.U_prime, self.J, self.orbitals)
        size = max(abs(self.U), abs(self.J), *(abs(x) for x in self.eps))
        near = all(abs(x - level) <= ROUNDING * size for x in self.eps)
        if not (near and self.is_diagonal):
            return False
        return all(
            Impurity(0.0, self.beta, bath, 0.0).is_half_filled
            for bath in self.bath  # type: ignore[union-attr]
        )

    def of_orbital(self, a: int) -> Impurity:
        """One orbital with its level, its bath and U, without the others.

        Parameters
        ----------
        a : int
            Index of the orbital.

        Returns
        -------
        Impurity
            The orbital alone; the baths of a `MatrixBath` are its levels that couple to it.
        """
        bath = self.bath.of_orbital(a) if isinstance(self.bath, MatrixBath) else self.bath[a]
        if isinstance(bath, Band):
            return Impurity(self.U, self.beta, bath, self.eps[a])
        return Impurity.own(self.U, self.beta, bath, self.eps[a])

    @cached_property
    def equivalent(self) -> tuple[int, ...]:
        """For each orbital the first one with the same level and bath, and the same functions."""
        if not self.is_diagonal:
            return tuple(range(self.orbitals))
        keys = list(zip(self.eps, self.bath, strict=True))  # type: ignore[arg-type]
        return tuple(keys.index(key) for key in keys)

    @cached_property
    def one_body(self) -> FloatArray:
        """Levels and hoppings of the orbitals, shape (M, M)."""
        t = np.zeros((self.orbitals,) * 2) if self.hopping is None else np.array(self.hopping)
        return np.asarray(t + np.diag(self.eps))

    @public
    def Delta_iw(self, frequencies: int) -> ComplexArray:
        """The hybridisation matrix at the first Matsubara frequencies.

        Parameters
        ----------
        frequencies : int
            Their number N.

        Returns
        -------
        array of complex, shape (N, M, M)
            Delta_ab(i w_n), an energy.

        Raises
        ------
        ValueError, TypeError
            `frequencies` is not a positive integer.

        Examples
        --------
        >>> bath = MatrixBath([0.0], [[0.3], [0.4]])
        >>> problem = OrbitalImpurity(U=1.0, beta=10, bath=bath)
        >>> problem.Delta_iw(16).shape
        (16, 2, 2)
        """
        count = checks.whole("frequencies", frequencies)
        z = 1j * fermionic(self.beta, count)
        if isinstance(self.bath, MatrixBath):
            V = np.array(self.bath.V)
            poles = 1.0 / (z[:, None] - np.array(self.bath.e))
            return np.asarray(np.einsum("ak,nk,bk->nab", V, poles, V))
        found = np.zeros((count, self.orbitals, self.orbitals), dtype=np.complex128)
        for a in range(self.orbitals):
            found[:, a, a] = self.of_orbital(a).Delta().at_first(count)
        return found

    @public
    def G0_iw(self, frequencies: int) -> ComplexArray:
        """The Weiss field ``(i w_n - eps - t - Delta(i w_n))^-1``, a matrix of the orbitals.

        Parameters
        ----------
        frequencies : int
            Number N of Matsubara frequencies.

        Returns
        -------
        array of complex, shape (N, M, M)
            The Green function without interaction, an inverse energy.

        Raises
        ------
        ValueError, TypeError
            `frequencies` is not a positive integer.

        Examples
        --------
        >>> bath = DiscreteBath([0.0], [0.3])
        >>> problem = OrbitalImpurity(U=0.0, beta=10, bath=bath, hopping=[[0, 0.2], [0.2, 0]])
        >>> np.allclose(problem.G0_iw(4)[:, 0, 1], problem.G0_iw(4)[:, 1, 0])
        True
        """
        Delta = self.Delta_iw(frequencies)
        z = 1j * fermionic(self.beta, len(Delta))
        inverse = np.linalg.inv(z[:, None, None] * np.eye(self.orbitals) - self.one_body - Delta)
        return np.asarray(inverse, dtype=np.complex128)

    @cached_property
    def repulsion(self) -> FloatArray:
        """Repulsion of two flavours (orbital a, spin s) at ``2 a + s``, shape (2 M, 2 M)."""
        flavours = [(a, s) for a in range(self.orbitals) for s in range(2)]
        found = np.zeros((len(flavours),) * 2)
        for i, (a, s) in enumerate(flavours):
            for j, (b, r) in enumerate(flavours):
                if i == j:
                    continue
                if a == b:
                    found[i, j] = self.U
                else:
                    found[i, j] = self.U_prime - (self.J if s == r else 0.0)
        return found
