"""Legendre series of Green functions.

``G(tau) = sum_l sqrt(2 l + 1) / beta P_l(2 tau / beta - 1) G_l`` and ``G(i w_n) = sum_l T_nl G_l``
with ``T_nl = (-1)**n i**(l + 1) sqrt(2 l + 1) j_l((2 n + 1) pi / 2)``.

References
----------
L. Boehnke, H. Hafermann, M. Ferrero, F. Lechermann, O. Parcollet, Phys. Rev. B 84, 075145 (2011),
doi:10.1103/PhysRevB.84.075145, Eqs. (1), (2) and (E2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import internal, public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.greens.grids import frequency_count, inverse_temperature, some, taken, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LegendreSeries", "legendre_to_matsubara"]

MAX_COEFFICIENTS = 2048
MAX_CACHED = 129  # times at which polynomials are kept: 2 MB at most


@public
def legendre_to_matsubara(frequencies: int, coefficients: int) -> ComplexArray:
    """Matrix T_nl that takes Legendre coefficients to Matsubara frequencies.

    ``G(i w_n) = sum_l T_nl G_l``,
    ``T_nl = (-1)**n i**(l + 1) sqrt(2 l + 1) j_l((2 n + 1) pi / 2)``;
    unitary in the limit of all n and l. The spherical Bessel functions follow by upward recurrence
    for l <= x, and from the ratio of neighbours, from large l downwards, beyond.

    Parameters
    ----------
    frequencies : int
        Number of positive Matsubara frequencies.
    coefficients : int
        Number of Legendre coefficients.

    Returns
    -------
    array of complex, shape (frequencies, coefficients)
        Matrix T_nl, read-only and cached.

    Raises
    ------
    ValueError, TypeError
        An argument is below 1, or not an integer.

    References
    ----------
    L. Boehnke, H. Hafermann, M. Ferrero, F. Lechermann, O. Parcollet, Phys. Rev. B 84, 075145
    (2011), doi:10.1103/PhysRevB.84.075145, Eq. (E2).

    Examples
    --------
    >>> legendre_to_matsubara(1, 2).round(4)
    array([[ 0.   +0.6366j, -0.702+0.j    ]])
    """
    return transform_matrix(
        checks.whole("frequencies", frequencies), checks.whole("coefficients", coefficients)
    )


@lru_cache(maxsize=16)
def transform_matrix(frequencies: int, coefficients: int) -> ComplexArray:
    """As :func:`legendre_to_matsubara`, for arguments that are checked already."""
    n, top = np.arange(frequencies), coefficients
    x = (n + 0.5) * math.pi
    # Ratios j_l / j_(l-1), stable downwards for l > x.
    ratio = np.zeros((top, n.size))
    r = np.zeros(n.size)
    for order in range(top + 100, 0, -1):
        r = 1.0 / np.where(order > x, (2 * order + 1) / x - r, 1.0)
        if order < top:
            ratio[order] = r
    j = np.zeros((top, n.size))
    j[0] = 1.0 / x  # times (-1)^n, which the prefactor of T takes away
    if top > 1:
        j[1] = np.where(x >= 1.0, 1.0 / x**2, j[0] * ratio[1])
    for order in range(2, top):
        up = (2 * order - 1) / x * j[order - 1] - j[order - 2]
        j[order] = np.where(order <= x, up, j[order - 1] * ratio[order])
    phase = np.array([1j, -1.0, -1j, 1.0])[np.arange(top) % 4]
    T = (phase * np.sqrt(2.0 * np.arange(top) + 1.0))[None, :] * j.T
    T.setflags(write=False)
    return np.asarray(T)


@lru_cache(maxsize=16)
def gauss_legendre(count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nodes and weights on [-1, 1], and sqrt(2l + 1) P_l(x_j) for l < count."""
    x, weights = np.polynomial.legendre.leggauss(count)
    P = np.polynomial.legendre.legvander(x, count - 1) * np.sqrt(2.0 * np.arange(count) + 1.0)
    return x, weights, P


@lru_cache(maxsize=16)
def _polynomials(x: bytes, count: int) -> FloatArray:
    """sqrt(2l + 1) P_l(x_j), l < count: cached, as many series are evaluated at the same times."""
    P = np.polynomial.legendre.legvander(np.frombuffer(x), count - 1)
    return np.asarray(P * np.sqrt(2.0 * np.arange(count) + 1.0))


@public
@dataclass(frozen=True, eq=False)
class LegendreSeries:
    """Legendre series G(tau) = sum_l sqrt(2l + 1) / beta P_l(x) G_l, x = 2 tau / beta - 1.

    Parameters
    ----------
    coefficients : array of float, shape (L,)
        Coefficients G_l.
    beta : float
        Inverse temperature, positive (k_B = 1).

    Raises
    ------
    ValueError, TypeError
        An argument is out of range or of the wrong kind.

    References
    ----------
    L. Boehnke, H. Hafermann, M. Ferrero, F. Lechermann, O. Parcollet, Phys. Rev. B 84, 075145
    (2011), doi:10.1103/PhysRevB.84.075145.

    Examples
    --------
    >>> from kadanoff.greens import GreenFunction
    >>> G = GreenFunction([-1.0, 1.0], [0.5, 0.5], beta=10.0)
    >>> series = LegendreSeries.of(G.tau, 10.0)
    >>> abs(series.tau(2.0) - G.tau(2.0)) < 1e-12, np.max(np.abs(series.iw(64) - G.iw(64))) < 1e-12
    (np.True_, np.True_)
    """

    coefficients: FloatArray
    beta: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "coefficients",
            checks.array("coefficients", self.coefficients, ndim=1, frozen=True),
        )
        object.__setattr__(self, "beta", inverse_temperature(self.beta))

    def __repr__(self) -> str:
        return f"LegendreSeries({self.coefficients.size} coefficients, beta={self.beta:g})"

    @classmethod
    @public
    def of(
        cls,
        G: Callable[[FloatArray], FloatArray],
        beta: float,
        coefficients: int | None = None,
        *,
        tolerance: float = 1e-13,
        noise: float = 0.0,
    ) -> LegendreSeries:
        """The series of a function of tau, by Gauss quadrature.

        Parameters
        ----------
        G : callable
            ``G(tau)`` for an array of times.
        beta : float
            Inverse temperature.
        coefficients : int, optional
            Number of coefficients kept, at most 2048; their truncation error is then up to the
            caller. By default as many as reach `tolerance`.
        tolerance : float
            Largest of the last coefficients relative to the largest of all.
        noise : float
            Error of the values of G: coefficients below ``noise * beta`` need not fall further.

        Raises
        ------
        ValueError
            2048 coefficients do not reach the tolerance.
        """
        beta = inverse_temperature(beta)
        if coefficients is not None:
            coefficients = checks.whole("coefficients", coefficients, most=MAX_COEFFICIENTS)
        tolerance = checks.real("tolerance", tolerance, least=0)
        noise = checks.real("noise", noise, least=0)
        count = 64 if coefficients is None else max(64, 2 * coefficients)
        while True:
            x, weights, P = gauss_legendre(count)
            values = np.asarray(G(0.5 * beta * (x + 1.0)), dtype=np.float64)
            found = 0.5 * beta * (P.T @ (weights * values))
            if coefficients is not None:
                return cls.own(found[:coefficients].copy(), beta)
            size = np.abs(found)
            limit = max(tolerance * float(np.max(size, initial=0.0)), noise * beta)
            if np.max(size[-8:]) <= limit:
                above = np.flatnonzero(size > limit)
                return cls.own(found[: above[-1] + 1 if above.size else 1].copy(), beta)
            count *= 2
            if count > MAX_COEFFICIENTS:
                raise ValueError(
                    f"{MAX_COEFFICIENTS} Legendre coefficients do not represent this function to "
                    f"{tolerance:g}; the temperature is too low for its energies: use poles, or a "
                    "larger tolerance"
                )

    @classmethod
    @internal
    def own(cls, coefficients: FloatArray, beta: float) -> LegendreSeries:
        """A series that takes over coefficients: neither copied nor checked."""
        made = object.__new__(cls)
        coefficients = np.asarray(taken("coefficients", coefficients), dtype=np.float64)
        coefficients.setflags(write=False)
        made.__dict__.update(coefficients=coefficients, beta=inverse_temperature(beta))
        return made

    def tau(self, tau: ArrayLike) -> FloatArray:
        """G(tau) for 0 <= tau <= beta."""
        t = times(tau, self.beta)
        return self.at_times(t.ravel()).reshape(t.shape)

    @internal
    def at_times(self, tau: FloatArray) -> FloatArray:
        """As `tau`, for a flat array of float."""
        x = 2.0 * tau / self.beta - 1.0
        if not np.abs(x).max(initial=0.0) <= 1.0:
            x = 2.0 * times(tau, self.beta) / self.beta - 1.0  # refuses, or mends rounding
        L = self.coefficients.size
        if tau.size <= MAX_CACHED:
            P = _polynomials(x.tobytes(), 32 * math.ceil(L / 32))[:, :L]
            return np.asarray(P @ self.coefficients / self.beta)
        factors = np.sqrt(2.0 * np.arange(L) + 1.0) / self.beta
        out = np.polynomial.legendre.legval(x, factors * self.coefficients)
        return np.asarray(out, dtype=np.float64)

    def iw(self, count: int = 512) -> ComplexArray:
        """G(i w_n) at the first `count` positive frequencies."""
        return self.at_first(frequency_count(count))

    @internal
    def at_first(self, count: int) -> ComplexArray:
        """As `iw`, zero included."""
        count, L = some(count), self.coefficients.size
        # Rounded up, so that series of about the same length share one matrix.
        T = transform_matrix(count, 32 * math.ceil(L / 32))
        return np.asarray(T[:, :L] @ self.coefficients)

    @property
    def occupation(self) -> float:
        """-G(beta-)."""
        return -float(self.at_times(np.array([self.beta]))[0])

    @property
    def jump(self) -> float:
        """-G(0+) - G(beta-), which is one for a Green function."""
        return float(-np.sum(self.tau([0.0, self.beta])))

    @property
    def moments(self) -> tuple[float, ...]:
        """m_0, m_1, m_2, m_3 of the tail: jumps of G and its derivatives over the period."""
        series = np.polynomial.legendre.Legendre(
            self.coefficients * np.sqrt(2.0 * np.arange(self.coefficients.size) + 1.0) / self.beta
        )
        found = []
        for k in range(4):
            ends = series(np.array([-1.0, 1.0])) * (2.0 / self.beta) ** k
            found.append(float((-1.0) ** (k + 1) * np.sum(ends)))
            series = series.deriv() if series.degree() else series * 0.0
        return tuple(found)

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
