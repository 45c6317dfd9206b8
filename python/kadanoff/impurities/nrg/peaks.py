r"""Delta peaks of a spectrum, collected in logarithmic bins, and integrals over them.

Every bin keeps the weight W and the first moment M of its peaks. An integral over the peaks needs
no broadening:

    int A(w) f(w) dw = sum_bins W f(.) ,

with f in each bin replaced by the straight line through its values at the two Gauss nodes, which
weight and first moment integrate exactly. With 300 bins per decade the error is about 1e-6 of f.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kadanoff._base.types import FloatArray

if TYPE_CHECKING:
    from kadanoff.impurities.nrg.job import Job

__all__ = ["BINS_PER_DECADE", "Bins", "bins_of"]

BINS_PER_DECADE = 300
MIN_OVER_T = 1e-4
"""Smallest frequency that is resolved, in units of the lowest temperature."""


@dataclass(frozen=True)
class Bins:
    """Logarithmic bins on both sides of zero, and the mesh of their edges.

    Attributes
    ----------
    lowest : float
        The first bin reaches from 0 to ``lowest * 10**(1/per_decade)``.
    per_decade : int
        Number of bins per decade.
    count : int
        Number of bins on each side of zero.
    """

    lowest: float
    per_decade: int
    count: int

    def __repr__(self) -> str:
        return f"Bins({self.count} per side, {self.per_decade} per decade from {self.lowest:.3g})"

    @property
    def mesh(self) -> FloatArray:
        """All edges, ascending, shape (2 count + 1,)."""
        edges = self.lowest * 10 ** (np.arange(1, self.count + 1) / self.per_decade)
        return np.concatenate([-edges[::-1], [0.0], edges])

    def spread(self, weight: FloatArray, moment: FloatArray) -> FloatArray:
        """Weights on the mesh that have the weight and the first moment of every bin.

        A bin [l, u] gives ``(u W - M) / (u - l)`` to l and ``(M - l W) / (u - l)`` to u, so that
        the spectrum is a continuous function of the position of a peak. Bins run over the negative
        side first, on each side from zero outwards.
        """
        edges = self.mesh[self.count :]
        low, high = edges[:-1], edges[1:]
        out = np.zeros(2 * self.count + 1)
        for sign in (-1, 1):
            side = slice(0, self.count) if sign < 0 else slice(self.count, None)
            W, M = weight[side], sign * moment[side]
            share = np.zeros(self.count + 1)
            share[:-1] += (high * W - M) / (high - low)
            share[1:] += (M - low * W) / (high - low)
            out[self.count :: sign] += share
        return out

    def integrate(
        self, weight: FloatArray, moment: FloatArray, f: Callable[[FloatArray], NDArray[Any]]
    ) -> Any:
        """``int A(w) f(w) dw``, `f` vectorised and smooth on the scale of a bin.

        In the first bin the line runs through f(0), so that degenerate states count exactly.
        """
        edges = self.mesh[self.count :]
        middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
        near, far = (middle + s * half / math.sqrt(3) for s in (-1.0, 1.0))
        near[0], far[0] = 0.0, edges[1]
        total: Any = 0.0
        for sign in (-1, 1):
            side = slice(0, self.count) if sign < 0 else slice(self.count, None)
            W, M = weight[..., side], sign * moment[..., side]
            share = (M - near * W) / (far - near)
            total = total + share @ f(sign * far) + (W - share) @ f(sign * near)
        return total


def bins_of(job: Job, T: FloatArray, per_decade: int = BINS_PER_DECADE) -> Bins:
    """From far below the lowest temperature to beyond every excitation of H."""
    lowest = MIN_OVER_T * float(T.min())
    local = max(max(e[-1] for e in s.energies) - min(e[0] for e in s.energies) for s in job.starts)
    highest = max(100 * job.model.band.D, 10 * float(local), float(T.max()))
    count = math.ceil(math.log10(highest / lowest) * per_decade)
    return Bins(lowest, per_decade, count)
