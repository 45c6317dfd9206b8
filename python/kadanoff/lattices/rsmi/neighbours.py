"""Products of neighbouring variables, averaged over a lattice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kadanoff._base.types import BoolArray, FloatArray, SpinArray

__all__ = ["neighbour_products", "products_of_pairs"]


def neighbour_products(s: SpinArray, dimension: int | None = None) -> FloatArray:
    """Average s s' of nearest and of diagonal neighbours on a torus, shape (n, 2).

    Axes of `s` beyond the first and `dimension` more belong to one site.

    Examples
    --------
    >>> neighbour_products(np.array([[1, 1, -1, -1]])).tolist()
    [[0.0, -1.0]]
    """
    over = tuple(range(1, s.ndim))
    axes = over[:dimension]
    near = [np.mean(s * np.roll(s, 1, axis=a), axis=over) for a in axes]
    if len(axes) < 2:
        far = np.mean(s * np.roll(s, 2, axis=1), axis=over)
    else:
        far = np.mean(
            [np.mean(s * np.roll(s, (1, d), axis=axes[:2]), axis=over) for d in (1, -1)], axis=0
        )
    return np.stack([np.mean(near, axis=0), far], axis=1)


def products_of_pairs(s: SpinArray, there: BoolArray, boundary: Sequence[str]) -> FloatArray:
    """The same over pairs of variables that exist and are not joined across an open boundary.

    Parameters
    ----------
    s : array, shape (n, L_1, ..., L_d, ...)
    there : bool array, shape (L_1, ..., L_d, ...)
        Variables that exist.
    boundary : sequence of {"periodic", "open"}, one for each of d axes

    Examples
    --------
    >>> x = np.array([[1, 1, -1, -1]])
    >>> products_of_pairs(x, np.ones(4, dtype=bool), ["open"]).round(3).tolist()
    [[0.333, -1.0]]
    """
    d = len(boundary)
    near = [tuple(int(a == b) for b in range(d)) for a in range(d)]
    far = [(2,)] if d == 1 else [(1, w, *(0,) * (d - 2)) for w in (1, -1)]
    return np.stack([_average(s, there, steps, boundary) for steps in (near, far)], axis=1)


def _average(
    s: SpinArray, there: BoolArray, steps: Sequence[tuple[int, ...]], boundary: Sequence[str]
) -> FloatArray:
    total, pairs = np.zeros(len(s)), 0
    for step in steps:
        here = tuple(
            slice(max(0, by), n + min(0, by)) if edge == "open" else slice(None)
            for n, by, edge in zip(there.shape, step, boundary, strict=False)
        )
        axes = tuple(range(len(step)))
        both = (there & np.roll(there, step, axis=axes))[here]
        moved = np.roll(s, step, axis=tuple(a + 1 for a in axes))
        at = (slice(None), *here)
        over = tuple(range(1, s.ndim))
        total += np.sum(s[at] * moved[at], axis=over, dtype=np.int64, where=both)
        pairs += int(both.sum())
    return total / pairs if pairs else np.full(len(s), np.nan)
