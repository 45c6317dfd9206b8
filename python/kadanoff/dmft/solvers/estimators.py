"""G, Sigma and averages with errors from bins of Monte Carlo measurements.

Bins hold Legendre coefficients of G and of ``F = Sigma G``, summed over spins. The steps:

1. Neighbouring bins of a chain are joined until they are longer than fifty autocorrelation times.
2. Symmetries: spins are averaged; at half filling so are particles and holes, which turn G(tau)
   into G(beta - tau) and F(tau) into ``U G(beta - tau) - F(beta - tau)``. So odd G_l vanish, even
   F_l are U G_l / 2, and odd F_l lose U / 2 times the odd G_l that were measured, their noise.
3. The number of coefficients L minimises the unbiased estimate of the expected square error,
   ``sum_(l < L) s_l**2 + sum_(l >= L) (G_l**2 - s_l**2)`` [1]_, G and F / U together; a quarter
   more are kept, so that the truncation is well below the noise.
4. Exact identities correct the measurements: the jumps of G and F are 1 and U n / 2, their first
   moments eps + U n / 2 and (eps + U) U n / 2, and the equation of motion
   ``(iw - eps - Delta) G = 1 + F`` is imposed at the lowest frequencies. The measured violations q
   of these identities are fluctuations of mean zero, and the combination
   ``x - Cov(x, q) Cov(q, q)^-1 q`` has the least error. As the covariances are estimated from the
   same bins, the errors grow by a factor `loss` [3]_. ``constraints_chi2 = q Cov(q, q)^-1 q`` is
   Hotelling's T^2, a test of the identities.
5. ``Sigma = F / G`` on Matsubara frequencies, and ``G = 1 / (iw - eps - Delta - Sigma)`` from it;
   ``-2 G(beta) = n`` corrects Sigma in the same way, and holds exactly afterwards. It depends on
   Sigma in a nonlinear way, and where it is violated by v > 1 standard deviations the errors are
   multiplied by ``sqrt((1 + v**2) / 2)``. Where noise
   leaves ``G(tau) > 0``, Sigma is replaced by the nearest causal one
   (`kadanoff.dmft.solvers.physical`), whose errors are not larger.
6. Errors by the jackknife over bins, of unequal length where a run was stopped [2]_; for G(iw) and
   Sigma(iw) the change due to half as many more coefficients is added in quadrature. If fewer than
   one run in ten thousand has as large a `constraints_chi2`, configurations of large weight are
   missing, and the errors are multiplied by ``error_scale``, the root of chi^2 per constraint.
7. An error from few bins is itself uncertain; all are multiplied by the standard deviation of
   Student's t, so that deviations in units of them have the mean square one.
8. The warning `ShortRun` is given if the run is too short for these errors.

References
----------
.. [1] C. M. Stein, Ann. Statist. 9, 1135 (1981), doi:10.1214/aos/1176345632.
.. [2] F. M. T. A. Busing, E. Meijer, R. van der Leeden, Stat. Comput. 9, 3 (1999),
       doi:10.1023/A:1008800423698.
.. [3] S. S. Lavenberg, P. D. Welch, Manag. Sci. 27, 322 (1981), doi:10.1287/mnsc.27.3.322
       (control variates).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kadanoff._base.errors import NumericalError
from kadanoff._base.types import ComplexArray, FloatArray, IntArray, WordArray
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.physical import is_negative, nodes, physical
from kadanoff.greens import MatsubaraFunction
from kadanoff.greens.grids import fermionic
from kadanoff.greens.legendre import transform_matrix

__all__ = [
    "Measured",
    "ShortRun",
    "autocorrelation_time",
    "controlled",
    "few_bins",
    "independent_bins",
    "spread",
    "weighty",
]

BINS_OF_A_CHAIN = 16
EQUATIONS = 2  # frequencies at which the equation of motion is used
UNLIKELY = 1e-4  # probability of a deviation at which a run is doubted
MEMORY = 50.0  # smallest length of a bin in autocorrelation times
EQUILIBRATED = 10.0  # smallest length of the equilibration in autocorrelation times
LIGHT = 0.01  # smallest weight of a bin, over the mean
TOGETHER = 64  # bins whose functions are in memory at once
STEPS = 8  # of the secant method
FOLLOWED = ("order", "density", "docc", "polarisation")


class ShortRun(UserWarning):
    """A run is too short for its error bars; the message names the reason and the remedy."""


def spread(values: Any, without: Any, weights: FloatArray) -> Any:
    """One standard deviation of `values` by the delete-a-group jackknife.

    Parameters
    ----------
    values : array, shape S
        Estimate from all data.
    without : array, shape (B, *S)
        Estimates with one bin left out.
    weights : array, shape (B,)
        Lengths of the bins.

    Notes
    -----
    ``sum_b (p_b - mean)^2 / (h_b - 1) / B`` with ``h_b = N / n_b`` and
    ``p_b = h_b x - (h_b - 1) x_(b)``. For complex numbers, the root of the sum of both variances.
    One bin does not know its error: NaN.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0])
    >>> without = (x.sum() - x) / 2
    >>> f"{spread(x.mean(), without, np.ones(3)):.6f}", f"{x.std(ddof=1) / 3**0.5:.6f}"
    ('0.881917', '0.881917')
    """
    values, without = np.asarray(values), np.asarray(without)
    count = weights.size
    if count < 2:
        return np.full(values.shape, np.nan)[()]
    h = (np.sum(weights) / weights).reshape((-1,) + (1,) * values.ndim)
    pseudo = h * values - (h - 1.0) * without
    mean = np.mean(pseudo, axis=0)
    return np.sqrt(np.sum(np.abs(pseudo - mean) ** 2 / (h - 1.0), axis=0) / count)


def few_bins(bins: int) -> str:
    """The doubt of a run whose errors are NaN."""
    return f"its {bins} independent bins are too few for errors, which are NaN; raise sweeps"


@dataclass(frozen=True, eq=False)
class Estimate:
    """G and Sigma of a run, and the variants from which their errors follow.

    Parameters
    ----------
    G, F : array, shape (B, L)
        Legendre coefficients of every bin, corrected by the known identities.
    chi2 : float
        Hotelling's T^2 of these identities.
    constraints : int
        Their number.
    n : float
        Occupation, equal to that of G.
    n_without : array, shape (B,)
        With one bin left out.
    violation : float
        Of ``-2 G(beta) = n`` before the correction, in standard deviations.
    Sigma, G_iw : array of complex, shape (M,)
        From all bins, at M >= N frequencies.
    chosen : array of int, shape (K,)
        Indices of frequencies that the variants keep: the first N, and some of the others.
    Sigma_without : array of complex, shape (B, K)
        With one bin left out.
    Sigma_longer : array of complex, shape (K,)
        From half as many coefficients more.
    """

    G: FloatArray
    F: FloatArray
    chi2: float
    constraints: int
    n: float
    n_without: FloatArray
    violation: float
    Sigma: ComplexArray
    G_iw: ComplexArray
    chosen: IntArray
    Sigma_without: ComplexArray
    Sigma_longer: ComplexArray

    @property
    def closing(self) -> float:
        """Factor of the errors of G, Sigma and Z for the violation of -2 G(beta) = n."""
        return math.sqrt(max(0.5 * (1.0 + self.violation**2), 1.0))


@dataclass(frozen=True, eq=False)
class Measured:
    """Bins of a run, joined so that they are independent.

    Parameters
    ----------
    problem : Impurity
        The problem that was sampled.
    weights : array, shape (B,)
        Sum of the signs in each bin.
    G, F : array, shape (B, L)
        Averages of the coefficients in each bin, of one spin.
    averages : array, shape (B, 4)
        sign, n, docc and order.
    chain : array, shape (B,)
        The chain of each bin.
    raw : mapping
        Measurements of the chains.
    tau : dict of str to float
        Autocorrelation times in sweeps.
    opposite : array, shape (B,), or None
        Occupation of the other spin, where the two differ; n is then twice that of the spin.
    """

    problem: Impurity
    weights: FloatArray
    G: FloatArray
    F: FloatArray
    averages: FloatArray
    bins: FloatArray
    chain: WordArray
    raw: Mapping[str, Any]
    tau: dict[str, float]
    opposite: FloatArray | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any], problem: Impurity, sign_of_m: int = 0) -> Measured:
        """Join bins and apply the symmetries.

        Parameters
        ----------
        raw : mapping
            Measurements of the chains.
        problem : Impurity
            What was sampled, as one spin sees it.
        sign_of_m : {0, 1, -1}
            0 for the sum over equivalent spins; 1 and -1 for spin up and down, which differ.
        """
        tau = {name: autocorrelation_time(raw["levels"], o) for o, name in enumerate(FOLLOWED)}
        scalars, chain = raw["scalars"], raw["chain"]
        slowest = _slowest(tau, apart=sign_of_m != 0)
        first = independent_bins(raw, slowest)

        def joined(x: FloatArray) -> FloatArray:
            return np.add.reduceat(x, first, axis=0)

        sums = joined(scalars)
        weight, sign = sums[:, 1], sums[:, 2]
        if np.sum(sums[:, 5]) == 0.0:
            raise NumericalError(
                "no operators were ever inserted, so that there is no measurement of G: the "
                "hybridisation is too weak for so few sweeps; 'hubbard1' is exact without it"
            )
        over = sign[:, None]
        G, F = 0.5 * joined(raw["G"]) / over, 0.5 * joined(raw["F"]) / over
        averages = np.stack([sign / weight, *(sums[:, 3:6] / over).T], axis=1)
        bins = 0.5 * joined(raw["bins"]) / over
        if sign_of_m:
            m = sign_of_m * sums[:, 6] / sign
            opposite = 0.5 * (averages[:, 1] - m)
            averages[:, 1] += m
            return cls(problem, sign, G, F, averages, bins, chain[first], raw, tau, opposite)
        if problem.is_half_filled:
            F[:, 1::2] -= 0.5 * problem.U * G[:, 1::2]
            G[:, 1::2] = 0.0
            F[:, ::2] = 0.5 * problem.U * G[:, ::2]
            averages[:, 2] += 0.5 * (1.0 - averages[:, 1])
            averages[:, 1] = 1.0
            bins = 0.5 * (bins + bins[:, ::-1])
        return cls(problem, sign, G, F, averages, bins, chain[first], raw, tau)

    @property
    def symmetric(self) -> bool:
        """Whether particles and holes, and the spins, are equivalent."""
        return self.opposite is None and self.problem.is_half_filled

    def mean(self, x: FloatArray) -> FloatArray:
        """Average over bins, by weight."""
        return np.asarray(self.weights @ x / np.sum(self.weights))

    def without(self, x: FloatArray) -> FloatArray:
        """Averages with one bin left out; NaN where there is no other."""
        if self.weights.size < 2:
            return np.full(x.shape, np.nan)
        w = self.weights[:, None]
        return np.asarray((np.sum(w * x, axis=0) - w * x) / (np.sum(w) - w))

    def error(self, x: FloatArray) -> FloatArray:
        """Errors of the averages."""
        return np.asarray(spread(self.mean(x), self.without(x), self.weights))

    def doubts(self, equilibration: int) -> tuple[str, ...]:
        """Reasons to doubt the errors, each found in one of 10^4 runs that are long enough."""
        from scipy import stats

        slowest, found = _slowest(self.tau, apart=self.opposite is not None), []
        sweeps = np.bincount(self.raw["chain"].astype(np.intp), self.raw["scalars"][:, 0])
        if np.min(sweeps) < MEMORY * slowest:
            found.append(
                f"its chains are {np.min(sweeps) / slowest:.0f} autocorrelation times long, and "
                f"errors need {MEMORY:g}; raise sweeps"
            )
        if equilibration < EQUILIBRATED * slowest:
            found.append(
                f"its equilibration is {equilibration / slowest:.0f} autocorrelation times long, "
                f"and should be {EQUILIBRATED:g}; raise equilibration"
            )
        parts = [self.averages[self.chain == c] for c in np.unique(self.chain)]
        if len(parts) > 1 and min(len(p) for p in parts) > 1:
            for column, name in enumerate(("n", "docc", "order"), start=1):
                x = [p[:, column] for p in parts]
                if np.ptp(self.averages[:, column]) > 0.0 and stats.f_oneway(*x)[1] < UNLIKELY:
                    found.append(
                        f"its chains disagree on {name}: each stays where it began; raise "
                        "equilibration and sweeps"
                    )
        return tuple(found)

    @cached_property
    def needed(self) -> int:
        """Number of coefficients that carry more than noise, and a quarter.

        More where the identities require it: a small function that decays fast with tau, such as F
        of a nearly empty orbital, is below the noise of single coefficients.
        """
        scale = max(self.problem.U, 1e-300)
        x = np.concatenate([self.G, self.F / scale], axis=1)
        mean, error = self.mean(x), self.error(x)
        L = int(self.G.shape[1])
        noise = (error**2).reshape(2, L).sum(axis=0)
        signal = (mean**2).reshape(2, L).sum(axis=0) - noise
        kept = np.concatenate([[0.0], np.cumsum(noise)])
        lost = np.concatenate([np.cumsum(signal[::-1])[::-1], [0.0]])
        if not np.all(np.isfinite(noise)):  # of one bin: nothing says what is noise
            return L
        best = int(np.argmin((kept + lost)[6:])) + 6 if L > 6 else L
        count = min(best + max(4, best // 4), L)
        while count < L and self.doubtful(*self.constrained(count)[2:]):
            count = min(count + count // 2, L)
        return count

    def doubtful(self, chi2: float, constraints: int) -> bool:
        """Whether one run in ten thousand violates the identities as much (Hotelling's T^2).

        So few bins that T^2 has no distribution do not tell.
        """
        from scipy import stats

        B, p = self.weights.size, constraints
        if p < 1 or p >= B or B < 2:
            return False
        F = chi2 * (B - p) / (p * (B - 1))
        return bool(stats.f.sf(F, p, B - p) < UNLIKELY)

    def constrained(self, L: int) -> tuple[FloatArray, FloatArray, float, int]:
        """G_l and F_l of every bin, l < L, corrected by the identities; their chi^2 and number."""
        problem = self.problem
        U, eps, beta = problem.U, problem.eps, problem.beta
        n = 0.5 * self.averages[:, 1] if self.opposite is None else self.opposite
        G, F = self.G[:, :L], self.F[:, :L]
        order = np.arange(L)
        root = np.sqrt(2.0 * order + 1.0)
        even = np.where(order % 2 == 0, 1.0, 0.0)
        jump = -2.0 * root * even / beta
        # P_l'(+-1) = (+-1)^(l-1) l (l + 1) / 2
        slope = 2.0 / beta**2 * root * order * (order + 1.0) * (1.0 - even)
        rows, sizes, energy = [G @ jump - 1.0], [1.0], abs(eps) + U
        if self.symmetric:
            if U > 0.0:
                rows.append(F @ slope - 0.5 * (eps + U) * U)
                sizes.append(energy * U)
        else:
            rows.append(G @ slope - (eps + U * n))
            sizes.append(energy)
            if U > 0.0:
                rows.append(F @ jump - U * n)
                rows.append(F @ slope - (eps + U) * U * n)
                sizes.extend((U, energy * U))
        rows.extend(self._motion(G, F))
        sizes.extend([1.0] * (len(rows) - len(sizes)))
        q = np.stack(rows, axis=1)
        x = np.concatenate([G, F], axis=1)
        x, chi2, count = controlled(x, q, self.once * np.array(sizes), self.weights)
        return x[:, :L], x[:, L:], chi2, count

    def loss(self, constraints: int) -> float:
        """Factor of the errors because the corrections are fitted to the same bins.

        The measured variance of B bins is too small by (B - 1 - p) / (B - 1) for p constraints,
        and the true one is larger by (B - 2) / (B - 2 - p). NaN where this leaves nothing.
        """
        B, p = self.weights.size, constraints
        if B - 2 - p <= 0:
            return math.nan
        return math.sqrt((B - 1) * (B - 2) / ((B - 1 - p) * (B - 2 - p)))

    def factor(self, constraints: int = 0) -> float:
        """`loss`, and the standard deviation of Student's t of the bins that are left.

        The t of two degrees of freedom or fewer has no variance: that of three is taken, the least
        that has one. With none the error is not known: NaN.
        """
        free = self.weights.size - 1 - constraints
        if free < 1:
            return math.nan
        t = math.sqrt(1.0 + 2.0 / max(free - 2, 1))
        return t * self.loss(constraints) if constraints else t

    def _motion(self, G: FloatArray, F: FloatArray) -> list[FloatArray]:
        """(iw - eps - Delta) G - F - 1, the equation of motion, at the lowest frequencies."""
        problem = self.problem
        count = min(EQUATIONS, G.shape[1] // 4)
        if count == 0:
            return []
        T = transform_matrix(count, G.shape[1])
        z = 1j * fermionic(problem.beta, count)
        left = (z - problem.eps - problem.Delta().iw(count)) * (G @ T.T) - F @ T.T - 1.0
        rows = list(left.real.T)
        return rows if self.symmetric else rows + list(left.imag.T)

    def functions(
        self, G: FloatArray, F: FloatArray, count: int
    ) -> tuple[ComplexArray, ComplexArray]:
        """Sigma and G on Matsubara frequencies from coefficients, shape (..., L)."""
        T = transform_matrix(count, G.shape[-1])
        z = 1j * fermionic(self.problem.beta, count)
        Delta = self.problem.Delta().iw(count)
        with np.errstate(invalid="ignore"):  # NaN where one bin is left out of one
            Sigma = (F @ T.T) / (G @ T.T)
            return Sigma, 1.0 / (z - self.problem.eps - Delta - Sigma)

    def error_at_first_frequency(self) -> float:
        """Error of G(i w_0)."""
        G, F, _, p = self.constrained(self.needed)
        value = self.functions(self.mean(G), self.mean(F), 1)[1]
        without = self.functions(self.without(G), self.without(F), 1)[1]
        return self.factor(p) * float(spread(value, without, self.weights)[0])

    def solution(
        self, frequencies: int, legendre: int | None, seed: int, diagnostics: dict[str, Any]
    ) -> Solution:
        """The solution with the errors of all that was measured."""
        problem, raw = self.problem, self.raw
        found = self._estimate(frequencies, legendre)
        scale = self._error_scale(found)
        errors = self._function_errors(found, scale)
        docc, averages = self._averages(found)
        doubts = self.doubts(diagnostics["equilibration"])
        if math.isnan(self.factor(max(found.constraints, 1))):
            doubts += (few_bins(self.weights.size),)
        if scale > 1.0:
            doubts += (
                f"known identities are violated by {scale:.1f} errors, which were scaled up; raise "
                "sweeps",
            )
        G = MatsubaraFunction.own(found.G_iw, problem.beta, self._moments(np.float64(found.n)))
        Sigma_iw, Delta_iw = found.Sigma[:frequencies], problem.Delta().iw(frequencies)
        n, moved = found.n, 0.0
        if not is_negative(G):
            errors_chosen = errors["Sigma_iw_error"]
            if not np.all(np.isfinite(errors_chosen)):  # unknown: all frequencies alike
                errors_chosen = np.abs(found.Sigma[found.chosen])
            causal = physical(
                problem,
                found.Sigma[found.chosen],
                errors_chosen,
                found.chosen,
                found.n,
                frequencies,
                None if self.opposite is None else float(self.mean(self.opposite)),
            )
            change = np.abs(causal.Sigma_iw - Sigma_iw) / errors_chosen[:frequencies]
            moved = float(np.sqrt(np.mean(change**2)))
            G, Sigma_iw, Delta_iw = causal.G, causal.Sigma_iw, causal.Delta_iw
            n = n if self.symmetric else 2.0 * G.occupation  # equal to CLOSE
        errors = {name: error[:frequencies] for name, error in errors.items()}
        return Solution(
            problem=problem,
            solver="cthyb",
            G=G,
            G_iw=G.values[:frequencies],
            Sigma_iw=Sigma_iw,
            Delta_iw=Delta_iw,
            n=n,
            docc=float(docc),
            log_Z=None,
            error=float(np.max(errors["G_iw_error"])),
            diagnostics={
                **errors,
                **averages,
                "Z_error": self._Z_error(found, scale),
                "weight": float(np.sum(raw["scalars"][:, 1]) / np.sum(raw["scalars"][:, 0])),
                "histogram": raw["histogram"],
                **self._coefficients(found),
                "constraints_chi2": found.chi2,
                "constraints": found.constraints,
                "error_scale": scale,
                "causal_change": moved,
                "doubts": doubts,
                **self._binned_times(),
                "bins": self.weights.size,
                "sweeps": int(np.sum(raw["scalars"][:, 0])),
                "updates": raw["updates"],
                "autocorrelation": dict(self.tau),
                "acceptance": {k: a / max(p, 1) for k, (p, a) in raw["moves"].items()},
                "drift": raw["drift"],
                **diagnostics,
            },
            seed=seed,
        )

    # ------------------------------------------------------------------- the steps of a solution

    def _estimate(self, frequencies: int, legendre: int | None) -> Estimate:
        """Sigma and G from `legendre` coefficients, and the variants for their errors."""
        problem = self.problem
        L = self.needed if legendre is None else min(legendre, self.G.shape[1])
        G, F, chi2, constraints = self.constrained(L)
        widest = abs(problem.eps) + problem.U + math.sqrt(problem.Delta_moments()[0])
        highest = math.ceil(20.0 * widest * problem.beta / (2.0 * math.pi))
        count = max(min(max(frequencies, 512, highest), 8192), frequencies)
        chosen = np.union1d(np.arange(frequencies), nodes(count))
        Sigma, G_iw = self.functions(self.mean(G), self.mean(F), count)
        n, n_b = float(self.mean(self.averages)[1]), self.without(self.averages)[:, 1]
        # The truncation error, estimated by half as many coefficients more, noise included.
        more = self.constrained(min(L + max(6, L // 2), self.G.shape[1]))
        Sigma_m, G_m = self.functions(self.mean(more[0]), self.mean(more[1]), count)
        Sigma_b, filled = self._left_out(G, F, count, chosen, n)
        violation = 0.0
        if problem.U == 0.0:
            n, n_b = float(self.filling(G_iw, n)), filled  # of the exact G
        elif not self.symmetric and np.ptp(filled) > 0.0:
            # As in `constrained`, but n is known better than G(beta), and stays.
            far = float(self.filling(G_iw, n)) - n
            noise = self.factor(constraints) * float(spread(far, filled - n_b, self.weights))
            violation = far / max(noise, 1e-300)
            centred = filled - np.mean(filled)
            direction = self._direction(G, F, count, centred / (centred @ centred))
            Sigma = Sigma - self._step(Sigma, direction, n) * direction
            G_iw = self.dressed(Sigma)
            Sigma_m = Sigma_m - (self.filling(G_m, n) - n) * direction
            Sigma_b = Sigma_b - (filled - n_b)[:, None] * direction[chosen]
        return Estimate(
            G,
            F,
            chi2,
            constraints,
            n,
            n_b,
            violation,
            Sigma,
            G_iw,
            chosen,
            Sigma_b,
            Sigma_m[chosen],
        )

    def dressed(self, Sigma: ComplexArray) -> ComplexArray:
        """G = 1 / (iw - eps - Delta - Sigma) at the first frequencies."""
        count = Sigma.shape[-1]
        z = 1j * fermionic(self.problem.beta, count)
        return np.asarray(1.0 / (z - self.problem.eps - self.problem.Delta().iw(count) - Sigma))

    def filling(self, G_iw: ComplexArray, n: float) -> Any:
        """-2 G(beta) of functions whose tail has the occupation n."""
        beta = self.problem.beta
        tail = MatsubaraFunction.own(G_iw, beta, self._moments(np.float64(n))).tail
        rest = G_iw - tail(1j * fermionic(beta, G_iw.shape[-1]))
        return 2.0 * tail.occupation + 4.0 / beta * np.sum(rest.real, axis=-1)

    def _parts(self) -> list[IntArray]:
        """The bins in groups, so that functions of all of them need little memory."""
        bins = self.weights.size
        return list(np.array_split(np.arange(bins), math.ceil(bins / TOGETHER)))

    def _left_out(
        self, G: FloatArray, F: FloatArray, count: int, chosen: IntArray, n: float
    ) -> tuple[ComplexArray, FloatArray]:
        """Sigma at some frequencies, and -2 G(beta), with one bin left out."""
        G, F = self.without(G), self.without(F)
        kept, filled = [], []
        if self.symmetric:
            T = transform_matrix(count, G.shape[1])[chosen].T
            with np.errstate(invalid="ignore"):  # NaN where one bin is left out of one
                return np.asarray((F @ T) / (G @ T)), np.zeros(len(G))
        for part in self._parts():
            Sigma, G_iw = self.functions(G[part], F[part], count)
            kept.append(Sigma[:, chosen])
            filled.append(self.filling(G_iw, n))
        return np.concatenate(kept), np.concatenate(filled)

    def _direction(
        self, G: FloatArray, F: FloatArray, count: int, along: FloatArray
    ) -> ComplexArray:
        """sum_b along_b Sigma_b at all frequencies."""
        G, F = self.without(G), self.without(F)
        parts = [along[part] @ self.functions(G[part], F[part], count)[0] for part in self._parts()]
        return np.asarray(np.sum(parts, axis=0))

    def _step(self, Sigma: ComplexArray, direction: ComplexArray, n: float) -> float:
        """The step along the correction at which -2 G(beta) is n, by the secant method."""

        def violation(step: float) -> float:
            return float(self.filling(self.dressed(Sigma - step * direction), n)) - n

        before, at = 0.0, violation(0.0)
        step = at
        for _ in range(STEPS):
            now = violation(step)
            if abs(now) < 1e-14 or now == at:
                return step
            before, step, at = step, step - now * (step - before) / (now - at), now
        return step if abs(violation(step)) < 1e-6 else 0.0

    def _error_scale(self, found: Estimate) -> float:
        """Factor of all errors; above 1 where rare configurations of large weight are missing."""
        if self.doubtful(found.chi2, found.constraints):
            return math.sqrt(found.chi2 / found.constraints)
        return 1.0

    def _function_errors(self, found: Estimate, scale: float) -> dict[str, FloatArray]:
        """Errors of G(i w_n) and Sigma(i w_n): statistics and truncation of the Legendre series."""
        loss, chosen = self.factor(found.constraints) * found.closing, found.chosen
        z = 1j * fermionic(self.problem.beta, found.Sigma.size)[chosen]
        bare = z - self.problem.eps - self.problem.Delta().iw(found.Sigma.size)[chosen]

        def dressed(Sigma: ComplexArray) -> ComplexArray:
            with np.errstate(invalid="ignore"):
                return np.asarray(1.0 / (bare - Sigma))

        Sigma, without, longer = found.Sigma[chosen], found.Sigma_without, found.Sigma_longer
        errors = {
            name: scale * np.hypot(loss * spread(x, others, self.weights), np.abs(more - x))
            for name, x, others, more in (
                ("G_iw_error", dressed(Sigma), dressed(without), dressed(longer)),
                ("Sigma_iw_error", Sigma, without, longer),
            )
        }
        # A configuration that never occurred may occur once in the next run of this length;
        # Sigma(0) is near U docc / n.
        half = 0.5 * float(self.mean(self.averages)[1])
        least = self.problem.U * self.once / max(half, self.once)
        errors["Sigma_iw_error"] = np.maximum(errors["Sigma_iw_error"], least)
        errors["G_iw_error"] = np.maximum(
            errors["G_iw_error"], least * np.abs(found.G_iw[chosen]) ** 2
        )
        return errors

    def _Z_error(self, found: Estimate, scale: float) -> float:
        """Error of Z, from Sigma at the first Matsubara frequency."""
        w0 = math.pi / self.problem.beta
        Z, Z_b, Z_m = (
            1.0 / (1.0 - S.imag / w0)
            for S in (found.Sigma[0], found.Sigma_without[:, 0], found.Sigma_longer[0])
        )
        loss = self.factor(found.constraints) * found.closing
        # Of a configuration that never occurred, as in `_function_errors`
        least = Z**2 / w0 * self.problem.U * self.once
        error = np.hypot(loss * spread(Z, Z_b, self.weights), Z_m - Z)
        return float(max(scale * error, least))

    @property
    def once(self) -> float:
        """The share of one sweep in the run, the resolution of all probabilities."""
        return 1.0 / float(np.sum(self.raw["scalars"][:, 0]))

    def _averages(self, found: Estimate) -> tuple[np.float64, dict[str, float]]:
        """docc; the errors of n and docc, and the other averages with theirs, by name."""
        beta = self.problem.beta
        sign, _, docc, order = self.mean(self.averages)
        e_sign, _, e_docc, e_order = self.factor() * self.error(self.averages)
        e_n = self.factor() * float(spread(np.float64(found.n), found.n_without, self.weights))
        e_docc, e_order = max(e_docc, self.once), max(e_order, self.once)
        if not self.symmetric:
            e_n = max(e_n, self.once)
        others = {
            "n_error": e_n,
            "docc_error": e_docc,
            "sign": sign,
            "sign_error": e_sign,
            "order": order,
            "order_error": e_order,
            "kinetic_energy": -order / beta,
            "kinetic_energy_error": e_order / beta,
        }
        return docc, {name: float(x) for name, x in others.items()}

    def _moments(self, n: np.float64) -> tuple[float, float, float, float]:
        """Moments m_0 ... m_3 of the spectral function at occupation n.

        Up to the second they are exact; the third leaves out a correlation with the bath, which
        only enters beyond the last frequency.
        """
        problem = self.problem
        U, eps, moments = problem.U, problem.eps, problem.Delta_moments()
        half = 0.5 * n if self.opposite is None else np.float64(self.mean(self.opposite))
        s0, s1 = U * half, U * U * half * (1.0 - half)
        m1 = eps + s0
        m2 = m1 * m1 + moments[0] + s1
        s2 = s1 * (eps + U * (1.0 - half))
        m3 = m1**3 + 2.0 * m1 * (moments[0] + s1) + moments[1] + s2
        return (1.0, 0.0, m2, 0.0) if self.symmetric else (1.0, m1, m2, m3)

    def _coefficients(self, found: Estimate) -> dict[str, Any]:
        """Legendre coefficients of G and F with their covariance."""
        x = np.concatenate([found.G, found.F], axis=1)
        B, L = self.weights.size, found.G.shape[1]
        centred = self.without(x) - np.mean(self.without(x), axis=0)
        loss = self.loss(found.constraints)
        return {
            "legendre": L,
            "coefficients": self.mean(x).reshape(2, L),
            "coefficients_covariance": loss**2 * (B - 1.0) / B * centred.T @ centred,
        }

    def _binned_times(self) -> dict[str, FloatArray]:
        """G(tau) averaged over intervals of tau, without the Legendre series."""
        count = self.bins.shape[1]
        width = self.problem.beta / count
        return {
            "tau_bins": width * (np.arange(count) + 0.5),
            "G_bins": self.mean(self.bins) / width,
            "G_bins_error": self.error(self.bins) / width,
        }


def controlled(
    x: FloatArray, q: FloatArray, sizes: FloatArray, weights: FloatArray
) -> tuple[FloatArray, float, int]:
    """Measurements corrected by identities whose measured violations are fluctuations.

    Parameters
    ----------
    x : array, shape (B, L)
        Measurements in bins.
    q : array, shape (B, K)
        Violations of the identities in the same bins.
    sizes : array, shape (K,)
        Violations below which an identity is not known.
    weights : array, shape (B,)
        Weights of the bins.

    Returns
    -------
    array, shape (B, L)
        ``x - Cov(x, q) Cov(q, q)^-1 q``.
    float, int
        Hotelling's T^2 of the identities, and the number of their combinations that were used.
    """

    def mean(y: FloatArray) -> FloatArray:
        return np.asarray(weights @ y / np.sum(weights))

    if weights.size < 2:  # no fluctuations to correct
        return x, 0.0, 0
    w = weights[:, None] / np.sum(weights)
    dq, dx = q - mean(q), x - mean(x)
    scale = np.sqrt(np.sum(w * dq**2, axis=0)) + 1e-300
    covariance = (w * dq / scale).T @ (dq / scale)
    # Combinations with tiny fluctuations do not correct x, but feel the truncation at L.
    values, vectors = np.linalg.eigh(covariance)
    strong = values > 1e-4 * values[-1]
    # Few bins determine few covariances.
    strong[: -max(1, (weights.size - 2) // 4)] = False
    kept = vectors[:, strong]
    solve = kept / values[strong] @ kept.T
    factors = (w * dx).T @ (dq / scale) @ solve
    violation = mean(q) / scale
    effective = float(np.sum(weights) ** 2 / np.sum(weights**2)) - 1.0
    # No identity is known better than to the weight of a configuration that may be missing.
    missing = sizes / scale
    variance = values[strong] / effective + (kept**2).T @ missing**2
    chi2 = float(np.sum((kept.T @ violation) ** 2 / variance))
    return np.asarray(x - (q / scale) @ factors.T), chi2, kept.shape[1]


def independent_bins(raw: Mapping[str, Any], slowest: float) -> IntArray:
    """First members of groups of bins, each longer than fifty autocorrelation times."""
    scalars, chain = raw["scalars"], raw["chain"]
    groups: list[IntArray] = []
    for c in np.unique(chain):
        members = np.flatnonzero(chain == c)
        longest = float(np.max(scalars[members, 0]))
        wanted = max(members.size // BINS_OF_A_CHAIN, math.ceil(MEMORY * slowest / longest), 1)
        parts = max(members.size // wanted, 1)
        groups.extend(np.array_split(members, parts))
    if not np.sum(scalars[:, 2]) > 0.0:
        raise NumericalError("the average sign is not positive: Delta(tau) is far from causal")
    return weighty(groups, scalars[:, 2])


def weighty(groups: list[IntArray], sign: FloatArray) -> IntArray:
    """First members of groups, of which neighbours are joined where one has no weight.

    A chain that samples with a floor may stay among configurations of weight zero for many sweeps.
    """
    least = LIGHT * float(np.mean(sign))
    first: list[int] = []
    weight, size = math.inf, 0
    for group in groups:
        if weight > least * size:
            first.append(int(group[0]))
            weight, size = 0.0, 0
        weight += float(np.sum(sign[group]))
        size += group.size
    if weight <= least * size and len(first) > 1:
        first.pop()
    return np.array(first)


def _slowest(tau: dict[str, float], *, apart: bool) -> float:
    """The longest autocorrelation time of averages over both spins, or of each."""
    slowest = max(tau["order"], tau["density"], tau["docc"])
    return max(slowest, tau["polarisation"]) if apart else slowest


def autocorrelation_time(levels: Any, observable: int) -> float:
    """Integrated autocorrelation time in measurements, at least 1/2, by logarithmic binning.

    The variance of averages over 2^k measurements, times 2^k, saturates at twice the time.
    """
    depth = max((len(chain) for chain in levels), default=0)
    table = np.zeros((depth, 3))
    for chain in levels:
        for k, (count, total, squares) in enumerate(chain):
            table[k] += count, total[observable], squares[observable]
    if depth == 0 or table[0, 0] < 2:
        return 0.5
    mean = table[0, 1] / table[0, 0]
    used = table[table[:, 0] >= 128]
    if used.size == 0:
        return 0.5
    variance = used[:, 2] / used[:, 0] - 2.0 * mean * used[:, 1] / used[:, 0] + mean**2
    if not variance[0] > 1e-14 * max(mean**2, 1e-300):
        return 0.5
    return float(max(0.5, np.max(0.5 * 2.0 ** np.arange(variance.size) * variance / variance[0])))
