"""Learned solvers against their best input, over fresh splits of a database, by temperature.

Pooled over the splits, no mean and no median of the errors of Sigma(i w_0), Z and G(tau) is more
than 1.02 times that of the input for which it is smallest: with all inputs, and with those that
need no diagonalisation. There are 168 training samples and 72 test samples in each split, which is
where a correction is most likely to be harmful.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff import dmft
from kadanoff._base.types import FloatArray
from tests.soak.rows import Row, count

TINY = 0.1
SPLITS = 8
SAMPLES = 240
CHEAP = ("ipt", "hubbard1", "nca")
BETAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
QUIET: dict[str, Any] = {"progress": False}


def run(seed: int, scale: float) -> Iterator[Row]:
    whole = scale >= 1.0
    # A few test samples have means of their own.
    limit = 1.02 if whole else 1.5
    betas = BETAS if whole else (1.0, 20.0)
    samples = count(SAMPLES, scale, least=100)
    db = dmft.database(samples, beta=betas, seed=seed, **QUIET)
    for inputs in (db.inputs, CHEAP):
        reports = [
            judged(db, inputs, 1000 * seed + k) for k in range(count(SPLITS, min(scale, 1.0)))
        ]
        for b, beta in enumerate(betas):
            for what, ratio in ratios(reports, inputs, b).items():
                name = f"inputs {', '.join(inputs)}; beta = {beta:g}: {what} over the best input's"
                yield Row.at_most(name, ratio, limit)


def judged(db: dmft.Database, inputs: tuple[str, ...], seed: int) -> dmft.learning.Report:
    """One split."""
    train, test = db.split(0.3, seed=seed)
    return dmft.report(dmft.learn(train, inputs=inputs, seed=seed, **QUIET), test, **QUIET)


def ratios(
    reports: list[dmft.learning.Report], inputs: tuple[str, ...], b: int
) -> dict[str, float]:
    """Errors of the pooled splits over those of the best input."""
    found = {}
    for metric, name in (("dSigma", "|dSigma(iw0)|"), ("dZ", "|dZ|"), ("mse", "|dG|")):
        pooled: dict[str, FloatArray] = {
            solver: np.concatenate([r.errors[metric][solver][b] for r in reports])
            for solver in (*inputs, "learned")
        }
        if metric == "mse":
            pooled = {solver: np.sqrt(x) for solver, x in pooled.items()}
        for word, of in (("mean", np.mean), ("median", np.median)):
            best = min(float(of(pooled[solver])) for solver in inputs)
            found[f"{word} {name}"] = float(of(pooled["learned"])) / best
    return found
