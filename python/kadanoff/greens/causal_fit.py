"""Poles with positive weights behind values at Matsubara frequencies, noisy or incomplete.

A causal function is ``G(z) = int A(w) / (z - w) dw`` with A >= 0. The fit minimises

``chi2 = sum_n |G(i w_n) - sum_j W_j / (i w_n - E_j)|**2 / error_n**2``, ``W_j >= 0``,

over the weights on a fine grid of energies |E_j| <= E_max: a convex problem, whose only prior
knowledge is the sign of the weights (non-negative least squares). Grid points are then moved
towards the poles. E_max is the smallest that describes the values, because distant poles of tiny
weight are invisible at the frequencies given, but carry the high moments.

Where the sum of the weights is exact and only the nearest causal function is wanted, as for a
predicted self-energy, `kadanoff.dmft.solvers.causal` projects on given energies.

References
----------
C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (SIAM, 1995),
doi:10.1137/1.9781611971217, chapter 23.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from kadanoff import _core
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.greens.poles import GreenFunction

__all__ = ["CausalFit", "fitted_poles"]

RATIO = 1.12
"""Ratio of neighbouring energies of the grid far from zero."""
FINEST = 0.35
"""Spacing of the grid at zero energy, in units of the lowest frequency."""
STEP = 1.25
"""Ratio of neighbouring trial values of E_max."""
FARTHEST = 30.0
"""Largest E_max, in units of the highest frequency."""
CLEAN = 1e-10
"""Noise relative to the largest value below which values count as exact."""
ROUNDING = 1e-12
"""Smallest error of a value, relative to the largest."""
HELD = 1e-5
"""Error to which known moments hold, relative to that of the last values."""
RISE = 9.0
"""Rise of chi2, three standard deviations of one parameter, that an assumption may cost."""
WIDER = 3
"""Ranges of energies, the narrowest and wider ones, behind the errors of moments."""
RESAMPLES = 12
"""Sets of values with new noise behind the errors of moments."""
MAX_FREE = 12
"""Most poles whose energies are free of the grid."""
ROUNDS = 24
"""Most rounds of moving the poles."""
UNRESOLVED = 2.0
"""chi2 per equation above which poles have not been found."""
BLOCK = 0.06
"""Relative width of the intervals of frequencies whose values are averaged before the fit."""


@public
@dataclass(frozen=True, eq=False)
class CausalFit:
    """Poles with positive weights that describe values at Matsubara frequencies.

    Parameters
    ----------
    energies, weights : array of float, shape (p,)
        Poles and their positive weights.
    E_max : float
        Largest energy that the fit allowed.
    noise : array of float, shape (N,)
        Standard error of the real and of the imaginary part of every value: as given, or
        estimated from the scatter of the values about the fit.
    residual : array of complex, shape (N,)
        Values minus fit.
    symmetric : bool
        Whether weights of E and -E are equal.
    system : object
        The linear equations behind the fit, for new noise.

    Examples
    --------
    >>> import numpy as np
    >>> from kadanoff.dmft import MatsubaraBath
    >>> w_n = np.pi / 20 * (2 * np.arange(32) + 1)
    >>> noise = np.random.default_rng(2).normal(size=(2, 32)) * 1e-4
    >>> Delta = 0.25 / (1j * w_n - 0.5) + noise[0] + 1j * noise[1]
    >>> MatsubaraBath(Delta, error=1e-4).causal_fit(beta=20)
    CausalFit(... poles, |E| <= ..., chi2 = ... per number)
    """

    energies: FloatArray
    weights: FloatArray
    E_max: float
    noise: FloatArray
    residual: ComplexArray
    symmetric: bool
    system: _System = field(repr=False)

    def __repr__(self) -> str:
        return (
            f"CausalFit({self.energies.size} poles, |E| <= {self.E_max:.3g}, "
            f"chi2 = {self.chi2:.2g} per number)"
        )

    @property
    def chi2(self) -> float:
        """Sum of the squares of the residuals in units of the noise, per number."""
        scaled = np.abs(self.residual) / self.noise
        return float(np.sum(scaled**2) / (2 * scaled.size))

    def function(self, beta: float) -> GreenFunction:
        """The fit as a Green function."""
        return GreenFunction.own(self.energies, self.weights, beta)

    def moments(self, count: int = 4) -> FloatArray:
        """``sum_j W_j E_j**k`` for k < count."""
        return np.asarray([np.sum(self.weights * self.energies**k) for k in range(count)])

    @cached_property
    def moment_errors(self) -> FloatArray:
        """Standard errors of the first four moments.

        The scatter over fits to values with new noise, and the largest change with a wider range
        of energies, added in squares. They hold for the narrowest range of energies that describes
        the values.
        """
        rng = np.random.default_rng(0)  # the same errors for the same values
        own = self.system
        part = self.energies >= 0.0 if self.symmetric else slice(None)
        share = 2.0 if self.symmetric else 1.0
        centre = own.columns(self.energies[part]) @ (share * self.weights[part])
        found = []
        for _ in range(RESAMPLES):
            noisy = own.resampled(centre, rng)
            found.append(noisy.solved(noisy.grid(self.E_max)).moments())
        spread = np.std(found, axis=0, ddof=1)
        others = [own.solved(own.grid(STEP**k * self.E_max)).moments() for k in range(WIDER)]
        errors = np.hypot(spread, np.max(np.abs(others - self.moments()), axis=0))
        if self.symmetric:
            errors[1::2] = 0.0
        return np.asarray(errors)


@dataclass(frozen=True, eq=False)
class Weights:
    """Energies of positive weight, their weights, and chi2 of the averaged equations."""

    energies: FloatArray
    weights: FloatArray
    chi2: float

    def moments(self, count: int = 4) -> FloatArray:
        """``sum_j W_j E_j**k`` for k < count."""
        return np.asarray([np.sum(self.weights * self.energies**k) for k in range(count)])


@dataclass(frozen=True, eq=False)
class _System:
    """The linear equations for the weights, averaged over intervals of frequencies.

    Averages of values and of columns over the same frequencies are exact consequences of the
    equations, so that nothing is lost but resolution where none is needed.

    Parameters
    ----------
    w_n, values, noise : array, shape (N,)
        Positive frequencies, ascending, the values there and their errors.
    starts : array of int, shape (M,)
        First index of every interval.
    share : array of float, shape (N,)
        Weight of every value in its interval.
    error : array of float, shape (M,)
        Errors of the averages.
    target : array of float, shape (2 M + K,)
        Averages in units of their errors, real parts first, then the K known moments.
    known : tuple of float
        Moments that are known, m_0 first.
    symmetric : bool
        Whether the weights of E and -E are equal.
    """

    w_n: FloatArray
    values: ComplexArray
    noise: FloatArray
    starts: IntArray
    share: FloatArray
    error: FloatArray
    target: FloatArray
    known: tuple[float, ...]
    symmetric: bool

    @classmethod
    def of(
        cls,
        w_n: FloatArray,
        values: ComplexArray,
        noise: FloatArray,
        known: Sequence[float],
        symmetric: bool,
    ) -> _System:
        starts = _intervals(w_n)
        inverse = noise**-2.0
        total = np.add.reduceat(inverse, starts)
        counts = np.diff(np.append(starts, w_n.size))
        share = inverse / np.repeat(total, counts)
        error = total**-0.5
        means = np.add.reduceat(values * share, starts)
        rows = [means.real / error, means.imag / error]
        target = np.concatenate(rows)
        system = cls(w_n, values, noise, starts, share, error, target, tuple(known), symmetric)
        return system._with(target)

    def _with(self, target: FloatArray) -> _System:
        """The same equations for other averages; those of the known moments are added."""
        more = [m * s for m, s in zip(self.known, self._moment_scales(), strict=True)]
        full = np.concatenate([target[: 2 * self.error.size], more])
        return replace(self, target=full)

    def _moment_scales(self) -> list[float]:
        """Inverse errors of the known moments: a small part of those that the last values have."""
        top, least = float(self.w_n[-1]), HELD * float(np.min(self.error))
        return [1.0 / (least * top ** (k + 1)) for k in range(len(self.known))]

    def resampled(self, centre: FloatArray, rng: np.random.Generator) -> _System:
        """The equations for the averages of a fit with new noise."""
        return self._with(centre + rng.normal(size=centre.size))

    def grid(self, E_max: float) -> FloatArray:
        """Energies up to E_max, dense near zero; those above zero if symmetric."""
        h = math.log(RATIO)
        inner = FINEST * float(self.w_n[0]) / h
        last = math.asinh(E_max / inner)
        count = max(math.ceil(last / h), 2)
        side = inner * np.sinh(last * np.arange(1, count + 1) / count)
        right = np.concatenate([[0.0], side])
        return right if self.symmetric else np.concatenate([-side[::-1], right])

    def columns(self, energies: FloatArray) -> FloatArray:
        """What a unit weight at each energy adds to the averages, in units of their errors."""
        z = 1j * self.w_n[:, None]
        columns = z / (z * z - energies**2) if self.symmetric else 1.0 / (z - energies)
        means = np.add.reduceat(columns * self.share[:, None], self.starts, axis=0)
        means /= self.error[:, None]
        rows = [means.real, means.imag]
        for k, scale in enumerate(self._moment_scales()):
            power = 0.0 * energies if self.symmetric and k % 2 else energies**k
            rows.append(scale * power[None, :])
        return np.concatenate(rows)

    def solved(self, energies: FloatArray) -> Weights:
        """The weights at the given energies."""
        from scipy.optimize import nnls

        matrix = self.columns(energies)
        norm = np.linalg.norm(matrix, axis=0)
        x, rest = nnls(matrix / norm, self.target, maxiter=50 * energies.size)
        used = x > 0.0
        return Weights(energies[used], (x / norm)[used], float(rest) ** 2)

    def best(self, E_max: float) -> Weights:
        """The poles in a range of energies."""
        return self.polished(E_max, self.solved(self.grid(E_max)))

    def polished(self, E_max: float, start: Weights) -> Weights:
        """Move the energies from their grid towards the poles while chi2 falls."""
        best, idle = start, 0
        enough = self.target.size + 3.0 * math.sqrt(2.0 * self.target.size)
        for k in range(ROUNDS):
            if best.chi2 <= enough or idle >= 3 or best.energies.size == 0:
                break
            trial = self.solved(self._near(best, k, E_max))
            idle = 0 if trial.chi2 < 0.9 * best.chi2 else idle + 1
            if trial.chi2 < best.chi2:
                best = trial
        if best.chi2 > enough:
            alone = [slice(k, k + 1) for k in range(best.energies.size)]
            groups = [part for part, _ in self.groups(best)]
            best = min(best, self.relaxed(best, groups), self.relaxed(best, alone), key=_chi2)
        return best

    def relaxed(self, found: Weights, groups: Sequence[slice]) -> Weights:
        """Energies and weights of a few poles, free of any grid, by Levenberg and Marquardt."""
        if not 0 < len(groups) <= MAX_FREE:
            return found
        W = np.array([np.sum(found.weights[part]) for part in groups])
        E = np.array([found.weights[part] @ found.energies[part] for part in groups]) / W
        if self.symmetric:  # pairs, and at most one pole at zero
            zero = 1e-6 * self.w_n[0] >= E
            if np.count_nonzero(zero) > 1:
                return found
            W = np.where(zero, W, 0.5 * W)
            pairs = np.flatnonzero(~zero)
            start = np.concatenate([np.log(E[pairs]), np.log(W[pairs]), np.log(W[zero])])
            sites, spread = 2 * pairs.size + int(np.any(zero)), np.full(pairs.size, 3.0)
        else:
            start, sites, spread = (
                np.concatenate([E, np.log(W)]),
                E.size,
                0.3 * np.abs(E) + self.w_n[0],
            )
        reach = np.concatenate([spread, np.full(start.size - spread.size, 10.0)])
        size = float(np.max(np.abs(self.values)))
        start[spread.size :] -= math.log(size)
        x, _ = _core.ed_bath_fit(
            self.values / size,
            self.w_n,
            (size / self.noise) ** 2 / self.w_n.size,
            sites,
            self.symmetric,
            start - reach,
            start + reach,
            start[None, :],
        )
        W = size * np.exp(x[spread.size :])
        E = x[: spread.size]
        if self.symmetric:
            E = np.concatenate([np.exp(E), np.zeros(W.size - E.size)])
            W = np.where(E > 0.0, 2.0 * W, W)
        order = np.argsort(E)
        rest = self.columns(E[order]) @ W[order] - self.target
        return Weights(E[order], W[order], float(rest @ rest))

    def _near(self, found: Weights, k: int, E_max: float) -> FloatArray:
        """The energies of a fit, and new ones about the centres of neighbouring groups."""
        new = [found.energies]
        for part, width in self.groups(found):
            E = found.energies[part]
            share = found.weights[part] / np.sum(found.weights[part])
            centre = float(share @ E)
            step = max(math.sqrt(float(share @ (E - centre) ** 2)), width * 0.5 ** (k + 2))
            new.append(centre + step * np.array([-1, -0.5, -0.25, -0.1, 0, 0.1, 0.25, 0.5, 1]))
        energies = np.unique(np.concatenate(new))
        low = 0.0 if self.symmetric else -E_max
        return np.asarray(energies[(energies >= low) & (energies <= E_max)])

    def groups(self, found: Weights) -> Iterator[tuple[slice, float]]:
        """Neighbouring energies that stand for one pole, and the spacing of the grid there."""
        E = found.energies
        width = np.hypot((RATIO - 1.0) * E, FINEST * self.w_n[0])
        ends = (np.flatnonzero(np.diff(E) > 1.6 * width[:-1]) + 1).tolist()
        for begin, end in itertools.pairwise([0, *ends, E.size]):
            yield slice(begin, end), float(width[begin])


def _chi2(found: Weights) -> float:
    return found.chi2


def _intervals(w_n: FloatArray) -> IntArray:
    """First indices of intervals of frequencies that are averaged; single ones at the bottom."""
    starts, spacing = [0], 0.0
    for k in range(1, w_n.size):
        begin = w_n[starts[-1]]
        spacing = max(BLOCK * begin, 0.0)
        if w_n[k] - begin >= spacing:
            starts.append(k)
    return np.asarray(starts)


def fitted_poles(
    w_n: FloatArray,
    values: ComplexArray,
    error: FloatArray | None = None,
    known: Sequence[float] = (),
) -> CausalFit:
    """Fit values at positive Matsubara frequencies by poles with positive weights.

    Parameters
    ----------
    w_n : array of float, shape (N,)
        Positive frequencies, ascending; gaps are allowed.
    values : array of complex, shape (N,)
        Values, not all zero.
    error : array of float, shape (N,), optional
        Standard error of the real and of the imaginary part of each value; by default estimated
        from the scatter about a first fit.
    known : sequence of float
        The first moments, where they are known.

    Returns
    -------
    CausalFit
        The poles of the narrowest range of energies that describes the values.
    """
    size = float(np.max(np.abs(values)))
    floor = np.full(w_n.size, ROUNDING * size)
    noise = floor if error is None else np.maximum(error, floor)
    if error is None:
        free = _System.of(w_n, values, noise, known, False)
        first = free.best(FARTHEST * float(w_n[-1]))
        noise = np.maximum(scatter(values - _sum(w_n, first), first.energies.size), floor)
        if np.min(noise) <= CLEAN * size:  # what is left is a misfit of the lowest values
            noise = floor
    system = _System.of(w_n, values, noise, known, False)
    E_max, found = _narrowest(system)
    if np.max(np.abs(values.real)) <= 1e-9 * size or np.max(noise) > 1e-9 * size:
        odd = _System.of(w_n, values, noise, known, True)
        # About half of the ten weights or so are free to be asymmetric.
        cost = 2.0 * RISE * max(1.0, found.chi2 / system.target.size)
        if odd.best(E_max).chi2 <= found.chi2 + cost:
            system, (E_max, found) = odd, _narrowest(odd)
    if system.symmetric:
        E, W = found.energies, 0.5 * found.weights
        found = Weights(np.concatenate([-E[::-1], E]), np.concatenate([W[::-1], W]), found.chi2)
    residual = values - _sum(w_n, found)
    return CausalFit(
        found.energies, found.weights, E_max, noise, residual, system.symmetric, system
    )


def _sum(w_n: FloatArray, found: Weights) -> ComplexArray:
    return np.asarray((1.0 / (1j * w_n[:, None] - found.energies)) @ found.weights)


def _narrowest(system: _System) -> tuple[float, Weights]:
    """The smallest E_max that describes the values, and its fit."""
    top, bottom = FARTHEST * float(system.w_n[-1]), 0.25 * float(system.w_n[0])
    low, high = -1, math.ceil(math.log(top / bottom) / math.log(STEP))
    best = system.best(bottom * STEP**high)
    if best.chi2 > UNRESOLVED * system.target.size:
        # Poles that no grid resolves: the search of energies may end anywhere.
        trials = [system.best(bottom * STEP**k) for k in range(0, high, 2)]
        best = min([*trials, best], key=_chi2)
        trials = [x for x in trials if x.chi2 <= _allowed(best, system)]
        found = trials[0] if trials else best
        return float(np.max(np.abs(found.energies), initial=bottom)), found
    allowed = _allowed(best, system)
    while high - low > 1:
        middle = (low + high) // 2
        trial = system.best(bottom * STEP**middle)
        if trial.chi2 <= allowed:
            high, best = middle, trial
        else:
            low = middle
    return bottom * STEP**high, best


def _allowed(best: Weights, system: _System) -> float:
    """The chi2 of a fit that describes the values as well as the best."""
    return best.chi2 + RISE * max(1.0, best.chi2 / system.target.size)


def scatter(residual: ComplexArray, poles: int) -> FloatArray:
    """The noise of values from their residuals about a fit of some poles, by octaves of the index.

    Second differences, so that a smooth misfit does not count as noise; of the lowest ones, which
    the fit has followed most closely, at most half count as free.
    """
    N = residual.size
    noise = np.empty(N)
    edges: list[int] = [0, *[2**k for k in range(4, 20) if 2**k <= N - 16], N]
    for begin, end in itertools.pairwise(edges):
        second = np.diff(residual[begin:end], n=2)
        square = np.concatenate([second.real, second.imag]) ** 2
        # The variance of second differences of white noise of variance 1 is 6.
        variance = float(np.mean(square)) / 6.0
        if begin == 0:
            variance *= 2.0 * end / max(2.0 * end - poles, end)
        noise[begin:end] = math.sqrt(variance)
    return noise
