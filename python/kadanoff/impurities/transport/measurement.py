"""Measured conductances, from arrays or from a text file with a header.

Energies are kept in meV, gate voltages in mV and conductances in e^2/h. Temperatures and
conductances need a unit, in the header or by name: a number of kelvin and one of meV, or a number
of e^2/h and one of 2e^2/h, cannot be told apart.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kadanoff._base import checks, files, html
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray

__all__ = ["Measurement", "read_csv"]

COLUMNS = {
    "T": ("t", "temperature"),
    "V_g": ("v_g", "vg", "v_gate", "vgate", "gate", "gate_voltage"),
    "G": ("g", "conductance", "di/dv", "didv"),
    "error": ("error", "err", "sigma", "dg", "g_error", "g_err", "uncertainty"),
    "V_sd": ("v_sd", "vsd", "v_bias", "vbias", "bias", "bias_voltage"),
}
VOLTS = {"V": 1e3, "mV": 1.0, "uV": 1e-3, "\N{MICRO SIGN}V": 1e-3}
OF_THE_MODEL = "model"
"""In place of a unit: the numbers of a column are those of the model."""
NEEDED = {"T": "K", "G": "e^2/h", "V_sd": "mV"}
"""Columns that are not read without a unit, and an example of one."""
_HEADING = re.compile(r"(.*?)\s*/?\s*[(\[](.*)[)\]]", re.DOTALL)
_IN = re.compile(r"(.*\S)\s+in\s+(\S.*)")
_TEX = re.compile(r"\\(?:mathrm|text|rm|mathit)\b|[$\\{}]")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Measurement:
    """A measured conductance, one row per point.

    Parameters
    ----------
    T : float or array of float, shape (n,)
        Temperatures in the unit of the model (k_B = 1; meV with :mod:`kadanoff.units`), above zero.
        A number stands for all points.
    G : array of float, shape (n,)
        Conductances in e^2/h.
    V_g : array of float, shape (n,), optional
        Gate voltages; times the lever arm they are energies (mV and meV).
    error : float or array of float, shape (n,), optional
        Standard errors of G, above zero; left out, they are taken equal and fitted.

    Examples
    --------
    >>> Measurement(T=[0.01, 0.1], G=[1.9, 0.7], error=0.02)
    Measurement(2 points, T = 0.01 ... 0.1, G = 0.7 ... 1.9 e^2/h, errors given)
    """

    T: FloatArray
    G: FloatArray
    V_g: FloatArray | None = None
    error: FloatArray | None = None

    def __post_init__(self) -> None:
        G = checks.array("G", self.G, ndim=1, frozen=True)
        if not G.size:
            raise ValueError("G must hold at least one point, got none")
        columns: dict[str, Any] = {"G": G}
        for name in ("T", "V_g", "error"):
            value = getattr(self, name)
            if value is None:
                continue
            array = checks.array(name, value)
            if array.shape not in {(), G.shape}:
                raise ValueError(
                    f"{name} must be a number or have the shape of G, {G.shape}, got shape "
                    f"{array.shape}"
                )
            columns[name] = np.broadcast_to(array, G.shape).copy()
            columns[name].flags.writeable = False
        if "T" not in columns:
            raise TypeError("T must be an array of numbers, got None")
        for name, remedy in (
            ("T", "G at T = 0 is that at the temperature of the electrons"),
            ("error", "leave the errors out and they are fitted"),
        ):
            bad = np.flatnonzero(~(columns.get(name, np.ones(1)) > 0))
            if bad.size:
                raise ValueError(
                    f"{name} must be above zero, got {columns[name][bad[0]]:g} at point {bad[0]}: "
                    f"{remedy}"
                )
        for name, array in columns.items():
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.G)

    def __repr__(self) -> str:
        gate = "" if self.V_g is None else f", V_g = {self.V_g.min():.3g} ... {self.V_g.max():.3g}"
        return (
            f"Measurement({len(self)} point{'s' if len(self) > 1 else ''}, "
            f"T = {self.T.min():.3g} ... {self.T.max():.3g}{gate}, "
            f"G = {self.G.min():.3g} ... {self.G.max():.3g} e^2/h, errors "
            f"{'not known' if self.error is None else 'given'})"
        )

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {
            "points": len(self),
            "T": (float(self.T.min()), float(self.T.max())),
            "G (e^2/h)": (float(self.G.min()), float(self.G.max())),
            "errors": "not known" if self.error is None else float(np.median(self.error)),
        }
        if self.V_g is not None:
            rows["V_g"] = (float(self.V_g.min()), float(self.V_g.max()))
        order = np.argsort(self.T if self.V_g is None else self.V_g, kind="stable")
        return html.table("Measured conductance", rows, html.sparkline(self.G[order]))


@public
def read_csv(
    path: str | os.PathLike[str],
    *,
    T: float | None = None,
    units: Mapping[str, str] | None = None,
) -> Measurement:
    r"""Read a measured conductance from a text file with one header line.

    ``T (mK), V_g (mV), G (2e^2/h), error (2e^2/h)`` or ``T/mK, Vg/mV, G/(2e^2/h)``

    Parameters
    ----------
    path : path
        Text in UTF-8: a header, then one point per line, separated by commas, semicolons, tabs or
        blanks. Lines that begin with ``#`` before the header are comments.
    T : float, optional
        Temperature of all points, if the file has no such column, in the unit of the model.
    units : mapping from names of columns to units, optional
        Units of columns whose heading has none, such as ``{"T": "K", "G": "e^2/h"}``; "model"
        stands for the unit of the model, e^2/h for a conductance.

    Returns
    -------
    Measurement
        Temperatures as energies in meV, gate voltages in mV and conductances in e^2/h.

    Raises
    ------
    ValueError
        A column is missing or appears twice, a unit is missing, not known or given twice, a cell is
        empty or no number (the message has the number of the line), decimals are written with
        commas, an error or a temperature is not positive, a bias exceeds the temperature.
    OSError
        The file cannot be read.
    MemoryError
        It is larger than half of the memory available.
    TypeError
        `path`, `T` or `units` is of the wrong kind.

    Notes
    -----
    Names of columns: T or temperature; V_g or gate; G, conductance or dI/dV; error, sigma or dG;
    V_sd or bias; others are not read. Units, as ``T (K)``, ``T [K]``, ``T/K`` or ``T in K``: eV,
    meV, ueV, K, mK, GHz, THz for T; V, mV, uV for V_g and V_sd; e^2/h, 2e^2/h, S, mS, uS, nS for
    G. An error without a unit has that of G, and a gate voltage without one is taken as it is: the
    lever arm then holds its unit. The conductance is that of linear response: points of a bias
    above k_B T / e are refused.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "dot.csv"
    ...     _ = file.write_text("T (mK),G (2e^2/h)\n50,0.95\n100,0.90\n")
    ...     read_csv(file)
    Measurement(2 points, T = 0.00431 ... 0.00862, G = 1.8 ... 1.9 e^2/h, errors not known)
    """
    name = os.fspath(path)
    try:
        text = files.read(Path(name)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name!r} is no text in UTF-8: save it as CSV in UTF-8") from None
    lines = [(k, line) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ValueError(f"{name!r} is empty: it needs a header and one point per line")
    lines = lines[_header(lines) :]
    header = lines[0][1].lstrip("# \t")
    separator = _separator(header)
    columns, factors = _columns(_cells(header, separator), name, _given(units), T)
    rows = [
        _numbers(cells, columns, len(factors), f"{name!r}, line {k}")
        for k, line in lines[1:]
        if not _is_comment(line)
        for cells in [_cells(line, separator)]
    ]
    if not rows:
        raise ValueError(f"{name!r} has a header and no points")
    values = dict(zip(columns, np.array(rows).T, strict=True))
    for column, k in columns.items():
        values[column] = values[column] * factors[k]
    if "T" in values and T is not None:
        raise ValueError(f"T is given twice, as an argument and as a column of {name!r}")
    if "T" not in values:
        if T is None:
            raise ValueError(
                f"{name!r} has no column T: add one such as 'T (mK)', or pass T= for all points"
            )
        values["T"] = np.asarray(checks.real("T", T, above=0))
    if "V_sd" in values:
        _check_bias(values.pop("V_sd"), values["T"], name)
    return Measurement(**values)


def _given(units: object) -> dict[str, str]:
    """The argument `units`, checked."""
    if units is None:
        return {}
    if not isinstance(units, Mapping):
        raise TypeError(f"units must be a mapping such as {{'T': 'K'}}, got {units!r}")
    found = {}
    for column, unit in units.items():
        checks.choice("a column of units", column, tuple(COLUMNS))
        if not isinstance(unit, str) or not unit.strip():
            raise TypeError(f"units of {column} must be a text such as 'mK', got {unit!r}")
        found[str(column)] = unit
    return found


def _check_bias(V_sd: FloatArray, T: FloatArray, name: str) -> None:
    """Refuse points beyond linear response; V_sd in mV is e V_sd in meV."""
    bad = np.flatnonzero(np.abs(V_sd) > T)
    if bad.size:
        k, at = bad[0], np.broadcast_to(T, V_sd.shape)
        raise ValueError(
            f"{name!r}: V_sd = {V_sd[k]:.3g} mV at point {k} exceeds k_B T / e = {at[k]:.3g} mV, "
            "and the conductance is computed in linear response: keep the points at zero bias"
        )


def _header(lines: list[tuple[int, str]]) -> int:
    """Where the header is: the first line that is no comment, or a comment above the numbers."""
    first = next((k for k, (_, line) in enumerate(lines) if not _is_comment(line)), len(lines))
    if first < len(lines) and not _is_number(_cells(lines[first][1], _separator(lines[first][1]))):
        return first
    named = [k for k in range(first) if _names_G(lines[k][1])]
    wide = [k for k in named if first < len(lines) and _as_wide(lines[k][1], lines[first][1])]
    return (wide or named or [min(first, len(lines) - 1)])[-1]


def _as_wide(comment: str, row: str) -> bool:
    """Whether a comment has as many cells as a row, as a header has and prose mostly has not."""
    cells = _cells(comment.lstrip("# \t"), _separator(comment))
    return len(cells) == len(_cells(row, _separator(row)))


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_number(cells: list[str]) -> bool:
    """Whether the first cell is a number, so that the line is no header."""
    try:
        float(cells[0].replace(",", "."))
    except ValueError:
        return False
    return True


def _names_G(line: str) -> bool:
    cells = _cells(line.lstrip("# \t"), _separator(line))
    return any(_column(cell)[0] == "G" for cell in cells)


def _separator(line: str) -> str | None:
    """The separator of a header; None for blanks."""
    return next((mark for mark in (";", "\t", ",") if mark in line), None)


def _cells(line: str, separator: str | None) -> list[str]:
    if separator is None:  # blanks between columns, and perhaps between a name and its unit
        line = re.sub(r"\s*/\s*", "/", line.strip())
        line = re.sub(r"[(\[][^)\]]*[)\]]", lambda unit: unit[0].replace(" ", ""), line)
        return re.sub(r"\s+(?=[(\[])", "", line).split()
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _known(word: str) -> str | None:
    """The column of that name."""
    plain = _TEX.sub("", word).strip().lower().replace(" ", "_")
    return next((column for column, words in COLUMNS.items() if plain in words), None)


def _column(cell: str) -> tuple[str | None, str]:
    """Which column a heading stands for, and its unit: ``G (e^2/h)``, ``G/(e^2/h)``, ``T/K``."""
    heading = cell.strip()
    if column := _known(heading):
        return column, ""
    splits = [heading[:k] + "\0" + heading[k + 1 :] for k, c in enumerate(heading) if c == "/"]
    pairs = [tuple(split.split("\0")) for split in splits]
    pairs += [found.groups() for form in (_IN, _HEADING) if (found := form.fullmatch(heading))]
    for word, unit in reversed(pairs):
        if column := _known(word):
            return column, unit
    return None, ""


def _columns(
    header: list[str], name: str, given: Mapping[str, str], T: float | None
) -> tuple[dict[str, int], list[float]]:
    """Where each column is, and the factor of each cell."""
    places: dict[str, int] = {}
    units: dict[str, str] = {}
    for k, cell in enumerate(header):
        column, unit = _column(cell)
        if column is None:
            continue
        if column in places:
            raise ValueError(f"{name!r} has two columns {column}: {header}")
        places[column], units[column] = k, unit
    if "G" not in places:
        raise ValueError(
            f"{name!r} has no column G in its header {header}: the first line must name the "
            "columns, such as 'T (mK), G (e^2/h)'"
        )
    for column, unit in given.items():
        if column not in places:
            raise ValueError(f"units has {column}, of which {name!r} has no column: {header}")
        if units[column]:
            raise ValueError(
                f"the unit of {column} is given twice, in units and in the heading "
                f"{header[places[column]]!r} of {name!r}"
            )
        units[column] = unit
    for column, example in NEEDED.items():
        if column in places and not units[column] and not (column == "T" and T is not None):
            raise ValueError(
                f"{name!r}: column {column} has no unit in its heading "
                f"{header[places[column]]!r}: write '{column} ({example})', or pass "
                f"units={{{column!r}: {example!r}}} ({OF_THE_MODEL!r} for the unit of the model)"
            )
    if "error" in places and not units["error"]:
        units["error"] = units["G"]
    factors = [1.0] * len(header)
    for column, k in places.items():
        if units[column]:
            factors[k] = _factor(column, units[column], name)
    return places, factors


def _factor(column: str, unit: str, name: str) -> float:
    from kadanoff import units  # scipy's table of constants, for those who use it

    siemens = 1.0 / units.CONDUCTANCE_QUANTUM
    known = {
        "T": {k: v for k, v in units.ENERGIES.items() if k != "T"},
        "V_g": VOLTS,
        "G": {
            "e^2/h": 1.0,
            "2e^2/h": 2.0,
            "S": siemens,
            "mS": 1e-3 * siemens,
            "uS": 1e-6 * siemens,
            "\N{MICRO SIGN}S": 1e-6 * siemens,
            "nS": 1e-9 * siemens,
        },
    }[{"error": "G", "V_sd": "V_g"}.get(column, column)]
    plain = _TEX.sub("", unit).replace(" ", "").replace("\N{SUPERSCRIPT TWO}", "^2")
    plain = plain.replace("**", "^").replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}")
    while plain[:1] in "([" and plain[-1:] in ")]" and len(plain) > 1:
        plain = plain[1:-1]
    plain = plain.replace("(", "").replace(")", "").replace("*", "").replace("e2/h", "e^2/h")
    if plain == OF_THE_MODEL and column != "V_sd":
        return 1.0
    checks.choice(f"unit of {column} in {name!r}", plain, tuple(known))
    return float(known[plain])


def _numbers(cells: list[str], columns: dict[str, int], width: int, where: str) -> list[float]:
    """The numbers of one line, in the order of the columns."""
    if len(cells) != width:
        comma = "; a decimal comma must be a point" if len(cells) > width else ""
        raise ValueError(f"{where}: {len(cells)} cells, the header has {width}{comma}")
    found = []
    for column, k in columns.items():
        cell = cells[k]
        try:
            value = float(cell)
        except ValueError:
            if _DECIMAL_COMMA.fullmatch(cell):
                raise ValueError(
                    f"{where}: {column} = {cell!r} has a decimal comma: write points, such as "
                    f"{cell.replace(',', '.')!r}"
                ) from None
            state = "is empty" if not cell else f"= {cell!r} is no number"
            raise ValueError(f"{where}: {column} {state}: remove the line or fill it in") from None
        if not np.isfinite(value):
            raise ValueError(f"{where}: {column} = {cell} is not finite: remove the line")
        if column in ("T", "error") and not value > 0:
            raise ValueError(f"{where}: {column} must be above zero, got {cell}")
        found.append(value)
    return found
