"""The regression of one temperature: proposals, their projection, and their errors."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.dmft.learning.calibration import Calibration
from kadanoff.dmft.learning.domain import Domain
from kadanoff.dmft.learning.encoding import (
    NODES,
    Sample,
    decode,
    deviation,
    encode,
    features,
)
from kadanoff.dmft.learning.prediction import Prediction, furthest
from kadanoff.dmft.learning.regressors import BEND, Ensemble, fit, unseen
from kadanoff.dmft.learning.selection import Choice, Judge, bases, best, errors, unchanged
from kadanoff.dmft.solvers.causal import PoleGrid, Projected

__all__ = ["Expert", "Task", "train"]

MIN_SAMPLES = 20  # per temperature
USUAL = 0.68  # share of smaller errors
BENDS = (3.0, BEND)  # relative errors count from here on, see `regressors.BEND`


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
    rows: IntArray  # (K,): which rows of X these problems are
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
    def calibration(self) -> Calibration:
        """The scores, with the place of their problems."""
        points = self.ensemble.standard(self.X[self.rows])
        return Calibration(points, self.X[self.rows, 0], self.scores)

    @cached_property
    def domain(self) -> Domain:
        """The range of the training set."""
        return Domain.of(self.X)

    def based(self, sample: Sample) -> Sample:
        """The sample with the base of this temperature."""
        share = self.choice.share
        return sample if sample.share is share else replace(sample, share=share)

    def distance(self, sample: Sample) -> float:
        """Distance to the training set, in usual distances within it."""
        return float(self.ensemble.distance(features(self.based(sample)))[0])

    def beyond(self, sample: Sample) -> str:
        """What lies beyond the range of the training set, in words; empty if nothing does."""
        return self.domain.beyond(features(sample))

    def knows(self, sample: Sample, reach: float) -> bool:
        """Whether a problem is within the range and the reach of the training set."""
        return not self.beyond(sample) and self.distance(sample) <= reach

    def predict(self, sample: Sample) -> Prediction:
        """The causal self-energy nearest to the proposals of the members, with its errors."""
        sample = self.based(sample)
        x = features(sample)
        both = self.ensemble.both(x)
        distance = float(self.ensemble.distance_of(both)[0])
        members = self.ensemble.members_of(both)[:, 0]
        found, values, kept, expected = self.nearest(sample, members)
        width = self.calibration.width(both, float(x[0]))
        error68, error95 = width * expected
        beyond = self.domain.beyond(x)
        return Prediction(found, values, kept, error68, error95, distance, beyond)

    def nearest(
        self, sample: Sample, members: FloatArray
    ) -> tuple[Projected, ComplexArray, str | None, FloatArray]:
        """The causal self-energy nearest to the mean of proposals, and its expected error.

        The projection weights values by the agreement of the members: at low temperature some real
        parts are wrong by U, and would distort the imaginary parts. Corrections that are proposed
        and not applied belong to the expected error.

        Returns
        -------
        found : Projected
            The self-energy.
        values : array of complex, shape (N,)
            At the nodes; those of the input, where one is kept.
        kept : str or None
            This input.
        expected : array, shape (N,)
            Error of Im Sigma, not calibrated.
        """
        sample, target = self.based(sample), self.choice.target
        count = len(members)
        means = [x.sum(axis=0) / count for x in (self.choice.applied(members, sample), members)]
        decoded, occupations = decode(target, sample, np.array([*means, *members]))
        Sigma, n, spread = decoded[0], occupations[0], decoded[2:]
        omitted = decoded[1].imag - Sigma.imag
        real = np.hypot(deviation(spread.real), self.floor[0] * sample.U)
        imag = np.hypot(deviation(spread.imag), self.floor[1] * np.abs(Sigma.imag))
        tiny = 1e-12 * float(np.abs(Sigma).max())
        expected = np.maximum(np.hypot(imag, omitted), 1e-300)
        kept = self.choice.kept
        # Im Sigma of an empty or a full level is zero, with either sign of rounding.
        if kept is not None and np.all(sample.base.imag <= 1e-12 * sample.U):
            found = self.grid.project(
                sample.base, sample.U, float(n), sample.beta, symmetric=sample.symmetric
            )
            return found, sample.base, kept, expected
        found = self.grid.consistent(
            sample.problem,
            Sigma,
            float(n),
            symmetric=sample.symmetric,
            error=np.maximum(real, tiny) + 1j * np.maximum(imag, tiny),
        )
        return found, found.iw(sample.w_n), None, expected

    def score(
        self, sample: Sample, members: FloatArray, Sigma: ComplexArray
    ) -> tuple[FloatArray, ComplexArray]:
        """|d Im Sigma| in units of the expected error, and the self-energy at the nodes."""
        _, values, _, expected = self.nearest(sample, members)
        return np.abs(values.imag - Sigma.imag) / expected, values


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
    exact_G_tau : array, shape (K, T), optional
        G(tau) of the target.
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
    exact_G_tau: FloatArray | None = None

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
            rows=self.held[:1],
            reach=task.reach,
            choice=choice,
        )
        scores, missed = [], []
        for i, members in zip(self.held, self.proposed, strict=True):
            score, values = expert.score(task.samples[i], members, task.exact[i])
            scores.append(score)
            missed.append(errors(task.samples[i], values, task.exact[i]))
        return replace(expert, scores=np.array(scores), rows=self.held), np.array(missed)


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
