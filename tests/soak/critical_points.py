"""Errors of T_c and nu of the Ising model: of `critical_point` and `collapse`, at quick sizes.

Lattices of 16 and 32 sites at seven temperatures, and of 16, 32 and 64 sites at five each; the
majority rule, or the filters that a flow of the lattice of 32 sites at T_c learns.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff.blockspin import Majority
from tests.soak.rows import Row, count

TINY = 0.01
SEEDS = 60
T_c = kd.ising.T_c


def run(seed: int, scale: float) -> Iterator[Row]:
    found: dict[str, list[Any]] = {}
    for k in range(count(SEEDS, scale)):
        first = 10_000 * seed + 100 * k
        T = T_c * np.linspace(0.97, 1.03, 7)
        small, large = (
            [_draw(L, t, n, first + L + i) for i, t in enumerate(T)]
            for L, n in ((16, 3000), (32, 1500))
        )
        sizes = [
            _draw(L, 2.27 * (1 + x / L), 40_000 // L, first + L + 7 + i)
            for L in (16, 32, 64)
            for i, x in enumerate(np.linspace(-0.6, 0.6, 5))
        ]
        learned = kd.rsmi.flow(large[3], 3, restarts=1, seed=k, threads=1).rules
        for name, rules in (("majority", [Majority()] * 3), ("learned rules", learned)):
            point = kd.rsmi.critical_point(small, large, rules, seed=k)
            found.setdefault(f"critical_point, {name}", []).append(point)
            point = kd.rsmi.collapse(sizes, rules, window=2.0, seed=k)
            found.setdefault(f"collapse, {name}", []).append(point)
    for name, points in found.items():
        off = np.abs([p.T_c / T_c - 1 for p in points])
        yield Row.at_most(f"{name}: T_c, largest relative deviation", float(off.max()), 0.005)
        if scale < 0.5:
            continue
        pulls = {
            "T_c": [(p.T_c - T_c) / p.T_c_error for p in points],
            "nu": [(p.nu - 1) / p.nu_error for p in points],
        }
        for of, these in pulls.items():
            rms = float(np.sqrt(np.mean(np.square(these))))
            what = f"{name}: {of}, rms of {len(points)} pulls"
            yield Row.at_least(what, rms, 0.7)
            yield Row.at_most(what, rms, 1.3)


def _draw(L: int, T: float, n: int, seed: int) -> Any:
    return kd.ising.sample(L=L, T=T, n=n, seed=seed, threads=1)
