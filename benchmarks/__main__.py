"""`python -m benchmarks`: measure, print a table, keep it in benchmarks/table.md."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks.cases import CASES
from benchmarks.history import append, commit, line
from benchmarks.run import ROOT, CaseError, machine, measure_all, worker
from benchmarks.table import PAGE, README, document, headlines, publish, warning

TABLE = ROOT / "benchmarks/table.md"
MACHINE = {"limits": "limits of this machine", "peer": "LAPACK at the same block sizes"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--case", action="append", choices=names, help="only this one; repeatable")
    parser.add_argument("--quick", action="store_true", help="once each, without the longest case")
    parser.add_argument("--json", action="store_true", help="print the numbers instead of a table")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="put benchmarks/table.md into the site and the README",
    )
    options = parser.parse_args(arguments)
    if options.publish:
        text = TABLE.read_text(encoding="utf-8")
        publish(text, PAGE)
        publish(headlines(text), README)
        return

    whole = not options.case and not options.quick
    cases = [
        case
        for case in CASES
        if (case.name in options.case if options.case else case.quick or not options.quick)
    ]
    result: dict[str, Any] = {"machine": machine()}
    if note := warning(result):
        print(note, file=sys.stderr)
    measured = result["cases"] = []
    # The long ones last: a run that is interrupted keeps what it has.
    try:
        for row in measure_all(sorted(cases, key=lambda c: not c.quick), quick=options.quick):
            measured.append(row)
    except KeyboardInterrupt:
        print("interrupted: the table holds what was measured", file=sys.stderr)
        result["interrupted"] = True
    places = {case.name: k for k, case in enumerate(cases)}
    measured.sort(key=lambda row: (places[row["case"]], row["threads"]))
    for name, what in MACHINE.items():
        if whole or (name == "limits" and any(case.limit for case in cases)):
            print(f"{what} ...", file=sys.stderr, flush=True)
            try:
                result[name] = worker(name, 1, 1)
            except CaseError as error:
                print(f"  left out: {error}", file=sys.stderr)
    text = document(result)
    print(json.dumps(result, indent=1) if options.json else text)
    if whole:
        TABLE.write_text(text, encoding="utf-8")
        print(f"added to {append(line(result, commit()))}", file=sys.stderr)


if __name__ == "__main__":
    main()
