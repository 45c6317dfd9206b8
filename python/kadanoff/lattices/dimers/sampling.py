r"""Coverings drawn by directed loops.

    P(covering) = exp(-E / T) / Z,     E = v * (number of plaquettes with two parallel dimers)

v = -1 aligns: columns order below T = 0.65, a transition of Kosterlitz-Thouless type [2]_; T = inf
makes all coverings equally likely. A loop changes the covering along a closed walk of about
``0.98 L^1.5`` steps at T = inf, whatever it meets, and changes the winding as well [1]_.

References
----------
.. [1] A. W. Sandvik, R. Moessner, Phys. Rev. B 73, 144504 (2006), doi:10.1103/PhysRevB.73.144504
.. [2] F. Alet et al., Phys. Rev. Lett. 94, 235702 (2005), doi:10.1103/PhysRevLett.94.235702
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kadanoff import _core
from kadanoff._base import checks, html, memory, statistics
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, IntArray, SpinArray
from kadanoff.lattices.dimers import lattice
from kadanoff.lattices.dimers import noise as noises
from kadanoff.lattices.dimers.pilot_runs import pilot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DimerSamples", "sample"]

CHAINS = 8
MAX_LOOPS = 2**62 - 1


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class DimerSamples:
    """Coverings in equilibrium, chain after chain.

    Parameters
    ----------
    Lx, Ly : int
        Size of the lattice.
    boundary : {"periodic", "open"}
        Boundary of the lattice.
    T, v : float
        Temperature, and energy of a pair of parallel dimers.
    dimers : array of uint8, shape (n, Ly, Lx), or None
        Direction of the dimer at each site: 0 = +x, 1 = +y, 2 = -x, 3 = -y.
    winding : array of int32, shape (n, 2)
        Fluxes (W_x, W_y).
    flippable : array of uint32, shape (n,)
        Number of plaquettes with two parallel dimers.
    noise : array of int8, shape (n, 2, Ly, Lx), or None
        Spins on vertices and on faces, see :mod:`kadanoff.lattices.dimers.noise`.
    chains : int
        Number of independent Markov chains; row c * (n / chains) + i is sample i of chain c.
    spacing : int
        Number of loops between two samples of a chain.
    equilibration : int
        Number of loops before the first sample.
    steps : int
        Steps along the loops of all chains together.
    seed : int
        Repeats the run bit by bit, with the other arguments.
    seconds : float
        Wall-clock time of the run.
    fixed_winding : bool
        Whether the fluxes were held fixed; then they have no error.

    Examples
    --------
    >>> run = sample(8, n=400, seed=1)
    >>> len(run), run.dimers.shape, run.winding.shape
    (400, (400, 8, 8), (400, 2))
    >>> run.estimates["winding_x"]
    Estimate(...)
    """

    Lx: int
    Ly: int
    boundary: str
    T: float
    v: float
    dimers: NDArray[np.uint8] | None
    winding: NDArray[np.int32]
    flippable: NDArray[np.uint32]
    noise: SpinArray | None
    chains: int
    spacing: int
    equilibration: int
    steps: int
    seed: int
    seconds: float
    fixed_winding: bool = False

    def __repr__(self) -> str:
        temperature = "" if math.isinf(self.T) else f", T={self.T:g}, v={self.v:g}"
        return (
            f"DimerSamples({self.Lx} x {self.Ly} {self.boundary}{temperature}, "
            f"n={len(self)}, spacing={self.spacing}, chains={self.chains}, seed={self.seed}, "
            f"{self.seconds:.2f} s)"
        )

    def _repr_html_(self) -> str:
        about = {
            "n": f"{len(self)} in {self.chains} chains",
            "loops": f"spacing {self.spacing}, equilibration {self.equilibration}",
            "seed": self.seed,
        }
        temperature = "inf" if math.isinf(self.T) else f"{self.T:g}, v = {self.v:g}"
        title = f"Dimers, {self.Lx} x {self.Ly} {self.boundary}, T = {temperature}"
        picture = html.sparkline(self.flippable / (self.Lx * self.Ly))
        return html.table(title, {**self.estimates, **about}, picture)

    def __len__(self) -> int:
        return len(self.flippable)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        """The directions 0 to 3 of the dimers as int8, for functions that take any array."""
        return np.array(self._coverings().view(np.int8), dtype=dtype, copy=copy)

    def _coverings(self) -> NDArray[np.uint8]:
        if self.dimers is None:
            raise ValueError("the coverings were not kept: sample(..., coverings=True)")
        return self.dimers

    def height(self) -> IntArray:
        """Heights of the plaquettes, shape (n, Ly, Lx); see :func:`kadanoff.dimers.height`."""
        return lattice.height(self._coverings())

    def electric_field(self) -> SpinArray:
        """Fields (E_x, E_y) of the sites, shape (n, 2, Ly, Lx)."""
        return lattice.electric_field(self._coverings())

    def grid(self) -> SpinArray:
        """Bonds and noise on one lattice, shape (n, 2 Ly, 2 Lx); see `kadanoff.dimers.grid`."""
        return noises.grid(self._coverings(), self.noise)

    @cached_property
    def estimates(self) -> Mapping[str, statistics.Estimate]:
        """Averages with errors.

        "flippable" and "energy", v times the former, per site; "specific_heat" per site where T is
        finite; with periodic boundaries "winding_x" and "winding_y", mean squares of the fluxes.
        Where no sample differs from another the error is that of the rule of three, 3 / n times
        the smallest change of the quantity.
        """
        sites = self.Lx * self.Ly
        pairs = self.flippable.reshape(self.chains, -1) / sites
        found = {
            "flippable": statistics.estimate(pairs),
            "energy": statistics.estimate(self.v * pairs),
        }
        # Turning one pair in a column leaves its two neighbours in the column without a partner.
        quantum = 2 / sites
        quanta = {"flippable": quantum, "energy": abs(self.v) * quantum}
        if math.isfinite(self.T) and pairs.size > 1:
            scale = sites * (self.v / self.T) ** 2
            found["specific_heat"] = statistics.jackknife(
                lambda a, b: scale * (b - a * a), pairs, pairs**2
            )
            quanta["specific_heat"] = scale * quantum**2
        found = {
            name: statistics.rule_of_three(
                average, pairs, quanta[name], fluctuation=name == "specific_heat"
            )
            for name, average in found.items()
        }
        if self.boundary == "periodic":
            for axis, name in enumerate(("winding_x", "winding_y")):
                flux = self.winding[:, axis].astype(float).reshape(self.chains, -1)
                # From W to |W| + 1.
                step = 0.0 if self.fixed_winding else 2 * abs(float(flux.flat[0])) + 1
                found[name] = statistics.rule_of_three(
                    statistics.estimate(flux**2), np.abs(flux), step
                )
        return found

    @public
    def plot(
        self,
        ax: Axes | None = None,
        *,
        index: int = -1,
        heights: bool = True,
        **style: Any,
    ) -> Axes:
        """Draw a covering, by default the last, over its heights. Returns the axes."""
        from kadanoff.lattices.dimers.plots import plot_covering

        d = self._coverings()[index]
        return plot_covering(d, boundary=self.boundary, heights=heights, ax=ax, **style)


def coupling(T: object, v: object) -> tuple[float, float, float]:
    """Validated ``(v / T, T, v)``; T may be infinite."""
    if isinstance(T, float | np.floating) and math.isinf(T) and T > 0:
        return 0.0, math.inf, checks.real("v", v)
    temperature = checks.real("T", T, above=0, hint="math.inf makes dimers free")
    strength = checks.real("v", v)
    try:
        ratio = strength / temperature
    except OverflowError:
        ratio = math.inf
    if not math.isfinite(ratio):
        raise ValueError(f"v / T must be finite, got v = {v}, T = {T}: raise T")
    return ratio, temperature, strength


def sector(winding: object, boundary: str) -> tuple[int, int] | None:
    """A winding that is to be kept."""
    if winding is None:
        return None
    if not isinstance(winding, tuple | list | np.ndarray) or len(winding) != 2:
        raise TypeError(f"winding must be a pair of integers (W_x, W_y) or None, got {winding!r}")
    W_x, W_y = (
        checks.whole(f"winding {name}", w, least=-lattice.MAX_SITES, most=lattice.MAX_SITES)
        for name, w in zip(("W_x", "W_y"), winding, strict=True)
    )
    if boundary == "open" and (W_x, W_y) != (0, 0):
        raise ValueError(
            f"an open lattice has no winding, got {winding!r}; use boundary='periodic'"
        )
    return W_x, W_y


@public
def sample(
    L: int | tuple[int, int] = 64,
    *,
    n: int = 1000,
    T: float = math.inf,
    v: float = -1.0,
    boundary: str = "periodic",
    winding: tuple[int, int] | None = None,
    noise: float | None = None,
    coverings: bool = True,
    chains: int | None = None,
    spacing: int | None = None,
    equilibration: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> DimerSamples:
    r"""Sample ``exp(-v N_p / T)``, N_p the number of plaquettes with two parallel dimers.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square lattice, or (Lx, Ly); even with periodic boundaries.
    n : int, default 1000
        Number of samples, over all chains.
    T : float, default inf
        Temperature; inf makes all coverings equally likely.
    v : float, default -1
        Energy of a pair of parallel dimers: negative values align.
    boundary : {"periodic", "open"}
        Boundary of the lattice.
    winding : (int, int), optional
        Keep the fluxes (W_x, W_y) at these values; by default all sectors are sampled.
    noise : float, optional
        Coupling over temperature of pairs of noise spins, see
        :mod:`kadanoff.lattices.dimers.noise`.
    coverings : bool, default True
        Keep the coverings, ``n Lx Ly`` bytes, or only winding and flippable plaquettes.
    chains : int, optional
        Independent Markov chains, a divisor of n; default the largest one up to 8. A multiple of 4
        per thread fills the cores.
    spacing : int, optional
        Loops between two samples of a chain, found by a pilot run and then fixed: by default about
        one step per site, at finite T times twice the autocorrelation time of columns and fluxes,
        or 32 if that is less.
    equilibration : int, optional
        Loops before the first sample, from parallel columns; by default as many as make fifty
        steps per site in the pilot run, and at finite T twenty of these times.
    seed : int, optional
        Same seed, same bits, whatever the number of threads; by default a new one, which the result
        remembers.
    threads, progress, control : as in :func:`kadanoff.ising.sample`
        Number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    DimerSamples
        Coverings, series of fluxes and flippable plaquettes, averages with errors.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the lattice has no covering.
    MemoryError
        The coverings would not fit.
    Cancelled
        ``partial`` holds the samples that every chain had taken, or is None.

    Notes
    -----
    A dimer turns about one end into a direction chosen with detailed balance, the dimer that it
    meets turns next, until the loop closes [1]_. The number of loops between measurements is fixed:
    to measure after a number of steps instead would prefer coverings in which loops are long.
    A step takes 3 to 4 ns at T = inf and some 10 ns with interaction, on one core.

    References
    ----------
    .. [1] A. W. Sandvik, R. Moessner, Phys. Rev. B 73, 144504 (2006),
           doi:10.1103/PhysRevB.73.144504

    Examples
    --------
    >>> run = sample(16, n=2000, seed=1)
    >>> run.dimers.shape
    (2000, 16, 16)
    >>> print(f"{run.estimates['flippable'].mean:.3f}")
    0.248
    """
    Lx, Ly = lattice.shape(L, boundary)
    n = checks.whole("n", n)
    ratio, temperature, strength = coupling(T, v)
    kept = sector(winding, boundary)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    count = _chains(n, chains)
    coverings = checks.flag("coverings", coverings)
    if spacing is not None:
        spacing = checks.whole("spacing", spacing, most=MAX_LOOPS)
    if equilibration is not None:
        equilibration = checks.whole("equilibration", equilibration, least=0, most=MAX_LOOPS)
    spins = None if noise is None else _noise(noise)
    _fits(n, Lx, Ly, coverings, spins is not None)
    started = time.perf_counter()
    if spacing is None or equilibration is None:
        found = pilot(Lx, Ly, boundary, ratio, kept, run.seed, run.control)
        spacing = found[0] if spacing is None else spacing
        equilibration = found[1] if equilibration is None else equilibration
    failure: BaseException | None = None
    try:
        with run.calling(f"{Lx} x {Ly} dimers") as keywords:
            arrays = _core.dimers_sample(
                Lx,
                Ly,
                boundary,
                coupling=ratio,
                n=n // count,
                chains=count,
                spacing=spacing,
                equilibration=equilibration,
                seed=run.seed,
                winding=kept,
                coverings=coverings,
                **keywords,
            )
    except BaseException as error:
        if getattr(error, "partial", None) is None:
            raise
        failure, arrays = error, error.partial  # type: ignore[attr-defined]
    # A cancelled run keeps the samples that all chains have.
    each = min(len(chain["flippable"]) for chain in arrays)
    result = None
    if each > 0:
        dimers = None
        if coverings:
            parts = [chain.pop("dimers")[: each * Lx * Ly] for chain in arrays]
            dimers = np.concatenate(parts).reshape(count * each, Ly, Lx)
        result = DimerSamples(
            Lx=Lx,
            Ly=Ly,
            boundary=boundary,
            T=temperature,
            v=strength,
            dimers=dimers,
            winding=np.concatenate([chain["winding"].reshape(-1, 2)[:each] for chain in arrays]),
            flippable=np.concatenate([chain["flippable"][:each] for chain in arrays]),
            noise=None
            if spins is None
            else noises.pairs(count * each, Lx, Ly, K=spins, boundary=boundary, seed=run.seed),
            chains=count,
            spacing=spacing,
            equilibration=equilibration,
            steps=sum(chain["steps"] for chain in arrays),
            seed=run.seed,
            seconds=time.perf_counter() - started,
            fixed_winding=kept is not None,
        )
    if failure is not None:
        if isinstance(failure, Cancelled) or result is not None:
            failure.partial = result  # type: ignore[attr-defined]
        raise failure
    assert result is not None  # n >= 1
    return result


def _chains(n: int, chains: object) -> int:
    if chains is None:
        return max(c for c in range(1, CHAINS + 1) if n % c == 0)
    count = checks.whole("chains", chains)
    if n % count:
        raise ValueError(
            f"chains must divide n, got chains = {count} and n = {n}; "
            f"n = {n + count - n % count} would do"
        )
    return count


def _noise(K: object) -> float:
    if isinstance(K, float | np.floating) and math.isinf(K) and K > 0:
        return math.inf
    return checks.real("noise", K, least=0, hint="the pairs are ferromagnetic")


def _fits(n: int, Lx: int, Ly: int, coverings: bool, spins: bool) -> None:
    # Twice while chains are joined; the noise needs a random number for every face on the way.
    need = n * (24 + Lx * Ly * (2 * coverings + 14 * spins))
    free = memory.available()
    if free is not None and need > free:
        raise MemoryError(
            f"n = {n} samples of {Lx} x {Ly} sites need about {need / 1e9:.3g} GB, "
            f"{free / 1e9:.3g} GB are available: lower n, or coverings=False"
        )
