"""Whether a solution can be trusted on its own problem.

An approximate Z is compared with that of exact diagonalisation of a few bath sites, fitted to the
same Delta: 3 sites for approximate solvers, and another number of sites for a solver that has
fitted its bath. Three sites need milliseconds, and their Z is right to 0.02 on baths of six levels
at any U between 1 <= beta <= 200, where the approximations themselves are wrong by up to 0.9.
"""

from __future__ import annotations

import re

import numpy as np

from kadanoff._base import running
from kadanoff._base.errors import NotConverged, NumericalError
from kadanoff.dmft.protocol import Run
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.approximations import approximated

__all__ = ["doubt"]

RELATIVE, ABSOLUTE = 0.08, 0.016
"""Difference of Z that is a doubt: 10 % or 0.02 are promised, and the few sites err as well."""
ROUNDING = 1e-9
SITES = 3
FITTED = re.compile(r"ed-\d+|ed|lanczos|ftlm")


def doubt(solution: Solution) -> str:
    """Why Z may be wrong by more than 10 % and 0.02; empty where nothing speaks against it."""
    problem = solution.problem
    if problem.is_isolated:
        return ""
    if reasons := solution.diagnostics.get("doubts"):
        return "this run is too short: " + "; ".join(reasons)
    size = float(np.max(np.abs(solution.Sigma_iw), initial=1e-300))
    if float(np.max(solution.Sigma_iw.imag)) > ROUNDING * size:
        return "its self-energy is acausal, Im Sigma(i w_n) > 0"
    if solution.solver in ("cthyb", "nrg"):
        return ""  # with errors of their own
    sites = SITES
    if FITTED.fullmatch(solution.solver):
        if "fit" not in solution.diagnostics:
            return ""  # the bath is its own
        own = solution.diagnostics["bath"].sites
        sites = SITES if own != SITES else SITES + 1
    run = running.Run.of(threads=1, progress=False, control=None, seed=0)
    try:
        other = approximated(problem, f"ed-{sites}", Run.over(run, solution.G_iw.size))
    except (NotConverged, NumericalError, ValueError) as error:
        return f"its Z could not be compared with that of a few bath sites: {error}"
    if abs(solution.Z - other.Z) <= max(RELATIVE * other.Z, ABSOLUTE):
        return ""
    return (
        f"Z = {solution.Z:.3g}, where exact diagonalisation of a bath of {sites} sites has "
        f"{other.Z:.3g}"
    )
