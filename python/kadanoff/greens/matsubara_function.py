"""Green functions given on Matsubara frequencies, with the moments of their tail."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.once import kept
from kadanoff._base.signatures import internal, public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff._base.warning import warn
from kadanoff.greens.grids import (
    fermionic,
    frequency_count,
    imaginary,
    inverse_temperature,
    some,
    taken,
    times,
)
from kadanoff.greens.poles import GreenFunction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MatsubaraFunction", "UncertainTail", "gauss_poles", "tail_moments"]

UNCERTAIN = 2e-3
"""Uncertainty of the first fitted moment, in units of its scale, above which a warning is given."""
TOGETHER = 1024
"""Times whose exponentials are in memory at once."""
KEPT = 2**13
"""Most exponentials of one kind that are kept for later calls: 128 kB."""


class UncertainTail(UserWarning):
    """The values do not determine the moments of their tail: give those that are known."""


@public
def gauss_poles(moments: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Poles and weights of the shortest sum whose moments are the given ones.

    ``sum_j w_j E_j**k = m_k`` for k < 2 p, with p = len(moments) // 2 poles or fewer: Gauss
    quadrature for the measure behind the moments. Weights are positive if the measure is.

    Parameters
    ----------
    moments : sequence of float
        Moments m_0 > 0, m_1, ...; an even number, at most 8.

    Returns
    -------
    energies : array of float, shape (p,)
        Poles E_j, ascending; none if there are no moments or m_0 is not positive.
    weights : array of float, shape (p,)
        Weights w_j.

    Raises
    ------
    TypeError, ValueError
        `moments` is not a sequence of finite numbers.

    References
    ----------
    G. H. Golub, J. H. Welsch, Math. Comp. 23, 221 (1969), doi:10.2307/2004418, section 4.

    Examples
    --------
    >>> gauss_poles([1.0, 0.0, 4.0, 0.0])
    (array([-2.,  2.]), array([0.5, 0.5]))
    """
    return quadrature(checks.array("moments", moments, ndim=1) if len(moments) else ())


def quadrature(moments: Iterable[float]) -> tuple[FloatArray, FloatArray]:
    """As :func:`gauss_poles`, for moments that are checked already."""
    m = [float(x) for x in moments]
    if not m or m[0] <= 0.0:
        return np.zeros(0), np.zeros(0)
    first, size = m[0], len(m)
    scale = max([abs(m[k] / first) ** (1.0 / k) for k in range(1, size)], default=0.0)
    # A pole at zero, to rounding: powers of less would underflow.
    if scale == 0.0 or (size - 1) * math.log10(scale) < -290.0:
        return np.zeros(1), np.array([first])
    alpha: list[float] = []
    gamma: list[float] = []  # squared off-diagonal elements
    # The Chebyshev algorithm: sigma_(k,l) = int p_k x^l. A few numbers: lists are faster.
    before, sigma, unit = [0.0] * size, [], first
    for x in m:
        sigma.append(x / unit)
        unit *= scale
    for k in range(size // 2):
        if k > 0:
            gamma_k = sigma[k] / before[k - 1]
            if gamma_k <= 1e-12:
                break
            gamma.append(gamma_k)
            alpha.append(sigma[k + 1] / sigma[k] - before[k] / before[k - 1])
        else:
            alpha.append(sigma[1] / sigma[0])
        nxt = [0.0] * size
        for j in range(k + 1, size - k - 1):
            nxt[j] = sigma[j + 1] - alpha[k] * sigma[j]
            if k > 0:
                nxt[j] -= gamma[k - 1] * before[j]
        before, sigma = sigma, nxt
    if not gamma:
        return np.array(alpha) * scale, np.array([first])
    T = np.zeros((len(alpha), len(alpha)))
    for k, diagonal in enumerate(alpha):
        T[k, k] = diagonal
    for k, squared in enumerate(gamma):
        T[k + 1, k] = math.sqrt(squared)
    E, weights = _core.poles_of_resolvent(T)  # looks at the lower triangle
    return E * scale, first * weights


@public
def tail_moments(values: ArrayLike, beta: float, count: int = 4) -> FloatArray:
    """Moments m_k of ``G(iw) = sum_k m_k / (iw)**(k + 1)`` from the last quarter of the values.

    Parameters
    ----------
    values : array of complex, shape (N,)
        G at the first N positive Matsubara frequencies, N >= 16.
    beta : float
        Inverse temperature, positive (k_B = 1).
    count : int
        Number of moments.

    Returns
    -------
    array of float, shape (count,)
        Moments m_0, m_1, ...

    Raises
    ------
    ValueError, TypeError
        Fewer than 16 values, or an argument out of range or of the wrong kind.

    Notes
    -----
    Least squares with two orders more than `count`. The relative error of m_0 is of the order
    ``(E / w_max)**2`` for spectral weight at energies up to E: use exact moments where they are
    known.

    Examples
    --------
    >>> from kadanoff.greens import GreenFunction
    >>> G = GreenFunction([-1.0, 2.0], [0.5, 0.5], beta=10.0)  # m_0 = 1, m_1 = 0.5
    >>> tail_moments(G.iw(256), 10.0, count=2).round(4)
    array([1. , 0.5])
    """
    values = checks.array("values", values, dtype=np.complex128, ndim=1, frozen=True)
    if values.size < 16:
        raise ValueError(
            f"values must hold at least 16 frequencies for the fit of a tail, got {values.size}"
        )
    return fitted_moments(values, inverse_temperature(beta), checks.whole("count", count))


def fitted_moments(
    values: ComplexArray,
    beta: float,
    count: int,
    known: Sequence[float] = (),
    *,
    more: int = 2,
    share: float = 0.25,
) -> FloatArray:
    """As :func:`tail_moments`, for arguments that are checked already.

    Parameters
    ----------
    values, beta, count
        As there.
    known : sequence of float
        The first moments, which are not fitted.
    more : int
        Orders beyond `count` in the fit.
    share : float
        Share of the values, the last ones, that enter the fit.
    """
    w_n = fermionic(beta, values.size)
    part = slice(math.floor((1.0 - share) * values.size), None)
    top, fixed = w_n[-1], len(known)
    x = top / (1j * w_n[part])
    columns = np.stack([x ** (k + 1) for k in range(count + more)], axis=1)
    system = np.concatenate([columns.real, columns.imag])
    target = np.concatenate([values[part].real, values[part].imag])
    if fixed:
        target = target - system[:, :fixed] @ (np.asarray(known) / top ** np.arange(1, fixed + 1))
    found = np.linalg.lstsq(system[:, fixed:], target, rcond=None)[0]
    fitted = found[: count - fixed] * top ** np.arange(fixed + 1, count + 1)
    return np.concatenate([np.asarray(known, dtype=np.float64), fitted])


def moment_uncertainty(
    values: ComplexArray, beta: float, moments: FloatArray, known: Sequence[float] = ()
) -> float:
    """Uncertainty of the first fitted moment m_k, from fits of other orders and other values.

    In units of the largest possible m_k, ``w_N**k`` times m_0 or ``w_N |G(i w_N)|``.
    """
    k, top = len(known), float(fermionic(beta, values.size)[-1])
    scale = max(abs(float(moments[0])), top * float(abs(values[-1]))) * top**k
    others = [
        fitted_moments(values, beta, moments.size, known, more=0),
        fitted_moments(values, beta, moments.size, known, share=0.5),
    ]
    return float(max(abs(other[k] - moments[k]) for other in others)) / max(scale, 1e-300)


@public
@dataclass(frozen=True, eq=False)
class MatsubaraFunction:
    r"""Values G(i w_n), 0 <= n < N, and moments m_k of the tail ``sum_k m_k / (iw)**(k + 1)``.

    Parameters
    ----------
    values : array of complex, shape (N,)
        G at the first N positive Matsubara frequencies; negative ones are their conjugates.
    beta : float
        Inverse temperature, positive (k_B = 1).
    moments : sequence of float, optional
        Exact moments m_0, m_1, ... of the tail; m_0 = 1 for a Green function. Up to four are fitted
        to the last quarter of the values (:func:`tail_moments`) if none, one or three are given.

    Raises
    ------
    ValueError, TypeError
        No values, fewer than 16 without an even number of moments, or an argument out of range or
        of the wrong kind.

    Warns
    -----
    UncertainTail
        Moments were fitted, and the values do not determine them: fits of other orders and of other
        values differ by more than 0.002. Errors of an uncertain tail grow with every transform to
        imaginary time and back.

    Notes
    -----
    To imaginary time: the sum of a few poles that has the given moments is transformed exactly,
    only the difference is summed over frequencies. With 2 p moments the neglected sum is of the
    order ``m_2p / w_N**(2 p)``; `tail_error` measures the quality of the tail.

    Examples
    --------
    >>> poles = GreenFunction([-1.0, 0.5], [0.4, 0.6], beta=10.0)
    >>> G = MatsubaraFunction(poles.iw(64), 10.0, moments=poles.moments(4))
    >>> abs(G.tau(3.0) - poles.tau(3.0)) < 1e-12
    np.True_
    """

    values: ComplexArray
    beta: float
    moments: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "values",
            checks.array("values", self.values, dtype=np.complex128, ndim=1, frozen=True),
        )
        object.__setattr__(self, "beta", inverse_temperature(self.beta))
        if self.values.size == 0:
            raise ValueError("values must hold at least one frequency")
        known = checks.array("moments", self.moments, ndim=1)
        if known.size == 0 or known.size in (1, 3):
            known = self._completed(known.tolist())
        object.__setattr__(self, "moments", tuple(float(m) for m in known))

    def _completed(self, known: Sequence[float]) -> FloatArray:
        """Four moments, of which those that are not known are fitted."""
        if self.values.size < 16:
            raise ValueError(
                "values must hold at least 16 frequencies for the fit of a tail, got "
                f"{self.values.size}; with fewer give an even number of moments"
            )
        found = fitted_moments(self.values, self.beta, 4, known)
        doubt = moment_uncertainty(self.values, self.beta, found, known)
        if doubt > UNCERTAIN:
            remedy = "moments=(1.0,) of a Green function, or more of them"
            warn(
                f"the values do not determine the moments of their tail: m_{len(known)} = "
                f"{found[len(known)]:g} is uncertain by {doubt:.1g} of its scale; give more "
                f"frequencies or the moments that are known ({remedy})",
                UncertainTail,
            )
        return found

    @classmethod
    @internal
    def own(cls, values: ComplexArray, beta: float, moments: Sequence[float]) -> MatsubaraFunction:
        """A function that takes over the values of a solver: neither copied nor checked."""
        made = object.__new__(cls)
        values = np.asarray(taken("values", values, "iufc"), dtype=np.complex128)
        values.setflags(write=False)
        beta = inverse_temperature(beta)
        known = taken("moments", moments)
        known = known if known.size else fitted_moments(values, beta, 4)
        made.__dict__.update(values=values, beta=beta, moments=tuple(known.astype(float).tolist()))
        return made

    def __repr__(self) -> str:
        return f"MatsubaraFunction({self.values.size} frequencies, beta={self.beta:g})"

    @property
    def frequencies(self) -> FloatArray:
        """w_n, positive."""
        return fermionic(self.beta, self.values.size)

    @kept
    def tail(self) -> GreenFunction:
        """A few poles with the same moments."""
        return GreenFunction.own(*quadrature(self.moments), self.beta)

    @property
    def tail_error(self) -> float:
        """Relative deviation of the tail from G at the last frequency, |G - tail| / |tail|."""
        last = self.values[-1]
        known = complex(self.tail.at_points(imaginary(self.beta, self.values.size)[-1:])[0])
        return float(abs(last - known) / max(abs(known), 1e-300))

    def iw(self, count: int) -> ComplexArray:
        """G at the first `count` frequencies, beyond the values by the tail."""
        return self.at_first(frequency_count(count))

    @internal
    def at_first(self, count: int) -> ComplexArray:
        """As `iw`, for any number, zero included."""
        count, n = some(count), self.values.size
        if count <= n:
            return self.values[:count]
        beyond = self.tail.at_points(imaginary(self.beta, count)[n:])
        return np.concatenate([self.values, beyond])

    def tau(self, tau: ArrayLike) -> FloatArray:
        """G(tau) = 1/beta sum_n exp(-i w_n tau) G(i w_n) for 0 <= tau <= beta."""
        t = times(tau, self.beta)
        return self.at_times(np.ascontiguousarray(t.ravel())).reshape(t.shape)

    @internal
    def at_times(self, tau: FloatArray) -> FloatArray:
        """As `tau`, for a flat array of float."""
        tail = self.tail.at_times(tau)
        return np.asarray(tail + 2.0 / self.beta * _wave_sum(tau / self.beta, self._rest))

    @kept
    def _rest(self) -> ComplexArray:
        """G less the poles of its tail."""
        return self.values - self.tail.at_first(self.values.size)

    @kept
    def occupation(self) -> float:
        """-G(beta-)."""
        # exp(-i w_n beta) = -1
        return float(2.0 / self.beta * self._rest.real.sum()) + self.tail.occupation

    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "tau",
        label: str | None = None,
        **style: Any,
    ) -> Axes:
        """Draw -G(tau), or -Im G(i w_n) with ``quantity="iw"``. Returns the axes."""
        from kadanoff.greens.plots import plot_green

        return plot_green(self, ax=ax, quantity=quantity, label=label, **style)


def _wave_sum(x: FloatArray, values: ComplexArray) -> FloatArray:
    """Re sum_n exp(-i pi (2n + 1) x) values_n at many x.

    With n = B a + b each exponential is a product of two, so that only some 2 sqrt(N) of them are
    computed for each x, and the rest is a product of matrices.
    """
    B = math.isqrt(values.size - 1) + 1
    C = np.zeros((B, B), dtype=np.complex128)
    C.ravel()[: values.size] = values
    out = np.empty(x.size)
    for start in range(0, x.size, TOGETHER):
        part = x[start : start + TOGETHER]
        phases = _kept_phases if part.size * B <= KEPT else _phases
        fine, coarse = phases(part.tobytes(), B)
        out[start : start + TOGETHER] = np.sum(coarse * (fine @ C.T), axis=1).real
    return out


def _phases(times: bytes, B: int) -> tuple[ComplexArray, ComplexArray]:
    """exp(-i pi (2b + 1) x) and exp(-2 i pi B a x) for all x and a, b < B."""
    x = np.frombuffer(times)[:, None]
    fine = np.exp(-1j * np.pi * x * (2.0 * np.arange(B) + 1.0))
    return fine, np.exp(-2j * np.pi * x * (B * np.arange(B)))


# Many functions are wanted at the same times: the samples of a database, a loop's iterations.
_kept_phases = lru_cache(maxsize=32)(_phases)


def trace(beta: float, product: ComplexArray, moments: tuple[float, float, float]) -> float:
    """T sum_n exp(i w_n 0+) X(i w_n), with the tail X = m_0/iw + m_1/(iw)^2 + m_2/(iw)^3.

    The sum of the tail is done exactly with three poles. The rest falls as c/w**4, with c from
    the last frequency: the sum beyond it is added by the midpoint rule.
    """
    w_n = imaginary(beta, product.size).imag
    a = 1.0 / beta
    m0, m1, m2 = moments
    # m_0/z + m_1/z^2 + m_2/z^3 + ... as residues at -a, 0, a.
    plus = 0.5 * (m2 / a**2 + m1 / a)
    minus = 0.5 * (m2 / a**2 - m1 / a)
    zero = m0 - plus - minus
    fermi = 1.0 / (math.exp(beta * a) + 1.0)
    exact = plus * fermi + minus * (1.0 - fermi) + zero * 0.5
    # Re [plus / (z - a) + minus / (z + a) + zero / z] = -m_1 / (w_n^2 + a^2)
    rest = product.real + m1 / (w_n * w_n + a * a)
    N = float(product.size)
    beyond = rest[-1] * (N - 0.5) ** 4 * (1.0 / (3.0 * N**3) - 1.0 / (6.0 * N**5))
    return float(exact + 2.0 / beta * (rest.sum() + beyond))
