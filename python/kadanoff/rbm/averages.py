"""Exact sums over all states of a machine, and annealed importance sampling beyond."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report, bar
from kadanoff._base.types import FloatArray
from kadanoff.rbm import partition
from kadanoff.rbm.parameters import Parameters, parameter
from kadanoff.rbm.partition import Annealed
from kadanoff.rbm.units import bits

__all__ = ["Averages", "Gradient", "Moments"]

MOST_FOR_Z = 32  # units of the smaller layer: 2^32 states take about a minute of one core
MOST_FOR_STATES = 24


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Exact averages of a machine: ln Z, <v_i>, <h_j>, <v_i h_j>."""

    log_Z: float
    v: FloatArray
    h: FloatArray
    vh: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradient:
    """Derivatives of the mean log likelihood of some data: by W, a and b."""

    W: FloatArray
    a: FloatArray
    b: FloatArray


class Averages(Parameters):
    """What a machine is on average."""

    def _enumerable(self, limit: int, size: int, remedy: str) -> None:
        if size > limit:
            raise ValueError(
                f"a layer of {size} units is too large to enumerate (at most {limit}): {remedy}"
            )

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
            The smaller layer has more than 32 units; `annealed_log_Z` estimates.

        Notes
        -----
        2^25 states of a machine with 25 and 64 units take about 0.2 s of one core: factors
        e^{x_j} of the last eight bits are tabulated, so that a state costs two products and a sum
        a unit. Compared to a Gray code no rounding errors accumulate.
        """
        self._enumerable(MOST_FOR_Z, min(self.W.shape), "use annealed_log_Z()")
        cached = self.__dict__.get("_log_Z")
        if cached is None:
            with bar("partition function", progress) as report:
                cached = self._compiled.log_z(
                    threads=checks.threads(threads), control=control, report=report
                )
            self.__dict__["_log_Z"] = cached
        return float(cached)

    def moments(
        self,
        *,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Moments:
        """Exact <v>, <h> and <v h> by enumeration of the smaller layer (at most 24 units)."""
        self._enumerable(MOST_FOR_STATES, min(self.W.shape), "average over sample()")
        with bar("averages", progress) as report:
            log_Z, v, h, vh = self._compiled.moments(
                threads=checks.threads(threads), control=control, report=report
            )
        return Moments(log_Z=log_Z, v=v, h=h, vh=vh.reshape(self.W.shape))

    def gradient(self, data: ArrayLike, **options: Any) -> Gradient:
        """Derivatives of the mean log likelihood, ``<v h>_data - <v h>_machine``, exactly.

        Parameters
        ----------
        data : array, shape (samples, n_visible)
            Visible configurations.
        **options
            Of `moments`.
        """
        rows = np.atleast_2d(np.asarray(data, dtype=float))
        h = np.atleast_2d(self.hidden_mean(data))
        model = self.moments(**options)
        return Gradient(
            W=rows.T @ h / len(rows) - model.vh,
            a=rows.mean(axis=0) - model.v,
            b=h.mean(axis=0) - model.h,
        )

    def log_probabilities(
        self, *, threads: int | None = None, control: _core.Control | None = None
    ) -> FloatArray:
        """Ln P(v) of all 2^n_visible states, in the order of `kadanoff.rbm.states`."""
        self._enumerable(MOST_FOR_STATES, self.n_visible, "take log_likelihood(v) of some states")
        weights = self._compiled.log_weights(threads=checks.threads(threads), control=control)
        most = weights.max()
        # Normalised by its own sum: probabilities add up to one for any size.
        logs: FloatArray = weights - (most + math.log(np.exp(weights - most).sum()))
        return logs

    def probabilities(self, **options: Any) -> FloatArray:
        """P(v) of all 2^n_visible states, in the order of `kadanoff.rbm.states`."""
        return np.exp(self.log_probabilities(**options))

    def log_likelihood(
        self, v: ArrayLike, *, log_Z: float | None = None, threads: int | None = None
    ) -> Any:
        """Ln P(v) = -F(v) - ln Z of every row; ln Z is enumerated unless it is given."""
        F = self.free_energy(v, threads=threads)
        return -F - (self.log_Z(threads=threads) if log_Z is None else float(log_Z))

    def kl_divergence(self, p: ArrayLike) -> float:
        """D(p || machine) = sum_v p(v) ln(p(v) / P(v)) >= 0, in nats.

        Parameters
        ----------
        p : array, shape (2^n_visible,)
            Probabilities of all states in the order of `kadanoff.rbm.states`.

        Raises
        ------
        ValueError
            Wrong size, negative entries, or a sum other than one.
        """
        p = parameter("p", p, 1)
        if p.size != 2**self.n_visible:
            raise ValueError(f"p must have 2^{self.n_visible} entries, got {p.size}")
        if p.min() < 0 or abs(p.sum() - 1.0) > 1e-8:
            raise ValueError(f"p must be probabilities, got minimum {p.min()}, sum {p.sum()}")
        some = p > 0
        return float((p[some] * (np.log(p[some]) - self.log_probabilities()[some])).sum())

    def annealed_log_Z(
        self,
        *,
        n_chains: int = 1024,
        n_betas: int = 1000,
        betas: ArrayLike | None = None,
        steps: int = 1,
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
        n_chains : int, default 1024
            Independent chains; the error falls as its square root.
        n_betas : int, default 1000
            Equidistant inverse temperatures between 0 and 1.
        betas : array, optional
            Other inverse temperatures, rising from 0 to 1.
        steps : int, default 1
            Sweeps of block Gibbs at every temperature.
        data : array, shape (samples, n_visible), optional
            The base distribution gets the means of these data, which shortens the way.
        base : array, shape (n_visible,), optional
            Visible biases a_0 of the base distribution (default 0: uniform).

        References
        ----------
        .. [1] R. M. Neal, Stat. Comput. 11, 125 (2001), doi:10.1023/A:1008923215028
        .. [2] R. Salakhutdinov, I. Murray, Proc. ICML 2008, 872, doi:10.1145/1390156.1390266
        """
        if data is not None and base is not None:
            raise ValueError("give data or base, not both")
        if data is not None:
            bits("data", data, self.visible, self.n_visible)
            start = partition.base_rates("data", data, self.visible)
        else:
            start = parameter("base", np.zeros(self.n_visible) if base is None else base, 1)
            if start.size != self.n_visible:
                raise ValueError(f"base must have {self.n_visible} entries, got {start.size}")
        if betas is None:
            path = np.linspace(0.0, 1.0, checks.whole("n_betas", n_betas, least=2))
        else:
            path = parameter("betas", betas, 1)
            if path.size < 2 or path[0] != 0 or path[-1] != 1 or np.any(np.diff(path) <= 0):
                raise ValueError(f"betas must rise from 0 to 1, got {path}")
        seed = checks.seed(seed)
        with bar("annealing", progress) as report:
            w = self._compiled.anneal(
                start.tolist(),
                path.tolist(),
                checks.whole("n_chains", n_chains, least=2),
                checks.whole("steps", steps),
                seed,
                threads=checks.threads(threads),
                control=control,
                report=report,
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
            seed=seed,
        )
