"""Configurations drawn from a machine: Gibbs chains, exact samples, any units clamped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks, memory
from kadanoff._base.errors import Cancelled
from kadanoff._base.html import table
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import BoolArray, SpinArray, WordArray
from kadanoff.rbm.averages import MAX_UNITS_FOR_STATES
from kadanoff.rbm.clamps import clamped_rows, free_units, random_words, whole_sites
from kadanoff.rbm.parameters import Parameters
from kadanoff.rbm.softmax import Enumeration
from kadanoff.rbm.units import Units, colours, log2_states, pack, unpack

__all__ = ["Samples", "Sampling"]

METHODS = ("auto", "exact", "gibbs")

MAX_EXACT_UNITS = 18  # units of the smaller free layer that are enumerated without being asked to
MAX_STATES = 2**24  # of all rows together: a few seconds of one core


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Samples:
    """Configurations of both layers of a machine.

    Parameters
    ----------
    v : array of int8, shape (..., n_visible)
        Visible units.
    h : array of int8, shape (..., n_hidden)
        Hidden units, with the same leading axes.
    method : {"exact", "gibbs"}
        Independent samples of the exact distribution, or states of Markov chains.
    seed : int
        Seed of the random streams.

    Examples
    --------
    >>> from kadanoff.rbm import Machine
    >>> Machine(np.zeros((3, 2)), np.zeros(3), np.zeros(2)).sample(10, seed=1)
    Samples(v (10, 3), h (10, 2), exact, seed=1)
    """

    v: SpinArray
    h: SpinArray
    method: str
    seed: int

    def __repr__(self) -> str:
        return f"Samples(v {self.v.shape}, h {self.h.shape}, {self.method}, seed={self.seed})"

    def _repr_html_(self) -> str:
        return table(
            "Samples of a Boltzmann machine",
            {
                "visible units": f"{self.v.shape[-1]}, mean {self.v.mean():.4g}",
                "hidden units": f"{self.h.shape[-1]}, mean {self.h.mean():.4g}",
                "samples": " x ".join(map(str, self.v.shape[:-1])),
                "method": self.method,
                "seed": self.seed,
            },
        )


class Sampling(Parameters):
    """How configurations of a machine are drawn."""

    @public
    def clamped(
        self,
        visible: ArrayLike | None = None,
        hidden: ArrayLike | None = None,
        *,
        free_visible: ArrayLike | None = None,
        free_hidden: ArrayLike | None = None,
    ) -> Self:
        """P(free units | clamped units), a machine again, for one row of clamped values.

        ``a' = a + W h_clamped`` and ``b' = b + v_clamped W`` on the free units. Arguments as in
        `conditional`; at least one unit of either layer must stay free.
        """
        free = self._free(visible, hidden, free_visible, free_hidden)
        if not all(mask.any() for mask in free):
            raise ValueError(
                "at least one unit of either layer must be free in a clamped machine; "
                "clamp visible or hidden in part (free_visible, free_hidden)"
            )
        a, b = self.a[free[0]], self.b[free[1]]
        for name, values, mask in (("visible", visible, free[0]), ("hidden", hidden, free[1])):
            if values is None:
                continue
            if np.ndim(values) != 1:
                raise ValueError(f"{name} must be one row of units, got shape {np.shape(values)}")
            units = self.visible if name == "visible" else self.hidden
            clamped_rows(name, values, units, mask)
            s = np.asarray(values, dtype=float)[~mask]
            if name == "visible":
                b = b + s @ self.W[np.ix_(~mask, free[1])]
            else:
                a = a + self.W[np.ix_(free[0], ~mask)] @ s
        return type(self)(self.W[np.ix_(*free)], a, b, self.visible, self.hidden)

    def _free(
        self, visible: Any, hidden: Any, free_visible: Any, free_hidden: Any
    ) -> tuple[BoolArray, BoolArray]:
        both = (
            free_units("free_visible", free_visible, self.n_visible, visible is not None),
            free_units("free_hidden", free_hidden, self.n_hidden, hidden is not None),
        )
        whole_sites(both[0], self.visible)
        return both

    # ------------------------------------------------------------------------------------ samples

    @public
    def gibbs(
        self,
        v: ArrayLike | None = None,
        *,
        chains: int | None = None,
        sweeps: int = 1,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """The state of block Gibbs chains after a number of sweeps.

        A sweep draws all hidden units given the visible ones, then all visible units given these.

        Parameters
        ----------
        v : array, shape (chains, n_visible), optional
            Where the chains start; by default random configurations.
        chains : int, optional
            Number of random starts, default 64.
        sweeps : int, default 1
            Number of sweeps.
        seed : int, optional
            Seed of the random streams; fresh entropy by default. The result keeps it.
        threads, progress, control : as in `log_Z`
            Worker threads, progress bar, and cancellation from another thread.

        Returns
        -------
        Samples
            With v of shape (chains, n_visible).
        """
        run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
        number = 64 if chains is None else checks.whole("chains", chains)
        if v is None:
            rows = random_words(number, self.n_visible, self.visible, run.seed)
        else:
            rows = self._pack("v", v)
            if chains is not None and number != len(rows):
                raise ValueError(f"v starts {len(rows)} chains, got chains = {number}")
        return self._run(rows, None, None, checks.whole("sweeps", sweeps), 1, 1, run)

    def _run(
        self,
        v: Any,
        h: Any,
        free: tuple[BoolArray, BoolArray] | None,
        equilibration: int,
        spacing: int,
        records: int,
        run: Run,
    ) -> Samples:
        self._fits(len(v) * records)
        if h is None:
            h = np.zeros((len(v), -(-self.n_hidden // 64)), dtype=np.uint64)
        masks = None if free is None else tuple(pack(f[None])[0].tolist() for f in free)

        def finished(words: Any) -> Samples:
            return self._samples(words, "gibbs", run.seed)

        try:
            with run.calling("Gibbs sampling") as keywords:
                words = self._compiled.gibbs(
                    v, h, masks, equilibration, spacing, records, run.seed, **keywords
                )
        except Cancelled as stop:
            stop.partial = finished(stop.partial) if stop.partial is not None else None
            raise
        return finished(words)

    @public
    def sample(
        self,
        n: int,
        *,
        method: str = "auto",
        chains: int = 64,
        spacing: int = 10,
        equilibration: int = 1000,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """Samples of P(v, h).

        Parameters
        ----------
        n : int
            Number of samples.
        method : {"auto", "exact", "gibbs"}
            "exact" enumerates the smaller layer (at most 2^24 states) and draws independently;
            "auto" does so up to 2^18. "gibbs" runs Markov chains; samples of one chain are
            correlated.
        chains : int, default 64
            Independent chains of "gibbs".
        spacing : int, default 10
            Sweeps between two samples of a chain.
        equilibration : int, default 1000
            Sweeps before the first sample.
        seed : int, optional
            Seed of the random streams; fresh entropy by default. The result keeps it.
        threads, progress, control : as in `log_Z`
            Worker threads, progress bar, and cancellation from another thread.

        Returns
        -------
        Samples
            With v of shape (n, n_visible); chains change fastest.

        Raises
        ------
        Cancelled
            With the complete records so far as `partial`.
        """
        n = checks.whole("n", n)
        chains = min(checks.whole("chains", chains), n)
        spacing = checks.whole("spacing", spacing)
        equilibration = checks.whole("equilibration", equilibration)
        run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
        if self._exactly(method, min(self._bits)):
            nothing = [np.zeros((1, -(-size // 64)), dtype=np.uint64) for size in self.W.shape]
            everything = [np.ones(size, dtype=np.bool_) for size in self.W.shape]
            return self._exact(nothing, everything, n, run)
        starts = random_words(chains, self.n_visible, self.visible, run.seed)
        found = self._run(starts, None, None, equilibration, spacing, -(-n // chains), run)
        return Samples(v=found.v[:n], h=found.h[:n], method="gibbs", seed=run.seed)

    def _exact(
        self, words: Sequence[WordArray], free: Sequence[BoolArray], n: int, run: Run
    ) -> Samples:
        """Independent samples of the free units given the others, `n` for every row of words."""
        self._fits(len(words[0]) * n)
        if colours(self.visible) is not None:
            return self._exact_groups(words, free, n, run)
        with run.calling("sampling") as keywords:
            both = self._compiled.exact_samples(
                words[0],
                words[1],
                np.flatnonzero(free[0]).tolist(),
                np.flatnonzero(free[1]).tolist(),
                n,
                run.seed,
                **keywords,
            )
        return self._samples(both, "exact", run.seed)

    def _exact_groups(
        self, words: Sequence[WordArray], free: Sequence[BoolArray], n: int, run: Run
    ) -> Samples:
        """The same with one-hot groups, row by row."""
        given = self._samples((words[0], words[1]), "exact", run.seed)
        v, h = (np.repeat(x[:, None], n, axis=1) for x in (given.v, given.h))
        W, rows = self.W[np.ix_(*free)], len(v)
        with run.calling("sampling") as keywords:
            for row in range(rows):
                a = self.a[free[0]] + self.W[np.ix_(free[0], ~free[1])] @ given.h[row, ~free[1]]
                b = self.b[free[1]] + given.v[row, ~free[0]] @ self.W[np.ix_(~free[0], free[1])]
                sums = Enumeration(W, a, b, self.visible, self.hidden)
                drawn = sums.sample(
                    n, np.random.default_rng([run.seed, 7, row]), keywords["control"]
                )
                v[row][:, free[0]], h[row][:, free[1]] = drawn
                if keywords["report"] is not None:
                    keywords["report"](row + 1, rows)
        return Samples(
            v=v.reshape(-1, self.n_visible),
            h=h.reshape(-1, self.n_hidden),
            method="exact",
            seed=run.seed,
        )

    def _fits(self, samples: int) -> None:
        """Refuse samples that would not fit, with the memory that they would need."""
        # Words of the core and, twice while a layer is unpacked, a byte per unit.
        need = samples * sum(8 * -(-size // 64) + 2 * size for size in self.W.shape)
        free = memory.available()
        if free is not None and need > free:
            raise MemoryError(
                f"n = {samples} samples of {self.n_visible} + {self.n_hidden} units need about "
                f"{need / 1e9:.3g} GB, {free / 1e9:.3g} GB are available: lower n"
            )

    def _samples(self, words: tuple[WordArray, WordArray], method: str, seed: int) -> Samples:
        return Samples(
            v=unpack(words[0], self.n_visible, self.visible),
            h=unpack(words[1], self.n_hidden, self.hidden),
            method=method,
            seed=seed,
        )

    @staticmethod
    def _exactly(method: str, size: float, rows: int = 1) -> bool:
        checks.choice("method", method, METHODS)
        if method == "exact" and size > MAX_UNITS_FOR_STATES:
            layer = f"{size} units" if size == int(size) else f"2^{size:.1f} states"
            raise ValueError(
                f"the smaller free layer has {layer}, too many to enumerate (at most "
                f"{MAX_UNITS_FOR_STATES}): use method='gibbs'"
            )
        small = size <= MAX_EXACT_UNITS and rows * 2.0**size <= MAX_STATES
        return method == "exact" or (method == "auto" and small)

    @public
    def conditional(
        self,
        visible: ArrayLike | None = None,
        hidden: ArrayLike | None = None,
        *,
        free_visible: ArrayLike | None = None,
        free_hidden: ArrayLike | None = None,
        n: int = 1,
        method: str = "auto",
        equilibration: int = 200,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool | Report | None = None,
        control: _core.Control | None = None,
    ) -> Samples:
        """Samples of any units given the others.

        Parameters
        ----------
        visible : array, shape (n_visible,) or (rows, n_visible), optional
            Values of clamped visible units, one row per condition; values at free units are
            ignored. None leaves all of them free.
        hidden : array, shape (n_hidden,) or (rows, n_hidden), optional
            The same for hidden units.
        free_visible, free_hidden : mask or indices, optional
            Which units of a layer with given values are free (default none); of one-hot groups
            whole ones.
        n : int, default 1
            Samples per row.
        method : {"auto", "exact", "gibbs"}
            "exact" enumerates the smaller free layer for every row (at most 24 units), so that
            samples are independent and exact; "auto" does so up to 18 units, and up to 2^24 states
            of all rows together. "gibbs" runs a chain of its own from a random start for every
            sample. `Samples.method` says which was used.
        equilibration : int, default 200
            Sweeps of a chain of "gibbs" before its sample.
        seed : int, optional
            Seed of the random streams; fresh entropy by default. The result keeps it.
        threads, progress, control : as in `log_Z`
            Worker threads, progress bar, and cancellation from another thread.

        Returns
        -------
        Samples
            Whole configurations, v of shape (n, n_visible), or (rows, n, n_visible) if several
            rows were given.

        Notes
        -----
        Given some of its units a machine is a machine of the others with shifted biases, see
        `clamped`. Exact cost: 2^free times the other free units, per row.
        """
        free = self._free(visible, hidden, free_visible, free_hidden)
        v, one_v = clamped_rows("visible", visible, self.visible, free[0])
        h, one_h = clamped_rows("hidden", hidden, self.hidden, free[1])
        rows = max(1 if v is None else len(v), 1 if h is None else len(h))
        full: list[WordArray] = []
        for name, words, size in (("visible", v, self.n_visible), ("hidden", h, self.n_hidden)):
            if words is None:
                full.append(np.zeros((rows, -(-size // 64)), dtype=np.uint64))
            elif len(words) in (1, rows):
                full.append(np.ascontiguousarray(np.repeat(words, rows // len(words), axis=0)))
            else:
                raise ValueError(f"{name} has {len(words)} rows, the other layer {rows}")
        n = checks.whole("n", n)
        equilibration = checks.whole("equilibration", equilibration)
        run = Run.of(threads=threads, progress=progress, control=control, seed=seed)
        self._fits(rows * n)
        number = int(free[0].sum()), int(free[1].sum())
        if self._exactly(method, min(log2_states(number[0], self.visible), number[1]), rows):
            drawn = self._exact(full, free, n, run)
        else:
            starts: list[WordArray] = []
            layers: tuple[Units, Units] = (self.visible, self.hidden)
            for words, mask, units, offset in zip(full, free, layers, (0, 1), strict=True):
                repeated = np.repeat(words, n, axis=0)
                noise = random_words(len(repeated), mask.size, units, run.seed + offset)
                keep = pack(mask[None])
                starts.append((repeated & ~keep) | (noise & keep))
            drawn = self._run(starts[0], starts[1], free, equilibration, 1, 1, run)
        single = one_v and one_h
        shape = (n,) if single else (rows, n)
        return Samples(
            v=drawn.v.reshape(*shape, self.n_visible),
            h=drawn.h.reshape(*shape, self.n_hidden),
            method=drawn.method,
            seed=run.seed,
        )
