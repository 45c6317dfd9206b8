"""Delta, G and Sigma at Matsubara frequencies, in the files of other codes.

Text: one line per frequency, ``w_n Re Im``, as TRIQS writes (``write_gf_to_txt``), with further
pairs of columns for other spins and orbitals in w2dynamics and ALPS. HDF5: the group that TRIQS
writes for a Green function, and the H5GF layout of ALPSCore (reading only).

References
----------
O. Parcollet et al., Comput. Phys. Commun. 196, 398 (2015), doi:10.1016/j.cpc.2015.04.023 (TRIQS).
M. Wallerberger et al., Comput. Phys. Commun. 235, 388 (2019), doi:10.1016/j.cpc.2018.09.007
(w2dynamics).
A. Gaenko et al., Comput. Phys. Commun. 213, 235 (2017), doi:10.1016/j.cpc.2016.12.009 (ALPSCore).
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks, files
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, ComplexArray, FloatArray
from kadanoff.greens import triqs
from kadanoff.greens.grids import fermionic, inverse_temperature
from kadanoff.greens.matsubara_frequencies import first_wrong, folded, not_matsubara

__all__ = ["MatsubaraData", "read_matsubara", "write_matsubara"]

VERSION = 1
"""Version of the columns that are written; raise it when a reader would be misled."""
HDF5 = (".h5", ".hdf5")
STYLES = ("plain", "w2dynamics")
SIGMAS = 5.0
ACAUSAL = 1e-9
"""Im G above zero, relative to the largest value, that rounding may cause."""
_HEADER = re.compile(rb"#\s*kadanoff matsubara (\d+)")
_BETA = re.compile(rb"beta\s*=\s*([0-9.eE+-]+)")


@public
@dataclass(frozen=True, eq=False)
class MatsubaraData:
    """Values at Matsubara frequencies, as a file holds them.

    Parameters
    ----------
    w_n : array of float, shape (N,)
        Positive frequencies, ascending; gaps are allowed.
    values : array of complex, shape (N,)
        Values there.
    beta : float
        Inverse temperature.
    error : array of float, shape (N,), optional
        Standard error of the real and of the imaginary part of each value.

    Examples
    --------
    >>> import numpy as np
    >>> MatsubaraData(np.array([0.5, 1.5]), np.array([-1.0j, -0.5j]), 2 * np.pi)
    MatsubaraData(2 frequencies to w_n = 1.5, beta=6.28319)
    """

    w_n: FloatArray
    values: ComplexArray
    beta: float
    error: FloatArray | None = None

    def __repr__(self) -> str:
        return (
            f"MatsubaraData({self.w_n.size} frequencies to w_n = {self.w_n[-1]:.6g}, "
            f"beta={self.beta:g}{'' if self.error is None else ', with errors'})"
        )


@public
def read_matsubara(
    path: str | os.PathLike[str],
    *,
    beta: float | None = None,
    columns: Sequence[int] | None = None,
    name: str | None = None,
    orbital: tuple[int, int] = (0, 0),
    causal: bool = True,
) -> MatsubaraData:
    """Read Delta, G or Sigma at Matsubara frequencies from text or HDF5.

    Parameters
    ----------
    path : path
        The file: ``.h5`` or ``.hdf5`` for HDF5 (needs ``kadanoff[files]``), else text.
    beta : float, optional
        Inverse temperature; by default that of the file, or that of its lowest frequency.
    columns : sequence of int, optional
        Of text: the columns of w_n, Re, Im and, where there is one, of the standard error, counted
        from 0. By default those that the header of :func:`write_matsubara` names, or (0, 1, 2) of
        a file with three columns.
    name : str, optional
        Of HDF5: the group, such as ``"G_iw/up"``; by default the only Green function of the file.
    orbital : tuple of int
        Of HDF5: row and column of a matrix-valued function.
    causal : bool
        Whether Im > 0 at positive frequencies is refused.

    Returns
    -------
    MatsubaraData
        Values at positive frequencies, those at negative ones folded onto them.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    ValueError
        The file is damaged or of a newer version, lines or columns are missing, frequencies are
        not those of Matsubara, or values are not causal; the message names file, line and column.
    ImportError
        HDF5 is read and h5py is missing.

    Notes
    -----
    10,000 lines of text are read in about 10 ms.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from kadanoff.greens import matsubara
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "delta.dat"
    ...     write_matsubara(file, 0.25 / (1j * matsubara(10.0, 64) - 0.5), 10.0, name="Delta")
    ...     read_matsubara(file)
    MatsubaraData(64 frequencies to w_n = 39.8982, beta=10)
    """
    place = Path(path)
    given = None if beta is None else inverse_temperature(beta)
    if place.suffix.lower() in HDF5:
        row, column = (checks.whole("orbital", k, least=0) for k in orbital)
        try:
            w_n, values, own = triqs.read(files.read(place), name, (row, column))
            beta = own if given is None else given
            if given is not None and abs(own - given) > 1e-6 * given:
                raise ValueError(f"it has beta = {own:.10g}, beta = {given:.10g} was asked for")
            table = _Table(w_n, values, None, None)
            return _checked(table, beta, causal)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)!r}: {error}") from error
    try:
        table, own_beta = _text(files.read(place), columns)
        return _checked(table, own_beta if given is None else given, causal)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)!r}: {error}") from error


@public
def write_matsubara(
    path: str | os.PathLike[str],
    values: ArrayLike,
    beta: float,
    *,
    error: ArrayLike | None = None,
    name: str = "G",
    style: str = "plain",
) -> None:
    """Write Delta, G or Sigma at the first Matsubara frequencies to text or HDF5.

    Parameters
    ----------
    path : path
        The file: ``.h5`` or ``.hdf5`` for the layout of a TRIQS archive (needs
        ``kadanoff[files]``), with values at both signs of frequency; else text.
    values : array of complex, shape (N,)
        Values at the first N positive Matsubara frequencies.
    beta : float
        Inverse temperature, positive (k_B = 1).
    error : array of float, shape (N,), optional
        Standard error of the real and of the imaginary part of each value, a fourth column of
        "plain" text.
    name : str
        Name of the function, in the header of text, or of the group in HDF5.
    style : {"plain", "w2dynamics"}
        Columns of text: ``w_n Re Im``, or ``w_n Re Im Re Im`` for equal spins.

    Raises
    ------
    TypeError, ValueError
        An argument is out of range or of the wrong kind.
    OSError
        The file cannot be written; what was there before is kept.
    ImportError
        HDF5 is written and h5py is missing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "delta.dat"
    ...     write_matsubara(file, np.array([0.5 - 0.5j, 0.1 - 0.25j]), beta=np.pi, name="Delta")
    ...     print(file.read_text())
    # kadanoff matsubara 1: Delta(i w_n), beta = 3.141592653589793
    # w_n Re Im
    1 0.5 -0.5
    3 0.10000000000000001 -0.25
    <BLANKLINE>
    """
    array = checks.array("values", values, dtype=np.complex128, ndim=1)
    beta = inverse_temperature(beta)
    checks.choice("style", style, STYLES)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ValueError(f"name must be a word such as 'Delta', got {name!r}")
    errors = None if error is None else checks.array("error", error, shape=(array.size,))
    if errors is not None and style != "plain":
        raise ValueError(f"style {style!r} has no column for errors")
    place = Path(path)
    if place.suffix.lower() in HDF5:
        if errors is not None:
            raise ValueError("the layout of a TRIQS archive has no place for errors; write text")
        files.write(place, triqs.written(array, beta, name))
        return
    w_n = fermionic(beta, array.size)
    pair = [array.real, array.imag]
    table = [w_n, *pair, *(pair if style == "w2dynamics" else [])]
    titles = "w_n Re Im" + (" Re Im" if style == "w2dynamics" else "")
    if errors is not None:
        table, titles = [*table, errors], f"{titles} error"
    line = " ".join(["%.17g"] * len(table)) + "\n"
    head = f"# kadanoff matsubara {VERSION}: {name}(i w_n), beta = {beta!r}\n# {titles}\n"
    body = "".join([line % row for row in zip(*(x.tolist() for x in table), strict=True)])
    files.write(place, (head + body).encode())


# ------------------------------------------------------------------------------------------- text


@dataclass(frozen=True)
class _Table:
    """Columns of a file as they stand there, and the file for messages about a line."""

    w_n: FloatArray
    values: ComplexArray
    error: FloatArray | None
    text: tuple[bytes, tuple[int, ...]] | None

    def at(self, row: int, part: int) -> str:
        """``line 7, column 3: `` of a row, and of w_n, Re, Im or error; empty for HDF5."""
        if self.text is None:
            return f"value {row + 1}: "
        data, columns = self.text
        numbers = [k for k, line in enumerate(data.splitlines(), 1) if line.split(b"#")[0].strip()]
        return f"line {numbers[row]}, column {columns[part] + 1}: "


def _text(data: bytes, columns: Sequence[int] | None) -> tuple[_Table, float | None]:
    """The columns of a text file, and the beta of its header."""
    head = _HEADER.search(data[:4096])
    beta = None
    if head is not None:
        if int(head[1]) > VERSION:
            raise ValueError(
                f"it has version {int(head[1])} of kadanoff's columns, this kadanoff reads up to "
                f"{VERSION}"
            )
        found = _BETA.search(data[: head.end() + 200])
        beta = None if found is None else inverse_temperature(float(found[1]))
    table = _numbers(data)
    width = table.shape[1]
    if columns is None:
        columns = _columns(data, width, head is not None)
    use = tuple(checks.whole("columns", k, least=0) for k in columns)
    if len(use) not in (3, 4):
        raise ValueError(
            f"columns must name those of w_n, Re, Im and at most one error, got {columns!r}"
        )
    if max(use) >= width:
        raise ValueError(
            f"it has {width} columns, column {max(use) + 1} was asked for (columns={use}, counted "
            "from 0)"
        )
    values = table[:, use[1]] + 1j * table[:, use[2]]
    error = table[:, use[3]] if len(use) == 4 else None
    place = _Table(table[:, use[0]], values, error, (data, use))
    if error is not None and np.any(error < 0.0):
        row = int(np.argmax(error < 0.0))
        raise ValueError(f"{place.at(row, 3)}the standard error {error[row]:g} is negative")
    return place, beta


def _columns(data: bytes, width: int, own: bool) -> tuple[int, ...]:
    if own and b"Re Im error" in data[:4096]:
        if width < 4:
            raise ValueError(f"its header names 4 columns, it has {width}")
        return (0, 1, 2, 3)
    if width < 3:
        raise ValueError(f"it has {width} columns; at least w_n, Re and Im are needed")
    if width == 3 or (own and b"Re Im Re Im" in data[:4096]):
        return (0, 1, 2)
    raise ValueError(
        f"it has {width} columns: name those of w_n, Re and Im, and of the error if there is one, "
        "such as columns=(0, 1, 2) for the first spin and orbital of w2dynamics"
    )


def _numbers(data: bytes) -> FloatArray:
    """All numbers of a text file, shape (lines, columns)."""
    try:
        table = np.loadtxt(io.BytesIO(data), ndmin=2, encoding="utf-8")
    except (ValueError, UnicodeDecodeError):
        raise ValueError(_why(data)) from None
    if table.shape[0] == 0:
        raise ValueError("it holds no numbers")
    if not np.all(np.isfinite(table)):
        raise ValueError(_why(data))
    return np.asarray(table)


def _why(data: bytes) -> str:
    """The first line and column at which a text file is no table of finite numbers."""
    width = 0
    for number, line in enumerate(data.splitlines(), 1):
        parts = line.split(b"#")[0].split()
        width = width or len(parts)
        for column, part in enumerate(parts, 1):
            try:
                finite = math.isfinite(float(part))
            except ValueError:
                finite = False
            if not finite:
                shown = part[:40].decode(errors="replace")
                return f"line {number}, column {column}: {shown!r} is no finite number"
        if parts and len(parts) != width:
            return f"line {number} has {len(parts)} columns, the lines before have {width}"
    return "it is no table of numbers"


# ----------------------------------------------------------------------------------------- checks


def _checked(table: _Table, beta: float | None, causal: bool) -> MatsubaraData:
    """Values at positive Matsubara frequencies in ascending order."""
    w_n = table.w_n
    if np.any(w_n == 0.0):
        row = int(np.argmax(w_n == 0.0))
        raise ValueError(
            f"{table.at(row, 0)}w_n = 0 is no fermionic Matsubara frequency (is this column the "
            "number n, or are these bosonic frequencies?)"
        )
    known = beta is not None
    if beta is None:
        beta = _temperature(np.abs(w_n))
    wrong = first_wrong(np.abs(w_n), beta)
    if wrong is not None:
        hint = "" if known else ", which the lowest frequency of the file implies; give beta"
        raise ValueError(f"{table.at(wrong, 0)}{not_matsubara(abs(float(w_n[wrong])), beta)}{hint}")
    if causal:
        sign = np.sign(w_n) * table.values.imag
        limit = ACAUSAL * float(np.max(np.abs(table.values)))
        limits: AnyArray = np.asarray(
            limit + (0.0 if table.error is None else SIGMAS * table.error)
        )
        if np.any(sign > limits):
            row = int(np.argmax(sign > limits))
            raise ValueError(
                f"{table.at(row, 2)}Im = {table.values.imag[row]:g} at w_n = {w_n[row]:g} is not "
                "causal: Im <= 0 at positive frequencies; causal=False reads noisy values"
            )
    return MatsubaraData(*_with_beta(*folded(w_n, table.values, table.error), beta))


def _with_beta(
    w_n: FloatArray, values: ComplexArray, error: FloatArray | None, beta: float
) -> tuple[FloatArray, ComplexArray, float, FloatArray | None]:
    n = np.rint(0.5 * (w_n * beta / math.pi - 1.0))
    return np.asarray((2.0 * n + 1.0) * (math.pi / beta)), values, beta, error


def _temperature(w_n: FloatArray) -> float:
    """beta of frequencies whose lowest is pi / beta, from the highest, which knows it best."""
    first = math.pi / float(np.min(w_n))
    top = float(np.max(w_n))
    return (2 * round(0.5 * (top * first / math.pi - 1.0)) + 1) * math.pi / top
