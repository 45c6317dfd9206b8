"""Results on disk, one file per point, that survive a killed run.

A store is a folder::

    manifest.json        kind, version, settings, seeds; and versions of the writers
    1f6a...e2.npz        one point, named after a hash of its parameters

A file is written beside its place, flushed to the disk and renamed: a reader sees the whole of it
or nothing, so that a run may be killed at any moment and goes on with what is missing. Several
processes may create one store at the same moment, and read it while others write. Nothing is ever
unpickled.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     store = Store(folder + "/doubles", kind="doubles")
...     saved = store.save({"x": 2}, {"double": 4})
...     print(int(store.load({"x": 2.0})["double"]), len(store), {"x": 3} in store)
4 1 False
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import math
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kadanoff._base import archive, checks, files
from kadanoff._base.html import table
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff._base.versions import about
from kadanoff._base.warning import warn

if TYPE_CHECKING:
    import xarray

__all__ = ["DamagedFile", "Store", "canonical", "key"]

LAYOUT = 1
"""Of the folder and of its files; another one is refused."""
MANIFEST = "manifest.json"
SUFFIXES = ("npz", "json")
DAMAGED = "damaged"  # where files that cannot be read are put
_HEADER = "point.json"
_ATTEMPTS = 100  # to open a store that other processes are creating
_PAUSE = 0.01  # seconds between two of them

Arrays: TypeAlias = dict[str, AnyArray]


class DamagedFile(UserWarning):
    """A file of a store could not be read, and was set aside."""


@public
def canonical(value: Any) -> Any:
    """Canonical form of a value, which is hashed and written: numbers, text, lists, objects.

    Values that compare equal have the same form: 2 and 2.0, -0.0 and 0, and the same numbers in a
    tuple, a list or an array.

    Parameters
    ----------
    value : number, str, None, sequence, array of any shape, or mapping
        The value; entries of sequences and mappings are converted too.

    Returns
    -------
    number, str, None, list or dict
        The value as JSON can write it, with the names of mappings in order.

    Raises
    ------
    TypeError
        The value, or an entry of it, is of another type, or a name is not text.
    ValueError
        A number is NaN or infinite.

    Examples
    --------
    >>> canonical({"U": np.float64(2.0), "range": (1, 2.5)})
    {'U': 2, 'range': [1, 2.5]}
    """
    return _canonical(value, "value")


def parameters_of(point: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a point in canonical form; an exception names them."""
    found: dict[str, Any] = _canonical(dict(point), "parameters of a point")
    return found


def _canonical(value: Any, what: str) -> Any:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{what} must not be masked, got {value!r}")
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{what} must be finite, got {value}")
        return int(value) if value.is_integer() and abs(value) < 2.0**53 else value
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError(f"names in {what} must be text, got {list(value)!r}")
        return {name: _canonical(value[name], what) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_canonical(item, what) for item in value]
    raise TypeError(f"{what} must be numbers, text, lists and mappings, got {value!r}")


@public
def key(parameters: Mapping[str, Any]) -> str:
    """Name of a point: 24 hexadecimal digits of the SHA-256 of its canonical parameters.

    Parameters
    ----------
    parameters : mapping
        Parameters of the point by name.

    Returns
    -------
    str
        The stem of the file that holds the point.

    Raises
    ------
    TypeError, ValueError
        As :func:`canonical`.

    Examples
    --------
    >>> key({"U": 2.0, "beta": 50}) == key({"beta": 50, "U": 2})
    True
    """
    return hashlib.sha256(_text(parameters_of(parameters)).encode()).hexdigest()[:24]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


@public
class Store:
    """A folder of points, each with its parameters and its arrays.

    Parameters
    ----------
    path : str or path
        The folder; created if it does not exist.
    kind : str
        Kind of the contents, such as ``"nrg sweep"``.
    version : int
        Version of the contents: raise it when the same parameters would give other arrays.
    settings : mapping, optional
        Seeds and options that all points share. They are written into the manifest for the reader;
        those on which a result depends belong to the parameters of the points too.
    suffix : {"npz", "json"}
        Files of numpy's arrays, or of JSON for points that are a few numbers.

    Attributes
    ----------
    path : Path
    manifest : dict
        As in the file, without its checksum.
    damaged : list of str
        Files that were set aside, with the reason.
    failures : dict
        Why points failed in sweeps into this object, by their `key`; `load` mentions it.

    Raises
    ------
    ValueError
        The folder is a store of another kind or version, or it is not empty and no store.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(folder + "/fits", kind="fits", settings={"seed": 1})
    ...     saved = store.save({"U": 2.0}, {"J": [0.1, 0.2]}, facts={"seconds": 3.5})
    ...     print({"U": 2} in store, store.load({"U": 2})["J"], store.facts({"U": 2}))
    True [0.1 0.2] {'seconds': 3.5}
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        kind: str,
        version: int = 1,
        settings: Mapping[str, Any] | None = None,
        suffix: str = "npz",
    ) -> None:
        checks.choice("suffix", suffix, SUFFIXES)
        version = checks.whole("version", version, least=0)
        if not isinstance(kind, str):
            raise TypeError(f"kind must be text such as 'nrg sweep', got {kind!r}")
        settings = _mapping("settings", {} if settings is None else settings)
        shared = _canonical(settings, "settings of a store")
        # Wherever the process goes afterwards, the store stays where it is.
        self.path = Path(path).absolute()
        self.suffix = suffix
        self.damaged: list[str] = []
        self.failures: dict[str, str] = {}
        self._writer = _writer()
        wanted = {"store": LAYOUT, "kind": kind, "version": version, "suffix": suffix}
        self.manifest = self._made(wanted, shared)
        with suppress(OSError):  # a full disk, or one to read only: `save` tries again
            self._sign()
        files.remove_old_parts(self.path)

    def __repr__(self) -> str:
        return (
            f"Store({str(self.path)!r}, kind={self.manifest['kind']!r}, "
            f"version={self.manifest['version']}, {self._count()} points)"
        )

    def _count(self) -> int | str:
        """The number of points, for the display of a store whose folder may be gone."""
        try:
            return len(self)
        except OSError as error:
            return f"unknown ({error.strerror})"

    def _repr_html_(self) -> str:
        rows = {
            "folder": str(self.path),
            "kind": self.manifest["kind"],
            "version": self.manifest["version"],
            "points": self._count(),
            "damaged": len(self.damaged),
            "failed": len(self.failures),
        }
        return table("Store", {name: value for name, value in rows.items() if value != 0})

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Store:
        """The store at `path`, whatever its kind.

        Raises
        ------
        FileNotFoundError
            There is none.
        """
        place = Path(path).absolute()
        found = _manifest(place)
        if found is None:
            raise FileNotFoundError(f"no store at {os.fspath(path)!r}: it has no {MANIFEST}")
        _compare(place, found, {**found, "store": LAYOUT})
        return cls(place, **{name: found[name] for name in ("kind", "version", "suffix")})

    def _made(self, wanted: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """The manifest of the store, created if there is none."""
        first = {**wanted, "settings": settings, "writers": [self._writer]}
        for _ in range(_ATTEMPTS):
            found = _manifest(self.path)
            if found is not None:
                _compare(self.path, found, wanted)
                return found
            if self.path.exists() and not self.path.is_dir():
                raise ValueError(f"{str(self.path)!r} is a file; a store is a folder")
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise files.named(error, self.path) from error
            names = sorted(entry.name for entry in os.scandir(self.path))
            names = [name for name in names if not files.is_part(name)]
            others = [name for name in names if not _belongs(name, self.suffix)]
            if MANIFEST in others:  # another process has created it in between
                time.sleep(_PAUSE)
                continue
            if others:
                raise ValueError(
                    f"{str(self.path)!r} is no store, but holds {others[0]!r}: name an empty "
                    "folder or a new one"
                )
            if files.create(self.path / MANIFEST, _manifest_bytes(first)):
                if names:
                    warn(
                        f"the store {str(self.path)!r} had no {MANIFEST}: its points are taken "
                        f"for those of kind {wanted['kind']!r}, version {wanted['version']}",
                        DamagedFile,
                    )
                return first
        raise ValueError(f"{str(self.path / MANIFEST)!r} is damaged: it exists but cannot be read")

    def _sign(self) -> None:
        """Add this process to the writers named in the manifest."""
        if self._writer in self.manifest["writers"]:
            return
        with _alone(self.path):
            found = _manifest(self.path)
            if found is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path))
            if self._writer not in found["writers"]:
                found["writers"].append(self._writer)
                files.write(self.path / MANIFEST, _manifest_bytes(found))
        self.manifest = found

    # ---------------------------------------------------------------------------------- points

    def file(self, parameters: Mapping[str, Any]) -> Path:
        """Where a point is, or would be."""
        return self.path / f"{key(parameters)}.{self.suffix}"

    def __contains__(self, parameters: Mapping[str, Any]) -> bool:
        return self.file(parameters).is_file()

    def __len__(self) -> int:
        """The number of points."""
        return sum(file.is_file() for file in self.files())

    def files(self) -> list[Path]:
        """The files of all points, ordered by name.

        Raises
        ------
        OSError
            The folder has vanished, or cannot be read.
        """
        with os.scandir(self.path) as entries:
            names = sorted(e.name for e in entries if e.name.endswith(f".{self.suffix}"))
        return [self.path / name for name in names if name != MANIFEST and name[0] != "."]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Parameters of all points, ordered by the names of their files."""
        for parameters, _, _ in self._all():
            yield parameters

    @public
    def save(
        self,
        parameters: Mapping[str, Any],
        result: Mapping[str, Any],
        facts: Mapping[str, Any] | None = None,
    ) -> Arrays:
        """Write a point, atomically; return its arrays as `load` does.

        Parameters
        ----------
        parameters : mapping
            The identity of the point: numbers, text, lists and mappings of these.
        result : mapping
            Arrays by name.
        facts : mapping, optional
            What is worth knowing but no result, such as seconds.

        Raises
        ------
        TypeError, ValueError
            Parameters, facts or results that the file cannot hold.
        OSError
            The file cannot be written: the disk is full, the folder has vanished. The message
            names the file, and nothing is left behind.
        """
        parameters = parameters_of(_mapping("parameters", parameters))
        facts = _canonical(_mapping("facts", {} if facts is None else facts), "facts of a point")
        header = {"parameters": parameters, "facts": facts}
        data, arrays = self._encoded(header, _mapping("result", result))
        file = self.file(parameters)
        with suppress(OSError):  # what it would say is said of the file of the point
            self._sign()
        if file.is_dir():
            self._set_aside(file, "it is a folder")
        files.write(file, data)
        self.failures.pop(key(parameters), None)
        return arrays

    def _encoded(self, header: dict[str, Any], result: dict[str, Any]) -> tuple[bytes, Arrays]:
        for name in result:
            archive.check_name(name)
        if self.suffix == "json":
            result = {name: _canonical(x, f"{name} in a JSON store") for name, x in result.items()}
            data = _to_json(header, result)
        else:
            data = _to_npz(header, result)
        return data, {name: np.asarray(value) for name, value in result.items()}

    def load(self, parameters: Mapping[str, Any]) -> Arrays:
        """The arrays of a point.

        Raises
        ------
        KeyError
            The point is missing, or its file is damaged and was set aside with a warning.
        """
        found = self._read(self.file(parameters))
        if found is None or found[0] != parameters_of(parameters):
            message = f"the store {str(self.path)!r} has no point {dict(parameters)!r}"
            failed = self.failures.get(key(parameters))
            raise KeyError(message + (f": it failed, {failed}" if failed else ""))
        return found[1]

    def facts(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The notes given to `save` with the result; empty if the point is missing."""
        found = self._read(self.file(parameters))
        return {} if found is None else found[2]

    def _all(self) -> Iterator[tuple[dict[str, Any], Arrays, dict[str, Any]]]:
        for file in self.files():
            found = self._read(file)
            if found is not None:
                yield found

    def _read(self, file: Path) -> tuple[dict[str, Any], Arrays, dict[str, Any]] | None:
        while True:
            before = _identity(file)
            if before is None:
                return None
            try:
                return _decoded(file)
            except FileNotFoundError:
                return None
            except archive.Damaged as error:
                reason = str(error)
            # Another process may have put a good file in its place meanwhile.
            if _identity(file) == before:
                self._set_aside(file, reason)
                return None

    def _set_aside(self, file: Path, reason: str) -> None:
        try:
            place = _moved(file, self.path)
        except FileNotFoundError:  # another process was faster
            return
        except OSError as error:
            what = f"could not be moved to {DAMAGED}/, {error.strerror}"
        else:
            what = f"was moved to {place.parent.name}/"
        self.damaged.append(f"{file.name}: {reason}")
        warn(
            f"damaged file {file.name} of the store {str(self.path)!r} {what} ({reason}); the "
            "other points are used, this one counts as missing",
            DamagedFile,
        )

    # ------------------------------------------------------------------------------- the whole

    @public
    def digest(self, without: Collection[str] = ()) -> str:
        """A hash of all parameters and arrays: equal for stores that hold the same results.

        Parameters
        ----------
        without : names
            Arrays that are left out, such as "seconds".
        """
        if isinstance(without, str) or not all(isinstance(name, str) for name in without):
            raise TypeError(f"without must be names of arrays, got {without!r}")
        total = hashlib.sha256()
        for parameters, arrays, _ in self._all():
            total.update(_text(parameters).encode())
            for name in sorted(set(arrays).difference(without)):
                array = np.ascontiguousarray(arrays[name])
                total.update(f"{name} {array.dtype.str} {array.shape}".encode())
                total.update(array.tobytes())
        return total.hexdigest()

    def to_xarray(self) -> xarray.Dataset:
        """All points as a labelled dataset.

        Parameters that are numbers or text and differ between points become coordinates. If the
        points are a full grid of them, these are the dimensions; otherwise there is one, "point".
        Further dimensions of an array "x" are "x_0", "x_1", ...; facts that are numbers come along
        as variables.

        Raises
        ------
        ModuleNotFoundError
            Without xarray; ``pip install kadanoff[data]``.
        ValueError
            The store is empty, or its points hold different arrays.
        """
        return _dataset(self)


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping of names to values, got {value!r}")
    return dict(value)


# ----------------------------------------------------------------------------------------- manifest


@cache
def _writer() -> dict[str, Any]:
    facts = about()
    names = ("kadanoff", "numpy", "scipy", "python", "platform", "threads")
    return {name: facts[name] for name in names}


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a store, None if there is none."""
    file = folder / MANIFEST
    try:
        found = archive.parsed(files.read(file))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise _damaged_manifest(file, str(error)) from None
    if not isinstance(found, dict):
        raise _damaged_manifest(file, "it holds no object")
    if found.pop("check", None) != _check(found):
        raise _damaged_manifest(file, "its checksum does not fit")
    if found.get("store") != LAYOUT:
        return found  # of another layout: `_compare` refuses it
    for name, good in (
        ("kind", isinstance(found.get("kind"), str)),
        ("version", type(found.get("version")) is int),
        ("suffix", found.get("suffix") in SUFFIXES),
        ("settings", isinstance(found.get("settings"), dict)),
        ("writers", _are_writers(found.get("writers"))),
    ):
        if not good:
            raise _damaged_manifest(file, f"{name} = {found.get(name)!r}")
    return found


def _are_writers(found: Any) -> bool:
    return isinstance(found, list) and all(
        isinstance(writer, dict) and isinstance(writer.get("kadanoff"), str) for writer in found
    )


def _damaged_manifest(file: Path, reason: str) -> ValueError:
    return ValueError(
        f"{file} is damaged ({reason}); remove that file alone if the points are to be kept"
    )


def _belongs(name: str, suffix: str) -> bool:
    """Whether a file of this name is one that a store without a manifest may hold."""
    return name.startswith(DAMAGED) or re.fullmatch(rf"[0-9a-f]{{24}}\.{suffix}", name) is not None


def _manifest_bytes(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest | {"check": _check(manifest)}, indent=1, sort_keys=True).encode()


def _check(whole: Any) -> str:
    """16 hexadecimal digits that tell whether a file in JSON is as it was written."""
    return hashlib.sha256(_text(whole).encode()).hexdigest()[:16]


def _compare(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse the manifest of another store than the one that is wanted."""
    for name, meaning in (
        ("store", "layout"),
        ("kind", "kind"),
        ("version", "version"),
        ("suffix", "suffix"),
    ):
        if found.get(name) != wanted.get(name):
            raise ValueError(
                f"the store {str(folder)!r} has {meaning} {found.get(name)!r}, this is {meaning} "
                f"{wanted[name]!r} (written by kadanoff {_versions(found)}): name another one"
            )


def _versions(manifest: dict[str, Any]) -> str:
    if not _are_writers(manifest.get("writers")):
        return "?"
    return ", ".join(sorted({writer["kadanoff"] for writer in manifest["writers"]})) or "?"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time changes the manifest, where the system has locks.

    The lock is the folder's own, leaves no file and ends with its process. It protects the list of
    writers alone: a process that cannot have it soon goes on without.
    """
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        for _ in range(_ATTEMPTS):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_PAUSE)
            except OSError:  # a file system without locks
                break
        yield
    finally:
        os.close(handle)


# -------------------------------------------------------------------------------------------- files


def _identity(file: Path) -> tuple[int, int, int] | None:
    """What tells a file from another one that has taken its place; None if it is not there."""
    try:
        facts = os.lstat(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise files.named(error, file) from error
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _decoded(file: Path) -> tuple[dict[str, Any], Arrays, dict[str, Any]]:
    """Parameters, arrays and facts of a point."""
    try:
        data = files.read(file)
    except ValueError:
        raise archive.Damaged("it is no regular file") from None
    try:
        header, arrays = (_from_npz if file.suffix == ".npz" else _from_json)(data)
        parameters, facts = header["parameters"], header["facts"]
        if not isinstance(parameters, dict) or not isinstance(facts, dict):
            raise ValueError("its parameters or facts are no mappings")
        if f"{key(parameters)}{file.suffix}" != file.name:
            raise ValueError("its parameters do not belong to its name")
    except MemoryError as error:
        raise MemoryError(f"{str(file)!r}: {error}") from error
    except Exception as error:  # whatever a damaged file makes of its readers
        raise archive.Damaged(f"{type(error).__name__}: {error}") from error
    return parameters, arrays, facts


def _moved(file: Path, store: Path) -> Path:
    """Move a file of a store to the damaged ones, under a name that none of them has."""
    folders = (store / (DAMAGED if n == 0 else f"{DAMAGED}-{n}") for n in itertools.count())
    folder = next(place for place in folders if place.is_dir() or not os.path.lexists(place))
    folder.mkdir(exist_ok=True)
    place = folder / file.name
    if os.path.lexists(place):
        place = folder / f"{file.stem}.{secrets.token_hex(4)}{file.suffix}"
    os.replace(file, place)
    return place


# ------------------------------------------------------------------------------------------ formats


def _to_npz(header: dict[str, Any], result: Mapping[str, Any]) -> bytes:
    if _HEADER in result:
        raise ValueError(f"an array cannot be called {_HEADER!r}")
    text = np.frombuffer(_text(header).encode(), dtype=np.uint8)
    return archive.packed({_HEADER: text, **result})


def _from_npz(data: bytes) -> tuple[dict[str, Any], Arrays]:
    arrays = archive.unpacked(data)
    return archive.parsed(arrays.pop(_HEADER).tobytes()), arrays


def _to_json(header: dict[str, Any], result: Mapping[str, Any]) -> bytes:
    whole = {**header, "result": dict(result)}
    return json.dumps({**whole, "check": _check(whole)}, indent=1).encode()


def _from_json(data: bytes) -> tuple[dict[str, Any], Arrays]:
    whole = archive.parsed(data)
    check = whole.pop("check")
    if _check(whole) != check:
        raise ValueError("its checksum does not fit")
    return whole, {name: np.asarray(value) for name, value in whole["result"].items()}


# ------------------------------------------------------------------------------------------- xarray


def _dataset(store: Store) -> xarray.Dataset:
    try:
        import xarray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "to_xarray needs xarray: pip install 'kadanoff[data]'", name="xarray"
        ) from error
    points = list(store._all())
    if not points:
        raise ValueError(f"the store {str(store.path)!r} is empty: there is nothing to label")
    names = sorted(set.intersection(*(set(p) for p, _, _ in points)))
    scalar = [
        name
        for name in names
        if all(isinstance(p[name], str | int | float) for p, _, _ in points)
        and not all(isinstance(p[name], bool) for p, _, _ in points)
    ]
    points.sort(key=lambda point: tuple(_sortable(point[0][name]) for name in scalar))
    values = {name: sorted({p[name] for p, _, _ in points}, key=_sortable) for name in scalar}
    varying = [name for name in scalar if len(values[name]) > 1]
    full = math.prod(len(values[name]) for name in varying) == len(points)
    distinct = len({tuple(p[name] for name in varying) for p, _, _ in points}) == len(points)
    grid = bool(varying) and full and distinct

    shape = tuple(len(values[name]) for name in varying) if grid else (len(points),)
    dims = tuple(varying) if grid else ("point",)
    variables: dict[str, Any] = {}
    arrays = {name: [a[name] for _, a, _ in points if name in a] for name in points[0][1]}
    for name, parts in arrays.items():
        if len(parts) != len(points) or len({part.shape for part in parts}) > 1:
            raise ValueError(
                f"array {name!r} is missing in some points or differs in shape: read them one by "
                "one with Store.load"
            )
        inner = parts[0].shape
        own = tuple(f"{name}_{k}" for k in range(len(inner)))
        variables[name] = (dims + own, np.stack(parts).reshape(shape + inner))
    for name in points[0][2]:
        facts = [f.get(name) for _, _, f in points]
        if name not in variables and all(isinstance(x, int | float) for x in facts):
            variables[name] = (dims, np.array(facts, dtype=np.float64).reshape(shape))
    coords: dict[str, Any] = {}
    for name in varying:
        column = values[name] if grid else [p[name] for p, _, _ in points]
        coords[name] = (name if grid else "point", np.asarray(column))
    attributes = {name: values[name][0] for name in scalar if name not in varying}
    attributes |= {"kind": store.manifest["kind"], "version": store.manifest["version"]}
    return xarray.Dataset(variables, coords, attributes)


def _sortable(value: Any) -> tuple[int, Any]:
    return (1, value) if isinstance(value, str) else (0, float(value))
