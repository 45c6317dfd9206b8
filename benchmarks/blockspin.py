"""What block spins and Monte Carlo RG cost."""

from __future__ import annotations

from typing import Any

from benchmarks.clock import stopwatch

Measured = dict[str, Any]


def majority(threads: int, repeats: int) -> list[Measured]:
    """One step of the majority rule, b = 2, on 4096 x 4096 spins with random ties."""
    import numpy as np

    from kadanoff.lattices.blockspin import block_spins

    bits = np.random.default_rng(0).integers(0, 2, size=(4096, 4096), dtype=np.int8)
    configuration = 2 * bits - 1
    found = []
    for i in range(repeats):
        stop = stopwatch()
        block_spins(configuration, seed=i)
        found.append(stop())
    return found


def exponents(threads: int, repeats: int) -> list[Measured]:
    """Monte Carlo RG of 10,000 configurations of 64 x 64: 3 steps, 7 operators, errors."""
    import numpy as np

    from kadanoff.lattices.blockspin import mcrg

    bits = np.random.default_rng(0).integers(0, 2, size=(10_000, 64, 64), dtype=np.int8)
    configurations = 2 * bits - 1
    found = []
    for i in range(repeats):
        stop = stopwatch()
        run = mcrg(configurations, steps=3, seed=i)
        _ = run.y_t, run.y_h
        found.append(stop())
    return found


def learned_clusters(threads: int, repeats: int) -> list[Measured]:
    """Self-learning Monte Carlo at the critical point, L = 32, 100,000 clusters."""
    from kadanoff.lattices.self_learning import PairModel, PlaquetteIsing, sample

    model = PlaquetteIsing(L=32, T=2.493, K=0.2)
    found = []
    for i in range(repeats):
        stop = stopwatch()
        sample(
            model,
            PairModel(J=(1.1064, 0.0, 0.0)),
            n=10_000,
            spacing=10,
            equilibration=1000,
            seed=i,
            threads=threads,
            progress=False,
        )
        found.append(stop())
    return found
