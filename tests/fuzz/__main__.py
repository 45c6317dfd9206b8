"""``python -m tests.fuzz [NAME...]``: every bad call, or those of the targets named so."""

import argparse
import fnmatch
import json
import os
import sys
from pathlib import Path

from tests.fuzz import plan, pool, report
from tests.paths import ROOT


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help="targets, as 'ising.*'; all if none is given")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, default=ROOT / "target" / "fuzz")
    parser.add_argument("--sample", type=int, metavar="SEED", help="the sample of `make test`")
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="these kinds of values only")
    options = parser.parse_args()
    jobs = plan.everything() if options.sample is None else plan.sample(options.sample)
    if options.names:
        wanted = options.names
        jobs = {n: c for n, c in jobs.items() if any(fnmatch.fnmatchcase(n, w) for w in wanted)}
    if options.kinds:
        jobs = {n: [c for c in calls if c[1] in options.kinds] for n, calls in jobs.items()}
    done = 0

    def tell(target, rows):
        nonlocal done
        done += 1
        bad = report.findings(rows)
        print(f"{done}/{len(jobs)} {target}: {len(rows)} calls, {len(bad)} findings", flush=True)
        print("\n".join("    " + line for line in report.lines(bad)), flush=True) if bad else None

    rows, without = pool.run(jobs, options.processes, tell)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "calls.json").write_text(json.dumps([rows, without], indent=0))
    left, stale = plan.unexplained(
        report.findings(rows), whole=not (options.names or options.kinds)
    )
    print(report.table(rows, without))
    print("\n".join(report.lines(left)))
    print("\n".join(f"this exception is no longer needed: {entry}" for entry in stale))
    sys.exit(bool(left or stale))


if __name__ == "__main__":
    main()
