"""Results on disk, one file per point, that survive a killed run.

A store is a folder::

    manifest.json        kind, version, settings, seeds; and versions of the writers
    1f6a...e2.npz        one point, named after a hash of its parameters

A file is written under a temporary name, flushed to the disk and renamed: a reader sees a whole
file or none, so that a run may be killed at any moment and continues with the missing points.
Several processes may write into one store. Nothing is ever unpickled.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     store = Store(folder + "/doubles", kind="doubles")
...     saved = store.save({"x": 2}, {"double": 4})
...     print(int(store.load({"x": 2.0})["double"]), len(store), {"x": 3} in store)
4 1 False
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import tempfile
import time
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kadanoff._base import checks
from kadanoff._base.html import table
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray
from kadanoff._base.versions import about

if TYPE_CHECKING:
    import xarray

__all__ = ["DamagedFile", "Store", "canonical", "key"]

LAYOUT = 1
"""Of the folder and of its files; another one is refused."""
MANIFEST = "manifest.json"
DAMAGED = "damaged"  # where files that can not be read are put
_HEADER = "point.json"
_STALE = 3600.0  # seconds after which unfinished files of a killed process are removed

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
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"parameters of a point must be finite, got {value}")
        return int(value) if value.is_integer() and abs(value) < 2.0**53 else value
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError(f"names of parameters must be text, got {list(value)!r}")
        return {name: canonical(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    raise TypeError(
        f"parameters of a point must be numbers, text, lists and mappings, got {value!r}"
    )


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
    return hashlib.sha256(_text(canonical(dict(parameters))).encode()).hexdigest()[:24]


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
        Contents of the file ``manifest.json``.
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
        checks.choice("suffix", suffix, ("npz", "json"))
        version = checks.whole("version", version, least=0)
        self.path = Path(path)
        self.suffix = suffix
        self.damaged: list[str] = []
        self.failures: dict[str, str] = {}
        wanted = {"store": LAYOUT, "kind": str(kind), "version": version, "suffix": suffix}
        writer = _writer()
        found = self._read_manifest(wanted)
        if found is None:
            self.path.mkdir(parents=True, exist_ok=True)
            self.manifest = {**wanted, "settings": canonical(dict(settings or {})), "writers": []}
        else:
            self.manifest = found
        if writer not in self.manifest["writers"]:
            self.manifest["writers"].append(writer)
            text = json.dumps(self.manifest, indent=1, sort_keys=True)
            self._write(MANIFEST, text.encode())
        for left in self.path.glob(".*.part"):
            if time.time() - left.stat().st_mtime > _STALE:
                left.unlink(missing_ok=True)

    def __repr__(self) -> str:
        return (
            f"Store({str(self.path)!r}, kind={self.manifest['kind']!r}, "
            f"version={self.manifest['version']}, {len(self)} points)"
        )

    def _repr_html_(self) -> str:
        rows = {
            "folder": str(self.path),
            "kind": self.manifest["kind"],
            "version": self.manifest["version"],
            "points": len(self),
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
        file = Path(path) / MANIFEST
        if not file.is_file():
            raise FileNotFoundError(f"no store at {os.fspath(path)!r}: it has no {MANIFEST}")
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            found = {}  # the manifest is read again, and refused
        names = {"kind": "", "version": 0, "suffix": "npz"}
        return cls(path, **{name: found.get(name, value) for name, value in names.items()})

    def _read_manifest(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        file = self.path / MANIFEST
        place = str(self.path)
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            if self.path.exists() and not self.path.is_dir():
                raise ValueError(f"{place!r} is a file; a store is a folder") from None
            others = [p.name for p in self.path.glob("*")] if self.path.exists() else []
            if others:
                raise ValueError(
                    f"{place!r} is no store, but holds {sorted(others)[0]!r}: name an empty folder "
                    "or a new one"
                ) from None
            return None
        except ValueError as error:
            raise ValueError(
                f"{file} is damaged ({error}); remove that file alone if the points are to be kept"
            ) from None
        for name, meaning in (
            ("store", "layout"),
            ("kind", "kind"),
            ("version", "version"),
            ("suffix", "suffix"),
        ):
            if not isinstance(found, dict) or found.get(name) != wanted[name]:
                has = found.get(name) if isinstance(found, dict) else None
                raise ValueError(
                    f"the store {place!r} has {meaning} {has!r}, this is {meaning} "
                    f"{wanted[name]!r} (written by kadanoff {_versions(found)}): name another one"
                )
        return dict(found)

    # ---------------------------------------------------------------------------------- points

    def file(self, parameters: Mapping[str, Any]) -> Path:
        """Where a point is, or would be."""
        return self.path / f"{key(parameters)}.{self.suffix}"

    def __contains__(self, parameters: Mapping[str, Any]) -> bool:
        return self.file(parameters).is_file()

    def __len__(self) -> int:
        return len(self._files())

    def _files(self) -> list[Path]:
        found = self.path.glob(f"*.{self.suffix}")
        return sorted(p for p in found if p.name != MANIFEST)

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
            Notes that are no result, such as seconds.
        """
        header = {"parameters": canonical(dict(parameters)), "facts": canonical(dict(facts or {}))}
        if self.suffix == "json":
            result = {name: canonical(value) for name, value in result.items()}
            data = _to_json(header, result)
        else:
            data = _to_npz(header, result)
        self._write(self.file(parameters).name, data)
        self.failures.pop(key(parameters), None)
        return {name: np.asarray(value) for name, value in result.items()}

    def load(self, parameters: Mapping[str, Any]) -> Arrays:
        """The arrays of a point.

        Raises
        ------
        KeyError
            The point is missing, or its file is damaged and was set aside with a warning.
        """
        found = self._read(self.file(parameters))
        if found is None or found[0] != canonical(dict(parameters)):
            message = f"the store {str(self.path)!r} has no point {dict(parameters)!r}"
            failed = self.failures.get(key(parameters))
            raise KeyError(message + (f": it failed, {failed}" if failed else ""))
        return found[1]

    def facts(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The notes given to `save` with the result; empty if the point is missing."""
        found = self._read(self.file(parameters))
        return {} if found is None else found[2]

    def _all(self) -> Iterator[tuple[dict[str, Any], Arrays, dict[str, Any]]]:
        for file in self._files():
            found = self._read(file)
            if found is not None:
                yield found

    def _read(self, file: Path) -> tuple[dict[str, Any], Arrays, dict[str, Any]] | None:
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            decode = _from_npz if self.suffix == "npz" else _from_json
            header, arrays = decode(data)
            parameters, facts = header["parameters"], header["facts"]
            if f"{key(parameters)}.{self.suffix}" != file.name:
                raise ValueError("its parameters do not belong to its name")
        except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
            self._set_aside(file, f"{type(error).__name__}: {error}")
            return None
        return parameters, arrays, facts

    def _set_aside(self, file: Path, reason: str) -> None:
        place = self.path / DAMAGED
        place.mkdir(exist_ok=True)
        try:
            os.replace(file, place / file.name)
        except FileNotFoundError:  # another process was faster
            return
        self.damaged.append(f"{file.name}: {reason}")
        warnings.warn(
            f"damaged file {file.name} of the store {str(self.path)!r} was moved to "
            f"{DAMAGED}/ ({reason}); the other points are used, this one counts as missing",
            DamagedFile,
            stacklevel=3,
        )

    def _write(self, name: str, data: bytes) -> None:
        handle, part = tempfile.mkstemp(dir=self.path, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path / name)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise

    # ------------------------------------------------------------------------------- the whole

    @public
    def digest(self, without: Collection[str] = ()) -> str:
        """A hash of all parameters and arrays: equal for stores that hold the same results.

        Parameters
        ----------
        without : names
            Arrays that are left out, such as "seconds".
        """
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


def _writer() -> dict[str, Any]:
    facts = about()
    names = ("kadanoff", "numpy", "scipy", "python", "platform", "threads")
    return {name: facts[name] for name in names}


def _versions(manifest: Any) -> str:
    try:
        return ", ".join(sorted({writer["kadanoff"] for writer in manifest["writers"]})) or "?"
    except (KeyError, TypeError):
        return "?"


# ------------------------------------------------------------------------------------------ formats


def _to_npz(header: dict[str, Any], result: Mapping[str, Any]) -> bytes:
    arrays = {name: np.asarray(value) for name, value in result.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name} must be an array of numbers or text, got {result[name]!r}")
        if name == _HEADER:
            raise ValueError(f"an array can not be called {_HEADER!r}")
    text = np.frombuffer(_text(header).encode(), dtype=np.uint8)
    out = io.BytesIO()
    # No allow_pickle=False: numpy 2.0 takes it for an array. Objects were refused above.
    np.savez(out, **{_HEADER: text}, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def _from_npz(data: bytes) -> tuple[dict[str, Any], Arrays]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(arrays.pop(_HEADER).tobytes().decode()), arrays


def _to_json(header: dict[str, Any], result: Mapping[str, Any]) -> bytes:
    whole = {**header, "result": dict(result)}
    check = hashlib.sha256(_text(whole).encode()).hexdigest()[:16]
    return json.dumps({**whole, "check": check}, indent=1).encode()


def _from_json(data: bytes) -> tuple[dict[str, Any], Arrays]:
    whole = json.loads(data.decode())
    check = whole.pop("check")
    if hashlib.sha256(_text(whole).encode()).hexdigest()[:16] != check:
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
