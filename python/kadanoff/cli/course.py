"""``kadanoff lab``: JupyterLab on the notebooks."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["add"]

CLONE = Path(__file__).resolve().parents[3] / "notebooks"


def add(commands: Any) -> None:
    """Add the command to the parser."""
    lab = commands.add_parser(
        "lab",
        help="JupyterLab on the notebooks",
        description="Open JupyterLab on the notebooks of a clone, on ./notebooks, or on FOLDER. "
        "Options that are not known here (--no-browser, --port=8900) go to JupyterLab.",
    )
    lab.add_argument("folder", nargs="?", metavar="FOLDER", help="where to open it")
    lab.set_defaults(command=_lab, takes_rest=True)


def folder(given: str | None) -> Path:
    """Where JupyterLab opens.

    Raises
    ------
    ValueError
        `given` is no folder.
    """
    if given is not None:
        if not Path(given).is_dir():
            raise ValueError(f"FOLDER must be an existing folder, got {given!r}")
        return Path(given)
    for candidate in (CLONE, Path("notebooks")):
        if candidate.is_dir():
            return candidate
    print("no notebooks here: they come with the source. Opening this folder.", file=sys.stderr)
    return Path()


def _lab(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImportError("JupyterLab is not installed: pip install 'kadanoff[lab]'")
    where = f"--ServerApp.root_dir={folder(options.folder).resolve()}"
    return subprocess.call([sys.executable, "-m", "jupyterlab", where, *options.rest])
