r"""Windows of an Ising lattice in the field of their surroundings.

    ln Z(v, e) = ln sum over the rest of the window of
                 exp((J_x sum s s_right + J_y sum s s_up + sum h s) / T),

with a block v of the window fixed and a field h = (field + J times the spins just outside) that
the environment e exerts. Its normalised exponential is the conditional probability P(v | e), with
the buffer between block and environment summed exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kadanoff import _core
from kadanoff._base import checks
from kadanoff._base.progress import Report
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import FloatArray
from kadanoff.lattices.ising.exact_solutions.results import pair, ratio, temperature

__all__ = ["conditional", "surrounding_fields", "window_log_Z"]


MAX_WIDTH = 20
MAX_BLOCK = 20


@public
def surrounding_fields(
    spins: ArrayLike,
    corner: tuple[int, int],
    shape: tuple[int, int],
    *,
    J: float | tuple[float, float] = 1.0,
    h: float = 0.0,
) -> FloatArray:
    """Compute the fields that the spins around a window of a periodic lattice exert on it.

    Parameters
    ----------
    spins : array of +-1, shape (..., Ly, Lx)
        Configurations; the spins inside the window do not matter.
    corner : (int, int)
        Row and column (y, x) where the window begins.
    shape : (int, int)
        Height and width; at most one less than the lattice.
    J, h : float or (float, float), and float
        Couplings along x and y, field.

    Returns
    -------
    array, shape (..., height, width)
        Field on each site of the window, in the units of J, with `h` included.

    Raises
    ------
    ValueError
        The spins are not +-1, or the window is not smaller than the lattice.
    TypeError
        An argument has the wrong type.

    Examples
    --------
    >>> surrounding_fields(np.ones((6, 6)), (1, 1), (2, 3))
    array([[2., 1., 2.],
           [2., 1., 2.]])
    """
    s = checks.array("spins", spins)
    if s.ndim < 2 or not np.isin(s, (-1.0, 1.0)).all():
        raise ValueError("spins must be an array (..., Ly, Lx) of +1 and -1")
    jx, jy = pair("J", J)
    h = checks.real("h", h)
    height, width = _whole_pair("shape", shape, least=1)
    row, column = _whole_pair("corner", corner, least=None)
    Ly, Lx = s.shape[-2:]
    if height >= Ly or width >= Lx:
        raise ValueError(
            f"shape must be smaller than the lattice of the spins, "
            f"got {height} x {width} in {Ly} x {Lx}"
        )
    rolled = np.roll(s, (-row, -column), axis=(-2, -1))
    out = np.full((*s.shape[:-2], height, width), h)
    out[..., :, 0] += jx * rolled[..., :height, -1]
    out[..., :, -1] += jx * rolled[..., :height, width]
    out[..., 0, :] += jy * rolled[..., -1, :width]
    out[..., -1, :] += jy * rolled[..., height, :width]
    return out


def _whole_pair(name: str, value: tuple[int, int], *, least: int | None) -> tuple[int, int]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be a pair of integers, got {value!r}")
    first, second = (checks.whole(f"{name}[{i}]", n, least=least) for i, n in enumerate(value))
    return first, second


@public
def window_log_Z(
    fields: ArrayLike,
    T: float,
    *,
    J: float | tuple[float, float] = 1.0,
    block: ArrayLike | None = None,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> FloatArray:
    r"""Compute ``ln Z`` of open rectangles with a field on every site, for every state of a block.

    Parameters
    ----------
    fields : array, shape (..., height, width)
        Field on every site, in the units of J; see :func:`surrounding_fields`.
    T : float
        Temperature in the units of J.
    J : float or (float, float)
        Couplings along x and y, of any sign.
    block : array of bool, shape (height, width), optional
        The sites that are fixed, at most 20.
    threads, progress, control : see :func:`kadanoff.ising.sample`
        Number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    array, shape (..., 2^k) with a block of k sites, else (...)
        Bit i of the last index is the i-th spin of the block, row by row; 1 is up.

    Raises
    ------
    ValueError, TypeError
        The shorter side exceeds 20 sites, or an argument is out of range.

    Notes
    -----
    A transfer matrix, site by site, over the shorter side: ``2^(k + side)`` operations for each of
    the sites that share their rows with the block, ``2^side`` for the others.

    Examples
    --------
    >>> log_Z = window_log_Z(np.zeros((4, 4)), 2.0)
    >>> print(f"{log_Z:.10f}")
    14.4977110240
    """
    h = checks.array("fields", fields)
    if h.ndim < 2 or 0 in h.shape[-2:]:
        raise ValueError(f"fields must have shape (..., height, width), got {h.shape}")
    T = temperature(T)
    kx, ky = (ratio("J", j, T) for j in pair("J", J))
    height, width = h.shape[-2:]
    mask = np.zeros((height, width), dtype=bool)
    if block is not None:
        mask = np.asarray(block)
        if mask.dtype != bool or mask.shape != (height, width):
            raise ValueError(
                f"block must be an array of bool of the shape of fields, {(height, width)}, "
                f"got {mask.dtype} of shape {mask.shape}"
            )
    k = int(mask.sum())
    if min(height, width) > MAX_WIDTH:
        raise ValueError(f"the shorter side must be at most {MAX_WIDTH}, got {height} x {width}")
    if k > MAX_BLOCK:
        raise ValueError(f"a block may have at most {MAX_BLOCK} sites, got {k}")
    run = Run.of(threads=threads, progress=progress, control=control)
    more = h.shape[:-2]
    order = np.flatnonzero(mask.ravel())
    names = np.arange(height * width).reshape(height, width)
    turned = width > height
    if turned:
        h, mask, names, kx, ky = np.swapaxes(h, -1, -2), mask.T, names.T, ky, kx
    with run.calling("windows") as keywords:
        flat = _core.ising_windows(
            h.shape[-2],
            h.shape[-1],
            kx,
            ky,
            np.ascontiguousarray(h, dtype=np.float64).ravel() / T,
            np.flatnonzero(mask.ravel()).tolist(),
            **keywords,
        )
    if block is None:
        out = flat.reshape(more)
        return out if more else out[()]
    out = flat.reshape(*more, 2**k)
    if turned:
        # Spin i of the block, row by row, stands at another place column by column.
        found = names.ravel()[np.flatnonzero(mask.ravel())]
        place = [int(np.flatnonzero(found == site)[0]) for site in order]
        states = np.arange(2**k)
        index = sum(((states >> i & 1) << p for i, p in enumerate(place)), np.zeros_like(states))
        out = out[..., index]
    return out


@public
def conditional(
    fields: ArrayLike,
    T: float,
    *,
    block: ArrayLike,
    J: float | tuple[float, float] = 1.0,
    threads: int | None = None,
    progress: bool | Report | None = None,
    control: _core.Control | None = None,
) -> FloatArray:
    """Conditional probabilities ``P(v | e)`` of the states of a block, given its surroundings.

    They are the exponentials of :func:`window_log_Z`, normalised over the states of the block.

    Parameters
    ----------
    fields : array, shape (..., height, width)
        Field on every site, in the units of J; see :func:`surrounding_fields`.
    T : float
        Temperature in the units of J.
    block : array of bool, shape (height, width)
        The k sites of the block, at most 20.
    J : float or (float, float)
        Couplings along x and y, of any sign.
    threads, progress, control : see :func:`kadanoff.ising.sample`
        Number of threads, progress bar, and cancelling from another thread.

    Returns
    -------
    array, shape (..., 2^k)
        Probabilities. Bit i of the last index is the i-th spin of the block, row by row; 1 is up.

    Raises
    ------
    ValueError, TypeError
        The shorter side exceeds 20 sites, or an argument is out of range.

    Examples
    --------
    >>> block = np.zeros((4, 4), dtype=bool)
    >>> block[1:3, 1:3] = True
    >>> P = conditional(np.zeros((4, 4)), 2.0, block=block)
    >>> print(f"{P.sum():.12f} {P[0] - P[15]:.1f}")
    1.000000000000 0.0
    """
    log_Z = window_log_Z(
        fields, T, J=J, block=block, threads=threads, progress=progress, control=control
    )
    weights = np.exp(log_Z - log_Z.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
