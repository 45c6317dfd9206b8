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
from kadanoff._base.progress import Report, bar
from kadanoff._base.statistics import estimate
from kadanoff.lattices.ising.models import Ising, temperature
from kadanoff.lattices.ising.results import IsingSamples, IsingScan, estimates

__all__ = ["METHODS", "sample", "scan"]

METHODS = ("heat-bath", "metropolis", "wolff", "swendsen-wang")

CLUSTER_REPLICAS = 16
MOST_REPLICAS = 4096
PASSES = 30  # times that clusters visit a whole lattice before it counts as equilibrated
CLUSTER_SPACING = 2.0  # the same between two samples
SWEEPS = 100  # of Swendsen-Wang before the first sample: tau is below 15 up to L = 4096
TAUS = 20  # a run of single-spin updates is equilibrated after so many autocorrelation times
LONGEST_PILOT = 1 << 14  # sweeps


@dataclass(frozen=True)
class _Run:
    """Everything about a run but its length, checked."""

    model: Ising
    T: float
    method: str
    replicas: int | None
    spacing: int | None
    equilibration: int | None
    configurations: bool
    threads: int | None


def model_of(
    model: Ising | None,
    L: int | Sequence[int] | None,
    options: dict[str, Any],
) -> Ising:
    """The model that was given, or the one that L and the other arguments describe."""
    if model is None:
        if L is None:
            raise TypeError("give a model, or L, e.g. kd.ising.sample(L=64, T=kd.ising.T_c)")
        return Ising(L, **options)
    if not isinstance(model, Ising):
        raise TypeError(f"model must be an Ising model, got {model!r}; for a size say L=...")
    if L is not None or options:
        given = ", ".join([*(["L"] if L is not None else []), *options])
        raise TypeError(f"{given} belong to the model: give either a model or these")
    return model


def checked_method(method: object, model: Ising, T: float) -> str:
    """The name of a method that can take the model; "auto" chooses one."""
    if method == "auto":
        return automatic_method(model, T)
    if method not in METHODS:
        raise ValueError(f"method must be 'auto' or one of {', '.join(METHODS)}, got {method!r}")
    if method == "wolff" and model.h:
        raise ValueError(
            f"method 'wolff' cannot take a field, got h = {model.h}: use 'swendsen-wang', whose "
            "clusters are turned by a heat bath, or 'heat-bath'"
        )
    return str(method)


def automatic_method(model: Ising, T: float) -> str:
    """Clusters where correlations are long and clusters follow them, single spins elsewhere."""
    if model.h or model.frustrated:
        return "heat-bath"
    # 0.6 z J is within a tenth of T_c in two and three dimensions; clusters pay up to twice that.
    near = 1.2 * 2 * sum(abs(j) for j in model.J) * 0.6
    return "wolff" if near > T else "heat-bath"


def sample(
    model: Ising | None = None,
    *,
    T: float,
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    method: str = "auto",
    replicas: int | None = None,
    spacing: int | None = None,
    equilibration: int | None = None,
    configurations: bool = True,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    **lattice: Any,
) -> IsingSamples:
    r"""Draw configurations with probability ``exp(-H / T) / Z``.

    Parameters
    ----------
    model : Ising, optional
        The model; or give `L` (sites along an axis, or the shape) and what else an
        :class:`Ising` takes: J, h, periodic, lattice.
    T : float
        Temperature, k_B = 1.
    n : int, default 1000
        Number of samples.
    method : {"auto", "heat-bath", "metropolis", "wolff", "swendsen-wang"}
        "auto" takes Wolff clusters without field and frustration unless T is far above T_c, and
        the heat bath otherwise. In a field Swendsen-Wang still works, Wolff does not.
    replicas : int, optional
        Independent chains among which the samples are shared out; by default 16 with clusters and
        as many as fill the words of the bit-sliced code. Not a number of threads.
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
        Worker threads, default all cores.
    progress : bool, callable or None
        See :func:`kadanoff._base.progress.bar`.
    control : Control, optional
        To cancel from another thread.

    Returns
    -------
    IsingSamples

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the method cannot take the field.
    MemoryError
        The samples would not fit.
    Cancelled
        The run was stopped; ``partial`` holds the samples so far, or None.

    Notes
    -----
    Single-spin updates give every spin its own random number with probabilities exact to 2^-64;
    in zero field a lattice is turned as a whole with probability 1/2 before each measurement, an
    exact symmetry. The number of updates between measurements never depends on their outcome:
    measuring when the clusters of a run have visited so many sites would prefer what large
    clusters leave behind. Cost at T_c: about 10 ns per site and sample with clusters.

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
    found = model_of(model, L, lattice)
    T = temperature(T)
    n = checks.whole("n", n)
    run = _Run(
        model=found,
        T=T,
        method=checked_method(method, found, T),
        replicas=None if replicas is None else checks.whole("replicas", replicas),
        spacing=None if spacing is None else checks.whole("spacing", spacing),
        equilibration=None if equilibration is None else steps("equilibration", equilibration),
        configurations=flag("configurations", configurations),
        threads=checks.threads(threads),
    )
    if run.replicas is not None and run.replicas > MOST_REPLICAS:
        raise ValueError(f"replicas must be at most {MOST_REPLICAS}, got {replicas}")
    with bar(f"sampling {found.lattice} Ising", progress) as report:
        return _sample(run, n, checks.seed(seed), control, report)


def flag(name: str, value: object) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def steps(name: str, value: object) -> int:
    """A number of steps, zero included."""
    return 0 if value == 0 and not isinstance(value, bool | float) else checks.whole(name, value)


def share_out(n: int, most: int) -> tuple[int, int]:
    """Numbers (replicas, samples of each): a divisor of n if there is one above most / 2."""
    most = max(1, min(most, n))
    for replicas in range(most, most // 2, -1):
        if n % replicas == 0:
            return replicas, n // replicas
    return most, -(-n // most)


def default_replicas(model: Ising, method: str, n: int) -> int:
    """Enough chains for threads and words, few enough that they do not only equilibrate."""
    if method in ("wolff", "swendsen-wang"):
        return max(1, min(CLUSTER_REPLICAS, n // 4))
    # Bits of a word that one lattice cannot fill are filled by further ones.
    lanes = 1
    for size in model.shape:
        while size % 4 == 0:
            size //= 2
            lanes *= 2
    return max(1, min(max(CLUSTER_REPLICAS, 4 * 512 // min(lanes, 512)), n // 8))


def check_memory(model: Ising, method: str, replicas: int, samples: int, keep: bool) -> None:
    """Refuse what would not fit, with the amount that it would need."""
    free = memory.available()
    if free is None:
        return
    each = 16 + (-(-model.sites // 8) if keep else 0)
    need = samples * each + _core.ising_bytes(model._system, method, replicas)
    if need > free:
        raise MemoryError(
            f"{samples:,} samples of {model.sites:,} sites in {replicas} replicas need "
            f"{need / 1e9:.3g} GB and {free / 1e9:.3g} GB are available: lower n or replicas"
            + (", or keep no configurations (configurations=False)" if keep else "")
        )


def _sample(
    run: _Run, n: int, seed: int, control: _core.Control | None, report: Report | None
) -> IsingSamples:
    model, T, method = run.model, run.T, run.method
    replicas, times = share_out(n, run.replicas or default_replicas(model, method, n))
    if run.replicas is not None:
        replicas, times = run.replicas, -(-n // run.replicas)
    check_memory(model, method, replicas, replicas * times, run.configurations)
    started = time.perf_counter()
    control = control or _core.Control()
    calls: dict[str, Any] = {"threads": run.threads, "control": control}
    chains = _core.IsingEnsemble(model._system, T, method, replicas, seed)
    start(chains, model)
    # How long equilibration takes is not known before: the bar stands still until it is over.
    waiting = None if report is None else partial(_nothing_done, report)
    done, spacing = equilibrate(chains, run, calls | {"report": waiting})
    before = control.progress
    arrays, error = chains.measure(
        times,
        spacing,
        configurations=run.configurations,
        report=None if report is None else partial(_done_since, report, before[0]),
        **calls,
    )
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
            replicas=replicas,
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


def _nothing_done(report: Report, done: int, total: int) -> None:
    report(0, 1)


def _done_since(report: Report, before: int, done: int, total: int) -> None:
    report(done - before, total - before)


def collect(model: Ising, T: float, arrays: dict[str, Any], n: int, **about: Any) -> IsingSamples:
    """Samples and averages from what the core measured."""
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


def start(chains: _core.IsingEnsemble, model: Ising) -> None:
    """Order, which is lost faster than found: no stripes below T_c, large clusters at once."""
    ground = model.ground_state()
    if ground is None:
        chains.randomise()
        return
    if model.h:
        ground = np.full(model.shape, 1 if model.h > 0 else -1, dtype=np.int8)
    chains.set_all(ground.ravel() > 0)


def equilibrate(chains: _core.IsingEnsemble, run: _Run, calls: dict[str, Any]) -> tuple[int, int]:
    """Steps done and the spacing of samples, by what a pilot run shows unless they were given."""
    if run.equilibration is not None and run.spacing is not None:
        chains.advance(run.equilibration, **calls)
        return run.equilibration, run.spacing
    if run.method == "wolff":
        done, spacing = _clusters(chains, run, calls)
    elif run.method == "swendsen-wang":
        done, spacing = run.equilibration if run.equilibration is not None else SWEEPS, 3
        chains.advance(done, **calls)
    else:
        done, spacing = _pilot(chains, run, calls)
    return done, run.spacing or spacing


def _clusters(chains: _core.IsingEnsemble, run: _Run, calls: dict[str, Any]) -> tuple[int, int]:
    N = run.model.sites * chains.replicas
    done, now, visited = 0, run.equilibration or 8, 0
    while True:
        before = visited
        chains.advance(now, **calls)
        done += now
        visited = chains.visited
        size = (visited - before) / now
        if run.equilibration is not None or visited >= PASSES * N:
            return done, max(1, round(CLUSTER_SPACING * N / size))
        # The size of clusters changes on the way: look again before twice as many are done.
        now = max(1, min(done, math.ceil((PASSES * N - visited) / size)))


def _pilot(chains: _core.IsingEnsemble, run: _Run, calls: dict[str, Any]) -> tuple[int, int]:
    if run.equilibration:
        chains.advance(run.equilibration, **calls)
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
        if done > TAUS * tau or done >= LONGEST_PILOT:
            break
        length *= 2
    given = run.equilibration
    return (done if given is None else given + done), max(1, math.ceil(2 * tau))


def scan(
    model: Ising | None = None,
    *,
    T: Iterable[float],
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    method: str = "auto",
    configurations: bool = False,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    **options: Any,
) -> IsingScan:
    """Samples at several temperatures, independent of each other.

    Parameters
    ----------
    T : sequence of float
        Temperatures, in any order.
    configurations : bool, default False
        Keep the configurations too.
    model, n, L, method, seed, threads, progress, control, **options
        As in :func:`sample`, n for each temperature.

    Returns
    -------
    IsingScan

    Raises
    ------
    Cancelled
        ``partial`` is the scan of the temperatures that were finished.

    Examples
    --------
    >>> from kadanoff import ising
    >>> found = ising.scan(L=8, T=[1.5, 2.5, 3.5], n=400, seed=1)
    >>> found.mean("abs_magnetisation").round(1)
    array([1. , 0.6, 0.3])
    """
    about = {name: options.pop(name) for name in _RUN if name in options}
    found = model_of(model, L, options)
    T = temperatures(T)
    number = checks.seed(seed)
    for t in T:
        checked_method(method, found, t)
    control = control or _core.Control()
    runs: list[IsingSamples] = []
    with bar(f"scanning {len(T)} temperatures", progress) as report:
        for i, t in enumerate(T):
            try:
                one = sample(
                    found,
                    T=t,
                    n=n,
                    method=method,
                    configurations=configurations,
                    seed=seed_of(number, i),
                    threads=threads,
                    progress=_of_all(report, i, len(T)),
                    control=control,
                    **about,
                )
            except Cancelled as stop:
                stop.partial = IsingScan(runs=tuple(runs)) if runs else None
                raise
            runs.append(one)
    return IsingScan(runs=tuple(runs))


_RUN = ("replicas", "spacing", "equilibration")


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


def _of_all(report: Report | None, index: int, count: int) -> Report | bool:
    if report is None:
        return False
    call = report
    # A permille for each run: their lengths are not known beforehand.
    return lambda done, total: call(1000 * index + 1000 * done // max(total, 1), 1000 * count)
