r"""Impurity contributions free of even-odd oscillations, from the levels of a run.

    S_imp(T) = S(chain with impurity) - S(clean chain of the same length),  and so on.

Each shell is evaluated at three temperatures, ``omega_N / T = 0.6 Lambda^(k/3)``. At equal k the
even shells make one smooth curve of ln T and the odd shells another; both are interpolated by
cubic splines, and their mean is the result.

**A hard gap** ends the chain (`kadanoff.bands.gapped`): the last shell is the whole band. Shells of
an odd number of sites have a level at zero that the band does not have, so that the mean would be
ln 2 off at T below the gap. There, from the hottest temperature of the last shell on downwards, the
curves are those of the last shell alone; above, the gap does not show and the mean is taken. For
levels without interaction the mean is within 5e-3 nats of the whole chain at Lambda = 2.5 down to
where the last shell takes over, as it is at all higher temperatures.

**A pairing gap** freezes the entropy within less than a factor Lambda in T. A spline with knots as
far apart does not follow that: it rings, by 0.02 nats down to T = gap / 30. Below gap / 5 nothing
depends on whether the number of sites is even, and every shell stands for itself, without a spline:
within 1e-3 nats of the continuum at Lambda = 2.5 (levels without interaction, 600 states).

With two channels fewer states are kept for the same energy of the cut, whose error is largest at
the highest temperature of a shell: it is evaluated at ``omega_N / T = Lambda^(k/6)``. Interleaved
channels have six shells for a factor Lambda, with one temperature and one spline each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff._base.splines import cubic
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.bands.leads import gap_of
from kadanoff.impurities.nrg.levels import Levels

__all__ = [
    "BETABAR",
    "PERIOD",
    "betabar",
    "even_odd_mean",
    "impurity_curves",
    "largest_nearby",
    "mean_below",
    "over_three_shells",
    "spline_errors",
    "unknown_below",
]

MIN_SHELLS = 4
"""Two of each parity, for the mean."""
BELOW_PAIRING = 0.2
"""Of a pairing gap: a shell at a lower temperature needs no mean with the next one."""
PERIOD = 6
"""Temperatures of the grid for each factor Lambda: two shells of three, or six interleaved ones."""
INTERLEAVED = 1.5
FROZEN = 0.01  # nats over a factor Lambda in T
SINGLET = 0.05  # nats: an entropy that small falls to zero at lower temperatures
FINER = 4  # steps of the integral over the entropy, for each temperature
# Splines with knots a factor Lambda apart miss 0.013, 0.023, 0.030, 0.043, 0.066 and 0.095 of the
# fourth difference at Lambda = 2, 2.5, 3, 4, 7.3 and 20: at 95 % of the temperatures, 60 isolated
# levels whose charge freezes, entropy, T chi and T chi_charge.
_MISSED = 0.038
_MISSED_FROM = 0.28
_MISSED_LEAST = 0.003


def impurity_curves(
    levels: tuple[Levels, ...], Lambda: float, *, complete: bool, T_min: float = 0.0
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Temperatures (descending, those of the first twist) and every impurity contribution.

    Chains that a hard gap ends have temperatures down to `T_min`.

    Keys: entropy, heat_capacity, T_chi, T_chi_charge, log_Z, free_energy, and ``<name>`` for every
    static operator; averaged over even and odd shells and over the twists. Curves that do not exist
    (:attr:`Levels.undefined`) are NaN.

    Raises
    ------
    NumericalError
        If a curve is not finite.
    """
    per_twist = [
        _even_odd(one, Lambda, complete)
        if one.chain.gap == 0
        else _with_a_gap(one, Lambda, complete, T_min)
        for one in levels
    ]
    T, first = per_twist[0]
    if len(levels) > 1:
        lowest = max(t[-1] for t, _ in per_twist)
        highest = min(t[0] for t, _ in per_twist)
        low, high = lowest * (1 - 1e-12), highest * (1 + 1e-12)
        T = T[(low <= T) & (high >= T)]
    curves = {
        name: np.mean([_interpolate(t, c[name], T) for t, c in per_twist], axis=0) for name in first
    }
    if len(T):
        curves["log_Z"] = _log_Z(T, curves["entropy"], float(curves["log_Z"][-1]), levels)
        product = T * curves["log_Z"]
        curves["free_energy"] = curves["free_energy"][-1] - (product - product[-1])  # dF/dT = -S
    for name in levels[0].undefined:
        curves[name] = np.full(len(T), np.nan)
    for name, curve in curves.items():
        if name in levels[0].undefined:
            continue
        if not np.isfinite(curve).all():
            raise NumericalError(f"{name} is not finite at T = {T[~np.isfinite(curve)][0]:.3g}")
    return T, curves


def betabar(Lambda: float, channels: int = 1) -> FloatArray:
    """omega_N / T at the temperatures of a shell, ascending.

    Examples
    --------
    >>> betabar(8.0), betabar(8.0, channels=2).round(3), betabar(8.0, channels=3)
    (array([0.6, 1.2, 2.4]), array([1.   , 1.414, 2.   ]), array([1.5]))
    """
    if channels > 2:
        return np.array([INTERLEAVED])
    steps = np.arange(PERIOD // 2)
    values: FloatArray = 0.6 * Lambda ** (steps / 3) if channels == 1 else Lambda ** (steps / 6)
    return values


def _log_Z(
    T: FloatArray, entropy: FloatArray, last: float, levels: tuple[Levels, ...]
) -> FloatArray:
    """ln Z from the entropy; `last` is that of the shells at the lowest T, from their ground state.

    The ground state of a shell is off by a share of T, whatever T, unless a gap ends or freezes the
    chain there. It is taken below the lowest T only if the entropy still changes and is not near 0.
    """
    change = abs(float(entropy[-1] - entropy[-min(PERIOD + 1, len(T))]))
    frozen = change < FROZEN or abs(float(entropy[-1])) < SINGLET
    least = float(entropy[-1]) if frozen and not _ends(levels, T) else last
    x = -np.log(T)
    if len(x) < 2:
        return np.full(len(x), last)
    fine = np.interp(np.arange(FINER * (len(x) - 1) + 1) / FINER, np.arange(len(x)), x)
    return mean_below(np.exp(-fine), cubic(x, entropy, fine), least)[::FINER]


def _ends(levels: tuple[Levels, ...], T: FloatArray) -> bool:
    """Whether a gap ends the chain, or has frozen it at the lowest temperature."""
    chain = levels[0].chain
    return bool(chain.gap > 0 or T[-1] < BELOW_PAIRING * gap_of(chain))


def unknown_below(
    levels: tuple[Levels, ...], Lambda: float, T: FloatArray, entropy: FloatArray
) -> float:
    """Distance of ln Z at the lowest temperature from that of the shells, between which it lies.

    The first is the entropy, as if it were constant at lower temperatures; the second counts from
    the ground state of the shell, which holds a part of what lower energies bring. Near zero the
    entropy itself bounds what is left of it.
    """
    if _ends(levels, T):
        return 0.0
    bar = betabar(Lambda, levels[0].bands)[-1]
    found = []
    for one in levels:
        n = np.arange(one.shells - 3, one.shells)
        values, names = _contributions(one, n, one.scale[n] / bar, complete=True)
        found.append(np.array([0.25, 0.5, 0.25]) @ values[:, names.index("log_Z")])
    last = float(entropy[-1])
    distance = abs(float(np.mean(found)) - last)
    return min(distance, abs(last)) if abs(last) < SINGLET else distance


def mean_below(T: FloatArray, y: FloatArray, least: float) -> FloatArray:
    """(1/T) int_0^T y(T') dT', with the mean `least` below the lowest temperature.

    Parameters
    ----------
    T : array of float, shape (t,)
        Temperatures, descending.
    y : array of float, shape (t,)
        Values, linear in ln T between them.
    least : float
        Mean of y at lower temperatures.

    Examples
    --------
    >>> T = np.geomspace(1.0, 1e-3, 50)
    >>> print(mean_below(T, np.log(T), np.log(1e-3) - 1)[[0, -1]].round(6))  # int ln T dT / T
    [-1.       -7.907755]
    """
    t, values = T[::-1], y[::-1]
    h = np.log(t[1:] / t[:-1])
    share = (t[1:] - t[:-1]) / h
    parts = values[1:] * (t[1:] - share) + values[:-1] * (share - t[:-1])
    found: FloatArray = np.concatenate([[0.0], np.cumsum(parts)]) + t[0] * least
    return (found / t)[::-1]


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

    An average over z leaves it as it is: the curve of each twist is read at its own temperatures,
    which are knots of one parity and midpoints between those of the other, and the spline misses
    the same half of the fourth derivative there, whatever the twist.
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
        out[name] = np.minimum(largest_nearby(change, PERIOD), share * _fourth(curves[name]))
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
    if levels.shells < MIN_SHELLS:  # nothing is interpolated
        return _descending(T, np.zeros_like(stack), names)
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
    out[T[inner] < BELOW_PAIRING * gap_of(levels.chain)] = 0.0
    return _descending(T[inner], out, names)


def _of_shells(
    levels: Levels, Lambda: float, complete: bool
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Temperatures (shell, k), impurity contributions (shell, k, quantity), and their names."""
    shells = np.arange(levels.shells)
    n, b = np.meshgrid(shells, betabar(Lambda, levels.bands), indexing="ij")
    T = levels.scale[n] / b
    return (T, *_contributions(levels, n, T, complete))


def _contributions(
    levels: Levels, n: IntArray, T: FloatArray, complete: bool
) -> tuple[FloatArray, tuple[str, ...]]:
    """Impurity contributions (..., quantity) of shells `n` at `T`, and their names."""
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
    quantities |= dict.fromkeys(levels.undefined, np.zeros_like(T))
    return np.stack(list(quantities.values()), axis=-1), tuple(quantities)


def _even_odd(
    levels: Levels, Lambda: float, complete: bool
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Impurity contributions of one run: even and odd shells, interpolated and averaged.

    More than two kinds of shells where channels are interleaved. Their first sites are added at
    nearly one energy, where the cut hurts: curves begin half a factor Lambda lower.
    """
    T, stack, names = _of_shells(levels, Lambda, complete)
    p = levels.period
    first = p - 1 if p == 2 else p - 1 + p // 2
    inner = np.arange(len(T))[first : len(T) - p + 1]
    out = np.empty((len(inner), *stack.shape[1:]))
    for k in range(T.shape[1]):
        kinds = [_interpolate(T[s::p, k], stack[s::p, k], T[inner, k]) for s in range(p)]
        out[:, k] = sum(kinds) / p
    own = T[inner] < BELOW_PAIRING * gap_of(levels.chain)
    out[own] = stack[inner][own]
    return _descending(T[inner], out, names)


def _with_a_gap(
    levels: Levels, Lambda: float, complete: bool, T_min: float
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """The same of a chain that ends in a gap: below it the last shell alone."""
    last, bars = levels.shells - 1, betabar(Lambda)
    hot = float(levels.scale[last] / bars[0])
    whole = levels.shells < MIN_SHELLS  # the last shell at all temperatures
    log = math.log(Lambda)
    end = 2 * math.log(max(float(levels.scale[0]) / (bars[-1] * T_min), 1.0)) / log
    n = np.arange(1, max(math.ceil(end - 1e-9), last) + 1)
    T = np.sort((levels.scale[0] * Lambda ** (-n[:, None] / 2) / bars).ravel())[::-1]
    T = T[whole | (hot * (1 + 1e-12) >= T)]
    stack, names = _contributions(levels, np.full(T.shape, last), T, complete)
    below = dict(zip(names, stack.T, strict=True))
    if whole:
        return T, below
    T_above, above = _even_odd(levels, Lambda, complete)
    kept = T_above > hot * (1 + 1e-12)
    return np.concatenate([T_above[kept], T]), {
        name: np.concatenate([above[name][kept], below[name]]) for name in above
    }


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
