"""Cubic splines through a few dozen points, in numpy alone.

``scipy.interpolate`` does the same; loading it costs half a second and 60 MB, more than a whole
interactive solve.
"""

from __future__ import annotations

import numpy as np

from kadanoff._base.types import FloatArray

__all__ = ["cubic"]


def cubic(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """y(at) of the piecewise cubic through (x_i, y_i) with two continuous derivatives.

    Parameters
    ----------
    x : array, shape (n,)
        Points, strictly ascending, n >= 2.
    y : array, shape (n, ...)
        Values.
    at : array, shape (m,)
        Where to evaluate; outside of x the first or last piece continues.

    Returns
    -------
    array, shape (m, ...)

    Notes
    -----
    Ends are "not a knot": the third derivative is continuous at x_1 and x_{n-2}, so that four
    points on a cubic give back the cubic. Three points give a parabola, two a line. One dense
    solve for the slopes, n^3 / 3.

    References
    ----------
    C. de Boor, A Practical Guide to Splines (Springer, 1978), chapter IV.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 3.0, 4.0, 6.0])
    >>> print(cubic(x, x**3, np.array([2.0, 5.0])))
    [  8. 125.]
    """
    n = len(x)
    columns = y.reshape(n, -1)
    h = np.diff(x)[:, None]
    secant = np.diff(columns, axis=0) / h
    slope = _slopes(x, h, secant) if n > 2 else np.repeat(secant, 2, axis=0)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, n - 2)
    step, u = h[i], (at - x[i])[:, None]
    bend = (slope[i] + slope[i + 1] - 2 * secant[i]) / step
    second = (secant[i] - slope[i]) / step - bend
    out: FloatArray = columns[i] + u * (slope[i] + u * (second + u * bend / step))
    return out.reshape(at.shape + y.shape[1:])


def _slopes(x: FloatArray, h: FloatArray, secant: FloatArray) -> FloatArray:
    """Derivatives at the points, shape (n, columns)."""
    n = len(x)
    matrix, right = np.zeros((n, n)), np.empty((n, secant.shape[1]))
    k = np.arange(1, n - 1)
    matrix[k, k - 1], matrix[k, k + 1] = h[k, 0], h[k - 1, 0]
    matrix[k, k] = 2 * (h[k, 0] + h[k - 1, 0])
    right[k] = 3 * (h[k] * secant[k - 1] + h[k - 1] * secant[k])
    if n == 3:  # both ends ask for the same: a parabola instead
        matrix[0, :2] = matrix[2, 1:] = 1.0
        right[0], right[2] = 2 * secant[0], 2 * secant[1]
    else:
        wide = x[2] - x[0]
        matrix[0, :2] = h[1, 0], wide
        right[0] = ((h[0] + 2 * wide) * h[1] * secant[0] + h[0] ** 2 * secant[1]) / wide
        wide = x[-1] - x[-3]
        matrix[-1, -2:] = wide, h[-2, 0]
        right[-1] = (h[-1] ** 2 * secant[-2] + (2 * wide + h[-1]) * h[-2] * secant[-1]) / wide
    out: FloatArray = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    return out
