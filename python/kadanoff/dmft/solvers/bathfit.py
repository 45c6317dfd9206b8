"""Fit of a hybridisation function by a few bath sites.

``chi2 = 1/N sum_n w_n**(-alpha) |Delta(i w_n) - sum_k V_k**2 / (i w_n - e_k)|**2``, over N
frequencies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import internal, public, unknown_keyword
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff._base.warning import warn
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.solvers.energy_units import in_unit, power_of_two
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic
from kadanoff.runs.result_files import storable

__all__ = ["BathFit", "PoorFit", "checked_fit", "fit_bath", "fitted"]

MAX_SITES = 12
MAX_STARTS = 1000
MAX_ALPHA = 10.0  # beyond it one frequency has all the weight, and chi2 overflows in the end
POOR = 2.0
"""Ratio of chi2 to that of a starting point with refitted weights above which a fit is poor."""
EXACT = 1e-5
"""Deviation relative to Delta below which no fit is poor."""
MAX_MERGED = 64  # levels of a bath that are merged one by one to a starting point


class PoorFit(UserWarning):
    """The fit of a bath is far worse than its number of sites allows."""


@storable
@public
@dataclass(frozen=True, eq=False)
class BathFit:
    """A fitted bath and the quality of the fit.

    Parameters
    ----------
    bath : DiscreteBath
        The sites, ascending in e, V >= 0.
    chi2 : float
        The minimum of the cost.
    deviation : array, shape (N,)
        |Delta - fit| at the frequencies of the fit, in units of energy; the error of a noisy Delta
        is added in squares.
    used : int
        Number N of frequencies in the fit.
    starts : int
        Number of starting points.
    seed : int
        Seed of the random starting points.

    Examples
    --------
    >>> from kadanoff import bands
    >>> from kadanoff.dmft import Impurity, fit_bath
    >>> fit = fit_bath(Impurity(2.0, 20.0, bands.SemicircularBand(1.0)), 4, seed=1)
    >>> fit.deviation.size == fit.used
    True
    """

    bath: DiscreteBath
    chi2: float
    deviation: FloatArray
    used: int
    starts: int
    seed: int

    def __repr__(self) -> str:
        return (
            f"BathFit({self.bath.sites} sites, chi2={self.chi2:.3g}, largest deviation "
            f"{np.max(self.deviation):.2g} at {self.used} frequencies, {self.starts} starts, "
            f"seed={self.seed})"
        )

    def error_of(self, G_iw: ComplexArray) -> float:
        """The error of G to first order in that of Delta, at fixed Sigma: max |G|**2 |dDelta|."""
        G = checks.array("G_iw", G_iw, dtype=np.complex128, ndim=1)
        if not G.size:
            raise ValueError("G_iw must hold at least one frequency, got none")
        return self.by_deviation(G)

    @internal
    def by_deviation(self, G_iw: ComplexArray) -> float:
        """As `error_of`, for values that are checked already."""
        n = min(G_iw.size, self.deviation.size)
        return float((np.abs(G_iw[:n]) ** 2 * self.deviation[:n]).max())


@public
def fit_bath(
    problem: Impurity,
    sites: int,
    *,
    frequencies: int | None = None,
    alpha: float = 1.0,
    starts: int = 8,
    symmetric: bool | None = None,
    start: DiscreteBath | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> BathFit:
    """Fit the hybridisation function of a problem by a bath of a few sites.

    Parameters
    ----------
    problem : Impurity
        The problem whose Delta is fitted.
    sites : int
        Number of bath sites, 1 to 12.
    frequencies : int, optional
        Matsubara frequencies in the cost; by default those below six times the root mean square
        energy of the bath.
    alpha : float
        Exponent of the weight ``w_n**(-alpha)`` in the cost, -10 to 10.
    starts : int
        Number of starting points; the best of the minima is taken.
    symmetric : bool, optional
        Whether sites come in pairs (e, V), (-e, V), with one site at zero if their number is odd.
        By default if Delta is odd.
    start : DiscreteBath, optional
        Additional starting point, such as the bath of the previous iteration.
    threads, progress : optional
        As in :func:`kadanoff.dmft.solve`; a fit takes milliseconds, on one thread.
    control : Control, optional
        To cancel from another thread.
    seed : int, optional
        Seed of the random starting points; by default drawn from the operating system.

    Returns
    -------
    BathFit
        The best of the minima found.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range, or Delta vanishes.

    Notes
    -----
    Minimises ``1/N sum_n w_n**(-alpha) |Delta(i w_n) - sum_k V_k**2 / (i w_n - e_k)|**2`` over the
    N frequencies by the Levenberg-Marquardt method. The logarithms of the weights are the free
    parameters, so that V**2 > 0.

    Examples
    --------
    >>> from kadanoff.dmft import DiscreteBath, Impurity
    >>> problem = Impurity(U=2.0, beta=20, bath=DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
    >>> print(f"{fit_bath(problem, 2, seed=1).bath.e[1]:.4f}")
    0.4000
    """
    if not isinstance(problem, Impurity):
        raise TypeError(f"problem must be an Impurity, got {type(problem).__name__}")
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    options = {
        "frequencies": frequencies,
        "alpha": alpha,
        "starts": starts,
        "symmetric": symmetric,
        "start": start,
    }
    return fitted(problem, checks.whole("sites", sites, most=MAX_SITES), run, checked_fit(options))


def checked_fit(options: Any) -> dict[str, Any]:
    """Options of `fit_bath`, checked one by one.

    Raises
    ------
    TypeError, ValueError
        An option is unknown, of the wrong kind or out of range.
    """
    if not isinstance(options, Mapping):
        raise TypeError(f"fit must be a mapping of options of fit_bath, got {options!r}")
    found: dict[str, Any] = {}
    for name, value in options.items():
        if name not in FIT:
            raise unknown_keyword("fit_bath", name, FIT)
        if name == "alpha":
            value = checks.real(name, value, least=-MAX_ALPHA, most=MAX_ALPHA)
        elif name == "starts":
            value = checks.whole(name, value, most=MAX_STARTS)
        elif name == "frequencies" and value is not None:
            value = checks.whole(name, value)
        elif name == "symmetric" and value is not None:
            value = checks.flag(name, value)
        elif name == "start" and not (value is None or isinstance(value, DiscreteBath)):
            raise TypeError(f"start must be a DiscreteBath or None, got {type(value).__name__}")
        elif name == "seed" and value is not None:
            value = checks.seed(value)
        found[name] = value
    return found


FIT = ("frequencies", "alpha", "starts", "symmetric", "start", "seed")
"""Options that solvers pass on to a fit."""


def fitted(problem: Impurity, sites: int, run: Run, options: Mapping[str, Any]) -> BathFit:
    """As `fit_bath`, for arguments that are checked already."""
    moments = problem.Delta_moments()
    if moments[0] <= 0.0:
        raise ValueError(
            "problem has no bath to fit: Delta vanishes; solvers return the exact atom for it"
        )
    frequencies, symmetric = options.get("frequencies"), options.get("symmetric")
    seed = options.get("seed")
    seed = run.seed if seed is None else seed
    beta = problem.beta
    spread = _spread(problem, moments)
    unit = power_of_two(spread)
    if unit != 1.0:
        return _in_other_unit(problem, sites, run, options, unit)
    if frequencies is None:
        most = 6.0 * max(spread, 2.0 / beta)
        frequencies = max(2 * sites, math.ceil(0.5 * (most * beta / math.pi - 1.0)))
        frequencies = min(frequencies, 4096)
    Delta = problem.Delta().at_first(frequencies)
    if symmetric is None:
        symmetric = bool((np.abs(Delta.real) <= 1e-9 * np.abs(Delta).max()).all())
    w_n = fermionic(beta, frequencies)
    free = _Parameters(sites, symmetric)
    starts, start = options.get("starts", 8), options.get("start")
    points = _starting_points(problem, free, moments, spread, beta, starts, start, seed)
    low, high = free.bounds(spread, float(moments[0]))
    best, chi2 = _core.ed_bath_fit(
        Delta,
        w_n,
        w_n ** -options.get("alpha", 1.0) / frequencies,
        sites,
        symmetric,
        low,
        high,
        np.array(points),
        control=run.control,
    )
    e, weight = free.sites_of(best)
    order = e.argsort(kind="stable")
    bath = DiscreteBath.own(e[order], np.sqrt(weight[order]))
    fit = GreenFunction.own(e, weight, beta)
    deviation = np.abs(Delta - fit.at_first(frequencies))
    if isinstance(problem.bath, MatsubaraBath):
        trials = [np.clip(x, low, high) for x in points]
        _compare(chi2, free, trials, Delta, w_n, options.get("alpha", 1.0))
        deviation = np.hypot(deviation, problem.bath.noise(beta, frequencies))
    return BathFit(bath, chi2, deviation, frequencies, len(points), seed)


def _spread(problem: Impurity, moments: Sequence[float]) -> float:
    """The energy of the bath, by its moments; by its values where the two have nothing in common.

    ``-w Im Delta(iw)`` rises to m_0 and is half of it at the root mean square energy of one level.
    """
    beta = problem.beta
    spread = math.sqrt(max(moments[2] / moments[0], (1e-6 / beta) ** 2))
    if isinstance(problem.bath, MatsubaraBath):
        values = problem.Delta().at_first(problem.bath.Delta.size)
        w_n = fermionic(beta, values.size)
        rise = -w_n * values.imag
        half = float(w_n[np.argmax(rise >= 0.5 * np.max(rise))])
        if half > w_n[0] and not 0.1 * half < spread < 100.0 * half:
            return half
    return spread


def _compare(
    chi2: float,
    free: _Parameters,
    trials: Sequence[FloatArray],
    Delta: ComplexArray,
    w_n: FloatArray,
    alpha: float,
) -> None:
    """Warn if the fit is worse than one of its starting points, whose weights are then refitted."""
    from scipy.optimize import nnls

    cost = w_n ** (-0.5 * alpha) / math.sqrt(w_n.size)
    for trial in trials:
        e, _ = free.sites_of(trial)
        columns = cost[:, None] / (1j * w_n[:, None] - e)
        parts = [np.concatenate([x.real, x.imag]) for x in (columns, cost * Delta)]
        found = float(nnls(*parts)[1]) ** 2
        if chi2 > max(POOR * found, EXACT**2 * float(np.sum(np.abs(cost * Delta) ** 2))):
            warn(
                f"the fit of {free.sites} bath sites is poor: chi2 = {chi2:.2g}, while sites at "
                f"other energies reach {found:.2g}; raise starts, or give moments of Delta that "
                "belong to its values",
                PoorFit,
            )
            return


def _in_other_unit(
    problem: Impurity, sites: int, run: Run, options: Mapping[str, Any], unit: float
) -> BathFit:
    """The fit in a unit of energy in which the levels are of the order of one."""
    start = options.get("start")
    if start is not None:
        scaled = DiscreteBath.own(np.array(start.e) / unit, np.array(start.V) / unit)
        options = {**options, "start": scaled}
    found = fitted(in_unit(problem, unit), sites, run, options)
    bath = DiscreteBath.own(unit * np.array(found.bath.e), unit * np.array(found.bath.V))
    chi2 = found.chi2 * unit ** (2.0 - options.get("alpha", 1.0))
    return BathFit(bath, chi2, unit * found.deviation, found.used, found.starts, found.seed)


class _Parameters:
    """The free parameters of a fit.

    Free are (e_k, ln V_k**2); in the symmetric case ln |e_k| of each pair, ln V_k**2, and ln
    V_0**2 of a site at zero.
    """

    def __init__(self, sites: int, symmetric: bool) -> None:
        self.sites, self.symmetric = sites, symmetric
        self.pairs = sites // 2

    def sites_of(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Levels and V**2."""
        if not self.symmetric:
            return x[: self.sites].copy(), np.exp(x[self.sites :])
        e, weight = np.exp(x[: self.pairs]), np.exp(x[self.pairs : 2 * self.pairs])
        middle = np.exp(x[2 * self.pairs :])
        return (
            np.concatenate([-e, np.zeros(middle.size), e]),
            np.concatenate([weight, middle, weight]),
        )

    def bounds(self, spread: float, weight: float) -> tuple[list[float], list[float]]:
        """Bounds of the free parameters, which exclude sites without weight or far outside."""
        levels, strengths = self.sites, self.sites
        level = (-100.0 * spread, 100.0 * spread)
        if self.symmetric:
            levels, strengths = self.pairs, self.sites - self.pairs
            level = (math.log(1e-7 * spread), math.log(100.0 * spread))
        strength = (math.log(1e-14 * weight), math.log(1e4 * weight))
        low, high = zip(*[level] * levels, *[strength] * strengths, strict=True)
        return list(low), list(high)

    def of(self, e: FloatArray, weight: FloatArray) -> FloatArray:
        """Parameters of the given sites."""
        if not self.symmetric:
            return np.concatenate([e, np.log(weight)])
        order = np.argsort(np.abs(e), kind="stable")
        e, weight = np.abs(e[order]), weight[order]
        odd = self.sites % 2
        middle = weight[:odd]
        e, weight = e[odd:].reshape(-1, 2).mean(axis=1), weight[odd:].reshape(-1, 2).mean(axis=1)
        return np.concatenate([np.log(np.maximum(e, 1e-300)), np.log(weight), np.log(middle)])


def _starting_points(
    problem: Impurity,
    free: _Parameters,
    moments: Any,
    spread: float,
    beta: float,
    starts: int,
    start: DiscreteBath | None,
    seed: int,
) -> list[FloatArray]:
    m = free.sites
    centre = moments[1] / moments[0]
    found = []
    if start is not None:
        if start.sites != m:
            raise ValueError(f"start must have {m} sites, got {start.sites}")
        found.append(free.of(np.array(start.e), np.maximum(np.square(start.V), 1e-12 * moments[0])))
    star = problem.star() or _on_a_grid(problem, spread, centre)
    if m < star[0].size <= MAX_MERGED:
        for first in range(2):
            e, weight = _core.ed_merged(*star, m, math.pi / beta, first)
            found.append(free.of(e, np.maximum(weight, 1e-12 * moments[0])))
    about, same = 0.0 if free.symmetric else centre, np.full(m, moments[0] / m)
    even = (np.arange(1, m + 1) * (2.0 / (m + 1)) - 1.0) * 2.0 * spread
    found.append(free.of(even + about, same))
    if starts > 1:  # geometric towards the Fermi level
        side = 1.5 * spread * 0.3 ** np.arange(m // 2)
        found.append(free.of(np.concatenate([-side, [0.0] * (m % 2), side]) + about, same))
    if starts > 2:
        rng = np.random.default_rng(seed)
        for _ in range(starts - 2):
            e = spread * rng.choice([-1.0, 1.0], m) * 10.0 ** rng.uniform(-1.7, 0.4, m)
            found.append(free.of(e + about, same * rng.uniform(0.3, 1.7, m)))
    return found


def _on_a_grid(problem: Impurity, spread: float, centre: float) -> tuple[FloatArray, FloatArray]:
    """Levels on a grid, and their non-negative weights that fit Delta best."""
    from scipy.optimize import nnls

    beta = problem.beta
    top = max(6.0 * spread, 8.0 / beta)
    last = max(16, math.ceil(0.5 * top * beta / math.pi))
    n = np.unique(np.rint(np.geomspace(1, last, 24)).astype(int)) - 1
    side = np.geomspace(0.5 / beta, max(3.0 * spread, 3.0 / beta), 16)
    e = np.concatenate([-side[::-1], [0.0], side]) + centre
    Delta = problem.Delta().at_first(last)[n]
    w_n = fermionic(beta, last)[n]
    columns = 1.0 / (1j * w_n[:, None] - e)
    parts = [np.concatenate([x.real, x.imag]) for x in (columns, Delta)]
    weight = nnls(*parts)[0]
    keep = weight > 1e-9 * np.sum(weight)
    return e[keep], weight[keep]
