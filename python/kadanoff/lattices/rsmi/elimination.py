r"""Sums over most spins of an Ising model, a few being kept.

    Z(kept) = sum over the others of exp(sum_bonds K s_i s_j)

Variable elimination: the spin that is summed next is the one whose neighbours, old and new, are
fewest. Memory and time are 2^(largest neighbourhood): 2L on a torus, and the spins that are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from kadanoff._base.types import FloatArray

__all__ = ["partial_sum"]

_MAX_OPEN = 24


def partial_sum(
    bonds: Iterable[tuple[int, int, float]], kept: Sequence[int], sites: Iterable[int]
) -> tuple[FloatArray, float]:
    """``Z(kept) = factor * exp(log)``, as (factor, log); axis i of the factor is spin kept[i].

    Parameters
    ----------
    bonds : iterable of (i, j, K)
        Couplings over temperature.
    kept : sequence of int
        Spins that are not summed.
    sites : iterable of int
        All spins.

    Returns
    -------
    factor : array of shape (2, ..., 2)
        Index 0 is spin up.
    log : float

    Raises
    ------
    ValueError
        The sum would need more than 2^24 numbers at once.

    Examples
    --------
    Decimation of a chain of three spins:

    >>> Z, log = partial_sum([(0, 1, 0.3), (1, 2, 0.3)], [0, 2], range(3))
    >>> K = 0.5 * np.log(Z[0, 0] / Z[0, 1])
    >>> print(f"{np.tanh(K):.12f} {np.tanh(0.3) ** 2:.12f}")
    0.084863038173 0.084863038173
    """
    factors: list[tuple[tuple[int, ...], FloatArray]] = []
    log = 0.0
    for i, j, K in bonds:
        table = np.array([[np.exp(K - abs(K)), np.exp(-K - abs(K))]] * 2)
        table[1] = table[1, ::-1]
        log += abs(K)
        if i == j:
            log += K - abs(K)
            continue
        factors.append(((i, j), table))
    rest = [s for s in sites if s not in set(kept)]
    while rest:
        near = {s: {x for names, _ in factors if s in names for x in names} - {s} for s in rest}
        site = min(rest, key=lambda s: (len(near[s]), s))
        rest.remove(site)
        touched = [f for f in factors if site in f[0]]
        factors = [f for f in factors if site not in f[0]]
        if not touched:
            log += np.log(2.0)
            continue
        names, product = _product(touched)
        summed = product.sum(axis=names.index(site))
        top = float(summed.max())
        log += np.log(top)
        factors.append((tuple(x for x in names if x != site), summed / top))
    for s in kept:
        factors.append(((s,), np.ones(2)))
    names, product = _product(factors)
    order = [names.index(s) for s in kept]
    return np.ascontiguousarray(product.transpose(order)), float(log)


def _product(
    factors: list[tuple[tuple[int, ...], FloatArray]],
) -> tuple[tuple[int, ...], FloatArray]:
    names = tuple(dict.fromkeys(x for f in factors for x in f[0]))
    if len(names) > _MAX_OPEN:
        raise ValueError(
            f"the exact sum needs 2^{len(names)} numbers at once (at most 2^{_MAX_OPEN}): take a "
            "smaller lattice, or estimate from samples with the oracle"
        )
    product = np.ones((2,) * len(names))
    for found, table in factors:
        axes = sorted(range(len(found)), key=lambda k: names.index(found[k]))
        shape = [2 if x in found else 1 for x in names]
        product *= table.transpose(axes).reshape(shape)
    return names, product
