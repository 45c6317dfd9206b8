r"""Impurity contributions free of even-odd oscillations, from the levels of a run.

    S_imp(T) = S(chain with impurity) - S(clean chain of the same length),  and so on.

Each shell is evaluated at three temperatures, ``omega_N / T = 0.6 Lambda^(k/3)``. At equal k the
even shells make one smooth curve of ln T and the odd shells another; both are interpolated by
cubic splines, and their mean is the result.
"""

from __future__ import annotations

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff._base.splines import cubic
from kadanoff._base.types import FloatArray
from kadanoff.impurities.nrg.levels import Levels

__all__ = ["BETABAR", "betabar", "even_odd_mean", "impurity_curves"]


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


def _even_odd(
    levels: Levels, Lambda: float, complete: bool
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Impurity contributions of one run: even and odd shells, interpolated and averaged."""
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
    stack = np.stack(list(quantities.values()), axis=-1)  # (shell, k, quantity)

    inner = shells[1:-1]
    out = np.empty((len(inner), 3, stack.shape[-1]))
    for k in range(3):
        parity = [_interpolate(T[s::2, k], stack[s::2, k], T[inner, k]) for s in (0, 1)]
        out[:, k] = 0.5 * (parity[0] + parity[1])
    order = np.argsort(-T[inner].ravel())
    flat = out.reshape(-1, stack.shape[-1])[order]
    return T[inner].ravel()[order], dict(zip(quantities, flat.T, strict=True))


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
