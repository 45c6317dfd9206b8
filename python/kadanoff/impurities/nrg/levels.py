r"""Energy levels of every shell of an NRG run, and thermal averages over them.

    Z_N(T) = sum_s g_s exp(-E_s / T),    E_s from the ground state of shell N,

over the multiplets s (g_s states each) of the chain that ends at site N. With ``complete``, the
states that were discarded at earlier shells n < N are counted too, each 4^(N-n) times: together
they form a complete basis of the chain (Anders and Schiller, PRL 95, 196801 (2005),
doi:10.1103/PhysRevLett.95.196801), so that Z counts every state once and the error of the
truncation is small even at T of the order of the shell's scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base.types import FloatArray, IntArray
from kadanoff.bands.interleaved import InterleavedChain
from kadanoff.bands.leads import SpinBands, free_parts, gap_of
from kadanoff.bands.tridiagonalisation import Chain

__all__ = ["Averages", "Levels", "clean_chain"]


@dataclass(frozen=True, eq=False)
class Averages:
    """Thermal averages at given (shell, temperature) pairs; every array has their shape.

    Attributes
    ----------
    T : array
        Temperatures.
    log_Z : array
        ln Z, energies counted from the ground state of the shell.
    ground : array
        Ground-state energy of the shell, absolute.
    energy, energy_variance : array
        Mean <E> from the ground state, and <E^2> - <E>^2.
    spin, spin_variance : array
        <S_z> and <S_z^2> - <S_z>^2 of impurity and chain together.
    charge, charge_variance : array
        The same of the number of electrons relative to half filling.
    weight_above_cut : array
        Share of Z in states that are discarded before the next shell: where it is not small, the
        accuracy depends on that of the discarded states.
    expectations : mapping from names to arrays
        Static operators, averaged over the last shell.
    """

    T: FloatArray
    log_Z: FloatArray
    ground: FloatArray
    energy: FloatArray
    energy_variance: FloatArray
    spin: FloatArray
    spin_variance: FloatArray
    charge: FloatArray
    charge_variance: FloatArray
    weight_above_cut: FloatArray
    expectations: Mapping[str, FloatArray] = field(default_factory=dict)

    def __repr__(self) -> str:
        T = f"T = {self.T.min():.3g} ... {self.T.max():.3g}" if self.T.size else "no T"
        return f"Averages({self.T.size} points, {T})"

    @property
    def entropy(self) -> FloatArray:
        """S = ln Z + <E>/T of impurity and chain together, in nats."""
        return self.log_Z + self.energy / self.T

    @property
    def heat_capacity(self) -> FloatArray:
        """C = (<E^2> - <E>^2) / T^2 of impurity and chain together."""
        return self.energy_variance / self.T**2


def _pairs(shells: ArrayLike, T: ArrayLike, count: int) -> tuple[IntArray, FloatArray]:
    """Validated pairs of shells below `count` and positive temperatures, of one shape."""
    n, t = np.asarray(shells), np.asarray(T, dtype=np.float64)
    if not np.issubdtype(n.dtype, np.integer):
        raise TypeError(f"shells must be integers, got {shells!r}")
    if n.size and (n.min() < 0 or n.max() >= count):
        raise ValueError(f"shells n must lie in 0 ... {count - 1}, got {n.min()} ... {n.max()}")
    if not (np.isfinite(t) & (t > 0)).all():
        raise ValueError(f"T must be positive and finite, got {T!r}")
    pair = np.broadcast_arrays(n.astype(np.int64), t)
    return pair[0], pair[1]


def _columns(
    rows: FloatArray, ground: FloatArray, T: FloatArray, expectations: Mapping[str, FloatArray]
) -> Averages:
    log_Z, e, var_e, s, var_s, q, var_q, above = (c.reshape(T.shape) for c in rows.T)
    return Averages(T, log_Z, ground, e, var_e, s, var_s, q, var_q, above, expectations)


@dataclass(frozen=True, eq=False)
class Levels:
    """Every eigenvalue of every shell of one run, with its labels.

    Attributes
    ----------
    symmetry : tuple of str
        The (charge, spin) factors, and for two channels the channel factor, that the labels refer
        to.
    chain : Chain
        The Wilson chain.
    core : kadanoff._core.Levels
        All levels, held by the compiled core.
    operators : tuple of str
        Names of the static operators.
    bands : int
        Number of channels, one to three.
    copies : int
        How often each level stands here: twice for a complex Hamiltonian, whose real and imaginary
        parts the run has as states of their own; averages count it once.
    """

    symmetry: tuple[str, ...]
    chain: Chain
    core: _core.Levels
    operators: tuple[str, ...] = ()
    bands: int = 1
    copies: int = 1

    def __repr__(self) -> str:
        count = len(self.arrays["energies"])
        return f"Levels({'x'.join(self.symmetry)}, {self.shells} shells, {count} multiplets)"

    def __getstate__(self) -> dict[str, Any]:
        # The arrays are a view of the core: copies and pickles need not carry them.
        return {name: value for name, value in vars(self).items() if name != "arrays"}

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """All numbers by name, as arrays.

        ``scale``, ``ground``, ``cut``, ``cut_gap`` (one entry per shell), ``shells`` (offsets into
        the blocks), ``labels``, ``kept`` (one entry per block), ``blocks`` (offsets into the
        energies), ``energies`` (absolute, from the shell's ground state, ascending in a block),
        ``expectations`` (operators x energies), ``timing``.
        """
        return self.core.arrays()

    @property
    def shells(self) -> int:
        """Number of shells, from that of site 0 on."""
        return len(self.core)

    @property
    def scale(self) -> FloatArray:
        """Energy scale omega_N of every shell."""
        scale: FloatArray = self.arrays["scale"]
        return scale

    @property
    def ground(self) -> FloatArray:
        """Ground-state energy of every shell, absolute."""
        ground: FloatArray = self.arrays["ground"]
        return ground

    def blocks(self, n: int) -> tuple[IntArray, IntArray, slice]:
        """Labels and sizes of the blocks of shell `n`, and the range of its energies."""
        first, last = self.arrays["shells"][n : n + 2]
        offsets = self.arrays["blocks"][first : last + 1]
        return (
            self.arrays["labels"][first:last],
            np.diff(offsets),
            slice(int(offsets[0]), int(offsets[-1])),
        )

    def shell(self, n: int) -> tuple[IntArray, IntArray, FloatArray]:
        """Labels (m, factors), degeneracies (m,) and energies (m,) of the multiplets of shell `n`.

        Energies are absolute, from the ground state, in ascending order.
        """
        labels, sizes, where = self.blocks(n)
        su2 = np.array([factor == "SU2" for factor in self.symmetry])
        degeneracy = np.where(su2, labels + 1, 1).prod(axis=1)
        energies = self.arrays["energies"][where]
        order = np.argsort(energies, kind="stable")
        return (
            np.repeat(labels, sizes, axis=0)[order],
            np.repeat(degeneracy, sizes)[order],
            energies[order],
        )

    def averages(self, shells: ArrayLike, T: ArrayLike, *, complete: bool = True) -> Averages:
        """Thermal averages at pairs of shells and temperatures (broadcast together)."""
        n, t = _pairs(shells, T, self.shells)
        rows, operators = self.core.averages(
            n.ravel().tolist(), t.ravel().tolist(), complete=complete
        )
        expectations = {
            name: operators[:, i].reshape(t.shape) for i, name in enumerate(self.operators)
        }
        found = _columns(rows, self.ground[n], t.copy(), expectations)
        if self.copies == 1:
            return found
        return replace(found, log_Z=found.log_Z - math.log(self.copies))

    def clean(self, shells: ArrayLike, T: ArrayLike) -> Averages:
        """The same averages of the chain(s) without the impurity, exactly."""
        parts = free_parts(self.chain, self.bands)
        first = clean_chain(parts[0][0], self._own_shells(0, shells), T)
        if len(parts) == 1 and parts[0][1] == 1:
            return first
        additive = set(Averages.__dataclass_fields__) - {"T", "expectations", "weight_above_cut"}
        several = [
            (clean_chain(chain, self._own_shells(k, shells), T), weight)
            for k, (chain, weight) in enumerate(parts)
        ]
        sums = {
            name: sum(weight * getattr(one, name) for one, weight in several) for name in additive
        }
        if isinstance(self.chain.band, SpinBands):
            up, dn = (one.charge for one, _ in several)
            sums["spin"] = (up - dn) / 4 * self.bands
        return replace(first, **sums)

    def _own_shells(self, part: int, shells: ArrayLike) -> ArrayLike:
        """The last site of one of several chains at these shells."""
        if not isinstance(self.chain, InterleavedChain):
            return shells
        n, _ = _pairs(shells, 1.0, self.chain.sites)
        return self.chain.last_sites(part)[n]

    @property
    def period(self) -> int:
        """Number of shells after which the chain repeats itself at an energy lower by Lambda."""
        return self.chain.period if isinstance(self.chain, InterleavedChain) else 2

    @property
    def undefined(self) -> frozenset[str]:
        """Curves that do not exist: fluctuations of what the Hamiltonian does not conserve."""
        out = []
        if self.symmetry[0] == "Z2" or gap_of(self.chain) > 0:
            out.append("T_chi_charge")
        if self.symmetry[1] in ("Z2", "none"):
            out.append("T_chi")
        return frozenset(out)

    def ground_expectations(self, n: int) -> dict[str, float]:
        """Expectation values in the ground state of shell `n`, averaged over its members.

        States within 1e-9 of the shell's scale count as degenerate.
        """
        labels, sizes, where = self.blocks(n)
        su2 = np.array([factor == "SU2" for factor in self.symmetry])
        degeneracy = np.repeat(np.where(su2, labels + 1, 1).prod(axis=1), sizes)
        ground = self.arrays["energies"][where] <= 1e-9 * self.scale[n]
        weight = degeneracy * ground
        values = self.arrays["expectations"][:, where]
        return {
            name: float(values[i] @ weight / weight.sum()) for i, name in enumerate(self.operators)
        }


@lru_cache(maxsize=256)
def _clean_chain(
    chain: Chain, shells: tuple[int, ...], T: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    core = _core.WilsonChain(chain.hopping.tolist(), chain.onsite.tolist(), chain.scale.tolist())
    return _core.nrg_clean_chain(core, shells, T)


def clean_chain(chain: Chain, shells: ArrayLike, T: ArrayLike) -> Averages:
    """Exact averages of the chain of sites 0..N without an impurity, from its one-particle levels.

    The levels come from bisection and are accurate relative to themselves, the smallest included.
    Cost: about 60 N^2 divisions per shell; cached.
    """
    n, t = _pairs(shells, T, chain.sites)
    key: tuple[Sequence[int], Sequence[float]] = (n.ravel().tolist(), t.ravel().tolist())
    ground, rows = _clean_chain(chain, tuple(key[0]), tuple(key[1]))
    return _columns(rows, ground.reshape(t.shape), t.copy(), {})
