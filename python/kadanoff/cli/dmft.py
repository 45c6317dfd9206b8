"""Dynamical mean-field theory of the user's own lattice: ``kadanoff run dmft --lattice square``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff.cli import cluster
from kadanoff.cli.job import Job, Report, columns
from kadanoff.dmft import SOLVERS
from kadanoff.dmft.lattices import Tabulated

__all__ = ["JOBS"]

NAMED = ("bethe", "square", "cubic")
OPTIONS = (
    "solver",
    "start",
    "field",
    "n",
    "mu",
    "order",
    "sites",
    "sweeps",
    "tolerance",
    "max_iterations",
    "seed",
)
AVERAGES = ("n", "docc", "Z", "energy")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lattice",
        default="bethe",
        help="bethe, square, cubic (half bandwidth 1), or a file with two columns, energy and "
        "density of states (default bethe)",
    )
    parser.add_argument("--U", type=float, nargs="+", required=True, help="repulsions")
    parser.add_argument("--beta", type=float, nargs="+", default=(50.0,), help="1 / T (default 50)")
    filling = parser.add_mutually_exclusive_group()
    filling.add_argument("--n", type=float, help="electrons per site (default 1)")
    filling.add_argument("--mu", type=float, help="chemical potential, instead of --n")
    parser.add_argument("--field", type=float, default=0.0, help="h in -h (n_up - n_dn)")
    parser.add_argument("--order", choices=("antiferro",), help="order that the loop may find")
    parser.add_argument("--solver", choices=sorted(SOLVERS), default="ed", help="default ed")
    parser.add_argument("--sites", type=int, help="bath sites of solver ed or lanczos")
    parser.add_argument("--sweeps", type=int, help="sweeps of solver cthyb")
    parser.add_argument(
        "--start", choices=("metal", "insulator"), default="metal", help="default metal"
    )
    parser.add_argument("--tolerance", type=float, help="of the loop (default that of the solver)")
    parser.add_argument(
        "--max_iterations", type=int, default=200, help="impurity problems per loop (default 200)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (default 1)")
    cluster.options(parser)


def lattice(text: str) -> str | list[list[float]]:
    """The name of a lattice, or energies and density of states of a file.

    Raises
    ------
    OSError, ValueError
        There is no such file, or it has no two columns of numbers.
    """
    if text in NAMED:
        return text
    if not Path(text).is_file():
        raise ValueError(
            f"--lattice must be {', '.join(NAMED)} or a file with two columns, energy and density "
            f"of states; there is no file {text!r}"
        )
    try:
        table = np.loadtxt(text, delimiter="," if text.endswith(".csv") else None, ndmin=2)
    except ValueError as error:
        raise ValueError(
            f"--lattice {text} must hold two columns of numbers, energy and density of states; "
            f"a line of words begins with #: {error}"
        ) from None
    if table.shape[1] != 2:
        raise ValueError(f"{text} must have two columns, got {table.shape[1]}")
    made = Tabulated(*table.T)
    return [made.e.tolist(), made.rho.tolist()]


def point(
    lattice: str | Sequence[Sequence[float]],
    U: float,
    beta: float,
    options: Mapping[str, Any],
    control: kd.Control | None = None,
) -> dict[str, Any]:
    """One loop, as arrays for a store. A loop that does not converge is an answer too."""
    of = lattice if isinstance(lattice, str) else Tabulated(*map(np.asarray, lattice))
    try:
        loop = kd.dmft.loop(
            lattice=of, U=U, beta=beta, progress=False, threads=1, control=control, **options
        )
    except kd.NotConverged as error:
        if error.partial is None:
            raise
        loop = error.partial
    names = [*AVERAGES, *(["m"] if "m" in loop.history else [])]
    averages = {name: loop.average(name) for name in names}
    return {
        "state": loop.state,
        "converged": loop.converged,
        "iterations": loop.iterations,
        **{name: value for name, (value, _) in averages.items()},
        **{f"{name}_error": error for name, (_, error) in averages.items()},
        "doubt": loop.solution.doubt or "",
        "w_n": loop.solution.w_n,
        "Sigma_iw": loop.solution.Sigma_iw,
    }


def _compute(options: argparse.Namespace) -> Report:
    where = lattice(options.lattice)
    settings: dict[str, Any] = {
        name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None
    }
    points = [
        {"lattice": where, "U": U, "beta": beta, "options": settings}
        for U in options.U
        for beta in options.beta
    ]
    store = None
    if options.path is not None:
        store = kd.store.Store(options.path, kind="kadanoff run dmft")
    with cluster.executor(options.cluster, options.threads) as pool:
        done = kd.sweep(point, points, store=store, executor=pool)
    if done.failed:
        failure = done.failed[0]
        raise ValueError(
            f"{len(done.failed)} of {len(points)} loops failed; U = {failure.point['U']:g}, "
            f"beta = {failure.point['beta']:g}: {failure.message}"
        )
    found = done.results
    names = [*AVERAGES, *(["m"] if "m" in found[0] else [])]
    rows = [
        [
            f"{one['U']:g}",
            f"{one['beta']:g}",
            str(result["state"]) if result["converged"] else "not converged",
            *(_with_error(result, name) for name in names),
        ]
        for one, result in zip(points, found, strict=True)
    ]
    lines = [
        f"lattice {options.lattice}, solver {options.solver}",
        f"valid for: {SOLVERS[options.solver].valid}",
        "",
        columns(["U", "beta", "state", *names], rows),
        "",
        "+- ? is an error that is not known",
    ]
    for one, result in zip(points, found, strict=True):
        if str(result["doubt"]):
            lines.append(f"U = {one['U']:g}, beta = {one['beta']:g}: {result['doubt']}")
    data = {
        "settings": {"lattice": options.lattice, **settings},
        "points": [
            {"U": one["U"], "beta": one["beta"], **_numbers(result)}
            for one, result in zip(points, found, strict=True)
        ],
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            for beta in options.beta:
                chosen = [
                    (p["U"], r["Z"], r["Z_error"])
                    for p, r in zip(points, found, strict=True)
                    if p["beta"] == beta
                ]
                U, Z, error = np.array(chosen, dtype=float).T
                ax.errorbar(
                    U, Z, np.nan_to_num(error), marker="o", capsize=2, label=rf"$\beta = {beta:g}$"
                )
            ax.set(xlabel="$U$", ylabel="$Z$", title=f"{options.lattice}, {options.solver}")
            ax.legend()

    return Report(data, "\n".join(lines), draw, all(bool(r["converged"]) for r in found))


def _with_error(result: Mapping[str, Any], name: str) -> str:
    """A value and its error."""
    value, error = float(result[name]), float(result[f"{name}_error"])
    if np.isnan(error):
        return f"{value:.5f} +- ?"
    digits = 5 if error == 0.0 else max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f}" + (f" +- {error:.{digits}f}" if error else "")


def _numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON can hold: an error that is not known is null."""
    found = {name: np.asarray(x).tolist() for name, x in result.items() if name != "Sigma_iw"}
    Sigma = np.asarray(result["Sigma_iw"])
    found |= {"Sigma_iw_real": Sigma.real.tolist(), "Sigma_iw_imag": Sigma.imag.tolist()}
    return {name: None if isinstance(x, float) and np.isnan(x) else x for name, x in found.items()}


JOBS = (
    Job(
        "dmft",
        "dynamical mean-field theory of your own lattice",
        "Self-consistent solutions of a lattice of one orbital at every U and beta: occupation, "
        "double occupancy, quasiparticle weight, energy and self-energy, with errors where they "
        "are known. Energies are in the unit of the lattice.",
        _arguments,
        _compute,
    ),
)
