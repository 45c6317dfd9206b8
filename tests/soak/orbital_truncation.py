"""Errors of two orbitals by the NRG with 300 to 800 states, against Monte Carlo.

Random interactions of density-density type and fillings, T = D/20 to D/100, flat and semicircular
bands, Lambda = 3 to 6, one or two twists. Pulls are counted in one standard error of both.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kadanoff.bands import FlatBand, SemicircularBand
from kadanoff.dmft import OrbitalImpurity, solve
from tests.soak.rows import Row, count

PROBLEMS = 24
TINY = 0.05
NAMES = ("Z", "n", "docc", "pairs", "spins")
HIGHEST = 1.3
"""Of the rms of pulls. There is no lower limit for averages: their bounds hold for small runs of
any model, and are wide for these."""


def problem(rng: np.random.Generator) -> tuple[OrbitalImpurity, dict[str, float]]:
    """An impurity, and options of its NRG."""
    U = rng.uniform(0.5, 3.0)
    J = rng.uniform(0.0, 0.3) * U
    middle = -(3.0 * U - 5.0 * J) / 2
    band = SemicircularBand(D=1.0) if rng.random() < 0.5 else FlatBand(D=1.0)
    found = OrbitalImpurity(
        U=U,
        J=J,
        kind="density",
        beta=float(rng.choice([20.0, 50.0, 100.0])),
        bath=band,
        eps=(middle + rng.uniform(-0.25, 0.25) * U,) * 2,
    )
    options = {
        "keep": int(rng.choice([300, 500, 800])),
        "Lambda": float(rng.choice([3.0, 4.0, 6.0])),
        "twists": int(rng.choice([1, 1, 2])),
    }
    return found, options


def pulls(one: OrbitalImpurity, options: dict[str, float], seed: int) -> tuple[list[float], float]:
    """Of Z and averages; and the largest deviation of G(i w_n), over the stated error."""
    common = {"progress": False, "threads": 1, "frequencies": 64}
    exact = solve(one, solver="cthyb", sweeps=2**16, seed=seed, **common)
    found = solve(one, solver="nrg", **options, **common)
    each = []
    for name in NAMES:
        at = (0, -1) if name in ("pairs", "spins") else (0,)
        far = getattr(found, name)[at] - getattr(exact, name)[at]
        errors = [x.diagnostics[f"{name}_error"][at] for x in (found, exact)]
        each.append(float(far / np.hypot(*errors)))
    far = np.max(np.abs(np.einsum("naa->na", found.G_iw - exact.G_iw)))
    return each, float(far / (found.error + 2.0 * exact.error))


def run(seed: int, scale: float) -> Iterator[Row]:
    rng = np.random.default_rng([seed, 12])
    each, worst = [], []
    for k in range(count(PROBLEMS, scale)):
        found, largest = pulls(*problem(rng), seed=1000 * seed + k)
        each.append(found)
        worst.append(largest)
    rms = np.sqrt(np.mean(np.square(each), axis=0))
    inside = np.mean(np.abs(each) < 2.0, axis=0)
    many = len(each) >= PROBLEMS
    for name, spread, share in zip(NAMES, rms.tolist(), inside.tolist(), strict=True):
        yield Row.at_most(f"{name}: rms of {len(each)} pulls", spread, HIGHEST if many else 2.0)
        yield Row.at_least(f"{name}: share within two errors", share, 0.9 if many else 1.0)
    if many:
        yield Row.at_least(f"Z: rms of {len(each)} pulls", float(rms[0]), 0.5)
    yield Row.at_most("G(i w_n): largest deviation over the stated error", max(worst), 1.0)
