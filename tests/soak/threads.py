"""The same bits on 1, 2 and 3 threads, of every call of the fingerprint table.

The table covers the package (`tests/fingerprint/calls.py`); a call that is added is tried here too.
Each number of threads has a process of its own.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT
from tests.soak.rows import Row, count

TINY = 0.05
THREADS = (1, 2, 3)


def run(seed: int, scale: float) -> Iterator[Row]:
    from tests.fingerprint.calls import CALLS

    names = random.Random(seed).sample(list(CALLS), count(len(CALLS), scale))
    with tempfile.TemporaryDirectory() as folder:
        found = {threads: _bits(threads, names, Path(folder) / str(threads)) for threads in THREADS}
    failed = {name for bits in found.values() for name in names if isinstance(bits[name], str)}
    other = {
        name
        for name in set(names) - failed
        for threads in THREADS[1:]
        if _digests(found[threads][name]) != _digests(found[1][name])
    }
    for name in sorted(failed | other):
        print(f"  {name}")
    yield Row.at_least("calls on 1, 2 and 3 threads", len(names), len(names))
    yield Row.at_most("calls that raised", len(failed), 0)
    yield Row.at_most("calls with another bit on 2 or 3 threads", len(other), 0)


def _bits(threads: int, names: list[str], file: Path) -> dict:
    command = [sys.executable, "-m", "tests.fingerprint", "--bits", str(file)]
    command += ["--threads", str(threads), "--only", *names]
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return json.loads(file.read_text(encoding="utf-8"))


def _digests(call: dict) -> dict:
    return {key: values["sha256"] for key, values in call.items()}
