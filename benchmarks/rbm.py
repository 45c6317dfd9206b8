"""Boltzmann machines: one epoch, ours, by scikit-learn and in twenty lines of numpy; ln Z."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.case import Measure, Measured
from benchmarks.clock import stopwatch

SAMPLES = {64: 200_000, 784: 10_000}
"""Rows by the number of visible units."""


def rows(V: int) -> Any:
    """Random bits; the time does not depend on what they are."""
    return np.random.default_rng(0).integers(0, 2, size=(SAMPLES[V], V)).astype(np.int8)


def work(V: int, H: int) -> float:
    """Operations of the five products of a row with the weights, for all rows of an epoch."""
    return 2.0 * 5.0 * V * H * SAMPLES[V]


def fitting(method: str, V: int = 64, H: int = 32, batch: int = 128) -> Measure:
    """One epoch with minibatches, checks and packing of the data included."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        from kadanoff.rbm import RBM

        X = rows(V)
        found = []
        for i in range(repeats):
            machine = RBM(
                H, method=method, batch_size=batch, n_iter=1, threads=threads, random_state=i
            )
            stop = stopwatch()
            machine.fit(X)
            found.append(stop())
        return found

    return measure


def by_sklearn(V: int = 64, H: int = 32, batch: int = 128) -> Measure:
    """BernoulliRBM in single precision: persistent chains, the same minibatches."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        from sklearn.neural_network import BernoulliRBM

        X = rows(V).astype(np.float32)
        found = []
        for i in range(repeats):
            machine = BernoulliRBM(H, batch_size=batch, n_iter=1, random_state=i)
            stop = stopwatch()
            machine.fit(X)
            found.append(stop())
        return found

    return measure


def epoch(X: Any, W: Any, a: Any, b: Any, batch: int, random: np.random.Generator) -> None:
    """CD-1 with probabilities where they average noise away, in place; single precision."""
    rate = np.float32(0.1 / batch)
    for first in range(0, len(X), batch):
        v = X[first : first + batch]
        h = 1 / (1 + np.exp(-(v @ W.T + b)))
        sampled = (random.random(h.shape, dtype=np.float32) < h).astype(np.float32)
        w = 1 / (1 + np.exp(-(sampled @ W + a)))
        v_1 = (random.random(w.shape, dtype=np.float32) < w).astype(np.float32)
        h_1 = 1 / (1 + np.exp(-(v_1 @ W.T + b)))
        W += rate * (h.T @ v - h_1.T @ v_1)
        a += rate * (v - v_1).sum(axis=0)
        b += rate * (h - h_1).sum(axis=0)


def by_numpy(V: int = 64, H: int = 32, batch: int = 128) -> Measure:
    """Twenty lines of numpy in single precision: five products per minibatch."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        X = rows(V).astype(np.float32)
        found = []
        for i in range(repeats):
            random = np.random.default_rng(i)
            W = (0.01 * random.standard_normal((H, V))).astype(np.float32)
            a, b = np.zeros(V, dtype=np.float32), np.zeros(H, dtype=np.float32)
            stop = stopwatch()
            epoch(X, W, a, b, batch, random)
            found.append(stop())
        return found

    return measure


def partition_function(threads: int, repeats: int) -> list[Measured]:
    """Ln Z of 64 + 25 units by enumeration."""
    from kadanoff.rbm import Machine

    found = []
    for i in range(repeats):
        machine = Machine.random(64, 25, scale=0.3, seed=i)
        stop = stopwatch()
        machine.log_Z(threads=threads, progress=False)
        found.append(stop())
    return found
