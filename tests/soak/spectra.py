"""Responses, self-energies and spectra of NRG against exact results and Monte Carlo.

The response to a field at temperatures from T_K / 100 to 100 T_K, the coverage of the error band of
the resonant level, integrals over its raw peaks, Im Sigma of six Anderson models in the Fermi
liquid, and the Green function of one with U / (pi Gamma) = 2 at T = 0.1, 1 and 10 T* against CT-HYB
on the same band.
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
    yield from scattering(2000 if whole else 400, whole)
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


def scattering(keep: int, whole: bool) -> Iterator[Row]:
    """-Im Sigma = a^-4 (pi / 2 rho_d) (chi_s - chi_c / 4)^2 (w^2 + pi^2 T^2), w and T to T* / 20.

    With ``a = 1 / (1 - 2 Gamma / (pi D))``: electrons of the dot at low energy are a^(1/2) of those
    of a dot in an infinite band with a^2 U and a Gamma, and a field on them acts a times as strong,
    so that chi of a local field is a^2 times that of this dot. The factor is 0.92 at Gamma = 0.032.
    One twist and 2000 states are the defaults.
    """
    for ratio in (1, 2, 3) if whole else (2,):
        for eps in (-0.05, -0.03) if whole else (-0.05,):
            model = kd.AndersonModel(U=0.1, Gamma=0.1 / (ratio * np.pi), eps=eps)
            parameters = ["field", "eps"]
            found = kd.derivatives(model, T=1e-8, parameters=parameters, keep=min(keep, 1000))
            chi_s, chi_c = -np.diag(found.hessian[0])
            scale = 1 / (4 * chi_s)
            fractions = (0.001, 1 / 80, 1 / 20) if whole else (1 / 80,)
            T = [1e-9, *(scale * np.array(fractions))]
            dot = model.replace(eps=None if eps == -0.05 else eps)
            run = kd.dynamics.solve(dot, T=T, names=["Sigma"], keep=keep)
            a = 1 / (1 - 2 * model.Gamma / np.pi)
            n = 1 + (run.expectations["n_d"][0] - 1) / a
            rho = np.sin(0.5 * np.pi * n) ** 2 / (np.pi * model.Gamma)
            law = 0.5 * np.pi / rho * (chi_s - chi_c / 4) ** 2 / a**4
            for t in T:
                w = np.geomspace(1 / 80, 1 / 20, 5) * scale if t == T[0] else np.linspace(0, 1, 9)
                w = w if t == T[0] else w * min(4 * t, scale / 20)
                w = np.unique(np.concatenate([-w, w]))
                exact = law * (w**2 + (np.pi * t) ** 2)
                off = np.abs(-run.self_energy(w, T=t).imag / exact - 1).max()
                at = "0" if t == T[0] else f"{t / scale:.3g} T*"
                # The kernel of one twist adds 2 % at w = T* / 20 for T = 0.
                limit = 0.06 if whole else 0.1
                what = f"Im Sigma, U / (pi Gamma) = {ratio}, eps = {eps:g}, T = {at}"
                yield Row.at_most(what, off, limit)


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
