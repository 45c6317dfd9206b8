"""The public problem SIAM_Discrete_Bath of TRIQS by our CT-HYB, beside the published figures.

`python -m benchmarks.triqs [seconds [runs]]` prints the table of README.md: the largest deviation
of G and of Sigma from exact diagonalisation over both spins and the first 50 frequencies, and its
square times core-seconds, which does not depend on how long a code has run. Published deviations,
run times and numbers of processes: https://github.com/TRIQS/benchmarks, commit b68a9a046d,
SIAM_Discrete_Bath/results/report.md. Theirs are one run each, on another machine.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

FREQUENCIES = 50
PUBLISHED = {
    "triqs_cthyb 3.3.0": (9.37e-5, 2.72e-1, 229.1, 4),
    "triqs_ctseg 3.3.0": (1.32e-4, 2.37e-1, 330.1, 4),
    "w2dyn_cthyb 3.3.0": (1.15e-4, 2.37e-1, 66.7, 4),
    "triqs_ctint 3.3.0": (1.84e-5, 7.54e-3, 161.4, 4),
}
"""Deviation of G and of Sigma, run time in seconds and number of processes."""


def problem() -> Any:
    import kadanoff as kd

    bath = kd.dmft.DiscreteBath([0.0, 4.0], [2.0, 5.0])
    return kd.dmft.Impurity(U=5.0, beta=5.0, bath=bath, eps=-2.0, h=0.2)


def ours(seconds: float, seed: int) -> tuple[float, float, float]:
    """Deviation of G and of Sigma, and processor time, on one thread."""
    import kadanoff as kd

    options: dict[str, Any] = {"frequencies": FREQUENCIES, "threads": 1, "progress": False}
    exact = kd.dmft.solve(problem(), **options)
    began = time.process_time()
    found = kd.dmft.solve(problem(), solver="cthyb", seconds=seconds, seed=seed, **options)
    cpu = time.process_time() - began
    deviations = [
        max(
            float(np.max(np.abs(getattr(one, name) - getattr(other, name))))
            for one, other in ((found.up, exact.up), (found.down, exact.down))
        )
        for name in ("G_iw", "Sigma_iw")
    ]
    return deviations[0], deviations[1], cpu


def row(name: str, G: float, Sigma: float, cost: float) -> str:
    return (
        f"| {name} | {G:.2g} | {Sigma:.2g} | {cost:.3g} | {G**2 * cost:.1e} | "
        f"{Sigma**2 * cost:.1e} |"
    )


def table(seconds: float, runs: int) -> str:
    """The rows of all codes; ours is the root mean square of several runs."""
    found = np.array([ours(seconds, seed) for seed in range(runs)])
    G, Sigma = np.sqrt(np.mean(found[:, :2] ** 2, axis=0))
    lines = [
        "| code | max abs dG | max abs dSigma | core-seconds | dG² core-s | dSigma² core-s |",
        "|---|---|---|---|---|---|",
        row(f"kadanoff, rms of {runs} runs", G, Sigma, float(np.mean(found[:, 2]))),
    ]
    lines += [
        row(name, G, Sigma, wall * processes)
        for name, (G, Sigma, wall, processes) in PUBLISHED.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    numbers = sys.argv[1:]
    print(table(float(numbers[0]) if numbers else 10.0, int(numbers[1]) if numbers[1:] else 4))
