"""The work of solutions, counted: shells, kept multiplets and operations, not seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from kadanoff.impurities.nrg.levels import Levels

__all__ = ["Budget", "work_of"]

# In units of a kept multiplet, about 5 us: by least squares of the relative deviation from the
# processor time of 40 runs (five models, three symmetries, 75 to 600 states), within 30 %.
_SHELL = 10.0
_FLOP = 3e-5
_VECTORS = 1.6
"""Eigenvectors, for averages of operators, take more time by this factor."""


def work_of(run: Iterable[Levels], *, vectors: bool) -> float:
    """The work of a solution, in units of a kept multiplet.

    Parameters
    ----------
    run : sequence of Levels
        A solution, one entry per twist.
    vectors : bool
        Whether it has averages of operators.
    """
    total = 0.0
    for levels in run:
        arrays = levels.arrays
        flops = float(np.sum(arrays["timing"]["reduction_flops"]))
        total += _SHELL * levels.shells + float(np.sum(arrays["kept"])) + _FLOP * flops
    return (_VECTORS if vectors else 1.0) * total


class Worker(Protocol):
    """What counts its work."""

    work: float


class Budget:
    """The work that several problems together may take."""

    def __init__(self, allowed: float) -> None:
        self.allowed = allowed
        self.problems: list[Worker] = []

    @property
    def left(self) -> float:
        """Work that is left."""
        return self.allowed - sum(problem.work for problem in self.problems)

    def solutions(self, each: float, later: float = 0.0) -> int:
        """Number of solutions of this work that may still be made; `later` is kept back."""
        if each <= 0:
            return sys.maxsize
        return max(int((self.left - later) / each), 0)
