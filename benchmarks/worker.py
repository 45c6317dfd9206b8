"""One process of one case: `python -m benchmarks.worker NAME THREADS REPEATS` prints JSON.

NAME is a case, CASE/0, CASE/1, ... a program beside it, or one of the measurements of the machine.
"""

import json
import sys
from typing import Any

from benchmarks import limits, peer
from benchmarks.cases import CASES
from benchmarks.clock import NotInstalledError
from benchmarks.memory import peak_megabytes

MACHINE = {"peer": peer.rates, "limits": limits.rates}


def run(name: str, threads: int, repeats: int) -> dict[str, Any]:
    """What `main` prints."""
    if name in MACHINE:
        return MACHINE[name]()
    of, _, index = name.partition("/")
    case = next(case for case in CASES if case.name == of)
    if index:
        try:
            measured = case.peers[int(index)].measure(threads, repeats)
        except (ImportError, NotInstalledError) as error:
            return {"missing": str(error)}
    else:
        if not case.fresh:
            case.measure(threads, 1)
        measured = case.measure(threads, repeats)
    module = sys.modules.get("kadanoff")
    return {
        "measured": measured,
        "megabytes": peak_megabytes(),
        "package": getattr(module, "__file__", None),
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
