r"""Swendsen's Monte Carlo renormalisation group: exponents from correlations between levels.

    T_{alpha beta} = dK'_alpha / dK_beta,    T = A^{-1} B,
    A_{gamma alpha} = <S'_gamma S'_alpha>_c,  B_{gamma beta} = <S'_gamma S_beta>_c

S are sums of products of spins (:mod:`kadanoff.lattices.blockspin.operators`), S' the same sums of
the block spins. The couplings K' themselves are never needed. The largest eigenvalue of T among
even operators is ``b^{y_t}``, among odd ones ``b^{y_h}``; in the two-dimensional Ising model
y_t = 1 and y_h = 15/8. Step after step the blocked Hamiltonian approaches the fixed point, until
the lattice is small.

References
----------
.. [1] R. H. Swendsen, Phys. Rev. Lett. 42, 859 (1979), doi:10.1103/PhysRevLett.42.859
.. [2] R. H. Swendsen, Phys. Rev. B 20, 2080 (1979), doi:10.1103/PhysRevB.20.2080
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, FloatArray, IntArray
from kadanoff._core import Control
from kadanoff.lattices.blockspin.coarse_graining import MAX_LEVELS, levels_of
from kadanoff.lattices.blockspin.operators import (
    EVEN,
    EVEN_3D,
    ODD,
    ODD_3D,
    SpinOperator,
    operators_of,
    periodic_configurations_of,
    sums_of,
)
from kadanoff.lattices.blockspin.rules import BlockRule, Majority

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MonteCarloRG", "StabilityMatrix", "mcrg", "stability_matrix"]

MIN_SAMPLES = 100
PART = 2**24  # spins between two looks at the control: a tenth of a second


@public
@dataclass(frozen=True, kw_only=True)
class StabilityMatrix:
    """The stability matrix T = dK'/dK between two levels, in one sector.

    Parameters
    ----------
    operators : tuple of str
        Names of the n operators, for rows and columns.
    T : array, shape (n, n)
        Derivatives of the couplings K' by the couplings K.
    y, error : arrays, shape (n,)
        Exponent ``ln(lambda_1) / ln b`` with the first 1, 2, ..., n operators, and its jackknife
        error.

    Examples
    --------
    >>> free = np.random.default_rng(1).choice([-1, 1], size=(500, 16, 16))
    >>> matrix = mcrg(free, steps=1, even=EVEN[:2], seed=0).thermal[0]
    >>> matrix.operators, matrix.T.shape, matrix.y.shape
    (('nearest', 'diagonal'), (2, 2), (2,))
    """

    operators: tuple[str, ...]
    T: FloatArray
    y: FloatArray
    error: FloatArray

    def __repr__(self) -> str:
        y, error = self.exponent
        return f"StabilityMatrix({', '.join(self.operators)}: y = {y:.4f} +- {error:.2g})"

    @property
    def exponent(self) -> tuple[float, float]:
        """y and its error with all operators."""
        return float(self.y[-1]), float(self.error[-1])


@public
@dataclass(frozen=True, kw_only=True)
class MonteCarloRG:
    """Sums of operators at every level, and the exponents that follow.

    Parameters
    ----------
    L : int
        Side of the bare lattice, in sites.
    rule : BlockRule
        The rule that made the block spins.
    even, odd : tuples of SpinOperator
        Operators of the two sectors.
    sums : tuple of arrays, shapes (samples, operators)
        Sums S of every level, even operators first.
    bins : int
        Bins of the jackknife. Samples should be independent, or bins longer than their
        correlation.
    seed : int
        Seed of the ties.

    Examples
    --------
    >>> free = np.random.default_rng(1).choice([-1, 1], size=(500, 16, 16))
    >>> run = mcrg(free, steps=2, seed=0)
    >>> run.samples, run.b, run.averages().shape
    (500, 2, (3, 7))
    """

    L: int
    rule: BlockRule
    even: tuple[SpinOperator, ...]
    odd: tuple[SpinOperator, ...]
    sums: tuple[IntArray, ...]
    bins: int
    seed: int

    @property
    def b(self) -> int:
        """Scale of a step."""
        return self.rule.shape[0]

    @property
    def samples(self) -> int:
        """Configurations used."""
        return len(self.sums[0])

    @cached_property
    def thermal(self) -> tuple[StabilityMatrix, ...]:
        """Even sector, one matrix per step."""
        return self._sector(self.even, slice(0, len(self.even)), odd=False)

    @cached_property
    def magnetic(self) -> tuple[StabilityMatrix, ...]:
        """Odd sector, one matrix per step."""
        return self._sector(self.odd, slice(len(self.even), None), odd=True)

    @property
    def y_t(self) -> FloatArray:
        """Exponent and error by step, with all even operators; shape (steps, 2)."""
        return np.array([step.exponent for step in self.thermal])

    @property
    def y_h(self) -> FloatArray:
        """Exponent and error by step, with all odd operators; shape (steps, 2)."""
        return np.array([step.exponent for step in self.magnetic])

    def averages(self) -> FloatArray:
        """<S_alpha> per site at each level; shape (levels, operators)."""
        d = len(self.rule.shape)
        sites = [(self.L // self.b**level) ** d for level in range(len(self.sums))]
        return np.array([s.mean(axis=0) / n for s, n in zip(self.sums, sites, strict=True)])

    def _sector(
        self, operators: tuple[SpinOperator, ...], columns: slice, *, odd: bool
    ) -> tuple[StabilityMatrix, ...]:
        found = []
        for level in range(len(self.sums) - 1):
            fine = self.sums[level][:, columns].astype(np.float64)
            coarse = self.sums[level + 1][:, columns].astype(np.float64)
            found.append(stability_matrix(operators, fine, coarse, self.b, self.bins, odd=odd))
        return tuple(found)

    def __repr__(self) -> str:
        text = ", ".join(f"{y:.4f}({round(e * 1e4)})" for y, e in self.y_t)
        return f"MonteCarloRG(L={self.L}, {self.samples} samples, y_t by step: {text})"

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """y_t and y_h by step, against the exact values. Returns the axes."""
        from kadanoff.lattices.blockspin.plots import plot_mcrg

        return plot_mcrg(self, ax, **style)


@public
def mcrg(
    configurations: ArrayLike | Iterable[ArrayLike],
    rule: BlockRule | None = None,
    *,
    steps: int,
    even: Sequence[SpinOperator] | None = None,
    odd: Sequence[SpinOperator] | None = None,
    bins: int = 20,
    seed: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> MonteCarloRG:
    """Measure T = A^{-1} B between successive levels of block spins.

    Parameters
    ----------
    configurations : array of +-1, shape (n, L, L) or (n, L, L, L), samples, or an iterable of them
        Samples at the critical point. Batches from an iterable are used one after the other, so
        that many configurations need not be in memory at once.
    rule : BlockRule, default Majority(2)
        Rule with square or cubic blocks, of the dimension of the lattice.
    steps : int
        Steps of the RG: L is divided by b^steps.
    even, odd : sequences of SpinOperator, optional
        Operators of each sector, at least one, in the order in which `y` of the matrices adds
        them; by default `EVEN` and `ODD`, in three dimensions `EVEN_3D` and `ODD_3D`.
    bins : int, default 20
        Number of bins of the jackknife.
    seed : int, optional
        Seed of the ties; drawn if not given.
    progress, control : as in :func:`kadanoff.nrg.solve`
        The bar counts configurations.

    Returns
    -------
    MonteCarloRG
        Sums of the operators at every level, stability matrices, and exponents with errors.

    Raises
    ------
    TypeError
        Operators, rule or configurations of another kind.
    ValueError
        Samples with open boundaries, fewer than 100 of them or five per bin, no operators or
        operators of the wrong symmetry, or blocks that do not divide the lattice.
    Cancelled
        The analysis was stopped; ``partial`` is the MonteCarloRG of the configurations so far, or
        None if they are too few.

    Notes
    -----
    Odd sums have mean zero by symmetry, which is used. The smallest lattice must be larger than the
    reach of the operators, at least 4.

    Examples
    --------
    Free spins lose their coupling: dK'/dK of nearest neighbours is small.

    >>> free = np.random.default_rng(1).choice([-1, 1], size=(500, 16, 16))
    >>> run = mcrg(free, steps=1, even=EVEN[:1], seed=0)
    >>> print(abs(run.thermal[0].T[0, 0]) < 0.6)
    True
    """
    rule = Majority() if rule is None else rule
    if not isinstance(rule, BlockRule):
        raise TypeError(f"rule must be a BlockRule such as Majority(2), got {rule!r}")
    d = len(rule.shape)
    if d not in (2, 3) or len(set(rule.shape)) > 1 or rule.shape[0] < 2:
        raise ValueError(f"the rule must have square or cubic blocks of b >= 2, got {rule.shape}")
    steps = checks.whole("steps", steps, most=MAX_LEVELS)
    bins = checks.whole("bins", bins, least=2)
    run = Run.of(progress=progress, control=control, seed=seed)
    even = operators_of("even", (EVEN if d == 2 else EVEN_3D) if even is None else even)
    odd = operators_of("odd", (ODD if d == 2 else ODD_3D) if odd is None else odd)
    if {o.dimension for o in even + odd} != {d}:
        raise ValueError(f"the operators must be those of {d} dimensions, as the rule is")
    if wrong := [o.name for o in even if o.odd] + [o.name for o in odd if not o.odd]:
        raise ValueError(f"these operators are in the wrong sector: {', '.join(wrong)}")
    b = rule.shape[0]
    sums: list[list[IntArray]] = [[] for _ in range(steps + 1)]
    enough = max(MIN_SAMPLES, 5 * bins)
    L = 0

    def result() -> MonteCarloRG:
        # An interrupt may have come between two levels of a part.
        whole_parts = len(sums[-1])
        return MonteCarloRG(
            L=L,
            rule=rule,
            even=even,
            odd=odd,
            sums=tuple(np.concatenate(parts[:whole_parts]) for parts in sums),
            bins=bins,
            seed=run.seed,
        )

    try:
        with run.calling("Monte Carlo RG") as keywords:
            report = keywords["report"]
            done = total = 0
            for number, batch in enumerate(_batches(configurations)):
                given = periodic_configurations_of(batch, d)
                L = _side(given, L, b, steps, d)
                total += len(given)
                length = max(1, PART // L**d)
                for start in range(0, len(given), length):
                    if run.control is not None and run.control.cancelled:
                        raise Cancelled("the analysis was stopped")
                    part = given[start : start + length]
                    # Each part has its own seed; the first one of the first batch has the run's.
                    own = (run.seed + 7919 * number + 104_729 * (start // length)) % 2**64
                    for level, blocked in enumerate(levels_of(part, rule, steps, own)):
                        sums[level].append(sums_of(blocked, even + odd))
                    done += len(part)
                    if report is not None:
                        report(done, total)
    except KeyboardInterrupt as stop:
        found = sum(map(len, sums[-1]))
        raise Cancelled(
            f"the analysis was stopped after {found} configurations",
            partial=result() if found >= enough else None,
        ) from stop
    samples = sum(map(len, sums[0]))
    if samples < enough:
        raise ValueError(
            f"configurations must hold at least {enough} samples for {bins} bins, got {samples}"
        )
    return result()


def _side(given: AnyArray, L: int, b: int, steps: int, d: int) -> int:
    """Side of the lattices of a batch, the same as of those before it."""
    if given.ndim != d + 1 or len(set(given.shape[1:])) > 1:
        shape = ", ".join(["n", *["L"] * d])
        raise ValueError(f"configurations must have shape ({shape}), got {given.shape}")
    if L and given.shape[1] != L:
        raise ValueError(f"all batches must have one L, got {L} and {given.shape[1]}")
    L = int(given.shape[1])
    if 4 * b**steps > L:
        raise ValueError(
            f"{steps} steps of b = {b} leave less than four sites of L = {L}; "
            f"L must be at least {4 * b**steps}"
        )
    if L % b**steps:
        raise ValueError(f"{steps} steps of b = {b} do not divide L = {L}")
    return L


def _batches(configurations: ArrayLike | Iterable[ArrayLike]) -> Iterable[ArrayLike]:
    if isinstance(configurations, list | tuple) or hasattr(configurations, "__array__"):
        return [cast("ArrayLike", configurations)]
    if not isinstance(configurations, Iterable) or isinstance(configurations, dict | str):
        raise TypeError(
            f"configurations must be an array or an iterable of arrays, got {configurations!r}"
        )
    return configurations


def stability_matrix(
    operators: tuple[SpinOperator, ...],
    fine: FloatArray,
    coarse: FloatArray,
    b: int,
    bins: int,
    *,
    odd: bool,
) -> StabilityMatrix:
    """T from sums of one sector, shape (samples, operators), before and after a step."""
    n = len(operators)
    # Second moments bin by bin: leaving a bin out is a subtraction.
    length = len(fine) // bins
    fine, coarse = fine[: bins * length], coarse[: bins * length]
    scale_fine, scale_coarse = _scales(fine), _scales(coarse)
    x = (coarse / scale_coarse).reshape(bins, length, n)
    y = (fine / scale_fine).reshape(bins, length, n)
    moments = [
        np.einsum("kti,ktj->kij", x, x),
        np.einsum("kti,ktj->kij", x, y),
        x.sum(axis=1),
        y.sum(axis=1),
    ]

    def matrices(total: list[FloatArray], count: int) -> tuple[FloatArray, FloatArray]:
        A, B, mean_x, mean_y = (m / count for m in total)
        if not odd:
            A = A - np.outer(mean_x, mean_x)
            B = B - np.outer(mean_x, mean_y)
        return A, B

    def exponents(total: list[FloatArray], count: int) -> FloatArray:
        A, B = matrices(total, count)
        y = np.empty(n)
        for k in range(1, n + 1):
            T = np.linalg.solve(A[:k, :k], B[:k, :k]) * scale_fine[:k] / scale_coarse[:k, None]
            # d S / d K picks the scales up: T is that of the sums as they are.
            y[k - 1] = _log_largest(T) / math.log(b)
        return y

    whole_sums = [m.sum(axis=0) for m in moments]
    y_all = exponents(whole_sums, bins * length)
    left_out = np.array(
        [
            exponents(
                [m - part[k] for m, part in zip(whole_sums, moments, strict=True)],
                (bins - 1) * length,
            )
            for k in range(bins)
        ]
    )
    spread = (left_out - left_out.mean(axis=0)) ** 2
    A, B = matrices(whole_sums, bins * length)
    return StabilityMatrix(
        operators=tuple(o.name for o in operators),
        T=np.linalg.solve(A, B) * scale_fine / scale_coarse[:, None],
        y=y_all,
        error=np.sqrt((bins - 1) / bins * spread.sum(axis=0)),
    )


def _scales(sums: FloatArray) -> FloatArray:
    """Standard deviations, so that the linear equations are well conditioned."""
    scale = sums.std(axis=0)
    if not (scale > 0).all():
        raise ValueError("an operator does not fluctuate in these configurations; is T too low?")
    return np.asarray(scale)


def _log_largest(T: FloatArray) -> float:
    """ln of the largest real eigenvalue; NaN-free: noise may make it negative far from T_c."""
    values = np.linalg.eigvals(T)
    largest = values[np.argmax(values.real)].real
    if largest <= 0:
        return -math.inf
    return math.log(largest)
