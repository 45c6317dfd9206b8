"""Responses, self-energies and spectra of NRG against exact results and Monte Carlo.

The response to a field at temperatures from T_K / 100 to 100 T_K, the coverage of the error band of
the resonant level, integrals over its raw peaks, and the Green function of an Anderson model with
U / (pi Gamma) = 2 at T = 0.1, 1 and 10 T* against CT-HYB on the same band.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import kadanoff as kd
from tests.soak.rows import Row

TINY = 0.01
FOUR = (0.25, 0.5, 0.75, 1.0)
TWO = (0.5, 1.0)


def run(seed: int, scale: float) -> Iterator[Row]:
    whole = scale >= 1
    yield from responses(1000 if whole else 200, whole)
    yield from bands(600 if whole else 200, whole)
    yield from conductance(600 if whole else 200, 0.005 if whole else 0.02)
    if whole:
        yield from against_monte_carlo(seed)


def responses(keep: int, whole: bool) -> Iterator[Row]:
    model, T_K = kd.KondoModel(J=0.3), 9.73e-4
    ratios = [0.01, 0.1, 0.3, 1, 3, 10, 100] if whole else [10]
    T = T_K * np.array(ratios)
    found = kd.dynamics.solve(model, T=T, names=["spin"], keep=keep)
    for t, ratio in zip(T.tolist(), ratios, strict=True):
        h = 0.02 * t
        other = kd.nrg.solve(model.replace(field=h), T_min=t / 3, keep=keep, observables=["S_z"])
        order = np.argsort(other.T)
        S_z = np.interp(np.log(t), np.log(other.T[order]), other.expectations["S_z"][order])
        off = abs(found.susceptibility([0.0], T=t)[0].real * h / -S_z - 1)
        yield Row.at_most(
            f"Kondo J = 0.3, response at T = {ratio:g} T_K", off, 0.01 if whole else 0.1
        )


def bands(keep: int, whole: bool) -> Iterator[Row]:
    """The last two models were not among those that set the factors of the band."""
    w = np.linspace(-0.4975, 0.4975, 200)
    cases = [(0.02, 0.0), (0.005, 0.0), (0.1, 0.0), (0.03, 0.0), (0.03, -0.05)]
    for gamma, eps in cases if whole else cases[:1]:
        model = kd.AndersonModel(U=0.0, Gamma=gamma, eps=eps)
        for z, width in ((TWO, 0.16), (FOUR, 0.13)):
            for Lambda in (2.5, 2.0) if gamma == 0.03 else (2.5,):
                T = [1e-7, gamma]
                of = {"T": T, "names": ["d"], "z": z, "Lambda": Lambda}
                fine, coarse = (kd.dynamics.solve(model, keep=n, **of) for n in (keep, keep // 2))
                exact = -(1 / (w - eps - fine.hybridisation(w))).imag / np.pi
                what = (
                    f"error band, Gamma = {gamma:g}, eps = {eps:g}, {len(z)} z, Lambda {Lambda:g}"
                )
                for t in T:
                    A, error = fine.error_band("d", w, T=t, coarse=coarse)
                    held = np.mean(np.abs(A - exact) <= error)
                    # The band was set at eps = 0. At eps = -0.05 with two twists it held 0.89: a
                    # coverage below 0.9 is known there, and below 0.85 something broke.
                    least = 0.9 if eps == 0.0 else 0.85
                    yield Row.at_least(f"{what}, T = {t:g}: coverage", held, least)
                if Lambda == 2.5:
                    A, error = fine.error_band("d", w, coarse=coarse)
                    limit = width if whole else 0.3
                    relative = np.median(2 * error / A)
                    yield Row.at_most(f"{what}: median width over A", relative, limit)


def conductance(keep: int, limit: float) -> Iterator[Row]:
    gamma = 0.01
    model = kd.AndersonModel(U=0.0, Gamma=gamma)
    for ratio in (0.1, 1.0, 10.0):
        T = ratio * gamma
        found = kd.dynamics.solve(model, T=T, names=["d"], keep=keep, z=TWO)
        half = np.geomspace(1e-6 * T, min(40 * T, 1 - 1e-9), 4000)
        w = np.concatenate([-half[::-1], half])
        A = -(1 / (w - found.hybridisation(w))).imag / np.pi
        exact = np.trapezoid(A * 0.25 / T / np.cosh(w / (2 * T)) ** 2, w)
        off = abs(found.thermal_average("d") / exact - 1)
        yield Row.at_most(f"U = 0, int -f' A at T = {ratio:g} Gamma", off, limit)


def against_monte_carlo(seed: int) -> Iterator[Row]:
    gamma = 0.05  # the table of CT-HYB for Delta(tau) ends at beta = 2000 D
    model = kd.AndersonModel(U=2 * np.pi * gamma, Gamma=gamma)
    chi = -kd.derivatives(model, T=1e-8, parameters="field", keep=800).hessian[0, 0, 0]
    n = np.arange(3)
    for ratio in (0.1, 1.0, 10.0):
        T = ratio / (4 * chi)
        found = kd.dynamics.solve(model, T=T, names=["Sigma"], keep=800, z=FOUR)
        problem = kd.dmft.Impurity(U=model.U, beta=1 / T, V=model.V, bath=kd.bands.FlatBand())
        exact = kd.dmft.solve(problem, solver="cthyb", seed=seed, sweeps=2**16)
        G = exact.G_iw[:3].imag
        sigma = np.abs(exact.diagnostics["G_iw_error"][:3] / G)
        raw = np.abs(found.improved_iw(n).imag / G - 1)
        w = found.grid(200)
        A = found.spectral("d", w)
        z = 1j * np.pi * T * (2 * n[:, None] + 1)
        drawn = np.abs(np.trapezoid(A / (z - w), w, axis=1).imag / G - 1)
        what = f"U / (pi Gamma) = 2, T = {ratio:g} T*"
        yield Row.at_most(f"{what}: G(i w_n) of the self-energy", (raw - 2 * sigma).max(), 0.005)
        yield Row.at_most(f"{what}: G(i w_n) of the curve", (drawn - 2 * sigma).max(), 0.02)
