"""The protocol of impurity models, and their common base class."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from copy import copy
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import unknown_keyword
from kadanoff._base.types import FloatArray
from kadanoff.bands.densities import Band, FlatBand
from kadanoff.impurities.models.operators import Operator, Orbital, Space

__all__ = [
    "BAND",
    "ImpurityBase",
    "Model",
    "Term",
    "band_arguments",
    "bath_degrees",
    "bath_strings",
    "brief",
    "resolve_band",
    "set_fields",
]

Term = tuple[str, float, Operator]
"""(name, coefficient, operator) of one part of a Hamiltonian."""

BAND = ("band", "D")
"""Arguments of every model; give one or none."""

# Matrix elements are sums of a few products of O(1) numbers: anything below is rounding.
ROUNDING = 1e-12


@runtime_checkable
class Model(Protocol):
    """Protocol of impurity models, all that the solvers need."""

    @property
    def band(self) -> Band:
        """The band to which f_0 belongs."""

    @property
    def space(self) -> Space:
        """Impurity factors first, then the bath orbital(s)."""

    @property
    def parameters(self) -> dict[str, float]:
        """The independent continuous parameters: coordinates for derivatives and for learning."""

    @property
    def observables(self) -> dict[str, Operator]:
        """Operators with a name."""

    @property
    def impurity_dimension(self) -> int:
        """Number of states of the impurity without f_0."""

    @property
    def impurity_entropy_max(self) -> float:
        """ln(impurity_dimension), the impurity entropy at infinite temperature, in nats."""

    def terms(self) -> tuple[Term, ...]:
        """Summands of H_0, each as (name, coefficient, operator)."""

    def derivative(self, name: str) -> Operator:
        """dH/d(name), the other parameters held."""

    def replace(self, **changes: Any) -> Self:
        """The same model with some arguments changed."""

    def rescaled(self, A: float) -> Self:
        """The model with its hybridisation strength (V^2, or J and W) multiplied by `A`."""


class ImpurityBase:
    """Base of the models ``H_0 = sum_p theta_p O_p + const`` on a space with operators O_p.

    A model adds its fields (the theta_p and the band) and `_operators` (the O_p).
    """

    band: Band

    INDEPENDENT: ClassVar[frozenset[str]] = frozenset()
    """Parameters that are fields on which nothing else depends."""

    def __init_subclass__(cls) -> None:
        """Give `replace` the arguments of the model in its signature, for completion."""
        super().__init_subclass__()
        if "__init__" in vars(cls) and "replace" not in vars(cls):
            cls.replace = _with_arguments(ImpurityBase.replace, cls)  # type: ignore[method-assign]

    def _arguments(self) -> dict[str, Any]:
        """The arguments that build the model, defaults left out."""
        own = {
            name: getattr(self, name)
            for name, argument in inspect.signature(type(self)).parameters.items()
            if name not in BAND and getattr(self, name) != argument.default
        }
        return own | band_arguments(self.band)

    def _operators(self) -> dict[str, Operator]:
        """dH/d(name) of every parameter, none of which depends on the parameters."""
        raise NotImplementedError

    if TYPE_CHECKING:  # a field or a property of the models

        @property
        def space(self) -> Space:
            """Impurity factors first, then the bath orbital(s)."""

    @property
    def parameters(self) -> dict[str, float]:
        """The independent continuous parameters: coordinates for derivatives and for learning."""
        return {name: getattr(self, name) for name in self._operators()}

    @property
    def D(self) -> float:
        """Half bandwidth of the band."""
        return self.band.D

    @property
    def impurity_dimension(self) -> int:
        """Number of states of the impurity without f_0."""
        return self.space.dimension // int(4 ** len(self.space.baths))

    @property
    def impurity_entropy_max(self) -> float:
        """``ln(impurity_dimension)``, the impurity entropy at infinite temperature, in nats."""
        return math.log(self.impurity_dimension)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def derivative(self, name: str) -> Operator:
        """``dH/d(name)`` with the other :attr:`parameters` held; ValueError for another name."""
        operators = self._operators()
        return operators[checks.choice("name", name, operators)]

    def replace(self, **changes: Any) -> Self:
        """The same model with some arguments changed, for example ``model.replace(J=0.2)``.

        Parameters
        ----------
        **changes
            New values of arguments of the model; the other arguments keep their values. Those that
            exclude each other (V, Gamma and J_sw; band and D) replace each other.

        Returns
        -------
        Model
            A new model of the same class; this one is not changed.

        Raises
        ------
        TypeError
            For an argument that the model does not have.
        """
        known = list(inspect.signature(type(self)).parameters)
        if unknown := [name for name in changes if name not in known]:
            raise unknown_keyword(type(self).__name__, unknown[0], known)
        if changes.keys() <= self.INDEPENDENT:  # as a search does, again and again
            model = copy(self)
            set_fields(model, **{name: checks.real(name, x) for name, x in changes.items()})
            return model
        arguments = self._arguments()
        for group in (("V", "Gamma", "J_sw"), BAND):
            if any(changes.get(name) is not None for name in group):
                for name in group:
                    arguments.pop(name, None)
        return type(self)(**(arguments | changes))

    def __replace__(self, **changes: Any) -> Self:
        return self.replace(**changes)

    def rescaled(self, A: float) -> Self:
        """Every f_0 times ``sqrt(A)``: ``A_Lambda``, or the norm of a band not normalised to 1.

        A hopping amplitude is multiplied by ``sqrt(A)``, an exchange coupling or a potential on f_0
        by `A`, a term of the impurity alone by 1: by ``A^(k/2)`` for k operators f_0 in the term.

        Raises
        ------
        ValueError
            If `A` is not positive, or the parts of a term scale differently.
        """
        factor = checks.real("A", A, above=0)
        changes = {
            name: value * factor ** (_degree(name, self._operators()[name]) / 2)
            for name, value in self.parameters.items()
            if value != 0
        }
        return self.replace(**changes)


class _Unchanged:
    """Default of every argument of `replace`."""

    def __repr__(self) -> str:
        return "unchanged"


def _with_arguments(replace: Callable[..., Any], model: type) -> Callable[..., Any]:
    """`replace` with the arguments of a model as keywords in its signature."""

    @wraps(replace)
    def replaced(self: Any, **changes: Any) -> Any:
        return replace(self, **changes)

    own, *arguments = inspect.signature(model.__init__).parameters.values()  # type: ignore[misc]
    shown = [
        argument.replace(kind=inspect.Parameter.KEYWORD_ONLY, default=_Unchanged())
        for argument in arguments
    ]
    replaced.__signature__ = inspect.Signature([own, *shown])  # type: ignore[attr-defined]
    return replaced


def bath_degrees(operator: Operator) -> tuple[int, ...]:
    """Numbers of operators f_0, f_0^+ in the parts of an operator, ascending.

    The strings ``1, f, f^+, n - 1/2`` of each spin, of degree 0, 1, 1 and 2, are an orthogonal
    basis of the operators on f_0; a multiple of the identity on the whole space does not count.

    Examples
    --------
    >>> from kadanoff.impurities.models.operators import BATH, Orbital, dot
    >>> space = Space([Orbital("d"), BATH])
    >>> bath_degrees(space.hop("d", "f0")), bath_degrees(dot(space.S("d"), space.S("f0")))
    ((1,), (2,))
    >>> bath_degrees(space.n("f0")), bath_degrees(space.n("d") * space.n("f0"))
    ((2,), (0, 2))
    """
    baths = operator.space.baths
    size = 4 ** len(baths)
    d = operator.space.dimension // size
    M = operator.matrix.reshape(d, size, d, size)
    largest = np.abs(operator.matrix).max(initial=0.0)
    found = set()
    for degrees, string in bath_strings(baths):
        degree = sum(degrees)
        # The Jordan-Wigner string of f_0 over the impurity is a sign of each row: no norm changes.
        part = np.einsum("aibj,ij->ab", M, string) / np.sum(string**2)
        if degree == 0:
            part -= np.trace(part) / d * np.eye(d)
        if np.abs(part).max() > ROUNDING * largest:
            found.add(degree)
    return tuple(sorted(found))


@lru_cache(maxsize=4)
def bath_strings(baths: tuple[Orbital, ...]) -> tuple[tuple[tuple[int, ...], FloatArray], ...]:
    """The strings of :func:`bath_degrees`: degrees in f_0up, f_0dn, g_0up, ..., and the matrix."""
    space = Space(baths)
    strings: list[tuple[tuple[int, ...], Operator]] = [((), space.identity)]
    for orbital in baths:
        for f, n in (
            (space.c(orbital.name, "up"), space.n(orbital.name, "up")),
            (space.c(orbital.name, "dn"), space.n(orbital.name, "dn")),
        ):
            mode = [(0, space.identity), (1, f), (1, f.dag), (2, n - 0.5)]
            strings = [((*a, b), left * right) for a, left in strings for b, right in mode]
    return tuple((degrees, string.matrix) for degrees, string in strings)


def _degree(name: str, operator: Operator) -> int:
    """The power of sqrt(A) with which a term scales."""
    degrees = bath_degrees(operator)
    if len(degrees) > 1:
        raise ValueError(
            f"the term {name!r} holds parts with {' and '.join(map(str, degrees))} operators "
            "f_0, which scale differently with the hybridisation strength (A_Lambda, or a band "
            "that is not normalised); give each part a parameter of its own, and count n_0 from "
            "half filling (n_0 - 1, or n_0s - 1/2)"
        )
    return degrees[0] if degrees else 0


def resolve_band(band: Band | None, D: float | None) -> Band:
    """The band, or the flat one of that half bandwidth."""
    if not isinstance(band, Band | None):
        raise TypeError(f"band must be a band such as kadanoff.bands.FlatBand(), got {band!r}")
    if band is None:
        return FlatBand() if D is None else FlatBand(D=D)
    if D is not None:
        raise ValueError(
            f"give band or D, not both, got band={band!r} and D={D!r}; "
            "D is the half bandwidth of the flat band"
        )
    return band


def band_arguments(band: Band) -> dict[str, Any]:
    """The argument that gives this band: nothing, D or band."""
    if isinstance(band, FlatBand):
        return {} if band == FlatBand() else {"D": band.D}
    return {"band": band}


def set_fields(model: object, **values: Any) -> None:
    """Fill the fields of a frozen dataclass."""
    for name, value in values.items():
        object.__setattr__(model, name, value)


def brief(model: object) -> str:
    """The model on one line, its numbers with five digits.

    Examples
    --------
    >>> from kadanoff.impurities.models import KondoModel
    >>> brief(KondoModel(J=0.123456789))
    'KondoModel(J=0.12346)'
    """
    return re.sub(r"\d+\.\d{6,}(e[-+]?\d+)?", lambda m: f"{float(m[0]):.5g}", repr(model))
