"""Build the site: docs/site, the committed notebooks, and the docstrings, into target/site.

The pages of the reference and the table of solvers are written from the package itself. Nothing is
executed and nothing is fetched; a warning is an error.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "site"
NOTEBOOKS = ROOT / "notebooks"
TARGET = ROOT / "target" / "site"

# What a newcomer meets first, in the order of the pillars.
FIRST: tuple[str, ...] = (
    "models",
    "bands",
    "nrg",
    "effective",
    "dynamics",
    "ising",
    "potts",
    "dimers",
    "rsmi",
    "blockspin",
)


def modules() -> list[str]:
    """The modules of the face: ``kd.nrg``, ``kd.ising``, ... with what they re-export."""
    import kadanoff

    found = {
        name for name in kadanoff.__all__ if isinstance(getattr(kadanoff, name), ModuleType)
    } | {"testing"}
    return [*(name for name in FIRST if name in found), *sorted(found - set(FIRST))]


def reference(name: str) -> str:
    """The page of a module."""
    return f"""\
# kadanoff.{name}

```{{eval-rst}}
.. automodule:: kadanoff.{name}
   :members:
   :imported-members:
   :show-inheritance:
```
"""


def contents(names: Sequence[str]) -> str:
    """The page that lists the modules by their first lines."""
    lines = ["# Reference", "", "| module | |", "|---|---|"]
    for name in names:
        first = (import_module(f"kadanoff.{name}").__doc__ or "").strip().splitlines()[0]
        lines.append(f"| [kadanoff.{name}](api/{name}.md) | {first.replace('|', chr(92) + '|')} |")
    tree = "\n".join(f"api/{name}" for name in names)
    return "\n".join(lines) + f"\n\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"


def solvers() -> str:
    """Which solver when, from what the solvers say of themselves."""
    from kadanoff.dmft import SOLVERS

    rows = [
        f"| `{solver.name}` | {solver.valid} | {solver.cost} | "
        f"{', '.join(f'`{option}`' for option in solver.options) or 'none'} |".replace("**", "^")
        for solver in SOLVERS.values()
    ]
    text = (PAGES / "solvers.md.in").read_text(encoding="utf-8")
    table = "\n".join(["| solver | right for | cost | options |", "|---|---|---|---|", *rows])
    return text.replace("{{table}}", table)


def sources(target: Path, notebooks: Sequence[Path]) -> None:
    """Everything that Sphinx reads, in one folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(PAGES, target, ignore=shutil.ignore_patterns("*.in", "__pycache__"))
    (target / "solvers.md").write_text(solvers(), encoding="utf-8")
    names = modules()
    (target / "api.md").write_text(contents(names), encoding="utf-8")
    (target / "api").mkdir()
    for name in names:
        (target / "api" / f"{name}.md").write_text(reference(name), encoding="utf-8")
    (target / "notebooks").mkdir()
    for notebook in notebooks:
        text = notebook.read_text(encoding="utf-8")
        # Markdown that a cell has put out is shown as it is: its links must lead to pages.
        if notebook.stem.startswith("00"):
            text = text.replace(".ipynb)", ".html)")
        (target / "notebooks" / notebook.name).write_text(text, encoding="utf-8")


def build(target: Path = TARGET, *, strict: bool = True) -> Path:
    """Build the site and return the folder of its pages.

    Raises
    ------
    RuntimeError
        Sphinx found something to warn about.
    """
    from sphinx.cmd.build import build_main

    source, pages = target / "source", target / "html"
    sources(source, sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")))
    arguments = ["-q", "-b", "html", "-d", str(target / "doctrees")]
    arguments += ["-W", "--keep-going"] if strict else []
    if build_main([*arguments, str(source), str(pages)]) != 0:
        raise RuntimeError("the site has warnings")
    return pages


def broken_links(pages: Path) -> Iterator[tuple[str, str]]:
    """(page, link) of every link within the site that leads nowhere."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.links: list[str] = []
            self.anchors: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "a" and given.get("href"):
                self.links.append(str(given["href"]))
            if tag == "img" and given.get("src"):
                self.links.append(str(given["src"]))
            if given.get("id"):
                self.anchors.add(str(given["id"]))

    read: dict[Path, Reader] = {}
    for page in sorted(pages.rglob("*.html")):
        read[page] = Reader()
        read[page].feed(page.read_text(encoding="utf-8"))
    for page, reader in read.items():
        for link in reader.links:
            if ":" in link.partition("/")[0]:  # https:, data:, mailto:
                continue
            path, _, anchor = link.partition("#")
            there = (page.parent / path).resolve() if path else page
            known = read[there].anchors if there in read else None
            if not there.exists() or (anchor and known is not None and anchor not in known):
                yield page.relative_to(pages).as_posix(), link


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, default=TARGET, help="default target/site")
    parser.add_argument("--lenient", action="store_true", help="warnings are not errors")
    options = parser.parse_args()
    try:
        pages = build(options.target, strict=not options.lenient)
    except RuntimeError as error:
        sys.exit(f"make docs: {error}")
    broken = list(broken_links(pages))
    for page, link in broken:
        print(f"{page}: {link} leads nowhere", file=sys.stderr)
    if broken:
        sys.exit(1)
    print(pages / "index.html")


if __name__ == "__main__":
    main()
