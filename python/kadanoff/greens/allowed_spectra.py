r"""Certified bounds: what every spectrum that the data allow has in common.

The data are G(i w_n) with Gaussian errors. The set of allowed spectra is

    A(w) >= 0,   int A dw = norm,   || L^-1 (K A - G) || <= R,

``(K A)_n = int A(w) / (i w_n - w) dw``, with the covariance ``L L^T`` of the errors. The spectrum
smeared by a Gaussian of finite width, ``int A(w) g(w - w_0) dw``, has a largest and a smallest
value in this set. For every y and y_0 with

    y K(w) + y_0 >= g(w - w_0)   at every real w,                                              (*)

``y G + y_0 norm + R ||L^T y||`` is an upper bound (integrate (*) with A, then Cauchy-Schwarz), and
the best y makes it the largest value itself. The lower bound is that of -g. No statement about the
spectrum enters but the three of the set: there is no default model and no smoothness.

The best y comes from non-negative least squares: on a grid of frequencies

    min_{A >= 0}  || L^-1 (K A - G) ||^2 + eta (g A - c)^2,     c > max g,

is a point of the frontier between chi^2 and ``g A``, its residuals divided by ``eta (c - g A)`` are
y, and eta is found such that chi^2 = R^2. Then (*) is checked between the points of the grid too:
on every interval both sides are replaced by polynomials of degree 8, whose Bernstein coefficients
bound them from below, and y_0 is raised by what is missing. The number returned is that of the
corrected y: a bound, whether or not y is the best one.

Only what the data can tell is compared with them: the directions of data space in which the
contributions of two frequencies differ by less than one standard deviation are left out. They are
chosen from K and L alone, so that R, the quantile of chi^2 with as many degrees of freedom as are
left, has its stated confidence, for all bounds together. (P in the code is ``U^T L^-1`` with the
directions U that are kept.)

References
----------
.. [1] S. Lawrence, arXiv:2408.11766: bounds on smeared spectral functions by convex optimisation
.. [2] C. L. Lawson, R. J. Hanson, Solving Least Squares Problems, SIAM (1995), ch. 23
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import bar
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.greens import dominance
from kadanoff.greens.dominance import REACH, Window
from kadanoff.greens.frontier import Grid, finer
from kadanoff.greens.grids import inverse_temperature
from kadanoff.greens.noisy_data import (
    Data,
    Errors,
    estimated_covariance,
    known_covariance,
    legendre_data,
    matsubara_data,
    matsubara_errors,
)
from kadanoff.greens.poles import GreenFunction
from kadanoff.greens.spectral_bounds import SpectralBounds, smeared

if TYPE_CHECKING:
    from kadanoff._core import Control

__all__ = ["AllowedSpectra", "InfeasibleData"]

VISIBLE = 1.0
"""Standard deviations by which the spectrum must move the data along a direction that is kept."""
GAP = 0.03
"""The bound is the best one to this share of its distance from the best fit."""
SPREADS = 5.0
"""Standard deviations of the default model within which an estimate is resolved."""
MAX_POINTS = 8000
"""Points of an estimate there, at most."""
ROUNDS = 6
"""Refinements of the grid, each by a factor of 8 where the extremal spectrum has weight."""


class InfeasibleData(ValueError):  # noqa: N818 (named like NotConverged)
    """No spectrum ``A >= 0`` has the Green function given, within the errors given.

    Attributes
    ----------
    chi2 : float
        A lower bound of chi^2 over all spectra.
    allowed : float
        The largest chi^2 allowed.
    """

    def __init__(self, chi2: float, allowed: float, confidence: float) -> None:
        self.chi2, self.allowed = chi2, allowed
        factor = math.sqrt(chi2 / allowed) if allowed else math.inf
        super().__init__(
            f"no spectrum A >= 0 comes closer to G than chi^2 = {chi2:.4g}, and {allowed:.4g} are "
            f"allowed at a confidence of {confidence:g}: the stated error is too small by a factor "
            f"of {factor:.2g} or more, or G is not a Green function of this beta and norm"
        )


@public
class AllowedSpectra:
    """All spectra ``A(w) >= 0`` that a noisy G(i w_n) allows.

    Parameters
    ----------
    G_iw : array of complex, shape (N,)
        G at `w_n`, an inverse energy.
    beta : float
        Inverse temperature (k_B = 1).
    error : float, array of float or complex, shape (N,), optional
        Standard deviation of the real and of the imaginary part of each value, independent of each
        other; complex if they differ.
    covariance : array of float, shape (2 N, 2 N), optional
        Covariance of the real parts followed by the imaginary parts, instead of `error`.
    w_n : array of float, shape (N,), optional
        Positive Matsubara frequencies; by default the first N.
    norm : float
        ``int A dw``: 1 for the Green function of an orbital.
    confidence : float
        Probability that the true spectrum is in the set, if the errors are as stated.

    Raises
    ------
    ValueError
        Frequencies that are not fermionic Matsubara frequencies, errors that are not positive or of
        another shape, a covariance that is not positive definite, both or neither of `error` and
        `covariance`.
    TypeError
        An argument is of the wrong kind.

    Notes
    -----
    Cost: 0.1 s per bound. The algorithm stands at the head of
    :mod:`kadanoff.greens.allowed_spectra`.

    Examples
    --------
    >>> from kadanoff.greens import AllowedSpectra, GreenFunction
    >>> G = GreenFunction([-0.5, 0.6], [0.5, 0.5], beta=20.0)
    >>> noise = 1e-3 * np.random.default_rng(1).normal(size=(2, 32))
    >>> allowed = AllowedSpectra(G.iw(32) + noise[0] + 1j * noise[1], beta=20.0, error=1e-3)
    >>> bounds = allowed.bounds([-0.5, 0.0], width=0.2)
    >>> bounds.holds([-0.5, 0.6], [0.5, 0.5]).tolist()
    [True, True]
    """

    def __init__(
        self,
        G_iw: ArrayLike,
        beta: float,
        *,
        error: ArrayLike | None = None,
        covariance: ArrayLike | None = None,
        w_n: ArrayLike | None = None,
        norm: float = 1.0,
        confidence: float = 0.95,
    ) -> None:
        self.beta = inverse_temperature(beta)
        data = matsubara_data(G_iw, self.beta, w_n)
        self._set(data, matsubara_errors(error, covariance, data.w_n.size), norm, confidence)

    @classmethod
    @public
    def of_legendre(
        cls,
        coefficients: ArrayLike,
        beta: float,
        *,
        covariance: ArrayLike,
        order: ArrayLike | None = None,
        samples: int | None = None,
        norm: float = 1.0,
        confidence: float = 0.95,
    ) -> AllowedSpectra:
        """The spectra that noisy Legendre coefficients allow.

        Each coefficient is a number of its own, so that a series that ends leaves no error behind.

        Parameters
        ----------
        coefficients : array of float, shape (L,)
            G_l, dimensionless, as in `LegendreSeries`.
        beta : float
            Inverse temperature (k_B = 1).
        covariance : array of float, shape (L, L)
            Covariance of the coefficients.
        order : array of int, shape (L,), optional
            The l of each coefficient; by default 0 ... L - 1.
        samples : int, optional
            Number of independent samples, such as bins, from which it was estimated; by default it
            is taken for exact.
        norm : float
            ``int A dw``: 1 for the Green function of an orbital.
        confidence : float
            Probability that the true spectrum is in the set.

        Returns
        -------
        AllowedSpectra
            The set.

        Raises
        ------
        ValueError, TypeError
            Shapes that do not fit, a covariance that is not one, fewer than four samples.

        Examples
        --------
        >>> from kadanoff.greens import GreenFunction, LegendreSeries
        >>> G = GreenFunction([-0.5, 0.6], [0.5, 0.5], beta=20.0)
        >>> noise = 1e-3 * np.random.default_rng(1).normal(size=30)
        >>> G_l = LegendreSeries.of(G.tau, 20.0, coefficients=30).coefficients + noise
        >>> allowed = AllowedSpectra.of_legendre(G_l, 20.0, covariance=1e-6 * np.eye(30))
        >>> allowed.bounds([0.0], width=0.2).holds([-0.5, 0.6], [0.5, 0.5]).tolist()
        [True]
        """
        data = legendre_data(coefficients, inverse_temperature(beta), order)
        count = data.coefficients.size
        errors: Errors
        if samples is None:
            errors = known_covariance(covariance, count)
        else:
            number = checks.whole("samples", samples, least=4)
            errors = estimated_covariance(covariance, number, count)
        self = cls.__new__(cls)
        self.beta = data.beta
        self._set(data, errors, norm, confidence)
        return self

    def _set(self, data: Data, errors: Errors, norm: object, confidence: object) -> None:
        self._numbers = data
        self._errors = errors
        self.norm = checks.real("norm", norm, above=0)
        self.confidence = checks.real("confidence", confidence, above=0, below=1)

    def __repr__(self) -> str:
        found, allowed = self.least_chi2, self.allowed_chi2
        state = "" if found <= allowed else ", infeasible"
        return (
            f"AllowedSpectra({self._numbers!r}, {self.numbers} numbers above the noise, "
            f"chi^2 >= {found:.3g}, up to {allowed:.3g} allowed{state})"
        )

    # ------------------------------------------------------------------------- the set

    @cached_property
    def _projection(self) -> FloatArray:
        """P, shape (numbers above the noise, numbers)."""
        K = self._numbers.kernel(dominance.grid(self._numbers))
        return self._errors.projection(K * self.norm, VISIBLE)

    @cached_property
    def _data(self) -> FloatArray:
        return np.asarray(self._projection @ self._numbers.values)

    @property
    def numbers(self) -> int:
        """How many independent numbers about the spectrum the data hold above their noise."""
        return int(self._projection.shape[0])

    @cached_property
    def allowed_chi2(self) -> float:
        """R^2: the quantile of chi^2 with `numbers` degrees of freedom, or of Hotelling's T^2."""
        return self._errors.allowed(self.numbers, self.confidence)

    @property
    def least_chi2(self) -> float:
        """A lower bound of chi^2 over all spectra A >= 0 of the given norm."""
        return self._best_fit.least**2

    @cached_property
    def _best_fit(self) -> _BestFit:
        """The best fit, on a grid that is refined where it has weight."""
        w, bound = dominance.grid(self._numbers), 0.0
        for _ in range(ROUNDS):
            fitted, point = w, self._on(w).best_fit()
            if not point.chi:
                break
            # With y K + y_0 >= 0 everywhere and |y| = 1, ||P (K A - G)|| >= -(y P G + y_0 norm).
            y = point.y / point.chi
            y_0 = dominance.shortfall(y @ self._projection, self._numbers, w)
            bound = max(bound, -float(y @ self._data + y_0 * self.norm))
            decided = bound**2 > self.allowed_chi2 or point.chi**2 < self.allowed_chi2
            if bound > (1.0 - GAP) * point.chi and decided:
                break
            w = finer(w, point.A)
        return _BestFit(bound, point.chi, fitted, point.A, w)

    @property
    def is_feasible(self) -> bool:
        """Whether any spectrum is allowed."""
        return self.least_chi2 <= self.allowed_chi2

    # -------------------------------------------------------------------- a point estimate

    @public
    def estimate(self, width: float) -> GreenFunction:
        """One of the allowed spectra: that of largest entropy.

        It lies within all bounds by construction, whatever their windows.

        Parameters
        ----------
        width : float
            Scale of energy below which nothing will be asked, such as the width of a Gaussian.

        Returns
        -------
        GreenFunction
            Peaks of positive weight, no further apart than a quarter of `width` in the middle of
            the spectrum, if that takes no more than 8000 of them.

        Raises
        ------
        InfeasibleData
            No spectrum is allowed: the stated errors are too small (a ValueError).
        ValueError, TypeError
            The width is not positive.

        Notes
        -----
        ``- int A ln(A / m) dw`` is the largest among all A of the set whose chi^2 is midway between
        the least possible and the largest allowed one. The default model m is a Gaussian with the
        middle and the distance of the 5 and 95 % quantiles of the best fit, as standard deviation
        half of this distance. The estimate depends on m where the data do not tell; what they tell
        is in the bounds alone.

        Minimal poles, another point estimate, were tried (mini-pole 0.7, its defaults with the
        noise as tolerance) on G of 8 impurities with noise 1e-4, 1e-3 and 1e-2: the spectrum left
        the bounds in 8, 8 and 4 of 8 cases, A was negative in 12 of 24, and chi^2 was 10 to 10^6
        times the largest allowed. Cost: 0.1 s.

        References
        ----------
        M. Jarrell, J. E. Gubernatis, Phys. Rep. 269, 133 (1996), doi:10.1016/0370-1573(95)00074-7.

        Examples
        --------
        >>> from kadanoff.greens import AllowedSpectra, GreenFunction
        >>> G = GreenFunction([-0.5, 0.6], [0.5, 0.5], beta=20.0)
        >>> allowed = AllowedSpectra(G.iw(32), beta=20.0, error=1e-3)
        >>> A = allowed.estimate(width=0.2)
        >>> bounds = allowed.bounds([-0.5, 0.0], width=0.2)
        >>> bounds.holds(A.energies, A.weights).tolist()
        [True, True]
        """
        width = self._checked_width(width)
        self._check_feasible()
        _, chi, w, A, finest = self._best_fit
        low, high = w[np.searchsorted(np.cumsum(A), np.array([0.05, 0.95]) * np.sum(A))]
        middle, spread = 0.5 * (low + high), max(0.5 * (high - low), self._numbers.lowest)
        reach = SPREADS * spread
        count = min(math.ceil(8.0 * reach / width), MAX_POINTS) + 1
        x = np.union1d(finest, middle + reach * np.linspace(-1.0, 1.0, count))
        log_default = np.log(np.gradient(x)) - 0.5 * ((x - middle) / spread) ** 2
        R = math.sqrt(0.5 * (min(chi**2, self.allowed_chi2) + self.allowed_chi2))
        found = self._on(x).most_entropic(log_default, R)
        if found is None:
            x, found = w, A * (self.norm / np.sum(A))
        kept = found > 0.0
        return GreenFunction(x[kept], found[kept], self.beta)

    # ---------------------------------------------------------------------- the bounds

    @public
    def bounds(
        self,
        w: ArrayLike,
        width: float,
        *,
        progress: bool | Callable[[int, int], object] | None = None,
        control: Control | None = None,
    ) -> SpectralBounds:
        """Bounds of the spectrum smeared by a Gaussian.

        Parameters
        ----------
        w : float or array of float, shape (N,)
            Centres of the Gaussian.
        width : float
            Its standard deviation, an energy.
        progress : bool or callable, optional
            Whether to show a progress bar, or a function (done, total).
        control : Control, optional
            Cancels from another thread.

        Returns
        -------
        SpectralBounds
            Lower and upper bound at each centre, and `estimate` there.

        Raises
        ------
        InfeasibleData
            No spectrum is allowed: the stated errors are too small (a ValueError).
        ValueError, TypeError
            A centre is not finite, or the width is not positive.
        NumericalError
            A least-squares problem was not solved.
        Cancelled
            The control was cancelled.
        """
        centres = np.atleast_1d(checks.array("w", w))
        if centres.ndim != 1 or not centres.size:
            raise ValueError(f"w must be a number or one row of them, got shape {np.shape(w)}")
        width, highest = self._checked_width(width), self._numbers.highest
        if np.max(np.abs(centres)) > REACH * highest:
            raise ValueError(
                f"w must lie within {REACH:g} times the largest Matsubara frequency, "
                f"{REACH * highest:.3g}, got {np.max(np.abs(centres)):.3g}"
            )
        run = Run.of(progress=progress, control=control)
        peaks = self.estimate(width)
        found = np.empty((2, centres.size))
        # Of the neighbour, where the search begins.
        log_eta: dict[int, float | None] = {1: None, -1: None}
        with bar("bounds", run.progress) as report:
            for i, centre in enumerate(centres):
                if run.control is not None and run.control.cancelled:
                    raise Cancelled("the computation was stopped")
                for row, sign in enumerate((-1, 1)):
                    value, log_eta[sign] = self._bound(
                        Window(float(centre), width, sign), log_eta[sign]
                    )
                    found[row, i] = sign * value
                if report is not None:
                    report(i + 1, centres.size)
        return SpectralBounds(
            w=centres,
            # A >= 0 bounds the smeared spectrum too.
            lower=np.maximum(found[0], 0.0),
            upper=found[1],
            estimate=smeared(centres, width, peaks.energies, peaks.weights),
            width=width,
            confidence=self.confidence,
        )

    def _checked_width(self, width: object) -> float:
        lowest, highest = self._numbers.lowest, self._numbers.highest
        return checks.real("width", width, least=1e-3 * lowest, most=REACH * highest)

    def _check_feasible(self) -> None:
        if not self.is_feasible:
            raise InfeasibleData(self.least_chi2, self.allowed_chi2, self.confidence)

    def _bound(self, g: Window, log_eta: float | None) -> tuple[float, float]:
        """The largest ``int A g``, and ln(eta) of the point of the frontier that gave it."""
        w = np.union1d(dominance.grid(self._numbers, g), self._best_fit.finest)
        R = math.sqrt(self.allowed_chi2)
        if log_eta is None:
            log_eta = 2.0 * math.log(R / float(np.ptp(g(w))))
        bound = max(float(np.max(g(w))), 0.0) * self.norm  # y = 0
        for _ in range(ROUNDS):
            best = self._on(w).at_radius(g(w), R, log_eta)
            log_eta = best.log_eta
            y_0 = dominance.shortfall(best.y @ self._projection, self._numbers, w, g)
            distance = R * float(np.linalg.norm(best.y))
            new = float(best.y @ self._data) + y_0 * self.norm + distance
            gained, bound = bound - new, min(bound, new)
            if (y_0 - best.y_0) * self.norm < GAP * distance or gained < GAP * distance:
                break
            w = finer(w, best.A)
        return bound, log_eta

    def _on(self, w: FloatArray) -> Grid:
        return Grid(w, self._projection @ self._numbers.kernel(w), self._data, self.norm)


class _BestFit(NamedTuple):
    """A lower bound of chi over all spectra, the best fit on a grid, and the next, finer grid."""

    least: float
    chi: float
    w: FloatArray
    A: FloatArray
    finest: FloatArray
