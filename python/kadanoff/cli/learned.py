"""A learned impurity solver for your own problems: trained or read, and certified.

``kadanoff run learned --U 1.5 2 --beta 20 --save solver.npz``
"""

from __future__ import annotations

import argparse
import math

import kadanoff as kd
from kadanoff._base import checks
from kadanoff.cli import cluster
from kadanoff.cli.job import Job, Report, columns, saving

__all__ = ["JOBS"]

MARGIN = 1.5
"""The range of U of the training set, beyond the smallest and largest U that are asked."""
TRAINING = {"samples": 300, "inputs": ("ipt", "hubbard1"), "cluster": None, "path": None}
"""Options of a training, and their defaults."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--U", type=float, nargs="+", required=True, help="repulsions, in half bandwidths D"
    )
    parser.add_argument("--beta", type=float, default=20.0, help="D / T (default 20)")
    parser.add_argument(
        "--lattice", choices=("bethe", "square", "cubic"), default="bethe", help="default bethe"
    )
    parser.add_argument("--model", metavar="FILE", help="a solver of --save, instead of training")
    parser.add_argument("--samples", type=int, help="of the training (default 300)")
    parser.add_argument(
        "--inputs", nargs="+", help="cheap solvers that are corrected (default ipt hubbard1)"
    )
    parser.add_argument("--target", default="ed-4", help="what is learned (default ed-4)")
    parser.add_argument("--seed", type=int, default=1, help="of samples and training (default 1)")
    parser.add_argument("--save", metavar="FILE", help="the trained solver, .npz")
    cluster.options(parser)


def _trained(options: argparse.Namespace) -> kd.dmft.LearnedSolver:
    """The solver of the file, or one trained on loops in the range of the U that are asked."""
    if options.model is not None:
        for name in TRAINING:
            if getattr(options, name) is not None:
                raise ValueError(f"--{name} belongs to a training, not to --model FILE")
        return kd.dmft.learning.load(options.model)
    checks.real("--U", min(options.U), above=0.0)
    for name, value in TRAINING.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    with cluster.executor(options.cluster, options.threads) as pool:
        database = kd.dmft.database(
            options.samples,
            inputs=options.inputs,
            target=options.target,
            beta=[options.beta],
            U=(min(options.U) / MARGIN, max(options.U) * MARGIN),
            D=(1.0, 1.0),
            detuning=(0.0, 0.0),
            bath="self-consistent",
            lattice=options.lattice,
            path=options.path,
            executor=pool,
            seed=options.seed,
        )
    return kd.dmft.learn(database, seed=options.seed)


def _compute(options: argparse.Namespace) -> Report:
    saving("--save", options.save, (".npz",))
    solver = _trained(options)
    if options.save is not None:
        solver.save(options.save)
    rows, found = [], []
    for U in options.U:
        loop = kd.dmft.loop(
            lattice=options.lattice,
            U=U,
            beta=options.beta,
            solver=solver,
            threads=options.threads,
            seed=options.seed,
        )
        exact = kd.dmft.certify(
            loop, exact=options.target, polish=False, threads=options.threads, seed=options.seed
        ).exact
        solution = loop.solution
        error = loop.average("Z")[1]
        found.append(
            {
                "U": U,
                "state": loop.state,
                "Z": loop.Z,
                "Z_error": None if math.isnan(error) else error,
                "docc": loop.docc,
                "solved_by": solution.solver,
                "beyond": solution.diagnostics.get("beyond", ""),
                "Z_exact": exact.Z,
            }
        )
        rows.append(
            [
                f"{U:g}",
                loop.state,
                solution.solver,
                f"{loop.Z:.5f}" + (" +- ?" if math.isnan(error) else f" +- {error:.1g}"),
                f"{exact.Z:.5f}",
                f"{loop.docc:.5f}",
            ]
        )
    names = ["U", "state", "solved by", "Z", f"Z by {options.target}", "docc"]
    table = "\n".join(
        [
            solver.describe(),
            "",
            f"{options.lattice} lattice, half filling, beta = {options.beta:g}; "
            f"{options.target} is asked once, at the fixed point",
            "",
            columns(names, rows),
        ]
    )
    settings = {
        name: getattr(options, name)
        for name in ("lattice", "beta", "model", "samples", "inputs", "target", "seed")
    }
    data = {"settings": settings, "choice": solver.choice(options.beta), "points": found}

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            U = [one["U"] for one in found]
            ax.plot(U, [one["Z"] for one in found], "o", label="learned, or its fallback")
            ax.plot(U, [one["Z_exact"] for one in found], "_", markersize=14, label=options.target)
            ax.set(xlabel="$U / D$", ylabel="$Z$")
            ax.legend()

    return Report(data, table, draw)


JOBS = (
    Job(
        "learned",
        "a learned impurity solver for your own U and temperature",
        "Train a solver on DMFT loops around the given U (or read one), solve the loops with it, "
        "and compare each fixed point with one exact solution. The solver can be saved.",
        _arguments,
        _compute,
    ),
)
