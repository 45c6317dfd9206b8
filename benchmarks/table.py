"""The numbers as markdown: all of them on a page of the site, five rows in the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, Case

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGE = ROOT / "docs/site/benchmarks.md"
BEGIN, END = r"<!-- benchmarks:begin[^>]*-->", r"<!-- benchmarks:end -->"
BY_NAME = {case.name: case for case in CASES}

# Case and number of threads of the rows that the README shows.
HEADLINES = (
    ("thermo-u1-u1", 2),
    ("interactive", 2),
    ("spectrum-u1-u1", 1),
    ("ising-sample", 2),
    ("rsmi-ising", 1),
)


def time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def ratio(theirs: float, ours: float) -> str:
    """How much faster or slower we are; the factor is at least one."""
    word, factor = ("faster", theirs / ours) if ours <= theirs else ("slower", ours / theirs)
    return f"{factor:.3g}× {word}"


def rows(header: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] * len(header)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *lines])


def against(case: Case, row: dict[str, Any]) -> list[str]:
    if case.against is None or row["threads"] not in case.against.seconds:
        return ["", ""]
    theirs = case.against.seconds[row["threads"]]
    memory = "" if case.against.megabytes is None else ", {}–{} MB".format(*case.against.megabytes)
    return [f"{theirs} s{memory}", ratio(theirs, row["median"])]


def cost(measured: list[dict[str, Any]]) -> str:
    """Time and peak memory of every case."""
    lines = []
    for row in measured:
        case = BY_NAME[row["case"]]
        spread = f" ({time(row['best'])} – {time(row['worst'])})" if row["repeats"] > 1 else ""
        lines.append(
            [
                case.title,
                str(row["threads"]),
                time(row["median"]) + spread,
                f"{row['megabytes']:.0f} MB",
                case.goal,
                *against(case, row),
            ]
        )
    return rows(["case", "threads", "median (range)", "peak memory", "goal", "peer", ""], lines)


def shares(measured: list[dict[str, Any]]) -> str:
    """Where the time of a solve goes, and the rates reached in its two kinds of arithmetic."""
    lines = []
    for row in measured:
        if "timing" not in row:
            continue
        t = row["timing"]
        parts = [t["values"], t["vectors"], t["operators"]]
        rest = row["median"] - sum(parts)
        lines.append(
            [
                BY_NAME[row["case"]].title,
                str(row["threads"]),
                *(f"{part / row['median']:.0%}" for part in [*parts, max(rest, 0.0)]),
                f"{t['reduction_flops'] / 1e9:.3g}",
                f"{t['reduction_flops'] / t['values'] / 1e9:.3g}",
                f"{t['product_flops'] / 1e9:.3g}",
                f"{t['product_flops'] / (t['vectors'] + t['operators']) / 1e9:.3g}",
            ]
        )
    if not lines:
        return ""
    return rows(
        [
            "case",
            "threads",
            "eigenvalues",
            "eigenvectors",
            "operators",
            "rest",
            "reduction, Gflop",
            "GF/s",
            "products, Gflop",
            "GF/s",
        ],
        lines,
    )


def peers(found: dict[str, Any]) -> str:
    """One shell by LAPACK on one thread, and by us; the rate of dgemm."""
    lines = [
        [
            BY_NAME[name].title,
            f"{shell['blocks']} (≤ {shell['largest']})",
            time(shell["dsyevd"]),
            time(shell["distinct"]),
            time(shell["ours"]),
            f"{shell['dsyevd'] / shell['ours']:.1f}×",
        ]
        for name, shell in found["shells"].items()
    ]
    text = rows(
        ["one shell, one thread", "blocks", "dsyevd", "distinct blocks only", "kadanoff", ""], lines
    )
    dgemm = ", ".join(f"{rate:.0f} GF/s at n = {n}" for n, rate in found["dgemm"].items())
    return f"{text}\n\nnumpy's dgemm on one thread: {dgemm}."


def busy(result: dict[str, Any]) -> str:
    """A warning if others were computing when the measurement began."""
    load = result["machine"].get("load", 0.0)
    return (
        f"The machine was busy: timings are upper bounds (load {load:.1f})." if load > 0.5 else ""
    )


def document(result: dict[str, Any]) -> str:
    """The whole table."""
    m = result["machine"]
    parts = [
        f"Measured on {m['processor']}, {m['cores']} cores, with Python {m['python']}; medians, "
        "every case in processes of its own; memory is the peak of the whole process. Figures of "
        "[NRG Ljubljana](https://github.com/rokzitko/nrgljubljana) (master f6b4d056, `dsyevd`) "
        "were measured earlier on a comparable machine with the same Λ = 2.5, number of sites and "
        f"of kept states; the peer of RSMI is RSMI-NE. {busy(result)}".strip(),
        cost(result["cases"]),
    ]
    if where := shares(result["cases"]):
        parts += ["Where the time goes, and the rates that are reached:", where]
    if result.get("peer"):
        parts += ["The same blocks by LAPACK (scipy), in the same run:", peers(result["peer"])]
    return "\n\n".join(parts) + "\n"


def headlines(text: str) -> str:
    """What the README shows of the whole table: the first paragraph and the rows of `HEADLINES`."""
    first, table = text.split("\n\n")[:2]
    wanted = [f"| {BY_NAME[name].title} | {threads} |" for name, threads in HEADLINES]
    lines = table.splitlines()
    chosen = [line for start in wanted for line in lines if line.startswith(start)]
    return "\n\n".join([first, "\n".join([*lines[:2], *chosen])]) + "\n"


def publish(text: str, page: Path) -> None:
    """Put `text` between the two markers of a page.

    Raises
    ------
    ValueError
        A marker is missing.
    """
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"({BEGIN})\n.*?({END})", flags=re.DOTALL)
    after, count = pattern.subn(lambda m: f"{m[1]}\n\n{text.strip()}\n\n{m[2]}", before)
    if count != 1:
        raise ValueError(f"{page} must hold benchmarks:begin and benchmarks:end once, in order")
    page.write_text(after, encoding="utf-8")
