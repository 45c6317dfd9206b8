"""Results of runs: configurations, series, and averages with errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kadanoff._base.signatures import public
from kadanoff._base.statistics import Estimate, estimate
from kadanoff._base.types import AnyArray, FloatArray, SpinArray
from kadanoff.lattices.averages import SampleDisplays, Scan, fluctuations, with_rule_of_three
from kadanoff.lattices.ising.graphs import GraphIsing
from kadanoff.lattices.ising.models import Ising

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["IsingSamples", "IsingScan", "estimates"]


@public
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class IsingSamples(SampleDisplays):
    """Configurations of an Ising model from its Boltzmann distribution.

    Chains come one after the other: sample ``i`` is number ``i % (n / chains)`` of chain
    ``i // (n / chains)`` if `chains` divides n. As an array it is `configurations`: machines and
    block rules take it as data.

    Parameters
    ----------
    model : Ising or GraphIsing
        The model that was sampled.
    T : float
        Temperature.
    energy : array, shape (n,)
        Energy per site, H / N.
    magnetisation : array, shape (n,)
        Magnetisation per site, sum s / N.
    packed : array of uint8, shape (n, ceil(N / 8)), or None
        Configurations, one bit per site in row-major order, the first in the lowest bit; a set bit
        is s = +1. Bits beyond the last site are zero.
    estimates : mapping from str to Estimate
        Averages with errors: energy <e>, magnetisation <m>, abs_magnetisation <|m|>, m2 <m^2>,
        m4 <m^4>, specific_heat ``N (<e^2> - <e>^2) / T^2``, susceptibility
        ``N (<m^2> - <|m|>^2) / T`` (in a field with ``<m>^2``), binder
        ``1 - <m^4> / (3 <m^2>^2)``. Energies are in the units of J, tau in units of the spacing. No
        error is zero unless the average is exact.
    method : {"heat-bath", "metropolis", "wolff", "swendsen-wang"}
        How spins were updated.
    spacing : int
        Sweeps (of Wolff: clusters) between two samples of a chain; fixed before they were taken.
    equilibration : int
        Sweeps (clusters) before the first.
    chains : int
        Number of independent Markov chains.
    engine : {"multispin", "sequential", "clusters", "bonds", "numpy"}
        Code that updated the spins.
    seed : int
        Repeats the run, on any number of threads.
    seconds : float
        Wall-clock time of the run.

    Examples
    --------
    >>> from kadanoff import ising
    >>> run = ising.sample(L=8, T=2.0, n=400, seed=1)
    >>> len(run), run.energy.shape, np.asarray(run).shape
    (400, (400,), (400, 8, 8))
    >>> run.estimates["energy"]
    Estimate(...)
    """

    kind: ClassVar[str] = "Ising"

    model: Ising | GraphIsing
    T: float
    energy: FloatArray
    magnetisation: FloatArray
    packed: NDArray[np.uint8] | None
    estimates: Mapping[str, Estimate]
    method: str
    spacing: int
    equilibration: int
    chains: int
    engine: str
    seed: int
    seconds: float = 0.0

    @cached_property
    def configurations(self) -> SpinArray:
        """Spins +-1, shape (n, *shape); unpacked at the first access, n N bytes."""
        if self.packed is None:
            raise ValueError(
                "this run kept no configurations: ask for them with configurations=True"
            )
        return unpacked(self.packed, self.model)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        """The configurations, so that numpy, machines and block rules take the samples as data."""
        return np.array(self.configurations, dtype=dtype, copy=copy)

    @public
    def plot(self, ax: Axes | None = None, *, index: int = -1, **style: Any) -> Axes:
        """Configuration number `index` as an image, by default the last. Returns the axes."""
        from kadanoff.lattices.ising.plots import plot_configuration

        return plot_configuration(self, ax=ax, index=index, **style)

    @public
    def plot_histogram(
        self,
        ax: Axes | None = None,
        *,
        quantity: str = "magnetisation",
        bins: int = 60,
        **style: Any,
    ) -> Axes:
        """Distribution of the magnetisation or the energy per site. Returns the axes."""
        from kadanoff.lattices.ising.plots import plot_histogram

        return plot_histogram(self, ax=ax, quantity=quantity, bins=bins, **style)


@public
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class IsingScan(Scan[IsingSamples]):
    """Runs at several temperatures.

    Parameters
    ----------
    runs : tuple of IsingSamples
        One for each temperature, in the order of the call.
    seed : int
        Repeats the scan, on any number of threads.
    acceptance : array, shape (temperatures - 1,), or None
        Of parallel tempering: accepted share of the exchanges between neighbouring temperatures.

    Examples
    --------
    >>> from kadanoff import ising
    >>> found = ising.scan(L=8, T=[1.5, 3.5], n=200, seed=1)
    >>> found.T, found.error("energy").shape, found[1].T
    (array([1.5, 3.5]), (2,), 3.5)
    """

    kind: ClassVar[str] = "Ising"
    shown: ClassVar[tuple[str, ...]] = ("energy", "abs_magnetisation", "specific_heat")

    runs: tuple[IsingSamples, ...]
    seed: int
    acceptance: FloatArray | None = None

    @public
    def plot(
        self, ax: Axes | None = None, *, quantity: str = "abs_magnetisation", **style: Any
    ) -> Axes:
        """One of the estimates against T with error bars. Returns the axes."""
        from kadanoff.lattices.ising.plots import plot_scan

        return plot_scan(self, ax=ax, quantity=quantity, **style)


def unpacked(packed: NDArray[np.uint8], model: Ising | GraphIsing) -> SpinArray:
    """Spins +-1, shape (..., *shape), from bits of shape (..., bytes)."""
    bits = np.unpackbits(packed, axis=-1, count=model.sites, bitorder="little").view(np.int8)
    np.multiply(bits, 2, out=bits)
    np.subtract(bits, 1, out=bits)
    return bits.reshape(*packed.shape[:-1], *model.shape)


def estimates(
    model: Ising | GraphIsing, T: float, e: FloatArray, m: FloatArray
) -> dict[str, Estimate]:
    """Averages from series of energy and magnetisation per site, shape (chains, times)."""
    found = {
        "energy": estimate(e),
        "magnetisation": estimate(m),
        "abs_magnetisation": estimate(np.abs(m)),
        **fluctuations(model.sites, T, e, m if model.h else np.abs(m), m * m),
    }
    series = {"energy": e, "magnetisation": m, "specific_heat": e}
    if model.h:
        series["susceptibility"] = m
    return with_rule_of_three(found, series, np.abs(m), _quanta(model, T, float(m.flat[0])))


def spin_flip(m: float, N: int, power: int) -> float:
    """Change of ``|m|^power`` when one of N spins is turned."""
    near = abs(abs(m) - 2 / N)
    return float(near**power - abs(m) ** power)


def _quanta(model: Ising | GraphIsing, T: float, m: float) -> dict[str, float]:
    """Change of each average per probability of the nearest states, where all have the same m.

    These states differ by one spin that is turned against all of its neighbours; without a field
    those of opposite magnetisation are as near.
    """
    N = model.sites
    flip = model.turn_cost / N
    d1, d2, d4 = (spin_flip(m, N, power) for power in (1, 2, 4))
    return {
        "energy": flip,
        "magnetisation": 2 / N if model.h else 2 / N + 2 * abs(m),
        "abs_magnetisation": abs(d1),
        "m2": abs(d2),
        "m4": abs(d4),
        "specific_heat": N * (flip / T) ** 2 if flip / T < 1e150 else math.inf,
        "susceptibility": N * d1 * d1 / T,
        # The derivative of 1 - <m^4> / (3 <m^2>^2); 0 / 0 for m = 0.
        "binder": abs(2 * d2 / m**2 - d4 / m**4) / 3 if m else math.inf,
    }
