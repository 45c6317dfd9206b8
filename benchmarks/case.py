"""A row of the table: what is measured, the programs beside it, and the limit that it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Measured = dict[str, Any]
Measure = Callable[[int, int], list[Measured]]


@dataclass(frozen=True)
class Peer:
    """Another program at the same task, run in the same minutes on one thread."""

    name: str
    measure: Measure
    repeats: int = 1  # per round


@dataclass(frozen=True)
class Recorded:
    """Figures of another program from another day and machine: never divided by ours."""

    name: str
    seconds: dict[int, float]  # by number of threads
    megabytes: tuple[int, int] | None = None  # not measured


@dataclass(frozen=True)
class Limit:
    """What the hardware allows: a rate of `benchmarks.limits`, and the work of the case."""

    name: str
    work: float | None = None  # operations or bytes; None: those that the core counted


@dataclass(frozen=True)
class Case:
    """One row of the table for every number of threads."""

    name: str
    measure: Measure  # (threads, repeats) -> one entry for each repeat
    title: str
    goal: str = ""
    recorded: Recorded | None = None
    repeats: int = 3
    fresh: bool = True  # a process for every repeat; otherwise one for all, after a warm-up
    threads: tuple[int, ...] = (1, 2)
    quick: bool = True  # takes part in --quick
    peers: tuple[Peer, ...] = ()
    limit: Limit | None = None
