r"""Restricted Boltzmann machines as matrix product states, and back.

    f(v) = sum_h e^{a.v + b.h + v.W.h} = prod_i e^{a_i v_i} prod_j 2 cosh(b_j + (vW)_j)
         = A_1[v_1] A_2[v_2] ... A_n[v_n]

Every hidden unit is a sum of two product states, so a factor of bond dimension two between the
first and the last visible unit that it is connected to; a bond that m hidden units cross has
dimension 2^m before compression [1]_. The Schmidt rank may be smaller, and the entanglement of f,
taken as a wave function, obeys ``S <= ln(rank) <= m ln 2`` and, for any f of n units, ``S <= min(l,
n - l) ln 2``. The other way, :func:`kadanoff.blockspin.mps_to_rbm`: there is a machine with one
hidden unit for each pair wherever ``ln f`` has no products of more than two spins.

References
----------
.. [1] J. Chen, S. Cheng, H. Xie, L. Wang, T. Xiang, Phys. Rev. B 97, 085104 (2018),
       doi:10.1103/PhysRevB.97.085104
.. [2] U. Schollwöck, Ann. Phys. 326, 96 (2011), section 4, doi:10.1016/j.aop.2010.09.012
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import rbm
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, FloatArray, IntArray
from kadanoff.lattices.blockspin.enumeration import enumerable_spins
from kadanoff.lattices.blockspin.machines import LayeredMachine

__all__ = ["MatrixProduct", "cut_hidden_units", "rbm_to_mps"]

UNITS = ("spin", "binary")
MAX_BOND = 1024
ROUNDING = 1e-13
"""Singular values below this fraction of the largest are rounding: the matrices that are
decomposed hold products of a few numbers, each good to 2e-16."""


@public
@dataclass(frozen=True, eq=False)
class MatrixProduct:
    """A matrix product state of spins, f(v) = e^c A_1[v_1] ... A_n[v_n] with v_i = +-1.

    Parameters
    ----------
    tensors : tuple of arrays, shapes (left, 2, right)
        Tensors A_i; the middle index is 0 for v_i = +1 and 1 for v_i = -1. The outermost bonds
        have dimension one.
    log_scale : float, default 0
        Exponent c, which keeps the tensors of order one.

    Raises
    ------
    ValueError
        No tensors, tensors that are not finite, or bonds that do not fit together.

    Examples
    --------
    A cat state of two spins, with an entanglement entropy of ln 2:

    >>> A = np.zeros((1, 2, 2))
    >>> A[0, 0, 0] = A[0, 1, 1] = 1
    >>> cat = MatrixProduct((A, A.transpose(2, 1, 0)))
    >>> cat, cat.dense().tolist(), cat.entropies().round(6).tolist()
    (MatrixProduct(n=2, bonds=(2,)), [1.0, 0.0, 0.0, 1.0], [0.693147])
    """

    tensors: tuple[AnyArray, ...]
    log_scale: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.tensors, Sequence):
            raise TypeError(f"tensors must be a sequence of arrays, got {self.tensors!r}")
        tensors = tuple(_numbers(f"tensors[{i}]", A) for i, A in enumerate(self.tensors))
        if not tensors:
            raise ValueError("a matrix product needs at least one tensor")
        right = 1
        for i, A in enumerate(tensors):
            if A.ndim != 3 or A.shape[:2] != (right, 2):
                raise ValueError(
                    f"tensors[{i}] must have shape ({right}, 2, right bond), got {A.shape}"
                )
            right = A.shape[2]
        if right != 1:
            raise ValueError(f"the last bond must have dimension 1, got {right}")
        object.__setattr__(self, "tensors", tensors)
        object.__setattr__(self, "log_scale", checks.real("log_scale", self.log_scale))

    @property
    def n(self) -> int:
        """Number of spins."""
        return len(self.tensors)

    @property
    def bonds(self) -> tuple[int, ...]:
        """Dimensions of the n - 1 inner bonds."""
        return tuple(A.shape[2] for A in self.tensors[:-1])

    def __repr__(self) -> str:
        bonds = str(self.bonds) if self.n <= 9 else f"{min(self.bonds)} to {max(self.bonds)}"
        return f"MatrixProduct(n={self.n}, bonds={bonds})"

    def amplitudes(self, v: ArrayLike) -> AnyArray:
        """f(v) of configurations of +-1, shape (..., n)."""
        phase, log = self.log_amplitudes(v)
        return np.asarray(phase * np.exp(log))

    def log_amplitudes(self, v: ArrayLike) -> tuple[AnyArray, FloatArray]:
        """(phase, ln |f|) of configurations; phase 0 and -inf where f = 0."""
        states = np.asarray(v)
        if states.ndim == 0 or states.shape[-1] != self.n or not (np.abs(states) == 1).all():
            raise ValueError(f"v must hold +-1 in shape (..., {self.n}), got {states.shape}")
        flat = states.reshape(-1, self.n)
        row = np.ones((len(flat), 1, 1))
        log = np.full(len(flat), self.log_scale)
        for i, A in enumerate(self.tensors):
            matrices = A[:, (1 - flat[:, i]) // 2].transpose(1, 0, 2)
            row = row @ matrices
            size = np.abs(row).max(axis=(1, 2))
            nonzero = np.where(size > 0, size, 1.0)
            row = row / nonzero[:, None, None]
            log = log + np.where(size > 0, np.log(nonzero), -np.inf)
        last = row[:, 0, 0]
        return last.reshape(states.shape[:-1]), log.reshape(states.shape[:-1])

    def dense(self) -> AnyArray:
        """f of all 2^n states, in the order of :func:`kadanoff.blockspin.spins`."""
        enumerable_spins("n", self.n)
        out = np.ones((1, 1))
        for A in self.tensors:  # site 0 is the lowest bit
            out = np.einsum("xl,lsr->sxr", out, A, optimize=True).reshape(-1, A.shape[2])
        return np.asarray(out[:, 0] * math.exp(self.log_scale))

    def overlap(self, other: MatrixProduct) -> tuple[complex, float]:
        """(c, x) with ``sum_v f(v)* g(v) = c e^x``."""
        if self.n != other.n:
            raise ValueError(f"states of {self.n} and {other.n} spins have no overlap")
        E, log = np.ones((1, 1)), self.log_scale + other.log_scale
        for A, B in zip(self.tensors, other.tensors, strict=True):
            E = np.einsum("lsr,lsq->rq", A.conj(), np.einsum("lm,msq->lsq", E, B))
            size = float(np.abs(E).max())
            if size == 0:
                return 0j, 0.0
            E, log = E / size, log + math.log(size)
        return complex(E[0, 0]), log

    def fidelity(self, other: MatrixProduct) -> float:
        """|<f|g>|^2 / (<f|f> <g|g>), 1 for the same state up to a factor."""
        c, x = self.overlap(other)
        (c_f, x_f), (c_g, x_g) = self.overlap(self), other.overlap(other)
        return float(abs(c) ** 2 / (c_f.real * c_g.real) * math.exp(2 * x - x_f - x_g))

    @public
    def compress(self, *, cutoff: float = ROUNDING, max_bond: int | None = None) -> MatrixProduct:
        """The same state with bonds of its Schmidt rank, or a truncated one.

        Parameters
        ----------
        cutoff : float, default 1e-13
            Singular values below this fraction of the largest of their bond are dropped: the
            default drops rounding errors only.
        max_bond : int, optional
            Largest number of singular values that a bond keeps.

        Returns
        -------
        MatrixProduct
            The state in right-canonical form, except for its scale.

        Raises
        ------
        ValueError
            The state vanishes, or `cutoff` or `max_bond` is out of range.

        Notes
        -----
        A sweep of QR decompositions to the right is followed by one of singular value
        decompositions to the left, at a cost of order n D^3 for bonds of dimension D.
        """
        cutoff = checks.real("cutoff", cutoff, least=0, below=1)
        most = None if max_bond is None else checks.whole("max_bond", max_bond)
        return self._truncated(cutoff, most)

    def _truncated(self, cutoff: float, max_bond: int | None) -> MatrixProduct:
        tensors, log = _left_canonical(self)
        for i in range(len(tensors) - 1, 0, -1):
            A = tensors[i]
            U, s, V = _svd(A.reshape(A.shape[0], -1))
            keep = max(1, int((s > cutoff * s[0]).sum()))
            if max_bond is not None:
                keep = min(keep, max_bond)
            tensors[i] = V[:keep].reshape(keep, 2, -1)
            tensors[i - 1] = np.tensordot(tensors[i - 1], U[:, :keep] * s[:keep], axes=1)
        return MatrixProduct(tuple(tensors), log)

    def schmidt_values(self) -> list[FloatArray]:
        """Schmidt coefficients of f / |f| at each inner bond, descending; squares sum to one."""
        tensors, _ = _left_canonical(self)
        found = []
        for i in range(len(tensors) - 1, 0, -1):
            A = tensors[i]
            U, s, V = _svd(A.reshape(A.shape[0], -1))
            found.append(s / np.linalg.norm(s))
            tensors[i] = V.reshape(len(s), 2, -1)
            tensors[i - 1] = np.tensordot(tensors[i - 1], U * s, axes=1)
        return found[::-1]

    def entropies(self) -> FloatArray:
        """S = -sum p ln p, p the squared Schmidt values, at each inner bond."""
        out = []
        for values in self.schmidt_values():
            p = values[values > 0] ** 2
            out.append(-float((p * np.log(p)).sum()))
        return np.array(out) + 0.0


@public
def rbm_to_mps(
    a: Any,
    b: ArrayLike | None = None,
    W: ArrayLike | None = None,
    *,
    units: str = "spin",
    order: Sequence[int] | None = None,
    compress: bool = False,
    max_bond: int = MAX_BOND,
) -> MatrixProduct:
    """Write a machine as a matrix product, sum_h e^{a.v + b.h + v.W.h} = A_1[v_1] ... A_n[v_n].

    Parameters
    ----------
    a : array, shape (n,), or a machine with attributes a, b, W
        Visible biases; a `LayeredMachine` of two layers, a `kadanoff.rbm.Machine` or a fitted
        `kadanoff.RBM` holds all three, and its units.
    b, W : arrays, shapes (m,) and (n, m)
        Hidden biases and weights. They may be complex: f is then a wave function.
    units : {"spin", "binary"}
        Values of all units: +-1, or 0 and 1. The matrix product is over +-1 in any case, v = 1 for
        +1 and v = 0 for -1.
    order : sequence of int, optional
        Visible units from left to right.
    compress : bool, default False
        Compress after each hidden unit, to the Schmidt rank up to rounding (1e-13), for large
        machines with little entanglement. Otherwise a bond has dimension 2^(hidden units that
        cross it).
    max_bond : int, default 1024
        Largest bond dimension; larger ones raise a ValueError.

    Returns
    -------
    MatrixProduct
        Site i is visible unit ``order[i]``.

    Raises
    ------
    TypeError
        `a` is neither an array nor a machine, or only one of `b` and `W` is given.
    ValueError
        Shapes that disagree, numbers that are not finite, or a bond beyond `max_bond`.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Chain, chain_machine
    >>> machine = chain_machine(8, Chain(K=0.5))
    >>> state = rbm_to_mps(machine)
    >>> state.bonds, state.compress().bonds
    ((4, 4, 4, 4, 4, 4, 4), (2, 4, 4, 4, 4, 4, 2))
    """
    max_bond, compress = checks.whole("max_bond", max_bond), checks.flag("compress", compress)
    a, b, W, constant = _machine(a, b, W, units)
    where = _ordering(order, len(a))
    a, W = a[where], W[where]
    tensors, log = [], constant.real
    for bias in a:
        pair = np.array([bias, -bias])
        top = float(pair.real.max())
        tensors.append(np.exp(pair - top).reshape(1, 2, 1))
        log += top
    if constant.imag:
        tensors[0] = tensors[0] * np.exp(1j * constant.imag)
    state = MatrixProduct(tuple(tensors), log)
    for bias, column in zip(b, W.T, strict=True):
        state = _times_hidden_unit(state, bias, column, max_bond)
        if compress:
            state = state.compress()
    return state


@public
def cut_hidden_units(W: ArrayLike, order: Sequence[int] | None = None) -> IntArray:
    """Count the hidden units m_l with connections to both sides of bond l, for l = 1 ... n - 1.

    ``2^m`` bounds the bond dimension and ``m ln 2`` the entanglement entropy.

    Parameters
    ----------
    W : array, shape (n, m)
        Weights between visible and hidden units; a zero is no connection.
    order : sequence of int, optional
        Visible units from left to right.

    Returns
    -------
    array of int64, shape (n - 1,)
        Hidden units across each bond.

    Raises
    ------
    TypeError, ValueError
        `W` is no matrix of finite numbers, or `order` no permutation of the visible units.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Chain, chain_machine
    >>> cut_hidden_units(chain_machine(5, Chain(K=0.5)).W).tolist()
    [2, 2, 2, 2]
    """
    connected = _numbers("W", W) != 0
    if connected.ndim != 2:
        raise ValueError(f"W must have shape (visible, hidden), got {connected.shape}")
    connected = connected[_ordering(order, len(connected))]
    left = np.logical_or.accumulate(connected, axis=0)[:-1]
    right = np.logical_or.accumulate(connected[::-1], axis=0)[::-1][1:]
    return np.asarray((left & right).sum(axis=1), dtype=np.int64)


def _times_hidden_unit(
    state: MatrixProduct, bias: complex, weights: AnyArray, max_bond: int
) -> MatrixProduct:
    """f(v) 2 cosh(bias + weights.v): a second copy of the bonds that the unit crosses."""
    touched = np.flatnonzero(weights)
    tensors = list(state.tensors)
    first, last = (int(touched[0]), int(touched[-1])) if len(touched) else (0, 0)
    # e^{h (bias + w.v)} for h = +1, -1; the largest modulus of each site is taken out.
    top = np.abs(weights.real)
    log = state.log_scale + float(top.sum() + abs(bias.real))
    h = np.array([1.0, -1.0])
    at_first = np.exp(h * bias - abs(bias.real))
    for i in range(first, last + 1):
        # factor[v, h] = e^{h w v}
        factor = np.exp(weights[i] * np.outer(h, h) - top[i])
        A = tensors[i]
        D_left, _, D_right = A.shape
        if i == first:
            factor = factor * at_first
        if first == last:
            tensors[i] = A * factor.sum(axis=1)[:, None]
        elif i == first:
            tensors[i] = np.einsum("lvr,vh->lvrh", A, factor).reshape(D_left, 2, -1)
        elif i == last:
            tensors[i] = np.einsum("lvr,vh->lhvr", A, factor).reshape(-1, 2, D_right)
        else:
            A = np.einsum("lvr,vh,hk->lhvrk", A, factor, np.eye(2))
            tensors[i] = A.reshape(2 * D_left, 2, 2 * D_right)
        if tensors[i].shape[2] > max_bond:
            raise ValueError(
                f"bond {i + 1} needs dimension {tensors[i].shape[2]}, more than max_bond = "
                f"{max_bond}; order the visible units so that hidden units reach less far, use "
                "compress=True, or raise max_bond"
            )
    return MatrixProduct(tuple(tensors), log)


def _machine(
    a: Any, b: ArrayLike | None, W: ArrayLike | None, units: str
) -> tuple[AnyArray, AnyArray, AnyArray, complex]:
    """Biases and weights for units +-1, and the constant that the change of units leaves."""
    checks.choice("units", units, UNITS)
    if b is None and W is None:
        machine, constant = getattr(a, "machine_", a), 0.0  # of a fitted estimator, or itself
        if isinstance(machine, LayeredMachine):
            constant = machine.constant
        elif isinstance(machine, rbm.Machine):
            machine, constant = machine.to_spin()
        else:
            raise TypeError(f"give a, b and W, or a machine that has them, got {a!r}")
        a, b, W, units = machine.a, machine.b, machine.W, "spin"
    elif b is None or W is None:
        raise TypeError("b and W must be given together")
    else:
        constant = 0.0
    return _ising_units(_numbers("a", a), _numbers("b", b), _numbers("W", W), constant, units)


def _ising_units(
    a: AnyArray, b: AnyArray, W: AnyArray, constant: complex, units: str
) -> tuple[AnyArray, AnyArray, AnyArray, complex]:
    if a.ndim != 1 or b.ndim != 1 or W.shape != (len(a), len(b)) or not len(a):
        raise ValueError(
            f"a, b, W must have shapes (n,), (m,), (n, m), got {a.shape}, {b.shape}, {W.shape}"
        )
    if units == "binary":  # v = (1 + s) / 2, h = (1 + t) / 2
        constant = (a.sum() + b.sum()) / 2 + W.sum() / 4
        a, b, W = a / 2 + W.sum(axis=1) / 4, b / 2 + W.sum(axis=0) / 4, W / 4
    return a, b, W, complex(constant)


def _numbers(name: str, value: Any) -> AnyArray:
    dtype = np.complex128 if np.iscomplexobj(value) else np.float64
    return checks.array(name, value, dtype=dtype)


def _ordering(order: Sequence[int] | None, n: int) -> IntArray:
    where = np.arange(n) if order is None else checks.array("order", order, dtype=np.int64)
    if where.shape != (n,) or sorted(where.tolist()) != list(range(n)):
        raise ValueError(f"order must be a permutation of 0 to {n - 1}, got {order}")
    return where.astype(np.int64)


def _svd(matrix: AnyArray) -> tuple[AnyArray, FloatArray, AnyArray]:
    U, s, V = np.linalg.svd(matrix, full_matrices=False)
    return U, s, V


def _left_canonical(state: MatrixProduct) -> tuple[list[AnyArray], float]:
    """Tensors whose product from the left is orthonormal, the last one excepted."""
    tensors, log = list(state.tensors), state.log_scale
    for i in range(len(tensors) - 1):
        A = tensors[i]
        size = float(np.abs(A).max())
        if size == 0:
            raise ValueError("the state is zero everywhere")
        log += math.log(size)
        Q, R = np.linalg.qr((A / size).reshape(-1, A.shape[2]))
        tensors[i] = Q.reshape(A.shape[0], 2, -1)
        tensors[i + 1] = np.tensordot(R, tensors[i + 1], axes=1)
    size = float(np.abs(tensors[-1]).max())
    if size == 0:
        raise ValueError("the state is zero everywhere")
    tensors[-1] = tensors[-1] / size
    return tensors, log + math.log(size)
