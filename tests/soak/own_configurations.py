"""Bounds from one long Markov chain, and T_c and nu of Potts spins, from plain arrays.

A heat-bath chain of the critical Ising lattice of 32 x 32, every sweep a row (its m^2 has an
autocorrelation time of 118 rows). Either the chain is refused as too short, or the certified lower
bound must not lie above the truth, with an error that is that of the scatter.

Three colours: filters of two hidden units learned from the largest lattice, or the majority of
colours, and two lattices that end equal. Honeycomb and kagome lattices: the majority of a block of
two by two cells.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.stats import chi2

import kadanoff as kd
from kadanoff.blockspin import LinearFilter, Majority, Plurality
from tests.soak.rows import Row, count

TINY = 0.01

# I(H:E) of the uniform filter, the best one within |lambda| <= 1: the oracle with 160,000
# environments of independent samples gives 0.3998(5).
TRUTH, TRUTH_ERROR = 0.3998, 0.0005
ROWS = {600: 200, 3000: 200, 10_000: 200, 30_000: 200}  # and the number of chains
MEASURED = 30  # chains that are enough for a ratio of scatter and error: its error is 13 %
LATTICES = 20  # independent determinations of T_c and nu


def run(seed: int, scale: float) -> Iterator[Row]:
    for n, chains in ROWS.items():
        yield from _chains(n, seed, count(chains, scale))
    yield from _potts(seed, scale)
    yield from _with_a_basis(seed, scale)


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
    T_c = kd.potts.critical_temperature(3)

    def draw(L: int, T: float, n: int, s: int) -> Any:
        run = kd.potts.sample(L=L, q=3, T=T, n=n, seed=s, threads=1)
        return kd.rsmi.Configurations(run.configurations, T=T, energy=run.energy, states=3)

    def learned(runs: list[Any], k: int) -> Any:
        middle = runs[len(runs) // 2]
        return kd.rsmi.flow(middle, 3, hidden=2, restarts=1, seed=k, threads=1).rules

    yield from _points("Potts, q = 3, learned", draw, learned, T_c, 5 / 6, seed, scale)
    by_count: Any = [Plurality(3)] * 3
    yield from _points("Potts, q = 3", draw, lambda *_: by_count, T_c, 5 / 6, seed, scale)


def _with_a_basis(seed: int, scale: float) -> Iterator[Row]:
    for make in (kd.ising.honeycomb, kd.ising.kagome):
        model = make(2)
        rules = [LinearFilter(np.full((2, 2, model.cell), 1e3)), Majority(), Majority()]

        def draw(L: int, T: float, n: int, s: int, make: Any = make) -> Any:
            run = kd.ising.sample(make(L), T=T, n=n, seed=s, threads=1)
            return kd.rsmi.Configurations(
                np.asarray(run), T=T, energy=run.energy, basis=make(2).cell
            )

        T_c = model.critical_temperature
        assert T_c is not None
        yield from _points(
            model.lattice, draw, lambda *_, rules=rules: rules, T_c, 1.0, seed, scale
        )


def _points(
    name: str,
    draw: Callable[[int, float, int, int], Any],
    rules: Callable[[list[Any], int], Any],
    T_c: float,
    nu: float,
    seed: int,
    scale: float,
) -> Iterator[Row]:
    temperatures = T_c * np.linspace(0.97, 1.03, 7)
    points = []
    for k in range(count(LATTICES, scale)):
        first = 10_000 * seed + 100 * k
        small, large = (
            [draw(L, T, n, first + L + i) for i, T in enumerate(temperatures)]
            for L, n in ((16, 3000), (32, 1500))
        )
        points.append(kd.rsmi.critical_point(small, large, rules(large, k), seed=k))
    off = np.array([p.T_c for p in points]) / T_c - 1
    yield Row.at_most(f"{name}: T_c, largest relative deviation", np.abs(off).max(), 0.005)
    pulls = [(p.T_c - T_c) / p.T_c_error for p in points]
    pulls += [(p.nu - nu) / p.nu_error for p in points]
    # What 99.6 % of all draws of as many normal numbers stay below: 1.3 for forty of them.
    limit = round(float(np.sqrt(chi2.ppf(0.996, len(pulls)) / len(pulls))), 2)
    yield Row.at_most(
        f"{name}: T_c and nu, rms of {len(pulls)} pulls", np.sqrt(np.mean(np.square(pulls))), limit
    )
    if scale >= 0.5:
        mean = np.mean([p.nu for p in points])
        yield Row.at_most(f"{name}: nu, relative deviation of the average", abs(mean / nu - 1), 0.1)
