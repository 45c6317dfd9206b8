r"""Non-crossing approximation on the real axis.

Spectral functions p_m of the pseudo-particles (empty, one electron of a given spin, double) obey

    sigma_0(w) = 2 int de rho(e) f(e) p_1(w + e),
    sigma_2(w) = 2 int de rho(e) f(-e) p_1(w - e),
    sigma_1(w) = int de rho(e) [f(-e) p_0(w - e) + f(e) p_2(w + e)],
    p_m = -Im 1 / (w - E_m - Sigma_m + i0) / pi,         Sigma_m = int sigma_m(x) / (w - x + i0) dx,

with ``rho = -Im Delta / pi``. The denominators are smooth where p_m has a peak, whose width, a
Korringa rate or in a gap nothing at all, may lie far below any grid: its weights on the hat
functions of a uniform grid are integrals of 1 over linear functions, in closed form.

The lesser functions ``p^<_m = exp(-beta w) p_m / Z`` cannot be computed from p_m below the ground
multiplet, where p_m is rounding. There they obey the same equations with f(e) and f(-e)
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
from kadanoff._base.types import ComplexArray, FloatArray
from kadanoff.dmft.matsubara_bath import MatsubaraBath
from kadanoff.dmft.problem import DiscreteBath, Impurity

__all__ = ["RealAxisNCA", "solve_real"]

PER_T = 24
"""Points of the uniform grid per temperature."""
MAX_POINTS = 1 << 19
NORM = 5e-3
"""Error of the norms at which the grid is fine enough."""
SOFT, SHARP = 0.1, 1e-12
"""Imaginary part of a denominator, in units of the grid's spacing, where the equations do not
converge without, and else. The weight of a pole at the edge of a band jumps as it passes a point of
the grid: without a width the iterations end in a cycle."""
POLISH = 3
"""Last evaluations, which take the width away again: its tails would fill gaps."""
SERIES, ORDER = 0.03, 9
"""Relative change of a denominator below which its logarithm is a series, to rounding."""
BELOW = 8.0
"""Temperatures below the ground multiplet from which exp(-beta w) p is right to rounding."""
HALVINGS = 2
"""Grids after the first; a pole at the very edge of a band has norms that converge slowly."""
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


def cell_weights(d: ComplexArray, h: float) -> FloatArray:
    """``-Im int hat_i(w) / d(w) dw / pi`` for the hat functions of a uniform grid, d linear.

    A denominator is smooth where its inverse is a peak of any width: the weights have the pole
    exactly, however narrow. Im d >= 0.
    """
    a, step = d[..., :-1], np.diff(d, axis=-1)
    t = step / a
    small = np.abs(t) < SERIES
    with np.errstate(divide="ignore", invalid="ignore"):
        # both in the upper half plane, where the logarithm has no cut
        whole = np.diff(np.log(d), axis=-1) / step
        right = (1.0 - a * whole) / step
    powers = [(-t) ** k for k in range(ORDER)]
    whole = np.where(small, sum(x / (k + 1) for k, x in enumerate(powers)) / a, whole)
    right = np.where(small, sum(x / (k + 2) for k, x in enumerate(powers)) / a, right)
    out = np.zeros(d.shape)
    out[..., 1:] -= right.imag
    out[..., :-1] -= (whole - right).imag
    return np.asarray(out * (h / math.pi))


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
    tolerance: float = 1e-7,
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
    h = min(1.0 / (PER_T * beta), 0.02 * bath.D)
    low, high = float(np.min(E)) - margin, float(np.max(E)) + margin
    for halving in range(HALVINGS + 1):
        if (high - low) / h > MAX_POINTS:
            raise ValueError(
                f"the NCA on the real axis would need {(high - low) / h:.1e} points at beta = "
                f"{beta:g} (at most {MAX_POINTS}): temperature or hybridisation is too low for a "
                "uniform grid"
            )
        found = _on_grid(problem, E, low, high, h, tolerance, max_iterations, run)
        wrong = float(np.max(np.abs(found.norms - 1.0)))
        if wrong < NORM or (halving == HALVINGS and wrong < 10.0 * NORM):
            return found
        h *= 0.5
    raise NotConverged(
        f"the pseudo-particles of the real-axis NCA have norms that are wrong by {wrong:.1e}: the "
        "density of states has features below the grid; leave real_axis out for the imaginary axis"
    )


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
    width = max(math.sqrt(float(np.sum(grid.density))), 3.0 * h)
    p = width / ((w - E) ** 2 + width**2) / math.pi
    steps = 0

    def checked() -> None:
        if run.control is not None and run.control.cancelled:
            raise Cancelled("the computation was stopped")

    def inverted(p: FloatArray, floor: float) -> ComplexArray:
        """w - E_m - Sigma_m from the spectra."""
        sigma = np.maximum(grid.sources(p, grid.up, grid.down), 0.0)
        real = np.array([grid.hilbert(s) for s in sigma])
        return np.asarray(w - E - real + 1j * (math.pi * sigma + floor * h))

    for floor, most in ((SHARP, max_iterations // 4), (SOFT, max_iterations)):
        for _ in range(most):
            checked()
            steps += 1
            inverse = inverted(p, floor)
            new = cell_weights(inverse, h) / h
            change = float(np.max(np.sum(np.abs(new - p), axis=1))) * h
            p = 0.3 * p + 0.7 * new
            if change < tolerance:
                break
        if change < tolerance:
            break
    else:
        raise NotConverged(
            f"the real-axis NCA did not converge: change {change:.1e}, tolerance {tolerance:g}; "
            "leave real_axis out for the imaginary axis"
        )
    if floor == SOFT:
        for _ in range(POLISH):
            inverse = inverted(p, SHARP)
            p = cell_weights(inverse, h) / h
    # exp(-beta w) p above the threshold, whatever the width of a peak there; below it p is rounding
    threshold = float(np.min(w[np.argmax(p, axis=1)])) - BELOW / beta
    above = w > threshold
    boltzmann = p * np.exp(-beta * np.where(above, w - threshold, 0.0))
    size = 1.0 / np.abs(inverse) ** 2
    lesser = np.where(above, boltzmann, 0.0)
    lesser /= float(MULTIPLICITY @ np.sum(lesser, axis=1)) * h
    for _ in range(max_iterations):
        checked()
        steps += 1
        source = grid.sources(lesser, grid.up_lesser, grid.down_lesser)
        scale = float(np.sum(lesser[:, above]) / np.sum(boltzmann[:, above]))
        new = np.where(above, scale * boltzmann, size * np.maximum(source, 0.0))
        new /= float(MULTIPLICITY @ np.sum(new, axis=1)) * h
        change = float(np.sum(np.abs(new - lesser))) * h
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
