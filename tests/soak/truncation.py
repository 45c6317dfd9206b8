"""Coverage of the errors that NRG runs state, at U = 0 where they are known."""

import warnings

import numpy as np

from kadanoff import AndersonModel, nrg
from tests.resonant_level import continuum_entropy, on_the_same_shells

SMALL = 1e-6  # nats: less is nothing to anyone
TWISTS = (0.25, 0.5, 0.75, 1.0)


def run(seed, scale):
    """Rows (what, number, limit, holds) over random levels; `scale` multiplies their number.

    The share of temperatures at which the stated error covers the true one, and the median of
    their ratio: the truncation alone on the same shells, and the continuum for four twists.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for Lambda in (1.5, 1.8, 2.0, 2.5, 3.0, 4.0):
        for keep in (400, 1000, 4000):
            alone, whole = [], []
            for _ in range(max(1, round(2 * scale))):
                V = float(np.exp(rng.uniform(np.log(0.02), np.log(0.3))))
                eps = float(rng.uniform(0, 2)) * np.pi * V**2 / 2
                model = AndersonModel(U=0, V=V, eps=eps)
                options = {"Lambda": Lambda, "keep": keep, "T_min": 1e-6, "threads": 1}
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", nrg.Coarse)
                    one = nrg.solve(model, **options)
                    four = nrg.solve(model, z=TWISTS, **options)
                true = np.abs(one.entropy - on_the_same_shells(one)["entropy"])
                alone.append((true, one.errors.truncation["entropy"]))
                true = np.abs(four.entropy - continuum_entropy(four.T, V=V, eps=eps))
                whole.append((true, four.error("entropy")))
            name = f"Lambda = {Lambda:g}, keep = {keep}"
            rows += _rows(f"{name}, truncation alone", alone)
            rows += _rows(f"{name}, four twists, continuum", whole)
    return rows


def _rows(name, pairs):
    true, stated = (np.concatenate(x) for x in zip(*pairs, strict=True))
    covered = float(np.mean(true <= stated + SMALL))
    yield f"coverage of S, {name}", covered, 0.95, covered >= 0.95
    seen = true > SMALL
    if seen.sum() > 10:
        ratio = float(np.median(stated[seen] / true[seen]))
        yield f"stated / true error of S, {name}", ratio, 5.0, ratio <= 5.0
