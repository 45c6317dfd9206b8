"""The range of a training set: U/E, beta E and |eps + U/2|/E of its problems.

A distance to the nearest sample says little at the edge of a range: a problem just beyond it is as
near to the last sample as many others are to theirs, yet nothing was learned on its far side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadanoff._base.types import FloatArray

__all__ = ["Domain"]

NAMES = ("U/E", "beta E", "|eps + U/2|/E")
COORDINATES = len(NAMES)
"""Number of the first `encoding.features` that are logarithms or values of these."""
NEAREST = 8.0
"""In mean distances of neighbours; the smallest of n uniform values is larger in 1 of 3000 sets."""
SLACK = np.array([1e-4, 1e-3, 1e-4])
"""Of the coordinates: E of a Delta that is given as numbers has errors of this order, and training
sets often hold one beta E."""


@dataclass(frozen=True, eq=False)
class Domain:
    """Smallest and largest ln(U/E), ln(beta E) and |eps + U/2|/E of a training set.

    Parameters
    ----------
    lowest, highest : array, shape (3,)
        The bounds.
    """

    lowest: FloatArray
    highest: FloatArray

    def __str__(self) -> str:
        low, high = self._shown(self.lowest), self._shown(self.highest)
        return ", ".join(
            f"{name} = {a:.4g} to {b:.4g}" for name, a, b in zip(NAMES, low, high, strict=True)
        )

    @classmethod
    def of(cls, rows: FloatArray) -> Domain:
        """The domain of rows of features."""
        own = _coordinates(rows)
        lowest, highest = own.min(axis=0), own.max(axis=0)
        # Samples on both sides of half filling rarely lie on it: a smallest detuning that is no
        # more than the distance of neighbours belongs to a range that contains 0.
        if lowest[2] < NEAREST * highest[2] / np.unique(own[:, 2].round(9)).size:
            lowest[2] = 0.0
        return cls(lowest, highest)

    def beyond(self, row: FloatArray) -> str:
        """What lies beyond the range, in words; empty if nothing does."""
        x = _coordinates(row[None])[0]
        out = (x < self.lowest - SLACK) | (x > self.highest + SLACK)
        if not out.any():
            return ""
        shown = [self._shown(of) for of in (x, self.lowest, self.highest)]
        return ", ".join(
            f"{NAMES[k]} = {shown[0][k]:.4g} (trained on {shown[1][k]:.4g} to {shown[2][k]:.4g})"
            for k in np.flatnonzero(out)
        )

    @staticmethod
    def _shown(x: FloatArray) -> FloatArray:
        return np.array([*np.exp(x[:2]), x[2]])


def _coordinates(rows: FloatArray) -> FloatArray:
    found = np.array(rows[:, :COORDINATES])
    found[:, 2] = np.abs(found[:, 2])
    return found
