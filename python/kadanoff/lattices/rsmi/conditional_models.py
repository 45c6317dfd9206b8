r"""Models q(v | e) of a block given its environment, fitted to samples.

    q(v | e) = exp(a(v) + v.W e) / sum_v' exp(a(v') + v'.W e)

Bilinear logits: the fit is convex, the sum over v exact, a(v) free. The environment acts on the
block by fields W e. A model that misses something makes the bound on I(H : E) lower, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from kadanoff._base.types import AnyArray, Float32Array, FloatArray, SpinArray
from kadanoff.lattices.rsmi.site_states import SPINS, block_states, state_numbers

__all__ = [
    "BilinearModel",
    "ConditionalModel",
    "Fit",
    "fit_bilinear",
    "softmax",
    "whitening",
]


class ConditionalModel(Protocol):
    """A model of q(v | e): rows of environments to rows of 2^|V| probabilities."""

    def conditional(self, e: SpinArray) -> AnyArray:
        """Shape (n, 2^|V|); states in the order of :func:`kadanoff.blockspin.spins`."""


Fit: TypeAlias = Callable[[SpinArray, SpinArray], ConditionalModel]
"""(v, e) -> model of q(v | e)."""


@dataclass(frozen=True, eq=False)
class BilinearModel:
    """q(v | e) with logits ``a(v) + v.W e``.

    Attributes
    ----------
    a : array, shape (states,)
    W : array, shape (|V|, |E|)
    letters : array, shape (states of a site, variables of a site)
        See :mod:`kadanoff.lattices.rsmi.site_states`.
    """

    a: FloatArray
    W: FloatArray
    letters: SpinArray

    def conditional(self, e: SpinArray) -> AnyArray:
        """q(v | e), shape (n, states)."""
        sites = self.W.shape[0] // self.letters.shape[1]
        v = block_states(self.letters, sites).astype(np.float32)
        logits = v @ (self.W.astype(np.float32) @ e.T.astype(np.float32))
        logits += self.a.astype(np.float32)[:, None]
        q: AnyArray = softmax(logits)[0].T
        return q


def softmax(logits: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Probabilities in place of the logits, shape (states, n), and ln of the sums.

    States come first: sums over them then run along the rows of the array, which is fast.
    """
    top = logits.max(axis=0)
    logits -= top
    np.exp(logits, out=logits)
    total = logits.sum(axis=0)
    logits *= 1 / total
    return logits, np.log(total) + top


def whitening(e: Float32Array) -> Float32Array:
    """S with cov(e S) = 1: critical environments fluctuate together, which slows a fit down."""
    covariance = (e.T @ e).astype(np.float64) / len(e)
    values, vectors = np.linalg.eigh(covariance)
    floor = 1e-6 * max(float(values[-1]), 1e-12)
    return np.asarray(vectors / np.sqrt(np.maximum(values, floor)), dtype=np.float32)


def fit_bilinear(
    v: SpinArray,
    e: SpinArray,
    letters: SpinArray = SPINS,
    *,
    ridge: float = 1e-4,
    max_iterations: int = 60,
    check: Callable[[], object] | None = None,
) -> BilinearModel:
    """Maximum likelihood of ``a`` and ``W``, by L-BFGS with the analytic gradient.

    Parameters
    ----------
    v : int8 array, shape (n, |V|)
    e : int8 array, shape (n, |E|)
    letters : array, default spins
        Variables of each state of a site, see :mod:`kadanoff.lattices.rsmi.site_states`.
    ridge : float
        Times |W|^2 / 2, in whitened environments: weights stay finite.
    max_iterations : int, default 60
    check : callable, optional
        Called at every evaluation; may raise to stop.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> e = rng.choice(np.array([-1, 1], dtype=np.int8), size=(20000, 1))
    >>> up = rng.random((20000, 1)) < 1 / (1 + np.exp(-2 * 0.5 * e))
    >>> model = fit_bilinear(np.where(up, 1, -1).astype(np.int8), e)
    >>> print(f"{model.W[0, 0]:.1f}")
    0.5
    """
    from scipy.optimize import minimize

    states = block_states(letters, v.shape[1] // letters.shape[1]).astype(np.float32)
    n, sites, around = len(v), v.shape[1], e.shape[1]
    x = e.astype(np.float32)
    S = whitening(x)
    x = x @ S
    xt = np.ascontiguousarray(x.T)
    count = np.bincount(state_numbers(letters, v), minlength=len(states)).astype(float)
    pair = (v.T.astype(np.float32) @ x).astype(float)
    start = np.concatenate(
        [np.log((count + 0.5) / (n + 0.5 * len(states))), np.zeros(sites * around)]
    )

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        if check is not None:
            check()
        a, W = theta[: len(states)], theta[len(states) :].reshape(sites, around)
        logits = states @ (W.astype(np.float32) @ xt)
        logits += a.astype(np.float32)[:, None]
        q, log = softmax(logits)
        mean = q.sum(axis=1, dtype=np.float64)
        drive = (states.T @ q) @ x
        value = float(log.sum(dtype=np.float64) - count @ a - np.sum(pair * W)) / n
        gradient = np.concatenate(
            [(mean - count) / n, (drive - pair).ravel() / n + ridge * W.ravel()]
        )
        return value + ridge / 2 * float(np.sum(W * W)), gradient

    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iterations, "ftol": 1e-7},
    )
    W = found.x[len(states) :].reshape(sites, around)
    return BilinearModel(found.x[: len(states)].copy(), W @ S.T, letters)
