"""Potts configurations by Swendsen and Wang, from connected components: a sampler for tests.

H = - sum over bonds of delta(s, s') on a periodic square lattice. All chains are one graph.
"""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def critical_temperature(q: int) -> float:
    return float(1 / np.log(1 + np.sqrt(q)))


def sample(q, L, T, *, n, seed, chains=50, spacing=4, equilibration=60):
    """Colours of shape (n, L, L), chain after chain, and energies per site of shape (n,)."""
    rng = np.random.default_rng([seed, q, L])
    s = np.zeros((chains, L, L), dtype=np.int64)
    number = np.arange(s.size).reshape(s.shape)
    pairs = [(number.ravel(), np.roll(number, -1, axis=a).ravel()) for a in (1, 2)]
    p = -np.expm1(-1 / T)
    times = -(-n // chains)
    kept, energies = [], []
    for sweep in range(equilibration + spacing * times):
        flat = s.ravel()
        rows, columns = [], []
        for i, j in pairs:
            joined = (flat[i] == flat[j]) & (rng.random(len(i)) < p)
            rows.append(i[joined])
            columns.append(j[joined])
        i, j = np.concatenate(rows), np.concatenate(columns)
        graph = coo_matrix((np.ones(len(i), dtype=bool), (i, j)), shape=(s.size, s.size))
        count, label = connected_components(graph, directed=False)
        s = rng.integers(0, q, count)[label].reshape(s.shape)
        if sweep >= equilibration and (sweep - equilibration) % spacing == spacing - 1:
            kept.append(s.astype(np.int8))
            same = sum((s == np.roll(s, -1, axis=a)).mean(axis=(1, 2)) for a in (1, 2))
            energies.append(-same)
    colours = np.stack(kept, axis=1).reshape(-1, L, L)[:n]
    return colours, np.stack(energies, axis=1).ravel()[:n]
