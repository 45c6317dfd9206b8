"""Lattices: Ising samples compared with exact results, a learned block variable, dimers."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff._base.statistics import Estimate
from kadanoff.cli.job import Job, Report, columns, loaded
from kadanoff.lattices.ising import METHODS, T_c

__all__ = ["JOBS"]

L = 64
OWN_SAMPLES: dict[str, Any] = {"L": L, "n": 30_000, "T": T_c}
"""Ising samples of the job rsmi without a file."""


def _samples(parser: argparse.ArgumentParser, *, n: int, T: str) -> None:
    parser.add_argument("--L", type=int, default=L, help=f"sites along an axis (default {L})")
    parser.add_argument("--n", type=int, default=n, help=f"samples (default {n})")
    parser.add_argument("--T", type=float, default=float(T), help=f"temperature (default {T})")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (default 1)")


def _beside(found: dict[str, Estimate], known: dict[str, float | None]) -> str:
    """Averages with their errors, and their distance from the exact values in sigma."""
    rows = []
    for name, estimate in found.items():
        exact = known.get(name)
        off = ""
        if exact is not None and estimate.error > 0:
            off = f"{(estimate.mean - exact) / estimate.error:+.1f} sigma"
        reference = "" if exact is None else f"{exact:.6f}"
        rows.append([name, f"{estimate.mean:.6f}", f"{estimate.error:.6f}", reference, off])
    return columns(["", "mean", "error", "exact", "off by"], rows)


def _numbers(found: dict[str, Estimate], known: dict[str, float | None]) -> dict[str, Any]:
    return {
        name: {
            "mean": estimate.mean,
            "error": estimate.error,
            "tau": estimate.tau,
            "exact": known.get(name),
        }
        for name, estimate in found.items()
    }


# ------------------------------------------------------------------------------------------ ising


def _ising_arguments(parser: argparse.ArgumentParser) -> None:
    _samples(parser, n=10_000, T=f"{T_c:.12f}")
    parser.add_argument("--method", choices=METHODS, default="auto", help="default auto")
    parser.add_argument("--h", type=float, default=0.0, help="field (default 0)")


def _ising(options: argparse.Namespace) -> Report:
    run = kd.ising.sample(
        L=options.L,
        T=options.T,
        n=options.n,
        h=options.h,
        method=options.method,
        seed=options.seed,
        threads=options.threads,
    )
    try:
        exact = kd.ising.exact(options.L, options.T, h=options.h)
        known: dict[str, float | None] = {"energy": exact.e, "specific_heat": exact.c}
        known |= {"abs_magnetisation": exact.abs_m, "m2": exact.m2, "m4": exact.m4}
        method: str | None = exact.method
    except ValueError:  # no exact solution: a lattice in a field
        known, method = {}, None
    found = dict(run.estimates)
    beside = f"exact: {method}" if method else "no exact solution for this lattice"
    table = "\n".join([repr(run), beside, "", _beside(found, known)])
    data = {
        "settings": {
            **{name: getattr(options, name) for name in ("L", "T", "n", "h", "seed")},
            "method": run.method,
            "spacing": run.spacing,
        },
        "exact": method,
        "estimates": _numbers(found, known),
        "seconds": run.seconds,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            run.plot(ax=ax)

    return Report(data, table, draw)


# ------------------------------------------------------------------------------------------- rsmi


def _rsmi_arguments(parser: argparse.ArgumentParser) -> None:
    _samples(parser, n=OWN_SAMPLES["n"], T=f"{T_c:.12f}")
    parser.set_defaults(**dict.fromkeys(OWN_SAMPLES))  # None: which of them are given
    parser.add_argument("--block", type=int, default=2, help="side of a block (default 2)")
    parser.add_argument("--buffer", type=int, default=1, help="sites around it (default 1)")
    parser.add_argument("--hidden", type=int, default=1, help="hidden units (default 1)")
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="your own configurations instead of Ising samples, (n, L, L) in a file .npy: spins, "
        "0 and 1, or colours 0 ... q - 1",
    )
    parser.add_argument("--states", type=int, help="number of colours of --data")
    parser.add_argument(
        "--open", action="store_true", help="--data has open boundaries, not periodic ones"
    )


def _configurations(options: argparse.Namespace) -> Any:
    """Configurations of the file, or samples of the Ising model."""
    if options.data is None:
        given = [f"--{name}" for name in ("states", "open") if getattr(options, name)]
        if given:
            raise ValueError(f"{given[0]} belongs to --data FILE, which is not given")
        for name, value in OWN_SAMPLES.items():
            if getattr(options, name) is None:
                setattr(options, name, value)
        return kd.ising.sample(
            L=options.L, T=options.T, n=options.n, seed=options.seed, threads=options.threads
        )
    for name in OWN_SAMPLES:
        if getattr(options, name) is not None:
            raise ValueError(f"--{name} belongs to samples of the Ising model, not to --data FILE")
    array = loaded("--data", options.data)
    if array.ndim != 3:
        raise ValueError(
            f"--data must hold configurations of a square lattice, an array (n, L, L), got the "
            f"shape {array.shape}"
        )
    boundary = "open" if options.open else None
    return kd.rsmi.Configurations(array, states=options.states, boundary=boundary)


def _rsmi(options: argparse.Namespace) -> Report:
    samples = _configurations(options)
    rule = kd.rsmi.learn(
        samples,
        block=(options.block, options.block),
        buffer=options.buffer,
        hidden=options.hidden,
        seed=options.seed,
        threads=options.threads,
    )
    lines = [repr(samples), f"information about the environment: {rule.information}", ""]
    for j, one in enumerate(rule.filters):
        lines.append(f"filter of hidden unit {j + 1}")
        for row in np.asarray(one).reshape(-1, np.shape(one)[-1]):  # of colours: a row per site
            lines.append("  " + "  ".join(f"{weight:+.4f}" for weight in row))
    found = rule.information
    information = (
        {"value": found.value, "error": found.error, "kind": found.kind, "meaning": found.meaning}
        if found is not None
        else None
    )
    own = ("data", "states", "open") if options.data is not None else ("L", "T", "n")
    names = (*own, "seed", "block", "buffer", "hidden")
    data = {
        "settings": {name: getattr(options, name) for name in names},
        "filters": rule.filters,
        "information": information,
        "converged": rule.converged,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            rule.plot(ax=ax)

    return Report(data, "\n".join(lines), draw)


# ----------------------------------------------------------------------------------------- dimers


MAX_EXACT_L = 24  # a winding distribution costs L^4


def _dimers_arguments(parser: argparse.ArgumentParser) -> None:
    _samples(parser, n=10_000, T="inf")
    parser.add_argument(
        "--v", type=float, default=-1.0, help="energy of a parallel pair, default -1"
    )


def _dimers(options: argparse.Namespace) -> Report:
    run = kd.dimers.sample(
        options.L,
        n=options.n,
        T=options.T,
        v=options.v,
        seed=options.seed,
        threads=options.threads,
    )
    known: dict[str, float | None] = {}
    if np.isinf(run.T):
        pair = [(0, 0, "x"), (0, 1, "x")]
        pairs = 2 * kd.dimers.probability(pair, L=options.L)
        known |= {"flippable": pairs, "energy": run.v * pairs}
        if options.L <= MAX_EXACT_L:
            P = kd.dimers.winding_distribution(options.L)
            W = np.arange(-options.L // 2, options.L // 2 + 1)
            known["winding_x"] = known["winding_y"] = float(P.sum(axis=1) @ W**2)
    found = dict(run.estimates)
    data = {
        "settings": {name: getattr(options, name) for name in ("L", "T", "v", "n", "seed")},
        "estimates": _numbers(found, known),
        "seconds": run.seconds,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            run.plot(ax=ax)

    return Report(data, "\n".join([repr(run), "", _beside(found, known)]), draw)


JOBS = (
    Job(
        "ising",
        "Ising samples compared with exact results",
        "Draw configurations of the square-lattice Ising model and compare energy and specific "
        "heat with Kaufman's exact ones on the same torus.",
        _ising_arguments,
        _ising,
    ),
    Job(
        "rsmi",
        "the block variable with the most information about its distant environment",
        "Learn the filter of a block of Ising spins that maximises its mutual information with "
        "the environment, and a lower bound on that information.",
        _rsmi_arguments,
        _rsmi,
    ),
    Job(
        "dimers",
        "dimer coverings compared with exact results",
        "Draw dimer coverings of the square torus by directed loops; at T = inf parallel pairs "
        "and fluxes are compared with Kasteleyn's exact ones.",
        _dimers_arguments,
        _dimers,
    ),
)
