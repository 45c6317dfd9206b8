"""Boltzmann machines: ``kadanoff run rbm --data spins.npy``."""

from __future__ import annotations

import argparse

import numpy as np

import kadanoff as kd
from kadanoff._base import checks
from kadanoff._base.types import AnyArray
from kadanoff.cli.job import Job, Report, loaded, saving
from kadanoff.rbm.averages import MAX_UNITS_FOR_STATES
from kadanoff.rbm.training import METHODS
from kadanoff.rbm.units import Units

__all__ = ["JOBS"]

CHAINS = 256  # of the persistent methods


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="FILE", required=True, help="file .npy, one configuration per row"
    )
    parser.add_argument(
        "--states", type=int, help="number q of colours of --data, 0 ... q - 1 (default: spins)"
    )
    parser.add_argument("--hidden", type=int, default=32, help="hidden units (default 32)")
    parser.add_argument(
        "--method", choices=METHODS, default="trajectory", help="default trajectory"
    )
    parser.add_argument("--epochs", type=int, default=30, help="default 30")
    parser.add_argument(
        "--learning_rate",
        type=float,
        nargs=2,
        metavar=("FIRST", "LAST"),
        help="first and last one (default 0.006 0.05, of colours 0.03 0.05)",
    )
    parser.add_argument("--validation", type=float, default=0.1, help="share held out, default 0.1")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (default 1)")
    parser.add_argument("--save", metavar="FILE", help="the machine, .npz")


def _compute(options: argparse.Namespace) -> Report:
    saving("--save", options.save, (".npz",))
    array = loaded("--data", options.data)
    if array.ndim < 2:
        raise ValueError(
            f"--data must hold one configuration per row, got an array of shape {array.shape}"
        )
    q = options.states
    rows = _two_valued(array.reshape(len(array), -1)) if q is None else kd.rbm.one_hot(array, q)
    share = checks.real("--validation", options.validation, least=0.0, below=1.0)
    order = np.random.default_rng(checks.seed(options.seed, name="--seed")).permutation(len(rows))
    held_out, rest = np.split(rows[order], [round(share * len(rows))])
    if len(rest) == 0:
        raise ValueError(
            f"--validation {share:g} leaves none of the {len(rows)} rows for the training; "
            "lower it, 0.1 is the default"
        )
    units: Units = "spin" if np.any(rows < 0) else "binary" if q is None else f"one-hot-{q}"
    rates = tuple(options.learning_rate or ((0.006, 0.05) if q is None else (0.03, 0.05)))
    machine = kd.RBM(
        options.hidden,
        visible=units,
        method=options.method,
        n_iter=options.epochs,
        learning_rate=rates,
        chains=CHAINS,
        random_state=options.seed,
        threads=options.threads,
    ).fit(rest)
    if options.save is not None:
        machine.save(options.save)
    log_Z, error, how = _log_Z(machine, options)
    likelihood = {
        name: float(np.mean(machine.score_samples(part)))
        for name, part in (("training", rest), ("held out", held_out))
        if len(part)
    }
    known = "exact" if error == 0.0 else f"error {error:.2g}, from {how}"
    # A training that diverged, which a warning names, has no balance.
    shift, of = getattr(machine, "balance_", (None, None))
    lines = [
        f"{len(rows)} configurations of {rows.shape[1]} units, {units}; {options.hidden} hidden "
        f"units, {options.method}, {options.epochs} epochs",
        f"  ln Z                            {log_Z:.4f} ({known})",
        *(
            f"  mean ln P, {name + ' rows':<20} {value:.4f} nats"
            for name, value in likelihood.items()
        ),
        f"  independent {'units' if q is None else 'sites'}, the same     "
        f"{_independent(rest, held_out, q):.4f} nats",
        "  balance of the modes, off by    "
        + ("not known: the training diverged" if shift is None else f"{shift:+.3f} +- {of:.3f}"),
    ]
    data = {
        "settings": {
            name: getattr(options, name)
            for name in ("data", "states", "hidden", "method", "epochs", "seed")
        }
        | {"learning_rate": rates},
        "log_Z": log_Z,
        "log_Z_error": error,
        "log_likelihood": likelihood,
        "balance": shift,
        "balance_error": of,
        "history": machine.history_,
    }

    def draw(path: str) -> None:
        from kadanoff._base.style import saved

        with saved(path) as ax:
            machine.plot(ax=ax)

    return Report(data, "\n".join(lines), draw, converged=shift is not None)


def _two_valued(rows: AnyArray) -> AnyArray:
    """Rows of spins, or of 0 and 1; of other values the remedies are those of this command."""
    low = -1 if np.any(rows < 0) else 0
    others = rows[(rows != low) & (rows != 1)]
    if others.size:
        raise ValueError(
            f"--data must hold spins -1 and 1, or 0 and 1, found {others[0]:g} beside {low}; "
            "colours 0 ... q - 1 need --states q, and grey levels a threshold: save "
            "(array > threshold) to a file of its own"
            if low == 0
            else f"--data must hold spins -1 and 1, or 0 and 1, found {others[0]:g} among spins"
        )
    return rows


def _log_Z(machine: kd.RBM, options: argparse.Namespace) -> tuple[float, float, str]:
    """Ln Z with its error: the exact sum where there is one."""
    if min(machine.components_.shape) <= MAX_UNITS_FOR_STATES:
        return machine.log_Z(), 0.0, "the exact sum"
    found = machine.annealed_log_Z(seed=options.seed, threads=options.threads)
    return machine.log_Z(), found.error, "annealed importance sampling"


def _independent(rest: AnyArray, held_out: AnyArray, q: int | None) -> float:
    """Mean ln P of rows held out, of independent units or sites with the means of the others."""
    judged = held_out if len(held_out) else rest
    counts = np.sum(rest > 0, axis=0)
    if q is not None:  # one unit of each site is 1
        share = (counts + 0.5) / (len(rest) + 0.5 * q)
        return float(np.mean(judged @ np.log(share)))
    up = (counts + 0.5) / (len(rest) + 1.0)
    return float(np.mean(np.sum(np.where(judged > 0, np.log(up), np.log1p(-up)), axis=1)))


JOBS = (
    Job(
        "rbm",
        "a Boltzmann machine that learns your own configurations",
        "Train a restricted Boltzmann machine on the rows of a file .npy of spins, of 0 and 1, or "
        "of colours with --states, and judge it by its log likelihood on rows that it has not "
        "seen.",
        _arguments,
        _compute,
    ),
)
