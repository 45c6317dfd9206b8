"""Impurity problems as features of a regression, and self-energies as its outputs.

All numbers are dimensionless: the unit of energy is ``E = sqrt(sum V**2)``, so that a problem and
the same problem with all energies (and 1/beta) times s are identical: scale covariance is exact.
Frequencies enter by their number.

Features: U/E, beta E, the detuning (eps + U/2)/E, Delta(i w_n)/E at a few n, and at these n the
self-energy of the base; G and X (below) of the base at the first of them, with their phases, which
tell where a level crosses the Fermi energy. Parameters of the bath are no features, as their signs
and order are a gauge. Neither are its higher moments, which a fitted bath does not preserve. Nor
are the inputs that are not corrected: they made every length of a Gaussian process less certain.

The output, at the same n, is one of

==========  ====================================================================================
"log"       ln(Im Sigma / Im Sigma_in) and Re(Sigma - Sigma_in) / U: causal before any projection
"Sigma3"    (Sigma - Sigma_in) / E
"residual"  (G - G_in) E
"G"         G E
"cavity"    ln(Im X / Im X_in) and Re(X - X_in) / E, where Sigma = U n + U**2 n (1 - n) / (iw - X)
            with the occupation n of one spin: X is causal, and any error of X leaves Sigma bounded
==========  ====================================================================================

and n - n_in. The subscript marks the base, a convex combination of the inputs: the first input,
unless held-out errors choose another one (`kadanoff.dmft.learning.selection`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.problem import Impurity
from kadanoff.greens.grids import imaginary

__all__ = [
    "NODES",
    "PARTNER",
    "TARGETS",
    "Places",
    "Sample",
    "decode",
    "deviation",
    "encode",
    "features",
    "partner",
    "squared_distances",
]

NODES = np.array([0, 1, 2, 3, 4, 6, 9, 13, 19, 28, 41, 60])
"""Numbers n of the frequencies: Sigma is smooth in their logarithm."""
TARGETS = ("log", "Sigma3", "residual", "G", "cavity")
PARTNER = np.concatenate([np.ones(NODES.size), -np.ones(NODES.size + 1)])
"""Signs that take outputs (Im, Re, n) to those of the particle-hole partner."""
FIRST = 6
"""Number of nodes at which G and X of the base are features."""
OWN = np.concatenate([[1.0, 1.0, -1.0], -np.ones(NODES.size), np.ones(NODES.size)])
LOW = np.tile(np.repeat([-1.0, 1.0, -1.0], FIRST), 2)
SYMMETRY = np.concatenate([OWN, PARTNER, LOW])
"""Signs that take `features` to those of the particle-hole partner."""
SMALL = 1e-12
CUT = 1e-7


@dataclass(frozen=True, eq=False)
class Sample:
    """A problem at the nodes, with the self-energies of the inputs.

    Parameters
    ----------
    problem : Impurity
        The problem.
    moments : array, shape (3,)
        sum V**2 e**k.
    Delta : array of complex, shape (N,)
        Hybridisation function at the nodes.
    Sigma : array of complex, shape (inputs, N)
        Self-energies at the nodes, by input.
    n : array, shape (inputs,)
        Occupations of both spins, by input.
    share : array, shape (inputs,), optional
        Shares of the inputs in the base, 0 or more, of sum 1; the first input alone by default.
    G_tau : array, shape (inputs, T), optional
        G(tau) of the inputs at the Chebyshev times, which networks on G(tau) see.
    """

    problem: Impurity
    moments: FloatArray
    Delta: ComplexArray
    Sigma: ComplexArray
    n: FloatArray
    share: FloatArray | None = None
    G_tau: FloatArray | None = None

    @classmethod
    def of(cls, problem: Impurity, Sigma: list[ComplexArray], n: list[float]) -> Sample:
        """Make a sample from a problem and the inputs at all frequencies up to the last node."""
        Delta = problem.Delta().at_first(int(NODES[-1]) + 1)[NODES]
        return cls(
            problem,
            np.array(problem.Delta_moments()[:3]),
            Delta,
            np.array([s[NODES] for s in Sigma]),
            np.array(n),
        )

    @classmethod
    def all_of(cls, db: Database, b: int, inputs: tuple[str, ...]) -> list[Sample]:
        """Make all samples of a database at temperature number b."""
        moments = db.Delta_moments[:, :3]
        Delta = db.Delta[:, b, NODES]
        return [
            cls(
                db.impurity(i, b),
                moments[i],
                Delta[i],
                np.array([db.Sigma[name][i, b, NODES] for name in inputs]),
                np.array([db.n[name][i, b] for name in inputs]),
                G_tau=np.array([db.G_tau[name][i, b] for name in inputs]),
            )
            for i in range(len(db))
        ]

    @property
    def U(self) -> float:
        """Repulsion."""
        return self.problem.U

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return self.problem.beta

    @property
    def detuning(self) -> float:
        """eps + U/2."""
        return self.problem.detuning

    @property
    def unit(self) -> float:
        """E = sqrt(sum V**2)."""
        return math.sqrt(max(float(self.moments[0]), SMALL))

    @property
    def w_n(self) -> FloatArray:
        """Frequencies of the nodes."""
        return np.asarray(at_nodes(self.beta).imag)

    @cached_property
    def base(self) -> ComplexArray:
        """The self-energy that is corrected: causal if the inputs in it are."""
        return self.Sigma[0] if self.share is None else np.asarray(self.share @ self.Sigma)

    @cached_property
    def base_cavity(self) -> ComplexArray:
        """X of the base, see `cavity`."""
        return cavity(self, self.base, self.base_n)

    @cached_property
    def base_n(self) -> float:
        """Occupation of both spins of the base."""
        return float(self.n[0] if self.share is None else self.share @ self.n)

    @property
    def base_Z(self) -> float:
        """Z of the base, 1 / (1 - Im Sigma(i w_0) / w_0), at most 1."""
        return float(1.0 / (1.0 + max(-self.base[0].imag, 0.0) / self.w_n[0]))

    @property
    def symmetric(self) -> bool:
        """Whether the problem is particle-hole symmetric."""
        odd = np.max(np.abs(self.Delta.real)) <= 1e-9 * np.max(np.abs(self.Delta))
        return bool(odd and abs(self.detuning) <= 1e-12 * max(self.U, 1.0))

    def green(self, Sigma: ComplexArray) -> ComplexArray:
        """1 / (i w_n - eps - Delta - Sigma) at the nodes."""
        return np.asarray(1.0 / (at_nodes(self.beta) - self.problem.eps - self.Delta - Sigma))


@lru_cache(maxsize=64)
def at_nodes(beta: float) -> ComplexArray:
    """i w_n of the nodes."""
    z: ComplexArray = imaginary(beta, int(NODES[-1]) + 1)[NODES]
    z.setflags(write=False)
    return z


def damping(Sigma: ComplexArray, E: float) -> FloatArray:
    """-Im Sigma / E, cut where an approximation (sometimes the NCA) is acausal."""
    return np.asarray(np.maximum(-Sigma.imag / E, CUT))


def cavity(sample: Sample, Sigma: ComplexArray, n: float) -> ComplexArray:
    """X of Sigma = U n + U**2 n (1 - n) / (i w - X), of the causal functions that X is one of."""
    constant, total = _moments(sample.U, np.asarray(n))
    away = Sigma - constant
    away = np.where(away == 0.0, -1j * SMALL, away)
    return np.asarray(at_nodes(sample.beta) - total / away)


def _moments(U: float, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """U n and U**2 n (1 - n) of one spin, n of both given."""
    spin = np.minimum(np.maximum(0.5 * n, 1e-9), 1.0 - 1e-9)
    return U * spin, U * U * spin * (1.0 - spin)


def features(sample: Sample) -> FloatArray:
    """The features of a problem and of its base, a flat array."""
    E, base, n = sample.unit, sample.base, sample.base_n
    parts: list[Any] = [
        [math.log(max(sample.U, SMALL) / E), math.log(sample.beta * E), sample.detuning / E],
        sample.Delta.real / E,
        np.log(damping(sample.Delta, E)),
        np.log(damping(base, E)),
        (base.real - 0.5 * sample.U) / max(sample.U, SMALL),
        [n - 1.0],
    ]
    for z in (sample.green(base)[:FIRST] * E, sample.base_cavity[:FIRST] / E):
        # The logarithm of a causal function, and its phase from that at half filling.
        parts += [z.real, np.log(damping(z, 1.0)), np.arctan2(z.real, np.maximum(-z.imag, CUT))]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


def partner(size: int) -> FloatArray:
    """Signs that make `features` (given their number) those of the particle-hole partner."""
    if size != SYMMETRY.size:
        raise ValueError(f"there are {SYMMETRY.size} features, got {size}")
    return SYMMETRY


def encode(target: str, sample: Sample, Sigma: ComplexArray, n: float) -> FloatArray:
    """The output of a regression that corresponds to Sigma (at the nodes) and n."""
    E, base = sample.unit, sample.base
    if target == "log":
        real = (Sigma.real - base.real) / max(sample.U, SMALL)
        pair = np.log(damping(Sigma, E) / damping(base, E)), real
    elif target == "cavity":
        X, X_in = cavity(sample, Sigma, n), sample.base_cavity
        pair = np.log(damping(X, E) / damping(X_in, E)), (X - X_in).real / E
    else:
        if target == "Sigma3":
            z = (Sigma - base) / E
        elif target == "residual":
            z = (sample.green(Sigma) - sample.green(base)) * E
        else:
            z = sample.green(Sigma) * E
        pair = z.imag, z.real
    return np.concatenate([*pair, [n - sample.base_n]])


def decode(target: str, sample: Sample, y: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """Sigma at the nodes and n, the inverse of `encode`, for all rows of y."""
    E, base, N = sample.unit, sample.base, NODES.size
    n = np.asarray(sample.base_n + y[..., 2 * N])
    imag, real = y[..., :N], y[..., N : 2 * N]
    if target == "log":
        ratio = np.exp(np.minimum(np.maximum(imag, -30.0), 30.0))
        return base.real + sample.U * real - 1j * E * damping(base, E) * ratio, n
    if target == "cavity":
        X_in = sample.base_cavity
        ratio = np.exp(np.minimum(np.maximum(imag, -30.0), 30.0))
        X = X_in.real + E * real - 1j * E * damping(X_in, E) * ratio
        constant, total = _moments(sample.U, n[..., None])
        return np.asarray(constant + total / (at_nodes(sample.beta) - X)), n
    z = real + 1j * imag
    if target == "Sigma3":
        return base + E * z, n
    G = z / E + (sample.green(base) if target == "residual" else 0.0)
    inverse = 1.0 / G
    z = at_nodes(sample.beta)
    return np.asarray(z - sample.problem.eps - sample.Delta - inverse), n


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """|a_i - b_j|**2 for all rows of a and b."""
    return Places(b).squared_distances(a)


class Places:
    """Rows b, for squared distances from them."""

    def __init__(self, rows: FloatArray) -> None:
        self.rows, self.squares = rows, (rows * rows).sum(axis=1)

    def squared_distances(self, a: FloatArray) -> FloatArray:
        """|a_i - b_j|**2 for all rows of a."""
        square = (a * a).sum(axis=1)[:, None] + self.squares - 2.0 * (a @ self.rows.T)
        return np.asarray(np.maximum(square, 0.0))


def deviation(rows: FloatArray) -> FloatArray:
    """Standard deviation over the rows, in a third of the time of numpy's for a few of them."""
    away = rows - rows.sum(axis=0) / len(rows)
    return np.asarray(np.sqrt((away * away).sum(axis=0) / len(rows)))
