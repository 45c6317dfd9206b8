r"""The renormalisation flow of learned rules.

samples -> learn a rule -> block spins, drawn from P(h | v) -> learn again -> ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks, html
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.statistics import Estimate
from kadanoff._base.types import FloatArray, SpinArray
from kadanoff._core import Control
from kadanoff.lattices.blockspin.coarse_graining import MAX_LEVELS
from kadanoff.lattices.blockspin.rules import BlockRule
from kadanoff.lattices.blockspin.rules import configurations_of as spins_of
from kadanoff.lattices.rsmi.configurations import Configurations, configurations_of
from kadanoff.lattices.rsmi.learning import rule_of_samples
from kadanoff.lattices.rsmi.learning_options import LearningKeywords, LearningOptions
from kadanoff.lattices.rsmi.neighbours import neighbour_products
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.samples import as_array, described_by_model, source_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Flow", "correlations", "flow", "information_temperature"]


@public
@dataclass(frozen=True, eq=False)
class Flow:
    """Rules and block spins, step by step.

    Parameters
    ----------
    rules : tuple of FilterRule
        The learned rule of each step, signs aligned from step to step; empty for a given rule.
    levels : tuple of Configurations
        Block spins after k = 0, 1, ... steps; their arrays are `configurations`, shapes
        (n, L_1 / b^k, ...), with a last axis for several hidden units.
    seed : int
        Seed of learning and of the block spins.

    Examples
    --------
    >>> from kadanoff.lattices.blockspin import Majority
    >>> free = np.random.default_rng(1).choice([-1, 1], size=(50, 16, 16))
    >>> flow(free, 2, rule=Majority(), seed=0)
    Flow(L = 16 -> 8 -> 4, 50 configurations)
    """

    rules: tuple[FilterRule, ...]
    levels: tuple[Configurations, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def configurations(self) -> tuple[SpinArray, ...]:
        """Variables of int8 after 0, 1, ... steps."""
        return tuple(np.asarray(level.array(), dtype=np.int8) for level in self.levels)

    @property
    def information(self) -> FloatArray:
        """Bounds on I(H : E), step by step, nats."""
        return np.array([r.information.value if r.information else np.nan for r in self.rules])

    @property
    def correlation(self) -> FloatArray:
        """Nearest-neighbour correlation after 0, 1, ... steps."""
        return np.array([level.neighbours()[:, 0].mean() for level in self.levels])

    @property
    def correlation_error(self) -> FloatArray:
        """One standard deviation, if configurations are independent."""
        return np.array([x.neighbours()[:, 0].std(ddof=1) / np.sqrt(len(x)) for x in self.levels])

    def temperatures(self) -> FloatArray:
        """Effective temperatures: that of the infinite Ising lattice with the same correlation.

        The energy of Onsager's solution is ``-2 <s s'>``; it is inverted for the correlation after
        0, 1, ... steps. Block spins have further couplings, which this temperature neglects.

        Raises
        ------
        ValueError
            Samples of another lattice than the isotropic square one without a field, or variables
            other than one spin per site.
        """
        model, first = self.levels[0].model, self.levels[0]
        other = model is not None and (
            getattr(model, "lattice", "") != "square" or len(set(model.J)) > 1 or bool(model.h)
        )
        if other or len(first.axes) != 2 or first.cell or first.scale > 1:
            raise ValueError(
                "temperatures are those of the isotropic square Ising lattice without a field, not "
                f"of {model if other else first!r}: calibrate information_temperature instead"
            )
        return np.array([_temperature(float(c)) for c in self.correlation])

    def __repr__(self) -> str:
        sides = " -> ".join(str(level.lattice[0]) for level in self.levels)
        parts = [f"L = {sides}", f"{len(self.levels[0])} configurations"]
        if self.rules:
            nats = ", ".join(f"{value:.4g}" for value in self.information)
            parts.append(f"{nats} nats by step")
        return f"Flow({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "steps": len(self.levels) - 1,
            "L": tuple(level.lattice[0] for level in self.levels),
            "configurations": len(self.levels[0]),
            "nearest-neighbour correlation": tuple(map(float, self.correlation)),
        }
        if self.rules:
            rows["I(H:E) / nats"] = tuple(map(float, self.information))
        rows["seed"] = self.seed
        return html.table("Flow of block rules", rows, html.sparkline(self.correlation))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Filters of all steps. Returns the axes."""
        from kadanoff.lattices.rsmi.plots import plot_flow

        return plot_flow(self, ax=ax, **style)


@public(options=LearningOptions)
def flow(
    samples: Any,
    steps: int = 3,
    *,
    rule: BlockRule | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
    **options: Unpack[LearningKeywords],
) -> Flow:
    """Repeat learning a rule and coarse-graining with it.

    Parameters
    ----------
    samples : as in :func:`learn`
        Configurations that the blocks divide. Several hidden units are the variables of one site of
        the next step.
    steps : int, default 3
        Steps of the renormalisation group, at most 64; one on a graph.
    rule : BlockRule, optional
        A rule that is applied at every step; by default each step learns its own.
    seed, threads, progress, control : as in :func:`learn`
        Seed of learning and of the block spins, threads, progress bar and cancellation.
    block, buffer, hidden, bound, shell, environment, mode, bias, step, restarts, model, pairs, \
watch : as in :func:`learn`
        What is learned and how; not used if `rule` is given.

    Returns
    -------
    Flow
        The rule of each step and the block spins of each level.

    Raises
    ------
    TypeError
        `rule` is no BlockRule, or an option is of another kind.
    ValueError
        The lattice becomes too small for the block, its buffer and an environment.
    Cancelled
        ``partial`` holds the best rule so far of the step that was being learned, or None.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=16, T=kd.ising.T_c, n=2000, seed=1)
    >>> found = flow(samples, 2, bound=1.0, seed=0)
    >>> [x.shape[1] for x in found.configurations]
    [16, 8, 4]
    """
    steps = checks.whole("steps", steps, most=MAX_LEVELS)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    chosen = LearningOptions(**options)
    if rule is not None and not isinstance(rule, BlockRule):
        raise TypeError(f"rule must be a BlockRule or None, got {rule!r}")
    current = configurations_of(samples)
    if current.edges is not None and steps > 1:
        raise ValueError(
            f"steps must be 1 on a graph, whose blocks are lists of its own sites, got {steps}: "
            "continue with the last of `levels` and lists of its sites"
        )
    rules: list[FilterRule] = []
    levels = [current]
    for k in range(steps):
        step_rule = rule
        if step_rule is None:
            learned = rule_of_samples(current, chosen, run)
            if rules and rules[-1].filters.shape == learned.filters.shape:
                learned = learned.aligned(rules[-1])
            rules.append(learned)
            step_rule = learned
        current = current.coarse(step_rule, seed=(run.seed + k + 1) % 2**64, block=chosen.block)
        levels.append(current)
    return Flow(tuple(rules), tuple(levels), run.seed)


@public
def correlations(configurations: Any) -> FloatArray:
    """Average s s' of nearest and of next-nearest (diagonal) neighbours, per configuration.

    Parameters
    ----------
    configurations : Configurations, IsingSamples, DimerSamples, or array of +-1
        An array, shape (n, L_1, ..., L_d), is that of a periodic lattice; across open boundaries
        there are no neighbours.

    Returns
    -------
    array, shape (n, 2)
        Averages over nearest and over next-nearest neighbours (NaN on a graph).

    Raises
    ------
    TypeError, ValueError
        Entries other than +-1, or an array of fewer than two axes.

    Examples
    --------
    >>> correlations(np.ones((1, 4, 4))).tolist()
    [[1.0, 1.0]]
    """
    if source_of(configurations) is None and described_by_model(configurations) is None:
        return neighbour_products(spins_of(as_array(configurations)))
    return configurations_of(configurations).neighbours()


@public
def information_temperature(found: Information, T: ArrayLike, information: ArrayLike) -> Estimate:
    """Read a temperature off the mutual information, by a calibration at known temperatures.

    Parameters
    ----------
    found : Information
        The information (nats) of a rule about block spins, or about samples at an unknown
        temperature.
    T, information : arrays, shape (temperatures,)
        Information (nats) of the same rule and geometry at known temperatures, on one side of the
        maximum of I.

    Returns
    -------
    Estimate
        T in the unit of the calibration, with the error that follows from that of `found`; the
        calibration is not extrapolated.

    Raises
    ------
    TypeError
        `found` is no Information.
    ValueError
        The calibration is not monotonic, or does not contain the number.

    Examples
    --------
    >>> T = np.linspace(2.4, 4, 9)
    >>> from kadanoff.lattices.rsmi.joint_distributions import torus
    >>> I = [torus(6, t).information(np.ones(4)) for t in T]
    >>> unknown = Information(torus(6, 3.1).information(np.ones(4)), 0.0, "exact")
    >>> read = information_temperature(unknown, T, I)
    >>> print(f"{read.mean:.2f}")
    3.10
    """
    if not isinstance(found, Information):
        raise TypeError(f"found must be an Information, got {found!r}")
    t, nats = checks.array("T", T, ndim=1), checks.array("information", information, ndim=1)
    if len(t) != len(nats) or len(t) < 2:
        raise ValueError(
            f"T and information must have the same length, got {len(t)} and {len(nats)}"
        )
    order = np.argsort(t)
    t, nats = t[order], nats[order]
    steps = np.diff(nats)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError(
            "information must rise or fall throughout with T: calibrate on one side of T_c"
        )
    if not nats.min() <= found.value <= nats.max():
        raise ValueError(
            f"information {found.value:.4f} lies outside of the calibration, "
            f"{nats.min():.4f} to {nats.max():.4f}: calibrate at further temperatures"
        )
    from scipy.interpolate import PchipInterpolator

    rising = np.argsort(nats)
    curve = PchipInterpolator(nats[rising], t[rising])
    slope = abs(float(curve.derivative()(found.value)))
    return Estimate(float(curve(found.value)), slope * found.error, 0.5, float(found.n), found.n)


def _temperature(correlation: float) -> float:
    """T of the infinite square lattice with this nearest-neighbour correlation (Onsager)."""
    if not 0 < correlation < 1:
        return np.inf if correlation <= 0 else 0.0

    def found(T: float) -> float:
        K = 1 / T
        k = 2 * np.sinh(2 * K) / np.cosh(2 * K) ** 2
        # Complete elliptic integral by the arithmetic-geometric mean.
        a, b = 1.0, np.sqrt(max(0.0, 1 - k * k))
        for _ in range(40):
            a, b = (a + b) / 2, np.sqrt(a * b)
        elliptic = np.pi / 2 / a if a > 0 else np.inf
        slope = 2 * np.tanh(2 * K) ** 2 - 1
        product = slope * elliptic * 2 / np.pi if slope != 0 else 0.0
        return float((1 / np.tanh(2 * K)) * (1 + product) / 2)

    low, high = 0.05, 1e4
    for _ in range(200):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if found(middle) > correlation else (low, middle)
    return float(np.sqrt(low * high))
