"""Whether a chain has clusters of levels so large that a bound on the kept states is void.

A cut never tears levels apart that lie within `gap` of each other. On a chain whose hoppings fall
faster than its scale, as for a band with next to no weight on one side of the Fermi level, all
levels of a shell end up within `gap`, and every further site makes four times as many of them.
"""

from __future__ import annotations

import numpy as np

from kadanoff._base.types import FloatArray
from kadanoff.bands.leads import ChannelChain
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.impurities.nrg.options import Options

__all__ = ["check_clusters", "kept_at"]

WEAK = 0.02  # hoppings of a regular chain are above a tenth of the scale
OVERSHOOT = 4  # more states than this times the bound would take 64 times as long
STATES_PER_MULTIPLET = 3
MAX_STATES = 65_536


def check_clusters(chain: Chain, options: Options) -> None:
    """Refuse a chain on which the number of kept states has no bound.

    Parameters
    ----------
    chain : Chain
        A Wilson chain.
    options : Options
        Bounds, and the gap at which a cut is placed.

    Raises
    ------
    ValueError
        The levels of a shell lie so close that a cut at `gap` keeps several times as many states
        as wanted.

    Notes
    -----
    The levels are those of the clean chain, exact; the impurity multiplies their number.
    """
    if isinstance(chain, ChannelChain):
        for part in chain.parts:
            check_clusters(part, options)
        return
    size = np.abs(chain.onsite[1:])
    link = np.maximum(np.abs(chain.hopping), size) / chain.scale[1:]
    if link.size == 0 or np.min(link) > WEAK:
        return
    first = int(np.argmax(link <= WEAK)) + 1
    for n in range(first, chain.sites):
        # Dense, of a hundred sites at most: scipy's tridiagonal solver would load scipy.
        t = chain.hopping[:n]
        h = np.diag(chain.onsite[: n + 1]) + np.diag(t, 1) + np.diag(t, -1)
        modes = np.abs(np.linalg.eigvalsh(h))
        wanted, kept = kept_at(np.sort(modes) / chain.scale[n], options)
        if kept > OVERSHOOT * wanted:
            raise ValueError(
                f"keep has no meaning for {chain.band!r}: from shell {n} on (T = "
                f"{chain.scale[n]:.1g}) its levels are nearer to each other than gap = "
                f"{options.gap:g} of the scale, and at least {kept} states would be kept, "
                f"{wanted} wanted; end the chain before (sites={max(n - 1, 4)}), lower gap, or "
                "give both sides of the Fermi level weight"
            )


def kept_at(modes: FloatArray, options: Options) -> tuple[int, int]:
    """States that the bounds ask for, and states up to the next gap, of free electrons.

    Parameters
    ----------
    modes : array, ascending
        Excitation energies of one spin, in units of the scale; each enters twice.
    options : Options
        Bounds and gap.

    Examples
    --------
    >>> kept_at(np.array([0.0, 0.5, 1.0]), Options(keep=8))
    (8, 12)
    """
    most = min(OVERSHOOT * _bound(options) + 1, MAX_STATES)
    levels = np.zeros(1)
    for E in modes:
        if levels.size == most and levels[-1] < E:
            break
        levels = np.sort(np.concatenate([levels, levels + E, levels + E, levels + 2.0 * E]))[:most]
    wanted = min(_bound(options), levels.size)
    if options.energy_cutoff is not None:
        wanted = min(wanted, int(np.searchsorted(levels, options.energy_cutoff, side="right")))
    wanted = max(wanted, 1)
    apart = np.flatnonzero(np.diff(levels[wanted - 1 :]) > options.gap)
    kept = wanted + int(apart[0]) if apart.size else levels.size
    return wanted, kept


def _bound(options: Options) -> int:
    """The number of states that the options allow, at most `MAX_STATES`."""
    bounds = [MAX_STATES // (OVERSHOOT + 1)]
    if options.keep is not None:
        bounds.append(options.keep)
    if options.keep_multiplets is not None:
        bounds.append(STATES_PER_MULTIPLET * options.keep_multiplets)
    return min(bounds)
