"""``kadanoff lab``: JupyterLab on the notebooks."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

__all__ = ["add"]

CLONE = Path(__file__).resolve().parents[3] / "notebooks"
# what a wheel brings (packaging/wheel), and the copy that a user may write to
PACKAGED = Path(sysconfig.get_path("data")) / "share" / "kadanoff" / "notebooks"
COPY = Path("kadanoff_course")
# A link to another notebook of the course, of which a wheel brings the text file alone.
LINK = re.compile(r"\(((?:\.\./|solutions/)?(?:\d\d_\w+|\{name\}))\.ipynb\)")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    lab = commands.add_parser(
        "lab",
        help="JupyterLab on the notebooks",
        description="Open JupyterLab on the notebooks of a clone, on ./notebooks, or on FOLDER. "
        f"Without any, the notebooks of the package are copied to ./{COPY} first. "
        "Options that are not known here (--no-browser, --port=8900) go to JupyterLab.",
    )
    lab.add_argument("folder", nargs="?", metavar="FOLDER", help="where to open it")
    lab.set_defaults(command=_lab, takes_rest=True)


def folder(given: str | None) -> Path:
    """Where JupyterLab opens: `given`, the notebooks of a clone, ./notebooks or a copy of them.

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
    if not PACKAGED.is_dir():
        print("no notebooks here: they come with a wheel or a clone.", file=sys.stderr)
        return Path()
    return copied(PACKAGED, COPY)


def copied(source: Path, target: Path) -> Path:
    """Copy what `target` lacks of `source`: a file that the reader has changed stays as it is.

    Links between the notebooks lead to the files that are copied.
    """
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir() or place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".py":
            text = LINK.sub(r"(\1.py)", path.read_text(encoding="utf-8"))
            place.write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(path, place)
    print(f"the notebooks are in {target}/", file=sys.stderr)
    return target


def _lab(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImportError("JupyterLab is not installed: pip install 'kadanoff[lab]'")
    where = f"--ServerApp.root_dir={folder(options.folder).resolve()}"
    return subprocess.call([sys.executable, "-m", "jupyterlab", where, *options.rest])
