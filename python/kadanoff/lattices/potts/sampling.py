"""Independent samples of a Potts model, at one temperature or at several."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, memory
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.statistics import estimate
from kadanoff.lattices.ising.models import temperature
from kadanoff.lattices.ising.sampling import seed_of, share_out, temperatures
from kadanoff.lattices.potts.models import Potts
from kadanoff.lattices.potts.results import PottsSamples, PottsScan, estimates, order_squared

__all__ = ["METHODS", "sample", "scan"]

METHODS = ("heat-bath", "wolff", "swendsen-wang")

CHAINS = 16
MAX_CHAINS = 4096
TAUS = 20  # a run is equilibrated after this number of autocorrelation times
MAX_PILOT = 1 << 14  # sweeps, or visits of every site by clusters


@dataclass(frozen=True)
class _Plan:
    """Everything about a run at one temperature, checked."""

    model: Potts
    T: float
    n: int
    method: str
    chains: int | None
    spacing: int | None
    equilibration: int | None
    configurations: bool


@public
def sample(
    model: Potts | None = None,
    *,
    T: float,
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    q: int | None = None,
    J: float = 1.0,
    boundary: str | Sequence[str] = "periodic",
    lattice: str | None = None,
    method: str = "auto",
    chains: int | None = None,
    spacing: int | None = None,
    equilibration: int | None = None,
    configurations: bool = True,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> PottsSamples:
    r"""Draw configurations of a Potts model with probability ``exp(-H / T) / Z``.

    Parameters
    ----------
    model : Potts, optional
        The model; or give `L`, `q` and, where they differ from the defaults, J, boundary and
        lattice.
    T : float
        Temperature in units of energy, k_B = 1.
    n : int, default 1000
        Number of samples, over all chains.
    L : int or tuple of int, optional
        Sites along each axis, or the shape.
    q : int, optional
        Number of colours.
    J, boundary, lattice : as in :class:`Potts`
        Coupling, boundaries and lattice, if no `model` is given.
    method : {"auto", "heat-bath", "wolff", "swendsen-wang"}
        "auto" takes Wolff clusters near and below T_c, and the heat bath far above it and for
        negative J, for which there are no clusters.
    chains : int, optional
        Independent Markov chains among which the samples are divided, 16 by default. Not a number
        of threads.
    spacing : int, optional
        Sweeps (clusters for "wolff") between samples of a chain; by default twice the
        autocorrelation time that a pilot run shows.
    equilibration : int, optional
        Sweeps (clusters) before the first sample; by default by the pilot run, which lasts 20
        autocorrelation times.
    configurations : bool, default True
        Keep the configurations, one byte per site each; otherwise only energy and order parameter.
    seed : int, optional
        Repeats a run bit by bit, on any number of threads.
    threads : int, optional
        Number of worker threads, 1 to 1024; by default one per core.
    progress : bool, callable or None
        Whether a progress bar is shown, or a function of (done, total); by default a bar appears
        after half a second in a terminal or notebook.
    control : Control, optional
        Handle that cancels the run from another thread.

    Returns
    -------
    PottsSamples
        Configurations, series of energy and order parameter, averages with errors.

    Raises
    ------
    ValueError
        An argument is out of range, or clusters are asked for with J < 0.
    TypeError
        An argument has the wrong type, or both a model and its parameters are given.
    MemoryError
        The samples would not fit.
    Cancelled
        The run was stopped; ``partial`` holds the samples so far, or None.

    Notes
    -----
    Equal neighbours are joined to clusters with probability ``1 - exp(-J / T)`` [1]_, [2]_. The
    colours of each sample are permuted at random, an exact symmetry. Chains start in order, with
    one colour. Cost at T_c: about 20 ns per site and visit.

    For q > 4 the transition is of first order: near T_c a chain passes from one phase to the other
    in a time that grows as ``exp(2 sigma L^(d - 1) / T)``, which a pilot run may not see. Errors
    hold where both phases are visited often, or one of them only has weight.

    References
    ----------
    .. [1] U. Wolff, Phys. Rev. Lett. 62, 361 (1989), doi:10.1103/PhysRevLett.62.361
    .. [2] R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 58, 86 (1987),
           doi:10.1103/PhysRevLett.58.86

    Examples
    --------
    >>> from kadanoff import potts
    >>> run = potts.sample(L=16, q=3, T=potts.critical_temperature(3), n=400, seed=1)
    >>> found = run.estimates["energy"]  # below that of the infinite lattice, by finite size
    >>> -0.25 < found.mean - potts.critical_energy(3) < 0
    True
    """
    found = _model_of(model, L=L, q=q, J=J, boundary=boundary, lattice=lattice)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    plan = _planned(
        found,
        temperature(T),
        n=n,
        method=method,
        chains=chains,
        spacing=spacing,
        equilibration=equilibration,
        configurations=configurations,
    )
    with run.calling(f"sampling {found.q}-state Potts") as keywords:
        return _sample(plan, run.seed, **keywords)


@public
def scan(
    model: Potts | None = None,
    *,
    T: Iterable[float],
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    q: int | None = None,
    J: float = 1.0,
    boundary: str | Sequence[str] = "periodic",
    lattice: str | None = None,
    method: str = "auto",
    chains: int | None = None,
    spacing: int | None = None,
    equilibration: int | None = None,
    configurations: bool = False,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> PottsScan:
    """Draw samples at several temperatures, independent of each other.

    Parameters
    ----------
    model : Potts, optional
        The model; or give `L`, `q` and further parameters of it.
    T : sequence of float
        Temperatures, in any order.
    n : int, default 1000
        Number of samples at each temperature.
    L, q, J, boundary, lattice : as in :func:`sample`
        Shape, colours, coupling, boundaries and lattice, if no `model` is given.
    method, chains, spacing, equilibration : as in :func:`sample`
        Updates, number of chains, and updates between and before samples, at every temperature.
    configurations : bool, default False
        Keep the configurations too, one byte per site each.
    seed : int, optional
        Repeats the scan bit by bit; each temperature has a seed of its own, derived from it.
    threads, progress, control : as in :func:`sample`
        Number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    PottsScan
        One run for each temperature, in the order of `T`.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As in :func:`sample`, or `T` is empty.
    Cancelled
        ``partial`` is the scan of the temperatures that were finished.

    Examples
    --------
    >>> from kadanoff import potts
    >>> found = potts.scan(L=8, q=4, T=[0.6, 1.5], n=200, seed=1)
    >>> found.mean("energy").round(1).tolist()
    [-2.0, -0.8]
    """
    found = _model_of(model, L=L, q=q, J=J, boundary=boundary, lattice=lattice)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    plans = [
        _planned(
            found,
            t,
            n=n,
            method=method,
            chains=chains,
            spacing=spacing,
            equilibration=equilibration,
            configurations=configurations,
        )
        for t in temperatures(T)
    ]
    runs: list[PottsSamples] = []
    with run.calling(f"scanning {len(plans)} temperatures") as keywords:
        report = keywords.pop("report")
        for i, plan in enumerate(plans):
            part = None if report is None else partial(_of_all, report, i, len(plans))
            try:
                runs.append(_sample(plan, seed_of(run.seed, i), report=part, **keywords))
            except Cancelled as stop:
                stop.partial = PottsScan(runs=tuple(runs), seed=run.seed) if runs else None
                raise
    return PottsScan(runs=tuple(runs), seed=run.seed)


def _of_all(report: Report, index: int, count: int, done: int, total: int) -> None:
    # A permille for each run: their lengths are not known beforehand.
    report(1000 * index + 1000 * done // max(total, 1), 1000 * count)


def _model_of(
    model: Potts | None,
    *,
    L: int | Sequence[int] | None,
    q: int | None,
    J: float,
    boundary: str | Sequence[str],
    lattice: str | None,
) -> Potts:
    """The model that was given, or the one that L, q and the other arguments describe."""
    if model is None:
        if L is None or q is None:
            raise TypeError("give a model, or L and q, e.g. kd.potts.sample(L=64, q=3, T=1.0)")
        return Potts(L, q, J, boundary, lattice)
    if not isinstance(model, Potts):
        raise TypeError(f"model must be a Potts model, got {model!r}; for a size say L=...")
    given = {
        "L": L is not None,
        "q": q is not None,
        "J": not (isinstance(J, float | int) and J == 1),
        "boundary": not (isinstance(boundary, str) and boundary == "periodic"),
        "lattice": lattice is not None,
    }
    if any(given.values()):
        names = ", ".join(name for name, is_given in given.items() if is_given)
        raise TypeError(f"{names} belong to the model: give either a model or these")
    return model


def _planned(
    model: Potts,
    T: float,
    *,
    n: object,
    method: object,
    chains: object,
    spacing: object,
    equilibration: object,
    configurations: object,
) -> _Plan:
    name = checks.choice("method", method, ("auto", *METHODS))
    if name == "auto":
        name = "wolff" if model.J > 0 and _near(model) > T else "heat-bath"
    elif name != "heat-bath" and model.J < 0 and model.q > 2:
        raise ValueError(
            f"method {name!r} needs J >= 0, got J = {model.J:g}: there are no clusters of "
            f"{model.q} colours that avoid each other; use 'heat-bath'"
        )
    return _Plan(
        model=model,
        T=T,
        n=checks.whole("n", n),
        method=name,
        chains=None if chains is None else checks.whole("chains", chains, most=MAX_CHAINS),
        spacing=None if spacing is None else checks.whole("spacing", spacing),
        equilibration=(
            None if equilibration is None else checks.whole("equilibration", equilibration, least=0)
        ),
        configurations=checks.flag("configurations", configurations),
    )


def _near(model: Potts) -> float:
    """Temperature below which clusters are large enough to be worth it."""
    known = model.critical_temperature
    return 1.5 * known if known else 0.6 * model.strength / math.log2(1 + math.sqrt(model.q))


def _sample(
    plan: _Plan,
    seed: int,
    *,
    threads: int | None,
    control: _core.Control | None,
    report: Report | None,
) -> PottsSamples:
    model, n = plan.model, plan.n
    if plan.chains is None:
        count, times = share_out(n, max(1, min(CHAINS, n // 4)))
    else:
        count, times = plan.chains, -(-n // plan.chains)
    bonds, own = model.bonds()
    _check_memory(model, len(bonds), count, count * times if plan.configurations else 0)
    started = time.perf_counter()
    control = control or _core.Control()
    calls: dict[str, Any] = {"threads": threads, "control": control}
    chains = _core.BondEnsemble(
        model.sites,
        model.q,
        bonds.astype(np.uint32),
        np.array([model.J]),
        0.0,
        plan.T,
        plan.method,
        count,
        seed,
    )
    if model.J < 0:
        chains.randomise()
    # How long equilibration takes is not known before: the bar stands still until it is over.
    waiting = None if report is None else partial(_nothing_done, report)
    done, spacing = _equilibrate(chains, plan, calls | {"report": waiting})
    before = control.progress[0]
    arrays, error = chains.measure(
        times,
        spacing,
        configurations=plan.configurations,
        report=None if report is None else partial(_done_since, report, before),
        **calls,
    )
    result = None
    e = (arrays["energy"] - model.J * own) / model.sites
    if e.shape[1]:
        m2 = order_squared(arrays["counts"])
        colours = arrays["colours"].reshape(-1, *model.shape)[:n] if plan.configurations else None
        result = PottsSamples(
            model=model,
            T=plan.T,
            energy=e.ravel()[:n],
            order=np.sqrt(m2).ravel()[:n],
            colours=colours,
            estimates=estimates(model, plan.T, e, m2),
            method=plan.method,
            spacing=spacing,
            equilibration=done,
            chains=count,
            seed=seed,
            seconds=time.perf_counter() - started,
        )
    if error is not None:
        if isinstance(error, Cancelled):
            error.partial = result
        raise error
    if result is None or e.shape[1] < times:
        raise Cancelled("the computation was stopped", partial=result)
    return result


def _check_memory(model: Potts, bonds: int, chains: int, samples: int) -> None:
    """Refuse samples that would not fit, with the amount that they would need."""
    free = memory.available()
    need = 40 * bonds + chains * 6 * model.sites + samples * (2 * model.sites + 8 * model.q)
    if free is not None and need > free:
        raise MemoryError(
            f"{samples:,} samples of {model.sites:,} sites in {chains} chains need "
            f"{need / 1e9:.3g} GB and {free / 1e9:.3g} GB are available: lower n or chains, or "
            "keep no configurations (configurations=False)"
        )


def _nothing_done(report: Report, done: int, total: int) -> None:
    report(0, 1)


def _done_since(report: Report, before: int, done: int, total: int) -> None:
    report(done - before, total - before)


def _equilibrate(chains: _core.BondEnsemble, plan: _Plan, calls: dict[str, Any]) -> tuple[int, int]:
    """Updates done and the spacing of samples, from a pilot run unless they were given."""
    done = plan.equilibration or 0
    chains.advance(done, **calls)
    if plan.equilibration is not None and plan.spacing is not None:
        return done, plan.spacing
    unit = 1
    if plan.method == "wolff":
        warm, unit = _visit(chains, plan.model.sites * chains.chains, calls)
        done += warm
    done, tau = _pilot(chains, unit, done, calls)
    return done, plan.spacing or max(1, math.ceil(2 * tau * unit))


def _visit(chains: _core.BondEnsemble, sites: int, calls: dict[str, Any]) -> tuple[int, int]:
    """Clusters that were flipped, and how many of them visit every site once."""
    done, now, start = 0, 8, chains.visited
    while True:
        before = chains.visited
        chains.advance(now, **calls)
        done += now
        size = (chains.visited - before) / now
        if chains.visited - start >= 8 * sites:
            return done, max(1, round(sites / size))
        # The size of clusters changes on the way: look again before twice as many are done.
        now = max(1, min(done, math.ceil(8 * sites / size)))


def _pilot(
    chains: _core.BondEnsemble, unit: int, done: int, calls: dict[str, Any]
) -> tuple[int, float]:
    """Updates done, and the longest autocorrelation time in numbers of `unit` updates."""
    length, measured = 64, 0
    while True:
        arrays, error = chains.measure(length, unit, configurations=False, **calls)
        if error is not None:
            raise error
        if arrays["energy"].shape[1] < length:
            raise Cancelled("the computation was stopped before the first sample")
        measured += length
        # The second half, which remembers less of the start.
        e = arrays["energy"][:, length // 2 :]
        m2 = order_squared(arrays["counts"][:, length // 2 :])
        tau = max(estimate(e).tau, estimate(m2).tau)
        if measured > TAUS * tau or measured >= MAX_PILOT:
            return done + measured * unit, tau
        length *= 2
