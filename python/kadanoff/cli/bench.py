"""``kadanoff bench``: how fast this machine is, in a few seconds.

One call of each common task. Comparisons with other programs, and memory, are measured by
``make bench`` in the source tree (folder ``benchmarks``).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import kadanoff as kd
from kadanoff._base import checks
from kadanoff._base.versions import available_threads
from kadanoff.cli.job import columns

__all__ = ["CASES", "Case", "add"]

PATIENCE = 1.0  # seconds that a case is repeated for


@dataclass(frozen=True)
class Case:
    """One call: `run(threads)`; `speed` makes a rate of its seconds."""

    name: str
    run: Callable[[int | None], object]
    speed: Callable[[float], str] = lambda seconds: ""


def _learn(threads: int | None) -> object:
    target = kd.AndersonModel(U=0.5, J_sw=0.25)
    return kd.effective.learn(
        kd.KondoModel(J=0.25),
        target=target,
        T=1e-3,
        keep=1000,
        drift=False,
        threads=threads,
        progress=False,
    )


CASES = (
    Case(
        "Anderson model to T = 1e-8 D, 300 multiplets",
        lambda threads: kd.nrg.solve(
            kd.AndersonModel(U=0.5, J_sw=0.25),
            keep=10**6,
            keep_multiplets=300,
            sites=40,
            threads=threads,
            progress=False,
            errors=False,
        ),
    ),
    Case("learn J of its Kondo model", _learn),
    Case(
        "Ising 512 x 512 at T_c, 10^9 updates by heat bath",
        lambda threads: kd.ising.sample(
            L=512,
            T=kd.ising.T_c,
            n=64,
            method="heat-bath",
            chains=8,
            spacing=60,
            equilibration=0,
            configurations=False,
            seed=1,
            threads=threads,
            progress=False,
        ),
        lambda seconds: f"{512 * 512 * 64 * 60 / seconds / 1e9:.1f} spins / ns",
    ),
    Case(
        "Ising 64 x 64 at T_c, 5,000 samples by clusters",
        lambda threads: kd.ising.sample(
            L=64, T=kd.ising.T_c, n=5000, seed=1, threads=threads, progress=False
        ),
    ),
    Case(
        "dimers on the 64 x 64 torus, 2,000 coverings",
        lambda threads: kd.dimers.sample(64, n=2000, seed=1, threads=threads, progress=False),
    ),
    Case(
        "exact diagonalisation, DMFT at U = 2, beta = 50",
        lambda threads: kd.dmft.bethe(U=2.0, beta=50.0, threads=threads, progress=False),
    ),
)


def add(commands: Any) -> None:
    """Add the command to the parser."""
    bench = commands.add_parser(
        "bench",
        help="how fast this machine is",
        description="Time a few typical calls. In a clone, `make bench` measures against peers.",
    )
    bench.add_argument("--json", action="store_true", help="print JSON instead of a table")
    bench.add_argument("--threads", type=int, help="worker threads (default: all cores)")
    bench.set_defaults(command=_bench)


def measure(case: Case, threads: int | None) -> list[float]:
    """Seconds of each repetition: one at least, as many as fit into a second."""
    seconds: list[float] = []
    while not seconds or (sum(seconds) < PATIENCE and len(seconds) < 9):
        began = time.perf_counter()
        case.run(threads)
        seconds.append(time.perf_counter() - began)
    return seconds


def _bench(options: argparse.Namespace) -> int:
    if options.threads is not None:
        checks.whole("--threads", options.threads, most=checks.MAX_THREADS)
    found = {case.name: measure(case, options.threads) for case in CASES}
    machine = {
        "kadanoff": kd.__version__,
        "processor": platform.processor() or platform.machine(),
        "threads": options.threads or available_threads(),
    }
    if options.json:
        cases = {
            name: {"median": statistics.median(times), "seconds": times}
            for name, times in found.items()
        }
        print(json.dumps({"machine": machine, "cases": cases}, indent=2))
        return 0
    rows = []
    for case in CASES:
        times = found[case.name]
        median = statistics.median(times)
        spread = f"{min(times):.3f} - {max(times):.3f}" if len(times) > 1 else ""
        rows.append([case.name, f"{median:.3f}", spread, case.speed(median)])
    print("kadanoff {kadanoff}, {processor}, {threads} threads".format(**machine))
    print(columns(["", "median / s", "range / s", "speed"], rows))
    return 0
