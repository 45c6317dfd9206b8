"""The numbers as markdown: all of them on a page of the site, five rows in the README."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import limits
from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.ratios import words
from benchmarks.run import ROOT, busy

README = ROOT / "README.md"
PAGE = ROOT / "docs/site/benchmarks.md"
BEGIN, END = r"<!-- benchmarks:begin[^>]*-->", r"<!-- benchmarks:end -->"
BY_NAME = {case.name: case for case in CASES}

# Case and number of threads of the rows that the README shows.
HEADLINES = (
    ("thermo-u1-u1", 2),
    ("interactive", 2),
    ("ed-6", 1),
    ("ising-sample", 2),
    ("rsmi-ising", 1),
)


def time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def rows(header: list[str], lines: list[list[str]]) -> str:
    rule = ["---"] * len(header)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *lines])


def spread(row: dict[str, Any]) -> str:
    """Median, and the range of several repeats."""
    text = time(row["median"])
    return f"{text} ({time(row['best'])} – {time(row['worst'])})" if row["repeats"] > 1 else text


def beside(case: Case, row: dict[str, Any]) -> str:
    """Measured ratios to other programs, or figures that are only recorded."""
    found = [
        f"{words(peer['ratio']['cpu'][0], 1.0)} than {peer['name']}"
        for peer in row.get("peers", ())
        if "cpu" in peer.get("ratio", {})
    ]
    recorded = case.recorded
    if recorded and not found and row["threads"] in recorded.seconds:
        memory = "" if recorded.megabytes is None else ", {}–{} MB".format(*recorded.megabytes)
        found = [f"recorded: {recorded.name} {recorded.seconds[row['threads']]} s{memory}"]
    return "; ".join(found)


def cost(measured: list[dict[str, Any]]) -> str:
    """Time and peak memory of every case."""
    lines = []
    for row in measured:
        case = BY_NAME[row["case"]]
        cpu = "" if row.get("cpu") is None else time(row["cpu"])
        memory = f"{row['megabytes']:.0f} MB"
        lines.append(
            [case.title, str(row["threads"]), spread(row), cpu, memory, case.goal]
            + [beside(case, row)]
        )
    header = ["case", "threads", "median (range)", "processor time", "peak memory", "goal"]
    return rows([*header, "other programs"], lines)


def in_turns(measured: list[dict[str, Any]]) -> str:
    """Every program beside a case: ratios of processor time and of wall time, and memory."""
    lines = []
    for row in measured:
        for peer in row.get("peers", ()):
            title = BY_NAME[row["case"]].title
            if "missing" in peer:
                failed = peer["missing"].startswith("failed")
                state = "failed" if failed else "not installed"
                lines.append([title, peer["name"], state, "", "", ""])
                continue
            of = peer["ratio"]
            memory = f"{row['megabytes']:.0f} / {peer['megabytes']:.0f} MB"
            shown = [_ratio(of.get(what)) for what in ("cpu", "seconds")]
            lines.append([title, peer["name"], time(peer["cpu"] or peer["median"]), *shown, memory])
    header = ["case, one thread", "other program", "its processor time", "kadanoff is (range)"]
    return rows([*header, "by wall time", "memory, kadanoff / other"], lines) if lines else ""


def _ratio(found: list[float] | None) -> str:
    """A ratio with its range over the rounds."""
    if found is None:
        return ""
    middle, low, high = found
    return f"{words(middle, 1.0)} ({low:.3g} – {high:.3g})"


def reached(measured: list[dict[str, Any]], rates: dict[str, float]) -> str:
    """The share of what the hardware allows, for cases with a known limit, on one thread."""
    lines = []
    for row in measured:
        case = BY_NAME[row["case"]]
        if case.limit is None or case.limit.name not in rates or row["threads"] != 1:
            continue
        work, seconds = case.limit.work, row.get("cpu") or row["median"]
        if work is None:
            timing = row.get("timing")
            if timing is None:
                continue
            work = timing["reduction_flops"] + timing["product_flops"]
        unit, one = limits.UNITS[case.limit.name]
        share = work / seconds / rates[case.limit.name]
        rate = f"{work / seconds / one:.3g} {unit}"
        lines.append([case.title, rate, case.limit.name, f"{share:.0%}"])
    return rows(["case, one thread", "rate", "limit", "share"], lines) if lines else ""


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
    header = ["case", "threads", "eigenvalues", "eigenvectors", "operators", "rest"]
    header += ["reduction, Gflop", "GF/s", "products, Gflop", "GF/s"]
    return rows(header, lines) if lines else ""


def peers(found: dict[str, Any]) -> str:
    """One shell by LAPACK on one thread, and by us; the rate of dgemm."""
    lines = [
        [
            BY_NAME[name].title,
            f"{shell['blocks']} (≤ {shell['largest']})",
            time(shell["dsyevd"]),
            time(shell["distinct"]),
            time(shell["ours"]),
            words(shell["dsyevd"], shell["ours"]),
        ]
        for name, shell in found["shells"].items()
    ]
    text = rows(
        ["one shell, one thread", "blocks", "dsyevd", "distinct blocks only", "kadanoff", ""], lines
    )
    dgemm = ", ".join(f"{rate:.0f} GF/s at n = {n}" for n, rate in found["dgemm"].items())
    return f"{text}\n\nnumpy's dgemm on one thread: {dgemm}."


def warning(result: dict[str, Any]) -> str:
    """A note if others were computing when the measurement began."""
    m = result["machine"]
    if not busy(m):
        return ""
    load = f"load {m['load']:.1f} on {m['cores']} cores"
    return f"The machine was busy ({load}): wall times are upper bounds."


def document(result: dict[str, Any]) -> str:
    """The whole table."""
    m, measured = result["machine"], result["cases"]
    first = (
        f"Measured on {m['date']} on {m['processor']}, {m['cores']} cores, with "
        f"Python {m['python']}; medians, "
        "every case in processes of its own; memory is the peak of the whole process. Figures of "
        "another program that are named *recorded* are from another day and machine: they stand "
        "beside ours and are not divided by them."
    )
    if result.get("interrupted"):
        first += " The run was interrupted: cases that are missing were not measured."
    parts = [f"{first} {warning(result)}".strip(), cost(measured)]
    parts += _with("Programs run in turns with ours, in the same minutes:", in_turns(measured))
    if rates := result.get("limits"):
        parts += _with(limits.text(rates), reached(measured, rates))
    parts += _with("Where the time goes, and the rates that are reached:", shares(measured))
    if result.get("peer"):
        parts += ["The same blocks by LAPACK (scipy), in the same run:", peers(result["peer"])]
    return "\n\n".join(parts) + "\n"


def _with(heading: str, table: str) -> Iterable[str]:
    return [heading, table] if table else []


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
