"""Finite-temperature Lanczos: larger baths where many levels are occupied.

The core is `rust/ed`, module `lanczos::finite`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.protocol import Run, register
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.ed import discretised, hamiltonian
from kadanoff.dmft.solvers.hubbard1 import isolated
from kadanoff.greens import GreenFunction
from kadanoff.greens.grids import fermionic

__all__ = ["MAX_SITES", "ftlm", "green"]

MAX_SITES = 9


@register(
    "ftlm",
    valid="any U, temperature and filling, up to 9 bath sites, with a statistical error: where the "
    "full spectrum is out of reach and too many levels are occupied for Lanczos",
    cost="1.5 s for 6 bath sites, 4 s for 7, 20 s for 8, with 8 random vectors",
    attractive=True,
)
def ftlm(
    problem: Impurity,
    run: Run,
    /,
    *,
    sites: int | None = None,
    vectors: int = 8,
    steps: int = 80,
    exact: int = 64,
    fit: dict[str, Any] | None = None,
) -> Solution:
    """Solve by finite-temperature Lanczos.

    Parameters
    ----------
    problem : Impurity
        The problem.
    run : Run
        Frequencies, threads, seed, ...
    sites : int, optional
        Bath sites, 1 to 9; as for solver "ed".
    vectors : int
        Random vectors per sector, at least 2; the error falls as the root of their number.
    steps : int
        Lanczos steps.
    exact : int
        Largest dimension of sectors that are diagonalised.
    fit : dict, optional
        Options of `kadanoff.dmft.fit_bath`.

    Notes
    -----
    Ratios of sums over samples; their standard errors by the jackknife are in ``diagnostics``:
    ``G_error`` at every frequency, ``n_error``, ``docc_error``, ``log_Z_error``; `error` is the
    largest of ``G_error``. A deviation in units of an error from few vectors follows Student's
    distribution with ``vectors - 1`` degrees of freedom: 4 vectors are within one error in 61 % of
    the cases and within 3.2 in 95 %, 8 vectors in 65 % and within 2.4. The sum rules of G hold
    exactly, sample by sample.
    The poles of G are moved to a grid of energies, ``diagnostics["poles"]`` in number, whose
    spacing is 1/512 of the root of ``E**2 + (pi / beta)**2``: G at Matsubara frequencies and times
    changes by 1e-11 of its size. Small weights may be negative, and a spectrum has a meaning only
    with a broadening above the resolution of the Lanczos steps.

    References
    ----------
    J. Jaklic, P. Prelovsek, Phys. Rev. B 49, 5065 (1994), doi:10.1103/PhysRevB.49.5065.
    M. Aichhorn, M. Daghofer, H. G. Evertz, W. von der Linden, Phys. Rev. B 67, 161103 (2003),
    doi:10.1103/PhysRevB.67.161103 (the symmetric form).
    """
    vectors = checks.whole("vectors", vectors, least=2, most=10_000)
    steps = checks.whole("steps", steps, least=8, most=400)
    exact = checks.whole("exact", exact, most=500)
    if problem.is_isolated:
        none = {f"{name}_error": 0.0 for name in ("n", "docc", "log_Z")}
        exactly = {"G_error": np.zeros(run.frequencies), **none}
        return replace(isolated(problem, run), diagnostics=exactly)
    finite = discretised(problem, run, sites, fit, MAX_SITES)
    bath, found = finite.bath, finite.fit
    beta = problem.beta
    z = np.asarray(1j * fermionic(beta, run.frequencies), dtype=np.complex128)
    chosen = {"vectors": vectors, "steps": steps, "exact": exact}
    with run.calling("finite-temperature Lanczos") as keywords:
        raw, unit = _sums(problem, bath, z, seed=run.seed, **chosen, **keywords)
    Z = raw["Z"]
    n, n_error = (float(x) for x in _ratio(raw["n"], Z))
    docc, docc_error = (float(x) for x in _ratio(raw["docc"], Z))
    G_iw, G_error = _ratio(raw["G"] / unit, Z)
    e, weight = np.array(bath.e), np.square(bath.V)
    Delta_iw = GreenFunction.own(e, weight, beta)(z)
    error = float(np.max(G_error)) + 1e-10 * float(np.max(np.abs(G_iw)))
    if found is not None:
        error += found.error_of(G_iw)
    log_Z = math.log(float(np.mean(Z)))
    return Solution(
        problem=problem,
        solver="ftlm",
        G=GreenFunction.own(unit * raw["energies"], raw["weights"] / np.sum(Z), beta),
        G_iw=G_iw,
        Sigma_iw=z - problem.eps - Delta_iw - 1.0 / G_iw,
        Delta_iw=Delta_iw,
        n=n,
        docc=docc,
        log_Z=log_Z - beta * unit * raw["ground"] + finite.log_Z(beta) if finite.complete else None,
        error=error,
        diagnostics={
            "bath": bath,
            **chosen,
            "G_error": G_error,
            "n_error": n_error,
            "docc_error": docc_error,
            "poles": raw["energies"].size,
            "log_Z_error": float(np.std(Z, ddof=1) / np.sqrt(vectors) / np.mean(Z)),
            **({} if found is None else {"fit": found}),
        },
        seed=run.seed,
    )


def green(solution: Solution, z: ComplexArray) -> tuple[ComplexArray, FloatArray]:
    """G of a solution at any energies off the real axis, and its standard error.

    The random vectors are those of the solution, drawn again.
    """
    found = solution.diagnostics
    chosen = {name: found[name] for name in ("vectors", "steps", "exact")}
    seed = solution.seed
    raw, unit = _sums(solution.problem, found["bath"], z, seed=seed, **chosen)
    G, error = _ratio(raw["G"] / unit, raw["Z"])
    return np.asarray(G, dtype=np.complex128), np.asarray(error, dtype=np.float64)


def _sums(
    problem: Impurity, bath: DiscreteBath, z: ComplexArray, **chosen: Any
) -> tuple[dict[str, Any], float]:
    """Sums over states of every sample, and the unit of energy that they are given in."""
    H, unit = hamiltonian(problem, bath)
    return _core.ed_finite(*H, problem.beta * unit, z / unit, **chosen), unit


def _ratio(sums: np.ndarray, Z: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over samples, and its jackknife error."""
    norm, count = Z.reshape((-1,) + (1,) * (sums.ndim - 1)), Z.size
    left = (sums.sum(axis=0) - sums) / (norm.sum(axis=0) - norm)
    spread = np.sum(np.abs(left - left.mean(axis=0)) ** 2, axis=0)
    return sums.sum(axis=0) / norm.sum(axis=0), np.sqrt(spread * (1.0 - 1.0 / count))
