"""What an array looks like on paper: its shape, its type, and numbers to compare another with.

    {"shape": [3], "dtype": "float64", "values": [0.5, 1.0, 1.5], "sum": 3.0, "largest": 1.5}

Arrays of more than `MOST` numbers are represented by that many, evenly spaced, and by their sum.
Numbers are written so that they are read back bit by bit; complex ones are pairs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

VALUES = Path(__file__).parent / "values"
MOST = 200

Record = dict[str, Any]


def sampled(values: Any) -> Record:
    """The record of an array, a number or a string."""
    array = np.asarray(values)
    if array.dtype.kind not in "biufcU":
        raise TypeError(f"an entry must hold numbers or strings, got dtype {array.dtype}")
    flat = array.ravel()
    at = np.arange(flat.size)
    if flat.size > MOST:
        at = np.round(np.linspace(0, flat.size - 1, MOST)).astype(int)
    record: Record = {
        "shape": list(array.shape),
        "dtype": "str" if array.dtype.kind == "U" else str(array.dtype),
        "values": _plain(flat[at]),
    }
    if array.dtype.kind in "iufc":
        finite = flat[np.isfinite(flat)]
        record["sum"] = _plain(finite.sum()[None])[0]
        record["largest"] = float(np.max(np.abs(finite), initial=0))
    return record


def digest(values: Any) -> str:
    """Hash of all bits of an array, its shape and its type."""
    array = np.asarray(values)
    whole = hashlib.sha256(repr((array.shape, array.dtype.str)).encode())
    whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


def differences(
    found: Mapping[str, Record], expected: Mapping[str, Record], tolerance: float
) -> list[str]:
    """One line for every entry that differs; integers, strings and tolerance 0 leave no room."""
    lines = [f"{key}: only on one side" for key in sorted(found.keys() ^ expected.keys())]
    for key in sorted(found.keys() & expected.keys()):
        a, b = found[key], expected[key]
        if (a["shape"], a["dtype"]) != (b["shape"], b["dtype"]):
            lines.append(f"{key}: {a['dtype']}{a['shape']}, expected {b['dtype']}{b['shape']}")
        elif a["values"] != b["values"] or a.get("sum") != b.get("sum"):
            # NaN comes here as well: it differs from itself.
            gap, room = distance(a, b), 0.0
            if _is_float(b):
                room = tolerance * max(a["largest"], b["largest"])
            if not gap <= room:
                lines.append(f"{key}: differs by {gap:.3g}, {room:.3g} is allowed")
    return lines


def distance(a: Record, b: Record) -> float:
    """Largest difference of two records of one shape and type; infinite where NaN meets a number.

    That of the sums counts a number each: rounding errors add up.
    """
    if a["dtype"] in ("str", "bool"):
        return float(a["values"] != b["values"])
    if not _is_float(a):
        pairs = zip([*a["values"], a["sum"]], [*b["values"], b["sum"]], strict=True)
        return float(max(abs(x - y) for x, y in pairs))
    x, y = (np.array([*r["values"], r["sum"]], dtype=np.float64) for r in (a, b))
    if a["dtype"].startswith("complex"):
        x, y = x.view(np.complex128), y.view(np.complex128)
    x, y = x.ravel(), y.ravel()
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(x - y).astype(float))
    gap[-1] /= max(int(np.prod(a["shape"])), 1)
    return float(np.max(np.where(np.isnan(gap), np.inf, gap)))


def write(name: str, records: Mapping[str, Record], folder: Path = VALUES) -> None:
    """One line per entry, so that a change shows where it is."""
    lines = [f"  {json.dumps(key)}: {json.dumps(record)}" for key, record in records.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def read(name: str, folder: Path = VALUES) -> dict[str, Record]:
    """What `write` wrote."""
    records: dict[str, Record] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return records


def _plain(flat: Any) -> list[Any]:
    if flat.dtype.kind == "c":
        return [[z.real, z.imag] for z in flat.tolist()]
    plain: list[Any] = flat.tolist()
    return plain


def _is_float(record: Record) -> bool:
    return record["dtype"].startswith(("float", "complex"))
