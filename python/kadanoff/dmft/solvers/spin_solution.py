"""A `Solution` from the functions of both spins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.spin_functions import SpinFunctions
from kadanoff.greens import GreenFunction, LegendreSeries, MatsubaraFunction

__all__ = ["of_spins"]

Function = GreenFunction | LegendreSeries | MatsubaraFunction


def of_spins(
    problem: Impurity,
    solver: str,
    spins: tuple[SpinFunctions, SpinFunctions],
    docc: float,
    *,
    log_Z: float | None,
    error: float | None,
    diagnostics: Mapping[str, Any],
    seed: int | None = None,
) -> Solution:
    """The solution with these functions; those of the solution itself are means over spins."""
    up, down = spins
    return Solution(
        problem=problem,
        solver=solver,
        G=_mean(up.G, down.G),
        G_iw=np.asarray(0.5 * (up.G_iw + down.G_iw)),
        Sigma_iw=np.asarray(0.5 * (up.Sigma_iw + down.Sigma_iw)),
        Delta_iw=np.asarray(0.5 * (up.Delta_iw + down.Delta_iw)),
        n=up.n + down.n,
        docc=docc,
        log_Z=log_Z,
        error=error,
        diagnostics=diagnostics,
        seed=seed,
        by_spin=spins,
    )


def _mean(up: Function, down: Function) -> Function:
    """Half of the sum of two Green functions."""
    if isinstance(up, GreenFunction) and isinstance(down, GreenFunction):
        energies = np.concatenate([up.energies, down.energies])
        weights = np.concatenate([0.5 * up.weights, 0.5 * down.weights])
        order = np.argsort(energies, kind="stable")
        return GreenFunction.own(energies[order], weights[order], up.beta)
    assert isinstance(up, MatsubaraFunction)
    assert isinstance(down, MatsubaraFunction)
    count = max(up.values.size, down.values.size)
    values = np.asarray(0.5 * (up.at_first(count) + down.at_first(count)))
    pairs = zip(up.moments, down.moments, strict=False)
    return MatsubaraFunction.own(values, up.beta, [0.5 * (a + b) for a, b in pairs])
