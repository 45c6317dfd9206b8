"""Parallel tempering: temperatures exchange their configurations."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report, bar
from kadanoff.lattices.ising.models import Ising
from kadanoff.lattices.ising.results import IsingScan
from kadanoff.lattices.ising.sampling import (
    check_memory,
    checked_method,
    collect,
    flag,
    model_of,
    steps,
    temperatures,
)

__all__ = ["temper"]

LADDERS = 8
MOST_LADDERS = 512


def temper(
    model: Ising | None = None,
    *,
    T: Iterable[float],
    n: int = 1000,
    L: int | Sequence[int] | None = None,
    method: str = "heat-bath",
    ladders: int = LADDERS,
    sweeps: int = 1,
    spacing: int = 10,
    equilibration: int | None = None,
    configurations: bool = False,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
    **lattice: Any,
) -> IsingScan:
    r"""Sample all temperatures of a ladder at once, exchanging configurations between neighbours.

        P(exchange) = min(1, exp[(1/T_1 - 1/T_2)(E_1 - E_2)])

    What is stuck at a low temperature travels to a high one and comes back elsewhere: for
    frustrated or antiferromagnetic models and fields, where clusters do not help.

    Parameters
    ----------
    T : sequence of float
        Temperatures, ascending, close enough that `acceptance` is some tenths.
    n : int, default 1000
        Samples at every temperature.
    method : {"heat-bath", "metropolis"}
        Single-spin updates between exchanges.
    ladders : int, default 8
        Independent copies of the whole ladder, at most 512; they share words of the bit-sliced
        code.
    sweeps : int, default 1
        Sweeps between exchanges. Even and odd pairs of neighbours take turns.
    spacing : int, default 10
        Rounds of sweeps and exchange between samples.
    equilibration : int, optional
        Rounds before the first sample; by default a fifth of the rounds of the run, at least 200.
    model, L, configurations, seed, threads, progress, control, **lattice
        As in :func:`kadanoff.ising.sample`.

    Returns
    -------
    IsingScan
        With the accepted share of exchanges between neighbours.

    Raises
    ------
    Cancelled
        ``partial`` holds what was measured, at all temperatures.

    References
    ----------
    .. [1] K. Hukushima, K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996), doi:10.1143/JPSJ.65.1604

    Examples
    --------
    >>> from kadanoff import ising
    >>> found = ising.temper(L=6, lattice="triangular", J=-1.0, T=[0.5, 1.0, 2.0], n=400, seed=1)
    >>> bool(found[0].estimates["energy"].mean < -0.9)
    True
    """
    found = model_of(model, L, lattice)
    ladder = temperatures(T)
    if len(ladder) < 2 or any(b <= a for a, b in pairwise(ladder)):
        raise ValueError(f"T must hold at least two temperatures, ascending, got {ladder}")
    if method not in ("heat-bath", "metropolis"):
        raise ValueError(f"method must be 'heat-bath' or 'metropolis', got {method!r}")
    checked_method(method, found, ladder[0])
    n, sweeps = checks.whole("n", n), checks.whole("sweeps", sweeps)
    spacing, ladders = checks.whole("spacing", spacing), min(checks.whole("ladders", ladders), n)
    if ladders > MOST_LADDERS:
        raise ValueError(f"ladders must be at most {MOST_LADDERS}, got {ladders}")
    number = checks.seed(seed)
    times = -(-n // ladders)
    if equilibration is None:
        equilibration = max(200, times * spacing // 5)
    else:
        equilibration = steps("equilibration", equilibration)
    count = len(ladder)
    check_memory(found, method, ladders * count, count * ladders * times, configurations)
    started = time.perf_counter()
    with bar(f"tempering {count} temperatures", progress) as report:
        chains = _core.IsingTempering(found._system, ladder, method, ladders, number)
        arrays, tried, accepted, error = chains.measure(
            equilibration,
            times,
            spacing,
            sweeps,
            configurations=flag("configurations", configurations),
            threads=checks.threads(threads),
            control=control,
            report=report,
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
                    replicas=ladders,
                    engine="multispin",
                    seed=number,
                    seconds=time.perf_counter() - started,
                )
                for t, a in zip(ladder, arrays, strict=True)
            ),
            acceptance=np.array(accepted) / np.maximum(tried, 1),
        )
    if error is not None:
        if isinstance(error, Cancelled):
            error.partial = result
        raise error
    if result is None or finished < times:
        raise Cancelled("the computation was stopped", partial=result)
    return result
