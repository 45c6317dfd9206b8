"""Green functions in HDF5: the group of a TRIQS archive, and the H5GF layout of ALPSCore.

A TRIQS group has the attribute ``Format`` = ``Gf``, the data set ``data`` of shape (L, rows,
columns, 2) with the attribute ``__complex__`` (last axis: real and imaginary part; no rows and
columns for a scalar function), and the group ``mesh`` (``Format`` = ``MeshImFreq``) with ``beta``,
``statistic`` = ``F``, ``size`` = L and ``positive_freq_only``. Older archives name the attribute
``TRIQS_HDF5_data_scheme``, and keep beta and statistic in ``mesh/domain``. The frequencies are
w_n for -L/2 <= n < L/2, or for 0 <= n < L.

H5GF has ``mesh/1`` with ``kind`` = ``MATSUBARA``, ``N``, ``statistics`` = 1, ``beta`` and
``positive_only``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from kadanoff._base.types import AnyArray, ComplexArray, FloatArray
from kadanoff.greens.grids import fermionic, inverse_temperature

__all__ = ["read", "written"]

SCHEMES = ("Format", "TRIQS_HDF5_data_scheme")


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError("HDF5 files need h5py: pip install 'kadanoff[files]'") from error
    return h5py


# ---------------------------------------------------------------------------------------- writing


def written(values: ComplexArray, beta: float, name: str) -> bytes:
    """A TRIQS archive with one scalar function as a 1 x 1 matrix, at both signs of frequency."""
    h5py = _h5py()
    both = np.concatenate([np.conj(values[::-1]), values])
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        group = file.create_group(name)
        group.attrs["Format"] = "Gf"
        parts = np.stack([both.real, both.imag], axis=-1)[:, None, None, :]
        data = group.create_dataset("data", data=parts)
        data.attrs["__complex__"] = "1"
        mesh = group.create_group("mesh")
        mesh.attrs["Format"] = "MeshImFreq"
        mesh["beta"] = float(beta)
        mesh["statistic"] = "F"
        mesh["size"] = np.int64(both.size)
        mesh["positive_freq_only"] = np.int32(0)
    return out.getvalue()


# ---------------------------------------------------------------------------------------- reading


def read(
    content: bytes, name: str | None, orbital: tuple[int, int]
) -> tuple[FloatArray, ComplexArray, float]:
    """Frequencies, values and beta of a function in an HDF5 file.

    Raises
    ------
    ValueError
        The file is no HDF5 or damaged, has no such function, or a function of another kind.
    """
    h5py = _h5py()
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            group = _chosen(file, name, h5py)
            reader = _triqs if _scheme(group) else _h5gf
            return reader(group, orbital)
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"it is no HDF5 file, damaged or incomplete: {error}") from error


def _text(value: Any) -> str:
    value = value[()] if hasattr(value, "shape") and not isinstance(value, np.generic) else value
    return value.decode() if isinstance(value, bytes) else str(value)


def _scheme(group: Any) -> str:
    """The format that a group names; empty if none."""
    for key in SCHEMES:
        if key in group.attrs:
            return _text(group.attrs[key])
    return ""


def _functions(group: Any, h5py: Any, path: str = "") -> Iterator[str]:
    """Paths of all Green functions below a group."""
    if _scheme(group).startswith("Gf") or "mesh/1/kind" in group:
        yield path or "/"
        return
    for key in group:
        if isinstance(group.get(key), h5py.Group):
            yield from _functions(group[key], h5py, f"{path}/{key}".lstrip("/"))


def _chosen(file: Any, name: str | None, h5py: Any) -> Any:
    found = list(_functions(file, h5py))
    listed = ", ".join(found[:8]) or "none"
    if name is None:
        if len(found) != 1:
            raise ValueError(f"name the Green function to read; those in the file: {listed}")
        return file[found[0]]
    if name.strip("/") not in [path.strip("/") for path in found]:
        raise ValueError(f"it has no Green function {name!r}; those in the file: {listed}")
    return file[name]


def _triqs(group: Any, orbital: tuple[int, int]) -> tuple[FloatArray, ComplexArray, float]:
    mesh = group["mesh"]
    scheme = _scheme(mesh)
    if scheme not in ("MeshImFreq", ""):
        raise ValueError(
            f"the mesh of {group.name!r} is {scheme!r}: 'MeshImFreq', all Matsubara frequencies, "
            "is read"
        )
    domain = mesh.get("domain", mesh)
    beta = inverse_temperature(float(domain["beta"][()]))
    statistic = _text(domain["statistic"])
    if statistic != "F":
        raise ValueError(f"the statistic of {group.name!r} is {statistic!r}, not 'F', fermionic")
    positive = False
    for key in ("positive_freq_only", "start_at_0"):
        positive = bool(mesh[key][()]) if key in mesh else positive
    values = _complex(group["data"], orbital)
    if "size" in mesh and int(mesh["size"][()]) != values.size:
        raise ValueError(
            f"data of {group.name!r} has {values.size} frequencies, its mesh {mesh['size'][()]}"
        )
    return _on_axis(values, beta, positive)


def _h5gf(group: Any, orbital: tuple[int, int]) -> tuple[FloatArray, ComplexArray, float]:
    mesh = group["mesh/1"]
    kind = _text(mesh["kind"])
    if kind != "MATSUBARA":
        raise ValueError(f"the first mesh of {group.name!r} is {kind!r}, not 'MATSUBARA'")
    if int(mesh["statistics"][()]) != 1:
        raise ValueError(f"the statistics of {group.name!r} are not fermionic")
    beta = inverse_temperature(float(mesh["beta"][()]))
    return _on_axis(_complex(group["data"], orbital), beta, bool(mesh["positive_only"][()]))


def _complex(data: Any, orbital: tuple[int, int]) -> ComplexArray:
    """One matrix element of a data set, whose complex numbers are pairs of real ones or not."""
    array: AnyArray = np.asarray(data[()])
    if array.dtype.kind == "f" and array.ndim in (2, 3, 4) and array.shape[-1] == 2:
        array = array[..., 0] + 1j * array[..., 1]
    elif array.dtype.kind != "c":
        raise ValueError(f"{data.name!r} holds {array.dtype} of shape {array.shape}, no complex")
    if array.ndim not in (1, 2, 3):
        raise ValueError(f"{data.name!r} has shape {array.shape}: no function of one frequency")
    for axis, (index, size) in enumerate(zip(orbital, array.shape[1:], strict=False)):
        if index >= size:
            raise ValueError(
                f"orbital must be below {size} in direction {axis}, got {orbital} for {data.name!r}"
            )
    for index in orbital[: array.ndim - 1]:
        array = array[:, index]
    values = array.astype(np.complex128)
    if not np.all(np.isfinite(values)):
        row = int(np.argmax(~np.isfinite(values)))
        raise ValueError(f"{data.name!r}: value {row + 1} is not finite")
    return np.asarray(values)


def _on_axis(
    values: ComplexArray, beta: float, positive: bool
) -> tuple[FloatArray, ComplexArray, float]:
    if positive:
        return fermionic(beta, values.size), values, beta
    if values.size % 2:
        raise ValueError(
            f"there are {values.size} values at both signs of frequency, an odd number"
        )
    w = fermionic(beta, values.size // 2)
    return np.concatenate([-w[::-1], w]), values, beta
