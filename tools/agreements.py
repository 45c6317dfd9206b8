"""Numbers of the page of agreements that come from the committed outputs of a notebook.

``python -m tools.agreements`` rewrites the cells "here" of the rows of `ROWS`. A pattern is a line
of an output in which ``#`` stands for a number, and ``*`` for one that is not shown; two are a
value and its error.

>>> with_error("2.2676", "0.0019"), with_error("0.9377", "0.0061")
('2.2676(19)', '0.938(6)')
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/site/agreements.md"
OTHER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
NUMBER = r"([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"


@dataclass(frozen=True)
class Row:
    """The cell "here" of one row: ``{0}``, ``{1}``, ... are the numbers of the patterns."""

    notebook: str
    cell: str
    patterns: tuple[str, ...]


ROWS = {
    "Fig. 2(b)": Row(
        "01",
        "{0} and {1} for the Anderson model",
        ("aim   t(0) = #", "aim   t(0) = *   t(T_K) = #"),
    ),
    "Fig. 3(a, b)": Row(
        "01",
        "ratio of $T_K$ from {0} to {1} over all U",
        ("T_K(J_ML) / T_K(AIM): #", "T_K(J_ML) / T_K(AIM): * ... #"),
    ),
    "Fig. S1": Row(
        "01",
        "{0} with γ = π²/4, {1} with γ free, for Λ → 1: see [limits](limits.md)",
        ("-> 1   # +- #  *%   * +- *  * +- *", "-> 1   * +- *  *%   # +- #"),
    ),
    "Fig. S2": Row("01", "{0}", ("-> 1   # +- #  * +- *    *%",)),
    "$T_c$ and ν by collapse": Row(
        "07",
        "{0}, {1} for L = 16 to 128",
        ("T_c = # +- #, nu = * +- *, chi^2", "nu = # +- #, chi^2"),
    ),
    "phases from configurations": Row("06", "{0} for L = 16 and 32", ("L = 16, 32: T_c = # +- #",)),
    "receptive fields (after Mehta and Schwab)": Row(
        "05",
        "{0} of 256 sites, {1} of the weight in a 4 × 4 window; {2} % of the units do not localise",
        (
            "trained at T = 2.45 #",
            "trained at T = 2.45 * * #",
            "But it is no RG yet: #% of the units",
        ),
    ),
    "self-learning Monte Carlo": Row(
        "06",
        "{0}; τ from {1} to {2} at L = 48",
        (
            "round 2: J_1 = #,",
            "single spins tau = *, *, *, *, *, #;",
            "learned, 1 shell tau = *, *, *, *, *, #;",
        ),
    ),
    "square → triangular lattice": Row("06", "{0}", ("T_c of the triangular lattice: # +- #",)),
}


def with_error(value: str, error: str) -> str:
    """A value with its error in brackets, of one digit, or two if the first one is 1."""
    e = float(error)
    digits = -math.floor(math.log10(e))
    if e * 10**digits < 1.95:
        digits += 1
    return f"{float(value):.{digits}f}({round(e * 10**digits)})"


def outputs(notebook: str) -> str:
    """The text of all committed outputs of a notebook."""
    (path,) = (ROOT / "notebooks").glob(f"{notebook}_*.ipynb")
    found = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            found.append("".join(output.get("text", "")))
            data = output.get("data", {})
            found += ["".join(data[kind]) for kind in data if kind.startswith("text/")]
    return "\n".join(found)


def numbers(pattern: str, text: str) -> str:
    """The number, with its error if there is one, that a pattern finds.

    Raises
    ------
    LookupError
        There is no such line.
    """
    parts = [re.sub(r"(?:\\ )+", r"\\s+", re.escape(part)) for part in pattern.split("#")]
    parts = [part.replace(r"\*", OTHER) for part in parts]
    found = re.search(NUMBER.join(parts), text)
    if found is None:
        raise LookupError(f"no line {pattern!r}")
    return found[1] if found.re.groups == 1 else with_error(found[1], found[2])


def rendered(row: Row) -> str:
    """The cell of a row."""
    text = outputs(row.notebook)
    return row.cell.format(*(numbers(pattern, text) for pattern in row.patterns))


def page() -> str:
    """The page, its cells as the notebooks have them now.

    Raises
    ------
    LookupError
        A row, or a line of a notebook, does not exist.
    """
    lines = PAGE.read_text(encoding="utf-8").split("\n")
    for label, row in ROWS.items():
        at = [k for k, line in enumerate(lines) if line.startswith(f"| {label} |")]
        if len(at) != 1:
            raise LookupError(f"{len(at)} rows {label!r}")
        cells = re.split(r"(?<!\\)\|", lines[at[0]])
        cells[3] = f" {rendered(row)} "
        lines[at[0]] = "|".join(cells)
    return "\n".join(lines)


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
