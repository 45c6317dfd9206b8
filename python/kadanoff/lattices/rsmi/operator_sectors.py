r"""Local operators, sorted by the symmetries of the model.

    spins    odd      a + b + c + d                     even     (a + d)(b + c)
    colours  vector   sites of one colour               singlet  neighbours of equal colour
    dimers   (pi, 0)  columns    (pi, pi)  E_x, E_y     0        direction

Each is a function of a block of two by two sites, a b / c d, at every place of the lattice. The
sign of its translations, (-1)^x for instance, is taken out, so that all vary slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadanoff._base.types import AnyArray
from kadanoff.lattices.rsmi.configurations import Configurations

__all__ = ["BLOCK", "Sector", "sectors_of", "variables"]

BLOCK = 2  # sides of the block on which the operators live
MAX_COLOURS = 4  # whose transition is continuous

Fields = Callable[[AnyArray], AnyArray]


@dataclass(frozen=True, eq=False)
class Sector:
    """An operator of one symmetry.

    Attributes
    ----------
    name, symmetry, filter : str
        What it is called, how it transforms, and the function of the block.
    fields : callable
        From variables of shape (n, L, L, ...) to fields, shape (components, n, L, L).
    components : int
        Independent components: two colours of three.
    axes : tuple of int or None
        Axis of each component, 0 for x; None for scalars.
    mean : bool
        Whether the symmetry leaves a mean.
    alternating : bool
        Whether sectors differ by their momenta.
    """

    name: str
    symmetry: str
    filter: str
    fields: Fields
    components: int = 1
    axes: tuple[int, ...] | None = None
    mean: bool = False
    alternating: bool = False


def sectors_of(samples: Configurations) -> tuple[Sector, ...]:
    """The sectors of these variables, or a refusal."""
    if samples.edges is not None or samples.present is not None or samples.disorder:
        raise ValueError("samples must fill a lattice without a mask, a graph or disorder")
    if len(samples.axes) != 2 or samples.axes[0] != samples.axes[1]:
        raise ValueError(
            f"samples must lie on square lattices L x L, got {samples!r}; in three dimensions use "
            "kd.blockspin.mcrg"
        )
    if "open" in samples.boundary:
        raise ValueError("samples must be periodic: boundaries have dimensions of their own")
    if samples.scale == 2:
        if samples.letters.shape[1] > 1 or samples.cell:
            raise ValueError("dimers must be given as DimerSamples, not as DimerStates")
        return _DIMERS
    k = samples.letters.shape[1]
    if samples.cell and samples.cell != (k,):
        raise ValueError(f"samples must have one spin per site, got a cell of {samples.cell}")
    if not samples.symmetric:
        raise ValueError(
            "samples must be symmetric under turning all spins, or permuting the colours: operators"
            " are sorted by it (symmetric=True of kd.rsmi.Configurations says that they are)"
        )
    if k > MAX_COLOURS:
        raise ValueError(
            f"samples must have at most {MAX_COLOURS} colours, got {k}: the transition of more is "
            "of first order, and has no scaling dimensions"
        )
    return _SPINS if k == 1 else _colours(k)


def _at(x: AnyArray, right: int, down: int) -> AnyArray:
    """The field at the place moved by (right, down)."""
    return np.roll(x, (-down, -right), (1, 2))


def _block(x: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray]:
    """Corners of the block at each site: a b / c d."""
    below = _at(x, 0, 1)
    return x, _at(x, 1, 0), below, _at(below, 1, 0)


def _odd(x: AnyArray) -> AnyArray:
    return np.asarray(sum(_block(x)), dtype=np.float32)[None]


def _even(x: AnyArray) -> AnyArray:
    a, b, c, d = _block(x)
    return np.asarray((a + d) * (b + c), dtype=np.float32)[None]


_SPINS = (
    Sector("spin", "odd", "a + b + c + d", _odd),
    Sector("energy", "even", "(a + d)(b + c)", _even, mean=True),
)


def _colours(q: int) -> tuple[Sector, ...]:
    def vector(x: AnyArray) -> AnyArray:
        shares = (x > 0).astype(np.float32) - np.float32(1 / q)
        return np.stack([sum(_block(shares[..., colour])) for colour in range(q)])

    def singlet(x: AnyArray) -> AnyArray:
        a, b, c, d = _block(x.argmax(axis=-1).astype(np.int8))
        near = sum((p == r).astype(np.int8) for p, r in ((a, b), (c, d), (a, c), (b, d)))
        return np.asarray(near, dtype=np.float32)[None]

    return (
        Sector("spin", f"vector of S_{q}", "sites of one colour", vector, q - 1),
        Sector("energy", f"singlet of S_{q}", "neighbours of one colour", singlet, mean=True),
    )


def _occupied(grid: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Dimers to the right of each site, and below it."""
    return (grid[:, ::2, 1::2] > 0).astype(np.int8), (grid[:, 1::2, ::2] > 0).astype(np.int8)


def _staggered(x: AnyArray, along_x: bool, along_y: bool) -> AnyArray:
    """x (-1)^x or (-1)^y or both, without the average of x, which alternates."""
    sign = 1 - 2 * (np.arange(x.shape[-1]) % 2)
    signs = np.where(along_x, sign, 1) * np.where(along_y, sign, 1)[:, None]
    slow = x - x.mean(axis=(-2, -1), keepdims=True)
    return np.asarray(slow * signs, dtype=np.float32)


def _columns(grid: AnyArray) -> AnyArray:
    x, y = _occupied(grid)
    return np.stack(
        [_staggered(x + _at(x, 0, 1), True, False), _staggered(y + _at(y, 1, 0), False, True)]
    )


def _field(axis: int) -> Fields:
    def fields(grid: AnyArray) -> AnyArray:
        return _staggered(_occupied(grid)[axis], True, True)[None]

    return fields


def _direction(grid: AnyArray) -> AnyArray:
    x, y = _occupied(grid)
    return np.asarray(x + _at(x, 0, 1) - y - _at(y, 1, 0), dtype=np.float32)[None]


_DIMERS = (
    Sector(
        "columns",
        "momenta (pi, 0) and (0, pi)",
        "(-1)^x dimers along x, (-1)^y along y",
        _columns,
        components=2,
        axes=(0, 1),
        alternating=True,
    ),
    Sector(
        "E_x",
        "momentum (pi, pi), vector along x",
        "(-1)^(x + y) dimers along x",
        _field(0),
        axes=(0,),
        alternating=True,
    ),
    Sector(
        "E_y",
        "momentum (pi, pi), vector along y",
        "(-1)^(x + y) dimers along y",
        _field(1),
        axes=(1,),
        alternating=True,
    ),
    Sector(
        "direction",
        "momentum 0, odd under a quarter turn",
        "dimers along x - dimers along y",
        _direction,
        alternating=True,
    ),
)


def variables(samples: Configurations, rows: Any) -> AnyArray:
    """Variables of some rows, shape (rows, L, L) or with colours last."""
    found = samples.columns(rows, np.arange(int(np.prod(samples.lattice))))
    return found.reshape(-1, *samples.lattice)
