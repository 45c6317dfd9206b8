"""What this machine can do at the same moment: LAPACK and BLAS at the sizes of our blocks.

Runs in a process of its own with one BLAS thread (OPENBLAS_NUM_THREADS=1, set by run.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

SYMMETRIES: dict[str, dict[str, Any]] = {
    "thermo-u1-u1": {"keep": 3500, "symmetry": ("U1", "U1")},
    "thermo-u1-su2": {"keep": None, "keep_multiplets": 1400, "symmetry": ("U1", "SU2")},
    "thermo-su2-su2": {"keep": 3500, "symmetry": ("SU2", "SU2")},
}
SITES = 30  # far enough for a shell of typical block sizes


def best(action: Callable[[], object], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


def rates() -> dict[str, Any]:
    """GF/s of dgemm, and for each symmetry a shell by dsyevd and the same shell by us.

    The peer diagonalises a random symmetric matrix of every block's size with all eigenvectors, as
    a program that takes LAPACK as it is. `distinct` is the same without the blocks that spin
    inversion and particle-hole reflection make equal to another, which we skip. `ours` is this
    shell's share, by sum n^3, in all that the compiled core does in a run.
    """
    import numpy as np

    random = np.random.default_rng(0)
    out: dict[str, Any] = {"dgemm": {}, "shells": {}}
    for n in (100, 300, 1000):
        a = random.normal(size=(n, n))
        a @ a
        out["dgemm"][n] = 2 * n**3 / best(partial(np.matmul, a, a), 5) / 1e9
    for name, options in SYMMETRIES.items():
        out["shells"][name] = _shell(options, random)
    return out


def _shell(options: dict[str, Any], random: Any) -> dict[str, float]:
    import numpy as np
    from scipy.linalg import eigh

    import kadanoff as kd

    aim = kd.AndersonModel(U=0.5, J_sw=0.25)

    runs = [
        kd.nrg.solve(aim, Lambda=2.5, sites=SITES, threads=1, progress=False, **options)
        for _ in range(2)
    ]
    arrays = runs[0].levels[0].arrays
    first, last = arrays["shells"][-3:-1]
    every = np.diff(arrays["blocks"]).astype(float)
    sizes = every[first:last]
    share = float((sizes**3).sum() / (every**3).sum())
    labels = arrays["labels"][first:last]
    folded = np.array([factor == "U1" for factor in options["symmetry"]])
    distinct = np.all((labels >= 0) | ~folded, axis=1)

    def lapack(n: int) -> float:
        a = random.normal(size=(n, n))
        a += a.T
        return best(lambda: eigh(a, driver="evd", check_finite=False), 1 if n > 500 else 3)

    times = {int(n): lapack(int(n)) for n in np.unique(sizes)}
    seconds = np.array([times[int(n)] for n in sizes])
    return {
        "blocks": len(sizes),
        "largest": int(sizes.max()),
        "dsyevd": float(seconds.sum()),
        "distinct": float(seconds[distinct].sum()),
        "ours": share * min(run.seconds for run in runs),
    }
