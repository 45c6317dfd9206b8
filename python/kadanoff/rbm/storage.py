"""Machines on disk: one zip archive of plain arrays, written atomically."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from kadanoff._base.types import AnyArray

FORMAT = "kadanoff.rbm"
VERSION = 1


def write(path: str | os.PathLike[str], kind: str, arrays: Mapping[str, AnyArray]) -> None:
    """Write arrays and their kind; `path` is replaced only by a complete file."""
    target = Path(path)
    header = np.array([FORMAT, str(VERSION), kind])
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, header=header, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def read(path: str | os.PathLike[str], kind: str) -> dict[str, AnyArray]:
    """The arrays of a file of this kind.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is damaged, holds something else, or comes from a newer version.
    """
    where = os.fspath(path)
    try:
        # numpy does not close a file of its own when it is no archive.
        with open(path, "rb") as source, np.load(source, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except FileNotFoundError:
        raise
    except (OSError, EOFError, ValueError, AttributeError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{where!r} is damaged or no machine of kadanoff: {error}") from error
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
