"""Results in files: the fields of a result by name, in netCDF or in numpy's archive.

A class of results is entered by :func:`storable`; its dataclass fields, those of the results inside
it included, become arrays by name and a header in JSON. Nothing is pickled, and only classes that
were entered are made again. Complex arrays are two real ones, ``name.re`` and ``name.im``.

``.nc``, ``.h5`` and ``.hdf5`` are netCDF-4 files, for `xarray.open_dataset` and any tool of HDF5;
they need ``kadanoff[files]``. ``.npz`` needs nothing beside numpy.

>>> import dataclasses, pathlib, tempfile
>>> @storable
... @dataclasses.dataclass(frozen=True)
... class Point(Saved):
...     x: float
...     y: object
>>> with tempfile.TemporaryDirectory() as folder:
...     Point(0.5, np.array([1.0, 2.0j])).save(pathlib.Path(folder) / "point.npz")
...     print(Point.load(pathlib.Path(folder) / "point.npz"))
Point(x=0.5, y=array([1.+0.j, 0.+2.j]))
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kadanoff._base import archive, files
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff._base.versions import about
from kadanoff._base.warning import warn

__all__ = ["NotSaved", "Saved", "storable"]

LAYOUT = 1
"""Version of the layout of header and arrays; raise it when an older reader would be misled."""
NETCDF = (".nc", ".h5", ".hdf5")
NPZ = ".npz"
MAX_DEPTH = 32  # results inside results
MAX_INLINE = 64  # longer tuples of numbers are stored as arrays

T = TypeVar("T")
S = TypeVar("S", bound="Saved")


class NotSaved(UserWarning):
    """A part of a result that a file cannot hold was left out."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """How a class is stored.

    Parameters
    ----------
    kind : type
        The class.
    version : int
        Version of its fields.
    optional : tuple of str
        Fields that are mappings whose entries may be left out.
    dims : mapping
        Names of the dimensions of arrays by field.
    """

    kind: type
    version: int
    optional: tuple[str, ...]
    dims: Mapping[str, tuple[str, ...]]


ENTRIES: dict[str, Entry] = {}
"""The classes that files may hold, by name."""


def storable(
    kind: Any = None,
    *,
    version: int = 1,
    optional: tuple[str, ...] = (),
    dims: Mapping[str, tuple[str, ...]] | None = None,
) -> Any:
    """Enter a dataclass among those that files may hold; also as a decorator.

    A class whose fields are not the arguments of its constructor has the methods
    ``to_fields(self) -> dict`` and ``from_fields(cls, fields)``.

    Parameters
    ----------
    kind : type
        The class.
    version : int
        Version of the fields; files of a newer one are refused.
    optional : tuple of str
        Fields that are mappings. What a file cannot hold of them is left out with a warning.
    dims : mapping, optional
        Names of the dimensions of arrays, by field.

    Returns
    -------
    type
        The class.
    """

    def enter(cls: Any) -> Any:
        ENTRIES[cls.__name__] = Entry(cls, version, optional, dict(dims or {}))
        return cls

    return enter if kind is None else enter(kind)


class Saved:
    """A result that writes itself to a file and reads itself back."""

    @public
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result to a file, as a whole or not at all.

        Parameters
        ----------
        path : path
            ``.nc``, ``.h5`` or ``.hdf5`` for netCDF (needs ``kadanoff[files]``), ``.npz`` for
            numpy's archive.

        Raises
        ------
        TypeError, ValueError
            The result holds what a file cannot, or the suffix is another.
        OSError
            The file cannot be written; what was there before is kept.
        ImportError
            Packages for netCDF are missing.

        Warns
        -----
        NotSaved
            Entries of ``diagnostics`` that a file cannot hold were left out.
        """
        write(path, self)

    @classmethod
    @public
    def load(cls: type[S], path: str | os.PathLike[str]) -> S:
        """Read a result that `save` wrote.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        Saved
            The result; its numbers are bit for bit those that were saved.

        Raises
        ------
        OSError
            There is no such file, or it cannot be read.
        ValueError
            It is damaged, of a newer version, or holds another kind of result.
        ImportError
            Packages for netCDF are missing.
        """
        return read(path, cls)


# ---------------------------------------------------------------------------------------- writing


def write(path: str | os.PathLike[str], result: Any) -> None:
    """As :meth:`Saved.save`."""
    place = Path(path)
    suffix = _suffix(place)
    content = _Content()
    tree = content.encoded(result, "", 0)
    arrays = content.arrays
    header = {
        "kadanoff result": LAYOUT,
        "kind": type(result).__name__,
        "written by": about()["kadanoff"],
        "content": tree,
        "sha256": _digest(arrays),
    }
    text = json.dumps(header, allow_nan=False)
    if suffix == NPZ:
        data = archive.packed({"header": np.frombuffer(text.encode(), np.uint8), **arrays})
    else:
        data = _netcdf(text, arrays, content.dims)
    files.write(place, data)
    if content.left_out:
        warn(
            f"{os.fspath(path)!r} was written without {', '.join(content.left_out)}, which a file "
            "cannot hold",
            NotSaved,
        )


def _suffix(place: Path) -> str:
    suffix = place.suffix.lower()
    if suffix != NPZ and suffix not in NETCDF:
        raise ValueError(
            f"the name of the file must end in {', '.join(NETCDF)} or {NPZ}, got {place.name!r}"
        )
    return suffix


class _Content:
    """Arrays by name, gathered from a result."""

    def __init__(self) -> None:
        self.arrays: dict[str, AnyArray] = {}
        self.dims: dict[str, tuple[str, ...]] = {}
        self.left_out: list[str] = []

    def encoded(self, value: Any, name: str, depth: int) -> Any:
        """The form of a value in the header; its arrays are kept under `name`.

        Raises
        ------
        TypeError
            A file cannot hold it.
        """
        if depth > MAX_DEPTH:
            raise TypeError(f"{name} is nested too deeply for a file")
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | str | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, complex):
            return {"complex": [self.encoded(x, name, depth) for x in (value.real, value.imag)]}
        if isinstance(value, np.ndarray):
            return self._array(value, name)
        if isinstance(value, tuple | list):
            kind = "tuple" if isinstance(value, tuple) else "list"
            if len(value) > MAX_INLINE and all(type(x) is float for x in value):
                return {kind: self._array(np.array(value), name)}
            return {kind: [self.encoded(x, f"{name}.{k}", depth + 1) for k, x in enumerate(value)]}
        if isinstance(value, Mapping):
            return {"dict": dict(self._entries(value, name, depth))}
        entry = ENTRIES.get(type(value).__name__)
        if entry is None or entry.kind is not type(value):
            raise TypeError(f"{name or 'this'} is a {type(value).__name__}, which no file can hold")
        return self._object(value, entry, name, depth)

    def _array(self, value: AnyArray, name: str) -> dict[str, str]:
        if value.dtype.kind not in "biufc" or isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"{name} is an array of {value.dtype}, which no file can hold")
        if value.dtype.kind == "c":
            self.arrays[f"{name}.re"], self.arrays[f"{name}.im"] = value.real, value.imag
            return {"complex array": name}
        self.arrays[name] = value
        return {"bool array" if value.dtype.kind == "b" else "array": name}

    def _entries(
        self, value: Mapping[str, Any], name: str, depth: int, optional: bool = False
    ) -> Iterator[tuple[str, Any]]:
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"keys of {name} must be text, got {key!r}")
            path = f"{name}.{key}" if name else key
            try:
                yield key, self.encoded(item, path, depth + 1)
            except TypeError:
                if not optional:
                    raise
                self._forget(path)
                self.left_out.append(path)

    def _forget(self, path: str) -> None:
        for name in [n for n in self.arrays if n == path or n.startswith(f"{path}.")]:
            del self.arrays[name]

    def _object(self, value: Any, entry: Entry, name: str, depth: int) -> dict[str, Any]:
        own = getattr(value, "to_fields", None)
        fields = (
            own()
            if own is not None
            else {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
        )
        found: dict[str, Any] = {}
        for field, item in fields.items():
            path = f"{name}.{field}" if name else field
            if field in entry.optional:
                kept = dict(self._entries(item, path, depth + 1, optional=True))
                found[field] = {"dict": kept}
            else:
                found[field] = self.encoded(item, path, depth + 1)
            for ending in ("", ".re", ".im"):
                if field in entry.dims and f"{path}{ending}" in self.arrays:
                    before = f"{name}." if name else ""
                    self.dims[f"{path}{ending}"] = tuple(before + d for d in entry.dims[field])
        return {"class": type(value).__name__, "version": entry.version, "fields": found}


def _digest(arrays: Mapping[str, AnyArray]) -> str:
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        native = array.astype(array.dtype.newbyteorder("<"), copy=False)
        kind = "|u1" if native.dtype.kind == "b" else native.dtype.str
        total.update(f"{name} {kind} {array.shape}".encode())
        total.update(native.tobytes())
    return total.hexdigest()


def _needs() -> Any:
    try:
        import h5netcdf  # noqa: F401
        import xarray
    except ImportError as error:
        raise ImportError(
            f"netCDF files need {error.name}: pip install 'kadanoff[files]', or use a name that "
            f"ends in {NPZ}"
        ) from error
    return xarray


def _netcdf(
    header: str, arrays: Mapping[str, AnyArray], dims: Mapping[str, tuple[str, ...]]
) -> bytes:
    """A netCDF-4 file as bytes."""
    xarray = _needs()
    variables = {}
    for name, array in arrays.items():
        named = dims.get(name, ())
        if len(named) != array.ndim:
            named = tuple(f"{name}_{axis}" for axis in range(array.ndim))
        values = array.astype(np.uint8) if array.dtype.kind == "b" else array
        variables[name] = (named, values)
    plain = {name: {"_FillValue": None} for name in variables}
    out = io.BytesIO()
    dataset = xarray.Dataset(variables, attrs={"kadanoff": header})
    dataset.to_netcdf(out, engine="h5netcdf", encoding=plain)
    return out.getvalue()


# ---------------------------------------------------------------------------------------- reading


def read(path: str | os.PathLike[str], wanted: type[T]) -> T:
    """As :meth:`Saved.load`."""
    place = Path(path)
    where = os.fspath(path)
    header, arrays = (_from_npz if _suffix(place) == NPZ else _from_netcdf)(place)
    try:
        tree = _checked(header, arrays, wanted.__name__)
        found = _decoded(tree, dict(arrays), 0)
    except KeyError as error:
        raise ValueError(f"{where!r} is incomplete: {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where!r}: {error}") from error
    if not isinstance(found, wanted):
        raise ValueError(f"{where!r} holds a {type(found).__name__}, not a {wanted.__name__}")
    return found


def _checked(text: bytes, arrays: Mapping[str, AnyArray], wanted: str) -> Any:
    """The tree of fields, once layout, kind and sum are known to be right."""
    header = archive.parsed(text)
    if not isinstance(header, dict) or "kadanoff result" not in header:
        raise ValueError("it is no result of kadanoff")
    if header["kadanoff result"] not in range(1, LAYOUT + 1):
        raise ValueError(
            f"it has layout {header['kadanoff result']!r} (written by kadanoff "
            f"{header.get('written by', '?')}), this kadanoff reads up to {LAYOUT}"
        )
    if header["kind"] != wanted:
        raise ValueError(f"it holds a {header['kind']}, not a {wanted}")
    if header["sha256"] != _digest(arrays):
        raise ValueError("it is damaged: its arrays are not those that were written")
    return header["content"]


def _from_npz(place: Path) -> tuple[bytes, dict[str, AnyArray]]:
    try:
        arrays = archive.read(place)
        return arrays.pop("header").tobytes(), arrays
    except (archive.Damaged, KeyError) as error:
        raise ValueError(
            f"{os.fspath(place)!r} is damaged, or no result of kadanoff: {error}"
        ) from error


def _from_netcdf(place: Path) -> tuple[bytes, dict[str, AnyArray]]:
    xarray = _needs()
    data = files.read(place)
    try:
        with xarray.open_dataset(io.BytesIO(data), engine="h5netcdf", decode_cf=False) as dataset:
            if dataset.nbytes > files.limit():
                raise MemoryError(
                    f"{os.fspath(place)!r} holds {dataset.nbytes / 1e9:.3g} GB, more than half of "
                    "the memory available"
                )
            header = str(dataset.attrs["kadanoff"]).encode()
            names = [str(name) for name in dataset.variables]
            return header, {name: np.array(dataset.variables[name].values) for name in names}
    except MemoryError:
        raise
    except Exception as error:  # HDF5 has many ways to trip over a damaged file
        raise ValueError(
            f"{os.fspath(place)!r} is damaged, or no result of kadanoff: {error}"
        ) from error


def _decoded(tree: Any, arrays: Mapping[str, AnyArray], depth: int) -> Any:
    if tree is None or isinstance(tree, bool | str | int | float):
        return tree
    if not isinstance(tree, dict) or depth > MAX_DEPTH:
        raise ValueError("its header is damaged")
    if "class" in tree:
        return _made(tree, arrays, depth)
    if len(tree) != 1:
        raise ValueError("its header is damaged")
    ((kind, value),) = tree.items()
    if kind not in DECODERS:
        raise ValueError(f"its header holds the unknown kind {kind!r}")
    return DECODERS[kind](value, arrays, depth)


def _sequence(value: Any, arrays: Mapping[str, AnyArray], depth: int) -> list[Any]:
    if isinstance(value, dict):
        return list(_decoded(value, arrays, depth + 1).tolist())
    return [_decoded(x, arrays, depth + 1) for x in value]


def _complex(value: Any, arrays: Mapping[str, AnyArray], depth: int) -> complex:
    real, imag = (_decoded(x, arrays, depth + 1) for x in value)
    return complex(real, imag)


def _complex_array(name: str, arrays: Mapping[str, AnyArray], depth: int) -> AnyArray:
    real, imag = arrays[f"{name}.re"], arrays[f"{name}.im"]
    if real.shape != imag.shape:
        raise ValueError(f"{name}.re and {name}.im have the shapes {real.shape} and {imag.shape}")
    out = np.empty(real.shape, np.complex128)
    out.real, out.imag = real, imag
    return out


DECODERS: dict[str, Callable[[Any, Mapping[str, AnyArray], int], Any]] = {
    "float": lambda value, arrays, depth: float(value),
    "complex": _complex,
    "array": lambda value, arrays, depth: arrays[value],
    "bool array": lambda value, arrays, depth: arrays[value].astype(bool),
    "complex array": _complex_array,
    "list": _sequence,
    "tuple": lambda value, arrays, depth: tuple(_sequence(value, arrays, depth)),
    "dict": lambda value, arrays, depth: {
        str(k): _decoded(x, arrays, depth + 1) for k, x in value.items()
    },
}


def _made(tree: dict[str, Any], arrays: Mapping[str, AnyArray], depth: int) -> Any:
    """An object of an entered class."""
    name, version = tree["class"], tree["version"]
    entry = ENTRIES.get(name)
    if entry is None:
        raise ValueError(f"it holds a {name}, which this kadanoff does not know")
    if version not in range(1, entry.version + 1):
        raise ValueError(
            f"its {name} has version {version!r}, this kadanoff reads up to {entry.version}"
        )
    fields = {k: _decoded(x, arrays, depth + 1) for k, x in tree["fields"].items()}
    own = getattr(entry.kind, "from_fields", None)
    if own is not None:
        return own(fields)
    known = {f.name for f in dataclasses.fields(entry.kind) if f.init}
    for field in sorted(set(fields) ^ known):
        raise ValueError(f"the field {field!r} of its {name} is missing or unknown")
    return entry.kind(**fields)
