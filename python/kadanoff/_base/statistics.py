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
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray

__all__ = ["Estimate", "estimate", "jackknife", "z_score"]


WINDOW = 6.0  # Sokal's c: the bias exp(-c) is then far below the noise of any run
MAX_BLOCKS = 4096  # evaluations of the function in a jackknife


@public
@dataclass(frozen=True, repr=False)
class Estimate:
    """``mean +- error`` of n correlated measurements.

    Attributes
    ----------
    mean : float
        The average.
    error : float
        One standard deviation of the mean; infinite for a single measurement.
    tau : float
        Integrated autocorrelation time in units of the spacing of the data, at least 1/2.
    ess : float
        Effective number of independent measurements, ``n / (2 tau)``.
    n : int
        Number of measurements.
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


def estimate(series: ArrayLike) -> Estimate:
    r"""Mean of a time series, with the error that its autocorrelations leave.

        rho(t) = <(x_i - mean)(x_{i+t} - mean)> / var

    Parameters
    ----------
    series : array, shape (n,) or (r, n)
        Measurements in the order in which they were taken; r independent chains of equal length.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        There is nothing to average, or a number is not finite.
    TypeError
        The numbers are not real.

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


def jackknife(function: Callable[..., float], *series: ArrayLike) -> Estimate:
    r"""``f(<a>, <b>, ...)`` of averages, with error and without the leading bias.

        p_j = B f(mean) - (B - 1) f(mean without block j),     f = <p>

    Parameters
    ----------
    function : callable
        Takes one float for each series, the averages, and returns a float.
    *series : arrays, shape (n,) or (r, n)
        Measurements that belong together: entry i of each from the same moment.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        The series differ in shape, are empty or not finite, or so is the value of the function.

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


def z_score(found: Estimate, exact: float) -> float:
    """``z = (mean - exact) / error``.

    Parameters
    ----------
    found : Estimate
    exact : float

    Returns
    -------
    float
        0 if both agree exactly, infinite if they differ and the error is zero.

    Examples
    --------
    >>> z_score(Estimate(mean=1.1, error=0.05, tau=0.5, ess=100, n=100), 1.0)
    2.0
    """
    difference = found.mean - exact
    if difference == 0:
        return 0.0
    if found.error == 0:
        return math.copysign(math.inf, difference)
    return difference / found.error


def _checked(series: ArrayLike, name: str) -> FloatArray:
    if isinstance(series, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one")
    x = np.asarray(series)
    if x.dtype.kind not in "iufb":
        raise TypeError(f"{name} must hold real numbers, got an array of {x.dtype}")
    if x.ndim not in (1, 2):
        raise ValueError(f"{name} must have shape (n,) or (chains, n), got {x.shape}")
    if x.size == 0:
        raise ValueError(f"{name} must hold at least one measurement, got shape {x.shape}")
    x = np.atleast_2d(x.astype(np.float64))
    if not np.isfinite(x).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return x


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
