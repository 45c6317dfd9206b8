r"""Block, buffer, environment.

    E E E E E E
    E B B B B E        V  the block: its spins v decide h
    E B V V B E        B  the buffer, ignored: h is to know the distant environment
    E B V V B E        E  the environment: a shell around the buffer
    E B B B B E
    E E E E E E

Between nearest neighbours, a shell of one site screens everything beyond it: ``I(H : E)`` of the
shell is that of the whole rest. Otherwise ``I(H : shell) <= I(H : rest)``, so that a lower bound
for the shell is one for the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff._base.types import IntArray
from kadanoff.lattices.blockspin.enumeration import lattice_sides
from kadanoff.lattices.ising.models import boundaries

__all__ = ["Geometry"]


@public
@dataclass(frozen=True)
class Geometry:
    """Where block, buffer and environment lie on a lattice.

    Parameters
    ----------
    lattice : tuple of int
        Sites along each axis.
    block : tuple of int
        Sites of the block along each axis.
    buffer : int
        Width of the buffer; 0 for none.
    shell : int, default 1
        Width of the environment, at most the rest of the lattice.
    step : tuple of int, optional
        Distance of neighbouring blocks along each axis; by default the sides of the block. Patterns
        that alternate from site to site need an even step.
    boundary : {"periodic", "open"}, or a tuple with one of them for each axis
        Along an open axis only those places count whose whole window, environment included, lies
        on the lattice.

    Raises
    ------
    TypeError
        A number that is no integer.
    ValueError
        The block does not fit, the buffer leaves no environment, or no window fits between open
        boundaries.

    Examples
    --------
    >>> g = Geometry((64, 64), (2, 2), buffer=1)
    >>> len(g.visible), len(g.environment), g.positions
    (4, 20, 1024)
    >>> Geometry((64, 64), (2, 2), buffer=1, boundary="open").positions
    900
    """

    lattice: tuple[int, ...]
    block: tuple[int, ...]
    buffer: int = 1
    shell: int = 1
    step: tuple[int, ...] | None = None
    boundary: str | tuple[str, ...] = "periodic"

    def __post_init__(self) -> None:
        sizes = lattice_sides("lattice", self.lattice)
        block = lattice_sides("block", self.block)
        if len(block) != len(sizes):
            raise ValueError(
                f"block must have one side for each of {len(sizes)} axes of the lattice "
                f"(of samples, if they are given), got {self.block}"
            )
        buffer = checks.whole("buffer", self.buffer, least=0)
        shell = checks.whole("shell", self.shell)
        for side, size in zip(block, sizes, strict=True):
            if side > size:
                raise ValueError(f"block {block} is larger than the lattice {sizes}")
        if all(side + 2 * buffer >= size for side, size in zip(block, sizes, strict=True)):
            largest = max((n - b - 1) // 2 for b, n in zip(block, sizes, strict=True))
            raise ValueError(
                f"buffer = {buffer} leaves no environment around a block {block} on a lattice of "
                f"{sizes}: "
                + (f"at most {largest} does" if largest >= 0 else "take a smaller block")
            )
        step = block if self.step is None else lattice_sides("step", self.step)
        if len(step) != len(sizes):
            raise ValueError(f"step must have {len(sizes)} entries, got {self.step}")
        edges = boundaries(self.boundary, len(sizes))
        margin = buffer + shell
        for a, (side, size, edge) in enumerate(zip(block, sizes, edges, strict=True)):
            if edge == "open" and side + 2 * margin > size:
                raise ValueError(
                    f"boundary is open along axis {a}, where no window of the block {block} with "
                    f"buffer = {buffer} and shell = {shell} fits into {size}: it needs "
                    f"{side + 2 * margin}; take a smaller block, buffer or shell"
                )
        for name, value in (
            ("lattice", sizes),
            ("block", block),
            ("buffer", buffer),
            ("shell", shell),
            ("step", step),
            ("boundary", edges),
        ):
            object.__setattr__(self, name, value)

    @property
    def visible(self) -> IntArray:
        """Offsets of the sites of the block, row-major, shape (sites, axes)."""
        return np.array(list(itertools.product(*(range(b) for b in self.block))))

    @property
    def environment(self) -> IntArray:
        """Offsets of the sites of the environment from the block's corner, in no window twice."""
        return self._around(self.buffer, self.buffer + self.shell)

    @property
    def window(self) -> tuple[int, ...]:
        """Sides of block and buffer together."""
        return tuple(b + 2 * self.buffer for b in self.block)

    def _around(self, inner: int, outer: int) -> IntArray:
        ranges = []
        for b, n in zip(self.block, self.lattice, strict=True):
            low, high = -outer, b + outer
            if high - low > n:  # once round the torus
                low, high = -((n - b) // 2), n - (n - b) // 2
            ranges.append(range(low, high))
        found = [
            x
            for x in itertools.product(*ranges)
            if not all(-inner <= c < b + inner for c, b in zip(x, self.block, strict=True))
        ]
        return np.array(found, dtype=np.int64).reshape(-1, len(self.block))

    @property
    def positions(self) -> int:
        """Number of places of the block."""
        return int(np.prod([len(r) for r in self._ranges()]))

    def corners(self) -> IntArray:
        """All places of the block, shape (positions, axes)."""
        return np.array(list(itertools.product(*self._ranges())))

    def _ranges(self) -> list[range]:
        """Places along each axis."""
        margin = self.buffer + self.shell
        return [
            range(0, n, s) if edge == "periodic" else range(margin, n - b - margin + 1, s)
            for n, b, s, edge in zip(
                self.lattice, self.block, self.step or (), self.boundary, strict=True
            )
        ]

    def sites(self, corner: Sequence[int]) -> tuple[IntArray, IntArray]:
        """Numbers of the sites of block and environment, row-major, for one place of the block.

        Examples
        --------
        >>> V, E = Geometry((4, 4), (1, 1), buffer=0).sites((1, 1))
        >>> V.tolist(), E.tolist()
        ([5], [0, 1, 2, 4, 6, 8, 9, 10])
        """
        at = np.asarray(corner)
        return self.flat(self.visible, at), self.flat(self.environment, at)

    def flat(self, offsets: IntArray, corner: IntArray) -> IntArray:
        """Numbers of sites, row-major.

        Parameters
        ----------
        offsets : array of int, shape (sites, d)
            Sites of a window, from its corner.
        corner : array of int, shape (d,)
            First site of the window.

        Raises
        ------
        TypeError, ValueError
            These are no integers, or not of these shapes.
        """
        d = len(self.lattice)
        places = checks.array("offsets", offsets, dtype=np.int64, shape=(None, d))
        first = checks.array("corner", corner, dtype=np.int64, shape=(d,))
        at = (places + first) % np.array(self.lattice)
        return np.asarray(np.ravel_multi_index(tuple(at.T), self.lattice), dtype=np.int64)

    def flat_all(self, offsets: IntArray, corners: IntArray) -> IntArray:
        """Numbers of sites, row-major, for many places, shape (places, sites)."""
        at = (np.asarray(offsets) + np.asarray(corners)[:, None]) % np.array(self.lattice)
        return np.asarray(
            np.ravel_multi_index(tuple(np.moveaxis(at, -1, 0)), self.lattice), dtype=np.int64
        )
