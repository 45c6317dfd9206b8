r"""The filters that maximise I(H : E): L-BFGS in the box |lambda_i| <= bound, from several starts.

The bound is on every weight. Of the 2x2 block at T_c the uniform filter is the best while the bound
is below about 2; in the box of 3 the best is a permutation of (3, 3, 3, 1.25), by 4e-4 nats:
there filters from samples are not identifiable, I is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.blockspin.enumeration import seed_of
from kadanoff.errors import Cancelled
from kadanoff.rsmi.objective import information_gradient
from kadanoff.rsmi.rules import FilterRule, Information
from kadanoff.stars import real, whole

if TYPE_CHECKING:
    from kadanoff.rsmi.laws import Law

__all__ = ["Watch", "checked_bound", "climb", "maximise"]

Values = NDArray[np.float64]
Watch = Callable[[Values, float], object]

SMALL = 0.5  # starts: at zero the gradient vanishes
ITERATIONS = 200


def maximise(
    law: Law,
    *,
    hidden: int = 1,
    bound: float = 3.0,
    bias: bool = False,
    restarts: int = 8,
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
    seed : int, default 0
    watch : callable, optional
        Called as ``watch(filters, I)`` at every evaluation: live pictures.

    Returns
    -------
    FilterRule

    Examples
    --------
    >>> from kadanoff.rsmi.laws import torus
    >>> rule = maximise(torus(6, 2.269185314213022), bound=3.0)
    >>> np.sort(rule.filters.ravel()).round(4).tolist(), round(rule.information.value, 9)
    ([1.2498, 3.0, 3.0, 3.0], 0.461450492)
    """
    hidden, bound = whole("hidden", hidden), checked_bound(bound)
    found = climb(law, hidden, bound, bias, whole("restarts", restarts), seed_of(seed), watch)
    filters, b, history, converged = found
    rule = FilterRule(
        filters.reshape(hidden, *law.shape), b, bound=bound, history=history, converged=converged
    ).aligned()
    information = Information(law.information(rule), 0.0, "exact")
    return FilterRule(
        rule.filters,
        rule.bias,
        information=information,
        bound=bound,
        history=history,
        converged=converged,
    )


def checked_bound(bound: object) -> float:
    """A bound on |lambda_i|; infinite for none."""
    if bound is None or (isinstance(bound, float | np.floating) and bound == np.inf):
        return np.inf
    x = real("bound", bound)
    if x <= 0:
        raise ValueError(f"bound must be positive (inf for none), got {bound}")
    return x


def climb(
    law: Law,
    hidden: int,
    bound: float,
    bias: bool,
    restarts: int,
    seed: int,
    watch: Watch | None = None,
    check: Callable[[], object] | None = None,
    first: Values | None = None,
) -> tuple[Values, Values, Values, bool]:
    """Filters (hidden, features), bias, history and convergence of the best start."""
    from scipy.optimize import minimize

    features = law.states.shape[1]
    size = hidden * features
    rng = np.random.default_rng([seed, 0x6C696D62])
    states = np.ascontiguousarray(law.states, dtype=np.float64)
    best: tuple[float, Values, Values, bool] | None = None
    box = [(-bound, bound)] * size + [(-np.inf, np.inf)] * (hidden if bias else 0)
    for start in range(restarts):
        x = rng.uniform(-1, 1, size + (hidden if bias else 0)) * min(bound, SMALL)
        if start == 0:
            x[:features] = min(bound, SMALL)
            if first is not None:
                x[:size] = np.clip(first.ravel(), -bound, bound)
        history: list[float] = []

        def down(
            x: Values, history: list[float] = history, best: Any = best
        ) -> tuple[float, Values]:
            if check is not None:
                try:
                    check()
                except Cancelled as stop:
                    stop.partial = best[1] if best is not None else x
                    raise
            filters = x[:size].reshape(hidden, features)
            b = x[size:] if bias else np.zeros(hidden)
            nats, by_filters, by_bias = information_gradient(
                law.weights, law.conditional, states, filters, b
            )
            history.append(nats)
            if watch is not None:
                watch(filters.reshape(hidden, *law.shape), nats)
            gradient = np.concatenate([by_filters.ravel(), by_bias if bias else []])
            return -nats, -np.asarray(gradient, dtype=np.float64)

        options: dict[str, Any] = {"maxiter": ITERATIONS, "ftol": 1e-15, "gtol": 1e-9}
        if law.conditional.dtype == np.float32:
            options = {"maxiter": ITERATIONS, "ftol": 1e-7, "gtol": 1e-6}
        found = minimize(down, x, jac=True, method="L-BFGS-B", bounds=box, options=options)
        if best is None or found.fun < best[0]:
            best = (float(found.fun), found.x, np.array(history), bool(found.success))
    assert best is not None
    x = best[1]
    b = x[size:] if bias else np.zeros(hidden)
    return x[:size].reshape(hidden, features), b, best[2], best[3]
