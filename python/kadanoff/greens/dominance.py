r"""Whether a function of the data dominates a Gaussian at every real frequency.

``s(w) = sum_n a_n Re 1/(i w_n - w) + b_n Im 1/(i w_n - w) - g(w)`` is analytic around the real
axis: its poles are at +-i w_n, and g is entire. On an interval that is short against their
distance, and against the width of g, its polynomial of degree 8 through Chebyshev points agrees
with it to rounding, and the smallest of its Bernstein coefficients is a lower bound of the
polynomial on the whole interval.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from kadanoff._base.types import FloatArray

__all__ = ["least", "nodes"]

DEGREE = 8


def nodes(edges: FloatArray) -> FloatArray:
    """Chebyshev points of every interval between the edges, shape (intervals, 9)."""
    x = 0.5 * (1.0 - np.cos(math.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1)))
    return np.asarray(edges[:-1, None] + np.diff(edges)[:, None] * x)


def least(values: FloatArray) -> float:
    """A lower bound, over all intervals, of the polynomials with these values at the nodes.

    Parameters
    ----------
    values : array, shape (intervals, 9)
        Values at `nodes`.
    """
    return float(np.min(values @ _to_bernstein().T))


@cache
def _to_bernstein() -> FloatArray:
    """Values at the Chebyshev points of [0, 1] to coefficients in the Bernstein basis."""
    x = nodes(np.array([0.0, 1.0]))[0]
    k = np.arange(DEGREE + 1)
    binomial = np.array([math.comb(DEGREE, int(i)) for i in k])
    basis = binomial * x[:, None] ** k * (1.0 - x[:, None]) ** (DEGREE - k)
    return np.linalg.inv(basis)
