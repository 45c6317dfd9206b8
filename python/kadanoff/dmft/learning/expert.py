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
from kadanoff.dmft.solvers.causal import PoleGrid, Projected

__all__ = ["Expert", "Prediction", "furthest", "train"]

MIN_SAMPLES = 20  # per temperature
USUAL = 0.68  # share of smaller errors


@public
@dataclass(frozen=True, eq=False)
class Prediction:
    """The predicted self-energy of one problem with its errors.

    Parameters
    ----------
    Sigma : Projected
        The causal self-energy.
    error68, error95 : array, shape (N,)
        Half widths of the intervals around Im Sigma at `NODES` that contain the exact value for
        68 and 95 % of problems like those of the calibration.
    distance : float
        Distance to the training set, in units of the usual distance within it.
    """

    Sigma: Projected
    error68: FloatArray
    error95: FloatArray
    distance: float

    def __repr__(self) -> str:
        return (
            f"Prediction({self.Sigma!r}; error of Im Sigma(i w_0) {self.error68[0]:.2g} (68 %), "
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
    reach: float  # furthest pole, in units of pi / beta

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
        """68 and 95 % quantiles of the scores, shape (2, N), as in conformal prediction.

        The quantile q of K scores is the one of rank (K + 1) q.

        J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, J. Am. Stat. Assoc. 113, 1094
        (2018), doi:10.1080/01621459.2017.1307116, section 5.2.
        """
        found = np.quantile(self.scores, (0.68, 0.95), axis=0, method="weibull")
        return np.maximum(found, 1e-12, dtype=np.float64)

    def predict(self, sample: Sample, target: str, x: FloatArray) -> Prediction:
        """The causal self-energy nearest to the proposals of the members."""
        distance = float(self.ensemble.distance(x)[0])
        return self.judge(sample, target, self.ensemble.members(x)[:, 0], distance)

    def judge(
        self, sample: Sample, target: str, members: FloatArray, distance: float
    ) -> Prediction:
        """The nearest causal self-energy to the mean of proposals; their spread, calibrated.

        The projection weights values by the agreement of the members: at low temperature some real
        parts are wrong by U, and would distort the imaginary parts.
        """
        Sigma, n = decode(target, sample, members.mean(axis=0))
        spread = decode(target, sample, members)[0]
        real = np.hypot(spread.real.std(axis=0), self.floor[0] * sample.U)
        imag = np.hypot(spread.imag.std(axis=0), self.floor[1] * np.abs(Sigma.imag))
        tiny = 1e-12 * float(np.max(np.abs(Sigma)))
        found = self.grid.consistent(
            sample.problem,
            Sigma,
            float(n),
            symmetric=sample.symmetric,
            error=np.maximum(real, tiny) + 1j * np.maximum(imag, tiny),
        )
        width = self.width
        return Prediction(found, width[0] * imag, width[1] * imag, distance)

    def score(self, found: Prediction, sample: Sample, Sigma: ComplexArray) -> FloatArray:
        """|d Im Sigma| in units of the uncalibrated 68 % interval."""
        expected = found.error68 / self.width[0]
        missed = np.abs(found.Sigma.iw(sample.w_n).imag - Sigma.imag)
        return np.asarray(missed / np.maximum(expected, 1e-300))


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
) -> Expert:
    """Fit an ensemble to all samples; calibrate it on samples held back from other fits."""
    X = np.array([features(s) for s in samples])
    Y = np.array([encode(target, s, *a) for s, a in zip(samples, answers, strict=True)])
    groups = np.unique(group)
    if len(samples) < MIN_SAMPLES or groups.size < 10:
        raise ValueError(
            f"at beta = {beta:g} there are {len(samples)} samples in {groups.size} groups: too few "
            f"to train and to calibrate; {MIN_SAMPLES} samples are needed, some hundred useful"
        )
    ensemble = fit(model, X, Y, group, members=members, seed=seed, settings=settings)
    found = ensemble.settings(settings)
    held, proposed = unseen(
        ensemble, X, Y, group, members=members, seed=seed, settings=found, share=calibration
    )
    errors = []
    for i, members_of in zip(held, proposed, strict=True):
        Sigma = decode(target, samples[i], members_of.mean(axis=0))[0]
        away = Sigma - answers[i][0]
        real = np.abs(away.real) / max(samples[i].U, 1e-300)
        errors.append((real, np.abs(away.imag / np.where(Sigma.imag == 0.0, 1.0, Sigma.imag))))
    floor = np.quantile(errors, USUAL, axis=0)
    expert = Expert(beta, ensemble, X, Y, group, floor, np.ones((1, NODES.size)), furthest(samples))
    scores = [
        expert.score(expert.judge(samples[i], target, y, 0.0), samples[i], answers[i][0])
        for i, y in zip(held, proposed, strict=True)
    ]
    return replace(expert, scores=np.array(scores))


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
