r"""I(H : E) of a coarse variable, with the block summed exactly, and its gradient.

    I(H : E) = H(H) + <sum_h q(h|e) ln q(h|e)>_e,     q(h|e) = sum_v P(h|v) q(v|e)

    dI / dP(h|v) = <q(v|e) (ln q(h|e) - ln q(h))>_e

    P(h|v) = prod_j 1 / (1 + exp(-2 h_j f_j)),        f_j = lambda_j.v + b_j

    d ln P(h|v) / df_j = h_j - tanh f_j

All in nats. Several units h_j are one variable of 2^n values; value number k has the spins of
state k in :func:`kadanoff.blockspin.spins`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.enumeration import spins

__all__ = [
    "Objective",
    "coarse_table",
    "entropy",
    "information",
    "information_gradient",
    "sigmoid_tables",
    "through_table",
]

TINY = 1e-300

Objective = Callable[[FloatArray, FloatArray], tuple[float, FloatArray, FloatArray]]
"""(filters, bias) -> value and its derivatives by both."""


def entropy(p: FloatArray) -> float:
    """- sum p ln p, nats; zeros count nothing.

    Examples
    --------
    >>> print(f"{entropy(np.array([0.5, 0.5, 0.0])):.6f}")
    0.693147
    """
    return float(-np.sum(p * np.log(np.maximum(p, TINY))))


def coarse_table(field: FloatArray) -> FloatArray:
    """P(h | v) of independent units, shape (states, 2^units), from fields f, (states, units)."""
    up = sigmoid_tables(field)
    table = np.ones((len(field), 1))
    for j in range(field.shape[1]):
        # Unit j is bit j of the number of the value: the later unit is the slower index.
        table = np.concatenate([table * up[:, j : j + 1], table * (1 - up[:, j : j + 1])], axis=1)
    return table


def sigmoid_tables(field: FloatArray) -> FloatArray:
    """P(h_j = +1 | v) = 1 / (1 + exp(-2 f_j)), without overflow."""
    return np.asarray((1 + np.tanh(field)) / 2)


def information(
    weights: FloatArray, conditional: FloatArray, table: FloatArray
) -> tuple[float, FloatArray]:
    """``I(H : E)`` and q(h | e).

    Parameters
    ----------
    weights : array, shape (environments,)
        Probabilities P(e).
    conditional : array, shape (environments, states)
        q(v | e).
    table : array, shape (states, values)
        P(h | v).

    Examples
    --------
    >>> I, q = information(np.array([0.5, 0.5]), np.eye(2), np.eye(2))
    >>> print(f"{I:.6f}")
    0.693147
    """
    q = np.asarray(conditional @ table, dtype=np.float64)
    log = np.log(np.maximum(q, TINY))
    middle = weights @ q
    # sum of p ln(p / q): no cancellation where the information is small.
    ratio = log - np.log(np.maximum(middle, TINY))
    return float(weights @ np.sum(q * ratio, axis=1)), q


def information_gradient(
    weights: FloatArray,
    conditional: FloatArray,
    states: FloatArray,
    filters: FloatArray,
    bias: FloatArray,
) -> tuple[float, FloatArray, FloatArray]:
    """I, dI/dlambda of shape (units, features), dI/db of shape (units,).

    Parameters
    ----------
    states : array, shape (states, features)
        What the filters see of a state of the block.
    """
    field = states @ filters.T + bias
    table = coarse_table(field)
    nats, q = information(weights, conditional, table)
    middle = weights @ q
    ratio = np.log(np.maximum(q, TINY)) - np.log(np.maximum(middle, TINY))
    towards = conditional.T @ (weights[:, None] * ratio).astype(conditional.dtype, copy=False)
    return nats, *through_table(towards, table, field, states)


def through_table(
    towards: FloatArray, table: FloatArray, field: FloatArray, states: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Derivatives by lambda and b from those by P(h | v), shape (states, values)."""
    slope = towards * table
    h = spins(field.shape[1]).astype(float)
    by_field = slope @ h - slope.sum(axis=1, keepdims=True) * np.tanh(field)
    return by_field.T @ states, by_field.sum(axis=0)
