"""The regression of one temperature: proposals, their projection, and their errors."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.dmft.learning.encoding import NODES, Sample, decode, encode, features
from kadanoff.dmft.learning.regressors import BEND, Ensemble, fit, unseen
from kadanoff.dmft.learning.selection import Choice, Judge, bases, best, errors, unchanged
from kadanoff.dmft.solvers.causal import PoleGrid, Projected

__all__ = ["Expert", "Prediction", "Task", "furthest", "train"]

MIN_SAMPLES = 20  # per temperature
USUAL = 0.68  # share of smaller errors
LOCAL = 0.25  # share of the held-out problems, those of similar U/E, that an interval rests on
MIN_LOCAL = 60  # of them: the 95 % quantile rests on three
BENDS = (3.0, BEND)  # relative errors count from here on, see `regressors.BEND`


@public
@dataclass(frozen=True, eq=False)
class Prediction:
    """The predicted self-energy of one problem with its errors.

    Parameters
    ----------
    Sigma : Projected
        The causal self-energy; that nearest to the input where an input is kept as it is.
    values : array of complex, shape (N,)
        The self-energy at `NODES`.
    kept : str or None
        The input that is the answer as it is, because no correction of it was found to help.
    error68, error95 : array, shape (N,)
        Half widths of the intervals around Im Sigma at `NODES` that contain the exact value for
        68 and 95 % of problems like those of the calibration.
    distance : float
        Distance to the training set, in units of the usual distance within it.
    """

    Sigma: Projected
    values: ComplexArray
    kept: str | None
    error68: FloatArray
    error95: FloatArray
    distance: float

    def __repr__(self) -> str:
        return (
            f"Prediction({self.kept or repr(self.Sigma)}; error of Im Sigma(i w_0) "
            f"{self.error68[0]:.2g} (68 %), {self.error95[0]:.2g} (95 %); "
            f"distance {self.distance:.2g})"
        )


@dataclass(frozen=True, eq=False)
class Expert:
    """The regression of one temperature."""

    beta: float
    ensemble: Ensemble
    X: FloatArray
    Y: FloatArray
    group: IntArray
    floor: FloatArray  # (2, N): usual errors of Re Sigma / U, and of Im Sigma relative to itself
    scores: FloatArray  # (K, N): errors of Im Sigma over what was expected, on problems held back
    coupling: FloatArray  # (K,): ln(U/E) of these problems
    reach: float  # furthest pole, in units of pi / beta
    choice: Choice

    def __repr__(self) -> str:
        return (
            f"Expert({self.ensemble.kind}, {len(self.X)} samples at beta={self.beta:g}, "
            f"reach {self.reach:.3g})"
        )

    @cached_property
    def grid(self) -> PoleGrid:
        """The grid of poles of the self-energy."""
        return PoleGrid(2.0 * NODES + 1.0, self.reach)

    @cached_property
    def width(self) -> FloatArray:
        """68 and 95 % quantiles of all scores, shape (2, N)."""
        return _quantiles(self.scores)

    def local_width(self, sample: Sample) -> FloatArray:
        """68 and 95 % quantiles of the scores of problems of similar U/E, shape (2, N)."""
        count = max(MIN_LOCAL, round(LOCAL * len(self.scores)))
        if count >= len(self.scores):
            return self.width
        away = np.abs(self.coupling - math.log(max(sample.U, 1e-12) / sample.unit))
        return _quantiles(self.scores[np.argpartition(away, count)[:count]])

    def based(self, sample: Sample) -> Sample:
        """The sample with the base of this temperature."""
        return replace(sample, share=self.choice.share)

    def distance(self, sample: Sample) -> float:
        """Distance to the training set, in usual distances within it."""
        return float(self.ensemble.distance(features(self.based(sample)))[0])

    def predict(self, sample: Sample) -> Prediction:
        """The causal self-energy nearest to the proposals of the members."""
        x = features(self.based(sample))
        distance = float(self.ensemble.distance(x)[0])
        return self.judge(sample, self.ensemble.members(x)[:, 0], distance)

    def judge(self, sample: Sample, members: FloatArray, distance: float) -> Prediction:
        """The nearest causal self-energy to the mean of proposals; their spread, calibrated.

        The projection weights values by the agreement of the members: at low temperature some real
        parts are wrong by U, and would distort the imaginary parts. Corrections that are proposed
        and not applied belong to the expected error.
        """
        sample, target = self.based(sample), self.choice.target
        applied = self.choice.applied(members, sample)
        Sigma, n = decode(target, sample, applied.mean(axis=0))
        spread = decode(target, sample, members)[0]
        omitted = decode(target, sample, members.mean(axis=0))[0].imag - Sigma.imag
        real = np.hypot(spread.real.std(axis=0), self.floor[0] * sample.U)
        imag = np.hypot(spread.imag.std(axis=0), self.floor[1] * np.abs(Sigma.imag))
        tiny = 1e-12 * float(np.max(np.abs(Sigma)))
        width = self.local_width(sample)
        expected = np.hypot(imag, omitted)
        kept = self.choice.kept
        if kept is not None and np.all(sample.base.imag < 0.0):
            found = self.grid.project(
                sample.base, sample.U, float(n), sample.beta, symmetric=sample.symmetric
            )
            values = sample.base
        else:
            kept = None
            found = self.grid.consistent(
                sample.problem,
                Sigma,
                float(n),
                symmetric=sample.symmetric,
                error=np.maximum(real, tiny) + 1j * np.maximum(imag, tiny),
            )
            values = found.iw(sample.w_n)
        return Prediction(found, values, kept, width[0] * expected, width[1] * expected, distance)

    def score(self, found: Prediction, sample: Sample, Sigma: ComplexArray) -> FloatArray:
        """|d Im Sigma| in units of the uncalibrated 68 % interval."""
        expected = found.error68 / self.local_width(sample)[0]
        missed = np.abs(found.values.imag - Sigma.imag)
        return np.asarray(missed / np.maximum(expected, 1e-300))


def _quantiles(scores: FloatArray) -> FloatArray:
    """68 and 95 % quantiles, as in conformal prediction: of K scores that of rank (K + 1) q.

    J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, J. Am. Stat. Assoc. 113, 1094
    (2018), doi:10.1080/01621459.2017.1307116, section 5.2.
    """
    found = np.quantile(scores, (0.68, 0.95), axis=0, method="weibull")
    return np.maximum(found, 1e-12, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Task:
    """The samples of one temperature, and how they are learned.

    Parameters
    ----------
    beta : float
        Inverse temperature.
    samples : list of Sample
        The problems.
    exact, n : array, shapes (K, N) and (K,)
        Exact self-energies at `NODES`, and occupations.
    group : array of int, shape (K,)
        Groups that stay on one side of a split.
    inputs : tuple of str
        Names of the inputs.
    targets : tuple of str
        Quantities to be regressed, of which the best is taken.
    model, members, calibration, settings, seed
        As in `kadanoff.dmft.learn`.
    """

    beta: float
    samples: list[Sample]
    exact: ComplexArray
    n: FloatArray
    group: IntArray
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    model: str
    members: int
    calibration: float
    settings: dict[str, Any]
    seed: int

    @cached_property
    def raw(self) -> FloatArray:
        """Errors of the inputs, shape (inputs, K, 3)."""
        found = [errors(s, s.Sigma, a) for s, a in zip(self.samples, self.exact, strict=True)]
        return np.swapaxes(found, 0, 1)

    @cached_property
    def reach(self) -> float:
        """Furthest pole."""
        return furthest(self.samples)


@dataclass(frozen=True, eq=False)
class Trial:
    """An ensemble that learned the correction of one base, and its proposals for held-out problems.

    Parameters
    ----------
    task : Task
        The samples.
    share : array, shape (inputs,)
        The base.
    target : str
        The regressed quantity.
    choices : tuple of (float, Choice)
        The best shrinkages of this correction, and their scores.
    ensemble : Ensemble
        Trained on all samples.
    X, Y : array, shapes (K, features) and (K, outputs)
        Features and corrections.
    held : array of int, shape (H,)
        Held-out problems.
    proposed : array, shape (H, members, outputs)
        Proposals for them.
    """

    task: Task
    share: FloatArray
    target: str
    choices: tuple[tuple[float, Choice], ...]
    ensemble: Ensemble
    X: FloatArray
    Y: FloatArray
    held: IntArray
    proposed: FloatArray

    @classmethod
    def of(cls, task: Task, share: FloatArray, target: str, bend: float) -> Trial:
        """Fit a correction and shrink it."""
        samples = [replace(s, share=share) for s in task.samples]
        X = np.array([features(s) for s in samples])
        Y = np.array([encode(target, *of) for of in zip(samples, task.exact, task.n, strict=True)])
        own = {"members": task.members, "seed": task.seed}
        settings = task.settings | {"bend": bend}
        ensemble = fit(task.model, X, Y, task.group, settings=settings, **own)
        settings = ensemble.settings(settings)
        held, proposed = unseen(
            ensemble, X, Y, task.group, settings=settings, share=task.calibration, **own
        )
        choices = best(
            Judge(task.raw[:, held]),
            Choice(task.inputs, share, target, min(float(bend), 1e6)),
            [samples[i] for i in held],
            proposed,
            task.exact[held],
        )
        return cls(task, share, target, choices, ensemble, X, Y, held, proposed)

    def expert(self, choice: Choice) -> tuple[Expert, FloatArray]:
        """The calibrated expert of a choice, and its errors of the problems held back, (H, 3)."""
        task, away = self.task, []
        for i, members in zip(self.held, self.proposed, strict=True):
            sample = replace(task.samples[i], share=choice.share)
            Sigma = decode(choice.target, sample, choice.applied(members, sample).mean(axis=0))[0]
            missed = Sigma - task.exact[i]
            relative = missed.imag / np.where(Sigma.imag == 0.0, 1.0, Sigma.imag)
            away.append((np.abs(missed.real) / max(sample.U, 1e-300), np.abs(relative)))
        expert = Expert(
            beta=task.beta,
            ensemble=self.ensemble,
            X=self.X,
            Y=self.Y,
            group=task.group,
            floor=np.quantile(away, USUAL, axis=0),
            scores=np.ones((1, NODES.size)),
            coupling=np.zeros(1),
            reach=task.reach,
            choice=choice,
        )
        scores, missed = [], []
        for i, members in zip(self.held, self.proposed, strict=True):
            found = expert.judge(task.samples[i], members, 0.0)
            scores.append(expert.score(found, task.samples[i], task.exact[i]))
            missed.append(errors(task.samples[i], found.values, task.exact[i]))
        expert = replace(expert, scores=np.array(scores), coupling=self.X[self.held, 0])
        return expert, np.array(missed)


def train(task: Task) -> Expert:
    """Choose what is corrected, fit an ensemble, and calibrate it, all by held-out errors."""
    count, groups = len(task.samples), np.unique(task.group).size
    if count < MIN_SAMPLES or groups < 10:
        raise ValueError(
            f"at beta = {task.beta:g} there are {count} samples in {groups} groups: too few "
            f"to train and to calibrate; {MIN_SAMPLES} samples are needed, some hundred useful"
        )
    Sigma = np.array([s.Sigma for s in task.samples])
    bends = (task.settings["bend"],) if "bend" in task.settings else BENDS
    trials = [
        Trial.of(task, share, task.targets[0], bends[0])
        for share in bases(Judge(task.raw), Sigma, task.exact)
    ]
    found = min(trials, key=lambda t: t.choices[0][0]).share
    others = list(itertools.product(task.targets, bends))[1:]
    trials += [Trial.of(task, found, target, bend) for target, bend in others]
    for trial, choice in _promising(trials):
        expert, missed = trial.expert(choice)
        if Judge(task.raw[:, trial.held]).accepts(missed, task.seed):
            return expert
    kept = unchanged(Judge(task.raw), trials[0].choices[0][1])
    trial = next(t for t in trials if np.array_equal(t.share, kept.share))
    # A correction of zero is the input itself for every target but G, which is no correction.
    target = "log" if trial.target == "G" else trial.target
    return trial.expert(replace(trial.choices[0][1], factor=0.0, target=target))[0]


def _promising(trials: list[Trial]) -> list[tuple[Trial, Choice]]:
    """The best corrections of every target: by one score after the other, without repetition.

    They are scored before the projection, which improves some targets more than others.
    """
    found: list[tuple[Trial, Choice]] = []
    for rank in range(len(trials[0].choices)):
        ordered = sorted(trials, key=lambda t: t.choices[rank][0])
        targets = list(dict.fromkeys(t.target for t in ordered))
        for target in targets:
            trial = next(t for t in ordered if t.target == target)
            choice = trial.choices[rank][1]
            if not any(t is trial and c is choice for t, c in found):
                found.append((trial, choice))
    return found


def furthest(samples: list[Sample]) -> float:
    """Furthest pole of a self-energy, in units of pi / beta, from bath and U."""
    return max(
        4.0,
        *(
            s.beta
            / math.pi
            * (s.U + abs(s.detuning) + 4.0 * math.sqrt(s.moments[2]) / s.unit + 2.0 * s.unit)
            for s in samples
        ),
    )
