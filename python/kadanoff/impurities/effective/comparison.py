"""Entropy and T chi of two models far below the temperature at which one was learned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.impurities.effective.loss import Matching, ShellRuns
from kadanoff.impurities.nrg.even_odd import BETABAR, even_odd_mean
from kadanoff.impurities.nrg.levels import Levels

__all__ = ["COLDER", "Comparison", "Verdict"]

Verdict = Literal["right", "wrong", "undecided"]

COLDER = (3.0, 10.0)
"""Ratios of T to the temperatures of the refits."""
RIGHT = 0.02
"""Relative difference of entropy and T chi up to which two models are called equal. Right models
differ by at most 0.015 (an Anderson model with U = 2 pi Gamma, whose Wilson ratio is not 2)."""
RIGHT_UNLIKE = 0.004
"""The same if the effective model has a symmetry that the target lacks."""
WRONG = 0.03
"""The difference from which an effective model is wrong, unless it falls with T. A ferromagnet in
the place of an antiferromagnet, and a ratio of 3 of the exchange couplings in the place of 1, give
0.046 and 0.045; other wrong models 0.5 and more."""
_FALLS = 0.25
"""Exponent of T from which a difference vanishes. Wrong models have at most 0.12, by the slow flow
of an anisotropy; a right one has 1, and 0.3 and more in the crossover to its validity."""
_FLOOR = 1e-3  # of a free moment: entropies and T chi below it are not resolved
_FLOOR_FIELD = 5e-2  # the same in a magnetic field, where both fall exponentially
_FREE = {"entropy": math.log(2), "T chi": 0.25, "T chi_charge": 1.0, "<S_z>": 0.5}
_POINTS = 24
_WINDOW = 2.5  # the coldest factor in T, over which differences are averaged


class Comparison:
    """Impurity curves of two models on the same chains, and their relative differences."""

    def __init__(self, problem: Matching, theta: FloatArray, keywords: Mapping[str, Any]) -> None:
        runs, complete = problem.levels(theta, keywords), problem.options.complete
        shells = min(levels.shells for run in runs for levels in run)
        ends = [levels.scale[[shells - 2, 1]] / BETABAR for levels in runs[0]]
        low, high = max(e[0] for e in ends), min(e[1] for e in ends)
        high = min(high, max(2 * COLDER[1] * max(problem.T), 8 * low))
        self.T = np.geomspace(low * (1 + 1e-9), high * (1 - 1e-9), _POINTS)
        self.target, self.effective = (_curves(run, shells, self.T, complete) for run in runs)
        self.symmetries = [run[0].symmetry for run in runs]
        T = self.T
        end = _WINDOW * T[0] >= T
        self.cold = self._differences(end)
        self.hotter = {
            math.log(T[-1] / _WINDOW / T[0]): self._differences(T[-1] / _WINDOW <= T),
            math.log(_WINDOW): self._differences(~end & (_WINDOW**2 * T[0] >= T)),
        }
        self.end, self.T_cold = end, float(T[end].mean())

    def _differences(self, where: FloatArray) -> dict[str, float]:
        moment = max(abs(c["<S_z>"][where]).max() for c in (self.target, self.effective))
        floor = _FLOOR_FIELD if moment > _FLOOR else _FLOOR
        out = {}
        shares = [
            {name: curve[where] / _FREE[name] for name, curve in curves.items()}
            for curves in (self.target, self.effective)
        ]
        # A moment is that of a spin, of a charge (for U < 0), or both.
        moments = np.max([abs(s["T chi"]) + abs(s["T chi_charge"]) for s in shares], axis=0)
        entropy = np.max([abs(s["entropy"]) for s in shares], axis=0)
        sizes = {"entropy": entropy, "<S_z>": np.ones_like(moments)}
        for name in _FREE:
            change = abs(shares[1][name] - shares[0][name])
            out[name] = float(np.sum(change) / np.sum(sizes.get(name, moments) + floor))
        if moment <= _FLOOR:
            del out["<S_z>"]
        return out

    def verdict(self, rough: Comparison | None) -> tuple[Verdict, str]:
        """The verdict; `rough` is the comparison with half the states, for the truncation."""
        name = max(self.cold, key=lambda n: self.cold[n])
        difference, lacking = self.cold[name], self._lacking()
        if rough is None:
            return "undecided", (
                f"{self._values(name)} at T = {self.T_cold:.2g}; the search was too short for a "
                "test with fewer states"
            )
        noise = abs(difference - rough.cold.get(name, 0.0))
        falls = self._exponent(name)
        apart = f"{self._values(name)} at T = {self.T_cold:.2g}"
        if difference <= (RIGHT_UNLIKE if lacking and falls < _FALLS else RIGHT) >= noise:
            digits = f"{100 * max(difference, 1e-5):.2g}"
            return "right", (
                f"entropy, T chi and T chi_charge of the two models agree to {digits} % at "
                f"T = {self.T_cold:.2g}{lacking}"
            )
        if noise > difference / 2:
            return "undecided", (
                f"{apart}, but the difference changes by {noise:.1%} with half the states"
            )
        if falls >= _FALLS:
            return "undecided", f"{apart}, a difference that falls with T: T is not low enough"
        if difference - noise > WRONG:
            return "wrong", f"{apart}, a difference that does not vanish with T{lacking}"
        return "undecided", f"{apart}, a small difference{lacking}"

    def _exponent(self, name: str) -> float:
        """With which power of T the difference vanishes: from T on, or at the end of the chain."""
        least = 1e-300
        cold = max(self.cold[name], least)
        return max(
            math.log(max(hot.get(name, 0.0), least) / cold) / span
            for span, hot in self.hotter.items()
        )

    def _values(self, name: str) -> str:
        means = (float(c[name][self.end].mean()) for c in (self.target, self.effective))
        target, effective = means
        return f"{name} is {target:.3g} in the target and {effective:.3g} in the effective model"

    def _lacking(self) -> str:
        """The symmetry that the effective model has and the target has not."""
        target, effective = self.symmetries
        if (target[1], effective[1]) == ("U1", "SU2"):
            lost = "the SU(2) symmetry of the spin, which a field or an anisotropy breaks"
        elif target[1] == effective[1] and (target[0], effective[0]) == ("U1", "SU2"):
            lost = "the SU(2) symmetry of the charge, which a potential scattering breaks"
        else:
            return ""
        return f"; the target lacks a symmetry of the effective model: {lost}"


def _curves(run: ShellRuns, shells: int, T: FloatArray, complete: bool) -> dict[str, FloatArray]:
    """Impurity contributions, the mean of even and odd shells and of the twists."""
    means = [_curve(levels, shells, T, complete) for levels in run]
    return dict(zip(_FREE, np.mean(means, axis=0).T, strict=True))


def _curve(levels: Levels, shells: int, T: FloatArray, complete: bool) -> FloatArray:
    n = np.arange(shells)
    at = levels.scale[:shells] / BETABAR
    full, clean = levels.averages(n, at, complete=complete), levels.clean(n, at)
    names = ("entropy", "spin_variance", "charge_variance", "spin")
    parts = np.stack([getattr(full, x) - getattr(clean, x) for x in names], axis=-1)
    return even_odd_mean(at, parts, T)
