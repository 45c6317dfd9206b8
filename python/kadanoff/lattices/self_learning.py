r"""Self-learning Monte Carlo: cluster updates from a learned pair model.

    H = -J sum_nn s s' - K sum_plaquettes s s s s
    H_eff = E_0 - sum_r J_r sum_x s_x s_{x+r}

A plaquette term leaves no cluster algorithm. So an effective pair model is fitted to the energies
of samples, Wolff clusters are grown in it, and each is accepted with probability [1]_

    min(1, exp(-[(H' - H) - (H_eff' - H_eff)] / T)),

which keeps the distribution of H whatever was fitted: the fit decides the speed, not the averages.
:func:`learn` takes samples of single-spin updates where these are easy, at high temperature or on
a small lattice; :func:`train` repeats it with clusters of the model before, at the temperature of
interest.

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
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.statistics import Estimate, estimate, rule_of_three
from kadanoff._base.types import FloatArray, IntArray, SpinArray
from kadanoff._core import Control, plaquette_sample
from kadanoff.lattices.blockspin.rules import configurations_of
from kadanoff.lattices.ising.results import spin_flip

if TYPE_CHECKING:
    from kadanoff._base.progress import Report

__all__ = ["PairModel", "PlaquetteIsing", "Samples", "learn", "sample", "train"]

SHELLS = ("nearest", "diagonal", "third")
PLAQUETTE, SPINS = 3, 4
MAX_RATIO = 1e4  # couplings over T
MIN_SAMPLES = 50


@public
@dataclass(frozen=True, kw_only=True, repr=False)
class PlaquetteIsing:
    """Plaquette Ising model ``H = -J sum_nn s s' - K sum_plaquettes s s s s`` on an L x L torus.

    Parameters
    ----------
    L : int
        Side, 3 to 4096. On a torus of three or four sites some pairs are neighbours twice.
    T : float
        Temperature in the units of J, k_B = 1. For J = 1 and K = 0.2 the critical temperature is
        about 2.493 [1]_.
    J, K : float
        Couplings of pairs and plaquettes.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or J / T or K / T exceeds 1e4.

    References
    ----------
    .. [1] J. Liu, Y. Qi, Z. Y. Meng, L. Fu, Phys. Rev. B 95, 041101(R) (2017),
           doi:10.1103/PhysRevB.95.041101

    Examples
    --------
    >>> model = PlaquetteIsing(L=16, T=2.493, K=0.2)
    >>> print(model.energy([2 * 16**2, 0, 0, 16**2, 16**2]) / 16**2)  # all spins up
    -2.2
    """

    L: int
    T: float
    J: float = 1.0
    K: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "L", checks.whole("L", self.L, least=3, most=4096))
        object.__setattr__(self, "T", checks.real("T", self.T, above=0))
        for name in ("J", "K"):
            value = checks.real(name, getattr(self, name))
            object.__setattr__(self, name, value)
            checks.real(
                f"{name}/T", value / self.T, least=-MAX_RATIO, most=MAX_RATIO, hint="raise T"
            )

    def __repr__(self) -> str:
        return f"PlaquetteIsing(L={self.L}, T={self.T:g}, J={self.J:g}, K={self.K:g})"

    def energy(self, sums: ArrayLike) -> FloatArray:
        """Total energy H from the sums of :class:`Samples`, whose last axis has five entries."""
        s = checks.array("sums", sums)
        if s.ndim == 0 or s.shape[-1] != SPINS + 1:
            raise ValueError(
                f"sums must have {SPINS + 1} entries along the last axis, got {s.shape}"
            )
        return np.asarray(-self.J * s[..., 0] - self.K * s[..., PLAQUETTE])


@public
@dataclass(frozen=True, kw_only=True, repr=False)
class PairModel:
    """Effective pair model ``H_eff = E_0 L^2 - sum_r J_r sum_x s_x s_{x+r}``.

    Parameters
    ----------
    J : tuple of three floats
        Couplings to nearest, diagonal and third neighbours, in the units of H.
    E_0 : float
        Constant energy per site.
    residual : float
        Root mean square of H - H_eff, divided by L: the noise per site. NaN without a fit.
    explained : float
        Part of the variance of H that H_eff explains. NaN without a fit.
    seed : int or None
        Seed of the samples of the fit; None for a model written by hand.

    Raises
    ------
    ValueError, TypeError
        There are not three couplings, or one is not finite.

    Examples
    --------
    >>> PairModel(J=(1.1, 0.0, 0.0))
    PairModel(J=(1.1, 0, 0), E_0=0)
    """

    J: tuple[float, float, float]
    E_0: float = 0.0
    residual: float = float("nan")
    explained: float = float("nan")
    seed: int | None = None

    def __post_init__(self) -> None:
        J = tuple(checks.real(f"J[{i}]", value) for i, value in enumerate(self.J))
        if len(J) != len(SHELLS):
            raise ValueError(f"J must have three couplings, {SHELLS}, got {self.J}")
        object.__setattr__(self, "J", J)

    def __repr__(self) -> str:
        J = ", ".join(f"{j:.4g}" for j in self.J)
        fitted = "" if self.seed is None else f", explained={self.explained:.4g}, seed={self.seed}"
        return f"PairModel(J=({J}), E_0={self.E_0:.4g}{fitted})"


@public
@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Measurements of a run.

    Parameters
    ----------
    model : PlaquetteIsing
        The model that was sampled.
    learned : PairModel or None
        The model in which clusters were grown; None for single-spin updates.
    sums : array of int64, shape (chains, n / chains, 5)
        Sums over first, diagonal and third neighbours, plaquettes, and spins.
    configurations : array of int8, shape (chains, L, L)
        Last configuration of every chain.
    spacing : int
        Number of updates between two samples of a chain: sweeps, or clusters.
    equilibration : int
        Number of updates before the first sample.
    acceptance : float
        Share of the clusters, or of the single spins, that were flipped.
    visited, flipped : float
        Average share of the L^2 spins that one update visits, and flips. A sweep visits all of
        them and at T_c flips a sixth; of clusters these are the mean sizes of all, and of the
        accepted ones.
    seed : int
        Repeats the run, on any number of threads.

    Examples
    --------
    >>> run = sample(PlaquetteIsing(L=8, T=3.0), n=200, seed=1)
    >>> len(run), run.energy.shape, run.sums.shape
    (200, (1, 200), (1, 200, 5))
    """

    model: PlaquetteIsing
    learned: PairModel | None
    sums: IntArray
    configurations: SpinArray
    spacing: int
    equilibration: int
    acceptance: float
    visited: float
    flipped: float
    seed: int

    def __len__(self) -> int:
        return self.sums[..., 0].size

    @property
    def energy(self) -> FloatArray:
        """H / L^2 of every sample, shape (chains, n / chains)."""
        return self.model.energy(self.sums) / self.model.L**2

    @property
    def magnetisation(self) -> FloatArray:
        """M / L^2 of every sample, shape (chains, n / chains)."""
        return np.asarray(self.sums[..., SPINS] / self.model.L**2)

    @public
    def estimate(self, quantity: str) -> Estimate:
        """Average one quantity.

        Parameters
        ----------
        quantity : {"energy", "m_abs", "m2", "m4"}
            Energy per site, or a moment of the magnetisation per site.

        Returns
        -------
        Estimate
            Average with its error; the autocorrelation time is in units of the spacing. Where no
            sample differs from another the error is that of the rule of three.

        Raises
        ------
        ValueError, TypeError
            The quantity is unknown.
        """
        m = self.magnetisation
        series = {"energy": self.energy, "m_abs": np.abs(m), "m2": m**2, "m4": m**4}
        x = series[checks.choice("quantity", quantity, series)]
        # A spin has four bonds and four plaquettes, all of which change sign with it.
        quanta = {"energy": 8 * (abs(self.model.J) + abs(self.model.K)) / self.model.L**2}
        for power, name in ((1, "m_abs"), (2, "m2"), (4, "m4")):
            quanta[name] = abs(spin_flip(float(m.flat[0]), self.model.L**2, power))
        return rule_of_three(estimate(x), x, quanta[quantity])

    def __repr__(self) -> str:
        kind = "sweeps" if self.learned is None else "learned clusters"
        return (
            f"Samples({self.model!r}, n={len(self)}, {kind}, spacing={self.spacing}, "
            f"chains={len(self.sums)}, acceptance={self.acceptance:.3f}, seed={self.seed})"
        )


@public
def sample(
    model: PlaquetteIsing,
    learned: PairModel | None = None,
    *,
    n: int = 1000,
    chains: int = 1,
    spacing: int = 1,
    equilibration: int | None = None,
    start: ArrayLike | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> Samples:
    """Sample a plaquette Ising model, by single spins or by learned clusters.

    Parameters
    ----------
    model : PlaquetteIsing
        The model, with its lattice and temperature.
    learned : PairModel, optional
        Grow clusters in this pair model. Without it every update is a Metropolis sweep.
    n : int, default 1000
        Number of samples, over all chains.
    chains : int, default 1
        Number of independent Markov chains, in parallel; a divisor of n.
    spacing : int, default 1
        Sweeps or clusters between two samples of a chain, a fixed number: stopping when enough
        spins have been visited would favour configurations with large clusters.
    equilibration : int, optional
        Updates before the first sample; by default a tenth of all.
    start : array of +-1, shape (chains, L, L), optional
        By default all spins up.
    seed : int, optional
        The same seed gives the same numbers for any number of threads; by default a new one, which
        the result remembers.
    threads, progress, control : as in :func:`kadanoff.ising.sample`
        Number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    Samples
        Series of the energy and the magnetisation, and the last configurations.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range.
    MemoryError
        The samples would need more than 16 GiB.
    Cancelled
        The run was stopped; `partial` holds the samples so far.

    Notes
    -----
    The acceptance step keeps the distribution of H for any pair model: the fit decides the speed
    only.

    References
    ----------
    .. [1] J. Liu, Y. Qi, Z. Y. Meng, L. Fu, Phys. Rev. B 95, 041101(R) (2017),
           doi:10.1103/PhysRevB.95.041101

    Examples
    --------
    >>> model = PlaquetteIsing(L=16, T=2.6, K=0.2)
    >>> pair = learn(sample(model, n=2000, seed=1))
    >>> run = sample(model, pair, n=2000, spacing=5, seed=2)
    >>> run.acceptance > 0.6
    True
    """
    if not isinstance(model, PlaquetteIsing):
        raise TypeError(f"model must be a PlaquetteIsing, got {model!r}")
    if learned is not None and not isinstance(learned, PairModel):
        raise TypeError(f"learned must be a PairModel, got {learned!r}")
    n, spacing = checks.whole("n", n), checks.whole("spacing", spacing)
    chains = checks.whole("chains", chains)
    if n % chains:
        raise ValueError(
            f"chains must divide n, got chains = {chains} and n = {n}; "
            f"n = {n + chains - n % chains} would do"
        )
    if equilibration is None:
        equilibration = default_equilibration(n // chains, spacing)
    else:
        equilibration = checks.whole("equilibration", equilibration, least=0)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    spins = np.empty(0, dtype=np.int8) if start is None else configurations_of(start, name="start")
    if start is not None and spins.shape != (chains, model.L, model.L):
        raise ValueError(f"start must have shape {(chains, model.L, model.L)}, got {spins.shape}")
    return _sample(
        model,
        learned,
        times=n // chains,
        chains=chains,
        spacing=spacing,
        equilibration=equilibration,
        start=spins,
        run=run,
    )


def default_equilibration(times: int, spacing: int) -> int:
    """A tenth of the updates of a chain."""
    return max(1, times * spacing // 10)


def _sample(
    model: PlaquetteIsing,
    learned: PairModel | None,
    *,
    times: int,
    chains: int,
    spacing: int,
    equilibration: int,
    start: SpinArray,
    run: Run,
) -> Samples:
    L = model.L
    need = chains * times * 40
    if need > 2**34:
        raise MemoryError(
            f"{chains * times:,} samples would need {need / 2**30:.0f} GiB; take fewer"
        )
    with run.calling("sampling") as keywords:
        out = plaquette_sample(
            L,
            model.J / model.T,
            model.K / model.T,
            learned=None if learned is None else tuple(J / model.T for J in learned.J),
            equilibration=equilibration,
            n=times,
            spacing=spacing,
            chains=chains,
            start=np.ascontiguousarray(start).ravel(),
            seed=run.seed,
            **keywords,
        )
    proposed = max(1, out["proposed"])
    found = Samples(
        model=model,
        learned=learned,
        sums=out["sums"].reshape(chains, -1, 5),
        configurations=out["spins"].reshape(chains, L, L),
        spacing=spacing,
        equilibration=equilibration,
        acceptance=(
            out["accepted"] / proposed
            if learned is not None
            else out["flipped"] / max(1, out["visited"])
        ),
        visited=out["visited"] / proposed / L**2,
        flipped=out["flipped"] / proposed / L**2,
        seed=run.seed,
    )
    if out["stopped"]:
        failure = out["failure"]
        if failure is not None and not isinstance(failure, Cancelled):
            raise failure
        raise Cancelled("the sampling was stopped", partial=found)
    return found


@public
def learn(samples: Samples, *, shells: int = 1) -> PairModel:
    """Fit a pair model ``H = E_0 L^2 - sum_r J_r S_r`` to samples by least squares.

    Parameters
    ----------
    samples : Samples
        Samples of any kind of update.
    shells : int, default 1
        Number of shells: nearest neighbours; with 2 diagonal, with 3 third neighbours too.

    Returns
    -------
    PairModel
        Couplings, quality of the fit, and the seed of the samples.

    Raises
    ------
    ValueError
        There are fewer than 50 samples, or their sums do not vary independently.
    TypeError
        `samples` are no Samples.

    Examples
    --------
    >>> run = sample(PlaquetteIsing(L=8, T=3.0, J=1.0), n=200, seed=1)
    >>> learn(run)  # without plaquettes the fit is exact
    PairModel(J=(1, 0, 0), E_0=..., explained=1, seed=1)
    """
    if not isinstance(samples, Samples):
        raise TypeError(f"samples must be Samples, got {samples!r}")
    return _fitted(samples, checks.whole("shells", shells, most=len(SHELLS)))


def _fitted(samples: Samples, shells: int) -> PairModel:
    sums = samples.sums.reshape(-1, 5).astype(np.float64)
    if len(sums) < MIN_SAMPLES:
        raise ValueError(f"at least {MIN_SAMPLES} samples are needed, got {len(sums)}")
    sites = samples.model.L**2
    H = samples.model.energy(sums)
    pairs = sums[:, :shells]
    centred = pairs - pairs.mean(axis=0)
    solution, _, rank, _ = np.linalg.lstsq(centred, H - H.mean(), rcond=1e-10)
    if rank < shells:
        raise ValueError(
            "these samples do not vary enough to learn from; take more, or hotter ones (hot=)"
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
        seed=samples.seed,
    )


@public
def train(
    model: PlaquetteIsing,
    *,
    L: int = 16,
    shells: int = 1,
    hot: float = 2.0,
    rounds: int = 3,
    n: int = 2000,
    seed: int | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: Control | None = None,
) -> list[PairModel]:
    """Learn at ``hot * T`` by single spins, then from clusters at T, round after round.

    Parameters
    ----------
    model : PlaquetteIsing
        The model to be sampled; training uses its couplings on a lattice of side `L`.
    L : int, default 16
        Side of the lattice of the training. Couplings are local and hold on larger lattices.
    shells : int, default 1
        As in :func:`learn`.
    hot : float, default 2
        Temperature of the first round, in units of T.
    rounds : int, default 3
        Number of rounds; the first is the hot one.
    n : int, default 2000
        Number of samples in each round, at least 50.
    seed, threads, progress, control : as in :func:`sample`
        Seed, number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    list of PairModel
        One per round; the last is the one to use. The seed of the first repeats the training.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or the samples of a round do not vary independently.
    Cancelled
        The run was stopped; `partial` holds the samples of the round at work.

    Examples
    --------
    >>> models = train(PlaquetteIsing(L=64, T=2.493, K=0.2), seed=1)
    >>> print(f"{models[-1].J[0]:.2f}")
    1.11
    """
    if not isinstance(model, PlaquetteIsing):
        raise TypeError(f"model must be a PlaquetteIsing, got {model!r}")
    small = replace(model, L=L)
    shells = checks.whole("shells", shells, most=len(SHELLS))
    hot = checks.real("hot", hot, least=1)
    rounds = checks.whole("rounds", rounds)
    n = checks.whole("n", n, least=MIN_SAMPLES)
    run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
    found: list[PairModel] = []
    for number in range(rounds):
        spacing = 2 if number == 0 else 4
        samples = _sample(
            replace(small, T=small.T * hot) if number == 0 else small,
            found[-1] if found else None,
            times=n,
            chains=1,
            spacing=spacing,
            equilibration=default_equilibration(n, spacing),
            start=np.empty(0, dtype=np.int8),
            run=replace(run, seed=(run.seed + 104729 * number) % 2**64),
        )
        found.append(_fitted(samples, shells))
    return found
