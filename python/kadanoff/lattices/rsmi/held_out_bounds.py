r"""I(H : E) from samples alone, as a lower bound that holds.

    I(H : E) >= H(H) + < sum_h P(h|v) ln q(h|e) >        (Barber and Agakov [1]_)

for any model q. Both q and the filters come from one part of the samples; the averages are taken
over the other, held-out part.

References
----------
.. [1] D. Barber, F. Agakov, Adv. Neural Inf. Process. Syst. 16 (2003), Eq. 3
.. [2] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from kadanoff._base.types import AnyArray, FloatArray, IntArray, SpinArray
from kadanoff.lattices.rsmi.autocorrelation import autocorrelation_time, checked_time, chunk_count
from kadanoff.lattices.rsmi.conditional_models import ConditionalModel
from kadanoff.lattices.rsmi.configurations import Configurations
from kadanoff.lattices.rsmi.places import Places
from kadanoff.lattices.rsmi.rules import Information

__all__ = [
    "Split",
    "block_bootstrap",
    "certify",
    "folds",
    "independent_rows",
    "spread",
    "table_terms",
    "unseen_error",
]


PAIRS = 30_000  # blocks with their environments, to learn from
EVALUATED = 120_000  # held-out blocks
CHUNKS = 120  # of the samples, in turn for learning, learning, and the bound
_MIN_CONFIGURATIONS = 240  # two per chunk
BOOTSTRAPS = 400
AT_ONCE = 1 << 24  # numbers q(v | e)
TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Split:
    """Blocks with their environments: a part to learn from, another part to measure on.

    Attributes
    ----------
    samples : Configurations
    places : Places
        Where block and environment lie.
    rows : int array
        Configurations to learn from.
    held : list of int arrays
        Chunks of configurations held out.
    chosen : int array
        Places of the block to learn from.
    """

    samples: Configurations
    places: Places
    rows: IntArray
    held: list[IntArray]
    chosen: IntArray

    @classmethod
    def of(
        cls,
        samples: Configurations,
        places: Places,
        *,
        parameters: int,
        pairs: int | None = None,
        default: int = PAIRS,
    ) -> Self:
        """Refuses samples too few to learn `parameters` from one part and certify on the other."""
        n = len(samples)
        least = max(_MIN_CONFIGURATIONS, int(np.ceil(15 * parameters / len(places))))
        if n < least:
            raise ValueError(
                f"{n} configurations are too few: {parameters} parameters at {len(places)} "
                f"places of the block need at least {least} to leave a part for the held-out bound"
            )
        tau = checked_time(autocorrelation_time(samples, places), n)
        rows, held = folds(n, chunk_count(n, tau, CHUNKS))
        wanted = default if pairs is None else pairs
        chosen = spread(len(places), max(1, round(wanted / len(rows))))
        return cls(samples, places, rows[: max(1, -(-wanted // len(chosen)))], held, chosen)

    def learning(self) -> tuple[SpinArray, SpinArray]:
        """(v, e) to learn from; refuses blocks that never change."""
        v, e = self._gather(self.chosen, self.rows)
        if len(v) == 0 or (v == v[0]).all():
            raise ValueError(
                "samples are constant on the block: there is nothing to learn; sample at a higher "
                "temperature, or check the array's axes (n, L_1, ...)"
            )
        return v, e

    def held_out(self, wanted: int = EVALUATED) -> tuple[SpinArray, SpinArray, IntArray]:
        """(v, e) held out and the numbers of their chunks."""
        rows = np.concatenate(self.held)
        numbers = np.repeat(np.arange(len(self.held)), [len(c) for c in self.held])
        chosen = spread(len(self.places), max(1, wanted // len(rows)))
        return *self._gather(chosen, rows), np.tile(numbers, len(chosen))

    def _gather(self, chosen: IntArray, rows: IntArray) -> tuple[SpinArray, SpinArray]:
        both = []
        for place in chosen:
            V, E = self.places.visible[place], self.places.environment[place]
            found = self.samples.columns(rows, np.concatenate([V, E]))
            both.append((found[:, : len(V)], found[:, len(V) :]))
        return np.concatenate([x for x, _ in both]), np.concatenate([y for _, y in both])


def folds(n: int, count: int) -> tuple[IntArray, list[IntArray]]:
    """Rows to learn from, and chunks of rows that are held out.

    Chunks are contiguous, so that what neighbours in a Markov chain share stays within one.
    """
    edges = np.linspace(0, n, count + 1).astype(int)
    chunks = [np.arange(a, b) for a, b in itertools.pairwise(edges)]
    held = chunks[2::3]
    learning = np.concatenate([c for i, c in enumerate(chunks) if i % 3 != 2])
    return learning, held


def spread(places: int, wanted: int) -> IntArray:
    """Numbers of places, evenly spread over all of them."""
    count = max(1, min(wanted, places))
    return (np.arange(count) * places) // count


def certify(
    p: FloatArray,
    q: FloatArray,
    chunk: IntArray,
    *,
    seed: int,
    kind: str = "certified",
    turned: FloatArray | None = None,
) -> Information:
    """The bound from P(h | v_i) and q(h | e_i) of held-out rows, with its bootstrap error.

    Parameters
    ----------
    p, q : arrays, shape (rows, values)
    chunk : int array, shape (rows,)
        Rows that may be correlated share a number 0, 1, ...
    turned : array, shape (rows, values), optional
        P(h | v_i) averaged over the symmetry of the model, which has the same mean: for H(H).

    Notes
    -----
    The error is that of the bootstrap, but at least :func:`unseen_error`: where the environment all
    but decides h, few rows or none contradict it, and resampling does not show what they cost.
    """
    terms = np.einsum("ih,ih->i", p, np.log(np.maximum(q, TINY)))
    chunks = int(chunk.max()) + 1
    count = np.bincount(chunk, minlength=chunks).astype(np.float64)
    sums = np.stack(
        [
            np.bincount(chunk, weights=x, minlength=chunks)
            for x in (terms, *(p if turned is None else turned).T)
        ],
        axis=1,
    )
    found = block_bootstrap(count, sums, seed=seed, kind=kind)
    least = unseen_error(p, q, count, sums[:, 0])
    return found if found.error >= least else replace(found, error=least)


def unseen_error(p: FloatArray, q: FloatArray, count: AnyArray, sums: AnyArray) -> float:
    r"""The error of the mean of ``t = sum_h p_h ln q_h`` that the model itself expects.

    Parameters
    ----------
    p, q : arrays, shape (rows, values)
        P(h | v_i), and the model q(h | e_i).
    count, sums : arrays, shape (chunks,)
        Rows of each chunk, and their sum of t.

    Notes
    -----
    Given e, the variance of t is ``V = Var_q(ln q) - <Var_p(ln q)>``, where the second part is that
    of h given v, which is summed. A value of h that the model excludes may have a probability of
    1 / n all the same if none of n rows has it (the rule of three, for one standard deviation); it
    costs the spread D of ln q, and the best rule at most ``1 + ln n``, in each of these rows. With
    the number n' of rows that are independent, as the variance of chunks has it,

        error^2 = V / n' + (min(D, 1 + ln n') / n')^2.
    """
    log = np.log(np.maximum(q, TINY))
    mean_p, mean_q = np.einsum("ih,ih->i", p, log), np.einsum("ih,ih->i", q, log)
    of_p = np.einsum("ih,ih,ih->i", p, log, log) - mean_p**2
    of_q = np.einsum("ih,ih,ih->i", q, log, log) - mean_q**2
    independent = independent_rows(mean_p, count, sums)
    spread = float(np.mean(log.max(axis=1) - log.min(axis=1)))
    missed = min(spread, 1 + np.log(independent)) / independent
    return float(np.sqrt(max(0.0, float(np.mean(of_q - of_p))) / independent + missed**2))


def independent_rows(terms: FloatArray, count: AnyArray, sums: AnyArray) -> float:
    """As many rows as would have, on their own, the variance of the mean term that chunks have.

    Parameters
    ----------
    terms : array, shape (rows,)
        A term of each row.
    count, sums : arrays, shape (chunks,)
        Rows of each chunk, and their sum of terms.
    """
    chunks, n, each = len(count), len(terms), float(np.var(terms))
    apart = float(np.sum((sums - terms.mean() * count) ** 2)) / n * chunks / max(1, chunks - 1)
    return n / max(1.0, apart / each) if each > TINY else float(n)


def block_bootstrap(count: AnyArray, sums: AnyArray, *, seed: int, kind: str) -> Information:
    """``H(mean p) + mean term`` of chunk sums (term, p_1, p_2, ...), resampled by chunks."""

    def value(count: AnyArray, sums: AnyArray) -> FloatArray:
        mean = sums / count[..., None]
        p = mean[..., 1:]
        H = -np.sum(p * np.log(np.maximum(p, TINY)), axis=-1)
        return np.asarray(H + mean[..., 0])

    rng = np.random.default_rng([seed, 0x626F6F74])
    draws = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=BOOTSTRAPS)
    again = value(draws @ count, draws @ sums)
    error = float(np.std(again, ddof=1)) * np.sqrt(len(count) / max(1, len(count) - 1))
    nats = float(value(count.sum(), sums.sum(axis=0)))
    return Information(nats, error, kind, int(count.sum()), seed)


def table_terms(
    model: ConditionalModel, table: FloatArray, numbers: IntArray, e: SpinArray
) -> tuple[FloatArray, FloatArray]:
    """P(h | v_i) and q(h | e_i), shape (rows, values), from P(h | v) and a model of q(v | e).

    `numbers` are those of the states v_i, rows of the table.
    """
    single = table.astype(np.float32)
    each = max(1, AT_ONCE // len(table))
    q = [model.conditional(e[k : k + each]) @ single for k in range(0, len(e), each)]
    return table[numbers], np.concatenate(q).astype(np.float64)
