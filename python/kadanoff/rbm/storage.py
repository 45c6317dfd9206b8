"""Machines on disk: one zip archive of plain arrays, written atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kadanoff._base import archive, files
from kadanoff._base.types import AnyArray

FORMAT = "kadanoff.rbm"
VERSION = 1


def write(path: str | os.PathLike[str], kind: str, arrays: Mapping[str, AnyArray]) -> None:
    """Write arrays and what they are; `path` is replaced only by a complete file.

    Raises
    ------
    OSError
        The file can not be written; `path` is as it was.
    """
    header = np.array([FORMAT, str(VERSION), kind])
    files.write(Path(path), archive.packed({"header": header, **arrays}))


def read(path: str | os.PathLike[str], kind: str) -> dict[str, AnyArray]:
    """The arrays of a file of this kind.

    Raises
    ------
    OSError
        There is no such file, or it can not be read.
    ValueError
        It is damaged, holds something else, or comes from a newer version.
    """
    where = os.fspath(path)
    try:
        arrays = archive.read(Path(path))
    except archive.Damaged as error:
        raise ValueError(f"damaged, or no machine of kadanoff: {error}") from error
    header = arrays.pop("header", None)
    if header is None or header.shape != (3,) or str(header[0]) != FORMAT:
        raise ValueError(f"{where!r} holds no machine of kadanoff")
    if not str(header[1]).isdigit() or int(header[1]) > VERSION:
        raise ValueError(
            f"{where!r} has format version {header[1]}, this kadanoff reads up to {VERSION}: "
            "use a newer kadanoff"
        )
    if str(header[2]) != kind:
        raise ValueError(f"{where!r} holds a {header[2]}, not a {kind}")
    return arrays
