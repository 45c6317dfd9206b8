r"""Symmetries of an impurity model, detected by commutators with the Hamiltonian.

    [H_0, G] = 0    for G = Q, S_z, S_+ (spin SU(2)), I_+ (charge SU(2)), or a reflection

A pairing breaks the charge Q, and its parity is left ("Z2"); a transverse anisotropy breaks S_z up
to multiples of 2 ("Z2" for the spin), fields along two axes break it altogether ("none"). Two
channels add a third factor: the difference of their charges ("U1"), or the rotations of one channel
into the other ("SU2"). Which channel an orbital of the impurity belongs to follows from H_0: the
weights a_i of ``N_f0 - N_g0 + sum_i a_i n_i`` solve the linear equations that this charge commutes
with H_0.

The commutators are those of explicit matrices with the whole H_0: terms whose commutators cancel
each other do not break a symmetry, and the terms that do are named.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import FloatArray
from kadanoff.impurities.models import Term
from kadanoff.impurities.models.operators import Operator, Orbital, Space

__all__ = [
    "ONE_CHANNEL",
    "SYMMETRIES",
    "THREE_CHANNELS",
    "TWO_CHANNELS",
    "Factor",
    "Seed",
    "Symmetry",
    "broken_by",
    "largest_symmetry",
    "orders",
    "smaller_symmetries",
]


class Seed(Protocol):
    """Those parts of a model that its symmetry and its initial cluster follow from."""

    @property
    def space(self) -> Space:
        """Impurity factors first, then the bath orbital(s)."""

    @property
    def observables(self) -> dict[str, Operator]:
        """Operators with a name."""

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0, each as (name, coefficient, operator)."""


Factor = Literal["U1", "SU2", "Z2", "none"]
Symmetry = tuple[Factor, ...]

SYMMETRIES: tuple[Symmetry, ...] = (("SU2", "SU2"), ("U1", "SU2"), ("U1", "U1"))
"""The pairs of (charge, spin) factors of models that conserve charge and S_z, largest first."""

_BROKEN: tuple[Symmetry, ...] = (
    ("Z2", "SU2"),
    ("U1", "Z2"),
    ("U1", "none"),
    ("Z2", "U1"),
    ("Z2", "Z2"),
    ("Z2", "none"),
)

ONE_CHANNEL: tuple[Symmetry, ...] = (*SYMMETRIES, *_BROKEN)
"""The pairs of (charge, spin) factors of one channel, largest first."""

TWO_CHANNELS: tuple[Symmetry, ...] = (
    ("U1", "SU2", "SU2"),
    ("U1", "SU2", "U1"),
    ("U1", "SU2"),
    ("U1", "U1", "U1"),
    ("U1", "U1"),
    *_BROKEN,
)
"""The (charge, spin) or (charge, spin, channel) factors of two channels, largest first."""

THREE_CHANNELS: tuple[Symmetry, ...] = (("U1", "SU2"), ("U1", "U1"), *_BROKEN)
"""The (charge, spin) factors of three channels, largest first."""

# Commutators are sums of a few products of O(1) numbers: anything above is a broken symmetry.
COMMUTATOR_TOLERANCE = 1e-12

BATH_ASYMMETRY = "band asymmetry (e_n)"
SECOND_CHANNEL = "the second channel (together they have no charge SU2)"
NO_CHANNELS = "the impurity, which mixes the channels"
UNEQUAL = {"spin": "bands that differ for the two spins", "channel": "channels that differ"}


def orders(symmetry: Symmetry) -> tuple[int | None, ...]:
    """Orders of the cyclic factors, None for U1 and SU2: labels count modulo the order.

    Examples
    --------
    >>> orders(("Z2", "SU2")), orders(("U1", "Z2")), orders(("U1", "none"))
    ((2, None), (None, 4), (None, 1))
    """
    # 2 S_z is even or odd with the charge: modulo 4, what is left is S_z modulo 2.
    known: dict[str, int] = {"none": 1}
    return tuple(known.get(f, 2 * (i + 1) if f == "Z2" else None) for i, f in enumerate(symmetry))


def candidates(space: Space) -> tuple[Symmetry, ...]:
    """The symmetries that a model on this space may have, largest first."""
    if len(space.baths) > 2:
        return THREE_CHANNELS
    return ONE_CHANNEL if len(space.baths) < 2 else TWO_CHANNELS


def smaller_symmetries(space: Space, symmetry: Symmetry) -> tuple[Symmetry, ...]:
    """The symmetry itself and those that are smaller."""
    found = candidates(space)
    return found[found.index(symmetry) :]


def largest_symmetry(
    model: Seed,
    particle_hole_bath: bool = True,
    *,
    onsite: float = 0.0,
    unequal: frozenset[str] = frozenset(),
) -> Symmetry:
    """The first of :data:`ONE_CHANNEL` or :data:`TWO_CHANNELS` that no term of the model breaks.

    `unequal` names what the bands distinguish, "spin" or "channel".

    Examples
    --------
    >>> from kadanoff.impurities.models import AndersonModel
    >>> largest_symmetry(AndersonModel(U=0.5, V=0.1))
    ('SU2', 'SU2')
    >>> largest_symmetry(AndersonModel(U=0.5, V=0.1, eps=-0.2))
    ('U1', 'SU2')
    """
    terms = checked_terms(model, onsite)
    for symmetry in candidates(model.space):
        if not broken_terms(terms, symmetry, particle_hole_bath, unequal):
            return symmetry
    broken = broken_terms(terms, ("Z2", "none"), particle_hole_bath)
    raise ValueError(
        f"{_list(broken, terms)} does not conserve the parity of the number of electrons; every "
        "term of a Hamiltonian has an even number of fermion operators"
    )


def broken_by(
    model: Seed,
    symmetry: Symmetry,
    *,
    onsite: float = 0.0,
    particle_hole_bath: bool = True,
) -> tuple[str, ...]:
    """Names of the terms that break `symmetry`; empty if it is a symmetry.

    The commutator of the whole H_0 with each generator decides, so that terms which cancel each
    other are not listed.

    Examples
    --------
    >>> from kadanoff.impurities.models import KondoModel
    >>> broken_by(KondoModel(J=0.2, W=0.1, field=1e-3), ("SU2", "SU2"))
    ('W (n_0 - 1)', 'field S_z')
    """
    symmetry = check_symmetry(symmetry, model.space)
    return broken_terms(checked_terms(model, onsite), symmetry, particle_hole_bath)


Generator = Literal[
    "Q", "S_z", "spin SU2", "charge SU2", "spin", "charge", "parity of Q", "parity of S_z"
]


@lru_cache(maxsize=64)
def generator(space: Space, name: Generator) -> FloatArray:
    """Q and S_z; S_+ and I_+ (their conjugates follow for Hermitian terms); the reflections."""
    S, I = space.S(), space.isospin()  # noqa: E741
    match name:
        case "Q":
            return I.z.matrix
        case "S_z":
            return S.z.matrix
        case "parity of Q":
            return np.diag(np.rint(2 * np.diag(I.z.matrix)) % 2)
        case "parity of S_z":
            return np.diag(np.rint(2 * np.diag(S.z.matrix)) % 4)
        case "spin SU2":
            return S.plus.matrix
        case "charge SU2":
            return I.plus.matrix
        case "spin" | "charge":
            J = S if name == "spin" else I
            # exp(-i pi J_y), 2i J_y = J_+ - J_-; a signed permutation in the product basis
            m, states = np.linalg.eigh(-0.5j * (J.plus.matrix - J.minus.matrix))
            rotation = (states * np.exp(-1j * math.pi * m)) @ states.conj().T
            return np.asarray(np.rint(rotation.real))


@lru_cache(maxsize=256)
def _commutator(operator: Operator, name: Generator) -> FloatArray | None:
    """[operator, generator], or None if it vanishes.

    Of a complex operator and a reflection, followed by complex conjugation: the reversal of time.
    """
    G = generator(operator.space, name)
    X = operator.matrix
    C = X @ G - G @ (X.conj() if name in ("spin", "charge") else X)
    scale = np.abs(operator.matrix).max() * np.abs(G).max()
    return C if np.abs(C).max() > COMMUTATOR_TOLERANCE * scale else None


def _breaking(terms: tuple[Term, ...], name: Generator) -> list[str]:
    """Terms that take part in a commutator of the sum with the generator that does not vanish."""
    found = [
        (term, coefficient, C)
        for term, coefficient, operator in terms
        if coefficient != 0 and (C := _commutator(operator, name)) is not None
    ]
    if not found:
        return []
    unit = max(abs(coefficient) for _, coefficient, _ in found)  # squares must not underflow
    parts = [(term, coefficient / unit * C) for term, coefficient, C in found]
    total = sum(C for _, C in parts)
    if np.linalg.norm(total) <= COMMUTATOR_TOLERANCE * max(np.linalg.norm(C) for _, C in parts):
        return []
    # terms that cancel each other have no overlap with the remaining commutator
    guilty = [term for term, C in parts if abs(np.vdot(C, total)) > 1e-8 * np.vdot(C, C)]
    return guilty or [term for term, _ in parts]


def broken_terms(
    terms: tuple[Term, ...],
    symmetry: Symmetry,
    particle_hole_bath: bool,
    unequal: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    charges: dict[Factor, list[Generator]] = {
        "SU2": ["Q", "charge SU2"],
        "U1": ["Q"],
        "Z2": ["parity of Q"],
    }
    spins: dict[Factor, list[Generator]] = {
        "SU2": ["S_z", "spin SU2"],
        "U1": ["S_z"],
        "Z2": ["parity of S_z"],
        "none": [],
    }
    generators = charges[symmetry[0]] + spins[symmetry[1]]
    found = {term for name in generators for term in _breaking(terms, name)}
    bath = (BATH_ASYMMETRY,) if symmetry[0] == "SU2" and not particle_hole_bath else ()
    if len(terms[0][2].space.baths) > 1 and symmetry[0] == "SU2":
        bath = (*bath, SECOND_CHANNEL)
    if symmetry[1] == "SU2" and "spin" in unequal:
        bath = (*bath, UNEQUAL["spin"])
    if len(symmetry) > 2:
        if symmetry[2] == "SU2" and "channel" in unequal:
            bath = (*bath, UNEQUAL["channel"])
        elif not _has_channels(terms, symmetry[2]):
            bath = (*bath, NO_CHANNELS)
    return tuple(name for name, _, _ in terms if name in found) + bath


def _has_channels(terms: tuple[Term, ...], factor: Factor) -> bool:
    """Whether the channels keep their charges, and with SU2 may be rotated into each other."""
    found = channel_weights(terms)
    if found is None:
        return False
    if factor == "U1":
        return True
    raising = channel_raising(terms[0][2].space, found)
    H = sum(coefficient * operator.matrix for _, coefficient, operator in terms)
    C = H @ raising - raising @ H
    return bool(np.abs(C).max() <= COMMUTATOR_TOLERANCE * max(float(np.abs(H).max()), 1e-300))


def channel_weights(terms: tuple[Term, ...]) -> tuple[int, ...] | None:
    """Weights of all orbitals in the difference of the charges of two channels, or None.

    Those of f_0 and g_0 are 1 and -1.
    """
    space = terms[0][2].space
    orbitals = tuple(factor.name for factor in space.factors if isinstance(factor, Orbital))
    H = sum(coefficient * operator.matrix for _, coefficient, operator in terms)
    size = float(np.abs(H).max())
    if size == 0:
        return (*(0 for _ in orbitals[:-2]), 1, -1)
    # H_ab (n_b - n_a) for every orbital: the commutator with a diagonal matrix.
    rows, columns = np.nonzero(np.abs(H) > COMMUTATOR_TOLERANCE * size)
    n = np.array([np.diag(space.n(name).matrix) for name in orbitals])
    changes = (n[:, columns] - n[:, rows]).T
    changes = np.unique(changes, axis=0)
    target = changes[:, -1] - changes[:, -2]
    solved = np.linalg.lstsq(changes[:, :-2], target, rcond=None)[0]
    weights = np.rint(solved)
    if np.abs(changes[:, :-2] @ weights - target).max(initial=0.0) > 0.5:
        return None
    return (*(int(a) for a in weights), 1, -1)


@lru_cache(maxsize=16)
def channel_raising(space: Space, weights: tuple[int, ...]) -> FloatArray:
    """``sum c_a^+ c_b`` from the orbitals b of the second channel to those of the first."""
    orbitals = tuple(factor.name for factor in space.factors if isinstance(factor, Orbital))
    first = [name for name, a in zip(orbitals, weights, strict=True) if a == 1]
    second = [name for name, a in zip(orbitals, weights, strict=True) if a == -1]
    pairs = zip(first, second, strict=False)
    found: FloatArray = np.sum(
        [
            (space.cdag(a, sigma) * space.c(b, sigma)).matrix
            for a, b in pairs
            for sigma in ("up", "dn")
        ],
        axis=0,
    )
    return found


def reflection_names(
    terms: tuple[Term, ...], symmetry: Symmetry, particle_hole_bath: bool
) -> tuple[Literal["charge", "spin"], ...]:
    names: list[Literal["charge", "spin"]] = []
    if not is_native(symmetry, len(terms[0][2].space.baths)):
        return ()
    if symmetry[0] == "U1" and particle_hole_bath and not _breaking(terms, "charge"):
        names.append("charge")
    if symmetry[1] == "U1" and not _breaking(terms, "spin"):
        names.append("spin")
    return tuple(names)


def is_native(symmetry: Symmetry, bands: int) -> bool:
    """Whether the compiled core knows the sites of the chain by itself."""
    if len(symmetry) > 2 or not set(symmetry) <= {"U1", "SU2"}:
        return False
    return bands == 1 or (bands == 2 and symmetry == ("U1", "U1"))


def checked_terms(model: Seed, onsite: float) -> tuple[Term, ...]:
    """The model's terms and e_0 n_0, checked."""
    space = model.space
    space.check_baths()
    baths = space.baths
    terms = model.terms()
    for name, coefficient, operator in terms:
        if not math.isfinite(coefficient):
            raise ValueError(f"coefficient of {name!r} must be finite, got {coefficient!r}")
        if not _is_hermitian(operator):
            raise ValueError(f"the term {name!r} is not Hermitian; add its conjugate, O + O.dag")
    e_0 = checks.real("onsite", onsite)
    if e_0 != 0:
        terms = (*terms, *(("e_0 n_0", e_0, space.n(f.name)) for f in baths))
    return terms


@lru_cache(maxsize=512)
def _is_hermitian(operator: Operator) -> bool:
    return operator.is_hermitian


def check_symmetry(symmetry: Symmetry, space: Space) -> Symmetry:
    known = candidates(space)
    if symmetry not in known:
        raise ValueError(f"symmetry must be one of {', '.join(map(str, known))}; got {symmetry!r}")
    return symmetry


def explain(
    model: Seed,
    symmetry: Symmetry,
    broken: tuple[str, ...],
    terms: tuple[Term, ...],
    onsite: float,
    particle_hole_bath: bool,
    unequal: frozenset[str] = frozenset(),
) -> str:
    largest = largest_symmetry(model, particle_hole_bath, onsite=onsite, unequal=unequal)
    return (
        f"symmetry {symmetry} is broken by {_list(broken, terms)}; "
        f"the largest symmetry of this model is {largest}"
    )


def _list(broken: tuple[str, ...], terms: tuple[Term, ...]) -> str:
    coefficients = {name: f"{name} (coefficient {value:g})" for name, value, _ in terms}
    return ", ".join(coefficients.get(name, name) for name in broken)
