"""What samples of any model have in common: displays, scans, and averages of fluctuations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from kadanoff._base import checks, html
from kadanoff._base.statistics import Estimate, estimate, jackknife, rule_of_three
from kadanoff._base.types import FloatArray

__all__ = ["SampleDisplays", "Scan", "fluctuations", "with_rule_of_three"]

FLUCTUATIONS = ("specific_heat", "susceptibility", "binder")
MAX_ROWS = 20  # temperatures in the table of a notebook


class SampleDisplays:
    """Length and displays of samples at one temperature."""

    kind: ClassVar[str]
    model: Any
    T: float
    energy: FloatArray
    estimates: Mapping[str, Estimate]
    method: str
    spacing: int
    equilibration: int
    chains: int
    seed: int
    seconds: float

    def __len__(self) -> int:
        return len(self.energy)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({_named(self.model)}, T={self.T:.6g}, n={len(self)}, "
            f"{self.method}, spacing={self.spacing}, chains={self.chains}, seed={self.seed}, "
            f"{self.seconds:.2f} s)"
        )

    def _repr_html_(self) -> str:
        about = {
            "n": f"{len(self)} in {self.chains} chains",
            "method": f"{self.method}, spacing {self.spacing}, equilibration {self.equilibration}",
            "seed": self.seed,
        }
        title = f"{self.kind}, {_named(self.model)}, T = {self.T:.6g}"
        return html.table(title, {**self.estimates, **about}, html.sparkline(self.energy))


S = TypeVar("S", bound=SampleDisplays)


class Scan(Generic[S]):
    """Averages of runs at several temperatures, and displays."""

    kind: ClassVar[str]
    shown: ClassVar[tuple[str, ...]]
    runs: tuple[S, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[S]:
        return iter(self.runs)

    def __getitem__(self, index: int) -> S:
        return self.runs[index]

    def __repr__(self) -> str:
        name = type(self).__name__
        if not self.runs:
            return f"{name}(no temperatures, seed={self.seed})"
        return (
            f"{name}({_named(self.runs[0].model)}, {len(self)} temperatures "
            f"{self.T.min():.4g} ... {self.T.max():.4g}, n={len(self.runs[0])}, seed={self.seed})"
        )

    def _repr_html_(self) -> str:
        if not self.runs:
            return html.table(f"{self.kind}, no temperatures", {"seed": self.seed})
        rows: dict[str, object] = {
            f"T = {run.T:.4g}": ", ".join(f"{name} {run.estimates[name]}" for name in self.shown)
            for run in self.runs[:MAX_ROWS]
        }
        if len(self) > MAX_ROWS:
            rows["..."] = f"{len(self) - MAX_ROWS} more"
        rows["seed"] = self.seed
        heat = self.mean("specific_heat")[np.argsort(self.T)]
        return html.table(f"{self.kind}, {_named(self.runs[0].model)}", rows, html.sparkline(heat))

    @property
    def T(self) -> FloatArray:
        """Temperatures, shape (temperatures,)."""
        return np.array([run.T for run in self.runs])

    def mean(self, name: str) -> FloatArray:
        """Averages of one of the `estimates`, in the order of the runs, shape (temperatures,)."""
        checks.choice("name", name, self.runs[0].estimates)
        return np.array([run.estimates[name].mean for run in self.runs])

    def error(self, name: str) -> FloatArray:
        """Errors of one of the `estimates`, in the order of the runs, shape (temperatures,)."""
        checks.choice("name", name, self.runs[0].estimates)
        return np.array([run.estimates[name].error for run in self.runs])


def _named(model: Any) -> str:
    colours = f"q={model.q}, " if hasattr(model, "q") else ""
    return f"{colours}{model.lattice} {'x'.join(map(str, model.shape))}"


def fluctuations(
    N: int, T: float, e: FloatArray, order: FloatArray, m2: FloatArray
) -> dict[str, Estimate]:
    """Moments and fluctuations from series per site, shape (chains, times).

    Parameters
    ----------
    N, T : int, float
        Number of sites, temperature.
    e, order, m2 : arrays
        Energy, the quantity whose variance is the susceptibility, and m^2.
    """
    # Fluctuations about the average: no digits are lost when they are small.
    de, dm = e - e.mean(), order - order.mean()
    return {
        "m2": estimate(m2),
        "m4": estimate(m2 * m2),
        "specific_heat": jackknife(lambda a, b: N * (b - a * a) / T**2, de, de * de),
        "susceptibility": jackknife(lambda a, b: N * (b - a * a) / T, dm, dm * dm),
        "binder": jackknife(lambda a, b: 1 - b / (3 * a * a) if a else 0.0, m2, m2 * m2),
    }


def with_rule_of_three(
    found: Mapping[str, Estimate],
    series: Mapping[str, FloatArray],
    order: FloatArray,
    quanta: Mapping[str, float],
) -> dict[str, Estimate]:
    """Averages whose series never changed with an error: see `rule_of_three`.

    Parameters
    ----------
    found : mapping
        The averages.
    series, order : mapping, array
        The series whose changes count for an average; that of the order where none is named.
    quanta : mapping
        Change of each average per probability of the nearest states.
    """
    return {
        name: rule_of_three(
            average, series.get(name, order), quanta[name], fluctuation=name in FLUCTUATIONS
        )
        for name, average in found.items()
    }
