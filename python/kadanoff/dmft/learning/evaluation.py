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
from kadanoff._base.progress import Report as ProgressReport
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.learning.comparison import Report
from kadanoff.dmft.learning.encoding import NODES
from kadanoff.dmft.learning.learned import LearnedSolver, samples_of
from kadanoff.dmft.learning.prediction import Prediction
from kadanoff.dmft.learning.training import learn
from kadanoff.dmft.protocol import solve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BreakEven",
    "LearningCurve",
    "break_even",
    "learning_curve",
    "report",
]

METRICS = ("mse", "dSigma", "dZ", "dn", "ddocc", "acausal")


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
    coupling, far = np.zeros((B, K)), np.zeros((B, K), dtype=bool)
    inside = np.zeros((B, K, NODES.size, 2), dtype=bool)
    pulls = np.zeros((B, K, NODES.size))
    for b in range(B):
        for i, sample in enumerate(samples_of(test, b, learned.inputs)):
            if keywords["control"] is not None and keywords["control"].cancelled:
                raise Cancelled("the evaluation was stopped")
            if keywords["report"] is not None:
                keywords["report"](b * K + i, B * K)
            found = learned.predict(sample)
            miss = np.abs(found.values.imag - test.Sigma[test.target][i, b, NODES].imag)
            pulls[b, i] = miss / found.error68
            inside[b, i] = np.stack([miss <= found.error68, miss <= found.error95], axis=-1)
            far[b, i] = found.outside(learned.reach)
            coupling[b, i] = sample.U / sample.unit
            for name in solvers:
                answer = _answer(learned, test, i, b, found, name)
                for m, value in _errors(test, i, b, answer).items():
                    error[m][name][b, i] = value
    quartile = [np.searchsorted(np.quantile(x, (0.25, 0.5, 0.75)), x) for x in coupling]
    at_w0 = [
        [
            inside[b, quartile[b] == q, 0].mean(axis=0)
            if (quartile[b] == q).any()
            else (np.nan,) * 2
            for q in range(4)
        ]
        for b in range(B)
    ]
    return Report(
        test.beta,
        solvers,
        tuple(learned.choice(float(beta)) for beta in test.beta),
        learned.inputs,
        error,
        coupling,
        inside.mean(axis=(1, 2)),
        np.array(at_w0),
        tuple(pulls),
        far.mean(axis=1),
    )


Answer = tuple[ComplexArray, FloatArray, float, float]
"""Sigma(i w_n), G(tau), n and docc."""


def _answer(
    learned: LearnedSolver, test: Database, i: int, b: int, found: Prediction, name: str
) -> Answer:
    """What a solver says of a sample; where an input is kept, the learned one says the same."""
    if name == "learned":
        if found.kept is None:
            problem, w_n = test.impurity(i, b), test.w_n(b)
            solution = learned.corrected(problem, found, w_n)
            tau = test.tau(b)
            return solution.Sigma_iw, solution.G.tau(tau), solution.n, solution.docc
        name = found.kept
    return (
        test.Sigma[name][i, b],
        test.G_tau[name][i, b],
        float(test.n[name][i, b]),
        float(test.docc[name][i, b]),
    )


def _errors(test: Database, i: int, b: int, answer: Answer) -> dict[str, float]:
    """Errors of an answer, by quantity."""
    Sigma, G, n, docc = answer
    exact, name, w_0 = test.Sigma[test.target][i, b], test.target, math.pi / test.beta[b]
    Z, Z_exact = (1.0 / (1.0 - s[0].imag / w_0) for s in (Sigma, exact))
    return {
        "mse": float(np.mean((G - test.G_tau[name][i, b]) ** 2)),
        "dSigma": abs(Sigma[0] - exact[0]),
        "dZ": abs(Z - Z_exact),
        "dn": abs(n - test.n[name][i, b]),
        "ddocc": abs(docc - test.docc[name][i, b]),
        "acausal": float(np.any(Sigma[NODES].imag > 1e-12 * np.abs(Sigma[0]))),
    }


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
    target: str | None = None,
    model: str = "gaussian process",
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
    >>> quick = {"length": 9.0, "noise": 1e-3}
    >>> curve = dmft.learning_curve(train, test, [25, 40], settings=quick, seed=1)
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
    """Number of solves after which a learned solver has saved CPU time.

    Parameters
    ----------
    invested : float
        CPU seconds for the database and for the training.
    learned, exact : float
        CPU seconds per solve, of the learned and of the exact solver.
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
    """Compare the CPU time for database, training and inference with that of the exact solver.

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
        CPU seconds invested, and per solve of both solvers.

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
    began = time.process_time()
    for problem in problems:
        solve(problem, solver=own, progress=False)
    mine = (time.process_time() - began) / len(problems)
    theirs = float(np.mean(test.seconds[test.target])) / test.beta.size
    return BreakEven(invested, mine, theirs)
