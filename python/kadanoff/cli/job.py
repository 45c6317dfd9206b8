"""A job of the command line: options in; numbers, a table and a picture out."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff._base.types import AnyArray

__all__ = ["Job", "Report", "columns", "jsonable", "loaded", "picture", "saving"]

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
    converged : bool
        Whether all iterations did; the exit status is 1 otherwise.
    """

    data: Mapping[str, Any]
    table: str
    draw: Draw
    converged: bool = True


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
    saving("--output", path, PICTURES)
    from kadanoff._base.style import require_matplotlib

    require_matplotlib()

    def save(draw: Draw) -> None:
        draw(path)

    return save


def saving(option: str, path: str | None, endings: Sequence[str]) -> None:
    """Refuse a file that could not be written at the end, before the work begins.

    Raises
    ------
    ValueError
        The ending is none of these, or the folder does not exist.
    """
    if path is None:
        return
    target = Path(path)
    if target.suffix.lower() not in endings:
        raise ValueError(f"{option} must end in {', '.join(endings)}, got {path!r}")
    if not target.parent.is_dir():
        raise ValueError(f"{option}: there is no folder {str(target.parent)!r}")


def loaded(option: str, path: str) -> AnyArray:
    """The array of a file .npy that an option names.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    ValueError
        It holds no single array, or one that is empty or has numbers that are not finite.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{option} {path} is no file .npy: {error}") from None
    if not isinstance(array, np.ndarray):
        held = ", ".join(array.files)
        raise ValueError(f"{option} must name a file .npy of one array, got an archive of {held}")
    if array.size == 0:
        raise ValueError(f"{option} {path} is empty: its shape is {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{option} {path} must hold numbers, got the type {array.dtype}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{option} {path} must hold finite numbers, it has NaN or infinity")
    return array


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
