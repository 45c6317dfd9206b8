"""Build the site: docs/site, the committed notebooks, and the docstrings, into target/site.

The reference and the table of solvers are written from the package itself. The programs of the
guide run, and their outputs and pictures follow them; notebooks are shown as they were committed.
Nothing is fetched, no page asks another host for anything; a warning is an error. The live pages of
`make web` join it.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from tools import gallery, guide, live, mathml, reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "site"
NOTEBOOKS = ROOT / "notebooks"
TARGET = ROOT / "target" / "site"


def solvers() -> str:
    """Which solver when, from what the solvers say of themselves."""
    from kadanoff.dmft import SOLVERS

    rows = [
        f"| `{solver.name}` | {solver.valid} | {solver.cost} | "
        f"{', '.join(f'`{option}`' for option in solver.options) or 'none'} |".replace("**", "^")
        for solver in SOLVERS.values()
    ]
    return "\n".join(["| solver | right for | cost | options |", "|---|---|---|---|", *rows])


def course(notebooks: Sequence[Path]) -> str:
    """The questions of the notebooks: the table that the first of them prints."""
    for cell in json.loads(notebooks[0].read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/markdown", []))
            if ".ipynb)" in text:
                return re.sub(r"\]\((\w+\.ipynb)\)", r"](notebooks/\1)", text)
    return ""


def sources(
    target: Path, notebooks: Sequence[Path], *, outputs: Container[str] | None = None
) -> None:
    """Everything that Sphinx reads, in one folder; `outputs` names the pages whose programs run."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(PAGES, target, ignore=shutil.ignore_patterns("*.in", "*.toml", "__pycache__"))
    made = {
        "solvers.md": solvers(),
        "questions.md": guide.table_of_questions(PAGES / "questions.toml"),
        "course.md": course(notebooks),
        "gallery.md": gallery.page(notebooks, target),
    }
    for name, table in made.items():
        text = (PAGES / f"{name}.in").read_text(encoding="utf-8")
        (target / name).write_text(text.replace("{{table}}", table), encoding="utf-8")
    for page in sorted(target.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        wanted = outputs is None or page.name in outputs
        if wanted and guide.blocks(text) and page.name != "questions.md":
            text = guide.ran(text, page.name, target / "_pictures")
            page.write_text(text, encoding="utf-8")
    reference.write(target)
    (target / "_static" / mathml.FONT).write_bytes(mathml.font())
    (target / "notebooks" / "solutions").mkdir(parents=True)
    for notebook in notebooks:
        shutil.copyfile(notebook, target / "notebooks" / notebook.name)
    for solved in sorted(NOTEBOOKS.glob("solutions/[0-9][0-9]_*.ipynb")):
        shutil.copyfile(solved, target / "notebooks" / "solutions" / solved.name)


def build(
    target: Path = TARGET,
    *,
    strict: bool = True,
    outputs: Container[str] | None = None,
    more: Sequence[Path] = (),
) -> Path:
    """Build the site and return the folder of its pages.

    Parameters
    ----------
    target
        The folder to write into.
    strict
        A warning is an error.
    outputs
        Pages of the guide whose programs run; None for all.
    more
        Notebooks beside those of the course.

    Raises
    ------
    RuntimeError
        Sphinx found something to warn about, or a program of the guide does not run.
    """
    from sphinx.cmd.build import build_main

    source, pages = target / "source", target / "html"
    notebooks = [*sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")), *more]
    sources(source, notebooks, outputs=outputs)
    arguments = ["-q", "-b", "html", "-d", str(target / "doctrees")]
    arguments += ["-W", "--keep-going"] if strict else []
    if build_main([*arguments, str(source), str(pages)]) != 0:
        raise RuntimeError("the site has warnings")
    live.into_site(pages)
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


def other_hosts(pages: Path) -> Iterator[tuple[str, str]]:
    """(page, address) of every script, style, font or picture that is not part of the site.

    Links that a reader follows (``<a href>``) may lead anywhere.
    """
    remote = r"(?:https?:)?//[^\s\"')>]+"
    element = re.compile(r"<(?!a\b)[a-z][^>]*>", flags=re.IGNORECASE)
    attribute = re.compile(rf"\b(?:src|srcset|href|data|poster|action)=[\"']?({remote})")
    style = re.compile(rf"(?:url\(\s*[\"']?|@import\s+[\"'])({remote})")
    for page in sorted([*pages.rglob("*.html"), *pages.rglob("*.css")]):
        text = page.read_text(encoding="utf-8")
        found = style.findall(text)
        if page.suffix == ".html":
            found += [a for tag in element.findall(text) for a in attribute.findall(tag)]
        for address in found:
            yield page.relative_to(pages).as_posix(), address


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, default=TARGET, help="default target/site")
    parser.add_argument("--lenient", action="store_true", help="warnings are not errors")
    parser.add_argument("--without-outputs", action="store_true", help="run no program of a page")
    options = parser.parse_args()
    try:
        outputs = () if options.without_outputs else None
        pages = build(options.target, strict=not options.lenient, outputs=outputs)
    except RuntimeError as error:
        sys.exit(f"make docs: {error}")
    broken = list(broken_links(pages))
    for page, link in broken:
        print(f"{page}: {link} leads nowhere", file=sys.stderr)
    foreign = list(other_hosts(pages))
    for page, address in foreign:
        print(f"{page} asks another host: {address}", file=sys.stderr)
    if broken or foreign:
        sys.exit(1)
    print(pages / "index.html")


if __name__ == "__main__":
    main()
