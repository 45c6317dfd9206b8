"""S_imp and T chi_imp of a run as smooth functions of T, for the definitions of T_K."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.impurities.nrg.even_odd import BETABAR, even_odd_mean
from kadanoff.impurities.nrg.result import NRGResult

__all__ = ["SmoothCurve"]

_SYMBOL = {"entropy": "S_imp", "T_chi": "T chi_imp"}


class SmoothCurve:
    """S_imp or T chi_imp of a run as a smooth function of T.

    Uses lower temperatures of each shell than the curves of NRGResult (see
    `kadanoff.impurities.nrg.even_odd`): T_K is accurate to 2e-4 with 500 kept states.
    """

    def __init__(self, run: NRGResult, name: Literal["entropy", "T_chi"]) -> None:
        if not isinstance(run, NRGResult):
            raise TypeError(f"run must be the NRGResult of nrg.solve, got {type(run).__name__}")
        self.name = name
        self.run = run
        attribute = "entropy" if name == "entropy" else "spin_variance"
        self.points = []
        for levels in run.levels:
            n, T = np.arange(levels.shells), levels.scale / BETABAR
            full = levels.averages(n, T, complete=run.options.complete)
            clean = levels.clean(n, T)
            self.points.append((T, getattr(full, attribute) - getattr(clean, attribute)))
        self.T_min = max(float(T[-2]) for T, _ in self.points)
        self.T_max = min(float(T[1]) for T, _ in self.points)

    def __call__(self, T: FloatArray) -> FloatArray:
        """The curve at temperatures T."""
        out: FloatArray = np.mean([even_odd_mean(t, y, T) for t, y in self.points], axis=0)
        return out

    def crossing(self, value: float) -> float:
        """The lowest T at which the curve falls through `value`."""
        T = np.geomspace(self.T_min, self.T_max, 20 * len(self.points[0][0]))
        above = np.flatnonzero(self(T) >= value)
        if not len(above) or above[0] == 0:
            state = "above"
            remedy = (
                "solve with a smaller T_min or with more states (keep, keep_multiplets, "
                "energy_cutoff), unless a moment survives at T = 0"
            )
            if not len(above):
                state = "below"
                remedy = (
                    f"there is no moment to screen below {self.T_max:.2g}, where the shells of "
                    "the chain begin; a T_K of the order of the half bandwidth is not a low-energy "
                    "scale"
                )
            raise ValueError(
                f"{_SYMBOL[self.name]} of the run stays {state} {value:.4g} from T = "
                f"{self.T_max:.2g} down to {self.T_min:.2g}: {remedy}"
            )
        low, high = T[above[0] - 1], T[above[0]]
        while high - low > 1e-9 * low:
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self(np.array([middle]))[0] >= value else (middle, high)
        return float(math.sqrt(low * high))

    def error(self, T: FloatArray) -> FloatArray:
        """Error of the curve at temperatures T, from the errors that the run states.

        The truncation of this curve is that of the lowest of the three temperatures of a shell.
        """
        errors = self.run.errors
        if errors is None:
            raise ValueError(
                "the errors of this run were not estimated; solve with errors=True (the default "
                "of kadanoff.nrg.solve)"
            )
        truncation = errors.truncation[self.name]
        padded = np.pad(truncation, 1, mode="edge")
        lowest = np.lib.stride_tricks.sliding_window_view(padded, 3).min(axis=1)
        both = np.hypot(lowest, errors.discretisation[self.name])
        out: FloatArray = np.interp(np.log(T), np.log(self.run.T[::-1]), both[::-1])
        return out
