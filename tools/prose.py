"""Prose of pages, notebooks and docstrings: proselint, and phrases that readers stumble over.

``python -m tools.prose`` prints one line per finding, and ends with 1 if there is one.

>>> text = "The answer is exact. It costs two sweeps a site."
>>> [found.phrase for found in phrases(text)]
['two sweeps a site']
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "tools/proselint.json"
PAGES = ("*.md", "docs/site/*.md", "docs/site/*.md.in")
NOTEBOOKS = "notebooks/**/[0-9][0-9]_*.py"
DOCSTRINGS = "python/kadanoff/**/*.py"
WRITTEN_BY_OTHERS = ("CODE_OF_CONDUCT.md",)

COUNTED = (
    "additions|bytes|calls|cores?|cycles|configurations|entries|files?|flips|iterations|kB|lines?|loops?|MB|"
    "minutes?|ms|multiplications|numbers?|operations|points?|processes|runs?|samples|seconds?|sites|solutions|"
    "solves|spins|states|steps|sums|sweeps|temperatures|times?|units|values|vectors"
)
OVER = (
    "block|call|chain|core|couplings?|decade|file|flavour|frequency|iteration|lattice|line|minute|multiplet|"
    "orbital|pair|pass|point|process|row|run|sample|second|shell|site|solve|spin|state|step|sweep|"
    "temperature|thread|unit|update|value"
)
PHRASES = {
    r"\b(?!that\b|had\b)([a-z]{2,}) \1\b": "the word once",
    # "an X a Y" for X per Y
    rf"\b(?:one|two|three|four|five|ten|\d[\d.,]*) (?:{COUNTED}) an? (?:{OVER})\b": "per",
    r"\b(?:once|twice) an? (?:" + OVER + r")\b": "once per ...",
    r"\bwhat there is\b": "the noun",
    r"\b(?:nobody|somebody)(?:'s)?\b": "no one, or the noun: no user, no method",
    r"\bis told (?:that|what|how|where)\b": "receives, or is given",
    r"\bto the last sigma\b": "within error bars",
    r"\bhang on a slider\b": "drive from a slider",
    r"\bright to the last\b": "exact, or the number of digits",
    r"\btimes are too long\b": "timings are upper bounds",
    r"\b0\.\d+x faster\b": "slower",
}


# Findings of proselint that are right here: a class of algorithms, "for free dimers", the energy
# 4U, and `color`, the argument of matplotlib.
TERMS = ("'divide and conquer'", "'for free'", "'4U'", "(vs. 'color')")


class Finding(NamedTuple):
    line: int
    phrase: str
    better: str


def phrases(text: str) -> Iterator[Finding]:
    """Phrases of the list, with the number of their line and what to write instead."""
    for pattern, better in PHRASES.items():
        for found in re.finditer(pattern, text, flags=re.IGNORECASE):
            yield Finding(text.count("\n", 0, found.start()) + 1, found[0], better)


def prose_of(path: Path) -> str:
    """The prose of a file, each line where it is in the file, without code and formulas."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = _markdown_cells(text) if "notebooks" in path.parts else _docstrings(text)
    for pattern in (
        r"^```.*?^```",
        r"<!--.*?-->",
        r"``[^`]+``",
        r"`[^`\n]+`",
        r"\$\$.*?\$\$",
        r"\$[^$\n]+\$",
        r"\]\([^)\n]*\)",
        r"https?://\S+",
        r"^\s*>>> .*$|^\s*\.\.\. .*$",
    ):
        text = re.sub(pattern, _blank, text, flags=re.DOTALL | re.MULTILINE)
    return text


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _markdown_cells(text: str) -> str:
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith("# %%"):
            inside = "[markdown]" in line
            lines.append("")
        else:
            lines.append(line.removeprefix("#").removeprefix(" ") if inside else "")
    return "\n".join(lines)


def _docstrings(text: str) -> str:
    lines = [""] * (text.count("\n") + 1)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        first = node.body[0] if node.body else None
        if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
            continue
        if isinstance(first.value.value, str):
            for k, line in enumerate(first.value.value.splitlines()):
                lines[first.lineno - 1 + k] = line
    return "\n".join(lines)


def files() -> list[Path]:
    """Pages, notebooks and modules."""
    found = [p for pattern in (*PAGES, NOTEBOOKS, DOCSTRINGS) for p in sorted(ROOT.glob(pattern))]
    return [path for path in found if path.name not in WRITTEN_BY_OTHERS]


def linted(texts: dict[Path, str]) -> list[str]:
    """What proselint finds in the pages and notebooks."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in texts.items():
            copy = Path(folder) / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.with_suffix(copy.suffix + ".md").write_text(text, encoding="utf-8")
        words = [sys.executable, "-m", "proselint", "check", "--config", str(CONFIG), folder]
        found = subprocess.run(words, capture_output=True, text=True, check=False)
        if found.returncode not in (0, 1):
            raise RuntimeError(found.stderr)
        return [
            line.removeprefix(folder + "/").replace(".md:", ":", 1)
            for line in found.stdout.splitlines()
            if line.startswith(folder) and not any(term in line for term in TERMS)
        ]


def main() -> int:
    """Print the findings; 1 if there are any."""
    texts = {path: prose_of(path) for path in files()}
    found = [
        f"{path.relative_to(ROOT)}:{one.line}: {one.phrase!r}: write {one.better}"
        for path, text in texts.items()
        for one in phrases(text)
    ]
    found += linted(texts)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
