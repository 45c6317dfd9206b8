r"""Self-learning Monte Carlo: cluster updates from a learned pair model.

    H = -J sum_nn s s' - K sum_plaquettes s s s s
    H_eff = E_0 - sum_r J_r sum_x s_x s_{x+r}

A plaquette term leaves no cluster algorithm. So an effective pair model is fitted to the energies
of samples, Wolff clusters are grown in it, and each is accepted with probability [1]_

    min(1, exp(-[(H' - H) - (H_eff' - H_eff)] / T)),

which keeps the distribution of H whatever was fitted: what was learned decides how fast, not how
right. :func:`learn` takes samples of single-spin updates where these are easy, at high temperature
or on a small lattice; :func:`train` repeats it with what was learned before, down to the
temperature that is wanted.

References
----------
.. [1] J. Liu, Y. Qi, Z. Y. Meng, L. Fu, Phys. Rev. B 95, 041101(R) (2017),
       doi:10.1103/PhysRevB.95.041101
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.errors import Cancelled
from kadanoff._base.progress import bar
from kadanoff._base.statistics import Estimate, estimate
from kadanoff._base.types import FloatArray, IntArray, SpinArray
from kadanoff._core import Control, plaquette_sample
from kadanoff.lattices.blockspin.enumeration import coupling
from kadanoff.lattices.blockspin.rules import configurations_of

if TYPE_CHECKING:
    from kadanoff._base.progress import Report

__all__ = ["PairModel", "PlaquetteIsing", "Samples", "learn", "sample", "train"]

SHELLS = ("nearest", "diagonal", "third")
PLAQUETTE, SPINS = 3, 4


@dataclass(frozen=True, kw_only=True)
class PlaquetteIsing:
    """H = -J sum_nn s s' - K sum_plaquettes s s s s on an L x L torus, at temperature T.

    Parameters
    ----------
    L : int
        Side, 3 to 4096. On a torus of three or four some neighbours meet twice.
    T : float
        Temperature, k_B = 1. For J = 1 and K = 0.2 the critical one is about 2.493 [1]_.
    J, K : float
        Couplings of pairs and plaquettes.

    References
    ----------
    .. [1] The paper cited in the module.
    """

    L: int
    T: float
    J: float = 1.0
    K: float = 0.0

    def __post_init__(self) -> None:
        L = checks.whole("L", self.L)
        if not 3 <= L <= 4096:
            raise ValueError(f"L must lie in 3 to 4096, got {L}")
        if checks.real("T", self.T) <= 0:
            raise ValueError(f"T must be positive, got {self.T}")
        for name in ("J", "K"):
            coupling(f"{name}/T", checks.real(name, getattr(self, name)) / self.T, limit=1e4)

    def energy(self, sums: ArrayLike) -> FloatArray:
        """H from the sums of :class:`Samples`, last axis."""
        s = np.asarray(sums)
        return np.asarray(-self.J * s[..., 0] - self.K * s[..., PLAQUETTE])


@dataclass(frozen=True, kw_only=True)
class PairModel:
    """H_eff = E_0 - sum_r J_r sum_x s_x s_{x+r}, as fitted.

    Attributes
    ----------
    J : tuple of three floats
        Couplings to nearest, diagonal and third neighbours, in the units of H.
    E_0 : float
        For each site.
    residual : float
        Root mean square of H - H_eff for a site, times L: the noise of one site.
    explained : float
        Part of the variance of H that H_eff explains.
    """

    J: tuple[float, float, float]
    E_0: float = 0.0
    residual: float = float("nan")
    explained: float = float("nan")

    def __post_init__(self) -> None:
        J = tuple(checks.real(f"J[{i}]", value) for i, value in enumerate(self.J))
        if len(J) != len(SHELLS):
            raise ValueError(f"J must have three couplings, {SHELLS}, got {self.J}")
        object.__setattr__(self, "J", J)


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """What a run measured.

    Attributes
    ----------
    model : PlaquetteIsing
    learned : PairModel or None
        None for single-spin updates.
    sums : int64 array, shape (chains, measurements, 5)
        Over first, diagonal and third neighbours, plaquettes, and spins.
    configurations : int8 array, shape (chains, L, L)
        The last of every chain.
    interval : int
        Updates between measurements: sweeps, or clusters.
    acceptance : float
        Share of the clusters, or of the single spins, that were flipped.
    visited, flipped : float
        Spins that one update looks at, and flips, over L^2 and on average: all and a sixth for a
        sweep at T_c; for clusters their size, and that of the accepted ones.
    """

    model: PlaquetteIsing
    learned: PairModel | None
    sums: IntArray
    configurations: SpinArray
    interval: int
    acceptance: float
    visited: float
    flipped: float

    @property
    def energy(self) -> FloatArray:
        """H / L^2 of every measurement."""
        return self.model.energy(self.sums) / self.model.L**2

    @property
    def magnetisation(self) -> FloatArray:
        """M / L^2 of every measurement."""
        return np.asarray(self.sums[..., SPINS] / self.model.L**2)

    def estimate(self, quantity: str) -> Estimate:
        """Average with error and autocorrelation time (in measurements).

        Parameters
        ----------
        quantity : {"energy", "m_abs", "m2", "m4"}
        """
        m = self.magnetisation
        series = {"energy": self.energy, "m_abs": np.abs(m), "m2": m**2, "m4": m**4}
        if quantity not in series:
            raise ValueError(f"quantity must be one of {tuple(series)}, got {quantity!r}")
        return estimate(series[quantity])

    def __repr__(self) -> str:
        chains, measurements = self.sums.shape[:2]
        kind = "sweeps" if self.learned is None else "learned clusters"
        return (
            f"Samples({self.model!r}, {chains} x {measurements} measurements, {kind}, "
            f"acceptance {self.acceptance:.3f})"
        )


def sample(
    model: PlaquetteIsing,
    learned: PairModel | None = None,
    *,
    measurements: int,
    interval: int = 1,
    warm_up: int | None = None,
    chains: int = 1,
    start: ArrayLike | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> Samples:
    """Monte Carlo of a plaquette Ising model, by single spins or by learned clusters.

    Parameters
    ----------
    model : PlaquetteIsing
    learned : PairModel, optional
        Grow clusters in this pair model. Without it every update is a Metropolis sweep.
    measurements : int
        For each chain.
    interval : int, default 1
        Sweeps or clusters between measurements, a fixed number: stopping when enough spins have
        been visited would favour configurations with large clusters.
    warm_up : int, optional
        Updates before the first measurement; by default a tenth of all.
    chains : int, default 1
        Independent, in parallel.
    start : array of +-1, shape (chains, L, L), optional
        By default all spins up.
    seed : int, default 0
        The same seed gives the same numbers for any number of threads.
    threads, progress, control
        As in :func:`kadanoff.nrg.solve`.

    Returns
    -------
    Samples

    Raises
    ------
    ValueError, TypeError
        Arguments out of range.
    Cancelled
        Stopped; `partial` holds what was measured.

    Examples
    --------
    >>> model = PlaquetteIsing(L=16, T=2.6, K=0.2)
    >>> pair = learn(sample(model, measurements=2000, seed=1))
    >>> run = sample(model, pair, measurements=2000, interval=5, seed=2)
    >>> run.acceptance > 0.6
    True
    """
    if not isinstance(model, PlaquetteIsing):
        raise TypeError(f"model must be a PlaquetteIsing, got {model!r}")
    if learned is not None and not isinstance(learned, PairModel):
        raise TypeError(f"learned must be a PairModel, got {learned!r}")
    measurements, interval = (
        checks.whole("measurements", measurements),
        checks.whole("interval", interval),
    )
    chains, seed = checks.whole("chains", chains), checks.seed(seed)
    if warm_up is None:
        warm_up = max(1, measurements * interval // 10)
    elif warm_up != 0:
        warm_up = checks.whole("warm_up", warm_up)
    L = model.L
    spins = np.empty(0, dtype=np.int8) if start is None else configurations_of(start)
    if start is not None and spins.shape != (chains, L, L):
        raise ValueError(f"start must have shape {(chains, L, L)}, got {spins.shape}")
    need = chains * measurements * 40
    if need > 2**34:
        raise MemoryError(f"the measurements would need {need / 2**30:.0f} GiB; take fewer")
    with bar("sampling", progress) as report:
        out = plaquette_sample(
            L,
            model.J / model.T,
            model.K / model.T,
            learned=None if learned is None else tuple(J / model.T for J in learned.J),
            warm_up=warm_up,
            measurements=measurements,
            interval=interval,
            chains=chains,
            start=np.ascontiguousarray(spins).ravel(),
            seed=seed,
            threads=threads,
            control=control,
            report=report,
        )
    proposed = max(1, out["proposed"])
    found = Samples(
        model=model,
        learned=learned,
        sums=out["sums"].reshape(chains, -1, 5),
        configurations=out["spins"].reshape(chains, L, L),
        interval=interval,
        acceptance=(
            out["accepted"] / proposed
            if learned is not None
            else out["flipped"] / max(1, out["visited"])
        ),
        visited=out["visited"] / proposed / L**2,
        flipped=out["flipped"] / proposed / L**2,
    )
    if out["stopped"]:
        failure = out["failure"]
        if failure is not None and not isinstance(failure, Cancelled):
            raise failure
        raise Cancelled("the sampling was stopped", partial=found)
    return found


def learn(samples: Samples, *, shells: int = 1) -> PairModel:
    """Least squares of H on sums over pairs: ``H = E_0 L^2 - sum_r J_r S_r``.

    Parameters
    ----------
    samples : Samples
        From any update.
    shells : int, default 1
        Nearest neighbours; with 2 diagonal, with 3 third neighbours too.

    Returns
    -------
    PairModel

    Raises
    ------
    ValueError
        Fewer than 50 samples, or sums that do not vary independently.
    """
    if not isinstance(samples, Samples):
        raise TypeError(f"samples must be Samples, got {samples!r}")
    if checks.whole("shells", shells) > len(SHELLS):
        raise ValueError(f"shells must be 1, 2 or 3, got {shells}")
    sums = samples.sums.reshape(-1, 5).astype(np.float64)
    if len(sums) < 50:
        raise ValueError(f"at least 50 samples are needed, got {len(sums)}")
    sites = samples.model.L**2
    H = samples.model.energy(sums)
    pairs = sums[:, :shells]
    centred = pairs - pairs.mean(axis=0)
    solution, _, rank, _ = np.linalg.lstsq(centred, H - H.mean(), rcond=1e-10)
    if rank < shells:
        raise ValueError(
            "these samples do not vary enough to learn from; take more, or hotter ones"
        )
    rest = H - H.mean() - centred @ solution
    J = np.zeros(len(SHELLS))
    J[:shells] = -solution
    E_0 = float((H.mean() - pairs.mean(axis=0) @ solution) / sites)
    return PairModel(
        J=(float(J[0]), float(J[1]), float(J[2])),
        E_0=E_0,
        residual=float(np.sqrt(np.mean(rest**2) / sites)),
        explained=float(1 - np.mean(rest**2) / H.var()) if H.var() > 0 else 1.0,
    )


def train(
    model: PlaquetteIsing,
    *,
    L: int = 16,
    shells: int = 1,
    hot: float = 2.0,
    rounds: int = 3,
    measurements: int = 2000,
    seed: int = 0,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> list[PairModel]:
    """Learn at ``hot * T`` by single spins, then from clusters at T, round after round.

    Parameters
    ----------
    model : PlaquetteIsing
        What is to be sampled; training uses its couplings on a lattice of side `L`.
    L : int, default 16
        Side of the lattice that is trained on. Couplings are local and carry over.
    shells : int, default 1
        As in :func:`learn`.
    hot : float, default 2
        Temperature of the first round over T.
    rounds : int, default 3
        The first is the hot one.
    measurements : int, default 2000
        In each round.
    seed, threads, progress, control
        As in :func:`sample`.

    Returns
    -------
    list of PairModel
        One each round; the last is the one to use.

    Examples
    --------
    >>> models = train(PlaquetteIsing(L=64, T=2.493, K=0.2), seed=1)
    >>> print(f"{models[-1].J[0]:.2f}")
    1.11
    """
    hot = checks.real("hot", hot)
    if hot < 1:
        raise ValueError(f"hot must be at least 1, got {hot}")
    small = replace(model, L=L)
    found: list[PairModel] = []
    for number in range(checks.whole("rounds", rounds)):
        run = sample(
            replace(small, T=small.T * hot) if number == 0 else small,
            found[-1] if found else None,
            measurements=measurements,
            interval=2 if number == 0 else 4,
            seed=(checks.seed(seed) + 104729 * number) % 2**64,
            threads=threads,
            progress=progress,
            control=control,
        )
        found.append(learn(run, shells=shells))
    return found
