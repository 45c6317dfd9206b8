"""Intervals from the errors of problems held back: normalised, and local in U/E.

The score of a problem is its error over the error that the regression expected. Scores are
divided by a scale, the root mean square over the problems most like this one: a Gaussian process
expects too much where it has many samples, and too little at the end of them. The interval is the
scale times a quantile of these ratios among problems of similar U/E, so that shares hold for weak
and for strong coupling.

J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, J. Am. Stat. Assoc. 113, 1094 (2018),
doi:10.1080/01621459.2017.1307116, sections 5.2 (locally weighted) and 2.2 (quantiles).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.dmft.learning.encoding import Places, squared_distances

__all__ = ["Calibration", "quantiles"]

LOCAL = 0.25  # share of the held-out problems, those of similar U/E, that an interval rests on
MIN_LOCAL = 60  # of them: the 95 % quantile rests on three
NEAREST = 5  # problems that a scale rests on


@dataclass(frozen=True, eq=False)
class Calibration:
    """Scores of K problems held back.

    Parameters
    ----------
    points : array, shape (K, features)
        Their standard features.
    coupling : array, shape (K,)
        ln(U/E).
    scores : array, shape (K, N)
        Errors at the nodes over those expected.
    """

    points: FloatArray
    coupling: FloatArray
    scores: FloatArray

    @cached_property
    def usual(self) -> FloatArray:
        """The median score, shape (N,): with the nearest ones, one more."""
        return np.asarray(np.maximum(np.median(self.scores, axis=0), 1e-12))

    def _scale(self, squared: FloatArray) -> FloatArray:
        """Scales at squared distances (rows, K) from the problems, shape (rows, N)."""
        count = min(NEAREST, squared.shape[1] - 1)
        if count < 1:
            return np.ones((len(squared), self.scores.shape[1]))
        near = np.argpartition(squared, count - 1, axis=1)[:, :count]
        total = (self.scores[near] ** 2).sum(axis=1) + self.usual**2
        return np.asarray(np.sqrt(total / (count + 1)))

    @cached_property
    def ratios(self) -> FloatArray:
        """Scores over scales from the other problems, shape (K, N)."""
        squared = squared_distances(self.points, self.points)
        np.fill_diagonal(squared, np.inf)
        return np.asarray(self.scores / self._scale(squared))

    def width(self, both: FloatArray, coupling: float) -> FloatArray:
        """68 and 95 % quantiles of the score of a problem, shape (2, N).

        Parameters
        ----------
        both : array, shape (2, features)
            Standard features of the problem and of its particle-hole partner.
        coupling : float
            ln(U/E).
        """
        squared = self.places.squared_distances(both).min(axis=0)
        ratios = self.ratios
        count = max(MIN_LOCAL, round(LOCAL * len(ratios)))
        if count >= len(ratios):
            return self.everywhere * self._scale(squared[None])
        ratios = ratios[np.argpartition(np.abs(self.coupling - coupling), count)[:count]]
        return quantiles(ratios) * self._scale(squared[None])

    @cached_property
    def everywhere(self) -> FloatArray:
        """The quantiles of all ratios, shape (2, N)."""
        return quantiles(self.ratios)

    @cached_property
    def places(self) -> Places:
        """The points, for distances from them."""
        return Places(self.points)


def quantiles(scores: FloatArray) -> FloatArray:
    """68 and 95 % quantiles, as in conformal prediction: of K scores that of rank (K + 1) q."""
    # As np.quantile of method "weibull", in a tenth of its time.
    ordered = np.sort(scores, axis=0)
    found = []
    for q in (0.68, 0.95):
        rank = min(max(q * (len(ordered) + 1) - 1.0, 0.0), len(ordered) - 1.0)
        low = int(rank)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (rank - low) * (ordered[high] - ordered[low]))
    return np.maximum(found, 1e-12, dtype=np.float64)
