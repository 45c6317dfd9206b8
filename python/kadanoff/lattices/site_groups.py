"""Sites of a graph in groups without neighbours, which can be updated at once."""

from __future__ import annotations

import numpy as np

from kadanoff._base.types import IntArray

__all__ = ["independent_groups"]


def independent_groups(bonds: IntArray, sites: int) -> list[tuple[IntArray, IntArray, IntArray]]:
    """Groups of sites that no bond joins, with their neighbours.

    Parameters
    ----------
    bonds : array of int, shape (bonds, 2)
        Pairs of different sites; a pair may be named more than once.
    sites : int
        Number of sites.

    Returns
    -------
    list of (members, near, numbers)
        Sites of each group; their neighbours, shape (members, most neighbours), `sites` where there
        is none; the bonds to them, `len(bonds)` where there is none.

    Examples
    --------
    >>> [members.tolist() for members, _, _ in independent_groups(np.array([[0, 1], [1, 2]]), 4)]
    [[0, 2, 3], [1]]
    """
    near: list[list[tuple[int, int]]] = [[] for _ in range(sites)]
    for number, (i, j) in enumerate(bonds.tolist()):
        near[i].append((j, number))
        near[j].append((i, number))
    group = [-1] * sites
    for site, others in enumerate(near):
        used = {group[other] for other, _ in others}
        group[site] = next(g for g in range(len(used) + 1) if g not in used)
    of, found = np.array(group), []
    for g in range(int(of.max()) + 1):
        members = np.flatnonzero(of == g)
        width = max(len(near[m]) for m in members)
        table = np.full((len(members), width, 2), (sites, len(bonds)))
        for row, m in enumerate(members):
            if near[m]:
                table[row, : len(near[m])] = near[m]
        found.append((members, table[..., 0], table[..., 1]))
    return found
