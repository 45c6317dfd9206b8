r"""The Hamiltonian of block spins: exactly, and by cumulants.

    exp K'[X'] = sum_X exp(K[X]) prod_B P(X'_B | X_B),    K = -H/T

``K'[X'] = sum_A K'_A prod_{i in A} X'_i`` holds every product of block spins; its coefficients are
found by a Walsh-Hadamard transform. With ``K = K_0 + K_1``, couplings within and between blocks,

    K'[X'] = ln Z_0 + ln P_0(X') + sum_{k >= 1} C_k[X'] / k!

where Z_0 and P_0 belong to independent blocks and C_k is the k-th cumulant of K_1 in
``P_0(X | X')`` [1]_. A good rule makes few couplings: it is judged by its *rangeness*
``K'_2(2) / K'_2(1)``, the coupling of second neighbours over that of first neighbours, and by its
*n-bodyness* ``K'_4 / K'_2(1)``, that of four adjacent spins.

References
----------
.. [1] P. M. Lenggenhager, D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. X 10,
       011037 (2020), doi:10.1103/PhysRevX.10.011037
.. [2] T. Niemeijer, J. M. J. van Leeuwen, Physica 71, 17 (1974),
       doi:10.1016/0031-8914(74)90044-5
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.lattices.blockspin.decimation import Chain, checked_chain
from kadanoff.lattices.blockspin.enumeration import (
    MAX_SPINS,
    bond_sum,
    coupling,
    enumerable_spins,
    lattice_sides,
    mask_of,
    sites_of,
    spin_sum,
    spins_of_states,
    walsh,
)
from kadanoff.lattices.blockspin.rules import BlockRule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BlockCouplings",
    "block_couplings",
    "block_cumulants",
    "ring_couplings",
    "ring_cumulants",
    "torus_couplings",
    "torus_cumulants",
]

ORDER = 3
MAX_ORDER = 6  # beyond, rounding of the moments grows to 1e-10 of the couplings


@public
@dataclass(frozen=True, eq=False)
class BlockCouplings:
    """K'[X'] = sum_A K'_A prod_{i in A} X'_i of n block spins.

    Parameters
    ----------
    log_weight : array, shape (2^n,)
        K'[X'] for every state of the block spins; the sum of its exponentials is Z.
    values : array, shape (2^n,)
        K'_A, in units of the temperature; block i belongs to A if bit i of the index is set.
    shape : tuple of int
        Arrangement of the blocks: (n,) on a ring, (rows, columns) on a torus.
    order : int or None
        Highest cumulant, or None for the exact result.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority
    >>> ring = ring_couplings(Chain(K=0.1), 6, Majority(2, dimension=1))
    >>> ring
    BlockCouplings(6 blocks, exact)
    >>> [(blocks, round(K, 5)) for blocks, K in ring.largest(2)]
    [((0, 1), 0.03018), ((0, 2), -0.00061)]
    """

    log_weight: FloatArray
    values: FloatArray
    shape: tuple[int, ...]
    order: int | None = None

    @property
    def n(self) -> int:
        """Number of block spins."""
        return spins_of_states("values", len(self.values))

    @property
    def constant_per_block(self) -> float:
        """K'_0 / n: the part of ln Z that does not depend on the block spins."""
        return float(self.values[0] / self.n)

    @property
    def log_Z(self) -> float:
        """ln Z, which an exact block transformation conserves."""
        top = float(self.log_weight.max())
        return top + float(np.log(np.exp(self.log_weight - top).sum()))

    def coupling(self, *sites: int) -> float:
        """K'_A of the blocks A, counted from 0; the constant without arguments.

        Examples
        --------
        >>> from kadanoff.lattices.blockspin import Decimation
        >>> ring = ring_couplings(Chain(K=0.1), 6, Decimation(2, dimension=1))
        >>> print(f"{ring.coupling(0, 1):.8f} {abs(ring.coupling(0, 2)):.8f}")
        0.00993404 0.00000000
        """
        numbers = [checks.whole("sites", site, least=0, most=self.n - 1) for site in sites]
        return float(self.values[mask_of(numbers, self.n)])

    def largest(self, count: int = 8) -> list[tuple[tuple[int, ...], float]]:
        """The largest couplings, one for each set of blocks up to translations.

        Parameters
        ----------
        count : int, default 8
            Number of couplings.

        Returns
        -------
        list of (sites, K'_A)
            In descending order of |K'_A|, without the constant.
        """
        found: list[tuple[tuple[int, ...], float]] = []
        done: set[int] = set()
        count = checks.whole("count", count)
        for mask in np.argsort(-np.abs(self.values), kind="stable").tolist():
            if len(found) == count:
                break
            if mask == 0 or mask in done:
                continue
            images = self._images(sites_of(mask))
            done |= images
            found.append((sites_of(min(images)), float(self.values[mask])))
        return found

    def _images(self, sites: tuple[int, ...]) -> set[int]:
        """All translations of a set of blocks, as masks."""
        at = np.array(np.unravel_index(np.array(sites), self.shape))
        return {
            mask_of(
                np.ravel_multi_index(tuple(at + np.array(shift)[:, None]), self.shape, "wrap"),
                self.n,
            )
            for shift in np.ndindex(*self.shape)
        }

    @property
    def rangeness(self) -> float:
        """K'_2(2) / K'_2(1): second over first neighbours along a row of at least four blocks."""
        first, second = self._along_row((0, 1)), self._along_row((0, 2))
        return second / first if first else float("nan")

    @property
    def n_bodyness(self) -> float:
        """K'_4 / K'_2(1): four blocks in a row (ring), or on a plaquette, over first neighbours."""
        first = self._along_row((0, 1))
        four = (
            self._along_row((0, 1, 2, 3))
            if len(self.shape) == 1
            else self.coupling(0, 1, self.shape[1], self.shape[1] + 1)
        )
        return four / first if first else float("nan")

    def _along_row(self, sites: tuple[int, ...]) -> float:
        if self.shape[-1] <= max(sites) + 1:
            raise ValueError(
                f"{self.shape[-1]} blocks in a row are too few to tell these couplings apart; "
                f"{max(sites) + 2} are needed"
            )
        return self.coupling(*sites)

    def __repr__(self) -> str:
        kind = "exact" if self.order is None else f"cumulants to order {self.order}"
        return f"BlockCouplings({'x'.join(map(str, self.shape))} blocks, {kind})"

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """|K'_A| of the largest couplings. Returns the axes."""
        from kadanoff.lattices.blockspin.plots import plot_couplings

        return plot_couplings(self, ax, **style)


@public
def block_couplings(
    log_weight: ArrayLike,
    blocks: Sequence[Sequence[int]],
    rule: BlockRule,
    *,
    shape: tuple[int, ...] | None = None,
) -> BlockCouplings:
    """Sum exp K'[X'] = sum_X exp(K[X]) prod_B P(X'_B | X_B) exactly.

    Parameters
    ----------
    log_weight : array, shape (2^N,)
        K[X] = -H/T of all states of N spins, in the order of :func:`kadanoff.blockspin.spins`.
    blocks : sequence of sequences of int
        The sites of each block, in the order in which the rule takes them; together every site
        once.
    rule : BlockRule
        P(X'_B | X_B).
    shape : tuple of int, optional
        Arrangement of the blocks; by default in a row.

    Returns
    -------
    BlockCouplings
        Couplings of the block spins in units of the temperature.

    Raises
    ------
    TypeError
        `rule` is no BlockRule, or `blocks` no sequence of sequences of sites.
    ValueError
        Blocks that do not divide the sites, more than 24 spins, or a rule that forbids some X'
        (its couplings would be infinite).

    Notes
    -----
    Blocks are summed one after the other: about 2^N operations for the first, at most half as many
    for each further one.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority
    >>> K = Chain(K=0.4).log_weights(8)
    >>> blocks = [[0, 1], [2, 3], [4, 5], [6, 7]]
    >>> found = block_couplings(K, blocks, Majority(2, dimension=1))
    >>> print(f"{found.coupling(0, 1):.6f}")
    0.185815
    """
    K = checks.array("log_weight", log_weight, ndim=1)
    order, n, shape = _layout(K, blocks, rule, shape)
    top = K.max()
    weight = _coarse(np.exp(K[order] - top), n, rule)
    return _couplings(_log(weight, "log_weight") + top, shape, None)


@public
def block_cumulants(
    inside: ArrayLike,
    between: ArrayLike,
    blocks: Sequence[Sequence[int]],
    rule: BlockRule,
    *,
    order: int = ORDER,
    shape: tuple[int, ...] | None = None,
) -> list[BlockCouplings]:
    """K'[X'] = ln Z_0 + ln P_0(X') + sum_{k=1}^order C_k[X'] / k!.

    Parameters
    ----------
    inside, between : arrays, shape (2^N,)
        K_0[X] and K_1[X]: -H/T within the blocks and between them.
    blocks, rule : as in :func:`block_couplings`
        The sites of each block, and P(X'_B | X_B).
    order : int, default 3
        Highest cumulant, 0 to 6.
    shape : tuple of int, optional
        Arrangement of the blocks; by default in a row.

    Returns
    -------
    list of BlockCouplings
        Orders 0, 1, ..., `order`. Order 0 holds independent blocks: ln Z_0 + ln P_0.

    Raises
    ------
    TypeError, ValueError
        As in :func:`block_couplings`; `inside` and `between` differ in shape.

    Notes
    -----
    The sum begins at k = 1, since C_0 = 1. Moments of K_1 are exact sums over all states. The error
    of order k is of order K_1^(k+1).

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority, spins
    >>> x = spins(8).astype(float)
    >>> inside, between = (
    ...     0.1 * sum(x[:, i] * x[:, (i + 1) % 8] for i in range(first, 8, 2)) for first in (0, 1)
    ... )
    >>> blocks = [[0, 1], [2, 3], [4, 5], [6, 7]]
    >>> orders = block_cumulants(inside, between, blocks, Majority(2, dimension=1))
    >>> print([f"{found.coupling(0, 1):.6f}" for found in orders[1:]])
    ['0.030232', '0.030232', '0.030190']
    """
    K_0, K_1 = checks.array("inside", inside, ndim=1), checks.array("between", between, ndim=1)
    if K_0.shape != K_1.shape:
        raise ValueError(f"inside and between must agree in shape, got {K_0.shape}, {K_1.shape}")
    order = checks.whole("order", order, least=0, most=MAX_ORDER)
    place, n, shape = _layout(K_0, blocks, rule, shape)
    top = K_0.max()
    weight = np.exp(K_0[place] - top)
    # Cumulants beyond the first do not see a shift: take the mean out, against cancellation.
    middle = float(np.average(K_1[place], weights=weight))
    shifted = K_1[place] - middle
    P_0 = _coarse(weight, n, rule)
    log = _log(P_0, "inside") + top
    found = [_couplings(log, shape, 0)]
    moments = [_coarse(weight * shifted**k, n, rule) / P_0 for k in range(1, order + 1)]
    # C_k = m_k - sum_{j=1}^{k-1} (k-1 over j-1) C_j m_{k-j}
    C: list[FloatArray] = []
    for k in range(1, order + 1):
        lower = [comb(k - 1, j - 1) * C[j - 1] * moments[k - j - 1] for j in range(1, k)]
        C.append(moments[k - 1] - sum(lower))
        log = log + C[-1] / factorial(k) + (middle if k == 1 else 0.0)
        found.append(_couplings(log, shape, k))
    return found


@public
def ring_couplings(chain: Chain, blocks: int, rule: BlockRule) -> BlockCouplings:
    """Exact couplings of the block spins of an Ising ring.

    Parameters
    ----------
    chain : Chain
        K, h and g of the bare ring.
    blocks : int
        Number of blocks; ``blocks * rule.sites`` spins are enumerated.
    rule : BlockRule
        Rule for blocks in one dimension.

    Returns
    -------
    BlockCouplings
        Couplings of the block spins in units of the temperature.

    Raises
    ------
    TypeError
        `chain` is no Chain or `rule` no BlockRule.
    ValueError
        More than 24 spins, or a rule in another dimension.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority
    >>> ring = ring_couplings(Chain(K=0.1), 8, Majority(2, dimension=1))
    >>> print(f"{ring.coupling(0, 1):.8f} {ring.rangeness:.6f}")
    0.03017733 -0.020228
    """
    inside, between, members = _ring(chain, blocks, rule)
    return block_couplings(inside + between, members, rule)


@public
def ring_cumulants(
    chain: Chain, blocks: int, rule: BlockRule, *, order: int = ORDER
) -> list[BlockCouplings]:
    """Cumulant expansion of :func:`ring_couplings`.

    Parameters
    ----------
    chain, blocks, rule : as in :func:`ring_couplings`
        The bare ring, the number of blocks, and their rule.
    order : int, default 3
        Highest cumulant, 0 to 6.

    Returns
    -------
    list of BlockCouplings
        Orders 0, 1, ..., `order`; the couplings between blocks are the small parameter.

    Raises
    ------
    TypeError, ValueError
        As in :func:`ring_couplings`; `order` is not 0 to 6.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority
    >>> orders = ring_cumulants(Chain(K=0.1), 4, Majority(2, dimension=1))
    >>> print([f"{found.coupling(0, 1):.5f}" for found in orders[1:]])
    ['0.03023', '0.03023', '0.03019']
    """
    inside, between, members = _ring(chain, blocks, rule)
    return block_cumulants(inside, between, members, rule, order=order)


@public
def torus_couplings(
    K: float, shape: tuple[int, int], rule: BlockRule, *, h: float = 0.0
) -> BlockCouplings:
    """Exact couplings of the block spins of an Ising torus.

    Parameters
    ----------
    K : float
        Nearest-neighbour coupling in units of the temperature.
    shape : (int, int)
        Spins in each direction, at most 24 in all; a side of two has double bonds.
    rule : BlockRule
        Rule for blocks in two dimensions.
    h : float, default 0
        Field in units of the temperature.

    Returns
    -------
    BlockCouplings
        On a torus of two blocks by two each pair of neighbours meets twice: its coupling
        there is twice that of a large lattice.

    Raises
    ------
    TypeError
        `rule` is no BlockRule.
    ValueError
        More than 24 spins, a rule in another dimension, or blocks that do not divide the torus.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority
    >>> K = torus_couplings(0.4, (4, 4), Majority())
    >>> K.n, round(K.coupling(0, 1), 6)
    (4, 0.58704)
    """
    inside, between, members, coarse = _torus(K, shape, rule, h)
    return block_couplings(inside + between, members, rule, shape=coarse)


@public
def torus_cumulants(
    K: float,
    shape: tuple[int, int],
    rule: BlockRule,
    *,
    h: float = 0.0,
    order: int = ORDER,
) -> list[BlockCouplings]:
    """Cumulant expansion of :func:`torus_couplings`.

    Parameters
    ----------
    K, shape, rule, h : as in :func:`torus_couplings`
        Coupling, sides of the torus, block rule, and field.
    order : int, default 3
        Highest cumulant, 0 to 6.

    Returns
    -------
    list of BlockCouplings
        Orders 0, 1, ..., `order`.

    Raises
    ------
    TypeError, ValueError
        As in :func:`torus_couplings`; `order` is not 0 to 6.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority
    >>> orders = torus_cumulants(0.1, (4, 4), Majority())  # exact: 0.07294
    >>> print([f"{found.coupling(0, 1):.5f}" for found in orders[1:]])
    ['0.07321', '0.07321', '0.07295']
    """
    inside, between, members, coarse = _torus(K, shape, rule, h)
    return block_cumulants(inside, between, members, rule, order=order, shape=coarse)


def _ring(
    chain: Chain, blocks: int, rule: BlockRule
) -> tuple[FloatArray, FloatArray, list[list[int]]]:
    _one_rule(rule, 1)
    checked_chain(chain)
    b = rule.sites
    N = enumerable_spins("blocks * sites of a block", checks.whole("blocks", blocks) * b)
    bonds = [(i, (i + 1) % N) for i in range(N)]
    inside = chain.K * bond_sum(N, [bond for bond in bonds if bond[0] % b != b - 1])
    inside += chain.h * spin_sum(N) + N * chain.g
    between = chain.K * bond_sum(N, [bond for bond in bonds if bond[0] % b == b - 1])
    members = [list(range(j * b, (j + 1) * b)) for j in range(blocks)]
    return inside, between, members


def _torus(
    K: float, shape: tuple[int, int], rule: BlockRule, h: float
) -> tuple[FloatArray, FloatArray, list[list[int]], tuple[int, ...]]:
    _one_rule(rule, 2)
    K, h = coupling("K", K), coupling("h", h)
    rows, columns = lattice_sides("shape", shape, dimension=2)
    N = enumerable_spins("rows * columns", rows * columns)
    for side, b in zip((rows, columns), rule.shape, strict=True):
        if side % b:
            raise ValueError(f"blocks of {rule.shape} do not divide a torus of {shape}")
    place = np.arange(N).reshape(rows, columns)
    within: list[tuple[int, int]] = []
    across: list[tuple[int, int]] = []
    for axis, b in enumerate(rule.shape):
        ends = np.indices((rows, columns))[axis] % b == b - 1
        bonds = zip(place.flat, np.roll(place, -1, axis=axis).flat, ends.flat, strict=True)
        for i, j, end in bonds:
            (across if end else within).append((int(i), int(j)))
    inside = K * bond_sum(N, within) + h * spin_sum(N)
    between = K * bond_sum(N, across)
    blocks = place.reshape(rows // rule.shape[0], rule.shape[0], columns // rule.shape[1], -1)
    members = blocks.transpose(0, 2, 1, 3).reshape(-1, rule.sites).tolist()
    return inside, between, members, (rows // rule.shape[0], columns // rule.shape[1])


def _one_rule(rule: object, dimension: int) -> None:
    if not isinstance(rule, BlockRule):
        raise TypeError(f"rule must be a BlockRule, got {rule!r}")
    if len(rule.shape) != dimension:
        raise ValueError(
            f"rule must have blocks in {dimension} dimension(s), got a block of shape {rule.shape}"
        )


def _layout(
    K: FloatArray, blocks: Sequence[Sequence[int]], rule: BlockRule, shape: tuple[int, ...] | None
) -> tuple[IntArray, int, tuple[int, ...]]:
    """Where to find the states once the sites are renumbered block by block."""
    N = spins_of_states("log_weight", len(K))
    if N > MAX_SPINS:
        raise ValueError(f"at most {MAX_SPINS} spins can be enumerated, got {N}")
    if not isinstance(rule, BlockRule):
        raise TypeError(f"rule must be a BlockRule, got {rule!r}")
    if not isinstance(blocks, Sequence | np.ndarray) or not all(
        np.ndim(block) == 1 for block in blocks
    ):
        raise TypeError(f"blocks must be a sequence of sequences of sites, got {blocks!r}")
    flat = [site for block in blocks for site in block]
    if sorted(flat) != list(range(N)):
        raise ValueError(f"blocks must hold each of the sites 0 to {N - 1} once, got {blocks}")
    if any(len(block) != rule.sites for block in blocks):
        raise ValueError(f"the rule is for blocks of {rule.sites} sites, got {blocks}")
    n = len(blocks)
    shape = (n,) if shape is None else lattice_sides("shape", shape)
    if int(np.prod(shape)) != n:
        raise ValueError(f"shape {shape} does not hold {n} blocks")
    states = np.arange(len(K))
    place = np.zeros(len(K), dtype=np.int64)
    for bit, site in enumerate(flat):
        place |= (states >> bit & 1) << site
    return place, n, shape


def _coarse(weight: FloatArray, n: int, rule: BlockRule) -> FloatArray:
    """Sum over all blocks; from the last one (highest bits) to the first."""
    table = rule.table()  # (2^sites, 2)
    # Rows: states of the blocks not yet summed; columns: block spins found, the newest lowest.
    weight = weight.reshape(-1, 1)
    for _ in range(n):
        split = weight.reshape(len(table), -1, weight.shape[-1])
        weight = np.einsum("vrc,vh->rch", split, table, optimize=True).reshape(split.shape[1], -1)
    return weight.ravel()


def _log(weight: FloatArray, name: str) -> FloatArray:
    if not (weight > 0).all():
        raise ValueError(
            f"the rule forbids some states of the block spins, or {name} makes them too rare for "
            "double precision: their couplings are infinite"
        )
    return np.asarray(np.log(weight))


def _couplings(log: FloatArray, shape: Iterable[int], order: int | None) -> BlockCouplings:
    return BlockCouplings(log_weight=log, values=walsh(log), shape=tuple(shape), order=order)
