"""Several orbitals: processor time and memory of exact diagonalisation, and updates of segments.

``python -m benchmarks.orbitals ed 50``     two orbitals with three bath sites each at beta = 50
``python -m benchmarks.orbitals segments``  updates per second of one orbital and of two

The goals: at most 20 s at beta = 50 and 60 s at beta = 1 with 512 frequencies, below 1 GB; updates
of segments within 30 % of those of one orbital.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks.memory import peak_megabytes
from kadanoff.dmft import DiscreteBath, Impurity, OrbitalImpurity, solve

FIRST = DiscreteBath([-0.6, 0.1, 0.8], [0.3, 0.25, 0.4])
SECOND = DiscreteBath([-0.5, 0.2, 0.7], [0.35, 0.2, 0.3])
QUIET: dict[str, Any] = {"threads": 1, "progress": False}
SWEEPS = (2**14, 2**17)


def diagonalised(beta: float) -> None:
    """Two inequivalent orbitals, 65,536 states."""
    problem = OrbitalImpurity(U=2.5, J=0.4, beta=beta, bath=(FIRST, SECOND), eps=(-2.8, -3.0))
    began = time.process_time()
    solve(problem, frequencies=512, **QUIET)
    seconds = time.process_time() - began
    print(f"ed, beta = {beta:g}: {seconds:.1f} s of the processor, {peak_megabytes():.0f} MB")


def segments() -> None:
    """The difference of two runs, without what does not grow with sweeps."""
    one = Impurity(U=2.5, beta=20.0, bath=FIRST, eps=-1.0)
    alike, apart = (
        OrbitalImpurity(U=2.5, J=0.4, kind="density", beta=20.0, bath=bath, eps=(-2.8, -2.8))
        for bath in (FIRST, (FIRST, SECOND))
    )
    for name, problem in (("one", one), ("two equal", alike), ("two different", apart)):
        found = []
        for sweeps in (SWEEPS[0], *SWEEPS):  # the first pays for imports
            began = time.process_time()
            solution = solve(
                problem,
                solver="cthyb",
                sweeps=sweeps,
                chains=2,
                equilibration=1024,
                seed=1,
                frequencies=16,
                **QUIET,
            )
            found.append((time.process_time() - began, solution.diagnostics["updates"]))
        (t0, u0), (t1, u1) = found[1:]
        print(f"segments, {name}: {(u1 - u0) / (t1 - t0) / 1e6:.2f} million updates per second")


if __name__ == "__main__":
    if sys.argv[1] == "ed":
        diagonalised(float(sys.argv[2]))
    else:
        segments()
