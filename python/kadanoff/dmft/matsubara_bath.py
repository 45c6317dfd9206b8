"""Hybridisation functions given at Matsubara frequencies: by a loop or by another code."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff._base.warning import warn
from kadanoff.greens import MatsubaraFunction
from kadanoff.greens.causal_fit import CLEAN, CausalFit, fitted_poles
from kadanoff.greens.grids import fermionic, inverse_temperature
from kadanoff.greens.matsubara_frequencies import folded, indices
from kadanoff.greens.matsubara_function import fitted_moments, moment_uncertainty

__all__ = ["MatsubaraBath", "UncertainDelta"]

MIN_VALUES = 16
DETERMINED = 1e-6
"""Uncertainty of a moment by least squares below which it needs no causal fit."""
ACAUSAL = 0.05
"""Misfit of a causal function, relative to the largest value, above which data are refused."""
CONSTANT = 1e-6
"""Relative change of Im Delta over all frequencies below which the band is infinite."""
SIGMAS = 5.0
"""Standard errors by which a value may miss a bound."""
SENSITIVE = 1.5e-3
"""Error of Delta(i w_0) in units of w_0 above which Z is uncertain by more than 1e-3."""


MAX_GAP = 0.6
"""Largest relative distance of neighbouring frequencies, besides one frequency left out."""
FAR = 1e-3
"""Share of the weight beyond the highest frequency above which moments are uncertain."""


class UncertainDelta(UserWarning):
    """The values of Delta do not determine Sigma and Z as well as an exact Delta would."""


@public
@dataclass(frozen=True, eq=False)
class MatsubaraBath:
    """Delta(i w_n) at the problem's temperature, exact or noisy.

    Parameters
    ----------
    Delta : array of complex, shape (N,)
        N >= 16 values in units of energy, with Im Delta <= 0 at positive frequencies, up to
        `error`; at the first N positive Matsubara frequencies, or at -w_(N/2-1) ... w_(N/2-1).
    moments : sequence of float, optional
        Moments m_0 = sum V**2, m_1 = sum V**2 e, ... of the tail
        ``Delta = sum_k m_k / (iw)**(k + 1)`` that are known. The others are fitted, see
        :meth:`causal_fit`.
    w_n : array of float, shape (N,), optional
        The Matsubara frequencies of the values, of either sign, in any order, with gaps.
    error : float or array of float, shape (N,), optional
        Standard error of the real and of the imaginary part of each value, in units of energy; 0
        for exact values. By default it is estimated from the scatter of the values.

    Attributes
    ----------
    Delta, w_n, error
        At positive frequencies, ascending; `w_n` is None for the first N ones.

    Raises
    ------
    TypeError, ValueError
        Delta is not causal, not finite, or has fewer than 16 values; moments belong to no positive
        weights; two values at one frequency differ; an array has another shape.

    Notes
    -----
    `Impurity` compares values, moments and errors once the temperature is known. Exact values at
    the first N frequencies are used as they are. Noisy ones, and those with gaps, are replaced by
    the sum over poles of positive weight that fits them best within their errors.

    Examples
    --------
    >>> import numpy as np
    >>> w_n = np.pi / 10 * (2 * np.arange(64) + 1)
    >>> MatsubaraBath(0.25 / (1j * w_n - 0.5), moments=(0.25, 0.125))
    MatsubaraBath(64 frequencies, sum V**2 = 0.25)
    >>> noisy = 0.25 / (1j * w_n - 0.5) + 1e-4 * np.random.default_rng(1).normal(size=64)
    >>> fit = MatsubaraBath(noisy, error=1e-4).causal_fit(beta=10)
    >>> print(f"{fit.moments()[0]:.3f} +- {fit.moment_errors[0]:.0e}")
    0.250 +- ...
    """

    Delta: ComplexArray
    moments: tuple[float, ...] = ()
    w_n: FloatArray | None = field(default=None, kw_only=True)
    error: FloatArray | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        values = checks.array("Delta", self.Delta, dtype=np.complex128, ndim=1, frozen=True)
        if values.size < MIN_VALUES:
            raise ValueError(
                f"Delta needs at least {MIN_VALUES} Matsubara frequencies, got {values.size}"
            )
        error = _checked_error(self.error, values.size)
        w_n = self.w_n
        if w_n is None:
            values, error = _first_half_dropped(values, error)
        else:
            w_n = checks.array("w_n", w_n, ndim=1)
            if w_n.size != values.size:
                raise ValueError(
                    f"w_n must have one frequency per value, got {w_n.size} of {values.size} values"
                )
            w_n, values, error = folded(w_n, values, error)
        known = checks.array("moments", self.moments, ndim=1) if len(self.moments) else ()
        self.__dict__.update(
            Delta=values,
            moments=_checked_moments(tuple(float(m) for m in known)),
            w_n=w_n,
            error=error,
            _known={},
        )
        _check_sign(values, error)
        _check_fall(values)
        for array in (values, w_n, error):
            if array is not None:
                array.setflags(write=False)

    def __repr__(self) -> str:
        weight = f", sum V**2 = {self.moments[0]:.4g}" if self.moments else ""
        return f"MatsubaraBath({self.Delta.size} frequencies{weight})"

    @classmethod
    def own(cls, Delta: ComplexArray, moments: tuple[float, ...]) -> MatsubaraBath:
        """A bath made by a loop, with its moments; the array is neither copied nor checked."""
        made = object.__new__(cls)
        Delta.setflags(write=False)
        made.__dict__.update(Delta=Delta, moments=moments, w_n=None, error=None)
        return made

    @classmethod
    def from_G0(
        cls,
        G0: ArrayLike,
        w_n: ArrayLike,
        *,
        eps: float,
        moments: tuple[float, ...] = (),
        error: ArrayLike | None = None,
    ) -> MatsubaraBath:
        """The bath of a Weiss function: ``Delta = i w_n - eps - 1 / G0(i w_n)``.

        Parameters
        ----------
        G0 : array of complex, shape (N,)
            Green function of the impurity without interaction, an inverse energy.
        w_n : array of float, shape (N,)
            Its Matsubara frequencies, of either sign and in any order.
        eps : float
            The level in G0: ``eps = -mu`` where the code writes ``1/G0 = iw + mu - Delta``, and
            ``eps = 0`` where it has absorbed U/2 at half filling.
        moments : sequence of float
            Moments of Delta that are known, as for the class.
        error : float or array of float, shape (N,), optional
            Standard error of the real and of the imaginary part of G0.

        Returns
        -------
        MatsubaraBath
            The bath; errors are those of G0 over the square of its modulus.

        Raises
        ------
        TypeError, ValueError
            As for the class; G0 vanishes somewhere.

        Examples
        --------
        >>> import numpy as np
        >>> w_n = np.pi / 10 * (2 * np.arange(64) + 1)
        >>> G0 = 1 / (1j * w_n + 1.0 - 0.25 / (1j * w_n - 0.5))
        >>> bath = MatsubaraBath.from_G0(G0, w_n, eps=-1.0)
        >>> np.allclose(bath.Delta, 0.25 / (1j * w_n - 0.5), atol=1e-14)
        True
        """
        values = checks.array("G0", G0, dtype=np.complex128, ndim=1)
        w = checks.array("w_n", w_n, shape=(values.size,))
        if not np.all(np.abs(values) > 0.0):
            raise ValueError("G0 vanishes at a frequency: 1 / G0 does not exist there")
        eps = checks.real("eps", eps)
        given = _checked_error(error, values.size)
        errors = None if given is None else given / np.abs(values) ** 2
        return cls(1j * w - eps - 1.0 / values, moments, w_n=w, error=errors)

    def to_fields(self) -> dict[str, object]:
        """The fields for a file, and whether a loop made the bath."""
        own = "_known" not in self.__dict__
        names = ("Delta", "moments", "w_n", "error")
        return {"own": own} | {name: getattr(self, name) for name in names}

    @classmethod
    def from_fields(cls, found: dict[str, Any]) -> MatsubaraBath:
        """The bath of a file.

        Raises
        ------
        TypeError, ValueError
            As for the class, or a field is missing.
        """
        if found["own"] and len(found["moments"]) >= 4:
            Delta = checks.array("Delta", found["Delta"], dtype=np.complex128, ndim=1)
            return cls.own(Delta, tuple(float(m) for m in found["moments"]))
        given = {name: found[name] for name in ("w_n", "error")}
        return cls(found["Delta"], found["moments"], **given)

    # -------------------------------------------------------------------------- at a temperature

    def frequencies(self, beta: float) -> FloatArray:
        """The frequencies of the values, compared with those of the temperature.

        Raises
        ------
        ValueError
            One of them is no fermionic Matsubara frequency at this temperature.
        """
        if self.w_n is None:
            return fermionic(beta, self.Delta.size)
        return np.asarray((2.0 * indices(self.w_n, beta) + 1.0) * (math.pi / beta))

    def causal_fit(self, beta: float) -> CausalFit:
        """The sum over poles of positive weight that fits the values within their errors.

        Parameters
        ----------
        beta : float
            Inverse temperature of the values.

        Returns
        -------
        CausalFit
            Poles, ``moments()`` and ``moment_errors``, the ``noise`` and ``chi2`` per number.

        Raises
        ------
        TypeError, ValueError
            beta is out of range, frequencies are not those of beta, or Delta vanishes.
        """
        beta = inverse_temperature(beta)
        if not np.any(self.Delta):
            raise ValueError("Delta vanishes: there is nothing to fit")
        return self._fit(beta)

    def _fit(self, beta: float) -> CausalFit:
        known = self.__dict__.setdefault("_known", {})
        if beta not in known:
            known.clear()
            w = self.frequencies(beta)
            known[beta] = fitted_poles(w, self.Delta, self.error, self.moments)
        found: CausalFit = known[beta]
        return found

    def function(self, beta: float) -> MatsubaraFunction:
        """Delta with its tail at inverse temperature `beta`; refused if they disagree."""
        if not np.any(self.Delta) and not any(self.moments):  # an isolated atom
            return MatsubaraFunction.own(self.Delta, beta, (0.0, 0.0, 0.0, 0.0))
        if "_known" not in self.__dict__ or not np.any(self.Delta):
            function = MatsubaraFunction.own(self.Delta, beta, self.moments)
            _check_tail(function)
            return function
        fit = self._fit(beta)
        function = self._described(fit, beta)
        self._check(fit, beta, function)
        return function

    def _described(self, fit: CausalFit, beta: float) -> MatsubaraFunction:
        """The values themselves where they are exact and complete, else those of the fit."""
        size = float(np.max(np.abs(self.Delta)))
        w = self.frequencies(beta)
        last = round(0.5 * (w[-1] * beta / math.pi - 1.0)) + 1
        exact = float(np.min(fit.noise)) <= CLEAN * size
        known = self.moments
        moments = (*known, *fit.moments()[len(known) :].tolist())
        if last > w.size or not exact:
            return MatsubaraFunction.own(fit.function(beta).at_first(last), beta, moments)
        if len(known) < 4:
            by_tail = fitted_moments(self.Delta, beta, 4, known)
            doubt = moment_uncertainty(self.Delta, beta, by_tail, known)
            if doubt < DETERMINED and by_tail[0] * by_tail[2] > by_tail[1] ** 2:
                moments = tuple(float(m) for m in by_tail)
        return MatsubaraFunction.own(self.Delta, beta, moments)

    def _check(self, fit: CausalFit, beta: float, function: MatsubaraFunction) -> None:
        """Refuse data that no causal function describes; warn of those that say too little."""
        size = float(np.max(np.abs(self.Delta)))
        misfit = float(np.sqrt(np.mean(np.abs(fit.residual) ** 2))) / size
        noise = float(np.max(fit.noise)) / size
        if self.moments:
            _check_tail(self._last(function))
        if misfit > max(ACAUSAL, 2.0 * noise):
            raise ValueError(
                f"no causal Delta describes the values: the best one with positive weights misses "
                f"them by {100 * misfit:.2g} % of the largest; check the sign, that the values "
                f"belong to beta = {beta:g} and tend to zero, and the order of the frequencies"
            )
        self._check_range(fit, beta)
        count = self.Delta.size
        if self.error is not None and np.all(self.error > 0.0):
            _check_chi2(fit.chi2, count)
        elif misfit > max(1e-4, 3.0 * noise):
            warn(
                f"Delta is not causal: the best one with positive weights misses the values by "
                f"{misfit:.1g} of the largest, smoothly, not as noise does; is the tail cut off, "
                "or a constant left in?",
                UncertainDelta,
            )
        w_0 = math.pi / beta
        first = float(fit.noise[0])
        if first > SENSITIVE * w_0:
            warn(
                f"the noise of Delta(i w_n), {first:.1g} at the lowest frequency, is "
                f"{100 * first / w_0:.1g} % of w_0 = {w_0:.3g}: Sigma(i w_0) is uncertain by about "
                "as much as Delta, and Z by Z**2 of this share; give values of smaller error",
                UncertainDelta,
            )

    def _last(self, function: MatsubaraFunction) -> MatsubaraFunction:
        """The function with the last value as it was given, unless its error is large."""
        values = np.array(function.values)
        size = abs(function.moments[0]) / float(function.frequencies[-1])
        if self.error is None or SIGMAS * float(self.error[-1]) < ACAUSAL * size:
            values[-1] = self.Delta[-1]
        return MatsubaraFunction.own(values, function.beta, function.moments)

    def _check_range(self, fit: CausalFit, beta: float) -> None:
        """Warn of frequencies that are missing where they matter."""
        w, w_0 = self.frequencies(beta), math.pi / beta
        before = np.concatenate([[-w_0], w[:-1]])
        gap = w - before > 2.0 * w_0 + MAX_GAP * np.maximum(before, 0.0) + 1e-6 * w_0
        if np.any(gap):
            k = int(np.argmax(gap))
            begin = "there is no value" if k == 0 else f"no value from w = {before[k]:.4g}"
            warn(
                f"{begin} to w = {w[k]:.4g}, {w[k] / w_0:.3g} times w_0: there Delta is "
                "extrapolated or interpolated by positive weights, which do not determine it",
                UncertainDelta,
            )
        if _far(fit, w):
            self._check_moments(w, beta)
            m, error = fit.moments()[0], fit.moment_errors[0]
            warn(
                f"the values do not reach their tail: at the highest frequency, w = {w[-1]:.4g}, "
                f"Delta still has weight at larger energies, and m_0 = {m:.4g} +- {error:.1g}; "
                "give higher frequencies or the moments that are known",
                UncertainDelta,
            )

    def _check_moments(self, w: FloatArray, beta: float) -> None:
        """Refuse given moments that need weight at large energies which the values do not need."""
        free = fitted_poles(w, self.Delta, self.error) if self.moments else None
        if free is None or _far(free, w):
            return
        own = free.moments(len(self.moments))
        text = (
            f"the moments {', '.join(f'{m:.6g}' for m in self.moments)} are not those of the "
            f"values, {', '.join(f'{m:.6g}' for m in own)}, at beta = {beta:g}; leave out those "
            "that are not known, they are fitted"
        )
        if abs(self.moments[0] - own[0]) > ACAUSAL * own[0]:
            raise ValueError(text)
        warn(text, UncertainDelta)

    def noise(self, beta: float, count: int) -> FloatArray:
        """Standard errors of the first `count` values; zero for exact ones and those of a loop."""
        if "_known" not in self.__dict__ or not np.any(self.Delta):
            return np.zeros(count)
        fit = self._fit(beta)
        if float(np.min(fit.noise)) <= CLEAN * float(np.max(np.abs(self.Delta))):
            return np.zeros(count)
        return np.interp(fermionic(beta, count), self.frequencies(beta), fit.noise)


def _far(fit: CausalFit, w: FloatArray) -> bool:
    """Whether there is weight beyond the highest frequency."""
    far = float(np.sum(fit.weights[np.abs(fit.energies) > w[-1]]))
    return far > FAR * float(np.sum(fit.weights))


def _check_tail(function: MatsubaraFunction) -> None:
    if function.moments[0] <= 0.0 or function.tail_error > ACAUSAL:
        w_n, beta = function.frequencies[-1], function.beta
        raise ValueError(
            f"the tail of Delta is wrong: at w_n = {w_n:g} it should be near "
            f"m_0 / iw = {function.moments[0] / w_n:g} / i, but Delta = {function.values[-1]:g}; "
            f"check that it belongs to beta = {beta:g}, and give more frequencies or `moments`"
        )


def _check_chi2(chi2: float, count: int) -> None:
    """Warn if the stated error is not the scatter of the values."""
    slack = 6.0 / math.sqrt(count)
    if chi2 > max(2.0, 1.0 + slack):
        warn(
            f"chi2 = {chi2:.2g} per number: a causal Delta misses the values by "
            f"{math.sqrt(chi2):.2g} times their error; the error is larger than stated, or the "
            "values have a systematic one",
            UncertainDelta,
        )
    if chi2 < min(0.2, 1.0 - slack):
        warn(
            f"chi2 = {chi2:.2g} per number: the values scatter by only {math.sqrt(chi2):.2g} times "
            "their error; it is smaller than stated, or correlated between frequencies",
            UncertainDelta,
        )


# --------------------------------------------------------------------------------- normal order


def _checked_error(error: object, count: int) -> FloatArray | None:
    if error is None:
        return None
    if np.ndim(error) == 0:  # type: ignore[arg-type]
        return np.full(count, checks.real("error", error, least=0))
    found = checks.array("error", error)
    if np.shape(found) != (count,):
        raise ValueError(
            f"error must be one number or have one per value, shape ({count},), "
            f"got shape {np.shape(found)}"
        )
    if np.any(found < 0.0):
        raise ValueError("error must not be negative: it is a standard error")
    return np.array(found, dtype=np.float64)


def _first_half_dropped(
    values: ComplexArray, error: FloatArray | None
) -> tuple[ComplexArray, FloatArray | None]:
    """The positive half of values at -w_(N/2-1) ... w_(N/2-1); others as they are."""
    half = values.size // 2
    mirrored, upper = np.conj(values[:half][::-1]), values[half:]
    if values.size % 2 or not np.any(values.imag[:half] > 0.0):
        return values, error
    noise = 0.0 if error is None else SIGMAS * np.hypot(error[:half][::-1], error[half:])
    if not np.all(np.abs(mirrored - upper) <= 1e-9 * np.max(np.abs(values)) + noise):
        return values, error
    return np.array(upper), None if error is None else error[half:]


def _checked_moments(moments: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse moments of no positive weights."""
    if not moments or not any(moments):
        return moments
    if moments[0] <= 0.0:
        raise ValueError(f"moments[0] = sum V**2 must be positive, got {moments[0]:g}")
    if len(moments) > 2 and moments[2] * moments[0] < moments[1] ** 2 * (1.0 - 1e-9):
        raise ValueError(
            f"moments belong to no positive weights: m_0 m_2 = {moments[0] * moments[2]:g} is "
            f"below m_1**2 = {moments[1] ** 2:g}; leave out those that are not known, "
            "they are fitted"
        )
    return moments


def _check_fall(values: ComplexArray) -> None:
    """Refuse the bath of an infinite band, which has no finite sum V**2."""
    size = -float(np.mean(values.imag))
    if size > 0.0 and float(np.ptp(values.imag)) < CONSTANT * size:
        raise ValueError(
            f"Delta must fall with frequency, but Im Delta = {-size:.4g} is the same at all of "
            "them: an infinite band has no finite sum V**2. Give one of finite width, such as "
            "kadanoff.bands.FlatBand(D) with D = 100 Gamma and V = sqrt(2 D Gamma / pi)"
        )


def _check_sign(values: ComplexArray, error: FloatArray | None) -> None:
    limit = 1e-12 * float(np.max(np.abs(values)))
    allowed = limit if error is None else limit + SIGMAS * error
    wrong = values.imag > allowed
    if not np.any(wrong):
        return
    n = int(np.argmax(wrong))
    hint = "is the sign convention Delta = sum V**2 / (iw - e)?"
    if error is None:
        hint += " State the error of noisy values by error="
    elif values.imag[0] > 0.0 and values.imag[-1] < 0.0:
        hint = "are these values at both signs of frequency? Give w_n"
    raise ValueError(
        "Delta must have Im Delta <= 0 at positive frequencies, but "
        f"Im Delta[{n}] = {values[n].imag:g}; it would be acausal ({hint})"
    )
