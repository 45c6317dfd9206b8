r"""Operators of an impurity and the bath orbital f_0, to write a Hamiltonian as on paper.

A :class:`Space` is a product of named factors: spin-1/2 fermion orbitals (:class:`Orbital`, four
states), spins of any size (:class:`Spin`, 2S+1 states) and boson modes (:class:`Boson`). Impurity
models put :data:`BATH`, the orbital of the metal next to the impurity, last; :data:`SECOND_BATH`
and :data:`THIRD_BATH` behind it are those of further channels. A space hands out
operators, which add, multiply and conjugate; each is an explicit matrix, real or complex.

===============================  ===============================================================
``space.c("d", "up")``           annihilator; ``cdag`` the creator
``space.n("d")``                 electrons, of one spin with ``space.n("d", "up")``
``space.hop("d", "f0")``         sum_s (d_s^+ f_0s + h.c.)
``space.S("d")``                 spin of an orbital or a spin: ``.z``, ``.plus``, ``.minus``, ``.x``
                                 and the imaginary ``.y``
``space.S()``                    total spin
``space.isospin("d")``           charge pseudo-spin
``space.b("w")``                 annihilator of a :class:`Boson`; ``.dag`` creates
``dot(a, b)``                    scalar product of two spins; spins add: ``a + b``
``cross(a, b)``                  vector product, as of Dzyaloshinskii and Moriya: ``cross(a, b).z``
``A + B``, ``2 * A``, ``A * B``  arithmetic; a number stands for that multiple of the identity;
                                 ``1j * A`` is imaginary
``A.dag``, ``A**2``              Hermitian conjugate, powers
===============================  ===============================================================

A user-defined impurity, a spin 1 with an easy plane that sits next to the metal:

>>> import kadanoff as kd
>>> space = Space([Spin("d", spin=1), BATH])
>>> S_d, S_0 = space.S("d"), space.S("f0")
>>> model = kd.ImpurityModel(
...     space, {"J": (0.3, dot(S_d, S_0)), "A": (0.01, S_d.z**2)}, observables={"S_z^2": S_d.z**2}
... )
>>> model
<ImpurityModel on d (spin 1) x f0: J=0.3, A=0.01>
>>> run = kd.nrg.solve(model, keep=300, T_min=1e-4, observables=["S_z^2"])
>>> run.symmetry
('U1', 'U1')

Conventions
-----------
Orbital states ``|0>, |up>, |dn>, |up dn> = c_up^+ c_dn^+ |0>``; spin states by falling S_z.
Fermions in the order of the factors (up before dn inside an orbital) with Jordan-Wigner strings;
spins carry no string. A spin is the triple (S_z, S_+, S_-) of real matrices, and

    a . b = a_z b_z + (a_+ b_- + a_- b_+) / 2.

The isospin (charge pseudo-spin) of an orbital with alternation sign s is

    I_z = (n - 1) / 2,    I_+ = s c_up^+ c_dn^+,    I_- = (I_+)^+.

A hopping between two orbitals conserves the total isospin exactly if their signs are opposite. The
bath orbital f_0 has s = +1, hence an orbital that hybridises with it has s = -1 (the default), and
one that is a further hop away s = +1. With other signs the result is the same, but less symmetry
can be used, which costs time.
"""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.impurities.models.local_spaces import (
    BATH,
    BATHS,
    SECOND_BATH,
    THIRD_BATH,
    Boson,
    Factor,
    Orbital,
    Spin,
    is_number,
    is_real,
)

__all__ = [
    "BATH",
    "SECOND_BATH",
    "THIRD_BATH",
    "Boson",
    "Operator",
    "Orbital",
    "Space",
    "Spin",
    "SpinVector",
    "bath_orbitals",
    "cross",
    "dot",
]

Sigma = Literal["up", "dn"]

MAX_DIMENSION = 1024  # a dense operator then takes 8 MB


def _checked_sigma(sigma: object) -> Sigma:
    return cast("Sigma", checks.choice("sigma", sigma, ("up", "dn")))


@public
@dataclass(frozen=True)
class SpinVector:
    """The components (S_z, S_+, S_-) of a spin, or (I_z, I_+, I_-) of an isospin.

    Spins add and multiply with numbers component by component, and unpack: ``z, plus, minus = S``.

    Parameters
    ----------
    z : Operator
        Component S_z, in units of hbar.
    plus, minus : Operator
        Ladder operators S_+ and S_-.

    Examples
    --------
    >>> space = Space((Spin("a"), Spin("b")))
    >>> total = space.S("a") + space.S("b")
    >>> total == space.S()
    True
    """

    __array_ufunc__ = None  # see Operator

    z: Operator
    plus: Operator
    minus: Operator

    @property
    def x(self) -> Operator:
        """``S_x = (S_+ + S_-) / 2``."""
        return (self.plus + self.minus) / 2

    @property
    def y(self) -> Operator:
        """``S_y = (S_+ - S_-) / 2i``, an imaginary matrix."""
        return -0.5j * (self.plus - self.minus)

    def __iter__(self) -> Iterator[Operator]:
        return iter((self.z, self.plus, self.minus))

    def __add__(self, other: SpinVector) -> SpinVector:
        if not isinstance(other, SpinVector):
            return NotImplemented
        return SpinVector(*(a + b for a, b in zip(self, other, strict=True)))

    def __neg__(self) -> SpinVector:
        return -1 * self

    def __sub__(self, other: SpinVector) -> SpinVector:
        return self + (-other)

    def __mul__(self, number: float) -> SpinVector:
        if isinstance(number, SpinVector):
            raise TypeError("the product of two spins is ambiguous; dot(a, b) is the scalar one")
        if not is_real(number):
            return NotImplemented
        return SpinVector(*(number * a for a in self))

    __rmul__ = __mul__


@public
class Operator:
    """An operator on a :class:`Space`, as a dense matrix, real or complex.

    Supports ``+``, ``-``, ``*`` (with numbers and operators), ``/`` (by numbers), ``**`` (whole
    powers) and ``.dag``. A number that is added stands for that multiple of the identity.
    Immutable, comparable and hashable; equality is that of every matrix element.

    Parameters
    ----------
    space : Space
        Space on which the operator acts.
    matrix : array_like of float or complex, shape (space.dimension, space.dimension)
        Matrix elements ``<i|O|j>`` in the product basis, finite. The matrix of the operator is real
        where no element has an imaginary part.

    Raises
    ------
    ValueError
        `matrix` is not finite, or its shape is not that of the space.
    TypeError
        `space` is not a Space, or `matrix` does not hold numbers.

    Examples
    --------
    >>> space = Space([Orbital("d")])
    >>> docc = Operator(space, np.diag([0.0, 0.0, 0.0, 1.0]))
    >>> docc == space.n("d", "up") * space.n("d", "dn")
    True
    """

    __slots__ = ("_hash", "matrix", "space")
    __array_ufunc__ = None  # numpy scalars on the left leave the arithmetic to this class

    space: Space
    matrix: NDArray[Any]
    _hash: int

    def __init__(self, space: Space, matrix: NDArray[np.generic]) -> None:
        if not isinstance(space, Space):
            raise TypeError(f"space must be a kadanoff.operators.Space, got {space!r}")
        shape = (space.dimension, space.dimension)
        if np.iscomplexobj(matrix):
            parts = np.asarray(matrix)
            array = checks.array("matrix", parts.real, shape=shape) + 1j * checks.array(
                "matrix", parts.imag, shape=shape
            )
        else:
            array = checks.array("matrix", matrix, shape=shape)
        self._fill(space, np.array(array, order="C"))

    @classmethod
    def _of(cls, space: Space, matrix: NDArray[Any]) -> Operator:
        """An operator from the result of an arithmetic operation, checked for overflow only."""
        new = object.__new__(cls)
        new._fill(space, np.array(matrix, order="C"))
        return new

    def _fill(self, space: Space, array: NDArray[Any]) -> None:
        if np.iscomplexobj(array) and not array.imag.any():
            array = np.ascontiguousarray(array.real)
        if not np.isfinite(array).all():
            raise ValueError("matrix has NaN or infinite elements")
        array += 0.0  # -0.0 becomes 0.0: equal matrices have equal bytes
        array.flags.writeable = False
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "matrix", array)
        object.__setattr__(self, "_hash", hash((space, array.tobytes())))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Operator is immutable, cannot set {name!r}")

    def __reduce__(self) -> tuple[type[Operator], tuple[Space, FloatArray]]:
        return Operator, (self.space, self.matrix)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Operator):
            return NotImplemented
        return (
            self._hash == other._hash
            and self.space == other.space
            and np.array_equal(self.matrix, other.matrix)
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        kind = "Hermitian operator" if self.is_hermitian else "operator"
        return f"<{kind} on {' x '.join(self.space.names)}, dimension {self.space.dimension}>"

    def __add__(self, other: Operator | complex) -> Operator:
        if isinstance(other, Operator):
            return Operator._of(self.space, self.matrix + self._same_space(other, "+").matrix)
        if not is_number(other):
            return NotImplemented
        return self + _finite(other) * self.space.identity

    __radd__ = __add__

    def __neg__(self) -> Operator:
        return Operator._of(self.space, -self.matrix)

    def __sub__(self, other: Operator | complex) -> Operator:
        if isinstance(other, Operator):
            return self + (-other)
        if not is_number(other):
            return NotImplemented
        return self + (-_finite(other))

    def __rsub__(self, other: complex) -> Operator:
        return (-self) + other

    def __mul__(self, other: Operator | complex) -> Operator:
        if isinstance(other, Operator):
            return Operator._of(self.space, self.matrix @ self._same_space(other, "*").matrix)
        if not is_number(other):
            return NotImplemented
        return Operator._of(self.space, _finite(other) * self.matrix)

    def __rmul__(self, other: complex) -> Operator:
        return self * other

    def __truediv__(self, other: complex) -> Operator:
        if not is_number(other):
            return NotImplemented
        return Operator._of(self.space, self.matrix / _finite(other))

    def __pow__(self, power: int) -> Operator:
        exponent = checks.whole("power", power, least=0)
        return Operator._of(self.space, np.linalg.matrix_power(self.matrix, exponent))

    @property
    def dag(self) -> Operator:
        """The Hermitian conjugate."""
        return Operator._of(self.space, self.matrix.conj().T)

    @property
    def is_hermitian(self) -> bool:
        """Whether O equals its conjugate to 1e-12 of its largest element."""
        difference = np.abs(self.matrix - self.matrix.conj().T).max()
        return bool(difference <= 1e-12 * np.abs(self.matrix).max())

    @property
    def is_real(self) -> bool:
        """Whether every matrix element is real, in the product basis."""
        return not np.iscomplexobj(self.matrix)

    def commutator(self, other: Operator) -> Operator:
        """``[self, other]``."""
        return self * other - other * self

    def _same_space(self, other: Operator, symbol: str) -> Operator:
        if other.space != self.space:
            raise ValueError(
                f"cannot form A {symbol} B: A acts on {self.space.factors}, B on "
                f"{other.space.factors}; take both operators from the same Space"
            )
        return other


@public
@dataclass(frozen=True)
class Space:
    """The Hilbert space of named orbitals and spins.

    Parameters
    ----------
    factors : sequence of Orbital, Spin or Boson
        Factors in the order of the tensor product. Impurity models put :data:`BATH` last.

    Raises
    ------
    ValueError
        There are no factors, two have the same name, or the dimension is above 1024.
    TypeError
        A factor is neither an Orbital, a Spin nor a Boson.

    Examples
    --------
    >>> space = Space((Spin("d", spin=1), BATH))
    >>> space.dimension
    12
    >>> exchange = dot(space.S("d"), space.S("f0"))
    >>> print(*np.unique(np.linalg.eigvalsh(exchange.matrix).round(12)))
    -1.0 0.0 0.5
    """

    factors: tuple[Factor, ...]

    def __init__(self, factors: Iterable[Factor]) -> None:
        given = tuple(factors)
        for factor in given:
            if not isinstance(factor, Factor):
                raise TypeError(f"factors must be Orbital, Spin or Boson objects, got {factor!r}")
        names = [factor.name for factor in given]
        if not names:
            raise ValueError("factors is empty; give at least one Orbital or Spin")
        if len(set(names)) < len(names):
            raise ValueError(f"factors must have different names, got {names}")
        object.__setattr__(self, "factors", given)
        if self.dimension > MAX_DIMENSION:
            raise ValueError(
                f"the space has {self.dimension} states, at most {MAX_DIMENSION} are allowed; "
                "treat part of it as the bath"
            )

    @property
    def baths(self) -> tuple[Orbital, ...]:
        """The bath orbitals at the end of the space: (BATH,), (BATH, SECOND_BATH), ..., or none."""
        for channels in range(len(BATHS), 0, -1):
            if self.factors[-channels:] == BATHS[:channels]:
                return BATHS[:channels]
        return ()

    def check_baths(self) -> None:
        """Refuse a space that does not end with the bath orbitals of one, two or three channels.

        Raises
        ------
        ValueError
            There is no bath orbital, or one stands before an impurity factor.
        """
        found, at_the_end = [f for f in self.factors if f in BATHS], self.baths
        if at_the_end and len(found) == len(at_the_end):
            return
        if not found:
            problem = f"its last factor is {self.factors[-1]!r}"
        elif BATH not in found:
            problem = "SECOND_BATH is the second channel of a model that has BATH"
        elif THIRD_BATH in found and SECOND_BATH not in found:
            problem = "THIRD_BATH is the third channel of a model that has SECOND_BATH"
        else:
            after = self.factors[self.factors.index(found[-1]) + 1 :]
            problem = f"got the order {', '.join(self.names)}"
            if after and found == list(BATHS):
                problem += "; a fourth channel is not supported"
            elif after and found == [BATH, SECOND_BATH]:
                problem += "; the third channel is kadanoff.operators.THIRD_BATH"
        raise ValueError(
            "the space of an impurity model ends with the bath orbital kadanoff.operators.BATH, "
            "Space([..., BATH]), for two channels with BATH, SECOND_BATH, for three with BATH, "
            f"SECOND_BATH, THIRD_BATH: {problem}"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors."""
        return tuple(factor.name for factor in self.factors)

    @property
    def dimension(self) -> int:
        """Number of states."""
        return math.prod(factor.dimension for factor in self.factors)

    @property
    def identity(self) -> Operator:
        """The unit operator."""
        return _identity(self)

    @property
    def parity(self) -> Operator:
        """Fermion parity (-1)^F; spins carry none."""
        return _parity(self)

    def c(self, name: str, sigma: Sigma) -> Operator:
        """Annihilator of a spin-`sigma` electron ("up" or "dn") in orbital `name`."""
        return _annihilator(self, self._orbital(name).name, _checked_sigma(sigma))

    def cdag(self, name: str, sigma: Sigma) -> Operator:
        """Creator of a spin-`sigma` electron ("up" or "dn") in orbital `name`."""
        return _creator(self, self._orbital(name).name, _checked_sigma(sigma))

    def n(self, name: str, sigma: Sigma | None = None) -> Operator:
        """Number of electrons in orbital `name`: of spin `sigma`, or of both."""
        if sigma is None:
            return _number(self, self._orbital(name).name)
        return self.cdag(name, sigma) * self.c(name, sigma)

    def hop(self, a: str, b: str) -> Operator:
        """``sum_s (a_s^+ b_s + h.c.)`` between two orbitals."""
        for name, orbital in (("a", a), ("b", b)):
            checks.choice(name, orbital, self.names)
        if a == b:
            raise ValueError(f"hop joins two different orbitals, got {a!r} twice; use n({a!r})")
        forward = self.cdag(a, "up") * self.c(b, "up") + self.cdag(a, "dn") * self.c(b, "dn")
        return forward + forward.dag

    def S(self, name: str | None = None) -> SpinVector:
        """Spin (S_z, S_+, S_-) of an orbital or a spin; without a name the total spin.

        A boson mode has none: its components are zero.
        """
        if name is None:
            return _total(self, Space.S)
        return _spin(self, self._factor(name).name)

    def isospin(self, name: str | None = None) -> SpinVector:
        """Isospin (I_z, I_+, I_-) of an orbital; without a name the total. Others carry none."""
        if name is None:
            return _total(self, Space.isospin)
        return _isospin(self, self._factor(name).name)

    def b(self, name: str) -> Operator:
        """Annihilator of the boson mode `name`; its conjugate ``.dag`` creates."""
        factor = self._factor(name)
        if not isinstance(factor, Boson):
            raise ValueError(f"{name!r} is no boson mode; use c({name!r}, sigma) or S({name!r})")
        return _boson(self, name)

    def _factor(self, name: str) -> Factor:
        return self.factors[self.names.index(checks.choice("name", name, self.names))]

    def _orbital(self, name: str) -> Orbital:
        factor = self._factor(name)
        if isinstance(factor, Spin):
            raise ValueError(f"{name!r} is a spin and holds no electrons; use S({name!r})")
        if isinstance(factor, Boson):
            raise ValueError(f"{name!r} is a boson mode and holds no electrons; use b({name!r})")
        return factor


@public
def bath_orbitals(space: Space) -> tuple[Orbital, ...]:
    """The bath orbitals at the end of a space.

    Parameters
    ----------
    space : Space
        Space of an impurity model.

    Returns
    -------
    tuple of Orbital
        ``(BATH,)``, ``(BATH, SECOND_BATH)``, ``(BATH, SECOND_BATH, THIRD_BATH)``, or none.

    Examples
    --------
    >>> bath_orbitals(Space([Spin("S"), BATH, SECOND_BATH])) == (BATH, SECOND_BATH)
    True
    """
    return space.baths


@public
def dot(a: SpinVector, b: SpinVector) -> Operator:
    """Scalar product ``a_z b_z + (a_+ b_- + a_- b_+) / 2`` of two spins.

    Parameters
    ----------
    a, b : SpinVector
        Spins on the same space, such as ``space.S("d")``.

    Returns
    -------
    Operator
        The scalar product, in units of hbar^2.

    Raises
    ------
    TypeError
        `a` or `b` is not a SpinVector.
    ValueError
        The spins belong to different spaces.

    Examples
    --------
    >>> space = Space([Spin("a"), Spin("b")])
    >>> print(np.linalg.eigvalsh(dot(space.S("a"), space.S("b")).matrix))  # singlet and triplet
    [-0.75  0.25  0.25  0.25]
    """
    for name, vector in (("a", a), ("b", b)):
        if not isinstance(vector, SpinVector):
            raise TypeError(f"{name} must be a spin such as space.S('d'), got {vector!r}")
    return a.z * b.z + (a.plus * b.minus + a.minus * b.plus) / 2


@public
def cross(a: SpinVector, b: SpinVector) -> SpinVector:
    """Vector product ``a x b`` of the spins of two factors.

    Parameters
    ----------
    a, b : SpinVector
        Spins of different factors of the same space: their components commute.

    Returns
    -------
    SpinVector
        ``z = a_x b_y - a_y b_x = i (a_+ b_- - a_- b_+) / 2``, an imaginary matrix, and
        ``plus = i (a_z b_+ - a_+ b_z)``.

    Raises
    ------
    TypeError
        `a` or `b` is not a SpinVector.
    ValueError
        The spins belong to different spaces, or their components do not commute.

    Notes
    -----
    ``D . (S_1 x S_2)`` is the interaction of Dzyaloshinskii and Moriya. For two spins that couple
    to nothing else it turns the exchange about its axis: with D along z and exchange J the levels
    are those of an exchange J along z and sqrt(J^2 + D^2) in the plane.

    Examples
    --------
    >>> space = Space([Spin("a"), Spin("b")])
    >>> a, b = space.S("a"), space.S("b")
    >>> H = 0.3 * dot(a, b) + 0.4 * cross(a, b).z
    >>> print(np.linalg.eigvalsh(H.matrix).round(3))
    [-0.325  0.075  0.075  0.175]
    """
    for name, vector in (("a", a), ("b", b)):
        if not isinstance(vector, SpinVector):
            raise TypeError(f"{name} must be a spin such as space.S('d'), got {vector!r}")
    if any(np.any(x.commutator(y).matrix) for x in a for y in b):
        raise ValueError("a and b must be the spins of two factors, whose components commute")
    plus = 1j * (a.z * b.plus - a.plus * b.z)
    return SpinVector(0.5j * (a.plus * b.minus - a.minus * b.plus), plus, plus.dag)


def _finite(value: complex) -> complex:
    """A finite number; real where it can be."""
    if is_real(value):
        return checks.real("number", value)
    number = complex(value)
    if not cmath.isfinite(number):
        raise ValueError(f"number must be finite, got {number}")
    return number


# Matrices, built once for each space.


@lru_cache(maxsize=64)
def _identity(space: Space) -> Operator:
    return Operator._of(space, np.eye(space.dimension))


@lru_cache(maxsize=64)
def _parity(space: Space) -> Operator:
    signs = [_STRING if isinstance(f, Orbital) else np.eye(f.dimension) for f in space.factors]
    return Operator._of(space, _product(signs))


@lru_cache(maxsize=256)
def _creator(space: Space, name: str, sigma: Sigma) -> Operator:
    return _embed(space, name, _CREATORS[sigma], fermionic=True)


@lru_cache(maxsize=256)
def _annihilator(space: Space, name: str, sigma: Sigma) -> Operator:
    return _creator(space, name, sigma).dag


@lru_cache(maxsize=256)
def _number(space: Space, name: str) -> Operator:
    return space.n(name, "up") + space.n(name, "dn")


@lru_cache(maxsize=256)
def _spin(space: Space, name: str) -> SpinVector:
    factor = space._factor(name)
    if isinstance(factor, Orbital):
        plus = space.cdag(name, "up") * space.c(name, "dn")
        return SpinVector((space.n(name, "up") - space.n(name, "dn")) / 2, plus, plus.dag)
    if isinstance(factor, Boson):
        zero = 0 * space.identity
        return SpinVector(zero, zero, zero)
    S = factor.spin
    m = S - np.arange(factor.dimension)
    raising = np.diag(np.sqrt((S - m[1:]) * (S + m[1:] + 1)), k=1)
    plus = _embed(space, name, raising)
    return SpinVector(_embed(space, name, np.diag(m)), plus, plus.dag)


@lru_cache(maxsize=64)
def _boson(space: Space, name: str) -> Operator:
    n = np.arange(1, space._factor(name).dimension)
    return _embed(space, name, np.diag(np.sqrt(n), k=1))


@lru_cache(maxsize=256)
def _isospin(space: Space, name: str) -> SpinVector:
    factor = space._factor(name)
    if not isinstance(factor, Orbital):
        zero = 0 * space.identity
        return SpinVector(zero, zero, zero)
    plus = factor.sign * (space.cdag(name, "up") * space.cdag(name, "dn"))
    return SpinVector((space.n(name) - 1) / 2, plus, plus.dag)


@lru_cache(maxsize=64)
def _total(space: Space, vector: Callable[[Space, str], SpinVector]) -> SpinVector:
    return reduce(operator.add, (vector(space, name) for name in space.names))


_STRING = np.diag([1.0, -1.0, -1.0, 1.0])
_UP = np.zeros((4, 4))
_UP[1, 0] = _UP[3, 2] = 1.0
_DN = np.zeros((4, 4))
_DN[2, 0] = 1.0
_DN[3, 1] = -1.0
_CREATORS: dict[Sigma, FloatArray] = {"up": _UP, "dn": _DN}


def _embed(space: Space, name: str, local: FloatArray, *, fermionic: bool = False) -> Operator:
    """Tensor product of `local` with identities, with the Jordan-Wigner string of a fermion."""
    position = space.names.index(name)
    parts = [np.eye(factor.dimension) for factor in space.factors]
    if fermionic:
        for i in range(position):
            if isinstance(space.factors[i], Orbital):
                parts[i] = _STRING
    parts[position] = local
    return Operator._of(space, _product(parts))


def _product(factors: Iterable[FloatArray]) -> FloatArray:
    return reduce(lambda a, b: np.asarray(np.kron(a, b)), factors)
