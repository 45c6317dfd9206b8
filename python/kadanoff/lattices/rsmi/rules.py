r"""Learned rules: filters, and the information that they retain.

P(h | v) = prod_j 1 / (1 + exp(-2 h_j (lambda_j.v + b_j)))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, FloatArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.blockspin.rules import BlockRule, blocks_of, configurations_of, sides
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.objective import coarse_table, sigmoid_tables
from kadanoff.lattices.rsmi.samples import as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MAX_UNITS", "FilterRule", "Information", "checked_bound", "checked_units"]


MEANINGS = {
    "exact": "I(H:E) of an exact joint distribution",
    "oracle": "I(H:E), environments sampled, block and buffer summed exactly",
    "certified": "lower bound of I(H:E) on data held out from learning",
    "proxy": "the 2018 proxy: I(H:E) minus a conditional lautum information",
    "infonce": "InfoNCE bound of a relaxed h, whose graded values tell more than a binary h can",
}


MAX_UNITS = 12
"""Hidden units of one block: their 2^n values are summed for each state of the block."""


def checked_units(name: str, value: object) -> int:
    """A number of hidden units whose values can be summed."""
    return checks.whole(name, value, most=MAX_UNITS, hint="2^units values are summed")


def checked_bound(bound: object) -> float:
    """A bound on |lambda_i|; infinite for none."""
    if bound is None or (isinstance(bound, float | np.floating) and bound == np.inf):
        return np.inf
    return checks.real("bound", bound, above=0, hint="take infinity for no bound")


@public
@dataclass(frozen=True)
class Information:
    """A value of mutual information in nats, with its error and its meaning.

    Parameters
    ----------
    value, error : float
        Value and standard deviation, in nats. The error is 0 if nothing is sampled, and infinite if
        it cannot be estimated.
    kind : {"exact", "oracle", "certified", "proxy", "infonce"}
        Meaning of the value, spelt out in `meaning`.
    n : int, default 0
        Number of blocks in the sample; 0 if nothing is sampled.
    seed : int or None
        Seed of the random numbers of the error; None if nothing is sampled.

    Raises
    ------
    TypeError, ValueError
        Values that are no real numbers, a negative error, or an unknown kind.

    Examples
    --------
    >>> print(Information(0.4540, 0.0021, "certified", 120_000))
    0.4540 +- 0.0021 nats (lower bound of I(H:E) on data held out from learning)
    """

    value: float
    error: float
    kind: str
    n: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        checks.choice("kind", self.kind, MEANINGS)
        checks.real("value", self.value)
        if not (isinstance(self.error, float) and self.error == np.inf):
            checks.real("error", self.error, least=0)
        checks.whole("n", self.n, least=0)
        if self.seed is not None:
            checks.seed(self.seed)

    @property
    def mean(self) -> float:
        """The value."""
        return self.value

    @property
    def meaning(self) -> str:
        """The kind in words."""
        return MEANINGS[self.kind]

    def __repr__(self) -> str:
        error = f" +- {self.error:.2g}" if self.error else ""
        return f"Information({self.value:.4g}{error} nats, {self.kind})"

    def __str__(self) -> str:
        if self.error == 0:
            return f"{self.value:.9g} nats ({self.meaning})"
        digits = max(0, 1 - int(np.floor(np.log10(self.error))))
        return f"{self.value:.{digits}f} +- {self.error:.{digits}f} nats ({self.meaning})"


@public
@dataclass(frozen=True, eq=False)
class FilterRule(BlockRule):
    """A block rule with a linear filter for each hidden unit.

    Parameters
    ----------
    filters : array, shape (units, *block)
        Weights lambda.
    bias : array, shape (units,), default 0
        Biases b.
    information : Information or None
        Information of the block variable about the environment.
    geometry : Geometry or None
        Block, buffer and environment that the rule was learned for.
    bound : float, default infinity
        Bound on |lambda_i| during learning.
    history : array, shape (evaluations,)
        The objective at each evaluation of the best start.
    converged : bool, default True
        Whether the optimiser converged.
    seed : int or None
        Seed of learning; None for a rule that was not learned.

    Raises
    ------
    TypeError
        A field of another kind.
    ValueError
        Filters without the shape (units, *block) or not finite, or a bias for another number of
        units.

    Examples
    --------
    >>> FilterRule([[[0.0, 1000.0]]]).apply([[1, -1, -1, 1]]).tolist()
    [[-1, 1]]
    """

    filters: FloatArray
    bias: FloatArray = field(default_factory=lambda: np.zeros(1))
    information: Information | None = None
    geometry: Geometry | None = None
    bound: float = np.inf
    history: FloatArray = field(default_factory=lambda: np.zeros(0), repr=False)
    converged: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        filters = checks.array("filters", self.filters)
        if filters.ndim < 2 or filters.size == 0:
            raise ValueError(f"filters must have shape (units, *block), got {filters.shape}")
        bias = checks.array("bias", self.bias, ndim=(0, 1))
        if bias.size not in (1, len(filters)):
            raise ValueError(
                f"bias must have one entry per unit, {len(filters)}, got shape {bias.shape}"
            )
        bias = np.broadcast_to(bias, (len(filters),)).copy()
        filters.setflags(write=False)
        bias.setflags(write=False)
        for name, kind in (("information", Information), ("geometry", Geometry)):
            if (value := getattr(self, name)) is not None and not isinstance(value, kind):
                raise TypeError(f"{name} must be of class {kind.__name__} or None, got {value!r}")
        object.__setattr__(self, "filters", filters)
        object.__setattr__(self, "bias", bias)
        object.__setattr__(self, "bound", checked_bound(self.bound))
        object.__setattr__(self, "history", checks.array("history", self.history, ndim=1))
        object.__setattr__(self, "converged", checks.flag("converged", self.converged))
        if self.seed is not None:
            checks.seed(self.seed)

    def __repr__(self) -> str:
        units = f"{self.units} unit{'s' if self.units > 1 else ''}"
        largest = f"|lambda| <= {np.abs(self.filters).max():.4g}"
        parts = [units, f"block {sides(self.shape)}", largest]
        if self.information is not None:
            parts.append(repr(self.information).partition("(")[2][:-1])
        if not self.converged:
            parts.append("not converged")
        return f"FilterRule({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "hidden units": self.units,
            "block": sides(self.shape),
            "largest |lambda|": float(np.abs(self.filters).max()),
            "bound": self.bound,
        }
        if self.information is not None:
            rows["I(H:E)"] = str(self.information)
        if self.seed is not None:
            rows["seed"] = self.seed
        rows["converged"] = self.converged
        return html.table("Block rule", rows, html.sparkline(self.history))

    @property
    def units(self) -> int:
        """Hidden units."""
        return len(self.filters)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the block."""
        return self.filters.shape[1:]

    def field(self, v: ArrayLike) -> FloatArray:
        """lambda_j.v + b_j, v of shape (..., sites); shape (..., units)."""
        states = np.asarray(v)
        if states.ndim == 0 or states.shape[-1] != self.sites:
            raise ValueError(f"v must have {self.sites} entries, got shape {states.shape}")
        return np.asarray(states @ self.filters.reshape(self.units, -1).T + self.bias)

    def probability(self, v: ArrayLike) -> FloatArray:
        """P(h = +1 | v), shape (...) for one unit and (..., units) for several."""
        up = sigmoid_tables(self.field(v))
        return up[..., 0] if self.units == 1 else up

    def table(self) -> FloatArray:
        """P(h | v), shape (2^sites, 2^units)."""
        return coarse_table(self.field(spins(self.sites)))

    def known(self, information: Information, geometry: Geometry | None = None) -> FilterRule:
        """The same rule with its information, and the geometry of that."""
        return replace(self, information=information, geometry=geometry)

    def shaped(self, whole: Callable[[FloatArray], FloatArray]) -> FilterRule:
        """The same rule with its flat filters in the shape of a block, which `whole` gives."""
        return replace(self, filters=whole(self.filters.reshape(self.units, -1)))

    def restricted(self, whole: Callable[[FloatArray], FloatArray], features: int) -> FilterRule:
        """The same rule with flat filters, of the variables that exist."""
        kept = np.flatnonzero(whole(np.arange(1.0, features + 1)[None]).ravel())
        return replace(self, filters=self.filters.reshape(self.units, -1)[:, kept])

    def flipped(self, *units: int) -> FilterRule:
        """The same rule with the signs of these units reversed."""
        sign = np.ones(self.units)
        last = self.units - 1
        sign[[checks.whole("units", unit, least=0, most=last) for unit in units]] = -1
        shaped = sign.reshape(-1, *(1,) * len(self.shape))
        # + 0: no weights that print as -0.
        return replace(self, filters=self.filters * shaped + 0.0, bias=self.bias * sign + 0.0)

    def aligned(self, other: FilterRule | None = None) -> FilterRule:
        """The same rule with the signs of another rule (on average), or with positive sums.

        A filter and its negative hold the same information; a flow that alternates between them
        would hide its fixed point.
        """
        own = self.filters.reshape(self.units, -1)
        if other is None:
            total = own.sum(axis=1)
            # The largest weight decides the sign of a pattern whose sum vanishes.
            small = np.abs(total) < 1e-3 * np.abs(own).sum(axis=1)
            total = np.where(small, own[np.arange(self.units), np.abs(own).argmax(axis=1)], total)
        else:
            total = np.sum(own * other.filters.reshape(other.units, -1), axis=1)
        return self.flipped(*np.flatnonzero(total < 0).tolist())

    @public
    def apply(self, configurations: Any, *, seed: int | None = None) -> SpinArray:
        """Draw the hidden units of all blocks.

        Parameters
        ----------
        configurations : IsingSamples, or array of +-1, shape (..., L_1, ..., L_d)
            Spin configurations.
        seed : int, optional
            Seed of the hidden units, which are drawn from P(h | v); drawn if not given.

        Returns
        -------
        array of int8, shape (..., L_1 / b_1, ..., L_d / b_d)
            Hidden units +-1; for several units with a last axis of length `units`.

        Raises
        ------
        TypeError, ValueError
            Entries other than +-1, sizes that the block does not divide.
        """
        given = self.checked(configurations)
        return self.draw(given, np.random.default_rng([checks.seed(seed), given.shape[-1]]))

    def checked(self, configurations: Any) -> AnyArray:
        """Configurations of +-1; 0 where dimers leave a variable undefined."""
        given = as_array(configurations)
        if given.dtype == np.int8 and self.geometry is not None and (given == 0).any():
            return given
        return configurations_of(given, self.shape)

    def draw(self, configurations: SpinArray, rng: np.random.Generator) -> SpinArray:
        """Hidden units of configurations."""
        configurations = self.checked(configurations)
        d = len(self.shape)
        lead, lattice = configurations.shape[:-d], configurations.shape[-d:]
        flat = configurations.reshape(-1, *lattice)
        coarse = tuple(n // b for n, b in zip(lattice, self.shape, strict=True))
        out = np.empty((len(flat), *coarse, self.units), dtype=np.int8)
        filters = self.filters.reshape(self.units, -1).T.astype(np.float32)
        each = max(1, (1 << 22) // flat[0].size) if len(flat) else 1
        for k in range(0, len(flat), each):
            part = blocks_of(flat[k : k + each], self.shape)
            lean = np.tanh(part.astype(np.float32) @ filters + self.bias.astype(np.float32))
            uniform = 2 * rng.random(lean.shape, dtype=np.float32) - 1
            out[k : k + each] = np.where(uniform < lean, np.int8(1), np.int8(-1))
        shaped = out.reshape(*lead, *coarse, self.units)
        return shaped[..., 0] if self.units == 1 else shaped

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """The filters as images. Returns the axes."""
        from kadanoff.lattices.rsmi.plots import plot_filters

        return plot_filters(self, ax=ax, **style)
