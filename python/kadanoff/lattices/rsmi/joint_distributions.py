r"""Exact joint distributions of block and environment, P(v, e).

    I(V : E), I(H : E) of any rule, its gradient, and the best filter, without samples.

A `JointDistribution` is P(e) and P(v | e). Environments that act on the block in the same way are
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, BoolArray, FloatArray
from kadanoff.lattices.blockspin.enumeration import (
    coupling,
    enumerable_spins,
    lattice_sides,
    spins,
)
from kadanoff.lattices.blockspin.rules import BlockRule
from kadanoff.lattices.rsmi.elimination import partial_sum
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.objective import coarse_table, information, information_gradient
from kadanoff.lattices.rsmi.rules import FilterRule, checked_units

__all__ = [
    "JointDistribution",
    "chain",
    "checked_joint",
    "joint_distribution",
    "slab",
    "torus",
    "window_log_Z",
]

MAX_SIDE = 1024  # sites of a torus along an axis
ROUNDED = 1e-10  # of an amplitude relative to the largest


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class JointDistribution:
    """P(v, e) = P(e) P(v | e).

    Parameters
    ----------
    weights : array, shape (environments,)
        Probabilities P(e).
    conditional : array, shape (environments, states)
        Probabilities P(v | e).
    states : array, shape (states, features)
        Inputs of a filter in every state of the block: for spins, the spins.
    shape : tuple of int
        Shape of a filter.
    about : str, optional
        Origin of the distribution, for `repr`.

    Examples
    --------
    >>> pair = JointDistribution(
    ...     weights=np.array([0.5, 0.5]),
    ...     conditional=np.array([[0.8, 0.2], [0.2, 0.8]]),
    ...     states=np.array([[1.0], [-1.0]]),
    ...     shape=(1,),
    ... )
    >>> pair, round(pair.mutual_information, 4)
    (JointDistribution(2 states, 2 environments), 0.1927)
    """

    weights: FloatArray
    conditional: FloatArray
    states: AnyArray
    shape: tuple[int, ...]
    about: str = ""

    def __repr__(self) -> str:
        e, v = self.conditional.shape
        origin = f"{self.about}: " if self.about else ""
        return f"{type(self).__name__}({origin}{v} states, {e} environments)"

    def whole(self, filters: FloatArray) -> FloatArray:
        """Filters of shape (units, *shape), from flat ones."""
        return filters.reshape(-1, *self.shape)

    @property
    def mutual_information(self) -> float:
        """I(V : E) in nats, the upper bound of I(H : E) for any coarse variable."""
        return information(self.weights, self.conditional, np.eye(len(self.states)))[0]

    def information(self, rule: BlockRule | ArrayLike, bias: ArrayLike = 0.0) -> float:
        """I(H : E), nats.

        Parameters
        ----------
        rule : BlockRule or array, shape of the block or (units, *block)
            A rule of :mod:`kadanoff.blockspin`, one made by `learn`, or filters lambda.
        bias : float or array, shape (units,), default 0
            Bias of filters; a rule has its own.

        Raises
        ------
        TypeError, ValueError
            A rule for other blocks, a bias that accompanies a rule, or more than 12 hidden units.
        """
        return information(self.weights, self.conditional, self.table(rule, bias))[0]

    def of_values(self, values: ArrayLike) -> float:
        """I(H : E) of a function h(v), given as one label per state."""
        labels = np.asarray(values)
        if labels.shape != (len(self.states),):
            raise ValueError(f"values must have shape ({len(self.states)},), got {labels.shape}")
        found = np.unique(labels, return_inverse=True)[1]
        table = np.eye(int(found.max()) + 1)[found]
        return information(self.weights, self.conditional, table)[0]

    def table(self, rule: BlockRule | ArrayLike, bias: ArrayLike = 0.0) -> FloatArray:
        """P(h | v), shape (states, values)."""
        if not isinstance(rule, BlockRule):
            filters = self._filters("rule", rule)
            return coarse_table(self.states @ filters.T + _biases(bias, len(filters)))
        if _biases(bias, rule.units if isinstance(rule, FilterRule) else 1).any():
            raise ValueError(f"bias belongs to filters; the rule {rule!r} has its own")
        size = self.states.shape[1]
        if rule.sites != size:
            raise ValueError(f"rule must be for blocks of {size} variables, got {rule!r}")
        if isinstance(rule, FilterRule):
            checked_units("rule.units", rule.units)
            return coarse_table(self.states @ rule.filters.reshape(rule.units, -1).T + rule.bias)
        up = rule.probability(self.states.astype(np.int8))
        return np.stack([up, 1 - up], axis=-1)

    def _filters(self, name: str, value: ArrayLike) -> FloatArray:
        filters = checks.array(name, value)
        size = self.states.shape[1]
        if filters.size == 0 or filters.size % size:
            raise ValueError(
                f"{name} must be filters of shape {self.shape}, got shape {filters.shape}"
            )
        checked_units(f"units of {name}", filters.size // size)
        return filters.reshape(-1, size)

    def gradient(self, filters: ArrayLike, bias: ArrayLike = 0.0) -> FloatArray:
        """dI / dlambda, in the shape of the filters; analytic."""
        given = np.asarray(filters)
        flat = self._filters("filters", filters)
        b = _biases(bias, len(flat))
        return information_gradient(self.weights, self.conditional, self.states, flat, b)[
            1
        ].reshape(given.shape)


def _biases(value: ArrayLike, units: int) -> FloatArray:
    bias = checks.array("bias", value, ndim=(0, 1))
    if bias.size not in (1, units):
        raise ValueError(f"bias must have one entry per unit, {units}, got shape {bias.shape}")
    return np.broadcast_to(bias, (units,))


def checked_joint(value: object) -> JointDistribution:
    """A joint distribution."""
    if not isinstance(value, JointDistribution):
        raise TypeError(f"joint must be a JointDistribution, got {value!r}")
    return value


@public
def joint_distribution(
    probabilities: ArrayLike,
    states: ArrayLike,
    shape: tuple[int, ...] | None = None,
    *,
    about: str = "",
) -> JointDistribution:
    """Make a joint distribution from a table P(v, e).

    Parameters
    ----------
    probabilities : array, shape (states, environments)
        Probabilities P(v, e), of any normalisation.
    states : array, shape (states, features)
        Inputs of a filter in every state of the block.
    shape : tuple of int, optional
        Shape of a filter; default (features,).
    about : str, optional
        Origin of the distribution, for `repr`.

    Returns
    -------
    JointDistribution
        The normalised distribution, without environments of zero probability.

    Raises
    ------
    TypeError
        Arrays that hold no real numbers.
    ValueError
        Negative probabilities, or shapes that do not belong together.

    Examples
    --------
    >>> joint = joint_distribution([[0.4, 0.1], [0.1, 0.4]], [[1], [-1]])
    >>> print(f"{joint.mutual_information:.4f}")
    0.1927
    """
    p = checks.array("probabilities", probabilities, ndim=2)
    features = checks.array("states", states, ndim=2)
    if (p < 0).any() or not p.sum() > 0 or len(features) != len(p):
        raise ValueError(
            "probabilities must not be negative and must have a row for each of the "
            f"{len(features)} states, got shape {p.shape}"
        )
    given = (features.shape[1],) if shape is None else lattice_sides("shape", shape)
    if not isinstance(about, str):
        raise TypeError(f"about must be a string, got {about!r}")
    if int(np.prod(given)) != features.shape[1]:
        raise ValueError(f"shape must hold {features.shape[1]} weights, got {given}")
    return _normalised(p, features, given, about)


def _normalised(
    p: FloatArray, states: AnyArray, shape: tuple[int, ...], about: str
) -> JointDistribution:
    p = p / p.sum()
    p = p[:, p.sum(axis=0) > 0]
    weights = p.sum(axis=0)
    return JointDistribution(
        weights=weights,
        conditional=np.ascontiguousarray((p / weights).T),
        states=states,
        shape=shape,
        about=about,
    )


@public
def chain(K: float, block: int = 2, buffer: int = 1) -> JointDistribution:
    r"""Infinite Ising chain: the block depends on the nearest environment spin on each side.

        P(v, e, e') ~ (T^(b+1))_{e v_1} T_{v_1 v_2} ... T_{v_{n-1} v_n} (T^(b+1))_{v_n e'}

    Parameters
    ----------
    K : float
        Coupling J / T.
    block, buffer : int
        Sites of the block, at most 24; buffer sites on each side.

    Returns
    -------
    JointDistribution
        P(v, e) of 2^block states and four environments.

    Raises
    ------
    TypeError, ValueError
        A number of another kind or out of range.

    Examples
    --------
    >>> joint = chain(1.0, block=2, buffer=1)
    >>> ratio = joint.information([1000, 0]) / joint.mutual_information
    >>> print(f"{ratio:.7f}")
    0.7595846
    """
    K = coupling("K", K)
    n = enumerable_spins("block", block)
    b = checks.whole("buffer", buffer, least=0)
    t = np.tanh(K)
    s = np.array([1.0, -1.0])
    far = (1 + t ** (b + 1) * np.outer(s, s)) / 2
    v = spins(n)
    inside = np.exp(K * (np.sum(v[:, 1:] * v[:, :-1], axis=1) - (n - 1) * np.sign(K)))
    left, right = far[(1 - v[:, 0]) // 2], far[(1 - v[:, -1]) // 2]
    p = inside[:, None, None] * left[:, :, None] * right[:, None, :]
    return _normalised(p.reshape(len(v), 4), v.astype(float), (n,), f"chain, K = {K:g}")


def window_log_Z(
    fields: FloatArray, block: BoolArray, kx: float, ky: float, keywords: Mapping[str, Any]
) -> FloatArray:
    """ln Z of windows in fields (over temperature), for all states of the block: Rust.

    Parameters
    ----------
    fields : array, shape (n, sites of the window)
    block : bool array, shape of the window
    kx, ky : float
        Couplings over temperature.
    keywords : mapping
        Keywords of the call, see :meth:`kadanoff._base.running.Run.calling`.

    Returns
    -------
    array, shape (n, 2^k)
        States in the order of :func:`kadanoff.blockspin.spins`.
    """
    h, w = block.shape
    log = _core.ising_windows(
        h,
        w,
        kx,
        ky,
        np.ascontiguousarray(fields, dtype=np.float64).ravel(),
        np.flatnonzero(block).tolist(),
        **keywords,
    )
    # There a set bit is an up spin; here it is a down spin.
    return np.asarray(log.reshape(len(fields), -1)[:, ::-1])


@public
def torus(
    shape: int | Sequence[int],
    T: float,
    *,
    block: tuple[int, int] = (2, 2),
    buffer: int = 1,
    J: float = 1.0,
) -> JointDistribution:
    """Sum the buffer, and all spins that do not touch it, exactly: P(v, e) of an Ising torus.

    Parameters
    ----------
    shape : int or (int, int)
        Sites along each axis.
    T : float
        Temperature, in the unit of `J` (k_B = 1).
    block : (int, int), default (2, 2)
        Sites of the block along each axis.
    buffer : int, default 1
        Width of the buffer, in sites.
    J : float, default 1
        Coupling of nearest neighbours.

    Returns
    -------
    JointDistribution
        P(v, e) of the block and the spins that touch the buffer.

    Raises
    ------
    TypeError
        Arguments of another kind.
    ValueError
        A number out of range, or a lattice too large to be summed.

    Notes
    -----
    Only the spins next to the buffer act on it, and only by the fields that they add up to. Their
    distribution comes from variable elimination, the window's sums from a transfer matrix.

    Examples
    --------
    >>> from kadanoff.lattices.ising import T_c
    >>> joint = torus(6, T_c)
    >>> print(f"{joint.mutual_information:.6f} {joint.information(np.full(4, 1000.0)):.6f}")
    0.549401 0.461045
    """
    size = (
        (checks.whole("shape", shape, most=MAX_SIDE),) * 2
        if isinstance(shape, int | np.integer)
        else lattice_sides("shape", shape, dimension=2, most=MAX_SIDE)
    )
    g = Geometry(size, block, buffer=buffer, shell=max(size))
    K = coupling("J / T", checks.real("J", J) / checks.real("T", T, above=0))
    if any(side + 2 * buffer >= n for side, n in zip(g.block, g.lattice, strict=True)):
        raise ValueError(
            f"block and buffer {g.window} must be smaller than the torus {g.lattice} on both axes"
        )
    height, width = g.window
    inside = {
        tuple(int(c) for c in x % np.array(g.lattice))
        for x in np.argwhere(np.ones(g.window)) - g.buffer
    }
    touching: dict[tuple[int, int], list[int]] = {}
    bonds: list[tuple[int, int, float]] = []
    number = {s: i for i, s in enumerate(np.ndindex(*g.lattice))}
    for (y, x), i in number.items():
        for dy, dx in ((1, 0), (0, 1)):
            other = ((y + dy) % g.lattice[0], (x + dx) % g.lattice[1])
            ends = [(y, x) in inside, other in inside]
            if not any(ends):
                bonds.append((i, number[other], K))
            elif not all(ends):
                outer, inner = (other, (y, x)) if ends[0] else ((y, x), other)
                at = [int(c + g.buffer) % n for c, n in zip(inner, g.lattice, strict=True)]
                touching.setdefault(outer, []).append(at[0] * width + at[1])
    kept = [number[s] for s in touching]
    enumerable_spins("spins around the buffer", len(kept))
    factor, _ = partial_sum(bonds, kept, [i for s, i in number.items() if s not in inside])
    weight = factor.transpose(range(len(kept))[::-1]).ravel()  # spin 0 is the lowest bit
    e = spins(len(kept))
    fields = np.zeros((len(e), height * width), dtype=np.int8)
    for k, sites in enumerate(touching.values()):
        for site in sites:
            fields[:, site] += e[:, k]
    acting = np.flatnonzero(np.abs(fields).max(axis=0))
    # A number in base 5 per set of fields: only different ones need a window.
    code = np.zeros(len(e), dtype=np.int64)
    for column in acting:
        code = code * 5 + fields[:, column] + 2
    _, first, of = np.unique(code, return_index=True, return_inverse=True)
    mask = np.zeros(g.window, dtype=bool)
    mask[tuple((g.visible + g.buffer).T)] = True
    log = window_log_Z(K * fields[first].astype(float), mask, K, K, {})
    total = np.bincount(of, weights=weight)
    p = np.exp(log - log.max()) * total[:, None]
    about = f"{size[0]} x {size[1]} torus, T = {T:g}"
    return _normalised(p.T, spins(len(g.visible)).astype(float), g.block, about)


@public
def slab(circumference: int, T: float, *, steps: int = 1) -> tuple[JointDistribution, FloatArray]:
    r"""Joint distribution of two rings of spins on an infinite cylinder, `steps` rows apart.

        P(v, e) = psi_0(v) (T/t_0)^steps_{v e} psi_0(e)

    Parameters
    ----------
    circumference : int
        Spins of a ring, at most 12.
    T : float
        Temperature in units of J / k_B.
    steps : int, default 1
        Rows between the two rings.

    Returns
    -------
    joint : JointDistribution
        Block: one ring; environment: the ring `steps` rows further on.
    leading : array, shape (2^circumference,)
        Ratio psi_1(v) / psi_0(v), of the first excited eigenvector of the transfer matrix: the
        function of v that reaches a distant environment, the operator of smallest scaling
        dimension.

    Raises
    ------
    TypeError, ValueError
        A number of another kind or out of range.

    Notes
    -----
    For many steps ``P(v, e) / P(v) P(e) = 1 + (t_1/t_0)^steps r(v) r(e) + ...``, so that the
    best h(v) has the sign of r. The transfer matrix of 2^circumference rows is diagonalised.

    Examples
    --------
    >>> joint, leading = slab(4, 2.5, steps=3)
    >>> print(f"{joint.of_values(leading > 0):.5f} of {joint.mutual_information:.5f} nats")
    0.07477 of 0.08764 nats
    """
    n = checks.whole("circumference", circumference, most=12, hint="2^n states are diagonalised")
    rows = checks.whole("steps", steps)
    K = coupling("1 / T", 1 / checks.real("T", T, above=0))
    v = spins(n).astype(float)
    within = np.exp(K / 2 * np.sum(v * np.roll(v, 1, axis=1), axis=1))
    transfer = within[:, None] * np.exp(K * v @ v.T) * within
    values, vectors = np.linalg.eigh(transfer)
    ground, first = np.abs(vectors[:, -1]), vectors[:, -2]
    power = np.linalg.matrix_power(transfer / values[-1], rows)
    p = ground[:, None] * power * ground
    leading = first / ground
    if leading[0] < 0:
        leading = -leading
    # Zero by symmetry for rows with as many spins up as down: rounding must not choose a sign.
    leading[np.abs(leading) < ROUNDED * leading[0]] = 0.0
    return _normalised(p, v, (n,), f"slab of {n}"), leading
