"""Configurations of any origin, in the one form in which all of this room takes them.

    array, IsingSamples, DimerSamples, ...  ->  Configurations  ->  places  ->  (v, e)  ->  rule
                                                     ^                                      |
                                                     +---------  block variables  <---------+

Variables lie on the axes of a lattice. The last axes may belong to one site or cell: the colours of
a Potts spin, the sites of a unit cell, several hidden units; a block always holds all of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.statistics import estimate
from kadanoff._base.types import AnyArray, BoolArray, FloatArray, IntArray, SpinArray
from kadanoff._core import variables_of_blocks
from kadanoff.lattices.blockspin.plurality import Plurality
from kadanoff.lattices.blockspin.rules import BlockRule, sides
from kadanoff.lattices.ising.models import boundaries
from kadanoff.lattices.potts.clock import Clock
from kadanoff.lattices.potts.models import Potts
from kadanoff.lattices.rsmi.geometry import Geometry
from kadanoff.lattices.rsmi.graphs import coarse_edges, edges_of
from kadanoff.lattices.rsmi.neighbours import neighbour_products, products_of_pairs
from kadanoff.lattices.rsmi.places import (
    Places,
    is_list_of_sites,
    listed,
    rows_of_sites,
    variables_of,
)
from kadanoff.lattices.rsmi.samples import (
    ArraySource,
    Plane,
    columns_of,
    described_by_model,
    source_of,
)
from kadanoff.lattices.rsmi.site_states import SPINS, encoded, permutes_all

__all__ = ["Configurations", "configurations_of"]

SYMMETRIC = 3.0  # standard deviations within which the samples must be symmetric


@public
class Configurations:
    """Configurations from any source, with what is known about them.

    Parameters
    ----------
    samples : IsingSamples, PottsSamples, DimerSamples, DimerStates or array, shape (n, L_1, ...)
        One configuration per row, in the order in which they were drawn: spins +1 and -1, 0 and 1
        or bool; spins with vacancies, +1, 0 and -1; with `states` colours or angles. With a graph
        the shape is (n, sites). Samples of :func:`kadanoff.ising.sample`,
        :func:`kadanoff.potts.sample` and :func:`kadanoff.dimers.sample` know all that follows.
    T : float, optional
        Temperature (k_B = 1), for :func:`critical_point` and :func:`collapse`.
    energy : array, shape (n,), optional
        Energy of each configuration per site, H / N, in the unit of `T`.
    boundary : {"periodic", "open"}, or a tuple with one of them for each axis, default "periodic"
        Along an open axis only those places count whose whole window lies on the lattice.
    graph : array or sparse matrix, shape (sites, sites), or networkx graph, optional
        Adjacency of the sites, which then lie on one axis. Block and environment are lists of
        sites, see `block` and `environment` of :func:`learn`.
    mask : bool array, shape (L_1, ..., L_d), optional
        Sites that exist. Entries of the others are not read; a mask that is a full rectangle is a
        lattice of that size.
    states : int or "one-hot", optional
        Number q of colours 0 ... q - 1 of a site; an array of other real numbers is taken for
        angles (radians) and binned into q sectors, with a warning. "one-hot": the last axis holds
        one entry per colour.
    basis : int, optional
        Sites of a unit cell, on the last axis (before that of the colours).
    symmetric : bool, optional
        Whether turning all spins, or permuting the colours, leaves the distribution unchanged. By
        default known from the model (no field), and otherwise whether the samples agree with it
        within three standard deviations, in the shares of states and of pairs of neighbours. Of
        more than four colours only cyclic permutations are used.
    disorder : bool, default False
        Whether the couplings differ from place to place: places are then not pooled, and block and
        environment are lists of sites, see :meth:`Geometry.sites`.

    Attributes
    ----------
    lattice : tuple of int
        Variables along each axis, those of a site or cell last.
    letters : array, shape (states, variables of a site)
        Variables of each state of a site.
    sites : int
        Number of sites that exist.

    Raises
    ------
    TypeError
        An array or an argument of another kind, or arguments that the samples know themselves.
    ValueError
        States other than those named, a mask that leaves nothing, a graph or numbers that do not
        fit the array.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> Configurations(rng.integers(0, 3, (100, 8, 8)), T=1.0, states=3)
    Configurations(100 of 8x8 sites, 3 states, periodic, T=1)
    >>> Configurations(rng.random((100, 6)) < 0.5, boundary="open").array().dtype
    dtype('int8')
    """

    def __init__(
        self,
        samples: ArrayLike | Any,
        *,
        T: float | None = None,
        energy: ArrayLike | None = None,
        boundary: str | Sequence[str] | None = None,
        graph: Any = None,
        mask: ArrayLike | None = None,
        states: int | str | None = None,
        basis: int | None = None,
        symmetric: bool | None = None,
        disorder: bool = False,
    ) -> None:
        if isinstance(samples, Configurations):
            raise TypeError("samples are Configurations already: make new ones from their source")
        self.disorder = checks.flag("disorder", disorder)
        self._symmetric = None if symmetric is None else checks.flag("symmetric", symmetric)
        self.model: Any = getattr(samples, "model", None)
        self.edges: IntArray | None = None
        self.present: BoolArray | None = None
        self.letters = SPINS
        self.energy: FloatArray | None
        source = source_of(samples)
        described = described_by_model(samples)
        if described is not None or source is not None:
            self._refuse_known(
                samples,
                T=T,
                energy=energy,
                boundary=boundary,
                graph=graph,
                mask=mask,
                states=states,
                basis=basis,
            )
        if described is not None:
            self._read(**described)
            self.T = getattr(samples, "T", None)
            self.energy = getattr(samples, "energy", None)
        elif source is not None:
            self._source, self.scale, self.inner = source, source.scale, 0
            edge = getattr(samples if self.model is None else self.model, "boundary", "periodic")
            self.boundary = boundaries(edge, len(source.lattice))
            self.T = getattr(samples, "T", None)
            self.energy = getattr(samples, "energy", None)
            self.n = len(samples)  # type: ignore[arg-type]
        else:
            self._read(samples, boundary, graph, mask, states, basis)
            self.T = None if T is None or np.inf == T else checks.real("T", T, above=0)
            self.energy = (
                None if energy is None else checks.array("energy", energy, shape=(self.n,))
            )
        self.lattice: tuple[int, ...] = self._source.lattice
        self.sites = self._count()

    @staticmethod
    def _refuse_known(samples: Any, **given: Any) -> None:
        known = [name for name, value in given.items() if value is not None]
        if known:
            raise TypeError(
                f"{', '.join(known)}: {type(samples).__name__} know these themselves; pass "
                "np.asarray(samples) to describe them anew"
            )

    def _read(
        self,
        samples: Any,
        boundary: Any = None,
        graph: Any = None,
        mask: Any = None,
        states: Any = None,
        basis: Any = None,
    ) -> None:
        """An array of a user."""
        if isinstance(samples, np.ma.MaskedArray):
            raise TypeError(
                "samples must be a plain array, got a masked one; pass samples.filled(1) with "
                "mask= (True where a site exists)"
            )
        given = np.asarray(samples)
        cell = None if basis is None else checks.whole("basis", basis)
        if given.ndim < 2 or 0 in given.shape[1:]:
            raise ValueError(
                "samples must have shape (n, L_1, ...), one configuration per row, got shape "
                f"{given.shape}"
            )
        axes = given.ndim - 1 - (cell is not None) - (states == "one-hot")
        if axes < 1:
            raise ValueError(
                f"samples must have shape (n, L_1, ...) besides the axes of a site, got shape "
                f"{given.shape}"
            )
        lattice = given.shape[1 : 1 + axes]
        exists = None
        if cell is not None and given.shape[1 + axes] != cell:
            raise ValueError(
                f"basis = {cell} sites of a cell must be the axis {1 + axes} of the samples, got "
                f"shape {given.shape}"
            )
        if mask is not None:
            given, exists = _masked(
                given, mask, axes + (cell is not None), crop=graph is None and cell is None
            )
        variables, self.letters = encoded(given, states)
        k = self.letters.shape[1]
        self.inner = (cell is not None) + (k > 1)
        self.scale = 1
        if exists is not None:
            variables = np.where(_widened(exists, variables.ndim - 1), variables, np.int8(0))
            wide = _widened(exists, variables.ndim - 1)
            self.present = np.broadcast_to(wide, variables.shape[1:]).ravel()
        self._source = ArraySource(np.ascontiguousarray(variables))
        self.n = len(variables)
        self.boundary = boundaries("periodic" if boundary is None else boundary, axes)
        self.boundary += ("periodic",) * self.inner
        if graph is not None:
            if axes != 1 or cell is not None:
                raise ValueError(
                    f"graph needs samples of shape (n, sites), got {given.shape}: pass "
                    "samples.reshape(len(samples), -1)"
                )
            self.edges = edges_of(graph, lattice[0])

    def _count(self) -> int:
        k = self.letters.shape[1]
        every = np.prod(self.lattice) if self.present is None else self.present.sum()
        return int(every) // int(k * self.scale**2)

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        cells = tuple(n // self.scale for n in self.axes)
        # Besides the axes of the lattice: the sites of a cell, then the variables of a site.
        in_cell = self.inner > (self.letters.shape[1] > 1)
        basis = f"cells of {self.lattice[len(self.axes)]} sites" if in_cell else "sites"
        parts = [f"{self.n} of {sides(cells)} {basis}"]
        if self.present is not None:
            parts.append(f"{self.sites} present")
        if len(self.letters) > 2:
            parts.append(f"{len(self.letters)} states")
        if self.edges is not None:
            parts.append(f"{len(self.edges)} bonds")
        else:
            edges = self.boundary[: len(self.axes)]
            parts.append(edges[0] if len(set(edges)) == 1 else "/".join(edges))
        if self.T is not None:
            parts.append(f"T={self.T:.6g}")
        return f"Configurations({', '.join(parts)})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        """All variables."""
        return np.asarray(self.array(), dtype=dtype)

    @property
    def axes(self) -> tuple[int, ...]:
        """Variables along the axes of the lattice, without those of a site or cell."""
        return self.lattice[: len(self.lattice) - self.inner]

    @property
    def cell(self) -> tuple[int, ...]:
        """Axes of a site or cell, which every block holds whole."""
        return self.lattice[len(self.lattice) - self.inner :]

    def columns(self, rows: Any, sites: IntArray) -> SpinArray:
        """Variables of these rows and numbers (row-major), shape (rows, numbers)."""
        return columns_of(self._source, rows, sites)

    def planes(self, sites: IntArray) -> list[Plane]:
        """Where the variables of these numbers (row-major) are stored."""
        return self._source.planes(sites)

    def block_sums(self, visible: IntArray) -> tuple[AnyArray, IntArray]:
        """Sums over blocks, whose variables are rows of numbers.

        Returns
        -------
        over_blocks : array, shape (variables of a block, n)
            Of each variable over all blocks.
        squares : array, shape (n,)
            Over blocks and letters, of the squared sum of that letter over the sites of the block.
        """
        planes, (places, size) = self.planes(visible.ravel()), visible.shape
        return variables_of_blocks(planes, self.n, places, size, self.letters.shape[1])

    def array(self) -> AnyArray:
        """All variables, shape (n, *lattice); 0 where no site exists."""
        return self._source.array()

    @cached_property
    def symmetric(self) -> bool:
        """Whether turning all spins, or permuting colours, leaves the distribution unchanged."""
        if self._symmetric is not None:
            return self._symmetric
        k = self.letters.shape[1]
        if isinstance(self.model, Clock):
            return k <= 3 or not permutes_all(k)  # turns of the circle, not all permutations
        if self.model is not None:
            return not getattr(self.model, "h", 0 if isinstance(self.model, Potts) else 1)
        if self.scale > 1 or self.n < 2:
            return False
        x = self.array().reshape(self.n, -1, int(np.prod(self.cell)))
        share = 1.0 if self.present is None else self.present.mean()
        means = x.mean(axis=1) / share - (2 / k - 1 if k > 1 else 0)
        found = [estimate(series) for series in means.T]
        found += [estimate(series) for series in self._pairs_that_differ()]
        return all(abs(f.mean) <= SYMMETRIC * max(f.error, 1e-12) for f in found)

    def _pairs_that_differ(self) -> AnyArray:
        """Shares of pairs of states of neighbours, less their averages over the symmetry."""
        k = self.letters.shape[1]
        if k < 3:
            return np.zeros((0, self.n))
        s = self.array().reshape(self.n, *self.lattice) > 0
        if self.edges is not None:
            one, two = s[:, self.edges[:, 0]], s[:, self.edges[:, 1]]
        else:
            one, two = s[:, :-1], s[:, 1:]
        ends = [x.reshape(self.n, -1, k).astype(np.float32) for x in (one, two)]
        pairs = np.einsum("nsa,nsb->nab", *ends) / max(1, ends[0].shape[1])
        pairs = pairs + pairs.swapaxes(1, 2)
        a, b = np.indices((k, k))
        kind = (a != b) if permutes_all(k) else (a - b) % k
        found = [
            pairs[:, kind == x] - pairs[:, kind == x].mean(axis=1, keepdims=True)
            for x in np.unique(kind)
        ]
        return np.concatenate(found, axis=1).T

    def places(
        self,
        block: Any,
        *,
        buffer: int,
        shell: int,
        step: Sequence[int] | None = None,
        environment: Any = None,
    ) -> Places:
        """Where block and environment lie; lengths in sites, blocks of a graph as lists."""
        if self.edges is not None or environment is not None or is_list_of_sites(block):
            k = self.letters.shape[1]
            if self.scale > 1:
                raise ValueError("block must be sides of a lattice for dimers, (2, 2) for instance")
            return listed(
                block,
                environment,
                sites=int(np.prod(self.lattice)) // k,
                present=None if self.present is None else self.present[::k],
                variables=k,
                edges=self.edges,
                buffer=buffer,
                shell=shell,
            )
        geometry = self.geometry(block, buffer=buffer, shell=shell, step=step)
        if self.disorder and geometry.positions > 1:
            raise ValueError(
                f"samples with disorder differ between the {geometry.positions} places of a block: "
                "take one of them, V, E = kd.rsmi.Geometry(lattice, block).sites(corner), with "
                "block=[V], environment=[E]"
            )
        return Places.of(geometry, self.present)

    def geometry(
        self, block: Sequence[int], *, buffer: int, shell: int, step: Sequence[int] | None = None
    ) -> Geometry:
        """In variables, from numbers in sites."""
        if len(block) != len(self.axes):
            raise ValueError(
                f"block must have one side for each of {len(self.axes)} axes, got {tuple(block)}"
            )
        scale = self.scale
        return Geometry(
            self.lattice,
            (*(scale * b for b in block), *self.cell),
            buffer=buffer * scale,
            shell=shell * scale,
            step=None if step is None else (*(scale * s for s in step), *self.cell),
            boundary=self.boundary,
        )

    def coarse(self, rule: BlockRule, *, seed: int, block: Any = None) -> Configurations:
        """Block variables drawn from P(h | v), at the same temperature.

        Parameters
        ----------
        rule : BlockRule
        seed : int
        block : rows of site numbers
            The blocks of a graph.
        """
        if self.edges is not None:
            return self._coarse_graph(rule, seed, block)
        d = len(rule.shape)
        if d == len(self.axes) and self.cell and rule.shape != self.lattice[-d:]:
            raise ValueError(
                f"rule must be for blocks {(*rule.shape, *self.cell)}, whose last axes are the "
                f"variables of a site, got blocks {rule.shape}"
            )
        given = self.array()
        if d != len(self.lattice):
            raise ValueError(
                f"rule must be for blocks of {len(self.lattice)} axes, those of {self!r}, got "
                f"{rule!r}"
            )
        coarse = []
        for n, b in zip(self.lattice, rule.shape, strict=True):
            if n % b:
                raise ValueError(
                    f"a block of {sides(rule.shape)} does not divide the lattice of samples, "
                    f"{sides(self.lattice)}"
                )
            coarse.append(n // b)
        h = rule.draw(given, np.random.default_rng([seed, given.shape[-1]]))
        units = h.shape[1 + d] if h.ndim > 1 + d else 1
        if coarse[d - self.inner :] != [1] * self.inner:
            raise ValueError(f"rule must be for blocks whose last axes are {self.cell}")
        axes = coarse[: d - self.inner]
        h = h.reshape(self.n, *axes, *([units] if units > 1 else []))
        mask = None
        if self.present is not None:
            mask = self._coarse_mask(rule, axes)
        if isinstance(rule, Plurality):
            return Configurations(
                h > 0,
                T=self.T,
                boundary=self.boundary[: len(axes)],
                mask=mask,
                states="one-hot",
                symmetric=self._symmetric,
                disorder=self.disorder,
            )
        return Configurations(
            h,
            T=self.T,
            boundary=self.boundary[: len(axes)],
            mask=mask,
            basis=units if units > 1 else None,
            symmetric=self._inherited(rule),
            disorder=self.disorder,
        )

    def _coarse_mask(self, rule: BlockRule, axes: Sequence[int]) -> BoolArray | None:
        assert self.present is not None
        split: list[int] = []
        for n, b in zip(self.lattice, rule.shape, strict=True):
            split += [n // b, b]
        within = tuple(range(1, len(split), 2))
        mask = np.asarray(self.present.reshape(split).any(axis=within)).reshape(tuple(axes))
        return None if mask.all() else mask

    def _coarse_graph(self, rule: BlockRule, seed: int, block: Any) -> Configurations:
        assert self.edges is not None
        k = self.letters.shape[1]
        rows = rows_of_sites("block", block, self.lattice[0])
        count, size = rows.shape
        if rule.sites != size * k:
            raise ValueError(f"rule must be for blocks of {size * k} variables, got {rule!r}")
        if count < 2 or len(np.unique(rows)) != rows.size:
            raise ValueError(
                "block must have two rows or more, which become neighbours, and no site in two of "
                f"them, got {count} rows with {rows.size - len(np.unique(rows))} sites twice"
            )
        of = np.full(self.lattice[0], -1)
        of[rows] = np.arange(count)[:, None]
        v = self.columns(slice(None), variables_of(rows, k).ravel())
        rng = np.random.default_rng([seed, count])
        h = rule.draw(v.reshape(self.n * count, *rule.shape), rng).reshape(self.n, count, -1)
        adjacency = np.zeros((count, count), dtype=bool)
        adjacency[tuple(coarse_edges(self.edges, of).T)] = True
        units = h.shape[2]
        if units > 1:
            raise ValueError(f"rule must have one hidden unit on a graph, got {units}")
        return Configurations(
            h[..., 0],
            T=self.T,
            graph=adjacency | adjacency.T,
            symmetric=self._inherited(rule),
            disorder=self.disorder,
        )

    def _inherited(self, rule: BlockRule) -> bool | None:
        if len(self.letters) > 2 and self.letters.shape[1] > 1:
            return False  # hidden units do not permute as colours do
        return self._symmetric if not np.any(getattr(rule, "bias", 0.0)) else False

    def neighbours(self) -> FloatArray:
        """Average s s' of nearest and of diagonal neighbours, shape (n, 2); NaN for none."""
        if self.edges is not None:
            s = self.array().reshape(self.n, -1, int(np.prod(self.cell)))
            near = np.mean(s[:, self.edges[:, 0]] * s[:, self.edges[:, 1]], axis=(1, 2))
            return np.stack([near, np.full(self.n, np.nan)], axis=1)
        s, d = self.array(), len(self.axes)
        if self.present is None and "open" not in self.boundary:
            return neighbour_products(s, d)
        there = np.ones(self.lattice, dtype=bool)
        if self.present is not None:
            there = self.present.reshape(self.lattice)
        return products_of_pairs(s, there, self.boundary[:d])

    def magnetisation_squared(self) -> FloatArray:
        """Squared mean over sites, averaged over the variables of a site, shape (n,)."""
        m = self.array().reshape(self.n, -1, int(np.prod(self.cell))).mean(axis=1)
        return np.asarray(np.square(m).mean(axis=1))


def configurations_of(samples: Any) -> Configurations:
    """Samples of any kind as Configurations."""
    return samples if isinstance(samples, Configurations) else Configurations(samples)


def _masked(
    given: AnyArray, mask: Any, axes: int, *, crop: bool
) -> tuple[AnyArray, BoolArray | None]:
    """The array with a neutral entry where no site exists, and the sites that do."""
    exists = np.asarray(mask)
    if exists.dtype.kind != "b":
        raise TypeError(
            f"mask must be an array of bool, True where a site exists, got dtype {exists.dtype}: "
            "pass mask != 0"
        )
    shape = given.shape[1 : 1 + axes]
    if exists.shape not in (shape, shape[: exists.ndim]) or exists.ndim == 0:
        raise ValueError(
            f"mask must have the shape of a configuration, {shape}, got {exists.shape}"
        )
    if not exists.any():
        raise ValueError("mask leaves no site: it must be True where a site exists")
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(exists))
    if exists.all() or (crop and exists[box].all()):
        return given[(slice(None), *box)], None
    wide = _widened(exists, given.ndim - 1)
    at = tuple(int(i[0]) for i in np.nonzero(exists))
    first = given[(slice(None), *at)]  # type: ignore[arg-type]
    neutral = first.reshape(len(given), *(1,) * exists.ndim, *first.shape[1:])
    return np.where(wide, given, neutral), exists


def _widened(exists: BoolArray, ndim: int) -> BoolArray:
    return exists.reshape(*exists.shape, *(1,) * (ndim - exists.ndim))
