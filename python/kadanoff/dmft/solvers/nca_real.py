r"""Non-crossing approximation on the real axis.

Spectral functions p_m of the pseudo-particles (empty, one electron of a given spin, double) obey

    sigma_0(w) = 2 int de rho(e) f(e) p_1(w + e),
    sigma_2(w) = 2 int de rho(e) f(-e) p_1(w - e),
    sigma_1(w) = int de rho(e) [f(-e) p_0(w - e) + f(e) p_2(w + e)],
    p_m = -Im 1 / (w - E_m - Sigma_m + i0) / pi,         Sigma_m = int sigma_m(x) / (w - x + i0) dx,

with ``rho = -Im Delta / pi``. The lesser functions ``p^<_m = exp(-beta w) p_m / Z`` cannot be
computed from p_m in floating-point arithmetic. They obey the same equations with f(e) and f(-e)
exchanged, ``p^<_m = |G_m|**2 sigma^<_m``, of norm ``sum_m d_m int p^<_m = 1``. Then

    A(w) = sum_(m = 0, 1) int dx [p^<_m(x) p_(m+1)(x + w) + p_m(x) p^<_(m+1)(x + w)].

References
----------
N. E. Bickers, Rev. Mod. Phys. 59, 845 (1987), doi:10.1103/RevModPhys.59.845, section V.
M. H. Hettler, J. Kroha, S. Hershfield, Phys. Rev. B 58, 5649 (1998),
doi:10.1103/PhysRevB.58.5649, section III (the lesser functions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kadanoff._base.errors import Cancelled, NotConverged
from kadanoff._base.running import Run
from kadanoff._base.types import FloatArray
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity

__all__ = ["RealAxisNCA", "solve_real"]

PER_T = 16
"""Points of the uniform grid per temperature."""
MAX_POINTS = 1 << 19
NORM = 2e-4
"""Error of the norms at which the grid is fine enough."""
MULTIPLICITY = np.array([1.0, 2.0, 1.0])


@dataclass(frozen=True, eq=False)
class RealAxisNCA:
    """A(w) on a uniform grid, with the populations of the pseudo-particles.

    Parameters
    ----------
    omega, A : array, shape (N,)
        Spectrum of the impurity.
    populations : array, shape (3,)
        Probabilities that the orbital is empty, single (both spins), double.
    norms : array, shape (3,)
        Integrals of the spectra of the pseudo-particles, 1 if the grid is fine and wide enough.
    iterations : int
        Iterations of both sets of equations.
    """

    omega: FloatArray
    A: FloatArray
    populations: FloatArray
    norms: FloatArray
    iterations: int

    def __repr__(self) -> str:
        p = ", ".join(f"{x:.3g}" for x in self.populations)
        return (
            f"RealAxisNCA({self.omega.size} frequencies, populations {p}, largest error of the "
            f"norms {np.max(np.abs(self.norms - 1.0)):.1g}, {self.iterations} iterations)"
        )


def _hat(count: int) -> FloatArray:
    """P int hat(x) / (n - x) dx for |n| <= count: hat functions are the piecewise linear basis."""
    n = np.arange(-count, count + 1, dtype=float)

    def xlogx(x: FloatArray) -> FloatArray:
        return np.asarray(x * np.log(np.where(x == 0.0, 1.0, np.abs(x))))

    return xlogx(n + 1) - 2.0 * xlogx(n) + xlogx(n - 1)


def uniform_hilbert(A: FloatArray) -> FloatArray:
    """P int A(x) / (w - x) dx on the uniform grid where A stands, by FFT."""
    count = A.size
    size = 1 << math.ceil(math.log2(3 * count + 2))
    out = np.fft.irfft(np.fft.rfft(A, size) * np.fft.rfft(_hat(count), size), size)
    return np.asarray(out[count : 2 * count])


class _Grid:
    """A uniform grid, convolutions with the bath and Hilbert transforms by FFT."""

    def __init__(self, low: float, high: float, h: float, problem: Impurity) -> None:
        bath, V = problem.bath, float(problem.V or 0.0)
        assert not isinstance(bath, DiscreteBath | MatsubaraBath)
        self.h = h
        self.count = math.ceil((high - low) / h)
        self.w = low + h * np.arange(self.count)
        m = math.ceil(bath.D / h)
        e = h * np.arange(-m, m + 1)
        density = V * V * h * bath.density(e)
        density *= V * V * bath.norm / max(float(np.sum(density)), 1e-300)
        x = np.exp(-problem.beta * np.abs(e))
        occupied = np.where(e > 0.0, x, 1.0) / (1.0 + x)
        self.half, self.density = m, density
        self.size = 1 << math.ceil(math.log2(2 * self.count + 2 * m + 2))
        empty = occupied[::-1]
        # Adding an electron has the factor f(-e), removing one f(e); lesser functions the reverse.
        self.up, self.up_lesser = (np.fft.rfft(density * f, self.size) for f in (empty, occupied))
        self.down, self.down_lesser = (
            np.fft.rfft((density * f)[::-1], self.size) for f in (occupied, empty)
        )
        self.kernel = np.fft.rfft(_hat(self.count), self.size)

    def spread(self, p: FloatArray, by: np.ndarray) -> FloatArray:
        """int de by(e) p(w - e)."""
        out = np.fft.irfft(np.fft.rfft(p, self.size) * by, self.size)
        return np.asarray(out[self.half : self.half + self.count])

    def sources(self, p: FloatArray, up: np.ndarray, down: np.ndarray) -> FloatArray:
        """sigma_m from p_m: `up` adds an electron of the bath, `down` takes one."""
        return np.array(
            [
                2.0 * self.spread(p[1], down),
                self.spread(p[0], up) + self.spread(p[2], down),
                2.0 * self.spread(p[1], up),
            ]
        )

    def hilbert(self, s: FloatArray) -> FloatArray:
        """P int s(x) / (w - x) dx."""
        out = np.fft.irfft(np.fft.rfft(s, self.size) * self.kernel, self.size)
        return np.asarray(out[self.count : 2 * self.count])


def solve_real(
    problem: Impurity,
    run: Run,
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 400,
) -> RealAxisNCA:
    """Solve the equations for a band.

    Parameters
    ----------
    problem : Impurity
        A problem whose bath is a band.
    run : Run
        To cancel.
    tolerance : float
        Change of the spectra, as a fraction of their weight, at which the iterations end.
    max_iterations : int
        Largest number of iterations, of each set.

    Raises
    ------
    ValueError
        The bath is not a band, or the temperature too low for a uniform grid.
    NotConverged
        The iterations do not end.
    """
    bath = problem.bath
    if isinstance(bath, DiscreteBath | MatsubaraBath):
        raise ValueError(
            "the NCA on the real axis needs a band, whose density is smooth, got a "
            f"{type(bath).__name__}; leave real_axis out for the imaginary axis"
        )
    beta = problem.beta
    E = np.array([0.0, problem.eps, 2.0 * problem.eps + problem.U])
    strength = math.sqrt(bath.norm) * abs(float(problem.V or 0.0))
    margin = 2.0 * bath.D + 4.0 * strength
    # The width of the ground multiplet is the Korringa rate pi (rho J)**2 T, possibly far below T.
    level = max(abs(problem.eps), 1e-3 * bath.D)
    upper = max(abs(problem.eps + problem.U), 1e-3 * bath.D)
    exchange = 2.0 * float(problem.V or 0.0) ** 2 * (1.0 / level + 1.0 / upper)
    rate = math.pi / beta * min((float(bath.density(0.0)) * exchange) ** 2, 1.0)
    h = min(1.0 / (PER_T * beta), 0.02 * bath.D, max(0.2 * rate, 1e-2 / beta))
    low, high = float(np.min(E)) - margin, float(np.max(E)) + margin
    while True:
        if (high - low) / h > MAX_POINTS:
            raise ValueError(
                f"the NCA on the real axis would need {(high - low) / h:.1e} points at beta = "
                f"{beta:g} (at most {MAX_POINTS}): temperature or hybridisation is too low for a "
                "uniform grid"
            )
        found = _on_grid(problem, E, low, high, h, tolerance, max_iterations, run)
        if np.max(np.abs(found.norms - 1.0)) < NORM:
            return found
        h *= 0.5


def _on_grid(
    problem: Impurity,
    levels: FloatArray,
    low: float,
    high: float,
    h: float,
    tolerance: float,
    max_iterations: int,
    run: Run,
) -> RealAxisNCA:
    grid = _Grid(low, high, h, problem)
    E, w, beta = levels[:, None], grid.w, problem.beta
    strength = math.sqrt(float(np.sum(grid.density)))
    width = max(strength, 3.0 * h)
    p = width / ((w - E) ** 2 + width**2) / math.pi
    steps = 0

    def checked() -> None:
        if run.control is not None and run.control.cancelled:
            raise Cancelled("the computation was stopped")

    for _ in range(max_iterations):
        checked()
        steps += 1
        sigma = grid.sources(p, grid.up, grid.down)
        real = np.array([grid.hilbert(s) for s in sigma])
        G = 1.0 / (w - E - real + 1j * (math.pi * np.maximum(sigma, 0.0) + 1e-3 * h))
        new = -G.imag / math.pi
        change = float(np.max(np.sum(np.abs(new - p), axis=1))) * h
        p = 0.3 * p + 0.7 * new
        if change < tolerance:
            break
    else:
        raise NotConverged(
            f"the real-axis NCA did not converge: change {change:.1e}, tolerance {tolerance:g}"
        )
    # Initial values: Boltzmann factors from the threshold up.
    threshold = float(w[np.argmax(p[1] > 1e-3 * np.max(p[1]))])
    lesser = p * np.exp(-beta * np.maximum(w - threshold, 0.0))
    lesser /= float(MULTIPLICITY @ np.sum(lesser, axis=1)) * h
    size = np.abs(G) ** 2
    for _ in range(20 * max_iterations):
        checked()
        steps += 1
        source = grid.sources(lesser, grid.up_lesser, grid.down_lesser)
        new = size * np.maximum(source, 0.0)
        new /= float(MULTIPLICITY @ np.sum(new, axis=1)) * h
        change = float(np.sum(np.abs(new - lesser))) * h
        # Half: the equations lead from even to odd numbers of electrons and back, eigenvalue -1.
        lesser = 0.5 * (lesser + new)
        if change < tolerance:
            break
    else:
        raise NotConverged(f"the lesser functions did not converge: change {change:.1e}")
    n = 1 << math.ceil(math.log2(2 * grid.count))
    P, L = np.fft.rfft(p, n, axis=1), np.fft.rfft(lesser, n, axis=1)
    pairs = sum(L[m].conj() * P[m + 1] + P[m].conj() * L[m + 1] for m in range(2))
    A = np.fft.fftshift(np.fft.irfft(pairs, n)) * h
    omega = h * (np.arange(n) - n // 2)
    keep = np.abs(omega) <= 0.5 * (high - low)
    A = np.maximum(A[keep], 0.0)
    return RealAxisNCA(
        omega[keep],
        A,
        MULTIPLICITY * np.sum(lesser, axis=1) * h,
        np.sum(p, axis=1) * h,
        steps,
    )
