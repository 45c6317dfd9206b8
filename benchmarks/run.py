"""Start the processes, ours and those of other programs in turns, and collect what they print."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.case import Case, Measured, Peer
from benchmarks.ratios import in_turns, middle

ROOT = Path(__file__).resolve().parent.parent
# One thread of BLAS: ours are the only ones.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
ENVIRONMENT["NUMBA_NUM_THREADS"] = "1"
ROUNDS = 3
"""How often a case and the programs beside it take turns."""
BUSY = 0.6
"""Runnable processes per core before ours start, above which the machine counts as busy: a single
process that has just ended leaves 0.5 on two cores."""


class CaseError(RuntimeError):
    """A case ended with an error."""


def worker(
    name: str,
    threads: int,
    repeats: int,
    *,
    python: str = sys.executable,
    package: Path = ROOT / "python",
) -> Any:
    """What a process of its own measures, with the package of this checkout or of another."""
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    done = subprocess.run(
        [python, "-m", "benchmarks.worker", name, str(threads), str(repeats)],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CaseError(f"{name}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(case: Case, threads: int, *, quick: bool) -> dict[str, Any]:
    """Medians of the repeats, peak memory, where the time went, and the programs beside it."""
    peers = case.peers if threads == 1 else ()
    rounds = 1 if quick else ROUNDS if peers or (case.fresh and case.repeats > 1) else 1
    if case.fresh and not peers and not quick:
        rounds = case.repeats
    each = 1 if case.fresh else -(-case.repeats // rounds)
    ours: list[Any] = []
    theirs: dict[str, list[Any]] = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        ours.append(worker(case.name, threads, each))
        for index, peer in enumerate(peers):
            if "missing" not in (theirs[peer.name] or [{}])[-1]:
                theirs[peer.name].append(_beside(case, index, peer))
    measured = [m for run in ours for m in run["measured"]]
    return {
        "case": case.name,
        "threads": threads,
        "repeats": len(measured),
        **summary(measured, ours),
        "peers": [_row(peer, ours, theirs[peer.name]) for peer in peers],
    }


def summary(measured: Sequence[Measured], runs: Sequence[Any]) -> dict[str, Any]:
    """Median, fastest and slowest, processor time, peak memory, and what the core counted."""
    seconds = [m["seconds"] for m in measured]
    nearest = min(measured, key=lambda m: abs(m["seconds"] - statistics.median(seconds)))
    return {
        "median": statistics.median(seconds),
        "best": min(seconds),
        "worst": max(seconds),
        "cpu": middle(measured, "cpu"),
        "megabytes": max(run["megabytes"] for run in runs),
        **{key: nearest[key] for key in ("core", "timing") if key in nearest},
    }


def _beside(case: Case, index: int, peer: Peer) -> Any:
    """One round of a peer; one that fails counts as missing, with the reason."""
    try:
        return worker(f"{case.name}/{index}", 1, peer.repeats)
    except CaseError as error:
        return {"missing": f"failed: {error}"}


def _row(peer: Peer, ours: Sequence[Any], theirs: Sequence[Any]) -> dict[str, Any]:
    for run in theirs:
        if "missing" in run:
            return {"name": peer.name, "missing": run["missing"]}
    measured = [m for run in theirs for m in run["measured"]]
    ratios = in_turns([run["measured"] for run in ours], [run["measured"] for run in theirs])
    found = summary(measured, theirs)
    # A program of its own states its memory itself.
    found["megabytes"] = max((m.get("megabytes") or found["megabytes"]) for m in measured)
    return {"name": peer.name, **found, "ratio": ratios}


def measure_all(cases: Iterable[Case], *, quick: bool) -> Iterator[dict[str, Any]]:
    """Rows as they come; a case that cannot run is reported and left out."""
    for case in cases:
        for threads in case.threads:
            if threads > (os.cpu_count() or 1):
                continue
            print(f"{case.name}, {threads} threads ...", file=sys.stderr, flush=True)
            try:
                yield measure(case, threads, quick=quick)
            except CaseError as error:
                print(f"  left out: {error}", file=sys.stderr)
                break


def machine() -> dict[str, Any]:
    """Processor, cores, version, and the load before we add ours."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": load,
        "date": time.strftime("%Y-%m-%d"),
    }


def busy(machine: dict[str, Any]) -> bool:
    """Whether others were computing when the measurement began."""
    return bool(machine.get("load", 0.0) > BUSY * (machine.get("cores") or 1))
