"""NRG Ljubljana at the same chain and cluster, from a data file that we write ourselves.

Where the environment variable NRG_LJUBLJANA names its program `nrg`
(https://github.com/rokzitko/nrgljubljana), the cases of the NRG run it in turns with ours. Its own
preparation in Mathematica is not needed: the file holds the levels of impurity and first site, the
reduced elements of f_0^+ (and of d^+), and the hopping elements of the chain, to all digits.
"""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import Measure, Measured
from benchmarks.clock import NotInstalledError

VARIABLE = "NRG_LJUBLJANA"
KINDS = {("U1", "SU2"): "QS", ("U1", "U1"): "QSZ"}

Elements = Sequence[tuple[int, int, Any]]


def _numbers(values: Iterable[float]) -> str:
    return "\t".join(f"{x:.17g}" for x in values)


def _labels(start: Any) -> list[str]:
    """Charge, and multiplicity 2 S + 1 (QS) or twice S_z (QSZ), of every block."""
    shift = 1 if start.symmetry == ("U1", "SU2") else 0
    return [f"{Q}\t{S + shift}" for Q, S in start.labels.tolist()]


def _operator(start: Any, elements: Elements) -> list[str]:
    """Reduced elements: <S'S_z'|f_s^+|S S_z> = <S S_z; 1/2 s|S'S_z'> <S'||f^+||S>.

    Ours have a further factor sqrt(2 S' + 1) with a factor SU(2).
    """
    labels, doubled = _labels(start), start.symmetry[1] == "SU2"
    lines = [str(len(elements))]
    for bra, ket, matrix in elements:
        norm = math.sqrt(start.labels[bra][1] + 1.0) if doubled else 1.0
        lines.append(f"{labels[bra]}\t{labels[ket]}")
        lines += [_numbers(row) for row in np.asarray(matrix) / norm]
    return lines


def scale(Lambda: float, N: int) -> float:
    """Energy unit of step N, discretisation "Z" and z = 1."""
    return float((1 - 1 / Lambda) / math.log(Lambda) * Lambda ** (-(N - 1) / 2))


def data(
    start: Any, hopping: Sequence[float], Lambda: float, operators: dict[str, Elements]
) -> str:
    """The file `data`, version 9; `operators` are doublets by name."""
    unit, ground = scale(Lambda, 0), min(float(e[0]) for e in start.energies)
    steps = len(hopping)
    lines = [
        "# Input file for NRG Ljubljana",
        f"# symtype\t{KINDS[start.symmetry]}",
        "#!9",
        "# Number of channels, chain sites, subspaces:",
        f"1\t{steps}\t{len(start.labels)}",
        f"# SCALE\t{unit:.17g}",
        "# Energies (GS energy subtracted, multiplied by 1/SCALE):",
    ]
    for label, energies in zip(_labels(start), start.energies, strict=True):
        lines += [label, str(len(energies)), _numbers((energies - ground) / unit)]
    hops = [element for channel in start.hopping for element in channel]
    lines += ["# Irreducible matrix elements for Wilson chains:", "f 0 0", *_operator(start, hops)]
    lines += ["# GS energy in absolute units:", "e", f"{ground:.17g}"]
    for name, elements in operators.items():
        lines += [f"d{name}", *_operator(start, elements)]
    # It reads one element more than it has steps for.
    more = [*hopping, hopping[-1] / math.sqrt(Lambda)]
    lines += ["# Discretization tables:", "z", str(steps), *(f"{t:.17g}" for t in more)]
    lines += [str(steps), *("0" for _ in more)]
    return "\n".join(lines) + "\n"


def parameters(kind: str, Lambda: float, keep: int, T: float | None) -> str:
    """The file `param`: thermodynamics, or with a temperature the spectrum from the FDM."""
    options: dict[str, Any] = {
        "symtype": kind,
        "Lambda": Lambda,
        "discretization": "Z",
        "z": 1,
        "keep": keep,
        "diag": "dsyevd",
    }
    if T is not None:
        spins = ("",) if kind == "QS" else ("-u", "-d")
        options |= {"T": T, "fdm": "true", "specd": " ".join(f"A_d-A_d{s}" for s in spins)}
    return "\n".join(["[param]", *(f"{name}={value}" for name, value in options.items()), ""])


def files(U: float, symmetry: tuple[str, str], keep: int, T: float | None) -> dict[str, str]:
    """Both files for the model of the cases."""
    import kadanoff as kd
    from kadanoff.impurities.nrg.correlators import prepare
    from kadanoff.impurities.nrg.job import Job
    from kadanoff.impurities.nrg.options import Options

    model = kd.AndersonModel(U=U, J_sw=0.25)
    job = Job(model, Options(Lambda=2.5, sites=60, symmetry=symmetry), (), carry=False)
    start, operators = job.starts[0], {}
    if T is not None:
        spins: tuple[Any, ...] = ("up",) if symmetry[1] == "SU2" else ("up", "dn")
        creators = {f"own_{s}": (model.space.cdag("d", s),) * 2 for s in spins}
        tensors = prepare(job, (), creators).tensors[0]
        operators["A_d"] = [element for tensor in tensors for element in tensor.elements]
    chain = job.chains[0].hopping.tolist()
    return {
        "data": data(start, chain, 2.5, operators),
        "param": parameters(KINDS[symmetry], 2.5, keep, T),
    }


def running(symmetry: tuple[str, str], keep: int, T: float | None = None) -> Measure:
    """The program at the task of a case of the NRG; U changes as there."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        program = os.environ.get(VARIABLE, "")
        if not program or not Path(program).is_file():
            raise NotInstalledError(f"set {VARIABLE} to the path of its program nrg")
        return [_one(program, files(0.5 + 1e-3 * i, symmetry, keep, T)) for i in range(repeats)]

    return measure


def _one(program: str, given: dict[str, str]) -> Measured:
    """Seconds, processor seconds and peak memory of the program; its output is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in given.items():
            Path(folder, name).write_text(text, encoding="ascii")
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [str(Path(program).resolve())], cwd=folder, capture_output=True, text=True, check=False
        )
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise RuntimeError(f"NRG Ljubljana failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return {
        "seconds": seconds,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "megabytes": after.ru_maxrss * unit / 1e6,
    }
