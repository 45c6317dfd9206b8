"""Arrays by name in one zip archive, as numpy's ``.npz``; one reader for every such file.

`numpy.savez` takes the names of arrays for names of its own arguments, and `numpy.load` believes
what a damaged file says of sizes. Here names are data, every size is compared with the content
before memory is asked for, and nothing is ever unpickled.

>>> found = unpacked(packed({"allow_pickle": np.arange(3)}))
>>> found["allow_pickle"].tolist()
[0, 1, 2]
"""

from __future__ import annotations

import ast
import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy

from kadanoff._base import files
from kadanoff._base.types import AnyArray

__all__ = ["Damaged", "check_name", "described", "packed", "parsed", "read", "unpacked"]

MAX_NAME = 60_000  # bytes; a zip archive has 16 bits for the length
MAX_HEADER = 2**16  # bytes of the description of one array
_ENCRYPTED, _UTF8 = 0x1, 0x800  # bits of the flags of an entry
_END = 22  # bytes of the record that ends an archive, before its comment
_MANY = 0xFFFF  # where the number of entries has its place elsewhere
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAGIC = b"\x93NUMPY"


class Damaged(ValueError):  # noqa: N818
    """The content of a file is not what was written, or was never such a file."""


def packed(arrays: Mapping[str, Any]) -> bytes:
    """The archive of some arrays: the same bytes for the same arrays.

    Raises
    ------
    TypeError
        A name is no text, an array holds objects or a mask.
    ValueError
        A zip archive cannot hold the name.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, value in arrays.items():
            check_name(name)
            if isinstance(value, np.ma.MaskedArray):
                raise TypeError(f"{name} is a masked array, whose mask a file does not keep")
            array = np.asarray(value)
            if array.dtype.hasobject:
                raise TypeError(f"{name} must be an array of numbers or text, got {value!r}")
            # The date is a constant, or equal results would be different files.
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)
    return out.getvalue()


def check_name(name: object) -> None:
    """Refuse a name of an array that an archive cannot hold."""
    if not isinstance(name, str):
        raise TypeError(f"names of arrays must be text, got {name!r}")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"the name {name!r} of an array has no UTF-8 form") from None
    if "\0" in name:
        raise ValueError(f"the name {name!r} of an array must not contain the character NUL")
    if size > MAX_NAME:
        raise ValueError(f"names of arrays must be at most {MAX_NAME} bytes long, got {size}")


def read(path: Path) -> dict[str, AnyArray]:
    """The arrays of a file.

    Raises
    ------
    OSError
        It cannot be read.
    Damaged
        It is no such file, or damaged.
    MemoryError
        It needs more than half of the memory available.
    """
    try:
        data = files.read(path)
    except ValueError as error:  # a folder, a pipe
        raise Damaged(str(error)) from error
    try:
        return unpacked(data)
    except Damaged as error:
        raise Damaged(f"{os.fspath(path)!r}: {error}") from error
    except MemoryError as error:
        raise MemoryError(f"{os.fspath(path)!r}: {error}") from error


def described(arrays: Mapping[str, AnyArray]) -> str:
    """What a file of the package holds, in words: a reader of another kind refuses it with them."""
    header = arrays.get("header", np.zeros(0))
    if header.dtype.kind == "U" and header.shape == (3,):
        return f"a {header[2]} of {header[0]}"
    if header.dtype == np.uint8 and b"kadanoff learned solver" in header.tobytes():
        return "a learned solver of kadanoff.dmft"
    if "point.json" in arrays:
        return "a point of a kadanoff.store"
    return f"the arrays {', '.join(sorted(arrays)[:5])}" if arrays else "nothing"


def unpacked(data: bytes) -> dict[str, AnyArray]:
    """The arrays of an archive; exceptions as in `read`, without the name of the file."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except Exception as error:  # zipfile has a dozen ways to trip over a damaged directory
        raise _damaged(error) from error
    with archive:
        # A wrong length in the directory hides the entries behind it; zipfile does not count them.
        end = len(data) - _END - len(archive.comment)
        count = int.from_bytes(data[end + 10 : end + 12], "little")
        if count not in (len(entries), _MANY):
            raise Damaged(f"its directory lists {len(entries)} of {count} arrays")
        _check_sizes(entries, len(data))
        arrays: dict[str, AnyArray] = {}
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            if name in arrays:
                raise Damaged(f"two arrays are called {name!r}")
            try:
                content = archive.read(entry)
            except MemoryError:
                raise
            except Exception as error:
                raise _damaged(error) from error
            arrays[name] = _array(content, name)
    return arrays


def _damaged(error: Exception) -> Damaged:
    return Damaged(str(error) or type(error).__name__)


def _check_sizes(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse entries that cannot be what was written, before any of them is unpacked."""
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise Damaged(f"{entry.filename!r} is encrypted")
        if entry.compress_type not in _METHODS:
            raise Damaged(f"{entry.filename!r} has compression method {entry.compress_type}")
        if not entry.filename.isascii() and not entry.flag_bits & _UTF8:
            raise Damaged(f"the name {entry.filename!r} is not in UTF-8")
        stored = entry.compress_type == zipfile.ZIP_STORED
        if entry.compress_size > size or (stored and entry.compress_size != entry.file_size):
            raise Damaged(f"{entry.filename!r} has a wrong size")
    total, most = sum(entry.file_size for entry in entries), files.limit()
    if total > most:
        sizes = (
            f"{total / 1e9:.3g} GB when unpacked, more than half of the memory available "
            f"({most / 1e9:.3g} GB)"
        )
        # kadanoff compresses nothing: what grows in memory is not what it has written.
        raise Damaged(sizes) if total > size else MemoryError(sizes)


def _array(content: bytes, name: str) -> AnyArray:
    """An array from its ``.npy`` form, whose checksum is known to fit."""
    try:
        if content[:6] != _MAGIC:
            raise ValueError("it is no array")
        width = {1: 2, 2: 4, 3: 4}[content[6]]
        length = int.from_bytes(content[8 : 8 + width], "little")
        if length > MAX_HEADER:
            raise ValueError("its description is too long")
        begin = 8 + width + length
        text = content[8 + width : begin].decode("utf-8" if content[6] == 3 else "latin-1")
        header = ast.literal_eval(text.strip())
        if set(header) != {"descr", "fortran_order", "shape"}:
            raise ValueError("its description has other entries")
        shape = header["shape"]
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError("its shape is none")
        dtype = np.dtype(npy.descr_to_dtype(header["descr"]))
        if dtype.hasobject:
            raise ValueError("it holds objects, which would have to be unpickled (pickle)")
        if math.prod(shape) * dtype.itemsize != len(content) - begin:
            raise ValueError(f"its shape {shape} does not fit its {len(content) - begin} bytes")
        order: Literal["F", "C"] = "F" if header["fortran_order"] else "C"
        found: AnyArray = np.ndarray(shape, dtype, content, begin, order=order)
    except Exception as error:  # nested too deeply for the parser, for instance: MemoryError
        raise Damaged(f"array {name!r}: {str(error) or type(error).__name__}") from error
    return np.array(found, order="K")


def parsed(text: str | bytes) -> Any:
    """The content of a JSON text whose numbers are finite.

    Raises
    ------
    ValueError
        It is no JSON, is nested too deeply, or holds NaN or an infinite number.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"its JSON holds {text}, which is no finite number")
    return value
