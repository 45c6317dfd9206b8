r"""Coverings as arrays: directions, heights, electric fields.

A covering is an array of the direction of every site's dimer, 0 = +x, 1 = +y, 2 = -x, 3 = -y, with
shape (..., Ly, Lx): x is the last axis. Sites are even or odd, ``eps = (-1)^(x+y)``, and each dimer
joins an even and an odd one.

    E(r) = eps(r) * (unit vector along the dimer at r)             electric field of a site
    W_x  = sum_y eps(x, y) n_x(x, y),   W_y = sum_x eps n_y        flux, the same at every cut

Heights live on plaquettes: ``h[y, x]`` on the one whose lower left corner is (x, y). Around an even
site, clockwise, h rises by 1 across an empty edge and falls by 3 across a dimer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, BoolArray, IntArray, SpinArray

__all__ = [
    "BOUNDARIES",
    "DIRECTIONS",
    "MAX_SITES",
    "checked",
    "electric_field",
    "flippable",
    "height",
    "is_covering",
    "lengths",
    "parity",
    "shape",
    "winding",
]

DIRECTIONS = ("+x", "+y", "-x", "-y")
BOUNDARIES = ("periodic", "open")
MAX_SITES = 2**28


def shape(L: object, boundary: str) -> tuple[int, int]:
    """``(Lx, Ly)`` of a lattice that has coverings.

    Parameters
    ----------
    L : int or (int, int)
        Length of a square, or (Lx, Ly).
    boundary : {"periodic", "open"}

    Raises
    ------
    ValueError, TypeError
        No covering exists, or the lattice is too large.

    Examples
    --------
    >>> shape(8, "periodic"), shape((3, 4), "open")
    ((8, 8), (3, 4))
    """
    boundary = checks.choice("boundary", boundary, BOUNDARIES)
    Lx, Ly = lengths(L)
    if Lx * Ly > MAX_SITES:
        raise ValueError(f"L must give at most 2^28 sites, got {Lx} x {Ly}")
    if boundary == "periodic" and (Lx % 2 or Ly % 2):
        raise ValueError(
            f"with periodic boundaries Lx and Ly must be even, got {Lx} x {Ly}: odd loops would "
            "join sites of one sublattice; use boundary='open' or an even length"
        )
    if Lx * Ly % 2:
        raise ValueError(f"an odd number of sites has no covering, got {Lx} x {Ly}")
    return Lx, Ly


def lengths(L: object) -> tuple[int, int]:
    """``(Lx, Ly)`` from one integer or a pair."""
    if isinstance(L, tuple | list):
        if len(L) != 2:
            raise ValueError(f"L must be an integer or a pair (Lx, Ly), got {L!r}")
        return checks.whole("Lx", L[0]), checks.whole("Ly", L[1])
    n = checks.whole("L", L)
    return n, n


@public
def parity(Lx: int, Ly: int) -> SpinArray:
    """Sign ``eps = (-1)^(x+y)`` of every site.

    Parameters
    ----------
    Lx, Ly : int
        Size of the lattice.

    Returns
    -------
    array of int8, shape (Ly, Lx)
        +1 on even sites, -1 on odd ones.

    Raises
    ------
    ValueError, TypeError
        A length is no positive integer.

    Examples
    --------
    >>> parity(3, 2)
    array([[ 1, -1,  1],
           [-1,  1, -1]], dtype=int8)
    """
    Lx, Ly = checks.whole("Lx", Lx), checks.whole("Ly", Ly)
    y, x = np.mgrid[:Ly, :Lx]
    eps: SpinArray = (1 - 2 * ((x + y) % 2)).astype(np.int8)
    return eps


def checked(dimers: ArrayLike) -> NDArray[np.uint8]:
    """An array of directions, shape (..., Ly, Lx).

    Raises
    ------
    ValueError, TypeError
        It holds anything but 0, 1, 2, 3.
    """
    if isinstance(dimers, np.ma.MaskedArray):
        raise TypeError("dimers must be a plain array, got a masked one")
    # No copy, unlike `checks.array`: samples may fill half of the memory.
    d = np.asarray(dimers)
    if d.dtype.kind not in "iu":
        raise TypeError(f"dimers must be integers 0 to 3, got an array of {d.dtype}")
    if d.ndim < 2 or 0 in d.shape[-2:]:
        raise ValueError(f"dimers must have shape (..., Ly, Lx), got {d.shape}")
    if d.size and (d.min() < 0 or d.max() > 3):
        raise ValueError(
            "dimers must be directions 0 = +x, 1 = +y, 2 = -x, 3 = -y, "
            f"got values from {d.min()} to {d.max()}"
        )
    return d.astype(np.uint8, copy=False)


@public
def is_covering(dimers: ArrayLike, boundary: str = "periodic") -> BoolArray:
    """Test whether every dimer has two ends, for each of the configurations.

    Parameters
    ----------
    dimers : array, shape (..., Ly, Lx)
        Directions 0 to 3 of the dimers.
    boundary : {"periodic", "open"}
        Boundary of the lattice.

    Returns
    -------
    array of bool, shape (...)
        True for coverings.

    Raises
    ------
    ValueError, TypeError
        The array holds anything but directions 0, 1, 2, 3, or the boundary is unknown.

    Examples
    --------
    >>> bool(is_covering([[0, 2], [0, 2]])), bool(is_covering([[0, 2], [0, 3]]))
    (True, False)
    """
    d, boundary = checked(dimers), checks.choice("boundary", boundary, BOUNDARIES)
    good = np.ones(d.shape[:-2], dtype=bool)
    for towards, axis, shift in ((0, -1, -1), (1, -2, -1), (2, -1, 1), (3, -2, 1)):
        mine = d == towards
        theirs = np.roll(d, shift, axis=axis) == (towards ^ 2)
        if boundary == "open":
            edge = [slice(None)] * d.ndim
            edge[axis] = slice(-1, None) if shift < 0 else slice(0, 1)
            theirs[tuple(edge)] = False
        good &= ~np.any(mine & ~theirs, axis=(-2, -1))
    return good


@public
def winding(dimers: ArrayLike) -> IntArray:
    """Compute the fluxes ``(W_x, W_y)`` of coverings of a torus.

        W_x = sum_y eps n_x,    W_y = sum_x eps n_y,    the same at every cut

    Parameters
    ----------
    dimers : array, shape (..., Ly, Lx)
        Directions 0 to 3 of the dimers.

    Returns
    -------
    array of int64, shape (..., 2)
        Fluxes.

    Raises
    ------
    ValueError, TypeError
        The array holds anything but directions 0, 1, 2, 3.

    Examples
    --------
    >>> winding([[0, 2], [2, 0]])  # both rows start on even sites
    array([1, 0])
    """
    d = checked(dimers)
    eps = parity(d.shape[-1], d.shape[-2]).astype(np.int64)
    w_x = np.sum((d[..., :, 0] == 0) * eps[:, 0], axis=-1)
    w_y = np.sum((d[..., 0, :] == 1) * eps[0], axis=-1)
    return np.stack([w_x, w_y], axis=-1)


@public
def flippable(dimers: ArrayLike, boundary: str = "periodic") -> BoolArray:
    """Find the plaquettes with two parallel dimers.

    Parameters
    ----------
    dimers : array, shape (..., Ly, Lx)
        Directions 0 to 3 of the dimers.
    boundary : {"periodic", "open"}
        Boundary of the lattice.

    Returns
    -------
    array of bool, shape (..., Ly, Lx)
        Entry [y, x] belongs to the plaquette whose lower left corner is (x, y).

    Raises
    ------
    ValueError, TypeError
        The array holds anything but directions 0, 1, 2, 3, or the boundary is unknown.

    Examples
    --------
    >>> flippable([[0, 2], [0, 2]], "open")
    array([[ True, False],
           [False, False]])
    """
    d, boundary = checked(dimers), checks.choice("boundary", boundary, BOUNDARIES)
    flat = (d == 0) & (np.roll(d, -1, axis=-2) == 0)
    upright = (d == 1) & (np.roll(d, -1, axis=-1) == 1)
    if boundary == "open":
        flat[..., -1, :] = False
        upright[..., :, -1] = False
    return np.asarray(flat | upright)


@public
def electric_field(dimers: ArrayLike) -> SpinArray:
    """Electric field ``E(r) = eps(r) * (unit vector along the dimer at r)``.

    Summed over a block it is the coarse field, the slope of the height; on the scale of the lattice
    it alternates where dimers form columns.

    Parameters
    ----------
    dimers : array, shape (..., Ly, Lx)
        Directions 0 to 3 of the dimers.

    Returns
    -------
    array of int8, shape (..., 2, Ly, Lx)
        Components (E_x, E_y).

    Raises
    ------
    ValueError, TypeError
        The array holds anything but directions 0, 1, 2, 3.

    Examples
    --------
    >>> electric_field([[0, 2], [0, 2]])[0]
    array([[ 1,  1],
           [-1, -1]], dtype=int8)
    """
    d = checked(dimers)
    eps = parity(d.shape[-1], d.shape[-2])
    x = np.array([1, 0, -1, 0], dtype=np.int8)[d] * eps
    y = np.array([0, 1, 0, -1], dtype=np.int8)[d] * eps
    return np.stack([x, y], axis=-3)


@public
def height(dimers: ArrayLike) -> IntArray:
    r"""Compute the heights of the plaquettes.

        h(x, y) - h(x - 1, y) =  eps(x, y) (1 - 4 n_y(x, y))
        h(x, y) - h(x, y - 1) = -eps(x, y) (1 - 4 n_x(x, y))

    Along a period of the torus h gains -4 W_y in x and 4 W_x in y. On an open lattice the last
    row and column are half planes outside, where dimers end.

    Parameters
    ----------
    dimers : array, shape (..., Ly, Lx)
        Directions 0 to 3 of the dimers.

    Returns
    -------
    array of int64, shape (..., Ly, Lx)
        Heights, 0 on the first plaquette.

    Raises
    ------
    ValueError, TypeError
        The array holds anything but directions 0, 1, 2, 3.

    Examples
    --------
    >>> height([[0, 2], [0, 2]])
    array([[ 0, -1],
           [-3, -2]])
    """
    d = checked(dimers)
    eps = parity(d.shape[-1], d.shape[-2]).astype(np.int64)
    across_x = eps * (1 - 4 * (d == 1))
    across_y = -eps * (1 - 4 * (d == 0))
    h: IntArray = np.cumsum(across_y[..., :, :1], axis=-2)
    h = h - h[..., :1, :]
    rows: AnyArray = np.cumsum(across_x, axis=-1)
    return np.asarray(h + rows - rows[..., :1])
