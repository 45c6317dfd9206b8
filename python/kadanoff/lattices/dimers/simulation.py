"""One covering in motion, for live pictures and for measurements after every loop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import IntArray, SpinArray
from kadanoff.lattices.dimers import lattice
from kadanoff.lattices.dimers.sampling import coupling, sector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Simulation"]


@public
class Simulation:
    """A dimer model that is moved loop by loop; arguments as in :func:`kadanoff.dimers.sample`.

    It starts from parallel columns, or from the flattest covering of a fixed winding.

    Attributes
    ----------
    Lx, Ly : int
    boundary : str
    T, v : float
    seed : int

    Examples
    --------
    >>> simulation = Simulation(32, seed=1)
    >>> simulation.flippable  # columns: one parallel pair for every second plaquette
    512
    >>> steps = simulation.step(100)
    >>> simulation.dimers.shape, 150 < simulation.flippable < 350
    ((32, 32), True)
    """

    def __init__(
        self,
        L: int | tuple[int, int] = 64,
        *,
        T: float = math.inf,
        v: float = -1.0,
        boundary: str = "periodic",
        winding: tuple[int, int] | None = None,
        seed: int | None = None,
    ) -> None:
        self.Lx, self.Ly = lattice.shape(L, boundary)
        ratio, self.T, self.v = coupling(T, v)
        self.boundary = boundary
        self.seed = checks.seed(seed)
        self._core = _core.DimerSimulation(
            self.Lx,
            self.Ly,
            boundary,
            coupling=ratio,
            seed=self.seed,
            winding=sector(winding, boundary),
        )

    def __repr__(self) -> str:
        temperature = "" if math.isinf(self.T) else f", T={self.T:g}, v={self.v:g}"
        return (
            f"Simulation({self.Lx} x {self.Ly} {self.boundary}{temperature}, {self.steps} steps, "
            f"seed={self.seed})"
        )

    @public
    def step(self, loops: int = 1) -> int:
        """Close `loops` more loops; returns the number of steps that they took.

        Raises
        ------
        Cancelled
            Interrupted; the loop at work was closed first, so that there is a covering.
        """
        return self._core.step(checks.whole("loops", loops, most=2**62))

    @property
    def steps(self) -> int:
        """Steps so far."""
        return self._core.steps

    @property
    def dimers(self) -> NDArray[np.uint8]:
        """Directions now, shape (Ly, Lx)."""
        return self._core.dimers.reshape(self.Ly, self.Lx)

    @property
    def winding(self) -> tuple[int, int]:
        """Fluxes (W_x, W_y) now."""
        return self._core.winding

    @property
    def flippable(self) -> int:
        """Plaquettes with two parallel dimers now."""
        return self._core.flippable

    @property
    def energy(self) -> float:
        """v times the number of such plaquettes."""
        return self.v * self.flippable

    def height(self) -> IntArray:
        """Heights now, shape (Ly, Lx); see :func:`kadanoff.dimers.height`."""
        return lattice.height(self.dimers)

    def electric_field(self) -> SpinArray:
        """Fields (E_x, E_y) now, shape (2, Ly, Lx)."""
        return lattice.electric_field(self.dimers)

    @public
    def plot(self, ax: Axes | None = None, *, heights: bool = True, **style: Any) -> Axes:
        """Draw the covering over its heights. Returns the axes."""
        from kadanoff.lattices.dimers.plots import plot_covering

        return plot_covering(self.dimers, boundary=self.boundary, heights=heights, ax=ax, **style)
