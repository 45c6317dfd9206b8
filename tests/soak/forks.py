"""After every call of the fingerprint table a forked process makes it again, and no thread is left.

`tests.house.forks` counts the threads of the process after the call and lets a fork of it repeat
the call, which must end with the same numbers. A call that is added to the table is tried here too.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator

from tests.paths import ROOT
from tests.soak.rows import Row, count

TINY = 0.04
SINGLE = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run(seed: int, scale: float) -> Iterator[Row]:
    from tests.fingerprint.calls import CALLS

    names = random.Random(seed).sample(list(CALLS), count(len(CALLS), scale))
    command = [sys.executable, "-m", "tests.house.forks", *names]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | SINGLE, capture_output=True, text=True, check=False
    )
    faults = [line for line in done.stdout.splitlines() if line]
    for line in faults or done.stderr.splitlines()[-1:] * (done.returncode != 0):
        print(f"  {line}")
    yield Row.at_least("calls followed by a fork", len(names), len(names))
    threads = sum("leaves" in line for line in faults)
    yield Row.at_most("calls that leave a thread", threads, 0)
    others = len(faults) - threads + (done.returncode != 0 and not faults)
    yield Row.at_most("forked calls that hang, fail or find other numbers", others, 0)
