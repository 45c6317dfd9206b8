"""Markov chains of an Ising model on a graph, in the form of those on a regular lattice.

Two colours with the energy ``-K delta(s, s')`` are an Ising model: ``s s' = 2 delta - 1``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff import _core
from kadanoff._base.types import BoolArray
from kadanoff.lattices.ising.graphs import GraphIsing

__all__ = ["GraphChains", "bond_bytes"]


def bond_bytes(bonds: int, sites: int, q: int, chains: int, samples: int, keep: bool) -> int:
    """Bytes of the bonds, of the chains, and of samples of q colours before they are packed."""
    # Those of each chain and those of all of them are held for a moment.
    each = 16 + 8 * q + (2 * sites if keep else 0)
    return 40 * bonds + chains * 6 * sites + samples * each


class GraphChains:
    """Markov chains that are advanced together."""

    engine = "bonds"

    def __init__(self, model: GraphIsing, T: float, method: str, chains: int, seed: int) -> None:
        self.sites = model.sites
        equal = bool((model.J[0] == model.J).all())
        self._core = _core.BondEnsemble(
            model.sites,
            2,
            model.bonds.astype(np.uint32),
            2 * (model.J[:1] if equal else model.J),
            2 * model.h,
            T,
            method,
            chains,
            seed,
        )
        # E = - sum J (2 delta - 1) - h (2 up - N)
        self._constant = float(model.J.sum()) + model.h * model.sites

    @property
    def chains(self) -> int:
        """Number of chains."""
        return self._core.chains

    @property
    def visited(self) -> int:
        """Sites that clusters have visited so far, in all chains."""
        return self._core.visited

    def randomise(self) -> None:
        """Independent spins everywhere."""
        self._core.randomise()

    def set_all(self, up: BoolArray) -> None:
        """The same configuration in all chains."""
        self._core.set_all(np.ascontiguousarray(up, dtype=np.uint8))

    def advance(self, steps: int, **calls: Any) -> None:
        """Sweeps, or clusters."""
        self._core.advance(steps, **calls)

    def measure(
        self, n: int, spacing: int, *, configurations: bool, **calls: Any
    ) -> tuple[dict[str, Any], BaseException | None]:
        """Total energy, magnetisation and packed spins, `spacing` steps apart."""
        found, error = self._core.measure(n, spacing, configurations=configurations, **calls)
        up = found["counts"][..., 1].astype(np.int64)
        arrays = {
            "energy": found["energy"] + self._constant,
            "magnetisation": 2 * up - self.sites,
            "packed": np.packbits(found["colours"], axis=-1, bitorder="little"),
        }
        return arrays, error
