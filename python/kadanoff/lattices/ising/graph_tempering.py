"""Ladders of temperatures of an Ising model on a graph, all of them together as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.lattices.ising.graphs import GraphIsing
from kadanoff.lattices.site_groups import independent_groups

__all__ = ["GraphTempering"]


class GraphTempering:
    """Chains at several temperatures that exchange their configurations.

    Parameters
    ----------
    model : GraphIsing
    ladder : sequence of float
        Temperatures.
    method : {"heat-bath", "metropolis"}
    chains, seed : int
        Ladders, which are independent of each other.

    Examples
    --------
    >>> found = GraphTempering(GraphIsing([(0, 1), (1, 2)]), [1.0, 2.0], "heat-bath", 2, seed=1)
    >>> arrays, tried, accepted, error = found.measure(5, 10, 1, 1, configurations=True)
    >>> arrays[0]["energy"].shape, tried, error
    ((2, 10), [10], None)
    """

    def __init__(
        self, model: GraphIsing, ladder: Sequence[float], method: str, chains: int, seed: int
    ) -> None:
        self.model, self.chains, self.method = model, chains, method
        self._beta = 1 / np.array(ladder)
        self._generator = np.random.default_rng([seed, 0x6C6164])
        J = np.append(model.J, 0.0)
        self._groups: list[tuple[IntArray, IntArray, FloatArray]] = [
            (members, near, J[numbers])
            for members, near, numbers in independent_groups(model.bonds, model.sites)
        ]
        # One site more, which does not exist: its spin is 0.
        self._s = np.zeros((len(ladder), chains, model.sites + 1))
        self._s[..., :-1] = self._generator.choice([-1.0, 1.0], (len(ladder), chains, model.sites))

    def measure(
        self,
        equilibration: int,
        n: int,
        spacing: int,
        sweeps: int,
        *,
        configurations: bool,
        threads: int | None = None,
        control: _core.Control | None = None,
        report: Report | None = None,
    ) -> tuple[list[dict[str, Any]], list[int], list[int], BaseException | None]:
        """Energies, magnetisations and spins at each temperature, exchanges, and what stopped it.

        Parameters
        ----------
        equilibration, n, spacing, sweeps : int
            Rounds before the first sample, samples, rounds between them, sweeps of a round.
        configurations : bool
            Whether spins are kept.
        threads, control, report : optional
            As in the compiled core; one thread is used.
        """
        count, total = len(self._beta), equilibration + n * spacing
        tried, accepted = [0] * (count - 1), [0] * (count - 1)
        shape = (count, self.chains, n)
        energy, magnetisation = np.zeros(shape), np.zeros(shape, dtype=np.int64)
        width = -(-self.model.sites // 8) if configurations else 0
        packed = np.zeros((*shape, width), dtype=np.uint8)
        have = 0
        error: BaseException | None = None
        try:
            for done in range(total):
                if control is not None and control.cancelled:
                    raise Cancelled("the computation was stopped")
                for _ in range(sweeps):
                    self._sweep()
                measured = done >= equilibration
                self._exchange(done % 2, tried, accepted, measured)
                if measured and (done - equilibration + 1) % spacing == 0:
                    s = self._s[..., :-1]
                    energy[:, :, have] = self._energy()
                    magnetisation[:, :, have] = s.sum(axis=-1)
                    if configurations:
                        packed[:, :, have] = np.packbits(s > 0, axis=-1, bitorder="little")
                    have += 1
                if report is not None:
                    report(done + 1, total)
        except BaseException as stop:  # what was measured goes with it
            error = stop
        arrays = [
            {
                "energy": energy[k, :, :have],
                "magnetisation": magnetisation[k, :, :have],
                "packed": packed[k, :, :have],
            }
            for k in range(count)
        ]
        return arrays, tried, accepted, error

    def _sweep(self) -> None:
        beta = 2 * self._beta[:, None, None]
        for members, near, J in self._groups:
            field = np.einsum("tcmz,mz->tcm", self._s[..., near], J) + self.model.h
            u = self._generator.random(field.shape)
            if self.method == "heat-bath":
                # 1 / (1 + e^{-x}) without overflow
                up = u < 0.5 * (1 + np.tanh(0.5 * beta * field))
                self._s[..., members] = np.where(up, 1.0, -1.0)
            else:
                now = self._s[..., members]
                turned = np.log1p(-u) < -beta * field * now
                self._s[..., members] = np.where(turned, -now, now)

    def _energy(self) -> FloatArray:
        i, j = self.model.bonds.T
        products = self._s[..., i] * self._s[..., j]
        field = self.model.h * self._s[..., :-1].sum(axis=-1)
        return np.asarray(-products @ self.model.J - field)

    def _exchange(self, first: int, tried: list[int], accepted: list[int], counted: bool) -> None:
        E = self._energy()
        for k in range(first, len(self._beta) - 1, 2):
            gain = (self._beta[k] - self._beta[k + 1]) * (E[k] - E[k + 1])
            taken = np.log1p(-self._generator.random(self.chains)) < gain
            both = self._s[k : k + 2, taken]
            self._s[k : k + 2, taken] = both[::-1].copy()
            if counted:
                tried[k] += self.chains
                accepted[k] += int(taken.sum())
