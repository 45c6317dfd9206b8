"""Two commits run in turns: `make bench-compare BASE=<commit>`.

BASE is built once, in a worktree under target/commits. Both run the cases of *this* checkout, in
processes that follow each other, here first and there first by turns; compared is the processor
time of one thread. The ratio is the geometric mean over the rounds with its interval at 95 % by
Student's t. A case counts as changed if its interval at the level 5 % / (number of cases) leaves
out 1: then all cases together raise one false alarm in twenty comparisons of equal commits.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.ratios import interval, middle
from benchmarks.run import ROOT, CaseError, worker
from benchmarks.table import rows, time
from tools import commits

DEFAULT = (
    "import",
    "interactive",
    "chain-zitko-pruschke",
    "ising-heat-bath",
    "ising-wolff",
    "rbm-cd",
    "dimer-worm",
    "rsmi-ising",
    "ed-4",
    "ed-6",
    "lanczos-8",
    "cthyb",
)
ROUNDS = 8
REPEATS = 3
"""Repeats in one process; of a case that takes a fresh process for each, one."""


def turns(case: Case, sides: Sequence[dict[str, Any]], rounds: int) -> tuple[list[Any], list[Any]]:
    """What both sides measured in every round; who goes first changes from round to round."""
    found: tuple[list[Any], list[Any]] = ([], [])
    repeats = 1 if case.fresh else REPEATS
    for k in range(rounds):
        for side in (0, 1) if k % 2 else (1, 0):
            run = worker(case.name, 1, repeats, **sides[side])
            package = run["package"]
            if package and not Path(package).is_relative_to(sides[side]["package"]):
                raise CaseError(f"{case.name}: kadanoff was imported from {package}")
            found[side].append(run)
    return found


def verdict(
    here: Sequence[Any], there: Sequence[Any], level: float = 0.95, cases: int = 1
) -> dict[str, Any]:
    """Ratio of the times here and there with its interval, memory, and what it means."""
    pairs = [
        (middle(a["measured"], "cpu"), middle(b["measured"], "cpu"))
        for a, b in zip(here, there, strict=True)
    ]
    ratios = [a / b for a, b in pairs if a and b]
    if not ratios:
        raise CaseError("the case counts no processor time")
    ratio, low, high = interval(ratios, level)
    _, least, most = interval(ratios, 1 - (1 - level) / cases)
    word = "faster" if most < 1 else "slower" if least > 1 else "no change beyond noise"
    return {
        "there": statistics.median(b for _, b in pairs if b),
        "here": statistics.median(a for a, _ in pairs if a),
        "ratio": (ratio, low, high),
        "memory": tuple(max(run["megabytes"] for run in side) for side in (there, here)),
        "word": word,
    }


def table(found: dict[str, dict[str, Any]], base: str) -> str:
    """The comparison as markdown."""
    lines = []
    for name, row in found.items():
        ratio, low, high = row["ratio"]
        lines.append(
            [
                name,
                time(row["there"]),
                time(row["here"]),
                f"{ratio:.3f} ({low:.3f} – {high:.3f})",
                "{:.0f} → {:.0f} MB".format(*row["memory"]),
                row["word"],
            ]
        )
    header = ["case, processor time on one thread", base[:10], "here", "here / there (95 %)"]
    return rows([*header, "peak memory", ""], lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    names = [case.name for case in CASES]
    parser.add_argument("base", metavar="COMMIT")
    parser.add_argument("--case", nargs="*", choices=names, metavar="NAME", default=[])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    options = parser.parse_args(arguments)
    if options.rounds < 2:
        parser.error("--rounds must be at least 2: one round has no scatter")
    commit = commits.resolve(ROOT, options.base, "bench-compare")
    tree = commits.built(ROOT, commit)
    sides = (
        {"python": sys.executable, "package": ROOT / "python"},
        {"python": str(tree / ".venv/bin/python"), "package": tree / "python"},
    )
    chosen = [case for case in CASES if case.name in (options.case or DEFAULT)]
    found = {}
    for case in chosen:
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        try:
            here, there = turns(case, sides, options.rounds)
            found[case.name] = verdict(here, there, cases=len(chosen))
        except CaseError as error:
            print(f"  left out: {error}", file=sys.stderr)
    print(table(found, commit))


if __name__ == "__main__":
    main()
