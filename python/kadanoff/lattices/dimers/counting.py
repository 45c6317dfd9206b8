r"""Numbers of coverings, in all and in each winding sector.

    Z_open  = prod_{j=1}^{ceil(Lx/2)} prod_{k=1}^{ceil(Ly/2)}
              (4 cos^2(pi j / (Lx + 1)) + 4 cos^2(pi k / (Ly + 1)))
    Z_torus = (1/2) sum over boundary conditions of |det K|,
    det K(phi_x, phi_y) = prod_{p, q} (2 cos p + 2 i cos q) = sum_W (+-1) N_W e^{i phi W},

with p = (2 pi k + phi_x) / Lx, q alike, one of each pair (p, q), (p + pi, q + pi): Kasteleyn's
matrix with horizontal weights 1 and vertical weights i, twisted by the phases phi [1]_, [2]_.

References
----------
.. [1] P. W. Kasteleyn, Physica 27, 1209 (1961), doi:10.1016/0031-8914(61)90063-5, Eqs. 11-16
.. [2] H. N. V. Temperley, M. E. Fisher, Philos. Mag. 6, 1061 (1961),
       doi:10.1080/14786436108243366
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.dimers.lattice import BOUNDARIES, lengths, shape

__all__ = ["ENTROPY", "count", "log_count", "sectors", "winding_distribution"]

CATALAN = 0.915965594177219015054603514932384110774
ENTROPY = CATALAN / math.pi
"""Entropy per site of the infinite lattice in nats, G / pi = 0.29156..., G Catalan's constant."""

MAX_COUNTED = 2**16  # sites; above it the exact integer takes minutes
MAX_SECTORS = 32**2


def _cosines(L: int, boundary: str, twist: int) -> list[tuple[int, int, int]]:
    """``2 cos(pi a / b)`` as (a, b, multiplicity), without signs."""
    if boundary == "open":
        return [(j, L + 1, 1) for j in range(1, (L + 1) // 2 + 1)]
    found: dict[tuple[int, int], int] = {}
    for k in range(L):
        a = (2 * k + twist) % (2 * L)
        a = min(a, 2 * L - a)  # p -> -p
        a = min(a, L - a)  # p -> pi - p
        found[a, L] = found.get((a, L), 0) + 1
    return [(a, b, m) for (a, b), m in found.items()]


@public
def count(L: int | tuple[int, int], boundary: str = "periodic") -> int:
    """Count the coverings, exactly.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square lattice, or (Lx, Ly).
    boundary : {"periodic", "open"}
        On a periodic length of 2 the two edges between neighbours are distinct.

    Returns
    -------
    int
        Number of coverings; 0 for an open lattice with an odd number of sites.

    Raises
    ------
    ValueError
        The lattice has more than 2^16 sites, or an odd length on a torus.
    TypeError
        A length is not an integer.

    Notes
    -----
    The product formulas of Kasteleyn [1]_ are evaluated with as many digits as the result has, and
    twenty more; the result is refused unless it is an integer to within 2^-40.

    References
    ----------
    .. [1] P. W. Kasteleyn, Physica 27, 1209 (1961), doi:10.1016/0031-8914(61)90063-5

    Examples
    --------
    >>> count(8, "open"), count(8)
    (12988816, 311853312)
    """
    boundary = checks.choice("boundary", boundary, BOUNDARIES)
    Lx, Ly = lengths(L)
    if boundary == "open" and Lx * Ly % 2:
        return 0
    Lx, Ly = shape((Lx, Ly), boundary)
    if Lx * Ly > MAX_COUNTED:
        raise ValueError(
            f"counts are exact up to {MAX_COUNTED} sites, got {Lx} x {Ly}; use log_count"
        )
    from mpmath import mp, mpf, workprec

    with workprec(int(0.5 * Lx * Ly) + 2 * (Lx + Ly) + 160):

        def product(twist_x: int, twist_y: int) -> Any:
            squares = [
                [((2 * mp.cos(mp.pi * a / b)) ** 2, m) for a, b, m in _cosines(n, boundary, t)]
                for n, t in ((Lx, twist_x), (Ly, twist_y))
            ]
            powers: dict[int, Any] = {}
            for x, m in squares[0]:
                for y, k in squares[1]:
                    powers[m * k] = powers.get(m * k, mpf(1)) * (x + y)
            out = mpf(1)
            for power, value in powers.items():
                # A product over all momenta is the fourth power of what is wanted.
                out *= value**power if boundary == "open" else mp.sqrt(mp.sqrt(value**power))
            return out

        if boundary == "open":
            total = product(0, 0)
        else:
            # One of the four vanishes: which of them depends on Lx and Ly modulo 4.
            total = sum(product(a, b) for a in (0, 1) for b in (0, 1)) / 2
        nearest = mp.nint(total)
        if abs(total - nearest) > mpf(2) ** -40:
            raise ArithmeticError(f"the count of {Lx} x {Ly} lost its digits")
        return int(nearest)


@public
def log_count(L: int | tuple[int, int], boundary: str = "periodic") -> float:
    """Logarithm ``ln Z`` of the number of coverings of a lattice of any size, to about 14 digits.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square lattice, or (Lx, Ly), at most 2^28 sites.
    boundary : {"periodic", "open"}
        As in :func:`count`.

    Returns
    -------
    float
        Entropy in nats.

    Raises
    ------
    ValueError, TypeError
        No covering exists, or an argument is out of range.

    Examples
    --------
    >>> print(f"{log_count(1024) / 1024**2:.7f} {ENTROPY:.7f}")
    0.2915617 0.2915609
    """
    Lx, Ly = shape(L, boundary)

    def product(twist_x: int, twist_y: int) -> float:
        (x, mx), (y, my) = (
            (
                np.array([(2 * math.cos(math.pi * a / b)) ** 2 for a, b, _ in cosines]),
                np.array([m for _, _, m in cosines]),
            )
            for cosines in (_cosines(Lx, boundary, twist_x), _cosines(Ly, boundary, twist_y))
        )
        quarter = 1.0 if boundary == "open" else 0.25
        total = 0.0
        for value, m in zip(x, mx, strict=True):
            if value + y.min() < 1e-25:  # cos(pi / 2) squared: the determinant that vanishes
                return -math.inf
            total += m * float(np.sum(my * np.log(value + y)))
        return quarter * total

    if boundary == "open":
        return product(0, 0)
    logs = np.array([product(a, b) for a in (0, 1) for b in (0, 1)])
    return float(logs.max() + np.log(np.exp(logs - logs.max()).sum() / 2))


@public
def winding_distribution(L: int | tuple[int, int]) -> FloatArray:
    """Distribution ``P(W_x, W_y)`` of the fluxes if all coverings of a torus are equally likely.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square torus, or (Lx, Ly); even.

    Returns
    -------
    array, shape (Ly + 1, Lx + 1)
        Probabilities; entry [W_x + Ly / 2, W_y + Lx / 2].

    Raises
    ------
    ValueError, TypeError
        A length is odd or no positive integer.

    Notes
    -----
    A Fourier transform of the determinant over the twists: O((Lx Ly)^2). Absolute errors about
    1e-15; probabilities below that are returned as zero.

    Examples
    --------
    >>> P = winding_distribution(6)
    >>> W = np.arange(-3, 4)
    >>> print(f"{P.sum(axis=1) @ W**2:.9f}")
    0.299148332
    """
    Lx, Ly = shape(L, "periodic")
    # Fluxes run from -L/2 to L/2: L + 1 values; one twist more than that keeps ends apart.
    nx, ny = Ly + 2, Lx + 2
    q = (2 * np.pi * np.arange(Ly)[:, None] + 2 * np.pi * np.arange(ny) / ny) / Ly
    logs = np.zeros((nx, ny), dtype=complex)
    with np.errstate(divide="ignore"):
        for i in range(nx):
            p = (2 * np.pi * np.arange(Lx // 2) + 2 * np.pi * i / nx) / Lx
            z = 2 * np.cos(p)[:, None, None] + 2j * np.cos(q)[None]
            # A zero at half a period is one only to within rounding.
            z[np.abs(z) < 1e-14] = 0
            logs[i] = np.log(z).sum(axis=(0, 1))
    scale = logs.real.max()
    determinant = np.where(np.isneginf(logs.real), 0, np.exp(logs - scale))
    weights = np.abs(np.fft.fft2(determinant)) / (nx * ny)
    # Rounding, of which there is a little in every sector, would add up.
    w_x = np.abs(np.fft.fftfreq(nx, 1 / nx))[:, None]
    w_y = np.abs(np.fft.fftfreq(ny, 1 / ny))
    empty = 2 * w_x * Lx + 2 * w_y * Ly > Lx * Ly + 0.5
    weights[empty | (weights < 1e-15 * weights.max())] = 0
    weights /= weights.sum()
    shifted = np.roll(weights, (Ly // 2, Lx // 2), axis=(0, 1))
    return np.asarray(shifted[: Ly + 1, : Lx + 1])


@public
def sectors(L: int | tuple[int, int]) -> dict[tuple[int, int], int]:
    """Count the coverings of a torus in each winding sector (W_x, W_y), exactly.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square torus, or (Lx, Ly); even.

    Returns
    -------
    dict from (int, int) to int
        Number of coverings by (W_x, W_y), without the empty sectors.

    Raises
    ------
    ValueError
        The torus has more than 1024 sites, for which there is :func:`winding_distribution`, or an
        odd length.
    TypeError
        A length is not an integer.

    Examples
    --------
    >>> N = sectors(4)
    >>> N[0, 0], N[1, 0], N[2, 0], sum(N.values())
    (132, 32, 1, 272)
    """
    Lx, Ly = shape(L, "periodic")
    if Lx * Ly > MAX_SECTORS:
        raise ValueError(
            f"sectors are counted up to {MAX_SECTORS} sites, got {Lx} x {Ly}; "
            "use winding_distribution"
        )
    from mpmath import mp, mpc, mpf, workprec

    nx, ny = Ly + 2, Lx + 2
    found: dict[tuple[int, int], int] = {}
    with workprec(int(0.5 * Lx * Ly) + 4 * (Lx + Ly) + 160):
        # 2 cos((2 pi k + phi) / L) with phi = 2 pi i / n is 2 cos(2 pi (k n + i) / (L n)).
        x = [2 * mp.cos(2 * mp.pi * a / (Lx * nx)) for a in range(Lx * nx)]
        y = [2 * mp.cos(2 * mp.pi * a / (Ly * ny)) for a in range(Ly * ny)]
        # prod_q (a + i y_q) is a polynomial in a: a product of Ly factors for every p.
        determinant = [
            [
                mp.fprod(
                    mpc(x[k * nx + i], y[m * ny + j]) for k in range(Lx // 2) for m in range(Ly)
                )
                for j in range(ny)
            ]
            for i in range(nx)
        ]
        roots_x = [mp.expjpi(mpf(-2 * a) / nx) for a in range(nx)]
        roots_y = [mp.expjpi(mpf(-2 * a) / ny) for a in range(ny)]
        rows = [
            [mp.fsum(row[j] * roots_y[j * w % ny] for j in range(ny)) for w in range(ny)]
            for row in determinant
        ]
        for w_x in range(-Ly // 2, Ly // 2 + 1):
            for w_y in range(-Lx // 2, Lx // 2 + 1):
                value = abs(
                    mp.fsum(rows[i][w_y % ny] * roots_x[i * w_x % nx] for i in range(nx))
                ) / (nx * ny)
                n = int(mp.nint(value))
                if abs(value - n) > mpf(2) ** -40:
                    raise ArithmeticError(f"the count of sector {(w_x, w_y)} lost its digits")
                if n:
                    found[w_x, w_y] = n
    return found
