"""What noise must not change in a Green function: ``G(tau) < 0``, and ``-2 G(beta) = n``.

The second is one more identity, whose measured violation corrects Sigma as those of
`kadanoff.dmft.solvers.estimators` do; n stays. The first is imposed
where noise violates it: in an insulator G(tau) in the middle of the interval is far below the
noise. Sigma is then replaced by the nearest sum of poles of positive weight, in units of its
errors, with the exact Hartree term, sum rule and n (`kadanoff.dmft.solvers.causal`). The poles have
no meaning as a spectrum: `CausalFunction` shows them on the imaginary axis alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kadanoff._base.signatures import internal
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff.dmft.problem import Impurity
from kadanoff.dmft.solvers.causal import PoleGrid, Projected
from kadanoff.dmft.solvers.embedding import resolvent
from kadanoff.greens import GreenFunction, MatsubaraFunction
from kadanoff.greens.grids import chebyshev_times, fermionic
from kadanoff.runs.result_files import storable

__all__ = ["CausalFunction", "Physical", "causal_bath", "is_negative", "nodes", "physical"]

POLES = 160  # on each side of zero: neighbours differ by 6 % at most, and 1/(iw - e) by 5e-4
CLOSE = 1e-10  # difference of n and -2 G(beta)
STEPS = 8


@storable
@dataclass(frozen=True, eq=False)
class CausalFunction(MatsubaraFunction):
    """Values and moments of poles of positive weight, and G(tau) of these poles.

    Parameters
    ----------
    values, beta, moments
        As of `kadanoff.greens.MatsubaraFunction`.
    poles : GreenFunction
        The poles. They are one of many spectra with these values, and no continuation.
    """

    poles: GreenFunction = None  # type: ignore[assignment]  # set by `of`

    @classmethod
    def of(cls, poles: GreenFunction, frequencies: int) -> CausalFunction:
        """The function of these poles at the first frequencies."""
        made = object.__new__(cls)
        values = poles.iw(frequencies)
        values.setflags(write=False)
        moments = tuple(float(m) for m in poles.power_sums(4))
        made.__dict__.update(values=values, beta=poles.beta, moments=moments, poles=poles)
        return made

    @internal
    def at_times(self, tau: FloatArray) -> FloatArray:
        """As `tau`, for a flat array of float; negative."""
        return self.poles.at_times(tau)

    @cached_property
    def occupation(self) -> float:
        """-G(beta-) of the poles: the values end at a frequency."""
        return self.poles.occupation


@dataclass(frozen=True, eq=False)
class Physical:
    """A self-energy whose Green function is negative and has the occupation n.

    Parameters
    ----------
    Sigma_iw, Delta_iw : array of complex, shape (N,)
        Self-energy, and the hybridisation function as a sum of poles.
    G : CausalFunction
        Their Green function.
    """

    Sigma_iw: ComplexArray
    Delta_iw: ComplexArray
    G: CausalFunction


def is_negative(G: MatsubaraFunction) -> bool:
    """Whether G(tau) < 0 at the Chebyshev times of a solution, the ends apart."""
    return bool(np.all(G.tau(chebyshev_times(G.beta))[1:-1] < 0.0))


def nodes(count: int) -> IntArray:
    """Indices of the frequencies at which poles are fitted: all of the lowest, fewer above."""
    high = np.geomspace(32, max(count, 33), 48).astype(int) - 1
    return np.unique(np.concatenate([np.arange(min(32, count)), high[high < count]]))


def _grid(problem: Impurity, chosen: IntArray) -> PoleGrid:
    m0, _, m2, _ = problem.Delta_moments()
    widest = problem.U + abs(problem.detuning) + 2.0 * math.sqrt(max(m2 / m0, 0.0) + m0)
    reach = max(4.0 * widest * problem.beta / math.pi, 4.0)
    return PoleGrid(np.asarray(2.0 * chosen + 1.0, dtype=np.float64), reach, POLES)


def causal_bath(problem: Impurity, count: int = 1024) -> Projected:
    """The nearest Delta with poles of positive weight and the same sum of V**2."""
    chosen = nodes(count)
    Delta = problem.Delta().iw(count)[chosen]
    # Noise of a measured Delta does not fall with frequency.
    error = np.full(chosen.size, (1.0 + 1.0j) * float(np.max(np.abs(Delta))))
    total, symmetric = problem.Delta_moments()[0], problem.is_half_filled
    return _grid(problem, chosen).fit(
        Delta, 0.0, total, problem.beta, symmetric=symmetric, error=error
    )


def physical(
    problem: Impurity,
    Sigma: ComplexArray,
    error: FloatArray,
    chosen: IntArray,
    n: float,
    frequencies: int,
    opposite: float | None = None,
) -> Physical:
    """The nearest self-energy of positive poles with the occupation n.

    Parameters
    ----------
    problem : Impurity
        Of which it is the self-energy.
    Sigma : array of complex, shape (M,)
        Self-energy at the frequencies `chosen`.
    error : array, shape (M,)
        Its standard deviations.
    chosen : array of int, shape (M,)
        Indices of these frequencies.
    n : float
        Occupation of both spins.
    frequencies : int
        Number of frequencies of the result.
    opposite : float, optional
        Occupation of the other spin where the spins differ; n is then twice that of the spin.
    """
    U, eps, beta = problem.U, problem.eps, problem.beta
    symmetric = problem.is_half_filled and opposite is None
    other = 0.5 * n if opposite is None else opposite
    spin = 0.5 if symmetric else min(max(other, 1e-9), 1.0 - 1e-9)
    hartree, s1 = U * spin, U * U * spin * (1.0 - spin)
    grid, star = _grid(problem, chosen), problem.star()
    if star is None:
        bath = causal_bath(problem)
        star = bath.poles, bath.weights
    Delta = GreenFunction.own(*star, beta)
    scaled = np.asarray(np.maximum(error, 1e-12 * np.abs(Sigma)) * (1.0 + 1.0j))
    w_n = fermionic(beta, 4 * int(chosen[-1]) + 4)
    unit = math.pi / beta
    also: list[tuple[FloatArray, float]] = []
    for _ in range(1 if symmetric else STEPS):
        found = grid.fit(Sigma, hartree, s1, beta, symmetric=symmetric, error=scaled, also=also)
        G = resolvent(
            eps + hartree,
            np.concatenate([star[0], found.poles]),
            np.concatenate([star[1], found.weights]),
            beta,
        )
        excess = 2.0 * G.occupation - n
        if symmetric or abs(excess) < CLOSE:
            break
        # n(p) = n + sum_k (p_k - p0_k) dn/dp_k: dG = G**2 dSigma, and n = 4 T Re sum dG
        squared = G.iw(w_n.size) ** 2
        at = grid.poles * unit
        slope = np.array(
            [4.0 / beta * s1 * float(np.sum((squared / (1j * w_n - e)).real)) for e in at]
        )
        size = float(np.max(np.abs(slope)))
        shares = np.zeros(at.size)
        shares[np.searchsorted(at, found.poles)] = found.weights / s1
        also = [(slope / size, float(slope @ shares - excess) / size)]
    z = np.asarray(1j * fermionic(beta, frequencies), dtype=np.complex128)
    Sigma_iw = np.asarray(found.iw(z.imag))
    return Physical(Sigma_iw, Delta.iw(frequencies), CausalFunction.of(G, frequencies))
