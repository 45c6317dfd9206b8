"""Displayed formulas of docstrings: plain text there, LaTeX on the site.

The LaTeX is that of `docs/site/formulas.toml`.
"""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

__all__ = ["TABLE", "blocks", "rendered", "table"]

TABLE = Path(__file__).resolve().parent.parent / "docs" / "site" / "formulas.toml"


def _key(text: str) -> str:
    return " ".join(text.split())


@cache
def table() -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """(LaTeX, text behind it) by the formula, and beginnings of blocks that are no formulas."""
    given = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    latex = {
        _key(entry["text"]): (entry["latex"].strip(), entry.get("then", ""))
        for entry in given["formula"]
    }
    return latex, tuple(_key(text) for text in given["plain"])


def blocks(lines: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first, last + 1, text) of the indented blocks that follow an empty line."""
    found, k = [], 1
    while k < len(lines):
        if not (lines[k].startswith("    ") and lines[k].strip()) or lines[k - 1].strip():
            k += 1
            continue
        end = k
        while end < len(lines) and lines[end].startswith("    ") and lines[end].strip():
            end += 1
        text = _key(" ".join(lines[k:end]))
        if not text.startswith((">>>", "...", "..", "*")):
            found.append((k, end, text))
        k = end
    return found


def rendered(lines: Sequence[str]) -> list[str]:
    """A docstring whose known formulas are directives of mathematics."""
    latex, _ = table()
    new = list(lines)
    for first, end, text in reversed(blocks(lines)):
        if text not in latex:
            continue
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip()) - 4]
        formula, then = latex[text]
        shown = [f"{indent}    {line}" for line in formula.splitlines()]
        behind = [f"{indent}{then}", ""] if then else []
        new[first:end] = [f"{indent}.. math::", "", *shown, "", *behind]
        before = next(k for k in range(first - 1, -1, -1) if new[k].strip())
        if new[before].rstrip().endswith("::"):
            new[before] = new[before].rstrip()[:-2].rstrip() + ":"
    return new
