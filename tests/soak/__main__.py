"""The soak: what is asked over hundreds of seeds, kills and interrupts, whole.

``python -m tests.soak``             all topics, without those that this commit has already run
``python -m tests.soak kills``       this topic
``python -m tests.soak --publish``   only write the table of the site from the results

A topic that ends is written to ``tests/soak/results``, which is committed, and shown in
``docs/site/agreements.md``. The exit status is 1 if a row does not hold or a topic raises.
"""

from __future__ import annotations

import os

# Must be set before numpy loads its BLAS, as in tests/conftest.py.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import argparse
import subprocess
import sys
import traceback
from collections.abc import Sequence

from tests.paths import ROOT
from tests.soak import rows, table

RECORDS = ("tests/soak/results", "docs/site/agreements.md")


def commit() -> str:
    """The commit of this checkout, with a note if something but the results differs from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "HEAD")
    changed = git("status", "--porcelain", "--", ".", *(f":!{path}" for path in RECORDS))
    return f"{head or 'unknown'}{' with changes' if changed else ''}"


def seconds() -> float:
    """Seconds of the processor that this process and its children have used."""
    return sum(os.times()[:4])


def main(arguments: Sequence[str] | None = None) -> int:
    known = rows.topics()
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=", ".join(known))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="below 1 nothing is written")
    parser.add_argument("--publish", action="store_true", help="only write the page of the site")
    options = parser.parse_args(arguments)
    if unknown := set(options.topics) - known.keys():
        parser.error(f"no such topic: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    if options.publish:
        table.publish()
        return 0
    failed = []
    facts = {"commit": commit(), "seed": options.seed}
    for name in options.topics or known:
        if not options.topics and _done(name, facts) and options.scale == 1.0:
            print(f"{name}: already run at this commit", flush=True)
        elif not _run(known[name], options.scale, facts):
            failed.append(name)
    if options.scale == 1.0:
        table.publish()
    if failed:
        print(f"does not hold: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def _done(name: str, facts: dict[str, object]) -> bool:
    found = rows.read().get(name, {})
    same = all(found.get(key) == value for key, value in facts.items())
    holds = bool(found.get("rows")) and all(row["holds"] for row in found["rows"])
    return same and holds and "with changes" not in str(facts["commit"])


def _run(topic: rows.Topic, scale: float, facts: dict[str, object]) -> bool:
    """Run one topic, show and keep what it finds; whether all of it holds."""
    print(f"{topic.name}: {topic.sentence}", flush=True)
    started, found = seconds(), []
    try:
        for row in topic.run(int(str(facts["seed"])), scale):
            found.append(row)
            mark = "" if row.holds else "   DOES NOT HOLD"
            print(f"  {row.quantity}: {row.value:.6g} ({row.limit}){mark}", flush=True)
    except Exception:  # the other topics are run all the same
        traceback.print_exc()
        return False
    used = round(seconds() - started)
    print(f"  {used} s of the processor", flush=True)
    if scale == 1.0:
        rows.write(
            topic.name, {"sentence": topic.sentence, **facts, "processor seconds": used}, found
        )
    return bool(found) and all(row.holds for row in found)


if __name__ == "__main__":
    sys.exit(main())
