r"""Symmetries of an impurity model, detected by commutators with the Hamiltonian.

    [H_0, G] = 0    for G = Q, S_z, S_+ (spin SU(2)), I_+ (charge SU(2)), or a reflection

The commutators are those of explicit matrices with the whole H_0: terms whose commutators cancel
each other do not break a symmetry, and the terms that do are named.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import FloatArray
from kadanoff.impurities.models import Model, Term
from kadanoff.impurities.models.operators import Operator, Space

__all__ = ["SYMMETRIES", "Factor", "Symmetry", "broken_by", "largest_symmetry"]

Factor = Literal["U1", "SU2"]
Symmetry = tuple[Factor, Factor]

SYMMETRIES: tuple[Symmetry, ...] = (("SU2", "SU2"), ("U1", "SU2"), ("U1", "U1"))
"""The supported pairs of (charge, spin) factors, largest first."""

# Commutators are sums of a few products of O(1) numbers: anything above is a broken symmetry.
COMMUTATOR_TOLERANCE = 1e-12

BATH_ASYMMETRY = "band asymmetry (e_n)"
SECOND_CHANNEL = "the second channel (solved in U1 x U1 only)"


def largest_symmetry(
    model: Model, particle_hole_bath: bool = True, *, onsite: float = 0.0
) -> Symmetry:
    """The first of :data:`SYMMETRIES` that no term of the model breaks.

    Examples
    --------
    >>> from kadanoff.impurities.models import AndersonModel
    >>> largest_symmetry(AndersonModel(U=0.5, V=0.1))
    ('SU2', 'SU2')
    >>> largest_symmetry(AndersonModel(U=0.5, V=0.1, eps=-0.2))
    ('U1', 'SU2')
    """
    terms = checked_terms(model, onsite)
    for symmetry in SYMMETRIES:
        if not broken_terms(terms, symmetry, particle_hole_bath):
            return symmetry
    broken = broken_terms(terms, SYMMETRIES[-1], particle_hole_bath)
    raise ValueError(
        f"{_list(broken, terms)} does not conserve the charge Q and the spin S_z; every symmetry "
        "on offer needs both (rotate the axes so that S_z is conserved)"
    )


def broken_by(
    model: Model,
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
    return broken_terms(checked_terms(model, onsite), check_symmetry(symmetry), particle_hole_bath)


Generator = Literal["Q", "S_z", "spin SU2", "charge SU2", "spin", "charge"]


@lru_cache(maxsize=64)
def generator(space: Space, name: Generator) -> FloatArray:
    """Q and S_z; S_+ and I_+ (their conjugates follow for Hermitian terms); the reflections."""
    S, I = space.S(), space.isospin()  # noqa: E741
    match name:
        case "Q":
            return I.z.matrix
        case "S_z":
            return S.z.matrix
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
    """[operator, generator], or None if it vanishes."""
    G = generator(operator.space, name)
    C = operator.matrix @ G - G @ operator.matrix
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
    terms: tuple[Term, ...], symmetry: Symmetry, particle_hole_bath: bool
) -> tuple[str, ...]:
    generators: list[Generator] = ["Q", "S_z"]
    if symmetry[0] == "SU2":
        generators.append("charge SU2")
    if symmetry[1] == "SU2":
        generators.append("spin SU2")
    found = {term for name in generators for term in _breaking(terms, name)}
    bath = (BATH_ASYMMETRY,) if symmetry[0] == "SU2" and not particle_hole_bath else ()
    if len(terms[0][2].space.baths) > 1 and symmetry != ("U1", "U1"):
        bath = (*bath, SECOND_CHANNEL)
    return tuple(name for name, _, _ in terms if name in found) + bath


def reflection_names(
    terms: tuple[Term, ...], symmetry: Symmetry, particle_hole_bath: bool
) -> tuple[Literal["charge", "spin"], ...]:
    names: list[Literal["charge", "spin"]] = []
    if symmetry[0] == "U1" and particle_hole_bath and not _breaking(terms, "charge"):
        names.append("charge")
    if symmetry[1] == "U1" and not _breaking(terms, "spin"):
        names.append("spin")
    return tuple(names)


def checked_terms(model: Model, onsite: float) -> tuple[Term, ...]:
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


def check_symmetry(symmetry: Symmetry) -> Symmetry:
    if symmetry not in SYMMETRIES:
        raise ValueError(
            f"symmetry must be one of {', '.join(map(str, SYMMETRIES))}; got {symmetry!r}"
        )
    return symmetry


def explain(
    model: Model,
    symmetry: Symmetry,
    broken: tuple[str, ...],
    terms: tuple[Term, ...],
    onsite: float,
    particle_hole_bath: bool,
) -> str:
    largest = largest_symmetry(model, particle_hole_bath, onsite=onsite)
    return (
        f"symmetry {symmetry} is broken by {_list(broken, terms)}; "
        f"the largest symmetry of this model is {largest}"
    )


def _list(broken: tuple[str, ...], terms: tuple[Term, ...]) -> str:
    coefficients = {name: f"{name} (coefficient {value:g})" for name, value, _ in terms}
    return ", ".join(coefficients.get(name, name) for name in broken)
