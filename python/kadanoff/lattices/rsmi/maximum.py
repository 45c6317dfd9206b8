r"""The filters that maximise I(H : E): L-BFGS in the box |lambda_i| <= bound, from several starts.

The bound is on every weight. Of the 2x2 block at T_c the uniform filter is the best while the bound
is below about 2; in the box of 3 the best is a permutation of (3, 3, 3, 1.25), by 4e-4 nats.
Samples then determine I, but not the filters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.rsmi.joint_distributions import JointDistribution, checked_joint
from kadanoff.lattices.rsmi.objective import Objective, information_gradient
from kadanoff.lattices.rsmi.proxy_information import log_ratio_matrix, proxy_objective
from kadanoff.lattices.rsmi.rules import FilterRule, Information, checked_bound, checked_units

__all__ = [
    "MAX_RESTARTS",
    "Ascent",
    "Watch",
    "checked_watch",
    "climb",
    "information_objective",
    "maximise",
    "running",
]

Watch = Callable[[FloatArray, float], object]

MAX_RESTARTS = 10_000
_START = 0.5  # size of the weights at a start: at zero the gradient vanishes
_MAX_ITERATIONS = 200


@dataclass(kw_only=True)
class Ascent:
    """A search for the filters with the largest objective: its options and its best rule so far.

    Attributes
    ----------
    run : Run
    hidden, bound, bias, restarts, pairs, watch
        As in :func:`kadanoff.rsmi.learn`.
    report : callable or None
        Report of the progress bar during the run.
    best : FilterRule or None
        The rule with the largest objective so far: the partial result of a cancelled search.
    reached : float
        Its objective.
    """

    run: Run
    hidden: int
    bound: float
    bias: bool = False
    restarts: int = 1
    pairs: int | None = None
    watch: Watch | None = None
    report: Report | None = None
    best: FilterRule | None = None
    reached: float = -np.inf

    @property
    def seed(self) -> int:
        """Seed of starts and bootstrap."""
        return self.run.seed

    def check(self) -> None:
        """Raise Cancelled if the run was cancelled."""
        if self.run.control is not None and self.run.control.cancelled:
            raise Cancelled("the computation was stopped")

    def record(self, filters: FloatArray, b: FloatArray, value: float) -> None:
        """An evaluation: filters, shape (units, *block), and their objective."""
        if value > self.reached:
            self.reached = value
            self.best = FilterRule(
                filters.copy(), b.copy(), bound=self.bound, converged=False, seed=self.seed
            )
        if self.watch is not None:
            self.watch(filters, value)

    def advance(self, done: int, total: int) -> None:
        """Progress."""
        if self.report is not None:
            self.report(done, total)


@contextmanager
def running(description: str, ascent: Ascent) -> Iterator[None]:
    """Progress bar, one BLAS thread, and the best rule so far on an interrupt."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    try:
        # Products are small: threads that wait for one another cost more than they bring.
        with (
            threadpool_limits(ascent.run.threads or 1, user_api="blas"),
            ascent.run.calling(description) as keywords,
        ):
            ascent.report = keywords["report"]
            yield
    except KeyboardInterrupt as stop:  # Cancelled is one
        raise Cancelled(f"{description} was stopped", partial=ascent.best) from stop


@public
def maximise(
    joint: JointDistribution,
    *,
    hidden: int = 1,
    bound: float = 3.0,
    bias: bool = False,
    restarts: int = 8,
    objective: str = "information",
    seed: int | None = None,
    watch: Watch | None = None,
) -> FilterRule:
    """Find the rule that maximises I(H : E) of a joint distribution.

    Parameters
    ----------
    joint : JointDistribution
        Exact, or of sampled environments.
    hidden : int, default 1
        Hidden units, at most 12.
    bound : float, default 3
        Largest |lambda_i|; infinity for none.
    bias : bool, default False
        Whether b may differ from zero. In a symmetric model it gains by breaking the symmetry.
    restarts : int, default 8
        Starts: one uniform, the others random.
    objective : {"information", "proxy"}
        The quantity that is maximised; "proxy" is that of the algorithm of 2018, see
        :func:`proxy`.
    seed : int, optional
        Seed of the starts; drawn if not given.
    watch : callable, optional
        Called as ``watch(filters, I)`` at every evaluation, for instance to draw them.

    Returns
    -------
    FilterRule
        The best rule of all starts; `information` is the value of the objective.

    Raises
    ------
    TypeError, ValueError
        `joint` is no JointDistribution, or an option is of another kind or out of range.

    Examples
    --------
    >>> from kadanoff.lattices.rsmi.joint_distributions import torus
    >>> rule = maximise(torus(6, 2.269185314213022), bound=3.0, seed=0)
    >>> np.sort(rule.filters.ravel()).round(4).tolist(), round(rule.information.value, 9)
    ([1.2498, 3.0, 3.0, 3.0], 0.461450492)
    """
    joint = checked_joint(joint)
    objective = checks.choice("objective", objective, ("information", "proxy"))
    ascent = Ascent(
        run=Run.of(seed=seed),
        hidden=checked_units("hidden", hidden),
        bound=checked_bound(bound),
        bias=checks.flag("bias", bias),
        restarts=checks.whole("restarts", restarts, most=MAX_RESTARTS),
        watch=checked_watch(watch),
    )
    states = np.ascontiguousarray(joint.states, dtype=np.float64)
    aim = (
        information_objective(joint)
        if objective == "information"
        else proxy_objective(states, *log_ratio_matrix(joint))
    )
    rule = climb(aim, states.shape[1], joint.whole, ascent).aligned().shaped(joint.whole)
    value = aim(rule.filters.reshape(rule.units, -1), rule.bias)[0]
    kind = "exact" if objective == "information" else "proxy"
    return rule.known(Information(value, 0.0, kind))


def checked_watch(watch: object) -> Watch | None:
    """A function that is called at every evaluation, or None."""
    if watch is not None and not callable(watch):
        raise TypeError(f"watch must be a function (filters, value) or None, got {watch!r}")
    return cast("Watch | None", watch)


def information_objective(joint: JointDistribution) -> Objective:
    """I(H : E) of a joint distribution and its gradient."""
    states = np.ascontiguousarray(joint.states, dtype=np.float64)

    def objective(filters: FloatArray, b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        return information_gradient(joint.weights, joint.conditional, states, filters, b)

    return objective


def climb(
    objective: Objective,
    features: int,
    whole: Callable[[FloatArray], FloatArray],
    ascent: Ascent,
    *,
    first: FilterRule | None = None,
    start_from: FloatArray | None = None,
    rounded: bool = False,
) -> FilterRule:
    """The best of several starts, with flat filters; with `first` from there only.

    Parameters
    ----------
    whole : callable
        Filters in the shape of the block from those of shape (units, features), to be recorded.
    start_from : array, shape (units, features), optional
        Filters of the first start, of size 1; by default that of the first unit is uniform.
    rounded : bool
        Whether the objective comes from sums in single precision.
    """
    from scipy.optimize import minimize

    hidden, bound, bias = ascent.hidden, ascent.bound, ascent.bias
    size = hidden * features
    rng = np.random.default_rng([ascent.seed, 0x6C696D62])
    best: tuple[float, FilterRule] | None = None
    box = [(-bound, bound)] * size + [(-np.inf, np.inf)] * (hidden if bias else 0)
    options: dict[str, Any] = {"maxiter": _MAX_ITERATIONS, "ftol": 1e-15, "gtol": 1e-9}
    if rounded:
        options |= {"ftol": 1e-7, "gtol": 1e-6}
    for start in range(ascent.restarts if first is None else 1):
        x = rng.uniform(-1, 1, size + (hidden if bias else 0)) * min(bound, _START)
        if first is not None:
            x = np.concatenate([first.filters.ravel(), first.bias if bias else []])
        elif start == 0 and start_from is not None:
            x[:size] = min(bound, _START) * start_from.ravel()
        elif start == 0:
            x[:features] = min(bound, _START)
        history: list[float] = []

        def split(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            return x[:size].reshape(hidden, features), x[size:] if bias else np.zeros(hidden)

        def down(x: FloatArray, history: list[float] = history) -> tuple[float, FloatArray]:
            ascent.check()
            filters, b = split(x)
            value, by_filters, by_bias = objective(filters, b)
            history.append(value)
            ascent.record(whole(filters), b, value)
            gradient = np.concatenate([by_filters.ravel(), by_bias if bias else []])
            return -value, -np.asarray(gradient, dtype=np.float64)

        found = minimize(down, x, jac=True, method="L-BFGS-B", bounds=box, options=options)
        if best is None or found.fun < best[0]:
            filters, b = split(found.x)
            rule = FilterRule(
                filters,
                b,
                bound=bound,
                history=np.array(history),
                converged=bool(found.success),
                seed=ascent.seed,
            )
            best = (float(found.fun), rule)
    assert best is not None
    return best[1]
