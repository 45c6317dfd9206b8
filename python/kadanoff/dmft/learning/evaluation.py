"""Evaluation of learned solvers: errors against the inputs, learning curves, and time gained."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.html import sparkline, table
from kadanoff._base.progress import Report as ProgressReport
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.learning.encoding import NODES
from kadanoff.dmft.learning.learned import LearnedSolver, learn, samples_of
from kadanoff.dmft.protocol import solve
from kadanoff.dmft.solution import Solution
from kadanoff.greens import chebyshev_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BreakEven",
    "LearningCurve",
    "Report",
    "break_even",
    "learning_curve",
    "report",
]

METRICS = ("mse", "dSigma", "dZ", "dn", "ddocc", "acausal")


@public
@dataclass(frozen=True, eq=False)
class Report:
    """Errors by temperature and solver on a test set of K problems.

    Parameters
    ----------
    beta : array, shape (B,)
        Inverse temperatures.
    solvers : tuple of str
        The uncorrected inputs, and "learned".
    mse, dSigma, dZ, dn, ddocc, acausal : dict of str to array, shape (B,)
        Mean square error of G(tau); means of |dSigma(i w_0)|, |dZ|, |dn|, |d docc|; share of
        samples with Im Sigma > 0 somewhere at `encoding.NODES`.
    dSigma_50, dSigma_90, dZ_90 : dict of str to array, shape (B,)
        Medians and 90th percentiles, for errors whose mean a few problems dominate.
    covered : array, shape (B, 2)
        Share of |d Im Sigma| within the 68 and the 95 % interval, over samples and frequencies.
    pulls : tuple of array, shape (K, N)
        |d Im Sigma| over the 68 % interval, by temperature: for the picture of the calibration.
    far : array, shape (B,)
        Share of samples flagged as outside.
    """

    beta: FloatArray
    solvers: tuple[str, ...]
    mse: dict[str, FloatArray]
    dSigma: dict[str, FloatArray]
    dSigma_50: dict[str, FloatArray]
    dSigma_90: dict[str, FloatArray]
    dZ: dict[str, FloatArray]
    dZ_90: dict[str, FloatArray]
    dn: dict[str, FloatArray]
    ddocc: dict[str, FloatArray]
    acausal: dict[str, FloatArray]
    covered: FloatArray
    pulls: tuple[FloatArray, ...]
    far: FloatArray

    def __repr__(self) -> str:
        learned = self.dSigma["learned"]
        best = np.min([self.dSigma[name] for name in self.solvers[:-1]], axis=0)
        return (
            f"Report({self.beta.size} temperatures {self.beta[0]:g} <= beta <= {self.beta[-1]:g}: "
            f"mean |dSigma(iw0)| {np.min(learned):.2g} to {np.max(learned):.2g}, "
            f"best input {np.min(best):.2g} to {np.max(best):.2g})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {}
        for b, beta in enumerate(self.beta):
            for name in self.solvers:
                rows[f"beta = {beta:g}, {name}"] = (
                    f"|dSigma(iw0)| {self.dSigma[name][b]:.2g} "
                    f"(median {self.dSigma_50[name][b]:.2g}), "
                    f"|dZ| {self.dZ[name][b]:.2g}, |dn| {self.dn[name][b]:.2g}"
                )
        picture = sparkline(np.log10(np.maximum(self.dSigma["learned"], 1e-300)))
        return table("Errors on a test set; learned |dSigma(iw0)| against beta", rows, picture)

    def __str__(self) -> str:
        head = "  beta  solver     MSE of G(tau)  |dSigma(iw0)|    median      90 %      |dZ|"
        lines = [head + "      90 %      |dn|   |ddocc|  acausal"]
        for b, beta in enumerate(self.beta):
            for name in self.solvers:
                row = [
                    self.mse[name][b],
                    self.dSigma[name][b],
                    self.dSigma_50[name][b],
                    self.dSigma_90[name][b],
                    self.dZ[name][b],
                    self.dZ_90[name][b],
                    self.dn[name][b],
                    self.ddocc[name][b],
                ]
                numbers = f"{row[0]:13.1e}  {row[1]:13.1e}" + "".join(f"{x:10.1e}" for x in row[2:])
                lines.append(f"{beta:6g}  {name:9}{numbers}{self.acausal[name][b]:9.1%}")
        return "\n".join(lines)

    @public
    def plot(self, ax: Axes | None = None, *, quantity: str = "dSigma", **style: Any) -> Axes:
        """Draw an error against beta, by solver, or the calibration of the intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        quantity : str
            "mse", "dSigma", "dSigma_50", "dSigma_90", "dZ", "dZ_90", "dn", "ddocc", or
            "calibration": the share of errors below a multiple of the 68 % interval.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.learning.plots import plot_report

        return plot_report(self, ax, quantity=quantity, **style)


@public
def report(
    learned: LearnedSolver,
    test: Database,
    *,
    progress: bool | ProgressReport | None = None,
    control: _core.Control | None = None,
) -> Report:
    """Errors of a learned solver on a test set, and those of its inputs.

    Parameters
    ----------
    learned : LearnedSolver
        The solver. Problems outside its training set are predicted too, not solved exactly.
    test : Database
        Test set, with the inputs and the target of `learned`.
    progress, control : optional
        As in :func:`kadanoff.dmft.solve`.

    Returns
    -------
    Report
        Errors by temperature and solver, and the calibration of the intervals.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind, or the test set lacks an input.
    Cancelled
        The evaluation was stopped.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     50, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> train, test = db.split(0.2, seed=1)
    >>> found = dmft.report(dmft.learn(train, members=2, seed=1), test)
    >>> found.solvers, found.dSigma["learned"].shape
    (('hubbard1', 'learned'), (1,))
    """
    if not isinstance(learned, LearnedSolver):
        raise TypeError(f"learned must be a LearnedSolver, got {type(learned).__name__}")
    run = Run.of(progress=progress, control=control, seed=0)
    with run.calling("evaluating") as keywords:
        return _report(learned, test, keywords)


def _report(learned: LearnedSolver, test: Database, keywords: dict[str, Any]) -> Report:
    if not isinstance(test, Database):
        raise TypeError(f"test must be a kadanoff.dmft.Database, got {type(test).__name__}")
    for name in (*learned.inputs, test.target):
        if name not in test.Sigma:
            raise ValueError(f"the test set has no {name!r}; it has {', '.join(test.Sigma)}")
    solvers = (*test.inputs, "learned")
    B, K = test.beta.size, len(test)
    error: dict[str, dict[str, FloatArray]] = {
        m: {s: np.zeros((B, K)) for s in solvers} for m in METRICS
    }
    covered, pulls, far = np.zeros((B, 2)), [], np.zeros(B)
    for b in range(B):
        beta = float(test.beta[b])
        times = chebyshev_times(beta, test.G_tau[test.target].shape[2])
        w0 = math.pi / beta
        truth = test.Sigma[test.target][:, b]
        Z = 1.0 / (1.0 - truth[:, 0].imag / w0)
        rows = []
        for i, sample in enumerate(samples_of(test, b, learned.inputs)):
            if keywords["control"] is not None and keywords["control"].cancelled:
                raise Cancelled("the evaluation was stopped")
            if keywords["report"] is not None:
                keywords["report"](b * K + i, B * K)
            found = learned.predict(sample)
            solution = _solution(learned, test, i, b, found)
            miss = np.abs(found.Sigma.iw(sample.w_n).imag - truth[i, NODES].imag)
            rows.append(miss / found.error68)
            covered[b] += np.mean(miss <= found.error68), np.mean(miss <= found.error95)
            far[b] += found.distance > learned.reach
            Sigma = {name: test.Sigma[name][i, b] for name in test.inputs}
            G = {name: test.G_tau[name][i, b] for name in test.inputs}
            n = {name: test.n[name][i, b] for name in test.inputs}
            docc = {name: test.docc[name][i, b] for name in test.inputs}
            Sigma["learned"], G["learned"] = solution.Sigma_iw, solution.G.tau(times)
            n["learned"], docc["learned"] = solution.n, solution.docc
            for name in solvers:
                s = Sigma[name]
                e = {m: error[m][name] for m in METRICS}
                e["mse"][b, i] = np.mean((G[name] - test.G_tau[test.target][i, b]) ** 2)
                e["dSigma"][b, i] = abs(s[0] - truth[i, 0])
                e["dZ"][b, i] = abs(1.0 / (1.0 - s[0].imag / w0) - Z[i])
                e["dn"][b, i] = abs(n[name] - test.n[test.target][i, b])
                e["ddocc"][b, i] = abs(docc[name] - test.docc[test.target][i, b])
                e["acausal"][b, i] = float(np.any(s[NODES].imag > 1e-12 * np.abs(s[0])))
        pulls.append(np.array(rows))

    def over(metric: str, how: Any) -> dict[str, FloatArray]:
        return {s: np.array([how(error[metric][s][b]) for b in range(B)]) for s in solvers}

    def ninety(x: FloatArray) -> float:
        return float(np.quantile(x, 0.9))

    return Report(
        test.beta,
        solvers,
        over("mse", np.mean),
        over("dSigma", np.mean),
        over("dSigma", np.median),
        over("dSigma", ninety),
        over("dZ", np.mean),
        over("dZ", ninety),
        over("dn", np.mean),
        over("ddocc", np.mean),
        over("acausal", np.mean),
        covered / K,
        tuple(pulls),
        far / K,
    )


def _solution(learned: LearnedSolver, test: Database, i: int, b: int, found: Any) -> Solution:
    from kadanoff.dmft.solvers.embedding import embedded_poles, on_frequencies

    problem, Sigma = test.impurity(i, b), found.Sigma
    G = embedded_poles(problem, problem.eps + Sigma.hartree, Sigma.poles, Sigma.weights)
    return on_frequencies(problem, "learned", Sigma.iw(test.w_n(b)), Sigma.tail, G)


@public
@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Mean |dSigma(i w_0)| against the number of training samples.

    Parameters
    ----------
    samples : array of int, shape (S,)
        Numbers of training samples, calibration included.
    dSigma : array, shape (S, B)
        Errors of the learned solver.
    inputs : dict of str to array, shape (B,)
        Errors of the uncorrected inputs.
    beta : array, shape (B,)
        Inverse temperatures.
    seed : int
        Seed of the regressions.
    """

    samples: FloatArray
    dSigma: FloatArray
    inputs: dict[str, FloatArray]
    beta: FloatArray
    seed: int

    def __repr__(self) -> str:
        first, last = (float(np.mean(self.dSigma[k])) for k in (0, -1))
        return (
            f"LearningCurve({self.samples.size} sizes {self.samples[0]} to {self.samples[-1]}, "
            f"{self.beta.size} temperatures: mean |dSigma(iw0)| {first:.2g} to {last:.2g})"
        )

    @public
    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the curve, one line per temperature.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; new ones by default.
        **style
            Passed on to ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from kadanoff.dmft.learning.plots import plot_learning_curve

        return plot_learning_curve(self, ax, **style)


@public
def learning_curve(
    train: Database,
    test: Database,
    sizes: Sequence[int],
    *,
    inputs: Sequence[str] | None = None,
    target: str = "log",
    model: str = "kernel ridge",
    members: int = 8,
    calibration: float = 0.2,
    outside: str = "fallback",
    reach: float = 2.0,
    exact: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | ProgressReport | None = None,
    control: _core.Control | None = None,
    seed: int | None = None,
) -> LearningCurve:
    """Measure the error against the number of training samples.

    Parameters
    ----------
    train, test : Database
        Training set and test set, as from ``database.split()``.
    sizes : sequence of int
        Numbers of training samples, ascending: the first samples of `train`.
    inputs, target, model, members, calibration, outside, reach, exact, settings : optional
        As in :func:`kadanoff.dmft.learn`.
    progress, control : optional
        As in :func:`kadanoff.dmft.solve`.
    seed : int, optional
        As in :func:`kadanoff.dmft.learn`, the same for all sizes.

    Returns
    -------
    LearningCurve
        Mean |dSigma(i w_0)| by number of samples and temperature.

    Raises
    ------
    TypeError, ValueError
        A size is out of range, or an argument of the training.
    Cancelled
        The computation was stopped.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     50, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> train, test = db.split(0.2, seed=1)
    >>> quick = {"gamma": 0.01, "alpha": 1e-3}
    >>> curve = dmft.learning_curve(train, test, [25, 40], members=2, settings=quick, seed=1)
    >>> curve.dSigma.shape
    (2, 1)
    """
    run = Run.of(progress=progress, control=control, seed=seed)
    for name, given in (("train", train), ("test", test)):
        if not isinstance(given, Database):
            raise TypeError(f"{name} must be a kadanoff.dmft.Database, got {checks.shown(given)}")
    counts = [checks.whole("sizes", size, most=len(train)) for size in sizes]
    if not counts:
        raise ValueError("sizes must hold at least one number of samples")
    found = []
    with run.calling("learning curve") as keywords:
        for k, size in enumerate(counts):
            learned = learn(
                train[:size],
                inputs=inputs,
                target=target,
                model=model,
                members=members,
                calibration=calibration,
                outside=outside,
                reach=reach,
                exact=exact,
                settings=settings,
                progress=False,
                control=control,
                seed=run.seed,
            )
            found.append(report(learned, test, progress=False, control=control))
            if keywords["report"] is not None:
                keywords["report"](k + 1, len(counts))
    curve = np.array([r.dSigma["learned"] for r in found])
    plain = {name: found[-1].dSigma[name] for name in test.inputs}
    return LearningCurve(np.array(counts), curve, plain, test.beta, run.seed)


@public
@dataclass(frozen=True)
class BreakEven:
    """Number of solves after which a learned solver has saved time.

    Parameters
    ----------
    invested : float
        Seconds for the database and for the training.
    learned, exact : float
        Seconds per solve, of the learned and of the exact solver.
    """

    invested: float
    learned: float
    exact: float

    @property
    def solves(self) -> float:
        """Number of solves after which time is saved; infinite if never."""
        gain = self.exact - self.learned
        return self.invested / gain if gain > 0.0 else math.inf

    def __repr__(self) -> str:
        return f"BreakEven({self})"

    def __str__(self) -> str:
        speed = self.exact / self.learned
        when = "never pays" if math.isinf(self.solves) else f"pays after {self.solves:.0f} solves"
        return (
            f"invested {self.invested:.3g} s; {1e3 * self.learned:.3g} ms per solve against "
            f"{1e3 * self.exact:.3g} ms ({speed:.2g} times): {when}"
        )


@public
def break_even(learned: LearnedSolver, test: Database, *, solves: int = 10) -> BreakEven:
    """Compare the time for database, training and inference with that of the exact solver.

    The time of the database is the sum over its solvers; that of the exact solver is the mean over
    the test set, per temperature. A learned solve includes inputs, regression and G.

    Parameters
    ----------
    learned : LearnedSolver
        The solver.
    test : Database
        Test set, with the inputs and the target of `learned`; its first problems are timed.
    solves : int
        Number of problems to time.

    Returns
    -------
    BreakEven
        Seconds invested, and seconds per solve of both solvers.

    Raises
    ------
    TypeError, ValueError
        `solves` is not a positive integer.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     50, inputs=("hubbard1",), target="ed-2", beta=[5.0], seed=1, progress=False
    ... )
    >>> train, test = db.split(0.2, seed=1)
    >>> gain = dmft.break_even(dmft.learn(train, members=2, seed=1), test, solves=2)
    >>> gain.invested > 0.0, gain.learned > 0.0
    (True, True)
    """
    solves = checks.whole("solves", solves)
    spent = learned.card["database_seconds"]
    invested = float(sum(spent.values())) + float(learned.card["seconds"])
    problems = [p for _, p in zip(range(solves), test.problems, strict=False)]
    own = replace(
        learned, outside="flag"
    )  # the fallback would count as the time of the learned solver
    solve(problems[0], solver=own, progress=False)  # first calls load libraries
    began = time.perf_counter()
    for problem in problems:
        solve(problem, solver=own, progress=False)
    mine = (time.perf_counter() - began) / len(problems)
    theirs = float(np.mean(test.seconds[test.target])) / test.beta.size
    return BreakEven(invested, mine, theirs)
