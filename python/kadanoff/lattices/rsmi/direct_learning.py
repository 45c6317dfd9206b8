r"""Filters of blocks too large to be summed: q(h | e) is modelled directly.

    q(h | e) = exp(a(h) + h.U e) / sum_h' exp(a(h') + h'.U e)

    J = H(H) + < sum_h P(h|v) ln q(h|e) >  <=  I(H : E)

J is raised in filters and model together; h is summed, v is the data. The start is linear: the
directions in which block and environment are most correlated (canonical correlations),

    C_ve C_ee^-1 C_ev w = rho^2 C_vv w,

turned at random among the first few for further starts. Where pairs are many, all starts are
followed for some steps on a part of them, and the best, by its J for all pairs, goes on. Spins that
can be left out without loss are left out before: see :mod:`kadanoff.lattices.rsmi.screening`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kadanoff._base import checks
from kadanoff._base.types import AnyArray, BoolArray, Float32Array, FloatArray, SpinArray
from kadanoff.lattices.blockspin.enumeration import spins
from kadanoff.lattices.rsmi.configurations import Configurations
from kadanoff.lattices.rsmi.held_out_bounds import Split, certify
from kadanoff.lattices.rsmi.maximum import Ascent
from kadanoff.lattices.rsmi.objective import coarse_table
from kadanoff.lattices.rsmi.places import Places
from kadanoff.lattices.rsmi.rules import FilterRule, Information
from kadanoff.lattices.rsmi.screening import inverse_root, needed_spins
from kadanoff.lattices.rsmi.site_states import turned

__all__ = ["canonical_directions", "learn_directly", "measure_directly"]


PAIRS = 60_000
EVALUATED = 30_000
COARSE = 15_000  # pairs, on which all starts are followed if there are twice as many
_MAX_ITERATIONS = 150
_MAX_UNITS = 8
_WHOLE = {"maxiter": _MAX_ITERATIONS, "ftol": 1e-7}
_PART = {"maxiter": 60, "ftol": 1e-5}
TINY = 1e-30
AT_ONCE = 4000  # rows


def canonical_directions(v: Float32Array, e: Float32Array) -> tuple[FloatArray, FloatArray]:
    """Directions w (columns) of the block and canonical correlations rho, largest first.

    v and e are centred. Combinations that never change (dimers: one at each site) are left out.
    """
    S, R = inverse_root(v), inverse_root(e)
    left, rho, _ = np.linalg.svd(S.T @ (v.T @ e).astype(float) / len(v) @ R)
    return S @ left[:, : len(rho)], rho


def learn_directly(samples: Configurations, places: Places, ascent: Ascent) -> FilterRule:
    """Learn filters and q(h | e) together; certify on the held-out part."""
    split = _split(samples, places, ascent)
    v_all, e_all = split.learning()
    v_moves, e_moves = ((x != x[0]).any(axis=0) for x in (v_all, e_all))
    v, v_mean = _centred(v_all[:, v_moves])
    e, e_mean = _centred(e_all[:, e_moves])
    del v_all, e_all
    ascent.check()
    kept = needed_spins(v, e, ascent.check)
    v_moves[np.flatnonzero(v_moves)[~kept]] = False
    v, v_mean = np.asfortranarray(v[:, kept]), v_mean[kept]
    w, _ = canonical_directions(v, e)
    # Critical environments fluctuate together: the search takes fewer steps where cov(e) = 1.
    R = inverse_root(e)
    e = (R.T.astype(np.float32) @ e.T).T
    rng = np.random.default_rng([ascent.seed, 0x64697265])
    best: tuple[float, FloatArray, _JointFit] | None = None
    thin = max(1, len(v) // COARSE)
    rounds = ascent.restarts + (thin > 1)
    few = np.asfortranarray(v[::thin]), np.asfortranarray(e[::thin])
    for start in range(ascent.restarts):
        first = w[:, : ascent.hidden * (1 if start == 0 else 2)]
        mixed = first @ _rotation(rng, first.shape[1], ascent.hidden, plain=start == 0)
        problem = _JointFit(*few, places, v_moves, ascent, start, rounds)
        x, value = problem.solve(problem.start_of(mixed), _WHOLE if thin == 1 else _PART)
        if thin > 1:
            value = _JointFit(v, e, places, v_moves, ascent, start, rounds).objective(x)[0]
        if best is None or value > best[0]:
            best = (value, x, problem)
    assert best is not None
    _, x, problem = best
    if thin > 1:
        ascent.reached = -np.inf  # values of a part are not compared with those of all pairs
        earlier = problem.history
        problem = _JointFit(v, e, places, v_moves, ascent, ascent.restarts, rounds, earlier)
        x, _ = problem.solve(x, _WHOLE)
    filters, b, a, U = problem.split(x)
    U = U @ R.T
    full = problem.block_filters(filters)
    shift = b - filters @ v_mean
    rule = FilterRule(
        full,
        shift,
        bound=ascent.bound,
        history=np.array(problem.history),
        converged=problem.converged,
        seed=ascent.seed,
    )
    information = _certified(split, rule, a, U, e_moves, e_mean, ascent.seed)
    ascent.advance(1, 1)
    return rule.shaped(places.whole).known(information, places.geometry).aligned()


def measure_directly(
    samples: Configurations, places: Places, rule: FilterRule, ascent: Ascent
) -> Information:
    """The bound for a rule that is given, with q(h | e) fitted to it: a convex problem."""
    from scipy.optimize import minimize

    split = _split(samples, places, ascent)
    v, e_all = split.learning()
    e_moves = (e_all != e_all[0]).any(axis=0)
    e, e_mean = _centred(e_all[:, e_moves])
    del e_all
    p = coarse_table(rule.field(v)).T.astype(np.float32)
    h = spins(rule.units).astype(np.float32)

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        ascent.check()
        a, U = x[: len(h)], x[len(h) :].reshape(rule.units, -1)
        q, log = _model(h, e.T, a, U)
        difference = p - q
        by_U = (h.T @ difference) @ e
        gradient = np.concatenate([difference.sum(axis=1, dtype=np.float64), by_U.ravel()])
        return -float(np.sum(p * log, dtype=np.float64)) / len(e), -gradient / len(e)

    found = minimize(
        loss,
        np.zeros(len(h) + rule.units * e.shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MAX_ITERATIONS, "ftol": 1e-7, "gtol": 1e-6, "maxcor": 20},
    )
    a, U = found.x[: len(h)], found.x[len(h) :].reshape(rule.units, -1)
    return _certified(split, rule, a, U, e_moves, e_mean, ascent.seed)


def _split(samples: Configurations, places: Places, ascent: Ascent) -> Split:
    checks.whole("hidden", ascent.hidden, most=_MAX_UNITS, hint="2^hidden values are summed")
    size = places.visible.shape[1] + places.environment.shape[1]
    parameters = ascent.hidden * size // 4
    return Split.of(samples, places, parameters=parameters, pairs=ascent.pairs, default=PAIRS)


def _certified(
    split: Split,
    rule: FilterRule,
    a: FloatArray,
    U: FloatArray,
    e_moves: BoolArray,
    e_mean: FloatArray,
    seed: int,
) -> Information:
    v, e, chunk = split.held_out(EVALUATED)
    near = e[:, e_moves].astype(np.float32) - e_mean.astype(np.float32)
    q = _model(spins(rule.units).astype(np.float32), near.T, a, U)[0].T
    p = _tables(rule, v)
    symmetric = None
    if split.samples.symmetric:
        same = [_tables(rule, x) for x in turned(split.samples.letters, v)]
        symmetric = np.mean(same, axis=0)
    return certify(p, q.astype(float), chunk, seed=seed, turned=symmetric)


def _tables(rule: FilterRule, v: SpinArray) -> FloatArray:
    """P(h | v), shape (n, values); of parts of the rows, whose numbers stay in the cache."""
    parts = [v[k : k + AT_ONCE] for k in range(0, len(v), AT_ONCE)]
    return np.concatenate([coarse_table(rule.field(x)) for x in parts])


def _model(
    h: Float32Array, et: Float32Array, a: FloatArray, U: FloatArray
) -> tuple[Float32Array, Float32Array]:
    """q(h | e), shape (values, n), and its logarithm."""
    log = h @ (U.astype(np.float32) @ et)
    log += a.astype(np.float32)[:, None]
    log -= log.max(axis=0)
    q = np.exp(log)
    total = q.sum(axis=0)
    q /= total
    log -= np.log(total)
    return q, log


def _centred(x: AnyArray) -> tuple[Float32Array, FloatArray]:
    mean = x.mean(axis=0)
    # By columns: products with few filters then run through memory in order.
    return np.subtract(x, mean, dtype=np.float32, order="F"), mean


def _rotation(rng: np.random.Generator, rows: int, columns: int, *, plain: bool) -> FloatArray:
    """Orthonormal columns: the identity, or at random."""
    if plain:
        return np.eye(rows, columns)
    return np.linalg.qr(rng.normal(size=(rows, rows)))[0][:, :columns]


class _JointFit:
    """J and its gradient; parameters lambda, (b), a, U in one vector."""

    def __init__(
        self,
        v: Float32Array,
        e: Float32Array,
        places: Places,
        moves: BoolArray,
        ascent: Ascent,
        start: int,
        rounds: int,
        history: Sequence[float] = (),
    ) -> None:
        self.v, self.e, self.places, self.moves = v, e, places, moves
        self.ascent, self.start = ascent, start
        self.h = spins(ascent.hidden).astype(np.float32)  # (values, hidden)
        self.history = list(history)
        self._earlier, self._rounds = len(self.history), rounds
        self.converged = False

    def split(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        k, sites, around = self.ascent.hidden, self.v.shape[1], self.e.shape[1]
        bias = self.ascent.bias
        free = x[k * sites :]
        b, free = (free[:k], free[k:]) if bias else (np.zeros(k), free)
        return x[: k * sites].reshape(k, sites), b, free[: 2**k], free[2**k :].reshape(k, around)

    def loss(self, x: FloatArray) -> tuple[float, FloatArray]:
        """-J and its gradient, of an evaluation that is recorded."""
        ascent = self.ascent
        ascent.check()
        J, gradient = self.objective(x)
        filters, b, _, _ = self.split(x)
        self.history.append(J)
        ascent.record(self.places.whole(self.block_filters(filters)), b, J)
        steps = min(len(self.history) - self._earlier, _MAX_ITERATIONS)
        ascent.advance(self.start * _MAX_ITERATIONS + steps, self._rounds * _MAX_ITERATIONS + 1)
        return -J, -gradient

    def objective(self, x: FloatArray) -> tuple[float, FloatArray]:
        """J and its gradient."""
        ascent = self.ascent
        filters, b, a, U = self.split(x)
        n = len(self.v)
        lean = filters.astype(np.float32) @ self.v.T
        lean += b.astype(np.float32)[:, None]
        np.tanh(lean, out=lean)
        p = np.ones((1, n), dtype=np.float32)
        for j in range(ascent.hidden):
            up = (1 + lean[j]) / 2
            p = np.concatenate([p * up, p * (1 - up)], axis=0)
        q, log = _model(self.h, self.e.T, a, U)
        middle = p.mean(axis=1, dtype=np.float64)
        log -= np.log(np.maximum(middle, TINY)).astype(np.float32)[:, None]
        terms = p * log
        J = float(terms.sum(dtype=np.float64)) / n
        by_field = self.h.T @ terms - terms.sum(axis=0) * lean
        by_filters = by_field @ self.v / n
        difference = p - q
        by_a = difference.sum(axis=1, dtype=np.float64) / n
        by_U = (self.h.T @ difference) @ self.e / n
        gradient = [
            by_filters.ravel(),
            by_field.sum(axis=1) / n if ascent.bias else [],
            by_a,
            by_U.ravel(),
        ]
        return J, np.concatenate(gradient).astype(float)

    def block_filters(self, filters: FloatArray) -> FloatArray:
        """With the weights, zero, of the spins that were left out."""
        full = np.zeros((self.ascent.hidden, len(self.moves)))
        full[:, self.moves] = filters
        return full

    def start_of(self, w: FloatArray) -> FloatArray:
        """Parameters to begin with, from directions w of the block."""
        k, bound = self.ascent.hidden, self.ascent.bound
        # Unit variance of the fields to begin with, in the box.
        scale = w.T / max(1.0, float(np.abs(w).max()) / bound)
        fields = self.v @ scale.T.astype(np.float32)
        gram = (self.e.T @ self.e).astype(float) / len(self.e)
        gram += 1e-3 * np.trace(gram) / len(gram) * np.eye(len(gram))
        U = np.linalg.solve(gram, (self.e.T @ np.tanh(fields)).astype(float) / len(self.e)).T
        free = np.concatenate([np.zeros(k if self.ascent.bias else 0), np.zeros(2**k), U.ravel()])
        return np.concatenate([scale.ravel(), free])

    def solve(self, x: FloatArray, effort: dict[str, float]) -> tuple[FloatArray, float]:
        """The maximum that is reached from x, and J there."""
        from scipy.optimize import minimize

        bound, weights = self.ascent.bound, self.ascent.hidden * self.v.shape[1]
        box = [(-bound, bound)] * weights + [(-np.inf, np.inf)] * (x.size - weights)
        found = minimize(
            self.loss,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=box,
            options={**effort, "gtol": 1e-6, "maxcor": 20},
        )
        self.converged = bool(found.success)
        return found.x, -float(found.fun)
