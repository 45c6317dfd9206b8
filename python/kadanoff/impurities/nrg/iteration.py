r"""Wilson's numerical renormalization group: solve an impurity model, shell by shell.

    H_{N+1} = H_N + t_N sum_s (f_Ns^+ f_{N+1,s} + h.c.) + e_{N+1} n_{N+1},

keeping the lowest multiplets of every shell. Shell N is evaluated at temperatures
``T = omega_N / betabar`` with betabar of order one, and impurity contributions are differences
from the exactly solved clean chain of the same length, averaged over even and odd N.

References
----------
.. [1] K. G. Wilson, Rev. Mod. Phys. 47, 773 (1975), doi:10.1103/RevModPhys.47.773
.. [2] R. Bulla, T. A. Costi, T. Pruschke, Rev. Mod. Phys. 80, 395 (2008),
       doi:10.1103/RevModPhys.80.395
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Unpack

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.warning import warn
from kadanoff.bands.leads import gap_of
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import brief
from kadanoff.impurities.nrg import memory
from kadanoff.impurities.nrg.coarse import Coarse, remedy
from kadanoff.impurities.nrg.errors import estimate, halved, is_calibrated
from kadanoff.impurities.nrg.interleaved_errors import estimate_interleaved, is_interleaved
from kadanoff.impurities.nrg.job import (
    Job,
    Observables,
    bounded,
    checked_model,
    checked_observables,
)
from kadanoff.impurities.nrg.levels import Levels
from kadanoff.impurities.nrg.options import NRGOptions, Options, shown
from kadanoff.impurities.nrg.result import NRGResult

__all__ = ["solve", "solve_many"]


@public(options=shown(NRGOptions))
def solve(
    model: Model,
    *,
    observables: Observables = (),
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    errors: bool = True,
    **options: Unpack[NRGOptions],
) -> NRGResult:
    r"""Solve an impurity model by NRG.

    Parameters
    ----------
    model : Model
        AndersonModel, KondoModel, ...; its energies are in the unit of the band.
    observables : names, or mapping from names to operators
        Static expectation values wanted, e.g. ``["S_d.S_0", "n_d"]``; see ``model.observables``.
        They need all eigenvectors, about three times the work.
    threads : int, optional
        Worker threads, default all cores. The result does not depend on the number.
    progress : bool, callable or None
        See :func:`kadanoff._base.progress.bar`.
    control : Control, optional
        To cancel from another thread.
    errors : bool, default True
        Whether errors of truncation and discretisation are estimated, see
        `kadanoff.impurities.nrg.errors`, where they are known (see `NRGResult`): about as much work
        again as the run itself, less where another impurity was solved on the same chain before.
    Lambda : float, default 2.5
        Discretisation parameter, above 1 and at most 100; that of each of three channels, for which
        8 to 12 is right, since their levels together are as dense as those of one channel with the
        cube root.
    keep : int or "auto", default 2000
        States to keep per shell, every member of a multiplet counted, so that the number means
        the same in every symmetry. The cut never tears a degenerate cluster. "auto" cuts by energy:
        as many states as needed where the impurity is free, few where it is screened.
    keep_multiplets : int, optional
        Multiplets to keep per shell (instead of, or in addition to, `keep`).
    energy_cutoff : float, optional
        Highest energy to keep in units of the shell's scale.
    T_min : float, default 1e-12
        Lowest temperature, in the unit of the band (k_B = 1); sets the length of the chain unless
        `sites` is given.
    sites : int, optional
        Number of chain sites, f_0 included; at least 4. The chains of three channels take turns:
        the first sites of all count as one, each further one belongs to one channel, and there are
        at least 18.
    z : sequence of floats, default (1,)
        Twists in (0, 1]: one run each, side by side, and the average. A number is one twist.
        Only equidistant twists, such as (0.5, 1.0), cancel the ripples of the discretisation.
    scheme : {"zitko-pruschke", "campo-oliveira", "wilson"}
        Discretisation of the band, compared in `kadanoff.bands.discretisation`. The plain scheme,
        "wilson", underestimates the hybridisation: by 7 % at Lambda = 2.5, and T_K by up to a
        factor of 3.
    A_Lambda : bool, default False
        Multiply V^2 (or J) by ``(ln Lambda / 2) (1 + 1/Lambda) / (1 - 1/Lambda)``, Wilson's own
        correction of that error. Refused unless the scheme is "wilson".
    symmetry : "auto" or tuple
        Factors (charge, spin), such as ("U1", "SU2"); for two channels also (charge, spin,
        channel), such as ("U1", "SU2", "U1"). Charge is "SU2", "U1" or "Z2" (parity), spin "SU2",
        "U1", "Z2" (S_z up to multiples of 2) or "none", channel "SU2" or "U1". "auto" takes the
        largest that the model has. The result does not depend on it, the time does.
    gap : float, default 1e-5
        The cut lies in a gap wider than this, in units of the shell's scale; at most 0.01. Levels
        nearer than this are one cluster, which is never cut. A chain on which clusters exceed the
        bounds several times is refused.
    complete : bool, default True
        Count discarded states of earlier shells in thermal averages, see
        `kadanoff.impurities.nrg.levels`.
    reuse : bool, default True
        Diagonalise blocks that spin inversion or particle-hole reflection makes equal only once.

    Returns
    -------
    NRGResult
        Impurity contributions to entropy, heat capacity, susceptibilities and free energy, and the
        expectation values of `observables`, against temperature.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the model breaks the symmetry requested.
    MemoryError
        The run would exceed the available memory.
    Cancelled
        The run was interrupted; ``partial`` holds the result up to the last finished shell.

    Warns
    -----
    Coarse
        The truncation error of the entropy is above 5e-3 nats: the message names the `keep` that
        would reach it, its time, and observables that are not known. Not if `errors` is False.
    BosonCutoff
        A boson mode of the impurity keeps too few states. Not if `errors` is False.

    Notes
    -----
    Cost: diagonalising all blocks of a shell, ``4/3 sum n^3`` for the reduction plus about a
    third more, times the number of sites.

    Examples
    --------
    >>> import numpy as np
    >>> from kadanoff import KondoModel, nrg
    >>> run = nrg.solve(KondoModel(J=0.4), keep=200, T_min=1e-6)
    >>> print(run.symmetry, f"{run.entropy[0] / np.log(2):.2f}")
    ('SU2', 'SU2') 1.00
    """
    settings, models = Options(**options), [checked_model(model)]  # type: ignore[arg-type]
    run = Run.of(threads=threads, progress=progress, control=control)
    wanted, description = checked_observables(observables), f"solving {type(model).__name__}"
    estimated = checks.flag("errors", errors)
    return solve_models(models, settings, wanted, run, description, errors=estimated)[0]


@public(options=shown(NRGOptions))
def solve_many(
    models: Sequence[Model],
    *,
    observables: Observables = (),
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    errors: bool = True,
    **options: Unpack[NRGOptions],
) -> list[NRGResult]:
    """Solve several models side by side on the same threads.

    Small runs fill the cores better this way than one after the other.

    Parameters
    ----------
    models : sequence of Model
        Models to solve, all with the same options.
    observables : as in :func:`solve`
        Static expectation values wanted of every model.
    threads, progress, control, errors : as in :func:`solve`
        Worker threads, progress bar, cancellation, and whether errors are estimated.
    Lambda, keep, keep_multiplets, energy_cutoff : as in :func:`solve`
        Discretisation parameter and truncation.
    T_min, sites, z, scheme, A_Lambda : as in :func:`solve`
        Length of the chain, twists and discretisation scheme.
    symmetry, gap, complete, reuse : as in :func:`solve`
        Symmetry, degenerate multiplets at the cut, thermal averages, equal blocks.

    Returns
    -------
    list of NRGResult
        Results in the order of `models`.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or a model breaks the symmetry requested.
    MemoryError
        The runs would exceed the available memory.
    Cancelled
        The run was interrupted; ``partial`` is the list of results so far, None for models that
        were not begun.

    Examples
    --------
    >>> from kadanoff import KondoModel, nrg
    >>> runs = nrg.solve_many([KondoModel(J=J) for J in (0.3, 0.4)], keep=100, T_min=1e-3)
    >>> print(f"{runs[0].T_chi[-1]:.3f} > {runs[1].T_chi[-1]:.3f}")
    0.048 > 0.008
    """
    settings = Options(**options)  # type: ignore[arg-type]
    several = [checked_model(model) for model in models]
    run = Run.of(threads=threads, progress=progress, control=control)
    wanted, estimated = checked_observables(observables), checks.flag("errors", errors)
    return solve_models(several, settings, wanted, run, errors=estimated)


def solve_models(
    models: Sequence[Model],
    options: Options,
    observables: Observables,
    run: Run,
    description: str = "solving models",
    *,
    errors: bool = False,
) -> list[NRGResult]:
    """Solve models side by side; all arguments have been checked.

    Errors are estimated for the calls that return to a user only.
    """
    jobs = [Job(model, options, observables) for model in models]
    if errors:
        for job in jobs:
            job.check()
    results = _solve_jobs(jobs, options, bool(observables), run, description)
    if not errors:
        return results
    try:
        return [_with_errors(result, observables, run.quiet()) for result in results]
    except Cancelled as stop:
        stop.partial = results[0] if len(results) == 1 else results
        raise


def _with_half(result: NRGResult, run: Run) -> NRGResult:
    """The result of a lead with a gap, with the levels at half the number of states."""
    if gap_of(result.chain) == 0 and result.chain.gap == 0:
        return result
    fewer = halved(result.options)
    job = Job(result.model, fewer, (), chains=[one.chain for one in result.levels])
    return replace(result, half=_solve_jobs([job], fewer, False, run)[0].levels)


def solve_on(
    model: Model,
    options: Options,
    chains: Sequence[Chain],
    run: Run,
    observables: Observables = (),
) -> NRGResult:
    """Solve a model on given chains, without errors; all arguments have been checked."""
    job = Job(model, options, observables, chains=chains)
    return _solve_jobs([job], options, bool(observables), run)[0]


def _with_interleaved(result: NRGResult, observables: Observables, run: Run) -> NRGResult:
    """The result of interleaved channels with its errors, where charge and S_z are conserved."""
    if {"Z2", "none"} & set(result.symmetry):
        return result

    def again(options: Options, chains: tuple[Chain, ...]) -> NRGResult:
        return solve_on(result.model, options, chains, run, observables)

    found = estimate_interleaved(result, again)
    if advice := remedy(found, result.options, result.seconds):
        warn(f"{brief(result.model)}: {advice}", Coarse)
    return replace(result, errors=found)


def _with_errors(result: NRGResult, observables: Observables, run: Run) -> NRGResult:
    """The result with estimates of its errors; warns if it is not good enough."""
    if is_interleaved(result):
        return _with_interleaved(result, observables, run)
    if not is_calibrated(result.model):
        return _with_half(result, run)

    def again(
        model: Model, options: Options, chains: tuple[Chain, ...], observed: bool
    ) -> NRGResult:
        return solve_on(model, options, chains, run, observables if observed else ())

    ranges = {}
    if observables:
        chains = [one.chain for one in result.levels]
        ranges = Job(result.model, result.options, observables, chains=chains).ranges()
    found = estimate(result, again, ranges)
    if advice := remedy(found, result.options, result.seconds):
        warn(f"{brief(result.model)}: {advice}", Coarse)
    return _with_half(replace(result, errors=found), run)


def _solve_jobs(
    jobs: Sequence[Job],
    options: Options,
    vectors: bool,
    run: Run,
    description: str = "solving models",
) -> list[NRGResult]:
    """Results of all jobs; those of the finished shells go with an exception."""
    started = time.perf_counter()
    failure: BaseException | None = None
    try:
        with run.calling(description) as keywords:
            grown = _grow(jobs, options, vectors, keywords)
    except BaseException as error:
        if getattr(error, "partial", None) is None:
            raise
        failure, grown = error, error.partial  # type: ignore[attr-defined]
    seconds = time.perf_counter() - started
    results: list[NRGResult | None] = []
    try:
        for job, own in zip(jobs, _by_job(jobs, grown), strict=True):
            make = job.result if failure is None else job.partial
            results.append(make(own, seconds))
    except KeyboardInterrupt as stop:
        raise Cancelled("interrupted while averages were taken", partial=results) from stop
    if failure is not None:
        failure.partial = results[0] if len(results) == 1 else results  # type: ignore[attr-defined]
        raise failure
    return [result for result in results if result is not None]


def solve_levels(
    models: Sequence[Model],
    options: Options,
    observables: Observables,
    keywords: Mapping[str, Any],
) -> list[tuple[Levels, ...]]:
    """Levels of models, one entry for every twist, without the curves of an `NRGResult`.

    `keywords` are those of one call into the compiled core: threads, control, report. An exception
    carries no partial result: levels of some shells are of no use to the caller.
    """
    jobs = [Job(model, options, observables) for model in models]
    try:
        grown = _grow(jobs, options, bool(observables), keywords)
    except BaseException as error:
        if hasattr(error, "partial"):
            error.partial = None
        raise
    return [job.levels(own) for job, own in zip(jobs, _by_job(jobs, grown), strict=True)]


def _grow(
    jobs: Sequence[Job], options: Options, vectors: bool, keywords: Mapping[str, Any]
) -> list[_core.Levels]:
    """Levels of all shells, for every job and twist in their order."""
    return _core.nrg_solve(
        [pair for job in jobs for pair in job.cores],
        states=bounded(options.keep),
        multiplets=bounded(options.keep_multiplets),
        energy=options.energy_cutoff,
        gap=options.gap,
        memory_limit=memory.check(jobs, options, vectors, keywords.get("threads")),
        reuse=options.reuse,
        **keywords,
    )


def _by_job(jobs: Sequence[Job], grown: list[_core.Levels]) -> list[list[_core.Levels]]:
    ends = [0]
    for job in jobs:
        ends.append(ends[-1] + len(job.cores))
    return [grown[a:b] for a, b in pairwise(ends)]
