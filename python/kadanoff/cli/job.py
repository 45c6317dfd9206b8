"""A job of the command line: options in; numbers, a table and a picture out."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Job", "Report", "columns", "jsonable", "picture"]

Draw = Callable[[str], None]
PICTURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Report:
    """Results of a job.

    Attributes
    ----------
    data : mapping
        Settings and results, as ``--json`` prints them.
    table : str
        The same as text.
    draw : callable
        ``draw(path)`` saves the picture.
    """

    data: Mapping[str, Any]
    table: str
    draw: Draw


@dataclass(frozen=True)
class Job:
    """One word after ``kadanoff run``."""

    name: str
    help: str
    description: str
    arguments: Callable[[argparse.ArgumentParser], None]
    compute: Callable[[argparse.Namespace], Report]


def picture(path: str | None) -> Callable[[Draw], None] | None:
    """How to save the picture, or None if none is wanted.

    Raises
    ------
    ValueError
        The ending names no format, or the folder does not exist.
    ImportError
        matplotlib is not installed.
    """
    if path is None:
        return None
    target = Path(path)
    if target.suffix.lower() not in PICTURES:
        raise ValueError(f"--output must end in {', '.join(PICTURES)}, got {path!r}")
    if not target.parent.is_dir():
        raise ValueError(f"--output: there is no folder {str(target.parent)!r}")
    from kadanoff._base.style import require_matplotlib

    require_matplotlib()

    def save(draw: Draw) -> None:
        draw(path)

    return save


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table: names to the left, numbers to the right.

    Examples
    --------
    >>> print(columns(["U", "Z"], [["1", "0.74"], ["10", "0"]]))
      U      Z
      1   0.74
      10     0
    """
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    return "\n".join(
        "  "
        + "  ".join(
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def jsonable(value: Any) -> Any:
    """Arrays as lists, mappings and sequences likewise; JSON has no infinity: it becomes "inf".

    Examples
    --------
    >>> jsonable({"T": np.inf, "Z": np.array([1.0])})
    {'T': 'inf', 'Z': [1.0]}
    """
    if isinstance(value, Mapping):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
