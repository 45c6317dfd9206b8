r"""Impurity contributions free of even-odd oscillations, from the levels of a run.

    S_imp(T) = S(chain with impurity) - S(clean chain of the same length),  and so on.

Each shell is evaluated at three temperatures, ``omega_N / T = 0.6 Lambda^(k/3)``. At equal k the
even shells make one smooth curve of ln T and the odd shells another; both are interpolated by
cubic splines, and their mean is the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff._base.splines import cubic
from kadanoff._base.types import FloatArray
from kadanoff.impurities.nrg.levels import Levels

__all__ = [
    "BETABAR",
    "PERIOD",
    "betabar",
    "even_odd_mean",
    "impurity_curves",
    "largest_nearby",
    "over_three_shells",
    "spline_errors",
]

PERIOD = 6
"""Temperatures of the grid for each factor Lambda: two shells of three."""
# Splines with knots a factor Lambda apart miss 0.013, 0.023, 0.030, 0.043, 0.066 and 0.095 of the
# fourth difference at Lambda = 2, 2.5, 3, 4, 7.3 and 20: at 95 % of the temperatures, 60 isolated
# levels whose charge freezes, entropy, T chi and T chi_charge.
_MISSED = 0.038
_MISSED_FROM = 0.28
_MISSED_LEAST = 0.003


def impurity_curves(
    levels: tuple[Levels, ...], Lambda: float, *, complete: bool
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Temperatures (descending, those of the first twist) and every impurity contribution.

    Keys: entropy, heat_capacity, T_chi, T_chi_charge, log_Z, free_energy, and ``<name>`` for every
    static operator; averaged over even and odd shells and over the twists.

    Raises
    ------
    NumericalError
        If a curve is not finite.
    """
    per_twist = [_even_odd(one, Lambda, complete) for one in levels]
    T, first = per_twist[0]
    if len(levels) > 1:
        lowest = max(t[-1] for t, _ in per_twist)
        highest = min(t[0] for t, _ in per_twist)
        low, high = lowest * (1 - 1e-12), highest * (1 + 1e-12)
        T = T[(low <= T) & (high >= T)]
    curves = {
        name: np.mean([_interpolate(t, c[name], T) for t, c in per_twist], axis=0) for name in first
    }
    for name, curve in curves.items():
        if not np.isfinite(curve).all():
            raise NumericalError(f"{name} is not finite at T = {T[~np.isfinite(curve)][0]:.3g}")
    return T, curves


def betabar(Lambda: float) -> FloatArray:
    """omega_N / T at the three temperatures of a shell, ascending."""
    values: FloatArray = 0.6 * Lambda ** (np.arange(3) / 3)
    return values


def _interpolate(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    if x.shape == at.shape and np.array_equal(x, at):
        return y
    return cubic(np.log(x[::-1]), y[::-1], np.log(at))


def spline_errors(
    levels: tuple[Levels, ...],
    Lambda: float,
    T: FloatArray,
    curves: Mapping[str, FloatArray],
    *,
    complete: bool,
) -> dict[str, FloatArray]:
    """What the splines miss in the curves of :func:`impurity_curves`, but the free energy.

    A spline through the shells of one parity at one of the three temperatures has knots a factor
    Lambda apart in T, and does not follow a curve that changes faster: where the charge of a weakly
    coupled dot freezes it misses 0.01 nats at Lambda = 2.5 and 0.04 at 4. Two quantities show it,
    and the smaller is taken: the fourth difference of the curve, and the distance from the spline
    through the same shells at all three temperatures, but for that part of the distance, a function
    of omega_N / T, which repeats itself far from a crossover.

    Between knots at a distance h a cubic spline misses ``h^4 y^(4) (B_4(t) - B_4(0)) / 24``, with
    the Bernoulli polynomial B_4 and t from 0 to 1. Of its largest value, at t = 1/2, the mean over
    k equidistant twists leaves ``(8 + 7 / k^4) / 15``, since that of B_4 is ``B_4(k t) / k^4``.
    """
    log = math.log(Lambda)
    share = max(_MISSED * (log - _MISSED_FROM), _MISSED_LEAST)
    per_twist = [_missed(one, Lambda, complete) for one in levels]
    x = -np.log(T)
    out = {}
    for key in per_twist[0][1]:
        name = key.strip("<>")
        if name not in curves or name == "free_energy":
            continue
        d = np.mean([np.interp(x, -np.log(t), c[key]) for t, c in per_twist], axis=0)
        n = min(PERIOD, len(d))
        change = np.abs(d - np.concatenate([d[n:], d[len(d) - n :]]))
        missed = np.minimum(largest_nearby(change, PERIOD), share * _fourth(curves[name]))
        out[name] = (8 + 7 / len(levels) ** 4) / 15 * missed
    return out


def _fourth(y: FloatArray) -> FloatArray:
    """Fourth differences over steps of a factor Lambda, the largest within such a factor."""
    n = min(PERIOD, max(len(y) - 1, 1))
    padded = np.concatenate([np.full(2 * n, y[0]), y, np.full(2 * n, y[-1])])
    a, b, c, d, e = (padded[i * n : i * n + len(y)] for i in range(5))
    return largest_nearby(np.abs(a - 4 * b + 6 * c - 4 * d + e), n)


def largest_nearby(y: FloatArray, n: int) -> FloatArray:
    """The largest of the n values on either side."""
    padded = np.concatenate([np.full(n, -np.inf), y, np.full(n, -np.inf)])
    found: FloatArray = np.lib.stride_tricks.sliding_window_view(padded, 2 * n + 1).max(axis=1)
    return found


def over_three_shells(e: FloatArray) -> FloatArray:
    """The largest of three shells, at the same ratio of T to the scale of the shell."""
    n = PERIOD // 2
    out = e.copy()
    out[n:] = np.maximum(out[n:], e[:-n])
    out[:-n] = np.maximum(out[:-n], e[n:])
    return out


def _missed(
    levels: Levels, Lambda: float, complete: bool
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Mean over both parities of the sparse minus the dense spline."""
    T, stack, names = _of_shells(levels, Lambda, complete)
    inner = np.arange(len(T))[1:-1]
    out = np.zeros((len(inner), 3, stack.shape[-1]))
    for s in (0, 1):
        order = np.argsort(-T[s::2].ravel())
        dense_T = T[s::2].ravel()[order]
        dense = stack[s::2].reshape(-1, stack.shape[-1])[order]
        other = inner % 2 != s  # the shells of this parity are knots
        for k in range(3):
            at = T[inner, k][other]
            sparse = _interpolate(T[s::2, k], stack[s::2, k], at)
            out[other, k] = 0.5 * (sparse - _interpolate(dense_T, dense, at))
    return _descending(T[inner], out, names)


def _of_shells(
    levels: Levels, Lambda: float, complete: bool
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Temperatures (shell, k), impurity contributions (shell, k, quantity), and their names."""
    shells = np.arange(levels.shells)
    n, b = np.meshgrid(shells, betabar(Lambda), indexing="ij")
    T = levels.scale[n] / b
    full = levels.averages(n, T, complete=complete)
    clean = levels.clean(n, T)
    E_0 = full.ground - clean.ground
    log_Z = full.log_Z - clean.log_Z
    quantities = {
        "entropy": full.entropy - clean.entropy,
        "heat_capacity": full.heat_capacity - clean.heat_capacity,
        "T_chi": full.spin_variance - clean.spin_variance,
        "T_chi_charge": full.charge_variance - clean.charge_variance,
        "log_Z": log_Z,
        "free_energy": E_0 - T * log_Z,
    } | {f"<{name}>": values for name, values in full.expectations.items()}
    return T, np.stack(list(quantities.values()), axis=-1), tuple(quantities)


def _even_odd(
    levels: Levels, Lambda: float, complete: bool
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Impurity contributions of one run: even and odd shells, interpolated and averaged."""
    T, stack, names = _of_shells(levels, Lambda, complete)
    inner = np.arange(len(T))[1:-1]
    out = np.empty((len(inner), 3, stack.shape[-1]))
    for k in range(3):
        parity = [_interpolate(T[s::2, k], stack[s::2, k], T[inner, k]) for s in (0, 1)]
        out[:, k] = 0.5 * (parity[0] + parity[1])
    return _descending(T[inner], out, names)


def _descending(
    T: FloatArray, values: FloatArray, names: tuple[str, ...]
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Values (shell, k, quantity) by name, at descending temperatures."""
    order = np.argsort(-T.ravel())
    flat = values.reshape(-1, values.shape[-1])[order]
    return T.ravel()[order], dict(zip(names, flat.T, strict=True))


BETABAR = 1.5


def even_odd_mean(T: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """Mean of the splines in ln T through the even and through the odd entries.

    Parameters
    ----------
    T : array, shape (shells,)
        Temperature of every shell, descending; at least four.
    y : array, shape (shells, ...)
        Values of a quantity at `T`.
    at : array, shape (m,)
        Temperatures of the result, between ``T[-2]`` and ``T[1]``.

    Returns
    -------
    array, shape (m, ...)
        The mean at the temperatures `at`.

    Examples
    --------
    >>> T = 2.5 ** -np.arange(0.0, 6.0, 0.5)
    >>> y = np.log(T) ** 2 + 0.1 * (-1.0) ** np.arange(12)
    >>> print(even_odd_mean(T, y, np.array([0.05])), np.log(0.05) ** 2)
    [8.97] 8.97
    """
    x = np.log(T[::-1])
    branches = [cubic(x[s::2], y[::-1][s::2], np.log(at)) for s in (0, 1)]
    out: FloatArray = (branches[0] + branches[1]) / 2
    return out
