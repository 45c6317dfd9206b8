"""Independent samples of a Potts or clock model, at one temperature or at several."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.lattices import plans
from kadanoff.lattices.ising.graph_chains import bond_bytes
from kadanoff.lattices.ising.models import temperature
from kadanoff.lattices.potts.clock import Clock
from kadanoff.lattices.potts.clock_chains import ClockChains
from kadanoff.lattices.potts.models import Potts
from kadanoff.lattices.potts.results import PottsSamples, PottsScan, estimates, order_squared

__all__ = ["METHODS", "sample", "scan"]

METHODS = ("heat-bath", "wolff", "swendsen-wang")

CHAINS = 16

Plan = plans.Plan[Potts | Clock]


@public
def sample(
    model: Potts | Clock | None = None,
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
    r"""Draw configurations of a Potts or clock model with probability ``exp(-H / T) / Z``.

    Parameters
    ----------
    model : Potts or Clock, optional
        The model; or, of a Potts model, give `L`, `q` and, where they differ from the defaults, J,
        boundary and lattice.
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
        "auto" takes clusters (of Wolff, of clock models those of Swendsen and Wang) near and below
        T_c, and the heat bath far above it and for negative J, for which there are no clusters.
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

    Clock spins are reflected instead of permuted [1]_, in clusters whose bonds have the probability
    ``1 - exp(-cost / T)`` of the energy that a reflection of one end costs; they are turned
    together at random, and run on one thread at some 0.3 microseconds per site and sweep.

    For q > 4 the transition of the Potts model is of first order: near T_c a chain passes from one
    phase to the other in a time that grows as ``exp(2 sigma L^(d - 1) / T)``, which a pilot run may
    not see. Errors hold where both phases are visited often, or one of them only has weight.

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
    T = temperature(T)
    plan = plans.planned(
        found,
        T,
        n=n,
        method=_checked_method(method, found, T),
        chains=chains,
        spacing=spacing,
        equilibration=equilibration,
        configurations=configurations,
    )
    with run.calling(f"sampling {found.q} states per site") as keywords:
        return _sample(plan, run.seed, **keywords)


@public
def scan(
    model: Potts | Clock | None = None,
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
    model : Potts or Clock, optional
        The model; or, of a Potts model, give `L`, `q` and further parameters of it.
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
    planned = [
        plans.planned(
            found,
            t,
            n=n,
            method=_checked_method(method, found, t),
            chains=chains,
            spacing=spacing,
            equilibration=equilibration,
            configurations=configurations,
        )
        for t in plans.temperatures(T)
    ]
    return plans.scanned(planned, run, _sample, PottsScan)


def _model_of(
    model: Potts | Clock | None,
    *,
    L: int | Sequence[int] | None,
    q: int | None,
    J: float,
    boundary: str | Sequence[str],
    lattice: str | None,
) -> Potts | Clock:
    """The model that was given, or the one that L, q and the other arguments describe."""
    if model is None:
        if L is None or q is None:
            raise TypeError("give a model, or L and q, e.g. kd.potts.sample(L=64, q=3, T=1.0)")
        return Potts(L, q, J, boundary, lattice)
    if not isinstance(model, Potts | Clock):
        raise TypeError(
            f"model must be a Potts or Clock model, got {model!r}; for a size say L=..."
        )
    plans.refuse_beside_model(
        L=(L, None),
        q=(q, None),
        J=(J, 1.0),
        boundary=(boundary, "periodic"),
        lattice=(lattice, None),
    )
    return model


def _checked_method(method: object, model: Potts | Clock, T: float) -> str:
    """The name of a method that can take the model; "auto" chooses one."""
    name = checks.choice("method", method, ("auto", *METHODS))
    clock = isinstance(model, Clock)
    if name == "auto":
        clusters = "swendsen-wang" if clock else "wolff"
        return clusters if model.J > 0 and _near(model) > T else "heat-bath"
    if clock and name == "wolff":
        raise ValueError(
            "method 'wolff' builds one cluster of equal colours: for clock spins take "
            "'swendsen-wang', which reflects all clusters"
        )
    if name != "heat-bath" and model.J < 0 and model.q > 2 and not clock:
        raise ValueError(
            f"method {name!r} needs J >= 0, got J = {model.J:g}: there are no clusters of "
            f"{model.q} colours that avoid each other; use 'heat-bath'"
        )
    return name


def _near(model: Potts | Clock) -> float:
    """Temperature below which clusters are large enough to be worth it."""
    known = model.critical_temperature
    if known:
        return 1.5 * known
    if isinstance(model, Clock):
        return 0.23 * model.strength  # 1.8 J on the square lattice, where all order is lost at 1.1
    return 0.6 * model.strength / math.log2(1 + math.sqrt(model.q))


def _sample(
    plan: Plan,
    seed: int,
    *,
    threads: int | None,
    control: _core.Control | None,
    report: Report | None,
) -> PottsSamples:
    model, n = plan.model, plan.n
    count, times = plan.shares(max(1, min(CHAINS, n // 4)))
    bonds, own = model.bonds()
    keep, samples = plan.configurations, count * times
    plans.refuse_memory(
        bond_bytes(len(bonds), model.sites, model.q, count, samples, keep),
        samples=samples,
        sites=model.sites,
        chains=count,
        keep=keep,
    )
    started = time.perf_counter()
    control = control or _core.Control()
    calls: dict[str, Any] = {"threads": threads, "control": control}
    chains = _chains(plan, bonds, count, seed)
    if model.J < 0:
        chains.randomise()
    done, spacing = _equilibrate(chains, plan, calls | {"report": plans.waiting(report)})
    arrays, error = chains.measure(
        times,
        spacing,
        configurations=keep,
        report=plans.since(report, control.progress[0]),
        **calls,
    )
    result = None
    e = (arrays["energy"] - model.J * own) / model.sites
    if e.shape[1]:
        m2 = order_squared(model, arrays["counts"])
        colours = arrays["colours"].reshape(-1, *model.shape)[:n] if keep else None
        result = PottsSamples(
            model=model,
            T=plan.T,
            energy=e.ravel()[:n],
            order=np.sqrt(m2).ravel()[:n],
            configurations=colours,
            estimates=estimates(model, plan.T, e, m2),
            method=plan.method,
            spacing=spacing,
            equilibration=done,
            chains=count,
            seed=seed,
            seconds=time.perf_counter() - started,
        )
    return plans.ended(result, e.shape[1] == times, error)


def _chains(plan: Plan, bonds: IntArray, count: int, seed: int) -> _core.BondEnsemble | ClockChains:
    model = plan.model
    if isinstance(model, Clock):
        return ClockChains(model, plan.T, plan.method, count, seed)
    return _core.BondEnsemble(
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


def _equilibrate(
    chains: _core.BondEnsemble | ClockChains, plan: Plan, calls: dict[str, Any]
) -> tuple[int, int]:
    """Updates done and the spacing of samples, from a pilot run unless they were given."""
    done = plan.equilibration or 0
    chains.advance(done, **calls)
    if plan.equilibration is not None and plan.spacing is not None:
        return done, plan.spacing
    unit = 1
    if plan.method == "wolff":
        warm, unit = _visit(chains, plan.model.sites * chains.chains, calls)
        done += warm
    measured, tau = plans.pilot(chains, unit, partial(_order, plan.model), calls)
    done += measured * unit
    return done, plan.spacing or max(1, math.ceil(2 * tau * unit))


def _visit(
    chains: _core.BondEnsemble | ClockChains, sites: int, calls: dict[str, Any]
) -> tuple[int, int]:
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


def _order(model: Potts | Clock, arrays: dict[str, Any]) -> FloatArray:
    return order_squared(model, arrays["counts"])
