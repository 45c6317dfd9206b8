"""Epochs of training with persistent chains, and what is recorded after each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base.running import Run
from kadanoff._base.types import BoolArray, FloatArray, WordArray
from kadanoff.rbm.balance import Side, worst
from kadanoff.rbm.trajectory import Trajectory
from kadanoff.rbm.units import unit_values, unpack

if TYPE_CHECKING:
    from kadanoff.rbm.training import Training

__all__ = ["Epochs"]

SCORED = 4096  # samples whose log likelihood is followed


class Epochs:
    """Training with persistent chains, epoch by epoch.

    Parameters
    ----------
    training : Training
        The options.
    state : dict
        The machine in training.
    rows : array of bool
        The data, and the same as words.
    data : array of words
        The same, packed.
    every : sequence of Side
        The sides of the data on which the chains should be in the same shares.
    run : Run
        Seed and threads.
    core : dict
        Keyword arguments of a call of the compiled core.
    record : callable
        Gets the history of each epoch as it ends.
    held_out : array of bool, optional
        Samples whose log likelihood is followed, and which are not among `rows`.
    """

    def __init__(
        self,
        training: Training,
        state: dict[str, Any],
        rows: BoolArray,
        data: WordArray,
        every: Sequence[Side],
        run: Run,
        core: dict[str, Any],
        record: Callable[[Mapping[str, FloatArray]], None],
        held_out: BoolArray | None,
    ) -> None:
        self.training, self.data, self.run, self.core = training, data, run, dict(core)
        self.record, self.state = record, state
        self.report = self.core.pop("report")
        self.sides = every
        self.scored = {"log_likelihood": rows[:SCORED]}
        if held_out is not None and len(held_out):
            self.scored["held_out"] = held_out[:SCORED]
        self.trajectory: Trajectory | None = state.get("trajectory")
        if training.method == "trajectory" and self.trajectory is None:
            units = state["visible"], state["hidden"]
            sizes = state["n_visible"], state["n_hidden"]
            self.trajectory = Trajectory(*sizes, units, run.seed, run.threads)

    def train(self, rates: list[float]) -> dict[str, Any]:
        """One epoch per rate; the state comes back, or travels with an exception."""
        try:
            for done, rate in enumerate(rates):
                self._epoch(rate, done, len(rates))
        except KeyboardInterrupt as stop:
            if getattr(stop, "partial", None) is not None:
                stop.partial = self._whole({**stop.partial, "epochs": self.state["epochs"]})  # type: ignore[attr-defined]
            raise
        return self._whole(self.state)

    def _whole(self, state: dict[str, Any]) -> dict[str, Any]:
        for name in ("gradient", "reconstruction"):
            state.pop(name, None)
        return state if self.trajectory is None else state | {"trajectory": self.trajectory}

    def _epoch(self, rate: float, done: int, epochs: int) -> None:
        samples, report = len(self.data), self.report

        def told(part: int, _: int) -> object:
            return None if report is None else report(done * samples + part, epochs * samples)

        if self.trajectory is None:
            core = self.core | {"report": None if report is None else told}
            self.state = self.training.update(self.state, self.data, [rate], self.run, core)
        else:
            core = self.core | {"report": None}

            def update(state: dict[str, Any], data: WordArray) -> dict[str, Any]:
                return self.training.update(state, data, [rate], self.run, core)

            self.state = self.trajectory.epoch(
                self.state, self.data, self.training.batch_size, update
            )
            told(samples, samples)
        self.record(self._history())

    def _history(self) -> dict[str, FloatArray]:
        found = {"gradient": self.state["gradient"][-1], "balance": self._balance()}
        if self.trajectory is not None:
            for name, rows in self.scored.items():
                score, error = self.trajectory.log_likelihood(self.state, self._values(rows))
                found |= {name: score, "log_Z_error": error}
        return {name: np.array([value], dtype=float) for name, value in found.items()}

    def _values(self, rows: BoolArray) -> FloatArray:
        low, up = unit_values("visible", self.state["visible"])
        return np.where(rows, float(up), float(low))

    def _balance(self) -> float:
        """Of the chains at the temperature of the machine, against the data."""
        n = self.state["n_visible"]
        words = self.state["chains"].reshape(-1, -(-n // 64))
        temperatures = self.training.temperatures if self.training.method == "pt" else 1
        chains = words[-(len(words) // temperatures) :]
        v = unpack(chains, n, self.state["visible"]).astype(float)
        return worst(self.sides, lambda above: (float(above(v).mean()), 0.0))[0]
