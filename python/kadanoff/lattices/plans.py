"""Runs of Markov chains, of any model: what was asked for, the pilot run, progress, and the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, memory
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.statistics import estimate
from kadanoff._base.types import FloatArray
from kadanoff.lattices.ising.models import temperature

__all__ = [
    "Plan",
    "ended",
    "pilot",
    "planned",
    "refuse_beside_model",
    "refuse_memory",
    "scanned",
    "seed_of",
    "share_out",
    "since",
    "temperatures",
    "waiting",
]

MAX_CHAINS = 4096
TAUS = 20  # a run is equilibrated after this number of autocorrelation times
MAX_PILOT = 1 << 14  # measurements of a pilot run

Model = TypeVar("Model")
Result = TypeVar("Result")
Results = TypeVar("Results")


class Measured(Protocol):
    """Markov chains that are measured together."""

    def measure(
        self,
        n: int,
        spacing: int,
        *,
        configurations: bool,
        threads: int | None = ...,
        control: _core.Control | None = ...,
        report: Report | None = ...,
    ) -> tuple[dict[str, Any], BaseException | None]:
        """Arrays of shape (chains, n, ...), `spacing` updates apart, and what stopped the run."""


@dataclass(frozen=True)
class Plan(Generic[Model]):
    """Everything about a run at one temperature, checked."""

    model: Model
    T: float
    n: int
    method: str
    chains: int | None
    spacing: int | None
    equilibration: int | None
    configurations: bool

    def shares(self, most: int) -> tuple[int, int]:
        """Numbers (chains, samples of each), with `most` chains at most unless they were given."""
        if self.chains is None:
            return share_out(self.n, most)
        return self.chains, -(-self.n // self.chains)


def planned(
    model: Model,
    T: float,
    *,
    n: object,
    method: str,
    chains: object,
    spacing: object,
    equilibration: object,
    configurations: object,
) -> Plan[Model]:
    """A plan; the model, T and the method have been checked before."""
    return Plan(
        model=model,
        T=T,
        n=checks.whole("n", n),
        method=method,
        chains=None if chains is None else checks.whole("chains", chains, most=MAX_CHAINS),
        spacing=None if spacing is None else checks.whole("spacing", spacing),
        equilibration=(
            None if equilibration is None else checks.whole("equilibration", equilibration, least=0)
        ),
        configurations=checks.flag("configurations", configurations),
    )


def share_out(n: int, most: int) -> tuple[int, int]:
    """Numbers (chains, samples of each): a divisor of n if there is one above most / 2."""
    most = max(1, min(most, n))
    for chains in range(most, most // 2, -1):
        if n % chains == 0:
            return chains, n // chains
    return most, -(-n // most)


def temperatures(T: object) -> list[float]:
    """A list of validated temperatures."""
    if isinstance(T, str) or not isinstance(T, Iterable):
        raise TypeError(f"T must be a sequence of temperatures, got {T!r}")
    found = [temperature(t, f"T[{i}]") for i, t in enumerate(T)]
    if not found:
        raise ValueError("T must hold at least one temperature, got none")
    return found


def seed_of(seed: int, index: int) -> int:
    """A seed for run number `index`, unlike those of other seeds and indices."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])


def refuse_beside_model(**given: tuple[object, object]) -> None:
    """Refuse arguments, (value, default) each, that belong to a model that was given as well."""
    names = [name for name, (value, default) in given.items() if not _is_default(value, default)]
    if names:
        raise TypeError(f"{', '.join(names)} belong to the model: give either a model or these")


def _is_default(value: object, default: object) -> bool:
    if default is None:
        return value is None
    kinds = str if isinstance(default, str) else float | int
    return isinstance(value, kinds) and value == default


def refuse_memory(need: int, *, samples: int, sites: int, chains: int, keep: bool) -> None:
    """Refuse samples that would not fit, with the bytes that they would need."""
    free = memory.available()
    if free is not None and need > free:
        raise MemoryError(
            f"{samples:,} samples of {sites:,} sites in {chains} chains need "
            f"{need / 1e9:.3g} GB and {free / 1e9:.3g} GB are available: lower n or chains"
            + (", or keep no configurations (configurations=False)" if keep else "")
        )


def pilot(
    chains: Measured,
    unit: int,
    order: Callable[[dict[str, Any]], FloatArray],
    calls: dict[str, Any],
) -> tuple[int, float]:
    """Measurements, `unit` updates apart, and the longest autocorrelation time in them.

    Parameters
    ----------
    chains : Measured
        The chains, which go on from where they are.
    unit : int
        Updates between two measurements.
    order : callable
        Takes the arrays of a measurement; returns a series beside the energy, (chains, times).
    calls : dict
        Threads, control and report of the run.
    """
    length, measured = 64, 0
    while True:
        arrays, error = chains.measure(length, unit, configurations=False, **calls)
        if error is not None:
            raise error
        if arrays["energy"].shape[1] < length:
            raise Cancelled("the computation was stopped before the first sample")
        measured += length
        # The second half, which remembers less of the start.
        late = slice(length // 2, None)
        series = (arrays["energy"][:, late], order(arrays)[:, late])
        tau = max(estimate(x).tau for x in series)
        if measured > TAUS * tau or measured >= MAX_PILOT:
            return measured, tau
        length *= 2


def waiting(report: Report | None) -> Report | None:
    """A bar that stands still: how long equilibration takes is not known before it is over."""
    return None if report is None else lambda done, total: report(0, 1)


def since(report: Report | None, before: int) -> Report | None:
    """A bar that counts from a number of updates on."""
    return None if report is None else lambda done, total: report(done - before, total - before)


def ended(result: Result | None, complete: bool, error: BaseException | None) -> Result:
    """The result of a run that reached its end; what it has goes with the exception otherwise."""
    if error is not None:
        if isinstance(error, Cancelled):
            error.partial = result
        raise error
    if result is None or not complete:
        raise Cancelled("the computation was stopped", partial=result)
    return result


def scanned(
    plans: Sequence[Plan[Model]],
    run: Run,
    sample: Callable[..., Result],
    collected: Callable[..., Results],
) -> Results:
    """One run for each plan, with seeds of their own; those before a stop go with it.

    Parameters
    ----------
    plans : sequence of Plan
    run : Run
        Seed, threads, progress and control of the scan.
    sample : callable
        Takes a plan, a seed, threads, control and report.
    collected : callable
        Makes the result of the scan from runs and seed.
    """
    runs: list[Result] = []
    with run.calling(f"scanning {len(plans)} temperatures") as keywords:
        report = keywords.pop("report")
        for i, plan in enumerate(plans):
            part = None if report is None else partial(_of_all, report, i, len(plans))
            try:
                runs.append(sample(plan, seed_of(run.seed, i), report=part, **keywords))
            except Cancelled as stop:
                stop.partial = collected(runs=tuple(runs), seed=run.seed) if runs else None
                raise
    return collected(runs=tuple(runs), seed=run.seed)


def _of_all(report: Report, index: int, count: int, done: int, total: int) -> None:
    # A permille for each run: their lengths are not known beforehand.
    report(1000 * index + 1000 * done // max(total, 1), 1000 * count)
