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
    """A dimer covering that is updated loop by loop.

    It starts from parallel columns, or from the flattest covering of a fixed winding.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square lattice, or (Lx, Ly); even with periodic boundaries.
    T, v, boundary, winding : as in :func:`kadanoff.dimers.sample`
        Temperature, energy of a pair, boundary, and fluxes that are kept.
    seed : int, optional
        Repeats the run; by default a new one is drawn, see the attribute.

    Attributes
    ----------
    Lx, Ly : int
        Size of the lattice.
    boundary : str
        Boundary of the lattice.
    T, v : float
        Temperature, and energy of a pair of parallel dimers.
    seed : int
        The seed that was used.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the lattice has no covering.

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
        """Close `loops` more loops.

        Parameters
        ----------
        loops : int, default 1
            Number of loops.

        Returns
        -------
        int
            Number of steps that they took.

        Raises
        ------
        Cancelled
            The run was interrupted; the last loop was closed first, so that the state is a
            covering.
        """
        return self._core.step(checks.whole("loops", loops, most=2**62))

    @property
    def steps(self) -> int:
        """Number of steps so far."""
        return self._core.steps

    @property
    def dimers(self) -> NDArray[np.uint8]:
        """Present directions of the dimers, shape (Ly, Lx)."""
        return self._core.dimers.reshape(self.Ly, self.Lx)

    @property
    def winding(self) -> tuple[int, int]:
        """Present fluxes (W_x, W_y)."""
        return self._core.winding

    @property
    def flippable(self) -> int:
        """Present number of plaquettes with two parallel dimers."""
        return self._core.flippable

    @property
    def energy(self) -> float:
        """v times the number of flippable plaquettes."""
        return self.v * self.flippable

    def height(self) -> IntArray:
        """Present heights, shape (Ly, Lx); see :func:`kadanoff.dimers.height`."""
        return lattice.height(self.dimers)

    def electric_field(self) -> SpinArray:
        """Present fields (E_x, E_y), shape (2, Ly, Lx)."""
        return lattice.electric_field(self.dimers)

    @public
    def plot(self, ax: Axes | None = None, *, heights: bool = True, **style: Any) -> Axes:
        """Draw the covering over its heights. Returns the axes."""
        from kadanoff.lattices.dimers.plots import plot_covering

        return plot_covering(self.dimers, boundary=self.boundary, heights=heights, ax=ax, **style)
