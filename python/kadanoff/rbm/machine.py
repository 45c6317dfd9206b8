"""A machine as plain data, with everything that follows from its parameters."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff import _core
from kadanoff.errors import Cancelled
from kadanoff.progress import Report, bar
from kadanoff.rbm import partition, sampling, storage
from kadanoff.rbm.partition import Annealed
from kadanoff.rbm.sampling import Samples, count, seed_of, threads_of
from kadanoff.rbm.units import Units, bits, pack, real_array, unit_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Gradient", "Machine", "Moments"]

FloatArray = NDArray[np.float64]
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


def parameter(name: str, values: ArrayLike, dimensions: int) -> FloatArray:
    """A finite array that nobody can change."""
    array = real_array(name, values, dimensions=(dimensions,))
    if array.dtype == bool:
        raise TypeError(f"{name} must be an array of real numbers, got dtype bool")
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, found {array[where]} at {where}")
    copy = np.array(array, dtype=np.float64)
    copy.flags.writeable = False
    return copy


@dataclass(frozen=True, eq=False)
class Machine:
    r"""P(v, h) = exp(a.v + b.h + v.W.h) / Z.

    Parameters
    ----------
    W : array, shape (n_visible, n_hidden)
        Couplings.
    a : array, shape (n_visible,), optional
        Visible biases, default 0.
    b : array, shape (n_hidden,), optional
        Hidden biases, default 0.
    visible, hidden : {"binary", "spin"}
        Values of the units: 0 and 1, or -1 and +1.

    Raises
    ------
    ValueError
        Sizes do not fit together, a parameter is not finite, unknown units.

    Notes
    -----
    Exact functions work in double precision. Samplers compute fields in single precision (to
    about 1e-7 of their largest term) and compare with uniform numbers of 23 bits: probabilities
    below 6e-8 count as zero.

    Examples
    --------
    Three spins in a row; tracing out the middle one leaves K' = (1/2) ln cosh 2K between the others:

    >>> K = 0.7
    >>> chain = Machine([[K], [K]], visible="spin", hidden="spin")
    >>> p = chain.probabilities()
    >>> print(f"{np.log(p[3] / p[1]) / 2:.6f} {np.log(np.cosh(2 * K)) / 2:.6f}")
    0.382949 0.382949
    """

    W: FloatArray
    a: FloatArray = field(default=None)  # type: ignore[assignment]
    b: FloatArray = field(default=None)  # type: ignore[assignment]
    visible: Units = "binary"
    hidden: Units = "binary"

    def __post_init__(self) -> None:
        W = parameter("W", self.W, 2)
        if 0 in W.shape:
            raise ValueError(f"W must couple at least one unit to one, got shape {W.shape}")
        object.__setattr__(self, "W", W)
        for name, size in (("a", W.shape[0]), ("b", W.shape[1])):
            given = getattr(self, name)
            values = parameter(name, np.zeros(size) if given is None else given, 1)
            if values.size != size:
                raise ValueError(
                    f"{name} must have {size} entries (W: {W.shape}), got {values.size}"
                )
            object.__setattr__(self, name, values)
        unit_values("visible", self.visible)
        unit_values("hidden", self.hidden)

    @classmethod
    def random(
        cls,
        n_visible: int,
        n_hidden: int,
        *,
        scale: float = 1.0,
        visible: Units = "binary",
        hidden: Units = "binary",
        seed: int | None = None,
    ) -> Machine:
        """Normally distributed parameters of standard deviation `scale`."""
        sizes = count("n_visible", n_visible), count("n_hidden", n_hidden)
        generator = np.random.default_rng(seed_of(seed))
        draw = [scale * generator.normal(size=s) for s in (sizes, sizes[:1], sizes[1:])]
        return cls(draw[0], draw[1], draw[2], visible, hidden)

    def __repr__(self) -> str:
        return (
            f"Machine({self.n_visible} {self.visible} + {self.n_hidden} {self.hidden} units, "
            f"|W| <= {np.abs(self.W).max():.3g})"
        )

    @property
    def n_visible(self) -> int:
        """Number of visible units."""
        return int(self.W.shape[0])

    @property
    def n_hidden(self) -> int:
        """Number of hidden units."""
        return int(self.W.shape[1])

    @cached_property
    def _core(self) -> _core.BoltzmannMachine:
        return _core.BoltzmannMachine(
            self.a.tolist(), self.b.tolist(), self.W, self.visible, self.hidden
        )

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_core"}

    def _pack(self, name: str, values: ArrayLike, *, hidden: bool = False) -> Any:
        units = self.hidden if hidden else self.visible
        return pack(bits(name, values, units, self.n_hidden if hidden else self.n_visible))

    # ------------------------------------------------------------------ energies and conditionals

    def energy(self, v: ArrayLike, h: ArrayLike) -> Any:
        """E(v, h) = -a.v - b.h - v.W.h of every row.

        Raises
        ------
        ValueError
            A value that the units cannot take, or shapes that do not fit.
        """
        bits("v", v, self.visible, self.n_visible)
        bits("h", h, self.hidden, self.n_hidden)
        x, y = np.asarray(v, dtype=float), np.asarray(h, dtype=float)
        return -(x @ self.a) - y @ self.b - ((x @ self.W) * y).sum(axis=-1)

    def free_energy(self, v: ArrayLike, *, threads: int | None = None) -> Any:
        """F(v) = -ln sum_h e^{-E(v, h)}, so that P(v) = e^{-F(v)} / Z.

        ``F(v) = -a.v - sum_j ln(1 + e^{x_j})``, or ``ln(2 cosh x_j)`` for hidden spins.
        """
        rows = self._pack("v", v)
        F = self._core.free_energies(rows, threads=threads_of(threads))
        return F if np.ndim(v) == 2 else F[0]

    def hidden_mean(self, v: ArrayLike, *, threads: int | None = None) -> FloatArray:
        """<h_j | v>: the probability of 1 for binary units, tanh x_j for spins."""
        rows = self._pack("v", v)
        means = self._core.means(rows, threads=threads_of(threads)).reshape(-1, self.n_hidden)
        return means if np.ndim(v) == 2 else means[0]

    def visible_mean(self, h: ArrayLike, *, threads: int | None = None) -> FloatArray:
        """<v_i | h>."""
        return self.transposed().hidden_mean(h, threads=threads)

    # ---------------------------------------------------------------------------- other machines

    def transposed(self) -> Machine:
        """The same machine with its layers exchanged."""
        return Machine(self.W.T, self.b, self.a, self.hidden, self.visible)

    def _converted(self, visible: Units, hidden: Units) -> tuple[Machine, float]:
        scale, shift = [], []
        for old, new in ((self.visible, visible), (self.hidden, hidden)):
            (low, up), (low_new, up_new) = unit_values("units", old), unit_values("units", new)
            scale.append((up - low) / (up_new - low_new))
            shift.append(low - scale[-1] * low_new)
        # s = scale s' + shift in either layer.
        W = scale[0] * scale[1] * self.W
        a = scale[0] * (self.a + shift[1] * self.W.sum(axis=1))
        b = scale[1] * (self.b + shift[0] * self.W.sum(axis=0))
        constant = (
            shift[0] * self.a.sum() + shift[1] * self.b.sum() + shift[0] * shift[1] * self.W.sum()
        )
        return Machine(W, a, b, visible, hidden), float(constant)

    def to_binary(self) -> tuple[Machine, float]:
        """The machine of 0/1 units with the same probabilities, and what its ln Z lacks.

        With ``s = 2 x - 1`` for every spin: ``-E(s) = -E'(x) + constant``.

        Returns
        -------
        machine : Machine
        constant : float
            ``ln Z = ln Z' + constant``.
        """
        return self._converted("binary", "binary")

    def to_spin(self) -> tuple[Machine, float]:
        """The machine of -1/+1 units with the same probabilities, and what its ln Z lacks."""
        return self._converted("spin", "spin")

    def clamped(
        self,
        visible: ArrayLike | None = None,
        hidden: ArrayLike | None = None,
        *,
        free_visible: ArrayLike | None = None,
        free_hidden: ArrayLike | None = None,
    ) -> Machine:
        """P(free units | clamped units), a machine again, for one row of clamped values.

        ``a' = a + W h_clamped`` and ``b' = b + v_clamped W`` on the free units. Arguments as in
        `conditional`; at least one unit of either layer must stay free.
        """
        free = self._free(visible, hidden, free_visible, free_hidden)
        if not all(mask.any() for mask in free):
            raise ValueError("at least one unit of either layer must be free in a clamped machine")
        a, b = self.a[free[0]], self.b[free[1]]
        for name, values, mask in (("visible", visible, free[0]), ("hidden", hidden, free[1])):
            if values is None:
                continue
            if np.ndim(values) != 1:
                raise ValueError(f"{name} must be one row of units, got shape {np.shape(values)}")
            units = self.visible if name == "visible" else self.hidden
            sampling.clamped_rows(name, values, units, mask)
            s = np.asarray(values, dtype=float)[~mask]
            if name == "visible":
                b = b + s @ self.W[np.ix_(~mask, free[1])]
            else:
                a = a + self.W[np.ix_(free[0], ~mask)] @ s
        return Machine(self.W[np.ix_(*free)], a, b, self.visible, self.hidden)

    def _free(
        self, visible: Any, hidden: Any, free_visible: Any, free_hidden: Any
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        return (
            sampling.free_units("free_visible", free_visible, self.n_visible, visible is not None),
            sampling.free_units("free_hidden", free_hidden, self.n_hidden, hidden is not None),
        )

    # ----------------------------------------------------------------------------- exact averages

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
                cached = self._core.log_z(
                    threads=threads_of(threads), control=control, report=report
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
            log_Z, v, h, vh = self._core.moments(
                threads=threads_of(threads), control=control, report=report
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
        weights = self._core.log_weights(threads=threads_of(threads), control=control)
        most = weights.max()
        # Normalised by its own sum: probabilities add up to one for any size.
        return weights - (most + math.log(np.exp(weights - most).sum()))

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
            path = np.linspace(0.0, 1.0, count("n_betas", n_betas, 2))
        else:
            path = parameter("betas", betas, 1)
            if path.size < 2 or path[0] != 0 or path[-1] != 1 or np.any(np.diff(path) <= 0):
                raise ValueError(f"betas must rise from 0 to 1, got {path}")
        seed = seed_of(seed)
        with bar("annealing", progress) as report:
            w = self._core.anneal(
                start.tolist(),
                path.tolist(),
                count("n_chains", n_chains, 2),
                count("steps", steps),
                seed,
                threads=threads_of(threads),
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

    # ------------------------------------------------------------------------------------ samples

    def gibbs(
        self,
        v: ArrayLike | None = None,
        *,
        n_chains: int | None = None,
        steps: int = 1,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """The state of block Gibbs chains after `steps` sweeps.

        A sweep draws all hidden units given the visible ones, then all visible units given these.

        Parameters
        ----------
        v : array, shape (chains, n_visible), optional
            Where the chains start; by default `n_chains` random configurations.
        steps : int, default 1
            Number of sweeps.

        Returns
        -------
        Samples
            With v of shape (chains, n_visible).
        """
        seed = seed_of(seed)
        if v is None:
            rows = sampling.random_words(
                64 if n_chains is None else count("n_chains", n_chains), self.n_visible, seed
            )
        else:
            rows = self._pack("v", v)
            if n_chains is not None and n_chains != len(rows):
                raise ValueError(f"v starts {len(rows)} chains, n_chains says {n_chains}")
        return self._run(
            rows, None, None, count("steps", steps), 1, 1, seed, threads, progress, control
        )

    def _run(
        self,
        v: Any,
        h: Any,
        free: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
        burn_in: int,
        steps: int,
        records: int,
        seed: int,
        threads: int | None,
        progress: bool | Report | None,
        control: _core.Control | None,
    ) -> Samples:
        if h is None:
            h = np.zeros((len(v), -(-self.n_hidden // 64)), dtype=np.uint64)
        masks = None if free is None else tuple(pack(f[None])[0].tolist() for f in free)

        def finished(words: Any) -> Samples:
            return sampling.samples(
                *words,
                (self.n_visible, self.n_hidden),
                (self.visible, self.hidden),
                method="gibbs",
                seed=seed,
            )

        try:
            with bar("Gibbs sampling", progress) as report:
                words = self._core.gibbs(
                    v,
                    h,
                    masks,
                    burn_in,
                    steps,
                    records,
                    seed,
                    threads=threads_of(threads),
                    control=control,
                    report=report,
                )
        except Cancelled as stop:
            stop.partial = finished(stop.partial) if stop.partial is not None else None
            raise
        return finished(words)

    def sample(
        self,
        n_samples: int,
        *,
        method: str = "auto",
        n_chains: int = 64,
        burn_in: int = 1000,
        steps: int = 10,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """Samples of P(v, h).

        Parameters
        ----------
        n_samples : int
            How many.
        method : {"auto", "exact", "gibbs"}
            "exact" enumerates the smaller layer (at most 24 units) and draws independently;
            "auto" does so up to 18 units. "gibbs" records `n_chains` chains side by side every
            `steps` sweeps after `burn_in` sweeps; samples of one chain are correlated.

        Returns
        -------
        Samples
            With v of shape (n_samples, n_visible); chains change fastest.

        Raises
        ------
        Cancelled
            With the complete records so far as `partial`.
        """
        n_samples = count("n_samples", n_samples)
        seed = seed_of(seed)
        options: dict[str, Any] = {"threads": threads, "progress": progress, "control": control}
        if self._exactly(method, min(self.W.shape)):
            drawn = self.conditional(n_samples=n_samples, method="exact", seed=seed, **options)
            return Samples(v=drawn.v, h=drawn.h, method="exact", seed=seed)
        chains = min(count("n_chains", n_chains), n_samples)
        found = self._run(
            sampling.random_words(chains, self.n_visible, seed),
            None,
            None,
            count("burn_in", burn_in),
            count("steps", steps),
            -(-n_samples // chains),
            seed,
            **options,
        )
        return Samples(v=found.v[:n_samples], h=found.h[:n_samples], method="gibbs", seed=seed)

    @staticmethod
    def _exactly(method: str, size: int) -> bool:
        if method not in ("auto", "exact", "gibbs"):
            raise ValueError(f"method must be 'auto', 'exact' or 'gibbs', got {method!r}")
        if method == "exact" and size > MOST_FOR_STATES:
            raise ValueError(
                f"the smaller free layer has {size} units, too many to enumerate (at most "
                f"{MOST_FOR_STATES}): use method='gibbs'"
            )
        return method == "exact" or (method == "auto" and size <= sampling.MOST_EXACT)

    def conditional(
        self,
        visible: ArrayLike | None = None,
        hidden: ArrayLike | None = None,
        *,
        free_visible: ArrayLike | None = None,
        free_hidden: ArrayLike | None = None,
        n_samples: int = 1,
        method: str = "auto",
        burn_in: int = 200,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """Samples of any units given the others.

        Parameters
        ----------
        visible : array, shape (n_visible,) or (rows, n_visible), optional
            Values of clamped visible units, one row for every condition; what stands at free
            units does not matter. None leaves all of them free.
        hidden : array, shape (n_hidden,) or (rows, n_hidden), optional
            The same for hidden units.
        free_visible, free_hidden : mask or indices, optional
            Which units of a layer with given values are free (default none).
        n_samples : int, default 1
            Samples for every row.
        method : {"auto", "exact", "gibbs"}
            "exact" enumerates the smaller free layer for every row (at most 24 units), so that
            samples are independent and exact; "auto" does so up to 18 units. "gibbs" runs
            a chain of its own, `burn_in` sweeps from a random start, for every sample.

        Returns
        -------
        Samples
            Whole configurations, v of shape (n_samples, n_visible), or (rows, n_samples,
            n_visible) if several rows were given.

        Notes
        -----
        Given some of its units a machine is a machine of the others with shifted biases, see
        `clamped`. Exact cost: 2^free times the other free units, per row.
        """
        free = self._free(visible, hidden, free_visible, free_hidden)
        v, one_v = sampling.clamped_rows("visible", visible, self.visible, free[0])
        h, one_h = sampling.clamped_rows("hidden", hidden, self.hidden, free[1])
        rows = max(1 if v is None else len(v), 1 if h is None else len(h))
        full = []
        for name, words, size in (("visible", v, self.n_visible), ("hidden", h, self.n_hidden)):
            if words is None:
                full.append(np.zeros((rows, -(-size // 64)), dtype=np.uint64))
            elif len(words) in (1, rows):
                full.append(np.ascontiguousarray(np.repeat(words, rows // len(words), axis=0)))
            else:
                raise ValueError(f"{name} has {len(words)} rows, the other layer {rows}")
        draws = count("n_samples", n_samples)
        seed = seed_of(seed)
        sizes, units = (self.n_visible, self.n_hidden), (self.visible, self.hidden)
        if self._exactly(method, min(int(free[0].sum()), int(free[1].sum()))):
            with bar("sampling", progress) as report:
                words = self._core.exact_samples(
                    *full,
                    np.flatnonzero(free[0]).tolist(),
                    np.flatnonzero(free[1]).tolist(),
                    draws,
                    seed,
                    threads=threads_of(threads),
                    control=control,
                    report=report,
                )
            drawn = sampling.samples(*words, sizes, units, method="exact", seed=seed)
        else:
            starts = []
            for words, mask, offset in zip(full, free, (0, 1), strict=True):
                repeated = np.repeat(words, draws, axis=0)
                noise = sampling.random_words(len(repeated), mask.size, seed + offset)
                keep = pack(mask[None])
                starts.append((repeated & ~keep) | (noise & keep))
            drawn = self._run(
                *starts,
                free,
                count("burn_in", burn_in),
                1,
                1,
                seed,
                threads,
                progress,
                control,
            )
        single = one_v and one_h
        shape = (draws,) if single else (rows, draws)
        return Samples(
            v=drawn.v.reshape(*shape, self.n_visible),
            h=drawn.h.reshape(*shape, self.n_hidden),
            method=drawn.method,
            seed=seed,
        )

    # -------------------------------------------------------------------------- disk and pictures

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to one file, as a whole or not at all; no pickle is involved."""
        storage.write(path, "machine", self._arrays())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Machine:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            The file is damaged or holds something else.
        """
        return cls._of(storage.read(path, "machine"), path)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "W": self.W,
            "a": self.a,
            "b": self.b,
            "units": np.array([self.visible, self.hidden]),
        }

    @classmethod
    def _of(cls, arrays: Mapping[str, NDArray[Any]], path: object) -> Machine:
        try:
            visible, hidden = (str(u) for u in arrays["units"])
            return cls(arrays["W"], arrays["a"], arrays["b"], visible, hidden)  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)!r} is no valid machine: {error}") from error  # type: ignore[call-overload]

    def plot(self, ax: Axes | None = None, **options: Any) -> Any:
        """Receptive fields: the couplings of every hidden unit as an image. Returns the axes."""
        from kadanoff.lab.machines import plot_receptive_fields

        return plot_receptive_fields(self.W, ax=ax, **options)
