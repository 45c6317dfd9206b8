r"""Correlators of a model, and their operators in symmetry-adapted form.

    t(w):      O_s = [H_imp, f_0s^+]      G(w):  d_s^+      F(w): q_s = [H_U, d_s^+]  with d_s^+
    chi(w):    S_z of the impurity                          I(w): q_s with itself

A correlator is a pair (B, C) of operators that create: ``<<B^+; C>>``, the spectral function
``sum_ab <b|B|a> <b|C|a> (rho_a +- rho_b) delta(w - E_b + E_a)``. Each is the top component of an
irreducible tensor. For SU(2) that component represents all others; for U(1) this is no restriction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Literal

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.bands.leads import Superconductor
from kadanoff.impurities.models import AndersonModel, Model
from kadanoff.impurities.models.operators import Operator, Orbital
from kadanoff.impurities.nrg.self_energy import quadratic
from kadanoff.impurities.symmetry.multiplets import InitialCluster, Symmetry
from kadanoff.impurities.symmetry.reduced_elements import Tensor, fermionic, tensor

if TYPE_CHECKING:
    from kadanoff.impurities.nrg.job import Job

__all__ = [
    "SELF_ENERGY",
    "Correlators",
    "default_correlators",
    "self_energy_correlators",
    "self_energy_name",
    "t_matrix_name",
]

Correlators = Mapping[str, tuple[Operator, Operator]]
RESERVED = ("t", "t_2", "F", "I", "spin", "Sigma")
SELF_ENERGY = "Sigma"
"""Stands for all correlators that the self-energy needs."""
NEGLIGIBLE = 1e-140
ROUNDING = 1e-14  # of the elements of an operator, relative to the largest


@public
def default_correlators(model: Model, symmetry: Symmetry) -> dict[str, tuple[Operator, Operator]]:
    """The correlators that a model has by default.

    Parameters
    ----------
    model : Model
        An impurity model.
    symmetry : tuple of str
        Symmetry (charge, spin). Unless spin is "SU2", where they would be equal, the correlators of
        the lower spin are added, named "t_dn" and so on.

    Returns
    -------
    dict
        "t", the t-matrix, and "t_2", that of a second channel; for every orbital its Green
        function, under its name; "F" and "I", which give the self-energy (Anderson model); "spin",
        S_z of the impurity. With a superconducting lead, or a pairing on the impurity (charge
        "Z2"), also the anomalous Green function ``<<d_up; d_dn>>`` of every orbital, "anomalous d"
        for the orbital d, and the anomalous t-matrix of every channel, "anomalous t".

    Examples
    --------
    >>> import kadanoff as kd
    >>> list(default_correlators(kd.AndersonModel(U=0.5, J_sw=0.2), ("SU2", "SU2")))
    ['t', 'd', 'F', 'I', 'spin']
    >>> list(default_correlators(kd.KondoModel(J=0.2, field=0.1), ("U1", "U1")))
    ['t', 't_dn', 'spin']
    """
    return _default(model, symmetry, lambda operator: operator)


def _default(
    model: Model, symmetry: Symmetry, rescale: Callable[[Operator], Operator]
) -> dict[str, tuple[Operator, Operator]]:
    """The same, on bands whose norms `rescale` brings into the operators of H."""
    space = model.space
    H = reduce(add, (c * rescale(operator) for _, c, operator in model.terms()))
    impurity = [factor for factor in space.factors if factor not in space.baths]
    orbitals = [factor.name for factor in impurity if isinstance(factor, Orbital)]
    spins: dict[str, Literal["up", "dn"]] = {"": "up", "_dn": "dn"}
    if symmetry[1] == "SU2":
        del spins["_dn"]
    out: dict[str, tuple[Operator, Operator]] = {}
    for suffix, sigma in spins.items():
        for channel, bath in enumerate(space.baths, start=1):
            scatterer = H.commutator(space.cdag(bath.name, sigma))
            out[t_matrix_name(channel) + suffix] = (scatterer, scatterer)
        for name in orbitals:
            d = space.cdag(name, sigma)
            out[_orbital(name) + suffix] = (d, d)
        if isinstance(model, AndersonModel):
            d = space.cdag("d", sigma)
            up, dn = space.n("d", "up") - 0.5, space.n("d", "dn") - 0.5
            q = (model.U * up * dn).commutator(d)
            out["F" + suffix] = (q, d)
            out["I" + suffix] = (q, q)
    if symmetry[0] == "Z2" or (isinstance(model.band, Superconductor) and model.band.gap > 0):
        for channel, bath in enumerate(space.baths, start=1):
            up, dn = (H.commutator(space.cdag(bath.name, s)) for s in ("up", "dn"))
            out[f"anomalous {t_matrix_name(channel)}"] = (up, dn.dag)
        for name in orbitals:
            out[f"anomalous {_orbital(name)}"] = (space.cdag(name, "up"), space.c(name, "dn"))
    if impurity:
        S = reduce(add, (space.S(factor.name) for factor in impurity))
        # S_z is component 0 of the tensor whose top component is -S_+ / sqrt(2).
        component = S.plus * (-1 / math.sqrt(2)) if symmetry[1] == "SU2" else S.z
        out["spin"] = (component, component)
    return out


def t_matrix_name(channel: int) -> str:
    """Name of the correlator of a channel's t-matrix, counted from 1."""
    return "t" if channel == 1 else f"t_{channel}"


def _orbital(name: str) -> str:
    return f"orbital {name}" if name in RESERVED else name


def self_energy_name(model: Model, kind: Literal["G", "F", "I"], i: str, j: str) -> str:
    """Name of the correlator G_ij, F_ij or I_ij of two orbitals; G and I are symmetric."""
    if kind == "G" and i == j:
        return _orbital(i)
    if isinstance(model, AndersonModel):
        return kind
    return f"{kind}({i},{j})"


def self_energy_correlators(
    model: Model, symmetry: Symmetry
) -> dict[str, tuple[Operator, Operator]]:
    """The correlators that :meth:`Dynamics.self_energy` needs, "Sigma" among the `names` of a run.

    Parameters
    ----------
    model : Model
        A model whose orbitals hybridise with f_0.
    symmetry : tuple of str
        Symmetry (charge, spin).

    Returns
    -------
    dict
        G_ij, F_ij and I_ij of all orbitals, see :mod:`kadanoff.impurities.nrg.self_energy`.

    Raises
    ------
    ValueError
        The model has no self-energy: no orbital, or a coupling to f_0 that is more than a hopping.

    Examples
    --------
    >>> import kadanoff as kd
    >>> list(self_energy_correlators(kd.AndersonModel(U=0.5, J_sw=0.2), ("SU2", "SU2")))
    ['d', 'F', 'I']
    """
    out: dict[str, tuple[Operator, Operator]] = {}
    spins: dict[str, Literal["up", "dn"]] = {"": "up", "_dn": "dn"}
    if symmetry[1] == "SU2":
        del spins["_dn"]
    for suffix, sigma in spins.items():
        found = quadratic(model, sigma)
        d = {i: model.space.cdag(i, sigma) for i in found.orbitals}
        q = dict(zip(found.orbitals, found.q, strict=True))
        pairs = [(i, j) for a, i in enumerate(found.orbitals) for j in found.orbitals[a:]]
        for i, j in pairs:
            out[self_energy_name(model, "G", i, j) + suffix] = (d[i], d[j])
        for i in found.orbitals:
            for j in found.orbitals:
                out[self_energy_name(model, "F", i, j) + suffix] = (q[i], d[j])
        for i, j in pairs:
            out[self_energy_name(model, "I", i, j) + suffix] = (q[i], q[j])
    return out


@dataclass(frozen=True, eq=False)
class Prepared:
    """Correlators in the form that the compiled core takes.

    Attributes
    ----------
    names : tuple of str
        Names of the correlators, in order.
    shown : int
        How many of them, from the first, belong into the result.
    pairs : list of (B, C, fermionic)
        Pairs to compute, as indices into the tensors, every pair once.
    tensors : list over twists of lists of Tensor
        Every operator once, up to a factor: the t-matrix of the Anderson model is V^2 times its
        Green function.
    factors : array, shape (twists, names + bosonic, pairs)
        The correlators, and after them the symmetrised bosonic ones, as multiples of the pairs; no
        entry where an operator is zero.
    bosonic : mapping from names to (int, int, float)
        For every bosonic correlator the tensors B and C, and the factor of their product.
    """

    names: tuple[str, ...]
    shown: int
    pairs: list[tuple[int, int, bool]]
    tensors: list[list[Tensor]]
    factors: FloatArray
    bosonic: dict[str, tuple[int, int, float]]

    @property
    def diagonal(self) -> tuple[str, ...]:
        """Correlators of an operator with itself, whose spectral function is not negative."""
        own = [k for k, (b, c, odd) in enumerate(self.pairs) if odd and b == c]
        known = self.factors[:, : len(self.names), own]
        return tuple(n for i, n in enumerate(self.names[: self.shown]) if known[:, i].any())

    @property
    def scalars(self) -> tuple[int, ...]:
        """Tensors of bosonic pairs that can have an average."""
        of_pairs = {k for b, c, _ in self.bosonic.values() for k in (b, c)}
        return tuple(k for k in sorted(of_pairs) if not any(self.tensors[0][k].rank))

    def statics(self, twist: int, start: InitialCluster) -> list[list[FloatArray]]:
        """The scalars as operators on the cluster, one matrix per block."""
        return [_blocks(self.tensors[twist][k], start) for k in self.scalars]


def prepare(
    job: Job,
    names: Iterable[str] | None,
    own: Correlators | None,
    responses: tuple[str, ...] = (),
) -> Prepared:
    """Check the requested correlators and find the reduced matrix elements in every cluster.

    The `responses` are computed beside the correlators that are shown.
    """
    if isinstance(names, str):
        raise TypeError(f"names must be a sequence of correlators, write [{names!r}]")
    wanted = None if names is None else tuple(names)
    own = _checked(job.model, own)
    tables, shown = [], 0
    for model in job.models:
        known, chosen = _default(model, job.symmetry, job.lead.rescale), wanted
        if wanted is not None and SELF_ENERGY in wanted:
            extra = self_energy_correlators(model, job.symmetry)
            known |= extra
            chosen = tuple(dict.fromkeys([n for n in wanted if n != SELF_ENERGY] + [*extra]))
        table = _table(known, chosen, own)
        hidden = {n: known[n] for n in responses if n in known and n not in table}
        shown = len(table)
        rotate = job.lead.rotate
        tables.append({n: (rotate(B), rotate(C)) for n, (B, C) in (table | hidden).items()})
    twists = [_reduced(table, start) for table, start in zip(tables, job.starts, strict=True)]
    pairs = list(twists[0][1])
    names = tuple(tables[0])
    bosonic = {names[k]: pair for k, pair in twists[0][2].items()}
    factors = np.zeros((len(twists), len(names) + len(bosonic), len(pairs)))
    for twist, (_, found, _) in enumerate(twists):
        if list(found) != pairs:  # a rescaled model has the operators of the model, rescaled
            raise NumericalError("the twists of an average need different operators")
        for p, entries in enumerate(found.values()):
            for name, factor in entries:
                factors[twist, name, p] = factor
    return Prepared(names, shown, pairs, [twist[0] for twist in twists], factors, bosonic)


Pair = tuple[int, int, bool]


def _reduced(
    table: dict[str, tuple[Operator, Operator]], start: InitialCluster
) -> tuple[list[Tensor], dict[Pair, list[tuple[int, float]]], dict[int, tuple[int, int, float]]]:
    """The tensors, for every pair of them the correlators (index, factor), and the bosonic ones."""
    units: list[Operator] = []
    tensors: list[Tensor] = []
    pairs: dict[Pair, list[tuple[int, float]]] = {}
    bosonic: dict[int, tuple[int, int, float]] = {}

    def unit(operator: Operator) -> tuple[int, float]:
        """Index of the tensor, and its prefactor."""
        flat = operator.matrix.ravel()
        size = float(flat[np.argmax(np.abs(flat) > 0.5 * np.abs(flat).max())])
        scaled = operator.matrix / size
        for k, known in enumerate(units):
            if np.abs(known.matrix - scaled).max() <= ROUNDING:
                return k, size
        units.append(Operator(operator.space, scaled))
        tensors.append(tensor(start, units[-1]))
        return len(units) - 1, size

    for k, (name, (B, C)) in enumerate(table.items()):
        # An interaction or a coupling that is zero makes zero operators, which have no quantum
        # numbers; the weights of still smaller ones would underflow.
        if any(np.abs(operator.matrix).max() < NEGLIGIBLE for operator in (B, C)):
            continue
        try:
            odd = fermionic(B)
            if odd != fermionic(C):
                raise ValueError("a fermionic operator cannot pair with a bosonic one")
            (b, x), (c, y) = unit(B), unit(C)
        except ValueError as error:
            raise ValueError(f"correlator {name!r}: {error}") from None
        if tensors[b].rank != tensors[c].rank:
            raise ValueError(
                f"correlator {name!r}: B and C change the quantum numbers {start.symmetry} by "
                f"{tensors[b].rank} and {tensors[c].rank}; give two that change them equally, such "
                "as two creators of one spin"
            )
        # The spectrum is symmetric in B and C, that of a truncated density matrix only on average.
        orders = [(b, c)] if b == c else [(b, c), (c, b)]
        share = x * y / len(orders)
        for i, j in orders:
            pairs.setdefault((i, j, odd), []).append((k, share))
            if not odd:  # with the sign of the anticommutator: the symmetrised correlator
                pairs.setdefault((i, j, True), []).append((len(table) + len(bosonic), share))
        if not odd:
            bosonic[k] = (b, c, x * y)
    return tensors, pairs, bosonic


def _blocks(scalar: Tensor, start: InitialCluster) -> list[FloatArray]:
    """A tensor of rank 0 as an operator: ``<j||O||j> = sqrt(dim) O``."""
    out = [np.zeros((len(e), len(e))) for e in start.energies]
    for i, j, element in scalar.elements:
        if i == j:
            out[i] = element / math.sqrt(start.multiplicity[i])
    return out


def _table(
    known: dict[str, tuple[Operator, Operator]], wanted: tuple[str, ...] | None, own: Correlators
) -> dict[str, tuple[Operator, Operator]]:
    for name in wanted or ():
        if name not in known:
            raise ValueError(
                f"names must be among {', '.join(map(repr, known))}, 'Sigma'; got {name!r} (give "
                "others as own={name: (B, C)})"
            )
    if taken := known.keys() & own.keys():
        raise ValueError(f"own: {sorted(taken)[0]!r} is a correlator of the model, rename yours")
    return {name: known[name] for name in (known if wanted is None else wanted)} | dict(own)


def _checked(model: Model, own: Correlators | None) -> dict[str, tuple[Operator, Operator]]:
    if own is None:
        return {}
    if not isinstance(own, Mapping):
        raise TypeError(f"own must map names to pairs of operators (B, C), got {own!r}")
    for name, pair in own.items():
        if not (
            isinstance(pair, tuple | list)
            and len(pair) == 2
            and all(isinstance(operator, Operator) for operator in pair)
        ):
            raise TypeError(
                f"own: {name!r} must be a pair of operators (B, C) for <<B^+; C>>, got {pair!r}"
            )
        for operator in pair:
            if operator.space != model.space:
                raise ValueError(f"own: {name!r} acts on another space; use model.space")
            if not operator.is_real:
                raise ValueError(
                    f"own: {name!r} has imaginary matrix elements; give i times it, or its real "
                    "and imaginary parts one by one"
                )
    return {name: (pair[0], pair[1]) for name, pair in own.items()}
