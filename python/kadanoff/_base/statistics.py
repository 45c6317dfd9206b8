r"""Averages of correlated data, with errors that may be trusted.

    error^2 = 2 tau var / n,      tau = 1/2 + sum_{t=1}^{W} rho(t),

where rho is the normalised autocorrelation function and the window W is the smallest with
``W >= 6 tau(W)``: beyond it rho is noise, which would only add to the error of the error [1]_.
Independent data have tau = 1/2.

References
----------
.. [1] A. D. Sokal, Monte Carlo methods in statistical mechanics (1997), Sec. 3,
       doi:10.1007/978-1-4899-0319-8_6
.. [2] U. Wolff, Comput. Phys. Commun. 156, 143 (2004), doi:10.1016/S0010-4655(03)00467-3
.. [3] B. Efron, The jackknife, the bootstrap and other resampling plans (1982),
       doi:10.1137/1.9781611970319
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray

__all__ = ["Estimate", "estimate", "jackknife", "rule_of_three", "z_score"]


WINDOW = 6.0  # Sokal's c: the bias exp(-c) is then far below the noise of any run
MAX_BLOCKS = 4096  # evaluations of the function in a jackknife
UNSEEN = 3.0  # n draws without an event bound its probability by 3 / n, at 95 per cent


@public
@dataclass(frozen=True, repr=False)
class Estimate:
    """``mean +- error`` of n correlated measurements.

    Parameters
    ----------
    mean : float
        Average of the measurements.
    error : float
        One standard deviation of the mean; infinite for a single measurement.
    tau : float
        Integrated autocorrelation time in units of the spacing of the data, at least 1/2.
    ess : float
        Effective number of independent measurements, ``n / (2 tau)``.
    n : int
        Number of measurements.

    Examples
    --------
    >>> Estimate(mean=-1.7453, error=0.0021, tau=0.8, ess=625.0, n=1000)
    Estimate(-1.7453 +- 0.0021, tau=0.8, ess=625, n=1000)
    """

    mean: float
    error: float
    tau: float
    ess: float
    n: int

    def __repr__(self) -> str:
        return f"Estimate({self}, tau={self.tau:.3g}, ess={self.ess:.4g}, n={self.n})"

    def __str__(self) -> str:
        if not 0 < self.error < math.inf:
            return f"{self.mean:.6g} +- {self.error:g}"
        digits = max(0, 1 - math.floor(math.log10(self.error)))
        return f"{self.mean:.{digits}f} +- {self.error:.{digits}f}"


@public
def estimate(series: ArrayLike) -> Estimate:
    r"""Average a time series, with an error that takes its autocorrelation into account.

        rho(t) = <(x_i - mean)(x_{i+t} - mean)> / var

    Parameters
    ----------
    series : array, shape (n,) or (r, n)
        Measurements in the order in which they were taken; r independent chains of equal length.

    Returns
    -------
    Estimate
        Mean, error, autocorrelation time, and number of measurements.

    Raises
    ------
    ValueError
        The series is empty, has another shape, or holds a number that is not finite.
    TypeError
        The numbers are not real, or the array is masked.

    Notes
    -----
    rho is taken about the mean of all chains, by FFT, O(n log n); the bias that the unknown mean
    leaves in rho, of order tau / n, is removed to leading order (Eq. 49 of [2]_ of the module). A
    series that is anticorrelated keeps the error of independent data. The relative error of the
    error is about ``sqrt((2 W + 1) / (2 n))``: a run should be some hundred tau long.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = estimate(rng.normal(size=10_000))
    >>> abs(x.mean) < 3 * x.error, f"{x.error:.3f} {x.tau:.1f}"
    (True, '0.010 0.5')
    """
    x = _checked(series, "series")
    n = x.size
    mean = float(x.mean())
    if n == 1:
        return Estimate(mean, math.inf, 0.5, 1.0, 1)
    shifted = x - mean
    variance = float(np.mean(shifted**2))
    # Rounding of a constant series is no fluctuation.
    if variance <= (4 * np.finfo(float).eps * max(abs(mean), float(np.abs(x).max()))) ** 2:
        return Estimate(mean, 0.0, 0.5, float(n), n)
    tau = _autocorrelation_time(shifted, variance)
    error = math.sqrt(2 * tau * variance / (n - 1))
    return Estimate(mean, error, tau, n / (2 * tau), n)


@public
def jackknife(function: Callable[..., float], *series: ArrayLike) -> Estimate:
    r"""Estimate a function ``f(<a>, <b>, ...)`` of averages, without the leading bias.

        p_j = B f(mean) - (B - 1) f(mean without block j),     f = <p>

    Parameters
    ----------
    function : callable
        Takes one float for each series, the averages, and returns a float.
    *series : array, shape (n,) or (r, n)
        Measurements that belong together: entry i of each from the same moment.

    Returns
    -------
    Estimate
        Value of the function, its error, and the autocorrelation time of its linear part.

    Raises
    ------
    ValueError
        The series differ in shape or are empty; they, or the values of the function, are not
        finite.
    TypeError
        The numbers are not real, or an array is masked.

    Notes
    -----
    B is at most 4096, the blocks are short; the remaining correlation between the pseudovalues p_j
    enters the error as in :func:`estimate`, and multiplies the correction of the bias too.

    Examples
    --------
    The variance of normal data is 1, without the bias (n - 1) / n:

    >>> x = np.random.default_rng(2).normal(size=1000)
    >>> variance = jackknife(lambda a, b: b - a * a, x, x**2)
    >>> print(f"{variance.mean - x.var(ddof=1):.4f}")
    0.0000
    """
    if not series:
        raise ValueError("jackknife needs at least one series")
    data = [_checked(s, f"series {i}") for i, s in enumerate(series)]
    if any(d.shape != data[0].shape for d in data):
        raise ValueError(
            f"all series must have the same shape, got {', '.join(str(d.shape) for d in data)}"
        )
    chains, length = data[0].shape
    n = data[0].size
    centre = float(function(*(float(d.mean()) for d in data)))
    if not math.isfinite(centre):
        raise ValueError(f"the function of the averages must be finite, got {centre}")
    if n == 1:
        return Estimate(centre, math.inf, 0.5, 1.0, 1)
    # Blocks of one length (a remainder is spread by letting lengths differ by one).
    per_chain = max(1, min(length, MAX_BLOCKS // chains))
    edges = np.linspace(0, length, per_chain + 1).round().astype(int)
    sizes = np.broadcast_to(np.diff(edges), (chains, per_chain))
    blocks = sizes.size
    if blocks < 2:
        return Estimate(centre, math.inf, 0.5, 1.0, n)
    # About the mean, so that leaving out a block loses no digits.
    without = []
    for d in data:
        mean = d.mean()
        sums = np.add.reduceat(d - mean, edges[:-1], axis=1)
        without.append(mean - sums / (n - sizes))
    values = np.array(
        [
            function(*(float(w) for w in point))
            for point in zip(*map(np.ravel, without), strict=True)
        ]
    ).reshape(chains, per_chain)
    if not np.isfinite(values).all():
        raise ValueError("the function is not finite when a block of the data is left out")
    # A block that is longer than the average one has a larger say.
    pseudo = centre + (n / sizes - 1) * (centre - values)
    found = estimate(pseudo)
    tau = found.tau if blocks == n else _tau_of_error(found.error, data, without, values)
    bias = 2 * found.tau * (found.mean - centre)
    # A bias beyond the error is no leading order any more.
    mean = centre + (bias if abs(bias) <= found.error else 0.0)
    return Estimate(mean, found.error, tau, n / (2 * tau), n)


def _tau_of_error(
    error: float, data: list[FloatArray], without: list[FloatArray], values: FloatArray
) -> float:
    """tau = n error^2 / (2 var) with the variance of a single measurement of the linearised f."""
    slopes = np.column_stack([(w - w.mean()).ravel() for w in without])
    gradient = np.linalg.lstsq(slopes, (values - values.mean()).ravel(), rcond=None)[0]
    linear = sum(g * (d - d.mean()) for g, d in zip(gradient, data, strict=True))
    variance = float(np.mean(np.square(linear)))
    return max(0.5, error**2 * data[0].size / (2 * variance)) if variance > 0 else 0.5


@public
def z_score(found: Estimate, exact: float) -> float:
    """``z = (mean - exact) / error``.

    Parameters
    ----------
    found : Estimate
        Average with its error.
    exact : float
        Value that is compared with it.

    Returns
    -------
    float
        Deviation in standard deviations: 0 if both agree exactly, infinite if they differ and the
        error is zero.

    Raises
    ------
    TypeError
        `found` is no Estimate, or `exact` is no real number.
    ValueError
        `exact` is not finite.

    Examples
    --------
    >>> z_score(Estimate(mean=1.1, error=0.05, tau=0.5, ess=100, n=100), 1.0)
    2.0
    """
    if not isinstance(found, Estimate):
        raise TypeError(f"found must be an Estimate, got {found!r}")
    difference = found.mean - checks.real("exact", exact)
    if difference == 0:
        return 0.0
    if found.error == 0:
        return math.copysign(math.inf, difference)
    return difference / found.error


@public
def rule_of_three(
    found: Estimate, series: ArrayLike, quantum: float, *, fluctuation: bool = False
) -> Estimate:
    """Give an error to an average whose error is zero only because nothing happened.

    Where n independent draws show no event, its probability is below 3 / n at a confidence of 95
    per cent. So the mean may be off by 3 / n times the smallest change that the quantity can make.
    The variance of two values that are equally frequent has no error of first order either: its
    error is set to that of n Gaussian numbers, ``sqrt(2 / (n - 1))`` of the value.

    Parameters
    ----------
    found : Estimate
        Average of the series, or a function of it.
    series : array, shape (n,) or (r, n)
        The measurements themselves.
    quantum : float
        Change of the quantity with the smallest change of the state; infinite where that leaves
        the quantity undetermined, zero where no state has another value.
    fluctuation : bool, default False
        Whether the quantity is a variance or another function of second moments.

    Returns
    -------
    Estimate
        `found` itself if it has an error and the series varies; else with one.

    Raises
    ------
    ValueError
        `quantum` is negative or not a number.

    Examples
    --------
    >>> x = [2.0] * 300
    >>> rule_of_three(estimate(x), x, quantum=0.5)
    Estimate(2.0000 +- 0.0050, tau=0.5, ess=300, n=300)
    """
    if not quantum >= 0:
        raise ValueError(f"quantum must be at least 0, got quantum = {quantum}")
    x = np.asarray(series)
    if x.size < 2:
        return found
    if np.ptp(x) > 0:
        gaussian = abs(found.mean or quantum) * math.sqrt(2 / (x.size - 1))
        if not fluctuation or found.error > 1e-6 * gaussian:
            return found
        return replace(found, error=gaussian)
    return replace(found, error=max(found.error, UNSEEN * quantum / x.size))


def _checked(series: ArrayLike, name: str) -> FloatArray:
    x = checks.array(name, series, ndim=(1, 2))
    if x.size == 0:
        raise ValueError(f"{name} must hold at least one measurement, got shape {x.shape}")
    return np.atleast_2d(x)


def _autocorrelation_time(shifted: FloatArray, variance: float) -> float:
    """tau of a series about its mean, shape (chains, n), with Sokal's window."""
    chains, length = shifted.shape
    if length < 2:
        return 0.5
    size = 1 << (2 * length - 1).bit_length()
    power = np.zeros(size // 2 + 1)
    for row in shifted:  # one at a time: the transform of all would need a multiple of the memory
        power += np.square(np.abs(np.fft.rfft(row, size)))
    counts = chains * np.arange(length, 0, -1)
    rho = np.fft.irfft(power, size)[:length] / counts / variance
    # A half of the length holds no information on itself.
    tau = 0.5 + np.cumsum(rho[1 : max(2, length // 2)])
    enough = np.flatnonzero(np.arange(1, len(tau) + 1) >= WINDOW * tau)
    window = int(enough[0]) if enough.size else len(tau) - 1
    # Window W = window + 1.
    found = float(tau[window]) * (1 + (2 * window + 3) / shifted.size)
    return max(0.5, found)
