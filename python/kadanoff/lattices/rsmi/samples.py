"""Spins of blocks and environments, gathered from samples of any kind.

What a block sees are variables +1 and -1 on a rectangular lattice. Spins are that already. Dimers
are represented in two ways, with a cell of two by two variables for each site:

    noise  +x bond          +x  +y        DimerSamples: bonds, with the noise between them;
    +y bond  noise          -x  -y        DimerStates: the four states of a site, one of them +1.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import AnyArray, IntArray, SpinArray
from kadanoff._core import variables_of_rows
from kadanoff.lattices.dimers.lattice import checked
from kadanoff.lattices.ising.graphs import GraphIsing
from kadanoff.lattices.potts.clock import Clock
from kadanoff.lattices.potts.models import Potts

__all__ = [
    "ArraySource",
    "DimerStates",
    "Plane",
    "Source",
    "as_array",
    "columns_of",
    "described_by_model",
    "numbered",
    "source_of",
]


# Bytes of all configurations, one row each; tables of what a byte means, shape (tables, 256); and
# (byte, table, to) of each variable, whose place among those that are read is `to`.
Plane = tuple[np.ndarray[Any, np.dtype[np.uint8]], SpinArray, IntArray]


class Source(Protocol):
    """Configurations whose sites can be read one by one."""

    lattice: tuple[int, ...]
    scale: int

    def __len__(self) -> int:
        """Number of configurations."""

    def planes(self, sites: IntArray) -> list[Plane]:
        """Where the variables of these sites (row-major) are stored; what is not is 0."""

    def array(self) -> AnyArray:
        """All variables, shape (n, *lattice)."""


class _IsingSource:
    scale = 1

    def __init__(self, samples: Any) -> None:
        if samples.packed is None:
            raise ValueError("samples hold no configurations: sample with configurations=True")
        self.samples = samples
        self.lattice = tuple(samples.model.shape)

    def __len__(self) -> int:
        return len(self.samples.packed)

    def planes(self, sites: IntArray) -> list[Plane]:
        """One bit per site, lowest first."""
        return [_plane(self.samples.packed, bit_tables(), sites >> 3, sites & 7)]

    def array(self) -> AnyArray:
        return np.asarray(self.samples.configurations)


class _DimerSource:
    """Entries of :func:`kadanoff.dimers.grid` without the grid, which would be many gigabytes."""

    scale = 2

    def __init__(self, samples: Any) -> None:
        if samples.dimers is None:
            raise ValueError("samples hold no coverings: sample with coverings=True")
        self.samples = samples
        self.lattice: tuple[int, ...] = (2 * samples.Ly, 2 * samples.Lx)

    def __len__(self) -> int:
        return len(self.samples.dimers)

    def planes(self, sites: IntArray) -> list[Plane]:
        """A bond is there if the dimer at its lower site points along it."""
        samples = self.samples
        Y, X = np.divmod(sites, 2 * samples.Lx)
        odd = (Y + X) % 2 == 1
        bonds, others = np.flatnonzero(odd), np.flatnonzero(~odd)
        place = (Y // 2) * samples.Lx + X // 2
        # Direction 0 = +x on even rows, 1 = +y on odd ones.
        found = [_plane(samples.dimers, direction_tables(), place[bonds], Y[bonds] % 2, bonds)]
        if samples.noise is not None:
            byte = (Y[others] % 2) * samples.Lx * samples.Ly + place[others]
            found.append(_plane(samples.noise, signed_table(), byte, 0, others))
        return found

    def array(self) -> AnyArray:
        return np.asarray(self.samples.grid())


@public
class DimerStates:
    """Coverings as states of sites, Potts-like: four variables per site, +1 for its direction.

    Parameters
    ----------
    dimers : DimerSamples, or array of directions, shape (n, Ly, Lx)
        Samples of :func:`kadanoff.dimers.sample`, or directions 0 to 3 of the dimer at each site.

    Raises
    ------
    ValueError
        Samples without coverings, or an array that holds no covering.

    Examples
    --------
    >>> import kadanoff as kd
    >>> DimerStates(kd.dimers.sample(4, n=10, seed=1)).array().shape
    (10, 8, 8)
    >>> DimerStates([[[0, 2]]]).array().tolist()
    [[[1, -1, -1, -1], [-1, -1, 1, -1]]]
    """

    scale = 2

    def __init__(self, dimers: ArrayLike | Any) -> None:
        given = getattr(dimers, "dimers", dimers)
        if given is None:
            raise ValueError("dimers: the samples hold no coverings: sample with coverings=True")
        self.directions = checked(given)
        self.boundary: str = getattr(dimers, "boundary", "periodic")
        if self.directions.ndim != 3:
            raise ValueError(f"dimers must have shape (n, Ly, Lx), got {self.directions.shape}")
        self.lattice: tuple[int, ...] = tuple(2 * n for n in self.directions.shape[1:])

    def __len__(self) -> int:
        return len(self.directions)

    def __repr__(self) -> str:
        Ly, Lx = self.directions.shape[1:]
        return f"DimerStates({len(self)} coverings of {Ly} x {Lx} sites)"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        """All variables, so that numpy and the machines take them as they are."""
        return np.asarray(self.array(), dtype=dtype)

    def columns(self, rows: Any, sites: IntArray) -> SpinArray:
        """Variables of these rows and sites, shape (rows, sites).

        Parameters
        ----------
        rows : slice, or array of int or bool, shape (rows,)
            Samples.
        sites : array of int, shape (sites,)
            Numbers of variables, row by row.

        Raises
        ------
        TypeError, ValueError
            Numbers of samples or variables that do not exist.
        """
        if not isinstance(rows, slice):
            rows = numbered("rows", rows, len(self.directions))
        sites = numbered("sites", sites, self.lattice[0] * self.lattice[1])
        return columns_of(self, rows, sites)

    def planes(self, sites: IntArray) -> list[Plane]:
        """Where the variables of these sites are stored."""
        Y, X = np.divmod(sites, self.lattice[1])
        site = (Y // 2) * (self.lattice[1] // 2) + X // 2
        return [_plane(self.directions, direction_tables(), site, 2 * (Y % 2) + X % 2)]

    def array(self) -> AnyArray:
        """All variables, shape (n, 2 Ly, 2 Lx)."""
        found = self.columns(slice(None), np.arange(self.lattice[0] * self.lattice[1]))
        return found.reshape(-1, *self.lattice)


def numbered(name: str, value: ArrayLike, count: int) -> IntArray:
    """Numbers of things of which there are `count`; negative ones count from the end."""
    if isinstance(value, np.ndarray) and value.dtype == bool and value.shape == (count,):
        return np.flatnonzero(value)
    found = checks.array(name, value, dtype=np.int64, ndim=1)
    if not found.size:
        raise ValueError(f"{name} must hold at least one number, got none")
    if found.min() < -count or found.max() >= count:
        raise ValueError(f"{name} must lie in 0 to {count - 1}, got {found.min()} to {found.max()}")
    return np.asarray(found % count)


class ArraySource:
    """Variables in an array of int8, shape (n, *lattice)."""

    scale = 1

    def __init__(self, variables: SpinArray) -> None:
        self.variables = variables
        self.lattice: tuple[int, ...] = variables.shape[1:]

    def __len__(self) -> int:
        return len(self.variables)

    def planes(self, sites: IntArray) -> list[Plane]:
        """A byte is its variable."""
        return [_plane(self.variables, signed_table(), sites, 0)]

    def array(self) -> AnyArray:
        """All variables."""
        return self.variables


def columns_of(source: Source, rows: Any, sites: IntArray) -> SpinArray:
    """Variables of these rows and sites (row-major), shape (rows, sites)."""
    chosen = np.ascontiguousarray(np.arange(len(source))[rows])
    return variables_of_rows(source.planes(sites), chosen, len(sites))


def _plane(
    stored: AnyArray, tables: SpinArray, byte: IntArray, table: Any, to: IntArray | None = None
) -> Plane:
    flat = np.ascontiguousarray(stored).reshape(len(stored), -1).view(np.uint8)
    places = np.arange(len(byte)) if to is None else to
    numbers = np.stack([byte, np.broadcast_to(table, byte.shape), places], axis=1)
    return flat, tables, numbers.astype(np.int64)


@cache
def bit_tables() -> SpinArray:
    """Variables of each bit of a byte."""
    bits = (np.arange(256) >> np.arange(8)[:, None]) & 1
    return (2 * bits - 1).astype(np.int8)


@cache
def direction_tables() -> SpinArray:
    """+1 for the byte that is a direction, 0 to 3."""
    return np.where(np.arange(256) == np.arange(4)[:, None], 1, -1).astype(np.int8)


@cache
def signed_table() -> SpinArray:
    """A byte as a number with a sign."""
    return np.arange(256, dtype=np.uint8).view(np.int8)[None]


def source_of(samples: Any) -> Source | None:
    """Samples that are read site by site without being unpacked; None for everything else."""
    # By what they have, not by their class: results of kd.ising and kd.dimers, and what has the
    # methods of a source already.
    if hasattr(samples, "planes") and hasattr(samples, "array"):
        return cast(Source, samples)
    if hasattr(samples, "model") and hasattr(samples, "packed"):
        return None if isinstance(samples.model, GraphIsing) else _IsingSource(samples)
    if hasattr(samples, "dimers") and hasattr(samples, "grid"):
        return _DimerSource(samples)
    return None


def described_by_model(samples: Any) -> dict[str, Any] | None:
    """An array and what the model of these samples says about it; None for everything else.

    Of Potts and clock models the number of states and the boundaries, of Ising models on graphs the
    sites of a cell, or the bonds.
    """
    model = getattr(samples, "model", None)
    if isinstance(model, Potts | Clock):
        return {"samples": samples.kept(), "states": model.q, "boundary": model.boundary}
    if not isinstance(model, GraphIsing):
        return None
    spins = np.asarray(samples.configurations)
    if model.cell:
        return {"samples": spins, "basis": model.cell}
    from scipy.sparse import csr_array

    i, j = model.bonds[model.J != 0].T
    ends = (np.concatenate([i, j]), np.concatenate([j, i]))
    matrix = csr_array((np.ones(2 * len(i)), ends), shape=(model.sites, model.sites))
    return {"samples": spins.reshape(len(spins), -1), "graph": matrix}


def as_array(samples: Any) -> AnyArray:
    """Configurations, shape (n, *lattice): of a result of kd.ising or kd.dimers, or an array."""
    source = source_of(samples)
    if source is not None:
        return source.array()
    if isinstance(samples, np.ma.MaskedArray):
        raise TypeError(
            "samples (configurations) must be a plain array, got a masked one; pass x.filled(...)"
        )
    given = np.asarray(samples)
    if given.dtype.kind not in "biuf":
        raise TypeError(
            "samples (configurations) must be spins +1 and -1 (an array, or a result of "
            f"kd.ising.sample or kd.dimers.sample), got dtype {given.dtype}"
        )
    return given
