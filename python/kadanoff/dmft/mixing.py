"""Fixed-point iterations: linear and Anderson mixing.

References
----------
D. G. Anderson, J. ACM 12, 547 (1965), doi:10.1145/321296.321305.
H. F. Walker, P. Ni, SIAM J. Numer. Anal. 49, 1715 (2011), doi:10.1137/10078356X, Eq. (1.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kadanoff.greens.grids import FloatArray

__all__ = ["Mixer"]


@dataclass
class Mixer:
    """The next input of ``x = f(x)`` from the inputs and outputs so far.

    Parameters
    ----------
    kind : {"linear", "anderson"}
        ``x + share (f - x)``, or that on the combination of the last `memory` steps whose residual
        is smallest. The combination is taken once the relative residual is below `near`, and given
        up whenever the residual grows: far from a solution it would lead anywhere.
    share : float
        Share of the new, in (0, 1].
    memory : int
        Steps that Anderson mixing looks back.
    near : float
        |f - x| / |x| below which Anderson mixing begins.
    """

    kind: str = "linear"
    share: float = 1.0
    memory: int = 5
    near: float = 0.02
    _inputs: list[FloatArray] = field(default_factory=list)
    _residuals: list[FloatArray] = field(default_factory=list)

    def next(self, x: FloatArray, fx: FloatArray) -> FloatArray:
        """The next input, given the last one and what came out."""
        residual = fx - x
        size = float(np.linalg.norm(residual))
        far = size > self.near * float(np.linalg.norm(x))
        if self._residuals and size > 1.2 * float(np.linalg.norm(self._residuals[-1])):
            far = True
        if self.kind == "linear" or far:
            self._inputs.clear()
            self._residuals.clear()
            return x + (self.share if self.kind == "linear" else 1.0) * residual
        self._inputs.append(x)
        self._residuals.append(residual)
        del self._inputs[: -self.memory - 1], self._residuals[: -self.memory - 1]
        if len(self._inputs) == 1:
            return x + self.share * residual
        dx = np.diff(np.array(self._inputs), axis=0)
        dr = np.diff(np.array(self._residuals), axis=0)
        gamma = np.linalg.lstsq(dr.T, residual, rcond=1e-10)[0]
        return np.asarray(x - gamma @ dx + self.share * (residual - gamma @ dr))
