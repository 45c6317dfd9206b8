"""A quantum dot in the units of an experiment: its Kondo temperature and conductance, and fits.

``kadanoff run dot --U 2meV --Gamma 0.3meV --D 10meV``, ``kadanoff fit data.csv --U 2meV ...``
"""

from __future__ import annotations

import argparse
import math
import re
import time
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff import units
from kadanoff._base import checks
from kadanoff.cli.job import Job, Report, columns
from kadanoff.impurities.transport.start_values import StartValues, guess

__all__ = ["FIT", "JOBS"]

WIDER = 1.5
"""A guessed band that is off by more is replaced by that of the fitted dot."""
PARAMETERS = ("U", "Gamma", "eps", "field", "scale", "offset", "lever")


def _energy(text: str) -> float:
    """An energy of the command line, in meV if it has a unit."""
    try:
        return units.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _dot(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """The dot, with or without units."""
    parser.add_argument("--U", type=_energy, required=required, help="repulsion, such as 2meV")
    parser.add_argument(
        "--Gamma", type=_energy, required=required, help="hybridisation pi rho V^2, such as 0.3meV"
    )
    parser.add_argument("--eps", type=_energy, help="level; default -U/2, particle-hole symmetry")
    parser.add_argument("--D", type=_energy, help="half bandwidth; default 5 max(U, Gamma, 2 T)")
    parser.add_argument(
        "--field", type=_energy, default=0.0, help="Zeeman energy g mu_B B, such as 0.1meV"
    )
    parser.add_argument(
        "--geometry",
        choices=kd.transport.GEOMETRIES,
        default="between leads",
        help="where the current flows (default between leads)",
    )


def _model(options: argparse.Namespace, top: float = 0.0) -> kd.AndersonModel:
    """The dot of the options; a band that was not given is wide enough for a temperature."""
    D = 5 * max(options.U, options.Gamma, 2 * top) if options.D is None else options.D
    return kd.AndersonModel(
        U=options.U, Gamma=options.Gamma, eps=options.eps, field=options.field, D=D
    )


def _in_kelvin(energy: float) -> str:
    """An energy in meV as a temperature."""
    kelvin = energy / units.K
    return f"{kelvin:.3g} K" if kelvin >= 1 else f"{1e3 * kelvin:.3g} mK"


def _percent(share: float) -> str:
    """A relative error in per cent, of one digit or more."""
    return f"{100 * share:.1g} %" if share < 0.1 else f"{100 * share:.0f} %"


# -------------------------------------------------------------------------------------------- dot


def _dot_arguments(parser: argparse.ArgumentParser) -> None:
    _dot(parser, required=True)
    parser.add_argument(
        "--T", type=_energy, action="append", help="temperature, such as 50mK; may be repeated"
    )
    parser.add_argument(
        "--asymmetry", type=float, default=1.0, help="Gamma_L / Gamma_R (default 1)"
    )
    parser.add_argument(
        "--points", type=int, default=24, help="temperatures of the curve (default 24)"
    )
    parser.add_argument("--keep", type=int, default=1500, help="states for T_K (default 1500)")
    parser.add_argument(
        "--keep_multiplets", type=int, default=200, help="multiplets for G (default 200)"
    )


def _run_dot(options: argparse.Namespace) -> Report:
    began = time.perf_counter()
    checks.real("--Gamma", options.Gamma, above=0)
    points = checks.whole("--points", options.points, least=2)
    given = np.array([checks.real("--T", T, above=0) for T in options.T or []])
    dot = _model(options)
    run = kd.nrg.solve(dot, keep=options.keep, threads=options.threads)
    scales = {name: run.T_K(name) for name in kd.kondo_scales.DEFINITIONS}
    scale = scales["chi"].value or dot.Gamma
    grid = np.geomspace(0.02 * scale, min(50 * scale, 0.19 * dot.band.D), points)
    curve = kd.transport.solve(
        dot,
        T=np.unique(np.concatenate([grid, given])),
        geometry=options.geometry,
        asymmetry=options.asymmetry,
        keep_multiplets=options.keep_multiplets,
        threads=options.threads,
    )
    measured = curve.T_K()
    shown = given if given.size else curve.T[:: max(1, len(curve.T) // 8)]
    rows = []
    for T in shown:
        k = int(np.argmin(np.abs(curve.T - T)))
        S, L = curve.thermopower[k], curve.lorenz_number[k] / (math.pi**2 / 3)
        errors = curve.conductance_error
        G = [f"{curve.conductance[k]:.4f}", "" if errors is None else f"{errors[k]:.1g}"]
        rows.append([f"{T:.4g}", _in_kelvin(T), *G, f"{S:.4f}", f"{L:.4f}"])
    head = [f"{dot!r}, energies in meV", ""]
    for name, found in [("conductance", measured), *scales.items()]:
        if found.value is None:
            head.append(f"  T_K ({name}): none, {found.reason}")
        else:
            error = "" if found.error is None else f" +- {_percent(found.error / found.value)}"
            head.append(f"  T_K ({name}): {found.value:.4g} meV = {_in_kelvin(found.value)}{error}")
    names = ["T (meV)", "", "G (e^2/h)", "+-", "S (k_B/e)", "L / L_0"]
    seconds = time.perf_counter() - began
    data: dict[str, Any] = {
        "settings": _settings(dot, options),
        "T_K": {
            name: {"value": found.value, "error": found.error, "reason": found.reason}
            for name, found in [("conductance", measured), *scales.items()]
        },
        "T": curve.T,
        "conductance": curve.conductance,
        "conductance_error": curve.conductance_error,
        "thermopower": curve.thermopower,
        "lorenz_number": curve.lorenz_number,
        "thermodynamics": {"T": run.T, "entropy": run.entropy, "T_chi": run.T_chi},
        "seconds": seconds,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            curve.plot(ax)

    table = "\n".join([*head, "", columns(names, rows), "", f"{seconds:.1f} s"])
    return Report(data, table, draw)


def _settings(dot: kd.AndersonModel, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "U": dot.U,
        "Gamma": dot.Gamma,
        "eps": dot.eps,
        "field": dot.field,
        "D": dot.band.D,
        "geometry": options.geometry,
    }


# -------------------------------------------------------------------------------------------- fit


def _fit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="CSV with columns such as T (mK), V_g (mV), G (e^2/h), error")
    _dot(parser, required=False)
    parser.add_argument("--T", type=_energy, help="temperature, if the file has no column T")
    parser.add_argument(
        "--units",
        nargs="+",
        action="extend",
        type=_unit,
        metavar="COLUMN=UNIT",
        help="units of columns whose heading has none, such as T=mK G=2e^2/h",
    )
    parser.add_argument(
        "--parameters",
        nargs="+",
        choices=PARAMETERS,
        help="what is fitted; the others keep their start values (default U Gamma eps, and lever "
        "and scale where the data have a gate and no --lever is given)",
    )
    parser.add_argument("--scale", type=float, help="factor of G (default 1)")
    parser.add_argument("--offset", type=float, default=0.0, help="background (default 0)")
    parser.add_argument("--lever", type=float, help="energy per gate voltage (meV per mV)")
    parser.add_argument(
        "--keep_multiplets", type=int, default=200, help="of the last steps (default 200)"
    )


def _unit(text: str) -> tuple[str, str]:
    """``T=mK`` as a column and its unit."""
    column, found, unit = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"must be like T=mK, got {text!r}")
    return column, unit


def _measured(options: argparse.Namespace) -> kd.transport.Measurement:
    """The data of the file; what Python calls ``units`` is an option here."""
    units = dict(options.units or []) or None
    try:
        return kd.transport.read_csv(options.data, T=options.T, units=units)
    except ValueError as error:
        option = re.sub(r"units=\{'(\w+)': '([^']+)'\}", r"--units \1=\2", str(error))
        raise ValueError(option) from error


def _fit(options: argparse.Namespace) -> Report:
    data = _measured(options)
    start, guessed = _start(options, data)
    names = ["U", "Gamma", "eps"]
    if data.V_g is not None and options.lever is None:
        names += ["lever", "scale"]
    found = _fitted(start, data, options, options.parameters or names)
    if guessed and options.D is None and not 1 / WIDER < _band(found.dot, data) < WIDER:
        # The band was that of a guess far off.
        dot = found.dot
        D = dot.band.D * _band(dot, data)
        dot = kd.AndersonModel(U=dot.U, Gamma=dot.Gamma, eps=dot.eps, field=dot.field, D=D)
        start = StartValues(
            dot, found.values.get("lever", start.lever), found.values.get("scale", start.scale)
        )
        found = _fitted(start, data, options, options.parameters or names)
    T_K = found.T_K(threads=options.threads)
    rows = []
    for name, value in found.values.items():
        low, high = found.intervals[name]
        note = "not determined" if name in found.undetermined else ""
        rows.append([name, f"{value:.5g}", f"{low:.5g}", f"{high:.5g}", note])
    lines = [
        repr(data),
        *([f"start values, guessed from the data: {start.dot!r}"] if guessed else []),
        "",
        columns(["", "value", "95 % from", "to", ""], rows),
        "",
        f"  chi^2 {found.chi2:.4g} for {found.degrees_of_freedom} degrees of freedom",
    ]
    if T_K.value is None:
        lines.append(f"  T_K: none, {T_K.reason}")
    else:
        relative = "" if T_K.error is None else f" +- {_percent(T_K.error / T_K.value)}"
        lines.append(f"  T_K (chi) {T_K.value:.4g} meV = {_in_kelvin(T_K.value)}{relative}")
    lines.append(f"  {found.runs} runs, {found.seconds:.1f} s")
    report = {
        "settings": _settings(start.dot, options) | {"scale": start.scale, "lever": start.lever},
        "values": dict(found.values),
        "intervals": {name: list(pair) for name, pair in found.intervals.items()},
        "systematic": dict(found.systematic),
        "undetermined": list(found.undetermined),
        "chi2": found.chi2,
        "degrees_of_freedom": found.degrees_of_freedom,
        "T_K": {"value": T_K.value, "error": T_K.error, "reason": T_K.reason},
        "runs": found.runs,
        "seconds": found.seconds,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            found.plot(ax)

    return Report(report, "\n".join(lines), draw)


def _fitted(
    start: StartValues,
    data: kd.transport.Measurement,
    options: argparse.Namespace,
    parameters: list[str],
) -> kd.transport.DotFit:
    """The fit from these start values."""
    return kd.transport.fit(
        start.dot,
        data,
        parameters=parameters,
        geometry=options.geometry,
        scale=start.scale,
        offset=options.offset,
        lever=start.lever,
        keep_multiplets=options.keep_multiplets,
        threads=options.threads,
    )


def _band(dot: kd.AndersonModel, data: kd.transport.Measurement) -> float:
    """The half bandwidth that belongs to a dot by default, in units of the one that it has."""
    return 5 * max(dot.U, dot.Gamma, 2 * float(data.T.max())) / dot.band.D


def _start(options: argparse.Namespace, data: kd.transport.Measurement) -> tuple[StartValues, bool]:
    """Start values of the options; where U or Gamma is not given, those of a coarse search."""
    given = {name: getattr(options, name) for name in ("U", "Gamma", "eps")}
    scale = 1.0 if options.scale is None else options.scale
    if given["U"] is not None and given["Gamma"] is not None:
        if data.V_g is not None and options.lever is None:
            raise ValueError(
                "--lever is needed with --U and --Gamma for data with gate voltages, such as "
                "--lever 0.1 (meV per mV); without all three they are guessed from the data"
            )
        return StartValues(_model(options, float(data.T.max())), options.lever, scale), False
    if some := [f"--{name}" for name, value in given.items() if value is not None]:
        raise ValueError(
            f"--U and --Gamma are given together, or neither: got {' and '.join(some)} alone"
        )
    if options.geometry != "between leads":
        raise ValueError(
            f"start values are guessed between leads only: give --U and --Gamma for "
            f"{options.geometry!r}"
        )
    found = guess(data, D=options.D, lever=options.lever, threads=options.threads)
    dot = found.dot
    if options.field:
        dot = kd.AndersonModel(
            U=dot.U, Gamma=dot.Gamma, eps=dot.eps, field=options.field, band=dot.band
        )
    return StartValues(dot, found.lever, found.scale if options.scale is None else scale), True


JOBS = (
    Job(
        "dot",
        "a quantum dot in units of an experiment: T_K, conductance",
        "Thermodynamics, Kondo temperature and conductance of a quantum dot. Energies may have "
        "units: 2meV, 50mK, 0.5K; a number without one is in meV.",
        _dot_arguments,
        _run_dot,
    ),
)
FIT = Job(
    "fit",
    "fit U, Gamma, eps to a measured conductance",
    "Fit the parameters of a quantum dot to G(T), G(V_g) or G(T, V_g) of a CSV file. The options "
    "are start values; without --U and --Gamma they are guessed from the data. Energies without a "
    "unit are in meV.",
    _fit_arguments,
    _fit,
)
