"""What a topic of the soak returns, and where topics and their results are.

A topic is a module ``tests/soak/<topic>.py`` whose docstring begins with one sentence for the
reader of the table, and which has a function ``run(seed, scale)``. The whole soak is
``scale = 1``; `make test` runs each topic at its `TINY`, or at `SMALL` if it names none. Its
numbers follow from the seed alone wherever the machine allows it.

>>> import numpy as np
>>> def run(seed: int, scale: float) -> Iterable[Row]:
...     rng = np.random.default_rng(seed)
...     mean = rng.random(count(10_000, scale)).mean()
...     yield Row.at_most("distance of the mean of uniform numbers from 1/2", abs(mean - 0.5), 0.1)
>>> [row.holds for row in run(seed=1, scale=0.01)]
[True]
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.paths import ROOT

__all__ = ["RESULTS", "SMALL", "Row", "Topic", "count", "read", "topics", "write"]

FOLDER = ROOT / "tests/soak"
RESULTS = FOLDER / "results"
SMALL = 0.01
"""The scale of a topic in `make test`, if it has no constant `TINY`."""


@dataclass(frozen=True)
class Row:
    """One number, what it must not exceed or fall below, and whether it does.

    Attributes
    ----------
    quantity : str
        For the reader of the table: "kills of a sweep on threads, points lost".
    value : float
    limit : float or str
        A number, or text such as ">= 0.9".
    holds : bool
    """

    quantity: str
    value: float
    limit: float | str
    holds: bool

    @classmethod
    def at_most(cls, quantity: str, value: float, limit: float) -> Row:
        """A row that holds if the value is `limit` or less; NaN never holds."""
        return cls(quantity, value, f"≤ {limit:g}", bool(value <= limit))

    @classmethod
    def at_least(cls, quantity: str, value: float, limit: float) -> Row:
        """A row that holds if the value is `limit` or more; NaN never holds."""
        return cls(quantity, value, f"≥ {limit:g}", bool(value >= limit))


@dataclass(frozen=True)
class Topic:
    """A module of the soak."""

    name: str
    module: ModuleType

    @property
    def sentence(self) -> str:
        return (inspect.getdoc(self.module) or "").partition("\n")[0]

    @property
    def tiny(self) -> float:
        """The scale of `make test`."""
        return getattr(self.module, "TINY", SMALL)

    def run(self, seed: int, scale: float) -> Iterable[Row]:
        return self.module.run(seed, scale)


def count(whole: int, scale: float, least: int = 1) -> int:
    """How many of `whole` trials belong to a scale, at least `least`."""
    return max(least, round(whole * scale))


def topics() -> dict[str, Topic]:
    """All modules of this folder with a function `run`, by name."""
    names = sorted(path.stem for path in FOLDER.glob("*.py"))
    names = [name for name in names if not name.startswith(("_", "test_"))]
    found = {name: import_module(f"tests.soak.{name}") for name in names}
    return {name: Topic(name, m) for name, m in found.items() if hasattr(m, "run")}


def write(name: str, facts: dict[str, Any], rows: Iterable[Row], folder: Path = RESULTS) -> None:
    """The result of a topic, to be committed: facts such as the commit and the seed, and rows."""
    folder.mkdir(exist_ok=True)
    whole = {"topic": name, **facts, "rows": [_plain(row) for row in rows]}
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _plain(row: Row) -> dict[str, Any]:
    value = float(row.value)
    return asdict(row) | {"value": int(value) if value.is_integer() else value}


def read(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """All results, by topic."""
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
