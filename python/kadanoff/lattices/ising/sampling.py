"""Independent samples of an Ising model, at one temperature or at several."""

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
from kadanoff.lattices.ising.graph_chains import GraphChains, graph_bytes
from kadanoff.lattices.ising.graphs import GraphIsing
from kadanoff.lattices.ising.models import Ising, core_arguments, temperature
from kadanoff.lattices.ising.results import IsingSamples, IsingScan, estimates

__all__ = ["METHODS", "sample", "scan"]

METHODS = ("heat-bath", "metropolis", "wolff", "swendsen-wang")
IN_A_FIELD = "'swendsen-wang', whose clusters are turned by a heat bath, or "
SIGNS = 1  # which random numbers of a seed turn the samples of Wolff clusters

CLUSTER_CHAINS = 16
MAX_CHAINS = 4096
PASSES = 30  # times that clusters visit a whole lattice before it counts as equilibrated
CLUSTER_SPACING = 2.0  # the same between two samples
SWEEPS = 100  # of Swendsen-Wang before the first sample: tau is below 15 up to L = 4096
TAUS = 20  # a run of single-spin updates is equilibrated after this number of autocorrelation times
MAX_PILOT = 1 << 14  # sweeps


Chains = _core.IsingEnsemble | GraphChains


@dataclass(frozen=True)
class _Plan:
    """Everything about a run at one temperature, checked."""

    model: Ising | GraphIsing
    T: float
    n: int
    method: str
    chains: int | None
    spacing: int | None
    equilibration: int | None
    configurations: bool


def model_of(
    model: Ising | None,
    *,
    L: int | Sequence[int] | None,
    J: float | Sequence[float],
    h: float,
    boundary: str | Sequence[str],
    lattice: str | None,
) -> Ising:
    """The model that was given, or the one that L and the other arguments describe."""
    found = any_model_of(model, L=L, J=J, h=h, boundary=boundary, lattice=lattice)
    if isinstance(found, GraphIsing):
        raise TypeError(
            f"model must be an Ising model on a regular lattice here, got {found!r}: "
            "kd.ising.sample and kd.ising.scan take graphs"
        )
    return found


def any_model_of(
    model: Ising | GraphIsing | None,
    *,
    L: int | Sequence[int] | None,
    J: float | Sequence[float],
    h: float,
    boundary: str | Sequence[str],
    lattice: str | None,
) -> Ising | GraphIsing:
    """The same for calls that take graphs as well."""
    if model is None:
        if L is None:
            raise TypeError("give a model, or L, e.g. kd.ising.sample(L=64, T=kd.ising.T_c)")
        return Ising(L, J, h, boundary, lattice)
    if not isinstance(model, Ising | GraphIsing):
        raise TypeError(f"model must be an Ising model, got {model!r}; for a size say L=...")
    given = {
        "L": L is not None,
        "J": not (isinstance(J, float | int) and J == 1),
        "h": not (isinstance(h, float | int) and h == 0),
        "boundary": not (isinstance(boundary, str) and boundary == "periodic"),
        "lattice": lattice is not None,
    }
    if any(given.values()):
        names = ", ".join(name for name, is_given in given.items() if is_given)
        raise TypeError(f"{names} belong to the model: give either a model or these")
    return model


def checked_method(method: object, model: Ising | GraphIsing, T: float) -> str:
    """The name of a method that can take the model; "auto" chooses one."""
    name = checks.choice("method", method, ("auto", *METHODS))
    if name == "auto":
        return automatic_method(model, T)
    if name == "wolff" and model.h:
        raise ValueError(
            f"method 'wolff' cannot take a field, got h = {model.h}: use "
            + ("" if isinstance(model, GraphIsing) else IN_A_FIELD)
            + "'heat-bath'"
        )
    if isinstance(model, GraphIsing) and (
        name == "metropolis" or (name == "swendsen-wang" and model.h)
    ):
        raise ValueError(
            f"method {name!r} is for regular lattices"
            + (" in a field" if model.h else "")
            + f", got {model!r}: use 'heat-bath'"
        )
    return name


def automatic_method(model: Ising | GraphIsing, T: float) -> str:
    """Clusters where correlations are long and clusters follow them, single spins elsewhere."""
    if model.h or model.frustrated:
        return "heat-bath"
    # 0.6 z J is within a tenth of T_c in two and three dimensions; clusters pay up to twice that.
    near = 1.2 * model.strength * 0.6
    return "wolff" if near > T else "heat-bath"


@public
def sample(
    model: Ising | GraphIsing | None = None,
    *,
    T: float,
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    J: float | Sequence[float] = 1.0,
    h: float = 0.0,
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
) -> IsingSamples:
    r"""Draw configurations of an Ising model with probability ``exp(-H / T) / Z``.

    Parameters
    ----------
    model : Ising or GraphIsing, optional
        The model; or give `L` and, where they differ from the defaults, J, h, boundary and
        lattice. Models on graphs, see :func:`graph`, are updated by "heat-bath", and without field
        by "wolff" and "swendsen-wang".
    T : float
        Temperature in units of energy, k_B = 1.
    n : int, default 1000
        Number of samples, over all chains.
    L : int or tuple of int, optional
        Sites along each axis, or the shape.
    J, h, boundary, lattice : as in :class:`Ising`
        Couplings, field, boundaries and lattice, if no `model` is given.
    method : {"auto", "heat-bath", "metropolis", "wolff", "swendsen-wang"}
        "auto" takes Wolff clusters without field and frustration unless T is far above T_c, and
        the heat bath otherwise. In a field Swendsen-Wang still works, Wolff does not.
    chains : int, optional
        Independent Markov chains among which the samples are divided; by default 16 with clusters
        and as many as fill the words of the bit-sliced code. Not a number of threads.
    spacing : int, optional
        Sweeps (clusters for "wolff") between samples of a chain. By default two visits of every
        site by clusters, or twice the autocorrelation time that a pilot run shows, so that
        samples are nearly independent: see ``estimates[...].ess``.
    equilibration : int, optional
        Sweeps (clusters) before the first sample; by default by the pilot run.
    configurations : bool, default True
        Keep the configurations, N / 8 bytes each; otherwise only energy and magnetisation.
    seed : int, optional
        Repeats a run bit by bit, on any number of threads and any processor.
    threads : int, optional
        Number of worker threads, 1 to 1024; by default one per core.
    progress : bool, callable or None
        Whether a progress bar is shown, or a function of (done, total); by default a bar appears
        after half a second in a terminal or notebook.
    control : Control, optional
        Handle that cancels the run from another thread.

    Returns
    -------
    IsingSamples
        Configurations, series of energy and magnetisation, averages with errors.

    Raises
    ------
    ValueError
        An argument is out of range, or the method cannot take the field.
    TypeError
        An argument has the wrong type, or both a model and its parameters are given.
    MemoryError
        The samples would not fit.
    Cancelled
        The run was stopped; ``partial`` holds the samples so far, or None.

    Notes
    -----
    An average whose series shows no variation has the error that n draws without an event leave:
    3 / n times the change that one spin flip makes, by the rule of three.

    Single-spin updates give every spin its own random number with probabilities exact to 2^-64. In
    zero field a lattice is turned as a whole with probability 1/2 before each measurement, an exact
    symmetry; of Swendsen-Wang clusters each is turned with this probability. The number of updates
    between measurements never depends on their outcome: measuring when the clusters of a run have
    visited enough sites would prefer what large clusters leave behind. Cost at T_c: about 10 ns per
    site and sample with clusters.

    References
    ----------
    .. [1] U. Wolff, Phys. Rev. Lett. 62, 361 (1989), doi:10.1103/PhysRevLett.62.361
    .. [2] R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 58, 86 (1987),
           doi:10.1103/PhysRevLett.58.86

    Examples
    --------
    >>> from kadanoff import ising
    >>> run = ising.sample(L=16, T=ising.T_c, n=2000, seed=1)
    >>> run.configurations.shape, run.configurations.dtype
    ((2000, 16, 16), dtype('int8'))
    >>> abs(run.estimates["energy"].mean - (-1.45306)) < 4 * run.estimates["energy"].error
    True
    """
    found = any_model_of(model, L=L, J=J, h=h, boundary=boundary, lattice=lattice)
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
    with run.calling(f"sampling {found.lattice} Ising") as keywords:
        return _sample(plan, run.seed, **keywords)


def _planned(
    model: Ising | GraphIsing,
    T: float,
    *,
    n: object,
    method: object,
    chains: object,
    spacing: object,
    equilibration: object,
    configurations: object,
) -> _Plan:
    return _Plan(
        model=model,
        T=T,
        n=checks.whole("n", n),
        method=checked_method(method, model, T),
        chains=None if chains is None else checks.whole("chains", chains, most=MAX_CHAINS),
        spacing=None if spacing is None else checks.whole("spacing", spacing),
        equilibration=(
            None if equilibration is None else checks.whole("equilibration", equilibration, least=0)
        ),
        configurations=checks.flag("configurations", configurations),
    )


def share_out(n: int, most: int) -> tuple[int, int]:
    """Numbers (chains, samples of each): a divisor of n if there is one above most / 2."""
    most = max(1, min(most, n))
    for chains in range(most, most // 2, -1):
        if n % chains == 0:
            return chains, n // chains
    return most, -(-n // most)


def default_chains(model: Ising | GraphIsing, method: str, n: int) -> int:
    """Enough chains for threads and words, few enough that they do not only equilibrate."""
    if method in ("wolff", "swendsen-wang"):
        return max(1, min(CLUSTER_CHAINS, n // 4))
    if isinstance(model, GraphIsing):
        return max(1, min(CLUSTER_CHAINS, n // 8))
    # Bits of a word that one lattice cannot fill are filled by further ones.
    lanes = 1
    for size in model.shape:
        while size % 4 == 0:
            size //= 2
            lanes *= 2
    return max(1, min(max(CLUSTER_CHAINS, 4 * 512 // min(lanes, 512)), n // 8))


def check_memory(
    model: Ising | GraphIsing, method: str, chains: int, samples: int, keep: bool
) -> None:
    """Refuse samples that would not fit, with the amount that they would need."""
    free = memory.available()
    if free is None:
        return
    if isinstance(model, GraphIsing):
        need = graph_bytes(model, chains, samples if keep else 0)
    else:
        each = 16 + (-(-model.sites // 8) if keep else 0)
        need = samples * each + _core.ising_bytes(core_arguments(model), method, chains)
    if need > free:
        raise MemoryError(
            f"{samples:,} samples of {model.sites:,} sites in {chains} chains need "
            f"{need / 1e9:.3g} GB and {free / 1e9:.3g} GB are available: lower n or chains"
            + (", or keep no configurations (configurations=False)" if keep else "")
        )


def _sample(
    plan: _Plan,
    seed: int,
    *,
    threads: int | None,
    control: _core.Control | None,
    report: Report | None,
) -> IsingSamples:
    model, T, n, method = plan.model, plan.T, plan.n, plan.method
    if plan.chains is None:
        count, times = share_out(n, default_chains(model, method, n))
    else:
        count, times = plan.chains, -(-n // plan.chains)
    check_memory(model, method, count, count * times, plan.configurations)
    started = time.perf_counter()
    control = control or _core.Control()
    calls: dict[str, Any] = {"threads": threads, "control": control}
    chains = _chains(model, T, method, count, seed)
    start(chains, model)
    # How long equilibration takes is not known before: the bar stands still until it is over.
    waiting = None if report is None else partial(_nothing_done, report)
    done, spacing = equilibrate(chains, plan, calls | {"report": waiting})
    before = control.progress
    arrays, error = chains.measure(
        times,
        spacing,
        configurations=plan.configurations,
        report=None if report is None else partial(_done_since, report, before[0]),
        **calls,
    )
    if method == "wolff":
        _turn(arrays, model, times, seed)
    result = None
    if arrays["energy"].shape[1]:
        result = collect(
            model,
            T,
            arrays,
            n,
            method=method,
            spacing=spacing,
            equilibration=done,
            chains=count,
            engine=chains.engine,
            seed=seed,
            seconds=time.perf_counter() - started,
        )
    if error is not None:
        if isinstance(error, Cancelled):
            error.partial = result
        raise error
    if result is None or arrays["energy"].shape[1] < times:
        raise Cancelled("the computation was stopped", partial=result)
    return result


def _chains(model: Ising | GraphIsing, T: float, method: str, count: int, seed: int) -> Chains:
    if isinstance(model, GraphIsing):
        return GraphChains(model, T, method, count, seed)
    return _core.IsingEnsemble(core_arguments(model), T, method, count, seed)


def _turn(arrays: dict[str, Any], model: Ising | GraphIsing, times: int, seed: int) -> None:
    """Turn the whole lattice of each sample with probability 1/2, an exact symmetry without field.

    At low temperature a Wolff cluster is nearly the whole lattice, and an even number of clusters
    between samples would show the same sign for ever. `times` is the planned number of samples of a
    chain: a run that is stopped has the first ones.
    """
    m, packed = arrays["magnetisation"], arrays["packed"]
    draw = np.random.default_rng([seed, SIGNS]).integers(0, 2, size=(len(m), times))
    turned = draw[:, : m.shape[1]] == 1
    arrays["magnetisation"] = np.where(turned, -m, m)
    if packed.shape[-1]:
        spins = np.packbits(np.ones(model.sites, dtype=np.uint8), bitorder="little")
        arrays["packed"] = np.where(turned[..., None], packed ^ spins, packed)


def _nothing_done(report: Report, done: int, total: int) -> None:
    report(0, 1)


def _done_since(report: Report, before: int, done: int, total: int) -> None:
    report(done - before, total - before)


def collect(
    model: Ising | GraphIsing, T: float, arrays: dict[str, Any], n: int, **about: Any
) -> IsingSamples:
    """Samples and averages from the measurements of the core."""
    e = arrays["energy"] / model.sites
    m = arrays["magnetisation"] / model.sites
    packed = arrays["packed"]
    return IsingSamples(
        model=model,
        T=T,
        energy=e.ravel()[:n],
        magnetisation=m.ravel()[:n],
        packed=packed.reshape(-1, packed.shape[-1])[:n] if packed.shape[-1] else None,
        estimates=estimates(model, T, e, m),
        **about,
    )


def start(chains: Chains, model: Ising | GraphIsing) -> None:
    """Start from the ground state where all bonds can be satisfied, at random elsewhere.

    Order is lost faster than it is found: no chain freezes into stripes below T_c, and clusters
    are large at once.
    """
    ground = model.ground_state()
    if ground is None:
        chains.randomise()
        return
    if model.h:
        ground = np.full(model.shape, 1 if model.h > 0 else -1, dtype=np.int8)
    chains.set_all(ground.ravel() > 0)


def equilibrate(chains: Chains, plan: _Plan, calls: dict[str, Any]) -> tuple[int, int]:
    """Updates done and the spacing of samples, from a pilot run unless they were given."""
    if plan.equilibration is not None and plan.spacing is not None:
        chains.advance(plan.equilibration, **calls)
        return plan.equilibration, plan.spacing
    if plan.method == "wolff":
        done, spacing = _clusters(chains, plan, calls)
    elif plan.method == "swendsen-wang":
        done, spacing = plan.equilibration if plan.equilibration is not None else SWEEPS, 3
        chains.advance(done, **calls)
    else:
        done, spacing = _pilot(chains, plan, calls)
    return done, plan.spacing or spacing


def _clusters(chains: Chains, plan: _Plan, calls: dict[str, Any]) -> tuple[int, int]:
    N = plan.model.sites * chains.chains
    done, now, visited = 0, plan.equilibration or 8, 0
    while True:
        before = visited
        chains.advance(now, **calls)
        done += now
        visited = chains.visited
        size = (visited - before) / now
        if plan.equilibration is not None or visited >= PASSES * N:
            return done, max(1, round(CLUSTER_SPACING * N / size))
        # The size of clusters changes on the way: look again before twice as many are done.
        now = max(1, min(done, math.ceil((PASSES * N - visited) / size)))


def _pilot(chains: Chains, plan: _Plan, calls: dict[str, Any]) -> tuple[int, int]:
    if plan.equilibration:
        chains.advance(plan.equilibration, **calls)
    done, length = 0, 64
    while True:
        arrays, error = chains.measure(length, 1, configurations=False, **calls)
        if error is not None:
            raise error
        if arrays["energy"].shape[1] < length:
            raise Cancelled("the computation was stopped before the first sample")
        done += length
        # The second half, which remembers less of the start.
        e = arrays["energy"][:, length // 2 :]
        m = np.abs(arrays["magnetisation"][:, length // 2 :])
        tau = max(estimate(e).tau, estimate(m).tau)
        if done > TAUS * tau or done >= MAX_PILOT:
            break
        length *= 2
    given = plan.equilibration
    return (done if given is None else given + done), max(1, math.ceil(2 * tau))


@public
def scan(
    model: Ising | GraphIsing | None = None,
    *,
    T: Iterable[float],
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    J: float | Sequence[float] = 1.0,
    h: float = 0.0,
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
) -> IsingScan:
    """Draw samples at several temperatures, independent of each other.

    Parameters
    ----------
    model : Ising or GraphIsing, optional
        The model; or give `L` and further parameters of it.
    T : sequence of float
        Temperatures, in any order.
    n : int, default 1000
        Number of samples at each temperature.
    L, J, h, boundary, lattice : as in :func:`sample`
        Shape, couplings, field, boundaries and lattice, if no `model` is given.
    method, chains, spacing, equilibration : as in :func:`sample`
        Updates, number of chains, and updates between and before samples, at every temperature.
    configurations : bool, default False
        Keep the configurations too, N / 8 bytes each.
    seed : int, optional
        Repeats the scan bit by bit; each temperature has a seed of its own, derived from it.
    threads, progress, control : as in :func:`sample`
        Number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    IsingScan
        One run for each temperature, in the order of `T`.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As in :func:`sample`, or `T` is empty.
    Cancelled
        ``partial`` is the scan of the temperatures that were finished.

    Examples
    --------
    >>> from kadanoff import ising
    >>> found = ising.scan(L=8, T=[1.5, 2.5, 3.5], n=400, seed=1)
    >>> found.mean("abs_magnetisation").round(1)
    array([1. , 0.6, 0.3])
    """
    found = any_model_of(model, L=L, J=J, h=h, boundary=boundary, lattice=lattice)
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
    runs: list[IsingSamples] = []
    with run.calling(f"scanning {len(plans)} temperatures") as keywords:
        report = keywords.pop("report")
        for i, plan in enumerate(plans):
            try:
                one = _sample(
                    plan,
                    seed_of(run.seed, i),
                    report=None if report is None else _of_all(report, i, len(plans)),
                    **keywords,
                )
            except Cancelled as stop:
                stop.partial = IsingScan(runs=tuple(runs), seed=run.seed) if runs else None
                raise
            runs.append(one)
    return IsingScan(runs=tuple(runs), seed=run.seed)


def temperatures(T: object) -> list[float]:
    """A list of validated temperatures."""
    if isinstance(T, str) or not isinstance(T, Iterable):
        raise TypeError(f"T must be a sequence of temperatures, got {T!r}")
    found = [temperature(t, f"T[{i}]") for i, t in enumerate(T)]
    if not found:
        raise ValueError("T must hold at least one temperature, got none")
    return found


def seed_of(seed: int, index: int) -> int:
    """A seed for run number `index`, unlike those of other seeds and indices."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])


def _of_all(report: Report, index: int, count: int) -> Report:
    # A permille for each run: their lengths are not known beforehand.
    return lambda done, total: report(1000 * index + 1000 * done // max(total, 1), 1000 * count)
