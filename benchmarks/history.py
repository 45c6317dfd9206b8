"""What every commit took on every machine: `benchmarks/history/`, one line of JSON each.

A full run adds its line to the file of its machine; a second run of the same commit there replaces
it. `python -m benchmarks.history CASE` prints the figures of a case, oldest first.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.run import ROOT, busy

FOLDER = ROOT / "benchmarks/history"
KEPT = ("median", "best", "worst", "cpu", "megabytes", "repeats")


def file_of(machine: dict[str, Any], folder: Path = FOLDER) -> Path:
    """One file per processor and number of cores."""
    name = re.sub(r"[^a-z0-9]+", "-", machine["processor"].lower()).strip("-")
    return folder / f"{name}-{machine['cores']}.jsonl"


def commit(root: Path = ROOT) -> dict[str, Any]:
    """Hash and date of the commit, and whether files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "python", "rust")
    return {
        "commit": git("rev-parse", "HEAD"),
        "date": git("show", "--no-patch", "--format=%cI", "HEAD"),
        "changed": bool(changed),
    }


def line(result: dict[str, Any], of: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a run: times, memory and ratios by case and number of threads."""
    cases: dict[str, Any] = {}
    for row in result["cases"]:
        kept = {key: row[key] for key in KEPT if row.get(key) is not None}
        ratios = {p["name"]: p["ratio"] for p in row.get("peers", ()) if p.get("ratio")}
        cases.setdefault(row["case"], {})[str(row["threads"])] = (
            kept | {"ratios": ratios} if ratios else kept
        )
    machine = result["machine"]
    found = {**of, "machine": machine, "busy": busy(machine), "cases": cases}
    return found | {"limits": result["limits"]} if "limits" in result else found


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, none where there is no file."""
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(text)


def append(entry: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Add a line to the file of its machine; it replaces one of the same commit."""
    path = file_of(entry["machine"], folder)
    same = (entry["commit"], entry["changed"])
    others = [old for old in read(path) if (old["commit"], old["changed"]) != same]
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in [*others, entry])
    path.write_text(text, encoding="utf-8")
    return path


def main(names: list[str]) -> None:
    for path in sorted(FOLDER.glob("*.jsonl")):
        print(path.stem)
        for entry in sorted(read(path), key=lambda entry: entry["date"]):
            for name in names:
                for threads, row in entry["cases"].get(name, {}).items():
                    cpu = row.get("cpu", row["median"])
                    notes = ["changed"] * entry["changed"] + ["busy"] * entry["busy"]
                    print(
                        f"  {entry['commit'][:10]} {entry['date'][:10]} {name}, {threads} threads: "
                        f"{cpu:.4g} s of processor time, {row['median']:.4g} s, "
                        f"{row['megabytes']:.0f} MB {' '.join(notes)}"
                    )


if __name__ == "__main__":
    main(sys.argv[1:])
