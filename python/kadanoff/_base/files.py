"""Files that are written as a whole or not at all, and errors that name them.

A file is written beside its place, flushed to the disk and renamed: a reader finds the old content
or the new one, never half of either, whatever kills the writer.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     write(Path(folder) / "numbers", b"1 2 3")
...     with opened(Path(folder) / "numbers") as file:
...         file.read()
b'1 2 3'
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from kadanoff._base.memory import available

__all__ = ["create", "is_part", "limit", "named", "opened", "read", "remove_old_parts", "write"]

STALE = 3600.0  # seconds after which what a killed process left half written is removed
WITHOUT_MEMINFO = 2**34  # bytes, where the system does not tell what is available


def limit() -> int:
    """Bytes that the content of one file may take in memory: half of what is available."""
    return (available() or WITHOUT_MEMINFO) // 2


def named(error: OSError, path: Path) -> OSError:
    """An error of the same kind whose message names the file."""
    if error.errno is None:
        return OSError(f"{os.fspath(path)!r}: {error}")
    return OSError(error.errno, error.strerror or str(error), os.fspath(path))


# ------------------------------------------------------------------------------------------ reading


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, to be read.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        `path` is a folder, a pipe or a device.
    """
    # A pipe is opened without waiting for its writer, and refused.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if path.exists() and not path.is_file():
            raise ValueError(f"path {os.fspath(path)!r} is no regular file") from None
        raise named(error, path) from error
    try:
        regular = stat.S_ISREG(os.fstat(handle).st_mode)
        file = os.fdopen(handle, "rb") if regular else None
    except BaseException:
        os.close(handle)
        raise
    if file is None:
        os.close(handle)
        raise ValueError(f"path {os.fspath(path)!r} is no regular file")
    with file:
        try:
            yield file
        except OSError as error:
            raise named(error, path) from error


def read(path: Path) -> bytes:
    """The content of a regular file.

    Raises
    ------
    OSError, ValueError
        As in `opened`.
    MemoryError
        It is larger than half of the memory available.
    """
    with opened(path) as file:
        size, most = os.fstat(file.fileno()).st_size, limit()
        if size > most:
            raise MemoryError(
                f"{os.fspath(path)!r} has {size / 1e9:.3g} GB, more than half of the memory "
                f"available ({most / 1e9:.3g} GB)"
            )
        return file.read()


# ------------------------------------------------------------------------------------------ writing


def write(path: Path, data: bytes) -> None:
    """Write a file as a whole; what was there before is replaced.

    Raises
    ------
    OSError
        It cannot be written; nothing has changed then, and nothing is left behind.
    """
    _placed(path, data, os.replace)


def create(path: Path, data: bytes) -> bool:
    """Write a file as a whole unless it exists; whether it was written.

    Of several processes that create the same file at the same moment one succeeds.

    Raises
    ------
    OSError
        As in `write`.
    """

    def place(part: Path, target: Path) -> None:
        try:
            os.link(part, target)
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):  # a file system without links
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            os.replace(part, target)

    try:
        _placed(path, data, place)
    except FileExistsError:
        return False
    return True


def _placed(path: Path, data: bytes, place: Callable[[Path, Path], None]) -> None:
    part = path.parent / f".kadanoff-{secrets.token_hex(8)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with _folder(path.parent) as folder:
            try:
                with os.fdopen(os.open(part, flags, 0o666), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                place(part, path)
            finally:
                with suppress(OSError):
                    os.unlink(part if folder is None else part.name, dir_fd=folder)
    except OSError as error:
        raise named(error, path) from error


@contextmanager
def _folder(path: Path) -> Iterator[int | None]:
    """A handle of a folder, by which a file in it is found even when the folder has moved."""
    try:
        handle = os.open(path, getattr(os, "O_PATH", os.O_RDONLY))
    except OSError:  # said of the file
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def is_part(name: str) -> bool:
    """Whether a file is one that a process has not finished writing."""
    return name.startswith(".") and name.endswith(".part")


def remove_old_parts(folder: Path) -> None:
    """Remove the unfinished files that processes killed more than an hour ago left behind."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):  # its process has just finished it, or removed it
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()
