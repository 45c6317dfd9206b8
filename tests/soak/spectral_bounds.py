"""Certified bounds of smeared spectra: 200 spectra of impurities with simulated noise.

Half of the spectra are those of exact diagonalisation, poles; half are those of the NRG,
continuous. Two windows, one width, and noise from 1e-5 to 1e-2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog
from scipy.stats import chi2

import kadanoff as kd
from kadanoff.greens import AllowedSpectra, GreenFunction
from tests.soak.rows import Row

TINY = 0.04
COUNT = 32
NOISE = (1e-5, 1e-4, 1e-3, 1e-2)
WIDTH = 0.2
CENTRES = (0.0, 0.6)


def run(seed: int, scale: float) -> Iterator[Row]:
    number = max(4, round(200 * scale))
    missed = infeasible = outside = 0
    widths: dict[float, list[float]] = {error: [] for error in NOISE}
    ratios = []
    for i, spectrum in enumerate(spectra(seed, number)):
        error = NOISE[i % len(NOISE)]
        rng = np.random.default_rng([seed, i])
        noise = error * rng.normal(size=(2, COUNT))
        G = spectrum.iw(COUNT) + noise[0] + 1j * noise[1]
        allowed = AllowedSpectra(G, spectrum.beta, error=error)
        if not allowed.is_feasible:
            infeasible += 1
            continue
        bounds = allowed.bounds(CENTRES, WIDTH, progress=False)
        missed += not bounds.holds(spectrum.energies, spectrum.weights).all()
        between = (bounds.lower <= bounds.estimate) & (bounds.estimate <= bounds.upper)
        outside += not between.all()
        widths[error].append(float(np.mean(bounds.upper - bounds.lower)))
        if i % len(NOISE) == 2 and len(ratios) < max(2, round(10 * scale)):
            distance = float(bounds.upper[0] - bounds.lower[0])
            ratios.append(distance / cone(G, error, spectrum.beta))
    yield Row.at_least("spectra of 200 inside", (number - missed - infeasible) / number, 0.92)
    yield Row.at_most("spectra of 200 infeasible", infeasible / number, 0.08)
    yield Row.at_most("estimates of 200 outside", outside / number, 0.0)
    yield Row.at_most("distance over that of the cone of chi^2", max(ratios), 1.3)
    for error, found in widths.items():
        largest = 1.0 / (WIDTH * math.sqrt(2 * math.pi))
        yield Row.at_most(f"median distance at noise {error:g}", np.median(found), largest / 4)


def spectra(seed: int, number: int) -> Iterator[GreenFunction]:
    rng = np.random.default_rng([seed, 1000])
    for i in range(number):
        U, beta = rng.uniform(0, 4), float(rng.choice([10.0, 20.0, 50.0]))
        eps = -U / 2 + rng.uniform(-0.5, 0.5)
        if (i // len(NOISE)) % 2:
            bath = kd.dmft.DiscreteBath(rng.uniform(-1, 1, 3), rng.uniform(0.1, 0.5, 3))
            yield kd.dmft.solve(kd.dmft.Impurity(U=U, beta=beta, eps=eps, bath=bath)).G
        else:
            dot = kd.AndersonModel(U=U, V=0.35, eps=eps)
            found = kd.dmft.solve(
                kd.dmft.Impurity(U=U, beta=beta, eps=eps, bath=dot.band, V=dot.V),
                solver="nrg",
                keep=100,
                twists=1,
            ).G
            yield GreenFunction(found.energies, found.weights, beta)


def cone(G: np.ndarray, error: float, beta: float) -> float:
    """Distance of the bounds at the first centre in the cone of chi^2 of all numbers (HiGHS)."""
    w = np.unique(np.concatenate([np.linspace(-8, 8, 801), np.sinh(np.linspace(-9, 9, 301))]))
    z = 1 / (1j * kd.greens.matsubara(beta, COUNT)[:, None] - w)
    kernel = np.concatenate([z.real, z.imag]) / error
    data = np.concatenate([G.real, G.imag]) / error
    U = np.linalg.svd(kernel, full_matrices=False)[0][:, :24]
    # What the first 24 directions cannot reach is no more than its own chi^2.
    R = math.sqrt(chi2.ppf(0.95, 2 * COUNT) - np.sum((data - U @ (U.T @ data)) ** 2))
    kernel, data = U.T @ kernel, U.T @ data
    g = np.exp(-0.5 * ((w - CENTRES[0]) / WIDTH) ** 2) / (WIDTH * math.sqrt(2 * math.pi))
    found = []
    for sign in (1, -1):
        planes = np.vstack([np.eye(24), -np.eye(24)])
        for _ in range(150):
            right = R + planes @ data
            ones = np.ones((1, w.size))
            best = linprog(-sign * g, planes @ kernel, right, ones, [1.0], method="highs")
            residual = kernel @ best.x - data
            size = float(np.linalg.norm(residual))
            if size < 1.02 * R:
                break
            planes = np.vstack([planes, residual / size])
        found.append(-best.fun)
    return float(sum(found))
