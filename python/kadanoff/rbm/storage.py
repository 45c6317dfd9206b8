"""Machines on disk: one zip archive of plain arrays, written atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        The file cannot be written; `path` is as it was.
    """
    header = np.array([FORMAT, str(VERSION), kind])
    files.write(Path(path), archive.packed({"header": header, **arrays}))


def read(path: str | os.PathLike[str], kind: str) -> dict[str, AnyArray]:
    """The arrays of a file of this kind.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    ValueError
        It is damaged, holds something else, or comes from a newer version.
    """
    where = os.fspath(path)
    try:
        arrays = archive.read(Path(path))
    except archive.Damaged as error:
        raise ValueError(
            f"path {where!r} is damaged, or no machine of kadanoff: {error}"
        ) from error
    header = arrays.get("header")
    if header is None or header.shape != (3,) or str(header[0]) != FORMAT:
        raise ValueError(
            f"path {where!r} holds {archive.described(arrays)}, no machine of kadanoff"
        )
    if str(header[1]) not in map(str, range(VERSION + 1)):
        raise ValueError(
            f"path {where!r} has format version {header[1]}, this kadanoff reads up to {VERSION}: "
            "use a newer kadanoff"
        )
    if str(header[2]) != kind:
        raise ValueError(f"path {where!r} holds a {header[2]}, not a {kind}")
    del arrays["header"]
    return arrays


# ------------------------------------------------------------------------- entries of an estimator


def parameters(arrays: Mapping[str, AnyArray]) -> dict[str, Any]:
    """The parameters of an estimator; sequences are tuples, as they were.

    Raises
    ------
    KeyError, ValueError
        They are missing, or are no mapping.
    """
    found = archive.parsed(str(arrays["parameters"]))
    if not isinstance(found, dict):
        raise ValueError(f"its parameters are no mapping, but {found!r}")
    return {name: tuple(x) if isinstance(x, list) else x for name, x in found.items()}


def integer(arrays: Mapping[str, AnyArray], name: str) -> int:
    """One integer of a file.

    Raises
    ------
    KeyError, ValueError
        It is missing, or is no single integer.
    """
    array = arrays[name]
    if array.shape != () or array.dtype.kind not in "iu" or array < 0:
        raise ValueError(f"{name} must be an integer, got an array of shape {array.shape}")
    return int(array)


def history(arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """The quantities that training recorded after every epoch.

    Raises
    ------
    ValueError
        One is no sequence of numbers.
    """
    found = {name.removeprefix("history_"): x for name, x in arrays.items() if "history_" in name}
    for name, values in found.items():
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            raise ValueError(f"the history of {name} must be a sequence of numbers")
    return found
