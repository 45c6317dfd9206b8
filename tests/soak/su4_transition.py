"""Ends of metal and insulator of two equal orbitals by Monte Carlo, J = 0, T = D/40."""

from __future__ import annotations

from collections.abc import Iterator

from tests.soak.rows import Row
from tests.soak.transitions import Search, rows_of_all, tiny_rows

TINY = 0.01
SEARCH = Search(
    share=0.0, step=0.2, low=2.8, high=4.2, sweeps=2**15, betas=(40.0,), fewest=9, first_order=False
)


def run(seed: int, scale: float) -> Iterator[Row]:
    if scale < 0.5:
        yield from tiny_rows(SEARCH.share, seed)
    else:
        yield from rows_of_all(SEARCH, seed)
