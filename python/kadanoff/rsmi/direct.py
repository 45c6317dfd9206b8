r"""Filters of blocks too large to be summed: q(h | e) is modelled directly.

    q(h | e) = exp(a(h) + h.U e) / sum_h' exp(a(h') + h'.U e)

    J = H(H) + < sum_h P(h|v) ln q(h|e) >  <=  I(H : E)

J is raised in filters and model together; h is summed, v is the data. The start is linear: the
directions in which block and environment are most correlated (canonical correlations),

    C_ve C_ee^-1 C_ev w = rho^2 C_vv w.

Spins of the block that no linear function of the environment predicts (chi^2 of their regression
within 5 standard deviations of chance) are left out before: with saturated filters J hardly sees
them, so that their weights would be the noise of the sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.blockspin.enumeration import spins
from kadanoff.errors import Cancelled
from kadanoff.progress import Report
from kadanoff.rsmi.certified import certify, folds, spread
from kadanoff.rsmi.conditional import _softmax
from kadanoff.rsmi.geometry import Geometry
from kadanoff.rsmi.maximum import Watch
from kadanoff.rsmi.objective import coarse_table
from kadanoff.rsmi.rules import FilterRule
from kadanoff.rsmi.samples import gather
from kadanoff.stars import whole

__all__ = ["canonical_directions", "learn_directly"]

Values = NDArray[np.float64]
Floats = NDArray[np.float32]

PAIRS = 60_000
EVALUATED = 30_000
ITERATIONS = 150
SCREEN = 5.0
TINY = 1e-30


def canonical_directions(v: Floats, e: Floats) -> tuple[Values, Values]:
    """Directions w (columns) of the block and canonical correlations rho, largest first.

    v and e are centred. Combinations that never change (dimers: one at each site) are left out.
    """
    S, R = _inverse_root(v), _inverse_root(e)
    left, rho, _ = np.linalg.svd(S.T @ (v.T @ e).astype(float) / len(v) @ R)
    return S @ left[:, : len(rho)], rho


def _inverse_root(x: Floats) -> Values:
    values, vectors = np.linalg.eigh((x.T @ x).astype(float) / len(x))
    keep = values > 1e-4 * max(float(values[-1]), 1e-30)
    return np.asarray(vectors[:, keep] / np.sqrt(values[keep]))


def predictable(v: Floats, e: Floats, sigmas: float = SCREEN) -> NDArray[np.bool_]:
    """Which spins of the block a linear function of the environment predicts.

    n R^2 of a spin that is independent of the environment is chi^2 with as many degrees of freedom
    as the environment has.
    """
    R = _inverse_root(e)
    cross = (v.T @ e).astype(float) / len(v) @ R
    of = np.maximum(np.mean(v.astype(np.float32) ** 2, axis=0, dtype=np.float64), 1e-12)
    freedom = R.shape[1]
    chance = len(v) * np.sum(cross**2, axis=1) / of
    return np.asarray((chance - freedom) / np.sqrt(2 * freedom) > sigmas)


def learn_directly(
    samples: Any,
    geometry: Geometry,
    *,
    hidden: int,
    bound: float,
    bias: bool,
    restarts: int,
    pairs: int | None,
    seed: int,
    watch: Watch | None,
    check: Callable[[], None],
    report: Report | None,
) -> FilterRule:
    """Learn filters and q(h | e) together; certify on what was held out."""
    from kadanoff.rsmi.learning import _count, enough, not_constant

    if hidden > 8:
        raise ValueError(f"hidden must be at most 8 (2^hidden values are summed), got {hidden}")
    n = _count(samples)
    sites, around = len(geometry.visible), len(geometry.environment)
    enough(n, hidden * (sites + around) // 4, geometry.positions)
    learning, held = folds(n)
    wanted = PAIRS if pairs is None else whole("pairs", pairs)
    corners = spread(geometry, max(1, round(wanted / len(learning))))
    learning = learning[: max(1, wanted // len(corners))]
    both = [gather(samples, geometry, c, learning) for c in corners]
    v_all, e_all = (np.concatenate([b[i] for b in both]) for i in (0, 1))
    del both
    not_constant(v_all)
    v_moves, e_moves = ((x != x[0]).any(axis=0) for x in (v_all, e_all))
    v, v_mean = _centred(v_all[:, v_moves])
    e, e_mean = _centred(e_all[:, e_moves])
    del v_all, e_all
    seen = predictable(v, e)
    if seen.any() and not seen.all():
        v_moves[np.flatnonzero(v_moves)[~seen]] = False
        v, v_mean = np.ascontiguousarray(v[:, seen]), v_mean[seen]

    def tell(done: int) -> None:
        if report is not None:
            report(done, restarts + 2)

    tell(1)
    check()
    w, rho = canonical_directions(v, e)
    rng = np.random.default_rng([seed, 0x64697265])
    best: tuple[float, Values, Values, bool, float] | None = None
    for start in range(restarts):
        first = w[:, :hidden] if start == 0 else w[:, : 2 * hidden]
        mixed = first @ _rotation(rng, first.shape[1], hidden, plain=start == 0)
        problem = _Direct(v, e, hidden, bound, geometry, v_moves, watch, check)
        x, value, history, converged = problem.solve(mixed, bias)
        tell(start + 2)
        if best is None or value > best[0]:
            best = (value, x, history, converged, float(rho[0]))
    assert best is not None
    _, x, history, converged, _ = best
    problem = _Direct(v, e, hidden, bound, geometry, v_moves, None, check)
    filters, b, a, U = problem.split(x, bias)
    full = np.zeros((hidden, sites))
    full[:, v_moves] = filters
    shift = b - filters @ v_mean
    rule = FilterRule(full.reshape(hidden, *geometry.block), shift)

    rows = np.concatenate(held)
    numbers = np.repeat(np.arange(len(held)), [len(c) for c in held])
    places = spread(geometry, max(1, EVALUATED // len(rows)))
    ps, qs = [], []
    for corner in places:
        block, outside = gather(samples, geometry, corner, rows)
        ps.append(coarse_table(block @ full.T + shift))
        near = outside[:, e_moves].astype(np.float32) - e_mean.astype(np.float32)
        qs.append(problem.model(near.T, a, U)[0].T.astype(float))
    information = certify(
        np.concatenate(ps), np.concatenate(qs), np.tile(numbers, len(places)), seed=seed
    )
    tell(restarts + 2)
    rule = FilterRule(
        rule.filters,
        rule.bias,
        information=information,
        geometry=geometry,
        bound=bound,
        history=history,
        converged=converged,
    )
    return rule.aligned()


def _centred(x: NDArray[Any]) -> tuple[Floats, Values]:
    mean = x.mean(axis=0)
    return x.astype(np.float32) - mean.astype(np.float32), mean


def _rotation(rng: np.random.Generator, rows: int, columns: int, *, plain: bool) -> Values:
    """Orthonormal columns: the identity, or at random."""
    if plain:
        return np.eye(rows, columns)
    return np.linalg.qr(rng.normal(size=(rows, rows)))[0][:, :columns]


class _Direct:
    """J and its gradient; parameters lambda, (b), a, U in one vector."""

    def __init__(
        self,
        v: Floats,
        e: Floats,
        hidden: int,
        bound: float,
        geometry: Geometry,
        moves: NDArray[np.bool_],
        watch: Watch | None,
        check: Callable[[], None],
    ) -> None:
        self.v, self.e, self.hidden, self.bound = v, e, hidden, bound
        self.geometry, self.moves, self.watch, self.check = geometry, moves, watch, check
        self.h = spins(hidden).astype(np.float32)  # (values, hidden)
        self.history: list[float] = []
        self.last: Values | None = None

    def split(self, x: Values, bias: bool) -> tuple[Values, Values, Values, Values]:
        k, sites, around = self.hidden, self.v.shape[1], self.e.shape[1]
        cut = np.cumsum([k * sites, k if bias else 0, 2**k])
        filters, b, a, U = np.split(x, cut)
        return filters.reshape(k, sites), (b if bias else np.zeros(k)), a, U.reshape(k, around)

    def model(self, et: Floats, a: Values, U: Values) -> tuple[Floats, Floats]:
        """q(h | e), shape (values, n), and its logarithm."""
        logits = self.h @ (U.astype(np.float32) @ et) + a.astype(np.float32)[:, None]
        raw = logits.copy()
        q, log = _softmax(logits)
        return q, raw - log

    def loss(self, x: Values, bias: bool) -> tuple[float, Values]:
        try:
            self.check()
        except Cancelled as stop:
            if self.last is not None:
                stop.partial = self.shown(self.split(self.last, bias)[0])
            raise
        self.last = x
        filters, b, a, U = self.split(x, bias)
        n = len(self.v)
        field = filters.astype(np.float32) @ self.v.T + b.astype(np.float32)[:, None]
        lean = np.tanh(field)
        p = np.ones((1, n), dtype=np.float32)
        for j in range(self.hidden):
            up = (1 + lean[j]) / 2
            p = np.concatenate([p * up, p * (1 - up)], axis=0)
        q, log = self.model(self.e.T, a, U)
        middle = p.mean(axis=1, dtype=np.float64)
        ratio = log - np.log(np.maximum(middle, TINY)).astype(np.float32)[:, None]
        terms = p * ratio
        J = float(terms.sum(dtype=np.float64)) / n
        by_field = self.h.T @ terms - terms.sum(axis=0) * lean
        by_filters = by_field @ self.v / n
        difference = p - q
        by_a = difference.sum(axis=1, dtype=np.float64) / n
        by_U = (self.h.T @ difference) @ self.e / n
        self.history.append(J)
        if self.watch is not None:
            self.watch(self.shown(filters), J)
        gradient = [
            by_filters.ravel(),
            by_field.sum(axis=1) / n if bias else [],
            by_a,
            by_U.ravel(),
        ]
        return -J, -np.concatenate(gradient).astype(float)

    def shown(self, filters: Values) -> Values:
        full = np.zeros((self.hidden, len(self.moves)))
        full[:, self.moves] = filters
        return full.reshape(self.hidden, *self.geometry.block)

    def solve(self, w: Values, bias: bool) -> tuple[Values, float, Values, bool]:
        from scipy.optimize import minimize

        k = self.hidden
        # Unit variance of the fields to begin with, in the box.
        scale = w.T / max(1.0, float(np.abs(w).max()) / self.bound)
        fields = self.v @ scale.T.astype(np.float32)
        gram = (self.e.T @ self.e).astype(float) / len(self.e)
        gram += 1e-3 * np.trace(gram) / len(gram) * np.eye(len(gram))
        U = np.linalg.solve(gram, (self.e.T @ np.tanh(fields)).astype(float) / len(self.e)).T
        x = np.concatenate([scale.ravel(), np.zeros(k if bias else 0), np.zeros(2**k), U.ravel()])
        box = [(-self.bound, self.bound)] * scale.size + [(-np.inf, np.inf)] * (len(x) - scale.size)
        found = minimize(
            self.loss,
            x,
            args=(bias,),
            jac=True,
            method="L-BFGS-B",
            bounds=box,
            options={"maxiter": ITERATIONS, "ftol": 1e-7, "gtol": 1e-6, "maxcor": 20},
        )
        return found.x, -float(found.fun), np.array(self.history), bool(found.success)
