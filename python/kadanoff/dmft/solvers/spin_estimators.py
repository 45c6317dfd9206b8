"""Estimates from Monte Carlo measurements where the two spins differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from kadanoff.dmft.problem import SPINS, Impurity
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.estimators import Measured
from kadanoff.dmft.solvers.spin_solution import of_spins
from kadanoff.dmft.spin_functions import SpinFunctions

__all__ = ["estimated", "first_error"]

SHARED = ("docc_error", "sign", "sign_error", "order", "order_error", "kinetic_energy")
"""Averages over both spins, equal in the estimates of each."""


def _measured(raw: Mapping[str, Any], problem: Impurity) -> list[Measured]:
    """The measurements, of each spin where they differ."""
    if not problem.depends_on_spin:
        return [Measured.of(raw, problem)]
    found = []
    for part, spin in enumerate(SPINS):
        # Estimators take the sum over two spins.
        own = {name: 2.0 * np.split(raw[name], 2, axis=1)[part] for name in ("G", "F", "bins")}
        found.append(Measured.of({**raw, **own}, problem.of_spin(spin), 1 - 2 * part))
    return found


def first_error(raw: Mapping[str, Any], problem: Impurity) -> float:
    """Error of G(i w_0), the larger one of both spins."""
    return max(x.error_at_first_frequency() for x in _measured(raw, problem))


def estimated(
    raw: Mapping[str, Any],
    problem: Impurity,
    frequencies: int,
    legendre: int | None,
    seed: int,
    diagnostics: dict[str, Any],
) -> Solution:
    """The solution from measurements; in ``diagnostics`` "up" and "down" hold those of a spin."""
    measured = _measured(raw, problem)
    parts = [x.solution(frequencies, legendre, seed, diagnostics) for x in measured]
    if len(parts) == 1:
        return parts[0]
    spins = [
        SpinFunctions(
            part.G,
            part.G_iw,
            part.Sigma_iw,
            part.Delta_iw,
            0.5 * part.n,
            part.diagnostics["G_iw_error"],
            part.diagnostics["Sigma_iw_error"],
            0.5 * part.diagnostics["n_error"],
        )
        for part in parts
    ]
    up, down = (part.diagnostics for part in parts)
    # The sum and the difference of both occupations are correlated: from the same bins.
    n, m = measured[0].averages[:, 1], measured[1].averages[:, 1]
    sums = np.stack([0.5 * (n + m), 0.5 * (n - m)], axis=1)
    n_error, m_error = np.maximum(measured[0].error(sums), measured[0].once)
    # However the spins are correlated, the mean has at most this error.
    errors = {
        name: np.sqrt(0.5 * (up[name] ** 2 + down[name] ** 2))
        for name in ("G_iw_error", "Sigma_iw_error")
    }
    shared = {name: up[name] for name in (*SHARED, "kinetic_energy_error", *diagnostics)}
    kept = ("weight", "histogram", "bins", "sweeps", "updates", "autocorrelation", "acceptance")
    w_0 = math.pi / problem.beta
    Z = 1.0 / (1.0 - 0.5 * sum(part.Sigma_iw[0].imag for part in parts) / w_0)
    return of_spins(
        problem,
        "cthyb",
        (spins[0], spins[1]),
        parts[0].docc,
        log_Z=None,
        error=max(float(part.error or 0.0) for part in parts),
        diagnostics={
            **errors,
            **shared,
            **{name: up[name] for name in (*kept, "drift")},
            "Z_error": float(Z**2 / w_0 * errors["Sigma_iw_error"][0]),
            "n_error": float(n_error),
            "m_error": float(m_error),
            "error_scale": max(up["error_scale"], down["error_scale"]),
            "doubts": tuple(dict.fromkeys((*up["doubts"], *down["doubts"]))),
            "up": up,
            "down": down,
        },
        seed=seed,
    )
