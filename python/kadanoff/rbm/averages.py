"""Exact sums over all states of a machine, and annealed importance sampling beyond."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.rbm import partition
from kadanoff.rbm.couplings import (
    MAX_ENTRIES,
    MAX_ORDER,
    EffectiveCouplings,
    effective_couplings,
)
from kadanoff.rbm.parameters import Parameters, parameter
from kadanoff.rbm.partition import Annealed
from kadanoff.rbm.softmax import Enumeration
from kadanoff.rbm.units import bits, colours, numbers, state_count, states, two_valued

__all__ = ["Averages", "Gradient", "Moments"]

MAX_UNITS_FOR_Z = 32  # units of the smaller layer: 2^32 states take about a minute of one core
MAX_UNITS_FOR_STATES = 24


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Exact averages of a machine: ln Z, <v_i>, <h_j>, <v_i h_j>.

    Parameters
    ----------
    log_Z : float
        Logarithm of the partition function.
    v : array, shape (n_visible,)
        <v_i>.
    h : array, shape (n_hidden,)
        <h_j>.
    vh : array, shape (n_visible, n_hidden)
        <v_i h_j>.

    Examples
    --------
    >>> from kadanoff.rbm import Machine
    >>> free = Machine(np.zeros((3, 2)), np.zeros(3), np.zeros(2)).moments()
    >>> print(free)
    Moments(ln Z = 3.46574, 3 visible and 2 hidden units)
    >>> print(free.v, free.vh[0])
    [0.5 0.5 0.5] [0.25 0.25]
    """

    log_Z: float
    v: FloatArray
    h: FloatArray
    vh: FloatArray

    def __repr__(self) -> str:
        n, m = self.vh.shape
        return f"Moments(ln Z = {self.log_Z:.6g}, {n} visible and {m} hidden units)"


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Gradient:
    """Derivatives of the mean log likelihood of data with respect to W, a and b.

    Parameters
    ----------
    W : array, shape (n_visible, n_hidden)
        ``<v_i h_j>_data - <v_i h_j>_machine``.
    a : array, shape (n_visible,)
        ``<v_i>_data - <v_i>_machine``.
    b : array, shape (n_hidden,)
        ``<h_j>_data - <h_j>_machine``.

    Examples
    --------
    >>> from kadanoff.rbm import Machine
    >>> free = Machine(np.zeros((2, 1)), np.zeros(2), np.zeros(1))
    >>> print(free.gradient([[1, 1], [1, 0]]).a)
    [0.5 0. ]
    """

    W: FloatArray
    a: FloatArray
    b: FloatArray

    def __repr__(self) -> str:
        sizes = ", ".join(f"|{x}| <= {np.abs(getattr(self, x)).max():.3g}" for x in "Wab")
        return f"Gradient({self.W.shape[0]} x {self.W.shape[1]} couplings, {sizes})"


class Averages(Parameters):
    """Exact averages of a machine."""

    @property
    def _sums(self) -> Enumeration | None:
        """The exact sums of a machine with one-hot groups."""
        if colours(self.visible) is None:
            return None
        return Enumeration(self.W, self.a, self.b, self.visible, self.hidden)

    def _enumerable(self, limit: int, size: float, remedy: str) -> None:
        if size > limit:
            layer = f"{size} units" if size == int(size) else f"2^{size:.1f} states"
            raise ValueError(
                f"a layer of {layer} is too large to enumerate (at most {limit}): {remedy}"
            )

    @public
    def log_Z(
        self,
        *,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> float:
        """Ln Z by enumeration of the smaller layer, exact to rounding.

        Raises
        ------
        ValueError
            The smaller layer has more than 32 units (with one-hot groups: more than 2^24 states);
            `annealed_log_Z` estimates.

        Notes
        -----
        2^25 states of a machine with 25 and 64 units take about 0.2 s of one core: factors
        e^{x_j} of the last eight bits are tabulated, so that a state costs two products and a sum
        per unit. Compared to a Gray code no rounding errors accumulate.
        """
        most = MAX_UNITS_FOR_Z if self._sums is None else MAX_UNITS_FOR_STATES
        self._enumerable(most, min(self._bits), "use annealed_log_Z()")
        return self._log_Z(Run.of(threads=threads, progress=progress, control=control))

    def _log_Z(self, run: Run) -> float:
        cached = self.__dict__.get("_known_log_Z")
        if cached is None:
            with run.calling("partition function") as keywords:
                if (sums := self._sums) is None:
                    cached = float(self._compiled.log_z(**keywords))
                else:
                    cached = sums.log_Z(keywords["control"], keywords["report"])
            self.__dict__["_known_log_Z"] = cached
        return float(cached)

    @public
    def moments(
        self,
        *,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Moments:
        """Exact <v>, <h> and <v h> by enumeration of the smaller layer (at most 24 units)."""
        self._enumerable(MAX_UNITS_FOR_STATES, min(self._bits), "average over sample()")
        run = Run.of(threads=threads, progress=progress, control=control)
        with run.calling("averages") as keywords:
            if (sums := self._sums) is None:
                log_Z, v, h, vh = self._compiled.moments(**keywords)
            else:
                log_Z, v, h, vh = sums.moments(keywords["control"], keywords["report"])
        return Moments(log_Z=log_Z, v=v, h=h, vh=vh.reshape(self.W.shape))

    @public
    def couplings(self, order: int = 2) -> EffectiveCouplings:
        r"""The effective Hamiltonian of the visible units: fields, pair and three-spin couplings.

            ln P(s) = const + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j + sum_{i<j<k} K_ijk s_i s_j s_k

        Parameters
        ----------
        order : {1, 2, 3}, default 2
            Number of units that the largest term couples; at 3 there are n_visible^3 entries.

        Returns
        -------
        EffectiveCouplings
            In units of k_B T, for spins s = +-1 whatever values the units have: couplings of a
            model that the samples were drawn from, divided by T, are compared with these.

        Raises
        ------
        TypeError, ValueError
            The order is no integer from 1 to 3, or the tensor would be too large.

        Notes
        -----
        Coefficients of the unique expansion in products of spins, which has further terms of
        higher order; exact to rounding, for any number of units, by one integral per hidden unit
        and term: see :mod:`kadanoff.rbm.couplings`. Cost: n_hidden n_visible^order times some
        hundred points.

        Examples
        --------
        >>> from kadanoff.rbm import Machine
        >>> Machine([[1.0], [1.0], [1.0]], visible="spin", hidden="spin").couplings(3)
        EffectiveCouplings(3 units, |h| <= 0, |J| <= 0.469, |K| <= 0)
        """
        two_valued(self.visible, "effective couplings are defined for")
        order = checks.whole("order", order, most=MAX_ORDER)
        if order == MAX_ORDER and self.n_visible**3 > MAX_ENTRIES:
            raise ValueError(
                f"order = 3 of {self.n_visible} visible units takes {self.n_visible**3:,} entries, "
                f"more than {MAX_ENTRIES:,}: take order=2"
            )
        spins, _ = self.to_spin()
        return effective_couplings(spins.W, spins.a, spins.b, order)

    @public
    def gradient(
        self,
        data: ArrayLike,
        *,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Gradient:
        """Derivatives of the mean log likelihood, ``<v h>_data - <v h>_machine``, exactly.

        Parameters
        ----------
        data : array, shape (samples, n_visible)
            Visible configurations.
        threads, progress, control
            As for `moments`.
        """
        rows = np.atleast_2d(numbers("data", data, self.visible, self.n_visible))
        h = np.atleast_2d(self.hidden_mean(data))
        model = self.moments(threads=threads, progress=progress, control=control)
        return Gradient(
            W=rows.T @ h / len(rows) - model.vh,
            a=rows.mean(axis=0) - model.v,
            b=h.mean(axis=0) - model.h,
        )

    @public
    def log_probabilities(
        self, *, threads: int | None = None, control: _core.Control | None = None
    ) -> FloatArray:
        """Ln P(v) of all states of the visible layer, in the order of `kadanoff.rbm.states`."""
        self._enumerable(
            MAX_UNITS_FOR_STATES, self._bits[0], "take log_likelihood(v) of some states"
        )
        run = Run.of(threads=threads, control=control)
        if self._sums is None:
            weights = self._compiled.log_weights(threads=run.threads, control=run.control)
        else:
            every = states(self.n_visible, self.visible)
            weights = -self.free_energy(every, threads=run.threads)
        most = weights.max()
        # Normalised by its own sum: probabilities add up to one for any size.
        logs: FloatArray = weights - (most + math.log(np.exp(weights - most).sum()))
        return logs

    @public
    def probabilities(
        self, *, threads: int | None = None, control: _core.Control | None = None
    ) -> FloatArray:
        """P(v) of all states of the visible layer, in the order of `kadanoff.rbm.states`."""
        return np.exp(self.log_probabilities(threads=threads, control=control))

    @public
    def log_likelihood(
        self, v: ArrayLike, *, log_Z: float | None = None, threads: int | None = None
    ) -> Any:
        """Ln P(v) = -F(v) - ln Z of every row; ln Z is enumerated unless it is given."""
        F = self.free_energy(v, threads=threads)
        return -F - (self.log_Z(threads=threads) if log_Z is None else checks.real("log_Z", log_Z))

    @public
    def kl_divergence(self, p: ArrayLike) -> float:
        """D(p || machine) = sum_v p(v) ln(p(v) / P(v)) >= 0, in nats.

        Parameters
        ----------
        p : array, shape (2^n_visible,), or (q^sites,) with one-hot groups
            Probabilities of all states in the order of `kadanoff.rbm.states`.

        Raises
        ------
        ValueError
            Wrong size, negative entries, or a sum other than one.
        """
        p = parameter("p", p, 1)
        if p.size != (count := state_count(self.n_visible, self.visible)):
            named = f"2^{self.n_visible}" if self._sums is None else f"{count}"
            raise ValueError(f"p must have {named} entries, got {p.size}")
        if p.min() < 0 or abs(p.sum() - 1.0) > 1e-8:
            raise ValueError(f"p must be probabilities, got minimum {p.min()}, sum {p.sum()}")
        some = p > 0
        return float((p[some] * (np.log(p[some]) - self.log_probabilities()[some])).sum())

    @public
    def annealed_log_Z(
        self,
        *,
        chains: int = 1024,
        temperatures: int = 1000,
        betas: ArrayLike | None = None,
        sweeps: int = 1,
        data: ArrayLike | None = None,
        base: ArrayLike | None = None,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Annealed:
        r"""Ln Z by annealed importance sampling.

        ``Z / Z_0 = <prod_k p_{k+1}(v_k) / p_k(v_k)>`` along chains that pass through
        ``p_beta(v) ~ exp((1 - beta) a_0.v + beta a.v) prod_j sum_h e^{beta h x_j}``.

        Parameters
        ----------
        chains : int, default 1024
            Independent chains; the error falls as its inverse square root.
        temperatures : int, default 1000
            Number of equidistant inverse temperatures between 0 and 1.
        betas : array, shape (temperatures,), optional
            Other inverse temperatures, rising from 0 to 1.
        sweeps : int, default 1
            Sweeps of block Gibbs at every temperature.
        data : array, shape (samples, n_visible), optional
            The base distribution gets the means of these data, which reduces the error.
        base : array, shape (n_visible,), optional
            Visible biases a_0 of the base distribution (default 0: uniform).
        seed : int, optional
            Seed of the random streams; fresh entropy by default. The result keeps it.
        threads, progress, control : as in `log_Z`
            Worker threads, progress bar, and cancellation from another thread.

        References
        ----------
        .. [1] R. M. Neal, Stat. Comput. 11, 125 (2001), doi:10.1023/A:1008923215028
        .. [2] R. Salakhutdinov, I. Murray, Proc. ICML 2008, 872, doi:10.1145/1390156.1390266
        """
        if data is not None and base is not None:
            raise ValueError("give data or base, not both")
        if data is not None:
            rows = bits("data", data, self.visible, self.n_visible)
            start = partition.base_rates(rows, self.visible)
        else:
            start = parameter("base", np.zeros(self.n_visible) if base is None else base, 1)
            if start.size != self.n_visible:
                raise ValueError(f"base must have {self.n_visible} entries, got {start.size}")
        if betas is None:
            path = np.linspace(0.0, 1.0, checks.whole("temperatures", temperatures, least=2))
        else:
            path = parameter("betas", betas, 1)
            if path.size < 2 or path[0] != 0 or path[-1] != 1 or np.any(np.diff(path) <= 0):
                raise ValueError(f"betas must rise from 0 to 1, got {path}")
        run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
        with run.calling("annealing") as keywords:
            w = self._compiled.anneal(
                start.tolist(),
                path.tolist(),
                checks.whole("chains", chains, least=2),
                checks.whole("sweeps", sweeps),
                run.seed,
                **keywords,
            )
        log_Z0 = float(partition.log_sum(self.visible, start).sum()) + self.n_hidden * math.log(2)
        log_ratio, error, effective = partition.jackknife(w)
        return Annealed(
            log_Z=log_Z0 + log_ratio,
            error=error,
            effective_chains=effective,
            log_weights=w,
            log_Z0=log_Z0,
            base=start,
            seed=run.seed,
        )
