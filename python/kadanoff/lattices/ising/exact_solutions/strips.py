r"""Transfer matrices of strips: infinitely long, or of any length.

    T = D W D,   D = exp((K_x sum_x s_x s_{x+1} + H sum_x s_x) / 2),   W = prod_x e^{K_y s_x s'_x}
    ln Z / N = ln(lambda_0) / width,      1 / xi = ln(lambda_0 / |lambda_1|)

Notes
-----
W is applied spin by spin, ``width 2^width`` operations; eigenvalues by Lanczos' method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.ising.exact_solutions.results import Exact, pair, ratio, temperature
from kadanoff.lattices.ising.exact_solutions.strip_moments import (
    MAX_OPEN_WIDTH,
    MAX_RING_WIDTH,
    Rows,
)
from kadanoff.lattices.ising.models import BOUNDARIES

__all__ = ["Strip", "transfer_matrix"]


MAX_WIDTH = 18
DENSE_WIDTH = 6
MAX_TRACE_WIDTH = 11  # all eigenvalues of a matrix of 2048 rows take seconds
SMALL_GAP = 1e-8  # of the logarithms of eigenvalues, whose rounding would be seen in xi
ROUNDING = 1e-14
MIN_WEIGHT = 1e-250  # of the leading eigenvalue; elements end at 1e-308
MAX_STEPS = 4096


class _Matrix:
    """The symmetric matrix D W D, over exp(scale)."""

    def __init__(self, width: int, kx: float, ky: float, H: float, boundary: str) -> None:
        states = np.arange(2**width)
        spins = [2.0 * (states >> x & 1) - 1.0 for x in range(width)]
        last = width if boundary == "periodic" else width - 1
        self.row = np.zeros(len(states))
        for x in range(last):
            self.row += spins[x] * spins[(x + 1) % width]
        self.magnetisation = np.sum(spins, axis=0)
        exponent = kx * self.row + H * self.magnetisation
        self.width, self.ky = width, ky
        self.scale = float(exponent.max()) + width * abs(ky)
        self.half = np.exp(0.5 * (exponent - exponent.max()))
        self.parallel, self.opposite = np.exp(ky - abs(ky)), np.exp(-ky - abs(ky))

    def step(self, v: FloatArray, *, turned: int | None = None) -> FloatArray:
        """W v; `turned` names the site whose link carries s s' too."""
        for x in range(self.width):
            v = v.reshape(-1, 2, 2**x)
            flipped = self.opposite * v[:, ::-1]
            v = self.parallel * v + (-flipped if x == turned else flipped)
        return v.ravel()

    def __call__(self, v: FloatArray) -> FloatArray:
        return np.asarray(self.half * self.step(self.half * v.ravel()))

    def dense(self) -> FloatArray:
        return np.column_stack([self(v) for v in np.eye(len(self.half))])


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Strip:
    """A strip of the square lattice.

    Parameters
    ----------
    width : int
        Number of sites across the strip.
    T : float
        Temperature in the units of J.
    boundary : {"periodic", "open"}
        Boundary across the strip.
    log_eigenvalues : array, shape (levels,)
        Logarithms ln |lambda_k|, descending.
    signs : array, shape (levels,)
        Signs of the eigenvalues.
    log_Z_per_site : float
        Logarithm of the partition function of the infinitely long strip, per site.
    e, m : float
        Energy and magnetisation per site; m is zero without a field.
    xi : float
        Correlation length along the strip in lattice constants; NaN where it is too long to be
        known.
    J : (float, float)
        Couplings across and along the strip.
    h : float
        Field.
    matrix : object
        The transfer matrix, from which `log_Z` of finite strips follows.

    Examples
    --------
    >>> transfer_matrix(4, 2.0)
    Strip(width=4, T=2, periodic, e=-1.64425, xi=9.06098)
    """

    width: int
    T: float
    boundary: str
    log_eigenvalues: FloatArray
    signs: FloatArray
    log_Z_per_site: float
    e: float
    m: float
    xi: float
    J: tuple[float, float]
    h: float
    matrix: _Matrix

    def __repr__(self) -> str:
        return (
            f"Strip(width={self.width}, T={self.T:g}, {self.boundary}, e={self.e:.6g}, "
            f"xi={self.xi:.6g})"
        )

    @property
    def f(self) -> float:
        """Free energy per site of the infinitely long strip."""
        return -self.T * self.log_Z_per_site

    @public
    def log_Z(self, length: int, boundary: str = "periodic") -> float:
        """Compute ln Z of a strip of finite length, closed to a ring or open at both ends.

        Parameters
        ----------
        length : int
            Number of rows.
        boundary : {"periodic", "open"}
            Whether the ends are joined.

        Returns
        -------
        float
            ln Z of all sites.

        Raises
        ------
        ValueError
            The strip is to be closed and wider than 11 sites, which needs all eigenvalues.

        Examples
        --------
        >>> print(f"{transfer_matrix(4, 1.0).log_Z(4):.12f}")
        32.698721401879
        """
        length = checks.whole("length", length)
        if checks.choice("boundary", boundary, BOUNDARIES) == "open":
            v = self.matrix.half.copy()
            log = self.matrix.scale  # of the first row; one more with every further one
            total = log - self.width * abs(self.matrix.ky)
            for _ in range(length - 1):
                v = self.matrix(v)
                norm = v.max()
                v /= norm
                total += math.log(norm) + self.matrix.scale
            return total + math.log(float(v @ self.matrix.half))
        if self.width > MAX_TRACE_WIDTH:
            raise ValueError(
                f"a ring of width {self.width} needs all eigenvalues: at most {MAX_TRACE_WIDTH}; "
                "exchange width and length, or use boundary='open'"
            )
        values = np.linalg.eigvalsh(self.matrix.dense())
        top = np.abs(values).max()
        trace = float(np.sum((values / top) ** length))
        return length * (math.log(top) + self.matrix.scale) + math.log(trace)

    @public
    def averages(self, length: int, boundary: str = "periodic") -> Exact:
        """Compute all averages of a strip of finite length, closed to a ring or open at both ends.

        Parameters
        ----------
        length : int
            Number of rows.
        boundary : {"periodic", "open"}
            Whether the ends are joined.

        Returns
        -------
        Exact
            ln Z, energy, specific heat, magnetisation, its second and fourth moment and the Binder
            cumulant; ``abs_m`` is None.

        Raises
        ------
        ValueError
            The strip is wider than 16 sites, or than 10 and closed.

        Notes
        -----
        Moments are carried from row to row, without differences: errors of rounding. Cost: some
        ``20 width length 2^width`` operations, a second for 16 x 16 spins; of a ring 4^width.

        Examples
        --------
        >>> found = transfer_matrix(8, 2.269185314213022).averages(8)
        >>> print(f"{found.e:.6f} {found.m2:.6f} {found.binder:.6f}")
        -1.491589 0.646912 0.613045
        """
        length = checks.whole("length", length)
        boundary = checks.choice("boundary", boundary, BOUNDARIES)
        most = MAX_OPEN_WIDTH if boundary == "open" else MAX_RING_WIDTH
        if self.width > most:
            raise ValueError(
                f"averages of a strip with {boundary} ends need a width of at most {most}, got "
                f"{self.width}: exchange width and length, or open the ends"
            )
        rows = Rows(width=self.width, T=self.T, J=self.J, h=self.h, boundary=self.boundary)
        return rows.averages(length, boundary)


@public
def transfer_matrix(
    width: int,
    T: float,
    *,
    J: float | tuple[float, float] = 1.0,
    h: float = 0.0,
    boundary: str = "periodic",
    levels: int = 2,
) -> Strip:
    r"""Diagonalise the transfer matrix along y of a strip that is `width` sites wide.

    Parameters
    ----------
    width : int
        Number of sites across the strip, at most 18.
    T : float
        Temperature in the units of J.
    J : float or (float, float)
        Couplings across (x) and along (y) the strip, of any sign.
    h : float
        Field.
    boundary : {"periodic", "open"}
        Boundary across the strip.
    levels : int
        Number of eigenvalues.

    Returns
    -------
    Strip
        Leading eigenvalues, and averages of the infinitely long strip.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or J / T or h / T is not finite, or T is too low for a strip on
        which bonds and field compete.

    Notes
    -----
    Deep in the ordered phase xi grows as the exponential of the width, and two eigenvalues differ
    by less than rounding. Without a field and frustration their ratio then follows from the flux
    from one sign to the other, a sum of positive terms; otherwise xi is NaN there. Cost:
    ``width 2^width`` operations per multiplication by the matrix.

    Examples
    --------
    At T_c conformal invariance gives width / xi = pi / 4 (Cardy, 1984) on wide strips.

    >>> strip = transfer_matrix(12, 2.269185314213022)
    >>> print(f"{strip.width / strip.xi:.3f} {math.pi / 4:.3f}")
    0.788 0.785
    """
    width = checks.whole("width", width, most=MAX_WIDTH)
    T = temperature(T)
    couplings = pair("J", J)
    h = checks.real("h", h)
    boundary = checks.choice("boundary", boundary, BOUNDARIES)
    levels = checks.whole("levels", levels, most=2**width - (width > DENSE_WIDTH))
    kx, ky = (ratio("J", j, T) for j in couplings)
    matrix = _Matrix(width, kx, ky, ratio("h", h, T), boundary)
    values, vector = _leading(matrix, max(levels, 2))
    if not values[0] > MIN_WEIGHT:
        raise ValueError(
            f"T = {T:g} is too low here: no state satisfies all bonds and the field, and weights "
            "below those of double precision decide; raise T, or take a finite lattice, "
            "kadanoff.ising.exact((Lx, Ly), T)"
        )
    logs = np.log(np.maximum(np.abs(values), 1e-300)) + matrix.scale
    gap = float(logs[0] - logs[1])
    if gap < SMALL_GAP:
        gap = _small_gap(width, kx, ky, h, boundary)
    # Hellmann and Feynman: <psi| dT/d(coupling) |psi> / lambda_0.
    inner = matrix.half * vector
    along = sum(float(inner @ matrix.step(inner, turned=x)) for x in range(width)) / values[0]
    density = vector**2
    across, m = float(density @ matrix.row), float(density @ matrix.magnetisation) / width
    if h == 0:
        m = 0.0
    return Strip(
        width=width,
        T=T,
        boundary=boundary,
        log_eigenvalues=logs[:levels],
        signs=np.sign(values)[:levels],
        log_Z_per_site=float(logs[0]) / width,
        e=-(couplings[0] * across + couplings[1] * along) / width - h * m,
        m=m,
        xi=1 / gap if gap else math.inf,
        J=(couplings[0], couplings[1]),
        h=h,
        matrix=matrix,
    )


def _small_gap(width: int, kx: float, ky: float, h: float, boundary: str) -> float:
    """ln of the ratio of the two largest eigenvalues without cancellation, or NaN.

    With psi the first eigenvector and P = psi^-1 T psi / lambda_0 a stochastic matrix, the share
    that has gone from the down to the up states after n steps is A_n = (1 - c r^n) / 4 for large n,
    where r is the ratio. A_n is a sum of positive terms.
    """
    if h != 0 or (kx < 0 and boundary == "periodic" and width % 2):
        return math.nan
    # Staggered signs turn all couplings positive; the modulus of no eigenvalue changes.
    matrix = _Matrix(width, abs(kx), abs(ky), 0.0, boundary)
    psi = np.ones(2**width)
    for _ in range(MAX_STEPS):
        new = matrix(psi)
        norm = float(new.max())
        new /= norm
        if np.all(np.abs(new - psi) <= ROUNDING * np.abs(psi)) and new.min() > 0:
            break
        psi = new
    else:
        return math.nan
    share = 0.5 * (1 + np.sign(matrix.magnetisation))
    up, moved = share * psi / (psi @ psi), (1 - share) * psi
    flux, before, steps = 0.0, math.nan, 1
    done = 0
    while steps <= MAX_STEPS:
        for _ in range(steps - done):
            moved = matrix(moved) / norm
        done = steps
        new_flux = float(up @ moved)
        rate = (math.log1p(-4 * flux) - math.log1p(-4 * new_flux)) / (steps - steps // 2)
        if abs(rate - before) <= 1e-9 * rate:
            return rate
        flux, before, steps = new_flux, rate, 2 * steps
    return math.nan


def _leading(matrix: _Matrix, levels: int) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues of largest modulus, descending, and the first eigenvector."""
    if matrix.width <= DENSE_WIDTH:
        values, vectors = np.linalg.eigh(matrix.dense())
    else:
        from scipy.sparse.linalg import LinearOperator, eigsh

        size = len(matrix.half)
        operator = LinearOperator((size, size), matvec=matrix, dtype=np.float64)
        # A fixed start, so that equal calls give equal bits; not symmetric under a global flip.
        start = np.random.default_rng(0).random(size) + 0.5
        values, vectors = eigsh(operator, k=levels, which="LM", v0=start, tol=0)
    # Perron and Frobenius: the largest one is positive.
    order = np.lexsort((-values, -np.abs(values).round(14)))
    return values[order], vectors[:, order[0]]
