"""Write the generated parts of ARCHITECTURE.md: the map of the tree and the table of exceptions.

The map lists every room of the package and every crate with the first sentence of its
documentation and its modules. ``python -m tools.architecture`` writes it anew.
"""

import argparse
import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "ARCHITECTURE.md"
PACKAGE = ROOT / "python/kadanoff"
CRATES = ROOT / "rust"

MARKERS = "<!-- {0}:begin (written by `python -m tools.architecture`) -->", "<!-- {0}:end -->"
WIDTH = 100


def sentence(text: str) -> str:
    """The first sentence of a documentation, on one line."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    first = re.split(r"(?<=\.)\s+(?=[A-Z`])", paragraph)[0]
    return first.replace("``", "`").rstrip(",:")


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def crate_docs(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line[3:].strip() for line in lines if line.startswith("//!"))


# From the ground up; a pillar that is not named here comes last.
PILLARS = (
    "_base",
    "runs",
    "bands",
    "greens",
    "impurities",
    "dmft",
    "rbm",
    "lattices",
    "lab",
    "cli",
)


def rooms() -> list[Path]:
    """The folders of the package, from the ground up, each after the one that holds it."""
    found = [path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE]

    def rank(path: Path) -> tuple[int, tuple[str, ...]]:
        parts = path.relative_to(PACKAGE).parts
        return PILLARS.index(parts[0]) if parts[0] in PILLARS else len(PILLARS), parts

    return sorted(found, key=rank)


def modules(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def crates() -> list[Path]:
    """The folders of the crates: the foundation first, the bindings last."""
    order = ["runtime", "linalg"]
    found = sorted(path.parent for path in CRATES.glob("*/Cargo.toml"))

    def rank(path: Path) -> int:
        name = path.name
        return order.index(name) if name in order else 98 + (name == "bindings")

    return sorted(found, key=rank)


def crate_modules(crate: Path) -> list[str]:
    """Modules of a crate at its top; those inside of them are found there."""
    found = set()
    for path in (crate / "src").rglob("*.rs"):
        name = path.relative_to(crate / "src").with_suffix("").as_posix()
        name = name.removesuffix("/mod")
        if name != "lib" and path.stem != "tests" and "/" not in name:
            found.add(name)
    return sorted(found)


def _entry(name: str, text: str, names: list[str]) -> Iterator[str]:
    yield f"{name:<33}{text}"
    if names:
        yield from textwrap.wrap(
            ", ".join(names), WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4,
            break_on_hyphens=False,
        )  # fmt: skip


def tree() -> str:
    """The map."""
    lines = ["```"]
    for crate in crates():
        text = sentence(crate_docs(crate / "src/lib.rs"))
        lines += _entry(f"rust/{crate.name}", text, crate_modules(crate))
    lines.append("")
    lines += _entry("python/kadanoff", sentence(docstring(PACKAGE / "__init__.py")), [])
    for room in rooms():
        name = room.relative_to(PACKAGE).as_posix()
        lines += _entry(name, sentence(docstring(room / "__init__.py")), modules(room))
    return "\n".join([*lines, "```"])


def exceptions() -> str:
    """The exceptions of the package: name, base, when."""
    lines = ["| exception | is a | when |", "|---|---|---|"]
    path = PACKAGE / "_base/errors.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            bases = ", ".join(f"`{ast.unparse(base)}`" for base in node.bases)
            text = sentence(ast.get_docstring(node) or "")
            lines.append(f"| `{node.name}` | {bases} | {text} |")
    return "\n".join(lines)


PARTS = {"map": tree, "exceptions": exceptions}


def filled(page: str) -> str:
    """The page with its generated parts written anew."""
    for name, part in PARTS.items():
        begin, end = (marker.format(name) for marker in MARKERS)
        head, found, rest = page.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"ARCHITECTURE.md lacks the markers {begin} and {end}")
        page = f"{head}{begin}\n\n{part()}\n\n{end}{rest.partition(end)[2]}"
    return page


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
