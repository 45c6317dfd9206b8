"""Independent samples of an Ising model, at one temperature or at several."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices import plans
from kadanoff.lattices.ising.balance import warn_if_one_sided
from kadanoff.lattices.ising.graph_chains import GraphChains, bond_bytes
from kadanoff.lattices.ising.graphs import GraphIsing
from kadanoff.lattices.ising.models import Ising, core_arguments, temperature
from kadanoff.lattices.ising.results import IsingSamples, IsingScan, estimates

__all__ = ["METHODS", "sample", "scan"]

METHODS = ("heat-bath", "metropolis", "wolff", "swendsen-wang")
IN_A_FIELD = "'swendsen-wang', whose clusters are turned by a heat bath, or "
SIGNS = 1  # which random numbers of a seed turn the samples of Wolff clusters

CLUSTER_CHAINS = 16
ALONE = 64**2  # sites of a lattice that fills the words by itself, whatever its sides
PASSES = 30  # times that clusters visit a whole lattice before it counts as equilibrated
CLUSTER_SPACING = 2.0  # the same between two samples
BOTH_SIGNS = 16.0  # 2 |h| N / T, above which the weight of the other sign is below e^-10
SWEEPS = 100  # of Swendsen-Wang before the first sample: tau is below 15 up to L = 4096

Chains = _core.IsingEnsemble | GraphChains


Plan = plans.Plan[Ising | GraphIsing]


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
            "kd.ising.sample, scan and parallel_tempering take graphs"
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
    plans.refuse_beside_model(
        L=(L, None),
        J=(J, 1.0),
        h=(h, 0.0),
        boundary=(boundary, "periodic"),
        lattice=(lattice, None),
    )
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
    if model.frustrated:
        return "heat-bath"
    if model.h:
        # Single spins rarely turn a cold lattice to the other sign where that has weight.
        both = 2 * abs(model.h) * model.sites < BOTH_SIGNS * T
        cold = 0.6 * model.strength > T and isinstance(model, Ising)
        return "swendsen-wang" if both and cold else "heat-bath"
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
        "auto" takes Wolff clusters without field and frustration unless T is far above T_c,
        Swendsen-Wang clusters on cold lattices that a field does not keep on one side, and the heat
        bath otherwise. In a field Swendsen-Wang still works, Wolff does not.
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
        Number of worker threads, 1 to 1024; by default one per core. They share the chains, and
        with single-spin updates the stripes of lattices of about 2048^2 sites or more.
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
    In a field :class:`OneSided` warns where both signs have weight and the chains have them in
    other shares: ``<m> = <|m| tanh(|h| N |m| / T)>`` holds in equilibrium, for m along the field.

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
    T = temperature(T)
    plan = plans.planned(
        found,
        T,
        n=n,
        method=checked_method(method, found, T),
        chains=chains,
        spacing=spacing,
        equilibration=equilibration,
        configurations=configurations,
    )
    with run.calling(f"sampling {found.lattice} Ising") as keywords:
        return _sample(plan, run.seed, **keywords)


def default_chains(model: Ising | GraphIsing, method: str, n: int) -> int:
    """Enough chains for threads and words, few enough that they do not only equilibrate."""
    if method in ("wolff", "swendsen-wang"):
        return max(1, min(CLUSTER_CHAINS, n // 4))
    if isinstance(model, GraphIsing):
        return max(1, min(CLUSTER_CHAINS, n // 8))
    # Bits of a word that one lattice cannot fill are filled by further ones.
    lanes = 512 if model.sites >= ALONE else 1
    for size in model.shape:
        while size % 4 == 0:
            size //= 2
            lanes *= 2
    return max(1, min(max(CLUSTER_CHAINS, 4 * 512 // min(lanes, 512)), n // 8))


def check_memory(
    model: Ising | GraphIsing, method: str, chains: int, samples: int, keep: bool
) -> None:
    """Refuse samples that would not fit, with the amount that they would need."""
    if isinstance(model, GraphIsing):
        need = bond_bytes(len(model.bonds), model.sites, 2, chains, samples, keep)
    else:
        each = 16 + (-(-model.sites // 8) if keep else 0)
        need = samples * each + _core.ising_bytes(core_arguments(model), method, chains)
    plans.refuse_memory(need, samples=samples, sites=model.sites, chains=chains, keep=keep)


def _sample(
    plan: Plan,
    seed: int,
    *,
    threads: int | None,
    control: _core.Control | None,
    report: Report | None,
) -> IsingSamples:
    model, T, n, method = plan.model, plan.T, plan.n, plan.method
    count, times = plan.shares(default_chains(model, method, n))
    check_memory(model, method, count, count * times, plan.configurations)
    started = time.perf_counter()
    control = control or _core.Control()
    calls: dict[str, Any] = {"threads": threads, "control": control}
    chains = _chains(model, T, method, count, seed)
    start(chains, model)
    done, spacing = equilibrate(chains, plan, calls | {"report": plans.waiting(report)})
    arrays, error = chains.measure(
        times,
        spacing,
        configurations=plan.configurations,
        report=plans.since(report, control.progress[0]),
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
    done_all = plans.ended(result, arrays["energy"].shape[1] == times, error)
    warn_if_one_sided(done_all)
    return done_all


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


def equilibrate(chains: Chains, plan: Plan, calls: dict[str, Any]) -> tuple[int, int]:
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


def _clusters(chains: Chains, plan: Plan, calls: dict[str, Any]) -> tuple[int, int]:
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


def _pilot(chains: Chains, plan: Plan, calls: dict[str, Any]) -> tuple[int, int]:
    given = plan.equilibration or 0
    if given:
        chains.advance(given, **calls)

    def order(arrays: dict[str, Any]) -> FloatArray:
        # Without a field the sign is drawn afresh for every sample, and has no memory.
        m = arrays["magnetisation"]
        return np.asarray(m if plan.model.h else np.abs(m))

    done, tau = plans.pilot(chains, 1, order, calls)
    return given + done, max(1, math.ceil(2 * tau))


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
    planned = [
        plans.planned(
            found,
            t,
            n=n,
            method=checked_method(method, found, t),
            chains=chains,
            spacing=spacing,
            equilibration=equilibration,
            configurations=configurations,
        )
        for t in plans.temperatures(T)
    ]
    return plans.scanned(planned, run, _sample, IsingScan)
