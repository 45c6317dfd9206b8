"""Results of runs: configurations, series, and averages with errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.statistics import Estimate, estimate, jackknife, rule_of_three
from kadanoff._base.types import AnyArray, FloatArray, SpinArray
from kadanoff.lattices.ising.graphs import GraphIsing
from kadanoff.lattices.ising.models import Ising

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["IsingSamples", "IsingScan", "estimates"]

FLUCTUATIONS = ("specific_heat", "susceptibility", "binder")
MAX_ROWS = 20  # temperatures in the table of a notebook


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class IsingSamples:
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
    engine : {"multispin", "sequential", "clusters", "bonds"}
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

    def __len__(self) -> int:
        return len(self.energy)

    def __repr__(self) -> str:
        return (
            f"IsingSamples({_named(self.model)}, T={self.T:.6g}, n={len(self)}, {self.method}, "
            f"spacing={self.spacing}, chains={self.chains}, seed={self.seed}, "
            f"{self.seconds:.2f} s)"
        )

    def _repr_html_(self) -> str:
        about = {
            "n": f"{len(self)} in {self.chains} chains",
            "method": f"{self.method}, spacing {self.spacing}, equilibration {self.equilibration}",
            "seed": self.seed,
        }
        title = f"Ising, {_named(self.model)}, T = {self.T:.6g}"
        return html.table(title, {**self.estimates, **about}, html.sparkline(self.energy))

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
@dataclass(frozen=True, eq=False, kw_only=True)
class IsingScan:
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

    runs: tuple[IsingSamples, ...]
    seed: int
    acceptance: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[IsingSamples]:
        return iter(self.runs)

    def __getitem__(self, index: int) -> IsingSamples:
        return self.runs[index]

    def __repr__(self) -> str:
        if not self.runs:
            return f"IsingScan(no temperatures, seed={self.seed})"
        return (
            f"IsingScan({_named(self.runs[0].model)}, {len(self)} temperatures "
            f"{self.T.min():.4g} ... {self.T.max():.4g}, n={len(self.runs[0])}, seed={self.seed})"
        )

    def _repr_html_(self) -> str:
        if not self.runs:
            return html.table("Ising, no temperatures", {"seed": self.seed})
        names = ("energy", "abs_magnetisation", "specific_heat")
        rows: dict[str, object] = {
            f"T = {run.T:.4g}": ", ".join(f"{name} {run.estimates[name]}" for name in names)
            for run in self.runs[:MAX_ROWS]
        }
        if len(self) > MAX_ROWS:
            rows["..."] = f"{len(self) - MAX_ROWS} more"
        rows["seed"] = self.seed
        heat = self.mean("specific_heat")[np.argsort(self.T)]
        return html.table(f"Ising, {_named(self.runs[0].model)}", rows, html.sparkline(heat))

    @property
    def T(self) -> FloatArray:
        """Temperatures, shape (temperatures,)."""
        return np.array([run.T for run in self.runs])

    def mean(self, name: str) -> FloatArray:
        """Averages of one of the `estimates`, in the order of the runs, shape (temperatures,)."""
        checks.choice("name", name, self.runs[0].estimates)
        return np.array([run.estimates[name].mean for run in self.runs])

    def error(self, name: str) -> FloatArray:
        """Errors of one of the `estimates`, in the order of the runs, shape (temperatures,)."""
        checks.choice("name", name, self.runs[0].estimates)
        return np.array([run.estimates[name].error for run in self.runs])

    @public
    def plot(
        self, ax: Axes | None = None, *, quantity: str = "abs_magnetisation", **style: Any
    ) -> Axes:
        """One of the estimates against T with error bars. Returns the axes."""
        from kadanoff.lattices.ising.plots import plot_scan

        return plot_scan(self, ax=ax, quantity=quantity, **style)


def _named(model: Ising | GraphIsing) -> str:
    return f"{model.lattice} {'x'.join(map(str, model.shape))}"


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
    N = model.sites
    m2 = m * m
    centre = m if model.h else np.abs(m)
    # Fluctuations about the average: no digits are lost when they are small.
    de = e - e.mean()
    dm = centre - centre.mean()
    found = {
        "energy": estimate(e),
        "magnetisation": estimate(m),
        "abs_magnetisation": estimate(np.abs(m)),
        "m2": estimate(m2),
        "m4": estimate(m2 * m2),
        "specific_heat": jackknife(lambda a, b: N * (b - a * a) / T**2, de, de * de),
        "susceptibility": jackknife(lambda a, b: N * (b - a * a) / T, dm, dm * dm),
        "binder": jackknife(lambda a, b: 1 - b / (3 * a * a) if a else 0.0, m2, m2 * m2),
    }
    quanta = _quanta(model, T, float(m.flat[0]))
    series = {"energy": e, "magnetisation": m, "specific_heat": e}
    if model.h:
        series["susceptibility"] = m
    return {
        name: rule_of_three(
            average, series.get(name, np.abs(m)), quanta[name], fluctuation=name in FLUCTUATIONS
        )
        for name, average in found.items()
    }


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
