"""Results of runs: configurations, series, and averages with errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kadanoff._base.signatures import public
from kadanoff._base.statistics import Estimate, estimate
from kadanoff._base.types import AnyArray, FloatArray
from kadanoff.lattices.averages import SampleDisplays, Scan, fluctuations, with_rule_of_three
from kadanoff.lattices.potts.clock import Clock
from kadanoff.lattices.potts.models import Potts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PottsSamples", "PottsScan", "estimates", "order_squared"]


def order_squared(model: Potts | Clock, counts: AnyArray) -> FloatArray:
    """m^2 of numbers of sites per state, shape (..., q), see :class:`PottsSamples`."""
    if isinstance(model, Clock):
        m = counts / counts.sum(axis=-1, keepdims=True) @ model.directions
        return np.asarray(np.square(m).sum(axis=-1))
    # In integers, so that a permutation of the colours changes no digit.
    n = counts.astype(np.int64)
    q, N = n.shape[-1], n.sum(axis=-1)
    return np.asarray((q * np.square(n).sum(axis=-1) - N**2) / ((q - 1) * N**2))


@public
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PottsSamples(SampleDisplays):
    r"""Configurations of a Potts or clock model from its Boltzmann distribution.

    The order parameter is the vector of the shares of the colours,
    ``m^2 = q / (q - 1) sum_c (n_c / N - 1 / q)^2``: 1 where all sites have one colour, ``|m|`` of
    the Ising model for q = 2. Of a clock model it is the mean of the unit vectors of the spins,
    ``m^2 = |sum_i exp(2 pi i s_i / q)|^2 / N^2``, which is the same for q = 2 and 3.

    Parameters
    ----------
    model : Potts or Clock
        The model that was sampled.
    T : float
        Temperature.
    energy : array, shape (n,)
        Energy per site, H / N.
    order : array, shape (n,)
        Order parameter m, 0 to 1.
    configurations : array of uint8, shape (n, *shape), or None
        One of the colours 0 ... q - 1 per site, chain after chain.
    estimates : mapping from str to Estimate
        Averages with errors: energy <e>, order <m>, m2 <m^2>, m4 <m^4>, specific_heat
        ``N (<e^2> - <e>^2) / T^2``, susceptibility ``N (<m^2> - <m>^2) / T``, binder
        ``1 - <m^4> / (3 <m^2>^2)``. Energies are in the unit of J, tau in units of the spacing.
    method : {"heat-bath", "wolff", "swendsen-wang"}
        How sites were updated.
    spacing : int
        Sweeps (of Wolff: clusters) between two samples of a chain; fixed before they were taken.
    equilibration : int
        Sweeps (clusters) before the first.
    chains : int
        Number of independent Markov chains.
    seed : int
        Repeats the run, on any number of threads.
    seconds : float
        Wall-clock time of the run.

    Examples
    --------
    >>> from kadanoff import potts
    >>> run = potts.sample(L=8, q=3, T=0.8, n=100, seed=1)
    >>> len(run), run.configurations.dtype, run.estimates["order"].mean > 0.8
    (100, dtype('uint8'), True)
    """

    kind: ClassVar[str] = "Potts"

    model: Potts | Clock
    T: float
    energy: FloatArray
    order: FloatArray
    configurations: NDArray[np.uint8] | None
    estimates: Mapping[str, Estimate]
    method: str
    spacing: int
    equilibration: int
    chains: int
    seed: int
    seconds: float = 0.0

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        """The configurations, so that numpy takes the samples as data."""
        return np.array(self.kept(), dtype=dtype, copy=copy)

    def kept(self) -> NDArray[np.uint8]:
        """The configurations, refused where none were kept."""
        if self.configurations is None:
            raise ValueError(
                "this run kept no configurations: ask for them with configurations=True"
            )
        return self.configurations

    @public
    def plot(self, ax: Axes | None = None, *, index: int = -1, **style: Any) -> Axes:
        """Configuration number `index` as an image, by default the last. Returns the axes."""
        from kadanoff.lattices.potts.plots import plot_configuration

        return plot_configuration(self, ax=ax, index=index, **style)


@public
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PottsScan(Scan[PottsSamples]):
    """Runs at several temperatures.

    Parameters
    ----------
    runs : tuple of PottsSamples
        One for each temperature, in the order of the call.
    seed : int
        Repeats the scan, on any number of threads.

    Examples
    --------
    >>> from kadanoff import potts
    >>> found = potts.scan(L=8, q=3, T=[0.7, 1.4], n=100, seed=1)
    >>> found.T.tolist(), found.mean("order").round(1).tolist()
    ([0.7, 1.4], [0.9, 0.2])
    """

    kind: ClassVar[str] = "Potts"
    shown: ClassVar[tuple[str, ...]] = ("energy", "order", "specific_heat")

    runs: tuple[PottsSamples, ...]
    seed: int


def estimates(model: Potts | Clock, T: float, e: FloatArray, m2: FloatArray) -> dict[str, Estimate]:
    """Averages from series of energy per site and m^2, shape (chains, times)."""
    N = model.sites
    m = np.sqrt(m2)
    found = {
        "energy": estimate(e),
        "order": estimate(m),
        **fluctuations(N, T, e, m, m2),
    }
    # One site that changes its colour: at most all of its bonds, and 2 / N of the shares.
    flip, turn = model.strength / N, min(1.0, 2 / N)
    quanta = {
        "energy": flip,
        "order": turn,
        "m2": 2 * turn,
        "m4": 4 * turn,
        "specific_heat": N * (flip / T) ** 2,
        "susceptibility": N * turn**2 / T,
        "binder": 4 * turn,
    }
    return with_rule_of_three(found, {"energy": e, "specific_heat": e}, m, quanta)
