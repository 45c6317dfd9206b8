r"""T_c and nu from the flow: two lattices that end equal.

After k steps a lattice of L sites has become one of L / b^k. T_c and nu follow from lattices of
equal size that have been through a different number of steps [1]_: with S_k(T; L) the correlation
of neighbouring block spins,

    S_{k+1}(T_c; b L) = S_k(T_c; L),
    b^{1/nu} = (dS_{k+1}(T; b L) / dT) / (dS_k(T; L) / dT)      at T_c.

Both lattices have the same number of block spins, so that finite size drops out; only the distance
of the flow from its fixed point, which shrinks with every step, is left.

References
----------
.. [1] K. G. Wilson, in Recent Developments in Gauge Theories (1980); R. H. Swendsen, Phys. Rev.
       Lett. 42, 859 (1979), doi:10.1103/PhysRevLett.42.859
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.blockspin.rules import BlockRule
from kadanoff.lattices.rsmi.autocorrelation import chunk_means
from kadanoff.lattices.rsmi.configurations import Configurations, configurations_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MAX_DEGREE", "CriticalPoint", "beyond_noise", "checked_rules", "critical_point"]

MAX_DEGREE = 20  # of polynomials; higher ones oscillate between the temperatures

BOOTSTRAPS = 200
# What is left after a step of (T_c, nu), in units of its change: corrections to scaling shrink by
# b^-omega, in T_c by b^-(omega + 1/nu), which is 1/2 and 1/4 for omega = nu = 1 and b = 2.
REST = np.array([1 / 3, 1.0])


@public
@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """T_c and nu from two lattices, the larger one coarse-grained once more.

    Parameters
    ----------
    T_c, T_c_error : float
        Critical temperature in units of J / k_B, and its error: bootstrap over configurations,
        times the square root of `chi2` where that exceeds 1, and the change from the step before
        beyond two standard deviations of its own scatter, in quadrature. Of a single step, that is
        a third of the change from bare spins.
    nu, nu_error : float
        Exponent of the correlation length, and its error, found in the same way; of a single step
        with the whole change from bare spins.
    T : array, shape (temperatures,)
        Temperatures of the samples, in units of J / k_B.
    small, large : arrays, shape (steps, temperatures)
        Correlation after k steps on the small and k + 1 on the large lattice.
    steps : array, shape (steps, 2)
        (T_c, nu) of every step.
    seed : int
        Seed of block spins and bootstrap.
    chi2 : float, default 0
        Chi squared per degree of freedom of the polynomials of the last step. Much above 1 the
        temperatures are too far apart for their degree.
    small_error, large_error : arrays, shape (steps, temperatures), optional
        Standard errors of `small` and `large`, by the jackknife.

    Examples
    --------
    >>> CriticalPoint(
    ...     T_c=2.268,
    ...     T_c_error=0.004,
    ...     nu=1.02,
    ...     nu_error=0.03,
    ...     T=np.array([2.2, 2.4]),
    ...     seed=0,
    ...     small=np.ones((1, 2)),
    ...     large=np.ones((1, 2)),
    ...     steps=np.array([[2.268, 1.02]]),
    ... )
    CriticalPoint(T_c = 2.2680 +- 0.0040, nu = 1.020 +- 0.030)
    """

    T_c: float
    T_c_error: float
    nu: float
    nu_error: float
    T: FloatArray
    small: FloatArray
    large: FloatArray
    steps: FloatArray
    seed: int
    chi2: float = 0.0
    small_error: FloatArray | None = None
    large_error: FloatArray | None = None

    def __repr__(self) -> str:
        return f"CriticalPoint({self})"

    def __str__(self) -> str:
        return (
            f"T_c = {self.T_c:.4f} +- {self.T_c_error:.4f}, "
            f"nu = {self.nu:.3f} +- {self.nu_error:.3f}"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "T_c": f"{self.T_c:.4f} +- {self.T_c_error:.4f}",
            "nu": f"{self.nu:.3f} +- {self.nu_error:.3f}",
            "T": (float(self.T.min()), float(self.T.max())),
            "temperatures": len(self.T),
            "steps": len(self.steps),
            "chi^2 per degree of freedom": self.chi2,
            "seed": self.seed,
        }
        return html.table("Critical point", rows, html.sparkline(self.large[-1] - self.small[-1]))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Both curves and their crossing at the last step. Returns the axes."""
        from kadanoff.lattices.rsmi.plots import plot_critical_point

        return plot_critical_point(self, ax=ax, **style)


@public
def critical_point(
    small: Sequence[Any],
    large: Sequence[Any],
    rules: Sequence[BlockRule],
    *,
    degree: int = 5,
    seed: int | None = None,
) -> CriticalPoint:
    """Determine T_c and nu from samples of two lattices, L and b L, at the same temperatures.

    Parameters
    ----------
    small, large : sequences of IsingSamples, or of Configurations with `T` and `energy`
        One per temperature, at least (degree + 2) / 2; the large lattice is b times longer.
        The temperatures lie on both sides of the transition, in any arrangement.
    rules : sequence of BlockRule
        The rule of each step, for instance ``flow(...).rules``; the large lattice takes one more.
    degree : int, default 5
        Degree of the polynomials in T, at most 20.
    seed : int, optional
        Seed of block spins and bootstrap; drawn if not given.

    Returns
    -------
    CriticalPoint
        T_c (units of J / k_B) and nu with errors, and both of every step.

    Raises
    ------
    TypeError
        Runs that do not know T and energy, or rules of another kind.
    ValueError
        Sizes or numbers that do not belong together, or curves that do not cross.

    Notes
    -----
    The curves S(T) are fitted to averages and to their derivatives, which the same samples give:
    ``dS / dT = cov(S, E) / T^2`` with the energy E of the bare spins. Errors: bootstrap of the
    configurations, and the change from the step before beyond two standard deviations of its own
    scatter, in quadrature. With two rules only one step is compared, and nothing shows how far the
    flow is from its fixed point but the curves of bare spins, S_0(T; L) and S_1(T; b L): a third of
    the change of T_c and the whole one of nu is left where corrections fall as 1/L. Three rules say
    more.

    Examples
    --------
    >>> import kadanoff as kd
    >>> T = (2.1, 2.2, 2.3, 2.4, 2.5)
    >>> small, large = ([kd.ising.sample(L=L, T=t, n=500, seed=1) for t in T] for L in (8, 16))
    >>> found = critical_point(small, large, [kd.blockspin.Majority()] * 2, seed=0)
    >>> abs(found.T_c - kd.ising.T_c) < 5 * found.T_c_error
    True
    """
    seed, degree = checks.seed(seed), checks.whole("degree", degree, most=MAX_DEGREE)
    rules = checked_rules(rules)
    if len(rules) < 2:
        raise ValueError("rules must hold at least two steps, one for the small lattice")
    small, large = checked_runs("small", small), checked_runs("large", large)
    if len(small) != len(large) or 2 * len(small) < degree + 2:
        raise ValueError(
            f"small and large must have one run per temperature, of at least {(degree + 3) // 2} "
            f"temperatures, got {len(small)} and {len(large)}"
        )
    T = checks.array("T", [run.T for run in small])
    if [run.T for run in large] != T.tolist():
        raise ValueError("small and large must be sampled at the same temperatures")
    b = rules[0].shape[0]
    if {b * n for run in small for n in run.axes} != {n for run in large for n in run.axes}:
        raise ValueError(f"the large lattice must be {b} times as long as the small one")
    # Sums over chunks of configurations, one array per temperature: (S_0, ..., S_k, E, S_0 E, ...),
    # of the large lattice from S_1 to S_{k+1}.
    chunks = [
        [
            _chunks(
                run, rules[: len(rules) - 1 + which], bare=not which, seed=seed + 1000 * i + which
            )
            for i, run in enumerate(runs)
        ]
        for which, runs in enumerate((small, large))
    ]
    steps = len(rules) - 1
    curves = [[_moments(c.mean(axis=0), t) for c, t in zip(run, T, strict=True)] for run in chunks]
    errors = [[_errors(c, t) for c, t in zip(run, T, strict=True)] for run in chunks]
    found = np.array([_crossing(T, curves, errors, k, b, degree) for k in range(1, steps + 1)])
    before = found[-2] if steps > 1 else _crossing_or_nan(T, curves, errors, 0, b, degree)
    chi2 = _chi2(T, curves, errors, steps, degree)
    rng = np.random.default_rng([seed, 0x74635F6E])
    again = []
    for _ in range(BOOTSTRAPS):
        drawn = [
            [
                _moments(c[rng.integers(0, len(c), len(c))].mean(axis=0), t)
                for c, t in zip(run, T, strict=True)
            ]
            for run in chunks
        ]
        try:
            last = _crossing(T, drawn, errors, steps, b, degree)
        except ValueError:
            continue
        again.append((last, _crossing_or_nan(T, drawn, errors, steps - 1, b, degree)))
    if len(again) < BOOTSTRAPS * 3 // 4:
        raise ValueError("the curves hardly differ: more configurations are needed")
    ends = np.array(again)
    noise = np.std(ends[:, 0], axis=0, ddof=1) * math.sqrt(max(1.0, chi2))
    if math.isnan(before[0]):  # beyond the temperatures, nobody knows how far
        drift = np.array([np.abs(T - found[-1, 0]).max(), found[-1, 1]])
    else:
        drift = beyond_noise(found[-1] - before, ends[:, 0] - ends[:, 1])
    if steps == 1:
        drift *= REST
    error = np.hypot(noise, drift)
    return CriticalPoint(
        T_c=float(found[-1, 0]),
        T_c_error=float(error[0]),
        nu=float(found[-1, 1]),
        nu_error=float(error[1]),
        T=T,
        small=np.array([[m[0][k] for m in curves[0]] for k in range(1, steps + 1)]),
        large=np.array([[m[0][k] for m in curves[1]] for k in range(1, steps + 1)]),
        steps=found,
        seed=seed,
        chi2=chi2,
        small_error=np.array([[m[0][k] for m in errors[0]] for k in range(1, steps + 1)]),
        large_error=np.array([[m[0][k] for m in errors[1]] for k in range(1, steps + 1)]),
    )


def beyond_noise(change: FloatArray, again: FloatArray) -> FloatArray:
    """The part of a change beyond two standard deviations of its own scatter, in quadrature.

    Parameters
    ----------
    change : array, shape (numbers,)
    again : array, shape (draws, numbers)
        The same change in samples that were drawn again; NaN where there is none.

    Examples
    --------
    >>> again = np.array([[1.0], [-1.0], [math.nan]])
    >>> beyond_noise(np.array([3.0]), again).round(3).tolist()
    [1.0]
    """
    there = again[np.isfinite(again).all(axis=1)]
    scatter = there.var(axis=0, ddof=1) if len(there) > 1 else np.zeros_like(change)
    return np.asarray(np.sqrt(np.maximum(0.0, np.square(change) - 4 * scatter)))


def checked_rules(rules: object) -> tuple[BlockRule, ...]:
    """The rule of each step."""
    if not isinstance(rules, Sequence) or not all(isinstance(r, BlockRule) for r in rules):
        raise TypeError(f"rules must be a sequence of BlockRules, got {rules!r}")
    return tuple(rules)


def checked_runs(name: str, runs: object) -> list[Configurations]:
    """Configurations that know their temperature and their energies."""
    remedy = "kd.rsmi.Configurations(array, T=..., energy=...) or samples of kd.ising.sample"
    if not isinstance(runs, Sequence):
        raise TypeError(f"{name} must be a sequence of {remedy}, got {runs!r}")
    made = []
    for i, run in enumerate(runs):
        if not hasattr(run, "T") or not hasattr(run, "energy"):
            raise TypeError(f"{name} must hold {remedy}, which know T and energy")
        found = configurations_of(run)
        for field in ("T", "energy"):
            if getattr(found, field) is None:
                raise TypeError(f"{name}[{i}] must know {field}: pass {remedy}")
        if found.edges is not None:
            raise ValueError(
                f"{name}[{i}] must be of a lattice: the blocks of a graph do not repeat"
            )
        if found.disorder:
            raise ValueError(f"{name}[{i}] must be translation invariant, got disorder=True")
        made.append(found)
    return made


def _chunks(
    run: Configurations, rules: Sequence[BlockRule], *, bare: bool, seed: int
) -> FloatArray:
    # No pairs of bare spins under a mask: a curve that crosses nothing.
    level, series = run, [np.nan_to_num(run.neighbours()[:, 0])] if bare else []
    for k, rule in enumerate(rules):
        level = level.coarse(rule, seed=(seed + 10 * k) % 2**64)
        series.append(level.neighbours()[:, 0])
    assert run.energy is not None
    E = run.energy * run.sites
    rows = np.stack([*series, E, *(x * (E - E.mean()) for x in series), E - E.mean()], axis=1)
    return chunk_means(rows, [*series, E])


def _moments(mean: FloatArray, T: float) -> tuple[FloatArray, FloatArray]:
    """S and dS/dT of all steps."""
    k = (len(mean) - 2) // 2
    S, cross, centre = mean[:k], mean[k + 1 : 2 * k + 1], mean[-1]
    return S, (cross - S * centre) / T**2


def _errors(chunks: FloatArray, T: float) -> tuple[FloatArray, FloatArray]:
    """Standard errors of S and dS/dT by the jackknife over chunks."""
    n = len(chunks)
    total = chunks.sum(axis=0)
    left = [_moments((total - c) / (n - 1), T) for c in chunks]
    return (
        np.std([x[0] for x in left], axis=0) * np.sqrt(n - 1),
        np.std([x[1] for x in left], axis=0) * np.sqrt(n - 1),
    )


def _fits(
    T: FloatArray, curves: Any, errors: Any, k: int, degree: int
) -> list[tuple[np.polynomial.Polynomial, float]]:
    """Polynomials of the two curves in (T - centre) / scale, with their chi squared."""
    centre, scale = float(T.mean()), float(np.ptp(T)) / 2
    t = (T - centre) / scale
    powers = np.arange(degree + 1)
    fits = []
    for moments, sigma in zip(curves, errors, strict=True):
        value, slope = (np.array([m[i][k] for m in moments]) for i in (0, 1))
        of_value, of_slope = (np.maximum([s[i][k] for s in sigma], 1e-12) for i in (0, 1))
        rows = t[:, None] ** powers
        slopes = powers * t[:, None] ** np.maximum(powers - 1, 0) / scale
        A = np.concatenate([rows / of_value[:, None], slopes / of_slope[:, None]])
        y = np.concatenate([value / of_value, slope / of_slope])
        solved = np.linalg.lstsq(A, y, rcond=None)[0]
        fits.append((np.polynomial.Polynomial(solved), float(np.sum((A @ solved - y) ** 2))))
    return fits


def _chi2(T: FloatArray, curves: Any, errors: Any, k: int, degree: int) -> float:
    """Per degree of freedom, of both curves; 0 where the polynomials pass through all points."""
    freedom = 2 * (2 * len(T) - degree - 1)
    total = sum(chi2 for _, chi2 in _fits(T, curves, errors, k, degree))
    return total / freedom if freedom else 0.0


def _crossing_or_nan(
    T: FloatArray, curves: Any, errors: Any, k: int, b: int, degree: int
) -> tuple[float, float]:
    try:
        return _crossing(T, curves, errors, k, b, degree)
    except ValueError:
        return math.nan, math.nan


def _crossing(
    T: FloatArray, curves: Any, errors: Any, k: int, b: int, degree: int
) -> tuple[float, float]:
    centre, scale = float(T.mean()), float(np.ptp(T)) / 2
    one, two = (fit for fit, _ in _fits(T, curves, errors, k, degree))
    roots = (two - one).roots()
    found = roots[np.abs(roots.imag) < 1e-9].real
    found = found[np.abs(found) <= 1]
    # Ordered phases meet at S = 1 and disordered ones at S = 0: the crossing is where they part.
    found = found[[(two.deriv() - one.deriv())(x) < 0 for x in found]]
    if len(found) == 0:
        raise ValueError(
            "the curves do not cross: take temperatures on both sides of the transition"
        )
    x = float(found[np.argmin([two.deriv()(x) - one.deriv()(x) for x in found])])
    ratio = two.deriv()(x) / one.deriv()(x)
    if not ratio > 1:
        raise ValueError("the curves cross without steepening: this is no critical point")
    return centre + scale * x, float(np.log(b) / np.log(ratio))
