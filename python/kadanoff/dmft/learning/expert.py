"""The regression of one temperature: proposals, their projection, and their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.dmft.learning.encoding import NODES, Sample, decode, encode, features
from kadanoff.dmft.learning.regressors import Ensemble, fit, unseen
from kadanoff.dmft.learning.selection import Choice, Judge, bases, best, errors, unchanged
from kadanoff.dmft.solvers.causal import PoleGrid, Projected

__all__ = ["Expert", "Prediction", "furthest", "train"]

MIN_SAMPLES = 20  # per temperature
USUAL = 0.68  # share of smaller errors
LOCAL = 0.25  # share of the held-out problems, those of similar U/E, that an interval rests on
MIN_LOCAL = 60  # of them: the 95 % quantile rests on three


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
            f"Prediction({self.kept or repr(self.Sigma)}; error of Im Sigma(i w_0) {self.error68[0]:.2g} (68 %), "
            f"{self.error95[0]:.2g} (95 %); distance {self.distance:.2g})"
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

    def predict(self, sample: Sample, target: str, x: FloatArray) -> Prediction:
        """The causal self-energy nearest to the proposals of the members."""
        distance = float(self.ensemble.distance(x)[0])
        return self.judge(sample, target, self.ensemble.members(x)[:, 0], distance)

    def judge(
        self, sample: Sample, target: str, members: FloatArray, distance: float
    ) -> Prediction:
        """The nearest causal self-energy to the mean of proposals; their spread, calibrated.

        The projection weights values by the agreement of the members: at low temperature some real
        parts are wrong by U, and would distort the imaginary parts. Corrections that are proposed
        and not applied belong to the expected error.
        """
        sample = self.based(sample)
        applied = self.choice.applied(members)
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


def train(
    beta: float,
    samples: list[Sample],
    answers: list[tuple[ComplexArray, float]],
    group: IntArray,
    target: str,
    model: str,
    members: int,
    calibration: float,
    settings: dict[str, Any],
    seed: int,
    inputs: tuple[str, ...],
) -> Expert:
    """Choose what is corrected, fit an ensemble, and calibrate it, all by held-out errors."""
    groups = np.unique(group)
    if len(samples) < MIN_SAMPLES or groups.size < 10:
        raise ValueError(
            f"at beta = {beta:g} there are {len(samples)} samples in {groups.size} groups: too few "
            f"to train and to calibrate; {MIN_SAMPLES} samples are needed, some hundred useful"
        )
    exact = np.array([a[0] for a in answers])
    known = np.array([s.Sigma for s in samples])
    raw = np.array([errors(s, s.Sigma, a) for s, a in zip(samples, exact, strict=True)])
    raw = np.swapaxes(raw, 0, 1)
    fits = [
        _Fit.of(share, samples, answers, group, target, model, members, calibration, settings, seed)
        for share in bases(Judge(raw), known, exact)
    ]
    trials = []
    for trial in fits:
        judge = Judge(raw[:, trial.held])
        some = [samples[i] for i in trial.held]
        score, choice = best(
            judge, target, inputs, trial.share, some, trial.proposed, exact[trial.held]
        )
        trials.append((score, choice, trial))
    reach = furthest(samples)
    for _, choice, trial in sorted(trials, key=lambda t: t[0])[:MAX_TRIALS]:
        expert, found = trial.expert(beta, choice, samples, answers, target, reach)
        after = np.array(
            [errors(samples[i], f.values, exact[i]) for i, f in zip(trial.held, found, strict=True)]
        )
        if Judge(raw[:, trial.held]).accepts(after, seed):
            return expert
    choice = unchanged(Judge(raw), inputs)
    trial = next(t for t in fits if np.array_equal(t.share, choice.share))
    return trial.expert(beta, choice, samples, answers, target, reach)[0]


MAX_TRIALS = 2  # bases whose best correction is projected and judged


@dataclass(frozen=True, eq=False)
class _Fit:
    """An ensemble that corrects one base, and its proposals for problems held back."""

    share: FloatArray
    ensemble: Ensemble
    X: FloatArray
    Y: FloatArray
    group: IntArray
    held: IntArray
    proposed: FloatArray

    @classmethod
    def of(
        cls,
        share: FloatArray,
        samples: list[Sample],
        answers: list[tuple[ComplexArray, float]],
        group: IntArray,
        target: str,
        model: str,
        members: int,
        calibration: float,
        settings: dict[str, Any],
        seed: int,
    ) -> _Fit:
        X = np.array([features(s) for s in samples])
        based = [replace(s, share=share) for s in samples]
        Y = np.array([encode(target, s, *a) for s, a in zip(based, answers, strict=True)])
        ensemble = fit(model, X, Y, group, members=members, seed=seed, settings=settings)
        found = ensemble.settings(settings)
        held, proposed = unseen(
            ensemble, X, Y, group, members=members, seed=seed, settings=found, share=calibration
        )
        return cls(share, ensemble, X, Y, group, held, proposed)

    def expert(
        self,
        beta: float,
        choice: Choice,
        samples: list[Sample],
        answers: list[tuple[ComplexArray, float]],
        target: str,
        reach: float,
    ) -> tuple[Expert, list[Prediction]]:
        """The calibrated expert of a choice, and its answers for the problems held back."""
        away = []
        for i, members in zip(self.held, self.proposed, strict=True):
            sample = replace(samples[i], share=choice.share)
            Sigma = decode(target, sample, choice.applied(members).mean(axis=0))[0]
            missed = Sigma - answers[i][0]
            relative = missed.imag / np.where(Sigma.imag == 0.0, 1.0, Sigma.imag)
            away.append((np.abs(missed.real) / max(sample.U, 1e-300), np.abs(relative)))
        floor = np.quantile(away, USUAL, axis=0)
        one = np.ones((1, NODES.size))
        expert = Expert(
            beta,
            self.ensemble,
            self.X,
            self.Y,
            self.group,
            floor,
            one,
            np.zeros(1),
            reach,
            choice,
        )
        found = [
            expert.judge(samples[i], target, members, 0.0)
            for i, members in zip(self.held, self.proposed, strict=True)
        ]
        scores = np.array(
            [
                expert.score(f, samples[i], answers[i][0])
                for i, f in zip(self.held, found, strict=True)
            ]
        )
        return replace(expert, scores=scores, coupling=self.X[self.held, 0]), found


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
