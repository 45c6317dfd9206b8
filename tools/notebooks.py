"""Execute notebooks/NN_name.py (jupytext percent format) into NN_name.ipynb with outputs.

The text file is the source; the .ipynb beside it is what GitHub and JupyterLab show. What differs
from run to run without meaning (times, random cell names, versions) is left out, so that a new
execution shows up in a diff by its results only. Solutions of the exercises are notebooks too, in
notebooks/solutions, under the name of the notebook that asks.

A cell that only draws is folded: ``# %% tags=["hide-input"]``. The site shows its code on demand,
and so does JupyterLab. Figures are stored at twice the resolution of a screen.
"""

import argparse
import base64
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

TIMES = "times.json"
SOLUTIONS = "solutions"
LARGE = 60_000  # characters of a picture in base64
FOLDED = "hide-input"  # the tag, as myst_nb has it
CELL_FILE = re.compile(r"\S*ipykernel_\d+/\d+\.py:\d+: ")
RETINA = "--InlineBackend.figure_formats=retina"

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def source(path: Path) -> NotebookNode:
    """The notebook that a percent-format file describes, with cells named by position."""
    notebook: NotebookNode = nbformat.v4.upgrade(jupytext.read(path, fmt="py:percent"))
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python")
    )
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:03d}"
        tags = list(cell.metadata.get("tags", ()))
        kept: dict[str, Any] = {"tags": tags} if tags else {}
        if FOLDED in tags:  # what JupyterLab reads
            kept["jupyter"] = NotebookNode(source_hidden=True)
        cell.metadata = NotebookNode(kept)
    return notebook


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables, which the kernel inherits, for the time of a ``with``."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def execute(path: Path, *, budget: str | None = None, timeout: float = 1800) -> NotebookNode:
    """The executed notebook; an error in a cell is raised as nbclient's CellExecutionError."""
    notebook = source(path)
    environment = {
        # The kernel of this environment, not one that the user installed under the same name.
        "JUPYTER_PREFER_ENV_PATH": "1",
        # A progress bar that nobody watches would be stored as a broken widget.
        "KADANOFF_PROGRESS": "0",
        # The inline backend of the kernel, whatever the caller uses.
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    if budget is not None:
        environment["KADANOFF_BUDGET"] = budget
    with TemporaryDirectory() as runtime, _environment(JUPYTER_RUNTIME_DIR=runtime, **environment):
        NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name=KERNEL["name"],
            resources={"metadata": {"path": str(path.resolve().parent)}},
            record_timing=False,
            # Printed lines are one output, however they were cut into messages.
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR", RETINA],
        ).execute()
    notebook.metadata = source(path).metadata
    return notebook


def without_cells_files(notebook: NotebookNode) -> None:
    """Warnings without the temporary file that a kernel makes of a cell, which has its number."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.get("name") == "stderr":
                output["text"] = CELL_FILE.sub("", output["text"])


def lighten(notebook: NotebookNode) -> None:
    """Store large pictures with 256 colours, as lines and text need no more."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            picture = output.get("data", {}).get("image/png")
            if picture is not None and len(picture) > LARGE:
                output["data"]["image/png"] = with_256_colours(picture)


def with_256_colours(picture: str) -> str:
    """A picture, PNG in base64, with a palette; as it was where that is no smaller."""
    from PIL import Image

    with Image.open(BytesIO(base64.b64decode(picture))) as image:
        white = Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    made = BytesIO()
    reduced = flat.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    reduced.save(made, "PNG", optimize=True)
    found = base64.b64encode(made.getvalue()).decode()
    return min(found, picture, key=len)


def remember(path: Path, budget: str, seconds: float) -> None:
    """Keep how long a notebook took in times.json of the course; the contents page shows it.

    Seconds of the processor time of the kernel and its children, which other work on the machine
    does not change.
    """
    of_solutions = path.parent.name == SOLUTIONS
    file = (path.parent.parent if of_solutions else path.parent) / TIMES
    name = f"{SOLUTIONS}/{path.stem}" if of_solutions else path.stem
    times = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    times.setdefault(name, {})[budget] = round(seconds, 1)
    file.write_text(json.dumps(times, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def processor_time() -> float:
    """Seconds of processor time of this process and of the children that have ended."""
    spent = os.times()
    return sum(spent[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="percent-format files")
    parser.add_argument("--budget", help="quick, normal or full; default: KADANOFF_BUDGET")
    parser.add_argument("--time", action="store_true", help="measure only, write no notebook")
    arguments = parser.parse_args()
    budget = arguments.budget or os.environ.get("KADANOFF_BUDGET") or "normal"
    # The contents last: it shows the times of the others.
    for path in sorted(arguments.notebooks, key=lambda path: path.stem.startswith("00")):
        print(f"{path} ... ", end="", file=sys.stderr, flush=True)
        start = processor_time()
        notebook = execute(path, budget=arguments.budget)
        seconds = processor_time() - start
        if not path.stem.startswith("00"):  # the contents themselves
            remember(path, budget, seconds)
        if arguments.time:
            print(f"{seconds:.0f} s", file=sys.stderr)
            continue
        without_cells_files(notebook)
        lighten(notebook)
        target = path.with_suffix(".ipynb")
        nbformat.write(notebook, target)
        print(f"{seconds:.0f} s, {target.stat().st_size / 1000:.0f} kB", file=sys.stderr)


if __name__ == "__main__":
    main()
