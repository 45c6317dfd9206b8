"""Conductance of dots against the Fermi liquid, the empirical curve, and its own stated errors."""

import math

import numpy as np

import kadanoff as kd
from tests.quasiparticles import quasiparticles
from tests.soak.rows import Row

TINY = 0.05
QUIET = {"threads": 1, "progress": False}
BETHE = {1.0: 4.374, 2.0: 5.785, 3.2: 6.055}
"""c_T at U / (pi Gamma) in the wide band, (pi^4/48) [1 + 2 (R - 1)^2]."""
S = 0.22
DOTS = 16
"""Of the coverage of stated errors."""


def run(seed, scale):
    rng = np.random.default_rng(seed)
    rows = []
    ratios = list(BETHE)[: max(1, round(3 * scale))]
    for ratio in ratios:
        rows.append(_curvature(0.01, ratio, BETHE[ratio]))
    if scale >= 1:
        dot = kd.AndersonModel(U=0.5, Gamma=0.5 / (2 * math.pi))
        rows.append(_curvature(0.5, 2.0, kd.fermi_liquid(dot, **QUIET).c_T))
        rows += _empirical(0.1, 0.1 / (3.2 * math.pi)) + _empirical(0.1, 0.1 / (4 * math.pi))
    for _ in range(max(1, round(4 * scale))):
        rows += _asymmetric(rng)
    if scale >= 1:  # of few numbers a share says nothing
        rows.append(_coverage(rng, DOTS))
    return rows


def _curvature(U, ratio, exact):
    """(1 - G/2) (T*/T)^2 at T <= 0.03 T*, its T^2 correction fitted."""
    dot = kd.AndersonModel(U=U, Gamma=U / (ratio * math.pi))
    T_star = kd.fermi_liquid(dot, **QUIET).T_star
    x = np.array([0.015, 0.02, 0.025, 0.03])
    found = kd.transport.solve(dot, T=x * T_star, errors=False, **QUIET)
    c_T = np.polyfit(x**2, (1 - found.conductance / 2) / x**2, 1)[1]
    what = f"relative deviation of c_T, U = {U:g} D, U/(pi Gamma) = {ratio:g}"
    return Row.at_most(what, abs(c_T / exact - 1), 0.015)


def _empirical(U, Gamma):
    """The form with s = 0.22 up to 2 T_K, T_K at half height; half height at 1.05 / (4 chi)."""
    dot = kd.AndersonModel(U=U, Gamma=Gamma)
    nrg = kd.nrg.solve(dot, keep=2000, **QUIET)
    chi = kd.kondo_scales.zero_temperature_chi(nrg)
    T = np.geomspace(0.02, 3, 16) * 0.25 / chi
    found = kd.transport.solve(dot, T=T, errors=False, **QUIET)
    T_K = found.T_K().value
    inside = T <= 2 * T_K
    form = 2 * (1 + (2 ** (1 / S) - 1) * (T / T_K) ** 2) ** -S
    deviation = np.abs(found.conductance / form - 1)[inside].max()
    name = f"U/(pi Gamma) = {U / math.pi / Gamma:.1f}"
    close = Row.at_most(f"deviation from the empirical form, {name}", deviation, 0.02)
    return [close, Row.at_most(f"4 chi T_K - 1.05, {name}", abs(4 * chi * T_K - 1.05), 0.03)]


def _asymmetric(rng):
    """Off half filling at low T: L = pi^2/3, G and S by the quasiparticles of another run."""
    U = 0.1
    Gamma = U / (math.pi * rng.uniform(1.5, 3.0))
    eps = -U / 2 + rng.uniform(0.1, 0.5) * U
    dot = kd.AndersonModel(U=U, Gamma=Gamma, eps=eps)
    liquid = quasiparticles(dot, keep=1500)
    T = np.array([1e-3, 0.015, 0.03, 0.05]) * liquid.T_star
    found = kd.transport.solve(dot, T=T, errors=False, **QUIET)
    name = f"eps = {eps / U:.2f} U, U/(pi Gamma) = {U / math.pi / Gamma:.1f}"
    unitary = 2 * math.sin(liquid.phase_shift) ** 2
    slope = found.thermopower / (-(math.pi**2) * T / 3 * liquid.logarithmic_slope)
    # The T^3 term is 10 to 30 (T/T*)^2 of the first order, 2 to 7 % at 0.05 T*: it is fitted.
    first_order = np.polyfit(T[1:] ** 2, slope[1:], 1)[1]
    return [
        Row.at_most(f"G - 2 sin^2 delta, {name}", abs(found.conductance[0] - unitary), 0.01),
        Row.at_most(
            f"L / (pi^2/3) - 1, {name}", abs(found.lorenz_number[0] * 3 / math.pi**2 - 1), 2e-3
        ),
        Row.at_most(
            f"S / (-pi^2 T/3 A'/A) - 1 at T <= 0.05 T*, T^2 correction fitted, {name}",
            abs(first_order - 1),
            0.05,
        ),
        Row.at_most(f"the same at 0.03 T*, nothing fitted, {name}", abs(slope[2] - 1), 0.05),
    ]


def _coverage(rng, dots):
    """How often stated errors of cheap runs cover the distance from accurate ones."""
    hits = []
    for k in range(dots):
        U = 10 ** rng.uniform(-2, -0.5)
        Gamma = U / (math.pi * rng.uniform(0.5, 3.5))
        eps = None if rng.uniform() < 0.5 else -U * rng.uniform(0.0, 0.5)
        T = np.array([0.01, 0.05, 0.2, 1.0]) * Gamma
        if k % 4:
            dot = kd.AndersonModel(U=U, Gamma=Gamma, eps=eps)
        else:  # by the raw peaks of the t-matrix
            dot = kd.DoubleQuantumDot(U=U, Gamma=Gamma, eps=eps, t_12=rng.uniform(0, 0.5) * Gamma)
        keep = 150 if k % 2 else 60
        cheap = kd.transport.solve(dot, T=T, keep_multiplets=keep, **QUIET)
        best = kd.transport.solve(
            dot, T=T, keep_multiplets=400, z=(0.25, 0.5, 0.75, 1.0), errors=False, **QUIET
        )
        for quantity in ("conductance", "thermopower", "lorenz_number"):
            true = np.abs(getattr(cheap, quantity) - getattr(best, quantity))
            hits += list(true <= getattr(cheap, f"{quantity}_error"))
    share = float(np.mean(hits))
    return Row.at_least(f"coverage of stated errors, {dots} dots", share, 0.9)
