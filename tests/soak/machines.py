"""Machines that learn ordered magnets keep all signs and colours: "trajectory" against enumeration.

The 4 x 4 Ising model at T = 1.5, 32 hidden units, 20,000 independent samples; without a field,
and in the field 0.02, where the signs weigh 0.40 and 0.60. The 3 x 3 Potts model of three colours
at T = 0.5, half of its T_c, as one-hot groups, without a field and with the energy -0.02 of each
site of the first colour. CPU time is compared with that of "pcd" with the same options.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff.rbm import states
from tests.soak.rows import Row, count

Law = tuple[np.ndarray, np.ndarray, np.ndarray]

TINY = 0.1
OPTIONS: dict[str, Any] = {
    "visible": "spin",
    "hidden": "spin",
    "n_iter": 30,
    "learning_rate": (0.006, 0.0004),
    "chains": 256,
    "threads": 1,
}
COLOURED: dict[str, Any] = OPTIONS | {
    "visible": "one-hot-3",
    "hidden": "binary",
    "learning_rate": (0.03, 0.0005),
}


def run(seed: int, scale: float) -> Iterator[Row]:
    seeds = [seed + i for i in range(count(10, scale))]
    for field, least in ((0.0, 0.04), (0.02, 0.05)):
        name = f"field {field:g}, largest of {len(seeds)} seeds"
        yield from learned_rows(name, magnet(1.5, field), OPTIONS, seeds, least, scale, field == 0)
    for field in (0.0, 0.02):
        name = f"three colours, field {field:g}, largest of {len(seeds)} seeds"
        law = coloured_magnet(0.5, field)
        yield from learned_rows(name, law, COLOURED, seeds, 0.05, scale, field == 0)


def learned_rows(
    name: str,
    law: Law,
    options: dict[str, Any],
    seeds: list[int],
    least: float,
    scale: float,
    compared: bool,
) -> Iterator[Row]:
    """KL of ten trainings, and what "pcd" with the same options needs and reaches."""
    found = [learned("trajectory", law, options, s) for s in seeds]
    yield Row.at_most(f"{name}: KL(exact, machine)", max(x[0] for x in found), least)
    if not compared:
        return
    what = "P(m > 0)" if options is OPTIONS else "shares of the colours"
    yield Row.at_most(f"{name}: {what} less the exact", max(x[1] for x in found), 0.05)
    if scale < 1:
        return
    others = [learned("pcd", law, options, s) for s in seeds]
    ratio = np.median([x[2] / y[2] for x, y in zip(found, others, strict=True)])
    yield Row.at_most(f"{name}: CPU time over that of pcd, median", float(ratio), 8)
    usual = float(np.median([x[0] for x in others]))
    yield Row.at_least(f"{name}: median of KL with pcd", usual, 0.1)


def magnet(T: float, field: float) -> Law:
    """All states of the 4 x 4 torus, their probabilities, and the sign of m."""
    v = states(16, "spin")
    s = v.reshape(-1, 4, 4).astype(int)
    bonds = (s * np.roll(s, 1, 1) + s * np.roll(s, 1, 2)).sum(axis=(1, 2))
    m = s.sum(axis=(1, 2))
    p = np.exp((bonds - 32 + field * m) / T)
    return v, p / p.sum(), np.sign(m)


def coloured_magnet(T: float, field: float) -> Law:
    """All states of the 3 x 3 Potts torus of three colours, probabilities, the leading colour."""
    v = states(27, "one-hot-3")
    sites = v.reshape(-1, 3, 3, 3)
    c = sites.argmax(axis=3)
    bonds = ((c == np.roll(c, 1, 1)).astype(int) + (c == np.roll(c, 1, 2))).sum(axis=(1, 2))
    counts = sites.sum(axis=(1, 2))
    p = np.exp((bonds - 18 + field * counts[:, 0]) / T)
    return v, p / p.sum(), counts.argmax(axis=1)


def learned(
    method: str, law: Law, options: dict[str, Any], seed: int
) -> tuple[float, float, float]:
    """KL, the largest error of the weight of a mode, and the CPU time."""
    v, p, mode = law
    X = v[np.random.default_rng(seed).choice(len(p), size=20_000, p=p)]
    rbm = kd.RBM(32, method=method, random_state=seed, **options)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pcd says that it has lost a mode
        rbm.fit(X, progress=False)
    spent = time.process_time() - start
    gap = rbm.machine_.probabilities() - p
    # Of a magnet m = 0 counts for either sign with one half, which cancels.
    shares = [gap[mode == k].sum() for k in np.unique(mode) if options is COLOURED or k != 0]
    if options is OPTIONS:
        shares = [0.5 * (shares[1] - shares[0])]
    return rbm.machine_.kl_divergence(p), float(np.abs(shares).max()), spent
