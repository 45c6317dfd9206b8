"""The table of the soak on the site: from the committed results, between two markers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.paths import ROOT
from tests.soak.rows import read

PAGE = ROOT / "docs/site/agreements.md"
BEGIN, END = "<!-- soak:begin (written by `make soak`) -->", "<!-- soak:end -->"


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A paragraph and a table for each topic."""
    parts = []
    for name, result in results.items():
        where = f"`tests/soak/{name}.py`, seed {result['seed']}, commit {result['commit'][:10]}"
        parts += [f"{result['sentence']} ({where})", "\n".join(_lines(result["rows"]))]
    return "\n\n".join(parts)


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| quantity | found | limit |"
    yield "|---|---|---|"
    for row in rows:
        failed = "" if row["holds"] else ", **does not hold**"
        limit = row["limit"] if isinstance(row["limit"], str) else f"{row['limit']:g}"
        yield f"| {_cell(row['quantity'])} | {_number(row['value'])}{failed} | {_cell(limit)} |"


def _cell(text: str) -> str:
    """Text of a cell: a bar of its own, as in "|dZ|", does not end it."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def publish(page: Path = PAGE) -> None:
    """Put the table of the committed results into the page.

    Raises
    ------
    ValueError
        A marker is missing.
    """
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", flags=re.DOTALL)
    after, places = pattern.subn(lambda _: f"{BEGIN}\n\n{table(read())}\n\n{END}", before)
    if places != 1:
        raise ValueError(f"{page} must hold {BEGIN} and {END}, in order")
    page.write_text(after, encoding="utf-8")
