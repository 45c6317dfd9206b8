"""Training with chains that are drawn along the trajectory of the training itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kadanoff._base.types import AnyArray, BoolArray, FloatArray, WordArray
from kadanoff.rbm.populations import Law, Populations
from kadanoff.rbm.units import Units, pack, unit_values, unpack

__all__ = ["Trajectory"]

FAR = 1.5  # standard deviation of ln P between the present machine and the last one that was kept
CHANGE = 0.15  # the same between two exchanges of the chains
CALM = 3  # exchanges with less change, after which there is one more update between two
MAX_UPDATES = 32  # between two exchanges
RENEWAL = 200  # updates between two renewals of a population


class Trajectory:
    r"""Chains of the present machine that take configurations of an earlier one.

    Machines along the trajectory of the training are kept, close enough to each other that
    populations annealed along them follow each of them [1]_. Every few updates each chain is
    offered a configuration v' of the last machine kept, Q, and takes it with the probability
    ``min(1, P(v') Q(v) / P(v) Q(v'))``. So chains pass between modes that Gibbs sweeps do not
    connect, and ln Z is known while training.

    Parameters
    ----------
    n_visible, n_hidden : int
        Units of the layers.
    units : (units, units)
        Values of the units.
    seed : int
        Seed of everything random.
    threads : int or None
        Worker threads.

    References
    ----------
    .. [1] N. Bereux, A. Decelle, C. Furtlehner, L. Rosset, B. Seoane, arXiv:2405.15376
    """

    def __init__(
        self,
        n_visible: int,
        n_hidden: int,
        units: tuple[Units, Units],
        seed: int,
        threads: int | None,
    ) -> None:
        self.populations = Populations(n_visible, n_hidden, units, seed, threads=threads)
        self.order = np.random.default_rng([seed, 5])
        self._units, self._n = units, n_visible
        self._up = unit_values("visible", units[0])[1]
        self._between = 1  # updates between two exchanges
        self._calm = 0
        self._since = 0
        self._law: Law | None = None

    def epoch(
        self,
        state: dict[str, Any],
        data: WordArray,
        batch: int,
        update: Callable[[dict[str, Any], WordArray], dict[str, Any]],
    ) -> dict[str, Any]:
        """One pass over the samples.

        Parameters
        ----------
        state : dict
            The machine in training with its persistent chains.
        data : array of words
            Samples, row by row.
        batch : int
            Samples of a minibatch.
        update : callable
            Takes a state and some samples; returns the state after their updates.

        Returns
        -------
        dict
            The state, with the mean square of the gradient.
        """
        epochs, square, done = state["epochs"], 0.0, 0
        order = self.order.permutation(len(data))
        self._law = None
        while done < len(data):
            picked = data[order[done : done + self._between * batch]]
            before = self.law(state)
            state = update({**state, "epochs": epochs}, picked)
            square += float(state["gradient"][-1]) ** 2 * len(picked)
            done += len(picked)
            self._since += -(-len(picked) // batch)
            self._law = self._law_of(state)
            with np.errstate(all="ignore"):  # of a machine that diverges
                self._exchange(state, before)
            if self._since >= RENEWAL:
                self._since = 0
                self.populations.renew()
        state["epochs"] = epochs + 1
        state["gradient"] = np.array([np.sqrt(square / len(data))])
        state["reconstruction"] = np.zeros(1)
        return state

    def law(self, state: dict[str, Any]) -> Law:
        """The present machine."""
        if self._law is None:
            self._law = self._law_of(state)
        return self._law

    def _law_of(self, state: dict[str, Any]) -> Law:
        return self.populations.last.at(state["parameters"])

    def _exchange(self, state: dict[str, Any], before: Law) -> None:
        now, last = self.law(state), self.populations.last
        words = state["chains"].reshape(-1, -(-self._n // 64))
        chains = len(words)
        offered, F_offered = self.populations.draw(chains)
        v = np.concatenate([unpack(words, self._n, self._units[0]), offered])
        F = now.free_energy(v)
        # The chains know of modes that the last machine has lost.
        shift = F - np.concatenate([last.free_energy(v[:chains]), F_offered])
        gain = shift[:chains] - shift[chains:]
        taken = np.log(self.populations.generator.random(chains)) < gain
        words[taken] = pack(offered[taken] == self._up)
        state["chains"] = words.ravel()
        if np.std(shift) > FAR:
            self.populations.extend(now.parameters)
        self._pace(float(np.std(F[::4] - before.free_energy(v[::4]))))

    def _pace(self, change: float) -> None:
        """Fewer updates between two exchanges where the machine changes quickly."""
        if not change <= CHANGE:
            self._between, self._calm = max(1, self._between // 2), 0
            return
        self._calm += 1
        if self._calm == CALM:
            self._between, self._calm = min(self._between + 1, MAX_UPDATES), 0

    def log_likelihood(self, state: dict[str, Any], rows: AnyArray) -> tuple[float, float]:
        """Mean ln P of rows of values of the units, and the standard error of ln Z."""
        law = self.law(state)
        log_Z, error = self.populations.log_Z(law)
        return float(-law.free_energy(rows).mean()) - log_Z, error

    def share(
        self, state: dict[str, Any], above: Callable[[FloatArray], BoolArray]
    ) -> tuple[float, float]:
        """P(v is above) in the present machine, and its standard error; NaN if out of reach."""
        self._law = None
        law = self.law(state)
        with np.errstate(all="ignore"):
            shift = self.populations.F - law.free_energy(
                self.populations.v.reshape(-1, self._n)
            ).reshape(self.populations.F.shape)
            if not np.std(shift) <= FAR and not self.populations.extend(law.parameters):
                return float("nan"), float("nan")
            return self.populations.share(above, law)
