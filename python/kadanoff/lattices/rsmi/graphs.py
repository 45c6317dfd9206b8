"""Graphs of sites: which sites are neighbours, and how far apart they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadanoff._base.types import IntArray

__all__ = ["coarse_edges", "distances", "edges_of"]


def edges_of(graph: Any, sites: int) -> IntArray:
    """Pairs i < j of neighbours, shape (edges, 2), from an adjacency matrix or a networkx graph.

    Nodes of a networkx graph stand for sites in the order in which it lists them.

    Examples
    --------
    >>> edges_of([[0, 1, 0], [1, 0, 1], [0, 1, 0]], 3).tolist()
    [[0, 1], [1, 2]]
    """
    if hasattr(graph, "nodes") and hasattr(graph, "edges"):
        number = {node: i for i, node in enumerate(graph.nodes)}
        if len(number) != sites:
            raise ValueError(f"graph must have one node per site, {sites}, got {len(number)} nodes")
        pairs = [(number[edge[0]], number[edge[1]]) for edge in graph.edges]
        found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    else:
        if hasattr(graph, "tocoo"):  # of scipy.sparse
            sparse = graph.tocoo()
            shape, ends = sparse.shape, np.stack([sparse.row, sparse.col], axis=1)
            ends = ends[sparse.data != 0]
        else:
            try:
                dense = np.asarray(graph)
                shape, ends = dense.shape, np.argwhere(dense != 0)
            except (TypeError, ValueError):
                shape = ()
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                "graph must be an adjacency matrix or a networkx graph; pass "
                "networkx.Graph(edges) for a list of edges"
            )
        if shape[0] != sites:
            raise ValueError(
                f"graph must have one row per site, {sites}, got an adjacency matrix of {shape[0]}"
            )
        found = np.asarray(ends, dtype=np.int64).reshape(-1, 2)
        ordered = {tuple(pair) for pair in found.tolist()}
        if any((j, i) not in ordered for i, j in ordered):
            raise ValueError("graph must be undirected: pass adjacency + adjacency.T")
    found = np.sort(found[found[:, 0] != found[:, 1]], axis=1)
    return np.unique(found, axis=0)


def distances(edges: IntArray, sites: int, start: IntArray) -> IntArray:
    """Bonds between every site and the nearest of `start`; `sites` where no path leads.

    Examples
    --------
    >>> distances(np.array([[0, 1], [1, 2]]), 4, np.array([0])).tolist()
    [0, 1, 2, 4]
    """
    found = np.full(sites, sites, dtype=np.int64)
    found[start] = 0
    for step in range(1, sites):
        near = found == step - 1
        if not near.any():
            break
        reached = np.concatenate([edges[near[edges[:, 0]], 1], edges[near[edges[:, 1]], 0]])
        reached = reached[found[reached] == sites]
        found[reached] = step
    return found


def coarse_edges(edges: IntArray, block: IntArray) -> IntArray:
    """Pairs of blocks with a bond between them; `block` is the number of each site's block or -1.

    Examples
    --------
    >>> coarse_edges(np.array([[0, 1], [1, 2], [2, 3]]), np.array([0, 0, 1, 1])).tolist()
    [[0, 1]]
    """
    ends = np.sort(block[edges], axis=1)
    ends = ends[(ends[:, 0] >= 0) & (ends[:, 0] != ends[:, 1])]
    return np.unique(ends, axis=0).reshape(-1, 2)
