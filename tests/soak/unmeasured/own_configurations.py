"""Bounds from one long Markov chain, and T_c and nu of Potts spins, from plain arrays.

A heat-bath chain of the critical Ising lattice of 32 x 32, every sweep a row (its m^2 has an
autocorrelation time of 118 rows). Either the chain is refused as too short, or the certified lower
bound must not lie above the truth, with an error that is that of the scatter.

Three colours: filters of two hidden units learned from the largest lattice, three steps of the
flow, and two lattices that end equal.
"""

from collections.abc import Iterator

import numpy as np

import kadanoff as kd
from tests.lattices import potts_sampler
from tests.soak.rows import Row, count

TINY = 0.01

# I(H:E) of the uniform filter, the best one within |lambda| <= 1: the oracle with 160,000
# environments of independent samples gives 0.3998(5).
TRUTH, TRUTH_ERROR = 0.3998, 0.0005
CHAINS = 200
ROWS = (600, 3000, 10_000, 30_000)
MEASURED = 30  # chains that are enough for a ratio of scatter and error: its error is 13 %
LATTICES = 4  # independent determinations of nu


def run(seed: int, scale: float) -> Iterator[Row]:
    for n in ROWS:
        yield from _chains(n, seed, count(CHAINS, scale))
    yield from _potts(seed, scale)


def _chains(n: int, seed: int, chains: int) -> Iterator[Row]:
    found = []
    for i in range(chains):
        samples = kd.ising.sample(
            L=32,
            T=kd.ising.T_c,
            n=n,
            method="heat-bath",
            spacing=1,
            chains=1,
            equilibration=3000,
            seed=1000 * seed + i,
            threads=1,
        )
        try:
            rule = kd.rsmi.learn(np.asarray(samples), restarts=1, seed=i, threads=1)
        except ValueError:  # too few autocorrelation times
            continue
        found.append((rule.information.value, rule.information.error))
    if n == min(ROWS):
        yield Row.at_most(
            f"chains of {n} sweeps that are not refused, share", len(found) / chains, 0.1
        )
        return
    values, errors = np.array(found).reshape(-1, 2).T
    above = np.sum(values - TRUTH > 3 * np.hypot(errors, TRUTH_ERROR))
    yield Row.at_most(
        f"bounds from {n} sweeps, share above the truth by 3 sigma", above / chains, 0.01
    )
    if len(found) >= MEASURED:
        ratio = values.std(ddof=1) / np.sqrt(np.mean(errors**2))
        of = f"bounds from {n} sweeps ({len(found)} of {chains} chains accepted), scatter / error"
        yield Row.at_least(of, ratio, 0.8)
        yield Row.at_most(of, ratio, 1.25)


def _potts(seed: int, scale: float) -> Iterator[Row]:
    """q = 3, nu = 5/6: F. Y. Wu, Rev. Mod. Phys. 54, 235 (1982), doi:10.1103/RevModPhys.54.235."""
    whole = scale >= 0.5
    sides, n, steps = ((16, 32), 2000, 2) if whole else ((8, 16), 600, 2)
    T_c = potts_sampler.critical_temperature(3)
    temperatures = T_c * np.array([0.98, 0.99, 1.0, 1.01, 1.02])
    points = []
    for k in range(count(LATTICES, scale)):
        runs = {}
        for L in sides:
            runs[L] = []
            for i, T in enumerate(temperatures):
                x, energy = potts_sampler.sample(3, L, T, n=n, seed=1000 * seed + 10 * k + i)
                runs[L].append(kd.rsmi.Configurations(x, T=T, energy=energy, states=3))
        flow = kd.rsmi.flow(runs[sides[1]][2], steps, hidden=2, restarts=2, seed=k, threads=1)
        points.append(
            kd.rsmi.critical_point(runs[sides[0]], runs[sides[1]], flow.rules, degree=4, seed=k)
        )
    off = np.array([p.T_c for p in points]) / T_c - 1
    yield Row.at_most("Potts, q = 3: T_c, largest relative deviation", np.abs(off).max(), 0.005)
    if whole:
        nu = np.mean([p.nu for p in points])
        yield Row.at_most(
            "Potts, q = 3: nu, relative deviation of the average", abs(1.2 * nu - 1), 0.1
        )
