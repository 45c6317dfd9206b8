"""Databases of impurity problems, solved by cheap solvers and by an expensive one.

All solvers have the same Delta. Problems are those of `kadanoff.dmft.data.draws`, or baths of
converged DMFT loops; every problem is solved at all temperatures.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, running
from kadanoff._base.errors import Cancelled, NotConverged, NumericalError
from kadanoff._base.interruptible import noted_interrupts
from kadanoff._base.progress import Report
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff._base.versions import about
from kadanoff.dmft.data.draws import FIT_SEED, Distribution, Draw
from kadanoff.dmft.data.samples import Database, FailedPoint
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.protocol import Run, lookup
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers.approximations import approximated, named
from kadanoff.dmft.solvers.ed import at_temperatures
from kadanoff.greens import chebyshev_times
from kadanoff.greens.grids import inverse_temperature
from kadanoff.runs.parameter_sweep import sweep
from kadanoff.runs.store import Store, canonical

__all__ = ["BETAS", "INPUTS", "database"]

INPUTS = ("hubbard1", "ipt", "nca", "ed-1", "ed-2", "ed-3")
BETAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
VERSION = 5
"""Version of the stored numbers; raise it when the results of a solver, or a name, change.

5: the loops of baths stop at different tolerances.
4: the bath of a loop is its Delta, not the fit of it by the sites of the solver.
3: the distance of the level from half filling is stored as `detuning`, not as `eps`.
2: a bath fit sums frequencies in another order, and the end point of its search depends on
rounding; ed-1 and ed-2 differ by up to 2e-8.
"""
CHUNK = 16
OPTIONS: dict[str, dict[str, Any]] = {
    "nca": {"tolerance": 1e-5},
    "ed-1": {"fit": {"starts": 1}},
    "ed-2": {"fit": {"starts": 1}},
    "ed-3": {"fit": {"starts": 1}},
}
"""Default options of the inputs; tighter tolerances would not improve the learned correction."""


@public
def database(
    samples: int = 1000,
    *,
    inputs: Sequence[str] = INPUTS,
    target: str = "ed-4",
    beta: Sequence[float] = BETAS,
    U: tuple[float, float] = (1.0, 10.0),
    D: tuple[float, float] = (1.0, 10.0),
    detuning: tuple[float, float] = (-1.0, 1.0),
    bath_sites: int | None = None,
    rule: str = "bethe",
    bath: str = "random",
    lattice: str | Sequence[str] = "bethe",
    partners: bool = False,
    frequencies: int = 64,
    times: int = 51,
    seed: int | None = None,
    first: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    path: str | os.PathLike[str] | None = None,
    chunk: int | None = None,
    executor: Executor | None = None,
    retry: int = 0,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> Database:
    """Draw impurity problems and solve them with the inputs and the target.

    Parameters
    ----------
    samples : int
        Number of samples, each at all temperatures.
    inputs : sequence of str
        Approximate solvers: "hubbard1", "ipt", "nca", "ed-1", ..., see
        :func:`kadanoff.dmft.approximate`.
    target : str
        "ed-4" to "ed-7" are exact for a bath of 4 to 7 sites; or another name of
        `kadanoff.dmft.SOLVERS`.
    beta : sequence of float
        Inverse temperatures, ascending.
    U, D, detuning : tuple of float
        Ranges (low, high) of the repulsion, the half bandwidth, and the distance ``eps + U/2`` of
        the level from half filling, which does not move with U; in one unit of energy.
    bath_sites : int, optional
        Number of bath sites, 1 to 7; by default n for target "ed-n", else 4.
    rule : {"bethe", "2D/pi", "2W"}
        Rule for sum V**2, see `kadanoff.dmft.data.draws.Distribution`.
    bath : {"random", "self-consistent"}
        Whether baths are random, or those of converged DMFT loops by exact diagonalisation with
        `bath_sites` sites: their Delta as it is, without a fit by these sites.
    lattice : {"bethe", "square", "cubic"} or a sequence of these
        Lattice of the loops, of half bandwidth D; of several, each sample draws one.
    partners : bool
        Whether the particle-hole partner of every sample is added.
    frequencies, times : int
        Number of Matsubara frequencies of Sigma, and of times of G_tau.
    seed : int, optional
        Sample i depends on (seed, i) only. By default drawn from the operating system; a run that
        is to be continued in the store of `path` needs a seed. ``Database.seed`` is the one used.
    first : int
        Number of the first sample; later samples make an independent test set.
    options : mapping, optional
        Options by solver: ``{"cthyb": {"sweeps": 10**6}}``.
    path : path, optional
        Folder of a `kadanoff.store.Store`. An interrupted run is continued there; more samples,
        another input or another target use the stored solutions.
    chunk : int, optional
        Samples per file: 16, or 1 for a target other than "ed-1" to "ed-5".
    executor, retry, progress, control : optional
        As in :func:`kadanoff.sweep`.

    Returns
    -------
    Database
        The samples that were solved by all solvers; the points that failed are in `failed`.

    Raises
    ------
    ValueError, TypeError
        A range, a name or an option is impossible.
    NotConverged
        No sample was solved by all solvers.
    Cancelled
        The run was stopped; finished files are in the store.

    Notes
    -----
    In the Delta of a loop "ed-n" is no longer exact: it is the solver that a loop would call, with
    n sites fitted to this Delta, and `Database.error` holds the error of G by the fit.

    Loops stop at tolerances between 1e-6 and 1e-3, drawn for every sample, as a learned solver is
    asked about Delta at a fixed point and next to it.

    Test sets: `first` beyond the last sample for the same distribution, other ranges for
    extrapolation, ``bath="self-consistent"`` for baths of DMFT loops.

    All inputs and "ed-4" take about 0.04 s per sample and core. Half of this time is Python between
    short compiled calls: processes (``concurrent.futures.ProcessPoolExecutor``, Dask) use several
    cores, threads hardly do.

    One file holds a chunk of samples of one solver: 16 samples are 1 MB and a second of work. With
    one file per sample, writing would take as long as solving.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(4, inputs=("hubbard1",), target="ed-2", beta=[10.0], progress=False)
    >>> db.Sigma["ed-2"].shape, db.G_tau["hubbard1"].shape
    ((4, 1, 64), (4, 1, 51))
    """
    run = running.Run.of(progress=progress, control=control, seed=seed)
    temperatures = _temperatures(beta)
    solver, own = named(target, "target")
    if bath_sites is None:
        bath_sites = own.get("sites", 4)
    spread = Distribution(
        U=U,
        D=D,
        detuning=detuning,
        bath_sites=bath_sites,
        rule=rule,
        bath=bath,
        lattice=(lattice,) if isinstance(lattice, str) else tuple(lattice),
        beta=temperatures,
        seed=run.seed,
    )
    names = _solvers(inputs, target, bath_sites)
    settings = _options(options, names)
    frequencies = checks.whole("frequencies", frequencies, least=2, most=4096)
    times = checks.whole("times", times, least=2, most=4096)
    samples, first = checks.whole("samples", samples), checks.whole("first", first, least=0)
    retry = checks.whole("retry", retry, least=0)
    if chunk is None:
        chunk = CHUNK if solver == "ed" and own.get("sites", 9) <= 5 else 1
    chunk = checks.whole("chunk", chunk)
    # In a store all files are full, so that more samples begin with a new file.
    begin = first - first % chunk if path is not None else first
    with noted_interrupts():  # a long list
        points = [
            {
                "distribution": spread.parameters(),
                "solver": name,
                "options": settings[name],
                "beta": list(temperatures),
                "frequencies": frequencies,
                "times": times,
                "first": start,
                "count": chunk if path is not None else min(chunk, first + samples - start),
            }
            for start in range(begin, first + samples, chunk)
            for name in names
        ]
    store = None
    if path is not None:
        store = Store(path, kind="dmft database", version=VERSION, settings={"chunk": chunk})
    found = sweep(
        solve_chunk,
        points,
        store=store,
        executor=executor,
        retry=retry,
        progress=run.progress,
        control=run.control,
    )
    if found.failed:
        broken = found.failed[0]
        raise NotConverged(
            f"{len(found.failed)} chunks could not be computed, the first because of "
            f"{broken.error}: {broken.message}",
            found,
        )
    card = {
        "distribution": spread.parameters(),
        "options": settings,
        "versions": {k: about()[k] for k in ("kadanoff", "numpy", "scipy", "python", "platform")},
    }
    wanted = range(first, first + samples)
    made = _assemble(found.results, points, names, temperatures, wanted, card)
    return made.with_partners() if partners else made


def solve_chunk(
    distribution: dict[str, Any],
    solver: str,
    options: dict[str, Any],
    beta: list[float],
    frequencies: int,
    times: int,
    first: int,
    count: int,
    control: _core.Control | None = None,
) -> dict[str, Any]:
    """`count` samples from number `first` on by one solver: the content of one file."""
    spread = Distribution(**{"beta": beta, **distribution})
    B, sites = len(beta), spread.levels
    out: dict[str, Any] = {
        **{name: np.zeros(count) for name in ("U", "D", "detuning", "seconds")},
        **{name: np.zeros((count, sites)) for name in ("e", "V")},
        "born": np.full(count, -1),
        "Sigma": np.full((count, B, frequencies), np.nan + 0j),
        "G_tau": np.full((count, B, times), np.nan),
        **{name: np.full((count, B), np.nan) for name in ("n", "docc", "error")},
    }
    meshes = [chebyshev_times(b, times) for b in beta]
    failed: list[tuple[int, int, str]] = []
    for row in range(count):
        if control is not None and control.cancelled:
            raise Cancelled("the computation was stopped")
        index = first + row
        try:
            draw = spread.draw(index)
        except _FAILURES as error:
            failed.append((row, -1, f"{type(error).__name__}: {error}"))
            continue
        for name in ("U", "D", "detuning", "e", "V", "born"):
            out[name][row] = getattr(draw, name)
        began = time.process_time()
        run = Run(1, False, control, _seed(spread, index, solver), frequencies)
        for b, found in enumerate(_at_all(draw, solver, beta, run, options)):
            if isinstance(found, str):
                failed.append((row, b, found))
                continue
            out["Sigma"][row, b] = found.Sigma_iw
            out["G_tau"][row, b] = found.G.at_times(meshes[b])
            out["n"][row, b], out["docc"][row, b] = found.n, found.docc
            out["error"][row, b] = math.nan if found.error is None else found.error
        out["seconds"][row] = time.process_time() - began
    out["failed"] = np.array(json.dumps(failed))
    return out


def _seed(spread: Distribution, index: int, solver: str) -> int:
    """The seed of a solver: stochastic ones have random numbers of their own for every sample."""
    if solver.startswith("ed-"):
        return FIT_SEED
    stream = np.random.SeedSequence(spread.seed, spawn_key=(index, 1))
    return int(stream.generate_state(1)[0])


_FAILURES = (NotConverged, NumericalError, ValueError)


def _at_all(
    draw: Draw, solver: str, beta: Sequence[float], run: Run, options: dict[str, Any]
) -> Iterator[Solution | str]:
    """The solution at every temperature, or the reason of its failure."""
    used = draw.V > 0.0
    bath = DiscreteBath(draw.e[used], draw.V[used])
    one = Impurity(draw.U, beta[0], bath, draw.eps)
    problems = [Impurity.own(one.U, b, bath, one.eps) for b in beta]
    sites = named(solver, "solver")[1].get("sites", 0)
    if sites >= bath.sites:
        try:
            yield from at_temperatures(problems, run, **options)
        except _FAILURES as error:
            yield from [f"{type(error).__name__}: {error}"] * len(beta)
        return
    for problem in problems:
        try:
            yield approximated(problem, solver, run, options)
        except _FAILURES as error:
            yield f"{type(error).__name__}: {error}"


# ------------------------------------------------------------------------------------------- checks


def _temperatures(beta: Sequence[float]) -> tuple[float, ...]:
    if isinstance(beta, str) or not hasattr(beta, "__iter__"):
        raise TypeError(f"beta must be a sequence of inverse temperatures, got {beta!r}")
    found = tuple(inverse_temperature(b) for b in beta)
    if not found or any(b >= c for b, c in itertools.pairwise(found)):
        raise ValueError(f"beta must hold ascending inverse temperatures, got {beta!r}")
    return found


def _solvers(inputs: Sequence[str], target: str, sites: int) -> tuple[str, ...]:
    if isinstance(inputs, str):
        raise TypeError(f"inputs must be a sequence of names such as ({inputs!r},)")
    names = (*inputs, target)
    for name in names:
        fewer = named(name, "target" if name is target else "inputs")[1].get("sites")
        if name != target and fewer is not None and fewer >= sites:
            raise ValueError(
                f"inputs: {name!r} is exact for a bath of {sites} sites: an approximation has fewer"
            )
    if len(set(names)) < len(names):
        raise ValueError(f"inputs and target must be different names, got {', '.join(names)}")
    return names


def _options(
    options: Mapping[str, Mapping[str, Any]] | None, names: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    given = dict(options or {})
    for name in given:
        if name not in names:
            raise ValueError(
                f"options for {name!r}, which is neither input nor target: {', '.join(names)}"
            )
    found = {}
    for name in names:
        solver, sites = named(name)
        default = OPTIONS.get(name, {}) if name != names[-1] else {}
        own = {**default, **given.get(name, {})}
        lookup(solver, {**sites, **own})
        found[name] = canonical(own)
    return found


# ----------------------------------------------------------------------------------------- assembly


def _assemble(
    results: Sequence[dict[str, Any]],
    points: Sequence[dict[str, Any]],
    names: tuple[str, ...],
    beta: tuple[float, ...],
    wanted: range,
    card: dict[str, Any],
) -> Database:
    """One database from the chunks, without samples that failed."""
    rows: dict[str, dict[str, AnyArray]] = {}
    failed: list[FailedPoint] = []
    for name in names:
        parts = [(p, r) for p, r in zip(points, results, strict=True) if p["solver"] == name]
        index = np.concatenate([p["first"] + np.arange(p["count"]) for p, _ in parts])
        keep = (index >= wanted.start) & (index < wanted.stop)
        rows[name] = {"index": index[keep]}
        for key in parts[0][1]:
            if key != "failed":
                rows[name][key] = np.concatenate([r[key] for _, r in parts])[keep]
        for p, r in parts:
            for row, b, reason in json.loads(str(r["failed"])):
                if p["first"] + row in wanted:
                    at = beta[b] if b >= 0 else math.nan
                    failed.append(FailedPoint(p["first"] + row, name, at, reason))
    bad = {point.sample for point in failed}
    one = rows[names[0]]
    good = np.array([int(i) not in bad for i in one["index"]])
    if not good.any():
        raise NotConverged(
            f"no sample was solved by all of {', '.join(names)}; the first failure: "
            f"{failed[0].solver}: {failed[0].reason}",
            tuple(failed),
        )
    index = one["index"][good].astype(np.int64)
    tables: dict[str, Any] = {
        key: {name: rows[name][key][good] for name in names}
        for key in ("Sigma", "G_tau", "n", "docc", "error", "seconds")
    }
    return Database(
        beta=np.array(beta),
        **{key: one[key][good] for key in ("U", "D", "detuning", "e", "V")},
        index=index,
        group=index.copy(),
        partner=np.zeros(index.size, dtype=bool),
        born=one["born"][good].astype(np.int64),
        **tables,
        inputs=names[:-1],
        target=names[-1],
        failed=tuple(failed),
        card=card,
    )
