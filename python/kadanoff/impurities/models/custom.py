"""Impurity models defined by the user, from operators."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import did_you_mean, public
from kadanoff._base.types import FloatArray
from kadanoff.bands.densities import Band, FlatBand
from kadanoff.impurities.models.base import (
    BAND,
    ROUNDING,
    ImpurityBase,
    Term,
    resolve_band,
    set_fields,
)
from kadanoff.impurities.models.local_spaces import Boson, Factor
from kadanoff.impurities.models.operators import Operator, Space, Spin

__all__ = ["ImpurityModel"]


@public
@dataclass(frozen=True, init=False, repr=False)
class ImpurityModel(ImpurityBase):
    r"""Any impurity: a sum of named parameters times operators on the impurity and f_0.

    ``H = H_band + sum_p theta_p O_p``

    The coupling to the band is part of the sum, as operators that act on the bath orbital "f0":
    ``space.hop("d", "f0")`` for a hybridisation, ``dot(space.S("d"), space.S("f0"))`` for an
    exchange coupling. Symmetries are found numerically by the solver.

    Parameters
    ----------
    space : Space
        Impurity orbitals and spins, then :data:`kadanoff.operators.BATH` as the last factor; for
        two channels BATH and SECOND_BATH, for three also THIRD_BATH.
    terms : mapping from names to (value, Operator)
        The parameters theta_p with the Hermitian operators O_p that they multiply. A term may break
        the conservation of the charge (a pairing) or of S_z (a transverse field), which makes a
        run slower, but not that of the parity of the number of electrons. It may be complex (an
        interaction of Dzyaloshinskii and Moriya, a spin-orbit coupling, a field along y), see
        Notes. A name is a Python identifier, as ``replace(J=0.2)`` wants it.
    observables : mapping from names to Operator, optional
        Operators to ask for by name, such as ``nrg.solve(model, observables=["docc"])``. Each is
        Hermitian, or has definite quantum numbers: it changes charge and S_z by one amount.
    D : float, optional
        Half bandwidth of a flat band, default 1; the unit of all energies.
    band : Band, optional
        Any other band; excludes `D`.

    Raises
    ------
    TypeError
        For a term that is not a pair (real number, Operator), or a name that is not a string.
    ValueError
        For an operator that is not Hermitian, acts on another space, has an odd number of fermion
        operators, or moves more than one electron between impurity and f_0; for an observable that
        is neither Hermitian nor has definite quantum numbers; for NaN; for a space without f_0 as
        its last factor.

    Notes
    -----
    A complex Hamiltonian A + iB is solved as the real matrix ((A, -B), (B, A)), which has each
    level twice, so that no basis has to be found in which it is real. Of the states that `keep`
    counts every second is a copy, levels and ``flow()`` show both, and all averages and the entropy
    count one. The time is eight times that of a real Hamiltonian with as many states of its own:
    where a rotation makes it real (a field along y is one along x), write it so. Complex
    Hamiltonians have thermodynamics and static averages; spectra, derivatives and transport refuse
    them.

    Examples
    --------
    A dot that hybridises with the band and holds the spin of a molecule next to it:

    >>> from kadanoff.impurities.models.operators import BATH, Orbital, Space, Spin, cross, dot
    >>> space = Space([Spin("s"), Orbital("d"), BATH])
    >>> up, dn = space.n("d", "up"), space.n("d", "dn")
    >>> model = ImpurityModel(
    ...     space,
    ...     {
    ...         "U": (0.5, (up - 0.5) * (dn - 0.5)),
    ...         "V": (0.1, space.hop("d", "f0")),
    ...         "J": (0.05, dot(space.S("s"), space.S("d"))),
    ...     },
    ...     observables={"docc": up * dn},
    ... )
    >>> model.replace(J=-0.05)
    <ImpurityModel on s (spin 1/2) x d x f0: U=0.5, V=0.1, J=-0.05>
    >>> model.impurity_dimension
    8

    Two spins next to the metal with the interaction of Dzyaloshinskii and Moriya:

    >>> import kadanoff as kd
    >>> space = Space([Spin("a"), Spin("b"), BATH])
    >>> a, b, f = (space.S(name) for name in ("a", "b", "f0"))
    >>> pair = ImpurityModel(space, {"J": (0.3, dot(a + b, f)), "D_z": (0.1, cross(a, b).z)})
    >>> run = kd.nrg.solve(pair, keep=400, T_min=1e-2, errors=False)
    >>> run.symmetry, run.levels[0].copies
    (('U1', 'U1'), 2)
    """

    space: Space
    definition: tuple[Term, ...]
    named: tuple[tuple[str, Operator], ...]
    band: Band

    def __init__(
        self,
        space: Space,
        terms: Mapping[str, tuple[float, Operator]],
        *,
        observables: Mapping[str, Operator] | None = None,
        D: float | None = None,
        band: Band | None = None,
    ) -> None:
        set_fields(
            self,
            space=_checked_space(space),
            definition=tuple(_checked_terms(space, terms)),
            named=tuple(_checked_observables(space, {} if observables is None else observables)),
            band=resolve_band(band, D),
        )

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        band = "" if self.band == FlatBand() else f", band={self.band!r}"
        return f"<ImpurityModel on {_describe(self.space)}: {values}{band}>"

    def _operators(self) -> dict[str, Operator]:
        return {name: operator for name, _, operator in self.definition}

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0: (name of the parameter, its value, operator)."""
        return self.definition

    @property
    def parameters(self) -> dict[str, float]:
        """The coefficients of the terms."""
        return {name: value for name, value, _ in self.definition}

    @property
    def observables(self) -> dict[str, Operator]:
        """The operators of the argument `observables`, by name."""
        return dict(self.named)

    def replace(self, **changes: Any) -> Self:
        """The same model with other values of its parameters, or another band or D.

        Parameters
        ----------
        **changes
            New values by the names of the terms, such as ``model.replace(J=0.2)``; also `band` or
            `D`.

        Returns
        -------
        ImpurityModel
            A new model; this one is not changed.

        Raises
        ------
        TypeError
            For an argument that is no parameter of the model.
        """
        known = self.parameters
        for name in changes:
            if name not in known and name not in BAND:
                near = did_you_mean(name, known)
                raise TypeError(
                    f"the model has no parameter {name!r}; it has {', '.join(known)} "
                    f"(and {' and '.join(BAND)}){near}"
                )
        band = {name: changes.get(name) for name in BAND}
        # The operators are the same: nothing but values to check.
        model = object.__new__(type(self))
        set_fields(
            model,
            space=self.space,
            definition=tuple(
                (name, checks.real(name, changes.get(name, value)), operator)
                for name, value, operator in self.definition
            ),
            named=self.named,
            band=resolve_band(**band) if changes.keys() & BAND else self.band,
        )
        return model


def _describe(space: Space) -> str:
    def described(factor: Factor) -> str:
        if isinstance(factor, Spin):
            return f"{factor.name} (spin {Fraction(factor.spin)})"
        if isinstance(factor, Boson):
            return f"{factor.name} ({factor.states} boson states)"
        return factor.name

    return " x ".join(described(factor) for factor in space.factors)


def _checked_space(space: Space) -> Space:
    if not isinstance(space, Space):
        raise TypeError(f"space must be a kadanoff.operators.Space, got {space!r}")
    space.check_baths()
    return space


def _checked_terms(
    space: Space, terms: Mapping[str, tuple[float, Operator]]
) -> Iterator[tuple[str, float, Operator]]:
    if not isinstance(terms, Mapping):
        raise TypeError(
            f"terms must map names to (value, operator), such as {{'J': (0.2, O)}}; got {terms!r}"
        )
    if not terms:
        raise ValueError("terms is empty; give at least one, such as {'J': (0.2, O)}")
    for name, pair in terms.items():
        if not isinstance(name, str):
            raise TypeError(f"names of terms must be strings, got {name!r}")
        if not name.isidentifier() or keyword.iskeyword(name) or name in BAND:
            raise ValueError(
                f"a term cannot be called {name!r}: its name becomes a keyword, as in "
                "model.replace(J_z=0.1), and must be a Python identifier other than "
                f"{' and '.join(map(repr, BAND))}"
            )
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise TypeError(f"the term {name!r} must be a pair (value, operator), got {pair!r}")
        value, operator = pair
        operator = _checked_operator(space, f"the term {name!r}", operator)
        _check_hamiltonian(f"the term {name!r}", operator)
        yield name, checks.real(name, value), operator


def _checked_observables(
    space: Space, observables: Mapping[str, Operator]
) -> Iterator[tuple[str, Operator]]:
    if not isinstance(observables, Mapping):
        raise TypeError(
            f"observables must map names to operators, such as {{'n': O}}; got {observables!r}"
        )
    for name, operator in observables.items():
        if not isinstance(name, str):
            raise TypeError(f"names of observables must be strings, got {name!r}")
        operator = _checked_operator(space, f"the observable {name!r}", operator)
        if operator.is_hermitian and not _is_odd(operator):
            yield name, operator
            continue
        for quantity, numbers in _quantum_numbers(space).items():
            if len(changes := _changes(operator, numbers)) > 1:
                raise ValueError(
                    f"the observable {name!r} has no definite quantum numbers: it changes "
                    f"{quantity} by {' and by '.join(changes)}; name each part on its own"
                )
        yield name, operator


def _checked_operator(space: Space, what: str, operator: Operator) -> Operator:
    if not isinstance(operator, Operator):
        raise TypeError(
            f"{what} needs an Operator, got {type(operator).__name__}; take it from the space, or "
            "wrap a matrix as kadanoff.operators.Operator(space, matrix)"
        )
    if operator.space != space:
        raise ValueError(
            f"{what} acts on {_describe(operator.space)}, which is not the space of the "
            f"model, {_describe(space)}; take all operators from one Space"
        )
    return operator


def _check_hamiltonian(what: str, operator: Operator) -> None:
    if not operator.is_hermitian:
        raise ValueError(f"{what} is not Hermitian; add its conjugate, O + O.dag")
    if _is_odd(operator):
        raise ValueError(
            f"{what} changes the charge by an odd number: it has an odd number of fermion "
            "operators; an electron that leaves the impurity must arrive on f_0, or form a pair"
        )
    n_0 = [np.diag(operator.space.n(f.name).matrix) for f in operator.space.baths]
    if any("2" in _changes(operator, n) for n in n_0):
        raise ValueError(
            f"{what} moves two electrons between the impurity and f_0 at once, a coupling may "
            "change the charge of the impurity by at most one; write the hopping of single "
            "electrons and let an attraction bind the pair, or exchange the roles of charge and "
            "spin (c_dn -> c_dn^+), which turns pair hopping into a spin flip"
        )


def _is_odd(operator: Operator) -> bool:
    """Whether a part of the operator has an odd number of fermion operators."""
    signs = np.diag(operator.space.parity.matrix)
    odd = operator.matrix[signs[:, None] != signs[None, :]]
    largest = np.abs(operator.matrix).max(initial=0.0)
    return bool(np.abs(odd).max(initial=0.0) > ROUNDING * largest)


def _quantum_numbers(space: Space) -> dict[str, FloatArray]:
    """Charge (from half filling) and S_z of the product states."""
    return {
        "the charge": np.diag(2 * space.isospin().z.matrix),
        "S_z": np.diag(space.S().z.matrix),
    }


def _changes(operator: Operator, numbers: FloatArray) -> tuple[str, ...]:
    """By how much the operator changes a quantum number, ascending, as printed."""
    rows, columns = np.nonzero(
        np.abs(operator.matrix) > ROUNDING * np.abs(operator.matrix).max(initial=0.0)
    )
    return tuple(f"{change:g}" for change in np.unique(numbers[rows] - numbers[columns]))
