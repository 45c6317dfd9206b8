"""Memory of a run, estimated before it starts."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kadanoff._base.memory import available
from kadanoff.bands.interleaved import InterleavedChain
from kadanoff.impurities.models.doubling import copies

if TYPE_CHECKING:
    from kadanoff.impurities.nrg.job import Job
    from kadanoff.impurities.nrg.options import Options

__all__ = ["basis", "check", "estimate"]

BASIS_BYTES = 32e6
"""Bytes of a complete basis that stay in memory, of all chains that run side by side."""

# Blocks of a shell with M multiplets hold about SPREAD * M^2 elements: measured between 0.011 and
# 0.03 for 200 to 4000 kept multiplets in the three symmetries, spin and charge reflections off.
SPREAD = 0.03
# States in an average kept multiplet for each SU2 factor, measured at 1000 to 4000 kept states.
PER_SU2 = (2.3, 2.4, 2.0)
# Fewer labels make larger blocks: by how much for each factor that is Z2 or none.
SPREAD_OF_BROKEN = 4.0


def basis(memory: float | None) -> dict[str, Any]:
    """Keywords of the core that bound the memory of a complete basis, in bytes, or the default.

    The default writes to disk early, as reading costs a few per cent of the time; where no file
    can be written, half of the available memory serves. A bound that the caller names is kept.

    Examples
    --------
    >>> basis(1e6)
    {'basis_limit': 1000000, 'basis_fallback': 0}
    """
    if memory is not None:
        return {"basis_limit": int(memory), "basis_fallback": 0}
    fallback = 0.5 * (available() or 4e9)
    return {"basis_limit": int(BASIS_BYTES), "basis_fallback": int(fallback)}


def states_per_multiplet(symmetry: Sequence[str]) -> float:
    """States in an average kept multiplet.

    Examples
    --------
    >>> states_per_multiplet(("U1", "SU2"))
    2.4
    """
    sizes = [size for size, factor in zip(PER_SU2, symmetry, strict=False) if factor == "SU2"]
    return math.prod(sizes) if sizes else 1.0


def estimate(
    *,
    keep: int | None,
    keep_multiplets: int | None,
    symmetry: Sequence[str],
    vectors: bool = False,
    states: int | None = None,
    growth: int = 4,
) -> int:
    """Estimate of the bytes that the matrices of one shell occupy, to within a factor of two.

    The estimate decides before a run; during the run the core counts the bytes of every shell
    before it allocates them.

    Parameters
    ----------
    keep, keep_multiplets : int or None
        As in :func:`kadanoff.nrg.solve`; the smaller one counts.
    symmetry : tuple of str
        (charge, spin).
    vectors : bool
        Whether all eigenvectors are wanted (static expectation values).
    states : int, optional
        Number of states of impurity and chain, an upper bound for a short chain.
    growth : int
        Number of states of a chain site: 4, or 16 with two channels.

    Examples
    --------
    >>> estimate(keep=3500, keep_multiplets=None, symmetry=("U1", "U1")) // 10**6
    94
    """
    # A further site multiplies the number of kept states by `growth`.
    sizes = []
    if keep is not None:
        sizes.append(growth * keep if states is None else min(growth * keep, states))
    if keep_multiplets is not None:
        grown = math.ceil(growth * keep_multiplets * states_per_multiplet(symmetry))
        sizes.append(grown if states is None else min(grown, states))
    if not sizes:
        return 0
    multiplets = min(sizes) / states_per_multiplet(symmetry)
    broken = sum(factor in ("Z2", "none") for factor in symmetry)
    spread = min(SPREAD * SPREAD_OF_BROKEN**broken, 0.5)
    return int(8 * spread * multiplets**2 * (6.0 if vectors else 2.0))


def check(jobs: Sequence[Job], options: Options, vectors: bool, threads: int | None) -> int | None:
    """Refuse runs that cannot fit; return the limit for one shell, in bytes."""
    free = available()
    if free is None:
        return None
    # Simultaneous runs share the available memory.
    runs = min(sum(len(job.cores) for job in jobs), threads or os.cpu_count() or 1)
    share = free // max(runs, 1)
    for job in jobs:
        interleaved = isinstance(job.chains[0], InterleavedChain)
        need = estimate(
            keep=options.keep,
            keep_multiplets=options.keep_multiplets,
            symmetry=job.symmetry,
            vectors=vectors,
            states=job.model.impurity_dimension
            * copies(job.model)
            * 4 ** (job.starts[0].bands * job.chains[0].sites),
            growth=4 ** (1 if interleaved else job.starts[0].bands),
        )
        if need > share:
            raise MemoryError(
                f"the run needs about {need / 1e9:.1f} GB for one shell and {share / 1e9:.1f} GB "
                f"are available to each of {runs} side by side: lower keep (now {options.keep}) "
                f"or keep_multiplets (now {options.keep_multiplets}), or use a larger symmetry "
                f"than {job.symmetry}"
            )
    return share
