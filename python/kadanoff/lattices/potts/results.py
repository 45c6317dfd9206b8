"""Results of runs: configurations, series, and averages with errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kadanoff._base import checks, html
from kadanoff._base.signatures import public
from kadanoff._base.statistics import Estimate, estimate, jackknife, rule_of_three
from kadanoff._base.types import AnyArray, FloatArray
from kadanoff.lattices.potts.models import Potts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PottsSamples", "PottsScan", "estimates", "order_squared"]

FLUCTUATIONS = ("specific_heat", "susceptibility", "binder")


def order_squared(counts: AnyArray) -> FloatArray:
    """``m^2 = q / (q - 1) sum_c (n_c / N - 1 / q)^2`` of sites per colour, shape (..., q)."""
    # In integers, so that a permutation of the colours changes no digit.
    n = counts.astype(np.int64)
    q, N = n.shape[-1], n.sum(axis=-1)
    return np.asarray((q * np.square(n).sum(axis=-1) - N**2) / ((q - 1) * N**2))


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class PottsSamples:
    r"""Configurations of a Potts model from its Boltzmann distribution.

    The order parameter is the vector of the shares of the colours,
    ``m^2 = q / (q - 1) sum_c (n_c / N - 1 / q)^2``: 1 where all sites have one colour, ``|m|`` of
    the Ising model for q = 2.

    Parameters
    ----------
    model : Potts
        The model that was sampled.
    T : float
        Temperature.
    energy : array, shape (n,)
        Energy per site, H / N.
    order : array, shape (n,)
        Order parameter m, 0 to 1.
    colours : array of uint8, shape (n, *shape), or None
        Configurations, chain after chain.
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
    >>> len(run), run.colours.dtype, run.estimates["order"].mean > 0.8
    (100, dtype('uint8'), True)
    """

    model: Potts
    T: float
    energy: FloatArray
    order: FloatArray
    colours: NDArray[np.uint8] | None
    estimates: Mapping[str, Estimate]
    method: str
    spacing: int
    equilibration: int
    chains: int
    seed: int
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.energy)

    def __repr__(self) -> str:
        return (
            f"PottsSamples({_named(self.model)}, T={self.T:.6g}, n={len(self)}, {self.method}, "
            f"spacing={self.spacing}, chains={self.chains}, seed={self.seed}, "
            f"{self.seconds:.2f} s)"
        )

    def _repr_html_(self) -> str:
        about = {
            "n": f"{len(self)} in {self.chains} chains",
            "method": f"{self.method}, spacing {self.spacing}, equilibration {self.equilibration}",
            "seed": self.seed,
        }
        title = f"Potts, {_named(self.model)}, T = {self.T:.6g}"
        return html.table(title, {**self.estimates, **about}, html.sparkline(self.energy))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        """The colours, so that numpy takes the samples as data."""
        return np.array(self.kept(), dtype=dtype, copy=copy)

    def kept(self) -> NDArray[np.uint8]:
        """The colours, refused where none were kept."""
        if self.colours is None:
            raise ValueError(
                "this run kept no configurations: ask for them with configurations=True"
            )
        return self.colours

    @public
    def plot(self, ax: Axes | None = None, *, index: int = -1, **style: Any) -> Axes:
        """Configuration number `index` as an image, by default the last. Returns the axes."""
        from kadanoff.lattices.potts.plots import plot_colours

        return plot_colours(self, ax=ax, index=index, **style)


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class PottsScan:
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

    runs: tuple[PottsSamples, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[PottsSamples]:
        return iter(self.runs)

    def __getitem__(self, index: int) -> PottsSamples:
        return self.runs[index]

    def __repr__(self) -> str:
        if not self.runs:
            return f"PottsScan(no temperatures, seed={self.seed})"
        return (
            f"PottsScan({_named(self.runs[0].model)}, {len(self)} temperatures "
            f"{self.T.min():.4g} ... {self.T.max():.4g}, n={len(self.runs[0])}, seed={self.seed})"
        )

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


def _named(model: Potts) -> str:
    return f"q={model.q}, {model.lattice} {'x'.join(map(str, model.shape))}"


def estimates(model: Potts, T: float, e: FloatArray, m2: FloatArray) -> dict[str, Estimate]:
    """Averages from series of energy per site and m^2, shape (chains, times)."""
    N = model.sites
    m = np.sqrt(m2)
    # Fluctuations about the average: no digits are lost when they are small.
    de, dm = e - e.mean(), m - m.mean()
    found = {
        "energy": estimate(e),
        "order": estimate(m),
        "m2": estimate(m2),
        "m4": estimate(m2 * m2),
        "specific_heat": jackknife(lambda a, b: N * (b - a * a) / T**2, de, de * de),
        "susceptibility": jackknife(lambda a, b: N * (b - a * a) / T, dm, dm * dm),
        "binder": jackknife(lambda a, b: 1 - b / (3 * a * a) if a else 0.0, m2, m2 * m2),
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
    series = {"energy": e, "specific_heat": e}
    return {
        name: rule_of_three(
            average, series.get(name, m), quanta[name], fluctuation=name in FLUCTUATIONS
        )
        for name, average in found.items()
    }
