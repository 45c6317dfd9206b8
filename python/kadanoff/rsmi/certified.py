r"""I(H : E) from samples alone, as a lower bound that holds.

    I(H : E) >= H(H) + < sum_h P(h|v) ln q(h|e) >        (Barber and Agakov [1]_)

for any model q. Both q and the filters come from one part of the samples; the averages are taken
over the other, whose configurations neither has seen.

References
----------
.. [1] D. Barber, F. Agakov, Adv. Neural Inf. Process. Syst. 16 (2003), Eq. 3
.. [2] M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kadanoff.rsmi.conditional import ConditionalModel, state_numbers
from kadanoff.rsmi.geometry import Geometry
from kadanoff.rsmi.objective import entropy
from kadanoff.rsmi.rules import Information
from kadanoff.rsmi.samples import gather

__all__ = ["block_bootstrap", "certify", "folds", "needed", "spread", "table_terms"]

Values = NDArray[np.float64]

HELD_OUT = 1 / 3
CHUNKS = 120  # of the samples, in turn for learning, learning, and the bound
FEWEST = 240  # configurations: two a chunk
BOOTSTRAPS = 400
TINY = 1e-30


def needed(parameters: int, positions: int) -> int:
    """Configurations without which nothing should be concluded."""
    return max(FEWEST, int(np.ceil(15 * parameters / positions)))


def folds(n: int) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Rows to learn from, and chunks of rows that are held out.

    Chunks are contiguous, so that what neighbours in a Markov chain share stays within one.
    """
    edges = np.linspace(0, n, CHUNKS + 1).astype(int)
    chunks = [np.arange(a, b) for a, b in itertools.pairwise(edges)]
    held = chunks[2::3]
    learning = np.concatenate([c for i, c in enumerate(chunks) if i % 3 != 2])
    return learning, held


def spread(geometry: Geometry, wanted: int) -> NDArray[np.int64]:
    """So many places of the block, evenly from all, and no more than there are."""
    corners = geometry.corners()
    count = max(1, min(wanted, len(corners)))
    return corners[(np.arange(count) * len(corners)) // count]


def certify(
    p: Values, q: Values, chunk: NDArray[np.int64], *, seed: int, kind: str = "certified"
) -> Information:
    """The bound from P(h | v_i) and q(h | e_i) of held-out rows, with its bootstrap error.

    Parameters
    ----------
    p, q : arrays, shape (rows, values)
    chunk : int array, shape (rows,)
        Rows that may be correlated share a number 0, 1, ...
    """
    terms = np.einsum("ih,ih->i", p, np.log(np.maximum(q, TINY)))
    chunks = int(chunk.max()) + 1
    count = np.bincount(chunk, minlength=chunks).astype(np.float64)
    sums = np.stack(
        [np.bincount(chunk, weights=x, minlength=chunks) for x in (terms, *p.T)], axis=1
    )
    return block_bootstrap(count, sums, seed=seed, kind=kind)


def block_bootstrap(
    count: NDArray[Any], sums: NDArray[Any], *, seed: int, kind: str
) -> Information:
    """``H(mean p) + mean term`` of chunk sums (term, p_1, p_2, ...), resampled by chunks."""

    def value(count: NDArray[Any], sums: NDArray[Any]) -> Values:
        mean = sums / count[..., None]
        p = mean[..., 1:]
        H = -np.sum(p * np.log(np.maximum(p, TINY)), axis=-1)
        return np.asarray(H + mean[..., 0])

    rng = np.random.default_rng([seed, 0x626F6F74])
    draws = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=BOOTSTRAPS)
    again = value(draws @ count, draws @ sums)
    error = float(np.std(again, ddof=1)) * np.sqrt(len(count) / max(1, len(count) - 1))
    return Information(float(value(count.sum(), sums.sum(axis=0))), error, kind, int(count.sum()))


def table_terms(
    samples: Any,
    geometry: Geometry,
    model: ConditionalModel,
    table: Values,
    held: list[NDArray[np.int64]],
    corners: NDArray[np.int64],
) -> tuple[Values, Values, NDArray[np.int64]]:
    """P(h | v_i), q(h | e_i) and chunk numbers of the held-out rows at all places."""
    rows = np.concatenate(held)
    numbers = np.repeat(np.arange(len(held)), [len(c) for c in held])
    ps, qs, chunks = [], [], []
    for corner in corners:
        v, e = gather(samples, geometry, corner, rows)
        ps.append(table[state_numbers(v)])
        qs.append(np.asarray(model.conditional(e) @ table.astype(np.float32), dtype=np.float64))
        chunks.append(numbers)
    return np.concatenate(ps), np.concatenate(qs), np.concatenate(chunks)


def entropy_of_mean(p: Values) -> float:
    """H(H) of the held-out rows."""
    return entropy(p.mean(axis=0))
