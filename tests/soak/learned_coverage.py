"""Learned solvers with 1,000 training samples: intervals by coupling, and gains on the best input.

Inputs are IPT and Hubbard-I, without any diagonalisation. Intervals are those of Im Sigma(i w_0),
by quartile of U/E, each of 1,000 test samples at each temperature. A gain is the error of the best
input over that of the learned solver: of the mean |dG(tau)|, and of the median and the 90th
percentile of |dSigma(i w_0)|.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import dmft
from kadanoff.dmft.learning.learned import samples_of
from tests.soak.rows import Row, count

TINY = 0.06
TRAINING = 1000
TESTED = 300
"""Samples for the gains."""
COVERED = 4000
"""Samples for the intervals: 1,000 for each quartile."""
BETAS = (1.0, 10.0, 20.0, 50.0)
LOW = (50.0,)
"""Where intervals are most difficult."""
GAINS = {1.0: 3.0, 10.0: 3.0, 20.0: 2.0, 50.0: 2.0}
INTERVALS = (("68 %", 0.60, 0.76), ("95 %", 0.90, 0.98))
INPUTS = ("ipt", "hubbard1")
QUIET: dict[str, Any] = {"progress": False}


def run(seed: int, scale: float) -> Iterator[Row]:
    whole = scale >= 1.0
    betas = BETAS if whole else BETAS[:1]
    train, tested = (count(n, min(scale, 1.0), least=60) for n in (TRAINING, TESTED))
    db = dmft.database(train + tested, inputs=INPUTS, beta=betas, seed=seed, **QUIET)
    learned = dmft.learn(db[:train], seed=seed, **QUIET)
    yield from gains(dmft.report(learned, db[train:], **QUIET))
    if whole:  # a share of few problems says little
        more = {"inputs": INPUTS, "beta": LOW, "seed": seed, "first": len(db), **QUIET}
        yield from covered(learned, dmft.database(COVERED, **more))


def gains(judged: dmft.learning.Report) -> Iterator[Row]:
    """Errors of the best input over those of the learned solver."""
    dG = {name: np.sqrt(x).mean(axis=1) for name, x in judged.errors["mse"].items()}
    for b, beta in enumerate(judged.beta):
        for what, of in (
            ("mean |dG|", dG),
            ("median |dSigma(iw0)|", judged.dSigma_50),
            ("90th percentile of |dSigma(iw0)|", judged.dSigma_90),
        ):
            best = min(float(of[name][b]) for name in INPUTS)
            name = f"beta = {beta:g}: gain in the {what}"
            least = GAINS[float(beta)]
            if beta == BETAS[-1] and of is dG:
                # Few problems, with another number of electrons than in IPT, are most of this mean:
                # it varies by half from seed to seed, and only a loss would be wrong.
                least = 1.0
            yield Row.at_least(name, best / float(of["learned"][b]), least)


def covered(learned: dmft.LearnedSolver, test: dmft.Database) -> Iterator[Row]:
    """Shares of the exact values within the intervals, by quartile of U/E."""
    for b, beta in enumerate(test.beta):
        exact = test.Sigma[test.target][:, b, 0].imag
        samples = samples_of(test, b, INPUTS)
        found = [learned.predict(sample) for sample in samples]
        miss = np.abs(np.array([f.values[0].imag for f in found]) - exact)
        coupling = np.array([sample.U / sample.unit for sample in samples])
        quartile = np.searchsorted(np.quantile(coupling, (0.25, 0.5, 0.75)), coupling)
        for (interval, low, high), width in zip(
            INTERVALS, ([f.error68[0] for f in found], [f.error95[0] for f in found]), strict=True
        ):
            for q in range(4):
                share = float(np.mean((miss <= width)[quartile == q]))
                name = f"beta = {beta:g}, quartile {q + 1} of U/E: share within the {interval}"
                yield Row.at_least(f"{name} interval", share, low)
                yield Row.at_most(f"{name} interval", share, high)
