"""Build the live pages: ``python -m tools.live``, or ``make web``, into target/live.

Every page is one file. The crate `kadanoff-web` is compiled to WebAssembly with SIMD and goes into
it as base64, beside the worker as text: a page opened from a disk may neither fetch a neighbour nor
start a worker from one.
"""

from __future__ import annotations

import argparse
import base64
import html
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "docs" / "live"
PLACE = ROOT / "target" / "live"
TRIPLE = "wasm32-unknown-unknown"
PAGES = ("kondo", "ising", "dimers", "rsmi", "rbm")
MAX_BYTES = 4_000_000


class NoTargetError(RuntimeError):
    """The standard library for WebAssembly is not installed and could not be."""


def has_target() -> bool:
    """Whether the compiler can build for WebAssembly."""
    command = ["rustc", "--print", "target-libdir", "--target", TRIPLE]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return any(Path(found.stdout.strip()).glob("libstd-*"))


def add_target() -> None:
    """Ask rustup for the target.

    Raises
    ------
    NoTargetError
        There is no rustup, or it cannot have the target.
    """
    if has_target():
        return
    try:
        done = subprocess.run(
            ["rustup", "target", "add", TRIPLE], cwd=ROOT, capture_output=True, text=True
        )
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
    except OSError:
        reason = ["there is no rustup"]
    if not has_target():
        raise NoTargetError(f"no {TRIPLE}: {reason[0]}")


def compiled() -> bytes:
    """The module.

    Raises
    ------
    NoTargetError
        The target cannot be had.
    """
    add_target()
    environment = os.environ | {"RUSTFLAGS": "-C target-feature=+simd128"}
    environment.pop("CARGO_ENCODED_RUSTFLAGS", None)
    command = ["cargo", "build", "--profile", "web", "--target", TRIPLE, "-p", "kadanoff-web"]
    subprocess.run([*command, "--locked"], cwd=ROOT, env=environment, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return (target / TRIPLE / "web" / "kadanoff_web.wasm").read_bytes()


def read(name: str) -> str:
    """A source file."""
    return (SOURCES / name).read_text(encoding="utf-8")


def still(name: str) -> str:
    """The still picture of a page, as an address that holds it."""
    picture = (SOURCES / "still" / f"{name}.png").read_bytes()
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def version() -> str:
    """Of the package."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    found: str = manifest["workspace"]["package"]["version"]
    return found


def page(name: str, module: bytes) -> str:
    """One page, whole.

    Raises
    ------
    ValueError
        It is too large, or something is left to be filled in.
    """
    body = read(f"{name}.html")
    title = re.sub("<[^>]+>", "", re.findall(r"<h1>(.*?)</h1>", body, re.DOTALL)[0])
    parts = {
        "title": html.escape(title),
        "style": read("style.css"),
        "body": body,
        "still": still(name),
        "version": version(),
        "wasm": base64.b64encode(module).decode(),
        "worker": read("worker.js") + read(f"{name}.worker.js"),
        "script": read("page.js") + read(f"{name}.js"),
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], read("page.html"))
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"the page {name} has {len(text.encode())} bytes, at most {MAX_BYTES}")
    return text


def build(place: Path = PLACE) -> list[Path]:
    """All pages, and where they are.

    Raises
    ------
    NoTargetError
        The target cannot be had.
    """
    module = compiled()
    place.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (place / f"{name}.html").write_text(page(name, module), encoding="utf-8")
    return [place / f"{name}.html" for name in PAGES]


def missing(name: str) -> str:
    """What stands in the site for a page that was not built: its picture, and why."""
    title = re.findall(r"<h1>.*?</h1>", read(f"{name}.html"), re.DOTALL)[0]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>{title}'
        f"<p>This page was not built here: it needs {TRIPLE}, see <code>make web</code>.</p>"
        f'<img alt="A still picture of the page" src="{still(name)}">'
        "</html>\n"
    )


def into_site(pages: Path) -> None:
    """Put the pages that were built into a site; a still picture in the place of any other."""
    place = pages / "live"
    place.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        built = PLACE / f"{name}.html"
        text = built.read_text(encoding="utf-8") if built.is_file() else missing(name)
        (place / f"{name}.html").write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--if-possible", action="store_true", help="no target is no failure")
    options = parser.parse_args()
    try:
        for path in build():
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.2f} MB")
    except NoTargetError as reason:
        print(f"live pages: {reason}; they were not built")
        return 0 if options.if_possible else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
