"""Where a learned start pays: CPU seconds to |dZ| < 1e-3 for 20 values of U, all costs included.

``python -m benchmarks.starts`` measures for three minutes and prints a paragraph and a table; with
``--publish`` it keeps the numbers in ``starts.json`` and puts the text into ``docs/site/dmft.md``;
``--text`` takes the numbers that are kept.

The exact solver of the loops is ED-6. Of slower solvers only one solve is measured, and their sums
are estimates: this cost times the numbers of solves that ED-6 needed.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "benchmarks/starts.json"
PAGE = ROOT / "docs/site/dmft.md"
BEGIN = "<!-- starts:begin (written by `python -m benchmarks.starts`) -->"
END = "<!-- starts:end -->"

BETA = 50.0
VALUES = 20
LOWEST, HIGHEST = 0.35, 2.2
SAMPLES = 30
ACCURACY = 1e-3
SLOW = {
    "ED-7": {"solver": "ed", "sites": 7},
    "CT-HYB, 2^20 sweeps": {"solver": "cthyb", "sweeps": 2**20},
    "NRG": {"solver": "nrg"},
}
"""Solvers of which one solve is measured."""
QUIET: dict[str, Any] = {"progress": False, "threads": 1}


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = call()
    return time.process_time() - began, found


def solves(Z: Any, exact: float) -> int:
    """Number of exact solves after which Z stays within the accuracy; at least one."""
    away = [abs(z - exact) >= ACCURACY for z in Z]
    return 1 if not any(away) else min(len(away), max(k for k, x in enumerate(away) if x) + 2)


def measure() -> dict[str, Any]:
    """Numbers of exact solves and CPU seconds."""
    import numpy as np

    from kadanoff import bands, dmft

    U = np.linspace(LOWEST, HIGHEST, VALUES)
    made = {"inputs": ("ipt", "hubbard1"), "target": "ed-5", "beta": [BETA], "U": (0.3, 2.3)}
    made |= {"D": (1.0, 1.0), "detuning": (0.0, 0.0), "bath": "self-consistent", "seed": 1}
    t_database, db = timed(lambda: dmft.database(SAMPLES, **made, progress=False))
    t_training, learned = timed(lambda: dmft.learn(db, outside="flag", seed=1, progress=False))
    started: dict[str, list[Any]] = {}
    seconds: dict[str, float] = {"database": t_database, "training": t_training}
    for name, options in (
        ("ipt", {"solver": "ipt"}),
        ("ed-5", {"solver": "ed", "sites": 5, "seed": 0}),
        ("learned", {"solver": learned, "tolerance": 1e-4}),
    ):
        seconds[name], started[name] = timed(
            lambda options=options: [dmft.bethe(U=u, beta=BETA, **options, **QUIET) for u in U]
        )

    def exact(u: float, start: Any, sites: int, tolerance: float = 1e-4) -> Any:
        return dmft.bethe(
            U=u, beta=BETA, solver="ed", sites=sites, start=start, seed=0, tolerance=tolerance,
            **QUIET,
        )  # fmt: skip

    counts: dict[str, list[int]] = {}
    spent, number = 0.0, 0
    fixed: list[float] = []
    for name in ("ed-5", "learned", "ipt"):
        counts[name] = []
        for k, u in enumerate(U):
            tolerance = 1e-5 if name == "ed-5" else 1e-4
            t, loop = timed(lambda a=(u, started[name][k], 6, tolerance): exact(*a))
            spent, number = spent + t, number + loop.iterations
            if name == "ed-5":
                fixed.append(loop.Z)
            counts[name].append(solves(loop.history["Z"], fixed[k]))
    # ED-5 for itself: what a solver that was learned from the exact one itself would need.
    counts["itself"] = [
        solves(exact(u, loop, 5).history["Z"], same.Z)
        for u, loop, same in zip(U, started["learned"], started["ed-5"], strict=True)
    ]
    units = {"ED-6": spent / number}
    problem = started["ed-5"][VALUES // 2].solution.problem
    for name, options in SLOW.items():
        asked = problem
        if options["solver"] == "nrg":
            asked = dmft.Impurity(problem.U, BETA, bands.SemicircularBand(1.0))
        units[name] = timed(lambda a=asked, o=options: dmft.solve(a, seed=0, **o, **QUIET))[0]
    return {
        "U": [LOWEST, HIGHEST, VALUES],
        "samples": SAMPLES,
        "iterations": float(np.mean([loop.iterations for loop in started["ed-5"]])),
        "counts": counts,
        "seconds": seconds,
        "units": units,
    }


def sums(found: dict[str, Any], unit: float) -> dict[str, float]:
    """CPU seconds for all values of U, by start."""
    t, n = found["seconds"], {name: sum(x) for name, x in found["counts"].items()}
    return {
        "ipt": t["ipt"] + unit * n["ipt"],
        "ed-5": t["ed-5"] + unit * n["ed-5"],
        "learned from ed-5": t["database"] + t["training"] + t["learned"] + unit * n["learned"],
        "learned from itself": invested(found, unit) + t["learned"] + unit * n["itself"],
    }


def invested(found: dict[str, Any], unit: float) -> float:
    """CPU seconds for a database of loops of the exact solver itself, and for its training."""
    return found["samples"] * (found["iterations"] + 1.0) * unit + found["seconds"]["training"]


def break_even(found: dict[str, Any], unit: float, gain: float = 1.0) -> float:
    """Values of U after which a solver learned from the exact one costs 1/gain of IPT starts."""
    t, n = found["seconds"], {name: sum(x) for name, x in found["counts"].items()}
    ipt, own = ((t[a] + unit * n[b]) / VALUES for a, b in (("ipt", "ipt"), ("learned", "itself")))
    return invested(found, unit) / (ipt / gain - own) if ipt > gain * own else math.inf


def text(found: dict[str, Any]) -> str:
    """The paragraph and the table."""
    low, high, values = found["U"]
    mean = {name: sum(x) / len(x) for name, x in found["counts"].items()}
    lines = [
        f"How many CPU seconds do {values} exact loops cost (β = 50, U = {low:g} ... {high:g}) "
        f"until Z is right to {ACCURACY:g}? An exact loop that starts from IPT needs "
        f"{mean['ipt']:.1f} exact solves on average, one that starts from the loop of ED-5 "
        f"{mean['ed-5']:.1f}, from a solver learned from {found['samples']} loops of ED-5 "
        f"{mean['learned']:.1f}, and from one learned from loops of the exact solver itself "
        f"{mean['itself']:.1f}; one is the least, as it is the proof. Sums include database, "
        "training and all loops; those of ED-6 are counted, the others are estimates: these "
        "numbers of solves times the measured cost of one solve.",
        "",
        "| exact solver | CPU per solve | from IPT | from ED-5 | learned from ED-5 | learned from "
        "itself | values of U for break-even with IPT, for a third of its cost |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, unit in found["units"].items():
        own = sums(found, unit)
        pays = [break_even(found, unit, gain) for gain in (1.0, 3.0)]
        shown = ", ".join("never" if math.isinf(x) else f"{math.ceil(x)}" for x in pays)
        cells = " | ".join(f"{x:.3g} s" for x in own.values())
        lines.append(f"| {name} | {unit:.3g} s | {cells} | {shown} |")
    return "\n".join([*lines, "", verdict(found)])


def verdict(found: dict[str, Any]) -> str:
    """The finding in words, from the numbers."""
    said = []
    for name, unit in found["units"].items():
        own = sums(found, unit)
        gain = {start: own["ipt"] / x for start, x in own.items()}
        said.append(
            f"{name} {gain['learned from ed-5']:.2g} (learned from ED-5), "
            f"{gain['ed-5']:.2g} (ED-5), {gain['learned from itself']:.2g} (learned from itself)"
        )
    wins = [
        name
        for name, unit in found["units"].items()
        if sums(found, unit)["learned from ed-5"] < sums(found, unit)["ed-5"]
    ]
    words = (
        f"a solver learned from ED-5 is a cheaper start than ED-5 as it is for {', '.join(wins)}"
        if wins
        else "no solver learned from ED-5 is a cheaper start than the loops of ED-5 as they are"
    )
    counts = found["counts"]["ipt"]
    bound = sum(counts) / len(counts)
    return (
        "CPU seconds from IPT over those of the other starts: " + "; ".join(said) + ". From IPT "
        f"{min(counts)} to {max(counts)} exact solves suffice, and one is needed in any case: no "
        f"start whatever can be more than {bound:.1f} times cheaper, and what is between this and "
        f"the ratios is database and training. For {VALUES} values of U, {words}. A solver learned "
        "from the exact one itself pays beyond the number of values of U in the last column, as "
        "each of its samples is a whole loop."
    )


def publish(words: str, page: Path = PAGE, begin: str = BEGIN, end: str = END) -> None:
    """Put the text between two markers of a page."""
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", flags=re.DOTALL)
    after, places = pattern.subn(lambda _: f"{begin}\n\n{words}\n\n{end}", before)
    if places != 1:
        raise ValueError(f"{page} must hold {begin} and {end}, in order")
    page.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    kept = "--text" in sys.argv
    found = json.loads(KEPT.read_text(encoding="utf-8")) if kept else measure()
    print(text(found))
    if "--publish" in sys.argv:
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        publish(text(found))
