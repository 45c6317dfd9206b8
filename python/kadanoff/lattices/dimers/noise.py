r"""Noise that is strong, regular and irrelevant.

Spins s = +-1 on vertices and faces of the lattice, one pair for each vertex (x, y): the spin on it
and the spin on the plaquette to its upper right. The two are locked,

    P(s, s') = exp(K s s') / (4 cosh K),

and pairs know neither each other nor the dimers. An algorithm that looks for structure finds them
first; one that looks for information about distant sites must ignore them.

References
----------
M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018), doi:10.1038/s41567-018-0081-4
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base.signatures import public
from kadanoff._base.types import SpinArray
from kadanoff.lattices.dimers.lattice import checked

__all__ = ["grid", "pairs"]

STREAM = 0x6E6F697365  # apart from the streams of the chains


def pairs(n: int, Lx: int, Ly: int, *, K: float, boundary: str, seed: int) -> SpinArray:
    """Spins on vertices and on faces, shape (n, 2, Ly, Lx).

    Parameters
    ----------
    n : int
        Number of configurations.
    Lx, Ly : int
        Size of the lattice.
    K : float
        Coupling of a pair over temperature; infinity locks it.
    boundary : {"periodic", "open"}
        On an open lattice the last row and column have no face: its spin is 0.
    seed : int

    Examples
    --------
    >>> s = pairs(100, 8, 8, K=1.0, boundary="periodic", seed=1)
    >>> print(f"{np.mean(s[:, 0] * s[:, 1]):.2f} {np.tanh(1.0):.2f}")
    0.76 0.76
    """
    rng = np.random.default_rng([STREAM, seed])
    vertices = 2 * rng.integers(0, 2, size=(n, Ly, Lx), dtype=np.int8) - 1
    with np.errstate(over="ignore"):
        opposite = 1 / (1 + np.exp(2 * np.float64(K)))
    faces = np.where(rng.random((n, Ly, Lx)) < opposite, -vertices, vertices)
    if boundary == "open":
        faces[:, -1, :] = 0
        faces[:, :, -1] = 0
    return np.stack([vertices, faces], axis=1)


@public
def grid(dimers: ArrayLike, noise: ArrayLike | None = None) -> SpinArray:
    """Place dimers and noise spins on one lattice of twice the length.

    Parameters
    ----------
    dimers : array, shape (..., Ly, Lx)
        Directions 0 to 3 of the dimers.
    noise : array, shape (..., 2, Ly, Lx), optional
        Spins on vertices and faces.

    Returns
    -------
    array of int8, shape (..., 2 Ly, 2 Lx)
        Bonds are +1 where there is a dimer and -1 elsewhere: (x, y)-(x+1, y) at [2 y, 2 x + 1],
        (x, y)-(x, y+1) at [2 y + 1, 2 x]. Vertices at [2 y, 2 x] and faces at [2 y + 1, 2 x + 1]
        hold their noise, or 0.

    Raises
    ------
    ValueError, TypeError
        The array holds anything but directions, or the shape of the noise does not belong to it.

    Examples
    --------
    >>> grid([[0, 2], [0, 2]])
    array([[ 0,  1,  0, -1],
           [-1,  0, -1,  0],
           [ 0,  1,  0, -1],
           [-1,  0, -1,  0]], dtype=int8)
    """
    d = checked(dimers)
    *more, Ly, Lx = d.shape
    out = np.zeros((*more, 2 * Ly, 2 * Lx), dtype=np.int8)
    out[..., ::2, 1::2] = np.where(d == 0, 1, -1)
    out[..., 1::2, ::2] = np.where(d == 1, 1, -1)
    if noise is not None:
        s = np.asarray(noise)
        if s.shape != (*more, 2, Ly, Lx):
            raise ValueError(f"noise must have shape {(*more, 2, Ly, Lx)}, got {s.shape}")
        out[..., ::2, ::2] = s[..., 0, :, :]
        out[..., 1::2, 1::2] = s[..., 1, :, :]
    return out
