"""Fixed-point iterations: linear mixing, and Anderson mixing that follows the linear branch.

References
----------
D. G. Anderson, J. ACM 12, 547 (1965), doi:10.1145/321296.321305.
H. Fang, Y. Saad, Numer. Linear Algebra Appl. 16, 197 (2009), doi:10.1002/nla.617: type I.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray

__all__ = ["Bracket", "Mixer"]

FORESEEN, GROWTH = 0.3, 2.0
"""Longer steps are allowed if the residual was predicted within this share of the last one."""
DEPENDENT = 1e-8
"""Steps whose independent part, relative to the longest, is shorter than this are rounding."""


@dataclass
class Mixer:
    """The next input of ``x = f(x)`` from the inputs and outputs so far.

    Parameters
    ----------
    kind : {"linear", "anderson"}
        ``x + share (f - x)``, or a secant step in the space of the last steps and the linear step
        orthogonal to it.
    share : float
        Share of the new output, in (0, 1].
    memory : int
        Number of previous steps used by Anderson mixing.
    reach : float
        Largest length of the secant step in each of its directions, in units of the residual.

    Notes
    -----
    In the last steps as a basis, the differences of the residuals ``r = f - x`` are a small
    Jacobian J with eigenvalues l. Newton's step divides by -l and converges to any root. Where
    a solution has just ceased to exist, or close to an unstable one, l > 0 and the step points
    against r, so that the iteration stays near a point that is no root, or near an unstable root.
    Here each direction is divided by |l| instead, or by 1 / (trusted length) if that is larger.
    Stable directions (l < 0) have Newton's step; the others follow the linear iteration, faster.
    The trusted length is 1 at first, doubles up to `reach` while J predicts the next residual
    within 0.3 of the last one, and is reset to 1 otherwise: with 30 from the start the iteration
    would miss the metal close to its end. The branch is therefore that of linear mixing.

    Iterations to a residual of 1e-6 on the Bethe lattice (D = 1), "linear" with share 1 and
    "anderson", from the free metal and from the atom. The metal ends between 2.38 and 2.39, the
    insulator between 2.36 and 2.37 with "ed", five sites, beta = 50; with "ipt" the metal ends
    between 2.99 and 3.00 at beta = 50, between 3.32 and 3.34 at 200:

        ed, beta = 50   U      2.0   2.3  2.36  2.37  2.38  2.39   2.4   2.5
        metal       linear      14    33    61    77   113   258   132    48
                    anderson     7    10    13    14    18    46    34    18
        insulator   linear      21    61   395   119    84    68    58    29
                    anderson    14    23    47    18    13    13    13    11

        ipt, metal      U    beta = 50:  2.9  2.95  2.99   3.0    200:  3.2   3.3  3.32  3.34
                    linear                42    56   137   109           84   182   299   118
                    anderson              12    11    21    34           17    25    32    38
    """

    kind: str = "linear"
    share: float = 1.0
    memory: int = 3
    reach: float = 30.0
    _trusted: float = 1.0
    _foreseen: FloatArray | None = None
    _inputs: list[FloatArray] = field(default_factory=list)
    _residuals: list[FloatArray] = field(default_factory=list)

    def next(self, x: FloatArray, fx: FloatArray) -> FloatArray:
        """The next input, from the last input and output."""
        residual = fx - x
        if self.kind == "linear":
            return np.asarray(x + self.share * residual)
        if self._foreseen is not None:
            error = float(np.linalg.norm(residual - self._foreseen))
            good = error < FORESEEN * float(np.linalg.norm(self._residuals[-1]))
            trusted = self._trusted * GROWTH if good else 1.0
            self._trusted = min(max(trusted, 1.0), self.reach)
        self._inputs.append(x)
        self._residuals.append(residual)
        del self._inputs[: -self.memory - 1], self._residuals[: -self.memory - 1]
        # Last steps first: the older of two nearly parallel steps is dropped.
        dx = np.diff(np.array(self._inputs), axis=0)[::-1].T
        dr = np.diff(np.array(self._residuals), axis=0)[::-1].T
        basis, triangle = np.linalg.qr(dx)
        length = np.abs(np.diag(triangle))
        rank = int(np.sum(np.cumprod(length > DEPENDENT * np.max(length, initial=0.0))))
        if rank == 0:
            self._foreseen = None
            return np.asarray(x + self.share * residual)
        basis = basis[:, :rank]
        change = np.linalg.solve(triangle[:rank, :rank].T, dr[:, :rank].T).T  # J on the basis
        inside = basis.T @ residual
        values, vectors = np.linalg.eig(basis.T @ change)
        try:
            step = self._along(values, vectors, inside)
        except np.linalg.LinAlgError:  # a defective J has too few directions
            self._foreseen = None
            return np.asarray(x + self.share * residual)
        left = residual + change @ step
        inside = basis @ (basis.T @ left)
        across = left - inside
        self._foreseen = inside + (1.0 - self.share) * across
        return np.asarray(x + basis @ step + self.share * across)

    def _along(self, values: ComplexArray, vectors: ComplexArray, inside: FloatArray) -> FloatArray:
        """The step in the space of the last steps."""
        size = np.maximum(np.abs(values), 1.0 / self._trusted)
        # A stable spiral has Newton's step too.
        newton = (values.real < 0.0) & (np.abs(values) > 1.0 / self._trusted)
        factor = np.where(newton, -1.0 / np.where(newton, values, 1.0), 1.0 / size)
        return np.asarray((vectors @ (factor * np.linalg.solve(vectors, inside))).real)


@dataclass
class Bracket:
    """Bracket of the level at which a decreasing function of the level reaches its target.

    Parameters
    ----------
    width : float
        A narrower bracket is discarded: the values at its ends belong to other baths, and mixing is
        more accurate close to convergence.

    Examples
    --------
    >>> bracket = Bracket(0.1)
    >>> bracket.add(0.0, 0.2), bracket.add(1.0, -0.3)
    (None, None)
    >>> bracket.inside(3.0, 0.8), bracket.inside(0.7, 0.8)
    (0.5, 0.7)
    """

    width: float
    low: float = -math.inf
    high: float = math.inf

    def add(self, level: float, excess: float) -> None:
        """Add the excess over the target at a level."""
        if excess > 0.0:
            self.low = level if level < self.high else self.low
            self.high = self.high if level < self.high else math.inf
        else:
            self.high = level if level > self.low else self.high
            self.low = self.low if level > self.low else -math.inf
        if self.high - self.low < self.width:
            self.low, self.high = -math.inf, math.inf

    def inside(self, mixed: float, plain: float) -> float:
        """The mixture if inside, else the middle, or the plain step of a half-open bracket."""
        if self.low < mixed < self.high:
            return mixed
        middle = 0.5 * (self.low + self.high)
        return middle if math.isfinite(middle) else plain
