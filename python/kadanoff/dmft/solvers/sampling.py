"""Markov chains of one orbital or several: options, the end of sampling, checkpoints."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from kadanoff import _core
from kadanoff._base import checks, files
from kadanoff._base.errors import Cancelled, NotConverged, NumericalError
from kadanoff._base.progress import Report
from kadanoff.dmft.protocol import Run

__all__ = ["BLOCK", "MIN_BLOCKS", "SampledRun", "Sampling"]

BLOCK = 256  # sweeps between two checks of the cancel flag
MIN_BLOCKS = 8  # per chain: fewer bins give no error
MAX_CHAINS = 1024

S = TypeVar("S")
"""The kind of solution."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The options of "cthyb", checked."""

    sweeps: int
    seconds: float | None
    target: float | None
    chains: int
    equilibration: int
    spacing: int | None
    legendre: int | None
    floor: float | None

    @classmethod
    def of(
        cls,
        *,
        sweeps: int,
        seconds: float | None,
        target: float | None,
        chains: int,
        equilibration: int | None,
        spacing: int | None,
        legendre: int | None,
        floor: float | None,
    ) -> Sampling:
        """Check the options.

        Raises
        ------
        TypeError, ValueError
            An option is of the wrong kind or out of range.
        """
        chains = checks.whole("chains", chains, most=MAX_CHAINS)
        sweeps = checks.whole(
            "sweeps",
            sweeps,
            least=chains * BLOCK * MIN_BLOCKS,
            most=2**44,
            hint=f"fewer than {MIN_BLOCKS} bins of {BLOCK} for each of {chains} chains give no "
            "error",
        )
        if equilibration is None:
            tenth = -(-sweeps // (chains * BLOCK)) * BLOCK // 10
            equilibration = min(max(tenth, 1024), 8192)
        equilibration = checks.whole("equilibration", equilibration, most=2**40)
        if spacing is not None:
            spacing = checks.whole("spacing", spacing, most=2**20)
        if legendre is not None:
            legendre = checks.whole("legendre", legendre, least=4, most=512)
        if seconds is not None:
            seconds = checks.real("seconds", seconds, above=0, below=1e9)
        if target is not None:
            target = checks.real("target", target, above=0, below=1e9)
        if floor is not None:
            floor = checks.real(
                "floor", floor, least=0, below=1e9, hint="0 samples with Delta itself"
            )
        return cls(
            sweeps=sweeps,
            seconds=seconds,
            target=target,
            chains=chains,
            equilibration=equilibration,
            spacing=spacing,
            legendre=legendre,
            floor=floor,
        )

    @property
    def blocks(self) -> int:
        """Blocks of `BLOCK` measurements per chain."""
        return -(-self.sweeps // (self.chains * BLOCK))

    @property
    def warm_blocks(self) -> int:
        """Blocks per chain before the first measurement."""
        return -(-self.equilibration // BLOCK)


class SampledRun(ABC, Generic[S]):
    """The Markov chains of a problem, and their solution at any time.

    Parameters
    ----------
    chains : CtqmcRun
        The chains at their start.
    run : Run
        Frequencies, threads, seed, ...
    sampling : Sampling
        When to stop.
    checkpoint : Path or None
        The file that the run is continued from and stored in.
    """

    fewest = MIN_BLOCKS
    """Bins that a solution needs."""

    def __init__(
        self, chains: _core.CtqmcRun, run: Run, sampling: Sampling, checkpoint: Path | None
    ) -> None:
        self.run, self.sampling, self.checkpoint = run, sampling, checkpoint
        self.chains = chains if checkpoint is None else _resumed(checkpoint, chains)

    @abstractmethod
    def solution(self) -> S:
        """From all measurements so far."""

    @abstractmethod
    def error(self) -> float:
        """The largest error of G(i w_0) so far."""

    def diagnostics(self) -> dict[str, Any]:
        """What is known of the chains themselves."""
        return {
            "chains": self.sampling.chains,
            "equilibration": self.sampling.warm_blocks * BLOCK,
            "updates_per_sweep": self.chains.updates,
        }

    def sampled(self) -> S:
        """Sample until sweeps, time or error are reached; a stopped run keeps what it has."""
        try:
            with self.run.calling("sampling") as keywords:
                self._sample(keywords["report"])
        except KeyboardInterrupt as stop:
            unwritten = _store(self.checkpoint, self.chains)
            enough = self.chains.results()["chain"].size >= self.fewest
            partial = self.solution() if enough else None
            message = str(stop) or "the computation was stopped"
            if unwritten is not None:
                message += f"; its checkpoint could not be written: {unwritten}"
            raise Cancelled(message, partial) from stop
        except NumericalError as error:
            _store(self.checkpoint, self.chains)
            if self.chains.results()["chain"].size < self.fewest:
                raise
            raise NotConverged(
                f"the sampling broke down: {error}; the solution from the measurements before is "
                "in .partial",
                self.solution(),
            ) from error
        except BaseException:
            _store(self.checkpoint, self.chains)
            raise
        unwritten = _store(self.checkpoint, self.chains)
        found, target = self.solution(), self.sampling.target
        if unwritten is not None:
            unwritten.partial = found  # type: ignore[attr-defined]
            unwritten.add_note("the checkpoint was not written; the solution is in .partial")
            raise unwritten
        reached = self._error_of(found)
        if target is not None and not reached <= target:  # nor where it is not known
            raise NotConverged(
                f"the error of G(i w_0) is {reached:.1e} after {self.sampling.sweeps} sweeps, "
                f"target = {target:g}; raise sweeps. The solution is in .partial",
                found,
            )
        return found

    def _sample(self, report: Report | None) -> None:
        if self.sampling.seconds is not None:
            self._for_seconds(self.sampling.seconds, report)
        elif self.sampling.target is not None:
            self._to_target(self.sampling.target, report)
        else:
            self._advance(self.sampling.blocks, report)

    def _advance(self, until: int, report: Report | None) -> None:
        """Measure until every chain has this number of blocks."""
        run = self.run
        self.chains.advance(until, threads=run.threads, control=run.control, report=report)

    def _for_seconds(self, seconds: float, report: Report | None) -> None:
        """Rounds that grow until each takes a tenth of the time."""
        self._advance(0, None)
        began = time.perf_counter()
        before = self.chains.measured
        step = MIN_BLOCKS
        while True:
            self._advance(self.chains.measured + step, None)
            spent = time.perf_counter() - began
            if report is not None:
                report(int(1000 * min(spent, seconds)), int(1000 * seconds))
            if spent >= seconds:
                return
            rate = (self.chains.measured - before) / spent
            step = max(1, min(2 * step, int(rate * min(seconds - spent, 0.1 * seconds))))

    def _to_target(self, target: float, report: Report | None) -> None:
        """Rounds of measurements until the error of G(i w_0) is below the target."""
        blocks = self.sampling.blocks
        until = min(32, blocks)
        while True:
            self._advance(until, report)
            error = self.error()
            if error <= target or until >= blocks:
                return
            # A little more than the law of the square root says.
            wanted = 4 * until
            if math.isfinite(error):
                wanted = math.ceil(1.1 * until * (error / target) ** 2)
            until = min(blocks, max(until + 1, min(4 * until, wanted)))

    @staticmethod
    def _error_of(found: Any) -> float:
        return float(np.max(found.diagnostics["G_iw_error"][0]))


def _resumed(path: Path, fresh: _core.CtqmcRun) -> _core.CtqmcRun:
    """The run of a checkpoint, or the fresh one where there is none yet."""
    try:
        simulation = _core.CtqmcRun.from_bytes(files.read(path))
    except FileNotFoundError:
        if not path.parent.is_dir():  # better refused before the run than after it
            raise
        return fresh
    except ValueError as error:
        raise ValueError(f"checkpoint {str(path)!r}: {error}") from error
    if simulation.fingerprint != fresh.fingerprint:
        raise ValueError(
            f"checkpoint {str(path)!r} belongs to another problem, or to other options (seed, "
            "chains, equilibration, spacing); remove it to start afresh"
        )
    return simulation


def _store(path: Path | None, simulation: _core.CtqmcRun) -> OSError | None:
    """Write the checkpoint; the error that prevented it, which must not cost the results."""
    if path is None:
        return None
    try:
        files.write(path, simulation.to_bytes())
    except OSError as error:
        return error
    return None
