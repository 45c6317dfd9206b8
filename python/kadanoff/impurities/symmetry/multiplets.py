r"""From an impurity model to symmetry multiplets and reduced matrix elements, numerically.

A symmetry is a pair of factors (charge, spin), for two channels also a triple (charge, spin,
channel), that label a multiplet by

    charge  "U1": Q = electrons - half filling     "SU2": 2I (isospin)   "Z2": Q modulo 2
    spin    "U1": 2 S_z                            "SU2": 2S             "Z2": 2 S_z modulo 4
    channel "U1": electrons of the first minus     "SU2": 2T, rotations
                  those of the second channel             of the channels

and spin "none" by 0.

Reduced matrix elements follow Edmonds in every SU2 factor,

    <j'm'|T^k_q|jm> = (-1)^(j'-m') (j' k j; -m' q m) <j'||T^k||j>,

and another factor contributes its selection rule and the number 1. The tensor is f_0^+: both spin
components are channels, and one doublet (f_up^+, f_dn^+) under spin SU2; under charge SU2 its lower
isospin component is [I_-, f_q^+], under channel SU2 its lower channel component [T_-, f_q^+].

Method: highest-weight states are the kernel of the total S_+ (and I_+) in each (Q, S_z) sector;
S_- and I_- generate the other members with Condon-Shortley phases; one non-vanishing component
gives each reduced element (Wigner-Eckart). All this depends on the space only and is cached; a
change of the model's parameters costs one small diagonalisation and a rotation for each block.

References
----------
A. R. Edmonds, Angular Momentum in Quantum Mechanics (Princeton, 1957), Eqs. 3.6.10 and 5.4.1.
H. R. Krishna-murthy, J. W. Wilkins, K. G. Wilson, Phys. Rev. B 21, 1003 (1980),
doi:10.1103/PhysRevB.21.1003, appendix B.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from kadanoff._base.types import BoolArray, FloatArray, IntArray
from kadanoff.impurities.models.operators import Operator, Orbital, Space
from kadanoff.impurities.symmetry.detection import (
    SYMMETRIES,
    Seed,
    Symmetry,
    broken_by,
    broken_terms,
    channel_raising,
    channel_weights,
    check_symmetry,
    checked_terms,
    explain,
    generator,
    largest_symmetry,
    orders,
    reflection_names,
)
from kadanoff.impurities.symmetry.wigner import wigner_eckart

__all__ = [
    "SYMMETRIES",
    "InitialCluster",
    "Symmetry",
    "broken_by",
    "initial_cluster",
    "largest_symmetry",
]

Element = tuple[int, int, FloatArray]
Reflected = tuple[int, FloatArray]

# Non-zero singular values of S_+ and I_+ inside a sector are sqrt(integers).
KERNEL_TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class InitialCluster:
    r"""Impurity and f_0 in multiplets, the start of the iteration.

    Attributes
    ----------
    symmetry : tuple of str
        The (charge, spin) factors, and for two channels the channel factor.
    labels : int array, shape (nblocks, factors)
        (Q or 2I, 2 S_z or 2S, ...) of each block, in ascending order.
    odd : bool array, shape (nblocks,)
        Fermion parity: whether the number of fermions is odd.
    energies : tuple of arrays, shape (m,)
        Eigenvalues of H_0 in each block, absolute units, ascending; the other matrices are in
        this eigenbasis.
    hopping : tuple over channels of tuples of (i, j, matrix)
        ``<block i || f_0^+ || block j>``, shape (m_i, m_j).
    operators : tuple over operators of tuples over blocks of arrays, shape (m, m)
        Projection onto scalars, ``O_ab = (1/dim) sum_m <a m|O|b m>``.
    reflections : tuple over generators of tuples over blocks of (target, matrix)
        ``G |block, i> = sum_j matrix[j, i] |target, j>`` for the discrete reflections of the U1
        factors that are symmetries: charge ``exp(-i pi I_y)``, then spin ``exp(-i pi S_y)``.
    operator_names, reflection_names : tuple of str
        Names parallel to `operators` and `reflections`.
    vectors : tuple of arrays, shape (m, m)
        The eigenvectors that `energies` belong to, in the multiplet basis of the bare space.
    weights : tuple of int or None
        With a channel factor the weight of every orbital in the difference of the charges.
    """

    symmetry: Symmetry
    labels: IntArray
    odd: BoolArray
    energies: tuple[FloatArray, ...]
    hopping: tuple[tuple[Element, ...], ...]
    operators: tuple[tuple[FloatArray, ...], ...]
    reflections: tuple[tuple[Reflected, ...], ...]
    operator_names: tuple[str, ...]
    reflection_names: tuple[str, ...]
    vectors: tuple[FloatArray, ...]
    weights: tuple[int, ...] | None = None

    def __repr__(self) -> str:
        multiplets = sum(len(e) for e in self.energies)
        kind = "x".join(self.symmetry)
        return f"InitialCluster({multiplets} multiplets in {len(self.labels)} blocks, {kind})"

    @property
    def bands(self) -> int:
        """Number of chains, one per bath orbital."""
        spins = 1 if self.symmetry[1] == "SU2" else 2
        return self.channels // spins * (2 if self.symmetry[2:] == ("SU2",) else 1)

    @property
    def channels(self) -> int:
        """Number of hopping tensors."""
        return len(self.hopping)

    @property
    def multiplicity(self) -> IntArray:
        """Number of states in one multiplet of each block, ``(2I+1) (2S+1)``; shape (nblocks,)."""
        su2 = np.array([factor == "SU2" for factor in self.symmetry])
        sizes: IntArray = np.where(su2, self.labels + 1, 1).prod(axis=1)
        return sizes


def initial_cluster(
    model: Seed,
    symmetry: Symmetry,
    *,
    observables: Iterable[str] | Mapping[str, Operator] = (),
    onsite: float = 0.0,
    particle_hole_bath: bool = True,
    unequal: frozenset[str] = frozenset(),
) -> InitialCluster:
    """Multiplets of ``H_0 = H_imp + onsite * n_0`` and the reduced matrix elements of f_0^+.

    Parameters
    ----------
    model : Model
        The impurity with f_0.
    symmetry : tuple of str
        One of those in `kadanoff.impurities.symmetry.detection`; it must be a symmetry of the
        model, see :func:`broken_by`.
    observables : names, or mapping from names to operators
        Names refer to ``model.observables``.
    onsite : float
        Energy e_0 of f_0.
    particle_hole_bath : bool
        Whether the rest of the chain is particle-hole symmetric (all e_n = 0).
    unequal : frozenset of str
        What the bands distinguish: "spin", "channel".

    Returns
    -------
    InitialCluster
        Blocks, energies and reduced matrix elements in the eigenbasis of H_0.

    Raises
    ------
    ValueError
        The symmetry is unknown or broken (the message names the terms), or an observable is
        unknown, changes the fermion parity or acts on another space.

    Examples
    --------
    >>> from kadanoff.impurities.models import KondoModel
    >>> start = initial_cluster(KondoModel(J=0.4), ("U1", "SU2"), observables=["S_d.S_0"])
    >>> [(label, block.tolist()) for label, block in zip(start.labels.tolist(), start.energies)]
    [([-1, 1], [0.0]), ([0, 0], [-0.3]), ([0, 2], [0.1]), ([1, 1], [0.0])]
    >>> print(start.operators[0][1].round(12))
    [[-0.75]]
    """
    check_symmetry(symmetry, model.space)
    terms = checked_terms(model, onsite)
    if broken := broken_terms(terms, symmetry, particle_hole_bath, unequal):
        raise ValueError(
            explain(model, symmetry, broken, terms, onsite, particle_hole_bath, unequal)
        )
    named = _observables(model, observables)

    weights = channel_weights(terms) if len(symmetry) > 2 else None
    frame = multiplet_basis(model.space, symmetry, weights)
    coefficients = np.array([coefficient for _, coefficient, _ in terms])
    projections = np.array([_projection(frame, operator) for _, _, operator in terms])
    energies, vectors = [], []
    for H in frame.split(coefficients @ projections):
        values, vector = np.linalg.eigh(H)
        energies.append(values)
        vectors.append(vector)

    hopping = tuple(
        tuple((i, j, vectors[i].T @ matrix @ vectors[j]) for i, j, matrix in channel)
        for channel in hopping_elements(frame)
    )
    operators = tuple(
        tuple(
            vector.T @ block @ vector
            for vector, block in zip(vectors, frame.split(_projection(frame, op)), strict=True)
        )
        for op in named.values()
    )
    generators = reflection_names(terms, symmetry, particle_hole_bath)
    if "spin" in unequal:
        generators = tuple(name for name in generators if name != "spin")
    reflections = tuple(
        tuple(
            (target, vectors[target].T @ matrix @ vectors[i])
            for i, (target, matrix) in enumerate(_reflection(frame, name))
        )
        for name in generators
    )
    return InitialCluster(
        symmetry=symmetry,
        labels=frame.labels,
        odd=frame.odd,
        energies=tuple(energies),
        hopping=hopping,
        operators=operators,
        reflections=reflections,
        operator_names=tuple(named),
        reflection_names=generators,
        vectors=tuple(vectors),
        weights=weights,
    )


# Functions of the space and the symmetry only.


@dataclass(frozen=True, eq=False)
class MultipletBasis:
    """A multiplet basis of the whole space: block -> members (2I+1, 2S+1, d, m), highest first.

    A channel factor adds an axis behind that of the spin.
    """

    space: Space
    symmetry: Symmetry
    labels: IntArray
    odd: BoolArray
    members: tuple[FloatArray, ...]
    weights: tuple[int, ...] | None = None

    def split(self, flat: FloatArray) -> Iterator[FloatArray]:
        """The (m, m) matrices of all blocks out of one vector of their elements."""
        start = 0
        for block in self.members:
            m = block.shape[-1]
            yield flat[start : start + m * m].reshape(m, m)
            start += m * m


@lru_cache(maxsize=32)
def multiplet_basis(
    space: Space, symmetry: Symmetry, weights: tuple[int, ...] | None = None
) -> MultipletBasis:
    numbers, raised = generators(space, symmetry, weights)
    towers = [plus for plus, factor in zip(raised, symmetry, strict=True) if factor == "SU2"]

    labels, odd, members = [], [], []
    for label in sorted(set(zip(*numbers.tolist(), strict=True))):
        if any(x < 0 for x, factor in zip(label, symmetry, strict=True) if factor == "SU2"):
            continue
        sector = np.flatnonzero((numbers == np.array(label)[:, None]).all(axis=0))
        raising = [plus[:, sector] for plus in towers]
        inside = _kernel(np.vstack(raising)) if raising else np.eye(len(sector))
        if inside.shape[1] == 0:
            continue
        top = np.zeros((space.dimension, inside.shape[1]))
        top[sector] = inside
        labels.append(label)
        odd.append(bool(space.parity.matrix[sector[0], sector[0]] < 0))
        sizes = [x if factor == "SU2" else 0 for x, factor in zip(label, symmetry, strict=True)]
        states = [top]
        for plus, size in zip(raised, sizes, strict=True):
            states = [
                member
                for state in states
                for member in _tower(state, np.ascontiguousarray(plus.T), size)
            ]
        members.append(np.array(states).reshape(*(x + 1 for x in sizes), *top.shape))
    return MultipletBasis(space, symmetry, np.array(labels), np.array(odd), tuple(members), weights)


def generators(
    space: Space, symmetry: Symmetry, weights: tuple[int, ...] | None
) -> tuple[IntArray, list[FloatArray]]:
    """The additive label of every product state in every factor, and the raising operators."""
    S, I = space.S(), space.isospin()  # noqa: E741
    numbers = [2 * np.diag(I.z.matrix), 2 * np.diag(S.z.matrix)]
    raised = [I.plus.matrix, S.plus.matrix]
    if weights is not None:
        orbitals = [factor.name for factor in space.factors if isinstance(factor, Orbital)]
        parts = zip(orbitals, weights, strict=True)
        numbers.append(np.sum([a * np.diag(space.n(name).matrix) for name, a in parts], axis=0))
        raised.append(channel_raising(space, weights))
    labels = np.rint(numbers).astype(np.int64)
    for row, order in zip(labels, orders(symmetry), strict=True):
        if order is not None:
            row %= order
    return labels, raised


def _kernel(A: FloatArray) -> FloatArray:
    """Orthonormal basis of the kernel, shape (columns of A, dimension of the kernel)."""
    _, values, Vt = np.linalg.svd(A)
    rank = int((values > KERNEL_TOLERANCE).sum())
    return np.ascontiguousarray(Vt[rank:].T)


def _tower(top: FloatArray, lowering: FloatArray, two_j: int) -> list[FloatArray]:
    """``|j, m-1> = J_- |j, m> / sqrt((j + m)(j - m + 1))`` from m = j down to -j."""
    states = [top]
    for step in range(two_j):
        states.append(lowering @ states[-1] / math.sqrt((two_j - step) * (step + 1)))
    return states


@lru_cache(maxsize=512)
def _projection(frame: MultipletBasis, operator: Operator) -> FloatArray:
    """Scalar projection in all blocks, flattened: ``(1/dim) sum_m <a m|O|b m>``."""
    blocks = []
    for members in frame.members:
        states = members.reshape(-1, *members.shape[-2:])
        block = sum(state.T @ operator.matrix @ state for state in states) / len(states)
        blocks.append(np.ravel(block))
    return np.concatenate(blocks)


@dataclass(frozen=True, eq=False)
class Site:
    """A chain site in multiplets, as the compiled core takes it.

    Attributes
    ----------
    labels, odd : list
        Label and fermion parity of every multiplet.
    hopping : list over channels of lists of (bra, ket, element)
        Reduced elements of the creation operators.
    terms : list over operators of lists of (bra, ket, element)
        Scalar operators, the upper triangle of each.
    """

    labels: list[list[int]]
    odd: list[bool]
    hopping: list[list[tuple[int, int, float]]]
    terms: list[list[tuple[int, int, float]]]

    @property
    def core(self) -> tuple[Any, ...]:
        """The arguments of the core; energies of electrons are among the terms."""
        return self.labels, self.odd, [0.0] * len(self.odd), self.hopping, self.terms


@lru_cache(maxsize=32)
def chain_site(
    baths: tuple[Orbital, ...], symmetry: Symmetry, operators: tuple[Operator, ...]
) -> Site:
    """Any site of the chain of a symmetry that has no charge SU2.

    Parameters
    ----------
    baths : tuple of Orbital
        The bath orbitals of the channels.
    symmetry : tuple of str
        Symmetry of the run.
    operators : tuple of Operator
        Scalars on the space of these orbitals, such as the number of electrons.
    """
    weights = (1, -1) if len(symmetry) > 2 else None
    frame = multiplet_basis(Space(baths), symmetry, weights)
    sizes = [block.shape[-1] for block in frame.members]
    first = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    hopping = [
        [
            (first[i] + a, first[j] + b, float(matrix[a, b]))
            for i, j, matrix in channel
            for a, b in np.argwhere(np.abs(matrix) > KERNEL_TOLERANCE).tolist()
        ]
        for channel in hopping_elements(frame)
    ]
    terms = [
        [
            (first[i] + a, first[i] + b, float(block[a, b]))
            for i, block in enumerate(frame.split(_projection(frame, operator)))
            for a, b in np.argwhere(np.abs(np.triu(block)) > KERNEL_TOLERANCE).tolist()
        ]
        for operator in operators
    ]
    labels = np.repeat(frame.labels, sizes, axis=0).tolist()
    return Site(labels, np.repeat(frame.odd, sizes).tolist(), hopping, terms)


@lru_cache(maxsize=32)
def hopping_elements(frame: MultipletBasis) -> tuple[tuple[Element, ...], ...]:
    """Reduced matrix elements of f_0^+ in the basis of the frame."""
    return tuple(
        tuple(_reduced_elements(frame, components, shifts))
        for components, shifts in _tensors(frame)
    )


Components = dict[tuple[int, ...], FloatArray]
"""Components of a tensor, each factor counted from the highest one down."""


def _tensors(frame: MultipletBasis) -> Iterator[tuple[Components, tuple[int, ...]]]:
    """Channels: the components, and the shifts of the labels of abelian factors."""
    space, symmetry = frame.space, frame.symmetry
    lowering = space.isospin().minus
    bands = list(zip(space.baths, (1, -1, 0), strict=False))
    groups = [bands] if symmetry[2:] == ("SU2",) else [[band] for band in bands]
    both: list[list[Literal["up", "dn"]]] = [["up", "dn"]]
    for group in groups:
        for spins in both if symmetry[1] == "SU2" else [["up"], ["dn"]]:
            components: Components = {}
            for r, (orbital, _) in enumerate(group):
                for q, sigma in enumerate(spins):
                    f = space.cdag(orbital.name, sigma)  # type: ignore[arg-type]
                    behind = (r,) if len(symmetry) > 2 else ()
                    components[0, q, *behind] = f.matrix
                    if symmetry[0] == "SU2":
                        components[1, q, *behind] = lowering.commutator(f).matrix
            shifts = (1, 1 if spins[0] == "up" else -1, group[0][1])
            yield components, shifts[: len(symmetry)]


def _reduced_elements(
    frame: MultipletBasis, components: Components, shifts: tuple[int, ...]
) -> Iterator[Element]:
    # An SU2 factor ignores the shift.
    factors = tuple(
        zip(
            (
                "SU2" if f == "SU2" else order
                for f, order in zip(frame.symmetry, orders(frame.symmetry), strict=True)
            ),
            shifts,
            strict=True,
        )
    )
    for i, bra in enumerate(frame.labels.tolist()):
        for j, ket in enumerate(frame.labels.tolist()):
            found = [
                _largest_coefficient(factor, x, y, shift)
                for (factor, shift), x, y in zip(factors, bra, ket, strict=True)
            ]
            known = [one for one in found if one is not None]
            if len(known) < len(found):
                continue
            left, which, right, coefficients = zip(*known, strict=True)
            element = frame.members[i][left].T @ components[which] @ frame.members[j][right]
            if np.abs(element).max() > KERNEL_TOLERANCE:
                yield i, j, element / math.prod(coefficients)


@lru_cache(maxsize=256)
def _largest_coefficient(
    factor: int | str | None, bra: int, ket: int, shift: int
) -> tuple[int, int, int, float] | None:
    """(bra member, component, ket member, Wigner-Eckart coefficient); None if it is forbidden.

    A factor is "SU2", the order of a cyclic one, or None for U1.
    """
    if factor != "SU2":
        change = bra - ket - shift
        allowed = change == 0 if factor is None else change % int(factor) == 0
        return (0, 0, 0, 1.0) if allowed else None
    if abs(bra - ket) != 1:
        return None
    options = [
        (a, q, b, wigner_eckart(bra, bra - 2 * a, 1, 1 - 2 * q, ket, ket - 2 * b))
        for b in range(ket + 1)
        for q in range(2)
        if 0 <= (a := (bra - ket + 2 * b - 1 + 2 * q) // 2) <= bra
    ]
    return max(options, key=lambda option: abs(option[3]))


@lru_cache(maxsize=64)
def _reflection(frame: MultipletBasis, name: Literal["charge", "spin"]) -> tuple[Reflected, ...]:
    """(target, matrix) of each block; the other factor's highest-weight member represents it."""
    G = generator(frame.space, name)
    flip = np.array([-1, 1] if name == "charge" else [1, -1])
    position = {tuple(label): i for i, label in enumerate(frame.labels.tolist())}
    result = []
    for label, members in zip(frame.labels, frame.members, strict=True):
        target = position[tuple((flip * label).tolist())]
        result.append((target, frame.members[target][0, 0].T @ G @ members[0, 0]))
    return tuple(result)


def _observables(
    model: Seed, observables: Iterable[str] | Mapping[str, Operator]
) -> dict[str, Operator]:
    if isinstance(observables, Mapping):
        named = dict(observables)
    else:
        if isinstance(observables, str):
            raise TypeError(f"observables must be a sequence of names, write [{observables!r}]")
        known = model.observables
        for name in (wanted := tuple(observables)):
            if name not in known:
                raise ValueError(
                    f"observables must be among {', '.join(map(repr, known))}; got {name!r} "
                    "(give a mapping from names to operators for others)"
                )
        named = {name: known[name] for name in wanted}
    for name, operator in named.items():
        if operator.space != model.space:
            raise ValueError(f"the observable {name!r} acts on another space; use model.space")
        if not _is_even(operator):
            raise ValueError(
                f"the observable {name!r} changes the fermion parity: it has no average"
            )
    return named


@lru_cache(maxsize=512)
def _is_even(operator: Operator) -> bool:
    signs = np.diag(operator.space.parity.matrix)
    return not np.any(operator.matrix[signs[:, None] != signs[None, :]])
