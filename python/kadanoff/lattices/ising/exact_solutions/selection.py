"""Exact averages of an Ising model, by whichever solution applies and gives most."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Protocol

from kadanoff._base import checks
from kadanoff._base.signatures import public
from kadanoff.lattices.ising.exact_solutions.bulk import onsager
from kadanoff.lattices.ising.exact_solutions.one_dimension import chain
from kadanoff.lattices.ising.exact_solutions.results import Exact, pair, ratio, temperature
from kadanoff.lattices.ising.exact_solutions.states import (
    LATTICES,
    DensityOfStates,
    enumerate_states,
)
from kadanoff.lattices.ising.exact_solutions.strip_moments import Rows, cost
from kadanoff.lattices.ising.exact_solutions.torus import kaufman
from kadanoff.lattices.ising.exact_solutions.triangles import houtappel
from kadanoff.lattices.ising.models import boundaries

__all__ = ["Model", "exact"]

QUICK = 25  # spins that are enumerated in a tenth of a second
MAX_SPINS = 32
MAX_COST = 3e8  # of a strip: some ten seconds

Boundary = str | tuple[str, ...]


class Model(Protocol):
    """A model on a lattice, such as ``kadanoff.ising.Ising``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""
        ...

    @property
    def J(self) -> tuple[float, ...]:
        """Coupling along every axis, and the diagonal."""
        ...

    @property
    def h(self) -> float:
        """Field."""
        ...

    @property
    def boundary(self) -> tuple[str, ...]:
        """periodic or open, for every axis."""
        ...

    @property
    def lattice(self) -> str:
        """Name of the lattice."""
        ...


@lru_cache(maxsize=8)
def _states(lengths: tuple[int, ...], lattice: str, boundary: Boundary) -> DensityOfStates:
    return enumerate_states(lengths, lattice=lattice, boundary=boundary, progress=False)


@public
def exact(
    L: int | tuple[int, ...] | Model | None,
    T: float,
    *,
    J: float | tuple[float, ...] = 1.0,
    h: float = 0.0,
    lattice: str = "square",
    boundary: Boundary = "periodic",
) -> Exact:
    r"""Exact averages of ``H = -sum J_a s_i s_j - h sum s_i``, by whichever method gives most.

    Parameters
    ----------
    L : int, tuple of int, model, or None
        Length, or (Lx, Ly, ...); None for the infinite lattice. A model brings everything but T.
    T : float
        Temperature in the units of J.
    J : float or tuple of floats
        One coupling, or one for each axis (on the triangular lattice x, y and diagonal).
    h : float
        Field.
    lattice : {"chain", "square", "triangular", "cubic", "honeycomb"}
        Lattice of the spins; the honeycomb lattice only with L = None.
    boundary : {"periodic", "open"}, or one of them for each length
        Whether the ends of an axis are joined.

    Returns
    -------
    Exact
        Its ``method`` names the solution.

    Raises
    ------
    ValueError
        No solution is implemented for this lattice; the message lists those that are.
    TypeError
        An argument has the wrong type, or a model is given together with its parameters.

    Notes
    -----
    Chains by their transfer matrix; up to 25 spins all states, which gives the moments of the
    magnetisation too; periodic square lattices without a field by Kaufman's formula, the infinite
    ones by Onsager's and, triangular and honeycomb, by Houtappel's; up to 32 spins all states
    again, in seconds; open or half open square lattices, or those in a field, by their transfer
    matrix, with second and fourth moments, up to 16 sites across, or 10 where the other axis is
    periodic. Moments of a torus without a field: :meth:`Strip.averages`.

    Examples
    --------
    >>> exact(4, 2.0).method, exact(64, 2.0).method
    ('all 2^16 states', 'Kaufman, 64 x 64 torus')
    >>> print(f"{exact(None, 2.0).m:.6f}")
    0.911319
    """
    if not (L is None or isinstance(L, int | tuple | list)) and hasattr(L, "boundary"):
        if (J, h, lattice, boundary) != (1.0, 0.0, "square", "periodic"):
            raise TypeError("a model has couplings, field, lattice and boundary of its own")
        return exact(L.shape, T, J=L.J, h=L.h, lattice=L.lattice, boundary=L.boundary)
    if lattice == "honeycomb":
        if L is not None or checks.real("h", h) != 0:
            raise ValueError(
                f"lattice = 'honeycomb' is solved for L = None and h = 0, got L = {L!r}, h = {h!r}"
            )
        return houtappel(T, J=J, lattice=lattice)  # type: ignore[arg-type]
    dimension, classes = LATTICES[checks.choice("lattice", lattice, LATTICES)]
    edges = boundaries(boundary, dimension)
    closed = all(edge == "periodic" for edge in edges)
    couplings = pair("J", J, count=classes)
    h = checks.real("h", h)
    lengths: tuple[int, ...] | None = None
    if L is not None:
        given: tuple[object, ...] = tuple(L) if isinstance(L, tuple | list) else (L,) * dimension
        if len(given) != dimension:
            raise ValueError(f"the {lattice} lattice has {dimension} lengths, got L = {L!r}")
        lengths = tuple(checks.whole("L", n) for n in given)
    spins = math.inf if lengths is None else math.prod(lengths)
    if spins <= QUICK and lengths is not None:
        return _states(lengths, lattice, edges).at(T, J=couplings, h=h)
    if lattice == "chain":
        n = None if lengths is None else lengths[0]
        return chain(n, T, J=couplings[0], h=h, boundary=edges[0])
    square = lattice == "square" and closed and h == 0
    if square and lengths is None:
        return onsager(T, J=(couplings[0], couplings[1]))
    if square and lengths is not None:
        frustrated = any(j < 0 and n % 2 for n, j in zip(lengths, couplings, strict=True))
        if not frustrated:
            return kaufman((lengths[0], lengths[1]), T, J=(couplings[0], couplings[1]))
    if lattice == "triangular" and lengths is None and h == 0:
        return houtappel(T, J=(couplings[0], couplings[1], couplings[2]))
    if spins <= MAX_SPINS and lengths is not None:
        return _states(lengths, lattice, edges).at(T, J=couplings, h=h)
    if lattice == "square" and lengths is not None:
        Lx, Ly = lengths
        a = 0 if cost(Lx, Ly, edges[1]) <= cost(Ly, Lx, edges[0]) else 1
        if cost(lengths[a], lengths[1 - a], edges[1 - a]) <= MAX_COST:
            ratio("J", max(couplings, key=abs), temperature(T))
            J_ab = couplings[a], couplings[1 - a]
            rows = Rows(width=lengths[a], T=T, J=J_ab, h=h, boundary=edges[a])
            return rows.averages(lengths[1 - a], edges[1 - a])
    raise ValueError(
        f"no exact solution here for the {lattice} lattice with L = {L}, boundary = {edges!r}, "
        f"h = {h:g}: there are chains, periodic square lattices without a field, square lattices "
        "up to 16 sites across (10 between two periodic axes), infinite square, triangular and "
        f"honeycomb lattices, and any lattice up to {MAX_SPINS} spins"
    )
