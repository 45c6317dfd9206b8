"""Both branches of the Mott transition, and where each of them ends.

References
----------
A. Georges, G. Kotliar, W. Krauth, M. J. Rozenberg, Rev. Mod. Phys. 68, 13 (1996),
doi:10.1103/RevModPhys.68.13, section VII.F.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.dmft.loops.bethe_lattice import BetheLoop, bethe
from kadanoff.dmft.protocol import SolverLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Hysteresis", "hysteresis"]


@dataclass(frozen=True, eq=False)
class Hysteresis:
    """Both branches of solutions against U.

    Attributes
    ----------
    U : (K,) array
        Ascending.
    metal, insulator : tuple of BetheLoop
        Reached with U rising from the metal, and with U falling from the insulator.
    """

    U: FloatArray
    metal: tuple[BetheLoop, ...]
    insulator: tuple[BetheLoop, ...]

    @property
    def Z(self) -> FloatArray:
        """Z on both branches, shape (2, K): metal (U rising), insulator (U falling)."""
        return np.array([[loop.Z for loop in branch] for branch in (self.metal, self.insulator)])

    @property
    def docc(self) -> FloatArray:
        """Double occupancies, shape (2, K)."""
        return np.array([[loop.docc for loop in branch] for branch in (self.metal, self.insulator)])

    @property
    def outside(self) -> BoolArray:
        """Where a learned solver stood outside its training set at the end, shape (2, K).

        What it says there is the exact solver's with ``outside="fallback"``, and a guess with
        "flag". False for other solvers.
        """
        return np.array(
            [
                [bool(loop.solution.diagnostics.get("outside", False)) for loop in branch]
                for branch in (self.metal, self.insulator)
            ]
        )

    @property
    def coexistence(self) -> tuple[float, float] | None:
        """First and last U at which one branch is a metal and the other an insulator."""
        both = [
            u
            for u, a, b in zip(self.U, self.metal, self.insulator, strict=True)
            if a.is_metallic and not b.is_metallic
        ]
        return (float(both[0]), float(both[-1])) if both else None

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Axes:
        """Z(U) on both branches. Returns the axes."""
        from kadanoff.dmft.loops.plots import plot_hysteresis

        return plot_hysteresis(self, ax=ax, **kwargs)


def hysteresis(
    U: Iterable[float], *, beta: float, solver: SolverLike = "ed", **options: Any
) -> Hysteresis:
    """Follow the metal with rising U and the insulator with falling U.

    Parameters
    ----------
    U : sequence of float
        Repulsions; sorted.
    beta : float
        Inverse temperature.
    solver : str
        As in `bethe`.
    **options
        As in `bethe`.

    Returns
    -------
    Hysteresis

    Raises
    ------
    NotConverged, Cancelled
        `partial` is the pair of branches so far, as loops in the order in which they were followed;
        the last one may not be converged.
    """
    values = np.sort(np.array([checks.real("U", u) for u in U]))
    if values.size == 0:
        raise ValueError("U must hold at least one value")

    branches: dict[str, list[BetheLoop]] = {"metal": [], "insulator": []}

    def follow(order: Sequence[float], start: str) -> tuple[BetheLoop, ...]:
        loops = branches[start]
        for u in order:
            before: str | BetheLoop = loops[-1] if loops else start
            try:
                loops.append(bethe(U=float(u), beta=beta, solver=solver, start=before, **options))
            except (NotConverged, Cancelled) as stop:
                if stop.partial is not None:
                    loops.append(stop.partial)
                so_far = tuple(tuple(branch) for branch in branches.values())
                message = f"U = {u:g}, from the {start}: {stop}"
                raise type(stop)(message, so_far) from stop
        return tuple(loops)

    up = follow(values.tolist(), "metal")
    down = follow(values[::-1].tolist(), "insulator")
    return Hysteresis(values, up, down[::-1])
