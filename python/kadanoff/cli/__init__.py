"""``kadanoff run JOB``, ``kadanoff fit``, ``lab``, ``bench``: the package without Python.

Each job calls the functions that a notebook calls, with options of the same names, and prints a
table, or JSON with ``--json``; ``--output`` saves the picture, and ``--config`` reads options from
a TOML file. Exit status: 0 on success, 1 if an
iteration did not converge, 2 for bad input (one line names it), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

from kadanoff import NotConverged, NumericalError, __version__
from kadanoff.cli import (
    bench,
    course,
    dmft,
    dots,
    impurities,
    lattices,
    learned,
    lectures,
    machines,
    mott,
)
from kadanoff.cli.configuration import configured
from kadanoff.cli.job import Job, jsonable, picture

__all__ = ["JOBS", "main"]

JOBS: tuple[Job, ...] = (
    *impurities.JOBS,
    *dots.JOBS,
    *lattices.JOBS,
    *machines.JOBS,
    *dmft.JOBS,
    *mott.JOBS,
    *learned.JOBS,
    *lectures.JOBS,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the exit status is 0 if all went well.

    Examples
    --------
    >>> main(["run", "mott", "--U", "1", "--beta", "20", "--solver", "ipt", "--tolerance", "-1"])
    2
    """
    parser, jobs = _parser()
    words = joined(sys.argv[1:] if arguments is None else arguments)
    try:
        words = _with_configuration(words, jobs)
    except (ValueError, OSError) as error:
        print(f"kadanoff: {_line(error)}", file=sys.stderr)
        return 2
    options, rest = parser.parse_known_args(words)
    if rest and not options.takes_rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warned
            return int(options.command(options))
    except KeyboardInterrupt:  # Cancelled is one
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output has gone: head, less
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (NotConverged, NumericalError) as error:
        print(f"kadanoff: {_line(error)}", file=sys.stderr)
        return 1
    except (ValueError, TypeError, MemoryError, OSError, ImportError) as error:
        print(f"kadanoff: {_line(error)}", file=sys.stderr)
        return 2


def joined(arguments: Sequence[str]) -> list[str]:
    """``--eps -0.1meV`` as ``--eps=-0.1meV``: argparse takes the value for an option."""
    found: list[str] = []
    for word in arguments:
        before = found[-1] if found else ""
        if re.match(r"-\.?\d", word) and re.fullmatch(r"--\w+", before):
            found[-1] = f"{before}={word}"
        else:
            found.append(word)
    return found


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage; options have no abbreviations."""

    def __init__(self, **options: Any) -> None:
        # `--conf FILE` would be read here, after `--config` was looked for.
        super().__init__(**(options | {"allow_abbrev": False}))

    def error(self, message: str) -> NoReturn:
        if self._subparsers is not None and "arguments are required" in message:
            (jobs,) = self._subparsers._group_actions
            message = f"{jobs.metavar} is missing: {', '.join(jobs.choices or ())}"
            message += f"; {self.prog} --help describes them"
        self.exit(2, f"{self.prog}: {message}\n")


def _warned(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning in one line, without the line of code."""
    print(f"kadanoff: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _with_configuration(words: list[str], jobs: dict[str, argparse.ArgumentParser]) -> list[str]:
    """The words, with the options that a file of ``--config`` holds for the job."""
    name = next((k for k, word in enumerate(words[:2]) if word in jobs), None)
    if name is None:
        return words
    job = words[name]
    return [*words[: name + 1], *configured(jobs, job, words[name + 1 :])]


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and that of each job by name."""
    parser = _Parser(prog="kadanoff", description="Effective models, learned and checked.")
    parser.set_defaults(takes_rest=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run a job and print a table")
    jobs = run.add_subparsers(required=True, metavar="JOB")
    found: dict[str, argparse.ArgumentParser] = {}
    for job, where in [*((job, jobs) for job in JOBS), (dots.FIT, commands)]:
        one = found[job.name] = where.add_parser(
            job.name, help=job.help, description=job.description
        )
        job.arguments(one)
        one.add_argument(
            "--output", metavar="FILE", help="the picture, .png, .pdf or .svg; left out: none"
        )
        one.add_argument("--json", action="store_true", help="print JSON instead of a table")
        one.add_argument("--threads", type=int, help="worker threads (default: all cores)")
        one.add_argument(
            "--config", metavar="FILE", help="options from a TOML file; those given here win"
        )
        one.set_defaults(command=_run, job=job)
    for command in (course, bench):
        command.add(commands)
    return parser, found


def _run(options: argparse.Namespace) -> int:
    save = picture(options.output)  # refuses a path that cannot work before the work begins
    report = options.job.compute(options)
    if options.json:
        print(json.dumps(jsonable(report.data), indent=2, allow_nan=False))
    else:
        print(report.table)
    if save is not None:
        save(report.draw)
        print(f"picture: {options.output}", file=sys.stderr)
    return 0 if report.converged else 1
