"""A database of impurity problems as arrays, the input of learning."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, ComplexArray, FloatArray, IntArray
from kadanoff.dmft.problem import DiscreteBath, Impurity, half_filling
from kadanoff.greens import chebyshev_times, matsubara

if TYPE_CHECKING:
    import xarray

__all__ = ["Database", "FailedPoint"]


@dataclass(frozen=True)
class FailedPoint:
    """A point without a solution by one of the solvers; its sample is not in the database."""

    sample: int
    solver: str
    beta: float
    reason: str


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Database:
    """K problems at B temperatures, solved by several solvers.

    Parameters
    ----------
    beta : array, shape (B,)
        Inverse temperatures, ascending.
    U, D, detuning : array, shape (K,)
        Repulsion, half bandwidth, and distance eps + U/2 of the level from half filling, in one
        unit of energy.
    e, V : array, shape (K, Nb)
        Levels and hybridisations of the baths, in the same unit; V = 0 where a bath has fewer.
    index : array of int, shape (K,)
        Number of the sample in the distribution.
    group : array of int, shape (K,)
        Equal for samples that belong together, such as a sample and its particle-hole partner.
    partner : array of bool, shape (K,)
        Whether the sample is the particle-hole partner of the one drawn with this index.
    born : array of int, shape (K,)
        For self-consistent baths the index of the temperature of the loop; else -1.
    Sigma : dict of str to array, shape (K, B, N)
        Self-energies by solver, Hartree term included, at the first N Matsubara frequencies.
    G_tau : dict of str to array, shape (K, B, T)
        G(tau) by solver at T Chebyshev times, the ends included.
    n, docc : dict of str to array, shape (K, B)
        Occupation and double occupancy by solver.
    error : dict of str to array, shape (K, B)
        Error of G estimated by each solver; NaN where it has no estimate.
    seconds : dict of str to array, shape (K,)
        CPU time of each solver for all temperatures of a sample; in an executor of threads that of
        all threads.
    inputs : tuple of str
        The approximate solvers.
    target : str
        The exact solver.
    failed : tuple of FailedPoint
        Points without a solution.
    card : dict
        Ranges, options, seeds and versions; see `describe`.

    Examples
    --------
    >>> from kadanoff import dmft
    >>> db = dmft.database(
    ...     4, inputs=("hubbard1",), target="ed-2", beta=[5.0, 10.0], seed=1, progress=False
    ... )
    >>> db
    Database(4 samples x 2 temperatures, target ed-2, inputs hubbard1)
    >>> db[:2].n["ed-2"].shape
    (2, 2)
    """

    beta: FloatArray
    U: FloatArray
    D: FloatArray
    detuning: FloatArray
    e: FloatArray
    V: FloatArray
    index: IntArray
    group: IntArray
    partner: BoolArray
    born: IntArray
    Sigma: dict[str, ComplexArray]
    G_tau: dict[str, FloatArray]
    n: dict[str, FloatArray]
    docc: dict[str, FloatArray]
    error: dict[str, FloatArray]
    seconds: dict[str, FloatArray]
    inputs: tuple[str, ...]
    target: str
    failed: tuple[FailedPoint, ...] = ()
    card: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.U.size)

    def __repr__(self) -> str:
        return (
            f"Database({len(self)} samples x {self.beta.size} temperatures, target {self.target}, "
            f"inputs {', '.join(self.inputs) or 'none'})"
        )

    @property
    def solvers(self) -> tuple[str, ...]:
        """Names of the inputs and of the target."""
        return (*self.inputs, self.target)

    @property
    def eps(self) -> FloatArray:
        """The level of the impurity, detuning - U/2, shape (K,)."""
        return np.asarray(self.detuning - 0.5 * self.U)

    @property
    def seed(self) -> int | None:
        """Seed of the distribution; None for a database assembled by hand."""
        seed = self.card.get("distribution", {}).get("seed")
        return None if seed is None else int(seed)

    def w_n(self, b: int) -> FloatArray:
        """The N Matsubara frequencies at temperature number b."""
        return matsubara(self._beta(b), self.Sigma[self.target].shape[2])

    def tau(self, b: int) -> FloatArray:
        """The T Chebyshev times at temperature number b."""
        return chebyshev_times(self._beta(b), self.G_tau[self.target].shape[2])

    def _beta(self, b: int) -> float:
        count = self.beta.size
        return float(self.beta[checks.whole("b", b, least=-count, most=count - 1)])

    @cached_property
    def Delta(self) -> ComplexArray:
        """Delta(i w_n), shape (K, B, N)."""
        w_n = np.array([self.w_n(b) for b in range(self.beta.size)])
        found = np.zeros((len(self), *w_n.shape), dtype=np.complex128)
        for k in range(self.e.shape[1]):
            found += self.V[:, k, None, None] ** 2 / (1j * w_n - self.e[:, k, None, None])
        return found

    @property
    def Delta_moments(self) -> FloatArray:
        """sum V**2 e**k for k < 4, shape (K, 4)."""
        return np.stack([np.sum(self.V**2 * self.e**k, axis=1) for k in range(4)], axis=1)

    @property
    def G(self) -> Mapping[str, ComplexArray]:
        """G(i w_n) = 1 / (i w_n - eps - Delta - Sigma) by solver, each (K, B, N)."""
        return _Greens(self)

    def Sigma_moments(self, solver: str) -> FloatArray:
        """s_0 = U n/2 and s_1 = U**2 n/2 (1 - n/2) of Sigma = s_0 + s_1/z + ..., (K, B, 2).

        They are exact for the true Sigma at this occupation. IPT and ED-n satisfy them too;
        Hubbard-I does with the occupation of the atom, and the NCA violates them.
        """
        spin = 0.5 * self.n[checks.choice("solver", solver, self.n)]
        U = self.U[:, None]
        return np.stack([U * spin, U * U * spin * (1.0 - spin)], axis=-1)

    def impurity(self, i: int, b: int) -> Impurity:
        """Sample i at temperature number b."""
        i = checks.whole("i", i, least=-len(self), most=len(self) - 1)
        used = self.V[i] > 0.0
        bath = DiscreteBath(self.e[i, used], self.V[i, used])
        U = float(self.U[i])
        return Impurity(U, self._beta(b), bath, float(self.detuning[i]) + half_filling(U))

    @property
    def problems(self) -> Iterator[Impurity]:
        """All problems, sample by sample, temperatures running fastest."""
        return (self.impurity(i, b) for i in range(len(self)) for b in range(self.beta.size))

    def __getitem__(self, samples: int | slice | ArrayLike) -> Database:
        """Select samples by an index, a slice, an array of indices or a mask."""
        if type(samples) is int or isinstance(samples, np.integer):  # a bool would be a mask
            if not -len(self) <= samples < len(self):
                raise IndexError(f"sample {samples} of {len(self)}")
            samples = [int(samples)]
        at = np.arange(len(self))[samples]  # type: ignore[index]
        arrays: dict[str, Any] = {
            name: getattr(self, name)[at]
            for name in ("U", "D", "detuning", "e", "V", "index", "group", "partner", "born")
        }
        tables: dict[str, Any] = {
            name: {solver: x[at] for solver, x in getattr(self, name).items()}
            for name in ("Sigma", "G_tau", "n", "docc", "error", "seconds")
        }
        return replace(self, **arrays, **tables)

    # ------------------------------------------------------------------------------------ symmetry

    def with_partners(self) -> Database:
        """Every sample followed by its particle-hole partner, in the same group.

        ``(eps + U/2, e) -> -(eps + U/2, e)``: ``G'(tau) = G(beta - tau)``,
        ``Sigma'(iw) = U - Sigma(iw)^*``, ``n' = 2 - n``, ``docc' = docc + 1 - n``. All solvers
        have this symmetry, so that partners need not be solved.

        Returns
        -------
        Database
            2 K samples.

        Raises
        ------
        ValueError
            The database holds partners already.
        """
        if self.partner.any():
            raise ValueError("this database holds partners already")
        order = np.repeat(np.arange(len(self)), 2)
        both = self[order]
        flip = np.tile([False, True], len(self))
        e, V = both.e.copy(), both.V.copy()
        detuning = np.where(flip, -both.detuning, both.detuning)
        e[flip], V[flip] = -e[flip, ::-1], V[flip, ::-1]
        tables: dict[str, Any] = {"Sigma": {}, "G_tau": {}, "n": {}, "docc": {}}
        U = both.U[flip, None, None]
        for name in self.solvers:
            Sigma, G = both.Sigma[name], both.G_tau[name]
            n, docc = both.n[name], both.docc[name]
            Sigma[flip] = U - Sigma[flip].conj()
            G[flip] = G[flip, :, ::-1]
            docc[flip] += 1.0 - n[flip]
            n[flip] = 2.0 - n[flip]
            tables["Sigma"][name], tables["G_tau"][name] = Sigma, G
            tables["n"][name], tables["docc"][name] = n, docc
        return replace(both, detuning=detuning, e=e, V=V, partner=flip, **tables)

    @public
    def split(self, test: float = 0.1, *, seed: int | None = None) -> tuple[Database, Database]:
        """Split into a database for training and one for testing, without dividing groups.

        Parameters
        ----------
        test : float
            Share of the groups for testing, in (0, 1).
        seed : int, optional
            Seed of the random choice; by default drawn from the operating system. The cards of both
            keep it as ``card["split"]["seed"]``.

        Returns
        -------
        tuple of Database
            Training set and test set.

        Raises
        ------
        ValueError
            One side would be empty.
        """
        groups = np.unique(self.group)
        test = checks.real("test", test, above=0, below=1, hint="it is a share of the groups")
        seed = checks.seed(seed)
        count = round(test * groups.size)
        if not 0 < count < groups.size:
            raise ValueError(
                f"test = {test:g} of {groups.size} groups leaves "
                f"{'no test samples' if count == 0 else 'nothing to train on'}: take another share "
                "or more samples"
            )
        chosen = np.random.default_rng(seed).permutation(groups)[:count]
        out = np.isin(self.group, chosen)
        made = replace(self, card={**self.card, "split": {"test": test, "seed": seed}})
        return made[~out], made[out]

    # -------------------------------------------------------------------------------------- views

    def describe(self) -> str:
        """Describe ranges, solvers, versions, seeds, times and failed points in a text."""
        card = self.card
        lines = [f"{len(self)} samples ({int(self.partner.sum())} of them particle-hole partners)"]
        lines.append(f"beta        {', '.join(f'{b:g}' for b in self.beta)}")
        for name, values in (("U", self.U), ("D", self.D), ("detuning", self.detuning)):
            if values.size:
                lines.append(f"{name:11} {values.min():.4g} to {values.max():.4g}")
        for name, value in card.get("distribution", {}).items():
            lines.append(f"drawn       {name} = {value}")
        frequencies, times = self.Sigma[self.target].shape[2], self.G_tau[self.target].shape[2]
        lines.append(f"axes        {frequencies} Matsubara frequencies, {times} Chebyshev times")
        options = card.get("options", {})
        for name in self.solvers:
            role = "target" if name == self.target else "input"
            spent = 1e3 * float(np.mean(self.seconds[name])) if len(self) else math.nan
            own = f", {options[name]}" if options.get(name) else ""
            lines.append(f"{role:11} {name}: {spent:.3g} ms per sample{own}")
        versions = ", ".join(f"{k} {v}" for k, v in card.get("versions", {}).items())
        lines.append(f"versions    {versions}")
        lines.append(f"failed      {len(self.failed)} points")
        for point in self.failed[:10]:
            lines.append(
                f"            sample {point.sample}, {point.solver}, beta = {point.beta:g}: "
                f"{point.reason}"
            )
        return "\n".join(lines)

    def to_xarray(self) -> xarray.Dataset:
        """Convert to a dataset labelled by sample, solver, beta, frequency and time.

        Raises
        ------
        ModuleNotFoundError
            Without xarray; ``pip install kadanoff[data]``.
        """
        try:
            import xarray
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "to_xarray needs xarray: pip install 'kadanoff[data]'", name="xarray"
            ) from error
        variables: dict[str, Any] = {}
        for name, dims in (
            ("Sigma", ("beta", "frequency")),
            ("G_tau", ("beta", "time")),
            ("n", ("beta",)),
            ("docc", ("beta",)),
            ("error", ("beta",)),
            ("seconds", ()),
        ):
            table = getattr(self, name)
            stacked = np.stack([table[solver] for solver in self.solvers])
            variables[name] = (("solver", "sample", *dims), stacked)
        for name in ("U", "D", "eps", "detuning", "group", "partner", "born"):
            variables[name] = ("sample", getattr(self, name))
        for name in ("e", "V"):
            variables[name] = (("sample", "site"), getattr(self, name))
        coords = {"solver": list(self.solvers), "beta": self.beta, "index": ("sample", self.index)}
        return xarray.Dataset(variables, coords, {"target": self.target})


class _Greens(Mapping[str, ComplexArray]):
    """G by solver, computed from Sigma on access."""

    def __init__(self, database: Database) -> None:
        self._of = database

    def __getitem__(self, solver: str) -> ComplexArray:
        db = self._of
        Sigma = db.Sigma[solver]
        iw = 1j * np.array([db.w_n(b) for b in range(db.beta.size)])
        return np.asarray(1.0 / (iw - db.eps[:, None, None] - db.Delta - Sigma))

    def __iter__(self) -> Iterator[str]:
        return iter(self._of.Sigma)

    def __len__(self) -> int:
        return len(self._of.Sigma)
