"""One process of one case: `python -m benchmarks.worker NAME THREADS REPEATS` prints JSON."""

import json
import sys

from benchmarks import peer
from benchmarks.cases import CASES
from benchmarks.memory import peak_megabytes


def main() -> None:
    name, threads, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if name == "peer":
        print(json.dumps(peer.rates()))
        return
    case = next(case for case in CASES if case.name == name)
    if not case.fresh:
        case.measure(threads, 1)
    measured = case.measure(threads, repeats)
    print(json.dumps({"measured": measured, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
