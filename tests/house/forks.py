"""Calls of the fingerprint table, each followed by a count of threads and by a fork.

``python -m tests.house.forks NAME...`` runs in an interpreter of its own, because a fork belongs
in no process that has run other tests. Threads that a call leaves behind are gone in a forked
child, which then waits for them for ever: `kd.sweep` on the default process pool of Linux (before
Python 3.14) hangs.
"""

import faulthandler
import hashlib
import os
import pickle
import signal
import sys
import time

import numpy as np

from tests.fingerprint.calls import CALLS, RUN
from tests.stopping import PATIENCE

RUN["threads"] = 2


PROCESSOR = 2.0
"""Seconds of this process, within which the kernel must have dropped a thread that has ended."""


def tasks(most: int | None = None) -> int:
    """Threads of this process; with `most`, once they are no more, or after `PROCESSOR` seconds."""
    started = time.process_time()
    while True:
        count = len(os.listdir("/proc/self/task"))
        if most is None or count <= most or time.process_time() > started + PROCESSOR:
            return count


def digest(name: str) -> str:
    """The numbers of a call, as a hash."""
    found = CALLS[name].function()
    plain = {key: np.asarray(value).tobytes() for key, value in found.items()}
    return hashlib.sha256(pickle.dumps(plain)).hexdigest()


def repeated_in_a_child(name: str, expected: str) -> str:
    """Why a forked process that makes the same call does not end well; empty if it does."""
    child = os.fork()
    if child == 0:
        code = 1
        signal.alarm(int(PATIENCE))
        try:
            code = 0 if digest(name) == expected else 3
        except BaseException:
            faulthandler.dump_traceback()
        finally:
            os._exit(code)
    # A child that waits for a thread for ever is killed by its own alarm.
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    known = {0: "", 3: "other numbers", -signal.SIGALRM: "does not end"}
    return known.get(code, f"exit code {code}")


def check(name: str) -> list[str]:
    """The faults of one call."""
    start_blas()
    before = tasks()
    expected = digest(name)
    left = tasks(before) - before
    faults = [f"{name}: leaves {left} threads"] if left > 0 else []
    fault = repeated_in_a_child(name, expected)
    return faults + ([f"{name}: a forked child: {fault}"] if fault else [])


def start_blas() -> None:
    """Start the pools of the matrix libraries: they stay, and each fork stops them until used."""
    import scipy.linalg.blas
    from threadpoolctl import threadpool_limits

    matrix = np.ones((400, 400))
    with threadpool_limits(RUN["threads"], user_api="blas"):
        scipy.linalg.blas.dgemm(1.0, matrix, matrix)
        matrix @ matrix


if __name__ == "__main__":
    found = [fault for name in sys.argv[1:] or CALLS for fault in check(name)]
    print("\n".join(found))
    sys.exit(bool(found))
