"""Parallel tempering: temperatures exchange their configurations."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff.lattices.ising.balance import warn_if_one_sided
from kadanoff.lattices.ising.graph_tempering import GraphTempering
from kadanoff.lattices.ising.graphs import GraphIsing
from kadanoff.lattices.ising.models import Ising, core_arguments
from kadanoff.lattices.ising.results import IsingScan
from kadanoff.lattices.ising.sampling import any_model_of, check_memory, collect
from kadanoff.lattices.plans import ended, temperatures

__all__ = ["parallel_tempering"]

CHAINS = 8
MAX_CHAINS = 512


@public
def parallel_tempering(
    model: Ising | GraphIsing | None = None,
    *,
    T: Iterable[float],
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    J: float | Sequence[float] = 1.0,
    h: float = 0.0,
    boundary: str | Sequence[str] = "periodic",
    lattice: str | None = None,
    method: str = "heat-bath",
    chains: int = CHAINS,
    sweeps: int = 1,
    spacing: int = 10,
    equilibration: int | None = None,
    configurations: bool = False,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> IsingScan:
    r"""Sample all temperatures of a ladder at once, exchanging configurations between neighbours.

        P(exchange) = min(1, exp[(1/T_1 - 1/T_2)(E_1 - E_2)])

    A configuration that is stuck at a low temperature travels to a high one and comes back
    elsewhere: for frustrated or antiferromagnetic models and fields, where clusters do not help.

    Parameters
    ----------
    model : Ising or GraphIsing, optional
        The model; or give `L` and further parameters of it.
    T : sequence of float
        Temperatures, ascending, close enough that `acceptance` is some tenths.
    n : int, default 1000
        Number of samples at each temperature, over all chains.
    L, J, h, boundary, lattice : as in :func:`kadanoff.ising.sample`
        Shape, couplings, field, boundaries and lattice, if no `model` is given.
    method : {"heat-bath", "metropolis"}
        Single-spin updates between exchanges.
    chains : int, default 8
        Independent Markov chains of all temperatures together, at most 512; they share words of
        the bit-sliced code.
    sweeps : int, default 1
        Sweeps between exchanges. Even and odd pairs of neighbours take turns.
    spacing : int, default 10
        Rounds of sweeps and exchange between samples.
    equilibration : int, optional
        Rounds before the first sample; by default a fifth of the rounds of the run, at least 200.
    configurations : bool, default False
        Keep the configurations too, N / 8 bytes each.
    seed, threads, progress, control : as in :func:`kadanoff.ising.sample`
        Seed, number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    IsingScan
        One run for each temperature, and the accepted share of exchanges between neighbours.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the temperatures do not ascend.
    MemoryError
        The samples would not fit.
    Cancelled
        ``partial`` holds what was measured, at all temperatures.

    Notes
    -----
    Exchange Monte Carlo [1]_. Regular lattices are bit-sliced; graphs, such as diluted lattices or
    +-J bonds, take some 0.1 microseconds per spin and sweep, on one thread.

    References
    ----------
    .. [1] K. Hukushima, K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996), doi:10.1143/JPSJ.65.1604

    Examples
    --------
    >>> from kadanoff import ising
    >>> T = [0.5, 1.0, 2.0]
    >>> found = ising.parallel_tempering(L=6, lattice="triangular", J=-1.0, T=T, n=400, seed=1)
    >>> bool(found[0].estimates["energy"].mean < -0.9)
    True
    """
    found = any_model_of(model, L=L, J=J, h=h, boundary=boundary, lattice=lattice)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    ladder = temperatures(T)
    if len(ladder) < 2 or any(b <= a for a, b in pairwise(ladder)):
        raise ValueError(f"T must hold at least two temperatures, ascending, got {ladder}")
    method = checks.choice("method", method, ("heat-bath", "metropolis"))
    n, sweeps = checks.whole("n", n), checks.whole("sweeps", sweeps)
    spacing = checks.whole("spacing", spacing)
    chains = min(checks.whole("chains", chains), n)
    if chains > MAX_CHAINS:
        raise ValueError(f"chains must be at most {MAX_CHAINS}, got {chains}")
    times = -(-n // chains)
    if equilibration is None:
        equilibration = max(200, times * spacing // 5)
    else:
        equilibration = checks.whole("equilibration", equilibration, least=0)
    configurations = checks.flag("configurations", configurations)
    count = len(ladder)
    check_memory(found, method, chains * count, count * chains * times, configurations)
    started = time.perf_counter()
    with run.calling(f"tempering {count} temperatures") as keywords:
        ladders = (
            GraphTempering(found, ladder, method, chains, run.seed)
            if isinstance(found, GraphIsing)
            else _core.IsingTempering(core_arguments(found), ladder, method, chains, run.seed)
        )
        arrays, tried, accepted, error = ladders.measure(
            equilibration,
            times,
            spacing,
            sweeps,
            configurations=configurations,
            **keywords,
        )
    finished = arrays[0]["energy"].shape[1]
    result = None
    if finished:
        result = IsingScan(
            runs=tuple(
                collect(
                    found,
                    t,
                    a,
                    n,
                    method=method,
                    spacing=spacing * sweeps,
                    equilibration=equilibration * sweeps,
                    chains=chains,
                    engine="numpy" if isinstance(found, GraphIsing) else "multispin",
                    seed=run.seed,
                    seconds=time.perf_counter() - started,
                )
                for t, a in zip(ladder, arrays, strict=True)
            ),
            seed=run.seed,
            acceptance=np.array(accepted) / np.maximum(tried, 1),
        )
    scan = ended(result, finished == times, error)
    for one in scan:
        warn_if_one_sided(one)
    return scan
