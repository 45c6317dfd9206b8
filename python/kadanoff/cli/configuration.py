"""Options of a job from a TOML file: ``kadanoff run dot --config dot.toml``.

Each entry is an option of the job without its dashes; a list holds several values. Entries may
stand at the top of the file or in a table of the job's name, so that one file serves several jobs:

.. code-block:: toml

    threads = 2
    [dot]
    U = "2meV"
    Gamma = "0.3meV"
    T = ["50mK", "100mK"]
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["configured"]

FLAG = "--config"


def configured(
    jobs: Mapping[str, argparse.ArgumentParser], job: str, arguments: Sequence[str]
) -> list[str]:
    """The arguments of a job, preceded by those of its ``--config``.

    An option that stands on the command line replaces that of the file, and any other that it
    excludes: ``--mu`` replaces an `n` of the file.

    Raises
    ------
    OSError, ValueError
        The file cannot be read, is no TOML, or has an entry that is no option of the job, or a
        table that belongs to no job.
    """
    parser = jobs[job]
    words = list(arguments)
    path = _taken(words)
    if path is None:
        return words
    options = {
        flag.lstrip("-").replace("-", "_"): (flag, action)
        for action in parser._actions
        for flag in action.option_strings
        if flag.startswith("--") and flag not in (FLAG, "--help")
    }
    positional = {a.dest: a for a in parser._actions if not a.option_strings}
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    for group in parser._mutually_exclusive_groups:
        alternatives = {flag for action in group._group_actions for flag in action.option_strings}
        given |= alternatives if alternatives & given else set()
    first: list[str] = []
    found: list[str] = []
    for name, value in _entries(path, job, jobs):
        key = name.replace("-", "_")
        if key in positional:
            first.append(_word(path, name, value))
        elif key not in options:
            known = ", ".join(sorted([*options, *positional]))
            raise ValueError(f"{path}: {name!r} is no option of {job}; known: {known}")
        elif options[key][0] not in given:
            found += _option(path, name, value, *options[key])
    return [*first, *found, *words]


def _taken(words: list[str]) -> str | None:
    """The file named by ``--config``, which is removed from the words."""
    if sum(word.partition("=")[0] == FLAG for word in words) > 1:
        raise ValueError(f"{FLAG} takes one file, and is given more than once")
    for k, word in enumerate(words):
        if word.startswith(f"{FLAG}="):
            del words[k]
            return word.partition("=")[2]
        if word == FLAG:
            if k + 1 == len(words):
                raise ValueError(f"{FLAG} needs the name of a TOML file")
            path = words[k + 1]
            del words[k : k + 2]
            return path
    return None


def _entries(path: str, job: str, jobs: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Entries of the file for this job: those at the top, then those of its table."""
    try:
        tree = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML file: {error}") from None
    own = tree.get(job, {})
    if not isinstance(own, dict):
        raise ValueError(f"{path}: {job!r} must be a table, [{job}], got {own!r}")
    for name, value in tree.items():
        if isinstance(value, dict) and name not in jobs:
            raise ValueError(f"{path}: [{name}] is the table of no job; jobs: {', '.join(jobs)}")
    top = {name: value for name, value in tree.items() if not isinstance(value, dict)}
    yield from (top | own).items()


def _option(path: str, name: str, value: Any, flag: str, action: argparse.Action) -> Sequence[str]:
    if action.nargs == 0:  # a switch
        if not isinstance(value, bool):
            raise ValueError(f"{path}: {name} must be true or false, got {value!r}")
        return [flag] if value else []
    values = value if isinstance(value, list) else [value]
    words = [_word(path, name, one) for one in values]
    if action.nargs in ("+", "*") or isinstance(action.nargs, int):
        return [flag, *words]
    if isinstance(action, argparse._AppendAction) or len(words) == 1:
        return [f"{flag}={word}" for word in words]
    raise ValueError(f"{path}: {name} takes one value, got {value!r}")


def _word(path: str, name: str, value: Any) -> str:
    if type(value) not in (str, int, float):
        raise ValueError(f"{path}: {name} must be a number or a text, got {value!r}")
    return str(value)
