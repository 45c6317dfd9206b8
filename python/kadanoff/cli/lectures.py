"""The experiment of the lectures on learned impurity solvers: networks on G(tau)."""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from typing import Any

import kadanoff as kd
from kadanoff.cli import cluster
from kadanoff.cli.job import Job, Report, columns
from kadanoff.dmft.data.generation import BETAS, INPUTS
from kadanoff.dmft.learning.imaginary_time import BASES, TRANSFORMS

__all__ = ["JOBS"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--samples", type=int, default=1000, help="impurities (default 1000)")
    parser.add_argument(
        "--inputs", nargs="+", default=INPUTS, help=f"cheap solvers (default {' '.join(INPUTS)})"
    )
    parser.add_argument("--target", default="ed-4", help="what is learned (default ed-4)")
    parser.add_argument(
        "--beta", type=float, nargs="+", default=BETAS, help="1 / T, ascending (default 1 ... 50)"
    )
    parser.add_argument(
        "--basis", nargs="+", choices=BASES, default=BASES, help="to be compared (default all)"
    )
    parser.add_argument(
        "--transform", nargs="+", choices=TRANSFORMS, default=TRANSFORMS, help="default all"
    )
    parser.add_argument("--epochs", type=int, default=60, help="of the training (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the samples (default 1)")
    cluster.options(parser)


def _compute(options: argparse.Namespace) -> Report:
    several = options.threads is not None and options.threads > 1
    pool: Any = ProcessPoolExecutor(options.threads) if several else nullcontext()
    if options.cluster is not None:
        pool = cluster.executor(options.cluster)
    with pool as executor:
        found = kd.dmft.learning.lectures(
            options.samples,
            inputs=options.inputs,
            target=options.target,
            beta=options.beta,
            basis=options.basis,
            transform=options.transform,
            epochs=options.epochs,
            path=options.path,
            executor=executor,
            seed=options.seed,
        )
    names = ["mean square error of G(tau)", *(f"beta = {b:g}" for b in found.judged.beta)]
    rows = [[name, *(f"{x:.2e}" for x in errors)] for name, errors in found.mse.items()]
    compared = [
        [label, *(f"{x:.2e}" for x in errors)]
        for label, (_, errors) in zip(found.labels, found.search, strict=True)
    ]
    table = "\n".join(
        [
            f"{options.samples} impurities, seed {options.seed}: networks on G(tau) of "
            f"{', '.join(options.inputs)} for {options.target}",
            "",
            columns(names, rows),
            "",
            found.verdict,
            "",
            "all networks, on the set on which they were compared:",
            columns(names, compared),
        ]
    )
    data = {
        "settings": {
            "samples": options.samples,
            "inputs": options.inputs,
            "target": options.target,
            "beta": options.beta,
            "epochs": options.epochs,
            "seed": options.seed,
        },
        "mse": found.mse,
        "best": found.search.best["settings"],
        "choices": found.corrected.choices,
        "verdict": found.verdict,
        "by epoch": [e.epochs for e in found.experts],
        "by tau": [e.by_tau for e in found.experts],
        "networks": [
            {"settings": choice["settings"], "mse": errors} for choice, errors in found.search
        ],
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            found.plot(ax=ax)

    return Report(data, table, draw)


JOBS = (
    Job(
        "lectures",
        "networks that learn an impurity solver from cheaper ones",
        "The experiment of the lectures: networks from G(tau) of Hubbard-I, IPT, NCA and small "
        "baths to that of exact diagonalisation, for every basis and transform, compared with the "
        "corrections of kadanoff.dmft.learn. --threads are processes for the samples.",
        _arguments,
        _compute,
    ),
)
