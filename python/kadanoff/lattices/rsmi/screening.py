r"""Spins of a block that a filter can do without.

If a part s of the block is independent of the environment given the rest r of the block,

    P(e | r, s) = P(e | r),

then any rule P(h | r, s) may be replaced by its average over s in P(s | r), which is a rule of r
alone with the same joint distribution of h and e: no information is lost by leaving s out. With a
saturated filter the objective hardly depends on the weights of s, which would be noise in a rule
learned from samples.

Where every state of the block is possible, s may be found spin by spin [1]_: s is independent of e
given r if each spin of s is, given all others. Each is asked by the score test of a logistic
regression on the other spins,

    P(v_i = 1 | others, e) = 1 / (1 + exp(-(c + w.others + u.e))),      u = 0 ?

which is exact for spins with pair interactions in the block and arbitrary ones beyond it. Where
constraints bind the spins (dimers: one at each site) independence one by one does not add up;
there only spins that a linear function of the environment does not predict at all are left out.

References
----------
.. [1] J. Pearl, Probabilistic Reasoning in Intelligent Systems (1988), Sec. 3.1: intersection
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kadanoff._base.types import BoolArray, Float32Array, FloatArray

__all__ = ["direct_couplings", "inverse_root", "linear_couplings", "needed_spins"]


SIGMAS = 5.0  # above chance
POWER = 10.0  # spins are left out only if the strongest exceeds the threshold by this factor
BOUND = 1e-3  # of a spin's variance, left given the others: a constraint binds it
NEWTON_STEPS = 12
FITTED = 15_000  # samples of the regressions and of variances; all of them enter the slopes
CONVERGED = 1e-2  # a step of Newton's; the error after it is of the order of its square


def needed_spins(v: Float32Array, e: Float32Array, check: Callable[[], object]) -> BoolArray:
    """Which spins of the block are to be kept; all, where the samples cannot tell.

    Parameters
    ----------
    v, e : float32 arrays, shape (n, sites), (n, environment)
        Centred.
    check : callable
        May raise, to stop.
    """
    covariance = (v.T @ v).astype(float) / len(v)
    values = np.linalg.eigvalsh(covariance)
    if values[0] < BOUND * values[-1]:
        excess = linear_couplings(v, e)
    else:
        excess = direct_couplings(v, e, check)
    if excess.max() < POWER * SIGMAS:
        return np.ones(v.shape[1], dtype=bool)
    return np.asarray(excess > SIGMAS)


def inverse_root(x: Float32Array) -> FloatArray:
    """S with cov(x S) = 1, without combinations that never change."""
    values, vectors = np.linalg.eigh((x.T @ x).astype(float) / len(x))
    keep = values > 1e-4 * max(float(values[-1]), 1e-30)
    return np.asarray(vectors[:, keep] / np.sqrt(values[keep]))


def linear_couplings(v: Float32Array, e: Float32Array) -> FloatArray:
    """Regression of each spin on the environment, in standard deviations above chance.

    n R^2 of a spin that is independent of the environment is chi^2 with as many degrees of freedom
    as the environment has.
    """
    R = inverse_root(e)
    cross = (v.T @ e).astype(float) / len(v) @ R
    of = np.maximum(np.mean(v**2, axis=0, dtype=np.float64), 1e-12)
    return _above_chance(len(v) * np.sum(cross**2, axis=1) / of, R.shape[1])


def direct_couplings(v: Float32Array, e: Float32Array, check: Callable[[], object]) -> FloatArray:
    """Score test of each spin's coupling to the environment, the other spins being given."""
    n, sites = v.shape
    x = inverse_root(e).astype(np.float32).T @ e.T
    # A row of ones, the spins, the environment.
    every = np.concatenate([np.ones((1, n), np.float32), v.T, x])
    few = np.ascontiguousarray(every[:, :: max(1, n // FITTED)])
    found = np.empty(sites)
    for i in range(sites):
        check()
        given = np.delete(np.arange(sites + 1), i + 1)
        w = np.zeros(sites + 1, np.float32)
        w[given] = _regression(few[given], few[i + 1] > 0)
        slope = every @ ((v[:, i] > 0) - _logistic(w @ every[: sites + 1]))
        curvature = _curvature(few, _logistic(w @ few[: sites + 1])) * (n / few.shape[1])
        around = np.arange(sites + 1, len(every))
        # The regression has not quite ended, with all samples: its slope is projected out.
        mixed = curvature[np.ix_(around, given)] @ np.linalg.inv(curvature[np.ix_(given, given)])
        score = slope[around] - mixed @ slope[given]
        variance = curvature[np.ix_(around, around)] - mixed @ curvature[np.ix_(given, around)]
        found[i] = score @ np.linalg.solve(variance, score)
    return _above_chance(found, len(x))


def _regression(others: Float32Array, up: BoolArray) -> FloatArray:
    """Weights of a logistic regression, by Newton's method."""
    w = np.zeros(len(others))
    for _ in range(NEWTON_STEPS):
        p = _logistic(w.astype(np.float32) @ others)
        step = np.linalg.solve(_curvature(others, p), others @ (up - p))
        w += step
        if np.abs(step).max() < CONVERGED:
            break
    return w


def _logistic(field: Float32Array) -> Float32Array:
    return np.asarray((1 + np.tanh(field / 2)) / 2, dtype=np.float32)


def _curvature(a: Float32Array, p: Float32Array) -> FloatArray:
    scaled = a * np.sqrt(p * (1 - p))
    out = (scaled @ scaled.T).astype(float)
    out += 1e-6 * np.trace(out) / len(out) * np.eye(len(out))  # rounding of single precision
    return np.asarray(out)


def _above_chance(chi2: FloatArray, freedom: int) -> FloatArray:
    return np.asarray((chi2 - freedom) / np.sqrt(2 * freedom))
