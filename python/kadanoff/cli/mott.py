"""The Mott transition on the Bethe lattice, by any solver of ``kadanoff.dmft``."""

from __future__ import annotations

import argparse

import kadanoff as kd
from kadanoff.cli.job import Job, Report, columns
from kadanoff.dmft import SOLVERS

__all__ = ["JOBS"]

U = (1.0, 2.0, 2.4, 2.5, 3.0)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--U", type=float, nargs="+", default=U, help=f"repulsions in D (default {U})"
    )
    parser.add_argument("--beta", type=float, default=50.0, help="1 / T (default 50)")
    parser.add_argument("--solver", choices=sorted(SOLVERS), default="ed", help="default ed")
    parser.add_argument("--sites", type=int, help="bath sites of solver ed or lanczos")
    parser.add_argument("--tolerance", type=float, default=1e-6, help="of the loop (default 1e-6)")
    parser.add_argument(
        "--max_iterations",
        type=int,
        default=400,
        help="largest number of impurity problems per loop (default 400)",
    )


def _compute(options: argparse.Namespace) -> Report:
    own = {} if options.sites is None else {"sites": options.sites}
    scan = kd.dmft.hysteresis(
        options.U,
        beta=options.beta,
        solver=options.solver,
        tolerance=options.tolerance,
        max_iterations=options.max_iterations,
        threads=options.threads,
        **own,
    )
    branches = {"metal": scan.metal, "insulator": scan.insulator}
    rows = [
        [
            f"{u:g}",
            *(f"{x:.5f}" for a, b in [(metal, insulator)] for x in (a.Z, b.Z, a.docc, b.docc)),
            f"{metal.iterations}, {insulator.iterations}",
        ]
        for u, metal, insulator in zip(scan.U, scan.metal, scan.insulator, strict=True)
    ]
    names = ["U / D", "Z, U rising", "U falling", "docc, U rising", "U falling", "iterations"]
    lines = [
        f"Bethe lattice, half filling, beta = {options.beta:g} / D, solver {options.solver}",
        f"valid for: {SOLVERS[options.solver].valid}",
        "",
        columns(names, rows),
    ]
    if scan.coexistence:
        lines += [
            "",
            "metal and insulator coexist from U = {:g} to {:g} D".format(*scan.coexistence),
        ]
    data = {
        "settings": {
            "beta": options.beta,
            "solver": options.solver,
            "tolerance": options.tolerance,
            **own,
        },
        "U": scan.U,
        **{
            name: {
                "Z": [loop.Z for loop in branch],
                "docc": [loop.docc for loop in branch],
                "metallic": [bool(loop.is_metallic) for loop in branch],
                "iterations": [loop.iterations for loop in branch],
            }
            for name, branch in branches.items()
        },
        "coexistence": scan.coexistence,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            scan.plot(ax=ax)

    return Report(data, "\n".join(lines), draw)


JOBS = (
    Job(
        "mott",
        "the Mott transition on the Bethe lattice",
        "DMFT on the Bethe lattice at half filling: quasiparticle weight and double occupancy "
        "following the metal with rising U and the insulator with falling U.",
        _arguments,
        _compute,
    ),
)
