"""Lanczos: larger baths at low temperature, from the levels that are occupied."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.ed import discretised, hamiltonian
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic

__all__ = ["MAX_SITES", "lanczos"]

MAX_SITES = 11


@register(
    "lanczos",
    valid="low temperature, so that few levels are occupied: any U and filling, up to 11 bath "
    "sites",
    cost="0.2 s for the ground state of 8 bath sites with G, 1 s for 9, 2.5 s for 10",
    attractive=True,
)
def lanczos(
    problem: Impurity,
    run: Run,
    /,
    *,
    sites: int | None = None,
    ground_state: bool = False,
    cut: float = 1e-12,
    states: int = 40,
    steps: int = 150,
    fit: dict[str, Any] | None = None,
) -> Solution:
    """Solve by Lanczos.

    Parameters
    ----------
    problem : Impurity
        The problem.
    run : Run
        Frequencies, threads, ...
    sites : int, optional
        Bath sites, 1 to 11; as for solver "ed".
    ground_state : bool
        Whether only the ground states are averaged, as at T = 0. G_iw is still taken at the
        frequencies of ``problem.beta``; log_Z is the logarithm of the degeneracy.
    cut : float
        Smallest Boltzmann weight of a level, relative to that of the ground state.
    states : int
        Largest number of occupied levels per sector; with more the temperature is too high.
    steps : int
        Lanczos steps, and poles, for each part of G.
    fit : dict, optional
        Options of `kadanoff.dmft.fit_bath`.

    Raises
    ------
    ValueError
        More levels are occupied than `states`.
    """
    if not isinstance(ground_state, bool):
        raise TypeError(f"ground_state must be True or False, got {ground_state!r}")
    cut = checks.real("cut", cut, least=1e-15, most=1e-2)
    states = checks.whole("states", states, most=1000)
    steps = checks.whole("steps", steps, least=2, most=2000)
    finite = discretised(problem, run, sites, fit, MAX_SITES)
    bath, found = finite.bath, finite.fit
    beta = problem.beta
    thermal = math.inf if ground_state else beta
    H, unit = hamiltonian(problem, bath)
    with run.calling("Lanczos") as keywords:
        raw = _core.ed_lanczos(
            *H,
            thermal * unit,
            cut=cut,
            states=states,
            steps=steps,
            **keywords,
        )
    G = GreenFunction.own(unit * raw["energies"], raw["weights"], beta)
    z = 1j * fermionic(beta, run.frequencies)
    G_iw = G(z)
    Delta_iw = GreenFunction.own(np.array(bath.e), np.square(bath.V), beta)(z)
    # Of the 4**L levels about the square root lie near the cut and contribute to the error.
    left_out = 0.0 if ground_state else cut * 2.0 ** (bath.sites + 1)
    error = 1e-10 * float(np.max(np.abs(G_iw))) + left_out * beta / np.pi
    diagnostics: dict[str, Any] = {
        "bath": bath,
        "ground_energy": unit * raw["ground"] + finite.ground,
        "states": raw["states"],
        "poles": raw["energies"].size,
    }
    if found is not None:
        diagnostics["fit"] = found
        error += found.error_of(G_iw)
    return Solution(
        problem=problem,
        solver="lanczos",
        G=G,
        G_iw=G_iw,
        Sigma_iw=z - problem.eps - Delta_iw - 1.0 / G_iw,
        Delta_iw=Delta_iw,
        n=raw["n"],
        docc=raw["docc"],
        log_Z=raw["log_Z"] + finite.log_Z(thermal) if finite.complete else None,
        error=error,
        diagnostics=diagnostics,
        seed=None if found is None else found.seed,
    )
