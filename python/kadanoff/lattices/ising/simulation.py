"""An Ising lattice that is updated step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import SpinArray
from kadanoff.lattices.ising.models import (
    Ising,
    configurations,
    core_arguments,
    coupling,
    temperature,
)
from kadanoff.lattices.ising.results import unpacked
from kadanoff.lattices.ising.sampling import SIGNS, check_memory, checked_method, model_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Simulation"]


@public
class Simulation:
    """One lattice that is updated by hand: for live pictures, quenches and further measurements.

    Parameters
    ----------
    model : Ising, optional
        The model; or give `L` and further parameters of it.
    T : float
        Temperature in the units of J, k_B = 1; may be set at any time.
    L, J, h, boundary, lattice : as in :func:`kadanoff.ising.sample`
        Shape, couplings, field, boundaries and lattice, if no `model` is given.
    method : {"heat-bath", "metropolis", "wolff", "swendsen-wang", "auto"}
        How spins are updated.
    start : {"random", "ordered"} or array of +-1, shape of the lattice
        First configuration; "ordered" satisfies all bonds where that is possible, and is up
        elsewhere.
    seed : int, optional
        Repeats the run; by default a new one is drawn, see the attribute.

    Attributes
    ----------
    model : Ising
        The model, with the present field.
    method : str
        How spins are updated.
    sweeps : int
        Number of sweeps (clusters for "wolff") so far.
    seed : int
        The seed that was used.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the method cannot take the field.
    MemoryError
        The lattice would not fit.

    Notes
    -----
    Single-spin updates are bit-sliced, 512 spins at a time: a sweep of 1024^2 spins takes some 50
    microseconds of one core with AVX-512, reading the spins 2 milliseconds. A lattice is cut into
    512 blocks, or nearly as many, of one width or of two; with 64 sites or more along each axis any
    number will do. Of lattices below some 16 x 16 sites too few blocks are left, and their spins
    are updated one by one. Stripes of a lattice of 2048^2 sites or more are updated side by side on
    several threads; smaller lattices, and clusters, run on one thread.

    At low temperature a Wolff cluster is nearly the whole lattice, and an even number of clusters
    would show the same sign for ever: after each call of `sweep` with "wolff" the whole lattice is
    turned with probability 1/2, an exact symmetry without field, as in
    :func:`kadanoff.ising.sample`.

    Examples
    --------
    >>> from kadanoff import ising
    >>> live = ising.Simulation(L=64, T=1.0, start="ordered", seed=1)
    >>> live.sweep(100)
    >>> live.magnetisation > 0.99
    True
    >>> live.T = 10.0
    >>> live.sweep(100)
    >>> abs(live.magnetisation) < 0.1
    True
    """

    def __init__(
        self,
        model: Ising | None = None,
        *,
        T: float,
        L: int | Sequence[int] | None = None,
        J: float | Sequence[float] = 1.0,
        h: float = 0.0,
        boundary: str | Sequence[str] = "periodic",
        lattice: str | None = None,
        method: str = "heat-bath",
        start: str | ArrayLike = "random",
        seed: int | None = None,
    ) -> None:
        self.model = model_of(model, L=L, J=J, h=h, boundary=boundary, lattice=lattice)
        self._T = temperature(T)
        self.method = checked_method(method, self.model, self._T)
        self.seed = checks.seed(seed)
        self.sweeps = 0
        self._sign = 1  # of the spins that are shown, relative to those of the core
        check_memory(self.model, self.method, 1, 1, True)
        self._core = _core.IsingEnsemble(
            core_arguments(self.model), self._T, self.method, 1, self.seed
        )
        if isinstance(start, str):
            if checks.choice("start", start, ("random", "ordered")) == "random":
                self._core.randomise()
            else:
                ground = self.model.ground_state()
                self.spins = np.ones(self.model.shape, np.int8) if ground is None else ground
        else:
            self._set("start", start)

    def __repr__(self) -> str:
        return (
            f"Simulation({self.model!r}, T={self._T:.6g}, method={self.method!r}, "
            f"sweeps={self.sweeps})"
        )

    @public
    def sweep(
        self,
        n: int = 1,
        *,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
        threads: int | None = 1,
    ) -> None:
        """Update every spin n times, or flip n clusters.

        Parameters
        ----------
        n : int, default 1
            Number of sweeps, or of clusters for "wolff".
        progress, control : as in :func:`kadanoff.ising.sample`
            Progress bar, and cancelling.
        threads : int, default 1
            Number of worker threads. More than one help single-spin updates of lattices of about
            2048^2 sites or more; the result does not depend on it.

        Raises
        ------
        Cancelled
            The run was stopped; the lattice keeps its present configuration, which is valid.
        """
        n = checks.whole("n", n, most=checks.MAX_COUNT)
        run = Run.of(threads=threads, progress=progress, control=control, seed=self.seed)
        with run.calling("sweeping") as keywords:
            self._core.advance(n, **keywords)
        self.sweeps += n
        if self.method == "wolff":
            # By the number of clusters: the run is the same however it is cut.
            turned = np.random.default_rng([self.seed, SIGNS, self.sweeps]).integers(2)
            self._sign = 1 - 2 * int(turned)

    @property
    def T(self) -> float:
        """Temperature; set it at any time."""
        return self._T

    @T.setter
    def T(self, value: float) -> None:
        T = temperature(value)
        self._core.set_temperature(T, self.model.h)
        self._T = T

    @property
    def h(self) -> float:
        """Field; set it at any time."""
        return self.model.h

    @h.setter
    def h(self, value: float) -> None:
        m = self.model
        model = Ising(m.shape, m.J, coupling("h", value), m.boundary, m.lattice)
        checked_method(self.method, model, self._T)
        self._core.set_temperature(self._T, model.h)
        self.model = model

    @property
    def spins(self) -> SpinArray:
        """A copy of the configuration, +-1, shape of the lattice; may be set."""
        spins = unpacked(self._core.pack(0), self.model)
        return spins if self._sign > 0 else -spins

    @spins.setter
    def spins(self, value: ArrayLike) -> None:
        self._set("spins", value)

    def _set(self, name: str, value: ArrayLike) -> None:
        spins = configurations(value, self.model.shape, name)
        if spins.ndim != len(self.model.shape):
            raise ValueError(
                f"{name} must be one configuration, shape {self.model.shape}, got {spins.shape}"
            )
        self._core.set_all(np.ascontiguousarray(spins.ravel() > 0))
        self._sign = 1

    @property
    def energy(self) -> float:
        """Energy per site."""
        return float(self._core.now()[0][0]) / self.model.sites

    @property
    def magnetisation(self) -> float:
        """Magnetisation per site."""
        return self._sign * float(self._core.now()[1][0]) / self.model.sites

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """The configuration as an image. Returns the axes."""
        from kadanoff.lattices.ising.plots import plot_spins

        return plot_spins(self.spins, ax=ax, **style)
