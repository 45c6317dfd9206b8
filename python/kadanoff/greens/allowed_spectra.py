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
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.errors import Cancelled, NumericalError
from kadanoff._base.progress import bar
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.greens import dominance
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
from kadanoff.greens.spectral_bounds import SpectralBounds, gaussian

if TYPE_CHECKING:
    from kadanoff._core import Control

__all__ = ["AllowedSpectra", "InfeasibleData"]

STEP = 0.06
"""Spacing of the grid in units of the distance to the nearest Matsubara frequency."""
REACH = 1e4
"""The grid ends at this multiple of the largest Matsubara frequency and centre."""
DETAIL = 8.0
"""Points of the grid per width of the Gaussian, within TAILS widths of its centre."""
TAILS = 7.0
VISIBLE = 1.0
"""Standard deviations by which the spectrum must move the data along a direction that is kept."""
CLOSE = 0.05
"""chi is R to this relative accuracy; the bound moves by its square."""
GAP = 0.03
"""The bound is the best one to this share of its distance from the best fit."""
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
        data = matsubara_data(G_iw, inverse_temperature(beta), w_n)
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
        K = self._numbers.kernel(self._grid())
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
        return self._best_fit[0] ** 2

    @cached_property
    def _best_fit(self) -> tuple[float, FloatArray]:
        """Lower bound of chi, and the grid, refined, that the best fit needs."""
        w, bound = self._grid(), 0.0
        for _ in range(ROUNDS):
            point = self._frontier(w)
            if not point.chi:
                break
            # With y K + y_0 >= 0 everywhere and |y| = 1, ||P (K A - G)|| >= -(y P G + y_0 norm).
            y = point.y / point.chi
            y_0 = self._shortfall(y, w, None)
            bound = max(bound, -float(y @ self._data + y_0 * self.norm))
            if bound > (1.0 - GAP) * point.chi:
                break
            w = _finer(w, point.A)
        return bound, w

    @property
    def is_feasible(self) -> bool:
        """Whether any spectrum is allowed."""
        return self.least_chi2 <= self.allowed_chi2

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
            Lower and upper bound at each centre.

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
        lowest, highest = self._numbers.lowest, self._numbers.highest
        width = checks.real("width", width, least=1e-3 * lowest, most=REACH * highest)
        if np.max(np.abs(centres)) > REACH * highest:
            raise ValueError(
                f"w must lie within {REACH:g} times the largest Matsubara frequency, "
                f"{REACH * highest:.3g}, got {np.max(np.abs(centres)):.3g}"
            )
        run = Run.of(progress=progress, control=control)
        if not self.is_feasible:
            raise InfeasibleData(self.least_chi2, self.allowed_chi2, self.confidence)
        found = np.empty((2, centres.size))
        log_eta: dict[int, float | None] = {
            1: None,
            -1: None,
        }  # of the neighbour, where the search begins
        with bar("bounds", run.progress) as report:
            for i, centre in enumerate(centres):
                if run.control is not None and run.control.cancelled:
                    raise Cancelled("the computation was stopped")
                for row, sign in enumerate((-1, 1)):
                    value, log_eta[sign] = self._bound(
                        _Gaussian(float(centre), width, sign), log_eta[sign]
                    )
                    found[row, i] = sign * value
                if report is not None:
                    report(i + 1, centres.size)
        return SpectralBounds(
            w=centres,
            # A >= 0 bounds the smeared spectrum too.
            lower=np.maximum(found[0], 0.0),
            upper=found[1],
            width=width,
            confidence=self.confidence,
        )

    def _bound(self, g: _Gaussian, log_eta: float | None) -> tuple[float, float]:
        """The largest ``int A g``, and ln(eta) of the point of the frontier that gave it."""
        w, R = np.union1d(self._grid(g), self._best_fit[1]), math.sqrt(self.allowed_chi2)
        if log_eta is None:
            log_eta = 2.0 * math.log(R / float(np.ptp(g(w))))
        bound = max(float(np.max(g(w))), 0.0) * self.norm  # y = 0
        for _ in range(ROUNDS):
            best = self._at_radius(w, g(w), R, log_eta)
            log_eta = best.log_eta
            y_0 = self._shortfall(best.y, w, g)
            distance = R * float(np.linalg.norm(best.y))
            new = float(best.y @ self._data) + y_0 * self.norm + distance
            gained, bound = bound - new, min(bound, new)
            if (y_0 - best.y_0) * self.norm < GAP * distance or gained < GAP * distance:
                break
            w = _finer(w, best.A)
        return bound, log_eta

    def _at_radius(self, w: FloatArray, g: FloatArray, R: float, log_eta: float) -> _Point:
        """The point of the frontier on a grid at which chi^2 = R^2."""
        best, start = None, log_eta
        low, high = -math.inf, math.inf
        for _ in range(60):
            here = self._frontier(w, g, log_eta)
            if best is None or self._on_grid(here, R) < self._on_grid(best, R):
                best = here
            if abs(here.chi / R - 1.0) < CLOSE:
                break
            low, high = (low, log_eta) if here.chi > R else (log_eta, high)
            if high - low < 1e-3 or abs(log_eta - start) > 60.0:
                break
            step = 4.0 * math.log(R / here.chi) if here.chi > 0 else 3.0
            inside = math.isfinite(low) and math.isfinite(high)
            log_eta = 0.5 * (low + high) if inside else log_eta + min(max(step, -3.0), 3.0)
        assert best is not None
        return best

    def _on_grid(self, point: _Point, R: float) -> float:
        """The bound, but for what is missing between the points of the grid."""
        y = point.y
        return float(y @ self._data) + point.y_0 * self.norm + R * float(np.linalg.norm(y))

    def _frontier(self, w: FloatArray, g: FloatArray | None = None, log_eta: float = 0.0) -> _Point:
        """The best fit on a grid, with the wish for a large ``g A``.

        The norm of A is one more row, so heavy that it is met; so is the wish, ``sqrt(eta) (g A -
        c)`` with a c that cannot be reached.
        """
        from scipy.optimize import nnls

        K = self._projection @ self._numbers.kernel(w)
        heavy = 10.0 * float(np.max(np.abs(K)))
        rows = [K, np.full((1, w.size), heavy)]
        right = [self._data, np.array([heavy * self.norm])]
        if g is not None:
            eta = math.exp(log_eta)
            target = self.norm * (float(g.max()) + 0.1 * float(np.ptp(g)))
            rows.append(math.sqrt(eta) * g[None, :])
            right.append(np.array([math.sqrt(eta) * target]))
        try:
            A = nnls(np.concatenate(rows), np.concatenate(right), maxiter=30 * w.size)[0]
        except RuntimeError as error:
            raise NumericalError(f"non-negative least squares: {error}") from error
        residual = np.asarray(K @ A - self._data)
        chi = float(np.linalg.norm(residual))
        if g is None:
            return _Point(A, residual, float(np.max(-(residual @ K))), chi, log_eta)
        y = residual / (eta * (target - float(g @ A)))
        return _Point(A, y, float(np.max(g - y @ K)), chi, log_eta)

    def _shortfall(self, y: FloatArray, w: FloatArray, g: _Gaussian | None) -> float:
        """The smallest y_0 with ``y P K(x) + y_0 >= g(x)`` at every real x."""
        a = y @ self._projection
        edges = dominance.nodes(w)
        s = (a @ self._numbers.kernel(edges.ravel())).reshape(edges.shape)
        if g is not None:
            middle = 0.5 * (w[1:] + w[:-1])
            near = np.abs(middle - g.centre) < TAILS * g.width
            s[near] -= g(edges[near])
            s[~near] -= g.far
        # Beyond the grid, as a polynomial in 1 / x.
        u = dominance.nodes(np.array([1.0 / w[0], 0.0, 1.0 / w[-1]]))
        tail = (a @ self._numbers.kernel_at_infinity(u.ravel())).reshape(u.shape)
        if g is not None:
            tail -= g.far
        rounding = 1e-14 * float(np.abs(a) @ self._numbers.largest)
        return rounding - min(dominance.least(s), dominance.least(tail))

    def _grid(self, g: _Gaussian | None = None) -> FloatArray:
        """Frequencies: dense where 1 / (i w_n - w) or the Gaussian varies, ascending."""
        lowest, highest = self._numbers.lowest, self._numbers.highest
        end = highest if g is None else max(highest, abs(g.centre) + TAILS * g.width)
        x = math.asinh(REACH * end / lowest)
        w = lowest * np.sinh(np.linspace(-x, x, 2 * math.ceil(x / STEP) + 1))
        if g is not None:
            count = int(2 * TAILS * DETAIL) + 1
            w = np.union1d(w, g.centre + g.width * np.linspace(-TAILS, TAILS, count))
        return np.asarray(w)


class _Point(NamedTuple):
    """A point of the frontier between chi^2 and ``g A``, on a grid."""

    A: FloatArray
    y: FloatArray
    y_0: float
    chi: float
    log_eta: float


def _finer(w: FloatArray, A: FloatArray) -> FloatArray:
    """The grid with seven more points in each interval beside a frequency with weight."""
    at = np.flatnonzero(A > 0)
    left = np.union1d(at, at - 1)
    left = left[(left >= 0) & (left < w.size - 1)]
    steps = np.arange(1, 8) / 8.0
    return np.union1d(w, w[left][:, None] + np.diff(w)[left][:, None] * steps)


@dataclass(frozen=True)
class _Gaussian:
    """Plus or minus ``exp(-(w - centre)^2 / (2 width^2)) / (width sqrt(2 pi))``."""

    centre: float
    width: float
    sign: int

    def __call__(self, w: FloatArray) -> FloatArray:
        return self.sign * gaussian(w - self.centre, self.width)

    @property
    def far(self) -> float:
        """No less than the function more than TAILS widths from its centre."""
        return max(float(self(np.array([self.centre + TAILS * self.width]))[0]), 0.0)
