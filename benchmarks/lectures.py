"""The table of the experiment of the lectures, from a run of ``kadanoff run lectures``.

``python -m benchmarks.lectures OPTIONS`` passes its options on to ``kadanoff run lectures``, keeps
the errors in ``lectures.json`` and puts the table into ``docs/site/dmft.md``; with ``--text`` alone
it prints the table of the numbers that are kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.starts import ROOT, publish

KEPT = ROOT / "benchmarks/lectures.json"
BEGIN = "<!-- lectures:begin (written by `python -m benchmarks.lectures`) -->"
END = "<!-- lectures:end -->"
JOB = "lectures"
KEEP = ("settings", "mse", "best", "choices", "verdict", "networks")


def measure(options: list[str]) -> dict[str, Any]:
    """The numbers of a run, without its curves."""
    code = "import sys; from kadanoff.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "run", JOB, *options, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    return {name: found[name] for name in KEEP}


def text(found: dict[str, Any]) -> str:
    """Mean square errors of G(tau) by solver and temperature, and what was gained."""
    own = found["settings"]
    betas = [f"β = {beta:g}" for beta in own["beta"]]
    best = ", ".join(f"{name} = {value}" for name, value in found["best"].items())
    lines = [
        f"Mean square errors of $G(\\tau)$ against {own['target']} on a fifth of "
        f"{own['samples']:,} random impurities (seed {own['seed']}), none of which was used for "
        f"training or for the choice among {len(found['networks'])} networks; the best has {best}. "
        "`learn` is the correction that `kadanoff.dmft.learn` makes by default.",
        "",
        "| | " + " | ".join(betas) + " |",
        "|---" * (len(betas) + 1) + "|",
    ]
    for name, errors in found["mse"].items():
        lines.append(f"| {name} | " + " | ".join(f"{x:.2e}" for x in errors) + " |")
    verdict = [f"* {line}" for line in found["verdict"].splitlines()]
    return "\n".join([*lines, "", *verdict])


if __name__ == "__main__":
    kept = sys.argv[1:] == ["--text"]
    found = json.loads(KEPT.read_text(encoding="utf-8")) if kept else measure(sys.argv[1:])
    print(text(found))
    if not kept:
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        publish(text(found), begin=BEGIN, end=END)
