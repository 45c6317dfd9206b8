"""Cheap solvers by name, all on the same hybridisation: the inputs of learned corrections.

``"hubbard1"``, ``"ipt"``, ``"nca"`` are solvers; ``"ed-3"`` is exact diagonalisation of a bath of
three sites fitted to Delta. Its self-energy is put back into the true bath,

``Sigma_n = G0_n^-1 - G_n^-1``,  ``G = 1 / (iw - eps - Delta - Sigma_n)``,

with G0_n and G_n of the fitted bath: G_n itself would carry the error of the fit into
``G0^-1 - G^-1``, which is acausal for a few sites.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from typing import Any

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.progress import Report
from kadanoff._base.signatures import did_you_mean
from kadanoff._base.types import FloatArray
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.protocol import (
    MAX_FREQUENCIES,
    SOLVERS,
    Run,
    lookup,
    solved,
    takes_solver_options,
)
from kadanoff.dmft.solution import Solution, marked
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import imaginary

__all__ = ["approximate", "approximated", "named"]

_SITES = re.compile(r"ed-([1-9]\d*)")


def named(name: str, argument: str = "name") -> tuple[str, dict[str, Any]]:
    """Solver and options of a name.

    Examples
    --------
    >>> named("ed-3"), named("ipt")
    (('ed', {'sites': 3}), ('ipt', {}))
    """
    if not isinstance(name, str):
        raise TypeError(f"{argument}: a solver must be a name, got {name!r}")
    found = _SITES.fullmatch(name)
    if found and int(found[1]) <= 7:
        return "ed", {"sites": int(found[1])}
    if name not in SOLVERS:
        raise ValueError(
            f"{argument}: unknown solver {name!r}{did_you_mean(name, SOLVERS)}; the solvers are "
            f"{', '.join(SOLVERS)}, and ed-1 to ed-7 with 1 to 7 bath sites"
        )
    return name, {}


@takes_solver_options
def approximate(
    problem: Impurity,
    name: str,
    *,
    frequencies: int = 512,
    threads: int | None = None,
    progress: bool | Report | None = False,
    control: _core.Control | None = None,
    seed: int | None = None,
    **options: Any,
) -> Solution:
    """Solve with an approximate solver; a fitted bath contributes only its self-energy.

    Parameters
    ----------
    problem : Impurity
        The problem.
    name : str
        "ed-3" for exact diagonalisation of a bath of three sites, or a name in
        `kadanoff.dmft.SOLVERS`.
    frequencies : int
        Number of Matsubara frequencies of the result, at least 2.
    threads, progress, control, seed : optional
        As in :func:`kadanoff.dmft.solve`.
    Lambda, keep, twists, scheme, estimator, broadening, omega : optional
        Options of "nrg", as in :func:`kadanoff.dmft.solve`.
    sites, prune, fit : optional
        Options of "ed"; `sites` and `fit` also of "ftlm" and "lanczos".
    sweeps, seconds, target, chains, equilibration, spacing, legendre, floor, checkpoint : optional
        Options of "cthyb".
    vectors, steps, exact : optional
        Options of "ftlm"; `steps` also of "lanczos" and "nca".
    half_filling, real_axis : optional
        Options of "ipt"; `real_axis` also of "nca".
    ground_state, cut, states : optional
        Options of "lanczos".
    tolerance : optional
        Option of "nca".

    Returns
    -------
    Solution
        With the Delta of the problem, also for ``"ed-3"``; n and docc are those of the solver.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, of the wrong kind or out of range.

    Examples
    --------
    >>> from kadanoff import bands
    >>> from kadanoff.dmft import Impurity, approximate
    >>> solution = approximate(Impurity(2.0, 20.0, bands.SemicircularBand(1.0)), "ed-2", seed=1)
    >>> solution.solver, solution.is_metallic
    ('ed-2', True)
    """
    if not isinstance(problem, Impurity):
        raise TypeError(f"problem must be an Impurity, got {type(problem).__name__}")
    solver, own = named(name)
    lookup(solver, options, approximate)
    run = running.Run.of(threads=threads, progress=progress, control=control, seed=seed)
    count = checks.whole("frequencies", frequencies, least=2, most=MAX_FREQUENCIES)
    return approximated(problem, name, Run.over(run, count), {**own, **options})


def approximated(
    problem: Impurity, name: str, run: Run, options: dict[str, Any] | None = None
) -> Solution:
    """As `approximate`, for arguments that are checked already."""
    solver, own = named(name)
    options = {**own, **(options or {})}
    if "sites" in own and _refit(problem, options["sites"]):
        if problem.depends_on_spin:
            raise ValueError(
                f"{name!r} takes neither a field nor a bath for each spin; solver='ed' does"
            )
        return _embedded(problem, name, run, options)
    return marked(solved(problem, SOLVERS[solver], run, options), solver=name)


def _refit(problem: Impurity, sites: int) -> bool:
    if problem.is_isolated:
        return False
    return not isinstance(problem.bath, DiscreteBath) or problem.bath.sites > sites


def _embedded(problem: Impurity, name: str, run: Run, options: dict[str, Any]) -> Solution:
    wanted = run.frequencies
    moments = problem.Delta_moments()
    widest = (
        problem.U + abs(problem.detuning) + 2.0 * math.sqrt(moments[2] / moments[0] + moments[0])
    )
    # Beyond w = 10 E the tail to sixth order is good to 1e-7. Powers of two share their phases.
    least = max(wanted, 64, 5.0 * widest * problem.beta / math.pi)
    count = min(2 ** math.ceil(math.log2(least)), max(wanted, 8192))
    more = Run(run.threads, run.progress, run.control, run.seed, count)
    small = solved(problem, SOLVERS["ed"], more, options)
    assert isinstance(small.G, GreenFunction)
    z, Sigma = imaginary(problem.beta, count), small.Sigma_iw
    Delta = problem.Delta().at_first(count)
    G_iw = 1.0 / (z - problem.eps - Delta - Sigma)
    tail = _moments(small.G.power_sums(6), small.diagnostics["bath"].moments, moments)
    return Solution(
        problem=problem,
        solver=name,
        G=MatsubaraFunction.own(G_iw, problem.beta, tail),
        G_iw=G_iw[:wanted],
        Sigma_iw=Sigma[:wanted],
        Delta_iw=Delta[:wanted],
        n=small.n,
        docc=small.docc,
        log_Z=small.log_Z,
        error=small.error,
        diagnostics={**small.diagnostics, "fitted": small},
        seed=small.seed,
    )


def _moments(
    inner: FloatArray, fitted: tuple[float, ...], own: tuple[float, ...]
) -> tuple[float, ...]:
    """m_0 ... m_5 of G in its own bath, from those in the fitted one and of both Delta.

    ``1/G = z - eps - Delta - Sigma``, and eps and Sigma are the same in both baths.
    """
    m = inner.tolist()
    # 1/G = z (1 + a_1/z + a_2/z**2 + ...), where Delta begins with a_2.
    inverse = _reciprocal([x / m[0] for x in m])
    for k in range(4):
        inverse[k + 2] += fitted[k] - own[k]
    return tuple(_reciprocal(inverse))


def _reciprocal(a: Sequence[float]) -> list[float]:
    """1 / (a_0 + a_1 x + ...) as a series, a_0 = 1."""
    found = [1.0]
    for k in range(1, len(a)):
        found.append(-sum(map(operator.mul, a[1 : k + 1], found[::-1])))
    return found
