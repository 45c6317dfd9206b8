"""Ising at T_c on 512 x 512: bit-sliced sweeps, Wolff clusters, both in numba; three colours."""

# ruff: noqa: NPY002 - the random numbers that numba compiles

from __future__ import annotations

from typing import Any

from benchmarks.clock import stopwatch

L = 512
SWEEPS = 2000
CLUSTER_SITES = 100_000_000


def sweeping(method: str) -> Any:
    """Two lattices side by side, SWEEPS sweeps each: 10^9 spins."""

    def measure(threads: int, repeats: int) -> list[dict[str, Any]]:
        from kadanoff import _core, ising
        from kadanoff.lattices.ising.models import core_arguments

        system = core_arguments(ising.Ising(L))
        chains = _core.IsingEnsemble(system, ising.T_c, method, 2, 1)
        chains.advance(50, threads=threads)
        found = []
        for _ in range(repeats):
            stop = stopwatch()
            chains.advance(SWEEPS, threads=threads)
            found.append(stop())
        return found

    return measure


def clusters(threads: int, repeats: int) -> list[dict[str, Any]]:
    """A fixed number of clusters, as the time that 10^8 of their sites take."""
    from kadanoff import _core, ising
    from kadanoff.lattices.ising.models import core_arguments

    chains = _core.IsingEnsemble(core_arguments(ising.Ising(L)), ising.T_c, "wolff", 2, 1)
    chains.advance(200, threads=threads)
    found = []
    for _ in range(repeats):
        before = chains.visited
        stop = stopwatch()
        chains.advance(300, threads=threads)
        found.append(stop(CLUSTER_SITES / (chains.visited - before)))
    return found


def colour_clusters(threads: int, repeats: int) -> list[dict[str, Any]]:
    """Clusters of the three-state Potts model at T_c, as the time that 10^8 of their sites take."""
    import numpy as np

    from kadanoff import _core, potts

    bonds = potts.Potts(L, 3).bonds()[0].astype(np.uint32)
    T = potts.critical_temperature(3)
    chains = _core.BondEnsemble(L * L, 3, bonds, np.ones(1), 0.0, T, "wolff", 2, 1)
    chains.advance(200, threads=threads)
    found = []
    for _ in range(repeats):
        before = chains.visited
        stop = stopwatch()
        chains.advance(300, threads=threads)
        found.append(stop(CLUSTER_SITES / (chains.visited - before)))
    return found


def sampling(threads: int, repeats: int) -> list[dict[str, Any]]:
    """First cell of the notebook on mutual information."""
    from kadanoff import ising

    found = []
    for i in range(repeats):
        stop = stopwatch()
        ising.sample(L=64, T=ising.T_c, n=30_000, seed=i, threads=threads, progress=False)
        found.append(stop())
    return found


def mcising_sweeping(threads: int, repeats: int) -> list[dict[str, Any]]:
    """Metropolis of the package mcising, one core; as the time that 10^9 spins take."""
    import mcising

    chain = mcising.IsingSimulation(L, 1.0, 0.0, 0.0, 0.0, 1, "metropolis")
    found = []
    for _ in range(repeats):
        count = 100
        stop = stopwatch()
        chain.sweep(count, temperature=2.269185314213022)
        found.append(stop(2 * SWEEPS / count))
    return found


def numba_sweeping(threads: int, repeats: int) -> list[dict[str, Any]]:
    """What a user writes: a checkerboard Metropolis loop under numba, one core; 10^9 spins."""
    import numba
    import numpy as np

    T = 2.269185314213022
    p = np.exp(-4.0 * np.arange(3) / T)

    @numba.njit
    def sweeps(s, p, count):
        n = s.shape[0]
        for _ in range(count):
            for colour in range(2):
                for i in range(n):
                    up, down = s[i - 1], s[i + 1 if i + 1 < n else 0]
                    for j in range((i + colour) & 1, n, 2):
                        right = s[i, j + 1 if j + 1 < n else 0]
                        field = s[i, j] * (up[j] + down[j] + s[i, j - 1] + right)
                        if field <= 0 or np.random.random() < p[field // 2]:
                            s[i, j] = -s[i, j]

    s = np.ones((L, L), dtype=np.int8)
    sweeps(s, p, 2)
    found = []
    for _ in range(repeats):
        count = 100
        stop = stopwatch()
        sweeps(s, p, count)
        found.append(stop(2 * SWEEPS / count))
    return found


def numba_clusters(threads: int, repeats: int) -> list[dict[str, Any]]:
    """Wolff clusters under numba, one core, as the time that 10^8 of their sites take."""
    import numba
    import numpy as np

    p = 1 - np.exp(-2.0 / 2.269185314213022)

    @numba.njit
    def flip(s, stack, p, count):
        n = s.shape[0]
        visited = 0
        for _ in range(count):
            i, j = np.random.randint(n), np.random.randint(n)
            old = s[i, j]
            s[i, j] = -old
            stack[0] = i * n + j
            top = 1
            while top:
                top -= 1
                visited += 1
                i, j = stack[top] // n, stack[top] % n
                for k in range(4):
                    a = (i + (k == 0) - (k == 1)) % n
                    b = (j + (k == 2) - (k == 3)) % n
                    if s[a, b] == old and np.random.random() < p:
                        s[a, b] = -old
                        stack[top] = a * n + b
                        top += 1
        return visited

    s = np.ones((L, L), dtype=np.int8)
    stack = np.empty(L * L, dtype=np.int64)
    flip(s, stack, p, 100)
    found = []
    for _ in range(repeats):
        stop = stopwatch()
        visited = flip(s, stack, p, 100)
        found.append(stop(CLUSTER_SITES / visited))
    return found


def tensors(threads: int, repeats: int) -> list[dict[str, Any]]:
    """Tensor renormalization at T_c with 24 states, 20 doublings, errors and dimensions."""
    from kadanoff import ising, tensor

    found = []
    for _ in range(repeats):
        stop = stopwatch()
        tensor.renormalize(ising.Ising(2), T=ising.T_c, progress=False)
        found.append(stop())
    return found
