"""What the programs of the guide print and draw, and the pages that are made from tables.

The blocks of Python of a page are one program. It runs when the site is built, and what a block
prints and draws follows it. A comment line ``% figure: ...`` behind the block is the caption.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["BLOCK", "GuideError", "blocks", "questions", "ran", "run", "table_of_questions"]

BLOCK = re.compile(
    r"^```python\n(.*?)^```\n((?:% figure: [^\n]*\n)*)", flags=re.MULTILINE | re.DOTALL
)

# Runs in a process of its own: warnings are errors, as in the test that this replaces.
DRIVER = """
import contextlib, io, json, sys
blocks, name = json.loads(sys.stdin.read())
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
matplotlib.rcParams["svg.hashsalt"] = name
space, found = {"__name__": "__main__"}, []
for line, code in blocks:
    text, figures = io.StringIO(), []
    with contextlib.redirect_stdout(text):
        exec(compile("\\n" * (line - 1) + code, name, "exec"), space)
    for number in plt.get_fignums():
        picture = io.StringIO()
        how = {"format": "svg", "bbox_inches": "tight", "metadata": {"Date": None}}
        plt.figure(number).savefig(picture, **how)
        figures.append(picture.getvalue())
    plt.close("all")
    found.append([text.getvalue(), figures])
print(json.dumps(found))
"""


class GuideError(RuntimeError):
    """A program of the guide does not run, or draws a picture without a caption."""


def blocks(text: str) -> list[tuple[int, str]]:
    """(line of the page, code) of every block."""
    return [(text[: m.start()].count("\n") + 2, m[1]) for m in BLOCK.finditer(text)]


def run(text: str, name: str) -> list[tuple[str, list[str]]]:
    """Run the program of a page; (what it prints, its pictures as SVG) of each block.

    Raises
    ------
    GuideError
        The program raises an error or warns.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", DRIVER],
            input=json.dumps([blocks(text), name]),
            cwd=folder,
            env={**os.environ, "KADANOFF_PROGRESS": "0", "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise GuideError(f"{name}: {done.stderr.strip()}")
    return [(text, figures) for text, figures in json.loads(done.stdout.splitlines()[-1])]


def ran(text: str, name: str, pictures: Path) -> str:
    """A page with the outputs and pictures of its program behind each block.

    Raises
    ------
    GuideError
        The program does not run, or a picture has no caption.
    """
    results = iter(run(text, name))
    stem = name.partition(".")[0]
    count = 0

    def behind(match: re.Match[str]) -> str:
        nonlocal count
        printed, figures = next(results)
        captions = re.findall(r"^% figure: (.*)$", match[2], flags=re.MULTILINE)
        if len(captions) != len(figures):
            raise GuideError(
                f"{name}: {len(figures)} pictures and {len(captions)} lines '% figure:'"
            )
        lines = [f"```python\n{match[1]}```\n"]
        if printed.strip():
            lines.append(f"::::{{container}} output\n```text\n{printed.rstrip()}\n```\n::::\n")
        for figure, caption in zip(figures, captions, strict=True):
            count += 1
            file = f"{stem}-{count}.svg"
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / file).write_text(figure, encoding="utf-8")
            alt = re.sub(r"[$\\{}]", "", caption)
            lines.append(f":::{{figure}} _pictures/{file}\n:alt: {alt}\n\n{caption}\n:::\n")
        return "\n".join(lines)

    return BLOCK.sub(behind, text)


def questions(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of `questions.toml`: question, code, see, and whether the code is cheap."""
    yield from tomllib.loads(path.read_text(encoding="utf-8"))["question"]


def table_of_questions(path: Path) -> str:
    """ "Which call answers my question": questions, links and lines of code, by pillar."""
    given = list(questions(path))
    lines: list[str] = []
    for pillar in dict.fromkeys(entry["pillar"] for entry in given):
        lines += ["", f"## {pillar}"]
        for entry in (entry for entry in given if entry["pillar"] == pillar):
            lines += ["", ":::{container} question", f"**{entry['ask']}**", "", entry["see"], ":::"]
            lines += ["```python", entry["code"].strip(), "```"]
    return "\n".join([*lines, ""])
