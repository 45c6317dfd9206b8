r"""Probabilities of dimers, from determinants.

    P(e_1, ..., e_k) = prod_i K(b_i, w_i) det [K^-1(w_i, b_j)]_ij

for dimers e_i that join even sites b_i and odd sites w_i [1]_; K is Kasteleyn's matrix, 1 on
horizontal and i on vertical edges. On the infinite lattice K^-1 is the coupling function

    K^-1(x, y) = int dp dq / (2 pi)^2  e^{-i (p x + q y)} / (2 cos p + 2 i cos q),

on a torus the sum over four boundary conditions replaces it, with the sign of each parity of the
windings.

References
----------
.. [1] R. Kenyon, Ann. Inst. H. Poincare Probab. Stat. 33, 591 (1997),
       doi:10.1016/S0246-0203(97)80106-9, Theorem 6
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import IntArray
from kadanoff.lattices.dimers.lattice import BOUNDARIES, shape

__all__ = ["coupling", "probability"]

Bond = tuple[int, int, str]

MAX_DENSE = 4096  # sites of an open lattice, whose matrix is inverted
CIRCLE = 32  # points on which a function that may be 0/0 at the centre is averaged
RADIUS = 0.7


@public
def coupling(x: int, y: int) -> complex:
    r"""Kenyon's coupling function ``K^-1(x, y)`` of the infinite lattice.

        K^-1 = (1/pi) int_{-pi/2}^{pi/2} dp cos(p x) z(p)^|y| / (2 sqrt(1 + cos^2 p)),
        z = -i / (cos p + sqrt(1 + cos^2 p)),        x + y odd, otherwise zero.

    Parameters
    ----------
    x, y : int
        Distance between an odd and an even site.

    Returns
    -------
    complex
        Element of the inverse of Kasteleyn's matrix.

    Raises
    ------
    TypeError
        `x` or `y` is not an integer.

    Notes
    -----
    The integral over q is a residue; the integrand of the other one is analytic and integrated by
    the rule of Gauss and Legendre, with errors of about 1e-16.

    References
    ----------
    .. [1] R. Kenyon, Ann. Inst. H. Poincare Probab. Stat. 33, 591 (1997),
           doi:10.1016/S0246-0203(97)80106-9

    Examples
    --------
    >>> print(f"{coupling(1, 0).real:.2f} {coupling(0, 1).imag:.2f}")
    0.25 -0.25
    >>> abs(coupling(1, 2) - (1 / 4 - 1 / np.pi)) < 1e-15
    True
    """
    return _coupling(checks.whole("x", x, least=None), checks.whole("y", y, least=None))


def _coupling(x: int, y: int) -> complex:
    x, y = abs(x), abs(y)
    if (x + y) % 2 == 0:
        return 0j
    # Half the interval: the integrand is even. Oscillations of cos(p x) need points of their own.
    nodes, weights = np.polynomial.legendre.leggauss(48 + x // 2 + y // 4)
    p = np.pi / 4 * (nodes + 1)
    c = np.cos(p)
    root = np.sqrt(1 + c * c)
    integral = np.sum(weights * np.cos(p * x) * (c + root) ** -float(y) / root) / 4
    return complex(integral * (-1j) ** (y % 4))


@public
def probability(
    bonds: Sequence[Bond], L: int | tuple[int, int] | None = None, *, boundary: str = "periodic"
) -> float:
    """Compute the probability that all `bonds` hold dimers if all coverings are equally likely.

    Parameters
    ----------
    bonds : sequence of (x, y, "x" or "y")
        The edge from (x, y) to its neighbour in direction +x or +y.
    L : int or (int, int), optional
        Size of the lattice; by default it is infinite.
    boundary : {"periodic", "open"}
        Boundary of a finite lattice.

    Returns
    -------
    float
        Between 0 and 1; 1 if there are no bonds.

    Raises
    ------
    ValueError, TypeError
        A bond is not one of the lattice.

    Notes
    -----
    Infinite lattice and torus: O(k^2) values of K^-1, on a torus each a sum over all momenta.
    Where the determinant of a boundary condition vanishes, it is approached on a circle in
    the complex plane of the twist, whose average is the value at the centre. Open lattices up to
    4096 sites are inverted as a whole.

    Examples
    --------
    Two parallel dimers on a plaquette, each way: 1/8 on the infinite lattice.

    >>> print(f"{probability([(0, 0, 'x'), (0, 1, 'x')]):.12f}")
    0.125000000000
    >>> print(f"{90176 * probability([(0, 0, 'x'), (0, 1, 'x')], L=6):.6f}")
    10752.000000
    """
    boundary = checks.choice("boundary", boundary, BOUNDARIES)
    size = None if L is None else shape(L, boundary)
    edges = _edges(bonds, size, boundary)
    if not edges:
        return 1.0
    if size is None:
        K = np.array([[_infinite(w, b) for b, _, _, _ in edges] for _, w, _, _ in edges])
        value = abs(_weight(edges, 0, 0) * np.linalg.det(K))
    elif boundary == "open":
        value = _open(edges, *size)
    else:
        value = _torus(edges, *size)
    # Rounding may leave an impossible set of dimers with a probability of -1e-17.
    return float(min(max(value, 0.0), 1.0))


# (even site, odd site, is vertical, windings of the step from even to odd)
_Edge = tuple[tuple[int, int], tuple[int, int], bool, tuple[int, int]]


def _edges(bonds: Sequence[Bond], size: tuple[int, int] | None, boundary: str) -> list[_Edge]:
    found: list[_Edge] = []
    for bond in bonds:
        if not isinstance(bond, tuple | list) or len(bond) != 3 or bond[2] not in ("x", "y"):
            raise ValueError(f"a bond is (x, y, 'x') or (x, y, 'y'), got {bond!r}")
        x, y = (checks.whole(name, n, least=None) for name, n in zip("xy", bond[:2], strict=True))
        upright = bond[2] == "y"
        to = (x, y + 1) if upright else (x + 1, y)
        wound = (0, 0)
        if size is not None and boundary == "open":
            if min(x, y) < 0 or to[0] >= size[0] or to[1] >= size[1]:
                raise ValueError(f"bond {tuple(bond)} leads out of the open {size} lattice")
        elif size is not None:
            x, y = x % size[0], y % size[1]
            to = (x, y + 1) if upright else (x + 1, y)
            wound = (to[0] // size[0], to[1] // size[1])
            to = (to[0] % size[0], to[1] % size[1])
        edge = (
            ((x, y), to, upright, wound)
            if (x + y) % 2 == 0
            else (to, (x, y), upright, (-wound[0], -wound[1]))
        )
        if edge not in found:  # a bond that is listed twice counts once
            found.append(edge)
    return found


def _weight(edges: list[_Edge], phi_x: complex, phi_y: complex) -> complex:
    value = 1 + 0j
    for _, _, upright, (a, b) in edges:
        value *= (1j if upright else 1) * np.exp(1j * (phi_x * a + phi_y * b))
    return value


def _infinite(w: tuple[int, int], b: tuple[int, int]) -> complex:
    return _coupling(w[0] - b[0], w[1] - b[1])


def _open(edges: list[_Edge], Lx: int, Ly: int) -> float:
    if Lx * Ly > MAX_DENSE:
        raise ValueError(f"open lattices have at most {MAX_DENSE} sites here, got {Lx} x {Ly}")
    even = [(x, y) for y in range(Ly) for x in range(Lx) if (x + y) % 2 == 0]
    odd = {(x, y): i for i, (x, y) in enumerate((x + 1 - 2 * (x % 2), y) for x, y in even)}
    if Lx % 2:  # pairs along x would leave a column over
        odd = {
            site: i
            for i, site in enumerate(
                (x, y) for y in range(Ly) for x in range(Lx) if (x + y) % 2 == 1
            )
        }
    K = np.zeros((len(even), len(even)), dtype=complex)
    for i, (x, y) in enumerate(even):
        for dx, dy, weight in ((1, 0, 1), (-1, 0, 1), (0, 1, 1j), (0, -1, 1j)):
            j = odd.get((x + dx, y + dy))
            if j is not None:
                K[i, j] = weight
    columns = {site: i for i, site in enumerate(even)}
    wanted = np.zeros((len(even), len(edges)))
    for k, (b, _, _, _) in enumerate(edges):
        wanted[columns[b], k] = 1
    inverse = np.linalg.solve(K, wanted)
    block = inverse[[odd[w] for _, w, _, _ in edges]]
    return float(abs(_weight(edges, 0, 0) * np.linalg.det(block)))


def _torus(edges: list[_Edge], Lx: int, Ly: int) -> float:
    rows = [w for _, w, _, _ in edges]
    columns = [b for b, _, _, _ in edges]
    dx = np.array([[w[0] - b[0] for b in columns] for w in rows])
    dy = np.array([[w[1] - b[1] for b in columns] for w in rows])
    total = np.zeros((2, 2), dtype=complex)
    wanted = np.zeros((2, 2), dtype=complex)
    values = []
    for i in (0, 1):
        for j in (0, 1):
            # The zero, if there is one, is of second order in either twist alone.
            circle = np.pi * i + RADIUS * np.exp(2j * np.pi * (np.arange(CIRCLE) + 0.5) / CIRCLE)
            values.append([_twisted(edges, dx, dy, Lx, Ly, a, np.pi * j) for a in circle])
    scale = max(log.real for points in values for log, _ in points)
    for index, points in enumerate(values):
        determinants = np.array([np.exp(log - scale) for log, _ in points])
        ratios = np.array([ratio for _, ratio in points])
        total[index // 2, index % 2] = np.mean(determinants)
        wanted[index // 2, index % 2] = np.mean(determinants * ratios)
    # Sums over coverings whose windings have given parities, up to one sign for each.
    classes, parts = np.fft.fft2(total), np.fft.fft2(wanted)
    signs = np.conj(classes) / np.where(np.abs(classes) > 0, np.abs(classes), 1)
    return float(np.sum(signs * parts).real / np.sum(np.abs(classes)))


def _twisted(
    edges: list[_Edge],
    dx: IntArray,
    dy: IntArray,
    Lx: int,
    Ly: int,
    phi_x: complex,
    phi_y: float,
) -> tuple[complex, complex]:
    """``ln det K`` and ``prod K det K^-1`` at one twist."""
    p = (2 * np.pi * np.arange(Lx // 2) + phi_x) / Lx
    q = (2 * np.pi * np.arange(Ly) + phi_y) / Ly
    symbol = 2 * np.cos(p)[:, None] + 2j * np.cos(q)[None, :]
    left = np.exp(1j * p[:, None, None] * dx)
    right = np.exp(1j * q[:, None, None] * dy)
    inverse = np.einsum("pij,pq,qij->ij", left, 1 / symbol, right, optimize=True)
    inverse /= Lx * Ly / 2
    ratio = _weight(edges, phi_x, phi_y) * np.linalg.det(inverse)
    return complex(np.sum(np.log(symbol))), complex(ratio)
