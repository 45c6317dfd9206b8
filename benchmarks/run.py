"""Start the processes and collect what they print."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.cases import Case

ROOT = Path(__file__).resolve().parent.parent
# One thread of BLAS: ours are the only ones.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class CaseError(RuntimeError):
    """A case ended with an error."""


def worker(name: str, threads: int, repeats: int) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", name, str(threads), str(repeats)],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CaseError(f"{name}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(case: Case, threads: int, *, quick: bool) -> dict[str, Any]:
    """Median, fastest and slowest of the repeats, peak memory, and where the time went."""
    repeats = 1 if quick and case.fresh else case.repeats
    if case.fresh:
        runs = [worker(case.name, threads, 1) for _ in range(repeats)]
    else:
        runs = [worker(case.name, threads, repeats)]
    measured = [m for run in runs for m in run["measured"]]
    seconds = [m["seconds"] for m in measured]
    middle = min(measured, key=lambda m: abs(m["seconds"] - statistics.median(seconds)))
    return {
        "case": case.name,
        "threads": threads,
        "repeats": len(seconds),
        "median": statistics.median(seconds),
        "best": min(seconds),
        "worst": max(seconds),
        "megabytes": max(run["megabytes"] for run in runs),
        **{key: middle[key] for key in ("core", "timing") if key in middle},
    }


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
    }
