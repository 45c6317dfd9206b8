r"""The renormalisation flow of learned rules.

samples -> learn a rule -> block spins, drawn from P(h | v) -> learn again -> ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.statistics import Estimate
from kadanoff._base.types import FloatArray, SpinArray
from kadanoff.lattices.blockspin.rules import BlockRule
from kadanoff.lattices.rsmi.learning import learn
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.samples import as_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Flow", "correlations", "flow", "information_temperature"]


@dataclass(frozen=True, eq=False)
class Flow:
    """Rules and block spins, step by step.

    Attributes
    ----------
    rules : tuple of FilterRule
        The rule of each step, signs aligned from step to step.
    configurations : tuple of arrays
        Block spins after 0, 1, ... steps.
    """

    rules: tuple[FilterRule, ...]
    configurations: tuple[SpinArray, ...]

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def information(self) -> FloatArray:
        """Bounds on I(H : E), step by step, nats."""
        return np.array([r.information.value if r.information else np.nan for r in self.rules])

    @property
    def correlation(self) -> FloatArray:
        """Nearest-neighbour correlation after 0, 1, ... steps."""
        return np.array([correlations(x)[:, 0].mean() for x in self.configurations])

    @property
    def correlation_error(self) -> FloatArray:
        """One standard deviation, if configurations are independent."""
        return np.array(
            [correlations(x)[:, 0].std(ddof=1) / np.sqrt(len(x)) for x in self.configurations]
        )

    def temperatures(self) -> FloatArray:
        """Effective temperatures: that of the infinite Ising lattice with the same correlation.

        The energy of Onsager's solution is ``-2 <s s'>``; it is inverted for the correlation after
        0, 1, ... steps. Block spins have further couplings: this is a thermometer, not a theory.
        """
        return np.array([_temperature(float(c)) for c in self.correlation])

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Filters of all steps. Returns the axes."""
        from kadanoff.lattices.rsmi.plots import plot_flow

        return plot_flow(self, ax=ax, **style)


def flow(
    samples: Any, steps: int = 3, *, rule: BlockRule | None = None, seed: int = 0, **options: Any
) -> Flow:
    """Learn, coarse-grain, and again.

    Parameters
    ----------
    samples : see :func:`learn`
    steps : int, default 3
    rule : BlockRule, optional
        The same rule at every step, learning nothing.
    seed : int, default 0
    **options
        Of :func:`learn`.

    Raises
    ------
    ValueError
        The lattice becomes too small for the block, its buffer and an environment.

    Examples
    --------
    >>> import kadanoff as kd
    >>> samples = kd.ising.sample(L=16, T=kd.ising.T_c, n=2000, seed=1)
    >>> found = flow(samples, 2, bound=1.0)
    >>> [x.shape[1] for x in found.configurations]
    [16, 8, 4]
    """
    steps, seed = checks.whole("steps", steps), checks.seed(seed)
    current: Any = samples
    rules: list[FilterRule] = []
    spins = [as_array(samples)]
    for k in range(steps):
        if rule is None:
            learned = learn(current, seed=seed, **options)
            if rules and rules[-1].filters.shape == learned.filters.shape:
                learned = learned.aligned(rules[-1])
            rules.append(learned)
            chosen: BlockRule = learned
        else:
            chosen = rule
        current = chosen.apply(spins[-1], seed=seed + k + 1)
        spins.append(current)
    return Flow(tuple(rules), tuple(spins))


def correlations(spins: Any) -> FloatArray:
    """Average s s' of nearest and of next-nearest (diagonal) neighbours, one row a configuration.

    Examples
    --------
    >>> correlations(np.ones((1, 4, 4))).tolist()
    [[1.0, 1.0]]
    """
    s = np.asarray(spins, dtype=np.int8)
    axes = tuple(range(1, s.ndim))
    near = [np.mean(s * np.roll(s, 1, axis=a), axis=axes) for a in axes]
    if len(axes) < 2:
        far = np.mean(s * np.roll(s, 2, axis=1), axis=1)
    else:
        far = np.mean(
            [np.mean(s * np.roll(s, (1, d), axis=axes[:2]), axis=axes) for d in (1, -1)], axis=0
        )
    return np.stack([np.mean(near, axis=0), far], axis=1)


def information_temperature(found: Information, T: Any, information: Any) -> Estimate:
    """The thermometer of mutual information: where a calibration reads the same number.

    Parameters
    ----------
    found : Information
        What a rule retains of block spins, or of samples at an unknown temperature.
    T, information : arrays
        The same rule and geometry at known temperatures, on one side of the maximum of I.

    Returns
    -------
    Estimate
        T with the error that `found` leaves; nothing is extrapolated.

    Raises
    ------
    ValueError
        The calibration is not monotonic, or does not contain the number.

    Examples
    --------
    >>> T = np.linspace(2.4, 4, 9)
    >>> from kadanoff.lattices.rsmi.laws import torus
    >>> I = [torus(6, t).information(np.ones(4)) for t in T]
    >>> unknown = Information(torus(6, 3.1).information(np.ones(4)), 0.0, "exact")
    >>> read = information_temperature(unknown, T, I)
    >>> print(f"{read.mean:.2f}")
    3.10
    """
    t, nats = checks.array("T", T, ndim=1), checks.array("information", information, ndim=1)
    if len(t) != len(nats) or len(t) < 2:
        raise ValueError(
            f"T and information must have the same length, got {len(t)} and {len(nats)}"
        )
    order = np.argsort(t)
    t, nats = t[order], nats[order]
    steps = np.diff(nats)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError("information must rise or fall throughout: calibrate on one side of T_c")
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
