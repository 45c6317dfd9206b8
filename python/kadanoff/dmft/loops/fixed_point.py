"""The distance of an iteration from its fixed point."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.dmft.solution import Solution, marked

__all__ = ["Approach"]

MEMORY = 3  # steps from which slopes are taken, as many as Anderson mixing uses
SAFETY = 2.0
"""Of the distance: after the first step of a loop the estimate is 0.6 of the distance."""


@dataclass
class Approach:
    """The last steps of an iteration ``x -> f(x)`` and a result O of each.

    Notes
    -----
    The fixed point is ``|f - x| / (1 - r)`` away, with the contraction ``r = |df| / |dx|`` of the
    last steps, and O changes on the way there by ``|dO| / |dx|`` of that. With linear mixing and
    one slow direction this is ``|dO| r / (1 - r)``; a step of Anderson mixing, whose last change
    says little, is judged by the same formula. r and the slope are the largest of three steps.

    Examples
    --------
    >>> approach, x = Approach(), np.array([1.0])
    >>> for _ in range(5):
    ...     approach.add(x, 0.5 * x, 3.0 * float(x[0]))
    ...     x = 0.5 * x
    >>> approach.contraction, approach.distance  # twice that of 3/16 from zero
    (0.5, 0.375)
    """

    _inputs: list[FloatArray] = field(default_factory=list)
    _outputs: list[FloatArray] = field(default_factory=list)
    _results: list[float] = field(default_factory=list)

    def add(self, x: FloatArray, fx: FloatArray, result: float) -> None:
        """Add an input, its output, and the result of that input."""
        for kept, new in ((self._inputs, x), (self._outputs, fx)):
            kept.append(new)
            del kept[: -MEMORY - 1]
        self._results.append(result)
        del self._results[: -MEMORY - 1]

    @property
    def steps(self) -> int:
        """Number of steps that are remembered."""
        return max(len(self._inputs) - 1, 0)

    def _slopes(self, values: list[FloatArray] | list[float]) -> float:
        """The largest change of values over that of the input."""
        pairs = [
            (float(np.linalg.norm(self._inputs[k + 1] - self._inputs[k])), values[k + 1], values[k])
            for k in range(self.steps)
        ]
        found = [
            float(np.linalg.norm(np.subtract(new, old))) / moved
            for moved, new, old in pairs
            if moved
        ]
        return max(found, default=math.nan)

    @property
    def left(self) -> float:
        """The last change ``|f - x|``."""
        return float(np.linalg.norm(self._outputs[-1] - self._inputs[-1]))

    @property
    def contraction(self) -> float:
        """The largest ``|df| / |dx|`` of the last steps; NaN before the first one."""
        return self._slopes(self._outputs)

    @property
    def distance(self) -> float:
        """The distance of the last result from that of the fixed point.

        NaN where it is not known: before the first step, or if the iteration does not contract.
        """
        if self._inputs and self.left == 0.0:
            return 0.0
        r = self.contraction
        if not r < 1.0:
            return math.nan
        return SAFETY * self._slopes(self._results) * self.left / (1.0 - r)

    def error(self, single: float) -> float:
        """The error of the result of a loop from that of one solve, and the distance.

        The error of a solve changes the output too, and so the fixed point by 1 / (1 - r) of it.
        """
        r = self.contraction
        if self._inputs and self.left == 0.0 and math.isnan(r):
            r = 0.0  # began at the fixed point
        if not r < 1.0:
            return math.nan
        return math.hypot(single / (1.0 - r), self.distance)

    def judged(self, solution: Solution) -> Solution:
        """The last solution, whose results were the Z of its bath, with the error of Z of the loop.

        "Z_error_of_solve" remains that of Z for the bath of the solution.
        """
        single = solution.diagnostics.get("Z_error")
        if single is None:
            return solution
        errors = {"Z_error": self.error(float(single)), "Z_error_of_solve": single}
        return marked(solution, diagnostics={**solution.diagnostics, **errors})
