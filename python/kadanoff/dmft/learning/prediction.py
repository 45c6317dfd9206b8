"""What a regression predicts of one problem: a causal self-energy with its errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.learning.encoding import Sample
from kadanoff.dmft.solvers.causal import Projected

__all__ = ["Prediction", "furthest"]


@public
@dataclass(frozen=True, eq=False)
class Prediction:
    """The predicted self-energy of one problem with its errors.

    Parameters
    ----------
    Sigma : Projected
        The causal self-energy; that nearest to the input where an input is kept as it is.
    values : array of complex, shape (N,)
        The self-energy at `NODES`.
    kept : str or None
        The input that is the answer as it is, because no correction of it was found to help.
    error68, error95 : array, shape (N,)
        Half widths of the intervals around Im Sigma at `NODES` that contain the exact value for
        68 and 95 % of problems like those of the calibration.
    distance : float
        Distance to the training set, in units of the usual distance within it.
    beyond : str
        Which of U/E, beta E and |eps + U/2|/E lies beyond the range of the training set, in words;
        empty if none does.
    """

    Sigma: Projected
    values: ComplexArray
    kept: str | None
    error68: FloatArray
    error95: FloatArray
    distance: float
    beyond: str = ""

    def outside(self, reach: float) -> bool:
        """Whether the problem is further away than `reach`, or beyond the range."""
        return bool(self.beyond) or not self.distance <= reach

    def __repr__(self) -> str:
        return (
            f"Prediction({self.kept or repr(self.Sigma)}; error of Im Sigma(i w_0) "
            f"{self.error68[0]:.2g} (68 %), {self.error95[0]:.2g} (95 %); "
            f"distance {self.distance:.2g})"
        )


def furthest(samples: list[Sample]) -> float:
    """Furthest pole of a self-energy, in units of pi / beta, from bath and U."""
    return max(
        4.0,
        *(
            s.beta
            / math.pi
            * (s.U + abs(s.detuning) + 4.0 * math.sqrt(s.moments[2]) / s.unit + 2.0 * s.unit)
            for s in samples
        ),
    )
