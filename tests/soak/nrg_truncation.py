"""Errors of one orbital by the NRG with small Lambda, few states or other schemes, by Monte Carlo.

Lambda = 1.6 to 2.8, three schemes of discretisation, 120 to 800 states, four twists; random
interactions and fillings, T = D/10 to D/100, flat and semicircular bands. Pulls are counted in one
standard error of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff.bands import FlatBand, SemicircularBand
from kadanoff.dmft import Impurity, solve
from tests.soak.rows import Row, count

PROBLEMS = 24
TINY = 0.05
NAMES = ("n", "docc")


def problem(rng: np.random.Generator) -> tuple[Impurity, dict[str, Any]]:
    """An impurity, and options of its NRG."""
    U = rng.uniform(0.5, 4.0)
    band = SemicircularBand(D=1.0) if rng.random() < 0.5 else FlatBand(D=1.0)
    beta = float(rng.choice([10.0, 20.0, 50.0, 100.0]))
    found = Impurity(U=U, beta=beta, bath=band, eps=-0.5 * U + rng.uniform(-0.3, 0.3) * U)
    options = {
        "keep": int(rng.choice([120, 250, 500, 800])),
        "Lambda": float(rng.choice([1.6, 1.8, 2.0, 2.4, 2.8])),
        "scheme": str(rng.choice(["zitko-pruschke", "campo-oliveira", "wilson"])),
    }
    return found, options


def pulls(one: Impurity, options: dict[str, Any], seed: int) -> tuple[list[float], float]:
    """Of n and the double occupancy; and the largest deviation of G(i w_n), over its error."""
    common = {"progress": False, "threads": 1, "frequencies": 48}
    exact = solve(one, solver="cthyb", sweeps=2**17, seed=seed, **common)
    found = solve(one, solver="nrg", **options, **common)
    each = []
    for name in NAMES:
        errors = [x.diagnostics[f"{name}_error"] for x in (found, exact)]
        each.append(float((getattr(found, name) - getattr(exact, name)) / np.hypot(*errors)))
    noise = 2.0 * np.asarray(exact.diagnostics["G_iw_error"])
    far = np.abs(found.G_iw - exact.G_iw) / (found.error + noise)
    return each, float(np.max(far))


def run(seed: int, scale: float) -> Iterator[Row]:
    rng = np.random.default_rng([seed, 31])
    each, worst = [], []
    for k in range(count(PROBLEMS, scale)):
        found, largest = pulls(*problem(rng), seed=1000 * seed + k)
        each.append(found)
        worst.append(largest)
    rms = np.sqrt(np.mean(np.square(each), axis=0))
    many = len(each) >= PROBLEMS
    for name, spread in zip(NAMES, rms.tolist(), strict=True):
        yield Row.at_most(f"{name}: rms of {len(each)} pulls", spread, 1.3 if many else 3.0)
    yield Row.at_most("G(i w_n): largest deviation over the stated error", max(worst), 1.0)
    if many:
        yield Row.at_least(
            "G(i w_n): mean of the largest deviations over the stated errors",
            float(np.mean(worst)),
            0.2,
        )
