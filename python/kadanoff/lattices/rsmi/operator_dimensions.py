r"""Local operators and their scaling dimensions, from samples of several lattices.

    <O(0) O(r)> ~ r^(-2 Delta),      S_L(k) = A L^(d - 2 Delta) + B,      k L fixed

An operator is a filter of a block that transforms in one way under the symmetries of the model.
Which of them a block should keep is what the information about a distant environment says; how it
scales, the structure factors of lattices of sizes L, 2L, 4L.

References
----------
.. [1] D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. Lett. 127, 240603 (2021),
       doi:10.1103/PhysRevLett.127.240603
.. [2] J. Cardy, Scaling and Renormalization in Statistical Physics (1996), Ch. 3 and 4,
       doi:10.1017/CBO9781316036440
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.statistics import estimate
from kadanoff._base.types import FloatArray, IntArray
from kadanoff._core import Control
from kadanoff.lattices.rsmi.configurations import Configurations, configurations_of
from kadanoff.lattices.rsmi.dimension_fits import DimensionFit, dimension
from kadanoff.lattices.rsmi.operator_sectors import BLOCK, Sector, sectors_of
from kadanoff.lattices.rsmi.structure_factors import covariances, long_waves, powers, side

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ScalingOperator", "ScalingOperators", "scaling_operators"]

MIN_SIDE = 8
BINS = 128
MIN_BINS = 32  # for a covariance matrix of four numbers
TIMES = 5  # autocorrelation times in a bin
MAX_ERROR = 0.15  # statistical, of a dimension
HIGHEST = 1.7  # beyond, the singular part is lost in an analytic one, which falls as L^-2
MAX_MISFIT = 8.0  # chi^2 per degree of freedom: once in a million for the four of three sizes
SHORT_RANGED = 1.25  # lowest dimension; a field of heights has 1
MAX_DISTANCE = 0.2  # of |T / T_c - 1| L, where T_c is known: 1 is a correlation length of order L
AREA = 1 << 23  # sites that are looked at for the information
CHUNKS = 8
RING = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class ScalingOperator:
    """A filter of a block, its symmetry, and its scaling dimension.

    Parameters
    ----------
    name, symmetry, filter : str
        "energy", "even", "(a + d)(b + c)" for a block a b / c d.
    components : int
        Number of independent components that symmetry makes equal.
    dimension, error : float
        Delta and its standard error, corrections to scaling included; NaN and infinite for an
        operator that falls off too fast, see `note`.
    information, information_error : float
        Gaussian information of all components (nats) about the eight blocks around, at the buffer
        that was asked for.
    buffers : int array, shape (buffers,)
        Sites between the block and those around.
    decay, decay_error : arrays, shape (buffers,)
        The information at each of these buffers.
    L : tuple of int
        Sizes of the lattices.
    S, S_error : arrays, shape (sizes, waves)
        Structure factors that were fitted: k = 0, along an axis (of a component with an axis:
        parallel, perpendicular), along a diagonal.
    note : str
        Why there is no dimension; empty if there is one.

    Examples
    --------
    >>> import kadanoff as kd
    >>> runs = [kd.ising.sample(L=L, T=kd.ising.T_c, n=500, seed=L) for L in (8, 16, 32)]
    >>> found = scaling_operators(runs)[0]
    >>> found.name, found.symmetry, abs(found.dimension - 1 / 8) < 3 * found.error
    ('spin', 'odd', True)
    """

    name: str
    symmetry: str
    filter: str
    components: int
    dimension: float
    error: float
    information: float
    information_error: float
    buffers: IntArray
    decay: FloatArray
    decay_error: FloatArray
    L: tuple[int, ...]
    S: FloatArray
    S_error: FloatArray
    note: str = ""

    def __repr__(self) -> str:
        value = f"Delta = {_with_error(self.dimension, self.error)}" if not self.note else self.note
        return (
            f"ScalingOperator({self.name}, {self.symmetry}: {value}, {self.information:.2g} nats)"
        )


@public
@dataclass(frozen=True, eq=False)
class ScalingOperators:
    """Operators in descending order of their information.

    Parameters
    ----------
    operators : tuple of ScalingOperator
        The operators; also by number or by name, ``found["energy"]``.
    buffer : int
        Sites between block and environment where their information was compared.

    Examples
    --------
    >>> import kadanoff as kd
    >>> runs = [kd.dimers.sample(L, n=500, seed=L) for L in (8, 16, 32)]
    >>> found = scaling_operators(runs)
    >>> sorted(operator.name for operator in found)
    ['E_x', 'E_y', 'columns']
    """

    operators: tuple[ScalingOperator, ...]
    buffer: int

    def __len__(self) -> int:
        return len(self.operators)

    def __iter__(self) -> Iterator[ScalingOperator]:
        return iter(self.operators)

    def __getitem__(self, key: int | str) -> ScalingOperator:
        if isinstance(key, str):
            for operator in self.operators:
                if operator.name == key:
                    return operator
            names = ", ".join(operator.name for operator in self.operators)
            raise KeyError(f"no operator {key!r}: there are {names}")
        return self.operators[key]

    def __repr__(self) -> str:
        parts = [f"{o.name} {_with_error(o.dimension, o.error)}" for o in self.operators]
        return f"ScalingOperators({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows = {
            f"{o.name} ({o.symmetry})": (
                f"{_with_error(o.dimension, o.error)}, {o.information:.3g} nats"
            )
            for o in self.operators
        }
        return html.table("Scaling dimensions", rows)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Information against the buffer, and r^(-4 Delta) through it. Returns the axes."""
        from kadanoff.lattices.rsmi.plots import plot_scaling_operators

        return plot_scaling_operators(self, ax=ax, **style)


def _with_error(value: float, error: float) -> str:
    if not math.isfinite(error):
        return "not found"
    digits = max(0, -math.floor(math.log10(error)))
    return f"{value:.{digits}f} +- {error:.{digits}f}"


@public
def scaling_operators(
    samples: Sequence[Any],
    count: int = 3,
    *,
    buffer: int = 2,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> ScalingOperators:
    r"""Find local operators by symmetry and information, and their scaling dimensions.

    Parameters
    ----------
    samples : sequence of samples
        Three or more, at the same critical point, on square tori of different sides: L, 2L, 4L for
        instance, L = 16 or more. Ising spins, Potts colours (results of sampling, arrays, or
        :class:`Configurations`), or DimerSamples.
    count : int, default 3
        Largest number of operators; those with most information are returned. Spins and colours
        have two symmetry sectors, dimers four.
    buffer : int, default 2
        Sites between a block of 2 x 2 sites and the eight blocks around it, with which the
        information of the block is computed.
    progress, control : as in :func:`kadanoff.nrg.solve`
        The bar counts configurations.

    Returns
    -------
    ScalingOperators
        Filters with symmetry labels, scaling dimensions, and information as a function of the
        buffer.

    Raises
    ------
    TypeError
        `samples` is not a sequence of samples.
    ValueError
        There are fewer than three sizes, a lattice is not a square torus, the samples differ in
        kind or temperature, do not fluctuate or are not symmetric, or there are too few of them:
        the message then names the operator and the number that is needed. Or they are not at the
        critical point: T is further from a T_c that is known than ``|T / T_c - 1| L = 0.2``, or the
        structure factors follow no power of L.
    Cancelled
        The analysis was stopped from another thread.

    Notes
    -----
    Operators are local filters of a block, ordered by information [1]_, here that of Gaussian
    variables with the same covariances, ``-ln(1 - rho^2) / 2``, where rho is the correlation of the
    operator of a block with the best linear combination of those of the blocks around it. With the
    distance r it falls as ``r^(-4 Delta)``, Delta being the scaling dimension, but only at large r,
    so that a fit to it would be biased. Delta therefore comes from structure factors,
    ``S_L(k) = A L^(2 - 2 Delta) + B`` at fixed k L [2]_: in the difference of two wave vectors that
    scale with the lattice the analytic background B cancels. Only at the critical point is there a
    power of L: from arrays, whose T_c is not known here, distances ``|T / T_c - 1| L`` of 0.7 and
    more are noticed with 3000 configurations of 8, 16 and 32; one of 0.4 shifts the dimension of
    the spin by four of its errors.

    The error contains the statistical one, corrections to scaling of unknown size that fall as
    ``L^-2``, and a background that falls as 1/L. Slower corrections are seen only if they are
    significant between the sizes; those of Potts models with three and four colours are included
    from the known theory. Near the Kosterlitz-Thouless transition of interacting dimers (T = 0.65)
    the error includes logarithmic corrections. Operators of dimension 1.7 or more are not found.
    A set of 33,000 lattices of 64 x 64 takes ten seconds.

    References
    ----------
    .. [1] D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. Lett. 127, 240603
           (2021), doi:10.1103/PhysRevLett.127.240603
    .. [2] J. Cardy, Scaling and Renormalization in Statistical Physics (1996), Ch. 3 and 4,
           doi:10.1017/CBO9781316036440

    Examples
    --------
    >>> import kadanoff as kd
    >>> runs = [kd.ising.sample(L=L, T=kd.ising.T_c, n=500, seed=L) for L in (8, 16, 32)]
    >>> scaling_operators(runs)
    ScalingOperators(spin ... +- ..., energy ... +- ...)
    """
    count, buffer = checks.whole("count", count), checks.whole("buffer", buffer, least=0)
    run = Run.of(progress=progress, control=control)
    sets = _sets(samples)
    sectors = sectors_of(sets[-1])
    L = tuple(side(one) for one in sets)
    widest = L[-1] // 3 - BLOCK
    if buffer > widest:
        raise ValueError(f"buffer must be at most {widest} on lattices of {L[-1]}, got {buffer}")
    with run.calling("scaling operators") as keywords:
        report, total, done = keywords["report"], sum(map(len, sets)), 0

        def tick(rows: int) -> None:
            nonlocal done
            done += rows
            if run.control is not None and run.control.cancelled:
                raise Cancelled("the analysis was stopped")
            if report is not None:
                report(done, total)

        waves = [long_waves(one, sectors, tick) for one in sets]
        rows = max(2 * CHUNKS, AREA // L[-1] ** 2)
        C = [covariances(sets[-1], sector, rows, CHUNKS, tick) for sector in sectors]
    buffers = _buffers(buffer, widest)
    found = []
    for sector, covariance in zip(sectors, C, strict=True):
        try:
            decay = np.array([_information(covariance, BLOCK + b) for b in buffers])
        except np.linalg.LinAlgError:
            raise ValueError(
                f"samples of L = {L[-1]} show no fluctuations of the operator {sector.name!r}: "
                "sample at the critical point"
            ) from None
        found.append(decay * sector.components)
    at = int(np.flatnonzero(buffers == buffer)[0])
    order = sorted(range(len(sectors)), key=lambda i: -found[i][at, 0])[:count]
    slow = _slow_corrections(sectors, waves, C, L)
    operators = tuple(
        _operator(sectors[i], [w[i] for w in waves], C[i], found[i], buffers, at, L, slow)
        for i in order
    )
    if not any(one.dimension - 2 * one.error < SHORT_RANGED for one in operators):
        raise ValueError(
            "samples must be at a critical point: no operator has a dimension below "
            f"{SHORT_RANGED:g} ({', '.join(one.name for one in operators)}), their correlations "
            "are short-ranged"
        )
    return ScalingOperators(operators, buffer)


def _sets(samples: Any) -> list[Configurations]:
    """Samples of three or more sizes of one kind, smallest first."""
    if not isinstance(samples, Sequence) or isinstance(samples, str):
        raise TypeError(
            "samples must be a sequence of samples of lattices L, 2L, 4L, for instance "
            f"[kd.ising.sample(L=L, ...) for L in (16, 32, 64)], got {checks.shown(samples)}"
        )
    sets = [configurations_of(one) for one in samples]
    for one in sets:
        sectors_of(one)
    _at_criticality(samples, sets)
    sets.sort(key=side)
    sides = [side(one) for one in sets]
    if len(sets) < 3 or len(set(sides)) < len(sides):
        raise ValueError(f"samples must be of three different sizes or more, got L = {sides}")
    if sides[0] < MIN_SIDE or sides[-1] < 4 * sides[0]:
        raise ValueError(
            f"samples must begin at L = {MIN_SIDE} and cover a factor of four, got L = {sides}"
        )
    kinds = {(one.scale, one.letters.shape) for one in sets}
    temperatures = {one.T for one in sets if one.T is not None}
    if len(kinds) > 1 or len(temperatures) > 1:
        raise ValueError(f"samples must be of one model at one temperature, got {sets}")
    return sets


def _at_criticality(samples: Sequence[Any], sets: Sequence[Configurations]) -> None:
    """Refuse samples that are far from the T_c of their model, where that is known."""
    for given, one in zip(samples, sets, strict=True):
        T_c = getattr(getattr(given, "model", None), "critical_temperature", None)
        if not T_c or one.T is None:
            continue
        distance = abs(one.T / T_c - 1) * side(one)
        if distance > MAX_DISTANCE:
            raise ValueError(
                f"samples must be at the critical point, T_c = {T_c:.6g}: at T = {one.T:.6g} and "
                f"L = {side(one)} |T / T_c - 1| L is {distance:.2g}, more than {MAX_DISTANCE:g}"
            )


def _buffers(buffer: int, widest: int) -> IntArray:
    return np.unique([b for b in (1, 2, 4, 8, 16, 32, buffer) if b <= widest])


def _information(C: FloatArray, distance: int) -> tuple[float, float]:
    """Gaussian information of a block about the eight around it, and its jackknife error."""
    at = np.array(RING) * distance
    y, x = (at[:, None, i] - at[None, :, i] for i in (0, 1))

    def nats(c: FloatArray) -> float:
        around, to = c[y, x], c[at[:, 0], at[:, 1]]
        rho = float(to @ np.linalg.solve(around, to)) / c[0, 0]
        return -0.5 * math.log1p(-min(rho, 1 - 1e-12))

    without = (C.sum(axis=0) - C) / (len(C) - 1)
    values = np.array([nats(c) for c in without])
    centre, k = nats(C.mean(axis=0)), len(C)
    error = math.sqrt((k - 1) * float(values.var()))
    return k * centre - (k - 1) * float(values.mean()), error


def _operator(
    sector: Sector,
    waves: Sequence[FloatArray],
    C: FloatArray,
    decay: FloatArray,
    buffers: IntArray,
    at: int,
    L: tuple[int, ...],
    slow: Callable[[Sector, float], float],
) -> ScalingOperator:
    S, covariance, fit = _fitted(sector, waves, C, L)
    least = min(map(len, waves))
    value, error, note = fit.mean, math.hypot(fit.error, slow(sector, fit.mean)), ""
    if fit.mean > HIGHEST:
        value, error = math.nan, math.inf
        note = f"Delta above {HIGHEST} cannot be told from an analytic background"
    elif fit.misfit > MAX_MISFIT:
        raise ValueError(
            f"samples must be at the critical point: the structure factors of the operator "
            f"{sector.name!r} follow no power of L = {', '.join(map(str, L))} (chi^2 / degrees of "
            f"freedom = {fit.misfit:.0f}, at most {MAX_MISFIT:g})"
        )
    elif fit.statistical > MAX_ERROR:
        needed = 1.2 * least * (fit.statistical / MAX_ERROR) ** 2
        raise ValueError(
            f"samples are too few for the operator {sector.name!r}: its dimension has an error of "
            f"{fit.statistical:.2f}; about {_rounded(needed)} configurations of each size are "
            f"needed, got {least}"
        )
    return ScalingOperator(
        name=sector.name,
        symmetry=sector.symmetry,
        filter=sector.filter,
        components=sector.components,
        dimension=value,
        error=error,
        information=float(decay[at, 0]),
        information_error=float(decay[at, 1]),
        buffers=buffers,
        decay=decay[:, 0],
        decay_error=decay[:, 1],
        L=L,
        S=np.array(S),
        S_error=np.sqrt([np.diag(c) for c in covariance]),
        note=note,
    )


def _fitted(
    sector: Sector, waves: Sequence[FloatArray], C: FloatArray, L: tuple[int, ...]
) -> tuple[list[FloatArray], list[FloatArray], DimensionFit]:
    """Structure factors, their covariance matrices, and the dimension."""
    S: list[FloatArray] = []
    covariance: list[FloatArray] = []
    for one, sites in zip(waves, L, strict=True):
        rows = powers(one, sector)
        bins = _bins(rows, sector.name, sites)
        S.append(rows.mean(axis=0))
        covariance.append(np.cov(bins.T) / len(bins))
    return S, covariance, dimension(S, covariance, L, float(C[:, 0, 0].mean()))


def _slow_corrections(
    sectors: Sequence[Sector],
    waves: Sequence[Sequence[FloatArray]],
    C: Sequence[FloatArray],
    L: tuple[int, ...],
) -> Callable[[Sector, float], float]:
    """Errors by corrections to scaling that fall slower than 1/L, where a model has them.

    Three colours have corrections of L^(-4/5), which leave 4 % of the dimension of the energy on
    lattices from 8 to 32; four have logarithms. So have dimers near the transition of their
    columns. The potential that locks the heights has the dimension 16 Delta of four columns; it is
    marginal at Delta = 1/8 and makes K approach its limit as 1 + 1 / (2 ln L), hence the same for
    Delta. The field follows the slope of K with ln L.
    """
    names = [sector.name for sector in sectors]
    colours = max(sector.components for sector in sectors) + 1
    if "energy" in names and colours == 3:
        of_energy = 0.04 * (8 / L[0]) ** 0.8
        return lambda sector, value: value * of_energy if sector.name == "energy" else 0.0
    if "energy" in names and colours == 4:
        return lambda sector, value: value / (2 * math.log(L[-1]))
    if "columns" not in names:
        return lambda sector, value: 0.0
    i = names.index("columns")
    columns = _fitted(sectors[i], [w[i] for w in waves], C[i], L)[2].mean
    if 16 * columns - 2 >= 1:
        return lambda sector, value: 0.0
    of_fields = 1 / (4 * math.log(L[0]) ** 2)
    of_others = 1 / (2 * math.log(L[-1]))
    return lambda sector, value: value * (of_fields if sector.name[:1] == "E" else of_others)


def _bins(rows: FloatArray, name: str, L: int) -> FloatArray:
    """Averages over bins of five autocorrelation times or more."""
    tau = max(estimate(series).tau for series in rows.T)
    length = math.ceil(TIMES * tau)
    if len(rows) < MIN_BINS * length:
        raise ValueError(
            f"samples are too few for the operator {name!r}: {len(rows)} configurations of L = {L} "
            f"with an autocorrelation time of {tau:.2g} rows; {_rounded(MIN_BINS * length)} are "
            "needed"
        )
    count = min(BINS, len(rows) // length)
    each = len(rows) // count
    return np.asarray(rows[: count * each].reshape(count, each, -1).mean(axis=1))


def _rounded(number: float) -> int:
    """Upwards, to two digits."""
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return int(math.ceil(number / unit) * unit)
