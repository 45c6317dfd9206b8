"""Ends of metal and insulator of two equal orbitals by Monte Carlo, J = U/4."""

from __future__ import annotations

from collections.abc import Iterator

from tests.soak.rows import Row
from tests.soak.transitions import Search, rows_of_all, tiny_rows

TINY = 0.01
SEARCH = Search(share=0.25, step=0.05, low=0.9, high=2.1, sweeps=2**15)


def run(seed: int, scale: float) -> Iterator[Row]:
    if scale < 0.5:
        yield from tiny_rows(SEARCH.share, seed)
    else:
        yield from rows_of_all(SEARCH, seed)
