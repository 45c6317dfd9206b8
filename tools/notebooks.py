"""Execute notebooks/NN_name.py (jupytext percent format) into NN_name.ipynb with outputs.

The text file is the source; the .ipynb beside it is what GitHub and JupyterLab show. What differs
from run to run without meaning (times, random cell names, versions) is left out, so that a new
execution shows up in a diff by its results only.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

TIMES = "times.json"

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def source(path: Path) -> NotebookNode:
    """The notebook that a percent-format file describes, with cells named by position."""
    notebook: NotebookNode = nbformat.v4.upgrade(jupytext.read(path, fmt="py:percent"))
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python")
    )
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:03d}"
        cell.metadata = NotebookNode(
            {key: value for key, value in cell.metadata.items() if key == "tags"}
        )
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
            extra_arguments=["--log-level=ERROR"],
        ).execute()
    notebook.metadata = source(path).metadata
    return notebook


def remember(path: Path, budget: str, seconds: float) -> None:
    """Keep how long a notebook took in times.json beside it; the contents page shows it."""
    file = path.parent / TIMES
    times = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    times.setdefault(path.stem, {})[budget] = round(seconds, 1)
    file.write_text(json.dumps(times, indent=1, sort_keys=True) + "\n", encoding="utf-8")


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
        start = time.perf_counter()
        notebook = execute(path, budget=arguments.budget)
        seconds = time.perf_counter() - start
        if not path.stem.startswith("00"):  # the contents themselves
            remember(path, budget, seconds)
        if arguments.time:
            print(f"{seconds:.0f} s", file=sys.stderr)
            continue
        target = path.with_suffix(".ipynb")
        nbformat.write(notebook, target)
        print(f"{seconds:.0f} s, {target.stat().st_size / 1000:.0f} kB", file=sys.stderr)


if __name__ == "__main__":
    main()
