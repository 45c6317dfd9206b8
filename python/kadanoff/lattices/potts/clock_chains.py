r"""Markov chains of clock models, all of them together as arrays.

Heat bath: sites that are no neighbours of each other are drawn at once from

    P(s) ~ exp(beta J sum_j cos(2 pi (s - s_j) / q)).

Clusters: a reflection s -> r - s of the directions turns the model into an Ising model whose
clusters are joined by bonds with the probability ``1 - exp(-beta (E' - E))``, where E' is the
energy of the bond with one of its ends reflected; each cluster is reflected with probability 1/2
(U. Wolff, Phys. Rev. Lett. 62, 361 (1989), doi:10.1103/PhysRevLett.62.361).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.types import FloatArray
from kadanoff.lattices.potts.clock import Clock
from kadanoff.lattices.site_groups import independent_groups

__all__ = ["ClockChains"]


class ClockChains:
    """Markov chains that are advanced together.

    Parameters
    ----------
    model : Clock
    T : float
        Temperature.
    method : {"heat-bath", "swendsen-wang"}
    chains, seed : int

    Examples
    --------
    >>> found = ClockChains(Clock((4, 4), 3), 1.0, "swendsen-wang", 2, seed=1)
    >>> arrays, error = found.measure(5, 1, configurations=True)
    >>> arrays["colours"].shape, arrays["counts"].sum(axis=2).tolist()[0], error
    ((2, 5, 16), [16, 16, 16, 16, 16], None)
    """

    def __init__(self, model: Clock, T: float, method: str, chains: int, seed: int) -> None:
        self.model, self.chains = model, chains
        self.visited = 0
        self._bonds, self._own = model.bonds()
        self._directions = model.directions
        self._strength = model.J / T
        self._generator = np.random.default_rng([seed, 0x636C6F63])
        self._s = np.zeros((chains, model.sites), dtype=np.int64)
        self._step = self._heat_bath if method == "heat-bath" else self._clusters
        if method == "heat-bath":
            self._groups = independent_groups(self._bonds, model.sites)
        else:
            shift = np.arange(chains)[:, None] * model.sites
            self._ends = (self._bonds[:, 0] + shift, self._bonds[:, 1] + shift)

    def randomise(self) -> None:
        """Independent directions everywhere."""
        self._s = self._generator.integers(0, self.model.q, self._s.shape)

    def advance(
        self,
        steps: int,
        *,
        threads: int | None = None,
        control: _core.Control | None = None,
        report: Report | None = None,
    ) -> None:
        """Sweeps of all chains, on one thread."""
        for done in range(steps):
            if control is not None and control.cancelled:
                raise Cancelled("the computation was stopped")
            self._step()
            self.visited += self._s.size
            if report is not None:
                report(done + 1, steps)

    def measure(
        self,
        n: int,
        spacing: int,
        *,
        configurations: bool,
        threads: int | None = None,
        control: _core.Control | None = None,
        report: Report | None = None,
    ) -> tuple[dict[str, Any], BaseException | None]:
        """Energies, numbers of sites in each state, and states, `spacing` sweeps apart."""
        q, error = self.model.q, None
        energy, counts, kept = [], [], []
        for done in range(n):
            try:
                self.advance(spacing, control=control)
                if report is not None:
                    report((done + 1) * spacing, n * spacing)
            except BaseException as stop:  # what was measured goes with it
                error = stop
                break
            # A turn of all spins is an exact symmetry.
            turn = self._generator.integers(0, q, (self.chains, 1))
            self._s = (self._s + turn) % q
            energy.append(self._energy())
            counts.append(np.stack([(self._s == c).sum(axis=1) for c in range(q)], axis=1))
            if configurations:
                kept.append(self._s.astype(np.uint8))
        size = (self.chains, len(energy))
        arrays: dict[str, Any] = {
            "energy": np.array(energy).reshape(size[::-1]).T,
            "counts": np.array(counts, dtype=np.int64).reshape(*size[::-1], q).swapaxes(0, 1),
            "colours": None,
        }
        if configurations:
            found = np.array(kept, dtype=np.uint8).reshape(*size[::-1], self.model.sites)
            arrays["colours"] = found.swapaxes(0, 1)
        return arrays, error

    def _energy(self) -> FloatArray:
        e = self._directions
        cosines = e @ e[0]  # of differences of states
        q, (i, j) = self.model.q, self._bonds.T
        products = cosines[(self._s[:, i] - self._s[:, j]) % q]
        return np.asarray(-self.model.J * products.sum(axis=1))

    def _heat_bath(self) -> None:
        e = self._directions
        wide = np.concatenate([e, np.zeros((1, 2))])  # of a neighbour that does not exist
        for sites, near, _ in self._groups:
            states = np.concatenate([self._s, np.full((self.chains, 1), self.model.q)], axis=1)[
                :, near
            ]
            field = self._strength * wide[states].sum(axis=2)
            weights = field @ e.T
            weights -= weights.max(axis=2, keepdims=True)
            sums = np.cumsum(np.exp(weights), axis=2)
            u = self._generator.random(sums.shape[:2]) * sums[:, :, -1]
            self._s[:, sites] = (u[:, :, None] >= sums).sum(axis=2).clip(max=self.model.q - 1)

    def _clusters(self) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        q, rng = self.model.q, self._generator
        mirror = rng.integers(0, q, (self.chains, 1))
        e = self._directions
        cosines = e @ e[0]
        i, j = self._bonds.T
        one, two = self._s[:, i], self._s[:, j]
        cost = self._strength * (cosines[(one - two) % q] - cosines[(one + two - mirror) % q])
        joined = rng.random(cost.shape) < -np.expm1(-np.maximum(cost, 0.0))
        ends = tuple(x[joined] for x in self._ends)
        matrix = coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(self._s.size,) * 2)
        number, labels = connected_components(matrix, directed=False)
        turned = rng.integers(0, 2, number).astype(bool)[labels].reshape(self._s.shape)
        self._s = np.where(turned, (mirror - self._s) % q, self._s)
