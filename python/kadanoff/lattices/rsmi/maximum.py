r"""The filters that maximise I(H : E): L-BFGS in the box |lambda_i| <= bound, from several starts.

The bound is on every weight. Of the 2x2 block at T_c the uniform filter is the best while the bound
is below about 2; in the box of 3 the best is a permutation of (3, 3, 3, 1.25), by 4e-4 nats:
there filters from samples are not identifiable, I is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report, bar
from kadanoff._base.types import FloatArray
from kadanoff.lattices.rsmi.objective import information_gradient
from kadanoff.lattices.rsmi.rules import FilterRule, Information

if TYPE_CHECKING:
    from kadanoff.lattices.rsmi.laws import Law

__all__ = [
    "Objective",
    "Search",
    "Watch",
    "checked_bound",
    "climb",
    "maximise",
    "of_law",
    "running",
]

Watch = Callable[[FloatArray, float], object]
Objective = Callable[[FloatArray, FloatArray], tuple[float, FloatArray, FloatArray]]
"""(filters, bias) -> value and its derivatives by both."""

SMALL = 0.5  # starts: at zero the gradient vanishes
ITERATIONS = 200


@dataclass(kw_only=True)
class Search:
    """What is asked of a learner, and who watches it.

    `best` is the rule that reached most so far: what a cancelled search hands out.
    """

    hidden: int
    bound: float
    bias: bool = False
    restarts: int = 1
    seed: int = 0
    pairs: int | None = None
    threads: int | None = None
    control: _core.Control | None = None
    watch: Watch | None = None
    report: Report | None = None
    best: FilterRule | None = None
    reached: float = -np.inf

    def check(self) -> None:
        """Stops if it was asked to."""
        if self.control is not None and self.control.cancelled:
            raise Cancelled("the computation was stopped")

    def see(self, filters: FloatArray, b: FloatArray, value: float) -> None:
        """Shows filters (units, *block) and what they reach."""
        if value > self.reached:
            self.reached = value
            self.best = FilterRule(filters.copy(), b.copy(), bound=self.bound, converged=False)
        if self.watch is not None:
            self.watch(filters, value)

    def tell(self, done: int, total: int) -> None:
        """Progress."""
        if self.report is not None:
            self.report(done, total)


@contextmanager
def running(what: str, search: Search, progress: bool | Report | None) -> Iterator[None]:
    """A bar, few threads of BLAS, and what there is on the stop button."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    try:
        # Products are small: threads that wait for one another cost more than they bring.
        with threadpool_limits(search.threads or 1, user_api="blas"), bar(what, progress) as report:
            search.report = report
            yield
    except KeyboardInterrupt as stop:  # Cancelled is one
        raise Cancelled(f"{what} was stopped", partial=search.best) from stop


def maximise(
    law: Law,
    *,
    hidden: int = 1,
    bound: float = 3.0,
    bias: bool = False,
    restarts: int = 8,
    objective: str = "information",
    seed: int = 0,
    watch: Watch | None = None,
) -> FilterRule:
    """The rule that maximises I(H : E) of a law.

    Parameters
    ----------
    law : Law
        Exact, or of sampled environments.
    hidden : int, default 1
        Hidden units.
    bound : float, default 3
        Largest |lambda_i|; infinity for none.
    bias : bool, default False
        Whether b may differ from zero. In a symmetric model it gains by breaking the symmetry.
    restarts : int, default 8
        Starts: one uniform, the others random.
    objective : {"information", "proxy"}
        "proxy": what the algorithm of 2018 maximises instead, see :func:`proxy`.
    seed : int, default 0
    watch : callable, optional
        Called as ``watch(filters, I)`` at every evaluation: live pictures.

    Returns
    -------
    FilterRule
        `information` is that of the objective.

    Examples
    --------
    >>> from kadanoff.lattices.rsmi.laws import torus
    >>> rule = maximise(torus(6, 2.269185314213022), bound=3.0)
    >>> np.sort(rule.filters.ravel()).round(4).tolist(), round(rule.information.value, 9)
    ([1.2498, 3.0, 3.0, 3.0], 0.461450492)
    """
    from kadanoff.lattices.rsmi.proxy_objective import of_likelihoods, ratios

    if objective not in ("information", "proxy"):
        raise ValueError(f"objective must be 'information' or 'proxy', got {objective!r}")
    search = Search(
        hidden=checks.whole("hidden", hidden),
        bound=checked_bound(bound),
        bias=bool(bias),
        restarts=checks.whole("restarts", restarts),
        seed=checks.seed(seed),
        watch=watch,
    )
    states = np.ascontiguousarray(law.states, dtype=np.float64)
    aim = of_law(law) if objective == "information" else of_likelihoods(states, *ratios(law))
    rule = climb(aim, states.shape[1], law.shape, search).aligned()
    value = aim(rule.filters.reshape(rule.units, -1), rule.bias)[0]
    kind = "exact" if objective == "information" else "proxy"
    return rule.known(Information(value, 0.0, kind))


def checked_bound(bound: object) -> float:
    """A bound on |lambda_i|; infinite for none."""
    if bound is None or (isinstance(bound, float | np.floating) and bound == np.inf):
        return np.inf
    x = checks.real("bound", bound)
    if x <= 0:
        raise ValueError(f"bound must be positive (inf for none), got {bound}")
    return x


def of_law(law: Law) -> Objective:
    """I(H : E) of a law and its gradient."""
    states = np.ascontiguousarray(law.states, dtype=np.float64)

    def objective(filters: FloatArray, b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        return information_gradient(law.weights, law.conditional, states, filters, b)

    return objective


def climb(
    objective: Objective,
    features: int,
    shape: tuple[int, ...],
    search: Search,
    *,
    first: FilterRule | None = None,
    rounded: bool = False,
) -> FilterRule:
    """The best of several starts; with `first` from there only.

    Parameters
    ----------
    rounded : bool
        Whether the objective comes from sums in single precision.
    """
    from scipy.optimize import minimize

    hidden, bound, bias = search.hidden, search.bound, search.bias
    size = hidden * features
    rng = np.random.default_rng([search.seed, 0x6C696D62])
    best: tuple[float, FilterRule] | None = None
    box = [(-bound, bound)] * size + [(-np.inf, np.inf)] * (hidden if bias else 0)
    options: dict[str, Any] = {"maxiter": ITERATIONS, "ftol": 1e-15, "gtol": 1e-9}
    if rounded:
        options |= {"ftol": 1e-7, "gtol": 1e-6}
    for start in range(search.restarts if first is None else 1):
        x = rng.uniform(-1, 1, size + (hidden if bias else 0)) * min(bound, SMALL)
        if first is not None:
            x = np.concatenate([first.filters.ravel(), first.bias if bias else []])
        elif start == 0:
            x[:features] = min(bound, SMALL)
        history: list[float] = []

        def split(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            return x[:size].reshape(hidden, features), x[size:] if bias else np.zeros(hidden)

        def down(x: FloatArray, history: list[float] = history) -> tuple[float, FloatArray]:
            search.check()
            filters, b = split(x)
            value, by_filters, by_bias = objective(filters, b)
            history.append(value)
            search.see(filters.reshape(hidden, *shape), b, value)
            gradient = np.concatenate([by_filters.ravel(), by_bias if bias else []])
            return -value, -np.asarray(gradient, dtype=np.float64)

        found = minimize(down, x, jac=True, method="L-BFGS-B", bounds=box, options=options)
        if best is None or found.fun < best[0]:
            filters, b = split(found.x)
            rule = FilterRule(
                filters.reshape(hidden, *shape),
                b,
                bound=bound,
                history=np.array(history),
                converged=bool(found.success),
            )
            best = (float(found.fun), rule)
    assert best is not None
    return best[1]
